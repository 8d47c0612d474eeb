# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults on demand and the rate limit: docs/contract.md sections 4.1 and 4.4."""

from __future__ import annotations

import concurrent.futures
import socket
import time
import urllib.parse
from typing import Any

import httpx
import pytest
from scalingo_sandbox.testing import Sandbox
from support.caller import Caller
from support.programs import until


@pytest.fixture
def mysql(box: Sandbox, caller: Caller) -> str:
    addon_id = box.addon_id("shop", "mysql")
    caller.addon_token(addon_id)
    box.clear_log()
    return addon_id


CHANGE = {"database": {"periodic_backups_scheduled_at": 9}}
#: An answer that is not there at once does not come. To connect and to send may take its time.
SOON = httpx.Timeout(60, read=0.1)


def hours(box: Sandbox, addon_id: str) -> Any:
    return next(
        addon["database"]["periodic_backups_scheduled_at"]
        for app in box.state()["apps"]
        for addon in app["addons"]
        if addon["id"] == addon_id
    )


def test_dropped_before_the_work(box: Sandbox, caller: Caller, mysql: str) -> None:
    box.fault(match={"route": "D2"}, do="drop_before", times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        caller.database("PATCH", mysql, json=CHANGE)
    assert hours(box, mysql) == [0]
    record = box.log()[-1]
    assert (record.route, record.status, record.fault) == ("D2", None, "drop_before")
    assert caller.database("PATCH", mysql, json=CHANGE).status_code == 200


def test_dropped_after_the_work(box: Sandbox, caller: Caller, mysql: str) -> None:
    box.fault(match={"route": "D2"}, do="drop_after", times=1)
    with pytest.raises(httpx.RemoteProtocolError):
        caller.database("PATCH", mysql, json=CHANGE)
    assert hours(box, mysql) == [9]
    record = box.log()[-1]
    assert (record.status, record.fault) == (None, "drop_after")


def test_held_until_the_rules_are_cleared(box: Sandbox, caller: Caller, mysql: str) -> None:
    for deed, seen in (("hold_before", [0]), ("hold_after", [9])):
        box.clear_log()
        box.fault(do=deed)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            change = pool.submit(caller.database, "PATCH", mysql, json=CHANGE)
            until(box.log, "the request")
            assert not change.done() and hours(box, mysql) == seen and box.log()[0].fault == deed
            box.clear_faults()
            with pytest.raises(httpx.RemoteProtocolError):
                change.result(10)
        assert hours(box, mysql) == seen


def test_a_dropped_connection_sends_not_one_byte(box: Sandbox, mysql: str) -> None:
    address = urllib.parse.urlsplit(box.db_api_url())
    for deed in ("drop_before", "drop_after"):
        box.fault(do=deed, times=1)
        with socket.create_connection((address.hostname, address.port or 0), timeout=5) as connection:
            connection.sendall(f"GET /api/databases/{mysql} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            assert connection.recv(1000) == b""


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (401, {"error"}),
        (402, {"error", "url"}),
        (403, {"error"}),
        (404, {"error"}),
        (409, {"error"}),
        (422, {"errors"}),
        (429, {"error", "code"}),
        (500, {"error"}),
        (503, {"error"}),
    ],
)
def test_a_status_instead_of_the_work(box: Sandbox, caller: Caller, mysql: str, status: int, body: set[str]) -> None:
    box.fault(match={"route": "D2"}, do="status", status=status, headers={"Retry-After": "7"})
    answer = caller.database("PATCH", mysql, json=CHANGE)
    assert (answer.status_code, set(answer.json()), answer.headers["Retry-After"]) == (status, body, "7")
    assert hours(box, mysql) == [0]


def test_a_page_and_a_text(box: Sandbox, caller: Caller, mysql: str) -> None:
    box.fault(do="html", times=1)
    answer = caller.database("GET", mysql)
    assert (answer.status_code, answer.headers["Content-Type"]) == (502, "text/html; charset=utf-8")
    assert "<html>" in answer.text
    box.fault(do="html", status=200, body="<p>hello</p>", times=1)
    answer = caller.database("GET", mysql)
    assert (answer.status_code, answer.text) == (200, "<p>hello</p>")
    box.fault(do="plain", times=1)
    answer = caller.database("GET", mysql)
    assert (answer.status_code, answer.text) == (429, "Retry later\n")
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_a_truncated_answer_promises_more_than_it_sends(box: Sandbox, caller: Caller, mysql: str) -> None:
    whole = caller.database("GET", mysql).content
    box.fault(do="truncate", times=1)
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        caller.database("GET", mysql)
    box.fault(do="truncate", times=1, bytes=17)
    headers = {"Authorization": f"Bearer {caller.addon_token(mysql)}"}
    received = b""
    with caller.client.stream("GET", f"{box.db_api_url()}/api/databases/{mysql}", headers=headers) as stream:
        assert int(stream.headers["Content-Length"]) > len(whole)
        with pytest.raises(httpx.RemoteProtocolError):
            for piece in stream.iter_bytes():
                received += piece
    assert received == whole[:17]


