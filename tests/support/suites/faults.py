# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The matrix of faults: what a module makes of connections that fail, and of answers that are lost, damaged, or not the API's at all.

A cell is one request of a case and one fault. What may come of it depends on the kind of the fault and on the kind of the call, as WANTED
says. The sandbox's databases before, without the fault and after are the judge of what really happened.
"""

from __future__ import annotations

import contextlib
import dataclasses
import difflib
import email.utils
import typing as t
from pathlib import Path
from unittest import mock

import yaml
from scalingo_sandbox import faults
from scalingo_sandbox.seed import REGIONS
from scalingo_sandbox.testing import Record
from support import wire
from support.cases import API_PATH, DB_API, Case, Data
from support.compare import without
from support.laboratory import Laboratory, Observation, named
from support.subjects import Subject
from support.suites import canaries

#: Calls that change something and may be sent twice: they set, and do not add (docs/contract.md section 2).
#: Written down here once more, independently of the client that is tested.
MAY_BE_REPEATED = ("D2", "D6", "D7", "U3", "F3", "F4", "DR8", "A5", "set-sqlmode", "pg-stat-statements-enable")

#: Requests for tokens, addons and addresses, unless a run ends with one: then it is about that. In the forms of the main API A2 takes the place of A6.
ON_THE_WAY = ("exchange", "A1", "A6" if API_PATH == DB_API else "A2", "regions")

#: Texts that no report may have.
CRASHED = ("Traceback (most recent call last)", "defect of the collection")


def plain_cases(subject: Subject) -> list[Case]:
    """The cases that succeed with nothing going wrong."""
    return [
        case
        for case in subject.cases.cases
        if not (case.expect.failure or case.situation.faults or case.situation.outcomes)
    ]


def crash_problems(seen: Observation) -> list[str]:
    text = seen.report.everything()
    return [f"it says {word!r}: {seen.report.message}" for word in CRASHED if word in text]


# -- where -----------------------------------------------------------------------------------------------------------

PHASES = ("on the way", "at first", "as a change", "after a change")
KINDS = ("read", "repeatable", "once")


@dataclasses.dataclass(frozen=True)
class Point:
    """A request of a case: `after` is how many of its kind come before it."""

    case: Case
    record: Record
    phase: str
    after: int

    @property
    def name(self) -> str:
        return f"{named(self.record)} {self.phase} ({self.case.name})"

    @property
    def own(self) -> bool:
        """It is what the module is about, and not on the way to the database, which is the same code for all modules."""
        return self.phase != "on the way"

    @property
    def kind(self) -> str:
        """Whether the call reads, changes something and may be repeated, or must be sent once."""
        return "read" if self.record.safe else "repeatable" if named(self.record) in MAY_BE_REPEATED else "once"

    def rule(self, do: Data, times: int | None = None) -> Data:
        match = {"route": self.record.route, "action_name": self.record.action_name}
        rule = {"match": {name: value for name, value in match.items() if value}, "after": self.after, **do}
        return {**rule, "times": times} if times else rule


def points_of(case: Case, clean: Observation) -> list[Point]:
    """Where a run can go wrong, but for a request that the API does not know."""
    found = []
    seen: dict[str, int] = {}
    changed = False
    for record in clean.records:
        changed = changed or not record.safe
        on_the_way = record.route in ON_THE_WAY and record.route != clean.records[-1].route
        phase = (
            "as a change"
            if not record.safe
            else "after a change"
            if changed
            else "on the way"
            if on_the_way
            else "at first"
        )
        if record.route or record.action_name:
            found.append(Point(case, record, phase, seen.get(named(record), 0)))
        seen[named(record)] = seen.get(named(record), 0) + 1
    return found


# -- what goes wrong -------------------------------------------------------------------------------------------------

PAGE = "<!DOCTYPE html>\n<html><head><title>Log in</title></head><body>Please log in.</body></html>\n"
#: What comes instead of the work, and what comes with it.
INSTEAD_OF_IT = ("drop_before", "hold_before", "status", "html", "plain")
WORK_DONE = ("drop_after", "hold_after", "truncate", "replace", "wrong_type", "missing_key", "drip", "headers")


def anywhere(point: Point) -> bool:
    return True


def of_the_api(point: Point) -> bool:
    """Not at a link, which leads to a file and needs no token."""
    return point.record.role != "files"


def with_a_body(point: Point) -> bool:
    """Where half of it is not as good: not with an answer whose status says all, such as a 404 or a 204."""
    return point.record.status is not None and point.record.status < 300 and point.record.status != 204


def with_a_form(point: Point) -> bool:
    """Not the lines of a log, which are any text."""
    return point.record.route != "log-lines"


def with_an_object(point: Point) -> bool:
    """Not where the API answers with a list: the metrics of instances, a series, the status of instances."""
    return of_the_api(point) and point.record.route not in ("S2", "S3", "S5")


def with_something(point: Point) -> bool:
    """Not where null is an empty list, as the API's language writes it."""
    return of_the_api(point) and point.record.route != "S5"


