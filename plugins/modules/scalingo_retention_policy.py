#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_retention_policy
version_added: 0.1.0
short_description: Manage the retention policies of an InfluxDB addon
description:
  - Creates and deletes retention policies of an InfluxDB addon. The API cannot modify them.
  - Durations are compared by value. V(30d), V(720h) and V(720h0m0s) are the same.
  - The task fails when a policy exists with another duration. The error suggests creating another policy.
  - Recreating a policy deletes its points. It needs O(allow=recreate) and O(confirm).
  - A change also costs one request per policy, and one to verify.
options:
  name:
    description: The name of one policy. Exactly one of O(name) and O(policies) is required.
    type: str
  duration:
    description:
      - How long points are kept, for example V(30d), V(720h), V(4w2d), or V(INF) for unlimited.
      - The minimum is one hour, the maximum 106751 days.
      - Required with O(name) and O(state=present).
    type: str
  default:
    description:
      - Whether this is the default policy, used for points written without one. It replaces the previous default.
      - Without it, an existing policy stays unchanged, and a new one is not the default.
    type: bool
  policies:
    description: A list of policies to manage. Other policies stay unchanged.
    type: list
    elements: dict
    suboptions:
      name:
        description: The name of the policy.
        type: str
        required: true
      duration:
        description: How long points are kept.
        type: str
        required: true
      default:
        description: Whether this is the default policy, used for points written without one.
        type: bool
  state:
    description:
      - Whether the policies should exist.
      - V(absent) deletes the policy and all its points. It requires O(name) and O(confirm).
    type: str
    choices: [present, absent]
    default: present
  allow:
    description:
      - Consequences that you accept. The task refuses all others before it changes anything.
      - V(recreate) accepts that a policy and its points are deleted and the policy is created again. Also needs O(confirm).
      - V(default_policy) accepts the deletion of the default policy.
    type: list
    elements: str
    choices: [recreate, default_policy]
    default: []
  confirm:
    description: The name of the policy, as consent to losing its points.
    type: str
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.patience
  - community.scalingo._attributes
  - community.scalingo._attributes.changes
attributes:
  idempotent:
    support: full
seealso:
  - module: community.scalingo.scalingo_retention_policy_info
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Keep points for 30 days by default
  community.scalingo.scalingo_retention_policy:
    app: metrics
    addon: influxdb
    name: raw
    duration: 30d
    default: true

- name: Ensure several policies exist
  community.scalingo.scalingo_retention_policy:
    app: metrics
    addon: influxdb
    policies:
      - name: daily
        duration: 52w
      - name: monthly
        duration: INF

- name: Delete a policy and all its points
  community.scalingo.scalingo_retention_policy:
    app: metrics
    addon: influxdb
    name: daily
    state: absent
    confirm: daily
"""

RETURN = r"""
retention_policy:
  description:
    - The policy, as RV(community.scalingo.scalingo_retention_policy_info#module:retention_policies) describes it, or V(none) when it is absent. In check
      mode, the predicted state.
  returned: success, when O(name) is given
  type: dict
retention_policies:
  description:
    - All policies of the addon, as RV(community.scalingo.scalingo_retention_policy_info#module:retention_policies) describes them. In check mode, the
      predicted state.
  returned: success, when O(policies) is given
  type: list
  elements: dict
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
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, CONFIRM, Spec, consent, waiting
from ansible_collections.community.scalingo.plugins.module_utils._resources.retention_policy import (
    RetentionPolicies as RESOURCE,
)


def argument_spec() -> Spec:
    return (
        COMMON
        + waiting(900, wait=False)
        + consent("recreate", "default_policy")
        + CONFIRM
        + Spec(
            {
                "name": {"type": "str"},
                "duration": {"type": "str"},
                "default": {"type": "bool"},
                "policies": {
                    "type": "list",
                    "elements": "dict",
                    "options": {
                        "name": {"type": "str", "required": True},
                        "duration": {"type": "str", "required": True},
                        "default": {"type": "bool"},
                    },
                },
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
            },
            mutually_exclusive=(("name", "policies"), ("duration", "policies"), ("default", "policies")),
            required_one_of=(("name", "policies"),),
        )
    )


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
