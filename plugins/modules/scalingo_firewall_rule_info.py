#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_firewall_rule_info
version_added: 0.1.0
short_description: List the firewall rules of a database with dedicated resources
description:
  - Returns the firewall rules of a database with dedicated resources.
  - Costs one request to the Database API. With O(managed_ranges=true) it costs two.
options:
  managed_ranges:
    description: Whether to also return the available managed ranges, for rules of type V(managed_range).
    type: bool
    default: false
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._attributes
  - community.scalingo._attributes.reads
seealso:
  - module: community.scalingo.scalingo_firewall_rule
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: List the firewall rules
  community.scalingo.scalingo_firewall_rule_info:
    app: shop-database
    addon: postgresql-ng
  register: result

- name: Show the ranges
  ansible.builtin.debug:
    msg: "{{ result.firewall_rules | selectattr('type', 'eq', 'custom_range') | map(attribute='cidr') }}"
"""

RETURN = r"""
firewall_rules:
  description: The rules, in the order of the platform.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The ID of the rule. V(none) in check mode for a rule that would be added.
      type: str
      sample: 65f1c0d2a1b2c3d4e5f60718
    type:
      description:
        - V(custom_range) or V(managed_range).
      type: str
      sample: custom_range
    cidr:
      description: The address range of a V(custom_range).
      type: str
      sample: 198.51.100.0/24
    label:
      description: The label of the range.
      type: str
      sample: office
    range_id:
      description: The ID of the range of a V(managed_range).
      type: str
      sample: mr-scalingo-osc-fr1
managed_ranges:
  description: The available managed ranges. Empty unless O(managed_ranges=true).
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The ID of the range, which is the C(range_id) of a rule.
      type: str
      sample: mr-scalingo-osc-fr1
    name:
      description: The label of the range.
      type: str
      sample: Scalingo osc-fr1 region
# BEGIN _returns: written by make lists
app:
  description: The app as set in the task. V(none) when only O(addon_id) and O(addon_token) are set.
  returned: when the options are valid
  type: str
  sample: shop
addon_id:
  description: The ID of the addon. V(none) when the task failed before the addon was found.
  returned: when the options are valid
  type: str
  sample: ad-0f1ab3e1-e97d-4f33-9168-4956379731a4
region:
  description: The region of the app.
  returned: when the options are valid
  type: str
  sample: osc-fr1
api_usage:
  description: What the task cost. See R(Return values,ansible_collections.community.scalingo.docsite.results).
  returned: when the options are valid
  type: dict
  sample: {requests: 1, writes: 0, waited_seconds: 0.0, tokens_reused: 1}
notes:
  description: Informational messages.
  returned: when there are any
  type: list
  elements: str
  sample: ['scalingo: addon_token is not used, because it goes with addon_id']
error:
  description: What went wrong, as data. See R(Return values,ansible_collections.community.scalingo.docsite.results).
  returned: failure
  type: dict
  sample:
    {kind: NotFound, interrupted: false, status: 404, message: not found, doing: list the addons, subject: addon postgresql of app nowhere in osc-fr1}
# END
"""

from ansible_collections.community.scalingo.plugins.module_utils._module import run
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, Spec
from ansible_collections.community.scalingo.plugins.module_utils._resources.firewall_rule import (
    FirewallRuleInfo as RESOURCE,
)


def argument_spec() -> Spec:
    return COMMON + Spec({"managed_ranges": {"type": "bool", "default": False}})


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
