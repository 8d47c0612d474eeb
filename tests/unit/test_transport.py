# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The transport: what is sent, what is sent again, and what every answer and every breakage means."""

from __future__ import annotations

import dataclasses
import errno
import http.client
import json
import os
import re
import socket
import ssl
import sys
import time
import typing as t
import warnings
from pathlib import Path

import certifi
import pytest
import requests.exceptions
import urllib3.exceptions
from ansible_collections.community.scalingo.plugins.module_utils import _diagnosis, _transport
from ansible_collections.community.scalingo.plugins.module_utils._addresses import (
    fill_path,
    fill_query,
    is_loopback,
    origin_of,
    require_private_channel,
)
from ansible_collections.community.scalingo.plugins.module_utils._answer import Answer
from ansible_collections.community.scalingo.plugins.module_utils._auth import ApiTokenAuthorization, BearerAuthorization
from ansible_collections.community.scalingo.plugins.module_utils._core import Clock, Secrets, Usage
from ansible_collections.community.scalingo.plugins.module_utils._diagnosis import diagnose
from ansible_collections.community.scalingo.plugins.module_utils._errors import (
    BadRequest,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    PaymentRequired,
    RateLimited,
    ScalingoError,
    ServerError,
    Unauthorized,
    UnexpectedAnswer,
    Unreachable,
    ValidationFailed,
    sentence,
)
from ansible_collections.community.scalingo.plugins.module_utils._progress import Progress, RunEnded, Watch
from ansible_collections.community.scalingo.plugins.module_utils._retry import (
    Pacing,
    Trouble,
    delay_before_retry,
    epoch_of,
    retry_after_of,
)
from ansible_collections.community.scalingo.plugins.module_utils._route import Route, failure_of
from ansible_collections.community.scalingo.plugins.module_utils._transport import NoAuthorization, Transport
from hypothesis import given
from hypothesis import strategies as st
from support.scripted import NOTHING, Script, StillClock, expect

BASE = "https://api.example.test/v1"
READ = Route[t.Any]("read", "GET", "/things/{thing}", safe=True, repeatable=True, doing="read the thing")
SETS = Route[t.Any]("set", "PATCH", "/things/{thing}", safe=False, repeatable=True, doing="change the thing")
ONCE = Route[t.Any]("make", "POST", "/things/{thing}", safe=False, repeatable=False, doing="make the thing")
ASKS = Route[t.Any]("ask", "POST", "/things/{thing}", safe=True, repeatable=True, doing="ask the thing")
TOKEN = "canary-token-123"


class Bench:
    """A transport on a script and a still clock."""

    def __init__(self, *calls: t.Any, **settings: t.Any) -> None:
        self.clock = StillClock()
        self.usage = Usage()
        self.lines: list[str] = []
        self.announced: list[str] = []
        self.secrets = Secrets(self.announced.append)
        given: dict[str, t.Any] = {"timeout": 30.0, "retries": 3, "verify": True, **settings}
        self.transport = Transport(
            clock=self.clock, usage=self.usage, secrets=self.secrets, verbose=self.lines.append, **given
        )
        self.script = Script(*calls)
        self.script._into(self.transport.session)
        self.auth: NoAuthorization = BearerAuthorization(self.secrets.add(TOKEN))

    def send(self, route: Route = READ, base: str = BASE, **details: t.Any) -> Answer:
        given = {"auth": self.auth, "values": {"thing": "a"}, **details}
        return self.transport.send(route, base, **given)

    def fails(self, kind: type[ScalingoError], route: Route = READ, **details: t.Any) -> ScalingoError:
        with pytest.raises(kind) as caught:
            self.send(route, **details)
        assert caught.value.__class__ is kind
        self.script.finish()
        assert TOKEN not in sentence(caught.value)
        return caught.value


def got(**details: t.Any) -> t.Any:
    return expect("GET", "/v1/things/a", **details)


def patched(**details: t.Any) -> t.Any:
    return expect("PATCH", "/v1/things/a", **details)


def posted(**details: t.Any) -> t.Any:
    return expect("POST", "/v1/things/a", **details)


def refused() -> Exception:
    inner = urllib3.exceptions.NewConnectionError(t.cast(t.Any, None), "Failed: [Errno 111] Connection refused")
    inner.__cause__ = ConnectionRefusedError(111, "Connection refused")
    return requests.exceptions.ConnectionError(urllib3.exceptions.MaxRetryError(t.cast(t.Any, None), "/", inner))


def dropped() -> Exception:
    inner = urllib3.exceptions.ProtocolError("Connection aborted.", http.client.RemoteDisconnected("closed"))
    return requests.exceptions.ConnectionError(inner)


def silent() -> Exception:
    return requests.exceptions.ReadTimeout(urllib3.exceptions.ReadTimeoutError(t.cast(t.Any, None), "/", "timed out"))


# ---------------------------------------------------------------------------------------------------------------------
# One request, one answer


def test_what_is_sent() -> None:
    call = posted(
        host="https://api.example.test",
        query={"page": "2", "all": "true"},
        json={"name": "x"},
        headers={
            "User-Agent": _transport.USER_AGENT,
            "Accept": "application/json, */*;q=0.1",
            "Content-Type": "application/json",
            "Authorization": f"Bearer {TOKEN}",
        },
        verify=certifi.where(),
        answer={"fine": True},
        answer_headers={"Date": "Fri, 15 Jan 2027 08:00:00 GMT", "X-Request-Id": "abc"},
    )
    bench = Bench(call)
    query = {"page": 2, "all": True, "left_out": None}
    answer = bench.send(ONCE, query=query, body={"name": "x"})
    bench.script.finish()
    assert answer.json() == {"fine": True}
    assert (answer.status, answer.date, answer.request_id, answer.attempts) == (200, 1_800_000_000.0, "abc", 1)
    assert (answer.method, answer.path) == ("POST", "/v1/things/a")
    assert bench.usage.as_dict() == {"requests": 1, "writes": 1, "waited_seconds": 0.0, "tokens_reused": 0}


def test_no_body_means_no_content_type() -> None:
    bench = Bench(posted(json=NOTHING, headers={"Content-Type": None}))
    bench.send(ASKS)
    assert bench.usage.writes == 0


