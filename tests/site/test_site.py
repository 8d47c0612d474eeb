# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The documentation as a website: it is built without a warning, leads a new person, and is looked at in a browser, wide and on a phone."""

from __future__ import annotations

import html
import re
import subprocess
import sys
import zlib
from pathlib import Path

import pytest
import yaml
from support.chromium import look
from support.playbook import ROOT

DOCS = ROOT / ".cache" / "docs"
WIDE = ("index", "docsite/performance", "fleet_report_role", "scalingo_database_module")


@pytest.fixture(scope="module")
def site() -> Path:
    """The website, as `make docs` builds it."""
    done = subprocess.run([sys.executable, ROOT / "scripts" / "docs"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "written: .cache/docs/html/index.html\n"), done.stdout + done.stderr
    return DOCS / "html"


def text_of(path: Path) -> str:
    """What a reader sees of a page."""
    body = path.read_text(encoding="utf-8").split('role="main"', 1)[1].split("<footer", 1)[0]
    return html.unescape(re.sub(r"<[^>]+>", "", body))


def test_what_is_named_elsewhere_is_used(site: Path) -> None:
    """A page of others that nothing links any more is removed from the list."""
    content = (DOCS / "site" / "elsewhere.inv").read_bytes().split(b"using zlib.\n", 1)[1]
    places = re.findall(r"(?m)^\S+ std:\w+ -1 (\S+) -$", zlib.decompress(content).decode())
    written = "\n".join(path.read_text(encoding="utf-8") for path in site.rglob("*.html"))
    assert places and not [place for place in places if f"/latest/{place}" not in written]


def test_every_role_shows_a_play_and_where_to_read_more(site: Path) -> None:
    for path in sorted((ROOT / "roles").iterdir()):
        text = text_of(site / f"{path.name}_role.html")
        assert "README of the role" in text, path.name
        assert "hosts: localhost" in text or "import_playbook" in text, path.name
        assert re.findall(r"Entry point (\w+)", text)[0] == "main"


def test_every_page_is_in_the_index_in_the_order_of_reading(site: Path) -> None:
    sections = yaml.safe_load((ROOT / "docs" / "docsite" / "extra-docs.yml").read_text(encoding="utf-8"))["sections"]
    pages = [page for section in sections for page in section["toctree"]]
    assert sorted(pages) == sorted(path.stem for path in (ROOT / "docs" / "docsite" / "rst").glob("*.rst"))
    index = (site / "index.html").read_text(encoding="utf-8").split('role="main"', 1)[1]
    linked = re.findall(r'<li class="toctree-l1"><a class="reference internal" href="docsite/(\w+)\.html"', index)
    assert linked == pages
    assert "Release Notes" in text_of(site / "changelog.html")


def test_pages_fit_a_phone_and_the_console_is_silent(site: Path) -> None:
    guides = [f"docsite/{path.stem}" for path in sorted((ROOT / "docs" / "docsite" / "rst").glob("*.rst"))]
    views = [
        {"name": f"{page} {width}", "file": str(site / f"{page}.html"), "width": width, "height": 844}
        for width, pages in ((390, {*WIDE, *guides}), (1280, WIDE))
        for page in sorted(pages)
    ]
    seen = look(views)
    assert {name: (view["said"], view["scrollWidth"] - view["clientWidth"]) for name, view in seen.items()} == {
        view["name"]: ([], 0) for view in views
    }
