# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the scripts share: where things are, in which environment tools run, and how processes are ended for certain."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

ROOT = Path(__file__).resolve().parents[1]
CACHE = ROOT / ".cache"
PROGRAMS = CACHE / "venv" / "bin"
COLLECTIONS = CACHE / "collections"

#: Where files are in memory, how much of it tests may take there, and the variable that says where in it this run has its files.
IN_MEMORY = Path("/dev/shm")  # noqa: S108
NEEDED = 6 * 1024**3
TEMPORARY = "SCALINGO_TESTS_TMPDIR"

#: What of the caller's environment may reach a tool: the way to the registries, how a terminal is talked to, and what is above.
KEPT = ("TERM", "COLUMNS", "CI", "NO_COLOR", "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", TEMPORARY)
KEPT_ENDINGS = ("_proxy", "_PROXY")


def environment(home: Path | None = None, **more: str) -> dict[str, str]:
    """An environment made from nothing, in which every place to write lies in .cache, or for what is short-lived in memory."""
    home = home or CACHE / "home"
    temporary = Path(os.environ.get(TEMPORARY) or CACHE / "tmp")
    for directory in (home, temporary):
        directory.mkdir(parents=True, exist_ok=True)
    interpreter = str(Path(os.path.realpath(sys.executable)).parent)
    # Stand-ins of a version manager are called as the interpreters are, and fail when Ansible or ansible-test picks them.
    paths = [
        path
        for path in os.environ.get("PATH", os.defpath).split(os.pathsep)
        if path and "shims" not in Path(path).parts
    ]
    kept = {name: value for name, value in os.environ.items() if name in KEPT or name.endswith(KEPT_ENDINGS)}
    direct = ",".join(
        filter(None, [os.environ.get("NO_PROXY") or os.environ.get("no_proxy"), "localhost", "127.0.0.1", "::1"])
    )
    return {
        **kept,
        "NO_PROXY": direct,
        "no_proxy": direct,
        "PATH": os.pathsep.join(
            dict.fromkeys([str(PROGRAMS), interpreter, *paths, "/usr/local/bin", "/usr/bin", "/bin"])
        ),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "LC_ALL": "C.UTF-8",
        "TMPDIR": str(temporary),
        "PYTHONUNBUFFERED": "1",
        "ANSIBLE_HOME": str(home / ".ansible"),
        "ANSIBLE_LOCAL_TEMP": str(temporary),
        "ANSIBLE_REMOTE_TEMP": str(temporary),
        "ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS),
        "ANSIBLE_LOCALHOST_WARNING": "false",
        "ANSIBLE_NOCOWS": "true",
        **more,
    }


def free_memory() -> int:
    """How many bytes this process and what it starts may still take, as far as the system tells."""
    found = []
    with contextlib.suppress(OSError), open("/proc/meminfo", encoding="ascii") as stream:
        found += [int(line.split()[1]) * 1024 for line in stream if line.startswith("MemAvailable:")]
    for limit, used in (
        ("memory.max", "memory.current"),
        ("memory/memory.limit_in_bytes", "memory/memory.usage_in_bytes"),
    ):
        with contextlib.suppress(OSError, ValueError):
            numbers = [int((Path("/sys/fs/cgroup") / name).read_text(encoding="ascii")) for name in (limit, used)]
            found.append(numbers[0] - numbers[1])
    return min(found, default=0)


