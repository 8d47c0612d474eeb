#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_backup
version_added: 0.1.0
short_description: Create a backup of a database
description:
  - Creates a manual backup and waits until it is done.
  - With O(max_age), creates one only when no backup is recent enough.
  - The API identifies backups by ID only, and cannot delete them.
  - Each plan limits the number of manual backups. Beyond that, the platform silently deletes the oldest.
  - A backup that exceeds the limit needs O(allow=eviction). The module returns the ID of the backup to be deleted.
  - The limit is read from the plan. If the API does not return it, V(10) is assumed for Starter and V(50) for Business.
  - For other plans, the module warns at ten or more manual backups.
  - All listed manual backups count. The platform does not document whether failed ones do.
  - The platform runs one backup at a time. O(on_running) sets what happens when one is running.
  - A failed or cancelled backup never counts as done.
  - Manual backups are not available for databases with dedicated resources (V(postgresql-ng)).
  - A backup costs one more, one per poll, and up to two to read the plan's limit.
options:
  max_age:
    description:
      - Creates a backup only when no completed backup is younger than this.
      - Give seconds, or a duration such as V(90m), V(24h) or V(7d).
      - The age is measured with the platform's clock or the target host's, whichever is later.
      - A backup that began more than an hour in the future is never young. RV(notes) names it.
      - Without it, every run creates a backup.
    type: str
  method:
    description: Which backups count for O(max_age).
    type: str
    choices: [any, manual, periodic]
    default: any
  on_running:
    description:
      - What to do when a backup is already running.
      - V(new) waits for it, even with O(wait=false), then creates another. Default without O(max_age).
      - V(attach) waits for it, uses it and reports no change. Default with O(max_age).
      - When O(method) excludes the running backup, or it is being cancelled, V(attach) waits and creates a new one.
      - V(fail) fails without changing anything.
    type: str
    choices: [new, attach, fail]
  allow:
    description:
      - Consequences that you accept. The task refuses all others before it changes anything.
      - V(eviction) accepts that the platform deletes the oldest manual backup when the plan's limit is exceeded.
    type: list
    elements: str
    choices: [eviction]
    default: []
  wait_timeout:
    description:
      - How long to wait for a running operation on the database, and then for the backup, in seconds.
      - A large database can take hours.
      - On timeout, the task fails with the last status. The backup continues on the platform.
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
    support: partial
    details:
      - With O(max_age), the second run finds the backup of the first. Without it, every run creates a backup.
      - With O(method=periodic), every run creates a manual backup until a periodic one is recent enough.
seealso:
  - module: community.scalingo.scalingo_backup_info
  - module: community.scalingo.scalingo_backup_download
  - module: community.scalingo.scalingo_database
    description: Sets when the daily backups are made.
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Ensure a backup younger than a day exists
  community.scalingo.scalingo_backup:
    app: shop
    addon: postgresql
    max_age: 24h
  register: backup

- name: Create a backup before a risky change, even if the oldest is deleted
  community.scalingo.scalingo_backup:
    app: shop
    addon: mysql
    allow: [eviction]

- name: Ensure a manual backup of the last hour exists, without waiting
  community.scalingo.scalingo_backup:
    app: shop
    addon: mongodb
    max_age: 1h
    method: manual
    wait: false
"""

RETURN = r"""
backup:
  description:
    - The backup, as RV(community.scalingo.scalingo_backup_info#module:backups) describes it. In check mode, V(none) for what only the platform knows.
    - In check mode, the ID of a new backup is V(not-made-in-check-mode). Tasks accept it as O(ignore:backup_id) in check mode only.
  returned: success
  type: dict
attached:
  description: Whether the backup was already running before the task.
  returned: success
  type: bool
  sample: false
evicted:
  description: The ID of the manual backup that the platform deletes for the new one. V(none) when none is deleted.
  returned: success
  type: str
  sample: 5b8b36104ffb090be1ac3ce0
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
from ansible_collections.community.scalingo.plugins.module_utils._resources.manual_backup import Backup as RESOURCE


def argument_spec() -> Spec:
    return (
        COMMON
        + waiting(14400)
        + consent("eviction")
        + Spec(
            {
                "max_age": {"type": "str"},
                "method": {"type": "str", "choices": ["any", "manual", "periodic"], "default": "any"},
                "on_running": {"type": "str", "choices": ["new", "attach", "fail"]},
            }
        )
    )


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
