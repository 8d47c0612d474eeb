#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_role_evidence
short_description: Verify the evidence of restore drills
version_added: 0.1.0
description:
  - Reads the policy of restore drills, verifies their evidence, and says which databases have been drilled.
  - Private to the roles and playbooks of this collection. It may change without notice, and calls no API.
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
    choices: [policy, verify, cover]
    required: true
  prefix:
    description: How the names of the user's variables begin, for messages.
    type: str
    default: ""
  policy:
    description: A file with scope, exclusions and accepted deviations, as YAML or JSON.
    type: path
    default: ""
  database:
    description: The database whose deviations to return, with O(step=policy).
    type: dict
    default: {}
  databases:
    description: The databases in scope, with O(step=cover).
    type: list
    elements: dict
    default: []
  dir:
    description: The directory of the evidence, with O(step=verify).
    type: path
  evidence_dir:
    description: The directory of the evidence, with O(step=cover).
    type: path
  allowed_signers:
    description: A file of allowed signers, as OpenSSH has it. Without it, no signature is checked.
    type: path
    default: ""
  identity:
    description: Who must have signed. By default, anybody in O(allowed_signers).
    type: str
    default: ""
  known:
    description: SHA-256 digests of evidence that were kept elsewhere.
    type: list
    elements: str
    default: []
  html_file:
    description: The path of the page, with O(step=cover).
    type: path
    default: drill_coverage.html
  json_file:
    description: The path of the report, with O(step=cover).
    type: path
    default: drill_coverage.json
  fail_on:
    description: The states of a database at which the playbook fails, with O(step=cover).
    type: list
    elements: str
    choices: [failed, overdue]
    default: []
"""

EXAMPLES = r"""
# In a playbook of this collection.
- name: Verify chain and signatures
  community.scalingo.scalingo_role_evidence:
    step: verify
    prefix: verify_evidence_
    dir: /var/lib/drills
  register: verify_evidence_verified
"""

RETURN = r"""
deviations:
  description: What is accepted of the database.
  returned: for O(step=policy)
  type: list
  elements: dict
findings:
  description: What is wrong.
  returned: for O(step=verify)
  type: list
  elements: str
files:
  description: What is to be said of each file.
  returned: for O(step=verify)
  type: list
  elements: dict
outcome:
  description: V(unchanged), or V(failed) when something is wrong.
  returned: for O(step=verify)
  type: str
report:
  description: The coverage.
  returned: for O(step=cover)
  type: dict
sentence:
  description: The outcome for a person.
  returned: for O(step=cover)
  type: str
bad:
  description: Whether the playbook fails.
  returned: for O(step=cover)
  type: bool
template:
  description: The template of the page.
  returned: for O(step=cover)
  type: str
html_file:
  description: The path of the page.
  returned: for O(step=cover)
  type: str
json_file:
  description: The path of the report.
  returned: for O(step=cover)
  type: str
"""
