# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every option means something: with another value the module does or tells something else."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON
from support.cases import (
    API_PATH,
    DB_API,
    FOR_THE_DATABASE_API,
    OMIT,
    Case,
    CommonOption,
    common_options,
    common_seed,
    in_form,
    set_option,
    situation,
)
from support.compare import difference
from support.laboratory import Laboratory, Observation
from support.subjects import Subject, paths_of


def problems(laboratory: Laboratory, subject: Subject, case: Case) -> list[str]:
    """The options that the case varies."""
    if not case.vary:
        return []
    base, repeated = _base(laboratory, subject, case)
    if base != repeated:
        return ["two runs of the same case differ: {}".format("; ".join(difference(base, repeated))[:1000])]
    found = []
    for path, value in case.vary.items():
        varied = dataclasses.replace(case, arguments=set_option(case.arguments, path, value))
        seen = laboratory.observe(subject, varied, state=False)
        if seen.report.by_validation:
            found.append(f"{path}: the other value is refused by Ansible itself: {seen.report.message}")
        elif seen.essence == base:
            found.append(f"{path}: with {value!r} nothing is different")
    return found


#: What the runs of a case came to, as far as this process knows: several options are tried with the same one.
_BASES: dict[tuple[str, str], tuple[t.Any, t.Any]] = {}


def _base(laboratory: Laboratory, subject: Subject, case: Case) -> tuple[t.Any, t.Any]:
    """The essence of the case itself, twice: what differs between the two is no effect of an option."""
    key = str(subject.path), repr(dataclasses.replace(case, name="", vary={}))
    if key not in _BASES:
        first, second = (laboratory.observe(subject, case, state=False).essence for dummy in range(2))
        _BASES[key] = first, second
    return _BASES[key]


def coverage_problems(subject: Subject) -> list[str]:
    """Every option is varied by a case, or is one that all modules share."""
    varied = {name for case in subject.cases.cases for name in map(path_of, case.vary)}
    options = set(paths_of(subject.options))
    shared = {item.option for item in common_options()} - set(subject.cases.exempt)
    found = [f"no case varies the option {path}" for path in sorted(options - varied - shared)]
    found += [f"a case varies {path}, which is no option" for path in sorted(varied - options)]
    if API_PATH != DB_API:
        found = [text for text in found if not text.endswith(FOR_THE_DATABASE_API)]
    known = {item.option for item in common_options()}
    return found + [f"exempt: {name} is not in _common.yml" for name in sorted(set(subject.cases.exempt) - known)]


def path_of(path: str) -> str:
    """The path of an option without the positions in lists."""
    return ".".join(part for part in path.split(".") if not part.isdigit())


def shared_cases(subject: Subject) -> list[Case]:
    """The cases by which the options that all modules share are tried with this one."""
    own = {name for case in subject.cases.cases for name in map(path_of, case.vary)} | set(subject.cases.exempt)
    shared = (
        _shared_case(subject, item)
        for item in common_options()
        if item.option in subject.options
        and item.option not in own
        and (not item.modules or subject.name in item.modules)
    )
    return in_form(shared)


def _shared_case(subject: Subject, item: CommonOption) -> Case:
    base = base_case(subject, changing=item.base == "changing")
    arguments = {name: value for name, value in base.arguments.items() if name not in item.without}
    return dataclasses.replace(
        base,
        name=f"{item.option} ({base.name})",
        situation=situation(common_seed(), {"seed": base.situation.seed}, base.situation.as_layer(), item.situation),
        arguments={**arguments, **item.arguments},
        without=base.without + item.without,
        warm=item.warm,
        vary={item.option: item.vary},
    )


def base_case(subject: Subject, changing: bool = False) -> Case:
    """The first case that succeeds without any trouble, and changes something where that is wanted."""
    for case in subject.cases.cases:
        if not case.expect.failure and not case.situation.faults and (case.expect.changed or not changing):
            return case
    raise AssertionError(
        "{}: there is no case that simply {}".format(subject.name, "changes something" if changing else "succeeds")
    )


def emptiness_problems(laboratory: Laboratory, subject: Subject, path: str) -> list[str]:
    """An option that is null or blank is as if it were not given, or is refused by its name before any request."""
    option = paths_of(subject.options)[path]
    values: list[t.Any] = [None, ""]
    if option.get("type") == "list":
        values += [[None], [""], [*_some(subject, path), None]]
    found = []
    for number, case in enumerate(_cases_with(subject, path)):
        place = place_of(case, path)
        without = dataclasses.replace(
            case, arguments=set_option(case.arguments, place, OMIT), without=(*case.without, path)
        )
        outcome, essence = _omitted(laboratory, subject, without)
        # Blank is made null before a module sees it.
        for value in values if not number else [None]:
            varied = dataclasses.replace(case, arguments=set_option(case.arguments, place, value))
            seen = laboratory.observe(subject, varied, state=False)
            refused = seen.report.failed and not seen.records and path.rpartition(".")[2] in seen.report.message
            if refused and "defect" not in seen.report.message:
                continue
            if isinstance(value, list):
                found.append(f"{path}: {value!r} is not refused ({case.name}): {seen.report.message}")
            elif _outcome(seen) != outcome or (
                # What the platform decides anew each time is not compared.
                seen.essence != essence
                and all(essence == laboratory.observe(subject, without, state=False).essence for dummy in range(3))
            ):
                found.append(f"{path}: {value!r} is not as if it were not given ({case.name}): {seen.report.message}")
    return found


#: What a case without an option came to: it is the same for all options that it does not give anyway.
_OMITTED: dict[tuple[str, str], tuple[t.Any, t.Any]] = {}


def _omitted(laboratory: Laboratory, subject: Subject, case: Case) -> tuple[t.Any, t.Any]:
    of_the_connection = [name for name in case.without if name in COMMON.options]
    key = str(subject.path), repr(dataclasses.replace(case, name="", vary={}, without=tuple(of_the_connection)))
    if key not in _OMITTED:
        seen = laboratory.observe(subject, case, state=False)
        _OMITTED[key] = _outcome(seen), seen.essence
    return _OMITTED[key]


def _outcome(seen: Observation) -> t.Any:
    return seen.report.failed, seen.report.changed, seen.calls()


def _cases_with(subject: Subject, path: str) -> list[Case]:
    """The first case that gives the option, and where it is one of the module's own also the first that changes something."""
    simple = [case for case in subject.cases.cases if not case.situation.faults and not case.expect.failure]
    first = path.split(".")[0]
    given = [case for case in simple if case.arguments.get(first)]
    chosen = given[:1] or [base_case(subject)]
    changing = [case for case in simple if case.expect.changed]
    return chosen + [case for case in changing[:1] if case not in chosen and "." not in path]


def place_of(case: Case, path: str) -> str:
    """The path with the position in a list, where the option is in a list."""
    first, dot, rest = path.partition(".")
    return f"{first}.0.{rest}" if dot and isinstance(case.arguments.get(first), list) else path


def _some(subject: Subject, path: str) -> list[t.Any]:
    """What a case has in the list."""
    listed = (case.arguments.get(path) for case in subject.cases.cases)
    return next((list(items[:1]) for items in listed if isinstance(items, list) and items), [])