def of_an_action(point: Point) -> bool:
    return bool(point.record.action_name)


def of_no_action(point: Point) -> bool:
    return with_a_form(point) and not of_an_action(point)


def of_a_token(point: Point) -> bool:
    return point.record.route == "A6"


#: What is for nearly every request.
MOSTLY = (anywhere, of_the_api, with_a_body, with_a_form, with_an_object, with_something)


@dataclasses.dataclass(frozen=True)
class Fault:
    """One way in which a request goes wrong: a rule of the sandbox, or `wire` on the client's side."""

    name: str
    group: str
    do: Data | t.Callable[[Laboratory, Point], Data]
    times: int | None = None
    wire: str = ""
    where: t.Callable[[Point], bool] = anywhere
    #: Of a refusal: what it is called.
    kind: str = ""
    #: How many seconds are to be waited for it at least.
    waits: float = 0.0

    @property
    def works(self) -> bool:
        """Whether the platform does what it is asked for, and only its answer is another, or none."""
        return isinstance(self.do, dict) and self.do.get("do") in WORK_DONE

    @contextlib.contextmanager
    def acting(self, laboratory: Laboratory, point: Point) -> t.Iterator[None]:
        do = self.do(laboratory, point) if callable(self.do) else self.do
        if do:
            laboratory.sandbox.fault(**point.rule(do, self.times))
        with contextlib.ExitStack() as stack:
            if self.wire:
                stack.enter_context(
                    wire.broken(laboratory.sandbox, self.wire, named(point.record), point.after, self.times)
                )
            yield


def _echo(status: int) -> t.Callable[[Laboratory, Point], Data]:
    """An answer that repeats what it was sent, as a careless server or proxy does."""

    def do(laboratory: Laboratory, point: Point) -> Data:
        sent = ("the API token", "a token") + (("the API token in base64",) if point.record.role == "auth" else ())
        secrets = canaries.canaries(laboratory.sandbox, laboratory.issued)
        echoed = [value for value, what in secrets.items() if what in sent]
        body = {"error": "refused: {}".format(" ".join(echoed)), "code": echoed[0], "errors": {echoed[-1]: echoed}}
        return {"do": "status", "status": status, "body": body}

    return do


def _elsewhere(status: int) -> t.Callable[[Laboratory, Point], Data]:
    """A redirect to another host, that of the other region."""

    def do(laboratory: Laboratory, point: Point) -> Data:
        host = laboratory.sandbox.db_api_url(REGIONS[-1])
        return {"do": "status", "status": status, "headers": {"Location": host + point.record.path}}

    return do


def _skewed(hours: float) -> t.Callable[[Laboratory, Point], Data]:
    def do(laboratory: Laboratory, point: Point) -> Data:
        return {
            "do": "headers",
            "headers": {"Date": email.utils.formatdate(laboratory.clock.wall() + hours * 3600, usegmt=True)},
        }

    return do


def _retry_at(status: int, seconds: float) -> t.Callable[[Laboratory, Point], Data]:
    """A Retry-After that is a moment, so many seconds after that of the answer."""

    def do(laboratory: Laboratory, point: Point) -> Data:
        now = laboratory.clock.wall()
        moments = {"Date": now, "Retry-After": now + seconds}
        headers = {name: email.utils.formatdate(moment, usegmt=True) for name, moment in moments.items()}
        return {"do": "status", "status": status, "headers": headers}

    return do


