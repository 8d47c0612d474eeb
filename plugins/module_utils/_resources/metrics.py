# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Metrics of a database, present and past (docs/contract.md section 2.15)."""

from __future__ import annotations

from .._api.metric import list_instance_metric, list_metric, show_metrics
from .._change import Listing
from .._errors import AddonNotFound, InvalidInput, NotFound
from .._options import check_id
from .._step import Outcome, Params, State

SERIES = ("cpu", "memory", "swap", "disk", "diskio")


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
    def parse(cls, params: Params) -> None:
        if params["type"] is None:
            for name in ("instance_id", "since"):
                if params[name] is not None:
                    raise InvalidInput(f"{name} needs type: the present metrics are those of all instances")
            if params["last"]:
                raise InvalidInput("last needs type: without it, the present metrics are returned")
        check_id("instance_id", params["instance_id"], "an instance")
        if params["since"] is not None and params["since"] < 1:
            raise InvalidInput(f"since is {params['since']}: use a number of hours from 1 up")

    def items(self) -> list[State]:
        return [show_metrics(self.client)] if self.params["type"] is None else []

    def points(self) -> list[State]:
        name = self.params["type"]
        if name is None:
            return []
        if self.params["instance_id"] is None:
            points = list_metric(self.client, name, since=self.params["since"], last=self.params["last"])
        else:
            try:
                points = list_instance_metric(
                    self.client, self.params["instance_id"], name, since=self.params["since"], last=self.params["last"]
                )
            except NotFound as error:
                error.hint = error.hint or "community.scalingo.scalingo_instance_info lists the instances."
                raise
        return [dict(point) for point in points]
