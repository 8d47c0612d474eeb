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
  - A host stands for a database and is never reached by SSH. It has a local connection and the Python interpreter of the run, so modules of
    this collection run on the control node.
  - A source that fails adds no hosts. Ansible then continues with its other sources, unless C(ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED) is
    set.
  - Costs one request for the bearer token of all regions, one for the app list of each region, and one for each app. The app list is not
    needed when all apps are named without a pattern.
  - 500 databases in 100 apps of two regions cost 103 requests. The API has no list of databases.
  - O(details=true) costs two more for each database, for its token and its settings. Later modules reuse the tokens for up to 55 minutes.
  - O(auth_url) costs one more, for the URLs of the regions.
  - Up to O(parallel) requests are in flight at a time. All tasks of the user share the rate limit of 60 requests a minute. 103 requests
    take about two minutes, so O(cache) is recommended.
  - The file name must end in C(scalingo_databases.yml) or C(scalingo_databases.yaml).
  - Host variables never contain a token or a password.
author:
  - Community Scalingo contributors (@community-scalingo)
requirements:
  - python >= 3.9
  - requests >= 2.25.1
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
    description:
      - The regions to search. The environment variable can contain several, separated by commas.
      - By default, the region of O(api_url) or O(db_api_url) is used if they are URLs of the platform, or else V(osc-fr1).
    type: list
    elements: str
    env:
      - name: SCALINGO_REGION
  apps:
    description:
      - The apps to search, as names or shell patterns such as V(shop-*). By default, all apps are searched.
      - An app that is named without a pattern must exist in one of the regions. Otherwise, it counts as a failure.
    type: list
    elements: str
    default: []
  engines:
    description:
      - The kinds of databases to include, such as V(postgresql) or V(postgresql-ng). The default is every addon in the platform's category
        of databases.
      - A kind that this collection does not know is included with a warning.
      - A kind that no app has and that the platform does not list is refused.
      - If an app has an addon of an unknown kind, each region costs one more request, for the list of kinds.
    type: list
    elements: str
    default: []
  details:
    description:
      - Whether to read each database as M(community.scalingo.scalingo_database_info) does, into the host variable C(scalingo_database).
    type: bool
    default: false
  on_failure:
    description:
      - What to do when a region, an app or a database cannot be read, or when the addons of a listed app do not exist.
      - V(fail) returns no hosts. V(warn) returns the other hosts and a warning for each failure. Incomplete data is not cached.
    type: str
    choices: [fail, warn]
    default: fail
  parallel:
    description: The maximum number of requests in flight.
    type: int
    default: 4
  hostname:
    description:
      - A Jinja2 expression for the host name, without braces. It can use the host variables.
      - The ID of the addon is appended to names that occur twice.
      - It is also appended, with a warning, to V(localhost), to the name of a group, and to the name of a host from another source that is
        another database or has C(ansible_host).
      - With several sources, use the region or the account in the name.
      - A name that is empty, or cannot be computed while the database is being provisioned, is the ID of the addon.
    type: str
    default: scalingo_resource_id
  group:
    description: The group of all hosts. It cannot be V(all) or V(ungrouped).
    type: str
    default: scalingo_databases
  api_url:
    description:
      - The URL of the main API. The default is the URL of the region. For one region only.
      - A URL in the environment belongs to the region of the environment. It is ignored if the file names another region.
    type: str
    env:
      - name: SCALINGO_API_URL
  db_api_url:
    description: The URL of the Database API. The default is the URL of the region. The rules of O(api_url) apply.
    type: str
    env:
      - name: SCALINGO_DB_API_URL
      - name: SCALINGO_DB_URL
  auth_url:
    description: The URL of the authentication API. The default is the platform's. Any other server must also return the URLs of the
      regions.
    type: str
    env:
      - name: SCALINGO_AUTH_URL
  api_path:
    description:
      - Where requests about a database are sent. V(db_api), the default, is the Database API, with a token of each database's addon.
      - V(v1) and V(api) are the main API, with the token of the account. With O(details=true), this saves a request per database.
      - With V(v1) or V(api), O(db_api_url) is refused, and its environment variables are ignored.
      - Any other value is refused.
    type: str
    env:
      - name: SCALINGO_API_PATH
  api_timeout:
    description: Timeout of a connection and of each read, in seconds.
    type: float
    default: 30
  api_retries:
    description: How often a request is retried after no response or an unavailable service.
    type: int
    default: 5
  validate_certs:
    description: Whether to verify the TLS certificates of the API.
    type: bool
    default: true
  ca_path:
    description:
      - A file or directory with trusted root certificates. By default, the system's certificates are used.
      - A directory must be hashed by C(openssl rehash). A directory without certificates is refused.
    type: str
    env:
      - name: SCALINGO_CA_PATH
  requests_per_minute:
    description:
      - How many requests a minute all tasks of this user and API token may send on the control node, V(1) to V(60), spread evenly.
      - By default, requests are not slowed down until the API reports its limit.
    type: int
    env:
      - name: SCALINGO_REQUESTS_PER_MINUTE
  max_in_flight:
    description: How many of these requests may be in flight at once, V(1) to V(20). The default is V(10).
    type: int
    env:
      - name: SCALINGO_MAX_IN_FLIGHT
  token_cache:
    description: Whether to share short-lived tokens with other runs, in a directory that only the user can read.
    type: bool
    default: true
