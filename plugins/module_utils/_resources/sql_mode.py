# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""The SQL mode of MySQL, a set (docs/contract.md sections 2.8 and 7.6)."""

from __future__ import annotations

import dataclasses
import typing as t

from .. import _canon
from .._api.sql_mode import get_sql_mode, set_sql_mode
from .._change import Listing, Resource
from .._errors import InvalidInput, UnexpectedAnswer
from .._options import checked
from .._step import Params, State, Step
from ._engine import OfEngine

#: Shown by the examples of the documentation, and gone since MySQL 8 (docs/contract.md section 6, row 41).
REMOVED = "NO_AUTO_CREATE_USER"


def describe(raw: object) -> State:
    """The SQL mode as the modules return it: its modes in order, and the text as the platform gives it."""
    if not isinstance(raw, str):
        raise UnexpectedAnswer("the SQL mode is not text")
    try:
        modes = _canon.sql_modes(raw)
    except ValueError as error:
        raise UnexpectedAnswer(f"the SQL mode cannot be read: {error}") from None
    return {"modes": sorted(modes), "text": raw}


class _OnMySQL(OfEngine):
    engines = ("mysql",)
    subject = "an SQL mode exists on MySQL only"
    reading = "read the SQL mode"

    def get(self) -> State:
        return describe(self.ask(lambda: get_sql_mode(self.client)))


@dataclasses.dataclass(frozen=True)
class Asked:
    """The modes, and how the task names them, without repetitions."""

    modes: frozenset[str]
    named: tuple[str, ...]


class SqlMode(_OnMySQL, Resource[State]):
    """The whole set of modes: those that the task does not name are cleared."""

    asked: Asked

    @classmethod
    def parse(cls, params: Params) -> Asked:
        modes = checked("modes", _canon.sql_modes, params["modes"])
        names = [name.strip().upper() for mode in params["modes"] for name in mode.split(",")]
        return Asked(modes, tuple(name for name in dict.fromkeys(names) if name))

    def read(self) -> State:
        return self.get()

    def wanted(self, before: State) -> State:
        modes = sorted(self.asked.modes)
        if self._brings_removed and REMOVED in before["modes"]:
            modes = sorted({*modes, REMOVED})
        if REMOVED in modes and REMOVED not in before["modes"]:
            raise InvalidInput(
                f"modes: {REMOVED} does not exist on this server: MySQL 8 removed it", hint="Leave it out."
            )
        return before if modes == before["modes"] else {"modes": modes, "text": None}

    def steps(self, before: State, after: State) -> list[Step]:
        if before["modes"] == after["modes"]:
            return []
        text = ",".join(self.asked.named)
        return [
            Step(
                f"set the SQL mode to {text}" if text else "clear the SQL mode",
                send=lambda: set_sql_mode(self.client, text),
                happened=lambda state: self._same(state.get("modes"), after["modes"]),
                resend=True,
            )
        ]

    @property
    def _brings_removed(self) -> bool:
        """Up to MySQL 8.0.10, `TRADITIONAL` stands for one mode more (docs/contract.md section 7.6)."""
        return "TRADITIONAL" in self.asked.named

    def _same(self, modes: t.Any, wanted: t.Sequence[str]) -> bool:
        besides = {REMOVED} if self._brings_removed else set()
        return modes is not None and set(modes) - besides == set(wanted) - besides

    def tolerated(self, field: str, wanted: t.Any, current: t.Any) -> bool:
        """Whether the server has that one mode is known as soon as it shows it."""
        return self._same(current, wanted)

    def managed(self, state: State) -> dict[str, t.Any]:
        return {"modes": state["modes"]}

    def result(self, state: State) -> dict[str, t.Any]:
        return {"sql_mode": state}


class SqlModeInfo(_OnMySQL, Listing):
    """The SQL mode as a list of one."""

    plural = "sql_modes"

    def items(self) -> list[State]:
        return [self.get()]