@contextlib.contextmanager
def files_in_memory() -> Iterator[None]:
    """Have the temporary files of tests in memory, if there is plenty, and remove them at the end: tests make and remove some hundred thousand.

    What a run left there that was killed is removed by the next: its lock is free.
    """
    for place in IN_MEMORY.glob("scalingo-tests-*"):
        with contextlib.suppress(OSError), open(place / "lock", "rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(place, ignore_errors=True)
    try:
        found = os.statvfs(IN_MEMORY)
        fits = min(found.f_bavail * found.f_frsize, free_memory()) >= NEEDED and not found.f_flag & os.ST_NOEXEC
    except OSError:
        fits = False
    if TEMPORARY in os.environ or not fits or not os.access(IN_MEMORY, os.W_OK | os.X_OK):
        yield
        return
    place = Path(tempfile.mkdtemp(prefix="scalingo-tests-", dir=IN_MEMORY))
    try:
        with open(place / "new", "wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            os.rename(place / "new", place / "lock")
            # Some tests are another user's.
            place.chmod(0o755)
            os.environ[TEMPORARY] = str(place)
            yield
    finally:
        os.environ.pop(TEMPORARY, None)
        shutil.rmtree(place, ignore_errors=True)


def files() -> list[Path]:
    """Every file of the project, relative to its root: what git has or would take; without git, all but .cache and leavings."""
    listing = (
        subprocess.run(
            ["git", "-c", "safe.directory=*", "ls-files", "-co", "--exclude-standard", "-z"],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        if (ROOT / ".git").exists()
        else None
    )
    if listing is not None and listing.returncode == 0:
        found = [Path(name) for name in set(listing.stdout.split("\0")) if name]
    else:
        left_out = {".git", ".cache", ".ansible", "__pycache__", "node_modules"}
        found = [
            Path(directory, name).relative_to(ROOT)
            for directory, directories, names in os.walk(ROOT)
            if not left_out & set(Path(directory).relative_to(ROOT).parts)
            for name in names
        ]
    return sorted(path for path in found if (ROOT / path).is_file() or (ROOT / path).is_symlink())


#: What users of the installed collection get. Everything else of the project stays out.
SHIPPED = (
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "LICENSE",
    "README.md",
    "SECURITY.md",
    "LICENSES/GPL-3.0-or-later.txt",
    "LICENSES/BSD-2-Clause.txt",
    "changelogs/changelog.yaml",
    "changelogs/config.yaml",
    "docs/",
    "extensions/awx/",
    "extensions/eda/",
    "extensions/ee/",
    "meta/",
    "playbooks/",
    "plugins/",
    "roles/",
    "tests/config.yml",
)
NOT_SHIPPED = ("playbooks/demo", "playbooks/every_module")


def shipped() -> list[Path]:
    """The files that belong into the artifact for Galaxy. scripts/check_artifact compares what is built with them."""

    def wanted(name: str) -> bool:
        return any(
            name.startswith(item) if item.endswith("/") else name == item for item in SHIPPED
        ) and not name.startswith(NOT_SHIPPED)

    return [path for path in files() if wanted(path.as_posix()) and path.suffix != ".pyc"]


def descendants(pid: int) -> list[int]:
    """The processes that this one started, and theirs, as far as the system tells; those that only wait to be buried excepted."""
    children: dict[int, list[int]] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError):
            state, parent = path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[:2]
            if state != "Z":
                children.setdefault(int(parent), []).append(int(path.parent.name))
    found: list[int] = []
    waiting = [pid]
    while waiting:
        mine = children.get(waiting.pop(), [])
        found += mine
        waiting += mine
    return found


def kill(pids: list[int], number: int) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.kill(pid, number)


def end(process: subprocess.Popen[str] | subprocess.Popen[bytes], patience: float = 5.0) -> None:
    """End a process that leads a group of its own, with all that it started: first kindly, then for certain.

    What Ansible and tests start has groups of its own, so the group alone is not enough.
    """
    started = descendants(process.pid)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGTERM)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(patience)
    kill([process.pid] if process.poll() is None else [], signal.SIGKILL)
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
    still = set(descendants(os.getpid()))
    kill([pid for pid in started if pid in still], signal.SIGKILL)
    process.wait()


def adopt() -> None:
    """On Linux, become the parent of every descendant whose own parent ends, so that none can get away."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None, use_errno=True).prctl(36, 1, 0, 0, 0)


def end_all() -> None:
    """End whatever is left of what this process started, directly or not."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        for dummy in range(20):
            left = descendants(os.getpid())
            if not left:
                return
            kill(left, number)
            time.sleep(0.1)


class Stopped(BaseException):
    """A signal said stop. Raised where the program is, so that every `finally` does its part."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextlib.contextmanager
def stoppable() -> Iterator[None]:
    """Turn Ctrl-C, SIGTERM and SIGHUP into one exception, and that into the exit status that shells expect.

    Whichever way it ends, nothing that was started goes on.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)
        raise Stopped(number)

    adopt()
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, stop)
    try:
        yield
    except Stopped as stopped:
        print(f"stopped by {signal.Signals(stopped.number).name}", file=sys.stderr, flush=True)
        sys.exit(128 + stopped.number)
    finally:
        end_all()
