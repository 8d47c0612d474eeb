# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""The versions ahead of a database (docs/contract.md sections 2.4 and 2.13).

The platform knows one way: the latest minor version first, then the next major version, one step at a time.
"""

from __future__ import annotations

import typing as t

from .. import _canon
from .._api.addon import ENGINES
from .._api.database import show_database_and_next
from .._api.version import show_database_type_version
from .._change import Listing
from .._errors import UnexpectedAnswer
from .._shapes import or_none
from .._step import Outcome, State

if t.TYPE_CHECKING:
    from .._client import Client

#: How many numbers of a version name its major version: MySQL 8.0 and 8.4 differ as PostgreSQL 16 and 17 do.
SERIES: t.Mapping[str, int] = {**{engine: 1 for engine in ENGINES}, "mysql": 2, "mongodb": 2}
#: An unknown kind counts two: what is taken for major needs consent, what is taken for minor does not.
UNKNOWN_SERIES = 2

LONGEST_PATH = 100


def read_database(client: Client) -> State:
    """A database that says which version it has and which one is next. What is not said is not taken for none."""
    state, told = show_database_and_next(client)
    require_next(state, told)
    return state


def require_next(state: State, told: bool) -> None:
    """Refuse a database of which the platform does not say which version it has, or which one is next. Raises UnexpectedAnswer."""
    if state["readable_version"] is None or not told:
        raise UnexpectedAnswer("the platform does not say which version the database has, or which one is next")
    require_version(state)


def require_version(found: State) -> str | None:
    """Return the version of a database, which can be compared then. Raises UnexpectedAnswer when it is none."""
    shown: str | None = found["readable_version"]
    try:
        if shown is not None:
            _canon.version(shown)
    except ValueError:
        raise UnexpectedAnswer("the version that the platform gives the database cannot be read") from None
    return shown


def series_of(client: Client, found: State) -> int:
    """How many numbers name a major version of the database: by its type, or by the provider of its addon."""
    kind = str(or_none(found["type_name"])).lower()
    if kind not in SERIES:
        kind = client.target.engine or kind
    return SERIES.get(kind, UNKNOWN_SERIES)


def crosses_major(count: int, before: str | None, after: str | None) -> bool:
    """Whether one version is of another major version than the one before it. An unknown version is.

    `count` is how many numbers name a major version.
    """
    if before is None or after is None:
        return True
    return _canon.version(before)[:count] != _canon.version(after)[:count]


def ahead(client: Client, version_id: str | None, known: dict[str, State]) -> t.Iterator[State]:
    """The versions on the way, from the next one on; each costs a request when it is taken, unless it is `known`."""
    passed: set[str] = set()
    while version_id is not None:
        if version_id in passed or len(passed) == LONGEST_PATH:
            raise UnexpectedAnswer(f"the versions ahead lead in a circle: {version_id} comes again")
        passed.add(version_id)
        if version_id not in known:
            known[version_id] = show_database_type_version(client, version_id)
        yield known[version_id]
        version_id = known[version_id]["next_upgrade_id"]


class VersionInfo(Listing):
    """The versions ahead of a database, the next one first."""

    plural = "versions"
    reading = "read the versions ahead"

    def perform(self, check_mode: bool) -> Outcome:
        return Outcome(changed=False, result=path_of(self.client, read_database(self.client), {}))


def path_of(client: Client, state: State, known: dict[str, State]) -> State:
    """The upgrade path of a database: every version ahead of it, and the ones that matter."""
    count = series_of(client, state)
    versions: list[State] = []
    current = before = state["readable_version"]
    for version in ahead(client, state["next_version_id"], known):
        versions.append({**version, "crosses_major": crosses_major(count, before, version["version"])})
        before = version["version"]
    minors = [version["version"] for version in versions if not crosses_major(count, current, version["version"])]
    return {
        "versions": versions,
        "current_version": current,
        "latest_minor": minors[-1] if minors else current,
        "latest": before,
        "majors": [version["version"] for version in versions if version["crosses_major"]],
    }
