# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Others who act between two requests of a run: right before one is sent, or right after one was answered."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t
from unittest import mock

from ansible_collections.community.scalingo.plugins.module_utils import _diagnosis, _transport
from support import sql_memory


@dataclasses.dataclass(frozen=True)
class Moment:
    """`number` counts the requests of the run from 0; `name` is a number of the contract or the name of an action."""

    number: int
    name: str
    safe: bool
    answered: bool


Act = t.Callable[[], t.Any]
#: What somebody does at a moment, or nothing.
Chooser = t.Callable[[Moment], t.Optional[Act]]


@contextlib.contextmanager
def meanwhile(choose: Chooser) -> t.Iterator[None]:
    """Have `choose` say at each moment of a run what another does. The requests of the other one are no moments."""
    asking, executing = _transport.Transport._ask, sql_memory.Session.execute
    count, busy = 0, False

    def at(number: int, name: str, safe: bool, answered: bool) -> None:
        nonlocal busy
        act = choose(Moment(number, name, safe, answered))
        if act is not None:
            busy = True
            try:
                act()
            finally:
                busy = False

    def around(name: str, safe: bool, send: Act) -> t.Any:
        nonlocal count
        if busy:
            return send()
        number, count = count, count + 1
        at(number, name, safe, False)
        response = send()
        if not isinstance(response, _diagnosis.Diagnosis):
            at(number, name, safe, True)
        return response

    def ask(transport: t.Any, route: t.Any, *arguments: t.Any) -> t.Any:
        def send() -> t.Any:
            response = asking(transport, route, *arguments)
            # Read whole, so that the answer is the one of this moment.
            getattr(response, "content", None)
            return response

        return around(route.action_name or route.number, route.safe, send)

    def execute(session: t.Any, statements: t.Any) -> t.Any:
        return around("SQL", False, lambda: executing(session, statements))

    with (
        mock.patch.object(_transport.Transport, "_ask", ask),
        mock.patch.object(sql_memory.Session, "execute", execute),
    ):
        yield
