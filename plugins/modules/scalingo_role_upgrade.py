#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_role_upgrade
short_description: Prepare and report an upgrade of the role upgrade_verify
version_added: 0.1.0
description:
  - Does what P(community.scalingo.upgrade_verify#role) needs beside its modules.
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
    description: Changes nothing on the platform.
    support: none
  idempotent:
    description: Changes nothing on the platform.
    support: full
options:
  phase:
    description:
      - V(prepare) reads the database, waits for a running upgrade, plans, and writes what must survive a killed run.
      - V(record) writes the backup to that file, and returns whether the upgrade may begin.
      - V(report) compiles the summary, and removes the file when no run needs it any more.
    type: str
    choices: [prepare, record, report]
    required: true
  given:
    description: The variables of the role, from M(community.scalingo.scalingo_role_variables).
    type: dict
    required: true
  prepared:
    description: The result of V(prepare).
    type: dict
  backup:
    description: The result of M(community.scalingo.scalingo_backup).
    type: dict
  recorded:
    description: The result of V(record).
    type: dict
  upgraded:
    description: The result of M(community.scalingo.scalingo_database_upgrade).
    type: dict
  compared:
    description: The result of M(community.scalingo.scalingo_database_contents_info).
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
- name: Prepare the upgrade
  community.scalingo.scalingo_role_upgrade:
    phase: prepare
    given: "{{ upgrade_verify_given }}"
  register: upgrade_verify_prepared
"""

RETURN = r"""
target:
  description: With V(prepare), the version to upgrade to. Empty when there is none.
  returned: success
  type: str
  sample: 17.10.0-1
late:
  description: With V(record), whether it is too late to begin.
  returned: success
  type: bool
  sample: false
message:
  description: With V(report), what a person reads in the end.
  returned: success
  type: str
  sample: 'shop/postgresql: upgraded from 16.13.0-1 to 16.14.0-1, and nothing is missing'
"""
