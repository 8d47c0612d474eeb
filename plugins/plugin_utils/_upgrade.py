# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.
"""An upgrade that is verified: what is to be done, what an earlier run has done of it, and what came of it."""

from __future__ import annotations

import datetime
import os
import re
import typing as t

from ansible_collections.community.scalingo.plugins.module_utils._errors import visible
from ansible_collections.community.scalingo.plugins.module_utils._resources.operation import has_failed
from ansible_collections.community.scalingo.plugins.plugin_utils import _upgrade_state as _state
from ansible_collections.community.scalingo.plugins.plugin_utils._upgrade_state import Refused

Values = dict[str, t.Any]
#: Runs a module on the database: its name, whether in check mode, its options. Raises `ModuleFailed`.
Module = t.Callable[..., Values]

#: The phase of a task of the role that failed. Others are the user's.
PHASES = {
    "Read and validate the role variables": "preflight",
    "Prepare the upgrade": "preflight",
    "Ensure a pre-upgrade backup exists": "backup",
    "Record the backup": "backup",
    "Upgrade the database": "upgrade",
    "Compare the contents of the database": "verify",
    "Report the outcome": "verify",
}
#: Versions that stop before another major version without consent.
WORDS = ("next", "latest")


class ModuleFailed(Exception):
    """A module that failed, with its result."""

    def __init__(self, result: Values) -> None:
        super().__init__(str(result.get("msg") or "the task failed"))
        self.result = result


def now() -> str:
    return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


def label(given: Values, found: Values) -> str:
    """Return the name of a database in messages."""
    app = given.get("app") or found.get("app") or "addon"
    addon = given.get("addon_id") or given.get("addon") or found.get("addon_id") or "database"
    return given.get("name") or f"{app}/{addon}"


