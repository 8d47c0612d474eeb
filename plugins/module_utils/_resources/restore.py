# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Going back: to a point in time, or to a backup (docs/contract.md sections 2.5, 2.10 and 7.8)."""

from __future__ import annotations

import re
import typing as t

from .. import _canon
from .._api.backup import restore_backup, show_backup_restoration
from .._api.database import restore_to_point_in_time, show_database, show_recovery_window
from .._api.operation import OPERATION
from .._busy import busy_reason
from .._change import Listing, Resource
from .._errors import InvalidInput, NotFound, StepFailed
from .._options import parsed
from .._step import Consent, Params, State, Step, never
from . import backup as backups
from ._engine import OfEngine
from .operation import Following, Look

#: The types of the operations: one is known (docs/contract.md section 2.6), and the other one is a restoration too.
POINT_IN_TIME = re.compile("pitr_restore")
BACKUP = re.compile("(?!pitr).*restor.*")

BY_HAND = (
    "Download it with community.scalingo.scalingo_backup_download, and restore it by hand: pg_restore for PostgreSQL, "
    "mysql for MySQL, and the client of the engine for others."
)


class _WithRecovery(OfEngine):
    engines = ("postgresql", "postgresql-ng")
    subject = "restoring to a point in time exists on PostgreSQL"

    def window(self) -> State:
        """The recovery window. Refuses other engines."""
        return self.ask(lambda: show_recovery_window(self.client))


class RecoveryWindowInfo(_WithRecovery, Listing):
    """The recovery window; without a base backup there is none."""

    plural = "recovery_windows"
    reading = "read the recovery window"

    def items(self) -> list[State]:
        window = self.window()
        return [window] if any(value is not None for value in window.values()) else []


