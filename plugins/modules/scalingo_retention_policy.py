#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_retention_policy
version_added: 0.1.0
short_description: Manage retention policies of InfluxDB
description:
  - Adds and deletes retention policies of an InfluxDB addon. The API cannot alter one.
  - Durations are compared by value. V(30d), V(720h) and V(720h0m0s) are the same.
  - The task fails when a policy exists with another duration, and proposes a new policy beside it.
  - Recreating a policy destroys its points and needs your consent.
  - An unchanged task costs one request to the Database API.
  - A change costs one request per policy, and one to verify.
options:
  name:
    description: The name of one policy. Exactly one of O(name) and O(policies) is needed.
    type: str
  duration:
    description:
      - How long points are kept, for example V(30d), V(720h), V(4w2d), or V(INF) for no end.
      - At least one hour, at most 106751 days.
      - Needed with O(name) and O(state=present).
    type: str
  default:
    description:
      - Whether this is the default policy, for points that name none. It replaces the previous default.
      - Without it, an existing policy is left as it is, and a new one is not the default.
    type: bool
  policies:
    description: Several policies. Others are left alone.
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
        description: Whether points go there that are written without naming a policy.
        type: bool
  state:
    description:
      - Whether the policy exists.
      - V(absent) deletes it with all its points, takes one O(name), and needs O(confirm).
    type: str
    choices: [present, absent]
    default: present
  allow:
    description:
      - Consequences that you accept. Any other is refused before anything is changed.
      - V(recreate) is a policy that is deleted with its points and added anew. It needs O(confirm) too.
      - V(default_policy) is the deletion of the default policy.
    type: list
    elements: str
    choices: [recreate, default_policy]
    default: []
  confirm:
    description: The name of the policy whose points are lost, as the consent.
    type: str
  wait_timeout:
    description: How long to wait for another operation on the database, in seconds.
    type: float
    default: 900
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.patience
  - community.scalingo._attributes
  - community.scalingo._attributes.changes
attributes:
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second run reports no change.
    support: full
seealso:
  - module: community.scalingo.scalingo_retention_policy_info
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Keep points for thirty days unless something else is asked for
  community.scalingo.scalingo_retention_policy:
    app: metrics
    addon: influxdb
    name: raw
    duration: 30d
    default: true

- name: Have several policies
  community.scalingo.scalingo_retention_policy:
    app: metrics
    addon: influxdb
    policies:
      - name: daily
        duration: 52w
      - name: monthly
        duration: INF

- name: Delete a policy with all its points
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
  description: What was done before the task failed. Nothing of it is undone.
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
  description: The app as the task names it. V(none) when the task gives O(addon_id) and O(addon_token) only.
  returned: when the options are valid
  type: str
  sample: shop
addon_id:
  description: The ID of the addon. V(none) when the task failed before it was found.
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
  sample: {kind: NotFound, status: 404, message: app not found, doing: list the addons, subject: addon postgresql of app nowhere in osc-fr1}
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
