#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_addon
version_added: 0.1.0
short_description: Provision, resize and destroy a database addon
description:
  - Provisions, resizes or destroys a database addon of an app.
  - Provisions an addon only when O(plan) is set and the app has none matching O(addon).
  - Waits until the addon and its database are ready.
  - A database with dedicated resources (O(addon=postgresql-ng)) is an app of its own, named by O(app).
  - Provisioning such a database creates its app. Destroying the database also destroys the app.
  - Use M(community.scalingo.scalingo_database) to manage settings and features.
  - A run without changes costs one request to the main API, plus one to the Database API with O(version).
  - A change also costs one request for the plan, one for the change, and two per poll.
  - Lists the addons again right before provisioning, to avoid duplicates from parallel tasks.
options:
  state:
    description:
      - Whether the addon should exist.
      - V(absent) destroys the addon and all its data. It needs O(confirm).
    type: str
    choices: [present, absent]
    default: present
  plan:
    description:
      - The name or the ID of the plan, such as V(postgresql-starter-512).
      - Without it, no addon is provisioned and an existing addon keeps its plan.
      - A change of plan needs O(allow=plan_change).
      - The size of dedicated resources only grows. Their class changes both ways.
    type: str
  version:
    description:
      - The database version to provision, such as V('16') or V('16.10.0-1'). By default, the platform chooses.
      - Quote the value, as YAML reads V(16.10) as V(16.1).
      - Applies to provisioning only. The task fails when an existing addon has another version.
      - Only the given components are compared, so V('16') matches any version 16.
      - To upgrade, use M(community.scalingo.scalingo_database_upgrade).
    type: str
  resume:
    description:
      - Whether to resume a suspended addon, for example after a trial. The database of a suspended addon is stopped.
      - Billing resumes as well, so O(state=present) alone never resumes an addon.
    type: bool
    default: false
  allow:
    description:
      - Consequences that you accept. The task refuses all others before it changes anything.
      - V(plan_change) accepts a new price, a restart of the app, and possible downtime.
    type: list
    elements: str
    choices: [plan_change]
    default: []
  connection:
    description:
      - Whether to also return how to connect to the database, as M(community.scalingo.scalingo_connection_info) does.
      - Costs three more requests. After provisioning, waits until the app has the variable with the URL.
      - Returns V(none) while the addon is not running, and in check mode before it exists.
    type: bool
    default: false
  secrets:
    description:
      - Whether O(connection) includes the password and the URL.
      - Needs O(dest) or C(no_log=true) on the task. Otherwise the task is refused before any request.
    type: bool
    default: false
  confirm:
    description: The resource ID of the addon to destroy, such as V(shop_4553). Destroyed data cannot be restored.
    type: str
  wait_timeout:
    default: 2400
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.account
  - community.scalingo._options.wait
  - community.scalingo._options.patience
  - community.scalingo._options.secret_file
  - community.scalingo._attributes
  - community.scalingo._attributes.changes
attributes:
  idempotent:
    support: full
seealso:
  - module: community.scalingo.scalingo_addon_info
  - module: community.scalingo.scalingo_connection_info
  - module: community.scalingo.scalingo_database
  - module: community.scalingo.scalingo_database_upgrade
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Provision a PostgreSQL addon
  community.scalingo.scalingo_addon:
    app: shop
    addon: postgresql
    plan: postgresql-starter-512
    version: '17'

- name: Provision a MySQL addon and return how to connect
  community.scalingo.scalingo_addon:
    app: shop
    addon: mysql
    plan: mysql-starter-512
    connection: true
    secrets: true
  register: mysql
  no_log: true

- name: Change to a larger plan
  community.scalingo.scalingo_addon:
    app: shop
    addon: postgresql
    plan: postgresql-starter-1024
    allow: [plan_change]

- name: Provision an Elasticsearch addon
  community.scalingo.scalingo_addon:
    app: shop
    addon: elasticsearch
    plan: elasticsearch-starter-512
  register: search

- name: Enable TLS, except in check mode before the addon exists
  community.scalingo.scalingo_database:
    app: shop
    addon: elasticsearch
    features:
      force-ssl: true
  when: not ansible_check_mode or search.addon.id is not none

- name: Resume the addon after a suspension
  community.scalingo.scalingo_addon:
    app: shop
    addon: postgresql
    resume: true

- name: Destroy the addon
  community.scalingo.scalingo_addon:
    app: shop
    addon: postgresql
    state: absent
    confirm: shop_4553
"""

RETURN = r"""
addon:
  description:
    - The addon, as RV(community.scalingo.scalingo_addon_info#module:addons) describes it, but for the app, the region and C(is_database).
    - V(none) when the addon is absent.
    - In check mode, the predicted state. Values that only the platform knows are V(none), such as the ID of a new addon.
  returned: success
  type: dict
# BEGIN _returns.connection, _returns.secret_file, _returns.steps, _returns: written by make lists
connection:
  description: How to connect to the database.
  returned: success
  type: dict
  contains:
    host:
      description: The host name. It is in the certificate of the database as well.
      type: str
      sample: shop-4553.postgresql.a.osc-fr1.scalingo-dbs.com
    port:
      description: The port.
      type: int
      sample: 31000
    user:
      description: The user. V(none) when the URL has none.
      type: str
      sample: shop_4553
    password:
      description: The password. V(none) unless O(secrets=true), and with O(dest). Secret.
      type: str
      sample: VALUE_SPECIFIED_IN_NO_LOG_PARAMETER
    database:
      description: The name of the database. V(none) when the URL has none.
      type: str
      sample: shop_4553
    url:
      description: The URL as the app reads it. V(none) unless O(secrets=true), and with O(dest). Secret.
      type: str
      sample: VALUE_SPECIFIED_IN_NO_LOG_PARAMETER
    parameters:
      description: The parameters of the URL.
      type: dict
      sample: {sslmode: prefer}
    tls:
      description:
        - V(required) when the database or the URL demands TLS.
        - V(preferred) when the URL says so.
        - V(off) when neither asks for TLS.
      type: str
      sample: preferred
    public:
      description:
        - Whether the database can be reached from the Internet.
        - A database with dedicated resources can, from the ranges of its firewall.
      type: bool
      sample: false
    ca_certificate:
      description: The root certificate, as PEM. V(none) when it was not asked for.
      type: str
      sample: "-----BEGIN CERTIFICATE-----\nMIIB"
    variable:
      description: The variable of the app that holds the URL.
      type: str
      sample: SCALINGO_POSTGRESQL_URL
    aliases:
      description: Other variables of the app that point to it.
      type: list
      elements: str
      sample: [DATABASE_URL]
secret_file:
  description: The file that the secret was written to. V(none) without O(dest).
  returned: success
  type: str
  sample: /srv/secrets/shop.txt
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
    CONFIRM,
    SECRET_FILE,
    Spec,
    consent,
    waiting,
)
from ansible_collections.community.scalingo.plugins.module_utils._resources.addon import Addon as RESOURCE
from ansible_collections.community.scalingo.plugins.module_utils._resources.connection import SECRETS_OPTION


def argument_spec() -> Spec:
    return (
        COMMON
        + waiting(2400)
        + consent("plan_change")
        + CONFIRM
        + SECRET_FILE
        + SECRETS_OPTION
        + Spec(
            {
                "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
                "plan": {"type": "str"},
                "version": {"type": "str"},
                "resume": {"type": "bool", "default": False},
                "connection": {"type": "bool", "default": False},
            }
        )
    )


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
