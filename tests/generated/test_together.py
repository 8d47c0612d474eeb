# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two writers at one thing, for every module that changes something: the same task twice, another one, somebody who takes it back."""

from __future__ import annotations

import pytest
from support.cases import Case
from support.generation import TESTED, none
from support.laboratory import Laboratory
from support.subjects import Subject
from support.suites import together

CASES = [
    pytest.param(subject, case, id=f"{subject.name}: {case.name}")
    for subject in TESTED
    for case in together.chosen_cases(subject)
]


@pytest.mark.parametrize("subject, case", CASES)
def test_two_at_a_time_do_nothing_twice_and_tell_the_truth(
    laboratory: Laboratory, subject: Subject, case: Case
) -> None:
    none(together.problems(laboratory, subject, case))
