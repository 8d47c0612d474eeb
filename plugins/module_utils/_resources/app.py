# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Apps and their operations (docs/contract.md section 2.1, A0, A12 and A13)."""

from __future__ import annotations

from .._api.app import list_apps, show_app, show_app_operation
from .._errors import NotFound
from .._options import check_id
from .._step import Params, State
from ._account import OfAccount, OfApp


class AppInfo(OfAccount):
    """The apps of a region, or the one that is named; nothing when it is not there."""

    plural = "apps"
    reading = "list the apps"

    def items(self) -> list[State]:
        app = self.client.settings.app
        if app is None:
            return list_apps(self.client)
        try:
            return [show_app(self.client, app)]
        except NotFound:
            return []


class AppOperationInfo(OfApp):
    """One operation of an app; nothing when the platform does not know it, or not any more."""

    plural = "operations"
    reading = "read the operation of the app"

    @classmethod
    def parse(cls, params: Params) -> None:
        super().parse(params)
        check_id("operation_id", params["operation_id"], "an operation")

    def items(self) -> list[State]:
        try:
            return [show_app_operation(self.client, self.app, self.params["operation_id"])]
        except NotFound:
            # Both are told by the same status: that the operation is unknown, and that the app is.
            show_app(self.client, self.app)
            return []
