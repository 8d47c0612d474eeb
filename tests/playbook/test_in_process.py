# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In the process of the controller: cut off, beside another controller, and seen from outside while it waits."""

from __future__ import annotations

import concurrent.futures
import copy
import json
import re
import subprocess
import sys
import typing as t
from pathlib import Path

from scalingo_sandbox.testing import Sandbox
from support.ended import begun
from support.playbook import Ansible, Run, _yaml, task
from support.shop import API_TOKEN, MYSQL, SEED, limited
from support.ways import IGNORE, SHOP

OPERATION = "0123456789abcdef01234567"
BUSY = {"current_operation_id": OPERATION, "status": "upgrading"}
#: A backup that comes in some pieces.
LARGE = "5b8b36104ffb090be1ac3ce9"


def waiting(keywords: t.Mapping[str, t.Any] | None = None, **options: t.Any) -> dict[str, t.Any]:
    """A task that waits for an operation to end."""
    return task(
        "scalingo_database",
        "wait",
        keywords,
        **{"periodic_backups_scheduled_at": 5, "wait_interval": 0.2, **SHOP, **options},
    )


def hold_up_downloads(sandbox: Sandbox) -> None:
    """Add a large backup: its first answer breaks off in the middle, and the next one comes when the rules are cleared."""
    seed = copy.deepcopy(SEED)
    seed["apps"][0]["addons"][0]["database"]["backups"].append(
        {"id": LARGE, "method": "manual", "age": 3600, "archive_bytes": 1_000_000}
    )
    sandbox.reset(seed)
    sandbox.fault(match={"role": "files"}, do="truncate", bytes=524_288, times=1)
    sandbox.fault(match={"role": "files"}, after=1, times=1, do="slow", seconds=600)


def test_a_time_limit_leaves_a_download_to_be_gone_on_with(ansible: Ansible, sandbox: Sandbox, tmp_path: Path) -> None:
    """What has come stays, and the worker is free for the next task."""
    dest = tmp_path / "backup.tar.gz"
    loading = {"backup_id": LARGE, "dest": str(dest), **SHOP}
    for limit in (2, 10, 50):
        hold_up_downloads(sandbox)
        sandbox.clear_log()
        run = ansible.tasks(
            [
                task("scalingo_backup_download", "cut", {"timeout": limit, **IGNORE}, **loading),
                task("scalingo_backup_download", "rest", **loading),
            ]
        ).ok()
        came = [record.role for record in sandbox.log() if record.role == "files" or record.route == "B4"]
        # A busy machine has not come to the second part within two seconds.
        if came == ["db", "files", "files", "db", "files"]:
            break
        dest.unlink()
    assert run.task("cut").status == "failed"
    assert any("from byte 524288" in note for note in run.result("rest").get("notes", [])), run.result("rest")
    assert run.result("rest")["file"]["size"] == dest.stat().st_size > 1_000_000
    assert not list(tmp_path.glob(".backup*"))


def test_two_controllers_under_one_limit(
    ansible: Ansible, sandbox: Sandbox, tmp_path: Path, meanwhile: t.Callable[..., concurrent.futures.Future[Run]]
) -> None:
    """Each with a home and a cache of its own, as two execution nodes have: some requests are refused, and no task."""
    second = Ansible(tmp_path / "second", ansible.environment)
    reading = task("scalingo_database_info", "read", {"loop": [1, 2, 3, 4, 5, 6]}, **SHOP)
    # Sixty a minute, twelve times as fast.
    with limited(sandbox, 10, 60, speed=12):
        runs = [meanwhile(each.tasks, [reading]) for each in (ansible, second)]
        assert [len(run.result().ok().only.result["results"]) for run in runs] == [6, 6]


# -- seen from outside -----------------------------------------------------------------------------------------------


def lines_of(text: str) -> list[str]:
    return [line for line in text.replace("\r", "").splitlines() if " so far" in line]


def under_a_runner(
    controller: Ansible, play: t.Mapping[str, t.Any], environment: t.Mapping[str, str]
) -> tuple[str, list[dict[str, t.Any]]]:
    """What ansible-runner shows, and its events."""
    private = controller.directory / "job"
    (private / "project").mkdir(parents=True)
    (private / "project" / "job.yml").write_text(
        _yaml([{"hosts": "localhost", "gather_facts": False, **play}]), encoding="utf-8"
    )
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-runner"), "run", str(private), "-p", "job.yml", "--ident", "1"],
        cwd=controller.directory,
        env=controller.variables({"SUPPORT_JSON_LINES": "", **environment}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout, [
        json.loads(path.read_text(encoding="utf-8"))
        for path in (private / "artifacts" / "1" / "job_events").glob("*.json")
    ]


def test_a_wait_of_90_seconds_is_seen_everywhere(ansible: Ansible, sandbox: Sandbox) -> None:
    """At a terminal, in a pipe and under ansible-runner, with a secret masked; and JSON on stdout stays whole."""
    sandbox.change_database(MYSQL, **{**BUSY, "status": f"stuck at {API_TOKEN}"})
    environment = {"ANSIBLE_CALLBACKS_ENABLED": "json_lines,fast_clock"}
    tasks = [waiting(IGNORE, wait_timeout=90, wait_interval=2)]
    with begun(
        ansible,
        [{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}],
        "-i",
        "localhost,",
        **environment,
    ) as run:
        terminal = run.read_all()
    piped = ansible.tasks(tasks, environment={**environment, "ANSIBLE_STDOUT_CALLBACK": "whole_json"}).ok()
    (result,) = json.loads(piped.stdout)
    assert result["error"]["kind"] == piped.only.result["error"]["kind"] and "so far" not in piped.stdout
    shown, events = under_a_runner(ansible, {"tasks": tasks}, environment)
    streamed = "".join(event["stdout"] + "\n" for event in sorted(events, key=lambda event: event["counter"]))
    for text in (terminal, piped.stderr, shown, streamed):
        lines = lines_of(text)
        assert len(lines) == 2, text
        for line, seconds in zip(lines, ("[34][0-9] s", r"1 min( [0-9]+ s)?")):
            start = rf"scalingo_database: waiting for the operation on the database {MYSQL} \(addon mysql .* of app shop in osc-fr1\): "
            assert re.fullmatch(start + r"stuck at \*{4,}, " + seconds + " so far", line), line
        assert API_TOKEN not in text
    assert API_TOKEN not in json.dumps(events) + piped.stdout
