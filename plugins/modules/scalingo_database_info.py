#!/usr/bin/python

# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: scalingo_database_info
version_added: 0.1.0
short_description: Get the settings and status of databases
description:
  - Returns everything that the API returns about a database, as a list with one entry.
  - The list is empty when the app has no such addon.
  - With O(apps), O(regions), O(engines) or O(databases), it returns many databases in one task, several at a time. This is much faster than a
    loop.
  - A database, app or region that cannot be read is listed in RV(failures), and the others are returned. The task fails only when nothing could
    be read. No match is an empty list.
  - If the API of a region does not answer for two databases, or refuses the token, the other databases of the region are not tried.
  - Costs one request to the Database API, plus three to the main API with O(network=true).
  - Many databases cost one for each database, plus one for its token once an hour, plus one per app, and one per region if O(apps) is not set or
    holds a pattern. Each of O(readings) adds to that.
options:
  network:
    description:
      - Whether to also return the network of the database, with its endpoints and net peerings.
      - Available for databases with dedicated resources only. Others are refused. Needs O(app).
    type: bool
    default: false
  apps:
    description:
      - The apps whose databases to read, as names or shell patterns such as V(shop-*). V(*) means all apps, and is the default with O(regions)
        or O(engines).
      - An app that is named without a pattern must exist in one of the regions. Otherwise, it counts as a failure.
      - Mutually exclusive with O(addon) and O(addon_id), and with O(app) unless O(databases) is set.
    type: list
    elements: str
  regions:
    description: The regions to search. The default is O(region).
    type: list
    elements: str
  engines:
    description:
      - The kinds of databases to read, such as V(postgresql) or V(postgresql-ng). The default is every addon in the platform's category of
        databases.
      - A kind that no app has and that the platform does not list is refused.
    type: list
    elements: str
  databases:
    description: The databases to read, in addition to those of O(apps), O(regions) and O(engines).
    type: list
    elements: dict
    suboptions:
      name:
        description: The name to return. It must be unique. The default is C(APP/ADDON).
        type: str
      app:
        description: The app. The default is O(app).
        type: str
      addon:
        description: The addon, as its kind, such as V(postgresql), or its ID.
        type: str
      addon_id:
        description: The ID of the addon. It saves the request that looks up the ID.
        type: str
      region:
        description: The region of the app. The default is O(region).
        type: str
  readings:
    description:
      - What to read besides the settings. Each costs one request per database.
      - V(versions) returns the upgrade path. It costs nothing for a database at the latest version. Otherwise, it costs one request for each later
        version, once for all databases with the same version.
      - V(backups) returns the backups. For databases with dedicated resources, it returns the recovery window.
      - V(maintenance) returns the last 20 maintenance operations.
      - V(metrics) returns the current metrics, and V(disk) the last reading of the disk usage.
      - V(firewall) returns the firewall rules of databases with dedicated resources. It costs nothing for others.
    type: list
    elements: str
    choices: [versions, backups, maintenance, metrics, disk, firewall]
    default: []
extends_documentation_fragment:
  - community.scalingo._options
  - community.scalingo._attributes
  - community.scalingo._attributes.reads
seealso:
  - module: community.scalingo.scalingo_database
  - module: community.scalingo.scalingo_net_peering_info
  - plugin: community.scalingo.scalingo_databases
    plugin_type: inventory
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

- name: Get the PostgreSQL databases of the shop, with their backups and their disk usage
  community.scalingo.scalingo_database_info:
    apps: [shop, shop-*]
    engines: [postgresql, postgresql-ng]
    readings: [backups, disk]
  register: fleet

- name: Show what could not be read
  ansible.builtin.debug:
    msg: "{{ item.name }}: {{ item.msg }}"
  loop: "{{ fleet.failures }}"
  loop_control:
    label: "{{ item.name }}"
