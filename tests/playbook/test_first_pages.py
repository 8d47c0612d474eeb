# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The pages for newcomers, run as they stand against a sandbox as they start it: its own seed, and the variables that it prints."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest
import yaml
from scalingo_sandbox.seed import load
from scalingo_sandbox.testing import Sandbox
from support.pages import Page, blocks_of
from support.playbook import ROOT, Ansible

FIRST_STEPS = Page("first_steps")
INVENTORY = Page("inventory")
SANDBOX = Page("sandbox")
SEED = yaml.safe_load((ROOT / "tests/sandbox/src/scalingo_sandbox/data/default.yml").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def default_sandbox() -> t.Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(default_sandbox: Sandbox) -> Sandbox:
    default_sandbox.reset()
    default_sandbox.clear_log()
    return default_sandbox


@pytest.fixture
def ansible(sandbox: Sandbox, tmp_path: Path) -> Ansible:
    return Ansible(tmp_path, sandbox.running.exports())


def written(sandbox: Sandbox) -> list[str]:
    return [record.action_name or record.route for record in sandbox.unsafe() if record.role != "auth"]


def outputs(page: Page) -> list[str]:
    """What the page shows of outputs, with its lines joined as they may be wrapped elsewhere."""
    return [" ".join(block.text.split()) for block in blocks_of(page.path) if block.kind == "text"]


def test_first_steps(ansible: Ansible, sandbox: Sandbox) -> None:
    token, dummy, graph, shown, report, drift, check, twice = FIRST_STEPS.run(ansible)
    assert "localhost | SUCCESS" in token.stdout and '"username": "sandbox"' in token.stdout
    assert "@engine_postgresql:" in graph.stdout and "--shop-postgresql" in graph.stdout
    assert shown.stdout.count("localhost | SUCCESS") == 2
    assert "8 databases: " in report.stdout and (ansible.working_directory / "fleet_report.html").is_file()
    refused, differences = outputs(FIRST_STEPS)
    said = drift.results[-1].result["msg"]
    assert " ".join(said.split()) == differences and "exit code 2" in drift.stdout
    assert check.count("changed") == 1 and '-    "periodic_backups_scheduled_at"' in check.stdout
    assert [item.result["changed"] for item in twice.results] == [True, False]
    # The hour that only reads has written nothing, and check mode neither.
    assert written(sandbox) == ["D2"], written(sandbox)
    wrong = ansible.ad_hoc(
        "community.scalingo.scalingo_user_info", "", environment={"SCALINGO_API_TOKEN": "tk-us-wrong-0123456789"}
    ).failed()
    assert re.sub(r"request id \S+\]", "", wrong.only.result["msg"]) == re.sub(r"request id \S+\]", "", refused)
    none = ansible.ad_hoc(
        "community.scalingo.scalingo_user_info", "", environment={"SCALINGO_API_TOKEN": None}
    ).failed()
    for part in re.findall(r"\* - ``(.+?)``", FIRST_STEPS.text)[:2]:
        assert part in wrong.output + none.output, part


def test_the_play_over_the_inventory(ansible: Ansible) -> None:
    name = "fleet.scalingo_databases.yml"
    (ansible.working_directory / name).write_text(INVENTORY.files[name], encoding="utf-8")
    run = ansible.play(INVENTORY.files["agreed.yml"], "-i", name).ok().clean()
    changes = [(item.host, item.result["changed"]) for item in run.tasks("Maintain on Sunday night")]
    assert sorted(changes) == [("shop-mysql", True), ("vault-mysql", True)]


@pytest.mark.long
def test_inventory(ansible: Ansible, sandbox: Sandbox) -> None:
    runs = INVENTORY.run(ansible)
    described, agreed, limited, careful, grouped, cached = runs
    assert (
        "@plan_mysql_business_1024:" in described.stdout and '"scalingo_region": "osc-secnum-fr1"' in described.stdout
    )
    ((host, variables),) = [("vault-mysql", json.loads(described.stdout[described.stdout.index("{") :]))]
    named = set(re.findall(r"``(scalingo_\w+)``", INVENTORY.text)) - {"scalingo_databases"}
    assert {name for name in variables if name.startswith("scalingo_")} <= named, host
    both = [("shop-mysql", True), ("vault-mysql", True)]
    changes = [(item.host, item.result["changed"]) for item in agreed.tasks("Maintain on Sunday night")]
    assert sorted(changes[:2]) == sorted(changes[2:]) == both
    assert [item.host for item in limited.tasks("Maintain on Sunday night")] == ["vault-mysql", "shop-mysql"]
    assert sorted((item.host, item.result["changed"]) for item in careful.tasks("Enable TLS")) == both
    assert careful.stdout.count("TASK [Enable TLS]") == 2
    assert "2 of 2 databases are as declared" in grouped.stdout
    assert (ansible.working_directory / "hosts.json").is_file() and not cached.stdout
    asked = [record.path for record in sandbox.log() if record.path.endswith("/addons") and record.region == "osc-fr1"]
    # Each of nine commands reads the inventory. Of the two with a cache, the second does not.
    assert asked.count("/v1/apps/shop/addons") == 9 + 1


@pytest.mark.long
def test_sandbox(ansible: Ansible, sandbox: Sandbox) -> None:
    try:
        apps, seeded, sent, clock, failed, faults, dummy, tried, tested = SANDBOX.run(ansible)
    finally:
        sandbox.speed(1)
    assert '"name": "shop"' in apps.stdout and '"app_name": "blog"' in seeded.stdout
    assert sent.stdout.rstrip().endswith("\n[]")
    made = [item.result["changed"] for item in clock.tasks("Ensure a backup of the last hour exists")]
    assert made == [True, True]
    assert "exit code 2" in failed.stdout
    assert [item.status for item in faults.results] == ["ok"] * 4
    assert faults.tasks("Ensure a backup of the last hour exists")[1].result["changed"]
    assert tried.count("changed") == 0 and tried.stdout.count("changed=") == 3
    assert "2 passed" in tested.stdout


def test_the_seed_of_the_page_is_one() -> None:
    assert [app.name for app in load(yaml.safe_load(SANDBOX.files["seed.yml"])).apps] == ["blog", "blog-staging"]
    compile(SANDBOX.files["test_shop.py"], "test_shop.py", "exec")


def test_what_the_page_says_of_the_sandbox_exists() -> None:
    rows = re.findall(r"\* - ``([\w-]+)``\n     - ``(osc-[\w-]+)``\n     - (.*)", SANDBOX.text)
    hidden = {"valkey", "mysql-dr"}
    wanted = {
        (app["name"], app["region"]): {addon["provider"] for addon in app["addons"]}
        for app in SEED["apps"]
        if not hidden & {addon["provider"] for addon in app["addons"]}
    }
    kinds = {addon["provider"] for app in SEED["apps"] for addon in app["addons"]}
    assert {(app, region): kinds & set(re.findall(r"``([\w-]+)``", text)) for app, region, text in rows} == wanted
