# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This file is private to the collection: it may change without notice.

"""What the tasks and forks of one user share: short-lived tokens, and the pace after a 429.

One small file and one lock per key, 0600 in a 0700 directory of the user's own. Whatever is not as it should be turns
the store off for this process, with one line at -v: everything then works from memory. The API token is never in it.
"""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import stat
import typing as t
import weakref

from ._core import Clock
from ._files import create, is_called, lock, name_of

try:
    import pwd
except ImportError:
    FCNTL_FOUND = False
else:
    FCNTL_FOUND = True

DIRECTORY_NAME = "community.scalingo"
LOCK_SECONDS = 10.0
LOCK_POLL_SECONDS = 0.05
ENTRY_LIMIT = 65536
# Nothing in the store outlives the hour; a moment further ahead means that the clock was changed.
LONGEST_LIFE = 3660.0
DAY = 86400.0
# No clock shows a moment after this one.
LATEST = 1e11


def cache_key(kind: str, *parts: str) -> str:
    """Return the name of an entry: a hash of what it depends on, from which nothing of that can be read back."""
    text = json.dumps(["community.scalingo", 1, kind, *parts])
    return f"{kind}-{name_of(text, 40)}"


def places() -> list[str]:
    """Return the directories to try, best first: the user's runtime directory, then the user's cache directory."""
    found = []
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    if os.path.isabs(runtime) and os.path.isdir(runtime):
        found.append(os.path.join(runtime, DIRECTORY_NAME))
    home = os.path.expanduser("~")
    cache = os.environ.get("XDG_CACHE_HOME", "")
    if os.path.isabs(cache):
        found.append(os.path.join(cache, DIRECTORY_NAME))
    elif os.path.isabs(home) and os.path.isdir(home):
        found.append(os.path.join(home, ".cache", DIRECTORY_NAME))
    return found if os.geteuid() != 0 else _of_root(found)


def _of_root(found: list[str]) -> list[str]:
    """Return what root may use: sudo may keep the variables of a user, who could not use what root leaves there."""
    kept = [place for place in found if _owner(place) == 0]
    if found and not kept:
        home = pwd.getpwuid(0).pw_dir
        kept = [os.path.join(home, ".cache", DIRECTORY_NAME)] if os.path.isdir(home) else []
    return kept


def _owner(path: str) -> int:
    """Return whose the path is, or the directory that it would be made in."""
    while not os.path.lexists(path):
        path = os.path.dirname(path)
    return os.lstat(path).st_uid


