# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Operations of a database (docs/contract.md, sections 2.4 to 2.6)."""

from __future__ import annotations

import dataclasses
import re
import urllib.parse

from .._answer import Answer
from .._errors import NotFound
from .._route import DATABASE, READ, Raw, Sender, under
from .._shapes import Record, identifier, instant, mapping, present, prose, required, text
from .._shapes import under as found_under

OPERATION = Record(
    id=identifier,
    type=identifier,
    status=present(text),
    created_at=instant,
    finished_at=instant,
    error=prose,
)
STARTED_OPERATION = Record(id=required(text), type=identifier, status=identifier)

_NESTED = DATABASE.route(
    "D9",
    "show_database_operation",
    "GET /databases/{database}/operations/{operation}",
    READ,
    under("operation", check=OPERATION),
    doing="read the operation",
)
_DIRECT = DATABASE.route(
    "D10",
    "show_operation",
    "GET /operations/{operation}",
    READ,
    under("operation", check=OPERATION),
    doing="read the operation",
)


def show_operation(client: Sender, operation_id: str, location: str | None = None) -> Raw:
    """Read an operation (D10, D9): id, type, status, created_at, finished_at, error.

    The path of ``location`` is tried first, then /operations/:id, then the one below the database, after 404 only. Where
    the first two show those of any database, only the last.
    NotFound does not mean that the operation failed (section 2.4): the database is the truth.
    """
    routes = [] if client.opens_others else [_DIRECT]
    handed_out = operation_path(location)
    if routes and handed_out and handed_out != f"/operations/{operation_id}":
        routes.insert(0, dataclasses.replace(_DIRECT, path=handed_out))
    for route in routes:
        try:
            return route(client, operation_id)
        except NotFound:
            continue
    return _NESTED(client, operation_id)


def started(answer: Answer) -> Raw:
    """Read the answer of a point-in-time restore, in either form (section 2.5)."""
    result = mapping(answer.json(), "the body")
    if "operation" not in result and "operation_id" in result:
        result = {"operation": {"id": result["operation_id"]}}
    return {
        **found_under("operation", check=STARTED_OPERATION)(result),
        "location": answer.headers.get("location") or None,
    }


def operation_path(location: str | None) -> str | None:
    """Return the path below /api or /v1 that a Location header leads to, if it is one of an operation (section 2.4)."""
    try:
        path = urllib.parse.urlsplit(location or "").path
    except ValueError:  # no address
        return None
    match = re.fullmatch(r".*?/(?:api|v1)((?:/[A-Za-z0-9_~\-][A-Za-z0-9._~\-]*)*/operations/[A-Za-z0-9_~\-]+)", path)
    return match.group(1) if match else None


def operation_in(location: str | None) -> str | None:
    """Return the id of the operation that a Location header leads to."""
    path = operation_path(location)
    return path.rsplit("/", 1)[1] if path else None
