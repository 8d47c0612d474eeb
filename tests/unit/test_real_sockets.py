# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The transport on real sockets: what requests and urllib3 really do to it."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import time
import typing as t
from pathlib import Path

import pytest
import trustme
from ansible_collections.community.scalingo.plugins.module_utils import _transport
from ansible_collections.community.scalingo.plugins.module_utils._client import LINK_ROUTE, Client
from ansible_collections.community.scalingo.plugins.module_utils._diagnosis import LOWEST_REQUESTS
from ansible_collections.community.scalingo.plugins.module_utils._errors import (
    OutcomeUnknown,
    ScalingoError,
    UnexpectedAnswer,
    Unreachable,
    facts,
    sentence,
)
from support.api import Api
from support.office import Office
from support.playbook import ROOT, oldest_core
from support.sockets import SocketServer, response

DATABASE = '{"database": {"status": "running"}}'
BACKUP = '{"database_backup": {"id": "b1", "status": "scheduled"}}'


def client_of(office: Office, server: SocketServer | str, **params: t.Any) -> Client:
    address = server if isinstance(server, str) else server.address
    return office.direct(**{"db_api_url": address, "api_timeout": 60, "api_retries": 2, **params})


def fails(kind: type[ScalingoError], run: t.Callable[[], t.Any]) -> ScalingoError:
    with pytest.raises(ScalingoError) as caught:
        run()
    assert caught.value.__class__ is kind, sentence(caught.value)
    assert "addon-1" not in sentence(caught.value)
    return caught.value


# ---------------------------------------------------------------------------------------------------------------------
# Credentials


