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
database:
  description: The database after the task. In check mode as it is.
  returned: success
  type: dict
  contains:
    id:
      description: The internal ID of the database, which backups and maintenance refer to. It is not the ID of the addon.
      type: str
      sample: 5c599fd6f18b3202f7ab4e66
    resource_id:
      description: The reference of the resource that people see. Also the default name inside the database.
      type: str
      sample: shop_4553
    app_name:
      description: The name of the linked app.
      type: str
      sample: shop
    created_at:
      description: When the database was created, in UTC.
      type: str
      sample: '2026-02-05T14:38:14.343000Z'
    encryption_at_rest:
      description: Whether the data are encrypted on disk.
      type: bool
      sample: true
    features:
      description: The features that the platform lists. One that is off is not listed.
      type: list
      elements: dict
      contains:
        name:
          description: The name of the feature.
          type: str
          sample: force-ssl
        status:
          description:
            - V(ACTIVATED), V(PENDING), V(PENDING_TO_ACTIVATE), V(PENDING_TO_REMOVE) or V(FAILED).
          type: str
          sample: ACTIVATED
    plan:
      description: The name of the plan.
      type: str
      sample: mysql-starter-512
    status:
      description:
        - V(creating), V(running), V(updating), V(upgrading), V(migrating) or V(stopped). The platform may add others.
      type: str
      sample: running
    type_id:
      description: The ID of the database type.
      type: str
      sample: 5bf30d1104c87f000161285a
    type_name:
      description: The name of the database type.
      type: str
      sample: mysql
    version_id:
      description: The ID of the version.
      type: str
      sample: 5bf30d1104c87f000161285b
    readable_version:
      description: The version as C(major.minor.patch-build).
      type: str
      sample: 8.4.6-1
    mongo_repl_set_name:
      description: The name of the replica set, on MongoDB only.
      type: str
      sample: shop_4553-rs0
    hostname:
      description: The host name, with the port. None in old answers.
      type: str
      sample: shop-4553.mysql.b.osc-fr1.scalingo-dbs.com:35123
    instances:
      description: The instances of the database.
      type: list
      elements: dict
      contains:
        id:
          description: The ID of the instance.
          type: str
          sample: a7ecbaf9-7f3c-4324-bf35-975f546718c2
        hostname:
          description: The host name of the instance.
          type: str
          sample: a7ecbaf9-7f3c-4324-bf35-975f546718c2.shop-4553.mysql.dbs.scalingo.com
        port:
          description: The port of the instance.
          type: int
          sample: 35123
        status:
          description: The status of the instance.
          type: str
          sample: running
        type:
          description:
            - V(db-node), V(utility), or the proxy, which is V(gateway) or V(haproxy).
          type: str
          sample: db-node
        features:
          description: The features of the instance.
          type: list
          elements: str
          sample: []
        private_ip:
          description: The address in the private network, if there is one.
          type: str
          sample: 10.0.0.12
    next_version_id:
      description: The ID of the version that an upgrade leads to. None when there is none.
      type: str
      sample: 5bf30d1104c87f000161285c
    current_operation_id:
      description: The ID of the operation that is running. None when the database is idle.
      type: str
      sample: 609145e66ffbd934f6745bb4
    cluster:
      description: Whether the plan has several nodes.
      type: bool
      sample: false
    periodic_backups_enabled:
      description: Whether a backup is made every day.
      type: bool
      sample: true
    periodic_backups_scheduled_at:
      description: The hours of the day, in UTC, at which backups are made.
      type: list
      elements: int
      sample: [3]
    maintenance_window:
      description: When Scalingo may maintain the database. None in old answers.
      type: dict
      contains:
        weekday_utc:
          description: The day of the week, in UTC. V(0) is Sunday.
          type: int
          sample: 2
        starting_hour_utc:
          description: The hour at which the window opens, in UTC.
          type: int
          sample: 21
        duration_in_hour:
          description: How many hours the window is open. The platform decides this.
          type: int
          sample: 8
operation:
  description: The restoration to a point in time, as it was seen last. None in check mode, and with O(backup_id).
  returned: success
  type: dict
  contains:
    id:
      description: The ID of the operation.
      type: str
      sample: 609145e66ffbd934f6745bb4
    type:
      description: What kind of operation it is, as far as the platform says so.
      type: str
      sample: pitr_restore
    status:
      description:
        - V(finished) or V(done) for one that succeeded, V(error), V(user-error) or V(cancelled) for one that did not. Others are on their way.
      type: str
      sample: finished
    created_at:
      description: When it was asked for, in UTC.
      type: str
      sample: '2026-11-20T22:00:00.000000Z'
    finished_at:
      description: When it ended, in UTC.
      type: str
      sample: '2026-11-20T22:09:31.000000Z'
    error:
      description: What went wrong, in the words of the platform.
      type: str
      sample: the base backup cannot be read
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
steps:
  description: What the task did, or would do in check mode, in order. Empty when nothing changes.
  returned: success
  type: list
  elements: str
  sample: ['restore shop_4553 to its state at 2026-11-20T22:15:00.000000Z']
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
  sample: ['restore shop_4553 to its state at 2026-11-20T22:15:00.000000Z']
step_failed:
  description: What the task was doing when it failed.
  returned: when the task fails after it began to change something
  type: str
  sample: restore shop_4553 to its state at 2026-11-20T22:15:00.000000Z
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
