# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers that scripts/fetch_postgres and scripts/fetch_debian bring into the checkout, and what it takes to run them."""

from __future__ import annotations

import functools
import os
import signal
import subprocess
import sys
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


@functools.cache
def _fetch(*arguments: str) -> tuple[str, ...]:
    command = [sys.executable, "-I", "-S", str(ROOT / "scripts" / "fetch.py"), *arguments]
    done = subprocess.run(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return tuple(done.stdout.splitlines())


def postgres(version: str) -> Path:
    """The directory of a PostgreSQL server: bin, lib, share."""
    return Path(_fetch("postgres", version)[0])


def debian(package: str) -> tuple[Path, dict[str, str]]:
    """The tree of a Debian package, and the variables that its programs need."""
    tree, *variables = _fetch("debian", "--environment", package)
    return Path(tree), dict(line.split("=", 1) for line in variables)


#: Runs the command that follows, and lets the kernel kill it when the process that started it dies.
TIED = """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, 9, 0, 0, 0)
if os.getppid() != int(sys.argv[1]):
    sys.exit(1)
os.execvp(sys.argv[2], sys.argv[2:])
"""


def unprivileged() -> list[str]:
    """What to put before the command of a server: it does not run as root, and not longer than the tests do."""
    identity = ["unshare", "--user", "--map-user=1000", "--map-group=1000"] if os.geteuid() == 0 else []
    return [*identity, sys.executable, "-I", "-S", "-c", TIED, str(os.getpid())]


def stop(process: subprocess.Popen[t.Any], number: int = signal.SIGTERM) -> None:
    """End a server that a test has started."""
    if process.poll() is None:
        process.send_signal(number)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
