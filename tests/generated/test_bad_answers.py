# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bad answers: what modules make of answers that are changed in any way, drawn by hypothesis, and of those that are kept.

`make fuzz` draws 100,000: SCALINGO_FUZZ is the directory that takes the figures, SCALINGO_FUZZ_ANSWERS how many, SCALINGO_TESTS_SEED which.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
from hypothesis import given, seed
from support.cases import load_yaml
from support.chance import drawing
from support.generation import TESTED, TESTED_MODULES, none
from support.laboratory import Laboratory
from support.subjects import Subject
from support.suites.bad_answers import Trial, Trials

FIGURES = os.environ.get("SCALINGO_FUZZ", "")
EACH = -(-int(os.environ.get("SCALINGO_FUZZ_ANSWERS", "300")) // len(TESTED))
KEPT = load_yaml(Path(__file__).with_name("bad_answers.yml").read_text(encoding="utf-8"))


def kept(subject: Subject) -> list[Trial]:
    return [Trial(**entry["trial"]) for entry in KEPT if entry["module"] == subject.name]


@pytest.mark.parametrize("subject", TESTED_MODULES)
def test_bad_answers(laboratory: Laboratory, subject: Subject) -> None:
    trials = Trials(laboratory, subject)
    none([f"{trial.as_data()}: {problem}" for trial in kept(subject) for problem in trials.problems(trial)])

    @seed(int(os.environ.get("SCALINGO_TESTS_SEED", "0")))
    @drawing(EACH, bool(FIGURES))
    @given(trials.strategy())
    def try_out(trial: Trial) -> None:
        found = trials.problems(trial)
        assert not found, "\n".join([*found, "- " + json.dumps({"module": subject.name, "trial": trial.as_data()})])

    failed = True
    try:
        try_out()
        failed = False
    finally:
        if FIGURES:
            figures = {"outcomes": trials.outcomes, "failed": failed}
            Path(FIGURES, subject.name + ".json").write_text(json.dumps(figures), encoding="utf-8")
