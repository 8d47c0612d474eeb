# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Answers that are changed on their way to a module: in their values, their text, their headers, their status.

What is changed is plain data, so that it can be drawn, made smaller, and kept: tests/generated/bad_answers.yml.
"""

from __future__ import annotations

import collections
import contextlib
import copy
import dataclasses
import gzip
import io
import json
import re
import signal
import typing as t
import urllib.parse
from unittest import mock

import requests.adapters
import urllib3
from ansible_collections.community.scalingo.plugins.module_utils._errors import ScalingoError
from hypothesis import strategies as some
from scalingo_sandbox.transport import DROP
from support import wire
from support.cases import Case, Data
from support.laboratory import Laboratory, Observation
from support.subjects import Subject
from support.suites import canaries
from support.suites.faults import Fault, Matrix, Point, crash_problems, every_point, named, points, retrying

#: What may stand in the place of a value, as the text of JSON.
VALUES: dict[str, str] = {
    "null": "null",
    "true": "true",
    "false": "false",
    "zero": "0",
    "minus one": "-1",
    "minus zero": "-0.0",
    "a fraction": "0.3",
    "a whole fraction": "3.0",
    "an exponent": "1e3",
    "more than 64 bits": "18446744073709551617",
    "400 digits": "9" * 400,
    "5000 digits": "9" * 5000,
    "beyond a float": "1e999",
    "NaN": "NaN",
    "-Infinity": "-Infinity",
    "no text": '""',
    "blanks": '" \\t "',
    "a text": '"x"',
    "a digit": '"3"',
    "a superscript": '"\\u00b2"',
    "an Arabic digit": '"\\u0663"',
    "a number with an underscore": '"1_0"',
    "a text of 5000 digits": '"' + "9" * 5000 + '"',
    "lines": '"a\\r\\nb\\u2028c"',
    "a control character": '"a\\u0000\\u001b[31mb"',
    "half of a surrogate pair": '"\\ud800"',
    "the other half": '"x\\udfff"',
    "emoji": '"\\ud83d\\ude80 \\u202eabc"',
    "another case": '"\\u0130STANBUL"',
    "a template": '"{{ 7 * 7 }}{% raw %}"',
    "a format": '"%s %(x)s {0} {x} \\\\1"',
    "markup": '"<title>x</title>"',
    "a path": '"../../etc/passwd"',
    "an option": '"--help"',
    "100 KB": '"' + "x" * 100_000 + '"',
    "the first moment": '"0001-01-01T00:00:00+23:59"',
    "the last moment": '"9999-12-31T23:59:59.999999999-23:59"',
    "no moment": '"2026-02-30T25:61:61Z"',
    "a moment without a zone": '"2026-11-30T00:00:00"',
    "a day": '"2026-11-30"',
    "a moment as a number": "1796000000.5",
    "a version": '"99.99.99"',
    "no version": '"..1"',
    "an address": '"http://127.0.0.1:9/"',
    "an address with credentials": '"https://someone:word@127.0.0.1:9/x"',
    "no address": '"http://[::1"',
    "a port": '"http://127.0.0.1:99999/"',
    "a connection": '"postgres://a:b@127.0.0.1:x/y?sslmode=%zz"',
    "a network": '"10.0.0.0/99"',
    "a list": "[]",
    "a list with null": "[null]",
    "a list in a list": "[[[]]]",
    "a list of all sorts": '[1, "x", null, {}, true, 0.5, []]',
    "an object": "{}",
    "an object with null": '{"": null}',
    "an object with itself": '{"id": {"id": {"id": "x"}}, "name": ["x"], "status": {}}',
    "200 levels": "[" * 200 + "]" * 200,
    "700 levels": "[" * 700 + "]" * 700,
    "900 levels": '{"x":' * 900 + "1" + "}" * 900,
    "100000 levels": "[" * 100_000 + "]" * 100_000,
}

#: Those of which no plan can be made, whatever the field.
MEANINGLESS = (
    "NaN",
    "-Infinity",
    "beyond a float",
    "5000 digits",
    "a list in a list",
    "an object with itself",
    "700 levels",
)

#: What may become of the text of a whole answer. The number says where: a share of the text.
TEXTS: dict[str, t.Callable[[bytes, float], bytes]] = {
    "nothing": lambda text, share: b"",
    "blanks": lambda text, share: b" \n" * 50,
    "cut": lambda text, share: text[: int(len(text) * share)],
    "its end": lambda text, share: text[int(len(text) * share) :],
    "twice": lambda text, share: text + text,
    "twice by lines": lambda text, share: text + b"\n" + text,
    "in a list": lambda text, share: b"[" + text + b"]",
    "as a text": lambda text, share: json.dumps(text.decode("utf-8", "replace")).encode(),
    "a page": lambda text, share: b"<!DOCTYPE html><html><head><title>Log in \xe2\x80\xae</title></head></html>",
    "a page without an end": lambda text, share: b"<title>" * 100_000,
    "a byte order mark": lambda text, share: b"\xef\xbb\xbf" + text,
    "UTF-16": lambda text, share: text.decode("utf-8", "replace").encode("utf-16"),
    "UTF-32": lambda text, share: text.decode("utf-8", "replace").encode("utf-32-be"),
    "EBCDIC": lambda text, share: text.decode("utf-8", "replace").encode("cp500", "replace"),
    "a byte that is no UTF-8": lambda text, share: _inserted(text, share, b"\xff\xc0\x80"),
    "a NUL": lambda text, share: _inserted(text, share, b"\0"),
    "a quotation mark": lambda text, share: _inserted(text, share, b'"'),
    "a comma": lambda text, share: _inserted(text, share, b","),
    "a bracket": lambda text, share: _inserted(text, share, b"]"),
    "a digit": lambda text, share: _inserted(text, share, b"7"),
    "a backslash": lambda text, share: _inserted(text, share, b"\\"),
    "a prefix": lambda text, share: b")]}',\n" + text,
    "a comment": lambda text, share: b"/* x */" + text + b"// x",
    "a call": lambda text, share: b"callback(" + text + b");",
    "single quotes": lambda text, share: text.replace(b'"', b"'"),
    "compressed": lambda text, share: gzip.compress(text, 1),
    "another answer": lambda text, share: b'{"error": "not found", "resource": "Database", "code": 7}',
    "an error": lambda text, share: b'{"errors": {"a": {"b": [null]}, "": 5}, "error": {"x": 1}, "ok": 0}',
    "another root": lambda text, share: b'{"x": ' + text + b"}",
}

#: Headers and what they may hold; none takes it away. Only loopback addresses: nothing here asks anybody else.
HEADERS: dict[str, tuple[str | None, ...]] = {
    "Content-Type": (
        None,
        "",
        "text/html",
        "text/html; charset=utf-8",
        "application/json; charset=utf-16",
        "x",
        ";;;=",
        "application/json; charset=\u00b2",
    ),
    "Content-Length": ("0", "1", "-1", "\u00b2", "x", "99999999999999999999", "5, 6", "", "9" * 5000),
    "Content-Encoding": ("gzip", "deflate", "br", "zstd", "identity", "gzip, gzip", "x"),
    "Content-Range": ("bytes 0-1/2", "bytes */*", "bytes 5-1/-3", "bytes \u00b2-/x", "x", ""),
    "Content-Disposition": ("attachment; filename=../../x", "attachment; filename*=utf-16''%ff", ""),
    "Accept-Ranges": ("none", "x"),
    "ETag": ("", "x", 'W/"\u00e9"', '"' + "x" * 70_000 + '"'),
    "Last-Modified": ("x", "Mon, 99 Foo 10000 25:61:61 GMT"),
    "Transfer-Encoding": ("chunked", "x"),
    "Location": ("", "/", "//", "//[", "http://[::1", "http://127.0.0.1:9/", "file:///etc/passwd", "?x", "\u00e9", "x" * 70_000),
    "Retry-After": ("", "0", "-1", "\u00b2", "NaN", "1e309", "9" * 400, "Mon, 99 Foo 10000 25:61:61 GMT", "0.5", "1_0"),
    "Date": ("", "x", "Fri, 31 Dec 9999 23:59:59 -2359", "Mon, 01 Jan 0001 00:00:00 +2359", "Mon, 99 Foo 10000 25:61:61 GMT", "0"),
    "X-Request-Id": ("", "x" * 70_000, "\u00e9\u202e", "{{ 7 * 7 }}", "%s"),
    "Set-Cookie": ("x", "=; ; ;", "a=b; Domain=.; Expires=x; Max-Age=\u00b2"),
    "WWW-Authenticate": ("Negotiate", "Digest realm=", ""),
    "Link": ('<http://[>; rel="next"', ""),
}  # fmt: skip

STATUSES = (
    100,
    199,
    201,
    202,
    203,
    204,
    205,
    206,
    207,
    226,
    299,
    300,
    301,
    303,
    304,
    305,
    307,
    308,
    399,
    400,
    401,
    402,
    403,
    404,
)
STATUSES += (
    405,
    406,
    408,
    409,
    410,
    412,
    413,
    415,
    416,
    418,
    421,
    422,
    423,
    425,
    426,
    429,
    431,
    451,
    499,
    500,
    501,
    502,
    503,
    504,
)
STATUSES += (505, 507, 511, 520, 529, 599, 600, 999)  # fmt: skip

#: What may become of a part of an answer beside another value in its place.
PARTS = ("value", "drop", "add", "again", "null before", "many", "rename", "other case", "swap", "wrap")

#: So many requests, or so many seconds of the machine's own time, are no answer.
MOST_REQUESTS = 5000
MOST_SECONDS = 60.0

#: A platform that refuses what it has done is believed.
REFUSALS = (
    "BadRequest",
    "Unauthorized",
    "PaymentRequired",
    "Forbidden",
    "NotFound",
    "Conflict",
    "ValidationFailed",
    "RateLimited",
)
REFUSALS += ("ActionFailed",)


class Hang(BaseException):
    """It takes too long. Nothing that is tested can catch it."""


def _inserted(text: bytes, share: float, what: bytes) -> bytes:
    place = int(len(text) * share)
    return text[:place] + what + text[place:]


# -- one change ------------------------------------------------------------------------------------------------------

#: A change: what to do, with its particulars. `at` is the way to a part of an answer.
Change = Data


@dataclasses.dataclass
class Reply:
    """An answer on its way."""

    status: int
    headers: dict[str, str]
    content: bytes


def changed(reply: Reply, changes: t.Sequence[Change]) -> Reply:
    """The answer as it arrives. What cannot be done to it is left out."""
    reply = Reply(reply.status, dict(reply.headers), reply.content)
    parts = [change for change in changes if change["do"] in PARTS]
    if parts:
        try:
            value = json.loads(reply.content)
        except ValueError:
            value = None
        if isinstance(value, (dict, list)):
            spots = _Spots()
            for change in parts:
                with contextlib.suppress(AttributeError, LookupError, TypeError, ValueError):
                    value = _parted(value, change, spots)
            reply.content = spots.text(value).encode("utf-8", "surrogatepass")
    for change in changes:
        if change["do"] == "text":
            reply.content = TEXTS[change["to"]](reply.content, change.get("share", 0.5))
        elif change["do"] == "status":
            reply.status = change["to"]
        elif change["do"] == "header":
            reply.headers = {
                name: value for name, value in reply.headers.items() if name.lower() != change["name"].lower()
            }
            if change["to"] is not None:
                reply.headers[change["name"]] = change["to"]
    if not any(change["do"] == "header" and change["name"] == "Content-Length" for change in changes):
        reply.headers = {name: value for name, value in reply.headers.items() if name.lower() != "content-length"}
        reply.headers["Content-Length"] = str(len(reply.content))
    return reply


class _Spots:
    """Where the text of a value that no Python value has the form of goes."""

    def __init__(self) -> None:
        self._texts: list[str] = []

    def of(self, name: str) -> str:
        self._texts.append(VALUES[name])
        return f"\u0001{len(self._texts) - 1}\u0001"

    def text(self, value: t.Any) -> str:
        return re.sub(r'"\\u0001(\d+)\\u0001"', lambda match: self._texts[int(match.group(1))], json.dumps(value))


def _parted(value: t.Any, change: Change, spots: _Spots) -> t.Any:
    """The value with one of its parts changed."""
    at, do = change["at"], change["do"]
    if not at:
        return spots.of(change["to"]) if do == "value" else [value] if do == "wrap" else value
    place = value
    for step in at[:-1]:
        place = place[step]
    step = at[-1]
    part = place[step]
    if do == "value":
        place[step] = spots.of(change["to"])
    elif do == "wrap":
        place[step] = [part]
    elif do == "drop":
        del place[step]
    elif do == "swap":
        other = value
        for inner in change["with"]:
            other = other[inner]
        place[step] = copy.deepcopy(other)
    elif isinstance(place, dict):
        if do == "add":
            place[f"{step}_x"] = spots.of(change["to"])
        elif do in ("rename", "other case"):
            place[step.upper() if do == "other case" else step + " "] = place.pop(step)
    elif do == "again":
        place.append(copy.deepcopy(part))
    elif do == "many":
        place.extend(copy.deepcopy(part) for dummy in range(300))
    elif do == "null before":
        place.insert(step, None)
    return value


def ways(value: t.Any, at: tuple[t.Any, ...] = ()) -> t.Iterator[tuple[t.Any, ...]]:
    """The ways to all parts of an answer; of a list to its first three items and its last."""
    yield at
    if isinstance(value, dict):
        for name, part in value.items():
            yield from ways(part, (*at, name))
    elif isinstance(value, list):
        for number in sorted({*range(min(3, len(value))), *range(len(value))[-1:]}):
            yield from ways(value[number], (*at, number))


# -- a run with them -------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Trial:
    """What is done to which answers of which run. `which` counts the answers of that name from 0, none are all of them."""

    case: str
    request: str
    which: int | None
    changes: list[Change]
    check: bool = False

    def as_data(self) -> Data:
        return dataclasses.asdict(self)


@contextlib.contextmanager
def answered(laboratory: Laboratory, answer: t.Callable[[str, Reply], Reply]) -> t.Iterator[t.Counter[str]]:
    """The sandbox answers without a socket, and each answer goes through `answer`, with the name of its request. Counts these."""
    counts: collections.Counter[str] = collections.Counter()

    def sending(adapter: t.Any, request: t.Any, **dummy: t.Any) -> t.Any:
        name = wire.named_request(laboratory.sandbox, request)
        if sum(counts.values()) > MOST_REQUESTS:
            raise Hang(f"{MOST_REQUESTS} requests")
        parts = urllib.parse.urlsplit(request.url)
        if parts.port not in laboratory.sandbox.running.application.places:
            raise requests.exceptions.ConnectionError("nobody else is asked")
        reply = answer(name, _reply(laboratory, request, parts))
        counts[name] += 1
        try:
            raw = urllib3.HTTPResponse(
                body=io.BytesIO(reply.content),
                headers=[(name, value.encode().decode("latin-1")) for name, value in reply.headers.items()],
                status=reply.status,
                preload_content=False,
                decode_content=False,
                enforce_content_length=True,
                request_method=request.method,
            )
        except urllib3.exceptions.InvalidHeader as error:
            # As requests does.
            raise requests.exceptions.InvalidHeader(error, request=request) from error
        return adapter.build_response(request, raw)

    with mock.patch.object(requests.adapters.HTTPAdapter, "send", sending):
        yield counts


def _reply(laboratory: Laboratory, request: t.Any, parts: urllib.parse.SplitResult) -> Reply:
    """What the sandbox's application answers, in this very thread."""
    sent: list[t.Any] = []
    data = request.body.encode() if isinstance(request.body, str) else request.body or b""

    async def receive() -> t.Any:
        return {"type": "http.request", "body": data, "more_body": False}

    async def send(message: t.Any) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": request.method,
        "path": urllib.parse.unquote(parts.path),
        "query_string": parts.query.encode(),
        "headers": [(name.lower().encode(), value.encode("latin-1")) for name, value in request.headers.items()],
        "server": ("127.0.0.1", parts.port),
        "state": {DROP: None},
    }
    running = laboratory.sandbox.running.application(scope, receive, send)
    with contextlib.suppress(StopIteration):
        for dummy in range(100):
            running.send(None)
        raise AssertionError("the sandbox waits for something")
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in sent[0]["headers"]}
    return Reply(sent[0]["status"], headers, b"".join(message.get("body", b"") for message in sent[1:]))