def _of_another_addon() -> t.Callable[[Laboratory, Point], Data]:
    def do(laboratory: Laboratory, point: Point) -> Data:
        listed = [addon["id"] for app in laboratory.sandbox.state()["apps"] for addon in app["addons"]]
        other = next(identifier for identifier in listed if identifier != point.record.addon_id)
        return {"do": "wrong_type", "at": "addon.token", "value": laboratory.addon_token(other)}

    return do


def _faults() -> t.Iterator[Fault]:
    path = Path(__file__).with_suffix(".yml")
    for name, group, given in yaml.safe_load(path.read_text(encoding="utf-8")):
        fields = {field: given.pop(field) for field in ("times", "wire", "kind", "waits") if field in given}
        where = globals()[given.pop("where", "anywhere")]
        made = given.pop("make", None)
        if given.get("body") == "PAGE":
            given["body"] = PAGE
        do = globals()["_" + made[0]](*made[1:]) if made else {"do": "status", **given} if given else {}
        yield Fault(name, group, do, where=where, **fields)


FAULTS = tuple(_faults())

# -- what may come of it ---------------------------------------------------------------------------------------------

#: The same as without the fault: state, result, changed.
DONE = "done"

#: By the group of the fault: what may come of a call that reads, of a change that may be repeated, and of one that must be sent once. DONE, or
#: the kinds of error. REFUSAL is the kind of the fault itself.
REFUSAL = "refusal"
NOT_SEEN = ("StepFailed", "WaitTimeout")
WANTED: dict[str, tuple[tuple[str, ...], ...]] = {
    "put off": ((DONE,), (DONE,), (DONE,)),
    "never sent": (("Unreachable",), ("Unreachable",), ("Unreachable",)),
    "limited": (("RateLimited",), ("RateLimited",), ("RateLimited",)),
    "lost once": ((DONE,), (DONE,), (DONE, "OutcomeUnknown")),
    "lost": (("Unreachable",), (DONE, "OutcomeUnknown"), (DONE, "OutcomeUnknown")),
    "half": (("UnexpectedAnswer",), (DONE, "OutcomeUnknown"), (DONE, "OutcomeUnknown")),
    "failure once": ((DONE,), ("ServerError",), (DONE, "OutcomeUnknown")),
    "overload once": ((DONE,), (DONE,), (DONE, "OutcomeUnknown")),
    "failure": (("ServerError",), ("ServerError",), ("OutcomeUnknown",)),
    "renewed": ((DONE,), (DONE,), (DONE,)),
    "foreign": (("Unauthorized",), (), ()),
    "absent": ((DONE, "NotFound"), ("NotFound",), ("NotFound",)),
    "refused": ((REFUSAL,), (REFUSAL,), (REFUSAL,)),
    # A restore that is refused waits for the one that was started, and is then no longer possible.
    "refused after it": ((REFUSAL,), (DONE, REFUSAL), (DONE, REFUSAL, "InvalidInput")),
    "redirected": (("UnexpectedAnswer",), ("UnexpectedAnswer",), ("UnexpectedAnswer",)),
    # The answers to some changes have no form: a reading then shows that nothing was done.
    "not the API's": (("UnexpectedAnswer",), ("UnexpectedAnswer", *NOT_SEEN), ("OutcomeUnknown", *NOT_SEEN)),
    "unreadable": (("UnexpectedAnswer",), (DONE, "UnexpectedAnswer"), (DONE, "OutcomeUnknown")),
    # Without a value there may be nothing, such as no recovery window: the task is refused before anything is sent.
    "without values": (
        (DONE, "UnexpectedAnswer", "InvalidInput"),
        (DONE, "UnexpectedAnswer"),
        (DONE, "OutcomeUnknown"),
    ),
    # A list that is empty says that there is nothing, or nothing yet, or not what was changed.
    "emptied": (
        (DONE, "UnexpectedAnswer", "InvalidInput", "NotFound", "AddonNotFound", "NoAccess", "Conflict", *NOT_SEEN),
        (DONE, "UnexpectedAnswer"),
        (DONE, "OutcomeUnknown"),
    ),
    # A single field decides what becomes of it: the needs of the case file are the judge.
    "field": ((), (), ()),
    "damaged": ((DONE, "UnexpectedAnswer"), (DONE, "UnexpectedAnswer"), (DONE, "OutcomeUnknown")),
}


