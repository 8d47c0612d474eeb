#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_pg_query_info
version_added: 0.1.0
short_description: List the sessions of a PostgreSQL database
description:
  - Returns the active and idle sessions of a PostgreSQL database, with the duration of their queries.
  - Costs one request to the Database API.
options:
  pid:
    description: Return only the session with this process ID. The list is empty when it does not exist.
    type: int
  older_than:
    description: Return only sessions whose query started at least this long ago. Give seconds, or a duration such as V(90s), V(5m) or
      V(1h30m).
    type: str
  user:
    description: Return only sessions of this database user.
    type: str
  query_state:
    description: Return only sessions in one of these states. The default is all.
    type: list
    elements: str
    choices: [active, idle, idle in transaction, idle in transaction (aborted), fastpath function call, disabled]
  exclude_query:
    description: Skip queries that match one of these Python regular expressions, ignoring case.
    type: list
    elements: str
  include_query:
    description: Whether to return the query texts. They can contain user data, which then appears in job logs.
    type: bool
    default: false
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._attributes
  - community.scalingo._attributes.reads
seealso:
  - module: community.scalingo.scalingo_pg_query
  - module: community.scalingo.scalingo_pg_stat_statements_info
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: List queries that have run for more than a minute
  community.scalingo.scalingo_pg_query_info:
    app: shop
    addon: postgresql
    older_than: 60
    query_state: [active, idle in transaction]
    include_query: true
"""

RETURN = r"""
queries:
  description: The sessions, in the order of the platform.
  returned: success
  type: list
  elements: dict
  contains:
    pid:
      description: The process ID of the session on the database server.
      type: int
      sample: 2000
    username:
      description: The user of the session. V(none) for a process of the server itself.
      type: str
      sample: shop_4553
    state:
      description: The state of the session in PostgreSQL.
      type: str
      sample: active
    query_start:
      description: When the query started, in UTC. For an idle session, the last query.
      type: str
      sample: '2026-11-21T02:12:09.000000Z'
    query_duration:
      description: The time since the start of the query, in seconds.
      type: float
      sample: 412.317
    query:
      description: The text of the query. It can contain user data.
      returned: when O(include_query=true)
      type: str
      sample: SELECT * FROM orders
# BEGIN _returns: written by make lists
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
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, Spec
from ansible_collections.community.scalingo.plugins.module_utils._resources.pg_query import STATES
from ansible_collections.community.scalingo.plugins.module_utils._resources.pg_query import QueryInfo as RESOURCE


def argument_spec() -> Spec:
    return COMMON + Spec(
        {
            "pid": {"type": "int"},
            "older_than": {"type": "str"},
            "user": {"type": "str"},
            "query_state": {"type": "list", "elements": "str", "choices": list(STATES)},
            "exclude_query": {"type": "list", "elements": "str"},
            "include_query": {"type": "bool", "default": False},
        },
        free_text=("exclude_query",),
    )


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
