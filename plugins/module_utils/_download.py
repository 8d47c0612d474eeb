# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Bringing a large file here, in constant memory, and never a part of it under its final name.

It grows in a part, a hidden file with a description beside it. A download that broke off goes on where it stopped, in the
same task or the next one, but only where the server gives a sign that the file is still the same: a strong ETag, or the
same Last-Modified and the same length. Otherwise it starts over.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import itertools
import json
import os
import re
import stat
import typing as t

from ._errors import (
    BadRequest,
    Forbidden,
    NotFound,
    ScalingoError,
    ServerError,
    Unauthorized,
    UnexpectedAnswer,
    Unreachable,
)
from ._transport import Clock, Route, Stream, failure_of

CHUNK = 256 * 1024
#: How much is written at most before it is made sure that it survives a crash.
CHECKPOINT = 64 * 1024 * 1024
#: An attempt that brought so much starts the count of failures anew.
PROGRESS = 1024 * 1024
PAUSE = 1.0
LONGEST_PAUSE = 30.0

#: What every archive begins with. An answer that begins otherwise is shown when it is shorter than this: others may be data.
GZIP = b"\x1f\x8b"
SHOWN = 1000

NO_BACKUP_HINT = (
    "The platform has lost this archive, or does not serve it. "
    "Make another backup with community.scalingo.scalingo_backup, or ask Scalingo's support."
)

#: File systems that cannot rename, of stores of objects, say one of these.
NO_RENAME = (errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM)
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)

ROUTE = Route("download", "GET", "", safe=True, repeatable=True, role="link", doing="download the backup")


