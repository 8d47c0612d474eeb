# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A sandbox in a process of its own, for scripts that run Ansible against it."""

from __future__ import annotations

import json
import subprocess
import time
import typing as t
import urllib.request
from pathlib import Path

from surroundings import PROGRAMS, end, environment

#: A proxy of the surroundings has no business between two processes of one machine.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class LocalSandbox:
    """The command scalingo-sandbox, on ports that the system chooses, for as long as the with block lasts."""

    def __init__(self, directory: Path, *options: str, program: Path = PROGRAMS / "scalingo-sandbox") -> None:
        self._ready_file = directory / "sandbox.json"
        self._log_file = directory / "sandbox.log"
        self._command = [program, "--with-parent", "--ready-file", self._ready_file, *options]
        self._process: subprocess.Popen[bytes] | None = None
        self.description: dict[str, t.Any] = {}

    def __enter__(self) -> LocalSandbox:
        self._ready_file.unlink(missing_ok=True)
        with open(self._log_file, "wb") as log:
            self._process = subprocess.Popen(
                self._command,
                env=environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            deadline = time.monotonic() + 30
            while not self._ready_file.is_file():
                if self._process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit(f"the sandbox did not start:\n{self.printed()}")
                time.sleep(0.02)
            self.description = json.loads(self._ready_file.read_text(encoding="utf-8"))
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def stop(self) -> None:
        if self._process is not None:
            end(self._process)
        self._ready_file.unlink(missing_ok=True)

    def printed(self) -> str:
        return self._log_file.read_text(encoding="utf-8", errors="replace")

    def control(self, method: str, what: str, **body: t.Any) -> t.Any:
        """Ask the control API."""
        request = urllib.request.Request(
            f"{self.description['control_url']}/control/{what}",
            method=method,
            data=json.dumps(body).encode() if body else None,
            headers={"Content-Type": "application/json"},
        )
        with OPENER.open(request, timeout=30) as answer:
            return json.loads(answer.read())

    def log(self) -> list[dict[str, t.Any]]:
        """The requests since the last time."""
        found: list[dict[str, t.Any]] = self.control("GET", "log")
        self.control("DELETE", "log")
        return found

    def requests(self) -> tuple[int, int]:
        """How many requests there were since the last time, and how many of them could change something."""
        log = self.log()
        return len(log), sum(not record["safe"] for record in log)
