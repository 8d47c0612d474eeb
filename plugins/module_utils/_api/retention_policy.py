# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Retention policies of InfluxDB (docs/contract.md, section 2.8). Every call may raise ActionFailed."""

from __future__ import annotations

import typing as t

from .. import _canon
from .._route import Raw, Sender
from .._shapes import Record, anything, boolean, certain, list_of, normal, or_none, present, required, text
from .action import action

_POLICY = Record(
    name=required(text),
    duration=present(normal(_canon.duration, "a duration")),
    duration_seconds=anything,
    default=certain(boolean),
)


def _policy(value: t.Any, place: str) -> Raw:
    """The duration in its shortest form, "0" without end. One that cannot be read is none: it must not keep all others
    from being read.
    """
    found = _POLICY(value, place)
    nanoseconds = or_none(found["duration"])
    duration = None if nanoseconds is None else _canon.duration_text(nanoseconds)
    return {
        **found,
        "duration": duration,
        "duration_seconds": None if nanoseconds is None else nanoseconds // NANOSECONDS,
    }


NANOSECONDS = 10**9

_LIST = action("list-retention-policies", list_of(_policy))
_ADD = action("add-retention-policy")
_DELETE = action("del-retention-policy")


def list_retention_policies(client: Sender) -> list[Raw]:
    """List the retention policies: name, duration, duration_seconds, default."""
    return t.cast("list[Raw]", _LIST.run(client))


def add_retention_policy(client: Sender, name: str, duration: str, default: bool) -> None:
    """Add a retention policy. Not repeatable."""
    _ADD.run(client, {"name": name, "duration": duration, "default": default})


def delete_retention_policy(client: Sender, name: str) -> None:
    """Delete a retention policy and the points under it. Not repeatable."""
    _DELETE.run(client, {"name": name})
