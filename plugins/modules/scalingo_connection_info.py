#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_connection_info
version_added: 0.1.0
short_description: Get how to connect to a database
description:
  - Returns host, port, user, database, TLS and root certificate of a database.
  - Returns the password and the URL with O(secrets=true).
  - Reads them from the variable of the app that holds the host and the port of this database, such as E(SCALINGO_POSTGRESQL_URL).
  - Fails when no variable of the app holds them.
  - Does not connect. A database that is not public is reached from outside through M(community.scalingo.scalingo_tunnel) only.
  - Costs three requests, and one less with O(ca_certificate=false).
options:
  secrets:
    description:
      - Whether to also return the password and the URL.
      - Needs O(dest) or C(no_log=true) on the task. Otherwise the task is refused before any request.
    type: bool
    default: false
  ca_certificate:
    description: Whether to return the root certificate. It is the same for all databases of a region.
    type: bool
    default: true
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._options.secret_file
  - community.scalingo._attributes
  - community.scalingo._attributes.reads
seealso:
  - ref: ansible_collections.community.scalingo.docsite.connect
    description: A guide to connections, tunnels and the collections of the engines.
  - module: community.scalingo.scalingo_addon
  - module: community.scalingo.scalingo_database_user
  - module: community.scalingo.scalingo_tunnel
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Get where the database is
  community.scalingo.scalingo_connection_info:
    app: shop
    addon: postgresql
  register: shop

- name: Get the password as well
  community.scalingo.scalingo_connection_info:
    app: shop
    addon: postgresql
    secrets: true
  register: shop
  no_log: true

- name: Write the connection URL to a file
  community.scalingo.scalingo_connection_info:
    app: shop
    addon: postgresql
    secrets: true
    dest: "{{ secrets_directory }}/shop.url"
    overwrite: true
"""

RETURN = r"""
# BEGIN _returns.connection, _returns.secret_file, _returns: written by make lists
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
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, SECRET_FILE, Spec
from ansible_collections.community.scalingo.plugins.module_utils._resources.connection import (
    CA_CERTIFICATE,
    SECRETS_OPTION,
)
from ansible_collections.community.scalingo.plugins.module_utils._resources.connection import ConnectionInfo as RESOURCE


def argument_spec() -> Spec:
    return COMMON + SECRET_FILE + SECRETS_OPTION + CA_CERTIFICATE


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
