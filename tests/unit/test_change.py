# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The one way from a task's arguments to its result, with a shelf of numbers in the place of a platform."""

from __future__ import annotations

import dataclasses
import types
import typing as t

import pytest
from ansible_collections.community.scalingo.plugins.module_utils._busy import busy_reason
from ansible_collections.community.scalingo.plugins.module_utils._change import Listing, Performer, Resource
from ansible_collections.community.scalingo.plugins.module_utils._core import Usage
from ansible_collections.community.scalingo.plugins.module_utils._errors import (
    ActionFailed,
    BadRequest,
    Conflict,
    ConsentMissing,
    Forbidden,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    ScalingoError,
    ServerError,
    SqlRefused,
    StepFailed,
    Unauthorized,
    UnexpectedAnswer,
    Unreachable,
    ValidationFailed,
    WaitTimeout,
)
from ansible_collections.community.scalingo.plugins.module_utils._progress import Watch
from ansible_collections.community.scalingo.plugins.module_utils._step import (
    Consent,
    Interrupted,
    Outcome,
    Skipped,
    Step,
    never,
)

#: Of which database a diff is.
HEADERS = {"before_header": "addon ad-1", "after_header": "addon ad-1"}

Answer = t.Union[Exception, str, None]


class Clock:
    def __init__(self, usage: Usage) -> None:
        self.time = 0.0
        self.usage = usage

    def now(self) -> float:
        return self.time

    def sleep(self, seconds: float) -> None:
        self.time += seconds
        self.usage.waited_seconds += seconds


class Platform:
    """Holds numbers by name. `troubles` are taken in order, one for each call that changes something."""

    def __init__(self, **numbers: int) -> None:
        self.numbers = dict(numbers)
        self.troubles: list[Answer] = []
        self.reads = 0
        self.unreadable_after: int | None = None
        self.calls: list[str] = []
        self.others: dict[int, dict[str, int]] = {}
        self.statuses: list[dict[str, t.Any]] = []
        self.usage = Usage()
        self.clock = Clock(self.usage)
        self.target = types.SimpleNamespace(addon_id="ad-1")
        self.watch = Watch()
        self.transport = types.SimpleNamespace(before_change=None)

    opens_others = False

    def described(self) -> str:
        return "addon ad-1"

    def caller_of(self, route: t.Any) -> Platform:
        return self

    def call(self, route: t.Any, *, values: dict[str, t.Any], query: t.Any, body: t.Any) -> t.Any:
        return getattr(self, route.name)(*values.values())

    def show_operation(self, operation_id: str) -> dict[str, t.Any]:
        return {"id": operation_id, "type": "plan_change"}

    def show_database(self) -> dict[str, t.Any]:
        return self.statuses.pop(0) if len(self.statuses) > 1 else (self.statuses or [{"status": "running"}])[0]

    def meanwhile(self, reads: int, **numbers: int) -> None:
        """What another does after so many readings."""
        self.others[reads] = numbers

    def read(self) -> dict[str, int]:
        self.reads += 1
        try:
            return self._read()
        finally:
            self.numbers.update(self.others.pop(self.reads, {}))

    def _read(self) -> dict[str, int]:
        if self.unreadable_after is not None and self.reads > self.unreadable_after:
            raise Unreachable("nobody answers")
        return dict(self.numbers)

    def put(self, name: str, number: int) -> None:
        """Sets a number. A trouble is an error before the work, or `after` for a lost answer after it."""
        if self.transport.before_change is not None:
            self.transport.before_change(False, False)
        self.calls.append(f"{name}={number}")
        trouble = self.troubles.pop(0) if self.troubles else None
        if isinstance(trouble, Exception):
            raise trouble  # pylint: disable=raising-bad-type
        if trouble == "nothing":
            return
        self.numbers[name] = number
        if trouble == "after":
            raise OutcomeUnknown("the answer was lost")


class Shelf(Resource):
    """Wants the numbers that the parameters name."""

    reading = "read the shelf"
    client: t.Any

    consent: tuple[Consent, ...] = ()
    resend = False
    looks = True
    follow: t.Callable[[], t.Any] | None = None
    shows_whole = False

    def read(self) -> dict[str, int]:
        return self.client.read()

    def wanted(self, before: t.Any) -> dict[str, int]:
        return {**before, **self.params["numbers"]}

    def managed(self, state: t.Any) -> dict[str, t.Any]:
        return {name: number for name, number in state.items() if name in self.params["numbers"]}

    def result(self, state: t.Any) -> dict[str, t.Any]:
        return {"shelf": state}

    def steps(self, before: t.Any, after: t.Any) -> list[Step]:
        return [self._step(name, after[name]) for name in after if before.get(name) != after[name]]

    def _step(self, name: str, number: int) -> Step:
        def send() -> t.Any:
            self.client.put(name, number)
            return self.client.read() if self.shows_whole else None

        return Step(
            f"put {name} to {number}",
            send=send,
            follow=self.follow,
            happened=(lambda state: state.get(name) == number) if self.looks else None,
            resend=self.resend,
            consent=self.consent,
        )


