# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scalingo's own JavaScript client, as its package is published, drives the sandbox: tokens, apps, addons."""

from __future__ import annotations

import json
import os
import pathlib
import shutil
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
from scalingo_sandbox.testing import Sandbox

ROOT = pathlib.Path(__file__).resolve().parents[2]
NODE = ROOT / ".cache" / "node"
REQUIREMENTS = ROOT / "requirements"
PROGRAM = ROOT / "tests" / "contract" / "javascript" / "drive.cjs"
REGION = "osc-fr1"
SEED: dict[str, Any] = {
    "apps": [
        {
            "name": "shop",
            "region": REGION,
            "variables": {"COLOUR": "blue"},
            "addons": [{"provider": "mysql"}, {"provider": "postgresql"}],
        },
        {"name": "dedicated-shop", "region": REGION, "addons": [{"provider": "postgresql-ng"}]},
        {"name": "elsewhere", "region": "osc-secnum-fr1", "addons": [{"provider": "mysql"}]},
    ]
}


def node() -> str:
    """The Node.js that the set-up brought, or else the system's."""
    found = NODE / "bin" / "node"
    if found.exists():
        return str(found)
    system = shutil.which("node")
    assert system, "there is no Node.js: run scripts/bootstrap node"
    return system


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(seed=SEED) as running:
        yield running


