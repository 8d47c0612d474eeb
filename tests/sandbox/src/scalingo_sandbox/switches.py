# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the sources of docs/contract.md disagree or are silent, the sandbox has a switch.

SWITCHES is the list of them, from data/switches.yml. TREATMENTS says for every row of section 6 and every clause of section 8.1 what the
sandbox does about it: a switch, both forms served always, or nothing and why. A test compares it with the document.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import yaml


@dataclass(frozen=True)
class Switch:
    """One choice: its first value is the default."""

    name: str
    rows: tuple[str, ...]
    values: tuple[str, ...]
    meaning: str

    @property
    def default(self) -> str:
        return self.values[0]


_TABLE = yaml.safe_load((Path(__file__).parent / "data" / "switches.yml").read_text(encoding="utf-8"))

SWITCHES = {name: Switch(name, tuple(rows), tuple(values), meaning) for name, (values, rows, meaning) in _TABLE.items()}


@dataclass(frozen=True)
class Treatment:
    """What the sandbox does about one row of section 6, or one clause of section 8.1."""

    topic: str
    kind: Literal["switch", "both", "nothing"]
    detail: str


def _switch(topic: str, *names: str) -> Treatment:
    return Treatment(topic, "switch", ", ".join(names))


def _both(topic: str, detail: str) -> Treatment:
    return Treatment(topic, "both", detail)


def _nothing(topic: str, detail: str) -> Treatment:
    return Treatment(topic, "nothing", detail)


TREATMENTS: dict[str, Treatment] = {
    "6.1": _nothing(
        "`reset-database` example", "two distinct actions, as the text says; the example's slip cannot be served"
    ),
    "6.2": _both(
        "`periodic_backups_scheduled_at` in request", "an integer and a list of integers are accepted, a list is stored"
    ),
    "6.3": _switch("same field in response", "scheduled_at"),
    "6.4": _nothing("Backup list root", "confirmed: database_backups"),
    "6.5": _nothing(
        '"Resources are always rooted, never a bare array" (DOC db/index.md:65-69)',
        "each route answers as its section shows",
    ),
    "6.6": _switch("Pagination nesting", "pagination"),
    "6.7": _switch("Maintenance list path", "deprecated_paths"),
    "6.8": _switch("Maintenance show root", "maintenance_root"),
    "6.9": _both("Update verb D2", "PATCH and PUT"),
    "6.10": _nothing("Update body D2", "confirmed: rooted, as section 2.3"),
    "6.11": _switch("Upgrade result", "upgrade_location"),
    "6.12": _nothing("Upgrade `id`", "id is the version, operation_id the operation"),
    "6.13": _switch("PITR answer", "pitr_answer"),
    "6.14": _switch("Backup `type` vs `method`", "backup_type"),
    "6.15": _switch("Backup `started_at`", "backup_started_at"),
    "6.16": _switch("Backup `size`", "backup_size"),
    "6.17": _nothing("Backup `created_at` text", "a matter of words"),
    "6.18": _nothing("`method` of a manual backup", "manual"),
    "6.19": _switch("Backup status", "backup_first_status"),
    "6.20": _switch("Backup show path", "backup_show"),
    "6.21": _switch("User create root", "user_root"),
    "6.22": _switch("User list root", "users_root"),
    "6.23": _nothing("Reset password", "confirmed: POST …/reset_password"),
    "6.24": _switch("User update answer", "user_update_answer"),
    "6.25": _both("`database_user.database_id`", "any text is accepted, or none"),
    "6.26": _switch("User names", "user_names"),
    "6.27": _both("Password supplied as null", "null and a missing password both ask for a generated one"),
    "6.28": _switch("Feature status names", "feature_pending"),
    "6.29": _both("Feature enable body", "status is accepted and ignored"),
    "6.30": _switch("Instance proxy type", "proxy_type"),
    "6.31": _switch("Role", "leader_role"),
    "6.32": _switch("`next_upgrade`", "next_upgrade"),
    "6.33": _switch("`allowed_plugins`", "allowed_plugins"),
    "6.34": _switch("Type version path", "deprecated_paths"),
    "6.35": _switch("Logs path", "deprecated_paths"),
    "6.36": _nothing(
        "Metrics/health/status curl", "confirmed: the heading's path; the other would hide a wrong address"
    ),
    "6.37": _switch("Metrics key names", "metrics_names"),
    "6.38": _switch("`instances_metrics`", "instances_metrics"),
    "6.39": _switch("Health numbers", "health_numbers"),
    "6.40": _both("`params` of an action", "null, {}, missing"),
    "6.41": _nothing("SQL mode set", "the modes are those of the server's version"),
    "6.42": _nothing("`query_duration` unit", "nanoseconds"),
    "6.43": _switch("Extension version", "extension_version"),
    "6.44": _both("Addon id", "opaque: a seed may give any text"),
    "6.45": _nothing("`:db_id`", "confirmed: the addon's identifier"),
    "6.46": _switch("Addon update verb / answer", "addon_update_answer"),
    "6.47": _both("SSO verb", "GET and POST"),
    "6.48": _both("DR create body", "rooted with technology and plan, and unrooted with addon_provider_id and plan_id"),
    "6.49": _nothing("DR create answer", "confirmed: database"),
    "6.50": _nothing("DR delete", "confirmed: the app is deleted"),
    "6.51": _both("Firewall create body", "rooted and unrooted"),
    "6.52": _nothing("Auth text", "confirmed: Bearer"),
    "6.53": _nothing("DB URL env var", "of clients; `environment()` has both names"),
    "6.54": _nothing("TF/GO override", "of clients"),
    "6.55": _switch("429 body", "rate_limit_body"),
    "6.56": _both("Host", "the database routes on both hosts, each with its own token"),
    "6.57": _both("`plan` value", "free text: a seed may name any plan"),
    "6.58": _switch("D1 fields", "database_fields"),
    "6.59": _nothing('"Only from the dashboard"', "every route that is documented is served"),
    "6.60": _nothing("Manual backups after DB deletion", "no route shows them"),
    "6.61": _nothing("Daily-backup schedule flag in CLI", "of that client"),
    "6.62": _switch("Event names", "maintenance_events"),
    "6.63": _switch("Regions' `default` field", "region_default"),
    "6.64": _switch("Date text", "dates"),
    "6.65": _switch("Download of a missing archive", "archive_missing"),
    "6.66": _switch("Link to a backup that is not done", "archive_not_done"),
    "6.67": _both("Address of a log drain that is removed (A18)", "in the query and in the body"),
    "6.68": _switch("Shown address of a log drain (A16, A17)", "log_drain_shown"),
    "6.69": _switch("A second log drain with the same address", "log_drain_existing"),
    "6.70": _switch("Ids of a dedicated database", "dedicated_ids"),
    "6.71": _switch("App of a new dedicated database", "dedicated_app"),
    "8.1.1": _switch("Failed action", "action_failure"),
    "8.1.2": _nothing("unknown user/backup/operation", "404 with error"),
    "8.1.3": _switch("bad field", "validation_body"),
    "8.1.4": _switch("missing/expired/foreign token", "foreign_token"),
    "8.1.5": _switch("busy", "busy", "busy_settings", "backup_running"),
    "8.1.6": _switch("final operation status configurable", "operation_final", "operations_kept"),
    "8.1.7": _switch("features go through", "feature_pending"),
    "8.1.8": _switch("`reset-database` allowed on protected", "protected_reset"),
    "8.1.9": _switch("serve every path alias", "deprecated_paths"),
    "8.1.10": _switch(
        'optional "quirk" switches', "user_root", "maintenance_root", "pitr_answer", "pagination", "rate_limit_body"
    ),
}


