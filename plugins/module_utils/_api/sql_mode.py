# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""The SQL mode of MySQL (docs/contract.md, section 2.8). Every call may raise ActionFailed."""

from __future__ import annotations

from .._route import Sender
from .._shapes import identifier
from .action import action

_GET = action("get-sqlmode", identifier)
_SET = action("set-sqlmode")


def get_sql_mode(client: Sender) -> str:
    """Read the SQL mode as the comma-separated text that the API gives."""
    return _GET.run(client) or ""


def set_sql_mode(client: Sender, modes: str) -> None:
    """Replace the whole SQL mode by a comma-separated text; an empty one clears it."""
    _SET.run(client, modes)
