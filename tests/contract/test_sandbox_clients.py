# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where official clients once failed on the sandbox: docs/contract.md section 9."""

from __future__ import annotations

import time
from typing import Any
from urllib.parse import urlsplit

import pytest
from scalingo_sandbox.testing import Sandbox
from support.caller import Caller

POSTGRESQL = ("postgres", "sslmode=prefer")
MYSQL = ("mysql", "useSSL=true&verifyServerCertificate=false")


def variables(caller: Caller, app: str) -> dict[str, str]:
    listed = caller.main("GET", f"/v1/apps/{app}/variables").json()["variables"]
    return {entry["name"]: entry["value"] for entry in listed}


def test_no_variables_may_be_set(caller: Caller) -> None:
    """Terraform's provider does so for an app without an environment (CL-A2)."""
    before = variables(caller, "shop"), caller.main("GET", "/v1/apps/shop/events").json()
    answer = caller.main("PUT", "/v1/apps/shop/variables", json={"variables": None})
    assert (answer.status_code, answer.json()) == (200, {"variables": []})
    assert (variables(caller, "shop"), caller.main("GET", "/v1/apps/shop/events").json()) == before
    assert caller.main("PUT", "/v1/apps/shop/variables", json={}).status_code == 422


def test_an_app_keeps_what_it_was_created_with(caller: Caller) -> None:
    for hds in (True, False):
        fields = {"name": f"clinic-{hds}".lower(), "hds_resource": hds}
        assert caller.main("POST", "/v1/apps", json={"app": fields}).json()["app"]["hds_resource"] is hds


def test_plans_have_the_names_and_the_ids_the_form_that_documents_show(caller: Caller) -> None:
    """CL-A6, and the small ones."""
    plans = {
        plan["name"]: plan["display_name"]
        for provider in ("mongodb", "postgresql-ng")
        for plan in caller.main("GET", f"/v1/addon_providers/{provider}/plans").json()["plans"]
    }
    assert plans["mongo-starter-512"] == "Starter 512M" and plans["postgresql-dr-starter-4096"] == "Starter 4G"
    assert {name.split("-")[0] for name in plans} == {"mongo", "postgresql"}
    assert caller.main("GET", "/v1/apps/shop").json()["app"]["project"]["id"].startswith("pr-")


def test_a_dedicated_database_has_one_id_and_its_name_another_form(box: Sandbox, caller: Caller) -> None:
    """CL-A5, CL-A9."""
    fields = {"name": "my-dedicated-db", "technology": "postgresql-ng", "plan": "postgresql-dr-starter-4096"}
    made = caller.main("POST", "/v1/databases", json={"database": fields}).json()["database"]
    shown = caller.show(box.addon_id("my-dedicated-db", "postgresql-ng"))
    assert made["id"] == caller.main("GET", "/v1/apps/my-dedicated-db").json()["app"]["id"] == shown["id"]
    assert shown["resource_id"].startswith("my_dedicate_")
    assert shown["hostname"].startswith("my-dedicate-")


def test_a_resource_is_called_after_its_app_in_the_form_of_its_engine(box: Sandbox) -> None:
    """As addresses in public code show it (7.9)."""
    engines = ("postgresql", "mysql", "mongodb", "redis", "influxdb")
    box.reset({"apps": [{"name": "my-sample-app", "addons": [{"provider": name} for name in engines]}]})
    names = {addon["provider"]: addon["resource_id"][:-5] for addon in box.state()["apps"][0]["addons"]}
    assert names == {
        "postgresql": "my_sample_a",
        "mysql": "my_sample_a",
        "mongodb": "my-sample-app",
        "redis": "my-sample-app",
        "influxdb": "my_sample_app",
    }


@pytest.mark.parametrize("plan", ["postgresql-dr-business-8192", "postgresql-dr-starter-8192"])
def test_a_dedicated_database_changes_its_class_and_only_grows(box: Sandbox, caller: Caller, plan: str) -> None:
    """CL-A10."""
    path = f"/v1/apps/ledger/addons/{box.addon_id('ledger', 'postgresql-ng')}"
    assert caller.main("PATCH", path, json={"addon": {"plan_id": "postgresql-dr-business-8192"}}).status_code == 200
    box.advance(21)
    smaller = caller.main("PATCH", path, json={"addon": {"plan_id": "postgresql-dr-business-4096"}})
    assert (smaller.status_code, list(smaller.json()["errors"])) == (422, ["plan_id"])
    assert caller.main("PATCH", path, json={"addon": {"plan_id": plan}}).status_code == 200


