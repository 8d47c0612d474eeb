# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""The supervisor of one SSH tunnel: a program of its own, which ends with the run of Ansible that it belongs to, however that ends."""
# It reads what to do from its input, as JSON, and writes the port or the problem to its output. Then it listens on a socket for `absent`.

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


def identity_of(number: int) -> str:
    """Return when a process began, which no other process of that number has; an empty text when it has ended."""
    try:
        if sys.platform.startswith("linux"):
            with open(f"/proc/{number}/stat", "rb") as file:
                words = file.read().rpartition(b")")[2].split()
            return "" if words[0] in (b"Z", b"X") else words[19].decode()
        return (
            subprocess.run(["ps", "-o", "lstart=", "-p", f"{number}"], stdout=-1, check=False).stdout.decode().strip()
        )
    except (OSError, IndexError):
        return ""


class Supervisor:
    def __init__(self, given: dict[str, t.Any]) -> None:
        self.given, self.said, self.port = given, b"", 0
        self.end, self.ssh = time.monotonic() + given["max_age"], t.cast(t.Any, None)
        self.listener, self.selector = socket.socket(socket.AF_UNIX), selectors.DefaultSelector()
        self.interval = 1.0
        with contextlib.suppress(AttributeError, OSError):
            self.selector.register(os.pidfd_open(given["controller"]), selectors.EVENT_READ, "controller")  # type: ignore[attr-defined,unused-ignore]
            self.interval = 15.0

    def events(self, end: float) -> t.Iterator[str]:
        """Yield what happens until then, and keep what ssh complains of; end when the controller has ended."""
        while time.monotonic() < end:
            if identity_of(self.given["controller"]) != self.given["identity"]:
                sys.exit(0)
            for key, dummy in self.selector.select(max(0.0, min(self.interval, end - time.monotonic()))):
                text = os.read(key.fd, 65536) if key.data == "said" else b"-"
                self.said = (self.said + text)[-8192:] if key.data == "said" else self.said
                if not text:
                    self.selector.unregister(key.fileobj)
                    self.ssh.wait()
                yield str(key.data) if text else "ended"

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
            if event == "ended":
                return self.said.decode("utf-8", "replace") or f"ssh ended with exit status {self.ssh.returncode}"
            if event == "ready":
                self.selector.unregister(self.ssh.stdout)
                if os.read(self.ssh.stdout.fileno(), 64) == b"ready\n":
                    self.said = b""
                    return ""
        return f"Connection timed out: the login took longer than {self.given['timeout']:g} seconds"

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

    def close(self) -> None:
        """End ssh, and be found no more."""
        # Once only: later another supervisor may have the name.
        if self.listener.fileno() >= 0 and self.listener.getsockname():
            with contextlib.suppress(OSError):
                os.unlink(self.given["socket"])
        self.listener.close()
        if self.ssh is not None:
            self.ssh.kill()
            self.ssh.wait()


def main() -> None:
    given = json.load(sys.stdin)
    os.dup2(os.open(os.devnull, os.O_RDWR), 0)
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *dummy: sys.exit(1))
    os.chdir(given["directory"])
    supervisor = Supervisor(given)
    try:
        problem = supervisor.open()
        if not problem:
            supervisor.listener.bind(given["socket"] + ".new")
            supervisor.listener.listen(16)
            supervisor.selector.register(supervisor.listener, selectors.EVENT_READ, "asked")
            # Under its name there is only a socket that listens.
            os.rename(given["socket"] + ".new", given["socket"])
        os.write(1, json.dumps({"problem": problem, "port": supervisor.port}).encode() + b"\n")
        os.dup2(0, 1)
        os.dup2(0, 2)
        os.close(given["lock"])
        for event in supervisor.events(supervisor.end) if not problem else ():
            if event == "asked":
                supervisor.answer()
            if supervisor.listener.fileno() < 0:
                break
    finally:
        supervisor.close()


if __name__ == "__main__":
    main()