notes:
  - Options in the file override environment variables. A null or blank option counts as not set.
  - "An option may be a template, such as C(api_token: \"{{ lookup('ansible.builtin.env', 'SHOP_TOKEN') }}\"), and so may an entry of a list. It is rendered
    when the file is read, with extra variables only. O(hostname), O(compose), O(groups) and O(keyed_groups) are expressions instead."
  - "The host variables are C(scalingo_app), C(scalingo_region), C(scalingo_addon_id), C(scalingo_engine), C(scalingo_resource_id), C(scalingo_status),
    C(scalingo_plan), C(scalingo_provisioned_at), and C(scalingo_database), which is none unless O(details=true) and while the platform is
    still making the database."
  - API responses are never evaluated as templates. In C(ansible-inventory --export), strings that look like templates are marked as unsafe.
    All other strings are plain, as AWX needs them.
  - The cache of O(cache) depends on the account and all URLs. An unreadable cache is a cache miss.
  - An expression of O(compose), O(groups) or O(keyed_groups) that fails for every host is reported as a warning. With O(strict=true), each
    failure is an error.
  - Unknown options are refused, so that typos are reported.
seealso:
  - module: community.scalingo.scalingo_database
  - module: community.scalingo.scalingo_database_info
"""

EXAMPLES = r"""
# production.scalingo_databases.yml: the production databases of two regions, with what the platform shows of them, and the rest when
# one region cannot be read. All databases of the default region need nothing but the first line.
plugin: community.scalingo.scalingo_databases
regions: [osc-fr1, osc-secnum-fr1]
apps: ["*-production"]
engines: [postgresql, mysql]
details: true
on_failure: warn
hostname: scalingo_app ~ '-' ~ scalingo_engine ~ '-' ~ scalingo_region
keyed_groups:
  - key: scalingo_engine
    prefix: engine
groups:
  # A database that the platform is still making has no details.
  upgradable: scalingo_database.next_version_id | default(none) is not none
compose:
  database_version: scalingo_database.readable_version | default(none)
cache: true
cache_timeout: 600

