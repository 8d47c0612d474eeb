# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""The account that an API token belongs to (docs/contract.md section 2.1, A15)."""

from __future__ import annotations

from .._change import State
from ._account import OfAccount, describe_person
from ._fields import Fields


def describe(raw: object) -> State:
    """A user of the platform as the module returns it."""
    return {**describe_person(raw), "fullname": Fields(raw, "a user").identifier("fullname")}


class UserInfo(OfAccount):
    """Whose token this is. A token that is refused is an error."""

    plural = "users"
    reading = "read the account"

    def items(self) -> list[State]:
        return [describe(self.client.auth.show_user())]
