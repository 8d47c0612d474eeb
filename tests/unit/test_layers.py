# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The imports of module_utils go down the picture of docs/architecture.md, and never round in a circle."""

from __future__ import annotations

import ast
import graphlib
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
UTILS = ROOT / "plugins" / "module_utils"
FILES = {path.relative_to(UTILS).with_suffix("").as_posix(): path for path in UTILS.rglob("*.py")}
FILES = {name: path for name, path in FILES.items() if not name.endswith("__init__")}


def rows() -> dict[str, int]:
    """The place of each name of the picture, counted from the top."""
    picture = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8").split("```text\n")[1].split("```")[0]
    lines = [re.findall(r"(?:^|(?<=\s))_\w+/?", line) for line in picture.splitlines()]
    names = [(name, place) for place, line in enumerate(line for line in lines if line) for name in line]
    assert len(names) == len(dict(names)), "a name stands in the picture twice"
    return dict(names)


def place_of(name: str) -> str:
    """What the picture calls a file: it shows a folder as a whole."""
    return f"{name.split('/')[0]}/" if "/" in name else name


def imports_of(name: str) -> set[str]:
    """The files of module_utils that one imports, those for its annotations included."""
    found = set()
    for node in ast.walk(ast.parse(FILES[name].read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level:
            base = [*name.split("/")[: -node.level], *(node.module.split(".") if node.module else [])]
            found |= {file for item in node.names if (file := "/".join([*base, item.name])) in FILES}
            found |= {"/".join(base)} & FILES.keys()
    return found


def test_the_picture_shows_every_file_and_nothing_else() -> None:
    assert rows().keys() == {place_of(name) for name in FILES}


def test_every_import_is_relative_so_that_tools_and_bundles_find_it() -> None:
    """The bundle of a module holds what its imports name: one that is made at run time is not in it."""
    texts = {name: path.read_text(encoding="utf-8") for name, path in FILES.items()}
    assert not [name for name, text in texts.items() if re.search(r"ansible_collections|importlib|__import__", text)]


def test_an_import_leads_down() -> None:
    place = rows()
    upward = [
        f"{name} imports {other}"
        for name in FILES
        for other in imports_of(name)
        if place_of(name) != place_of(other) and place[place_of(other)] <= place[place_of(name)]
    ]
    assert not upward


def test_no_import_comes_back() -> None:
    assert len(list(graphlib.TopologicalSorter({name: imports_of(name) for name in FILES}).static_order())) == len(
        FILES
    )


#: The return values that modules share, and the report on a fleet.
LONG = {"doc_fragments/_returns.py"}


def test_no_file_is_too_long_to_be_read() -> None:
    plugins = ROOT / "plugins"
    sizes = {
        path.relative_to(plugins).as_posix(): len(path.read_text("utf-8").splitlines())
        for path in plugins.rglob("*.py")
    }
    assert {name: size for name, size in sizes.items() if size > 500 and name not in LONG} == {}
