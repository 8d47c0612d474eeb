#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_database_restore
version_added: 0.1.0
short_description: Restore a database to a point in time, or from a backup
description:
  - Brings a database back to what it held before. What it holds now is lost, so the task has to repeat its resource ID in O(confirm). It cannot
    be undone.
  - To a point in time only PostgreSQL can be restored. The database is stopped meanwhile. A time outside the recovery window is refused before
    anything is changed, and so is
    every time as long as the platform shows no window, which is the case until the first base backup is made, and again after a major upgrade.
    After such a restoration no point before it can be restored any more.
  - From a backup the platform restores where it serves that at all. This is experimental. Where it does not, the task fails and says
    how to do it by hand. The backup has to be done.
  - There is nothing to compare, so that every run restores. A task that was interrupted while it waited restores again when it is run again.
    M(community.scalingo.scalingo_operation_info) tells whether the first restore is running.
  - A task costs five requests to the Database API when the restoration has ended at the first look, and one more for each further look. Two of them
    come before anything is changed.
    There come up to three requests before, for the bearer token, for the addon, which is looked up anew (unless O(addon) is an ID),
    and for the addon's token.
options:
  restore_time:
    description:
      - The point in time to go back to, such as V('2026-11-20T22:15:00Z'). It needs an offset from UTC, or the V(Z) for none.
      - Put it in quotes, so that YAML does not read it in its own way.
      - Exactly one of O(restore_time) and O(backup_id) is needed.
    type: str
  backup_id:
    description:
      - The ID of the backup to restore from.
      - In check mode it may be the ID that M(community.scalingo.scalingo_backup) returns in check mode.
    type: str
  confirm:
    description: The resource ID of the database, such as V(shop_4553). It has to be repeated here, as nothing brings back what is lost.
    type: str
  wait_timeout:
    description:
      - How long to wait for the restoration, and for the end of another operation, in seconds.
      - When it ends, the task fails with the last status. The restoration goes on at the platform.
    type: float
    default: 14400
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.wait
  - community.scalingo._options.patience
  - community.scalingo._attributes
  - community.scalingo._attributes.changes
attributes:
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second run reports no change.
    support: none
    details:
      - Every run restores.
seealso:
  - module: community.scalingo.scalingo_recovery_window_info
  - module: community.scalingo.scalingo_backup_info
  - module: community.scalingo.scalingo_backup_download
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Go back to before the mistake
  community.scalingo.scalingo_database_restore:
    app: shop
    addon: postgresql
    restore_time: "{{ before_the_mistake }}"
    confirm: "{{ resource_id }}"

- name: Restore a backup
  community.scalingo.scalingo_database_restore:
    app: shop
    addon: mysql
    backup_id: "{{ backup_id }}"
    confirm: "{{ mysql_resource_id }}"
"""

RETURN = r"""
restoration:
  description: The restoration of a backup, as it was seen last. None in check mode, and with O(restore_time).
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
        - V(done) or V(error) for one that has ended. Others are on their way, such as V(scheduled) and V(running).
      type: str
      sample: done
    created_at:
      description: When it was asked for, in UTC.
      type: str
      sample: '2026-11-20T22:00:00.000000Z'
    started_at:
      description: When it began, in UTC.
      type: str
      sample: '2026-11-20T22:00:04.000000Z'
    ended_at:
      description: When it ended, in UTC.
      type: str
      sample: '2026-11-20T22:31:40.000000Z'
    database_id:
      description: The internal ID of the database. It is not the ID of the addon.
      type: str
      sample: 597601234ffb097af4f3099b
    source_backup_id:
      description: The ID of the backup that it restores.
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
    - V(none) in check mode, and when the task started nothing that the platform shows as an operation.
  returned: success
  type: dict
steps:
  description: What the task did, in order. In check mode, what it would do. Empty when nothing changes.
  returned: success
  type: list
  elements: str
  sample: ['set periodic_backups_scheduled_at to 3:00 UTC', 'enable the feature force-ssl']
steps_done:
  description: What was done before the task failed. Nothing of it is undone.
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
  description: The app as the task names it. V(none) when the task gives O(addon_id) and O(addon_token) only.
  returned: when the options are valid
  type: str
  sample: shop
addon_id:
  description: The ID of the addon. V(none) when the task failed before it was found.
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
  sample: {kind: NotFound, status: 404, message: app not found, doing: list the addons, subject: addon postgresql of app nowhere in osc-fr1}
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
