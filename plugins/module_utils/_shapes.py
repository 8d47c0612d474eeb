# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This file is private to the collection: it may change without notice.

"""What the objects of an answer look like (docs/contract.md, section 2), tolerant as section 6 asks.

A check takes a value and the place it was found at, and returns the value or raises Mismatch. Unknown fields are kept,
fields that are not required may be missing or null, and no value is ever repeated in a message: it may be a secret.

What a thing is known by is required, and raises. Any other field of another kind becomes Unread: who uses it fails by
its name, and who only hands it on returns null and a note. So no list says which module needs what.
"""

from __future__ import annotations

import typing as t

from ._errors import UnexpectedAnswer

Check = t.Callable[[t.Any, str], t.Any]

KINDS = {
    type(None): "null",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "an object",
}


class Mismatch(Exception):
    """An answer is not what the contract says; the text says where, what was expected, and what kind of thing came."""

    def __init__(self, expected: str, place: str, value: t.Any) -> None:
        super().__init__(f"expected {expected} at {place} and received {KINDS.get(type(value), 'something else')}")


class Unread:
    """A field that is of another kind than it should be. Whatever is done with it raises, but to hand it on.

    Two of the same reason are equal, so that what nobody changed compares as unchanged. ``readable`` makes it null.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def _use(self, *dummy: t.Any) -> t.NoReturn:
        raise UnexpectedAnswer(
            self.reason, hint="The platform may have changed its answers: look for a newer version of the collection."
        )

    __bool__ = __str__ = __int__ = __index__ = __float__ = __len__ = __iter__ = __hash__ = _use
    __getitem__ = __contains__ = __lt__ = __le__ = __gt__ = __ge__ = _use
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __floordiv__ = __mod__ = _use
    __neg__ = __abs__ = __round__ = __call__ = _use

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Unread) and other.reason == self.reason:
            return True
        self._use()

    def __getattr__(self, name: str) -> t.Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self._use()

    def __deepcopy__(self, dummy: t.Any) -> Unread:
        return self

    def __repr__(self) -> str:
        return "(cannot be read)"


def or_none(value: t.Any) -> t.Any:
    """Return a value, and None for one that cannot be read: for what is told only, and decides nothing."""
    return None if isinstance(value, Unread) else value


def readable(value: t.Any, note: t.Callable[[str], None]) -> t.Any:
    """Return plain data with null for what cannot be read; ``note`` takes why, once for each reason."""
    reasons: dict[str, None] = {}

    def plain(part: t.Any) -> t.Any:
        if isinstance(part, Unread):
            reasons[part.reason] = None
            return None
        if isinstance(part, dict):
            return {name: plain(item) for name, item in part.items()}
        return [plain(item) for item in part] if isinstance(part, (list, tuple)) else part

    result = plain(value)
    for reason in reasons:
        note(f"{reason}, so it is returned as null")
    return result


def text(value: t.Any, place: str) -> str:
    if not isinstance(value, str):
        raise Mismatch("a text", place, value)
    return value


def boolean(value: t.Any, place: str) -> bool:
    if not isinstance(value, bool):
        raise Mismatch("a boolean", place, value)
    return value


def integer(value: t.Any, place: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise Mismatch("an integer", place, value)
    return value


def number(value: t.Any, place: str) -> float:
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        raise Mismatch("a number", place, value)
    return value


def anything(value: t.Any, place: str) -> t.Any:
    return value


def mapping(value: t.Any, place: str) -> dict[str, t.Any]:
    if not isinstance(value, dict):
        raise Mismatch("an object", place, value)
    return value


def list_of(check: Check) -> Check:
    """A list of such things; null is an empty one (docs/contract.md, section 2.8)."""

    def checked(value: t.Any, place: str) -> list[t.Any]:
        if value is None:
            return []
        if not isinstance(value, list):
            raise Mismatch("a list", place, value)
        return [check(item, f"{place}[{index}]") for index, item in enumerate(value)]

    return checked


def one_or_list_of(check: Check) -> Check:
    """A list of such things, or one of them alone."""
    many = list_of(check)
    return lambda value, place: many(value if isinstance(value, list) or value is None else [value], place)


def null_or(check: Check) -> Check:
    """The same, or null."""
    return lambda value, place: None if value is None else check(value, place)


def optional_text(value: t.Any, place: str) -> str | None:
    """A text; null and the empty text are None."""
    return None if value is None or value == "" else text(value, place)


def kept(check: Check, value: t.Any, place: str) -> t.Any:
    """Return what the check returns, and Unread where it raises."""
    try:
        return check(value, place)
    except Mismatch as mismatch:
        return Unread(str(mismatch))


def record(
    required: dict[str, Check],
    optional: dict[str, Check] | None = None,
    always: dict[str, Check] | None = None,
    present: dict[str, Check] | None = None,
) -> Check:
    """An object. ``required`` fields say which thing it is: without one of them it is none.

    ``present`` fields are always there, but need not be readable. ``optional`` fields may be missing or null; ``always``
    fields too, and are then given to their check as null, so that they are in what is returned. An object of which
    nothing can be read is none.
    """
    present, always = present or {}, always or {}
    lenient = {**present, **(optional or {}), **always}

    def checked(value: t.Any, place: str) -> dict[str, t.Any]:
        found = mapping(value, place)
        result = dict(found)
        for name in (*required, *present):
            if name not in found:
                raise Mismatch(f"the key {name}", place, value)
        for name, check in required.items():
            result[name] = check(found[name], f"{place}.{name}")
        told = [name for name in lenient if name in present or found.get(name) is not None]
        for name in (*told, *always):
            result[name] = kept(lenient[name], found.get(name), f"{place}.{name}")
        if told and not required and all(isinstance(result[name], Unread) for name in told):
            lenient[told[0]](found.get(told[0]), f"{place}.{told[0]}")
        return result

    return checked


def under(*roots: str, check: Check, bare: bool = False) -> t.Callable[[t.Any], t.Any]:
    """Return a reader: what is under the first root that is there, or the body itself when it may be bare."""

    def read(body: t.Any) -> t.Any:
        for root in roots:
            if isinstance(body, dict) and root in body:
                return check(body[root], root)
        if bare:
            return check(body, "the body")
        raise Mismatch(f"the key {roots[0]}", "the body", body)

    return read


FEATURE = record({"name": text}, present={"status": text})
DATABASE = record(
    {},
    {
        "id": text,
        "resource_id": text,
        "app_name": text,
        "created_at": text,
        "encryption_at_rest": boolean,
        "plan": text,
        "type_id": text,
        "type_name": text,
        "version_id": text,
        "mongo_repl_set_name": text,
        "readable_version": text,
        "hostname": text,
        "cluster": boolean,
        "next_version_id": optional_text,
        "periodic_backups_enabled": boolean,
        "maintenance_window": record(
            {}, {"weekday_utc": integer, "starting_hour_utc": integer, "duration_in_hour": integer}
        ),
    },
    {
        "features": list_of(FEATURE),
        "instances": list_of(
            record(
                {}, {"id": text, "hostname": text, "port": integer, "status": text, "type": text, "private_ip": text}
            )
        ),
        "periodic_backups_scheduled_at": one_or_list_of(integer),
        "current_operation_id": optional_text,
    },
    {"status": text},
)
LOGICAL_DATABASE = record({"name": text}, {"protected": boolean})
EXTENSION = record({"name": text}, {"version": text})
QUERY = record(
    {"pid": integer}, {"query": text, "state": text, "username": text, "query_start": text, "query_duration": number}
)
STATEMENT = record(
    {},
    {
        "user_id": integer,
        "query": text,
        "calls": integer,
        "rows": integer,
        "total_time": number,
        "min_time": number,
        "max_time": number,
        "mean_time": number,
        "std_dev": number,
        "stddev_time": number,
    },
)
RETENTION_POLICY = record({"name": text}, {"default": boolean}, present={"duration": text})
OPERATION = record(
    {},
    {"id": text, "type": text, "created_at": text, "finished_at": text, "error": text},
    present={"status": text},
)
STARTED_OPERATION = record({"id": text}, {"status": text, "type": text})
PLAN = record({"name": text}, {"id": text, "display_name": text, "description": text})
BACKUP = record(
    {"id": text},
    {"created_at": text, "name": text, "database_id": text, "method": text, "hidden": boolean},
    {"started_at": optional_text, "size": null_or(integer)},
    {"status": text},
)
RESTORATION = record(
    {"id": text},
    {
        "created_at": text,
        "started_at": text,
        "ended_at": text,
        "method": text,
        "database_id": text,
        "source_backup_id": text,
    },
    present={"status": text},
)
USER = record(
    {"name": text},
    {"read_only": boolean, "protected": boolean, "password": text, "dbms_attributes": mapping},
)
MAINTENANCE = record(
    {"id": text},
    {"database_id": text, "type": text},
    {"started_at": optional_text, "ended_at": optional_text},
    {"status": text},
)
NEXT_UPGRADE = record({"id": text}, {"major": integer, "minor": integer, "patch": integer, "build": integer})
DATABASE_TYPE_VERSION = record(
    {"id": text, "major": integer},
    {
        "database_type_id": text,
        "features": list_of(text),
        # An object, a bare id, or null (docs/contract.md, section 6, row 32).
        "next_upgrade": lambda value, place: (
            None if value == "" else NEXT_UPGRADE({"id": value} if isinstance(value, str) else value, place)
        ),
    },
    # Null where a version has fewer numbers (docs/contract.md, section 2.13).
    present={name: null_or(integer) for name in ("minor", "patch", "build")},
)
LOG_ARCHIVE = record({"url": text}, {"from": text, "to": text, "size": integer})
INSTANCE_METRICS = record({}, {"instance_id": text, "real_disk_size": number, "cpu": mapping, "memory": mapping})
INSTANCE_STATUS = record({"id": text}, {"type": text, "role": text}, present={"status": text})
FIREWALL_RULE = record({"id": text, "type": text}, {"cidr": text, "label": text, "range_id": text, "database_id": text})
MANAGED_RANGE = record({"id": text}, {"name": text})
ADDON = record(
    {"id": text, "addon_provider": record({"id": text}, {"name": text})},
    {
        "app_id": text,
        "resource_id": text,
        "status": text,
        "plan": mapping,
        "provisioned_at": text,
        "deprovisioned_at": text,
        "updated_at": text,
    },
)
# Go reads only the token of this answer, so only the token is sure to be there.
ADDON_WITH_TOKEN = record(
    {"token": text},
    {"id": text, "resource_id": text, "addon_provider": record({"id": text}), "status": text},
)
ADDON_PROVIDER = record({"id": text}, {"name": text, "category": mapping, "plans": list_of(anything)})
VARIABLE = record({"name": text}, {"id": text}, present={"value": text})
APP = record(
    {"name": text},
    {"id": text, "region": text, "status": text, "flags": mapping, "owner": mapping, "project": mapping},
)
# Without a user when an addon did it.
EVENT = record({}, {"id": text, "created_at": text, "user": mapping, "type_data": mapping}, present={"type": text})
USER_ACCOUNT = record({}, {"username": text, "email": text, "fullname": text}, present={"id": text})
REGION = record(
    {"name": text},
    {"display_name": text, "api": text, "database_api": text, "ssh": text, "dashboard": text, "default": boolean},
)
_DEDICATED_DATABASE = record({"name": text}, {"id": text, "technology": text, "plan": text, "project_id": text})


def dedicated_database(value: t.Any, place: str) -> dict[str, t.Any]:
    """A dedicated database, alone or beside its app and its addon (docs/contract.md, section 2.1)."""
    if isinstance(value, dict) and "name" not in value and "database" in value:
        value, place = value["database"], f"{place}.database"
    return t.cast("dict[str, t.Any]", _DEDICATED_DATABASE(value, place))


ENDPOINT = record({}, {"id": text, "database_id": text, "port": integer, "type": text}, present={"hostname": text})
NET_PEERING = record({"id": text}, {"outscale_net_peering_id": text}, present={"status": text})
NETWORK = record({}, {"outscale_account_id": text, "outscale_net_id": text, "ip_range": text})