# A play over it: ansible-playbook -i production.scalingo_databases.yml play.yml. The host says which database each task means.
# - name: Keep the MySQL databases as agreed
#   hosts: engine_mysql
#   gather_facts: false
#   module_defaults:
#     group/community.scalingo.scalingo:
#       region: "{{ scalingo_region }}"
#       app: "{{ scalingo_app }}"
#       addon: "{{ scalingo_addon_id }}"
#   tasks:
#     - name: Back up at three
#       community.scalingo.scalingo_database:
#         periodic_backups_enabled: true
#         periodic_backups_scheduled_at: 3
"""

import datetime
import difflib
import json
import os
import re
import typing as t

from ansible.errors import AnsibleError, AnsibleParserError
from ansible.plugins.inventory import BaseInventoryPlugin, Cacheable
from ansible_collections.community.scalingo.plugins.module_utils._client import Client
from ansible_collections.community.scalingo.plugins.module_utils._errors import ScalingoError, scrub, sentence, visible
from ansible_collections.community.scalingo.plugins.module_utils._files import name_of
from ansible_collections.community.scalingo.plugins.module_utils._progress import Progress
from ansible_collections.community.scalingo.plugins.module_utils._resources.fleet import Fleet, Read, shown
from ansible_collections.community.scalingo.plugins.module_utils._settings import (
    DEFAULT_REGION,
    VARIABLES,
    region_of_addresses,
    with_environment,
)
from ansible_collections.community.scalingo.plugins.module_utils._transport import VERSION
from ansible_collections.community.scalingo.plugins.plugin_utils._inventory import HostBuilder, never_a_template
from ansible_collections.community.scalingo.plugins.plugin_utils._progress import Lines, interval_of

ADDRESSES = ("api_url", "db_api_url", "auth_url")
CONNECTION = (
    "api_token",
    *ADDRESSES,
    "api_path",
    "api_timeout",
    "api_retries",
    "validate_certs",
    "ca_path",
    "token_cache",
    "requests_per_minute",
    "max_in_flight",
)
#: What is evaluated for each host, and no template of the file.
EXPRESSIONS = ("compose", "groups", "keyed_groups", "hostname")
SUFFIXES = ("scalingo_databases.yml", "scalingo_databases.yaml")


def blank(value: t.Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


class InventoryModule(HostBuilder, BaseInventoryPlugin, Cacheable):
    NAME = "community.scalingo.scalingo_databases"

    def verify_file(self, path: str) -> bool:
        if not super().verify_file(path):
            return False
        if path.endswith(SUFFIXES):
            return True
        if path.endswith((".yml", ".yaml")):
            with open(path, encoding="utf-8", errors="replace") as file:
                if re.search(r"^plugin:[ '\"]*(community\.scalingo\.)?scalingo_databases\b", file.read(), re.MULTILINE):
                    self.display.warning(
                        f"{path} is not read, because its name does not end in {' or '.join(SUFFIXES)}"
                    )
        return False

    def parse(self, inventory: t.Any, loader: t.Any, path: str, cache: bool = True) -> None:
        super().parse(inventory, loader, path, cache)
        self._secrets: set[str] = set()
        self._lines = Lines(
            lambda line: self.display.display(line, stderr=True),
            "scalingo_databases",
            interval=interval_of("SCALINGO_PROGRESS", os.environ.get("SCALINGO_PROGRESS")),
            mask=lambda text: scrub(text, set(self._secrets)),
        )
        self._read_config_data(path)
        config = self._config
        self._given = {name for name, value in config.items() if not blank(value)}
        self._check(config)
        key = f"{self.get_cache_key(path)}_{self._question()}" if self.get_option("cache") else None
        databases = self._cached(key) if key and cache else None
        if databases is None:
            databases, complete = self._gather()
            if key and complete:
                self._cache[key] = databases
        self.populate(
            [{f"scalingo_{name}": never_a_template(value) for name, value in item.items()} for item in databases]
        )

    def set_options(
        self, task_keys: t.Any = None, var_options: t.Any = None, direct: t.Mapping[str, t.Any] | None = None
    ) -> None:
        """As any plugin does, with what the templates among the options of the file come to."""
        if direct is not None:
            self.templar.available_variables = self._vars
            self._config = {
                name: value if name in EXPRESSIONS else self._rendered(str(name), value)
                for name, value in direct.items()
            }
            direct = {name: value for name, value in self._config.items() if not blank(value)}
        super().set_options(task_keys=task_keys, var_options=var_options, direct=direct)

    def _rendered(self, name: str, value: t.Any) -> t.Any:
        """An option without templates. Each entry of a list may be one, and a list may come from one."""
        if isinstance(value, list):
            return [self._rendered(name, item) for item in value]
        if not isinstance(value, str) or not self.templar.is_template(value):
            return value
        try:
            return self.templar.template(value)
        except AnsibleError as error:
            raise AnsibleParserError(f"{name} is a template that cannot be rendered: {error}") from error

    def _warn(self, text: str) -> None:
        """Show a warning that may repeat what the platform says."""
        self.display.warning(visible(text))

    def _check(self, config: t.Mapping[str, t.Any]) -> None:
        known = sorted(self.option_definitions)
        for name, value in config.items():
            if isinstance(value, list) and any(item is not None and blank(item) for item in value):
                raise AnsibleParserError(f"{name} holds an empty name: take it out of the list")
            if name not in known:
                close = difflib.get_close_matches(str(name), known, 1)
                raise AnsibleParserError(
                    "there is no option {}{}".format(name, f": did you mean {close[0]}?" if close else "")
                )
        for name in ("hostname", "group"):
            if isinstance(config.get(name), (bool, int, float)):
                raise AnsibleParserError(f"{name} is {json.dumps(config[name])}, which is no text: put it in quotes")
        if self._text("group") in ("all", "ungrouped"):
            raise AnsibleParserError(
                f"group is {self._text('group')}, which is a group of Ansible itself: choose another name"
            )

    def _text(self, name: str) -> str:
        """The text of an option; null and blank are not given."""
        given = self.get_option(name)
        return ("" if given is None else str(given).strip()) or t.cast(
            str, self.option_definitions[name].get("default") or ""
        )

    def _texts(self, name: str) -> list[str]:
        """The texts of a list. Without quotes YAML makes something else of some."""
        values = self.get_option(name) or []
        for value in values:
            if value is None or isinstance(value, (bool, float, dict, list, datetime.date)):
                raise AnsibleParserError(
                    f"{name} holds {json.dumps(value, default=str)}, which is no text: put it in quotes"
                )
        # What comes from a vault is of a type of its own.
        return [str(value).strip() for value in values]

    def _question(self) -> str:
        """What the answer in the cache is the answer to. Another question, or another account, needs another answer."""
        connection = self._connection()
        options: dict[str, t.Any] = {
            name: str(connection[name] or "").strip() for name in ("api_token", "region", *ADDRESSES, "api_path")
        }
        options.update({name: self._texts(name) for name in ("regions", "apps", "engines")})
        options.update(details=self.get_option("details"), version=VERSION)
        return name_of(json.dumps(options, sort_keys=True), 32)

    def _cached(self, key: str) -> list[dict[str, t.Any]] | None:
        """The databases in the cache; none when there are none, or when it holds what this plugin has not written."""
        try:
            # As plain data, without anything that the cache has put on its texts.
            databases = json.loads(json.dumps(self._cache[key]))
            if not isinstance(databases, list) or not all(_is_database(item) for item in databases):
                raise ValueError("it holds something else")
        except KeyError:
            return None
        except Exception as error:
            self._warn(f"The cache cannot be used, and the platform is asked instead: {error}")
            return None
        return databases

    def _gather(self) -> tuple[list[dict[str, t.Any]], bool]:
        """The databases, and whether they are all."""
        connection = self._connection()
        regions = list(dict.fromkeys(region for region in self._texts("regions") if region)) or [
            region_of_addresses(connection) or DEFAULT_REGION
        ]
        # Those of the environment count for the region of the environment, and so for one of those that the file names.
        addresses = self._of_file() if "regions" in self._given else connection
        if len(regions) > 1 and (addresses["api_url"] or addresses["db_api_url"]):
            raise AnsibleParserError(
                "api_url and db_api_url are addresses of one region: give one region, or auth_url only"
            )
        if self.get_option("parallel") < 1:
            raise AnsibleParserError(f"parallel is {self.get_option('parallel')}: use a number from 1 up")
        apps = self._texts("apps")
        if "" in apps:
            raise AnsibleParserError("apps holds an empty name")
        fleet = Fleet(
            self._connect,
            apps=apps,
            engines=self._texts("engines"),
            parallel=self.get_option("parallel"),
            absent=True,
        )
        try:
            found = fleet.find(regions)
            read = fleet.read(found) if self.get_option("details") else [Read(item, None) for item in found]
        except ScalingoError as error:
            raise AnsibleParserError(sentence(error)) from None
        if fleet.failures and self.get_option("on_failure") == "fail":
            raise AnsibleParserError(
                "\n".join(visible(f"{failure.about}: {sentence(failure.error)}") for failure in fleet.failures)
            )
        for warning in fleet.warnings:
            self._warn(warning)
        for failure in fleet.failures:
            self._warn(f"{failure.about} is left out: {sentence(failure.error)}")
        return shown(read, self.display.vv), not fleet.failures

    def _connection(self, region: str | None = None) -> dict[str, t.Any]:
        """The options of the connection, by the file and by the environment."""
        try:
            return with_environment({**self._of_file(), "region": region}, os.environ, self.display.vv)
        except ScalingoError as error:
            raise AnsibleParserError(sentence(error)) from None

    def _of_file(self) -> dict[str, t.Any]:
        """The options of the connection as the file has them; with the environment they are joined as those of a task are."""
        return {
            name: self.get_option(name) if name in self._given or name not in VARIABLES else None for name in CONNECTION
        }

    def _connect(self, region: str, app: str | None, addon: str | None, beside: Client | None) -> Client:
        params = {**self._connection(region), "app": app, "addon": addon}
        return Client.from_params(
            params,
            verbose=self.display.vv,
            secret=self._secrets.add,
            target_needed=app is not None,
            beside=beside,
            watcher=self,
        )

    def progress(self, progress: Progress) -> None:
        """Show how reading a large account goes, as waits of tasks are shown."""
        self._lines.see(progress)

    def alive(self) -> None:
        """Nothing runs beyond the command that reads the inventory."""


def _is_database(item: t.Any) -> bool:
    return (
        isinstance(item, dict)
        and all(isinstance(item.get(name), str) and item[name] for name in ("app", "region", "addon_id"))
        and isinstance(item.get("database", ""), (dict, type(None)))
    )
