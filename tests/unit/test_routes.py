# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every call that the client knows is used by something that a playbook can say, but those of the dashboard."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from ansible_collections.community.scalingo.plugins.module_utils import _endpoints

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
CLIENT = PLUGINS / "module_utils" / "_endpoints.py"
CONTRACT = PLUGINS.parent / "docs" / "contract.md"

#: Calls of docs/contract.md section 2 that no module makes. Only routes that no confirmed client uses may stand here, that is routes
#: that the client of the new dashboard alone has (mark J): what the other official clients use, a playbook can use too.
UNUSED = {"show_plan_by_name", "ping", "show_lag", "list_database_types", "show_database_type"}


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


def test_every_call_of_the_client_is_used_but_those_of_the_dashboard() -> None:
    assert len(calls()) > 60 and hasattr(_endpoints, "DatabaseApi")
    others = "\n".join(path.read_text(encoding="utf-8") for path in sorted(PLUGINS.rglob("*.py")) if path != CLIENT)
    inside = CLIENT.read_text(encoding="utf-8")
    unused = {
        name
        for name in calls()
        # One call may be part of another: then it is used where that one is.
        if not re.search(rf"\.{name}\b", others) and not re.search(rf"self\.{name}\(", inside)
    }
    assert unused == UNUSED


@pytest.mark.parametrize("name", sorted(UNUSED))
def test_what_is_left_out_is_in_the_client_of_the_dashboard_alone(name: str) -> None:
    """The contract names JS as the only source, in its index of the Database API or where it tells of the main API."""
    (number,) = [route.number for route in _endpoints.all_routes() if route.name == name]
    contract = CONTRACT.read_text(encoding="utf-8")
    indexed = re.search(rf"^\| {number} \|.*\| ([A-Z0-9 ]+) \|$", contract, re.MULTILINE)
    told = re.search(rf"^\*\*{number} `[^`]*`\*\* \(([A-Z0-9 ]+)\)", contract, re.MULTILINE)
    found = indexed or told
    assert found and found[1] == "JS"