def test_the_options_of_a_new_dedicated_database_take_effect(box: Sandbox, caller: Caller) -> None:
    """CL-A8: what the command line sends, and what the newest JavaScript client does."""
    plan = "postgresql-dr-starter-4096"
    bare = {"addon_provider_id": "postgresql-ng", "plan_id": plan, "name": "my-ranged-db", "ip_range": "10.42.0.0/24"}
    assert caller.main("POST", "/v1/databases", json=bare).status_code == 201
    network = caller.main("GET", "/v1/databases/my-ranged-db/network_configuration").json()["network_configuration"]
    assert network["ip_range"] == "10.42.0.0/24"
    for wrong in ("10.42.0.1/24", "10.42.0.1", "2001:db8::/32", "x"):
        answer = caller.main("POST", "/v1/databases", json={**bare, "name": "another-db", "ip_range": wrong})
        assert (answer.status_code, list(answer.json()["errors"])) == (422, ["ip_range"])

    def create(apps: list[str]) -> Any:
        after = {"regional_network_access": True, "app_ids": apps}
        fields = {"name": "clinic-db", "technology": "postgresql-ng", "plan": plan, "hds_resource": True}
        return caller.main(
            "POST", "/v1/databases", json={"database": {**fields, "post_provisioning_configuration": after}}
        )

    assert create(["nothing"]).status_code == 422
    assert create([caller.main("GET", "/v1/apps/shop").json()["app"]["id"]]).status_code == 201
    addon = caller.main("GET", "/v1/apps/clinic-db/addons").json()["addons"][0]
    assert addon["hds_resource"] is True
    before = variables(caller, "shop")
    box.advance(31)
    rules = caller.database("GET", addon["id"], "/firewall_rules").json()["rules"]
    assert [rule["range_id"] for rule in rules] == ["mr-scalingo-osc-fr1"]
    added = {name: value for name, value in variables(caller, "shop").items() if name not in before}
    assert list(added.values()) == [variables(caller, "clinic-db")["SCALINGO_POSTGRESQL_URL"]]
    assert caller.main("DELETE", "/v1/apps/clinic-db?current_name=clinic-db").status_code == 204
    assert variables(caller, "shop") == before


@pytest.mark.parametrize(
    ("app", "provider", "name", "clear", "encrypted"),
    [
        ("shop", "postgresql", "POSTGRESQL", POSTGRESQL, POSTGRESQL),
        ("ledger", "postgresql-ng", "POSTGRESQL", ("postgresql", "sslmode=prefer"), ("postgresql", "sslmode=require")),
        ("shop", "mysql", "MYSQL", MYSQL, MYSQL),
        ("metrics", "mongodb", "MONGO", ("mongodb", ""), ("mongodb", "replicaSet=metrics_1003-rs0&ssl=true")),
        ("metrics", "redis", "REDIS", ("redis", ""), ("rediss", "")),
        ("metrics", "influxdb", "INFLUX", ("http", ""), ("https", "")),
        ("metrics", "elasticsearch", "ELASTICSEARCH", ("http", ""), ("https", "")),
        ("metrics", "opensearch", "OPENSEARCH", ("http", ""), ("https", "")),
    ],
)
def test_the_address_of_a_database_follows_force_ssl(
    box: Sandbox, caller: Caller, app: str, provider: str, name: str, clear: tuple[str, str], encrypted: tuple[str, str]
) -> None:
    """CL-A9."""
    addon = box.addon_id(app, provider)

    def seen() -> tuple[str, str]:
        url = urlsplit(variables(caller, app)[f"SCALINGO_{name}_URL"])
        assert f"{url.hostname}:{url.port}" == caller.show(addon)["hostname"]
        return url.scheme, url.query

    assert seen() == (encrypted if provider == "postgresql-ng" else clear)
    caller.database("DELETE", addon, "/features?feature=force-ssl")
    box.advance(3)
    assert seen() == clear
    caller.database("POST", addon, "/features", json={"feature": {"name": "force-ssl"}})
    assert seen() == clear
    box.advance(3)
    assert seen() == encrypted


def test_a_faster_clock_shortens_no_token_and_no_link(box: Sandbox, caller: Caller) -> None:
    """CL-A14: clients renew by their own clocks. A clock that is moved is moved for them too."""
    mysql = box.addon_id("shop", "mysql")
    path = f"/backups/{caller.database('GET', mysql, '/backups').json()['database_backups'][0]['id']}/archive"
    link = caller.database("GET", mysql, path).json()["download_url"]
    box.speed(1_000_000)
    began = time.time()
    while box.state()["clock"]["now"] < began + 2 * 3600:
        time.sleep(0.001)
    box.speed(1)
    assert caller.main("GET", "/v1/apps").status_code == 200
    assert caller.database("GET", mysql).status_code == 200
    assert caller.client.get(link).status_code == 200
    box.advance(3601)
    assert caller.main("GET", "/v1/apps").status_code == 401
    assert caller.database("GET", mysql).status_code == 401
    assert caller.client.get(link).status_code >= 400


@pytest.mark.parametrize("name", ["ab", "Upper-Case", "x" * 49])
def test_a_refusal_says_nothing_of_the_sandbox(caller: Caller, name: str) -> None:
    fields = {"name": name, "technology": "postgresql-ng", "plan": "postgresql-dr-starter-4096"}
    text = caller.main("POST", "/v1/databases", json={"database": fields}).json()["errors"]["name"][0]
    assert text.startswith("is ") and "pattern" not in text and "string" not in text


def test_a_network_is_peered_once(caller: Caller) -> None:
    statuses = [
        caller.main("POST", "/v1/databases/ledger/net_peerings", json={"outscale_net_peering_id": "pcx-1"}).status_code
        for dummy in range(2)
    ]
    assert statuses == [201, 422]
