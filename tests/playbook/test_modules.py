# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Each module in a playbook: check mode with diff, the real run, and the same again in all words of `-vvvv`.

The tasks are in modules.yml, and a module that has none there fails here.
"""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
import yaml
from scalingo_sandbox.testing import Sandbox
from support.playbook import MODULE_PREFIX, Ansible, Run, TaskResult
from support.shop import API_TOKEN, routes
from support.subjects import subjects

TASKS = yaml.safe_load(Path(__file__).with_name("modules.yml").read_text(encoding="utf-8"))
SUPPORT = {subject.name: subject.support("idempotent") for subject in subjects()}
MODULES = list(SUPPORT)
INFORMING = [module for module in MODULES if module.endswith("_info")]


def of_collection(run: Run) -> list[TaskResult]:
    found = [item for item in run.results if item.action.startswith(MODULE_PREFIX)]
    assert found, str(run)
    return found


def verdicts(run: Run) -> list[tuple[str, str, bool]]:
    return [(item.task, item.status, bool(item.result["changed"])) for item in of_collection(run)]


def diffs(run: Run) -> list[t.Any]:
    return [item.result.get("diff") for item in of_collection(run)]


def play_of(module: str) -> dict[str, t.Any]:
    assert module in TASKS, f"write tasks that use {module} in earnest into tests/playbook/modules.yml"
    tasks = []
    for task in TASKS[module]:
        more = {key: value for key, value in task.items() if key not in ("with", "assert", "reads_only")}
        if "assert" in task:
            tasks.append({**more, "ansible.builtin.assert": {"that": task["assert"]}})
        elif "name" in task and not any("." in key for key in task):
            tasks.append({**more, MODULE_PREFIX + module: task.get("with", {})})
        elif "name" in task:
            tasks.append(more)
    assert any(MODULE_PREFIX + module in task for task in tasks), "they do not use it"
    return {"name": module, "hosts": "localhost", "gather_facts": False, "tasks": tasks}


def in_all_words(run: Run) -> None:
    assert "community.scalingo: runs " in run.output, "-vvvv says nothing"
    for secret in (API_TOKEN, r"\beyJ[A-Za-z0-9_-]{10,}\."):
        assert not re.search(secret, run.output), "a token is shown at -vvvv"


@pytest.mark.parametrize("module", [module for module in MODULES if module not in INFORMING])
def test_check_then_real_then_again_in_all_words(module: str, ansible: Ansible, sandbox: Sandbox) -> None:
    plays = [play_of(module)]
    checked = ansible.play(plays, "--check", "--diff").ok().clean()
    assert sandbox.unsafe() == [], routes(sandbox.unsafe())

    reads_only = any("reads_only" in task for task in TASKS[module])
    real = ansible.play(plays, "--diff").ok().clean()
    written = routes(sandbox.unsafe())
    assert verdicts(checked) == verdicts(real)
    assert diffs(checked) == diffs(real)
    assert checked.shown_diffs() == real.shown_diffs()
    assert bool(checked.shown_diffs()) == any(changed for dummy, dummy, changed in verdicts(real))
    assert bool(written) != reads_only, "a module that changes something is to show it, or to say why it reads only"
    for item in of_collection(real):
        assert "censored" in item.result or item.result["api_usage"]["writes"] == 0 or item.result["changed"], item

    sandbox.clear_log()
    again = ansible.play(plays, "--diff", "-vvvv").ok().clean()
    if SUPPORT[module] == "none":
        assert routes(sandbox.unsafe()) == written
    else:
        assert again.count("changed") == 0, str(again)
        assert sandbox.unsafe() == [], routes(sandbox.unsafe())
        assert reads_only or all(not diff or diff["before"] == diff["after"] for diff in diffs(again)), diffs(again)
    in_all_words(again)


@pytest.mark.parametrize("modules", [INFORMING[::2], INFORMING[1::2]], ids=["half", "other half"])
def test_those_that_read_in_check_mode_and_in_all_words(
    modules: t.Sequence[str], ansible: Ansible, sandbox: Sandbox
) -> None:
    """They do the same each time, and none disturbs another, so that one process of Ansible runs the playbooks of many."""
    plays = [play_of(module) for module in modules]
    checked = ansible.play(plays, "--check", "--diff").ok().clean()
    real = ansible.play(plays, "--diff", "-vvvv").ok().clean()
    assert {item.action for item in of_collection(real)} >= {MODULE_PREFIX + module for module in modules}
    assert sandbox.unsafe() == [], routes(sandbox.unsafe())
    assert verdicts(checked) == verdicts(real)
    assert not any(changed for dummy, dummy, changed in verdicts(real)) and checked.shown_diffs() == []
    for item in of_collection(real):
        assert "censored" in item.result or item.result["api_usage"]["writes"] == 0, item
    in_all_words(real)
