# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: scalingo_restore_drill_checks
version_added: 0.1.0
short_description: Check the contents of a restored database
description:
  - Compares what a backup of PostgreSQL became on another server with the database that it is of, with what the last drill counted,
    and with what the user expects. It is what the role P(community.scalingo.restore_drill#role) decides with.
  - It reads nothing and changes nothing. Only what is known is judged, so that it can be asked before anything is restored.
positional: _input
options:
  _input:
    description: What is known.
    type: dict
    required: true
    suboptions:
      server_version:
        description: The version of the server to restore on.
        type: str
      rehearsal:
        description: Whether that is the next major version, so that the drill is a rehearsal of the upgrade.
        type: bool
        default: false
      production:
        description: The extensions of the database, by name with their versions.
        type: dict
      archive:
        description: The names of the extensions that the backup creates.
        type: list
        elements: str
      available:
        description: The extensions that the server could create, by name with their versions.
        type: dict
      restored:
        description: The extensions of the restored database, by name with their versions.
        type: dict
      tables:
        description: The number of rows in each table of the restored database, by the name of the table with its schema.
        type: dict
      results:
        description:
          - What the user's queries returned, each with its O(_input.results[].name) and O(_input.results[].value), or its O(_input.results[].error).
        type: list
        elements: dict
        suboptions:
          name:
            description: The name of the query, as in O(expected).
            type: str
            required: true
          value:
            description: What it returned, as text.
            type: str
          error:
            description: Why it failed.
            type: str
  previous:
    description: The number of rows in each table at the last drill that passed, by the name of the table. Empty when there was none.
    type: dict
    default: {}
  max_drop_percent:
    description: By how many percent a table may have become smaller since then. With V(100) it may be gone.
    type: float
    default: 0
  ignore_tables:
    description: Patterns of tables whose rows are not compared, such as V(public.sessions) or V(queue.*).
    type: list
    elements: str
    default: []
  min_tables:
    description: How many tables there must be at least.
    type: int
    default: 1
  expected:
    description: The user's queries, each with its O(expected[].name) and what it shall return, O(expected[].expect).
    type: list
    elements: dict
    default: []
    suboptions:
      name:
        description: The name of the query.
        type: str
        required: true
      expect:
        description: What it shall return. A boolean, a number or text.
        type: raw
        required: true
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Show the failed checks of a restored database
  ansible.builtin.debug:
    msg: "{{ facts | community.scalingo.scalingo_restore_drill_checks(previous={'public.orders': 1000}, max_drop_percent=5)
      | rejectattr('passed') | map(attribute='message') }}"
  vars:
    facts:
      server_version: '17.10'
      tables: {public.orders: 900}
"""

RETURN = r"""
_value:
  description: The checks, in the order in which they were made.
  type: list
  elements: dict
  contains:
    kind:
      description: What was looked at. V(extension), V(tables), V(rows) or V(sql).
      type: str
    name:
      description: The extension, the table or the query.
      type: str
    passed:
      description: Whether it is as it should be.
      type: bool
    message:
      description: What was found, in a sentence.
      type: str
