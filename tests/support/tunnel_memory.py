# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""SSH tunnels in memory, for suites that have no SSH server: they take the place of `_tunnel.Tunnels`.

What a task says of the way matters as it would to a real server. tests/engines/test_tunnel.py holds the same tasks against one.
"""

from __future__ import annotations

import contextlib
import typing as t
from unittest import mock

from ansible_collections.community.scalingo.plugins.module_utils import _tunnel
from ansible_collections.community.scalingo.plugins.module_utils._core import Clock
from ansible_collections.community.scalingo.plugins.module_utils._errors import Unreachable
from ansible_collections.community.scalingo.plugins.module_utils._ssh_tunnel import Address, Gateway
from support import sql_memory

#: How long logging in takes, in seconds.
LOGIN = 1.0

Key = tuple[str, ...]


class Tunnels:
    """The tunnels of a run to one database. Those of the whole run are in `open_ones`, each with the moment of its end."""

    def __init__(self, open_ones: dict[Key, tuple[int, Address, float]], clock: Clock, database: Key, way: Key) -> None:
        self._open, self._clock = open_ones, clock
        self._database, self._key = database, (*database, *way)

    def close(self) -> None:
        """Nothing is held."""

    def all(self, end: bool = False) -> list[_tunnel.Open]:
        keys = [key for key in self._open if key[: len(self._database)] == self._database]
        found = [self._described(key) for key in keys]
        for key in keys if end else ():
            del self._open[key]
        return found

    def look(self, max_age: float | None = None) -> _tunnel.Open | None:
        if self._key not in self._open:
            return None
        if max_age is not None:
            self._open[self._key] = (*self._open[self._key][:2], self._clock.wall() + max_age)
        return self._described(self._key)

    def open(self, gateway: Gateway, target: Address, timeout: float, max_age: float) -> tuple[_tunnel.Open, bool]:
        if timeout < LOGIN:
            raise Unreachable(f"the SSH server {gateway.address} cannot be reached: timed out")
        sql_memory.SqlMemory.pass_through(gateway, "127.0.0.1:22")
        self._open[self._key] = (40000 + len(self._open), target, self._clock.wall() + max_age)
        return self._described(self._key), True

    def _described(self, key: Key) -> _tunnel.Open:
        port, target, end = self._open[key]
        return _tunnel.Open(port, target, end - self._clock.wall(), "", "")


class Runs:
    """The tunnels of the runs of a laboratory, which begin anew with each home."""

    def __init__(self) -> None:
        self._home: t.Any = None
        self._open: dict[Key, tuple[int, Address, float]] = {}

    @contextlib.contextmanager
    def serving(self, home: object) -> t.Iterator[None]:
        if home != self._home:
            self._home, self._open = home, {}
        make = lambda watch, clock, database, way: Tunnels(self._open, clock, database, way)  # noqa: E731
        with mock.patch.object(_tunnel, "Tunnels", make):
            yield
