# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Sessions of PostgreSQL and what they run (docs/contract.md section 2.8, and section 6 row 42)."""

from __future__ import annotations

import re
import typing as t

from .. import _canon
from .._api.postgresql import cancel_query, list_queries, terminate_query
from .._change import Listing, Resource
from .._errors import ActionFailed, InvalidInput, WaitTimeout
from .._options import check_count, checked, parsed
from .._step import Params, Skipped, State, Step
from ._engine import OfEngine

#: What a session may be doing, as PostgreSQL names it.
ACTIVE = "active"
STATES = (ACTIVE, "idle", "idle in transaction", "idle in transaction (aborted)", "fastpath function call", "disabled")
#: Those in which there is something to cancel.
RUNNING = (ACTIVE, "fastpath function call")
#: What is left alone unless the task says otherwise: copies of whole tables, which are backups more often than not, and backups.
EXCLUDED = (r"^\s*COPY\b", r"\bpg_dump\b", r"\bpg_\w*backup")
#: What is left alone unless the task names its pid: replication, and what the server does for itself. Some of that keeps the data whole.
OF_THE_SERVER = re.compile(r"(START_REPLICATION|BASE_BACKUP)\b|autovacuum:", re.IGNORECASE)
#: What becomes of a session that the order was sent for, and how long the server gets to end it, in seconds.
TOLD = ("cancelled", "terminated")
PATIENCE = 10.0


def statement(query: str) -> str:
    """A query from its first word on, without the comments before it, which may be nested."""
    while True:
        query = query.lstrip()
        if query.startswith("--"):
            query = query.partition("\n")[2]
        elif query.startswith("/*"):
            depth = 0
            for mark in re.finditer(r"/\*|\*/", query):
                depth += 1 if mark.group() == "/*" else -1
                if depth == 0:
                    query = query[mark.end() :]
                    break
            else:
                return ""
        else:
            return query


class Selection:
    """Which sessions a task means."""

    def __init__(
        self, params: Params, states: t.Sequence[str] | None, excluded: t.Sequence[str], spared: bool = False
    ) -> None:
        self._pid = params["pid"]
        check_count("pid", self._pid)
        self._user = params["user"]
        self._older_than = parsed(params, "older_than", _canon.seconds)
        self._states = None if states is None else frozenset(states)
        self._excluded = [checked("exclude_query", _pattern, text) for text in excluded]
        #: Whether replication and what the server does for itself are left alone.
        self._spared = spared

    def holds(self, session: State) -> bool:
        if self._pid is not None and session["pid"] != self._pid:
            return False
        if self._states is not None and session["state"] not in self._states:
            return False
        if self._user is not None and session["username"] != self._user:
            return False
        if self._older_than is not None and (
            session["query_duration"] is None or session["query_duration"] < self._older_than
        ):
            return False
        query = session["query"] or ""
        bare = statement(query)
        if self._spared and (session["username"] is None or OF_THE_SERVER.match(bare)):
            return False
        return not any(pattern.search(text) for pattern in self._excluded for text in (query, bare))


def _pattern(text: str) -> t.Pattern[str]:
    try:
        return re.compile(text, re.IGNORECASE)
    except re.error as error:
        raise ValueError(f"{text!r} is not a regular expression: {error}") from None


class _OnPostgreSQL(OfEngine):
    engines = ("postgresql", "postgresql-ng")
    subject = "queries are listed on PostgreSQL only"
    reading = "list the queries"

    def sessions(self) -> list[State]:
        return self.ask(lambda: list_queries(self.client))

    def shown(self, session: State) -> State:
        hidden = () if self.params["include_query"] else ("query",)
        return {name: value for name, value in session.items() if name not in hidden}


def _key(session: State) -> tuple[t.Any, ...]:
    """What makes a query this one: a pid alone may be another session's a moment later, and a session runs many queries."""
    key = session["pid"], session["username"], session["query_start"], session["state"]
    hash(key)  # Raises when a part of it cannot be read: then nobody knows which query it is.
    return key


