# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The authentication host, and who may do what where: docs/contract.md section 1."""

from __future__ import annotations

import base64
import json

import pytest
from scalingo_sandbox.testing import Sandbox
from support.caller import REGION, SECOND, Caller


def claims(token: str) -> dict[str, object]:
    """The content of a token, read as clients do: without verifying it."""
    part = token.split(".")[1]
    decoded: dict[str, object] = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    return decoded


@pytest.mark.parametrize("body", [None, b"{}"])
def test_an_api_token_is_exchanged_for_a_bearer_of_one_hour(box: Sandbox, caller: Caller, body: bytes | None) -> None:
    headers = {"Content-Type": "application/json"} if body else {}
    address = f"{box.auth_url}/v1/tokens/exchange"
    answer = caller.client.post(address, auth=("", box.api_token), content=body, headers=headers)
    assert answer.status_code == 200
    assert set(answer.json()) == {"token"}
    token = answer.json()["token"]
    header = json.loads(base64.urlsafe_b64decode(token.split(".")[0] + "=="))
    assert header["alg"] == "HS256"
    assert claims(token)["exp"] == claims(token)["iat"] + 3600  # type: ignore[operator]


@pytest.mark.parametrize(
    "authorization",
    [
        None,
        "Basic " + base64.b64encode(b":wrong").decode(),
        "Basic " + base64.b64encode(b":").decode(),
        "Basic not-base64!",
        "Bearer x",
    ],
)
def test_without_the_api_token_there_is_no_bearer(box: Sandbox, caller: Caller, authorization: str | None) -> None:
    headers = {"Authorization": authorization} if authorization else {}
    answer = caller.client.post(f"{box.auth_url}/v1/tokens/exchange", headers=headers)
    assert answer.status_code == 401
    assert answer.json() == {"error": "Invalid credentials"}


@pytest.mark.parametrize(("verb", "path"), [("GET", "0" * 24), ("DELETE", "0" * 24), ("PATCH", "wrong/renew")])
def test_what_the_authentication_host_does_not_have_is_a_page(caller: Caller, verb: str, path: str) -> None:
    answer = caller.auth(verb, f"/v1/tokens/{path}")
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=UTF-8")
    assert "The page you were looking for doesn't exist (404)" in answer.text


def test_the_user_name_of_an_exchange_must_be_empty(box: Sandbox, caller: Caller) -> None:
    answer = caller.client.post(f"{box.auth_url}/v1/tokens/exchange", auth=("somebody", box.api_token))
    assert answer.status_code == 401


def test_the_user_is_shown(caller: Caller) -> None:
    user = caller.auth("GET", "/v1/users/self").json()["user"]
    assert {"id", "username", "email", "fullname"} <= set(user)
    assert user["username"] == "sandbox"


def test_regions_are_public_or_all(box: Sandbox, caller: Caller) -> None:
    public = caller.client.get(f"{box.auth_url}/v1/regions").json()["regions"]
    assert [region["name"] for region in public] == [REGION]
    regions = {region["name"]: region for region in caller.auth("GET", "/v1/regions").json()["regions"]}
    assert set(regions) == {REGION, SECOND}
    for name, region in regions.items():
        assert region["api"] == box.api_url(name)
        assert region["database_api"] == box.db_api_url(name)
        assert region["default"] is (name == REGION)
        assert ":" in region["ssh"]


def test_a_bad_bearer_is_not_the_same_as_none_for_regions(box: Sandbox, caller: Caller) -> None:
    answer = caller.client.get(f"{box.auth_url}/v1/regions", headers={"Authorization": "Bearer nonsense"})
    assert answer.status_code == 401


def test_a_bearer_expires_and_a_new_one_works(box: Sandbox, caller: Caller) -> None:
    assert caller.main("GET", "/v1/apps").status_code == 200
    box.advance(3590)
    assert caller.main("GET", "/v1/apps").status_code == 200
    box.advance(11)
    answer = caller.main("GET", "/v1/apps")
    assert answer.status_code == 401
    assert set(answer.json()) == {"error"}
    caller.forget()
    assert caller.main("GET", "/v1/apps").status_code == 200


def test_an_addon_token_expires_after_an_hour(box: Sandbox, caller: Caller) -> None:
    addon_id = box.addon_id("shop", "mysql")
    assert caller.database("GET", addon_id).status_code == 200
    box.advance(3601)
    assert caller.database("GET", addon_id).status_code == 401
    caller.forget()
    assert caller.database("GET", addon_id).status_code == 200


