# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Logical databases of MySQL and MongoDB (docs/contract.md sections 2.8, 7.2 and 7.3)."""

from __future__ import annotations

import typing as t

from .._api.logical_database import (
    create_logical_database,
    delete_logical_database,
    list_logical_databases,
    reset_logical_database,
)
from .._change import Listing, Resource
from .._errors import InvalidInput, NotFound
from .._shapes import by_name
from .._step import Consent, Params, State, Step, mistaken
from ._engine import OfEngine

#: Engines with logical databases, and the databases that belong to the server itself.
SYSTEM_DATABASES: t.Mapping[str, frozenset[str]] = {
    "mysql": frozenset(("information_schema", "mysql", "performance_schema", "sys")),
    "mongodb": frozenset(("admin", "config", "local")),
}
NOUN = "logical database"
INSTEAD: t.Mapping[str, str] = {
    "postgresql": "A PostgreSQL addon has exactly one named database: use schemas in it, or a second addon.",
    "postgresql-ng": "A PostgreSQL database has exactly one named database: use schemas in it, or a second one.",
    "redis": "A Redis addon has five numbered databases, 0 to 4: use these, or key prefixes.",
    "influxdb": "An InfluxDB addon has exactly one database: use measurements, or retention policies.",
    "elasticsearch": "Elasticsearch has indices instead: use these.",
    "opensearch": "OpenSearch has indices instead: use these.",
}


class WithLogicalDatabases(OfEngine):
    """What the three modules share: reading the list, of the right engine."""

    engines = tuple(SYSTEM_DATABASES)
    subject = "logical databases exist on MySQL and MongoDB"
    instead = INSTEAD
    reading = "list the logical databases"

    def listed(self) -> list[State]:
        """The logical databases in the platform's order. Refuses an engine that has none."""
        return self.ask(lambda: list_logical_databases(self.client))

    def by_name(self) -> dict[str, State]:
        return by_name(self.listed(), "logical databases")

    def is_system(self, name: str) -> bool:
        engines = [engine for engine in SYSTEM_DATABASES if engine == self.engine] or list(SYSTEM_DATABASES)
        return any(name in SYSTEM_DATABASES[engine] for engine in engines)


