# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""The one way from a task's arguments to its result.

A resource describes what is there and what is wanted as plain data; the steps follow from the difference. Check mode
and the real run share everything up to the line that runs the steps.
"""

from __future__ import annotations

import contextlib
import typing as t

from ._api.database import show_database
from ._api.operation import show_operation
from ._busy import busy_reason
from ._errors import (
    ActionFailed,
    AddonNotFound,
    BadRequest,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    PaymentRequired,
    ScalingoError,
    ServerError,
    SqlRefused,
    StepFailed,
    UnexpectedAnswer,
    ValidationFailed,
    WaitTimeout,
    shown,
    visible,
)
from ._secret_file import SecretFile
from ._step import Consent, Interrupted, Outcome, Params, S, Settled, Skipped, State, Step
from ._wait import T, wait_until

if t.TYPE_CHECKING:
    from ._client import Client

#: What a busy database may answer: no source tells which (docs/contract.md section 4.5).
REFUSALS = (ActionFailed, BadRequest, Conflict, ValidationFailed)

#: After these the state says whether what a step is for is there all the same: another run was quicker, or our own repeat
#: met what the call before it had done.
REFUSED = (*REFUSALS, Forbidden, NotFound, PaymentRequired, SqlRefused)

#: After these the platform may have done what it was asked for, or part of it, unless it was only asked to tell something.
UNCLEAR = (OutcomeUnknown, ServerError, StepFailed, UnexpectedAnswer)

#: A plan does not age within so many seconds: forks that share their pace pause up to one of them before many a request.
MOMENT = 3.0


class Performer:
    """What a module file hands to `run`: something that turns parameters into an outcome."""

    #: What is being read, for errors before a step runs.
    reading = "read the database"
    #: Look the addon up anew: for tasks that destroy, restore or provision.
    fresh_lookup = False
    #: Whether the task must name one database; of_task may say otherwise.
    target_needed = True
    #: The option that asks for the secret that `dest` is for, where one does.
    asks_for_secret = ""
    on_controller = False  #: Whether it is for the process of the controller alone, and is refused as a module.
    #: What it imports beside Python and Ansible.
    libraries: tuple[str, ...] = ("requests",)

    def __init__(
        self, client: Client, params: Params, warn: t.Callable[[str], None], no_log: bool = False, asked: t.Any = ...
    ) -> None:
        self.client = client
        self.params = params
        self.asked: t.Any = self.parse(params) if asked is ... else asked
        self.warn = warn
        self._no_log = no_log
        self.secret_file = SecretFile({"dest": None, "overwrite": False, **params}, self.asks_for_secret)

    @classmethod
    def of_task(cls, params: Params) -> Params:
        """The options of the task that the environment may add to. Raises InvalidInput."""
        return params

    @classmethod
    def parse(cls, params: Params) -> t.Any:
        """Return what the task asks for, as values that nothing has to parse again: ``asked``.

        Raises InvalidInput for what can be refused without a request.
        """

    def perform(self, check_mode: bool) -> Outcome:
        raise NotImplementedError

    def wait_until(self, read: t.Callable[[], T], done: t.Callable[[T], bool], **how: t.Any) -> T:
        """Wait as long as the task says, unless `timeout` and `interval` are given. See `_wait.wait_until`."""
        long = {name: self.params.get(f"wait_{name}") for name in ("timeout", "interval")}
        found: T = wait_until(read, done, clock=self.client.clock, watch=self.client.watch, **{**long, **how})
        return found

    def salvage(self) -> dict[str, t.Any]:
        """What a failure must not lose, as keys of the result: what no later run can find out."""
        return {}

    @staticmethod
    def unless_checking(check_mode: bool, act: t.Callable[[], t.Any]) -> None:
        """Do what is not to be done in check mode."""
        if not check_mode:
            act()

    def refuse_open_secret(self, secret: str) -> None:
        """Refuse a task whose result would hold a secret while it is shown and logged. A file in `dest` is for it, too."""
        if self.secret_file:
            self.secret_file.check()
        elif not self._no_log:
            raise InvalidInput(
                f"the result would contain {secret}, and the task does not hide its result",
                hint="Name a file for it in dest. Or add 'no_log: true' to the task and register its result, without async: "
                "Ansible keeps the result of such a task in a file.",
            )


class Listing(Performer):
    """An info module: a list under the plural. Nothing that matches is an empty list."""

    plural = ""

    def items(self) -> list[State]:
        raise NotImplementedError

    def perform(self, check_mode: bool) -> Outcome:
        try:
            items = self.items()
        except AddonNotFound as error:
            self.client.require_kind(self.client.settings.addon, error.hint)
            items = []
        return Outcome(changed=False, result={self.plural: items})


class Resource(Performer, t.Generic[S]):
    """Something that a module converges. Its state is what `read` returns."""

    #: The names of the state's fields that are compared and diffed.
    managed_fields: tuple[str, ...] = ()
    #: An imperative module: its steps do not come from a difference.
    imperative = False
    #: The plan stands and is being carried out: what is planned from now on is only compared with it.
    applying = False
    #: When the last reading of the state began, by the clock of the client.
    _read_at = 0.0
    #: The sentences of the steps that were left to do at the last comparison; none while the first plan stands.
    _left_to_do: frozenset[str] | None = None

    def read(self) -> S:
        """The current state, or nothing when it is absent."""
        raise NotImplementedError

    def wanted(self, before: S) -> S:
        """The state after the task: before overlaid with the parameters that were given. Sends nothing."""
        raise NotImplementedError

    def steps(self, before: S, after: S) -> list[Step]:
        """How to come from before to after. Sends nothing."""
        raise NotImplementedError

    def result(self, state: S) -> dict[str, t.Any]:
        """What is returned of a state: the result keys of the module."""
        raise NotImplementedError

    def managed(self, state: S) -> dict[str, t.Any]:
        """The part of a state that is compared, and shown in the diff."""
        return {} if state is None else {name: state[name] for name in self.managed_fields}

    def in_diff(self, managed: dict[str, t.Any]) -> dict[str, t.Any]:
        """The same for a person who is to approve it."""
        return managed

    def busy(self, state: S) -> str:
        """What keeps the database from taking a change, as far as the state tells; else an empty text."""
        return ""

    def tolerated(self, field: str, wanted: t.Any, current: t.Any) -> bool:
        """Whether a field that reads back otherwise than planned is a known weakness of the platform. May warn."""
        return False

    # -- the one way through -----------------------------------------------------------------------------------------

    def perform(self, check_mode: bool) -> Outcome:
        before, after, steps = self._plan()
        reason = self._reason_to_wait(before, steps)
        if reason:
            if self.params.get("on_busy") == "fail":
                raise Conflict(
                    reason,
                    doing=self._counting(steps)[0],
                    hint="Run the task again later, or use 'on_busy: wait'.",
                )
            if not check_mode:
                try:
                    self._wait_until_idle()
                except ScalingoError as error:
                    error.doing = self._counting(steps)[0]
                    raise
                before, after, steps = self._plan()
        outcome = Outcome(
            changed=bool(self._counting(steps)),
            result={},
            diff=self._diff(before, after, steps),
            steps=self._counting(steps),
        )
        if check_mode:
            outcome.result = self.result(after)
            return outcome
        current, outcome.steps = self._apply(before, after, steps)
        outcome.changed = bool(outcome.steps)
        outcome.result = self.result(current)
        return outcome

    def _reason_to_wait(self, before: S, steps: list[Step]) -> str:
        """What the steps have to wait for. Raises `Conflict` when that has no end."""
        if not self._counting(steps):
            return ""
        try:
            return self.busy(before)
        except Conflict as error:
            error.about(doing=self._counting(steps)[0])
            raise

    def _read(self) -> S:
        begun = self.client.clock.now()
        state = self.read()
        self._read_at = begun
        return state

    def _plan(self) -> tuple[S, S, list[Step]]:
        before = self._read()
        after = self.wanted(before)
        steps = self.steps(before, after)
        if not self.imperative and not self._counting(steps) and self.managed(before) != self.managed(after):
            raise InvalidInput(
                f"no step leads from the current to the wanted state: {self._differences(self.managed(before), self.managed(after))}",
                hint="Please report this: it is a defect of the collection.",
            )
        self._refuse_without_consent(steps, self._diff(before, after, steps))
        return before, after, steps

    def _refuse_without_consent(self, steps: t.Sequence[Step], diff: dict[str, t.Any] | None = None) -> None:
        """Name everything that is missing at once, so that nobody has to run the task again to learn of the next.

        Who only looks for differences wants to know them all, also those that need no consent.
        """
        missing = [(step, consent) for step in steps for consent in step.consent if not consent.given(self.params)]
        if missing:
            consents = list(dict.fromkeys(consent for dummy, consent in missing))
            refusal = Consent.refusal(consents, self.params, "Nothing was changed")
            refusal.doing, refusal.diff = missing[0][0].sentence, diff
            raise refusal

    def _apply(self, before: S, after: S, steps: list[Step]) -> tuple[S, list[str]]:
        """The state afterwards, and what was done."""
        done: list[str] = []
        known: t.Any = None
        self.applying = True
        for step in steps:
            taken = False
            try:
                known, ours = self._take(step)
                taken = step.counts and ours
                if step.follow is not None:
                    known = step.follow()
            except Skipped:
                known = None
                continue
            except Exception as error:  # pylint: disable=broad-except
                unclear = not isinstance(error, ScalingoError) or error.after_loss
                unclear = unclear or (isinstance(error, UNCLEAR) and error.method != "GET")
                raise self._interrupted(error, done, step.sentence, taken or (step.counts and unclear)) from error
            if taken:
                done.append(visible(step.sentence))
        if not steps:
            return before, done
        try:
            current = self._read() if known is None else known
            problem = self._read_back(current, after)
        except Exception as error:  # pylint: disable=broad-except
            raise self._interrupted(error, done, "read back what was changed", False) from error
        if problem:
            mismatch = StepFailed(
                problem,
                doing="verify what was changed",
                hint="The platform took the change but shows something else, or another run changed it. "
                "Run the task again; if it stays so, ask Scalingo's support.",
            )
            raise Interrupted(mismatch, done, "verify what was changed", False)
        return current, done

    @staticmethod
    def _interrupted(error: Exception, done: list[str], failed: str, maybe: bool) -> Interrupted:
        if isinstance(error, ScalingoError):
            # The step says more than the route that it failed on.
            error.doing = failed
        return Interrupted(error, done, visible(failed), maybe)

    def _take(self, step: Step) -> tuple[t.Any, bool]:
        """Send until the step is taken, or a reading shows what it is for. The state as far as it was shown, and whether it is
        our work: what was there when the platform refused the first call is another's.
        """
        waits, lost, resent = 0, False, False
        aged = step.last_look or (self._left_to_do is not None and step.sentence not in self._left_to_do)
        while True:
            self.client.watch.alive()
            try:
                with self._compared(step, lost, aged):
                    return step.send(), True
            except Settled as found:
                return None, found.ours or self._not_ours(step)
            except ScalingoError as error:
                unclear = isinstance(error, (OutcomeUnknown, ServerError, UnexpectedAnswer)) and error.method != "GET"
                lost = error.after_loss = lost or error.after_loss or unclear
                if not (unclear or isinstance(error, REFUSED)):
                    raise
                tells = step.tells(lost)
                state = self._looked_at(error) if tells is not None else None
                if tells is not None and tells(state):
                    self._left_to_do = frozenset()
                    return None, lost or self._not_ours(step, error.message)
                if isinstance(error, OutcomeUnknown):
                    if tells is not None:
                        error.hint = "The platform was read again and does not show it. "
                        error.hint += (
                            "Run the task again."
                            if step.resend
                            else "It may still appear: look before you run the task again."
                        )
                    if tells is None or not step.resend or resent:
                        raise
                    resent = True
                    self._require_planned(step, state, lost)
                elif (
                    waits < 3
                    and isinstance(error, REFUSALS)
                    and self.params.get("on_busy") == "wait"
                    and self._is_busy(error)
                ):
                    waits, aged = waits + 1, True
                    self._wait_until_idle()
                else:
                    raise

    def _not_ours(self, step: Step, refusal: str = "") -> bool:
        said = f" The platform says: {refusal}" if refusal else ""
        self.warn(f"Another was quicker, and this task did not do it: {step.sentence}.{said}")
        return False

    def _looked_at(self, error: ScalingoError) -> S:
        """The state after an error, which stays the one to report when there is no reading."""
        try:
            return self._read()
        except InvalidInput as found:
            error.hint = " ".join(filter(None, (error.hint, f"What was read afterwards: {found.message}.", found.hint)))
            raise error from None
        except ScalingoError:
            raise error from None

    @contextlib.contextmanager
    def _compared(self, step: Step, lost: bool, aged: bool) -> t.Iterator[None]:
        """Within it the plan is compared right before each request that could change something, unless it is fresh.

        It is not when it `aged` already, when the last reading began more than a moment ago, and before each repeat.
        """
        transport = self.client.transport

        def compare(repeated: bool, lost_before: bool) -> None:
            if not (repeated or aged or self.client.clock.now() - self._read_at > MOMENT):
                return
            maybe = lost or lost_before
            state = self._read() if step.compare is None else None
            tells = step.tells(maybe)
            if step.compare is None and tells is not None and tells(state):
                self._left_to_do = frozenset()
                raise Settled(maybe)
            self._require_planned(step, state, maybe)

        transport.before_change = compare
        try:
            yield
        finally:
            transport.before_change = None

    def _require_planned(self, step: Step, state: t.Any, lost: bool) -> None:
        """Plan anew. Raises what speaks against the step by now."""
        try:
            if step.compare is not None:
                step.compare(state)
                return
            left = {item.sentence: item for item in self.steps(state, self.wanted(state))}
            self._left_to_do = frozenset(left)
            planned = left.get(step.sentence)
            if planned is None:
                if lost:
                    raise OutcomeUnknown(
                        "the answer was lost, and what the database shows now does not tell what came of it"
                    )
                raise Conflict(
                    "the database was changed after this task had read it, and the plan does not hold any more",
                    hint="This step was not done. Run the task again: it plans anew.",
                )
            missing = [consent for consent in planned.consent if not consent.given(self.params)]
            if missing:
                refusal = Consent.refusal(missing, self.params)
                refusal.message = f"the database was changed after this task had read it. {refusal.message}"
                raise refusal
        except ScalingoError as error:
            error.after_loss = error.after_loss or lost
            raise

    def _is_busy(self, error: ScalingoError) -> bool:
        """Whether another operation may be why a step was refused. A database that cannot be read tells nothing."""
        try:
            return bool(busy_reason(show_database(self.client)))
        except Conflict as stopped:
            error.hint = f"{stopped.message.capitalize()}. {stopped.hint}"
        except ScalingoError:
            pass
        return False

    def _wait_until_idle(self) -> None:
        seen: dict[str, t.Any] = {}

        def idle(raw: t.Mapping[str, t.Any]) -> bool:
            seen.update(raw)
            return not busy_reason(raw)

        try:
            self.wait_until(
                lambda: show_database(self.client),
                idle,
                what="operation on the database",
                identifier=self.client.target.addon_id,
                status=lambda raw: str(raw.get("status")),
            )
        except WaitTimeout as error:
            operation = str(seen.get("current_operation_id") or "")
            with contextlib.suppress(ScalingoError, KeyError):
                if operation:
                    seen["current_operation_id"] = f"{operation}, {show_operation(self.client, operation)['type']}"
            error.message = f"waited {self.params['wait_timeout']:g} seconds, and {busy_reason(seen)}"
            raise

    def _read_back(self, current: S, after: S) -> str:
        """What is not as it was planned, or not as the parameters want it: a plan may be wrong, too."""
        shown, planned = self.managed(current), self.managed(after)
        different = [name for name in sorted(set(shown) | set(planned)) if shown.get(name) != planned.get(name)]
        surprising = [name for name in different if not self.tolerated(name, planned.get(name), shown.get(name))]
        if surprising:
            return "it reads back otherwise than planned: " + self._differences(
                {name: shown[name] for name in surprising if name in shown},
                {name: planned[name] for name in surprising if name in planned},
            )
        if different or self.imperative:
            return ""
        try:
            left = [step for step in self.steps(current, self.wanted(current)) if step.counts and not step.always]
        except InvalidInput as error:
            return f"what was read back is not what the task wants: {error.message}"
        return (
            f"what was read back is not what the task wants, which would still have to {left[0].sentence}"
            if left
            else ""
        )

    def _diff(self, before: S, after: S, steps: list[Step]) -> dict[str, t.Any]:
        about = visible(self.client.described())
        diff: dict[str, t.Any] = {
            "before": self.in_diff(self.managed(before)),
            "after": self.in_diff(self.managed(after)),
            "before_header": about,
            "after_header": about,
        }
        if self.imperative and self._counting(steps):
            diff["prepared"] = "".join(f"{line}\n" for line in (about + ":", *self._counting(steps)))
        return diff

    @staticmethod
    def _counting(steps: t.Iterable[Step]) -> list[str]:
        return [visible(step.sentence) for step in steps if step.counts]

    @staticmethod
    def _differences(current: t.Mapping[str, t.Any], wanted: t.Mapping[str, t.Any]) -> str:
        return "; ".join(
            f"{name} is {shown(current.get(name))}, wanted {shown(wanted.get(name))}"
            for name in sorted(set(current) | set(wanted))
            if current.get(name) != wanted.get(name)
        )
