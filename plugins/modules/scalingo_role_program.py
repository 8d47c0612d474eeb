#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_role_program
short_description: Run a program of a role of this collection
version_added: 0.1.0
description:
  - Runs a program on the control node and returns its output.
  - Fails when the exit code is not 0.
  - Private to the roles of this collection. It may change without notice, and calls no API.
notes:
  - This is an action plugin. It runs on the control node only.
author:
  - Community Scalingo contributors (@community-scalingo)
attributes:
  check_mode:
    description: Is skipped in check mode.
    support: none
  diff_mode:
    description: Cannot know what the program changes.
    support: none
  idempotent:
    description: Cannot know what the program changes.
    support: N/A
options:
  argv:
    description: The program and its arguments.
    type: list
    elements: str
    required: true
  stdin:
    description: The standard input of the program.
    type: str
    required: true
"""

EXAMPLES = r"""
# In the tasks of a role of this collection.
- name: Write the state file
  community.scalingo.scalingo_role_program:
    argv: ["{{ ansible_playbook_python }}", -I, "{{ role_path }}/files/keep.py"]
    stdin: "{{ {state_file: state | to_nice_json} | to_json }}"
"""

RETURN = r"""
rc:
  description: The exit code.
  returned: always
  type: int
stdout:
  description: The standard output.
  returned: always
  type: str
stderr:
  description: The standard error.
  returned: always
  type: str
"""
