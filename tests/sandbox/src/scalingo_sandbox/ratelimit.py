# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A rate limit in fixed windows, as Rack::Attack counts: refused requests count too, the next window starts at zero."""

from __future__ import annotations

import math
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class RateLimit(BaseModel):
    """How many requests may be made in a window, and what a refusal looks like."""

    model_config = ConfigDict(extra="forbid")

    requests: int = Field(default=60, ge=1)
    seconds: float = Field(default=60, gt=0)
    retry_after: bool = False
    body: Literal["plain", "json"] | None = None
    """None: as the switch rate_limit_body says."""
    scope: Literal["user", "token", "global", "role"] = "user"


class Limiter:
    """Counts requests by window and key."""

    def __init__(self) -> None:
        self.limit: RateLimit | None = None
        self._window = -1
        self._counts: dict[str, int] = {}
        self.refused = 0

    def set(self, limit: RateLimit | None) -> None:
        self.limit = limit
        self._window = -1
        self._counts = {}
        self.refused = 0

    def refuses(self, key: str, now: float) -> bool:
        if self.limit is None:
            return False
        window = math.floor(now / self.limit.seconds)
        if window != self._window:
            self._window = window
            self._counts = {}
        self._counts[key] = self._counts.get(key, 0) + 1
        if self._counts[key] > self.limit.requests:
            self.refused += 1
            return True
        return False

    def seconds_left(self, now: float, speed: float) -> int:
        """Until the next window, in the client's seconds."""
        if self.limit is None:
            return 0
        left = self.limit.seconds - now % self.limit.seconds
        return max(1, math.ceil(left / speed))
