# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Actions: one route, what it does is in its body (docs/contract.md, section 2.8). Many of these POSTs only read."""

from __future__ import annotations

import typing as t

from .. import _shapes
from .._answer import Answer
from .._errors import ActionFailed, InvalidInput, RateLimited, ScalingoError, Unauthorized, UnexpectedAnswer
from .._route import DATABASE_PATH, ONCE, READ, SETS, Flags, Route, Sender, T

#: Every action that is known: what it may do, and the attempt in words.
KNOWN: t.Mapping[str, tuple[Flags, str]] = {
    "list-databases": (READ, "list the logical databases"),
    "create-database": (ONCE, "create the logical database"),
    "delete-database": (ONCE, "delete the logical database"),
    "reset-database": (ONCE, "reset the logical database"),
    "get-sqlmode": (READ, "read the SQL mode"),
    "set-sqlmode": (SETS, "set the SQL mode"),
    "list-extensions": (READ, "list the extensions"),
    "pg-list-queries": (READ, "list the running queries"),
    "pg-cancel-query": (ONCE, "cancel the query"),
    "pg-terminate-query": (ONCE, "terminate the query"),
    "pg-stat-statements-enable": (SETS, "enable pg_stat_statements"),
    "pg-stat-statements-reset": (ONCE, "reset the statistics of pg_stat_statements"),
    "pg-stat-statements-list": (READ, "list the statistics of pg_stat_statements"),
    "list-retention-policies": (READ, "list the retention policies"),
    "add-retention-policy": (ONCE, "add the retention policy"),
    "del-retention-policy": (ONCE, "delete the retention policy"),
}

# What run_action refuses, and the module that asks for the word of consent (docs/contract.md, section 7.10).
DESTROYING = {
    "delete-database": "scalingo_logical_db",
    "reset-database": "scalingo_logical_db_reset",
    "del-retention-policy": "scalingo_retention_policy",
    "pg-terminate-query": "scalingo_pg_query",
    "pg-stat-statements-reset": "scalingo_pg_stat_statements",
}


class Action(Route[T]):
    """A call of D8; ``params`` is what the action takes."""

    def run(self, client: Sender, params: t.Any = None) -> T:
        """Run it and return its ``result``. Raises ActionFailed for ``ok: 0``."""
        body = {"action_name": self.action_name}
        return self(client, body=body if params is None else {**body, "params": params})

    def failure(self, answer: Answer) -> ScalingoError | None:
        """Return what is wrong with the answer: ``ok: 0`` counts whatever the status."""
        failure = super().failure(answer)
        if isinstance(failure, (Unauthorized, RateLimited)):
            return failure
        try:
            body = answer.json()
        except UnexpectedAnswer:
            return failure
        if isinstance(body, dict) and "ok" in body and body["ok"] in (0, False):
            reason = body.get("error")
            failed = ActionFailed(
                reason if isinstance(reason, str) and reason else "The API gives no reason",
                doing=self.doing,
                method=answer.method,
                path=answer.path,
                status=answer.status,
                request_id=answer.request_id,
                attempts=answer.attempts,
            )
            failed.after_loss = answer.after_loss
            return failed
        return failure


def action(name: str, check: _shapes.Check = _shapes.anything) -> Action[t.Any]:
    """Declare an action, and what its result must look like. One that is not known counts as a change, not repeatable."""

    def read(answer: Answer) -> t.Any:
        body = _shapes.mapping(answer.json(), "the body")
        if body.get("ok") != 1:
            raise _shapes.Mismatch("ok to be 1", "the body", body.get("ok"))
        return check(body.get("result"), "result")

    flags, doing = KNOWN.get(name, (ONCE, f"run the action {name}"))
    path = f"{DATABASE_PATH}/action"
    return Action(f"action {name}", "POST", path, *flags, number="D8", doing=doing, action_name=name, read=read)


def run_action(client: Sender, name: str, params: t.Any = None) -> t.Any:
    """Run any action (D8) and return its ``result``. An unknown name counts as a call that changes something and is
    not repeated. Raises InvalidInput for a name known to destroy, ActionFailed for ``ok: 0``.
    """
    if name in DESTROYING:
        raise InvalidInput(
            f"The action {name} destroys, and is not run this way",
            hint=f"Use community.scalingo.{DESTROYING[name]}.",
        )
    return action(name).run(client, params)