class Warnings(list[str]):
    def __call__(self, message: str) -> None:
        self.append(message)


def shelf(
    platform: Platform, kind: type[Shelf] = Shelf, *, warn: t.Callable[[str], None] | None = None, **numbers: int
) -> Shelf:
    params = {"numbers": numbers, "on_busy": "wait", "wait_timeout": 60.0, "wait_interval": 5.0}
    return kind(t.cast(t.Any, platform), params, Warnings() if warn is None else warn)


def interrupted(resource: Resource) -> Interrupted:
    with pytest.raises(Interrupted) as caught:
        resource.perform(False)
    return caught.value


def test_nothing_to_do_is_one_read_and_unchanged() -> None:
    platform = Platform(a=1)
    outcome = shelf(platform, a=1).perform(False)
    assert outcome == Outcome(False, {"shelf": {"a": 1}}, {"before": {"a": 1}, "after": {"a": 1}, **HEADERS}, [])
    assert (platform.calls, platform.reads) == ([], 1)


def test_check_mode_says_the_same_and_sends_nothing() -> None:
    checked, real = Platform(a=1, b=5), Platform(a=1, b=5)
    first = shelf(checked, a=2, c=3).perform(True)
    assert (checked.calls, checked.numbers) == ([], {"a": 1, "b": 5})
    assert first == shelf(real, a=2, c=3).perform(False)
    assert first.diff == {"before": {"a": 1}, "after": {"a": 2, "c": 3}, **HEADERS}
    assert (real.calls, real.numbers) == (["a=2", "c=3"], {"a": 2, "b": 5, "c": 3})
    assert first.changed and first.steps == ["put a to 2", "put c to 3"]


def test_what_is_changed_is_read_back_once() -> None:
    platform = Platform(a=1)
    shelf(platform, a=2, b=2).perform(False)
    assert platform.reads == 2


def test_an_answer_that_shows_everything_saves_the_reading_back() -> None:
    class Whole(Shelf):
        shows_whole = True

    platform = Platform(a=1)
    assert shelf(platform, Whole, a=2).perform(False).result == {"shelf": {"a": 2}}
    assert platform.reads == 2, "before, and within the call itself"


def test_a_step_that_is_not_needed_any_more_is_not_reported_as_taken() -> None:
    platform = Platform(a=1, b=1)
    platform.troubles = [t.cast(t.Any, Skipped()), None]

    class Forgiving(Shelf):
        def tolerated(self, field: str, wanted: t.Any, current: t.Any) -> bool:
            return True

    outcome = shelf(platform, Forgiving, a=2, b=2).perform(False)
    assert (outcome.changed, outcome.steps) == (True, ["put b to 2"])
    assert outcome.result == {"shelf": {"a": 1, "b": 2}}


def test_nothing_is_changed_when_no_step_was_needed_any_more() -> None:
    platform = Platform(a=1)
    platform.troubles = [t.cast(t.Any, Skipped())]

    class Forgiving(Shelf):
        def tolerated(self, field: str, wanted: t.Any, current: t.Any) -> bool:
            return True

    outcome = shelf(platform, Forgiving, a=2).perform(False)
    assert (outcome.changed, outcome.steps) == (False, [])


def test_a_failure_after_a_step_that_was_not_needed_names_what_was_done_only() -> None:
    platform = Platform(a=1, b=1)
    platform.troubles = [t.cast(t.Any, Skipped()), ValidationFailed("b is too large")]
    error = interrupted(shelf(platform, a=2, b=2))
    assert (error.done, error.failed, error.maybe) == ([], "put b to 2", False)


def test_a_setting_that_reads_back_otherwise_fails_and_names_it() -> None:
    platform = Platform(a=1, b=1)
    platform.troubles = [None, "nothing"]
    error = interrupted(shelf(platform, a=2, b=2))
    assert (error.done, error.failed) == (["put a to 2", "put b to 2"], "verify what was changed")
    assert isinstance(error.error, StepFailed)
    assert "b is 1, wanted 2" in error.error.message and "a is" not in error.error.message


