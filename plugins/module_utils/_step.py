# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""What a resource is put together from: states as plain data, steps between them, and the consent that some need."""

from __future__ import annotations

import dataclasses
import typing as t

from ._errors import ConsentMissing

State = dict[str, t.Any]
#: That of a resource: some may be absent, which is none.
S = t.TypeVar("S", bound=t.Optional[State])


Params = t.Mapping[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Consent:
    """The user's consent to a consequence: `option` is `allow` or `confirm`, `word` what it must hold."""

    option: str
    word: str
    consequence: str
    #: What `confirm` names.
    noun: str = "database"

    def given(self, params: Params) -> bool:
        if self.option == "allow":
            return self.word in (params.get("allow") or ())
        return params.get(self.option) == self.word

    @staticmethod
    def advice(missing: t.Iterable[Consent]) -> str:
        """All that the task must say, at once."""
        words = list(dict.fromkeys(consent.word for consent in missing if consent.option == "allow"))
        wanted = [f"'{consent.option}: {consent.word}'" for consent in missing if consent.option != "allow"]
        if words:
            wanted.append(f"'allow: [{', '.join(words)}]'")
        return f"If that is what you want, add {' and '.join(wanted)} to the task." if wanted else ""

    @classmethod
    def refusal(cls, missing: t.Sequence[Consent], params: Params, ending: str = "") -> ConsentMissing:
        """The error for consents that are missing. Who confirms something else may mean something else: nobody is told to correct it."""
        said = [] if not ending else [ending]
        said = [*dict.fromkeys(consent.consequence for consent in missing), *said]
        wrong = next((consent for consent in missing if consent.option == "confirm" and params.get("confirm")), None)
        if wrong is not None:
            said.insert(0, mistaken(params["confirm"], wrong.word, wrong.noun))
            missing = [consent for consent in missing if consent is not wrong]
        return ConsentMissing(". ".join(said), hint=cls.advice(missing))


def mistaken(confirmed: object, this: object, noun: str) -> str:
    """What is said to a task that confirms something else than it is about."""
    return f"the task confirms {confirmed}, and this is {this}: check which {noun} you mean"


class Skipped(Exception):
    """Raised by `Step.send` before it sends anything: what the step was meant for is gone, or is something else by now.

    The step then counts as not taken. The resource itself says what became of it.
    """


class Settled(Exception):
    """Raised right before a request of a step: a reading shows what the step is for. `ours`: a lost call may have brought it."""

    def __init__(self, ours: bool) -> None:
        super().__init__()
        self.ours = ours


def never(state: t.Any) -> bool:
    """As `Step.reached`: what another run brings never does instead."""
    return False


@dataclasses.dataclass(frozen=True)
class Step:
    """One call that changes something, and what belongs to it.

    `sentence` says in the imperative what it does; a plan that is made anew is compared by it. `send` makes the call; when
    its answer shows the whole resource, it returns the new state. `follow` waits for the end of what was started and may
    return the state too.

    `happened` tells from a fresh state whether a `send` without a usable answer took place; `reached` whether its goal is
    there although it was refused, whoever brought it; without it `happened` tells that too. `resend` is true when sending
    once more after a reading that shows that it did not take place is harmless.

    A plan ages while somebody waits, for an answer too. So right before each call of `send` that comes after a wait, or again, the state is
    read and the plan made anew; with `last_look` before the first one as well, for what costs money or cannot be undone.
    `compare` does that in a way of its own, with the state where it has just been read, and raises `Settled`, `Skipped` or an
    error. A step that does not count only waits; one that is `always` there is no sign that something is still to be done.
    """

    sentence: str
    send: t.Callable[[], State | None] = lambda: None
    follow: t.Callable[[], State | None] | None = None
    happened: t.Callable[[t.Any], bool] | None = None
    reached: t.Callable[[t.Any], bool] | None = None
    resend: bool = False
    last_look: bool = False
    compare: t.Callable[[t.Any], None] | None = None
    consent: tuple[Consent, ...] = ()
    counts: bool = True
    always: bool = False

    def tells(self, lost: bool) -> t.Callable[[t.Any], bool] | None:
        """What tells from a state that nothing is left to do, after a lost call or without one; none when nothing can."""
        reached = self.happened if lost else self.reached or self.happened
        return None if reached is never else reached


@dataclasses.dataclass
class Outcome:
    """What a module reports, before it is put into a result."""

    changed: bool
    result: dict[str, t.Any]
    diff: dict[str, t.Any] | None = None
    steps: list[str] = dataclasses.field(default_factory=list)


class Interrupted(Exception):
    """A step failed after `done` were carried out. `maybe` is true when the failed one may have changed something.

    `error` is what went wrong: a `ScalingoError`, or anything else when the collection has a defect.
    """

    def __init__(self, error: Exception, done: list[str], failed: str, maybe: bool) -> None:
        super().__init__(str(error))
        self.error = error
        self.done = done
        self.failed = failed
        self.maybe = maybe
