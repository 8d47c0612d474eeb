# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one interface between the service and what really holds the data."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from scalingo_sandbox.catalog import Kind, Version

BACKUP = "{backup}"
"""Stands for the name of a backup in the names of its files."""


class EngineError(Exception):
    """What the server of the database answered: the action failed."""


@dataclass
class LogicalDatabase:
    """A database inside the server. tables: how many rows each holds."""

    name: str
    protected: bool = False
    tables: dict[str, int] = field(default_factory=dict)


@dataclass
class EngineUser:
    """A user of the server."""

    name: str
    password: str
    read_only: bool = False
    protected: bool = False


@dataclass
class RetentionPolicy:
    """A retention policy as the server shows it."""

    name: str
    duration: str
    default: bool


@dataclass
class Extension:
    """An enabled extension."""

    name: str
    version: str


@dataclass
class Query:
    """A session and what it does."""

    pid: int
    query: str
    state: str
    username: str
    started: float


@dataclass
class EngineSetup:
    """What an engine begins with."""

    kind: Kind
    resource_id: str
    version: Version
    user: EngineUser
    now: Callable[[], float]
    switch: Callable[[str], str]
    logical_databases: list[LogicalDatabase] = field(default_factory=list)
    users: list[EngineUser] = field(default_factory=list)
    sql_mode: str | None = None
    retention_policies: list[RetentionPolicy] = field(default_factory=list)
    extensions: dict[str, str] = field(default_factory=dict)
    queries: list[Query] = field(default_factory=list)
    statements: list[dict[str, Any]] = field(default_factory=list)
    collect_statements: bool = False
    hostname: str | None = None
    """The name that a seed gives; an engine that listens somewhere has an address of its own beside it."""
    certificate: Callable[[Sequence[str]], tuple[bytes, bytes]] | None = None
    """Certificate and key for names, of the authority that clients trust."""
    tls_required: bool = False
    instant_at: Callable[[float], float] = float
    """The instant of the sandbox's clock at a time of this machine, and the other way round."""
    wall_at: Callable[[float], float] = float


class Engine(ABC):
    """One database. Methods that an engine does not have raise EngineError."""

    blocking = False
    """Whether calls may take long: requests are then handled outside of the event loop."""

    def __init__(self, setup: EngineSetup) -> None:
        self.setup = setup

    @property
    def kind(self) -> Kind:
        return self.setup.kind

    def _lacks(self, what: str) -> EngineError:
        return EngineError(f"{self.kind.type_name} has no {what}")

    # life
    @abstractmethod
    def version(self) -> Version:
        """The version that runs."""

    @abstractmethod
    def upgrade(self, version: Version) -> None:
        """Go to a later version, with all data."""

    def address(self) -> tuple[str, int] | None:
        """Where clients can connect to; None when nothing listens."""
        return None

    def reach(self) -> None:  # noqa: B027 - nothing to do where nothing listens
        """Make sure that the address answers: somebody was told."""

    def require_tls(self, required: bool) -> None:  # noqa: B027 - nothing to do where nothing listens
        """Refuse clear text, or take it again."""

    def restore_to(self, instant: float) -> None:  # noqa: B027 - memory has no past
        """Back to an instant of the sandbox's clock."""

    def close(self) -> None:  # noqa: B027 - nothing to do for most engines
        """Stop and leave nothing behind."""

    @abstractmethod
    def stats(self) -> dict[str, int]:
        """The numbers of database_stats in S1."""

    # backups
    @abstractmethod
    def dump(self) -> dict[str, bytes]:
        """The files of a backup. The names may hold BACKUP."""

    @abstractmethod
    def restore(self, files: dict[str, bytes]) -> None:
        """Back to what a backup holds."""

    # users
    def list_users(self) -> list[EngineUser]:
        raise self._lacks("users")

    def create_user(self, user: EngineUser) -> None:
        raise self._lacks("users")

    def set_password(self, name: str, password: str) -> None:
        raise self._lacks("users")

    def delete_user(self, name: str) -> None:
        raise self._lacks("users")

    # logical databases
    def list_databases(self) -> list[LogicalDatabase]:
        raise self._lacks("logical databases")

    def create_database(self, name: str) -> LogicalDatabase:
        raise self._lacks("logical databases")

    def delete_database(self, name: str) -> None:
        raise self._lacks("logical databases")

    def reset_database(self, name: str) -> None:
        raise self._lacks("logical databases")

    # MySQL
    def sql_mode(self) -> str:
        raise self._lacks("SQL mode")

    def set_sql_mode(self, mode: str) -> None:
        raise self._lacks("SQL mode")

    # InfluxDB
    def list_retention_policies(self) -> list[RetentionPolicy]:
        raise self._lacks("retention policies")

    def add_retention_policy(self, name: str, duration: str, default: bool) -> None:
        raise self._lacks("retention policies")

    def delete_retention_policy(self, name: str) -> None:
        raise self._lacks("retention policies")

    # PostgreSQL
    def list_extensions(self) -> list[Extension]:
        raise self._lacks("extensions")

    def list_queries(self) -> list[Query]:
        raise self._lacks("queries")

    def cancel_query(self, pid: int) -> None:
        raise self._lacks("queries")

    def terminate_query(self, pid: int) -> None:
        raise self._lacks("queries")

    def enable_statements(self) -> None:
        raise self._lacks("statistics of statements")

    def reset_statements(self) -> None:
        raise self._lacks("statistics of statements")

    def list_statements(self) -> list[dict[str, Any]]:
        raise self._lacks("statistics of statements")
