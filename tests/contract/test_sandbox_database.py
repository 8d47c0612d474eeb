# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The database API but for backups, users, firewall and logs: docs/contract.md sections 2.2 to 2.9, 2.12, 2.13, 2.15 and 3."""

from __future__ import annotations

import itertools
from datetime import datetime, timedelta, timezone
from typing import Any

import pytest
from scalingo_sandbox.testing import Sandbox
from support.caller import SECOND, Caller


@pytest.fixture
def mysql(box: Sandbox) -> str:
    return box.addon_id("shop", "mysql")


@pytest.fixture
def postgresql(box: Sandbox) -> str:
    return box.addon_id("shop", "postgresql")


@pytest.fixture
def influxdb(box: Sandbox) -> str:
    return box.addon_id("metrics", "influxdb")


# D1 and D2


def test_the_cluster_of_a_business_plan(box: Sandbox, caller: Caller, mysql: str) -> None:
    assert caller.show(mysql)["cluster"] is False
    redis = caller.show(box.addon_id("metrics", "redis"))
    assert redis["cluster"] is True
    assert [instance["type"] for instance in redis["instances"]].count("db-node") == 3
    assert redis["features"] == [{"name": "redis-rdb", "status": "ACTIVATED"}]


@pytest.mark.parametrize("verb", ["PATCH", "PUT"])
@pytest.mark.parametrize(("sent", "stored"), [(3, [3]), ([4], [4]), ([1, 13], [1, 13]), (0, [0])])
def test_the_hour_of_backups_is_set_in_every_form(
    caller: Caller, mysql: str, verb: str, sent: Any, stored: list[int]
) -> None:
    answer = caller.database(verb, mysql, json={"database": {"periodic_backups_scheduled_at": sent}})
    assert answer.status_code == 200
    assert answer.json()["database"]["periodic_backups_scheduled_at"] == stored
    assert answer.json() == {"database": caller.show(mysql)}


def test_settings_change_one_by_one_and_together(caller: Caller, mysql: str) -> None:
    everything = {
        "periodic_backups_enabled": False,
        "periodic_backups_scheduled_at": 7,
        "maintenance_window": {"weekday_utc": 0, "starting_hour_utc": 5},
    }
    database = caller.database("PATCH", mysql, json={"database": everything}).json()["database"]
    assert database["periodic_backups_enabled"] is False
    assert database["maintenance_window"] == {"weekday_utc": 0, "starting_hour_utc": 5, "duration_in_hour": 8}
    alone = {"maintenance_window": {"weekday_utc": 6}}
    database = caller.database("PATCH", mysql, json={"database": alone}).json()["database"]
    assert database["maintenance_window"] == {"weekday_utc": 6, "starting_hour_utc": 5, "duration_in_hour": 8}
    assert database["periodic_backups_scheduled_at"] == [7]
    assert caller.database("PATCH", mysql, json={"database": {}}).json()["database"] == database


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"periodic_backups_scheduled_at": 24}, "periodic_backups_scheduled_at"),
        ({"periodic_backups_scheduled_at": -1}, "periodic_backups_scheduled_at"),
        ({"periodic_backups_scheduled_at": "3"}, "periodic_backups_scheduled_at"),
        ({"periodic_backups_scheduled_at": []}, "periodic_backups_scheduled_at"),
        ({"periodic_backups_scheduled_at": True}, "periodic_backups_scheduled_at"),
        ({"periodic_backups_enabled": "false"}, "periodic_backups_enabled"),
        ({"maintenance_window": {"weekday_utc": 7}}, "weekday_utc"),
        ({"maintenance_window": {"starting_hour_utc": 24}}, "starting_hour_utc"),
        ({"maintenance_window": {"duration_in_hour": 4}}, "duration_in_hour"),
        ({"plan": "mysql-business-512"}, "plan"),
        ({"version": "8.4"}, "version"),
        ({"features": []}, "features"),
    ],
)
def test_wrong_settings_are_refused_and_change_nothing(
    caller: Caller, mysql: str, fields: dict[str, Any], name: str
) -> None:
    before = caller.show(mysql)
    body = {"database": {"periodic_backups_enabled": False, **fields}}
    answer = caller.database("PATCH", mysql, json=body)
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [name]
    assert all(isinstance(text, str) for text in answer.json()["errors"][name])
    assert caller.show(mysql) == before


def test_an_unrooted_update_is_refused(caller: Caller, mysql: str) -> None:
    answer = caller.database("PATCH", mysql, json={"periodic_backups_scheduled_at": 3})
    assert answer.status_code == 422
    assert set(answer.json()["errors"]) == {"database", "periodic_backups_scheduled_at"}


