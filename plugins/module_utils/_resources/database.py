# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""The settings and features of an existing database (docs/contract.md sections 2.2, 2.3 and 2.7)."""

from __future__ import annotations

import copy
import dataclasses
import re
import typing as t

from .. import _canon
from .._api.addon import ENGINES
from .._api.database import (
    disable_feature,
    enable_feature,
    hour_of_day,
    show_database,
    update_database,
    weekday,
    window_text,
)
from .._busy import busy_reason
from .._change import Resource
from .._errors import InvalidInput, StepFailed
from .._options import check_form, checked
from .._step import Consent, Params, State, Step

SETTINGS = ("periodic_backups_enabled", "periodic_backups_scheduled_at", "maintenance_window")

ON = ("ACTIVATED",)
GOING_ON = ("PENDING", "PENDING_TO_ACTIVATE")
GOING_OFF = ("PENDING_TO_REMOVE",)
FAILED = ("FAILED",)

#: Whether they are on decides about others too.
COUPLED = ("force-ssl", "publicly-available", "redis-rdb", "redis-aof")

_CONSENT = {
    ("force-ssl", False): Consent(
        "allow",
        "exposure",
        "Without force-ssl the database takes unencrypted connections, so passwords and data cross networks in clear",
    ),
    ("publicly-available", True): Consent(
        "allow", "exposure", "With publicly-available the database can be reached from the whole Internet"
    ),
    ("redis-cache", True): Consent(
        "allow", "eviction", "With redis-cache the database may drop any of its keys when its memory is full"
    ),
}
_PERSISTENCE = ("redis-rdb", "redis-aof")
_PERSISTENCE_OFF = Consent(
    "allow",
    "persistence_off",
    "Without redis-rdb and redis-aof the database keeps its data in memory only, and a restart loses them",
)
_BACKUPS_OFF = Consent(
    "allow", "backups_off", "Without periodic backups nothing of what is written from now on can be restored from one"
)


def _start_of(window: State | None) -> State | None:
    """The part of a window that can be set, and is always sent as a whole."""
    if window is None:
        return None
    return {"weekday_utc": window["weekday_utc"], "starting_hour_utc": window["starting_hour_utc"]}


def feature_status(state: State, name: str) -> str | None:
    """The status of a feature, or none when the database does not list it."""
    return next((item["status"] for item in state["features"] if item["name"] == name), None)


@dataclasses.dataclass(frozen=True)
class Asked:
    """The hour of the backups, the parts of the window, and the features, as far as the task gives them."""

    hour: int | None
    window: t.Mapping[str, int]
    features: t.Mapping[str, bool]


