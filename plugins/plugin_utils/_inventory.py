# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.
"""How databases become hosts of an inventory: their names, their groups, and what the options make of them.

Text of the platform is never taken for a template.
"""

from __future__ import annotations

import collections
import re
import typing as t

import ansible.constants
import ansible.template
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.plugins.inventory import Constructable
from ansible_collections.community.scalingo.plugins.module_utils._errors import visible

# From ansible-core 2.19 on, text is a template only where somebody says so, and only such text is exported as it is.
trust_as_template = getattr(ansible.template, "trust_as_template", None)

Variables = dict[str, t.Any]


def never_a_template(value: t.Any) -> t.Any:
    """Return a value whose texts are evaluated by nobody, and are plain in an export wherever that is safe without a mark."""
    if isinstance(value, dict):
        return {never_a_template(key): never_a_template(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [never_a_template(item) for item in value]
    if not isinstance(value, str):
        return value
    suspicious = "{" in value or value.startswith("#jinja2")
    if trust_as_template is not None:
        return value if suspicious else trust_as_template(value)
    from ansible.utils.native_jinja import NativeJinjaText
    from ansible.utils.unsafe_proxy import wrap_var

    # Native Jinja makes a number of text such as 1e3, but not of this kind.
    return wrap_var(NativeJinjaText(value)) if suspicious else NativeJinjaText(value)


LOCAL = never_a_template("local")
# The one of the run that uses the inventory, which may be another one than that which reads it: in a cache, or in AWX.
INTERPRETER = (trust_as_template or str)("{{ ansible_playbook_python }}")


class HostBuilder(Constructable):
    """The part of an inventory plugin that puts databases into the inventory."""

    inventory: t.Any
    templar: t.Any
    get_option: t.Callable[..., t.Any]
    _text: t.Callable[[str], str]
    _warn: t.Callable[[str], None]

    def populate(self, databases: list[Variables]) -> None:
        """Put the hosts and their groups into the inventory: all of them, or none when something about one of them fails."""
        inventory = self.inventory
        wanted = [self._wanted_name(variables) for variables in databases]
        groups = set(inventory.groups)
        while True:
            reasons = [self._taken(name, variables, inventory, groups) for name, variables in zip(wanted, databases)]
            often = collections.Counter(wanted)
            # All of those that would share a name get the ID, so that no name depends on the order.
            names = [
                f"{name}-{variables['scalingo_addon_id']}" if reason or often[name] > 1 else name
                for name, variables, reason in zip(wanted, databases, reasons)
            ]
            self.inventory = built = InventoryData()
            failures = self._construct(dict(zip(names, databases)), inventory)
            # Variables of a host that is called like a group would become the group's.
            if groups.issuperset(name for name in names if name in built.groups):
                break
            groups.update(built.groups)
        self.inventory = inventory
        for name, variables, reason in zip(names, databases, reasons):
            if reason:
                self._warn(f"The host of the {_described(variables)} is called {name}, because {reason}")
        odd = [name for name in names if re.search(r"[\s,:&!*?\[\]]", name)]
        if odd:
            self._warn(
                f"--limit cannot choose a host by a name such as {odd[0]!r}: leave blanks and signs out of hostname"
            )
        for failure in failures:
            self._warn(failure)
        self._add(built, inventory)

    def _wanted_name(self, variables: Variables) -> str:
        expression = self._text("hostname")
        # Native Jinja of the old cores makes a number of 1e3, but not of what this filter returns.
        expression = trust_as_template(expression) if trust_as_template is not None else f"({expression}) | string"
        addon_id = t.cast(str, variables["scalingo_addon_id"])
        try:
            name = str(self._compose(expression, variables)).strip()
        except Exception as error:
            if self.get_option("details") and variables["scalingo_database"] is None:
                self._warn(
                    f"The host of the {_described(variables)} is called by its ID while the platform is making the database"
                )
                return addon_id
            raise AnsibleParserError(
                visible(
                    f"hostname cannot be computed for the {_described(variables)}. It must be an expression without braces: {error}"
                )
            ) from error
        # A name is a variable too, and has no mark that keeps it from being a template.
        return addon_id if name in ("", "None") or "{" in name or name.startswith("#jinja2") else name

    @staticmethod
    def _taken(name: str, variables: Variables, inventory: t.Any, groups: t.Container[str]) -> str:
        """Why a database cannot have this name; empty when it can."""
        if name in ansible.constants.LOCALHOST:
            return f"{name} means this machine"
        if name in groups:
            return f"{name} is a group"
        known = inventory.hosts[name].vars if name in inventory.hosts else {}
        other = known.get("scalingo_addon_id", variables["scalingo_addon_id"])
        if other != variables["scalingo_addon_id"]:
            return f"{name} is the host of the {_described(known)} already"
        return f"{name} is a host with an address already" if "ansible_host" in known else ""

    def _construct(self, hosts: t.Mapping[str, Variables], known: t.Any) -> list[str]:
        """Add hosts with all that the options make of them. Return a sentence for each expression that failed for every one."""
        strict = self.get_option("strict")
        group = self.inventory.add_group(self._text("group"))
        failed = collections.defaultdict(list)
        entries = [
            ("compose", self._set_composite_vars, {name: text})
            for name, text in (self.get_option("compose") or {}).items()
        ]
        entries += [
            ("groups", self._add_host_to_composed_groups, {name: text})
            for name, text in (self.get_option("groups") or {}).items()
        ]
        for host, database in hosts.items():
            self.inventory.add_host(host, group=group)
            for variable, value in {
                "ansible_connection": LOCAL,
                "ansible_python_interpreter": INTERPRETER,
                **database,
            }.items():
                self.inventory.set_variable(host, variable, value)
            before = known.hosts[host].vars if host in known.hosts else {}
            for option, method, entry in entries:
                try:
                    method(entry, {**before, **self.inventory.hosts[host].vars}, host, strict=True)
                except AnsibleError as error:
                    if strict:
                        raise
                    failed["{}.{}".format(option, *entry)].append(str(error))
            for keyed in self.get_option("keyed_groups") or []:
                variables = {**before, **self.inventory.hosts[host].get_vars()}
                if isinstance(keyed, dict) and not strict:
                    try:
                        self._compose(keyed.get("key"), variables)
                        self.templar.template(keyed.get("parent_group"))
                    except Exception as error:
                        failed[f"keyed_groups with the key {keyed.get('key')}"].append(str(error))
                        continue
                self._add_host_to_keyed_groups([keyed], variables, host, strict=strict)
        return [
            f"{what} fails for every host: {errors[0]}" for what, errors in failed.items() if len(errors) == len(hosts)
        ]

    @staticmethod
    def _add(built: InventoryData, inventory: t.Any) -> None:
        """Add what was built. What can fail comes first: a group that would be within itself."""
        for name in built.groups:
            inventory.add_group(name)
        for name, group in built.groups.items():
            for child in group.child_groups:
                inventory.add_child(name, child.name)
        for name, host in built.hosts.items():
            inventory.add_host(name)
            for variable, value in host.vars.items():
                if not variable.startswith("inventory_"):
                    inventory.set_variable(name, variable, value if value is INTERPRETER else never_a_template(value))
        for name, group in built.groups.items():
            for host in group.hosts:
                inventory.add_child(name, host.name)


def _described(variables: Variables) -> str:
    return "addon {scalingo_engine} ({scalingo_addon_id}) of app {scalingo_app} in {scalingo_region}".format(
        **variables
    )
