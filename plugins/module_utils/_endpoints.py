# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This file is private to the collection: it may change without notice.

"""The routes of the three hosts (docs/contract.md, section 2), one method each, plain data out.

Roots differ from route to route, some bodies are unrooted, one is a bare array (section 6): every method unwraps its own
answer by hand. Every method may raise any ScalingoError but InvalidInput's subclasses and StepFailed; what a method
raises beyond that is said in its docstring.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ansible_collections.community.scalingo.plugins.module_utils import _auth, _shapes
from ansible_collections.community.scalingo.plugins.module_utils._errors import (
    ActionFailed,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    ScalingoError,
    UnexpectedAnswer,
)
from ansible_collections.community.scalingo.plugins.module_utils._transport import (
    Answer,
    Clock,
    Route,
    Transport,
    Usage,
    failure_of,
)

Raw = t.Dict[str, t.Any]
Reader = t.Callable[[t.Any], t.Any]

READ = {"safe": True, "repeatable": True}
SETS = {"safe": False, "repeatable": True}
ONCE = {"safe": False, "repeatable": False}

DATABASE_PATH = "/databases/{database}"
ADDON_PATH = "/apps/{app}/addons/{addon}"


def _table(role: str, *rows: tuple[str, str, str, str, dict[str, bool], str]) -> dict[str, Route]:
    return {
        name: Route(name=name, method=method, path=path, number=number, role=role, doing=doing, **flags)
        for number, name, method, path, flags, doing in rows
    }


# number, name, verb, path, (safe, repeatable), the attempt in words
AUTH_ROUTES = _table(
    "auth",
    ("1.2", "exchange_token", "POST", "/tokens/exchange", READ, "exchange the API token for a bearer token"),
    ("1.1", "list_regions", "GET", "/regions", READ, "list the regions"),
    ("A15", "show_user", "GET", "/users/self", READ, "read the account"),
)

MAIN_ROUTES = _table(
    "api",
    ("A0", "list_apps", "GET", "/apps", READ, "list the apps"),
    ("A1", "list_addons", "GET", "/apps/{app}/addons", READ, "list the addons"),
    ("A2", "show_addon", "GET", ADDON_PATH, READ, "read the addon"),
    ("A3", "create_addon", "POST", "/apps/{app}/addons", ONCE, "provision the addon"),
    ("A4", "update_addon_plan", "PATCH", ADDON_PATH, ONCE, "change the plan of the addon"),
    ("A5", "delete_addon", "DELETE", ADDON_PATH, SETS, "destroy the addon"),
    ("A6", "mint_addon_token", "POST", ADDON_PATH + "/token", READ, "get a token for the addon"),
    ("A8", "resume_addon", "POST", ADDON_PATH + "/resume", ONCE, "resume the addon"),
    ("A9", "list_addon_providers", "GET", "/addon_providers", READ, "list the addon providers"),
    ("A10", "list_plans", "GET", "/addon_providers/{provider}/plans", READ, "list the plans of the addon provider"),
    ("A11", "list_variables", "GET", "/apps/{app}/variables", READ, "read the variables of the app"),
    ("A12", "show_app", "GET", "/apps/{app}", READ, "read the app"),
    ("A13", "show_app_operation", "GET", "/apps/{app}/operations/{operation}", READ, "read the operation of the app"),
    ("A14", "list_events", "GET", "/apps/{app}/events", READ, "read the events of the app"),
    ("DR1", "create_dedicated_database", "POST", "/databases", ONCE, "provision the dedicated database"),
    ("DR2", "list_dedicated_databases", "GET", "/databases", READ, "list the dedicated databases"),
    ("DR3", "show_dedicated_database", "GET", "/databases/{name}", READ, "read the dedicated database"),
    ("DR4", "delete_dedicated_database", "DELETE", "/apps/{app}", ONCE, "destroy the dedicated database"),
    ("DR5", "list_endpoints", "GET", "/databases/{name}/endpoints", READ, "list the endpoints"),
    ("DR6", "list_net_peerings", "GET", "/databases/{name}/net_peerings", READ, "list the net peerings"),
    ("DR7", "create_net_peering", "POST", "/databases/{name}/net_peerings", ONCE, "create the net peering"),
    ("DR8", "show_net_peering", "GET", "/databases/{name}/net_peerings/{peering}", READ, "read the net peering"),
    ("DR9", "delete_net_peering", "DELETE", "/databases/{name}/net_peerings/{peering}", SETS, "delete the net peering"),
    ("DR10", "show_network_configuration", "GET", "/databases/{name}/network_configuration", READ, "read the network"),
)

DATABASE_ROUTES = _table(
    "db",
    ("D1", "show_database", "GET", DATABASE_PATH, READ, "read the database"),
    ("D2", "update_database", "PATCH", DATABASE_PATH, SETS, "change the settings of the database"),
    ("D3", "upgrade", "POST", DATABASE_PATH + "/upgrade", ONCE, "start the upgrade"),
    ("D4", "restore_to_point_in_time", "POST", DATABASE_PATH + "/pitr/restore", ONCE, "restore to a point in time"),
    ("D5", "show_recovery_window", "GET", DATABASE_PATH + "/pitr/recovery_window", READ, "read the recovery window"),
    ("D6", "enable_feature", "POST", DATABASE_PATH + "/features", SETS, "enable the feature"),
    ("D7", "disable_feature", "DELETE", DATABASE_PATH + "/features", SETS, "disable the feature"),
    ("D8", "action", "POST", DATABASE_PATH + "/action", ONCE, "run the action"),
    ("D9", "show_database_operation", "GET", DATABASE_PATH + "/operations/{operation}", READ, "read the operation"),
    ("D10", "show_operation", "GET", "/operations/{operation}", READ, "read the operation"),
    ("D11", "show_plan", "GET", DATABASE_PATH + "/plan", READ, "read the plan of the database"),
    ("D12", "show_plan_by_name", "GET", "/plans/{plan}", READ, "read the plan"),
    ("D13", "ping", "POST", DATABASE_PATH + "/ping", READ, "ping the database"),
    ("D14", "show_lag", "GET", DATABASE_PATH + "/lag", READ, "read the replication lag"),
    ("B1", "list_backups", "GET", DATABASE_PATH + "/backups", READ, "list the backups"),
    ("B2", "create_backup", "POST", DATABASE_PATH + "/backups", ONCE, "start a backup"),
    ("B3", "show_backup", "GET", "/backups/{backup}", READ, "read the backup"),
    ("B3'", "show_database_backup", "GET", DATABASE_PATH + "/backups/{backup}", READ, "read the backup"),
    ("B4", "show_backup_link", "GET", DATABASE_PATH + "/backups/{backup}/archive", READ, "get the link to the backup"),
    ("B6", "restore_backup", "POST", DATABASE_PATH + "/backups/{backup}/restore", ONCE, "restore the backup"),
    ("B7", "show_backup_restoration", "GET", DATABASE_PATH + "/backup_restorations/{restoration}", READ, "read the restoration"),
    ("U1", "list_users", "GET", DATABASE_PATH + "/users", READ, "list the database users"),
    ("U2", "create_user", "POST", DATABASE_PATH + "/users", ONCE, "create the database user"),
    ("U3", "update_user_password", "PATCH", DATABASE_PATH + "/users/{user}", SETS, "change the user's password"),
    ("U4", "reset_user_password", "POST", DATABASE_PATH + "/users/{user}/reset_password", ONCE, "reset the user's password"),
    ("U5", "delete_user", "DELETE", DATABASE_PATH + "/users/{user}", ONCE, "delete the database user"),
    ("M1", "list_maintenances", "GET", DATABASE_PATH + "/maintenance", READ, "list the maintenance of the database"),
    ("M2", "show_maintenance", "GET", DATABASE_PATH + "/maintenance/{maintenance}", READ, "read the maintenance"),
    ("T1", "list_database_types", "GET", "/database_types", READ, "list the database types"),
    ("T2", "show_database_type", "GET", "/database_types/{type}", READ, "read the database type"),
    ("T3", "show_database_type_version", "GET", "/database_type_versions/{version}", READ, "read the version"),
    ("L1", "show_logs_link", "GET", DATABASE_PATH + "/logs", READ, "get the link to the logs"),
    ("L2", "list_log_archives", "GET", DATABASE_PATH + "/logs_archives", READ, "list the log archives"),
    ("S1", "show_metrics", "GET", DATABASE_PATH + "/metrics", READ, "read the metrics"),
    ("S2", "list_metric", "GET", DATABASE_PATH + "/metrics/{type}", READ, "read the metric"),
    ("S3", "list_instance_metric", "GET", DATABASE_PATH + "/instances/{instance}/metrics/{type}", READ, "read the metric"),
    ("S4", "show_health", "GET", DATABASE_PATH + "/health", READ, "read the health of the cluster"),
    ("S5", "list_instances_status", "GET", DATABASE_PATH + "/instances_status", READ, "read the status of the instances"),
    ("F1", "list_firewall_rules", "GET", DATABASE_PATH + "/firewall_rules", READ, "list the firewall rules"),
    ("F2", "create_firewall_rule", "POST", DATABASE_PATH + "/firewall_rules", ONCE, "create the firewall rule"),
    ("F3", "delete_firewall_rule", "DELETE", DATABASE_PATH + "/firewall_rules/{rule}", SETS, "delete the firewall rule"),
    ("F4", "update_firewall_rule", "PATCH", DATABASE_PATH + "/firewall_rules/{rule}", SETS, "change the firewall rule"),
    ("F5", "list_managed_ranges", "GET", "/firewall/managed_ranges", READ, "list the managed ranges"),
    ("C1", "show_ca_certificate", "GET", "/ca_certificate", READ, "get the CA certificate"),
)


def _actions(*rows: tuple[str, dict[str, bool], str]) -> dict[str, Route]:
    base = DATABASE_ROUTES["action"]
    return {
        name: dataclasses.replace(base, name=f"action {name}", action_name=name, doing=doing, **flags)
        for name, flags, doing in rows
    }


# docs/contract.md, section 2.8. Many of these POSTs only read.
ACTIONS = _actions(
    ("list-databases", READ, "list the logical databases"),
    ("create-database", ONCE, "create the logical database"),
    ("delete-database", ONCE, "delete the logical database"),
    ("reset-database", ONCE, "reset the logical database"),
    ("get-sqlmode", READ, "read the SQL mode"),
    ("set-sqlmode", SETS, "set the SQL mode"),
    ("list-extensions", READ, "list the extensions"),
    ("pg-list-queries", READ, "list the running queries"),
    ("pg-cancel-query", ONCE, "cancel the query"),
    ("pg-terminate-query", ONCE, "terminate the query"),
    ("pg-stat-statements-enable", SETS, "enable pg_stat_statements"),
    ("pg-stat-statements-reset", ONCE, "reset the statistics of pg_stat_statements"),
    ("pg-stat-statements-list", READ, "list the statistics of pg_stat_statements"),
    ("list-retention-policies", READ, "list the retention policies"),
    ("add-retention-policy", ONCE, "add the retention policy"),
    ("del-retention-policy", ONCE, "delete the retention policy"),
)

# What run_action refuses, and the module that asks for the word of consent (docs/contract.md, section 7.10).
DESTROYING_ACTIONS = {
    "delete-database": "scalingo_logical_db",
    "reset-database": "scalingo_logical_db_reset",
    "del-retention-policy": "scalingo_retention_policy",
    "pg-terminate-query": "scalingo_pg_query",
    "pg-stat-statements-reset": "scalingo_pg_stat_statements",
}


def all_routes() -> list[Route]:
    """Return every route and every action, in the order of the contract."""
    return [*AUTH_ROUTES.values(), *MAIN_ROUTES.values(), *DATABASE_ROUTES.values(), *ACTIONS.values()]


class AuthApi:
    """The auth host, base path /v1 (docs/contract.md, sections 1.1, 1.2 and A15)."""

    def exchange_token(self) -> tuple[str, float | None]:
        """Exchange the API token (section 1.2). Return the bearer token and the epoch of the answer's Date header."""
        raise NotImplementedError

    def list_regions(self) -> list[Raw]:
        """List the regions (section 1.1): name, display_name, api, database_api, ssh, default. Hosts have no path."""
        raise NotImplementedError

    def show_user(self) -> Raw:
        """Read the account behind the token (A15): id, username, email, fullname."""
        raise NotImplementedError


