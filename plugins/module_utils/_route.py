# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""What a route of the API is, what an answer is, and what it means (docs/contract.md, sections 1.4, 2 and 4.1)."""

from __future__ import annotations

import json
import re
import typing as t
from dataclasses import dataclass

from . import _shapes
from ._answer import Answer
from ._errors import (
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    OutcomeUnknown,
    PaymentRequired,
    RateLimited,
    ScalingoError,
    ServerError,
    Unauthorized,
    UnexpectedAnswer,
    ValidationFailed,
)

T = t.TypeVar("T")
Raw = dict[str, t.Any]


def nothing(answer: Answer) -> None:
    """Read nothing: the body may be anything but a page."""
    answer.no_page()


Reader = t.Callable[[Answer], t.Any]

# By which credentials a route is sent (docs/contract.md, sections 1.2 to 1.4): none, the API token, the bearer token, the
# bearer token where there is one, the addon's token.
NONE, BASIC, BEARER, ANYBODY, ADDON = "none", "basic", "bearer", "anybody", "addon"


@dataclass(frozen=True)
class Route(t.Generic[T]):
    """One row of docs/contract.md, section 2, declared once, and what is made of its answer. Calling it sends it.

    ``safe``: it changes nothing, whatever its verb. ``repeatable``: sending it twice leaves the same state and cannot
    destroy what was made in between. ``role``: which host ("auth", "api", "db"). ``auth``: by which credentials. ``doing`` is the attempt in words.
    ``read`` takes a good answer and returns plain data; it raises _shapes.Mismatch or UnexpectedAnswer.
    """

    name: str
    method: str
    path: str
    safe: bool
    repeatable: bool
    number: str = ""
    role: str = "db"
    doing: str = ""
    auth: str = ADDON
    action_name: str = ""
    #: What makes its answer shorter.
    narrower: str = ""
    read: t.Callable[[Answer], T] = t.cast("t.Any", nothing)

    @property
    def once(self) -> bool:
        """Whether a lost answer leaves the outcome unknown: it changes something and must not be repeated."""
        return not self.safe and not self.repeatable

    def __call__(self, client: Sender, *path: str, body: t.Any = None, query: t.Mapping[str, t.Any] | None = None) -> T:
        """Send it and return what its answer says. ``path`` is what its path leaves open, in order, but the database."""
        names = [name for name in re.findall(r"\{(\w+)\}", self.path) if name != "database"]
        return client.caller_of(self).call(self, values=dict(zip(names, path)), query=query, body=body)

    def failure(self, answer: Answer) -> ScalingoError | None:
        """Return what is wrong with an answer, as the error to raise."""
        return failure_of(self, answer)


class Sends(t.Protocol):
    """Who sends a route, by one kind of credentials."""

    def call(
        self, route: Route[T], *, values: t.Mapping[str, t.Any], query: t.Mapping[str, t.Any] | None, body: t.Any
    ) -> T:
        """Send a route and return what it makes of the answer."""


class Sender(t.Protocol):
    """What a route needs to be sent."""

    @property
    def opens_others(self) -> bool:
        """Whether the database's routes are sent by what opens other databases too (docs/contract.md, section 1.5)."""

    def caller_of(self, route: Route[t.Any]) -> Sends:
        """Return who sends it."""

    def described(self) -> str:
        """Say in words which database is meant."""


FAILURES: dict[int, type[ScalingoError]] = {
    401: Unauthorized,
    402: PaymentRequired,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    422: ValidationFailed,
    429: RateLimited,
}


def _texts(value: t.Any) -> list[str]:
    items = value if isinstance(value, list) else [value]
    return [item if isinstance(item, str) else json.dumps(item, sort_keys=True) for item in items]


def of_the_api(answer: Answer) -> bool:
    """Return whether an answer is one of the API's: a success, or a failure in a form of section 4.1."""
    try:
        body = answer.json() if answer.status >= 300 else {"error": ""}
    except UnexpectedAnswer:
        return False
    return isinstance(body, dict) and ("error" in body or "errors" in body)


