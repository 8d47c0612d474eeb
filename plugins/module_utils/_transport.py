# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This file is private to the collection: it may change without notice.

"""One HTTP conversation: timeouts, retries, rate limit, what may never leave (docs/contract.md, sections 1.4 and 4)."""

from __future__ import annotations

import base64
import contextlib
import email.utils
import errno
import http.cookiejar
import ipaddress
import json
import os
import random
import re
import socket
import ssl
import sys
import threading
import time
import typing as t
import urllib.parse
import warnings
from dataclasses import dataclass

from ._errors import (
    BadRequest,
    Conflict,
    Forbidden,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    PaymentRequired,
    RateLimited,
    ScalingoError,
    ServerError,
    Unauthorized,
    UnexpectedAnswer,
    Unreachable,
    ValidationFailed,
    cut,
    scrub,
)
from ._progress import Watch

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

# Seconds and counts; the defaults of the options api_timeout and api_retries.
DEFAULT_TIMEOUT = 30
DEFAULT_RETRIES = 5
LONGEST_CONNECT = 10.0
# What all attempts of one request may take beyond (retries + 1) x timeout, waits for the rate limit apart.
DEADLINE_MARGIN = 60.0
BACKOFF_BASE = 0.5
BACKOFF_LIMIT = 20.0
RETRY_AFTER_LIMIT = 60.0
# The rate limit: 60 requests a minute, with no Retry-After promised (docs/contract.md, section 4.4).
LIMITED_BASE = 4.0
LIMITED_LIMIT = 60.0
LIMITED_LEAST = 1.0
LIMITED_BUDGET = 600.0
# A pause of so many seconds is worth a line of its own.
NOTABLE_PAUSE = 5.0
REDIRECT_LIMIT = 5
BODY_LIMIT = 32 * 1024 * 1024
LONG_ANSWER = "No option makes this answer shorter. Check that the address is the API's own."

# What OpenSSL says while a TLS conversation is being agreed upon, so before anything of the request was sent.
HANDSHAKE_REASONS = re.compile(
    r"CERTIFICATE|WRONG_VERSION|UNSUPPORTED_PROTOCOL|NO_PROTOCOLS|HANDSHAKE|TLSV1|TLSV13|SSLV3|UNKNOWN_CA|HTTP_REQUEST"
    r"|NO_CIPHERS|NO_SHARED_CIPHER|UNKNOWN_PROTOCOL|PACKET_LENGTH|RECORD_LAYER|DH_KEY_TOO_SMALL|CERT"
)


@dataclass(frozen=True)
class Route:
    """One row of docs/contract.md, section 2, declared once.

    ``safe``: it changes nothing, whatever its verb. ``repeatable``: sending it twice leaves the same state and cannot
    destroy what was made in between. ``role``: which host ("auth", "api", "db"). ``doing`` is the attempt in words.
    """

    name: str
    method: str
    path: str
    safe: bool
    repeatable: bool
    number: str = ""
    role: str = "db"
    doing: str = ""
    action_name: str = ""
    #: What makes its answer shorter.
    narrower: str = ""

    @property
    def once(self) -> bool:
        """Whether a lost answer leaves the outcome unknown: it changes something and must not be repeated."""
        return not self.safe and not self.repeatable


class Clock:
    """Time and chance, in one place so that tests can hold them."""

    def now(self) -> float:
        """Return monotonic seconds."""
        return time.monotonic()

    def wall(self) -> float:
        """Return seconds since the epoch."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Sleep that many seconds; nothing when it is zero or less."""
        if seconds > 0:
            time.sleep(seconds)

    def random(self) -> float:
        """Return a number of [0, 1)."""
        return random.random()


@dataclass
class Usage:
    """What a task cost: the result key ``api_usage``.

    ``requests`` counts what went on the wire, repeated attempts too; ``writes`` those of it that are not safe;
    ``waited_seconds`` what was slept: for operations of the platform, after failures, and for the rate limit.
    """

    requests: int = 0
    writes: int = 0
    waited_seconds: float = 0.0
    tokens_reused: int = 0

    def as_dict(self) -> dict[str, t.Any]:
        """Return it as a result shows it; seconds rounded to tenths."""
        return {
            "requests": self.requests,
            "writes": self.writes,
            "waited_seconds": round(self.waited_seconds, 1),
            "tokens_reused": self.tokens_reused,
        }


