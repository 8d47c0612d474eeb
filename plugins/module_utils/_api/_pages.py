# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Walking the pages of a list (docs/contract.md, section 5). Part of a list is never taken for all of it."""

from __future__ import annotations

import itertools
import typing as t

from .. import _shapes
from .._answer import Answer
from .._errors import UnexpectedAnswer
from .._route import Raw, Route, Sender

# What is asked for per page; the most that the API gives is not stated.
PAGE_SIZE = 50
PAGE_LIMIT = 1000

#: The items of a page, and the number of the page after it as the answer tells it.
Page = tuple[list[Raw], t.Optional[int]]


def pages_of(root: str, check: _shapes.Check) -> t.Callable[[Answer], Page]:
    """Read one page: its items, and the number of the next page or None. The numbers may be nested in ``pagination``."""

    def read(answer: Answer) -> Page:
        body = _shapes.mapping(answer.json(), "the body")
        items = _shapes.under(root, check=_shapes.list_of(check))(body)
        meta = _shapes.mapping(body.get("meta") or {}, "meta")
        numbers = _shapes.mapping(meta.get("pagination") or meta, "meta.pagination")
        following = numbers.get("next_page")
        if following is None or not items:
            return items, None
        return items, _shapes.integer(following, "next_page")

    return read


def walk(
    client: Sender,
    route: Route[Page],
    limit: int | None,
    past: t.Callable[[Raw], bool] = lambda dummy: False,
    *path: str,
) -> t.Iterator[Raw]:
    """Yield the items of all pages, asking for a page only when the one before it is used up.

    What is made meanwhile moves the pages on, so an item whose id was seen is dropped. A page without a new one, or
    whose last item is ``past``, is the last; a next page that is not further on is none.
    """
    size = PAGE_SIZE if limit is None else min(PAGE_SIZE, limit)
    page = 1
    seen: set[t.Any] = set()
    for dummy in range(PAGE_LIMIT):
        items, following = route(client, *path, query={"page": page, "per_page": size})
        new = unseen(items, lambda item: _shapes.or_none(item.get("id")), seen)
        yield from new
        if following is None or following <= page or not new or past(items[-1]):
            return
        page = following
    raise too_many(route, client)


def paged(client: Sender, route: Route[Page], limit: int | None) -> list[Raw]:
    """Return the items of all pages, at most ``limit``; a limit of 0 or less costs no request."""
    if limit is not None and limit <= 0:
        return []
    return list(itertools.islice(walk(client, route, limit), limit))


def too_many(route: Route[t.Any], client: Sender) -> UnexpectedAnswer:
    """Return the error for a list that does not end."""
    return UnexpectedAnswer(
        f"the list has more than {PAGE_LIMIT} pages, which is the most that are read",
        doing=route.doing,
        subject=client.described(),
        hint=route.narrower,
    )


def unseen(items: list[Raw], identity: t.Callable[[Raw], t.Any], seen: set[t.Any]) -> list[Raw]:
    """Return the items that were not ``seen`` yet, and note them. One without an identity is always new."""
    new = []
    for item in items:
        key = identity(item)
        if key is None or key not in seen:
            new.append(item)
        if key is not None:
            seen.add(key)
    return new
