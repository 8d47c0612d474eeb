# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every call that the client knows is used by something that a playbook can say."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from ansible_collections.community.scalingo.plugins.module_utils import _endpoints

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
CLIENT = PLUGINS / "module_utils" / "_endpoints.py"


def calls() -> set[str]:
    """The methods of the three APIs that send something, by their names."""
    tree = ast.parse(CLIENT.read_text(encoding="utf-8"))
    classes = [
        node
        for node in tree.body
        if isinstance(node, ast.ClassDef) and node.name in ("AuthApi", "MainApi", "DatabaseApi")
    ]
    functions = [
        item
        for node in classes
        for item in node.body
        if isinstance(item, ast.FunctionDef) and not item.name.startswith("_")
    ]
    return {item.name for item in functions if not item.decorator_list}


def test_every_call_of_the_client_is_used() -> None:
    assert len(calls()) > 60 and hasattr(_endpoints, "DatabaseApi")
    others = "\n".join(path.read_text(encoding="utf-8") for path in sorted(PLUGINS.rglob("*.py")) if path != CLIENT)
    inside = CLIENT.read_text(encoding="utf-8")
    unused = {
        name
        for name in calls()
        # One call may be part of another: then it is used where that one is.
        if not re.search(rf"\.{name}\b", others) and not re.search(rf"self\.{name}\(", inside)
    }
    assert not unused
