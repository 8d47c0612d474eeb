# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many processes of one user at once: one exchange, one addon token, one pace."""

from __future__ import annotations

import multiprocessing
import os
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
import requests
from ansible_collections.community.scalingo.plugins.module_utils import _retry
from ansible_collections.community.scalingo.plugins.module_utils._client import Client
from support.api import Api

SERVER = Path(__file__).parents[1] / "support" / "counting_server.py"
# Forked, and from a process without threads: what is measured here are the clients, not the start of interpreters.
FORK = multiprocessing.get_context("fork")


class Counting:
    """The counting server as another process."""

    def __init__(self) -> None:
        self.process = subprocess.Popen(
            [sys.executable, str(SERVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        self.address = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def close(self) -> None:
        assert self.process.stdin is not None and self.process.stdout is not None
        self.process.stdin.close()
        self.process.wait(10)
        self.process.stdout.close()

    def counts(self) -> dict[str, int]:
        return t.cast("dict[str, int]", requests.get(f"{self.address}/count", timeout=10).json())

    def tell(self, what: str, **details: float) -> None:
        requests.post(f"{self.address}/{what}", json=details, timeout=10)


@pytest.fixture
def server() -> t.Iterator[Counting]:
    found = Counting()
    yield found
    found.close()


def client_of(server: Counting, **params: t.Any) -> Client:
    address = server.address
    given = {"api_token": "tk-us-x", "app": "shop", "addon": "mysql", "auth_url": address, "api_url": address}
    return Client.from_params(
        {**given, "db_api_url": address, **params}, verbose=lambda line: None, secret=lambda value: None
    )


def run_many(server: Counting, number: int, reads: int = 1, warm: bool = False, **params: t.Any) -> None:
    """Run that many processes at once, each with a client of its own; all must succeed."""
    barrier = FORK.Barrier(number)

    def one() -> None:
        code = 1
        try:
            client = client_of(server, **params)
            if warm:
                Api(client).show_database()
            barrier.wait(30)
            if warm:
                # Everybody holds the same token by now; it is refused to everybody at once.
                barrier.wait(30)
            for dummy in range(reads):
                Api(client).show_database()
            code = 0
        finally:
            os._exit(code)

    processes = [FORK.Process(target=one) for dummy in range(number - warm)]
    for process in processes:
        process.start()
    if warm:
        barrier.wait(30)
        server.tell("expire")
        barrier.wait(30)
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * len(processes)


def test_fifty_at_once_exchange_once_and_make_one_addon_token(server: Counting) -> None:
    run_many(server, 50)
    assert server.counts() == {"exchange": 1, "addons": 1, "mint": 1, "read": 50}


def test_fifty_refused_at_once_make_one_new_addon_token(server: Counting) -> None:
    run_many(server, 51, warm=True)
    counts = server.counts()
    assert (counts["exchange"], counts["addons"], counts["mint"]) == (1, 1, 2)
    assert (counts["refused"], counts["read"]) == (50, 100)


def test_without_a_cache_each_is_on_its_own(server: Counting) -> None:
    run_many(server, 5, token_cache=False)
    assert server.counts() == {"exchange": 5, "addons": 5, "mint": 5, "read": 5}


def test_many_under_an_enforced_limit_share_one_pace(server: Counting, monkeypatch: pytest.MonkeyPatch) -> None:
    """The real figures, ten to fifty times faster: 10 requests in 0.5 seconds, and one each 0.06 after a 429."""
    for module, name, value in (
        (_retry, "SLOT_SECONDS", 0.06),
        (_retry, "LIMITED_MEMORY", 3.0),
        (_retry, "LIMITED_BASE", 0.1),
        (_retry, "LIMITED_LEAST", 0.05),
        (_retry, "LIMITED_LIMIT", 0.6),
    ):
        monkeypatch.setattr(module, name, value)
    Api(client_of(server)).show_database()
    server.tell("limit", requests=10, seconds=0.5)
    run_many(server, 15, reads=4)
    counts = server.counts()
    assert counts["read"] == 61
    # Some run into the limit before the pace is known, and then nearly nobody; each on its own it is 175 times.
    assert counts["429"] <= 30


@pytest.mark.parametrize(
    "params, most", (({"max_in_flight": 3}, 3), ({"max_in_flight": 2, "token_cache": False}, 2), ({}, 10))
)
def test_no_more_are_on_their_way_than_that(server: Counting, params: dict[str, t.Any], most: int) -> None:
    """Over all processes of an account, whether they share their tokens or not."""
    Api(client_of(server)).show_database()
    server.tell("slow", seconds=0.05, expected=most)
    run_many(server, 14, reads=2, **params)
    assert server.counts()["most"] == most


def test_requests_a_minute_are_shared_by_all(server: Counting) -> None:
    """From the first one on, with a second between two."""
    Api(client_of(server)).show_database()
    begun = time.monotonic()
    run_many(server, 5, reads=2, requests_per_minute=60)
    # The last of ten begins nine seconds after the first one.
    assert 9 <= time.monotonic() - begun <= 25
