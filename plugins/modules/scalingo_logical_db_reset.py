#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_logical_db_reset
version_added: 0.1.0
short_description: Empty a logical database of MySQL or MongoDB
description:
  - Deletes all data in one logical database and keeps the database. This cannot be undone.
  - Every run resets, so keep it out of playbooks that run every night.
  - Costs three requests to the Database API, of which one changes something. Without a cache there come up to three requests before, for the
    bearer token, for the addon (unless O(addon) is an ID) and for the addon's token.
options:
  name:
    description: The name of the logical database to empty. It may be the protected one.
    type: str
    required: true
  confirm:
    description: The name once more, as the consent to lose all of its data. Without it the task is refused before anything is changed.
    type: str
  wait_timeout:
    description: How long to wait for the end of another operation on the database, in seconds.
    type: float
    default: 900
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.patience
  - community.scalingo._attributes
  - community.scalingo._attributes.changes
attributes:
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second run reports no change.
    support: none
    details:
      - Every run empties the database again.
seealso:
  - module: community.scalingo.scalingo_logical_db
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Empty the database of the staging app
  community.scalingo.scalingo_logical_db_reset:
    app: shop-staging
    addon: mysql
    name: reports
    confirm: reports
"""

RETURN = r"""
logical_database:
  description: The logical database that was emptied.
  returned: success
  type: dict
  contains:
    name:
      description: The name of the logical database.
      type: str
      sample: reports
    protected:
      description: Whether it is the default one of the addon, which cannot be deleted.
      type: bool
      sample: false
steps:
  description: What the task did, or would do in check mode, in order. Empty when nothing changes.
  returned: success
  type: list
  elements: str
  sample: ['empty the logical database reports']
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
  sample: ['empty the logical database reports']
step_failed:
  description: What the task was doing when it failed.
  returned: when the task fails after it began to change something
  type: str
  sample: empty the logical database reports
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
