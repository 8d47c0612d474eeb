#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_maintenance_info
version_added: 0.1.0
short_description: List the maintenance of a database
description:
  - Returns past maintenance of the last twelve months, and planned maintenance.
  - Costs one request to the Database API per 20 entries read. O(limit) reduces the number.
options:
  id:
    description: Return only the maintenance with this ID. The list is empty when it does not exist.
    type: str
  status:
    description:
      - Return only maintenance with one of these statuses.
      - The statuses are V(scheduled), V(notified), V(queued), V(running), V(done), V(failed) and V(cancelled).
      - With this option, all entries are read, whatever O(limit) is.
    type: list
    elements: str
  limit:
    description: Return at most this many entries.
    type: int
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._attributes
  - community.scalingo._attributes.reads
seealso:
  - module: community.scalingo.scalingo_database
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: List planned maintenance
  community.scalingo.scalingo_maintenance_info:
    app: shop
    addon: postgresql
    status: [scheduled, notified, queued]
  register: result

- name: Get the last maintenance
  community.scalingo.scalingo_maintenance_info:
    app: shop
    addon: postgresql
    limit: 1
"""

RETURN = r"""
maintenances:
  description: The maintenance, in the order of the platform.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The ID of the maintenance.
      type: str
      sample: 64a440a6f18b3202f7ab4e66
    database_id:
      description: The internal ID of the database.
      type: str
      sample: 5c599fd6f18b3202f7ab4e66
    type:
      description: The type of the maintenance. The platform may add others.
      type: str
      sample: instance-migration
    status:
      description: The status of the maintenance.
      type: str
      sample: scheduled
    started_at:
      description: When it started, in UTC. V(none) before that.
      type: str
      sample: '2026-07-04T15:59:50.407000Z'
    ended_at:
      description: When it ended, in UTC. V(none) before that.
      type: str
      sample: '2026-07-04T15:59:50.408000Z'
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
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, Spec
from ansible_collections.community.scalingo.plugins.module_utils._resources.maintenance import (
    MaintenanceInfo as RESOURCE,
)


def argument_spec() -> Spec:
    return COMMON + Spec(
        {"id": {"type": "str"}, "status": {"type": "list", "elements": "str"}, "limit": {"type": "int"}},
        mutually_exclusive=(("id", "status"), ("id", "limit")),
    )


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
