# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main API: docs/contract.md section 2.1."""

from __future__ import annotations

import re
import uuid
from typing import Any

import pytest
from scalingo_sandbox.testing import Sandbox
from support.caller import REGION, SECOND, Caller

ADDON_ID = re.compile(r"ad-[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


def plan_id(caller: Caller, provider: str, name: str) -> str:
    plans = caller.main("GET", f"/v1/addon_providers/{provider}/plans?show_all=true").json()["plans"]
    return next(str(plan["id"]) for plan in plans if plan["name"] == name)


# apps


def test_apps_are_listed_and_shown_by_name_and_identifier(caller: Caller) -> None:
    apps = {app["name"]: app for app in caller.main("GET", "/v1/apps").json()["apps"]}
    assert set(apps) == {"shop", "metrics", "ledger"}
    by_name = caller.main("GET", "/v1/apps/shop").json()["app"]
    assert by_name == apps["shop"] == caller.main("GET", f"/v1/apps/{by_name['id']}").json()["app"]
    assert by_name["flags"] == {}
    assert apps["ledger"]["flags"] == {"dedicated-database": True}


@pytest.mark.parametrize(
    "path", ["/v1/apps/nope", "/v1/apps/nope/addons", "/v1/apps/nope/variables", "/v1/apps/nope/events"]
)
def test_an_unknown_app_is_not_found(caller: Caller, path: str) -> None:
    answer = caller.main("GET", path)
    assert answer.status_code == 404
    assert answer.json() == {"resource": "app", "error": "not found"}


def test_an_app_is_created_changed_renamed_restarted_deleted(box: Sandbox, caller: Caller) -> None:
    created = caller.main("POST", "/v1/apps", json={"app": {"name": "brand-new"}})
    assert created.status_code == 201
    assert created.json()["app"]["status"] == "new"
    taken = caller.main("POST", "/v1/apps", json={"app": {"name": "brand-new"}})
    assert (taken.status_code, taken.json()) == (422, {"errors": {"name": ["has already been taken"]}})
    assert caller.main("POST", "/v1/apps", json={"app": {"name": "No"}}).status_code == 422
    assert caller.main("PUT", "/v1/apps/brand-new", json={"force_https": True}).json()["app"]["force_https"] is True
    rooted = caller.main("PATCH", "/v1/apps/brand-new", json={"app": {"stack_id": "abc"}})
    assert rooted.json()["app"]["stack_id"] == "abc"
    wrong = caller.main("POST", "/v1/apps/brand-new/rename", json={"current_name": "x", "new_name": "other-name"})
    assert wrong.status_code == 422
    names = {"current_name": "brand-new", "new_name": "other-name"}
    renamed = caller.main("POST", "/v1/apps/brand-new/rename", json=names)
    assert (renamed.status_code, renamed.json()["app"]["name"]) == (200, "other-name")
    restarted = caller.main("POST", "/v1/apps/other-name/restart", json={"scope": None})
    assert restarted.status_code == 202
    path = restarted.headers["Location"].removeprefix(box.api_url())
    assert caller.main("GET", path).json()["operation"]["status"] == "pending"
    box.advance(2)
    operation = caller.main("GET", path).json()["operation"]
    assert operation["status"] == "done"
    assert operation["finished_at"] is not None
    assert caller.main("DELETE", "/v1/apps/other-name").status_code == 422
    assert caller.main("DELETE", "/v1/apps/other-name?current_name=other-name").status_code == 204
    assert caller.main("GET", "/v1/apps/other-name").status_code == 404


# events


def test_the_events_of_the_user_are_those_of_all_apps_of_a_region_and_of_the_account(
    box: Sandbox, caller: Caller
) -> None:
    """A19. An event keeps the name that its app had, and one of the account has no app."""
    box.reset(
        {
            "events": [{"type": "login_success", "age": 30}],
            "apps": [
                {"name": "first-app", "events": [{"type": "restart", "age": 20}, {"type": "scale", "age": 40}]},
                {"name": "second-app", "events": [{"type": "scale", "age": 10}]},
                {"name": "third-app", "region": "osc-secnum-fr1", "events": [{"type": "scale", "age": 5}]},
            ],
        }
    )
    caller.main("POST", "/v1/apps/second-app/rename", json={"current_name": "second-app", "new_name": "other-app"})
    answer = caller.main("GET", "/v1/events").json()
    told = [(event["type"], event.get("app_name", "none")) for event in answer["events"]]
    assert told == [
        ("rename_app", "other-app"),
        ("scale", "second-app"),
        ("restart", "first-app"),
        ("login_success", "none"),
        ("scale", "first-app"),
    ]
    assert "app_id" not in answer["events"][3]
    assert answer["meta"]["pagination"]["total_count"] == 5
    beyond = caller.main("GET", "/v1/events?page=9&per_page=2").json()
    assert (beyond["events"], beyond["meta"]["pagination"]["next_page"]) == ([], None)


# addons


def test_addons_are_listed_and_shown(box: Sandbox, caller: Caller) -> None:
    addons = caller.main("GET", "/v1/apps/shop/addons").json()["addons"]
    assert [addon["addon_provider"]["id"] for addon in addons] == ["postgresql", "mysql"]
    shown = caller.main("GET", f"/v1/apps/shop/addons/{addons[1]['id']}").json()["addon"]
    assert shown == addons[1]
    assert shown["resource_id"] == "shop_1002"
    assert shown["plan"]["name"] == "mysql-starter-512"
    assert shown["deprovisioned_at"] is None
    assert "token" not in shown
    unknown = caller.main("GET", "/v1/apps/shop/addons/ad-00000000-0000-4000-8000-000000000000")
    assert (unknown.status_code, unknown.json()["resource"]) == (404, "addon")
    elsewhere = caller.main("GET", f"/v1/apps/metrics/addons/{addons[1]['id']}")
    assert elsewhere.status_code == 404


@pytest.mark.parametrize(
    "options", ["missing", None, {}, {"version": "8.0.43"}, {"version": "8.0.43-1"}, {"version": "8.0"}]
)
def test_an_addon_is_provisioned_in_the_background(box: Sandbox, caller: Caller, options: Any) -> None:
    fields = {"addon_provider_id": "mysql", "plan_id": plan_id(caller, "mysql", "mysql-starter-256")}
    if options != "missing":
        fields["options"] = options
    answer = caller.main("POST", "/v1/apps/metrics/addons", json={"addon": fields})
    assert answer.status_code == 201
    body = answer.json()
    addon_id = body["addon"]["id"]
    assert ADDON_ID.fullmatch(addon_id)
    assert body["addon"]["status"] == "provisioning"
    assert (sorted(body), body["message"]) == (["addon", "message"], "Database is being provisioned")
    assert (body["addon"]["message"], body["addon"]["variables"]) == (body["message"], None)
    assert caller.show(addon_id)["status"] == "creating"
    failed = caller.action(addon_id, "list-databases")
    assert failed["ok"] == 0
    box.advance(29)
    assert caller.main("GET", f"/v1/apps/metrics/addons/{addon_id}").json()["addon"]["status"] == "provisioning"
    box.advance(2)
    assert caller.main("GET", f"/v1/apps/metrics/addons/{addon_id}").json()["addon"]["status"] == "running"
    database = caller.show(addon_id)
    assert database["status"] == "running"
    assert database["readable_version"] == ("8.0.43-1" if options not in ("missing", None, {}) else "8.4.7-1")
    assert caller.action(addon_id, "list-databases")["ok"] == 1
    events = [event["type"] for event in caller.main("GET", "/v1/apps/metrics/events").json()["events"]]
    assert events[:2] == ["addon_updated", "new_addon"]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"addon_provider_id": "oracle"}, "addon_provider_id"),
        ({"options": {"version": "5.7"}}, "version"),
        ({"options": {"colour": "red"}}, "options"),
        ({"options": {"version": 8}}, "version"),
        ({"surprise": 1}, "surprise"),
        ({"plan_id": "mysql-free"}, "plan_id"),
    ],
)
def test_a_wrong_order_is_refused_field_by_field(caller: Caller, change: dict[str, Any], field: str) -> None:
    fields = {"addon_provider_id": "mysql", "plan_id": plan_id(caller, "mysql", "mysql-starter-256"), **change}
    answer = caller.main("POST", "/v1/apps/metrics/addons", json={"addon": fields})
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [field]
    assert len(caller.main("GET", "/v1/apps/metrics/addons").json()["addons"]) == 5


