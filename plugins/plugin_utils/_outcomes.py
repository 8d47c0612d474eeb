# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.
"""What came of a role that was run for many databases: of each of them, and of all."""

from __future__ import annotations

import json
import re
import typing as t

Summary = dict[str, t.Any]
#: By outcome, how it is told of one database, and of many.
Words = t.Mapping[str, t.Sequence[str]]
BAD = ("failed", "interrupted")
#: What a playbook says otherwise comes first.
WORDS: Words = {
    "changed": ("was changed", "were changed"),
    "would_change": ("would be changed", "would be changed"),
    "unchanged": ("needed nothing", "needed nothing"),
    "drifted": ("is not as declared", "are not as declared"),
    "failed": ("failed", "failed"),
    "interrupted": ("was interrupted", "were interrupted"),
}


def of_host(name: str, variables: t.Mapping[str, t.Any], role: str) -> Summary:
    """The summary of a role on a host; what is known where the role has come to none, or failed although its summary is good."""
    found, error = variables.get(role + "_summary"), variables.get("scalingo_outcomes_error")
    if not isinstance(found, t.Mapping) or "outcome" not in found:
        nothing = "nothing is known of it, because the role ended without a summary: see the output of the run"
        return {"name": name, "outcome": "failed", "findings": [error or nothing], "next_steps": []}
    # On localhost the variables of the role say which database it is.
    summary = {**found, "name": name if variables.get("scalingo_target", True) else found["database"]["name"]}
    if error and summary["outcome"] not in BAD:
        summary.update(outcome="failed", findings=[*(summary.get("findings") or ()), error])
    return summary


def drift_of(summary: Summary) -> Summary:
    """What a comparison says of a database. What would need a consent was compared, and differs."""
    refused = [item for item in summary.get("failures", ()) if item["error"] == "ConsentMissing"]
    findings = [text for text in summary["findings"] if text not in [item["message"] for item in refused]]
    differences = [*summary.get("differences", ()), *({**item, "changed": True, "steps": []} for item in refused)]
    outcome = summary["outcome"] if findings or not refused else "would_change"
    target = {key: (summary.get("database") or {}).get(key) for key in ("app", "addon_id", "region")}
    return {"name": summary["name"], **target, "outcome": outcome, "differences": differences, "findings": findings}


def told(summary: Summary, words: Words) -> str:
    """Why a database fails, as text. Of what differs each value is named."""
    differences, findings = summary.get("differences") or [], summary.get("findings") or []
    what = {**WORDS, **words}[summary["outcome"] if summary["outcome"] in BAD else "drifted"][0]
    if differences and summary["outcome"] in BAD:
        what = WORDS["drifted"][0] + ", and could not be compared in full"
    lines = [f"{summary['name']} {what}:"]
    for difference in differences:
        lines.append(f"- {difference['kind']}: {difference.get('message') or '; '.join(difference['steps'])}")
        before, after = (difference.get(side) or {} for side in ("before", "after"))
        for key in sorted({**before, **after}):
            if before.get(key) != after.get(key):
                lines.append(f"    {key}: {json.dumps(before.get(key))} -> {json.dumps(after.get(key))}")
    lines += [f"- {text}" for text in dict.fromkeys(re.sub(r", request id [^]]+", "", text) for text in findings)]
    return "\n".join([*lines, *(summary.get("next_steps") or [])])


def report(summaries: t.Sequence[Summary], compared: bool) -> dict[str, t.Any]:
    """What a playbook publishes. `compared` is for databases that should have been as declared."""
    databases = [drift_of(summary) if compared else summary for summary in summaries]
    failed = [item["name"] for item in databases if item["outcome"] in BAD]
    drifted = [item["name"] for item in databases if compared and item["differences"]]
    found = {item["outcome"] for item in databases}
    outcome = next((word for word in ("changed", "would_change") if word in found), "unchanged")
    return {
        "outcome": "failed" if failed else "drifted" if drifted else outcome,
        "databases": databases,
        **({"drifted": drifted} if compared else {}),
        "failed": failed,
        "findings": [],
        "started_at": min((item["started_at"] for item in summaries if item.get("started_at")), default=None),
        "ended_at": max((item["ended_at"] for item in summaries if item.get("ended_at")), default=None),
    }


def sentence(found: t.Mapping[str, t.Any], words: Words) -> str:
    """How it went, in one sentence."""
    databases = found["databases"]
    by_outcome: dict[str, list[str]] = {}
    for item in databases:
        outcome = (
            "drifted" if item["name"] in found.get("drifted", ()) and item["outcome"] not in BAD else item["outcome"]
        )
        by_outcome.setdefault(outcome, []).append(item["name"])
    known = {**WORDS, **words}
    parts = []
    for outcome, (one, many) in known.items():
        names = by_outcome.get(outcome, [])
        if names:
            named = ": " + ", ".join(names) if outcome in (*BAD, "drifted") else ""
            parts.append(f"{len(names)} of {len(databases)} databases {one if len(names) == 1 else many}{named}")
    return "; ".join(parts) + "."
