# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The SQL side of the sandbox's databases in memory, for suites that have no server: it takes the place of _sql.connect.

Everything that a connection is told matters, as it would to real servers: where to, who, by which way, with which key,
which authority is trusted, how long it may take. tests/engines holds the same tasks against real servers.
"""

from __future__ import annotations

import contextlib
import re
import typing as t
from pathlib import Path
from unittest import mock

from ansible_collections.community.scalingo.plugins.module_utils import _sql, _ssh_tunnel
from ansible_collections.community.scalingo.plugins.module_utils._errors import SqlRefused, Unreachable
from scalingo_sandbox.testing import Sandbox

#: What the servers have: the versions in their order, the last one is the default.
AVAILABLE = {
    "plpgsql": ("1.0",),
    "pg_trgm": ("1.3", "1.4", "1.5", "1.6"),
    "hstore": ("1.8",),
    "citext": ("1.6",),
    "cube": ("1.5",),
    "earthdistance": ("1.1", "1.2"),
    "unaccent": ("1.1",),
    "vector": ("0.7.0", "0.8.6"),
    "pg_stat_statements": ("1.10", "1.11"),
    "dblink": ("1.2",),
}
NEEDS = {"earthdistance": ("cube",)}
NOT_ALLOWED = ("dblink",)
SCHEMAS = ("public", "tools")
#: How long connecting and a statement take, in seconds.
CONNECTING, EXECUTING = 1.0, 0.2

FILES = {
    "$ssh_key": "the key of the account\n",
    "$other_ssh_key": "a key that nobody knows\n",
    "$ssh_known_hosts": "the host key\n",
    "$other_ssh_known_hosts": "another host key\n",
    "$other_authority": "the certificate of another authority\n",
}


class SqlMemory:
    """The servers behind the databases of a sandbox, and the SSH server on the way. `directory` is for the files of tasks."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.connections = 0

    def path(self, placeholder: str, sandbox: Sandbox) -> str | None:
        """The file that a placeholder in the arguments of a case stands for; nothing when it is no placeholder."""
        content: str | bytes | None = FILES.get(placeholder)
        if placeholder == "$authority":
            content = sandbox.running.world.ca_certificate()
        if content is None:
            return None
        path = self._directory / placeholder.lstrip("$")
        path.write_bytes(content if isinstance(content, bytes) else content.encode("ascii"))
        return str(path)

    @contextlib.contextmanager
    def serving(self, sandbox: Sandbox) -> t.Iterator[None]:
        @contextlib.contextmanager
        def connect(login: _sql.Login, encryption: _sql.Encryption, **more: t.Any) -> t.Iterator[t.Any]:
            self.connections += 1
            yield self._session(sandbox, login, encryption, **more)  # pylint: disable=missing-kwoa

        with (
            mock.patch.object(_sql, "connect", connect),
            mock.patch.object(_ssh_tunnel, "require_ssh", lambda program="ssh": None),
        ):
            yield

    def _session(
        self,
        sandbox: Sandbox,
        login: _sql.Login,
        encryption: _sql.Encryption,
        *,
        gateway: _ssh_tunnel.Gateway | None,
        timeout: float,
        statement_timeout: float,
        server_version: int | None,
        read_only: bool,
    ) -> t.Any:
        world = sandbox.running.world
        place = login.address
        found = [
            (app, addon)
            for app in world.apps
            for addon in app.addons
            if (addon.database.hostname, addon.database.port) == (place.host, place.port)
        ]
        if timeout < CONNECTING:
            raise Unreachable(f"the database at {place} cannot be reached: timeout expired")
        if gateway is not None:
            self.pass_through(gateway, world.seed.ssh.get(found[0][0].region, "127.0.0.1:22") if found else "")
        if not found:
            raise Unreachable(f"the database at {place} cannot be reached: nobody listens there")
        addon = found[0][1]
        public = any(
            item.name == "publicly-available" and item.status == "ACTIVATED" for item in addon.database.features
        )
        if gateway is None and not (public or addon.kind.dedicated):
            raise Unreachable(f"the database at {place} cannot be reached: no route")
        if encryption.mode in ("verify-full", "verify-ca"):
            assert encryption.authorities is not None
            if Path(encryption.authorities).read_bytes() != world.ca_certificate():
                raise Unreachable(
                    "no TLS connection to the database is possible: certificate verify failed", hint="See ca_cert."
                )
        if encryption.mode == "verify-full" and encryption.name != addon.database.hostname:
            raise Unreachable(
                "no TLS connection to the database is possible: it is for another name", hint="See ca_cert."
            )
        if (login.user, login.password, login.database) != (
            addon.resource_id,
            addon.database.password,
            addon.resource_id,
        ):
            raise SqlRefused(
                f"the database server refuses the login of the user {login.user}", hint="Check the password."
            )
        assert server_version in (None, addon.database.engine.version().major)
        return Session(addon.database.engine, statement_timeout, read_only)

    @staticmethod
    def pass_through(gateway: _ssh_tunnel.Gateway, address: str) -> None:
        if str(gateway.address) != address:
            raise Unreachable(f"the SSH server {gateway.address} cannot be reached")
        for path, wanted, words in (
            (gateway.known_hosts, "$ssh_known_hosts", "the host key of the SSH server is not known"),
            (gateway.key_file, "$ssh_key", "the SSH server accepts none of the SSH keys"),
        ):
            if path is None or Path(path).read_text(encoding="ascii") != FILES[wanted]:
                raise Unreachable(words, hint="Give another.")
        if gateway.user != "git":
            raise Unreachable(
                f"the SSH server accepts none of the SSH keys for the user {gateway.user}", hint="Use git."
            )


