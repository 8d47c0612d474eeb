# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Maintenance of a database (docs/contract.md, section 2.12)."""

from __future__ import annotations

from .._route import DATABASE, READ, Raw, Sender, under
from .._shapes import Record, identifier, instant, present, required, text
from ._pages import paged, pages_of

MAINTENANCE = Record(
    id=required(text),
    database_id=identifier,
    type=identifier,
    status=present(text),
    started_at=instant,
    ended_at=instant,
)

_LIST = DATABASE.route(
    "M1",
    "list_maintenances",
    "GET /databases/{database}/maintenance",
    READ,
    pages_of("maintenance", MAINTENANCE),
    doing="list the maintenance of the database",
    narrower="Ask for less with limit, and without status.",
)
#: Read one ``maintenance`` (M2).
show_maintenance = DATABASE.route(
    "M2",
    "show_maintenance",
    "GET /databases/{database}/maintenance/{maintenance}",
    READ,
    under("maintenance", check=MAINTENANCE, bare=True),
    doing="read the maintenance",
)


def list_maintenances(client: Sender, limit: int | None = None) -> list[Raw]:
    """List maintenance (M1), at most ``limit``; walks no further than needed."""
    return paged(client, _LIST, limit)
