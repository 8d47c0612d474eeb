#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_role_fleet_report
short_description: Choose and rate the databases of a report
version_added: 0.1.0
description:
  - Chooses the databases of the role P(community.scalingo.fleet_report#role), rates what was read of them, and compiles the summary.
  - Private to that role. It may change without notice, and calls no API.
notes:
  - This is an action plugin. It runs on the control node only.
author:
  - Community Scalingo contributors (@community-scalingo)
attributes:
  check_mode:
    description: Does the same in check mode.
    support: full
  diff_mode:
    description: Changes nothing.
    support: none
  idempotent:
    description: Changes nothing.
    support: full
options:
  step:
    description: What to do.
    type: str
    choices: [choose, rate, conclude]
    required: true
  failure:
    description: What has ended the role before its time.
    type: str
"""

EXAMPLES = r"""
- name: Rate the databases
  community.scalingo.scalingo_role_fleet_report:
    step: rate
  register: fleet_report_rating
"""

RETURN = r"""
databases:
  description: The databases of the list or of the inventory.
  returned: for O(step=choose)
  type: list
  elements: dict
started_at:
  description: When the role began.
  returned: for O(step=choose)
  type: str
report:
  description: The report. Empty before the databases are rated.
  returned: success
  type: dict
sentence:
  description: The outcome, for a person.
  returned: for O(step=conclude)
  type: str
summary:
  description: The summary of the role.
  returned: for O(step=conclude)
  type: dict
"""
