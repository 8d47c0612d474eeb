#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_database_upgrade
version_added: 0.1.0
short_description: Upgrade a database to a later version
description:
  - Brings a database to a later version, one step of the platform after the other. There is no way back.
  - The platform has one way, which leads to the latest minor version and then to the next major version. The module computes it before,
    and reads the database once more right before each step. It goes on only while the way stays as it was.
  - A step is done when the database itself shows the new version. An operation that cannot be found any more says nothing.
    An operation that is reported as done while the version stays the same fails the task.
  - By default it stops before the next major version and says so in RV(major_available), which is never a failure.
  - For most engines the first number of the version is the major version. For MySQL and MongoDB these are the first two, so that
    the step from 8.0 to 8.4 needs O(allow=major).
  - The database is down for a while, unless its plan has several nodes and the step is a minor one. The app is restarted.
    Make a backup before, with M(community.scalingo.scalingo_backup).
  - A task that changes nothing costs one request to the Database API when the database is at the latest version, and one more for each version
    ahead that it has to look at,
    which with the default is one. A step costs two requests, one for each look at the operation, and one for the database at the end.
    Without a cache there come up to three requests before, for the bearer token, for the addon (unless O(addon) is an ID)
    and for the addon's token.
options:
  to:
    description:
      - Which version to go to.
      - V(latest_minor) is the latest one of the same major version.
      - V(next) takes one step, whatever it is. It is the step that is next when the task begins. When another run takes it meanwhile,
        the task takes no second one.
      - V(latest) goes all the way.
      - Or a version that is ahead, such as V('16') or V('16.10.0-1'). With fewer numbers the latest one that begins with them is meant.
        Put it in quotes, as YAML makes V(16.1) of V(16.10). A version that is not ahead, and is not the current one, fails the task.
    type: str
    default: latest_minor
  allow:
    description:
      - The consequences that you agree to. A change with a consequence that is not listed is refused before anything is changed.
      - V(major) is for another major version.
    type: list
    elements: str
    choices: [major]
    default: []
  wait:
    description:
      - Whether to wait until the platform has finished.
      - When V(false), the task starts the first step only, and returns as soon as it is accepted.
    type: bool
    default: true
  wait_timeout:
    description:
      - How long to wait for each step, and for the end of another operation, in seconds.
      - When it ends, the task fails with the last status. The upgrade goes on at the platform.
    type: float
    default: 7200
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
      - With O(to=next) every run takes one more step, as long as there is one.
seealso:
  - module: community.scalingo.scalingo_version_info
  - module: community.scalingo.scalingo_backup
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Bring a database to the latest minor version
  community.scalingo.scalingo_database_upgrade:
    app: shop
    addon: postgresql
  register: upgrade

- name: Say that a major version is waiting
  ansible.builtin.debug:
    msg: "{{ upgrade.next_version }} is waiting"
  when: upgrade.major_available

- name: Go to the next major version, which needs the consent of the task
  community.scalingo.scalingo_database_upgrade:
    app: shop
    addon: postgresql
    to: '17'
    allow: [major]
"""

RETURN = r"""
database:
  description: The database after the task. In check mode as it would be.
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
path:
  description: The versions that the task went to, or would go to, in order. Empty when nothing changes.
  returned: success
  type: list
  elements: dict
  contains:
    version_id:
      description: The ID of the version.
      type: str
      sample: 6051fe19406c31aaafd31a05
    version:
      description: The version as C(major.minor.patch-build).
      type: str
      sample: 16.10.0-1
    crosses_major:
      description: Whether it is of another major version than the one before it.
      type: bool
      sample: false
    warning_message:
      description: What the platform warns of, mostly known only when the step has begun. It is a warning of the task too.
      type: str
      sample: This version removes the old authentication
next_version:
  description: The version that comes after the one that is reached. None when there is none.
  returned: success
  type: str
  sample: 17.6.0-1
major_available:
  description: Whether RV(next_version) is of another major version.
  returned: success
  type: bool
  sample: true
operation:
  description: The operation of the last step, as it was seen last. None when nothing was done, or the platform does not show it.
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
      sample: upgrade
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
      sample: an extension is not compatible with the new version
steps:
  description: What the task did, or would do in check mode, in order. Empty when nothing changes.
  returned: success
  type: list
  elements: str
  sample: ['upgrade from 16.8.0-1 to 16.10.0-1']
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
  sample: ['upgrade from 16.8.0-1 to 16.10.0-1']
step_failed:
  description: What the task was doing when it failed.
  returned: when the task fails after it began to change something
  type: str
  sample: upgrade from 16.10.0-1 to 17.6.0-1, another major version
"""

from ansible_collections.community.scalingo.plugins.module_utils._module import run
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, Spec, consent, waiting
from ansible_collections.community.scalingo.plugins.module_utils._resources.upgrade import Upgrade as RESOURCE


def argument_spec() -> Spec:
    return COMMON + waiting(7200) + consent("major") + Spec({"to": {"type": "str", "default": "latest_minor"}})


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
