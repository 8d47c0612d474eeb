# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The inventory plugin as a user meets it: ansible-inventory and plays in processes of their own, counted by the other side."""

from __future__ import annotations

import base64
import collections
import json
import os
import re
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.parsing.vault import VaultLib, VaultSecret
from scalingo_sandbox.testing import Sandbox
from support.playbook import ROOT, RUN_SECONDS, Ansible, Run, task
from support.programs import until
from support.shop import SEED, routes

CORES = {"this": Path(sys.executable).parent, "oldest": ROOT / ".cache" / "core-2.16" / "bin"}
#: All other tests of this file are run by this one.
ON_EACH_CORE = pytest.mark.parametrize("core", [pytest.param("this", marks=pytest.mark.long), "oldest"])
REGIONS = ("osc-fr1", "osc-secnum-fr1")
ENGINES = ("mysql", "postgresql", "mongodb", "redis", "influxdb")
PLUGIN_FILE = ROOT / "plugins" / "inventory" / "scalingo_databases.py"
PLUGIN = "community.scalingo.scalingo_databases"
SECOND = REGIONS[1]


def fleet(apps: int, engines: t.Sequence[str] = ENGINES) -> dict[str, t.Any]:
    """That many apps in two regions, each with a database of each kind."""
    return {
        "user": SEED["user"],
        "apps": [
            {
                "name": f"fleet-{number:03d}",
                "region": REGIONS[number % 2],
                "addons": [
                    {
                        "provider": engine,
                        "id": f"ad-00000000-0000-4000-a{kind:03d}-{number:012d}",
                        "resource_id": f"fleet_{number:03d}_{kind}",
                    }
                    for kind, engine in enumerate(engines)
                ],
            }
            for number in range(apps)
        ],
    }


def loaded(run: Run) -> dict[str, t.Any]:
    """What `ansible-inventory --list` printed."""
    return t.cast("dict[str, t.Any]", json.loads(run.stdout))


class Inventories:
    """A controller with inventory files of the plugin."""

    def __init__(self, ansible: Ansible, sandbox: Sandbox) -> None:
        self.ansible = ansible
        self.sandbox = sandbox
        where = sandbox.params()
        # Of two regions, the addresses cannot be named by one variable.
        ansible.environment = {
            **{name: None for name in sandbox.environment()},
            "SCALINGO_API_TOKEN": where["api_token"],
            "SCALINGO_AUTH_URL": where["auth_url"],
        }

    def file(self, name: str = "fleet", **options: t.Any) -> Path:
        path = self.ansible.directory / (f"{name}.scalingo_databases.yml")
        path.write_text(yaml.safe_dump({"plugin": PLUGIN, "regions": list(REGIONS), **options}), encoding="utf-8")
        return path

    def run(
        self,
        *paths: Path,
        options: t.Sequence[str] = (),
        environment: t.Mapping[str, str] | None = None,
        timeout: float = RUN_SECONDS,
    ) -> Run:
        self.sandbox.clear_log()
        given = [word for path in paths for word in ("-i", str(path))]
        return self.ansible.inventory(*given, "--list", *options, environment=environment, timeout=timeout).clean()

    def hosts(self, *paths: Path, **more: t.Any) -> dict[str, dict[str, t.Any]]:
        run = self.run(*paths, **more)
        assert run.returncode == 0 and "WARNING" not in run.stderr, str(run)
        return t.cast("dict[str, dict[str, t.Any]]", loaded(run)["_meta"]["hostvars"])

    def asked(self) -> collections.Counter[str]:
        return collections.Counter(routes(record for record in self.sandbox.log() if record.status != 429))

    def tokens(self) -> set[str]:
        """The bearer and the tokens of addons that were kept for whoever comes next."""
        entries = [
            json.loads(path.read_text(encoding="utf-8"))
            for path in self.ansible.home.rglob("community.scalingo/*.json")
        ]
        return {entry["token"] for entry in entries if "token" in entry}


@pytest.fixture
def inventories(ansible: Ansible, sandbox: Sandbox) -> Inventories:
    return Inventories(ansible, sandbox)


def same(one: str, other: str) -> bool:
    """Whether two interpreters are the same one, with the same packages: their directory may have several names."""
    return os.path.realpath(os.path.dirname(one)) == os.path.realpath(os.path.dirname(other))


def examples() -> list[t.Any]:
    """The documents of the example: an inventory, and a play over it, which stands in comments as it is a file of its own."""
    (text,) = re.findall(r'EXAMPLES = r"""\n(.*?)"""', PLUGIN_FILE.read_text(encoding="utf-8"), re.DOTALL)
    inventory, play = re.split(r"^# A play over it.*\n", text, flags=re.MULTILINE)
    return [yaml.safe_load(inventory), yaml.safe_load(re.sub("^# ", "", play, flags=re.MULTILINE))]


def documented(pattern: str) -> int:
    text = PLUGIN_FILE.read_text(encoding="utf-8")
    (found,) = re.findall(pattern, text)
    return int(found)


# -- what it costs -----------------------------------------------------------------------------------------------------


@pytest.mark.long
def test_five_hundred_databases_in_a_hundred_apps(inventories: Inventories, sandbox: Sandbox) -> None:
    """As many requests as the documentation says, under a limit, and as few as the API allows.

    Section 2.0 of docs/contract.md says that there is no list of databases; section 1.7 that the addons of an app are not paginated.
    """
    sandbox.reset(fleet(100))
    # The limit comes near the end: from then on there is one request a second. Its windows are fixed; a slow machine has 12 seconds of this one.
    sandbox.rate_limit(requests=98, seconds=20, scope="global", retry_after=True)
    sandbox.advance(28 - sandbox.state()["clock"]["now"] % 20)
    hosts = inventories.hosts(inventories.file())
    assert len(hosts) == 500
    assert inventories.asked() == {"regions": 1, "exchange": 1, "apps": 2, "A1": 100}
    assert (
        sum(inventories.asked().values())
        == documented(r"500 databases in 100 apps of two regions cost (\d+) requests") + 1
    )  # the regions
    refused = [record for record in sandbox.log() if record.status == 429]
    assert refused, "the limit was never reached: the test shows nothing"
    assert len(refused) <= 10, f"the threads did not share their pace: {len(refused)} requests were refused"

    for name, variables in hosts.items():
        assert variables["scalingo_resource_id"] == name and variables["scalingo_database"] is None
        assert (
            variables["ansible_connection"] == "local"
            and variables["ansible_python_interpreter"] == "{{ ansible_playbook_python }}"
        )
    assert collections.Counter((item["scalingo_region"], item["scalingo_engine"]) for item in hosts.values()) == {
        (region, engine): 50 for region in REGIONS for engine in ENGINES
    }


