# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The event source of Event-Driven Ansible, run by its path as ansible-rulebook does, against the sandbox over HTTP. Nobody sleeps."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import runpy
import stat
import threading
import time
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.community.scalingo.plugins.module_utils import _core, _errors, _retry
from ansible_collections.community.scalingo.plugins.plugin_utils import _event_source
from scalingo_sandbox.testing import Sandbox

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "extensions" / "eda" / "plugins" / "event_source"
SOURCE = runpy.run_path(str(PLUGINS / "scalingo_events.py"))
CANARY = "canary-password-of-shop"
HOUR = 3600.0


@pytest.fixture(scope="module")
def running() -> t.Iterator[Sandbox]:
    with Sandbox(seed={"apps": [{"name": "shop"}]}) as sandbox:
        yield sandbox


class Cell:
    """Time that passes only where somebody waits."""

    now = 1000.0


@pytest.fixture
def box(running: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Sandbox:
    running.reset({"apps": [{"name": "shop"}, {"name": "vault", "region": "osc-secnum-fr1"}]})
    running.clear_faults()
    running.rate_limit(None)
    running.clear_log()
    for name in list(os.environ):
        if name.startswith("SCALINGO_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_RUNTIME_DIR", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return running


class Source:
    """The source as a rulebook runs it: on a bounded queue, one poll after the other."""

    def __init__(self, box: Sandbox, monkeypatch: pytest.MonkeyPatch, path: Path) -> None:
        self.box = box
        self.cursor = path / "cursor.json"
        self.cell = Cell()
        #: How long the source wanted to wait after each poll.
        self.pauses: list[float] = []
        self._gates: list[tuple[float, asyncio.Future[None]]] = []
        monkeypatch.setattr(_event_source, "pause", self._pause)
        monkeypatch.setattr(_event_source, "clock", lambda: self.cell.now)
        monkeypatch.setattr(_core.Clock, "sleep", lambda clock, seconds: None)

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)
        gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._gates.append((seconds, gate))
        await gate

    def args(self, **more: t.Any) -> dict[str, t.Any]:
        here = {"api_token": self.box.api_token, "auth_url": self.box.auth_url, "cursor": str(self.cursor)}
        return {name: value for name, value in {**here, **more}.items() if value is not None}

    @contextlib.asynccontextmanager
    async def run(self, **args: t.Any) -> t.AsyncIterator[Run]:
        run = Run(self, asyncio.Queue(1))
        run.task = asyncio.ensure_future(SOURCE["main"](run.queue, self.args(**args)))
        try:
            yield run
        finally:
            await run.end()

    def kept(self) -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", json.loads(self.cursor.read_text(encoding="utf-8"))["regions"])


class Run:
    def __init__(self, source: Source, queue: asyncio.Queue[t.Any]) -> None:
        self.source = source
        self.queue = queue
        self.task: asyncio.Task[None]

    async def poll(self, regions: int = 1) -> list[dict[str, t.Any]]:
        """What is on the queue until the source waits for its next poll."""
        found = []
        deadline = time.monotonic() + 30
        while len(self.source._gates) < regions or not self.queue.empty():
            assert time.monotonic() < deadline
            if self.task.done():
                self.task.result()
            with contextlib.suppress(asyncio.QueueEmpty):
                found.append(self.queue.get_nowait())
            await asyncio.sleep(0.001)
        return found

    async def again(self, regions: int = 1) -> list[dict[str, t.Any]]:
        """The same after the pause."""
        for seconds, gate in self.source._gates:
            self.source.cell.now += seconds
            gate.set_result(None)
        self.source._gates.clear()
        return await self.poll(regions)

    async def end(self) -> None:
        """Cancel it, as a rulebook that ends does."""
        self.task.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await self.task
        self.source._gates.clear()

    async def kill(self) -> None:
        """End it as SIGKILL would: the cursor stays as it is on disk."""
        kept = self.source.cursor.read_bytes()
        await self.end()
        self.source.cursor.write_bytes(kept)


@pytest.fixture
def source(box: Sandbox, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Source:
    return Source(box, monkeypatch, tmp_path)


def ids(events: list[dict[str, t.Any]]) -> list[str]:
    return [event["scalingo"]["id"] for event in events]


def happen(box: Sandbox, *names: str, **more: t.Any) -> None:
    for name in names:
        box.event("shop", **{"type": "restart", "id": name, **more})


def polls(box: Sandbox) -> int:
    return sum(record.route == "A19" for record in box.log())


def play(steps: t.Coroutine[t.Any, t.Any, None]) -> None:
    asyncio.run(steps)


# what is delivered


def test_an_event_is_delivered_once_at_one_request_a_poll_and_with_what_rulebooks_need(source: Source) -> None:
    async def steps() -> None:
        happen(source.box, "before")
        async with source.run() as run:
            assert await run.poll() == []
            data = {
                "addon_uuid": "ad-1",
                "resource_id": "shop_1",
                "addon_name": "MySQL",
                "backup_id": "b1",
                "backup_status": "error",
                "backup_method": "periodic",
                "started_at": None,
                "unknown": CANARY,
            }
            source.box.event("shop", type="database_backup_failed", id="e1", type_data=data, user=False)
            (event,) = await run.again()
            assert await run.again() == []
            assert await run.again() == []
        assert event["meta"] == {"uuid": event["meta"]["uuid"]}
        told = event["scalingo"]
        assert {**told, "created_at": "", "app_id": ""} == {
            "id": "e1",
            "type": "database_backup_failed",
            "created_at": "",
            "region": "osc-fr1",
            "app": "shop",
            "app_id": "",
            "addon_id": "ad-1",
            "resource_id": "shop_1",
            "backup_id": "b1",
            "backup_status": "error",
            "backup_method": "periodic",
            "type_data": {
                "addon_name": "MySQL",
                "resource_id": "shop_1",
                "addon_uuid": "ad-1",
                "backup_id": "b1",
                "backup_status": "error",
                "backup_method": "periodic",
            },
        }
        assert polls(source.box) == 4
        assert source.pauses == [60, 60, 60, 60]

    play(steps())


def test_what_happened_while_it_was_not_running_is_delivered_after_a_restart(source: Source) -> None:
    async def steps() -> None:
        async with source.run(replay=0) as run:
            await run.poll()
            happen(source.box, "one")
            assert ids(await run.again()) == ["one"]
            await run.again()
            await run.kill()
        happen(source.box, "two", "three")
        async with source.run() as run:
            assert ids(await run.poll()) == ["two", "three"]

    play(steps())


@pytest.mark.parametrize("ended", ["end", "kill"])
@pytest.mark.parametrize(("replay", "again"), [(0, []), (900, ["one", "two"])])
def test_a_restart_repeats_what_the_rule_engine_has_had_for_a_moment_only(
    source: Source, ended: str, replay: float, again: list[str]
) -> None:
    async def steps() -> None:
        async with source.run(replay=replay) as run:
            await run.poll()
            happen(source.box, "one", "two")
            assert ids(await run.again()) == ["one", "two"]
            await run.again()
            await getattr(run, ended)()
        async with source.run(replay=replay) as run:
            assert ids(await run.poll()) == again
            for dummy in range(16):
                assert await run.again() == []
            await run.kill()
        async with source.run(replay=replay) as run:
            assert await run.poll() == []

    play(steps())


def test_a_restart_repeats_what_happened_long_ago_and_was_read_only_now(source: Source) -> None:
    async def steps() -> None:
        for name, age in (("one", 30 * HOUR), ("two", 20 * HOUR), ("three", 0.0)):
            happen(source.box, name, age=age)
        async with source.run(since="2020-01-01T00:00:00Z") as run:
            assert ids(await run.poll()) == ["one", "two", "three"]
            assert await run.again() == []
            await run.kill()
        async with source.run() as run:
            assert ids(await run.poll()) == ["one", "two", "three"]

    play(steps())


def test_an_end_in_order_takes_note_of_what_was_taken_last(source: Source) -> None:
    async def steps() -> None:
        async with source.run(replay=0) as run:
            await run.poll()
            happen(source.box, "one")
            source._gates.pop()[1].set_result(None)
            while not source._gates:
                await asyncio.sleep(0.001)
            assert run.queue.get_nowait()["scalingo"]["id"] == "one"
        async with source.run(replay=0) as run:
            assert await run.poll() == []

    play(steps())


def test_what_is_still_on_the_queue_is_delivered_again(source: Source) -> None:
    async def steps() -> None:
        async with source.run(replay=0) as run:
            await run.poll()
            happen(source.box, "one", "two")
            source._gates.pop()[1].set_result(None)
            while not run.queue.full():
                await asyncio.sleep(0.001)
            # The rule engine takes one, and has the other one in the queue when it ends.
            assert run.queue.get_nowait()["scalingo"]["id"] == "one"
            while not source._gates:
                await asyncio.sleep(0.001)
            await run.end()
        async with source.run(replay=0) as run:
            assert ids(await run.poll()) == ["two"]

    play(steps())


@pytest.mark.parametrize("order", ["newest", "swapped"])
@pytest.mark.parametrize("meanwhile", ["no", "yes"])
@pytest.mark.parametrize("size", ["clamped", "null"])
def test_more_events_than_a_page_holds_are_each_delivered_once(
    source: Source, order: str, meanwhile: str, size: str
) -> None:
    async def steps() -> None:
        async with source.run(replay=0) as run:
            await run.poll()
            for name, value in (("event_order", order), ("events_meanwhile", meanwhile), ("next_page", size)):
                source.box.switch(name, value)
            names = [f"e{number}" for number in range(130)]
            happen(source.box, *names)
            found = ids(await run.again()) + ids(await run.again())
            assert sorted(name for name in found if name in names) == sorted(names)
            # Those that happened while pages were read are in it, too.
            assert len(found) == len(set(found)) == 130 + (2 if meanwhile == "yes" else 0)
            assert await run.again() == []

    play(steps())


@pytest.mark.parametrize("dates", ["offset", "seconds"])
def test_events_of_one_instant_are_told_apart_by_their_ids_and_come_in_order(source: Source, dates: str) -> None:
    async def steps() -> None:
        source.box.switch("dates", dates)
        source.box.speed(1e-9)
        try:
            happen(source.box, *(f"old{number}" for number in range(70)))
            async with source.run(replay=0) as run:
                assert await run.poll() == []
                happen(source.box, "one", "two")
                assert ids(await run.again()) == ["one", "two"]
                happen(source.box, "three")
                assert ids(await run.again()) == ["three"]
                await run.again()
                await run.kill()
            happen(source.box, "four")
            async with source.run() as run:
                assert ids(await run.poll()) == ["four"]
        finally:
            source.box.speed(1)

    play(steps())


def test_an_event_that_is_listed_late_is_delivered(source: Source) -> None:
    async def steps() -> None:
        async with source.run(since="2020-01-01T00:00:00Z") as run:
            await run.poll()
            happen(source.box, "one")
            assert ids(await run.again()) == ["one"]
            happen(source.box, "late", age=1800)
            assert ids(await run.again()) == ["late"]

    play(steps())


def test_a_date_of_the_future_hides_nothing_that_comes_later(source: Source) -> None:
    async def steps() -> None:
        async with source.run(replay=0) as run:
            await run.poll()
            happen(source.box, "ahead", age=-30 * 86400)
            assert ids(await run.again()) == ["ahead"]
            happen(source.box, "one")
            assert ids(await run.again()) == ["one"]
            await run.again()
            await run.kill()
        happen(source.box, "two")
        async with source.run(replay=0) as run:
            assert ids(await run.poll()) == ["two"]

    play(steps())


def test_the_clock_of_this_machine_does_not_matter(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    async def steps() -> None:
        async with source.run(replay=0, token_cache=False) as run:
            await run.poll()
            for ahead in (40 * 86400, -80 * 86400):
                real = time.time
                monkeypatch.setattr(_core.Clock, "wall", lambda clock, by=ahead, real=real: real() + by)
                happen(source.box, f"e{ahead}")
                assert ids(await run.again()) == [f"e{ahead}"]
                assert await run.again() == []

    play(steps())


def test_since_says_where_to_begin_and_only_where_there_is_no_cursor(source: Source) -> None:
    async def steps() -> None:
        happen(source.box, "long ago", age=4 * HOUR)
        happen(source.box, "lately", age=HOUR)
        since = json.loads(json.dumps(_event_source.instant_of(time.time() - 2 * HOUR)))
        async with source.run(since=since, replay=0) as run:
            assert ids(await run.poll()) == ["lately"]
            await run.again()
        async with source.run(since=since, replay=0) as run:
            assert await run.poll() == []
        async with source.run(since=since, cursor=None) as run:
            assert ids(await run.poll()) == ["lately"]

    play(steps())


def test_an_answer_without_a_date_is_read_like_any(source: Source) -> None:
    async def steps() -> None:
        source.box.fault(match={"route": "A19"}, do="headers", headers={"Date": ""})
        async with source.run(replay=0) as run:
            assert await run.poll() == []
            happen(source.box, "one")
            assert ids(await run.again()) == ["one"]
            assert await run.again() == []

    play(steps())


def test_two_regions_are_followed_side_by_side_and_one_that_fails_stops_no_other(
    source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    async def steps() -> None:
        source.box.fault(match={"route": "A19", "region": "osc-fr1"}, do="status", status=503)
        async with source.run(regions="osc-fr1,osc-secnum-fr1", api_retries=0) as run:
            await run.poll(2)
            happen(source.box, "here")
            source.box.event("vault", "osc-secnum-fr1", type="restart", id="there")
            (event,) = await run.again(2)
            assert (event["scalingo"]["id"], event["scalingo"]["region"]) == ("there", "osc-secnum-fr1")
            source.box.clear_faults()
            assert await run.again(2) == []
            happen(source.box, "later")
            assert ids(await run.again(2)) == ["later"]
        assert sorted(source.kept()) == ["osc-fr1", "osc-secnum-fr1"]

    play(steps())
    assert "The events of osc-fr1 are read again, after 2 failures." in caplog.text


def test_apps_and_types_choose_what_is_delivered_and_the_cursor_passes_the_rest(source: Source) -> None:
    async def steps() -> None:
        async with source.run(apps=["sh*"], types=["database_maintenance_planned", "scale"], replay=0) as run:
            await run.poll()
            happen(source.box, "restart")
            happen(source.box, "plan", type="plan_database_maintenance")
            happen(source.box, "scale", type="scale")
            source.box.event(type="login_success", id="own")
            assert ids(await run.again()) == ["plan", "scale"]
            await run.again()
        async with source.run(replay=0) as run:
            assert await run.poll() == []
            source.box.event(type="login_success", id="own2")
            (event,) = await run.again()
            assert "app" not in event["scalingo"]
            assert "type_data" not in event["scalingo"]

    play(steps())


def test_events_without_id_or_time_or_known_type_are_delivered_once(source: Source) -> None:
    async def steps() -> None:
        async with source.run(replay=0) as run:
            await run.poll()
            now = _event_source.instant_of(time.time())
            listed = [
                {"type": None, "created_at": None, "id": "z"},
                {"type": "of_the_moon", "created_at": now, "id": "x", "user": None, "type_data": None, "app_id": 5},
                {"type": "upgrade_database", "id": None},
            ]
            source.box.fault(match={"route": "A19"}, do="replace", status=200, body={"events": listed, "meta": {}})
            found = await run.again()
            assert sorted(event["scalingo"].get("type", "none") for event in found) == [
                "none",
                "of_the_moon",
                "upgrade_database",
            ]
            assert all(event["scalingo"]["id"] for event in found)
            assert await run.again() == []
            source.box.clear_faults()
            happen(source.box, "one")
            assert ids(await run.again()) == ["one"]

    play(steps())


def test_a_list_that_begins_with_the_oldest_is_refused(source: Source, caplog: pytest.LogCaptureFixture) -> None:
    async def steps() -> None:
        listed = [{"type": "restart", "id": f"e{day}", "created_at": f"2026-11-0{day}T00:00:00Z"} for day in (1, 2)]
        more = {"events": listed, "meta": {"pagination": {"next_page": 2}}}
        source.box.fault(match={"route": "A19"}, do="replace", status=200, body=more)
        async with source.run() as run:
            assert await run.poll() == []

    play(steps())
    assert "the platform lists the oldest events first" in caplog.text


# what goes wrong


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"do": "status", "status": 500}, "status 500"),
        ({"do": "html", "status": 200}, "Could not read the events"),
        ({"do": "truncate"}, "Could not read the events"),
        ({"do": "drop_before"}, "Could not read the events"),
        ({"do": "wrong_type", "at": "events"}, "Could not read the events"),
    ],
)
def test_what_may_pass_is_told_and_tried_again_later_and_later(
    source: Source, caplog: pytest.LogCaptureFixture, fault: dict[str, t.Any], said: str
) -> None:
    async def steps() -> None:
        async with source.run(api_retries=0, interval="10") as run:
            await run.poll()
            happen(source.box, "one")
            source.box.fault(match={"route": "A19"}, **fault)
            for dummy in range(8):
                assert await run.again() == []
            source.box.clear_faults()
            assert ids(await run.again()) == ["one"]

    play(steps())
    assert source.pauses == [10, 20, 40, 80, 160, 320, 600, 600, 600, 10]
    assert said in caplog.text
    assert "The next try is in 600 seconds." in caplog.text
    assert "Traceback" not in caplog.text


