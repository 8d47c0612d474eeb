#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_role_baseline
short_description: Apply what is declared of a database
version_added: 0.1.0
description:
  - Runs the modules of all declared kinds of resources, one after the other.
  - Every other option is passed to each module. These are the defaults of the action groups C(scalingo) and C(target).
  - Defaults for a module in C(module_defaults) apply to it, too.
  - Private to the role C(database_baseline). It may change without notice.
notes:
  - This is an action plugin. Each module runs where a task of its own would.
author:
  - Community Scalingo contributors (@community-scalingo)
attributes:
  check_mode:
    description: Runs each module in check mode.
    support: full
  diff_mode:
    description: Returns the differences of each module.
    support: full
  idempotent:
    description: As each module.
    support: full
options:
  given:
    description: The variables of the role, as M(community.scalingo.scalingo_role_variables) returns them.
    type: dict
    required: true
  consent:
    description: How messages name the place where a consent is given.
    type: dict
    required: true
    suboptions:
      option:
        description: The name of the option.
        type: str
        required: true
      place:
        description: Where it stands.
        type: str
        required: true
"""

EXAMPLES = r"""
# In the tasks of the role.
- name: Apply the declared resources
  community.scalingo.scalingo_role_baseline:
    given: "{{ database_baseline_given }}"
    consent: {option: database_baseline_allow, place: the variables of the role}
  register: database_baseline_summary
"""

RETURN = r"""
outcome:
  description: What came of it. The other keys are those of the role's summary.
  returned: always
  type: str
  sample: unchanged
"""
