#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_dedicated_database_info
version_added: 0.1.0
short_description: List the databases with dedicated resources
description:
  - Returns the databases with dedicated resources that the account may see in a region, or the one that O(app) names by its name or ID.
    The list is empty when there is no such database.
  - Costs one request to the main API. Without a cache there comes one request before, for the bearer token.
  - All databases are listed unless an app is named. E(SCALINGO_APP) and C(module_defaults) name one too.
  - With O(app="") and an empty E(SCALINGO_APP) in the C(environment) of the task none is named.
  - To read more of one, use its name as O(app) and its technology as O(addon) of another module. Databases on shared resources are addons.
  - Scalingo offers dedicated resources to selected customers. What it answers to others is not known.
  - O(addon) means nothing here. O(addon_id) and O(addon_token) are refused, as they open the Database API only.
options: {}
extends_documentation_fragment:
  - community.scalingo._options
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

- name: Read who may reach each of them
  community.scalingo.scalingo_firewall_rule_info:
    app: "{{ item.name }}"
    addon: "{{ item.technology }}"
  loop: "{{ result.dedicated_databases }}"
  loop_control:
    label: "{{ item.name }}"

- name: Read one of them
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
      description: The ID of the database, which is the ID of its app too.
      type: str
      sample: 54100930736f7563d5030000
    name:
      description: The name of the database, which is the name of its app too.
      type: str
      sample: ledger
    project_id:
      description: The ID of the project that it belongs to.
      type: str
      sample: pr-82a3cac5-9b25-473e-b33d-6272b87e636f
    technology:
      description: What it is, as the ID of the provider of its addon.
      type: str
      sample: postgresql-ng
    plan:
      description: The name of the plan.
      type: str
      sample: postgresql-dr-starter-4096
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
from ansible_collections.community.scalingo.plugins.module_utils._resources.dedicated_database import (
    DedicatedDatabaseInfo as RESOURCE,
)


def argument_spec() -> Spec:
    return COMMON


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
