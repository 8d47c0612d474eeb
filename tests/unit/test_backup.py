# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Who made which backup: races with others, and answers that are lost, call by call."""

from __future__ import annotations

import typing as t

import pytest
import requests
from ansible_collections.community.scalingo.plugins.module_utils._api.backup import BACKUP
from ansible_collections.community.scalingo.plugins.module_utils._errors import UnexpectedAnswer
from ansible_collections.community.scalingo.plugins.module_utils._resources import backup as backups
from ansible_collections.community.scalingo.plugins.modules import scalingo_backup, scalingo_backup_info
from support.port import Report, perform
from support.scripted import WALL, Expected, Script, StillClock, on_database

RUNNING = {"status": 400, "answer": {"error": "A backup is running, please wait"}}
LOST = {"raises": requests.exceptions.ConnectionError("Connection aborted", ConnectionResetError())}
NO_PLAN = on_database("GET", "/plan", status=404, answer={"error": "not found"})
DATE = {"answer_headers": {"Date": "Fri, 15 Jan 2027 08:00:00 GMT"}}


def ago(seconds: float) -> str:
    """A moment before the Date of the answers, which is WALL."""
    assert WALL == 1_800_000_000
    minute, second = divmod(int(8 * 3600 - seconds), 60)
    return f"2027-01-15T{minute // 60 + 1:02d}:{minute % 60:02d}:{second:02d}.000+01:00"


def backup(identifier: str, status: str = "done", method: str = "manual", age: float = 0) -> dict[str, t.Any]:
    return {
        "id": identifier,
        "name": "backup_" + identifier,
        "status": status,
        "method": method,
        "created_at": ago(age),
        "started_at": ago(age),
        "size": 5,
    }


def listed(*backups: dict[str, t.Any]) -> Expected:
    return on_database("GET", "/backups", answer={"database_backups": list(backups)}, **DATE)


def made(identifier: str = "new", **details: t.Any) -> Expected:
    given = {"status": 201, "answer": {"database_backup": backup(identifier, "scheduled")}, **details}
    return on_database("POST", "/backups", **given)


class Task:
    def __init__(self, monkeypatch: pytest.MonkeyPatch, tmp_path: t.Any) -> None:
        self._monkeypatch = monkeypatch
        self._home = tmp_path
        self.clock = StillClock()

    def __call__(self, *calls: Expected, module: t.Any = scalingo_backup, **arguments: t.Any) -> Report:
        with Script(*calls) as script:
            script.patch(self._monkeypatch)
            given = {"addon_id": "ad-1", "addon_token": "addon-1", "api_retries": 0, **arguments}
            return perform(module, given, home=self._home, clock=self.clock)


@pytest.fixture
def task(monkeypatch: pytest.MonkeyPatch, tmp_path: t.Any) -> Task:
    return Task(monkeypatch, tmp_path)


def told(report: Report) -> tuple[bool, t.Any, bool]:
    assert not report.failed, report.message
    return report.changed, report.result["backup"]["id"], report.result["attached"]


# -- ages ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("age", "ahead", "enough", "warned"),
    [
        (0, 0, True, False),
        (3600, 0, True, False),
        (3601, 0, False, False),
        (3600, -365 * 86400, True, False),
        (3601, -365 * 86400, False, True),
        (1800, 1800, True, False),
        (1800, 1801, False, True),
        (7200, 1801, False, False),
    ],
)
def test_the_age_is_judged_by_the_later_of_two_clocks(
    task: Task, age: float, ahead: float, enough: bool, warned: bool
) -> None:
    task.clock.difference += ahead
    old = backup("old", age=age)
    calls = [listed(old)] if enough else [listed(old), NO_PLAN, made(), listed(old, backup("new"))]
    report = task(*calls, max_age="1h")
    assert told(report)[:2] == ((False, "old") if enough else (True, "new"))
    assert any("clocks of the platform and of this machine differ" in text for text in report.warnings) is warned
    report = task(listed(old), module=scalingo_backup_info, max_age="1h")
    assert bool(report.result["backups"]) is enough


def test_a_backup_of_the_future_is_neither_young_nor_the_newest(task: Task) -> None:
    """restic#21956: one that was dated by a clock that went wrong kept others from being made for as long."""
    report = task(
        listed(backup("wrong", age=-3601)),
        NO_PLAN,
        made(),
        listed(backup("wrong", age=-3601), backup("new")),
        max_age="1h",
    )
    assert told(report)[:2] == (True, "new") and "wrong began in the future" in report.result["notes"][0]
    assert told(task(listed(backup("soon", age=-3600)), max_age="1h"))[:2] == (False, "soon")
    both = listed(backup("wrong", age=-3601), backup("old", age=7200))
    for options in ({"latest": True}, {"latest": True, "max_age": "3h"}):
        report = task(both, module=scalingo_backup_info, **options)
        assert [item["id"] for item in report.result["backups"]] == ["old"] and len(report.result["notes"]) == 1
    assert task(both, module=scalingo_backup_info, max_age="1h").result["backups"] == []
    assert len(task(both, module=scalingo_backup_info).result["backups"]) == 2


