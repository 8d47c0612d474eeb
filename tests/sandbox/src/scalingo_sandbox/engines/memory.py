# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Engines that hold everything in memory: no server is needed, and everything behaves as the server would."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from scalingo_sandbox.catalog import Version
from scalingo_sandbox.engines import durations, sqlmodes
from scalingo_sandbox.engines.base import (
    BACKUP,
    Engine,
    EngineError,
    EngineSetup,
    EngineUser,
    Extension,
    LogicalDatabase,
    Query,
    RetentionPolicy,
)


class MemoryEngine(Engine):
    """What all of them share: a version, users, a size."""

    def __init__(self, setup: EngineSetup) -> None:
        super().__init__(setup)
        self._version = setup.version
        self._users = {user.name: user for user in [setup.user, *setup.users]}

    def version(self) -> Version:
        return self._version

    def upgrade(self, version: Version) -> None:
        if version <= self._version:
            raise EngineError(f"{version} is not later than {self._version}")
        self._version = version

    def stats(self) -> dict[str, int]:
        return {"data_size": 11_044_896}

    # users
    def _check_users(self) -> None:
        if not self.kind.users:
            raise self._lacks("users")

    def list_users(self) -> list[EngineUser]:
        self._check_users()
        return list(self._users.values())

    def create_user(self, user: EngineUser) -> None:
        self._check_users()
        if user.name in self._users:
            raise EngineError(f"user {user.name} already exists")
        self._users[user.name] = user

    def set_password(self, name: str, password: str) -> None:
        self._check_users()
        if name not in self._users:
            raise EngineError(f"user {name} does not exist")
        self._users[name].password = password

    def delete_user(self, name: str) -> None:
        self._check_users()
        if name not in self._users:
            raise EngineError(f"user {name} does not exist")
        del self._users[name]

    # backups
    def content(self) -> dict[str, Any]:
        """What a backup holds."""
        return {}

    def set_content(self, content: dict[str, Any]) -> None:
        """What a restoration brings back."""

    file_name = "data.json"

    def dump(self) -> dict[str, bytes]:
        content = {"version": str(self._version), **self.content()}
        return {self.file_name: json.dumps(content, indent=1, sort_keys=True).encode() + b"\n"}

    def restore(self, files: dict[str, bytes]) -> None:
        if not files:
            raise EngineError("the backup is empty")
        self.set_content(json.loads(next(iter(files.values()))))


class MemoryWithDatabases(MemoryEngine):
    """Servers with several databases inside."""

    system: tuple[str, ...] = ()
    forbidden: frozenset[str] = frozenset("\0/\\.")

    def __init__(self, setup: EngineSetup) -> None:
        super().__init__(setup)
        self._databases: dict[str, LogicalDatabase] = {}
        self._databases[setup.resource_id] = LogicalDatabase(setup.resource_id, protected=True, tables={"accounts": 12})
        for database in setup.logical_databases:
            self._databases[database.name] = database

    def list_databases(self) -> list[LogicalDatabase]:
        return list(self._databases.values())

    def _database(self, name: str) -> LogicalDatabase:
        database = self._databases.get(name)
        if database is None:
            raise EngineError(f"Unknown database '{name}'")
        return database

    def create_database(self, name: str) -> LogicalDatabase:
        if not name or len(name.encode()) > 64 or self.forbidden & set(name) or name != name.strip():
            raise EngineError(f"Incorrect database name '{name}'")
        if name.lower() in self.system:
            raise EngineError(f"Access denied to database '{name}'")
        if name in self._databases:
            if self.setup.switch("logical_existing") == "fail":
                raise EngineError(f"Can't create database '{name}'; database exists")
            return self._databases[name]
        self._databases[name] = LogicalDatabase(name)
        return self._databases[name]

    def delete_database(self, name: str) -> None:
        if self._database(name).protected:
            raise EngineError(f"database '{name}' is protected: it cannot be deleted")
        del self._databases[name]

    def reset_database(self, name: str) -> None:
        database = self._database(name)
        if database.protected and self.setup.switch("protected_reset") == "refuse":
            raise EngineError(f"database '{name}' is protected: it cannot be reset")
        database.tables.clear()

    def content(self) -> dict[str, Any]:
        return {"databases": [asdict(database) for database in self._databases.values()]}

    def set_content(self, content: dict[str, Any]) -> None:
        self._databases = {entry["name"]: LogicalDatabase(**entry) for entry in content["databases"]}


