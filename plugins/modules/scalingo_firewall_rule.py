#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_firewall_rule
version_added: 0.1.0
short_description: Manage the firewall rules of a database with dedicated resources
description:
  - Manages which networks can reach a database with dedicated resources.
  - Databases with shared resources have no firewall.
  - Rules are identified by their address range, so no range is added twice.
  - The platform applies a change within about two minutes. It does not report completion.
  - A change also costs one request per rule, and one to verify.
options:
  type:
    description:
      - V(custom_range) is a range that you define. V(managed_range) is a range that Scalingo maintains.
      - The default depends on whether O(cidr) or O(range_id) is set.
    type: str
    choices: [custom_range, managed_range]
  cidr:
    description:
      - The address range, for example V(198.51.100.0/24). A single address is accepted as a /32 (/128 for IPv6).
      - Scalingo documents ranges of IPv4 only.
      - A range wider than /8 (/16 for IPv6) needs O(allow=exposure).
      - For this limit, adjacent and overlapping ranges count as one, including existing rules.
    type: str
  range_id:
    description: The ID of a managed range, for example V(mr-scalingo-osc-fr1).
    type: str
  label:
    description: The label of a V(custom_range). Without it, an existing label stays unchanged.
    type: str
  rules:
    description: A list of rules to manage. A database can have at most 30.
    type: list
    elements: dict
    suboptions:
      type:
        description:
          - V(custom_range) is a range that you define. V(managed_range) is a range that Scalingo maintains.
          - The default depends on whether O(rules[].cidr) or O(rules[].range_id) is set.
        type: str
        choices: [custom_range, managed_range]
      cidr:
        description: The address range, for example V(198.51.100.0/24). A single address is accepted as a /32 (/128 for IPv6).
        type: str
      range_id:
        description: The ID of a managed range, for example V(mr-scalingo-osc-fr1).
        type: str
      label:
        description: The label of a V(custom_range). Without it, an existing label stays unchanged.
        type: str
  state:
    description: Whether the rules should exist. V(absent) removes them. Clients in their ranges can no longer connect.
    type: str
    choices: [present, absent]
    default: present
  exclusive:
    description:
      - Whether to remove all rules that are not in O(rules).
      - Removing more than one rule, or using an empty list, needs O(allow=mass_removal).
    type: bool
    default: false
  allow:
    description:
      - Consequences that you accept. The task refuses all others before it changes anything.
      - V(mass_removal) accepts that O(exclusive=true) removes several rules, or all.
      - V(exposure) accepts ranges wider than /8 (/16 for IPv6).
    type: list
    elements: str
    choices: [mass_removal, exposure]
    default: []
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.patience
  - community.scalingo._attributes
  - community.scalingo._attributes.changes
attributes:
  idempotent:
    support: full
seealso:
  - module: community.scalingo.scalingo_firewall_rule_info
  - module: community.scalingo.scalingo_database
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Allow the office network
  community.scalingo.scalingo_firewall_rule:
    app: shop-database
    addon: postgresql-ng
    cidr: 198.51.100.0/24
    label: office

- name: Allow only the office network and the apps of the region
  community.scalingo.scalingo_firewall_rule:
    app: shop-database
    addon: postgresql-ng
    rules:
      - range_id: mr-scalingo-osc-fr1
      - cidr: 198.51.100.0/24
        label: office
    exclusive: true
    allow: [mass_removal]
"""

RETURN = r"""
firewall_rule:
  description:
    - The rule, as RV(community.scalingo.scalingo_firewall_rule_info#module:firewall_rules) describes it, or V(none) when it is absent.
    - In check mode, the predicted state. The ID is V(none) for a rule that would be added.
  returned: success, when O(rules) is not given
  type: dict
firewall_rules:
  description:
    - All rules of the database, as RV(community.scalingo.scalingo_firewall_rule_info#module:firewall_rules) describes them. In check mode, the predicted
      state.
  returned: success, when O(rules) is given
  type: list
  elements: dict
# BEGIN _returns.steps, _returns: written by make lists
steps:
  description: What the task did, in order. In check mode, what it would do. Empty when nothing changes.
  returned: success
  type: list
  elements: str
  sample: ['set periodic_backups_scheduled_at to 3:00 UTC', 'enable the feature force-ssl']
steps_done:
  description: What was done before the task failed. It is not undone.
  returned: when the task fails after it began to change something
  type: list
  elements: str
  sample: ['set periodic_backups_scheduled_at to 3:00 UTC']
step_failed:
  description: What the task was doing when it failed.
  returned: when the task fails after it began to change something
  type: str
  sample: enable the feature force-ssl
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
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, Spec, consent, waiting
from ansible_collections.community.scalingo.plugins.module_utils._resources.firewall_rule import (
    FirewallRules as RESOURCE,
)

RULE = {
    "type": {"type": "str", "choices": ["custom_range", "managed_range"]},
    "cidr": {"type": "str"},
    "range_id": {"type": "str"},
    "label": {"type": "str"},
}


def argument_spec() -> Spec:
    return (
        COMMON
        + waiting(900, wait=False)
        + consent("mass_removal", "exposure")
        + Spec(
            {
                **RULE,
                "rules": {"type": "list", "elements": "dict", "options": RULE},
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
                "exclusive": {"type": "bool", "default": False},
            },
            mutually_exclusive=(("cidr", "range_id", "rules"), ("type", "rules"), ("label", "rules")),
            required_one_of=(("cidr", "range_id", "rules"),),
        )
    )


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