def test_the_version_is_the_collections() -> None:
    galaxy = Path(__file__).parents[2] / "galaxy.yml"
    if not galaxy.exists():
        pytest.skip("galaxy.yml is not there yet")
    found = re.search(r"(?m)^version:\s*[\"']?([0-9A-Za-z.\-]+)", galaxy.read_text())
    assert found and found.group(1) == _transport.VERSION
    assert f"/{_transport.VERSION} " in _transport.USER_AGENT


@pytest.mark.parametrize("verify", [True, False, "/etc/ssl/certs"])
def test_verify_goes_with_every_request(verify: t.Any) -> None:
    bench = Bench(got(verify=certifi.where() if verify is True else verify), verify=verify)
    bench.send()


@pytest.mark.parametrize(
    "variables, expected",
    [
        ({"CURL_CA_BUNDLE": ""}, certifi.where()),
        ({"CURL_CA_BUNDLE": " ", "REQUESTS_CA_BUNDLE": "\t"}, certifi.where()),
        ({"CURL_CA_BUNDLE": "/curl.pem", "REQUESTS_CA_BUNDLE": ""}, "/curl.pem"),
        ({"CURL_CA_BUNDLE": "/curl.pem", "REQUESTS_CA_BUNDLE": "/requests.pem"}, "/requests.pem"),
    ],
)
def test_an_empty_variable_of_the_library_turns_nothing_off(
    variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    Bench(got(verify=expected), verify=True).send()
    Bench(got(verify=False), verify=False).send()


def test_no_authorization_takes_even_a_header_away() -> None:
    bench = Bench(got(headers={"Authorization": None}))
    bench.transport.session.headers["Authorization"] = "Basic x"
    bench.auth = NoAuthorization()
    bench.send()


def test_the_api_token_goes_as_a_password_without_a_user() -> None:
    bench = Bench(got(headers={"Authorization": "Basic OnRrLXVzLTE="}))
    bench.auth = ApiTokenAuthorization("tk-us-1", bench.secrets)
    bench.send()
    assert "OnRrLXVzLTE=" in bench.announced


def test_a_secret_is_announced_once_and_empty_is_none() -> None:
    announced: list[str] = []
    secrets = Secrets(announced.append)
    assert [secrets.add(value) for value in ("a", "a", "", "b")] == ["a", "a", "", "b"]
    assert announced == ["a", "b"]


def test_a_write_that_cannot_be_repeated_gets_a_fresh_connection() -> None:
    bench = Bench(got(), posted(), got())
    closed: list[str] = []
    bench.transport.session.close = lambda: closed.append("closed")
    bench.send()
    assert closed == []
    bench.send(ONCE)
    assert closed == ["closed"]
    bench.send()
    bench.transport.close()
    assert len(closed) == 2


def test_closing_what_was_never_opened_is_fine() -> None:
    Transport(
        timeout=1, retries=0, verify=True, clock=Clock(), usage=Usage(), secrets=Secrets(print), verbose=print
    ).close()


def test_missing_requests_is_said_with_its_interpreter(monkeypatch: pytest.MonkeyPatch) -> None:
    bench = Bench()
    bench.transport._session = None
    monkeypatch.setattr(_transport, "REQUESTS_FOUND", False)
    error = bench.fails(ScalingoError)
    assert "requests is missing" in error.message and sys.executable in error.message
    assert f"pip install 'requests>={_diagnosis.LOWEST_REQUESTS}'" in error.hint


@pytest.mark.parametrize("value", ["", " ", ".", ".."])
def test_a_value_that_would_change_the_path_is_refused(value: str) -> None:
    bench = Bench()
    assert "cannot be a thing" in bench.fails(InvalidInput, values={"thing": value}).message


def test_paths_and_queries() -> None:
    assert fill_path("/a/{x}/b/{y}", {"x": "u/../v?w#z %", "y": 7}) == "/a/u%2F..%2Fv%3Fw%23z%20%25/b/7"
    assert fill_query(None) == "" and fill_query({"a": None}) == ""
    assert fill_query({"a": "b c&d", "n": 1, "t": True, "f": False}) == "a=b%20c%26d&n=1&t=true&f=false"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("LOCALHOST.", True),
        ("127.0.0.1", True),
        ("127.9.9.9", True),
        ("::1", True),
        ("[::1]", True),
        ("10.0.0.1", False),
        ("example.test", False),
        ("localhost.example.test", False),
        ("", False),
    ],
)
def test_loopback(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected


def test_plain_http_is_for_loopback_only() -> None:
    require_private_channel("http://127.0.0.1:80/v1", "api_url")
    require_private_channel("https://example.test", "api_url")
    with pytest.raises(InvalidInput) as caught:
        require_private_channel("http://someone:canary@example.test/v1", "api_url")
    assert caught.value.message == "api_url http://example.test would send credentials in clear text"
    bench = Bench()
    bench.fails(InvalidInput, base="http://example.test/v1")
    assert bench.usage.requests == 0


def test_origins() -> None:
    assert origin_of("https://A.test/x") == ("https", "a.test", 443)
    assert origin_of("http://a.test") == ("http", "a.test", 80)
    assert origin_of("http://[::1]:8080/") == ("http", "::1", 8080)


def test_a_proxy_is_used_but_never_for_loopback(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTPS_PROXY", "HTTP_PROXY", "https_proxy", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://proxy.test:3128")
    bench = Bench(got(), expect("GET", "/v1/things/a", proxies={}), expect("GET", "/v1/things/a", proxies={}))
    seen: list[t.Any] = []
    send = bench.script.send
    bench.script.send = lambda request, **given: (seen.append(given["proxies"]), send(request, **given))[1]  # type: ignore[method-assign]
    bench.send()
    assert seen[0]["https"] == "http://proxy.test:3128"
    bench.send(base="http://127.0.0.1:9/v1")
    bench.send(base="https://localhost:9/v1")
    monkeypatch.setenv("NO_PROXY", "example.test")
    bench.script.add(expect("GET", "/v1/things/a"))
    bench.send()
    assert "https" not in seen[-1]


# ---------------------------------------------------------------------------------------------------------------------
# Answers that are not what was asked for


@pytest.mark.parametrize(
    ("text", "kind", "expected"),
    [
        ("", "text/html", "an empty body (text/html)"),
        ("<html><title>Bad\n gateway</title>", "text/html; charset=utf-8", "a page titled 'Bad gateway' (text/html)"),
        ("<x/>", "application/xml", "markup (application/xml, 4 characters)"),
        ('{"password": "canary', "application/json", "broken or incomplete JSON (application/json, 20 characters)"),
        ("[1,", "", "broken or incomplete JSON (no content type, 3 characters)"),
        ('"canary', "", "broken or incomplete JSON (no content type, 7 characters)"),
        ("Retry  later\n", "text/plain", "the text 'Retry later' (text/plain)"),
    ],
)
def test_what_is_not_json_is_described_without_secrets(text: str, kind: str, expected: str) -> None:
    answer = Answer(200, {"content-type": kind}, text, method="GET", path="/x", request_id="r")
    with pytest.raises(UnexpectedAnswer) as caught:
        answer.json()
    assert caught.value.message == f"expected JSON and received {expected}"
    assert (caught.value.status, caught.value.request_id, caught.value.path) == (200, "r", "/x")


def test_json_too_deep_is_no_traceback() -> None:
    with pytest.raises(UnexpectedAnswer):
        Answer(200, {}, "[" * 200_000).json()


def fail(status: int, body: t.Any = None, text: str = "", route: Route = READ) -> ScalingoError:
    answer = Answer(status, {"content-type": "text/plain"}, json.dumps(body) if body is not None else text, path="/x")
    error = failure_of(route, answer)
    assert error is not None and error.status == status and error.path == "/x" and error.doing == route.doing
    return error


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, BadRequest),
        (401, Unauthorized),
        (402, PaymentRequired),
        (403, Forbidden),
        (404, NotFound),
        (409, Conflict),
        (418, BadRequest),
        (422, ValidationFailed),
        (429, RateLimited),
        (500, ServerError),
        (503, ServerError),
    ],
)
def test_each_status_has_its_kind(status: int, kind: type[ScalingoError]) -> None:
    error = fail(status, {"error": "because"})
    assert error.__class__ is kind and error.message == "because"


