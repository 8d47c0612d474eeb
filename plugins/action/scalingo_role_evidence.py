# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.
"""Read the policy of restore drills, verify their evidence, and say which databases it covers."""

from __future__ import annotations

import os
import time
import typing as t

from ansible.utils.display import Display
from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.community.scalingo.plugins.module_utils import _evidence
from ansible_collections.community.scalingo.plugins.module_utils._errors import ScalingoError
from ansible_collections.community.scalingo.plugins.module_utils._files import read_json
from ansible_collections.community.scalingo.plugins.plugin_utils import _drills, _fleet
from ansible_collections.community.scalingo.plugins.plugin_utils._action import RoleAction, plain
from ansible_collections.community.scalingo.plugins.plugin_utils._role_reader import Reader

Data = dict[str, t.Any]
PATH: Data = {"type": "path", "default": ""}
DIRECTORY: Data = {"type": "path", "required": True}
VERIFIED: Data = {
    "allowed_signers": PATH,
    "identity": {"type": "str", "default": ""},
    "known": {"type": "list", "elements": "str", "default": []},
}
#: What each step takes.
STEPS: t.Mapping[str, Data] = {
    "policy": {"policy": PATH, "database": {"type": "dict", "default": {}}},
    "verify": {"dir": DIRECTORY, **VERIFIED},
    "cover": {
        "evidence_dir": DIRECTORY, **VERIFIED, "policy": PATH, "html_file": {"type": "path", "default": "drill_coverage.html"},
        "json_file": {"type": "path", "default": "drill_coverage.json"},
        "fail_on": {"type": "list", "elements": "str", "choices": ["failed", "overdue"], "default": []},
    },
}  # fmt: skip
TEMPLATE = os.path.join(os.path.dirname(__file__), "..", "..", "roles", "fleet_report", "templates", "coverage.html.j2")


class ActionModule(RoleAction):
    """One of the steps. What it takes has names that begin with I(prefix) for the user."""

    _requires_connection = False
    _VALID_ARGS = frozenset(("step", "prefix", "databases", *(name for taken in STEPS.values() for name in taken)))

    def run(self, tmp: t.Any = None, task_vars: Data | None = None) -> Data:
        result: Data = super().run(tmp, task_vars)
        given = plain(self._task.args)
        step, prefix, databases = given.pop("step"), given.pop("prefix", ""), given.pop("databases", [])
        reader = Reader(prefix)
        given = reader.options(STEPS[step], given, prefix)
        try:
            if reader.problems:
                raise _fleet.Refused("\n".join(reader.problems))
            found = getattr(self, f"_{step}")(given, databases)
        except (_fleet.Refused, ScalingoError) as refused:
            return {**result, "failed": True, "changed": False, "msg": str(refused)}
        return {**result, "changed": False, **wrap_var(found)}

    def _policy(self, given: Data, dummy: list[Data]) -> Data:
        """What is accepted of the one database."""
        names = [str(given["database"].get(key) or "") for key in ("name", "addon_id", "addon")]
        return {"deviations": _drills.read_policy(self._loader, given["policy"]).decisions("deviations", names)}

    def _verify(self, given: Data, dummy: list[Data]) -> Data:
        """A sentence for each file. What is wrong fails the task."""
        findings = _drills.counted(given["dir"], given["allowed_signers"], given["identity"], given["known"])[1]
        for finding in findings:
            Display().display(f"{'WRONG: ' if finding.problem else ''}{finding.text}", stderr=True)
        wrong = [finding.text for finding in findings if finding.problem]
        told = [finding._asdict() for finding in findings]
        outcome = "failed" if wrong else "unchanged"
        count = sum(bool(finding.file) and finding.file != _evidence.NEWEST for finding in findings)
        where = f"the evidence in {given['dir']}"
        text = (
            f"{len(wrong)} of what was found is wrong with {where}:"
            if wrong
            else f"All is well with {where}: {count} drills."
        )
        return {
            "findings": wrong,
            "files": told,
            "outcome": outcome,
            "failed": bool(wrong),
            "msg": "\n".join([text, *wrong]),
        }

    def _cover(self, given: Data, databases: list[Data]) -> Data:
        """The coverage of the databases. Evidence with which something is wrong does not count."""
        policy = _drills.read_policy(self._loader, given["policy"])
        for kind in ("html_file", "json_file"):
            given[kind] = os.path.realpath(given[kind])
            if not os.path.isdir(os.path.dirname(given[kind])):
                raise _fleet.Refused(f"{kind}: there is no directory {os.path.dirname(given[kind])}")
        directory = given["evidence_dir"]
        known, findings = _drills.counted(directory, given["allowed_signers"], given["identity"], given["known"])
        wrong = [finding for finding in findings if finding.problem]
        report = _drills.coverage(databases, known, [finding.text for finding in wrong], policy, time.time())
        before = read_json(given["json_file"])[0]
        since = before.get("generated_at") if isinstance(before, dict) else None
        if isinstance(since, str) and before == {**report, "generated_at": since}:
            # Nothing is different: neither file is written.
            report = before
        failing = [word for word in given["fail_on"] if report["counts"][word]]
        lines = [_drills.sentence(report), *(finding.text for finding in wrong)]
        lines += [f"{row['name']}: {row['text']}" for row in report["databases"] if row["status"] in failing]
        files = {kind: given[kind] for kind in ("html_file", "json_file")}
        return {
            "report": report, **files, "template": os.path.realpath(TEMPLATE), "bad": bool(wrong or failing),
            "sentence": "\n".join([*lines, f"The coverage is in {given['html_file']}."]),
        }  # fmt: skip
