# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What holds for every request: bodies, headers, connections, the log. docs/contract.md sections 1.4 and 4."""

from __future__ import annotations

import json
import socket
import time
import urllib.parse
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
import pytest
from scalingo_sandbox.testing import Sandbox
from support.caller import Caller


@pytest.fixture
def mysql(box: Sandbox) -> str:
    return box.addon_id("shop", "mysql")


# bodies


@pytest.mark.parametrize("tail", ["", "?", "?unknown=1", "?page=1&page=2"])
def test_a_bare_question_mark_changes_nothing(caller: Caller, mysql: str, tail: str) -> None:
    assert caller.database("GET", mysql, tail).json() == {"database": caller.show(mysql)}


@pytest.mark.parametrize("media", ["application/xml", "text/xml", "application/soap+xml; charset=utf-8"])
def test_xml_is_refused(caller: Caller, mysql: str, media: str) -> None:
    body = b"<database><periodic_backups_enabled>false</periodic_backups_enabled></database>"
    answer = caller.database("PATCH", mysql, content=body, headers={"Content-Type": media})
    assert (answer.status_code, set(answer.json())) == (415, {"error"})
    assert caller.show(mysql)["periodic_backups_enabled"] is True


def test_xml_is_never_sent(caller: Caller, mysql: str) -> None:
    assert caller.database("GET", mysql, headers={"Accept": "application/xml"}).status_code == 406
    assert caller.database("GET", mysql, headers={"Accept": "text/xml, application/json"}).status_code == 200
    assert caller.database("GET", mysql, headers={"Accept": "*/*"}).status_code == 200


@pytest.mark.parametrize("content", [b"{", b"not json", b"\xff\xfe", b'{"database": {}'])
def test_what_is_not_json_is_refused(caller: Caller, mysql: str, content: bytes) -> None:
    answer = caller.database("PATCH", mysql, content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, set(answer.json())) == (400, {"error"})


@pytest.mark.parametrize("body", [[], "text", 5, {"database": []}, {"database": None}])
def test_another_type_of_body_is_refused(caller: Caller, mysql: str, body: Any) -> None:
    answer = caller.database("PATCH", mysql, json=body)
    assert (answer.status_code, set(answer.json())) == (422, {"errors"})


@pytest.mark.parametrize("headers", [{}, {"Content-Type": "application/x-www-form-urlencoded"}])
def test_the_media_type_of_nothing_does_not_matter(caller: Caller, mysql: str, headers: dict[str, str]) -> None:
    assert caller.database("POST", mysql, "/upgrade", content=b"", headers=headers).status_code == 202


def test_unknown_fields_are_refused_even_where_nothing_is_expected(caller: Caller, mysql: str) -> None:
    answer = caller.database("POST", mysql, "/upgrade", json={"version": "8.4"})
    assert (answer.status_code, answer.json()) == (422, {"errors": {"version": ["is not permitted"]}})
    assert caller.show(mysql)["status"] == "running"


def test_a_request_without_a_body_takes_none(caller: Caller, mysql: str) -> None:
    assert caller.database("GET", mysql, content=b"{}").status_code == 200
    assert caller.database("GET", mysql, json={"x": 1}).status_code == 400


def test_no_route_is_declared_twice(box: Sandbox) -> None:
    from scalingo_sandbox.api.routing import REGISTRY

    seen = set()
    for route in REGISTRY:
        for method in route.methods:
            key = (route.role, method, route.path)
            assert key not in seen
            seen.add(key)


# headers


def test_the_request_id_is_echoed_or_made(caller: Caller, mysql: str) -> None:
    assert caller.database("GET", mysql, headers={"X-Request-ID": "abc-1"}).headers["X-Request-Id"] == "abc-1"
    made = {caller.database("GET", mysql).headers["X-Request-Id"] for dummy in range(3)}
    assert len(made) == 3
    assert caller.database("GET", mysql, "/nothing").headers["X-Request-Id"]