class Database(Resource[State]):
    """`features`, backup schedule and maintenance window of a database."""

    reading = "read the settings of the database"
    asked: Asked

    @classmethod
    def parse(cls, params: Params) -> Asked:
        hours = params["periodic_backups_scheduled_at"]
        hour = None
        if hours is not None:
            if len(hours) != 1:
                raise InvalidInput(
                    f"periodic_backups_scheduled_at takes exactly one hour, not {len(hours)}: only Scalingo's support can set several"
                )
            hour = checked("periodic_backups_scheduled_at", hour_of_day, hours[0])
        window, features = _wanted_window(params), _wanted_features(params)
        if features.get("publicly-available") and features.get("force-ssl") is False:
            raise InvalidInput("features contradict each other: publicly-available needs force-ssl")
        return Asked(hour, window, features)

    def read(self) -> State:
        return show_database(self.client)

    def managed(self, state: State) -> dict[str, t.Any]:
        """What the task names, and nothing else: the rest may change meanwhile."""
        managed = {name: state[name] for name in SETTINGS if self.params[name] is not None}
        if "maintenance_window" in managed:
            managed["maintenance_window"] = _start_of(managed["maintenance_window"])
        features = self.asked.features
        if features:
            managed["features"] = {name: self._counts_as_on(name, feature_status(state, name)) for name in features}
        return managed

    def in_diff(self, managed: dict[str, t.Any]) -> dict[str, t.Any]:
        """Days by their names, and hours with their zone."""
        told = {
            name: _shown(name, managed[name])
            for name in ("periodic_backups_scheduled_at", "maintenance_window")
            if managed.get(name)
        }
        return {**managed, **told}

    def result(self, state: State) -> dict[str, t.Any]:
        return {"database": state}

    def busy(self, state: State) -> str:
        return busy_reason(state)

    def wanted(self, before: State) -> State:
        after = copy.deepcopy(before)
        if self.params["periodic_backups_enabled"] is not None:
            after["periodic_backups_enabled"] = self.params["periodic_backups_enabled"]
        if self.asked.hour is not None:
            after["periodic_backups_scheduled_at"] = [self.asked.hour]
        window = self.asked.window
        if window:
            after["maintenance_window"] = {
                "weekday_utc": None,
                "starting_hour_utc": None,
                "duration_in_hour": None,
                **(before["maintenance_window"] or {}),
                **window,
            }
        # In the order in which they are asked for, so that check mode returns the list that the platform will show.
        for name, enabled in sorted(self.asked.features.items(), key=lambda item: item[0] != "force-ssl"):
            if enabled != self._counts_as_on(name, feature_status(before, name)):
                after["features"] = [item for item in after["features"] if item["name"] != name]
                if enabled:
                    status = "ACTIVATED" if self.params["wait"] else "PENDING_TO_ACTIVATE"
                    after["features"].append({"name": name, "status": status})
        return after

    def steps(self, before: State, after: State) -> list[Step]:
        self._refuse_unreachable(before, after)
        return self._settings_steps(before, after) + self._feature_steps(before, after)

    # -- settings ----------------------------------------------------------------------------------------------------

    def _settings_steps(self, before: State, after: State) -> list[Step]:
        changes = {name: after[name] for name in SETTINGS if after[name] != before[name]}
        if not changes:
            return []
        sentence = "set " + ", ".join(f"{name} to {_shown(name, after[name])}" for name in SETTINGS if name in changes)
        if "periodic_backups_scheduled_at" in changes:
            changes["periodic_backups_scheduled_at"] = changes["periodic_backups_scheduled_at"][0]
        if "maintenance_window" in changes:
            changes["maintenance_window"] = _start_of(changes["maintenance_window"])
        return [
            Step(
                sentence,
                send=lambda: update_database(self.client, changes),
                happened=lambda state: all(state[name] == after[name] for name in SETTINGS if name in changes),
                consent=(_BACKUPS_OFF,) if changes.get("periodic_backups_enabled") is False else (),
            )
        ]

    @staticmethod
    def _refuse_unreachable(before: State, after: State) -> None:
        hours = before["periodic_backups_scheduled_at"]
        if after["periodic_backups_scheduled_at"] != hours and len(hours) > 1:
            raise InvalidInput(
                "periodic_backups_scheduled_at is {}, wanted {}: several hours were set by Scalingo's support and are never overwritten".format(
                    *tuple(
                        _shown("periodic_backups_scheduled_at", value)
                        for value in (hours, after["periodic_backups_scheduled_at"])
                    )
                ),
                hint="Leave the option out, or ask Scalingo's support to go back to one hour.",
            )
        window = after["maintenance_window"]
        if (
            window is not None
            and window != before["maintenance_window"]
            and None in (window["weekday_utc"], window["starting_hour_utc"])
        ):
            raise InvalidInput(
                "maintenance_window: the platform shows no window for this database, so one half of it cannot be kept",
                hint="Give both weekday_utc and starting_hour_utc.",
            )

    # -- features ----------------------------------------------------------------------------------------------------

    def _feature_steps(self, before: State, after: State) -> list[Step]:
        wanted = self.asked.features
        if not wanted:
            return []
        current = {
            name: self._counts_as_on(name, feature_status(before, name))
            for name in [item["name"] for item in before["features"] if _kind(item["name"]) in COUPLED] + list(wanted)
        }
        enable = [name for name in wanted if wanted[name] and not current[name]]
        disable = [name for name in wanted if not wanted[name] and current[name]]
        resulting = {**current, **wanted}
        for name in enable:
            if name.startswith("redis-") and before["type_name"] in ENGINES and before["type_name"] != "redis":
                raise InvalidInput(f"the feature {name} is for Redis, and this database is {before['type_name']}")
        if (enable or disable) and resulting.get("publicly-available") and not resulting.get("force-ssl", False):
            if "publicly-available" in enable:
                raise InvalidInput(
                    "publicly-available needs force-ssl, which is off",
                    hint="Add 'force-ssl: true' to features: it is enabled first." + self._exposure_too(),
                )
            if "force-ssl" in disable:
                raise InvalidInput(
                    "force-ssl cannot be disabled while publicly-available is on",
                    hint="Add 'publicly-available: false' to features: it is disabled first." + self._exposure_too(),
                )
        # publicly-available needs force-ssl all the time, and what replaces a kind of persistence must be there before that goes:
        # what others need is waited for whatever `wait` says.
        last = [name for name in disable if _kind(name) in _PERSISTENCE]
        needed = [name for name in resulting if last and _kind(name) in _PERSISTENCE and resulting[name]]
        needed += (
            ["force-ssl"]
            if "publicly-available" in enable
            else ["publicly-available"]
            if "force-ssl" in disable
            else []
        )
        moving = [
            name
            for name in {**current, **wanted}
            if name not in enable + disable
            and self._moving(feature_status(before, name), GOING_ON + GOING_OFF)
            and (name in needed or (name in wanted and self.params["wait"]))
        ]
        disable.sort(key=lambda name: name == "force-ssl")
        enable.sort(key=lambda name: name != "force-ssl")
        persistence = (_PERSISTENCE_OFF,) if last and not any(_kind(name) in _PERSISTENCE for name in needed) else ()
        return (
            [self._wait_step(name, resulting[name]) for name in moving if name in needed]
            + [self._feature_step(name, False, name in needed) for name in disable if name not in last]
            + [self._feature_step(name, True, name in needed) for name in enable]
            + [self._feature_step(name, False, False, persistence) for name in last]
            + [self._wait_step(name, resulting[name]) for name in moving if name not in needed]
        )

    def _exposure_too(self) -> str:
        return "" if "exposure" in self.params["allow"] else " The task needs 'allow: [exposure]', too."

    def _wait_step(self, name: str, enabled: bool) -> Step:
        return Step(f"wait for the feature {name}", follow=lambda: self._settled(name, enabled), counts=False)

    def _feature_step(self, name: str, enable: bool, needed: bool, consent: tuple[Consent, ...] = ()) -> Step:
        def send() -> None:
            if enable:
                enable_feature(self.client, name)
            else:
                disable_feature(self.client, name)

        def happened(state: State) -> bool:
            status = feature_status(state, name)
            if enable:
                return status in ON + GOING_ON
            return status is None or status in GOING_OFF

        if (_kind(name), enable) in _CONSENT:
            consent = (*consent, _CONSENT[_kind(name), enable])
        return Step(
            "{} the feature {}".format("enable" if enable else "disable", name),
            send=send,
            follow=(lambda: self._settled(name, enable)) if self.params["wait"] or needed else None,
            happened=happened,
            resend=True,
            consent=consent,
        )

    def _settled(self, name: str, enabled: bool) -> State:
        """Wait until the platform has done what was asked; the last state that was read."""

        def done(state: State) -> bool:
            busy_reason(state)  # Raises for a database that is stopped: its features stay as they are.
            status = feature_status(state, name)
            if status in FAILED:
                raise StepFailed(
                    f"the platform reports {status} for the feature {name}",
                    hint="Run the task again, which asks for it once more. If it fails again, ask Scalingo's support.",
                )
            return status in ON if enabled else status is None

        return self.wait_until(
            self.read,
            done,
            what="activation of the feature" if enabled else "removal of the feature",
            identifier=name,
            status=lambda state: str(feature_status(state, name)),
        )

    @staticmethod
    def _moving(status: str | None, known: tuple[str, ...]) -> bool:
        return status is not None and (status in known or status not in ON + FAILED)

    def _counts_as_on(self, name: str, status: str | None) -> bool:
        """Pending counts as what it will become, failed as off. An unknown status is still going: as the task wants it."""
        if status is None or status in GOING_OFF + FAILED:
            return False
        if status in ON + GOING_ON:
            return True
        return self.asked.features.get(name, True)


