# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Check mode, the real run and the run after it: all three do what the case says, and what they say of each other."""

from __future__ import annotations

import re
import typing as t

from scalingo_sandbox.testing import Record
from support.cases import Case, Data, Expectation
from support.compare import difference, excerpt, settled, without
from support.laboratory import Laboratory, Observation, named, path_of
from support.subjects import Subject

NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

#: What a result says of what was done, besides the thing itself.
OF_THE_CHANGE = ("changed", "diff", "steps")


#: Something else that is demanded of every run: complains of what it has just seen.
Watcher = t.Callable[[Laboratory, Subject, Case, Observation], list[str]]


def problems(laboratory: Laboratory, subject: Subject, case: Case, watchers: t.Sequence[Watcher] = ()) -> list[str]:
    """The three phases of a case."""
    laboratory.issued.clear()
    laboratory.links.clear()

    def watched(phase: str, seen: Observation) -> list[str]:
        return [f"{phase}: {text}" for watcher in watchers for text in watcher(laboratory, subject, case, seen)]

    checked = laboratory.observe(subject, case, check=True, state=False)
    found = watched("check mode", checked)
    real = laboratory.observe(subject, case, state=False)
    found += ["check mode: " + text for text in check_mode_problems(case, checked, real)]
    found += ["real run: " + text for text in run_problems(real, case.expect)] + watched("real run", real)
    laboratory.calm()
    again = laboratory.run(subject, case, state=False)
    found += ["third run: " + text for text in again_problems(subject, case, real, again)]
    return found + watched("third run", again)


def run_problems(seen: Observation, expect: Expectation) -> list[str]:
    """What one run did otherwise than it should."""
    report = seen.report
    if expect.failure and not report.failed:
        return [f"it succeeds, and should fail with {' … '.join(expect.failure)!r}"]
    found = call_problems(seen.unsafe, expect.calls)
    if report.failed and not expect.failure:
        return [f"it fails: {report.message}", *found]
    found += [f"the message has no {text!r}: {report.message}" for text in expect.failure if text not in report.message]
    if expect.kind and report.kind != expect.kind:
        found.append(f"it is a {report.kind or 'refusal of Ansible'} and should be a {expect.kind}")
    if expect.changed is not None and report.changed is not expect.changed:
        found.append(f"changed is {report.changed}")
    if expect.failure and expect.changed is None and report.changed:
        found.append("changed is true although the case expects a mere refusal")
    found += excerpt(expect.result, report.result)
    found += warning_problems(report.warnings, expect.warnings)
    return found + usage_problems(seen)


def call_problems(unsafe: t.Sequence[Record], expected: t.Sequence[Data]) -> list[str]:
    """The calls that can change something, in their order, against those that should be made."""
    found = []
    for number, (record, wanted) in enumerate(zip(unsafe, expected), 1):
        shown = {
            "route": record.route,
            "action": record.action_name,
            "params": record.body.get("params") if isinstance(record.body, dict) else None,
            "body": record.body,
            "query": record.query,
            "path": path_of(record),
        }
        found += [
            f"call {number}, {named(record)}: {name} is {shown[name]!r}, expected {value!r}"
            for name, value in wanted.items()
            if shown[name] != value
        ]
    if len(unsafe) != len(expected):
        found.append(f"{len(unsafe)} calls that change something, expected {len(expected)}: {list(map(named, unsafe))}")
    return found


def warning_problems(warnings: t.Sequence[str], expected: t.Sequence[str]) -> list[str]:
    found = [f"no warning has {text!r}" for text in expected if not any(text in warning for warning in warnings)]
    return found + [f"an unexpected warning: {text}" for text in warnings if not any(part in text for part in expected)]


def usage_problems(seen: Observation) -> list[str]:
    """Whether the run counts its own requests right."""
    usage = seen.report.result.get("api_usage")
    if usage is None:
        return ["requests were sent, and api_usage is missing"] if seen.records else []
    found = []
    if usage["requests"] != len(seen.records):
        found.append("api_usage counts %d requests, the log %d" % (usage["requests"], len(seen.records)))
    if usage["writes"] != len(seen.unsafe):
        found.append("api_usage counts %d writes, the log %d" % (usage["writes"], len(seen.unsafe)))
    return found


def check_mode_problems(case: Case, checked: Observation, real: Observation) -> list[str]:
    """Check mode sends nothing that changes something, and foretells what the real run does."""
    found = []
    if checked.unsafe:
        found.append(f"it sends {list(map(named, checked.unsafe))}")
    if case.check is not None:
        found += run_problems(checked, case.check)
        if case.check.failure or case.expect.failure:
            return found
    elif case.expect.failure and not case.expect.calls:
        # Refused without having tried anything: then for the same reason, and in the same words.
        words = [settled([seen.report.message, seen.report.failed, seen.report.changed]) for seen in (checked, real)]
        return (
            found if words[0] == words[1] else found + ["it tells {} where the real run tells {}".format(*tuple(words))]
        )
    if checked.report.failed:
        return found + [f"it fails: {checked.report.message}"]
    if case.expect.failure:
        # The real run fails half-way: check mode cannot know, and tells what would be done.
        return (
            found if checked.report.changed else found + ["it calls the task unchanged, and the real run makes calls"]
        )
    hidden = ("diff", *case.differs)
    found += ["it differs from the real run: " + text for text in _differing(checked, real, hidden)]
    diffs = [settled(seen.told.get("diff"), seen.known) for seen in (checked, real)]
    found += ["its diff differs: " + text for text in difference(*diffs)]
    warnings = case.expect.warnings if case.check is None else case.check.warnings
    return found + warning_problems(checked.report.warnings, warnings) + usage_problems(checked)


