# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Operations of a database (docs/contract.md sections 2.6 and 3.4), and waiting for the end of one."""

from __future__ import annotations

import re
import typing as t

from .._api.database import show_database
from .._api.operation import show_operation
from .._busy import RESUME, busy_reason, is_ready, is_stopped
from .._change import Listing, Performer
from .._errors import NotFound, StepFailed
from .._options import check_id
from .._step import Outcome, Params, State

SUCCEEDED = ("finished", "done")
CANCELLED = "cancelled"
#: Whatever has one of these words in it is a failure.
FAILURE = re.compile("error|fail", re.IGNORECASE)

#: How many times `wait_interval` an idle database is looked at that does not show what the operation was to bring.
PATIENCE = 6


def has_failed(operation: State) -> bool:
    """Whether the platform says that an operation failed or was cancelled. An unknown status is still going."""
    status = operation["status"] or ""
    return status == CANCELLED or FAILURE.search(status) is not None


class Look(t.NamedTuple):
    """An operation and its database, each as far as it was looked at."""

    operation: State | None
    database: State | None


class Following(Performer):
    """Waits for the end of an operation. The database is the truth: an operation that cannot be found says nothing."""

    _operation: State | None = None

    def operation_of(self, operation_id: str | None, location: str | None = None) -> State | None:
        """An operation, or none when the platform does not know it, or not any more."""
        if operation_id is None:
            return None
        try:
            return show_operation(self.client, operation_id, location)
        except NotFound:
            return None

    def begun(self, found: State, kind: t.Pattern[str], earlier: str | None) -> str | None:
        """The operation that a database is at work on, when it can be ours: by its type, and not the `earlier` one.

        Nothing else shows that a call whose answer was lost took place: others start operations, and so does the platform.
        """
        running: str | None = found["current_operation_id"]
        if running is None or running == earlier:
            return None
        operation = self.operation_of(running)
        return running if operation is not None and kind.fullmatch(operation["type"] or "") else None

    def follow(
        self,
        what: str,
        operation_id: str | None,
        location: str | None,
        kind: t.Pattern[str],
        arrived: t.Callable[[Look, bool], bool],
        missing: t.Callable[[State], str],
    ) -> State:
        """Wait until the operation has succeeded, and the database is idle and shows it; return the database.

        `kind` is what the type of the operation is like, by which it is found when its ID is not known. `arrived` tells from
        a look at an idle database, and from whether the operation was seen before, that the goal is reached. When it is not
        after a while, `missing` says of the database what is not as it should be.
        """
        clock = self.client.clock
        seen = False
        idle_since: float | None = None
        other: str | None = None

        def read() -> Look:
            nonlocal operation_id, seen, other
            operation = self.operation_of(operation_id, location)
            self._operation = operation or self._operation
            if operation is not None and operation["status"] not in SUCCEEDED:
                seen = True
                return Look(operation, None)
            found = show_database(self.client)
            running = found["current_operation_id"]
            if operation_id is None and running is not None and running != other:
                operation_id, other = self.begun(found, kind, None), running
            # Without an operation that can be named, a database that is not running is all there is to see.
            seen = (
                seen or (running is not None and running == operation_id) or (running is None and not is_ready(found))
            )
            return Look(operation, found)

        def done(look: Look) -> bool:
            nonlocal idle_since
            if look.operation is not None and has_failed(look.operation):
                raise StepFailed(
                    "the operation {} ended with status {}: {}".format(
                        operation_id,
                        look.operation["status"],
                        look.operation["error"] or "the platform gives no reason",
                    ),
                    hint="Look at the database, then run the task again. If it fails again, ask Scalingo's support, who can look the operation up.",
                )
            stopped = look.database is not None and is_stopped(look.database)
            if look.database is None or not (stopped or is_ready(look.database)):
                idle_since = None
                return False
            if not stopped and arrived(look, seen):
                return True
            idle_since = clock.now() if idle_since is None else idle_since
            if clock.now() - idle_since < PATIENCE * self.params["wait_interval"]:
                return False
            if look.operation is not None:
                told = f"the platform reports that the operation {operation_id} is {look.operation['status']}"
            elif operation_id is not None:
                told = f"the operation {operation_id} cannot be found, and the database is idle"
            else:
                told = "the database is idle"
            if stopped:
                raise StepFailed(
                    "the database is stopped, and no operation is running that would start it", hint=RESUME
                )
            raise StepFailed(
                f"{told}, but {missing(look.database)}", hint="Look at the database, and ask Scalingo's support."
            )

        def status(look: Look) -> str:
            found = look.operation or look.database
            return str(found["status"]) if found is not None else "unknown"

        look = self.wait_until(
            read,
            done,
            what=what,
            identifier=operation_id or self.client.target.addon_id,
            status=status,
        )
        return t.cast(State, look.database)


class OperationInfo(Following, Listing):
    """One operation, or the one that is running; nothing when there is none. It waits when the task says so."""

    plural = "operations"
    reading = "read the operation"
    _database: State | None = None
    _waits = False

    @classmethod
    def parse(cls, params: Params) -> None:
        check_id("operation_id", params["operation_id"], "an operation")

    def perform(self, check_mode: bool) -> Outcome:
        self.unless_checking(check_mode, self._let_wait)
        outcome = super().perform(check_mode)
        outcome.result["database"] = self._database
        return outcome

    def _let_wait(self) -> None:
        self._waits = self.params["wait"]

    def items(self) -> list[State]:
        wanted: str | None = self.params["operation_id"]
        if self._waits:
            operation = self._idle() if wanted is None else self._ended(wanted)
        else:
            if wanted is None:
                wanted = self._read()["current_operation_id"]
            operation = self.operation_of(wanted)
        return [] if operation is None else [operation]

    def _read(self) -> State:
        self._database = show_database(self.client)
        return self._database

    def _idle(self) -> State | None:
        """Wait until the database takes a change; return the operation that was seen last."""
        last: str | None = None

        def read() -> State:
            nonlocal last
            found = self._read()
            last = found["current_operation_id"] or last
            return found

        self.wait_until(
            read,
            lambda found: not busy_reason(found),
            what="operation on the database",
            identifier=self.client.target.addon_id,
            status=lambda found: str(found["status"]),
        )
        return self.operation_of(last)

    def _ended(self, wanted: str) -> State | None:
        """Wait until an operation has ended and the database shows it; return the operation, if the platform still knows it.

        What the database is at work on is not asked for. What nobody knows the status of has ended when the database rests.
        """
        clock = self.client.clock
        idle_since: float | None = None

        def done(look: Look) -> bool:
            nonlocal idle_since
            found = t.cast(State, look.database)
            running = found["current_operation_id"]
            resting = is_ready(found) or is_stopped(found)
            if running == wanted or not (running or resting):
                idle_since = None
                return False
            operation = look.operation
            if operation is None or operation["status"] in SUCCEEDED or has_failed(operation):
                return True
            idle_since = None if running else clock.now() if idle_since is None else idle_since
            return idle_since is not None and clock.now() - idle_since >= PATIENCE * self.params["wait_interval"]

        def read() -> Look:
            found = self._read()
            busy = found["current_operation_id"] == wanted
            return Look(None if busy else self.operation_of(wanted), found)

        return self.wait_until(
            read,
            done,
            what="operation",
            identifier=wanted,
            status=lambda look: str((look.operation or look.database)["status"]),
        ).operation