@pytest.mark.parametrize("status", [200, 201, 202, 204])
def test_good_statuses_are_no_failure(status: int) -> None:
    assert failure_of(READ, Answer(status, {}, "")) is None


@pytest.mark.parametrize(("route", "kind"), [(ONCE, OutcomeUnknown), (SETS, ServerError), (READ, ServerError)])
def test_a_broken_server_leaves_the_outcome_of_some_calls_unknown(route: Route, kind: type[ScalingoError]) -> None:
    assert fail(502, text="<html>", route=route).__class__ is kind
    assert fail(404, {"error": "x"}, route=route).__class__ is NotFound


def test_field_errors_in_every_form() -> None:
    error = fail(422, {"errors": {"name": ["is short", {"a": 1}], "hour": "too late"}})
    assert error.fields == {"name": ["is short", '{"a": 1}'], "hour": ["too late"]}
    assert error.message == "The API refuses these values"
    assert fail(422, {"errors": ["one", "two"]}).fields == {"": ["one", "two"]}
    assert fail(422, {"error": "only this"}).message == "only this"
    assert fail(422, {}).message == "The API refuses the request"


def test_codes_addresses_and_other_bodies() -> None:
    error = fail(402, {"name": "free-trial-exceeded", "error": "no card", "url": "https://my.test/billing"})
    assert (error.code, error.hint) == ("free-trial-exceeded", "See https://my.test/billing")
    assert fail(403, {"error": "no", "code": "region_disabled"}).code == "region_disabled"
    assert fail(403, {"message": "no", "error": {"x": 1}}).message == "no"
    assert fail(429, text="Retry later\n").message == "The API answered with the text 'Retry later' (text/plain)"
    assert fail(500, text="").message == "The platform failed to answer"
    assert fail(404, ["list"]).message == "The API refuses the request"
    assert "titled 'Bad gateway'" in fail(502, text="<html><title>Bad gateway</title></html>").message


# ---------------------------------------------------------------------------------------------------------------------
# The retry policy


def delay(trouble: Trouble, route: Route = READ, **details: t.Any) -> float | None:
    given_details: dict[str, t.Any] = {
        "failures": 1,
        "retries": 3,
        "strikes": 1,
        "budget": 600.0,
        "remaining": 100.0,
        "chance": 0.5,
        **details,
    }
    return delay_before_retry(trouble, route, **given_details)


@pytest.mark.parametrize(
    ("trouble", "routes"),
    [
        (Trouble("limited", 429), {"read", "set", "make", "ask"}),
        (Trouble("not_made"), {"read", "set", "make", "ask"}),
        (Trouble("lost"), {"read", "set", "ask"}),
        (Trouble("status", 500), {"read", "ask"}),
        (Trouble("status", 502), {"read", "set", "ask"}),
        (Trouble("status", 503), {"read", "set", "ask"}),
        (Trouble("status", 504), {"read", "set", "ask"}),
        (Trouble("status", 501), set()),
        (Trouble("final"), set()),
    ],
)
def test_what_is_tried_again(trouble: Trouble, routes: set[str]) -> None:
    assert {route.name for route in (READ, SETS, ONCE, ASKS) if delay(trouble, route) is not None} == routes


def test_attempts_are_counted_and_the_rate_limit_is_not_one() -> None:
    assert delay(Trouble("lost"), failures=3) is not None
    assert delay(Trouble("lost"), failures=4) is None
    assert delay(Trouble("limited", 429), failures=99) is not None
    assert delay(Trouble("lost"), failures=1, retries=0) is None


def test_the_delay_is_jittered_and_doubles_up_to_its_limit() -> None:
    delays = [delay(Trouble("lost"), failures=number, retries=99, chance=0.999) for number in range(1, 9)]
    assert [round(value or 0, 2) for value in delays] == [1.0, 2.0, 4.0, 7.99, 15.98, 19.98, 19.98, 19.98]
    assert delay(Trouble("lost"), chance=0.0) == 0.0


