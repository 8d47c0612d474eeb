# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""InfluxDB: a server of the one version that Debian has for each addon, started when it is first needed.

Retention policies, users and their rights are the server's, and so are its words when it refuses. Users of the platform are
not administrators (docs/contract.md section 7.5). With force-ssl the server speaks https and nothing else.
"""

from __future__ import annotations

import base64
import json
import re
import secrets
import shutil
import signal
import ssl
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path
from typing import Any

from scalingo_sandbox.catalog import Version
from scalingo_sandbox.engines.base import BACKUP, Engine, EngineError, EngineSetup, EngineUser, RetentionPolicy
from scalingo_sandbox.engines.real_servers import HOST, WORKSHOP, Port, Process, debian, run, unprivileged

PACKAGE = "influxdb"
ADMINISTRATOR = "scalingo-sandbox"

CONFIGURATION = """\
reporting-disabled = true
bind-address = "{host}:{backup_port}"
[meta]
dir = "{home}/meta"
[data]
dir = "{home}/data"
wal-dir = "{home}/wal"
query-log-enabled = false
[http]
bind-address = "{host}:{port}"
auth-enabled = true
log-enabled = false
https-enabled = {encrypted}
https-certificate = "{home}/server.pem"
https-private-key = "{home}/server.key"
[monitor]
store-enabled = false
[subscriber]
enabled = false
[logging]
level = "error"
suppress-logo = true
"""


def versions() -> tuple[str, ...]:
    tree, dummy = debian(PACKAGE)
    match = re.search(r"^influxdb (\d+\.\d+\.\d+)", (tree / ".packages").read_text(encoding="ascii"), re.MULTILINE)
    if match is None:
        raise EngineError("the version of influxdb is not known")
    return (f"{match.group(1)}-1",)


def identifier(name: str) -> str:
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def duration(text: str) -> str:
    """A duration within a statement. The API writes 0 where the language has INF."""
    if not re.fullmatch(r"-?[0-9a-zA-Zµ]+", text):
        raise EngineError(f"error parsing query: found {text}, expected duration")
    return "INF" if text == "0" else text


class RealInfluxdb(Engine):
    """A server of its own."""

    blocking = True

    def __init__(self, setup: EngineSetup) -> None:
        super().__init__(setup)
        self._tree, dummy = debian(PACKAGE)
        self._version = Version.parse(versions()[0])
        self._name = setup.resource_id
        self._port, self._backup_port = Port(), Port()
        self._home: Path | None = None
        self._process: Process | None = None
        self._tls_required = setup.tls_required
        self._password = secrets.token_hex(16)
        self._passwords = {user.name: user.password for user in (setup.user, *setup.users)}

    # life

    def address(self) -> tuple[str, int]:
        return HOST, self._port.number

    def reach(self) -> None:
        if self._process is not None:
            return
        self._home = WORKSHOP.new_directory("influxdb")
        if self.setup.certificate is not None:
            names = [HOST, "localhost", *([self.setup.hostname] if self.setup.hostname else [])]
            for name, content in zip(("server.pem", "server.key"), self.setup.certificate(names), strict=True):
                (self._home / name).touch(mode=0o600)
                (self._home / name).write_bytes(content)
        try:
            self._start()
            self._furnish()
        except BaseException:
            self._stop()
            raise

    def _start(self) -> None:
        assert self._home is not None
        configuration = self._home / "influxdb.conf"
        configuration.write_text(
            CONFIGURATION.format(
                host=HOST,
                home=self._home,
                port=self._port.number,
                backup_port=self._backup_port.number,
                encrypted="true" if self._encrypted else "false",
            ),
            encoding="ascii",
        )
        program = self._tree / "usr" / "bin" / "influxd"
        self._process = Process([*unprivileged(), program, "-config", configuration], self._home / "log")
        self._process.wait_until(self._answers)

    def _stop(self) -> None:
        if self._process is not None:
            self._process.stop(signal.SIGKILL)
            self._process = None

    @property
    def _encrypted(self) -> bool:
        return self._tls_required and self.setup.certificate is not None

    def _answers(self) -> bool:
        try:
            self._send("/ping", None).close()
        except OSError:
            return False
        return True

    def version(self) -> Version:
        return self._version

    def upgrade(self, version: Version) -> None:
        raise EngineError(f"there is no server of the version {version}")

    def close(self) -> None:
        self._stop()
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)
        self._port.close()
        self._backup_port.close()

    def require_tls(self, required: bool) -> None:
        before = self._encrypted
        self._tls_required = required
        if self._process is not None and self._encrypted != before:
            self._process.stop(signal.SIGTERM)
            self._start()

    # how the server is spoken to

    def _send(self, path: str, body: bytes | None) -> Any:
        scheme = "https" if self._encrypted else "http"
        request = urllib.request.Request(f"{scheme}://{HOST}:{self._port.number}{path}", data=body)
        credentials = base64.b64encode(f"{ADMINISTRATOR}:{self._password}".encode()).decode()
        request.add_header("Authorization", f"Basic {credentials}")
        context = ssl.create_default_context()
        # It is the server that this process has started, on a port of the loopback interface that it keeps.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=context)
        )
        return opener.open(request, timeout=30)

    def query(self, statement: str) -> list[list[Any]]:
        """The rows of one statement."""
        self.reach()
        return self._query(statement)

    def _query(self, statement: str) -> list[list[Any]]:
        try:
            with self._send("/query", urllib.parse.urlencode({"q": statement}).encode()) as answer:
                content = json.load(answer)
        except urllib.error.HTTPError as error:
            content = json.load(error)
        result = content if "error" in content else content["results"][0]
        if "error" in result:
            raise EngineError(result["error"])
        return [row for part in result.get("series", []) for row in part.get("values", [])]

    # what the platform gives

    def _furnish(self) -> None:
        self._query(
            f"CREATE USER {identifier(ADMINISTRATOR)} WITH PASSWORD {literal(self._password)} WITH ALL PRIVILEGES"
        )
        self._query(f"CREATE DATABASE {identifier(self._name)}")
        for policy in self.setup.retention_policies:
            if policy.name != "autogen":
                self._add_policy(policy.name, policy.duration, policy.default)
        given = {policy.name: policy for policy in self.setup.retention_policies}
        if given and "autogen" not in given:
            self._query(f"DROP RETENTION POLICY autogen ON {identifier(self._name)}")
        elif given and given["autogen"].duration not in ("0", "0s", "INF"):
            self._query(
                f"ALTER RETENTION POLICY autogen ON {identifier(self._name)} DURATION {duration(given['autogen'].duration)}"
            )
        for user in (self.setup.user, *self.setup.users):
            self._create_user(user)

    def _create_user(self, user: EngineUser) -> None:
        self._query(f"CREATE USER {identifier(user.name)} WITH PASSWORD {literal(user.password)}")
        self._grant(user)

    def _grant(self, user: EngineUser) -> None:
        right = "READ" if user.read_only else "ALL"
        self._query(f"GRANT {right} ON {identifier(self._name)} TO {identifier(user.name)}")

    def stats(self) -> dict[str, int]:
        self.reach()
        assert self._home is not None
        places = [self._home / name for name in ("meta", "data", "wal")]
        return {
            "data_size": sum(path.stat().st_size for place in places for path in place.rglob("*") if path.is_file())
        }

    # backups

    def _program(self, *arguments: str) -> None:
        place = ["-portable", "-host", f"{HOST}:{self._backup_port.number}"]
        run([self._tree / "usr" / "bin" / "influxd", arguments[0], *place, *arguments[1:]])

    def dump(self) -> dict[str, bytes]:
        self.reach()
        with tempfile.TemporaryDirectory(dir=self._home) as directory:
            self._program("backup", "-database", self._name, directory)
            return {f"{BACKUP}/{path.name}": path.read_bytes() for path in sorted(Path(directory).iterdir())}

    def restore(self, files: dict[str, bytes]) -> None:
        """The database as the backup has it. What it cannot bring leaves the database as it was."""
        if not files:
            raise EngineError("the backup is empty")
        before = self.dump()
        try:
            self._replace(files)
        except EngineError:
            self._replace(before)
            raise

    def _replace(self, files: dict[str, bytes]) -> None:
        users = self.list_users()
        self._query(f"DROP DATABASE {identifier(self._name)}")
        with tempfile.TemporaryDirectory(dir=self._home) as directory:
            for name, content in files.items():
                (Path(directory) / name.rpartition("/")[2]).write_bytes(content)
            try:
                self._program("restore", "-db", self._name, directory)
            except EngineError:
                # It says so too when there are no points to restore; policies are there all the same.
                if [self._name] not in self._query("SHOW DATABASES"):
                    raise
        for user in users:
            self._grant(user)

    # users

    def list_users(self) -> list[EngineUser]:
        names = [name for name, dummy in self.query("SHOW USERS") if name != ADMINISTRATOR]
        return [
            EngineUser(name, self._passwords.get(name, ""), self._reads(name), protected=name == self.setup.user.name)
            for name in names
        ]

    def _reads(self, name: str) -> bool:
        return dict(self.query(f"SHOW GRANTS FOR {identifier(name)}")).get(self._name) == "READ"

    def _find_user(self, name: str) -> bool:
        return any(found == name for found, dummy in self.query("SHOW USERS"))

    def create_user(self, user: EngineUser) -> None:
        if self._find_user(user.name):
            raise EngineError(f"user {user.name} already exists")
        self._create_user(user)
        self._passwords[user.name] = user.password

    def set_password(self, name: str, password: str) -> None:
        if not self._find_user(name):
            raise EngineError(f"user {name} does not exist")
        self.query(f"SET PASSWORD FOR {identifier(name)} = {literal(password)}")
        self._passwords[name] = password

    def delete_user(self, name: str) -> None:
        if not self._find_user(name):
            raise EngineError(f"user {name} does not exist")
        self.query(f"DROP USER {identifier(name)}")
        self._passwords.pop(name, None)

    # retention policies

    def list_retention_policies(self) -> list[RetentionPolicy]:
        rows = self.query(f"SHOW RETENTION POLICIES ON {identifier(self._name)}")
        return [RetentionPolicy(row[0], row[1], row[4]) for row in rows]

    def add_retention_policy(self, name: str, duration: str, default: bool) -> None:
        self.reach()
        self._add_policy(name, duration, default)

    def _add_policy(self, name: str, wanted: str, default: bool) -> None:
        self._query(
            f"CREATE RETENTION POLICY {identifier(name)} ON {identifier(self._name)} DURATION {duration(wanted)} "
            f"REPLICATION 1{' DEFAULT' if default else ''}"
        )

    def delete_retention_policy(self, name: str) -> None:
        shown = [policy.name for policy in self.list_retention_policies() if policy.default]
        if name in shown and self.setup.switch("influx_default_removal") == "refuse":
            raise EngineError(f"retention policy {name} is the default one: it cannot be deleted")
        self.query(f"DROP RETENTION POLICY {identifier(name)} ON {identifier(self._name)}")
