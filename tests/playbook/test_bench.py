# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What `make bench` measures can be measured, and has the form that tables, plot and page want. No test says how fast anything is."""

from __future__ import annotations

import importlib.util
import json
import re
import subprocess
import sys
import typing as t
import xml.etree.ElementTree
from pathlib import Path

import docutils.core
import pytest
from support.subjects import ROOT

PAGE = ROOT / "docs" / "docsite" / "rst" / "performance.rst"


@pytest.fixture(scope="module")
def shows() -> t.Any:
    spec = importlib.util.spec_from_file_location("bench_figures", ROOT / "scripts" / "bench_figures.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def titles(text: str) -> list[str]:
    """The headings of a page, which docutils reads without a complaint."""
    document = docutils.core.publish_doctree(text, settings_overrides={"halt_level": 2, "report_level": 2})
    return [str(section.next_node().astext()) for section in document.findall() if section.tagname == "section"]


@pytest.mark.long
def test_smallest_parts(tmp_path: Path, shows: t.Any) -> None:
    command = [
        sys.executable,
        ROOT / "scripts" / "bench",
        "--part",
        "g",
        "h",
        "--rounds",
        "1",
        "--fleet",
        "2",
        "--mebibytes",
        "4",
        "--directory",
        tmp_path,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    figures = json.loads((tmp_path / "bench.json").read_text(encoding="utf-8"))
    assert set(figures) == {"machine", "versions", "parts"}
    assert list(figures["parts"]) == ["g", "h"]
    part = figures["parts"]["g"]
    assert set(part) == {"date", "load", "took", "rounds", "rows", "shown", "notes", "plotted"}
    assert [set(row) for row in part["rows"]] == [
        {"way", "databases", "requests", "seconds", "processor", "memory"}
    ] * 4
    # Bearer, list of apps, the app; with details a token and a reading of each database, and for the report four more. For the drift the bearer, and
    # of each database a token and four readings.
    assert [row["requests"] for row in part["rows"]] == [3, 7, 15, 11]
    drilled, restored = figures["parts"]["h"]["rows"][-2:]
    assert [drilled["way"], restored["way"]] == ["A drill of PostgreSQL", "pg_restore alone"]
    assert drilled["seconds"] > restored["seconds"] and all(
        row["processor_all"] > row["processor"] for row in (drilled, restored)
    )
    assert "(g) An inventory, a report and a drift" in (tmp_path / "bench.txt").read_text(encoding="utf-8")
    xml.etree.ElementTree.parse(tmp_path / "bench.svg")
    assert shows.tables("\n".join(shows.sections(figures)))["g"] == [
        {key: pytest.approx(value, rel=0.06, abs=1) if key != "way" else value for key, value in row.items()}
        for row in part["rows"]
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bench.json", "bench.svg", "bench.txt"]


def test_page_holds_every_part(shows: t.Any) -> None:
    assert titles(PAGE.read_text(encoding="utf-8")) == ["At a glance", *(title for title, text in shows.PARTS.values())]


def test_plot_of_the_page_shows_its_tables(shows: t.Any) -> None:
    """The page is where the figures are kept: the committed plot is what its tables give, and each bar as long as its figure."""
    text = PAGE.read_text(encoding="utf-8")
    assert shows.drawn(text) == text, "run scripts/bench --plot"
    svg = re.findall(r"<svg.*?</svg>", text, re.DOTALL)
    assert len(svg) == 1
    drawing = xml.etree.ElementTree.fromstring(svg[0])
    space = "{http://www.w3.org/2000/svg}"
    inner = list(drawing)
    bars = [
        (inner[place - 1].text, float(bar.get("width", "")), inner[place + 1].text)
        for place, bar in enumerate(inner)
        if bar.tag == space + "rect"
    ]
    assert [bars[place] for place in (0, 6, 10)] == [
        ("As a module", 330.0, "282"),
        ("A loop of ansible.builtin.uri", 330.0, "10686"),
        ("In-process, 500 databases", round(330 * 80.9 / 156.8, 1), "80.9"),
    ]
    # Light or dark, for eyes or ears, and nothing is fetched.
    assert drawing.get("role") == "img" and "from 146 (One task, in-process) to 10686" in drawing.get("aria-label", "")
    assert "fill:currentColor" in svg[0] and not re.search(r"#(?:fff|000)\b|url\(|href", svg[0])
    assert len(svg[0]) < 6000


def test_page_needs_every_part(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, ROOT / "scripts" / "bench", "--page", "--directory", tmp_path],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1
    assert "there are no figures of a, b, c, d, e, f, g, h: run `make bench` first" in done.stderr
