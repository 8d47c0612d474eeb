#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_pg_extension
version_added: 0.1.0
short_description: Manage extensions of PostgreSQL
description:
  - Installs, updates and removes extensions of a PostgreSQL database.
  - The API of the platform lists extensions and changes none. So this module asks the API first. A task that finds everything as it is
    to be sends no SQL and opens no connection to the database. Otherwise it connects to the database as its default user, changes
    the extensions by SQL, and lets the API confirm that.
  - C(pg_stat_statements) is the exception. The API enables it, so that needs no SQL. Updating and removing it does.
  - Several extensions are changed in one transaction, so all of them or none. C(pg_stat_statements) is enabled after it.
  - Which extensions can be installed is for the platform to say. It has a list of those that it allows, and only its support installs C(anon).
    The refusal of the server is reported as it is. Check mode asks the server with O(state=latest) only, and otherwise takes every name for one
    that it has.
  - A task that changes nothing costs one request to the Database API. A task that changes something by SQL costs three, with one more
    for the variables of the app (unless O(connection_url) is given), one for the certificate of the authority (unless O(ca_cert) is given or
    O(ssl_mode) does not need it) and one for the address of the SSH server (when the way is C(ssh) and O(ssh_host) is not given). It costs more
    when the API takes a while to show the change. Enabling C(pg_stat_statements) costs three.
    With O(state=latest) an unchanged task costs as much as a changed one, less one.
    Without a cache there come up to three requests before, for the bearer token, for the addon (unless O(addon) is an ID) and for
    the addon's token.
