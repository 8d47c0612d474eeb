# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
name: scalingo_databases
version_added: 0.1.0
short_description: Databases of Scalingo apps as hosts
description:
  - Makes an inventory host of each database addon of your apps, in one or several regions.
  - A host stands for a database and is never reached by SSH. It has a local connection and the interpreter of the controller, so that
    the modules of this collection run on the controller, one fork for each database.
  - Costs one request for the bearer token of all regions (unless it is in the cache), one for the list of apps of each region (none where all apps are
    named without a pattern), and one for each app. O(details=true) costs two more for each database, of which the one for its token is saved when it
    is in the cache. Up to O(parallel) requests are under way at a time, within the rate limit of 60 requests a minute.
  - The file must end in C(scalingo_databases.yml) or C(scalingo_databases.yaml).
  - No token and no password is ever put into a host variable.
author:
  - Community Scalingo contributors (@community-scalingo)
requirements:
  - requests
extends_documentation_fragment:
  - ansible.builtin.constructed
  - ansible.builtin.inventory_cache
options:
  plugin:
    description: The name of this plugin.
    type: str
    required: true
    choices: [community.scalingo.scalingo_databases]
  api_token:
    description: An API token of a Scalingo account.
    type: str
    env:
      - name: SCALINGO_API_TOKEN
  regions:
    description: The regions to look at.
    type: list
    elements: str
    default: [osc-fr1]
    env:
      - name: SCALINGO_REGION
  apps:
    description:
      - The apps to look at, by name or with the patterns of a shell, such as V(shop-*). All apps when it is empty.
    type: list
    elements: str
    default: []
  engines:
    description: The engines to look at. All of them when it is empty.
    type: list
    elements: str
    choices: [postgresql, postgresql-ng, mysql, mongodb, redis, influxdb, elasticsearch, opensearch]
    default: []
  details:
    description:
      - Whether to read each database as M(community.scalingo.scalingo_database_info) does, into the host variable C(scalingo_database).
    type: bool
    default: false
  on_failure:
    description:
      - What to do when a region, an app or a database cannot be read.
      - V(fail) gives no inventory at all. V(warn) gives the rest and a warning for each.
    type: str
    choices: [fail, warn]
    default: fail
  parallel:
    description: How many requests may be under way at a time.
    type: int
    default: 4
  hostname:
    description:
      - A Jinja2 expression for the name of the host, without braces. It can use the host variables.
      - Names that occur twice get the ID of the addon added.
    type: str
    default: scalingo_resource_id
  group:
    description: The group that all hosts are in.
    type: str
    default: scalingo_databases
  api_url:
    description: The address of the main API, when it is not the one of the region. For one region only.
    type: str
    env:
      - name: SCALINGO_API_URL
  db_api_url:
    description: The address of the Database API, when it is not the one of the region. For one region only.
    type: str
    env:
      - name: SCALINGO_DB_API_URL
      - name: SCALINGO_DB_URL
  auth_url:
    description: The address of the authentication API, when it is not the platform's own. It is then asked for the addresses of the regions.
    type: str
    env:
      - name: SCALINGO_AUTH_URL
  api_timeout:
    description: How long to wait for a connection and for each piece of an answer, in seconds.
    type: float
    default: 30
  api_retries:
    description: How often a request is sent again that got no answer, or one that says that the service is unavailable.
    type: int
    default: 5
  validate_certs:
    description: Whether to verify the TLS certificates of the API.
    type: bool
    default: true
  ca_path:
    description: A file or directory with the certificates of the authorities to trust, instead of those of the system.
    type: path
  token_cache:
    description: Whether to share short-lived tokens with other runs in a directory that only the user can read.
    type: bool
    default: true
notes:
  - "The host variables are C(scalingo_app), C(scalingo_region), C(scalingo_addon_id), C(scalingo_engine), C(scalingo_resource_id), C(scalingo_status),
    C(scalingo_plan), C(scalingo_provisioned_at), and C(scalingo_database), which is none unless O(details=true)."
seealso:
  - module: community.scalingo.scalingo_database
  - module: community.scalingo.scalingo_database_info
