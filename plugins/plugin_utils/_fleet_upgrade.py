# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.
"""The upgrade of a fleet: which databases have something to do, in which waves, and at the start of each wave whether it may begin.

A database is a host. What became of one is in the variables of its host, and nowhere else.
"""

from __future__ import annotations

import datetime
import fnmatch
import re
import typing as t

Data = dict[str, t.Any]
Hosts = t.Mapping[str, t.Mapping[str, t.Any]]

GROUP = "scalingo_fleet_upgrade"
#: What a run has once: the same for all of its databases.
OF_THE_RUN = (
    "scout",
    "order",
    "waves",
    "on_failure",
    "max_failures",
    "stop_starting_at",
    "freeze",
    "accept",
    "report_file",
)
TIME = "%Y-%m-%dT%H:%M:%SZ"
#: Statuses of databases that have something to do.
OPEN = ("pending", "resume")


class Refused(Exception):
    """The run cannot begin so. The message says why."""


# -- time ----------------------------------------------------------------------------------------------------------------


def now() -> datetime.datetime:
    return datetime.datetime.now(datetime.timezone.utc)


def instant(text: str) -> datetime.datetime:
    """Return a point in time of ISO 8601. One without an offset is in UTC."""
    # Python 3.9 and 3.10 do not know Z.
    found = datetime.datetime.fromisoformat(re.sub("[zZ]$", "+00:00", text.strip()))
    return found.astimezone(datetime.timezone.utc) if found.tzinfo else found.replace(tzinfo=datetime.timezone.utc)


def stop_at(text: str, begun: datetime.datetime) -> datetime.datetime | None:
    """Return the point in time after which nothing is started. A time of the day is the first one after the run began."""
    if not text:
        return None
    hours = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", text)
    if not hours:
        return instant(text)
    found = begun.replace(hour=int(hours[1]), minute=int(hours[2]), second=0, microsecond=0)
    return found if found > begun else found + datetime.timedelta(days=1)


def period(text: str) -> tuple[datetime.datetime, datetime.datetime]:
    """Return when a freeze FROM/TO begins and ends. A day is the whole of it."""
    first, slash, last = text.partition("/")
    begin, end = instant(first), instant(last)
    if re.fullmatch(r"\s*\d{4}-\d\d-\d\d\s*", last):
        end += datetime.timedelta(days=1)
    if not slash or end <= begin:
        raise ValueError(text)
    return begin, end


# -- the plan ------------------------------------------------------------------------------------------------------------


def settings(given: Hosts) -> Data:
    """Return the variables of the run, or refuse what is wrong with those of any database."""
    problems = list(dict.fromkeys(str(values.get("msg")) for values in given.values() if "waves" not in values))
    if problems:
        raise Refused("\n".join(problems))
    first, values = next(iter(given.items()))
    for name in OF_THE_RUN:
        other = next((host for host in given if given[host][name] != values[name]), None)
        if other is not None:
            raise Refused(f"fleet_upgrade_{name} is not the same for {first} and {other}: it is of the whole run")
    return {name: values[name] for name in OF_THE_RUN}


def make(
    given: Hosts, targets: Hosts, paths: Hosts, states: Hosts, groups: Hosts, earlier: Hosts | None = None
) -> Data:
    """Return the plan: a row for each database, the waves, and what of the variables is needed later.

    I(states) is what earlier runs noted of databases whose upgrade is not verified, I(earlier) the rows of the report of the last run.
    """
    run = settings(given)
    for host, target in targets.items():
        if "no_scout" in str(target.get("allow") or ""):
            raise Refused(f"{host}: allow has no_scout, which is of the whole run: put it into fleet_upgrade_allow")
    begun = now()
    rows = {host: _row(targets[host], given[host], paths[host], states.get(host) or {}) for host in given}
    _refuse_the_same(rows)
    order = _ordered(list(rows), run["order"], groups)
    resumed = [host for host in order if rows[host]["status"] == "resume"]
    pending = [host for host in order if rows[host]["status"] == "pending"]
    listed = any(values["databases"] for values in given.values())
    words = run["scout"]
    scout = _first(words, pending, groups) or (pending[0] if listed and not words and pending else None)
    scout = scout or _first(words, resumed, groups) or _first(words, _done(rows, pending, earlier or {}), groups)
    if pending and scout is None and "no_scout" not in _allowed(given):
        raise Refused(_without_scout(words, pending))
    later = [host for host in pending if host != scout]
    sizes = run["waves"]
    if scout and sizes[0] == 1 and len(sizes) > 1:
        # The wave of the scout.
        sizes = sizes[1:]
    alone = [[scout]] if scout in pending else []
    waves = _waves(resumed, [len(resumed)], rows) + alone + _waves(later, sizes, rows)
    for number, wave in enumerate(waves, 1):
        for host in wave:
            rows[host]["wave"] = number
    if scout:
        rows[scout]["scout"] = True
        if not rows[scout]["wave"]:
            rows[scout]["reason"] = "it was the scout of the run that this one takes up"
    end = stop_at(run["stop_starting_at"], begun)
    name = GROUP
    while name in groups:
        # A playbook may be imported twice.
        name += "_again"
    return {
        "rows": {host: rows[host] for host in order},
        "waves": waves,
        "group": name if waves else "all:!all",
        "scout": scout,
        "listed": listed,
        "started_at": begun.strftime(TIME),
        "stop_at": end and end.strftime(TIME),
        **{name: run[name] for name in ("on_failure", "max_failures", "freeze", "report_file")},
    }


