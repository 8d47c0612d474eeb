# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""The regions of the platform (docs/contract.md section 1.1)."""

from __future__ import annotations

from .._api.account import list_regions
from .._step import State
from ._account import OfAccount


class RegionInfo(OfAccount):
    """The regions that the account may see."""

    plural = "regions"
    reading = "list the regions"

    def items(self) -> list[State]:
        return list_regions(self.client)
