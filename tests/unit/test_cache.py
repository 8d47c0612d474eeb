# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The store: private, atomic, locked, swept, and never a failure; and the pace shared through it."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import pwd
import stat
import subprocess
import typing as t
from pathlib import Path
from types import SimpleNamespace

import pytest
from ansible_collections.community.scalingo.plugins.module_utils import _cache
from ansible_collections.community.scalingo.plugins.module_utils._cache import Store, cache_key, places
from ansible_collections.community.scalingo.plugins.module_utils._retry import SharedFlight, SharedPacing
from support.scripted import StillClock


class Shelf:
    """A store with its clock and its lines."""

    def __init__(self, clock: StillClock | None = None, enabled: bool = True) -> None:
        self.clock = clock or StillClock()
        self.lines: list[str] = []
        self.store = Store(clock=self.clock, verbose=self.lines.append, enabled=enabled)

    def put(self, key: str = "bearer-1", token: str = "abc", seconds: float = 1000) -> None:
        self.store.write(key, {"token": token}, self.clock.wall() + seconds)

    def off(self, text: str) -> None:
        assert len(self.lines) == 1 and self.lines[0].startswith("scalingo: tokens are kept in memory only: ")
        assert text in self.lines[0]
        # From now on everything works, and nothing is said or kept any more.
        self.put("bearer-9")
        assert self.store.read("bearer-9") is None
        with self.store.lock("bearer-9") as held:
            assert held is False
        self.store.remove("bearer-9")
        assert len(self.lines) == 1


@pytest.fixture
def directory() -> Path:
    return Path(os.environ["HOME"], ".cache", "community.scalingo")


@pytest.fixture
def shelf() -> Shelf:
    return Shelf()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.lstat().st_mode)


def test_an_entry_is_kept_for_other_processes(shelf: Shelf, directory: Path) -> None:
    shelf.put()
    other = Shelf()
    assert other.store.read("bearer-1") == {"token": "abc", "expires_at": shelf.clock.wall() + 1000}
    assert mode(directory) == 0o700 and mode(directory / "bearer-1.json") == 0o600
    assert [path.name for path in directory.iterdir()] == ["bearer-1.json"]
    shelf.store.remove("bearer-1")
    shelf.store.remove("bearer-1")
    assert other.store.read("bearer-1") is None
    assert shelf.lines == other.lines == []


def test_a_wide_umask_changes_nothing(shelf: Shelf, directory: Path) -> None:
    before = os.umask(0)
    try:
        shelf.put()
        with shelf.store.lock("bearer-1"):
            pass
    finally:
        os.umask(before)
    assert {mode(path) for path in directory.iterdir()} == {0o600} and mode(directory) == 0o700


def test_an_entry_dies(shelf: Shelf) -> None:
    shelf.put(seconds=10)
    shelf.clock.moment += 9
    assert shelf.store.read("bearer-1") is not None
    shelf.clock.moment += 1
    assert shelf.store.read("bearer-1") is None


def test_an_entry_from_the_future_is_none(shelf: Shelf) -> None:
    shelf.put(seconds=86400)
    assert shelf.store.read("bearer-1") is None


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        '"x"',
        "{}",
        '{"expires_at": "soon"}',
        '{"expires_at": null}',
        "[" * 60000,
        "\xff\xfe",
        '{"token": "abc", "expires_at": 1%s}' % ("0" * 400),
    ],
)
def test_nonsense_is_no_entry_and_no_problem(shelf: Shelf, directory: Path, content: str) -> None:
    shelf.put()
    (directory / "bearer-1.json").write_bytes(content.encode("latin-1"))
    assert shelf.store.read("bearer-1") is None
    assert shelf.lines == []
    shelf.put(token="new")
    assert (shelf.store.read("bearer-1") or {})["token"] == "new"


