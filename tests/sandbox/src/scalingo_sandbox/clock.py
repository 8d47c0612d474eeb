# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The clock of the sandbox: it can be moved and made faster, never turned back."""

from __future__ import annotations

import time
from datetime import datetime, timezone
from email.utils import formatdate


class Clock:
    """Seconds since the epoch, at a chosen speed."""

    def __init__(self, start: float | None = None, speed: float = 1.0) -> None:
        self._virtual = time.time() if start is None else start
        self._real = time.monotonic()
        self._clients = self._virtual - self._real
        self._speed = speed
        self._offset = time.time() - self._real
        self._courses = [(self._virtual, self._real, speed)]

    def now(self) -> float:
        return self._virtual + (time.monotonic() - self._real) * self._speed

    def clients(self) -> float:
        """What a client takes the time for that began with this clock: moves count, speed does not."""
        return self._clients + time.monotonic()

    @property
    def speed(self) -> float:
        return self._speed

    def set_speed(self, speed: float) -> None:
        if speed <= 0:
            raise ValueError("the speed of the clock must be above 0")
        self._virtual, self._real = self.now(), time.monotonic()
        self._speed = speed
        self._note_course()

    def advance(self, seconds: float) -> None:
        if seconds < 0:
            raise ValueError("the clock cannot be turned back")
        self._virtual, self._real = self.now() + seconds, time.monotonic()
        self._clients += seconds
        self._note_course()

    def _note_course(self) -> None:
        self._courses.append((self._virtual, self._real, self._speed))

    def instant_at(self, wall: float) -> float:
        """What this clock showed at a time of the machine's clock."""
        real = wall - self._offset
        virtual, begun, speed = next(
            (course for course in reversed(self._courses) if course[1] <= real), self._courses[0]
        )
        return virtual + (real - begun) * speed

    def wall_at(self, instant: float) -> float:
        """When this clock showed an instant. One that it passed over when it was moved: the moment of the move."""
        later: float | None = None
        for virtual, begun, speed in reversed(self._courses):
            if virtual <= instant:
                real = begun + (instant - virtual) / speed
                return self._offset + (real if later is None else min(real, later))
            later = begun
        virtual, begun, speed = self._courses[0]
        return self._offset + begun + (instant - virtual) / speed

    def http_date(self) -> str:
        return formatdate(self.now(), usegmt=True)


def moment(epoch: float) -> datetime:
    """The instant as an aware datetime in UTC."""
    return datetime.fromtimestamp(epoch, timezone.utc)
