# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the sandbox begins with: a YAML file or a mapping of this form."""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, field_validator

from scalingo_sandbox.models.base import Hour, Weekday

REGIONS = ("osc-fr1", "osc-secnum-fr1")


class SeedPart(BaseModel):
    """A part of a seed: an unknown key is a mistake."""

    model_config = ConfigDict(extra="forbid")


class SeedUser(SeedPart):
    api_token: str | None = None
    username: str = "sandbox"
    email: str = "sandbox@example.com"
    fullname: str = "Sandbox"
    regions: list[str] = Field(default_factory=lambda: list(REGIONS))
    """The regions this user may use: the others are not listed and refuse the bearer."""


class SeedLogicalDatabase(SeedPart):
    name: str
    protected: bool = False
    tables: dict[str, int] = Field(default_factory=dict)


class SeedPolicy(SeedPart):
    name: str
    duration: str = "0"
    default: bool = False


class SeedDatabaseUser(SeedPart):
    name: str
    password: str = ""
    read_only: bool = False
    protected: bool = False


class SeedQuery(SeedPart):
    query: str
    state: str = "active"
    username: str | None = None
    """An empty one is a process of the server itself."""
    seconds: float = 1.0
    """How long it has been running."""
    pid: int | None = None


class SeedBackup(SeedPart):
    age: float = 86400.0
    """Seconds since it was asked for."""
    method: Literal["manual", "periodic"] = "periodic"
    status: str = "done"
    size: int | None = None
    """What the API says; None: the length of the archive."""
    archive_bytes: int | None = None
    """Make the archive about this long."""
    lost: bool = False
    """Whether the storage has lost the archive."""
    id: str | None = None
    name: str | None = None
    hidden: bool = False


class SeedMaintenance(SeedPart):
    id: str | None = None
    type: str = "no-op"
    status: str = "done"
    started: float | None = None
    """Seconds since it started; None: not started."""
    ended: float | None = None
    starts_in: float | None = None
    """Seconds until it starts by itself: notified a day before, then running, then done."""


class SeedWindow(SeedPart):
    weekday_utc: Weekday = 3
    starting_hour_utc: Hour = 21
    duration_in_hour: int = 8


class SeedFirewallRule(SeedPart):
    type: Literal["custom_range", "managed_range"] = "custom_range"
    cidr: str | None = None
    label: str | None = None
    range_id: str | None = None
    id: str | None = None


class SeedDatabase(SeedPart):
    status: str | None = None
    version: str | None = None
    features: dict[str, str] = Field(default_factory=dict)
    """By name; a status of FAILED or PENDING_TO_ACTIVATE stays as it is."""
    periodic_backups_enabled: bool = True
    periodic_backups_scheduled_at: list[Hour] = Field(default_factory=lambda: [0])
    maintenance_window: SeedWindow = Field(default_factory=SeedWindow)
    current_operation_id: str | None = None
    """An operation that runs until somebody ends it through the control API."""
    logical_databases: list[SeedLogicalDatabase] = Field(default_factory=list)
    sql_mode: str | None = None
    retention_policies: list[SeedPolicy] = Field(default_factory=list)
    extensions: dict[str, str] = Field(default_factory=dict)
    queries: list[SeedQuery] = Field(default_factory=list)
    statements: list[dict[str, Any]] = Field(default_factory=list)
    statements_enabled: bool = False
    users: list[SeedDatabaseUser] = Field(default_factory=list)
    backups: list[SeedBackup] = Field(default_factory=list)
    maintenance: list[SeedMaintenance] = Field(default_factory=list)
    firewall_rules: list[SeedFirewallRule] = Field(default_factory=list)
    recoverable: bool = True
    """Whether a base backup for point-in-time recovery exists."""
    recoverable_days: float | None = None
    recoverable_until: float = 300
    """Seconds since the last instant that can be restored; more than 300: it stays where it is, as the archiving has stopped."""
    created: float = 30 * 86400.0
    """Seconds since it was created."""
    logs: list[str] = Field(default_factory=list)
    log_archives: int = 0
    flags: list[str] = Field(default_factory=list)
    encryption_at_rest: bool = True
    health: Literal["green", "yellow", "red"] = "green"
    lag: int = 0
    hostname: str | None = None
    """Host and port of the database; None: the sandbox invents one."""
    password: str | None = None
    """Password of the default user; None: the sandbox invents one."""

    @field_validator("extensions", mode="before")
    @classmethod
    def _names_alone(cls, value: Any) -> Any:
        return {name: "1.0" for name in value} if isinstance(value, list) else value

    @field_validator("logical_databases", "users", mode="before")
    @classmethod
    def _texts(cls, value: Any) -> Any:
        if not isinstance(value, list):
            return value
        return [{"name": entry} if isinstance(entry, str) else entry for entry in value]