@pytest.mark.parametrize("verb", ["POST", "PATCH"])
def test_a_plan_must_be_named_and_exist(box: Sandbox, caller: Caller, verb: str) -> None:
    path = "/v1/apps/shop/addons" if verb == "POST" else f"/v1/apps/shop/addons/{box.addon_id('shop', 'mysql')}"
    fields = {"addon_provider_id": "mysql"} if verb == "POST" else {}
    answer = caller.main(verb, path, json={"addon": fields})
    assert (answer.status_code, answer.json()) == (400, {"error": "plan_id is required"})
    answer = caller.main(verb, path, json={"addon": {**fields, "plan_id": "wrong-plan-id"}})
    assert (answer.status_code, answer.json()) == (404, {"resource": "plan", "error": "not found"})
    assert caller.show(box.addon_id("shop", "mysql"))["status"] == "running"


def test_provisioning_may_take_for_ever(box: Sandbox, caller: Caller) -> None:
    box.outcome("provisioning", "stay")
    fields = {"addon_provider_id": "redis", "plan_id": "redis-sandbox"}
    addon_id = caller.main("POST", "/v1/apps/shop/addons", json={"addon": fields}).json()["addon"]["id"]
    box.advance(90000)
    caller.forget()
    assert caller.show(addon_id)["status"] == "creating"


