# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The servers of restore drills in memory, for suites that have none: they take the place of the libraries of the engines.

What a task says of the server matters as it would to a real one. tests/engines/test_restore_drill.py holds the same tasks against those.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import typing as t
from unittest import mock

from ansible_collections.community.scalingo.plugins.module_utils import _drill_measures, _drill_place
from ansible_collections.community.scalingo.plugins.module_utils._core import Clock
from ansible_collections.community.scalingo.plugins.module_utils._errors import DrillFailed, ScalingoError
from ansible_collections.community.scalingo.plugins.module_utils._resources import restore_drill

#: What the restored database holds: rows by table.
TABLES = {"postgresql": {"public.orders": 1000, "public.sessions": 50}, "mysql": {"`orders`": 1000, "`sessions`": 50}}
#: The policies of larger backups name this role.
ROLE, LARGE = "reporting", 250000
EXTENSIONS = {"plpgsql": "1.0", "pg_trgm": "1.6"}
#: Seconds: to restore with one job, and for a statement.
RESTORING, ASKING = 60.0, 2.0


class Server:
    """A server that has restored the one backup that there is."""

    def __init__(self, of: type[_drill_place.Server], clock: Clock, major: int, params: t.Mapping[str, t.Any]) -> None:
        for name in ("programs", "client_programs"):
            if params[name] is not None:
                raise DrillFailed(f"there is no server in {params[name]}", hint="Install one.")
        self.engine, self.name = of.engine, of.name
        self.kind = "given" if params["server_url"] or params["server_service"] else "throw-away"
        self.major, self.version, self.client_version = major, f"{major}.10", f"{major}.4"
        self.available = EXTENSIONS
        self.extensions = {"pg_trgm": ""}
        self.dumped = {"dumped_from": "16.4", "dumped_by": "18.1"}
        self._clock = clock
        self._params = params

    def start(self, place: _drill_place.Place, hosts: t.Sequence[str], own: str) -> None:
        if self.kind == "given" and "superuser" not in self._params["allow"]:
            raise DrillFailed(
                "the user of the given server is a superuser",
                hint="If that is what you want, add 'allow: [superuser]' to the task.",
            )
        if self.kind == "given" and "network" not in self._params["allow"]:
            raise DrillFailed(
                "the given server has a network", hint="If that is what you want, add 'allow: [network]' to the task."
            )
        assert bool(hosts) == (self.kind == "given")
        self._place = place
        for wrong in (self._params["locale"], *self._params["server_settings"]):
            if wrong:
                raise DrillFailed(f"the server did not start: {wrong}")

    def restore(self, extensions: t.Sequence[str]) -> tuple[list[str], dict[str, int]]:
        self._clock.sleep(RESTORING / self._params["jobs"])
        self._place.watch.alive()
        lacking = os.path.getsize(self._place.file("dump")) > LARGE and ROLE not in self._params["roles"]
        return [f'role "{ROLE}" does not exist'] if lacking else [], {"PUBLICATION": 1}

    def query(self, sql: str, *, timeout: float, secret: bool = False, catalog: bool = False) -> _drill_measures.Rows:
        self._clock.sleep(min(ASKING, timeout))
        if timeout < ASKING:
            raise ScalingoError("canceling statement due to statement timeout")
        dialect, tables = _drill_measures.DIALECTS[self.engine], TABLES[self.engine]
        if sql == dialect.inventory:
            return [
                *(["table", name, "false"] for name in tables),
                *(["extension", name, version] for name, version in EXTENSIONS.items() if self.engine == "postgresql"),
                ["object", "indexes", "1"], ["object", "large_objects", "0"], ["sequence", "public.orders_number_seq", "1000"],
                ["size", "", "8000000"],
            ]  # fmt: skip
        if sql.startswith("SELECT 0, count(*)"):
            return [[f"{number}", f"{rows}"] for number, rows in enumerate(tables.values())]
        if catalog:
            return [[f"{self._clock.wall() - 90000}"]]
        return [[dialect.true[0] if " > 0" in sql else "1000"]]


@contextlib.contextmanager
def serving(clock: t.Callable[[], Clock]) -> t.Iterator[None]:
    """Have drills use these servers."""

    def unpack(archive: str, place: _drill_place.Place, engine: str) -> int:
        shutil.copyfile(archive, place.file("dump"))
        return os.path.getsize(archive)

    servers = {
        engine: lambda major, params, of=of: Server(of, clock(), major, params)
        for engine, of in restore_drill.SERVERS.items()
    }
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(restore_drill, "SERVERS", servers))
        stack.enter_context(mock.patch.object(_drill_place, "unpack", unpack))
        # Directories of tests have long names, and no server has a socket in them.
        stack.enter_context(mock.patch.object(_drill_place, "LONGEST_SOCKET", 4096))
        yield
