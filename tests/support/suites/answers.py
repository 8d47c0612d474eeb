# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a module makes of answers that are lost, damaged, or not the API's at all. None of it is written by hand.

The sandbox's databases before and after are the judge of what really happened.
"""

from __future__ import annotations

import dataclasses
import difflib
import typing as t
from pathlib import Path
from unittest import mock

from scalingo_sandbox import faults
from scalingo_sandbox.testing import Record
from support.cases import Case, Data
from support.compare import without
from support.laboratory import Laboratory, Observation, named
from support.subjects import Subject

#: Calls that change something and may be sent twice: they set, and do not add (docs/contract.md section 2).
#: Written down here once more, independently of the client that is tested.
MAY_BE_REPEATED = ("D2", "D6", "D7", "U3", "F3", "F4", "DR8", "A5", "set-sqlmode", "pg-stat-statements-enable")

#: Requests for tokens, addons and addresses, unless a run ends with one: then it is about that.
ON_THE_WAY = ("exchange", "A1", "A6", "regions")

#: Texts that no report may have.
CRASHED = ("Traceback (most recent call last)", "defect of the collection")


def plain_cases(subject: Subject) -> t.List[Case]:
    """The cases that succeed with nothing going wrong."""
    return [
        case
        for case in subject.cases.cases
        if not (case.expect.failure or case.situation.faults or case.situation.outcomes)
    ]


def crash_problems(seen: Observation) -> t.List[str]:
    text = seen.report.everything()
    return ["it says %r: %s" % (word, seen.report.message) for word in CRASHED if word in text]


# -- lost answers ----------------------------------------------------------------------------------------------------


def lost_problems(laboratory: Laboratory, subject: Subject, case: Case) -> t.List[str]:
    """The answer of each call that changes something is lost, once before and once after the work was done."""
    if case not in plain_cases(subject):
        return []
    clean = laboratory.observe(subject, case)
    found = []
    for position, record in enumerate(clean.unsafe):
        for deed in ("drop_before", "drop_after"):
            where = "%s of call %d, %s: " % (deed, position + 1, named(record))
            laboratory.arrange(subject, case)
            initial = laboratory.state()
            laboratory.sandbox.fault(match={"safe": False}, after=position, times=1, do=deed)
            seen = laboratory.run(subject, case)
            found += [where + text for text in _lost(case, initial, clean, seen)]
            if seen.report.failed and subject.support("idempotent") == "full":
                laboratory.calm()
                recovered = laboratory.run(subject, case)
                if recovered.report.failed or recovered.state != clean.state:
                    found.append(where + "running it again does not repair it: %s" % recovered.report.message)
    return found


def _lost(case: Case, initial: t.Any, clean: Observation, seen: Observation) -> t.List[str]:
    report = seen.report
    found = crash_problems(seen)
    if report.failed:
        if seen.state != initial and not report.changed:
            found.append("something was changed, and it reports that nothing was: %s" % report.message)
        if report.kind != "OutcomeUnknown":
            found.append(
                "it fails as %s and not as something whose outcome is not known: %s" % (report.kind, report.message)
            )
    else:
        if seen.state != clean.state:
            differing = difflib.unified_diff(clean.state.split(","), seen.state.split(","), "wanted", "found", n=1, lineterm="")
            found.append("it reports success, and the databases are not as they should be: %s" % " ".join(differing))
        if report.changed is not clean.report.changed:
            found.append("it reports changed: %s" % report.changed)
    # Where the case says that the platform does not show what was done, looking cannot tell.
    unseen = case.again is not None and bool(case.again.calls)
    return found + _repetitions(clean, seen, unseen)


def _repetitions(clean: Observation, seen: Observation, unseen: bool) -> t.List[str]:
    """What must not happen twice is sent again only after a reading that shows that it did not happen."""
    found = []
    dropped = next((number for number, record in enumerate(seen.records) if record.fault), len(seen.records))
    for signature in {_signature(record) for record in seen.unsafe}:
        if signature[0] in MAY_BE_REPEATED:
            continue
        sent = [
            number for number, record in enumerate(seen.records) if not record.safe and _signature(record) == signature
        ]
        once = sum(_signature(record) == signature for record in clean.unsafe)
        if len(sent) <= max(once, 1):
            # A call of another kind, such as a new password for a lost one, is no repetition.
            continue
        if seen.records[dropped].fault == "drop_after" and not unseen:
            found.append("%s is sent again after it was done" % signature[0])
        elif len(sent) > once + 1 or not any(seen.records[number].safe for number in range(dropped, sent[-1])):
            found.append("%s is sent again without having looked" % signature[0])
    return found


def _signature(record: Record) -> t.Tuple[str, str, str]:
    return named(record), record.path, str(record.body)


# -- damaged answers -------------------------------------------------------------------------------------------------

LOGIN = {"Location": "https://login.invalid/"}
PAGE = "<!DOCTYPE html>\n<html><head><title>Log in</title></head><body>Please log in.</body></html>\n"


@dataclasses.dataclass(frozen=True)
class Damage:
    """One way in which an answer is not what it should be."""

    name: str
    rule: Data
    times: t.Optional[int] = None
    #: The task must succeed all the same: the answer was only put off.
    harmless: bool = False
    #: Tried on the way to the database too, which is the same code for all modules.
    everywhere: bool = False
    #: What is made of it is the same code for all modules: tried where the suite is thorough.
    thorough: bool = False


DAMAGES = (
    # somebody else answers, or nobody: nothing was done
    Damage("a page of a proxy", {"do": "html", "status": 200}, everywhere=True),
    Damage("an error of the server", {"do": "status", "status": 500}),
    Damage("no answer at all", {"do": "drop_before"}),
    # refusals
    Damage("401", {"do": "status", "status": 401}, everywhere=True),
    Damage("404", {"do": "status", "status": 404}, everywhere=True),
    Damage("409", {"do": "status", "status": 409}),
    Damage("422 by field", {"do": "status", "status": 422, "body": {"errors": {"name": ["is taken", "is too short"]}}}),
    Damage("an action that failed", {"do": "status", "status": 200, "body": {"ok": 0, "error": "no"}}),
    # the work was done, and the answer does not say so
    Damage("no answer after the work", {"do": "drop_after"}),
    Damage("a page after the work", {"do": "replace", "status": 200, "body": PAGE}),
    Damage("an empty object", {"do": "replace", "status": 200, "body": "{}"}, everywhere=True),
    Damage("all values of other types", {"do": "wrong_type"}),
    Damage("what is below the roots of other types", {"do": "wrong_type", "at": "*.*"}),
    Damage("no values", {"do": "missing_key"}),
    Damage("nothing below the roots", {"do": "missing_key", "at": "*.*"}),
    # what is made of these is the same code for all modules
    Damage("a page of a broken gateway", {"do": "html", "status": 502}, thorough=True),
    Damage("a page of a broken server", {"do": "html", "status": 500}, thorough=True),
    Damage("a redirect to a login page", {"do": "status", "status": 302, "headers": LOGIN}, thorough=True),
    Damage("the rate limit, for ever", {"do": "plain", "status": 429}, thorough=True),
    Damage("the rate limit, twice", {"do": "plain", "status": 429}, times=2, harmless=True, thorough=True),
    Damage("400 as text", {"do": "plain", "status": 400, "body": "Bad Request"}, thorough=True),
    Damage("402", {"do": "status", "status": 402}, thorough=True),
    Damage("403", {"do": "status", "status": 403}, thorough=True),
    Damage("422 as a list", {"do": "status", "status": 422, "body": {"errors": ["no"]}}, thorough=True),
    Damage(
        "422 with numbers", {"do": "status", "status": 422, "body": {"error": 7, "errors": {"name": 5}}}, thorough=True
    ),
    Damage("422 as a list alone", {"do": "status", "status": 422, "body": [1]}, thorough=True),
    Damage("an action that failed without a word", {"do": "status", "status": 200, "body": {"ok": 0}}, thorough=True),
    Damage("half an answer", {"do": "truncate"}, thorough=True),
    Damage("an empty body", {"do": "replace", "status": 200, "body": ""}, thorough=True),
    Damage("204", {"do": "replace", "status": 204, "body": ""}, thorough=True),
    Damage("null", {"do": "replace", "status": 200, "body": "null"}, thorough=True),
    Damage("a list", {"do": "replace", "status": 200, "body": "[]"}, thorough=True),
    Damage("text", {"do": "replace", "status": 200, "body": '"done"'}, thorough=True),
    Damage("a number", {"do": "replace", "status": 200, "body": "42"}, thorough=True),
    Damage("the roots of other types", {"do": "wrong_type", "at": "*"}, thorough=True),
    Damage("no roots", {"do": "missing_key", "at": "*"}, thorough=True),
)


@dataclasses.dataclass(frozen=True)
class Point:
    """A request of a case: C(after) is how many of its kind come before it."""

    case: Case
    record: Record
    phase: str
    after: int
    #: It is what the module is about, and not on the way to the database, which is the same code for all modules.
    own: bool = True

    @property
    def name(self) -> str:
        return "%s %s (%s)" % (named(self.record), self.phase, self.case.name)

    def rule(self, damage: Damage) -> Data:
        match = {"route": self.record.route, "action_name": self.record.action_name}
        rule = {"match": {name: value for name, value in match.items() if value}, "after": self.after, **damage.rule}
        return {**rule, "times": damage.times} if damage.times else rule


def points(laboratory: Laboratory, subject: Subject) -> t.List[Point]:
    """Every kind of request that the cases of a module make: before a change, as a change, and after one."""
    if subject.path not in _POINTS:
        _POINTS[subject.path] = _points(laboratory, subject)
    return _POINTS[subject.path]


#: Found once for each process.
_POINTS: t.Dict[Path, t.List[Point]] = {}


def _points(laboratory: Laboratory, subject: Subject) -> t.List[Point]:
    found: t.Dict[t.Tuple[str, str], Point] = {}
    for case in plain_cases(subject):
        clean = laboratory.observe(subject, case)
        seen: t.Dict[str, int] = {}
        changed = False
        for record in clean.records:
            changed = changed or not record.safe
            phase = "as a change" if not record.safe else "after a change" if changed else "at first"
            on_the_way = record.route in ON_THE_WAY and record.route != clean.records[-1].route
            point = Point(case, record, phase, seen.get(named(record), 0), own=not on_the_way)
            found.setdefault((named(record), phase), point)
            seen[named(record)] = seen.get(named(record), 0) + 1
    return list(found.values())


def damage_problems(laboratory: Laboratory, subject: Subject, point: Point, thorough: bool = False) -> t.List[str]:
    """Every kind of damage to one request: an error in a sentence, or the right result; never a false success.

    Requests on the way to the database are the same code for all modules: C(thorough) tries everything on them.
    """
    # Sent again once is enough to see that it is: the retries themselves are the transport's.
    case = point.case.with_arguments(**{"api_retries": 1, **point.case.arguments})
    clean = laboratory.observe(subject, case)
    on_the_way = not point.own and point.phase == "at first"
    tokens = None if on_the_way else laboratory.home
    laboratory.arrange(subject, case)
    initial = laboratory.state()
    found = []
    for damage in DAMAGES:
        if not thorough and (damage.thorough or (on_the_way and not damage.everywhere)):
            continue
        laboratory.arrange(subject, case, tokens)
        laboratory.sandbox.fault(**point.rule(damage))
        seen = laboratory.run(subject, case)
        where = "%s, %s: " % (point.name, damage.name)
        found += [where + text for text in _damaged(subject, damage, point, initial, clean, seen)]
    return found


def field_problems(
    laboratory: Laboratory,
    subject: Subject,
    point: Point,
    deeds: t.Sequence[str] = ("missing_key", "wrong_type"),
    fresh: bool = False,
) -> t.List[str]:
    """Each single field of an answer is left out, and is of another type: the task fails by the name of what it needs.

    C(fresh): without the tokens of an earlier run, so that the way to the database is taken too.
    """
    case = point.case
    clean = laboratory.observe(subject, case)
    tokens = None if fresh else laboratory.home
    laboratory.arrange(subject, case)
    initial = laboratory.state()
    found = []
    for path in _paths(_answer(laboratory, subject, point, tokens)):
        for deed in deeds:
            damage = Damage("%s: %s" % (deed, path), {"do": deed, "at": path})
            laboratory.arrange(subject, case, tokens)
            laboratory.sandbox.fault(**point.rule(damage))
            seen = laboratory.run(subject, case)
            where = "%s, %s: " % (point.name, damage.name)
            found += [where + text for text in _damaged(subject, damage, point, initial, clean, seen)]
            if deed == "wrong_type":
                found += [where + text for text in _in_the_way(subject, point, path, clean, seen)]
    return found


def known(record: Record) -> bool:
    """Whether an answer is one of the API's routes, and has fields."""
    return record.role != "files" and bool(record.route or record.action_name)


