#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_role_upgrade
short_description: Do and report an upgrade of the role upgrade_verify
version_added: 0.1.0
description:
  - Upgrades a database for P(community.scalingo.upgrade_verify#role) by the modules of this collection, as far as the tags of the run say.
  - Private to the roles of this collection. It may change without notice.
notes:
  - This is an action plugin. It runs on the control node only.
author:
  - Community Scalingo contributors (@community-scalingo)
attributes:
  check_mode:
    description: Waits for nothing and writes nothing in check mode.
    support: full
  diff_mode:
    description: Returns the differences of the modules that it runs.
    support: full
  idempotent:
    description: Does nothing when the database has the version, and an earlier run left nothing to verify.
    support: full
options:
  phase:
    description:
      - V(upgrade) reads the database, waits for a running upgrade, plans, writes what must survive a killed run, creates a backup, upgrades and
        compares.
      - V(report) compiles the summary, and removes the file when no run needs it any more.
    type: str
    choices: [upgrade, report]
    required: true
  given:
    description: The variables of the role, from M(community.scalingo.scalingo_role_variables).
    type: dict
    required: true
  done:
    description: The result of V(upgrade).
    type: dict
  failed:
    description: The result of the task that failed.
    type: dict
  failed_task:
    description: The name of the task that failed.
    type: str
"""

EXAMPLES = r"""
# In the tasks of a role of this collection.
- name: Upgrade the database and compare its contents
  community.scalingo.scalingo_role_upgrade:
    phase: upgrade
    given: "{{ upgrade_verify_given }}"
  register: upgrade_verify_done
"""

RETURN = r"""
target:
  description: With V(upgrade), the version to upgrade to. Empty when there is none.
  returned: success
  type: str
  sample: 17.10.0-1
upgraded:
  description: With V(upgrade), whether the database was upgraded by this task.
  returned: success
  type: bool
  sample: true
message:
  description: With V(report), what a person reads in the end.
  returned: success
  type: str
  sample: 'shop/postgresql: upgraded from 16.13.0-1 to 16.14.0-1, and nothing is missing'
"""
