# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In the process of the controller among other tasks, hosts and accounts, and seen from outside while it waits."""

from __future__ import annotations

import concurrent.futures
import copy
import json
import re
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from scalingo_sandbox.testing import Sandbox
from support.ended import begun
from support.playbook import Ansible, Run, _yaml, task
from support.shop import API_TOKEN, MYSQL, SEED
from support.ways import IGNORE, SHOP, both, reasons

OPERATION = "0123456789abcdef01234567"
#: No token by its form: only who knows it can mask it.
OTHER_TOKEN = "other-account-0001"
OTHER_SEED: dict[str, t.Any] = {
    "user": {"api_token": OTHER_TOKEN, "username": "other", "email": "other@example.com"},
    "apps": [{"name": "shop", "addons": [{"provider": "mysql", "id": MYSQL, "resource_id": "other_1001"}]}],
}
BUSY = {"current_operation_id": OPERATION, "status": "upgrading"}
#: A backup that comes in some pieces.
LARGE = "5b8b36104ffb090be1ac3ce9"


def waiting(keywords: t.Mapping[str, t.Any] | None = None, **options: t.Any) -> dict[str, t.Any]:
    """A task that waits for an operation to end."""
    return task("scalingo_database", "wait", keywords, **{"periodic_backups_scheduled_at": 5, "wait_interval": 0.2, **SHOP, **options})


def hold_up_downloads(sandbox: Sandbox, seconds: float) -> None:
    """Add a large backup: its first answer breaks off in the middle, the next one is a long time coming."""
    seed = copy.deepcopy(SEED)
    seed["apps"][0]["addons"][0]["database"]["backups"].append({"id": LARGE, "method": "manual", "age": 3600, "archive_bytes": 1_000_000})
    sandbox.reset(seed)
    sandbox.fault(match={"role": "files"}, do="truncate", bytes=524_288, times=1)
    sandbox.fault(match={"role": "files"}, after=1, times=1, do="slow", seconds=seconds)


# -- among others ----------------------------------------------------------------------------------------------------


def test_one_account_leaves_nothing_to_the_next(controller: Ansible, sandbox: Sandbox) -> None:
    """No token, mask or environment of one item reaches the next one, although they share a process."""
    with Sandbox(OTHER_SEED) as other:
        # What is a secret of one account is a name that the other one may see.
        accounts = [
            {**other.params(), "app": "shop"},
            {**sandbox.params(), "app": "shop"},
            {**sandbox.params(), "app": ""},
            {**other.params(), "app": "shop"},
        ]
        connection = {name: "{{ accounts[item].%s }}" % name for name in ("api_token", "auth_url", "api_url", "db_api_url")}
        loop = {
            "loop": list(range(len(accounts))),
            "vars": {"accounts": accounts},
            "environment": {"SCALINGO_APP": "{{ accounts[item].app }}"},
            **IGNORE,
        }

        def arrange() -> None:
            other.reset(OTHER_SEED)
            other.change_database(MYSQL, addon_status="suspended")
            with sandbox.running.world.lock:
                (app,) = [app for app in sandbox.running.world.apps if app.name == "shop"]
                app.addons[0].resource_id = OTHER_TOKEN

        controller.environment["SCALINGO_API_TOKEN"] = None
        here, dummy = both(controller, sandbox, [task("scalingo_addon", "each", loop, addon="mysql", **connection)], arrange=arrange)
    items = here.only.result["results"]
    assert [item.get("failed", False) for item in items] == [False, False, True, False]
    assert "(other_1001) is suspended" in here.output
    assert [item["addon"]["resource_id"] for item in (items[0], items[1], items[3])] == ["other_1001", OTHER_TOKEN, "other_1001"]
    assert "SCALINGO_APP" in items[2]["msg"]