#: What says which thing it is. Without it there is nothing to tell.
IDENTITY = ("id", "name")


def _in_the_way(subject: Subject, point: Point, path: str, clean: Observation, seen: Observation) -> t.List[str]:
    """A field of another type stops those only that need it, which the case file lists; whoever tells it says null and why."""
    request, name = named(point.record), path.rsplit(".", 1)[-1]
    needed = "." not in path or path == "meta.pagination" or name in IDENTITY or "%s %s" % (request, name) in subject.cases.needs_of_answers
    report = seen.report
    if report.failed:
        if not needed:
            return ["%s %s is needed by nothing, and stops it: %s" % (request, name, report.message)]
        named_there = any(word in report.message for word in name.split("_")) or report.kind != "UnexpectedAnswer"
        return [] if named_there else ["the failure does not name the field: %s" % report.message]
    told = " ".join([*report.result.get("notes", []), *report.warnings])
    truly, shown = (without(one.lasting, subject.cases.passed_on) for one in (clean, seen))
    if truly != shown and not any(part in told for part in path.split(".") if part != "*"):
        return ["it is told otherwise, and no note says why"]
    return []


def _answer(laboratory: Laboratory, subject: Subject, point: Point, tokens: t.Optional[Path]) -> t.Any:
    """The answer as it is when nothing is wrong with it."""
    seen: t.List[t.Any] = []

    def spoil(rule: t.Any, answer: t.Any) -> t.Any:
        seen.append(answer)
        return answer

    laboratory.arrange(subject, point.case, tokens)
    laboratory.sandbox.fault(**point.rule(Damage("none", {"do": "missing_key"})))
    with mock.patch.object(faults, "spoil", spoil):
        laboratory.run(subject, point.case)
    return seen[0] if seen else None