def test_the_rate_limits_delay_grows_to_a_minute_and_is_a_second_at_least() -> None:
    delays = [delay(Trouble("limited", 429), strikes=number, chance=0.999) for number in range(1, 7)]
    assert [round(value or 0) for value in delays] == [8, 16, 32, 60, 60, 60]
    assert delay(Trouble("limited", 429), chance=0.0) == 1.0


def test_retry_after_is_honoured_and_clamped() -> None:
    assert delay(Trouble("limited", 429, 17.0)) == 17.0
    assert delay(Trouble("limited", 429, 0.0)) == 1.0
    assert delay(Trouble("limited", 429, 3600.0)) == 600.0
    assert delay(Trouble("limited", 429, 17.0), budget=5.0) == 5.0
    assert delay(Trouble("limited", 429, 17.0), budget=0.0) is None
    assert delay(Trouble("status", 503, 17.0)) == 17.0
    assert delay(Trouble("status", 503, 3600.0)) == 60.0


def test_nothing_is_waited_for_past_the_deadline() -> None:
    assert delay(Trouble("status", 503, 17.0), remaining=16.0) is None
    assert delay(Trouble("lost"), remaining=0.1, chance=0.999) is None


@given(
    kind=st.sampled_from(["limited", "not_made", "lost", "status", "final"]),
    status=st.sampled_from([None, 429, 500, 502, 503]),
    retry_after=st.one_of(st.none(), st.floats(0, 1e9)),
    failures=st.integers(0, 10**6),
    strikes=st.integers(0, 10**6),
    budget=st.floats(0, 600),
    remaining=st.floats(-10, 1000),
    chance=st.floats(0, 0.999),
)
def test_a_delay_is_never_negative_and_never_beyond_its_bounds(**details: t.Any) -> None:
    kind, status, retry_after = details.pop("kind"), details.pop("status"), details.pop("retry_after")
    for route in (READ, SETS, ONCE):
        found = delay_before_retry(Trouble(kind, status, retry_after), route, retries=5, **details)
        if found is not None:
            assert 0 <= found <= (details["budget"] if kind == "limited" else min(60, details["remaining"]))


@pytest.mark.parametrize(
    ("value", "date", "expected"),
    [
        ("", "", None),
        ("12", "", 12.0),
        ("1.5", "", 1.5),
        ("Fri, 15 Jan 2027 08:00:30 GMT", "", 30.0),
        ("Fri, 15 Jan 2027 08:00:30 GMT", "Fri, 15 Jan 2027 08:00:20 GMT", 10.0),
        ("Fri, 15 Jan 2027 07:00:00 GMT", "", 0.0),
        ("soon", "", None),
        ("-5", "", None),
        ("99999999999999999999", "", None),
    ],
)
def test_retry_after_in_every_form(value: str, date: str, expected: float | None) -> None:
    assert retry_after_of({"retry-after": value, "date": date}, 1_800_000_000.0) == expected


@pytest.mark.parametrize("text", ["", "nonsense", "Fri, 99 Jan 99999999 99:00:00 GMT", "1"])
def test_a_date_that_is_none(text: str) -> None:
    assert epoch_of(text) is None


# ---------------------------------------------------------------------------------------------------------------------
# Trying again, on the wire


def test_a_read_survives_every_passing_trouble() -> None:
    bench = Bench(got(raises=dropped()), got(status=500), got(raises=refused()), got(answer={"x": 1}))
    answer = bench.send()
    assert answer.json() == {"x": 1} and answer.attempts == 4
    assert bench.clock.slept == [0.5, 1.0, 2.0]
    # The connection that was never made is not a request.
    assert bench.usage.as_dict() == {"requests": 3, "writes": 0, "waited_seconds": 3.5, "tokens_reused": 0}


def test_a_broken_server_is_given_back_after_all_attempts() -> None:
    bench = Bench(*[got(status=503, text="<html>")] * 4)
    answer = bench.send()
    bench.script.finish()
    assert (answer.status, answer.attempts) == (503, 4)


@pytest.mark.parametrize("status", [500, 502, 503, 504])
def test_what_cannot_be_repeated_is_sent_once(status: int) -> None:
    bench = Bench(posted(status=status))
    assert bench.send(ONCE).status == status
    bench.script.finish()
    assert bench.clock.slept == []


def test_a_500_is_not_repeated_for_a_change() -> None:
    bench = Bench(patched(status=500))
    assert bench.send(SETS).status == 500
    bench.script.finish()


@pytest.mark.parametrize("breakage", [dropped, silent])
def test_a_lost_answer_of_a_change_is_an_unknown_outcome(breakage: t.Callable[[], Exception]) -> None:
    bench = Bench(posted(raises=breakage()))
    error = bench.fails(OutcomeUnknown, ONCE)
    assert (error.method, error.path, error.attempts) == ("POST", "/v1/things/a", 1)
    assert "may or may not have taken effect" in error.hint and error.doing == "make the thing"
    assert bench.usage.as_dict()["writes"] == 1


def test_so_is_that_of_a_change_that_was_repeated_in_vain() -> None:
    bench = Bench(*[patched(raises=dropped())] * 4)
    assert bench.fails(OutcomeUnknown, SETS).attempts == 4


def test_a_change_whose_connection_was_never_made_is_tried_again() -> None:
    bench = Bench(posted(raises=refused()), posted(status=201))
    assert bench.send(ONCE).status == 201
    assert bench.usage.writes == 1
    bench = Bench(*[posted(raises=refused())] * 4)
    error = bench.fails(Unreachable, ONCE)
    assert "refuses the connection" in error.message and bench.usage.requests == 0


def test_a_lost_answer_of_a_read_is_unreachable_in_the_end() -> None:
    bench = Bench(*[got(raises=silent())] * 4)
    error = bench.fails(Unreachable)
    assert error.message == "api.example.test did not answer within 30 seconds" and "api_timeout" in error.hint


def test_retry_after_of_a_broken_server_is_waited_for() -> None:
    bench = Bench(got(status=503, answer_headers={"Retry-After": "7"}), got())
    bench.send()
    assert bench.clock.slept == [7.0]


