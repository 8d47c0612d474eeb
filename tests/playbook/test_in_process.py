# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In the process of the controller among other tasks, hosts and accounts; seen from outside while it waits; and ended from there."""

from __future__ import annotations

import concurrent.futures
import contextlib
import copy
import fcntl
import json
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import typing as t
from pathlib import Path

import pytest
from scalingo_sandbox.testing import Sandbox
from support.playbook import Ansible, Run, _descendants, _yaml, task
from support.shop import API_TOKEN, MYSQL, POSTGRESQL, SEED, until
from support.ways import IGNORE, SHOP, both, reasons

OPERATION = "0123456789abcdef01234567"
#: No token by its form: only who knows it can mask it.
OTHER_TOKEN = "other-account-0001"
OTHER_SEED: dict[str, t.Any] = {
    "user": {"api_token": OTHER_TOKEN, "username": "other", "email": "other@example.com"},
    "apps": [{"name": "shop", "addons": [{"provider": "mysql", "id": MYSQL, "resource_id": "other_1001"}]}],
}
BUSY = {"current_operation_id": OPERATION, "status": "upgrading"}
FREE = {"current_operation_id": None, "status": "running"}
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


class Begun:
    """A run at a terminal of its own."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int) -> None:
        self.process = process
        self.text = ""
        self._terminal = terminal

    def read_until(self, wanted: str) -> None:
        while wanted not in self.text:
            self._read(wanted)

    def read_all(self) -> str:
        with contextlib.suppress(AssertionError):
            self.read_until("there is no such text")
        return self.text

    def _read(self, wanted: str) -> None:
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
def begun(controller: Ansible, play: t.Mapping[str, t.Any], hosts: str, **environment: str) -> t.Iterator[Begun]:
    path = controller.directory / "begun.yml"
    path.write_text(_yaml([{"hosts": "all", "connection": "local", "gather_facts": False, **play}]), encoding="utf-8")
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [str(controller.programs / "ansible-playbook"), "-i", hosts + ",", str(path)],
        cwd=controller.directory,
        env=controller.variables({"SUPPORT_JSON_LINES": "", "ANSIBLE_PYTHON_INTERPRETER": None, **environment}),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
    )
    os.close(slave)
    try:
        yield Begun(process, master)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(process.pid, signal.SIGKILL)
        process.wait()
        os.close(master)


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
    with begun(controller, {"tasks": tasks}, "localhost", **environment) as run:
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


# -- ended from outside ----------------------------------------------------------------------------------------------


def writes(sandbox: Sandbox) -> int:
    """How many writes have come, those that are not answered yet included."""
    return int(sandbox.running.control.faults()[-1]["seen"])


def answered(sandbox: Sandbox) -> int:
    """How many requests were answered, without those that were held up."""
    return len([record for record in sandbox.log() if record.fault is None])


def is_there(number: int) -> bool:
    with contextlib.suppress(OSError):
        return Path("/proc/%d/stat" % number).read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    return False


def held(directory: Path) -> list[str]:
    """The locks below a directory that somebody holds."""
    found = []
    for path in (*directory.rglob("*.lock"), *directory.rglob("*.part"), *directory.rglob("*.lock.*")):
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                found.append(str(path))
    return found


@pytest.mark.parametrize("number", (signal.SIGKILL, signal.SIGTERM, signal.SIGINT))
def test_an_ended_run_leaves_nothing_behind(controller: Ansible, sandbox: Sandbox, tmp_path: Path, number: int) -> None:
    """In a wait, between two writes and in a download: no process, no lock, no half file, no further write; and it can be run again."""
    dest = tmp_path / "loaded" / "backup.tar.gz"
    dest.parent.mkdir()
    part = dest.parent / ".backup.tar.gz.part"
    hold_up_downloads(sandbox, 6)
    sandbox.change_database(MYSQL, **BUSY)
    sandbox.fault(match={"addon_id": POSTGRESQL, "safe": False, "role": "db"}, times=1, do="slow", seconds=3)
    writing = {"app": "shop", "addon": "postgresql", "periodic_backups_scheduled_at": 7, "features": {"force-ssl": True}}
    tasks = [
        {**waiting({"when": "inventory_hostname == 'waits'"}, wait_timeout=120)},
        task("scalingo_database", "write", {"when": "inventory_hostname == 'writes'"}, **writing),
        task("scalingo_backup_download", "load", {"when": "inventory_hostname == 'loads'"}, backup_id=LARGE, dest=str(dest), **SHOP),
    ]
    # Without a line: whoever shows one would notice that nobody is there.
    with begun(controller, {"tasks": tasks, "strategy": "free"}, "waits,writes,loads", SCALINGO_PROGRESS="false") as run:
        until(lambda: part.exists() and part.stat().st_size == 524288 and writes(sandbox) and answered(sandbox) > 10, "all three to be under way")
        assert held(tmp_path) != []
        below = run.end(number)
        until(lambda: not [each for each in below if is_there(each)], "the end of all processes", 10)
    assert held(tmp_path) == []
    assert not dest.exists() and {path.name for path in dest.parent.iterdir()} <= {part.name, part.name + ".json"}
    sandbox.change_database(MYSQL, **FREE)
    reads = answered(sandbox)
    # Longer than the first write takes, which was on its way.
    with contextlib.suppress(AssertionError):
        until(lambda: answered(sandbox) > reads, "a request that must not come", 3)
    assert writes(sandbox) == 1 and answered(sandbox) == reads
    sandbox.clear_faults()
    after = controller.tasks(tasks, hosts={"waits": {}, "writes": {}, "loads": {}}, strategy="free").ok()
    assert after.result("wait", "waits")["changed"] and after.result("write", "writes")["changed"] and after.result("load", "loads")["changed"]
    assert sorted(path.name for path in dest.parent.iterdir()) == [dest.name, dest.name + ".json"]
