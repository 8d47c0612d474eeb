# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Upgrading a database (docs/contract.md sections 2.4, 7.8 and 7.11).

The call has no target and takes one step, which cannot be undone. So the way is computed first, every step is checked
against it, and what counts in the end is the version that the database shows.
"""

from __future__ import annotations

import re
import typing as t

from .. import _canon
from .._api.database import upgrade
from .._busy import busy_reason
from .._change import Resource
from .._errors import Conflict, InvalidInput
from .._shapes import or_none
from .._step import Consent, Params, Settled, State, Step
from .operation import Following, Look
from .version import ahead, crosses_major, read_database, series_of

WORDS = ("latest_minor", "next", "latest")

#: The type of the operation (docs/contract.md section 2.6).
KIND = re.compile("upgrade")


def _is_at(found: State, target: State) -> bool:
    """Whether a database has a version."""
    name, key = ("readable_version", "version") if _whole(target) else ("version_id", "version_id")
    return bool(found[name] == target[key])


def _whole(target: State) -> bool:
    """Whether the platform gives all numbers of a version, so that a database that has it reads so."""
    return "-" in target["version"]


class Upgrade(Following, Resource[State]):
    """Bring a database to a later version. The state is the database, the steps to take, and the version beyond them."""

    reading = "read the versions of the database"

    asked: _canon.Version | None

    @classmethod
    def parse(cls, params: Params) -> _canon.Version | None:
        """The version to go to, or its first components; none for one of the words."""
        if params["to"] in WORDS:
            return None
        try:
            return _canon.version(params["to"])
        except ValueError as error:
            raise InvalidInput(f"to: {error}; or use {', '.join(WORDS)}") from None

    def __init__(self, *arguments: t.Any) -> None:
        super().__init__(*arguments)
        # Without waiting nobody sees the new version, so there is nothing to compare.
        self.imperative = not self.params["wait"]
        #: What proves the upgrade: the version as it reads, or its ID where the platform does not give all of its numbers (2.13).
        self._proof = "readable_version"
        self._versions: dict[str, State] = {}
        self._steps_taken: list[State] = []
        self._beyond: State | None = None
        #: The version that `next` meant when the task began, so that what another takes is not taken once more.
        self._next: str | None = None
        self._earlier: str | None = None
        self._operation_id: str | None = None
        self._location: str | None = None

    # -- what is there, and what is wanted ---------------------------------------------------------------------------

    def read(self) -> State:
        found = read_database(self.client)
        if self.applying:
            return {"database": found, "path": [], "beyond": None}
        path, beyond = self._way(found)
        return {"database": found, "path": path, "beyond": beyond}

    def _way(self, found: State) -> tuple[list[State], State | None]:
        """The versions to go through, and the one after them, as far as that is to be known."""
        current, count = found["readable_version"], series_of(self.client, found)
        versions = self._marked(found)
        to, wanted = self.params["to"], self.asked
        if to == "next":
            following = next(versions, None)
            if self._next is not None and self._next == current:
                return [], following
            self._next = None if following is None else following["version"]
            return [] if following is None else [following], next(versions, None)
        if to == "latest":
            return list(versions), None
        path: list[State] = []
        if wanted is None:
            for version in versions:
                if crosses_major(count, current, version["version"]):
                    return path, version
                path.append(version)
            return path, None
        passed: list[State] = []
        reached = current is not None and _canon.is_of(wanted, current)
        for version in versions:
            if _canon.version(version["version"])[: len(wanted)] > wanted:
                passed.append(version)
                break
            passed.append(version)
            if _canon.is_of(wanted, version["version"]):
                path, passed, reached = path + passed, [], True
        if not reached:
            raise self._not_on_the_way(current, path + passed)
        return path, passed[0] if passed else None

    def _marked(self, found: State) -> t.Iterator[State]:
        before, count = found["readable_version"], series_of(self.client, found)
        for version in ahead(self.client, found["next_version_id"], self._versions):
            yield {
                "version_id": version["id"],
                "version": version["version"],
                "crosses_major": crosses_major(count, before, version["version"]),
                "warning_message": version["warning_message"],
            }
            before = version["version"]

    def _not_on_the_way(self, current: str | None, passed: t.Sequence[State]) -> InvalidInput:
        if passed:
            hint = f"The next versions are: {', '.join(version['version'] for version in passed)}."
        else:
            hint = "It is at the latest version."
        major_minor = self.asked or ()
        if re.fullmatch(r"[0-9]+\.[0-9]+", self.params["to"]) and any(
            _canon.is_of((major_minor[0], 10 * major_minor[1]), version["version"]) for version in passed
        ):
            hint += f" YAML makes {self.params['to']} of {self.params['to']}0: put it in quotes."
        return InvalidInput(
            "the version {} is not ahead of this database, which is at {}; there is no way back to an earlier one".format(
                self.params["to"], current
            ),
            hint=hint,
        )

    def wanted(self, before: State) -> State:
        path = before["path"] if self.params["wait"] else before["path"][:1]
        after = {**before, "path": path}
        if not path:
            return after
        if self.params["wait"]:
            beyond = before["beyond"]
            # What nobody looked at is not known.
            following = None if beyond is None else beyond["version_id"]
            if not _whole(path[-1]):
                self._proof = "version_id"
            changes = {
                "readable_version": path[-1]["version"],
                "version_id": path[-1]["version_id"],
                "next_version_id": following,
            }
        else:
            changes = {"status": None, "current_operation_id": None}
        return {**after, "database": {**before["database"], **changes}}

    def managed(self, state: State) -> dict[str, t.Any]:
        return {self._proof: state["database"][self._proof]} if self.params["wait"] else {}

    def busy(self, state: State) -> str:
        return busy_reason(state["database"])

    def result(self, state: State) -> dict[str, t.Any]:
        beyond = self._beyond
        path = self._steps_taken if self.applying else state["path"]
        reached = path[-1]["version"] if path else state["database"]["readable_version"]
        return {
            "database": state["database"],
            "path": path,
            "operation": self._operation,
            "next_version": None if beyond is None else beyond["version"],
            "major_available": beyond is not None
            and crosses_major(series_of(self.client, state["database"]), reached, beyond["version"]),
        }

    # -- the steps ---------------------------------------------------------------------------------------------------

    def steps(self, before: State, after: State) -> list[Step]:
        if not self.applying:
            cut = not self.params["wait"] and len(before["path"]) > 1
            self._beyond = before["path"][1] if cut else before["beyond"]
        steps = []
        version = before["database"]["readable_version"]
        for target in after["path"]:
            steps.append(self._step(version, target))
            version = target["version"]
        return steps

    def _step(self, current: str | None, target: State) -> Step:
        sentence = f"upgrade from {current} to {target['version']}"
        consent: tuple[Consent, ...] = ()
        if target["crosses_major"]:
            sentence += ", another major version"
            consent = (
                Consent(
                    "allow",
                    "major",
                    "The upgrade from {} to {} leads to another major version, takes the database down, and cannot be undone".format(
                        current, target["version"]
                    ),
                ),
            )
        return Step(
            sentence,
            send=lambda: self._start(target),
            follow=(lambda: self._finish(target)) if self.params["wait"] else None,
            happened=lambda state: self._has_started(state, target),
            reached=lambda state: _is_at(state["database"], target),
            last_look=True,
            compare=lambda state: self._require_next(target),
            consent=consent,
        )

    def _require_next(self, target: State) -> None:
        """The call has no target: only a reading right before it says where it leads."""
        found = read_database(self.client)
        self._earlier, self._operation_id, self._location = found["current_operation_id"], None, None
        if _is_at(found, target):
            raise Settled(False)
        if found["next_version_id"] != target["version_id"]:
            raise Conflict(
                "the database is at {} by now, and its next version is not {} as it was planned".format(
                    found["readable_version"], target["version"]
                ),
                hint="Nothing of this step was done. Run the task again.",
            )

    def _start(self, target: State) -> None:
        answer = upgrade(self.client)
        self._note_started(target, answer["operation_id"], answer["location"])
        message = or_none(answer["warning_message"])
        if message is not None:
            self._steps_taken[-1]["warning_message"] = message
            self.warn(f"The platform says of the version {target['version']}: {message}")

    def _note_started(self, target: State, operation_id: str | None, location: str | None) -> None:
        self._operation_id, self._location = operation_id, location
        self._steps_taken.append(dict(target))

    def _has_started(self, state: State, target: State) -> bool:
        """After a lost answer: only a database that is being upgraded, or there already, has taken the upgrade."""
        found = state["database"]
        begun = self.begun(found, KIND, self._earlier)
        if begun is None and not _is_at(found, target):
            return False
        self._note_started(target, begun, None)
        return True

    def _finish(self, target: State) -> State:
        def arrived(look: Look, seen: bool) -> bool:
            return look.database is not None and _is_at(look.database, target)

        found = self.follow(
            "upgrade",
            self._operation_id,
            self._location,
            KIND,
            arrived,
            lambda found: f"the version is still {found['readable_version']}, not {target['version']}",
        )
        return {"database": found, "path": [], "beyond": None}
