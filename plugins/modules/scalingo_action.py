#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_action
version_added: 0.1.0
short_description: Run a Database API action by name
description:
  - Runs any action of the Database API with the given parameters.
  - Use it for actions that have no module yet. The other modules cover all current actions.
  - Known destructive actions are refused. The error names the module to use instead.
  - Costs one request to the Database API.
options:
  name:
    description: The name of the action, for example V(list-databases).
    type: str
    required: true
  params:
    description:
      - The parameters of the action, as documented by the platform.
      - A dictionary is sent as a JSON object, a string unchanged.
      - Set C(no_log=true) on the task when the parameters contain a secret.
    type: raw
  reads_only:
    description:
      - Whether the action is read-only. A read-only action reports no change and also runs in check mode.
      - Not needed for known read-only actions.
    type: bool
    default: false
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.patience
  - community.scalingo._attributes
  - community.scalingo._attributes.changes
attributes:
  idempotent:
    support: none
    details:
      - Every run runs the action, and reports a change unless the action is read-only.
seealso:
  - module: community.scalingo.scalingo_logical_db
  - module: community.scalingo.scalingo_sql_mode
  - module: community.scalingo.scalingo_retention_policy
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: List the logical databases as the platform returns them
  community.scalingo.scalingo_action:
    app: shop
    addon: mysql
    name: list-databases
  register: answer

- name: Create a logical database with an action
  community.scalingo.scalingo_action:
    app: shop
    addon: mysql
    name: create-database
    params:
      database_name: reports
"""

RETURN = r"""
result:
  description: The response of the platform. V(none) in check mode for an action that is not read-only.
  returned: success
  type: raw
  sample: [{name: shop_4553, protected: true}]
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
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, Spec, waiting
from ansible_collections.community.scalingo.plugins.module_utils._resources.action import Action as RESOURCE


def argument_spec() -> Spec:
    return (
        COMMON
        + waiting(900, wait=False)
        + Spec(
            {
                "name": {"type": "str", "required": True},
                "params": {"type": "raw"},
                "reads_only": {"type": "bool", "default": False},
            },
            never_empty=("params",),
        )
    )


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
