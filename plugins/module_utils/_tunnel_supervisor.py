# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""The supervisor of one SSH tunnel: a program of its own, which ends with the run of Ansible that it belongs to, however that ends.

It reads what to do from its input, as JSON, and writes the port or the problem to its output. Then it listens on a socket for `absent`.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
import typing as t

#: What ssh prints when it has logged in and listens.
READY = b"ready\n"


def identity_of(number: int) -> str:
    """Return when a process began, which no other process of that number has; an empty text when it has ended."""
    try:
        if sys.platform.startswith("linux"):
            with open(f"/proc/{number}/stat", "rb") as file:
                words = file.read().rpartition(b")")[2].split()
            return "" if words[0] in (b"Z", b"X") else words[19].decode()
        return (
            subprocess.run(["ps", "-o", "lstart=", "-p", f"{number}"], capture_output=True, check=False)
            .stdout.decode()
            .strip()
        )
    except (OSError, IndexError):
        return ""


class Supervisor:
    def __init__(self, given: dict[str, t.Any]) -> None:
        self.given, self.said, self.port = given, b"", 0
        self.end = time.monotonic() + given["max_age"]
        self.ssh: t.Any = None
        self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.selector = selectors.DefaultSelector()
        self.interval = 1.0
        with contextlib.suppress(AttributeError, OSError):
            self.selector.register(os.pidfd_open(given["controller"]), selectors.EVENT_READ, "controller")  # type: ignore[attr-defined,unused-ignore]
            self.interval = 15.0

    def events(self, end: float) -> t.Iterator[str]:
        """Yield what happens until then; end when the controller has ended."""
        while time.monotonic() < end:
            if identity_of(self.given["controller"]) != self.given["identity"]:
                sys.exit(0)
            for key, dummy in self.selector.select(max(0.0, min(self.interval, end - time.monotonic()))):
                yield str(key.data)

    def open(self) -> str:
        """Start ssh. Return why it does not listen, empty when it does."""
        library, parent = ctypes.CDLL(None), os.getpid()

        def tie() -> None:
            if sys.platform.startswith("linux"):
                library.prctl(1, int(signal.SIGKILL), 0, 0, 0)
            if os.getppid() != parent:
                os._exit(1)

        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        words = [word or self.given["forward"] % self.port for word in self.given["command"]]
        self.ssh = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=tie
        )  # pylint: disable=subprocess-popen-preexec-fn
        for stream, name in ((self.ssh.stdout, "ready"), (self.ssh.stderr, "said")):
            self.selector.register(stream, selectors.EVENT_READ, name)
        for event in self.events(time.monotonic() + self.given["timeout"]):
            if event == "said" and not self.hear():
                return self.said.decode("utf-8", "replace") or f"ssh ended with exit status {self.ssh.returncode}"
            if event == "ready":
                self.selector.unregister(self.ssh.stdout)
                if os.read(self.ssh.stdout.fileno(), 64) == READY:
                    self.said = b""
                    return ""
        return f"Connection timed out: the login took longer than {self.given['timeout']:g} seconds"

    def hear(self) -> bool:
        """Take what ssh complains of. Return false when it has ended."""
        text = os.read(self.ssh.stderr.fileno(), 65536)
        self.said = (self.said + text)[-8192:]
        if not text:
            self.selector.unregister(self.ssh.stderr)
            self.ssh.wait()
        return bool(text)

    def listen(self) -> None:
        """Be there for the next task: under its name there is only a socket that listens."""
        self.listener.bind(self.given["socket"] + ".new")
        self.listener.listen(16)
        os.rename(self.given["socket"] + ".new", self.given["socket"])
        self.selector.register(self.listener, selectors.EVENT_READ, "asked")

    def answer(self) -> None:
        with contextlib.suppress(OSError, ValueError), self.listener.accept()[0] as connection:
            connection.settimeout(2)
            asked = json.loads(connection.makefile("rb").readline(4096))
            if asked.get("end"):
                self.close()
            elif asked.get("max_age"):
                self.end = time.monotonic() + asked["max_age"]
            status = self.ssh.poll()
            said, self.said = self.said.decode("utf-8", "replace"), self.said if status is not None else b""
            rest = {"status": status, "said": said, "port": self.port, "seconds": self.end - time.monotonic()}
            connection.sendall(json.dumps({**self.given["facts"], **rest}).encode() + b"\n")
            if asked.get("end"):
                sys.exit(0)

    def close(self) -> None:
        """End ssh, and be found no more."""
        if self.ssh is not None:
            self.ssh.kill()
            self.ssh.wait()
        if self.listener.getsockname():
            with contextlib.suppress(OSError):
                os.unlink(self.given["socket"])


def main() -> None:
    given = json.load(sys.stdin)
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *dummy: sys.exit(1))
    os.umask(0o077)
    os.chdir(given["directory"])
    supervisor = Supervisor(given)
    try:
        problem = supervisor.open()
        if not problem:
            supervisor.listen()
        os.write(1, json.dumps({"problem": problem, "port": supervisor.port}).encode() + b"\n")
        os.dup2(0, 1)
        os.dup2(0, 2)
        os.close(given["lock"])
        for event in supervisor.events(supervisor.end) if not problem else ():
            if event == "asked":
                supervisor.answer()
            elif event == "said":
                supervisor.hear()
    finally:
        supervisor.close()


if __name__ == "__main__":
    main()
