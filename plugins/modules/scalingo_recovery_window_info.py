#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_recovery_window_info
version_added: 0.1.0
short_description: Get the point-in-time recovery window of a PostgreSQL database
description:
  - Returns the earliest and latest point in time to which a PostgreSQL database can be restored.
  - The list is empty before the first base backup exists, and right after a major upgrade.
  - Other engines have no recovery window. For them, the task fails.
  - Costs one request to the Database API.
options: {}
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._attributes
  - community.scalingo._attributes.reads
seealso:
  - module: community.scalingo.scalingo_database_restore
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Get the recovery window
  community.scalingo.scalingo_recovery_window_info:
    app: shop
    addon: postgresql
  register: result

- name: Fail when no recovery window exists
  ansible.builtin.assert:
    that: result.recovery_windows | length == 1
"""

RETURN = r"""
recovery_windows:
  description: The recovery window, or an empty list.
  returned: success
  type: list
  elements: dict
  contains:
    earliest_recoverable_at:
      description: The earliest point in time that can be restored, in UTC.
      type: str
      sample: '2026-11-14T02:00:00.000000Z'
    latest_recoverable_at:
      description:
        - The latest point in time that can be restored, in UTC.
        - It may be days ago on a database that looks healthy, when its archiving has stopped.
      type: str
      sample: '2026-11-21T11:55:00.000000Z'
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
from ansible_collections.community.scalingo.plugins.module_utils._resources.restore import (
    RecoveryWindowInfo as RESOURCE,
)


def argument_spec() -> Spec:
    return COMMON


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
