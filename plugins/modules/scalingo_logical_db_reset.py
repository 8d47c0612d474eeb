#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_logical_db_reset
version_added: 0.1.0
short_description: Delete all data of a logical database
description:
  - Deletes all data of a logical database and keeps the database. This cannot be undone.
  - The module is not idempotent. Every run deletes the data. Do not use it in scheduled playbooks.
  - Costs three requests to the Database API, one of them a write.
options:
  name:
    description: The name of the logical database to empty. The protected default database is accepted.
    type: str
    required: true
  confirm:
    description: The name of the logical database again, as consent to losing all its data.
    type: str
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.patience
  - community.scalingo._attributes
  - community.scalingo._attributes.changes
attributes:
  idempotent:
    support: none
    details:
      - Every run empties the database again.
seealso:
  - module: community.scalingo.scalingo_logical_db
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Delete all data of the logical database of the staging app
  community.scalingo.scalingo_logical_db_reset:
    app: shop-staging
    addon: mysql
    name: reports
    confirm: reports
"""

RETURN = r"""
logical_database:
  description: The logical database that was emptied, as RV(community.scalingo.scalingo_logical_db_info#module:logical_databases) describes it.
  returned: success
  type: dict
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
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, CONFIRM, Spec, waiting
from ansible_collections.community.scalingo.plugins.module_utils._resources.logical_db import (
    LogicalDatabaseReset as RESOURCE,
)


def argument_spec() -> Spec:
    return COMMON + waiting(900, wait=False) + CONFIRM + Spec({"name": {"type": "str", "required": True}})


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
