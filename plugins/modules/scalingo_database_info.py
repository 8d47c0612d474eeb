#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_database_info
version_added: 0.1.0
short_description: Get the settings and status of a database
description:
  - Returns everything that the API returns about a database, as a list with one entry.
  - The list is empty when the app has no such addon.
  - Costs one request to the Database API, plus three to the main API with O(network=true).
options:
  network:
    description:
      - Whether to also return the network of the database, with its endpoints and net peerings.
      - Available for databases with dedicated resources only. Others are refused. Needs O(app).
    type: bool
    default: false
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._attributes
  - community.scalingo._attributes.reads
seealso:
  - module: community.scalingo.scalingo_database
  - module: community.scalingo.scalingo_net_peering_info
author:
  - Community Scalingo contributors (@community-scalingo)
"""

EXAMPLES = r"""
- name: Get a database
  community.scalingo.scalingo_database_info:
    app: shop
    addon: postgresql
  register: result

- name: Show the version of the database
  ansible.builtin.debug:
    msg: "{{ result.databases[0].readable_version }}"

- name: Get a database with dedicated resources and its network
  community.scalingo.scalingo_database_info:
    app: shop-database
    addon: postgresql-ng
    network: true
"""

RETURN = r"""
databases:
  description: The database, or an empty list when the app has no such addon.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The internal ID of the database, which backups and maintenance refer to. It is not the ID of the addon.
      type: str
      sample: 5c599fd6f18b3202f7ab4e66
    resource_id:
      description: The resource ID that the dashboard shows. Also the default name inside the database.
      type: str
      sample: shop_4553
    app_name:
      description: The name of the linked app.
      type: str
      sample: shop
    created_at:
      description: When the database was created, in UTC.
      type: str
      sample: '2026-02-05T14:38:14.343000Z'
    encryption_at_rest:
      description: Whether the data is encrypted on disk.
      type: bool
      sample: true
    features:
      description: The features that the platform lists. Disabled features are not listed.
      type: list
      elements: dict
      contains:
        name:
          description: The name of the feature.
          type: str
          sample: force-ssl
        status:
          description:
            - V(ACTIVATED), V(PENDING), V(PENDING_TO_ACTIVATE), V(PENDING_TO_REMOVE) or V(FAILED).
          type: str
          sample: ACTIVATED
    plan:
      description: The name of the plan.
      type: str
      sample: mysql-starter-512
    status:
      description:
        - V(creating), V(running), V(updating), V(upgrading), V(migrating) or V(stopped). The platform may add others.
      type: str
      sample: running
    type_id:
      description: The ID of the database type.
      type: str
      sample: 5bf30d1104c87f000161285a
    type_name:
      description: The name of the database type.
      type: str
      sample: mysql
    version_id:
      description: The ID of the version.
      type: str
      sample: 5bf30d1104c87f000161285b
    readable_version:
      description: The version as C(major.minor.patch-build).
      type: str
      sample: 8.4.6-1
    mongo_repl_set_name:
      description: The name of the replica set, on MongoDB only.
      type: str
      sample: shop_4553-rs0
    hostname:
      description: The host name, with the port. V(none) when the API does not return it.
      type: str
      sample: shop-4553.mysql.b.osc-fr1.scalingo-dbs.com:35123
    instances:
      description: The instances of the database.
      type: list
      elements: dict
      contains:
        id:
          description: The ID of the instance.
          type: str
          sample: a7ecbaf9-7f3c-4324-bf35-975f546718c2
        hostname:
          description: The host name of the instance.
          type: str
          sample: a7ecbaf9-7f3c-4324-bf35-975f546718c2.shop-4553.mysql.dbs.scalingo.com
        port:
          description: The port of the instance.
          type: int
          sample: 35123
        status:
          description: The status of the instance.
          type: str
          sample: running
        type:
          description:
            - V(db-node), V(utility), or the proxy, which is V(gateway) or V(haproxy).
          type: str
          sample: db-node
        features:
          description: The features of the instance.
          type: list
          elements: str
          sample: []
        private_ip:
          description: The address in the private network, if it exists.
          type: str
          sample: 10.0.0.12
    next_version_id:
      description: The ID of the next version of the upgrade path. V(none) at the latest version.
      type: str
      sample: 5bf30d1104c87f000161285c
    current_operation_id:
      description: The ID of the running operation. V(none) when the database is idle.
      type: str
      sample: 609145e66ffbd934f6745bb4
    cluster:
      description: Whether the plan has several nodes.
      type: bool
      sample: false
    periodic_backups_enabled:
      description: Whether the platform creates a backup every day.
      type: bool
      sample: true
    periodic_backups_scheduled_at:
      description: The hours of the daily backups, in UTC.
      type: list
      elements: int
      sample: [3]
    maintenance_window:
      description: When Scalingo may maintain the database. V(none) when the API does not return it.
      type: dict
      contains:
        weekday_utc:
          description: The day of the week, in UTC. V(0) is Sunday.
          type: int
          sample: 2
        starting_hour_utc:
          description: The hour at which the window opens, in UTC.
          type: int
          sample: 21
        duration_in_hour:
          description: The length of the window in hours. The platform sets it.
          type: int
          sample: 8
network:
  description: The network of a database with dedicated resources. V(none) unless O(network=true).
  returned: success
  type: dict
  contains:
    outscale_account_id:
      description: The account of the database's network, to specify in a net peering.
      type: str
      sample: '210987654321'
    outscale_net_id:
      description: The ID of the database's network.
      type: str
      sample: vpc-1a2b3c4d
    ip_range:
      description: The address range of the database's network.
      type: str
      sample: 10.100.0.0/16
    endpoints:
      description: The endpoints of the database.
      type: list
      elements: dict
      contains:
        id:
          description: The ID of the endpoint.
          type: str
          sample: 9f4c1a52-52c4-4d6d-9f04-0f7cbd3f7f11
        hostname:
          description: The host name.
          type: str
          sample: shop-database.postgresql.a.osc-fr1.scalingo-dbs.com
        port:
          description: The port.
          type: int
          sample: 31376
        type:
          description:
            - V(public-rw) or V(private-peering-rw).
          type: str
          sample: public-rw
    net_peerings:
      description: The net peerings with the network of the database.
      type: list
      elements: dict
      contains:
        id:
          description: The platform's ID of the net peering.
          type: str
          sample: 65f1c0d2a1b2c3d4e5f60718
        database_id:
          description: The ID of the database, which is the ID of its app.
          type: str
          sample: 65f1c0d2a1b2c3d4e5f60719
        status:
          description:
            - V(active) or V(deleted).
          type: str
          sample: active
        outscale_net_peering_id:
          description: The Outscale ID of the net peering.
          type: str
          sample: pcx-12345678
        outscale_source_net_id:
          description: The ID of the other network.
          type: str
          sample: vpc-12345678
        outscale_source_net_ip_range:
          description: The address range of the other network.
          type: str
          sample: 10.20.0.0/16
        outscale_source_account_id:
          description: The account of the other network.
          type: str
          sample: '123456789012'
        created_at:
          description: When it was created, in UTC.
          type: str
          sample: '2026-11-20T00:00:00.000000Z'
        updated_at:
          description: When it was last changed, in UTC.
          type: str
          sample: '2026-11-20T00:00:00.000000Z'
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
from ansible_collections.community.scalingo.plugins.module_utils._resources.database import DatabaseInfo as RESOURCE


def argument_spec() -> Spec:
    return COMMON + Spec({"network": {"type": "bool", "default": False}})


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