@pytest.fixture(params=["home", "environment"])
def netrc(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = Path(os.environ["HOME"], ".netrc") if request.param == "home" else tmp_path / "netrc"
    path.write_text("machine 127.0.0.1 login canary password canary\ndefault login canary password canary\n")
    path.chmod(0o600)
    if request.param == "environment":
        monkeypatch.setenv("NETRC", str(path))


def test_the_netrc_would_win_if_we_let_it(netrc: None) -> None:
    import requests

    with SocketServer() as server:
        requests.get(server.address, headers={"Authorization": "Bearer x"}, timeout=60)
    assert server.requests[0].headers["authorization"].startswith("Basic ")


def test_a_netrc_never_replaces_a_token(office: Office, netrc: None) -> None:
    exchanged = response('{"token": "bearer-1"}')
    with SocketServer(exchanged, response('{"apps": []}')) as server:
        client = office.client(auth_url=server.address, api_url=server.address, db_api_url=server.address)
        Api(client).list_apps()
    assert server.requests[0].headers["authorization"] == "Basic OnRrLXVzLXNlY3JldA=="
    assert server.requests[1].headers["authorization"] == "Bearer bearer-1"
    with SocketServer(response(DATABASE)) as server:
        Api(client_of(office, server)).show_database()
    assert server.requests[0].headers["authorization"] == "Bearer addon-1"


def test_a_netrc_never_adds_credentials(office: Office, netrc: None) -> None:
    with SocketServer(response("line")) as server:
        assert client_of(office, server).read_link(f"{server.address}/logs?token=x") == "line"
    assert "authorization" not in server.requests[0].headers


def test_a_redirect_takes_nothing_to_another_host(office: Office) -> None:
    with SocketServer(response(DATABASE)) as other:
        there = response("", "302 Found", Location=f"{other.address}/api/databases/ad-1")
        with SocketServer(there) as server:
            fails(UnexpectedAnswer, Api(client_of(office, server)).show_database)
    assert len(server.requests) == 1 and other.connections == 0


def test_cookies_are_not_kept(office: Office) -> None:
    with SocketServer(response(DATABASE, Set_Cookie="session=1; Path=/")) as server:
        client = client_of(office, server)
        Api(client).show_database()
        Api(client).show_database()
    assert ["cookie" in item.headers for item in server.requests] == [False, False]


def test_a_redirect_on_the_same_host_is_followed(office: Office) -> None:
    with SocketServer(response("", "307 Moved", Location="/there"), response(DATABASE)) as server:
        Api(client_of(office, server)).show_database()
    assert [(item.target, item.headers["authorization"]) for item in server.requests] == [
        ("/api/databases/ad-1", "Bearer addon-1"),
        ("/there", "Bearer addon-1"),
    ]


# ---------------------------------------------------------------------------------------------------------------------
# Answers that drip: each byte comes in time, and there is no end of them

LONG = b"x" * 999
GOOD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = GOOD + b"Transfer-Encoding: chunked\r\n\r\n"
#: What comes at once, and what drips.
DRIPPING = {
    "of a known length": (GOOD + b"Content-Length: 999\r\n\r\n", LONG),
    "to the end of the connection": (GOOD + b"\r\n", LONG),
    "in one chunk": (CHUNKED + b"3e7\r\n", LONG),
    "in many chunks": (CHUNKED, b"1\r\nx\r\n" * 999),
    "after the last chunk": (CHUNKED + b"0\r\n", b"a: b\r\n" * 999),
    "in the head": (GOOD, b"A: " + LONG),
    "in the first line": (b"HTTP/1.1 200 ", LONG),
}


def dripping(where: str, **options: t.Any) -> SocketServer:
    first, rest = DRIPPING[where]
    return SocketServer(first + rest, gap=0.01, whole=len(first), **options)


def hurried(client: Client, monkeypatch: pytest.MonkeyPatch, seconds: float = 0.2) -> Client:
    monkeypatch.setattr(_transport, "DEADLINE_MARGIN", seconds)
    monkeypatch.setattr(client.transport.clock, "now", time.monotonic)
    client.transport.timeout, client.transport.retries = seconds, 0
    return client


@pytest.mark.parametrize(
    "rest", [b"zz\r\nabc\r\n", b"-5\r\nabc\r\n", b"\r\n\r\n", b"ffffffffffffffffffffff\r\nabc", b"3\r\nabc"]
)
def test_chunks_that_are_none_are_a_broken_answer(office: Office, rest: bytes) -> None:
    with SocketServer(CHUNKED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n") + rest) as server:
        fails(UnexpectedAnswer, Api(client_of(office, server, api_retries=0)).show_database)
        fails(OutcomeUnknown, Api(client_of(office, server, api_retries=0)).upgrade)


def test_a_header_that_cannot_be_read_is_a_broken_answer(office: Office) -> None:
    answer = response(BACKUP, "201 Created").replace(b"Content-Length: ", b"Content-Length: 5, ")
    with SocketServer(answer) as server:
        fails(Unreachable, Api(client_of(office, server, api_retries=0)).show_database)
        error = fails(OutcomeUnknown, Api(client_of(office, server)).create_backup)
    assert "answered with a header that cannot be read" in sentence(error) and len(server.requests) == 2


@pytest.mark.parametrize("status", ["400 Bad", "409 Conflict", "500 Oops", "503 Busy"])
def test_no_failure_repeats_what_was_sent(office: Office, status: str) -> None:
    sent = json.dumps({"Authorization": "Bearer addon-1", "user": {"name": "joe", "password": "Canary/of-joe9"}})
    said = json.dumps({"error": sent, "errors": {"password": ["Canary%2Fof-joe9 is weak"]}, "code": "addon-1"})
    with SocketServer(response(said, status)) as server:
        client = client_of(office, server, api_retries=0)
        client.conceal("Canary/of-joe9")
        with pytest.raises(ScalingoError) as caught:
            Api(client).show_database()
    for shown in (sentence(caught.value), str(facts(caught.value)), str(caught.value.args)):
        assert "Canary" not in shown and "addon-1" not in shown


@pytest.mark.parametrize("where", DRIPPING)
def test_an_answer_that_drips_without_end_is_given_up(
    office: Office, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    with dripping(where) as server:
        client = hurried(client_of(office, server), monkeypatch, 0.5)
        kind = Unreachable if where in ("in the head", "in the first line") else UnexpectedAnswer
        assert "was still answering after too long a time" in fails(kind, Api(client).show_database).message
        assert "may or may not have taken effect" in sentence(fails(OutcomeUnknown, Api(client).upgrade))
    assert len(server.requests) == 2


def test_an_answer_that_drips_over_tls_is_given_up(
    office: Office, monkeypatch: pytest.MonkeyPatch, authority: trustme.CA, tmp_path: Path
) -> None:
    with dripping("in one chunk", tls=context(authority)) as server:
        client = hurried(client_of(office, server, ca_path=bundle(authority, tmp_path, "ca.pem")), monkeypatch)
        assert "too long a time" in fails(UnexpectedAnswer, Api(client).show_database).message


WITH_THE_LOWEST = """
import sys, time, requests
from ansible_collections.community.scalingo.plugins.module_utils import _deadline
session = requests.Session()
session.mount("http://", _deadline.Adapter())
try:
    with _deadline.until(_deadline.Deadline(time.monotonic, time.monotonic() + 0.3)):
        answer = session.get(sys.argv[1], stream=True, timeout=(3, 3))
    sum(map(len, answer.iter_content(65536)))
except requests.RequestException as error:
    print(requests.__version__, error)
"""


@pytest.mark.parametrize("where", ["of a known length", "in one chunk", "in the head"])
def test_an_answer_that_drips_is_given_up_with_the_lowest_libraries_too(where: str) -> None:
    with dripping(where) as server:
        command = [oldest_core() / "python", "-c", WITH_THE_LOWEST, server.address]
        paths = {**os.environ, "PYTHONPATH": str(ROOT / ".cache" / "collections")}
        said = subprocess.run(command, env=paths, capture_output=True, text=True, check=True, timeout=60).stdout
    assert said.startswith(LOWEST_REQUESTS + " ") and "Overdue" in said


def test_a_file_may_take_long_and_no_piece_of_it(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    first, rest = DRIPPING["of a known length"]
    with SocketServer(first.replace(b"999", b"120") + rest[:120], gap=0.01, whole=len(first)) as server:
        client = hurried(client_of(office, server), monkeypatch, 0.5)
        with client.open_link(LINK_ROUTE, f"{server.address}/file", {}) as stream:
            assert b"".join(stream.chunks(5)) == b"x" * 120
        with client.open_link(LINK_ROUTE, f"{server.address}/file", {}) as stream:
            error = fails(Unreachable, lambda: list(stream.chunks(120)))
    assert "was still answering after too long a time" in error.message


# ---------------------------------------------------------------------------------------------------------------------
# TLS


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture(scope="module")
def stranger() -> trustme.CA:
    return trustme.CA()


def context(authority: trustme.CA, name: str = "127.0.0.1") -> ssl.SSLContext:
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(name).configure_cert(made)
    return made


def bundle(authority: trustme.CA, directory: Path, name: str) -> str:
    path = directory / name
    authority.cert_pem.write_to_path(str(path))
    return str(path)


def test_tls_that_does_not_verify(office: Office, authority: trustme.CA) -> None:
    with SocketServer(response(DATABASE), tls=context(authority)) as server:
        error = fails(Unreachable, Api(client_of(office, server)).show_database)
    assert "does not verify" in error.message and "ca_path" in error.hint and error.attempts == 1
    assert server.requests == []


def test_tls_of_another_host(office: Office, authority: trustme.CA, tmp_path: Path) -> None:
    ca_path = bundle(authority, tmp_path, "ca.pem")
    with SocketServer(response(DATABASE), tls=context(authority, "elsewhere.test")) as server:
        error = fails(Unreachable, Api(client_of(office, server, ca_path=ca_path)).show_database)
    assert "does not verify" in error.message and server.requests == []


def test_ca_path_wins_over_the_environments_bundle(
    office: Office, authority: trustme.CA, stranger: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right, wrong = bundle(authority, tmp_path, "right.pem"), bundle(stranger, tmp_path, "wrong.pem")
    with SocketServer(response(DATABASE), tls=context(authority)) as server:
        for variable in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
            monkeypatch.setenv(variable, wrong)
            Api(client_of(office, server, ca_path=right)).show_database()
            monkeypatch.setenv(variable, right)
            fails(Unreachable, Api(client_of(office, server, ca_path=wrong)).show_database)
            monkeypatch.delenv(variable)


def test_validate_certs_false_wins_over_the_environments_bundle(
    office: Office, authority: trustme.CA, stranger: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle(stranger, tmp_path, "wrong.pem"))
    with SocketServer(response(DATABASE), tls=context(authority)) as server:
        Api(client_of(office, server, validate_certs=False)).show_database()


def test_the_environments_bundle_counts_when_nothing_else_is_said(
    office: Office, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", bundle(authority, tmp_path, "right.pem"))
    with SocketServer(response(DATABASE), tls=context(authority)) as server:
        Api(client_of(office, server)).show_database()


def test_a_bundle_that_is_not_there_is_told_with_its_variable(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", "/nonexistent/bundle.pem")
    error = fails(Unreachable, Api(client_of(office, "https://127.0.0.1:9")).show_database)
    assert "/nonexistent/bundle.pem" in error.message and "REQUESTS_CA_BUNDLE" in error.hint


@pytest.mark.parametrize("call", ["show_database", "create_backup"])
def test_a_file_of_keys_that_cannot_be_written_is_no_broken_connection(
    call: str, office: Office, authority: trustme.CA, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "gone" / "keys"))
    with SocketServer(response(DATABASE), tls=context(authority)) as server:
        client = client_of(office, server, ca_path=bundle(authority, tmp_path, "ca.pem"))
        error = fails(Unreachable, getattr(Api(client), call))
    assert "failed on this machine: [Errno 2]" in error.message and "gone/keys" in error.message
    assert error.attempts == 1 and "SSLKEYLOGFILE" in error.hint and server.requests == []


def test_tls_to_a_port_that_speaks_none(office: Office) -> None:
    with SocketServer(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", read_first=False) as server:
        address = server.address.replace("http:", "https:")
        error = fails(Unreachable, Api(client_of(office, address)).create_backup)
    assert "over TLS" in error.message and "port" in error.hint


def test_plain_http_to_a_port_that_speaks_tls(office: Office, authority: trustme.CA) -> None:
    with SocketServer(response(DATABASE), tls=context(authority)) as server:
        address = server.address.replace("https:", "http:")
        fails(Unreachable, Api(client_of(office, address, api_retries=0)).show_database)


# ---------------------------------------------------------------------------------------------------------------------
# Connections that break


def test_a_truncated_body_is_read_again(office: Office) -> None:
    with SocketServer(response(DATABASE[:9], length=len(DATABASE)), response(DATABASE)) as server:
        assert Api(client_of(office, server)).show_database()["status"] == "running"
    with SocketServer(response(DATABASE[:9], length=len(DATABASE))) as server:
        error = fails(UnexpectedAnswer, Api(client_of(office, server)).show_database)
    assert "broke off" in error.message and len(server.requests) == 3


def test_a_truncated_chunk_is_read_again(office: Office) -> None:
    broken = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n40\r\n{"
    with SocketServer(broken, response(DATABASE)) as server:
        assert Api(client_of(office, server)).show_database()["status"] == "running"


def test_a_truncated_answer_to_a_change_is_an_unknown_outcome(office: Office) -> None:
    with SocketServer(response(BACKUP[:9], "201 Created", length=99)) as server:
        error = fails(OutcomeUnknown, Api(client_of(office, server)).create_backup)
    assert error.status == 201 and len(server.requests) == 1


def test_a_connection_dropped_before_the_answer(office: Office) -> None:
    with SocketServer(None, response(DATABASE)) as server:
        assert Api(client_of(office, server)).show_database()["status"] == "running"
    with SocketServer(None) as server:
        error = fails(OutcomeUnknown, Api(client_of(office, server)).create_backup)
    assert len(server.requests) == 1 and "closed the connection" in error.message


def test_a_connection_that_is_never_made_is_tried_again_for_every_call(office: Office) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = client_of(office, f"http://127.0.0.1:{port}")
    error = fails(Unreachable, Api(client).create_backup)
    assert "refuses the connection" in error.message and error.attempts == 3
    assert client.usage.as_dict() == {"requests": 0, "writes": 0, "waited_seconds": 1.5, "tokens_reused": 0}


def test_a_server_that_says_nothing(office: Office) -> None:
    with SocketServer(response(DATABASE), pause=60) as server:
        client = client_of(office, server, api_timeout=0.1, api_retries=1)
        error = fails(Unreachable, Api(client).show_database)
        assert "did not answer within 0.1 seconds" in error.message and error.attempts == 2
        error = fails(OutcomeUnknown, Api(client).create_backup)
        assert error.attempts == 1


def test_a_name_that_does_not_exist(office: Office) -> None:
    error = fails(Unreachable, Api(client_of(office, "https://name.invalid", api_retries=0)).create_backup)
    assert error.message == "The name name.invalid cannot be resolved" and "region" in error.hint


def test_a_dead_idle_connection_does_no_harm_to_a_change(office: Office) -> None:
    """The server closes an idle connection just as we would use it: only a fresh one is certain."""
    with SocketServer(response(DATABASE, keep=True), None, response(BACKUP, "201 Created")) as server:
        client = client_of(office, server)
        Api(client).show_database()
        server.answers[1] = response(BACKUP, "201 Created")
        Api(client).create_backup()
    assert [item.connection for item in server.requests] == [1, 2]


def test_a_connection_is_kept_for_the_next_read(office: Office) -> None:
    with SocketServer(response(DATABASE, keep=True)) as server:
        client = client_of(office, server)
        Api(client).show_database()
        Api(client).show_database()
        client.close()
    assert [item.connection for item in server.requests] == [1, 1]


def test_a_429_in_plain_text(office: Office) -> None:
    limited = response("Retry later\n", "429 Too Many Requests", Content_Type="text/plain", Retry_After="7")
    with SocketServer(limited, response(DATABASE)) as server:
        client = client_of(office, server)
        Api(client).show_database()
    assert office.clock.slept == [7.0] and client.usage.requests == 2


# ---------------------------------------------------------------------------------------------------------------------
# Proxies


def proxied(office: Office, monkeypatch: pytest.MonkeyPatch, proxy: str) -> Client:
    monkeypatch.setenv("HTTPS_PROXY", proxy)
    return office.direct(db_api_url="https://db-api.example.test", api_retries=0, api_timeout=60)


def test_a_proxy_that_refuses(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    client = proxied(office, monkeypatch, f"http://someone:canary@127.0.0.1:{port}")
    error = fails(Unreachable, Api(client).create_backup)
    assert "proxy" in error.message and "HTTPS_PROXY" in error.hint and "canary" not in sentence(error)


def test_a_proxy_that_wants_a_password(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    with SocketServer(response("", "407 Proxy Authentication Required")) as proxy:
        client = proxied(office, monkeypatch, proxy.address)
        error = fails(Unreachable, Api(client).create_backup)
    assert "407 Proxy Authentication Required" in error.message
    assert proxy.requests[0].method == "CONNECT" and proxy.requests[0].target == "db-api.example.test:443"
    assert "authorization" not in proxy.requests[0].headers


def test_a_proxy_is_passed_over_for_no_proxy_and_for_loopback(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    with SocketServer(response("", "502 Bad Gateway")) as proxy, SocketServer(response(DATABASE)) as server:
        for name in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY", "http_proxy"):
            monkeypatch.setenv(name, proxy.address)
        Api(client_of(office, server)).show_database()
        monkeypatch.setenv("NO_PROXY", "name.invalid")
        error = fails(Unreachable, Api(client_of(office, "https://name.invalid", api_retries=0)).show_database)
        assert "cannot be resolved" in error.message
    assert proxy.connections == 0
