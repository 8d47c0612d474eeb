#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_pg_query
version_added: 0.1.0
short_description: Cancel queries or terminate sessions of a PostgreSQL database
description:
  - Uses the API only, without a database connection.
  - Selects one session by O(pid), or all sessions matching O(older_than), O(user), O(query_state) and O(exclude_query).
  - Each session is read again before it is ended.
  - Until then, the PID may be reused, or a pooled session may run another query.
  - If its PID, user, state or query start has changed, the session is skipped with a warning.
  - A query that starts after that check can still be ended, as the API accepts only a PID.
  - Replication, autovacuum and other server processes are ended only by O(pid).
  - Ending server processes can stop replicas or lead to transaction ID wraparound.
  - When no session matches, the task succeeds without a change.
  - A change also costs two per query, one for a query that has already ended, and one per poll.
options:
  action:
    description:
      - V(cancel) cancels the query. The session stays open, but its transaction fails.
      - V(terminate) ends the session. Setting it is the consent.
    type: str
    choices: [cancel, terminate]
    required: true
  pid:
    description:
      - The process ID of one session. At least one of O(pid), O(older_than) and O(user) is required.
      - The task succeeds when the session does not exist, or has no query to cancel.
    type: int
  older_than:
    description: Select only queries that started at least this long ago. Give seconds, or a duration such as V(90s), V(5m) or V(1h30m).
    type: str
  user:
    description: Select only sessions of this database user.
    type: str
  query_state:
    description:
      - Select only sessions in one of these states. The default is V(active).
      - Idle sessions, even in a transaction, are ended only when their state is listed.
      - O(action=cancel) has an effect on V(active) and V(fastpath function call) only.
    type: list
    elements: str
    choices: [active, idle, idle in transaction, idle in transaction (aborted), fastpath function call, disabled]
  exclude_query:
    description:
      - Skip queries that match one of these Python regular expressions, ignoring case.
      - Leading SQL comments are ignored.
      - The default skips backups with V(^\\s*COPY\\b), V(\\bpg_dump\\b) and V(\\bpg_\\w*backup). V([]) skips nothing.
    type: list
    elements: str
  max_matches:
    description: The maximum number of queries to end. If more match, the task fails without ending any.
    type: int
    default: 10
  include_query:
    description: Whether to return the query texts. They can contain user data, which then appears in job logs.
    type: bool
    default: false
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._attributes
  - community.scalingo._attributes.changes
attributes:
  idempotent:
    support: partial
    details:
      - A query that was ended does not exist in the second run. Other queries may match by then.
seealso:
  - module: community.scalingo.scalingo_pg_query_info
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Cancel queries that have run for more than ten minutes
  community.scalingo.scalingo_pg_query:
    app: shop
    addon: postgresql
    action: cancel
    older_than: 10m

- name: Terminate the sessions of a user with open transactions
  community.scalingo.scalingo_pg_query:
    app: shop
    addon: postgresql
    action: terminate
    user: reports
    query_state: idle in transaction
    older_than: 1h

- name: Terminate one session
  community.scalingo.scalingo_pg_query:
    app: shop
    addon: postgresql
    action: terminate
    pid: 2000
"""

RETURN = r"""
queries:
  description:
    - The matching queries, as first read.
    - RV(community.scalingo.scalingo_pg_query_info#module:queries) describes them. C(outcome) is added.
  returned: success
  type: list
  elements: dict
  contains:
    outcome:
      description:
        - V(cancelled) or V(terminated) when the request was sent. V(gone) when the session had ended before. V(left_alone) when the session
          ran another query, or the PID belonged to another session. V(none) in check mode.
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