class Session:
    """Understands the statements that the collection sends, and nothing else."""

    def __init__(self, engine: t.Any, statement_timeout: float, read_only: bool) -> None:
        self._engine = engine
        self._statement_timeout = statement_timeout
        self._read_only = read_only

    def rows(self, query: str) -> list[tuple[t.Any, ...]]:
        assert query == "SELECT name, default_version FROM pg_available_extensions"
        self._take_time()
        return [(name, versions[-1]) for name, versions in AVAILABLE.items()]

    def execute(self, statements: t.Sequence[_sql.Statement]) -> list[str]:
        assert not self._read_only, "this connection only reads"
        extensions = dict(self._engine.content()["extensions"])
        for statement in statements:
            self._take_time()
            self._one(str(statement), extensions)
        gone = [
            name
            for name in self._engine.content()["extensions"]
            if name not in extensions and f'"{name}"' not in str(statements[0])
        ]
        self._engine.set_content({**self._engine.content(), "extensions": extensions})
        return [f"drop cascades to extension {name}" for name in gone]

    def _take_time(self) -> None:
        if self._statement_timeout < EXECUTING:
            raise SqlRefused("canceling statement due to statement timeout", code="57014")

    def _one(self, text: str, extensions: dict[str, str]) -> None:
        created = re.fullmatch(
            r'CREATE EXTENSION IF NOT EXISTS "([^"]+)"(?: SCHEMA "([^"]+)")?(?: VERSION \'([^\']+)\')?( CASCADE)?', text
        )
        updated = re.fullmatch(r'ALTER EXTENSION "([^"]+)" UPDATE TO \'([^\']+)\'', text)
        dropped = re.fullmatch(r'DROP EXTENSION IF EXISTS ((?:"[^"]+"(?:, )?)+)( CASCADE)?', text)
        if created:
            self._create(extensions, *created.groups())
        elif updated:
            extensions[updated.group(1)] = self._version(updated.group(1), updated.group(2))
        else:
            assert dropped, f"nobody understands: {text}"
            self._drop(extensions, re.findall(r'"([^"]+)"', dropped.group(1)), bool(dropped.group(2)))

    def _create(
        self,
        extensions: dict[str, str],
        name: str,
        schema: str | None,
        version: str | None,
        cascade: str | None,
    ) -> None:
        if name in extensions:
            return
        if name not in AVAILABLE:
            raise SqlRefused(f'extension "{name}" is not available', code="0A000")
        if name in NOT_ALLOWED:
            raise SqlRefused(f'permission denied to create extension "{name}"', code="42501")
        if schema is not None and schema not in SCHEMAS:
            raise SqlRefused(f'schema "{schema}" does not exist', code="3F000")
        for needed in NEEDS.get(name, ()):
            if needed not in extensions and not cascade:
                raise SqlRefused(f'required extension "{needed}" is not installed', code="42704")
            extensions.setdefault(needed, AVAILABLE[needed][-1])
        extensions[name] = self._version(name, version)

    @staticmethod
    def _version(name: str, version: str | None) -> str:
        if version is not None and version not in AVAILABLE[name]:
            raise SqlRefused(
                f'extension "{name}" has no installation script nor update path for version "{version}"',
                code="22023",
            )
        return version or AVAILABLE[name][-1]

    @staticmethod
    def _drop(extensions: dict[str, str], names: t.Sequence[str], cascade: bool) -> None:
        going = set(names)
        for name, needed in NEEDS.items():
            if name in extensions and name not in going and going & set(needed):
                if not cascade:
                    raise SqlRefused("cannot drop extension because other objects depend on it", code="2BP01")
                going.add(name)
        for name in going:
            extensions.pop(name, None)
