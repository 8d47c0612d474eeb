# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Any action by its name (docs/contract.md section 2.8), for what the platform adds after this collection."""

from __future__ import annotations

import typing as t

from .._api.action import DESTROYING, action, run_action
from .._change import Resource
from .._errors import InvalidInput
from .._options import check_form
from .._step import Params, State, Step


class Action(Resource[State]):
    """Runs an action. One that this collection does not know counts as a change, unless the task says that it only reads."""

    imperative = True
    reading = "run the action"

    @classmethod
    def parse(cls, params: Params) -> None:
        name = params["name"]
        form = r"[A-Za-z0-9]+([_-][A-Za-z0-9]+)*"
        check_form("name", name, form, "the name of an action: use for example list-databases")
        # No source says whether the platform takes other ways to write a name, so they count as the same here.
        meant = name.lower().replace("_", "-")
        if meant in DESTROYING:
            raise InvalidInput(
                f"the action {name} destroys something, and this module asks for no consent",
                hint=f"Use community.scalingo.{DESTROYING[meant]}.",
            )

    def __init__(self, *arguments: t.Any) -> None:
        super().__init__(*arguments)
        self._answer: t.Any = None
        self._reads_only = action(self.params["name"]).safe or bool(self.params["reads_only"])

    def read(self) -> State:
        if self._reads_only:
            self._run_action()
        else:
            # Nothing to read, but a database that is not there is told in check mode too.
            self.client.target.ready()
        return {}

    def wanted(self, before: State) -> State:
        return {}

    def steps(self, before: State, after: State) -> list[Step]:
        if self._reads_only:
            return []
        return [Step(f"run the action {self.params['name']}", send=self._run_action)]

    def _run_action(self) -> State:
        self._answer = run_action(self.client, self.params["name"], self.params["params"])
        return {}

    def result(self, state: State) -> dict[str, t.Any]:
        return {"result": self._answer}