class Preparation:
    """Reads the database, waits for an upgrade that runs already, plans, and writes down what must survive."""

    def __init__(self, given: Values, module: Module) -> None:
        self._given = given
        self._module = module
        self._checking = bool(given["check_mode"])
        self._steps: list[str] = []
        self._operation: Values | None = None
        self._backup_id: str | None = None
        self._started_at = now()
        self.phase = "preflight"

    def __call__(self) -> Values:
        given, tasks = self._given, self._given["verification_tasks"]
        if tasks and not os.path.isfile(tasks):
            raise Refused(f"upgrade_verify_verification_tasks: {tasks} is no file; nothing was done")
        place = _state.directory(given["state_dir"])
        seen = self._module("scalingo_operation_info")
        self._label = label(given, seen)
        self._found = seen["database"]
        if self._found is None:
            raise Refused(f"there is no database {self._label}")
        self._require_idle_or_upgrading(seen["operations"])
        self._addon_id = str(seen["addon_id"])
        self._database = {
            "name": self._label, "app": seen["app"], "addon": given["addon"], "addon_id": self._addon_id, "region": seen["region"],
            "engine": re.sub("^scalingo-|-ng$", "", str(self._found["type_name"] or given["addon"])),
            "resource_id": self._found["resource_id"], "version": self._found["readable_version"],
        }  # fmt: skip
        if self._checking:
            return self._prepared(place)
        _state.make_writable(place)
        with _state.locked(place, self._addon_id):
            return self._prepared(place)

    def _require_idle_or_upgrading(self, operations: list[Values]) -> None:
        operation_id, status = self._found["current_operation_id"], self._found["status"]
        if operation_id is None and status in ("running", None):
            return
        self._operation = operations[0] if operations else None
        kind = (self._operation or {}).get("type") or ""
        if "upgrade" not in kind:
            busy = f", and the operation {operation_id} ({kind or 'the platform does not tell its kind'}) goes on"
            raise Refused(
                f"{self._label} is {status}{busy if operation_id else ''}; it is upgraded only when it runs and is idle, and nothing was done"
            )

    def _prepared(self, place: str) -> Values:
        state = _state.load(place, self._addon_id)
        other = _state.other_run(state)
        if other:
            raise Refused(f"another run ({other}) is upgrading {self._label}: wait for its end; nothing was done")
        before, taken_over = state.get("before", {}), self._operation is not None
        if self._operation is not None:
            self._take_over(self._operation, state)
        older = bool(before) and (taken_over or before.get("version") != self._found["readable_version"])
        path: list[Values] = []
        major, refused = None, False
        if not (self._checking and taken_over) and not (self._given["to"] == "next" and (older or taken_over)):
            path, major, refused = self._plan()
        if older:
            self._backup_id = state.get("backup_id") or self._backup_id
        elif path:
            before = self._module("scalingo_database_contents_info")["contents"]
        elif taken_over:
            before = {"version": self._database["version"]}
        needed = bool(path) or taken_over or older
        upgrade_at = (self._operation or {}).get("created_at") or (state.get("written_at") if older else None)
        result = {
            "database": self._database, "label": self._label, "place": place, "state_file": _state.place_of(place, self._addon_id),
            "needed": needed, "taken_over": taken_over, "older": older, "before": before if needed else {},
            "target": path[-1]["version"] if path else "", "major_available": major, "major_refused": refused and not needed,
            "backup_id": self._backup_id, "upgrade_at": upgrade_at and re.sub("[.][0-9]+Z$", "Z", upgrade_at),
            "steps": self._steps, "started_at": self._started_at,
        }  # fmt: skip
        if not self._checking and needed and "users" in result["before"]:
            write(result, self._backup_id)
        return result

    def _take_over(self, operation: Values, state: Values) -> None:
        """Wait for an upgrade that somebody began: an earlier run of the role, or anybody else."""
        self.phase = "upgrade"
        if self._checking:
            self._steps.append(f"would wait for the upgrade {operation['id']}, which is running")
            return
        self._steps.append(f"wait for the upgrade {operation['id']}, which was running already")
        given, version = self._given, self._found["readable_version"]
        ended = self._module(
            "scalingo_operation_info", operation_id=operation["id"], wait=True,
            wait_timeout=given["wait_timeout"], wait_interval=given["wait_interval"],
        )  # fmt: skip
        self._found = ended["database"]
        if self._found is None:
            raise Refused(f"{self._label} does not exist any more")
        last = ended["operations"][0] if ended["operations"] else operation
        if not state:
            self._backup_id = self._earlier_backup(operation)
        if has_failed(last):
            raise Refused(
                f"the upgrade {last['id']} of {self._label} ended with the status {last['status']}: {last['error'] or 'the platform gives no reason'}"
            )
        if self._found["readable_version"] == (state.get("before") or {}).get("version", version):
            raise Refused(
                f"the upgrade {last['id']} of {self._label} has ended, and the version is {version}, as before"
            )

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
                self._module("scalingo_backup", check_mode=True, **backup_options(self._given))
            except ModuleFailed as failed:
                if _kind(failed.result) == "ConsentMissing":
                    result["msg"] += " " + failed.result["msg"]


def backup_options(given: Values) -> Values:
    """Return the options of the backup that is made before."""
    options: Values = {"allow": [word for word in given["allow"] if word == "eviction"]}
    if not re.fullmatch("0+[a-z]*", given["backup_max_age"]):
        options["max_age"] = given["backup_max_age"]
    return options


def write(prepared: Values, backup_id: str | None) -> None:
    """Write down what the next run needs when this one does not come to its end."""
    state = {
        "name": prepared["label"], "before": prepared["before"], "version_wanted": prepared["target"] or None, "backup_id": backup_id,
        "written_at": prepared["upgrade_at"] if prepared["older"] and prepared["upgrade_at"] else now(),
    }  # fmt: skip
    _state.save(prepared["place"], prepared["database"]["addon_id"], state)


def record(given: Values, prepared: Values, backup_id: str | None) -> Values:
    """Note which backup was made. Return whether the upgrade may begin: not when it is later than the caller allows."""
    late = bool(given["not_after"]) and now() > given["not_after"]
    if not given["check_mode"] and not late:
        with _state.locked(prepared["place"], prepared["database"]["addon_id"]):
            write(prepared, backup_id)
    return {"late": late, "at": now()}


def _kind(result: Values) -> str:
    return str((result.get("error") or {}).get("kind") or "")


