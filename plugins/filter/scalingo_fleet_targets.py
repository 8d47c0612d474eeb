# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: scalingo_fleet_targets
version_added: 0.1.0
short_description: List the databases of a fleet, each with a unique name
description:
  - Takes databases as a user lists them, and what M(community.scalingo.scalingo_addon_info) returned for apps, and returns all of them in one
    form. Addons that are no databases, by their C(is_database), are left out.
  - With O(database) it returns those only that could be read, with what that reading tells about the next one.
  - Two databases of the same name are refused.
options:
  _input:
    description:
      - Databases, each a dictionary with C(app), C(addon) or C(addon_id), and with C(region) and C(name) where they are needed.
      - The variables of a host that P(community.scalingo.scalingo_databases#inventory) made are a database as well.
    type: list
    elements: dict
    required: true
  addons:
    description:
      - Results of M(community.scalingo.scalingo_addon_info) in a loop over pairs of an app and a region, or over apps.
      - An app that could not be read becomes a database with C(error). One that is not found in a region is left out when it is found in another.
    type: list
    elements: dict
  apps:
    description: Results of M(community.scalingo.scalingo_app_info) in a loop over regions. A region that could not be read becomes a database with C(error).
    type: list
    elements: dict
  database:
    description: Results of M(community.scalingo.scalingo_database_info) in loops over what this filter returned.
    type: list
    elements: dict
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: List the addons of two apps
  community.scalingo.scalingo_addon_info:
    app: "{{ item }}"
  loop: [shop, metrics]
  register: result
  failed_when: false

- name: Show the databases of the apps
  ansible.builtin.debug:
    msg: "{{ [] | community.scalingo.scalingo_fleet_targets(addons=result.results) | map(attribute='name') }}"
"""

RETURN = r"""
_value:
  description: The databases.
  type: list
  elements: dict
  contains:
    name:
      description: The name that was given, or C(APP/ADDON).
      type: str
    app:
      description: The app, or empty text.
      type: str
    addon:
      description: The kind of the addon, or empty text.
      type: str
    addon_id:
      description: The ID of the addon, or empty text.
      type: str
    region:
      description: The region, or empty text.
      type: str
    error:
      description: Why it cannot be read, where that is known.
      type: str
    dedicated:
      description: Whether it has dedicated resources. With O(database) only.
      type: bool
    represents:
      description: Whether it is the first of those that have the same versions ahead. With O(database) only.
      type: bool
"""

import typing as t

from ansible.errors import AnsibleFilterError

Data = dict[str, t.Any]
Results = t.Optional[t.Sequence[t.Mapping[str, t.Any]]]

ENGINES = ("postgresql", "postgresql-ng", "mysql", "mongodb", "redis", "influxdb", "elasticsearch", "opensearch")
DEDICATED = "postgresql-ng"
KNOWN = ("name", "app", "addon", "addon_id", "region")


def targets(
    databases: t.Sequence[t.Mapping[str, t.Any]], addons: Results = None, database: Results = None, apps: Results = None
) -> list[Data]:
    """The filter."""
    if database is not None:
        return _read(databases, database)
    found = [_given(item) for item in databases] + _of_regions(apps or ()) + _of_apps(addons or ())
    names: set[str] = set()
    for item in found:
        if item["name"] in names:
            raise AnsibleFilterError(f"two databases are called {item['name']}: give each a name of its own")
        names.add(item["name"])
    return found


def _given(item: t.Mapping[str, t.Any]) -> Data:
    if "scalingo_addon_id" in item:
        host = {name: str(item.get("scalingo_" + name) or "") for name in ("app", "addon_id", "region")}
        return {"name": str(item["inventory_hostname"]), "addon": str(item.get("scalingo_engine") or ""), **host}
    unknown = sorted(set(item) - set(KNOWN))
    if unknown:
        raise AnsibleFilterError(
            f"a database of the list has {unknown[0]}, which means nothing: it can have {', '.join(KNOWN)}"
        )
    plain = {name: str(item.get(name) or "") for name in KNOWN}
    if not plain["addon"] and not plain["addon_id"]:
        raise AnsibleFilterError(
            "a database of the list has no addon: %s" % (plain["name"] or plain["app"] or "it has nothing at all")
        )
    plain["name"] = plain["name"] or "/".join(filter(None, (plain["app"], plain["addon"] or plain["addon_id"])))
    return plain


def _of_regions(results: t.Sequence[t.Mapping[str, t.Any]]) -> list[Data]:
    """The regions whose apps could not be listed."""
    regions = [(str(result.get("region") or result["item"]), result) for result in results if "apps" not in result]
    return [
        {
            "name": f"all apps in {region}",
            "app": "",
            "addon": "",
            "addon_id": "",
            "region": region,
            "error": str(result.get("msg") or ""),
        }
        for region, result in regions
    ]


def _of_apps(results: t.Sequence[t.Mapping[str, t.Any]]) -> list[Data]:
    found: list[Data] = []
    seen: set[str] = set()
    lacking: dict[str, Data] = {}
    for result in results:
        asked = [result["item"]] if isinstance(result["item"], str) else list(result["item"])
        app, region = str(asked[0]), str(result.get("region") or (asked + [""])[1])
        if "addons" not in result:
            failed = {
                "name": app,
                "app": app,
                "addon": "",
                "addon_id": "",
                "region": region,
                "error": str(result.get("msg") or ""),
            }
            if (result.get("error") or {}).get("kind") == "NotFound":
                lacking.setdefault(app, failed)
            else:
                found.append({**failed, "name": f"{app} in {region}" if region else app})
                seen.add(app)
            continue
        seen.add(app)
        kinds = [(item, _engine(item)) for item in result["addons"]]
        present = [kind for dummy, kind in kinds]
        for item, kind in kinds:
            if item.get("is_database", kind in ENGINES):
                # An app may have several of a kind: the resource tells them apart.
                last = kind if present.count(kind) == 1 else str(item.get("resource_id") or item["id"])
                found.append(
                    {
                        "name": f"{app}/{last}",
                        "app": app,
                        "addon": kind,
                        "addon_id": str(item["id"]),
                        "region": region,
                    }
                )
    found += [item for app, item in lacking.items() if app not in seen]
    names = [item["name"] for item in found]
    for item in found:
        # Two regions may have apps of the same name.
        if names.count(item["name"]) > 1:
            item["name"] = f"{item['name']} in {item['region']}"
    return sorted(found, key=lambda item: (item["region"], item["name"]))


def _engine(addon: t.Mapping[str, t.Any]) -> str:
    kind = str((addon.get("addon_provider") or {}).get("id") or "")
    return kind[len("scalingo-") :] if kind.startswith("scalingo-") else kind


def _read(databases: t.Sequence[t.Mapping[str, t.Any]], results: t.Sequence[t.Mapping[str, t.Any]]) -> list[Data]:
    by_name = {str(result["item"]["name"]): result for result in results if result.get("databases")}
    passed: set[tuple[t.Any, ...]] = set()
    found = []
    for item in databases:
        result = by_name.get(str(item["name"]))
        if result is None:
            continue
        shown = result["databases"][0]
        key = (
            result.get("region"),
            shown.get("type_name"),
            shown.get("readable_version"),
            shown.get("next_version_id"),
        )
        represents = shown.get("next_version_id") is not None and key not in passed
        passed.add(key)
        found.append(
            {
                "name": str(item["name"]),
                "app": str(result.get("app") or item["app"]),
                "addon": str(item["addon"]),
                "addon_id": str(result.get("addon_id") or item["addon_id"]),
                "region": str(result.get("region") or item["region"]),
                "dedicated": DEDICATED in (item["addon"], shown.get("type_name")),
                "represents": represents,
            }
        )
    return found


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"scalingo_fleet_targets": targets}
