# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The suites accept a good module and reject its bad twins: planted/good.py with one thing in it made wrong.

A suite that lets its twin pass tests nothing.
"""

from __future__ import annotations

import dataclasses
import typing as t
from pathlib import Path

import pytest
import yaml
from support.laboratory import Laboratory, domain
from support.subjects import PLANTED, Subject
from support.suites import canaries, documents, effects, examples, faults, honesty, returned, sentences, together

#: Its complaints, one by one, as no more of a twin is tried than is wrong with it.
Suite = t.Callable[[Laboratory, Subject], t.Iterable[str]]


def phases(laboratory: Laboratory, subject: Subject) -> t.Iterator[str]:
    return (text for case in subject.cases.cases for text in honesty.problems(laboratory, subject, case))


def consent(laboratory: Laboratory, subject: Subject) -> t.Iterator[str]:
    return (text for case in subject.cases.cases for text in honesty.consent_problems(laboratory, subject, case))


def words(laboratory: Laboratory, subject: Subject) -> list[str]:
    return honesty.consent_coverage_problems(subject)


def cost(laboratory: Laboratory, subject: Subject) -> list[str]:
    return honesty.cost_problems(subject)


def options(laboratory: Laboratory, subject: Subject) -> t.Iterator[str]:
    every = [*subject.cases.cases, *effects.shared_cases(subject)]
    return (text for case in every for text in effects.problems(laboratory, subject, case))


def option_coverage(laboratory: Laboratory, subject: Subject) -> list[str]:
    return effects.coverage_problems(subject)


def tried(laboratory: Laboratory, subject: Subject, *groups: str) -> t.Iterator[str]:
    """The cells of the matrix with faults of these groups, but for the way to the database."""
    matrix = faults.Matrix(laboratory, subject)
    cells = [
        (point, fault)
        for point, fault in faults.whole(matrix, 0)
        if point.own and fault.group in groups and not fault.wire
    ]
    return (problem.text for point, fault in cells for problem in matrix.problems(point, fault))


def lost(laboratory: Laboratory, subject: Subject) -> t.Iterator[str]:
    return tried(laboratory, subject, "lost once")


def damaged(laboratory: Laboratory, subject: Subject) -> t.Iterator[str]:
    return tried(laboratory, subject, "failure", "unreadable", "damaged", "emptied")


def refused(laboratory: Laboratory, subject: Subject) -> t.Iterator[str]:
    return tried(laboratory, subject, "refused")


def damaged_fields(laboratory: Laboratory, subject: Subject) -> t.Iterator[str]:
    matrix = faults.Matrix(laboratory, subject)
    places = faults.places_of_fields(matrix, False)
    deeds = ("missing_key", "wrong_type")
    return (
        problem.text
        for point in places
        for problem in faults.field_problems(matrix, point, faults.fields(matrix, point), deeds)
    )


def two_writers(laboratory: Laboratory, subject: Subject) -> t.Iterator[str]:
    return (text for case in together.chosen_cases(subject) for text in together.problems(laboratory, subject, case))


def secrets(laboratory: Laboratory, subject: Subject) -> t.Iterator[str]:
    for case in subject.cases.cases:
        yield from canaries.watch(laboratory, subject, case, laboratory.observe(subject, case))


def words_for_people(laboratory: Laboratory, subject: Subject) -> t.Iterator[str]:
    return (
        text
        for case in subject.cases.cases
        for text in sentences.watch(laboratory, subject, case, laboratory.observe(subject, case))
    )


def return_keys(laboratory: Laboratory, subject: Subject) -> list[str]:
    return returned.problems(subject, returned.results(laboratory, subject)) + returned.sample_problems(subject)


def documentation(laboratory: Laboratory, subject: Subject) -> list[str]:
    found = documents.spec_problems(subject) + documents.environment_problems(subject)
    return found + documents.promise_problems(subject)


def run_examples(laboratory: Laboratory, subject: Subject) -> list[str]:
    return examples.problems(laboratory, subject)


def form(laboratory: Laboratory, subject: Subject) -> list[str]:
    return documents.form_problems(subject)


PERFORM = "    def managed(self, state):\n"


@dataclasses.dataclass(frozen=True)
class Twin:
    """What is wrong with it, how it is made, and who has to complain of what: planted/twins.yml."""

    suite: Suite
    wrong: str
    complaint: str
    old: str = PERFORM
    new: str = ""
    #: One more method, in the place of `old` and `new`.
    method: str = ""
    where: str = "good.py"

    def spoil(self, text: str) -> str:
        assert text.count(self.old) == 1, "the twin is not made of the good one"
        return text.replace(self.old, f"{self.method}\n{PERFORM}" if self.method else self.new)


TWINS = [
    Twin(globals()[suite], **twin)
    for suite, twins in yaml.safe_load((PLANTED / "twins.yml").read_text(encoding="utf-8")).items()
    for twin in twins
]

#: What twins use, and the good one does not.
IMPORTS = """
import os
import pathlib
import traceback
from ansible.module_utils.basic import env_fallback
from ansible_collections.community.scalingo.plugins.module_utils._change import Interrupted
from ansible_collections.community.scalingo.plugins.module_utils._errors import ConsentMissing, OutcomeUnknown, ScalingoError