def test_the_rate_limit_is_waited_out_by_the_pace_that_all_tasks_share(source: Source) -> None:
    async def steps() -> None:
        async with source.run() as run:
            await run.poll()
            happen(source.box, "one")
            source.box.fault(match={"route": "A19"}, do="status", status=429, times=2)
            assert ids(await run.again()) == ["one"]

    play(steps())
    assert _retry.LIMITED_BUDGET == 600


def test_an_answer_that_does_not_come_is_a_failure_like_any(source: Source, caplog: pytest.LogCaptureFixture) -> None:
    async def steps() -> None:
        source.box.fault(match={"route": "A19"}, do="slow", seconds=5)
        async with source.run(api_timeout=0.1, api_retries=0) as run:
            assert await run.poll() == []

    play(steps())
    assert source.pauses == [120]
    assert "Could not read the events" in caplog.text


@pytest.mark.parametrize(
    ("status", "kind"), [(401, "Unauthorized"), (403, "Forbidden"), (402, "PaymentRequired"), (404, "NotFound")]
)
def test_what_does_not_pass_ends_the_source_with_a_sentence(source: Source, status: int, kind: str) -> None:
    async def steps() -> None:
        async with source.run() as run:
            await run.poll()
            source.box.fault(match={"route": "A19"}, do="status", status=status)
            with pytest.raises(getattr(_errors, kind), match=f"Could not read the events .region osc-fr1.: .*{status}"):
                await run.again()

    play(steps())


