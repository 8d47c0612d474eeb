# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Reading fields of an answer: what is missing is none, and what is of another type is said, with the object and the field."""

from __future__ import annotations

import copy
import typing as t

import pytest
from ansible_collections.community.scalingo.plugins.module_utils import _canon
from ansible_collections.community.scalingo.plugins.module_utils._answer import Answer
from ansible_collections.community.scalingo.plugins.module_utils._api.event import event
from ansible_collections.community.scalingo.plugins.module_utils._api.postgresql import EXTENSION
from ansible_collections.community.scalingo.plugins.module_utils._errors import InvalidInput, UnexpectedAnswer
from ansible_collections.community.scalingo.plugins.module_utils._options import checked
from ansible_collections.community.scalingo.plugins.module_utils._resources import log
from ansible_collections.community.scalingo.plugins.module_utils._shapes import (
    Check,
    Many,
    Mismatch,
    Part,
    Record,
    Unread,
    boolean,
    by_name,
    called,
    certain,
    identifier,
    instant,
    integer,
    mapping,
    named,
    normal,
    number,
    or_none,
    present,
    prose,
    readable,
    required,
    text,
)

READERS: dict[str, Check] = {
    "text": text,
    "identifier": identifier,
    "prose": prose,
    "boolean": boolean,
    "integer": integer,
    "number": number,
    "instant": instant,
    "normal": normal(_canon.seconds, "a length of time"),
    "mapping": mapping,
    "names": Many(named),
    "integers": Many(integer, alone=True),
    "part": Part(a=text, b=Many(text)),
}
EMPTY: dict[str, t.Any] = {"names": [], "integers": [], "part": {"a": None, "b": []}}


def read(reader: str, raw: dict[str, t.Any]) -> t.Any:
    """What a field is, in an object that is known by another one."""
    return Record(id=required(text), x=READERS[reader])({"id": "1", **raw}, "thing")["x"]


@pytest.mark.parametrize("reader", sorted(READERS))
@pytest.mark.parametrize("raw", [{}, {"x": None}], ids=["missing", "null"])
def test_what_is_missing_is_none(reader: str, raw: dict[str, t.Any]) -> None:
    assert read(reader, raw) == EMPTY.get(reader)


@pytest.mark.parametrize(
    ("reader", "value", "expected"),
    [
        ("text", "", ""),
        ("identifier", "", None),
        ("identifier", "id-1", "id-1"),
        ("prose", "", None),
        ("boolean", False, False),
        ("integer", 0, 0),
        ("integer", 4.0, 4),
        ("number", 1.5, 1.5),
        ("number", 2, 2),
        ("instant", "", None),
        ("instant", "0001-01-01T00:00:00Z", None),
        ("instant", "2026-01-01T02:00:00+02:00", "2026-01-01T00:00:00.000000Z"),
        ("normal", "1h", 3600),
        ("mapping", {"a": 1}, {"a": 1}),
        ("names", ["a"], ["a"]),
        ("names", [{"name": "tls", "status": "ACTIVATED"}, "b"], ["tls", "b"]),
        ("integers", 3, [3]),
        ("integers", [3, 15], [3, 15]),
        ("part", {"a": "x", "c": 1}, {"a": "x", "b": []}),
        ("part", [], dict.fromkeys("ab", Unread("expected an object at thing.x and received a list"))),
    ],
)
def test_what_is_there_is_read(reader: str, value: object, expected: object) -> None:
    assert read(reader, {"x": value}) == expected


@pytest.mark.parametrize(
    ("reader", "value", "said"),
    [
        ("text", 1, "a text at thing.x and received an integer"),
        ("identifier", ["id-1"], "a text at thing.x and received a list"),
        ("boolean", 0, "a boolean at thing.x and received an integer"),
        ("integer", True, "an integer at thing.x and received a boolean"),
        ("integer", 1.5, "an integer at thing.x and received a number"),
        ("number", "1.5", "a number at thing.x and received a text"),
        ("number", True, "a number at thing.x and received a boolean"),
        ("number", float("nan"), "a number at thing.x and received a number"),
        ("integer", float("inf"), "an integer at thing.x and received a number"),
        ("instant", "yesterday", "a point in time at thing.x and received a text"),
        ("normal", "often", "a length of time at thing.x and received a text"),
        ("mapping", [], "an object at thing.x and received a list"),
        ("names", {}, "a list at thing.x and received an object"),
        ("names", ["a", 1], "a text at thing.x[1] and received an integer"),
        ("integers", [True], "an integer at thing.x[0] and received a boolean"),
        ("integers", "3", "an integer at thing.x[0] and received a text"),
    ],
)
def test_another_type_is_said_by_who_uses_it_and_never_taken(reader: str, value: object, said: str) -> None:
    found = read(reader, {"x": value})
    assert found == Unread(f"expected {said}")
    with pytest.raises(UnexpectedAnswer) as caught:
        bool(found)
    assert str(caught.value).startswith(f"expected {said}.")


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


