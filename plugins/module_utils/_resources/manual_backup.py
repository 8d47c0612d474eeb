# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Making a backup (docs/contract.md sections 2.10 and 7.8).

What a task wants is that there be a recent one: a backup that is there, or on its way, may serve.
"""

from __future__ import annotations

import re
import typing as t

from .._api.backup import create_backup, show_backup
from .._api.database import show_database, show_plan
from .._change import Resource
from .._errors import BadRequest, Conflict, InvalidInput, RateLimited, ScalingoError, StepFailed, Unreachable
from .._step import Consent, Params, Settled, Skipped, State, Step, never
from .backup import DONE, Asked, WithBackups, began, in_progress, planned

CANCELLING = "cancelling"


#: How many manual backups a plan keeps, by a part of its name (docs/contract.md section 7.8).
KEPT: t.Mapping[str, int] = {"starter": 10, "business": 50}


#: What the platform says when a backup is running already; there is no code for it.
ALREADY_RUNNING = re.compile("a backup is running", re.IGNORECASE)


IS_RUNNING_HINT = "Use 'on_running: attach' to wait for that one, or 'on_running: new' to make another afterwards."


#: How often a task tries to make a backup while others are quicker.
TURNS = 10


class Backup(WithBackups, Resource[State]):
    """Make a backup, unless there is one that is recent enough.

    The state holds all backups, and under `backup` the one that the task is about.
    """

    imperative = True

    @classmethod
    def parse(cls, params: Params) -> Asked:
        asked = Asked.of(params)
        if asked.max_age is not None and asked.max_age <= 0:
            raise InvalidInput("max_age is 0, and no backup is that young: leave it out to make a backup in any case")
        if params["max_age"] is None and params["method"] != "any":
            raise InvalidInput("method says which backups count for max_age: give max_age too, or leave method out")
        return asked

    def __init__(self, *arguments: t.Any) -> None:
        super().__init__(*arguments)
        self._last: list[State] = []
        self._listed: frozenset[str | None] = frozenset()
        self._before_sending: frozenset[str | None] | None = None
        self._sent_before = False
        self._subject: str | None = None
        self._attached = False
        self._evicts: State | None = None
        #: What a plan keeps and what it is called, each once it was asked for.
        self._kept: dict[str, t.Any] = {}

    # -- what is there, and what is wanted ---------------------------------------------------------------------------

    def backups(self) -> list[State]:
        begun = self.client.clock.now()
        backups = super().backups()
        self._last, self._listed = backups, frozenset(backup["id"] for backup in backups)
        self._read_at = begun
        return backups

    def read(self) -> State:
        """All backups, the one that serves, the one that is running, and the one that a new one would cost."""
        backups = self.backups()
        if self._subject is not None:
            return self._about(next((item for item in backups if item["id"] == self._subject), None), backups)
        serving = self._serving(backups)
        state = {
            "backups": backups,
            "backup": serving,
            "attached": serving is not None and in_progress(serving),
            "running": self._running(backups),
            "evicts": None,
        }
        if serving is None:
            state["evicts"] = self._evicted(backups)
        return state

    def wanted(self, before: State) -> State:
        status = DONE if self.params["wait"] else None
        if before["backup"] is None:
            backup = {**planned(), "status": status}
        elif before["attached"] and self.params["wait"]:
            backup = {**before["backup"], "started_at": None, "size": None, "status": status}
        else:
            backup = before["backup"]
        return {**before, "backup": backup}

    def steps(self, before: State, after: State) -> list[Step]:
        serving, running = before["backup"], before["running"]
        if serving is None:
            if running is not None and self._on_running == "fail":
                raise self._is_running(running)
            return [self._make(running, before["evicts"])]
        if not (before["attached"] and self.params["wait"]):
            return []
        return [
            Step(
                f"wait for the backup {serving['id']}, which is {serving['status']}",
                send=lambda: self._attach(serving),
                follow=self._finished,
                counts=False,
            )
        ]

    def result(self, state: State) -> dict[str, t.Any]:
        evicted = state["evicts"]
        return {
            "backup": state["backup"],
            "attached": state["attached"],
            "evicted": None if evicted is None else evicted["id"],
        }

    def managed(self, state: State) -> dict[str, t.Any]:
        """Nothing is compared: a backup is made, or it is not."""
        return {}

    # -- which backup serves -----------------------------------------------------------------------------------------

    @property
    def _on_running(self) -> str:
        default = "new" if self.asked.max_age is None else "attach"
        return self.params["on_running"] or default

    def _counts(self, backup: State) -> bool:
        return self.params["method"] in ("any", backup["method"])

    def _serving(self, backups: t.Sequence[State]) -> State | None:
        """The backup that does what the task asks for: one that is young enough, or one that is running."""
        if self.asked.max_age is not None:
            for backup in backups:
                if backup["status"] == DONE and self._counts(backup) and self.is_young(backup):
                    return backup
        running = self._running(backups)
        if (
            running is not None
            and self._on_running == "attach"
            and self._counts(running)
            and running["status"] != CANCELLING
        ):
            return running
        return None

    @staticmethod
    def _running(backups: t.Sequence[State]) -> State | None:
        return next((backup for backup in backups if in_progress(backup)), None)

    @staticmethod
    def _is_running(running: State) -> Conflict:
        return Conflict(
            f"a backup is running: {running['id']}, begun at {began(running)}, is {running['status']}",
            doing="make a backup",
            hint=IS_RUNNING_HINT,
        )

    # -- what a new one costs ----------------------------------------------------------------------------------------

    def _evicted(self, backups: t.Sequence[State]) -> State | None:
        """The manual backup that the platform deletes for a new one, as far as the limit of the plan is known."""
        manual = [backup for backup in backups if backup["method"] == "manual"]
        limit = self._limit(len(manual)) if manual else None
        return manual[-1] if limit is not None and len(manual) >= limit else None

    def _limit(self, count: int) -> int | None:
        if "limit" not in self._kept:
            try:
                self._kept["limit"] = show_plan(self.client)["manual_backups_count"] or None
            except (Unreachable, RateLimited):
                raise
            except ScalingoError:
                self._kept["limit"] = None
        limit: int | None = self._kept["limit"]
        if limit is not None or count < min(KEPT.values()):
            return limit
        if "plan" not in self._kept:
            self._kept["plan"] = str(show_database(self.client).get("plan"))
        plan = self._kept["plan"]
        for word, kept in KEPT.items():
            if re.search(rf"(^|-){word}(-|$)", plan):
                return kept
        self.warn(
            f"How many manual backups the plan {plan} keeps is not known, and there are {count}: the platform may delete the oldest for a new one."
        )
        return None

    # -- making it ---------------------------------------------------------------------------------------------------

    def _make(self, running: State | None, evicted: State | None) -> Step:
        sentence = "make a backup"
        self._evicts = evicted
        if running is not None:
            sentence += " when the one that is running has ended"
        if evicted is not None:
            sentence += f", for which the platform deletes the manual backup {evicted['id']}"

        def send() -> State | None:
            if running is not None:
                self._outlast(running)
            made = self._send_until_taken()
            return None if made is None else self._about(made, [])

        return Step(
            sentence,
            send=send,
            follow=self._finished if self.params["wait"] else None,
            happened=self._appeared,
            reached=never,
            resend=True,
            compare=self._look_again,
            consent=self._consent(evicted),
        )

    @staticmethod
    def _consent(evicted: State | None) -> tuple[Consent, ...]:
        if evicted is None:
            return ()
        return (
            Consent(
                "allow",
                "eviction",
                "The plan keeps no more manual backups than there are, so for a new one the platform would delete {} of {}".format(
                    evicted["id"], began(evicted)
                ),
            ),
        )

    def _outlast(self, running: State) -> None:
        """Wait for a backup that runs. Others make backups too: then one may serve, or a new one may cost another one."""
        self.ended(str(running["id"]))
        self._judge(self._last)

    def _look_again(self, state: State | None) -> None:
        backups = self.backups() if state is None else state["backups"]
        if self._sent_before:
            if self._find_new(backups):
                raise Settled(True)
        else:
            self._before_sending = self._listed
        self._judge(backups)

    def _judge(self, backups: t.Sequence[State]) -> None:
        """Raises `Skipped` when a backup serves by now, and `ConsentMissing` when a new one would cost what it did not."""
        self._take_serving(backups)
        self._evicts = self._evicted(backups)
        missing = [consent for consent in self._consent(self._evicts) if not consent.given(self.params)]
        if missing:
            raise Consent.refusal(missing, self.params)

    def _take_serving(self, backups: t.Sequence[State]) -> None:
        """Raises `Skipped` when a backup that is there does what the task asks for."""
        serving = self._serving(backups)
        if serving is not None:
            self._attach(serving)
            if self.params["wait"]:
                self._finished()
            raise Skipped

    def _send_until_taken(self) -> State | None:
        """Ask for a backup, and return it as far as the answer shows it.

        Whoever is quicker is waited for, or serves as well, as `on_running` says.
        """
        turn = 0
        while True:
            turn += 1
            if self._before_sending is None:
                self._before_sending = self._listed
            try:
                made = create_backup(self.client)
                self._subject = made["id"]
                return made
            except (BadRequest, Conflict) as error:
                if turn == TURNS or not ALREADY_RUNNING.search(error.message):
                    raise
                if self._on_running == "fail":
                    error.hint = IS_RUNNING_HINT
                    raise
            backups = self.backups()
            if self._sent_before and self._find_new(backups):
                return None
            self._take_serving(backups)
            running = self._running(backups)
            if running is None:
                self.client.clock.sleep(self.params["wait_interval"])
            else:
                self._outlast(running)
            self._before_sending = None

    def _appeared(self, state: State) -> bool:
        """After a lost answer: a manual backup that was not there before is ours."""
        self._sent_before = True
        return self._find_new(state["backups"])

    def _find_new(self, backups: t.Sequence[State]) -> bool:
        known = self._before_sending or frozenset()
        new = [item for item in backups if item["id"] not in known and item["method"] in (None, "manual")]
        if new:
            self._subject = new[0]["id"]
        return bool(new)

    def _attach(self, serving: State) -> None:
        self._subject = serving["id"]
        self._attached = in_progress(serving)
        self._evicts = None

    def _finished(self) -> State:
        """Wait for the backup that the task is about. One that failed or was cancelled is never taken for done."""
        backup = self.ended(str(self._subject))
        if backup["status"] != DONE:
            raise StepFailed(
                f"the backup {backup['id']} ended with status {backup['status']}",
                hint="Run the task again for another one; if that fails too, ask Scalingo's support.",
            )
        return self._about(backup, [])

    def _about(self, backup: State | None, backups: list[State]) -> State:
        """The state once it is settled which backup the task is about."""
        return {
            "backups": backups,
            "backup": backup or show_backup(self.client, str(self._subject)),
            "attached": self._attached,
            "running": None,
            "evicts": self._evicts,
        }
