#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_sql_mode
version_added: 0.1.0
short_description: Set the SQL mode of MySQL
description:
  - Sets the whole set of SQL modes of a MySQL addon. It applies to new sessions at once, without a restart.
  - Modes are compared as a set, in any order and case. V(ANSI) and V(TRADITIONAL) stand for the modes that the server makes of them.
  - A task that changes nothing costs one request to the Database API, a task that changes something three.
    Without a cache there come up to three requests before, for the bearer token,
    for the addon (unless O(addon) is an ID) and for the addon's token.
options:
  modes:
    description:
      - All modes that are to be set. Those that are not named are cleared. V([]) clears all.
      - All modes of the server's version are allowed. V(NO_AUTO_CREATE_USER) is refused where the server no longer knows it.
    type: list
    elements: str
    required: true
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
    support: full
seealso:
  - module: community.scalingo.scalingo_sql_mode_info
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Set what MySQL 8 sets by itself
  community.scalingo.scalingo_sql_mode:
    app: shop
    addon: mysql
    modes:
      - ONLY_FULL_GROUP_BY
      - STRICT_TRANS_TABLES
      - NO_ZERO_IN_DATE
      - NO_ZERO_DATE
      - ERROR_FOR_DIVISION_BY_ZERO
      - NO_ENGINE_SUBSTITUTION

- name: Clear all modes for an old application
  community.scalingo.scalingo_sql_mode:
    app: shop
    addon: mysql
    modes: []
"""

RETURN = r"""
sql_mode:
  description: The SQL mode after the task. In check mode as it would be.
  returned: success
  type: dict
  contains:
    modes:
      description: The modes that are set, sorted, with those that V(ANSI) and V(TRADITIONAL) stand for.
      type: list
      elements: str
      sample: [NO_ZERO_DATE, STRICT_TRANS_TABLES]
    text:
      description: The modes as the platform gives them. None in check mode when they would change.
      type: str
      sample: STRICT_TRANS_TABLES,NO_ZERO_DATE
steps:
  description: What the task did, or would do in check mode, in order. Empty when nothing changes.
  returned: success
  type: list
  elements: str
  sample: ['set the SQL mode to STRICT_TRANS_TABLES,NO_ZERO_DATE']
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
  sample: ['set the SQL mode to STRICT_TRANS_TABLES,NO_ZERO_DATE']
step_failed:
  description: What the task was doing when it failed.
  returned: when the task fails after it began to change something
  type: str
  sample: set the SQL mode to STRICT_TRANS_TABLES
"""

from ansible_collections.community.scalingo.plugins.module_utils._module import run
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, Spec, waiting
from ansible_collections.community.scalingo.plugins.module_utils._resources.sql_mode import SqlMode as RESOURCE


def argument_spec() -> Spec:
    return COMMON + waiting(900, wait=False) + Spec({"modes": {"type": "list", "elements": "str", "required": True}})


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
