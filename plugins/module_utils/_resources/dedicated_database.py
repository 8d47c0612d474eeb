# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Databases with dedicated resources, as the main API lists them (docs/contract.md section 2.1)."""

from __future__ import annotations

from .._change import State
from .._errors import NotFound
from ._account import OfAccount
from ._fields import Fields


def describe(raw: object) -> State:
    """A database with dedicated resources as the module returns it."""
    fields = Fields(raw, "a database with dedicated resources")
    return {name: fields.identifier(name) for name in ("id", "name", "project_id", "technology", "plan")}


class DedicatedDatabaseInfo(OfAccount):
    """The databases of a region, or the one that is named; nothing when it is not there."""

    plural = "dedicated_databases"
    reading = "list the dedicated databases"

    def items(self) -> list[State]:
        name = self.client.settings.app
        if name is None:
            return [describe(raw) for raw in self.client.main.list_dedicated_databases()]
        try:
            return [describe(self.client.main.show_dedicated_database(name))]
        except NotFound:
            return []
