# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Reading fields of an answer: every one may be missing or null, none may be of another type."""

from __future__ import annotations

import typing as t

from .. import _canon
from .._errors import InvalidInput, UnexpectedAnswer

T = t.TypeVar("T")


class Fields:
    """The fields of one object of an answer. I(subject) names the object in errors."""

    def __init__(self, raw: object, subject: str) -> None:
        if not isinstance(raw, dict):
            raise UnexpectedAnswer("%s is not an object but %s" % (subject, _kind(raw)))
        self._raw: t.Dict[str, t.Any] = raw
        self._subject = subject

    def text(self, name: str) -> t.Optional[str]:
        """Text; empty text stays as it is."""
        return t.cast(t.Optional[str], self._get(name, str, "text"))

    def identifier(self, name: str) -> t.Optional[str]:
        """Text where an empty one means the same as null (some answers show C("") for none)."""
        return self.text(name) or None

    def flag(self, name: str) -> t.Optional[bool]:
        return t.cast(t.Optional[bool], self._get(name, bool, "a boolean"))

    def certain_flag(self, name: str) -> bool:
        """A boolean that decides what may be done, so that a missing one must not be taken for false."""
        value = self.flag(name)
        if value is None:
            raise self._wrong(name, "a boolean")
        return value

    def number(self, name: str) -> t.Optional[int]:
        value = self._get(name, int, "a whole number")
        if isinstance(value, bool):
            raise self._wrong(name, "a whole number")
        return t.cast(t.Optional[int], value)

    def decimal(self, name: str) -> t.Optional[float]:
        """A number; a whole one stays whole."""
        value = self._raw.get(name)
        if value is not None and (isinstance(value, bool) or not isinstance(value, (int, float))):
            raise self._wrong(name, "a number")
        return value

    def instant(self, name: str) -> t.Optional[str]:
        """A point in time in UTC with fixed width; an empty one is none."""
        value = self.identifier(name)
        try:
            return None if value is None else _canon.instant(value)
        except ValueError:
            raise self._wrong(name, "a point in time") from None

    def normal(self, name: str, normal_form: t.Callable[[t.Any], T]) -> t.Optional[T]:
        """The normal form of a text or number; none when it is missing."""
        value = self._raw.get(name)
        try:
            return None if value is None else normal_form(value)
        except ValueError:
            raise self._wrong(name, "in a form that is known") from None

    def mapping(self, name: str) -> t.Optional[t.Dict[str, t.Any]]:
        return t.cast(t.Optional[t.Dict[str, t.Any]], self._get(name, dict, "an object"))

    def items(self, name: str) -> t.List[t.Any]:
        """A list; null and missing are the empty one."""
        return t.cast(t.List[t.Any], self._get(name, list, "a list") or [])

    def texts(self, name: str) -> t.List[str]:
        values = self.items(name)
        if not all(isinstance(value, str) for value in values):
            raise self._wrong(name, "a list of text")
        return values

    def numbers(self, name: str) -> t.List[int]:
        """A list of whole numbers; a single number is a list of one."""
        raw = self._raw.get(name)
        values = [raw] if isinstance(raw, int) else self.items(name)
        if not all(isinstance(value, int) and not isinstance(value, bool) for value in values):
            raise self._wrong(name, "a list of whole numbers")
        return values

    def _get(self, name: str, kind: type, label: str) -> t.Any:
        value = self._raw.get(name)
        if value is not None and not isinstance(value, kind):
            raise self._wrong(name, label)
        return value

    def _wrong(self, name: str, label: str) -> UnexpectedAnswer:
        return UnexpectedAnswer(
            "the field %s of %s is not %s but %s" % (name, self._subject, label, _kind(self._raw.get(name)))
        )


def by_name(items: t.Iterable[t.Dict[str, t.Any]], what: str) -> t.Dict[str, t.Dict[str, t.Any]]:
    """Things by their name. One that is listed twice counts once when both are equal; else nobody can tell which is meant."""
    found: t.Dict[str, t.Dict[str, t.Any]] = {}
    for item in items:
        name = str(item["name"])
        if found.setdefault(name, item) != item:
            raise UnexpectedAnswer(
                "the platform lists two %s called %s that differ" % (what, name),
                hint="It is not clear which of them is meant: ask Scalingo's support.",
            )
    return found


def _kind(value: object) -> str:
    names = {"dict": "an object", "list": "a list", "str": "text", "int": "a number", "float": "a number", "bool": "a boolean"}
    return "null" if value is None else names.get(type(value).__name__, type(value).__name__)


def checked(option: str, normal_form: t.Callable[[t.Any], T], value: object) -> T:
    """The normal form of an option's value; C(InvalidInput) that names the option when it has none."""
    try:
        return normal_form(value)
    except ValueError as error:
        raise InvalidInput("%s: %s" % (option, error)) from None