def test_a_share_of_the_limit_is_kept_and_told_of_while_it_is_read(inventories: Inventories, sandbox: Sandbox) -> None:
    """On stderr, so that what a program reads stays whole."""
    sandbox.reset(fleet(8, ("mysql",)))
    environment = {"SCALINGO_REQUESTS_PER_MINUTE": "60", "SCALINGO_PROGRESS": "1"}
    run = inventories.run(inventories.file(), environment=environment)
    assert len(loaded(run)["_meta"]["hostvars"]) == 8
    # A second between two, from the first one to the last.
    assert run.seconds >= sum(inventories.asked().values()) - 1 >= 10
    wanted = r"scalingo_databases: keeping to requests_per_minute \(region osc-\S+\): limited, the next request in [12] s, \d+ s so far"
    assert re.search(f"(?m)^{wanted}$", run.stderr), run.stderr
    assert re.search(
        r"(?m)^scalingo_databases: reading the addons of the apps of osc-fr1 \(region osc-fr1\): reading, \d of 4, ",
        run.stderr,
    ), run.stderr
    # As AWX hands on a field that is empty.
    empty = inventories.run(
        inventories.file(), environment={"SCALINGO_REQUESTS_PER_MINUTE": "", "SCALINGO_MAX_IN_FLIGHT": ""}
    )
    assert len(loaded(empty)["_meta"]["hostvars"]) == 8
    refused = inventories.run(inventories.file(), environment={"SCALINGO_MAX_IN_FLIGHT": "21"})
    assert "max_in_flight is 21: use a whole number from 1 to 20" in refused.stderr
    silent = inventories.run(inventories.file(), environment={**environment, "SCALINGO_PROGRESS": "no"})
    assert "so far" not in silent.stderr


def test_several_requests_are_under_way_at_a_time(inventories: Inventories, sandbox: Sandbox) -> None:
    sandbox.reset(fleet(40, ["mysql"]))
    sandbox.fault(match={"route": "A1"}, do="slow", seconds=0.25)

    def spread(parallel: int) -> float:
        """How long after the first app the last one was asked for, by the sandbox's clock."""
        sandbox.clear_log()
        assert len(inventories.hosts(inventories.file(regions=[SECOND], parallel=parallel))) == 20
        moments = [record.time for record in sandbox.log() if record.route == "A1"]
        return max(moments) - min(moments)

    assert spread(10) < spread(1) / 2  # about 0.25 s and 5 s


@pytest.mark.parametrize("kept", [True, False])
def test_details_cost_two_requests_a_database_whether_tokens_are_kept_or_not(
    kept: bool, inventories: Inventories, sandbox: Sandbox
) -> None:
    sandbox.reset(fleet(6, ["mysql", "redis"]))
    path = inventories.file(details=True, token_cache=kept, parallel=8)
    hosts = inventories.hosts(path)
    assert [item["scalingo_database"]["resource_id"] for item in hosts.values()] == list(hosts) and len(hosts) == 12
    assert inventories.asked() == {"regions": 1, "exchange": 1, "apps": 2, "A1": 6, "A6": 12, "D1": 12}
    assert len(inventories.tokens()) == (13 if kept else 0)
    inventories.hosts(path)
    again = {"apps": 2, "A1": 6, "D1": 12}
    assert inventories.asked() == (again if kept else {**again, "regions": 1, "exchange": 1, "A6": 12})


def test_apps_that_are_named_are_not_listed_and_need_to_be_in_one_region_only(inventories: Inventories) -> None:
    hosts = inventories.hosts(inventories.file(apps=["twins", "vault"], engines=["mysql"]))
    assert sorted(hosts) == ["twins_1", "twins_2", "vault_1"]
    assert inventories.asked() == {"regions": 1, "exchange": 1, "A1": 4}
    hosts = inventories.hosts(inventories.file(apps=["twi*", "vault"], engines=["mysql"]))
    assert sorted(hosts) == ["twins_1", "twins_2", "vault_1"]
    assert inventories.asked() == {"apps": 2, "A1": 2}


# -- the cache of inventories -------------------------------------------------------------------------------------------


def test_the_cache(inventories: Inventories, sandbox: Sandbox) -> None:
    directory = inventories.ansible.directory / "inventory-cache"
    cached = {
        "cache": True,
        "cache_plugin": "ansible.builtin.jsonfile",
        "cache_connection": str(directory),
        "cache_timeout": 3600,
    }
    path = inventories.file(**cached)
    asked = {"apps": 2, "A1": 4}
    hosts = inventories.hosts(path)
    assert inventories.asked() == {"regions": 1, "exchange": 1, **asked}
    assert inventories.hosts(path) == hosts
    assert inventories.asked() == {}
    inventories.hosts(path, options=["--flush-cache"])
    assert inventories.asked() == asked

    for file in directory.iterdir():
        os.utime(file, (time.time() - 3700, time.time() - 3700))
    inventories.hosts(path)
    assert inventories.asked() == asked
    # Another question is not answered from the cache of the first.
    hosts = inventories.hosts(inventories.file(**cached, apps=["vault"], details=True))
    assert list(hosts) == ["vault_1"] and hosts["vault_1"]["scalingo_database"]["status"] == "running"
    assert inventories.asked() == {"A1": 2, "A6": 1, "D1": 1}

    # What is incomplete is not kept, so that a region that is back is seen at once.
    path = inventories.file(**cached, apps=["*"], on_failure="warn")
    sandbox.fault(match={"route": "apps", "region": SECOND}, do="status", status=403)
    run = inventories.run(path)
    assert "vault_1" not in loaded(run)["_meta"]["hostvars"]
    sandbox.clear_faults()
    assert "vault_1" in inventories.hosts(path)