class MainApi:
    """The main API of the region, base path /v1 (docs/contract.md, section 2.1). ``app`` is a name or an id."""

    def list_apps(self) -> list[Raw]:
        """List the apps of the account."""
        raise NotImplementedError

    def list_addons(self, app: str) -> list[Raw]:
        """List the addons of an app (A1); each has id, resource_id, status, plan, addon_provider."""
        raise NotImplementedError

    def show_addon(self, app: str, addon_id: str) -> Raw:
        """Read one addon (A2)."""
        raise NotImplementedError

    def create_addon(self, app: str, provider_id: str, plan_id: str, options: t.Mapping[str, str] | None = None) -> Raw:
        """Provision an addon (A3). ``options`` may hold ``version``. Return addon, message, variables (a list of names).

        Not repeatable: raises OutcomeUnknown when the answer is lost.
        """
        raise NotImplementedError

    def update_addon_plan(self, app: str, addon_id: str, plan_id: str) -> None:
        """Change the plan (A4); asynchronous. The sources disagree on the answer, so nothing of it is returned."""
        raise NotImplementedError

    def delete_addon(self, app: str, addon_id: str) -> None:
        """Destroy the addon and everything in it (A5)."""
        raise NotImplementedError

    def mint_addon_token(self, app: str, addon_id: str) -> tuple[Raw, float | None]:
        """Get a token for the addon (A6), good for one hour. Return the addon with ``token``, and the Date's epoch."""
        raise NotImplementedError

    def resume_addon(self, app: str, addon_id: str) -> Raw:
        """Resume a suspended addon (A8)."""
        raise NotImplementedError

    def list_addon_providers(self, category_id: str | None = None) -> list[Raw]:
        """List the addon providers (A9); the category of databases is named ``Databases``."""
        raise NotImplementedError

    def list_plans(self, provider_id: str, show_all: bool = False) -> list[Raw]:
        """List the plans of a provider (A10): id, name, display_name, price, …"""
        raise NotImplementedError

    def list_variables(self, app: str) -> list[Raw]:
        """List the variables of the app (A11, 7.9): id, name, value. The values are secrets."""
        raise NotImplementedError

    def show_app(self, app: str) -> Raw:
        """Read the app (A12); ``flags`` has ``dedicated-database`` for the app of a dedicated database."""
        raise NotImplementedError

    def show_app_operation(self, app: str, operation_id: str) -> Raw:
        """Read an operation of the app (A13), which is not one of the database (2.6)."""
        raise NotImplementedError

    def list_events(self, app: str, limit: int | None = None) -> list[Raw]:
        """List the events of the app, newest first (A14), at most ``limit``; walks no further than needed."""
        raise NotImplementedError

    def create_dedicated_database(self, name: str, technology: str, plan: str, project_id: str | None = None) -> Raw:
        """Provision a dedicated database (section 2.1, dedicated resources); not repeatable."""
        raise NotImplementedError

    def list_dedicated_databases(self) -> list[Raw]:
        """List the dedicated databases of the account."""
        raise NotImplementedError

    def show_dedicated_database(self, name: str) -> Raw:
        """Read a dedicated database by id or name."""
        raise NotImplementedError

    def delete_dedicated_database(self, name: str) -> None:
        """Destroy a dedicated database. The call destroys an app, so the app is read first, and refused with
        InvalidInput unless its flag ``dedicated-database`` is true: two requests.
        """
        raise NotImplementedError

    def list_endpoints(self, name: str) -> list[Raw]:
        """List the endpoints of a dedicated database: id, hostname, port, type."""
        raise NotImplementedError

    def list_net_peerings(self, name: str) -> list[Raw]:
        """List the net peerings of a dedicated database."""
        raise NotImplementedError

    def create_net_peering(self, name: str, outscale_net_peering_id: str) -> Raw:
        """Create a net peering; not repeatable."""
        raise NotImplementedError

    def show_net_peering(self, name: str, peering_id: str) -> Raw:
        """Read a net peering; status ``active`` or ``deleted``."""
        raise NotImplementedError

    def delete_net_peering(self, name: str, peering_id: str) -> None:
        """Delete a net peering."""
        raise NotImplementedError

    def show_network_configuration(self, name: str) -> Raw:
        """Read outscale_account_id, outscale_net_id, ip_range of a dedicated database."""
        raise NotImplementedError


