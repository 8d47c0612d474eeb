# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program of the role backup_offsite: several runs at once on the copies of one database, some of them killed."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import multiprocessing
import os
import random
import signal
import subprocess
import sys
import time
import types
import typing as t
from pathlib import Path

import pytest
from support.shelf import PROGRAM, Shelf, archive, program

FORK = multiprocessing.get_context("fork")
# No Ansible is at work here, and no keeper may outlive the tests.
TESTS = (os.getpid(), program.process(os.getpid()))
program.run_of_ansible = lambda: TESTS


class Running:
    """A step in another process, which stops just before its call number `at` that changes the directory."""

    def __init__(self, step: t.Callable[[], t.Any], at: int = 10_000) -> None:
        told, tell = os.pipe()
        hear, say = os.pipe()
        self._pid = os.fork()
        if self._pid == 0:
            try:
                os.close(told)
                os.close(say)
                self._run(step, at, tell, hear)
            finally:
                os._exit(0)
        os.close(tell)
        os.close(hear)
        self._events = os.fdopen(told, "rb")
        self._say = say
        self.event = self._next()

    def _run(self, step: t.Callable[[], t.Any], at: int, tell: int, hear: int) -> None:
        mine, left, waited = os.getpid(), [at], [False]
        for name in ("replace", "unlink", "open", "fsync", "makedirs", "rmdir"):

            def counted(*arguments: t.Any, real: t.Callable[..., t.Any] = getattr(os, name), **options: t.Any) -> t.Any:
                left[0] -= 1
                if left[0] == -1 and os.getpid() == mine:
                    os.write(tell, b"stopped\n")
                    os.read(hear, 1)
                return real(*arguments, **options)

            setattr(os, name, counted)

        def sleep(seconds: float, real: t.Callable[[float], None] = time.sleep) -> None:
            if not waited[0] and os.getpid() == mine:
                os.write(tell, b"waits\n")
                waited[0] = True
            real(min(seconds, 0.005))

        program.time = types.SimpleNamespace(**{**vars(time), "sleep": sleep})
        try:
            answer = step()
        except program.Problem as problem:
            answer = {"problem": str(problem), "busy": problem.busy}
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


def interleaved(directory: Path, prepare: t.Callable[[Shelf], None], one: t.Callable[[Shelf], t.Any], other: t.Callable[[Shelf], t.Any]) -> t.Iterator[
    tuple[Shelf, t.Any, t.Any]
]:  # fmt: skip
    """One step is stopped at each of its calls, and the other one begins there. Each time the directory and the answers of both."""
    at, stopped = 0, True
    while stopped:
        shelf = Shelf(directory / str(at))
        prepare(shelf)
        first = Running(lambda: one(shelf), at)  # noqa: B023
        stopped = first.event == "stopped"
        # It ends, or waits for the first one.
        second = Running(lambda: other(shelf))  # noqa: B023
        yield shelf, first.ended(), second.ended()
        at += 1
    assert at > 4


def test_a_good_copy_that_comes_for_a_bad_one_is_not_removed_as_that(tmp_path: Path) -> None:
    def prepare(shelf: Shelf) -> None:
        shelf.have(1, 2, 3)
        shelf.spoil(3)

    def take(shelf: Shelf) -> t.Any:
        return shelf.take(3, shelf.directory / "download-3")

    def prune(shelf: Shelf) -> t.Any:
        return shelf.prune(2, remove_bad=True)

    for name, one, other in (("take", take, prune), ("prune", prune, take)):
        (tmp_path / name).mkdir()
        for shelf, *dummy in interleaved(tmp_path / name, prepare, one, other):
            assert shelf.good()[-2:] == ["shop.02.tar.gz", "shop.03.tar.gz"]
            assert [copy["problem"] for copy in shelf.look()] == [""] * len(shelf.good())


