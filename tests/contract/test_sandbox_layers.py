# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The imports of the sandbox, those for types and those inside of functions too, have no circle."""

from __future__ import annotations

import ast
import graphlib
from pathlib import Path

import scalingo_sandbox

PACKAGE = Path(scalingo_sandbox.__file__).parent


def test_the_imports_have_no_circle() -> None:
    names = {}
    for path in PACKAGE.rglob("*.py"):
        parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
        names[".".join(parts).removesuffix(".__init__")] = path
    imported: dict[str, set[str]] = {}
    for name, path in names.items():
        found: set[str] = set()
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module in names:
                inside = {f"{node.module}.{entry.name}" for entry in node.names}
                found |= inside & set(names) or {node.module}
        imported[name] = found - {name}
    assert "scalingo_sandbox.work" in imported["scalingo_sandbox.loading"]
    graphlib.TopologicalSorter(imported).prepare()
