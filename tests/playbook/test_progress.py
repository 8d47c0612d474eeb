# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is seen of a wait while it goes on."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
from scalingo_sandbox.testing import Sandbox
from support.playbook import Ansible, task
from support.shop import API_TOKEN, MYSQL
from support.ways import SHOP

OPERATION = "0123456789abcdef01234567"
SUBJECT = f"addon mysql ({MYSQL}) of app shop in osc-fr1"


def waiting(name: str = "wait", keywords: t.Mapping[str, t.Any] | None = None, **more: t.Any) -> dict[str, t.Any]:
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
    wanted = f"scalingo_database: waiting for the operation on the database {MYSQL} ({SUBJECT}): upgrading, "
    # The first is shown after a second, or when a busy machine comes to it.
    assert any(re.fullmatch(re.escape(wanted) + "[1-3] s so far", line) for line in shown), shown
    hidden = [line for line in shown if not line.startswith(wanted)]
    assert hidden and all(line.startswith("scalingo_database: upgrading, ") for line in hidden), shown
    assert len(shown) <= 6
    assert [line for line in lines_of(log.read_text(encoding="utf-8")) if wanted in line]
    for item in run.results:
        assert "so far" not in str(item.result)


def test_a_short_wait_says_nothing(ansible: Ansible, busy: Sandbox) -> None:
    run = ansible.tasks([waiting()]).ok()
    assert lines_of(run.output) == []


def test_a_secret_in_a_status_is_masked(ansible: Ansible, busy: Sandbox) -> None:
    busy.change_database(MYSQL, status=f"stuck at {API_TOKEN}")
    run = ansible.tasks([waiting()], environment={"SCALINGO_PROGRESS": "1"}).ok()
    assert any("stuck at ****" in line for line in lines_of(run.stderr)), run
    assert API_TOKEN not in run.output


def test_a_module_says_before_that_it_will_say_nothing(ansible: Ansible, busy: Sandbox) -> None:
    one, many = task("scalingo_database_info", "read", **SHOP), task("scalingo_database_info", "all", apps=["*"])
    run = ansible.tasks([waiting(), one, many], environment={"SCALINGO_IN_PROCESS": "no"}).ok()
    waits, reads = lines_of(run.stderr)
    silent = "runs as a module (scalingo_in_process is false), and shows nothing until it ends."
    assert waits.startswith(f"scalingo_database: {silent} Meanwhile")
    assert reads == f"scalingo_database_info: {silent}"
