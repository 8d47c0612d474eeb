# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where the sources of docs/contract.md disagree or are silent, the sandbox has a switch.

SWITCHES is the list of them. TREATMENTS says for every row of section 6 and every clause of section 8.1 what the
sandbox does about it: a switch, both forms served always, or nothing and why. A test compares it with the document.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Switch:
    """One choice: its first value is the default."""

    name: str
    rows: tuple[str, ...]
    """Where docs/contract.md leaves the choice: "6.13" is row 13 of section 6, "8.1.4" the fourth clause of 8.1."""
    values: tuple[str, ...]
    meaning: str

    @property
    def default(self) -> str:
        return self.values[0]


_ALL = (
    # what is answered
    Switch(
        "scheduled_at",
        ("6.3",),
        ("array", "integer"),
        "periodic_backups_scheduled_at in answers: a list, or the first hour alone",
    ),
    Switch("pagination", ("6.6", "8.1.10"), ("nested", "flat"), "meta.pagination, or the numbers in meta itself"),
    Switch(
        "next_page",
        ("5",),
        ("null", "clamped", "zero", "missing"),
        "next_page on the last page; clamped repeats the last page's number",
    ),
    Switch(
        "maintenance_root",
        ("6.8", "8.1.10"),
        ("unrooted", "rooted"),
        "one maintenance: bare, or under the key maintenance",
    ),
    Switch(
        "upgrade_location",
        ("6.11",),
        ("operations", "nested", "missing"),
        "Location of an upgrade: /api/operations/ID, /api/databases/DB/operations/ID, or no header",
    ),
    Switch(
        "pitr_answer",
        ("6.13", "8.1.10"),
        ("operation", "operation_id"),
        "point-in-time restore: an operation object, or its identifier alone",
    ),
    Switch("backup_type", ("6.14",), ("missing", "present"), "a backup also has the key type with the engine's name"),
    Switch("backup_started_at", ("6.15",), ("present", "missing"), "the key started_at of a backup"),
    Switch("backup_size", ("6.16",), ("null", "zero"), "size of a backup that is not done"),
    Switch(
        "backup_first_status",
        ("6.19",),
        ("scheduled", "pending", "queued", "creating"),
        "status of a backup that has not started",
    ),
    Switch(
        "backup_show",
        ("6.20",),
        ("both", "flat", "nested"),
        "which routes show one backup: /backups/ID, /databases/DB/backups/ID, or both",
    ),
    Switch(
        "user_root",
        ("6.21", "8.1.10"),
        ("rooted", "unrooted"),
        "a user that was created or whose password was reset: under database_user, or bare",
    ),
    Switch("users_root", ("6.22",), ("hyphen", "underscore"), "the list of users: database-users or database_users"),
    Switch(
        "user_update_answer", ("6.24",), ("rooted", "empty"), "answer of a changed password: the user, or an empty body"
    ),
    Switch(
        "user_names",
        ("6.26",),
        ("engine", "documented"),
        "which names a user may have: the engine's rule, or lower-case letters, digits and hyphens",
    ),
    Switch(
        "feature_pending",
        ("6.28", "8.1.7"),
        ("PENDING_TO_ACTIVATE", "PENDING"),
        "status of a feature that is being enabled",
    ),
    Switch("proxy_type", ("6.30",), ("gateway", "haproxy"), "type of the instance in front of the nodes"),
    Switch("leader_role", ("6.31",), ("leader", "master"), "role of the first node"),
    Switch(
        "next_upgrade",
        ("6.32",),
        ("object", "nested", "identifier"),
        "next_upgrade of a version: the next version without its own next, the whole chain, or an identifier",
    ),
    Switch("allowed_plugins", ("6.33",), ("objects", "strings", "null"), "allowed_plugins of a version"),
    Switch(
        "deprecated_paths",
        ("6.7", "6.34", "6.35", "8.1.9"),
        ("off", "on"),
        "also serve the paths that only documents show: maintenances, database_type_version, /dapi",
    ),
    Switch(
        "metrics_names",
        ("6.37",),
        ("example", "table"),
        "key names of the metrics: those of the example, or those of the table",
    ),
    Switch("instances_metrics", ("6.38",), ("map", "list"), "metrics per instance: a map by identifier, or a list"),
    Switch("health_numbers", ("6.39",), ("strings", "integers"), "numbers of the health answer"),
    Switch("extension_version", ("6.43",), ("v", "plain"), "version of an extension: v1.0 or 1.0"),
    Switch(
        "addon_update_answer",
        ("6.46",),
        ("addon", "vars"),
        "answer of a plan change: addon, message and variables, or vars and message",
    ),
    Switch("rate_limit_body", ("6.55", "8.1.10"), ("plain", "json"), "body of a 429: the text Retry later, or JSON"),
    Switch(
        "database_fields", ("6.58",), ("full", "minimal"), "keys of a database: all, or those of the oldest document"
    ),
    Switch("maintenance_events", ("6.62",), ("api", "documented"), "names of the maintenance events"),
    Switch(
        "dedicated_items",
        ("2.1",),
        ("database", "dashboard"),
        "what GET /databases lists: the database alone, or with its app and its addon",
    ),
    Switch("region_default", ("6.63",), ("present", "missing"), "the key default of a region"),
    Switch(
        "dates",
        ("6.64",),
        ("offset", "milliseconds", "microseconds", "seconds"),
        "how dates are written: +01:00 with milliseconds, or Z with so many digits",
    ),
    # what is done
    Switch("action_failure", ("8.1.1",), ("200", "422", "400"), "HTTP status of an action that failed"),
    Switch("validation_body", ("8.1.3",), ("errors", "error"), "body of a 422: messages by field, or one text"),
    Switch("foreign_token", ("8.1.4",), ("401", "403", "404"), "status for a token that does not open this database"),
    Switch(
        "refused_token",
        ("1.4",),
        ("401", "400"),
        "status with which the database API refuses a token that is missing, unknown or expired",
    ),
    Switch("busy", ("8.1.5",), ("409", "400", "422"), "status for a change of a database on which an operation runs"),
    Switch(
        "busy_settings", ("8.1.5",), ("refuse", "accept"), "whether settings can be changed while an operation runs"
    ),
    Switch("backup_running", ("8.1.5",), ("400", "409"), "status for a second backup while one runs"),
    Switch("operation_final", ("8.1.6",), ("finished", "done"), "status of an operation that succeeded"),
    Switch("operations_kept", ("8.1.6",), ("yes", "no"), "whether an operation can still be read after it has ended"),
    Switch("protected_reset", ("8.1.8",), ("allow", "refuse"), "reset-database on the default logical database"),
    # what no source states (section 8)
    Switch("logical_existing", ("8",), ("fail", "accept"), "create-database with the name of an existing one"),
    Switch("user_existing", ("8",), ("422", "409"), "status for a user whose name is taken"),
    Switch("feature_active", ("8",), ("400", "accept", "409", "422"), "enabling a feature that is already on"),
    Switch("feature_inactive", ("8",), ("404", "accept", "422"), "disabling a feature that is not on"),
    Switch("maintenance_window_alone", ("8",), ("accept", "refuse"), "weekday_utc or starting_hour_utc sent alone"),
    Switch(
        "upgrade_unavailable",
        ("8",),
        ("422", "400", "409"),
        "status for an upgrade of a database at the latest version",
    ),
    Switch(
        "influx_durations",
        ("7.5",),
        ("normalised", "given"),
        "durations of retention policies: as InfluxDB writes them (720h0m0s), or as given",
    ),
    Switch("influx_default_removal", ("8",), ("allow", "refuse"), "removal of the default retention policy"),
    Switch(
        "mongodb_empty_listed",
        ("7.3",),
        ("yes", "no"),
        "whether list-databases shows a MongoDB database that holds nothing",
    ),
    Switch("sql_mode_unknown", ("8",), ("fail", "ignore"), "set-sqlmode with a mode the server does not have"),
    Switch("empty_lists", ("2.8",), ("list", "null"), "result of an action that lists nothing: [] or null"),
    Switch(
        "dashboard_routes",
        ("2.0",),
        ("both", "api", "none"),
        "where the routes that only the newer dashboard uses are served: both hosts, the main API's alone, or nowhere",
    ),
    Switch("download_range", ("8",), ("yes", "no"), "whether a download can be resumed with Range"),
    Switch("download_etag", ("8",), ("strong", "weak", "missing"), "validator of a download"),
    Switch("download_length", ("8",), ("yes", "no"), "whether a download states its Content-Length"),
    Switch(
        "download_host",
        ("2.10",),
        ("files", "db"),
        "host of the link to a backup: one of its own, or the database API's",
    ),
    Switch(
        "archive_missing",
        ("6.65",),
        ("text", "504", "400"),
        "download of an archive that is lost, or of an engine's that is not served: status 200 with an error text, 504, or no link (400)",
    ),
    Switch(
        "archive_not_done",
        ("6.66",),
        ("text", "400"),
        "link to a backup that is running: it leads to an error text with status 200, or there is none (400)",
    ),
    Switch("restore_status", ("2.0",), ("201", "200"), "status of the restoration of a backup"),
    Switch("restore_shown", ("8",), ("updating", "running", "restoring"), "status of a database during a restoration"),
    Switch("protected_user", ("8",), ("422", "403"), "status for a change of the default user"),
    Switch(
        "scheduled_backups",
        ("7.8",),
        ("off", "on"),
        "whether the daily backups are really made when the clock passes their hour",
    ),
    Switch("addon_token_format", ("1.3",), ("jwt", "opaque"), "form of the tokens of addons"),
)

SWITCHES: dict[str, Switch] = {switch.name: switch for switch in _ALL}


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