#: And of which reads something else may come, and why.
BESIDES: tuple[tuple[str, t.Callable[[Point], bool], tuple[str, ...]], ...] = (
    # A download that breaks off is resumed, and then told as what it is.
    ("half", lambda point: not of_the_api(point), ("Unreachable",)),
    # What was made is not there yet, or the route that tells of it never is: then the state of the database says what came of it.
    ("absent", lambda point: point.phase == "after a change", NOT_SEEN),
)


#: Calls that leave nothing that a reading could show: any action, a restore of a backup, new passwords, what is emptied.
UNSEEN = (
    ("scalingo_action", "create-database"),
    ("scalingo_action", "set-sqlmode"),
    ("scalingo_database_restore", "B6"),
    ("scalingo_database_user", "U3"),
    ("scalingo_database_user", "U4"),
    ("scalingo_logical_db_reset", "reset-database"),
    ("scalingo_pg_stat_statements", "pg-stat-statements-reset"),
)
#: And those whose refusal is believed: what is there may be another's.
BELIEVED = (("scalingo_backup", "B2"), ("scalingo_database_restore", "D4"))


def in_words(fault: Fault) -> list[str]:
    """What may come of a fault: of a read, of a change that may be repeated, and of one that must be sent once."""
    words = {DONE: "succeeds", REFUSAL: fault.kind}
    return [" or ".join(words.get(kind, kind) for kind in kinds) or "-" for kinds in WANTED[fault.group]]


#: What the cases allow in place of five: sent again once is enough to see that it is.
RETRIES = 1
#: How often a request is made again, each time with its retries: a poll that fails twice, a change that a reading does not show.
AGAIN = 2
#: How often a request may be repeated for the rate limit: ten minutes' worth.
LIMITED = 25


PROBLEMS = {
    "twice": "changes sent twice that must not be",
    "lost": "changes lost, or believed without a proof",
    "secret": "secrets seen, or sent to somebody else",
    "traceback": "tracebacks",
    "outcome": "other outcomes than those below",
}


@dataclasses.dataclass(frozen=True)
class Problem:
    """What is wrong with a cell; `kind` is one of PROBLEMS."""

    kind: str
    text: str


