# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""What happened to apps and their databases (docs/contract.md section 2.1, A14 and A19)."""

from __future__ import annotations

import dataclasses
import itertools
import typing as t

from .. import _canon
from .._api.event import list_events, type_of
from .._options import check_count, check_form, parsed
from .._step import Params, State
from ._account import OfAccount


@dataclasses.dataclass(frozen=True)
class Asked:
    """Since when ("" for any time), and the types of events; none for all."""

    since: str
    types: frozenset[str | None]


class EventInfo(OfAccount):
    """The events of an app, or of all apps of a region, newest first as the platform lists them."""

    plural = "events"
    reading = "read the events"

    asked: Asked

    @classmethod
    def parse(cls, params: Params) -> Asked:
        super().parse(params)
        check_count("limit", params["limit"])
        for name in params["types"] or ():
            meant = "the name of a type of events: use for example upgrade_database"
            check_form("types", name, r"[a-z0-9_/-]+", meant)
        types = frozenset(type_of(name) for name in params["types"] or ())
        return Asked(parsed(params, "since", _canon.instant) or "", types)

    def items(self) -> list[State]:
        return list(itertools.islice(self._wanted(), self.params["limit"]))

    def _wanted(self) -> t.Iterator[State]:
        types, since = self.asked.types, self.asked.since

        def is_older(event: State) -> bool:
            created_at = event["created_at"]
            return bool(since) and created_at is not None and created_at < since

        # With types the number of events to walk is not known beforehand.
        limit = None if types else self.params["limit"]
        for event in list_events(self.client, self.client.settings.app, limit, is_older):
            if not is_older(event) and (not types or event["type"] in types):
                yield event
