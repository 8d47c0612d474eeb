# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Apps and their operations (docs/contract.md section 2.1, A0, A12 and A13)."""

from __future__ import annotations

import typing as t

from .._change import Params, State
from .._errors import NotFound
from . import operation
from ._account import OfAccount, OfApp, describe_person
from ._fields import Fields, check_id


def describe(raw: object) -> State:
    """An app as the module returns it."""
    fields = Fields(raw, "an app")
    project = Fields(fields.part("project"), "the project of an app")
    return {
        "id": fields.identifier("id"),
        "name": fields.identifier("name"),
        "region": fields.identifier("region"),
        "status": fields.identifier("status"),
        "flags": fields.normal("flags", _flags),
        "owner": describe_person(fields.part("owner")),
        "project": {name: project.identifier(name) for name in ("id", "name")},
        "created_at": fields.instant("created_at"),
        "updated_at": fields.instant("updated_at"),
    }


def _flags(raw: t.Any) -> dict[str, bool]:
    if not isinstance(raw, dict) or not all(isinstance(value, bool) for value in raw.values()):
        raise ValueError("a flag of an app is neither true nor false")
    return raw


def describe_operation(raw: object) -> State:
    """An operation of an app as the module returns it."""
    return {**operation.describe(raw), "app_id": Fields(raw, "an operation").identifier("app_id")}


class AppInfo(OfAccount):
    """The apps of a region, or the one that is named; nothing when it is not there."""

    plural = "apps"
    reading = "list the apps"

    def items(self) -> list[State]:
        app = self.client.settings.app
        if app is None:
            return [describe(raw) for raw in self.client.main.list_apps()]
        try:
            return [describe(self.client.main.show_app(app))]
        except NotFound:
            return []


class AppOperationInfo(OfApp):
    """One operation of an app; nothing when the platform does not know it, or not any more."""

    plural = "operations"
    reading = "read the operation of the app"

    @classmethod
    def check(cls, params: Params) -> None:
        super().check(params)
        check_id("operation_id", params["operation_id"], "an operation")

    def items(self) -> list[State]:
        try:
            return [describe_operation(self.client.main.show_app_operation(self.app, self.params["operation_id"]))]
        except NotFound:
            # Both are told by the same status: that the operation is unknown, and that the app is.
            self.client.main.show_app(self.app)
            return []