"""

RETURN = r"""
databases:
  description:
    - The database, or an empty list when the app has no such addon.
    - Many databases are in the order of O(databases), then by region and name.
  returned: success
  type: list
  elements: dict
  contains:
    name:
      description: The name as set in O(databases), or C(APP/ADDON), with the resource ID or the region where that is not unique.
      returned: when many databases are read
      type: str
      sample: shop/mysql
    app:
      description: The app that the database was found by.
      returned: when many databases are read
      type: str
      sample: shop
    addon:
      description: The kind of the addon.
      returned: when many databases are read
      type: str
      sample: mysql
    addon_id:
      description: The ID of the addon.
      returned: when many databases are read
      type: str
      sample: ad-0f1ab3e1-e97d-4f33-9168-4956379731a4
    region:
      description: The region of the app.
      returned: when many databases are read
      type: str
      sample: osc-fr1
    versions:
      description:
        - The upgrade path, with RV(community.scalingo.scalingo_version_info#module:versions),
          RV(community.scalingo.scalingo_version_info#module:current_version),
          RV(community.scalingo.scalingo_version_info#module:latest_minor), RV(community.scalingo.scalingo_version_info#module:latest) and
          RV(community.scalingo.scalingo_version_info#module:majors).
        - Like each of the following, V(none) if it could not be read. See RV(failures).
      returned: with V(versions) in O(readings)
      type: dict
      sample: {current_version: 8.4.6-1, latest_minor: 8.4.6-1, latest: 8.4.6-1, majors: [], versions: []}
    backups:
      description:
        - The backups, the newest first, as RV(community.scalingo.scalingo_backup_info#module:backups) describes them.
        - V(none) for databases with dedicated resources.
      returned: with V(backups) in O(readings)
      type: list
      elements: dict
      sample: [{id: 5e2f8f0b-3f0f-4a3c-8a72-5d6b3f1f0c5e, status: done, method: periodic, started_at: '2026-11-20T03:00:00.000000Z'}]
    recovery_window:
      description:
        - The recovery window, as RV(community.scalingo.scalingo_recovery_window_info#module:recovery_windows) describes it.
        - V(none) for databases without dedicated resources.
      returned: with V(backups) in O(readings)
      type: dict
      sample: {earliest_recoverable_at: '2026-11-13T03:00:00.000000Z', latest_recoverable_at: '2026-11-20T09:55:00.000000Z'}
    maintenance:
      description: The maintenance, the newest first, as RV(community.scalingo.scalingo_maintenance_info#module:maintenances) describes it.
      returned: with V(maintenance) in O(readings)
      type: list
      elements: dict
      sample: [{id: 5f2d1b7ad7a5b5001f2c5a10, type: cluster_upgrade, status: scheduled}]
    metrics:
      description: The current metrics, as RV(community.scalingo.scalingo_metrics_info#module:metrics) describes them.
      returned: with V(metrics) in O(readings)
      type: dict
      sample: {cpu_usage: 2, database_stats: {current_connections: 11, max_connections: 60}}
    disk:
      description: The last reading of the disk usage. V(none) when the API returns no reading.
      returned: with V(disk) in O(readings)
      type: dict
      sample: {time: '2026-11-20T09:55:00Z', disk_used: 1048576, disk_total: 10485760}
    firewall_rules:
      description:
        - The firewall rules, as RV(community.scalingo.scalingo_firewall_rule_info#module:firewall_rules) describes them.
        - V(none) for databases without dedicated resources.
      returned: with V(firewall) in O(readings)
      type: list
      elements: dict
      sample: [{id: ru-0f1ab3e1, type: custom_range, cidr: 192.0.2.0/24, label: office}]
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
failures:
  description:
    - What could not be read. When the task fails, it is returned as well.
    - An app or a region that could not be read is one entry.
  returned: success, and when none of many databases could be read
  type: list
  elements: dict
  contains:
    name:
      description: The name of the database, of the app and its region, or of the region.
      type: str
      sample: shop/mysql
    app:
      description: The app. V(none) for a region.
      type: str
      sample: shop
    addon:
      description: The addon as set in the task, or its kind. V(none) for an app and for a region.
      type: str
      sample: mysql
    addon_id:
      description: The ID of the addon. V(none) if it is not known.
      type: str
      sample: ad-0f1ab3e1-e97d-4f33-9168-4956379731a4
    region:
      description: The region. V(none) for an app that was found in none of several regions.
      type: str
      sample: osc-fr1
    reading:
      description: Which of O(readings) failed. V(none) when nothing could be read, and the database is not in RV(databases).
      type: str
      sample: backups
    msg:
      description: The error in one sentence.
      type: str
      sample: 'Could not list the backups (addon mysql of app shop in osc-fr1): Internal Server Error. [status 500]'
    error:
      description: The same as data, as RV(error) describes it.
      type: dict
      sample: {kind: ServerError, status: 500, doing: list the backups}
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
      description:
        - The net peerings with the network of the database, as RV(community.scalingo.scalingo_net_peering_info#module:net_peerings) describes them.
      type: list
      elements: dict
      sample: [{id: 65f1c0d2a1b2c3d4e5f60718, status: active, outscale_net_peering_id: pcx-12345678}]
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
from ansible_collections.community.scalingo.plugins.module_utils._resources.database_info import PLACE
from ansible_collections.community.scalingo.plugins.module_utils._resources.database_info import (
    DatabaseInfo as RESOURCE,
)
from ansible_collections.community.scalingo.plugins.module_utils._resources.readings import READINGS


def argument_spec() -> Spec:
    texts = {"type": "list", "elements": "str"}
    entry = {name: {"type": "str"} for name in PLACE}
    return COMMON + Spec(
        {
            "network": {"type": "bool", "default": False},
            **dict.fromkeys(("apps", "regions", "engines"), texts),
            "databases": {"type": "list", "elements": "dict", "options": entry},
            "readings": {"type": "list", "elements": "str", "choices": list(READINGS), "default": []},
        }
    )


def main() -> None:
    run(RESOURCE, argument_spec())


if __name__ == "__main__":
    main()