def test_all_attempts_together_have_a_deadline() -> None:
    # Each attempt takes 70 seconds; (3 + 1) x 10 + 60 seconds is all there is.
    bench = Bench(timeout=10)
    slow = [got(raises=silent(), then=lambda: bench.clock.sleep(70))] * 2
    bench.script.add(*slow)
    assert bench.fails(Unreachable).attempts == 2


def test_a_truncated_body_is_noticed_and_read_again() -> None:
    short = got(text='{"a": ', answer_headers={"Content-Length": "900"})
    bench = Bench(short, got(answer={"a": 1}))
    assert bench.send().json() == {"a": 1}
    bench = Bench(*[short] * 4)
    error = bench.fails(UnexpectedAnswer)
    assert "broke off after 6 of 900 bytes" in error.message and error.status == 200 and error.attempts == 4
    bench = Bench(posted(status=201, text="{", answer_headers={"Content-Length": "9"}))
    assert bench.fails(OutcomeUnknown, ONCE).status == 201


def test_a_truncated_error_is_still_that_error() -> None:
    bench = Bench(posted(status=404, text='{"err', answer_headers={"Content-Length": "900"}))
    answer = bench.send(ONCE)
    assert (answer.status, answer.text) == (404, '{"err')


@pytest.mark.parametrize("length", ["many", "\u00b2", "-1", "9" * 30])
def test_a_content_length_that_is_none_is_ignored(length: str) -> None:
    bench = Bench(got(text="{}", answer_headers={"Content-Length": length}), got(status=204))
    assert bench.send().json() == {}
    assert bench.send().status == 204


def test_a_body_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_transport, "BODY_LIMIT", 1024**2)
    long = got(text="x" * (1024**2 + 1))
    bench = Bench(long)
    error = bench.fails(UnexpectedAnswer)
    assert error.message == "The answer of api.example.test is longer than 1 MiB, which is the most that is read"
    assert error.hint.startswith("No option makes this answer shorter.") and bench.usage.requests == 1
    narrow = dataclasses.replace(READ, narrower="Ask for less.")
    assert Bench(long).fails(UnexpectedAnswer, narrow).hint == "Ask for less."


@pytest.mark.parametrize("route", [ONCE, SETS])
def test_a_change_whose_answer_is_too_long_was_sent(route: Route, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_transport, "BODY_LIMIT", 10)
    bench = Bench(expect(route.method, "/v1/things/a", text="x" * 100))
    assert "may or may not have taken effect" in sentence(bench.fails(OutcomeUnknown, route))
    assert (bench.usage.requests, bench.usage.writes) == (1, 1)


def test_a_body_that_takes_too_long_is_given_up() -> None:
    bench = Bench(retries=0, timeout=10)
    bench.script.add(got(text="{}", then=lambda: bench.clock.sleep(1000)))
    assert "too long a time" in bench.fails(UnexpectedAnswer).message


def test_a_body_that_breaks_while_it_is_read() -> None:
    bench = Bench(got(text="{}"), got(text="{}"))
    whole = bench.script._answered

    def breaking(size: int) -> t.Any:
        raise requests.exceptions.ChunkedEncodingError("Connection broken: IncompleteRead")

    def broken(call: t.Any, request: t.Any) -> t.Any:
        response = whole(call, request)
        if len(bench.script.seen) == 1:
            response.iter_content = breaking  # type: ignore[method-assign]
        return response

    bench.script._answered = broken  # type: ignore[method-assign]
    assert bench.send().attempts == 2


# ---------------------------------------------------------------------------------------------------------------------
# The rate limit


@pytest.mark.parametrize("route", [READ, SETS, ONCE])
def test_a_429_is_waited_out_for_every_call(route: Route) -> None:
    limited = expect(route.method, "/v1/things/a", status=429, text="Retry later\n")
    bench = Bench(limited, limited, expect(route.method, "/v1/things/a"), retries=0)
    answer = bench.send(route)
    assert (answer.status, answer.attempts) == (200, 3)
    assert bench.clock.slept == [4.0, 8.0] and bench.usage.waited_seconds == 12.0
    assert "rate limit" in bench.lines[0]


def test_retry_after_of_a_429_in_seconds_and_as_a_date() -> None:
    bench = Bench(
        got(status=429, answer_headers={"Retry-After": "33"}),
        got(
            status=429,
            answer_headers={
                "Retry-After": "Fri, 15 Jan 2027 09:00:10 GMT",
                "Date": "Fri, 15 Jan 2027 09:00:00 GMT",
            },
        ),
        got(),
    )
    bench.send()
    assert bench.clock.slept == [33.0, 10.0]


def test_all_waits_for_the_rate_limit_together_are_ten_minutes() -> None:
    bench = Bench(*[got(status=429, answer_headers={"Retry-After": "250"})] * 4)
    answer = bench.send()
    bench.script.finish()
    assert answer.status == 429 and bench.clock.slept == [250.0, 250.0, 100.0]


def test_the_rate_limit_moves_the_deadline() -> None:
    bench = Bench(got(status=429, answer_headers={"Retry-After": "500"}), got(raises=dropped()), got(), timeout=10)
    assert bench.send().attempts == 3


class Asking:
    """Is asked before each attempt of a change, and refuses when it is told to."""

    def __init__(self, bench: Bench, refusal: ScalingoError | None = None, after: int = 0) -> None:
        self.asked: list[tuple[bool, bool, float]] = []
        self.bench, self.refusal, self.after = bench, refusal, after
        bench.transport.before_change = self

    def __call__(self, repeated: bool, lost: bool) -> None:
        self.asked.append((repeated, lost, self.bench.usage.waited_seconds))
        if self.refusal is not None and len(self.asked) > self.after:
            raise self.refusal


