# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is told of a wait, when that is shown and how, and how a wait ends with the run that it belongs to."""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import socket
import subprocess
import threading
import time
import types
import typing as t
from pathlib import Path

import pytest
from ansible.errors import AnsibleActionFail
from ansible_collections.community.scalingo.plugins.module_utils import _module, _run
from ansible_collections.community.scalingo.plugins.module_utils._progress import Progress, RunEnded, Watch
from ansible_collections.community.scalingo.plugins.module_utils._wait import wait_until
from ansible_collections.community.scalingo.plugins.modules import scalingo_backup
from ansible_collections.community.scalingo.plugins.plugin_utils import _action
from ansible_collections.community.scalingo.plugins.plugin_utils._progress import Lines, interval_of, length_of_time
from support.scripted import StillClock

UPGRADE = "waiting for the upgrade 5c59"
SHOP = "addon mysql (ad-1) of app shop in osc-fr1"


def progress(seconds: float, status: str = "running", doing: str = UPGRADE, **more: t.Any) -> Progress:
    return Progress(doing, SHOP, status, seconds, **more)


class Shown:
    """Keeps the lines."""

    def __init__(self, **options: t.Any) -> None:
        self.texts: list[str] = []
        self.lines = Lines(self.texts.append, "scalingo_upgrade", **options)

    def moments(self, seconds: t.Iterable[float], **more: t.Any) -> list[float]:
        """At which of these seconds a line is shown."""
        found = []
        for second in seconds:
            before = len(self.texts)
            self.lines.see(progress(second, **more))
            found += [second] if len(self.texts) > before else []
        return found


# -- when ------------------------------------------------------------------------------------------------------------


def test_after_half_a_minute_one_two_and_then_every_five() -> None:
    assert Shown().moments(range(0, 1300, 5)) == [30, 60, 120, 300, 600, 900, 1200]


def test_what_is_told_often_is_shown_once_a_minute_at_least() -> None:
    moments = Shown().moments(range(0, 1300, 5), often=True)
    assert moments[:3] == [30, 80, 130] and max(b - a for a, b in zip([0, *moments], moments)) <= 60


def test_a_line_that_comes_late_does_not_bring_the_next_one_at_once() -> None:
    assert Shown().moments([0, 45, 59, 61, 290, 295, 301]) == [45, 61, 290, 301]


def test_at_once_when_the_status_changes() -> None:
    shown = Shown()
    for seconds, status in ((0, "pending"), (2, "pending"), (4, "running"), (6, "running"), (8, "done")):
        shown.lines.see(progress(seconds, status))
    assert [text.split(": ")[-1] for text in shown.texts] == ["running, 4 s so far", "done, 8 s so far"]


def test_what_is_notable_is_shown_at_once() -> None:
    shown = Shown()
    shown.lines.see(progress(1, notable=True))
    assert len(shown.texts) == 1


def test_each_wait_counts_on_its_own_and_a_new_one_begins_anew() -> None:
    shown = Shown()
    assert shown.moments([30, 31], doing="one") == [30]
    assert shown.moments([30, 31], doing="two") == [30]
    assert shown.moments([1, 29, 30], doing="one") == [30]


def test_the_user_says_how_often() -> None:
    assert Shown(interval=10.0).moments(range(0, 35, 3)) == [12, 24]
    assert Shown(interval=0.0).moments(range(0, 2000, 5), notable=True) == []


@pytest.mark.parametrize(
    "value, seconds",
    (
        (None, None),
        ("", None),
        (True, None),
        ("true", None),
        ("yes", None),
        (False, 0.0),
        ("no", 0.0),
        (0, 0.0),
        ("0", 0.0),
        (1, 1.0),
        ("1", 1.0),
        (15, 15.0),
        ("15", 15.0),
        (2.5, 2.5),
        ("86400", 86400.0),
    ),
)
def test_what_the_user_can_say(value: t.Any, seconds: float | None) -> None:
    assert interval_of("scalingo_progress", value) == seconds


@pytest.mark.parametrize("value", ("often", "-1", 0.5, 86401, "nan", "inf", [30]))
def test_what_the_user_cannot_say(value: t.Any) -> None:
    with pytest.raises(AnsibleActionFail, match="SCALINGO_PROGRESS is .*: use true, false, or a number of seconds"):
        interval_of("SCALINGO_PROGRESS", value)


# -- how -------------------------------------------------------------------------------------------------------------


def test_a_line_says_what_and_where_and_how_long() -> None:
    line = Shown().lines.sentence(progress(3725, detail="3 of 4"))
    assert line == f"scalingo_upgrade: {UPGRADE} ({SHOP}): running, 3 of 4, 1 h 2 min so far"


def test_a_task_that_hides_its_result_shows_nothing_of_its_database() -> None:
    line = Shown(hidden=True).lines.sentence(progress(90, detail="3 of 4"))
    assert line == "scalingo_upgrade: running, 1 min 30 s so far"


def test_secrets_are_masked_and_the_terminal_is_left_alone() -> None:
    shown = Shown(mask=lambda text: text.replace("canary", "********"))
    line = shown.lines.sentence(progress(1, "canary\x1b[2J\r\n{{ 7*7 }}" + "x" * 1000))
    assert "canary" not in line and "******** [2J {{ 7*7 }}" in line and len(line) < 600
    assert line.isprintable()


@pytest.mark.parametrize(
    "seconds, text",
    ((0, "0 s"), (0.9, "0 s"), (59.9, "59 s"), (60, "1 min"), (61, "1 min 1 s"), (3600, "1 h"), (7265, "2 h 1 min")),
)
def test_lengths_of_time(seconds: float, text: str) -> None:
    assert length_of_time(seconds) == text


