# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs of databases: docs/contract.md section 2.14."""

from __future__ import annotations

import gzip
import re

import pytest
from scalingo_sandbox.testing import Sandbox
from support.caller import Caller

LINE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{9} \+0200 CEST \[db-node\] .+")


@pytest.fixture
def postgresql(box: Sandbox) -> str:
    return box.addon_id("shop", "postgresql")


def logs_url(caller: Caller, addon_id: str) -> str:
    answer = caller.database("GET", addon_id, "/logs")
    assert answer.status_code == 200
    assert set(answer.json()) == {"url"}
    return str(answer.json()["url"])


def test_the_last_lines_are_text_and_need_no_bearer(box: Sandbox, caller: Caller, postgresql: str) -> None:
    address = logs_url(caller, postgresql)
    assert re.fullmatch(rf"{re.escape(box.files_url)}/apps/[0-9a-f]{{24}}/logs\?token=[^&]+", address)
    answer = caller.client.get(address + "&n=100")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert answer.text.count("\r\n") == answer.text.count("\n") == 3
    lines = answer.text.splitlines()
    assert all(LINE.fullmatch(line) for line in lines)
    # the order is not that of the instants
    assert [line.partition("] ")[2] for line in lines] == [
        "starting", "checkpoint complete", "ready to accept connections",
    ]  # fmt: skip
    assert lines[1] > lines[2]
    assert caller.client.get(address + "&n=1").text.splitlines() == lines[1:2]
    assert caller.client.get(address + "&timestamp=&n=2&filter=").text.splitlines() == lines[-2:]
    assert caller.client.get(address + "&n=5&filter=router").status_code == 204
    assert caller.client.get(address + "&n=some").status_code == 422


def test_a_database_that_logged_nothing(box: Sandbox, caller: Caller) -> None:
    answer = caller.client.get(logs_url(caller, box.addon_id("metrics", "redis")) + "&n=10")
    assert (answer.status_code, answer.content) == (204, b"")


def test_operations_leave_lines(box: Sandbox, caller: Caller, postgresql: str) -> None:
    caller.database("POST", postgresql, "/upgrade")
    box.advance(21)
    text = caller.client.get(logs_url(caller, postgresql)).text
    assert "upgrade is being started" in text
    assert "upgrade has ended: finished" in text


def test_the_link_expires(box: Sandbox, caller: Caller, postgresql: str) -> None:
    address = logs_url(caller, postgresql)
    box.advance(3601)
    assert caller.client.get(address).status_code == 403
    assert caller.client.get(address.partition("?")[0]).status_code == 403


def test_archives_by_page_and_by_cursor(box: Sandbox, caller: Caller, postgresql: str) -> None:
    box.change_database(postgresql, log_archives=23)
    by_page = [caller.database("GET", postgresql, f"/logs_archives?page={page}").json() for page in (1, 2, 3)]
    assert [len(answer["archives"]) for answer in by_page] == [10, 10, 3]
    assert [answer["has_more"] for answer in by_page] == [True, True, False]
    cursor, seen = "", []
    for dummy in range(3):
        answer = caller.database("GET", postgresql, f"/logs_archives?cursor={cursor}").json()
        seen += [archive["from"] for archive in answer["archives"]]
        cursor = answer["next_cursor"]
    assert (cursor, answer["has_more"]) == ("", False)
    assert seen == [archive["from"] for page in by_page for archive in page["archives"]]
    archive = by_page[0]["archives"][0]
    assert set(archive) == {"url", "size", "from", "to"}
    content = caller.client.get(archive["url"]).content
    assert len(content) == archive["size"]
    assert b"archive 0" in gzip.decompress(content)
    assert caller.client.get(archive["url"].replace("/0.gz", "/1.gz")).status_code == 403
    assert caller.database("GET", postgresql, "/logs_archives?page=0").status_code == 422


def test_no_archives(box: Sandbox, caller: Caller) -> None:
    answer = caller.database("GET", box.addon_id("metrics", "redis"), "/logs_archives").json()
    assert answer == {"archives": [], "next_cursor": "", "has_more": False}
