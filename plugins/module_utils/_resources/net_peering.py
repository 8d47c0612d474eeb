# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Net peerings of databases with dedicated resources (docs/contract.md sections 2.1 and 3.8).

They are routes of the main API, which knows such a database by its app: by its name, or its ID.
"""

from __future__ import annotations

import typing as t

from .._api.addon import ENGINES, is_addon_id, kind_of
from .._api.dedicated import (
    NET_PEERING,
    create_net_peering,
    delete_net_peering,
    list_net_peerings,
    show_net_peering,
    show_network_configuration,
)
from .._change import Listing, Resource
from .._errors import InvalidInput, NotFound, StepFailed, UnexpectedAnswer
from .._options import check_form, check_id
from .._step import Outcome, Params, State, Step
from ._account import OfMain
from ._engine import DEDICATED

ACTIVE = "active"
DELETED = "deleted"

SUBJECT = "net peerings exist on databases with dedicated resources only"


class _WithNetwork(OfMain):
    """Asks the main API about the network of the database that `app` names."""

    things = "net peerings"
    target_needed = False
    reading = "list the net peerings"

    @classmethod
    def parse(cls, params: Params) -> None:
        super().parse(params)
        if not (params["app"] or "").strip():
            raise InvalidInput(
                "app is missing: which database is meant?", hint="Give the name of the database, or its ID."
            )
        addon = (params["addon"] or "").strip()
        if addon and not is_addon_id(addon) and kind_of(addon) in ENGINES and kind_of(addon) != DEDICATED:
            raise InvalidInput(
                f"{SUBJECT}, and addon is {addon}",
                hint=f"Leave addon out: app alone names the database. Where addon is set for all tasks, it is {DEDICATED}.",
            )

    @property
    def _database(self) -> str:
        return str(self.params["app"]).strip()

    def peerings(self) -> list[State]:
        """All net peerings that the platform shows, those that are deleted included."""
        try:
            return list_net_peerings(self.client, self._database)
        except NotFound as error:
            error.hint = (
                f"{SUBJECT.capitalize()}. Check the name of the database, which is given in app, and the region."
            )
            raise


class NetPeering(_WithNetwork, Resource[State]):
    """One net peering, present or absent. The state holds it, or none: one that is deleted is absent for good."""

    def __init__(self, *arguments: t.Any) -> None:
        super().__init__(*arguments)
        #: By their ID: those that the platform shows as deleted, the one that was made, and the one that may go on its own.
        self._deleted: set[str] = set()
        self._made: set[str] = set()
        self._left: set[str] = set()

    @classmethod
    def parse(cls, params: Params) -> None:
        super().parse(params)
        meant = "the ID of a net peering: use for example pcx-12345678"
        check_form("outscale_net_peering_id", params["outscale_net_peering_id"].strip(), r"[\x21-\x7e]+", meant)

    @property
    def _named(self) -> str:
        return str(self.params["outscale_net_peering_id"]).strip()

    # -- what is there, and what is wanted ---------------------------------------------------------------------------

    def read(self) -> State:
        shown = self.peerings()
        if any(None in (item["id"], item["outscale_net_peering_id"]) for item in shown):
            raise UnexpectedAnswer(
                "a net peering has no id or no outscale_net_peering_id, so it cannot be told from another"
            )
        named = [item for item in shown if item["outscale_net_peering_id"] == self._named]
        self._deleted = {item["id"] for item in named if item["status"] == DELETED}
        found = [item for item in named if item["id"] not in self._deleted | self._left]
        others = [item["id"] for item in found if item["id"] not in self._made]
        if self._made and others:
            raise StepFailed(
                "this task made the net peering {}, and another run made {} at the same time, both for {}".format(
                    ", ".join(self._made), ", ".join(others), self._named
                ),
                hint="One of them is not needed: ask Scalingo's support to remove it.",
            )
        found.sort(key=lambda item: item["status"] != ACTIVE)
        return {"net_peering": found[0] if found else None}

    def wanted(self, before: State) -> State:
        if self.params["state"] == "absent":
            return {"net_peering": None}
        current = before["net_peering"]
        if current is None:
            current = {**NET_PEERING.empty(), "outscale_net_peering_id": self._named}
        return {"net_peering": {**current, "status": ACTIVE} if self.params["wait"] else current}

    def managed(self, state: State) -> dict[str, t.Any]:
        peering = state["net_peering"]
        return {} if peering is None else {"outscale_net_peering_id": peering["outscale_net_peering_id"]}

    def result(self, state: State) -> dict[str, t.Any]:
        return state

    # -- the steps ---------------------------------------------------------------------------------------------------

    def steps(self, before: State, after: State) -> list[Step]:
        current, planned = before["net_peering"], after["net_peering"]
        if planned is None:
            return [] if current is None else [self._delete(current)]
        if current is None:
            return [self._create()]
        if current["status"] == planned["status"]:
            return []
        sentence = f"wait for the net peering {self._named}, which is {current['status']}"
        return [Step(sentence, follow=self._active, counts=False)]

    def _create(self) -> Step:
        def send() -> None:
            self._made.add(create_net_peering(self.client, self._database, self._named)["id"])

        return Step(
            f"create the net peering {self._named}",
            send=send,
            follow=self._active if self.params["wait"] else None,
            happened=lambda state: state["net_peering"] is not None,
        )

    def _delete(self, peering: State) -> Step:
        def send() -> None:
            delete_net_peering(self.client, self._database, peering["id"])
            if not self.params["wait"]:
                # Accepted, and nobody waits for its end: it counts as absent, in whatever status it is shown.
                self._left.add(peering["id"])

        return Step(
            f"delete the net peering {self._named}",
            send=send,
            follow=self._gone if self.params["wait"] else None,
            happened=lambda state: state["net_peering"] is None,
            resend=True,
        )

    # -- waiting -----------------------------------------------------------------------------------------------------

    def _active(self) -> State:
        """Wait until the net peering is active. One that was seen and is deleted now never will be."""
        seen = set(self._made)

        def done(state: State) -> bool:
            peering = state["net_peering"]
            if peering is not None:
                seen.add(peering["id"])
                return bool(peering["status"] == ACTIVE)
            if seen & self._deleted:
                raise StepFailed(
                    f"the platform shows the net peering {self._named} as deleted",
                    hint="It cannot be used again: look in Outscale why, and ask for a new one.",
                )
            return False

        return self._watch("creation of the net peering", done)

    def _gone(self) -> State:
        return self._watch("deletion of the net peering", lambda state: state["net_peering"] is None)

    def _watch(self, what: str, done: t.Callable[[State], bool]) -> State:
        def status(state: State) -> str:
            peering = state["net_peering"]
            return "not listed" if peering is None else str(peering["status"])

        return self.wait_until(
            self.read,
            done,
            what=what,
            identifier=self._named,
            status=status,
        )


class NetPeeringInfo(_WithNetwork, Listing):
    """The net peerings of a database, all or one. On demand with what one has to know to ask for another."""

    plural = "net_peerings"
    _configuration: State | None = None

    @classmethod
    def parse(cls, params: Params) -> None:
        super().parse(params)
        check_id("net_peering_id", params["net_peering_id"], "a net peering")

    def perform(self, check_mode: bool) -> Outcome:
        outcome = super().perform(check_mode)
        outcome.result["network_configuration"] = self._configuration
        return outcome

    def items(self) -> list[State]:
        wanted = self.params["net_peering_id"]
        found = self.peerings() if wanted is None else self._one(wanted)
        if self.params["network_configuration"]:
            self._configuration = show_network_configuration(self.client, self._database)
        return found

    def _one(self, wanted: str) -> list[State]:
        try:
            return [show_net_peering(self.client, self._database, wanted)]
        except NotFound:
            # It may be the database that is missing: then the list is not found either, and that is an error.
            return [item for item in self.peerings() if item["id"] == wanted]
