# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""RETURN against what is really returned: every key documented with its type, every documented key returned."""

from __future__ import annotations

import itertools
import re
import typing as t

from support.cases import Case, Data
from support.compare import flattened
from support.laboratory import Laboratory, Observation
from support.subjects import OF_ANSIBLE, PAGES_KEYS, Subject
from support.suites.faults import plain_cases

TYPES: t.Mapping[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (int, float),
    "bool": (bool,),
    "dict": (dict,),
    "list": (list,),
    "raw": (object,),
}

#: What every module returns in the same words. A key in them may be one that this module never has a value for.
SHARED = ("app", "addon_id", "region", "api_usage", "notes", "error")
#: Those whose samples are texts of the collection.
SAMPLED = ("notes", "error", "steps", "steps_done", "step_failed")


def results(laboratory: Laboratory, subject: Subject) -> t.Iterator[Data]:
    """What the module returns: when the API refuses, when it does so half-way, and in all cases. Each is run when it is wanted."""
    for case in plain_cases(subject)[:1]:
        laboratory.arrange(subject, case)
        laboratory.sandbox.fault(
            do="status", status=403, body={"error": "no", "code": "no", "errors": {"name": ["no"]}}
        )
        yield laboratory.run(subject, case, state=False).report.result
    for case in [case for case in plain_cases(subject) if case.expect.calls][:1]:
        laboratory.arrange(subject, case)
        laboratory.sandbox.fault(match={"safe": False}, do="status", status=422)
        yield laboratory.run(subject, case, state=False).report.result
    for case in subject.cases.cases:
        yield laboratory.observe(subject, case, state=False).report.result


def watch(laboratory: Laboratory, subject: Subject, case: Case, seen: Observation) -> list[str]:
    """Whether everything that one run returns is documented, with its type."""
    return value_problems(subject, seen.report.result)


def value_problems(subject: Subject, result: Data) -> list[str]:
    found: set[str] = set()
    for name, value in result.items():
        if name not in OF_ANSIBLE:
            found.update(_value_problems(subject.returned.get(name), value, name))
    return sorted(found)


def problems(subject: Subject, given: t.Iterable[Data]) -> list[str]:
    """Every documented key is returned: results are looked at until each has been seen. `watch` looks at all of them."""
    documented = dict(_documented(subject.returned))
    found: set[str] = set()
    seen: dict[str, bool] = {}
    for result in given:
        found.update(value_problems(subject, result))
        for path, value in flattened(result):
            seen[path] = seen.get(path, False) or value is not None
        # Whether a key really never has a value only all of them tell.
        if not subject.cases.unset and not any(_unseen(path, seen) for path in documented):
            break
    found.update(text for path in documented for text in _unseen(path, seen) if path not in subject.cases.unset)
    found.update(
        "unset: {} is {}".format(path, "no documented key" if path not in documented else "given a value by a case")
        for path in subject.cases.unset
        if seen.get(path) or path not in documented
    )
    return sorted(found)


def _unseen(path: str, seen: t.Mapping[str, bool]) -> list[str]:
    if path.split(".")[0] in SHARED and (path in seen or "." in path or path == "notes"):
        return []
    if path not in seen:
        return [f"{path} is documented and never returned"]
    return [] if seen[path] else [f"{path} never has a value in any case"]


def shared_problems(every: t.Sequence[tuple[Subject, t.Iterable[Data]]]) -> list[str]:
    """What the fragments and their page say: each key, and each text of a sample, is returned by some module.

    A number in a sample stands for any other. Results are looked at until all has been seen.
    """
    missing = {path for path, dummy in _documented({name: every[0][0].returned[name] for name in SHARED})}
    for subject, dummy in every:
        for name in SAMPLED:
            missing.update(_texts(subject.returned.get(name, {}).get("sample")))
    for result in itertools.chain.from_iterable(given for dummy, given in every):
        missing -= {path for path, value in flattened(result) if value is not None}
        missing -= set(_texts([result.get(name) for name in SAMPLED]))
        if not missing:
            break
    return [f"{path} is documented and never returned by any module" for path in sorted(missing)]


def _texts(value: t.Any) -> list[str]:
    if isinstance(value, (dict, list)):
        return [text for item in (value.values() if isinstance(value, dict) else value) for text in _texts(item)]
    return [re.sub(r"[0-9]+", "0", value)] if isinstance(value, str) else []


def _documented(entries: t.Mapping[str, t.Any], prefix: str = "") -> t.Iterator[tuple[str, t.Any]]:
    for name, entry in entries.items():
        if entry.get("optional"):
            continue
        yield prefix + name, entry
        yield from _documented(entry.get("contains") or {}, f"{prefix}{name}.")


def _value_problems(entry: Data | None, value: t.Any, path: str) -> t.Iterator[str]:
    if entry is None:
        yield f"{path} is returned and not documented"
        return
    if value is None:
        return
    kind = entry.get("type", "no type")
    if kind not in TYPES:
        yield f"{path} has the unknown type {kind}"
        return
    if not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind not in ("bool", "raw")):
        yield f"{path} is documented as {kind} and returned as {type(value).__name__}"
        return
    contains = entry.get("contains")
    if kind == "list":
        element = {"type": entry.get("elements", "no elements"), "contains": contains}
        for item in value:
            yield from _value_problems(element, item, path)
    elif kind == "dict" and contains:
        for name, inner in value.items():
            yield from _value_problems(contains.get(name), inner, f"{path}.{name}")


def sample_problems(subject: Subject) -> list[str]:
    """Every key says when it is returned, what type it has, and gives a sample of that type."""
    found = []
    for path, entry in _documented(subject.returned):
        if "." not in path and not entry.get("returned"):
            found.append(f"{path} does not say when it is returned")
        if not entry.get("description"):
            found.append(f"{path} has no description")
        if entry.get("contains") is None and "sample" not in entry and path.split(".")[0] not in PAGES_KEYS:
            found.append(f"{path} has no sample")
        if "sample" in entry:
            found += [f"sample of {text}" for text in _value_problems(entry, entry["sample"], path)]
    return found


def field_problems(fields: t.Iterable[str], subject: Subject, key: str) -> list[str]:
    """The fields of one of the tables of the documentation of the API, against the keys below `key`."""
    entry = subject.returned
    for part in key.split("."):
        entry = entry[part]["contains"]
    return [f"{key}.{name} is not documented" for name in fields if name not in entry]