class Matrix:
    """The cells of one module: runs them, and judges what came of each."""

    def __init__(self, laboratory: Laboratory, subject: Subject) -> None:
        self.laboratory = laboratory
        self.subject = subject
        self.outcomes: list[tuple[str, str, str, str]] = []
        self._clean: dict[str, tuple[Observation, str]] = {}
        self._homes: dict[str, Path] = {}

    def clean(self, case: Case) -> tuple[Observation, str]:
        """A run without a fault, and what the databases are like before it."""
        if case.name not in self._clean:
            self.laboratory.arrange(self.subject, retrying(case))
            initial = self.laboratory.state()
            self._clean[case.name] = (self.laboratory.run(self.subject, retrying(case)), initial)
            self._homes[case.name] = self.laboratory.home
        return self._clean[case.name]

    def _home(self, case: Case) -> Path:
        """Where a run without a fault has kept its tokens, which are still good."""
        if case.name not in self._homes:
            self._clean.pop(case.name, None)
            self.clean(case)
        return self._homes[case.name]

    def seen(self, point: Point, fault: Fault) -> Observation:
        """What a run makes of it. A request on the way is made when there is no token in the cache."""
        case = retrying(point.case)
        self.laboratory.arrange(self.subject, case, self._home(case) if point.own else None)
        with fault.acting(self.laboratory, point):
            seen = self.laboratory.run(self.subject, case)
        if fault.group == "renewed":
            self._homes.clear()
        return seen

    def problems(self, point: Point, fault: Fault) -> list[Problem]:
        seen = self.seen(point, fault)
        found = self.judged(point, fault, seen)
        report = seen.report
        self.outcomes.append((fault.name, point.phase, point.kind, report.kind if report.failed else DONE))
        if report.failed and fault.group == "lost once" and self.subject.support("idempotent") == "full":
            self.laboratory.calm()
            case = retrying(point.case)
            recovered = self.laboratory.run(self.subject, case)
            if recovered.report.failed or recovered.state != self.clean(case)[0].state:
                found.append(Problem("lost", f"running it again does not repair it: {recovered.report.message}"))
        return [Problem(problem.kind, f"{point.name}, {fault.name}: {problem.text}") for problem in found]

    def judged(self, point: Point, fault: Fault, seen: Observation) -> list[Problem]:
        clean, initial = self.clean(point.case)
        report = seen.report
        found = [Problem("traceback", text) for text in crash_problems(seen)]
        found += [Problem("secret", text) for text in canaries.told(self.laboratory, self.subject, point.case, seen)]
        allowed = [fault.kind if word == REFUSAL else word for word in WANTED[fault.group][KINDS.index(point.kind)]]
        if point.kind == "read" and named(point.record) in self.subject.cases.does_without:
            allowed.append(DONE)
        if DONE in allowed and fault.works and point.phase == "as a change" and not self._unseen(point, fault):
            allowed = [DONE]
        if point.kind == "read":
            allowed += [
                kind for group, where, kinds in BESIDES if group == fault.group and where(point) for kind in kinds
            ]
        if point.kind == "read" and not report.failed and report.result.get("failures"):
            return found + _told(allowed, clean, seen) + self._sent(point, fault, clean, seen)
        if allowed and (report.kind if report.failed else DONE) not in allowed:
            found.append(
                Problem(
                    "outcome", "{} is not one of {}: {}".format(report.kind or DONE, ", ".join(allowed), report.message)
                )
            )
        if report.failed:
            found += self._failed(fault, initial, clean, seen)
        else:
            found += self._succeeded(point, fault, clean, seen)
        return found + self._sent(point, fault, clean, seen)

    def _unseen(self, point: Point, fault: Fault) -> bool:
        """Whether nothing shows afterwards that the call took place, or a refusal is believed."""
        call, again = (self.subject.name, named(point.record)), point.case.again
        if again is not None and again.calls:
            return True
        return call in UNSEEN or (fault.group == "refused after it" and call in BELIEVED)

    @staticmethod
    def _failed(fault: Fault, initial: str, clean: Observation, seen: Observation) -> list[Problem]:
        report, found = seen.report, []
        # A platform that refuses what it has done is believed.
        if seen.state != initial and not report.changed and fault.group != "refused after it":
            found.append(
                Problem("outcome", f"something was changed, and it reports that nothing was: {report.message}")
            )
        # A copy or evidence is a change on this machine, for which nothing is sent.
        if report.changed and not seen.unsafe and (clean.unsafe or not clean.report.changed):
            found.append(Problem("outcome", "it reports a change, and sent nothing that changes something"))
        if not report.kind:
            found.append(Problem("outcome", f"the failure has no kind: {report.message}"))
        return found

    def _succeeded(self, point: Point, fault: Fault, clean: Observation, seen: Observation) -> list[Problem]:
        report, found = seen.report, []
        if seen.state != clean.state:
            differing = difflib.unified_diff(
                clean.state.split(","), seen.state.split(","), "wanted", "found", n=1, lineterm=""
            )
            found.append(
                Problem(
                    "lost",
                    "it reports success, and the databases are not as they should be: {}".format(" ".join(differing)),
                )
            )
        if report.changed is not clean.report.changed and fault.group != "refused after it":
            found.append(Problem("outcome", f"it reports changed: {report.changed}"))
        if fault.group == "absent" and self.subject.reads_only:
            return found
        believed = ("changed", "steps") if fault.group == "refused after it" else ()
        truly, told = (without(one.lasting, (*self.subject.cases.passed_on, *believed)) for one in (clean, seen))
        if fault.group == "put off" and truly != told:
            found.append(Problem("outcome", "it tells something else"))
        found += [Problem("outcome", "it reports success with a wrong result: " + text) for text in _wrong(truly, told)]
        if point.phase == "as a change" and fault.group != "put off" and not _confirmed(point, fault, seen):
            found.append(Problem("lost", "it reports success, and nothing confirmed the call"))
        return found

    def _sent(self, point: Point, fault: Fault, clean: Observation, seen: Observation) -> list[Problem]:
        """Whether something was sent too often, or to somebody else."""
        found = [Problem("twice", text) for text in _repetitions(point.case, clean, seen)]
        once, sent = (sum(named(record) == named(point.record) for record in one.records) for one in (clean, seen))
        retries = LIMITED if fault.group == "limited" else max(fault.times or 0, RETRIES)
        # A wait ends when its time is over.
        # Who reads many things and goes on may ask once for each that fails.
        told = len(seen.report.result.get("failures") or ())
        if sent > (once + told + AGAIN) * (1 + retries) and seen.report.kind != "WaitTimeout":
            found.append(
                Problem("outcome", f"{named(point.record)} is sent {sent} times, and {once} without the fault")
            )
        # A call that is not sent again waits for nothing, and who waits for the platform anyway has nothing to add up.
        if fault.waits and not _waited(clean) and (fault.group == "put off" or point.kind != "once"):
            # Without what passes on a busy machine, and with what keeps a pace afterwards.
            if not seen.report.failed and not fault.waits * 0.8 <= _waited(seen) <= fault.waits + max(
                20, len(seen.records)
            ):
                found.append(Problem("outcome", f"it waited {_waited(seen)} seconds, and not {fault.waits:g}"))
        elsewhere = any(record.region == REGIONS[-1] for record in clean.records)
        if (
            fault.group == "redirected"
            and not elsewhere
            and any(record.region == REGIONS[-1] for record in seen.records)
        ):
            found.append(Problem("secret", "it follows a redirect to another host"))
        return found


