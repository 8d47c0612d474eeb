#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_database
version_added: 0.1.0
short_description: Manage the settings and features of a database
description:
  - Sets when backups are made, when Scalingo may maintain the database, and which features are on.
  - The database exists already and goes on to exist. This module neither creates nor destroys one, so that it can run every
    night. Settings and features that the task does not name are left alone.
  - A task that changes nothing costs one request to the Database API, provided that O(addon) is an ID or the tokens are in the cache.
    A task that changes settings costs one more. A feature costs one more to be asked for, and one for each look at whether it is there yet.
  - Without a cache there come up to three requests before, for the bearer token, for the addon (unless O(addon) is an ID) and for the addon's token.
options:
  periodic_backups_enabled:
    description:
      - Whether a backup is made every day.
      - Turning backups off needs O(allow=backups_off).
    type: bool
  periodic_backups_scheduled_at:
    description:
      - The hour of the day at which the backup is made, V(0) to V(23), in UTC. A single hour, or a list of one.
      - Several hours can only be set by Scalingo's support. The module returns them, and fails rather than overwriting them.
    type: list
    elements: int
  maintenance_window:
    description:
      - When Scalingo may maintain the database. The length of the window is the platform's decision.
      - What is left out stays as it is.
    type: dict
    suboptions:
      weekday_utc:
        description:
          - The day of the week, in UTC. The English name of a day in any case, or V(0) (Sunday) to V(6) (Saturday).
        type: str
      starting_hour_utc:
        description: The hour at which the window opens, V(0) to V(23), in UTC.
        type: int
  features:
    description:
      - The features that are to be on or off, each name with a boolean. Features that are not named are left alone.
      - The platform knows V(force-ssl), V(publicly-available), and for Redis V(redis-rdb), V(redis-aof) and V(redis-cache).
        Other names are passed on to it.
      - Each value follows Ansible's rules for booleans, so that the text V("false") is false. Other text is refused.
      - V(publicly-available) needs V(force-ssl). In one task they are switched in the right order.
      - Turning V(force-ssl) off or V(publicly-available) on needs O(allow=exposure). Turning V(redis-cache) on needs O(allow=eviction).
      - Turning the last one of V(redis-rdb) and V(redis-aof) off needs O(allow=persistence_off).
        When one replaces the other, it is enabled and waited for first.
      - A feature that is on its way counts as arrived. One that failed before counts as off and is asked for once more.
        One that fails now fails the task.
    type: dict
  allow:
    description:
      - The consequences that you agree to. A change with a consequence that is not listed is refused before anything is changed.
      - V(exposure) is for connections without encryption, or from the whole Internet.
      - V(eviction) is for keys that Redis may drop.
      - V(backups_off) is for days without a backup.
      - V(persistence_off) is for a Redis that keeps its data in memory only.
    type: list
    elements: str
    choices: [exposure, eviction, backups_off, persistence_off]
    default: []
  wait_timeout:
    description:
      - How long to wait for each feature, and for the end of another operation, in seconds.
      - When it ends, the task fails with the last status. The operation goes on at the platform.
    type: float
    default: 900
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.wait
  - community.scalingo._options.patience
  - community.scalingo._attributes
  - community.scalingo._attributes.changes
attributes:
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second run reports no change.
    support: full
seealso:
  - module: community.scalingo.scalingo_database_info
  - module: community.scalingo.scalingo_logical_db
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Make backups at three in the morning and keep maintenance to Sunday night
  community.scalingo.scalingo_database:
    app: shop
    addon: postgresql
    periodic_backups_enabled: true
    periodic_backups_scheduled_at: 3
    maintenance_window:
      weekday_utc: sunday
      starting_hour_utc: 21

- name: Refuse connections without encryption
  community.scalingo.scalingo_database:
    app: shop
    addon: mysql
    features:
      force-ssl: true

- name: Open a database to the Internet, which needs the consent of the task
  community.scalingo.scalingo_database:
    app: shop
    addon: mysql
    features:
      force-ssl: true
      publicly-available: true
    allow: [exposure]

- name: Keep a Redis on disk, and do not wait until that is in effect
  community.scalingo.scalingo_database:
    app: shop
    addon: redis
    features:
      redis-rdb: true
      redis-aof: true
    wait: false
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
steps:
  description: What the task did, or would do in check mode, in order. Empty when nothing changes.
  returned: success
  type: list
  elements: str
  sample: ['set periodic_backups_scheduled_at to 3:00 UTC', 'enable the feature force-ssl']
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
  sample: ['set periodic_backups_scheduled_at to 3:00 UTC', 'enable the feature force-ssl']
step_failed:
  description: What the task was doing when it failed.
  returned: when the task fails after it began to change something
  type: str
  sample: enable the feature publicly-available
"""

from ansible_collections.community.scalingo.plugins.module_utils._module import run
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, Spec, consent, waiting
from ansible_collections.community.scalingo.plugins.module_utils._resources.database import Database as RESOURCE


def argument_spec() -> Spec:
    return (
        COMMON
        + waiting(900)
        + consent("exposure", "eviction", "backups_off", "persistence_off")
        + Spec(
            {
                "periodic_backups_enabled": {"type": "bool"},
                "periodic_backups_scheduled_at": {"type": "list", "elements": "int"},
                "maintenance_window": {
                    "type": "dict",
                    "options": {"weekday_utc": {"type": "str"}, "starting_hour_utc": {"type": "int"}},
                },
                "features": {"type": "dict"},
            }
        )
    )


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