# -- what is told ----------------------------------------------------------------------------------------------------


class Watcher:
    def __init__(self, lives: int = 1000) -> None:
        self.told: list[Progress] = []
        self.lives = lives

    def progress(self, progress: Progress) -> None:
        self.told.append(progress)

    def alive(self) -> None:
        self.lives -= 1
        if self.lives < 0:
            raise RunEnded


def wait(watcher: Watcher, statuses: list[str], clock: StillClock) -> str:
    return wait_until(
        lambda: statuses.pop(0),
        lambda status: status == "done",
        what="upgrade",
        identifier="5c59",
        status=str,
        timeout=100,
        interval=4,
        clock=clock,
        watch=Watch(watcher, lambda: SHOP),
    )


def test_a_wait_tells_of_each_reading_that_does_not_end_it() -> None:
    watcher = Watcher()
    wait(watcher, ["pending", "running", "done"], StillClock())
    assert watcher.told == [progress(0, "pending"), progress(4, "running")]


def test_a_wait_ends_with_its_run() -> None:
    statuses = ["pending"] * 10
    with pytest.raises(RunEnded):
        wait(Watcher(lives=3), statuses, StillClock())
    assert len(statuses) == 7


# -- the end of the run ----------------------------------------------------------------------------------------------


def test_a_worker_whose_parent_is_another_one_has_lost_its_run(monkeypatch: pytest.MonkeyPatch) -> None:
    parent = _action.Parent()
    parent.alive()
    monkeypatch.setattr(os, "getppid", lambda: 1)
    with pytest.raises(RunEnded):
        parent.alive()


def test_a_worker_that_lost_its_run_before_it_looked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Core has told it who its parent is."""
    monkeypatch.setattr(_action.multiprocessing, "parent_process", lambda: types.SimpleNamespace(pid=os.getppid() + 1))
    monkeypatch.setattr(_action.sys, "platform", "other")
    with pytest.raises(RunEnded):
        _action.Parent().alive()


@contextlib.contextmanager
def output_that_is_read() -> t.Iterator[t.Callable[[], None]]:
    """The output of this process goes to somebody who reads it, until what this yields is called."""
    reading, writing = os.pipe()
    before = os.dup(1)
    try:
        os.dup2(writing, 1)
        yield functools.partial(os.close, reading)
    finally:
        os.dup2(before, 1)
        os.close(before)
        os.close(writing)


def module_host() -> _module.ModuleHost:
    return _module.ModuleHost(t.cast(t.Any, types.SimpleNamespace(params={}, check_mode=False)), {})


def test_a_module_whose_output_nobody_reads_has_lost_its_run() -> None:
    with output_that_is_read() as end_of_run:
        host = module_host()
        host.alive()
        end_of_run()
        with pytest.raises(RunEnded):
            host.alive()


def reading() -> None:
    one, other = socket.socketpair()
    with one, other:
        one.settimeout(20)
        one.recv(1)


def locked() -> None:
    lock = threading.Lock()
    with lock:
        lock.acquire(timeout=20)


@pytest.mark.parametrize("wait", (reading, locked, lambda: time.sleep(20), lambda: subprocess.run(["sleep", "20"])))
def test_whatever_a_module_waits_for_it_looks_whether_it_has_lost_its_run(
    wait: t.Callable[[], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_module, "LOOK_SECONDS", 0.02)
    begun = time.monotonic()
    with output_that_is_read() as end_of_run, pytest.raises(RunEnded), module_host().looking():
        time.sleep(0.1)
        end_of_run()
        wait()
    assert 0.1 <= time.monotonic() - begun < 10
    assert signal.getitimer(signal.ITIMER_REAL) == (0, 0) and signal.getsignal(signal.SIGALRM) is signal.SIG_DFL


@pytest.mark.parametrize("kept", (False, True))
def test_a_module_that_has_lost_its_run_removes_its_files(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, kept: bool
) -> None:
    """They hold its arguments. Nobody else will, unless the user wants to look at them."""
    place = tmp_path / "ansible-tmp-1"
    place.mkdir()
    (place / "AnsiballZ_scalingo_backup.py").touch()

    def ended(*dummy: t.Any) -> None:
        raise RunEnded

    monkeypatch.setattr(
        _module,
        "_Module",
        lambda **dummy: types.SimpleNamespace(params={}, check_mode=False, _tmpdir=str(place), _keep_remote_files=kept),
    )
    monkeypatch.setattr(_module, "_load_params", dict)
    monkeypatch.setattr(_module, "execute", ended)
    with pytest.raises(SystemExit):
        _module.run(scalingo_backup.RESOURCE, scalingo_backup.argument_spec())
    assert place.exists() is kept


def test_a_clock_looks_at_the_parent_while_it_sleeps(monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr("time.sleep", slept.append)
    moments = iter(x * 0.4 for x in range(100))
    watcher = Watcher(lives=4)
    clock = _run.WatchfulClock(t.cast(t.Any, watcher))
    monkeypatch.setattr(clock, "now", lambda: next(moments))
    with pytest.raises(RunEnded):
        clock.sleep(60)
    assert slept == [_run.LOOK_SECONDS] * 4
    clock = _run.WatchfulClock(t.cast(t.Any, Watcher()))
    monkeypatch.setattr(clock, "now", iter([0.0, 0.0, 0.3]).__next__)
    slept.clear()
    clock.sleep(0.3)
    assert slept == [0.3]
