#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_net_peering
version_added: 0.1.0
short_description: Join a network to that of a database with dedicated resources
description:
  - Accepts a net peering, so that a network of yours in the cloud of Outscale reaches the database by private addresses, or deletes it again.
    Databases on shared resources have no network of their own.
  - First ask for a net peering in Outscale, with the account and the network of the database, which M(community.scalingo.scalingo_net_peering_info) tells.
    Its ID is what this module takes, and what it knows a net peering by.
  - O(app) alone names the database. O(addon) is not needed; when it is given, it must be V(postgresql-ng) or an ID, which is not looked up.
    O(addon_id) and O(addon_token) are refused, as they do not open the main API.
  - A net peering that the platform shows as V(deleted) counts as absent. It is neither used nor deleted again.
  - A task that changes nothing costs one request to the main API. A task that changes something costs three, and more while it waits.
    Without a cache there comes one request before, for the bearer token.
options:
  outscale_net_peering_id:
    description: The ID that Outscale gave to the net peering, for example V(pcx-12345678).
    type: str
    required: true
  state:
    description:
      - Whether the net peering is to exist. V(absent) cuts off whoever connects through it.
    type: str
    choices: [present, absent]
    default: present
  wait_timeout:
    description:
      - How long to wait until the net peering is V(active), or gone, in seconds. Any other status means that the platform is still at it.
    type: float
    default: 900
  wait_interval:
    description: How long to wait between two looks, in seconds, at first. It grows to six times as much. At least V(0.1).
    type: float
    default: 5
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.wait
  - community.scalingo._attributes
  - community.scalingo._attributes.changes
attributes:
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second run reports no change.
    support: full
seealso:
  - module: community.scalingo.scalingo_net_peering_info
  - module: community.scalingo.scalingo_firewall_rule
  - module: community.scalingo.scalingo_database_info
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Read what to ask for a net peering of
  community.scalingo.scalingo_net_peering_info:
    app: shop-database
    network_configuration: true
  register: result

- name: Tell it
  ansible.builtin.debug:
    msg: "{{ result.network_configuration.outscale_account_id }}, {{ result.network_configuration.outscale_net_id }}"

- name: Join the network that the net peering was asked for from
  community.scalingo.scalingo_net_peering:
    app: shop-database
    outscale_net_peering_id: pcx-12345678

- name: Part it again
  community.scalingo.scalingo_net_peering:
    app: shop-database
    outscale_net_peering_id: pcx-12345678
    state: absent
"""

RETURN = r"""
net_peering:
  description: The net peering, or none when it is absent. In check mode as it would be.
  returned: success
  type: dict
  contains:
    id:
      description: The ID that the platform gave to the net peering. None in check mode for one that would be created.
      type: str
      sample: 65f1c0d2a1b2c3d4e5f60718
    database_id:
      description: The ID of the database, which is the one of its app.
      type: str
      sample: 65f1c0d2a1b2c3d4e5f60719
    status:
      description:
        - V(active), or another one with O(wait=false). None in check mode for one that would be created with O(wait=false).
      type: str
      sample: active
    outscale_net_peering_id:
      description: The ID that Outscale gave to the net peering.
      type: str
      sample: pcx-12345678
    outscale_source_net_id:
      description: The ID of the network that is joined.
      type: str
      sample: vpc-12345678
    outscale_source_net_ip_range:
      description: The address range of that network.
      type: str
      sample: 10.20.0.0/16
    outscale_source_account_id:
      description: The account of that network.
      type: str
      sample: '123456789012'
    created_at:
      description: When it was made, in UTC.
      type: str
      sample: '2026-11-20T00:00:00.000000Z'
    updated_at:
      description: When it was changed last, in UTC.
      type: str
      sample: '2026-11-20T00:00:00.000000Z'
steps:
  description: What the task did, or would do in check mode, in order. Empty when nothing changes.
  returned: success
  type: list
  elements: str
  sample: ['create the net peering pcx-12345678']
app:
  description: The app of the database as the task names it, or none when the task gives O(addon_id) and O(addon_token) only.
  returned: when the options are valid
  type: str
  sample: shop
addon_id:
  description: The ID of the addon. None when the task failed before it was found.
  returned: when the options are valid
  type: str
  sample: ad-0f1ab3e1-e97d-4f33-9168-4956379731a4
region:
  description: The region of the app.
  returned: when the options are valid
  type: str
  sample: osc-fr1
api_usage:
  description: What the task cost. The API allows 60 requests a minute.
  returned: when the options are valid
  type: dict
  contains:
    requests:
      description: How many requests were sent, those that got no answer included.
      type: int
      sample: 1
    writes:
      description: How many of them can change something.
      type: int
      sample: 0
    waited_seconds:
      description: How long the task slept, for operations of the platform, after failures and for the rate limit, in seconds.
      type: float
      sample: 0.0
    tokens_reused:
      description: How many tokens were taken from the cache instead of asking for new ones.
      type: int
      sample: 1
notes:
  description: What is worth knowing and changes nothing, such as why tokens are kept in memory only.
  returned: when there is something to say
  type: list
  elements: str
  sample: ['the token cache is not used: the directory belongs to another user']
error:
  description: What went wrong, as data. Parts that are not known are left out.
  returned: failure
  type: dict
  contains:
    kind:
      description: The kind of error, for conditions in a playbook.
      type: str
      sample: ValidationFailed
    doing:
      description: What was being done.
      type: str
      sample: set periodic_backups_scheduled_at to 3:00 UTC
    subject:
      description: The database that it was done on.
      type: str
      sample: addon ad-0f1ab3e1-e97d-4f33-9168-4956379731a4 of app shop in osc-fr1
    message:
      description: What the API said, or why the task was refused.
      type: str
      sample: periodic_backups_scheduled_at is invalid
    status:
      description: The status code of the answer.
      type: int
      sample: 422
    code:
      description: The code that the API gave with its message.
      type: str
      sample: region_disabled
    field_errors:
      description: The messages for each field that the API refused.
      type: dict
      sample: {periodic_backups_scheduled_at: [is invalid]}
    method:
      description: The method of the request that failed.
      type: str
      sample: PATCH
    path:
      description: The path of the request that failed.
      type: str
      sample: /api/databases/ad-0f1ab3e1-e97d-4f33-9168-4956379731a4
    request_id:
      description: The ID of the request, for Scalingo's support.
      type: str
      sample: 4f5e7f6a-6f4c-4a3e-8f60-3f3d4b0f1c55
    attempts:
      description: How often the request was sent.
      type: int
      sample: 1
    hint:
      description: What to do next.
      type: str
      sample: Run the task again later.
    last_status:
      description: The last status that was seen before waiting ended.
      type: str
      sample: PENDING_TO_ACTIVATE
steps_done:
  description: What was done before the task failed. Nothing of it is undone.
  returned: when the task fails after it began to change something
  type: list
  elements: str
  sample: ['create the net peering pcx-12345678']
step_failed:
  description: What the task was doing when it failed.
  returned: when the task fails after it began to change something
  type: str
  sample: create the net peering pcx-12345678
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
