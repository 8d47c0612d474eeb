#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_database_contents_info
version_added: 0.1.0
short_description: List what a database holds, and what it has lost
description:
  - Returns version, status, instances, extensions, logical databases and users of a database. These must survive an upgrade or a restore.
  - Compares them with earlier contents, and returns the differences as sentences.
  - Reads no data. Tables, documents and keys are not compared.
  - Costs four requests to the Database API on PostgreSQL, MySQL and MongoDB, three on InfluxDB and two on other engines.
  - With O(wait=true), each further poll costs two requests.
options:
  compare_with:
    description:
      - Earlier contents, from RV(contents). Keys that are missing or null are not compared.
      - Additional extensions, logical databases, users and instances, and other versions of extensions are no findings.
    type: dict
  version:
    description: The version that the database should have. Any other is a finding.
    type: str
  wait:
    description:
      - Whether to wait until the database is running and idle and all of its instances are running. Useful after an upgrade.
      - After O(wait_timeout), the task does not fail. What is not running is a finding.
      - In check mode, the task does not wait.
    type: bool
    default: false
  wait_timeout:
    description: With O(wait=true), how long to wait, in seconds.
    type: float
    default: 300
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.await
  - community.scalingo._attributes
  - community.scalingo._attributes.reads
seealso:
  - module: community.scalingo.scalingo_database_upgrade
  - module: community.scalingo.scalingo_database_restore
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: List what the database holds
  community.scalingo.scalingo_database_contents_info:
    app: shop
    addon: postgresql
  register: before

- name: Upgrade the database
  community.scalingo.scalingo_database_upgrade:
    app: shop
    addon: postgresql
  register: upgraded

- name: List what the database has lost
  community.scalingo.scalingo_database_contents_info:
    app: shop
    addon: postgresql
    compare_with: "{{ before.contents }}"
    version: "{{ upgraded.database.readable_version }}"
    wait: true
  register: after

- name: Fail when something is missing
  ansible.builtin.assert:
    that: after.findings | length == 0
    fail_msg: "{{ after.findings | join('; ') }}"
"""

RETURN = r"""
contents:
  description: What the database holds. V(none) when it does not exist.
  returned: success
  type: dict
  contains:
    version:
      description: The version.
      type: str
      sample: 17.10.0-1
    status:
      description: The status of the database.
      type: str
      sample: running
    instances:
      description: The instances. M(community.scalingo.scalingo_instance_info) describes the fields.
      type: list
      elements: dict
      sample: [{id: a7ecbaf9-7f3c-4324-bf35-975f546718c2, type: db-node, role: leader, status: running}]
    extensions:
      description: The extensions. Empty on other engines than PostgreSQL.
      type: list
      elements: dict
      sample: [{name: hstore, version: '1.8'}]
    logical_databases:
      description: The names of the logical databases. Empty on other engines than MySQL and MongoDB.
      type: list
      elements: str
      sample: [orders]
    users:
      description: The names of the users. Empty on engines without users.
      type: list
      elements: str
      sample: [shop_1001, reporting]
findings:
  description: What is wrong. Empty when nothing is. V(none) without O(compare_with) and O(version).
  returned: success
  type: list
  elements: str
  sample: [the extension hstore (1.8) is gone]
# BEGIN _returns: written by make lists
app:
  description: The app as set in the task. V(none) when only O(addon_id) and O(addon_token) are set.
  returned: when the options are valid
  type: str
  sample: shop
addon_id:
  description: The ID of the addon. V(none) when the task failed before the addon was found.
  returned: when the options are valid
  type: str
  sample: ad-0f1ab3e1-e97d-4f33-9168-4956379731a4
region:
  description: The region of the app.
  returned: when the options are valid
  type: str
  sample: osc-fr1
api_usage:
  description: What the task cost. See R(Return values,ansible_collections.community.scalingo.docsite.results).
  returned: when the options are valid
  type: dict
  sample: {requests: 1, writes: 0, waited_seconds: 0.0, tokens_reused: 1}
notes:
  description: Informational messages.
  returned: when there are any
  type: list
  elements: str
  sample: ['scalingo: addon_token is not used, because it goes with addon_id']
error:
  description: What went wrong, as data. See R(Return values,ansible_collections.community.scalingo.docsite.results).
  returned: failure
  type: dict
  sample:
    {kind: NotFound, interrupted: false, status: 404, message: not found, doing: list the addons, subject: addon postgresql of app nowhere in osc-fr1}
# END
"""

from ansible_collections.community.scalingo.plugins.module_utils._module import run
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, Spec, waiting
from ansible_collections.community.scalingo.plugins.module_utils._resources.database_contents import (
    DatabaseContents as RESOURCE,
)


def argument_spec() -> Spec:
    return (
        COMMON
        + waiting(300, wait=False, on_busy=False)
        + Spec(
            {
                "wait": {"type": "bool", "default": False},
                "compare_with": {"type": "dict"},
                "version": {"type": "str"},
            },
            free_text=("compare_with",),
        )
    )


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
