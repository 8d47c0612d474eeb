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
import sys
import time
import typing as t
from pathlib import Path

import pytest
import yaml
from scalingo_sandbox.testing import Sandbox
from support.playbook import ROOT, Ansible, Run, task
from support.shop import SEED, routes

REGIONS = ("osc-fr1", "osc-secnum-fr1")
ENGINES = ("mysql", "postgresql", "mongodb", "redis", "influxdb")
PLUGIN = "community.scalingo.scalingo_databases"
SECOND = REGIONS[1]


def fleet(apps: int, engines: t.Sequence[str] = ENGINES) -> dict[str, t.Any]:
    """That many apps in two regions, each with a database of each kind."""
    return {
        "user": SEED["user"],
        "apps": [
            {
                "name": "fleet-%03d" % number,
                "region": REGIONS[number % 2],
                "addons": [
                    {"provider": engine, "id": "ad-00000000-0000-4000-a%03d-%012d" % (kind, number), "resource_id": "fleet_%03d_%d" % (number, kind)}
                    for kind, engine in enumerate(engines)
                ],
            }
            for number in range(apps)
        ],
    }


def loaded(run: Run) -> dict[str, t.Any]:
    """What C(ansible-inventory --list) printed. It marks text that is no template; here that is plain text."""

    def plain(mapping: dict[str, t.Any]) -> t.Any:
        return mapping["__ansible_unsafe"] if list(mapping) == ["__ansible_unsafe"] else mapping

    return t.cast("dict[str, t.Any]", json.loads(run.stdout, object_hook=plain))


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
        path = self.ansible.directory / ("%s.scalingo_databases.yml" % name)
        path.write_text(yaml.safe_dump({"plugin": PLUGIN, "regions": list(REGIONS), **options}), encoding="utf-8")
        return path

    def run(self, *paths: Path, options: t.Sequence[str] = (), environment: t.Mapping[str, str] | None = None, timeout: float = 120) -> Run:
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
        entries = [json.loads(path.read_text(encoding="utf-8")) for path in self.ansible.home.rglob("community.scalingo/*.json")]
        return {entry["token"] for entry in entries if "token" in entry}


@pytest.fixture
def inventories(ansible: Ansible, sandbox: Sandbox) -> Inventories:
    return Inventories(ansible, sandbox)


def same(one: str, other: str) -> bool:
    """Whether two interpreters are the same one, with the same packages: their directory may have several names."""
    return os.path.realpath(os.path.dirname(one)) == os.path.realpath(os.path.dirname(other))


def documented(pattern: str) -> int:
    text = (ROOT / "plugins" / "inventory" / "scalingo_databases.py").read_text(encoding="utf-8")
    (found,) = re.findall(pattern, text)
    return int(found)


# -- what it costs -----------------------------------------------------------------------------------------------------


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
    assert sum(inventories.asked().values()) == documented(r"500 databases in 100 apps of two regions are (\d+) requests") + 1  # the regions
    refused = [record for record in sandbox.log() if record.status == 429]
    assert refused, "the limit was never reached: the test shows nothing"
    assert len(refused) <= 10, "the threads did not share their pace: %d requests were refused" % len(refused)

    for name, variables in hosts.items():
        assert variables["scalingo_resource_id"] == name and variables["scalingo_database"] is None
        assert variables["ansible_connection"] == "local" and same(variables["ansible_python_interpreter"], sys.executable)
    assert collections.Counter((item["scalingo_region"], item["scalingo_engine"]) for item in hosts.values()) == {
        (region, engine): 50 for region in REGIONS for engine in ENGINES
    }


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
def test_details_cost_two_requests_a_database_whether_tokens_are_kept_or_not(kept: bool, inventories: Inventories, sandbox: Sandbox) -> None:
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
    cached = {"cache": True, "cache_plugin": "ansible.builtin.jsonfile", "cache_connection": str(directory), "cache_timeout": 3600}
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


# -- groups, names, variables ---------------------------------------------------------------------------------------------


