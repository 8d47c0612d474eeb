# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Versions of databases (docs/contract.md, section 2.13)."""

from __future__ import annotations

import typing as t

from .._errors import UnexpectedAnswer
from .._route import DATABASE, READ, Raw, under
from .._shapes import (
    Record,
    anything,
    called,
    identifier,
    instant,
    integer,
    list_of,
    named,
    null_or,
    present,
    required,
    text,
)

_NEXT = Record(id=required(text))


def _id_of(value: t.Any, place: str) -> str | None:
    return None if value == "" else t.cast(str, _NEXT({"id": value} if isinstance(value, str) else value, place)["id"])


_VERSION = Record(
    id=required(text),
    version=anything,
    major=required(integer),
    # Null where a version has fewer numbers.
    minor=present(null_or(integer)),
    patch=present(null_or(integer)),
    build=present(null_or(integer)),
    database_type_id=identifier,
    features=list_of(named),
    created_at=instant,
    updated_at=instant,
    # An object, a bare id, or null (section 6, row 32).
    next_upgrade_id=called(_id_of, "next_upgrade"),
    warning_message=identifier,
)


def _version(value: t.Any, place: str) -> Raw:
    found = _VERSION(value, place)
    if "next_upgrade" not in value:
        raise UnexpectedAnswer(f"the platform does not say which version comes after {found['id']}")
    return {**found, "version": _text_of(found)}


def _text_of(numbers: Raw) -> str:
    """major.minor.patch-build, or the first of them when the platform gives no more."""
    text = str(numbers["major"])
    for sign, name in ((".", "minor"), (".", "patch"), ("-", "build")):
        if numbers[name] is None:
            break
        text += f"{sign}{numbers[name]}"
    return text


#: Read a ``version`` (T3), as text and in its numbers; ``next_upgrade_id`` is None for the last one.
show_database_type_version = DATABASE.route(
    "T3",
    "show_database_type_version",
    "GET /database_type_versions/{version}",
    READ,
    under("database_type_version", check=_version),
    doing="read the version",
)
