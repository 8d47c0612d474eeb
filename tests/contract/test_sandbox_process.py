# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command: how it starts, what it prints, how it ends."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from scalingo_sandbox.cli import main
from scalingo_sandbox.engines import FACTORIES
from scalingo_sandbox.engines.memory import MemoryMysql
from scalingo_sandbox.testing import Sandbox
from support.caller import Caller
from support.programs import until

COMMAND = [sys.executable, "-m", "scalingo_sandbox"]
Start = Callable[..., tuple["subprocess.Popen[str]", dict[str, Any]]]


def wait_for(path: Path, process: subprocess.Popen[str]) -> dict[str, Any]:
    until(lambda: path.exists() or process.poll() is not None, "the sandbox", 60)
    assert process.poll() is None, process.communicate()
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    processes: list[subprocess.Popen[str]] = []

    def begin(*options: str) -> tuple[subprocess.Popen[str], dict[str, Any]]:
        ready = tmp_path / f"ready-{len(processes)}.json"
        process = subprocess.Popen(
            [*COMMAND, "--ready-file", str(ready), *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        processes.append(process)
        return process, wait_for(ready, process)

    yield begin
    for process in processes:
        if process.poll() is None:
            process.kill()
        process.communicate()


def processor_seconds(process_id: int) -> float:
    """What a process has used so far: how long it would take on a machine that has nothing else to do."""
    fields = Path(f"/proc/{process_id}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def stop(process: subprocess.Popen[str], number: int = signal.SIGTERM) -> tuple[str, str]:
    process.send_signal(number)
    return process.communicate(timeout=30)


def free_ports(number: int) -> int:
    """The first of so many ports of which nobody has one, below those that the system gives away."""
    for base in range(23000 + os.getpid() % 9000, 32000, number):
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError):
            for port in range(base, base + number):
                stack.enter_context(socket.create_server(("127.0.0.1", port)))
            return base
    raise AssertionError("no ports are free")


def test_it_starts_quickly_and_says_where_it_is(start: Start, tmp_path: Path) -> None:
    process, ready = start()
    assert processor_seconds(process.pid) < 1.5
    assert set(ready) >= {"pid", "auth_url", "control_url", "api_token", "regions", "environment"}
    assert ready["pid"] == process.pid
    assert set(ready["regions"]) == {"osc-fr1", "osc-secnum-fr1"}
    assert set(ready["regions"]["osc-fr1"]) == {"api_url", "db_api_url", "ssh"}
    assert ready["environment"] == {
        "SCALINGO_API_TOKEN": ready["api_token"],
        "SCALINGO_REGION": "osc-fr1",
        "SCALINGO_AUTH_URL": ready["auth_url"],
        "SCALINGO_API_URL": ready["regions"]["osc-fr1"]["api_url"],
        "SCALINGO_DB_API_URL": ready["regions"]["osc-fr1"]["db_api_url"],
        "SCALINGO_DB_URL": ready["regions"]["osc-fr1"]["db_api_url"],
    }
    file = tmp_path / "ready-0.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir()] == [file.name]
    addresses = [ready["auth_url"], ready["control_url"], ready["files_url"]]
    addresses += [region[name] for region in ready["regions"].values() for name in ("api_url", "db_api_url")]
    assert len(set(addresses)) == 7
    for address in addresses:
        assert httpx.get(address + "/").status_code == 404
        assert urllib.parse.urlsplit(address).hostname == "127.0.0.1"
    output, errors = stop(process)
    assert process.returncode == 0
    assert errors == ""
    assert ready["api_token"] not in output
    assert not file.exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_waits_for_no_open_connection_when_it_ends(start: Start, number: int) -> None:
    process, ready = start()
    address = urllib.parse.urlsplit(ready["auth_url"])
    connections = [socket.create_connection((address.hostname, address.port or 0)) for dummy in range(20)]
    with httpx.Client() as client:
        assert client.get(ready["auth_url"] + "/v1/regions").status_code == 200
        rule = {"do": "slow", "seconds": 600, "times": 1}
        client.post(ready["control_url"] + "/control/fault", json=rule)
        with pytest.raises(httpx.ReadTimeout):
            client.get(ready["auth_url"] + "/v1/regions", timeout=httpx.Timeout(60, read=0.1))
        connections[0].sendall(b"GET /v1/regions HTTP/1.1\r\n")
        dummy_output, errors = stop(process, number)
    assert process.returncode == 0
    assert errors == ""
    for connection in connections:
        connection.close()


def test_it_listens_on_the_loopback_interface_only(start: Start) -> None:
    process, ready = start()
    port = urllib.parse.urlsplit(ready["auth_url"]).port
    listening = Path("/proc/net/tcp").read_text(encoding="ascii")
    mine = re.findall(rf"([0-9A-F]{{8}}):{port:04X} 00000000:0000 0A", listening)
    assert mine == ["0100007F"]
    wide = Path("/proc/net/tcp6").read_text(encoding="ascii") if Path("/proc/net/tcp6").exists() else ""
    assert not re.search(rf":{port:04X} [0-9]+:0000 0A", wide)


def test_it_prints_exports(start: Start) -> None:
    process, ready = start("--exports", "--api-token", "tk-us-sandbox-x y")
    output, errors = stop(process)
    assert output.splitlines()[0] == "export SCALINGO_API_TOKEN='tk-us-sandbox-x y'"
    # Nothing that holds for one region only: a task that names the other one works too.
    assert output.splitlines()[1:] == [
        f"export SCALINGO_AUTH_URL={ready['auth_url']}",
        f"export SCALINGO_SANDBOX_CONTROL={ready['control_url']}/control",
    ]


def test_a_command_has_its_variables_and_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCALINGO_API_URL", "https://api.osc-fr1.scalingo.com")
    monkeypatch.setenv("SCALINGO_APP", "shop")
    looking = (
        "import json, os, sys, urllib.request\n"
        "print(json.dumps({name: value for name, value in os.environ.items() if name.startswith('SCALINGO_')}))\n"
        "opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))\n"
        "opener.open(os.environ['SCALINGO_SANDBOX_CONTROL'] + '/health')\n"
        "sys.exit(3)\n"
    )
    done = subprocess.run(
        [*COMMAND, "--", sys.executable, "-c", looking], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stderr) == (3, "")
    seen = {name: value for name, value in json.loads(done.stdout).items() if not name.startswith("SCALINGO_TESTS_")}
    assert sorted(seen) == ["SCALINGO_API_TOKEN", "SCALINGO_APP", "SCALINGO_AUTH_URL", "SCALINGO_SANDBOX_CONTROL"]
    with pytest.raises(httpx.ConnectError):
        httpx.get(seen["SCALINGO_AUTH_URL"])


@pytest.mark.parametrize(
    ("command", "status", "message"),
    [
        (["there-is-no-such-program"], 127, "scalingo-sandbox: there-is-no-such-program: No such file or directory\n"),
        (["sh", "-c", "kill -KILL $$"], 137, ""),
    ],
)
def test_a_command_that_does_not_end_by_itself(command: list[str], status: int, message: str) -> None:
    done = subprocess.run([*COMMAND, "--", *command], capture_output=True, text=True, check=False, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (status, "", message)


def test_a_signal_ends_the_command_and_the_sandbox(start: Start) -> None:
    process, ready = start("--", "sleep", "600")
    child = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    until(lambda: bool(child.read_text(encoding="ascii").split()), "the command")
    number = int(child.read_text(encoding="ascii").split()[0])
    until(lambda: b"sleep" in Path(f"/proc/{number}/cmdline").read_bytes(), "the program of the command")
    output, errors = stop(process)
    assert (process.returncode, output, errors) == (143, "", "")
    assert not runs(number)
    with pytest.raises(httpx.ConnectError):
        httpx.get(ready["auth_url"])


def test_its_exports_trust_its_own_authority(start: Start, tmp_path: Path) -> None:
    process, ready = start("--exports", "--tls", str(tmp_path / "tls"))
    output, errors = stop(process)
    assert [line.split("=")[0].split()[-1] for line in output.splitlines()[3:]] == ["SCALINGO_CA_PATH", "SSL_CERT_FILE"]
    assert {line.split("=")[1] for line in output.splitlines()[3:]} == {ready["ca_file"]}


def test_it_takes_seeds_speed_and_ports(start: Start, tmp_path: Path) -> None:
    first, second = tmp_path / "first.yml", tmp_path / "second.yml"
    first.write_text("user: {api_token: tk-us-sandbox-seeded}\napps: [{name: one}]\ndurations: {feature: 5}\n")
    second.write_text("apps: [{name: two, region: osc-secnum-fr1}]\nswitches: {dates: seconds}\n")
    base = free_ports(7)
    process, ready = start("--seed", str(first), "--seed", str(second), "--speed", "1000", "--port-base", str(base))
    assert ready["api_token"] == "tk-us-sandbox-seeded"
    assert ready["auth_url"] == f"http://127.0.0.1:{base}"
    assert ready["control_url"] == f"http://127.0.0.1:{base + 6}"
    state = httpx.get(ready["control_url"] + "/control/state").json()
    assert [(app["name"], app["region"]) for app in state["apps"]] == [("one", "osc-fr1"), ("two", "osc-secnum-fr1")]
    assert (state["durations"]["feature"], state["switches"]["dates"]) == (5, "seconds")
    time.sleep(0.3)
    later = httpx.get(ready["control_url"] + "/control/state").json()
    assert later["clock"]["now"] - state["clock"]["now"] > 100
    taken = subprocess.run(
        [*COMMAND, "--port-base", str(base)], capture_output=True, text=True, check=False, timeout=60
    )
    assert taken.returncode == 1
    assert "in use" in taken.stderr
    assert "Traceback" not in taken.stderr


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("apps: [{name: one, colour: red}]", "colour"),
        ("apps: [{name: one, region: mars}]", "no region mars"),
        ("apps: [{name: one, addons: [{provider: oracle}]}]", "no provider oracle"),
        ("apps: [{name: one}, {name: one}]", "named twice"),
        ("apps: [", "is not YAML"),
        (None, "No such file"),
    ],
)
def test_a_wrong_seed_is_a_sentence(tmp_path: Path, text: str | None, part: str) -> None:
    seed = tmp_path / "seed.yml"
    if text is not None:
        seed.write_text(text)
    with pytest.raises(SystemExit) as ended:
        main(["--seed", str(seed)])
    assert str(ended.value.code).startswith("scalingo-sandbox: ")
    assert part in str(ended.value.code)


@pytest.mark.parametrize("options", [["--speed", "0"], ["--engine", "steam"], ["--unknown"]])
def test_wrong_options_are_refused(options: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(options)
    assert ended.value.code == 2
    assert "usage" in capsys.readouterr().err


def runs(process_id: int) -> bool:
    """Whether a process has not ended: one that only waits for a foster parent to look at it has."""
    try:
        return Path(f"/proc/{process_id}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def test_it_ends_with_its_parent(tmp_path: Path) -> None:
    ready = tmp_path / "ready.json"
    arguments = [*COMMAND, "--with-parent", "--ready-file", str(ready)]
    parent = (
        "import subprocess, sys, time, pathlib\n"
        "subprocess.Popen(sys.argv[2:], stdout=subprocess.DEVNULL)\n"
        "while not pathlib.Path(sys.argv[1]).exists(): time.sleep(0.01)\n"
        "print(pathlib.Path(sys.argv[1]).read_text())\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", parent, str(ready), *arguments], capture_output=True, text=True, check=False, timeout=60
    )
    process_id = json.loads(ended.stdout)["pid"]
    until(lambda: not runs(process_id), "its end")
    assert not ready.exists()


def test_it_serves_https_with_an_authority_of_its_own(start: Start, tmp_path: Path) -> None:
    process, ready = start("--tls", str(tmp_path / "tls"))
    assert ready["ca_file"] == str(tmp_path / "tls" / "ca.pem")
    assert ready["auth_url"].startswith("https://127.0.0.1:")
    with pytest.raises(httpx.ConnectError, match="certificate verify failed"):
        httpx.get(ready["auth_url"] + "/v1/regions")
    import ssl

    context = ssl.create_default_context(cafile=ready["ca_file"])
    with httpx.Client(verify=context) as client:
        assert client.get(ready["auth_url"] + "/v1/regions").status_code == 200
        port = urllib.parse.urlsplit(ready["auth_url"]).port
        assert client.get(f"https://localhost:{port}/v1/regions").status_code == 200
        certificate = client.get(ready["regions"]["osc-fr1"]["db_api_url"] + "/api/ca_certificate").text
        assert certificate == Path(ready["ca_file"]).read_text(encoding="ascii")
        client.post(ready["control_url"] + "/control/fault", json={"do": "drop_after", "times": 1})
        with pytest.raises(httpx.RemoteProtocolError):
            client.get(ready["auth_url"] + "/v1/regions")
        dummy_output, errors = stop(process)
    assert errors == ""
    assert stat.S_IMODE((tmp_path / "tls" / "server.pem").stat().st_mode) == 0o600


def test_importing_the_testing_face_is_light() -> None:
    script = (
        "import sys, time; import scalingo_sandbox.testing;"
        "print(time.process_time(), 'trustme' in sys.modules, 'fastapi' in sys.modules)"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False, timeout=30)
    seconds, trustme, fastapi = ended.stdout.split()
    assert float(seconds) < 1.5
    assert (trustme, fastapi) == ("False", "False")


def test_a_driver_that_takes_long_holds_up_nobody_else(monkeypatch: pytest.MonkeyPatch) -> None:
    begun, answered = threading.Event(), threading.Event()

    class Slow(MemoryMysql):
        blocking = True

        def set_sql_mode(self, mode: str) -> None:
            begun.set()
            assert answered.wait(30)
            super().set_sql_mode(mode)

    monkeypatch.setitem(FACTORIES, "slow", Slow)
    seed = {"apps": [{"name": "shop", "addons": [{"provider": "mysql"}]}]}
    with Sandbox(seed, engine="slow") as sandbox:
        caller = Caller(sandbox)
        mysql = sandbox.addon_id("shop", "mysql")
        caller.addon_token(mysql)
        worker = threading.Thread(target=caller.action, args=(mysql, "set-sqlmode", "ANSI"))
        worker.start()
        assert begun.wait(30)
        # the event loop is free: a connection is accepted and read while the driver works
        with socket.create_connection(("127.0.0.1", urllib.parse.urlsplit(sandbox.auth_url).port or 0)) as connection:
            connection.sendall(b"nonsense\r\n\r\n")
            connection.settimeout(20)
            assert connection.recv(100).startswith(b"HTTP/1.1 400")
        answered.set()
        worker.join()
        assert "ANSI" in caller.action(mysql, "get-sqlmode")["result"]
        assert caller.client.post(f"{sandbox.control_url}/control/clear_log").status_code == 200
        caller.close()
