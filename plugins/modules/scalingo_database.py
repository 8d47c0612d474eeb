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
  - Sets the backup schedule, the maintenance window and the features of a database.
  - The database must already exist. This module never creates or destroys one.
  - Settings and features that are not set stay unchanged.
  - Changing settings costs one more request. Changing a feature costs one more, and one per poll.
options:
  periodic_backups_enabled:
    description:
      - Whether the platform creates a backup every day.
      - Disabling periodic backups needs O(allow=backups_off).
    type: bool
  periodic_backups_scheduled_at:
    description:
      - The hour of the daily backup, V(0) to V(23), in UTC. Give one hour, or a list with one.
      - Only Scalingo support can set several hours. The module returns them and refuses to overwrite them.
    type: list
    elements: int
  maintenance_window:
    description:
      - When Scalingo may maintain the database. The platform sets the length of the window.
      - Omitted values stay unchanged.
    type: dict
    suboptions:
      weekday_utc:
        description:
          - The day of the week in UTC, as an English name in any case, or V(0) (Sunday) to V(6) (Saturday).
        type: str
      starting_hour_utc:
        description: The hour at which the window opens, V(0) to V(23), in UTC.
        type: int
  features:
    description:
      - Features to enable or disable, as a dictionary of booleans. Other features stay unchanged.
      - Known features are V(force-ssl) and V(publicly-available), and for Redis V(redis-rdb), V(redis-aof) and V(redis-cache).
      - Other names are passed to the platform unchanged.
      - Values are Ansible booleans. The string V("false") is false. Strings that are not booleans are refused.
      - V(publicly-available) needs V(force-ssl). A task that changes both applies them in the right order.
      - Disabling V(force-ssl) or enabling V(publicly-available) needs O(allow=exposure).
      - Enabling V(redis-cache) needs O(allow=eviction).
      - Disabling the only enabled one of V(redis-rdb) and V(redis-aof) needs O(allow=persistence_off).
      - When V(redis-rdb) and V(redis-aof) are exchanged, the new one is enabled first.
      - A feature that is being enabled counts as enabled.
      - A feature that failed in an earlier run is requested again. The task fails when a requested feature fails.
    type: dict
  allow:
    description:
      - Consequences that you accept. The task refuses all others before it changes anything.
      - V(exposure) accepts connections without encryption or from the whole Internet.
      - V(eviction) accepts that Redis may evict keys.
      - V(backups_off) accepts that no periodic backups are created.
      - V(persistence_off) accepts that Redis keeps its data in memory only.
    type: list
    elements: str
    choices: [exposure, eviction, backups_off, persistence_off]
    default: []
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.wait
  - community.scalingo._options.patience
  - community.scalingo._attributes
  - community.scalingo._attributes.changes
attributes:
  idempotent:
    support: full
seealso:
  - module: community.scalingo.scalingo_database_info
  - module: community.scalingo.scalingo_logical_db
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Set the backup schedule and the maintenance window
  community.scalingo.scalingo_database:
    app: shop
    addon: postgresql
    periodic_backups_enabled: true
    periodic_backups_scheduled_at: 3
    maintenance_window:
      weekday_utc: sunday
      starting_hour_utc: 21

- name: Refuse unencrypted connections
  community.scalingo.scalingo_database:
    app: shop
    addon: mysql
    features:
      force-ssl: true

- name: Make a database publicly available, with the consent
  community.scalingo.scalingo_database:
    app: shop
    addon: mysql
    features:
      force-ssl: true
      publicly-available: true
    allow: [exposure]

- name: Enable the persistence of a Redis database, without waiting
  community.scalingo.scalingo_database:
    app: shop
    addon: redis
    features:
      redis-rdb: true
      redis-aof: true
    wait: false
"""

RETURN = r"""
# BEGIN _returns.database, _returns.steps, _returns: written by make lists
database:
  description:
    - The database after the task, as RV(community.scalingo.scalingo_database_info#module:databases) describes it.
    - In check mode, the predicted state.
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
