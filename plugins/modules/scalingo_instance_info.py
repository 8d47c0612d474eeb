#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_instance_info
version_added: 0.1.0
short_description: List the instances of a database and their status
description:
  - Returns the instances of a database, with their addresses and their status, put together from two routes of the API.
  - Costs two requests to the Database API, with O(health=true) one more. Without a cache there come up to three requests before, for the bearer token,
    for the addon (unless O(addon) is an ID) and for the addon's token.
options:
  health:
    description: Whether to return the health of the cluster too. Elasticsearch and OpenSearch only, other databases are refused.
    type: bool
    default: false
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._attributes
  - community.scalingo._attributes.reads
seealso:
  - module: community.scalingo.scalingo_database_info
  - module: community.scalingo.scalingo_metrics_info
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: List the instances
  community.scalingo.scalingo_instance_info:
    app: shop
    addon: postgresql
  register: result

- name: Fail unless all of them run
  ansible.builtin.assert:
    that: result.instances | rejectattr('status', 'eq', 'running') | length == 0

- name: Read the health of an Elasticsearch cluster too
  community.scalingo.scalingo_instance_info:
    app: search
    addon: elasticsearch
    health: true
"""

RETURN = r"""
instances:
  description: The instances.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The ID of the instance.
      type: str
      sample: a7ecbaf9-7f3c-4324-bf35-975f546718c2
    hostname:
      description: The host name of the instance. None when only its status is known.
      type: str
      sample: a7ecbaf9-7f3c-4324-bf35-975f546718c2.shop-4553.postgresql.dbs.scalingo.com
    port:
      description: The port of the instance.
      type: int
      sample: 35123
    type:
      description:
        - V(db-node), V(utility), or the proxy, which is V(gateway) or V(haproxy).
      type: str
      sample: db-node
    status:
      description:
        - V(booting), V(running), V(restarting), V(migrating), V(upgrading), V(stopped) or V(removing).
      type: str
      sample: running
    role:
      description:
        - V(leader), V(follower), or empty text for an instance without a role.
      type: str
      sample: leader
    dbms_status:
      description: What the database server itself says, where the platform tells.
      type: str
      sample: running
    features:
      description: The features of the instance.
      type: list
      elements: str
      sample: []
    private_ip:
      description: The address in the private network, if there is one.
      type: str
      sample: 10.0.0.12
health:
  description: What the cluster says of itself. None unless O(health=true).
  returned: success
  type: dict
  contains:
    status:
      description:
        - V(green), V(yellow) or V(red).
      type: str
      sample: green
    cluster:
      description: The name of the cluster.
      type: str
      sample: my-cluster
    shards:
      description: How many shards there are.
      type: int
      sample: 141
    pending_tasks:
      description: How many tasks of the cluster wait.
      type: int
      sample: 0
    epoch:
      description: When that was so, in seconds since 1970.
      type: int
      sample: 1550839427
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
"""

from ansible_collections.community.scalingo.plugins.module_utils._module import run
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, Spec
from ansible_collections.community.scalingo.plugins.module_utils._resources.instance import InstanceInfo as RESOURCE


def argument_spec() -> Spec:
    return COMMON + Spec({"health": {"type": "bool", "default": False}})


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
