# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The program of the role backup_offsite: killed at each of its steps, on a full disk, and among files of others."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
from support.shelf import ADDON, PROGRAM, Shelf, moment, program


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Shelf(tmp_path)


def killed(step: t.Callable[[], t.Any], at: int) -> bool:
    """Run a step in another process, which ends without any clean-up just before its call number `at` that changes the directory."""
    child = os.fork()
    if child == 0:
        left = [at]
        for name in ("replace", "unlink", "open", "fsync", "makedirs"):

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
    at, alive = 0, True
    while alive:
        shelf = Shelf(tmp_path / str(at))
        shelf.have(1, 2)
        shelf.download(3)
        alive = killed(lambda: program.take(shelf.taking(3)), at)  # noqa: B023
        assert shelf.good()[:2] == ["shop.01.tar.gz", "shop.02.tar.gz"]
        assert [copy["problem"] for copy in shelf.look()] == [""] * len(shelf.good()), (
            "what was half done is no finding"
        )
        # The next run.
        shelf.download(3)
        program.take(shelf.taking(3))
        shelf.prune(keep_count=2)
        assert shelf.names() == [f"shop.{number:02d}.tar.gz{end}" for number in (2, 3) for end in ("", ".json")]
        at += 1
    assert at > 8


def test_killed_anywhere_while_copies_are_removed(tmp_path: Path) -> None:
    at, alive = 0, True
    while alive:
        shelf = Shelf(tmp_path / str(at))
        shelf.have(1, 2, 3, 4)
        alive = killed(lambda: shelf.prune(keep_count=2), at)  # noqa: B023
        assert shelf.good()[-2:] == ["shop.03.tar.gz", "shop.04.tar.gz"]
        assert [copy["problem"] for copy in shelf.look() if copy["problem"]] == []
        shelf.prune(keep_count=2)
        assert shelf.names() == [f"shop.{number:02d}.tar.gz{end}" for number in (3, 4) for end in ("", ".json")]
        at += 1
    assert at > 8


def test_a_removal_that_was_begun_is_thought_over(shelf: Shelf) -> None:
    """Meanwhile a newer copy was lost: the one that was to go is needed again."""
    oldest, dummy, newest = shelf.have(1, 2, 3)
    assert killed(lambda: shelf.prune(keep_count=2), 5), "before the file goes"
    assert "unfinished" in json.loads(oldest.with_name(oldest.name + ".json").read_text(encoding="utf-8"))
    newest.write_bytes(newest.read_bytes()[:-1])
    assert shelf.prune(keep_count=2)["removed"] == [] and len(shelf.good()) == 2


def test_what_others_wrote_stays(shelf: Shelf) -> None:
    mine = shelf.have(1, 2)[0]
    description = json.loads(mine.with_name(mine.name + ".json").read_text(encoding="utf-8"))
    others: dict[str, t.Any] = {
        "list": [], "text": "made_by", "nothing": None, "half": {"made_by": description["made_by"]}, "plain": {**description, "database": ADDON},
        "undated": {**description, "backup": {"id": "backup-01", "started_at": None}}, "other": {**description, "database": {"addon_id": "ad-1"}},
        "strange": {**description, "made_by": "somebody"}, "unsized": {**description, "size": None},
    }  # fmt: skip
    for name, content in others.items():
        (shelf.directory / (name + ".tar.gz")).write_bytes(b"of somebody else")
        (shelf.directory / (name + ".tar.gz.json")).write_text(json.dumps(content), encoding="utf-8")
    (shelf.directory / "torn.json").write_text('{"made_by": "comm', encoding="utf-8")
    before = set(os.listdir(shelf.directory))
    assert [Path(copy["path"]).name for copy in shelf.prune(keep_count=1, remove_bad=True)["removed"]] == [mine.name]
    assert before - set(os.listdir(shelf.directory)) == {mine.name, mine.name + ".json"}


def test_the_copy_of_now_and_one_that_would_come(shelf: Shelf) -> None:
    shelf.have(1, 2, 3)
    assert shelf.prune(keep_count=1, current="backup-01", only_look=True)["removed"][0]["backup_id"] == "backup-02"
    names = [copy["backup_id"] for copy in shelf.prune(keep_count=2, coming=moment(4), only_look=True)["removed"]]
    assert names == ["backup-02", "backup-01"] and len(shelf.good()) == 3


def run(step: str, options: dict[str, t.Any], **how: t.Any) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-I", str(PROGRAM), step], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **how
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(options))
    process.stdin.close()
    process.stdin = None
    return process


def test_told_to_end_while_it_encrypts_it_leaves_nothing_clear(shelf: Shelf) -> None:
    shelf.download(1)
    begun = shelf.directory / "begun"
    command = [
        sys.executable,
        "-c",
        "import sys, time; open(sys.argv[1], 'w'); time.sleep(60)",
        str(begun),
        "{input}",
        "{output}",
    ]
    process = run("take", shelf.taking(1, command=command))
    while not begun.exists():
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode != 0 and list(shelf.place.iterdir()) == [] and shelf.look() == []


def test_a_full_disk_while_copies_are_removed(shelf: Shelf) -> None:
    """What fills the disk can be removed although nothing can be written down."""
    shelf.have(1, 2, 3)
    words = ["prlimit", "--fsize=0", sys.executable, "-I", str(PROGRAM), "prune"]
    done = subprocess.run(words, input=json.dumps(shelf.pruning(2)), capture_output=True, text=True, check=True)
    assert len(json.loads(done.stdout)["removed"]) == 1 and shelf.good() == ["shop.02.tar.gz", "shop.03.tar.gz"]


def test_moments_are_read_as_the_platform_writes_them() -> None:
    texts = [
        "2026-01-01T01:00:00Z",
        "2026-01-01T01:00:00.5Z",
        "2026-01-01T02:00:00.51+01:00",
        "2026-01-01T01:00:00.123456789Z",
        "2026-01-01T01:00:00",
    ]
    assert [program.moment(text).timestamp() - 1767229200 for text in texts] == pytest.approx(
        [0, 0.5, 0.51, 0.123456, 0]
    )