@pytest.mark.parametrize("path", ["v1", "api"])
@pytest.mark.parametrize("by_file", [True, False])
def test_by_the_main_api_each_database_costs_one_request_fewer(
    inventories: Inventories, path: str, by_file: bool
) -> None:
    given, variables = (
        ({"api_path": path}, {})
        if by_file
        else ({}, {"SCALINGO_API_PATH": path, "SCALINGO_DB_URL": "https://db.example.com"})
    )
    details = {"details": True, "apps": ["shop", "twins"], "regions": ["osc-fr1"], "token_cache": False}
    before = inventories.hosts(inventories.file(**details))
    asked = inventories.asked()
    assert inventories.hosts(inventories.file(**details, **given), environment=variables) == before
    assert asked["A6"] == asked["D1"] == len(before) and inventories.asked() == asked - collections.Counter(
        A6=len(before)
    )
    assert {record.role for record in inventories.sandbox.log()} == {"auth", "api"}


def test_what_the_inventory_has_found_by_the_main_api_no_task_asks_again(
    inventories: Inventories, sandbox: Sandbox
) -> None:
    path = inventories.file(
        details=True, apps=["shop"], regions=["osc-fr1"], engines=["mysql", "postgresql"], api_path="v1"
    )
    database = {
        "app": "{{ scalingo_app }}",
        "addon": "{{ scalingo_addon_id }}",
        "api_path": "v1",
        "region": "{{ scalingo_region }}",
    }
    play = {"hosts": "all", "gather_facts": False, "tasks": [task("scalingo_backup_info", **database)]}
    inventories.ansible.play([play], "-i", str(path)).ok()
    assert sorted(inventories.asked().items()) == [("A1", 1), ("B1", 2), ("D1", 2), ("exchange", 1), ("regions", 1)]


def test_a_task_needs_no_region_on_a_host_of_another_one(inventories: Inventories) -> None:
    path = inventories.file(regions=[*REGIONS], engines=["mysql"], hostname="scalingo_app ~ '-' ~ scalingo_region")
    play = {
        "hosts": "all",
        "gather_facts": False,
        "module_defaults": {
            "group/community.scalingo.scalingo": {"app": "{{ scalingo_app }}", "addon": "{{ scalingo_addon_id }}"}
        },
        "tasks": [task("scalingo_database_info", "read"), task("scalingo_backup_info", "region", region="osc-fr1")],
    }
    variables = {"SCALINGO_REGION": "osc-fr1", "SCALINGO_IN_PROCESS": "false"}
    run = inventories.ansible.play([play], "-i", str(path), environment=variables).clean()
    found = run.by_host("read")
    assert {result["region"] for result in found.values()} == set(REGIONS)
    assert all(result["region"] in host for host, result in found.items())
    # What the task says counts.
    assert {("osc-fr1" in item.host, item.status) for item in run.tasks("region")} == {(True, "ok"), (False, "failed")}


CACHE = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_timeout": 3600}


def test_the_cache_of_one_account_answers_no_other(inventories: Inventories) -> None:
    path = inventories.file(**CACHE, cache_connection=str(inventories.ansible.directory / "inventory-cache"))
    assert inventories.hosts(path)
    run = inventories.run(path, environment={"SCALINGO_API_TOKEN": "tk-us-wrong-0123456789"})
    assert loaded(run)["_meta"]["hostvars"] == {} and "The API token is refused" in " ".join(run.stderr.split()), str(
        run
    )
    where = inventories.sandbox.params(SECOND)
    inventories.file(**CACHE, cache_connection=str(inventories.ansible.directory / "inventory-cache"), regions=[SECOND])
    for environment in ({}, {"SCALINGO_DB_API_URL": where["db_api_url"]}, {"SCALINGO_API_URL": where["api_url"]}):
        assert list(inventories.hosts(path, environment=environment)) == ["vault_1"]
        assert inventories.asked(), environment
        assert inventories.hosts(path, environment=environment) and not inventories.asked()


def test_a_refresh_within_a_play_reads_again_and_renews_the_cache(inventories: Inventories, sandbox: Sandbox) -> None:
    sandbox.reset(fleet(1, ["mysql"]))
    path = inventories.file(**CACHE, cache_connection=str(inventories.ansible.directory / "inventory-cache"))
    inventories.hosts(path)
    sandbox.reset(fleet(3, ["mysql"]))
    count = {"ansible.builtin.debug": {"msg": "{{ groups['scalingo_databases'] | length }}"}}
    tasks = [
        {"name": "before", **count},
        {"name": "refresh", "ansible.builtin.meta": "refresh_inventory"},
        {"name": "after", **count},
    ]
    run = (
        inventories.ansible.play([{"hosts": "localhost", "gather_facts": False, "tasks": tasks}], "-i", str(path))
        .ok()
        .clean()
    )
    assert [int(run.result(name)["msg"]) for name in ("before", "after")] == [1, 3]
    assert len(inventories.hosts(path)) == 3 and not inventories.asked()


#: What may be in a cache: what was cut off, what is empty, and what somebody else has written.
BROKEN = {
    "truncated": '[{"app": "sh',
    "empty": "",
    "mapping": "{}",
    "text": '"hosts"',
    "other": '[{"app": "shop"}]',
    "number": "[1]",
}


@ON_EACH_CORE
def test_a_cache_that_is_broken_is_a_cache_miss(core: str, inventories: Inventories) -> None:
    inventories.ansible.programs = CORES[core]
    directory = inventories.ansible.directory / "inventory-cache"
    path = inventories.file(**CACHE, cache_connection=str(directory), apps=["vault"])
    inventories.hosts(path)
    (kept,) = directory.iterdir()
    good = json.loads(kept.read_text(encoding="utf-8"))
    for name, text in BROKEN.items():
        # The newer cores have what a plugin gives them in an envelope.
        foreign = (
            text
            if name in ("truncated", "empty") or isinstance(good, list)
            else json.dumps({**good, "__payload__": text})
        )
        kept.write_text(foreign, encoding="utf-8")
        run = inventories.run(path)
        assert run.returncode == 0 and list(loaded(run)["_meta"]["hostvars"]) == ["vault_1"], (name, str(run))
        assert inventories.asked() == {"A1": 2}, name
    assert list(inventories.hosts(path)) == ["vault_1"] and not inventories.asked()