@pytest.mark.parametrize(
    ("trouble", "repeated"),
    [
        ({"status": 429, "text": "Retry later"}, (True, False, 4.0)),
        ({"status": 502}, (True, True, 0.5)),
        ({"raises": dropped()}, (True, True, 0.5)),
        ({"raises": refused()}, (True, False, 0.5)),
    ],
)
def test_the_caller_is_asked_right_before_each_attempt_of_a_change(
    trouble: dict[str, t.Any], repeated: tuple[bool, bool, float]
) -> None:
    """After all waiting, so that what it reads then is as fresh as can be."""
    bench = Bench(patched(**trouble), patched())
    asking = Asking(bench)
    answer = bench.send(SETS)
    assert asking.asked == [(False, False, 0.0), repeated] and answer.after_loss is repeated[1]


@pytest.mark.parametrize(
    ("trouble", "lost"), [({"status": 429, "text": "Retry later"}, False), ({"status": 502}, True)]
)
def test_what_the_caller_raises_keeps_the_request_from_being_sent(trouble: dict[str, t.Any], lost: bool) -> None:
    bench = Bench(patched(**trouble))
    Asking(bench, Conflict("the plan does not hold any more"), after=1)
    error = bench.fails(Conflict, SETS)
    assert error.after_loss is lost, "what was sent before may have taken effect"


def test_the_caller_is_asked_after_the_turn_and_never_for_a_read() -> None:
    bench = Bench(posted(), got(status=502), got(), retries=1)
    bench.transport.pacing = Crowd(bench.clock, [30.0])
    asking = Asking(bench)
    bench.send(ONCE)
    bench.send(READ)
    assert asking.asked == [(False, False, 30.0)]


def test_an_error_after_a_lost_attempt_says_so() -> None:
    bench = Bench(patched(raises=dropped()), patched(raises=refused()), retries=1)
    assert bench.fails(Unreachable, SETS).after_loss
    bench = Bench(patched(raises=refused()), patched(raises=refused()), retries=1)
    assert not bench.fails(Unreachable, SETS).after_loss


class Crowd(Pacing):
    """Others are limited too: the turn is far away, and put off again while we sleep."""

    def __init__(self, clock: StillClock, waits: list[float], put_off: int = 0) -> None:
        super().__init__(clock)
        self.waits = waits
        self.put_off = put_off

    def reserve(self) -> float:
        return self.clock.wall() + (self.waits.pop(0) if self.waits else 0.0)

    def held_until(self) -> float:
        self.put_off -= 1
        return self.clock.wall() + 5 if self.put_off >= 0 else 0.0


def test_what_waits_its_turn_looks_again_before_it_sends() -> None:
    bench = Bench(got())
    bench.transport.pacing = Crowd(bench.clock, [3.0, 6.0], put_off=1)
    bench.send()
    assert bench.clock.slept == [3.0, 6.0]


def test_a_turn_too_far_away_is_an_error() -> None:
    bench = Bench()
    bench.transport.pacing = Crowd(bench.clock, [400.0, 300.0], put_off=1)
    error = bench.fails(RateLimited)
    assert "600 seconds" in error.message and bench.clock.slept == [400.0] and error.status is None


# ---------------------------------------------------------------------------------------------------------------------
# Redirects


def moved(location: str, status: int = 302, method: str = "GET", path: str = "/v1/things/a") -> t.Any:
    headers = {} if not location else {"Location": location}
    return expect(method, path, status=status, answer_headers=headers)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_read_follows_its_own_host(status: int) -> None:
    there = expect("GET", "/elsewhere", query={"a": "1"}, headers={"Authorization": f"Bearer {TOKEN}"})
    bench = Bench(moved("/elsewhere?a=1", status), there)
    assert bench.send().path == "/elsewhere"
    assert bench.usage.requests == 2


def test_a_post_that_only_reads_keeps_its_verb() -> None:
    bench = Bench(moved("/b", 307, "POST"), expect("POST", "/b", json={"x": 1}))
    bench.send(ASKS, body={"x": 1})
    bench = Bench(moved("/b", 302, "POST"))
    bench.fails(UnexpectedAnswer, ASKS)


@pytest.mark.parametrize(
    "location",
    [
        "https://elsewhere.test/v1/things/a",
        "http://api.example.test/v1/things/a",
        "https://api.example.test:444/v1/things/a",
        "//elsewhere.test/x",
        "",
    ],
)
def test_the_credentials_never_leave_their_host(location: str) -> None:
    bench = Bench(moved(location))
    error = bench.fails(UnexpectedAnswer)
    assert "not followed" in error.message and error.status == 302


NO_ADDRESSES = [
    "app://api-test/?q=1", "magnet:?xt=urn:btih:abc", "https://:443/", "http://", "http://http://a.test/x", "https://exa mple/",
    "https://api.example.test:port/", "https://[half", "http://[::1]:99999999/", "https://a]b/", "https://\u00e9\u00e9:x",
]  # fmt: skip


@pytest.mark.parametrize("location", NO_ADDRESSES)
def test_a_redirect_to_no_address_is_no_traceback(location: str) -> None:
    bench = Bench(moved(location))
    error = bench.fails(UnexpectedAnswer)
    assert "not followed" in error.message and error.status == 302
    assert len(bench.script.seen) == 1


@pytest.mark.parametrize("location", [*NO_ADDRESSES, "/v1/things/b", "https://elsewhere.test/", ""])
@pytest.mark.parametrize("route", [ONCE, SETS])
def test_a_change_that_is_answered_by_see_other_was_sent(route: Route, location: str) -> None:
    bench = Bench(moved(location, 303, route.method))
    error = bench.fails(OutcomeUnknown, route)
    assert "not followed" in error.message and "may or may not have taken effect" in sentence(error)
    assert (error.status, error.method, bench.usage.requests, bench.usage.writes) == (303, route.method, 1, 1)


def test_a_change_is_never_redirected() -> None:
    bench = Bench(moved("/b", 307, "PATCH"))
    bench.fails(UnexpectedAnswer, SETS)


def test_a_redirect_is_told_without_its_query() -> None:
    error = Bench(moved("https://elsewhere.test/x?token=canary")).fails(UnexpectedAnswer)
    assert "canary" not in sentence(error) and "https://elsewhere.test/x" in error.message


def test_redirects_without_end_are_given_up() -> None:
    bench = Bench(*[moved("/v1/things/a")] * 6)
    assert "again and again" in bench.fails(UnexpectedAnswer).message


