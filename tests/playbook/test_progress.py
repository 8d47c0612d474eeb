# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is seen of a wait while it goes on, and what is left of it when its run is ended from outside."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import signal
import subprocess
import typing as t
from pathlib import Path

import pytest
from scalingo_sandbox.testing import Sandbox
from support.playbook import Ansible, _descendants, _yaml, oldest_core, task
from support.shop import API_TOKEN, MYSQL, until

SHOP = {"app": "shop", "addon": "mysql"}
OPERATION = "0123456789abcdef01234567"
SUBJECT = "addon mysql (%s) of app shop in osc-fr1" % MYSQL


@pytest.fixture(params=("newest", "oldest"))
def controller(request: pytest.FixtureRequest, tmp_path: Path, sandbox: Sandbox) -> Ansible:
    programs = oldest_core() if request.param == "oldest" else None
    return Ansible(tmp_path, sandbox.environment(), programs=programs)


def waiting(name: str = "wait", keywords: t.Optional[t.Mapping[str, t.Any]] = None, **more: t.Any) -> dict[str, t.Any]:
    """A task that waits for the end of an operation that does not end."""
    options = {"periodic_backups_scheduled_at": 5, "wait_timeout": 3, "wait_interval": 0.3, **SHOP, **more}
    return task("scalingo_database", name, {"ignore_errors": True, **(keywords or {})}, **options)


@pytest.fixture
def busy(sandbox: Sandbox) -> Sandbox:
    sandbox.change_database(MYSQL, current_operation_id=OPERATION, status="upgrading")
    return sandbox


def lines_of(text: str) -> list[str]:
    return [line for line in text.replace("\r", "").splitlines() if "so far" in line or "shows nothing until" in line]


# -- what is seen ----------------------------------------------------------------------------------------------------


def test_lines_come_on_stderr_and_in_the_log(controller: Ansible, busy: Sandbox, tmp_path: Path) -> None:
    log = tmp_path / "ansible.log"
    run = controller.tasks(
        [waiting(), waiting("hidden", {"no_log": True}), waiting("silent", {"vars": {"scalingo_progress": False}})],
        environment={"SCALINGO_PROGRESS": "1", "ANSIBLE_LOG_PATH": str(log)},
    ).ok()
    shown = lines_of(run.stderr)
    assert lines_of(run.stdout) == []
    wanted = "scalingo_database: waiting for the operation on the database %s (%s): upgrading, " % (MYSQL, SUBJECT)
    assert any(line == wanted + "1 s so far" for line in shown), shown
    hidden = [line for line in shown if not line.startswith(wanted)]
    assert hidden and all(line.startswith("scalingo_database: upgrading, ") for line in hidden), shown
    assert len(shown) <= 6
    assert [line for line in lines_of(log.read_text(encoding="utf-8")) if wanted in line]
    for item in run.results:
        assert "so far" not in str(item.result)


def test_a_short_wait_says_nothing(controller: Ansible, busy: Sandbox) -> None:
    run = controller.tasks([waiting()]).ok()
    assert lines_of(run.output) == []


def test_a_secret_in_a_status_is_masked(controller: Ansible, busy: Sandbox) -> None:
    busy.change_database(MYSQL, status="stuck at %s" % API_TOKEN)
    run = controller.tasks([waiting()], environment={"SCALINGO_PROGRESS": "1"}).ok()
    assert any("stuck at ****" in line for line in lines_of(run.stderr)), run
    assert API_TOKEN not in run.output


def test_a_module_says_before_that_it_will_say_nothing(controller: Ansible, busy: Sandbox) -> None:
    run = controller.tasks([waiting(), task("scalingo_database_info", "read", **SHOP)], environment={"SCALINGO_IN_PROCESS": "no"}).ok()
    (line,) = lines_of(run.stderr)
    assert line.startswith("scalingo_database: runs as a module (scalingo_in_process is false), and shows nothing until it ends. Meanwhile")


def test_lines_come_at_a_terminal_while_the_task_waits(controller: Ansible, busy: Sandbox, tmp_path: Path) -> None:
    with begun(controller, tmp_path, [waiting(wait_timeout=120)], SCALINGO_PROGRESS="1") as run:
        run.read_until("2 s so far")
        assert SUBJECT in run.text
        run.end(signal.SIGKILL)


