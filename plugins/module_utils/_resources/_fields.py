# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Reading fields of an answer: every one may be missing or null. One of another kind is in nobody's way who does not use it."""

from __future__ import annotations

import math
import re
import typing as t

from .. import _canon
from .._errors import InvalidInput, UnexpectedAnswer, scrub
from .._shapes import Unread

T = t.TypeVar("T")


class Fields:
    """The fields of one object of an answer. I(subject) names the object in errors.

    A field of another kind is C(Unread): reading it does not fail, using it does. Several names are other names of the
    same field: the first that has a value counts.
    """

    def __init__(self, raw: object, subject: str) -> None:
        #: Why nothing of the object can be read, where that is so.
        self._unread = raw if isinstance(raw, Unread) else None
        if self._unread is None and not isinstance(raw, dict):
            raise UnexpectedAnswer(f"{subject} is not an object but {_kind(raw)}")
        self._raw: dict[str, t.Any] = raw if isinstance(raw, dict) else {}
        self._subject = subject

    def text(self, *names: str) -> str | None:
        """Text; empty text stays as it is."""
        return t.cast(t.Optional[str], self._read(names, "text", _text))

    def identifier(self, *names: str) -> str | None:
        """Text where an empty one means the same as null (some answers show C("") for none)."""
        return t.cast(t.Optional[str], self._read(names, "text", lambda value: _text(value) or None))

    def prose(self, name: str) -> str | None:
        """Text that somebody wrote, without what looks like a secret."""
        return t.cast(t.Optional[str], self._read((name,), "text", lambda value: scrub(_text(value)) or None))

    def flag(self, *names: str) -> bool | None:
        return t.cast(t.Optional[bool], self._read(names, "a boolean", _of(bool)))

    def certain_flag(self, *names: str) -> bool:
        """A boolean that decides what may be done, so that a missing one must not be taken for false."""
        value = self.flag(*names)
        return t.cast(bool, self._wrong(names[0], "a boolean") if value is None else value)

    def number(self, *names: str) -> int | None:
        return t.cast(t.Optional[int], self._read(names, "a whole number", _number))

    def decimal(self, *names: str) -> float | None:
        """A number; a whole one stays whole."""
        return t.cast(t.Optional[float], self._read(names, "a number", _decimal))

    def instant(self, *names: str) -> str | None:
        """A point in time in UTC with fixed width; an empty one is none, and so is the one that Go writes for none."""
        read = self._read(
            names,
            "a point in time",
            lambda value: _canon.instant(value) if _text(value) and value[:10] != "0001-01-01" else None,
        )
        return t.cast(t.Optional[str], read)

    def normal(self, name: str, normal_form: t.Callable[[t.Any], T]) -> T | None:
        """The normal form of a text or number; none when it is missing."""
        return t.cast(t.Optional[T], self._read((name,), "in a form that is known", normal_form))

    def mapping(self, *names: str) -> dict[str, t.Any] | None:
        return t.cast(t.Optional[dict[str, t.Any]], self._read(names, "an object", _of(dict)))

    def part(self, name: str) -> dict[str, t.Any]:
        """An object that has fields of its own; null and missing are the empty one."""
        value = self.mapping(name)
        return {} if value is None else value

    def items(self, *names: str) -> list[t.Any]:
        """A list; null and missing are the empty one."""
        value = self._read(names, "a list", _of(list))
        return t.cast(list[t.Any], [] if value is None else value)

    def each(self, name: str, describe: t.Callable[[object], T]) -> list[T]:
        """A list of things, each as it is described."""
        items = self.items(name)
        if isinstance(items, Unread):
            return items
        try:
            return [describe(item) for item in items]
        except UnexpectedAnswer as error:
            return t.cast(list[T], Unread(error.message))

    def texts(self, *names: str) -> list[str]:
        """A list of text. Of an object, which some answers have instead, its name."""
        value = self._read(names, "a list of text", lambda value: [_text(_name(item)) for item in _of(list)(value)])
        return t.cast(list[str], [] if value is None else value)

    def numbers(self, *names: str) -> list[int]:
        """A list of whole numbers; a single number is a list of one."""
        value = self._read(
            names,
            "a list of whole numbers",
            lambda value: [_number(item) for item in ([value] if isinstance(value, int) else _of(list)(value))],
        )
        return t.cast(list[int], [] if value is None else value)

    def _read(self, names: t.Sequence[str], label: str, normal_form: t.Callable[[t.Any], t.Any]) -> t.Any:
        if self._unread is not None:
            return self._unread
        name = next((name for name in names if self._raw.get(name) is not None), names[0])
        value = self._raw.get(name)
        try:
            return value if value is None or isinstance(value, Unread) else normal_form(value)
        except ValueError:
            return self._wrong(name, label)

    def _wrong(self, name: str, label: str) -> Unread:
        return Unread(f"the field {name} of {self._subject} is not {label} but {_kind(self._raw.get(name))}")


def _of(kind: type) -> t.Callable[[t.Any], t.Any]:
    """A value of this kind as it is. Raises C(ValueError) for any other."""

    def checked_value(value: t.Any) -> t.Any:
        if not isinstance(value, kind):
            raise ValueError
        return value

    return checked_value


_text = _of(str)


def _name(item: t.Any) -> t.Any:
    return item.get("name") if isinstance(item, dict) else item


def _number(value: t.Any) -> int:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise ValueError
    return value


def _decimal(value: t.Any) -> float:
    """A number. What is none and still called one, such as NaN, is no JSON."""
    return value if isinstance(value, float) and math.isfinite(value) else _number(value)


def by_name(items: t.Iterable[dict[str, t.Any]], what: str) -> dict[str, dict[str, t.Any]]:
    """Things by their name. One that is listed twice counts once when both are equal; else nobody can tell which is meant."""
    found: dict[str, dict[str, t.Any]] = {}
    for item in items:
        name = str(item["name"])
        if found.setdefault(name, item) != item:
            raise UnexpectedAnswer(
                f"the platform lists two {what} called {name} that differ",
                hint="It is not clear which of them is meant: ask Scalingo's support.",
            )
    return found


def _kind(value: object) -> str:
    names = {
        "dict": "an object",
        "list": "a list",
        "str": "text",
        "int": "a number",
        "float": "a number",
        "bool": "a boolean",
    }
    return "null" if value is None else names.get(type(value).__name__, type(value).__name__)


def check_id(option: str, value: str, thing: str) -> None:
    """Refuse what cannot be the ID of anything."""
    if not re.fullmatch(r"[A-Za-z0-9_-]+", value):
        raise InvalidInput(f"{option}: {value!r} is not the ID of {thing}: it must have letters, digits, - and _ only")


def checked(option: str, normal_form: t.Callable[[t.Any], T], value: object) -> T:
    """The normal form of an option's value; C(InvalidInput) that names the option when it has none."""
    try:
        return normal_form(value)
    except ValueError as error:
        raise InvalidInput(f"{option}: {error}") from None
