# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""An answer that is read piece by piece: bytes as they are on the wire, no credentials, and what breaks it off."""

from __future__ import annotations

import gzip
import typing as t

import pytest
from ansible_collections.community.scalingo.plugins.module_utils._answer import Stream
from ansible_collections.community.scalingo.plugins.module_utils._errors import (
    InvalidInput,
    UnexpectedAnswer,
    Unreachable,
)
from ansible_collections.community.scalingo.plugins.module_utils._route import Route
from support.files import Content, FileServer
from support.scripted import Script, expect

ROUTE = Route[t.Any]("fetch", "GET", "", safe=True, repeatable=True, role="link", doing="fetch the file")


@pytest.fixture
def server() -> t.Iterator[FileServer]:
    with FileServer(Content(300_000)) as running:
        yield running


def opened(office: t.Any, link: str, **headers: str) -> Stream:
    return office.direct().open_link(ROUTE, link, headers)


def test_the_body_comes_in_pieces_and_whole(office: t.Any, server: FileServer) -> None:
    with opened(office, server.link()) as stream:
        assert (stream.status, stream.length, stream.headers["etag"]) == (200, 300_000, '"one"')
        pieces = list(stream.chunks(65536))
    assert b"".join(pieces) == server.content.bytes()
    assert max(map(len, pieces)) <= 65536


def test_no_credentials_are_sent_and_each_try_counts(office: t.Any, server: FileServer) -> None:
    server.instead = [(503, {}, b""), (502, {}, b"")]
    client = office.direct(token_cache=False)
    with client.open_link(ROUTE, server.link(), {"Range": "bytes=1000-"}) as stream:
        assert stream.status == 206
    assert [seen.headers.get("authorization") for seen in server.seen] == [None] * 3
    assert server.ranges() == ["bytes=1000-"] * 3
    assert client.usage.as_dict() == {
        "requests": 3,
        "writes": 0,
        "waited_seconds": client.usage.as_dict()["waited_seconds"],
        "tokens_reused": 0,
    }
    assert office.clock.slept


def test_a_netrc_entry_for_the_host_is_not_used(
    office: t.Any, server: FileServer, tmp_path: t.Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password hidden\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    with opened(office, server.link()):
        pass
    assert "authorization" not in server.seen[0].headers


def test_what_is_compressed_stays_compressed(office: t.Any, server: FileServer) -> None:
    body = gzip.compress(b"x" * 1000)
    server.instead = [(200, {"Content-Encoding": "gzip"}, body)]
    with opened(office, server.link()) as stream:
        assert b"".join(stream.chunks(10)) == body


@pytest.mark.parametrize("length", [True, False])
def test_a_body_that_breaks_off_is_noticed(office: t.Any, server: FileServer, length: bool) -> None:
    server.length = length
    server.cuts = [100_000]
    received = b""
    with opened(office, server.link()) as stream, pytest.raises(Unreachable) as caught:
        for piece in stream.chunks(4096):
            received += piece
    assert len(received) <= 100_000 and server.content.bytes().startswith(received)
    assert "token" not in str(caught.value)


def test_an_answer_that_is_no_file_is_read_at_once(office: t.Any, server: FileServer) -> None:
    server.tokens = set()
    with opened(office, server.link()) as stream:
        assert (stream.status, stream.json()) == (403, {"error": "the link has expired"})
        assert list(stream.chunks(10)) == []


def test_a_redirect_to_another_host_is_followed(office: t.Any, server: FileServer) -> None:
    with FileServer(Content(10, seed=7)) as other:
        server.instead = [(302, {"Location": other.link("other")}, b"")]
        with opened(office, server.link(), Range="bytes=2-") as stream:
            assert b"".join(stream.chunks(99)) == other.content.bytes()[2:]
    assert other.ranges() == ["bytes=2-"]


def test_redirects_in_a_circle_end(office: t.Any, server: FileServer) -> None:
    server.instead = [(302, {"Location": server.link()}, b"")] * 9
    with pytest.raises(UnexpectedAnswer, match="again and again"):
        opened(office, server.link())
    assert len(server.seen) == 6


@pytest.mark.parametrize("place", ["link", "redirect"])
def test_clear_text_to_another_machine_is_refused(office: t.Any, server: FileServer, place: str) -> None:
    server.instead = [(302, {"Location": "http://192.0.2.1/x?token=secret-token-1"}, b"")]
    with pytest.raises(InvalidInput, match="in clear text") as caught:
        opened(office, server.link() if place == "redirect" else "http://192.0.2.1/x?token=secret-token-1")
    assert "secret-token" not in str(caught.value)


@pytest.mark.parametrize(
    "link",
    ["", "ftp://127.0.0.1/x", "https://user:word@127.0.0.1/x", "https://", "/x", "https://[::1", "https://h:99999/"],
)
def test_what_is_no_link_is_refused(office: t.Any, link: str) -> None:
    with pytest.raises(UnexpectedAnswer, match="not a link") as caught:
        opened(office, link)
    assert caught.value.doing == "fetch the file" and caught.value.subject.startswith("addon ad-1")
    with pytest.raises(UnexpectedAnswer, match="not a link"):
        office.direct().read_link(link)


def test_a_host_that_is_not_there(office: t.Any) -> None:
    with FileServer(Content(10)) as gone:
        link = gone.link()
    with pytest.raises(Unreachable):
        opened(office, link)


def test_a_redirect_never_leaves_tls(office: t.Any) -> None:
    client = office.direct()
    with Script(
        expect("GET", "/x", host="https://files.test", status=302, answer_headers={"Location": "http://127.0.0.1/y"})
    ) as script:
        script.mount(client)
        with pytest.raises(UnexpectedAnswer, match="from https to http"):
            client.open_link(ROUTE, "https://files.test/x", {})


@pytest.mark.parametrize(
    "location", ["app://api-test/", "magnet:?xt=urn:btih:abc", "https://:443/", "javascript:alert(1)"]
)
def test_a_link_that_leads_to_no_address_is_not_followed(office: t.Any, server: FileServer, location: str) -> None:
    server.instead = [(302, {"Location": location}, b"")]
    with pytest.raises(UnexpectedAnswer, match="which is not followed"):
        opened(office, server.link())
    assert len(server.seen) == 1


def test_who_a_link_leads_to_is_said_without_user_and_password(office: t.Any, server: FileServer) -> None:
    server.instead = [(302, {"Location": "https://user:canary/1@nowhere.invalid/x"}, b"")] * 9
    with pytest.raises((Unreachable, UnexpectedAnswer)) as caught:
        opened(office, server.link())
    assert "canary" not in str(caught.value)
    server.instead = [(302, {"Location": "https://user:canary1@nowhere.invalid/x"}, b"")] * 9
    with pytest.raises(Unreachable, match="The name nowhere.invalid cannot be resolved") as caught:
        opened(office, server.link())
    assert "canary" not in str(caught.value)
