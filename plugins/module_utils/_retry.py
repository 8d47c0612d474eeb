# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""When a request is sent: again after a failure, and how many of them at a time (docs/contract.md, sections 4.1 and 4.4)."""

from __future__ import annotations

import contextlib
import email.utils
import os
import re
import threading
import typing as t
from dataclasses import dataclass

from ._cache import LATEST, LOCK_POLL_SECONDS, LONGEST_LIFE, Store
from ._core import Clock
from ._route import Route

BACKOFF_BASE = 0.5


BACKOFF_LIMIT = 20.0


RETRY_AFTER_LIMIT = 60.0


# The rate limit: 60 requests a minute, with no Retry-After promised (docs/contract.md, section 4.4).
LIMITED_BASE = 4.0


LIMITED_LIMIT = 60.0


LIMITED_LEAST = 1.0


LIMITED_BUDGET = 600.0


@dataclass(frozen=True)
class Trouble:
    """How one attempt failed.

    ``kind``: "limited" (429), "status" (another one), "not_made" (the connection was never made), "lost" (sent, and the
    answer did not come whole), "endless" (sent, and the answer is too long to be one), "final" (it will fail the same
    way again, and nothing was sent).
    """

    kind: str
    status: int | None = None
    retry_after: float | None = None


def delay_before_retry(
    trouble: Trouble,
    route: Route[t.Any],
    *,
    failures: int,
    retries: int,
    strikes: int,
    budget: float,
    remaining: float,
    chance: float,
) -> float | None:
    """Return the seconds to wait before the next attempt, or None to give up (docs/contract.md, sections 4.1 and 4.4).

    ``failures`` counts the failed attempts so far, this one included and those for the rate limit not; ``strikes``
    counts those. ``budget`` is what is left of the seconds a request may spend on the rate limit, ``remaining`` what is
    left until its deadline. ``chance`` is a number of [0, 1): full jitter.
    """
    if trouble.kind == "limited":
        if budget <= 0:
            return None
        if trouble.retry_after is not None:
            wanted = trouble.retry_after
        else:
            wanted = chance * min(LIMITED_LIMIT, LIMITED_BASE * 2.0 ** min(strikes, 10))
        return min(max(wanted, LIMITED_LEAST), budget)
    if trouble.kind in ("final", "endless") or failures > retries:
        return None
    if trouble.kind == "status":
        allowed = (trouble.status == 500 and route.safe) or (trouble.status in (502, 503, 504) and route.repeatable)
    else:
        allowed = trouble.kind == "not_made" or route.repeatable
    if not allowed:
        return None
    if trouble.retry_after is not None:
        delay = min(max(trouble.retry_after, 0.0), RETRY_AFTER_LIMIT)
    else:
        delay = chance * min(BACKOFF_LIMIT, BACKOFF_BASE * 2.0 ** min(failures, 10))
    return delay if delay <= remaining else None


def epoch_of(http_date: str) -> float | None:
    """Return the epoch of an HTTP date, or None."""
    try:
        parsed = email.utils.parsedate_tz(http_date)
        return None if parsed is None else float(email.utils.mktime_tz(parsed))
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def retry_after_of(headers: t.Mapping[str, str], now: float) -> float | None:
    """Return the seconds that a Retry-After header asks for, given in seconds or as an HTTP date, or None."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if re.fullmatch(r"\d{1,9}(\.\d+)?", text, re.ASCII):
        return float(text)
    moment = epoch_of(text)
    if moment is None:
        return None
    server_now = epoch_of(headers.get("date", ""))
    return max(0.0, moment - (now if server_now is None else server_now))


class Flight:
    """How many requests are on their way at once, in one process. A process shares it with others through a subclass."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._own = threading.BoundedSemaphore(most)

    @contextlib.contextmanager
    def slot(self) -> t.Iterator[None]:
        """Have one of the places, when one is free."""
        with self._own:
            yield


class Pacing:
    """Slowing down after a 429, for one process. A process shares it with others through a subclass.

    ``reserve`` returns the moment (epoch) at which the caller may send; ``held_until`` the moment before which nobody
    should; ``strike`` takes note of a 429 and returns how many there have been in a row.
    """

    #: How many requests a minute there may be before the first 429; none for as many as there are.
    per_minute: int | None = None

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        # In monotonic seconds: nobody waits longer because the clock of the machine was set back.
        self._held = float("-inf")
        self.strikes = 0

    def reserve(self) -> float:
        """Reserve the next moment to send."""
        return max(self.held_until(), self.clock.wall())

    def held_until(self) -> float:
        """Return the moment before which nothing should be sent."""
        return self._held - self.clock.now() + self.clock.wall()

    def strike(self, sent_at: float) -> int:
        """Take note that what was sent at that moment was limited."""
        self.strikes += 1
        return self.strikes

    def hold(self, until: float) -> None:
        """Send nothing before that moment."""
        self._held = max(self._held, until - self.clock.wall() + self.clock.now())


# After a 429: one request a second, until a minute after the last one (docs/contract.md, section 4.4).
SLOT_SECONDS = 1.0


LIMITED_MEMORY = 60.0


