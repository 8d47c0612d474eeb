# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.
"""What the role `upgrade_verify` does beside its modules: prepare, note the backup, report. The modules that it needs for that run as tasks would."""

from __future__ import annotations

import contextlib
import typing as t

from ansible.utils.display import Display
from ansible_collections.community.scalingo.plugins.module_utils._errors import visible
from ansible_collections.community.scalingo.plugins.plugin_utils import _upgrade
from ansible_collections.community.scalingo.plugins.plugin_utils._action import RoleAction, plain

COLLECTION = "community.scalingo."
Values = dict[str, t.Any]


class ActionModule(RoleAction):
    """One of the three; `phase` says which."""

    _VALID_ARGS = frozenset(
        ("phase", "given", "prepared", "backup", "recorded", "upgraded", "compared", "failed", "failed_task")
    )

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> Values:
        result: Values = super().run(tmp, task_vars)
        self._variables = task_vars or {}
        arguments = plain(self._task.args)
        given = arguments.get("given") or {}
        try:
            if arguments["phase"] == "prepare":
                return {**result, **self._prepare(given)}
            if arguments["phase"] == "record":
                backup_id = ((arguments.get("backup") or {}).get("backup") or {}).get("id")
                prepared = arguments["prepared"]
                return {
                    **result,
                    "changed": False,
                    **_upgrade.record(given, prepared, backup_id or prepared["backup_id"]),
                }
            return {**result, **self._report(given, arguments)}
        except _upgrade.Refused as refused:
            return {**result, "failed": True, "msg": visible(str(refused))}

    def _prepare(self, given: Values) -> Values:
        # What all roles have in common has no role's name.
        given["state_dir"] = given["state_dir"] or plain(
            self._templar.template(self._variables.get("scalingo_state_dir"))
        )
        preparation = _upgrade.Preparation(given, self._module(given))
        try:
            return {"changed": False, **preparation()}
        except _upgrade.ModuleFailed as failed:
            kept = {key: failed.result[key] for key in ("msg", "error") if key in failed.result}
            return {"failed": True, "phase": preparation.phase, **kept}
        except _upgrade.Refused as refused:
            return {"failed": True, "phase": preparation.phase, "msg": visible(str(refused))}

    def _report(self, given: Values, arguments: Values) -> Values:
        failed = arguments.get("failed") or None
        report = _upgrade.Report(given, arguments, failed, str(arguments.get("failed_task") or ""))
        if failed is None and report.findings:
            return {"failed": True, "msg": f"{report.label}: {'; '.join(report.findings)}"}
        windows: list[Values] = []
        if report.asks_for_windows:
            with contextlib.suppress(_upgrade.ModuleFailed):
                windows = self._module(given)("scalingo_recovery_window_info")["recovery_windows"]
        summary = report.summary(windows)
        report.clear()
        if summary["outcome"] in ("failed", "interrupted"):
            text = _upgrade.message(report.label, summary)
        else:
            text = _upgrade.sentence(summary)
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
