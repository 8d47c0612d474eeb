# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Time, what a task has cost, and what must never be shown: what everything else shares."""

from __future__ import annotations

import random
import time
import typing as t
from dataclasses import dataclass


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


def moment(seconds: float | None = None) -> str:
    """Return a time in seconds since 1970, or the present, in UTC and to the second."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


@dataclass
class Usage:
    """What a task cost: the result key ``api_usage``.

    ``requests`` counts what went on the wire, repeated attempts too; ``writes`` those of it that are not safe;
    ``waited_seconds`` what was slept: for operations of the platform, after failures, and for the rate limit.
    """

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


class Secrets:
    """The values that must never be shown. Each is announced to the host before it is used for anything."""

    def __init__(self, announce: t.Callable[[str], None]) -> None:
        self._announce = announce
        self.values: set[str] = set()

    def add(self, value: str) -> str:
        """Announce a value once, and return it."""
        if value and value not in self.values:
            self._announce(value)
            self.values.add(value)
        return value
