# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.
"""Databases as hosts: what an entry of a list says, what its host is called, and which databases a run is about."""

from __future__ import annotations

import re
import typing as t

from ansible.constants import LOCALHOST

Entry = dict[str, t.Any]

#: What says which database is meant.
TARGET = ("name", "app", "addon", "addon_id", "region")
#: The group of the hosts that a run is about.
GROUP = "scalingo_fleet"
#: What Ansible takes for a range, a port, a list or a pattern.
SIGNS = re.compile(r"[\s,:;&!*?\[\]{}#]")


class Refused(Exception):
    """The databases cannot be chosen so. The message says why."""


def label(entry: t.Mapping[str, t.Any]) -> str:
    """Return the name of a database in messages and reports, which is that of its host: the one it was given, or APP/ADDON."""
    named = entry.get("name") or "/".join(
        str(part) for part in (entry.get("app"), entry.get("addon") or entry.get("addon_id")) if part
    )
    return str(named)


def listed(entries: t.Sequence[Entry], prefix: str, reader: t.Any) -> list[Entry]:
    """Return the databases of a list, each with its name. I(reader) converts and collects what is wrong."""
    found: dict[str, Entry] = {}
    for number, entry in enumerate(entries):
        place = f"{prefix}databases[{number}]"
        said = {key: reader.value({"type": "str"}, entry[key], f"{place}.{key}") for key in TARGET if entry.get(key)}
        if not said.get("addon") and not said.get("addon_id"):
            reader.problems.append(f"{place} has no addon: give its kind, such as postgresql, or its ID")
            continue
        name = label(said)
        if SIGNS.search(name) or name in LOCALHOST:
            reader.problems.append(
                f"{place} is called {name!r}: give a name without blanks and signs, other than localhost"
            )
        elif name in found:
            reader.problems.append(f"two databases are called {name}: give each a name of its own")
        found[name] = {**entry, **said, "name": name}
    if reader.problems:
        raise Refused("\n".join(reader.problems))
    return list(found.values())


def found(read: t.Mapping[str, t.Any]) -> list[Entry]:
    """Return the databases that patterns matched, as C(scalingo_database_info) returned them."""
    failures = [failure for failure in read["failures"] if not failure.get("addon_id")]
    if failures:
        told = "; ".join(f"{failure['name']}: {failure['msg']}" for failure in failures[:3])
        raise Refused(f"not all databases are known, as {len(failures)} could not be listed: {told}")
    entries = [{key: item[key] for key in TARGET} for item in [*read["databases"], *read["failures"]]]
    # A name with blanks cannot be chosen.
    return [{**entry, "name": entry["name"].replace(" in ", "@")} for entry in entries]


def of_inventory(known: t.Mapping[str, t.Any]) -> list[Entry]:
    """Return the databases that the hosts of the play are."""
    found = []
    for name in known["ansible_play_hosts"]:
        host = known["hostvars"][name]
        said = {key: str(host.get(f"scalingo_{key}") or "") for key in ("app", "addon", "addon_id", "engine", "region")}
        engine = said.pop("engine")
        said["addon"] = said["addon"] or engine
        if said["addon"] or said["addon_id"]:
            found.append({"name": str(name), **{key: value for key, value in said.items() if value}})
        elif name not in LOCALHOST:
            raise Refused(
                f"the host {name} is no database: it has neither scalingo_addon_id nor scalingo_engine, as the hosts of the inventory"
                " plugin community.scalingo.scalingo_databases have"
            )
    return found


def refuse_a_part(known: t.Mapping[str, t.Any], way: str) -> None:
    """Refuse a slice of AWX, whose job is in a workflow with its own name: each slice would work on all databases."""
    template = known.get("awx_job_template_name")
    if template and template == known.get("awx_workflow_job_name"):
        raise Refused(f"this job is a slice, and each slice would work on all of {way}: use an inventory, or one slice")


def refuse_strangers(databases: t.Sequence[Entry], known: t.Mapping[str, t.Any]) -> None:
    """Refuse hosts that are there already and mean something else."""
    fleet = set(known["groups"].get(GROUP, ()))
    names = {entry["name"] for entry in databases}
    left = sorted(fleet - names)
    if left:
        raise Refused(
            f"this run was about other databases before, such as {left[0]}: run playbooks over different databases apart"
        )
    for name in sorted(names & set(known["hostvars"]) - fleet - set(known["ansible_play_hosts"])):
        raise Refused(
            f"{name} is a host of the inventory, too: give the hosts of the inventory instead of a list, or another name"
        )