@ON_EACH_CORE
def test_an_app_from_a_vault_goes_with_a_cache(core: str, inventories: Inventories) -> None:
    ansible = inventories.ansible
    ansible.programs = CORES[core]
    password = ansible.directory / "vault-password"
    password.write_text("correct-horse-battery-staple", encoding="utf-8")
    library = VaultLib([(None, VaultSecret(b"correct-horse-battery-staple"))])
    path = inventories.file(**CACHE, cache_connection=str(ansible.directory / "inventory-cache"), apps=["TEXT"])
    lines = library.encrypt("vault").decode().splitlines()
    text = path.read_text(encoding="utf-8").replace(
        "- TEXT", "- !vault |\n" + "".join(f"    {line}\n" for line in lines)
    )
    path.write_text(text, encoding="utf-8")
    for asked in ({"regions": 1, "exchange": 1, "A1": 2}, {}):
        assert list(inventories.hosts(path, options=["--vault-password-file", str(password)])) == ["vault_1"]
        assert inventories.asked() == asked


# -- groups, names, variables ---------------------------------------------------------------------------------------------


def test_groups_variables_and_names(inventories: Inventories, sandbox: Sandbox) -> None:
    path = inventories.file(
        details=True,
        hostname="scalingo_app ~ '-' ~ scalingo_engine",
        group="data",
        keyed_groups=[
            {"key": "scalingo_engine", "prefix": "engine"},
            {"key": "scalingo_region", "prefix": "", "separator": ""},
        ],
        groups={"upgradable": "scalingo_database.next_version_id is not none"},
        compose={"database_version": "scalingo_database.readable_version"},
        strict=True,
    )
    run = inventories.run(path)
    data = loaded(run)
    hosts = data["_meta"]["hostvars"]
    # Both of those that would have the same name get their ID, whatever their order.
    twins = [
        "twins-mysql-ad-00000000-0000-4000-8000-000000000011",
        "twins-mysql-ad-00000000-0000-4000-8000-000000000012",
    ]
    assert sorted(hosts) == sorted(
        [
            "shop-influxdb",
            "shop-mongodb",
            "shop-mysql",
            "shop-postgresql",
            "shop-redis",
            "shop-dedicated-postgresql-ng",
            "vault-mysql",
            *twins,
        ]
    )
    assert data["data"]["hosts"] == list(hosts) or sorted(data["data"]["hosts"]) == sorted(hosts)
    assert sorted(data["engine_mysql"]["hosts"]) == ["shop-mysql", *twins, "vault-mysql"]
    assert data["engine_postgresql_ng"]["hosts"] == ["shop-dedicated-postgresql-ng"]
    assert data["osc_secnum_fr1"]["hosts"] == ["vault-mysql"]
    upgradable = {name for name, item in hosts.items() if item["scalingo_database"]["next_version_id"]}
    assert 0 < len(upgradable) < 9 and set(data["upgradable"]["hosts"]) == upgradable
    assert {name: item["database_version"] for name, item in hosts.items()} == {
        name: item["scalingo_database"]["readable_version"] for name, item in hosts.items()
    }


def test_two_sources_with_one_name_never_share_a_host(inventories: Inventories, sandbox: Sandbox) -> None:
    """A group of one region would act on the database of the other."""
    seed = fleet(2, ["mysql"])
    for app in seed["apps"]:
        app["name"] = "shop"
    sandbox.reset(seed)
    options = {
        "hostname": "scalingo_app ~ '-' ~ scalingo_engine",
        "keyed_groups": [{"key": "scalingo_region", "prefix": "region"}],
    }
    paths = [inventories.file(region, regions=[region], **options) for region in REGIONS]
    run = inventories.run(*paths)
    data = loaded(run)
    second = f"shop-mysql-{seed['apps'][1]['addons'][0]['id']}"
    assert data["region_osc_fr1"]["hosts"] == ["shop-mysql"] and data["region_osc_secnum_fr1"]["hosts"] == [second]
    assert {name: item["scalingo_region"] for name, item in data["_meta"]["hostvars"].items()} == {
        "shop-mysql": REGIONS[0],
        second: SECOND,
    }
    said = " ".join(run.stderr.split())
    assert (
        f"is called {second}, because shop-mysql is the host of the addon mysql" in said
        and "of app shop in osc-fr1 already" in said
    )
    # The same database twice is one host.
    assert len(inventories.hosts(paths[0], inventories.file("again", regions=[REGIONS[0]], **options))) == 1

    machine, listed = (inventories.ansible.directory / (f"{name}.yml") for name in ("machine", "listed"))
    machine.write_text("all: {hosts: {shop-mysql: {ansible_host: 192.0.2.1}}}", encoding="utf-8")
    run = inventories.run(machine, paths[0])
    hosts = loaded(run)["_meta"]["hostvars"]
    assert (
        "scalingo_addon_id" not in hosts["shop-mysql"]
        and len(hosts) == 2
        and "is a host with an address already" in run.stderr
    )
    run = inventories.run(
        inventories.file("odd", regions=[REGIONS[0]], hostname="scalingo_app ~ ' / ' ~ scalingo_engine")
    )
    assert "--limit cannot choose a host by a name such as 'shop / mysql'" in " ".join(run.stderr.split()), str(run)
    # Somebody has put the database into a group, and has given it variables.
    listed.write_text("all: {children: {critical: {hosts: {shop-mysql: {team: one}}}}}", encoding="utf-8")
    data = loaded(
        inventories.run(
            listed, inventories.file("team", regions=[REGIONS[0]], **{**options, "keyed_groups": [{"key": "team"}]})
        )
    )
    assert data["critical"]["hosts"] == data["scalingo_databases"]["hosts"] == data["_one"]["hosts"] == ["shop-mysql"]


