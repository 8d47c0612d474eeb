# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""The file that a download grows in, and how it gets its name."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import re
import stat
import typing as t

from ._answer import Stream
from ._errors import ScalingoError
from ._files import CHUNK, NO_RENAME, is_called, local, or_nothing, pieces, sync_directory, taken, write_atomically

#: How much is written at most before it is made sure that it survives a crash.
CHECKPOINT = 64 * 1024 * 1024


class Validators(t.NamedTuple):
    """What an answer says about the file that it is a part of."""

    etag: str | None
    modified: str | None
    total: int | None

    @classmethod
    def of(cls, stream: Stream, total: int | None) -> Validators:
        etag = stream.headers.get("etag", "").strip()
        strong = re.fullmatch(r'"[^"]*"', etag) is not None
        return cls(etag if strong else None, stream.headers.get("last-modified") or None, total)

    @property
    def condition(self) -> str | None:
        """What a request for the rest is made conditional on; none when nothing tells whether the file is the same."""
        return self.etag or (self.modified if self.total is not None else None)

    def same_file(self, other: Validators) -> bool:
        """Whether an answer to a conditional request is about the same file. It may leave out what has not changed."""
        if self.total is not None and other.total not in (None, self.total):
            return False
        if self.etag is not None and other.etag is not None:
            return self.etag == other.etag
        if self.modified is not None and other.modified not in (None, self.modified):
            return False
        return self.total is not None and self.total == other.total


NOTHING = Validators(None, None, None)


class Part:
    """The hidden file that a download grows in, locked, with a description of what it is a part of beside it.

    `subject` names what is downloaded: a part of something else is thrown away. Unless it `stays`, nothing is left of a download that
    breaks off.
    """

    def __init__(self, path: str, subject: str, stays: bool = True) -> None:
        self.path = path
        self.description = path + ".json"
        self.subject = subject
        self.stays = stays
        self.size = 0
        self.validators = NOTHING
        self.digest = hashlib.sha256()
        self._synced = 0
        self._file: t.BinaryIO | None = None

    def __enter__(self) -> Part:
        with local(f"open {self.path}"):
            self._file = self._opened()
            try:
                self._take_up()
            except BaseException:
                self._file.close()
                raise
        return self

    def __exit__(self, *details: object) -> None:
        with contextlib.suppress(OSError):
            self._open_file.close()

    @property
    def _open_file(self) -> t.BinaryIO:
        if self._file is None:
            raise TypeError("the part is not open")
        return self._file

    def _opened(self) -> t.BinaryIO:
        while True:
            descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                found = os.fstat(descriptor)
                if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
                    raise ScalingoError(
                        f"{self.path} is in the way: it is not a file of this user",
                        hint="Remove it, or use another directory.",
                    )
                if taken(descriptor) is False:
                    raise ScalingoError(
                        f"another task is downloading to {self.path}", hint="Wait for its end and run this one again."
                    )
                # Another task may have finished it meanwhile.
                if is_called(descriptor, self.path):
                    return os.fdopen(descriptor, "r+b", buffering=0)
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def _take_up(self) -> None:
        """Go on with what an earlier task left, as far as it is sure to have reached the disk."""
        known = self._described()
        self.restart()
        if known is None:
            return
        validators, synced = known
        length = 0
        while length < synced:
            piece = self._open_file.read(min(CHUNK, synced - length))
            if not piece:
                break
            self.digest.update(piece)
            length += len(piece)
        if length < synced:
            self.restart()
        else:
            self._open_file.truncate(length)
            self.size = self._synced = length
            self.validators = validators

    def _described(self) -> tuple[Validators, int] | None:
        try:
            with open(self.description, encoding="utf-8") as file:
                found = json.load(file)
            validators = Validators(found["etag"], found["last_modified"], found["total"])
            synced, subject = found["synced"], found["subject"]
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        texts = all(isinstance(text, (str, type(None))) for text in validators[:2])
        numbers = all(
            isinstance(number, int) for number in (synced, 0 if validators.total is None else validators.total)
        )
        if not texts or not numbers or subject != self.subject or synced <= 0 or validators.condition is None:
            return None
        return validators, synced

    def restart(self, validators: Validators = NOTHING) -> None:
        """Throw away what there is: another file begins."""
        with local(f"write to {self.path}"):
            if self.size or validators is not NOTHING:
                self._open_file.truncate(0)
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(self.description)
            self._open_file.seek(0)
        self.size = self._synced = 0
        self.validators = validators
        self.digest = hashlib.sha256()

    def write(self, piece: bytes) -> None:
        """Append. Now and then it is made sure that what was written survives a crash."""
        with local(f"write to {self.path}"):
            rest = memoryview(piece)
            while rest:
                rest = rest[self._open_file.write(rest) :]
        self.digest.update(piece)
        self.size += len(piece)
        if self.size - self._synced >= CHECKPOINT:
            self.checkpoint()

    def checkpoint(self) -> None:
        """Make sure that what there is can be gone on with later, where that is possible at all."""
        if self.validators.condition is None or self.size == self._synced:
            return
        self.sync()
        described = {
            "subject": self.subject,
            "etag": self.validators.etag,
            "last_modified": self.validators.modified,
            "total": self.validators.total,
            "synced": self.size,
        }
        write_atomically(self.description, json.dumps(described) + "\n", 0o600)
        self._synced = self.size

    def sync(self) -> None:
        """Wait until the disk holds what was written."""
        with local(f"write to {self.path}"):
            os.fsync(self._open_file.fileno())

    def require_space(self, more: int) -> None:
        """Refuse a file that does not fit, before the disk is full of a part of it."""
        with local(f"write to {self.path}"):
            try:
                found = os.fstatvfs(self._open_file.fileno())
            except OSError as error:
                if error.errno != errno.ENOSYS:
                    raise
                return
        free = found.f_bavail * found.f_frsize
        # A file system that knows no size says that nothing of it is there.
        if found.f_blocks and free < more:
            raise ScalingoError(
                f"there is no room for the backup: it needs {more} bytes more, and {os.path.dirname(self.path)} has {free}",
                hint="Free some space, or choose another directory.",
            )

    def set_mode(self, mode: int) -> None:
        """Give the file its permissions."""
        os.fchmod(self._open_file.fileno(), mode)

    def forget(self) -> None:
        """Remove the description of a part that has become the whole."""
        with contextlib.suppress(OSError):
            os.unlink(self.description)

    def discard(self) -> None:
        """Leave nothing behind."""
        for path in (self.path, self.description, self.description + ".new"):
            with contextlib.suppress(OSError):
                os.unlink(path)


