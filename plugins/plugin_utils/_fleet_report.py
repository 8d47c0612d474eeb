# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.
"""How databases are rated, from what scalingo_database_info returns of them. Sends nothing.

Points in time stay points in time, so that the report of a fleet that stays as it is stays as it is.
"""

from __future__ import annotations

import json
import math
import re
import typing as t
from datetime import datetime, timezone

from ansible_collections.community.scalingo.plugins.module_utils import _canon
from ansible_collections.community.scalingo.plugins.module_utils._errors import visible

Data = dict[str, t.Any]
Given = t.Mapping[str, t.Any]

FORMAT = 1
DEDICATED = "postgresql-ng"

#: The levels, the worst first, and those that a finding can be given.
LEVELS = ("critical", "unreadable", "warning", "notice", "good")
CHOICES = ("critical", "warning", "notice", "none")

#: What each finding means, unless the user says otherwise.
FINDINGS: t.Mapping[str, str] = {
    "not_running": "critical",
    "in_progress": "notice",
    "instance_not_running": "warning",
    "no_backup": "critical",
    "first_backup_ahead": "notice",
    "backup_very_old": "critical",
    "backup_old": "warning",
    "backup_failed": "warning",
    "backups_off": "warning",
    "public_without_tls": "critical",
    "public": "warning",
    "force_ssl_off": "notice",
    "firewall_open": "warning",
    "feature_failed": "warning",
    "disk_nearly_full": "critical",
    "disk_filling_up": "warning",
    "connections_nearly_used_up": "critical",
    "connections_many": "warning",
    "minor_upgrade": "warning",
    "drill_overdue": "warning",
    "major_upgrade": "notice",
    "maintenance_ahead": "notice",
    "not_read": "warning",
}
THRESHOLDS = (
    *(f"backup_{level}_age" for level in ("warning", "critical")),
    "drill_warning_age",
    *(f"{what}_{level}_percent" for what in ("disk", "connections") for level in ("warning", "critical")),
)
#: What a reading is called in a sentence.
CALLED: t.Mapping[str, str] = {
    "versions": "The versions ahead",
    "backups": "The backups",
    "maintenance": "The maintenance",
    "metrics": "The metrics",
    "disk": "The size of the disk",
    "firewall": "The firewall",
}
#: What a status means that is neither running nor stopped (docs/contract.md section 3.1).
ON_THE_WAY: t.Mapping[str, str] = {
    "creating": "it is being created",
    "updating": "its plan is being changed",
    "upgrading": "it is being upgraded",
    "migrating": "Scalingo is moving a part of it",
}
MAINTENANCE_AHEAD = ("scheduled", "notified", "queued", "running")
BACKUP_FAILED = ("error", "cancelled")
# The platform itself reports continuous backups that are so late (docs/contract.md section 7.8).
ARCHIVED_LATE = 12 * 3600
#: So many databases are named in a failure; the report has them all.
MOST_NAMED = 20
WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


def instant(text: object) -> datetime:
    """Return a point in time as the modules return it."""
    return datetime.fromisoformat(_canon.instant(str(text)).replace("Z", "+00:00")).astimezone(timezone.utc)


def shown(text: str | None) -> str:
    """Return a point in time for people."""
    return "an unknown time" if text is None else instant(text).strftime("%Y-%m-%d %H:%M UTC")