def _allowed(given: Hosts) -> set[str]:
    """Return the consents that the run has; those of one database only are not of the run."""
    return set.intersection(*(set(values["allow"]) for values in given.values()))


def _row(
    target: t.Mapping[str, t.Any],
    given: t.Mapping[str, t.Any],
    result: t.Mapping[str, t.Any],
    state: t.Mapping[str, t.Any],
) -> Data:
    row: Data = {
        **{key: str(result.get(key) or target.get(key) or "") for key in ("app", "addon_id", "region")},
        **{"name": target["name"], "addon": str(target.get("addon") or target.get("addon_id") or ""), "engine": None},
        **{"status": "pending", "reason": "", "wave": None, "scout": False, "backup": given["backup"]},
        **dict.fromkeys(("version_before", "version_wanted", "major_available")),
    }
    if "path" not in result:
        error = result.get("error") or {}
        # A conflict is a database that is stopped or busy: nothing was tried.
        status = (
            "interrupted" if error.get("interrupted") else "skipped" if error.get("kind") == "Conflict" else "failed"
        )
        if state and status != "failed":
            status = "resume"
        reason = str(result.get("msg") or "it could not be read").replace("allow: [", "fleet_upgrade_allow: [")
        return {**row, "status": status, "reason": reason.replace(" to the task", " to the variables of the role")}
    database, path = result["database"], [version["version"] for version in result["path"]]
    before = ((result.get("diff") or {}).get("before") or {}).get("readable_version") or database["readable_version"]
    row.update(
        engine=database["type_name"],
        version_before=before,
        version_wanted=path[-1] if path else None,
        major_available=result.get("next_version") if result.get("major_available") else None,
    )
    busy = _busy(database)
    if state and (busy or before != (state.get("before") or {}).get("version")):
        return {**row, "status": "resume"}
    if not path:
        return {**row, "status": "unchanged"}
    if busy:
        return {**row, "status": "skipped", "reason": busy}
    if row["backup"] and (row["addon"].endswith("-ng") or "-dr-" in str(database.get("plan"))):
        row["backup"] = False
        if given["without_backup"] != "upgrade":
            return {
                **row,
                "status": "skipped",
                "reason": "a database with dedicated resources has no backups on demand",
            }
    return row


def _busy(database: t.Mapping[str, t.Any]) -> str:
    status, operation = database.get("status"), database.get("current_operation_id")
    if operation:
        return f"it is {status}, and the operation {operation}, which this run did not begin, is running"
    return "" if status == "running" else f"it is {status}, not running"


def _refuse_the_same(rows: Hosts) -> None:
    seen: dict[str, str] = {}
    for host, row in rows.items():
        if row["addon_id"] and seen.setdefault(row["addon_id"], host) != host:
            raise Refused(f"{seen[row['addon_id']]} and {host} are the same database, {row['addon_id']}: name it once")


def _matching(word: str, hosts: t.Iterable[str], groups: Hosts) -> list[str]:
    """Return the hosts that a word means: the name of one or of a group, or a pattern of names."""
    members = groups.get(word, ())
    return [host for host in hosts if host == word or host in members or fnmatch.fnmatchcase(host, word)]


def _ordered(hosts: list[str], words: t.Sequence[str], groups: Hosts) -> list[str]:
    first = [host for word in words for host in _matching(word, hosts, groups)]
    return list(dict.fromkeys([*first, *hosts]))


def _first(words: t.Sequence[str], hosts: t.Sequence[str], groups: Hosts) -> str | None:
    return next((host for word in words for host in _matching(word, hosts, groups)), None)


def _done(rows: Hosts, pending: t.Sequence[str], earlier: Hosts) -> list[str]:
    """Return who was the scout of the last run, where this one takes up what that has left, and nothing else.

    It has nothing to do any more, and it was upgraded and verified. One that never had anything to do is no scout.
    """
    well = [host for host, row in earlier.items() if row.get("outcome") in ("changed", "unchanged")]
    if not pending or any(host not in earlier or host in well for host in pending):
        return []
    return [
        host
        for host in well
        if earlier[host].get("scout") and host in rows and rows[host]["status"] == "unchanged"
        and rows[host]["addon_id"] == earlier[host].get("addon_id") and rows[host]["version_before"] == earlier[host].get("version_after")
    ]  # fmt: skip


