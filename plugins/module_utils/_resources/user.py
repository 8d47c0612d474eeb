# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""The account that an API token belongs to (docs/contract.md section 2.1, A15)."""

from __future__ import annotations

from .._api.account import show_user
from .._step import State
from ._account import OfAccount


class UserInfo(OfAccount):
    """Whose token this is. A token that is refused is an error."""

    plural = "users"
    reading = "read the account"

    def items(self) -> list[State]:
        return [show_user(self.client)]
