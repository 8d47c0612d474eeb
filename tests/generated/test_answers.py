# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Lost and damaged answers, for every case and every kind of request of every module."""

from __future__ import annotations

import pytest
from support.cases import Case
from support.generation import TESTED_MODULES, THOROUGHLY, cases, none
from support.laboratory import Laboratory
from support.subjects import Subject
from support.suites import answers


@pytest.mark.parametrize("subject, case", cases(lambda subject, case: bool(case.expect.calls)))
def test_a_lost_answer_is_never_reported_wrongly(laboratory: Laboratory, subject: Subject, case: Case) -> None:
    none(answers.lost_problems(laboratory, subject, case))


@pytest.mark.parametrize("subject", TESTED_MODULES)
def test_a_damaged_answer_is_an_error_in_a_sentence(laboratory: Laboratory, subject: Subject) -> None:
    points = answers.points(laboratory, subject)
    assert points, "the cases make no request"
    thorough = subject.name in THOROUGHLY
    none([text for point in points for text in answers.damage_problems(laboratory, subject, point, thorough)])


@pytest.mark.parametrize("subject", TESTED_MODULES)
def test_a_single_damaged_field_is_told_or_does_not_matter(laboratory: Laboratory, subject: Subject) -> None:
    """Modules that read return all of a thing; of those that change it, this is about what they read before they do."""
    points = [
        point
        for point in answers.points(laboratory, subject)
        if point.own and answers.known(point.record) and (subject.reads_only or point.phase == "at first")
    ]
    # A task that changes something may do otherwise where the answer does not say all.
    deeds = ("missing_key", "wrong_type") if subject.reads_only else ("wrong_type",)
    none([text for point in points for text in answers.field_problems(laboratory, subject, point, deeds)])


def test_a_single_damaged_field_on_the_way_to_the_database_does_not_matter(laboratory: Laboratory) -> None:
    """The way is the same code for all modules."""
    subject = next(item.values[0] for item in TESTED_MODULES if item.values[0].name == "scalingo_database_info")
    points = [point for point in answers.points(laboratory, subject) if not point.own and point.phase == "at first"]
    assert points
    none([text for point in points for text in answers.field_problems(laboratory, subject, point, fresh=True)])