def failure_of(route: Route[t.Any], answer: Answer) -> ScalingoError | None:
    """Return what an answer of 400 or more means, as the error to raise, or None (docs/contract.md, section 4.1)."""
    if answer.status < 400:
        return None
    body: t.Any = None
    try:
        body = answer.json()
    except UnexpectedAnswer:
        pass
    message, code, hint = "", "", ""
    fields: dict[str, list[str]] = {}
    if isinstance(body, dict):
        message = next((str(body[key]) for key in ("error", "message") if isinstance(body.get(key), str)), "")
        code = next((str(body[key]) for key in ("code", "name") if isinstance(body.get(key), str)), "")
        errors = body.get("errors")
        if isinstance(errors, dict):
            fields = {str(name): _texts(value) for name, value in errors.items()}
        elif errors:
            fields = {"": _texts(errors)}
        if isinstance(body.get("url"), str):
            hint = f"See {body['url']}"
    elif body is None and answer.text.strip():
        message = f"The API answered with {answer.described()}"
    details: dict[str, t.Any] = {
        "doing": route.doing,
        "method": answer.method,
        "path": answer.path,
        "status": answer.status,
        "code": code,
        "fields": fields,
        "request_id": answer.request_id,
        "attempts": answer.attempts,
        "hint": hint,
    }
    kind: type[ScalingoError]
    if answer.status >= 500:
        kind = OutcomeUnknown if route.once else ServerError
        message = message or "The platform failed to answer"
    else:
        # docs/contract.md, section 1.4
        refuses_token = route.role == "db" and answer.status == 400 and message.strip().lower() == "unauthorized"
        kind = Unauthorized if refuses_token else FAILURES.get(answer.status, BadRequest)
        message = message or ("The API refuses these values" if fields else "The API refuses the request")
    error = kind(message, **details)
    error.after_loss = answer.after_loss
    return error


# ---------------------------------------------------------------------------------------------------------------------
# Declaring routes, and reading their answers


class Flags(t.NamedTuple):
    """Whether a call changes nothing, and whether it may be sent twice (see Route)."""

    safe: bool
    repeatable: bool


READ = Flags(safe=True, repeatable=True)
SETS = Flags(safe=False, repeatable=True)
ONCE = Flags(safe=False, repeatable=False)

#: Where a route below the database begins.
DATABASE_PATH = "/databases/{database}"


class Host(t.NamedTuple):
    """One of the three hosts of the platform (docs/contract.md, section 1.1), asked by one kind of credentials."""

    role: str
    auth: str

    def route(
        self,
        number: str,
        name: str,
        request: str,
        flags: Flags,
        read: t.Callable[[Answer], T],
        doing: str = "",
        narrower: str = "",
    ) -> Route[T]:
        """Declare a route: its number in the contract, its name, verb and path, what it may do, how its answer is read.

        ``doing`` is the attempt in words, where they do not follow from the name: list_backups means to list the backups.
        """
        method, dummy, path = request.partition(" ")
        doing = doing or name.replace("_", " the ", 1).replace("_", " ")
        return Route(name, method, path, *flags, number, self.role, doing, self.auth, narrower=narrower, read=read)


SIGN_IN = Host("auth", BASIC)
PUBLIC = Host("auth", ANYBODY)
AUTH = Host("auth", BEARER)
MAIN = Host("api", BEARER)
DATABASE = Host("db", ADDON)


def under(*roots: str, check: t.Callable[[t.Any, str], T], bare: bool = False) -> t.Callable[[Answer], T]:
    """Read what is under the first root that is there, or the body itself when it may be bare."""
    read = _shapes.under(*roots, check=check, bare=bare)
    return lambda answer: read(answer.json())


def many(*roots: str, check: _shapes.Check) -> t.Callable[[Answer], list[Raw]]:
    """Read the list under the first root that is there."""
    return under(*roots, check=_shapes.list_of(check))


def bare(check: t.Callable[[t.Any, str], T]) -> t.Callable[[Answer], T]:
    """Read the body itself."""
    return lambda answer: check(answer.json(), "the body")


def bare_or_empty(check: t.Callable[[t.Any, str], Raw]) -> t.Callable[[Answer], Raw]:
    """Read the body itself; an empty one is an empty object."""
    return lambda answer: check(answer.json(), "the body") if answer.text.strip() else {}