@ON_EACH_CORE
def test_a_host_is_never_called_like_this_machine_or_a_group(
    core: str, inventories: Inventories, sandbox: Sandbox
) -> None:
    """The first would be the host that plays on localhost run on, and the variables of the second would be those of the group."""
    inventories.ansible.programs = CORES[core]
    seed = fleet(5, ["mysql"])
    ids = [app["addons"][0]["id"] for app in seed["apps"]]
    for app, name in zip(seed["apps"], ["localhost", "all", "scalingo_databases", "keyed", "other"], strict=True):
        app["name"] = name
    sandbox.reset(seed)
    run = inventories.run(
        inventories.file(hostname="scalingo_app", keyed_groups=[{"key": "'keyed'", "prefix": "", "separator": ""}])
    )
    data = loaded(run)
    names = ["localhost", "all", "scalingo_databases", "keyed"]
    assert set(data["keyed"]["hosts"]) == {*("{}-{}".format(*pair) for pair in zip(names, ids)), "other"}
    assert all("vars" not in group for group in data.values()), "a group has the variables of a host"
    said = " ".join(run.stderr.split())
    assert (
        said.count("is called") == 4
        and "because localhost means this machine" in said
        and "because keyed is a group" in said
    )
    tasks = [{"name": "who", "ansible.builtin.debug": {"msg": "{{ scalingo_addon_id | default('nobody') }}"}}]
    local = inventories.ansible.play(
        [{"hosts": "localhost", "gather_facts": False, "tasks": tasks}],
        "-i",
        str(inventories.file(hostname="scalingo_app")),
    )
    assert local.ok().only.result["msg"] == "nobody"


def test_text_that_looks_like_a_number_stays_text(inventories: Inventories, sandbox: Sandbox) -> None:
    """Native Jinja of the older cores makes a number of it."""
    inventories.ansible.programs = CORES["oldest"]
    seed = fleet(3, ["mysql"])
    for app, name in zip(seed["apps"], ["1e3", "2048", "0-1"], strict=True):
        app["name"] = name
    sandbox.reset(seed)
    options = {
        "hostname": "scalingo_app ~ '_0'",
        "keyed_groups": [{"key": "scalingo_app", "prefix": "app"}],
        "compose": {"name": "scalingo_app"},
    }
    path = inventories.file(apps=["1e3", 2048, "0-1"], **options)
    run = inventories.run(path, environment={"ANSIBLE_JINJA2_NATIVE": "true"})
    data = loaded(run)
    assert {name: item["name"] for name, item in data["_meta"]["hostvars"].items()} == {
        "1e3_0": "1e3",
        "2048_0": "2048",
        "0-1_0": "0-1",
    }
    assert {"app_1e3", "app_2048", "app_0_1"} <= set(data)
    listed = yaml.safe_load(inventories.run(path, options=["--yaml"]).stdout)["all"]["children"]["scalingo_databases"][
        "hosts"
    ]
    assert {name: item["scalingo_app"] for name, item in listed.items()} == {
        "1e3_0": "1e3",
        "2048_0": "2048",
        "0-1_0": "0-1",
    }
    shown = {"name": "show", "ansible.builtin.debug": {"msg": ["{{ scalingo_app }}"]}}
    job = inventories.ansible.play(
        [{"hosts": "1e3_0", "gather_facts": False, "tasks": [shown]}],
        "-i",
        str(path),
        environment={"ANSIBLE_JINJA2_NATIVE": "true"},
    )
    assert job.ok().only.result["msg"] == ["1e3"]


def test_the_documented_inventory_and_the_play_over_it(inventories: Inventories, sandbox: Sandbox) -> None:
    ansible = inventories.ansible
    seed = fleet(2, ["mysql", "redis"])
    for app in seed["apps"]:
        app["name"] = "shop-production"
    sandbox.reset(seed)
    inventory, play = examples()
    path = ansible.directory / "production.scalingo_databases.yml"
    path.write_text(yaml.safe_dump({**inventory, "cache": False}), encoding="utf-8")
    first = ansible.play(play, "-i", str(path)).ok().clean()
    assert set(first.by_host("Back up at three")) == {f"shop-production-mysql-{region}" for region in REGIONS}
    assert {
        addon.database.periodic_backups_scheduled_at[0]
        for app in sandbox.running.world.apps
        for addon in app.addons[:1]
    } == {3}
    assert ansible.play(play, "-i", str(path)).ok().clean().count("changed") == 0


@ON_EACH_CORE
def test_a_play_over_three_databases(core: str, inventories: Inventories, sandbox: Sandbox) -> None:
    """On the controller, with its interpreter, never by SSH; with the tokens that the inventory has acquired; no template in any answer."""
    ansible = inventories.ansible
    ansible.programs = CORES[core]
    seed = fleet(3, ["mysql"])
    seed["apps"][0]["addons"][0]["resource_id"] = "{{ 6 * 7 }}"
    sandbox.reset(seed)
    path = inventories.file(details=True, hostname="scalingo_app")
    tasks = [
        {"name": "connection", "ansible.builtin.ping": {}},
        {"name": "who", "ansible.builtin.command": {"argv": ["/bin/true"]}, "changed_when": False},
        {
            "name": "variables",
            "ansible.builtin.debug": {"msg": ["{{ ansible_python_interpreter }}", "{{ scalingo_resource_id }}"]},
        },
        task(
            "scalingo_database_info",
            "read",
            app="{{ scalingo_app }}",
            addon="{{ scalingo_addon_id }}",
            region="{{ scalingo_region }}",
        ),
    ]
    sandbox.clear_log()
    run = ansible.play(
        [{"hosts": "scalingo_databases", "gather_facts": True, "gather_subset": ["!all"], "tasks": tasks}],
        "-i",
        str(path),
        environment={"ANSIBLE_SSH_EXECUTABLE": "/bin/false", "ANSIBLE_TRANSPORT": "ssh"},
    )
    run.ok().clean()
    assert run.count("unreachable") == 0 and len(run.by_host("connection")) == 3
    shown = {host: result["msg"] for host, result in run.by_host("variables").items()}
    interpreter = str(CORES[core] / "python")
    assert all(same(item[0], interpreter) for item in shown.values())
    assert shown["fleet-000"][1] == "{{ 6 * 7 }}" and shown["fleet-001"][1] == "fleet_001_0"
    for host, result in run.by_host("read").items():
        assert result["databases"][0]["app_name"] == host
        assert result["api_usage"] == {"requests": 1, "writes": 0, "waited_seconds": 0.0, "tokens_reused": 1}
    assert inventories.asked() == {"regions": 1, "exchange": 1, "apps": 2, "A1": 3, "A6": 3, "D1": 6}


