# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This file is private to the collection: it may change without notice.

"""What can go wrong, as data first and as a sentence last (docs/contract.md, section 4).

Every layer raises ``ScalingoError`` or one of its subclasses. ``sentence`` renders one for a person, ``facts`` for a
playbook. Neither ever holds a secret: what looks like one is replaced when the error is made.
"""

from __future__ import annotations

import base64
import functools
import html
import json
import re
import typing as t
import urllib.parse

HIDDEN = "********"

# Longest message kept of an answer; an error page is not a message.
MESSAGE_LIMIT = 1000

_NAMED = r"(?i)((?:token|password|secret|signature|credential)"

SECRET_PATTERNS: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\btk-[a-z]{2}-[A-Za-z0-9_\-]+"), HIDDEN),
    (re.compile(r"\beyJ[A-Za-z0-9_\-]{5,}\.[A-Za-z0-9_\-]+(?:\.[A-Za-z0-9_\-]*)?"), HIDDEN),
    (re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9+/_.~\-]{8,}=*"), r"\1 " + HIDDEN),
    # After an equals sign or in quotes anything; after a bare colon, which prose has too, only what has a digit in it.
    (re.compile(_NAMED + r"[\"']?\s*(?:=\s*[\"']?|:\s*[\"']))[^\s\"'&,;}<>]+"), r"\1" + HIDDEN),
    (re.compile(_NAMED + r"\s*:\s*)(?=[^\s\"']*\d)[^\s\"'&,;}<>]{8,}"), r"\1" + HIDDEN),
    # To the last at sign: a password may hold slashes and more at signs.
    (re.compile(r"(?i)(\b[a-z][a-z0-9+.\-]*://)[^\s\"'<>]+@"), r"\1" + HIDDEN + "@"),
)

# What would begin a new line, or move to another column; shown as a blank.
_BREAKS = re.compile("[\t\n\x0b\x0c\r\x85\u2028\u2029]+")
# What a terminal obeys or hides instead of showing it: C0, DEL, C1, marks of direction, halves of characters.
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def visible(text: str) -> str:
    """Return text as one line in which each control character is an escape that can be seen."""
    return _UNSEEN.sub(_escaped, _BREAKS.sub(" ", text))


def _escaped(match: re.Match[str]) -> str:
    number = ord(match.group())
    return f"\\x{number:02x}" if number < 0x100 else f"\\u{number:04x}"


# The same and what breaks lines nowhere but in print; tabs and line breaks are for whoever shows a text of several lines.
_NEVER_SHOWN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def legible(value: t.Any) -> t.Any:
    """Return data for people, such as a diff: its texts keep their lines, and each control character can be seen."""
    if isinstance(value, str):
        return _NEVER_SHOWN.sub(_escaped, value)
    if isinstance(value, t.Mapping):
        return {legible(name): legible(item) for name, item in value.items()}
    return [legible(item) for item in value] if isinstance(value, (list, tuple)) else value


def shown(value: object) -> str:
    """Return a value in a sentence, in YAML's words and not in Python's: nothing, true, 5, text, [1, 2]."""
    if isinstance(value, str):
        return value
    return "nothing" if value is None else json.dumps(value, ensure_ascii=False, default=repr)


def scrub(text: str, secrets: t.Iterable[str] = ()) -> str:
    """Return a text that a person may be shown: one line, no secret, and nothing that a terminal obeys."""
    return visible(conceal(text, secrets))


#: A shorter secret is not looked for within base64: pieces of it are in innocent text.
_LONG_ENOUGH = 8


