# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""SSH tunnels that outlive their task and end with the run of Ansible: each has a supervisor, found by a socket in a private directory.

The name of the socket is made of hashes of the controller's process with the database, and of the SSH server: so runs share nothing.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import select
import socket
import subprocess
import sys
import time
import typing as t

from . import _cache, _ssh_tunnel, _tunnel_supervisor
from ._core import Clock
from ._errors import ScalingoError, Unreachable, conceal, visible
from ._files import name_of
from ._programs import Done
from ._progress import Watch

DIRECTORY_NAME = "tunnels"
#: How long a supervisor may take to answer, and to begin beside its ssh, in seconds.
ANSWER_SECONDS, BEGIN_SECONDS = 10.0, 15.0
LOCK_POLL_SECONDS = 0.1
#: How often ssh is started when another process takes its port first.
ATTEMPTS = 5
TAKEN = "Address already in use"
#: What ssh and its supervisor get of the environment: nothing that could be a secret.
ENVIRONMENT = ("PATH", "HOME", "USER", "LOGNAME", "SSH_AUTH_SOCK")


@dataclasses.dataclass(frozen=True)
class Open:
    """A tunnel as its supervisor describes it. ``problem`` says why it is of no use any more."""

    port: int
    target: _ssh_tunnel.Address
    #: How long it will live without another task, in seconds.
    seconds: float
    #: What ssh has complained of since it was asked last.
    said: str
    problem: str


