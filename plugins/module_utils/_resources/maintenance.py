# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Maintenance of a database, past and ahead (docs/contract.md sections 2.12 and 3.3)."""

from __future__ import annotations

from .._api.maintenance import list_maintenances, show_maintenance
from .._change import Listing
from .._errors import NotFound
from .._options import check_count, check_id
from .._step import Params, State


class MaintenanceInfo(Listing):
    """The maintenance of one database, newest first as the platform lists it, or a single one by its ID."""

    plural = "maintenances"
    reading = "list the maintenance of the database"

    @classmethod
    def parse(cls, params: Params) -> None:
        check_id("id", params["id"], "a maintenance")
        check_count("limit", params["limit"])

    def items(self) -> list[State]:
        status, limit = self.params["status"], self.params["limit"]
        if self.params["id"] is not None:
            try:
                return [show_maintenance(self.client, self.params["id"])]
            except NotFound as error:
                if "/maintenance/" not in error.path:
                    raise
                return []
        # With a filter the number of entries to walk is not known beforehand.
        listed = list_maintenances(self.client, limit=None if status else limit)
        return [item for item in listed if not status or item["status"] in status][:limit]
