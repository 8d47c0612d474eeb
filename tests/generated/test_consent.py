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
import yaml
from support.cases import Case
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


ROWS = [
    Row(contract, *row[:4], **{name: value for pair in row[4:] for name, value in pair.items()})
    for contract, rows in yaml.safe_load(Path(__file__).with_name("consent.yml").read_text(encoding="utf-8")).items()
    for row in rows
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
    assert len(calls) >= 22 and set(calls) == {row.contract for row in ROWS if row.contract}


def test_the_documentation_has_these_rows_and_their_words() -> None:
    documented = {cells[0]: cells[2:] for cells in table("consent.md", "The consent has one of these forms")}
    assert set(documented) == {row.documented for row in ROWS}
    for row in ROWS:
        module, word = documented[row.documented]
        assert module == f"`{row.module}`"
        for needed in case_of(row).needs:
            assert ("`confirm: " if needed == "confirm" else f"`allow: [{needed}]`") in word, (row, word)
        for option in row.lesser or ():
            assert f"`{option}: {str(case_of(row).arguments[option]).replace('True', 'true')}`" in word, (
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