options:
  name:
    description:
      - The name of one extension, such as V(pg_trgm), V(uuid-ossp) or V(vector). Exactly one of O(name) and O(names) is needed.
      - Names that are mistaken often, such as C(pgvector) for V(vector), are refused with the right one.
    type: str
  names:
    description: The names of several extensions. One that needs another comes after it, unless O(cascade=true).
    type: list
    elements: str
  state:
    description:
      - V(present) installs what is missing. What is there is left at its version, unless O(version) is given.
      - V(absent) removes. The literal names in the task are the consent to that. C(plpgsql) is never removed.
      - V(latest) installs what is missing, and updates the others to the version that the server has. What that is can be
        asked by SQL only, so this always connects to the database, in check mode too.
    type: str
    choices: [present, absent, latest]
    default: present
  version:
    description:
      - The version to install, or to change to. If not given, the server decides at installation, and it is left as it is afterwards.
      - For a single extension only.
    type: str
  schema:
    description:
      - The schema to install the extension in. It must exist. Used at installation only. An extension that is there is not moved.
      - For a single extension only, and not for C(pg_stat_statements).
    type: str
  cascade:
    description:
      - With O(state=present) and O(state=latest), install the extensions that are needed, too.
      - With O(state=absent), remove what depends on the extension, too. These can be columns and tables with all their data.
        What the server has removed is named in RV(notes).
    type: bool
    default: false
  connection_url:
    description:
      - How to connect to the database, as V(postgresql://user:password@host:port/database). Signs with a meaning in a URL are percent-encoded.
        TLS is as O(ssl_mode) says, whatever the URL says.
      - If not given, it is the value of the app's variable whose host and port are those of the database, usually C(SCALINGO_POSTGRESQL_URL). Of several
        variables those of the platform come first. A URL of another database is never used.
      - A URL with the address of this very machine is the end of a tunnel that you have made yourself. The certificate must still be for
        the database's own host name.
      - Needed with O(addon_token), which does not show the variables of the app.
      - It holds a password. Ansible shows it nowhere, but on a command line (C(ansible -a)) the shell's history and the list of processes do.
    type: str
  via:
    description:
      - The way to the database. V(direct) connects to its host and port.
      - V(ssh) uses the platform's own tunnel with the OpenSSH client of this machine, which needs a key of the Scalingo account. It lasts
        as long as the connection to the database. Databases with dedicated resources have no tunnel.
      - V(auto) is V(direct) when the feature C(publicly-available) is active, for databases with dedicated resources, and for a O(connection_url)
        with another host or port than the platform shows. Otherwise it is V(ssh).
    type: str
    choices: [auto, direct, ssh]
    default: auto
  ssl_mode:
    description:
      - What is asked of TLS, on every way. V(verify-full) accepts a certificate of the authority for the host name of the database only.
        V(verify-ca) accepts one for any name, V(require) accepts any certificate.
      - V(disable) is accepted for this very machine only, as credentials would cross the network in clear.
    type: str
    choices: [verify-full, verify-ca, require, disable]
    default: verify-full
  ca_cert:
    description:
      - A file with the certificates of the authorities to trust.
      - If not given, the certificate of the platform's authority is taken from the Database API.
    type: path
  ssh_host:
    description: The SSH server, with its port unless that is 22. If not given, it is the one of the region.
    type: str
  ssh_user:
    description: The user of the SSH server.
    type: str
    default: git
  ssh_key_file:
    description:
      - A private key without a passphrase, whose public key is known to the Scalingo account.
      - If not given, OpenSSH takes the keys of the agent and the user's own ones. No configuration of OpenSSH is read.
    type: path
  ssh_known_hosts:
    description:
      - A file with the public keys of SSH servers. The host key is always verified, and a server that is not listed is refused.
        Scalingo publishes the fingerprints of its servers with the documentation of its regions.
      - If not given, the user's and the machine's own files are used.
    type: path
  connect_timeout:
    description: How long connecting may take, by SSH and to the database together, in seconds.
    type: float
    default: 15
  sql_timeout:
    description: How long one SQL statement may take before the server gives it up, waiting for locks included, in seconds.
    type: float
    default: 300
  wait_timeout:
    description: How long to wait for the end of another operation on the database, in seconds.
    type: float
    default: 900
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.patience
  - community.scalingo._attributes
  - community.scalingo._attributes.changes
requirements:
  - psycopg 3.1 or later, when something is changed by SQL
  - the OpenSSH client, when the way is C(ssh)
notes:
  - In check mode nothing is sent that could change something. Whether the server accepts a change is known afterwards only, and so is the
    version of an extension that is to be installed without O(version), which is none in check mode.
attributes:
  idempotent:
    description: When run twice in a row outside check mode, with the same arguments, the second run reports no change.
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
- name: Install an extension through the tunnel of the platform
  community.scalingo.scalingo_pg_extension:
    app: shop
    addon: postgresql
    name: pg_trgm
    via: ssh
    ssh_key_file: "{{ scalingo_ssh_key_file }}"
    ssh_known_hosts: "{{ scalingo_ssh_known_hosts }}"

- name: Install several, with what they need, on a database that is publicly available
  community.scalingo.scalingo_pg_extension:
    app: shop
    addon: postgresql
    names: [hstore, unaccent, earthdistance]
    cascade: true

- name: Have the newest version of an extension that the server has
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
  description: The version before the task, or none when the extension was absent.
  returned: success, when O(name) is given
  type: str
  sample: '1.5'
previous_versions:
  description: The version of each named extension before the task, or none for one that was absent, by name.
  returned: success, when O(names) is given
  type: dict
  sample: {pg_trgm: '1.6', hstore: null}
queries:
  description:
    - The SQL that was executed, or would be in check mode, in order. Empty when none is needed.
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
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, Spec, waiting
from ansible_collections.community.scalingo.plugins.module_utils._resources.pg_extension import Extensions as RESOURCE


def argument_spec() -> Spec:
    return (
        COMMON
        + waiting(900, wait=False)
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
                "ssh_host": {"type": "str"},
                "ssh_user": {"type": "str", "default": "git"},
                "ssh_key_file": {"type": "path", "no_log": False},
                "ssh_known_hosts": {"type": "path"},
                "connect_timeout": {"type": "float", "default": 15.0},
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
