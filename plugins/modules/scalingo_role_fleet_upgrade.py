#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_role_fleet_upgrade
short_description: Plan the upgrade of a fleet, start its waves, and report
version_added: 0.1.0
description:
  - Plans the waves, decides at the start of a wave whether the upgrade of a database may begin, and writes the report.
  - Private to the role P(community.scalingo.fleet_upgrade#role). It may change without notice, and calls no API.
notes:
  - This is an action plugin. It runs on the control node only.
author:
  - Community Scalingo contributors (@community-scalingo)
attributes:
  check_mode:
    description: Plans and reports in check mode too.
    support: full
  diff_mode:
    description: Shows no differences.
    support: none
  idempotent:
    description: Writes the report each time.
    support: none
options:
  phase:
    description: What to do.
    type: str
    choices: [plan, turn, report]
    required: true
  state_dir:
    description: The directory with the files of unverified upgrades, as of P(community.scalingo.upgrade_verify#role).
    type: str
    default: ""
"""

EXAMPLES = r"""
- name: Check whether the upgrade may start
  community.scalingo.scalingo_role_fleet_upgrade:
    phase: turn
  register: fleet_upgrade_turn
"""

RETURN = r"""
waves:
  description: The names of the databases of each wave. With O(phase=plan).
  returned: success
  type: list
  elements: list
go:
  description: Whether the upgrade may start. With O(phase=turn).
  returned: success
  type: bool
outcome:
  description: The outcome of the run. With O(phase=report).
  returned: success
  type: str
"""