def _differing(first: Observation, second: Observation, hidden: t.Iterable[str]) -> list[str]:
    hidden = tuple(hidden)
    return difference(
        settled(without(first.told, hidden), first.known), settled(without(second.told, hidden), second.known)
    )


def again_problems(subject: Subject, case: Case, real: Observation, again: Observation) -> list[str]:
    """The same task once more: as the case says, else as the documentation's idempotent attribute says."""
    if case.again is not None:
        return run_problems(again, case.again)
    if case.expect.failure:
        return []
    if again.report.failed:
        return [f"it fails: {again.report.message}"]
    found = usage_problems(again)
    if len(again.records) != subject.cases.cost:
        found.append(f"it costs {len(again.records)} requests and not {subject.cases.cost}: {again.calls()}")
    if subject.support("idempotent") == "none":
        if _bodies(again) != _bodies(real):
            found.append(f"it makes other calls than the first run: {_bodies(again)}, {_bodies(real)}")
        if again.report.changed is not real.report.changed:
            found.append(f"changed is {again.report.changed}")
        return found
    if again.report.changed:
        found.append("changed is true")
    if again.unsafe:
        found.append(f"it sends {list(map(named, again.unsafe))}")
    found += ["it returns something else: " + text for text in _differing(again, real, (*OF_THE_CHANGE, *case.differs))]
    diff = again.told.get("diff")
    if diff is not None and diff["before"] != diff["after"]:
        found.append(f"its diff is not empty: {diff}")
    return found


def _bodies(seen: Observation) -> list[t.Any]:
    calls = [[named(record), record.path, record.query, record.body] for record in seen.unsafe]
    return t.cast(list[t.Any], settled(calls, seen.known))


def cost_problems(subject: Subject) -> list[str]:
    """The number of the case file, which the third runs prove, against the documentation: what the module says of a run without
    changes, else its first sentence of a cost that begins so, else the note that all changing modules share.
    """
    own, shared = (" ".join(subject.documentation.get(key, ())) for key in ("description", "notes"))
    unchanged, begins = r"run without changes costs ([a-z]+) requests?\b", r"(?:^|\. )Costs ([a-z]+) requests?\b"
    match = re.search(unchanged, own) or re.search(begins, own) or re.search(unchanged, shared)
    if match is None:
        return ["the description does not say how many requests a task costs"]
    word = match.group(1).lower()
    stated = {"no": 0, **{name: number for number, name in enumerate(NUMBERS)}}.get(word)
    if stated != subject.cases.cost:
        return [f"the description says {word} requests, the case file {subject.cases.cost}"]
    return []


# -- consent ---------------------------------------------------------------------------------------------------------


def consent_problems(laboratory: Laboratory, subject: Subject, case: Case) -> list[str]:
    """Without any one of the words that a case needs it is refused, before anything is sent, in check mode too."""
    found = []
    for word in case.needs:
        for lesser, how in _without_word(case, word):
            for check in (True, False):
                seen = laboratory.observe(subject, lesser, check=check, state=False)
                where = "{}, {}".format(how, "check mode" if check else "real run")
                if not seen.report.failed:
                    found.append(f"{where}: it is not refused")
                elif seen.report.by_validation or seen.report.kind not in ("ConsentMissing", "InvalidInput"):
                    found.append(f"{where}: it fails for another reason: {seen.report.message}")
                elif how.startswith("without") and not _names_word(case, word, seen.report.message):
                    found.append(f"{where}: the message does not name the word: {seen.report.message}")
                if seen.unsafe:
                    found.append(f"{where}: it sends {list(map(named, seen.unsafe))}")
                if seen.report.changed:
                    found.append(f"{where}: changed is true")
    for word in case.needs_late:
        message = laboratory.observe(subject, next(_without_word(case, word))[0], state=False).report.message
        if not _names_word(case, word, message):
            found.append(f"without {word}: the message does not name the word: {message}")
    return found


def _without_word(case: Case, word: str) -> t.Iterator[tuple[Case, str]]:
    if word == "confirm":
        yield case.with_arguments(confirm="$omit"), "without confirm"
        yield case.with_arguments(confirm=f"{case.arguments['confirm']}-2"), "with a wrong confirm"
    else:
        yield (
            case.with_arguments(allow=[other for other in case.arguments["allow"] if other != word]),
            f"without {word}",
        )


def _names_word(case: Case, word: str, message: str) -> bool:
    wanted = f"confirm: {case.arguments['confirm']}" if word == "confirm" else f"allow: [{word}]"
    return wanted in message


def consent_coverage_problems(subject: Subject) -> list[str]:
    """Every word that a module knows is needed by some case."""
    needed = {word for case in subject.cases.cases for word in (*case.needs, *case.needs_late)}
    known = set(subject.options.get("allow", {}).get("choices", ()))
    known |= {"confirm"} & set(subject.options)
    found = [f"no case needs the word {word}" for word in sorted(known - needed)]
    return found + [f"a case needs the word {word}, which the module does not have" for word in sorted(needed - known)]