def late(resource, enabled):
    resource.set(maintenance_window={"weekday_utc": 1, "starting_hour_utc": 1})
    if "backups_off" not in resource.params["allow"]:
        raise ConsentMissing("Add 'allow: [backups_off]' to the task")
    resource.set(periodic_backups_enabled=enabled)


def silently(resource):
    if "backups_off" not in resource.params["allow"]:
        raise ConsentMissing("No")
    return ()


def blindly(call):
    try:
        call()
    except ScalingoError:
        pass
"""

EVERY_SUITE = (
    phases,
    consent,
    words,
    cost,
    options,
    option_coverage,
    lost,
    damaged,
    damaged_fields,
    two_writers,
    refused,
    secrets,
    words_for_people,
    return_keys,
    documentation,
)


def good() -> Subject:
    return Subject("good", PLANTED / "good.py", PLANTED / "good.yml")


def test_what_time_and_chance_make_different_is_no_difference() -> None:
    def state(backup: str, identifier: str, port: str) -> t.Any:
        database = {
            "hostname": "shop-1001.example.com:" + port,
            "backups": [{"id": identifier, "name": backup + "_shop_1001"}],
        }
        return {"apps": [{"addons": [{"resource_id": "shop_1001", "database": database}]}]}

    seen = domain(state("20261129130848", "0123456789abcdef01234567", "30849"))
    assert seen == domain(state("20261129130849", "0123456789abcdef01230849", "30849"))
    assert seen == domain(state("20261129130848", "0123456789abcdef01234567", "39999"))


@pytest.mark.parametrize("suite", EVERY_SUITE, ids=lambda suite: suite.__name__)
def test_a_good_module_is_accepted(laboratory: Laboratory, suite: Suite) -> None:
    assert list(suite(laboratory, good())) == []


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: f"{twin.suite.__name__}: {twin.wrong}")
def test_a_bad_module_is_rejected(
    laboratory: Laboratory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, twin: Twin
) -> None:
    texts = {name: (PLANTED / name).read_text(encoding="utf-8") for name in ("good.py", "good.yml")}
    texts[twin.where] = twin.spoil(texts[twin.where])
    if twin.suite is not form:
        texts["good.py"] = texts["good.py"].replace("\nclass RESOURCE", IMPORTS + "\n\nclass RESOURCE")
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    subject = Subject("good", tmp_path / "good.py", tmp_path / "good.yml")
    monkeypatch.setattr(examples, "subjects", lambda: (subject,))
    others = []
    for text in twin.suite(laboratory, subject):
        if twin.complaint in text:
            return
        others.append(text)
    pytest.fail("nobody complains of it, but of: " + "; ".join(others))
