#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_pg_stat_statements_info
version_added: 0.1.0
short_description: List statement statistics of a PostgreSQL database
description:
  - Returns the call count and execution time of each SQL statement, sorted by O(order_by).
  - Needs the extension C(pg_stat_statements). See M(community.scalingo.scalingo_pg_stat_statements).
  - Costs one request to the Database API.
options:
  order_by:
    description: The statistic to sort by, in descending order.
    type: str
    choices: [total_time, mean_time, max_time, calls, rows]
    default: total_time
  limit:
    description: Return at most this many statements.
    type: int
  include_query:
    description:
      - Whether to return the statement texts. PostgreSQL replaces constants with placeholders such as C($1).
      - Utility statements such as C(ALTER ROLE) keep their constants, which can be secrets.
    type: bool
    default: true
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._attributes
  - community.scalingo._attributes.reads
seealso:
  - module: community.scalingo.scalingo_pg_stat_statements
  - module: community.scalingo.scalingo_pg_query_info
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: List the ten most expensive statements
  community.scalingo.scalingo_pg_stat_statements_info:
    app: shop
    addon: postgresql
    limit: 10
"""

RETURN = r"""
statements:
  description: The statistics per user and statement. Empty when no statistics are collected yet.
  returned: success
  type: list
  elements: dict
  contains:
    user_id:
      description: The internal ID of the user on the database server.
      type: int
      sample: 16384
    calls:
      description: The number of calls.
      type: int
      sample: 24512
    rows:
      description: The total number of returned or changed rows.
      type: int
      sample: 500
    total_time:
      description: The total execution time, in milliseconds.
      type: float
      sample: 1837.1
    min_time:
      description: The minimum execution time, in milliseconds.
      type: float
      sample: 0.2
    max_time:
      description: The maximum execution time, in milliseconds.
      type: float
      sample: 3.5
    mean_time:
      description: The mean execution time, in milliseconds.
      type: float
      sample: 0.6
    std_dev:
      description: The standard deviation of the execution time, in milliseconds.
      type: float
      sample: 0.1
    query:
      description: The text of the statement.
      returned: when O(include_query=true)
      type: str
      sample: SELECT * FROM orders WHERE id = $1
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
from ansible_collections.community.scalingo.plugins.module_utils._resources.pg_stat_statements import (
    StatStatementsInfo as RESOURCE,
)


def argument_spec() -> Spec:
    return COMMON + Spec(
        {
            "order_by": {
                "type": "str",
                "choices": ["total_time", "mean_time", "max_time", "calls", "rows"],
                "default": "total_time",
            },
            "limit": {"type": "int"},
            "include_query": {"type": "bool", "default": True},
        }
    )


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
