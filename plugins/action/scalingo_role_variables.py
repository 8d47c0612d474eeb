# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.
"""Read the variables of the role that the task is in, with the types that the role's argument spec says."""

from __future__ import annotations

import os.path
import typing as t

from ansible.errors import AnsibleActionFail, AnsibleError
from ansible.utils.vars import load_extra_vars
from ansible_collections.community.scalingo.plugins.module_utils._options import quoted
from ansible_collections.community.scalingo.plugins.plugin_utils import _fleet
from ansible_collections.community.scalingo.plugins.plugin_utils._action import RoleAction, plain
from ansible_collections.community.scalingo.plugins.plugin_utils._role_reader import (
    Option,
    Reader,
    holds_secret,
    is_blank,
    options_of_roles,
    similar,
    specification,
)

COLLECTION = "community.scalingo."
TARGET = ("app", "addon", "addon_id", "region")


def target(values: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """The database of a role as options of every module: `module_defaults` of the group `target` on the role's block.

    What is not given is left to the defaults of the user and to the environment. An ID stands for both ways to name an addon.
    """
    given = {name: values[name] for name in TARGET if values.get(name)}
    return {**given, "addon": given["addon_id"]} if "addon_id" in given else given


def _is_vaulted(value: t.Any) -> bool:
    if isinstance(value, (t.Mapping, list)):
        return any(map(_is_vaulted, value.values() if isinstance(value, t.Mapping) else value))
    return hasattr(value, "_ciphertext")


class ActionModule(RoleAction):
    """Returns the variables under their names without the role's own; the task registers them under one name."""

    _requires_connection = False
    _VALID_ARGS = frozenset(("over",))

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        known = task_vars or {}
        role_path = known.get("role_path")
        if not role_path:
            raise AnsibleActionFail("scalingo_role_variables works in a role of this collection alone")
        role = os.path.basename(role_path)
        spec = {name[len(role) + 1 :]: option for name, option in specification(self._loader, role_path).items()}
        reader = Reader(role + "_", {role + "_" + name for name in spec if _is_vaulted(known.get(role + "_" + name))})
        given = {}
        for name, option in spec.items():
            if role + "_" + name in known:
                try:
                    given[name] = plain(self._templar.template(known[role + "_" + name]))
                except AnsibleError as error:
                    why = "" if holds_secret(option) else f": {error}"
                    reader.problems.append(f"{role}_{name} is a template that cannot be expanded{why}")
                    given[name] = None
        # Nobody but the user gives extra variables, so that one with the role's name that it does not know is a typo.
        extra = {name[len(role) + 1 :]: None for name in load_extra_vars(self._loader) if name.startswith(role + "_")}
        own = self._entry(reader, role_path, spec)
        rest = {name: option for name, option in spec.items() if name not in own}
        others = {name: value for name, value in {**extra, **given}.items() if name not in own}
        values = {**reader.options(rest, others, role + "_"), **own}
        reader.problems.extend(self._other_targets(role, values))
        if reader.problems:
            problems = "\n".join("- " + problem for problem in reader.problems)
            message = f"The variables of the role {role} are not valid, and nothing was done:\n{problems}"
            return {**result, "failed": True, "msg": message}
        result.update(values, changed=False, check_mode=self.only_checks, target=target(values))
        if reader.has_secrets:
            result["_ansible_no_log"] = True
        return result

    def _entry(self, reader: Reader, role_path: str, spec: t.Mapping[str, Option]) -> dict[str, t.Any]:
        """Return what the entry of a database says of the role's variables. What it says of other roles is theirs to read."""
        over = plain(self._task.args.get("over") or {})
        if not isinstance(over, dict):
            raise AnsibleActionFail(f"over is {quoted(over)}: give a dictionary")
        role = os.path.basename(role_path)
        entry = Reader(role + "_", reader.vaulted)
        given = {key: value for key, value in over.items() if not is_blank(value)}
        values = {key: entry.value(spec[key], given[key], f"{role}_{key}") for key in spec if key in given}
        known = {*_fleet.TARGET, *spec}
        if set(given) - known:
            known |= {name for name, dummy in options_of_roles(self._loader)}
        problems = [problem.replace(f"{role}_", "") for problem in entry.problems]
        problems += [f"{key} is not known: {similar(key, known, '')}" for key in sorted(set(given) - known)]
        reader.problems.extend(f"{_fleet.label(given) or 'a database'}: {problem}" for problem in problems)
        reader.has_secrets |= entry.has_secrets
        return values

    def _other_targets(self, role: str, values: t.Mapping[str, t.Any]) -> t.Iterator[str]:
        """Defaults for one module, which Ansible prefers to those for a group, and so to the database of the role."""
        defaults = {key: value for entry in self._task.module_defaults or () for key, value in entry.items()}
        for module in sorted(name for name in defaults if name.startswith(COLLECTION)):
            others = self._templar.template(defaults[module]) or {}
            for name, value in target(values).items():
                other = plain(others.get(name, value))
                if other != value:
                    yield (
                        f"{role}_{name} is {quoted(value)}, and module_defaults of {module} say {quoted(other)}: "
                        "set it for group/community.scalingo.scalingo, or not at all"
                    )