def _paths(answer: t.Any, prefix: str = "") -> t.List[str]:
    """The fields of an answer as paths, all items of a list at once."""
    if isinstance(answer, list):
        inner = [path for item in answer for path in _paths(item, prefix + "*.")]
    elif isinstance(answer, dict):
        inner = [path for name, item in answer.items() for path in [prefix + name, *_paths(item, prefix + name + ".")]]
    else:
        inner = []
    return list(dict.fromkeys(path for path in inner if path.count(".") < 4))


def _damaged(
    subject: Subject, damage: Damage, point: Point, initial: t.Any, clean: Observation, seen: Observation
) -> t.List[str]:
    report = seen.report
    found = crash_problems(seen)
    if damage.harmless and (report.failed or seen.lasting != clean.lasting):
        found.append("it fails, or tells something else: %s" % report.message)
    if report.failed:
        if seen.state != initial and not report.changed:
            found.append("something was changed, and it reports that nothing was: %s" % report.message)
        if report.changed and not seen.unsafe:
            found.append("it reports a change, and sent nothing that changes something")
        if not report.kind:
            found.append("the failure has no kind: %s" % report.message)
        return found
    if seen.state != clean.state:
        found.append("it reports success, and the databases are not as they should be")
    if report.changed is not clean.report.changed:
        found.append("it reports changed: %s" % report.changed)
    if damage.name == "404" and subject.reads_only:
        return found
    truly, told = (without(one.lasting, subject.cases.passed_on) for one in (clean, seen))
    found += ["it reports success with a wrong result: " + text for text in _wrong(truly, told)]
    if point.phase == "as a change" and not damage.harmless and not _confirmed(point, damage, seen):
        found.append("it reports success, and nothing confirmed the call")
    return found