def test_the_date_is_the_sandboxs_clock(box: Sandbox, caller: Caller, mysql: str) -> None:
    def date() -> float:
        return parsedate_to_datetime(caller.database("GET", mysql).headers["Date"]).timestamp()

    def now() -> float:
        return float(box.state()["clock"]["now"])

    # A date has no parts of seconds.
    earlier, before, later = now(), date(), now()
    assert earlier - 1 <= before <= later
    box.advance(1800)
    assert before + 1800 <= date() <= now()
    box.speed(1000)
    started, first = time.monotonic(), date()
    time.sleep(0.2)
    passed = date() - first
    assert 190 <= passed <= (time.monotonic() - started) * 1000 + 2
    with pytest.raises(ValueError, match="turned back"):
        box.advance(-1)
    with pytest.raises(ValueError, match="above 0"):
        box.speed(0)


def test_answers_are_json(caller: Caller, mysql: str) -> None:
    for answer in (caller.database("GET", mysql), caller.database("GET", mysql, "/nothing")):
        assert answer.headers["Content-Type"] == "application/json"
        assert int(answer.headers["Content-Length"]) == len(answer.content)


# connections


def raw_request(box: Sandbox, caller: Caller, addon_id: str, extra: str = "") -> tuple[socket.socket, bytes]:
    address = urllib.parse.urlsplit(box.db_api_url())
    assert address.port is not None
    connection = socket.create_connection((address.hostname, address.port), timeout=5)
    token = caller.addon_token(addon_id)
    lines = f"GET /api/databases/{addon_id} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n{extra}\r\n"
    return connection, lines.encode()


def test_headers_and_body_leave_in_one_send(box: Sandbox, caller: Caller, mysql: str) -> None:
    """In two they would take 40 ms: the second waits for an acknowledgement of the first."""
    connection, request = raw_request(box, caller, mysql)
    with connection:
        for dummy in range(20):
            connection.sendall(request)
            received = connection.recv(65536)
            head, separator, body = received.partition(b"\r\n\r\n")
            assert separator
            json.loads(body)


def test_a_head_request_has_no_body(caller: Caller, mysql: str) -> None:
    answer = caller.database("HEAD", mysql)
    assert (answer.status_code, answer.content) == (200, b"")
    assert caller.database("GET", mysql).status_code == 200


def test_a_connection_can_be_used_for_different_requests_and_closed(box: Sandbox, caller: Caller, mysql: str) -> None:
    connection, request = raw_request(box, caller, mysql, "Connection: close\r\n")
    with connection:
        connection.sendall(request)
        received = b""
        while piece := connection.recv(65536):
            received += piece
    assert received.startswith(b"HTTP/1.1 200")


# the log


def test_the_log_tells_what_was_asked(box: Sandbox, caller: Caller, mysql: str) -> None:
    caller.addon_token(mysql)
    box.clear_log()
    caller.database(
        "DELETE", mysql, "/features?feature=force-ssl", headers={"User-Agent": "a test", "X-Request-Id": "r1"}
    )
    caller.database("PATCH", mysql, json={"database": {"periodic_backups_scheduled_at": 3}})
    caller.main("GET", "/v1/apps/shop/addons")
    caller.client.get(f"{box.auth_url}/v1/regions")
    first, second, third, fourth = box.log()
    assert (first.number + 1, first.number + 2, first.number + 3) == (second.number, third.number, fourth.number)
    assert (first.role, first.region, first.method, first.route) == ("db", "osc-fr1", "DELETE", "D7")
    assert first.query == {"feature": "force-ssl"}
    assert (first.app, first.addon_id, first.token_kind, first.status) == ("shop", mysql, "addon", 404)
    assert first.headers["user-agent"] == "a test"
    assert first.headers["authorization"] == "Bearer"
    assert first.request_id == "r1"
    assert (second.route, second.safe, second.status) == ("D2", False, 200)
    assert second.body == {"database": {"periodic_backups_scheduled_at": 3}}
    assert second.headers["content-type"] == "application/json"
    assert (third.role, third.route, third.safe, third.app, third.token_kind) == ("api", "A1", True, "shop", "bearer")
    assert (fourth.role, fourth.region, fourth.route, fourth.token_kind) == ("auth", None, "regions", "none")
    assert [record.route for record in box.unsafe()] == ["D7", "D2"]


