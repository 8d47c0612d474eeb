# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Instances of a database: what they are, and how they are (docs/contract.md sections 2.2, 2.15 and 3.6)."""

from __future__ import annotations

import typing as t

from .._api.database import show_database
from .._api.metric import list_instances_status, show_health
from .._change import Listing
from .._errors import UnexpectedAnswer
from .._step import Outcome, State
from ._engine import OfEngine

if t.TYPE_CHECKING:
    from .._client import Client


class InstanceInfo(OfEngine, Listing):
    """The instances, put together from the database and from their status; and the health of the cluster that they are."""

    engines = ("elasticsearch", "opensearch")
    subject = "health is known of Elasticsearch and OpenSearch only"

    plural = "instances"
    reading = "read the instances of the database"
    _health: State | None = None

    def perform(self, check_mode: bool) -> Outcome:
        outcome = super().perform(check_mode)
        outcome.result["health"] = self._health
        return outcome

    def items(self) -> list[State]:
        if self.params["health"]:
            self._health = self.ask(lambda: show_health(self.client))
        return instances_of(self.client, show_database(self.client))


def instances_of(client: Client, database: State) -> list[State]:
    """Return the instances of a database that was just read, with what their status says of them."""
    shown, statuses = database["instances"], list_instances_status(client)
    if any(item["id"] is None for item in [*shown, *statuses]):
        raise UnexpectedAnswer("an instance has no id, so its status cannot be told")
    instances = {item["id"]: {**item, "role": None, "dbms_status": None} for item in shown}
    for status in statuses:
        empty = {name: None for name in ("hostname", "port", "private_ip")}
        known = instances.setdefault(status["id"], {**empty, "features": [], "type": None, "status": None})
        known.update({name: value for name, value in status.items() if value is not None or name not in known})
    return list(instances.values())
