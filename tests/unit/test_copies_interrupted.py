# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Copies of backups: a run that is killed at each of its steps, and a full disk."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.community.scalingo.plugins.module_utils import _copies
from ansible_collections.community.scalingo.plugins.module_utils._errors import ScalingoError
from support.ended import is_there
from support.playbook import ROOT
from support.shelf import ADDON, Shelf


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def killed(step: t.Callable[[], t.Any], at: int) -> bool:
    """Run a step in another process, which ends without any clean-up just before its call number `at` that changes the directory."""
    child = os.fork()
    if child == 0:
        left = [at]
        for name in ("replace", "unlink", "open", "makedirs", "rmdir", "pwrite", "ftruncate"):

            def counted(*arguments: t.Any, real: t.Callable[..., t.Any] = getattr(os, name), **options: t.Any) -> t.Any:
                left[0] -= 1
                if left[0] < 0:
                    os._exit(9)
                return real(*arguments, **options)

            setattr(os, name, counted)
        try:
            step()
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 9


def test_killed_anywhere_while_a_copy_is_taken_in(tmp_path: Path) -> None:
    at, alive, prepared = 0, True, Shelf(tmp_path / "prepared")
    prepared.have(1, 2)
    while alive:
        shutil.copytree(prepared.directory, tmp_path / str(at))
        shelf = Shelf(tmp_path / str(at))
        alive = killed(lambda: shelf.take(3), at)  # noqa: B023
        assert shelf.good()[:2] == [1, 2]
        assert [copy["problem"] for copy in shelf.look()] == [""] * len(shelf.good()), (
            "what was half done is no finding"
        )
        # The next run.
        shelf.take(3)
        shelf.prune(2)
        assert shelf.names() == shelf.of(2, 3)
        at += 1
    assert at > 15


def test_killed_anywhere_while_copies_are_removed(tmp_path: Path) -> None:
    at, alive, prepared = 0, True, Shelf(tmp_path / "prepared")
    prepared.have(1, 2, 3, 4)
    while alive:
        shutil.copytree(prepared.directory, tmp_path / str(at))
        shelf = Shelf(tmp_path / str(at))
        alive = killed(lambda: shelf.prune(2), at)  # noqa: B023
        assert shelf.good()[-2:] == [3, 4]
        assert [copy["problem"] for copy in shelf.look() if copy["problem"]] == []
        shelf.prune(2)
        assert shelf.names() == shelf.of(3, 4)
        at += 1
    assert at > 15


def test_a_removal_that_was_begun_is_thought_over(shelf: Shelf) -> None:
    """Meanwhile a newer copy was lost: the one that was to go is needed again."""
    oldest, dummy, newest = shelf.have(1, 2, 3)
    description = oldest.with_name(oldest.name + ".json")
    at = 0
    while "unfinished" not in description.read_text(encoding="utf-8"):
        assert killed(lambda: shelf.prune(2), at), "before the file goes"
        at += 1
    newest.write_bytes(newest.read_bytes()[:-1])
    assert shelf.prune(2) == [] and len(shelf.good()) == 2


#: A run that has the place, with something in it, and waits.
WAITING = """
import sys, time
from pathlib import Path
sys.path[:0] = sys.argv[1].split(":")
from support.shelf import Shelf
shelf = Shelf(Path(sys.argv[2]))
shelf.take(1, encrypt=["sh", "-c", 'touch "$0.begun"; sleep 60', "{input}", "{output}"])
"""


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_what_a_killed_run_leaves_is_swept_by_the_next(number: signal.Signals, shelf: Shelf) -> None:
    shelf.have(2)
    paths = [str(ROOT / "tests"), str(ROOT / ".cache" / "collections"), *filter(None, sys.path)]
    words = [sys.executable, "-c", WAITING, ":".join(paths), str(shelf.directory)]
    run = subprocess.Popen(words, start_new_session=True, stderr=subprocess.DEVNULL)
    clear = shelf.growing / _copies.PART
    deadline = time.monotonic() + 60
    while not Path(f"{clear}.begun").exists():
        assert time.monotonic() < deadline and run.poll() is None
        time.sleep(0.02)
    assert shelf.growing.stat().st_mode & 0o777 == 0o700 and clear.exists()
    with pytest.raises(ScalingoError, match=rf"another run is bringing .*: process {run.pid} on ") as raised:
        shelf.take(1)
    assert raised.value.interrupted and "when the other one has ended" in raised.value.hint
    assert shelf.shelf.left() == [], "it is that of a run which lives"
    below = [int(pid) for pid in Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text(encoding="utf-8").split()]
    assert below, "the command of the user"
    run.send_signal(number)
    run.wait(20)
    # What the user's command does ends with the run.
    while any(is_there(pid) for pid in below):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert (clear.name in shelf.shelf.left()) is (number != signal.SIGINT)
    shelf.prune(1)
    assert shelf.names() == shelf.of(2)


@pytest.mark.parametrize("stays", [True, False])
def test_what_a_killed_run_left_goes_before_another_download(stays: bool, shelf: Shelf) -> None:
    """What is clear is not gone on with where copies are encrypted."""
    shelf.growing.mkdir()
    for name in (_copies.PART, "of another run"):
        (shelf.growing / name).write_bytes(b"clear")
    described = {"subject": "backup-01", "etag": '"1"', "last_modified": None, "total": 9, "synced": 5}
    (shelf.growing / (_copies.PART + ".json")).write_text(json.dumps(described), encoding="utf-8")
    with shelf.shelf.bringing("backup-01", stays=stays) as part:
        assert part is not None and part.size == (5 if stays else 0)
        assert not (shelf.growing / "of another run").exists()
    shelf.prune(1)
    assert shelf.names() == []


def test_a_place_that_is_a_link_is_refused(shelf: Shelf, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "file").touch()
    shelf.growing.symlink_to(tmp_path / "elsewhere")
    assert shelf.shelf.left() == []
    with pytest.raises(ScalingoError, match="is a link"):
        shelf.take(1)
    assert (tmp_path / "elsewhere" / "file").exists()


def test_a_full_disk_while_copies_are_removed(shelf: Shelf) -> None:
    """What fills the disk can be removed although nothing can be written down."""
    shelf.have(1, 2, 3)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
        os._exit(len(shelf.prune(2)))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 1 and shelf.good() == [2, 3]
    # A list that cannot be written says nothing, so that nobody misses what was removed on purpose.
    assert (shelf.directory / (".lock-" + ADDON)).read_bytes() == b"" and len(shelf.look()) == 2


@pytest.mark.parametrize(("limit", "said"), [(30_000, "could not be encrypted"), (0, "write ")])
def test_a_full_disk_while_a_copy_comes(limit: int, said: str, shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also the disk of the user's command, and then of the descriptions, which names the directory."""
    shelf.have(1)
    child = os.fork()
    if child == 0:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        code = 0
        try:
            if limit:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
                shelf.take(2, encrypt=["sh", "-c", 'cat "$0" "$0" > "$1"', "{input}", "{output}"])
            else:
                resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
                with shelf.shelf.alone():
                    copy = shelf.shelf.found()[0]
                    shelf.shelf.put(copy.path, copy.name, copy.described)
        except ScalingoError as error:
            code = 5 if said in str(error) and (limit or str(shelf.directory) in str(error)) else 6
        os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 5 and shelf.names()[-2:] == shelf.of(1)
