#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_logical_db
version_added: 0.1.0
short_description: Manage logical databases on MySQL and MongoDB
description:
  - Creates and deletes databases inside of a MySQL or MongoDB addon. They share its memory and its disk, all its users see
    them, and one backup holds all of them.
  - Other engines have no such thing. The task fails and says what they have instead.
  - The default database of the addon is protected, and those that belong to the server itself are never touched.
  - A task that changes nothing costs one request to the Database API, however many names it has. A task that changes something costs one request
    for each database, and one to verify. Without a cache there come up to three requests before, for the
    bearer token, for the addon (unless O(addon) is an ID) and for the addon's token.
options:
  name:
    description: The name of one logical database. Exactly one of O(name) and O(names) is needed.
    type: str
  names:
    description: The names of several logical databases.
    type: list
    elements: str
  state:
    description:
      - Whether the databases are to exist.
      - V(absent) deletes them with all their data. Their literal names in the task are the consent to that.
    type: str
    choices: [present, absent]
    default: present
  exclusive:
    description:
      - Whether O(names) is the whole list, so that all other logical databases are deleted with their data, except for the
        protected one and those of the server.
      - Deleting databases in this way needs O(allow=mass_removal), even a single one.
    type: bool
    default: false
  allow:
    description:
      - The consequences that you agree to. A change with a consequence that is not listed is refused before anything is changed.
      - V(mass_removal) is for databases that are deleted because O(exclusive=true) and O(names) does not hold them.
    type: list
    elements: str
    choices: [mass_removal]
    default: []
  wait_timeout:
    description: How long to wait for the end of another operation on the database, in seconds.
    type: float
    default: 900
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.patience
  - community.scalingo._attributes
  - community.scalingo._attributes.changes
attributes:
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second run reports no change.
    support: partial
    details:
      - On MongoDB the platform may list a database only when it holds data. The task warns, and creates it anew each time until then.
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

- name: Delete one with all its data
  community.scalingo.scalingo_logical_db:
    app: shop
    addon: mysql
    name: reports
    state: absent

- name: Have these and the protected one, and no others
  community.scalingo.scalingo_logical_db:
    app: shop
    addon: mysql
    names: [orders, invoices]
    exclusive: true
    allow: [mass_removal]
"""

RETURN = r"""
logical_database:
  description: The logical database, or none when it is absent. In check mode as it would be.
  returned: success, when O(name) is given
  type: dict
  contains:
    name:
      description: The name of the logical database.
      type: str
      sample: reports
    protected:
      description: Whether it is the default one of the addon, which cannot be deleted.
      type: bool
      sample: false
logical_databases:
  description: All logical databases of the addon. In check mode as they would be.
  returned: success, when O(names) is given
  type: list
  elements: dict
  contains:
    name:
      description: The name of the logical database.
      type: str
      sample: reports
    protected:
      description: Whether it is the default one of the addon, which cannot be deleted.
      type: bool
      sample: false
steps:
  description: What the task did, or would do in check mode, in order. Empty when nothing changes.
  returned: success
  type: list
  elements: str
  sample: ['create the logical database invoices']
app:
  description: The app of the database as the task names it, or none when the task gives O(addon_id) and O(addon_token) only.
  returned: when the options are valid
  type: str
  sample: shop
addon_id:
  description: The ID of the addon. None when the task failed before it was found.
  returned: when the options are valid
  type: str
  sample: ad-0f1ab3e1-e97d-4f33-9168-4956379731a4
region:
  description: The region of the app.
  returned: when the options are valid
  type: str
  sample: osc-fr1
api_usage:
  description: What the task cost. The API allows 60 requests a minute.
  returned: when the options are valid
  type: dict
  contains:
    requests:
      description: How many requests were sent, those that got no answer included.
      type: int
      sample: 1
    writes:
      description: How many of them can change something.
      type: int
      sample: 0
    waited_seconds:
      description: How long the task slept, for operations of the platform, after failures and for the rate limit, in seconds.
      type: float
      sample: 0.0
    tokens_reused:
      description: How many tokens were taken from the cache instead of asking for new ones.
      type: int
      sample: 1
notes:
  description: What is worth knowing and changes nothing, such as why tokens are kept in memory only.
  returned: when there is something to say
  type: list
  elements: str
  sample: ['the token cache is not used: the directory belongs to another user']
error:
  description: What went wrong, as data. Parts that are not known are left out.
  returned: failure
  type: dict
  contains:
    kind:
      description: The kind of error, for conditions in a playbook.
      type: str
      sample: ValidationFailed
    doing:
      description: What was being done.
      type: str
      sample: set periodic_backups_scheduled_at to 3:00 UTC
    subject:
      description: The database that it was done on.
      type: str
      sample: addon ad-0f1ab3e1-e97d-4f33-9168-4956379731a4 of app shop in osc-fr1
    message:
      description: What the API said, or why the task was refused.
      type: str
      sample: periodic_backups_scheduled_at is invalid
    status:
      description: The status code of the answer.
      type: int
      sample: 422
    code:
      description: The code that the API gave with its message.
      type: str
      sample: region_disabled
    field_errors:
      description: The messages for each field that the API refused.
      type: dict
      sample: {periodic_backups_scheduled_at: [is invalid]}
    method:
      description: The method of the request that failed.
      type: str
      sample: PATCH
    path:
      description: The path of the request that failed.
      type: str
      sample: /api/databases/ad-0f1ab3e1-e97d-4f33-9168-4956379731a4
    request_id:
      description: The ID of the request, for Scalingo's support.
      type: str
      sample: 4f5e7f6a-6f4c-4a3e-8f60-3f3d4b0f1c55
    attempts:
      description: How often the request was sent.
      type: int
      sample: 1
    hint:
      description: What to do next.
      type: str
      sample: Run the task again later.
    last_status:
      description: The last status that was seen before waiting ended.
      type: str
      sample: PENDING_TO_ACTIVATE
steps_done:
  description: What was done before the task failed. Nothing of it is undone.
  returned: when the task fails after it began to change something
  type: list
  elements: str
  sample: ['create the logical database invoices']
step_failed:
  description: What the task was doing when it failed.
  returned: when the task fails after it began to change something
  type: str
  sample: create the logical database orders
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