def test_groups_variables_and_names(inventories: Inventories, sandbox: Sandbox) -> None:
    path = inventories.file(
        details=True,
        hostname="scalingo_app ~ '-' ~ scalingo_engine",
        group="data",
        keyed_groups=[{"key": "scalingo_engine", "prefix": "engine"}, {"key": "scalingo_region", "prefix": "", "separator": ""}],
        groups={"upgradable": "scalingo_database.next_version_id is not none"},
        compose={"database_version": "scalingo_database.readable_version"},
        strict=True,
    )
    run = inventories.run(path)
    data = loaded(run)
    hosts = data["_meta"]["hostvars"]
    # Both of those that would have the same name get their ID, whatever their order.
    twins = ["twins-mysql-ad-00000000-0000-4000-8000-000000000011", "twins-mysql-ad-00000000-0000-4000-8000-000000000012"]
    assert sorted(hosts) == sorted(
        ["shop-influxdb", "shop-mongodb", "shop-mysql", "shop-postgresql", "shop-redis", "shop-dedicated-postgresql-ng", "vault-mysql", *twins]
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


CORES = {"this": Path(sys.executable).parent, "oldest": ROOT / ".cache" / "core-2.16" / "bin"}


@pytest.mark.parametrize("core", list(CORES))
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
        {"name": "variables", "ansible.builtin.debug": {"msg": ["{{ ansible_python_interpreter }}", "{{ scalingo_resource_id }}"]}},
        task("scalingo_database_info", "read", app="{{ scalingo_app }}", addon="{{ scalingo_addon_id }}", region="{{ scalingo_region }}"),
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


def test_no_secret_is_in_a_variable_a_cache_or_a_log(inventories: Inventories, sandbox: Sandbox) -> None:
    directory = inventories.ansible.directory / "inventory-cache"
    log = inventories.ansible.directory / "ansible.log"
    path = inventories.file(details=True, cache=True, cache_plugin="ansible.builtin.jsonfile", cache_connection=str(directory))
    run = inventories.run(path, options=["-vvvv"], environment={"ANSIBLE_LOG_PATH": str(log), "ANSIBLE_DEBUG": "false"})
    (kept,) = directory.iterdir()
    secrets = {sandbox.api_token, base64.b64encode((":" + sandbox.api_token).encode()).decode(), *inventories.tokens()}
    secrets |= {addon.database.password for app in sandbox.running.world.apps for addon in app.addons}
    assert len(secrets) >= 2 + 10 + 9
    texts = {"the output": run.output, "the cache": kept.read_text(encoding="utf-8"), "the log": log.read_text(encoding="utf-8")}
    assert "vault_1" in texts["the output"] and "vault_1" in texts["the cache"]
    assert [place for place, text in texts.items() for secret in secrets if secret in text] == []
    assert not re.search(r"://[^/\s\"]*:[^/\s\"]*@", texts["the cache"])


# -- what goes wrong ------------------------------------------------------------------------------------------------------


def test_a_region_that_fails_half_is_an_error_or_a_warning(inventories: Inventories, sandbox: Sandbox) -> None:
    seed = fleet(6, ["mysql"])
    sandbox.reset(seed)
    sandbox.fault(match={"route": "A1", "app": "fleet-003"}, do="status", status=403, body={"error": "not for you"})
    sandbox.fault(match={"route": "D1", "app": "fleet-004"}, do="status", status=403, body={"error": "not for you either"})

    run = inventories.run(inventories.file(details=True), environment={"ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "true"})
    assert run.returncode != 0
    for words in ("app fleet-003 in osc-secnum-fr1:", "not for you", "of app fleet-004 in osc-fr1", "not for you either"):
        assert words in " ".join(run.stderr.split()), str(run)

    run = inventories.run(inventories.file(details=True, on_failure="warn"))
    hosts = loaded(run)["_meta"]["hostvars"]
    assert sorted(item["scalingo_app"] for item in hosts.values()) == ["fleet-000", "fleet-001", "fleet-002", "fleet-005"]
    said = " ".join(run.stderr.split())
    assert said.count("is left out:") == 2, str(run)
    for words in ("app fleet-003 in osc-secnum-fr1 is left out", "of app fleet-004 in osc-fr1 is left out"):
        assert words in said, str(run)


def test_a_token_that_is_refused_is_tried_once(inventories: Inventories) -> None:
    path = inventories.file(apps=["shop", "twins", "shop-dedicated"], regions=["osc-fr1"])
    run = inventories.run(path, environment={"SCALINGO_API_TOKEN": "tk-us-wrong-0123456789"})
    assert "The API token is refused" in " ".join(run.stderr.split()) and "tk-us-wrong" not in run.output
    assert routes(inventories.sandbox.log()).count("exchange") == 1 and "A1" not in inventories.asked()


BAD: dict[str, tuple[dict[str, t.Any], str]] = {
    "misspelled": ({"region": "osc-fr1"}, "there is no option region: did you mean regions?"),
    "unknown_app": ({"apps": ["shop", "nowhere"]}, "app nowhere: It is not visible in osc-fr1 or osc-secnum-fr1 with this API token"),
    "unknown_beside_a_pattern": ({"apps": ["twi*", "nowhere"]}, "app nowhere: It is not visible in osc-fr1 or osc-secnum-fr1"),
    "unknown_region": ({"regions": ["osc-mars1"]}, "Region osc-mars1 does not exist. The regions of this account are: osc-fr1, osc-secnum-fr1"),
    "region_form": ({"regions": ["OSC FR1"]}, "region 'OSC FR1' has not the form of a region"),
    "parallel": ({"parallel": 0}, "parallel is 0: use a number from 1 up"),
    "parallel_text": ({"parallel": "many"}, "parallel"),
    "engine": ({"engines": ["oracle"]}, "oracle"),
    "on_failure": ({"on_failure": "ignore"}, "ignore"),
    "addresses": ({"api_url": "https://api.example.com"}, "api_url and db_api_url are addresses of one region"),
    "clear_text": ({"auth_url": "http://auth.example.com"}, "auth_url"),
    "name_of_host": ({"hostname": "scalingo_nothing.at.all", "apps": ["vault"]}, "hostname cannot be computed"),
    "condition": ({"strict": True, "groups": {"old": "scalingo_nothing.at.all"}, "apps": ["vault"]}, "old"),
    "token": ({"api_token": "two words"}, "api_token holds a character that no token has"),
}


def test_what_is_wrong_is_said_in_a_sentence(inventories: Inventories) -> None:
    """All in one process: each file is refused on its own, and the good one among them gives its hosts."""
    paths = [inventories.file(name, **options) for name, (options, dummy) in BAD.items()]
    run = inventories.run(*paths, inventories.file("good", apps=["vault"]))
    assert "vault_1" in loaded(run)["_meta"]["hostvars"]
    said = " ".join(re.sub(r"\s+", " ", run.stderr).split())
    assert [name for name, (dummy, words) in BAD.items() if words not in said] == [], str(run)
    assert "two words" not in said
