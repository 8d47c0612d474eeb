# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.
"""What the evidence of drills says of databases: what the policy wants of each, which are covered, and whether an upgrade was rehearsed."""

from __future__ import annotations

import fnmatch
import os.path
import re
import time
import typing as t

from ansible.errors import AnsibleError
from ansible_collections.community.scalingo.plugins.module_utils import _canon, _evidence_chain
from ansible_collections.community.scalingo.plugins.module_utils._core import moment
from ansible_collections.community.scalingo.plugins.module_utils._errors import ScalingoError, visible
from ansible_collections.community.scalingo.plugins.module_utils._evidence import (
    Entry,
    entries,
    is_rehearsal,
    seconds_of,
)
from ansible_collections.community.scalingo.plugins.module_utils._resources.version import (
    SERIES,
    UNKNOWN_SERIES,
    crosses_major,
)
from ansible_collections.community.scalingo.plugins.plugin_utils import _fleet
from ansible_collections.community.scalingo.plugins.plugin_utils._action import plain
from ansible_collections.community.scalingo.plugins.plugin_utils._role_reader import Reader

Data = dict[str, t.Any]

FORMAT = 1
_DECISION: Data = {name: {"type": "str", "required": True} for name in ("database", "reason", "accepted_by", "until")}
_DEVIATION: Data = {"what": {"type": "str", "required": True}, **_DECISION}
#: What the file restore_drill_policy can hold, as an argument spec.
POLICY: Data = {
    "every": {"type": "str", "default": "90d"},
    "scope": {"type": "list", "elements": "str", "default": ["*"]},
    "exclusions": {"type": "list", "elements": "dict", "default": [], "options": _DECISION},
    "deviations": {"type": "list", "elements": "dict", "default": [], "options": _DEVIATION},
}
#: The statuses, the worst first, each with the level whose looks it has on the page.
STATUSES: t.Mapping[str, str] = {
    "failed": "critical", "overdue": "warning", "retested": "good", "drilled": "good", "excluded": "notice", "out_of_scope": "notice",
}  # fmt: skip
COVERED = ("retested", "drilled")


def read_policy(loader: t.Any, path: str, **more: t.Any) -> Policy:
    """Return the policy in a file of YAML or JSON; that of no file wants a drill of every database. Raises `_fleet.Refused`."""
    content: t.Any = {}
    if path:
        try:
            content = plain(loader.load_from_file(os.path.abspath(path)))
        except AnsibleError as error:
            said = visible(str(error)).split(" The error appears")[0]
            raise _fleet.Refused(f"the policy {path} cannot be read: {said}") from None
    if not isinstance(content, dict):
        raise _fleet.Refused(
            f"the policy {path} holds no keys: give for example every, scope, exclusions and deviations"
        )
    reader = Reader("policy.")
    policy = {**reader.options(POLICY, content, "policy."), **more}
    if reader.problems:
        lines = [f"the policy {path} is not valid, and nothing was done:", *(f"- {text}" for text in reader.problems)]
        raise _fleet.Refused("\n".join(lines))
    return Policy(policy, time.time())


class Policy:
    """What is wanted of the drills of databases, on the day of I(now). A decision counts to the end of the day C(until), in UTC.

    A database is given by its name, which patterns match, and the ID of its addon where that is known.
    """

    def __init__(self, policy: Data, now: float) -> None:
        self.every = policy["every"]
        self.seconds = _canon.seconds(policy["every"])
        self._policy = policy
        self._today = day(now)

    def is_in_scope(self, names: t.Sequence[str]) -> bool:
        """Whether a database is to be drilled."""
        return any(_means(pattern, names) for pattern in self._policy["scope"])

    def decisions(self, kind: str, names: t.Sequence[str]) -> list[Data]:
        """Return what was decided of a database: of exclusions why it is not drilled, of deviations what is accepted, by whom, until when."""
        return [
            {name: value for name, value in item.items() if name != "database"}
            for item in self._policy[kind]
            if item["until"] >= self._today and _means(item["database"], names)
        ]

    def of_nobody(self, databases: t.Sequence[t.Sequence[str]]) -> list[str]:
        """Return a sentence for each word of the policy that means no database of the run, and for each decision that is over."""
        words = [("scope", word, "9999") for word in self._policy["scope"] if word != "*"]
        for kind in ("exclusions", "deviations"):
            words += [(kind, item["database"], item["until"]) for item in self._policy[kind]]
        found = []
        for kind, word, until in words:
            if until < self._today:
                found.append(f"{kind} of the policy: what was decided of {visible(word)} was over on {until}.")
            elif not any(_means(word, names) for names in databases):
                found.append(f"{kind} of the policy: {visible(word)} is no database of this run.")
        return found