def test_expired_leftovers_are_swept(shelf: Shelf, directory: Path) -> None:
    shelf.put("bearer-old", seconds=5)
    with shelf.store.lock("bearer-old"):
        pass
    now = shelf.clock.wall()
    for name in ("addon-x.1.tmp", "addon-y.2.tmp", "bearer-held.lock", "stranger.txt"):
        (directory / name).write_text("")
        (directory / name).chmod(0o600)
    day = now - 2 * 86400
    for name in ("addon-x.1.tmp", "bearer-old.lock", "bearer-held.lock", "stranger.txt"):
        os.utime(directory / name, (day, day))
    os.utime(directory / "addon-y.2.tmp", (now, now))
    later = Shelf()
    later.clock.moment += 10
    with (directory / "bearer-held.lock").open("r+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        later.put("bearer-new")
    assert sorted(path.name for path in directory.iterdir()) == [
        "addon-y.2.tmp",
        "bearer-held.lock",
        "bearer-new.json",
        "stranger.txt",
    ]


def test_the_runtime_directory_comes_first(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, directory: Path) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    Shelf().put()
    assert (tmp_path / "community.scalingo" / "bearer-1.json").exists() and not directory.exists()


@pytest.mark.parametrize("runtime", ["relative", "/nonexistent/run"])
def test_a_runtime_directory_that_is_none_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, directory: Path, runtime: str
) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
    Shelf().put()
    assert (directory / "bearer-1.json").exists()


def test_the_cache_directory_may_be_elsewhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "deep" / "cache"))
    Shelf().put()
    assert (tmp_path / "deep" / "cache" / "community.scalingo" / "bearer-1.json").exists()


def test_no_home_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/nonexistent/home")
    assert places() == []
    shelf = Shelf()
    shelf.put()
    shelf.off("there is no home directory")


def test_a_home_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/proc")
    shelf = Shelf()
    shelf.put()
    shelf.off("/proc/.cache")


def test_a_directory_without_write_permission(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "access", lambda *given: False)
    shelf = Shelf()
    shelf.put()
    shelf.off("cannot be written")


def test_a_directory_open_to_others(shelf: Shelf, directory: Path) -> None:
    directory.mkdir(parents=True)
    directory.chmod(0o750)
    shelf.put()
    shelf.off("open to others (mode 0750)")
    assert list(directory.iterdir()) == []


