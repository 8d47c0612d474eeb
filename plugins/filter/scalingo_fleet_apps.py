# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: scalingo_fleet_apps
version_added: 0.1.0
short_description: List the apps of a fleet with their regions, from names and patterns
description:
  - Takes names of apps and patterns, and returns each app that is meant with each region that it has to be looked for in.
  - Where there is a pattern, what M(community.scalingo.scalingo_app_info) listed says where an app is. An app that is named, and that is in none
    of the lists, is looked for in every region, so that the platform itself says what is wrong.
options:
  _input:
    description: Names of apps, or patterns of a shell, such as V(shop-*). V(*) means all apps.
    type: list
    elements: str
    required: true
  regions:
    description: The regions. An empty text is the region of C(module_defaults) or the environment, and stands for them all when there are none.
    type: list
    elements: str
    default: []
  listed:
    description: Results of M(community.scalingo.scalingo_app_info) in a loop over the regions. Needed where there is a pattern.
    type: list
    elements: dict
    default: []
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: List the apps of two regions
  community.scalingo.scalingo_app_info:
    app: ""
    region: "{{ item }}"
  loop: [osc-fr1, osc-secnum-fr1]
  register: result

- name: Show the apps of the shop
  ansible.builtin.debug:
    msg: "{{ ['shop', 'shop-*'] | community.scalingo.scalingo_fleet_apps(['osc-fr1', 'osc-secnum-fr1'], result.results) | map('first') }}"
"""

RETURN = r"""
_value:
  description: Pairs of an app and a region.
  type: list
  elements: list
"""

import fnmatch
import typing as t

from ansible.errors import AnsibleFilterError

WILDCARDS = frozenset("*?[")


def apps(
    names: t.Sequence[str], regions: t.Sequence[str] = (), listed: t.Sequence[t.Mapping[str, t.Any]] = ()
) -> list[list[str]]:
    """The filter."""
    if isinstance(names, str) or isinstance(regions, str):
        raise AnsibleFilterError("the names of apps and the regions must be lists, not text")
    places = [str(region) for region in dict.fromkeys(regions)] or [""]
    patterns = [name for name in names if WILDCARDS & set(name)]
    exact = [str(name) for name in dict.fromkeys(names) if name not in patterns]
    found: list[list[str]] = []
    if patterns:
        known = {str(result["item"]): [app["name"] for app in result["apps"]] for result in listed if "apps" in result}
        found = [
            [app, region]
            for region in places
            for app in known.get(region, [])
            if app in exact or any(fnmatch.fnmatchcase(app, pattern) for pattern in patterns)
        ]
    present = {app for app, dummy in found}
    return found + [[app, region] for app in exact if app not in present for region in places]


class FilterModule:
    """The filter of this file."""

    def filters(self) -> dict[str, t.Callable[..., t.Any]]:
        return {"scalingo_fleet_apps": apps}
