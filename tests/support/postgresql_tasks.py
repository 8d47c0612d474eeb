# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PostgreSQL tasks on databases of a private server: the sandbox's API before them, an OpenSSH server on the way.

The names of the databases are those of the platform. This machine cannot resolve them: only the SSH server can.
"""

from __future__ import annotations

import dataclasses
import json
import os
import types
import typing as t
from pathlib import Path

from ansible_collections.community.scalingo.plugins.modules import (
    scalingo_pg_extension,
    scalingo_pg_query,
    scalingo_pg_query_info,
)
from scalingo_sandbox.engines import Engine, EngineSetup
from scalingo_sandbox.engines.base import EngineError, Extension, Query
from scalingo_sandbox.engines.memory import MemoryPostgresql, make_memory_engine
from scalingo_sandbox.testing import Sandbox
from support.openssh import OpenSSH
from support.port import Report, perform
from support.postgresql import PostgreSQL

DOMAIN = "postgresql.a.osc-fr1.scalingo-dbs.com"
SHOP, FIRST, SECOND, OPEN, STRANGE = "shop-1002", "twins-1", "twins-2", "open-1", "strange-1"
FIRST_ADDON = "ad-00000000-0000-4000-8000-000000000011"
SECOND_ADDON = "ad-00000000-0000-4000-8000-000000000012"
ENGINE = "postgresql-of-the-tests"
#: One for each database, so that a leak shows whose it is. They also stand in the variables of the apps.
PASSWORDS = {name: f"Canary{name.replace('-', '')}OfThisDatabase" for name in (SHOP, FIRST, SECOND, OPEN, STRANGE)}


def resource(name: str) -> str:
    return name.replace("-", "_")


class OnServer(MemoryPostgresql):
    """The actions on a database of the private server, with the rights of the platform."""

    blocking = True
    server: t.ClassVar[PostgreSQL]

    def _rows(self, query: str) -> list[tuple[t.Any, ...]]:
        return self.server.rows(query, self.setup.resource_id)

    def list_extensions(self) -> list[Extension]:
        return [Extension(*item) for item in self.server.extensions(self.setup.resource_id).items()]

    def enable_statements(self) -> None:
        self._rows("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")

    def list_queries(self) -> list[Query]:
        rows = self._rows(
            "SELECT pid, query, state, usename, extract(epoch FROM query_start) FROM pg_stat_activity "
            "WHERE datname = current_database() AND pid <> pg_backend_pid() ORDER BY pid"
        )
        return [
            Query(pid, query, state or "", user or "", float(started or 0)) for pid, query, state, user, started in rows
        ]

    def cancel_query(self, pid: int) -> None:
        self._signal("pg_cancel_backend", pid)

    def terminate_query(self, pid: int) -> None:
        self._signal("pg_terminate_backend", pid)

    def _signal(self, function: str, pid: int) -> None:
        if not self._rows(f"SELECT {function}({pid})")[0][0]:
            raise EngineError(f"there is no session {pid}")


def make_engine(setup: EngineSetup) -> Engine:
    return OnServer(setup) if setup.kind.type_name == "postgresql" else make_memory_engine(setup)


def seed(server: PostgreSQL, gateway: OpenSSH) -> dict[str, t.Any]:
    def addon(name: str, host: str | None = None, **more: t.Any) -> dict[str, t.Any]:
        features = more.pop("features", {})
        return {
            "provider": more.pop("provider", "postgresql"),
            "resource_id": resource(name),
            "database": {
                "hostname": "%s:%d" % (host or f"{name}.{DOMAIN}", server.port),
                "password": PASSWORDS[name],
                "features": features,
                "version": "17.9.0-2",
            },
            **more,
        }

    public = {"force-ssl": "ACTIVATED", "publicly-available": "ACTIVATED"}
    return {
        "ssh": {"osc-fr1": gateway.address},
        "apps": [
            {"name": "shop", "addons": [addon(SHOP)]},
            {"name": "twins", "addons": [addon(FIRST, id=FIRST_ADDON), addon(SECOND, id=SECOND_ADDON)]},
            {"name": "open", "addons": [addon(OPEN, host="localhost", features=public)]},
            {"name": "strange", "addons": [addon(STRANGE)]},
        ],
    }


@dataclasses.dataclass
class Task:
    """Tasks on the sandbox's databases, as a playbook would have them."""

    sandbox: Sandbox
    gateway: OpenSSH
    home: Path

    def params(self, app: str = "shop", **more: t.Any) -> dict[str, t.Any]:
        return {**self.sandbox.params(), "app": app, "addon": "postgresql", **more}

    def by_ssh(self, **more: t.Any) -> dict[str, t.Any]:
        key, known_hosts = self.gateway.directory / "key", self.gateway.known_hosts
        return {"ssh_key_file": str(key), "ssh_known_hosts": str(known_hosts), **more}

    def extension(self, app: str = "shop", *, check: bool = False, ssh: bool = True, **more: t.Any) -> Report:
        params = self.params(app, **(self.by_ssh(**more) if ssh else more))
        return self.run(scalingo_pg_extension, params, check=check)

    def query(self, *, check: bool = False, **more: t.Any) -> Report:
        return self.run(scalingo_pg_query, self.params(**more), check=check)

    def query_info(self, **more: t.Any) -> Report:
        return self.run(scalingo_pg_query_info, self.params(**more))

    def run(self, module: types.ModuleType, params: dict[str, t.Any], *, check: bool = False) -> Report:
        report = perform(module, params, check=check, home=self.home)
        for name, password in PASSWORDS.items():
            assert password not in report.everything(), f"the password of {name} is shown"
        return report


def tunnels(marker: object) -> list[int]:
    """The processes of this machine with a text in their command line."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes().decode("utf-8", "replace").split("\0")
                state = (entry / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[0]
            except OSError:
                continue
            if (
                state != "Z"
                and words[0].endswith(("ssh", "python", "python3", "python3.12"))
                and str(marker) in " ".join(words)
            ):
                found.append(int(entry.name))
    return found


def shown(report: Report) -> str:
    return json.dumps(report.result, indent=1)