def test_dedicated_databases_have_no_backup_schedule(box: Sandbox, caller: Caller) -> None:
    ledger = box.addon_id("ledger", "postgresql-ng")
    assert caller.show(ledger)["periodic_backups_enabled"] is False
    answer = caller.database("PATCH", ledger, json={"database": {"periodic_backups_enabled": True}})
    assert answer.status_code == 422
    window = {"database": {"maintenance_window": {"weekday_utc": 1, "starting_hour_utc": 2}}}
    assert caller.database("PATCH", ledger, json=window).status_code == 200


# a busy database


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("PATCH", "", {"database": {"periodic_backups_scheduled_at": 3}}),
        ("POST", "/upgrade", None),
        ("POST", "/features", {"feature": {"name": "force-ssl"}}),
        ("DELETE", "/features?feature=force-ssl", None),
        ("POST", "/action", {"action_name": "create-database", "params": {"database_name": "x"}}),
        ("POST", "/backups", None),
        ("POST", "/users", {"database_user": {"name": "somebody"}}),
    ],
)
def test_nothing_changes_while_an_operation_runs(
    box: Sandbox, caller: Caller, mysql: str, method: str, path: str, body: dict[str, Any] | None
) -> None:
    box.change_database(mysql, current_operation_id="0123456789abcdef01234567")
    answer = caller.database(method, mysql, path, json=body)
    assert answer.status_code == 409
    assert set(answer.json()) == {"error"}
    assert caller.action(mysql, "list-databases")["ok"] == 1
    assert caller.show(mysql)["current_operation_id"] == "0123456789abcdef01234567"
    box.end_operation(mysql)
    assert caller.show(mysql)["current_operation_id"] is None
    assert caller.database(method, mysql, path, json=body).status_code != 409


# D6 and D7


def features(caller: Caller, addon_id: str) -> dict[str, str]:
    return {feature["name"]: feature["status"] for feature in caller.show(addon_id)["features"]}


@pytest.mark.parametrize("feature", [{"name": "force-ssl"}, {"name": "force-ssl", "status": ""}])
def test_a_feature_is_enabled_and_disabled_in_steps(
    box: Sandbox, caller: Caller, mysql: str, feature: dict[str, str]
) -> None:
    answer = caller.database("POST", mysql, "/features", json={"feature": feature})
    assert answer.status_code == 200
    assert answer.json() == {
        "name": "force-ssl", "status": "PENDING_TO_ACTIVATE", "message": "force-ssl feature is being enabled",
    }  # fmt: skip
    assert features(caller, mysql) == {"force-ssl": "PENDING_TO_ACTIVATE"}
    box.advance(2.1)
    assert features(caller, mysql) == {"force-ssl": "ACTIVATED"}
    answer = caller.database("DELETE", mysql, "/features?feature=force-ssl")
    assert (answer.status_code, answer.json()) == (200, {"message": "force-ssl feature has been disabled"})
    assert features(caller, mysql) == {"force-ssl": "PENDING_TO_REMOVE"}
    box.advance(2.1)
    assert features(caller, mysql) == {}
    events = [event["type"] for event in caller.main("GET", "/v1/apps/shop/events?per_page=2").json()["events"]]
    assert events == ["database/remove_feature", "database/add_feature"]


def test_a_feature_may_be_on_at_once(box: Sandbox, caller: Caller, mysql: str) -> None:
    box.durations(feature=0)
    answer = caller.database("POST", mysql, "/features", json={"feature": {"name": "force-ssl"}})
    assert answer.json()["status"] == "ACTIVATED"
    assert features(caller, mysql) == {"force-ssl": "ACTIVATED"}


def test_public_access_needs_force_ssl_first_and_keeps_it(box: Sandbox, caller: Caller, mysql: str) -> None:
    public = {"feature": {"name": "publicly-available"}}
    answer = caller.database("POST", mysql, "/features", json=public)
    assert answer.status_code == 422
    assert "force-ssl" in answer.json()["errors"]["feature"][0]
    caller.database("POST", mysql, "/features", json={"feature": {"name": "force-ssl"}})
    assert caller.database("POST", mysql, "/features", json=public).status_code == 422
    box.advance(3)
    assert caller.database("POST", mysql, "/features", json=public).status_code == 200
    box.advance(3)
    assert features(caller, mysql) == {"force-ssl": "ACTIVATED", "publicly-available": "ACTIVATED"}
    assert caller.database("DELETE", mysql, "/features?feature=force-ssl").status_code == 422
    assert caller.database("DELETE", mysql, "/features?feature=publicly-available").status_code == 200
    box.advance(3)
    assert caller.database("DELETE", mysql, "/features?feature=force-ssl").status_code == 200


