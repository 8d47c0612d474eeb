# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Instances of a database: what they are, and how they are (docs/contract.md sections 2.2, 2.15 and 3.6)."""

from __future__ import annotations

import re
import typing as t

from .._change import Listing, Outcome, State
from .._errors import UnexpectedAnswer
from . import database
from ._engine import OfEngine
from ._fields import Fields


def describe_status(raw: object) -> State:
    """The status of one instance. The leader is V(leader) also where the platform says V(master)."""
    fields = Fields(raw, "the status of an instance")
    return {
        "id": fields.identifier("id"),
        "type": fields.identifier("type"),
        "status": fields.identifier("status"),
        "role": fields.normal("role", _role),
        "dbms_status": fields.identifier("dbms_status"),
    }


def describe_health(raw: object) -> State:
    """What a cluster says of itself. The platform tells its numbers as texts."""
    fields = Fields(raw, "the health of the cluster")
    numbers = {name: fields.normal(name, _whole) for name in ("shards", "pending_tasks", "epoch")}
    return {"status": fields.identifier("status"), "cluster": fields.identifier("cluster"), **numbers}


def _role(value: t.Any) -> str:
    if not isinstance(value, str):
        raise ValueError("not text")
    return "leader" if value == "master" else value


def _whole(value: t.Any) -> int:
    if not re.fullmatch(r"[0-9]+", str(value), re.ASCII):
        raise ValueError(f"{value!r} is not a whole number")
    return int(value)


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
            self._health = describe_health(self.ask(self.client.database.show_health))
        shown = database.describe(self.client.database.show_database())["instances"]
        statuses = [describe_status(raw) for raw in self.client.database.list_instances_status()]
        if any(item["id"] is None for item in [*shown, *statuses]):
            raise UnexpectedAnswer("an instance has no id, so its status cannot be told")
        instances = {item["id"]: {**item, "role": None, "dbms_status": None} for item in shown}
        for status in statuses:
            empty = {name: None for name in ("hostname", "port", "private_ip")}
            known = instances.setdefault(status["id"], {**empty, "features": [], "type": None, "status": None})
            known.update({name: value for name, value in status.items() if value is not None or name not in known})
        return list(instances.values())