def test_a_known_weakness_of_the_platform_is_tolerated() -> None:
    class Patient(Shelf):
        def tolerated(self, field: str, wanted: t.Any, current: t.Any) -> bool:
            self.warn(f"{field}: {wanted}, {current}")
            return True

    platform = Platform(a=1)
    platform.troubles = ["nothing"]
    warnings = Warnings()
    assert shelf(platform, Patient, warn=warnings, a=2).perform(False).result == {"shelf": {"a": 1}}
    assert warnings == ["a: 2, 1"]


def test_a_wanted_value_without_a_step_is_an_error_and_no_change() -> None:
    class Forgetful(Shelf):
        def steps(self, before: t.Any, after: t.Any) -> list[Step]:
            return []

    for check_mode in (True, False):
        with pytest.raises(InvalidInput, match="no step leads from the current to the wanted state: a is 1, wanted 2"):
            shelf(Platform(a=1), Forgetful, a=2).perform(check_mode)


# -- failures half-way -----------------------------------------------------------------------------------------------


def test_a_refusal_half_way_tells_what_was_done() -> None:
    platform = Platform()
    platform.troubles = [None, ValidationFailed("no"), None]
    error = interrupted(shelf(platform, a=1, b=2, c=3))
    assert (error.done, error.failed, error.maybe) == (["put a to 1"], "put b to 2", False)
    assert isinstance(error.error, ValidationFailed) and error.error.doing == "put b to 2"
    assert platform.calls == ["a=1", "b=2"], "nothing after the step that failed"


@pytest.mark.parametrize(
    "trouble",
    [OutcomeUnknown("lost"), ServerError("broken"), UnexpectedAnswer("junk"), StepFailed("failed"), KeyError("defect")],
)
def test_an_unclear_failure_of_the_first_step_may_have_changed_something(trouble: Exception) -> None:
    class Blind(Shelf):
        looks = False

    platform = Platform()
    platform.troubles = [trouble]
    error = interrupted(shelf(platform, Blind, a=1))
    assert (error.done, error.maybe, error.error) == ([], True, trouble)


@pytest.mark.parametrize(
    "trouble",
    [
        ValidationFailed("no"),
        Conflict("no"),
        NotFound("no"),
        Unreachable("no"),
        ServerError("broken", method="GET"),
        UnexpectedAnswer("junk", method="GET"),
    ],
)
def test_a_clear_refusal_of_the_first_step_changed_nothing(trouble: ScalingoError) -> None:
    platform = Platform()
    platform.troubles = [trouble]
    assert interrupted(shelf(platform, a=1)).maybe is False


@pytest.mark.parametrize("trouble", [WaitTimeout("too long"), Unreachable("gone"), NotFound("gone")])
def test_a_failure_while_following_comes_after_the_change(trouble: ScalingoError) -> None:
    class Following(Shelf):
        def follow(self) -> t.Any:
            raise trouble  # pylint: disable=raising-bad-type

    platform = Platform()
    error = interrupted(shelf(platform, Following, a=1))
    assert (error.done, error.failed, error.maybe, error.error) == ([], "put a to 1", True, trouble)
    assert platform.numbers == {"a": 1}


def test_a_failure_of_mere_waiting_changed_nothing() -> None:
    class Waiting(Shelf):
        def steps(self, before: t.Any, after: t.Any) -> list[Step]:
            def follow() -> None:
                raise StepFailed("it failed")

            return [Step("wait for it", follow=follow, counts=False)]

    error = interrupted(shelf(Platform(a=1), Waiting, a=1))
    assert (error.done, error.maybe) == ([], False)


def test_mere_waiting_is_no_change_and_its_last_state_counts() -> None:
    class Waiting(Shelf):
        def steps(self, before: t.Any, after: t.Any) -> list[Step]:
            return [Step("wait for it", follow=lambda: {"a": 1, "seen": 1}, counts=False)]

    outcome = shelf(Platform(a=1), Waiting, a=1).perform(False)
    assert (outcome.changed, outcome.steps, outcome.result) == (False, [], {"shelf": {"a": 1, "seen": 1}})


def test_an_unreadable_end_fails_with_all_steps_done() -> None:
    platform = Platform()
    platform.unreadable_after = 1
    error = interrupted(shelf(platform, a=1))
    assert (error.done, error.failed) == (["put a to 1"], "read back what was changed")
    assert isinstance(error.error, Unreachable) and error.error.doing == "read back what was changed"


# -- lost answers ----------------------------------------------------------------------------------------------------


def test_after_a_lost_answer_the_platform_is_asked() -> None:
    platform = Platform(a=1)
    platform.troubles = ["after"]
    assert shelf(platform, a=2).perform(False).changed
    assert platform.calls == ["a=2"]


