# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading fields of an answer: what is missing is none, and what is of another type is said, with the object and the field."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible_collections.community.scalingo.plugins.module_utils import _canon
from ansible_collections.community.scalingo.plugins.module_utils._errors import InvalidInput, UnexpectedAnswer
from ansible_collections.community.scalingo.plugins.module_utils._resources import log
from ansible_collections.community.scalingo.plugins.module_utils._resources._fields import Fields, by_name, checked
from ansible_collections.community.scalingo.plugins.module_utils._shapes import Unread, or_none, readable

READERS: dict[str, t.Callable[[Fields], t.Any]] = {
    "text": lambda fields: fields.text("x"),
    "identifier": lambda fields: fields.identifier("x"),
    "flag": lambda fields: fields.flag("x"),
    "certain_flag": lambda fields: fields.certain_flag("x"),
    "number": lambda fields: fields.number("x"),
    "decimal": lambda fields: fields.decimal("x"),
    "instant": lambda fields: fields.instant("x"),
    "normal": lambda fields: fields.normal("x", _canon.seconds),
    "mapping": lambda fields: fields.mapping("x"),
    "items": lambda fields: fields.items("x"),
    "texts": lambda fields: fields.texts("x"),
    "numbers": lambda fields: fields.numbers("x"),
}
EMPTY: dict[str, t.Any] = {"items": [], "texts": [], "numbers": []}


@pytest.mark.parametrize("reader", sorted(set(READERS) - {"certain_flag"}))
@pytest.mark.parametrize("raw", [{}, {"x": None}], ids=["missing", "null"])
def test_what_is_missing_is_none(reader: str, raw: dict[str, t.Any]) -> None:
    assert READERS[reader](Fields(raw, "a thing")) == EMPTY.get(reader)


@pytest.mark.parametrize(
    ("reader", "value", "read"),
    [
        ("text", "", ""),
        ("identifier", "", None),
        ("identifier", "id-1", "id-1"),
        ("flag", False, False),
        ("certain_flag", True, True),
        ("number", 0, 0),
        ("decimal", 1.5, 1.5),
        ("decimal", 2, 2),
        ("instant", "", None),
        ("instant", "0001-01-01T00:00:00Z", None),
        ("instant", "2026-01-01T02:00:00+02:00", "2026-01-01T00:00:00.000000Z"),
        ("normal", "1h", 3600),
        ("mapping", {"a": 1}, {"a": 1}),
        ("texts", ["a"], ["a"]),
        ("texts", [{"name": "tls", "status": "ACTIVATED"}, "b"], ["tls", "b"]),
        ("number", 4.0, 4),
        ("numbers", 3, [3]),
        ("numbers", [3, 15], [3, 15]),
    ],
)
def test_what_is_there_is_read(reader: str, value: object, read: object) -> None:
    assert READERS[reader](Fields({"x": value}, "a thing")) == read


@pytest.mark.parametrize(
    ("reader", "value", "said"),
    [
        ("text", 1, "not text but a number"),
        ("identifier", ["id-1"], "not text but a list"),
        ("flag", 0, "not a boolean but a number"),
        ("certain_flag", None, "not a boolean but null"),
        ("number", True, "not a whole number but a boolean"),
        ("number", 1.5, "not a whole number but a number"),
        ("decimal", "1.5", "not a number but text"),
        ("decimal", True, "not a number but a boolean"),
        ("instant", "yesterday", "not a point in time but text"),
        ("normal", "often", "not in a form that is known but text"),
        ("mapping", [], "not an object but a list"),
        ("items", {}, "not a list but an object"),
        ("texts", ["a", 1], "not a list of text but a list"),
        ("numbers", [True], "not a list of whole numbers but a list"),
        ("numbers", True, "not a list of whole numbers but a boolean"),
    ],
)
def test_another_type_is_said_by_who_uses_it_and_never_taken(reader: str, value: object, said: str) -> None:
    read = READERS[reader](Fields({"x": value}, "a thing"))
    assert read == Unread(f"the field x of a thing is {said}")
    with pytest.raises(UnexpectedAnswer) as caught:
        bool(read)
    assert str(caught.value).startswith(f"the field x of a thing is {said}.")


USES: dict[str, t.Callable[[t.Any], t.Any]] = {
    "compared": lambda value: value == "running",
    "compared with none": lambda value: None in (value,),
    "compared within": lambda value: {"status": value} == {"status": "running"},
    "ordered": lambda value: sorted([value, "b"]),
    "told": lambda value: f"is {value}",
    "told as a number": lambda value: f"is {value}",
    "told in another way": lambda value: f"is {value}",
    "walked": list,
    "looked into": lambda value: value["name"],
    "searched": lambda value: "x" in value,
    "measured": len,
    "a key": {}.get,
    "added": lambda value: value + "x",
    "divided": lambda value: value / 2,
    "a position": lambda value: [1, 2][value],
    "called": lambda value: value.lower(),
}


