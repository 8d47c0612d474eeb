#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_log_info
version_added: 0.1.0
short_description: Read the logs of a database
description:
  - Returns the last lines of the logs of a database, or the list of their archives.
  - Costs two requests, one to the Database API and one to the log server. O(gather=archives) asks the Database API only, once for each page.
    Without a cache there come up to three requests before, for the bearer token,
    for the addon (unless O(addon) is an ID) and for the addon's token.
options:
  gather:
    description: What to return, the last V(lines) or the V(archives).
    type: str
    choices: [lines, archives]
    default: lines
  lines:
    description: How many lines to return at most, with O(gather=lines). An answer of more than 32 MiB is an error.
    type: int
    default: 100
  filter:
    description: Return only the lines that the log server finds with this filter, with O(gather=lines).
    type: str
  limit:
    description: How many archives to return at most, with O(gather=archives). All of them when it is left out.
    type: int
  links:
    description:
      - Whether to return the links too, to the running logs or to each archive. Whoever has a link can read the logs.
      - Needs O(dest) or a task with C(no_log=true). Other tasks are refused before the link is asked for.
    type: bool
    default: false
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.secret_file
  - community.scalingo._attributes
  - community.scalingo._attributes.reads
seealso:
  - module: community.scalingo.scalingo_metrics_info
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Read the last lines
  community.scalingo.scalingo_log_info:
    app: shop
    addon: postgresql
    lines: 50
  register: result

- name: List the archives
  community.scalingo.scalingo_log_info:
    app: shop
    addon: postgresql
    gather: archives
    limit: 5
"""

RETURN = r"""
logs:
  description: The last lines, oldest first. Empty with O(gather=archives).
  returned: success
  type: list
  elements: str
  sample: ['2026-11-21 03:00:00 LOG:  checkpoint starting: time']
archives:
  description: The archives, newest first. Empty with O(gather=lines).
  returned: success
  type: list
  elements: dict
  contains:
    from:
      description: When the first line was written, in UTC.
      type: str
      sample: '2026-11-20T00:00:00.000000Z'
    to:
      description: When the last line was written, in UTC.
      type: str
      sample: '2026-11-21T00:00:00.000000Z'
    size:
      description: The size of the archive, in bytes.
      type: int
      sample: 48213
    url:
      description: The link to the archive. None unless O(links=true), and with O(dest). Secret.
      type: str
      sample: VALUE_SPECIFIED_IN_NO_LOG_PARAMETER
url:
  description: The link to the running logs. None unless O(links=true) and O(gather=lines), and with O(dest). Secret.
  returned: success
  type: str
  sample: VALUE_SPECIFIED_IN_NO_LOG_PARAMETER
secret_file:
  description: The file that the links are in. With O(gather=archives) they are a JSON list of archives. None without O(dest).
  returned: success
  type: str
  sample: /srv/secrets/shop.txt
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
"""

from ansible_collections.community.scalingo.plugins.module_utils._module import run
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, SECRET_FILE, Spec
from ansible_collections.community.scalingo.plugins.module_utils._resources.log import LogInfo as RESOURCE


def argument_spec() -> Spec:
    return (
        COMMON
        + SECRET_FILE
        + Spec(
            {
                "gather": {"type": "str", "choices": ["lines", "archives"], "default": "lines"},
                "lines": {"type": "int", "default": 100},
                "filter": {"type": "str"},
                "limit": {"type": "int"},
                "links": {"type": "bool", "default": False},
            },
            free_text=("filter",),
        )
    )


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
