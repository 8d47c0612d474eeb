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

import itertools
import re
import typing as t

from ._answer import Stream
from ._core import Clock
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
from ._files import CHUNK
from ._part import Part, Validators
from ._route import NONE, Route, failure_of

#: An attempt that brought so much starts the count of failures anew.
PROGRESS = 1024 * 1024
PAUSE = 1.0
LONGEST_PAUSE = 30.0
#: Seconds for which a link counts as new. It lives for minutes only, and a rate limit may have taken these (docs/contract.md, C6).
NEW = 60.0

#: What every archive begins with. An answer that begins otherwise is shown when it is shorter than this: others may be data.
GZIP = b"\x1f\x8b"
SHOWN = 1000

NO_BACKUP_HINT = (
    "The platform has lost this archive, or does not serve it. "
    "Make another backup with community.scalingo.scalingo_backup, or ask Scalingo's support."
)


ROUTE = Route[None](
    "download", "GET", "", safe=True, repeatable=True, role="link", auth=NONE, doing="download the backup"
)


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
    """Bring the file into the part. `size` is what the platform says of its size, if anything.

    Raises `ScalingoError`. What there is then stays where it can be gone on with; else nothing stays.
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
        if broken_off and part.stays and part.size and part.validators.condition is not None and not _is_local(error):
            part.checkpoint()
            if isinstance(error, ScalingoError):
                error.hint = (
                    f"{error.hint} {part.size} bytes are kept in {part.path}: the next run resumes there."
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
        #: When a link was handed out that nothing came from yet.
        self._link_made: float | None = None
        self._received = False
        self._begun = source.clock.now()

    def run(self) -> None:
        part = self._part
        if part.validators.total is not None and self._size not in (None, part.validators.total):
            part.restart()
        if part.size:
            self._source.note(f"going on with {part.path} from byte {part.size}")
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
            self._link_made = clock.now()
        headers = {"Accept": "*/*", "Accept-Encoding": "identity"}
        if part.size:
            headers["Range"] = f"bytes={part.size}-"
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
            self._link_made, self._received = None, True
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
        """A link lives for a while only. Ask for another, unless this one was made just now."""
        error = failure_of(ROUTE, stream) or stream.unexpected(
            f"the link leads to an answer with status {stream.status}"
        )
        refused = isinstance(error, (BadRequest, Forbidden, NotFound, Unauthorized))
        if not refused or (self._link_made is not None and self._source.clock.now() - self._link_made < NEW):
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
        self._source.note(f"starting over after {self._part.size} bytes: {reason}")
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
            said = f"it begins with the bytes {start[:4].hex(' ')}"
        else:
            said = " ".join(stream.text.split())
        if length is not None and self._size not in (None, length):
            raise stream.unexpected(f"{self._wrong_size(length)}: {said}", NO_BACKUP_HINT)
        raise stream.unexpected(f"the download is not a gzipped archive: {said}", NO_BACKUP_HINT)

    def _wrong_size(self, size: int) -> str:
        return f"the download has {size} bytes, and the platform says {self._size}"

    def _begin(self, stream: Stream) -> None:
        """Begin a file. The length of a 200 is that of the whole."""
        part = self._part
        validators = Validators.of(stream, stream.length)
        if validators.total is not None and self._size not in (None, validators.total):
            raise stream.unexpected(self._wrong_size(validators.total), NO_BACKUP_HINT)
        if part.size:
            changed = validators != part.validators
            self._source.note(
                f"starting over after {part.size} bytes: "
                f"{'the file has changed' if changed else 'the server sends no parts'}"
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
            raise Unreachable(f"the download broke off after {part.size} of {total} bytes", path=stream.path)
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
