# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.
"""Choose the databases of a fleet: those of a list, or the hosts of an inventory."""

from __future__ import annotations

import typing as t

from ansible.module_utils.parsing.convert_bool import boolean
from ansible.plugins.action import ActionBase
from ansible_collections.community.scalingo.plugins.plugin_utils import _fleet
from ansible_collections.community.scalingo.plugins.plugin_utils._action import plain
from ansible_collections.community.scalingo.plugins.plugin_utils._role_reader import (
    Reader,
    holds_secret,
    options_of_roles,
)

PATTERNS = ("apps", "regions", "engines")
SPEC: t.Mapping[str, t.Mapping[str, t.Any]] = {
    "databases": {"type": "list", "elements": "dict", "default": []},
    **{name: {"type": "list", "elements": "str", "default": []} for name in PATTERNS},
    "hosts": {"type": "str", "default": ""},
}


class ActionModule(ActionBase):  # type: ignore[misc]
    """Returns a host for each database: its name, and as `target` its entry. Fails with a sentence when there is none."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _VALID_ARGS = frozenset(("way", "read", "alone"))

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        known = task_vars or {}
        way = self._task.args["way"]
        prefix = str(way["prefix"])
        reader = Reader(prefix)
        given = reader.options(SPEC, {key: way[key] for key in SPEC}, prefix)
        try:
            if reader.problems:
                raise _fleet.Refused("\n".join(reader.problems))
            ways = [f"{prefix}{name}" for name in ("databases", "hosts") if given[name]]
            patterns = {name: given[name] for name in PATTERNS if given[name]}
            ways += [f"{prefix}{name}" for name in list(patterns)[:1]]
            if len(ways) > 1:
                raise _fleet.Refused(
                    f"{' and '.join(ways)} are both given: give a list, patterns, or hosts of the inventory"
                )
            if given["databases"] or patterns:
                _fleet.refuse_a_part(known, ways[0])
            read = self._task.args.get("read")
            if patterns and not read:
                return {**result, "changed": False, **patterns}
            alone = boolean(self._task.args.get("alone", False))
            if alone:
                databases = [{"name": "localhost"}]
            elif given["databases"]:
                databases = _fleet.listed(plain(given["databases"]), prefix, reader)
            else:
                databases = _fleet.found(plain(read)) if patterns else _fleet.of_inventory(known)
            if not databases:
                pattern = given["hosts"] or "scalingo_databases"
                nothing = (
                    f"the inventory has no host in {pattern}, and neither {prefix}databases nor {prefix}apps is given"
                )
                raise _fleet.Refused(
                    f"no database is selected: {f'no database matches {patterns}' if patterns else nothing}"
                )
            _fleet.refuse_strangers(databases, known)
        except _fleet.Refused as refused:
            return {**result, "failed": True, "msg": str(refused)}
        keys = {key for entry in databases for key in entry} - set(_fleet.TARGET)
        secret = bool(keys) and any(
            name in keys and holds_secret(option) for name, option in options_of_roles(self._loader)
        )
        # Of the one database of the role's variables the host says nothing itself.
        hosts = [{"name": entry["name"], "target": {} if alone else entry} for entry in databases]
        return {**result, "changed": False, "hosts": hosts, "secret": secret, "_ansible_no_log": secret}
