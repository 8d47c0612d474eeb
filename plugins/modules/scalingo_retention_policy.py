#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_retention_policy
version_added: 0.1.0
short_description: Manage retention policies on InfluxDB
description:
  - Adds and deletes retention policies of an InfluxDB addon. The platform has no way to alter one.
  - Durations are compared by their value, so that V(30d), V(720h) and V(720h0m0s) are the same.
  - A policy that exists with another duration fails the task, which proposes a new policy beside the old one. Recreating it
    destroys its points and needs your consent.
  - A task that changes nothing costs one request to the Database API, however many policies it has. A task that changes something costs one request
    for each policy that it adds or deletes, and one to verify. Without a cache there come up to three requests before, for the bearer token,
    for the addon (unless O(addon) is an ID) and for the addon's token.
options:
  name:
    description: The name of one policy. Exactly one of O(name) and O(policies) is needed.
    type: str
  duration:
    description:
      - How long points are kept, for example V(30d), V(720h), V(4w2d), or V(INF) for no end.
      - InfluxDB takes at least one hour. It counts up to 106751 days. A longer duration is refused.
      - Needed when O(name) is given and O(state=present).
    type: str
  default:
    description:
      - Whether points go there that are written without naming a policy. Another policy that was the default is that no longer.
      - When it is left out, an existing policy is left as it is and a new one is not the default.
      - A policy with V(true) takes over from the default one, whichever place it has in O(policies).
    type: bool
  policies:
    description: Several policies that are to exist. Policies that it does not name are left alone.
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
      - Whether the policy is to exist.
      - V(absent) deletes it with all its points, takes one O(name), and needs O(confirm).
    type: str
    choices: [present, absent]
    default: present
  allow:
    description:
      - The consequences that you agree to. A change with a consequence that is not listed is refused before anything is changed.
      - V(recreate) is for a policy that is deleted with its points and added anew, because its values differ. It needs O(confirm) too.
      - V(default_policy) is for deleting the default policy.
    type: list
    elements: str
    choices: [recreate, default_policy]
    default: []
  confirm:
    description: The name of the policy whose points are to be lost, as the consent to that.
    type: str
  wait_timeout:
    description: How long to wait for the end of another operation on the database, in seconds.
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
  description: The policy, or none when it is absent. In check mode as it would be.
  returned: success, when O(name) is given
  type: dict
  contains:
    name:
      description: The name of the policy.
      type: str
      sample: raw
    duration:
      description: How long points are kept, in its shortest form. V(0) is without end. None when the platform shows something else.
      type: str
      sample: 30d
    duration_seconds:
      description: The same in whole seconds. V(0) is without end.
      type: int
      sample: 2592000
    default:
      description: Whether points go there that are written without naming a policy.
      type: bool
      sample: true
retention_policies:
  description: All policies of the addon. In check mode as they would be.
  returned: success, when O(policies) is given
  type: list
  elements: dict
  contains:
    name:
      description: The name of the policy.
      type: str
      sample: raw
    duration:
      description: How long points are kept, in its shortest form. V(0) is without end. None when the platform shows something else.
      type: str
      sample: 30d
    duration_seconds:
      description: The same in whole seconds. V(0) is without end.
      type: int
      sample: 2592000
    default:
      description: Whether points go there that are written without naming a policy.
      type: bool
      sample: true
steps:
  description: What the task did, or would do in check mode, in order. Empty when nothing changes.
  returned: success
  type: list
  elements: str
  sample: ['add the retention policy raw with the duration 30d as the default']
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
  sample: ['add the retention policy raw with the duration 30d as the default']
step_failed:
  description: What the task was doing when it failed.
  returned: when the task fails after it began to change something
  type: str
  sample: add the retention policy daily with the duration 364d
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
