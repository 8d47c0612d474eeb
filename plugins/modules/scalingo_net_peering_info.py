#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_net_peering_info
version_added: 0.1.0
short_description: List the net peerings of a database with dedicated resources
description:
  - Returns the net peerings of a database with dedicated resources, including those with status V(deleted).
  - With O(network_configuration=true), also returns the values that Outscale requires for a new net peering.
  - O(app) names the database. O(addon) is optional, V(postgresql-ng) or an ID. It is not resolved.
  - Costs one request to the main API. O(network_configuration=true) costs one more, as does an unknown O(net_peering_id).
options:
  net_peering_id:
    description:
      - Return only the net peering with this ID. Use the platform's ID, not the Outscale ID.
      - The list is empty when it does not exist.
    type: str
  network_configuration:
    description: Whether to also return the account, the ID and the address range of the database's network.
    type: bool
    default: false
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.account
  - community.scalingo._attributes
  - community.scalingo._attributes.reads
seealso:
  - module: community.scalingo.scalingo_net_peering
  - module: community.scalingo.scalingo_database_info
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: List the net peerings
  community.scalingo.scalingo_net_peering_info:
    app: shop-database
  register: result

- name: Show the active net peerings
  ansible.builtin.debug:
    msg: "{{ result.net_peerings | selectattr('status', 'equalto', 'active') | map(attribute='outscale_source_net_ip_range') }}"

- name: Get the values for a new net peering
  community.scalingo.scalingo_net_peering_info:
    app: shop-database
    network_configuration: true
"""

RETURN = r"""
net_peerings:
  description: The net peerings, in the order of the platform.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The platform's ID of the net peering.
      type: str
      sample: 65f1c0d2a1b2c3d4e5f60718
    database_id:
      description: The ID of the database, which is the ID of its app.
      type: str
      sample: 65f1c0d2a1b2c3d4e5f60719
    status:
      description:
        - V(active) or V(deleted). The platform may add others.
      type: str
      sample: active
    outscale_net_peering_id:
      description: The Outscale ID of the net peering.
      type: str
      sample: pcx-12345678
    outscale_source_net_id:
      description: The ID of the other network.
      type: str
      sample: vpc-12345678
    outscale_source_net_ip_range:
      description: The address range of the other network.
      type: str
      sample: 10.20.0.0/16
    outscale_source_account_id:
      description: The account of the other network.
      type: str
      sample: '123456789012'
    created_at:
      description: When it was created, in UTC.
      type: str
      sample: '2026-11-20T00:00:00.000000Z'
    updated_at:
      description: When it was last changed, in UTC.
      type: str
      sample: '2026-11-20T00:00:00.000000Z'
network_configuration:
  description: The values to specify in a net peering. V(none) unless O(network_configuration=true).
  returned: success
  type: dict
  contains:
    outscale_account_id:
      description: The account of the database's network.
      type: str
      sample: '210987654321'
    outscale_net_id:
      description: The ID of the database's network.
      type: str
      sample: vpc-1a2b3c4d
    ip_range:
      description: The address range of the database's network. The other network must not overlap it.
      type: str
      sample: 10.100.0.0/16
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
from ansible_collections.community.scalingo.plugins.module_utils._resources.net_peering import (
    NetPeeringInfo as RESOURCE,
)


def argument_spec() -> Spec:
    return COMMON + Spec(
        {
            "net_peering_id": {"type": "str"},
            "network_configuration": {"type": "bool", "default": False},
        }
    )


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