def test_other_machines_and_jobs_in_the_background(controller: Ansible, sandbox: Sandbox, tmp_path: Path) -> None:
    """The delegated host's variables decide. What cannot be reached has failed; a job in the background is asked for later."""
    wrapper = tmp_path / "other-python"
    wrapper.write_text('#!/bin/sh\nexec %s "$@"\n' % (controller.programs / "python"), encoding="utf-8")
    wrapper.chmod(0o755)
    ssh = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 9, "ansible_ssh_common_args": "-o BatchMode=yes"}
    hosts: dict[str, dict[str, t.Any]] = {"near": {}, "far": ssh, "other": {"ansible_python_interpreter": str(wrapper)}}
    later = {"register": "asked", "until": "asked is finished", "retries": 100, "delay": 0.1}
    tasks = [
        task("scalingo_database_info", "to another machine", {"delegate_to": "far", **IGNORE}, **SHOP),
        task("scalingo_database_info", "to another interpreter", {"delegate_to": "other"}, **SHOP),
        task("scalingo_database_info", "back", {"delegate_to": "near"}, **SHOP),
        task("scalingo_database_info", "begun", {"async": 60, "poll": 0, "register": "job"}, **SHOP),
        {"name": "asked", "ansible.builtin.async_status": {"jid": "{{ job.ansible_job_id }}"}, **later},
    ]
    controller.environment["ANSIBLE_ASYNC_DIR"] = str(tmp_path / "jobs")
    here, dummy = both(controller, sandbox, tasks, "--limit", "near", hosts=hosts)
    assert here.count("unreachable") == 0 and here.task("to another machine").status == "failed"
    assert [reason.split(" and not ")[0] for reason in reasons(here)] == [
        "runs as a module: the connection is ssh",
        "runs as a module: the interpreter is %s" % wrapper,
        "runs in the process of the controller",
        "runs as a module: the task is async",
    ]
    assert here.result("asked")["databases"] == here.result("back")["databases"]


@pytest.mark.parametrize("library", ("psycopg", "requests"))
def test_a_library_that_only_modules_have(controller: Ansible, sandbox: Sandbox, tmp_path: Path, library: str) -> None:
    """The interpreter is the controller's, but something hides the library from the controller itself, and then from all."""
    package = tmp_path / "hiding" / library / "__init__.py"
    package.parent.mkdir(parents=True)
    hidden = 'import sys\nif sys.argv[0].endswith("/ansible-playbook") or HIDE:\n    raise ImportError("hidden")\n'
    rest = "sys.path.remove(%r)\ndel sys.modules[__name__]\nimport %s\n" % (str(package.parents[1]), library)
    module = "scalingo_pg_extension" if library == "psycopg" else "scalingo_database_info"
    arguments = {"app": "shop", "addon": "postgresql", **({"name": "hstore"} if library == "psycopg" else {})}
    reading = task(module, "read", {"check_mode": True, **IGNORE}, **arguments)
    controller.environment["PYTHONPATH"] = str(package.parents[1])
    found: list[Run] = []
    for hide in ("False", "True"):
        package.write_text(hidden.replace("HIDE", hide) + rest, encoding="utf-8")
        here, dummy = both(controller, sandbox, [reading])
        assert [re.sub(".* cannot", "cannot", reason) for reason in reasons(here)] == ["cannot import %s" % library]
        found.append(here)
    assert library not in found[0].only.result.get("msg", "")
    assert found[1].only.status == "failed" and library in found[1].only.result["msg"]


def test_text_of_the_platform_is_never_a_template(controller: Ansible, sandbox: Sandbox) -> None:
    """In a status, a log line, a name and an error; shown, looped over, and handed on to the next task."""
    text = "a{{ 7*7 }}{% if true %}b{% endif %} !unsafe {{ lookup('pipe', 'echo c') }}"

    def arrange() -> None:
        sandbox.clear_faults()
        sandbox.change_database(MYSQL, logs=[text])
        sandbox.fault(match={"route": "B2"}, do="status", status=422, body={"errors": {text: [text]}})
        with sandbox.running.world.lock:
            (app,) = [app for app in sandbox.running.world.apps if app.name == "shop"]
            app.addons[0].resource_id = text

    tasks = [
        task("scalingo_log_info", "lines", {"register": "log"}, **SHOP),
        task("scalingo_addon_info", "named", {"register": "named"}, app="shop"),
        task("scalingo_backup", "refused", {"register": "refused", **IGNORE}, **SHOP),
        {"name": "fact", "ansible.builtin.set_fact": {"kept": "{{ log.logs[-1] }}", "all": "{{ refused }}"}},
        {"name": "shown", "ansible.builtin.debug": {"msg": "{{ item }}"}, "loop": ["{{ kept }}", "{{ all.msg }}", "{{ named.addons }}", "{{ log.logs }}"]},
        task("scalingo_database_info", "handed on", IGNORE, app="{{ named.addons[0].resource_id }}", addon="mysql"),
    ]
    here, dummy = both(controller, sandbox, tasks, arrange=arrange)
    shown = [json.dumps(item["msg"]) for item in here.result("shown")["results"]]
    assert len(shown) == 4 and all("a{{ 7*7 }}{% if true %}b{% endif %} !unsafe {{ lookup(" in line for line in shown), shown
    assert "7*7" in here.result("handed on")["msg"] and "a49b !unsafe" not in here.output


