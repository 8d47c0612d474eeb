#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_backup
version_added: 0.1.0
short_description: Make a backup of a database
description:
  - Makes a manual backup and waits for its end. With O(max_age) it does so only when there is no backup that is young enough.
  - A backup has no name that a task could choose, so that its ID is the only way to find it again. The platform has no call to delete one.
    It keeps a number of manual backups that depends on the plan, and deletes the oldest without notice when there is one more. This module
    says so before, and needs O(allow=eviction) for it. The number comes from the plan, where the platform shows it, and else from the plan's name,
    which is 10 for Starter and 50 for Business. For other plans the module warns as soon as there are ten manual backups.
    Every manual backup that the platform lists is counted, as nobody says whether those that failed are.
  - The platform makes one backup at a time. What happens when one is running already, or begins at the same moment, is decided by O(on_running).
  - A backup that failed or was cancelled is never taken for one that is done.
  - A database with dedicated resources (V(postgresql-ng)) has no backups on demand.
  - A task that changes nothing costs one request to the Database API. One that makes a backup costs one more, one for each look at whether it
    has ended,
    and up to two for the limit of the plan when there are manual backups.
    Without a cache there come up to three requests before, for the bearer token, for the addon (unless O(addon) is an ID)
    and for the addon's token.
options:
  max_age:
    description:
      - Make a backup only when there is none that is done and began so recently. A number of seconds, or a length of time such as V(90m),
        V(24h) or V(7d).
      - The age is judged by the clock of the platform.
      - Without it the task makes a backup each time, and one that began before the task does not count.
    type: str
  method:
    description: Which backups count for O(max_age).
    type: str
    choices: [any, manual, periodic]
    default: any
  on_running:
    description:
      - What to do when a backup is running already.
      - V(new) waits for its end, also with O(wait=false), and then makes another. This is the default without O(max_age).
      - V(attach) takes the running one for the one that was asked for, waits for its end, and reports no change.
        One that O(method) does not count, or that is being cancelled, is waited for instead. This is the default with O(max_age).
      - V(fail) fails before anything is changed.
    type: str
    choices: [new, attach, fail]
  allow:
    description:
      - The consequences that you agree to. A change with a consequence that is not listed is refused before anything is changed.
      - V(eviction) is for the oldest manual backup, which the platform deletes when the plan keeps no more.
    type: list
    elements: str
    choices: [eviction]
    default: []
  wait_timeout:
    description:
      - How long to wait for a backup, and for the end of another operation, in seconds. A large database takes hours.
      - When it ends, the task fails with the last status. The backup goes on at the platform.
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
    support: partial
    details:
      - With O(max_age) the second run finds the backup of the first. Without it every run makes a backup,
        and so does every run with O(method=periodic) as long as the platform has made none, as those of this module are manual.
seealso:
  - module: community.scalingo.scalingo_backup_info
  - module: community.scalingo.scalingo_backup_download
  - module: community.scalingo.scalingo_database
    description: Sets when the daily backups are made.
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Have a backup that is not older than a day, whoever made it
  community.scalingo.scalingo_backup:
    app: shop
    addon: postgresql
    max_age: 24h
  register: backup

- name: Make a backup before a risky change, even if that costs the oldest one
  community.scalingo.scalingo_backup:
    app: shop
    addon: mysql
    allow: [eviction]

- name: Have a manual backup of this hour, and do not wait for it
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
    - The backup that was made, found or waited for. In check mode the parts that only the platform knows are none.
    - In check mode the ID of one that would be made is V(not-made-in-check-mode). Tasks that take it as O(ignore:backup_id) predict what they
      would do with it, and outside check mode they refuse it.
  returned: success
  type: dict
  contains:
    id:
      description: The ID of the backup.
      type: str
      sample: 5b8b36104ffb090be1ac3ce1
    name:
      description: The name of the backup, with the time in UTC and the resource ID.
      type: str
      sample: 20260902010000_shop_4553
    status:
      description:
        - V(done), V(error) or V(cancelled) for one that has ended. Others are on their way, such as V(scheduled) and V(running).
      type: str
      sample: done
    method:
      description:
        - V(manual) for one that somebody asked for, V(periodic) for a daily one.
      type: str
      sample: manual
    created_at:
      description: When the backup was asked for, in UTC.
      type: str
      sample: '2026-09-02T01:00:00.178000Z'
    started_at:
      description: When the backup began, in UTC. None before that.
      type: str
      sample: '2026-09-02T01:00:03.501000Z'
    size:
      description: The size in bytes, once it is done.
      type: int
      sample: 17484513608
    database_id:
      description: The internal ID of the database. It is not the ID of the addon.
      type: str
      sample: 597601234ffb097af4f3099b
attached:
  description: Whether it is one that was running already.
  returned: success
  type: bool
  sample: false
evicted:
  description: The ID of the manual backup that the platform deletes for the new one. None when nothing is lost.
  returned: success
  type: str
  sample: 5b8b36104ffb090be1ac3ce0
steps:
  description: What the task did, or would do in check mode, in order. Empty when nothing changes.
  returned: success
  type: list
  elements: str
  sample: ['make a backup']
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
  sample: ['make a backup']
step_failed:
  description: What the task was doing when it failed.
  returned: when the task fails after it began to change something
  type: str
  sample: make a backup
"""

from ansible_collections.community.scalingo.plugins.module_utils._module import run
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, Spec, consent, waiting
from ansible_collections.community.scalingo.plugins.module_utils._resources.backup import Backup as RESOURCE


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
