# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Backups of a database (docs/contract.md sections 2.10, 3.2 and 7.8).

A backup has no natural key: what identifies one is its ID, and what a task wants is that there be a recent one.
"""

from __future__ import annotations

import contextlib
import re
import typing as t

from .. import _canon
from .._change import (
    Consent,
    Listing,
    Outcome,
    Params,
    Resource,
    Settled,
    Skipped,
    State,
    Step,
    known,
    never,
)
from .._errors import (
    BadRequest,
    Conflict,
    InvalidInput,
    RateLimited,
    ScalingoError,
    StepFailed,
    UnexpectedAnswer,
    Unreachable,
)
from .._shapes import Unread, or_none
from .._wait import wait_until
from ._engine import OfEngine
from ._fields import Fields, check_id, checked

DONE = "done"
FAILED = ("error", "cancelled")
CANCELLING = "cancelling"

#: The ID of a backup that was not made, as the task that would make it runs in check mode.
NOT_MADE = "not-made-in-check-mode"

#: How many manual backups a plan keeps, by a part of its name (docs/contract.md section 7.8).
KEPT: t.Mapping[str, int] = {"starter": 10, "business": 50}

#: What the platform says when a backup is running already; there is no code for it.
ALREADY_RUNNING = re.compile("a backup is running", re.IGNORECASE)

IS_RUNNING_HINT = "Use 'on_running: attach' to wait for that one, or 'on_running: new' to make another afterwards."

#: Engines that have backups whose archives cannot be downloaded: a link to one leads to an error text, or to nothing.
NOT_SERVED: t.Mapping[str, str] = {"elasticsearch": "Elasticsearch", "opensearch": "OpenSearch"}

#: How often a task tries to make a backup while others are quicker.
TURNS = 10


def describe(raw: object) -> State:
    """A backup as the modules return it."""
    fields = Fields(raw, "a backup")
    return {
        "id": fields.identifier("id"),
        "name": fields.identifier("name"),
        "status": fields.identifier("status"),
        "method": fields.identifier("method"),
        "created_at": fields.instant("created_at"),
        "started_at": fields.instant("started_at"),
        "size": fields.number("size"),
        "database_id": fields.identifier("database_id"),
    }


def planned() -> State:
    """A backup that a task in check mode would make. The tasks after it know it by its ID."""
    return {**{name: None for name in describe({})}, "id": NOT_MADE, "method": "manual", "status": DONE}


def require_made(backup_id: str | None) -> None:
    """Refuse to do anything with a backup that was never made."""
    if backup_id == NOT_MADE:
        raise InvalidInput(
            f"there is no backup {NOT_MADE}: the task that was to make it ran in check mode",
            hint="Run both tasks in check mode, or none of them.",
        )


def newest_first(backups: t.Iterable[State]) -> list[State]:
    """Backups by the time they began; the platform promises no order."""
    return sorted(backups, key=lambda backup: (began(backup) or "", backup["id"] or ""), reverse=True)


def began(backup: State) -> str | None:
    """When a backup was started, or asked for while that is not known."""
    return t.cast(t.Optional[str], or_none(backup["started_at"]) or or_none(backup["created_at"]))


def undated_ids(backups: t.Iterable[State]) -> list[str]:
    """The IDs of those of which the platform says when they began, in a way that cannot be read."""
    return [
        str(backup["id"])
        for backup in backups
        if began(backup) is None and any(isinstance(backup[name], Unread) for name in ("started_at", "created_at"))
    ]


def in_progress(backup: State) -> bool:
    """Whether a backup has not ended: an unknown status is one of those on the way (docs/contract.md section 3)."""
    return backup["status"] != DONE and backup["status"] not in FAILED


def chosen(backups: t.Sequence[State], backup_id: str | None) -> State:
    """The backup of an ID, or the newest that is done. Raises C(InvalidInput) unless it is there and done.

    One that a task in check mode would have made counts as there: what is really done with it must C(require_made).
    """
    if backup_id == NOT_MADE:
        return planned()
    if backup_id is None:
        undated = undated_ids(backup for backup in backups if backup["status"] == DONE)
        if undated:
            raise UnexpectedAnswer(
                "which backup is the newest cannot be told, as it cannot be read when {} began".format(
                    " and ".join(undated)
                ),
                hint="Name the one that is meant with backup_id.",
            )
        found = next((backup for backup in backups if backup["status"] == DONE), None)
        if found is None:
            raise InvalidInput(
                "the database has no backup that is done", hint="Make one with community.scalingo.scalingo_backup."
            )
        return found
    found = next((backup for backup in backups if backup["id"] == backup_id), None)
    if found is None:
        raise InvalidInput(f"the database has no backup {backup_id}", hint=_shown(backups))
    if found["status"] != DONE:
        raise InvalidInput(
            "the backup {} is {}, not done".format(backup_id, found["status"]),
            hint="" if found["status"] in FAILED else "Wait for its end, with community.scalingo.scalingo_backup.",
        )
    return found


def _shown(backups: t.Sequence[State]) -> str:
    if not backups:
        return "It has no backup at all."
    listed = ["{} of {} ({})".format(backup["id"], began(backup), backup["status"]) for backup in backups[:5]]
    return "The newest are: {}.".format(", ".join(listed))


def check_backup_id(params: Params) -> None:
    """Refuse an ID that cannot be one."""
    if params["backup_id"] is not None:
        check_id("backup_id", params["backup_id"], "a backup")


#: So many seconds between two clocks are worth a warning where they decide something.
UNLIKE = 60.0


def age(instant: str, date: float | None, here: float) -> float:
    """How many seconds ago something began, by the Date header of the answer that says so and by the clock of this machine.

    The later of the two counts: a header may be wrong, or of an answer that a proxy kept, and what is taken for younger than it
    is will be relied upon. What is in the future has the age 0.
    """
    return max(0.0, max(here, here if date is None else date) - _canon.instant_seconds(instant))


class WithBackups(OfEngine):
    """Reads the backups, of an engine that has them."""

    reading = "list the backups"

    def _refuse(self, engine: str) -> None:
        if engine == "postgresql-ng":
            raise InvalidInput(
                "a database with dedicated resources has no backups on demand",
                hint="Restore it to a point in time with community.scalingo.scalingo_database_restore, or dump it yourself.",
            )

    def backups(self) -> list[State]:
        """All backups, the newest first."""
        return newest_first(map(describe, self.ask(self.client.database.list_backups)))

    def is_young(self, backup: State) -> bool:
        """Whether a backup of the last answer began within C(max_age), by the clocks of the platform and of this machine."""
        instant = began(backup)
        if instant is None:
            return False
        longest = _canon.seconds(self.params["max_age"])
        date, here = self.client.database.date, self.client.clock.wall()
        if age(instant, date, here) <= longest:
            return True
        if (
            date is not None
            and abs(date - here) > UNLIKE
            and min(age(instant, now, now) for now in (date, here)) <= longest
        ):
            self.warn(
                f"The clocks of the platform and of this machine differ by {abs(date - here):.0f} seconds. The backup {backup['id']} "
                "is too old by one of them only, and counts as too old. Check the clock of this machine."
            )
        return False

    def ended(self, backup_id: str) -> State:
        """Wait until a backup has ended, well or not."""

        def read() -> State:
            found = next((backup for backup in self.backups() if backup["id"] == backup_id), None)
            return found or describe(self.client.database.show_backup(backup_id))

        return wait_until(
            read,
            lambda backup: not in_progress(backup),
            what="backup",
            identifier=backup_id,
            status=lambda backup: str(backup["status"]),
            timeout=self.params["wait_timeout"],
            interval=self.params["wait_interval"],
            clock=self.client.clock,
            watch=self.client.watch,
        )


class WithArchives(WithBackups):
    """Reads the backups, of an engine whose archives the platform serves (section 2.10)."""

    def _refuse(self, engine: str) -> None:
        super()._refuse(engine)
        if engine in NOT_SERVED:
            raise InvalidInput(
                f"the platform does not serve the archives of {NOT_SERVED[engine]}",
                hint="Export the data from the database itself, or ask Scalingo's support.",
            )

    def meant(self) -> State:
        """The backup that the task means. One that a task in check mode would have made is on no list."""
        backup_id = self.params["backup_id"]
        return chosen(self.ask(list) if backup_id == NOT_MADE else self.backups(), backup_id)

    def export_consent(self) -> tuple[Consent, ...]:
        """What the task must say where data are protected. Asks for nothing when the task says it in any case."""
        if "export" in self.params["allow"]:
            return ()
        protection = self.client.target.protection
        if not protection:
            return ()
        return (Consent("allow", "export", protection + ", and its data would leave the platform"),)


class Backup(WithBackups, Resource):
    """Make a backup, unless there is one that is recent enough.

    The state holds all backups, and under C(backup) the one that the task is about.
    """

    imperative = True

    @classmethod
    def check(cls, params: Params) -> None:
        if params["max_age"] is not None and checked("max_age", _canon.seconds, params["max_age"]) <= 0:
            raise InvalidInput("max_age is 0, and no backup is that young: leave it out to make a backup in any case")
        if params["max_age"] is None and params["method"] != "any":
            raise InvalidInput("method says which backups count for max_age: give max_age too, or leave method out")

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

    def wanted(self, before: State | None) -> State:
        before = known(before)
        status = DONE if self.params["wait"] else None
        if before["backup"] is None:
            backup = {**planned(), "status": status}
        elif before["attached"] and self.params["wait"]:
            backup = {**before["backup"], "started_at": None, "size": None, "status": status}
        else:
            backup = before["backup"]
        return {**before, "backup": backup}

    def steps(self, before: State | None, after: State | None) -> list[Step]:
        before = known(before)
        serving, running = before["backup"], before["running"]
        if serving is None:
            if running is not None and self._on_running == "fail":
                raise self._is_running(running)
            return [self._make(running, before["evicts"])]
        if not (before["attached"] and self.params["wait"]):
            return []
        return [
            Step(
                "wait for the backup {}, which is {}".format(serving["id"], serving["status"]),
                send=lambda: self._attach(serving),
                follow=self._finished,
                counts=False,
            )
        ]

    def result(self, state: State | None) -> dict[str, t.Any]:
        state = known(state)
        evicted = state["evicts"]
        return {
            "backup": state["backup"],
            "attached": state["attached"],
            "evicted": None if evicted is None else evicted["id"],
        }

    def managed(self, state: State | None) -> dict[str, t.Any]:
        """Nothing is compared: a backup is made, or it is not."""
        return {}

    # -- which backup serves -----------------------------------------------------------------------------------------

    @property
    def _on_running(self) -> str:
        default = "new" if self.params["max_age"] is None else "attach"
        return self.params["on_running"] or default

    def _counts(self, backup: State) -> bool:
        return self.params["method"] in ("any", backup["method"])

    def _serving(self, backups: t.Sequence[State]) -> State | None:
        """The backup that does what the task asks for: one that is young enough, or one that is running."""
        if self.params["max_age"] is not None:
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
            "a backup is running: {}, begun at {}, is {}".format(running["id"], began(running), running["status"]),
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
                self._kept["limit"] = (
                    Fields(self.client.database.show_plan(), "the plan").number("manual_backups_count") or None
                )
            except (Unreachable, RateLimited):
                raise
            except ScalingoError:
                self._kept["limit"] = None
        limit: int | None = self._kept["limit"]
        if limit is not None or count < min(KEPT.values()):
            return limit
        if "plan" not in self._kept:
            self._kept["plan"] = str(self.client.database.show_database().get("plan"))
        plan = self._kept["plan"]
        for word, kept in KEPT.items():
            if re.search(rf"(^|-){word}(-|$)", plan):
                return kept
        self.warn(
            "How many manual backups the plan %s keeps is not known, and there are %d: the platform may delete the oldest for a new one."
            % (plan, count)
        )
        return None

    # -- making it ---------------------------------------------------------------------------------------------------

    def _make(self, running: State | None, evicted: State | None) -> Step:
        sentence = "make a backup"
        self._evicts = evicted
        if running is not None:
            sentence += " when the one that is running has ended"
        if evicted is not None:
            sentence += ", for which the platform deletes the manual backup {}".format(evicted["id"])

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
        """Raises C(Skipped) when a backup serves by now, and C(ConsentMissing) when a new one would cost what it did not."""
        self._take_serving(backups)
        self._evicts = self._evicted(backups)
        missing = [consent for consent in self._consent(self._evicts) if not consent.given(self.params)]
        if missing:
            raise Consent.refusal(missing, self.params)

    def _take_serving(self, backups: t.Sequence[State]) -> None:
        """Raises C(Skipped) when a backup that is there does what the task asks for."""
        serving = self._serving(backups)
        if serving is not None:
            self._attach(serving)
            if self.params["wait"]:
                self._finished()
            raise Skipped

    def _send_until_taken(self) -> State | None:
        """Ask for a backup, and return it as far as the answer shows it.

        Whoever is quicker is waited for, or serves as well, as C(on_running) says.
        """
        turn = 0
        while True:
            turn += 1
            if self._before_sending is None:
                self._before_sending = self._listed
            try:
                made = describe(self.client.database.create_backup())
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

    def _appeared(self, state: State | None) -> bool:
        """After a lost answer: a manual backup that was not there before is ours."""
        self._sent_before = True
        return self._find_new((state or {"backups": []})["backups"])

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
                "the backup {} ended with status {}".format(backup["id"], backup["status"]),
                hint="Run the task again for another one; if that fails too, ask Scalingo's support.",
            )
        return self._about(backup, [])

    def _about(self, backup: State | None, backups: list[State]) -> State:
        """The state once it is settled which backup the task is about."""
        return {
            "backups": backups,
            "backup": backup or describe(self.client.database.show_backup(str(self._subject))),
            "attached": self._attached,
            "running": None,
            "evicts": self._evicts,
        }


class BackupInfo(WithArchives, Listing):
    """The backups of one database, the newest first. With C(links), the link to one of them, which lets anybody read it."""

    plural = "backups"

    @classmethod
    def check(cls, params: Params) -> None:
        check_backup_id(params)
        if params["since"] is not None:
            checked("since", _canon.instant, params["since"])
        if params["max_age"] is not None:
            checked("max_age", _canon.seconds, params["max_age"])
        if params["links"] and params["backup_id"] is None:
            raise InvalidInput("links is for one backup, and the task names none: add backup_id")
        if params["dest"] is not None and not params["links"]:
            raise InvalidInput("dest is for a link, and the task asks for none: add 'links: true'")

    def _refuse(self, engine: str) -> None:
        if self.params["links"]:
            super()._refuse(engine)
        else:
            WithBackups._refuse(self, engine)

    def perform(self, check_mode: bool) -> Outcome:
        if self.params["links"]:
            self._require_consent()
            self.unless_checking(check_mode, lambda: require_made(self.params["backup_id"]))
        result = super().perform(check_mode).result
        url = self._link(check_mode) if result["backups"] else None
        return Outcome(changed=False, result={**result, "url": url, "secret_file": self.secret_file.path})

    def _require_consent(self) -> None:
        try:
            self.refuse_open_secret("a link that lets anybody read the backup")
        except InvalidInput as error:
            with contextlib.suppress(ScalingoError):
                error.hint += "".join(
                    f" {consent.consequence}: the task needs 'allow: [{consent.word}]', too."
                    for consent in self.export_consent()
                )
            raise
        consents = self.export_consent()
        if consents:
            refusal = Consent.refusal(consents, self.params, "No link was asked for")
            refusal.doing = "get the link to the backup"
            raise refusal

    def _link(self, check_mode: bool) -> str | None:
        """The link for the result; none with a file, which gets it."""
        if not self.params["links"] or self.params["backup_id"] == NOT_MADE:
            return None
        link = self.ask(lambda: self.client.database.show_backup_link(self.params["backup_id"]))
        if not self.secret_file:
            return link
        self.client.conceal(link)
        self.unless_checking(check_mode, lambda: self._keep(link))
        return None

    def _keep(self, link: str) -> None:
        self.secret_file.keep(link + "\n")
        self.secret_file.publish()

    def items(self) -> list[State]:
        params = self.params
        backups = [self.meant()] if params["links"] else self.backups()
        undated = undated_ids(backups)
        if undated and (params["latest"] or params["since"] is not None or params["max_age"] is not None):
            self.warn(
                "It cannot be read when these backups began, so they count as the oldest: {}".format(", ".join(undated))
            )
        found = [backup for backup in backups if self._matches(backup)]
        return found[:1] if self.params["latest"] else found

    def _matches(self, backup: State) -> bool:
        params = self.params
        if params["backup_id"] not in (None, backup["id"]) or params["method"] not in ("any", backup["method"]):
            return False
        if params["status"] and backup["status"] not in params["status"]:
            return False
        if params["since"] is not None and (began(backup) or "") < _canon.instant(params["since"]):
            return False
        return params["max_age"] is None or self.is_young(backup)
