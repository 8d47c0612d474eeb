# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This file is private to the collection: it may change without notice.

"""What the objects of an answer look like (docs/contract.md, section 2), tolerant as section 6 asks.

A check takes a value and the place it was found at, and returns its normal form or raises Mismatch. Fields that are not
required may be missing or null, and no value is ever repeated in a message: it may be a secret.

What a thing is known by is required, and raises. Any other field of another kind becomes Unread: who uses it fails by
its name, and who only hands it on returns null and a note. So no list says which module needs what.
"""

from __future__ import annotations

import math
import typing as t

from . import _canon
from ._errors import UnexpectedAnswer, scrub

T = t.TypeVar("T")
Check = t.Callable[[t.Any, str], t.Any]

KINDS = {
    type(None): "null",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    str: "a text",
    list: "a list",
    dict: "an object",
}


class Mismatch(Exception):
    """An answer is not what the contract says; the text says where, what was expected, and what kind of thing came."""

    def __init__(self, expected: str, place: str, value: t.Any) -> None:
        super().__init__(f"expected {expected} at {place} and received {KINDS.get(type(value), 'something else')}")


class Unread:
    """A field that is of another kind than it should be. Whatever is done with it raises, but to hand it on.

    Two of the same reason are equal, so that what nobody changed compares as unchanged. ``readable`` makes it null.
    """

    def __init__(self, reason: str) -> None:
        self.reason = reason

    def _use(self, *dummy: t.Any) -> t.NoReturn:
        raise UnexpectedAnswer(
            self.reason, hint="The platform may have changed its answers: look for a newer version of the collection."
        )

    __bool__ = __str__ = __int__ = __index__ = __float__ = __len__ = __iter__ = __hash__ = _use
    __getitem__ = __contains__ = __lt__ = __le__ = __gt__ = __ge__ = _use
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __floordiv__ = __mod__ = _use
    __neg__ = __abs__ = __round__ = __call__ = _use

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Unread) and other.reason == self.reason:
            return True
        self._use()

    def __getattr__(self, name: str) -> t.Any:
        if name.startswith("__"):
            raise AttributeError(name)
        self._use()

    def __deepcopy__(self, dummy: t.Any) -> Unread:
        return self

    def __repr__(self) -> str:
        return "(cannot be read)"


def or_none(value: t.Any) -> t.Any:
    """Return a value, and None for one that cannot be read: for what is told only, and decides nothing."""
    return None if isinstance(value, Unread) else value


def readable(value: t.Any, note: t.Callable[[str], None]) -> t.Any:
    """Return plain data with null for what cannot be read; ``note`` takes why, once for each reason."""
    reasons: dict[str, None] = {}

    def plain(part: t.Any) -> t.Any:
        if isinstance(part, Unread):
            reasons[part.reason] = None
            return None
        if isinstance(part, dict):
            return {plain(name): plain(item) for name, item in part.items()}
        if isinstance(part, str):
            return whole(part)
        if isinstance(part, float) and not math.isfinite(part):
            reasons["a number is NaN or infinite, which JSON has no form for"] = None
            return None
        return [plain(item) for item in part] if isinstance(part, (list, tuple)) else part

    result = plain(value)
    for reason in reasons:
        note(f"{reason}, so it is returned as null")
    return result


def whole(value: str) -> str:
    """Return a text that can be encoded: JSON may hold one half of a surrogate pair, which is no character."""
    try:
        value.encode()
    except UnicodeEncodeError:
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def text(value: t.Any, place: str) -> str:
    if not isinstance(value, str):
        raise Mismatch("a text", place, value)
    return whole(value)


def boolean(value: t.Any, place: str) -> bool:
    if not isinstance(value, bool):
        raise Mismatch("a boolean", place, value)
    return value


def integer(value: t.Any, place: str) -> int:
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise Mismatch("an integer", place, value)
    return value


def number(value: t.Any, place: str) -> float:
    """A number; a whole one stays whole. What is none and still called one, such as NaN, is no JSON."""
    if not isinstance(value, (int, float)) or isinstance(value, bool) or not _is_finite(value):
        raise Mismatch("a number", place, value)
    return value


def _is_finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        # More digits than any number has.
        return False


def anything(value: t.Any, place: str) -> t.Any:
    return value


def mapping(value: t.Any, place: str) -> dict[str, t.Any]:
    if not isinstance(value, dict):
        raise Mismatch("an object", place, value)
    return value


class Many:
    """A list of such things; null is an empty one (docs/contract.md, section 2.8). ``alone``: one of them is a list, too."""

    def __init__(self, check: Check, alone: bool = False) -> None:
        self._check = check
        self._alone = alone

    def __call__(self, value: t.Any, place: str) -> list[t.Any]:
        if value is None:
            return []
        if self._alone and not isinstance(value, list):
            value = [value]
        if not isinstance(value, list):
            raise Mismatch("a list", place, value)
        return [self._check(item, f"{place}[{index}]") for index, item in enumerate(value)]


