# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""One answer of the platform, whole or still to come."""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass

from ._deadline import Deadline
from ._diagnosis import FAULTS, diagnose
from ._errors import HIDDEN, UnexpectedAnswer, Unreachable, cut

# What is nested deeper nobody can walk through, and how deep JSON is read depends on the version of Python.
LEVELS = 100


def _is_deep(value: t.Any) -> bool:
    """Whether a value has more levels than that."""
    level = [value]
    for dummy in range(LEVELS):
        level = [
            inner
            for part in level
            if isinstance(part, (dict, list))
            for inner in (part.values() if isinstance(part, dict) else part)
        ]
        if not level:
            return False
    return True


@dataclass
class Answer:
    """One answer: header names in lower case; ``date`` is the epoch of its Date header, or None."""

    status: int
    headers: t.Mapping[str, str]
    text: str
    date: float | None = None
    request_id: str = ""
    attempts: int = 1
    method: str = ""
    path: str = ""
    #: An earlier attempt may have taken effect: its answer was lost, or was a 5xx.
    after_loss: bool = False

    def json(self) -> t.Any:
        """Return the body read as JSON. Raises UnexpectedAnswer when it is not JSON; no body is assumed to be."""
        try:
            found = json.loads(self.text)
        except (ValueError, RecursionError):
            raise self.unexpected(f"expected JSON and received {self.described()}") from None
        if _is_deep(found):
            raise self.unexpected(f"expected JSON of at most {LEVELS} levels and received more")
        return found

    def described(self) -> str:
        """Return what the body is, without repeating anything of it that could be a secret."""
        kind = self.headers.get("content-type", "").split(";")[0].strip() or "no content type"
        start = self.text.lstrip()
        if not start:
            return f"an empty body ({kind})"
        # A head and no more: the time that this takes grows with the square of the length.
        title = re.search(r"(?is)<title[^>]*>(.*?)</title>", start[:4096])
        if title:
            return f"a page titled {cut(' '.join(title.group(1).split()), 80)!r} ({kind})"
        if start[0] in "{[" or start[0] == '"':
            return f"broken or incomplete JSON ({kind}, {len(self.text)} characters)"
        if start[0] == "<":
            return f"markup ({kind}, {len(self.text)} characters)"
        # The rest of an answer that lost its beginning may be a link or a token. Words are shorter.
        shown = " ".join(HIDDEN if len(word) > 20 else word for word in start[:4096].split())
        return f"the text {cut(shown, 80)!r} ({kind})"

    def no_page(self) -> None:
        """Raise UnexpectedAnswer when this is a page, such as a proxy's, where no form is expected of the body."""
        if self.headers.get("content-type", "").split(";")[0].strip().lower() == "text/html":
            raise self.unexpected(f"expected no page and received {self.described()}")

    def unexpected(self, message: str, hint: str = "") -> UnexpectedAnswer:
        """Return an UnexpectedAnswer about this answer."""
        return UnexpectedAnswer(
            message,
            method=self.method,
            path=self.path,
            status=self.status,
            request_id=self.request_id,
            attempts=self.attempts,
            hint=hint,
        )


# Seconds and counts; the defaults of the options api_timeout and api_retries.
DEFAULT_TIMEOUT = 30


@dataclass
class Stream(Answer):
    """An answer whose body is still to come, as it is on the wire. Without ``response`` it is in ``text`` already."""

    response: t.Any = None
    host: str = ""
    timeout: float = DEFAULT_TIMEOUT
    deadline: Deadline | None = None

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection back, or give it up when the body has not come whole."""
        if self.response is not None:
            self.response.close()

    @property
    def length(self) -> int | None:
        """How many bytes the body has, as far as the answer says so."""
        return length_of(self.headers.get("content-length", ""))

    def chunks(self, size: int) -> t.Iterator[bytes]:
        """Yield the body in pieces of at most ``size`` bytes. Raises Unreachable when it breaks off."""
        if self.response is None:
            return
        received = 0
        # The bytes are wanted as they were sent: an archive is compressed already.
        self.response.raw.headers.pop("Content-Encoding", None)
        try:
            self._for_another_piece()
            for chunk in self.response.iter_content(size):
                received += len(chunk)
                yield chunk
                self._for_another_piece()
        except FAULTS as error:
            found = diagnose(error, self.host, self.timeout)
            raise self._broken_off(found.message, found.hint) from None
        # Whether a short body is noticed below us depends on the version of urllib3.
        if self.length is not None and received < self.length:
            raise self._broken_off(f"The answer of {self.host} broke off after {received} of {self.length} bytes", "")

    def _for_another_piece(self) -> None:
        """The whole may take as long as it takes, and a piece of it no longer than that."""
        if self.deadline is not None:
            self.deadline.extend()

    def _broken_off(self, message: str, hint: str) -> Unreachable:
        return Unreachable(message, method=self.method, path=self.path, status=self.status, hint=hint)


def length_of(announced: str) -> int | None:
    """Return how many bytes a Content-Length announces, or None when it is no number."""
    return int(announced) if re.fullmatch(r"[0-9]{1,18}", announced) else None
