#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_metrics_info
version_added: 0.1.0
short_description: Read the metrics of a database
description:
  - Returns the present metrics of a database as a list of one, or one series of the last hours with O(type).
  - Costs one request to the Database API. Without a cache there come up to three requests before, for the bearer token,
    for the addon (unless O(addon) is an ID) and for the addon's token.
options:
  type:
    description:
      - Return this series instead of the present metrics. The platform's dashboard reads them, its documentation does not name
        them. A region may not have them, which the task then tells.
    type: str
    choices: [cpu, memory, swap, disk, diskio]
  instance_id:
    description: Return the series of this instance only. Needs O(type). M(community.scalingo.scalingo_instance_info) lists the instances.
    type: str
  since:
    description:
      - How many hours to look back, with O(type). The platform takes V(3) when it is left out.
      - An answer of more than 32 MiB is an error.
    type: int
  last:
    description: Whether to return the last point of the series only, with O(type).
    type: bool
    default: false
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._attributes
  - community.scalingo._attributes.reads
seealso:
  - module: community.scalingo.scalingo_instance_info
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Read the present metrics
  community.scalingo.scalingo_metrics_info:
    app: shop
    addon: postgresql
  register: result

- name: Tell how many connections are in use
  ansible.builtin.debug:
    msg: "{{ result.metrics[0].database_stats.current_connections }} of {{ result.metrics[0].database_stats.max_connections }}"

- name: Read the use of the disk over the last day
  community.scalingo.scalingo_metrics_info:
    app: shop
    addon: postgresql
    type: disk
    since: 24
"""

RETURN = r"""
metrics:
  description: The present metrics. Empty with O(type).
  returned: success
  type: list
  elements: dict
  contains:
    cpu_usage:
      description: The use of the processor, in percent.
      type: float
      sample: 12
    memory:
      description: The memory, in bytes.
      type: dict
      contains:
        memory:
          description: How much is in use.
          type: int
          sample: 156426240
        memory_max:
          description: How much was in use at most.
          type: int
          sample: 222314496
        memory_limit:
          description: How much the plan has.
          type: int
          sample: 536870912
        swap:
          description: How much of the swap is in use.
          type: int
          sample: 20480
        swap_max:
          description: How much of the swap was in use at most.
          type: int
          sample: 0
        swap_limit:
          description: How much swap there is.
          type: int
          sample: 536870912
    database_stats:
      description:
        - What the engine tells. PostgreSQL and MySQL have C(data_size) in bytes, C(current_connections) and C(max_connections), InfluxDB C(data_size),
          MongoDB C(collections), C(objects), C(avg_obj_size), C(data_size), C(storage_size), C(num_extents), C(indexes), C(index_size) and C(file_size).
      type: dict
      sample: {data_size: 11044896, current_connections: 4, max_connections: 60}
    real_disk_size:
      description: How much of the disk is in use, in bytes.
      type: int
      sample: 37825858
    instances_metrics:
      description: The metrics of each instance.
      type: list
      elements: dict
      contains:
        instance_id:
          description: The ID of the instance.
          type: str
          sample: a7ecbaf9-7f3c-4324-bf35-975f546718c2
        instance_address:
          description: The host name and the port of the instance.
          type: str
          sample: a7ecbaf9-7f3c-4324-bf35-975f546718c2.shop-4553.postgresql.dbs.scalingo.com:31376
        real_disk_size:
          description: How much of the disk is in use, in bytes.
          type: int
          sample: 37825858
        cpu:
          description: The processor.
          type: dict
          contains:
            usage_in_percents:
              description: Its use, in percent.
              type: float
              sample: 12
        memory:
          description: The memory of the instance, in bytes.
          type: dict
          contains:
            memory_usage:
              description: How much is in use.
              type: int
              sample: 156426240
            swap_usage:
              description: How much of the swap is in use.
              type: int
              sample: 20480
            memory_limit:
              description: How much there is.
              type: int
              sample: 536870912
            swap_limit:
              description: How much swap there is.
              type: int
              sample: 536870912
            max_memory_usage:
              description: How much was in use at most.
              type: int
              sample: 222314496
            max_swap_usage:
              description: How much of the swap was in use at most.
              type: int
              sample: 0
points:
  description: With O(type), the points of the series as the platform gives them, oldest first. Empty otherwise.
  returned: success
  type: list
  elements: dict
  sample: [{disk_used: 37825858, disk_total: 10737418240}]
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
from ansible_collections.community.scalingo.plugins.module_utils._resources.metrics import MetricsInfo as RESOURCE


def argument_spec() -> Spec:
    return COMMON + Spec(
        {
            "type": {"type": "str", "choices": ["cpu", "memory", "swap", "disk", "diskio"]},
            "instance_id": {"type": "str"},
            "since": {"type": "int"},
            "last": {"type": "bool", "default": False},
        }
    )


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
