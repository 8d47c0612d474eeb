# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""No secret is told that an answer repeats. test_honesty.py looks for secrets in every run, tests/playbook/test_canary.py
in everything that Ansible shows and logs.
"""

from __future__ import annotations

import pytest
from support.generation import TESTED_MODULES, THOROUGHLY, none
from support.laboratory import Laboratory
from support.subjects import Subject
from support.suites import answers, canaries


@pytest.mark.parametrize("subject", TESTED_MODULES)
def test_no_secret_is_told_that_an_answer_repeats(laboratory: Laboratory, subject: Subject) -> None:
    points = answers.points(laboratory, subject)
    if subject.name not in THOROUGHLY:
        points = [point for point in points if point.own]
    none([text for point in points for text in canaries.echo_problems(laboratory, subject, point)])