class MemoryMysql(MemoryWithDatabases):
    """MySQL 8."""

    system = ("information_schema", "mysql", "performance_schema", "sys")
    file_name = f"{BACKUP}.sql"

    def __init__(self, setup: EngineSetup) -> None:
        super().__init__(setup)
        self._sql_mode = self._expanded(sqlmodes.DEFAULT if setup.sql_mode is None else setup.sql_mode)

    def _expanded(self, mode: str) -> str:
        known = sqlmodes.modes_of(self._version.major, self._version.minor)
        ignore = self.setup.switch("sql_mode_unknown") == "ignore"
        try:
            return sqlmodes.expanded(mode, known, ignore_unknown=ignore)
        except sqlmodes.UnknownMode as error:
            raise EngineError(f"Variable 'sql_mode' can't be set to the value of '{error}'") from error

    def sql_mode(self) -> str:
        return self._sql_mode

    def set_sql_mode(self, mode: str) -> None:
        self._sql_mode = self._expanded(mode)

    def stats(self) -> dict[str, int]:
        return {"data_size": 11_044_896, "current_connections": 3, "max_connections": 100}


class MemoryMongodb(MemoryWithDatabases):
    """MongoDB: a database that holds nothing may not be listed."""

    system = ("admin", "local", "config")
    forbidden = frozenset('\0/\\. "$*<>:|?')

    def dump(self) -> dict[str, bytes]:
        """A directory for each database, with a file for each of its collections: what is empty is not there."""
        collections = {
            f"{database.name}/{name}.bson": json.dumps(count).encode() + b"\n"
            for database in self._databases.values()
            for name, count in database.tables.items()
        }
        return {"admin/system.version.bson": f"{self._version}\n".encode(), **collections}

    def restore(self, files: dict[str, bytes]) -> None:
        if not files:
            raise EngineError("the backup is empty")
        own = self.setup.resource_id
        self._databases = {own: LogicalDatabase(own, protected=True)}
        for path, content in files.items():
            name, dummy, collection = path.removesuffix(".bson").partition("/")
            if name in self.system:
                continue
            database = self._databases.setdefault(name, LogicalDatabase(name))
            database.tables[collection] = json.loads(content)

    def list_databases(self) -> list[LogicalDatabase]:
        if self.setup.switch("mongodb_empty_listed") == "yes":
            return super().list_databases()
        return [database for database in super().list_databases() if database.tables or database.protected]

    def stats(self) -> dict[str, int]:
        databases = self._databases.values()
        return {
            "collections": sum(len(database.tables) for database in databases),
            "objects": sum(sum(database.tables.values()) for database in databases),
            "avg_obj_size": 164,
            "data_size": 11_044_896,
            "storage_size": 12_288_000,
            "num_extents": 0,
            "indexes": sum(len(database.tables) for database in databases),
            "index_size": 36_864,
            "file_size": 0,
        }


@dataclass
class _Policy:
    name: str
    nanoseconds: int
    given: str
    points: int = 0