class Tunnels:
    """The tunnels of one run to one database; ``way`` is what one of them goes through. Raises ``ScalingoError``."""

    def __init__(self, watch: Watch, clock: Clock, database: t.Sequence[str], way: t.Sequence[str]) -> None:
        if watch.controller is None:
            raise ScalingoError("a tunnel ends with the run of Ansible, and only the controller knows when that is")
        self._watch = watch
        self._clock = clock
        self._controller = watch.controller
        self._identity = _tunnel_supervisor.identity_of(watch.controller)
        if not self._identity:
            raise ScalingoError("a tunnel ends with the run of Ansible, and this machine does not show its process")
        self._path, self._directory = _private_directory()
        self._database = name_of(json.dumps([self._controller, self._identity, *database]), 20)
        self._name = f"{self._database}-{name_of(json.dumps(way), 20)}"

    def close(self) -> None:
        """Forget the directory. Tunnels stay open."""
        os.close(self._directory)

    def all(self, **more: t.Any) -> list[Open]:
        """Return all tunnels to the database, whatever they go through."""
        names = {name.partition(".")[0] for name in os.listdir(self._directory)}
        found = [self.look(name, **more) for name in sorted(names) if name.startswith(self._database)]
        return [each for each in found if each is not None]

    def look(self, name: str = "", **more: t.Any) -> Open | None:
        """Return the tunnel, also one whose ssh has ended; nothing when there is none. ``more`` is what its supervisor is to do."""
        name = name or self._name
        try:
            with self._connection(name) as connection:
                connection.sendall(json.dumps(more).encode() + b"\n")
                text = connection.makefile("rb").readline()
            told = json.loads(text)
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        except (OSError, ValueError):
            # It ended while it was asked.
            if self._is_gone(name):
                return None
            raise ScalingoError(
                "the supervisor of the tunnel does not answer", hint="It ends with this run of Ansible."
            ) from None
        status, said = told["status"], conceal(told["said"])
        return Open(
            port=told["port"],
            target=_ssh_tunnel.Address(told["host"], told["host_port"]),
            seconds=told["seconds"],
            said=""
            if status is not None
            else " / ".join(visible(line).strip() for line in said.splitlines() if line.strip()),
            problem="" if status is None else said.strip() or Done("ssh", status, "", "").ending,
        )

    def open(
        self, gateway: _ssh_tunnel.Gateway, target: _ssh_tunnel.Address, timeout: float, max_age: float
    ) -> tuple[Open, bool]:
        """Return a tunnel to the target, and whether this call has opened it: another task of the run may be quicker."""
        with self._lock(timeout) as lock:
            found = self.look(max_age=max_age)
            if found is not None and not found.problem and found.target == target:
                return found, False
            if found is not None:
                self.look(end=True)
            self._sweep()
            for dummy in range(ATTEMPTS):
                problem = self._start(gateway, target, timeout, max_age, lock)
                if TAKEN not in problem:
                    break
            opened = self.look() if not problem else None
            if opened is None:
                raise _ssh_tunnel.problem_of(problem or "it ended at once", gateway)
            return opened, True

    def _start(
        self, gateway: _ssh_tunnel.Gateway, target: _ssh_tunnel.Address, timeout: float, max_age: float, lock: int
    ) -> str:
        """Start a supervisor, and wait until its ssh listens. Return what ssh said when it does not."""
        given = {
            "controller": self._controller,
            "identity": self._identity,
            "command": gateway.listening(timeout),
            "forward": f"127.0.0.1:%d:{target}",
            "directory": self._path,
            "socket": self._name + ".sock",
            "lock": lock,
            "timeout": timeout,
            "max_age": max_age,
            "facts": {"host": target.host, "host_port": target.port},
        }
        environment = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
        # A module's run_command waits for the end. The lock is the supervisor's, too, until it can be found.
        process = subprocess.Popen(  # pylint: disable=ansible-bad-function,consider-using-with
            [sys.executable, "-I", "-S", _tunnel_supervisor.__file__],
            env={**environment, "LC_ALL": "C", "SHELL": "/bin/sh"}, cwd="/", start_new_session=True, pass_fds=[lock],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        stdin, stdout = t.cast("t.IO[bytes]", process.stdin), t.cast("t.IO[bytes]", process.stdout)
        with stdout:
            with contextlib.suppress(BrokenPipeError), stdin:
                stdin.write(json.dumps(given).encode())
            text, deadline = b"", time.monotonic() + timeout + BEGIN_SECONDS
            while not text.endswith(b"\n"):
                self._watch.alive()
                if time.monotonic() > deadline:
                    process.terminate()
                    raise Unreachable(f"the tunnel did not open within {timeout + BEGIN_SECONDS:g} seconds")
                if select.select([stdout], [], [], 0.5)[0]:
                    piece = os.read(stdout.fileno(), 65536)
                    text += piece
                    if not piece:
                        break
        try:
            return str(json.loads(text)["problem"])
        except (ValueError, KeyError, TypeError):
            process.terminate()
            last = visible(text.decode("utf-8", "replace").strip().rpartition("\n")[2])
            raise ScalingoError(f"the supervisor of the tunnel did not start: {last or 'it said nothing'}") from None

    @contextlib.contextmanager
    def _lock(self, timeout: float) -> t.Iterator[int]:
        """Hold the lock of the tunnel: tasks of several forks open one, and the others wait for it."""
        deadline = self._clock.now() + ATTEMPTS * (timeout + BEGIN_SECONDS)
        while True:
            self._watch.alive()
            descriptor = _cache.try_lock(self._name + ".lock", self._directory, os.O_CREAT)
            if descriptor is not None:
                break
            if self._clock.now() > deadline:
                raise ScalingoError("another task has been opening the same tunnel for too long")
            self._clock.sleep(LOCK_POLL_SECONDS)
        try:
            yield descriptor
        finally:
            os.close(descriptor)

    def _sweep(self) -> None:
        """Remove what supervisors that were killed have left, and locks of tunnels that are closed."""
        names = {name.partition(".")[0] for name in os.listdir(self._directory)} - {self._name}
        for name in names:
            with contextlib.suppress(OSError):
                if not self._is_gone(name):
                    continue
                lock = _cache.try_lock(name + ".lock", self._directory, os.O_CREAT)
                if lock is None:
                    continue
                if self._is_gone(name):
                    for end in (".sock", ".sock.new", ".lock"):
                        with contextlib.suppress(FileNotFoundError):
                            os.unlink(name + end, dir_fd=self._directory)
                os.close(lock)

    def _is_gone(self, name: str) -> bool:
        """Whether nobody listens under that name."""
        try:
            self._connection(name).close()
        except (FileNotFoundError, ConnectionRefusedError):
            return True
        except OSError:
            pass
        return False

    def _connection(self, name: str) -> socket.socket:
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connection.settimeout(ANSWER_SECONDS)
            # The way by the descriptor is short enough for an address, however deep the directory is.
            place = f"/proc/self/fd/{self._directory}" if sys.platform.startswith("linux") else self._path
            connection.connect(f"{place}/{name}.sock")
        except OSError:
            connection.close()
            raise
        return connection


def _private_directory() -> tuple[str, int]:
    """Return a directory that is this user's alone, and its descriptor."""
    problem: t.Any = "the user has no home directory"
    for place in _cache.places():
        path = os.path.join(place, DIRECTORY_NAME)
        try:
            os.close(_cache.open_private(place))
            return path, _cache.open_private(path)
        except OSError as error:
            problem = error
    raise ScalingoError(
        f"there is no private directory for the socket of the tunnel: {problem}",
        hint="Set XDG_RUNTIME_DIR to a directory of the user's own with mode 0700.",
    )
