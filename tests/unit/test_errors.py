# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The errors: what they say, what they give as data, and what they never hold."""

from __future__ import annotations

import base64
import html
import json
import re
import typing as t
import urllib.parse

import pytest
from ansible_collections.community.scalingo.plugins.module_utils import _errors
from ansible_collections.community.scalingo.plugins.module_utils._errors import (
    AddonNotFound,
    ConsentMissing,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    ScalingoError,
    ServerError,
    Unauthorized,
    Unreachable,
    ValidationFailed,
    WaitTimeout,
    facts,
    scrub,
    sentence,
)


def test_a_sentence_says_what_on_which_why_and_what_next() -> None:
    error = ValidationFailed(
        "The API refuses these values",
        doing="change the settings of the database",
        subject="addon mysql (ad-1) of app shop in osc-fr1",
        method="PATCH",
        path="/api/databases/ad-1",
        status=422,
        fields={"starting_hour_utc": ["must be below 24"], "name": ["is short", "is taken"]},
        request_id="4c1f",
        attempts=2,
        hint="Give an hour from 0 to 23",
    )
    assert sentence(error) == (
        "Could not change the settings of the database (addon mysql (ad-1) of app shop in osc-fr1): "
        "The API refuses these values: name: is short, is taken; starting_hour_utc: must be below 24. "
        "[PATCH /api/databases/ad-1, status 422, 2 attempts, request id 4c1f] Give an hour from 0 to 23."
    )
    assert str(error) == sentence(error)


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (InvalidInput("weekday_utc is wrong"), "weekday_utc is wrong."),
        (InvalidInput("Is it?"), "Is it?"),
        (InvalidInput("no", subject="app shop"), "Could not continue (app shop): no."),
        (InvalidInput("no", doing="read the app"), "Could not read the app: no."),
        (ScalingoError("", fields={"name": ["is short"]}), "name: is short."),
        (ScalingoError(""), "ScalingoError."),
        (ScalingoError("no", code="region_disabled", status=403), "no. [status 403, code region_disabled]"),
        (ValueError("strange"), "ValueError: strange"),
    ],
)
def test_sentences(error: Exception, expected: str) -> None:
    assert sentence(error) == expected


def test_each_kind_without_a_hint_has_its_advice() -> None:
    assert sentence(Unauthorized("no")).startswith("no. Check that the API token")
    assert "Look at the database before running again" in sentence(OutcomeUnknown("lost"))
    assert sentence(OutcomeUnknown("lost", hint="Do this")) == "lost. Do this."


def test_facts_leave_out_what_is_empty() -> None:
    assert facts(ScalingoError("no")) == {"kind": "ScalingoError", "message": "no", "interrupted": False}
    error = ValidationFailed("no", status=422, fields={"name": ["bad"]}, attempts=1, code="c", request_id="r")
    assert facts(error) == {
        "kind": "ValidationFailed",
        "message": "no",
        "status": 422,
        "field_errors": {"name": ["bad"]},
        "attempts": 1,
        "code": "c",
        "request_id": "r",
        "interrupted": False,
    }
    assert facts(ValueError("strange")) == {"kind": "ValueError", "message": "strange", "interrupted": False}
    assert facts(WaitTimeout("late", last_status="running"))["last_status"] == "running"


@pytest.mark.parametrize(
    "kind", [kind for kind in vars(_errors).values() if isinstance(kind, type) and issubclass(kind, ScalingoError)]
)
def test_the_kinds_after_which_the_platform_may_continue(kind: type[ScalingoError]) -> None:
    expected = kind in (OutcomeUnknown, RateLimited, ServerError, Unreachable, WaitTimeout)
    assert facts(kind("no"))["interrupted"] is expected


def test_what_was_attempted_is_filled_in_once() -> None:
    error = ScalingoError("no", doing="read the plan")
    error.about(doing="read the database", subject="addon ad-1")
    error.about(subject="addon ad-2")
    assert (error.doing, error.subject) == ("read the plan", "addon ad-1")


def test_kinds_that_are_kinds_of_others() -> None:
    assert issubclass(ConsentMissing, InvalidInput)
    assert issubclass(AddonNotFound, NotFound)
    kinds = [item for item in vars(_errors).values() if isinstance(item, type) and issubclass(item, ScalingoError)]
    assert len(kinds) >= 19


SECRET = "tk-us-Zx81_canary-9"
JWT = "eyJhbGciOiJub25lIn0.eyJleHAiOjF9.c2ln"


