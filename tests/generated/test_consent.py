# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every call that loses something: section 7.10 of docs/contract.md, the table of docs/consent.md, and what the modules do.

Without its consent each is refused, or not what the task means, before anything is sent; in check mode it is not sent; with its consent it is
sent, and not twice.
"""

from __future__ import annotations

import collections
import dataclasses
import re
import typing as t
from pathlib import Path

import pytest
from support.cases import OMIT, Case
from support.generation import TESTED, none
from support.laboratory import Laboratory
from support.suites import honesty

DOCS = Path(__file__).resolve().parents[2] / "docs"


@dataclasses.dataclass(frozen=True)
class Row:
    """A call that loses something: as the contract and the documentation name it, and a case that makes it.

    `lesser` are the arguments of a task that does not say the word, where the word is an option itself; it is none where the case
    says by `needs` which words it needs.
    """

    contract: str
    documented: str
    module: str
    case: str
    call: str
    lesser: t.Mapping[str, t.Any] | None = None
    times: int = 1
    #: Whether the call changes nothing, and what it hands out is the loss.
    reads: bool = False


RESTORE = "scalingo_database_restore"
USER = "scalingo_database_user"
USERS = "U5 delete user, U4 reset / U3 change password"
POLICY = "scalingo_retention_policy"
EXPOSURE = "disable `force-ssl` / enable `publicly-available`"
ADDON = "A5 addon delete / DR app delete"
UPGRADE = "scalingo_database_upgrade"
LOGICAL = "scalingo_logical_db"
DEDICATED = "Deleting an addon, or the app of a dedicated database"
EXCLUSIVE = "`delete-database`, by a list that is `exclusive`"

PERSISTENCE = "disable the last of `redis-rdb`, `redis-aof`"
EXPORT = "B4 of protected data"
LAST = "Disabling the last one of `redis-rdb` and `redis-aof`"
FIREWALL = "scalingo_firewall_rule"
WIDE = (
    "F2 with a range wider than /8 (IPv6 /16), alone or joined with neighbouring rules",
    "A firewall rule wider than /8 (/16 of IPv6), alone or joined with its neighbours",
    FIREWALL,
)
RULES = "Removing several firewall rules by a list that is `exclusive`, or any by an empty one"

ROWS = [
    Row("`delete-database`", "`delete-database`", LOGICAL, "delete one", "delete-database", {"state": OMIT}),
    Row("`delete-database`", EXCLUSIVE, LOGICAL, "an exclusive list that removes several", "delete-database", times=2),
    Row("`delete-database`", EXCLUSIVE, LOGICAL, "an exclusive list that removes one", "delete-database"),
    Row("`delete-database`", EXCLUSIVE, LOGICAL, "an exclusive list on MongoDB that removes one", "delete-database"),
    Row(
        "`delete-database`", EXCLUSIVE, LOGICAL, "an exclusive list that is empty, and one database", "delete-database"
    ),
    Row("`reset-database`", "`reset-database`", "scalingo_logical_db_reset", "empty one", "reset-database"),
    Row("`del-retention-policy`", "`del-retention-policy`", POLICY, "delete a policy", "del-retention-policy"),
    Row(
        "`del-retention-policy`",
        "`del-retention-policy`, then `add-retention-policy`",
        POLICY,
        "recreate a policy with another duration",
        "del-retention-policy",
    ),
    Row(
        "`del-retention-policy`",
        "`del-retention-policy` of the default",
        POLICY,
        "delete the default policy",
        "del-retention-policy",
    ),
    Row("D4 PITR restore", "Point-in-time restore", RESTORE, "to a point in time", "D4"),
    Row("B6 backup restore", "Restore of a backup", RESTORE, "from a backup", "B6"),
    Row(ADDON, DEDICATED, "scalingo_addon", "destroy it", "A5"),
    Row(ADDON, DEDICATED, "scalingo_addon", "destroy a database with dedicated resources", "apps-delete"),
    Row("D3 upgrade", "Upgrade to the next major version", UPGRADE, "one step, which is a major one", "D3"),
    Row("D3 upgrade", "Upgrade within a major version", UPGRADE, "one step", "D3", {}),
    Row("A4 change of plan", "Change of the plan", "scalingo_addon", "change the plan", "A4"),
    Row(USERS, "Deleting a user", USER, "delete a user", "U5", {"state": OMIT}),
    Row(USERS, "Changing a password", USER, "set the password each time", "U3", {"update_password": OMIT}),
    Row(USERS, "Changing a password", USER, "let the platform make a new password", "U4", {"reset_password": OMIT}),
    Row(
        "B2 when at the plan's limit",
        "A manual backup at the limit of the plan",
        "scalingo_backup",
        "the oldest manual backup goes when the plan keeps no more",
        "B2",
    ),
    Row(
        "periodic_backups_enabled=false",
        "`periodic_backups_enabled: false`",
        "scalingo_database",
        "no backups any more",
        "D2",
    ),
    Row(
        "enable `redis-cache`",
        "Enabling `redis-cache`",
        "scalingo_database",
        "a Redis that may drop keys, with the word",
        "D6",
    ),
    Row(PERSISTENCE, LAST, "scalingo_database", "the last kind of persistence goes", "D7"),
    Row(PERSISTENCE, LAST, "scalingo_database", "a Redis that keeps nothing on disk", "D7", times=2),
    Row(PERSISTENCE, LAST, "scalingo_database", "one kind of persistence goes and the other is going already", "D7"),
    Row(EXPOSURE, "Disabling `force-ssl`", "scalingo_database", "encryption no more, with the word", "D7"),
    Row(
        EXPOSURE,
        "Enabling `publicly-available`",
        "scalingo_database",
        "both in the right order, with the word",
        "D6",
        times=2,
    ),
    Row(
        "`pg-terminate-query`",
        "`pg-terminate-query`",
        "scalingo_pg_query",
        "end one session, whatever it does",
        "pg-terminate-query",
        {"action": OMIT},
    ),
    Row(
        "`pg-stat-statements-reset`",
        "`pg-stat-statements-reset`",
        "scalingo_pg_stat_statements",
        "throw away what was collected",
        "pg-stat-statements-reset",
        {"reset": OMIT},
    ),
    Row(
        "`pg-cancel-query`",
        "`pg-cancel-query`",
        "scalingo_pg_query",
        "cancel what is slow",
        "pg-cancel-query",
        {"action": OMIT},
    ),
    Row(*WIDE, "the whole Internet", "F2"),
    Row(*WIDE, "the whole Internet of IPv6", "F2"),
    Row(*WIDE, "the whole Internet in halves", "F2", times=2),
    Row(*WIDE, "a neighbour of what is there already", "F2"),
    Row("F3", "Removing a firewall rule", FIREWALL, "remove a range", "F3", {"state": OMIT}),
    Row("F3", RULES, FIREWALL, "an exclusive list that removes several", "F3", times=2),
    Row("F3", RULES, FIREWALL, "an exclusive list that is empty, and one rule", "F3"),
    Row(
        "A8 resume",
        "Resuming a suspended addon",
        "scalingo_addon",
        "one that is suspended is resumed",
        "A8",
        {"resume": OMIT},
    ),
    Row("DR8", "Deleting a net peering", "scalingo_net_peering", "delete one", "DR8", {"state": OMIT}),
    Row(
        EXPORT,
        "Downloading a backup of protected data",
        "scalingo_backup_download",
        "data of SecNumCloud, with the consent",
        "B4",
        reads=True,
    ),
    Row(
        EXPORT,
        "Downloading a backup of protected data",
        "scalingo_backup_download",
        "data of health, with the consent",
        "B4",
        reads=True,
    ),
    Row(
        EXPORT,
        "A link to a backup of protected data",
        "scalingo_backup_info",
        "the link to data of SecNumCloud, with the consent",
        "B4",
        reads=True,
    ),
    Row(
        EXPORT,
        "A link to a backup of protected data",
        "scalingo_backup_info",
        "the link to data of health, with the consent",
        "B4",
        reads=True,
    ),
]
SUBJECTS = {subject.name: subject for subject in TESTED}


def table(name: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading."""
    text = (DOCS / name).read_text(encoding="utf-8").split(heading, 1)[1]
    lines = re.findall(r"^\|(.*)\|$", re.split(r"\n\n(?=[^|])", text[text.index("\n|") :])[0], re.MULTILINE)
    return [[cell.strip() for cell in line.split(" | ")] for line in lines[2:]]