# ---------------------------------------------------------------------------------------------------------------------
# What a broken connection means


def wrapped(inner: BaseException, kind: type[Exception] = requests.exceptions.ConnectionError) -> Exception:
    return kind(urllib3.exceptions.MaxRetryError(t.cast(t.Any, None), "/", t.cast(Exception, inner)))


def pool_error(name: str, *arguments: t.Any) -> t.Any:
    return getattr(urllib3.exceptions, name)(*arguments)


def unresolved() -> Exception:
    # The newer urllib3 has a class for it, the older one only keeps what it came from.
    error = urllib3.exceptions.NewConnectionError(t.cast(t.Any, None), "Failed to establish a new connection")
    error.__context__ = socket.gaierror(-2, "Name or service not known")
    return error


def certificate_error() -> ssl.SSLCertVerificationError:
    error = ssl.SSLCertVerificationError(1, "[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed")
    error.verify_message = "self-signed certificate"
    return error


def tls_error(reason: str) -> ssl.SSLError:
    error = ssl.SSLError(1, f"[SSL: {reason}] {reason.lower()} (_ssl.c:1000)")
    error.reason = reason
    return error


PROXY_REFUSED = pool_error(
    "ProxyError", "Cannot connect to proxy.", pool_error("NewConnectionError", None, "refused: proxy")
)
TUNNEL_407 = pool_error(
    "ProxyError", "Cannot connect to proxy.", OSError("Tunnel connection failed: 407 Proxy Authentication Required")
)
TUNNEL_502 = pool_error("ProxyError", "Cannot connect to proxy.", OSError("Tunnel connection failed: 502 Bad Gateway"))
PROXY_RESET = pool_error("ProxyError", "Cannot connect to proxy.", ConnectionResetError("reset"))


def local(number: int, path: str | None = None, of_tls: bool = False, connecting: bool = False) -> Exception:
    """What requests makes of something that this machine cannot do."""
    cause: Exception = OSError(number, os.strerror(number), *([path] if path else []))
    if of_tls:
        wrapper = urllib3.exceptions.SSLError(cause)
        return requests.exceptions.SSLError(urllib3.exceptions.MaxRetryError(t.cast(t.Any, None), "/", wrapper))
    if connecting:
        made = pool_error("NewConnectionError", None, "Failed to establish a new connection")
        made.__cause__ = cause
        return wrapped(made)
    return requests.exceptions.ConnectionError(urllib3.exceptions.ProtocolError("Connection aborted.", cause))


@pytest.mark.parametrize(
    ("error", "kind", "message", "hint"),
    [
        (
            wrapped(pool_error("SSLError", certificate_error()), requests.exceptions.SSLError),
            "final",
            "does not verify: self-signed",
            "ca_path",
        ),
        (
            wrapped(pool_error("SSLError", tls_error("WRONG_VERSION_NUMBER")), requests.exceptions.SSLError),
            "final",
            "over TLS: WRONG_VERSION_NUMBER",
            "port",
        ),
        (
            wrapped(pool_error("SSLError", tls_error("UNEXPECTED_EOF_WHILE_READING")), requests.exceptions.SSLError),
            "lost",
            "over TLS",
            "port",
        ),
        (wrapped(pool_error("SSLError", "odd"), requests.exceptions.SSLError), "lost", "TLS failed", "port"),
        (
            wrapped(unresolved()),
            "not_made",
            "cannot be resolved",
            "region",
        ),
        (
            requests.exceptions.ConnectTimeout(pool_error("ConnectTimeoutError", None, "timed out")),
            "not_made",
            "No connection to h within 10 seconds",
            "firewall",
        ),
        (refused(), "not_made", "refuses the connection", "port"),
        (
            wrapped(pool_error("NewConnectionError", None, "[Errno 101] Network is unreachable")),
            "not_made",
            "No connection to h can be made",
            "network",
        ),
        (silent(), "lost", "did not answer within 30 seconds", "api_timeout"),
        (
            requests.exceptions.ConnectionError(pool_error("ReadTimeoutError", None, "/", "timed out")),
            "lost",
            "did not answer",
            "api_timeout",
        ),
        (requests.exceptions.ChunkedEncodingError("IncompleteRead"), "lost", "broke off", "proxies"),
        (requests.exceptions.ContentDecodingError("gzip"), "lost", "broke off", "proxies"),
        (dropped(), "lost", "closed the connection before it answered", "proxies"),
        (wrapped(PROXY_REFUSED, requests.exceptions.ProxyError), "not_made", "proxy", "HTTPS_PROXY"),
        (
            wrapped(TUNNEL_407, requests.exceptions.ProxyError),
            "final",
            "407 Proxy Authentication Required",
            "HTTPS_PROXY",
        ),
        (wrapped(TUNNEL_502, requests.exceptions.ProxyError), "not_made", "502 Bad Gateway", "HTTPS_PROXY"),
        (wrapped(PROXY_RESET, requests.exceptions.ProxyError), "lost", "proxy", "HTTPS_PROXY"),
        (requests.exceptions.InvalidProxyURL("Please check proxy URL"), "final", "proxy", "HTTPS_PROXY"),
        (requests.exceptions.InvalidSchema("Missing dependencies for SOCKS support."), "final", "SOCKS", "HTTPS_PROXY"),
        (
            OSError("Could not find a suitable TLS CA certificate bundle, invalid path: /x"),
            "final",
            "invalid path",
            "REQUESTS_CA_BUNDLE",
        ),
        (UnicodeError("label too long"), "final", "label too long", "address"),
        (local(errno.ENOENT, "/gone/keys"), "final", "failed on this machine: [Errno 2]", "SSLKEYLOGFILE"),
        (local(errno.EACCES, "/closed/keys"), "final", "'/closed/keys'", "ca_path"),
        # OpenSSL does not say of which file.
        (local(errno.EACCES, of_tls=True), "final", "[Errno 13]", "ca_path"),
        (local(errno.EMFILE), "final", "[Errno 24]", "ulimit -n"),
        (local(errno.EMFILE, connecting=True), "final", "[Errno 24]", "ulimit -n"),
        (local(errno.ENOSPC, "/full/keys"), "final", "[Errno 28]", "Free some space"),
        # A firewall of this machine.
        (local(errno.EPERM, connecting=True), "not_made", "No connection to h can be made", "network"),
        (local(errno.ECONNRESET), "lost", "closed the connection", "proxies"),
        (local(errno.EPIPE), "lost", "closed the connection", "proxies"),
        (local(errno.EPERM), "lost", "closed the connection", "proxies"),
        # A handshake that was broken off, with the number of something earlier.
        (local(errno.ENOENT), "lost", "closed the connection", "proxies"),
    ],
)
def test_each_breakage_has_its_own_sentence(error: Exception, kind: str, message: str, hint: str) -> None:
    found = diagnose(error, "h", 30.0)
    assert found.kind == kind
    assert message in found.message and hint in found.hint