"""

import decimal
import fnmatch
import re
import typing as t

from ansible.errors import AnsibleFilterError
from ansible_collections.community.scalingo.plugins.module_utils._errors import visible

Check = dict[str, t.Any]


def restore_drill_checks(
    facts: t.Mapping[str, t.Any],
    previous: t.Mapping[str, int] | None = None,
    max_drop_percent: float = 0,
    ignore_tables: t.Sequence[str] = (),
    min_tables: int = 1,
    expected: t.Sequence[t.Mapping[str, t.Any]] = (),
) -> list[Check]:
    if not isinstance(facts, t.Mapping):
        raise AnsibleFilterError(f"scalingo_restore_drill_checks needs a mapping, not {type(facts).__name__}")
    if isinstance(ignore_tables, str):
        raise AnsibleFilterError(f"ignore_tables is {str(ignore_tables)!r}, and must be a list of patterns")
    checks = _extensions(facts)
    tables = facts.get("tables")
    if tables is not None:
        checks.append(_enough_tables(tables, int(min_tables)))
        checks += _rows(tables, previous or {}, float(max_drop_percent), ignore_tables)
    if facts.get("results") is not None:
        checks += _results(facts["results"], expected)
    return checks


def _check(kind: str, name: str, passed: bool, message: str) -> Check:
    return {"kind": kind, "name": name, "passed": passed, "message": visible(message)}


def _extensions(facts: t.Mapping[str, t.Any]) -> list[Check]:
    """Of each that the database or its backup has: that there is such a thing on the server, and after the restoration that it is there."""
    production = facts.get("production") or {}
    available, restored = facts.get("available"), facts.get("restored")
    server = f"PostgreSQL {facts.get('server_version')}"
    checks = []
    for name in sorted({*production, *(facts.get("archive") or [])}):
        whose = "the database" if name in production else "the backup"
        if available is not None and name not in available:
            advice = (
                "An upgrade to it would lose the extension, or fail."
                if facts.get("rehearsal")
                else "Install it there, or restore where it is."
            )
            message = f"the extension {name}, which {whose} has, is not available on {server}. {advice}"
            checks.append(_check("extension", name, False, message))
        elif restored is not None and name not in restored:
            message = f"the restored database lacks the extension {name}, which {whose} has. "
            message += "If it is younger than the backup, have a younger one (restore_drill_max_age)."
            checks.append(_check("extension", name, False, message))
        elif restored is not None:
            message = f"the extension {name} is there, in version {restored[name]}"
            if production.get(name) not in (None, restored[name]):
                message += f"; the database has {production[name]}"
            checks.append(_check("extension", name, True, message))
    return checks


def _enough_tables(tables: t.Mapping[str, int], least: int) -> Check:
    message = "the restored database has %d %s" % (len(tables), "table" if len(tables) == 1 else "tables")
    passed = len(tables) >= least
    return _check("tables", "number", passed, message if passed else "%s, and there must be %d" % (message, least))


def _rows(
    tables: t.Mapping[str, int], previous: t.Mapping[str, int], most: float, ignored: t.Sequence[str]
) -> list[Check]:
    checks = []
    for name, before in sorted(previous.items()):
        if any(fnmatch.fnmatchcase(name, pattern) for pattern in ignored):
            continue
        if name not in tables:
            checks.append(
                _check(
                    "rows",
                    name,
                    most >= 100,
                    "the table %s is gone, which had %d rows in the last drill" % (name, before),
                )
            )
            continue
        rows = tables[name]
        drop = 100.0 * (before - rows) / before if before else 0.0
        message = "the table %s has %d rows, and had %d in the last drill" % (name, rows, before)
        if drop > most:
            message += f", which is {drop:.4g} % less; {most:.4g} % are allowed (restore_drill_max_drop_percent)"
        checks.append(_check("rows", name, drop <= most, message))
    return checks


def _results(results: t.Sequence[t.Mapping[str, t.Any]], expected: t.Sequence[t.Mapping[str, t.Any]]) -> list[Check]:
    wanted = {check["name"]: check["expect"] for check in expected}
    checks = []
    for result in results:
        name, value = result["name"], result.get("value")
        if result.get("error"):
            checks.append(_check("sql", name, False, f"the check {name} failed: {result['error']}"))
            continue
        passed = _equal(value, wanted[name])
        message = f"the check {name} returned {_shown(value)}"
        checks.append(_check("sql", name, passed, message if passed else f"{message}, and not {_shown(wanted[name])}"))
    return checks


def _shown(value: t.Any) -> str:
    return (
        {True: "true", False: "false"}[value]
        if isinstance(value, bool)
        else "nothing"
        if value in (None, "")
        else str(value)
    )


def _equal(value: t.Any, expect: t.Any) -> bool:
    """PostgreSQL writes t and f, and 12.50 where YAML has 12.5."""
    text = "" if value is None else str(value).strip()
    if isinstance(expect, bool):
        return text in (("t", "true") if expect else ("f", "false"))
    if isinstance(expect, (int, float)):
        is_number = re.fullmatch(r"[-+]?\d+(\.\d*)?([eE][-+]?\d+)?", text)
        return bool(is_number) and decimal.Decimal(text) == decimal.Decimal(str(expect))
    return text == ("" if expect is None else str(expect).strip())


class FilterModule:
    def filters(self) -> dict[str, t.Any]:
        return {"scalingo_restore_drill_checks": restore_drill_checks}