class DatabaseApi:
    """The database API of the region, base path /api, for the one addon of the target (docs/contract.md, 2.2 to 2.16).

    ``date`` is the epoch of the last answer's Date header, or None: judge ages by it.
    """

    date: float | None = None

    def show_database(self) -> Raw:
        """Read the database (D1). ``features``, ``instances`` and ``periodic_backups_scheduled_at`` are always lists;
        ``next_version_id`` and ``current_operation_id`` are None when there is none.
        """
        raise NotImplementedError

    def update_database(self, changes: t.Mapping[str, t.Any]) -> Raw:
        """Change settings in one PATCH (D2); returns the same as show_database. ``periodic_backups_scheduled_at`` is
        sent as it is given: a bare integer (section 6, row 2).
        """
        raise NotImplementedError

    def upgrade(self) -> Raw:
        """Start the upgrade by one step (D3); not repeatable. Return the target version's fields with ``operation_id``
        (None when the answer has none; ``id`` is the version's, not the operation's), ``warning_message``, ``message``,
        and ``location``, the Location header to give to show_operation (None when absent).
        """
        raise NotImplementedError

    def restore_to_point_in_time(self, restore_time: str) -> Raw:
        """Restore to ``restore_time``, RFC 3339 (D4); not repeatable, destroys what came later. Return the operation:
        ``id``, and ``location`` (None when absent).
        """
        raise NotImplementedError

    def show_recovery_window(self) -> Raw:
        """Read ``earliest_recoverable_at`` and ``latest_recoverable_at`` (D5), both None without a base backup."""
        raise NotImplementedError

    def enable_feature(self, name: str) -> Raw:
        """Enable a feature (D6); may be asynchronous. Return name, status, message, as far as answered."""
        raise NotImplementedError

    def disable_feature(self, name: str) -> Raw:
        """Disable a feature (D7); may be asynchronous. Return message, as far as answered."""
        raise NotImplementedError

    def run_action(self, name: str, params: t.Any = None) -> t.Any:
        """Run any action (D8) and return its ``result``. An unknown name counts as a call that changes something and is
        not repeated. Raises InvalidInput for a name known to destroy, ActionFailed for ``ok: 0``.
        """
        raise NotImplementedError

    def list_logical_databases(self) -> list[Raw]:
        """List the logical databases: name, protected. MySQL and MongoDB. Raises ActionFailed."""
        raise NotImplementedError

    def create_logical_database(self, name: str) -> Raw:
        """Create a logical database; returns name and protected. Not repeatable. Raises ActionFailed."""
        raise NotImplementedError

    def delete_logical_database(self, name: str) -> None:
        """Drop a logical database with everything in it. Not repeatable. Raises ActionFailed."""
        raise NotImplementedError

    def reset_logical_database(self, name: str) -> None:
        """Empty a logical database and keep it: ``reset-database``, and nothing else (section 6, row 1). Not repeatable.

        Raises ActionFailed.
        """
        raise NotImplementedError

    def get_sql_mode(self) -> str:
        """Read the SQL mode (MySQL) as the comma-separated text that the API gives. Raises ActionFailed."""
        raise NotImplementedError

    def set_sql_mode(self, modes: str) -> None:
        """Replace the whole SQL mode by a comma-separated text; an empty one clears it. Raises ActionFailed."""
        raise NotImplementedError

    def list_extensions(self) -> list[Raw]:
        """List the enabled extensions (PostgreSQL): name, version. Raises ActionFailed."""
        raise NotImplementedError

    def list_queries(self) -> list[Raw]:
        """List running queries (PostgreSQL): pid, query, state, username, query_start, query_duration in nanoseconds."""
        raise NotImplementedError

    def cancel_query(self, pid: int) -> None:
        """Cancel a query (PostgreSQL). Not repeatable: a pid may have become another's. Raises ActionFailed."""
        raise NotImplementedError

    def terminate_query(self, pid: int) -> None:
        """Kill a session (PostgreSQL). Not repeatable. Raises ActionFailed."""
        raise NotImplementedError

    def enable_stat_statements(self) -> None:
        """Enable pg_stat_statements (PostgreSQL). Raises ActionFailed."""
        raise NotImplementedError

    def reset_stat_statements(self) -> None:
        """Throw the statistics away (PostgreSQL). Not repeatable. Raises ActionFailed."""
        raise NotImplementedError

    def list_stat_statements(self) -> list[Raw]:
        """List the statistics (PostgreSQL): user_id, query, calls, rows, and times in milliseconds. Raises ActionFailed."""
        raise NotImplementedError

    def list_retention_policies(self) -> list[Raw]:
        """List the retention policies (InfluxDB): name, duration, default. Raises ActionFailed."""
        raise NotImplementedError

    def add_retention_policy(self, name: str, duration: str, default: bool) -> None:
        """Add a retention policy (InfluxDB). Not repeatable. Raises ActionFailed."""
        raise NotImplementedError

    def delete_retention_policy(self, name: str) -> None:
        """Delete a retention policy and the points under it (InfluxDB). Not repeatable. Raises ActionFailed."""
        raise NotImplementedError

    def show_operation(self, operation_id: str, location: str | None = None) -> Raw:
        """Read an operation (D10, D9): id, type, status, created_at, finished_at, error.

        The path of ``location`` is tried first, then /operations/:id, then the one below the database, each on 404 only.
        NotFound does not mean that the operation failed (section 2.4): the database is the truth.
        """
        raise NotImplementedError

    def show_plan(self) -> Raw:
        """Read the plan of the database (D11), where the region serves it."""
        raise NotImplementedError

    def show_plan_by_name(self, name: str, type_name: str) -> Raw:
        """Read a plan by its name and the engine's (D12), where the region serves it."""
        raise NotImplementedError

    def ping(self) -> t.Any:
        """Ping the database (D13); the answer's form is not known."""
        raise NotImplementedError

    def show_lag(self) -> t.Any:
        """Read the replication lag (D14); the answer's form is not known."""
        raise NotImplementedError

    def list_backups(self) -> list[Raw]:
        """List the backups (B1), newest first by ``created_at``; ``started_at`` and ``size`` may be None."""
        raise NotImplementedError

    def create_backup(self) -> Raw:
        """Start a backup (B2); not repeatable. A backup that is already running is a BadRequest (section 2.10)."""
        raise NotImplementedError

    def show_backup(self, backup_id: str) -> Raw:
        """Read a backup: B3, then B3' on 404."""
        raise NotImplementedError

    def show_backup_link(self, backup_id: str) -> str:
        """Return the download link (B4): a secret that needs no Authorization and dies after a while."""
        raise NotImplementedError

    def restore_backup(self, backup_id: str) -> Raw:
        """Restore a backup (B6); not repeatable, and the route may be absent (NotFound). Return the restoration."""
        raise NotImplementedError

    def show_backup_restoration(self, restoration_id: str) -> Raw:
        """Read a restoration (B7)."""
        raise NotImplementedError

    def list_users(self) -> list[Raw]:
        """List the database users (U1): name, read_only, protected, dbms_attributes."""
        raise NotImplementedError

    def create_user(self, name: str, read_only: bool, password: str | None = None) -> Raw:
        """Create a user (U2); not repeatable. Without ``password`` the platform makes one; the answer holds it."""
        raise NotImplementedError

    def update_user_password(self, name: str, password: str) -> Raw:
        """Change a user's password (U3). Return what is answered, which may be empty."""
        raise NotImplementedError

    def reset_user_password(self, name: str) -> Raw:
        """Let the platform make a new password (U4); not repeatable. The answer holds it."""
        raise NotImplementedError

    def delete_user(self, name: str) -> None:
        """Delete a user (U5); not repeatable."""
        raise NotImplementedError

    def list_maintenances(self, limit: int | None = None) -> list[Raw]:
        """List maintenance (M1), at most ``limit``; walks no further than needed."""
        raise NotImplementedError

    def show_maintenance(self, maintenance_id: str) -> Raw:
        """Read one maintenance (M2)."""
        raise NotImplementedError

    def list_database_types(self) -> list[Raw]:
        """List the engines (T1)."""
        raise NotImplementedError

    def show_database_type(self, type_id: str) -> Raw:
        """Read an engine (T2)."""
        raise NotImplementedError

    def show_database_type_version(self, version_id: str) -> Raw:
        """Read a version (T3): major, minor, patch, build. ``next_upgrade`` is None, or an object with at least id."""
        raise NotImplementedError

    def show_logs_link(self) -> str:
        """Return the link to the logs (L1): a secret; fetch it with Client.read_link."""
        raise NotImplementedError

    def list_log_archives(self, limit: int | None = None) -> list[Raw]:
        """List the archives of the logs (L2): url (a secret), from, to, size; at most ``limit``."""
        raise NotImplementedError

    def show_metrics(self) -> Raw:
        """Read the present metrics (S1). ``instances_metrics`` is always a mapping of instance id to metrics."""
        raise NotImplementedError

    def list_metric(self, type_name: str, since: int | None = None, last: bool = False) -> list[Raw]:
        """Read a metric over time (S2): cpu, memory, swap, disk, diskio; ``since`` in hours."""
        raise NotImplementedError

    def list_instance_metric(self, instance_id: str, type_name: str, since: int | None = None, last: bool = False) -> list[Raw]:
        """Read a metric of one instance over time (S3)."""
        raise NotImplementedError

    def show_health(self) -> Raw:
        """Read the health of an Elasticsearch cluster (S4); its numbers are texts."""
        raise NotImplementedError

    def list_instances_status(self) -> list[Raw]:
        """Read the status of the instances (S5): id, type, status, role."""
        raise NotImplementedError

    def list_firewall_rules(self) -> list[Raw]:
        """List the firewall rules (F1); dedicated databases only."""
        raise NotImplementedError

    def create_firewall_rule(self, rule: t.Mapping[str, t.Any]) -> Raw:
        """Create a firewall rule (F2) from type and cidr and label, or type and range_id; not repeatable."""
        raise NotImplementedError

    def update_firewall_rule(self, rule_id: str, label: str) -> Raw:
        """Change the label of a firewall rule (F4)."""
        raise NotImplementedError

    def delete_firewall_rule(self, rule_id: str) -> None:
        """Delete a firewall rule (F3)."""
        raise NotImplementedError

    def list_managed_ranges(self) -> list[Raw]:
        """List the managed ranges (F5): id, name."""
        raise NotImplementedError

    def show_ca_certificate(self) -> str:
        """Return the CA certificate of the databases (C1) as PEM text."""
        raise NotImplementedError