def test_tokens_can_be_expired_at_once(box: Sandbox, caller: Caller) -> None:
    mysql, postgresql = box.addon_id("shop", "mysql"), box.addon_id("shop", "postgresql")
    assert caller.database("GET", mysql).status_code == caller.database("GET", postgresql).status_code == 200
    box.expire_tokens(addon_id=mysql)
    assert caller.database("GET", mysql).status_code == 401
    assert caller.database("GET", postgresql).status_code == 200
    box.expire_tokens("addon")
    assert caller.database("GET", postgresql).status_code == 401
    assert caller.main("GET", "/v1/apps").status_code == 200
    box.expire_tokens("bearer")
    assert caller.main("GET", "/v1/apps").status_code == 401
    caller.forget()
    assert caller.database("GET", mysql).status_code == 200


def test_the_token_of_another_addon_opens_nothing(box: Sandbox, caller: Caller) -> None:
    mysql, postgresql = box.addon_id("shop", "mysql"), box.addon_id("shop", "postgresql")
    headers = {"Authorization": f"Bearer {caller.addon_token(mysql)}"}
    answer = caller.client.get(f"{box.db_api_url()}/api/databases/{postgresql}", headers=headers)
    assert answer.status_code == 401
    assert set(answer.json()) == {"error"}
    backup = caller.database("GET", postgresql, "/backups").json()["database_backups"][0]
    assert caller.client.get(f"{box.db_api_url()}/api/backups/{backup['id']}", headers=headers).status_code == 401
    operation = caller.database("POST", postgresql, "/upgrade").json()["operation_id"]
    assert caller.client.get(f"{box.db_api_url()}/api/operations/{operation}", headers=headers).status_code == 401


def test_an_addon_token_does_not_work_in_another_region(box: Sandbox, caller: Caller) -> None:
    mysql = box.addon_id("shop", "mysql")
    headers = {"Authorization": f"Bearer {caller.addon_token(mysql)}"}
    assert caller.client.get(f"{box.db_api_url(SECOND)}/api/databases/{mysql}", headers=headers).status_code == 401
    assert caller.client.get(f"{box.db_api_url(SECOND)}/api/database_types", headers=headers).status_code == 401


def test_each_host_takes_its_own_token_only(box: Sandbox, caller: Caller) -> None:
    mysql = box.addon_id("shop", "mysql")
    bearer = {"Authorization": f"Bearer {caller.bearer}"}
    addon = {"Authorization": f"Bearer {caller.addon_token(mysql)}"}
    get = caller.client.get
    assert get(f"{box.db_api_url()}/api/databases/{mysql}", headers=bearer).status_code == 401
    assert get(f"{box.api_url()}/v1/apps", headers=addon).status_code == 401
    assert get(f"{box.api_url()}/api/databases/{mysql}", headers=addon).status_code == 401
    assert get(f"{box.auth_url}/v1/users/self", headers=addon).status_code == 401
    assert get(f"{box.db_api_url()}/api/databases/{mysql}").status_code == 401
    assert get(f"{box.api_url()}/v1/apps").status_code == 401
    basic = {"Authorization": "Basic " + base64.b64encode(f":{box.api_token}".encode()).decode()}
    assert get(f"{box.api_url()}/v1/apps", headers=basic).status_code == 401


@pytest.mark.parametrize("form", ["/v1", "/api"])
def test_the_database_routes_are_on_the_main_host_too_with_the_bearer(box: Sandbox, caller: Caller, form: str) -> None:
    mysql = box.addon_id("shop", "mysql")
    for path in (f"/databases/{mysql}", f"/databases/{mysql}/plan", "/database_types", "/firewall/managed_ranges"):
        assert caller.main("GET", form + path).status_code == 200
    assert caller.main("GET", f"{form}/databases/{mysql}").json() == {"database": caller.show(mysql)}
    version = caller.show(mysql)["version_id"]
    assert caller.main("GET", f"{form}/database_type_versions/{version}").status_code == 200
    other = box.addon_id("vault", "mysql", SECOND)
    answer = caller.main("GET", f"{form}/databases/{other}")
    assert (answer.status_code, answer.json()) == (404, {"error": "Database not found"})


