# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""A way to a database through the SSH server of its region, by OpenSSH (docs/contract.md, section 1.1)."""

from __future__ import annotations

import dataclasses
import ipaddress
import re
import select
import shutil
import socket
import subprocess
import threading
import urllib.parse

from . import _programs
from ._errors import ScalingoError, Unreachable, conceal

DEFAULT_SSH_PORT = 22


LONGEST_COMPLAINT = 8192


@dataclasses.dataclass(frozen=True)
class Address:
    """A host and a port. The host is a name in lower case, or an address without brackets."""

    host: str
    port: int

    def __str__(self) -> str:
        return ("[%s]:%d" if ":" in self.host else "%s:%d") % (self.host, self.port)

    @property
    def is_this_machine(self) -> bool:
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost" or self.host.endswith(".localhost")


def parse_address(text: str, default_port: int) -> Address:
    """An address from `host`, `host:port`, `[v6]` or `[v6]:port`. Raises `ValueError`."""
    bare = re.fullmatch(r"[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*", text)
    try:
        parts = urllib.parse.urlsplit(f"//[{text}]" if bare else f"//{text}")
        host, port = (parts.hostname or "").rstrip("."), parts.port
    except ValueError:
        host, port, parts = "", None, urllib.parse.urlsplit("")
    more = parts.path or parts.query or parts.fragment or "@" in parts.netloc or re.search(r"[\s,%]", text)
    if not host or host.startswith("-") or more:
        raise ValueError(f"{text!r} is not a host, or a host with a port: use for example ssh.example.com:22")
    return Address(host, default_port if port is None else port)


@dataclasses.dataclass(frozen=True)
class Gateway:
    """The SSH server that leads to the database. Without a key file OpenSSH uses the agent and the user's default keys."""

    address: Address
    user: str
    key_file: str | None = None
    known_hosts: str | None = None
    program: str = "ssh"

    def command(self, target: Address, timeout: float) -> list[str]:
        """OpenSSH with its input and output as a connection to the target."""
        return self._words(["-W", str(target)], timeout, {})

    def listening(self, timeout: float) -> list[str]:
        """OpenSSH that forwards a port of this machine, and prints `ready` when it listens. The empty word is for what `-L` takes."""
        options = {"PermitLocalCommand": "yes", "LocalCommand": "echo ready", "LogLevel": "INFO"}
        return self._words(["-N", "-L", ""], timeout, options)

    def _words(self, way: list[str], timeout: float, more: dict[str, str]) -> list[str]:
        """OpenSSH with nothing of the user's configuration: host key verified, no question asked."""
        options = {
            "BatchMode": "yes",
            "StrictHostKeyChecking": "yes",
            "UpdateHostKeys": "no",
            "PreferredAuthentications": "publickey",
            "ExitOnForwardFailure": "yes",
            "ForwardAgent": "no",
            "PermitLocalCommand": "no",
            "ControlMaster": "no",
            "ControlPath": "none",
            "ConnectTimeout": f"{max(1, round(timeout))}",
            "ServerAliveInterval": "15",
            "ServerAliveCountMax": "3",
            "LogLevel": "ERROR",
            **more,
        }
        if self.known_hosts:
            options["UserKnownHostsFile"] = _path_for_ssh(self.known_hosts)
            options["GlobalKnownHostsFile"] = "/dev/null"
        if self.key_file:
            options["IdentitiesOnly"] = "yes"
            options["IdentityFile"] = _path_for_ssh(self.key_file)
        words = [self.program, "-F", "none", "-T", "-x", "-a"]
        for name, value in options.items():
            words += ["-o", f"{name}={value}"]
        words += ["-l", self.user, "-p", f"{self.address.port}", *way, "--", self.address.host]
        return words


def _path_for_ssh(path: str) -> str:
    """A path as an option of OpenSSH: it expands percent signs, and takes blanks as ends."""
    return '"{}"'.format(path.replace("%", "%%"))


