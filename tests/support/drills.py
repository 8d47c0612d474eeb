# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Workspaces of restore drills, what is in them, and drills that are killed."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import typing as t
from pathlib import Path

from ansible_collections.community.scalingo.plugins.module_utils import _drill_place
from support.programs import until

FORK = multiprocessing.get_context("fork")
#: The options that the engines read.
OPTIONS: dict[str, t.Any] = {
    "programs": "", "client_programs": "", "server_service": "", "server_url": "", "server_settings": {}, "locale": "", "roles": [], "jobs": 2,
    "allow": [], "timeout": 600,
}  # fmt: skip


def unpacked(place: _drill_place.Place, archive: bytes, engine: str) -> int:
    path = Path(place.path, "archive.tar.gz")
    path.write_bytes(archive)
    return _drill_place.unpack(str(path), place, engine)


def processes_of(directory: Path) -> list[str]:
    """What runs in a directory or below it, or names it."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (path / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            if command and (os.readlink(path / "cwd").startswith(f"{directory}/") or f"{directory}/" in command):
                found.append(f"{path.name} {command}")
    return found


def killed(
    work_dir: Path,
    drill: t.Callable[[], None],
    moment: t.Callable[[], t.Any],
    number: int = signal.SIGKILL,
    guards: bool = False,
) -> None:
    """Run a drill in a process of its own, kill that at a moment, and wait until all that it had started is gone.

    With `guards` what it has started to end its programs is killed at the same moment: none of them sees the other one's end.
    """
    process = FORK.Process(target=drill)
    process.start()
    try:
        until(moment, "the moment of the drill", 60)
        assert process.is_alive(), "it had ended before"
        doomed = [process.pid or 0]
        if guards:
            doomed += [int(each.split()[0]) for each in processes_of(work_dir) if "prctl" in each]
            assert len(doomed) > 2, "a server and a client have one each"
            for each in doomed:
                os.kill(each, signal.SIGSTOP)
        for each in doomed:
            os.kill(each, number)
        process.join(30)
        assert process.exitcode not in (None, 0)
        until(lambda: not processes_of(work_dir), f"the end of all: {processes_of(work_dir)}", 60)
    finally:
        process.kill()
