# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This file is private to the collection: it may change without notice.

"""One HTTP conversation: timeouts, retries, rate limit, what may never leave (docs/contract.md, sections 1.4 and 4)."""

from __future__ import annotations

import http.cookiejar
import json
import sys
import typing as t
import urllib.parse
import warnings

from ._addresses import fill_path, fill_query, host_of, is_loopback, origin_of, require_private_channel
from ._answer import Answer, Stream, length_of
from ._core import Clock, Secrets, Usage
from ._deadline import Adapter, Deadline, until
from ._diagnosis import FAULTS, LONGEST_CONNECT, LOWEST_REQUESTS, Diagnosis, authorities, diagnose, proxy_settings
from ._errors import (
    OutcomeUnknown,
    RateLimited,
    ScalingoError,
    UnexpectedAnswer,
    Unreachable,
    scrub,
)
from ._progress import Watch
from ._retry import (
    LIMITED_BUDGET,
    LIMITED_LIMIT,
    Attempts,
    Flight,
    Pacing,
    Trouble,
    delay_before_retry,
    epoch_of,
    retry_after_of,
)
from ._route import Route

try:
    import requests
    import requests.utils
    from requests.auth import AuthBase
except ImportError:
    REQUESTS_FOUND = False
    AuthBase = object  # type: ignore[assignment, misc]
else:
    REQUESTS_FOUND = True

VERSION = "0.1.0"
USER_AGENT = f"community.scalingo/{VERSION} (ansible)"

DEFAULT_RETRIES = 5
# What all attempts of one request may take beyond (retries + 1) x timeout, waits for the rate limit apart.
DEADLINE_MARGIN = 60.0
# A pause of so many seconds is worth a line of its own.
NOTABLE_PAUSE = 5.0
REDIRECT_LIMIT = 5
BODY_LIMIT = 32 * 1024 * 1024
LONG_ANSWER = "No option makes this answer shorter. Check that the address is the API's own."


# ---------------------------------------------------------------------------------------------------------------------
# Authorization. A plain header would be replaced by a .netrc entry for the host; an auth object is not.


class NoAuthorization(AuthBase):
    """No credentials, and none from a .netrc either."""

    credentials = False

    def __call__(self, request: t.Any) -> t.Any:
        request.headers.pop("Authorization", None)
        return request


# ---------------------------------------------------------------------------------------------------------------------
# The conversation itself


def new_session() -> t.Any:
    """Return a session that keeps connections, sends our User-Agent, and keeps no cookie.

    Raises ScalingoError when the requests library is missing. Tests replace this function.
    """
    if not REQUESTS_FOUND:
        raise ScalingoError(
            f"The Python library requests is missing for {sys.executable}",
            hint=f"Install it ({sys.executable} -m pip install 'requests>={LOWEST_REQUESTS}'), or choose another interpreter "
            "with ansible_python_interpreter.",
        )
    session: t.Any = requests.Session()
    for scheme in ("https://", "http://"):
        session.mount(scheme, Adapter())
    session.headers.update({"User-Agent": USER_AGENT, "Accept": "application/json, */*;q=0.1"})
    session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
    # Otherwise it reads the Location of an answer that it is not to follow, and raises when it cannot.
    session.get_redirect_target = lambda response: None
    return session


Received = t.TypeVar("Received", bound=Answer)