class Secrets:
    """The values that must never be shown. Each is announced to the host before it is used for anything."""

    def __init__(self, announce: t.Callable[[str], None]) -> None:
        self._announce = announce
        self.values: set[str] = set()

    def add(self, value: str) -> str:
        """Announce a value once, and return it."""
        if value and value not in self.values:
            self._announce(value)
            self.values.add(value)
        return value


@dataclass
class Answer:
    """One answer: header names in lower case; ``date`` is the epoch of its Date header, or None."""

    status: int
    headers: t.Mapping[str, str]
    text: str
    date: float | None = None
    request_id: str = ""
    attempts: int = 1
    method: str = ""
    path: str = ""
    #: An earlier attempt may have taken effect: its answer was lost, or was a 5xx.
    after_loss: bool = False

    def json(self) -> t.Any:
        """Return the body read as JSON. Raises UnexpectedAnswer when it is not JSON; no body is assumed to be."""
        try:
            return json.loads(self.text)
        except (ValueError, RecursionError):
            raise self.unexpected(f"expected JSON and received {self.described()}") from None

    def described(self) -> str:
        """Return what the body is, without repeating anything of it that could be a secret."""
        kind = self.headers.get("content-type", "").split(";")[0].strip() or "no content type"
        start = self.text.lstrip()
        if not start:
            return f"an empty body ({kind})"
        title = re.search(r"(?is)<title[^>]*>(.*?)</title>", start)
        if title:
            return f"a page titled {cut(' '.join(title.group(1).split()), 80)!r} ({kind})"
        if start[0] in "{[" or start[0] == '"':
            return f"broken or incomplete JSON ({kind}, {len(self.text)} characters)"
        if start[0] == "<":
            return f"markup ({kind}, {len(self.text)} characters)"
        return f"the text {cut(' '.join(start.split()), 80)!r} ({kind})"

    def no_page(self) -> None:
        """Raise UnexpectedAnswer when this is a page, such as a proxy's, where no form is expected of the body."""
        if self.headers.get("content-type", "").split(";")[0].strip().lower() == "text/html":
            raise self.unexpected(f"expected no page and received {self.described()}")

    def unexpected(self, message: str, hint: str = "") -> UnexpectedAnswer:
        """Return an UnexpectedAnswer about this answer."""
        return UnexpectedAnswer(
            message,
            method=self.method,
            path=self.path,
            status=self.status,
            request_id=self.request_id,
            attempts=self.attempts,
            hint=hint,
        )


@dataclass
class Stream(Answer):
    """An answer whose body is still to come, as it is on the wire. Without ``response`` it is in ``text`` already."""

    response: t.Any = None
    host: str = ""
    timeout: float = DEFAULT_TIMEOUT

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *details: object) -> None:
        self.close()

    def close(self) -> None:
        """Give the connection back, or give it up when the body has not come whole."""
        if self.response is not None:
            self.response.close()

    @property
    def length(self) -> int | None:
        """How many bytes the body has, as far as the answer says so."""
        return length_of(self.headers.get("content-length", ""))

    def chunks(self, size: int) -> t.Iterator[bytes]:
        """Yield the body in pieces of at most ``size`` bytes. Raises Unreachable when it breaks off."""
        if self.response is None:
            return
        received = 0
        # The bytes are wanted as they were sent: an archive is compressed already.
        self.response.raw.headers.pop("Content-Encoding", None)
        try:
            for chunk in self.response.iter_content(size):
                received += len(chunk)
                yield chunk
        except (OSError, ValueError) as error:
            found = diagnose(error, self.host, self.timeout)
            raise self._broken_off(found.message, found.hint) from None
        # Whether a short body is noticed below us depends on the version of urllib3.
        if self.length is not None and received < self.length:
            raise self._broken_off(f"The answer of {self.host} broke off after {received} of {self.length} bytes", "")

    def _broken_off(self, message: str, hint: str) -> Unreachable:
        return Unreachable(message, method=self.method, path=self.path, status=self.status, hint=hint)


# ---------------------------------------------------------------------------------------------------------------------
# Authorization. A plain header would be replaced by a .netrc entry for the host; an auth object is not.


class NoAuthorization(AuthBase):
    """No credentials, and none from a .netrc either."""

    credentials = False

    def __call__(self, request: t.Any) -> t.Any:
        request.headers.pop("Authorization", None)
        return request


