# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""What happened to an app and its databases (docs/contract.md section 2.1, A14)."""

from __future__ import annotations

import itertools
import re
import typing as t

from .. import _canon
from .._change import Params, State
from .._errors import InvalidInput
from .._shapes import or_none
from ._account import OfApp, describe_person
from ._fields import Fields, checked

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

#: What C(type_data) holds, by the type. That of types that are about neither addons nor databases is not handed on: it may
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
}

#: Other names of the same (docs/contract.md section 6, row 62).
ALSO_CALLED: t.Mapping[str, str] = {
    "database_maintenance_planned": "plan_database_maintenance",
    "database_maintenance_started": "start_database_maintenance",
    "database_maintenance_completed": "complete_database_maintenance",
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


def describe(raw: object) -> State:
    """An event as the module returns it."""
    fields = Fields(raw, "an event")
    kind = type_of(fields.identifier("type"))
    user, data = fields.mapping("user"), fields.mapping("type_data")
    return {
        "id": fields.identifier("id"),
        "type": kind,
        "created_at": fields.instant("created_at"),
        "user": None if user is None else describe_person(user),
        "type_data": None if data is None or or_none(kind) is None else _describe_data(str(kind), data),
    }


def _describe_data(kind: str, raw: dict[str, t.Any]) -> State | None:
    fields = Fields(raw, "the data of an event")
    names = TYPE_DATA.get(kind) or (KNOWN if _OF_DATABASES.search(kind) else None)
    return None if names is None else {name: _value(kind, fields, name) for name in names}


def _value(kind: str, fields: Fields, name: str) -> t.Any:
    if name in _INSTANTS:
        return fields.instant(name)
    if name in _NUMBERS:
        return fields.number(name)
    if name == "recoverable":
        return fields.flag(name)
    if name == "attributes_changed" or (name == "status" and kind == "addon_updated"):
        return fields.texts(name)
    return fields.prose(name)


class EventInfo(OfApp):
    """The events of an app, newest first as the platform lists them."""

    plural = "events"
    reading = "read the events of the app"

    @classmethod
    def check(cls, params: Params) -> None:
        super().check(params)
        if params["limit"] < 1:
            raise InvalidInput("limit is %d: use a number from 1 up" % params["limit"])
        for name in params["types"] or ():
            if not re.fullmatch(r"[a-z0-9_/-]+", name):
                raise InvalidInput(
                    f"types: {name!r} is not the name of a type of events: use for example upgrade_database"
                )
        if params["since"] is not None:
            checked("since", _canon.instant, params["since"])

    def items(self) -> list[State]:
        return list(itertools.islice(self._wanted(), self.params["limit"]))

    def _wanted(self) -> t.Iterator[State]:
        types = {type_of(name) for name in self.params["types"] or ()}
        since = "" if self.params["since"] is None else _canon.instant(self.params["since"])

        def is_older(raw: dict[str, t.Any]) -> bool:
            created_at = describe(raw)["created_at"]
            return bool(since) and created_at is not None and created_at < since

        # With types the number of events to walk is not known beforehand.
        for raw in self.client.main.list_events(self.app, None if types else self.params["limit"], is_older):
            event = describe(raw)
            if not is_older(raw) and (not types or event["type"] in types):
                yield event