def test_a_feature_can_fail_or_stay_pending(box: Sandbox, caller: Caller, mysql: str) -> None:
    enable = {"feature": {"name": "force-ssl"}}
    box.outcome("feature:force-ssl", "fail", mysql)
    caller.database("POST", mysql, "/features", json=enable)
    box.advance(3)
    assert features(caller, mysql) == {"force-ssl": "FAILED"}
    caller.database("POST", mysql, "/features", json=enable)
    box.advance(3)
    assert features(caller, mysql) == {"force-ssl": "ACTIVATED"}
    box.outcome("feature", "stay")
    caller.database("DELETE", mysql, "/features?feature=force-ssl")
    box.advance(9000)
    caller.forget()
    assert features(caller, mysql) == {"force-ssl": "PENDING_TO_REMOVE"}
    box.change_database(mysql, features={"force-ssl": "FAILED"})
    assert features(caller, mysql) == {"force-ssl": "FAILED"}
    box.change_database(mysql, features={"force-ssl": None})
    assert features(caller, mysql) == {}


def test_features_of_other_engines_are_refused(box: Sandbox, caller: Caller, mysql: str) -> None:
    for name in ("redis-aof", "unheard-of"):
        answer = caller.database("POST", mysql, "/features", json={"feature": {"name": name}})
        assert (answer.status_code, list(answer.json()["errors"])) == (422, ["feature"])
    assert caller.database("DELETE", mysql, "/features").status_code == 422
    ledger = box.addon_id("ledger", "postgresql-ng")
    answer = caller.database("POST", ledger, "/features", json={"feature": {"name": "publicly-available"}})
    assert answer.status_code == 422
    redis = box.addon_id("metrics", "redis")
    assert caller.database("POST", redis, "/features", json={"feature": {"name": "redis-aof"}}).status_code == 200


def test_the_body_of_a_disabled_feature_is_not_a_body(caller: Caller, mysql: str) -> None:
    answer = caller.database("DELETE", mysql, "/features", json={"feature": "force-ssl"})
    assert answer.status_code == 400


# D3, D9, D10


def test_an_upgrade_walks_one_step_and_is_judged_by_the_version(box: Sandbox, caller: Caller, mysql: str) -> None:
    before = caller.show(mysql)
    answer = caller.database("POST", mysql, "/upgrade")
    assert answer.status_code == 202
    body = answer.json()
    assert body["id"] == before["next_version_id"]
    assert body["operation_id"] != body["id"]
    assert answer.headers["Location"] == f"{box.db_api_url()}/api/operations/{body['operation_id']}"
    assert body["message"] == "Database upgrade to 8.0.43-1 is pending"
    assert (body["major"], body["minor"], body["patch"], body["build"]) == (8, 0, 43, 1)
    database = caller.show(mysql)
    assert (database["status"], database["current_operation_id"]) == ("upgrading", body["operation_id"])
    assert database["readable_version"] == "8.0.40-1"
    assert database["instances"][0]["status"] == "upgrading"
    both = [f"/api/operations/{body['operation_id']}", f"/api/databases/{mysql}/operations/{body['operation_id']}"]
    for path in both:
        operation = caller.top("GET", mysql, path).json()["operation"]
        assert (operation["type"], operation["status"], operation["finished_at"]) == ("upgrade", "pending", None)
    box.advance(5)
    assert caller.top("GET", mysql, both[0]).json()["operation"]["status"] == "running"
    box.advance(16)
    for path in both:
        operation = caller.top("GET", mysql, path).json()["operation"]
        assert (operation["status"], operation["error"]) == ("finished", None)
    database = caller.show(mysql)
    assert (database["status"], database["readable_version"]) == ("running", "8.0.43-1")
    event = caller.main("GET", "/v1/apps/shop/events").json()["events"][0]
    assert (event["type"], event["type_data"]["new_version"]) == ("upgrade_database", "8.0.43-1")


def test_the_way_up_ends(box: Sandbox, caller: Caller, mysql: str) -> None:
    versions = []
    for dummy in range(10):
        answer = caller.database("POST", mysql, "/upgrade", json={})
        if answer.status_code != 202:
            break
        box.advance(21)
        versions.append(caller.show(mysql)["readable_version"])
    assert versions == ["8.0.43-1", "8.4.5-1", "8.4.6-1", "8.4.7-1"]
    assert caller.show(mysql)["next_version_id"] is None
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["version"])


def test_an_upgrade_can_fail_and_be_lost(box: Sandbox, caller: Caller, mysql: str) -> None:
    box.outcome("upgrade", "fail", mysql, error="no space left")
    operation = caller.database("POST", mysql, "/upgrade").json()["operation_id"]
    box.advance(21)
    shown = caller.top("GET", mysql, f"/api/operations/{operation}").json()["operation"]
    assert (shown["status"], shown["error"]) == ("error", "no space left")
    assert caller.show(mysql)["readable_version"] == "8.0.40-1"
    operation = caller.database("POST", mysql, "/upgrade").json()["operation_id"]
    box.lose_operation(mysql)
    lost = caller.top("GET", mysql, f"/api/operations/{operation}")
    assert (lost.status_code, lost.json()) == (404, {"error": "Operation not found"})
    assert caller.show(mysql)["current_operation_id"] == operation
    box.advance(21)
    assert caller.show(mysql)["readable_version"] == "8.0.43-1"
    assert caller.show(mysql)["current_operation_id"] is None


