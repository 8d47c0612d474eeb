# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action that runs the programs of roles: what it returns, and what reaches the program."""

from __future__ import annotations

import multiprocessing
import os
import sys
import types
import typing as t
from pathlib import Path

import pytest
from ansible.errors import AnsibleActionSkip
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible.template import Templar
from ansible_collections.community.scalingo.plugins.action import scalingo_role_program
from ansible_collections.community.scalingo.plugins.module_utils._progress import RunEnded
from support.programs import until

LOADER = DataLoader()
CONNECTION = types.SimpleNamespace(_shell=types.SimpleNamespace(tmpdir="", env_prefix=lambda **dummy: ""))
ECHO = "import json, os, sys; print(json.dumps([sys.argv[1:], sys.stdin.read(), os.environ['WHOSE'], os.getcwd()]), end='\\n\\n')"


def run(*argv: t.Any, stdin: str = "", check_mode: bool = False) -> dict[str, t.Any]:
    task = Task()
    task.args, task.environment, task.check_mode = (
        {"argv": list(argv), "stdin": stdin},
        [{"WHOSE": "the task's"}],
        check_mode,
    )
    action = scalingo_role_program.ActionModule(
        task, CONNECTION, None, LOADER, Templar(loader=LOADER, variables={}), None
    )
    return t.cast(dict[str, t.Any], action.run(task_vars={}))


def ended(dummy: t.Any) -> None:
    raise RunEnded


def test_a_program_gets_its_input_the_environment_of_the_task_and_the_directory_of_the_playbook(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("WHOSE", "the controller's")
    monkeypatch.setattr(LOADER, "_basedir", str(tmp_path))
    result = run(sys.executable, "-c", ECHO, 7, stdin='{"näme": 1}')
    assert result["stdout"] == f'[["7"], "{{\\"n\\u00e4me\\": 1}}", "the task\'s", "{os.path.realpath(tmp_path)}"]'
    assert (result["rc"], result["stderr"], result["changed"], result.get("failed", False)) == (0, "", True, False)
    assert os.environ["WHOSE"] == "the controller's"


def test_a_program_that_ends_badly_is_a_failure_with_all_that_it_said() -> None:
    result = run(sys.executable, "-c", "import sys; print('out'); sys.exit('why')")
    assert (result["failed"], result["rc"], result["stdout"], result["stderr"], result["msg"]) == (
        True,
        1,
        "out",
        "why",
        "non-zero return code",
    )


def test_a_program_that_is_not_there_is_a_failure() -> None:
    result = run("/nowhere/program")
    assert (
        result["failed"]
        and result["rc"] != 0
        and "/nowhere/program cannot be started: No such file" in result["stderr"]
    )


def test_nothing_is_run_in_check_mode() -> None:
    with pytest.raises(AnsibleActionSkip):
        run("/nowhere/program", check_mode=True)


@pytest.mark.skipif(
    not sys.platform.startswith("linux"), reason="only Linux ends a process with the one that has started it"
)
def test_a_program_ends_with_its_worker(tmp_path: Path) -> None:
    """In order, so that it can remove what must not stay."""
    said = tmp_path / "said"
    program = f"import pathlib, signal, sys; signal.signal(15, lambda *dummy: sys.exit(pathlib.Path({str(said)!r}).write_text('ended')))"
    program += f"; pathlib.Path({str(said)!r}).write_text('begun'); signal.pause()"
    worker = multiprocessing.get_context("fork").Process(target=run, args=(sys.executable, "-c", program))
    worker.start()
    until(lambda: said.exists() and said.read_text(encoding="utf-8") == "begun", "the program")
    worker.kill()
    until(lambda: said.read_text(encoding="utf-8") == "ended", "the end of the program", 10)
    worker.join()


def test_no_program_is_started_for_a_run_that_has_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(scalingo_role_program.Parent, "alive", ended)
    monkeypatch.setattr(scalingo_role_program.os, "_exit", sys.exit)
    with pytest.raises(SystemExit):
        run("touch", str(tmp_path / "begun"))
    assert not list(tmp_path.iterdir())
