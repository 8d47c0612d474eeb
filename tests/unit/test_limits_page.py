# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page "What cannot be done": each row has a section of the contract that speaks of it, and no module does it after all."""

from __future__ import annotations

import re

import pytest
import yaml
from support.pages import ROOT, Page

PAGE = Page("limits")
CONTRACT = (ROOT / "docs" / "contract.md").read_text(encoding="utf-8")
TABLE = PAGE.text.partition("\nBy the platform\n")[2].partition("\nBy this collection\n")[0]
ROWS = re.findall(r"^(\w.+) \((\d\.\d+)\)\n  (.+)$", TABLE, re.MULTILINE)
#: What the section calls it.
SPOKEN = {
    "Upgrade on a second database and switch over (blue/green)": "",
    "Periodic backups more than once a day": "more than one hour/day",
    "Delete, rename or label a backup": "delete backup",
    "Restore a backup into another or a new database": "restore",
    "Be a superuser, or create roles with rights of your own": "not superusers",
    "Read a password again": "never readable again",
    "Move a database to another app, region or engine": "engine, region",
    "An API token that may only read, or only one app": "all DB operations",
}


def section(number: str) -> str:
    found = re.search(rf"^###? {re.escape(number)} .*?(?=^##)", CONTRACT, re.MULTILINE | re.DOTALL)
    assert found is not None, f"the contract has no section {number}"
    return found[0]


def test_each_row_names_a_section() -> None:
    assert len(ROWS) == len(re.findall(r"^\w.*\n  ", TABLE, re.MULTILINE)) > 20


@pytest.mark.parametrize(("what", "number", "way"), ROWS, ids=[row[0][:30] for row in ROWS])
def test_the_contract_speaks_of_it(what: str, number: str, way: str) -> None:
    text = section(number).lower()
    words = (
        [SPOKEN[what].lower()]
        if what in SPOKEN
        else [word for word in re.findall(r"[a-z0-9]{5,}", what.lower()) if word != "database"]
    )
    assert any(word in text for word in words), f"{number} has none of {words}"
    assert way.strip()


def test_no_call_of_the_api_does_what_is_said_to_be_absent() -> None:
    """tests/unit/endpoints.yml has all calls that the collection knows."""
    calls = yaml.safe_dump(
        yaml.safe_load((ROOT / "tests" / "unit" / "endpoints.yml").read_text(encoding="utf-8"))
    ).lower()
    assert not re.search(r"downgrade|cancel_operation|switchover|delete [^\n]*/backups/", calls)