class Restore(_WithRecovery, backups.WithBackups, Following, Resource[State]):
    """Restore a database, over what it holds. There is nothing to compare: every run restores."""

    imperative = True
    fresh_lookup = True
    reading = "read what can be restored"

    asked: t.Any

    @classmethod
    def parse(cls, params: Params) -> str | None:
        """The moment to restore to; none for a backup."""
        backups.check_backup_id(params)
        return parsed(params, "restore_time", _canon.instant)

    def __init__(self, *arguments: t.Any) -> None:
        super().__init__(*arguments)
        self._earlier: str | None = None
        self._operation_id: str | None = None
        self._location: str | None = None
        self._restoration: State | None = None
        self._restored = False

    def _refuse(self, engine: str) -> None:
        if self.asked is not None:
            _WithRecovery._refuse(self, engine)
        else:
            backups.WithBackups._refuse(self, engine)

    # -- what is there, and what is wanted ---------------------------------------------------------------------------

    def read(self) -> State:
        """The database. Before anything is sent, also whether it can be restored so."""
        if self.applying:
            return show_database(self.client)
        self._require_restorable()
        found = show_database(self.client)
        self._earlier = found["current_operation_id"]
        return found

    def _require_restorable(self) -> None:
        if self.asked is not None:
            self._require_inside(self.window())
        else:
            backups.chosen(self.backups(), self.params["backup_id"])

    @property
    def _kind(self) -> t.Pattern[str]:
        return BACKUP if self.asked is None else POINT_IN_TIME

    def _require_inside(self, window: State) -> None:
        wanted = self.asked
        earliest, latest = window["earliest_recoverable_at"], window["latest_recoverable_at"]
        if earliest is None or latest is None:
            raise InvalidInput(
                "the database cannot be restored to a point in time yet: the platform shows no recovery window, as there is no base backup",
                hint="The first base backup is made within a day, and a new one after a major upgrade. Until then, use a backup.",
            )
        if not earliest <= wanted <= latest:
            raise InvalidInput(
                f"restore_time is {wanted}, outside the recovery window from {earliest} to {latest}",
                hint="Choose a time inside the window. It moves on all the time.",
            )

    def wanted(self, before: State) -> State:
        # How the platform shows a database that is being restored is not known.
        return before if self.params["wait"] else {**before, "status": None, "current_operation_id": None}

    def managed(self, state: State) -> dict[str, t.Any]:
        """Nothing is compared: data cannot be."""
        return {}

    def busy(self, state: State) -> str:
        return busy_reason(state)

    def result(self, state: State) -> dict[str, t.Any]:
        operation_shown = self._operation if self.asked is not None else None
        return {"database": state, "operation": operation_shown, "restoration": self._restoration}

    def steps(self, before: State, after: State) -> list[Step]:
        resource_id = before["resource_id"]
        if resource_id is None:
            raise InvalidInput(
                "the platform does not show the resource ID of the database, which confirm has to repeat"
            )
        if self.asked is not None:
            moment = self.asked
            sentence = f"restore {resource_id} to its state at {moment}"
            loss = "Everything that %s holds from after %s would be lost, and the earlier points to restore to as well"
            loss %= (resource_id, moment)
            send, follow = self._start_point_in_time, self._finish_point_in_time
        else:
            sentence = f"restore the backup {self.params['backup_id']} over {resource_id}"
            loss = "Everything that %s holds now would be replaced by what the backup %s holds"
            loss %= (resource_id, self.params["backup_id"])
            send, follow = self._start_backup, self._finish_backup
        return [
            Step(
                sentence,
                send=send,
                follow=follow if self.params["wait"] else None,
                happened=self._has_started,
                reached=never,
                compare=lambda state: self._require_restorable(),
                consent=(Consent("confirm", resource_id, loss),),
            )
        ]

    # -- a point in time ---------------------------------------------------------------------------------------------

    def _start_point_in_time(self) -> None:
        moment = self.asked
        answer = restore_to_point_in_time(self.client, moment.replace(".000000Z", "Z"))
        self._operation_id, self._location = answer["id"], answer["location"]
        self._operation = {**OPERATION.empty(), **{name: answer[name] for name in ("id", "type", "status")}}

    def _has_started(self, state: State) -> bool:
        """After a lost answer: only a database that is being restored, which it was not before, has taken it."""
        self._operation_id = self.begun(state, self._kind, self._earlier)
        return self._operation_id is not None

    def _finish_point_in_time(self) -> State:
        def arrived(look: Look, seen: bool) -> bool:
            return look.operation is not None or seen

        return self.follow(
            "restoration",
            self._operation_id,
            self._location,
            POINT_IN_TIME,
            arrived,
            lambda found: "nothing shows that it was restored",
        )

    # -- a backup ----------------------------------------------------------------------------------------------------

    def _start_backup(self) -> None:
        backups.require_made(self.params["backup_id"])
        try:
            answer = restore_backup(self.client, self.params["backup_id"])
        except NotFound as error:
            error.message = "this region does not serve the restoration of a backup"
            error.hint = BY_HAND
            raise
        self._restoration = answer

    def _finish_backup(self) -> State:
        if self._restoration is not None and self._restoration["id"] is not None:
            self._follow_restoration(str(self._restoration["id"]))
        return self.follow(
            "restoration",
            self._operation_id,
            None,
            BACKUP,
            lambda look, seen: self._restored or look.operation is not None or seen,
            lambda found: "nothing shows that it was restored",
        )

    def _follow_restoration(self, identifier: str) -> None:
        def read() -> State:
            try:
                self._restoration = show_backup_restoration(self.client, identifier)
            except NotFound:
                # The route may be absent though the other is there: the database alone tells then.
                return {"status": None}
            return self._restoration

        def done(restoration: State) -> bool:
            if restoration["status"] in backups.FAILED:
                raise StepFailed(
                    f"the restoration {identifier} ended with status {restoration['status']}",
                    hint="Look what the database holds now. Then restore it anew, or from another backup; if that fails too, ask Scalingo's support.",
                )
            self._restored = restoration["status"] == backups.DONE
            return self._restored or restoration["status"] is None

        self.wait_until(
            read,
            done,
            what="restoration",
            identifier=identifier,
            status=lambda restoration: str(restoration["status"]),
        )
