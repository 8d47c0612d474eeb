#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_role_outcomes
short_description: Report the outcomes of a role on all databases
version_added: 0.1.0
description:
  - Collects the summaries of a role from all hosts of the group C(scalingo_fleet).
  - Returns what the playbook publishes, a sentence about all databases, and why each database fails.
  - Private to the playbooks of this collection. It may change without notice, and calls no API.
notes:
  - This is an action plugin. It runs on the control node only.
author:
  - Community Scalingo contributors (@community-scalingo)
attributes:
  check_mode:
    description: Writes the file in check mode too.
    support: none
  diff_mode:
    description: Shows no differences.
    support: none
  idempotent:
    description: Writes the file at each run.
    support: none
options:
  role:
    description: The role whose variables hold the summary.
    type: str
    required: true
  compared:
    description: Whether the databases were compared with a declaration. A difference is a failure then.
    type: bool
    default: false
  file:
    description: Where to write what the playbook publishes, as JSON.
    type: path
  words:
    description: By outcome, how it is said of one database and of many.
    type: dict
"""

EXAMPLES = r"""
# In a playbook of this collection.
- name: Compile the summary
  community.scalingo.scalingo_role_outcomes:
    role: database_baseline
  run_once: true
  register: scalingo_outcomes
"""

RETURN = r"""
report:
  description: What to publish.
  returned: success
  type: dict
unwritten:
  description: Whether the file could not be written.
  returned: success
  type: bool
why:
  description: By host, why it fails.
  returned: success
  type: dict
"""
