# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: scalingo_fleet_upgrade_report
version_added: 0.1.0
short_description: Report the outcome of a fleet upgrade
description:
  - Takes what is known of each database and returns the summary of the role P(community.scalingo.fleet_upgrade#role), with a row for each database and the
    same as lines of text.
positional: _input
options:
  _input:
    description: What is known of each database, by its name.
    type: dict
    required: true
  run:
    description: What is known of the run.
    type: dict
    required: true
  stop:
    description: Why nothing more began although something is left, or empty text.
    type: str
    default: ''
  planned_only:
    description: Whether nothing was to be done, as in check mode.
    type: bool
    default: false
  failure:
    description: What went wrong with the run itself, or empty text.
    type: str
    default: ''
  now:
    description: The point in time that it is, in ISO 8601.
    type: str
    required: true
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Show one line per database
  ansible.builtin.debug:
    msg: "{{ (fleet_upgrade_rows | community.scalingo.scalingo_fleet_upgrade_report(run=fleet_upgrade_run, now='2026-11-20T22:00:00Z')).lines }}"
"""

RETURN = r"""
_value:
  description: The summary.
  type: dict
  contains:
    outcome:
      description: V(unchanged), V(changed), V(would_change), V(failed), V(interrupted) or V(skipped).
      type: str
    counts:
      description: How many databases had which outcome.
      type: dict
    databases:
      description: A dictionary for each database, in the order of the list.
      type: list
      elements: dict
    lines:
      description: The same as text for people.
      type: list
      elements: str
    steps:
      description: What was done.
      type: list
      elements: str
    findings:
      description: What is wrong.
      type: list
      elements: str
    next_steps:
      description: What to do now.
      type: list
      elements: str
"""

import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.community.scalingo.plugins.module_utils._errors import legible

Data = dict[str, t.Any]

SHOWN = (
    "name", "app", "addon", "addon_id", "region", "engine", "outcome", "reason", "scout", "wave", "version_before", "version_wanted", "version_after",
    "major_available", "backup_id", "operation_id", "steps", "findings", "started_at", "ended_at",
)  # fmt: skip

#: What a status of the run means in the report.
OUTCOMES: t.Mapping[str, str] = {
    "unchanged": "unchanged",
    "skipped": "skipped",
    "done": "changed",
    "failed": "failed",
    "interrupted": "interrupted",
    # The run itself ended before it came to know.
    "starting": "interrupted",
    "started": "interrupted",
}
ORDER = ("failed", "interrupted", "changed", "would_change", "not_started", "skipped", "unchanged")


def report(
    rows: t.Mapping[str, t.Mapping[str, t.Any]],
    run: t.Mapping[str, t.Any],
    now: str,
    stop: str = "",
    planned_only: bool = False,
    failure: str = "",
) -> Data:
    if not isinstance(rows, t.Mapping):
        raise AnsibleFilterError(f"scalingo_fleet_upgrade_report needs a mapping, not {type(rows).__name__}")
    shown = [_shown(row, planned_only, stop) for row in rows.values()]
    counts = {outcome: 0 for outcome in ORDER}
    for row in shown:
        counts[row["outcome"]] += 1
    findings = ([failure] if failure else []) + [
        f"{row['name']}: {text}"
        for row in shown
        if row["outcome"] in ("failed", "interrupted")
        for text in ([row["reason"]] if row["reason"] else []) + row["findings"] or ["nothing is known of why"]
    ]
    if stop:
        findings.append("nothing more was begun, as %s; %d not started" % (stop, counts["not_started"]))
    return {
        "outcome": _outcome(counts, failure),
        "run": {name: run.get(name) for name in ("started_at", "resumed_at", "stop_at", "scout")},
        "counts": counts,
        "databases": shown,
        "lines": legible(_lines(shown, counts, stop)),
        "steps": legible([f"{row['name']}: {step}" for row in shown for step in row["steps"]]),
        "findings": legible(findings),
        "next_steps": legible(_next_steps(shown, counts, failure)),
        "started_at": run.get("started_at"),
        "ended_at": now,
    }


def _shown(row: t.Mapping[str, t.Any], planned_only: bool, stop: str) -> Data:
    found = {name: row.get(name) for name in SHOWN}
    found.update(
        {name: list(row.get(name) or []) for name in ("steps", "findings")}, reason=str(row.get("reason") or "")
    )
    status = str(row.get("status"))
    if status in ("pending", "resume"):
        found["outcome"] = "would_change" if planned_only else "not_started"
        if planned_only:
            found["steps"] = _would(row)
        elif not found["reason"]:
            found["reason"] = stop or "the run ended before"
    else:
        found["outcome"] = OUTCOMES.get(status, "failed")
        if status in ("starting", "started"):
            found["reason"] = "the run ended before it knew how the upgrade ends"
    return found


def _would(row: t.Mapping[str, t.Any]) -> list[str]:
    if row.get("status") == "resume":
        return ["would wait for the upgrade that began before, and verify it"]
    upgrade = f"would upgrade from {row.get('version_before')} to {row.get('version_wanted')}"
    return (["would have a backup made, unless there is one that is young enough"] if row.get("backup") else []) + [
        upgrade,
        "would verify it",
    ]


def _outcome(counts: t.Mapping[str, int], failure: str) -> str:
    if failure or counts["failed"]:
        return "failed"
    for outcome in ("interrupted", "changed", "would_change"):
        if counts[outcome]:
            return outcome
    return "skipped" if counts["skipped"] or counts["not_started"] else "unchanged"


def _lines(shown: t.Sequence[Data], counts: t.Mapping[str, int], stop: str) -> list[str]:
    table = [(row["name"], row["outcome"].replace("_", " "), _versions(row), _remarks(row)) for row in shown]
    widths = [max([len(line[column]) for line in table] or [0]) for column in range(3)]
    lines = []
    for name, outcome, versions, remarks in table:
        line = f"{name.ljust(widths[0])}  {outcome.ljust(widths[1])}  {versions.ljust(widths[2])}  {remarks}"
        lines.append(line.rstrip())
    total = ", ".join("%d %s" % (counts[outcome], outcome.replace("_", " ")) for outcome in ORDER if counts[outcome])
    lines.append("%d %s: %s" % (len(shown), "database" if len(shown) == 1 else "databases", total or "nothing to do"))
    return lines + ([f"Nothing more was begun, as {stop}."] if stop else [])


def _versions(row: Data) -> str:
    before, after = row["version_before"], row["version_after"] or row["version_wanted"]
    if before is None:
        return "unknown"
    return str(before) if after in (None, before) else f"{before} -> {after}"


def _remarks(row: Data) -> str:
    remarks = []
    if row["wave"]:
        remarks.append(f"wave {row['wave']}{(', the scout' if row['scout'] else '')}")
    if row["backup_id"]:
        remarks.append(f"backup {row['backup_id']}")
    if row["major_available"]:
        remarks.append(f"the major version {row['major_available']} is waiting")
    # The first line of a message that goes on for long.
    texts = ([row["reason"]] if row["reason"] else []) + row["findings"]
    return "; ".join(remarks + [text.splitlines()[0] for text in texts if text.strip()])


def _next_steps(shown: t.Sequence[Data], counts: t.Mapping[str, int], failure: str) -> list[str]:
    lines = []
    for row in shown:
        if row["outcome"] == "failed" and row["findings"]:
            lines.append(
                f"Look at {row['name']}. It was upgraded, and is verified again by each run until nothing is missing,"
                " or until its name is in fleet_upgrade_accept."
            )
            if row["backup_id"]:
                lines.append(
                    f"The backup {row['backup_id']} is from before its upgrade: community.scalingo.scalingo_backup_download brings it here, and"
                    " community.scalingo.scalingo_database_restore with backup_id and confirm restores it."
                )
        elif row["outcome"] == "failed":
            lines.append(f"Solve what is said of {row['name']}; it is tried again by the next run.")
    if counts["interrupted"]:
        lines.append(
            "Run it again later: started upgrades continue on the platform, and the next run waits for them, verifies them and reuses recent backups."
        )
    if counts["not_started"] and not counts["failed"]:
        lines.append("Run it again for those that were not started.")
    if failure and not lines:
        lines.append("Solve this, and run it again.")
    return lines


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"scalingo_fleet_upgrade_report": report}
