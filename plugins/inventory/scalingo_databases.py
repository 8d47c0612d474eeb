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
  - Costs one request for the bearer token of all regions, one for the list of apps of each region (none where all apps are named without a pattern),
    and one for each app. 500 databases in 100 apps of two regions are 103 requests. The API has no list of databases, so it cannot be done with fewer.
  - O(details=true) costs two more for each database, for its token and for the database itself. The modules that run afterwards on a host reuse both
    tokens for up to 55 minutes; tokens that an earlier run left are not asked for again. O(auth_url) costs one more, for the addresses of the regions.
  - Up to O(parallel) requests are under way at a time. The limit of the platform, 60 requests a minute, is waited for, together with all tasks of the
    user. So 103 requests take about two minutes, and a cache (O(cache)) is worth having.
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
    description: The regions to look at. The environment variable may hold several, separated by commas.
    type: list
    elements: str
    default: [osc-fr1]
    env:
      - name: SCALINGO_REGION
  apps:
    description:
      - The apps to look at, by name or with the patterns of a shell, such as V(shop-*). All apps when it is empty.
      - An app that is named without a pattern must be in one of the regions, else it counts as a failure.
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
      - V(fail) gives no inventory at all. V(warn) gives the rest and a warning for each, and does not put what is incomplete into the cache.
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
    env:
      - name: SCALINGO_CA_PATH
  token_cache:
    description: Whether to share short-lived tokens with other runs in a directory that only the user can read.
    type: bool
    default: true
notes:
  - "The host variables are C(scalingo_app), C(scalingo_region), C(scalingo_addon_id), C(scalingo_engine), C(scalingo_resource_id), C(scalingo_status),
    C(scalingo_plan), C(scalingo_provisioned_at), and C(scalingo_database), which is none unless O(details=true) and while the platform is
    still making the database."
  - What the platform answers is never taken for a template.
  - An option that does not exist is refused, so that a misspelled one does not go unnoticed.
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

import collections
import difflib
import hashlib
import json
import sys
import typing as t

import ansible.template
from ansible.errors import AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable, Constructable
from ansible_collections.community.scalingo.plugins.module_utils._endpoints import Client
from ansible_collections.community.scalingo.plugins.module_utils._errors import ScalingoError, sentence
from ansible_collections.community.scalingo.plugins.module_utils._resources.fleet import Fleet

CONNECTION = (
    "api_token", "api_url", "db_api_url", "auth_url", "api_timeout", "api_retries", "validate_certs", "ca_path", "token_cache",
)


def no_template(value: t.Any) -> t.Any:
    """What the platform answered, marked so that nothing in it is taken for a template."""
    if hasattr(ansible.template, "trust_as_template"):
        # Here text is no template unless somebody says so.
        return value
    from ansible.utils.unsafe_proxy import wrap_var

    return wrap_var(value)


class InventoryModule(BaseInventoryPlugin, Constructable, Cacheable):
    NAME = "community.scalingo.scalingo_databases"

    def verify_file(self, path: str) -> bool:
        return super().verify_file(path) and path.endswith(("scalingo_databases.yml", "scalingo_databases.yaml"))

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._refuse_unknown(self._read_config_data(path))
        databases = None
        if self.get_option("cache"):
            key = "%s_%s" % (self.get_cache_key(path), self._question())
            if cache:
                try:
                    databases = self._cache[key]
                except KeyError:
                    pass
            if databases is None:
                databases, complete = self._gather()
                if complete:
                    self._cache[key] = databases
        if databases is None:
            databases, complete = self._gather()
        self._populate(databases)

    def _refuse_unknown(self, config: t.Mapping[str, t.Any]) -> None:
        known = sorted(self.option_definitions)
        for name in config:
            if name not in known:
                close = difflib.get_close_matches(str(name), known, 1)
                raise AnsibleParserError("there is no option %s%s" % (name, ": did you mean %s?" % close[0] if close else ""))

    def _question(self) -> str:
        """What the answer in the cache is the answer to. Another question needs another answer."""
        options = {name: self.get_option(name) for name in ("regions", "apps", "engines", "details", "api_url", "auth_url")}
        return hashlib.sha256(json.dumps(options, sort_keys=True).encode()).hexdigest()[:16]

    def _gather(self) -> t.Tuple[t.List[t.Dict[str, t.Any]], bool]:
        """The databases, and whether they are all."""
        regions = [region.strip() for region in self.get_option("regions")]
        regions = list(dict.fromkeys(region for region in regions if region)) or ["osc-fr1"]
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
            raise AnsibleParserError("\n".join("%s: %s" % failure for failure in fleet.failures.items()))
        for about, failure in fleet.failures.items():
            self.display.warning("%s is left out: %s" % (about, failure))
        return databases, not fleet.failures

    def _connect(self, region: str, app: t.Optional[str], addon: t.Optional[str], beside: t.Optional[Client]) -> Client:
        params = {name: self.get_option(name) for name in CONNECTION}
        params.update(region=region, app=app, addon=addon)
        return Client.from_params(
            params, verbose=self.display.vv, secret=lambda dummy: None, target_needed=app is not None, beside=beside
        )

    def _populate(self, databases: t.List[t.Dict[str, t.Any]]) -> None:
        strict = self.get_option("strict")
        group = self.inventory.add_group(self.get_option("group"))
        hosts = [no_template({"scalingo_%s" % name: value for name, value in database.items()}) for database in databases]
        names = [self._name(variables) for variables in hosts]
        often = collections.Counter(names)
        for name, variables in zip(names, hosts):
            # All of those that would share a name get the ID, so that no name depends on the order.
            host = name if often[name] == 1 else "%s-%s" % (name, variables["scalingo_addon_id"])
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
