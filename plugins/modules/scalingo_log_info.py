#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_log_info
version_added: 0.1.0
short_description: Get the logs of a database
description:
  - Returns the last log lines of a database, or the list of its log archives.
  - Costs two requests, one to the Database API and one to the log server.
  - O(gather=archives) costs one request to the Database API per page.
options:
  gather:
    description: V(lines) returns the last log lines, V(archives) the list of log archives.
    type: str
    choices: [lines, archives]
    default: lines
  lines:
    description: The maximum number of lines, with O(gather=lines). The task fails above 32 MiB.
    type: int
    default: 100
  filter:
    description: Return only lines matching this filter, with O(gather=lines). The log server applies it.
    type: str
  limit:
    description: The maximum number of archives, with O(gather=archives). By default, all are returned.
    type: int
  links:
    description:
      - Whether to also return links to the live logs or to each archive.
      - Anyone with a link can read the logs.
      - Needs O(dest) or C(no_log=true) on the task. Otherwise the task is refused before any request.
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
- name: Get the last log lines
  community.scalingo.scalingo_log_info:
    app: shop
    addon: postgresql
    lines: 50
  register: result

- name: List the log archives
  community.scalingo.scalingo_log_info:
    app: shop
    addon: postgresql
    gather: archives
    limit: 5
"""

RETURN = r"""
logs:
  description: The last lines, in the order in which the platform returns them. Times may be out of order. Empty with O(gather=archives).
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
      description: The link to the archive. V(none) unless O(links=true), and with O(dest). Secret.
      type: str
      sample: VALUE_SPECIFIED_IN_NO_LOG_PARAMETER
url:
  description: The link to the live logs. V(none) unless O(links=true) and O(gather=lines), and with O(dest). Secret.
  returned: success
  type: str
  sample: VALUE_SPECIFIED_IN_NO_LOG_PARAMETER
# BEGIN _returns.secret_file, _returns: written by make lists
secret_file:
  description: The file that the secret was written to. V(none) without O(dest).
  returned: success
  type: str
  sample: /srv/secrets/shop.txt
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
