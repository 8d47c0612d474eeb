# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The matrix of faults: a sample of each module's cells, or with `SCALINGO_FAULTS` all of them, as `make faults` runs it.

The variable names the directory that takes the figures of each module, and `SCALINGO_FAULTS_EVERY` says that every so many-th cell is enough.
"""

from __future__ import annotations

import collections
import json
import os
import typing as t
from pathlib import Path

import pytest
from support.generation import TESTED, THOROUGHLY, none
from support.laboratory import Laboratory
from support.subjects import ROOT, Subject
from support.suites import faults
from support.suites.faults import Matrix, Problem

FIGURES = os.environ.get("SCALINGO_FAULTS", "")
EVERY = int(os.environ.get("SCALINGO_FAULTS_EVERY", "1"))
MODULES = [pytest.param(number, subject, id=subject.name) for number, subject in enumerate(TESTED)]


def texts(problems: t.Iterable[Problem]) -> list[str]:
    return [problem.text for problem in problems]


def test_the_page_tells_every_fault_and_what_may_come_of_it() -> None:
    page = (ROOT / "docs" / "docsite" / "rst" / "faults.rst").read_text(encoding="utf-8")
    rows = {
        fault.name: "   * - {}\n     - {}\n".format(fault.name, "\n     - ".join(faults.in_words(fault)))
        for fault in faults.FAULTS
    }
    none([name for name, row in rows.items() if row not in page])


if FIGURES:

    @pytest.mark.parametrize("number, subject", MODULES)
    def test_the_whole_matrix(laboratory: Laboratory, number: int, subject: Subject) -> None:
        matrix = Matrix(laboratory, subject)
        every = faults.whole(matrix, number)
        cells = every[number % EVERY :: EVERY]
        found = [problem for point, fault in cells for problem in matrix.problems(point, fault)]
        # The way to the database is the same code for all modules.
        places = faults.places_of_fields(matrix, subject.name in THOROUGHLY)
        single = 0
        for point in places:
            paths = faults.fields(matrix, point)[number % EVERY :: EVERY]
            single += len(paths) * len(faults.deeds(subject))
            found += faults.field_problems(matrix, point, paths, faults.deeds(subject))
        figures = {
            "module": subject.name,
            "all": len(every),
            "cells": collections.Counter(fault.name for dummy, fault in cells),
            "phases": collections.Counter(point.phase for point, dummy in cells),
            "fields": single,
            "problems": collections.Counter(problem.kind for problem in found),
            "outcomes": ["/".join(outcome) for outcome in matrix.outcomes],
            "sample": sorted({(fault.name, point.phase) for point, fault in faults.sample(matrix, TESTED)}),
        }
        Path(FIGURES, subject.name + ".json").write_text(json.dumps(figures), encoding="utf-8")
        none(texts(found))

else:

    @pytest.mark.parametrize("number, subject", MODULES)
    def test_a_sample_of_the_matrix(laboratory: Laboratory, number: int, subject: Subject) -> None:
        matrix = Matrix(laboratory, subject)
        found = [problem for point, fault in faults.sample(matrix, TESTED) for problem in matrix.problems(point, fault)]
        for point, path in faults.sampled_fields(matrix, number):
            found += faults.field_problems(matrix, point, [path], faults.deeds(subject))
        none(texts(found))