class MemoryInfluxdb(MemoryEngine):
    """InfluxDB 1.8: what a retention policy of the same name means, and which one is the default."""

    file_name = f"{BACKUP}/data.json"

    def __init__(self, setup: EngineSetup) -> None:
        super().__init__(setup)
        self._policies: dict[str, _Policy] = {}
        self._default = "autogen"
        given = setup.retention_policies or [RetentionPolicy("autogen", "0", True)]
        for policy in given:
            self._policies[policy.name] = _Policy(policy.name, durations.nanoseconds(policy.duration), policy.duration)
            if policy.default:
                self._default = policy.name

    def _shown(self, policy: _Policy) -> str:
        normalised = self.setup.switch("influx_durations") == "normalised"
        return durations.written(policy.nanoseconds) if normalised else policy.given

    def list_retention_policies(self) -> list[RetentionPolicy]:
        return [
            RetentionPolicy(policy.name, self._shown(policy), policy.name == self._default)
            for policy in self._policies.values()
        ]

    def add_retention_policy(self, name: str, duration: str, default: bool) -> None:
        if not name:
            raise EngineError("invalid name")
        try:
            value = durations.nanoseconds(duration)
        except durations.OverflowedDuration as error:
            raise EngineError(
                f"error parsing query: overflowed duration {duration}: choose a smaller duration or INF"
            ) from error
        except durations.InvalidDuration as error:
            raise EngineError(f"error parsing query: found {duration}, expected duration") from error
        if 0 < value < durations.HOUR:
            raise EngineError("retention policy duration must be at least 1h0m0s")
        existing = self._policies.get(name)
        if existing is None:
            self._policies[name] = _Policy(name, value, duration)
            if default:
                self._default = name
            return
        if existing.nanoseconds != value:
            raise EngineError("retention policy already exists")
        if default and self._default != name:
            raise EngineError("retention policy conflicts with an existing policy")

    def delete_retention_policy(self, name: str) -> None:
        if name == self._default and self.setup.switch("influx_default_removal") == "refuse":
            raise EngineError(f"retention policy {name} is the default one: it cannot be deleted")
        self._policies.pop(name, None)

    def content(self) -> dict[str, Any]:
        return {"policies": [asdict(policy) for policy in self._policies.values()], "default": self._default}

    def set_content(self, content: dict[str, Any]) -> None:
        self._policies = {entry["name"]: _Policy(**entry) for entry in content["policies"]}
        self._default = content["default"]


#: The header of version 1.14 of pg_dump's own format, with numbers of one byte: no compression, no time, no names, one entry.
_DUMP = b"PGDMP\x01\x0e\x00\x01\x01\x01" + bytes(2 + 7 * 2 + 3 * 2) + b"\0\1"


class MemoryPostgresql(MemoryEngine):
    """PostgreSQL: extensions, sessions, statistics of statements."""

    file_name = f"{BACKUP}.pgsql"
    statements_extension = "pg_stat_statements"

    def dump(self) -> dict[str, bytes]:
        """A file that begins as one of pg_dump does, with one entry in its list."""
        return {name: _DUMP + content for name, content in super().dump().items()}

    def restore(self, files: dict[str, bytes]) -> None:
        super().restore({name: content[len(_DUMP) :] for name, content in files.items()})

    def __init__(self, setup: EngineSetup) -> None:
        super().__init__(setup)
        self._extensions = {"plpgsql": "1.0", **setup.extensions}
        self._queries = {query.pid: query for query in setup.queries}
        self._statements = list(setup.statements)
        if setup.collect_statements or setup.statements:
            self._extensions.setdefault(self.statements_extension, "1.11")

    def list_extensions(self) -> list[Extension]:
        return [Extension(name, version) for name, version in self._extensions.items()]

    def list_queries(self) -> list[Query]:
        return list(self._queries.values())

    def cancel_query(self, pid: int) -> None:
        query = self._queries.get(pid)
        if query is not None and query.state == "active":
            query.state = "idle"

    def terminate_query(self, pid: int) -> None:
        self._queries.pop(pid, None)

    def _check_statements(self) -> None:
        if self.statements_extension not in self._extensions:
            raise EngineError('relation "pg_stat_statements" does not exist')

    def enable_statements(self) -> None:
        self._extensions.setdefault(self.statements_extension, "1.11")

    def reset_statements(self) -> None:
        self._check_statements()
        self._statements.clear()

    def list_statements(self) -> list[dict[str, Any]]:
        self._check_statements()
        return list(self._statements)

    def stats(self) -> dict[str, int]:
        return {"data_size": 11_044_896, "current_connections": len(self._queries) + 1, "max_connections": 100}

    def content(self) -> dict[str, Any]:
        return {"extensions": self._extensions}

    def set_content(self, content: dict[str, Any]) -> None:
        self._extensions = dict(content["extensions"])


class MemoryPlain(MemoryEngine):
    """Redis, Elasticsearch, OpenSearch: nothing of their own."""


MEMORY: dict[str, type[MemoryEngine]] = {
    "mysql": MemoryMysql,
    "mongodb": MemoryMongodb,
    "influxdb": MemoryInfluxdb,
    "postgresql": MemoryPostgresql,
}


def make_memory_engine(setup: EngineSetup) -> Engine:
    return MEMORY.get(setup.kind.type_name, MemoryPlain)(setup)