def imported(exported: dict[str, t.Any]) -> tuple[dict[str, list[str]], dict[str, dict[str, t.Any]]]:
    """What AWX makes of an export: groups with their hosts, and the hosts that it leaves enabled, with their variables.

    It takes names as they are for keys, and a host is enabled when the text of `enabled_var` is that of `enabled_value`; what is
    in a dictionary has a path to it.
    """
    variables = exported.pop("_meta")["hostvars"]
    groups = {group: list(dict.fromkeys(content.get("hosts", []))) for group, content in exported.items()}
    hosts = {host: variables.get(host, {}) for names in groups.values() for host in names}
    return groups, {host: item for host, item in hosts.items() if str(item.get("scalingo_status")).lower() == "running"}


#: The inventory script that AWX makes of its hosts for a job.
OF_AWX = """#!/bin/sh
cat "$0.json"
"""


@ON_EACH_CORE
def test_an_export_can_be_imported_by_awx_and_used_by_a_job_of_another_environment(
    core: str, inventories: Inventories, sandbox: Sandbox
) -> None:
    ansible = inventories.ansible
    ansible.programs = CORES[core]
    seed = fleet(3, ["mysql", "redis"])
    seed["apps"][1]["addons"][1]["database"] = {"version": "6.2.14-1"}
    seed["apps"][0]["addons"][0]["resource_id"] = "{{ 6 * 7 }}"
    header = "#jinja2:variable_start_string:'[[',variable_end_string:']]'\n"
    seed["apps"][1]["addons"][0].update(
        resource_id=header + "[[ 6 * 7 ]]", database={"hostname": "database.example.com"}
    )
    sandbox.reset(seed)
    unmade = seed["apps"][2]["addons"][0]["id"]
    sandbox.fault(match={"route": "D1", "addon_id": unmade}, do="status", status=404)
    documented = examples()[0]
    # Without a name of its own, a host is called by its resource, whatever the platform says that it is.
    options = {name: documented[name] for name in ("regions", "keyed_groups", "groups", "compose")}
    run = inventories.run(inventories.file(details=True, **options), options=["--export"])
    assert run.returncode == 0 and "WARNING" not in run.stderr, str(run)
    groups, hosts = imported(json.loads(run.stdout))
    odd = [seed["apps"][number]["addons"][0]["id"] for number in (0, 1)]
    assert sorted(groups["scalingo_databases"]) == sorted(
        [*odd, "fleet_000_1", "fleet_001_1", "fleet_002_0", "fleet_002_1"]
    )
    assert sorted(groups["engine_mysql"]) == sorted([*odd, "fleet_002_0"]) and len(hosts) == 6
    assert groups["upgradable"] == ["fleet_001_1"], "a database that is not made yet has no next version"
    plain = hosts["fleet_001_1"]
    assert (
        plain["scalingo_database"]["status"] == "running"
        and plain["scalingo_app"] == "fleet-001"
        and plain["ansible_connection"] == "local"
    )
    assert plain["database_version"] == plain["scalingo_database"]["readable_version"] != ""
    assert hosts[odd[0]]["scalingo_resource_id"] == {"__ansible_unsafe": "{{ 6 * 7 }}"}
    assert sorted(name for name, item in hosts.items() if "__ansible_unsafe" in json.dumps(item)) == odd
    assert [item["database_version"] for item in hosts.values() if isinstance(item["database_version"], dict)] == []

    script = ansible.directory / "awx-inventory"
    script.write_text(OF_AWX, encoding="utf-8")
    script.chmod(0o755)
    (ansible.directory / "awx-inventory.json").write_text(run.stdout, encoding="utf-8")
    (other,) = [name for name in CORES if name != core]
    ansible.programs = CORES[other]
    shown = {
        "name": "show",
        "ansible.builtin.debug": {"msg": ["{{ ansible_python_interpreter }}", "{{ scalingo_resource_id }}"]},
    }
    tasks = [{"name": "ping", "ansible.builtin.ping": {}}, shown]
    job = (
        ansible.play([{"hosts": "scalingo_databases", "gather_facts": False, "tasks": tasks}], "-i", str(script))
        .ok()
        .clean()
    )
    assert len(job.by_host("ping")) == 6
    said = {host: result["msg"] for host, result in job.by_host("show").items()}
    assert all(same(interpreter, str(CORES[other] / "python")) for interpreter, dummy in said.values())
    assert (
        said[odd[0]][1] == "{{ 6 * 7 }}"
        and said[odd[1]][1].startswith("#jinja2")
        and said["fleet_001_1"][1] == "fleet_001_1"
    )


HALF: dict[str, dict[str, t.Any]] = {
    "strict": {"strict": True, "keyed_groups": [{"key": "'x' if scalingo_app != 'fleet-002' else nothing.at.all"}]},
    "contradiction": {"keyed_groups": [{"key": "scalingo_app", "default_value": "x", "trailing_separator": True}]},
    "loop": {
        "groups": {"within": True},
        "keyed_groups": [{"key": "scalingo_app", "prefix": "", "separator": "", "parent_group": "within"}],
    },
}


@pytest.mark.parametrize(
    ("case", "core"), [("strict", "this"), ("strict", "oldest"), ("contradiction", "oldest"), ("loop", "this")]
)
def test_a_source_that_fails_gives_no_host_at_all(
    case: str, core: str, inventories: Inventories, sandbox: Sandbox
) -> None:
    """Its other hosts would be half of what somebody meant, and the play would run on them."""
    ansible = inventories.ansible
    ansible.programs = CORES[core]
    sandbox.reset(fleet(4, ["mysql"]))
    static = ansible.directory / "static.yml"
    # The group "within" is in a group that the third database would make its parent.
    static.write_text(
        "all: {hosts: {other: {ansible_connection: local}}, children: {fleet_002: {children: {within: {}}}}}",
        encoding="utf-8",
    )
    tasks = [{"name": "act", "ansible.builtin.debug": {"msg": "acted"}}]
    run = ansible.play(
        [{"hosts": "all", "gather_facts": False, "tasks": tasks}],
        "-i",
        str(static),
        "-i",
        str(inventories.file(**HALF[case])),
    )
    assert "Unable to parse" in run.stderr, str(run)
    assert set(run.by_host("act")) == {"other"}


