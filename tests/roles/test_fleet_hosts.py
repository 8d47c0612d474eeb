# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How databases become hosts: of a list and of an inventory, and each way to choose none, or those that nobody meant."""

from __future__ import annotations

import json
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from scalingo_sandbox.testing import Sandbox
from support.playbook import ROOT, Ansible, Run, oldest_core

PLAYBOOK = """
- ansible.builtin.import_playbook: community.scalingo.hosts
  vars:
    scalingo_hosts_databases: "{{ listed | default('') }}"
    scalingo_hosts_apps: "{{ apps | default('') }}"
    scalingo_hosts_regions: "{{ regions | default('') }}"
    scalingo_hosts: "{{ pattern | default('') }}"
    scalingo_hosts_statistic: scalingo_drift
- hosts: scalingo_fleet
  gather_facts: false
  tasks:
    - name: Target
      ansible.builtin.set_fact: {target: "{{ scalingo_target }}"}
    - name: Connection
      ansible.builtin.debug: {msg: "{{ ansible_connection }} {{ ansible_become }}"}
    - name: Order
      run_once: true
      ansible.builtin.debug: {msg: "{{ ansible_play_hosts_all }}"}
"""
#: What a group may say that was made for other machines.
HOSTILE = {
    **{"ansible_become": True, "ansible_connection": "ssh", "ansible_host": "192.0.2.1", "ansible_user": "nobody"},
    **{"ansible_python_interpreter": "/nowhere/python"},
}
INVENTORY = {
    "all": {
        "vars": HOSTILE,
        "children": {
            "web": {"hosts": {"web1": None}},
            "scalingo_databases": {
                "hosts": {
                    "one": {**{"scalingo_app": "shop", "scalingo_addon_id": "ad-1"}, "scalingo_engine": "mysql"},
                    "two": {"scalingo_app": "blog", "scalingo_engine": "redis", "scalingo_region": "osc-fr1"},
                }
            },
        },
    }
}
LISTED = [{"app": "shop", "addon": "mysql", "to": "8.4"}, {"name": "ledger", "app": "books", "addon_id": "ad-2"}]
SEED: dict[str, t.Any] = {
    "apps": [{"name": "shop", "addons": [{"provider": "mysql"}]}, {"name": "blog", "addons": [{"provider": "redis"}]}],
}
NEWEST = ROOT / ".cache" / "core-newest" / "bin"


class Hosts(Ansible):
    def choose(self, *options: str, **variables: t.Any) -> Run:
        path = self.directory / "databases.yml"
        path.write_text(yaml.safe_dump(INVENTORY), encoding="utf-8")
        return self.play(PLAYBOOK, "-e", json.dumps(variables), *options)

    def of_inventory(self, *options: str, **variables: t.Any) -> Run:
        return self.choose("-i", str(self.directory / "databases.yml"), *options, **variables)


@pytest.fixture(params=["oldest", pytest.param("newest", marks=pytest.mark.long)])
def ansible(request: pytest.FixtureRequest, tmp_path: Path) -> Hosts:
    newest = NEWEST if NEWEST.exists() else Path(sys.executable).parent
    return Hosts(tmp_path, programs=oldest_core() if request.param == "oldest" else newest)


def targets(run: Run) -> dict[str, t.Any]:
    """In the order of the hosts: their results come as they are ready."""
    assert {item.result["msg"] for item in run.ok().tasks("Connection")} == {"local False"}
    found = {host: result["ansible_facts"]["target"] for host, result in run.by_host("Target").items()}
    order = run.result("Order")["msg"]
    assert sorted(order) == sorted(found)
    return {host: found[host] for host in order}


def test_the_entries_of_a_list_are_hosts(ansible: Hosts) -> None:
    expected = {"shop/mysql": {**LISTED[0], "name": "shop/mysql"}, "ledger": LISTED[1]}
    chosen = targets(ansible.choose(listed=LISTED))
    assert chosen == expected and list(chosen) == ["shop/mysql", "ledger"]
    assert targets(ansible.choose(listed=json.dumps(LISTED))) == expected
    # Of an inventory that is there for something else, and by a rulebook without hosts, whose limit is blank.
    assert targets(ansible.of_inventory("--limit", "", listed=LISTED)) == expected


def test_the_hosts_of_an_inventory_are_hosts(ansible: Hosts) -> None:
    one = {"name": "one", "app": "shop", "addon": "mysql", "addon_id": "ad-1"}
    two = {"name": "two", "app": "blog", "addon": "redis", "region": "osc-fr1"}
    assert targets(ansible.of_inventory()) == {"one": one, "two": two}
    assert targets(ansible.of_inventory("--limit", "two")) == {"two": two}
    assert targets(ansible.of_inventory(pattern="scalingo_databases:!two")) == {"one": one}


