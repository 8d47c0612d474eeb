#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_sql_mode_info
version_added: 0.1.0
short_description: Get the SQL mode of a MySQL addon
description:
  - Returns the SQL mode of a MySQL addon, as a list with one entry.
  - Costs one request to the Database API.
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._attributes
  - community.scalingo._attributes.reads
seealso:
  - module: community.scalingo.scalingo_sql_mode
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Get the SQL mode
  community.scalingo.scalingo_sql_mode_info:
    app: shop
    addon: mysql
  register: result

- name: Show the modes
  ansible.builtin.debug:
    msg: "{{ result.sql_modes[0].modes }}"
"""

RETURN = r"""
sql_modes:
  description: The SQL mode.
  returned: success
  type: list
  elements: dict
  contains:
    modes:
      description: The set modes, sorted, including those that V(ANSI) and V(TRADITIONAL) expand to.
      type: list
      elements: str
      sample: [NO_ZERO_DATE, STRICT_TRANS_TABLES]
    text:
      description: The modes as the platform returns them. V(none) in check mode when they would change.
      type: str
      sample: STRICT_TRANS_TABLES,NO_ZERO_DATE
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
from ansible_collections.community.scalingo.plugins.module_utils._resources.sql_mode import SqlModeInfo as RESOURCE


def argument_spec() -> Spec:
    return COMMON


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