class LogicalDatabases(WithLogicalDatabases, Resource[State]):
    """One logical database, or several, present or absent. The state is all of them by name."""

    @classmethod
    def parse(cls, params: Params) -> list[str]:
        names = _names(params)
        for name in names:
            _check_name(name)
        if params["exclusive"]:
            if params["names"] is None:
                raise InvalidInput("exclusive needs names: the whole list of the databases that may exist")
            if params["state"] == "absent":
                raise InvalidInput("exclusive contradicts 'state: absent': use one of the two")
        elif not names:
            raise InvalidInput("names is empty: name at least one database, or use exclusive to remove all others")
        return names

    def read(self) -> State:
        return self.by_name()

    def managed(self, state: State) -> dict[str, t.Any]:
        """All of them for an exclusive list, else the named ones: others may come and go meanwhile."""
        names = self.asked
        return {
            name: {"protected": item["protected"]}
            for name, item in state.items()
            if self.params["exclusive"] or name in names
        }

    def result(self, state: State) -> dict[str, t.Any]:
        if self.params["names"] is None:
            return {"logical_database": state.get(self.params["name"])}
        return {"logical_databases": list(state.values())}

    def wanted(self, before: State) -> State:
        names = self.asked
        if self.params["state"] == "absent":
            for name in names:
                self._refuse_removal(name, before.get(name))
            return {name: item for name, item in before.items() if name not in names}
        after = dict(before)
        for name in names:
            if name not in before and self.is_system(name):
                raise InvalidInput(f"{name} belongs to the database server itself and cannot be created")
            after.setdefault(name, {"name": name, "protected": False})
        if self.params["exclusive"]:
            after = {
                name: item for name, item in after.items() if name in names or item["protected"] or self.is_system(name)
            }
        return after

    def steps(self, before: State, after: State) -> list[Step]:
        removed = [name for name in before if name not in after]
        consent = self._consent(removed)
        return [self._create(name) for name in after if name not in before] + [
            self._delete(name, consent) for name in removed
        ]

    def tolerated(self, field: str, wanted: t.Any, current: t.Any) -> bool:
        if current is None and wanted is not None and self.engine in (None, "mongodb"):
            self.warn(
                f"MongoDB does not list the logical database {field} yet: it may show one only when it holds data. "
                "Until then this task creates it anew each time."
            )
            return True
        return False

    def _consent(self, removed: t.Sequence[str]) -> tuple[Consent, ...]:
        """One is as lost as several: the task does not name it, and a list may be shorter or emptier than was meant."""
        if not self.params["exclusive"]:
            return ()
        return (
            Consent(
                "allow",
                "mass_removal",
                "The list is exclusive{}, so these logical databases and all their data would be lost: {}".format(
                    "" if self.asked else " and empty", ", ".join(removed)
                ),
            ),
        )

    def _create(self, name: str) -> Step:
        return Step(
            f"create the logical database {name}",
            send=lambda: create_logical_database(self.client, name) and None,
            happened=lambda state: name in state,
            resend=True,
        )

    def _delete(self, name: str, consent: tuple[Consent, ...]) -> Step:
        return Step(
            f"delete the logical database {name}",
            send=lambda: delete_logical_database(self.client, name),
            happened=lambda state: name not in state,
            resend=True,
            consent=consent,
        )

    def _refuse_removal(self, name: str, item: State | None) -> None:
        if item is not None and item["protected"]:
            raise InvalidInput(
                f"the logical database {name} is protected: it is the default one of the addon and cannot be deleted",
                hint="To empty it, use community.scalingo.scalingo_logical_db_reset.",
            )
        if self.is_system(name):
            raise InvalidInput(f"{name} belongs to the database server itself and is never removed")


class LogicalDatabaseReset(WithLogicalDatabases, Resource[State]):
    """Empty one logical database and keep it. There is nothing to compare: every run resets."""

    imperative = True

    @classmethod
    def parse(cls, params: Params) -> None:
        _check_name(params["name"])
        if params["confirm"] not in (None, params["name"]):
            raise InvalidInput(mistaken(params["confirm"], params["name"], NOUN))

    def read(self) -> State:
        listed = self.by_name()
        name = self.params["name"]
        if name not in listed:
            raise NotFound(
                f"there is no logical database {name}",
                hint=f"There is: {', '.join(sorted(listed))}." if listed else "",
            )
        if self.is_system(name):
            raise InvalidInput(f"{name} belongs to the database server itself and is never emptied")
        return listed[name]

    def wanted(self, before: State) -> State:
        return before

    def managed(self, state: State) -> dict[str, t.Any]:
        return dict(state)

    def result(self, state: State) -> dict[str, t.Any]:
        return {"logical_database": state}

    def steps(self, before: State, after: State) -> list[Step]:
        name = self.params["name"]
        return [
            Step(
                f"empty the logical database {name}",
                send=lambda: reset_logical_database(self.client, name),
                consent=(Consent("confirm", name, f"All data in the logical database {name} would be lost", NOUN),),
            )
        ]


class LogicalDatabaseInfo(WithLogicalDatabases, Listing):
    """The logical databases of one addon."""

    plural = "logical_databases"

    def items(self) -> list[State]:
        wanted = self.params["name"]
        return [item for item in self.listed() if wanted in (None, item["name"])]


def _names(params: Params) -> list[str]:
    """The names of the task without repetitions, in their order."""
    names = [params["name"]] if params["names"] is None else params["names"]
    return list(dict.fromkeys(names))


def _check_name(name: str) -> None:
    if not name or name != name.strip() or not name.isprintable():
        raise InvalidInput(f"name: {name!r} is not the name of a logical database: use no blank at its ends")
