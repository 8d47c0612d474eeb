# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How a task comes to talk SQL with its database, and what it makes of odd answers. The cases of the module hold the rest."""

from __future__ import annotations

import contextlib
import os
import types
import typing as t
from pathlib import Path

import pytest
from ansible_collections.community.scalingo.plugins.module_utils import _sql, _ssh_tunnel
from ansible_collections.community.scalingo.plugins.module_utils._errors import (
    Conflict,
    InvalidInput,
    ScalingoError,
    SqlRefused,
    UnexpectedAnswer,
)
from ansible_collections.community.scalingo.plugins.module_utils._progress import Watch
from ansible_collections.community.scalingo.plugins.module_utils._resources import _access
from ansible_collections.community.scalingo.plugins.module_utils._resources.pg_extension import Extensions
from ansible_collections.community.scalingo.plugins.module_utils._step import Interrupted

PARAMS: dict[str, t.Any] = {
    "name": "hstore",
    "names": None,
    "state": "present",
    "version": None,
    "schema": None,
    "cascade": False,
    "connection_url": None,
    "via": "auto",
    "ssl_mode": "verify-full",
    "ca_cert": None,
    "ssh_host": None,
    "ssh_user": "git",
    "ssh_key_file": None,
    "ssh_known_hosts": None,
    "connect_timeout": 15.0,
    "sql_timeout": 300.0,
    "wait_timeout": 900.0,
    "wait_interval": 5.0,
    "on_busy": "wait",
}
HOSTNAME = "shop-1.postgresql.a.osc-fr1.scalingo-dbs.com:31000"
URL = f"postgresql://shop_1:canary@{HOSTNAME}/shop_1"


class Platform:
    """A client with what the platform would answer, and the names of the calls in their order."""

    def __init__(self, **shown: t.Any) -> None:
        self.calls: list[str] = []
        self.hidden: list[str] = []
        self.region = "osc-fr1"
        self.shown: dict[str, t.Any] = {
            "hostname": HOSTNAME,
            "readable_version": "17.9.0-2",
            "status": "running",
            "features": [],
            **shown,
        }
        self.variables = [{"name": "SCALINGO_POSTGRESQL_URL", "value": URL}]
        self.regions: list[dict[str, t.Any]] = [
            {"name": "osc-other", "ssh": "other"},
            {"name": "osc-fr1", "ssh": "ssh.example:2222"},
        ]
        self.extensions = [{"name": "plpgsql", "version": "1.0"}]
        self.target = types.SimpleNamespace(app="shop", engine="postgresql", resource_id="shop_1", addon_id="ad-1")
        self.watch = Watch()
        self.transport = types.SimpleNamespace(secrets=types.SimpleNamespace(add=self.hidden.append))
        self.usage = types.SimpleNamespace(waited_seconds=0.0)
        self.clock = types.SimpleNamespace(now=lambda: 0.0, sleep=self._sleep)

    def described(self) -> str:
        return "addon ad-1"

    def _sleep(self, seconds: float) -> None:
        self.shown["status"] = "running"

    def caller_of(self, route: t.Any) -> Platform:
        return self

    def call(self, route: t.Any, *, values: dict[str, t.Any], query: t.Any, body: t.Any) -> t.Any:
        return getattr(self, route.name.replace("action ", "").replace("-", "_"))(*values.values())

    def show_database(self) -> dict[str, t.Any]:
        self.calls.append("D1")
        return dict(self.shown)

    def list_variables(self, app: str) -> list[dict[str, str]]:
        self.calls.append("A11")
        return self.variables

    def list_regions(self) -> list[dict[str, t.Any]]:
        self.calls.append("regions")
        return self.regions

    def show_ca_certificate(self) -> str:
        self.calls.append("C1")
        return "the authority"

    def list_extensions(self) -> list[dict[str, str]]:
        self.calls.append("list-extensions")
        return self.extensions


class Dialled(t.NamedTuple):
    login: _sql.Login
    encryption: _sql.Encryption
    more: dict[str, t.Any]
    authority: str | None


@pytest.fixture
def dialled(monkeypatch: pytest.MonkeyPatch) -> list[Dialled]:
    """Every connection that is asked for; each gets a session without any rows."""
    found: list[Dialled] = []

    @contextlib.contextmanager
    def connect(login: _sql.Login, encryption: _sql.Encryption, **more: t.Any) -> t.Iterator[t.Any]:
        path = encryption.authorities
        found.append(Dialled(login, encryption, more, None if path is None else Path(path).read_text(encoding="ascii")))
        if path is not None:
            assert os.stat(path).st_uid == os.getuid() and os.stat(os.path.dirname(path)).st_mode & 0o077 == 0
        yield types.SimpleNamespace(
            rows=lambda query: [("hstore", "1.8"), ("odd", None)], execute=lambda statements: []
        )
        if path is not None:
            assert os.path.exists(path)

    monkeypatch.setattr(_sql, "connect", connect)
    return found


