# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Addons: the databases of an app, from provisioning to destruction (docs/contract.md sections 2.1 and 3.7).

A database with dedicated resources is an app of its own with one addon, made and destroyed by routes of its own.
"""

from __future__ import annotations

import re
import typing as t

from .. import _canon
from .._api.addon import (
    ADDON,
    create_addon,
    delete_addon,
    engine_of,
    is_addon_id,
    list_addon_providers,
    list_addons,
    list_plans,
    resume_addon,
    returned,
    update_addon_plan,
)
from .._api.database import show_database
from .._api.dedicated import create_dedicated_database, delete_dedicated_database
from .._busy import RESUME, busy_reason, is_ready, is_stopped
from .._change import Resource
from .._errors import AddonNotFound, Conflict, InvalidInput, NotFound, ScalingoError, StepFailed
from .._options import parsed
from .._shapes import or_none
from .._step import Consent, Interrupted, Outcome, Params, State, Step
from .._target import choose_addon
from ._account import refuse_addon_token
from ._engine import DEDICATED
from .connection import OPEN_SECRET, READING, connection_of
from .version import require_version

RUNNING = "running"
SUSPENDED = "suspended"
MANAGED = "addons are managed through the main API"

#: How many times `wait_interval` an idle database is looked at that does not show its new plan, before that is a failure.
PATIENCE = 6


class Addon(Resource[t.Optional[State]]):
    """One addon of an app, present or absent. The state is the addon, or none."""

    fresh_lookup = True
    reading = "list the addons of the app"
    asks_for_secret = "secrets"

    asked: _canon.Version | None

    @classmethod
    def parse(cls, params: Params) -> _canon.Version | None:
        """The version of a new database, or its first components."""
        refuse_addon_token(params, MANAGED, "api_token, app and addon")
        wanted = parsed(params, "version", _canon.version)
        if params["resume"] and params["state"] == "absent":
            raise InvalidInput("resume contradicts 'state: absent': use one of the two")
        if params["connection"] and params["state"] == "absent":
            raise InvalidInput("connection contradicts 'state: absent': there is nothing to connect to")
        if params["secrets"] and not params["connection"]:
            raise InvalidInput("secrets are part of the connection: add 'connection: true'")
        return wanted

    def __init__(self, *arguments: t.Any) -> None:
        super().__init__(*arguments)
        self._new_plan: State | None = None
        self._database: State | None = None
        #: The addon that the task means, as soon as there is one, and those of the app before it sent anything.
        self._id: str | None = None
        self._earlier: frozenset[str] = frozenset()
        self._made = False

    @property
    def _app(self) -> str:
        return str(self.params["app"]).strip()

    @property
    def _named(self) -> str:
        return str(self.params["addon"]).strip()

    @property
    def _is_dedicated(self) -> bool:
        return self._named.lower() == DEDICATED

    def perform(self, check_mode: bool) -> Outcome:
        if self.params["secrets"]:
            self.refuse_open_secret(OPEN_SECRET)
        outcome = super().perform(check_mode)
        addon = outcome.result["addon"] or {}
        is_usable = self.params["connection"] and addon.get("id") is not None and addon["status"] == RUNNING
        is_new = self._made and self.params["wait"]
        try:
            connection = connection_of(self, True, check_mode, is_new) if is_usable else None
        except ScalingoError as error:
            error.about(doing=READING)
            if not (self.applying and outcome.steps):
                raise
            raise Interrupted(error, outcome.steps, READING, False) from error
        outcome.result.update(connection=connection, secret_file=self.secret_file.path)
        return outcome

    # -- what is there, and what is wanted ---------------------------------------------------------------------------

    def read(self) -> State | None:
        raw = self._found()
        if raw is None:
            if self._is_to_be_present and not self.applying:
                self._require_provider()
            return None
        self.client.use_addon(raw)
        state = returned(raw)
        if self._is_to_be_present and not self.applying:
            if self.params["plan"] is not None and self.params["plan"] not in (
                state["plan"]["name"],
                state["plan"]["id"],
            ):
                self._new_plan = self._looked_up_plan(str(engine_of(raw)))
                self._database = show_database(self.client)
            if self.asked is not None and state["status"] in (None, RUNNING):
                self._require_version(self.asked, self._database or show_database(self.client))
        return state

    @property
    def _is_to_be_present(self) -> bool:
        return bool(self.params["state"] == "present")

    def _found(self) -> dict[str, t.Any] | None:
        try:
            addons = list_addons(self.client, self._app)
        except NotFound as error:
            if self._is_dedicated:
                return None
            error.hint = (
                error.hint or "Check the names of the app and of the region: an addon belongs to an app that exists."
            )
            raise
        if self._id is None and not self._made:
            try:
                self._id = choose_addon(addons, self._named, self._app).addon_id
            except AddonNotFound as error:
                if not self._is_to_be_present:
                    self.client.require_kind(self._named, error.hint)
                self._earlier = frozenset(addon["id"] for addon in addons)
                return None
        if self._made:
            self._refuse_second(addons)
        return next((addon for addon in addons if addon["id"] == self._id), None)

    def _refuse_second(self, addons: t.Sequence[dict[str, t.Any]]) -> None:
        """Two tasks that provision at a time make two: both cost money, and nobody can tell any more which one is meant."""
        kind = engine_of({"addon_provider": {"id": self._named}})
        others = [
            addon["id"]
            for addon in addons
            if addon["id"] != self._id and addon["id"] not in self._earlier and engine_of(addon) == kind
        ]
        if others:
            raise StepFailed(
                "this task made {}, and another run made {} at the same time: the app {} pays for both".format(
                    self._id, ", ".join(others), self._app
                ),
                hint="Destroy the one that is not needed, with 'state: absent', its ID in addon, and confirm. "
                f"Until then a task that names {self._named} alone is refused.",
            )

    def _require_provider(self) -> None:
        """What is missing can be provisioned only when the task says what it is and which plan it gets."""
        if is_addon_id(self._named):
            raise InvalidInput(
                f"the app {self._app} has no addon {self._named}, and a new one gets another ID",
                hint="To provision one, give the ID of its provider in addon, such as postgresql.",
            )
        if self.params["plan"] is None:
            raise InvalidInput(
                f"the app {self._app} has no addon {self._named}, and none is provisioned without a plan",
                hint="Give plan to provision it.",
            )
        if self._is_dedicated and not re.fullmatch(r"[a-z0-9-]{6,48}", self._app):
            raise InvalidInput(
                f"app is {self._app!r}, and the name of a dedicated database has 6 to 48 lower-case letters, digits and hyphens"
            )
        self._new_plan = self._looked_up_plan(self._named)

    def _looked_up_plan(self, provider: str) -> State:
        wanted = self.params["plan"]
        try:
            plans = list_plans(self.client, provider)
        except NotFound as error:
            providers = ", ".join(sorted(item["id"] for item in list_addon_providers(self.client)))
            error.message = f"there is no addon provider {provider}"
            error.hint = f"The providers are: {providers}."
            raise
        for plan in [plan for key in ("name", "id") for plan in plans if plan.get(key) == wanted]:
            return {name: plan.get(name) for name in ("id", "name", "display_name", "description")}
        raise InvalidInput(
            f"the provider {provider} has no plan {wanted}",
            hint=f"Its plans are: {', '.join(sorted(plan['name'] for plan in plans))}.",
        )

    def _require_version(self, wanted: _canon.Version, found: State) -> None:
        current = require_version(found)
        if current is not None and not _canon.is_of(wanted, current):
            raise InvalidInput(
                f"version of the database is {current}, wanted {self.params['version']}, and it can be chosen only when it is provisioned",
                hint="To go to a later version, use community.scalingo.scalingo_database_upgrade, and leave version out here.",
            )

    def wanted(self, before: State | None) -> State | None:
        if not self._is_to_be_present:
            return None
        if before is not None:
            after = before if self._new_plan is None else {**before, "plan": self._new_plan}
            if before["status"] != SUSPENDED:
                return after
            if self.params["resume"]:
                return {**after, "status": RUNNING if self.params["wait"] else None}
            self._report_suspended(before)
            return after
        if self._new_plan is None:
            raise self._vanished()
        plan = self._new_plan
        planned = ADDON.empty()
        return {
            **planned,
            "status": RUNNING if self.params["wait"] else None,
            "plan": plan,
            "addon_provider": {**planned["addon_provider"], "id": self._named},
        }

    def _vanished(self) -> Conflict:
        return Conflict(f"the addon {self._id} does not exist any more: another run destroyed it while this task ran")

    def _report_suspended(self, before: State) -> None:
        if self._new_plan is not None:
            raise InvalidInput(
                f"the addon {before['id']} is suspended, so its plan cannot be changed",
                hint="Resume it too, with 'resume: true', which costs money again."
                + ("" if "plan_change" in self.params["allow"] else " The task needs 'allow: [plan_change]', too."),
            )
        self.warn(
            "The addon {} ({}) is suspended: its database is stopped. 'resume: true' starts it, which costs money again.".format(
                before["id"], before["resource_id"]
            )
        )

    def managed(self, state: State | None) -> dict[str, t.Any]:
        if state is None:
            return {}
        provider = str(state["addon_provider"]["id"]).lower()
        managed = {"addon_provider": provider[len("scalingo-") :] if provider.startswith("scalingo-") else provider}
        if self.params["plan"] is not None or not self._is_to_be_present:
            managed["plan"] = state["plan"]["name"]
        if self.params["resume"]:
            managed["suspended"] = state["status"] == SUSPENDED
        return managed

    def tolerated(self, field: str, wanted: t.Any, current: t.Any) -> bool:
        """Without waiting nobody sees the end of a suspension."""
        return field == "suspended" and not self.params["wait"]

    def result(self, state: State | None) -> dict[str, t.Any]:
        # One without an ID was foretold, and not made.
        if state is not None and state["id"] is None and not self.applying:
            self.client.transport.verbose(
                "check mode has provisioned nothing, so tasks that need the addon fail: give them the condition "
                "'when: not ansible_check_mode or RESULT.addon.id is not none', with the variable of register for RESULT"
            )
        return {"addon": state}

    def busy(self, state: State | None) -> str:
        """One that is suspended waits for nothing: it is resumed, or destroyed."""
        if self._database is None or state is None or state["status"] == SUSPENDED:
            return ""
        return busy_reason(self._database)

    # -- the steps ---------------------------------------------------------------------------------------------------

    def steps(self, before: State | None, after: State | None) -> list[Step]:
        if before is None:
            return [] if after is None else [self._provision(after["plan"])]
        if after is None:
            return [self._destroy(before)]
        steps = []
        if before["status"] == SUSPENDED and self.params["resume"]:
            steps.append(self._resume(before))
        if self._new_plan is not None and before["plan"]["name"] != self._new_plan["name"]:
            steps.append(self._change_plan(before, self._new_plan))
        if steps:
            return steps
        if self.params["wait"] and before["status"] not in (RUNNING, SUSPENDED):
            return [
                Step(
                    f"wait for the addon {before['id']}, which is {before['status']}",
                    follow=lambda: self._ready(None),
                    counts=False,
                )
            ]
        return []

    def _provision(self, plan: State) -> Step:
        sentence = f"provision {self._named} for the app {self._app} with the plan {plan['name']}"
        if self.params["version"] is not None:
            sentence += f" at version {self.params['version']}"

        def send() -> State | None:
            if self._is_dedicated:
                create_dedicated_database(self.client, self._app, DEDICATED, str(plan["name"]))
                return None
            options = {} if self.params["version"] is None else {"version": str(self.params["version"]).strip()}
            made = create_addon(self.client, self._app, self._named, str(plan["id"]), options)["addon"]
            self._id, self._made = made["id"], True
            self.client.use_addon(made)
            return returned(made)

        return Step(
            sentence,
            send=send,
            follow=(lambda: self._ready(None)) if self.params["wait"] else None,
            happened=lambda state: state is not None,
            last_look=True,
        )

    def _resume(self, before: State) -> Step:
        def send() -> State:
            return returned(resume_addon(self.client, self._app, str(before["id"])))

        # A plan that is changed afterwards needs a database that runs.
        follows = self.params["wait"] or self._new_plan is not None
        return Step(
            f"resume the addon {before['id']} ({before['resource_id']})",
            send=send,
            follow=(lambda: self._ready(None, suspended=True)) if follows else None,
            happened=lambda state: state is not None and state["status"] != SUSPENDED,
            resend=True,
        )

    def _change_plan(self, before: State, plan: State) -> Step:
        current = before["plan"]["name"]

        def send() -> None:
            update_addon_plan(self.client, self._app, str(before["id"]), str(plan["id"]))

        return Step(
            f"change the plan from {current} to {plan['name']}",
            send=send,
            follow=(lambda: self._ready(str(plan["name"]))) if self.params["wait"] else None,
            happened=lambda state: state is not None and state["plan"]["name"] == plan["name"],
            consent=(
                Consent(
                    "allow",
                    "plan_change",
                    "Changing the plan from {} to {} costs another price, may take the database down for a while, and restarts the app".format(
                        current, plan["name"]
                    ),
                ),
            ),
        )

    def _destroy(self, before: State) -> Step:
        resource_id = before["resource_id"]
        if resource_id is None:
            raise InvalidInput("the platform does not show the resource ID of the addon, which confirm has to repeat")

        def send() -> None:
            try:
                if str(before["addon_provider"]["id"]).endswith(DEDICATED):
                    delete_dedicated_database(self.client, self._app)
                else:
                    delete_addon(self.client, self._app, str(before["id"]))
            finally:
                self.client.forget_target()

        return Step(
            f"destroy the addon {before['id']} ({resource_id}) with all its data",
            send=send,
            follow=(lambda: self._gone(before)) if self.params["wait"] else None,
            happened=lambda state: state is None,
            resend=True,
            consent=(
                Consent(
                    "confirm",
                    resource_id,
                    f"The database {resource_id} would be destroyed with everything in it, and what it could be restored from to a point in time",
                ),
            ),
        )

    # -- waiting -----------------------------------------------------------------------------------------------------

    def _ready(self, plan: str | None, suspended: bool = False) -> State:
        """Wait until the addon runs and its database is ready, with the plan where one was asked for.

        An addon is listed before the other routes know it: what they do not find yet is waited for, unless there was a plan
        before. One that was `suspended` may be shown so for a while.
        """
        clock = self.client.clock
        idle_since: float | None = None

        def read() -> tuple[State | None, State | None]:
            raw = self._found()
            if raw is None and (suspended or plan is not None):
                raise self._vanished()
            if raw is None:
                return None, None
            self.client.use_addon(raw)
            if raw.get("status") != RUNNING:
                return returned(raw), None
            try:
                return returned(raw), show_database(self.client)
            except NotFound:
                if plan is not None:
                    raise
                return returned(raw), None

        def done(look: tuple[State | None, State | None]) -> bool:
            nonlocal idle_since
            addon, shown = look
            stopped = shown is not None and is_stopped(shown)
            if addon is not None and (stopped or addon["status"] == SUSPENDED):
                idle_since = clock.now() if idle_since is None else idle_since
                if suspended and clock.now() - idle_since < PATIENCE * self.params["wait_interval"]:
                    return False
                shows = "database of the addon %s is stopped" if stopped else "addon %s is suspended"
                raise StepFailed("the " + shows % addon["id"], hint=RESUME)
            if addon is None or shown is None or not is_ready(shown):
                idle_since = None
                return False
            if plan is None or (addon["plan"]["name"] == plan and or_none(shown["plan"]) in (None, plan)):
                return True
            idle_since = clock.now() if idle_since is None else idle_since
            if clock.now() - idle_since < PATIENCE * self.params["wait_interval"]:
                return False
            raise StepFailed(
                "the database is ready, but the plan is not everywhere the new one: the addon shows {}, its database {}".format(
                    addon["plan"]["name"], shown["plan"]
                ),
                hint="Look at the database, and ask Scalingo's support.",
            )

        def status(look: tuple[State | None, State | None]) -> str:
            found = look[1] or look[0]
            return str(found["status"]) if found is not None else "not listed yet"

        look = self.wait_until(
            read,
            done,
            what="plan change of" if plan is not None else "resumption of" if suspended else "provisioning of",
            identifier=self._named,
            status=status,
        )
        return t.cast(State, look[0])

    def _gone(self, before: State) -> None:
        def listed() -> list[dict[str, t.Any]]:
            try:
                return [addon for addon in list_addons(self.client, self._app) if addon["id"] == before["id"]]
            except NotFound:
                return []

        self.wait_until(
            listed,
            lambda addons: not addons,
            what="destruction of",
            identifier=str(before["id"]),
            status=lambda addons: str(addons[0].get("status")) if addons else "gone",
        )
