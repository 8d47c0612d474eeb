# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Metrics, health and status of a database and its instances (docs/contract.md, section 2.15)."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .. import _shapes
from .._answer import Answer
from .._route import DATABASE, READ, Raw, Route, Sender, bare
from .._shapes import (
    Part,
    Record,
    Unread,
    identifier,
    integer,
    list_of,
    mapping,
    normal,
    number,
    or_none,
    present,
    required,
    text,
)

_MEMORY = ("memory_usage", "swap_usage", "memory_limit", "swap_limit", "max_memory_usage", "max_swap_usage")
_INSTANCE = Record(
    instance_id=identifier,
    instance_address=identifier,
    real_disk_size=integer,
    cpu=Part(usage_in_percents=number),
    memory=Part(**dict.fromkeys(_MEMORY, integer)),
)


def _role(value: t.Any, place: str) -> str:
    """The leader is "leader" also where the platform says "master"."""
    return "leader" if text(value, place) == "master" else text(value, place)


def _whole(value: t.Any) -> int:
    if not re.fullmatch(r"[0-9]+", str(value), re.ASCII):
        raise ValueError(f"{value!r} is not a whole number")
    return int(value)


INSTANCE_STATUS = Record(id=required(text), type=identifier, status=present(text), role=_role, dbms_status=identifier)
#: What a cluster says of itself. The platform tells its numbers as texts.
HEALTH = Record(
    status=required(text),
    cluster=identifier,
    **dict.fromkeys(("shards", "pending_tasks", "epoch"), normal(_whole, "a whole number")),
)

NARROWER = "Ask for fewer hours with since, or for the last point with last."


_LISTED = Record(instance_id=required(text))


def _instances(found: t.Any, place: str) -> list[Raw | Unread]:
    """Those of the instances, which come by their id, or as a list (section 6, row 38)."""
    if isinstance(found, list):
        found = {_LISTED(item, f"{place}[{number}]")["instance_id"]: item for number, item in enumerate(found)}
    each = {name: _shapes.kept(_INSTANCE, item, f"{place}.{name}") for name, item in mapping(found, place).items()}
    return [
        item if isinstance(item, Unread) else {**item, "instance_id": or_none(item["instance_id"]) or name}
        for name, item in each.items()
    ]


#: Sizes are in bytes, the use of the processor in percent.
METRICS = Record(
    cpu_usage=number,
    memory=Part(**dict.fromkeys(("memory", "memory_max", "memory_limit", "swap", "swap_max", "swap_limit"), integer)),
    database_stats=_shapes.mapping,
    real_disk_size=integer,
    instances_metrics=_instances,
)


def _metrics(answer: Answer) -> Raw:
    body = mapping(answer.json(), "the body")
    if not any(name in body for name in METRICS.fields):
        raise _shapes.Mismatch("metrics", "the body", body)
    result = METRICS(body, "the body")
    empty: Raw = {"instances_metrics": [], "database_stats": {}}
    return {**result, **{name: value for name, value in empty.items() if result[name] is None}}


def _measured(type_name: str) -> t.Callable[[Answer], list[Raw]]:
    """Read a metric over time: under its root, under the only other one, or bare."""

    def read(answer: Answer) -> list[Raw]:
        body = answer.json()
        if isinstance(body, dict) and f"{type_name}_metrics" not in body and len(body) == 1:
            body = next(iter(body.values()))
        found = _shapes.under(f"{type_name}_metrics", check=list_of(mapping), bare=isinstance(body, list))
        return t.cast("list[Raw]", found(body))

    return read


#: Read the present metrics (S1). ``instances_metrics`` is a list.
show_metrics = DATABASE.route(
    "S1", "show_metrics", "GET /databases/{database}/metrics", READ, _metrics, doing="read the metrics"
)
_METRIC = DATABASE.route(
    "S2",
    "list_metric",
    "GET /databases/{database}/metrics/{type}",
    READ,
    bare(list_of(mapping)),
    doing="read the metric",
    narrower=NARROWER,
)
_INSTANCE_METRIC = DATABASE.route(
    "S3",
    "list_instance_metric",
    "GET /databases/{database}/instances/{instance}/metrics/{type}",
    READ,
    bare(list_of(mapping)),
    doing="read the metric",
    narrower=NARROWER,
)
#: Read the health of an Elasticsearch cluster (S4); its numbers are texts.
show_health = DATABASE.route(
    "S4", "show_health", "GET /databases/{database}/health", READ, bare(HEALTH), doing="read the health of the cluster"
)
#: Read the status of the instances (S5): id, type, status, role.
list_instances_status = DATABASE.route(
    "S5",
    "list_instances_status",
    "GET /databases/{database}/instances_status",
    READ,
    bare(list_of(INSTANCE_STATUS)),
    doing="read the status of the instances",
)


def list_metric(client: Sender, type_name: str, since: int | None = None, last: bool = False) -> list[Raw]:
    """Read a metric over time (S2): cpu, memory, swap, disk, diskio; ``since`` in hours."""
    return _over_time(client, _METRIC, since, last, type_name)


def list_instance_metric(
    client: Sender, instance_id: str, type_name: str, since: int | None = None, last: bool = False
) -> list[Raw]:
    """Read a metric of one instance over time (S3)."""
    return _over_time(client, _INSTANCE_METRIC, since, last, instance_id, type_name)


def _over_time(client: Sender, route: Route[t.Any], since: int | None, last: bool, *path: str) -> list[Raw]:
    read = dataclasses.replace(route, read=_measured(path[-1]))
    return t.cast("list[Raw]", read(client, *path, query={"since": since, "last": last or None}))
