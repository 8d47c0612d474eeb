# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wrong values for every option: refused in a sentence before anything is sent, or taken for what they mean.

What is right is written down here once more, independently of the code.
"""

from __future__ import annotations

import dataclasses
import json
import re
import typing as t

from support.cases import Case, set_option
from support.laboratory import Laboratory, Observation
from support.subjects import Subject, paths_of
from support.suites.effects import base_case, path_of, place_of, shared_cases
from support.suites.faults import CRASHED

NOTHING = object()
CANARY = "canary-of-a-wrong-value-0123456789"
NONSENSE = "no such thing"
TEMPLATE = "{{ not_expanded }}"

#: Where what looks like a template is text.
FREE_TEXT = ("filter", "exclude_query", "checks.sql")

Ranges = t.Mapping[str, tuple[float, t.Optional[float]]]

#: The smallest and the largest number of an option, by its name.
RANGES: Ranges = {
    "api_timeout": (0.1, 3600),
    "api_retries": (0, 100),
    "requests_per_minute": (1, 60),
    "max_in_flight": (1, 20),
    "wait_timeout": (1, None),
    "wait_interval": (0.1, None),
    "connect_timeout": (0.001, None),
    "sql_timeout": (0.001, None),
    "lines": (1, None),
    "limit": (1, None),
    "pid": (1, None),
    "max_matches": (1, None),
    "since": (1, None),
    "maintenance_window.starting_hour_utc": (0, 23),
    "periodic_backups_scheduled_at": (0, 23),
}


@dataclasses.dataclass(frozen=True)
class Wrong:
    """`means` is the right value that it stands for, when it does."""

    kind: str
    value: t.Any
    means: t.Any = NOTHING


def wrong_values(path: str, option: t.Mapping[str, t.Any], plain: t.Any, ranges: Ranges = RANGES) -> t.Iterator[Wrong]:
    """One value of each kind that the type of the option can be given wrongly. `plain` is a right one."""
    kind = option.get("type", "str")
    if kind == "raw":
        return
    yield Wrong("a template", TEMPLATE)
    if kind != "dict":
        yield Wrong("a dictionary", {"a": CANARY})
    if kind not in ("list", "bool"):
        yield Wrong("a boolean", True)
    if kind in ("str", "path"):
        yield Wrong("a list", [CANARY])
        if option.get("choices"):
            yield Wrong("another word", NONSENSE)
        else:
            yield Wrong("a line break", f"{plain}\nx")
            yield Wrong("another form", NONSENSE)
    elif kind in ("int", "float"):
        least, most = ranges[path]
        yield Wrong("a list", [plain, plain])
        yield Wrong("a word", "many")
        yield Wrong("a number as text", str(plain), plain)
        yield Wrong("too little", least - 1)
        if most is not None:
            yield Wrong("too much", most + 1)
        if kind == "int":
            yield Wrong("a fraction", 1.5)
        else:
            yield Wrong("no number", float("nan"))
            yield Wrong("without end", float("inf"))
    elif kind == "bool":
        yield Wrong("a list", [plain, plain])
        yield Wrong("a word", "maybe")
        yield Wrong("a number", 2)
        yield Wrong("a boolean as text", "yes" if plain else "no", plain)
    elif kind == "list":
        yield from _wrong_lists(path, option, plain, ranges)
    elif kind == "dict":
        yield Wrong("a list", [CANARY])
        yield Wrong("a word", "nonsense")
        yield Wrong("a number", 5)
        yield Wrong("an unknown key", {"not_known": 1})


def _wrong_lists(path: str, option: t.Mapping[str, t.Any], plain: list[t.Any], ranges: Ranges) -> t.Iterator[Wrong]:
    element = option.get("elements", "str")
    yield Wrong("a list in it", [[CANARY]])
    yield Wrong("a boolean", True)
    if element == "dict":
        yield Wrong("a word", "nonsense")
        yield Wrong("a number", 5)
        return
    if plain:
        yield Wrong("text with commas", ",".join(map(str, plain)), plain)
    yield Wrong("a dictionary in it", [{"a": CANARY}])
    yield Wrong("a boolean in it", [True])
    if element == "int":
        yield Wrong("a word in it", ["many"])
        least, most = ranges[path]
        yield Wrong("too little", [least - 1])
        if most is not None:
            yield Wrong("too much", [most + 1])
    elif option.get("choices"):
        yield Wrong("another word in it", [NONSENSE])
    else:
        yield Wrong("a template in it", [TEMPLATE])
        yield Wrong("a line break in it", ["{}\nx".format((plain or ["a"])[0])])
        yield Wrong("another form in it", [NONSENSE])


#: Options of which only the platform, the engine or a server knows what is right: a word that is wrong costs requests.
UNKNOWN_HERE = (
    "plan", "confirm", "name", "names", "schema", "version", "users.name", "policies.name", "roles", "checks.sql", "freshness.table",
    "freshness.column",
)  # fmt: skip
#: What is looked for, or kept as it is: any text will do.
ANY_TEXT = (
    "label", "databases.name", "rules.label", "filter", "exclude_query", "user", "status", "job", "change_reference", "ignore_tables", "checks.name",
    "deviations.what", "deviations.accepted_by", "deviations.reason",
)  # fmt: skip
#: What a refusal says is allowed.
ALLOWED = re.compile(
    r"\b([Uu]se|[Gg]ive|[Cc]reate|must|needs?|takes?|one of|one or more of|Supported parameters|Known regions|write it on one line|"
    r"have the form|Check how)\b"
)


def problems(laboratory: Laboratory, subject: Subject, path: str, count: t.Callable[[str], None]) -> list[str]:
    """Every kind of wrong value for one option. `count` is told what became of each: refused, or taken."""
    option = paths_of(subject.options)[path]
    case = _case_with(subject, path)
    place = place_of(case, path)

    untouched = False

    def run(value: t.Any, fresh: bool = True) -> Observation:
        """What sends nothing leaves the sandbox as it was arranged."""
        nonlocal untouched
        varied = dataclasses.replace(case, arguments=set_option(case.arguments, place, value))
        if fresh or not untouched:
            laboratory.arrange(subject, varied)
        seen = laboratory.run(subject, varied, state=False)
        untouched = not seen.records
        return seen

    found = []
    for wrong in wrong_values(
        path, option, _plain_value(subject, case, path, option), {**RANGES, **subject.cases.ranges}
    ):
        seen = run(wrong.value, wrong.means is not NOTHING)
        if any(text in seen.report.everything() for text in CRASHED):
            found.append(f"{wrong.kind}: it crashes: {seen.report.message}")
        elif wrong.means is not NOTHING:
            count("taken")
            if seen.essence != run(wrong.means).essence:
                found.append(f"{wrong.kind}, {wrong.value!r}, is not taken for {wrong.means!r}: {seen.report.message}")
        elif _is_text_for_others(path, wrong):
            count("taken")
        else:
            count("refused")
            found += [f"{wrong.kind}, {wrong.value!r}: {text}" for text in _unrefused(path, option, wrong, seen)]
    return found


def _is_text_for_others(path: str, wrong: Wrong) -> bool:
    if wrong.kind.startswith("a template"):
        return path in FREE_TEXT
    if wrong.kind == "an unknown key":
        return path == "server_settings"
    return wrong.kind.startswith("another form") and path in (*UNKNOWN_HERE, *ANY_TEXT)


def _unrefused(path: str, option: t.Mapping[str, t.Any], wrong: Wrong, seen: Observation) -> list[str]:
    message = seen.report.message
    if not seen.report.failed:
        return ["it is taken"]
    found = []
    if seen.records:
        found.append(f"it is refused after {seen.calls()}: {message}")
    # With an app it is another way to say which addon is meant.
    names = ["addon"] if path == "addon_id" else []
    names += [re.escape(part) for part in {path, path.rpartition(".")[2], path.split(".")[0]}]
    if not re.search(r"(?<![\w.])(?:{})(?:\[\d+\])?\b".format("|".join(names)), message):
        found.append(f"the option is not named: {message}")
    if option.get("no_log") or any(inner.get("no_log") for inner in option.get("options", {}).values()):
        if CANARY in seen.report.everything() or str(wrong.value) in message:
            found.append(f"the secret is told: {message}")
    elif not any(text[:40] in message for text in _shown(wrong.value)):
        found.append(f"the value is not told: {message}")
    if not ALLOWED.search(message):
        found.append(f"what is allowed is not told: {message}")
    return found


def _shown(value: t.Any) -> t.Iterator[str]:
    """As JSON or as Python shows it; of a list its entry, of a dictionary its key."""
    yield from (json.dumps(value), str(value), repr(value), str(value).upper())
    if isinstance(value, (list, dict)):
        for item in value:
            yield from _shown(item)
    if isinstance(value, float):
        yield f"{value:g}"


def _case_with(subject: Subject, path: str) -> Case:
    """A case that gives the option, or one to which it can be added."""
    simple = [case for case in subject.cases.cases if not case.situation.faults and not case.expect.failure]
    given = [case for case in simple if case.arguments.get(path.split(".")[0])]
    varied = [case for case in simple if path in map(path_of, case.vary)]
    shared = [case for case in shared_cases(subject) if path in case.vary]
    return ((varied if "." in path else given) or varied or shared or [base_case(subject)])[0]


def _plain_value(subject: Subject, case: Case, path: str, option: t.Mapping[str, t.Any]) -> t.Any:
    """The value of the case, of another one, or any that is right; none that stands for something else."""
    place: t.Any = case.arguments
    for step in place_of(case, path).split("."):
        place = place[int(step)] if isinstance(place, list) else (place or {}).get(step)
    kind = option.get("type", "str")
    varied = [one.vary[path] for one in subject.cases.cases if path in one.vary]
    least = RANGES.get(path, (1, None))[0]
    anything = {"int": int(least), "float": least, "bool": True, "list": [], "dict": {}}.get(kind, "some-text")
    values = [value for value in (place, option.get("default"), *varied) if value is not None and "$" not in str(value)]
    found = next(iter(values), anything)
    return [found] if kind == "list" and not isinstance(found, list) else found
