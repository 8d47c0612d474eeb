#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_role_variables
short_description: Read the variables of a role of this collection
version_added: 0.1.0
description:
  - Reads the variables of the current role, converted to the types of its argument spec.
  - Extra variables and survey answers are strings. V(a,b), lines, JSON and YAML are converted to lists.
  - JSON and YAML are also converted to dictionaries, V("0") to a number, and V("no") to a boolean.
  - For null and blank strings, the default is returned.
  - Fails when a value cannot be converted, is out of range, or has the wrong format.
  - Fails on an unknown extra variable with the role's prefix. This catches typos.
  - Each error names the variable, its value (unless secret), and the allowed values.
  - Private to the roles of this collection. It may change without notice, and calls no API.
notes:
  - This is an action plugin. It runs on the control node only.
author:
  - Community Scalingo contributors (@community-scalingo)
attributes:
  check_mode:
    description: Reads variables in check mode too.
    support: full
  diff_mode:
    description: Changes nothing.
    support: none
  idempotent:
    description: Changes nothing.
    support: full
options:
  over:
    description:
      - The entry of a database. Its keys override the variables of the role with the same name without prefix.
      - Keys of other roles are ignored. An error names the database of the entry and the key.
    type: dict
    default: {}
"""

EXAMPLES = r"""
# In the tasks of a role of this collection.
- name: Read and validate the role variables
  community.scalingo.scalingo_role_variables:
    over: "{{ scalingo_target | default({}) }}"
  register: restore_drill_given
"""

RETURN = r"""
name_of_the_variable:
  description: Each variable of the role, under its name without the name of the role and the underscore.
  returned: success
  type: raw
target:
  description: The database, as options of every module. For C(module_defaults) of the group C(target) on a block of the role.
  returned: success
  type: dict
  sample: {app: shop, addon: postgresql}
check_mode:
  description: Whether the task runs in check mode, also where the play does not.
  returned: success
  type: bool
  sample: false
"""
