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
from support.laboratory import Laboratory, domain
from support.subjects import PLANTED, Subject
from support.suites import canaries, documents, effects, examples, faults, honesty, returned, sentences, together

Suite = t.Callable[[Laboratory, Subject], list[str]]


def phases(laboratory: Laboratory, subject: Subject) -> list[str]:
    return [text for case in subject.cases.cases for text in honesty.problems(laboratory, subject, case)]


def consent(laboratory: Laboratory, subject: Subject) -> list[str]:
    return [text for case in subject.cases.cases for text in honesty.consent_problems(laboratory, subject, case)]


def words(laboratory: Laboratory, subject: Subject) -> list[str]:
    return honesty.consent_coverage_problems(subject)


def cost(laboratory: Laboratory, subject: Subject) -> list[str]:
    return honesty.cost_problems(subject)


def options(laboratory: Laboratory, subject: Subject) -> list[str]:
    every = [*subject.cases.cases, *effects.shared_cases(subject)]
    return [text for case in every for text in effects.problems(laboratory, subject, case)]


def option_coverage(laboratory: Laboratory, subject: Subject) -> list[str]:
    return effects.coverage_problems(subject)


def tried(laboratory: Laboratory, subject: Subject, *groups: str) -> list[str]:
    """The cells of the matrix with faults of these groups, but for the way to the database."""
    matrix = faults.Matrix(laboratory, subject)
    cells = [
        (point, fault)
        for point, fault in faults.whole(matrix, 0)
        if point.own and fault.group in groups and not fault.wire
    ]
    return [problem.text for point, fault in cells for problem in matrix.problems(point, fault)]


def lost(laboratory: Laboratory, subject: Subject) -> list[str]:
    return tried(laboratory, subject, "lost once")


def damaged(laboratory: Laboratory, subject: Subject) -> list[str]:
    return tried(laboratory, subject, "failure", "unreadable", "damaged", "emptied")


def refused(laboratory: Laboratory, subject: Subject) -> list[str]:
    return tried(laboratory, subject, "refused")


def damaged_fields(laboratory: Laboratory, subject: Subject) -> list[str]:
    matrix = faults.Matrix(laboratory, subject)
    places = faults.places_of_fields(matrix, False)
    deeds = ("missing_key", "wrong_type")
    return [
        problem.text
        for point in places
        for problem in faults.field_problems(matrix, point, faults.fields(matrix, point), deeds)
    ]


def two_writers(laboratory: Laboratory, subject: Subject) -> list[str]:
    return [text for case in together.chosen_cases(subject) for text in together.problems(laboratory, subject, case)]


def secrets(laboratory: Laboratory, subject: Subject) -> list[str]:
    found = []
    for case in subject.cases.cases:
        found += canaries.watch(laboratory, subject, case, laboratory.observe(subject, case))
    return found


def words_for_people(laboratory: Laboratory, subject: Subject) -> list[str]:
    return [
        text
        for case in subject.cases.cases
        for text in sentences.watch(laboratory, subject, case, laboratory.observe(subject, case))
    ]


def return_keys(laboratory: Laboratory, subject: Subject) -> list[str]:
    return returned.problems(subject, returned.results(laboratory, subject)) + returned.sample_problems(subject)


def documentation(laboratory: Laboratory, subject: Subject) -> list[str]:
    found = documents.spec_problems(subject) + documents.environment_problems(subject)
    return found + documents.promise_problems(subject)


def run_examples(laboratory: Laboratory, subject: Subject) -> list[str]:
    return examples.problems(laboratory, subject)


def form(laboratory: Laboratory, subject: Subject) -> list[str]:
    return documents.form_problems(subject)


@dataclasses.dataclass(frozen=True)
class Twin:
    """What is wrong with it, how it is made, and who has to complain of what."""

    wrong: str
    suite: Suite
    complaint: str
    old: str
    new: str
    where: str = "good.py"


PERFORM = "    def managed(self, state):\n"

