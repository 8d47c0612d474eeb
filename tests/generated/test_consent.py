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
from support.cases import Case
from support.generation import TESTED, none
from support.laboratory import Laboratory
from support.subjects import Subject
from support.suites import honesty

DOCS = Path(__file__).resolve().parents[2] / "docs"


@dataclasses.dataclass(frozen=True)
class Loss:
    """A case that loses something, as its `loss` says (tests/cases/README.md)."""

    subject: Subject
    case: Case
    row: str
    call: str
    lost: str = ""
    consent: str = ""
    contract: str = ""
    #: The arguments of a task without the consent where that is an option itself; none where the case `needs` it.
    lesser: t.Mapping[str, t.Any] | None = None
    times: int = 1
    #: Whether the call changes nothing, and what it hands out is the loss.
    reads: bool = False


LOSSES = [Loss(subject, case, **case.loss) for subject in TESTED for case in subject.cases.cases if case.loss]


def table(name: str, heading: str) -> list[list[str]]:
    """The cells of the first table below a heading."""
    text = (DOCS / name).read_text(encoding="utf-8").split(heading, 1)[1]
    lines = re.findall(r"^\|(.*)\|$", re.split(r"\n\n(?=[^|])", text[text.index("\n|") :])[0], re.MULTILINE)
    return [[cell.strip() for cell in line.split(" | ")] for line in lines[2:]]


def test_every_row_of_the_contract_is_here() -> None:
    calls = [cells[0] for cells in table("contract.md", "### 7.10 ")]
    assert len(calls) >= 22 and set(calls) == {loss.contract for loss in LOSSES if loss.contract}


def test_the_documentation_has_these_rows_and_their_words() -> None:
    documented = {(cells[0], cells[2]): cells[3] for cells in table("consent.md", "The consent has one of these forms")}
    assert set(documented) == {(loss.row, f"`{loss.subject.name}`") for loss in LOSSES}
    for loss in LOSSES:
        word = documented[loss.row, f"`{loss.subject.name}`"]
        for needed in loss.case.needs:
            assert ("`confirm: " if needed == "confirm" else f"`allow: [{needed}]`") in word, (loss.row, word)
        for option in loss.lesser or ():
            assert f"`{option}: {str(loss.case.arguments[option]).replace('True', 'true')}`" in word, (loss.row, word)


@pytest.mark.parametrize("loss", [pytest.param(loss, id=f"{loss.row}: {loss.case.name}") for loss in LOSSES])
def test_it_needs_its_word_and_is_sent_once(loss: Loss, laboratory: Laboratory) -> None:
    subject, case = loss.subject, loss.case
    assert bool(case.needs) is (loss.lesser is None)

    def sent(of: Case, check: bool = False) -> int:
        seen = laboratory.observe(subject, of, check=check)
        assert check is False or seen.unsafe == []
        records = seen.records if loss.reads else seen.unsafe
        return collections.Counter(record.action_name or record.route for record in records)[loss.call]

    none(honesty.consent_problems(laboratory, subject, case))
    if loss.lesser:
        assert sent(case.with_arguments(**loss.lesser)) == 0
    for word in case.needs if loss.reads else ():
        lesser = case.with_arguments(allow=[other for other in case.arguments["allow"] if other != word])
        assert sent(lesser) == sent(lesser, check=True) == 0
    if subject.name != "scalingo_backup_info":
        assert sent(case, check=True) == 0
    assert sent(case) == loss.times