"""

EXAMPLES = r"""
# The production databases of two regions, with what the platform shows of them, and the rest when one region cannot be read.
# All databases of the default region need nothing but the first line.
plugin: community.scalingo.scalingo_databases
regions: [osc-fr1, osc-secnum-fr1]
apps: ["*-production"]
engines: [postgresql, mysql]
details: true
on_failure: warn
hostname: scalingo_app ~ '-' ~ scalingo_engine
keyed_groups:
  - key: scalingo_engine
    prefix: engine
groups:
  upgradable: scalingo_database.next_version_id is not none
compose:
  database_version: scalingo_database.readable_version
cache: true
cache_timeout: 600
"""

import sys
import typing as t

from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible_collections.community.scalingo.plugins.module_utils._endpoints import Client
from ansible_collections.community.scalingo.plugins.module_utils._errors import ScalingoError, sentence
from ansible_collections.community.scalingo.plugins.module_utils._resources.fleet import Fleet

CONNECTION = (
    "api_token", "api_url", "db_api_url", "auth_url", "api_timeout", "api_retries", "validate_certs", "ca_path", "token_cache",
)


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    NAME = "community.scalingo.scalingo_databases"

    def verify_file(self, path: str) -> bool:
        return super().verify_file(path) and path.endswith(("scalingo_databases.yml", "scalingo_databases.yaml"))

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._read_config_data(path)
        key = self.get_cache_key(path)
        use_cache = cache and self.get_option("cache")
        databases = None
        if use_cache:
            try:
                databases = self._cache[key]
            except KeyError:
                pass
        if databases is None:
            databases = self._gather()
            if self.get_option("cache"):
                self._cache[key] = databases
        self._populate(databases)

    def _gather(self) -> t.List[t.Dict[str, t.Any]]:
        regions = list(dict.fromkeys(self.get_option("regions")))
        if len(regions) > 1 and (self.get_option("api_url") or self.get_option("db_api_url")):
            raise AnsibleParserError("api_url and db_api_url are addresses of one region: give one region, or auth_url only")
        if self.get_option("parallel") < 1:
            raise AnsibleParserError("parallel is %d: use a number from 1 up" % self.get_option("parallel"))
        fleet = Fleet(
            self._connect,
            apps=self.get_option("apps"),
            engines=self.get_option("engines"),
            details=self.get_option("details"),
            parallel=self.get_option("parallel"),
        )
        try:
            databases = fleet.read(regions)
        except ScalingoError as error:
            raise AnsibleParserError(sentence(error)) from None
        if fleet.failures and self.get_option("on_failure") == "fail":
            raise AnsibleParserError("\n".join(fleet.failures.values()))
        for about, failure in fleet.failures.items():
            self.display.warning("%s is left out: %s" % (about, failure))
        return databases

    def _connect(self, region: str, app: t.Optional[str], addon: t.Optional[str]) -> Client:
        params = {name: self.get_option(name) for name in CONNECTION}
        params.update(region=region, app=app, addon=addon)
        return Client.from_params(
            params, verbose=self.display.vv, secret=lambda dummy: None, target_needed=app is not None
        )

    def _populate(self, databases: t.List[t.Dict[str, t.Any]]) -> None:
        strict = self.get_option("strict")
        group = self.inventory.add_group(self.get_option("group"))
        hosts = [{"scalingo_%s" % name: value for name, value in database.items()} for database in databases]
        names = [self._name(variables) for variables in hosts]
        for name, variables in zip(names, hosts):
            # All of those that would share a name get the ID, so that no name depends on the order.
            host = name if names.count(name) == 1 else "%s-%s" % (name, variables["scalingo_addon_id"])
            self.inventory.add_host(host, group=group)
            # The interpreter is the one that runs here: in a cached inventory it could be another machine's.
            variables.update(ansible_connection="local", ansible_python_interpreter=sys.executable)
            for variable, value in variables.items():
                self.inventory.set_variable(host, variable, value)
            self._set_composite_vars(self.get_option("compose"), variables, host, strict=strict)
            self._add_host_to_composed_groups(self.get_option("groups"), variables, host, strict=strict)
            self._add_host_to_keyed_groups(self.get_option("keyed_groups"), variables, host, strict=strict)

    def _name(self, variables: t.Dict[str, t.Any]) -> str:
        try:
            name = str(self._compose(self.get_option("hostname"), variables))
        except Exception as error:
            raise AnsibleParserError("hostname cannot be computed: %s" % error) from error
        return t.cast(str, variables["scalingo_addon_id"]) if name in ("", "None") else name
