# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""The database itself: settings, features, upgrade, restore to a point in time (docs/contract.md, sections 2.2 to 2.7)."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .._answer import Answer
from .._route import DATABASE, ONCE, READ, SETS, Raw, Route, Sender, bare_or_empty, under
from .._shapes import (
    Many,
    Record,
    Unread,
    boolean,
    identifier,
    instant,
    integer,
    list_of,
    mapping,
    named,
    present,
    required,
    text,
)
from .operation import operation_in, started

WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")

FEATURE = Record(name=required(text), status=present(text))


class _Features(Many):
    """The features of a database. One that is off is not listed, or listed as DISABLED (section 3.5): it is left out."""

    def __call__(self, value: t.Any, place: str) -> list[Raw]:
        found = super().__call__(value, place)
        return [item for item in found if isinstance(item["status"], Unread) or item["status"] != "DISABLED"]


INSTANCE = Record(
    id=identifier,
    hostname=identifier,
    port=integer,
    status=identifier,
    type=identifier,
    features=list_of(named),
    private_ip=identifier,
)
WINDOW = Record(weekday_utc=integer, starting_hour_utc=integer, duration_in_hour=integer)
RECORD = Record(
    id=identifier,
    resource_id=identifier,
    app_name=identifier,
    created_at=instant,
    encryption_at_rest=boolean,
    features=_Features(FEATURE),
    plan=identifier,
    status=present(text),
    type_id=identifier,
    type_name=identifier,
    version_id=identifier,
    readable_version=identifier,
    mongo_repl_set_name=identifier,
    hostname=identifier,
    instances=list_of(INSTANCE),
    next_version_id=identifier,
    current_operation_id=identifier,
    cluster=boolean,
    periodic_backups_enabled=boolean,
    periodic_backups_scheduled_at=Many(integer, alone=True),
    maintenance_window=WINDOW,
)
UPGRADE = Record(id=identifier, message=identifier, warning_message=identifier)


def hour_of_day(value: object) -> int:
    """An hour of the day in UTC, 0 to 23 (docs/contract.md section 2.3)."""
    number = _whole(value)
    if number is None or not 0 <= number <= 23:
        raise ValueError(f"{value!r} is not an hour of the day: use 0 to 23, in UTC")
    return number


def weekday(value: object) -> int:
    """A day of the week as the API counts it: 0 is Sunday (docs/contract.md section 2.2). Names are English, in any case."""
    number = _whole(value)
    if number is not None and 0 <= number <= 6:
        return number
    if isinstance(value, str) and value.strip().lower() in WEEKDAYS:
        return WEEKDAYS.index(value.strip().lower())
    raise ValueError(f"{value!r} is not a day of the week: use {', '.join(WEEKDAYS)}, or 0 (Sunday) to 6 (Saturday)")


def window_text(day: int | None, starting_hour: int | None) -> str:
    """When a window begins, for people."""
    name = "an unknown day" if day is None else WEEKDAYS[day % 7].capitalize()
    return "{} at {} UTC".format(name, "an unknown hour" if starting_hour is None else f"{starting_hour}:00")


def _whole(value: object) -> int | None:
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value
    if isinstance(value, str) and re.fullmatch(r"\s*[0-9]{1,9}\s*", value, re.ASCII):
        return int(value)
    return None


def _upgrade_started(answer: Answer) -> Raw:
    """The target version's fields, unrooted (section 2.4)."""
    body = mapping(answer.json(), "the body")
    operation = body.get("operation")
    location = answer.headers.get("location") or None
    found = body.get("operation_id") or (operation.get("id") if isinstance(operation, dict) else None)
    started_id = identifier(found or operation_in(location), "operation_id")
    return {**UPGRADE(body, "the body"), "operation_id": started_id, "location": location}


def _with_next(answer: Answer) -> tuple[Raw, bool]:
    body = answer.json()
    return under("database", check=RECORD)(answer), "next_version_id" in body["database"]


