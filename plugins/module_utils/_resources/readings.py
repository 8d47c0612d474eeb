# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""What can be read of a database besides its settings, each by a name, and each at the cost of a request or two."""

from __future__ import annotations

import dataclasses
import threading
import typing as t

from .._api.backup import list_backups
from .._api.database import show_database_and_next, show_recovery_window
from .._api.firewall import list_firewall_rules
from .._api.maintenance import list_maintenances
from .._api.metric import list_metric, show_metrics
from .._client import Client
from .._errors import ScalingoError
from .._shapes import or_none
from .._step import State
from ._engine import DEDICATED
from .backup import newest_first
from .version import path_of, require_next

#: So much maintenance, the newest first, is all that is planned and more.
MAINTENANCES = 20


@dataclasses.dataclass(frozen=True)
class Seen:
    """What the platform says of a database, whether that tells which version is next, and which addon it is."""

    state: State
    tells_next: bool
    addon_id: str
    engine: str | None

    @property
    def dedicated(self) -> bool:
        return DEDICATED in (self.engine, or_none(self.state["type_name"]))


def show(client: Client) -> Seen:
    """Read a database. Costs the requests that find it, where it is not known, and one."""
    state, tells_next = show_database_and_next(client)
    known = client.target.known
    return Seen(state, tells_next, client.addon_id, None if known is None else known.engine)


class Versions:
    """The versions ahead, read once for all databases that have the same ones ahead of them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, dict[str, State]] = {}
        self._paths: dict[tuple[t.Any, ...], State | ScalingoError] = {}

    def of(self, client: Client, seen: Seen) -> State:
        """Return the upgrade path of a database. What failed for one fails for all, and is not asked again."""
        state = seen.state
        require_next(state, seen.tells_next)
        key = (client.region, *(or_none(state[name]) for name in ("type_name", "readable_version", "next_version_id")))
        with self._lock:
            if key not in self._paths:
                try:
                    self._paths[key] = path_of(client, state, self._known.setdefault(client.region, {}))
                except ScalingoError as error:
                    self._paths[key] = error
            found = self._paths[key]
        if isinstance(found, ScalingoError):
            raise found
        return found


def _backups(client: Client, seen: Seen, dummy: Versions) -> t.Any:
    return None if seen.dedicated else newest_first(list_backups(client))


def _recovery_window(client: Client, seen: Seen, dummy: Versions) -> t.Any:
    return show_recovery_window(client) if seen.dedicated else None


def _disk(client: Client, dummy_seen: Seen, dummy: Versions) -> t.Any:
    return next((dict(point) for point in reversed(list_metric(client, "disk", last=True))), None)


def _firewall(client: Client, seen: Seen, dummy: Versions) -> t.Any:
    return list_firewall_rules(client) if seen.dedicated else None


#: What each reading returns, by the key of the result. None where the kind of database has no such thing.
READINGS: t.Mapping[str, t.Mapping[str, t.Callable[[Client, Seen, Versions], t.Any]]] = {
    "versions": {"versions": lambda client, seen, versions: versions.of(client, seen)},
    "backups": {"backups": _backups, "recovery_window": _recovery_window},
    "maintenance": {"maintenance": lambda client, *dummy: list_maintenances(client, limit=MAINTENANCES)},
    "metrics": {"metrics": lambda client, *dummy: show_metrics(client)},
    "disk": {"disk": _disk},
    "firewall": {"firewall_rules": _firewall},
}


def take(
    client: Client, seen: Seen, readings: t.Iterable[str], versions: Versions
) -> tuple[State, dict[str, ScalingoError]]:
    """Return what the readings of a database show, and why some of them failed: of these the result is none."""
    found: State = {}
    failed: dict[str, ScalingoError] = {}
    for reading in readings:
        for key, read in READINGS[reading].items():
            found[key] = None
            try:
                found[key] = read(client, seen, versions)
            except ScalingoError as error:
                failed[reading] = error
    return found, failed