@pytest.mark.parametrize("verb", ["PATCH", "PUT"])
def test_a_plan_changes_in_the_background(box: Sandbox, caller: Caller, verb: str) -> None:
    addon_id = box.addon_id("shop", "mysql")
    path = f"/v1/apps/shop/addons/{addon_id}"
    wanted = plan_id(caller, "mysql", "mysql-business-512")
    before = caller.main("GET", path).json()["addon"]
    answer = caller.main(verb, path, json={"addon": {"plan_id": wanted}})
    assert answer.status_code == 200
    body = answer.json()
    message = "Database plan is being changed"
    assert (sorted(body), body["message"], body["variables"]) == (["addon", "message", "variables"], message, None)
    assert (body["addon"]["message"], body["addon"]["variables"]) == (message, None)
    assert (body["addon"]["plan"]["id"], body["addon"]["status"]) == (wanted, "provisioning")
    assert caller.main("GET", path).json()["addon"]["provisioned_at"] > before["provisioned_at"]
    database = caller.show(addon_id)
    assert database["status"] == "updating"
    assert database["current_operation_id"]
    assert database["plan"] == "mysql-starter-512"
    busy = caller.main(verb, path, json={"addon": {"plan_id": wanted}})
    assert busy.status_code == 409
    box.advance(21)
    database = caller.show(addon_id)
    assert (database["status"], database["plan"], database["current_operation_id"]) == (
        "running",
        "mysql-business-512",
        None,
    )
    event = caller.main("GET", "/v1/apps/shop/events").json()["events"][0]
    assert event["type"] == "upgrade_addon"
    assert event["type_data"]["old_plan_name"] == "mysql-starter-512"
    assert event["type_data"]["new_plan_name"] == "mysql-business-512"