def retrying(case: Case) -> Case:
    return case.with_arguments(**{"api_retries": RETRIES, **case.arguments})


def _repetitions(case: Case, clean: Observation, seen: Observation) -> list[str]:
    """What must not happen twice is sent again only when it was refused, or after a reading that shows that it did not happen."""
    # Where the case says that the platform does not show what was done, looking cannot tell.
    unseen = case.again is not None and bool(case.again.calls)
    found = []
    for signature in {_signature(record) for record in seen.unsafe}:
        if signature[0] in MAY_BE_REPEATED:
            continue
        sent = [
            number for number, record in enumerate(seen.records) if not record.safe and _signature(record) == signature
        ]
        once = max(1, sum(_signature(record) == signature for record in clean.unsafe))
        done = [number for number in sent if _done(seen.records[number])]
        # A call of another kind, such as a new password for a lost one, is no repetition.
        if len(done) > once and not unseen:
            found.append(f"{signature[0]} is sent again after it was done")
        for number, following in zip(sent, sent[1:]):
            refused = seen.records[number].status in (401, 429)
            looked = any(record.safe and not record.fault for record in seen.records[number:following])
            if len(sent) > once and not refused and not looked:
                found.append(f"{signature[0]} is sent again without having looked")
    return found


def _waited(seen: Observation) -> float:
    return float(seen.report.result["api_usage"]["waited_seconds"])


def _done(record: Record) -> bool:
    if record.fault in INSTEAD_OF_IT or record.status == 401:
        return False
    return record.fault in WORK_DONE or (record.status is not None and record.status < 300)


def _signature(record: Record) -> tuple[str, str, str]:
    return named(record), record.path, str(record.body)


#: What stands there instead of null, which may be right.
OF_ANOTHER_TYPE = 42


def _told(allowed: t.Sequence[str], clean: Observation, seen: Observation) -> list[Problem]:
    """Of a module that reads many things and goes on: what it could not read is told as that, and the rest is as it is."""
    kinds = {str(item["error"]["kind"]) for item in seen.report.result["failures"]}
    found = [f"failures tells of {kind}, which is not one of {', '.join(allowed)}" for kind in kinds - set(allowed)]
    truly, told = (without(one.lasting, ("failures",)) for one in (clean, seen))
    missing = [text for text in _wrong(truly, told) if not text.endswith(" is missing")]
    return [Problem("outcome", text) for text in found * bool(allowed) + missing]


def _wrong(clean: t.Any, told: t.Any, place: str = "") -> list[str]:
    """What is told otherwise than it is. What the answer did not say may be missing."""
    if told is None or told == [] or told == "":
        return []
    if clean is None and told == OF_ANOTHER_TYPE:
        return []
    if isinstance(clean, dict) and isinstance(told, dict):
        found = [f"{place}.{name} is missing" for name in clean if name not in told]
        return found + [
            text for name, value in told.items() for text in _wrong(clean.get(name), value, f"{place}.{name}")
        ]
    if isinstance(clean, list) and isinstance(told, list) and len(clean) == len(told):
        # In another order where that depends on what is missing.
        matched = zip(clean, told)
        if all(any(not _wrong(one, other) for one in clean) for other in told):
            return []
        return sorted({text for one, other in matched for text in _wrong(one, other, place)})
    return [] if clean == told else [f"{place} is {told!r}, truly {clean!r}"]