def test_what_did_not_happen_is_sent_again_only_where_that_is_harmless() -> None:
    class Resending(Shelf):
        resend = True

    platform = Platform(a=1)
    platform.troubles = [OutcomeUnknown("lost")]
    assert shelf(platform, Resending, a=2).perform(False).changed
    assert platform.calls == ["a=2", "a=2"]

    platform = Platform(a=1)
    platform.troubles = [OutcomeUnknown("lost")]
    error = interrupted(shelf(platform, a=2))
    assert platform.calls == ["a=2"]
    assert (error.maybe, error.done) == (True, [])
    assert isinstance(error.error, OutcomeUnknown) and "does not show it" in error.error.hint


def test_it_is_sent_again_once() -> None:
    class Resending(Shelf):
        resend = True

    platform = Platform(a=1)
    platform.troubles = [OutcomeUnknown("lost"), OutcomeUnknown("lost again"), None]
    error = interrupted(shelf(platform, Resending, a=2))
    assert platform.calls == ["a=2", "a=2"] and error.maybe


def test_what_nobody_can_look_at_stays_unknown() -> None:
    class Blind(Shelf):
        looks = False
        resend = True

    platform = Platform(a=1)
    platform.troubles = ["after"]
    error = interrupted(shelf(platform, Blind, a=2))
    assert platform.calls == ["a=2"] and error.maybe


def test_a_lost_answer_and_then_silence_is_still_unknown() -> None:
    platform = Platform(a=1)
    platform.troubles = ["after"]
    platform.unreadable_after = 1
    error = interrupted(shelf(platform, a=2))
    assert isinstance(error.error, OutcomeUnknown)
    assert error.maybe, "it may have been changed, although the second reading says nothing of that"


# -- refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "refusal",
    [
        BadRequest("feature is already setup"),
        ValidationFailed("has already been taken"),
        NotFound("not found"),
        ActionFailed("database exists"),
        SqlRefused("duplicate key value", code="23505"),
        Forbidden("no"),
    ],
)
def test_what_is_there_after_a_refusal_is_the_work_of_another(refusal: ScalingoError) -> None:
    platform = Platform(a=1, b=1)
    platform.meanwhile(1, a=2)
    platform.troubles = [refusal]
    warnings = Warnings()
    outcome = shelf(platform, warn=warnings, a=2, b=2).perform(False)
    assert (outcome.changed, outcome.steps, platform.numbers) == (True, ["put b to 2"], {"a": 2, "b": 2})
    assert len(warnings) == 1 and "Another was quicker, and this task did not do it: put a to 2." in warnings[0]
    assert refusal.message in warnings[0]


def test_what_is_there_after_the_refusal_of_our_own_repeat_is_ours() -> None:
    refusal = BadRequest("feature is already setup")
    refusal.after_loss = True
    platform = Platform(a=1)
    platform.meanwhile(1, a=2)
    platform.troubles = [refusal]
    warnings = Warnings()
    outcome = shelf(platform, warn=warnings, a=2).perform(False)
    assert (outcome.changed, outcome.steps, warnings) == (True, ["put a to 2"], [])


def test_what_another_brought_is_waited_for_too() -> None:
    class Following(Shelf):
        def follow(self) -> t.Any:
            return {"a": 2, "followed": 1}

    platform = Platform(a=1)
    platform.meanwhile(1, a=2)
    platform.troubles = [Conflict("taken")]
    outcome = shelf(platform, Following, a=2).perform(False)
    assert (outcome.changed, outcome.result) == (False, {"shelf": {"a": 2, "followed": 1}})


def test_a_refusal_after_a_lost_call_may_have_changed_something() -> None:
    refusal = BadRequest("no more of these")
    refusal.after_loss = True
    platform = Platform(a=1)
    platform.troubles = [refusal]
    error = interrupted(shelf(platform, a=2))
    assert error.error is refusal and error.maybe


@pytest.mark.parametrize("error", [RateLimited("later"), Unauthorized("who are you")])
def test_what_was_not_looked_at_by_the_platform_is_not_asked_about(error: ScalingoError) -> None:
    platform = Platform(a=1)
    platform.troubles = [error]
    assert interrupted(shelf(platform, a=2)).error is error and platform.reads == 1


def test_what_only_the_own_work_serves_is_never_anothers() -> None:
    class Own(Shelf):
        def _step(self, name: str, number: int) -> Step:
            return dataclasses.replace(super()._step(name, number), reached=never)

    platform = Platform(a=1)
    platform.meanwhile(1, a=2)
    platform.troubles = [BadRequest("no")]
    assert isinstance(interrupted(shelf(platform, Own, a=2)).error, BadRequest) and platform.reads == 1


