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
from support.laboratory import Laboratory, Observation, named
from support.subjects import Subject

NUMBERS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")

#: What a result says of what was done, besides the thing itself.
OF_THE_CHANGE = ("changed", "diff", "steps")


#: Something else that is demanded of every run: complains of what it has just seen.
Watcher = t.Callable[[Laboratory, Subject, Case, Observation], t.List[str]]


def problems(laboratory: Laboratory, subject: Subject, case: Case, watchers: t.Sequence[Watcher] = ()) -> t.List[str]:
    """The three phases of a case."""
    laboratory.issued.clear()
    laboratory.links.clear()

    def watched(phase: str, seen: Observation) -> t.List[str]:
        return ["%s: %s" % (phase, text) for watcher in watchers for text in watcher(laboratory, subject, case, seen)]

    checked = laboratory.observe(subject, case, check=True, state=False)
    found = watched("check mode", checked)
    real = laboratory.observe(subject, case, state=False)
    found += ["check mode: " + text for text in check_mode_problems(case, checked, real)]
    found += ["real run: " + text for text in run_problems(real, case.expect)] + watched("real run", real)
    laboratory.calm()
    again = laboratory.run(subject, case, state=False)
    found += ["third run: " + text for text in again_problems(subject, case, real, again)]
    return found + watched("third run", again)


def run_problems(seen: Observation, expect: Expectation) -> t.List[str]:
    """What one run did otherwise than it should."""
    report = seen.report
    if expect.failure and not report.failed:
        return ["it succeeds, and should fail with %r" % " … ".join(expect.failure)]
    found = call_problems(seen.unsafe, expect.calls)
    if report.failed and not expect.failure:
        return ["it fails: %s" % report.message, *found]
    found += [
        "the message has no %r: %s" % (text, report.message) for text in expect.failure if text not in report.message
    ]
    if expect.kind and report.kind != expect.kind:
        found.append("it is a %s and should be a %s" % (report.kind or "refusal of Ansible", expect.kind))
    if expect.changed is not None and report.changed is not expect.changed:
        found.append("changed is %s" % report.changed)
    if expect.failure and expect.changed is None and report.changed:
        found.append("changed is true although the case expects a mere refusal")
    found += excerpt(expect.result, report.result)
    found += warning_problems(report.warnings, expect.warnings)
    return found + usage_problems(seen)


def call_problems(unsafe: t.Sequence[Record], expected: t.Sequence[Data]) -> t.List[str]:
    """The calls that can change something, in their order, against those that should be made."""
    found = []
    for number, (record, wanted) in enumerate(zip(unsafe, expected), 1):
        shown = {
            "route": record.route,
            "action": record.action_name,
            "params": record.body.get("params") if isinstance(record.body, dict) else None,
            "body": record.body,
            "query": record.query,
            "path": record.path,
        }
        found += [
            "call %d, %s: %s is %r, expected %r" % (number, named(record), name, shown[name], value)
            for name, value in wanted.items()
            if shown[name] != value
        ]
    if len(unsafe) != len(expected):
        found.append(
            "%d calls that change something, expected %d: %s" % (len(unsafe), len(expected), list(map(named, unsafe)))
        )
    return found


def warning_problems(warnings: t.Sequence[str], expected: t.Sequence[str]) -> t.List[str]:
    found = ["no warning has %r" % text for text in expected if not any(text in warning for warning in warnings)]
    return found + [
        "an unexpected warning: %s" % text for text in warnings if not any(part in text for part in expected)
    ]


def usage_problems(seen: Observation) -> t.List[str]:
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


def check_mode_problems(case: Case, checked: Observation, real: Observation) -> t.List[str]:
    """Check mode sends nothing that changes something, and foretells what the real run does."""
    found = []
    if checked.unsafe:
        found.append("it sends %s" % list(map(named, checked.unsafe)))
    if case.check is not None:
        found += run_problems(checked, case.check)
        if case.check.failure or case.expect.failure:
            return found
    elif case.expect.failure and not case.expect.calls:
        # Refused without having tried anything: then for the same reason, and in the same words.
        words = [settled([seen.report.message, seen.report.failed, seen.report.changed]) for seen in (checked, real)]
        return found if words[0] == words[1] else found + ["it tells %s where the real run tells %s" % tuple(words)]
    if checked.report.failed:
        return found + ["it fails: %s" % checked.report.message]
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


def _differing(first: Observation, second: Observation, hidden: t.Iterable[str]) -> t.List[str]:
    hidden = tuple(hidden)
    return difference(
        settled(without(first.told, hidden), first.known), settled(without(second.told, hidden), second.known)
    )


