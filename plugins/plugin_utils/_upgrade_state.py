# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.
"""What must survive a run that is killed: one small file a database, which says what it held before its upgrade.

Nothing lives between two tasks that could hold a lock. So the file says whose it is: the process of Ansible, its start, and where it runs.
As long as that process is alive, other runs on this machine are refused. The kernel's lock is held while one task reads or writes the file,
so that of two that begin together one is refused. A run on another machine or in another container cannot be seen: it takes the file over,
and the platform runs one operation at a time.
"""

from __future__ import annotations

import contextlib
import json
import multiprocessing
import os
import re
import socket
import subprocess
import tempfile
import typing as t

from ansible_collections.community.scalingo.plugins.module_utils import _files
from ansible_collections.community.scalingo.plugins.module_utils._errors import ScalingoError

State = dict[str, t.Any]

FORMAT = 1
#: What AWX and ansible-runner set: where they run, nothing stays that is not in a directory of its own.
PASSING = ("AWX_JOB_ID", "AWX_PRIVATE_DATA_DIR", "AWX_ISOLATED_DATA_DIR", "RUNNER_OMIT_EVENTS")


class Refused(Exception):
    """Why nothing may be done, as a sentence for a person."""


def directory(given: t.Any, environment: t.Mapping[str, str] | None = None) -> str:
    """Return the directory of the files, which need not be there yet. Raises `Refused` where none is given and none would last."""
    environment = os.environ if environment is None else environment
    if given:
        path = os.path.expanduser(str(given))
        if not os.path.isabs(path):
            raise Refused(f"scalingo_state_dir is {given}: give a whole path, which begins with /; nothing was done")
        return path
    passing = [name for name in PASSING if environment.get(name)]
    if passing:
        raise Refused(
            f"scalingo_state_dir is not set, and this is a job of AWX or ansible-runner ({passing[0]} is set), whose files do not outlive it. "
            "Set scalingo_state_dir to a directory that does, such as a mounted volume; nothing was done"
        )
    base = environment.get("XDG_STATE_HOME", "")
    return os.path.join(base if os.path.isabs(base) else os.path.expanduser("~/.local/state"), "community.scalingo")


def make_writable(path: str) -> None:
    """Make the directory, and write something there. Raises `Refused`."""
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        with tempfile.TemporaryFile(dir=path) as file:
            file.write(b"test")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise Refused(f"{path} cannot be written: {error.strerror}. See scalingo_state_dir; nothing was done") from None


def place_of(path: str, addon_id: str) -> str:
    """Return the name of the file of a database."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", addon_id):
        raise Refused(f"{addon_id} is not the ID of an addon; nothing was done")
    return os.path.join(path, addon_id + ".json")


def load(path: str, addon_id: str) -> State:
    """Return what an earlier run wrote of a database and did not verify, or an empty dictionary. Raises `Refused`."""
    name = place_of(path, addon_id)
    try:
        with open(name, encoding="utf-8") as file:
            state = json.load(file)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or "it is no JSON"
        raise Refused(_unreadable(name, reason)) from None
    right = isinstance(state, dict) and state.get("format") == FORMAT and isinstance(state.get("before"), dict)
    if not right or state.get("addon_id") != addon_id:
        raise Refused(_unreadable(name, "it is not of this database, or of another version of the collection"))
    return t.cast(State, state)


def _unreadable(name: str, reason: str) -> str:
    return f"{name} cannot be read ({reason}): look what it is, and move it away to begin without it; nothing was done"


def save(path: str, addon_id: str, state: State) -> str:
    """Write the file of a database, as that of this run, and return its name. Raises `Refused`."""
    name = place_of(path, addon_id)
    whole = {"format": FORMAT, "addon_id": addon_id, **state, "owner": owner()}
    try:
        _files.write_atomically(name, json.dumps(whole, indent=2) + "\n", 0o600)
    except ScalingoError as error:
        raise Refused(f"{error.message}. See scalingo_state_dir") from None
    _files.sync_directory(path)
    return name


def remove(path: str, addon_id: str) -> None:
    """Remove the file. One that is left all the same is compared with once more by the next run."""
    with contextlib.suppress(OSError):
        os.unlink(place_of(path, addon_id))


@contextlib.contextmanager
def locked(path: str, addon_id: str) -> t.Iterator[None]:
    """Hold the lock of a database while one task works with its file. Raises `Refused` when another task holds it."""
    name = place_of(path, addon_id)[: -len(".json")] + ".lock"
    while True:
        descriptor = os.open(name, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            if not _files.lock(descriptor):
                raise Refused("another run is upgrading this database; nothing was done")
            if _files.is_called(descriptor, name):
                try:
                    yield
                finally:
                    os.unlink(name)
                return
        finally:
            os.close(descriptor)


# -- whose the file is ------------------------------------------------------------------------------------------------


def owner() -> State:
    """Return the process of Ansible that controls this run."""
    parent = multiprocessing.parent_process()
    process = os.getppid() if parent is None else parent.pid
    return {"process": process, "started": _started(process), "place": _place()}


def other_run(state: State) -> str:
    """Return which other run on this machine a file belongs to, in words; empty when there is none."""
    known, own = state.get("owner") or {}, owner()
    alive = known.get("place") == own["place"] and known.get("started") == _started(known.get("process"))
    if known == own or not alive or known.get("started") is None:
        return ""
    return f"process {known['process']}"


def _place() -> list[str]:
    """This machine, its boot, and the namespace in which processes have their numbers."""
    found = [socket.gethostname()]
    with contextlib.suppress(OSError):
        found += [_text("/proc/sys/kernel/random/boot_id"), os.readlink("/proc/self/ns/pid")]
    return found


def _started(process: t.Any) -> str | None:
    """When a process began, in some form that no later process of the same number has; none when there is no such process."""
    if not isinstance(process, int) or process <= 0:
        return None
    if os.path.exists("/proc/self/stat"):
        try:
            # The name before it may hold anything.
            return _text(f"/proc/{process}/stat").rpartition(")")[2].split()[19]
        except (OSError, IndexError):
            return None
    done = subprocess.run(["ps", "-o", "lstart=", "-p", str(process)], capture_output=True, text=True, check=False)
    return done.stdout.strip() or None


def _text(path: str) -> str:
    with open(path, encoding="utf-8", errors="replace") as file:
        return file.read().strip()
