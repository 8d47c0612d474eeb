#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_version_info
version_added: 0.1.0
short_description: List the versions that a database can be upgraded to
description:
  - Returns the versions that a database can be upgraded to, in the order of the upgrade path.
  - Marks the steps that change the major version.
  - The first number of a version is its major version. For MySQL and MongoDB, the first two numbers are.
  - Costs four requests to the Database API with three later versions, one for the database and one per version.
options: {}
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._attributes
  - community.scalingo._attributes.reads
seealso:
  - module: community.scalingo.scalingo_database_upgrade
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: List the later versions
  community.scalingo.scalingo_version_info:
    app: shop
    addon: postgresql
  register: result

- name: Show the major versions
  ansible.builtin.debug:
    msg: "{{ result.majors }}"
"""

RETURN = r"""
versions:
  description: The later versions, the next one first. Empty at the latest version.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The ID of the version.
      type: str
      sample: 6051fe19406c31aaafd31a05
    version:
      description: The version as C(major.minor.patch-build).
      type: str
      sample: 16.10.0-1
    crosses_major:
      description: Whether the step changes the major version.
      type: bool
      sample: false
    major:
      description: The first number of the version.
      type: int
      sample: 16
    minor:
      description: The second number of the version.
      type: int
      sample: 10
    patch:
      description: The third number of the version.
      type: int
      sample: 0
    build:
      description: The number of the build.
      type: int
      sample: 1
    database_type_id:
      description: The ID of the database type.
      type: str
      sample: 5d0b95b801dcea2f34b18f1a
    features:
      description: The features of the version.
      type: list
      elements: str
      sample: [tls]
    created_at:
      description: When the version was added, in UTC.
      type: str
      sample: '2026-03-23T09:00:09.498000Z'
    updated_at:
      description: When its data was last changed, in UTC.
      type: str
      sample: '2026-03-23T09:00:09.498000Z'
    next_upgrade_id:
      description: The ID of the next version. V(none) for the latest.
      type: str
      sample: 6051fe19406c31aaafd31a06
    warning_message:
      description: The warning of the platform, if any.
      type: str
      sample: This version removes the old authentication
current_version:
  description: The version of the database.
  returned: success
  type: str
  sample: 16.8.0-1
latest_minor:
  description: The latest version of the same major version, which may be the current one.
  returned: success
  type: str
  sample: 16.10.0-1
latest:
  description: The latest version, which may be the current one.
  returned: success
  type: str
  sample: 17.11.0-1
majors:
  description: The versions that change the major version.
  returned: success
  type: list
  elements: str
  sample: [17.6.0-1]
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
from ansible_collections.community.scalingo.plugins.module_utils._resources.version import VersionInfo as RESOURCE


def argument_spec() -> Spec:
    return COMMON


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
