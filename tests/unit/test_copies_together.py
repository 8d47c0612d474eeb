# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies of backups: several runs at once on those of one database, some of them killed."""

from __future__ import annotations

import contextlib
import errno
import json
import multiprocessing
import os
import random
import shutil
import signal
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.community.scalingo.plugins.module_utils import _copies
from ansible_collections.community.scalingo.plugins.module_utils._errors import ScalingoError
from support.shelf import ADDON, Shelf, archive

FORK = multiprocessing.get_context("fork")


class Running:
    """A step in another process, which stops just before its call number `at` that changes what others see of the directory."""

    def __init__(self, shelf: Shelf, step: t.Callable[[Shelf], t.Any], at: int = 10_000) -> None:
        told, tell = os.pipe()
        hear, say = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                os.close(told)
                os.close(say)
                self._run(shelf, step, at, tell, hear)
            finally:
                os._exit(0)
        os.close(tell)
        os.close(hear)
        self._events = os.fdopen(told, "rb")
        self._say = say
        self.event = self._next()

    def _run(self, shelf: Shelf, step: t.Callable[[Shelf], t.Any], at: int, tell: int, hear: int) -> None:
        mine, left, waited = os.getpid(), [at], [False]
        for name in ("replace", "unlink", "makedirs", "rmdir", "ftruncate"):

            def counted(*arguments: t.Any, real: t.Callable[..., t.Any] = getattr(os, name), **options: t.Any) -> t.Any:
                left[0] -= 1
                if left[0] == -1 and os.getpid() == mine:
                    os.write(tell, b"stopped\n")
                    os.read(hear, 1)
                return real(*arguments, **options)

            setattr(os, name, counted)

        def sleep(seconds: float) -> None:
            if not waited[0]:
                os.write(tell, b"waits\n")
                waited[0] = True
            time.sleep(min(seconds, 0.005))

        shelf.sleep = sleep
        try:
            answer = step(shelf)
        except ScalingoError as problem:
            answer = {"problem": str(problem), "busy": problem.interrupted}
        except BaseException as error:
            answer = {"broken": repr(error)}
        os.write(tell, json.dumps(answer).encode() + b"\n")

    def _next(self) -> str:
        """What it does next: it has stopped, waits for the other one, or has ended with an answer."""
        return self._events.readline().decode().strip()

    def ended(self) -> t.Any:
        """Its answer. It may go on."""
        if self.event == "stopped":
            os.write(self._say, b"!")
        while self.event in ("waits", "stopped"):
            self.event = self._next()
        os.waitpid(self._pid, 0)
        self._events.close()
        os.close(self._say)
        answer = json.loads(self.event)
        assert "broken" not in answer, answer
        return answer


def interleaved(directory: Path, prepare: t.Callable[[Shelf], t.Any], one: t.Callable[[Shelf], t.Any], other: t.Callable[[Shelf], t.Any]) -> t.Iterator[
    tuple[Shelf, t.Any, t.Any]
]:  # fmt: skip
    """One step is stopped at each of its calls, and the other one begins there. Each time the directory and the answers of both."""
    at, stopped = 0, True
    prepare(Shelf(directory / "prepared"))
    while stopped:
        shutil.copytree(directory / "prepared", directory / str(at))
        shelf = Shelf(directory / str(at))
        first = Running(shelf, one, at)
        stopped = first.event == "stopped"
        # It ends, or waits for the first one.
        second = Running(shelf, other)
        yield shelf, first.ended(), second.ended()
        at += 1
    assert at > 4


def busy(answer: t.Any) -> bool:
    return isinstance(answer, dict) and bool(answer.get("busy"))


def test_a_good_copy_that_comes_for_a_bad_one_is_not_removed_as_that(tmp_path: Path) -> None:
    def prepare(shelf: Shelf) -> None:
        shelf.have(1, 2, 3)
        shelf.spoil(3)

    def take(shelf: Shelf) -> t.Any:
        return shelf.take(3)

    def prune(shelf: Shelf) -> t.Any:
        return shelf.prune(2, remove_bad=True)

    for name, one, other in (("take", take, prune), ("prune", prune, take)):
        (tmp_path / name).mkdir()
        for shelf, *dummy in interleaved(tmp_path / name, prepare, one, other):
            assert shelf.good()[-2:] == [2, 3]
            assert [copy["problem"] for copy in shelf.look()] == [""] * len(shelf.good())


def test_one_backup_that_two_take_in_is_one_copy(tmp_path: Path) -> None:
    def other(shelf: Shelf) -> t.Any:
        """It calls the database otherwise."""
        return shelf.take(2, name="another.02.tar.gz")

    for shelf, mine, yours in interleaved(tmp_path, lambda shelf: shelf.have(1), lambda shelf: shelf.take(2), other):
        # The second one has the same, or was told that the first is at work.
        assert busy(yours) or (mine["path"], mine["sha256"]) == (yours["path"], yours["sha256"])
        assert len(shelf.look()) == 2 and len(shelf.names()) == 4 and shelf.prune(2) == []