def case_of(row: Row) -> Case:
    (case,) = [case for case in SUBJECTS[row.module].cases.cases if case.name == row.case]
    return case


def test_every_row_of_the_contract_is_here() -> None:
    calls = [cells[0] for cells in table("contract.md", "### 7.10 ")]
    assert len(calls) == 22 and set(calls) == {row.contract for row in ROWS if row.contract}


def test_the_documentation_has_these_rows_and_their_words() -> None:
    documented = {cells[0]: cells[2:] for cells in table("consent.md", "The consent has one of these forms")}
    assert set(documented) == {row.documented for row in ROWS}
    for row in ROWS:
        module, word = documented[row.documented]
        assert module == f"`{row.module}`"
        for needed in case_of(row).needs:
            assert ("`confirm: " if needed == "confirm" else f"`allow: [{needed}]`") in word, (row, word)
        for option in row.lesser or ():
            assert "`{}: {}`".format(option, str(case_of(row).arguments[option]).replace("True", "true")) in word, (
                row,
                word,
            )


@pytest.mark.parametrize("row", [pytest.param(row, id=f"{row.documented}: {row.case}") for row in ROWS])
def test_it_needs_its_word_and_is_sent_once(row: Row, laboratory: Laboratory) -> None:
    subject, case = SUBJECTS[row.module], case_of(row)
    assert bool(case.needs) is (row.lesser is None)

    def sent(of: Case, check: bool = False) -> int:
        seen = laboratory.observe(subject, of, check=check)
        assert check is False or seen.unsafe == []
        records = seen.records if row.reads else seen.unsafe
        return collections.Counter(record.action_name or record.route for record in records)[row.call]

    none(honesty.consent_problems(laboratory, subject, case))
    if row.lesser:
        assert sent(case.with_arguments(**row.lesser)) == 0
    for word in case.needs if row.reads else ():
        lesser = case.with_arguments(allow=[other for other in case.arguments["allow"] if other != word])
        assert sent(lesser) == sent(lesser, check=True) == 0
    if row.module != "scalingo_backup_info":
        assert sent(case, check=True) == 0
    assert sent(case) == row.times