@contextlib.contextmanager
def local(doing: str) -> t.Iterator[None]:
    """Say what went wrong with a file of this machine, as an error of the collection."""
    try:
        yield
    except OSError as error:
        hint = {
            errno.ENOSPC: "Free some space, or choose another dest or work_dir.",
            errno.EDQUOT: "Free some space, or choose another dest or work_dir.",
            errno.EACCES: "Give the user of the task the right to write there, or choose another dest or work_dir.",
            errno.EROFS: "Choose another dest or work_dir.",
            errno.ENOSYS: "The file system cannot rename: set work_dir to a directory on another one.",
            errno.EOPNOTSUPP: "The file system cannot rename: set work_dir to a directory on another one.",
        }.get(error.errno or 0, "")
        raise ScalingoError(f"{doing}: {error.strerror or type(error).__name__}", hint=hint) from None


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

    C(subject) names what is downloaded: a part of something else is thrown away.
    """

    def __init__(self, path: str, subject: str) -> None:
        self.path = path
        self.description = path + ".json"
        self.subject = subject
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
                        hint="Remove it, or set work_dir.",
                    )
                self._lock(descriptor)
                if self._still_there(found):
                    return os.fdopen(descriptor, "r+b", buffering=0)
            except BaseException:
                os.close(descriptor)
                raise
            os.close(descriptor)

    def _lock(self, descriptor: int) -> None:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ScalingoError(
                f"another task is downloading to {self.path}", hint="Wait for its end and run this one again."
            ) from None
        except OSError as error:
            if error.errno not in NO_LOCKS:
                raise

    def _still_there(self, found: os.stat_result) -> bool:
        """Whether the file that was locked is still the one of that name: another task may have finished it meanwhile."""
        try:
            current = os.stat(self.path, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return (current.st_dev, current.st_ino) == (found.st_dev, found.st_ino)

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
                "there is no room for the backup: it needs %d bytes more, and %s has %d"
                % (more, os.path.dirname(self.path), free),
                hint="Free some space, or choose another dest or work_dir.",
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


class Source(t.Protocol):
    """Where the file comes from."""

    @property
    def clock(self) -> Clock:
        """What to wait with."""

    @property
    def retries(self) -> int:
        """How many failures in a row end it."""

    def link(self) -> str:
        """A new link to the file; costs a request."""

    def open(self, link: str, headers: t.Mapping[str, str]) -> Stream:
        """What the link leads to."""

    def note(self, message: str) -> None:
        """Say what is worth knowing."""

    def received(self, size: int, total: int | None, seconds: float, rate: float) -> None:
        """Take note of how far it is: bytes of the file, of how many, after how long, and bytes a second."""


def fetch(source: Source, part: Part, size: int | None = None) -> None:
    """Bring the file into the part. I(size) is what the platform says of its size, if anything.

    Raises C(ScalingoError). What there is then stays where it can be gone on with; else nothing stays.
    """
    try:
        _Fetching(source, part, size).run()
    except BaseException as error:
        # Ctrl-C, the time limit of a task and the end of a run are no errors of the file.
        broken_off = (
            not isinstance(error, Exception)
            or isinstance(error, ScalingoError)
            and not isinstance(error, UnexpectedAnswer)
        )
        if broken_off and part.size and part.validators.condition is not None and not _is_local(error):
            part.checkpoint()
            if isinstance(error, ScalingoError):
                error.hint = (
                    "%s %d bytes are kept in %s: the next run goes on from there." % (error.hint, part.size, part.path)
                ).strip()
        else:
            part.discard()
        raise


def _is_local(error: BaseException) -> bool:
    return type(error) is ScalingoError  # pylint: disable=unidiomatic-typecheck


class _Fetching:
    """One file on its way."""

    def __init__(self, source: Source, part: Part, size: int | None) -> None:
        self._source = source
        self._part = part
        self._size = size or None
        self._failures = 0
        self._link: str | None = None
        self._link_is_new = False
        self._received = False
        self._begun = source.clock.now()

    def run(self) -> None:
        part = self._part
        if part.validators.total is not None and self._size not in (None, part.validators.total):
            part.restart()
        if part.size:
            self._source.note("going on with %s from byte %d" % (part.path, part.size))
        while part.validators.total is None or part.size != part.validators.total:
            start, self._received = part.size, False
            try:
                if self._turn():
                    return
            except (ServerError, Unreachable) as error:
                # What comes before the first byte was tried often enough below us.
                if not (self._received or part.size):
                    raise
                if part.size - start >= PROGRESS and part.validators.condition is not None:
                    self._failures = 0
                self._failed(error)
                if part.validators.condition is None:
                    part.restart()

    def _turn(self) -> bool:
        """Ask once, and take in what comes. True when the file is complete."""
        part, clock = self._part, self._source.clock
        if self._link is None:
            self._link = self._source.link()
            self._link_is_new = True
        headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
        if part.size:
            headers["Range"] = "bytes=%d-" % part.size
            headers["If-Range"] = str(part.validators.condition)
        with self._source.open(self._link, headers) as stream:
            if stream.status == 416 and part.size:
                self._start_over(stream, "the file has become shorter")
                return False
            if stream.status not in (200, 206):
                self._refused(stream)
                return False
            pieces = stream.chunks(CHUNK)
            if stream.status == 206 and not self._is_the_rest(stream):
                return False
            self._link_is_new, self._received = False, True
            if stream.status == 200:
                pieces = self._archive(stream, pieces)
                self._begin(stream)
            total = part.validators.total or self._size
            start, begun = part.size, clock.now()
            for piece in pieces:
                part.write(piece)
                seconds = clock.now() - begun
                self._source.received(
                    part.size, total, clock.now() - self._begun, (part.size - start) / max(seconds, 0.001)
                )
            return self._complete(stream)

    def _refused(self, stream: Stream) -> None:
        """A link lives for a while only. Ask for another, once in a row."""
        error = failure_of(ROUTE, stream) or stream.unexpected(
            "the link leads to an answer with status %d" % stream.status
        )
        refused = isinstance(error, (BadRequest, Forbidden, NotFound, Unauthorized))
        if not refused or self._link_is_new:
            error.about(doing=ROUTE.doing)
            error.hint = error.hint or "The platform handed out a link that does not work. Run the task again later."
            raise error
        self._link = None

    def _is_the_rest(self, stream: Stream) -> bool:
        """Whether a 206 is what was asked for; else the next turn starts over."""
        found = re.fullmatch(r"bytes ([0-9]+)-[0-9]+/([0-9]+|\*)", stream.headers.get("content-range", "").strip())
        if found is not None and int(found.group(1)) == self._part.size:
            total = None if found.group(2) == "*" else int(found.group(2))
            if self._part.validators.same_file(Validators.of(stream, total)):
                return True
        self._start_over(stream, "the file has changed")
        return False

    def _start_over(self, stream: Stream, reason: str) -> None:
        self._source.note("starting over after %d bytes: %s" % (self._part.size, reason))
        self._part.restart()
        self._failed(stream.unexpected(f"{reason}, again and again"))

    def _archive(self, stream: Stream, pieces: t.Iterator[bytes]) -> t.Iterator[bytes]:
        """The same pieces, when an archive begins with them. Error texts come with status 200, too, and as any type."""
        start = b""
        for piece in pieces:
            start += piece
            if len(start) >= (len(GZIP) if start[: len(GZIP)] == GZIP else SHOWN):
                break
        if start[: len(GZIP)] == GZIP:
            return itertools.chain([start], pieces)
        if not start:
            raise stream.unexpected("the link leads to an empty file", NO_BACKUP_HINT)
        length = len(start) if stream.length is None and len(start) < SHOWN else stream.length
        stream.text = start.decode("utf-8", "replace")
        if stream.text.lstrip()[:1] == "<":
            said = stream.described()
        elif len(start) >= SHOWN or re.search("[^\\t\\n\\r\x20-\x7e\xa0-\ufffc]", stream.text):
            said = "it begins with the bytes {}".format(start[:4].hex(" "))
        else:
            said = " ".join(stream.text.split())
        if length is not None and self._size not in (None, length):
            raise stream.unexpected(f"{self._wrong_size(length)}: {said}", NO_BACKUP_HINT)
        raise stream.unexpected(f"the download is not a gzipped archive: {said}", NO_BACKUP_HINT)

    def _wrong_size(self, size: int) -> str:
        return "the download has %d bytes, and the platform says %s" % (size, self._size)

    def _begin(self, stream: Stream) -> None:
        """Begin a file. The length of a 200 is that of the whole."""
        part = self._part
        validators = Validators.of(stream, stream.length)
        if validators.total is not None and self._size not in (None, validators.total):
            raise stream.unexpected(self._wrong_size(validators.total), NO_BACKUP_HINT)
        if part.size:
            changed = validators != part.validators
            self._source.note(
                "starting over after %d bytes: %s"
                % (part.size, "the file has changed" if changed else "the server sends no parts")
            )
        part.restart(validators)
        if validators.total is not None:
            part.require_space(validators.total)

    def _complete(self, stream: Stream) -> bool:
        part = self._part
        total = part.validators.total
        if total is None and "chunked" not in stream.headers.get("transfer-encoding", "").lower():
            # The end of the connection is the only sign of the end of the file, so it takes another one.
            total = None if self._size is None else max(self._size, part.size)
        if total is not None and part.size != total:
            raise Unreachable("the download broke off after %d of %d bytes" % (part.size, total), path=stream.path)
        if self._size not in (None, part.size):
            raise stream.unexpected(self._wrong_size(part.size), NO_BACKUP_HINT)
        return True

    def _failed(self, error: ScalingoError) -> None:
        """Count, and wait a little, or give up."""
        self._failures += 1
        if self._failures > self._source.retries:
            raise error
        clock = self._source.clock
        clock.sleep((0.5 + clock.random() / 2) * min(LONGEST_PAUSE, PAUSE * 2.0 ** (self._failures - 1)))


def write_atomically(path: str, text: str, mode: int) -> None:
    """Write a small file that is there as a whole or not at all."""
    temporary = path + ".new"
    with local(f"write {path}"):
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                os.fchmod(file.fileno(), mode)
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            try:
                os.replace(temporary, path)
            except OSError as error:
                if error.errno not in NO_RENAME:
                    raise
                os.unlink(temporary)
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(temporary)
            raise


def sync_directory(path: str) -> None:
    """Make a rename survive a crash, where the file system can."""
    with contextlib.suppress(OSError):
        descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


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
        _copy(part, beside, mode)
        os.replace(beside, dest)
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        if error.errno not in NO_RENAME:
            raise
        try:
            _copy(part, dest, mode)
        except BaseException:
            with contextlib.suppress(OSError):
                os.unlink(dest)
            raise
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(beside)
        raise


def _copy(part: Part, path: str, mode: int) -> None:
    digest = hashlib.sha256()
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    with open(part.path, "rb") as source, os.fdopen(os.open(path, flags, 0o600), "wb") as target:
        with contextlib.suppress(PermissionError):
            os.fchmod(target.fileno(), mode)
        while True:
            piece = source.read(CHUNK)
            if not piece:
                break
            digest.update(piece)
            target.write(piece)
        target.flush()
        os.fsync(target.fileno())
    if digest.hexdigest() != part.digest.hexdigest():
        part.discard()
        raise ScalingoError(f"{part.path} is damaged: reading it again gives other bytes than were received")
