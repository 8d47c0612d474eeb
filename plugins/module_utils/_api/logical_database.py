# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Logical databases of MySQL and MongoDB (docs/contract.md, section 2.8). Every call may raise ActionFailed."""

from __future__ import annotations

import typing as t

from .._route import Raw, Sender
from .._shapes import Record, boolean, certain, list_of, null_or, required, text
from .action import action

LOGICAL_DATABASE = Record(name=required(text), protected=certain(boolean))

_LIST = action("list-databases", list_of(LOGICAL_DATABASE))
_CREATE = action("create-database", null_or(LOGICAL_DATABASE))
_DELETE = action("delete-database")
_RESET = action("reset-database")


def list_logical_databases(client: Sender) -> list[Raw]:
    """List the logical databases: name, protected."""
    return t.cast("list[Raw]", _LIST.run(client))


def create_logical_database(client: Sender, name: str) -> Raw:
    """Create a logical database; returns name and protected. Not repeatable."""
    return _CREATE.run(client, {"database_name": name}) or {"name": name, "protected": False}


def delete_logical_database(client: Sender, name: str) -> None:
    """Drop a logical database with everything in it. Not repeatable."""
    _DELETE.run(client, {"database_name": name})


def reset_logical_database(client: Sender, name: str) -> None:
    """Empty a logical database and keep it: ``reset-database``, and nothing else (section 6, row 1). Not repeatable."""
    _RESET.run(client, {"database_name": name})
