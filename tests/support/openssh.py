# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A private OpenSSH server on loopback in the place of the platform's: the user git, public keys, channels and nothing else.

The users and the host names that it knows are its own (libnss-wrapper), so it resolves names that this machine cannot.
"""

from __future__ import annotations

import os
import re
import socket
import subprocess
import time
import typing as t
from pathlib import Path

from support import fetched

CONFIGURATION = """
Port {port}
ListenAddress 127.0.0.1
HostKey {directory}/host_key
AuthorizedKeysFile {directory}/authorized_keys
PidFile none
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PermitTTY no
X11Forwarding no
UseDNS no
LoginGraceTime 30
LogLevel VERBOSE
"""


class OpenSSH:
    """A server as long as the with block lasts. `hosts` are names that it resolves to loopback."""

    def __init__(self, directory: Path, hosts: t.Sequence[str] = (), user: str = "git") -> None:
        self.directory = directory
        self.host = "127.0.0.1"
        self.port = 0
        self.hosts = hosts
        self.user = user
        self.known_hosts = directory / "known_hosts"
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def address(self) -> str:
        return f"{self.host}:{self.port}"

    def __enter__(self) -> OpenSSH:
        self.directory.mkdir(parents=True, exist_ok=True)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.make_key("host_key")
        (self.directory / "authorized_keys").touch()
        self.known_hosts.write_text("[%s]:%d %s" % (self.host, self.port, self.public("host_key")), encoding="ascii")
        configuration = self.directory / "sshd_config"
        configuration.write_text(CONFIGURATION.format(port=self.port, directory=self.directory), encoding="ascii")
        self.start()
        return self

    def __exit__(self, *dummy: object) -> None:
        if self.process is not None:
            fetched.stop(self.process)

    def start(self) -> None:
        tree, variables = fetched.debian("openssh-server")
        names, dummy = fetched.debian("libnss-wrapper")
        identity = 1000 if os.geteuid() == 0 else os.geteuid()
        group = 1000 if os.geteuid() == 0 else os.getegid()
        lists = {
            "passwd": f"{self.user}:x:{identity}:{group}::{self.directory}:/bin/sh\n",
            "group": f"{self.user}:x:{group}:\n",
            "shadow": f"{self.user}:*:::::::\n",
            "hosts": "127.0.0.1 localhost {}\n".format(" ".join(self.hosts)),
        }
        for name, content in lists.items():
            (self.directory / name).write_text(content, encoding="ascii")
        environment = {
            "PATH": os.environ.get("PATH", ""),
            "LD_LIBRARY_PATH": variables["LD_LIBRARY_PATH"],
            "LD_PRELOAD": str(next(names.glob("**/libnss_wrapper.so"))),
            **{"NSS_WRAPPER_" + name.upper(): str(self.directory / name) for name in lists},
        }
        # The server alone gets the lists of names: what starts it needs the machine's own.
        command = [
            *fetched.unprivileged(),
            "env",
            *("{}={}".format(*item) for item in environment.items()),
            str(tree / "usr" / "sbin" / "sshd"),
            "-D",
            "-f",
            str(self.directory / "sshd_config"),
            "-E",
            str(self.directory / "log"),
        ]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        deadline = time.monotonic() + 10
        while True:
            try:
                with socket.create_connection((self.host, self.port), 1):
                    return
            except OSError:
                assert self.process.poll() is None and time.monotonic() < deadline, self.log()
                time.sleep(0.05)

    def make_key(self, name: str, passphrase: str = "") -> Path:
        """A new private key; nobody knows it yet."""
        path = self.directory / name
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", passphrase, "-C", "test", "-f", str(path)],
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )
        return path

    def public(self, name: str) -> str:
        return (self.directory / (name + ".pub")).read_text(encoding="ascii")

    def accept(self, name: str) -> Path:
        """Make a key and let its owner in."""
        path = self.make_key(name)
        with open(self.directory / "authorized_keys", "a", encoding="ascii") as handle:
            handle.write(self.public(name))
        return path

    def log(self) -> str:
        path = self.directory / "log"
        return path.read_text(encoding="utf-8", errors="replace") if path.exists() else ""

    def logins(self) -> int:
        """How many connections were let in."""
        return len(re.findall(rf"^Accepted publickey for {self.user} ", self.log(), re.MULTILINE))
