#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_net_peering
version_added: 0.1.0
short_description: Manage the net peerings of a database with dedicated resources
description:
  - Accepts or deletes a net peering between your Outscale network and the network of the database.
  - Databases with shared resources have no network of their own.
  - Request the net peering at Outscale first.
  - M(community.scalingo.scalingo_net_peering_info) returns the account and network to specify.
  - The net peering is identified by its Outscale ID.
  - O(app) names the database. O(addon) is optional, V(postgresql-ng) or an ID. It is not resolved.
  - A net peering with the status V(deleted) counts as absent.
  - A run without changes costs one request to the main API. A change costs three in total, and one per poll.
options:
  outscale_net_peering_id:
    description: The Outscale ID of the net peering, for example V(pcx-12345678).
    type: str
    required: true
  state:
    description: Whether the net peering should exist. V(absent) deletes it. Clients behind it can no longer connect.
    type: str
    choices: [present, absent]
    default: present
  wait_timeout:
    description: How long to wait until the net peering is V(active) or deleted, in seconds.
    type: float
    default: 900
  wait_interval:
    description: Initial polling interval in seconds. It grows to at most six times this value. Minimum V(0.1).
    type: float
    default: 5
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.account
  - community.scalingo._options.wait
  - community.scalingo._attributes
  - community.scalingo._attributes.changes
attributes:
  idempotent:
    support: full
seealso:
  - module: community.scalingo.scalingo_net_peering_info
  - module: community.scalingo.scalingo_firewall_rule
  - module: community.scalingo.scalingo_database_info
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Get the values for a new net peering
  community.scalingo.scalingo_net_peering_info:
    app: shop-database
    network_configuration: true
  register: result

- name: Show the values
  ansible.builtin.debug:
    msg: "{{ result.network_configuration.outscale_account_id }}, {{ result.network_configuration.outscale_net_id }}"

- name: Accept the net peering
  community.scalingo.scalingo_net_peering:
    app: shop-database
    outscale_net_peering_id: pcx-12345678

- name: Delete the net peering
  community.scalingo.scalingo_net_peering:
    app: shop-database
    outscale_net_peering_id: pcx-12345678
    state: absent
"""

RETURN = r"""
net_peering:
  description:
    - The net peering, as RV(community.scalingo.scalingo_net_peering_info#module:net_peerings) describes it, or V(none) when it is absent.
    - In check mode, the predicted state. The ID is V(none) for a net peering that would be created, and with O(wait=false) the status too.
  returned: success
  type: dict
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
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, Spec, waiting
from ansible_collections.community.scalingo.plugins.module_utils._resources.net_peering import NetPeering as RESOURCE


def argument_spec() -> Spec:
    return (
        COMMON
        + waiting(900, on_busy=False)
        + Spec(
            {
                "outscale_net_peering_id": {"type": "str", "required": True},
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            }
        )
    )


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
