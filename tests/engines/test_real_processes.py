# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real servers start when they are needed, and nothing of them stays, however the sandbox ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import typing as t
from pathlib import Path

import psycopg
import pytest
import yaml
from scalingo_sandbox.engines.base import EngineError
from scalingo_sandbox.engines.real_servers import HOST, PLACE_VARIABLE, Port
from scalingo_sandbox.testing import Sandbox
from support.programs import until
from support.real import Office, short_directory


def seed(*providers: str) -> dict[str, t.Any]:
    return {
        "user": {"api_token": "tk-us-of-the-processes"},
        "apps": [{"name": "shop", "addons": [{"provider": name} for name in providers]}],
    }


def servers(place: Path) -> list[str]:
    """The command lines of all that runs on something below a directory."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (
                (entry / "cmdline").read_bytes().decode("utf-8", "replace").split("\0") if entry.name.isdigit() else []
            )
        except OSError:
            continue
        if any(str(place) + "/" in word for word in words) and "real_keeper" not in " ".join(words):
            found.append(" ".join(words))
    return found


class Remote(Office):
    """The API of a sandbox in another process."""

    def __init__(self, ready: dict[str, t.Any]) -> None:
        class Addresses:
            api_token = ready["api_token"]
            auth_url = ready["auth_url"]

            def api_url(self, region: str = "osc-fr1") -> str:
                return str(ready["regions"][region]["api_url"])

        super().__init__(t.cast(t.Any, Addresses()))


@pytest.fixture
def place() -> t.Iterator[Path]:
    """Where the sandbox has its directory. In a deep one it would take another, since the names of sockets must be short."""
    with short_directory() as path:
        yield path
        until(lambda: not os.listdir(path), "the end of the directory", 30)


@pytest.fixture
def started(tmp_path: Path, place: Path) -> t.Iterator[t.Callable[..., tuple[subprocess.Popen[bytes], Remote]]]:
    running: list[subprocess.Popen[bytes]] = []

    def start(*before: str, providers: t.Sequence[str] = ("postgresql",)) -> tuple[subprocess.Popen[bytes], Remote]:
        (tmp_path / "seed.yml").write_text(yaml.safe_dump(seed(*providers)), encoding="utf-8")
        ready = tmp_path / "ready.json"
        command = [
            sys.executable,
            "-m",
            "scalingo_sandbox",
            "--engine",
            "real",
            "--seed",
            str(tmp_path / "seed.yml"),
            "--ready-file",
            str(ready),
        ]
        running.append(
            subprocess.Popen(
                [*before, *command, "--with-parent"],
                env={**os.environ, "TMPDIR": str(place)},
                stdout=subprocess.DEVNULL,
            )
        )
        until(ready.exists, "the sandbox", 60)
        return running[0], Remote(json.loads(ready.read_text(encoding="utf-8")))

    yield start
    for process in running:
        process.kill()
        process.wait()


def test_servers_start_when_they_are_first_needed_and_none_stays_when_it_is_killed(started: t.Any, place: Path) -> None:
    process, office = started(providers=("postgresql", "mysql", "influxdb", "redis", "mongodb"))
    assert servers(place) == [] and list(place.iterdir()) == []
    url = office.url("shop", "SCALINGO_POSTGRESQL_URL")
    assert psycopg.connect(url).execute("SELECT 1").fetchall() == [(1,)]
    assert {Path(line.split()[0]).name for line in servers(place)} == {"postgres", "mariadbd", "influxd"}
    process.kill()
    until(lambda: not servers(place), "the end of the servers", 30)
    until(lambda: not list(place.iterdir()), "the end of the directory", 30)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_nothing_stays_when_it_ends(started: t.Any, place: Path, number: int) -> None:
    process, office = started()
    office.url("shop", "SCALINGO_POSTGRESQL_URL")
    assert servers(place)
    process.send_signal(number)
    process.wait(30)
    until(lambda: not servers(place), "the end of the servers", 30)
    until(lambda: not list(place.iterdir()), "the end of the directory", 30)


def test_nothing_stays_when_its_parent_dies(started: t.Any, place: Path) -> None:
    parent, office = started("sh", "-c", '"$@" & wait', "sh")
    office.url("shop", "SCALINGO_POSTGRESQL_URL")
    assert servers(place)
    parent.kill()
    until(lambda: not servers(place), "the end of the servers", 30)
    until(lambda: not list(place.iterdir()), "the end of the directory", 30)


def test_a_sandbox_in_this_process_stops_its_servers() -> None:
    with Sandbox({"apps": seed("postgresql")["apps"]}, engine="real") as sandbox:
        office = Office(sandbox)
        url = office.url("shop", "SCALINGO_POSTGRESQL_URL")
        psycopg.connect(url).close()
        before = url
        sandbox.reset()
        with pytest.raises(psycopg.OperationalError):
            psycopg.connect(before)
        office.forget()
        psycopg.connect(office.url("shop", "SCALINGO_POSTGRESQL_URL")).close()
        office.close()
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url)


def test_one_addon_alone_can_be_real() -> None:
    real = {"provider": "postgresql", "engine": "real", "resource_id": "real_1"}
    with Sandbox(
        {
            "apps": [
                {
                    "name": "shop",
                    "addons": [real, {"provider": "postgresql", "resource_id": "memory_1"}, {"provider": "mysql"}],
                }
            ]
        }
    ) as sandbox:
        office = Office(sandbox)
        psycopg.connect(office.url("shop", "SCALINGO_POSTGRESQL_URL")).close()
        first, second = (office.show(sandbox.addon_id("shop", "postgresql", index=index)) for index in (0, 1))
        assert first["hostname"].startswith(HOST) and second["hostname"].startswith("memory-1.postgresql.")
        assert first["readable_version"].startswith("18.")
        assert office.show(sandbox.addon_id("shop", "mysql"))["readable_version"].startswith("8.4")
        office.close()


def test_a_port_is_kept_for_the_server_that_will_listen() -> None:
    port = Port()
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((HOST, port.number))
        server.listen()
        socket.create_connection((HOST, port.number)).close()
    port.close()


def test_without_servers_it_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(PLACE_VARIABLE, str(tmp_path))
    for provider, words in (
        ("postgresql", "fetch_postgres"),
        ("mysql", "fetch_debian mariadb-server"),
        ("influxdb", "fetch_debian influxdb"),
    ):
        with pytest.raises(EngineError, match=words):
            Sandbox({"apps": [{"name": "shop", "addons": [{"provider": provider}]}]}, engine="real").start()
