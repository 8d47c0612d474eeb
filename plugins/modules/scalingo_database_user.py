#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_database_user
version_added: 0.1.0
short_description: Manage the users of a database
description:
  - Creates and deletes users of a PostgreSQL, MySQL, MongoDB or InfluxDB addon, and sets their passwords.
  - The API never returns passwords, so the module cannot compare them.
  - O(password) is sent when a user is created, and for an existing user only with O(update_password=always).
  - Without O(password), the platform generates one.
  - A generated password is returned once, by a task with C(no_log=true), or written to O(dest).
  - Other tasks are refused before the user is created.
  - The protected user of the addon is never changed.
  - A change also costs one request per user, and one to verify.
options:
  name:
    description:
      - The name of one user, 6 to 32 characters long. The platform checks further rules of each engine.
      - Exactly one of O(name) and O(users) is required.
    type: str
  password:
    description:
      - The password, 24 to 64 characters long. Quotes, line breaks and invisible characters are not allowed.
      - Without it, the platform generates one for a new user.
    type: str
  read_only:
    description: Whether the user can only read. It is set at creation. A later difference fails the task. New users can write by default.
    type: bool
  users:
    description: A list of users to manage.
    type: list
    elements: dict
    suboptions:
      name:
        description: The name of the user.
        type: str
        required: true
      password:
        description: The password of the user.
        type: str
      read_only:
        description:
          - Whether the user is read-only. By default, new users can write.
          - Set at creation only. The task fails when an existing user differs.
        type: bool
  state:
    description: Whether the users should exist. V(absent) deletes them. Their clients can no longer connect.
    type: str
    choices: [present, absent]
    default: present
  update_password:
    description:
      - V(on_create) sends the password only when a user is created.
      - V(always) sends the password and reports a change in every run.
    type: str
    choices: [on_create, always]
    default: on_create
  reset_password:
    description:
      - Whether the platform generates a new password for an existing user. This happens in every run.
      - Needs O(dest) or C(no_log=true) on the task.
    type: bool
    default: false
  exclusive:
    description:
      - Whether to delete all users that are not in O(users).
      - The protected user of the addon is kept.
      - Deleting any user this way needs O(allow=mass_removal).
    type: bool
    default: false
  allow:
    description:
      - Consequences that you accept. The task refuses all others before it changes anything.
      - V(mass_removal) accepts that O(exclusive=true) deletes users. Their clients can no longer connect.
    type: list
    elements: str
    choices: [mass_removal]
    default: []
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.secret_file
  - community.scalingo._options.patience
  - community.scalingo._attributes
  - community.scalingo._attributes.changes
attributes:
  idempotent:
    support: partial
    details:
      - With O(update_password=always) or O(reset_password=true), every run changes the password.
seealso:
  - module: community.scalingo.scalingo_database_user_info
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Create a user with a password from a vault
  community.scalingo.scalingo_database_user:
    app: shop
    addon: postgresql
    name: reporting
    password: "{{ vault_reporting_password }}"
    read_only: true

- name: Create a user with a generated password
  community.scalingo.scalingo_database_user:
    app: shop
    addon: postgresql
    name: importer
  register: importer
  no_log: true

- name: Create a user and write the generated password to a file
  community.scalingo.scalingo_database_user:
    app: shop
    addon: postgresql
    name: exporter
    dest: "{{ secrets_directory }}/exporter.password"

- name: Delete two users
  community.scalingo.scalingo_database_user:
    app: shop
    addon: postgresql
    users:
      - name: reporting
      - name: importer
    state: absent

- name: Delete all users but these and the protected one
  community.scalingo.scalingo_database_user:
    app: shop
    addon: postgresql
    users:
      - name: reporting
        password: "{{ vault_reporting_password }}"
        read_only: true
    exclusive: true
    allow: [mass_removal]
"""

RETURN = r"""
user:
  description: The user, or V(none) when it is absent. In check mode, the predicted state.
  returned: success, when O(name) is given; on failure too when the platform has made its password
  type: dict
  contains:
    name:
      description: The name of the user.
      type: str
      sample: reporting
    read_only:
      description: Whether the user is read-only.
      type: bool
      sample: true
    protected:
      description: Whether it is the default user of the addon, which cannot be changed.
      type: bool
      sample: false
    password_encryption:
      description: How the server stores the password, V(SCRAM-SHA-256) or V(MD5). For PostgreSQL only.
      type: str
      sample: SCRAM-SHA-256
    password:
      description:
        - The password that the platform generated in this task. V(none) otherwise, in check mode and with O(dest). It cannot be read again.
        - Secret.
      type: str
      sample: VALUE_SPECIFIED_IN_NO_LOG_PARAMETER
users:
  description: All users of the database. In check mode, the predicted state. On failure, the users with a generated password.
  returned: success, when O(users) is given; on failure too when the platform has made a password
  type: list
  elements: dict
  contains:
    name:
      description: The name of the user.
      type: str
      sample: reporting
    read_only:
      description: Whether the user is read-only.
      type: bool
      sample: true
    protected:
      description: Whether it is the default user of the addon, which cannot be changed.
      type: bool
      sample: false
    password_encryption:
      description: How the server stores the password, V(SCRAM-SHA-256) or V(MD5). For PostgreSQL only.
      type: str
      sample: SCRAM-SHA-256
    password:
      description:
        - The password that the platform generated in this task. V(none) otherwise, in check mode and with O(dest). It cannot be read again.
        - Secret.
      type: str
      sample: VALUE_SPECIFIED_IN_NO_LOG_PARAMETER
secret_file:
  description: The file of the generated passwords. V(none) without O(dest), and when no password was generated.
  returned: success; on failure too when the platform has made a password
  type: str
  sample: /srv/secrets/shop.txt
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
from ansible_collections.community.scalingo.plugins.module_utils._options import (
    COMMON,
    SECRET_FILE,
    Spec,
    consent,
    waiting,
)
from ansible_collections.community.scalingo.plugins.module_utils._resources.database_user import (
    DatabaseUsers as RESOURCE,
)


def argument_spec() -> Spec:
    return (
        COMMON
        + SECRET_FILE
        + waiting(900, wait=False)
        + consent("mass_removal")
        + Spec(
            {
                "name": {"type": "str"},
                "password": {"type": "str", "no_log": True},
                "read_only": {"type": "bool"},
                "users": {
                    "type": "list",
                    "elements": "dict",
                    "options": {
                        "name": {"type": "str", "required": True},
                        "password": {"type": "str", "no_log": True},
                        "read_only": {"type": "bool"},
                    },
                },
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
                "update_password": {
                    "type": "str",
                    "choices": ["on_create", "always"],
                    "default": "on_create",
                    "no_log": False,
                },
                "reset_password": {"type": "bool", "default": False, "no_log": False},
                "exclusive": {"type": "bool", "default": False},
            },
            mutually_exclusive=(("name", "users"), ("password", "users"), ("read_only", "users")),
            required_one_of=(("name", "users"),),
            never_empty=("password", "users.password"),
        )
    )


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
