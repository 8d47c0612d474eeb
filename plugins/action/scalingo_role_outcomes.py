# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.
"""Report what came of a role on all databases of a run."""

from __future__ import annotations

import json
import os.path
import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.community.scalingo.plugins.module_utils import _files
from ansible_collections.community.scalingo.plugins.module_utils._errors import ScalingoError
from ansible_collections.community.scalingo.plugins.plugin_utils import _fleet, _outcomes


class ActionModule(ActionBase):  # type: ignore[misc]
    """Returns what to publish, the sentence at the end, and by host why it fails. Writes what to publish to a file, in check mode too."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = True
    _VALID_ARGS = frozenset(("role", "compared", "file", "words"))

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        variables = task_vars or {}
        arguments = self._task.args
        compared = bool(arguments.get("compared"))
        role, hosts = str(arguments["role"]), variables["hostvars"]
        names = [str(name) for name in variables["groups"][_fleet.GROUP]]
        summaries = [_outcomes.of_host(name, hosts[name], role) for name in names]
        # As data, so that nothing that the platform said is a template.
        found = json.loads(json.dumps(_outcomes.report(summaries, compared)))
        file = str(arguments.get("file") or "")
        if file:
            try:
                path = os.path.abspath(os.path.expanduser(file))
                _files.write_atomically(path, json.dumps(found, indent=4, sort_keys=True) + "\n", 0o600)
            except ScalingoError as error:
                found.update(outcome="failed", findings=[f"{file} was not written: {error}"])
        words = arguments.get("words") or {}
        good = ("unchanged",) if compared else ("unchanged", "changed", "would_change")
        why = {
            name: _outcomes.told(item, words)
            for name, item in zip(names, found["databases"])
            if item["outcome"] not in good
        }
        lines = [_outcomes.sentence(found, words), *found["findings"]]
        result.update(
            changed=False,
            # Of the one database of the role's variables there is nothing else to say.
            report=found if hosts[names[0]].get("scalingo_target", True) else found["databases"][0],
            why=why,
            unwritten=bool(found["findings"]),
            msg="\n".join(lines),
        )
        return result