def test_the_age_is_that_of_the_beginning_and_not_of_the_request(task: Task) -> None:
    waited = {**backup("slow", age=7200), "started_at": ago(600)}
    assert told(task(listed(waited), max_age=3600)) == (False, "slow", False)


def test_the_newest_is_taken_whatever_the_order(task: Task) -> None:
    calls = listed(backup("a", age=500), backup("b", age=100), backup("c", age=300))
    assert told(task(calls, max_age=3600))[1] == "b"
    report = task(calls, module=scalingo_backup_info)
    assert [item["id"] for item in report.result["backups"]] == ["b", "c", "a"]


@pytest.mark.parametrize("status", ["error", "cancelled"])
def test_what_did_not_become_one_is_none(task: Task, status: str) -> None:
    bad = backup("bad", status)
    assert told(task(listed(bad), NO_PLAN, made(), listed(bad, backup("new")), max_age="1d"))[:2] == (True, "new")


# -- others are quicker ----------------------------------------------------------------------------------------------


def test_one_that_begins_at_the_same_moment_serves_as_well(task: Task) -> None:
    """Two tasks find nothing and ask both: the one that is refused waits for the other's, and has changed nothing."""
    report = task(
        listed(),
        made(**RUNNING),
        listed(backup("theirs", "running")),
        listed(backup("theirs", "running")),
        listed(backup("theirs")),
        listed(backup("theirs")),
        max_age="1h",
    )
    assert told(report) == (False, "theirs", True)
    assert report.result["steps"] == []


def test_one_that_is_done_before_we_can_look_serves_as_well(task: Task) -> None:
    report = task(
        listed(),
        made(**RUNNING),
        listed(backup("theirs")),
        listed(backup("theirs")),
        listed(backup("theirs")),
        max_age="1h",
    )
    assert told(report) == (False, "theirs", False)


def test_without_waiting_the_other_one_is_named(task: Task) -> None:
    report = task(
        listed(),
        made(**RUNNING),
        listed(backup("theirs", "running")),
        listed(backup("theirs", "running")),
        max_age="1h",
        wait=False,
    )
    assert told(report) == (False, "theirs", True)
    assert report.result["backup"]["status"] == "running"


def test_a_task_that_wants_its_own_waits_and_asks_again(task: Task) -> None:
    report = task(
        listed(),
        made(**RUNNING),
        listed(backup("theirs", "running")),
        listed(backup("theirs", "running")),
        listed(backup("theirs")),
        NO_PLAN,
        made(),
        listed(backup("theirs"), backup("new")),
    )
    assert told(report) == (True, "new", False)


def test_a_refusal_without_a_backup_that_runs_is_asked_again_after_a_while(task: Task) -> None:
    report = task(listed(), made(**RUNNING), listed(), listed(), made(), listed(backup("new")))
    assert told(report) == (True, "new", False)
    assert task.clock.slept == [5.0]


def test_that_does_not_go_on_for_ever(task: Task) -> None:
    calls = [call for dummy in range(10) for call in (made(**RUNNING), listed(), listed())]
    report = task(listed(), *calls[:-2], on_busy="fail")
    assert report.failed and "A backup is running" in report.message and report.changed is False


def test_one_that_begins_at_the_same_moment_fails_a_task_that_says_so(task: Task) -> None:
    report = task(listed(), made(**RUNNING), on_running="fail", on_busy="fail")
    assert report.failed and report.kind == "BadRequest" and "on_running: attach" in report.message
    assert report.changed is False


def test_one_that_is_being_cancelled_serves_nobody(task: Task) -> None:
    leaving = backup("leaving", "cancelling")
    gone = backup("leaving", "cancelled")
    report = task(
        listed(leaving), NO_PLAN, listed(leaving), listed(gone), made(), listed(gone, backup("new")), max_age="1h"
    )
    assert told(report) == (True, "new", False)


def test_one_that_serves_by_the_time_of_the_repeat_is_taken(task: Task) -> None:
    """The first request met the rate limit; while that was waited out, another run made the backup."""
    theirs = backup("theirs", age=60)
    limited = made(status=429, answer=None, text="Retry later")
    report = task(listed(), limited, listed(theirs), listed(theirs), listed(theirs), max_age="1h")
    assert told(report) == (False, "theirs", False) and report.result["steps"] == []


def test_a_backup_that_a_new_one_costs_by_the_time_of_the_repeat_needs_consent(task: Task) -> None:
    """There was room for one more when the task looked, and none after it had waited for the rate limit."""
    plan = on_database("GET", "/plan", answer={"plan": {"name": "p", "manual_backups_count": 2}})
    old, theirs = backup("old", age=9000), backup("theirs", age=10)
    limited = made(status=429, answer=None, text="Retry later")
    report = task(listed(old), plan, limited, listed(old, theirs))
    assert report.failed and report.kind == "ConsentMissing" and report.changed is False
    assert "would delete old of" in report.message and "allow: [eviction]" in report.message


