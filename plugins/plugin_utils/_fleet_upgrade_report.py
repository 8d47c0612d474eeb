# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.
"""What a person reads of the upgrade of a fleet: a line for each database, what is wrong, what to do next, and one sentence."""

from __future__ import annotations

import typing as t

from ansible_collections.community.scalingo.plugins.module_utils._errors import legible
from ansible_collections.community.scalingo.plugins.plugin_utils._fleet_upgrade import (
    OPEN,
    TIME,
    Data,
    Hosts,
    now,
    outcome,
)

ORDER = ("failed", "interrupted", "changed", "would_change", "not_started", "skipped", "unchanged")
OF_THE_PLAN = (
    "name", "app", "addon", "addon_id", "region", "engine", "scout", "wave", "version_before", "version_wanted", "major_available",
)  # fmt: skip


def summary(plan: t.Mapping[str, t.Any], known: Hosts, planned_only: bool = False) -> Data:
    """Return the report. With I(planned_only) nothing was to be done yet."""
    rows = [_shown(host, plan, known, planned_only) for host in plan["rows"]]
    counts = {name: sum(row["outcome"] == name for row in rows) for name in ORDER}
    wrong = [row for row in rows if row["outcome"] in ("failed", "interrupted")]
    reasons = dict.fromkeys(row["reason"] for row in rows if row["outcome"] == "not_started")
    findings = [f"{row['name']}: {text}" for row in wrong for text in _texts(row) or ["nothing is known of why"]]
    findings += ["nothing more was begun, as %s; %d not started" % (text, counts["not_started"]) for text in reasons]
    return {
        "outcome": _outcome(counts),
        "counts": counts,
        "run": {key: plan[key] for key in ("started_at", "stop_at", "scout")},
        "databases": rows,
        "lines": legible(_lines(rows, counts)),
        "steps": legible([f"{row['name']}: {step}" for row in rows for step in row["steps"]]),
        "findings": legible(findings),
        "next_steps": legible(list(dict.fromkeys(text for row in rows for text in _next_steps(row, plan)))),
        "failures": {
            row["name"]: "\n".join(
                legible([f"{row['name']} {'was interrupted' if row['outcome'] == 'interrupted' else 'failed'}:"])
                + legible([f"- {text}" for text in _texts(row) or ["nothing is known of why"]] + _next_steps(row, plan))
            )
            for row in wrong
        },
        "started_at": plan["started_at"],
        "ended_at": now().strftime(TIME),
    }


def planned(plan: t.Mapping[str, t.Any]) -> list[Data]:
    """Return a line for each database of the waves, in their order."""
    shown = summary(plan, {}, planned_only=True)
    lines = dict(zip(plan["rows"], shown["lines"]))
    return [{"name": host, "line": lines[host]} for wave in plan["waves"] for host in wave]


def _shown(host: str, plan: t.Mapping[str, t.Any], known: Hosts, planned_only: bool) -> Data:
    row = plan["rows"][host]
    found: Data = {**{key: row[key] for key in OF_THE_PLAN}, "name": host}
    if planned_only and row["status"] in OPEN:
        return {
            **found,
            **dict.fromkeys(("version_after", "backup_id", "started_at", "ended_at")),
            **{"outcome": "would_change", "reason": "", "findings": [], "steps": _would(row), "next_steps": []},
        }
    became = outcome(host, plan, known)
    became["version_before"] = became.get("version_before") or row["version_before"]
    if became["outcome"] == "unknown":
        became["outcome"] = "interrupted"
    return {**found, **became}


def _would(row: t.Mapping[str, t.Any]) -> list[str]:
    if row["status"] == "resume":
        return ["would wait for the upgrade that an earlier run began, and verify it"]
    backup = ["would ensure a recent backup"] if row["backup"] else []
    return [*backup, f"would upgrade from {row['version_before']} to {row['version_wanted']}", "would verify it"]


def _outcome(counts: t.Mapping[str, int]) -> str:
    for name in ("failed", "interrupted", "changed", "would_change"):
        if counts[name]:
            return name
    return "skipped" if counts["skipped"] or counts["not_started"] else "unchanged"


def _texts(row: t.Mapping[str, t.Any]) -> list[str]:
    return [text for text in [row["reason"], *row["findings"]] if text.strip()]


def _lines(rows: t.Sequence[Data], counts: t.Mapping[str, int]) -> list[str]:
    table = [(row["name"], row["outcome"].replace("_", " "), _versions(row), _remarks(row)) for row in rows]
    widths = [max(len(line[column]) for line in table) for column in range(3)]
    lines = [
        f"{name.ljust(widths[0])}  {said.ljust(widths[1])}  {versions.ljust(widths[2])}  {remarks}".rstrip()
        for name, said, versions, remarks in table
    ]
    total = ", ".join("%d %s" % (counts[name], name.replace("_", " ")) for name in ORDER if counts[name])
    return [*lines, "%d %s: %s." % (len(rows), "database" if len(rows) == 1 else "databases", total)]


def _versions(row: Data) -> str:
    before, after = row["version_before"], row["version_after"] or row["version_wanted"]
    if before is None:
        return "unknown"
    return str(before) if after in (None, before) else f"{before} -> {after}"


def _remarks(row: Data) -> str:
    remarks = []
    if row["wave"]:
        remarks.append(f"wave {row['wave']}{', the scout' if row['scout'] else ''}")
    if row["backup_id"]:
        remarks.append(f"backup {row['backup_id']}")
    if row["major_available"]:
        remarks.append(f"the major version {row['major_available']} is available")
    # The first line of a message with several.
    return "; ".join(remarks + [text.splitlines()[0] for text in _texts(row)])


def _next_steps(row: Data, plan: t.Mapping[str, t.Any]) -> list[str]:
    """Return what to do about one database."""
    if row["outcome"] == "interrupted":
        return [
            "Run it again later: started upgrades continue on the platform, and the next run waits for them, verifies them and reuses recent backups."
        ]
    if row["outcome"] == "not_started":
        return ["Run it again for those that were not started."]
    if row["outcome"] != "failed":
        return []
    if row.get("failed_in") != "verify":
        return row["next_steps"] or [f"Solve what is said of {row['name']}; the next run tries it again."]
    return [
        f"Check {row['name']}. It was upgraded, and each run verifies it again until nothing is missing, or its name is in fleet_upgrade_accept.",
        *row["next_steps"],
    ]


def sentence(report: t.Mapping[str, t.Any]) -> str:
    """Return what is now true, in one sentence."""
    counts, wrong = report["counts"], list(report["failures"])
    said = ["%d %s" % (counts[name], name.replace("_", " ")) for name in ORDER if counts[name]]
    if report["outcome"] in ("failed", "interrupted"):
        names = ", ".join(wrong[:5]) + (" and %d more" % (len(wrong) - 5) if len(wrong) > 5 else "")
        return f"The upgrade of the fleet {'failed' if report['outcome'] == 'failed' else 'was interrupted'} for {names}: {', '.join(said)}."
    upgraded = counts["changed"]
    if not upgraded:
        return f"No database was upgraded: {', '.join(said)}."
    rest = ", ".join(said[1:])
    return f"{'1 database is' if upgraded == 1 else '%d databases are' % upgraded} upgraded and verified{f', {rest}' if rest else ''}."