@pytest.mark.parametrize(("raw", "expected"), [({"y": 1.5}, 1.5), ({"x": None, "y": 2}, 2), ({"x": 3, "y": 2}, 3)])
def test_a_field_may_have_several_names(raw: dict[str, t.Any], expected: float) -> None:
    assert Record(x=called(number, "x", "y"))(raw, "thing") == {"x": expected}


def test_what_decides_is_never_taken_for_false_because_it_is_missing() -> None:
    found = Record(id=text, protected=certain(boolean))({"id": "1"}, "thing")
    assert found["protected"] == Unread("expected a boolean at thing.protected and received null")


def test_what_no_json_can_hold_is_never_returned() -> None:
    notes: list[str] = []
    given = {"a": [float("nan"), 1.5], "b\ud800": "\udfff and \U0001f680", "c": {"d": float("-inf")}}
    assert readable(given, notes.append) == {"a": [None, 1.5], "b\ufffd": "\ufffd and \U0001f680", "c": {"d": None}}
    assert notes == ["a number is NaN or infinite, which JSON has no form for, so it is returned as null"]


def test_what_is_always_there_need_not_be_readable() -> None:
    thing = Record(status=present(text), plan=text)
    assert thing({"status": None, "plan": "x"}, "thing")["status"] == Unread(
        "expected a text at thing.status and received null"
    )
    with pytest.raises(Mismatch, match="expected the key status at thing"):
        thing({"plan": "x"}, "thing")


@pytest.mark.parametrize("raw", [{"id": 1, "x": "y"}, {"x": "y"}, {"id": None}, None, [], "<html>", 1.5])
def test_without_what_it_is_known_by_there_is_no_thing(raw: object) -> None:
    with pytest.raises(Mismatch, match="at thing"):
        Record(id=required(text), x=text)(raw, "thing")


def test_an_object_of_which_nothing_can_be_read_is_none() -> None:
    thing = Record(a=text, b=text)
    assert thing({}, "thing") == thing.empty() == {"a": None, "b": None}
    assert isinstance(thing({"a": 1, "b": "x"}, "thing")["a"], Unread)
    with pytest.raises(Mismatch, match="expected a text at thing.a"):
        thing({"a": 1, "b": 2}, "thing")


def test_one_thing_of_a_list_that_is_none_makes_the_list_unreadable() -> None:
    thing = Record(id=text, items=Many(Record(name=required(text))))
    assert thing({"id": "1", "items": [{"name": "a"}]}, "thing")["items"] == [{"name": "a"}]
    assert thing({"id": "1", "items": [{"name": "a"}, 5]}, "thing")["items"] == Unread(
        "expected an object at thing.items[1] and received an integer"
    )


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


def test_what_an_extension_and_an_event_have_of_another_kind_is_unread_and_never_text() -> None:
    extension = EXTENSION({"name": "hstore", "version": {"an": "object"}}, "result[0]")
    assert isinstance(extension["version"], Unread)
    assert EXTENSION({"name": "hstore", "version": "v1.8"}, "result[0]")["version"] == "1.8"
    about = {"type": "new_addon", "type_data": "a text"}
    assert isinstance(event(about, "events[0]")["type_data"], Unread)
    # Of a type whose data are handed on to nobody.
    assert event({**about, "type": "edit_variable"}, "events[0]")["type_data"] is None


def test_the_rest_of_an_answer_is_told_without_long_words() -> None:
    told = Answer(200, {}, 'backups/1/download?token=1796000000-0123456789abcdef0123456789abcdef"}').described()
    assert told == "the text '********' (no content type)"
    assert (
        Answer(502, {}, "upstream connect error\n").described() == "the text 'upstream connect error' (no content type)"
    )


@pytest.mark.parametrize("text", ["[" * 101 + "]" * 101, '{"a": ' * 700 + "1" + "}" * 700, "[" * 100_000, "9" * 5000])
def test_json_that_not_every_python_reads_is_refused(text: str) -> None:
    assert Answer(200, {}, "[" * 100 + "]" * 100).json() and Answer(200, {}, "9" * 400).json()
    with pytest.raises(UnexpectedAnswer, match="^expected JSON"):
        Answer(200, {}, text).json()