@pytest.mark.parametrize(
    "text",
    [
        f"token {SECRET} is wrong",
        f"Authorization: Bearer {JWT}",
        f"sent {JWT} to",
        "Authorization: Basic OnRrLXVzLVp4ODFfY2FuYXJ5LTk=",
        "https://host/download?token=canary123&x=1",
        '{"password": "canary123", "x": 1}',
        "password=canary123",
        "the token: canary123, is wrong",
        "secret : 'canary'",
        "postgres://user:canary123@host:5432/base",
        "https://user:canary123@proxy:3128",
        "Failed to parse: http://svc:can/canary@x@proxy:3128",
        "no proxy 'http://svc:#/canary@proxy:3128'",
    ],
)
def test_what_looks_like_a_secret_is_hidden(text: str) -> None:
    for shown in (scrub(text), sentence(ScalingoError(text)), str(facts(ScalingoError("", hint=text, code=text)))):
        assert "canary" not in shown and JWT not in shown and "OnRrLXV" not in shown


FORGED = "no\x1b[2K\x07\r\nPLAY RECAP *** ok=1 failed=0\x9b1m\u2028\u202etxt.exe\u2066\x7f\ud800"
SEEN = "no\\x1b[2K\\x07 PLAY RECAP *** ok=1 failed=0\\x9b1m \\u202etxt.exe\\u2066\\x7f\\ud800"


def test_what_a_terminal_obeys_is_shown_and_not_obeyed() -> None:
    error = ValidationFailed(
        FORGED,
        doing=FORGED,
        subject=FORGED,
        method="PATCH",
        path="/" + FORGED,
        code=FORGED,
        fields={FORGED: [FORGED]},
        request_id=FORGED,
        hint=FORGED,
    )
    late = WaitTimeout("late", last_status=FORGED)
    assert scrub(FORGED) == SEEN and error.message == SEEN
    assert sentence(error).count(SEEN) == 9 and len(sentence(error).splitlines()) == 1
    for shown in (
        sentence(error),
        *map(str, facts(error).values()),
        facts(late)["last_status"],
        sentence(ValueError(FORGED)),
    ):
        assert not any(character in shown for character in "\x1b\x07\r\n\x9b\u2028\u202e\u2066\x7f\ud800"), shown


def test_what_people_write_is_kept() -> None:
    text = "Erreur\u00a0: la base \u00ab\u00e9t\u00e9\u00bb \u65e5\u672c \u0627\u0644 \U0001f469\u200d\U0001f4bb"
    assert scrub(text) == text


def test_what_is_no_secret_is_kept() -> None:
    text = "The database shop_1234 at https://api.osc-fr1.scalingo.com/v1/apps/shop has no token for addon ad-1"
    assert scrub(text) == text
    prose = "update_user_password: expected a text; password: must have 24 characters"
    assert scrub(prose) == prose


def test_known_secrets_are_hidden_everywhere_longest_first() -> None:
    error = ScalingoError(
        "it said abcdef",
        code="abcdef",
        fields={"abc": ["abcdef!"]},
        hint="use abc",
        path="/users/abc?token=abc",
        request_id="abc",
        subject="user abc",
    )
    error.hide(["abc", "abcdef", ""])
    shown = sentence(error) + str(facts(error)) + str(error.args)
    assert "abc" not in shown and "def" not in shown
    assert error.path == "/users/********"


def test_a_long_message_is_cut_between_words() -> None:
    assert len(ScalingoError("four " * 500).message) == _errors.MESSAGE_LIMIT
    for length in range(940, 1001):
        error = ScalingoError("x" * length + " SecretOfTheDatabase9 " + "x" * 50)
        error.hide(["SecretOfTheDatabase9"])
        assert "Sec" not in error.message


OPAQUE = 'p/ss+w\u00f6rd&"<9'


@pytest.mark.parametrize(
    "text",
    [
        OPAQUE,
        json.dumps(OPAQUE),
        json.dumps(OPAQUE, ensure_ascii=False),
        json.dumps(OPAQUE).replace("/", "\\/"),
        json.dumps(OPAQUE, ensure_ascii=False).replace("&", "\\u0026").replace("<", "\\u003c"),
        urllib.parse.quote(OPAQUE, safe=""),
        urllib.parse.quote(OPAQUE, safe="").lower(),
        urllib.parse.urlencode({"password_of": OPAQUE}),
        html.escape(OPAQUE),
        *(base64.b64encode(f"{name}:{OPAQUE}".encode()).decode() for name in ("", "a", "ab", "abc")),
        *(base64.urlsafe_b64encode(f"{name}:{OPAQUE}:more".encode()).decode() for name in ("", "a", "ab")),
    ],
)
def test_a_secret_is_hidden_in_each_form_that_an_answer_may_repeat(text: str) -> None:
    error = ScalingoError(f"refused: {text}", fields={text: [text]})
    error.hide([OPAQUE])
    # What is beside it shares characters of base64 with it.
    assert re.fullmatch(r"refused: \S{0,12}\*{8}\S{0,10}", error.message)
    assert "***" in str(error.fields) and OPAQUE not in sentence(error)


def test_an_error_keeps_its_attributes() -> None:
    details: dict[str, t.Any] = {"doing": "a", "subject": "b", "method": "GET", "path": "/c", "status": 500}
    error = ScalingoError("m", **details)
    assert {name: getattr(error, name) for name in details} == details
