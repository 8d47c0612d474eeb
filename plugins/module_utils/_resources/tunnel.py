# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""An SSH tunnel to a database for the rest of a run (docs/contract.md sections 1.1 and 7.4)."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import math
import os
import typing as t

from .. import _canon, _ssh_tunnel, _tunnel
from .._api.database import show_database
from .._change import Resource
from .._errors import InvalidInput, cut
from .._options import Spec, checked
from .._step import Params, Skipped, State, Step
from . import _access
from ._engine import DEDICATED

TUNNEL = _access.GATEWAY + Spec(
    {
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "max_age": {"type": "str", "default": "4h"},
    }
)
#: The longest life of a tunnel, in seconds: a week.
LONGEST_LIFE = 604800.0
#: How much of what ssh says is shown.
MOST = 300


class Tunnel(Resource[t.Optional[State]]):
    """The tunnel of this run to one database."""

    reading = "read where the database is"
    on_controller = True
    managed_fields = ("target_host", "target_port")

    @classmethod
    def parse(cls, params: Params) -> float:
        """Return ``max_age`` in seconds."""
        _access.check_gateway(params)
        seconds = checked("max_age", _canon.seconds, params["max_age"])
        if not (math.isfinite(seconds) and 1 <= seconds <= LONGEST_LIFE):
            raise InvalidInput(f"max_age is {params['max_age']}: use a duration from 1s to 7d")
        return seconds

    def __init__(self, *arguments: t.Any) -> None:
        super().__init__(*arguments)
        self._target: _ssh_tunnel.Address | None = None
        self._told: set[str] = set()

    @property
    def _tunnels(self) -> contextlib.closing[_tunnel.Tunnels]:
        """The tunnels of the run to this database."""
        params = self.params
        files = [_whole(params[name]) or "" for name in ("ssh_key_file", "ssh_known_hosts")]
        database, way = (
            (self.client.region, self.client.addon_id),
            (params["ssh_host"] or "", params["ssh_user"], *files),
        )
        return contextlib.closing(_tunnel.Tunnels(self.client.watch, self.client.clock, database, way))

    # -- reading -----------------------------------------------------------------------------------------------------

    def read(self) -> State | None:
        """The tunnel of this run. To close it, nothing of the database needs to be read."""
        if self.params["state"] == "present":
            _ssh_tunnel.require_ssh()
            if self.client.target.engine == DEDICATED:
                raise InvalidInput(
                    "the platform has no tunnel to a database with dedicated resources",
                    hint="Connect to its host, after a firewall rule for this machine (community.scalingo.scalingo_firewall_rule).",
                )
            if self._target is None:
                self._target = _access.required_address(show_database(self.client))
            with self._tunnels as tunnels:
                return self._described(tunnels.look())
        with self._tunnels as tunnels:
            found = [self._described(each) for each in tunnels.all()]
        return next((each for each in found if each is not None), None)

    def _described(self, found: _tunnel.Open | None) -> State | None:
        """The tunnel as data; nothing when it is of no use. Warns once of what ssh complains of."""
        if found is None:
            return None
        if found.problem:
            gateway = self.params["ssh_host"] or f"the SSH server of {self.client.region}"
            self._tell(
                f"The tunnel to {found.target} through {gateway} had ended before this task. ssh said: {cut(found.problem, MOST)}"
            )
            return None
        if found.said:
            self._tell(f"Connections through the tunnel to {found.target} failed. ssh said: {cut(found.said, MOST)}")
        return {
            "host": "127.0.0.1",
            "port": found.port,
            "target_host": found.target.host,
            "target_port": found.target.port,
            "expires_at": self._expiry(found.seconds),
        }

    def _tell(self, warning: str) -> None:
        if warning not in self._told:
            self._told.add(warning)
            self.warn(warning)

    def _expiry(self, seconds: float) -> str:
        moment = datetime.datetime.fromtimestamp(self.client.clock.wall() + seconds, datetime.timezone.utc)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ")

    # -- deciding ----------------------------------------------------------------------------------------------------

    def wanted(self, before: State | None) -> State | None:
        if self._target is None:
            return None
        target = {"target_host": self._target.host, "target_port": self._target.port}
        kept = before if before is not None and self.managed(before) == target else {"host": "127.0.0.1", "port": None}
        return {**kept, **target, "expires_at": self._expiry(self.asked)}

    def steps(self, before: State | None, after: State | None) -> list[Step]:
        if after is None:
            return [] if before is None else [Step(f"close the tunnel to {_place(before)}", send=self._close)]
        if before is not None and self.managed(before) == self.managed(after):
            return [Step(f"extend the tunnel to {_place(after)}", send=self._extend, counts=False)]
        return [Step(f"open a tunnel to {_place(after)}", send=self._open)]

    # -- changing ----------------------------------------------------------------------------------------------------

    def _extend(self) -> State | None:
        with self._tunnels as tunnels:
            return self._described(tunnels.look(max_age=self.asked))

    def _open(self) -> State | None:
        gateway = _access.gateway_of(self.client, self.params)
        gateway = dataclasses.replace(
            gateway, key_file=_whole(gateway.key_file), known_hosts=_whole(gateway.known_hosts)
        )
        target = t.cast(_ssh_tunnel.Address, self._target)
        with self._tunnels as tunnels:
            opened, ours = tunnels.open(gateway, target, self.params["connect_timeout"], self.asked)
        if not ours:
            raise Skipped
        return self._described(opened)

    def _close(self) -> None:
        with self._tunnels as tunnels:
            tunnels.all(end=True)

    # -- reporting ---------------------------------------------------------------------------------------------------

    def result(self, state: State | None) -> dict[str, t.Any]:
        return {"tunnel": state}


def _place(state: State) -> str:
    return str(_ssh_tunnel.Address(state["target_host"], state["target_port"]))


def _whole(path: str | None) -> str | None:
    """A path that does not depend on the directory of the task: ssh has another."""
    return None if path is None else os.path.abspath(path)