def test_a_token_that_is_refused_ends_the_source_and_is_not_told(
    source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    token = "tk-us-" + CANARY

    async def steps() -> None:
        async with source.run(api_token=token) as run:
            with pytest.raises(_errors.Unauthorized, match="The API token is refused") as caught:
                await run.poll()
            assert CANARY not in str(caught.value)

    play(steps())
    assert CANARY not in caplog.text


def test_a_region_that_does_not_exist_ends_it(source: Source) -> None:
    async def steps() -> None:
        async with source.run(regions=["nowhere"]) as run:
            with pytest.raises(_errors.InvalidInput, match="Region nowhere does not exist"):
                await run.poll()

    play(steps())


def test_a_defect_is_told_without_a_traceback(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*dummy: t.Any) -> None:
        raise KeyError(CANARY)

    async def steps() -> None:
        monkeypatch.setattr(_event_source, "begin", broken)
        async with source.run() as run:
            with pytest.raises(_errors.ScalingoError, match="KeyError at .*Please report this") as caught:
                await run.poll()
            assert CANARY not in str(caught.value)

    play(steps())


def test_no_secret_is_in_events_the_log_and_the_cursor(
    source: Source, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)

    async def steps() -> None:
        async with source.run() as run:
            await run.poll()
            token = source.box.api_token
            happen(source.box, "one", type="edit_variables", type_data={"updated_vars": [{"value": CANARY}]})
            happen(source.box, "two", type="link_scm", type_data={"url": f"https://x:{CANARY}@example.com"})
            happen(source.box, "three", type="suspend_addon", type_data={"reason": f"password={CANARY} {token}"})
            happen(source.box, "four", type=f"scale_{token}", type_data={"x": token})
            events = await run.again()
            assert ids(events) == ["one", "two", "three", "four"]
            assert events[3]["scalingo"]["type"] == "scale_********"
            texts = json.dumps(events) + caplog.text + source.cursor.read_text(encoding="utf-8")
            assert CANARY not in texts
            assert token not in texts

    play(steps())


def test_it_ends_within_a_second_while_an_answer_is_awaited(source: Source) -> None:
    async def steps() -> None:
        source.box.fault(match={"route": "A19"}, do="hold_before")
        async with source.run() as run:
            while not polls(source.box):
                await asyncio.sleep(0.001)
            begun.append(time.monotonic())
            await run.end()

    begun: list[float] = []
    try:
        play(steps())
        # The loop that it ran in is closed by now, too.
        assert time.monotonic() - begun[0] < 1
        assert not [
            thread for thread in threading.enumerate() if "scalingo_events" in thread.name and not thread.daemon
        ]
    finally:
        source.box.clear_faults()


# the cursor


def test_the_cursor_is_the_users_alone_and_there_before_the_first_event(source: Source) -> None:
    async def steps() -> None:
        source.box.fault(match={"route": "A19"}, do="status", status=500)
        async with source.run(api_retries=0) as run:
            await run.poll()
            assert source.kept() == {}
        source.box.clear_faults()
        happen(source.box, "one")
        async with source.run() as run:
            assert await run.poll() == []
        assert source.kept()["osc-fr1"]["ids"].keys() == {"one"}

    play(steps())
    assert stat.S_IMODE(source.cursor.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\x00",
        b'{"form": 2, "regions": {}}',
        b'{"form": 1}',
        b'{"form": 1, "regions": {"osc-fr1": {"since": "", "at": "yesterday", "ids": {}}}}',
        b'{"form": 1, "regions": {"osc-fr1": {"since": "", "at": 5, "ids": {}}}}',
        b'{"form": 1, "regions": {"osc-fr1": {"since": "", "at": "", "ids": []}}}',
        b'{"form": 1, "regions": {"osc-fr1": {"since": "", "at": ""}}}',
        b'{"form": 1, "regions": {"osc-fr1": null}}',
    ],
)
def test_a_damaged_cursor_is_refused_and_left_alone(source: Source, content: bytes) -> None:
    source.cursor.write_bytes(content)

    async def steps() -> None:
        async with source.run() as run:
            with pytest.raises(
                _errors.InvalidInput, match=r"cursor .*cursor.json is damaged.*Restore it. Or remove it"
            ):
                await run.poll()

    play(steps())
    assert source.cursor.read_bytes() == content
    assert source.box.log() == []


