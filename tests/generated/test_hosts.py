# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Cases of every module through both hosts: as a module, and in the process of the controller. Nobody can tell the two apart.

`make faults` takes all cases, and every other run a sixth of them: the hosts differ in what they do with a report, and not with a case.
"""

from __future__ import annotations

import os

import pytest
from support.cases import Case
from support.compare import difference, settled, without
from support.generation import cases, none
from support.hosts import both
from support.laboratory import Laboratory
from support.subjects import Subject

#: What comes from the clock of the server.
OF_THE_MOMENT = ("queries.query_duration",)


def differences(laboratory: Laboratory, subject: Subject, case: Case, check: bool) -> None:
    """Warnings, diff and what it cost included; but not what the platform decides anew each time."""
    hidden = (*case.differs, *OF_THE_MOMENT)
    module, task = (settled(without(result, hidden)) for result in both(laboratory, subject, case, check))
    none(difference(module, task))


@pytest.mark.parametrize(
    "subject, case",
    cases(
        lambda subject, case: (
            not subject.on_controller and ("SCALINGO_FAULTS" in os.environ or subject.cases.cases.index(case) % 6 == 0)
        )
    ),
)
def test_both_hosts_return_the_same(laboratory: Laboratory, subject: Subject, case: Case) -> None:
    differences(laboratory, subject, case, False)


@pytest.mark.parametrize(
    "subject, case", cases(lambda subject, case: not subject.on_controller and case is subject.cases.cases[0])
)
def test_both_hosts_foretell_the_same(laboratory: Laboratory, subject: Subject, case: Case) -> None:
    differences(laboratory, subject, case, True)


@pytest.mark.parametrize(
    "subject, case", cases(lambda subject, case: subject.on_controller and case is subject.cases.cases[0])
)
@pytest.mark.parametrize("check", [False, True])
def test_what_is_for_the_controller_is_refused_as_a_module(
    laboratory: Laboratory, subject: Subject, case: Case, check: bool
) -> None:
    laboratory.arrange(subject, case)
    module, task = both(laboratory, subject, case, check)
    assert "runs in the process of the controller only" in module["msg"] and module["error"]["kind"] == "InvalidInput"
    assert module["failed"] and not module["changed"] and "api_usage" not in module
    assert task["changed"] and not task.get("failed")
