# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: scalingo_fleet_upgrade_plan
version_added: 0.1.0
short_description: Plan the upgrade of a fleet
description:
  - Takes the databases of a list, what M(community.scalingo.scalingo_database_upgrade) returned for each of them in check mode, and what an earlier
    run wrote down. It is what the role P(community.scalingo.fleet_upgrade#role) begins with.
  - Without O(results) it returns the databases in one form, each under a name of its own. Two databases of the same name are refused.
  - An earlier run that has not ended, and is not too old, is continued, with its scout and its time to stop.
  - A database whose upgrade began earlier, and was not verified, is waited for and verified before anything new begins.
positional: _input
options:
  _input:
    description: The databases. Each can have C(name), C(app), C(addon), C(addon_id), C(region), C(to), C(allow), C(backup) and C(verification_tasks).
    type: list
    elements: dict
    required: true
  results:
    description:
      - The results of a loop of M(community.scalingo.scalingo_database_upgrade) in check mode over what this filter returned without them,
        in the same order.
    type: list
    elements: dict
  state:
    description: The text of the state file, or empty text.
    type: str
    default: ''
  defaults:
    description: What C(to), C(allow), C(backup) and C(verification_tasks) are where a database does not say.
    type: dict
    default: {}
  without_backup:
    description: What to do with a database that has no backups on demand. V(skip) or V(upgrade).
    type: str
    default: skip
  accept:
    description: The names of the databases whose findings of an earlier run are forgotten.
    type: list
    elements: str
    default: []
  stop_starting_at:
    description: A point in time in ISO 8601, or a time of the day as V(HH:MM), in UTC. Empty text for none.
    type: str
    default: ''
  now:
    description: The point in time that it is, in ISO 8601. Needed with O(results).
    type: str
  resume_within_hours:
    description: How old an earlier run may be that has not ended and is continued.
    type: float
    default: 24
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Show the names of the databases
  ansible.builtin.debug:
    msg: "{{ [{'app': 'shop', 'addon': 'postgresql'}] | community.scalingo.scalingo_fleet_upgrade_plan | map(attribute='name') }}"
"""

RETURN = r"""
_value:
  description: The databases in one form as a list, or with O(results) a dictionary with C(run), C(rows) and C(history).
  type: raw
  contains:
    run:
      description: When the run began and began to stop, who its scout is, and whether it goes on with an earlier one.
      type: dict
    rows:
      description: What is known of each database, by its name. Its C(status) is V(pending), V(resume), V(unchanged), V(skipped), V(failed) or V(interrupted).
      type: dict
    history:
      description: What is kept of earlier runs, the last one first.
      type: list
      elements: dict
"""

import datetime
import json
import re
import typing as t

from ansible.errors import AnsibleFilterError

Data = dict[str, t.Any]

FORMAT = 1
TEXTS = ("name", "app", "addon", "addon_id", "region")
CHOICES = ("to", "allow", "backup", "verification_tasks")
DEFAULTS: t.Mapping[str, t.Any] = {"to": "latest_minor", "allow": [], "backup": True, "verification_tasks": ""}

#: How many earlier runs the state file tells of, and what of each database that they tried.
KEPT_RUNS = 20
PAST = ("status", "reason", "findings", "version_before", "version_after", "backup_id", "started_at", "ended_at")

#: What a row of an earlier run keeps when the database is waited for and verified again.
REMEMBERED = (
    "scout", "wave", "attempted", "engine", "version_before", "version_wanted", "backup_id", "operation_id", "before", "steps", "started_at",
)  # fmt: skip


def plan(
    databases: t.Sequence[t.Mapping[str, t.Any]],
    results: t.Sequence[t.Mapping[str, t.Any]] | None = None,
    state: str = "",
    defaults: t.Mapping[str, t.Any] | None = None,
    without_backup: str = "skip",
    accept: t.Sequence[str] = (),
    stop_starting_at: str = "",
    now: str = "",
    resume_within_hours: float = 24,
) -> list[Data] | Data:
    named = _named(databases, {**DEFAULTS, **(defaults or {})})
    remembered = _read(state)
    if results is None:
        # Before anything is asked, so that what is written wrongly is found first.
        _stop_at(stop_starting_at, _instant("now", now) if now else datetime.datetime.now(datetime.timezone.utc))
        unknown = sorted(set(accept) - {row["name"] for row in named})
        if unknown:
            raise AnsibleFilterError(f"{', '.join(unknown)} is not in the list of databases, and cannot be accepted")
        return named
    begun = _instant("now", now)
    earlier = remembered.get("run") or {}
    run: Data = {
        "started_at": now,
        "ended_at": None,
        "resumed_at": None,
        "scout": None,
        "scout_passed": False,
        "interrupted_scouts": 0,
    }
    resumed = _goes_on(earlier, begun, float(resume_within_hours))
    if resumed:
        run.update({name: earlier.get(name) for name in ("started_at", "scout", "scout_passed")})
        run["resumed_at"] = now
    at = _stop_at(stop_starting_at, _instant("started_at", run["started_at"]))
    run["stop_at"] = None if at is None else at.strftime("%Y-%m-%dT%H:%M:%SZ")
    rows = {}
    for row, result in zip(named, results):
        old = {} if row["name"] in accept else (remembered.get("databases") or {}).get(row["name"]) or {}
        rows[row["name"]] = _row(row, result, old, resumed, without_backup)
    for name, old in (remembered.get("databases") or {}).items():
        # What is not in the list any more, and was not verified, is not forgotten.
        if name not in rows and name not in accept and old.get("open"):
            rows[name] = {
                **old,
                "status": "skipped",
                "scout": False,
                "reason": "it is not in the list any more, and its upgrade was never verified",
            }
    history = list(remembered.get("history") or [])
    if earlier and not resumed:
        history = [_past(remembered)] + history
    return {"run": run, "rows": rows, "history": history[:KEPT_RUNS]}


# -- the list ------------------------------------------------------------------------------------------------------------


def _named(databases: t.Sequence[t.Mapping[str, t.Any]], defaults: t.Mapping[str, t.Any]) -> list[Data]:
    names: set[str] = set()
    found = []
    for item in databases:
        unknown = sorted(set(item) - set(TEXTS) - set(CHOICES))
        if unknown:
            raise AnsibleFilterError(
                f"a database of the list has {unknown[0]}, which means nothing: it can have {', '.join(TEXTS + CHOICES)}"
            )
        row: Data = {name: str(item.get(name) or "") for name in TEXTS}
        if not row["addon"] and not row["addon_id"]:
            raise AnsibleFilterError(
                "a database of the list has no addon: %s" % (row["name"] or row["app"] or "it has nothing at all")
            )
        row["name"] = row["name"] or "/".join(filter(None, (row["app"], row["addon"] or row["addon_id"])))
        if row["name"] in names:
            raise AnsibleFilterError(f"two databases are called {row['name']}: give each a name of its own")
        names.add(row["name"])
        # One form in all tasks, so that they share a token.
        row["target"] = row["addon_id"] or row["addon"]
        for name in CHOICES:
            row[name] = defaults[name] if item.get(name) is None else item[name]
        row["to"] = str(row["to"])
        row["verification_tasks"] = str(row["verification_tasks"] or "")
        row["backup"] = _truth(row["backup"])
        found.append(row)
    return found


def _truth(value: t.Any) -> bool:
    if isinstance(value, str):
        return value.strip().lower() in ("1", "on", "t", "true", "y", "yes")
    return bool(value)


# -- time ----------------------------------------------------------------------------------------------------------------


def _instant(name: str, text: t.Any) -> datetime.datetime:
    """A point in time. One without an offset is in UTC."""
    try:
        # Python 3.9 and 3.10 do not know Z.
        found = datetime.datetime.fromisoformat(re.sub("[zZ]$", "+00:00", str(text).strip()))
    except ValueError:
        unquoted = (
            ". In YAML, 22:30 without quotes is 1350: put it in quotes"
            if re.fullmatch("[0-9]{2,5}", str(text).strip())
            else ""
        )
        raise AnsibleFilterError(
            f"{name}: {text!r} is neither a time in ISO 8601 nor HH:MM; both are in UTC{unquoted}"
        ) from None
    return found.astimezone(datetime.timezone.utc) if found.tzinfo else found.replace(tzinfo=datetime.timezone.utc)


def check_stop(text: str) -> None:
    """Refuse what is no time to stop at."""
    _stop_at(text, datetime.datetime.now(datetime.timezone.utc))


def _stop_at(text: str, begun: datetime.datetime) -> datetime.datetime | None:
    """The point in time after which nothing begins. A time of the day is the first one after the run began."""
    if not str(text or "").strip():
        return None
    hours = re.fullmatch(r"\s*([01]?\d|2[0-3]):([0-5]\d)\s*", str(text))
    if not hours:
        return _instant("stop_starting_at", text)
    found = begun.replace(hour=int(hours.group(1)), minute=int(hours.group(2)), second=0, microsecond=0)
    return found if found > begun else found + datetime.timedelta(days=1)


# -- what an earlier run wrote -------------------------------------------------------------------------------------------


def _read(state: str) -> Data:
    if not str(state or "").strip():
        return {}
    try:
        found = json.loads(state)
        if not isinstance(found["run"], dict) or not isinstance(found["databases"], dict):
            raise ValueError("it has neither run nor databases")
        if found["format"] != FORMAT:
            raise ValueError("it is of the format %s, and this version knows %d" % (found["format"], FORMAT))
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise AnsibleFilterError(
            f"the state file cannot be read ({error}): look what it is, and move it away to begin without the memory of earlier runs"
        ) from None
    return t.cast(Data, found)


def _past(remembered: t.Mapping[str, t.Any]) -> Data:
    """What stays of a run when the next one takes its place."""
    rows = remembered["databases"].items()
    return {
        **{name: remembered["run"].get(name) for name in ("started_at", "ended_at", "scout")},
        "databases": {name: {key: row.get(key) for key in PAST} for name, row in rows if row.get("attempted")},
    }


def _goes_on(earlier: t.Mapping[str, t.Any], begun: datetime.datetime, hours: float) -> bool:
    if not earlier or earlier.get("ended_at"):
        return False
    return begun - _instant("started_at", earlier.get("started_at")) <= datetime.timedelta(hours=hours)


# -- one database --------------------------------------------------------------------------------------------------------


def _row(
    row: Data, result: t.Mapping[str, t.Any], old: t.Mapping[str, t.Any], resumed: bool, without_backup: str
) -> Data:
    same = bool(old) and (not row["addon_id"] or not old.get("addon_id") or row["addon_id"] == old["addon_id"])
    is_open = same and bool(old.get("open"))
    new: Data = {
        **row, "status": "pending", "reason": "", "scout": False, "wave": None, "attempted": False, "engine": None, "version_before": None,
        "version_wanted": None, "version_after": None, "major_available": None, "backup_id": None, "operation_id": None, "before": {}, "steps": [],
        "findings": [], "open": False, "started_at": None, "ended_at": None,
    }  # fmt: skip
    kept = {**new, **{name: old.get(name, new[name]) for name in REMEMBERED}, "open": True} if is_open else new
    if is_open and not resumed:
        # It was the scout and in a wave of another run.
        kept.update(scout=False, wave=None)
    seen = {name: str(result.get(name) or row[name]) for name in ("app", "addon_id", "region")}
    if "path" not in result:
        error = result.get("error") or {}
        # A conflict is a database that is stopped or busy: nothing was tried, and the next one is the scout.
        status = (
            "interrupted" if error.get("interrupted") else "skipped" if error.get("kind") == "Conflict" else "failed"
        )
        reason = str(result.get("msg") or "it could not be read")
        reason = reason.replace("allow: [", "fleet_upgrade_allow: [").replace(
            " to the task", " to the variables of the role"
        )
        return {**kept, **seen, "status": status, "reason": reason}
    database = result["database"]
    current = ((result.get("diff") or {}).get("before") or {}).get("readable_version") or database["readable_version"]
    seen["engine"] = database["type_name"]
    busy = _busy(database)
    if is_open:
        kept.update(seen)
        if busy and not database["current_operation_id"] and database["status"] == "stopped":
            return {**kept, "status": "skipped", "reason": busy}
        if old.get("operation_id") or busy or current != old.get("version_before"):
            kept["operation_id"] = kept["operation_id"] or database["current_operation_id"]
            return {**kept, "status": "resume"}
        # It was written down that it would begin, and it did not.
    elif same and resumed and old.get("status") == "done" and not result["path"]:
        return {**new, **{name: old[name] for name in new if name in old and name not in row}, **seen}
    path = [version["version"] for version in result["path"]]
    new.update(
        seen,
        version_before=current,
        version_wanted=path[-1] if path else None,
        major_available=result.get("next_version") if result.get("major_available") else None,
    )
    if not path:
        return {**new, "status": "unchanged", "version_after": current}
    if busy:
        return {**new, "status": "skipped", "reason": busy}
    if new["backup"] and (row["addon"].endswith("-ng") or "-dr-" in str(database.get("plan"))):
        if without_backup != "upgrade":
            return {
                **new,
                "status": "skipped",
                "reason": "a database with dedicated resources has no backups on demand",
            }
        new["backup"] = False
    return new


def _busy(database: t.Mapping[str, t.Any]) -> str:
    status, operation = database.get("status"), database.get("current_operation_id")
    if operation:
        return f"it is {status}, and the operation {operation}, which this run did not begin, is running"
    return "" if status == "running" else f"it is {status}, not running"


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"scalingo_fleet_upgrade_plan": plan}
