# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.
"""Plan the upgrade of a fleet, decide whether a wave may begin, and report: the thinking of the role fleet_upgrade."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import time
import typing as t

from ansible import context
from ansible_collections.community.scalingo.plugins.module_utils._errors import ScalingoError
from ansible_collections.community.scalingo.plugins.module_utils._files import write_atomically
from ansible_collections.community.scalingo.plugins.plugin_utils import (
    _drills,
    _fleet_upgrade,
    _fleet_upgrade_report,
    _upgrade_state,
)
from ansible_collections.community.scalingo.plugins.plugin_utils._action import RoleAction, plain

Data = dict[str, t.Any]


class Variables(t.Mapping[str, t.Any]):
    """The variables of hosts, without the types of Ansible's own."""

    def __init__(self, hostvars: t.Mapping[str, t.Any]) -> None:
        self._hostvars = hostvars

    def __getitem__(self, host: str) -> t.Any:
        found = self._hostvars[host]
        return {
            name: plain(found.get(name))
            for name in ("fleet_upgrade_turn", "fleet_upgrade_error", "upgrade_verify_summary")
        }

    def __iter__(self) -> t.Iterator[str]:
        return iter(self._hostvars)

    def __len__(self) -> int:
        return len(self._hostvars)


class ActionModule(RoleAction):
    """Returns the plan of the run, the turn of one database, or the report, as I(phase) says."""

    _requires_connection = False
    _VALID_ARGS = frozenset(("phase", "state_dir"))

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> Data:
        result: Data = super().run(tmp, task_vars)
        known = task_vars or {}
        phase = str(self._task.args["phase"])
        try:
            found = {"plan": self._plan, "turn": self._turn, "report": self._report}[phase](known)
        except (_fleet_upgrade.Refused, _upgrade_state.Refused) as refused:
            return {**result, "failed": True, "msg": str(refused)}
        return {**result, "changed": False, **found}

    def _plan(self, known: Data) -> Data:
        hosts = {host: known["hostvars"][host] for host in known["ansible_play_hosts"]}
        given = {host: plain(own["fleet_upgrade_given"]) for host, own in hosts.items()}
        run = _fleet_upgrade.settings(given)
        directory = _upgrade_state.directory(str(self._task.args.get("state_dir") or ""), os.environ)
        unknown = sorted(set(run["accept"]) - set(known["hostvars"]))
        if unknown:
            raise _fleet_upgrade.Refused(
                f"fleet_upgrade_accept has {', '.join(unknown)}, which is no database of this fleet"
            )
        files = sorted({values["verification_tasks"] for values in given.values()} - {""})
        missing = [path for path in files if not os.path.isfile(path)]
        if missing:
            raise _fleet_upgrade.Refused(f"fleet_upgrade_verification_tasks: {', '.join(missing)} does not exist")
        self.write(lambda: _upgrade_state.make_writable(directory))
        paths = {host: plain(own["fleet_upgrade_path"]) for host, own in hosts.items()}
        addons = {host: str(paths[host].get("addon_id") or "") for host in hosts}
        states = {host: _upgrade_state.load(directory, addons[host]) if addons[host] else {} for host in hosts}
        report_file = run["report_file"] or os.path.join(directory, "fleet_upgrade.report.json")
        accepted = {host for host in states if states[host] and host in run["accept"]}
        plan = _fleet_upgrade.make(
            given,
            {host: plain(own["scalingo_target"]) for host, own in hosts.items()},
            paths,
            {host: state for host, state in states.items() if state and host not in accepted},
            plain(known["groups"]),
            _rows_of(report_file),
        )
        unrehearsed = _drills.unrehearsed_rows(plan["rows"], given, time.time())
        if unrehearsed:
            raise _fleet_upgrade.Refused("\n".join([*unrehearsed, "Nothing was done."]))
        for host in accepted:
            self.write(functools.partial(_upgrade_state.remove, directory, addons[host]))
        plan["report_file"] = report_file
        plan["state_dir"] = directory
        plan["lines"] = _fleet_upgrade_report.planned(plan)
        forks, most = context.CLIARGS.get("forks") or 5, max(map(len, plan["waves"]), default=0)
        if forks < most:
            text = f"{forks} forks are fewer than the {most} databases of a wave, which is slower than it could be: use --forks {most}"
            return {**plan, "warnings": [text]}
        return plan

    def _turn(self, known: Data) -> Data:
        host, plan, variables = (
            str(known["inventory_hostname"]),
            plain(known["fleet_upgrade_plan"]),
            Variables(known["hostvars"]),
        )
        found = _fleet_upgrade.turn(host, plan, variables)
        wave = plan["waves"][plan["rows"][host]["wave"] - 1]
        if host == wave[0]:
            # For the case that the run is killed.
            begun = {
                **{name: variables[name] for name in plan["rows"]},
                **{name: {"fleet_upgrade_turn": found} for name in wave},
            }
            with contextlib.suppress(ScalingoError):
                self._write_report(plan, _fleet_upgrade_report.summary(plan, begun))
        return found

    def _write_report(self, plan: Data, report: Data) -> None:
        """Write the file, but not in check mode. Raises `ScalingoError`."""
        if plan["report_file"] != "none":
            shown = {key: value for key, value in report.items() if key != "failures"}
            text = json.dumps(shown, indent=4, sort_keys=True) + "\n"
            self.write(lambda: write_atomically(plan["report_file"], text, 0o600))

    def _report(self, known: Data) -> Data:
        plan = plain(known["fleet_upgrade_plan"])
        report = _fleet_upgrade_report.summary(plan, Variables(known["hostvars"]), planned_only=self.only_checks)
        changed = bool(report["counts"]["changed"])
        try:
            self._write_report(plan, report)
        except ScalingoError as error:
            first = str(known["inventory_hostname"])
            report["outcome"] = "failed"
            report["findings"].append(str(error))
            report["failures"][first] = "\n".join(filter(None, (report["failures"].get(first), str(error))))
        report["sentence"] = _fleet_upgrade_report.sentence(report)
        data = {"scalingo_fleet_upgrade": {key: value for key, value in report.items() if key != "failures"}}
        stats = {"data": data, "per_host": False, "aggregate": True}
        return {**report, "changed": changed, "ansible_stats": stats}


def _rows_of(path: str) -> Data:
    """Return the rows of the report that an earlier run has written, by database; none where there is no such report."""
    try:
        with open(path, encoding="utf-8") as file:
            return {str(row["name"]): dict(row) for row in json.load(file)["databases"]}
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        return {}