def _confirmed(point: Point, fault: Fault, seen: Observation) -> bool:
    """Whether something was read, or sent again, undamaged, after the last call that went wrong, or the answer says it after all."""
    if point.record.action_name and isinstance(fault.do, dict) and fault.do.get("at", "*").count("."):
        return True  # what was damaged is below "result", and "ok" is there
    last = max((number for number, record in enumerate(seen.records) if record.fault), default=-1)
    later = [record for record in seen.records[last + 1 :] if not record.fault]
    return any(
        (record.safe and record.role in ("db", "api")) or named(record) == named(point.record) for record in later
    )


def points(matrix: Matrix) -> list[Point]:
    """Every kind of request that the cases of a module make: on the way, before a change, as a change, and after one."""
    found: dict[tuple[str, str], Point] = {}
    for point in every_point(matrix):
        name = named(point.record)
        if (name, "on the way") not in found or point.phase != "at first":
            found.setdefault((name, point.phase), point)
    return list(found.values())


def every_point(matrix: Matrix) -> list[Point]:
    return [point for case in plain_cases(matrix.subject) for point in points_of(case, matrix.clean(case)[0])]


# -- which cells -----------------------------------------------------------------------------------------------------

Cell = tuple[Point, Fault]
#: What is tried at every change of every case.
LOST = ("the connection is closed before the work", "the connection is closed after the work")
#: And at one change of each kind in each module's share of the sample.
NOT_DONE = "200 with a text"


def whole(matrix: Matrix, number: int) -> list[Cell]:
    """Every fault at every kind of request, and a lost answer at every change of every case.

    The way to the database is the same code for all modules: there the requests take turns. `number` is that of the module.
    """
    there = points(matrix)
    way = [point for point in there if not point.own]
    found = {
        (point.name, point.after, fault.name): (point, fault)
        for point in there
        if point.own
        for fault in FAULTS
        if fault.where(point)
    }
    for position, fault in enumerate(FAULTS if way else ()):
        fitting = [point for point in way if fault.where(point)]
        if fitting:
            point = fitting[(position + number) % len(fitting)]
            found[point.name, point.after, fault.name] = (point, fault)
    for point in every_point(matrix):
        if point.phase == "as a change":
            found.update(
                {(point.name, point.after, fault.name): (point, fault) for fault in FAULTS if fault.name in LOST}
            )
    return list(found.values())


def sample(matrix: Matrix, modules: t.Sequence[Subject]) -> list[Cell]:
    """The share of this module in a sample that has each fault in each phase: there the modules take turns."""
    found = []
    there = few_points(matrix)
    for offset, phase in enumerate(PHASES):
        taking_turns = [
            subject
            for subject in modules
            if not phase.endswith("a change") or any(case.expect.calls for case in plain_cases(subject))
        ]
        turn = taking_turns.index(matrix.subject) if matrix.subject in taking_turns else -1
        for position, fault in enumerate(FAULTS if turn >= 0 else ()):
            # What is not for every request is not for every module.
            rounds = len(taking_turns) if fault.where in MOSTLY else 6
            fitting = [point for point in there if point.phase == phase and fault.where(point)]
            if fitting and (position + offset + turn) % rounds == 0:
                found.append((fitting[position % len(fitting)], fault))
    # Each module reads back what it changed in a way of its own.
    changes = [point for point in there if point.phase == "as a change"]
    return found + [(point, fault) for point in changes for fault in FAULTS if fault.name == NOT_DONE]


def few_points(matrix: Matrix) -> list[Point]:
    """A request of each phase and kind, of the first case and of those that are the first to make a change of some kind."""
    found: dict[tuple[str, ...], Point] = {}
    made: set[str] = set()
    for case in plain_cases(matrix.subject):
        calls = {str(call.get("action") or call.get("route")) for call in case.expect.calls}
        if not made or calls - made:
            made |= calls | {""}
            for point in points_of(case, matrix.clean(case)[0]):
                found.setdefault((point.phase, point.kind if point.own else named(point.record)), point)
    return list(found.values())


