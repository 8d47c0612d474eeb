# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What other people's clients read from an answer, as data, and a checker as strict as Go's JSON decoder.

A shape is one of

- a word: ``string``, ``bool``, ``int`` and ``uint`` (64 bits, digits only: Go refuses ``1.0`` and ``1e3`` for an integer),
  ``number``, ``time`` (RFC 3339 with an offset, the only form Go's time.Time reads), ``null``, ``anything``;
- a mapping of field to shape: an object with at least these fields, as no client minds a field more;
- ``ListOf``, ``MapOf``, ``OrNull`` around another shape;
- ``Optional`` around the shape of a field that may be missing;
- ``Only`` around a mapping: an object with these fields and no other.

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
from typing import Any

_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")
_INTEGER = re.compile(r"-?\d+")


@dataclasses.dataclass(frozen=True)
class ListOf:
    """A JSON array; ``least`` is how many rows there must be for the check to mean something."""

    of: Any
    least: int = 1


@dataclasses.dataclass(frozen=True)
class MapOf:
    """A JSON object whose keys are not known beforehand."""

    of: Any


@dataclasses.dataclass(frozen=True)
class OrNull:
    of: Any


@dataclasses.dataclass(frozen=True)
class Optional:
    of: Any


@dataclasses.dataclass(frozen=True)
class Only:
    of: Mapping[str, Any]


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


def complaints(shape: Any, value: Any, where: str = "$") -> list[str]:
    """Everything in ``value`` (from ``decoded``) that ``shape`` would not take."""
    if isinstance(shape, OrNull):
        return [] if value is None else complaints(shape.of, value, where)
    if isinstance(shape, Optional):
        return complaints(shape.of, value, where)
    if isinstance(shape, ListOf):
        if not isinstance(value, list):
            return [f"{where}: not an array: {value!r}"]
        few = [f"{where}: {len(value)} rows, at least {shape.least} are needed"] if len(value) < shape.least else []
        return few + [
            text for number, item in enumerate(value) for text in complaints(shape.of, item, f"{where}[{number}]")
        ]
    if isinstance(shape, MapOf):
        if not isinstance(value, dict):
            return [f"{where}: not an object: {value!r}"]
        return [text for key, item in value.items() for text in complaints(shape.of, item, f"{where}.{key}")]
    if isinstance(shape, Only):
        more = sorted(set(value) - set(shape.of)) if isinstance(value, dict) else []
        return [f"{where}: unexpected {name}" for name in more] + complaints(shape.of, value, where)
    if isinstance(shape, Mapping):
        if not isinstance(value, dict):
            return [f"{where}: not an object: {value!r}"]
        found = []
        for field, inner in shape.items():
            if field in value:
                found += complaints(inner, value[field], f"{where}.{field}")
            elif not isinstance(inner, Optional):
                found.append(f"{where}.{field}: missing")
        return found
    return [] if _WORDS[shape](value) else [f"{where}: not of type {shape}: {value!r}"]


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
