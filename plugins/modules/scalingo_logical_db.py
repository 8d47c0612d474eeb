#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_logical_db
version_added: 0.1.0
short_description: Manage the logical databases of a MySQL or MongoDB addon
description:
  - Creates and deletes logical databases of a MySQL or MongoDB addon.
  - The logical databases of an addon share its memory, disk, users and backups.
  - Other engines have no logical databases. The error names the alternative.
  - The protected default database and the server's system databases are never changed.
  - A change also costs one request per database, and one to verify.
options:
  name:
    description: The name of one logical database. Exactly one of O(name) and O(names) is required.
    type: str
  names:
    description: The names of several logical databases.
    type: list
    elements: str
  state:
    description:
      - Whether the databases should exist.
      - V(absent) deletes them and all their data. Naming them in the task is the consent.
    type: str
    choices: [present, absent]
    default: present
  exclusive:
    description:
      - Whether to delete all logical databases that are not in O(names), and their data.
      - The protected default database and the server's system databases are kept.
      - Deleting any database this way needs O(allow=mass_removal).
    type: bool
    default: false
  allow:
    description:
      - Consequences that you accept. The task refuses all others before it changes anything.
      - V(mass_removal) accepts that O(exclusive=true) deletes databases.
    type: list
    elements: str
    choices: [mass_removal]
    default: []
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.patience
  - community.scalingo._attributes
  - community.scalingo._attributes.changes
attributes:
  idempotent:
    support: partial
    details:
      - MongoDB may list a logical database only when it contains data. Until then, every run warns and creates it again.
seealso:
  - module: community.scalingo.scalingo_logical_db_info
  - module: community.scalingo.scalingo_logical_db_reset
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Create a logical database
  community.scalingo.scalingo_logical_db:
    app: shop
    addon: mysql
    name: reports

- name: Delete a logical database and all its data
  community.scalingo.scalingo_logical_db:
    app: shop
    addon: mysql
    name: reports
    state: absent

- name: Ensure that only these logical databases exist
  community.scalingo.scalingo_logical_db:
    app: shop
    addon: mysql
    names: [orders, invoices]
    exclusive: true
    allow: [mass_removal]
"""

RETURN = r"""
logical_database:
  description:
    - The logical database, as RV(community.scalingo.scalingo_logical_db_info#module:logical_databases) describes it, or V(none) when it is absent. In
      check mode, the predicted state.
  returned: success, when O(name) is given
  type: dict
logical_databases:
  description:
    - All logical databases of the addon, as RV(community.scalingo.scalingo_logical_db_info#module:logical_databases) describes them. In check mode, the
      predicted state.
  returned: success, when O(names) is given
  type: list
  elements: dict
# BEGIN _returns.steps, _returns: written by make lists
steps:
  description: What the task did, in order. In check mode, what it would do. Empty when nothing changes.
  returned: success
  type: list
  elements: str
  sample: ['set periodic_backups_scheduled_at to 3:00 UTC', 'enable the feature force-ssl']
steps_done:
  description: What was done before the task failed. It is not undone.
  returned: when the task fails after it began to change something
  type: list
  elements: str
  sample: ['set periodic_backups_scheduled_at to 3:00 UTC']
step_failed:
  description: What the task was doing when it failed.
  returned: when the task fails after it began to change something
  type: str
  sample: enable the feature force-ssl
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
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, Spec, consent, waiting
from ansible_collections.community.scalingo.plugins.module_utils._resources.logical_db import (
    LogicalDatabases as RESOURCE,
)


def argument_spec() -> Spec:
    return (
        COMMON
        + waiting(900, wait=False)
        + consent("mass_removal")
        + Spec(
            {
                "name": {"type": "str"},
                "names": {"type": "list", "elements": "str"},
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
                "exclusive": {"type": "bool", "default": False},
            },
            mutually_exclusive=(("name", "names"),),
            required_one_of=(("name", "names"),),
        )
    )


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
