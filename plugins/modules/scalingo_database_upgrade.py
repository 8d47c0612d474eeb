#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_database_upgrade
version_added: 0.1.0
short_description: Upgrade a database to a later version
description:
  - Brings a database to a later version, one step of the platform after the other. There is no way back.
  - The platform has one way, which leads to the latest minor version and then to the next major version. The module computes it before,
    and reads the database once more right before each step. It goes on only while the way stays as it was.
  - A step is done when the database itself shows the new version. An operation that cannot be found any more says nothing.
    An operation that is reported as done while the version stays the same fails the task.
  - By default it stops before the next major version and says so in RV(major_available), which is never a failure.
  - For most engines the first number of the version is the major version. For MySQL and MongoDB these are the first two, so that
    the step from 8.0 to 8.4 needs O(allow=major).
  - The database is down for a while, unless its plan has several nodes and the step is a minor one. The app is restarted.
    Make a backup before, with M(community.scalingo.scalingo_backup).
  - A task that changes nothing costs one request to the Database API when the database is at the latest version, and one more for each version
    ahead that it has to look at,
    which with the default is one. A step costs two requests, one for each look at the operation, and one for the database at the end.
    Without a cache there come up to three requests before, for the bearer token, for the addon (unless O(addon) is an ID)
    and for the addon's token.
options:
  to:
    description:
      - Which version to go to.
      - V(latest_minor) is the latest one of the same major version.
      - V(next) takes one step, whatever it is. It is the step that is next when the task begins. When another run takes it meanwhile,
        the task takes no second one.
      - V(latest) goes all the way.
      - Or a version that is ahead, such as V('16') or V('16.10.0-1'). With fewer numbers the latest one that begins with them is meant.
        Put it in quotes, as YAML makes V(16.1) of V(16.10). A version that is not ahead, and is not the current one, fails the task.
    type: str
    default: latest_minor
  allow:
    description:
      - The consequences that you agree to. A change with a consequence that is not listed is refused before anything is changed.
      - V(major) is for another major version.
    type: list
    elements: str
    choices: [major]
    default: []
  wait:
    description:
      - Whether to wait until the platform has finished.
      - When V(false), the task starts the first step only, and returns as soon as it is accepted.
    type: bool
    default: true
  wait_timeout:
    description:
      - How long to wait for each step, and for the end of another operation, in seconds.
      - When it ends, the task fails with the last status. The upgrade goes on at the platform.
    type: float
    default: 7200
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.patience
  - community.scalingo._attributes
  - community.scalingo._attributes.changes
attributes:
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second run reports no change.
    support: partial
    details:
      - With O(to=next) every run takes one more step, as long as there is one.
seealso:
  - module: community.scalingo.scalingo_version_info
  - module: community.scalingo.scalingo_backup
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Bring a database to the latest minor version
  community.scalingo.scalingo_database_upgrade:
    app: shop
    addon: postgresql
  register: upgrade

- name: Say that a major version is waiting
  ansible.builtin.debug:
    msg: "{{ upgrade.next_version }} is waiting"
  when: upgrade.major_available

- name: Go to the next major version, which needs the consent of the task
  community.scalingo.scalingo_database_upgrade:
    app: shop
    addon: postgresql
    to: '17'
    allow: [major]
"""

RETURN = r"""
path:
  description: The versions that the task went to, or would go to, in order. Empty when nothing changes.
  returned: success
  type: list
  elements: dict
  contains:
    version_id:
      description: The ID of the version.
      type: str
      sample: 6051fe19406c31aaafd31a05
    version:
      description: The version as C(major.minor.patch-build).
      type: str
      sample: 16.10.0-1
    crosses_major:
      description: Whether it is of another major version than the one before it.
      type: bool
      sample: false
    warning_message:
      description: What the platform warns of, mostly known only when the step has begun. It is a warning of the task too.
      type: str
      sample: This version removes the old authentication
next_version:
  description: The version that comes after the one that is reached. None when there is none.
  returned: success
  type: str
  sample: 17.6.0-1
major_available:
  description: Whether RV(next_version) is of another major version.
  returned: success
  type: bool
  sample: true
# BEGIN _returns.database, _returns.operation, _returns.steps, _returns: written by make lists
database:
  description:
    - The database after the task, as RV(community.scalingo.scalingo_database_info#module:databases) describes it.
    - In check mode, the predicted state.
  returned: success
  type: dict
operation:
  description:
    - The operation as last polled, as RV(community.scalingo.scalingo_operation_info#module:operations) describes it.
    - V(none) in check mode, and when the task started nothing that the platform shows as an operation.
  returned: success
  type: dict
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
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, Spec, consent, waiting
from ansible_collections.community.scalingo.plugins.module_utils._resources.upgrade import Upgrade as RESOURCE


def argument_spec() -> Spec:
    return COMMON + waiting(7200) + consent("major") + Spec({"to": {"type": "str", "default": "latest_minor"}})


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