def test_a_directory_of_somebody_else(shelf: Shelf, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    directory.mkdir(parents=True, mode=0o700)
    monkeypatch.setattr(os, "geteuid", lambda: directory.stat().st_uid + 1)
    shelf.put()
    shelf.off("belongs to the user id")


def test_root_leaves_nothing_in_the_home_of_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home, own = tmp_path / "ann", tmp_path / "root"
    for path in (home, own):
        path.mkdir()
    (home / ".cache").mkdir()
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(pwd, "getpwuid", lambda number: {0: SimpleNamespace(pw_dir=str(own))}[number])
    owners = {home: 1000, home / ".cache": 1000, own: 0, tmp_path: 0}
    lstat = os.lstat

    def owned(path: t.Any, **more: t.Any) -> os.stat_result:
        found = lstat(path, **more)
        return os.stat_result((*found[:4], owners.get(Path(path), found.st_uid), *found[5:])) if not more else found

    monkeypatch.setattr(os, "lstat", owned)
    # As sudo leaves the environment of its user, in part or as a whole.
    for kept in ({"HOME": home}, {"XDG_RUNTIME_DIR": home, "XDG_CACHE_HOME": home / "made" / "later"}):
        for name in ("HOME", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME"):
            monkeypatch.delenv(name, raising=False)
        for name, path in {"HOME": own, **kept}.items():
            monkeypatch.setenv(name, str(path))
        assert places() == [str(own / ".cache" / "community.scalingo")], kept
    monkeypatch.setenv("XDG_CACHE_HOME", str(own / "cache"))
    assert places() == [str(own / "cache" / "community.scalingo")]
    own.rmdir()
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(home))
    assert places() == []


def test_a_directory_that_is_a_link(shelf: Shelf, directory: Path, tmp_path: Path) -> None:
    directory.parent.mkdir(parents=True)
    (tmp_path / "trap").mkdir(mode=0o700)
    directory.symlink_to(tmp_path / "trap")
    shelf.put()
    shelf.off("community.scalingo")
    assert list((tmp_path / "trap").iterdir()) == []


@pytest.mark.parametrize("kind", ["link", "fifo", "open", "directory"])
def test_an_entry_that_is_not_ours(shelf: Shelf, directory: Path, tmp_path: Path, kind: str) -> None:
    shelf.put()
    path = directory / "bearer-1.json"
    if kind == "open":
        path.chmod(0o640)
    else:
        path.unlink()
    if kind == "link":
        (tmp_path / "secret").write_text(json.dumps({"token": "trap", "expires_at": shelf.clock.wall() + 60}))
        (tmp_path / "secret").chmod(0o600)
        path.symlink_to(tmp_path / "secret")
    elif kind == "fifo":
        os.mkfifo(path, 0o600)
    elif kind == "directory":
        path.mkdir(mode=0o700)
    assert shelf.store.read("bearer-1") is None
    shelf.off({"open": "open to others", "fifo": "neither a file"}.get(kind, ""))


def test_a_full_disk(shelf: Shelf, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*given: t.Any, **more: t.Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "rename", full)
    shelf.put()
    shelf.off("No space left")
    assert list(directory.iterdir()) == []


def test_no_file_locks(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_cache, "FCNTL_FOUND", False)
    shelf.put()
    shelf.off("no file locks")


def test_locks_that_do_not_work(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*given: t.Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", broken)
    with shelf.store.lock("bearer-1") as held:
        assert held is False
    shelf.off("No locks available")


def test_a_store_turned_off_leaves_no_trace(directory: Path) -> None:
    shelf = Shelf(enabled=False)
    shelf.put()
    with shelf.store.lock("bearer-1") as held:
        assert held is False
    assert shelf.lines == [] and not directory.exists()


# Locks


def test_a_lock_is_held_by_one(shelf: Shelf) -> None:
    other = Shelf()
    with shelf.store.lock("bearer-1") as held, shelf.store.lock("bearer-2") as another:
        assert held and another
        before = other.clock.now()
        with other.store.lock("bearer-1") as second:
            assert second is False
        assert 10 <= other.clock.now() - before < 10.2
        other.off("a lock was not free for 10 seconds")
    third = Shelf()
    with third.store.lock("bearer-1") as held:
        assert held


def test_a_lock_is_had_when_it_becomes_free(shelf: Shelf) -> None:
    other = Shelf()
    lock = shelf.store.lock("bearer-1")
    lock.__enter__()
    sleep = other.clock.sleep

    def release(seconds: float) -> None:
        sleep(seconds)
        if len(other.clock.slept) == 3:
            lock.__exit__(None, None, None)

    other.clock.sleep = release  # type: ignore[method-assign]
    with other.store.lock("bearer-1") as held:
        assert held
    assert len(other.clock.slept) == 3


def test_a_swept_lock_is_no_lock(shelf: Shelf, directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    flock, swept = fcntl.flock, []

    def sweeping(descriptor: int, flags: int) -> None:
        flock(descriptor, flags)
        if not swept:
            swept.append(True)
            (directory / "bearer-1.lock").unlink()

    monkeypatch.setattr(fcntl, "flock", sweeping)
    with shelf.store.lock("bearer-1") as held:
        assert held and (directory / "bearer-1.lock").exists()
    assert len(shelf.clock.slept) == 1


def test_a_lock_open_to_others_is_refused(shelf: Shelf, directory: Path) -> None:
    shelf.put()
    (directory / "bearer-1.lock").write_text("")
    (directory / "bearer-1.lock").chmod(0o666)
    with shelf.store.lock("bearer-1") as held:
        assert held is False
    shelf.off("open to others")


def test_a_lock_of_a_dead_process_is_free(shelf: Shelf, directory: Path) -> None:
    shelf.put()
    script = (
        "import fcntl,sys; f=open(sys.argv[1],'w'); fcntl.flock(f, fcntl.LOCK_EX); print('held', flush=True); input()"
    )
    path = directory / "bearer-1.lock"
    path.touch(0o600)
    process = subprocess.Popen(
        ["python3", "-c", script, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None and process.stdin is not None
    assert process.stdout.readline() == "held\n"
    with shelf.store.lock("bearer-1") as held:
        assert held is False
    process.kill()
    process.wait()
    process.stdout.close()
    process.stdin.close()
    with Shelf().store.lock("bearer-1") as held:
        assert held


def test_directory_descriptors_are_given_back() -> None:
    def opened() -> int:
        return len(os.listdir("/proc/self/fd"))

    Shelf().put()
    before = opened()
    for number in range(20):
        Shelf().put(f"bearer-{number}")
    assert opened() <= before + 1


# Keys


def test_a_key_depends_on_every_part_and_shows_none() -> None:
    keys = [
        cache_key("bearer", "tk-us-1", "https://a"),
        cache_key("addon", "tk-us-1", "https://a"),
        cache_key("bearer", "tk-us-2", "https://a"),
        cache_key("bearer", "tk-us-1", "https://b"),
        cache_key("bearer", "tk-us-1https://a"),
        cache_key("bearer", "tk-us-1", "https://a", ""),
    ]
    assert len(set(keys)) == len(keys)
    assert all("tk-us" not in key and "/" not in key for key in keys)
    assert cache_key("bearer", "x") == cache_key("bearer", "x")


# The shared pace


class Runner:
    """One process of several, on a clock that all share."""

    def __init__(self, clock: StillClock, enabled: bool = True, per_minute: int | None = None) -> None:
        self.clock = clock
        self.lines: list[str] = []
        self.store = Store(clock=clock, verbose=self.lines.append, enabled=enabled)
        self.pacing = SharedPacing(clock, self.store, "pace-1", per_minute)

    def in_seconds(self) -> float:
        return round(self.pacing.reserve() - self.clock.wall(), 3)


def test_nothing_is_slowed_before_the_first_429(directory: Path) -> None:
    clock = StillClock()
    runners = [Runner(clock), Runner(clock)]
    assert [runner.in_seconds() for runner in runners * 3] == [0.0] * 6
    assert list(directory.iterdir()) == []


def test_after_a_429_everybody_takes_the_next_second() -> None:
    clock = StillClock()
    first, second = Runner(clock), Runner(clock)
    assert first.pacing.strike(clock.wall()) == 1
    first.pacing.hold(clock.wall() + 5)
    assert [first.in_seconds(), second.in_seconds(), first.in_seconds()] == [5.0, 6.0, 7.0]
    assert second.pacing.held_until() == clock.wall() + 5
    # Somebody is limited again while the others sleep: they see it when they look again.
    clock.moment += 5
    assert second.pacing.strike(clock.wall()) == 2
    second.pacing.hold(clock.wall() + 30)
    assert first.pacing.held_until() == clock.wall() + 30
    assert first.in_seconds() == 30.0


def test_what_was_sent_before_the_last_429_says_nothing_new() -> None:
    clock = StillClock()
    first, second = Runner(clock), Runner(clock)
    sent_at = clock.wall()
    clock.moment += 1
    assert first.pacing.strike(sent_at) == 1
    assert second.pacing.strike(sent_at) == 1
    clock.moment += 1
    assert second.pacing.strike(clock.wall()) == 2


def test_a_minute_after_the_last_429_all_is_as_before() -> None:
    clock = StillClock()
    runner = Runner(clock)
    runner.pacing.strike(clock.wall())
    assert [runner.in_seconds(), runner.in_seconds()] == [0.0, 1.0]
    clock.moment += 59
    assert [runner.in_seconds(), runner.in_seconds()] == [0.0, 1.0]
    clock.moment += 1
    assert [runner.in_seconds(), runner.in_seconds()] == [0.0, 0.0]
    assert runner.pacing.strike(clock.wall()) == 1


def test_a_hold_longer_than_the_minute_is_kept() -> None:
    clock = StillClock()
    first, second = Runner(clock), Runner(clock)
    first.pacing.strike(clock.wall())
    first.pacing.hold(clock.wall() + 300)
    clock.moment += 200
    assert second.in_seconds() == 100.0


def test_a_hold_never_goes_back() -> None:
    clock = StillClock()
    first, second = Runner(clock), Runner(clock)
    first.pacing.strike(clock.wall())
    first.pacing.hold(clock.wall() + 20)
    second.pacing.hold(clock.wall() + 10)
    assert first.pacing.held_until() == clock.wall() + 20


def test_a_state_that_makes_no_sense_is_no_state() -> None:
    clock = StillClock()
    runner = Runner(clock)
    for state in ({}, {"limited_at": "x", "not_before": 0, "next_slot": 0, "strikes": 0}):
        runner.store.write("pace-1", state, clock.wall() + 60)
        assert runner.in_seconds() == 0.0
    far = {
        "limited_at": 0,
        "not_before": clock.wall() + 86400,
        "next_slot": 0,
        "strikes": 0,
        "written_at": clock.wall(),
    }
    runner.store.write("pace-1", far, clock.wall() + 60)
    assert runner.in_seconds() == 0.0 and runner.pacing.held_until() <= clock.wall()


@pytest.mark.parametrize("name", ["limited_at", "not_before", "next_slot", "strikes", "written_at"])
@pytest.mark.parametrize("value", [-(10**400), 10**400, float("-inf"), float("inf"), float("nan"), True, None, []])
def test_a_damaged_state_heals(name: str, value: t.Any) -> None:
    clock = StillClock()
    runner = Runner(clock, per_minute=60)
    good = {
        "limited_at": clock.wall(),
        "not_before": clock.wall(),
        "next_slot": clock.wall(),
        "strikes": 1.0,
        "written_at": clock.wall(),
    }
    for key in ("pace-1", "pace-1-share"):
        runner.store.write(key, {**good, name: value}, clock.wall() + 60)
    assert runner.in_seconds() <= 1.0
    assert runner.pacing.strike(clock.wall()) in (1, 2)
    runner.pacing.hold(clock.wall() + 5)
    assert Runner(clock).in_seconds() == 5.0


@pytest.mark.parametrize("back", [300, 3600])
@pytest.mark.parametrize("enabled", [True, False])
def test_a_clock_that_is_set_back_makes_nobody_wait_longer(back: float, enabled: bool) -> None:
    clock = StillClock()
    waiting, other = Runner(clock, enabled=enabled), Runner(clock)
    waiting.pacing.strike(clock.wall())
    waiting.pacing.hold(clock.wall() + 4)
    sharing = Runner(clock, per_minute=30, enabled=enabled)
    assert sharing.in_seconds() == (4.0 if enabled else 0.0)
    clock.difference -= back
    assert waiting.in_seconds() <= 5.0 and waiting.pacing.held_until() <= clock.wall() + 4
    assert other.in_seconds() <= 6.0
    assert sharing.in_seconds() <= 8.0


def test_without_a_store_each_process_keeps_its_own_pace() -> None:
    clock = StillClock()
    alone, other = Runner(clock, enabled=False), Runner(clock, enabled=False)
    assert [alone.pacing.strike(clock.wall()), alone.pacing.strike(clock.wall())] == [1, 2]
    alone.pacing.hold(clock.wall() + 5)
    assert alone.in_seconds() == 5.0 and other.in_seconds() == 0.0
    assert alone.pacing.held_until() == clock.wall() + 5


def test_a_state_whose_lock_is_not_had_leaves_ones_own_pace() -> None:
    clock = StillClock()
    first, second = Runner(clock), Runner(clock)
    first.pacing.strike(clock.wall())
    with first.store.lock("pace-1"):
        moment = second.pacing.reserve()
    assert moment <= clock.wall() and second.lines


def test_a_state_that_ends_while_its_lock_is_waited_for() -> None:
    clock = StillClock()
    first, second = Runner(clock), Runner(clock)
    first.pacing.strike(clock.wall())
    sleep, lock = clock.sleep, first.store.lock("pace-1")
    lock.__enter__()

    def late(seconds: float) -> None:
        sleep(61)
        lock.__exit__(None, None, None)

    clock.sleep = late  # type: ignore[method-assign]
    second.store.clock.moment += 0
    before = _cache.LOCK_SECONDS
    _cache.LOCK_SECONDS = 100
    try:
        assert second.pacing.reserve() == clock.wall()
    finally:
        _cache.LOCK_SECONDS = before


def test_the_state_is_no_secret(directory: Path) -> None:
    clock = StillClock()
    Runner(clock).pacing.strike(clock.wall())
    assert set(json.loads((directory / "pace-1.json").read_text())) == {
        "limited_at",
        "not_before",
        "next_slot",
        "strikes",
        "written_at",
        "expires_at",
    }


# The share of the limit


def test_with_a_share_everybody_waits_for_the_next_moment_from_the_first_request_on() -> None:
    clock = StillClock()
    first, second = Runner(clock, per_minute=30), Runner(clock, per_minute=30)
    assert [first.in_seconds(), second.in_seconds(), first.in_seconds()] == [0.0, 2.0, 4.0]
    clock.moment += 100
    assert [second.in_seconds(), first.in_seconds()] == [0.0, 2.0]
    # Somebody without a share is not slowed, and a limit holds for all.
    assert Runner(clock).in_seconds() == 0.0
    first.pacing.strike(clock.wall())
    first.pacing.hold(clock.wall() + 50)
    assert second.in_seconds() == 50.0


def test_a_share_of_one_a_minute_lasts_nearly_an_hour() -> None:
    clock = StillClock()
    runners = [Runner(clock, per_minute=1) for dummy in range(3)]
    assert [round(runner.in_seconds() / 60) for runner in runners * 18] == list(range(54))


def test_a_share_without_a_store_is_that_of_the_process() -> None:
    runner = Runner(StillClock(), enabled=False, per_minute=60)
    assert [runner.in_seconds() for dummy in range(3)] == [0.0, 1.0, 2.0]


def test_a_moment_that_the_clock_left_behind_means_nothing() -> None:
    clock = StillClock()
    Runner(clock, per_minute=1).in_seconds()
    clock.moment -= 86400
    assert Runner(clock, per_minute=1).in_seconds() == 0.0


def test_a_place_is_waited_for_and_given_back() -> None:
    clock = StillClock()
    stores = [Store(clock=clock, verbose=str) for dummy in range(3)]
    first, second, third = (SharedFlight(clock, store, "pace-1", 2) for store in stores)
    inside = first.slot()
    inside.__enter__()
    with second.slot():
        sleep = clock.sleep
        clock.sleep = lambda seconds: (sleep(seconds), inside.__exit__(None, None, None))  # type: ignore[assignment]
        with third.slot():
            assert len(clock.slept) == 1
    with first.slot(), third.slot():
        assert len(clock.slept) == 1


def test_places_without_a_store_are_those_of_the_process() -> None:
    clock = StillClock()
    flight = SharedFlight(clock, Store(clock=clock, verbose=str, enabled=False), "pace-1", 2)
    with flight.slot(), flight.slot():
        assert not flight._own.acquire(blocking=False)
    assert flight._own.acquire(blocking=False)