@pytest.mark.parametrize("use", sorted(USES))
def test_whatever_uses_what_cannot_be_read_fails_by_its_name(use: str) -> None:
    with pytest.raises(UnexpectedAnswer, match="^the field x is odd[.]"):
        USES[use](Unread("the field x is odd"))


def test_what_cannot_be_read_is_handed_on_as_null_with_a_note() -> None:
    notes: list[str] = []
    odd, other = Unread("the field x is odd"), Unread("the field y is odd")
    state = {"a": 1, "b": [odd, {"c": odd, "d": (2, other)}]}
    assert readable({**copy.deepcopy(state)}, notes.append) == {"a": 1, "b": [None, {"c": None, "d": [2, None]}]}
    assert notes == ["the field x is odd, so it is returned as null", "the field y is odd, so it is returned as null"]
    assert state == copy.deepcopy(state) and odd == Unread("the field x is odd"), "what nobody changed is unchanged"
    assert (or_none(odd), or_none(0), or_none("x")) == (None, 0, "x")


@pytest.mark.parametrize(("raw", "read"), [({"y": 1.5}, 1.5), ({"x": None, "y": 2}, 2), ({"x": 3, "y": 2}, 3)])
def test_a_field_may_have_several_names(raw: dict[str, t.Any], read: float) -> None:
    assert Fields(raw, "a thing").decimal("x", "y") == read


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_is_no_number_of_json_cannot_be_read(value: float) -> None:
    assert isinstance(Fields({"x": value}, "a thing").decimal("x"), Unread)
    assert isinstance(Fields({"x": value}, "a thing").number("x"), Unread)


def test_of_a_part_that_is_no_object_nothing_can_be_read() -> None:
    odd = Unread("the field plan of a thing is not an object but a list")
    part = Fields(Fields({"plan": []}, "a thing").part("plan"), "its plan")
    assert (part.identifier("id"), part.items("x"), part.certain_flag("y")) == (odd, odd, odd)
    assert Fields(Fields({}, "a thing").part("plan"), "its plan").identifier("id") is None


def test_one_thing_of_a_list_that_is_none_makes_the_list_unreadable() -> None:
    def describe(raw: object) -> str | None:
        return Fields(raw, "an item").text("name")

    assert Fields({"x": [{"name": "a"}]}, "a thing").each("x", describe) == ["a"]
    assert Fields({"x": [{"name": "a"}, 5]}, "a thing").each("x", describe) == Unread(
        "an item is not an object but a number"
    )
    assert isinstance(Fields({"x": 5}, "a thing").each("x", describe), Unread)


@pytest.mark.parametrize(("raw", "said"), [(None, "null"), ([], "a list"), ("<html>", "text"), (1.5, "a number")])
def test_what_is_no_object_has_no_fields(raw: object, said: str) -> None:
    with pytest.raises(UnexpectedAnswer, match=f"^a thing is not an object but {said}[.]"):
        Fields(raw, "a thing")


def test_an_option_is_named_when_its_value_has_no_normal_form() -> None:
    assert checked("duration", _canon.seconds, "1h") == 3600
    with pytest.raises(InvalidInput, match="^duration: "):
        checked("duration", _canon.seconds, "often")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("\n", [""]),
        ("a\n\nb\n", ["a", "", "b"]),
        ("a\r\nb\r\n", ["a", "b"]),
        ("a\nno end", ["a", "no end"]),
        ("a\u2028FATAL: forged\x85b\x0bc\x0cd\x1ce\rf\n", ["a\u2028FATAL: forged\x85b\x0bc\x0cd\x1ce\rf"]),
    ],
)
def test_a_line_of_a_log_ends_with_its_line_break_alone(text: str, expected: list[str]) -> None:
    assert log.lines(text) == expected


def test_what_is_listed_twice_counts_once_or_is_refused() -> None:
    listed = [{"name": "a", "read_only": True}, {"name": "b"}, {"name": "a", "read_only": True}]
    assert by_name(listed, "users") == {"a": {"name": "a", "read_only": True}, "b": {"name": "b"}}
    with pytest.raises(UnexpectedAnswer, match="the platform lists two users called a that differ"):
        by_name([*listed, {"name": "a", "read_only": False}], "users")