def publish(part: Part, dest: str, mode: int) -> None:
    """Give the complete file its name, in one step.

    When the part is on another file system, it is copied beside the destination first. Where the destination's file
    system cannot rename at all, it is copied under its name: such stores show a file when it is closed.
    """
    part.checkpoint()
    part.sync()
    with local(f"write {dest}"):
        part.set_mode(mode)
        try:
            os.replace(part.path, dest)
        except OSError as error:
            if error.errno != errno.EXDEV:
                raise
            _publish_copy(part, dest, mode)
            part.discard()
        else:
            part.forget()
    sync_directory(os.path.dirname(dest))


def _publish_copy(part: Part, dest: str, mode: int) -> None:
    beside = os.path.join(os.path.dirname(dest), f".{os.path.basename(dest)}.copy")
    try:
        with or_nothing(beside):
            _copy(part, beside, mode)
            os.replace(beside, dest)
    except OSError as error:
        if error.errno not in NO_RENAME:
            raise
        with or_nothing(dest):
            _copy(part, dest, mode)


def _copy(part: Part, path: str, mode: int) -> None:
    digest = hashlib.sha256()
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(part.path, "rb") as source, os.fdopen(os.open(path, flags, 0o600), "wb") as target:
        with contextlib.suppress(PermissionError):
            os.fchmod(target.fileno(), mode)
        for piece in pieces(source):
            digest.update(piece)
            target.write(piece)
        target.flush()
        os.fsync(target.fileno())
    if digest.hexdigest() != part.digest.hexdigest():
        part.discard()
        raise ScalingoError(f"{part.path} is damaged: reading it again gives other bytes than were received")