def test_a_reading_that_says_why_is_told_with_what_was_lost() -> None:
    class Ambiguous(Shelf):
        def read(self) -> t.Any:
            if self.applying:
                raise InvalidInput("there are two of them", hint="Name one.")
            return super().read()

    platform = Platform(a=1)
    platform.troubles = ["after"]
    error = interrupted(shelf(platform, Ambiguous, a=2)).error
    assert isinstance(error, OutcomeUnknown) and "there are two of them. Name one." in error.hint


# -- a plan that ages ------------------------------------------------------------------------------------------------


class Waiting(Shelf):
    """Each step waits for its end."""

    def follow(self) -> t.Any:
        self.client.clock.sleep(60)
        return None


def test_after_a_wait_the_plan_is_compared_before_the_next_step() -> None:
    platform = Platform(a=1, b=1)
    outcome = shelf(platform, Waiting, a=2, b=2).perform(False)
    assert outcome.steps == ["put a to 2", "put b to 2"]
    assert platform.reads == 3, "before, after the wait for the first, and at the end"


def test_a_step_that_another_took_during_a_wait_is_not_taken_again() -> None:
    platform = Platform(a=1, b=1)
    platform.meanwhile(1, b=2)
    warnings = Warnings()
    outcome = shelf(platform, Waiting, warn=warnings, a=2, b=2).perform(False)
    assert (outcome.steps, platform.calls) == (["put a to 2"], ["a=2"]) and "put b to 2" in warnings[0]


def test_a_plan_that_does_not_hold_any_more_is_not_carried_out() -> None:
    class Careful(Waiting):
        """Puts a number only where there is the one that it saw first."""

        def steps(self, before: t.Any, after: t.Any) -> list[Step]:
            return [
                dataclasses.replace(step, sentence=f"{step.sentence} from {before[step.sentence.split()[1]]}")
                for step in super().steps(before, after)
            ]

    platform = Platform(a=1, b=1)
    platform.meanwhile(1, b=7)
    error = interrupted(shelf(platform, Careful, a=2, b=2))
    assert isinstance(error.error, Conflict) and "the plan does not hold any more" in error.error.message
    assert (error.done, error.failed, error.maybe) == (["put a to 2 from 1"], "put b to 2 from 1", False)
    assert platform.numbers == {"a": 2, "b": 7}


def test_what_would_cost_more_by_then_needs_its_consent() -> None:
    class Growing(Waiting):
        def steps(self, before: t.Any, after: t.Any) -> list[Step]:
            consent = (Consent("allow", "flood", "c would be lost"),) if "c" in before else ()
            return [dataclasses.replace(step, consent=consent) for step in super().steps(before, after)]

    platform = Platform(a=1, b=1)
    platform.meanwhile(1, c=1)
    error = interrupted(shelf(platform, Growing, a=2, b=2))
    assert isinstance(error.error, ConsentMissing) and "c would be lost" in error.error.message
    assert "allow: [flood]" in error.error.hint and platform.calls == ["a=2"]


def test_a_lost_call_whose_plan_is_gone_stays_unknown() -> None:
    class Resending(Shelf):
        resend = True

        def wanted(self, before: t.Any) -> dict[str, int]:
            return super().wanted(before) if not self.applying else before

    platform = Platform(a=1)
    platform.troubles = [OutcomeUnknown("lost")]
    error = interrupted(shelf(platform, Resending, a=2))
    assert isinstance(error.error, OutcomeUnknown) and error.maybe and platform.calls == ["a=2"]


def test_a_refusal_of_a_busy_database_that_is_idle_at_once_is_compared_too() -> None:
    """The other operation ends between the refusal and the first look: nothing is waited for, and all may be different."""
    platform = Platform(a=1)
    platform.meanwhile(2, a=2)
    platform.troubles = [Conflict("an operation is running")]
    platform.statuses = [BUSY, IDLE]
    outcome = shelf(platform, a=2).perform(False)
    assert (outcome.changed, platform.calls, platform.clock.time) == (False, ["a=2"], 0)


def test_a_last_look_is_taken_before_the_first_call_too() -> None:
    class Paid(Shelf):
        def _step(self, name: str, number: int) -> Step:
            return dataclasses.replace(super()._step(name, number), last_look=True)

    platform = Platform(a=1)
    platform.meanwhile(1, a=2)
    outcome = shelf(platform, Paid, a=2).perform(False)
    assert (outcome.changed, platform.calls) == (False, [])


# -- what is read back is what the task wants ------------------------------------------------------------------------