class Transport:
    """Sends a request as often as its route allows, and gives the answer back, whatever its status.

    ``verify`` is what requests calls so: true, false, or the path of certificates. ``timeout`` is seconds of silence,
    ``retries`` how often a failed attempt is repeated; a 429 is not one of them.
    """

    def __init__(
        self,
        *,
        timeout: float,
        retries: int,
        verify: bool | str,
        clock: Clock,
        usage: Usage,
        secrets: Secrets,
        verbose: t.Callable[[str], None],
        pacing: Pacing | None = None,
        watch: Watch | None = None,
        flight: Flight | None = None,
    ) -> None:
        self.timeout = timeout
        self.retries = retries
        self.verify = verify
        self.clock = clock
        self.usage = usage
        self.secrets = secrets
        self.verbose = verbose
        self.pacing = pacing or Pacing(clock)
        # Called right before each attempt of a request that is not safe, after all waiting: with whether it is a repeat, and
        # whether an attempt before it may have taken effect. What it raises keeps the request from being sent.
        self.before_change: t.Callable[[bool, bool], None] | None = None
        self.watch = watch or Watch()
        self.flight = flight
        self._limited_since = self._limited_until = float("-inf")
        self._session: t.Any = None

    @property
    def session(self) -> t.Any:
        """The one session, made when it is first needed. Raises ScalingoError when requests is missing."""
        if self._session is None:
            for address in proxy_settings().values():
                self.secrets.add(address.partition("://")[2].rpartition("@")[0] or address.rpartition("@")[0])
            self._session = new_session()
            if self.verify is False:
                warnings.filterwarnings("ignore", message="Unverified HTTPS request")
        return self._session

    def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            self._session.close()

    def send(
        self,
        route: Route[t.Any],
        base: str,
        *,
        auth: NoAuthorization,
        values: t.Mapping[str, t.Any] | None = None,
        query: t.Mapping[str, t.Any] | None = None,
        body: t.Any = None,
    ) -> Answer:
        """Send one request, again where its route allows it, and return the answer, whatever its status.

        ``base`` is the host's address with its path prefix; ``body`` is sent as JSON, None as no body at all.
        Raises InvalidInput, Unreachable, OutcomeUnknown, RateLimited, UnexpectedAnswer; each without any secret.
        """
        try:
            address = base.rstrip("/") + fill_path(route.path, values or {})
            require_private_channel(address, "The address")
            query_text = fill_query(query)
            target = f"{address}?{query_text}" if query_text else address
            return self._send(route, target, lambda url, state: self._attempt(route, url, auth, body, state))
        except ScalingoError as error:
            error.about(doing=route.doing)
            error.hide(self.secrets.values)
            raise

    def open_stream(self, route: Route[t.Any], url: str, headers: t.Mapping[str, str]) -> Stream:
        """Ask for what a link leads to, with no credentials, and leave the body of a 200 or 206 to the caller.

        What comes before the body is treated as by ``send``. Redirects are followed to other hosts too, never from
        https to http: there are no credentials to lose. Raises the same; close what is returned.
        """

        def attempt(target: str, state: Attempts) -> Stream | Diagnosis:
            require_private_channel(target, "The link")
            if target.split(":", 1)[0] != "https" and url.split(":", 1)[0] == "https":
                raise UnexpectedAnswer("The link redirects from https to http, which is not followed")
            return self._open(route, target, headers, state)

        try:
            return self._send(route, url, attempt, anywhere=True)
        except ScalingoError as error:
            error.about(doing=route.doing)
            error.hide(self.secrets.values)
            raise

    def _send(
        self,
        route: Route[t.Any],
        url: str,
        attempt: t.Callable[[str, Attempts], Received | Diagnosis],
        anywhere: bool = False,
    ) -> Received:
        state = Attempts(
            self.clock.now(), deadline=self.clock.now() + (self.retries + 1) * self.timeout + DEADLINE_MARGIN
        )
        try:
            return self._until_answered(route, url, attempt, state, anywhere)
        except ScalingoError as error:
            error.after_loss = error.after_loss or state.lost
            raise

    def _until_answered(
        self,
        route: Route[t.Any],
        url: str,
        attempt: t.Callable[[str, Attempts], Received | Diagnosis],
        state: Attempts,
        anywhere: bool,
    ) -> Received:
        clock = self.clock
        while True:
            self._take_turn(route, url, state)
            if self.before_change is not None and not route.safe:
                self.before_change(state.number > 0, state.lost)
            self.watch.alive()
            state.number += 1
            sent_at = clock.wall()
            outcome = attempt(url, state)
            if isinstance(outcome, Answer) or outcome.kind in ("lost", "endless"):
                self.usage.requests += 1
                self.usage.writes += 0 if route.safe else 1
            if isinstance(outcome, Answer) and 300 <= outcome.status < 400:
                url = self._redirected(route, url, outcome, state, anywhere)
                continue
            trouble = self._trouble_of(outcome)
            if trouble is None:
                return t.cast("Received", outcome)
            if trouble.kind == "limited":
                state.strikes = max(state.strikes + 1, self.pacing.strike(sent_at))
            else:
                state.failures += 1
            state.lost = state.lost or (trouble.kind in ("lost", "status") and not route.safe)
            delay = delay_before_retry(
                trouble,
                route,
                failures=state.failures,
                retries=self.retries,
                strikes=state.strikes,
                budget=LIMITED_BUDGET - state.limited_seconds,
                remaining=state.deadline - clock.now(),
                chance=clock.random(),
            )
            if delay is None:
                if isinstance(outcome, Answer):
                    return outcome
                raise self._broken(route, url, outcome, state)
            if trouble.kind == "limited":
                self.pacing.hold(clock.wall() + delay)
            else:
                told = outcome.message if isinstance(outcome, Diagnosis) else f"the API answered {outcome.status}"
                self.watch.tell(
                    f"trying to {route.doing or 'read the API'} again",
                    told,
                    clock.now() - state.begun,
                    f"the next attempt in {delay:.0f} s",
                    notable=delay >= NOTABLE_PAUSE,
                )
                self._pause(delay)

    def _take_turn(self, route: Route[t.Any], url: str, state: Attempts) -> None:
        """Wait until the rate limit, as far as it is known here, lets this request go."""
        while True:
            moment = self.pacing.reserve()
            pause = moment - self.clock.wall()
            # Less is the inexactness of two clocks.
            if pause <= 0.001:
                return
            if state.limited_seconds + pause > LIMITED_BUDGET and self.pacing.per_minute is None:
                raise RateLimited(
                    f"The rate limit of the API leaves no room for this request within {LIMITED_BUDGET:g} seconds",
                    method=route.method,
                    path=urllib.parse.urlsplit(url).path,
                    status=429 if state.strikes else None,
                    attempts=state.number,
                )
            if self.pacing.per_minute is None:
                self.verbose(f"scalingo: the rate limit is reached, waiting {pause:.1f} seconds")
            self._tell_of_the_limit(pause)
            self._pause(pause)
            state.limited_seconds += pause
            state.deadline += pause
            if self.pacing.held_until() <= max(moment, self.clock.wall()):
                return

    def _tell_of_the_limit(self, pause: float) -> None:
        """Tell of a pause for the rate limit, and since when there have been such pauses."""
        now = self.clock.now()
        begins = now - self._limited_until > LIMITED_LIMIT
        self._limited_since = now if begins else self._limited_since
        self._limited_until = now + pause
        self.watch.tell(
            "keeping to the rate limit of the API"
            if self.pacing.per_minute is None
            else "keeping to requests_per_minute",
            "limited",
            now + pause - self._limited_since,
            f"the next request in {pause:.0f} s",
            notable=begins and pause >= NOTABLE_PAUSE,
            often=True,
        )

    def _pause(self, seconds: float) -> None:
        self.clock.sleep(seconds)
        self.usage.waited_seconds += seconds

    def _attempt(
        self, route: Route[t.Any], url: str, auth: NoAuthorization, body: t.Any, state: Attempts
    ) -> Answer | Diagnosis:
        if self.flight is None or route.role == "link":
            return self._attempted(route, url, auth, body, state)
        begun = self.clock.now()
        with self.flight.slot():
            state.deadline += self.clock.now() - begun
            self.watch.alive()
            return self._attempted(route, url, auth, body, state)

    def _attempted(
        self, route: Route[t.Any], url: str, auth: NoAuthorization, body: t.Any, state: Attempts
    ) -> Answer | Diagnosis:
        content_type = {} if body is None else {"Content-Type": "application/json"}
        deadline = Deadline(self.clock.now, state.deadline)
        data = None if body is None else json.dumps(body).encode()
        with until(deadline):
            response = self._ask(route, url, auth, data, content_type)
        if isinstance(response, Diagnosis):
            return response
        try:
            content, broken = self._receive(route, response, host_of(url), deadline)
        finally:
            response.close()
        if broken is not None and response.status_code < 300:
            return broken
        return Answer(text=content.decode("utf-8", "replace"), **self._head(route, url, response, state))

    def _open(self, route: Route[t.Any], url: str, headers: t.Mapping[str, str], state: Attempts) -> Stream | Diagnosis:
        host = host_of(url)
        deadline = Deadline(self.clock.now, state.deadline, self.timeout + DEADLINE_MARGIN)
        with until(deadline):
            response = self._ask(route, url, NoAuthorization(), None, headers)
        if isinstance(response, Diagnosis):
            return response
        head = self._head(route, url, response, state)
        if response.status_code in (200, 206):
            return Stream(text="", response=response, host=host, timeout=self.timeout, deadline=deadline, **head)
        try:
            content = self._receive(route, response, host, deadline)[0]
        finally:
            response.close()
        return Stream(text=content.decode("utf-8", "replace"), **head)

    def _ask(
        self, route: Route[t.Any], url: str, auth: NoAuthorization, data: bytes | None, headers: t.Mapping[str, str]
    ) -> t.Any:
        """Return the response with its body still to come, or a Diagnosis."""
        parts = urllib.parse.urlsplit(url)
        session = self.session
        if route.once:
            # An idle connection may be dead without our knowing, and this request could not be repeated then.
            session.close()
        # A proxy cannot reach our loopback, and plain http through it would show the credentials.
        proxies = {"http": None, "https": None, "all": None} if is_loopback(parts.hostname or "") else None
        try:
            return session.request(
                route.method,
                url,
                data=data,
                headers=dict(headers),
                auth=auth,
                timeout=(min(self.timeout, LONGEST_CONNECT), self.timeout),
                verify=authorities(self.verify),
                proxies=proxies,
                allow_redirects=False,
                stream=True,
            )
        except FAULTS as error:
            return diagnose(error, host_of(url), self.timeout)

    @staticmethod
    def _head(route: Route[t.Any], url: str, response: t.Any, state: Attempts) -> dict[str, t.Any]:
        headers = {name.lower(): value for name, value in response.headers.items()}
        return {
            "status": response.status_code,
            "headers": headers,
            "date": epoch_of(headers.get("date", "")),
            "request_id": headers.get("x-request-id", ""),
            "attempts": state.number,
            "method": route.method,
            "path": urllib.parse.urlsplit(url).path,
            "after_loss": state.lost,
        }

    def _receive(
        self, route: Route[t.Any], response: t.Any, host: str, deadline: Deadline
    ) -> tuple[bytes, Diagnosis | None]:
        """Return the body as far as it came, and what broke it off."""
        content = bytearray()
        status = response.status_code
        try:
            for chunk in response.iter_content(65536):
                content += chunk
                if len(content) > BODY_LIMIT:
                    message = f"The answer of {host} is longer than {BODY_LIMIT // 1024**2} MiB, which is the most that is read"
                    return b"", Diagnosis("endless", message, route.narrower or LONG_ANSWER, status)
                deadline.require()
        except FAULTS as error:
            found = diagnose(error, host, self.timeout)
            return bytes(content), Diagnosis("lost", found.message, found.hint, status)
        # Whether a short body is noticed below us depends on the version of urllib3.
        announced = response.headers.get("Content-Length", "")
        received = response.raw.tell()
        length = length_of(announced)
        if length is not None and status not in (204, 304) and received < length:
            message = f"The answer of {host} broke off after {received} of {length} bytes"
            return bytes(content), Diagnosis("lost", message, "Run again later; check the proxies on the way.", status)
        return bytes(content), None

    def _trouble_of(self, outcome: Answer | Diagnosis) -> Trouble | None:
        if isinstance(outcome, Diagnosis):
            return Trouble(outcome.kind)
        if outcome.status == 429:
            return Trouble("limited", 429, retry_after_of(outcome.headers, self.clock.wall()))
        if outcome.status >= 500:
            return Trouble("status", outcome.status, retry_after_of(outcome.headers, self.clock.wall()))
        return None

    def _redirected(self, route: Route[t.Any], url: str, answer: Answer, state: Attempts, anywhere: bool) -> str:
        """Return where a redirect leads, when it may be followed: a safe call, the same verb, and the same host
        unless it may lead ``anywhere``.
        """
        state.redirects += 1
        try:
            target = urllib.parse.urljoin(url, answer.headers.get("location", ""))
            shown = urllib.parse.urlunsplit(urllib.parse.urlsplit(target)._replace(query="", fragment=""))
            origin = origin_of(target)
            same_origin = origin == origin_of(url) or (anywhere and origin[0] in ("http", "https") and origin[1] != "")
        except ValueError:
            target, shown, same_origin = "", "an address that cannot be read", False
        shown = scrub(shown, self.secrets.values)
        if answer.status == 303 and not route.safe:
            # See Other: what was sent was taken, and what came of it is elsewhere.
            raise OutcomeUnknown(
                f"The API redirects to {shown}, which is not followed",
                method=answer.method,
                path=answer.path,
                status=answer.status,
                request_id=answer.request_id,
                attempts=answer.attempts,
            )
        keeps_verb = answer.status in (307, 308) or (answer.status in (301, 302, 303) and route.method == "GET")
        if not (answer.headers.get("location") and route.safe and keeps_verb and same_origin):
            error = answer.unexpected(
                f"The API redirects to {shown}, which is not followed",
                "Check the address: redirects are followed on the same host only, and never for a change.",
            )
            error.leads_to = shown
            raise error
        if state.redirects > REDIRECT_LIMIT:
            raise answer.unexpected(f"The API redirects again and again, last to {shown}")
        return target

    def _broken(self, route: Route[t.Any], url: str, problem: Diagnosis, state: Attempts) -> ScalingoError:
        """Return the error for a request that got no usable answer."""
        kind: type[ScalingoError] = Unreachable
        hint = problem.hint
        if problem.kind in ("lost", "endless") and not route.safe:
            kind = OutcomeUnknown
            hint = "The request may or may not have taken effect: look at the database before running again. " + hint
        elif problem.status is not None:
            kind = UnexpectedAnswer
        return kind(
            problem.message,
            method=route.method,
            path=urllib.parse.urlsplit(url).path,
            status=problem.status,
            attempts=state.number,
            hint=hint,
        )