@pytest.mark.parametrize("form", ["/v1", "/api"])
def test_a_bearer_opens_what_belongs_to_any_database(box: Sandbox, caller: Caller, form: str) -> None:
    """Nothing but the client sees that a backup or an operation is another database's (section 1.5)."""
    postgresql = box.addon_id("shop", "postgresql")
    backup = caller.database("GET", postgresql, "/backups").json()["database_backups"][0]
    assert caller.main("GET", f"{form}/backups/{backup['id']}").status_code == 200
    answer = caller.main("POST", f"{form}/databases/{postgresql}/upgrade")
    assert answer.headers["Location"] == f"{box.api_url()}{form}/operations/{answer.json()['operation_id']}"
    assert caller.main("GET", answer.headers["Location"].removeprefix(box.api_url())).status_code == 200
    mysql = box.addon_id("shop", "mysql")
    assert caller.main("GET", f"{form}/databases/{mysql}/backups/{backup['id']}").status_code == 404


def test_under_v1_an_addon_is_no_dedicated_database_and_the_other_way_round(box: Sandbox, caller: Caller) -> None:
    dedicated = caller.main("GET", "/v1/databases").json()["databases"][0]
    addon = caller.main("GET", f"/v1/apps/{dedicated['name']}/addons").json()["addons"][0]["id"]
    assert (
        addon.startswith("ad-") and "technology" not in caller.main("GET", f"/v1/databases/{addon}").json()["database"]
    )
    for name in (dedicated["id"], dedicated["name"]):
        assert caller.main("GET", f"/v1/databases/{name}").json()["database"]["technology"] == "postgresql-ng"
        assert caller.main("GET", f"/v1/databases/{name}/backups").status_code == 404


def test_a_region_that_is_not_the_users_refuses(box: Sandbox, caller: Caller) -> None:
    box.reset({"user": {"regions": [REGION]}, "apps": [{"name": "vault", "region": SECOND}]})
    answer = caller.main("GET", "/v1/apps", region=SECOND)
    assert (answer.status_code, answer.json()["code"]) == (403, "region_disabled")
    assert [region["name"] for region in caller.auth("GET", "/v1/regions").json()["regions"]] == [REGION]


def test_the_second_region_is_separate(box: Sandbox, caller: Caller) -> None:
    assert caller.main("GET", "/v1/apps/vault").status_code == 404
    assert caller.main("GET", "/v1/apps/vault", region=SECOND).status_code == 200
    names = {app["name"] for app in caller.main("GET", "/v1/apps", region=SECOND).json()["apps"]}
    assert names == {"vault", "secret-ledger"}


def test_a_removed_addon_takes_its_tokens_along(box: Sandbox, caller: Caller) -> None:
    redis = box.addon_id("metrics", "redis")
    assert caller.database("GET", redis).status_code == 200
    assert caller.main("DELETE", f"/v1/apps/metrics/addons/{redis}").status_code == 204
    assert caller.database("GET", redis).status_code == 401


def test_api_tokens_are_managed(box: Sandbox, caller: Caller) -> None:
    made = caller.auth("POST", "/v1/tokens", json={"token": {"name": "second"}})
    assert made.status_code == 201
    token = made.json()["token"]
    assert caller.exchange(token["token"]).status_code == 200
    listed = caller.auth("GET", "/v1/tokens").json()["tokens"]
    assert [entry["name"] for entry in listed] == ["sandbox", "second"]
    assert all("token" not in entry for entry in listed)
    assert listed[1]["last_used_at"] is not None
    renewed = caller.auth("PATCH", f"/v1/tokens/{token['id']}/renew").json()["token"]["token"]
    assert caller.exchange(token["token"]).status_code == 401
    assert caller.exchange(renewed).status_code == 200
    assert caller.auth("DELETE", f"/v1/tokens/{token['id']}").status_code == 204
    assert caller.exchange(renewed).status_code == 401
    assert caller.auth("POST", "/v1/tokens", json={"name": "third"}).status_code == 201
    assert caller.auth("POST", "/v1/tokens", json={}).json() == {"errors": {"name": ["can't be blank"]}}


def test_no_answer_and_no_record_holds_the_api_token(box: Sandbox, caller: Caller) -> None:
    mysql = box.addon_id("shop", "mysql")
    caller.show(mysql)
    kept = "".join(record.model_dump_json() for record in box.log()) + json.dumps(box.state())
    for secret in (box.api_token, caller.bearer, caller.addon_token(mysql)):
        assert secret not in kept
