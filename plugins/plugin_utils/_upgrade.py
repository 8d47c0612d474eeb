# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.
"""An upgrade that is verified: what is to be done, what an earlier run has done of it, and doing it."""

from __future__ import annotations

import contextlib
import os
import re
import time
import typing as t

from ansible_collections.community.scalingo.plugins.module_utils._core import moment
from ansible_collections.community.scalingo.plugins.module_utils._resources.backup import NOT_MADE
from ansible_collections.community.scalingo.plugins.module_utils._resources.operation import has_failed
from ansible_collections.community.scalingo.plugins.plugin_utils import _drills
from ansible_collections.community.scalingo.plugins.plugin_utils import _upgrade_state as _state
from ansible_collections.community.scalingo.plugins.plugin_utils._upgrade_state import Refused

Values = dict[str, t.Any]
#: Runs a module on the database: its name, whether in check mode, its options. Raises `ModuleFailed`.
Module = t.Callable[..., Values]
#: Makes a change on this machine, but not in check mode.
Write = t.Callable[[t.Callable[[], t.Any]], None]

TAG = "upgrade_verify_"
PHASES = ("preflight", "backup", "upgrade", "verify", "report")
#: Versions that stop before another major version without consent.
WORDS = ("next", "latest")


class ModuleFailed(Exception):
    """A module that failed, with its result."""

    def __init__(self, result: Values) -> None:
        super().__init__(str(result.get("msg") or "the task failed"))
        self.result = result


def label(given: Values, found: Values) -> str:
    """Return the name of a database in messages."""
    app = given.get("app") or found.get("app") or "addon"
    addon = given.get("addon_id") or given.get("addon") or found.get("addon_id") or "database"
    return given.get("name") or f"{app}/{addon}"


def chosen(tags: t.Collection[str], skipped: t.Collection[str], own: t.Collection[str]) -> set[str]:
    """Return the phases that the tags of the run are about, with those that they need. `own` are the tags that the user gave the role."""
    everything = "always" in own or {"all", "tagged", *own} & set(tags)
    wanted = {phase for phase in PHASES if everything or TAG + phase in tags}
    if "upgrade" in wanted:
        wanted |= {"backup", "verify"}
    return wanted and (wanted - {phase for phase in PHASES if TAG + phase in skipped}) | {"preflight", "report"}


