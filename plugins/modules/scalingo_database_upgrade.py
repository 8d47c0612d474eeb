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
  - Upgrades a database step by step along the platform's upgrade path. Downgrades are not possible.
  - The path leads to the latest minor version first, then to the next major version.
  - The module reads the path first and again before each step. It stops if the path has changed.
  - A step is complete when the database reports the new version, whether or not its operation is still listed.
  - The task fails when the operation is done but the version is unchanged.
  - By default, the task stops before the next major version and returns it in RV(major_available).
  - The task does not fail then.
  - The first number of a version is its major version. For MySQL and MongoDB, the first two numbers are.
  - An upgrade causes downtime, except minor upgrades on plans with several nodes.
  - The app is restarted.
  - Create a backup first, with M(community.scalingo.scalingo_backup).
  - Each later version that the module reads costs one more request, usually one in total.
  - A step costs two requests, one per poll, and one to read the database at the end.
options:
  to:
    description:
      - The version to upgrade to.
      - V(latest_minor) is the latest minor version of the current major version.
      - V(next) is the next step, minor or major. If another run takes it first, the task changes nothing.
      - V(latest) is the last version on the upgrade path.
      - A later version, such as V('16') or V('16.10.0-1'), is also accepted. A partial version means its latest match.
      - Quote the version, as YAML reads V(16.10) as V(16.1).
      - The task fails when the version is neither current nor on the upgrade path.
    type: str
    default: latest_minor
  allow:
    description:
      - Consequences that you accept. The task refuses all others before it changes anything.
      - V(major) accepts an upgrade to another major version.
    type: list
    elements: str
    choices: [major]
    default: []
  wait:
    description:
      - Whether to wait until the upgrade is complete.
      - With V(false), the task starts only the first step and returns once the platform accepts it.
    type: bool
    default: true
  wait_timeout:
    description:
      - How long to wait for a running operation on the database, and then for each step, in seconds.
      - On timeout, the task fails with the last status. The upgrade continues on the platform.
    type: float
    default: 7200
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.patience
  - community.scalingo._attributes
  - community.scalingo._attributes.changes
attributes:
  idempotent:
    support: partial
    details:
      - With O(to=next), every run takes one more step, as long as there is one.
seealso:
  - module: community.scalingo.scalingo_version_info
  - module: community.scalingo.scalingo_backup
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Upgrade a database to the latest minor version
  community.scalingo.scalingo_database_upgrade:
    app: shop
    addon: postgresql
  register: upgrade

- name: Show the available major version
  ansible.builtin.debug:
    msg: "{{ upgrade.next_version }} is waiting"
  when: upgrade.major_available

- name: Upgrade to the next major version, with the consent
  community.scalingo.scalingo_database_upgrade:
    app: shop
    addon: postgresql
    to: '17'
    allow: [major]
"""

RETURN = r"""
path:
  description: The versions that the task upgraded to, or would upgrade to, in order. Empty when nothing changes.
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
      description: Whether the step changes the major version.
      type: bool
      sample: false
    warning_message:
      description: The warning of the platform, usually known only after the start of the step. It is also a warning of the task.
      type: str
      sample: This version removes the old authentication
next_version:
  description: The version after the reached one. V(none) when it does not exist.
  returned: success
  type: str
  sample: 17.6.0-1
major_available:
  description: Whether RV(next_version) has another major version.
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
    - V(none) in check mode, and when the task started no operation.
  returned: success
  type: dict
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
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, Spec, consent, waiting
from ansible_collections.community.scalingo.plugins.module_utils._resources.upgrade import Upgrade as RESOURCE


def argument_spec() -> Spec:
    return COMMON + waiting(7200) + consent("major") + Spec({"to": {"type": "str", "default": "latest_minor"}})


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