@contextlib.contextmanager
def in_time() -> t.Iterator[None]:
    def late(*dummy: object) -> None:
        raise Hang(f"{MOST_SECONDS:g} seconds")

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, MOST_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


@dataclasses.dataclass(frozen=True)
class _Bad(Fault):
    """A fault that changes answers on the client's side."""

    trial: Trial | None = None

    @contextlib.contextmanager
    def acting(self, laboratory: Laboratory, point: Point) -> t.Iterator[None]:
        trial, seen = self.trial, collections.Counter[str]()
        assert trial is not None

        def answer(name: str, reply: Reply) -> Reply:
            seen[name] += 1
            if name != trial.request or trial.which not in (None, seen[name] - 1):
                return reply
            return changed(reply, trial.changes)

        with answered(laboratory, answer), in_time():
            yield


def _kinds(error: type[Exception]) -> set[str]:
    """What failures of the collection are called."""
    return {error.__name__}.union(*map(_kinds, error.__subclasses__()))


def _is_meaningless(change: Change) -> bool:
    """Whether no plan can be made of what is changed: the text, or a value that no field can have."""
    return change["do"] == "text" or (change["do"] == "value" and change["to"] in MEANINGLESS)


class Trials:
    """The trials of one module: which there can be, and what comes of one."""

    def __init__(self, laboratory: Laboratory, subject: Subject) -> None:
        self.laboratory = laboratory
        self.subject = subject
        self.matrix = Matrix(laboratory, subject)
        self.outcomes: collections.Counter[str] = collections.Counter()
        self._points = {
            (point.case.name, named(point.record), point.after): point for point in every_point(self.matrix)
        }
        #: One of each kind of request and phase; the others are for the corpus.
        self.places = points(self.matrix)
        self._ways = {id(point): self._ways_of(point) for point in self.places}

    def _ways_of(self, point: Point) -> list[list[t.Any]]:
        kept: dict[tuple[str, int], Reply] = {}
        counts: collections.Counter[str] = collections.Counter()

        def keep(name: str, reply: Reply) -> Reply:
            kept[name, counts[name]] = reply
            counts[name] += 1
            return reply

        case = retrying(point.case)
        self.laboratory.arrange(self.subject, case, self.matrix._home(point.case) if point.own else None)
        with answered(self.laboratory, keep):
            self.laboratory.run(self.subject, case, state=False)
        reply = kept.get((named(point.record), point.after))
        try:
            value = json.loads(reply.content) if reply else None
        except ValueError:
            value = None
        return [list(way) for way in ways(value)] if isinstance(value, (dict, list)) else []

    def strategy(self) -> some.SearchStrategy[Trial]:
        return some.one_of(*(self._trials_at(point) for point in self.places))

    def _trials_at(self, point: Point) -> some.SearchStrategy[Trial]:
        change = _changes(self._ways[id(point)])
        return some.builds(
            Trial,
            case=some.just(point.case.name),
            request=some.just(named(point.record)),
            which=some.sampled_from([point.after, None]),
            changes=some.lists(change, min_size=1, max_size=3),
            check=some.booleans(),
        )

    def problems(self, trial: Trial) -> list[str]:
        """What is wrong with what comes of a trial."""
        point = self._points.get((trial.case, trial.request, trial.which or 0))
        assert point is not None, f"{self.subject.name} has no such request any more: {trial.as_data()}"
        case = retrying(point.case)
        self.laboratory.arrange(self.subject, case, self.matrix._home(point.case) if point.own else None)
        fault = _Bad("a bad answer", "bad", {}, trial=trial)
        try:
            with fault.acting(self.laboratory, point):
                seen = self.laboratory.run(self.subject, case, check=trial.check, state=False)
        except Hang as hang:
            return [f"it does not end: {hang}"]
        report = seen.report
        self.outcomes[report.kind if report.failed else "done"] += 1
        return self._judged(point, trial, case, seen)

    def _judged(self, point: Point, trial: Trial, case: Case, seen: Observation) -> list[str]:
        report = seen.report
        # An identifier that is none leads nowhere, and nothing is changed there.
        unsafe = [record for record in seen.unsafe if record.route]
        found = crash_problems(seen)
        # A secret in what somebody wrote is known by its words. In the place of an ID nobody can know it.
        if not any("type_data" in change.get("with", ()) for change in trial.changes):
            found += canaries.told(self.laboratory, self.subject, case, seen)
        if report.failed and report.kind not in _kinds(ScalingoError):
            found.append(f"the failure has no kind of ours: {report.kind!r} {report.message}")
        try:
            json.dumps(report.result, allow_nan=False, ensure_ascii=False).encode()
            "".join(report.warnings).encode()
        except ValueError as error:
            found.append(f"the result is no JSON that can be sent: {error}")
        if unsafe and (trial.check or self.subject.reads_only):
            found.append(f"it changes something: {', '.join(named(record) for record in unsafe)}")
        if report.failed and not report.changed and unsafe and report.kind not in REFUSALS:
            if self.laboratory.state() != self.matrix.clean(point.case)[1]:
                found.append(f"something was changed, and it reports that nothing was: {report.message}")
        clean = self.matrix.clean(point.case)[0]
        usual = {(record.method, record.path, str(record.body)) for record in clean.unsafe}
        if point.phase in ("on the way", "at first") and any(map(_is_meaningless, trial.changes)):
            more = [record for record in unsafe if (record.method, record.path, str(record.body)) not in usual]
            found += [
                f"it sends {named(record)} {record.body}, as it never does, after {trial.request}" for record in more
            ]
        return found