def _kind(name: str) -> str:
    """The feature of Redis that a feature of Valkey is."""
    return re.sub("^valkey-", "redis-", name)


def _wanted_features(params: Params) -> dict[str, bool]:
    wanted = {}
    for name, value in (params.get("features") or {}).items():
        form = r"[a-z0-9]+(-[a-z0-9]+)*"
        check_form("features", str(name), form, "the name of a feature: use for example force-ssl")
        wanted[str(name)] = checked(f"features: {name}", _canon.boolean, value)
    return wanted


def _wanted_window(params: Params) -> dict[str, int]:
    window = params["maintenance_window"]
    if window is None:
        return {}
    wanted = {}
    if window["weekday_utc"] is not None:
        wanted["weekday_utc"] = checked("maintenance_window: weekday_utc", weekday, window["weekday_utc"])
    if window["starting_hour_utc"] is not None:
        wanted["starting_hour_utc"] = checked(
            "maintenance_window: starting_hour_utc", hour_of_day, window["starting_hour_utc"]
        )
    if not wanted:
        raise InvalidInput("maintenance_window is empty: give weekday_utc, starting_hour_utc, or both")
    return wanted


def _shown(name: str, value: t.Any) -> str:
    if name == "maintenance_window":
        return window_text(value["weekday_utc"], value["starting_hour_utc"])
    if name == "periodic_backups_scheduled_at":
        return ", ".join(f"{hour}:00 UTC" for hour in value)
    return str(value).lower()
