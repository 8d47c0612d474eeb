# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is written of the modules, against what they are and what they return."""

from __future__ import annotations

import re

import pytest
import yaml
from support.generation import EVERY_MODULE, TESTED, TESTED_MODULES, none
from support.laboratory import Laboratory
from support.subjects import ROOT, Subject, fragment, subjects
from support.suites import documents, examples, returned


@pytest.mark.parametrize("subject", EVERY_MODULE)
def test_options_are_documented_as_they_are(subject: Subject) -> None:
    none(documents.spec_problems(subject))


@pytest.mark.parametrize("subject", EVERY_MODULE)
def test_environment_variables_are_documented_as_they_are(subject: Subject) -> None:
    none(documents.environment_problems(subject))


@pytest.mark.parametrize("subject", EVERY_MODULE)
def test_attributes_and_references_are_right(subject: Subject) -> None:
    none(documents.promise_problems(subject))


@pytest.mark.parametrize("part", ["description", "options"])
def test_descriptions_are_short(part: str) -> None:
    fragments = [fragment(f"community.scalingo.{name}") for name in ("_options", "_options.wait", "_options.patience")]
    every = [*[subject.own_documentation for subject in subjects()], *fragments]
    words = [
        len(text.split())
        for documentation in every
        for text in documents.bullets({part: documentation.get(part) or {}})
    ]
    print(f"{part}: {len(words)} bullets of {sum(words) / len(words):.1f} words")
    assert sum(words) / len(words) <= documents.WORDS_OF_A_BULLET


def test_tasks_are_named_by_verb_and_object() -> None:
    """People read them in a job log, each alone."""
    pictures = "Begin|Bring|Come|Go|Have|Keep it|Look|Note|Pass on|Reckon|Say|Take it|Tell"
    files = [path for place in ("roles", "playbooks") for path in sorted((ROOT / place).rglob("*.yml"))]
    names = [name for path in files for name in re.findall(r"(?m)^ *- name: (.+)$", path.read_text(encoding="utf-8"))]
    assert len(names) > 100
    none([name for name in names if re.match(rf"({pictures})\b", name)])


@pytest.mark.parametrize("subject", EVERY_MODULE)
def test_return_keys_say_what_they_are(subject: Subject) -> None:
    none(returned.sample_problems(subject))


@pytest.mark.parametrize("subject", TESTED_MODULES)
def test_what_is_returned_is_what_is_documented(laboratory: Laboratory, subject: Subject) -> None:
    none(returned.problems(subject, returned.results(laboratory, subject)))


def test_shared_return_keys_and_samples_really_come_back(laboratory: Laboratory) -> None:
    none(returned.shared_problems([(subject, returned.results(laboratory, subject)) for subject in TESTED]))


@pytest.mark.parametrize("subject", TESTED_MODULES)
def test_the_examples_run(laboratory: Laboratory, subject: Subject) -> None:
    none(examples.problems(laboratory, subject))


@pytest.mark.parametrize(
    "table, module, key",
    [
        ("database", "scalingo_database", "database"),
        ("database", "scalingo_database_info", "databases"),
        ("instance", "scalingo_database", "database.instances"),
        ("instance", "scalingo_database_info", "databases.instances"),
    ],
)
def test_every_field_of_the_public_documentation_is_returned(table: str, module: str, key: str) -> None:
    index = yaml.safe_load((ROOT / "tests/fixtures/seeds/index.yml").read_text(encoding="utf-8"))
    fields = [entry["field"] for entry in index["tables"][table]["fields"]]
    subject = next(subject for subject in subjects() if subject.name == module)
    none(returned.field_problems(fields, subject, key))
