# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Backups of a database (docs/contract.md sections 2.10, 3.2 and 7.8).

A backup has no natural key: what identifies one is its ID, and what a task wants is that there be a recent one.
"""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from .. import _canon
from .._api.backup import BACKUP, list_backups, show_backup, show_backup_link
from .._change import Listing
from .._errors import (
    InvalidInput,
    ScalingoError,
    UnexpectedAnswer,
)
from .._options import check_id, parsed
from .._shapes import Unread, or_none
from .._step import Consent, Outcome, Params, State
from ._engine import OfEngine

DONE = "done"
FAILED = ("error", "cancelled")

#: The ID of a backup that was not made, as the task that would make it runs in check mode.
NOT_MADE = "not-made-in-check-mode"


#: Engines that have backups whose archives cannot be downloaded: a link to one leads to an error text, or to nothing.
NOT_SERVED: t.Mapping[str, str] = {"elasticsearch": "Elasticsearch", "opensearch": "OpenSearch"}


def planned() -> State:
    """A backup that a task in check mode would make. The tasks after it know it by its ID."""
    return {**{name: None for name in BACKUP.empty()}, "id": NOT_MADE, "method": "manual", "status": DONE}


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


def chosen(
    backups: t.Sequence[State], backup_id: str | None, ahead: t.Callable[[State], bool] = lambda backup: False
) -> State:
    """The backup of an ID, or the newest that is done and not `ahead`. Raises `InvalidInput` unless it is there and done.

    One that a task in check mode would have made counts as there: what is really done with it must `require_made`.
    """
    if backup_id == NOT_MADE:
        return planned()
    if backup_id is None:
        undated = undated_ids(backup for backup in backups if backup["status"] == DONE)
        if undated:
            raise UnexpectedAnswer(
                f"which backup is the newest cannot be told, as it cannot be read when {' and '.join(undated)} began",
                hint="Name the one that is meant with backup_id.",
            )
        done = [backup for backup in backups if backup["status"] == DONE]
        found = next((backup for backup in done if not ahead(backup)), None)
        if found is None and done:
            raise UnexpectedAnswer(
                f"which backup is the newest cannot be told, as {done[0]['id']} began in the future, at {began(done[0])}",
                hint="Name the one that is meant with backup_id.",
            )
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
            f"the backup {backup_id} is {found['status']}, not done",
            hint="" if found["status"] in FAILED else "Wait for its end, with community.scalingo.scalingo_backup.",
        )
    return found


def _shown(backups: t.Sequence[State]) -> str:
    if not backups:
        return "It has no backup at all."
    listed = [f"{backup['id']} of {began(backup)} ({backup['status']})" for backup in backups[:5]]
    return f"The newest are: {', '.join(listed)}."


def check_backup_id(params: Params) -> None:
    """Refuse an ID that cannot be one."""
    check_id("backup_id", params["backup_id"], "a backup")


#: So many seconds between two clocks are worth a warning where they decide something.
UNLIKE = 60.0


def age(instant: str, date: float | None, here: float) -> float:
    """How many seconds ago something began, by the Date header of the answer that says so and by the clock of this machine.

    The later of the two counts: a header may be wrong, or of an answer that a proxy kept, and what is taken for younger than it
    is will be relied upon. What is a little in the future has the age 0.
    """
    return max(0.0, max(here, here if date is None else date) - _canon.instant_seconds(instant))


@dataclasses.dataclass(frozen=True)
class Asked:
    """What a task asks of backups: their age in seconds at most, and when they began at the earliest ("" for any time)."""

    max_age: float | None
    since: str

    @classmethod
    def of(cls, params: Params) -> Asked:
        return cls(parsed(params, "max_age", _canon.seconds), parsed(params, "since", _canon.instant) or "")


class WithBackups(OfEngine):
    """Reads the backups, of an engine that has them."""

    reading = "list the backups"
    asked: Asked

    def __init__(self, *arguments: t.Any) -> None:
        super().__init__(*arguments)
        self._noted: set[str] = set()

    def _refuse(self, engine: str) -> None:
        if engine == "postgresql-ng":
            raise InvalidInput(
                "a database with dedicated resources has no backups on demand",
                hint="Restore it to a point in time with community.scalingo.scalingo_database_restore, or dump it yourself.",
            )

    def backups(self) -> list[State]:
        """All backups, the newest first."""
        return newest_first(self.ask(lambda: list_backups(self.client)))

    def is_ahead(self, backup: State) -> bool:
        """Whether a backup of the last answer began in the future. It says nothing of which is the newest, and is noted."""
        instant = began(backup)
        if instant is None or not _canon.is_ahead(instant, self.client.date or self.client.clock.wall()):
            return False
        note = f"The backup {backup['id']} began in the future, at {instant}: it counts as neither new nor young."
        if note not in self._noted:
            self._noted.add(note)
            self.client.transport.verbose(note)
        return True

    def is_young(self, backup: State) -> bool:
        """Whether a backup of the last answer began within `max_age`, by the clocks of the platform and of this machine."""
        instant, longest = began(backup), self.asked.max_age
        if longest is None or instant is None or self.is_ahead(backup):
            return longest is None
        date, here = self.client.date, self.client.clock.wall()
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
            return found or show_backup(self.client, backup_id)

        return self.wait_until(
            read,
            lambda backup: not in_progress(backup),
            what="backup",
            identifier=backup_id,
            status=lambda backup: str(backup["status"]),
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
        return chosen(self.ask(list) if backup_id == NOT_MADE else self.backups(), backup_id, self.is_ahead)

    def export_consent(self) -> tuple[Consent, ...]:
        """What the task must say where data are protected. Asks for nothing when the task says it in any case."""
        if "export" in self.params["allow"]:
            return ()
        protection = self.client.target.protection
        if not protection:
            return ()
        return (Consent("allow", "export", protection + ", and its data would leave the platform"),)


class BackupInfo(WithArchives, Listing):
    """The backups of one database, the newest first. With `links`, the link to one of them, which lets anybody read it."""

    plural = "backups"
    asks_for_secret = "links"

    @classmethod
    def parse(cls, params: Params) -> Asked:
        check_backup_id(params)
        asked = Asked.of(params)
        if params["links"] and params["backup_id"] is None:
            raise InvalidInput("links is for one backup, and the task names none: add backup_id")
        return asked

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
        link: str = self.ask(lambda: show_backup_link(self.client, self.params["backup_id"]))
        if not self.secret_file:
            return link
        self.client.conceal(link)
        self.unless_checking(check_mode, lambda: self.secret_file.write(link + "\n"))
        return None

    def items(self) -> list[State]:
        params = self.params
        backups = [self.meant()] if params["links"] else self.backups()
        undated = undated_ids(backups)
        if undated and (params["latest"] or self.asked.since or self.asked.max_age is not None):
            self.warn(f"It cannot be read when these backups began, so they count as the oldest: {', '.join(undated)}")
        found = [backup for backup in backups if self._matches(backup)]
        return [backup for backup in found if not self.is_ahead(backup)][:1] if params["latest"] else found

    def _matches(self, backup: State) -> bool:
        params = self.params
        if params["backup_id"] not in (None, backup["id"]) or params["method"] not in ("any", backup["method"]):
            return False
        if params["status"] and backup["status"] not in params["status"]:
            return False
        return (began(backup) or "") >= self.asked.since and self.is_young(backup)
