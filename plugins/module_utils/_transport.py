# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This file is private to the collection: it may change without notice.

"""One HTTP conversation: timeouts, retries, rate limit, and what may never leave (docs/contract.md, sections 1.4 and 4)."""

from __future__ import annotations

import random
import time
import typing as t
from dataclasses import dataclass, field

VERSION = "0.1.0"
USER_AGENT = f"community.scalingo/{VERSION} (ansible)"

DEFAULT_TIMEOUT = 30
DEFAULT_RETRIES = 4


@dataclass(frozen=True)
class Route:
    """One row of docs/contract.md, section 2, declared once.

    ``safe``: it changes nothing, whatever its verb. ``repeatable``: sending it twice leaves the same state and cannot
    destroy what was made in between. ``role``: which host ("auth", "api", "db"). ``doing`` is the attempt in words.
    """

    name: str
    method: str
    path: str
    safe: bool
    repeatable: bool
    number: str = ""
    role: str = "db"
    doing: str = ""
    action_name: str = ""


class Clock:
    """Time and chance, in one place so that tests can hold them."""

    def now(self) -> float:
        """Return monotonic seconds."""
        return time.monotonic()

    def wall(self) -> float:
        """Return seconds since the epoch."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Sleep that many seconds; nothing when it is zero or less."""
        if seconds > 0:
            time.sleep(seconds)

    def random(self) -> float:
        """Return a number of [0, 1)."""
        return random.random()


@dataclass
class Usage:
    """What a task cost: the result key ``api_usage``. Every request on the wire counts, repeated ones too."""

    requests: int = 0
    writes: int = 0
    waited_seconds: float = 0.0
    tokens_reused: int = 0

    def as_dict(self) -> dict[str, t.Any]:
        """Return it as a result shows it; seconds rounded to tenths."""
        return {
            "requests": self.requests,
            "writes": self.writes,
            "waited_seconds": round(self.waited_seconds, 1),
            "tokens_reused": self.tokens_reused,
        }


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
    truncated: bool = field(default=False)

    def json(self) -> t.Any:
        """Return the body read as JSON. Raises UnexpectedAnswer when it is not JSON; no body is assumed to be."""
        raise NotImplementedError