def _without_scout(words: t.Sequence[str], pending: t.Sequence[str]) -> str:
    problem = "fleet_upgrade_scout is missing"
    if words:
        problem = f"none of fleet_upgrade_scout ({', '.join(words)}) is in this run and has an upgrade, or was the scout of a run that left these databases"
    return (
        f"{problem}: name databases that may be upgraded first, the least important first"
        f" ({', '.join(pending[:3])} {'has' if len(pending) == 1 else 'have'} an upgrade), or add no_scout to fleet_upgrade_allow"
    )


def _waves(hosts: list[str], sizes: t.Sequence[int], rows: Hosts) -> list[list[str]]:
    """Return waves of these sizes, the last one again and again, without two databases of one app in any."""
    left = list(hosts)
    waves: list[list[str]] = []
    while left:
        apps: dict[t.Any, str] = {}
        for host in left:
            app = (rows[host]["region"], rows[host]["app"] or host)
            if len(apps) < sizes[min(len(waves), len(sizes) - 1)]:
                apps.setdefault(app, host)
        waves.append(list(apps.values()))
        left = [host for host in left if host not in waves[-1]]
    return waves


# -- the start of a wave -------------------------------------------------------------------------------------------------


def turn(host: str, plan: t.Mapping[str, t.Any], known: Hosts) -> Data:
    """Return whether the upgrade of a database may begin, or why not."""
    row, at = plan["rows"][host], now()
    reason = "" if row["status"] == "resume" else _stop(plan, row["wave"], known, at)
    ends = [begin for begin, dummy in map(period, plan["freeze"]) if begin > at]
    ends += [instant(plan["stop_at"])] if plan["stop_at"] else []
    return {
        "go": not reason,
        "reason": reason,
        "at": at.strftime(TIME),
        "plan": plan["started_at"],
        "not_after": min(ends).strftime(TIME) if ends else "",
    }


def _stop(plan: t.Mapping[str, t.Any], number: int, known: Hosts, at: datetime.datetime) -> str:
    """Return why the wave of this number does not begin; empty when it does."""
    before = {host: outcome(host, plan, known) for wave in plan["waves"][: number - 1] for host in wave}
    failed = [host for host in before if before[host]["outcome"] == "failed"]
    lost = [host for host in before if before[host]["outcome"] == "unknown"]
    if lost:
        return f"nobody knows what became of {', '.join(lost)}"
    scout = before.get(plan["scout"] or "")
    if scout and scout["outcome"] not in ("changed", "unchanged"):
        return f"the scout {plan['scout']} {SAID[scout['outcome']]}"
    if failed and plan["on_failure"] != "finish":
        return f"{', '.join(failed)} failed"
    if len(failed) >= plan["max_failures"]:
        return "%d databases failed, and %d is the most: %s" % (len(failed), plan["max_failures"], ", ".join(failed))
    last = plan["waves"][number - 2] if number > 1 else []
    if last and all(before[host]["outcome"] == "interrupted" for host in last):
        return "everything of the last wave was interrupted"
    for text in plan["freeze"]:
        begin, end = period(text)
        if begin <= at < end:
            return f"nothing is started in the freeze {text}"
    return f"it is later than {plan['stop_at']}" if plan["stop_at"] and at >= instant(plan["stop_at"]) else ""


#: What an outcome is called after the name of a database.
SAID: t.Mapping[str, str] = {
    "failed": "failed",
    "interrupted": "was interrupted",
    "not_started": "was not started",
    "skipped": "was skipped",
}


def outcome(host: str, plan: t.Mapping[str, t.Any], known: Hosts) -> Data:
    """Return what became of a database: its outcome with reason, findings, steps, versions and times."""
    row = plan["rows"][host]
    found: Data = {
        **{"outcome": row["status"], "reason": row["reason"], "findings": [], "steps": [], "next_steps": []},
        **{"version_before": None, "version_after": row["version_before"] if row["status"] == "unchanged" else None},
        **dict.fromkeys(("backup_id", "started_at", "ended_at")),
    }
    if row["status"] not in OPEN:
        return found
    own = known[host]
    place: Data = own.get("fleet_upgrade_turn") or {}
    if place.get("plan") != plan["started_at"]:
        return {**found, "outcome": "not_started", "reason": "the run ended before"}
    if not place["go"]:
        return {**found, "outcome": "not_started", "reason": place["reason"]}
    summary: Data = own.get("upgrade_verify_summary") or {}
    if summary and str(summary["started_at"]) >= place["at"]:
        findings = [str(text) for text in summary["findings"]]
        failed_in = summary["failed_in"]
        found.update({key: summary[key] for key in found if key in summary})
        earlier = found["outcome"] == "unchanged" and found["version_before"] != found["version_after"]
        reason = "an earlier run upgraded it, and this one verified it" if earlier else ""
        return {**found, "findings": findings, "reason": reason, "failed_in": failed_in}
    error: Data = own.get("fleet_upgrade_error") or {}
    if error.get("at") == place["at"]:
        return {**found, "outcome": "failed", "reason": str(error["msg"])}
    return {**found, "outcome": "unknown", "reason": "the run ended before it knew how the upgrade ends"}
