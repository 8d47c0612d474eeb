# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""MariaDB in the place of MySQL, which no registry has: a server for each addon, started when it is first needed.

Logical databases, users, their rights and backups are the server's. The version is the one that MySQL would have, and so are
the SQL modes: what the API answers follows the table of that version. The server gets those that it knows.
"""

from __future__ import annotations

import re
import shutil
import signal
from pathlib import Path

from scalingo_sandbox.catalog import Version
from scalingo_sandbox.engines import sqlmodes
from scalingo_sandbox.engines.base import BACKUP, Engine, EngineError, EngineSetup, EngineUser, LogicalDatabase
from scalingo_sandbox.engines.real_servers import HOST, WORKSHOP, Port, Process, debian, run, unprivileged

PACKAGE = "mariadb-server"
SYSTEM = ("information_schema", "mysql", "performance_schema", "sys")
FORBIDDEN = frozenset("\0/\\.")
UNKNOWN_MODES = frozenset(("TIME_TRUNCATE_FRACTIONAL",))
"""Modes of MySQL that MariaDB does not have."""

SETTINGS = (
    "--innodb-buffer-pool-size=8M",
    "--innodb-log-file-size=4M",
    "--innodb-data-file-path=ibdata1:4M:autoextend",
    "--innodb-temp-data-file-path=ibtmp1:4M:autoextend",
    "--innodb-autoextend-increment=1",
    "--innodb-undo-tablespaces=0",
    "--innodb-flush-method=nosync",
    "--innodb-flush-log-at-trx-commit=0",
    "--innodb-doublewrite=0",
    "--key-buffer-size=1M",
    "--aria-pagecache-buffer-size=1M",
    "--performance-schema=0",
    "--skip-name-resolve",
    "--max-connections=100",
    "--character-set-server=utf8mb4",
)


def identifier(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def pattern(name: str) -> str:
    """A database in a GRANT, where underscores would mean any letter."""
    return identifier(re.sub(r"([\\_%])", r"\\\1", name))


def literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def account(name: str) -> str:
    return f"{literal(name)}@'%'"


def _server(tree: Path) -> list[str | Path]:
    share = tree / "usr" / "share" / "mysql"
    plugins = tree / "usr" / "lib" / "mysql" / "plugin"
    places = [f"--lc-messages-dir={share}", f"--character-sets-dir={share}/charsets", f"--plugin-dir={plugins}"]
    return [tree / "usr" / "sbin" / "mariadbd", "--no-defaults", *places, *SETTINGS]


def _template() -> Path:
    """A data directory with the tables of the system and one account: that of the socket in the private directory."""

    def fill(path: Path) -> None:
        tree, environment = debian(PACKAGE)
        share = tree / "usr" / "share" / "mysql"
        script = [b"CREATE DATABASE mysql;\nUSE mysql;\nSET @auth_root_socket=NULL;\n"]
        for name in ("mysql_system_tables.sql", "mysql_system_tables_data.sql", "maria_add_gis_sp_bootstrap.sql"):
            script.append((share / name).read_bytes())
        script.append(b"\nDELETE FROM global_priv WHERE Host <> 'localhost';\nDELETE FROM proxies_priv;\n")
        (path / "data").mkdir()
        command = [*_with(environment), *_server(tree), "--bootstrap", f"--datadir={path}/data"]
        run(command, given=b"\n".join(script))

    return WORKSHOP.once("mariadb/template", fill) / "data"


def _with(environment: dict[str, str]) -> list[str]:
    """The libraries of the package are for the server alone, not for what gives it its identity."""
    return [*unprivileged(), "env", *(f"{name}={value}" for name, value in environment.items())]


class RealMariadb(Engine):
    """A server of its own."""

    blocking = True

    def __init__(self, setup: EngineSetup) -> None:
        super().__init__(setup)
        self._tree, self._environment = debian(PACKAGE)
        self._name = setup.resource_id
        self._version = setup.version
        self._port = Port()
        self._home: Path | None = None
        self._process: Process | None = None
        self._tls_required = setup.tls_required
        self._passwords = {user.name: user.password for user in (setup.user, *setup.users)}
        self._sql_mode = self._expanded(sqlmodes.DEFAULT if setup.sql_mode is None else setup.sql_mode)

    # life

    def address(self) -> tuple[str, int]:
        return HOST, self._port.number

    def reach(self) -> None:
        if self._process is None:
            self._start()

    def version(self) -> Version:
        return self._version

    def upgrade(self, version: Version) -> None:
        """There is one MariaDB. The version that is shown, and with it the table of SQL modes, goes up."""
        if version <= self._version:
            raise EngineError(f"{version} is not later than {self._version}")
        self._version = version

    def _start(self) -> None:
        home = self._home = WORKSHOP.new_directory("mariadb")
        shutil.copytree(_template(), home / "data")
        arguments = [
            f"--datadir={home}/data", f"--socket={home}/socket", f"--pid-file={home}/pid", f"--tmpdir={home}",
            f"--port={self._port.number}", f"--bind-address={HOST}",
        ]  # fmt: skip
        if self.setup.certificate is not None:
            names = [HOST, "localhost", *([self.setup.hostname] if self.setup.hostname else [])]
            for name, content in zip(("server.pem", "server.key"), self.setup.certificate(names), strict=True):
                (home / name).touch(mode=0o600)
                (home / name).write_bytes(content)
            arguments += [f"--ssl-cert={home}/server.pem", f"--ssl-key={home}/server.key"]
        process = Process([*_with(self._environment), *_server(self._tree), *arguments], home / "log")
        self._process = process
        try:
            process.wait_until(self._answers)
            self._furnish()
        except BaseException:
            process.stop(signal.SIGKILL)
            self._process = None
            raise

    def _answers(self) -> bool:
        assert self._home is not None
        if not (self._home / "socket").exists():
            return False
        try:
            self._client(b"SELECT 1;")
        except EngineError:
            return False
        return True

    def close(self) -> None:
        if self._process is not None:
            self._process.stop(signal.SIGKILL)
            self._process = None
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)
        self._port.close()

    def require_tls(self, required: bool) -> None:
        self._tls_required = required
        if self._process is not None:
            self._apply_tls()

    def _apply_tls(self) -> None:
        if self.setup.certificate is not None:
            self.execute(f"SET GLOBAL require_secure_transport = {'ON' if self._tls_required else 'OFF'}")

    # how the server is spoken to

    def _program(self, name: str, *arguments: str, given: bytes = b"") -> bytes:
        assert self._home is not None
        place = [f"--socket={self._home}/socket", "--user=root", "--default-character-set=utf8mb4"]
        command: list[str | Path] = [self._tree / "usr" / "bin" / name, "--no-defaults", *place, *arguments]
        return run(command, environment=self._environment, given=given)

    def _client(self, script: bytes) -> bytes:
        try:
            return self._program("mariadb", "--batch", "--skip-column-names", given=script)
        except EngineError as error:
            raise EngineError(re.sub(r"\AERROR \d+ \(\w+\) at line \d+: ", "", str(error))) from error

    def execute(self, *statements: str) -> list[list[str]]:
        """Rows of texts."""
        self.reach()
        script = "".join(f"{statement};\n" for statement in ("SET SESSION sql_mode = ''", *statements))
        said = self._client(script.encode())
        return [[_unescaped(value) for value in line.split("\t")] for line in said.decode().splitlines()]

    # what the platform gives

    def _furnish(self) -> None:
        self._apply_sql_mode()
        self._apply_tls()
        given = {entry.name: entry for entry in self.setup.logical_databases}
        default = given.pop(self._name, LogicalDatabase(self._name, tables={"accounts": 12}))
        statements = []
        for database in (default, *given.values()):
            statements.append(f"CREATE DATABASE {identifier(database.name)}")
            for table, count in database.tables.items():
                place = f"{identifier(database.name)}.{identifier(table)}"
                statements.append(f"CREATE TABLE {place} (id INT AUTO_INCREMENT PRIMARY KEY)")
                if count:
                    statements.append(f"INSERT INTO {place} VALUES {', '.join(['(NULL)'] * count)}")
        for user in (self.setup.user, *self.setup.users):
            statements.append(f"CREATE USER {account(user.name)} IDENTIFIED BY {literal(user.password)}")
            statements += [self._grant(database, user) for database in (self._name, *given)]
        self.execute(*statements)

    @staticmethod
    def _grant(database: str, user: EngineUser) -> str:
        rights = "SELECT, SHOW VIEW" if user.read_only else "ALL PRIVILEGES"
        return f"GRANT {rights} ON {pattern(database)}.* TO {account(user.name)}"

    def stats(self) -> dict[str, int]:
        systems = ", ".join(literal(name) for name in SYSTEM)
        rows = self.execute(
            f"SELECT COALESCE(SUM(data_length + index_length), 0) FROM information_schema.tables WHERE table_schema NOT IN ({systems})",
            "SELECT COUNT(*) FROM information_schema.processlist WHERE user NOT IN ('root', 'system user')",
            "SELECT @@max_connections",
        )
        size, sessions, most = (int(row[0]) for row in rows)
        return {"data_size": size, "current_connections": sessions, "max_connections": most}

    # backups

    def _names(self) -> list[str]:
        names = [row[0] for row in self.execute("SHOW DATABASES")]
        return sorted((name for name in names if name not in SYSTEM), key=lambda name: name != self._name)

    def dump(self) -> dict[str, bytes]:
        options = ["--single-transaction", "--routines", "--events", "--triggers", "--hex-blob", "--skip-dump-date"]
        return {f"{BACKUP}.sql": self._program("mariadb-dump", *options, "--databases", *self._names())}

    def restore(self, files: dict[str, bytes]) -> None:
        """All logical databases as the backup has them. What it cannot bring leaves them as they were."""
        if not files:
            raise EngineError("the backup is empty")
        before = self.dump()
        try:
            self._replace(next(iter(files.values())))
        except EngineError:
            self._replace(next(iter(before.values())))
            raise

    def _replace(self, script: bytes) -> None:
        users = self.list_users()
        self.execute(*(f"DROP DATABASE {identifier(name)}" for name in self._names()))
        self._client(script)
        self.execute(*(self._grant(name, user) for name in self._names() for user in users))

    # users

    def list_users(self) -> list[EngineUser]:
        rows = self.execute(
            "SELECT user.User, COALESCE(db.Insert_priv, 'N') FROM mysql.user AS user LEFT JOIN mysql.db AS db ON db.User = user.User "
            f"AND db.Host = '%' AND db.Db = {literal(pattern(self._name)[1:-1])} WHERE user.Host = '%' ORDER BY user.User"
        )
        return [
            EngineUser(name, self._passwords.get(name, ""), inserts != "Y", protected=name == self.setup.user.name)
            for name, inserts in rows
        ]

    def _find_user(self, name: str) -> bool:
        return any(user.name == name for user in self.list_users())

    def create_user(self, user: EngineUser) -> None:
        if self._find_user(user.name):
            raise EngineError(f"user {user.name} already exists")
        grants = [self._grant(name, user) for name in self._names()]
        self.execute(f"CREATE USER {account(user.name)} IDENTIFIED BY {literal(user.password)}", *grants)
        self._passwords[user.name] = user.password

    def set_password(self, name: str, password: str) -> None:
        if not self._find_user(name):
            raise EngineError(f"user {name} does not exist")
        self.execute(f"ALTER USER {account(name)} IDENTIFIED BY {literal(password)}")
        self._passwords[name] = password

    def delete_user(self, name: str) -> None:
        if not self._find_user(name):
            raise EngineError(f"user {name} does not exist")
        self.execute(f"DROP USER {account(name)}")
        self._passwords.pop(name, None)

    # logical databases

    def list_databases(self) -> list[LogicalDatabase]:
        systems = ", ".join(literal(name) for name in SYSTEM)
        tables = self.execute(
            "SELECT table_schema, table_name FROM information_schema.tables "
            f"WHERE table_type = 'BASE TABLE' AND table_schema NOT IN ({systems})"
        )
        counts = [
            f"SELECT {literal(schema)}, {literal(table)}, COUNT(*) FROM {identifier(schema)}.{identifier(table)}"
            for schema, table in tables
        ]
        databases = {name: LogicalDatabase(name, protected=name == self._name) for name in self._names()}
        for schema, table, count in self.execute(*counts) if counts else []:
            databases[schema].tables[table] = int(count)
        return list(databases.values())

    def _find_database(self, name: str) -> None:
        if name not in self._names():
            raise EngineError(f"Unknown database '{name}'")

    def create_database(self, name: str) -> LogicalDatabase:
        if not name or len(name) > 64 or FORBIDDEN & set(name) or name != name.strip():
            raise EngineError(f"Incorrect database name '{name}'")
        if name.lower() in SYSTEM:
            raise EngineError(f"Access denied to database '{name}'")
        if name in self._names() and self.setup.switch("logical_existing") == "accept":
            return LogicalDatabase(name, protected=name == self._name)
        grants = [self._grant(name, user) for user in self.list_users()]
        self.execute(f"CREATE DATABASE {identifier(name)}", *grants)
        return LogicalDatabase(name)

    def delete_database(self, name: str) -> None:
        self._find_database(name)
        if name == self._name:
            raise EngineError(f"database '{name}' is protected: it cannot be deleted")
        self.execute(
            f"DROP DATABASE {identifier(name)}",
            f"DELETE FROM mysql.db WHERE Db = {literal(pattern(name)[1:-1])}",
            "FLUSH PRIVILEGES",
        )

    def reset_database(self, name: str) -> None:
        self._find_database(name)
        if name == self._name and self.setup.switch("protected_reset") == "refuse":
            raise EngineError(f"database '{name}' is protected: it cannot be reset")
        self.execute(f"DROP DATABASE {identifier(name)}", f"CREATE DATABASE {identifier(name)}")

    # SQL mode

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
        if self._process is not None:
            self._apply_sql_mode()

    def _apply_sql_mode(self) -> None:
        modes = [name for name in self._sql_mode.split(",") if name not in UNKNOWN_MODES]
        self.execute(f"SET GLOBAL sql_mode = {literal(','.join(modes))}")


def _unescaped(value: str) -> str:
    signs = {"n": "\n", "t": "\t", "0": "\0", "\\": "\\"}
    return re.sub(r"\\([nt0\\])", lambda match: signs[match.group(1)], value)
