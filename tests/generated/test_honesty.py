# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check mode, real run, third run, for every case of every module; consent; what a task costs.

In each of these runs secrets are looked for, and every key of the result in the documentation, and what is said must help a person.
"""

from __future__ import annotations

import pytest
from support.cases import Case
from support.generation import TESTED_MODULES, cases, none
from support.laboratory import Laboratory
from support.subjects import Subject
from support.suites import canaries, honesty, returned, sentences


@pytest.mark.parametrize("subject, case", cases())
def test_check_mode_the_real_run_and_the_next_one_agree(laboratory: Laboratory, subject: Subject, case: Case) -> None:
    none(honesty.problems(laboratory, subject, case, [canaries.watch, returned.watch, sentences.watch]))


@pytest.mark.parametrize("subject, case", cases(lambda subject, case: bool(case.needs or case.needs_late)))
def test_without_its_word_it_is_refused(laboratory: Laboratory, subject: Subject, case: Case) -> None:
    none(honesty.consent_problems(laboratory, subject, case))


@pytest.mark.parametrize("subject", TESTED_MODULES)
def test_every_word_is_needed_by_a_case(subject: Subject) -> None:
    none(honesty.consent_coverage_problems(subject))


@pytest.mark.parametrize("subject", TESTED_MODULES)
def test_the_documented_cost_is_the_proven_one(subject: Subject) -> None:
    none(honesty.cost_problems(subject))
