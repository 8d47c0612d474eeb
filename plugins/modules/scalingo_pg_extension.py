#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_pg_extension
version_added: 0.1.0
short_description: Manage the extensions of a PostgreSQL database
description:
  - Installs, updates and removes extensions of a PostgreSQL database.
  - The API lists extensions but cannot change them. A run without changes opens no database connection.
  - To change extensions, the module runs SQL as the default user, and verifies the result through the API.
  - C(pg_stat_statements) is enabled through the API. Updating or removing it needs SQL.
  - All extensions are changed in one transaction. C(pg_stat_statements) is enabled afterwards.
  - The platform decides which extensions are allowed. The error contains the server's message.
  - Only Scalingo support can install C(anon).
  - Check mode queries the server with O(state=latest) only. Otherwise, it assumes that extensions are available.
  - A change by SQL costs three requests in total.
  - It costs one more for each of O(connection_url), O(ca_cert) and O(ssh_host) that is needed but not set.
  - It costs one more per poll until the API returns the change.
  - Enabling C(pg_stat_statements) costs three in total.
  - With O(state=latest), a run without changes costs one less than a change.
options:
  name:
    description:
      - The name of one extension, such as V(pg_trgm), V(uuid-ossp) or V(vector).
      - Exactly one of O(name) and O(names) is required.
      - Common wrong names, such as C(pgvector) for V(vector), are refused. The error names the correct one.
    type: str
  names:
    description: The names of several extensions. List dependencies first, unless O(cascade=true).
    type: list
    elements: str
  state:
    description:
      - V(present) installs missing extensions. Existing ones keep their version, unless O(version) is set.
      - V(absent) removes them. Naming them in the task is the consent. C(plpgsql) is never removed.
      - V(latest) installs missing extensions and updates the others to the server's version.
      - V(latest) always connects to the database, also in check mode.
    type: str
    choices: [present, absent, latest]
    default: present
  version:
    description:
      - The version to install or change to. By default, the server chooses the version of a new extension.
      - Requires O(name).
    type: str
  schema:
    description:
      - The schema to install the extension in. It must exist. Installed extensions are not moved to it.
      - Requires O(name). Not available for C(pg_stat_statements).
    type: str
  cascade:
    description:
      - With O(state=present) or O(state=latest), also install dependencies.
      - With O(state=absent), also remove dependent objects. These can include columns and tables with their data.
      - RV(notes) lists the removed objects.
    type: bool
    default: false
  connection_url:
    description:
      - The URL of the database, V(postgresql://user:password@host:port/database). Percent-encode reserved characters.
      - TLS follows O(ssl_mode), whatever the URL says.
      - The default is the app's environment variable whose host and port match the database, usually C(SCALINGO_POSTGRESQL_URL).
      - Variables set by the platform take precedence. The URL of another database is never used.
      - A loopback address is treated as your own tunnel. The certificate must still match the database's host name.
      - Required with O(addon_token), which cannot read the app's environment variables.
      - It contains a password. Ansible hides it, but C(ansible -a) exposes it in the shell history and the process list.
    type: str
  via:
    description:
      - How to reach the database. V(direct) connects to its host and port.
      - V(ssh) uses the platform's SSH server and the local OpenSSH client. It needs a key of the Scalingo account.
      - The tunnel closes with the connection. It is not available for databases with dedicated resources.
      - V(auto) means V(direct) if C(publicly-available) is enabled, for databases with dedicated resources, and if O(connection_url) has
        another host or port.
      - In all other cases, V(auto) means V(ssh).
    type: str
    choices: [auto, direct, ssh]
    default: auto
  ssl_mode:
    description:
      - How the TLS certificate is verified. V(verify-full) requires a trusted certificate that matches the database's host name.
      - V(verify-ca) accepts a trusted certificate for any host name. V(require) accepts any certificate.
      - V(disable) is accepted for loopback addresses only, as credentials would be sent in clear text.
    type: str
    choices: [verify-full, verify-ca, require, disable]
    default: verify-full
  ca_cert:
    description:
      - A file with trusted root certificates.
      - The default is the platform's root certificate, taken from the Database API.
    type: path
  sql_timeout:
    description: How long an SQL statement may take, including waiting for locks, in seconds.
    type: float
    default: 300
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.patience
  - community.scalingo._options.ssh
  - community.scalingo._attributes
  - community.scalingo._attributes.changes
requirements:
  - psycopg >= 3.1, when something is changed by SQL
  - the OpenSSH client, when the way is C(ssh)
notes:
  - Check mode sends no writes. It does not detect changes that the server would refuse.
  - In check mode and without O(version), the version of a new extension is V(none).
attributes:
  idempotent:
    support: full
seealso:
  - module: community.scalingo.scalingo_pg_extension_info
  - module: community.scalingo.scalingo_pg_stat_statements
  - module: community.postgresql.postgresql_ext
  - name: Extensions of PostgreSQL on Scalingo
    description: Which extensions the platform allows.
    link: https://doc.scalingo.com/databases/postgresql/extensions/managing-extensions
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Install an extension through SSH
  community.scalingo.scalingo_pg_extension:
    app: shop
    addon: postgresql
    name: pg_trgm
    via: ssh
    ssh_key_file: "{{ scalingo_ssh_key_file }}"
    ssh_known_hosts: "{{ scalingo_ssh_known_hosts }}"

- name: Install several extensions and their dependencies on a publicly available database
  community.scalingo.scalingo_pg_extension:
    app: shop
    addon: postgresql
    names: [hstore, unaccent, earthdistance]
    cascade: true

- name: Update an extension to the server's version
  community.scalingo.scalingo_pg_extension:
    app: shop
    addon: postgresql
    name: vector
    state: latest

- name: Remove an extension
  community.scalingo.scalingo_pg_extension:
    app: shop
    addon: postgresql
    name: hstore
    state: absent
"""

RETURN = r"""
extension:
  description:
    - The extension, as RV(community.scalingo.scalingo_pg_extension_info#module:extensions) describes it, or V(none) when it is absent.
    - In check mode, the predicted state. The version is V(none) when it is installed without O(version).
  returned: success, when O(name) is given
  type: dict
extensions:
  description:
    - All extensions of the database, as RV(community.scalingo.scalingo_pg_extension_info#module:extensions) describes them. In check mode, the predicted
      state.
  returned: success, when O(names) is given
  type: list
  elements: dict
previous_version:
  description: The version before the task, or V(none) when the extension was absent.
  returned: success, when O(name) is given
  type: str
  sample: '1.5'
previous_versions:
  description: The version of each extension before the task, by name. V(none) for an absent extension.
  returned: success, when O(names) is given
  type: dict
  sample: {pg_trgm: '1.6', hstore: null}
queries:
  description:
    - The executed SQL, in order. In check mode, the SQL that would be executed. Empty when none is needed.
  returned: success
  type: list
  elements: str
  sample: ['CREATE EXTENSION IF NOT EXISTS "pg_trgm"']
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
from ansible_collections.community.scalingo.plugins.module_utils._resources._access import GATEWAY
from ansible_collections.community.scalingo.plugins.module_utils._resources.pg_extension import Extensions as RESOURCE


def argument_spec() -> Spec:
    return (
        COMMON
        + waiting(900, wait=False)
        + GATEWAY
        + Spec(
            {
                "name": {"type": "str"},
                "names": {"type": "list", "elements": "str"},
                "state": {"type": "str", "choices": ["present", "absent", "latest"], "default": "present"},
                "version": {"type": "str"},
                "schema": {"type": "str"},
                "cascade": {"type": "bool", "default": False},
                "connection_url": {"type": "str", "no_log": True},
                "via": {"type": "str", "choices": ["auto", "direct", "ssh"], "default": "auto"},
                "ssl_mode": {
                    "type": "str",
                    "choices": ["verify-full", "verify-ca", "require", "disable"],
                    "default": "verify-full",
                },
                "ca_cert": {"type": "path"},
                "sql_timeout": {"type": "float", "default": 300.0},
            },
            mutually_exclusive=(("name", "names"),),
            required_one_of=(("name", "names"),),
        )
    )


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