#: What stands there instead of null, which may be right.
OF_ANOTHER_TYPE = 42


def _wrong(clean: t.Any, told: t.Any, place: str = "") -> t.List[str]:
    """What is told otherwise than it is. What the answer did not say may be missing."""
    if told is None or told == [] or told == "":
        return []
    if clean is None and told == OF_ANOTHER_TYPE:
        return []
    if isinstance(clean, dict) and isinstance(told, dict):
        found = ["%s.%s is missing" % (place, name) for name in clean if name not in told]
        return found + [
            text for name, value in told.items() for text in _wrong(clean.get(name), value, "%s.%s" % (place, name))
        ]
    if isinstance(clean, list) and isinstance(told, list) and len(clean) == len(told):
        # In another order where that depends on what is missing.
        matched = zip(clean, told)
        if all(any(not _wrong(one, other) for one in clean) for other in told):
            return []
        return sorted({text for one, other in matched for text in _wrong(one, other, place)})
    return [] if clean == told else ["%s is %r, truly %r" % (place, told, clean)]


def _confirmed(point: Point, damage: Damage, seen: Observation) -> bool:
    """Whether something was read, undamaged, after the last call that was damaged, or the answer says it after all."""
    if point.record.action_name and damage.rule.get("at", "*").count("."):
        return True  # what was damaged is below "result", and "ok" is there
    last = max((number for number, record in enumerate(seen.records) if record.fault), default=-1)
    later = seen.records[last + 1 :]
    return any(record.safe and not record.fault and record.role in ("db", "api") for record in later)