def again_problems(subject: Subject, case: Case, real: Observation, again: Observation) -> t.List[str]:
    """The same task once more: as the case says, else as the documentation's idempotent attribute says."""
    if case.again is not None:
        return run_problems(again, case.again)
    if case.expect.failure:
        return []
    if again.report.failed:
        return ["it fails: %s" % again.report.message]
    found = usage_problems(again)
    if len(again.records) != subject.cases.cost:
        found.append("it costs %d requests and not %d: %s" % (len(again.records), subject.cases.cost, again.calls()))
    if subject.support("idempotent") == "none":
        if _bodies(again) != _bodies(real):
            found.append("it makes other calls than the first run: %s, %s" % (_bodies(again), _bodies(real)))
        if again.report.changed is not real.report.changed:
            found.append("changed is %s" % again.report.changed)
        return found
    if again.report.changed:
        found.append("changed is true")
    if again.unsafe:
        found.append("it sends %s" % list(map(named, again.unsafe)))
    found += ["it returns something else: " + text for text in _differing(again, real, (*OF_THE_CHANGE, *case.differs))]
    diff = again.told.get("diff")
    if diff is not None and diff["before"] != diff["after"]:
        found.append("its diff is not empty: %s" % diff)
    return found


def _bodies(seen: Observation) -> t.List[t.Any]:
    calls = [[named(record), record.path, record.query, record.body] for record in seen.unsafe]
    return t.cast(t.List[t.Any], settled(calls, seen.known))


def cost_problems(subject: Subject) -> t.List[str]:
    """The number of the case file, which the third runs prove, against the sentence of the documentation."""
    sentences = [
        text for text in subject.documentation["description"] if re.search(r"\bcosts? [a-z]+ requests?\b", text, re.I)
    ]
    if not sentences:
        return ["the description does not say how many requests a task costs"]
    match = re.search(r"\bcosts? ([a-z]+) requests?\b", sentences[0], re.I)
    assert match is not None
    word = match.group(1).lower()
    stated = {"no": 0, **{name: number for number, name in enumerate(NUMBERS)}}.get(word)
    if stated != subject.cases.cost:
        return ["the description says %s requests, the case file %d" % (word, subject.cases.cost)]
    return []


# -- consent ---------------------------------------------------------------------------------------------------------


def consent_problems(laboratory: Laboratory, subject: Subject, case: Case) -> t.List[str]:
    """Without any one of the words that a case needs it is refused, before anything is sent, in check mode too."""
    found = []
    for word in case.needs:
        for lesser, how in _without_word(case, word):
            for check in (True, False):
                seen = laboratory.observe(subject, lesser, check=check, state=False)
                where = "%s, %s" % (how, "check mode" if check else "real run")
                if not seen.report.failed:
                    found.append("%s: it is not refused" % where)
                elif seen.report.by_validation or seen.report.kind not in ("ConsentMissing", "InvalidInput"):
                    found.append("%s: it fails for another reason: %s" % (where, seen.report.message))
                elif how.startswith("without") and not _names_word(case, word, seen.report.message):
                    found.append("%s: the message does not name the word: %s" % (where, seen.report.message))
                if seen.unsafe:
                    found.append("%s: it sends %s" % (where, list(map(named, seen.unsafe))))
                if seen.report.changed:
                    found.append("%s: changed is true" % where)
    return found


def _without_word(case: Case, word: str) -> t.Iterator[t.Tuple[Case, str]]:
    if word == "confirm":
        yield case.with_arguments(confirm="$omit"), "without confirm"
        yield case.with_arguments(confirm="%s-2" % case.arguments["confirm"]), "with a wrong confirm"
    else:
        yield (
            case.with_arguments(allow=[other for other in case.arguments["allow"] if other != word]),
            "without %s" % word,
        )


def _names_word(case: Case, word: str, message: str) -> bool:
    wanted = "confirm: %s" % case.arguments["confirm"] if word == "confirm" else "allow: [%s]" % word
    return wanted in message


def consent_coverage_problems(subject: Subject) -> t.List[str]:
    """Every word that a module knows is needed by some case."""
    needed = {word for case in subject.cases.cases for word in case.needs}
    known = set(subject.options.get("allow", {}).get("choices", ()))
    known |= {"confirm"} & set(subject.options)
    found = ["no case needs the word %s" % word for word in sorted(known - needed)]
    return found + [
        "a case needs the word %s, which the module does not have" % word for word in sorted(needed - known)
    ]
