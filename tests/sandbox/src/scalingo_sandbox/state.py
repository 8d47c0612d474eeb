# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The things that exist in a sandbox."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from scalingo_sandbox.catalog import Kind, Plan
from scalingo_sandbox.clock import moment
from scalingo_sandbox.engines.base import Engine


@dataclass
class Outcome:
    """How the next piece of work of a kind ends, on demand."""

    outcome: str
    """fail, user-error, cancel or stay (it never ends)."""
    error: str


@dataclass
class Account:
    """The user of the sandbox."""

    id: str
    username: str
    email: str
    fullname: str
    regions: list[str]


@dataclass
class ApiToken:
    """A long-lived token of the user."""

    id: str
    name: str
    secret: str
    created_at: float
    last_used_at: float | None = None


@dataclass
class Feature:
    """A feature of a database and how far it is."""

    name: str
    status: str


@dataclass
class Instance:
    """One component of a database."""

    id: str
    hostname: str
    port: int
    type: str
    role: str
    private_ip: str
    status: str = "running"


@dataclass
class Operation:
    """Something long that happens to a database."""

    id: str
    type: str
    created_at: float
    status: str = "pending"
    finished_at: float | None = None
    error: str | None = None


@dataclass
class AppOperation:
    """Something long that happens to an app."""

    id: str
    type: str
    created_at: float
    status: str = "pending"
    finished_at: float | None = None
    error: str | None = None


@dataclass
class Backup:
    """A backup: its files are what the engine wrote."""

    id: str
    name: str
    created_at: float
    method: str
    status: str
    started_at: float | None = None
    size: int | None = None
    hidden: bool = False
    files: dict[str, bytes] = field(default_factory=dict)
    archive_bytes: int | None = None
    lost: bool = False
    download_token: str | None = None
    download_token_date: float = 0.0
    download_token_until: float = 0.0


@dataclass
class LogLine:
    """One line of a database's log."""

    time: float
    source: str
    text: str


@dataclass
class Restoration:
    """A backup being put back."""

    id: str
    source_backup_id: str
    created_at: float
    status: str = "scheduled"
    started_at: float | None = None
    ended_at: float | None = None


@dataclass
class Maintenance:
    """A maintenance, past or to come."""

    id: str
    type: str
    status: str
    started_at: float | None
    ended_at: float | None


@dataclass
class FirewallRule:
    """A rule of a dedicated database."""

    id: str
    type: str
    cidr: str | None
    label: str | None
    range_id: str | None
    created_at: float
    updated_at: float


@dataclass
class Window:
    """When maintenance may happen."""

    weekday_utc: int
    starting_hour_utc: int
    duration_in_hour: int


@dataclass
class Database:
    """A database: what D1 shows, and the engine behind it."""

    id: str
    kind: Kind
    engine: Engine
    plan: Plan
    created_at: float
    status: str
    hostname: str
    port: int
    password: str
    instances: list[Instance]
    window: Window
    features: list[Feature] = field(default_factory=list)
    encryption_at_rest: bool = True
    periodic_backups_enabled: bool = True
    periodic_backups_scheduled_at: list[int] = field(default_factory=lambda: [0])
    current_operation_id: str | None = None
    operations: dict[str, Operation] = field(default_factory=dict)
    backups: list[Backup] = field(default_factory=list)
    restorations: dict[str, Restoration] = field(default_factory=dict)
    maintenance: list[Maintenance] = field(default_factory=list)
    firewall_rules: list[FirewallRule] = field(default_factory=list)
    flags: list[str] = field(default_factory=list)
    earliest_recoverable_at: float | None = None
    latest_recoverable_at: float | None = None
    """None: a moment ago, always."""
    logs: list[LogLine] = field(default_factory=list)
    log_archives: int = 0
    health: str = "green"
    lag: int = 0
    durations: dict[str, float] = field(default_factory=dict)
    """Of its own, where they are not those of all."""

    def feature(self, name: str) -> Feature | None:
        return next((feature for feature in self.features if feature.name == name), None)

    @property
    def encrypted(self) -> bool:
        """Whether clear text is refused."""
        feature = self.feature("force-ssl")
        return feature is not None and feature.status == "ACTIVATED"

    @property
    def users_protected(self) -> str:
        return self.engine.setup.user.name


@dataclass
class Addon:
    """An addon of an app. Every addon of a sandbox is a database."""

    id: str
    app_id: str
    region: str
    kind: Kind
    plan: Plan
    resource_id: str
    status: str
    provisioned_at: float
    updated_at: float
    database: Database
    hds: bool = False
    things: dict[str, list[Any]] = field(default_factory=dict)
    """What only a file of api/ knows, by its name."""


@dataclass
class Event:
    """Something that happened to an app."""

    id: str
    type: str
    created_at: float
    type_data: dict[str, Any]
    by_user: bool = True
    app_name: str = ""
    """What the app was called then; a new name does not change it."""


@dataclass
class NetPeering:
    """A peering of a dedicated database's network."""

    id: str
    outscale_net_peering_id: str
    created_at: float
    status: str = "active"


@dataclass
class App:
    """An app and its addons."""

    id: str
    name: str
    region: str
    status: str
    created_at: float
    updated_at: float
    project_id: str
    project_name: str
    variables: dict[str, str] = field(default_factory=dict)
    addons: list[Addon] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    operations: dict[str, AppOperation] = field(default_factory=dict)
    peerings: list[NetPeering] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)

    @property
    def dedicated(self) -> bool:
        return any(addon.kind.dedicated for addon in self.addons)


def backup_name(created: float, resource_id: str) -> str:
    return f"{moment(created):%Y%m%d%H%M%S}_{resource_id}"