def test_no_secret_is_in_a_variable_a_cache_or_a_log(inventories: Inventories, sandbox: Sandbox) -> None:
    directory = inventories.ansible.directory / "inventory-cache"
    log = inventories.ansible.directory / "ansible.log"
    path = inventories.file(
        details=True, cache=True, cache_plugin="ansible.builtin.jsonfile", cache_connection=str(directory)
    )
    run = inventories.run(path, options=["-vvvv"], environment={"ANSIBLE_LOG_PATH": str(log), "ANSIBLE_DEBUG": "false"})
    (kept,) = directory.iterdir()
    secrets = {sandbox.api_token, base64.b64encode((":" + sandbox.api_token).encode()).decode(), *inventories.tokens()}
    secrets |= {addon.database.password for app in sandbox.running.world.apps for addon in app.addons}
    assert len(secrets) >= 2 + 10 + 9
    texts = {
        "the output": run.output,
        "the cache": kept.read_text(encoding="utf-8"),
        "the log": log.read_text(encoding="utf-8"),
    }
    assert "vault_1" in texts["the output"] and "vault_1" in texts["the cache"]
    assert [place for place, text in texts.items() for secret in secrets if secret in text] == []
    assert not re.search(r"://[^/\s\"]*:[^/\s\"]*@", texts["the cache"])


# -- what goes wrong ------------------------------------------------------------------------------------------------------


def test_a_region_that_fails_half_is_an_error_or_a_warning(inventories: Inventories, sandbox: Sandbox) -> None:
    seed = fleet(6, ["mysql"])
    sandbox.reset(seed)
    sandbox.fault(match={"route": "A1", "app": "fleet-003"}, do="status", status=403, body={"error": "not for you"})
    sandbox.fault(
        match={"route": "D1", "app": "fleet-004"}, do="status", status=403, body={"error": "not for you either"}
    )

    run = inventories.run(
        inventories.file(details=True), environment={"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"}
    )
    assert run.returncode != 0
    for words in (
        "app fleet-003 in osc-secnum-fr1:",
        "not for you",
        "of app fleet-004 in osc-fr1",
        "not for you either",
    ):
        assert words in " ".join(run.stderr.split()), str(run)

    run = inventories.run(inventories.file(details=True, on_failure="warn"))
    hosts = loaded(run)["_meta"]["hostvars"]
    assert sorted(item["scalingo_app"] for item in hosts.values()) == [
        "fleet-000",
        "fleet-001",
        "fleet-002",
        "fleet-005",
    ]
    said = " ".join(run.stderr.split())
    assert said.count("is left out:") == 2, str(run)
    for words in ("app fleet-003 in osc-secnum-fr1 is left out", "of app fleet-004 in osc-fr1 is left out"):
        assert words in said, str(run)


def test_a_token_that_is_refused_is_tried_once(inventories: Inventories) -> None:
    path = inventories.file(apps=["shop", "twins", "shop-dedicated"], regions=["osc-fr1"])
    run = inventories.run(path, environment={"SCALINGO_API_TOKEN": "tk-us-wrong-0123456789"})
    assert "The API token is refused" in " ".join(run.stderr.split()) and "tk-us-wrong" not in run.output
    assert routes(inventories.sandbox.log()).count("exchange") == 1 and "A1" not in inventories.asked()


@ON_EACH_CORE
def test_a_database_that_is_being_made_has_a_name_too(core: str, inventories: Inventories, sandbox: Sandbox) -> None:
    inventories.ansible.programs = CORES[core]
    sandbox.reset(seed := fleet(3, ["mysql"]))
    unmade = seed["apps"][1]["addons"][0]["id"]
    sandbox.fault(match={"route": "D1", "addon_id": unmade}, do="status", status=404)
    path = inventories.file(details=True, hostname="scalingo_database.resource_id")
    run = inventories.run(path)
    assert set(loaded(run)["_meta"]["hostvars"]) == {"fleet_000_0", unmade, "fleet_002_0"}
    said = f"The host of the addon mysql ({unmade}) of app fleet-001 in osc-secnum-fr1 is called by its ID while the platform is making"
    assert said in " ".join(run.stderr.split()), str(run)


@ON_EACH_CORE
def test_an_expression_that_fails_for_every_host_is_warned_about(
    core: str, inventories: Inventories, sandbox: Sandbox
) -> None:
    inventories.ansible.programs = CORES[core]
    sandbox.reset(fleet(2, ["mysql"]))
    only_one = "scalingo_app if scalingo_app == 'fleet-001' else nothing.at.all"
    path = inventories.file(
        compose={"good": "scalingo_app", "version": "scalingo_databse.readable_version", "one": only_one},
        groups={"good": True, "old": "scalingo_databse.old", "first": f"({only_one}) == 'fleet-001'"},
        keyed_groups=[
            {"key": "scalingo_egnine", "prefix": "engine"},
            {"key": only_one},
            {"key": "scalingo_engine", "parent_group": "{{ nothing.at.all }}"},
        ],
    )
    run = inventories.run(path)
    said = " ".join(run.stderr.split())
    assert said.count("fails for every host") == 4, str(run)
    for words in (
        "compose.version fails for every host", "groups.old fails for every host",
        "keyed_groups with the key scalingo_egnine fails for every host", "keyed_groups with the key scalingo_engine fails for every host",
    ):  # fmt: skip
        assert words in said, str(run)
    data = loaded(run)
    assert len(data["good"]["hosts"]) == 2 and data["first"]["hosts"] == data["_fleet_001"]["hosts"] == ["fleet_001_0"]
    assert (
        data["_meta"]["hostvars"]["fleet_001_0"]["one"] == "fleet-001"
        and "one" not in data["_meta"]["hostvars"]["fleet_000_0"]
    )