class Target:
    """The database meant by the options (docs/contract.md, sections 1.6 and 1.7). Lazy: a property may cost requests.

    Any of them raises NotFound (the app or the addon does not exist; the hint names what there is) or InvalidInput
    (more than one addon matches; a resource id was given).
    """

    @property
    def app(self) -> str | None:
        """The app as given; None with addon_id and addon_token alone."""
        raise NotImplementedError

    @property
    def addon_id(self) -> str:
        """The addon's id; costs a request when a provider id was given and nothing is cached."""
        raise NotImplementedError

    @property
    def engine(self) -> str | None:
        """The provider id without prefix, for example "mysql" or "postgresql-ng"; None with addon_token."""
        raise NotImplementedError

    @property
    def resource_id(self) -> str | None:
        """The resource id, for example "shop_1234"; None with addon_token."""
        raise NotImplementedError


class Client:
    """Everything a resource needs: the three hosts, the target, the clock, and what it has cost."""

    auth: AuthApi
    main: MainApi
    database: DatabaseApi
    usage: Usage
    clock: Clock
    region: str
    target: Target

    @classmethod
    def from_params(
        cls,
        params: t.Mapping[str, t.Any],
        *,
        verbose: t.Callable[[str], None],
        secret: t.Callable[[str], None],
        clock: Clock | None = None,
        fresh_lookup: bool = False,
        target_needed: bool = True,
    ) -> Client:
        """Check the connection and target options and build a client. Nothing is sent yet.

        Options read: api_token region api_url db_api_url auth_url api_timeout api_retries validate_certs ca_path
        token_cache app addon addon_id addon_token. ``verbose`` takes a line for -v; ``secret`` a value to be masked
        everywhere, before it is used. ``fresh_lookup`` ignores cached lookups of the target, not tokens.
        ``target_needed`` false: app and addon may be missing.

        Raises InvalidInput: an address, the region's form, a number, a token or the target options are wrong. That the
        region does not exist is found at the first request.
        """
        raise NotImplementedError

    def described(self) -> str:
        """Return "addon mysql (ad-…) of app shop in osc-fr1", as far as known. Never sends a request."""
        raise NotImplementedError

    def forget_target(self) -> None:
        """Drop the target's token and lookup, in memory and in the cache: after the addon was destroyed."""
        raise NotImplementedError

    def read_link(self, link: str, query: t.Mapping[str, t.Any] | None = None) -> str:
        """Read a text behind a link that the API handed out (L1), with no Authorization; "" when 204 or 404."""
        raise NotImplementedError