def test_a_reset_connection(box: Sandbox, mysql: str) -> None:
    address = urllib.parse.urlsplit(box.db_api_url())
    for deed in ("drop_before", "drop_after", "truncate"):
        box.fault(do=deed, reset=True, times=1)
        with socket.create_connection((address.hostname, address.port or 0), timeout=5) as connection:
            connection.sendall(f"GET /api/databases/{mysql} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
            with pytest.raises(ConnectionResetError):
                while connection.recv(1000):
                    pass


def test_an_answer_that_drips(box: Sandbox, caller: Caller, mysql: str) -> None:
    whole = caller.database("GET", mysql).json()
    box.fault(do="drip", seconds=0.01, bytes=100, times=1)
    assert caller.database("GET", mysql).json() == whole


def test_other_headers(box: Sandbox, caller: Caller, mysql: str) -> None:
    whole = caller.database("GET", mysql).json()
    box.fault(do="headers", headers={"Date": "Thu, 01 Jan 1970 00:00:00 GMT", "X-Other": "1"}, times=1)
    answer = caller.database("GET", mysql)
    assert (answer.json(), answer.headers["Date"], answer.headers["X-Other"]) == (
        whole,
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "1",
    )
    box.fault(do="headers", headers={"Content-Length": "\u00b2"}, times=1)
    with pytest.raises(httpx.RemoteProtocolError, match="Content-Length"):
        caller.database("GET", mysql)


def test_tokens_that_expire_with_a_request(box: Sandbox, caller: Caller, mysql: str) -> None:
    box.fault(match={"route": "D2"}, do="expire_tokens", times=1)
    assert caller.database("PATCH", mysql, json=CHANGE).status_code == 401
    assert hours(box, mysql) == [0]
    caller.forget()
    assert caller.database("PATCH", mysql, json=CHANGE).status_code == 200


def test_a_slow_answer(box: Sandbox, caller: Caller, mysql: str) -> None:
    box.fault(do="slow", seconds=0.3, times=1)
    started = time.perf_counter()
    assert caller.database("GET", mysql).status_code == 200
    assert time.perf_counter() - started > 0.3
    box.fault(do="slow", seconds=5, times=1)
    with pytest.raises(httpx.ReadTimeout):
        caller.database("GET", mysql, timeout=SOON)


def test_a_slow_answer_holds_up_nobody_else(box: Sandbox, caller: Caller, mysql: str) -> None:
    for act, done in ((box.clear_faults, [9]), (box.reset, [0])):
        box.reset()
        caller.forget()
        caller.addon_token(mysql)
        box.fault(match={"route": "D2"}, do="slow", seconds=600, times=1)
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            change = pool.submit(caller.database, "PATCH", mysql, json=CHANGE)
            until(lambda: [record.route for record in box.log()].count("D2"), "the slow request")  # noqa: B023
            assert caller.database("GET", mysql).status_code == 200 and hours(box, mysql) == [0] and not change.done()
            act()
            if done == [9]:
                assert change.result().status_code == 200
            else:
                # It was for a database that is not there any more.
                with pytest.raises(httpx.RemoteProtocolError):
                    change.result()
        assert hours(box, mysql) == done


def test_another_answer_after_the_work(box: Sandbox, caller: Caller, mysql: str) -> None:
    box.fault(match={"route": "D2"}, do="replace", body={"database": None}, times=1)
    answer = caller.database("PATCH", mysql, json=CHANGE)
    assert (answer.status_code, answer.json()) == (200, {"database": None})
    assert hours(box, mysql) == [9]
    box.fault(match={"route": "D1"}, do="replace", status=500, body="oops", headers={"X-Other": "1"}, times=1)
    answer = caller.database("GET", mysql)
    assert (answer.status_code, answer.text, answer.headers["X-Other"]) == (500, "oops", "1")
    box.fault(match={"route": "D1"}, do="replace", body=[1], times=1)
    assert caller.database("GET", mysql).json() == [1]


@pytest.mark.parametrize(
    ("at", "read", "before", "after"),
    [
        ("database", lambda body: body["database"], dict, str),
        ("database.status", lambda body: body["database"]["status"], str, dict),
        ("database.features", lambda body: body["database"]["features"], list, dict),
        ("database.instances.0.port", lambda body: body["database"]["instances"][0]["port"], int, list),
        ("database.instances.*.id", lambda body: body["database"]["instances"][1]["id"], str, dict),
        ("database.cluster", lambda body: body["database"]["cluster"], bool, str),
        ("database.current_operation_id", lambda body: body["database"]["current_operation_id"], type(None), int),
    ],
)
def test_a_wrong_type_at_any_depth(
    box: Sandbox, caller: Caller, mysql: str, at: str, read: Any, before: type, after: type
) -> None:
    assert isinstance(read(caller.database("GET", mysql).json()), before)
    box.fault(do="wrong_type", at=at, times=1)
    assert isinstance(read(caller.database("GET", mysql).json()), after)
    box.fault(do="wrong_type", at=at, value=3.5, times=1)
    assert read(caller.database("GET", mysql).json()) == 3.5


def test_a_wrong_type_of_everything(box: Sandbox, caller: Caller, mysql: str) -> None:
    box.fault(do="wrong_type", at="", times=1)
    assert caller.database("GET", mysql).json() == "not an object"
    box.fault(do="wrong_type", times=1)
    spoiled = caller.database("GET", mysql).json()["database"]
    good = caller.show(mysql)
    assert set(spoiled) == set(good)
    assert type(spoiled["status"]) is not type(good["status"])
    assert type(spoiled["instances"][0]["port"]) is not type(good["instances"][0]["port"])


def test_a_key_is_missing_at_any_depth(box: Sandbox, caller: Caller, mysql: str) -> None:
    box.fault(do="missing_key", at="database.maintenance_window.weekday_utc", times=1)
    window = caller.database("GET", mysql).json()["database"]["maintenance_window"]
    assert set(window) == {"starting_hour_utc", "duration_in_hour"}
    box.fault(do="missing_key", at="database.instances.*.type", times=1)
    assert all("type" not in entry for entry in caller.database("GET", mysql).json()["database"]["instances"])
    box.fault(do="missing_key", at="database", times=1)
    assert caller.database("GET", mysql).json() == {}
    box.fault(do="missing_key", at="database.instances.1", times=1)
    assert len(caller.database("GET", mysql).json()["database"]["instances"]) == 1
    box.fault(do="missing_key", times=1)
    left = caller.database("GET", mysql).json()["database"]
    assert left == {
        "instances": [{"features": []}, {"features": []}],
        "maintenance_window": {},
        "periodic_backups_scheduled_at": [],
    }


# which requests


@pytest.mark.parametrize(
    ("match", "hit"),
    [
        ({}, True),
        ({"role": "db"}, True),
        ({"role": "api"}, False),
        ({"region": "osc-fr1"}, True),
        ({"region": "osc-secnum-fr1"}, False),
        ({"route": "D8"}, True),
        ({"route": "D2"}, False),
        ({"method": "post"}, True),
        ({"method": "GET"}, False),
        ({"action_name": "list-databases"}, True),
        ({"action_name": "reset-database"}, False),
        ({"safe": True}, True),
        ({"safe": False}, False),
        ({"app": "shop"}, True),
        ({"app": "metrics"}, False),
        ({"path": "/api/databases/*"}, True),
        ({"path": "/api/operations/*"}, False),
        ({"path": "/api/databases"}, False),
        ({"route": "D8", "safe": False}, False),
    ],
)
def test_a_rule_hits_what_it_names(box: Sandbox, caller: Caller, mysql: str, match: dict[str, Any], hit: bool) -> None:
    box.fault(match=match, do="status", status=503)
    status = caller.database("POST", mysql, "/action", json={"action_name": "list-databases"}).status_code
    assert status == (503 if hit else 200)
    assert box.log()[-1].fault == ("status" if hit else None)


def test_a_rule_can_name_one_database(box: Sandbox, caller: Caller, mysql: str) -> None:
    other = box.addon_id("shop", "postgresql")
    box.fault(match={"addon_id": mysql, "role": "db"}, do="status", status=503)
    assert caller.database("GET", mysql).status_code == 503
    assert caller.database("GET", other).status_code == 200


def test_a_rule_skips_and_counts(box: Sandbox, caller: Caller, mysql: str) -> None:
    box.fault(match={"route": "D1"}, do="status", status=503, after=2, times=2)
    assert [caller.database("GET", mysql).status_code for dummy in range(6)] == [200, 200, 503, 503, 200, 200]


def test_rules_follow_each_other(box: Sandbox, caller: Caller, mysql: str) -> None:
    box.fault(match={"route": "D1"}, do="status", status=503, times=1)
    box.fault(match={"route": "D1"}, do="status", status=500, after=1, times=1)
    assert [caller.database("GET", mysql).status_code for dummy in range(3)] == [503, 500, 200]


@pytest.mark.parametrize(
    "rule", [{"do": "explode"}, {}, {"do": "status", "when": 1}, {"do": "slow", "match": {"x": 1}}]
)
def test_a_rule_that_makes_no_sense_is_refused(box: Sandbox, rule: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="validation error"):
        box.fault(**rule)


# the rate limit


def statuses(caller: Caller, addon_id: str, count: int) -> list[int]:
    return [caller.database("GET", addon_id).status_code for dummy in range(count)]


def to_a_new_window(box: Sandbox, seconds: float = 60) -> None:
    box.advance(seconds - box.state()["clock"]["now"] % seconds + 0.01)


def test_a_window_counts_and_begins_anew(box: Sandbox, caller: Caller, mysql: str) -> None:
    box.rate_limit(requests=3, seconds=60)
    to_a_new_window(box)
    assert statuses(caller, mysql, 6) == [200, 200, 200, 429, 429, 429]
    to_a_new_window(box)
    assert statuses(caller, mysql, 4) == [200, 200, 200, 429]
    assert box.log()[-1].fault == "rate_limit"
    box.rate_limit(None)
    assert statuses(caller, mysql, 3) == [200, 200, 200]


def test_a_refusal_is_text_or_json(box: Sandbox, caller: Caller, mysql: str) -> None:
    box.rate_limit(requests=1, seconds=3600)
    statuses(caller, mysql, 1)
    answer = caller.database("GET", mysql)
    assert (answer.status_code, answer.text) == (429, "Retry later\n")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert "Retry-After" not in answer.headers
    assert answer.headers["X-Request-Id"]
    box.rate_limit(requests=1, seconds=3600, body="json", retry_after=True)
    statuses(caller, mysql, 1)
    answer = caller.database("GET", mysql)
    assert set(answer.json()) == {"error", "code"}
    assert 1 <= int(answer.headers["Retry-After"]) <= 3600


def test_nothing_is_done_beyond_the_limit(box: Sandbox, caller: Caller, mysql: str) -> None:
    box.rate_limit(requests=1, seconds=3600)
    statuses(caller, mysql, 1)
    assert caller.database("PATCH", mysql, json=CHANGE).status_code == 429
    assert hours(box, mysql) == [0]


def test_retry_after_is_in_the_clients_seconds(box: Sandbox, caller: Caller, mysql: str) -> None:
    box.speed(60)
    box.rate_limit(requests=1, seconds=86400, retry_after=True)
    statuses(caller, mysql, 1)
    assert int(caller.database("GET", mysql).headers["Retry-After"]) <= 1441


def test_the_scope_of_a_limit(box: Sandbox, caller: Caller, mysql: str) -> None:
    other = box.addon_id("shop", "postgresql")
    caller.addon_token(other)
    box.rate_limit(requests=1, seconds=86400)
    assert statuses(caller, mysql, 1) == [200]
    assert statuses(caller, other, 1) == [429]
    assert caller.exchange().status_code == 429
    assert caller.client.get(f"{box.api_url()}/v1/addon_providers").status_code == 200
    box.rate_limit(requests=1, seconds=86400, scope="token")
    assert statuses(caller, mysql, 2) == [200, 429]
    assert statuses(caller, other, 2) == [200, 429]
    box.rate_limit(requests=1, seconds=86400, scope="global")
    assert statuses(caller, mysql, 1) == [200]
    assert statuses(caller, other, 1) == [429]
    assert caller.main("GET", "/v1/apps").status_code == 429
    box.rate_limit(requests=1, seconds=86400, scope="role")
    assert statuses(caller, mysql, 1) == [200]
    assert statuses(caller, other, 1) == [429]
    assert caller.main("GET", "/v1/apps").status_code == 200
    assert caller.auth("GET", "/v1/users/self").status_code == 200


def test_downloads_do_not_count(box: Sandbox, caller: Caller, mysql: str) -> None:
    backup = caller.database("GET", mysql, "/backups").json()["database_backups"][0]["id"]
    address = caller.database("GET", mysql, f"/backups/{backup}/archive").json()["download_url"]
    box.rate_limit(requests=1, seconds=86400, scope="global")
    assert [caller.client.get(address).status_code for dummy in range(3)] == [200] * 3


def test_an_answer_that_drips_to_nobody_is_no_request_on_its_way(box: Sandbox, caller: Caller, mysql: str) -> None:
    """Those of a long run of faults would be too many at once before long."""
    headers = {"Authorization": f"Bearer {caller.addon_token(mysql)}"}
    box.fault(do="drip", seconds=1.0, bytes=1, times=25)
    for dummy in range(25):
        with caller.client.stream("GET", f"{box.db_api_url()}/api/databases/{mysql}", headers=headers) as stream:
            assert stream.status_code == 200
    assert caller.database("GET", mysql).status_code == 200
