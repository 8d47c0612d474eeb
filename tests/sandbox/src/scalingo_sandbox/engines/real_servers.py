# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engines with real servers share: where programs are, where data is, and how servers start and end for certain."""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from scalingo_sandbox.engines import real_keeper
from scalingo_sandbox.engines.base import EngineError

HOST = "127.0.0.1"
PATIENCE = 30.0
LONGEST_SOCKET = 100
"""Bytes of the path of a unix socket; the kernel takes 107."""

PLACE_VARIABLE = "SCALINGO_SANDBOX_SERVERS"


def programs() -> Path:
    """The directory into which scripts/fetch_postgres and scripts/fetch_debian bring servers: postgres/ and debian/ are below it."""
    given = os.environ.get(PLACE_VARIABLE)
    return Path(given) if given else Path(__file__).resolve().parents[5] / ".cache"


def debian(package: str) -> tuple[Path, dict[str, str]]:
    """The tree of a Debian package, and the variables that its programs need."""
    tree = programs() / "debian" / package
    if not (tree / ".complete").is_file():
        raise EngineError(f"{package} is not here: bring it with scripts/fetch_debian {package}")
    return tree, {"LD_LIBRARY_PATH": _libraries(tree), "PATH": os.environ.get("PATH", os.defpath)}


@functools.cache
def _libraries(tree: Path) -> str:
    found = {str(path.parent) for path in tree.glob("**/*.so*")}
    return os.pathsep.join(sorted(name for name in found if re.search(r"/lib(/[a-z0-9_]+-linux-gnu[a-z0-9]*)?$", name)))


def unprivileged() -> list[str]:
    """What stands before the command of a server that does not run as root: an identity of its own, for root only."""
    return ["unshare", "--user", "--map-user=1000", "--map-group=1000"] if os.geteuid() == 0 else []


class Port:
    """A port of the loopback interface that is kept for a server that starts later.

    The socket is bound and never listens: the kernel gives the number to nobody else, and the server may bind it too.
    """

    def __init__(self) -> None:
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind((HOST, 0))
        self.number: int = self._socket.getsockname()[1]

    def close(self) -> None:
        self._socket.close()


class Workshop:
    """The directory of this process for all that real servers need. It goes with the process, whatever ends that."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._directory: Path | None = None
        self._keeper: subprocess.Popen[bytes] | None = None
        self._owner = 0
        self._number = 0

    @property
    def directory(self) -> Path:
        with self._lock:
            if self._directory is None or self._owner != os.getpid():
                self._begin()
            assert self._directory is not None
            return self._directory

    def _begin(self) -> None:
        place = tempfile.mkdtemp(prefix="sandbox-")
        if len(os.fsencode(place)) > LONGEST_SOCKET - 40:
            os.rmdir(place)
            place = tempfile.mkdtemp(prefix="sandbox-", dir="/tmp")  # noqa: S108 - elsewhere sockets fail
        self._directory = Path(os.path.realpath(place))
        self._owner = os.getpid()
        self._keeper = subprocess.Popen(
            [sys.executable, "-I", "-S", real_keeper.__file__, str(self._directory)],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        atexit.register(self._end, self._owner)

    def _end(self, owner: int) -> None:
        """The keeper does the work; that it is done is waited for."""
        if owner == os.getpid() and self._keeper is not None and self._keeper.stdin is not None:
            self._keeper.stdin.close()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._keeper.wait(real_keeper.PATIENCE + 5)

    def new_directory(self, name: str) -> Path:
        with self._lock:
            self._number += 1
            path = self.directory / f"{name}-{self._number}"
        path.mkdir(mode=0o700)
        return path

    def once(self, name: str, make: Callable[[Path], None]) -> Path:
        """A directory that is filled when it is first asked for, and whole when it has its name."""
        with self._lock:
            path = self.directory / name
            if not path.is_dir():
                path.parent.mkdir(parents=True, exist_ok=True)
                partial = path.with_name(f"{path.name}.partial")
                shutil.rmtree(partial, ignore_errors=True)
                partial.mkdir()
                make(partial)
                partial.rename(path)
            return path


WORKSHOP = Workshop()


def run(command: Sequence[str | Path], *, environment: Mapping[str, str] | None = None, given: bytes = b"") -> bytes:
    """What a program prints. What it complains about is the error."""
    done = subprocess.run(
        [str(word) for word in command],
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", **(environment or {})},
        check=False,
    )
    if done.returncode:
        said = done.stderr.decode("utf-8", "replace").strip()
        raise EngineError(said or f"{Path(str(command[0])).name} ended with exit status {done.returncode}")
    return done.stdout


class Process:
    """A server that runs."""

    def __init__(self, command: Sequence[str | Path], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self._log = log
        with open(log, "ab") as stream:
            self._process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", **(environment or {})},
            )

    def wait_until(self, ready: Callable[[], bool]) -> None:
        """Until it answers. A server that ends before is an error with the last lines of its log."""
        deadline = time.monotonic() + PATIENCE
        pause = 0.005
        while not ready():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.stop(signal.SIGKILL)
                lines = self._log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
                raise EngineError("the server did not start: " + " / ".join(lines[-5:]))
            time.sleep(pause)
            pause = min(0.05, pause * 1.5)

    @property
    def running(self) -> bool:
        return self._process.poll() is None

    def signal(self, number: int) -> None:
        if self.running:
            self._process.send_signal(number)

    def stop(self, number: int, patience: float = 10.0) -> None:
        self.signal(number)
        try:
            self._process.wait(patience)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