def test_the_same_plan_is_no_change(box: Sandbox, caller: Caller) -> None:
    addon_id = box.addon_id("shop", "mysql")
    answer = caller.main("PATCH", f"/v1/apps/shop/addons/{addon_id}", json={"addon": {"plan_id": "mysql-starter-512"}})
    assert answer.status_code == 200
    assert caller.show(addon_id)["status"] == "running"


def test_an_addon_is_deleted_with_its_variables(box: Sandbox, caller: Caller) -> None:
    addon_id = box.addon_id("shop", "mysql")
    assert caller.main("DELETE", f"/v1/apps/shop/addons/{addon_id}").status_code == 204
    assert caller.main("GET", f"/v1/apps/shop/addons/{addon_id}").status_code == 404
    names = {variable["name"] for variable in caller.main("GET", "/v1/apps/shop/variables").json()["variables"]}
    assert names == {"SCALINGO_POSTGRESQL_URL", "DATABASE_URL", "GREETING"}
    assert caller.main("GET", "/v1/apps/shop/events").json()["events"][0]["type"] == "delete_addon"


@pytest.mark.parametrize("verb", ["GET", "POST"])
def test_a_sign_on_link(box: Sandbox, caller: Caller, verb: str) -> None:
    addon_id = box.addon_id("shop", "mysql")
    answer = caller.main(verb, f"/v1/apps/shop/addons/{addon_id}/sso")
    assert answer.status_code == 200
    assert answer.json()["addon"]["sso_url"].startswith("https://")


# what can be bought


def test_providers_and_plans_need_no_token(box: Sandbox, caller: Caller) -> None:
    providers = caller.client.get(f"{box.api_url()}/v1/addon_providers").json()["addon_providers"]
    assert {provider["id"] for provider in providers} == {
        "postgresql", "postgresql-ng", "mysql", "mongodb", "redis", "influxdb", "elasticsearch", "opensearch",
    }  # fmt: skip
    assert {provider["category"]["name"] for provider in providers} == {"Databases"}
    dedicated = caller.client.get(f"{box.api_url()}/v1/addon_providers?dedicated=true").json()["addon_providers"]
    assert [provider["id"] for provider in dedicated] == ["postgresql-ng"]
    for prefix in ("", "scalingo-"):
        plans = caller.client.get(f"{box.api_url()}/v1/addon_providers/{prefix}mysql/plans?show_all=false").json()[
            "plans"
        ]
        assert [plan for plan in plans if plan["disabled"]] == []
    everything = caller.client.get(f"{box.api_url()}/v1/addon_providers/mysql/plans?show_all=true").json()["plans"]
    assert [plan["name"] for plan in everything if plan["disabled"]] == ["mysql-free"]
    assert caller.client.get(f"{box.api_url()}/v1/addon_providers/oracle/plans").status_code == 404
    categories = caller.client.get(f"{box.api_url()}/v1/addon_categories").json()["addon_categories"]
    none = caller.client.get(f"{box.api_url()}/v1/addon_providers?category_id=other").json()["addon_providers"]
    assert (len(categories), none) == (1, [])


# variables


def test_variables_hold_the_address_of_each_database(box: Sandbox, caller: Caller) -> None:
    variables = {entry["name"]: entry for entry in caller.main("GET", "/v1/apps/shop/variables").json()["variables"]}
    hostname = caller.show(box.addon_id("shop", "postgresql"))["hostname"]
    assert f"@{hostname}/shop_1001" in variables["SCALINGO_POSTGRESQL_URL"]["value"]
    assert variables["DATABASE_URL"]["value"] == "$SCALINGO_POSTGRESQL_URL"
    assert variables["GREETING"]["value"] == "hello"
    without = caller.main("GET", "/v1/apps/shop/variables?aliases=false").json()["variables"]
    assert "DATABASE_URL" not in {entry["name"] for entry in without}