_SHARES = (0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99)
_TEXTS = some.sampled_from([{"do": "text", "to": to, "share": share} for to in sorted(TEXTS) for share in _SHARES])
_HEADERS = some.sampled_from(
    [{"do": "header", "name": name, "to": value} for name, values in HEADERS.items() for value in values]
)
_STATUSES = some.sampled_from([{"do": "status", "to": status} for status in STATUSES])


def _changes(there: list[list[t.Any]]) -> some.SearchStrategy[Change]:
    """Any change; those of parts where the answer has parts."""
    if not there:
        return some.one_of(_TEXTS, _HEADERS, _STATUSES)
    safe = [way for way in there if not any("token" in str(step) or "url" in str(step) for step in way)]
    values = some.builds(_value, some.sampled_from(there), some.sampled_from(list(VALUES)))
    parts = some.builds(
        _part,
        some.sampled_from(PARTS[1:]),
        some.sampled_from(there),
        some.sampled_from(list(VALUES)),
        some.sampled_from(safe),
    )
    # Most of what can be wrong is in a value.
    return some.one_of(values, values, values, parts, parts, _TEXTS, _HEADERS, _STATUSES)


def _value(at: list[t.Any], to: str) -> Change:
    return {"do": "value", "at": at, "to": to}


def _part(do: str, at: list[t.Any], to: str, other: list[t.Any]) -> Change:
    """Without what this one does not need."""
    needs = {"add": {"to": to}, "swap": {"with": other}}
    return {"do": do, "at": at, **needs.get(do, {})}
