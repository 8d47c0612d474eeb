#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_region_info
version_added: 0.1.0
short_description: List the regions of the platform
description:
  - Returns the regions that the account can access, with their API URLs.
  - O(region), O(app), O(addon), O(api_url) and O(db_api_url) are ignored.
  - Costs one request to the authentication API.
options: {}
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.account
  - community.scalingo._attributes
  - community.scalingo._attributes.reads
seealso:
  - module: community.scalingo.scalingo_user_info
  - module: community.scalingo.scalingo_app_info
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: List the regions
  community.scalingo.scalingo_region_info:
  register: result

- name: List the apps of each region
  community.scalingo.scalingo_app_info:
    region: "{{ item.name }}"
  loop: "{{ result.regions }}"
  loop_control:
    label: "{{ item.name }}"
"""

RETURN = r"""
regions:
  description: The regions, in the order of the platform.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the region, for the option O(region) of every module.
      type: str
      sample: osc-fr1
    display_name:
      description: The display name of the region.
      type: str
      sample: Paris - Outscale
    api:
      description: The URL of the main API.
      type: str
      sample: https://api.osc-fr1.scalingo.com
    database_api:
      description: The URL of the Database API.
      type: str
      sample: https://db-api.osc-fr1.scalingo.com
    ssh:
      description: The host and port of the SSH server, for tunnels to databases.
      type: str
      sample: ssh.osc-fr1.scalingo.com:22
    dashboard:
      description: The URL of the dashboard.
      type: str
      sample: https://my.osc-fr1.scalingo.com
    default:
      description: Whether the official tools use it by default. V(none) when the platform does not return it.
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
from ansible_collections.community.scalingo.plugins.module_utils._resources.region import RegionInfo as RESOURCE


def argument_spec() -> Spec:
    return COMMON


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