def reach(platform: Platform, **params: t.Any) -> None:
    access = _access.Access(t.cast(t.Any, platform), {**PARAMS, **params})
    access.prepare()
    with access.session(read_only=True):
        pass


PUBLIC = [{"name": "force-ssl", "status": "ACTIVATED"}, {"name": "publicly-available", "status": "ACTIVATED"}]


@pytest.mark.parametrize(
    ("shown", "params", "by_ssh"),
    [
        ({}, {}, True),
        ({"features": PUBLIC}, {}, False),
        ({"features": PUBLIC}, {"via": "ssh"}, True),
        ({"features": [{"name": "publicly-available", "status": "PENDING_TO_ACTIVATE"}]}, {}, True),
        ({"features": None}, {}, True),
        ({}, {"via": "direct"}, False),
        ({}, {"connection_url": URL}, True),
        ({}, {"connection_url": URL.replace("shop-1.", "proxy.")}, False),
        ({}, {"connection_url": URL.replace("31000", "31001")}, False),
        ({}, {"connection_url": URL.replace("31000", "31001"), "via": "ssh"}, True),
    ],
)
def test_the_way(dialled: list[Dialled], shown: dict[str, t.Any], params: dict[str, t.Any], by_ssh: bool) -> None:
    platform = Platform(**shown)
    reach(platform, **params)
    gateway = dialled[0].more["gateway"]
    assert (gateway is not None) is by_ssh
    if by_ssh:
        assert gateway == _ssh_tunnel.Gateway(_ssh_tunnel.Address("ssh.example", 2222), "git", None, None)
    assert platform.calls == ["D1"] + ["A11"] * ("connection_url" not in params) + ["regions"] * by_ssh + ["C1"]
    assert set(platform.hidden) >= {"canary", params.get("connection_url", URL)}


@pytest.mark.parametrize(
    ("params", "name"),
    [
        ({}, HOSTNAME.partition(":")[0]),
        ({"connection_url": URL.replace(HOSTNAME, "127.0.0.1:10000")}, HOSTNAME.partition(":")[0]),
        ({"connection_url": URL.replace(HOSTNAME, "[::1]:10000")}, HOSTNAME.partition(":")[0]),
        ({"connection_url": URL.replace(HOSTNAME, "proxy.example:10000")}, "proxy.example"),
    ],
)
def test_the_name_that_the_certificate_must_be_for(dialled: list[Dialled], params: dict[str, t.Any], name: str) -> None:
    reach(Platform(), **params)
    assert dialled[0].encryption.name == name and dialled[0].encryption.mode == "verify-full"


def test_the_authority_is_the_platforms_unless_the_task_says_otherwise(dialled: list[Dialled], tmp_path: Path) -> None:
    own = tmp_path / "own.pem"
    own.write_text("my own", encoding="ascii")
    for params in (
        {},
        {"ca_cert": str(own)},
        {"ssl_mode": "verify-ca"},
        {"ssl_mode": "require"},
        {"ssl_mode": "require", "ca_cert": str(own)},
    ):
        reach(Platform(), **params)
    assert [item.authority for item in dialled] == ["the authority", "my own", "the authority", None, "my own"]
    path = dialled[0].encryption.authorities
    assert path is not None and not os.path.exists(path)


@pytest.mark.parametrize(("version", "major"), [("17.9.0-2", 17), ("v9.6.24-1", 9), (None, None), ("", None)])
def test_the_version_of_the_server(dialled: list[Dialled], version: str | None, major: int | None) -> None:
    reach(Platform(readable_version=version))
    assert dialled[0].more["server_version"] == major