TWINS = (
    # sentences
    Twin(
        "speaks Python",
        words_for_people,
        "it speaks Python: set the hour to None",
        '"set the hour",',
        '"set the hour to None",',
    ),
    Twin(
        "does not say of which database a diff is",
        words_for_people,
        "the diff says of None",
        PERFORM,
        "    def _diff(self, before, after, steps):\n        return {'before': self.managed(before), 'after': self.managed(after)}\n\n"
        + PERFORM,
    ),
    Twin(
        "tells that a reading failed when an option was refused",
        words_for_people,
        "an option was refused, and nothing else was tried",
        'raise InvalidInput("hour: {} does not exist".format(params["hour"]))',
        'raise InvalidInput("hour: {} does not exist".format(params["hour"]), doing=cls.reading)',
    ),
    # honesty
    Twin(
        "changes things in check mode",
        phases,
        "check mode: it sends",
        PERFORM,
        "    def perform(self, check_mode):\n        return super().perform(False)\n\n" + PERFORM,
    ),
    Twin(
        "says in check mode that nothing would change",
        phases,
        "check mode: it differs from the real run: changed",
        PERFORM,
        "    def perform(self, check_mode):\n"
        "        outcome = super().perform(check_mode)\n"
        "        outcome.changed = outcome.changed and not check_mode\n"
        "        return outcome\n\n" + PERFORM,
    ),
    Twin(
        "shows another diff in check mode",
        phases,
        "check mode: its diff differs",
        PERFORM,
        "    def perform(self, check_mode):\n"
        "        outcome = super().perform(check_mode)\n"
        "        if check_mode:\n"
        "            outcome.diff = {'before': {}, 'after': {}}\n"
        "        return outcome\n\n" + PERFORM,
    ),
    Twin(
        "returns something else in check mode",
        phases,
        "check mode: it differs from the real run: schedule",
        PERFORM,
        "    def perform(self, check_mode):\n"
        "        outcome = super().perform(check_mode)\n"
        "        if check_mode:\n"
        "            outcome.result['schedule'] = None\n"
        "        return outcome\n\n" + PERFORM,
    ),
    Twin(
        "forgets an option",
        phases,
        "2 calls that change something, expected 3",
        'if self.params["hour"] is not None:',
        'if self.params["hour"] == 99:',
    ),
    Twin(
        "sends another value",
        phases,
        "call 2, D2: body is",
        'periodic_backups_scheduled_at=after["hours"][0]',
        'periodic_backups_scheduled_at=after["hours"][0] + 1',
    ),
    Twin(
        "does things twice",
        phases,
        "4 calls that change something, expected 3",
        "    def create(self):\n",
        "    def create(self):\n        self.set(periodic_backups_scheduled_at=3)\n",
    ),
    Twin(
        "changes the same every night",
        phases,
        "third run: changed is true",
        'if before["hours"] != after["hours"]:',
        'if self.params["hour"] is not None and not self.applying:',
    ),
    Twin(
        "writes every night in silence",
        phases,
        "third run: it sends",
        '        return {"schedule": state}',
        '        self.set(periodic_backups_enabled=state["enabled"])\n        return {"schedule": state}',
    ),
    Twin(
        "costs a request more",
        phases,
        "third run: it costs 3 requests and not 2",
        "        found = ",
        "        show_database(self.client)\n        found = ",
    ),
    Twin(
        "promises to do the same every time",
        phases,
        "third run: it makes other calls than the first run",
        "    support: full\n",
        "    support: none\n    details: [It does.]\n",
    ),
    Twin(
        "warns of nothing",
        phases,
        "an unexpected warning: careful",
        '        return {"schedule": state}',
        '        self.warn("careful")\n        return {"schedule": state}',
    ),
    Twin(
        "documents another cost",
        cost,
        "the description says three requests, the case file 2",
        "costs two requests",
        "costs three requests",
    ),
    Twin("does not document its cost", cost, "does not say how many requests", "costs two requests", "is cheap"),
    Twin(
        "takes a failure half-way for none at all",
        phases,
        "changed is False",
        PERFORM,
        "    def perform(self, check_mode):\n"
        "        try:\n"
        "            return super().perform(check_mode)\n"
        "        except Interrupted as error:\n"
        "            raise error.error from None\n\n" + PERFORM,
    ),
    # consent
    Twin(
        "does not ask for the word",
        consent,
        "it is not refused",
        '(Consent("allow", "backups_off", "There would be no backup"),)',
        "()",
    ),
    Twin(
        "asks for the word when it is too late",
        consent,
        "without backups_off, real run: it sends",
        'self.set(periodic_backups_enabled=after["enabled"]),\n                    consent=word,',
        'late(self, after["enabled"]),',
    ),
    Twin(
        "does not say which word",
        consent,
        "the message does not name the word",
        '(Consent("allow", "backups_off", "There would be no backup"),)',
        "silently(self)",
    ),
    Twin(
        "has a word that no case needs",
        words,
        "no case needs the word exposure",
        'consent("backups_off")',
        'consent("backups_off", "exposure")',
    ),
    # options
    Twin(
        "does not use an option",
        options,
        "enabled: with True nothing is different",
        'if self.params["enabled"] is not None:\n            after["enabled"] = self.params["enabled"]',
        'if self.params["enabled"] is not None:\n            after["enabled"] = False',
    ),
    Twin(
        "does not use a shared option",
        options,
        "on_busy: with 'fail' nothing is different",
        "    def read(self):\n",
        '    def read(self):\n        self.params = {**self.params, "on_busy": "wait"}\n',
    ),
    Twin(
        "has an option that no case varies",
        option_coverage,
        "no case varies the option spare",
        "Spec({",
        'Spec({"spare": {"type": "str"}, ',
    ),
    Twin(
        "has cases for an option that it lacks",
        option_coverage,
        "a case varies size, which is no option",
        "vary: {hour: 4,",
        "vary: {hour: 4, size: 1,",
        "good.yml",
    ),
    # lost answers
    Twin(
        "sends again without having looked",
        lost,
        "create-database is sent again",
        '        logical_database.create_logical_database(self.client, self.params["database"])\n',
        '        name = self.params["database"]\n'
        "        try:\n"
        "            logical_database.create_logical_database(self.client, name)\n"
        "        except OutcomeUnknown:\n"
        "            logical_database.create_logical_database(self.client, name)\n",
    ),
    Twin(
        "believes that nothing happened",
        lost,
        "something was changed, and it reports that nothing was",
        '        logical_database.create_logical_database(self.client, self.params["database"])',
        "        try:\n"
        '            logical_database.create_logical_database(self.client, self.params["database"])\n'
        "        except OutcomeUnknown:\n"
        '            raise InvalidInput("it did not work") from None',
    ),
    Twin(
        "believes that everything happened",
        lost,
        "it reports success, and the databases are not as they should be",
        "happened=lambda state: self.there(state), resend=True",
        "happened=lambda state: True, follow=lambda: self.wanted(self.read())",
    ),
    # damaged answers
    Twin(
        "takes every field for granted",
        damaged,
        "it says 'defect of the collection'",
        "logical_database.list_logical_databases(self.client)",
        'logical_database.action("list-databases").run(self.client)',
    ),
    Twin(
        "makes something of what is not there",
        damaged_fields,
        "it reports success with a wrong result: .schedule.cluster is False",
        'found["cluster"]',
        'bool(found["cluster"])',
    ),
    Twin(
        "believes in what it has not seen",
        damaged,
        "it reports success, and nothing confirmed the call",
        "send=self.create",
        "send=lambda: blindly(self.create) or after",
    ),
    Twin(
        "shows a traceback",
        damaged,
        "it says 'Traceback (most recent call last)'",
        "    def read(self):\n",
        "    def read(self):\n"
        "        try:\n"
        "            return self.really_read()\n"
        "        except Exception:\n"
        "            raise InvalidInput(traceback.format_exc()) from None\n\n"
        "    def really_read(self):\n",
    ),
    # two writers
    Twin(
        "takes what another did for its own",
        two_writers,
        "the same task before the write: both did it: ['create-database']",
        '        logical_database.create_logical_database(self.client, self.params["database"])',
        '        blindly(lambda: logical_database.create_logical_database(self.client, self.params["database"]))',
    ),
    Twin(
        "believes its own plan",
        two_writers,
        "who takes it back before the read-back: it reports success, and there is still to be done: ['create the database']",
        "    def there(self, state):\n",
        "    def _read_back(self, current, after):\n        return ''\n\n    def there(self, state):\n",
    ),
    # secrets
    Twin(
        "returns the API token",
        secrets,
        "the API token is told",
        '        return {"schedule": state}',
        '        return {"schedule": state, "with": self.params["api_token"]}',
    ),
    Twin(
        "returns a token",
        secrets,
        "a token is told",
        '        return {"schedule": state}',
        '        return {"schedule": state, "with": self.client.target.token()}',
    ),
    Twin(
        "keeps the API token",
        secrets,
        "the API token is kept in the cache",
        '        return {"schedule": state}',
        '        pathlib.Path(os.environ["HOME"], "kept").write_text(self.params["api_token"], encoding="utf-8")\n'
        '        return {"schedule": state}',
    ),
    Twin(
        "keeps what others can read",
        secrets,
        "kept has the mode 644",
        '        return {"schedule": state}',
        '        pathlib.Path(os.environ["HOME"], "kept").write_text("", encoding="utf-8")\n'
        '        pathlib.Path(os.environ["HOME"], "kept").chmod(0o644)\n'
        '        return {"schedule": state}',
    ),
    Twin(
        "passes on what a server repeats",
        refused,
        "a token is told",
        "    def read(self):\n",
        "    def read(self):\n"
        "        try:\n"
        "            return self.really_read()\n"
        "        except ScalingoError as error:\n"
        "            error.message = 'it says %s with %s' % (error.message, self.client.target.token())\n"
        "            raise\n\n"
        "    def really_read(self):\n",
    ),
    # return keys
    Twin(
        "returns what it does not document",
        return_keys,
        "schedule.extra is returned and not documented",
        '            "databases": names,\n',
        '            "databases": names,\n            "extra": 1,\n',
    ),
    Twin(
        "documents what it does not return",
        return_keys,
        "schedule.extra is documented and never returned",
        "    databases:\n      description:",
        "    extra: {description: More., type: str, sample: x}\n    databases:\n      description:",
    ),
    Twin(
        "documents what never has a value",
        return_keys,
        "schedule.enabled never has a value in any case",
        'found["periodic_backups_enabled"]',
        "None",
    ),
    Twin(
        "returns another type",
        return_keys,
        "schedule.hours is documented as int and returned as str",
        'found["periodic_backups_scheduled_at"]',
        '[str(hour) for hour in found["periodic_backups_scheduled_at"]]',
    ),
    Twin("gives a sample of another type", return_keys, "sample of schedule.hours", "sample: [3]", "sample: 3"),
    # documentation
    Twin(
        "documents another default",
        documentation,
        "wait_timeout: default is documented as 900 and is 600.0",
        "waiting(900",
        "waiting(600",
    ),
    Twin(
        "documents another type",
        documentation,
        "hour: type is documented as 'int' and is 'str'",
        '{"type": "int"}',
        '{"type": "str"}',
    ),
    Twin(
        "documents no choices",
        documentation,
        "allow: choices is documented as None",
        "    choices: [backups_off]\n",
        "",
    ),
    Twin(
        "forgets to document an option",
        documentation,
        "the option spare is not documented",
        "Spec({",
        'Spec({"spare": {"type": "str"}, ',
    ),
    Twin(
        "documents an option that does not exist",
        documentation,
        "the option spare is documented and does not exist",
        "options:\n",
        "options:\n  spare: {description: More., type: str}\n",
    ),
    Twin(
        "logs a secret option",
        documentation,
        "spare_token: it looks like a secret, and is logged",
        "Spec({",
        'Spec({"spare_token": {"type": "str"}, ',
    ),
    Twin(
        "reads an environment variable by itself",
        documentation,
        "hour: a fallback hides what the task gives",
        '{"type": "int"}',
        '{"type": "int", "fallback": (env_fallback, ["SCALINGO_HOUR"])}',
    ),
    Twin(
        "is silent on being idempotent",
        documentation,
        "the attribute idempotent is none",
        "  idempotent:\n",
        "  platform:\n",
    ),
    Twin(
        "refers to a module that does not exist",
        documentation,
        "seealso names community.scalingo.nothing",
        "options:\n",
        "seealso:\n  - module: community.scalingo.nothing\noptions:\n",
    ),
    # examples
    Twin("has an example that does not run", run_examples, "it fails: ", "    hour: 3\n", "    hours: 3\n"),
    Twin(
        "has an example with an unknown variable",
        run_examples,
        "is undefined",
        "    hour: 3\n",
        '    hour: "{{ unknown }}"\n',
    ),
    # form
    Twin(
        "catches errors in the module",
        form,
        "errors are caught in _run alone",
        "    run(RESOURCE",
        "    try:\n        pass\n    finally:\n        pass\n    run(RESOURCE",
    ),
    Twin(
        "reads check mode in the module",
        form,
        "check_mode has no place in a module file",
        "    run(RESOURCE",
        "    RESOURCE.check_mode = RESOURCE.check_mode\n    run(RESOURCE",
    ),
    Twin(
        "imports from elsewhere",
        form,
        "it imports from json",
        "\nclass RESOURCE",
        "from json import dumps\n\n\nclass RESOURCE",
    ),
    Twin("is long", form, "lines of code, at most 100", "\nclass RESOURCE", "a = 1\n" * 101 + "\n\nclass RESOURCE"),
)

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
    assert suite(laboratory, good()) == []


@pytest.mark.parametrize("twin", TWINS, ids=lambda twin: f"{twin.suite.__name__}: {twin.wrong}")
def test_a_bad_module_is_rejected(
    laboratory: Laboratory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, twin: Twin
) -> None:
    texts = {name: (PLANTED / name).read_text(encoding="utf-8") for name in ("good.py", "good.yml")}
    assert texts[twin.where].count(twin.old) == 1, "the twin is not made of the good one"
    texts[twin.where] = texts[twin.where].replace(twin.old, twin.new)
    if twin.suite is not form:
        texts["good.py"] = texts["good.py"].replace("\nclass RESOURCE", IMPORTS + "\n\nclass RESOURCE")
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    subject = Subject("good", tmp_path / "good.py", tmp_path / "good.yml")
    monkeypatch.setattr(examples, "subjects", lambda: (subject,))
    complaints = twin.suite(laboratory, subject)
    assert any(twin.complaint in text for text in complaints), complaints