def test_no_upgrade_while_a_backup_runs(box: Sandbox, caller: Caller, mysql: str) -> None:
    assert caller.database("POST", mysql, "/backups").status_code == 201
    assert caller.database("POST", mysql, "/upgrade").status_code == 409
    box.advance(11)
    assert caller.database("POST", mysql, "/upgrade").status_code == 202


# T1 to T3


def test_versions_lead_from_one_to_the_next(caller: Caller, mysql: str) -> None:
    path = []
    identifier = caller.show(mysql)["version_id"]
    while identifier:
        version = caller.top("GET", mysql, f"/api/database_type_versions/{identifier}").json()["database_type_version"]
        path.append(f"{version['major']}.{version['minor']}.{version['patch']}-{version['build']}")
        following = version["next_upgrade"]
        assert following is None or "next_upgrade" not in following
        identifier = following["id"] if following else None
    assert path == ["8.0.40-1", "8.0.43-1", "8.4.5-1", "8.4.6-1", "8.4.7-1"]
    assert caller.top("GET", mysql, "/api/database_type_versions/nope").status_code == 404


def test_a_seed_chooses_the_versions(box: Sandbox, caller: Caller) -> None:
    addon = {"provider": "mysql", "database": {"version": "8.0.41-2"}}
    box.reset({"versions": {"mysql": ["9.1.0-1", "8.0.42-1"]}, "apps": [{"name": "shop", "addons": [addon]}]})
    caller.forget()
    mysql = box.addon_id("shop", "mysql")
    versions = [caller.show(mysql)["readable_version"]]
    for dummy in range(2):
        caller.database("POST", mysql, "/upgrade")
        box.advance(21)
        versions.append(caller.show(mysql)["readable_version"])
    assert versions == ["8.0.41-2", "8.0.42-1", "9.1.0-1"]


# D4 and D5


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_a_point_in_time_is_restored(box: Sandbox, caller: Caller, postgresql: str) -> None:
    window = caller.database("GET", postgresql, "/pitr/recovery_window").json()["recovery_window"]
    earliest, latest = instant(window["earliest_recoverable_at"]), instant(window["latest_recoverable_at"])
    assert latest - earliest == timedelta(days=7), (
        "its length is that of the plan from the start: a report of it is not another one later"
    )
    wanted = (latest - timedelta(hours=1)).astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
    answer = caller.database("POST", postgresql, "/pitr/restore", json={"restore_time": wanted})
    assert answer.status_code == 201
    operation = answer.json()["operation"]
    assert (operation["type"], operation["status"]) == ("pitr_restore", "pending")
    assert caller.show(postgresql)["current_operation_id"] == operation["id"]
    box.advance(21)
    assert caller.show(postgresql)["status"] == "running"
    after = caller.database("GET", postgresql, "/pitr/recovery_window").json()["recovery_window"]
    assert instant(after["earliest_recoverable_at"]) > latest
    again = caller.database("POST", postgresql, "/pitr/restore", json={"restore_time": wanted})
    assert (again.status_code, list(again.json()["errors"])) == (422, ["restore_time"])


@pytest.mark.parametrize("text", ["yesterday", "2026-11-20T10:00:00", "2026-13-20T10:00:00Z", "", 5, None])
def test_an_instant_needs_its_form(caller: Caller, postgresql: str, text: Any) -> None:
    answer = caller.database("POST", postgresql, "/pitr/restore", json={"restore_time": text})
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["restore_time"])


def test_there_may_be_no_base_backup_yet(box: Sandbox, caller: Caller) -> None:
    fields = {"addon_provider_id": "postgresql", "plan_id": "postgresql-sandbox"}
    addon_id = caller.main("POST", "/v1/apps/metrics/addons", json={"addon": fields}).json()["addon"]["id"]
    box.advance(31)
    path = "/pitr/recovery_window"
    nothing = {"recovery_window": {"earliest_recoverable_at": None, "latest_recoverable_at": None}}
    assert caller.database("GET", addon_id, path).json() == nothing
    body = {"restore_time": "2026-11-20T10:00:00Z"}
    assert caller.database("POST", addon_id, "/pitr/restore", json=body).status_code == 422
    box.advance(3600)
    caller.forget()
    assert caller.database("GET", addon_id, path).json() != nothing


