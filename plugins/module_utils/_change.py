# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""The one way from a task's arguments to its result.

A resource describes what is there and what is wanted as plain data; the steps follow from the difference. Check mode
and the real run share everything up to the line that runs the steps.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ._errors import (
    ActionFailed,
    AddonNotFound,
    BadRequest,
    Conflict,
    ConsentMissing,
    InvalidInput,
    OutcomeUnknown,
    ScalingoError,
    ServerError,
    StepFailed,
    UnexpectedAnswer,
    ValidationFailed,
    visible,
)
from ._wait import wait_until

if t.TYPE_CHECKING:
    from ._endpoints import Client

State = t.Dict[str, t.Any]
Params = t.Mapping[str, t.Any]

#: What a busy database may answer: no source tells which (docs/contract.md section 4.5).
REFUSALS = (ActionFailed, BadRequest, Conflict, ValidationFailed)

#: After these the platform may have done what it was asked for, or part of it, unless it was only asked to tell something.
UNCLEAR = (OutcomeUnknown, ServerError, StepFailed, UnexpectedAnswer)


def known(state: t.Optional[State]) -> State:
    """The state of something that is always there."""
    if state is None:
        raise TypeError("there is no state")
    return state


@dataclasses.dataclass(frozen=True)
class Consent:
    """The user's consent to a consequence: C(option) is V(allow) or V(confirm), C(word) what it must hold."""

    option: str
    word: str
    consequence: str

    def given(self, params: Params) -> bool:
        if self.option == "allow":
            return self.word in (params.get("allow") or ())
        return params.get(self.option) == self.word

    @staticmethod
    def advice(missing: t.Iterable[Consent]) -> str:
        """All that the task must say, at once."""
        words = list(dict.fromkeys(consent.word for consent in missing if consent.option == "allow"))
        wanted = ["'%s: %s'" % (consent.option, consent.word) for consent in missing if consent.option != "allow"]
        if words:
            wanted.append("'allow: [%s]'" % ", ".join(words))
        return "If that is what you want, add %s to the task." % " and ".join(wanted)


class Skipped(Exception):
    """Raised by C(Step.send) before it sends anything: what the step was meant for is gone, or is something else by now.

    The step then counts as not taken. The resource itself says what became of it.
    """


@dataclasses.dataclass(frozen=True)
class Step:
    """One call that changes something, and what belongs to it.

    C(sentence) says in the imperative what it does. C(send) makes the call; when its answer shows the whole resource, it
    returns the new state. C(follow) waits for the end of what was started and may return the state too. C(happened)
    tells from a fresh state whether an unclear C(send) took place. C(resend) is true when sending once more after a
    reading that shows that it did not is harmless. A step that does not count only waits.
    """

    sentence: str
    send: t.Callable[[], t.Optional[State]] = lambda: None
    follow: t.Optional[t.Callable[[], t.Optional[State]]] = None
    happened: t.Optional[t.Callable[[t.Optional[State]], bool]] = None
    resend: bool = False
    consent: t.Tuple[Consent, ...] = ()
    counts: bool = True


@dataclasses.dataclass
class Outcome:
    """What a module reports, before it is put into a result."""

    changed: bool
    result: t.Dict[str, t.Any]
    diff: t.Optional[t.Dict[str, t.Any]] = None
    steps: t.List[str] = dataclasses.field(default_factory=list)


class Interrupted(Exception):
    """A step failed after C(done) were carried out. C(maybe) is true when the failed one may have changed something.

    C(error) is what went wrong: a C(ScalingoError), or anything else when the collection has a defect.
    """

    def __init__(self, error: Exception, done: t.List[str], failed: str, maybe: bool) -> None:
        super().__init__(str(error))
        self.error = error
        self.done = done
        self.failed = failed
        self.maybe = maybe


class Performer:
    """What a module file hands to C(run): something that turns parameters into an outcome."""

    #: What is being read, for errors before a step runs.
    reading = "read the database"
    #: Look the addon up anew: for tasks that destroy, restore or provision.
    fresh_lookup = False
    #: Whether the task must name one database.
    target_needed = True

    def __init__(self, client: Client, params: Params, warn: t.Callable[[str], None], no_log: bool = False) -> None:
        self.client = client
        self.params = params
        self.warn = warn
        self._no_log = no_log

    @classmethod
    def check(cls, params: Params) -> None:
        """Raise C(InvalidInput) for what can be refused without a request."""

    def perform(self, check_mode: bool) -> Outcome:
        raise NotImplementedError

    def refuse_open_secret(self, secret: str) -> None:
        """Refuse a task whose result would hold a secret while it is shown and logged."""
        if not self._no_log:
            raise InvalidInput(
                "the result would hold %s, and the task does not hide its result" % secret,
                hint="Add 'no_log: true' to the task and register its result.",
            )


