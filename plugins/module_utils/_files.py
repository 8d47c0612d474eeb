# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Files of this machine: there as a whole or not at all, locked, and their digests. What goes wrong with one is told by its name."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import typing as t

from ._errors import ScalingoError

try:
    import fcntl
except ImportError:
    # Then there are no locks, and nobody asks for one: tokens are kept in memory only.
    pass

#: What is read of a file at a time.
CHUNK = 256 * 1024

#: File systems that cannot rename, of stores of objects, say one of these.
NO_RENAME = (errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM)
#: What file systems without locks say.
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)


@contextlib.contextmanager
def local(doing: str) -> t.Iterator[None]:
    """Say what went wrong with a file of this machine, as an error of the collection."""
    try:
        yield
    except OSError as error:
        hint = {
            errno.ENOSPC: "Free some space, or choose another directory.",
            errno.EDQUOT: "Free some space, or choose another directory.",
            errno.EACCES: "Give the user of the task the right to write there, or choose another directory.",
            errno.EROFS: "Choose another directory.",
            errno.ENOSYS: "The file system cannot rename: use a directory on another one.",
            errno.EOPNOTSUPP: "The file system cannot rename: use a directory on another one.",
        }.get(error.errno or 0, "")
        raise ScalingoError(f"{doing}: {error.strerror or type(error).__name__}", hint=hint) from None


@contextlib.contextmanager
def or_nothing(path: str) -> t.Iterator[None]:
    """Leave nothing of a file whose making fails, or is ended."""
    try:
        yield
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(path)
        raise


def create(path: str, directory: int | None = None) -> t.BinaryIO:
    """Make a file for its owner alone, where there is none yet, and no link either; in an open directory, if one is given."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o600, dir_fd=directory), "wb")


def write_atomically(path: str, text: str | bytes, mode: int, growing: str | None = None) -> None:
    """Write a small file that is there as a whole or not at all. It grows as `growing`, in the same file system, or beside its place."""
    temporary = growing or path + ".new"
    content = text.encode("utf-8") if isinstance(text, str) else text
    with local(f"write {path}"), or_nothing(temporary):
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            os.fchmod(file.fileno(), mode)
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        try:
            os.replace(temporary, path)
        except OSError as error:
            if error.errno not in NO_RENAME:
                raise
            os.unlink(temporary)
            with open(path, "wb") as file:
                file.write(content)


def sync_directory(path: str) -> None:
    """Make a rename survive a crash, where the file system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def lock(descriptor: int, shared: bool = False) -> bool:
    """Lock an open file until it is closed, at once or not at all: false while somebody else holds it, with `shared` for himself."""
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def taken(descriptor: int, shared: bool = False) -> bool | None:
    """Lock an open file as `lock` does; none where the file system has no locks."""
    try:
        return lock(descriptor, shared)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise
        return None


def is_called(descriptor: int, path: str, directory: int | None = None) -> bool:
    """Whether an open file is still the one of that name: somebody may have put another in its place, or removed it."""
    try:
        named = os.stat(path, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(named, os.fstat(descriptor))


def pieces(file: t.BinaryIO) -> t.Iterator[bytes]:
    """Yield what is in a file, piece by piece."""
    return iter(lambda: file.read(CHUNK), b"")


def digest(file: t.BinaryIO, tell: t.Callable[[int], object] = lambda read: None) -> str:
    """Return the SHA-256 of an open file. `tell` is told again and again how many bytes were read."""
    found, read = hashlib.sha256(), 0
    for piece in pieces(file):
        found.update(piece)
        read += len(piece)
        tell(read)
    return found.hexdigest()


def digest_of(path: str, tell: t.Callable[[int], object] = lambda read: None) -> str:
    """Return the SHA-256 of a file, as `digest` does."""
    with local(f"read {path}"), open(path, "rb") as file:
        return digest(file, tell)


def read_json(path: str) -> tuple[t.Any, str]:
    """Return what a file of JSON holds, or why that cannot be told."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file), ""
    except OSError as error:
        return None, error.strerror or type(error).__name__
    except (ValueError, RecursionError):
        return None, "it is not JSON"


def name_of(text: str, length: int) -> str:
    """Return a name of so many signs for a text, from which nothing of the text can be read back."""
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:length]