@pytest.mark.parametrize(
    "error",
    [ValueError("strange"), OSError("odd"), requests.exceptions.RequestException("new kind")]
    # What requests does not translate.
    + [
        urllib3.exceptions.HTTPError("odd"),
        urllib3.exceptions.InvalidHeader("Content-Length contained multiple unmatching values (5, 56)"),
    ],
)
def test_what_nobody_foresaw_may_have_come_after_sending(error: Exception) -> None:
    assert diagnose(error, "h", 1).kind == "lost"
    bench = Bench(expect("POST", "/v1/things/a", raises=error))
    assert "may or may not have taken effect" in sentence(bench.fails(OutcomeUnknown, ONCE))
    assert (bench.usage.requests, bench.usage.writes) == (1, 1)


@pytest.mark.parametrize("variable", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize(
    "address",
    ["svc:canary/Rest@h:3128", "svc:canary#x@h", "svc:x@canary@h", "[svc:canary", "svc:canary?@h:1"]
    + ["svc:canary@h:port", "svc:%zzcanary@h:99999"],
)
@pytest.mark.parametrize("scheme", ["http://", "ftp://", ""])
def test_the_password_of_a_proxy_is_never_shown(
    scheme: str, address: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, scheme + address.replace("@h", "@127.0.0.1"))
    announced: list[str] = []
    transport = Transport(
        timeout=0.2,
        retries=0,
        verify=True,
        clock=StillClock(),
        usage=Usage(),
        secrets=Secrets(announced.append),
        verbose=print,
    )
    with pytest.raises(ScalingoError) as caught:
        transport.send(READ, BASE, auth=NoAuthorization(), values={"thing": "a"})
    shown = sentence(caught.value)
    assert "canary" not in shown and "svc" not in shown
    assert variable in shown or "HTTPS_PROXY" in shown
    if "@" in address:
        assert announced == [address.rpartition("@")[0]]


def test_a_chain_that_bites_its_tail_ends() -> None:
    first, second = ValueError("a"), ValueError("b")
    first.__cause__, second.__cause__ = second, first
    assert _diagnosis.chain_of(first) == [first, second]


def test_what_requests_says_is_scrubbed() -> None:
    found = diagnose(ValueError("https://x/y?token=canary"), "h", 1)
    assert "canary" not in found.message


def test_an_answer_that_repeats_the_token_does_not_show_it() -> None:
    bench = Bench()
    bench.script.add(got(raises=requests.exceptions.InvalidURL(f"bad {TOKEN}")))
    assert "********" in bench.fails(Unreachable).message


def test_an_unverified_session_does_not_fill_the_screen() -> None:
    bench = Bench(got(), verify=False)
    bench.send()
    assert any(item[1] is not None and "Unverified HTTPS" in item[1].pattern for item in warnings.filters)


# ---------------------------------------------------------------------------------------------------------------------
# Clock and pace


def test_the_real_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    clock = Clock()
    clock.sleep(0)
    clock.sleep(-1)
    clock.sleep(2)
    assert slept == [2]
    assert clock.now() <= clock.now() and abs(clock.wall() - time.time()) < 5 and 0 <= clock.random() < 1


def test_the_pace_of_one_process() -> None:
    clock = StillClock()
    pacing = Pacing(clock)
    assert pacing.reserve() == clock.wall()
    assert [pacing.strike(0), pacing.strike(0)] == [1, 2]
    pacing.hold(clock.wall() + 5)
    pacing.hold(clock.wall() + 3)
    assert pacing.reserve() == pacing.held_until() == clock.wall() + 5


# ---------------------------------------------------------------------------------------------------------------------
# Who watches


class Watcher:
    """Keeps what it is told; the run ends after so many looks."""

    def __init__(self, lives: int = 1000) -> None:
        self.told: list[Progress] = []
        self.lives = lives

    def progress(self, progress: Progress) -> None:
        self.told.append(progress)

    def alive(self) -> None:
        self.lives -= 1
        if self.lives < 0:
            raise RunEnded


def test_pauses_are_told_with_their_reason_and_length() -> None:
    watcher = Watcher()
    limited = got(status=429, answer_headers={"Retry-After": "12"})
    bench = Bench(limited, limited, got(), watch=Watch(watcher, lambda: "app shop"))
    bench.send()
    # The first at once, and then once a minute at least: many threads would tell of one for each of their requests.
    assert [(told.doing, told.subject, told.seconds, told.detail, told.notable) for told in watcher.told] == [
        ("keeping to the rate limit of the API", "app shop", 12.0, "the next request in 12 s", True),
        ("keeping to the rate limit of the API", "app shop", 24.0, "the next request in 12 s", False),
    ]
    assert all(told.often for told in watcher.told)
    watcher.told.clear()
    broken = got(status=503, answer_headers={"Retry-After": "3"})
    bench = Bench(broken, got(), watch=Watch(watcher, lambda: "app shop"))
    bench.send()
    (told,) = watcher.told
    assert (told.doing, told.status, told.detail, told.notable) == (
        "trying to read the thing again",
        "the API answered 503",
        "the next attempt in 3 s",
        False,
    )


def test_nothing_is_sent_any_more_when_the_run_has_ended() -> None:
    bench = Bench(patched(status=503), watch=Watch(Watcher(lives=1)))
    with pytest.raises(RunEnded):
        bench.send(SETS)
    bench.script.finish()
