#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_operation_info
version_added: 0.1.0
short_description: Get an operation of a database, or wait for its end
description:
  - Returns one operation, such as an upgrade or a restore. By default, returns the running one.
  - The list is empty when no operation is running, or the platform no longer keeps it.
  - Such an operation may have succeeded.
  - Costs one request to the Database API. Without O(operation_id), a running operation costs one more.
  - With O(wait=true), each poll costs one request, and the operation one more at the end.
options:
  operation_id:
    description: The ID of the operation. The default is the running one.
    type: str
  wait:
    description:
      - Whether to wait. In check mode, the task does not wait.
      - With O(operation_id), waits until that operation has ended and the database is idle or has begun another one.
      - An operation that failed does not fail the task, see RV(operations[].status).
      - An operation with an unknown status has ended when the database is idle for six times O(wait_interval).
      - Without O(operation_id), waits until the database is running without an operation, and returns the last operation that was seen.
        The task fails when the database is stopped.
    type: bool
    default: false
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.await
  - community.scalingo._attributes
  - community.scalingo._attributes.reads
seealso:
  - module: community.scalingo.scalingo_database_upgrade
  - module: community.scalingo.scalingo_database_restore
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Get the running operation
  community.scalingo.scalingo_operation_info:
    app: shop
    addon: postgresql
  register: result

- name: Show the running operation
  ansible.builtin.debug:
    msg: "{{ result.operations[0].type }} is {{ result.operations[0].status }}"
  when: result.operations | length > 0

- name: Get an operation that was started without waiting
  community.scalingo.scalingo_operation_info:
    app: shop
    addon: postgresql
    operation_id: 609145e66ffbd934f6745bb4

- name: Wait until the database is running and idle
  community.scalingo.scalingo_operation_info:
    app: shop
    addon: postgresql
    wait: true
    wait_timeout: 3600
  register: result

- name: Show what the database is like now
  ansible.builtin.debug:
    msg: "{{ result.database.readable_version }}, {{ result.database.status }}"
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
    type:
      description: The type of the operation, if the platform returns it.
      type: str
      sample: upgrade
    status:
      description:
        - V(finished) or V(done) after success, V(error), V(user-error) or V(cancelled) otherwise. Other values mean that it has not ended.
      type: str
      sample: finished
    created_at:
      description: When it was requested, in UTC.
      type: str
      sample: '2026-11-20T22:00:00.000000Z'
    finished_at:
      description: When it ended, in UTC.
      type: str
      sample: '2026-11-20T22:09:31.000000Z'
    error:
      description: The error message of the platform.
      type: str
      sample: an extension is not compatible with the new version
database:
  description:
    - The database as last polled, as RV(community.scalingo.scalingo_database_info#module:databases) describes it.
    - V(none) when it does not exist, and with O(operation_id) without O(wait=true).
  returned: success
  type: dict
  sample: {readable_version: 17.10.0-1, status: running, current_operation_id: null}
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
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, Spec, waiting
from ansible_collections.community.scalingo.plugins.module_utils._resources.operation import OperationInfo as RESOURCE


def argument_spec() -> Spec:
    return (
        COMMON
        + waiting(7200, wait=False, on_busy=False)
        + Spec({"wait": {"type": "bool", "default": False}, "operation_id": {"type": "str"}})
    )


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
