# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tunnels through a real SSH server: shared by the tasks of a run, and gone with it, however it ends."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import os
import re
import signal
import socket
import socketserver
import subprocess
import threading
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.community.scalingo.plugins.module_utils import _tunnel, _tunnel_supervisor
from ansible_collections.community.scalingo.plugins.module_utils._core import Clock
from ansible_collections.community.scalingo.plugins.module_utils._errors import ScalingoError
from ansible_collections.community.scalingo.plugins.module_utils._progress import Watch
from ansible_collections.community.scalingo.plugins.module_utils._ssh_tunnel import Address, Gateway
from ansible_collections.community.scalingo.plugins.modules import scalingo_tunnel
from scalingo_sandbox.testing import Sandbox
from support.ended import begun, is_there
from support.openssh import OpenSSH
from support.playbook import MODULE_PREFIX, Ansible, Run
from support.port import Report, perform
from support.programs import until

HOST = "shop-1002.postgresql.a.osc-fr1.scalingo-dbs.com"
TOKEN, PASSWORD = "tk-us-CanaryOfTheTunnel0123456789abcdefghijk", "canary-password-behind-the-tunnel"
#: What a tunnel may take to end with its run, in seconds.
LIMIT = 5


class Greeting(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.sendall(b"hello\n")
        self.request.recv(1)


@pytest.fixture(scope="module")
def database() -> t.Iterator[int]:
    """The port of a server that greets, as MySQL does."""
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Greeting) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


