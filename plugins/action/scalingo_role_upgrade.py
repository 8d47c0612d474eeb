# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.
"""What the role `upgrade_verify` does: one task upgrades a database and compares, so that no database of a wave waits for another; one reports."""

from __future__ import annotations

import contextlib
import typing as t

from ansible.errors import AnsibleError
from ansible.utils.display import Display
from ansible_collections.community.scalingo.plugins.module_utils._errors import visible
from ansible_collections.community.scalingo.plugins.plugin_utils import _upgrade
from ansible_collections.community.scalingo.plugins.plugin_utils._action import RoleAction, plain
from ansible_collections.community.scalingo.plugins.plugin_utils._upgrade_report import Report, message, sentence

COLLECTION = "community.scalingo."
Values = dict[str, t.Any]


class ActionModule(RoleAction):
    """One of the two; `phase` says which."""

    _VALID_ARGS = frozenset(("phase", "given", "done", "failed", "failed_task"))

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> Values:
        result: Values = super().run(tmp, task_vars)
        self._variables = task_vars or {}
        arguments = plain(self._task.args)
        given, failed = arguments.get("given") or {}, arguments.get("failed") or None
        done = arguments.get("done") or {}
        if arguments["phase"] == "upgrade":
            tags, skipped = (list(self._variables.get(name, ())) for name in ("ansible_run_tags", "ansible_skip_tags"))
            phases = _upgrade.chosen(tags or ["all"], skipped, self.tags_of_user)
            found = (
                self._upgrade(given, phases)
                if phases
                else {"skipped": True, "msg": "The tags of the run are about no phase."}
            )
        elif failed is None and done.get("skipped"):
            found = {"skipped": True, "msg": done["msg"]}
        else:
            found = self._report(given, done, failed, str(arguments.get("failed_task") or ""))
        return {**result, "changed": self.changed, **found, **self.shown}

    def _upgrade(self, given: Values, phases: t.Collection[str]) -> Values:
        # What all roles have in common has no role's name.
        given["state_dir"] = given["state_dir"] or plain(
            self._templar.template(self._variables.get("scalingo_state_dir"))
        )
        upgrade = _upgrade.Upgrade(given, phases, self._module(given), self.write, self.only_checks)
        try:
            return upgrade()
        except _upgrade.ModuleFailed as failed:
            kept = {key: failed.result[key] for key in ("msg", "error", "steps_done") if key in failed.result}
        except (_upgrade.Refused, AnsibleError, OSError) as error:
            kept = {"msg": visible(str(error))}
        return {**upgrade.done, "failed": True, **kept}

    def _report(self, given: Values, done: Values, failed: Values | None, task: str) -> Values:
        report = Report(given, done, failed, task)
        if failed is None and report.findings:
            return {"failed": True, "msg": f"{report.label}: {'; '.join(report.findings)}"}
        windows: list[Values] = []
        if report.asks_for_windows:
            with contextlib.suppress(_upgrade.ModuleFailed):
                windows = self._module(given)("scalingo_recovery_window_info")["recovery_windows"]
        summary = report.summary(windows)
        self.write(report.clear)
        if summary["outcome"] in ("failed", "interrupted"):
            text = message(report.label, summary)
        else:
            text = sentence(summary)
            Display().display(text, stderr=True)
        return {"changed": False, "message": text, "ansible_facts": {"upgrade_verify_summary": summary}}

    def _module(self, given: Values) -> _upgrade.Module:
        """Return what runs a module on the database of the role, with the defaults of the play, as a task of the role would."""

        def module(name: str, check_mode: bool | None = None, **options: t.Any) -> Values:
            name = COLLECTION + name
            groups = (self.defaults_of(f"group/{COLLECTION}{group}") for group in ("scalingo", "target"))
            arguments = {key: value for group in groups for key, value in group.items()}
            arguments.update({**self.defaults_of(name), **given["target"], **options})
            action = self._shared_loader_obj.action_loader.get(name, class_only=True)
            result: Values = plain(self.run_module(action, name, arguments, self._variables, check_mode))
            if result.get("failed"):
                raise _upgrade.ModuleFailed(result)
            return result

        return module
