# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""scalingo_pg_query against the sessions of a real PostgreSQL server."""

from __future__ import annotations

import threading
import time
import typing as t

import psycopg
import pytest
from support.postgresql import PostgreSQL
from support.postgresql_tasks import PASSWORDS, SHOP, Task, shown
from support.programs import until

Connection = psycopg.Connection


class Running:
    """A statement that runs in the background; `error` is how it ended."""

    def __init__(self, connection: Connection, statement: str) -> None:
        self.pid = connection.info.backend_pid
        self.error: psycopg.Error | None = None
        self._thread = threading.Thread(target=self._run, args=(connection, statement), daemon=True)
        self._thread.start()

    def _run(self, connection: Connection, statement: str) -> None:
        try:
            connection.execute(t.cast(t.Any, statement))
        except psycopg.Error as error:
            self.error = error

    def ended(self) -> bool:
        self._thread.join(30)
        return not self._thread.is_alive()


class Sessions:
    """Opens sessions of the app, with TLS as the server wants it, and ends them all."""

    def __init__(self, server: PostgreSQL) -> None:
        self._server = server
        self._connections: list[Connection] = []
        self._running: list[Running] = []

    def __call__(self, statement: str | None = None) -> Connection:
        connection = psycopg.connect(
            host=self._server.host,
            port=self._server.port,
            user="shop_1002",
            password=PASSWORDS[SHOP],
            dbname="shop_1002",
            autocommit=True,
        )
        self._connections.append(connection)
        if statement is not None:
            connection.execute(t.cast(t.Any, statement))
        return connection

    def running(self, statement: str) -> Running:
        """A session that runs something now."""
        running = Running(self(), statement)
        self._running.append(running)
        until(lambda: active(self._server, running.pid), "the query to run")
        return running

    def close(self) -> None:
        self._server.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'shop_1002'")
        # A connection is not closed while a thread uses it.
        assert all(running.ended() for running in self._running)
        for connection in self._connections:
            connection.close()


@pytest.fixture
def sessions(server: PostgreSQL) -> t.Iterator[Sessions]:
    opened = Sessions(server)
    yield opened
    opened.close()


def active(server: PostgreSQL, pid: int) -> bool:
    return server.rows(f"SELECT state FROM pg_stat_activity WHERE pid = {pid}") == [("active",)]


@pytest.fixture
def slow(sessions: Sessions) -> Running:
    return sessions.running("SELECT pg_sleep(60)")


def pids(report: t.Any) -> list[int]:
    assert not report.failed, shown(report)
    return [item["pid"] for item in report.result["queries"]]


def test_a_slow_query_is_cancelled_and_its_session_stays(
    task: Task, server: PostgreSQL, slow: Running, sessions: Sessions
) -> None:
    pooled = sessions("SELECT 1")
    for limit in (1.2, 6, 30):
        time.sleep(limit)
        second = sessions.running("SELECT pg_sleep(61)")
        checked = task.query(action="cancel", older_than=limit, check=True)
        (item,) = task.query_info(pid=second.pid).result["queries"]
        # On a busy machine it is as old as the limit before the task has looked.
        if item["query_duration"] < limit / 3:
            break
    assert slow.pid in pids(checked) and second.pid not in pids(checked) and active(server, slow.pid)
    real = task.query(action="cancel", older_than=limit)
    assert real.changed and set(pids(real)) >= set(pids(checked)) and second.pid not in pids(real)
    assert slow.ended() and isinstance(slow.error, psycopg.errors.QueryCanceled)
    assert server.rows(f"SELECT state FROM pg_stat_activity WHERE pid = {slow.pid}") == [("idle",)]
    assert pooled.info.backend_pid not in pids(real) and active(server, second.pid)
    assert not task.query(action="cancel", pid=slow.pid).changed, "an idle session has nothing to cancel"
    assert task.query(action="cancel", user="shop_1002").changed and second.ended()


def test_idle_connections_of_a_pool_never_match_by_default(task: Task, sessions: Sessions) -> None:
    pooled, holding = sessions("SELECT 1"), sessions()
    with holding.transaction():
        holding.execute("SELECT 1")
        time.sleep(1.1)
        assert pids(task.query(action="terminate", older_than=1, check=True)) == []
        assert pids(task.query(action="terminate", user="shop_1002", check=True)) == []
        states = ["idle", "idle in transaction"]
        assert set(pids(task.query(action="terminate", older_than=1, query_state=states, check=True))) == {
            pooled.info.backend_pid,
            holding.info.backend_pid,
        }
        report = task.query(action="terminate", older_than=1, query_state="idle in transaction")
        assert pids(report) == [holding.info.backend_pid] and report.result["queries"][0]["outcome"] == "terminated"
        with pytest.raises(psycopg.Error):
            holding.execute("SELECT 2")
    assert pooled.execute("SELECT 3").fetchone() == (3,)


def test_a_session_is_ended_by_its_pid(task: Task, slow: Running) -> None:
    report = task.query(action="terminate", pid=slow.pid)
    assert report.changed and report.result["steps"] == [f"terminate the session {slow.pid} of shop_1002"]
    assert slow.ended() and isinstance(slow.error, psycopg.errors.AdminShutdown)
    assert not task.query(action="terminate", pid=slow.pid).changed


def test_another_query_of_the_same_session_is_left_alone(
    task: Task, server: PostgreSQL, slow: Running, sessions: Sessions, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the two looks the session begins another query, as those of a pool do."""
    from ansible_collections.community.scalingo.plugins.module_utils._resources.pg_query import Queries

    look_again = Queries._look_again

    def meanwhile(self: t.Any, session: t.Any) -> None:
        if session["pid"] == slow.pid:
            server.rows(f"SELECT pg_cancel_backend({slow.pid})")
            slow.ended()
        look_again(self, session)

    monkeypatch.setattr(Queries, "_look_again", meanwhile)
    report = task.query(action="terminate", pid=slow.pid)
    assert not report.changed and report.result["queries"][0]["outcome"] == "left_alone"
    assert ["was left alone" in warning for warning in report.warnings] == [True]
    assert server.rows(f"SELECT count(*) FROM pg_stat_activity WHERE pid = {slow.pid}") == [(1,)]


def test_copies_are_left_alone_unless_told_otherwise(task: Task, server: PostgreSQL, sessions: Sessions) -> None:
    copying = sessions.running("/* nightly */ SELECT pg_sleep(20) -- pg_dump")
    behind = sessions.running("/* nightly */ COPY (SELECT pg_sleep(20)) TO STDOUT")
    assert pids(task.query(action="cancel", user="shop_1002", check=True)) == []
    assert pids(task.query(action="cancel", user="shop_1002", exclude_query=[])) == [copying.pid, behind.pid]
    assert copying.ended() and behind.ended()


def test_too_many_matches_end_none(task: Task, server: PostgreSQL, slow: Running, sessions: Sessions) -> None:
    other = sessions.running("SELECT pg_sleep(32)")
    report = task.query(action="terminate", user="shop_1002", max_matches=1)
    assert report.failed and "2 queries match" in report.message
    assert active(server, slow.pid) and active(server, other.pid)


def test_the_list_shows_text_only_when_asked(task: Task, slow: Running) -> None:
    plain = task.query_info(pid=slow.pid)
    item = plain.result["queries"][0]
    assert "pg_sleep" not in plain.everything() and item["state"] == "active" and item["query_duration"] < 60
    assert task.query_info(pid=slow.pid, include_query=True).result["queries"][0]["query"] == "SELECT pg_sleep(60)"
    assert task.query_info(older_than=3600).result["queries"] == []