class SeedAddon(SeedPart):
    provider: str
    id: str | None = None
    plan: str | None = None
    resource_id: str | None = None
    status: Literal["running", "provisioning", "suspended"] = "running"
    hds: bool = False
    """Whether it may hold data of health (hds_resource)."""
    things: dict[str, list[Any]] = Field(default_factory=dict)
    """What only a file of api/ knows, by its name, such as log_drains: their addresses."""
    engine: Literal["memory", "real"] | None = None
    """What holds the data; None: what the sandbox was started with."""
    database: SeedDatabase = Field(default_factory=SeedDatabase)


class SeedNetPeering(SeedPart):
    outscale_net_peering_id: str
    status: Literal["active", "deleted"] = "active"
    id: str | None = None


class SeedEvent(SeedPart):
    type: str
    type_data: dict[str, Any] = Field(default_factory=dict)
    age: float = 3600.0
    """Seconds since it happened."""
    id: str | None = None
    user: bool = True
    """Whether the answer names a user: it does not when an addon did it."""


class SeedAppOperation(SeedPart):
    id: str | None = None
    type: str = "restart"
    status: Literal["pending", "running", "done", "error"] = "done"
    age: float = 60.0
    """Seconds since it was asked for."""
    ended: float | None = None
    """Seconds since it ended; None: it has not."""
    error: str | None = None


class SeedApp(SeedPart):
    name: str
    id: str | None = None
    region: str = "osc-fr1"
    status: str = "running"
    variables: dict[str, str] = Field(default_factory=dict)
    project: str | None = None
    addons: list[SeedAddon] = Field(default_factory=list)
    net_peerings: list[SeedNetPeering] = Field(default_factory=list)
    """Of the app of a dedicated database."""
    events: list[SeedEvent] = Field(default_factory=list)
    operations: list[SeedAppOperation] = Field(default_factory=list)


class SeedFleet(SeedPart):
    """Many databases of one kind, spread over apps."""

    count: int = Field(ge=1)
    apps: int | None = Field(default=None, ge=1)
    provider: str = "mysql"
    plan: str | None = None
    region: str = "osc-fr1"
    prefix: str = "fleet"
    database: SeedDatabase = Field(default_factory=SeedDatabase)


class Durations(SeedPart):
    """Seconds of the sandbox's clock."""

    feature: float = 2
    upgrade: float = 20
    backup: float = 10
    restore: float = 20
    plan: float = 20
    provisioning: float = 30
    base_backup: float = 3600
    maintenance: float = 60
    bearer: float = 3600
    addon_token: float = 3600
    download_link: float = 3600


class Seed(SeedPart):
    """Everything."""

    user: SeedUser = Field(default_factory=SeedUser)
    apps: list[SeedApp] = Field(default_factory=list)
    events: list[SeedEvent] = Field(default_factory=list)
    """What the user did to the account itself."""
    fleet: list[SeedFleet] = Field(default_factory=list)
    durations: Durations = Field(default_factory=Durations)
    switches: dict[str, Any] = Field(default_factory=dict)
    versions: dict[str, list[str]] = Field(default_factory=dict)
    """The versions of a type, by type name: replaces the built-in list."""
    ssh: dict[str, str] = Field(default_factory=dict)
    """Host and port of a region's SSH service."""

    @field_validator("fleet", mode="before")
    @classmethod
    def _one_fleet(cls, value: Any) -> Any:
        return [value] if isinstance(value, dict) else value


def load(source: Seed | dict[str, Any] | str | Path | None) -> Seed:
    """A seed from what was given. None: the one that comes with the sandbox."""
    if isinstance(source, Seed):
        return source
    if source is None:
        text = resources.files("scalingo_sandbox").joinpath("data/default.yml").read_text(encoding="utf-8")
        return Seed.model_validate(yaml.safe_load(text))
    if isinstance(source, dict):
        return Seed.model_validate(source)
    try:
        content = yaml.safe_load(Path(source).read_text(encoding="utf-8")) or {}
    except yaml.YAMLError as error:
        raise ValueError(f"{source} is not YAML: {error}") from error
    return Seed.model_validate(content)


def merged(seeds: list[Seed]) -> Seed:
    """Apps and fleets add up, of everything else the last word holds."""
    if len(seeds) == 1:
        return seeds[0]
    result: dict[str, Any] = {}
    apps: list[SeedApp] = []
    fleets: list[SeedFleet] = []
    for seed in seeds:
        apps += seed.apps
        fleets += seed.fleet
        for name in seed.model_fields_set - {"apps", "fleet"}:
            value = getattr(seed, name)
            previous = result.get(name)
            if isinstance(value, dict) and isinstance(previous, dict):
                value = {**previous, **value}
            result[name] = value
    return Seed(**result).model_copy(update={"apps": apps, "fleet": fleets})