class BearerAuthorization(NoAuthorization):
    """A bearer or addon token (docs/contract.md, sections 1.2 to 1.4)."""

    credentials = True

    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: t.Any) -> t.Any:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class ApiTokenAuthorization(NoAuthorization):
    """The API token as the password of HTTP Basic with an empty user name (docs/contract.md, section 1.2)."""

    credentials = True

    def __init__(self, api_token: str, secrets: Secrets) -> None:
        self.encoded = secrets.add(base64.b64encode(f":{api_token}".encode()).decode())

    def __call__(self, request: t.Any) -> t.Any:
        request.headers["Authorization"] = f"Basic {self.encoded}"
        return request


# ---------------------------------------------------------------------------------------------------------------------
# Addresses


def is_loopback(host: str) -> bool:
    """Return whether a host name or address stays on this machine."""
    if host.rstrip(".").lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def require_private_channel(address: str, what: str) -> None:
    """Refuse plain http to anywhere but this machine. Raises InvalidInput, before any request."""
    parts = urllib.parse.urlsplit(address)
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise InvalidInput(
            f"{what} {parts.scheme}://{parts.netloc.rsplit('@', 1)[-1]} would send credentials in clear text",
            hint="Use https; plain http is accepted for a loopback address only.",
        )


def host_of(address: str) -> str:
    """Return host and port of a URL as they are written, without the user and the password before them."""
    return urllib.parse.urlsplit(address).netloc.rpartition("@")[2]


def origin_of(address: str) -> tuple[str, str, int]:
    """Return scheme, host and port of a URL, the port filled in. Raises ValueError when the port is none."""
    parts = urllib.parse.urlsplit(address)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80)


def fill_path(template: str, values: t.Mapping[str, t.Any]) -> str:
    """Put quoted values into a path. Raises InvalidInput for a value that would name another path."""

    def quoted(match: re.Match[str]) -> str:
        name = match.group(1)
        value = str(values[name])
        if value.strip() in ("", ".", ".."):
            raise InvalidInput(f"{value!r} cannot be a {name}: it has no place in an address")
        return urllib.parse.quote(value, safe="")

    return re.sub(r"\{(\w+)\}", quoted, template)


def fill_query(query: t.Mapping[str, t.Any] | None) -> str:
    """Return the query string; None values are left out, booleans are written true and false."""
    given = {name: value for name, value in (query or {}).items() if value is not None}
    texts = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in given.items()}
    return urllib.parse.urlencode(texts, quote_via=urllib.parse.quote)


# ---------------------------------------------------------------------------------------------------------------------
# The retry policy, a pure function


@dataclass(frozen=True)
class Trouble:
    """How one attempt failed.

    ``kind``: "limited" (429), "status" (another one), "not_made" (the connection was never made), "lost" (sent, and the
    answer did not come whole), "endless" (sent, and the answer is too long to be one), "final" (it will fail the same
    way again, and nothing was sent).
    """

    kind: str
    status: int | None = None
    retry_after: float | None = None


def delay_before_retry(
    trouble: Trouble,
    route: Route,
    *,
    failures: int,
    retries: int,
    strikes: int,
    budget: float,
    remaining: float,
    chance: float,
) -> float | None:
    """Return the seconds to wait before the next attempt, or None to give up (docs/contract.md, sections 4.1 and 4.4).

    ``failures`` counts the failed attempts so far, this one included and those for the rate limit not; ``strikes``
    counts those. ``budget`` is what is left of the seconds a request may spend on the rate limit, ``remaining`` what is
    left until its deadline. ``chance`` is a number of [0, 1): full jitter.
    """
    if trouble.kind == "limited":
        if budget <= 0:
            return None
        if trouble.retry_after is not None:
            wanted = trouble.retry_after
        else:
            wanted = chance * min(LIMITED_LIMIT, LIMITED_BASE * 2.0 ** min(strikes, 10))
        return min(max(wanted, LIMITED_LEAST), budget)
    if trouble.kind in ("final", "endless") or failures > retries:
        return None
    if trouble.kind == "status":
        allowed = (trouble.status == 500 and route.safe) or (trouble.status in (502, 503, 504) and route.repeatable)
    else:
        allowed = trouble.kind == "not_made" or route.repeatable
    if not allowed:
        return None
    if trouble.retry_after is not None:
        delay = min(max(trouble.retry_after, 0.0), RETRY_AFTER_LIMIT)
    else:
        delay = chance * min(BACKOFF_LIMIT, BACKOFF_BASE * 2.0 ** min(failures, 10))
    return delay if delay <= remaining else None


