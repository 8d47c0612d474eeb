#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_retention_policy_info
version_added: 0.1.0
short_description: List the retention policies of an InfluxDB addon
description:
  - Returns the retention policies of an InfluxDB addon.
  - Costs one request to the Database API.
options:
  name:
    description: Return only the policy with this name. The list is empty when it does not exist.
    type: str
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._attributes
  - community.scalingo._attributes.reads
seealso:
  - module: community.scalingo.scalingo_retention_policy
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: List the retention policies
  community.scalingo.scalingo_retention_policy_info:
    app: metrics
    addon: influxdb
  register: result

- name: Show the default policy
  ansible.builtin.debug:
    msg: "{{ result.retention_policies | selectattr('default') | map(attribute='name') | first }}"
"""

RETURN = r"""
retention_policies:
  description: The policies, in the order of the platform.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the policy.
      type: str
      sample: raw
    duration:
      description: How long points are kept, in its shortest form. V(0) is unlimited. V(none) when the platform returns another form.
      type: str
      sample: 30d
    duration_seconds:
      description: The duration in seconds. V(0) is unlimited.
      type: int
      sample: 2592000
    default:
      description: Whether it is the default policy, used for points written without one.
      type: bool
      sample: true
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
from ansible_collections.community.scalingo.plugins.module_utils._resources.retention_policy import (
    RetentionPolicyInfo as RESOURCE,
)


def argument_spec() -> Spec:
    return COMMON + Spec({"name": {"type": "str"}})


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
