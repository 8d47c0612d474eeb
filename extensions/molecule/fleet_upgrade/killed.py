# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Run the upgrade of a fleet of three, kill it while the second is upgraded and the third has its backup made, and run it again.

The three are the apps first, second and third. Prints as JSON what the state file held in between, what the platform was asked to do until when, and
what there is at the end. It judges nothing.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

PATIENCE = 300
#: What takes so long, by the sandbox's clock, ends only when that is moved.
LONG = 10000
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def control(name: str, body: object = None) -> object:
    """Ask the sandbox something, or tell it with a body."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request("%s/control/%s" % (CONTROL, name), data, {"Content-Type": "application/json"})
    with OPENER.open(request, timeout=60) as answer:
        return json.load(answer)


def asked() -> list:
    """What the platform was asked to do: the app, and B2 for a backup or D3 for an upgrade."""
    return ["%(app)s %(route)s" % record for record in control("unsafe") if record["route"] in ("B2", "D3")]


def start(log: Path) -> subprocess.Popen:
    with open(log, "ab") as file:
        return subprocess.Popen(COMMAND, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, start_new_session=True)


def until(condition, process: subprocess.Popen) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        if process.poll() is not None or time.monotonic() > deadline:
            sys.exit("what was waited for did not come; so far: %s" % asked())
        time.sleep(0.1)


def kill() -> None:
    """As a machine that loses its power. Ansible's workers have groups of their own, and come to this process when theirs is gone."""
    while True:
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                parent, group = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1:3]
            except OSError:
                continue
            if int(parent) == os.getpid():
                os.killpg(int(group), signal.SIGKILL)
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def main(seed: object, state_file: Path) -> None:
    ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
    control("reset", {"seed": seed})
    control("clear_log", {})
    log = state_file.with_suffix(".log")
    try:
        first = start(log)
        until(lambda: "first D3" in asked(), first)
        control("durations", {"upgrade": LONG})
        until(lambda: "second D3" in asked(), first)
        control("durations", {"backup": 60})
        until(lambda: "third B2" in asked(), first)
    finally:
        kill()
    found = {"kept": json.loads(state_file.read_text(encoding="utf-8")), "killed": asked()}
    number = len(control("log"))

    def looks() -> int:
        return sum(record["app"] == "second" and record["route"] == "D1" for record in control("log")[number:])

    try:
        again = start(log)
        # To plan, and to wait.
        until(lambda: looks() >= 2, again)
        found["waiting"] = asked()
        control("durations", {"upgrade": 0.3})
        control("advance", {"seconds": LONG})
        found["returncode"] = again.wait(PATIENCE)
    finally:
        kill()
    print(json.dumps({**found, "ended": asked(), "apps": control("state")["apps"]}))


if __name__ == "__main__":
    CONTROL, COMMAND = sys.argv[1], sys.argv[4:]
    main(json.loads(sys.argv[2]), Path(sys.argv[3]))
