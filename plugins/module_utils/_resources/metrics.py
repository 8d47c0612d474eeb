# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Metrics of a database, present and past (docs/contract.md section 2.15)."""

from __future__ import annotations

from .._change import Listing, Outcome, Params, State
from .._errors import AddonNotFound, InvalidInput, NotFound
from .._shapes import or_none
from ._fields import Fields, check_id

SERIES = ("cpu", "memory", "swap", "disk", "diskio")


def describe(raw: object) -> State:
    """The present metrics. Sizes are in bytes, the use of the processor in percent."""
    fields = Fields(raw, "the metrics")
    memory = Fields(fields.part("memory"), "the memory metrics")
    return {
        "cpu_usage": fields.decimal("cpu_usage"),
        "memory": {
            name: memory.number(name)
            for name in ("memory", "memory_max", "memory_limit", "swap", "swap_max", "swap_limit")
        },
        "database_stats": fields.part("database_stats"),
        "real_disk_size": fields.number("real_disk_size"),
        "instances_metrics": fields.normal(
            "instances_metrics", lambda found: [_instance(identifier, item) for identifier, item in found.items()]
        ),
    }


def _instance(identifier: str, raw: object) -> State:
    fields = Fields(raw, "the metrics of an instance")
    memory = Fields(fields.part("memory"), "the memory metrics of an instance")
    processor = Fields(fields.part("cpu"), "the processor metrics of an instance")
    return {
        "instance_id": or_none(fields.identifier("instance_id")) or identifier,
        "instance_address": fields.identifier("instance_address"),
        "real_disk_size": fields.number("real_disk_size"),
        "cpu": {"usage_in_percents": processor.decimal("usage_in_percents")},
        "memory": {
            name: memory.number(name)
            for name in (
                "memory_usage",
                "swap_usage",
                "memory_limit",
                "swap_limit",
                "max_memory_usage",
                "max_swap_usage",
            )
        },
    }


class MetricsInfo(Listing):
    """The present metrics as a list of one, or one series over the last hours."""

    plural = "metrics"
    reading = "read the metrics of the database"

    def perform(self, check_mode: bool) -> Outcome:
        outcome = super().perform(check_mode)
        try:
            outcome.result["points"] = self.points()
        except AddonNotFound as error:
            self.client.require_kind(self.client.settings.addon, error.hint)
            outcome.result["points"] = []
        return outcome

    @classmethod
    def check(cls, params: Params) -> None:
        if params["type"] is None:
            for name in ("instance_id", "since"):
                if params[name] is not None:
                    raise InvalidInput(f"{name} needs type: the present metrics are those of all instances")
            if params["last"]:
                raise InvalidInput("last needs type: without it, the present metrics are returned")
        if params["instance_id"] is not None:
            check_id("instance_id", params["instance_id"], "an instance")
        if params["since"] is not None and params["since"] < 1:
            raise InvalidInput("since is %d: use a number of hours from 1 up" % params["since"])

    def items(self) -> list[State]:
        return [describe(self.client.database.show_metrics())] if self.params["type"] is None else []

    def points(self) -> list[State]:
        database, name = self.client.database, self.params["type"]
        if name is None:
            return []
        if self.params["instance_id"] is None:
            points = database.list_metric(name, since=self.params["since"], last=self.params["last"])
        else:
            try:
                points = database.list_instance_metric(
                    self.params["instance_id"], name, since=self.params["since"], last=self.params["last"]
                )
            except NotFound as error:
                error.hint = error.hint or "community.scalingo.scalingo_instance_info lists the instances."
                raise
        return [dict(point) for point in points]
