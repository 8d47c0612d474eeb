# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Comparing what runs did and told: excerpts, parts left out, identifiers and moments that are made anew each time."""

from __future__ import annotations

import json
import re
import typing as t

Data = dict[str, t.Any]

#: What a run says about itself and not about the database.
OF_THE_RUN = ("api_usage", "notes")

#: Identifiers, and the tokens of links.
_IDENTIFIER = re.compile(
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\b[0-9a-f]{24}\b|\b[0-9]{10}-[0-9a-f]{32}\b|\b[0-9a-f]{128}\b"
)
_MOMENT = re.compile(
    r"\b\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:Z|[+-]\d{2}:\d{2})?|\b\d{14}(?=_)|\b\d{8}T\d{6}Z"
)


def excerpt(expected: t.Any, actual: t.Any, place: str = "") -> list[str]:
    """What is otherwise than expected: of a mapping the keys that are named, of a list every item."""
    if isinstance(expected, dict) and isinstance(actual, dict):
        found = []
        for name, value in expected.items():
            inner = f"{place}.{name}" if place else str(name)
            found += excerpt(value, actual[name], inner) if name in actual else [f"{inner} is missing"]
        return found
    if isinstance(expected, list) and isinstance(actual, list) and len(expected) == len(actual):
        return [
            problem
            for number, (wanted, shown) in enumerate(zip(expected, actual))
            for problem in excerpt(wanted, shown, f"{place}[{number}]")
        ]
    same = expected == actual and isinstance(expected, bool) == isinstance(actual, bool)
    return [] if same else [f"{place or 'it'} is {actual!r}, expected {expected!r}"]


def difference(first: t.Any, second: t.Any, place: str = "") -> list[str]:
    """Where two values differ, keys that only one of them has included."""
    if isinstance(first, dict) and isinstance(second, dict):
        return [
            problem
            for name in sorted(set(first) | set(second), key=str)
            for problem in (
                difference(first[name], second[name], f"{place}.{name}" if place else str(name))
                if name in first and name in second
                else [f"{place}.{name} is only in one of them"]
            )
        ]
    if isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        return [
            problem
            for number, (one, other) in enumerate(zip(first, second))
            for problem in difference(one, other, f"{place}[{number}]")
        ]
    return [] if first == second else [f"{place or 'it'} is {first!r} and {second!r}"]


def without(value: Data, paths: t.Iterable[str]) -> Data:
    """The same without the keys at these paths; a path goes through the items of lists. What is not touched is shared."""
    for path in paths:
        value = _removed(value, path.split("."))
    return value


def _removed(value: t.Any, steps: list[str]) -> t.Any:
    if isinstance(value, list):
        return [_removed(item, steps) for item in value]
    if not isinstance(value, dict) or steps[0] not in value:
        return value
    if len(steps) == 1:
        return {name: inner for name, inner in value.items() if name != steps[0]}
    return {**value, steps[0]: _removed(value[steps[0]], steps[1:])}


def settled(value: t.Any, known: str = "", numbered_anew: bool = True) -> t.Any:
    """The same with new identifiers numbered (or made one) and new moments made one: those that `known` does not hold."""
    return json.loads(settled_text(json.dumps(value, sort_keys=True), known, numbered_anew))


def settled_text(text: str, known: str = "", numbered_anew: bool = True) -> str:
    numbers: dict[str, str] = {}

    def numbered(match: t.Match[str]) -> str:
        found = match.group(0)
        if found in known:
            return found
        return numbers.setdefault(found, f"<{len(numbers) + 1}>") if numbered_anew else "<identifier>"

    def some_moment(match: t.Match[str]) -> str:
        return match.group(0) if match.group(0) in known else "<moment>"

    return _MOMENT.sub(some_moment, _IDENTIFIER.sub(numbered, text))


def flattened(value: t.Any, place: str = "") -> t.Iterator[tuple[str, t.Any]]:
    """Every value with its path; a path names the items of lists without their number."""
    if isinstance(value, dict):
        for name, inner in value.items():
            path = f"{place}.{name}" if place else str(name)
            yield path, inner
            yield from flattened(inner, path)
    elif isinstance(value, list):
        for inner in value:
            yield from flattened(inner, place)
