# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users of databases: docs/contract.md sections 2.11 and 7.2."""

from __future__ import annotations

from typing import Any

import pytest
from scalingo_sandbox.testing import Sandbox
from support.caller import Caller

PASSWORD = "0123456789abcdefghijklmnop"


@pytest.fixture
def postgresql(box: Sandbox) -> str:
    return box.addon_id("shop", "postgresql")


def users(caller: Caller, addon_id: str) -> dict[str, dict[str, Any]]:
    answer = caller.database("GET", addon_id, "/users")
    assert answer.status_code == 200
    return {user["name"]: user for user in answer.json()["database-users"]}


def create(caller: Caller, addon_id: str, **fields: Any) -> Any:
    return caller.database("POST", addon_id, "/users", json={"database_user": fields})


def test_users_are_listed_without_passwords(box: Sandbox, caller: Caller, postgresql: str) -> None:
    listed = users(caller, postgresql)
    assert listed["shop_1001"] == {
        "name": "shop_1001",
        "read_only": False,
        "protected": True,
        "dbms_attributes": {"password_encryption": "SCRAM-SHA-256"},
    }
    assert listed["reporting"]["protected"] is False
    mysql = users(caller, box.addon_id("shop", "mysql"))
    assert "dbms_attributes" not in mysql["shop_1002"]


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"password": None, "password_confirmation": None},
        {"password": "", "password_confirmation": ""},
        {"database_id": "5c599fd6f18b3202f7ab4e66"},
        {"password": PASSWORD, "password_confirmation": PASSWORD, "database_id": "my-db-123"},
    ],
)
def test_a_user_is_created_with_a_password_that_is_shown_once(
    caller: Caller, postgresql: str, given: dict[str, Any]
) -> None:
    answer = create(caller, postgresql, name="analyst_1", read_only=True, **given)
    assert answer.status_code == 201
    user = answer.json()["database_user"]
    assert (user["name"], user["read_only"], user["protected"]) == ("analyst_1", True, False)
    if given.get("password"):
        assert user["password"] == PASSWORD
    else:
        assert 24 <= len(user["password"]) <= 64
    assert "password" not in users(caller, postgresql)["analyst_1"]


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"name": "short"}, "name"),
        ({"name": "x" * 33}, "name"),
        ({"name": "1analyst"}, "name"),
        ({"name": "with-hyphen"}, "name"),
        ({"name": "reporting"}, "name"),
        ({}, "name"),
        ({"name": "analyst_1", "admin": True}, "admin"),
        ({"name": "analyst_1", "password": "short", "password_confirmation": "short"}, "password"),
        ({"name": "analyst_1", "password": "x" * 65, "password_confirmation": "x" * 65}, "password"),
        ({"name": "analyst_1", "password": PASSWORD + '"', "password_confirmation": PASSWORD + '"'}, "password"),
        ({"name": "analyst_1", "password": PASSWORD}, "password_confirmation"),
        ({"name": "analyst_1", "password": PASSWORD, "password_confirmation": "other"}, "password_confirmation"),
        ({"name": "analyst_1", "read_only": "yes"}, "read_only"),
    ],
)
def test_a_wrong_user_is_refused(caller: Caller, postgresql: str, fields: dict[str, Any], field: str) -> None:
    answer = create(caller, postgresql, **fields)
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [field]
    assert set(users(caller, postgresql)) == {"shop_1001", "reporting"}


def test_names_are_shorter_on_mysql(box: Sandbox, caller: Caller) -> None:
    mysql = box.addon_id("shop", "mysql")
    assert create(caller, mysql, name="x" * 17).status_code == 422
    assert create(caller, mysql, name="x" * 16).status_code == 201


def test_a_password_is_changed_and_nothing_else(caller: Caller, postgresql: str) -> None:
    fields = {"database_id": postgresql, "password": PASSWORD, "password_confirmation": PASSWORD}
    answer = caller.database("PATCH", postgresql, "/users/reporting", json={"database_user": fields})
    assert answer.status_code == 200
    assert answer.json()["database_user"]["name"] == "reporting"
    assert PASSWORD not in answer.text
    for wrong in ({"read_only": True}, {"name": "other"}):
        body = {"database_user": {**fields, **wrong}}
        assert caller.database("PATCH", postgresql, "/users/reporting", json=body).status_code == 422
    empty = caller.database("PATCH", postgresql, "/users/reporting", json={"database_user": {}})
    assert (empty.status_code, list(empty.json()["errors"])) == (422, ["password"])


@pytest.mark.parametrize("body", [None, {}])
def test_a_password_is_reset(caller: Caller, postgresql: str, body: Any) -> None:
    first = caller.database("POST", postgresql, "/users/reporting/reset_password", json=body)
    second = caller.database("POST", postgresql, "/users/reporting/reset_password", json=body)
    assert first.status_code == second.status_code == 200
    assert first.json()["database_user"]["password"] != second.json()["database_user"]["password"]


def test_the_old_verb_of_a_reset_is_gone(caller: Caller, postgresql: str) -> None:
    assert caller.database("PATCH", postgresql, "/users/reporting/reset_password").status_code == 404
    assert caller.database("POST", postgresql, "/users/reporting").status_code == 404


def test_a_user_is_deleted(caller: Caller, postgresql: str) -> None:
    answer = caller.database("DELETE", postgresql, "/users/reporting")
    assert (answer.status_code, answer.content) == (204, b"")
    assert set(users(caller, postgresql)) == {"shop_1001"}
    again = caller.database("DELETE", postgresql, "/users/reporting")
    assert (again.status_code, again.json()) == (404, {"error": "User not found"})


def test_the_default_user_is_protected(caller: Caller, postgresql: str) -> None:
    fields = {"password": PASSWORD, "password_confirmation": PASSWORD}
    for method, path, body in (
        ("PATCH", "/users/shop_1001", {"database_user": fields}),
        ("POST", "/users/shop_1001/reset_password", None),
        ("DELETE", "/users/shop_1001", None),
    ):
        answer = caller.database(method, postgresql, path, json=body)
        assert (answer.status_code, list(answer.json()["errors"])) == (422, ["name"])
    assert "shop_1001" in users(caller, postgresql)


def test_redis_has_no_users(box: Sandbox, caller: Caller) -> None:
    redis = box.addon_id("metrics", "redis")
    assert caller.database("GET", redis, "/users").status_code == 400
    assert create(caller, redis, name="analyst_1").status_code == 400


def test_other_engines_have_users(box: Sandbox, caller: Caller) -> None:
    for app, provider in (("metrics", "mongodb"), ("metrics", "influxdb"), ("ledger", "postgresql-ng")):
        addon_id = box.addon_id(app, provider)
        assert create(caller, addon_id, name="analyst_1").status_code == 201
        assert "analyst_1" in users(caller, addon_id)