def test_a_window_may_have_ended_days_ago(box: Sandbox, caller: Caller) -> None:
    """The database looks healthy. A restoration begins a new timeline."""
    vault = box.addon_id("vault", "postgresql", SECOND)
    path = "/pitr/recovery_window"
    window = caller.database("GET", vault, path, SECOND).json()["recovery_window"]
    box.advance(600)
    assert caller.database("GET", vault, path, SECOND).json()["recovery_window"] == window
    earliest, latest = instant(window["earliest_recoverable_at"]), instant(window["latest_recoverable_at"])
    now = datetime.fromtimestamp(box.running.world.now(), timezone.utc)
    assert now - latest > timedelta(days=4) and latest - earliest == timedelta(days=7)
    for late, status in ((1, 422), (0, 201)):
        wanted = (latest + timedelta(seconds=late)).isoformat()
        answer = caller.database("POST", vault, "/pitr/restore", SECOND, json={"restore_time": wanted})
        assert answer.status_code == status
    box.advance(21)
    caller.forget()
    assert instant(caller.database("GET", vault, path, SECOND).json()["recovery_window"]["latest_recoverable_at"]) > now


def test_a_new_major_version_needs_a_new_base_backup(box: Sandbox, caller: Caller, postgresql: str) -> None:
    caller.database("POST", postgresql, "/upgrade")
    box.advance(21)
    assert caller.show(postgresql)["readable_version"] == "17.6.0-1"
    window = caller.database("GET", postgresql, "/pitr/recovery_window").json()["recovery_window"]
    assert window["earliest_recoverable_at"] is None


def test_only_postgresql_goes_back_in_time(caller: Caller, mysql: str) -> None:
    assert caller.database("GET", mysql, "/pitr/recovery_window").status_code == 400
    body = {"restore_time": "2026-11-20T10:00:00Z"}
    assert caller.database("POST", mysql, "/pitr/restore", json=body).status_code == 400


# D8


@pytest.mark.parametrize(
    ("name", "params", "part"),
    [
        ("list-databases", {"x": 1}, "takes no params"),
        ("create-database", None, "params"),
        ("create-database", {}, "database_name"),
        ("create-database", {"database_name": 5}, "database_name"),
        ("create-database", {"database_name": "x", "owner": "y"}, "owner"),
        ("set-sqlmode", {"mode": "ANSI"}, "params"),
        ("list-extensions", None, "not available for mysql"),
        ("list-retention-policies", None, "not available for mysql"),
        ("force-ssl", None, "unknown action"),
        ("delete-database", {"database_name": "shop_1002"}, "protected"),
        ("delete-database", {"database_name": "nowhere"}, "Unknown database"),
        ("reset-database", {"database_name": "nowhere"}, "Unknown database"),
        ("create-database", {"database_name": "orders"}, "exists"),
        ("create-database", {"database_name": ""}, "Incorrect database name"),
        ("create-database", {"database_name": "mysql"}, "Access denied"),
        ("set-sqlmode", "NO_AUTO_CREATE_USER", "can't be set"),
    ],
)
def test_a_failed_action_says_so_with_200(caller: Caller, mysql: str, name: str, params: Any, part: str) -> None:
    before = caller.action(mysql, "list-databases")
    answer = caller.action(mysql, name, params)
    assert (answer["status"], answer["ok"]) == (200, 0)
    assert part in answer["error"]
    assert set(answer) == {"status", "ok", "error"}
    assert caller.action(mysql, "list-databases") == before


def test_an_action_can_be_made_to_fail(box: Sandbox, caller: Caller, mysql: str) -> None:
    box.outcome("action:list-databases", "fail", error="the server has gone away")
    assert caller.action(mysql, "list-databases")["error"] == "the server has gone away"
    assert caller.action(mysql, "list-databases")["ok"] == 1


def test_create_reset_and_delete_are_three_different_things(box: Sandbox, caller: Caller, mysql: str) -> None:
    created = caller.action(mysql, "create-database", {"database_name": "stock"})
    assert created["result"] == {"name": "stock", "protected": False}
    assert caller.action(mysql, "reset-database", {"database_name": "orders"})["result"] is None
    names = [entry["name"] for entry in caller.action(mysql, "list-databases")["result"]]
    assert names == ["shop_1002", "orders", "reports", "stock"]
    tables = {entry["name"]: entry["tables"] for entry in state_of(box, mysql)["logical_databases"]}
    assert tables["orders"] == {}
    assert caller.action(mysql, "delete-database", {"database_name": "orders"})["result"] is None
    names = [entry["name"] for entry in caller.action(mysql, "list-databases")["result"]]
    assert names == ["shop_1002", "reports", "stock"]
    assert caller.action(mysql, "reset-database", {"database_name": "shop_1002"})["ok"] == 1


def state_of(box: Sandbox, addon_id: str) -> dict[str, Any]:
    return next(addon["database"] for app in box.state()["apps"] for addon in app["addons"] if addon["id"] == addon_id)  # type: ignore[no-any-return]