def test_one_backup_that_two_take_in_is_one_copy(tmp_path: Path) -> None:
    def one(shelf: Shelf) -> t.Any:
        return shelf.take(2, shelf.directory / "download-2")

    # It calls the database otherwise.
    def other(shelf: Shelf) -> t.Any:
        return shelf.take(2, shelf.directory / "another-2", name="another.02.tar.gz")

    for shelf, mine, yours in interleaved(tmp_path, lambda shelf: shelf.have(1), one, other):
        assert mine["path"] == yours["path"] and mine["sha256"] == yours["sha256"]
        assert len(shelf.look()) == 2 and len(shelf.names()) == 4 and shelf.prune(2)["removed"] == []


def test_two_that_remove(tmp_path: Path) -> None:
    """The good ones that one counts on are there when the other has looked, too."""
    for shelf, one, other in interleaved(
        tmp_path, lambda shelf: shelf.have(1, 2, 3, 4), lambda shelf: shelf.prune(2), lambda shelf: shelf.prune(3)
    ):
        assert shelf.good() == ["shop.03.tar.gz", "shop.04.tar.gz"] and shelf.names() == [
            f"shop.{n:02d}.tar.gz{e}" for n in (3, 4) for e in ("", ".json")
        ]
        assert sorted(len(answer["removed"]) for answer in (one, other)) in ([0, 2], [1, 1])


def test_who_looks_meanwhile_sees_no_copy_that_is_half_gone(tmp_path: Path) -> None:
    for dummy, dummy, seen in interleaved(
        tmp_path, lambda shelf: shelf.have(1, 2, 3), lambda shelf: shelf.prune(1), lambda shelf: {"seen": shelf.look()}
    ):
        assert len(seen["seen"]) in (1, 3) and [copy["problem"] for copy in seen["seen"]] == [""] * len(seen["seen"])


def test_one_run_at_a_time_has_the_place(tmp_path: Path) -> None:
    """Which one another run does not clear, and which it does not get either."""

    def begin(shelf: Shelf) -> t.Any:
        return shelf.begin(2)

    for name, other in (("begin", begin), ("prune", lambda shelf: shelf.prune(1))):
        (tmp_path / name).mkdir()
        for shelf, *answers in interleaved(tmp_path / name, lambda shelf: shelf.have(1), begin, other):
            runs = [answer["run"] for answer in answers if answer.get("run")]
            assert len(runs) == 1 and [answer["busy"] for answer in answers if "problem" in answer] == [True] * (
                name == "begin"
            )
            assert sorted(os.listdir(shelf.place)) == ["lock", "owner.json"] and not program.is_left(str(shelf.place))
            assert shelf.take(2, shelf.place / "backup-02.tar.gz", run=runs[0])["backup"]["id"] == "backup-02"
            assert not shelf.place.exists() and len(shelf.good()) == 2


# -- many ------------------------------------------------------------------------------------------------------------


def a_run(shelf: Shelf, number: int, damaged: bool) -> None:
    """What a role does that is started again until it has its turn, each step in a process of its own as there. A group of processes, to be killed at once."""
    os.setpgid(0, 0)
    mine = (os.getpid(), program.process(os.getpid()))
    program.run_of_ansible = lambda: mine
    program.time = types.SimpleNamespace(**{**vars(time), "sleep": lambda seconds: time.sleep(min(seconds, 0.02))})

    def step(work: t.Callable[[], t.Any]) -> t.Any:
        hear, tell = os.pipe()
        child = os.fork()
        if child == 0:
            try:
                os.write(tell, json.dumps(work()).encode())
            except program.Problem as problem:
                os.write(tell, json.dumps({"problem": str(problem), "busy": problem.busy}).encode())
            finally:
                os._exit(0)
        os.close(tell)
        with os.fdopen(hear, "rb") as stream:
            answer = json.loads(stream.read() or b'{"problem": "broken", "busy": false}')
        os.waitpid(child, 0)
        return answer

    begun, code, deadline = {"problem": "not yet", "busy": True}, 3, time.monotonic() + 120
    while begun["problem"] and begun["busy"] and time.monotonic() < deadline:
        begun = step(lambda: {**shelf.begin(number), "problem": ""})
        time.sleep(0.02)
    if begun["problem"]:
        os._exit(5)
    if begun["path"]:
        content = archive(number)[: -20 if damaged else None]
        taken = step(lambda: {**shelf.take(number, Path(begun["path"]), content, run=begun["run"]), "problem": ""})
        if taken["problem"]:
            step(lambda: program.close({**shelf.options, "backup_id": "", "run": begun["run"], "resumable": False}))
            os._exit(6 if damaged else 5)
        code = 0
    pruned = step(lambda: {**shelf.prune(3, current=f"backup-{number:02d}"), "problem": ""})
    os._exit(5 if pruned["problem"] else code)


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
            with program.alone(shelf.options, fcntl.LOCK_SH):
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
    assert run.exitcode == 0 and len(shelf.good()) == 3 and shelf.good()[-1] == "shop.59.tar.gz"
    assert shelf.names() == [name + end for name in shelf.good() for end in ("", ".json")]


