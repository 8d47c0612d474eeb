# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.
# Fragments of RETURN need ansible-core 2.20. Until that is the oldest one supported, `make lists` copies them into the modules.

from __future__ import annotations


class ModuleDocFragment:
    # What every module returns
    RETURN = r"""
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
"""

    # What a module returns that changes something
    STEPS = r"""
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
"""

    DATABASE = r"""
database:
  description:
    - The database after the task, as RV(community.scalingo.scalingo_database_info#module:databases) describes it.
    - In check mode, the predicted state.
  returned: success
  type: dict
"""

    OPERATION = r"""
operation:
  description:
    - The operation as last polled, as RV(community.scalingo.scalingo_operation_info#module:operations) describes it.
    - V(none) in check mode, and when the task started no operation.
  returned: success
  type: dict
"""

    SECRET_FILE = r"""
secret_file:
  description: The file that the secret was written to. V(none) without O(dest).
  returned: success
  type: str
  sample: /srv/secrets/shop.txt
"""

    # How to connect to a database
    CONNECTION = r"""
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
"""
