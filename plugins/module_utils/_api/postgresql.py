# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Extensions, running queries and statistics of PostgreSQL (docs/contract.md, section 2.8). Every call may raise ActionFailed."""

from __future__ import annotations

import typing as t

from .. import _canon
from .._route import Raw, Sender
from .._shapes import Record, called, identifier, instant, integer, list_of, number, required, text
from .action import action

NANOSECONDS = 1000**3


def _duration(nanoseconds: t.Any, place: str) -> float:
    return round(float(number(nanoseconds, place)) / NANOSECONDS, 3)


def _version(value: t.Any, place: str) -> str:
    return _canon.extension_version(text(value, place))


EXTENSION = Record(name=required(text), version=_version)
#: A session. Its duration is in seconds.
QUERY = Record(
    pid=required(integer),
    username=identifier,
    state=identifier,
    query_start=instant,
    query_duration=_duration,
    query=text,
)
STATEMENT = Record(
    user_id=integer,
    calls=integer,
    rows=integer,
    total_time=number,
    min_time=number,
    max_time=number,
    mean_time=number,
    std_dev=called(number, "std_dev", "stddev_time"),
    query=text,
)

_EXTENSIONS = action("list-extensions", list_of(EXTENSION))
_QUERIES = action("pg-list-queries", list_of(QUERY))
_CANCEL = action("pg-cancel-query")
_TERMINATE = action("pg-terminate-query")
_ENABLE = action("pg-stat-statements-enable")
_RESET = action("pg-stat-statements-reset")
_STATEMENTS = action("pg-stat-statements-list", list_of(STATEMENT))


def list_extensions(client: Sender) -> list[Raw]:
    """List the enabled extensions: name, version."""
    return t.cast("list[Raw]", _EXTENSIONS.run(client))


def list_queries(client: Sender) -> list[Raw]:
    """List running queries: pid, query, state, username, query_start, query_duration (in seconds)."""
    return t.cast("list[Raw]", _QUERIES.run(client))


def cancel_query(client: Sender, pid: int) -> None:
    """Cancel a query. Not repeatable: a pid may have become another's."""
    _CANCEL.run(client, {"pid": pid})


def terminate_query(client: Sender, pid: int) -> None:
    """Kill a session. Not repeatable."""
    _TERMINATE.run(client, {"pid": pid})


def enable_stat_statements(client: Sender) -> None:
    """Enable pg_stat_statements."""
    _ENABLE.run(client)


def reset_stat_statements(client: Sender) -> None:
    """Throw the statistics away. Not repeatable."""
    _RESET.run(client)


def list_stat_statements(client: Sender) -> list[Raw]:
    """List the statistics: user_id, query, calls, rows, and times (ms)."""
    return t.cast("list[Raw]", _STATEMENTS.run(client))