# -- the keeper ------------------------------------------------------------------------------------------------------

#: Named like Ansible, so that the program finds it among those that it works for.
PLAYBOOK = """
import json, os, subprocess, sys, time
begun = subprocess.run([sys.executable, "-I", sys.argv[1], "begin"], input=sys.argv[2], stdout=subprocess.PIPE, text=True).stdout
path = json.loads(begun)["path"]
if path:
    open(path, "w").write("clear")
print(begun.strip(), flush=True)
time.sleep(60)
"""


class Playbook:
    """A run that has a place, and does not end by itself."""

    def __init__(self, shelf: Shelf, number: int, encrypting: bool) -> None:
        path = shelf.directory.parent / "ansible-playbook"
        path.write_text(PLAYBOOK, encoding="utf-8")
        options = {**shelf.options, "backup_id": f"backup-{number:02d}", "encrypting": encrypting}
        words = [sys.executable, str(path), str(PROGRAM), json.dumps(options)]
        self.process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, start_new_session=True)
        assert self.process.stdout is not None
        self.begun = json.loads(self.process.stdout.readline())

    def kill(self) -> None:
        self.process.kill()
        self.process.communicate()


def until(condition: t.Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def keepers(shelf: Shelf) -> list[int]:
    """The processes that have the place locked."""
    found = []
    for path in Path("/proc").glob("[0-9]*/fd/*"):
        with contextlib.suppress(OSError):
            if os.readlink(path) == str(shelf.place / "lock"):
                found.append(int(path.parts[2]))
    return found


def test_a_run_that_is_killed_leaves_nothing_clear(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")
    run = Playbook(shelf, 1, encrypting=True)
    assert (
        Path(run.begun["path"]).read_text(encoding="utf-8") == "clear" and shelf.place.stat().st_mode & 0o777 == 0o700
    )
    with pytest.raises(program.Problem, match=f"another run is bringing .*: process {run.process.pid} on ") as raised:
        shelf.begin(2)
    assert raised.value.busy
    run.kill()
    until(lambda: shelf.names() == [])

    # The keeper, too: then the next run does it, one that brings nothing included.
    run = Playbook(shelf, 1, encrypting=True)
    (keeper,) = keepers(shelf)
    program.look({**shelf.options, "clear_goes": True})
    assert Path(run.begun["path"]).exists(), "it is that of a run which lives"
    os.kill(keeper, signal.SIGKILL)
    run.kill()
    until(lambda: keepers(shelf) == [])
    assert Path(run.begun["path"]).exists()
    assert program.look({**shelf.options, "clear_goes": True})["removed"] != [] and shelf.names() == []


def test_what_was_interrupted_without_encryption_is_for_the_next_run(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")
    run = Playbook(shelf, 1, encrypting=False)
    (shelf.place / "rubbish").touch()
    run.kill()
    until(lambda: keepers(shelf) == [])
    assert os.listdir(shelf.place) == ["backup-01.tar.gz"]
    part = shelf.place / ".backup-01.tar.gz.part"
    part.touch()
    with open(part, "rb+") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(program.Problem, match="a download that has outlived its run"):
            shelf.begin(1)
        shelf.prune(1)
        assert part.exists()
    begun = shelf.begin(1)
    assert begun["path"] == str(shelf.place / "backup-01.tar.gz") and sorted(os.listdir(shelf.place)) == [
        part.name,
        "backup-01.tar.gz",
        "lock",
        "owner.json",
    ]
    # A run gives back what it has itself, and nothing else.
    closing = {**shelf.options, "backup_id": "backup-01", "resumable": True}
    program.close({**closing, "run": "of somebody else"})
    assert len(os.listdir(shelf.place)) == 4
    program.close({**closing, "run": begun["run"]})
    assert sorted(os.listdir(shelf.place)) == [part.name, "backup-01.tar.gz"]
    shelf.have(1)
    assert shelf.begin(1)["there"]["good"] and shelf.begin(1)["run"] is None
    shelf.prune(1)
    assert shelf.names() == ["shop.01.tar.gz", "shop.01.tar.gz.json"]


def test_without_a_keeper_there_is_no_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf, mine, fork = Shelf(tmp_path / "shelf"), os.getpid(), os.fork

    def once() -> int:
        if os.getpid() != mine:
            raise OSError(errno.EAGAIN, "Resource temporarily unavailable")
        return fork()

    monkeypatch.setattr(program.os, "fork", once)
    with pytest.raises(program.Problem, match="watches over"):
        shelf.begin(1)
    assert program.is_left(str(shelf.place))


# -- what else there is ----------------------------------------------------------------------------------------------


def test_a_file_system_without_locks_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf = Shelf(tmp_path / "shelf")

    def refuse(*dummy: t.Any) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(program.fcntl, "flock", refuse)
    begun = shelf.begin(1)
    assert "has no locks" in begun["notes"][0]
    shelf.take(1, Path(begun["path"]), run=begun["run"])
    assert "has no locks" in shelf.prune(1)["notes"][0] and shelf.names() == ["shop.01.tar.gz", "shop.01.tar.gz.json"]


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
        assert bool(program.remarks(str(tmp_path), True, str(mounts))) is expected


def test_who_waits_too_long_says_for_what(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")
    shelf.have(1, 2)
    with program.alone(shelf.options), pytest.raises(program.Problem, match="another run is still busy") as raised:
        shelf.prune(1, wait=0)
    assert raised.value.busy and len(shelf.good()) == 2


def test_several_copies_of_one_backup_count_as_one(tmp_path: Path) -> None:
    found = [{"problem": "", "path": str(path), "backup": {"id": backup, "started_at": f"2026-01-0{4 - age}T01:00:00Z"}}
             for path, (backup, age) in enumerate([("c", 1), ("c", 1), ("b", 2), ("a", 3)])]  # fmt: skip
    assert [copy["path"] for copy in program.chosen(found, 2, None, False)] == ["3"]
    assert [
        copy["path"] for copy in program.chosen([*found, {**found[0], "problem": "bad", "path": "4"}], 4, None, True)
    ] == []


def test_a_file_that_changes_while_it_is_encrypted_is_not_kept(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path / "shelf")
    command = ["sh", "-c", 'echo more >> "$0"; gzip < "$0" > "$1"', "{input}", "{output}"]
    with pytest.raises(program.Problem, match="was changed while it was worked on"):
        shelf.take(1, shelf.directory / "download-1", command=command)
    assert shelf.names() == []
    with pytest.raises(program.Problem, match="not there any more"):
        shelf.take(
            1, shelf.directory / "download-1", command=["sh", "-c", 'rm "$0"; echo it > "$1"', "{input}", "{output}"]
        )
    assert shelf.names() == []
