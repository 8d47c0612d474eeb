# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the generated suites are applied to, as parameters of pytest."""

from __future__ import annotations

import typing as t

import pytest
from support.cases import Case
from support.subjects import Subject, subjects

EVERY_MODULE = [pytest.param(subject, id=subject.name) for subject in subjects()]


def _usable(subject: Subject) -> bool:
    """Whether there is a case file that can be read: test_completeness fails where there is none."""
    try:
        return bool(subject.cases.cases) and bool(subject.module)
    except Exception:
        return False


TESTED = [subject for subject in subjects() if _usable(subject)]
#: One module that reads and one that changes: with these everything is tried that is the same code for all of them.
THOROUGHLY = [next((subject.name for subject in TESTED if subject.reads_only is reads), "") for reads in (True, False)]
TESTED_MODULES = [pytest.param(subject, id=subject.name) for subject in TESTED]


def cases(wanted: t.Callable[[Subject, Case], bool] = lambda subject, case: True) -> list[t.Any]:
    """Every case of every module, or those that are wanted."""
    return [
        pytest.param(subject, case, id=f"{subject.name}: {case.name}")
        for subject in TESTED
        for case in subject.cases.cases
        if wanted(subject, case)
    ]


def none(problems: t.Sequence[str]) -> None:
    """Fail with every complaint on a line of its own."""
    if problems:
        pytest.fail("\n".join(problems), pytrace=False)