def _means(word: str, names: t.Sequence[str]) -> bool:
    return word in names or fnmatch.fnmatchcase(names[0], word)


def day(now: float) -> str:
    """Return the day of a time in seconds since 1970, in UTC."""
    return moment(now)[:10]


def counted(
    directory: str, allowed_signers: str = "", identity: str = "", known: t.Sequence[str] = ()
) -> tuple[list[Entry], list[_evidence_chain.Finding]]:
    """Return the evidence with which nothing is wrong, and all that is to be said of it. Raises `ScalingoError`."""
    findings = _evidence_chain.verify(directory, allowed_signers=allowed_signers, identity=identity, known=known)
    bad = {finding.file for finding in findings if finding.problem}
    return [entry for entry in entries(directory) if not entry.problem and entry.file not in bad], findings


# -- coverage -------------------------------------------------------------------------------------------------------------


def ended(entry: Entry) -> float:
    """Return when a drill ended, in seconds since 1970; 0 when its evidence does not say."""
    return seconds_of(entry.record.get("ended_at") or entry.record.get("written_at"))


def _is_of(record: Data, database: t.Mapping[str, t.Any]) -> bool:
    """Whether evidence is of a database: by the ID of the addon, where both know it; else by name and region."""
    own = record["database"]
    if database.get("addon_id") and own.get("addon_id"):
        return bool(database["addon_id"] == own["addon_id"])
    regions = {own.get("region"), database.get("region")} - {None, ""}
    return own.get("name") == database["name"] and len(regions) < 2


def _names(database: t.Mapping[str, t.Any]) -> list[str]:
    return [str(database[key]) for key in ("name", "addon_id") if database.get(key)]


def _of_outcome(drills: t.Iterable[Entry], outcome: str) -> list[Entry]:
    return [entry for entry in drills if entry.record["outcome"] == outcome]


def row(database: t.Mapping[str, t.Any], known: t.Iterable[Entry], policy: Policy, now: float) -> Data:
    """Return how a database is covered by drills; rehearsals of an upgrade are none, nor is what is dated in the future."""
    names = _names(database)
    drills = [entry for entry in known if _is_of(entry.record, database) and not is_rehearsal(entry.record)]
    drills = sorted((entry for entry in drills if ended(entry) <= now + _canon.AHEAD_SECONDS), key=ended)
    recent = [entry for entry in drills if ended(entry) >= now - policy.seconds]
    passed, failed = _of_outcome(drills, "passed"), _of_outcome(recent, "failed")
    exclusions = policy.decisions("exclusions", names)
    if not policy.is_in_scope(names):
        status, text = "out_of_scope", "It is not in the scope of the policy."
    elif exclusions:
        status, text = "excluded", "Excluded until {until} by {accepted_by}: {reason}".format(**exclusions[0])
    elif _of_outcome(drills[-1:], "failed"):
        said = (drills[-1].record.get("findings") or ["it failed"])[0]
        status, text = "failed", f"The last drill failed, and was not repeated: {said}"
    elif not passed or passed[-1] not in recent:
        when = f"; the last one that did was on {day(ended(passed[-1]))}" if passed else ""
        status, text = "overdue", f"No drill passed within {policy.every}{when}."
    elif failed:
        status, text = "retested", f"Failed on {day(ended(failed[-1]))}, and passed again on {day(ended(passed[-1]))}."
    else:
        status, text = "drilled", f"Passed on {day(ended(passed[-1]))}."
    return {
        "name": database["name"], **{key: database.get(key) or None for key in ("app", "addon_id", "region", "engine")},
        "last": _told(drills[-1:]), "last_passed": _told(passed[-1:]), "drills": len(recent), "failures": len(failed),
        "deviations": policy.decisions("deviations", names), "status": status, "level": STATUSES[status], "text": visible(text),
    }  # fmt: skip