def test_a_time_limit_leaves_a_download_to_be_gone_on_with(controller: Ansible, sandbox: Sandbox, tmp_path: Path) -> None:
    """What has come stays, and the worker is free for the next task."""
    dest = tmp_path / "backup.tar.gz"
    hold_up_downloads(sandbox, 4)
    loading = {"backup_id": LARGE, "dest": str(dest), **SHOP}
    run = controller.tasks(
        [task("scalingo_backup_download", "cut", {"timeout": 2, **IGNORE}, **loading), task("scalingo_backup_download", "rest", **loading)]
    ).ok()
    assert run.task("cut").status == "failed"
    assert any("from byte 524288" in note for note in run.result("rest").get("notes", [])), run.result("rest")
    assert run.result("rest")["file"]["size"] == dest.stat().st_size > 1_000_000
    assert not list(tmp_path.glob(".backup*"))


def test_two_controllers_under_one_limit(
    controller: Ansible, sandbox: Sandbox, tmp_path: Path, meanwhile: t.Callable[..., concurrent.futures.Future[Run]]
) -> None:
    """Each with a home and a cache of its own, as two execution nodes have: some requests are refused, and no task."""
    second = Ansible(tmp_path / "second", controller.environment, programs=controller.programs)
    reading = task("scalingo_database_info", "read", {"loop": [1, 2, 3, 4, 5, 6]}, **SHOP)
    # Sixty a minute, twelve times as fast.
    sandbox.speed(12)
    sandbox.rate_limit(requests=10, seconds=60, scope="global")
    runs = [meanwhile(each.tasks, [reading]) for each in (controller, second)]
    assert [len(run.result().ok().only.result["results"]) for run in runs] == [6, 6]
    assert [record for record in sandbox.log() if record.status == 429]


# -- seen from outside -----------------------------------------------------------------------------------------------


def lines_of(text: str) -> list[str]:
    return [line for line in text.replace("\r", "").splitlines() if " so far" in line]


def under_a_runner(controller: Ansible, play: t.Mapping[str, t.Any], environment: t.Mapping[str, str]) -> tuple[str, list[dict[str, t.Any]]]:
    """What ansible-runner shows, and its events."""
    private = controller.directory / "job"
    (private / "project").mkdir(parents=True)
    (private / "project" / "job.yml").write_text(_yaml([{"hosts": "localhost", "gather_facts": False, **play}]), encoding="utf-8")
    done = subprocess.run(
        [str(Path(sys.executable).parent / "ansible-runner"), "run", str(private), "-p", "job.yml", "--ident", "1"],
        cwd=controller.directory,
        env=controller.variables({"SUPPORT_JSON_LINES": "", **environment}),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    return done.stdout, [json.loads(path.read_text(encoding="utf-8")) for path in (private / "artifacts" / "1" / "job_events").glob("*.json")]


def test_a_wait_of_90_seconds_is_seen_everywhere(controller: Ansible, sandbox: Sandbox) -> None:
    """At a terminal, in a pipe and under ansible-runner, with a secret masked; and JSON on stdout stays whole."""
    sandbox.change_database(MYSQL, **{**BUSY, "status": "stuck at %s" % API_TOKEN})
    environment = {"ANSIBLE_CALLBACKS_ENABLED": "json_lines,fast_clock", "SUPPORT_CLOCK_SPEED": "45"}
    tasks = [waiting(IGNORE, wait_timeout=90, wait_interval=2)]
    with begun(controller, [{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}], "-i", "localhost,", **environment) as run:
        terminal = run.read_all()
    piped = controller.tasks(tasks, environment={**environment, "ANSIBLE_STDOUT_CALLBACK": "whole_json"}).ok()
    (result,) = json.loads(piped.stdout)
    assert result["error"]["kind"] == piped.only.result["error"]["kind"] and "so far" not in piped.stdout
    shown, events = under_a_runner(controller, {"tasks": tasks}, environment)
    streamed = "".join(event["stdout"] + "\n" for event in sorted(events, key=lambda event: event["counter"]))
    for text in (terminal, piped.stderr, shown, streamed):
        lines = lines_of(text)
        assert len(lines) == 2, text
        for line, seconds in zip(lines, ("[34][0-9] s", r"1 min( [0-9]+ s)?")):
            start = r"scalingo_database: waiting for the operation on the database %s \(addon mysql .* of app shop in osc-fr1\): " % MYSQL
            assert re.fullmatch(start + r"stuck at \*{4,}, " + seconds + " so far", line), line
        assert API_TOKEN not in text
    assert API_TOKEN not in json.dumps(events) + piped.stdout
