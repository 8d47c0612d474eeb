# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Backups, and restoring one (docs/contract.md, section 2.10)."""

from __future__ import annotations

from .._errors import NotFound
from .._route import DATABASE, ONCE, READ, Raw, Sender, many, under
from .._shapes import Record, identifier, instant, integer, present, required, text
from .database import show_database

BACKUP = Record(
    id=required(text),
    name=identifier,
    status=present(text),
    method=identifier,
    created_at=instant,
    started_at=instant,
    size=integer,
    database_id=identifier,
)
RESTORATION = Record(
    id=required(text),
    method=identifier,
    status=present(text),
    created_at=instant,
    started_at=instant,
    ended_at=instant,
    database_id=identifier,
    source_backup_id=identifier,
)

#: List the backups (B1), in an order that nothing guarantees; ``started_at`` and ``size`` may be None.
list_backups = DATABASE.route(
    "B1", "list_backups", "GET /databases/{database}/backups", READ, many("database_backups", check=BACKUP)
)
#: Start a backup (B2); not repeatable. A backup that is already running is a BadRequest.
create_backup = DATABASE.route(
    "B2",
    "create_backup",
    "POST /databases/{database}/backups",
    ONCE,
    under("database_backup", check=BACKUP),
    doing="start a backup",
)
_SHOW = DATABASE.route(
    "B3", "show_backup", "GET /backups/{backup}", READ, under("database_backup", check=BACKUP), doing="read the backup"
)
_SHOW_NESTED = DATABASE.route(
    "B3'",
    "show_database_backup",
    "GET /databases/{database}/backups/{backup}",
    READ,
    under("database_backup", check=BACKUP),
    doing="read the backup",
)
#: Return the download link of a ``backup`` (B4): a secret that needs no Authorization and dies after a while.
show_backup_link = DATABASE.route(
    "B4",
    "show_backup_link",
    "GET /databases/{database}/backups/{backup}/archive",
    READ,
    under("download_url", check=text),
    doing="get the link to the backup",
)
#: Restore a ``backup`` (B6); not repeatable, and the route may be absent (NotFound). Return the restoration.
restore_backup = DATABASE.route(
    "B6",
    "restore_backup",
    "POST /databases/{database}/backups/{backup}/restore",
    ONCE,
    under("backup_restoration", check=RESTORATION, bare=True),
)
#: Read a ``restoration`` (B7).
show_backup_restoration = DATABASE.route(
    "B7",
    "show_backup_restoration",
    "GET /databases/{database}/backup_restorations/{restoration}",
    READ,
    under("backup_restoration", check=RESTORATION, bare=True),
    doing="read the restoration",
)


def show_backup(client: Sender, backup_id: str) -> Raw:
    """Read a backup: B3, then B3' on 404. Where B3 shows those of any database, the other way round, and only one of this."""
    routes = (_SHOW_NESTED, _SHOW) if client.opens_others else (_SHOW, _SHOW_NESTED)
    try:
        return routes[0](client, backup_id)
    except NotFound:
        backup = routes[1](client, backup_id)
    if client.opens_others and backup["database_id"] != show_database(client)["id"]:
        raise NotFound(f"The backup {backup_id} is one of another database", doing=_SHOW.doing)
    return backup
