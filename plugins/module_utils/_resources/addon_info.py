# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""The addons of an app (docs/contract.md section 2.1)."""

from __future__ import annotations

from .._api.addon import ENGINES, engine_of, list_addons, listed, returned
from .._change import Listing
from .._errors import InvalidInput
from .._step import Params, State
from ._account import refuse_addon_token
from .addon import MANAGED

#: What to say of a kind that the platform lists and this collection does not know.
UNKNOWN = "The kind of databases %s is not known to this collection: it is taken as it is, and the platform decides what can be done with it."


class AddonInfo(Listing):
    """The addons of an app, all or those that the task names."""

    plural = "addons"
    target_needed = False
    reading = "list the addons of the app"

    @classmethod
    def parse(cls, params: Params) -> None:
        refuse_addon_token(params, MANAGED)
        if not params["app"]:
            raise InvalidInput("app is missing: whose addons are to be listed?")

    def items(self) -> list[State]:
        app, wanted = self.params["app"].strip(), (self.params["addon"] or "").strip().lower()
        addons = list_addons(self.client, app)
        found = [
            raw
            for raw in addons
            if not wanted or wanted in (raw["id"].lower(), engine_of(raw), raw["addon_provider"]["id"].lower())
        ]
        if not found:
            self.client.require_kind(wanted, f"It has: {listed(addons)}." if addons else "The app has no addon at all.")
        place = {"app": app, "region": self.client.region}
        return [{**place, **returned(raw), "is_database": self._is_database(str(engine_of(raw)))} for raw in found]

    def _is_database(self, kind: str) -> bool:
        """Whether a kind is one of databases. One that nobody here knows is looked up, once."""
        if kind in ENGINES:
            return True
        # A kind that is not listed any more may be a database as well: it is not left out for that.
        is_database = self.client.kinds().get(kind, True)
        if is_database:
            self.warn(UNKNOWN % kind)
        return is_database
