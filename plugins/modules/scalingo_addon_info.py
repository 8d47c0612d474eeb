#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_addon_info
version_added: 0.1.0
short_description: List the addons of an app
description:
  - Returns the addons of an app, with their plans and statuses.
  - With O(addon), returns only the addon with that ID, or all addons of that provider.
  - The list is empty when no addon matches.
  - Costs one request to the main API, plus one when O(addon) matches none, to check the provider.
options: {}
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.account
  - community.scalingo._attributes
  - community.scalingo._attributes.reads
seealso:
  - module: community.scalingo.scalingo_addon
  - module: community.scalingo.scalingo_database_info
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: List the addons of an app
  community.scalingo.scalingo_addon_info:
    app: shop
  register: result

- name: Show the addons that are not running
  ansible.builtin.debug:
    msg: "{{ result.addons | rejectattr('status', 'equalto', 'running') | map(attribute='resource_id') }}"

- name: List all MySQL addons of the app
  community.scalingo.scalingo_addon_info:
    app: shop
    addon: mysql
"""

RETURN = r"""
addons:
  description: The addons, in the order of the platform.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The ID of the addon.
      type: str
      sample: ad-0f1ab3e1-e97d-4f33-9168-4956379731a4
    app_id:
      description: The ID of its app.
      type: str
      sample: 5343eccd646173000a140000
    resource_id:
      description: The resource ID that the dashboard shows. Also the default name inside the database.
      type: str
      sample: shop_4553
    status:
      description:
        - V(provisioning), V(running) or V(suspended). The platform may add others.
      type: str
      sample: running
    plan:
      description: The plan.
      type: dict
      contains:
        id:
          description: The ID of the plan.
          type: str
          sample: 5415beca646173000b015000
        name:
          description: The name of the plan.
          type: str
          sample: postgresql-starter-512
        display_name:
          description: The display name of the plan.
          type: str
          sample: Starter 512M
        description:
          description: The description of the plan.
          type: str
          sample: 512 MB of memory, 10 GB of disk
    addon_provider:
      description: The kind of the addon.
      type: dict
      contains:
        id:
          description: The ID of the provider.
          type: str
          sample: postgresql
        name:
          description: The name of the provider.
          type: str
          sample: PostgreSQL
        logo_url:
          description: The URL of the logo.
          type: str
          sample: https://cdn.scalingo.com/addons/postgresql.svg
    app:
      description: The app as set in the task, for loops over the results.
      type: str
      sample: shop
    region:
      description: The region of the app.
      type: str
      sample: osc-fr1
    is_database:
      description: Whether the platform has this kind of addon in its category of databases.
      type: bool
      sample: true
    provisioned_at:
      description: When it was provisioned, or when its plan was last changed, in UTC.
      type: str
      sample: '2026-02-05T14:38:14.343000Z'
    deprovisioned_at:
      description: When it was destroyed, in UTC. V(none) before that.
      type: str
      sample: '2026-11-20T09:12:44.005000Z'
    updated_at:
      description: When it was last changed, in UTC.
      type: str
      sample: '2026-02-05T14:41:02.112000Z'
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
from ansible_collections.community.scalingo.plugins.module_utils._resources.addon_info import AddonInfo as RESOURCE


def argument_spec() -> Spec:
    return COMMON


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