def test_the_one_that_was_waited_for_may_fail(task: Task) -> None:
    report = task(listed(backup("theirs", "running")), listed(backup("theirs", "error")), max_age="1h")
    assert report.failed and "theirs ended with status error" in report.message and report.changed is False


def test_another_refusal_is_an_error(task: Task) -> None:
    report = task(listed(), made(status=400, answer={"error": "the plan has no backups"}), on_busy="fail")
    assert report.failed and "the plan has no backups" in report.message and report.changed is False


# -- answers that are lost -------------------------------------------------------------------------------------------


def test_a_backup_that_appeared_after_a_lost_answer_is_ours(task: Task) -> None:
    old = backup("old", age=9000)
    report = task(listed(old), NO_PLAN, made(**LOST), listed(old, backup("ours", "scheduled")), listed(backup("ours")))
    assert told(report) == (True, "ours", False)


def test_a_daily_one_that_appeared_is_not_ours(task: Task) -> None:
    daily = backup("daily", method="periodic")
    report = task(listed(), made(**LOST), listed(daily), made(), listed(daily, backup("new")))
    assert told(report) == (True, "new", False)


def test_nothing_appeared_so_it_is_asked_again(task: Task) -> None:
    assert told(task(listed(), made(**LOST), listed(), made(), listed(backup("new")))) == (True, "new", False)


def test_one_that_appears_late_is_still_ours(task: Task) -> None:
    """The first request arrives after we looked: the second one is refused because of it."""
    ours = backup("ours", "running")
    report = task(listed(), made(**LOST), listed(), made(**RUNNING), listed(ours), listed(ours), listed(backup("ours")))
    assert told(report) == (True, "ours", False)


def test_one_that_somebody_else_made_before_is_not_ours(task: Task) -> None:
    theirs = backup("theirs")
    report = task(
        listed(),
        made(**RUNNING),
        listed(backup("theirs", "running")),
        listed(theirs),
        NO_PLAN,
        made(**LOST),
        listed(theirs),
        made(),
        listed(theirs, backup("new")),
    )
    assert told(report) == (True, "new", False)


def test_where_nobody_can_look_the_outcome_is_not_known(task: Task) -> None:
    report = task(listed(), made(**LOST), on_database("GET", "/backups", status=500, answer={"error": "down"}))
    assert report.failed and report.kind == "OutcomeUnknown" and report.changed


def test_a_backup_that_vanishes_is_no_success(task: Task) -> None:
    gone = {"status": 404, "answer": {"error": "Backup not found"}}
    report = task(
        listed(),
        made(),
        listed(),
        Expected("GET", "/api/backups/new", **gone),
        on_database("GET", "/backups/new", **gone),
    )
    assert report.failed and report.kind == "NotFound" and report.changed


# -- dates that cannot be read ---------------------------------------------------------------------------------------------


def undated(identifier: str, **keys: t.Any) -> dict[str, t.Any]:
    return {**backup(identifier), "created_at": 5, "started_at": "the day before", **keys}


def test_a_date_that_cannot_be_read_is_null_with_a_note_and_stops_no_list(task: Task) -> None:
    report = task(listed(undated("odd"), backup("old", age=60), backup("new")), module=scalingo_backup_info)
    assert not report.failed, report.result
    found = report.result["backups"]
    assert [(item["id"], item["started_at"] is None) for item in found] == [
        ("new", False),
        ("old", False),
        ("odd", True),
    ]
    assert any("expected a point in time at database_backups" in note for note in report.result["notes"])
    assert not report.warnings
    # The other date serves.
    report = task(
        listed(undated("odd", created_at=ago(30)), backup("old", age=60)), module=scalingo_backup_info, latest=True
    )
    assert [item["id"] for item in report.result["backups"]] == ["odd"] and not report.warnings


@pytest.mark.parametrize("arguments", [{"latest": True}, {"max_age": "1h"}, {"since": "2027-01-01T00:00:00Z"}])
def test_where_a_date_decides_one_that_cannot_be_read_is_warned_about(task: Task, arguments: dict[str, t.Any]) -> None:
    report = task(listed(undated("odd"), backup("new")), module=scalingo_backup_info, **arguments)
    assert [item["id"] for item in report.result["backups"]] == ["new"]
    assert len(report.warnings) == 1 and "count as the oldest: odd" in report.warnings[0]


def test_the_newest_is_not_guessed_where_a_date_cannot_be_read() -> None:
    found = [BACKUP(item, "backup") for item in (backup("new"), undated("odd"))]
    with pytest.raises(UnexpectedAnswer, match="it cannot be read when odd began") as caught:
        backups.chosen(found, None)
    assert "backup_id" in caught.value.hint
    assert backups.chosen(found, "odd")["id"] == "odd"
    found[1]["status"] = "error"
    assert backups.chosen(found, None)["id"] == "new"


def test_a_backup_without_a_date_is_never_young_enough(task: Task) -> None:
    report = task(listed(undated("odd")), NO_PLAN, made(), listed(undated("odd"), backup("new")), max_age="1h")
    assert not report.failed and report.result["backup"]["id"] == "new"