def test_sql_modes_read_back_as_the_server_writes_them(caller: Caller, mysql: str) -> None:
    default = (
        "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,"
        "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
    )
    assert caller.action(mysql, "get-sqlmode", None)["result"] == default
    assert caller.action(mysql, "set-sqlmode", "no_zero_date,ANSI")["result"] is None
    expected = "REAL_AS_FLOAT,PIPES_AS_CONCAT,ANSI_QUOTES,IGNORE_SPACE,ONLY_FULL_GROUP_BY,ANSI,NO_ZERO_DATE"
    assert caller.action(mysql, "get-sqlmode")["result"] == expected
    caller.action(mysql, "set-sqlmode", "TRADITIONAL")
    assert caller.action(mysql, "get-sqlmode")["result"] == (
        "STRICT_TRANS_TABLES,STRICT_ALL_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,"
        "ERROR_FOR_DIVISION_BY_ZERO,TRADITIONAL,NO_ENGINE_SUBSTITUTION"
    )
    assert caller.action(mysql, "set-sqlmode", "")["ok"] == 1
    assert caller.action(mysql, "get-sqlmode")["result"] == ""


def test_retention_policies(caller: Caller, influxdb: str) -> None:
    def policies() -> dict[str, tuple[str, bool]]:
        listed = caller.action(influxdb, "list-retention-policies")["result"]
        return {entry["name"]: (entry["duration"], entry["default"]) for entry in listed}

    assert policies() == {"autogen": ("0s", True), "30-days": ("720h0m0s", False)}
    week = {"name": "week", "duration": "7d", "default": True}
    assert caller.action(influxdb, "add-retention-policy", week) == {"status": 200, "ok": 1, "result": None}
    assert policies() == {"autogen": ("0s", False), "30-days": ("720h0m0s", False), "week": ("168h0m0s", True)}
    assert caller.action(influxdb, "add-retention-policy", {**week, "duration": "1w"})["ok"] == 1
    other = caller.action(influxdb, "add-retention-policy", {**week, "duration": "8d"})
    assert (other["ok"], other["error"]) == (0, "retention policy already exists")
    short = caller.action(influxdb, "add-retention-policy", {"name": "short", "duration": "59m"})
    assert (short["ok"], "at least 1h" in short["error"]) == (0, True)
    assert caller.action(influxdb, "add-retention-policy", {"name": "x", "duration": "soon"})["ok"] == 0
    # In 64 bits: what wraps to less than nothing is refused, the rest is taken for what it is by then.
    overflowed = caller.action(influxdb, "add-retention-policy", {"name": "x", "duration": "106752d"})
    assert overflowed["error"] == "error parsing query: overflowed duration 106752d: choose a smaller duration or INF"
    assert caller.action(influxdb, "add-retention-policy", {"name": "wraps", "duration": "213505d"})["ok"] == 1
    assert policies()["wraps"][0] == "24h25m26.290448384s"
    assert caller.action(influxdb, "del-retention-policy", {"name": "wraps"})["ok"] == 1
    assert caller.action(influxdb, "del-retention-policy", {"name": "week"})["result"] is None
    assert caller.action(influxdb, "del-retention-policy", {"name": "week"})["ok"] == 1
    assert policies() == {"autogen": ("0s", False), "30-days": ("720h0m0s", False)}


def test_postgresql_shows_extensions_and_sessions(box: Sandbox, caller: Caller, postgresql: str) -> None:
    extensions = caller.action(postgresql, "list-extensions", None)["result"]
    assert extensions == [{"name": "plpgsql", "version": "v1.0"}, {"name": "pg_trgm", "version": "v1.6"}]
    queries = {query["pid"]: query for query in caller.action(postgresql, "pg-list-queries")["result"]}
    assert set(queries) == {2000, 2001, 2002}
    assert queries[2000]["query_duration"] >= 900 * 10**9
    assert caller.action(postgresql, "pg-cancel-query", {"pid": 2000})["result"] is None
    states = {query["pid"]: query["state"] for query in caller.action(postgresql, "pg-list-queries")["result"]}
    assert states[2000] == "idle"
    assert caller.action(postgresql, "pg-terminate-query", {"pid": 2000})["result"] is None
    assert {query["pid"] for query in caller.action(postgresql, "pg-list-queries")["result"]} == {2001, 2002}
    assert caller.action(postgresql, "pg-cancel-query", {"pid": "2001"})["ok"] == 0
    ledger = box.addon_id("ledger", "postgresql-ng")
    assert caller.action(ledger, "list-extensions")["ok"] == 1