def _certificate(answer: Answer) -> str:
    if "-----BEGIN CERTIFICATE-----" not in answer.text:
        raise answer.unexpected(f"expected a certificate and received {answer.described()}")
    return answer.text


#: Read the database (D1). What is missing is None, or an empty list.
show_database = DATABASE.route(
    "D1", "show_database", "GET /databases/{database}", READ, under("database", check=RECORD), doing="read the database"
)
_UPDATE = DATABASE.route(
    "D2",
    "update_database",
    "PATCH /databases/{database}",
    SETS,
    under("database", check=RECORD),
    doing="change the settings of the database",
)
#: Start the upgrade by one step (D3); not repeatable. Return the target version's ``operation_id`` (None when
#: the answer has none; ``id`` is the version's, not the operation's), ``warning_message``, ``message``, and ``location``,
#: the Location header to give to show_operation (None when absent).
upgrade = DATABASE.route(
    "D3", "upgrade", "POST /databases/{database}/upgrade", ONCE, _upgrade_started, doing="start the upgrade"
)
_RESTORE = DATABASE.route(
    "D4",
    "restore_to_point_in_time",
    "POST /databases/{database}/pitr/restore",
    ONCE,
    started,
    doing="restore to a point in time",
)
#: Read ``earliest_recoverable_at`` and ``latest_recoverable_at`` (D5), both None without a base backup (section 2.5).
show_recovery_window = DATABASE.route(
    "D5",
    "show_recovery_window",
    "GET /databases/{database}/pitr/recovery_window",
    READ,
    under(
        "recovery_window",
        check=Record(earliest_recoverable_at=instant, latest_recoverable_at=instant),
    ),
    doing="read the recovery window",
)
_ENABLE = DATABASE.route("D6", "enable_feature", "POST /databases/{database}/features", SETS, bare_or_empty(mapping))
_DISABLE = DATABASE.route(
    "D7", "disable_feature", "DELETE /databases/{database}/features", SETS, bare_or_empty(mapping)
)
#: Read the plan of the database (D11), where the region serves it.
show_plan = DATABASE.route(
    "D11",
    "show_plan",
    "GET /databases/{database}/plan",
    READ,
    under("plan", check=Record(name=required(text), manual_backups_count=integer)),
    doing="read the plan of the database",
)
#: Return the CA certificate of the databases (C1) as PEM text.
show_ca_certificate = DATABASE.route(
    "C1", "show_ca_certificate", "GET /ca_certificate", READ, _certificate, doing="get the CA certificate"
)


def show_database_and_next(client: Sender) -> tuple[Raw, bool]:
    """Read the database, and whether the answer says which version is next: what is not said is not taken for none."""
    route: Route[tuple[Raw, bool]] = dataclasses.replace(t.cast(t.Any, show_database), read=_with_next)
    return route(client)


def update_database(client: Sender, changes: t.Mapping[str, t.Any]) -> Raw:
    """Change settings in one PATCH (D2); returns the same as show_database. ``periodic_backups_scheduled_at`` is
    sent as it is given: a bare integer (section 6, row 2).
    """
    return _UPDATE(client, body={"database": dict(changes)})


def restore_to_point_in_time(client: Sender, restore_time: str) -> Raw:
    """Restore to ``restore_time``, RFC 3339 (D4); not repeatable, destroys what came later. Return the operation:
    ``id``, and ``location`` (None when absent).
    """
    return _RESTORE(client, body={"restore_time": restore_time})


def enable_feature(client: Sender, name: str) -> Raw:
    """Enable a feature (D6); may be asynchronous. Return name, status, message, as far as answered."""
    return _ENABLE(client, body={"feature": {"name": name}})


def disable_feature(client: Sender, name: str) -> Raw:
    """Disable a feature (D7); may be asynchronous. Return message, as far as answered."""
    return _DISABLE(client, query={"feature": name})
