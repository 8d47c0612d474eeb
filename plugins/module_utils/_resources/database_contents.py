# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""What a database holds that must survive an upgrade, and what of it is missing later (docs/contract.md sections 2.2, 2.8, 2.11 and 2.15)."""

from __future__ import annotations

import collections
import typing as t

from .._api.database import show_database
from .._api.logical_database import list_logical_databases
from .._api.postgresql import list_extensions
from .._api.user import list_users
from .._busy import is_ready
from .._change import Performer
from .._errors import AddonNotFound, InvalidInput, WaitTimeout, shown, visible
from .._options import quoted
from .._step import Outcome, Params, State
from .database_user import WithUsers
from .instance import instances_of
from .logical_db import WithLogicalDatabases
from .pg_extension import OnPostgreSQL

GONE = "the database does not exist"
#: What is told of an instance and of an extension.
INSTANCE = ("id", "type", "role", "status")
EXTENSION = ("name", "version")


def _is_text(value: t.Any) -> bool:
    return isinstance(value, str)


def _is_list(is_item: t.Callable[[t.Any], bool]) -> t.Callable[[t.Any], bool]:
    return lambda value: isinstance(value, list) and all(is_item(item) for item in value)


def _has(key: str) -> t.Callable[[t.Any], bool]:
    return lambda value: isinstance(value, dict) and isinstance(value.get(key), (str, type(None)))


#: The keys of the contents, and what each must be to be compared with.
CONTENTS: t.Mapping[str, t.Callable[[t.Any], bool]] = {
    "version": _is_text,
    "status": _is_text,
    "instances": _is_list(_has("type")),
    "extensions": _is_list(_has("name")),
    "logical_databases": _is_list(_is_text),
    "users": _is_list(_is_text),
}


class DatabaseContents(Performer):
    """The contents of a database, compared with what they were when the task names that."""

    reading = "read the contents of the database"
    _waits = False

    @classmethod
    def parse(cls, params: Params) -> State | None:
        """What to compare with, if at all: earlier contents, or a part of them."""
        before: State | None = params["compare_with"]
        for key, value in (before or {}).items():
            if key not in CONTENTS:
                raise InvalidInput(f"compare_with.{key} is not known: use {', '.join(CONTENTS)}")
            if value is not None and not CONTENTS[key](value):
                raise InvalidInput(
                    f"compare_with.{key} is {quoted(value)}: give the contents that an earlier task returned"
                )
        return {} if before is None and params["version"] is not None else before

    def perform(self, check_mode: bool) -> Outcome:
        contents: State | None = None
        self.unless_checking(check_mode, self._let_wait)
        try:
            contents = self._read()
        except AddonNotFound as error:
            self.client.require_kind(self.client.settings.addon, error.hint)
        found = None if self.asked is None else findings(self.asked, contents, self.params["version"])
        return Outcome(changed=False, result={"contents": contents, "findings": found})

    def _let_wait(self) -> None:
        self._waits = self.params["wait"]

    def _read(self) -> State:
        database, instances = self._settled() if self._waits else self._look()
        engine = self.client.target.engine or str(database["type_name"])
        client = self.client
        return {
            "version": database["readable_version"],
            "status": database["status"],
            "instances": [{name: item[name] for name in INSTANCE} for item in instances],
            "extensions": sorted(
                ({name: item[name] for name in EXTENSION} for item in list_extensions(client)),
                key=lambda item: str(item["name"]),
            )
            if engine in OnPostgreSQL.engines
            else [],
            "logical_databases": [item["name"] for item in list_logical_databases(client)]
            if engine in WithLogicalDatabases.engines
            else [],
            "users": [item["name"] for item in list_users(client)] if engine in WithUsers.engines else [],
        }

    def _look(self) -> tuple[State, list[State]]:
        database = show_database(self.client)
        return database, instances_of(self.client, database)

    def _settled(self) -> tuple[State, list[State]]:
        """The database and its instances when all of them run, or when the time is over: what does not run by then is a finding."""
        seen: list[tuple[State, list[State]]] = []

        def read() -> tuple[State, list[State]]:
            seen[:] = [self._look()]
            return seen[0]

        try:
            return self.wait_until(
                read,
                lambda look: is_ready(look[0]) and all(item["status"] == "running" for item in look[1]),
                what="instances of the database",
                identifier=self.client.target.addon_id,
                status=lambda look: (
                    ", ".join(sorted({str(item["status"]) for item in look[1]})) or str(look[0]["status"])
                ),
            )
        except WaitTimeout:
            return seen[0]


def findings(before: State, after: State | None, version: str | None = None) -> list[str]:
    """Return what is wrong, in sentences. What was not known before is not missed."""
    if after is None:
        return [GONE]
    return [
        visible(text) for text in (*_state(before, after, version), *_instances(before, after), *_lost(before, after))
    ]


def _state(before: State, after: State, version: str | None) -> t.Iterator[str]:
    if version is not None and after["version"] != version:
        yield f"the version is {shown(after['version'])} and not {version}"
    if after["status"] != "running":
        yield f"the database is {after['status']} and not running"


def _instances(before: State, after: State) -> t.Iterator[str]:
    for instance in after["instances"]:
        if instance["status"] != "running":
            words = ", ".join(word for word in (instance["type"] or "instance", instance["role"]) if word)
            yield f"the instance {instance['id']} ({words}) is {instance['status'] or 'in an unknown state'}"
    counted = [
        collections.Counter(item.get("type") for item in side.get("instances") or ()) for side in (before, after)
    ]
    for kind, number in sorted(counted[0].items(), key=str):
        if counted[1][kind] < number:
            yield f"the number of instances of the type {kind} is {counted[1][kind]}, and was {number}"


def _lost(before: State, after: State) -> t.Iterator[str]:
    left = {item["name"] for item in after["extensions"]}
    for extension in before.get("extensions") or ():
        if extension.get("name") not in left:
            yield f"the extension {extension.get('name')} ({shown(extension.get('version'))}) is gone"
    for key, noun in (("logical_databases", "logical database"), ("users", "user")):
        for name in before.get(key) or ():
            if name not in after[key]:
                yield f"the {noun} {name} is gone"