def test_postgresql_collects_statements_when_told(box: Sandbox, caller: Caller, postgresql: str) -> None:
    assert caller.action(postgresql, "pg-stat-statements-list")["ok"] == 0
    assert caller.action(postgresql, "pg-stat-statements-reset")["ok"] == 0
    for dummy in range(2):
        assert caller.action(postgresql, "pg-stat-statements-enable") == {"status": 200, "ok": 1, "result": None}
    assert caller.action(postgresql, "pg-stat-statements-list")["result"] == []
    names = {entry["name"] for entry in caller.action(postgresql, "list-extensions")["result"]}
    assert "pg_stat_statements" in names
    statement = {
        "user_id": 1000, "query": "SELECT 1", "calls": 2, "rows": 2, "total_time": 1.5, "min_time": 0.5,
        "max_time": 1.0, "mean_time": 0.75, "std_dev": 0.1,
    }  # fmt: skip
    addon = {"provider": "postgresql", "database": {"statements": [statement]}}
    box.reset({"apps": [{"name": "shop", "addons": [addon]}]})
    caller.forget()
    seeded = box.addon_id("shop", "postgresql")
    assert caller.action(seeded, "pg-stat-statements-list")["result"] == [statement]
    caller.action(seeded, "pg-stat-statements-reset")
    assert caller.action(seeded, "pg-stat-statements-list")["result"] == []


def test_the_log_knows_which_actions_only_read(box: Sandbox, caller: Caller, mysql: str) -> None:
    caller.addon_token(mysql)
    box.clear_log()
    caller.action(mysql, "list-databases")
    caller.action(mysql, "get-sqlmode")
    assert box.unsafe() == []
    caller.action(mysql, "delete-database", {"database_name": "orders"})
    caller.action(mysql, "made-up")
    assert [record.action_name for record in box.unsafe()] == ["delete-database", "made-up"]
    assert [record.route for record in box.log()] == ["D8"] * 4


# D11 to D14


def test_plan_ping_and_lag(box: Sandbox, caller: Caller, mysql: str) -> None:
    plan = caller.database("GET", mysql, "/plan").json()["plan"]
    assert (plan["name"], plan["manual_backups_count"], plan["backup"]) == ("mysql-starter-512", 10, True)
    named = caller.top("GET", mysql, "/api/plans/redis-business-512?type=redis").json()["plan"]
    assert (named["manual_backups_count"], named["gateway_nodes"]) == (50, 2)
    assert caller.top("GET", mysql, "/api/plans/redis-business-512?type=mysql").status_code == 404
    assert caller.database("POST", mysql, "/ping", json={}).status_code == 200
    box.change_database(mysql, lag=12)
    assert caller.database("GET", mysql, "/lag").json() == {"lag": 12}


# M1 and M2


def test_maintenance_is_listed_in_pages_and_shown_bare(box: Sandbox, caller: Caller, mysql: str) -> None:
    listed = caller.database("GET", mysql, "/maintenance").json()
    assert [entry["status"] for entry in listed["maintenance"]] == ["scheduled", "done"]
    assert listed["maintenance"][0]["started_at"] is None
    assert listed["meta"]["pagination"]["total_count"] == 2
    for entry in listed["maintenance"]:
        assert entry["database_id"] == caller.show(mysql)["id"]
        assert caller.database("GET", mysql, f"/maintenance/{entry['id']}").json() == entry
    page = caller.database("GET", mysql, "/maintenance?page=2&per_page=1").json()
    assert [entry["status"] for entry in page["maintenance"]] == ["done"]
    beyond = caller.database("GET", mysql, "/maintenance?page=9&per_page=1").json()
    assert (beyond["maintenance"], beyond["meta"]["pagination"]["next_page"]) == ([], None)
    assert caller.database("GET", mysql, "/maintenance?per_page=none").status_code == 422
    assert caller.database("GET", mysql, "/maintenance/nope").status_code == 404


def test_a_maintenance_takes_its_course(box: Sandbox, caller: Caller) -> None:
    planned = {"type": "db-node-migration", "status": "scheduled", "starts_in": 2 * 86400}
    addon = {"provider": "mysql", "database": {"maintenance": [planned]}}
    box.reset({"apps": [{"name": "shop", "addons": [addon]}]})
    mysql = box.addon_id("shop", "mysql")
    seen = []
    for seconds in (0, 86400, 86400, 61):
        box.advance(seconds)
        caller.forget()
        entry = caller.database("GET", mysql, "/maintenance").json()["maintenance"][0]
        seen.append((entry["status"], caller.show(mysql)["status"], entry["ended_at"] is not None))
    assert seen == [
        ("scheduled", "running", False),
        ("notified", "running", False),
        ("running", "migrating", False),
        ("done", "running", True),
    ]
    events = [event["type"] for event in caller.main("GET", "/v1/apps/shop/events").json()["events"]]
    assert events == [
        "complete_database_maintenance", "start_database_maintenance", "plan_database_maintenance",
    ]  # fmt: skip