@functools.lru_cache(maxsize=256)
def _forms(secret: str) -> tuple[str, ...]:
    """Return a secret as an answer may repeat it: as it is, in JSON, in a URL, in HTML, and within base64, such as of user:secret."""
    raw = secret.encode("utf-8", "surrogatepass")
    in_json = [json.dumps(secret, ensure_ascii=ascii_only)[1:-1] for ascii_only in (True, False)]
    # As Go writes it.
    in_json += [re.sub("[<>&]", lambda match: f"\\u{ord(match.group()):04x}", text) for text in in_json]
    in_url = [quote(raw, safe="") for quote in (urllib.parse.quote, urllib.parse.quote_plus)]
    in_url += [re.sub("%..", lambda match: match.group().lower(), text) for text in in_url]
    found = {secret, *in_json, *(text.replace("/", "\\/") for text in in_json), *in_url, html.escape(secret)}
    if len(raw) >= _LONG_ENOUGH:
        for before in range(3):
            encoded = base64.b64encode(bytes(before) + raw).decode()
            # What is next to it has a share in the characters at both ends.
            inner = encoded.rstrip("=")[-(-before * 8 // 6) : (before + len(raw)) * 8 // 6]
            found |= {inner, inner.translate(_SAFE_BASE64)}
    return tuple(found)


_SAFE_BASE64 = str.maketrans("+/", "-_")


def conceal(text: str, secrets: t.Iterable[str] = ()) -> str:
    """Return text without the given secrets in any form, and without anything that has the form of a token or a password."""
    for value in sorted((form for item in secrets if item for form in _forms(item)), key=len, reverse=True):
        text = text.replace(value, HIDDEN)
    for pattern, replacement in SECRET_PATTERNS:
        text = pattern.sub(replacement, text)
    return text


_A_WORD = re.compile(r"[^\s\"'<>{}\[\](),]+\Z")


def cut(text: str, limit: int) -> str:
    """Return the beginning of a text, which ends with a whole word: half a secret would not be recognised any more."""
    if len(text) <= limit:
        return text
    # With one character more, as a word may end at the limit.
    return _A_WORD.sub("", text[: limit + 1])[:limit]


class ScalingoError(Exception):
    """What went wrong, as data.

    ``message`` is what the API (or this collection) said. ``doing`` and ``subject`` say what was attempted and on what;
    an outer layer may fill them in later, only while they are empty. ``path`` never holds a query string.
    ``after_loss``: an earlier attempt of the same change may have taken effect, whatever this error says of the last one.
    """

    after_loss = False
    #: Whether the platform may continue with what was asked for, or could not be asked: then the same task is to run again later.
    interrupted = False
    #: Where a redirect leads that was not followed.
    leads_to = ""

    def __init__(
        self,
        message: str,
        *,
        doing: str = "",
        subject: str = "",
        method: str = "",
        path: str = "",
        status: int | None = None,
        code: str = "",
        fields: t.Mapping[str, t.Sequence[str]] | None = None,
        request_id: str = "",
        attempts: int = 0,
        hint: str = "",
    ) -> None:
        self.message = cut(scrub(message).strip(), MESSAGE_LIMIT)
        self.doing = doing
        self.subject = subject
        self.method = method
        self.path = path.split("?", 1)[0]
        self.status = status
        self.code = scrub(code)
        self.fields: dict[str, list[str]] = {
            scrub(str(name)): [scrub(str(text)) for text in texts] for name, texts in (fields or {}).items()
        }
        self.request_id = scrub(request_id)
        self.attempts = attempts
        self.hint = scrub(hint)
        super().__init__(self.message)

    def __str__(self) -> str:
        return sentence(self)

    def about(self, *, doing: str = "", subject: str = "") -> None:
        """Fill in what was attempted and on what, only where an inner layer has not said so already."""
        self.doing = self.doing or doing
        self.subject = self.subject or subject

    def hide(self, secrets: t.Iterable[str]) -> None:
        """Remove the given values from every text of this error: an answer may repeat what it was sent."""
        values = list(secrets)
        self.message = scrub(self.message, values)
        self.code = scrub(self.code, values)
        self.hint = scrub(self.hint, values)
        self.request_id = scrub(self.request_id, values)
        self.path = scrub(self.path, values)
        self.doing = scrub(self.doing, values)
        self.subject = scrub(self.subject, values)
        self.fields = {
            scrub(name, values): [scrub(text, values) for text in texts] for name, texts in self.fields.items()
        }
        self.args = (self.message,)


# The first paragraph of each stands on the page of results: `make lists` writes it there.


class InvalidInput(ScalingoError):
    """An option is wrong or missing. Nothing was changed.

    Raised before anything is sent, or after reads only.
    """


class ConsentMissing(InvalidInput):
    """The task needs ``allow`` or ``confirm``. Nothing was changed, and ``diff`` shows what would have been.

    See docs/contract.md, section 7.10. ``diff`` is everything that the task would have changed, with what needs no consent.
    """

    diff: dict[str, t.Any] | None = None


class NotFound(ScalingoError):
    """The thing does not exist (404)."""


class AddonNotFound(NotFound):
    """The app exists, the addon does not.

    See docs/contract.md, section 1.7.
    """


class Unauthorized(ScalingoError):
    """The token was refused (401).

    After one renewal of the token (docs/contract.md, section 4.1). It never means absent.
    """


class Forbidden(ScalingoError):
    """The token is valid and lacks the permission (403)."""


class PaymentRequired(ScalingoError):
    """The account has no payment method, or its trial has ended (402).

    The hint holds the address that the API gives.
    """


class Conflict(ScalingoError):
    """The thing exists already, has changed, or is in a state that forbids the request (409)."""


class ValidationFailed(ScalingoError):
    """The API refused fields, listed in ``field_errors`` (422)."""


class RateLimited(ScalingoError):
    """The rate limit blocked a request for ten minutes (429)."""

    interrupted = True


class ServerError(ScalingoError):
    """5xx after all retries, on a request without effect."""

    interrupted = True


class BadRequest(ScalingoError):
    """Any other 4xx."""


class ActionFailed(ScalingoError):
    """A database action reported a failure.

    It answered ``ok: 0``, whatever the HTTP status (docs/contract.md, section 2.8).
    """


class SqlRefused(ScalingoError):
    """The database server refused a statement or a login. The transaction was rolled back.

    ``code`` is the SQLSTATE.
    """


class Unreachable(ScalingoError):
    """No connection: DNS, proxy, TLS, or no answer to a request that can be repeated."""

    interrupted = True


class NotTried(ScalingoError):
    """The database was not read, because the API of its region failed for two others, or refused the token."""


class OutcomeUnknown(ScalingoError):
    """A request that must not be repeated got no readable answer. It may have taken effect.

    The connection broke, the answer was a 5xx, or the answer was a 2xx that cannot be read.
    """

    interrupted = True


class UnexpectedAnswer(ScalingoError):
    """The answer is not what the API documents.

    HTML, truncated, wrong types, missing keys, a redirect.
    """


class WaitTimeout(ScalingoError):
    """The timeout is over. The operation continues on the platform.

    ``last_status`` is the last one seen.
    """

    interrupted = True

    def __init__(self, message: str, *, last_status: str = "", **details: t.Any) -> None:
        super().__init__(message, **details)
        self.last_status = scrub(last_status)


class StepFailed(ScalingoError):
    """The platform reports that an operation, a feature or a backup failed."""


class DrillFailed(ScalingoError):
    """A restore drill found that a backup cannot be restored, or could not find out. The database itself was not touched.

    ``phase`` is the part of the drill in which it stopped.
    """

    def __init__(self, message: str, *, phase: str = "", **details: t.Any) -> None:
        super().__init__(message, **details)
        self.phase = phase


ADVICE: tuple[tuple[type[ScalingoError], str], ...] = (
    (Unauthorized, "Check that the API token exists, has not been revoked and belongs to this region's account."),
    (Forbidden, "Check that the account behind the token may manage databases: a limited collaborator may not."),
    (PaymentRequired, "Check the payment method and the trial of the account."),
    (RateLimited, "Lower the number of forks, or run again in a few minutes: the API accepts 60 requests a minute."),
    (ServerError, "The platform has a problem of its own: run again later, and give the request id to support."),
    (OutcomeUnknown, "Look at the database before running again: the request may or may not have taken effect."),
    (UnexpectedAnswer, "Check that the address is the API's own and not a proxy's or a login page's."),
    (WaitTimeout, "The operation continues on the platform: run again later, or raise wait_timeout."),
)


def advice(error: ScalingoError) -> str:
    """Return what to do next: the error's own hint, or the general one of its kind."""
    if error.hint:
        return error.hint
    for kind, text in ADVICE:
        if isinstance(error, kind):
            return text
    return ""


def _ended(text: str) -> str:
    return text if not text or text[-1] in ".!?" else text + "."


def sentence(error: BaseException) -> str:
    """Return one text for a person: what was attempted, on which database, what the API said, and what to do next."""
    if not isinstance(error, ScalingoError):
        return scrub(f"{type(error).__name__}: {error}")
    opening = ""
    if error.doing or error.subject:
        opening = f"Could not {error.doing or 'continue'}" + (f" ({error.subject})" if error.subject else "") + ": "
    said = error.message
    if error.fields:
        listed = "; ".join(f"{name}: {', '.join(texts)}" for name, texts in sorted(error.fields.items()))
        said = f"{said.rstrip('.:')}: {listed}" if said else listed
    parts = [_ended(opening + (said or type(error).__name__))]
    trail = []
    if error.method and error.path:
        trail.append(f"{error.method} {error.path}")
    if error.status is not None:
        trail.append(f"status {error.status}")
    if error.code:
        trail.append(f"code {error.code}")
    if error.attempts > 1:
        trail.append(f"{error.attempts} attempts")
    if error.request_id:
        trail.append(f"request id {error.request_id}")
    if trail:
        parts.append(f"[{', '.join(trail)}]")
    parts.append(_ended(advice(error)))
    return visible(" ".join(part for part in parts if part))


def facts(error: BaseException) -> dict[str, t.Any]:
    """Return the same as data. Keys: kind, message, status, code, field_errors, request_id, method, path, attempts,

    doing, subject, hint, last_status; those without a value are left out. `interrupted` is always among them.
    """
    if not isinstance(error, ScalingoError):
        return {"kind": type(error).__name__, "message": scrub(str(error)), "interrupted": False}
    values: dict[str, t.Any] = {
        "kind": type(error).__name__,
        "message": error.message,
        "status": error.status,
        "code": error.code,
        "field_errors": error.fields,
        "request_id": error.request_id,
        "method": error.method,
        "path": visible(error.path),
        "attempts": error.attempts,
        "doing": visible(error.doing),
        "subject": visible(error.subject),
        "hint": advice(error),
        "last_status": getattr(error, "last_status", ""),
    }
    found = {name: value for name, value in values.items() if value not in (None, "", 0, {}, [])}
    return {**found, "interrupted": error.interrupted}
