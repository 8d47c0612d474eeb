#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_pg_stat_statements
version_added: 0.1.0
short_description: Enable or reset statement statistics of a PostgreSQL database
description:
  - Enables the extension C(pg_stat_statements), which counts and times the statements of a PostgreSQL database.
  - Uses the API only, without a database connection.
  - The API cannot disable the extension. To remove it, use M(community.scalingo.scalingo_pg_extension) with C(state=absent).
  - A change costs three requests in total.
options:
  reset:
    description:
      - Whether to discard the collected statistics. Setting V(true) is the consent.
      - Ignored when this task enables the extension.
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
      - Enabling is idempotent. O(reset=true) discards the statistics in every run.
seealso:
  - module: community.scalingo.scalingo_pg_stat_statements_info
  - module: community.scalingo.scalingo_pg_extension
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Enable statement statistics
  community.scalingo.scalingo_pg_stat_statements:
    app: shop
    addon: postgresql

- name: Reset the statistics after a release
  community.scalingo.scalingo_pg_stat_statements:
    app: shop
    addon: postgresql
    reset: true
"""

RETURN = r"""
extension:
  description:
    - The extension, as RV(community.scalingo.scalingo_pg_extension_info#module:extensions) describes it.
    - In check mode, the predicted state. The version is V(none) when it would be enabled.
  returned: success
  type: dict
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
from ansible_collections.community.scalingo.plugins.module_utils._resources.pg_stat_statements import (
    StatStatements as RESOURCE,
)


def argument_spec() -> Spec:
    return COMMON + Spec({"reset": {"type": "bool", "default": False}})


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