class Store:
    """Entries by key, shared by the processes of one user. Never fails: an entry is there, or it is not."""

    def __init__(self, *, clock: Clock, verbose: t.Callable[[str], None], enabled: bool = True) -> None:
        self.clock = clock
        self.verbose = verbose
        self.enabled = enabled
        self._descriptor: int | None = None
        self._finalize: t.Callable[[], t.Any] | None = None
        self._swept = False

    def close(self) -> None:
        """Close the directory. It is opened again when it is needed again."""
        if self._finalize is not None:
            self._finalize()
            self._finalize = self._descriptor = None

    def read(self, key: str) -> dict[str, t.Any] | None:
        """Return an entry that has not expired, or None."""
        directory = self._directory()
        if directory is None:
            return None
        try:
            flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
            with os.fdopen(os.open(key + ".json", flags, dir_fd=directory), "rb") as file:
                _require_private(os.fstat(file.fileno()), stat.S_ISREG)
                entry = json.loads(file.read(ENTRY_LIMIT))
            expires_at = float(entry["expires_at"])
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, RecursionError, OverflowError):
            return None
        except OSError as error:
            self._off(error)
            return None
        now = self.clock.wall()
        return entry if now < expires_at <= now + LONGEST_LIFE else None

    def write(self, key: str, entry: t.Mapping[str, t.Any], expires_at: float) -> None:
        """Put an entry in the place of the one before it, at once or not at all."""
        directory = self._directory()
        if directory is None:
            return
        temporary = f"{key}.{secrets.token_hex(8)}.tmp"
        try:
            with create(temporary, directory) as file:
                file.write(json.dumps({**entry, "expires_at": expires_at}).encode())
                file.flush()
                # The time of the file is the time of its end: so sweeping needs to read nothing.
                os.utime(file.fileno(), (expires_at, expires_at))
            os.rename(temporary, key + ".json", src_dir_fd=directory, dst_dir_fd=directory)
        except OSError as error:
            with contextlib.suppress(OSError):
                os.unlink(temporary, dir_fd=directory)
            self._off(error)
        else:
            if not self._swept:
                self._sweep(directory)

    def remove(self, key: str) -> None:
        """Remove an entry."""
        directory = self._directory()
        if directory is not None:
            with contextlib.suppress(OSError):
                os.unlink(key + ".json", dir_fd=directory)

    @contextlib.contextmanager
    def lock(self, key: str) -> t.Iterator[bool]:
        """Hold the lock of a key; true when it is held. After ten seconds without it the store is turned off."""
        descriptor = self._acquire(key + ".lock")
        try:
            yield descriptor is not None
        finally:
            if descriptor is not None:
                os.close(descriptor)

    @property
    def off(self) -> bool:
        """Whether there is nothing that is shared."""
        return self._directory() is None

    def try_lock(self, key: str) -> int | None:
        """Return the descriptor of the lock of a key, which closing it releases; None when it is held, or there are none."""
        directory = self._directory()
        if directory is None:
            return None
        try:
            return try_lock(key + ".lock", directory, os.O_CREAT)
        except OSError as error:
            self._off(error)
            return None

    def _acquire(self, name: str) -> int | None:
        deadline = self.clock.now() + LOCK_SECONDS
        while True:
            directory = self._directory()
            if directory is None:
                return None
            try:
                descriptor = try_lock(name, directory, os.O_CREAT)
            except OSError as error:
                self._off(error)
                return None
            if descriptor is not None:
                return descriptor
            if self.clock.now() >= deadline:
                self._off(f"a lock was not free for {LOCK_SECONDS:g} seconds")
                return None
            self.clock.sleep(LOCK_POLL_SECONDS * (0.2 + self.clock.random()))

    def _sweep(self, directory: int) -> None:
        """Remove what has expired, what was left half-written, and locks that nobody has used for a day."""
        self._swept = True
        now = self.clock.wall()
        with contextlib.suppress(OSError):
            for name in os.listdir(directory):
                with contextlib.suppress(OSError):
                    changed = os.stat(name, dir_fd=directory, follow_symlinks=False).st_mtime
                    if name.endswith(".lock") and changed < now - DAY:
                        _remove_lock(name, directory)
                    elif name.endswith(".json") and changed < now or name.endswith(".tmp") and changed < now - DAY:
                        os.unlink(name, dir_fd=directory)

    def _directory(self) -> int | None:
        """Return the descriptor of the directory, opened and checked when first needed, or None."""
        if not self.enabled or self._descriptor is not None:
            return self._descriptor if self.enabled else None
        problem: t.Any = "there is no home directory" if FCNTL_FOUND else "this system has no file locks"
        for place in places() if FCNTL_FOUND else []:
            try:
                self._descriptor = open_private(place)
            except OSError as error:
                problem = error
            else:
                self._finalize = weakref.finalize(self, os.close, self._descriptor)
                return self._descriptor
        self._off(problem)
        return None

    def _off(self, reason: t.Any) -> None:
        self.enabled = False
        self.verbose(f"scalingo: tokens are kept in memory only: {reason}")


def _require_private(status: os.stat_result, kind: t.Callable[[int], bool]) -> None:
    if not kind(status.st_mode):
        raise PermissionError("the cache holds something that is neither a file nor a directory of ours")
    if status.st_uid != os.geteuid():
        raise PermissionError(f"the cache belongs to the user id {status.st_uid}, and this is {os.geteuid()}")
    if status.st_mode & 0o077:
        raise PermissionError(f"the cache is open to others (mode {stat.S_IMODE(status.st_mode):04o})")


def open_private(path: str) -> int:
    """Return the descriptor of a directory that is the user's alone, made where there is none. Raises OSError."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    with contextlib.suppress(FileExistsError):
        os.mkdir(path, 0o700)
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        _require_private(os.fstat(descriptor), stat.S_ISDIR)
        if not os.access(path, os.W_OK | os.X_OK):
            raise PermissionError(f"{path} cannot be written")
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def try_lock(name: str, directory: int, create: int) -> int | None:
    """Return the descriptor of a lock file that is now held, or None while somebody else holds it."""
    descriptor = os.open(name, os.O_RDWR | create | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600, dir_fd=directory)
    try:
        _require_private(os.fstat(descriptor), stat.S_ISREG)
        # A lock file may be swept between opening and locking: then it is no lock any more.
        if lock(descriptor) and is_called(descriptor, name, directory):
            return descriptor
    except OSError:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _remove_lock(name: str, directory: int) -> None:
    descriptor = try_lock(name, directory, 0)
    if descriptor is not None:
        os.unlink(name, dir_fd=directory)
        os.close(descriptor)