def test_variables_are_set_changed_and_removed(caller: Caller) -> None:
    path = "/v1/apps/shop/variables"
    created = caller.main("POST", path, json={"variable": {"name": "NEW", "value": "1"}})
    assert (created.status_code, created.json()["variable"]["value"]) == (201, "1")
    one = f"{path}/{created.json()['variable']['id']}"
    assert caller.main("PATCH", one, json={"variable": {"value": "2"}}).json()["variable"]["value"] == "2"
    body = {"variables": [{"id": "", "name": "NEW", "value": "3"}, {"name": "MORE", "value": "4"}]}
    updated = caller.main("PUT", path, json=body)
    assert (updated.status_code, len(updated.json()["variables"])) == (200, 2)
    assert caller.main("DELETE", one).status_code == 204
    assert "NEW" not in {entry["name"] for entry in caller.main("GET", path).json()["variables"]}
    events = caller.main("GET", "/v1/apps/shop/events").json()["events"][:4]
    assert [(event["type"], event["type_data"]) for event in events] == [
        ("delete_variable", {"name": "NEW"}),
        ("edit_variables", {"new_vars": [{"name": "MORE"}], "updated_vars": [{"name": "NEW"}], "deleted_vars": []}),
        ("edit_variable", {"name": "NEW"}),
        ("new_variable", {"name": "NEW"}),
    ]


# events


def test_events_come_in_pages_the_latest_first(caller: Caller) -> None:
    for name in ("A", "B", "C"):
        caller.main("POST", "/v1/apps/metrics/variables", json={"variable": {"name": name, "value": "1"}})
    first = caller.main("GET", "/v1/apps/metrics/events?page=1&per_page=2").json()
    assert [event["type_data"]["name"] for event in first["events"]] == ["C", "B"]
    numbers = first["meta"]["pagination"]
    assert numbers == {
        "current_page": 1, "per_page": 2, "prev_page": None, "next_page": 2, "total_pages": 2, "total_count": 3,
    }  # fmt: skip
    second = caller.main("GET", "/v1/apps/metrics/events?page=2&per_page=2").json()
    assert [event["type_data"]["name"] for event in second["events"]] == ["A"]
    assert (second["meta"]["pagination"]["prev_page"], second["meta"]["pagination"]["next_page"]) == (1, None)
    assert caller.main("GET", "/v1/apps/metrics/events?page=0").status_code == 422
    everything = caller.main("GET", "/v1/events").json()
    assert {event["app_name"] for event in everything["events"]} == {"metrics", "shop"}


# dedicated databases


