# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Waiting: the predicate, the growing interval, the deadline, and hiccups on the way."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.community.scalingo.plugins.module_utils._errors import (
    NotFound,
    ScalingoError,
    ServerError,
    StepFailed,
    Unreachable,
    WaitTimeout,
    sentence,
)
from ansible_collections.community.scalingo.plugins.module_utils._wait import wait_until
from support.scripted import StillClock


class Operation:
    """Gives one status after the other, the last one for ever; an exception is raised."""

    def __init__(self, *statuses: t.Any) -> None:
        self.statuses = list(statuses)
        self.reads = 0

    def read(self) -> str:
        self.reads += 1
        status = self.statuses.pop(0) if len(self.statuses) > 1 else self.statuses[0]
        if isinstance(status, Exception):
            raise status
        return str(status)


def wait(operation: Operation, clock: StillClock, timeout: float = 100, interval: float = 4) -> str:
    def done(status: str) -> bool:
        if status == "error":
            raise StepFailed("The upgrade failed")
        return status == "done"

    return wait_until(
        operation.read,
        done,
        what="upgrade",
        identifier="5c59",
        status=lambda status: "" if status == "none" else status,
        timeout=timeout,
        interval=interval,
        clock=clock,
    )


def test_what_is_done_at_once_costs_no_sleep() -> None:
    clock = StillClock()
    assert wait(Operation("done"), clock) == "done"
    assert clock.slept == []


def test_the_interval_grows_by_half_to_six_times_itself() -> None:
    clock = StillClock()
    assert wait(Operation(*["running"] * 8, "done"), clock, timeout=1000) == "done"
    assert clock.slept == [4, 6, 9, 13.5, 20.25, 24, 24, 24]


def test_an_unknown_status_is_still_going_on() -> None:
    operation = Operation("finalizing", "done")
    assert wait(operation, StillClock()) == "done"
    assert operation.reads == 2


def test_a_failure_of_the_platform_ends_it() -> None:
    with pytest.raises(StepFailed, match="The upgrade failed"):
        wait(Operation("running", "error"), StillClock())


def test_the_deadline_is_kept_and_a_last_read_made_at_it() -> None:
    clock = StillClock()
    operation = Operation("running")
    start = clock.now()
    with pytest.raises(WaitTimeout) as caught:
        wait(operation, clock, timeout=10)
    assert clock.now() - start == 10
    assert clock.slept == [4, 6] and operation.reads == 3
    assert caught.value.last_status == "running"
    text = sentence(caught.value)
    assert "upgrade 5c59" in text and "last status was running" in text and "continues on the platform" in text


def test_no_time_at_all_is_one_read() -> None:
    operation = Operation("none")
    with pytest.raises(WaitTimeout) as caught:
        wait(operation, StillClock(), timeout=0)
    assert operation.reads == 1
    assert caught.value.last_status == "unknown"


def test_a_hiccup_does_not_end_a_long_wait() -> None:
    lost, broken = Unreachable("gone"), ServerError("oops")
    operation = Operation("running", lost, broken, "running", lost, broken, "done")
    assert wait(operation, StillClock()) == "done"


def test_three_failed_reads_in_a_row_do() -> None:
    operation = Operation("running", *[Unreachable("gone", hint="Check it.")] * 3, "done")
    with pytest.raises(Unreachable) as caught:
        wait(operation, StillClock(), timeout=1000)
    assert operation.reads == 4
    assert caught.value.hint == "Check it. The upgrade 5c59 continues on the platform."


def test_a_failed_read_at_the_deadline_does() -> None:
    with pytest.raises(Unreachable):
        wait(Operation(Unreachable("gone")), StillClock(), timeout=4)


def test_other_errors_end_it_at_once() -> None:
    operation = Operation(NotFound("gone"), "done")
    with pytest.raises(NotFound):
        wait(operation, StillClock())
    assert operation.reads == 1


def test_every_error_here_is_one_of_ours() -> None:
    assert issubclass(WaitTimeout, ScalingoError)