@pytest.mark.parametrize(
    ("from_inventory", "options", "variables", "sentence"),
    [
        (False, [], {}, "no database is selected: the inventory has no host in scalingo_databases, and neither"),
        (True, [], {"pattern": "web"}, "the host web1 is no database"),
        (True, [], {"listed": LISTED, "pattern": "scalingo_databases"}, "are both given"),
        (False, ["--limit", "shop/mysql"], {"apps": "*"}, "--limit cannot choose from a list of databases"),
        (False, [], {"listed": LISTED, **dict.fromkeys(("awx_job_template_name", "awx_workflow_job_name"), "up")}, "a slice"),
        # A play on localhost is left out then.
        (False, ["--limit", "ledger"], {"listed": LISTED}, "--limit cannot choose from a list of databases"),
        (False, ["--limit", "localhost"], {"listed": LISTED}, "--limit cannot choose from a list of databases"),
        # Most of these sentences are in tests/unit/test_fleet_hosts.py, too.
        *(pytest.param(*case, marks=pytest.mark.long) for case in (
            (True, [], {"pattern": "nobody"}, "no database is selected: the inventory has no host in nobody"),
            (True, [], {"listed": [{"name": "one", "addon": "x"}]}, "one is a host of the inventory, too"),
            (True, [], {"listed": LISTED, "apps": "shop"}, "scalingo_hosts_databases and scalingo_hosts_apps are both given"),
            (False, [], {"listed": LISTED * 2}, "two databases are called shop/mysql"),
            (False, [], {"listed": [{"app": "shop"}]}, "scalingo_hosts_databases[0] has no addon"),
            (False, [], {"listed": [{"name": "a:22", "addon": "x"}]}, "is called 'a:22': give a name without"),
            (False, [], {"listed": [{"app": "a b", "addon": "x"}]}, 'scalingo_hosts_databases[0].app is "a b": give '),
            (False, [], {"listed": "shop"}, 'scalingo_hosts_databases is "shop": give '),
            (True, ["--limit", "web1"], {}, "no database is selected: --limit web1 leaves no host of scalingo_databases"),
        )),
    ],
)  # fmt: skip
def test_what_is_refused_with_a_sentence(
    from_inventory: bool, options: list[str], variables: dict[str, t.Any], sentence: str, ansible: Hosts
) -> None:
    run = (ansible.of_inventory if from_inventory else ansible.choose)(*options, **variables)
    assert run.returncode in (1, 2, 4) and sentence in run.output.replace('\\"', '"'), str(run)
    assert "Traceback" not in run.output and not run.tasks("Target")
    if not options:
        data = run.failed().result("Publish the summary")["ansible_stats"]["data"]
        assert data["scalingo_drift"]["outcome"] == "failed" and sentence in data["scalingo_drift"]["findings"][0]


def test_patterns_find_the_hosts(sandbox: Sandbox, ansible: Hosts) -> None:
    ansible.environment.update(sandbox.environment())
    one = {"name": "shop/mysql", "app": "shop", "addon": "mysql", "addon_id": sandbox.addon_id("shop", "mysql")}
    assert targets(ansible.choose(apps="sho?, blog-*")) == {"shop/mysql": {**one, "region": "osc-fr1"}}
    assert list(targets(ansible.choose(apps='["*"]', regions=["osc-fr1"]))) == ["blog/redis", "shop/mysql"]
    nothing = ansible.choose(apps="nothing-*").failed()
    assert "no database is selected: no database matches" in nothing.output
    data = ansible.choose(apps="shop,nobody").failed().result("Publish the summary")["ansible_stats"]["data"]
    assert "not all databases are known, as 1 could not be listed" in data["scalingo_drift"]["findings"][0]


def test_a_second_list_in_the_same_run_is_refused(ansible: Hosts) -> None:
    twice = PLAYBOOK + PLAYBOOK.replace("listed |", "others |")
    given = {"listed": LISTED, "others": LISTED[:1]}
    run = ansible.play(twice, "-e", json.dumps(given)).failed()
    assert "this run was about other databases before, such as ledger" in run.output
    assert len(ansible.play(twice, "-e", json.dumps({**given, "others": LISTED})).ok().tasks("Target")) == 4


def test_an_entry_with_a_password_is_never_shown(ansible: Hosts) -> None:
    wanted = {"users": [{"name": "reporting", "password": "canary-0123456789"}]}
    run = ansible.choose("-vvv", listed=[{"app": "shop", "addon": "mysql", "wanted": wanted}])
    shown = [line for line in run.ok().output.splitlines() if "canary" in line]
    # The test itself shows it, and what the command line says.
    assert [line for line in shown if "TASK" in line or "add_host" in line or "scalingo_hosts" in line] == []
