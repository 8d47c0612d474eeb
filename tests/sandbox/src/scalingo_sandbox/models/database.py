# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The database API: sections 2.2 to 2.16 of docs/contract.md."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Discriminator, Field, RootModel, Tag

from scalingo_sandbox.models.base import Date, Hour, Meta, Request, Response, Weekday


class Feature(Response):
    name: str
    status: str
    message: str | None = None


class Instance(Response):
    id: str
    hostname: str
    port: int
    status: str
    type: str
    features: list[str] | list[Feature] | None = None
    private_ip: str | None = None


class MaintenanceWindow(Response):
    weekday_utc: Weekday
    starting_hour_utc: Hour
    duration_in_hour: int


class PostgresqlConfig(Response):
    timescaledb_enabled: bool


class Database(Response):
    """D1. What old answers lack is optional (section 6, row 58)."""

    id: str
    resource_id: str
    app_name: str
    created_at: Date
    encryption_at_rest: bool
    features: list[Feature]
    plan: str
    status: str
    type_id: str
    type_name: str
    version_id: str
    readable_version: str
    mongo_repl_set_name: str | None = None
    hostname: str | None = None
    instances: list[Instance]
    next_version_id: str | None = None
    current_operation_id: str | None = None
    cluster: bool | None = None
    periodic_backups_enabled: bool
    periodic_backups_scheduled_at: list[Hour] | Hour
    maintenance_window: MaintenanceWindow | None = None
    first_pitr_backup: Date | None = None
    flags: list[str] | None = None
    postgresql_config: PostgresqlConfig | None = None


class DatabaseAnswer(Response):
    database: Database


class WindowChange(Request):
    weekday_utc: Weekday | None = None
    starting_hour_utc: Hour | None = None


def _hours(value: Any) -> Any:
    """One hour and a list of hours are accepted."""
    return [value] if isinstance(value, int) and not isinstance(value, bool) else value


Hours = Annotated[list[Hour], Field(min_length=1)]


class DatabaseChanges(Request):
    periodic_backups_enabled: bool | None = None
    periodic_backups_scheduled_at: Annotated[
        Hours | None, BeforeValidator(_hours, json_schema_input_type=Hour | Hours | None)
    ] = None
    maintenance_window: WindowChange | None = None


class DatabaseUpdate(Request):
    database: DatabaseChanges


class Plugin(Response):
    id: str
    feature_name: str
    install_name: str
    display_name: str
    description: str


class DatabaseTypeVersion(Response):
    id: str
    database_type_id: str
    created_at: Date
    updated_at: Date
    features: list[str]
    next_upgrade: DatabaseTypeVersion | str | None = None
    allowed_plugins: list[Plugin] | list[str] | None = None
    major: int
    minor: int | None
    patch: int | None
    build: int | None
    database_type_name: str | None = None


class DatabaseTypeVersionAnswer(Response):
    database_type_version: DatabaseTypeVersion


class DatabaseTypeVersionsAnswer(Response):
    database_type_versions: list[DatabaseTypeVersion]


class DatabaseType(Response):
    id: str
    name: str
    logo_url: str
    short_description: str
    description: str
    created_at: Date
    updated_at: Date
    default_version_id: str | None = None


class DatabaseTypeAnswer(Response):
    database_type: DatabaseType


class DatabaseTypesAnswer(Response):
    database_types: list[DatabaseType]


class UpgradeAnswer(Response):
    """D3: unrooted, the target version with two more keys. id is the version's."""

    message: str
    operation_id: str | None = None
    id: str
    build: int
    major: int
    minor: int
    patch: int
    release_number: int
    database_type_id: str
    features: list[str]
    allowed_plugins: list[Plugin] | list[str] | None = None
    warning_message: str
    maintenance_window: MaintenanceWindow | None = None
    created_at: Date
    updated_at: Date
    deleted_at: Date | None = None


class RestorePoint(Request):
    restore_time: Date


class Operation(Response):
    id: str
    type: str
    status: str
    created_at: Date
    finished_at: Date | None = None
    error: str | None = None