def test_lines_come_under_ansible_runner(busy: Sandbox, tmp_path: Path) -> None:
    """Where AWX has its jobs from: in what it stores and shows of them."""
    controller = Ansible(tmp_path, busy.environment())
    project = tmp_path / "job" / "project"
    project.mkdir(parents=True)
    plays = [{"hosts": "localhost", "gather_facts": False, "tasks": [waiting()]}]
    (project / "job.yml").write_text(_yaml(plays), encoding="utf-8")
    done = subprocess.run(
        [str(controller.programs / "ansible-runner"), "run", str(tmp_path / "job"), "-p", "job.yml", "--ident", "1"],
        cwd=tmp_path,
        env=controller.variables({"SCALINGO_PROGRESS": "1", "SUPPORT_JSON_LINES": "", "ANSIBLE_CALLBACK_PLUGINS": None}),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    artifacts = tmp_path / "job" / "artifacts" / "1"
    events = [json.loads(path.read_text(encoding="utf-8")) for path in (artifacts / "job_events").glob("*.json")]
    for shown in (done.stdout, (artifacts / "stdout").read_text(encoding="utf-8"), "\n".join(event["stdout"] for event in events)):
        assert any(SUBJECT in line and "upgrading" in line for line in lines_of(shown)), shown


# -- the end of the run ----------------------------------------------------------------------------------------------


class Begun:
    """A run at a terminal of its own."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int) -> None:
        self.process = process
        self.text = ""
        self._terminal = terminal

    def read_until(self, wanted: str) -> None:
        while wanted not in self.text:
            try:
                self.text += os.read(self._terminal, 65536).decode("utf-8", "replace")
            except OSError:
                raise AssertionError("%r did not come: %s" % (wanted, self.text)) from None

    def end(self, number: int) -> list[int]:
        """End it from outside; returns what processes it had. At a terminal, Ctrl-C reaches them all."""
        below = _descendants(self.process.pid)
        assert below
        if number == signal.SIGINT:
            os.write(self._terminal, b"\x03")
        else:
            self.process.send_signal(number)
        return below


@contextlib.contextmanager
def begun(controller: Ansible, directory: Path, tasks: t.Sequence[t.Mapping[str, t.Any]], **environment: str) -> t.Iterator[Begun]:
    path = directory / "begun.yml"
    path.write_text(_yaml([{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": list(tasks)}]), encoding="utf-8")
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [str(controller.programs / "ansible-playbook"), "-i", "localhost,", str(path)],
        cwd=directory,
        env=controller.variables({"SUPPORT_JSON_LINES": "", "ANSIBLE_PYTHON_INTERPRETER": None, **environment}),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=lambda: __import__("fcntl").ioctl(0, __import__("termios").TIOCSCTTY, 0),
    )
    os.close(slave)
    try:
        yield Begun(process, master)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        process.wait()
        os.close(master)


def is_there(number: int) -> bool:
    with contextlib.suppress(OSError):
        return Path("/proc/%d/stat" % number).read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    return False


@pytest.mark.parametrize("number", (signal.SIGKILL, signal.SIGTERM, signal.SIGINT))
def test_a_wait_ends_with_its_run(controller: Ansible, busy: Sandbox, tmp_path: Path, number: int) -> None:
    """Then the database is free, and nobody changes it any more."""
    with begun(controller, tmp_path, [waiting(wait_timeout=120)], SCALINGO_PROGRESS="1") as run:
        run.read_until("1 s so far")
        below = run.end(number)
        until(lambda: not [each for each in below if is_there(each)], "the end of all processes", 10)
    busy.change_database(MYSQL, current_operation_id=None, status="running")
    reads = len(busy.log())
    with contextlib.suppress(AssertionError):
        until(lambda: len(busy.log()) > reads, "a request that must not come", 2)
    assert len(busy.log()) == reads and busy.unsafe() == []
    after = controller.tasks([waiting()]).ok()
    assert after.only.result["changed"] is True