list_of = Many


def null_or(check: Check) -> Check:
    """The same, or null."""
    return lambda value, place: None if value is None else check(value, place)


def identifier(value: t.Any, place: str) -> str | None:
    """A text; null and the empty text, which some answers show for none, are None."""
    return None if value is None or value == "" else text(value, place)


def prose(value: t.Any, place: str) -> str | None:
    """Text that somebody wrote, without what looks like a secret."""
    return scrub(text(value, place)) or None


def named(value: t.Any, place: str) -> str:
    """A text, or an object with one for a name, which some answers have instead."""
    return text(value.get("name") if isinstance(value, dict) else value, place)


def instant(value: t.Any, place: str) -> str | None:
    """A point in time in UTC with fixed width; an empty one is none, and so is the one that Go writes for none."""
    found = text(value, place)
    return None if found[:10] in ("", "0001-01-01") else normal(_canon.instant, "a point in time")(found, place)


def normal(form: t.Callable[[t.Any], t.Any], expected: str) -> Check:
    """What ``form`` makes of a value; it raises ValueError for one that has no such form."""

    def checked(value: t.Any, place: str) -> t.Any:
        try:
            return form(value)
        except ValueError:
            raise Mismatch(expected, place, value) from None

    return checked


def kept(check: Check, value: t.Any, place: str) -> t.Any:
    """Return what the check returns, and Unread where it raises."""
    try:
        return check(value, place)
    except Mismatch as mismatch:
        return Unread(str(mismatch))


class Field(t.NamedTuple):
    """How a field is read. ``how`` is what may be wrong with it: see required, present, certain; otherwise it may be missing."""

    read: Check
    how: str = ""
    #: What an answer calls it: the first name that has a value counts.
    names: tuple[str, ...] = ()


def required(read: Check) -> Field:
    """What a thing is known by: where it is missing or cannot be read, there is no such thing."""
    return Field(read, "required")


def present(read: Check) -> Field:
    """What is always there, but need not be readable."""
    return Field(read, "present")


def certain(read: Check) -> Field:
    """What decides what may be done: where it is missing, it cannot be read, and is never taken for false."""
    return Field(read, "certain")


def called(read: Check, *names: str) -> Field:
    """What an answer has under other names."""
    return Field(read, "", names)


class Record:
    """An object, by its fields and their readers: at once the check of what came and the normal form that modules return.

    Every field is in what is returned, with None or the empty list for what is missing or null; others are left out. An
    object of which nothing can be read is none.
    """

    def __init__(self, **fields: Check | Field) -> None:
        self.fields = {name: field if isinstance(field, Field) else Field(field) for name, field in fields.items()}

    def beside(self, **fields: Check | Field) -> Record:
        """The same with more fields."""
        return Record(**self.fields, **fields)

    def empty(self) -> dict[str, t.Any]:
        """What is returned of an object of which nothing is known."""
        return {name: _nothing(field) for name, field in self.fields.items()}

    def __call__(self, value: t.Any, place: str) -> dict[str, t.Any]:
        found = mapping(value, place)
        result: dict[str, t.Any] = {}
        unread: dict[str, Mismatch] = {}
        told = False
        for name, (read, how, names) in self.fields.items():
            key = next((one for one in names if found.get(one) is not None), names[0]) if names else name
            if how in ("required", "present") and key not in found:
                raise Mismatch(f"the key {key}", place, value)
            if found.get(key) is None and not how:
                result[name] = _nothing(self.fields[name])
                continue
            try:
                result[name] = read(found.get(key), f"{place}.{key}")
                told = True
            except Mismatch as mismatch:
                if how == "required":
                    raise
                unread[name] = mismatch
                result[name] = Unread(str(mismatch))
        if unread and not told:
            raise next(iter(unread.values()))
        return result


class Part:
    """A record within another: where there is none, its fields are empty, and where it is no object, they cannot be read."""

    def __init__(self, **fields: Check | Field) -> None:
        self.record = Record(**fields)

    def __call__(self, value: t.Any, place: str) -> dict[str, t.Any]:
        try:
            return self.record(value, place)
        except Mismatch as mismatch:
            return {name: Unread(str(mismatch)) for name in self.record.fields}


def _nothing(field: Field) -> t.Any:
    if isinstance(field.read, Part):
        return field.read.record.empty()
    if isinstance(field.read, Record) and field.how == "required":
        return field.read.empty()
    return [] if isinstance(field.read, Many) else None


def under(*roots: str, check: t.Callable[[t.Any, str], T], bare: bool = False) -> t.Callable[[t.Any], T]:
    """Return a reader: what is under the first root that is there, or the body itself when it may be bare."""

    def read(body: t.Any) -> T:
        for root in roots:
            if isinstance(body, dict) and root in body:
                return check(body[root], root)
        if bare:
            return check(body, "the body")
        raise Mismatch(f"the key {roots[0]}", "the body", body)

    return read


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
