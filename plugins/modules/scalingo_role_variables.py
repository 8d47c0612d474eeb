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
  - Reads the variables of the role that the task is in and returns them in the types of the role's argument spec.
  - Extra variables and answers to surveys are text. V(a,b), several lines, and JSON or YAML text become lists, JSON or YAML text becomes a
    dictionary, V("0") a number, V("no") a boolean.
  - Null and blank text are not given, so that the default is returned.
  - Fails before anything is done when a value cannot be converted, is out of range or has not the form that its variable needs, or when an extra
    variable begins with the name of the role and is unknown to it. It names each such variable, its value, and what is allowed. It never returns
    the value of a secret.
  - It is private to the roles of this collection, and may change without notice. It speaks to no API.
notes:
  - It runs on the controller. There is no code for hosts.
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
options: {}
"""

EXAMPLES = r"""
# In the tasks of a role of this collection.
- name: Read the variables
  community.scalingo.scalingo_role_variables:
  register: restore_drill_given
"""

RETURN = r"""
name_of_the_variable:
  description: Each variable of the role, under its name without the name of the role and the underscore.
  returned: success
  type: raw
"""
