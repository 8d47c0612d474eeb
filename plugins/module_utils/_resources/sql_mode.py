# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""The SQL mode of MySQL, a set (docs/contract.md sections 2.8 and 7.6)."""

from __future__ import annotations

import typing as t

from .. import _canon
from .._change import Listing, Params, Resource, State, Step, known
from .._errors import InvalidInput, UnexpectedAnswer
from ._engine import OfEngine
from ._fields import checked

#: Shown by the examples of the documentation, and gone since MySQL 8 (docs/contract.md section 6, row 41).
REMOVED = "NO_AUTO_CREATE_USER"


def describe(raw: object) -> State:
    """The SQL mode as the modules return it: its modes in order, and the text as the platform gives it."""
    if not isinstance(raw, str):
        raise UnexpectedAnswer("the SQL mode is not text")
    try:
        modes = _canon.sql_modes(raw)
    except ValueError as error:
        raise UnexpectedAnswer("the SQL mode cannot be read: %s" % error) from None
    return {"modes": sorted(modes), "text": raw}


class _OnMySQL(OfEngine):
    engines = ("mysql",)
    subject = "an SQL mode exists on MySQL only"
    reading = "read the SQL mode"

    def get(self) -> State:
        return describe(self.ask(self.client.database.get_sql_mode))


class SqlMode(_OnMySQL, Resource):
    """The whole set of modes: those that the task does not name are cleared."""

    @classmethod
    def check(cls, params: Params) -> None:
        checked("modes", _canon.sql_modes, params["modes"])

    def read(self) -> State:
        return self.get()

    def wanted(self, before: t.Optional[State]) -> State:
        before = known(before)
        modes = sorted(_canon.sql_modes(self.params["modes"]))
        if REMOVED in modes and REMOVED not in before["modes"]:
            raise InvalidInput("modes: %s does not exist on this server: MySQL 8 removed it" % REMOVED, hint="Leave it out.")
        return before if modes == before["modes"] else {"modes": modes, "text": None}

    def steps(self, before: t.Optional[State], after: t.Optional[State]) -> t.List[Step]:
        before, after = known(before), known(after)
        if before["modes"] == after["modes"]:
            return []
        names = [name.strip().upper() for mode in self.params["modes"] for name in mode.split(",")]
        text = ",".join(name for name in dict.fromkeys(names) if name)
        return [
            Step(
                "set the SQL mode to %s" % text if text else "clear the SQL mode",
                send=lambda: self.client.database.set_sql_mode(text),
                happened=lambda state: (state or {}).get("modes") == after["modes"],
                resend=True,
            )
        ]

    def managed(self, state: t.Optional[State]) -> t.Dict[str, t.Any]:
        return {"modes": (state or {})["modes"]}

    def result(self, state: t.Optional[State]) -> t.Dict[str, t.Any]:
        return {"sql_mode": state}


class SqlModeInfo(_OnMySQL, Listing):
    """The SQL mode as a list of one."""

    plural = "sql_modes"

    def items(self) -> t.List[State]:
        return [self.get()]