def _told(drills: list[Entry]) -> Data | None:
    """What the coverage keeps of a drill, if there is one."""
    for entry in drills:
        more = {key: entry.record.get(key) for key in ("outcome", "ended_at")}
        return {"file": entry.file, "sha256": entry.sha256, **more}
    return None


def coverage(
    databases: t.Sequence[Data], known: t.Sequence[Entry], wrong: t.Sequence[str], policy: Policy, now: float
) -> Data:
    """Return how databases are covered, the worst first. What is wrong with the evidence is told; which of it counts, the caller says."""
    rows = [row(database, known, policy, now) for database in databases]
    order = list(STATUSES)
    counts = {status: sum(item["status"] == status for item in rows) for status in order}
    rows.sort(key=lambda item: (order.index(item["status"]), item["name"].casefold(), item["name"]))
    return {
        "format": FORMAT, "generated_at": moment(now), "every": policy.every,
        "counts": {"in_scope": len(rows) - counts["out_of_scope"] - counts["excluded"], **counts},
        "findings": [*wrong, *policy.of_nobody([_names(item) for item in databases])], "databases": rows,
    }  # fmt: skip


def sentence(report: Data) -> str:
    """Return the coverage in one sentence."""
    counts = report["counts"]
    covered = sum(counts[status] for status in COVERED)
    text = f"{covered} of {counts['in_scope']} databases in scope passed a drill within {report['every']}"
    more = {"retested": "after a failure", "failed": "failed", "overdue": "overdue", "excluded": "excluded"}
    told = [f"{counts[status]} {word}" for status, word in more.items() if counts[status]]
    return f"{text}{': ' + ', '.join(told) if told else ''}."


# -- rehearsals -----------------------------------------------------------------------------------------------------------


def unrehearsed(given: Data, database: Data, target: str, prefix: str, now: float) -> str:
    """Return why the variables of a role do not let an upgrade begin, as a sentence; empty when they do. I(prefix) is the role's.

    They do when it stays at its major version, or when a rehearsal of this addon on that of I(target) passed within the age.
    """
    age, directory = given["require_rehearsal"], given["evidence_dir"]
    if not age:
        return ""
    if not directory:
        return f"{prefix}require_rehearsal needs {prefix}evidence_dir, the directory of the evidence of restore drills"
    count = SERIES.get(re.sub("^scalingo-|-ng$", "", database["engine"]), UNKNOWN_SERIES)
    if not crosses_major(count, database["version"], target):
        return ""
    major = ".".join(target.split(".")[:count])
    why = f"{database['name']} is not upgraded: "
    try:
        known = counted(directory)[0]
    except ScalingoError as error:
        return f"{why}its rehearsals are not known: {error}"
    rehearsals = [entry for entry in known if _is_rehearsal_on(entry.record, database["addon_id"], count, target)]
    rehearsals.sort(key=ended)
    if _of_outcome(rehearsals[-1:], "failed"):
        return f"{why}the last rehearsal of its upgrade to {major} failed on {day(ended(rehearsals[-1]))}"
    times = [ended(entry) for entry in _of_outcome(rehearsals, "passed") if ended(entry) <= now + _canon.AHEAD_SECONDS]
    if times and times[-1] >= now - _canon.seconds(age):
        return ""
    older = f"; the last one was on {day(times[-1])}" if times else ""
    return f"{why}no rehearsal of its upgrade to {major} passed within {age}, by the evidence in {directory}{older}"


def unrehearsed_rows(rows: t.Mapping[str, Data], given: t.Mapping[str, Data], now: float) -> list[str]:
    """Return why databases of the plan of a fleet may not be upgraded, each in a sentence."""
    found = []
    for host, of in rows.items():
        if of["status"] == "pending":
            database = {**of, "name": host, "version": of["version_before"]}
            found.append(unrehearsed(given[host], database, of["version_wanted"], "fleet_upgrade_", now))
    return list(dict.fromkeys(filter(None, found)))


def _is_rehearsal_on(record: Data, addon_id: str, count: int, target: str) -> bool:
    if not is_rehearsal(record) or record["database"].get("addon_id") != addon_id:
        return False
    try:
        return not crosses_major(count, str((record.get("rehearsal") or {}).get("to")), target)
    except ValueError:
        return False