@pytest.mark.parametrize("form", ["rooted", "bare"])
def test_a_dedicated_database_is_an_app_with_one_addon(box: Sandbox, caller: Caller, form: str) -> None:
    plan = plan_id(caller, "postgresql-ng", "postgresql-dr-starter-4096")
    if form == "rooted":
        body: dict[str, Any] = {
            "database": {"name": "fresh-ledger", "technology": "postgresql-ng", "plan": "postgresql-dr-starter-4096"}
        }
    else:
        body = {"addon_provider_id": "postgresql-ng", "plan_id": plan, "name": "fresh-ledger"}
    answer = caller.main("POST", "/v1/databases", json=body)
    assert answer.status_code == 201
    database = answer.json()["database"]
    assert (database["name"], database["technology"]) == ("fresh-ledger", "postgresql-ng")
    app = caller.main("GET", f"/v1/apps/{database['id']}").json()["app"]
    assert ("app" in database, app["id"]) == (False, database["id"])
    assert app["flags"]["dedicated-database"] is True
    addons = caller.main("GET", "/v1/apps/fresh-ledger/addons").json()["addons"]
    assert len(addons) == 1
    assert caller.show(addons[0]["id"])["status"] == "creating"
    box.advance(31)
    assert caller.show(addons[0]["id"])["status"] == "running"
    for key in (database["id"], "fresh-ledger"):
        assert caller.main("GET", f"/v1/databases/{key}").json()["database"]["id"] == database["id"]
    listed = caller.main("GET", "/v1/databases").json()["databases"]
    assert [entry["name"] for entry in listed] == ["ledger", "fresh-ledger"]
    dashboard = caller.main("GET", "/v1/databases?dashboard=true").json()["databases"]
    assert set(dashboard[0]) == {"app", "addon", "database"}
    assert caller.main("DELETE", "/v1/apps/fresh-ledger?current_name=fresh-ledger").status_code == 204
    missing = caller.main("GET", f"/v1/databases/{database['id']}")
    assert (missing.status_code, missing.json()) == (404, {"error": "Database not found"})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"database": {"name": "ab", "technology": "postgresql-ng", "plan": "postgresql-dr-starter-4096"}}, "name"),
        ({"database": {"name": "Upper-Case", "technology": "postgresql-ng", "plan": "x"}}, "name"),
        ({"database": {"name": "good-name", "technology": "mysql", "plan": "x"}}, "technology"),
        ({"database": {"name": "good-name", "technology": "postgresql-ng", "plan": "x"}}, "plan"),
        ({"database": {"name": "good-name", "technology": "postgresql-ng"}}, "plan"),
    ],
)
def test_a_wrong_dedicated_database_is_refused(caller: Caller, body: dict[str, Any], field: str) -> None:
    answer = caller.main("POST", "/v1/databases", json=body)
    assert answer.status_code == 422
    assert field in answer.json()["errors"]


def test_a_dedicated_database_without_a_plan_is_refused(caller: Caller) -> None:
    answer = caller.main("POST", "/v1/databases", json={"name": "some-database", "addon_provider_id": "postgresql-ng"})
    assert (answer.status_code, answer.json()) == (400, {"error": "plan_id is required"})


def test_only_dedicated_databases_are_found_there(caller: Caller) -> None:
    assert caller.main("GET", "/v1/databases/shop").status_code == 404
    assert caller.main("GET", "/v1/databases/secret-ledger").status_code == 404
    assert caller.main("GET", "/v1/databases/secret-ledger", region=SECOND).status_code == 200


def test_the_network_of_a_dedicated_database(caller: Caller) -> None:
    base = "/v1/databases/ledger"
    endpoints = caller.main("GET", f"{base}/endpoints").json()["endpoints"]
    assert [endpoint["type"] for endpoint in endpoints] == ["public-rw"]
    assert set(caller.main("GET", f"{base}/network_configuration").json()["network_configuration"]) == {
        "outscale_account_id", "outscale_net_id", "ip_range",
    }  # fmt: skip
    made = caller.main("POST", f"{base}/net_peerings", json={"outscale_net_peering_id": "pcx-1"})
    assert (made.status_code, made.json()["net_peering"]["status"]) == (201, "active")
    assert str(uuid.UUID(made.json()["net_peering"]["id"])) == made.json()["net_peering"]["id"]
    one = f"{base}/net_peerings/{made.json()['net_peering']['id']}"
    assert caller.main("GET", one).json()["net_peering"]["outscale_net_peering_id"] == "pcx-1"
    assert len(caller.main("GET", f"{base}/net_peerings").json()["net_peerings"]) == 1
    assert len(caller.main("GET", f"{base}/endpoints").json()["endpoints"]) == 2
    assert caller.main("DELETE", one).status_code == 204
    assert caller.main("GET", one).status_code == 404


def test_what_is_not_there_is_not_found_in_json(box: Sandbox, caller: Caller) -> None:
    for method, path in (("GET", "/v1/nothing"), ("POST", "/v1/addon_providers"), ("GET", "/")):
        answer = caller.main(method, path)
        assert (answer.status_code, answer.json()) == (404, {"error": "not found"})
    assert REGION == box.environment()["SCALINGO_REGION"]
