# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Logs of a database (docs/contract.md, section 2.14). Their links are secrets."""

from __future__ import annotations

import typing as t

from .. import _shapes
from .._answer import Answer
from .._route import DATABASE, READ, Raw, Sender, under
from .._shapes import Field, Record, instant, integer, required, text
from . import _pages

LOG_ARCHIVE = Record(**{"from": Field(instant)}, to=instant, size=integer, url=required(text))


def _archives(answer: Answer) -> tuple[list[Raw], bool]:
    """One page: its items, and whether there are more."""
    body = _shapes.mapping(answer.json(), "the body")
    items = _shapes.under("archives", check=_shapes.list_of(LOG_ARCHIVE))(body)
    return items, bool(items) and body.get("has_more") is True


#: Return the link to the logs (L1): a secret; fetch it with Client.read_link.
show_logs_link = DATABASE.route(
    "L1",
    "show_logs_link",
    "GET /databases/{database}/logs",
    READ,
    under("url", check=text),
    doing="get the link to the logs",
)
_ARCHIVES = DATABASE.route(
    "L2",
    "list_log_archives",
    "GET /databases/{database}/logs_archives",
    READ,
    _archives,
    narrower="Ask for fewer archives with limit.",
)


def list_log_archives(client: Sender, limit: int | None = None) -> list[Raw]:
    """List the archives of the logs (L2): url (a secret), from, to, size; at most ``limit``."""
    found: list[Raw] = []
    seen: set[t.Any] = set()
    more = limit is None or limit > 0
    for page in range(1, _pages.PAGE_LIMIT + 1):
        if not more or (limit is not None and len(found) >= limit):
            return found[:limit]
        items, more = _ARCHIVES(client, query={"page": page})
        new = _pages.unseen(items, _identity, seen)
        found += new
        more = more and bool(new)
    if more and (limit is None or len(found) < limit):
        raise _pages.too_many(_ARCHIVES, client)
    return found[:limit]


def _identity(archive: Raw) -> tuple[t.Any, ...]:
    """What tells an archive from another: its link is signed anew each time, in its query."""
    return (*(_shapes.or_none(archive.get(name)) for name in ("from", "to")), archive["url"].split("?")[0])