@pytest.mark.parametrize(
    ("change", "kind", "words"),
    [
        ({"hostname": None}, _access.NoAccess, "does not show the host and the port"),
        ({"hostname": "no host"}, UnexpectedAnswer, "is not a host with a port"),
        (
            {"regions": [{"name": "osc-other", "ssh": "other"}]},
            _access.NoAccess,
            "names no SSH server for the region osc-fr1; give ssh_host",
        ),
        ({"regions": [{"name": "osc-fr1", "ssh": None}]}, _access.NoAccess, "names no SSH server"),
        ({"regions": [{"name": "osc-fr1", "ssh": "a b"}]}, InvalidInput, "ssh_host"),
        ({"variables": []}, _access.NoAccess, "no variable of the app shop holds"),
        ({"app": None}, _access.NoAccess, "an addon token does not show the variables"),
        ({"engine": "postgresql-ng", "via": "ssh"}, InvalidInput, "no tunnel"),
    ],
)
def test_why_there_is_no_way(
    dialled: list[Dialled], change: dict[str, t.Any], kind: type[ScalingoError], words: str
) -> None:
    platform = Platform(**{name: value for name, value in change.items() if name == "hostname"})
    for name in ("regions", "variables"):
        if name in change:
            setattr(platform, name, change[name])
    for name in ("app", "engine"):
        if name in change:
            setattr(platform.target, name, change[name])
    with pytest.raises(kind, match=words):
        reach(platform, **({"via": change["via"]} if "via" in change else {}))
    assert dialled == []


def test_an_old_answer_without_a_host_name_is_enough_for_a_url(dialled: list[Dialled]) -> None:
    reach(Platform(hostname=None), connection_url=URL)
    assert dialled[0].more["gateway"] is None


@pytest.mark.parametrize(
    ("params", "words"),
    [
        ({"connect_timeout": float("nan")}, "connect_timeout is nan"),
        ({"sql_timeout": float("inf")}, "sql_timeout is inf"),
        ({"ssh_user": ""}, "ssh_user"),
        ({"ssh_user": "a b"}, "ssh_user"),
        ({"ssh_user": "a\nb"}, "ssh_user"),
    ],
)
def test_options_that_make_no_sense(params: dict[str, t.Any], words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        _access.check({**PARAMS, **params})


def test_a_path_that_cannot_be_said_to_ssh(tmp_path: Path) -> None:
    path = tmp_path / 'odd"name'
    path.touch()
    with pytest.raises(InvalidInput, match="quotation mark"):
        _access.check({**PARAMS, "ssh_key_file": str(path)})


def extensions(platform: Platform, **params: t.Any) -> Extensions:
    return Extensions(t.cast(t.Any, platform), {**PARAMS, **params}, lambda message: None)


def test_latest_waits_for_a_busy_database_before_it_connects(dialled: list[Dialled]) -> None:
    platform = Platform(status="upgrading")
    outcome = extensions(platform, state="latest").perform(True)
    assert outcome.steps == ["install the extension hstore 1.8"] and len(dialled) == 1
    platform = Platform(status="upgrading")
    with pytest.raises(Conflict, match="upgrading"):
        extensions(platform, state="latest", on_busy="fail").perform(True)
    assert len(dialled) == 1


@pytest.mark.parametrize(
    "said", ["23505 duplicate key value violates unique constraint", "XX000 tuple concurrently updated"]
)
@pytest.mark.parametrize("there", [True, False])
def test_an_extension_that_another_run_installs_at_the_same_time(
    dialled: list[Dialled], monkeypatch: pytest.MonkeyPatch, there: bool, said: str
) -> None:
    """IF NOT EXISTS does not see what is not committed yet: the server refuses the second one."""
    platform, warnings = Platform(features=PUBLIC), []

    def refuse(self: Extensions, statements: object) -> None:
        if there:
            platform.extensions.append({"name": "hstore", "version": "1.8"})
        raise SqlRefused(said[6:], code=said[:5])

    monkeypatch.setattr(Extensions, "_execute", refuse)
    resource = Extensions(t.cast(t.Any, platform), PARAMS, warnings.append)
    if there:
        outcome = resource.perform(False)
        assert (outcome.changed, outcome.steps, outcome.result["extension"]["version"]) == (False, [], "1.8")
        assert "Another was quicker" in warnings[0] and said[6:] in warnings[0]
    else:
        with pytest.raises(Interrupted) as caught:
            resource.perform(False)
        assert isinstance(caught.value.error, SqlRefused) and caught.value.maybe is False and not warnings


def test_a_database_that_does_not_show_what_was_done_is_told(dialled: list[Dialled]) -> None:
    platform = Platform(features=PUBLIC)
    platform.clock = types.SimpleNamespace(now=iter(range(0, 10000, 30)).__next__, sleep=lambda seconds: None)
    with pytest.raises(Exception) as caught:
        extensions(platform).perform(False)
    assert 'hstore is nothing, wanted {"version": null}' in str(getattr(caught.value, "error", caught.value))
