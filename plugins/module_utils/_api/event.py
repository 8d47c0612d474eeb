# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""What happened to apps and their databases (docs/contract.md, section 2.1, A14 and A19): what is told of each type of event."""

from __future__ import annotations

import functools
import re
import typing as t

from .._route import MAIN, READ, Raw, Sender
from .._shapes import (
    Check,
    Many,
    Part,
    Record,
    boolean,
    called,
    identifier,
    instant,
    integer,
    mapping,
    named,
    or_none,
    present,
    prose,
    text,
)
from ._pages import pages_of, walk
from .account import PERSON

_ADDON = ("addon_provider_name", "plan_name", "resource_id")
_FEATURE = ("feature", "addon_provider_id", "addon_provider_name", "addon_uuid")
_BACKUP = (
    "addon_name",
    "resource_id",
    "addon_uuid",
    "backup_id",
    "backup_status",
    "backup_method",
    "started_at",
    "ended_at",
)
_CONTINUOUS = (
    "addon_name",
    "resource_id",
    "addon_uuid",
    "status",
    "error",
    "recoverable",
    "checked_at",
    "unrecoverable_duration_seconds",
)
_MAINTENANCE = (
    "addon_name",
    "maintenance_id",
    "maintenance_type",
    "maintenance_window_in_hours",
    "next_maintenance_window",
)

#: What `type_data` holds, by the type. That of types that are about neither addons nor databases is not handed on: it may
#: hold the values of variables.
TYPE_DATA: t.Mapping[str, tuple[str, ...]] = {
    "new_addon": _ADDON,
    "upgrade_addon": ("addon_provider_name", "resource_id", "old_plan_name", "new_plan_name"),
    "addon_updated": (
        "addon_id",
        "addon_plan_name",
        "addon_resource_id",
        "addon_provider_id",
        "addon_provider_name",
        "status",
        "attributes_changed",
    ),
    "delete_addon": _ADDON,
    "suspend_addon": (*_ADDON, "reason"),
    "resume_addon": _ADDON,
    "upgrade_database": ("addon_name", "old_version", "new_version"),
    "database/add_feature": _FEATURE,
    "database/remove_feature": _FEATURE,
    "database_backup_succeeded": _BACKUP,
    "database_backup_failed": _BACKUP,
    "database_continuousbackup_healthy": _CONTINUOUS,
    "database_continuousbackup_delayed": _CONTINUOUS,
    "database_continuousbackup_stale": _CONTINUOUS,
    "plan_database_maintenance": _MAINTENANCE,
    "start_database_maintenance": _MAINTENANCE,
    "complete_database_maintenance": _MAINTENANCE,
    "database_maintenance_missed": _MAINTENANCE,
}

#: Other names of the same (docs/contract.md section 6, row 62). Of a missed one only that of the documentation is known.
ALSO_CALLED: t.Mapping[str, str] = {
    "database_maintenance_planned": "plan_database_maintenance",
    "database_maintenance_started": "start_database_maintenance",
    "database_maintenance_completed": "complete_database_maintenance",
    "miss_database_maintenance": "database_maintenance_missed",
}

#: Types of addons and databases that this collection does not know. Of their data all is told that one of the known types has:
#: what a field of another name holds nobody knows.
_OF_DATABASES = re.compile("(^|[^a-z])(addon|database)s?([^a-z]|$)")
KNOWN = tuple(dict.fromkeys(name for names in TYPE_DATA.values() for name in names))

_INSTANTS = ("started_at", "ended_at", "checked_at", "next_maintenance_window")
_NUMBERS = ("maintenance_window_in_hours", "unrecoverable_duration_seconds")


def type_of(name: str | None) -> str | None:
    """The one name of a type, whichever is used."""
    return name if or_none(name) is None else ALSO_CALLED.get(str(name), name)


# Without a user when an addon did it, and without an app when the user did it to the account.
_EVENT = Record(
    id=identifier,
    type=present(text),
    created_at=instant,
    app=called(identifier, "app_name"),
    app_id=identifier,
    user=Record(**PERSON),
    type_data=mapping,
)


def event(value: t.Any, place: str) -> Raw:
    """An event, with the data of its type."""
    found = _EVENT(value, place)
    kind, data = type_of(found["type"]), found["type_data"]
    record = _data_of(str(kind)) if or_none(kind) else None
    if record is None or or_none(data) is None:
        # What nobody would be told of need not be readable.
        return {**found, "type": kind, "type_data": None if record is None else data}
    return {**found, "type": kind, "type_data": record(data, f"{place}.type_data")}


@functools.cache
def _data_of(kind: str) -> Part | None:
    names = TYPE_DATA.get(kind) or (KNOWN if _OF_DATABASES.search(kind) else None)
    return None if names is None else Part(**{name: _reader(kind, name) for name in names})


def _reader(kind: str, name: str) -> Check:
    if name in _INSTANTS:
        return instant
    if name in _NUMBERS:
        return integer
    if name == "recoverable":
        return boolean
    if name == "attributes_changed" or (name == "status" and kind == "addon_updated"):
        return Many(named)
    return prose


_NARROWER = "Ask for less with since or with a smaller limit; types makes the list that is read no shorter."
_EVENTS = MAIN.route(
    "A14",
    "list_events",
    "GET /apps/{app}/events",
    READ,
    pages_of("events", event),
    doing="read the events of the app",
    narrower=_NARROWER,
)
_EVENTS_OF_USER = MAIN.route(
    "A19",
    "list_events_of_user",
    "GET /events",
    READ,
    pages_of("events", event),
    doing="read the events",
    narrower=_NARROWER,
)


def list_events(
    client: Sender, app: str | None, limit: int | None = None, past: t.Callable[[Raw], bool] = lambda dummy: False
) -> t.Iterator[Raw]:
    """Yield the events of the app (A14), or without one those of all apps of the region (A19), newest first.

    A page is asked for when the one before it is used up. ``limit`` says how many are wanted, as far as that is known: with it
    the pages are no longer than needed. A page whose last event is ``past`` is the last one.
    """
    if app is None:
        return walk(client, _EVENTS_OF_USER, limit, past)
    return walk(client, _EVENTS, limit, past, app)
