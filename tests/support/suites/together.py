# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Two writers at one thing: what a module does and says when another acts between two of its requests.

The sandbox's databases and its log are the judge. Every run must tell the truth about itself.
"""

from __future__ import annotations

import dataclasses
import typing as t

from scalingo_sandbox.testing import Record
from support.cases import Case
from support.laboratory import Laboratory, Observation, named
from support.meanwhile import Act, Moment, meanwhile
from support.port import Report
from support.subjects import Subject
from support.suites.faults import MAY_BE_REPEATED, ON_THE_WAY, crash_problems, plain_cases

READ_BACK = "before the read-back"


@dataclasses.dataclass(frozen=True)
class Phase:
    """A request of the run that the others race with, right before it is sent or right after it was answered."""

    name: str
    number: int
    answered: bool


@dataclasses.dataclass(frozen=True)
class Pair:
    """What became of a run, and of the other task in the middle of it, where the other is one."""

    seen: Observation
    own: tuple[Record, ...]
    other: Report | None
    others: tuple[Record, ...]


#: Calls that the platform takes once more although what they are for is there: they set, and nothing is there twice.
SETS = (*MAY_BE_REPEATED, "A4", "A8", "add-retention-policy", "del-retention-policy")

#: Results of what is changed without the platform: files, extensions by SQL, drills, which leave evidence, and tunnels.
ELSEWHERE = ("file", "extension", "extensions", "evidence", "tunnel")

#: How long the answer takes in which another acts, in seconds.
LATE = 5.0


def chosen_cases(subject: Subject) -> list[Case]:
    """For each call that the module makes the first case that makes it."""
    chosen: list[Case] = []
    known: set[str] = set()
    for case in plain_cases(subject):
        calls = {str(call.get("action") or call.get("route") or call.get("path")) for call in case.expect.calls} or {
            "none"
        }
        if case.expect.changed and not calls <= known:
            chosen.append(case)
            known |= calls
    return chosen


def problems(laboratory: Laboratory, subject: Subject, case: Case) -> list[str]:
    clean, phases = _alone(laboratory, subject, case)
    found = []

    def race(who: str, phase: Phase, act: Act) -> None:
        pair = _pair(laboratory, subject, case, phase, act)
        told = _truth(pair)
        if _converges(subject, case):
            told += _same(phase, clean, pair) if who == "the same task" else _different(laboratory, subject, case, pair)
        found.extend(f"{who} {phase.name}: {text}" for text in told)

    for phase in phases:
        race("the same task", phase, lambda: laboratory.perform(subject, case))
        # Between the last look and the call nobody can know which of two different tasks was meant to be the last.
        for rival in _rivals(subject, case)[: phase.name != "before the write"]:
            race(repr(rival.name), phase, lambda: laboratory.perform(subject, rival))  # noqa: B023
    if case is chosen_cases(subject)[0]:
        race("its end", phases[0], lambda: laboratory.destroy(case))
    if phases[-1].name == READ_BACK:
        race("who takes it back", phases[-1], lambda: laboratory.take_back(case))
    return found


def _rivals(subject: Subject, case: Case) -> list[Case]:
    """Other tasks with the same database, as it is."""
    return [
        other
        for other in subject.cases.cases
        if other.situation == case.situation
        and other.target == case.target
        and other.expect.changed
        and other.arguments != case.arguments
    ]


def _alone(laboratory: Laboratory, subject: Subject, case: Case) -> tuple[Observation, list[Phase]]:
    """The run with nobody else, and the moments at which somebody may come."""
    moments: list[Moment] = []

    def note(moment: Moment) -> None:
        if not moment.answered:
            moments.append(moment)

    with meanwhile(note):
        clean = laboratory.observe(subject, case)
    writes = [moment.number for moment in moments if not moment.safe and moment.name not in ON_THE_WAY] or [
        len(moments) - 1
    ]
    phases = [Phase("before the write", writes[0], False)]
    if writes[0]:
        # What the plan is made of: the last look, where there is one, is the same request once more.
        last = moments[writes[0] - 1]
        phases.insert(
            0, Phase("after the read", next(moment.number for moment in moments if moment.name == last.name), True)
        )
    if writes[-1] + 1 < len(moments):
        phases.append(Phase(READ_BACK, writes[-1], True))
    return clean, phases


def _pair(laboratory: Laboratory, subject: Subject, case: Case, phase: Phase, act: Act) -> Pair:
    laboratory.arrange(subject, case)
    reports: list[Report | None] = []
    before: list[Record] = []
    others: list[Record] = []

    def acting() -> None:
        before.extend(laboratory.sandbox.log())
        reports.append(act())
        others.extend(laboratory.sandbox.log()[len(before) :])
        # Nobody else's, and the log may be another by now.
        laboratory.sandbox.clear_log()
        laboratory.clock.sleep(LATE)

    def choose(moment: Moment) -> Act | None:
        due = not reports and (moment.number, moment.answered) == (phase.number, phase.answered)
        return acting if due else None

    with meanwhile(choose):
        seen = laboratory.run(subject, case)
    assert reports, "nobody acted"
    return Pair(seen, (*before, *seen.records), reports[0], tuple(others))


def _same(phase: Phase, clean: Observation, pair: Pair) -> list[str]:
    """One of the two changed it, and the other says that it did not, or what it met."""
    report, other = pair.seen.report, pair.other
    assert other is not None
    if report.failed and "another run" in report.message:
        return []
    found = []
    if pair.seen.state != clean.state:
        found.append(f"together they came to something else than one alone: {report.message}")
    if not (report.changed or report.failed) and report.result.get("steps", []) != []:
        found.append(f"it does not say that it did nothing: {report.result['steps']}")
    winners = [one for one in (report, other) if one.changed and not one.failed]
    if not winners:
        found.append(f"nobody did it: {report.message} / {other.message}")
    if len(winners) == 2 and (phase.name == "after the read" or not set(_accepted(pair.own)) <= set(SETS)):
        found.append(f"both did it: {_accepted(pair.own)}")
    return found


def _different(laboratory: Laboratory, subject: Subject, case: Case, pair: Pair) -> list[str]:
    """Success means that it is as the task wants."""
    if pair.seen.report.failed:
        return []
    laboratory.calm()
    again = laboratory.run(subject, case, check=True).report
    return [f"it reports success, and there is still to be done: {again.result.get('steps')}"] if again.changed else []


def _converges(subject: Subject, case: Case) -> bool:
    return subject.support("idempotent") == "full" and case.again is None


def _truth(pair: Pair) -> list[str]:
    found = crash_problems(pair.seen) + untrue(pair.seen.report, pair.own)
    if pair.other is not None:
        found += ["the other one: " + text for text in untrue(pair.other, pair.others)]
    return found


def untrue(report: Report, records: t.Sequence[Record]) -> list[str]:
    """What a run says of itself against what it sent. The status of an action does not tell whether it was done."""
    accepted = _accepted(records)
    if [name for name in accepted if not name.islower()] and not report.changed:
        return [f"it reports that it changed nothing, and the platform took {accepted}: {report.message}"]
    if report.changed and not report.failed and not (accepted or set(ELSEWHERE) & set(report.result)):
        return ["it reports a change, and sent nothing that the platform took"]
    return []


def _accepted(records: t.Sequence[Record]) -> list[str]:
    return [named(record) for record in records if not record.safe and (record.status or 500) < 400]
