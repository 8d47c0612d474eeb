#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_role_hosts
short_description: Choose the databases that become hosts
version_added: 0.1.0
description:
  - Returns the databases of a list, or those that the hosts of the play are.
  - Fails when there is none, when two have the same name, and when both a list and hosts are given.
  - Private to the playbook C(community.scalingo.hosts). It may change without notice, and calls no API.
notes:
  - This is an action plugin. It runs on the control node only.
author:
  - Community Scalingo contributors (@community-scalingo)
attributes:
  check_mode:
    description: Chooses in check mode too.
    support: full
  diff_mode:
    description: Changes nothing.
    support: none
  idempotent:
    description: Changes nothing.
    support: full
options:
  way:
    description: What was given to choose by, C(databases), C(apps), C(regions), C(engines) and C(hosts), and the C(prefix) of these variables.
    type: dict
    required: true
  read:
    description:
      - The result of M(community.scalingo.scalingo_database_info) for the patterns.
      - Without it, patterns are only validated and returned.
    type: dict
  alone:
    description: Whether the run is about the one database that the variables of a role name. Its host is localhost.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Choose the databases
  community.scalingo.scalingo_role_hosts:
    way: {databases: "{{ scalingo_hosts_databases }}", apps: [], regions: [], engines: [], hosts: "", prefix: scalingo_hosts_}
  register: scalingo_hosts_chosen
"""

RETURN = r"""
hosts:
  description: A host for each database, with its C(name), and the entry as C(target), which is empty for localhost.
  returned: success
  type: list
  elements: dict
secret:
  description: Whether an entry can hold a secret, such as the password of a user.
  returned: success
  type: bool
"""
