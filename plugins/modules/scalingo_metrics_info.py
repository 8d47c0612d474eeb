#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_metrics_info
version_added: 0.1.0
short_description: Get the metrics of a database
description:
  - Returns the current metrics of a database, as a list with one entry.
  - With O(type), returns a time series of recent hours instead.
  - Costs one request to the Database API.
options:
  type:
    description:
      - Return this time series instead of the current metrics.
      - These series are used by the platform's dashboard and are undocumented.
      - The task fails in regions that do not provide the series.
    type: str
    choices: [cpu, memory, swap, disk, diskio]
  instance_id:
    description: Return only the series of this instance. Needs O(type). To list instances, use
      M(community.scalingo.scalingo_instance_info).
    type: str
  since:
    description:
      - The length of the series in hours, with O(type). The platform's default is V(3).
      - The task fails above 32 MiB.
    type: int
  last:
    description: Whether to return only the last point of the series, with O(type).
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
- name: Get the current metrics
  community.scalingo.scalingo_metrics_info:
    app: shop
    addon: postgresql
  register: result

- name: Show the number of connections
  ansible.builtin.debug:
    msg: "{{ result.metrics[0].database_stats.current_connections }} of {{ result.metrics[0].database_stats.max_connections }}"

- name: Get the disk usage of the last day
  community.scalingo.scalingo_metrics_info:
    app: shop
    addon: postgresql
    type: disk
    since: 24
"""

RETURN = r"""
metrics:
  description: The current metrics. Empty with O(type).
  returned: success
  type: list
  elements: dict
  contains:
    cpu_usage:
      description: The CPU usage, in percent.
      type: float
      sample: 12
    memory:
      description: The memory, in bytes.
      type: dict
      contains:
        memory:
          description: The memory in use.
          type: int
          sample: 156426240
        memory_max:
          description: The peak of the memory in use.
          type: int
          sample: 222314496
        memory_limit:
          description: The memory of the plan.
          type: int
          sample: 536870912
        swap:
          description: The swap in use.
          type: int
          sample: 20480
        swap_max:
          description: The peak of the swap in use.
          type: int
          sample: 0
        swap_limit:
          description: The available swap.
          type: int
          sample: 536870912
    database_stats:
      description:
        - What the engine tells. PostgreSQL and MySQL have C(data_size) in bytes, C(current_connections) and C(max_connections), InfluxDB C(data_size),
          MongoDB C(collections), C(objects), C(avg_obj_size), C(data_size), C(storage_size), C(num_extents), C(indexes), C(index_size) and C(file_size).
      type: dict
      sample: {data_size: 11044896, current_connections: 4, max_connections: 60}
    real_disk_size:
      description: The disk usage, in bytes.
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
          description: The disk usage, in bytes.
          type: int
          sample: 37825858
        cpu:
          description: The CPU.
          type: dict
          contains:
            usage_in_percents:
              description: The CPU usage, in percent. V(none) when the platform does not return it.
              type: float
              sample: 12
        memory:
          description: The memory of the instance, in bytes.
          type: dict
          contains:
            memory_usage:
              description: The memory in use.
              type: int
              sample: 156426240
            swap_usage:
              description: The swap in use.
              type: int
              sample: 20480
            memory_limit:
              description: The available memory.
              type: int
              sample: 536870912
            swap_limit:
              description: The available swap.
              type: int
              sample: 536870912
            max_memory_usage:
              description: The peak of the memory in use.
              type: int
              sample: 222314496
            max_swap_usage:
              description: The peak of the swap in use.
              type: int
              sample: 0
points:
  description: With O(type), the points of the time series, oldest first. Empty otherwise.
  returned: success
  type: list
  elements: dict
  sample: [{disk_used: 37825858, disk_total: 10737418240}]
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
