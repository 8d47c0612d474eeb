# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Durations as InfluxDB 1.8 reads and writes them."""

from __future__ import annotations

import re

_UNITS = {
    "ns": 1,
    "u": 1_000,
    "µ": 1_000,
    "ms": 1_000_000,
    "s": 1_000_000_000,
    "m": 60 * 1_000_000_000,
    "h": 3600 * 1_000_000_000,
    "d": 86400 * 1_000_000_000,
    "w": 7 * 86400 * 1_000_000_000,
}
HOUR = _UNITS["h"]
_PART = re.compile(r"(\d+)(ns|ms|u|µ|s|m|h|d|w)")


class InvalidDuration(ValueError):
    """Not a duration."""


class OverflowedDuration(InvalidDuration):
    """One that the server sees to be too long."""


def nanoseconds(text: str) -> int:
    """0 is for ever."""
    if text in ("0", "INF", "inf"):
        return 0
    position, total = 0, 0
    while position < len(text):
        match = _PART.match(text, position)
        if match is None:
            raise InvalidDuration(text)
        total += int(match.group(1)) * _UNITS[match.group(2)]
        position = match.end()
    if not text:
        raise InvalidDuration(text)
    # The server counts in 64 bits with a sign. What wraps to less than nothing it refuses, the rest it takes.
    total = (total + 2**63) % 2**64 - 2**63
    if total < 0:
        raise OverflowedDuration(text)
    return total


def written(value: int) -> str:
    """As the server writes it: 720h0m0s."""
    if value == 0:
        return "0s"
    seconds, rest = divmod(value, 1_000_000_000)
    hours, minutes, seconds = seconds // 3600, seconds // 60 % 60, seconds % 60
    fraction = f".{rest:09d}".rstrip("0") if rest else ""
    if hours:
        return f"{hours}h{minutes}m{seconds}{fraction}s"
    if minutes:
        return f"{minutes}m{seconds}{fraction}s"
    return f"{seconds}{fraction}s"
