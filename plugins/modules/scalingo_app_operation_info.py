#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_app_operation_info
version_added: 0.1.0
short_description: Get an operation of an app
description:
  - Returns one operation of an app, such as a restart or a scaling operation.
  - For database operations, such as upgrades, use M(community.scalingo.scalingo_operation_info).
  - The list is empty when the platform does not know the operation, or no longer keeps it.
  - Such an operation may have succeeded.
  - O(addon) is ignored.
  - Costs one request to the main API. An unknown operation costs one more, to check that the app exists.
options:
  operation_id:
    description: The ID of the operation.
    type: str
    required: true
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.account
  - community.scalingo._attributes
  - community.scalingo._attributes.reads
seealso:
  - module: community.scalingo.scalingo_operation_info
  - module: community.scalingo.scalingo_event_info
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Wait for the end of a restart
  community.scalingo.scalingo_app_operation_info:
    app: shop
    operation_id: 609145e66ffbd934f6745bb4
  register: result
  until: result.operations | length == 0 or result.operations[0].status not in ["pending", "running"]
  delay: 5
  retries: 24

- name: Show the status of the restart
  ansible.builtin.debug:
    msg: "{{ result.operations[0].type }}: {{ result.operations[0].error | default('it went well', true) }}"
  when: result.operations | length > 0
"""

RETURN = r"""
operations:
  description: The operation, or an empty list.
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
      description: The type of the operation.
      type: str
      sample: restart
    status:
      description: V(done) after success, V(error) after a failure. V(pending), V(running) and other values mean that it has not ended.
      type: str
      sample: done
    created_at:
      description: When it was requested, in UTC.
      type: str
      sample: '2026-11-20T22:00:00.000000Z'
    finished_at:
      description: When it ended, in UTC.
      type: str
      sample: '2026-11-20T22:00:31.000000Z'
    error:
      description: The error message of the platform.
      type: str
      sample: the app did not start in time
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
from ansible_collections.community.scalingo.plugins.module_utils._resources.app import AppOperationInfo as RESOURCE


def argument_spec() -> Spec:
    return COMMON + Spec({"operation_id": {"type": "str", "required": True}})


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