class Report:
    """What came of it: the outcome, what is wrong, and what to do next."""

    def __init__(self, given: Values, results: t.Mapping[str, t.Any], failed: Values | None, task: str) -> None:
        self._given = given
        self._failed = failed
        self._task = task
        self._own = failed is not None and task not in PHASES
        self.phase = ""
        if failed is not None:
            self.phase = (task == "Prepare the upgrade" and failed.get("phase")) or PHASES.get(task, "verify")
        # What comes after the task that failed is from an earlier use of the role in the same play.
        order = ("prepared", "backup", "recorded", "upgraded", "compared")
        missed = {
            "Read and validate the role variables": 0,
            "Prepare the upgrade": 0,
            **dict(zip(list(PHASES)[2:], range(1, 5))),
        }
        reached = order[: missed.get(task, len(order))]
        done = {name: results.get(name) or {} for name in reached}
        self._prepared, self._backup, self._recorded, self._upgraded, self._compared = (
            {} if name not in done or done[name].get("skipped") else done[name] for name in order
        )
        self.label = self._prepared.get("label") or label(given, failed or {})

    @property
    def _begun(self) -> bool:
        """Whether the upgrade was begun, by this run or an earlier one."""
        return bool(self._upgraded) or self.phase == "upgrade" or bool(self._prepared.get("older"))

    @property
    def findings(self) -> list[str]:
        found = list(self._compared.get("findings") or [])
        if self._failed is None or self._task == "Report the outcome":
            return found
        message = str(self._failed.get("msg") or self._failed.get("stderr") or f"the task failed: {self._task}")
        if self._own:
            return [*found, f"your own check failed: {self._task}: {message}"]
        return [
            message.replace("allow: [", "upgrade_verify_allow: [").replace(
                " to the task", " to the variables of the role"
            )
        ]

    @property
    def outcome(self) -> str:
        prepared = self._prepared
        if self._failed is not None and not self._own and (self._failed.get("error") or {}).get("interrupted"):
            return "interrupted"
        if self._failed is not None or self.findings:
            return "failed"
        if self._recorded.get("late") or prepared["major_refused"]:
            return "skipped"
        if not (prepared["target"] or prepared["taken_over"]):
            return "unchanged"
        limited = bool(prepared["target"]) and not self._upgraded
        return "would_change" if self._given["check_mode"] or limited else "changed"

    @property
    def backup_id(self) -> str | None:
        made = {} if self._given.get("check_mode") and self._backup.get("changed") else self._backup.get("backup") or {}
        return made.get("id") or self._prepared.get("backup_id")

    @property
    def steps(self) -> list[str]:
        prepared, backup = self._prepared, self._backup
        steps = [*prepared.get("steps", []), *backup.get("steps", [])]
        if backup and not backup.get("changed"):
            steps.append(f"the backup {backup['backup']['id']} is young enough")
        steps += self._upgraded.get("steps", [])
        if self._recorded.get("late"):
            steps.append(f"not started because it is later than {self._given['not_after']}")
        if self._compared and prepared.get("older"):
            steps.append(f"compare with what an earlier run noted at the version {prepared['before'].get('version')}")
        elif self._compared and "users" not in prepared["before"]:
            steps.append(
                "what there was before the upgrade is not known, so that only version, status and instances were verified"
            )
        major = prepared.get("major_available")
        if major:
            steps.append(
                f"skipped: the major version {major} is waiting, and needs upgrade_verify_to=latest with upgrade_verify_allow=major"
            )
        return steps

    def summary(self, windows: t.Sequence[Values]) -> Values:
        """Return what the role tells, with what `windows` say of a point-in-time restore."""
        prepared, given = self._prepared, self._given
        before, after = prepared.get("before", {}), self._compared.get("contents") or {}
        unknown = {
            "name": self.label,
            **{key: given.get(key) for key in ("app", "addon", "addon_id", "region")},
            "engine": None,
        }
        database = prepared.get("database") or unknown
        return {
            "database": database,
            "outcome": self.outcome,
            "steps": self.steps,
            "findings": self.findings,
            "next_steps": self._next_steps(windows),
            "version_before": before.get("version") or database.get("version"),
            "version_after": after.get("version"),
            "version_wanted": prepared.get("target") or None,
            "major_available": prepared.get("major_available"),
            "backup_id": self.backup_id,
            "before": before,
            "after": after,
            "failed_in": self.phase or None,
            "started_at": prepared.get("started_at") or now(),
            "ended_at": now(),
        }  # fmt: skip

    @property
    def _keeps(self) -> bool:
        """Whether the next run needs what was written down: not when all is verified, and not when no upgrade was begun."""
        return self._begun and not (self.outcome in ("changed", "unchanged") and bool(self._compared))

    @property
    def asks_for_windows(self) -> bool:
        engine = self._prepared.get("database", {}).get("engine")
        return self.outcome == "failed" and self._begun and engine == "postgresql"

    def clear(self) -> None:
        """Remove what was written down when no run needs it any more."""
        if self._prepared and not self._keeps and not self._given["check_mode"]:
            _state.remove(self._prepared["place"], self._prepared["database"]["addon_id"])

    def _next_steps(self, windows: t.Sequence[Values]) -> list[str]:
        file = str(self._prepared.get("state_file") or "")
        kept = bool(file) and os.path.exists(file)
        if self.outcome == "interrupted":
            again = (
                "Run it again later: an upgrade that has begun continues on the platform and is waited for, and a backup that is young enough "
                "is not made again."
            )
            return [again, *([f"What there was before is in {file}, so that it can compare."] if kept else [])]
        if self.outcome != "failed":
            return []
        if self.phase == "preflight":
            return ["Nothing was changed. Solve this, and run it again."]
        if self.phase == "backup":
            return ["The database was not upgraded. Solve this, and run it again."]
        accept = f"Each run verifies it again until nothing is missing. To accept what is missing, remove {file}."
        return [*self._restore(windows), *([accept] if kept and self.phase == "verify" else [])]

    def _restore(self, windows: t.Sequence[Values]) -> t.Iterator[str]:
        yield (
            "Nothing more was changed. An upgrade cannot be undone. Look at the database first. If what is lost is needed, this brings back what the "
            "database held before, and everything that was written since is lost:"
        )
        if self.backup_id:
            yield from self._restore_task(f"backup_id: {self.backup_id}")
            yield "Where the platform does not restore backups itself, download it with community.scalingo.scalingo_backup_download and load it with"
            yield "the engine's own program."
        else:
            yield "  No backup was made by this run. community.scalingo.scalingo_backup_info lists those that there are."
        at = str(self._prepared.get("upgrade_at") or self._recorded.get("at") or "")
        if at and any(str(window["earliest_recoverable_at"]) <= at for window in windows):
            yield "It can also go back to the moment before the upgrade, which loses less:"
            yield from self._restore_task(f"restore_time: '{at}'")

    def _restore_task(self, what: str) -> t.Iterator[str]:
        database = self._prepared.get("database") or {}
        yield "  - community.scalingo.scalingo_database_restore:"
        yield f"      app: {database.get('app') or ''}"
        yield f"      addon: {database.get('addon_id')}"
        yield f"      region: {database.get('region')}"
        yield f"      {what}"
        yield f"      confirm: {database.get('resource_id')}"


def sentence(summary: Values) -> str:
    """Return what a person reads at the end when all is well."""
    name, outcome = summary["database"]["name"], summary["outcome"]
    before, after, wanted = summary["version_before"], summary["version_after"], summary["version_wanted"]
    said = {
        "changed": f"upgraded from {before} to {after}, and nothing is missing",
        "unchanged": f"nothing to upgrade, it is at {after or before}",
        "skipped": f"not upgraded, it is at {before}",
        "would_change": f"would be upgraded from {before} to {wanted}"
        if wanted
        else "would be verified after the upgrade that is running",
    }[outcome]
    return visible(
        "; ".join(
            [
                f"{name}: {said}",
                *(step for step in summary["steps"] if step.startswith(("skipped", "not started", "what there was"))),
            ]
        )
    )


def message(name: str, summary: Values) -> str:
    """Return what a person reads when it failed: what, on which database, and what to do next."""
    how = "was interrupted" if summary["outcome"] == "interrupted" else "failed"
    lines = [f"The upgrade of {name} {how} in the phase {summary['failed_in']}."]
    lines += [f"- {finding}" for finding in summary["findings"]]
    return "\n".join([*lines, *summary["next_steps"]])