class Queries(_OnPostgreSQL, Resource[State]):
    """Cancel queries, or end sessions. The state is those that the task meant when it looked first.

    What a reading shows may be over when the order arrives. So each query is looked for once more just before its turn, and
    left alone when it is not the same any more. The platform takes a pid and nothing else: what happens between that last
    look and the order cannot be excluded from here.
    """

    imperative = True
    asked: Selection

    @classmethod
    def parse(cls, params: Params) -> Selection:
        check_count("max_matches", params["max_matches"])
        if params["query_state"] is not None and not params["query_state"]:
            raise InvalidInput("query_state is empty: name at least one state")
        idle = [state for state in params["query_state"] or () if state not in RUNNING]
        if params["action"] == "cancel" and idle:
            raise InvalidInput(
                f"query_state: there is no query to cancel in a session that is {idle[0]}",
                hint="'action: terminate' ends the session itself.",
            )
        return _selection(params)

    def __init__(self, *arguments: t.Any) -> None:
        super().__init__(*arguments)
        self._chosen: list[State] | None = None
        self._outcomes: dict[int, str] = {}

    def read(self) -> State:
        """Those that the task means, at the first look; at a later one, which of them still run."""
        listed = self.sessions()
        if self._chosen is None:
            self._chosen = [session for session in listed if self.asked.holds(session)]
            self._refuse_too_many(self._chosen)
            return {"queries": self._chosen}
        running = {_key(session) for session in listed}
        return {"queries": [session for session in self._chosen if _key(session) in running]}

    def _refuse_too_many(self, chosen: t.Sequence[State]) -> None:
        limit = self.params["max_matches"]
        if len(chosen) > limit:
            raise InvalidInput(
                f"{len(chosen)} queries match, and max_matches is {limit}: pid {_listed(chosen, limit)}",
                hint="Narrow the selection, or raise max_matches. Nothing was changed.",
            )

    def wanted(self, before: State) -> State:
        return {"queries": []}

    def steps(self, before: State, after: State) -> list[Step]:
        chosen = before["queries"]
        return [self._step(session, session is chosen[-1]) for session in chosen]

    def _step(self, session: State, last: bool) -> Step:
        word = "cancel the query of" if self.params["action"] == "cancel" else "terminate"
        return Step(
            f"{word} the session {session['pid']} of {session['username'] or 'an unknown user'}",
            send=lambda: self._act(session),
            follow=self._until_ended if last else None,
            compare=lambda state: self._look_again(session),
            # Once sent it is not sent again: the same pid may be another's by then.
            happened=lambda state: session not in state["queries"],
        )

    def _act(self, session: State) -> None:
        pid = session["pid"]
        self._look_again(session)
        self._outcomes[pid] = "cancelled" if self.params["action"] == "cancel" else "terminated"
        try:
            if self.params["action"] == "cancel":
                cancel_query(self.client, pid)
            else:
                terminate_query(self.client, pid)
        except ActionFailed:
            # The platform may call it a failure that the session ended by itself in the meantime.
            self._look_again(session)
            raise

    def _look_again(self, session: State) -> None:
        """Raises `Skipped` unless the session still does what it did."""
        pid = session["pid"]
        now = {item["pid"]: item for item in self.sessions()}.get(pid)
        if now is None:
            self._outcomes[pid] = "gone"
            raise Skipped
        if _key(now) != _key(session):
            self._outcomes[pid] = "left_alone"
            self.warn(
                f"The session {pid} was left alone: it does not run the query any more that was to be ended, "
                "or the pid belongs to another session by now."
            )
            raise Skipped

    def _until_ended(self) -> State:
        """The state as soon as nothing runs any more that was told to end, or as it is after a while."""
        told = [pid for pid, outcome in self._outcomes.items() if outcome in TOLD]
        try:
            return self.wait_until(
                self.read,
                lambda state: not any(session["pid"] in told for session in state["queries"]),
                what="end of the queries",
                identifier="",
                status=lambda state: "",
                timeout=PATIENCE,
                interval=1.0,
            )
        except WaitTimeout:
            return self.read()

    def managed(self, state: State) -> dict[str, t.Any]:
        return {
            str(session["pid"]): {name: session[name] for name in ("username", "state", "query_start")}
            for session in state["queries"]
        }

    def tolerated(self, field: str, wanted: t.Any, current: t.Any) -> bool:
        """The server ends a query when it comes to that. One that it has not ended yet is worth a warning, not a failure."""
        if wanted is None and self._outcomes.get(int(field)) in TOLD:
            self.warn(
                f"The session {field} was told to end its query and still runs it. Some operations notice that late."
            )
        return True

    def result(self, state: State) -> dict[str, t.Any]:
        return {
            "queries": [
                {**self.shown(session), "outcome": self._outcomes.get(session["pid"])} for session in self._chosen or []
            ]
        }


class QueryInfo(_OnPostgreSQL, Listing):
    """The sessions of one database."""

    plural = "queries"
    asked: Selection

    @classmethod
    def parse(cls, params: Params) -> Selection:
        return Selection(params, params["query_state"], params["exclude_query"] or ())

    def items(self) -> list[State]:
        return [self.shown(session) for session in self.sessions() if self.asked.holds(session)]


def _selection(params: Params) -> Selection:
    """What the task means: with a pid this one alone, otherwise active queries that are no copies, unless it says else.

    Replication, and what the server does for itself, is meant by its pid only.
    """
    if params["pid"] is not None:
        return Selection(params, RUNNING if params["action"] == "cancel" else None, ())
    states = (ACTIVE,) if params["query_state"] is None else params["query_state"]
    return Selection(
        params, states, EXCLUDED if params["exclude_query"] is None else params["exclude_query"], spared=True
    )


def _listed(sessions: t.Sequence[State], limit: int) -> str:
    pids = ", ".join(str(session["pid"]) for session in sessions[:limit])
    return pids + (", …" if len(sessions) > limit else "")
