# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""The regions of the platform (docs/contract.md section 1.1)."""

from __future__ import annotations

from .._change import State
from ._account import OfAccount
from ._fields import Fields


def describe(raw: object) -> State:
    """A region as the module returns it."""
    fields = Fields(raw, "a region")
    names = ("name", "display_name", "api", "database_api", "ssh", "dashboard")
    return {**{name: fields.identifier(name) for name in names}, "default": fields.flag("default")}


class RegionInfo(OfAccount):
    """The regions that the account may see."""

    plural = "regions"
    reading = "list the regions"

    def items(self) -> list[State]:
        return [describe(raw) for raw in self.client.auth.list_regions()]
