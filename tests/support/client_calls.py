# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The calls of client_calls.yml, how each client writes them, and a checker as strict as Go's JSON decoder.

The clients, in the short names of docs/contract.md section 0: the Go client with the command line and the Terraform
provider on top of it (GO, CLI, TF), the JavaScript client of the newer dashboard (JS), the Ruby client (RB), and two
programs of third parties (3P-watcher, 3P-pix).

A shape, what a client reads from an answer, is one of

- a word: ``string``, ``bool``, ``int`` and ``uint`` (64 bits, digits only: Go refuses ``1.0`` and ``1e3`` for an integer),
  ``number``, ``time`` (RFC 3339 with an offset, the only form Go's time.Time reads), ``null``, ``anything``;
- the name of a shape, from ``shapes`` of the file;
- one of these with `` or null``, and in a field with `` or missing`` too;
- a mapping of field to shape: an object with at least these fields, as no client minds a field more. ``...`` names a shape
  whose fields are there too, and ``*`` is every field of an object whose keys are not known;
- a list of one shape: an array with at least one row, or with as many as the number behind the shape.

``send`` writes a request as it is told to, byte by byte: no library tidies it up.
"""

from __future__ import annotations

import dataclasses
import http.client
import json
import re
import ssl
import urllib.parse
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

_DATA: dict[str, Any] = yaml.safe_load(Path(__file__).with_suffix(".yml").read_text(encoding="utf-8"))
SEED: dict[str, Any] = _DATA["seed"]
GO_EVENTS: dict[str, Any] = _DATA["events"]
GO_ERRORS: dict[int, Any] = _DATA["errors"]
FORMS: dict[str, Any] = _DATA["forms"]
SEQUENCES: dict[str, list[Any]] = _DATA["terraform"]["sequences"]
FLOWS: list[dict[str, Any]] = _DATA["terraform"]["flows"]
FAILURES: list[Any] = _DATA["failures"]
#: Whether the checker takes it, a shape, and a text of JSON.
CHECKED = [(taken, shape, text) for taken, rows in _DATA["checked"].items() for shape, *texts in rows for text in texts]
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_INTEGER = re.compile(r"-?\d+")
NO_BODY = object()


@dataclasses.dataclass(frozen=True)
class Dialect:
    """How a client writes a request."""

    name: str
    always: tuple[tuple[str, str], ...]
    """Headers of every request."""
    with_body: tuple[tuple[str, str], ...] = ()
    """Headers of a request with a body."""
    without_body: tuple[tuple[str, str], ...] = ()
    """Headers of a POST or PATCH without one."""
    empty_query: bool = False
    """Whether ``?`` is written after the path of a GET or DELETE without parameters."""
    empty_body: bool = False
    """Whether a POST or PATCH without parameters has the body ``{}``."""


_JSON = ("Content-Type", "application/json")
_FORM = ("Content-Type", "application/x-www-form-urlencoded")
_NOTHING = ("Content-Length", "0")

# The command line and the Terraform provider only change the name in User-Agent.
GO = Dialect(
    "go",
    (("User-Agent", "Scalingo CLI v1.48.0"), ("Accept", "application/json"), _JSON, ("Accept-Encoding", "gzip")),
    empty_query=True,
    empty_body=True,
)
TERRAFORM = dataclasses.replace(
    GO, name="terraform", always=(("User-Agent", "Scalingo Terraform Provider v2.7.4"), *GO.always[1:])
)
# axios: a POST without data is announced as an empty form.
JAVASCRIPT = Dialect(
    "js",
    (
        ("Accept", "application/json, text/plain, */*"),
        ("User-Agent", "Scalingo Javascript Client"),
        ("Accept-Encoding", "gzip, compress, deflate, br"),
    ),
    with_body=(_JSON,),
    without_body=(_FORM, _NOTHING),
)
# Faraday on Net::HTTP: the same.
RUBY = Dialect(
    "ruby",
    (
        ("User-Agent", "Scalingo Ruby Client v4.0.0"),
        ("Accept", "application/json"),
        ("Accept-Encoding", "gzip;q=1.0,deflate;q=0.6,identity;q=0.3"),
    ),
    with_body=(_JSON,),
    without_body=(_FORM, _NOTHING),
)
# fetch of Node.js: no Content-Type without a body.
WATCHER = Dialect(
    "watcher",
    (
        ("Accept", "application/json"),
        ("Accept-Language", "*"),
        ("Sec-Fetch-Mode", "cors"),
        ("User-Agent", "node"),
        ("Accept-Encoding", "gzip, deflate"),
    ),
    with_body=(_JSON,),
    without_body=(_NOTHING,),
)
PIX = Dialect(
    "pix",
    (
        ("Accept", "application/json, text/plain, */*"),
        ("User-Agent", "axios/1.15.0"),
        ("Accept-Encoding", "gzip, compress, deflate, br"),
    ),
    with_body=(_JSON,),
    empty_body=True,
)

DIALECTS = {dialect.name: dialect for dialect in (GO, JAVASCRIPT, RUBY, WATCHER, PIX)}


@dataclasses.dataclass(frozen=True)
class Call:
    """One call: what is sent, and what must come back."""

    dialect: Dialect
    name: str
    route: str
    host: str
    method: str
    path: str
    reads: Any = None
    """The shape of the answer's body; None: it must be empty."""
    status: int = 200
    body: Any = NO_BODY
    engine: str = "mysql"
    bearer: bool = True
    needs: Sequence[str] = ()
    """What the test does before: see test_client_shapes.py."""
    gives: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    """Values in the answer, by path."""
    answer_headers: Sequence[str] = ()
    keeps: Mapping[str, str] = dataclasses.field(default_factory=dict)
    """What a flow remembers of the answer: places by name; of a header, its path."""
    keeps_headers: Mapping[str, str] = dataclasses.field(default_factory=dict)
    more_keys: bool = True
    """Whether the body may have keys that ``reads`` does not name."""

    @property
    def title(self) -> str:
        return f"{self.dialect.name}-{self.route}-{self.name.replace(' ', '_')}"


def call_of(dialect: Dialect, name: str, route: str, host: str, request: str, reads: Any = None, *more: Any) -> Call:
    fields: dict[str, Any] = {"more_keys": dialect is not RUBY}
    for pair in more:
        fields.update(pair)
    method, path = request.split(" ", 1)
    return Call(dialect, name, route, host, method, path, reads, **fields)


def _in_another_form(name: str, of: str, host: str, prefix: str, but: Sequence[str]) -> list[Call]:
    """The calls of the database API as a client makes them that sends them elsewhere."""
    dialect = dataclasses.replace(DIALECTS[of], name=name)
    calls = (call_of(dialect, *row) for row in _DATA["calls"][of])
    return [
        dataclasses.replace(call, host=host, path=prefix + call.path.removeprefix("/api"))
        for call in calls
        if call.host == "db" and call.route not in but
    ]


CALLS = (
    *(call_of(DIALECTS[name], *row) for name, rows in _DATA["calls"].items() for row in rows),
    *(call for name, form in FORMS.items() for call in _in_another_form(name, **form)),
)


class Number(str):
    """A JSON number as it was written."""


def decoded(text: str) -> Any:
    """JSON with its numbers as they were written; no key twice, nothing that is not JSON."""

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        names = [name for name, dummy in found]
        if len(names) != len(set(names)):
            raise ValueError(f"a key stands twice in {names}")
        return dict(found)

    def refused(text: str) -> Any:
        raise ValueError(f"{text} is not JSON")

    return json.loads(text, parse_int=Number, parse_float=Number, parse_constant=refused, object_pairs_hook=pairs)


def _is_time(value: Any) -> bool:
    if not isinstance(value, str) or isinstance(value, Number) or not _TIME.fullmatch(value):
        return False
    try:
        datetime.fromisoformat(re.sub(r"\.\d+", "", value))
    except ValueError:
        return False
    return True


def _is_integer(value: Any, least: int, most: int) -> bool:
    return isinstance(value, Number) and bool(_INTEGER.fullmatch(value)) and least <= int(value) <= most


_WORDS = {
    "string": lambda value: isinstance(value, str) and not isinstance(value, Number),
    "bool": lambda value: isinstance(value, bool),
    "int": lambda value: _is_integer(value, -(2**63), 2**63 - 1),
    "uint": lambda value: _is_integer(value, 0, 2**64 - 1),
    "number": lambda value: isinstance(value, Number),
    "time": _is_time,
    "null": lambda value: value is None,
    "anything": lambda value: True,
}


def _fields(shape: Mapping[str, Any]) -> dict[str, Any]:
    inherited = _fields(_DATA["shapes"][shape["..."]]) if "..." in shape else {}
    return {**inherited, **{name: inner for name, inner in shape.items() if name != "..."}}


def complaints(shape: Any, value: Any, where: str = "$", *, more_keys: bool = True) -> list[str]:
    """Everything in ``value`` (from ``decoded``) that ``shape`` would not take."""
    if isinstance(shape, str):
        word = shape.removesuffix(" or missing")
        if value is None and word.endswith(" or null"):
            return []
        word = word.removesuffix(" or null")
        if word in _DATA["shapes"]:
            return complaints(_DATA["shapes"][word], value, where)
        return [] if _WORDS[word](value) else [f"{where}: not of type {word}: {value!r}"]
    if isinstance(shape, list):
        if not isinstance(value, list):
            return [f"{where}: not an array: {value!r}"]
        least = shape[1] if len(shape) > 1 else 1
        few = [f"{where}: {len(value)} rows, at least {least} are needed"] if len(value) < least else []
        return few + [
            text for number, item in enumerate(value) for text in complaints(shape[0], item, f"{where}[{number}]")
        ]
    if not isinstance(value, dict):
        return [f"{where}: not an object: {value!r}"]
    if "*" in shape:
        return [text for key, item in value.items() for text in complaints(shape["*"], item, f"{where}.{key}")]
    fields = _fields(shape)
    found = [] if more_keys else [f"{where}: unexpected {name}" for name in sorted(set(value) - set(fields))]
    for field, inner in fields.items():
        if field in value:
            found += complaints(inner, value[field], f"{where}.{field}")
        elif not str(inner).endswith(" or missing"):
            found.append(f"{where}.{field}: missing")
    return found


@dataclasses.dataclass(frozen=True)
class RawAnswer:
    status: int
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode("utf-8")

    def json(self) -> Any:
        return decoded(self.text)

    def plain(self) -> Any:
        """The body with ordinary numbers."""
        return json.loads(self.text)


def send(
    url: str,
    method: str,
    target: str,
    headers: Sequence[tuple[str, str]],
    body: bytes | None = None,
    *,
    ca_file: str | None = None,
) -> RawAnswer:
    """Send to the host of ``url`` a request with exactly this target, these headers and this body; Host comes on top."""
    parts = urllib.parse.urlsplit(url)
    connection: http.client.HTTPConnection
    if parts.scheme == "https":
        context = ssl.create_default_context(cafile=ca_file)
        connection = http.client.HTTPSConnection(parts.netloc, timeout=10, context=context)
    else:
        connection = http.client.HTTPConnection(parts.netloc, timeout=10)
    try:
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders(body)
        answer = connection.getresponse()
        return RawAnswer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    finally:
        connection.close()
