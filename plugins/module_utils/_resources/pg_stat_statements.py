# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Statistics of statements of PostgreSQL (docs/contract.md section 2.8)."""

from __future__ import annotations

import typing as t

from .._api.postgresql import enable_stat_statements, list_extensions, list_stat_statements, reset_stat_statements
from .._change import Listing, Resource
from .._errors import ActionFailed, UnexpectedAnswer
from .._options import check_count
from .._shapes import or_none
from .._step import Params, State, Step
from . import pg_extension
from ._engine import OfEngine

NAME = pg_extension.STAT_STATEMENTS
#: The numbers of a statement; times are milliseconds, as PostgreSQL counts them.
COUNTS = ("calls", "rows")
TIMES = ("total_time", "min_time", "max_time", "mean_time", "std_dev")
#: Other names of the same (docs/contract.md section 2.8).
ALSO_CALLED: t.Mapping[str, tuple[str, ...]] = {"std_dev": ("stddev_time",)}


class _OnPostgreSQL(OfEngine):
    engines = ("postgresql", "postgresql-ng")
    subject = "statistics of statements exist on PostgreSQL only"


class StatStatements(_OnPostgreSQL, Resource[t.Optional[State]]):
    """The statistics are collected, and thrown away when the task says so."""

    reading = "list the extensions"

    def __init__(self, *arguments: t.Any) -> None:
        super().__init__(*arguments)
        self.imperative = self.params["reset"]

    def read(self) -> State | None:
        for item in self.ask(lambda: list_extensions(self.client)):
            if item["name"] == NAME:
                return item
        return None

    def wanted(self, before: State | None) -> State:
        return {"name": NAME, "version": None} if before is None else before

    def managed(self, state: State | None) -> dict[str, t.Any]:
        return {"enabled": state is not None}

    def result(self, state: State | None) -> dict[str, t.Any]:
        return {"extension": state}

    def steps(self, before: State | None, after: State | None) -> list[Step]:
        if before is None:
            # Nothing has been collected yet, so there is nothing to throw away either.
            return [
                Step(
                    f"enable {NAME}",
                    send=lambda: enable_stat_statements(self.client),
                    happened=lambda state: state is not None,
                    resend=True,
                )
            ]
        if self.params["reset"]:
            return [Step(f"throw the statistics of {NAME} away", send=lambda: reset_stat_statements(self.client))]
        return []


class StatStatementsInfo(_OnPostgreSQL, Listing):
    """The statistics of one database, the weightiest first."""

    plural = "statements"
    reading = "list the statistics of statements"

    @classmethod
    def parse(cls, params: Params) -> None:
        check_count("limit", params["limit"])

    def items(self) -> list[State]:
        try:
            listed = self.ask(lambda: list_stat_statements(self.client))
        except ActionFailed as error:
            error.hint = "When they are not collected yet, community.scalingo.scalingo_pg_stat_statements enables that."
            raise
        order = self.params["order_by"]
        items = listed
        if any(item[order] is None for item in items):
            raise UnexpectedAnswer(f"a statement has no {order}, by which they are to be ordered")
        items.sort(key=lambda item: (-item[order], or_none(item["query"]) or ""))
        hidden = () if self.params["include_query"] else ("query",)
        return [
            {name: value for name, value in item.items() if name not in hidden}
            for item in items[: self.params["limit"]]
        ]