def number(value: object) -> float | None:
    """Return a number, of what the platform hands on unchecked; none for anything else."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value >= 0:
        return value
    return int(value) if isinstance(value, str) and re.fullmatch("[0-9]{1,18}", value, re.ASCII) else None


def usage(used: float | None, limit: float | None) -> Data:
    """Return how much of something is used; rounded down, so that what is not full is never shown as full."""
    percent = None if used is None or not limit else int(100 * used / limit)
    return {"used": used, "limit": limit, "percent": percent}


class Row:
    """One database of the report, while it is being rated."""

    def __init__(self, place: Given, given: Given, levels: Given, now: datetime) -> None:
        self._given, self._levels, self._now = given, levels, now
        self.reasons: list[Data] = []
        known = {name: place.get(name) or None for name in ("app", "addon", "addon_id", "region")}
        read = ("engine", "resource_id", "plan", "status", "version", "backup", "maintenance", "exposure", "disk")
        self.data: Data = {"name": str(place["name"]), **known, "level": "good", "reasons": self.reasons}
        self.data.update(dict.fromkeys((*read, "connections")))

    def find(self, finding: str, text: str) -> None:
        """Note a reason."""
        level = self._levels.get(finding, finding)
        if level != "none":
            self.reasons.append({"finding": finding, "level": level, "text": visible(text)})

    def finish(self) -> Data:
        """Return the row with its level."""
        self.reasons.sort(key=lambda reason: LEVELS.index(reason["level"]))
        if self.reasons:
            self.data["level"] = self.reasons[0]["level"]
        return self.data

    def age(self, text: str) -> float:
        return max(0.0, (self._now - instant(text)).total_seconds())

    def limit(self, name: str) -> float:
        return _canon.seconds(self._given[name]) if name.endswith("_age") else float(self._given[name])

    def settings(self, database: Given) -> None:
        """What every database has."""
        dedicated = DEDICATED in (self.data["addon"], database.get("type_name"))
        window = database.get("maintenance_window") or {}
        known = [number(window.get(name)) is not None for name in ("weekday_utc", "starting_hour_utc")]
        self.data.update(
            app=self.data["app"] or database.get("app_name"),
            engine=DEDICATED if dedicated else database.get("type_name"),
            **{name: database.get(name) for name in ("resource_id", "plan", "status")},
            version={
                "current": database.get("readable_version"),
                "upgrade_available": database.get("next_version_id") is not None,
            },
            maintenance={"window": dict(window) if all(known) else None, "ahead": None},
        )
        status = database.get("status")
        if status in ON_THE_WAY:
            self.find("in_progress", f"In progress: {ON_THE_WAY[str(status)]}.")
        elif status != "running":
            self.find("not_running", f"It does not run: its status is {status or 'not known'}.")
        elif database.get("current_operation_id"):
            self.find("in_progress", f"In progress: the operation {database['current_operation_id']}.")
        for item in database.get("instances") or ():
            if status == "running" and item.get("status") not in (None, "running"):
                called = f"{item.get('type') or 'instance'} {item.get('id') or 'unknown'}"
                text = f"One of its instances does not run: the status of {called} is {item['status']}."
                self.find("instance_not_running", text)
        self._exposure(database, dedicated)

    def _exposure(self, database: Given, dedicated: bool) -> None:
        features = {str(item.get("name")): str(item.get("status")) for item in database.get("features") or ()}
        # What is being removed is still there, what is being added is not there yet.
        on = {name for name, status in features.items() if status in ("ACTIVATED", "PENDING_TO_REMOVE")}
        encrypted, public = "force-ssl" in on, None if dedicated else "publicly-available" in on
        self.data["exposure"] = {"publicly_available": public, "force_ssl": encrypted, "firewall": None}
        for name in sorted(name for name, status in features.items() if status == "FAILED"):
            self.find("feature_failed", f"The platform could not enable the feature {name}.")
        if public and encrypted:
            self.find("public", "It is open to the Internet, with TLS.")
        elif public:
            self.find("public_without_tls", "It is open to the Internet, and takes connections without encryption.")
        elif not encrypted:
            self.find("force_ssl_off", "It takes connections without encryption.")

    # -- readings, by the keys of the result of the module -------------------------------------------------------------

    def versions(self, path: Given, dummy: Given) -> None:
        """What is ahead, in words that do not count what is obvious."""
        current, minor, majors = path.get("current_version"), path.get("latest_minor"), list(path.get("majors") or ())
        self.data["version"].update(latest_minor=minor, latest=path.get("latest"), majors=majors)
        if minor != current:
            self.find("minor_upgrade", f"A minor upgrade is available: {minor}, it has {current}.")
        if majors:
            self.find("major_upgrade", f"A major upgrade is available: {', then '.join(majors)}.")

    def disk(self, point: Given, dummy: Given) -> None:
        """How full the disk is."""
        self.data["disk"] = usage(number(point.get("disk_used")), number(point.get("disk_total")))
        self._rate("disk", ("disk_filling_up", "disk_nearly_full"), "Its disk is {percent} % full.")

    def metrics(self, metrics: Given, dummy: Given) -> None:
        """Connections, where the engine tells; the use of the disk, unless it is read with its size."""
        stats = metrics.get("database_stats") or {}
        used = number(stats.get("current_connections"))
        if used is not None:
            self.data["connections"] = usage(used, number(stats.get("max_connections")))
            text = "{percent} % of its connections are in use: {used} of {limit}."
            self._rate("connections", ("connections_many", "connections_nearly_used_up"), text)
        if self.data["disk"] is None and metrics.get("real_disk_size") is not None:
            self.data["disk"] = usage(metrics["real_disk_size"], None)

    def _rate(self, name: str, findings: tuple[str, str], text: str) -> None:
        percent = self.data[name]["percent"]
        for finding, level in zip(reversed(findings), ("critical", "warning")):
            if percent is not None and percent >= self.limit(f"{name}_{level}_percent"):
                self.find(finding, text.format(**self.data[name]))
                return

    def backups(self, backups: t.Sequence[Given], database: Given) -> None:
        """The last good backup, its age, and whether others came to nothing since."""
        ended = [item for item in backups if item.get("status") in ("done", *BACKUP_FAILED)]
        done = [item for item in ended if item["status"] == "done"]
        # One that is dated by a clock that went wrong would be young for as long. Where all are, that may be the clock of this machine.
        good = next((item for item in done if not self._is_ahead(item)), next(iter(done), None))
        known = good or {}
        last = known.get("started_at") or known.get("created_at")
        enabled = database.get("periodic_backups_enabled")
        self.data["backup"] = {
            "kind": "backup",
            "last_good_at": last,
            "last_good_id": known.get("id"),
            "method": known.get("method"),
            "size": known.get("size"),
            "periodic": enabled,
            "hours_utc": list(database.get("periodic_backups_scheduled_at") or ()),
        }
        if good is not None and last is None:
            self.find("not_read", "The platform does not say when the last good backup was made.")
        else:
            self._rate_backup(last, "good backup", database)
        if ended and ended[0]["status"] in BACKUP_FAILED:
            when = shown(ended[0].get("started_at") or ended[0].get("created_at"))
            self.find("backup_failed", f"The last backup, of {when}, ended with status {ended[0]['status']}.")
        if enabled is False:
            self.find("backups_off", "Backups are not made every day: periodic backups are off.")

    def recovery_window(self, window: Given, database: Given) -> None:
        """The latest point that dedicated resources, which have no backups of the platform, can go back to."""
        latest, earliest = window.get("latest_recoverable_at"), window.get("earliest_recoverable_at")
        # Both ends move on all the time, and would make every report another one: its length does not, nor does an end that has stopped.
        self.data["backup"] = {
            "kind": "point in time",
            "recoverable_days": (instant(latest) - instant(earliest)).days if latest and earliest else None,
            "recoverable_until": None if latest is None or self.age(latest) <= ARCHIVED_LATE else latest,
        }
        self._rate_backup(latest, "point in time to go back to", database)

    def _is_ahead(self, item: Given) -> bool:
        """Whether a backup began in the future."""
        began = item.get("started_at") or item.get("created_at")
        return began is not None and _canon.is_ahead(began, self._now.timestamp())

    def _rate_backup(self, last: str | None, called: str, database: Given) -> None:
        created = database.get("created_at")
        if last is None and created is not None and self.age(created) <= self.limit("backup_warning_age"):
            self.find("first_backup_ahead", f"There is no {called} yet: it was created at {shown(created)}.")
        elif last is None:
            self.find("no_backup", f"There is no {called}.")
        else:
            for finding, name in (("backup_very_old", "backup_critical_age"), ("backup_old", "backup_warning_age")):
                if self.age(last) > self.limit(name):
                    text = f"The last {called} is older than {self._given[name]}: it is of {shown(last)}."
                    self.find(finding, text)
                    return

    def maintenance(self, maintenances: t.Sequence[Given], dummy: Given) -> None:
        """What Scalingo is going to do."""
        ahead = [item for item in maintenances if item.get("status") in MAINTENANCE_AHEAD]
        fields = ("id", "type", "status", "started_at")
        self.data["maintenance"]["ahead"] = [{name: item.get(name) for name in fields} for item in ahead]
        window = self.data["maintenance"]["window"]
        when = ""
        if window:
            when = f" in the window on {WEEKDAYS[window['weekday_utc'] % 7]} from {window['starting_hour_utc']}:00 UTC"
        for item in ahead:
            kind = item.get("type") or "of an unknown kind"
            text = f"Scalingo is going to maintain it{when} ({kind}, {item['status']})."
            self.find(
                "maintenance_ahead",
                f"Scalingo maintains it now ({kind})." if item["status"] == "running" else text,
            )

    def firewall_rules(self, rules: t.Sequence[Given], dummy: Given) -> None:
        """Who may connect to dedicated resources."""
        ranges = [str(rule.get("cidr") or rule.get("range_id")) for rule in rules]
        self.data["exposure"]["firewall"] = ranges
        for span in _canon.wide_spans(ranges):
            self.find("firewall_open", f"The firewall lets in all addresses from {span}.")


#: In this order findings of a level stand.
READINGS = (
    Row.versions,
    Row.disk,
    Row.metrics,
    Row.backups,
    Row.recovery_window,
    Row.maintenance,
    Row.firewall_rules,
)


def said(failure: Given) -> str:
    """Return what a failure says, without what is another each time."""
    text, hint = str(failure["msg"]), str((failure.get("error") or {}).get("hint") or "")
    if "request id" in hint and text.endswith(hint):
        text = text[: -len(hint)].rstrip()
    return re.sub(r", request id [^\],]*", "", text)


def report(given: Given, read: Given, now: str, previous: str | None = None) -> Data:
    """Return the report on what was read: each database has a level and the reasons for it in words, the worst first.

    `given` are the variables of the role, and in `drills_overdue` a sentence for each database of which that is so. `read` is what the module
    returned. `previous` is the report that was written
    before: when nothing but the time is different, its time is kept. What is no report is ignored.
    """
    moment, levels = instant(now), {**FINDINGS, **given["levels"]}
    rows = {}
    for database in read.get("databases") or ():
        row = rows[database["name"]] = Row(database, given, levels, moment)
        row.settings(database)
        for take in READINGS:
            if database.get(take.__name__) is not None:
                take(row, database[take.__name__], database)
        if database["name"] in given.get("drills_overdue", ()):
            row.find("drill_overdue", given["drills_overdue"][database["name"]])
    for failure in read["failures"]:
        if failure["reading"] is None:
            row = rows[failure["name"]] = Row(failure, given, levels, moment)
            row.find("unreadable", f"It could not be read. {said(failure)}")
        else:
            called = CALLED[failure["reading"]]
            rows[failure["name"]].find("not_read", f"{called} could not be read. {said(failure)}")
    finished = sorted((row.finish() for row in rows.values()), key=_badness)
    whole: Data = {
        "format": FORMAT,
        "generated_at": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "readings": ["database", *(name for name in CALLED if name in given["readings"])],
        "thresholds": {name: _plain(given[name]) for name in THRESHOLDS},
        "levels": levels,
        "counts": {level: sum(row["level"] == level for row in finished) for level in LEVELS},
        "findings": [
            visible(f"{row['name']}: {reason['text']}")
            for row in finished
            for reason in row["reasons"]
            if reason["level"] in ("critical", "unreadable")
        ],
        "databases": finished,
    }
    before = _loaded(previous)
    if before is not None and _same({**before, "generated_at": None}, {**whole, "generated_at": None}):
        whole["generated_at"] = before["generated_at"]
    return whole


def _plain(limit: t.Any) -> t.Any:
    return int(limit) if isinstance(limit, float) and limit.is_integer() else limit


def _loaded(previous: str | None) -> Data | None:
    try:
        before = json.loads(previous or "null")
    except (ValueError, RecursionError):
        return None
    return before if isinstance(before, dict) and isinstance(before.get("generated_at"), str) else None


def _same(one: Data, other: Data) -> bool:
    try:
        return json.dumps(one, sort_keys=True, default=str) == json.dumps(other, sort_keys=True, default=str)
    except RecursionError:
        return False


def _badness(row: Data) -> tuple[t.Any, ...]:
    counts = [-sum(reason["level"] == level for reason in row["reasons"]) for level in LEVELS]
    return (LEVELS.index(row["level"]), *counts, row["name"].casefold(), row["name"])


def outcome(given: Given, made: Data, kinds: t.Collection[str], written: t.Sequence[str], checking: bool) -> Data:
    """Return what the role has come to, as its summary says it; `sentence` is for a person, last.

    `kinds` are those of the errors for which databases could not be read, `written` are the files that are another one now.
    """
    rows, counts = made["databases"], made["counts"]
    bad = [row for row in rows if row["level"] in given["fail_on"]]
    page = given["json_file"] if given["html_file"] == "none" else given["html_file"]
    told = ", ".join(f"{counts[level]} {level}" for level in LEVELS if counts[level])
    state = "would be written to" if written and checking else "is written to" if written else "is unchanged in"
    found: Data = {
        "outcome": "unchanged" if not written else "would_change" if checking else "changed",
        "steps": [f"{'would write' if checking else 'wrote'} {path}" for path in written],
        "findings": made["findings"],
        "next_steps": [f"Read {page}."] if made["findings"] else [],
        "counts": counts,
        "sentence": f"{len(rows)} database{'s' * (len(rows) != 1)}: {told}. The report {state} {page}.",
    }
    if counts["unreadable"] == len(rows):
        lines = [f"None of the databases could be read. The first said: {rows[0]['reasons'][0]['text']}"]
    elif bad:
        names = " or ".join(level for level in LEVELS if level in given["fail_on"] and counts[level])
        lines = [f"{len(bad)} of {len(rows)} databases {'are' if bad[1:] else 'is'} {names}:"]
        for row in bad[:MOST_NAMED]:
            texts = " ".join(reason["text"] for reason in row["reasons"] if reason["level"] == row["level"])
            lines.append(f"- {row['name']} is {row['level']}: {texts}")
        lines += [f"- and {len(bad) - MOST_NAMED} more"] * (len(bad) > MOST_NAMED)
    else:
        return found
    interrupted = counts["unreadable"] == len(rows) and set(kinds) <= {"Unreachable", "NotTried"}
    steps = [f"The report is written: read {page}." if not checking else f"The report {state} {page}."]
    steps += ["Run the report again when the API answers."] * interrupted
    found.update(outcome="interrupted" if interrupted else "failed", next_steps=steps)
    return {**found, "findings": ["\n".join(lines), *made["findings"]], "sentence": "\n".join(lines + steps)}