class SharedFlight(Flight):
    """How many requests are on their way at once, over all processes that use the same API token.

    Each holds one of so many locks. The kernel releases those of a process that is killed.
    """

    def __init__(self, clock: Clock, store: Store, key: str, most: int) -> None:
        super().__init__(most)
        self.clock = clock
        self.store = store
        self.key = key

    @contextlib.contextmanager
    def slot(self) -> t.Iterator[None]:
        descriptor = self._acquired()
        if descriptor is None:
            with super().slot():
                yield
            return
        try:
            yield
        finally:
            os.close(descriptor)

    def _acquired(self) -> int | None:
        """Return the descriptor of a lock, once one is free; None where there are none."""
        first = os.getpid()
        while True:
            for number in range(self.most):
                held = self.store.try_lock(f"{self.key}.{(first + number) % self.most}")
                if held is not None:
                    return held
            if self.store.off:
                return None
            self.clock.sleep(LOCK_POLL_SECONDS * (0.2 + self.clock.random()))


class SharedPacing(Pacing):
    """The pace after a 429, shared by the processes that use the same API token.

    Nothing is slowed before the first 429. Then everybody reserves the next free second, until a minute after the last.
    With ``per_minute`` everybody reserves the next free moment from the first request on.
    """

    def __init__(self, clock: Clock, store: Store, key: str, per_minute: int | None = None) -> None:
        super().__init__(clock)
        self.store = store
        self.key = key
        self.per_minute = per_minute
        # In monotonic seconds.
        self._next_own = float("-inf")

    def reserve(self) -> float:
        moment = self._after_limits()
        return moment if self.per_minute is None else max(moment, self._share(60.0 / self.per_minute))

    def _share(self, spacing: float) -> float:
        """Reserve the next moment that is so many seconds after the one before, whoever had that."""
        key = f"{self.key}-share"
        with self.store.lock(key) as held:
            now = self.clock.wall()
            shared = self._moments(key, ("next_slot",)) if held else None
            # A moment far ahead means that the clock was changed.
            following = (
                0.0 if shared is None or shared["next_slot"] > now + LONGEST_LIFE - 2 * spacing else shared["next_slot"]
            )
            ahead = now - self.clock.now()
            moment = max(now, following, self._next_own + ahead)
            self._next_own = moment + spacing - ahead
            if held:
                self.store.write(key, {"next_slot": moment + spacing, "written_at": now}, moment + 2 * spacing)
        return moment

    def _after_limits(self) -> float:
        if self._state() is None:
            return super().reserve()
        with self.store.lock(self.key) as held:
            state = self._state()
            now = self.clock.wall()
            if not held or state is None:
                return super().reserve()
            moment = max(now, state["not_before"], state["next_slot"])
            self._save({**state, "next_slot": moment + SLOT_SECONDS})
            return moment

    def held_until(self) -> float:
        return (self._state() or {}).get("not_before", super().held_until())

    def strike(self, sent_at: float) -> int:
        strikes = super().strike(sent_at)
        with self.store.lock(self.key) as held:
            if held:
                state = self._state() or {"limited_at": 0.0, "not_before": 0.0, "next_slot": 0.0, "strikes": 0.0}
                # What was sent before the last 429 came says nothing new.
                strikes = int(state["strikes"]) + (1 if sent_at >= state["limited_at"] else 0)
                self._save({**state, "limited_at": self.clock.wall(), "strikes": float(strikes)})
        return strikes

    def hold(self, until: float) -> None:
        super().hold(until)
        with self.store.lock(self.key) as held:
            state = self._state()
            if held and state is not None:
                self._save({**state, "not_before": max(until, state["not_before"])})

    def _state(self) -> dict[str, float] | None:
        """Return what is shared, as long as it counts, or None."""
        state = self._moments(self.key, ("limited_at", "not_before", "next_slot"), ("strikes",))
        furthest = self.clock.wall() + LIMITED_BUDGET + LIMITED_MEMORY
        return None if state is None or max(state.values()) > furthest else state

    def _moments(self, key: str, names: t.Sequence[str], others: t.Sequence[str] = ()) -> dict[str, float] | None:
        """Return moments of an entry, and other numbers, or None.

        What was written later than now was written before the clock was set back: its moments go back with it.
        """
        entry = self.store.read(key) or {}
        values = {name: entry.get(name) for name in (*names, *others, "written_at")}
        if not all(isinstance(value, (int, float)) and 0 <= value <= LATEST for value in values.values()):
            return None
        back = max(0.0, t.cast(float, values["written_at"]) - self.clock.wall())
        return {name: t.cast(float, values[name]) - (back if name in names else 0.0) for name in (*names, *others)}

    def _save(self, state: dict[str, float]) -> None:
        expires_at = max(state["limited_at"] + LIMITED_MEMORY, state["not_before"] + SLOT_SECONDS)
        self.store.write(self.key, {**state, "written_at": self.clock.wall()}, expires_at)


@dataclass
class Attempts:
    """What one request has gone through so far."""

    begun: float
    deadline: float
    number: int = 0
    failures: int = 0
    strikes: int = 0
    limited_seconds: float = 0.0
    redirects: int = 0
    # An attempt that may have taken effect got no usable answer.
    lost: bool = False
