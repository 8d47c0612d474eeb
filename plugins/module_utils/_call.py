# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Sending a route with credentials. How that goes is a flow: obtain, apply, send, and renew once when it is refused."""

from __future__ import annotations

import typing as t

from . import _shapes
from ._answer import Answer
from ._errors import InvalidInput, OutcomeUnknown, ScalingoError, Unauthorized, UnexpectedAnswer
from ._route import Route, T, failure_of
from ._transport import NoAuthorization, Transport

Values = t.Mapping[str, t.Any]


class Auth:
    """Where requests go, and by which credentials; this one sends none. ``base`` finds the host's address with its prefix.

    Credentials that others are obtained by are an Auth of their own, which these are given: the flow goes down, never up.
    """

    #: What to do about a refusal.
    refused = ""
    #: Whether they open other databases than the one that is meant.
    opens_others = True

    def __init__(self, base: t.Callable[[], str]) -> None:
        self.base = base

    def obtain(self) -> str:
        """Return the token to send. May cost requests."""
        return ""

    def renew(self, rejected: str) -> bool:
        """Replace a token that was refused; false when there is no other. May cost requests."""
        return False

    def apply(self, token: str) -> NoAuthorization:
        """Return what puts the token into a request."""
        return NoAuthorization()

    def fill(self, route: Route[t.Any], values: Values) -> Values:
        """Return the values of a path with what the credentials are for. May cost requests."""
        return values

    def elsewhere(self, route: Route[t.Any], values: Values, answer: Answer) -> bool:
        """Take note of an answer; return whether there is another place by now to send the request to."""
        return False

    def reason(self, error: ScalingoError, route: Route[t.Any], answer: Answer) -> ScalingoError:
        """Return the error that an answer means, by what is known of the host."""
        return error

    def explain(self, error: ScalingoError, route: Route[t.Any]) -> None:
        """Add to an error what the credentials have to do with it. A refusal is never taken for absence (section 4.2)."""
        if isinstance(error, Unauthorized):
            error.hint = error.hint or self.refused


class Caller:
    """Sends routes by one kind of credentials, and says what went wrong on what. ``date`` is the last answer's, or None."""

    def __init__(self, transport: Transport, auth: Auth, described: t.Callable[[], str]) -> None:
        self.transport = transport
        self.auth = auth
        self.described = described
        self.date: float | None = None

    @property
    def opens_others(self) -> bool:
        """Whether its credentials open other databases than the one that is meant."""
        return self.auth.opens_others

    def caller_of(self, route: Route[t.Any]) -> Caller:
        """Return who sends a route: what was chosen already sends it."""
        return self

    def call(
        self, route: Route[T], *, values: Values, query: t.Mapping[str, t.Any] | None = None, body: t.Any = None
    ) -> T:
        """Send a route and return what it makes of a good answer: what a route does that is called with a client.

        May raise any ScalingoError but InvalidInput's subclasses and StepFailed.
        """
        try:
            answer = self._answer(route, values, query, body)
            error = route.failure(answer)
            if error is not None:
                raise self.auth.reason(error, route, answer)
            return self._read(route, answer)
        except ScalingoError as error:
            self.auth.explain(error, route)
            # An option that is wrong was found to be so on the way: the request itself was not made.
            error.about(doing="" if isinstance(error, InvalidInput) else route.doing, subject=self.described())
            error.hide(self.transport.secrets.values)
            raise

    def _answer(self, route: Route[t.Any], values: Values, query: t.Any, body: t.Any) -> Answer:
        auth = self.auth
        renewed = lost = False
        while True:
            token = auth.obtain()
            here = auth.fill(route, values)
            answer = self.transport.send(
                route, auth.base(), auth=auth.apply(token), values=here, query=query, body=body
            )
            self.date = answer.date
            lost = answer.after_loss = answer.after_loss or lost
            refused = isinstance(failure_of(route, answer), Unauthorized)
            if refused and not renewed and auth.renew(token):
                renewed = True
            elif not auth.elsewhere(route, here, answer):
                return answer

    @staticmethod
    def _read(route: Route[T], answer: Answer) -> T:
        try:
            return route.read(answer)
        except _shapes.Mismatch as mismatch:
            unexpected = answer.unexpected(str(mismatch))
        except UnexpectedAnswer as error:
            unexpected = error
        unexpected.message = f"{route.name}: {unexpected.message}"
        if route.once:
            details = {
                name: getattr(unexpected, name) for name in ("method", "path", "status", "request_id", "attempts")
            }
            raise OutcomeUnknown(
                f"The API accepted the request, and its answer cannot be read: {unexpected.message}", **details
            )
        raise unexpected
