#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_dedicated_database_info
version_added: 0.1.0
short_description: List databases with dedicated resources
description:
  - Returns the databases with dedicated resources in a region, or only O(app), by name or ID.
  - The list is empty when the database does not exist.
  - Lists all databases unless O(app) is set, also by E(SCALINGO_APP) or C(module_defaults).
  - To override both, set O(app="") and clear E(SCALINGO_APP) in the C(environment) of the task.
  - To manage one with another module, set O(app) to its name and O(addon) to its technology, such as V(postgresql-ng).
  - Databases with shared resources are addons of an app. To list them, use M(community.scalingo.scalingo_addon_info).
  - Scalingo offers dedicated resources to selected customers only. What the API returns for other customers is unknown.
  - O(addon) is ignored.
  - Costs one request to the main API.
options: {}
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.account
  - community.scalingo._attributes
  - community.scalingo._attributes.reads
seealso:
  - module: community.scalingo.scalingo_database_info
  - module: community.scalingo.scalingo_addon_info
  - module: community.scalingo.scalingo_firewall_rule_info
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: List the databases with dedicated resources
  community.scalingo.scalingo_dedicated_database_info:
  register: result

- name: List the firewall rules of each database
  community.scalingo.scalingo_firewall_rule_info:
    app: "{{ item.name }}"
    addon: "{{ item.technology }}"
  loop: "{{ result.dedicated_databases }}"
  loop_control:
    label: "{{ item.name }}"

- name: Get one database
  community.scalingo.scalingo_dedicated_database_info:
    app: ledger
"""

RETURN = r"""
dedicated_databases:
  description: The databases, in the order of the platform.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The ID of the database, which is also the ID of its app.
      type: str
      sample: 54100930736f7563d5030000
    name:
      description: The name of the database, which is also the name of its app.
      type: str
      sample: ledger
    project_id:
      description: The ID of its project.
      type: str
      sample: pr-82a3cac5-9b25-473e-b33d-6272b87e636f
    technology:
      description: The technology, as the ID of the addon provider.
      type: str
      sample: postgresql-ng
    plan:
      description: The name of the plan.
      type: str
      sample: postgresql-dr-starter-4096
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
from ansible_collections.community.scalingo.plugins.module_utils._resources.dedicated_database import (
    DedicatedDatabaseInfo as RESOURCE,
)


def argument_spec() -> Spec:
    return COMMON


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