class OperationAnswer(Response):
    operation: Operation


class RestoreAnswer(Response):
    """D4: both forms of section 6, row 13."""

    operation: Operation | None = None
    operation_id: str | None = None


class RecoveryWindow(Response):
    earliest_recoverable_at: Date | None = None
    latest_recoverable_at: Date | None = None


class RecoveryWindowAnswer(Response):
    recovery_window: RecoveryWindow


class FeatureName(Request):
    name: str
    status: str | None = None


class FeatureActivation(Request):
    feature: FeatureName


class FeatureAnswer(Response):
    name: str
    status: str
    message: str


class MessageAnswer(Response):
    message: str


class DatabasePlan(Response):
    id: str
    name: str
    backup: bool
    disk: int
    memory: int
    manual_backups_count: int | None = None
    daily_scheduled_backups: int | None = None
    weekly_scheduled_backups: int | None = None
    monthly_scheduled_backups: int | None = None
    pitr_backup_days: int | None = None
    gateway_nodes: int | None = None
    minimum_version: str | None = None
    es_master_data_nodes: int | None = None
    mongo_data_node: int | None = None
    mongo_arbiter_node: int | None = None
    mongo_backup_node: int | None = None
    mysql_nodes: int | None = None
    postgresql_nodes: int | None = None
    redis_nodes: int | None = None
    sentinel_nodes: int | None = None


class DatabasePlanAnswer(Response):
    plan: DatabasePlan


class PingAnswer(Response):
    ping: str


class LagAnswer(Response):
    lag: int


class Backup(Response):
    id: str
    created_at: Date
    started_at: Date | None = None
    name: str
    size: int | None = None
    status: str
    database_id: str
    method: str | None = None
    type: str | None = None
    download_token: str | None = None
    download_token_date: Date | None = None


class BackupAnswer(Response):
    database_backup: Backup


class BackupsAnswer(Response):
    database_backups: list[Backup]


class DownloadAnswer(Response):
    download_url: str


class Restoration(Response):
    id: str
    created_at: Date
    started_at: Date | None = None
    ended_at: Date | None = None
    method: Literal["backup", "remote"]
    status: str
    database_id: str
    source_backup_id: str


class RestorationAnswer(Response):
    backup_restoration: Restoration


class DbmsAttributes(Response):
    password_encryption: str
    anonymizer_enabled: bool | None = None


class DatabaseUser(Response):
    name: str
    read_only: bool
    protected: bool
    password: str | None = None
    dbms_attributes: DbmsAttributes | None = None


class RootedUser(Response):
    database_user: DatabaseUser


def _user_form(value: Any) -> str:
    if isinstance(value, dict):
        return "rooted" if "database_user" in value else "bare"
    return "rooted" if isinstance(value, RootedUser) else "bare"


class DatabaseUserAnswer(
    RootModel[
        Annotated[
            Annotated[RootedUser, Tag("rooted")] | Annotated[DatabaseUser, Tag("bare")],
            Discriminator(_user_form),
        ]
    ]
):
    """Both forms of section 6, row 21."""


class DatabaseUsersAnswer(Response):
    """Both keys of section 6, row 22."""

    hyphenated: list[DatabaseUser] | None = Field(default=None, alias="database-users")
    database_users: list[DatabaseUser] | None = None


class UserFields(Request):
    database_id: str | None = None
    name: str
    read_only: bool | None = None
    password: str | None = None
    password_confirmation: str | None = None


class UserCreation(Request):
    database_user: UserFields


class PasswordFields(Request):
    database_id: str | None = None
    password: str | None = None
    password_confirmation: str | None = None


class PasswordChange(Request):
    database_user: PasswordFields


class Maintenance(Response):
    id: str
    database_id: str
    type: str
    status: str
    started_at: Date | None = None
    ended_at: Date | None = None


class RootedMaintenance(Response):
    maintenance: Maintenance


def _maintenance_form(value: Any) -> str:
    if isinstance(value, dict):
        return "rooted" if "maintenance" in value else "bare"
    return "rooted" if isinstance(value, RootedMaintenance) else "bare"


