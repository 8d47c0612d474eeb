# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Outlives the sandbox by a moment: ends its servers and removes its directory, however the sandbox itself ended.

It waits for the end of its input, which the kernel brings about when the sandbox dies. Servers are known by the directory
in their command line. The standard library is all that is used: started as a file, it is there in a few milliseconds.
"""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time

PATIENCE = 3.0


def servers(directory: str) -> list[int]:
    """The processes of others that have the directory in their command line."""
    found = []
    for name in os.listdir("/proc"):
        if not name.isdigit() or int(name) == os.getpid():
            continue
        try:
            with open(f"/proc/{name}/cmdline", "rb") as stream:
                words = os.fsdecode(stream.read()).split("\0")
        except OSError:
            continue
        if any(f"{directory}/" in word for word in words[1:]):
            found.append(int(name))
    return found


def end(directory: str) -> None:
    """All servers of a directory, and the directory."""
    deadline = time.monotonic() + PATIENCE
    # A PostgreSQL server that is told to quit ends its processes and gives its shared memory back.
    number = signal.SIGQUIT
    while left := servers(directory):
        for process in left:
            try:
                os.kill(process, number)
            except OSError:
                continue
        if time.monotonic() > deadline:
            number = signal.SIGKILL
        time.sleep(0.05)
    shutil.rmtree(directory, ignore_errors=True)


def main() -> None:
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while os.read(0, 4096):
        pass
    end(sys.argv[1])


if __name__ == "__main__":
    main()
