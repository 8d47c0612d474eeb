# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Databases with dedicated resources, as the main API lists them (docs/contract.md section 2.1)."""

from __future__ import annotations

from .._api.dedicated import list_dedicated_databases, show_dedicated_database
from .._errors import NotFound
from .._step import State
from ._account import OfAccount


class DedicatedDatabaseInfo(OfAccount):
    """The databases of a region, or the one that is named; nothing when it is not there."""

    plural = "dedicated_databases"
    reading = "list the dedicated databases"

    def items(self) -> list[State]:
        name = self.client.settings.app
        if name is None:
            return list_dedicated_databases(self.client)
        try:
            return [show_dedicated_database(self.client, name)]
        except NotFound:
            return []