# -- single fields ---------------------------------------------------------------------------------------------------


def field_problems(matrix: Matrix, point: Point, paths: t.Iterable[str], deeds: t.Sequence[str]) -> list[Problem]:
    """Each of these fields of an answer is left out, and is of another type: the task fails by the name of what it needs."""
    found = []
    for path in paths:
        for deed in deeds:
            fault = Fault(f"{deed}: {path}", "field", {"do": deed, "at": path})
            seen = matrix.seen(point, fault)
            problems = matrix.judged(point, fault, seen)
            if deed == "wrong_type":
                clean = matrix.clean(point.case)[0]
                problems += [Problem("outcome", text) for text in _in_the_way(matrix.subject, point, path, clean, seen)]
            found += [Problem(problem.kind, f"{point.name}, {fault.name}: {problem.text}") for problem in problems]
    return found


def places_of_fields(matrix: Matrix, on_the_way: bool) -> list[Point]:
    """Modules that read return all of a thing; of those that change it, this is about what they read before they do."""
    phases = ("on the way",) if on_the_way else ()
    phases += ("at first", "after a change") if matrix.subject.reads_only else ("at first",)
    return [point for point in points(matrix) if known(point.record) and point.phase in phases]


def sampled_fields(matrix: Matrix, number: int) -> list[tuple[Point, str]]:
    """Three fields of one answer."""
    there = [point for point in few_points(matrix) if known(point.record) and point.phase == "at first"]
    if not there:
        return []
    point = there[number % len(there)]
    paths = fields(matrix, point)
    step = max(1, len(paths) // 3)
    return [(point, path) for path in paths[number % step :: step][:3]]


def deeds(subject: Subject) -> t.Sequence[str]:
    """A task that changes something may do otherwise where the answer does not say all."""
    return ("missing_key", "wrong_type") if subject.reads_only else ("wrong_type",)


def known(record: Record) -> bool:
    """Whether an answer is one of the API's routes, and has fields."""
    return record.role != "files" and bool(record.route or record.action_name)


#: What says which thing it is. Without it there is nothing to tell.
IDENTITY = ("id", "name")


def _in_the_way(subject: Subject, point: Point, path: str, clean: Observation, seen: Observation) -> list[str]:
    """A field of another type stops those only that need it, which the case file lists; whoever tells it says null and why."""
    request, name = named(point.record), path.rsplit(".", 1)[-1]
    needed = (
        "." not in path
        or path == "meta.pagination"
        or name in IDENTITY
        or f"{request} {name}" in subject.cases.needs_of_answers
    )
    report = seen.report
    if report.failed:
        if not needed:
            return [f"{request} {name} is needed by nothing, and stops it: {report.message}"]
        named_there = any(word in report.message for word in name.split("_")) or report.kind != "UnexpectedAnswer"
        return [] if named_there else [f"the failure does not name the field: {report.message}"]
    failures = [str(item["msg"]) for item in report.result.get("failures") or ()]
    told = " ".join([*report.result.get("notes", []), *report.warnings, *failures])
    truly, shown = (without(one.lasting, subject.cases.passed_on) for one in (clean, seen))
    if truly != shown and not any(part in told for part in path.split(".") if part != "*"):
        return ["it is told otherwise, and no note says why"]
    return []


def fields(matrix: Matrix, point: Point) -> list[str]:
    """The fields of an answer as it is when nothing is wrong with it, as paths."""
    seen: list[t.Any] = []

    def spoil(rule: t.Any, answer: t.Any) -> t.Any:
        seen.append(answer)
        return answer

    with mock.patch.object(faults, "spoil", spoil):
        matrix.seen(point, Fault("none", "field", {"do": "missing_key"}))
    return _paths(seen[0]) if seen else []


def _paths(answer: t.Any, prefix: str = "") -> list[str]:
    """The fields of an answer as paths, all items of a list at once."""
    if isinstance(answer, list):
        inner = [path for item in answer for path in _paths(item, prefix + "*.")]
    elif isinstance(answer, dict):
        inner = [path for name, item in answer.items() for path in [prefix + name, *_paths(item, prefix + name + ".")]]
    else:
        inner = []
    return list(dict.fromkeys(path for path in inner if path.count(".") < 4))
