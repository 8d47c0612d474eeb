#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_pg_query
version_added: 0.1.0
short_description: Cancel queries of PostgreSQL, or end their sessions
description:
  - Cancels queries of a PostgreSQL database, or ends the sessions that run them. Either the one session with a O(pid), or all that
    O(older_than), O(user), O(query_state) and O(exclude_query) agree on.
  - A pid may belong to another session a moment later, and a session of a pool runs the query of somebody else. So each session is looked at
    once more just before it is its turn, and is left alone, with a warning, unless pid, user, state and the start of the query are still the same.
    The platform takes a pid and nothing else. A query that begins between that look and the order, which is the time of one request, is not
    protected.
  - Replication, autovacuum and other sessions of the server itself are ended only when O(pid) names them. Ending them can stop replicas, or
    keep the server from preventing a wraparound of its transactions.
  - Nothing that matches is success without a change.
  - A task that finds nothing costs one request to the Database API. Otherwise it costs two for each query that it ends, one for each that is over by
    then, and one or more at the end to see that they have ended.
    Without a cache there come up to three requests before, for the bearer token, for the addon (unless O(addon) is an ID) and for
    the addon's token.
options:
  action:
    description:
      - V(cancel) asks the server to cancel the query. The session stays, and its transaction fails.
      - V(terminate) ends the session. The value is the consent to that.
    type: str
    choices: [cancel, terminate]
    required: true
  pid:
    description:
      - The process ID of one session. At least one of O(pid), O(older_than) and O(user) is needed.
      - A session that is not there is not an error, nor is one that runs nothing when the action is V(cancel).
    type: int
  older_than:
    description: Only queries that began at least this long ago. A number of seconds, or text such as V(90s), V(5m) or V(1h30m).
    type: str
  user:
    description: Only sessions of this user of the database.
    type: str
  query_state:
    description:
      - Only sessions that do one of these things.
      - If not given, only V(active) ones. So the idle connections of a pool, and those that are idle within a transaction, are never
        touched unless the task names them.
      - For O(action=cancel) only V(active) and V(fastpath function call) make sense, as in all others there is nothing to cancel.
    type: list
    elements: str
    choices: [active, idle, idle in transaction, idle in transaction (aborted), fastpath function call, disabled]
  exclude_query:
    description:
      - Leave out queries in which one of these regular expressions of Python is found, in any case.
        Comments before the first word do not count.
      - If not given, V(^\\s*COPY\\b), V(\\bpg_dump\\b) and V(\\bpg_\\w*backup), so that backups are left alone. V([]) leaves nothing out.
    type: list
    elements: str
  max_matches:
    description: How many queries one task may end. When more match, the task fails and ends none.
    type: int
    default: 10
  include_query:
    description: Whether to return the text of the queries. It can hold data of your users, and so gets into logs.
    type: bool
    default: false
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._attributes
  - community.scalingo._attributes.changes
attributes:
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second run reports no change.
    support: partial
    details:
      - A query that was ended is not there the next time. Others that match by then are.
seealso:
  - module: community.scalingo.scalingo_pg_query_info
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Cancel what has been running for more than ten minutes
  community.scalingo.scalingo_pg_query:
    app: shop
    addon: postgresql
    action: cancel
    older_than: 10m

- name: End sessions of one user that hold a transaction open
  community.scalingo.scalingo_pg_query:
    app: shop
    addon: postgresql
    action: terminate
    user: reports
    query_state: idle in transaction
    older_than: 1h

- name: End one session
  community.scalingo.scalingo_pg_query:
    app: shop
    addon: postgresql
    action: terminate
    pid: 2000
"""

RETURN = r"""
queries:
  description: The queries that matched, as they were at the first look.
  returned: success
  type: list
  elements: dict
  contains:
    pid:
      description: The process ID of the session on the database server.
      type: int
      sample: 2000
    username:
      description: The user of the session. None for a process of the server itself.
      type: str
      sample: shop_4553
    state:
      description: What the session does, as PostgreSQL names it.
      type: str
      sample: active
    query_start:
      description: When the query began, in UTC. For an idle session the last one that it ran.
      type: str
      sample: '2026-11-21T02:12:09.000000Z'
    query_duration:
      description: How long ago that was, in seconds. The API gives nanoseconds.
      type: float
      sample: 412.317
    query:
      description: The text of the query. It can hold data of your users.
      returned: when O(include_query=true)
      type: str
      sample: SELECT * FROM orders
    outcome:
      description:
        - What became of it. V(cancelled) or V(terminated) when the server was told so. V(gone) when it was over by then. V(left_alone) when the session
          was doing something else by then, or the pid was another session's. None in check mode.
      type: str
      sample: cancelled
# BEGIN _returns.steps, _returns: written by make lists
steps:
  description: What the task did, in order. In check mode, what it would do. Empty when nothing changes.
  returned: success
  type: list
  elements: str
  sample: ['set periodic_backups_scheduled_at to 3:00 UTC', 'enable the feature force-ssl']
steps_done:
  description: What was done before the task failed. Nothing of it is undone.
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
  description: The app as the task names it. V(none) when the task gives O(addon_id) and O(addon_token) only.
  returned: when the options are valid
  type: str
  sample: shop
addon_id:
  description: The ID of the addon. V(none) when the task failed before it was found.
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
  sample: {kind: NotFound, status: 404, message: app not found, doing: list the addons, subject: addon postgresql of app nowhere in osc-fr1}
# END
"""

from ansible_collections.community.scalingo.plugins.module_utils._module import run
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, Spec
from ansible_collections.community.scalingo.plugins.module_utils._resources.pg_query import STATES
from ansible_collections.community.scalingo.plugins.module_utils._resources.pg_query import Queries as RESOURCE


def argument_spec() -> Spec:
    return COMMON + Spec(
        {
            "action": {"type": "str", "choices": ["cancel", "terminate"], "required": True},
            "pid": {"type": "int"},
            "older_than": {"type": "str"},
            "user": {"type": "str"},
            "query_state": {"type": "list", "elements": "str", "choices": list(STATES)},
            "exclude_query": {"type": "list", "elements": "str"},
            "max_matches": {"type": "int", "default": 10},
            "include_query": {"type": "bool", "default": False},
        },
        mutually_exclusive=(("pid", "older_than"), ("pid", "user"), ("pid", "query_state"), ("pid", "exclude_query")),
        required_one_of=(("pid", "older_than", "user"),),
        never_empty=("pid", "older_than", "user", "query_state", "exclude_query"),
        free_text=("exclude_query",),
    )


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
