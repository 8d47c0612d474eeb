#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_app_info
version_added: 0.1.0
short_description: List the apps of a region
description:
  - Returns the apps of a region that the account can access, or only O(app).
  - The list is empty when the app does not exist.
  - Lists all apps unless O(app) is set, also by E(SCALINGO_APP) or C(module_defaults).
  - To override both, set O(app="") and clear E(SCALINGO_APP) in the C(environment) of the task.
  - A database with dedicated resources is listed as an app with the flag C(dedicated-database).
  - O(addon) is ignored.
  - Costs one request to the main API.
options: {}
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.account
  - community.scalingo._attributes
  - community.scalingo._attributes.reads
seealso:
  - module: community.scalingo.scalingo_addon_info
  - module: community.scalingo.scalingo_dedicated_database_info
  - module: community.scalingo.scalingo_event_info
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: List the apps of a region
  community.scalingo.scalingo_app_info:
    region: osc-secnum-fr1
  register: result

- name: Show the databases with dedicated resources
  ansible.builtin.debug:
    msg: "{{ result.apps | selectattr('flags.dedicated-database', 'defined') | map(attribute='name') }}"

- name: List the addons of each app
  community.scalingo.scalingo_addon_info:
    region: osc-secnum-fr1
    app: "{{ item.name }}"
  loop: "{{ result.apps }}"
  loop_control:
    label: "{{ item.name }}"

- name: Get an app that may not exist
  community.scalingo.scalingo_app_info:
    app: shop
  register: shop

- name: Show whether the app exists
  ansible.builtin.debug:
    msg: "{{ shop.apps[0].name }} is {{ shop.apps[0].status }}"
  when: shop.apps | length > 0
"""

RETURN = r"""
apps:
  description: The apps, in the order of the platform.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The ID of the app.
      type: str
      sample: 5343eccd646173000a140000
    name:
      description: The name of the app.
      type: str
      sample: shop
    region:
      description: The region of the app.
      type: str
      sample: osc-fr1
    status:
      description: V(new), V(running), V(stopped), V(scaling), V(restarting), V(booting) or V(crashed). The platform may add others.
      type: str
      sample: running
    flags:
      description:
        - The flags of the app, each V(true) or V(false). The app of a database with dedicated resources has C(dedicated-database).
        - V(none) when the platform does not return them.
      type: dict
      sample: {dedicated-database: true}
    owner:
      description: The owner of the app.
      type: dict
      contains:
        id:
          description: The ID of the user.
          type: str
          sample: us-0e6d8e46-5cd0-42a4-acba-372b2be605ac
        username:
          description: The name of the user.
          type: str
          sample: johndoe
        email:
          description: The email address of the user.
          type: str
          sample: john.doe@example.com
    project:
      description: The project that the app belongs to.
      type: dict
      contains:
        id:
          description: The ID of the project.
          type: str
          sample: pr-82a3cac5-9b25-473e-b33d-6272b87e636f
        name:
          description: The name of the project.
          type: str
          sample: default
    created_at:
      description: When it was created, in UTC.
      type: str
      sample: '2026-02-05T14:30:02.120000Z'
    updated_at:
      description: When it was last changed, in UTC.
      type: str
      sample: '2026-11-20T09:12:44.005000Z'
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
from ansible_collections.community.scalingo.plugins.module_utils._resources.app import AppInfo as RESOURCE


def argument_spec() -> Spec:
    return COMMON


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
