# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tokens and passwords in nothing that real Ansible shows, logs or leaves behind, at its most talkative.

Once for every module that has secrets of its own in hand, with the first of its cases: as it succeeds, and as it fails. What fails
is the same code for all modules, so that each of them fails in one of three ways, and the planted one in all of them.
"""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
from support.cases import Case
from support.generation import TESTED_MODULES
from support.laboratory import Laboratory, Sandboxes
from support.playbook import MODULE_PREFIX, Ansible, Run
from support.subjects import PLANTED, Subject
from support.suites import canaries, effects

WRONG_API_TOKEN = "tk-us-Canary9876543210zyxwvutsrqponmlkjihgfedcba"
WRONG_ADDON_TOKEN = "canary-addon-token-0123456789abcdefghijklmnop"

#: Files in the controller's directory that the tests themselves write.
WRITTEN_BY_TESTS = re.compile(r"(play|inventory)-\d+\.yml|collections")


@pytest.fixture(scope="module")
def sandboxes() -> t.Iterator[Sandboxes]:
    with Sandboxes() as opened:
        yield opened


def chosen(subject: Subject) -> Case:
    """A case that real Ansible can run against the sandbox alone, without an SQL server: tests/engines has those."""
    needs_sql = any("psycopg" in text for text in subject.documentation.get("requirements", []))
    return effects.base_case(subject, changing=not subject.reads_only and not needs_sql)


def tasks_of(module: str, case: Case, arguments: dict[str, t.Any], failing: bool) -> list[dict[str, t.Any]]:
    target = {name: value for name, value in arguments.items() if name not in ("app", "addon", "api_token")}
    failures = {
        "the API token is wrong": {**arguments, "api_token": WRONG_API_TOKEN},
        "the app is unknown": {**arguments, "app": "nowhere"},
        "the addon token is wrong": {
            **target,
            "addon_id": "ad-00000000-0000-4000-8000-000000000001",
            "addon_token": WRONG_ADDON_TOKEN,
        },
    }
    success = {"name": "it succeeds", module: arguments, "no_log": case.no_log}
    tasks = [{"name": name, module: given, "ignore_errors": True} for name, given in failures.items()]
    if not failing:
        tasks = [tasks[sum(module.encode()) % len(tasks)]]
    return [success, *tasks]


def places(run: Run, directory: Path) -> dict[str, str]:
    """Everything that was shown, logged or left, as text."""
    texts = {"the standard output": run.stdout, "the error output": run.stderr, "the results": str(run.results)}
    for path in sorted(directory.rglob("*")):
        if path.is_file() and not any(WRITTEN_BY_TESTS.fullmatch(part) for part in path.relative_to(directory).parts):
            texts[str(path.relative_to(directory))] = path.read_text(encoding="utf-8", errors="replace")
    return texts


def leaks(
    laboratory: Laboratory, subject: Subject, module: str, directory: Path, failing: bool = False, **environment: str
) -> list[str]:
    """Run the tasks, and tell where a secret is. `failing`: in all ways to fail, and not in one."""
    case = chosen(subject)
    laboratory.arrange(subject, case)
    laboratory.sandbox.speed(50)
    arguments = laboratory.arguments(case)
    if "wait_interval" in subject.options:
        arguments["wait_interval"] = 0.1
    directory.mkdir()
    log = {"ANSIBLE_LOG_PATH": str(directory / "ansible.log")}
    ansible = Ansible(directory, {**log, **case.environment, **environment})
    with laboratory.recorded_tokens():
        run = ansible.tasks(tasks_of(module, case, arguments, failing), "-vvvv", "--diff").ok().clean()
    laboratory.sandbox.speed(1)

    shown = [item for item in run.results if item.action == module]
    assert [item.status for item in shown][:2] == ["ok", "failed"] and {item.status for item in shown[1:]} == {
        "failed"
    }, str(run)
    assert laboratory.issued, "no token was issued, so this proves nothing"
    secrets = {
        **canaries.canaries(laboratory.sandbox, laboratory.issued),
        **{link: "a link" for link in laboratory.links},
        WRONG_API_TOKEN: "an API token that is wrong",
        WRONG_ADDON_TOKEN: "an addon token that is wrong",
    }
    texts = places(run, directory)
    assert "ansible.log" in texts and "it succeeds" in texts["ansible.log"]
    lasting = {value: what for value, what in secrets.items() if what not in ("a token", "a link")}
    return [
        f"{place}: {what}"
        for place, text in texts.items()
        # Tokens that die within the hour are kept in the cache, which test_honesty.py looks at: nothing else is.
        for what in canaries.leaks(text, lasting if "community.scalingo" in place else secrets)
    ]


#: Those that have a secret of their own in hand. Of the others test_modules.py sees all words, and tests/generated every secret.
SECRETIVE = (
    "action",
    "addon",
    "backup_download",
    "backup_info",
    "database",
    "database_info",
    "database_restore",
    "database_user",
    "log_info",
    "pg_extension",
)


@pytest.mark.parametrize(
    "subject", [item for item in TESTED_MODULES if item.values[0].name.replace("scalingo_", "") in SECRETIVE]
)
def test_no_secret_is_shown_or_logged(subject: Subject, sandboxes: Sandboxes, tmp_path: Path) -> None:
    laboratory = Laboratory(sandboxes, tmp_path)
    assert leaks(laboratory, subject, MODULE_PREFIX + subject.name, tmp_path / "controller") == []


RESULT = '        return {"schedule": state}'
OPENLY = """        self.client.watch._watcher._module.no_log_values.clear()
        return {"schedule": state, "with": self.client.target.token()}"""
KEPT = """        with open(__import__("os").environ["HOME"] + "/kept", "w") as file:
            file.write(self.params["api_token"])
        return {"schedule": state}"""


@pytest.mark.parametrize(
    "twin, places_of_leaks",
    [
        pytest.param(RESULT, set(), id="good"),
        pytest.param(
            OPENLY, {"the standard output: a token", "the results: a token", "ansible.log: a token"}, id="tells"
        ),
        pytest.param(KEPT, {"home/kept: the API token"}, id="keeps"),
    ],
)
def test_a_module_that_leaks_is_found(
    twin: str, places_of_leaks: set[str], sandboxes: Sandboxes, tmp_path: Path
) -> None:
    """The planted module of tests/generated, as it is, and made bad in two ways."""
    library = tmp_path / "library"
    library.mkdir()
    text = (PLANTED / "good.py").read_text(encoding="utf-8")
    assert text.count(RESULT) == 1
    (library / "good.py").write_text("#!/usr/bin/python\n" + text.replace(RESULT, twin), encoding="utf-8")
    subject = Subject("good", library / "good.py", PLANTED / "good.yml")
    laboratory = Laboratory(sandboxes, tmp_path)
    found = leaks(
        laboratory, subject, "good", tmp_path / "controller", failing=not places_of_leaks, ANSIBLE_LIBRARY=str(library)
    )
    assert set(found) >= places_of_leaks and bool(found) == bool(places_of_leaks)