def test_a_place_that_cannot_be_written_is_refused_before_the_first_poll(source: Source, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "taken.lock").mkdir()
    (tmp_path / "other.new").mkdir()

    async def refused(cursor: Path, said: str) -> None:
        async with source.run(cursor=str(cursor)) as run:
            with pytest.raises(_errors.ScalingoError, match=said):
                await run.poll()

    for place, said in (
        (tmp_path / "nowhere" / "cursor.json", "there is no directory"),
        (tmp_path / "file" / "cursor.json", "there is no directory"),
        (tmp_path, "a directory"),
        (tmp_path / "taken", "write .*taken.lock: Is a directory"),
        (tmp_path / "other", "write .*other: Is a directory"),
    ):
        play(refused(place, said))
    assert source.box.log() == []


def test_a_second_source_with_the_same_cursor_is_refused(source: Source) -> None:
    async def steps() -> None:
        async with source.run() as run:
            await run.poll()
            async with source.run() as second:
                with pytest.raises(_errors.InvalidInput, match="is in use by another source"):
                    while not second.task.done():
                        await asyncio.sleep(0.001)
                    second.task.result()
            source._gates.clear()
        async with source.run() as run:
            await run.poll()

    play(steps())


def test_a_cursor_that_cannot_be_written_later_is_told_and_loses_nothing(
    source: Source, caplog: pytest.LogCaptureFixture
) -> None:
    async def steps() -> None:
        async with source.run(replay=0) as run:
            await run.poll()
            happen(source.box, "one")
            blocked = Path(f"{source.cursor}.new")
            blocked.mkdir()
            assert ids(await run.again()) == ["one"]
            assert await run.again() == []
            blocked.rmdir()
            assert "the cursor cannot be written: write" in caplog.text
            assert await run.again() == []
            assert "one" in source.kept()["osc-fr1"]["ids"]

    play(steps())