def epoch_of(http_date: str) -> float | None:
    """Return the epoch of an HTTP date, or None."""
    try:
        parsed = email.utils.parsedate_tz(http_date)
        return None if parsed is None else float(email.utils.mktime_tz(parsed))
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def retry_after_of(headers: t.Mapping[str, str], now: float) -> float | None:
    """Return the seconds that a Retry-After header asks for, given in seconds or as an HTTP date, or None."""
    text = headers.get("retry-after", "").strip()
    if not text:
        return None
    if re.fullmatch(r"\d{1,9}(\.\d+)?", text, re.ASCII):
        return float(text)
    moment = epoch_of(text)
    if moment is None:
        return None
    server_now = epoch_of(headers.get("date", ""))
    return max(0.0, moment - (now if server_now is None else server_now))


def length_of(announced: str) -> int | None:
    """Return how many bytes a Content-Length announces, or None when it is no number."""
    return int(announced) if re.fullmatch(r"[0-9]{1,18}", announced) else None


class Flight:
    """How many requests are on their way at once, in one process. A process shares it with others through a subclass."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._own = threading.BoundedSemaphore(most)

    @contextlib.contextmanager
    def slot(self) -> t.Iterator[None]:
        """Have one of the places, when one is free."""
        with self._own:
            yield


class Pacing:
    """Slowing down after a 429, for one process. A process shares it with others through a subclass.

    ``reserve`` returns the moment (epoch) at which the caller may send; ``held_until`` the moment before which nobody
    should; ``strike`` takes note of a 429 and returns how many there have been in a row.
    """

    #: How many requests a minute there may be before the first 429; none for as many as there are.
    per_minute: int | None = None

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        # In monotonic seconds: nobody waits longer because the clock of the machine was set back.
        self._held = float("-inf")
        self.strikes = 0

    def reserve(self) -> float:
        """Reserve the next moment to send."""
        return max(self.held_until(), self.clock.wall())

    def held_until(self) -> float:
        """Return the moment before which nothing should be sent."""
        return self._held - self.clock.now() + self.clock.wall()

    def strike(self, sent_at: float) -> int:
        """Take note that what was sent at that moment was limited."""
        self.strikes += 1
        return self.strikes

    def hold(self, until: float) -> None:
        """Send nothing before that moment."""
        self._held = max(self._held, until - self.clock.wall() + self.clock.now())


# ---------------------------------------------------------------------------------------------------------------------
# What an exception of requests means


def chain_of(error: BaseException) -> list[BaseException]:
    """Return an exception and everything wrapped in it, by reason, argument or cause, outermost first."""
    found: list[BaseException] = []
    waiting: list[t.Any] = [error]
    while waiting and len(found) < 30:
        current = waiting.pop(0)
        if isinstance(current, BaseException) and not any(current is known for known in found):
            found.append(current)
            waiting += [getattr(current, "reason", None), getattr(current, "original_error", None), *current.args]
            waiting += [current.__cause__, current.__context__]
    return found


@dataclass(frozen=True)
class Diagnosis:
    """What a broken attempt was: the kind of Trouble, the sentence, what to do; the status when one came."""

    kind: str
    message: str
    hint: str
    status: int | None = None


def diagnose(error: BaseException, host: str, timeout: float) -> Diagnosis:
    """Tell what went wrong on the way to ``host``: each cause has its own sentence and its own advice."""
    chain = chain_of(error)
    names = {type(item).__name__ for item in chain}
    texts = " | ".join(str(item) for item in chain)
    local = local_fault(chain, "SSLError" in names)
    if local is not None:
        hint = MACHINE_ADVICE.get(t.cast(int, local.errno), _CERTIFICATES)
        return Diagnosis("final", f"The request to {host} failed on this machine: {local}", hint)
    proxy = "ProxyError" in names or "InvalidProxyURL" in names
    if proxy:
        never = bool(names & {"NewConnectionError", "NameResolutionError", "ConnectTimeoutError", "InvalidProxyURL"})
        tunnel = re.search(r"Tunnel connection failed: ([^'\")|]+)", texts)
        refused = tunnel is not None and "407" in tunnel.group(1)
        kind = "final" if refused or "InvalidProxyURL" in names else "not_made" if never or tunnel else "lost"
        said = f": {tunnel.group(1).strip()}" if tunnel else ""
        return Diagnosis(
            kind,
            f"The proxy on the way to {host} cannot be used{said}",
            "Check HTTPS_PROXY and NO_PROXY in the environment.",
        )
    verification = next((item for item in chain if isinstance(item, ssl.SSLCertVerificationError)), None)
    if verification is not None or "CERTIFICATE_VERIFY_FAILED" in texts or "CertificateError" in names:
        reason = getattr(verification, "verify_message", "") or "it is not valid for this host"
        return Diagnosis(
            "final",
            f"The TLS certificate of {host} does not verify: {reason}",
            "Check the address and this machine's clock; for an authority of your own set ca_path to its certificates.",
        )
    if "SSLError" in names:
        reason = (
            next((str(item.reason) for item in chain if isinstance(item, ssl.SSLError) and item.reason), "")
            or "TLS failed"
        )
        early = bool(HANDSHAKE_REASONS.search(f"{reason} {texts}"))
        return Diagnosis(
            "final" if early else "lost",
            f"{host} cannot be spoken to over TLS: {reason}",
            "Check that the address and the port are those of the API, and that ca_path holds certificates.",
        )
    if names & {"NameResolutionError", "gaierror"}:
        return Diagnosis(
            "not_made",
            f"The name {host} cannot be resolved",
            "Check the region or the address, and the name resolution of this machine.",
        )
    if names & {"ConnectTimeout", "ConnectTimeoutError"}:
        return Diagnosis(
            "not_made",
            f"No connection to {host} within {min(timeout, LONGEST_CONNECT):g} seconds",
            "Check the address, the firewall and whether a proxy is needed (HTTPS_PROXY).",
        )
    if "NewConnectionError" in names:
        if "ConnectionRefusedError" in names or "refused" in texts:
            return Diagnosis(
                "not_made",
                f"{host} refuses the connection",
                "Check the address and the port, and that the server is running.",
            )
        return Diagnosis(
            "not_made",
            f"No connection to {host} can be made",
            "Check the network of this machine and whether a proxy is needed (HTTPS_PROXY).",
        )
    if names & {"ReadTimeout", "ReadTimeoutError"}:
        return Diagnosis(
            "lost", f"{host} did not answer within {timeout:g} seconds", "Raise api_timeout, or run again later."
        )
    if names & {"ChunkedEncodingError", "ContentDecodingError", "IncompleteRead"}:
        return Diagnosis("lost", f"The answer of {host} broke off", "Run again later; check the proxies on the way.")
    if isinstance(error, requests.exceptions.ConnectionError):
        return Diagnosis(
            "lost", f"{host} closed the connection before it answered", "Run again later; check the proxies on the way."
        )
    variables = " and ".join(proxy_settings())
    # The library repeats what it was given, and of the address of a proxy any part may be the password.
    said = type(error).__name__ if variables else scrub(str(error))
    if not (names & NEVER_SENT or NO_AUTHORITIES.search(texts)):
        hint = "Run again later; check the proxies on the way."
        return Diagnosis("lost", f"The request to {host} failed: {said}", hint)
    if variables and "InvalidURL" in names:
        hint = f"Correct {variables} in the environment."
        return Diagnosis("final", f"The proxy on the way to {host} has no valid address", hint)
    return Diagnosis(
        "final",
        f"No request to {host} can be made: {said}",
        "Check the address, ca_path, and REQUESTS_CA_BUNDLE, HTTPS_PROXY in the environment.",
    )


_CERTIFICATES = "Check the files that ca_path, REQUESTS_CA_BUNDLE and SSLKEYLOGFILE name."
_DESCRIPTORS = "Raise the limit of open files (ulimit -n), or lower the number of forks."

#: What to do about some of what this machine itself cannot do.
MACHINE_ADVICE: t.Mapping[int, str] = {
    **dict.fromkeys((errno.ENOSPC, errno.EDQUOT), "Free some space."),
    **dict.fromkeys((errno.EMFILE, errno.ENFILE), _DESCRIPTORS),
}
#: What it cannot do with a file, and what else.
FILE_FAULTS = (
    *(errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ELOOP, errno.ENAMETOOLONG),
    *(errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT),
)
LOCAL_FAULTS = (*FILE_FAULTS, errno.EMFILE, errno.ENFILE)


def local_fault(chain: t.Iterable[BaseException], of_tls: bool) -> OSError | None:
    """Return what a file or a limit of this machine did to a request before it was sent, or None.

    A fault of a file counts with its name only, or where OpenSSL was to read certificates: a firewall of this machine
    denies connections, and a connection that breaks within a handshake leaves any number behind.
    """
    for error in chain:
        # Those of TLS and of names have numbers of their own.
        if not isinstance(error, OSError) or isinstance(error, (ssl.SSLError, socket.gaierror, socket.herror)):
            continue
        if error.errno in LOCAL_FAULTS and (error.errno not in FILE_FAULTS or error.filename is not None or of_tls):
            return error
    return None


# What requests raises while it prepares a request, so before anything of it was sent.
NEVER_SENT = {
    "InvalidURL",
    "InvalidSchema",
    "MissingSchema",
    "InvalidHeader",
    "LocationParseError",
    "UnicodeError",
    "UnicodeEncodeError",
}
NO_AUTHORITIES = re.compile("Could not find (a suitable TLS CA certificate bundle|the TLS (certificate|key) file)")


def proxy_settings() -> dict[str, str]:
    """Return the variables of the environment that name a proxy, with their values."""
    names = [name for upper in ("HTTPS_PROXY", "HTTP_PROXY", "ALL_PROXY") for name in (upper, upper.lower())]
    return {name: os.environ[name] for name in names if os.environ.get(name)}


# ---------------------------------------------------------------------------------------------------------------------
# What an answer means


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


def failure_of(route: Route, answer: Answer) -> ScalingoError | None:
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
# The conversation itself


def new_session() -> t.Any:
    """Return a session that keeps connections, sends our User-Agent, and keeps no cookie.

    Raises ScalingoError when the requests library is missing. Tests replace this function.
    """
    if not REQUESTS_FOUND:
        raise ScalingoError(
            f"The Python library requests is missing for {sys.executable}",
            hint=f"Install it ({sys.executable} -m pip install requests), or choose another interpreter with "
            "ansible_python_interpreter.",
        )
    session: t.Any = requests.Session()
    session.headers.update({"User-Agent": USER_AGENT, "Accept": "application/json, */*;q=0.1"})
    session.cookies.set_policy(http.cookiejar.DefaultCookiePolicy(allowed_domains=[]))
    # Otherwise it reads the Location of an answer that it is not to follow, and raises when it cannot.
    session.get_redirect_target = lambda response: None
    return session


def authorities(verify: bool | str) -> bool | str:
    """Return what requests is told of verifying: always the path of certificates where it is to verify.

    Before 2.28 requests turned verification off for C(True) while CURL_CA_BUNDLE was empty. Its variables count as ever.
    """
    if verify is not True:
        return verify
    named = (os.environ.get(name, "").strip() for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"))
    return next(filter(None, named), None) or str(requests.utils.DEFAULT_CA_BUNDLE_PATH)


Received = t.TypeVar("Received", bound=Answer)


@dataclass
class _Attempts:
    """What one request has gone through so far."""

    begun: float
    deadline: float
    number: int = 0
    failures: int = 0
    strikes: int = 0
    limited_seconds: float = 0.0
    redirects: int = 0
    # An attempt that may have taken effect got no usable answer.
    lost: bool = False


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
        self._limited_since: float | None = None
        self._limited_until = 0.0
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
        route: Route,
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

    def open_stream(self, route: Route, url: str, headers: t.Mapping[str, str]) -> Stream:
        """Ask for what a link leads to, with no credentials, and leave the body of a 200 or 206 to the caller.

        What comes before the body is treated as by ``send``. Redirects are followed to other hosts too, never from
        https to http: there are no credentials to lose. Raises the same; close what is returned.
        """

        def attempt(target: str, state: _Attempts) -> Stream | Diagnosis:
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
        route: Route,
        url: str,
        attempt: t.Callable[[str, _Attempts], Received | Diagnosis],
        anywhere: bool = False,
    ) -> Received:
        state = _Attempts(
            self.clock.now(), deadline=self.clock.now() + (self.retries + 1) * self.timeout + DEADLINE_MARGIN
        )
        try:
            return self._until_answered(route, url, attempt, state, anywhere)
        except ScalingoError as error:
            error.after_loss = error.after_loss or state.lost
            raise

    def _until_answered(
        self,
        route: Route,
        url: str,
        attempt: t.Callable[[str, _Attempts], Received | Diagnosis],
        state: _Attempts,
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

    def _take_turn(self, route: Route, url: str, state: _Attempts) -> None:
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
        if self._limited_since is None or now - self._limited_until > LIMITED_LIMIT:
            self._limited_since = now
        self._limited_until = now + pause
        self.watch.tell(
            "keeping to the rate limit of the API"
            if self.pacing.per_minute is None
            else "keeping to requests_per_minute",
            "limited",
            now + pause - self._limited_since,
            f"the next request in {pause:.0f} s",
            notable=pause >= NOTABLE_PAUSE,
        )

    def _pause(self, seconds: float) -> None:
        self.clock.sleep(seconds)
        self.usage.waited_seconds += seconds

    def _attempt(
        self, route: Route, url: str, auth: NoAuthorization, body: t.Any, state: _Attempts
    ) -> Answer | Diagnosis:
        if self.flight is None or route.role == "link":
            return self._attempted(route, url, auth, body, state)
        begun = self.clock.now()
        with self.flight.slot():
            state.deadline += self.clock.now() - begun
            self.watch.alive()
            return self._attempted(route, url, auth, body, state)

    def _attempted(
        self, route: Route, url: str, auth: NoAuthorization, body: t.Any, state: _Attempts
    ) -> Answer | Diagnosis:
        content_type = {} if body is None else {"Content-Type": "application/json"}
        response = self._ask(route, url, auth, None if body is None else json.dumps(body).encode(), content_type)
        if isinstance(response, Diagnosis):
            return response
        try:
            content, broken = self._receive(route, response, host_of(url), state.deadline)
        finally:
            response.close()
        if broken is not None and response.status_code < 300:
            return broken
        return Answer(text=content.decode("utf-8", "replace"), **self._head(route, url, response, state))

    def _open(self, route: Route, url: str, headers: t.Mapping[str, str], state: _Attempts) -> Stream | Diagnosis:
        host = host_of(url)
        response = self._ask(route, url, NoAuthorization(), None, headers)
        if isinstance(response, Diagnosis):
            return response
        head = self._head(route, url, response, state)
        if response.status_code in (200, 206):
            return Stream(text="", response=response, host=host, timeout=self.timeout, **head)
        try:
            content = self._receive(route, response, host, state.deadline)[0]
        finally:
            response.close()
        return Stream(text=content.decode("utf-8", "replace"), **head)

    def _ask(
        self, route: Route, url: str, auth: NoAuthorization, data: bytes | None, headers: t.Mapping[str, str]
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
        except (OSError, ValueError) as error:
            return diagnose(error, host_of(url), self.timeout)

    @staticmethod
    def _head(route: Route, url: str, response: t.Any, state: _Attempts) -> dict[str, t.Any]:
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

    def _receive(self, route: Route, response: t.Any, host: str, deadline: float) -> tuple[bytes, Diagnosis | None]:
        """Return the body as far as it came, and what broke it off."""
        content = bytearray()
        status = response.status_code
        try:
            for chunk in response.iter_content(65536):
                content += chunk
                if len(content) > BODY_LIMIT:
                    message = f"The answer of {host} is longer than {BODY_LIMIT // 1024**2} MiB, which is the most that is read"
                    return b"", Diagnosis("endless", message, route.narrower or LONG_ANSWER, status)
                if self.clock.now() > deadline:
                    problem = Diagnosis(
                        "lost", f"{host} was still answering after too long a time", "Run again later.", status
                    )
                    return bytes(content), problem
        except (OSError, ValueError) as error:
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

    def _redirected(self, route: Route, url: str, answer: Answer, state: _Attempts, anywhere: bool) -> str:
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
            raise answer.unexpected(
                f"The API redirects to {shown}, which is not followed",
                "Check the address: redirects are followed on the same host only, and never for a change.",
            )
        if state.redirects > REDIRECT_LIMIT:
            raise answer.unexpected(f"The API redirects again and again, last to {shown}")
        return target

    def _broken(self, route: Route, url: str, problem: Diagnosis, state: _Attempts) -> ScalingoError:
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
