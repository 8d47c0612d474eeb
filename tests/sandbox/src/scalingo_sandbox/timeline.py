# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is going to happen: work is advanced from timestamps whenever somebody looks, without background threads."""

from __future__ import annotations

import heapq
from collections.abc import Callable

from scalingo_sandbox.clock import Clock


class Timeline:
    """Things due at an instant of the clock, done in order as soon as somebody asks."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._number = 0
        self._moment: float | None = None

    def now(self) -> float:
        """The clock's time; while something due is done, the time at which it was due."""
        return self._clock.now() if self._moment is None else self._moment

    def after(self, seconds: float, act: Callable[[], None]) -> None:
        self._number += 1
        heapq.heappush(self._due, (self.now() + seconds, self._number, act))

    def settle(self) -> None:
        limit = self._clock.now()
        while self._due and self._due[0][0] <= limit:
            moment, dummy, act = heapq.heappop(self._due)
            self._moment = moment
            try:
                act()
            finally:
                self._moment = None