def test_reading_posts_are_safe(box: Sandbox, caller: Caller, mysql: str) -> None:
    box.clear_log()
    caller.forget()
    caller.show(mysql)
    caller.database("POST", mysql, "/ping")
    assert [record.method for record in box.log()] == ["POST", "POST", "GET", "POST"]
    assert box.unsafe() == []


def test_the_app_of_a_request_is_known_by_its_name(box: Sandbox, caller: Caller) -> None:
    identifier = caller.main("GET", "/v1/apps/shop").json()["app"]["id"]
    caller.main("GET", f"/v1/apps/{identifier}")
    caller.main("GET", "/v1/apps/unknown")
    assert [record.app for record in box.log()][-2:] == ["shop", "unknown"]


# the control API


def test_the_control_api_does_what_the_testing_face_does(box: Sandbox, caller: Caller, mysql: str) -> None:
    def post(name: str, body: Any = None) -> httpx.Response:
        return caller.client.post(f"{box.control_url}/control/{name}", json=body)

    def get(name: str) -> Any:
        return caller.client.get(f"{box.control_url}/control/{name}").json()

    assert get("health") == {"ok": True}
    caller.show(mysql)
    assert [record["route"] for record in get("log")] == ["exchange", "A6", "D1"]
    assert get("unsafe") == get("log?unsafe=true") == []
    assert post("clear_log").json() == {"ok": True}
    assert get("log") == []
    now = get("clock")["now"]
    post("advance", {"seconds": 3600})
    assert get("clock")["now"] == pytest.approx(now + 3600, abs=5)
    post("speed", {"speed": 2})
    assert get("clock")["speed"] == 2
    post("switch", {"name": "dates", "value": "seconds"})
    assert get("switches")["dates"]["value"] == "seconds"
    post("fault", {"match": {"route": "D1"}, "do": "status", "status": 503, "times": 1})
    assert get("faults")[0]["do"] == "status"
    caller.forget()
    assert caller.database("GET", mysql).status_code == 503
    post("clear_faults")
    assert get("faults") == []
    post("rate_limit", {"requests": 1, "seconds": 3600})
    assert [caller.database("GET", mysql).status_code for dummy in range(2)] == [200, 429]
    assert caller.client.delete(f"{box.control_url}/control/rate_limit").status_code == 200
    assert post("durations", {"feature": 7}).json()["feature"] == 7
    post("outcome", {"kind": "upgrade", "outcome": "fail"})
    post("database", {"addon_id": mysql, "status": "migrating"})
    assert caller.show(mysql)["status"] == "migrating"
    post("database", {"addon_id": mysql, "status": "running"})
    caller.database("POST", mysql, "/upgrade")
    post("end_operation", {"addon_id": mysql, "error": "enough"})
    assert caller.show(mysql)["status"] == "running"
    post("expire_tokens", {"addon_id": mysql})
    assert caller.database("GET", mysql).status_code == 401
    assert {app["name"] for app in get("state")["apps"]} >= {"shop", "vault"}
    post("reset", {"seed": {"apps": [{"name": "other"}]}})
    assert [app["name"] for app in get("state")["apps"]] == ["other"]
    post("reset")
    assert "shop" in {app["name"] for app in get("state")["apps"]}
    for name, body in (
        ("switch", {"name": "nothing", "value": "x"}),
        ("switch", {"name": "dates", "value": "roman"}),
        ("fault", {"do": "explode"}),
        ("advance", {}),
        ("advance", {"seconds": -5}),
        ("reset", {"seed": {"unknown": 1}}),
        ("outcome", {"kind": "weather"}),
        ("outcome", {"kind": "upgrade", "outcome": "rain"}),
        ("database", {"addon_id": "ad-nope", "status": "running"}),
        ("database", {"addon_id": mysql, "colour": "red"}),
        ("expire_tokens", {"kind": "cookie"}),
        ("end_operation", {"addon_id": mysql}),
        ("lose_operation", {"addon_id": mysql}),
    ):
        answer = post(name, body)
        assert (answer.status_code, set(answer.json())) == (422, {"error"}), name
