# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every option of every module has an effect, and a case that shows it; wrong values are refused by name.

The options of the connection and of the target are the same code for all: `make faults` tries each with every module, and every other run with
a third of them, each option with others.
"""

from __future__ import annotations

import os
import typing as t

import pytest
from ansible_collections.community.scalingo.plugins.module_utils import _options
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON
from support.cases import API_PATH, DB_API, FOR_THE_DATABASE_API, Case
from support.generation import TESTED, TESTED_MODULES, THOROUGHLY, cases, none
from support.laboratory import Laboratory
from support.subjects import Subject, paths_of
from support.suites import effects, wrong


def _is_tried(number: int, subject: Subject, option: str) -> bool:
    if "SCALINGO_FAULTS" in os.environ or subject.name in THOROUGHLY or option not in COMMON.options:
        return True
    return (number + list(COMMON.options).index(option)) % 3 == 0


SHARED = [
    pytest.param(subject, case, id=f"{subject.name}: {case.name}")
    for number, subject in enumerate(TESTED)
    for case in effects.shared_cases(subject)
    if case.vary and _is_tried(number, subject, next(iter(case.vary)))
]

#: Every option of every module; those that all modules share, which are the same code, with two of them.
OPTIONS = [
    pytest.param(subject, path, id=f"{subject.name}: {path}")
    for subject in TESTED
    for path in paths_of(subject.options)
    # Without auth_url it is the platform itself that is asked: tests/unit/test_auth.py.
    if path != "auth_url"
    and (API_PATH == DB_API or path not in FOR_THE_DATABASE_API)
    and (path not in COMMON.options or subject.name in THOROUGHLY)
]


#: Without those of waiting, which are the same code as well.
WITH_WRONG_VALUES = [
    param
    for param in OPTIONS
    if param.values[1] not in _options.waiting(1).options or param.values[0].name in THOROUGHLY
]


@pytest.mark.parametrize("subject, path", OPTIONS)
def test_null_and_blank_are_no_value(laboratory: Laboratory, subject: Subject, path: str) -> None:
    none(effects.emptiness_problems(laboratory, subject, path))


@pytest.mark.parametrize("subject, path", WITH_WRONG_VALUES)
def test_wrong_values_are_refused_or_taken_for_what_they_mean(
    laboratory: Laboratory, subject: Subject, path: str, record_property: t.Callable[[str, str], None]
) -> None:
    none(
        wrong.problems(
            laboratory, subject, path, lambda verdict: record_property("wrong values of options of modules", verdict)
        )
    )


@pytest.mark.parametrize("subject, case", cases(lambda subject, case: bool(case.vary)))
def test_another_value_makes_a_difference(laboratory: Laboratory, subject: Subject, case: Case) -> None:
    none(effects.problems(laboratory, subject, case))


@pytest.mark.parametrize("subject, case", SHARED)
def test_shared_options_make_a_difference(laboratory: Laboratory, subject: Subject, case: Case) -> None:
    none(effects.problems(laboratory, subject, case))


@pytest.mark.parametrize("subject", TESTED_MODULES)
def test_every_option_is_varied_by_a_case(subject: Subject) -> None:
    none(effects.coverage_problems(subject))
