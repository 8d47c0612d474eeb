# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Verified copies of a database's backups in a directory of this machine (docs/contract.md sections 2.10 and 7.8).

What is kept is decided anew by each step, alone and by what it finds then: several runs may work on the same copies. `_copies.py` says
what a good copy is, `_copy.py` which of them go, `_copy_making.py` how an archive becomes one.
"""

from __future__ import annotations

import dataclasses
import functools
import os
import re
import typing as t

from .. import _canon, _copies, _copy_making, _files
from .._api.backup import BACKUP
from .._change import Resource
from .._copy import Copy, chosen, good_one, smaller
from .._core import moment
from .._errors import InvalidInput, ScalingoError
from .._options import check_absolute, check_count, check_form, check_writable, parsed
from .._shapes import readable
from .._step import Consent, Interrupted, Outcome, Params, Skipped, State, Step
from . import backup as backups
from .backup_download import fetch


@dataclasses.dataclass(frozen=True)
class Wanted(backups.Asked):
    """What a task asks for: also for how many seconds good copies stay beyond the number."""

    keep_seconds: float | None


class OffsiteBackup(backups.WithArchives, Resource[State]):
    """Have a good copy of a backup in a directory.

    The state is the backup, all copies of the database's backups there, the names of what a killed run has left, and what a diff shows.
    """

    managed_fields = ("copies", "problems")
    asked: Wanted

    @classmethod
    def parse(cls, params: Params) -> Wanted:
        backups.check_backup_id(params)
        check_count("keep_count", params["keep_count"])
        check_count("max_shrink", params["max_shrink"], 100)
        for option in ("encrypt_command", "decrypt_command"):
            _copies.check_command(option, params[option])
        if params["decrypt_command"] and not params["encrypt_command"]:
            raise InvalidInput("decrypt_command proves what encrypt_command wrote, and the task has none: add it")
        meant = "a suffix: use for example .age, and not .json"
        check_form("encrypt_suffix", params["encrypt_suffix"], r"(?!\.json$)\.[A-Za-z0-9._-]+", meant)
        directory = params["directory"]
        check_absolute("directory", directory)
        if os.path.isdir(directory):
            check_writable("directory", directory)
        elif os.path.lexists(directory):
            raise InvalidInput(f"directory: {directory} exists and is not a directory")
        asked = backups.Asked.of({**params, "since": None})
        return Wanted(asked.max_age, "", parsed(params, "keep_age", _canon.seconds))

    def __init__(self, *arguments: t.Any) -> None:
        super().__init__(*arguments)
        self._backup: State = {}
        self._state: State = {}
        self._consent: tuple[Consent, ...] = ()

    # -- what is there, and what is wanted ---------------------------------------------------------------------------

    @functools.cached_property
    def _shelf(self) -> _copies.Shelf:
        client = self.client
        return _copies.Shelf(
            self.params["directory"], client.addon_id, watch=client.watch, clock=client.clock,
            now=lambda: client.date or client.clock.wall(), patience=self.params["wait_timeout"],
        )  # fmt: skip

    @property
    def _name(self) -> str:
        settings = self.client.settings
        name: str | None = self.params["name"]
        return name or f"{settings.app or 'addon'}/{settings.addon or self.client.addon_id}"

    def read(self) -> State:
        shelf = self._shelf
        with shelf.alone(changing=False):
            found, left = shelf.found(), shelf.left()
        self._backup = backup = self._backup or self._kept(found) or self.meant()
        if self.params["max_age"] is not None and backup["id"] != backups.NOT_MADE and not self.is_young(backup):
            raise InvalidInput(
                f"the backup {backup['id']}, of {backups.began(backup)}, is older than max_age, which is {self.params['max_age']}",
                hint="See why the periodic backups fail, or make one with community.scalingo.scalingo_backup.",
            )
        if self._there(found) is None:
            self._consent = self.export_consent()
            if not shelf.is_known():
                there = (
                    "holds no copies, and has never held any" if os.path.isdir(shelf.directory) else "does not exist"
                )
                said = f"{shelf.directory} {there}: a disk may not be mounted there"
                self._consent += (Consent("allow", "new_directory", said),)
        for note in shelf.notes:
            self.client.transport.verbose(note)
        shelf.notes.clear()
        self._state = self._with(found, left)
        return self._state

    def _kept(self, found: t.Iterable[Copy]) -> State:
        """The backup that the task names, when there is a good copy of it: the platform need not be asked, nor have it."""
        copy = good_one(found, self.params["backup_id"]) if self.params["backup_id"] else None
        if copy is None:
            return {}
        described: State = copy.described["backup"]
        empty = {**BACKUP.empty(), "status": backups.DONE}
        return {name: described.get(name, value) for name, value in empty.items()}

    def _there(self, found: t.Iterable[Copy]) -> Copy | None:
        return good_one(found, str(self._backup["id"]))

    def _with(self, found: t.Sequence[Copy], left: t.Sequence[str] = ()) -> State:
        good = sorted(copy.name for copy in found if not copy.problem)
        problems = sorted(self._findings(found))
        return {"backup": self._backup, "found": found, "left": left, "copies": good, "problems": problems}

    def _findings(self, found: t.Sequence[Copy]) -> list[str]:
        """What is wrong with copies. One that is too small is as long as it is the newest."""
        small, newest = smaller(found, self.params["max_shrink"]), [copy.path for copy in found if copy.counts][:1]
        return [copy.problem for copy in found if copy.problem] + [small[path] for path in newest if path in small]

    def _going(self, found: t.Iterable[Copy]) -> list[Copy]:
        """Which copies are not to be kept. That of the backup that the task is about always is."""
        params = self.params
        going = chosen(
            found, params["keep_count"], self.asked.keep_seconds, params["bad_copies"] == "remove", params["max_shrink"]
        )
        return [copy for copy in going if copy.problem or copy.backup_id != self._backup["id"]]

    def _coming(self) -> Copy:
        """The copy that is to come, as far as it can be foretold."""
        backup = self._backup
        began = backups.began(backup) or _canon.instant(moment())
        label = re.sub(r"[^A-Za-z0-9._-]+", "-", self._name).lstrip(".-") or self.client.addon_id
        time = re.sub(r"\.\d+|[-:]", "", began)
        suffix = self.params["encrypt_suffix"] if self.params["encrypt_command"] else ""
        path = os.path.join(self.params["directory"], f"{label}.{time}.{backup['id']}.tar.gz{suffix}")
        return Copy(path, str(backup["id"]), began, bool(suffix))

    def wanted(self, before: State) -> State:
        found = list(before["found"])
        if self._there(found) is None:
            coming = self._coming()
            found = [coming, *(copy for copy in found if copy.path != coming.path)]
        going = self._going(found)
        return self._with([copy for copy in found if copy not in going])

    def steps(self, before: State, after: State) -> list[Step]:
        steps, shelf = [], self._shelf
        if self._there(before["found"]) is None:
            encrypt = ", encrypt it" if self.params["encrypt_command"] else ""
            sentence = f"download the backup {self._backup['id']}, verify it{encrypt}, and keep it in {shelf.directory}"
            steps.append(Step(sentence, send=self._bring, consent=self._consent))
        elif before["left"]:
            steps.append(Step(f"remove what a killed run has left in {shelf.growing}", send=self._sweep))
        kept = {copy.path for copy in after["found"]}
        gone = [copy.path for copy in before["found"] if copy.path not in kept]
        return [*steps, *(Step(f"remove {path}", send=functools.partial(self._remove, path)) for path in gone)]

    def tolerated(self, field: str, wanted: t.Any, current: t.Any) -> bool:
        """Other runs work on the same copies. What is found at the end is in the result, and what is wrong with it fails the task."""
        return True

    # -- the work ----------------------------------------------------------------------------------------------------

    def _bring(self) -> None:
        backup, shelf, params = self._backup, self._shelf, self.params
        backup_id = str(backup["id"])
        backups.require_made(backup_id)
        with _files.local(f"make {shelf.directory}"):
            os.makedirs(shelf.directory, mode=0o700, exist_ok=True)
        # What is clear is not to be kept.
        with shelf.bringing(backup_id, stays=not params["encrypt_command"]) as part:
            if part is None:
                raise Skipped
            fetch(self.client, backup, part)
            # What is whole is not brought again, should the run end now.
            part.checkpoint()
            coming = self._coming()
            # What the platform says in no form that is known is written as null, as it is returned.
            known = readable({**backup, "started_at": coming.started_at}, lambda dummy: None)
            # What may be of any size is what the next are compared with.
            about = {"database": self._database(), "backup": known, "accepted": params["max_shrink"] == 100}
            try:
                path, described = _copy_making.made(shelf, part, about, self.engine, params)
            except ScalingoError:
                part.discard()
                raise
            with shelf.alone():
                shelf.put(path, coming.name, described)
                part.forget()

    def _database(self) -> State:
        client, target = self.client, self.client.target
        return {
            "name": self._name, "app": target.app, "addon": client.settings.addon, "addon_id": client.addon_id,
            "region": client.region, "engine": target.engine, "resource_id": target.resource_id,
        }  # fmt: skip

    def _sweep(self) -> None:
        with self._shelf.alone():
            if not self._shelf.clean():
                raise Skipped

    def _remove(self, path: str) -> None:
        """By what is there now: another run may have removed it, or others that count."""
        shelf = self._shelf
        with shelf.alone():
            copy = next((copy for copy in self._going(shelf.found()) if copy.path == path), None)
            if copy is None:
                raise Skipped
            shelf.remove(copy)
            self._shelf.clean()

    # -- what is said of it --------------------------------------------------------------------------------------------

    def result(self, state: State) -> dict[str, t.Any]:
        self._state = state
        found: list[Copy] = state["found"]
        there = self._there(found)
        for copy in found:
            if copy.ahead:
                self.client.transport.verbose(
                    f"{copy.name} is of a backup that began in the future ({copy.started_at}): it says nothing of the ages of others."
                )
        return {
            "backup": state["backup"],
            "file": there.shown() if there else None,
            "copies": [copy.shown() for copy in found],
            "good_copies": sum(not copy.problem for copy in found),
            "findings": self._findings(found),
        }

    def perform(self, check_mode: bool) -> Outcome:
        outcome = super().perform(check_mode)
        failing = self._failing()
        if not failing:
            return outcome
        error = ScalingoError(
            "; ".join(failing),
            doing="find all copies good",
            hint="Find out what happened to them. 'bad_copies: remove' removes those that are damaged. If a backup is smaller for a good "
            "reason, keep the next one with 'max_shrink: 100'.",
        )
        done: list[str] = []
        self.unless_checking(check_mode, lambda: done.extend(outcome.steps))
        if done:
            raise Interrupted(error, done, "find all copies good", False)
        raise error

    def _failing(self) -> list[str]:
        """What of the last state fails the task: with `remove` what is damaged does not, as it goes when there are enough good ones."""
        found, about_bad = self._state["found"], self.params["bad_copies"]
        spared = {copy.problem for copy in found if about_bad == "remove" and not copy.unreadable}
        return [] if about_bad == "report" else [text for text in self._findings(found) if text not in spared]

    def salvage(self) -> dict[str, t.Any]:
        """What is there, whatever failed."""
        return self.result(self._state) if self._state else {}