class MaintenanceAnswer(
    RootModel[
        Annotated[
            Annotated[RootedMaintenance, Tag("rooted")] | Annotated[Maintenance, Tag("bare")],
            Discriminator(_maintenance_form),
        ]
    ]
):
    """Both forms of section 6, row 8."""


class MaintenancesAnswer(Response):
    maintenance: list[Maintenance]
    meta: Meta


class LogsAnswer(Response):
    url: str


class LogArchive(Response):
    url: str
    size: int
    start: Date = Field(alias="from")
    to: Date


class LogArchivesAnswer(Response):
    archives: list[LogArchive]
    next_cursor: str
    has_more: bool


class MemoryNumbers(Response):
    memory: int | None = None
    memory_max: int | None = None
    memory_limit: int | None = None
    swap: int | None = None
    swap_max: int | None = None
    swap_limit: int | None = None
    memory_usage: int | None = None
    swap_usage: int | None = None
    max_memory_usage: int | None = None
    max_swap_usage: int | None = None


class CpuNumbers(Response):
    usage_in_percents: int


class InstanceMetrics(Response):
    instance_id: str
    instance_address: str
    real_disk_size: int
    cpu: CpuNumbers | None
    memory: MemoryNumbers


class MetricsAnswer(Response):
    cpu_usage: int
    memory: MemoryNumbers
    database_stats: dict[str, int]
    real_disk_size: int
    database_size: int | None = None
    instances_metrics: dict[str, InstanceMetrics] | list[InstanceMetrics] | None = None
    instance_metrics: dict[str, InstanceMetrics] | None = None


class CpuPoint(Response):
    time: Date
    cpu_usage: int


class MemoryPoint(Response):
    time: Date
    memory: int
    memory_max: int
    memory_limit: int


class SwapPoint(Response):
    time: Date
    swap: int
    swap_max: int
    swap_limit: int


class DiskPoint(Response):
    time: Date
    disk_used: int
    disk_total: int


class DiskioPoint(Response):
    time: Date
    diskio_reads: int
    diskio_writes: int


class SeriesAnswer(Response):
    cpu_metrics: list[CpuPoint] | None = None
    memory_metrics: list[MemoryPoint] | None = None
    swap_metrics: list[SwapPoint] | None = None
    disk_metrics: list[DiskPoint] | None = None
    diskio_metrics: list[DiskioPoint] | None = None


class HealthAnswer(Response):
    epoch: str | int
    status: Literal["green", "yellow", "red"]
    cluster: str
    shards: str | int
    pending_tasks: str | int


class InstanceStatus(Response):
    id: str
    type: str
    status: str
    role: str
    dbms_status: str | None = None


class InstancesStatusAnswer(RootModel[list[InstanceStatus]]):
    """S5: a bare array."""


class FirewallRule(Response):
    id: str
    type: Literal["custom_range", "managed_range"]
    cidr: str | None = None
    label: str | None = None
    range_id: str | None = None
    database_id: str
    created_at: Date | None = None
    updated_at: Date | None = None


class FirewallRuleAnswer(Response):
    rule: FirewallRule


class FirewallRulesAnswer(Response):
    rules: list[FirewallRule]


class FirewallFields(Request):
    type: Literal["custom_range", "managed_range"]
    cidr: str | None = None
    label: str | None = None
    range_id: str | None = None


class FirewallRooted(Request):
    firewall_rule: FirewallFields


def _firewall_form(value: Any) -> str:
    return "rooted" if isinstance(value, dict) and "firewall_rule" in value else "bare"


class FirewallCreation(
    RootModel[
        Annotated[
            Annotated[FirewallRooted, Tag("rooted")] | Annotated[FirewallFields, Tag("bare")],
            Discriminator(_firewall_form),
        ]
    ]
):
    """Both forms of section 6, row 51."""


class FirewallLabel(Request):
    label: str


class FirewallChange(Request):
    firewall_rule: FirewallLabel


class ManagedRange(Response):
    id: str
    name: str


class ManagedRangesAnswer(Response):
    ranges: list[ManagedRange]
