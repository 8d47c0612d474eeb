#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_app_operation_info
version_added: 0.1.0
short_description: Read an operation of an app
description:
  - Returns one operation of an app, such as a restart or another number of containers. For those of a database, such as upgrades, there is
    M(community.scalingo.scalingo_operation_info).
  - The list is empty when the platform does not know the operation, or not any more. That does not mean that it failed.
  - Costs one request to the main API, and one more when the platform does not know the operation, to see that the app exists.
    Without a cache there comes one request before, for the bearer token.
  - O(addon) means nothing here. O(addon_id) and O(addon_token) are refused, as they open the Database API only.
options:
  operation_id:
    description: The ID of the operation.
    type: str
    required: true
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._attributes
  - community.scalingo._attributes.reads
seealso:
  - module: community.scalingo.scalingo_operation_info
  - module: community.scalingo.scalingo_event_info
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Wait for the end of a restart that somebody asked for
  community.scalingo.scalingo_app_operation_info:
    app: shop
    operation_id: 609145e66ffbd934f6745bb4
  register: result
  until: result.operations | length == 0 or result.operations[0].status not in ["pending", "running"]
  delay: 5
  retries: 24

- name: Say how it ended
  ansible.builtin.debug:
    msg: "{{ result.operations[0].type }}: {{ result.operations[0].error | default('it went well', true) }}"
  when: result.operations | length > 0
"""

RETURN = r"""
operations:
  description: The operation, or nothing.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The ID of the operation.
      type: str
      sample: 609145e66ffbd934f6745bb4
    app_id:
      description: The ID of the app.
      type: str
      sample: 5343eccd646173000a140000
    type:
      description: What kind of operation it is.
      type: str
      sample: restart
    status:
      description: V(done) for one that succeeded, V(error) for one that did not. V(pending), V(running) and others are on their way.
      type: str
      sample: done
    created_at:
      description: When it was asked for, in UTC.
      type: str
      sample: '2026-11-20T22:00:00.000000Z'
    finished_at:
      description: When it ended, in UTC.
      type: str
      sample: '2026-11-20T22:00:31.000000Z'
    error:
      description: What went wrong, in the words of the platform.
      type: str
      sample: the app did not start in time
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
from ansible_collections.community.scalingo.plugins.module_utils._resources.app import AppOperationInfo as RESOURCE


def argument_spec() -> Spec:
    return COMMON + Spec({"operation_id": {"type": "str", "required": True}})


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