def test_a_maintenance_that_finds_the_database_busy_is_missed(box: Sandbox, caller: Caller) -> None:
    planned = {"type": "db-node-migration", "status": "notified", "starts_in": 3600}
    database = {"maintenance": [planned], "current_operation_id": "0123456789abcdef01234567"}
    box.reset({"apps": [{"name": "shop", "addons": [{"provider": "mysql", "database": database}]}]})
    box.advance(3601)
    caller.forget()
    entry = caller.database("GET", box.addon_id("shop", "mysql"), "/maintenance").json()["maintenance"][0]
    assert entry["status"] == "cancelled"
    for name in ("miss_database_maintenance", "database_maintenance_missed"):
        event = caller.main("GET", "/v1/apps/shop/events").json()["events"][0]
        assert (event["type"], event["type_data"]["maintenance_id"]) == (name, entry["id"])
        box.switch("maintenance_events", "documented")


# S1 to S5


STATS = {
    "mysql": {"data_size", "current_connections", "max_connections"},
    "influxdb": {"data_size"},
    "mongodb": {
        "collections", "objects", "avg_obj_size", "data_size", "storage_size", "num_extents", "indexes", "index_size",
        "file_size",
    },
}  # fmt: skip


def test_metrics_by_engine(box: Sandbox, caller: Caller) -> None:
    for (app, provider), keys in zip(
        (("shop", "mysql"), ("metrics", "influxdb"), ("metrics", "mongodb")), STATS.values(), strict=True
    ):
        metrics = caller.database("GET", box.addon_id(app, provider), "/metrics").json()
        assert set(metrics) == {"cpu_usage", "memory", "database_stats", "real_disk_size", "instances_metrics"}
        assert set(metrics["database_stats"]) == keys
        node, gateway = metrics["instances_metrics"].values()
        assert (set(node["cpu"]), gateway["cpu"]) == ({"usage_in_percents"}, None)
        assert set(metrics["memory"]) == {"memory", "memory_max", "memory_limit", "swap", "swap_max", "swap_limit"}
        for identifier, numbers in metrics["instances_metrics"].items():
            assert numbers["instance_id"] == identifier


@pytest.mark.parametrize("name", ["cpu", "memory", "swap", "disk", "diskio"])
def test_series(caller: Caller, mysql: str, name: str) -> None:
    points = caller.database("GET", mysql, f"/metrics/{name}").json()[f"{name}_metrics"]
    assert len(points) == 18
    times = [instant(point["time"]) for point in points]
    assert all(later - earlier == timedelta(minutes=10) for earlier, later in itertools.pairwise(times))
    assert len(caller.database("GET", mysql, f"/metrics/{name}?since=1").json()[f"{name}_metrics"]) == 6
    assert len(caller.database("GET", mysql, f"/metrics/{name}?last=true").json()[f"{name}_metrics"]) == 1
    node = caller.show(mysql)["instances"][0]["id"]
    assert caller.database("GET", mysql, f"/instances/{node}/metrics/{name}?since=1").status_code == 200


def test_unknown_series(caller: Caller, mysql: str) -> None:
    assert caller.database("GET", mysql, "/metrics/noise").status_code == 404
    assert caller.database("GET", mysql, "/instances/nope/metrics/cpu").status_code == 404
    assert caller.database("GET", mysql, "/metrics/cpu?since=-1").status_code == 422


def test_health_is_elasticsearchs_with_numbers_as_text(box: Sandbox, caller: Caller, mysql: str) -> None:
    elasticsearch = box.addon_id("metrics", "elasticsearch")
    health = caller.database("GET", elasticsearch, "/health").json()
    assert set(health) == {"epoch", "status", "cluster", "shards", "pending_tasks"}
    assert all(isinstance(value, str) for value in health.values())
    box.change_database(elasticsearch, health="red")
    assert caller.database("GET", elasticsearch, "/health").json()["status"] == "red"
    assert caller.database("GET", mysql, "/health").status_code == 400


def test_the_status_of_instances_is_a_bare_list(box: Sandbox, caller: Caller) -> None:
    redis = box.addon_id("metrics", "redis")
    instances = caller.database("GET", redis, "/instances_status").json()
    assert isinstance(instances, list)
    assert [entry["role"] for entry in instances if entry["type"] == "db-node"] == ["leader", "follower", "follower"]
    assert {entry["role"] for entry in instances if entry["type"] == "gateway"} == {""}
    assert {entry["status"] for entry in instances} == {"running"}


# what does not exist


def test_an_unknown_database_is_not_found_with_the_bearer(caller: Caller) -> None:
    for path in ("", "/backups", "/users", "/action", "/maintenance"):
        method = "POST" if path == "/action" else "GET"
        body = {"action_name": "list-databases"} if path == "/action" else None
        answer = caller.main(method, f"/api/databases/ad-nope{path}", json=body)
        assert (answer.status_code, answer.json()) == (404, {"error": "Database not found"})