def test_what_is_known_by_its_time_is_forgotten_on_disk_and_in_memory(
    source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    held: list[_event_source.Mark] = []

    def kept_of(mark: _event_source.Mark, identities: t.Collection[str]) -> _event_source.Mark:
        held[:] = [mark]
        return without(mark, identities)

    without = _event_source.Mark.without
    monkeypatch.setattr(_event_source.Mark, "without", kept_of)

    async def steps() -> None:
        happen(source.box, "old", age=3 * HOUR)
        async with source.run(since="2020-01-01T00:00:00Z", replay=0) as run:
            assert ids(await run.poll()) == ["old"]
            await run.again()
            assert list(source.kept()["osc-fr1"]["ids"]) == ["old"]
            happen(source.box, "new")
            assert ids(await run.again()) == ["new"]
            await run.again()
            assert list(source.kept()["osc-fr1"]["ids"]) == list(held[0].ids) == ["new"]

    play(steps())


# arguments


@pytest.mark.parametrize(
    ("args", "said"),
    [
        ({"interval": 9.9}, "interval is 9.9: use a number of seconds from 10 to 86400"),
        ({"interval": "nan"}, "interval is nan"),
        ({"interval": "soon"}, 'interval is "soon": give a number'),
        ({"interval": True}, "interval is true"),
        ({"replay": -1}, "replay is -1"),
        ({"types": ["a, b"]}, "types: 'a, b' is not the name of a type"),
        ({"types": [""]}, "types has an empty entry"),
        ({"since": "yesterday"}, "since: 'yesterday' is not a point in time"),
        ({"since": "2026-11-20T00:00:00"}, "has no offset from UTC"),
        ({"feedback": True}, "feedback"),
        (
            {"regions": ["osc-fr1", "osc-secnum-fr1"], "api_url": "https://x.example"},
            "api_url is the address of one region",
        ),
        ({"regions": ["OSC"]}, "has not the form of a region"),
        ({"apps": {"a": 1}}, "apps is"),
        ({"api_token": ""}, "api_token is missing"),
        ({"api_token": "tk us"}, "api_token holds a character"),
        ({"api_url": "http://scalingo.example"}, "api_url"),
    ],
)
def test_wrong_arguments_are_refused_before_the_first_poll(source: Source, args: dict[str, t.Any], said: str) -> None:
    async def steps() -> None:
        async with source.run(**args) as run:
            with pytest.raises(_errors.InvalidInput, match=said):
                await run.poll()

    play(steps())
    assert source.box.log() == []
    assert not source.cursor.exists()


def test_blank_arguments_are_none_and_the_environment_counts(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in source.box.environment("osc-secnum-fr1").items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SCALINGO_REGION", "osc-secnum-fr1")
    blank = {"api_token": " ", "auth_url": "", "regions": "", "apps": [], "types": " ", "since": "", "interval": ""}

    async def steps() -> None:
        async with source.run(**blank, cursor=" ") as run:
            await run.poll()
            source.box.event("vault", "osc-secnum-fr1", type="restart", id="there")
            assert ids(await run.again()) == ["there"]
        assert source.pauses == [60, 60]
        monkeypatch.setenv("SCALINGO_REGION", "osc-secnum-fr1, osc-fr1")
        monkeypatch.delenv("SCALINGO_API_URL")
        monkeypatch.delenv("SCALINGO_DB_API_URL", raising=False)
        async with source.run(**blank) as run:
            await run.poll(2)
        assert sorted(source.kept()) == ["osc-fr1", "osc-secnum-fr1"]

    play(steps())


# what is written beside it


def test_the_documentation_and_the_schema_have_every_argument() -> None:
    options = yaml.safe_load(SOURCE["DOCUMENTATION"])["options"]
    spec = SOURCE["argument_spec"]().options
    schema = json.loads((PLUGINS / "schemas" / "scalingo_events.json").read_text(encoding="utf-8"))
    assert list(options) == list(schema["properties"])
    assert set(options) == set(spec)
    kinds = {"str": "string", "path": "string", "float": "number", "int": "integer", "bool": "boolean", "list": "array"}
    for name, option in options.items():
        described = schema["properties"][name]
        assert option["type"] == spec[name]["type"], name
        assert option.get("default") == spec[name].get("default") == described.get("default"), name
        assert described["type"] == kinds[option["type"]], name
    assert [name for name, described in schema["properties"].items() if described.get("format") == "password"] == [
        "api_token"
    ]


def test_the_credential_type_is_that_of_awx_but_for_the_name_of_its_file() -> None:
    place = PLUGINS / "credential_types" / "scalingo"
    awx = yaml.safe_load((ROOT / "playbooks" / "controller" / "credential_type.yml").read_text(encoding="utf-8"))
    assert yaml.safe_load((place / "input.yml").read_text(encoding="utf-8")) == awx["inputs"]
    injectors = yaml.safe_load((place / "injectors.yml").read_text(encoding="utf-8"))
    # What the platform leaves unexpanded until there is a file names nothing but the file.
    injectors["env"]["SCALINGO_CA_PATH"] = awx["injectors"]["env"]["SCALINGO_CA_PATH"]
    assert injectors == awx["injectors"]