class UnknownSwitch(ValueError):
    """No such switch, or no such value."""


class Switches:
    """The positions of all switches."""

    def __init__(self, positions: dict[str, str] | None = None) -> None:
        self._positions = {name: switch.default for name, switch in SWITCHES.items()}
        for name, value in (positions or {}).items():
            self.set(name, value)

    def set(self, name: str, value: object) -> None:
        switch = SWITCHES.get(name)
        if switch is None:
            raise UnknownSwitch(f"no switch is named {name}; there are {', '.join(sorted(SWITCHES))}")
        text = {True: "on", False: "off"}.get(value, str(value)) if isinstance(value, bool) else str(value)
        if text not in switch.values and text in ("on", "off"):
            text = {"on": "yes", "off": "no"}[text]
        if text not in switch.values:
            raise UnknownSwitch(f"the switch {name} has no value {value}; it has {', '.join(switch.values)}")
        self._positions[name] = text

    def __getitem__(self, name: str) -> str:
        return self._positions[name]

    def is_at(self, name: str, value: str) -> bool:
        if value not in SWITCHES[name].values:
            raise UnknownSwitch(f"the switch {name} has no value {value}")
        return self._positions[name] == value

    def as_dict(self) -> dict[str, str]:
        return dict(self._positions)


def table() -> str:
    """The switches as a table for people."""
    lines = ["| Switch | Values, the default first | What it is | docs/contract.md |", "|---|---|---|---|"]
    for switch in SWITCHES.values():
        values = ", ".join(f"`{value}`" for value in switch.values)
        lines.append(f"| `{switch.name}` | {values} | {switch.meaning} | {', '.join(switch.rows)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    print(table(), end="")
