# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: scalingo_fleet_upgrade_next
version_added: 0.1.0
short_description: Choose the next wave of a fleet upgrade
description:
  - Takes what is known of each database and decides on the next wave. It is what the role P(community.scalingo.fleet_upgrade#role) asks
    before each of them.
  - What began in an earlier run comes first. Then one database goes alone, the scout. When it was upgraded and verified, the others follow
    in waves.
  - Nothing begins after the scout has failed, after two scouts in a row were interrupted, after a whole wave was interrupted, after the
    C(stop_at) of O(run), and after a failure as O(on_failure) says.
  - A database that was skipped does not use up the role of the scout.
positional: _input
options:
  _input:
    description: What is known of each database, by its name, as P(community.scalingo.scalingo_fleet_upgrade_plan#filter) begins it.
    type: dict
    required: true
  run:
    description: What is known of the run.
    type: dict
    required: true
  wave_size:
    description: How many databases make a wave.
    type: int
    default: 3
  on_failure:
    description: What to do after a failure in a wave. V(stop) or V(finish).
    type: str
    default: stop
  max_failures:
    description: With V(finish), how many failures end the run.
    type: int
    default: 3
  now:
    description: The point in time that it is, in ISO 8601, in UTC and with Z at its end.
    type: str
    required: true
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Show the first database to upgrade
  ansible.builtin.debug:
    msg: "{{ rows | community.scalingo.scalingo_fleet_upgrade_next(run={}, now='2026-11-20T22:00:00Z') }}"
  vars:
    rows:
      shop/mysql: {status: pending}
      blog/mysql: {status: pending}
"""

RETURN = r"""
_value:
  description: The decision.
  type: dict
  contains:
    kind:
      description: V(resume), V(scout), V(wave), or V(none).
      type: str
    names:
      description: The names of the databases.
      type: list
      elements: str
    number:
      description: The number of the wave. The scout is the first.
      type: int
    stop:
      description: Why nothing begins although something is left, or empty text.
      type: str
"""

import typing as t

from ansible.errors import AnsibleFilterError

Data = dict[str, t.Any]

#: So many scouts in a row that were interrupted say that the platform cannot be worked with.
INTERRUPTED_SCOUTS = 2


def decide(
    rows: t.Mapping[str, t.Mapping[str, t.Any]],
    run: t.Mapping[str, t.Any],
    now: str,
    wave_size: int = 3,
    on_failure: str = "stop",
    max_failures: int = 3,
) -> Data:
    if not isinstance(rows, t.Mapping):
        raise AnsibleFilterError(f"scalingo_fleet_upgrade_next needs a mapping, not {type(rows).__name__}")
    number = 1 + max([int(row.get("wave") or 0) for row in rows.values()] or [0])
    resumed = [name for name, row in rows.items() if row.get("status") == "resume"]
    if resumed:
        return _decision("resume", resumed, max(number - 1, 1))
    pending = [name for name, row in rows.items() if row.get("status") == "pending"]
    if not pending:
        return _decision("none", [], number)
    stop = _stop(rows, run, now, on_failure, int(max_failures))
    if stop:
        return _decision("none", [], number, stop)
    if not _scout_passed(rows, run):
        return _decision("scout", pending[:1], number)
    return _decision("wave", pending[: max(1, int(wave_size))], number)


def _decision(kind: str, names: list[str], number: int, stop: str = "") -> Data:
    return {"kind": kind, "names": names, "number": number, "stop": stop}


def _scout_passed(rows: t.Mapping[str, t.Mapping[str, t.Any]], run: t.Mapping[str, t.Any]) -> bool:
    return bool(run.get("scout_passed")) or any(
        row.get("scout") and row.get("status") == "done" for row in rows.values()
    )


def _stop(
    rows: t.Mapping[str, t.Mapping[str, t.Any]],
    run: t.Mapping[str, t.Any],
    now: str,
    on_failure: str,
    max_failures: int,
) -> str:
    tried = {name: row for name, row in rows.items() if row.get("attempted")}
    failed = [name for name, row in tried.items() if row.get("status") == "failed"]
    lost = [name for name, row in tried.items() if row.get("status") in ("starting", "started")]
    if lost:
        return f"nobody knows what became of {', '.join(lost)}"
    scouts = [name for name in failed if tried[name].get("scout")]
    if scouts:
        return f"the scout {scouts[0]} failed"
    interrupted = [name for name, row in tried.items() if row.get("scout") and row.get("status") == "interrupted"]
    if len(interrupted) >= INTERRUPTED_SCOUTS and not _scout_passed(rows, run):
        return f"two scouts in a row were interrupted, {' and '.join(interrupted)}"
    if failed and on_failure != "finish":
        return f"{', '.join(failed)} failed"
    if failed and len(failed) >= max_failures:
        return "%d databases failed, and %d is the most: %s" % (len(failed), max_failures, ", ".join(failed))
    last = max([int(row.get("wave") or 0) for row in tried.values()] or [0])
    wave = [row for row in tried.values() if int(row.get("wave") or 0) == last and not row.get("scout")]
    if wave and all(row.get("status") == "interrupted" for row in wave):
        return "everything of the last wave was interrupted"
    if run.get("stop_at") and str(now) >= str(run["stop_at"]):
        return f"it is later than {run['stop_at']} UTC"
    return ""


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"scalingo_fleet_upgrade_next": decide}
