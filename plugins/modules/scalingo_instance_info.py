#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_instance_info
version_added: 0.1.0
short_description: List the instances of a database
description:
  - Returns the instances of a database, with addresses and statuses.
  - Costs two requests to the Database API. With O(health=true) it costs three.
options:
  health:
    description: Whether to also return the cluster health. Available for Elasticsearch and OpenSearch only. Other databases are refused.
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

- name: Fail unless all instances are running
  ansible.builtin.assert:
    that: result.instances | rejectattr('status', 'eq', 'running') | length == 0

- name: Get the instances and the health of an Elasticsearch cluster
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
      description: The host name of the instance. V(none) when only its status is known.
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
        - V(leader), V(follower), or an empty string for an instance without a role.
      type: str
      sample: leader
    dbms_status:
      description: The status of the database server, if the platform returns it.
      type: str
      sample: running
    features:
      description: The features of the instance.
      type: list
      elements: str
      sample: []
    private_ip:
      description: The address in the private network, if it exists.
      type: str
      sample: 10.0.0.12
health:
  description: The cluster health. V(none) unless O(health=true).
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
      description: The number of shards.
      type: int
      sample: 141
    pending_tasks:
      description: The number of pending tasks of the cluster.
      type: int
      sample: 0
    epoch:
      description: The time of the status, in seconds since 1970.
      type: int
      sample: 1550839427
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
from ansible_collections.community.scalingo.plugins.module_utils._resources.instance import InstanceInfo as RESOURCE


def argument_spec() -> Spec:
    return COMMON + Spec({"health": {"type": "bool", "default": False}})


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
