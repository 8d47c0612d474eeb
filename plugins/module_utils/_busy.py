# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Whether a database takes a change now (docs/contract.md, section 3.1)."""

from __future__ import annotations

import typing as t

from ._errors import Conflict

#: What to do about a database that is stopped.
RESUME = (
    "Its addon is suspended: check the payment method and the trial of the account, then resume it with "
    "community.scalingo.scalingo_addon and 'resume: true', which costs money again."
)


def is_stopped(raw: t.Mapping[str, t.Any]) -> bool:
    """Whether a database is stopped with nothing going on: it leaves that state by A8 only (docs/contract.md section 3.1)."""
    return raw.get("status") == "stopped" and not raw.get("current_operation_id")


def is_ready(raw: t.Mapping[str, t.Any]) -> bool:
    """Whether a database takes a change: running and without a current operation (docs/contract.md section 3.1)."""
    return raw.get("status") in (None, "running") and not raw.get("current_operation_id")


def busy_reason(raw: t.Mapping[str, t.Any]) -> str:
    """Why a database, as `GET /databases/:db` shows it, takes no change now; an empty text when it does.

    Raises `Conflict` for one that is stopped: waiting for it would have no end.
    """
    if is_ready(raw):
        return ""
    if is_stopped(raw):
        raise Conflict("the database is stopped, and no operation is running that would start it", hint=RESUME)
    status, operation = raw.get("status"), raw.get("current_operation_id")
    if operation:
        return "another operation ({}) is running on the database{}".format(
            operation,
            "" if status in (None, "running") else f", which is {status}",
        )
    return f"the database is {status}, not running"
