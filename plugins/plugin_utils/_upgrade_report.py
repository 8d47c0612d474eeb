# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.
"""What a person reads of an upgrade: the outcome, what is wrong, and what to do next."""

from __future__ import annotations

import os
import typing as t

from ansible_collections.community.scalingo.plugins.module_utils._core import moment
from ansible_collections.community.scalingo.plugins.module_utils._errors import visible
from ansible_collections.community.scalingo.plugins.plugin_utils import _upgrade_state as _state
from ansible_collections.community.scalingo.plugins.plugin_utils._upgrade import Values, label

#: The tasks of the role that can fail. Others are the user's.
FIRST, MAIN, LAST = (
    "Read and validate the role variables",
    "Upgrade the database and compare its contents",
    "Report the outcome",
)


class Report:
    """What came of it: the outcome, what is wrong, and what to do next."""

    def __init__(self, given: Values, done: Values, failed: Values | None, task: str) -> None:
        self._given = given
        # When the first task failed, it is of an earlier use of the role in the same play.
        self._done = {} if task == FIRST or done.get("skipped") else done
        self._failed = failed
        self._task = task
        self._own = failed is not None and task not in (FIRST, MAIN, LAST)
        self.phase = ""
        if failed is not None:
            # Where it ended without saying so, the upgrade may have begun.
            self.phase = (
                "preflight" if task == FIRST else self._done.get("phase", "upgrade") if task == MAIN else "verify"
            )
        self.label = self._done.get("label") or label(given, failed or {})

    @property
    def _begun(self) -> bool:
        """Whether the upgrade was begun, by this run or an earlier one."""
        return bool(self._done.get("upgraded") or self._done.get("older")) or self.phase == "upgrade"

    @property
    def _compared(self) -> Values:
        return self._done.get("compared") or {}

    @property
    def findings(self) -> list[str]:
        found = list(self._compared.get("findings") or [])
        if self._failed is None or self._task == LAST:
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
        done = self._done
        if self._failed is not None and not self._own and (self._failed.get("error") or {}).get("interrupted"):
            return "interrupted"
        if self._failed is not None or self.findings:
            return "failed"
        if done.get("late") or done["major_refused"]:
            return "skipped"
        if not (done["target"] or done["taken_over"]):
            return "unchanged"
        return "changed" if done["upgraded"] or done["waited"] and not done["target"] else "would_change"

    @property
    def steps(self) -> list[str]:
        major = self._done.get("major_available")
        to = "" if self._given.get("to") in ("next", "latest") else "upgrade_verify_to=latest with "
        waiting = f"skipped: the major version {major} is waiting, and needs {to}upgrade_verify_allow=major"
        return [*self._done.get("steps", []), *([waiting] if major else [])]

    def summary(self, windows: t.Sequence[Values]) -> Values:
        """Return what the role tells, with what `windows` say of a point-in-time restore."""
        done, given = self._done, self._given
        before, after = done.get("before", {}), self._compared.get("contents") or {}
        known = {key: given.get(key) for key in ("app", "addon", "addon_id", "region")}
        database = done.get("database") or {"name": self.label, **known, "engine": None}
        return {
            "database": database, "outcome": self.outcome, "steps": self.steps, "findings": self.findings,
            "next_steps": self._next_steps(windows), "version_before": before.get("version") or database.get("version"),
            "version_after": after.get("version"), "version_wanted": done.get("target") or None,
            "major_available": done.get("major_available"), "backup_id": done.get("backup_id"), "before": before, "after": after,
            "failed_in": self.phase or None, "started_at": done.get("started_at") or moment(), "ended_at": moment(),
        }  # fmt: skip

    @property
    def _keeps(self) -> bool:
        """Whether the next run needs what was written down: not when all is verified, and not when no upgrade was begun."""
        return self._begun and not (self.outcome in ("changed", "unchanged") and bool(self._compared))

    @property
    def asks_for_windows(self) -> bool:
        engine = self._done.get("database", {}).get("engine")
        return self.outcome == "failed" and self._begun and engine == "postgresql"

    def clear(self) -> None:
        """Remove what was written down when no run needs it any more."""
        if "needed" in self._done and not self._keeps:
            _state.remove(self._done["place"], self._done["database"]["addon_id"])

    def _next_steps(self, windows: t.Sequence[Values]) -> list[str]:
        file = str(self._done.get("state_file") or "")
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
        backup_id = self._done.get("backup_id")
        if backup_id:
            yield from self._restore_task(f"backup_id: {backup_id}")
            yield "Where the platform does not restore backups itself, download it with community.scalingo.scalingo_backup_download and load it with"
            yield "the engine's own program."
        else:
            yield "  No backup was made by this run. community.scalingo.scalingo_backup_info lists those that there are."
        at = str(self._done.get("upgrade_at") or self._done.get("backed_up_at") or "")
        if at and any(str(window["earliest_recoverable_at"]) <= at for window in windows):
            yield "It can also go back to the moment before the upgrade, which loses less:"
            yield from self._restore_task(f"restore_time: '{at}'")

    def _restore_task(self, what: str) -> t.Iterator[str]:
        database = self._done.get("database") or {}
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
        "changed": f"upgraded from {before} to {after}, and nothing is missing"
        if after
        else f"upgraded from {before}{f' to {wanted}' if wanted else ''}, and not verified: the next run does",
        "unchanged": f"nothing to upgrade, it is at {after or before}"
        if after in (None, before)
        else f"upgraded from {before} to {after} by an earlier run, and nothing is missing",
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
