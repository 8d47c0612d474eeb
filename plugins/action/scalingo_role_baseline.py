# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.
"""Apply what is declared of a database: its modules one after the other, in one task."""

from __future__ import annotations

import typing as t

from ansible.errors import AnsibleError
from ansible_collections.community.scalingo.plugins.plugin_utils import _baseline
from ansible_collections.community.scalingo.plugins.plugin_utils._action import RoleAction
from ansible_collections.community.scalingo.plugins.plugin_utils._fleet import label

MODULES = "community.scalingo."


class ActionModule(RoleAction):
    """Returns the summary of the role. What is declared comes from `given`; everything else in the arguments is for every module."""

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        shared = dict(self._task.args)
        given, consent = shared.pop("given"), shared.pop("consent")
        applied = _baseline.Applied(label(given) or "the database", given, consent)
        tags, skipped = (list(variables.get(name, ())) for name in ("ansible_run_tags", "ansible_skip_tags"))
        # The playbooks always run, and yet their tags choose kinds.
        kinds = _baseline.chosen(given["wanted"], tags or ["all"], skipped, self.tags_of_user - {"always"})
        if not given["wanted"]:
            applied.refuse(f"database_baseline_wanted declares nothing for {label(given) or 'the database'}")
        for kind in kinds:
            if applied.ended:
                break
            done = self._module(kind, shared, kind.arguments(given), applied.only_asks, variables)
            applied.add(kind, done)
        summary = applied.summary(self.only_checks)
        result.update(summary, **self.shown)
        result["msg"] = applied.message(summary)
        if applied.failures:
            result["failed"] = True
        elif given["wanted"] and not kinds:
            result.update(skipped=True, msg="The tags of the run are about nothing that is declared.")
        return result

    def _module(
        self,
        kind: _baseline.Kind,
        shared: dict[str, t.Any],
        arguments: dict[str, t.Any],
        only_asks: bool,
        variables: dict[str, t.Any],
    ) -> dict[str, t.Any]:
        """Run a module as a task of its own would, with the defaults of the user for this one."""
        name = MODULES + kind.action.module.__name__.rpartition(".")[2]
        try:
            return self.run_module(
                kind.action,
                name,
                {**shared, **self.defaults_of(name), **arguments},
                variables,
                True if only_asks else None,
            )
        except AnsibleError as error:
            return {"failed": True, "changed": False, "msg": str(error)}