class Upgrade:
    """Reads the database, waits for an upgrade that runs already, plans, backs up, upgrades and compares, as far as the phases go.

    `done` is what came of it, also of a part of it when it raises `Refused` or `ModuleFailed`.
    """

    def __init__(
        self, given: Values, phases: t.Collection[str], module: Module, write: Write, only_checks: bool
    ) -> None:
        self._given = given
        self._phases = phases
        self._module = module
        self._write = write
        self._only_checks = only_checks
        self._steps: list[str] = []
        self.done: Values = {
            "phase": "preflight",
            "steps": self._steps,
            "started_at": moment(),
            "upgraded": False,
            "waited": False,
        }

    def __call__(self) -> Values:
        given, tasks, done = self._given, self._given["verification_tasks"], self.done
        if tasks and not os.path.isfile(tasks):
            raise Refused(f"upgrade_verify_verification_tasks: {tasks} is no file; nothing was done")
        place = _state.directory(given["state_dir"])
        seen = self._module("scalingo_operation_info")
        self._label = done["label"] = label(given, seen)
        self._found = seen["database"]
        if self._found is None:
            raise Refused(f"there is no database {self._label}")
        operation = self._upgrade_that_runs(seen["operations"])
        addon_id = str(seen["addon_id"])
        done["database"] = {
            "name": self._label, "app": seen["app"], "addon": given["addon"], "addon_id": addon_id, "region": seen["region"],
            "engine": re.sub("^scalingo-|-ng$", "", str(self._found["type_name"] or given["addon"])),
            "resource_id": self._found["resource_id"], "version": self._found["readable_version"],
        }  # fmt: skip
        done.update(place=place, state_file=_state.place_of(place, addon_id))
        self._write(lambda: _state.make_writable(place))
        with self._locked():
            self._prepare(operation)
        asked = bool(done["target"]) and self._back_up_and_upgrade()
        # In check mode nothing was upgraded, so that there is nothing to compare.
        if self._only_checks:
            return done
        done["upgraded"] = asked
        if done["needed"] and "verify" in self._phases and (asked or not done["target"]):
            self._compare()
        return done

    @contextlib.contextmanager
    def _locked(self) -> t.Iterator[None]:
        with contextlib.ExitStack() as held:
            lock = _state.locked(self.done["place"], self.done["database"]["addon_id"])
            self._write(lambda: held.enter_context(lock))
            yield

    def _upgrade_that_runs(self, operations: list[Values]) -> Values | None:
        operation_id, status = self._found["current_operation_id"], self._found["status"]
        if operation_id is None and status in ("running", None):
            return None
        operation = operations[0] if operations else None
        kind = (operation or {}).get("type") or ""
        if "upgrade" not in kind:
            busy = f", and the operation {operation_id} ({kind or 'the platform does not tell its kind'}) goes on"
            raise Refused(
                f"{self._label} is {status}{busy if operation_id else ''}; it is upgraded only when it runs and is idle, and nothing was done"
            )
        return operation

    def _prepare(self, operation: Values | None) -> None:
        """Wait for an upgrade that runs, plan, and write down what must survive."""
        done = self.done
        state = _state.load(done["place"], done["database"]["addon_id"])
        other = _state.other_run(state)
        if other:
            raise Refused(f"another run ({other}) is upgrading {self._label}: wait for its end; nothing was done")
        before, taken_over = state.get("before", {}), operation is not None
        done["backup_id"] = None
        known = operation is None or self._take_over(operation, state)
        older = bool(before) and (taken_over or before.get("version") != self._found["readable_version"])
        path: list[Values] = []
        major, refused = None, False
        if known and not (self._given["to"] == "next" and (older or taken_over)):
            path, major, refused = self._plan()
        if path:
            why = _drills.unrehearsed(
                self._given, done["database"], path[-1]["version"], "upgrade_verify_", time.time()
            )
            if why:
                raise Refused(f"{why}; nothing was done")
        if older:
            done["backup_id"] = state.get("backup_id")
        elif path:
            before = self._module("scalingo_database_contents_info")["contents"]
        elif taken_over:
            before = {"version": done["database"]["version"]}
        needed = bool(path) or taken_over or older
        upgrade_at = (operation or {}).get("created_at") or (state.get("written_at") if older else None)
        done.update(
            needed=needed, taken_over=taken_over, older=older, before=before if needed else {}, target=path[-1]["version"] if path else "",
            major_available=major, major_refused=refused and not needed, upgrade_at=upgrade_at and re.sub("[.][0-9]+Z$", "Z", upgrade_at),
        )  # fmt: skip
        if "users" in done["before"]:
            self._save()

    def _take_over(self, operation: Values, state: Values) -> bool:
        """Wait for an upgrade that somebody began: an earlier run of the role, or anybody else. In check mode nobody knows what comes after it."""
        self.done["phase"] = "upgrade"
        if self._only_checks:
            self._steps.append(f"would wait for the upgrade {operation['id']}, which is running")
            return False
        self._steps.append(f"wait for the upgrade {operation['id']}, which was running already")
        version = self._found["readable_version"]
        ended = self._module("scalingo_operation_info", operation_id=operation["id"], wait=True, **self._patience)
        self.done["waited"] = True
        self._found = ended["database"]
        if self._found is None:
            raise Refused(f"{self._label} does not exist any more")
        last = ended["operations"][0] if ended["operations"] else operation
        self.done["backup_id"] = state.get("backup_id") if state else self._earlier_backup(operation)
        if has_failed(last):
            raise Refused(
                f"the upgrade {last['id']} of {self._label} ended with the status {last['status']}: {last['error'] or 'the platform gives no reason'}"
            )
        if self._found["readable_version"] == (state.get("before") or {}).get("version", version):
            raise Refused(
                f"the upgrade {last['id']} of {self._label} has ended, and the version is {version}, as before"
            )
        return True

    def _earlier_backup(self, operation: Values) -> str | None:
        """The newest backup from before an upgrade, so that it can be named when something is lost."""
        try:
            backups = self._module("scalingo_backup_info", status=["done"])["backups"]
        except ModuleFailed:
            return None
        earlier = [item["id"] for item in backups if str(item["created_at"]) < str(operation["created_at"] or "")]
        if earlier:
            self._steps.append(f"the backup {earlier[0]} is from before it")
        return earlier[0] if earlier else None

    def _plan(self) -> tuple[list[Values], str | None, bool]:
        """The steps to take; the major version beyond them, if that is next; whether it was asked for without consent."""
        given = self._given
        to, allow = given["to"], [word for word in given["allow"] if word == "major"]
        stops = to in WORDS and not allow
        try:
            plan = self._module(
                "scalingo_database_upgrade",
                check_mode=True,
                to="latest_minor" if stops else to,
                allow=allow,
                on_busy="fail",
            )
        except ModuleFailed as failed:
            if _kind(failed.result) == "ConsentMissing":
                self._add_other_consent(failed.result)
            raise
        path = plan["path"][:1] if stops and to == "next" else plan["path"]
        major = plan["next_version"] if plan["major_available"] and len(path) == len(plan["path"]) else None
        return path, major, stops and major is not None

    def _add_other_consent(self, result: Values) -> None:
        """Name all consents that are missing at once."""
        if self._given["backup"]:
            try:
                self._module("scalingo_backup", check_mode=True, **self._backup_options)
            except ModuleFailed as failed:
                if _kind(failed.result) == "ConsentMissing":
                    result["msg"] += " " + failed.result["msg"]

    def _back_up_and_upgrade(self) -> bool:
        """Return whether the upgrade was asked for, in check mode or in earnest."""
        given, done = self._given, self.done
        done["phase"] = "backup"
        if given["backup"] and "backup" in self._phases and done["backup_id"] is None:
            made = self._module("scalingo_backup", **self._backup_options, **self._patience)
            self._steps += made["steps"] if made["changed"] else [f"the backup {made['backup']['id']} is young enough"]
            made_id = made["backup"]["id"]
            done["backup_id"] = None if made_id == NOT_MADE else made_id
        done["backed_up_at"] = moment()
        if given["not_after"] and moment() > given["not_after"]:
            done["late"] = True
            self._steps.append(f"not started because it is later than {given['not_after']}")
            return False
        with self._locked():
            self._save()
        if "upgrade" not in self._phases:
            return False
        done["phase"] = "upgrade"
        allow = [word for word in given["allow"] if word == "major"]
        upgraded = self._module("scalingo_database_upgrade", to=done["target"], allow=allow, **self._patience)
        self._steps += upgraded["steps"]
        return True

    def _compare(self) -> None:
        given, done = self._given, self.done
        done["phase"] = "verify"
        settles = {"wait": given["settle_seconds"] >= 1, "wait_timeout": max(given["settle_seconds"], 1)}
        version = {"version": done["target"]} if done["target"] else {}
        options = {**self._patience, **settles, **version, "compare_with": done["before"]}
        done["compared"] = self._module("scalingo_database_contents_info", **options)
        if done["older"]:
            self._steps.append(f"compare with what an earlier run noted at the version {done['before'].get('version')}")
        elif "users" not in done["before"]:
            self._steps.append(
                "what there was before the upgrade is not known, so that only version, status and instances were verified"
            )

    @property
    def _patience(self) -> Values:
        return {name: self._given[name] for name in ("wait_timeout", "wait_interval")}

    @property
    def _backup_options(self) -> Values:
        options: Values = {"allow": [word for word in self._given["allow"] if word == "eviction"]}
        if not re.fullmatch("0+[a-z]*", self._given["backup_max_age"]):
            options["max_age"] = self._given["backup_max_age"]
        return options

    def _save(self) -> None:
        """Write down what the next run needs when this one does not come to its end."""
        done = self.done
        begun = done["upgrade_at"] if done["older"] else None
        state = {
            "name": self._label,
            "before": done["before"],
            "version_wanted": done["target"] or None,
            "backup_id": done["backup_id"],
        }
        self._write(
            lambda: _state.save(done["place"], done["database"]["addon_id"], {**state, "written_at": begun or moment()})
        )


def _kind(result: Values) -> str:
    return str((result.get("error") or {}).get("kind") or "")
