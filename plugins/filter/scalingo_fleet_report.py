# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: scalingo_fleet_report
version_added: 0.1.0
short_description: Rate the databases of a fleet, worst first
description:
  - Takes a list of databases and what modules of this collection returned for them in loops, and returns a report as data, in which each
    database has a level and the reasons for it in words.
  - It sends no request. The role P(community.scalingo.fleet_report#role) does the reading, and writes the report as a page and as JSON.
  - Points in time stay points in time, so that the report of a fleet that stays as it is stays as it is.
options:
  _input:
    description: The databases that were to be read, each with C(name), C(app), C(addon), C(addon_id) and C(region), and with C(error) when it is known
      that it cannot be read.
    type: list
    elements: dict
    required: true
  database:
    description: Results of M(community.scalingo.scalingo_database_info) in loops over the input.
    type: list
    elements: dict
    required: true
  versions:
    description: Results of M(community.scalingo.scalingo_version_info), of one database for each version that the databases have.
    type: list
    elements: dict
  backups:
    description: Results of M(community.scalingo.scalingo_backup_info).
    type: list
    elements: dict
  recovery:
    description: Results of M(community.scalingo.scalingo_recovery_window_info), of databases with dedicated resources.
    type: list
    elements: dict
  maintenance:
    description: Results of M(community.scalingo.scalingo_maintenance_info).
    type: list
    elements: dict
  metrics:
    description: Results of M(community.scalingo.scalingo_metrics_info).
    type: list
    elements: dict
  disk:
    description: Results of M(community.scalingo.scalingo_metrics_info) for the type V(disk) with only the last point.
    type: list
    elements: dict
  firewall:
    description: Results of M(community.scalingo.scalingo_firewall_rule_info), of databases with dedicated resources.
    type: list
    elements: dict
  now:
    description: The time, as ISO 8601 in UTC.
    type: str
    required: true
  thresholds:
    description: The numbers that are compared with, over the defaults of the role.
    type: dict
    default: {}
  levels:
    description: Levels of findings, over those that RV(_value.levels) shows. V(none) leaves a finding out.
    type: dict
    default: {}
  previous:
    description: The report that was written before, as a dictionary or as JSON. When nothing but the time is different, its time is kept. What is
      no report is ignored.
    type: raw
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Read two databases
  community.scalingo.scalingo_database_info:
    app: "{{ item.app }}"
    addon: "{{ item.addon }}"
  loop: "{{ databases }}"
  register: result
  failed_when: false
  vars: &databases
    databases:
      - {name: shop, app: shop, addon: postgresql}
      - {name: metrics, app: metrics, addon: influxdb}

- name: Show the worst database and its findings
  ansible.builtin.debug:
    msg: "{{ report.databases[0].name }}: {{ report.databases[0].reasons | map(attribute='text') | join(' ') }}"
  vars:
    <<: *databases
    report: "{{ databases | community.scalingo.scalingo_fleet_report(database=result.results, now=time) }}"
    time: "{{ now(utc=true, fmt='%Y-%m-%dT%H:%M:%SZ') }}"
"""

RETURN = r"""
_value:
  description: The report.
  type: dict
  contains:
    format:
      description: The version of the form of the report.
      type: int
    generated_at:
      description: When it was found first that everything is as the report says.
      type: str
    readings:
      description: What was read, as far as the arguments say.
      type: list
      elements: str
    thresholds:
      description: The numbers that were compared with.
      type: dict
    levels:
      description: The levels of the findings.
      type: dict
    counts:
      description: How many databases have each level.
      type: dict
    findings:
      description: A sentence for each finding that is critical, and for each database that could not be read.
      type: list
      elements: str
    databases:
      description: The databases, the worst first.
      type: list
      elements: dict
"""

import json
import math
import re
import typing as t
from datetime import datetime, timezone

from ansible.errors import AnsibleFilterError
from ansible.utils.unsafe_proxy import wrap_var
from ansible_collections.community.scalingo.plugins.module_utils import _canon
from ansible_collections.community.scalingo.plugins.module_utils._errors import visible

Data = dict[str, t.Any]
Results = t.Optional[t.Sequence[t.Mapping[str, t.Any]]]

FORMAT = 1
DEDICATED = "postgresql-ng"

#: The levels, the worst first.
LEVELS = ("critical", "unreadable", "warning", "notice", "good")
#: Those that a finding can be given.
CHOICES = ("critical", "warning", "notice", "none")

#: What each finding means, unless the caller says otherwise.
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
    "major_upgrade": "notice",
    "maintenance_ahead": "notice",
    "not_read": "warning",
}

THRESHOLDS: t.Mapping[str, t.Any] = {
    "backup_warning_age": "26h",
    "backup_critical_age": "3d",
    "disk_warning_percent": 80,
    "disk_critical_percent": 95,
    "connections_warning_percent": 80,
    "connections_critical_percent": 95,
}

#: What a reading is called in a sentence.
CALLED: t.Mapping[str, str] = {
    "versions": "the versions ahead",
    "backups": "the backups",
    "recovery": "the recovery window",
    "maintenance": "the maintenance",
    "metrics": "the metrics",
    "disk": "the size of the disk",
    "firewall": "the firewall",
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
WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")


def instant(text: object) -> datetime:
    """A point in time as the modules return it."""
    moment = datetime.fromisoformat(_canon.instant(str(text)).replace("Z", "+00:00"))
    return moment.astimezone(timezone.utc)


def shown(text: str | None) -> str:
    """A point in time for people."""
    return "an unknown time" if text is None else instant(text).strftime("%Y-%m-%d %H:%M UTC")


def number(value: object) -> float | None:
    """A number, of what the platform hands on unchecked; none for anything else."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value) and value >= 0:
        return value
    return int(value) if isinstance(value, str) and re.fullmatch("[0-9]{1,18}", value, re.ASCII) else None


def percentage(used: float | None, total: float | None) -> int | None:
    """How much of something is used; rounded down, so that what is not full is never shown as full."""
    return None if used is None or not total else int(100 * used / total)


class Limits:
    """The thresholds, checked."""

    def __init__(self, given: t.Mapping[str, t.Any]) -> None:
        unknown = sorted(set(given) - set(THRESHOLDS))
        if unknown:
            raise AnsibleFilterError(
                f"scalingo_fleet_report: there is no threshold {unknown[0]}; there are {', '.join(THRESHOLDS)}"
            )
        self.shown: Data = {**THRESHOLDS, **given}
        self.seconds: dict[str, float] = {}
        self.percent: dict[str, float] = {}
        for name, value in self.shown.items():
            try:
                if name.endswith("_age"):
                    self.seconds[name] = _canon.seconds(value)
                else:
                    number = self.percent[name] = float(value)
                    self.shown[name] = int(number) if number.is_integer() else number
            except (TypeError, ValueError) as error:
                raise AnsibleFilterError(f"scalingo_fleet_report: {name}: {error}") from None


class Row:
    """One database of the report, while it is being rated."""

    def __init__(
        self, target: t.Mapping[str, t.Any], now: datetime, limits: Limits, levels: t.Mapping[str, str]
    ) -> None:
        self._now = now
        self._limits = limits
        self._levels = levels
        self.reasons: list[Data] = []
        self.data: Data = {
            "name": str(target["name"]),
            "app": target.get("app") or None,
            "addon": target.get("addon") or None,
            "addon_id": target.get("addon_id") or None,
            "region": target.get("region") or None,
            "level": "good",
            "reasons": self.reasons,
            "engine": None,
            "resource_id": None,
            "plan": None,
            "status": None,
            "version": None,
            "backup": None,
            "maintenance": None,
            "exposure": None,
            "disk": None,
            "connections": None,
        }

    def find(self, finding: str, text: str) -> None:
        """Note a reason."""
        level = self._levels[finding]
        if level != "none":
            self.reasons.append({"finding": finding, "level": level, "text": visible(text)})

    def unreadable(self, text: str) -> None:
        """Note that nothing is known."""
        self.reasons.append(
            {"finding": "unreadable", "level": "unreadable", "text": visible(f"It could not be read. {text}")}
        )

    def finish(self) -> Data:
        """The row with its level."""
        self.reasons.sort(key=lambda reason: LEVELS.index(reason["level"]))
        if self.reasons:
            self.data["level"] = self.reasons[0]["level"]
        return self.data

    def _age(self, text: str) -> float:
        return max(0.0, (self._now - instant(text)).total_seconds())

    # -- what is known of a database ----------------------------------------------------------------------------------

    def describe(self, database: t.Mapping[str, t.Any], result: t.Mapping[str, t.Any]) -> None:
        """What `scalingo_database_info` says."""
        engine = database.get("type_name")
        if DEDICATED in (self.data["addon"], engine):
            engine = DEDICATED
        window = database.get("maintenance_window") or {}
        known = [number(window.get(name)) is not None for name in ("weekday_utc", "starting_hour_utc")]
        self.data.update(
            app=self.data["app"] or database.get("app_name"),
            addon_id=result.get("addon_id") or self.data["addon_id"],
            region=result.get("region") or self.data["region"],
            engine=engine,
            resource_id=database.get("resource_id"),
            plan=database.get("plan"),
            status=database.get("status"),
            version={
                "current": database.get("readable_version"),
                "upgrade_available": database.get("next_version_id") is not None,
            },
            maintenance={"window": dict(window) if all(known) else None, "ahead": None},
        )
        self._status(database)
        self._features(database)

    def _status(self, database: t.Mapping[str, t.Any]) -> None:
        status = database.get("status")
        if status in ON_THE_WAY:
            self.find("in_progress", f"In progress: {ON_THE_WAY[str(status)]}.")
        elif status != "running":
            self.find("not_running", "It does not run: its status is %s." % (status or "not known"))
        elif database.get("current_operation_id"):
            self.find("in_progress", f"In progress: the operation {database['current_operation_id']}.")
        for item in database.get("instances") or ():
            if status == "running" and item.get("status") not in (None, "running"):
                self.find(
                    "instance_not_running",
                    f"One of its instances does not run: the status of {item.get('type') or 'instance'} {item.get('id') or 'unknown'} is {item['status']}.",
                )

    def _features(self, database: t.Mapping[str, t.Any]) -> None:
        features = {str(item.get("name")): str(item.get("status")) for item in database.get("features") or ()}
        # What is being removed is still there, what is being added is not there yet.
        on = {name for name, status in features.items() if status in ("ACTIVATED", "PENDING_TO_REMOVE")}
        dedicated = self.data["engine"] == DEDICATED
        self.data["exposure"] = {
            "publicly_available": None if dedicated else "publicly-available" in on,
            "force_ssl": "force-ssl" in on,
            "firewall": None,
        }
        for name, status in sorted(features.items()):
            if status == "FAILED":
                self.find("feature_failed", f"The platform could not enable the feature {name}.")
        if not dedicated and "publicly-available" in on:
            if "force-ssl" in on:
                self.find("public", "It is open to the Internet, with TLS.")
            else:
                self.find("public_without_tls", "It is open to the Internet, and takes connections without encryption.")
        elif "force-ssl" not in on:
            self.find("force_ssl_off", "It takes connections without encryption.")

    # -- what costs a request more -------------------------------------------------------------------------------------

    def not_read(self, reading: str, text: str) -> None:
        """Note that a reading failed."""
        self.find("not_read", f"{CALLED[reading].capitalize()} could not be read. {text}")

    def versions(self, result: t.Mapping[str, t.Any]) -> None:
        """What is ahead, in words that do not count what is obvious."""
        current, minor, majors = (
            result.get("current_version"),
            result.get("latest_minor"),
            list(result.get("majors") or ()),
        )
        self.data["version"].update(latest_minor=minor, latest=result.get("latest"), majors=majors)
        if minor != current:
            self.find("minor_upgrade", f"A minor upgrade is available: {minor}, it has {current}.")
        if majors:
            self.find("major_upgrade", f"A major upgrade is available: {', then '.join(majors)}.")

    def backups(self, backups: t.Sequence[t.Mapping[str, t.Any]], database: t.Mapping[str, t.Any]) -> None:
        """The last good backup, its age, and whether others came to nothing since."""
        ended = [item for item in backups if item.get("status") in ("done",) + BACKUP_FAILED]
        good = next((item for item in ended if item["status"] == "done"), None)
        last_good = None if good is None else good.get("started_at") or good.get("created_at")
        enabled = database.get("periodic_backups_enabled")
        self.data["backup"] = {
            "kind": "backup",
            "last_good_at": last_good,
            "last_good_id": None if good is None else good.get("id"),
            "method": None if good is None else good.get("method"),
            "size": None if good is None else good.get("size"),
            "periodic": enabled,
            "hours_utc": list(database.get("periodic_backups_scheduled_at") or ()),
        }
        if good is not None and last_good is None:
            self.find("not_read", "The platform does not say when the last good backup was made.")
        else:
            self._rate_backup(last_good, "good backup", database)
        if ended and ended[0]["status"] in BACKUP_FAILED:
            self.find(
                "backup_failed",
                "The last backup, of {}, ended with status {}.".format(
                    shown(ended[0].get("started_at") or ended[0].get("created_at")), ended[0]["status"]
                ),
            )
        if enabled is False:
            self.find("backups_off", "Backups are not made every day: periodic backups are off.")

    def recovery(self, windows: t.Sequence[t.Mapping[str, t.Any]], database: t.Mapping[str, t.Any]) -> None:
        """The latest point that dedicated resources, which have no backups of the platform, can go back to."""
        latest = windows[0].get("latest_recoverable_at") if windows else None
        earliest = windows[0].get("earliest_recoverable_at") if windows else None
        # Both ends move on all the time, and would make every report another one: its length does not, nor does an end that has stopped.
        length = None if latest is None or earliest is None else instant(latest) - instant(earliest)
        self.data["backup"] = {
            "kind": "point in time",
            "recoverable_days": None if length is None else length.days,
            "recoverable_until": None if latest is None or self._age(latest) <= ARCHIVED_LATE else latest,
        }
        self._rate_backup(latest, "point in time to go back to", database)

    def _rate_backup(self, last_good: str | None, called: str, database: t.Mapping[str, t.Any]) -> None:
        warning, critical = (self._limits.seconds[f"backup_{level}_age"] for level in ("warning", "critical"))
        created = database.get("created_at")
        if last_good is None:
            if created is not None and self._age(created) <= warning:
                self.find("first_backup_ahead", f"There is no {called} yet: it was created at {shown(created)}.")
            else:
                self.find("no_backup", f"There is no {called}.")
            return
        for finding, name, limit in (
            ("backup_very_old", "backup_critical_age", critical),
            ("backup_old", "backup_warning_age", warning),
        ):
            if self._age(last_good) > limit:
                self.find(
                    finding,
                    f"The last {called} is older than {self._limits.shown[name]}: it is of {shown(last_good)}.",
                )
                return

    def maintenance(self, maintenances: t.Sequence[t.Mapping[str, t.Any]]) -> None:
        """What Scalingo is going to do."""
        ahead = [dict(item) for item in maintenances if item.get("status") in MAINTENANCE_AHEAD]
        self.data["maintenance"]["ahead"] = [
            {name: item.get(name) for name in ("id", "type", "status", "started_at")} for item in ahead
        ]
        window = self.data["maintenance"]["window"]
        for item in ahead:
            kind = item.get("type") or "of an unknown kind"
            if item["status"] == "running":
                self.find("maintenance_ahead", f"Scalingo maintains it now ({kind}).")
            else:
                when = (
                    f" in the window on {WEEKDAYS[window['weekday_utc'] % 7]} from {window['starting_hour_utc']}:00 UTC"
                    if window
                    else ""
                )
                self.find(
                    "maintenance_ahead",
                    f"Scalingo is going to maintain it{when} ({kind}, {item['status']}).",
                )

    def metrics(self, metrics: t.Mapping[str, t.Any]) -> None:
        """Connections, where the engine tells; the use of the disk, unless it is read with its size."""
        stats = metrics.get("database_stats") or {}
        used, most = number(stats.get("current_connections")), number(stats.get("max_connections"))
        if used is not None:
            self.data["connections"] = {"used": used, "limit": most, "percent": percentage(used, most)}
            text = "%(percent)s %% of its connections are in use: %(used)s of %(limit)s."
            self._rate("connections", ("connections_many", "connections_nearly_used_up"), text)
        if self.data["disk"] is None and metrics.get("real_disk_size") is not None:
            self.data["disk"] = {"used": metrics["real_disk_size"], "limit": None, "percent": None}

    def disk(self, points: t.Sequence[t.Mapping[str, t.Any]]) -> None:
        """How full the disk is."""
        if not points:
            return
        used, total = number(points[-1].get("disk_used")), number(points[-1].get("disk_total"))
        self.data["disk"] = {"used": used, "limit": total, "percent": percentage(used, total)}
        self._rate("disk", ("disk_filling_up", "disk_nearly_full"), "Its disk is %(percent)s %% full.")

    def _rate(self, name: str, findings: tuple[str, str], text: str) -> None:
        percent = self.data[name]["percent"]
        if percent is None:
            return
        if percent >= self._limits.percent[name + "_critical_percent"]:
            self.find(findings[1], text % self.data[name])
        elif percent >= self._limits.percent[name + "_warning_percent"]:
            self.find(findings[0], text % self.data[name])

    def firewall(self, rules: t.Sequence[t.Mapping[str, t.Any]]) -> None:
        """Who may connect to dedicated resources."""
        ranges = [str(rule.get("cidr") or rule.get("range_id")) for rule in rules]
        self.data["exposure"]["firewall"] = ranges
        for span in _canon.wide_spans(ranges):
            self.find("firewall_open", f"The firewall lets in all addresses from {span}.")


def said(result: t.Mapping[str, t.Any]) -> str:
    """What a task that failed says."""
    text = str(result.get("msg") or "The task did not say why.")
    hint = str((result.get("error") or {}).get("hint") or "")
    if "request id" in hint and text.endswith(hint):
        text = text[: -len(hint)].rstrip()
    return steady(text)


def steady(text: str) -> str:
    """The text without what is another each time."""
    return re.sub(r", request id [^\],]*", "", text)


def by_name(results: Results) -> dict[str, t.Mapping[str, t.Any]]:
    """Results of loops by the database that they are about, those of skipped turns left out."""
    return {str(result["item"]["name"]): result for result in results or () if not result.get("skipped")}


def version_key(result: t.Mapping[str, t.Any], database: t.Mapping[str, t.Any]) -> tuple[t.Any, ...]:
    """Databases of which this is the same have the same versions ahead."""
    return (
        result.get("region"),
        database.get("type_name"),
        database.get("readable_version"),
        database.get("next_version_id"),
    )


def report(
    targets: t.Sequence[t.Mapping[str, t.Any]],
    database: Results,
    now: str,
    versions: Results = None,
    backups: Results = None,
    recovery: Results = None,
    maintenance: Results = None,
    metrics: Results = None,
    disk: Results = None,
    firewall: Results = None,
    thresholds: t.Mapping[str, t.Any] | None = None,
    levels: t.Mapping[str, str] | None = None,
    previous: object = None,
) -> Data:
    """The filter."""
    limits, rating, moment = Limits(thresholds or {}), _levels(levels or {}), instant(now)
    found = by_name(database)
    read = {
        name: by_name(results)
        for name, results in (
            ("disk", disk),
            ("metrics", metrics),
            ("backups", backups),
            ("recovery", recovery),
            ("maintenance", maintenance),
            ("firewall", firewall),
        )
    }
    known = {name: result["databases"][0] for name, result in found.items() if result.get("databases")}
    ahead = {
        version_key(found[name], known[name]): result for name, result in by_name(versions).items() if name in known
    }
    rows = []
    for target in targets:
        name, row = str(target["name"]), Row(target, moment, limits, rating)
        rows.append(row)
        if name not in known:
            row.unreadable(steady(str(target.get("error") or "")) or _why_not(found.get(name)))
            continue
        row.describe(known[name], found[name])
        if versions is not None and known[name].get("next_version_id") is None:
            row.data["version"].update(
                latest_minor=known[name].get("readable_version"), latest=known[name].get("readable_version"), majors=[]
            )
        elif version_key(found[name], known[name]) in ahead:
            result = ahead[version_key(found[name], known[name])]
            if "majors" in result:
                row.versions(result)
            else:
                row.not_read("versions", said(result))
        for reading, key, use in (
            ("disk", "points", row.disk),
            ("metrics", "metrics", lambda items, row=row: [row.metrics(item) for item in items[:1]]),
            ("backups", "backups", lambda items, row=row, database=known[name]: row.backups(items, database)),
            (
                "recovery",
                "recovery_windows",
                lambda items, row=row, database=known[name]: row.recovery(items, database),
            ),
            ("maintenance", "maintenances", row.maintenance),
            ("firewall", "firewall_rules", row.firewall),
        ):
            answer = read[reading].get(name)
            if answer is not None:
                if key in answer:
                    use(answer[key])
                else:
                    row.not_read(reading, said(answer))
    readings = [
        name
        for name, results in (
            ("database", database),
            ("versions", versions),
            ("backups", backups),
            ("maintenance", maintenance),
            ("metrics", metrics),
            ("disk", disk),
            ("firewall", firewall),
        )
        if results is not None
    ]
    finished = sorted((row.finish() for row in rows), key=_badness)
    whole: Data = {
        "format": FORMAT,
        "generated_at": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "readings": readings,
        "thresholds": limits.shown,
        "levels": rating,
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
    if before and _same({**before, "generated_at": None}, {**whole, "generated_at": None}):
        whole["generated_at"] = before["generated_at"]
    return t.cast(Data, wrap_var(whole))


def _loaded(previous: object) -> Data | None:
    """A report that was written before, if it is one."""
    if isinstance(previous, str):
        try:
            previous = json.loads(previous)
        except (ValueError, RecursionError):
            return None
    if not isinstance(previous, dict) or not isinstance(previous.get("generated_at"), str):
        return None
    return previous


def _levels(given: t.Mapping[str, str]) -> dict[str, str]:
    for name, level in given.items():
        if name not in FINDINGS:
            raise AnsibleFilterError(
                f"scalingo_fleet_report: there is no finding {name}; there are {', '.join(FINDINGS)}"
            )
        if level not in CHOICES:
            raise AnsibleFilterError(
                f"scalingo_fleet_report: the level of {name} is {level}: use critical, warning, notice or none"
            )
    return {**FINDINGS, **given}


def _why_not(result: t.Mapping[str, t.Any] | None) -> str:
    if result is None:
        return "It was not tried, because the API of its region did not answer for others, or refused the token."
    if result.get("databases") == []:
        return "The app has no such addon."
    return said(result)


def _badness(row: Data) -> tuple[t.Any, ...]:
    counts = [-sum(reason["level"] == level for reason in row["reasons"]) for level in LEVELS]
    return (LEVELS.index(row["level"]), *counts, row["name"].casefold(), row["name"])


def _same(one: Data, other: Data) -> bool:
    try:
        return json.dumps(one, sort_keys=True, default=str) == json.dumps(other, sort_keys=True, default=str)
    except RecursionError:
        return False


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"scalingo_fleet_report": report}