def test_a_plan_that_does_not_lead_to_what_the_task_wants_is_no_success() -> None:
    """The plan was carried out and reads back as planned, and the parameters still want something else."""

    class Wrong(Shelf):
        def wanted(self, before: t.Any) -> dict[str, int]:
            return {**before, "a": 2} if not self.applying else super().wanted(before)

    error = interrupted(shelf(Platform(a=1), Wrong, a=3))
    assert isinstance(error.error, StepFailed) and error.done == ["put a to 2"]
    assert "what was read back is not what the task wants, which would still have to put a to 3" in error.error.message


def test_what_cannot_be_reached_from_what_was_read_back_is_no_success() -> None:
    class Refusing(Shelf):
        def wanted(self, before: t.Any) -> dict[str, int]:
            if self.applying:
                raise InvalidInput("a cannot be altered")
            return super().wanted(before)

    error = interrupted(shelf(Platform(a=1), Refusing, a=2))
    assert "what was read back is not what the task wants: a cannot be altered" in error.error.args[0]


def test_a_step_that_each_run_takes_is_no_sign_of_something_left() -> None:
    class Always(Shelf):
        def steps(self, before: t.Any, after: t.Any) -> list[Step]:
            return [Step("set the password", send=lambda: self.client.put("password", 1), always=True)]

    assert shelf(Platform(a=1), Always).perform(False).steps == ["set the password"]


# -- consent ---------------------------------------------------------------------------------------------------------


def test_consent_is_asked_before_anything_is_sent() -> None:
    class Dangerous(Shelf):
        consent = (Consent("allow", "exposure", "All would see it"),)

    for check_mode in (True, False):
        platform = Platform(a=1)
        resource = shelf(platform, Dangerous, a=2)
        with pytest.raises(ConsentMissing) as caught:
            resource.perform(check_mode)
        assert caught.value.message == "All would see it. Nothing was changed"
        assert caught.value.hint == "If that is what you want, add 'allow: [exposure]' to the task."
        assert caught.value.doing == "put a to 2"
        resource.params = {**resource.params, "allow": ["eviction"]}
        with pytest.raises(ConsentMissing):
            resource.perform(check_mode)
        assert platform.calls == []
    resource.params = {**resource.params, "allow": ["exposure"]}
    assert resource.perform(False).changed


def test_consent_of_the_last_step_is_asked_before_the_first_is_taken() -> None:
    class LastIsDangerous(Shelf):
        def _step(self, name: str, number: int) -> Step:
            consent = (Consent("confirm", "b", "b would be lost"),) if name == "b" else ()
            return Step("put", send=lambda: self.client.put(name, number), consent=consent)

    platform = Platform()
    with pytest.raises(ConsentMissing, match="add 'confirm: b' to the task") as caught:
        shelf(platform, LastIsDangerous, a=1, b=2).perform(False)
    assert platform.calls == []
    assert caught.value.diff == {"before": {}, "after": {"a": 1, "b": 2}, **HEADERS}, (
        "what needs no consent is a difference, too"
    )


def test_who_confirms_another_database_is_not_told_to_correct_it() -> None:
    class Dangerous(Shelf):
        consent = (Consent("confirm", "my_app_100", "All of it would be lost"), Consent("allow", "recreate", "It goes"))

    resource = shelf(Platform(), Dangerous, a=1)
    resource.params = {**resource.params, "confirm": "my_app_101"}
    with pytest.raises(ConsentMissing) as caught:
        resource.perform(True)
    said = "the task confirms my_app_101, and this is my_app_100: check which database you mean. All of it would be lost. It goes. Nothing was changed"
    assert caught.value.message == said
    assert caught.value.hint == "If that is what you want, add 'allow: [recreate]' to the task.", (
        "all else that is missing, and not the name"
    )


def test_all_missing_consents_are_named_at_once() -> None:
    class Several(Shelf):
        def _step(self, name: str, number: int) -> Step:
            consent = (
                Consent("allow", "recreate", "It goes"),
                Consent("confirm", "a", "%s goes" % ("A list of names " * 100)),
                Consent("allow", "exposure" if name == "a" else "eviction", f"All see {name}"),
            )
            return Step(f"put {name}", send=lambda: self.client.put(name, number), consent=consent)

    platform = Platform()
    with pytest.raises(ConsentMissing) as caught:
        resource = shelf(platform, Several, a=1, b=2)
        resource.params = {**resource.params, "allow": ["eviction"]}
        resource.perform(False)
    assert platform.calls == []
    assert caught.value.doing == "put a"
    # It is not lost either where the consequences are many.
    assert str(caught.value).endswith(
        "If that is what you want, add 'confirm: a' and 'allow: [recreate, exposure]' to the task."
    )