def test_two_that_remove(tmp_path: Path) -> None:
    """The good ones that one counts on are there when the other has looked, too."""
    for shelf, one, other in interleaved(
        tmp_path, lambda shelf: shelf.have(1, 2, 3, 4), lambda shelf: shelf.prune(2), lambda shelf: shelf.prune(3)
    ):
        assert shelf.good() == [3, 4] and shelf.names() == shelf.of(3, 4)
        assert sorted([*one, *other]) == [shelf.path(1).name, shelf.path(2).name], "each went once"


def test_who_looks_meanwhile_sees_no_copy_that_is_half_gone(tmp_path: Path) -> None:
    for dummy, dummy, seen in interleaved(
        tmp_path, lambda shelf: shelf.have(1, 2), lambda shelf: shelf.prune(1), Shelf.look
    ):
        assert len(seen) in (1, 2) and [copy["problem"] for copy in seen] == [""] * len(seen)


# -- many ------------------------------------------------------------------------------------------------------------


def a_run(shelf: Shelf, number: int, damaged: bool) -> None:
    """What a run does that is started again until it has its turn. A group of processes, to be killed at once."""
    os.setpgid(0, 0)
    shelf.sleep = lambda seconds: time.sleep(min(seconds, 0.02))
    code, deadline = 3, time.monotonic() + 120
    before = shelf.good()
    while True:
        try:
            shelf.take(number, archive(number)[: -20 if damaged else None])
            code = 3 if number in before else 0
        except ScalingoError as error:
            if error.interrupted and time.monotonic() < deadline:
                time.sleep(0.02)
                continue
            code = 6 if damaged else 5
        break
    shelf.prune(3)
    os._exit(code)


def test_many_runs_at_once_of_which_some_are_killed(tmp_path: Path) -> None:
    shelf, chance = Shelf(tmp_path / "shelf"), random.Random(20261)
    shelf.have(1, 2, 3)
    codes: list[int] = []
    fewest = 3
    waves = 6
    for wave in range(waves):
        # Two bring the same backup, and one a damaged archive.
        numbers = [4 + 3 * wave, 4 + 3 * wave, 5 + 3 * wave, 6 + 3 * wave]
        runs = [FORK.Process(target=a_run, args=(shelf, number, place == 3)) for place, number in enumerate(numbers)]
        for run in runs:
            run.start()
        doomed = {run.pid: time.monotonic() + chance.random() * 0.15 for run in runs[: wave % 3]}
        while any(run.is_alive() for run in runs):
            for pid, moment in list(doomed.items()):
                if time.monotonic() > moment:
                    with contextlib.suppress(ProcessLookupError, PermissionError):
                        os.killpg(t.cast(int, pid), signal.SIGKILL)
                    del doomed[pid]
            # As somebody sees it who looks while no step is at work. One that was killed may have left off anywhere.
            with shelf.shelf.alone(changing=False):
                fewest = min(fewest, len(shelf.good()))
        for run in runs:
            run.join()
            codes.append(t.cast(int, run.exitcode))
    assert fewest == 3
    assert set(codes) <= {0, 3, 6, -signal.SIGKILL} and codes.count(0) >= waves == codes.count(6), codes
    # One more, after which nothing is left of those that were killed.
    run = FORK.Process(target=a_run, args=(shelf, 59, False))
    run.start()
    run.join()
    assert run.exitcode == 0 and len(shelf.good()) == 3 and shelf.good()[-1] == 59
    assert shelf.names() == shelf.of(*shelf.good()) and all(copy["good"] for copy in shelf.look())


# -- what else there is ----------------------------------------------------------------------------------------------


def test_a_file_system_without_locks_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf(tmp_path / "shelf")

    def refuse(*dummy: t.Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    shelf.have(1)
    one = shelf.shelf
    with one.alone(changing=False):
        assert len(one.found()) == 1
    assert "has no locks" in one.notes[0] and shelf.names() == shelf.of(1)


def test_a_lock_that_cannot_be_had_for_another_reason_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shelf = Shelf(tmp_path / "shelf")

    def refuse(*dummy: t.Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(ScalingoError, match="lock the copies in .*: Input/output error"):
        shelf.have(1)


@pytest.mark.parametrize(
    ("options", "said"),
    [("rw,vers=3,nolock,local_lock=all", True), ("rw,local_lock=flock", True), ("rw,local_lock=none", False)],
)
def test_locks_that_count_on_one_machine_alone_are_said(options: str, said: bool, tmp_path: Path) -> None:
    device = tmp_path.stat().st_dev
    mounts = tmp_path / "mountinfo"
    line = "%d 1 %d:%d / /mnt rw,relatime shared:1 - %s server:/copies %s\n"
    mine, other = (os.major(device), os.minor(device)), (0, 9999)
    for number, kind, expected in ((mine, "nfs4", said), (mine, "ext4", False), (other, "nfs", False)):
        mounts.write_text(line % (1, *other, "proc", "rw") + line % (2, *number, kind, options), encoding="utf-8")
        assert bool(_copies.remark(str(tmp_path), True, str(mounts))) is expected


def test_who_waits_too_long_says_for_what(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf", patience=0)
    shelf.have(1, 2)
    with shelf.shelf.alone(), pytest.raises(ScalingoError, match="another run is still busy") as raised:
        shelf.prune(1)
    assert raised.value.interrupted and len(shelf.good()) == 2
    assert (shelf.directory / (".lock-" + ADDON)).exists()
