# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.
"""Choose the databases of a fleet: those of a list, or the hosts of an inventory."""

from __future__ import annotations

import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.community.scalingo.plugins.action.scalingo_role_variables import (
    Reader,
    holds_secret,
    options_of_roles,
    plain,
)
from ansible_collections.community.scalingo.plugins.plugin_utils import _fleet

SPEC: t.Mapping[str, t.Mapping[str, t.Any]] = {
    "databases": {"type": "list", "elements": "dict", "default": []},
    "hosts": {"type": "str", "default": ""},
}


class ActionModule(ActionBase):  # type: ignore[misc]
    """Returns the databases, each with what it is called and where it is. Fails with a sentence when there is none."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _VALID_ARGS = frozenset((*SPEC, "prefix"))

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        known = task_vars or {}
        prefix = str(self._task.args.get("prefix") or "scalingo_hosts_")
        reader = Reader(prefix)
        given = reader.options(SPEC, {key: self._task.args.get(key) for key in SPEC}, prefix)
        try:
            if reader.problems:
                raise _fleet.Refused("\n".join(reader.problems))
            if given["databases"]:
                databases = _fleet.listed(plain(given["databases"]), given["hosts"], prefix, reader)
                _fleet.refuse_a_part(known, prefix)
            else:
                databases = _fleet.of_inventory(known)
            if not databases:
                pattern = given["hosts"] or "scalingo_databases"
                raise _fleet.Refused(
                    f"no database is selected: the inventory has no host in {pattern}, and neither {prefix}databases nor {prefix}apps is given"
                )
            _fleet.refuse_strangers(databases, known)
        except _fleet.Refused as refused:
            return {**result, "failed": True, "msg": str(refused)}
        keys = {key for entry in databases for key in entry} - set(_fleet.TARGET)
        secret = bool(keys) and any(
            name in keys and holds_secret(option) for name, option in options_of_roles(self._loader)
        )
        return {**result, "changed": False, "databases": databases, "secret": secret, "_ansible_no_log": secret}