class Tunnel:
    """A way through SSH for one connection. `port` is where the driver finds it on this machine."""

    def __init__(self, gateway: Gateway, target: Address, timeout: float) -> None:
        self._gateway = gateway
        self._command = gateway.command(target, timeout)
        self._timeout = timeout
        self._process: subprocess.Popen[bytes] | None = None
        self._complaint = ""
        self._lock = threading.Lock()
        self._closed = False
        self._listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen(1)
        self.port: int = self._listener.getsockname()[1]
        self._waking, self._waker = socket.socketpair()
        # The thread lives as long as ssh does: the kernel watches the thread that started a process, not the whole.
        self._thread = threading.Thread(target=self._serve, name="ssh", daemon=True)
        self._thread.start()

    def __enter__(self) -> Tunnel:
        return self

    def __exit__(self, *dummy: object) -> None:
        self.close()

    def _serve(self) -> None:
        try:
            connection = self._accept()
        finally:
            self._listener.close()
        if connection is None:
            return
        with connection:
            process = self._start(connection)
        if process is not None and process.stderr is not None:
            with process.stderr:
                self._complaint = process.stderr.read(LONGEST_COMPLAINT).decode("utf-8", "replace")
            process.wait()

    def _accept(self) -> socket.socket | None:
        ready = select.select([self._listener, self._waking], [], [], self._timeout + 5)[0]
        return self._listener.accept()[0] if self._listener in ready else None

    def _start(self, connection: socket.socket) -> subprocess.Popen[bytes] | None:
        with self._lock:
            if self._closed:
                return None
            try:
                self._process = _programs.start(
                    self._command,
                    patience=2.0,
                    stdin=connection.fileno(),
                    stdout=connection.fileno(),
                    stderr=subprocess.PIPE,
                )
            except ScalingoError as error:
                self._complaint = error.message
            return self._process

    def close(self) -> None:
        """End it, whatever its state."""
        with self._lock:
            self._closed = True
        if self._process is not None:
            _programs.end(self._process, 2.0)
        self._waker.close()
        self._thread.join(5)
        self._waking.close()

    def problem(self) -> ScalingoError | None:
        """Why ssh ended, when it did by itself; nothing when the trouble is elsewhere."""
        self._thread.join(2)
        said = conceal(self._complaint).strip()
        status = None if self._process is None else self._process.poll()
        if not said and status in (None, 0):
            return None
        return problem_of(said or f"ssh ended with exit status {status}", self._gateway)


#: What OpenSSH says, what that means, and what to do about it where that is known.
SSH_PROBLEMS: tuple[tuple[str, str, str], ...] = (
    (
        r"IDENTIFICATION HAS CHANGED|Offending \S+ key",
        "the host key of {gateway} is not the one that is known for it, so nothing was sent",
        "Compare the key with the fingerprints that Scalingo publishes for its regions, and correct ssh_known_hosts.",
    ),
    (
        r"Host key verification failed|host key is known",
        "the host key of {gateway} is not known, so nothing was sent",
        "Add it to ssh_known_hosts after comparing it with the fingerprints that Scalingo publishes for its regions.",
    ),
    (
        r"UNPROTECTED PRIVATE KEY|bad permissions",
        "ssh does not use the key file, as others may read it",
        "Give the key file the mode 0600.",
    ),
    (
        r"Load key .*",
        "ssh cannot read the key file: {said}",
        "Give a private key without a passphrase in ssh_key_file, or one that the SSH agent holds.",
    ),
    (
        r"Permission denied|Too many authentication failures",
        "{gateway} accepts none of the SSH keys for the user {user}",
        "Add the public key to the Scalingo account, and name its private key with ssh_key_file. A key with a passphrase must be in the SSH agent.",
    ),
    (
        r"open failed|forwarding failed",
        "{gateway} cannot reach the database: {said}",
        "The tunnel of the platform leads to databases with shared resources of the same region only.",
    ),
    (
        r"Could not resolve hostname",
        "the name of {gateway} cannot be resolved",
        "",
    ),
    (
        r"Connection (refused|timed out|reset|closed)|No route to host|Network is unreachable",
        "{gateway} cannot be reached: {said}",
        "",
    ),
)


def problem_of(said: str, gateway: Gateway) -> ScalingoError:
    """Return what ssh said as an error, with what to do about it where that is known."""
    lines = [line.strip() for line in said.split("\n") if line.strip().strip("@")]
    for pattern, meaning, hint in SSH_PROBLEMS:
        telling = [line for line in lines if re.search(pattern, line)]
        if telling:
            meant = meaning.format(gateway=f"the SSH server {gateway.address}", user=gateway.user, said=telling[-1])
            return Unreachable(meant, hint=hint)
    return Unreachable(f"ssh to {gateway.address} failed: {' '.join(lines)[-300:]}")


def require_ssh(program: str = "ssh") -> None:
    """Raise `ScalingoError` when the OpenSSH client is missing."""
    if shutil.which(program) is None:
        raise ScalingoError(
            f"the OpenSSH client is missing: there is no program {program}",
            hint="Install it on the machine that runs the module.",
        )