def test_a_listed_app_without_its_addons_is_never_taken_for_an_empty_one(
    inventories: Inventories, sandbox: Sandbox
) -> None:
    sandbox.reset(fleet(4, ["mysql"]))
    sandbox.fault(
        match={"route": "A1", "app": "fleet-002"},
        do="status",
        status=404,
        body={"resource": "App", "error": "not found"},
    )
    words = "app fleet-002 in osc-fr1%s: The region lists it and answers 404 for its addons"
    run = inventories.run(inventories.file())
    assert loaded(run)["_meta"]["hostvars"] == {} and words % "" in " ".join(run.stderr.split()), str(run)
    path = inventories.file(
        **CACHE, cache_connection=str(inventories.ansible.directory / "inventory-cache"), on_failure="warn"
    )
    run = inventories.run(path)
    assert len(loaded(run)["_meta"]["hostvars"]) == 3 and words % " is left out" in " ".join(run.stderr.split()), str(
        run
    )
    sandbox.clear_faults()
    assert len(inventories.hosts(path)) == 4


def test_a_file_with_another_name_is_told_why_it_is_not_read(inventories: Inventories) -> None:
    path = inventories.file().rename(inventories.ansible.directory / "databases.yml")
    for enabled in (None, f"{PLUGIN}, yaml"):
        run = inventories.run(path, environment={"ANSIBLE_INVENTORY_ENABLED": enabled})
        assert "is not read, because its name does not end in scalingo_databases.yml or" in " ".join(
            run.stderr.split()
        ), str(run)
    other = inventories.ansible.directory / "hosts.yml"
    other.write_text("all: {hosts: {one: }}", encoding="utf-8")
    assert (
        "is not read" not in inventories.run(other, environment={"ANSIBLE_INVENTORY_ENABLED": f"{PLUGIN}, yaml"}).stderr
    )


@ON_EACH_CORE
def test_ctrl_c_ends_it_at_once_and_sends_nothing_more(core: str, inventories: Inventories, sandbox: Sandbox) -> None:
    ansible = inventories.ansible
    sandbox.reset(fleet(16, ["mysql"]))
    sandbox.fault(match={"route": "A1"}, do="slow", seconds=60)
    process = subprocess.Popen(
        [str(CORES[core] / "ansible-inventory"), "-i", str(inventories.file()), "--list"],
        cwd=ansible.directory, env=ansible.variables(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        # Whoever runs the tests in the background has it ignored, and so has all that comes from there.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )  # fmt: skip
    try:
        until(lambda: inventories.asked()["A1"] == 4, "four requests that are under way")
        process.send_signal(signal.SIGINT)
        output, dummy = process.communicate(timeout=50)
    finally:
        process.kill()
    assert process.returncode not in (0, None) and "Traceback" not in output, output
    assert inventories.asked()["A1"] == 4


def test_the_file_beats_the_environment(inventories: Inventories, sandbox: Sandbox) -> None:
    """Everything of the first region is in the environment; its addresses count for that region and for no other."""
    everything = {**sandbox.environment(), "SCALINGO_APP": "twins", "SCALINGO_ADDON": "redis", "SCALINGO_CA_PATH": ""}
    hosts = inventories.hosts(inventories.file("both"), environment=everything)
    assert {item["scalingo_region"] for item in hosts.values()} == set(REGIONS)
    assert {(record.region, record.app) for record in sandbox.log() if record.route == "A1"} >= {
        ("osc-fr1", "shop"),
        (SECOND, "vault"),
    }
    assert set(inventories.hosts(inventories.file("second", regions=[SECOND]), environment=everything)) == {"vault_1"}
    # Nothing is named, null, or blank: the region of the environment, at its addresses.
    for regions in (None, ""):
        assert "shop_1001" in inventories.hosts(
            inventories.file("first", regions=regions, api_url=None, ca_path=""), environment=everything
        )
        assert "regions" not in inventories.asked()
    run = inventories.run(
        inventories.file("first", regions=None), environment={**everything, "SCALINGO_REGION": ",".join(REGIONS)}
    )
    assert "api_url and db_api_url are addresses of one region" in " ".join(run.stderr.split()) and sandbox.log() == []


@ON_EACH_CORE
def test_options_may_be_templates(core: str, inventories: Inventories) -> None:
    inventories.ansible.programs = CORES[core]
    token = str(inventories.ansible.environment.pop("SCALINGO_API_TOKEN"))
    path = inventories.file(
        api_token="{{ lookup('ansible.builtin.env', 'OTHER_NAME') }}",
        regions="{{ 'osc-fr1,osc-secnum-fr1'.split(',') }}",
        apps=["{{ first }}", "va{# nothing #}ult", "shop"],
        engines="{{ kinds }}",
        details="{{ 1 == 2 }}",
        parallel="{{ 1 + 1 }}",
        api_timeout=None,
        on_failure=" ",
        # Expressions stay what they are.
        compose={"place": "scalingo_region ~ '!'"},
    )
    options = ["-e", json.dumps({"first": "twins", "kinds": ["mysql"]})]
    hosts = inventories.hosts(path, options=options, environment={"SCALINGO_API_TOKEN": "", "OTHER_NAME": token})
    assert {(item["scalingo_app"], item["scalingo_engine"]) for item in hosts.values()} == {
        ("twins", "mysql"),
        ("vault", "mysql"),
        ("shop", "mysql"),
    }
    assert all(
        item["place"] == item["scalingo_region"] + "!" and item["scalingo_database"] is None for item in hosts.values()
    )


BAD = yaml.safe_load(Path(__file__).with_name("bad_inventories.yml").read_text(encoding="utf-8"))


def test_what_is_wrong_is_said_in_a_sentence(inventories: Inventories) -> None:
    """All in one process: each file is refused on its own, and the good one among them gives its hosts."""
    paths = [inventories.file(name, **options) for name, (options, dummy) in BAD.items()]
    run = inventories.run(*paths, inventories.file("good", apps=["vault"]))
    assert "vault_1" in loaded(run)["_meta"]["hostvars"]
    said = " ".join(re.sub(r"\s+", " ", run.stderr).split())
    assert [name for name, (dummy, words) in BAD.items() if words not in said] == [], str(run)
    assert "two words" not in said