class Listing(Performer):
    """An info module: a list under the plural. Nothing that matches is an empty list."""

    plural = ""

    def items(self) -> t.List[State]:
        raise NotImplementedError

    def perform(self, check_mode: bool) -> Outcome:
        try:
            items = self.items()
        except AddonNotFound:
            items = []
        return Outcome(changed=False, result={self.plural: items})


class Resource(Performer):
    """Something that a module converges."""

    #: The names of the state's fields that are compared and diffed.
    managed_fields: t.Tuple[str, ...] = ()
    #: An imperative module: its steps do not come from a difference.
    imperative = False

    def read(self) -> t.Optional[State]:
        """The current state, or nothing when it is absent."""
        raise NotImplementedError

    def wanted(self, before: t.Optional[State]) -> t.Optional[State]:
        """The state after the task: before overlaid with the parameters that were given. Sends nothing."""
        raise NotImplementedError

    def steps(self, before: t.Optional[State], after: t.Optional[State]) -> t.List[Step]:
        """How to come from before to after. Sends nothing."""
        raise NotImplementedError

    def result(self, state: t.Optional[State]) -> t.Dict[str, t.Any]:
        """What is returned of a state: the result keys of the module."""
        raise NotImplementedError

    def managed(self, state: t.Optional[State]) -> t.Dict[str, t.Any]:
        """The part of a state that is compared, and shown in the diff."""
        return {} if state is None else {name: state[name] for name in self.managed_fields}

    def busy(self, state: t.Optional[State]) -> str:
        """What keeps the database from taking a change, as far as the state tells; else an empty text."""
        return ""

    def tolerated(self, field: str, wanted: t.Any, current: t.Any) -> bool:
        """Whether a field that reads back otherwise than planned is a known weakness of the platform. May warn."""
        return False

    # -- the one way through -----------------------------------------------------------------------------------------

    def perform(self, check_mode: bool) -> Outcome:
        before, after, steps = self._plan()
        if self._counting(steps) and self.busy(before):
            if self.params.get("on_busy") == "fail":
                raise Conflict(
                    self.busy(before),
                    doing=self._counting(steps)[0],
                    hint="Run the task again later, or use 'on_busy: wait'.",
                )
            if not check_mode:
                self._wait_until_idle()
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

    def _plan(self) -> t.Tuple[t.Optional[State], t.Optional[State], t.List[Step]]:
        before = self.read()
        try:
            after = self.wanted(before)
            steps = self.steps(before, after)
        except InvalidInput as error:
            error.about(doing="carry out the task")
            raise
        if not self.imperative and not self._counting(steps) and self.managed(before) != self.managed(after):
            raise InvalidInput(
                "no step leads from the current to the wanted state: %s"
                % self._differences(self.managed(before), self.managed(after)),
                hint="Please report this: it is a defect of the collection.",
            )
        self._refuse_without_consent(steps)
        return before, after, steps

    def _refuse_without_consent(self, steps: t.Sequence[Step]) -> None:
        """Name everything that is missing at once, so that nobody has to run the task again to learn of the next."""
        missing = [(step, consent) for step in steps for consent in step.consent if not consent.given(self.params)]
        if missing:
            consents = list(dict.fromkeys(consent for dummy, consent in missing))
            consequences = ". ".join(dict.fromkeys(consent.consequence for consent in consents))
            raise ConsentMissing(
                "%s. Nothing was changed" % consequences, doing=missing[0][0].sentence, hint=Consent.advice(consents)
            )

    def _apply(
        self, before: t.Optional[State], after: t.Optional[State], steps: t.List[Step]
    ) -> t.Tuple[t.Optional[State], t.List[str]]:
        """The state afterwards, and what was done."""
        done: t.List[str] = []
        known: t.Optional[State] = None
        for step in steps:
            taken = False
            try:
                known = self._take(step)
                taken = step.counts
                if step.follow is not None:
                    known = step.follow()
            except Skipped:
                known = None
                continue
            except Exception as error:  # pylint: disable=broad-except
                unclear = not isinstance(error, ScalingoError) or isinstance(error, UNCLEAR) and error.method != "GET"
                raise self._interrupted(error, done, step.sentence, taken or (step.counts and unclear)) from error
            if step.counts:
                done.append(visible(step.sentence))
        if not steps:
            return before, done
        try:
            current = self.read() if known is None else known
            problem = self._read_back(current, after)
        except Exception as error:  # pylint: disable=broad-except
            raise self._interrupted(error, done, "read back what was changed", False) from error
        if problem:
            mismatch = StepFailed(
                problem,
                doing="verify what was changed",
                hint="The platform took the change but shows something else. Run the task again; if it stays so, ask Scalingo's support.",
            )
            raise Interrupted(mismatch, done, "verify what was changed", False)
        return current, done

    @staticmethod
    def _interrupted(error: Exception, done: t.List[str], failed: str, maybe: bool) -> Interrupted:
        if isinstance(error, ScalingoError):
            # The step says more than the route that it failed on.
            error.doing = failed
        return Interrupted(error, done, visible(failed), maybe)

    def _take(self, step: Step) -> t.Optional[State]:
        """Send, and when it is not clear whether that took place, look."""
        try:
            return self._send(step)
        except OutcomeUnknown as error:
            if step.happened is None:
                raise
            try:
                happened = step.happened(self.read())
            except ScalingoError:
                raise error from None
            if happened:
                return None
            if not step.resend:
                error.hint = "The database was read again and does not show it. Run the task again."
                raise
            return self._send(step)

    def _send(self, step: Step) -> t.Optional[State]:
        """Send, and when the platform says that another operation is running, wait for its end and send again."""
        tries = 0
        while True:
            try:
                return step.send()
            except REFUSALS:
                tries += 1
                if tries > 3 or self.params.get("on_busy") != "wait" or not self._is_busy():
                    raise
                self._wait_until_idle()

    def _is_busy(self) -> bool:
        """Whether another operation may be why a step was refused. A database that cannot be read tells nothing."""
        try:
            return bool(busy_reason(self.client.database.show_database()))
        except ScalingoError:
            return False

    def _wait_until_idle(self) -> None:
        wait_until(
            self.client.database.show_database,
            lambda raw: not busy_reason(raw),
            what="operation on the database",
            identifier=self.client.target.addon_id,
            status=lambda raw: str(raw.get("status")),
            timeout=self.params["wait_timeout"],
            interval=self.params["wait_interval"],
            clock=self.client.clock,
        )

    def _read_back(self, current: t.Optional[State], after: t.Optional[State]) -> str:
        shown, planned = self.managed(current), self.managed(after)
        surprising = {
            name
            for name in sorted(set(shown) | set(planned))
            if shown.get(name) != planned.get(name) and not self.tolerated(name, planned.get(name), shown.get(name))
        }
        if not surprising:
            return ""
        return "it reads back otherwise than planned: " + self._differences(
            {name: shown[name] for name in surprising if name in shown},
            {name: planned[name] for name in surprising if name in planned},
        )

    def _diff(
        self, before: t.Optional[State], after: t.Optional[State], steps: t.List[Step]
    ) -> t.Dict[str, t.Any]:
        diff: t.Dict[str, t.Any] = {"before": self.managed(before), "after": self.managed(after)}
        if self.imperative and self._counting(steps):
            diff["prepared"] = "".join("%s\n" % sentence for sentence in self._counting(steps))
        return diff

    @staticmethod
    def _counting(steps: t.Iterable[Step]) -> t.List[str]:
        return [visible(step.sentence) for step in steps if step.counts]

    @staticmethod
    def _differences(current: t.Mapping[str, t.Any], wanted: t.Mapping[str, t.Any]) -> str:
        return "; ".join(
            "%s is %r, wanted %r" % (name, current.get(name), wanted.get(name))
            for name in sorted(set(current) | set(wanted))
            if current.get(name) != wanted.get(name)
        )


def busy_reason(raw: t.Mapping[str, t.Any]) -> str:
    """Why a database, as C(GET /databases/:db) shows it, takes no change now; an empty text when it does.

    Ready means running and without a current operation (docs/contract.md section 3.1).
    """
    status = raw.get("status")
    operation = raw.get("current_operation_id")
    if operation:
        return "another operation (%s) is running on the database, which is %s" % (operation, status)
    if status is not None and status != "running":
        return "the database is %s, not running" % status
    return ""
