# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a test can do to a sandbox. The testing face calls this directly, the control API over HTTP."""

from __future__ import annotations

from typing import Any

from scalingo_sandbox import work
from scalingo_sandbox.faults import FaultRule
from scalingo_sandbox.identifiers import fresh_hexadecimal
from scalingo_sandbox.loading import follow_switches, make_event, reset
from scalingo_sandbox.ratelimit import RateLimit
from scalingo_sandbox.record import Record
from scalingo_sandbox.seed import Seed, SeedEvent, SeedMaintenance, load
from scalingo_sandbox.state import Addon, Feature, LogLine, Maintenance, Operation, Outcome
from scalingo_sandbox.switches import SWITCHES
from scalingo_sandbox.world import World


class Control:
    """Everything is done under the world's lock."""

    def __init__(self, world: World) -> None:
        self.world = world

    # what was asked

    def log(self, *, unsafe: bool = False) -> list[Record]:
        with self.world.lock:
            return [record.model_copy() for record in self.world.records if not unsafe or record.safe is False]

    def clear_log(self) -> None:
        with self.world.lock:
            self.world.records.clear()

    # the clock

    def clock(self) -> dict[str, Any]:
        with self.world.lock:
            now = self.world.clock.now()
            return {"now": now, "date": self.world.date(now), "speed": self.world.clock.speed}

    def advance(self, seconds: float) -> None:
        with self.world.lock:
            self.world.clock.advance(seconds)
            self.world.timeline.settle()

    def speed(self, speed: float) -> None:
        with self.world.lock:
            self.world.clock.set_speed(speed)

    def durations(self, **seconds: float) -> dict[str, Any]:
        """Change how long things take; without arguments, what they take now."""
        with self.world.lock:
            current = self.world.durations.model_dump()
            self.world.durations = type(self.world.durations).model_validate({**current, **seconds})
            return self.world.durations.model_dump()

    # what the service is like

    def switches(self) -> dict[str, Any]:
        with self.world.lock:
            positions = self.world.switches.as_dict()
        return {
            name: {
                "value": positions[name],
                "values": list(switch.values),
                "rows": list(switch.rows),
                "meaning": switch.meaning,
            }
            for name, switch in SWITCHES.items()
        }

    def switch(self, name: str, value: object) -> None:
        with self.world.lock:
            self.world.switches.set(name, value)
            follow_switches(self.world)

    def fault(self, **rule: Any) -> None:
        parsed = FaultRule.model_validate(rule)
        with self.world.lock:
            self.world.faults.add(parsed)

    def faults(self) -> list[dict[str, Any]]:
        with self.world.lock:
            return self.world.faults.as_list()

    def clear_faults(self) -> None:
        with self.world.lock:
            self.world.faults.clear()

    def rate_limit(self, **limit: Any) -> None:
        parsed = RateLimit.model_validate(limit)
        with self.world.lock:
            self.world.limiter.set(parsed)

    def no_rate_limit(self) -> None:
        with self.world.lock:
            self.world.limiter.set(None)

    # what there is

    def reset(self, seed: Seed | dict[str, Any] | str | None = None) -> None:
        parsed = None if seed is None else load(seed)
        with self.world.lock:
            reset(self.world, parsed)

    def expire_tokens(self, kind: str | None = None, addon_id: str | None = None) -> None:
        """Tokens made so far are refused from now on. kind: bearer or addon; addon_id: those of one addon."""
        if kind not in (None, "bearer", "addon"):
            raise ValueError(f"{kind} is not a kind of token: bearer, addon")
        with self.world.lock:
            self.world.tokens.expire(kind, addon_id)

    def outcome(
        self, kind: str, outcome: str = "fail", addon_id: str | None = None, error: str = "it failed, as demanded"
    ) -> None:
        """How the next work of a kind ends.

        kind: upgrade, plan, pitr_restore, restore, backup, provisioning, feature, feature:NAME, action, action:NAME.
        outcome: fail, user-error, cancel (of a backup), stay (it never ends).
        """
        if outcome not in ("fail", "user-error", "cancel", "stay"):
            raise ValueError(f"{outcome} is not an outcome: fail, user-error, cancel, stay")
        kinds = ("upgrade", "plan", "pitr_restore", "restore", "backup", "provisioning", "feature", "action")
        if kind.partition(":")[0] not in kinds:
            raise ValueError(f"{kind} is not a kind of work: {', '.join(kinds)}")
        with self.world.lock:
            self.world.outcomes[(addon_id, kind)] = Outcome(outcome, error)

    def _addon(self, addon_id: str) -> Addon:
        addon = self.world.find_addon(addon_id)
        if addon is None:
            raise ValueError(f"there is no addon {addon_id}")
        return addon

    def change_database(self, addon_id: str, **fields: Any) -> None:
        """Put fields of a database as they should be: status, features, durations, current_operation_id, maintenance …"""
        with self.world.lock:
            addon = self._addon(addon_id)
            for name, value in fields.items():
                self._change(addon, name, value)

    def _change(self, addon: Addon, name: str, value: Any) -> None:
        database = addon.database
        if name == "addon_status":
            addon.status = str(value)
        elif name == "durations":
            database.durations.update(value)
        elif name == "features":
            for feature, status in value.items():
                existing = database.feature(feature)
                if existing is not None:
                    database.features.remove(existing)
                if status is not None:
                    database.features.append(Feature(feature, status))
            self.world.apply_encryption(addon)
        elif name == "current_operation_id":
            database.current_operation_id = value
            if value is not None and value not in database.operations:
                database.operations[value] = Operation(value, "maintenance", self.world.now(), status="running")
        elif name == "maintenance_window":
            for part, number in value.items():
                if not hasattr(database.window, part):
                    raise ValueError(f"a maintenance window has no {part}")
                setattr(database.window, part, int(number))
        elif name == "maintenance":
            now = self.world.now()
            database.maintenance = [
                Maintenance(
                    id=entry.id or fresh_hexadecimal(),
                    type=entry.type,
                    status=entry.status,
                    started_at=None if entry.started is None else now - entry.started,
                    ended_at=None if entry.ended is None else now - entry.ended,
                )
                for entry in (SeedMaintenance.model_validate(part) for part in value)
            ]
        elif name == "logs":
            now = self.world.now()
            database.logs = [LogLine(now - len(value) + index, "db-node", text) for index, text in enumerate(value)]
        elif name in (
            "status",
            "periodic_backups_enabled",
            "periodic_backups_scheduled_at",
            "flags",
            "health",
            "lag",
            "log_archives",
            "hostname",
            "port",
        ):
            setattr(database, name, value)
        else:
            raise ValueError(f"{name} of a database cannot be put; there are other ways, see the README")

    def end_operation(self, addon_id: str, operation_id: str | None = None, error: str | None = None) -> None:
        """End an operation now, well or with an error."""
        with self.world.lock:
            addon = self._addon(addon_id)
            identifier = operation_id or addon.database.current_operation_id
            operation = addon.database.operations.get(identifier or "")
            if operation is None:
                raise ValueError(f"no operation {identifier} is known")
            work.end_operation(self.world, addon, operation, outcome=None if error is None else Outcome("fail", error))

    def lose_operation(self, addon_id: str, operation_id: str | None = None) -> None:
        """An operation can no longer be read; the work goes on."""
        with self.world.lock:
            addon = self._addon(addon_id)
            identifier = operation_id or addon.database.current_operation_id
            if identifier is None or addon.database.operations.pop(identifier, None) is None:
                raise ValueError(f"no operation {identifier} is known")

    def event(self, app: str | None = None, region: str = "osc-fr1", **event: Any) -> None:
        """Something happens to an app, or without one to the account: an event as a seed has it, now unless it has an age."""
        parsed = SeedEvent.model_validate({"age": 0.0, **event})
        with self.world.lock:
            owner = self.world.find_app(region, app) if app else None
            if app and owner is None:
                raise ValueError(f"there is no app {app} in {region}")
            events = self.world.events if owner is None else owner.events
            events.append(make_event(self.world, parsed, "" if owner is None else owner.name))

    def state(self) -> dict[str, Any]:
        """Everything that exists, without secrets."""
        from scalingo_sandbox.snapshot import snapshot

        with self.world.lock:
            self.world.timeline.settle()
            return snapshot(self.world)
