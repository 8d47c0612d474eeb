#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_database_restore
version_added: 0.1.0
short_description: Restore a database to a point in time or from a backup
description:
  - Restores a database to an earlier state. This cannot be undone.
  - Current data is lost. To confirm, set O(confirm) to the resource ID.
  - Point-in-time restore is available for PostgreSQL only.
  - The platform stops the database during a point-in-time restore.
  - A time outside the recovery window is refused without changing anything.
  - There is no recovery window before the first base backup exists, nor right after a major upgrade.
  - After a point-in-time restore, points in time before it can no longer be restored.
  - Restoring from a backup is experimental.
  - If the platform does not support it, the error explains how to do it manually.
  - The backup must be done.
  - Every run restores. So does a run after an interrupted one.
  - To find a running restore first, use M(community.scalingo.scalingo_operation_info).
  - Costs five requests to the Database API, plus one per additional poll.
  - The addon ID is never taken from the cache. Unless O(addon) is an ID, it is looked up.
options:
  restore_time:
    description:
      - The point in time to restore, such as V('2026-11-20T22:15:00Z').
      - It must include a UTC offset or V(Z). Quote it, so that YAML keeps it as a string.
      - Exactly one of O(restore_time) and O(backup_id) is required.
    type: str
  backup_id:
    description:
      - The ID of the backup to restore from.
      - In check mode, the predicted ID from M(community.scalingo.scalingo_backup) is accepted.
    type: str
  confirm:
    description: The resource ID of the database to overwrite, such as V(shop_4553). Its current data is lost.
    type: str
  wait_timeout:
    default: 14400
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.wait
  - community.scalingo._options.patience
  - community.scalingo._attributes
  - community.scalingo._attributes.changes
attributes:
  idempotent:
    support: none
    details:
      - The module is not idempotent. Every run starts a restore, also after an interrupted run.
seealso:
  - module: community.scalingo.scalingo_recovery_window_info
  - module: community.scalingo.scalingo_backup_info
  - module: community.scalingo.scalingo_backup_download
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Restore the database to a time before the mistake
  community.scalingo.scalingo_database_restore:
    app: shop
    addon: postgresql
    restore_time: "{{ before_the_mistake }}"
    confirm: "{{ resource_id }}"

- name: Restore the database from a backup
  community.scalingo.scalingo_database_restore:
    app: shop
    addon: mysql
    backup_id: "{{ backup_id }}"
    confirm: "{{ mysql_resource_id }}"
"""

RETURN = r"""
restoration:
  description: The restoration of a backup, as last polled. V(none) in check mode, and with O(restore_time).
  returned: success
  type: dict
  contains:
    id:
      description: The ID of the restoration.
      type: str
      sample: 64d2f0c3a1b2c3d4e5f60718
    method:
      description:
        - V(backup), or V(remote) for a backup of another database.
      type: str
      sample: backup
    status:
      description:
        - V(done) or V(error) after its end. Other values, such as V(scheduled) and V(running), mean that it has not ended.
      type: str
      sample: done
    created_at:
      description: When it was requested, in UTC.
      type: str
      sample: '2026-11-20T22:00:00.000000Z'
    started_at:
      description: When it started, in UTC.
      type: str
      sample: '2026-11-20T22:00:04.000000Z'
    ended_at:
      description: When it ended, in UTC.
      type: str
      sample: '2026-11-20T22:31:40.000000Z'
    database_id:
      description: The internal ID of the database, not the ID of the addon.
      type: str
      sample: 597601234ffb097af4f3099b
    source_backup_id:
      description: The ID of the restored backup.
      type: str
      sample: 5b8b36104ffb090be1ac3ce1
# BEGIN _returns.database, _returns.operation, _returns.steps, _returns: written by make lists
database:
  description:
    - The database after the task, as RV(community.scalingo.scalingo_database_info#module:databases) describes it.
    - In check mode, the predicted state.
  returned: success
  type: dict
operation:
  description:
    - The operation as last polled, as RV(community.scalingo.scalingo_operation_info#module:operations) describes it.
    - V(none) in check mode, and when the task started no operation.
  returned: success
  type: dict
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
from ansible_collections.community.scalingo.plugins.module_utils._resources.restore import Restore as RESOURCE


def argument_spec() -> Spec:
    return (
        COMMON
        + waiting(14400)
        + CONFIRM
        + Spec(
            {"restore_time": {"type": "str"}, "backup_id": {"type": "str"}},
            mutually_exclusive=(("restore_time", "backup_id"),),
            required_one_of=(("restore_time", "backup_id"),),
        )
    )


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