@pytest.fixture(scope="module")
def ssh(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[OpenSSH]:
    with OpenSSH(tmp_path_factory.mktemp("openssh"), [HOST]) as running:
        running.accept("key")
        yield running


@pytest.fixture(scope="module")
def sandbox(ssh: OpenSSH, database: int) -> t.Iterator[Sandbox]:
    place = {"hostname": f"{HOST}:{database}", "password": PASSWORD}
    addons = [{"provider": "postgresql", "resource_id": "shop_1002", "database": place}]
    addons += [{"provider": "mysql", "database": {"hostname": f"{HOST}:1", "password": PASSWORD}}]
    seed = {"user": {"api_token": TOKEN}, "ssh": {"osc-fr1": ssh.address}, "apps": [{"name": "shop", "addons": addons}]}
    with Sandbox(seed=seed) as running:
        yield running


def processes(home: Path) -> list[int]:
    """The supervisors and their ssh: both are in the directory of the sockets."""
    found = []
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and home in Path(os.readlink(entry / "cwd")).parents and is_there(int(entry.name)):
                found.append(int(entry.name))
    return found


def program(number: int) -> str:
    """Its command; nothing when it has ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{number}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    return ""


def of_ssh(home: Path) -> list[int]:
    return [number for number in processes(home) if program(number).startswith("ssh ")]


def gone(home: Path, seconds: float = LIMIT) -> None:
    """All of it ends in time. On a busy machine that is later, by the clock."""
    until(lambda: not processes(home), "the end of the tunnel", seconds * max(1.0, os.getloadavg()[0] / 2))


def greeted(port: int) -> bytes:
    with socket.create_connection(("127.0.0.1", port), 10) as connection:
        return connection.recv(64)


# -- tasks in this process -------------------------------------------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path) -> t.Iterator[Path]:
    place = tmp_path / "home"
    place.mkdir(mode=0o700)
    yield place
    for number in processes(place):
        with contextlib.suppress(OSError):
            os.kill(number, signal.SIGKILL)


class Task:
    def __init__(self, sandbox: Sandbox, ssh: OpenSSH, home: Path) -> None:
        self.sandbox, self.home = sandbox, home
        self.way = {"ssh_key_file": str(ssh.directory / "key"), "ssh_known_hosts": str(ssh.known_hosts)}

    def run(self, check: bool = False, **more: t.Any) -> Report:
        way = {} if more.get("state") == "absent" else self.way
        params = {**self.sandbox.params(), "app": "shop", "addon": "postgresql", **way, **more}
        return perform(scalingo_tunnel, params, check=check, home=self.home)

    def open(self, **more: t.Any) -> dict[str, t.Any]:
        report = self.run(**more)
        assert not report.failed, report.message
        found: dict[str, t.Any] = report.result["tunnel"]
        return found


@pytest.fixture
def task(sandbox: Sandbox, ssh: OpenSSH, home: Path) -> Task:
    return Task(sandbox, ssh, home)


def test_it_is_opened_reused_and_closed(task: Task, database: int) -> None:
    assert task.run(check=True).result["tunnel"]["port"] is None and not processes(task.home)
    opened = task.open()
    assert (opened["host"], opened["target_host"], opened["target_port"]) == ("127.0.0.1", HOST, database)
    assert greeted(opened["port"]) == b"hello\n" and len(processes(task.home)) == 2
    again = task.run()
    assert not again.changed and again.result["tunnel"]["port"] == opened["port"]
    assert again.result["api_usage"]["requests"] == 1
    assert task.open(max_age="1d")["expires_at"] > opened["expires_at"]
    assert task.run(check=True, state="absent").changed and len(processes(task.home)) == 2
    closed = task.run(state="absent")
    assert closed.changed and closed.result["tunnel"] is None and closed.result["api_usage"]["requests"] == 0
    assert not of_ssh(task.home) and not task.run(state="absent").changed
    gone(task.home)
    assert [path.suffix for path in (task.home / "community.scalingo" / "tunnels").iterdir()] == [".lock"]


def test_it_is_closed_under_an_open_connection(task: Task) -> None:
    with socket.create_connection(("127.0.0.1", task.open()["port"]), 10) as connection:
        assert connection.recv(64) == b"hello\n"
        assert task.run(state="absent").changed and connection.recv(64) == b""


def test_tasks_at_a_time_open_one(task: Task, ssh: OpenSSH) -> None:
    before = ssh.logins()
    task.run(check=True)
    name = [task.sandbox.addon_id("shop", "postgresql")]
    address = Address(HOST, task.open()["target_port"])
    task.run(state="absent")
    watch = Watch(t.cast(t.Any, perform_host()))
    gateway = Gateway(Address(ssh.host, ssh.port), "git", task.way["ssh_key_file"], task.way["ssh_known_hosts"])

    def one(number: int) -> tuple[int, bool]:
        with contextlib.closing(_tunnel.Tunnels(watch, Clock(), name, ["way"])) as tunnels:
            found, ours = tunnels.open(gateway, address, 30, 60)
        return found.port, ours

    os.environ["XDG_RUNTIME_DIR"] = str(task.home)
    try:
        with concurrent.futures.ThreadPoolExecutor(5) as pool:
            found = list(pool.map(one, range(5)))
    finally:
        del os.environ["XDG_RUNTIME_DIR"]
    assert len({port for port, dummy in found}) == 1 and sorted(ours for dummy, ours in found) == [False] * 4 + [True]
    assert ssh.logins() == before + 2 and len(processes(task.home)) == 2


def perform_host() -> t.Any:
    class Host:
        controller = os.getpid()

        def alive(self) -> None:
            """It is this one."""

    return Host()


def test_an_ssh_that_has_ended_is_told_and_replaced(task: Task) -> None:
    first = task.open()
    os.kill(of_ssh(task.home)[0], signal.SIGKILL)
    until(lambda: not of_ssh(task.home), "the end of ssh")
    report = task.run()
    assert report.changed and "had ended before this task" in report.warnings[0] and "SIGKILL" in report.warnings[0]
    assert greeted(report.result["tunnel"]["port"]) == b"hello\n"
    assert len(processes(task.home)) == 2 and first["target_host"] == report.result["tunnel"]["target_host"]
    os.kill(of_ssh(task.home)[0], signal.SIGKILL)
    until(lambda: not of_ssh(task.home), "the end of ssh")
    absent = task.run(state="absent")
    assert not absent.changed and "SIGKILL" in absent.warnings[0]


def test_a_database_that_the_gateway_cannot_reach_is_told(task: Task) -> None:
    port = task.open(addon="mysql")["port"]
    assert greeted(port) == b""
    until(lambda: (report := task.run(addon="mysql")).warnings and "open failed" in report.warnings[0], "the warning")
    assert task.run(addon="mysql", state="absent").changed


def test_a_supervisor_that_is_killed_takes_ssh_along_and_its_socket_is_swept(task: Task) -> None:
    task.open()
    supervisor = next(number for number in processes(task.home) if "_tunnel_supervisor" in program(number))
    os.kill(supervisor, signal.SIGKILL)
    gone(task.home)
    report = task.run(addon="mysql")
    assert report.changed and not report.warnings
    assert len(list((task.home / "community.scalingo" / "tunnels").glob("*.sock"))) == 1
    assert task.run().changed


def test_it_has_a_longest_life(task: Task) -> None:
    task.open(max_age="1s")
    gone(task.home)
    assert not task.run(state="absent").changed


def test_what_ssh_refuses_is_told(task: Task, ssh: OpenSSH, home: Path) -> None:
    other = home / "known_hosts"
    ssh.make_key("other_host")
    other.write_text(f"[{ssh.host}]:{ssh.port} {ssh.public('other_host')}", encoding="ascii")
    assert "is not the one that is known for it, so nothing was sent" in task.run(ssh_known_hosts=str(other)).message
    other.write_text("", encoding="ascii")
    assert "is not known, so nothing was sent" in task.run(ssh_known_hosts=str(other)).message
    assert "accepts none of the SSH keys" in task.run(ssh_key_file=str(ssh.directory / "other_host")).message
    assert "cannot be reached" in task.run(ssh_host="127.0.0.1:1").message
    gone(home)


def test_a_server_that_does_not_answer_is_given_up(task: Task) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        report = task.run(ssh_host=f"127.0.0.1:{silent.getsockname()[1]}", connect_timeout=1)
    assert report.failed and report.kind == "Unreachable", report.message
    gone(task.home)


def test_a_port_that_another_takes_first_is_no_trouble(task: Task, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each start finds its port taken, but the third."""
    start, ports = _tunnel.Tunnels._start, []

    def taken(self: _tunnel.Tunnels, *arguments: t.Any) -> str:
        ports.append(1)
        if len(ports) == 3:
            return start(self, *arguments)
        with socket.create_server(("127.0.0.1", 0)) as other, monkeypatch.context() as patch:
            patch.setattr(Gateway, "listening", lambda gateway, timeout: [
                word or f"127.0.0.1:{other.getsockname()[1]}:{HOST}:1" for word in listening(gateway, timeout)
            ])  # fmt: skip
            return start(self, *arguments)

    listening = Gateway.listening
    monkeypatch.setattr(_tunnel.Tunnels, "_start", taken)
    assert greeted(task.open()["port"]) == b"hello\n" and len(ports) == 3


def test_a_directory_that_others_may_enter_is_not_used(task: Task) -> None:
    first, second = (task.home / place / "community.scalingo" / "tunnels" for place in (".", ".cache"))
    task.run(state="absent")
    first.chmod(0o755)
    task.open()
    assert not list(first.glob("*.sock")) and len(list(second.glob("*.sock"))) == 1
    assert task.run(state="absent").changed
    second.chmod(0o755)
    report = task.run(state="absent")
    assert report.failed and "there is no private directory for the socket of the tunnel" in report.message


def test_a_deep_directory_will_do(task: Task, tmp_path: Path) -> None:
    task.home = tmp_path / ("d" * 150)
    task.home.mkdir(mode=0o700)
    assert greeted(task.open()["port"]) == b"hello\n"
    assert task.run(state="absent").changed


def test_without_the_process_of_the_run_there_is_no_tunnel() -> None:
    with pytest.raises(ScalingoError, match="only the controller knows"):
        _tunnel.Tunnels(Watch(), Clock(), ["database"], ["way"])


def test_the_supervisor_stays_small() -> None:
    lines = Path(_tunnel_supervisor.__file__).read_text(encoding="utf-8").splitlines()
    assert sum(bool(line.strip()) and not line.lstrip().startswith("#") for line in lines) <= 120


def test_a_process_is_known_by_when_it_began() -> None:
    assert _tunnel_supervisor.identity_of(os.getpid()) == _tunnel_supervisor.identity_of(os.getpid()) != ""
    process = subprocess.Popen(["sleep", "60"])
    assert _tunnel_supervisor.identity_of(process.pid)
    process.kill()
    until(lambda: not _tunnel_supervisor.identity_of(process.pid), "a process that nobody has waited for")
    process.wait()


# -- runs of Ansible -------------------------------------------------------------------------------------------------


def tunnel(ssh: OpenSSH, **more: t.Any) -> dict[str, t.Any]:
    way = {"ssh_key_file": str(ssh.directory / "key"), "ssh_known_hosts": str(ssh.known_hosts)}
    arguments = {"app": "shop", "addon": "postgresql", **way, **more}
    return {"name": "Open a tunnel", MODULE_PREFIX + "scalingo_tunnel": arguments, "register": "way"}


def waiting(ssh: OpenSSH, *after: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    """A play that waits with an open tunnel until there is a file, or for ever."""
    wait = {"name": "Wait", "ansible.builtin.wait_for": {"path": "{{ playbook_dir }}/go", "timeout": 300, "sleep": 1}}
    return [{"hosts": "localhost", "gather_facts": False, "tasks": [tunnel(ssh), wait, *after]}]


@pytest.fixture
def ansible(sandbox: Sandbox, tmp_path: Path) -> t.Iterator[Ansible]:
    controller = Ansible(tmp_path, sandbox.environment())
    yield controller
    assert not processes(controller.home)


ENDS = {
    "ended": None,
    "failed": {"ansible.builtin.fail": {"msg": "on purpose"}},
    "SIGINT": signal.SIGINT,
    "SIGTERM": signal.SIGTERM,
    "SIGKILL": signal.SIGKILL,
}


@pytest.mark.parametrize("how", ENDS)
def test_it_ends_with_the_run(how: str, ansible: Ansible, ssh: OpenSSH) -> None:
    end = ENDS[how]
    plays = waiting(ssh, *([end] if isinstance(end, dict) else []))
    with begun(ansible, plays, controlled=how == "SIGINT") as run:
        until(lambda: len(processes(ansible.home)) == 2 or run.ended, "the tunnel", 120)
        assert not run.ended, run.text
        run.read_until("TASK [Wait]")
        if how == "ended":
            # Who stops the run for a while does not end the tunnel.
            run.process.send_signal(signal.SIGSTOP)
            time.sleep(1.5)
            assert len(processes(ansible.home)) == 2
            run.process.send_signal(signal.SIGCONT)
        if isinstance(end, int):
            run.end(end)
        else:
            (ansible.directory / "go").touch()
        try:
            until(lambda: run.ended or run.has_not_heard, "the end of the run", 20 if end == signal.SIGINT else 60)
        except AssertionError:
            assert end == signal.SIGINT
        if not run.ended:
            # Ansible may lose a Ctrl-C as it forks: who is at the terminal gives it again.
            run.end(signal.SIGINT)
            until(lambda: run.ended, "the end of the run", 60)
        gone(ansible.home)


def test_two_runs_at_once_use_two(ansible: Ansible, ssh: OpenSSH) -> None:
    with begun(ansible, waiting(ssh)) as first, begun(ansible, waiting(ssh)) as second:
        until(lambda: len(of_ssh(ansible.home)) == 2, "two tunnels", 120)
        first.end(signal.SIGKILL)
        until(lambda: len(processes(ansible.home)) == 2, "the end of one of them", 60)
        (ansible.directory / "go").touch()
        until(lambda: second.ended, "the end of the other run", 60)
        assert second.process.returncode == 0, second.text
        gone(ansible.home)


def test_hosts_of_a_run_share_one_and_nothing_secret_is_seen(ansible: Ansible, ssh: OpenSSH, sandbox: Sandbox) -> None:
    """At -vvvv, and in the arguments and the environment of the processes."""
    before = ssh.logins()
    look = (
        f"for p in /proc/[0-9]*; do case $(readlink $p/cwd) in {ansible.home}/*) "
        "tr '\\0' '\\n' <$p/cmdline; tr '\\0' '\\n' <$p/environ;; esac; done"
    )
    tasks = [
        tunnel(ssh),
        {"name": "Look", "ansible.builtin.shell": look, "run_once": True},
        {"name": "Close", MODULE_PREFIX + "scalingo_tunnel": {"app": "shop", "addon": "postgresql", "state": "absent"}, "run_once": True},
    ]  # fmt: skip
    hosts: dict[str, dict[str, t.Any]] = {f"database{number}": {} for number in range(5)}
    secrets = {"PGPASSWORD": PASSWORD, "AWS_SECRET_ACCESS_KEY": PASSWORD}
    run = ansible.tasks(tasks, "-vvvv", "--diff", hosts=hosts, environment=secrets, timeout=300).ok().clean()
    ports = {item.result["tunnel"]["port"] for item in run.results if item.task == "Open a tunnel"}
    assert len(ports) == 1 and ssh.logins() == before + 1
    changed = [item.result["changed"] for item in run.results if item.task == "Open a tunnel"]
    assert sorted(changed) == [False] * 4 + [True]
    seen = next(item.result["stdout"] for item in run.results if item.task == "Look")
    assert seen.count("_tunnel_supervisor.py") == 1 and "SHELL=/bin/sh" in seen and "SCALINGO" not in seen
    assert "PGPASSWORD" not in seen and "AWS" not in seen
    for secret in (TOKEN, PASSWORD):
        assert secret not in run.output and secret not in seen
    assert not re.search(r"\beyJ[A-Za-z0-9_-]{10,}\.", run.output + seen)


@pytest.mark.parametrize(
    "more, reason",
    [
        ({"async": 60, "poll": 1}, "the task is async"),
        ({"become": True}, "the task becomes another user"),
        ({"vars": {"ansible_connection": "ssh"}}, "the connection is ssh and not local"),
    ],
)
def test_elsewhere_it_is_refused(more: dict[str, t.Any], reason: str, ansible: Ansible, ssh: OpenSSH) -> None:
    run = ansible.tasks([{**tunnel(ssh), **more}])
    result = run.results[0].result
    assert (
        run.results[0].status == "failed" and reason in result["msg"] and "delegate_to: localhost" in result["msg"]
    ), str(run)


def test_on_a_remote_host_it_is_delegated(ansible: Ansible, ssh: OpenSSH) -> None:
    hosts = {"far": {"ansible_connection": "ssh", "ansible_host": "192.0.2.1"}}
    run = ansible.tasks(
        [{**tunnel(ssh), "delegate_to": "localhost"}], hosts=hosts, environment={"SCALINGO_IN_PROCESS": "false"}
    )
    assert run.ok().results[0].result["tunnel"]["port"]
    gone(ansible.home)


def test_an_ad_hoc_command_ends_it_at_once(ansible: Ansible, ssh: OpenSSH) -> None:
    arguments = tunnel(ssh)[MODULE_PREFIX + "scalingo_tunnel"]
    run: Run = ansible.ad_hoc(MODULE_PREFIX + "scalingo_tunnel", json.dumps(arguments))
    assert run.ok().results[0].result["tunnel"]["port"]
    gone(ansible.home)
