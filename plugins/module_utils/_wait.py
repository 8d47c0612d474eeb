# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This file is private to the collection: it may change without notice.

"""Waiting for the platform (docs/contract.md, sections 3 and 4.3): a predicate, a clock, a deadline.

An unknown status counts as still going on, never as success. Statuses are read by the caller's ``done``.
"""

from __future__ import annotations

import typing as t

from ._core import Clock
from ._errors import (
    RateLimited,
    ServerError,
    Unreachable,
    WaitTimeout,
)
from ._progress import Watch

T = t.TypeVar("T")

GROWTH = 1.5
LONGEST_INTERVAL = 6
# A wait of hours must outlive a hiccup of the network: this many failed reads in a row end it.
FAILED_READS = 3


def wait_until(
    read: t.Callable[[], T],
    done: t.Callable[[T], bool],
    *,
    what: str,
    identifier: str,
    status: t.Callable[[T], str],
    timeout: float,
    interval: float,
    clock: Clock,
    watch: Watch | None = None,
) -> T:
    """Read until ``done`` says so, and return what was read last.

    ``done`` returns true or false, or raises StepFailed when the platform says that it failed. ``what`` names the
    operation ("upgrade"), ``identifier`` its id or the database's, ``status`` gives the text of the last status.
    ``timeout`` and ``interval`` are seconds; the interval grows by half each time, to six times itself at most.
    The first read is made at once and one last read at the deadline. A read that fails because the API cannot be
    reached, is limited or is broken is tried again at the next turn, three times in a row at most.

    ``watch`` hears of every read, and ends the wait when the run has ended.

    Raises WaitTimeout, whatever ``done`` raises, and whatever ``read`` raises.
    """
    watch = watch or Watch()
    begun = clock.now()
    deadline = begun + timeout
    pause = interval
    failed = 0
    last_status = "unknown"
    while True:
        watch.alive()
        try:
            value = read()
        except (Unreachable, ServerError, RateLimited) as error:
            failed += 1
            if failed >= FAILED_READS or clock.now() >= deadline:
                error.hint = f"{error.hint} The {what} {identifier} continues on the platform.".strip()
                raise
        else:
            failed = 0
            last_status = status(value) or "unknown"
            if done(value):
                return value
        watch.tell(f"waiting for the {what} {identifier}", last_status, clock.now() - begun)
        remaining = deadline - clock.now()
        if remaining <= 0:
            raise WaitTimeout(
                f"The {what} {identifier} is not finished after {timeout:g} seconds; its last status was {last_status}",
                last_status=last_status,
                hint=f"The {what} continues on the platform: run again later, or raise wait_timeout.",
            )
        clock.sleep(min(pause, remaining))
        pause = min(pause * GROWTH, interval * LONGEST_INTERVAL)