def test_confirm_must_be_the_very_word() -> None:
    consent = Consent("confirm", "shop_1", "All would be lost")
    assert consent.given({"confirm": "shop_1"})
    assert not any(consent.given({"confirm": value}) for value in (None, "", "shop", "SHOP_1", True))
    assert not consent.given({})
    assert not Consent("allow", "major", "x").given({"allow": None})


# -- a busy database -------------------------------------------------------------------------------------------------


class Lazy(Shelf):
    """Tells from the platform's status whether it is busy."""

    def busy(self, state: t.Any) -> str:
        return busy_reason(self.client.show_database()) if state else ""


BUSY = {"status": "updating", "current_operation_id": "op-1"}
IDLE = {"status": "running", "current_operation_id": None}


def test_a_busy_database_is_waited_for_and_read_again() -> None:
    platform = Platform(a=1)
    platform.statuses = [BUSY, BUSY, BUSY, IDLE]
    resource = shelf(platform, Lazy, a=2)
    assert resource.perform(False).changed
    assert platform.clock.time > 0 and platform.reads == 3, "before, after waiting, and to read back"


def test_what_was_done_meanwhile_is_not_done_again() -> None:
    platform = Platform(a=1)
    platform.statuses = [BUSY, IDLE]
    resource = shelf(platform, Lazy, a=2)
    answers = [{"a": 1}, {"a": 2}]
    platform.read = lambda: answers.pop(0)  # type: ignore[method-assign]
    outcome = resource.perform(False)
    assert not outcome.changed and platform.calls == []


def test_a_busy_database_is_refused_on_request_in_check_mode_too() -> None:
    for check_mode in (True, False):
        platform = Platform(a=1)
        platform.statuses = [BUSY]
        resource = shelf(platform, Lazy, a=2)
        resource.params = {**resource.params, "on_busy": "fail"}
        with pytest.raises(Conflict, match="another operation") as caught:
            resource.perform(check_mode)
        assert caught.value.doing == "put a to 2" and "on_busy: wait" in caught.value.hint
        assert platform.calls == [] and platform.clock.time == 0


def test_check_mode_does_not_wait() -> None:
    platform = Platform(a=1)
    platform.statuses = [BUSY]
    assert shelf(platform, Lazy, a=2).perform(True).changed
    assert platform.clock.time == 0


def test_a_busy_database_with_nothing_to_do_is_fine() -> None:
    platform = Platform(a=1)
    platform.statuses = [BUSY]
    resource = shelf(platform, Lazy, a=1)
    resource.params = {**resource.params, "on_busy": "fail"}
    assert not resource.perform(False).changed


def test_a_database_that_stays_busy_ends_the_task_unchanged() -> None:
    platform = Platform(a=1)
    platform.statuses = [BUSY]
    said = r"Could not put a to 2: waited 60 seconds, and another operation \(op-1, plan_change\) is running on the database, which is updating\. The operation"
    with pytest.raises(WaitTimeout, match=said) as caught:
        shelf(platform, Lazy, a=2).perform(False)
    assert (caught.value.last_status, platform.clock.time) == ("updating", 60)
    assert platform.calls == []


def test_a_conflict_with_an_operation_waits_for_its_end() -> None:
    platform = Platform(a=1)
    platform.troubles = [Conflict("busy"), Conflict("busy")]
    platform.statuses = [BUSY, IDLE, BUSY, IDLE, IDLE]
    assert shelf(platform, a=2).perform(False).changed
    assert platform.calls == ["a=2"] * 3


def test_a_conflict_of_another_kind_is_an_error_at_once() -> None:
    platform = Platform(a=1)
    platform.troubles = [Conflict("it exists")]
    platform.statuses = [IDLE]
    error = interrupted(shelf(platform, a=2))
    assert platform.calls == ["a=2"] and not error.maybe


def test_a_conflict_with_a_database_that_cannot_be_read_is_told_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreadable() -> t.NoReturn:
        raise NotFound("there is none yet")

    platform = Platform(a=1)
    platform.troubles = [Conflict("it exists")]
    monkeypatch.setattr(platform, "show_database", unreadable)
    assert isinstance(interrupted(shelf(platform, a=2)).error, Conflict)
    assert platform.calls == ["a=2"]


def test_a_conflict_is_an_error_when_the_task_does_not_want_to_wait() -> None:
    platform = Platform(a=1)
    platform.troubles = [Conflict("busy")]
    platform.statuses = [BUSY]
    resource = shelf(platform, a=2)
    resource.params = {**resource.params, "on_busy": "fail"}
    assert isinstance(interrupted(resource).error, Conflict)
    assert platform.calls == ["a=2"]