@pytest.fixture(scope="module")
def outcomes(sandbox: Sandbox) -> dict[str, Any]:
    """What every step of drive.cjs gave: {"value": …}, or {"status": …, "data": …, "message": …} of its error."""
    packages = NODE / "node_modules"
    assert (packages / "scalingo").is_dir(), "the client is not installed: run scripts/bootstrap node"
    params = sandbox.params(REGION)
    environment = {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "NODE_PATH": str(packages),
        "API_URL": params["api_url"],
        "AUTH_URL": params["auth_url"],
        "API_TOKEN": params["api_token"],
        "APP": "shop",
        "DEDICATED_APP": "dedicated-shop",
    }
    done = subprocess.run(
        [node(), str(PROGRAM)], env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def value(outcomes: dict[str, Any], step: str) -> Any:
    assert "value" in outcomes[step], outcomes[step]
    return outcomes[step]["value"]


def test_it_is_the_published_version() -> None:
    wanted = json.loads((REQUIREMENTS / "package.json").read_text(encoding="utf-8"))["dependencies"]["scalingo"]
    installed = json.loads((NODE / "node_modules" / "scalingo" / "package.json").read_text(encoding="utf-8"))
    assert installed["version"] == wanted == "0.14.6"


def test_the_lock_file_names_no_place_to_fetch_from() -> None:
    lock = json.loads((REQUIREMENTS / "package-lock.json").read_text(encoding="utf-8"))
    packages = {name: entry for name, entry in lock["packages"].items() if name}
    assert "node_modules/scalingo" in packages
    assert all("resolved" not in entry and entry["integrity"] for entry in packages.values())


def test_a_wrong_token_is_told_apart(outcomes: dict[str, Any]) -> None:
    for step in ("wrong API token", "wrong bearer"):
        assert outcomes[step]["status"] == 401
        assert outcomes[step]["data"]["error"]


def test_an_api_token_is_exchanged(outcomes: dict[str, Any]) -> None:
    assert value(outcomes, "bearer").count(".") == 2
    assert value(outcomes, "user")["username"]
    regions = {region["name"]: region for region in value(outcomes, "regions")}
    assert set(regions) == {"osc-fr1", "osc-secnum-fr1"}
    assert [name for name, region in regions.items() if region["default"]] == ["osc-fr1"]


def test_apps_are_those_of_the_region(outcomes: dict[str, Any]) -> None:
    assert {app["name"] for app in value(outcomes, "apps")} == {"shop", "dedicated-shop"}
    assert value(outcomes, "app") == value(outcomes, "app by identifier")
    assert value(outcomes, "app")["name"] == "shop" and value(outcomes, "app")["region"] == REGION
    assert outcomes["unknown app"]["status"] == 404
    assert outcomes["unknown app"]["data"]["resource"] == "app"


def test_variables_hold_the_addresses_of_the_databases(outcomes: dict[str, Any]) -> None:
    variables = {row["name"]: row["value"] for row in value(outcomes, "variables")}
    assert variables["COLOUR"] == "blue"
    assert variables["SCALINGO_MYSQL_URL"].startswith("mysql://")
    assert variables["SCALINGO_POSTGRESQL_URL"].startswith("postgres://")


def test_providers_are_listed_by_category(outcomes: dict[str, Any]) -> None:
    providers = {provider["id"]: provider for provider in value(outcomes, "providers")}
    assert {"mysql", "postgresql", "mongodb", "redis", "influxdb", "elasticsearch", "opensearch"} <= set(providers)
    assert all(provider["category"]["name"] == "Databases" for provider in providers.values())
    assert all(len(provider["plans"]) > 1 for provider in providers.values())
    assert [provider["id"] for provider in value(outcomes, "dedicated providers")] == ["postgresql-ng"]


def test_an_addon_lives_from_its_provisioning_to_its_end(outcomes: dict[str, Any]) -> None:
    before = [addon["addon_provider"]["id"] for addon in value(outcomes, "addons")]
    assert sorted(before) == ["mysql", "postgresql"]
    created = value(outcomes, "create")
    assert created["status"] == "provisioning" and created["addon_provider"]["id"] == "redis"
    assert created["app_id"] == value(outcomes, "app")["id"]
    assert value(outcomes, "show")["id"] == created["id"]
    assert value(outcomes, "sign-on")["sso_url"].startswith("http")
    assert value(outcomes, "destroy") in (None, "")
    assert outcomes["show destroyed"]["status"] == 404
    assert outcomes["show destroyed"]["data"]["resource"] == "addon"
    after = [addon["addon_provider"]["id"] for addon in value(outcomes, "addons at the end")]
    assert sorted(after) == ["mysql", "postgresql"]


def test_a_plan_is_changed_once_the_addon_is_there(outcomes: dict[str, Any]) -> None:
    before = next(addon for addon in value(outcomes, "addons") if addon["addon_provider"]["id"] == "mysql")
    changed = value(outcomes, "change")
    assert changed["id"] == before["id"] and changed["plan"]["id"] != before["plan"]["id"]
    assert outcomes["change while provisioning"]["status"] == 409
    assert value(outcomes, "resume")["addon"]["id"] == value(outcomes, "create")["id"]


def test_an_unknown_plan_is_not_found(outcomes: dict[str, Any]) -> None:
    assert outcomes["unknown plan"]["status"] == 404
    assert outcomes["unknown plan"]["data"] == {"resource": "plan", "error": "not found"}


def test_dedicated_databases_are_listed_in_both_forms(outcomes: dict[str, Any]) -> None:
    """This version takes the whole body for the list; later ones unpack it."""
    (bare,) = value(outcomes, "dedicated databases")["databases"]
    assert bare["name"] == "dedicated-shop" and bare["technology"] == "postgresql-ng"
    (item,) = value(outcomes, "dashboard")["databases"]
    assert item["app"]["name"] == "dedicated-shop" and item["addon"]["addon_provider"]["id"] == "postgresql-ng"
    assert item["database"]["id"] == bare["id"]
    assert value(outcomes, "dedicated app")["flags"]["dedicated-database"] is True


def test_each_call_carries_the_token_that_it_is_for(sandbox: Sandbox, outcomes: dict[str, Any]) -> None:
    assert outcomes
    kinds: dict[str, set[Any]] = {}
    for record in sandbox.log():
        kinds.setdefault(str(record.route), set()).add(record.token_kind)
    assert kinds["exchange"] == {"basic"}
    assert kinds["categories"] == {"none"}
    assert kinds["A9"] == {"none", "bearer"}
    for route in ("A1", "A2", "A3", "A4", "A5", "A7", "A8", "A11", "A12"):
        assert kinds[route] == {"bearer"}
