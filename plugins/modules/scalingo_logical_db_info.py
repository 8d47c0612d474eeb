#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_logical_db_info
version_added: 0.1.0
short_description: List the logical databases of a MySQL or MongoDB addon
description:
  - Returns the logical databases of a MySQL or MongoDB addon.
  - Other engines have no logical databases. The error names the alternative.
  - Costs one request to the Database API.
options:
  name:
    description: Return only the logical database with this name. The list is empty when it does not exist.
    type: str
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._attributes
  - community.scalingo._attributes.reads
seealso:
  - module: community.scalingo.scalingo_logical_db
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: List the logical databases
  community.scalingo.scalingo_logical_db_info:
    app: shop
    addon: mysql
  register: result

- name: Show the names of unprotected logical databases
  ansible.builtin.debug:
    msg: "{{ result.logical_databases | rejectattr('protected') | map(attribute='name') }}"
"""

RETURN = r"""
logical_databases:
  description: The logical databases, in the order of the platform.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name of the logical database.
      type: str
      sample: reports
    protected:
      description: Whether it is the default database of the addon, which cannot be deleted.
      type: bool
      sample: false
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
from ansible_collections.community.scalingo.plugins.module_utils._resources.logical_db import (
    LogicalDatabaseInfo as RESOURCE,
)


def argument_spec() -> Spec:
    return COMMON + Spec({"name": {"type": "str"}})


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
