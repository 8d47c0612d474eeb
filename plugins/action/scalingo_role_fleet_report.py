# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.
"""What the role fleet_report does beside reading and writing: choose databases, rate them, and say what it has come to."""

from __future__ import annotations

import os.path
import typing as t

from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.community.scalingo.plugins.module_utils import _canon
from ansible_collections.community.scalingo.plugins.module_utils._core import moment
from ansible_collections.community.scalingo.plugins.module_utils._errors import ScalingoError
from ansible_collections.community.scalingo.plugins.plugin_utils import _drills, _fleet, _fleet_report
from ansible_collections.community.scalingo.plugins.plugin_utils._action import RoleAction

Data = dict[str, t.Any]

NOTHING = (
    "There is no database to report on. Give fleet_report_databases, or fleet_report_apps, or an inventory of the plugin "
    "community.scalingo.scalingo_databases with the group {group}."
)
#: What a database is of that can be drilled.
DRILLED = ("postgresql", "postgresql-ng", "mysql")


class ActionModule(RoleAction):
    """Reads the variables that the tasks before it have registered: as options, large results would be templated."""

    _requires_connection = False
    _VALID_ARGS = frozenset(("step", "failure"))

    def run(self, tmp: t.Any = None, task_vars: Data | None = None) -> Data:
        result: Data = super().run(tmp, task_vars)
        known = task_vars or {}
        given = known["fleet_report_given"]
        now = moment()
        try:
            step = getattr(self, "_" + str(self._task.args["step"]))
            found = step({**known, "now": now}, {**given, **files(given)})
        except (_fleet.Refused, ScalingoError) as refused:
            return {**result, "failed": True, "msg": str(refused)}
        return {**result, "changed": False, **wrap_var(found)}

    def _choose(self, known: Data, given: Data) -> Data:
        """The databases of the list, or those of the inventory when neither a list nor apps are given, and when it began."""
        self._drills_overdue([], given, known["now"])
        databases, play = given["databases"], set(known.get("ansible_play_hosts_all", ()))
        if databases or given["apps"]:
            _fleet.refuse_a_part(known, "fleet_report_")
        else:
            hosts = known["groups"].get(given["group"], [])
            hosts = [host for host in hosts if host in play] or hosts
            targets = [known["hostvars"][host].get("scalingo_target") or host for host in hosts]
            databases = [{name: item.get(name) for name in _fleet.TARGET} for item in targets if isinstance(item, dict)]
            plain = [item for item in targets if not isinstance(item, dict)]
            databases += _fleet.of_inventory({**known, "ansible_play_hosts": plain})
            if not databases:
                raise _fleet.Refused(NOTHING.format(**given))
        return {"databases": databases, "started_at": known["now"], "report": {}}

    def _rate(self, known: Data, given: Data) -> Data:
        """The report, which is compared with the one that is there."""
        read = known["fleet_report_read"]
        if not read.get("databases") and not read["failures"]:
            raise _fleet.Refused(f"There is no database to report on: no app matches {', '.join(given['apps'])}.")
        try:
            with open(given["json_file"], encoding="utf-8") as file:
                previous = file.read()
        except (OSError, ValueError):
            previous = ""
        at = known["fleet_report_chosen"]["started_at"]
        overdue = self._drills_overdue(read.get("databases") or (), given, at)
        return {"report": _fleet_report.report({**given, "drills_overdue": overdue}, read, at, previous)}

    def _drills_overdue(self, databases: t.Iterable[Data], given: Data, at: str) -> dict[str, str]:
        """What is wrong with the drills of databases, by their names; nothing when no evidence is to be read."""
        directory = given["drill_evidence_dir"]
        if not directory:
            return {}
        if not os.path.isdir(directory):
            raise _fleet.Refused(f"fleet_report_drill_evidence_dir: there is no directory {directory}")
        policy = _drills.read_policy(self._loader, given["drill_policy"], every=given["drill_warning_age"])
        known, seconds = _drills.counted(directory)[0], _canon.instant_seconds(at)
        rows = (_drills.row(item, known, policy, seconds) for item in databases if item.get("type_name") in DRILLED)
        return {row["name"]: row["text"] for row in rows if row["status"] in ("overdue", "failed")}

    def _conclude(self, known: Data, given: Data) -> Data:
        """The summary. A `failure` is what has ended the role before its time."""
        failure, made = str(self._task.args.get("failure") or ""), known.get("fleet_report_rating", {}).get("report")
        summary: Data
        if failure:
            steps = ["There is no new report; what an earlier run wrote is as it was."]
            summary = {"outcome": "failed", "steps": [], "findings": [failure], "next_steps": steps}
            summary.update(sentence="\n".join([failure, *steps]), counts={})
        elif not made:
            summary = {"outcome": "skipped", "steps": [], "findings": [], "next_steps": [], "counts": {}}
            summary["sentence"] = (
                f"{len(known['fleet_report_read'].get('databases', ()))} databases were read, and no report is written."
            )
        else:
            written = [
                given[f"{kind}_file"]
                for kind in ("json", "html")
                if known.get(f"fleet_report_{kind}_written", {}).get("changed")
            ]
            kinds = {one["error"]["kind"] for one in known["fleet_report_read"]["failures"] if one["reading"] is None}
            summary = _fleet_report.outcome(given, made, kinds, written, self.only_checks)
        times = {"started_at": known.get("fleet_report_chosen", {}).get("started_at"), "ended_at": known["now"]}
        sentence = summary.pop("sentence")
        paths = {name: "" if path == "none" else path for name, path in files(given).items()}
        report = {} if failure or not made else made
        return {"summary": {**summary, **times, **paths}, "sentence": sentence, "report": report}


def files(given: t.Mapping[str, t.Any]) -> dict[str, str]:
    """Return the whole paths of the files; "none" is no file."""
    paths = {name: given[name] for name in ("html_file", "json_file")}
    return {name: path if path == "none" else os.path.realpath(path) for name, path in paths.items()}