def test_conflicts_without_end_are_an_error() -> None:
    platform = Platform(a=1)
    platform.troubles = [Conflict("busy") for dummy in range(9)]
    platform.statuses = [BUSY, IDLE] * 9
    assert isinstance(interrupted(shelf(platform, a=2)).error, Conflict)
    assert platform.calls == ["a=2"] * 4


def test_a_database_that_is_stopped_is_not_waited_for() -> None:
    with pytest.raises(Conflict) as caught:
        busy_reason({"status": "stopped", "current_operation_id": None})
    assert "stopped" in caught.value.message and "resume: true" in caught.value.hint
    platform = Platform(a=1)
    platform.troubles = [Conflict("not now")]
    platform.statuses = [{"status": "stopped"}]
    error = interrupted(shelf(platform, a=2)).error
    assert isinstance(error, Conflict) and error.message == "not now" and platform.clock.time == 0
    assert "The database is stopped" in error.hint and "resume: true" in error.hint


@pytest.mark.parametrize(
    "raw, reason",
    [
        ({"status": "running"}, ""),
        ({"status": "running", "current_operation_id": None}, ""),
        ({}, ""),
        ({"status": "creating"}, "the database is creating, not running"),
        (
            {"status": "stopped", "current_operation_id": "op-1"},
            "another operation (op-1) is running on the database, which is stopped",
        ),
        ({"status": "new in 2030"}, "the database is new in 2030, not running"),
        (
            {"status": "running", "current_operation_id": "op-1"},
            "another operation (op-1) is running on the database",
        ),
    ],
)
def test_ready_means_running_and_idle(raw: dict[str, t.Any], reason: str) -> None:
    assert busy_reason(raw) == reason


# -- imperative modules, lists, and what is left to be written -------------------------------------------------------


def test_an_imperative_module_tells_its_step_in_the_diff() -> None:
    class Press(Shelf):
        imperative = True

        def wanted(self, before: t.Any) -> t.Any:
            return before

        def steps(self, before: t.Any, after: t.Any) -> list[Step]:
            return [Step("press the button", send=lambda: self.client.put("pressed", 1)), Step("wait", counts=False)]

    platform = Platform()
    checked = shelf(platform, Press).perform(True)
    assert platform.calls == []
    real = shelf(platform, Press).perform(False)
    assert (
        checked.diff
        == real.diff
        == {"before": {}, "after": {}, **HEADERS, "prepared": "addon ad-1:\npress the button\n"}
    )
    assert real.changed and real.steps == ["press the button"]


def test_a_list_is_never_a_change() -> None:
    class Numbers(Listing):
        plural = "numbers"

        def items(self) -> list[dict[str, t.Any]]:
            return [{"one": 1}]

    for check_mode in (True, False):
        assert Numbers(t.cast(t.Any, None), {}, Warnings()).perform(check_mode) == Outcome(
            False, {"numbers": [{"one": 1}]}
        )


def test_a_state_that_is_absent_is_managed_as_nothing() -> None:
    class Fields(Resource):
        managed_fields = ("a",)

    resource = Fields(t.cast(t.Any, None), {}, Warnings())
    assert resource.managed(None) == {}
    assert resource.managed({"a": 1, "b": 2}) == {"a": 1}
    assert resource.busy({"a": 1}) == "" and resource.tolerated("a", 1, 2) is False


@pytest.mark.parametrize(
    "kind, calls",
    [
        (Performer, [("perform", (True,))]),
        (Listing, [("items", ())]),
        (Resource, [("read", ()), ("wanted", (None,)), ("steps", (None, None)), ("result", (None,))]),
    ],
)
def test_what_a_resource_must_say_itself(kind: type[Performer], calls: list[tuple[str, tuple[t.Any, ...]]]) -> None:
    performer = kind(t.cast(t.Any, None), {}, Warnings())
    kind.parse({})
    for name, arguments in calls:
        with pytest.raises(NotImplementedError):
            getattr(performer, name)(*arguments)


def test_a_result_holds_a_secret_only_where_the_task_hides_it() -> None:
    Performer(t.cast(t.Any, None), {}, Warnings(), True).refuse_open_secret("a password")
    with pytest.raises(InvalidInput, match="the result would contain a password") as caught:
        Performer(t.cast(t.Any, None), {}, Warnings()).refuse_open_secret("a password")
    assert "no_log: true" in caught.value.hint


def test_an_interruption_tells_its_cause() -> None:
    assert str(Interrupted(NotFound("it is gone"), [], "look", False)) == "it is gone."
