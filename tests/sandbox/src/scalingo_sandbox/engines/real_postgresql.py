# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""PostgreSQL: a server for each addon, started when it is first needed.

The rights are those of the platform (docs/contract.md section 7.4): nobody is superuser, and only the extensions of the
list can be created, by those who may create in the database. The platform has an extension for that; here the control
files that the server reads say so: those of the list are trusted, all others are for superusers.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import time
from collections.abc import Iterator, Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from scalingo_sandbox.catalog import Version
from scalingo_sandbox.engines.base import BACKUP, Engine, EngineError, EngineSetup, EngineUser, Extension, Query
from scalingo_sandbox.engines.real_servers import HOST, WORKSHOP, Port, Process, programs, run, unprivileged

try:
    import psycopg
    from psycopg import sql
except ImportError as _error:
    _PROBLEM = str(_error)
else:
    _PROBLEM = ""

SUPERUSER = "postgres"
APPLICATION_NAME = "scalingo-sandbox"

ALLOWED = frozenset(
    (
        "btree_gin btree_gist citext cube dblink dict_int earthdistance fuzzystrmatch hstore intarray isn ltree "
        "pg_stat_statements pg_trgm pgcrypto pgrowlocks postgis postgis_raster postgis_sfcgal postgis_tiger_geocoder "
        "postgis_topology postgres_fdw tablefunc timescaledb unaccent uuid-ossp vector"
    ).split()
)
"""What users of the platform may create. Not anon and pg_repack: these are for the platform's support alone."""

SETTINGS = {
    "listen_addresses": f"'{HOST}'",
    "shared_preload_libraries": "pg_stat_statements",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "50",
    "shared_buffers": "16MB",
    "dynamic_shared_memory_type": "mmap",
    "huge_pages": "off",
    "autovacuum": "off",
    "jit": "off",
    # All that was ever written to the log stays, so that any point in time since the beginning can be reached.
    "wal_level": "replica",
    "max_wal_senders": "0",
    "wal_keep_size": "1TB",
    "max_wal_size": "1GB",
    "min_wal_size": "2MB",
    "log_min_error_statement": "panic",
}


def available() -> dict[Version, Path]:
    """The servers that are here, by the version that the platform would call them."""
    found = {}
    for path in (programs() / "postgres").glob("*"):
        match = re.fullmatch(r"(\d+)\.(\d+)", path.name)
        if match and (path / ".complete").is_file():
            found[Version(int(match.group(1)), int(match.group(2)), 0, 1)] = path
    if not found:
        raise EngineError("no PostgreSQL server is here: bring them with scripts/fetch_postgres")
    return dict(sorted(found.items()))


def versions() -> tuple[str, ...]:
    return tuple(str(version) for version in available())


def nearest(wanted: Version) -> Version:
    """The version that there is a server of: the last before of the same major one, else the first after, else the last."""
    here = list(available())
    place = (wanted.major, wanted.minor)
    before = [version for version in here if version.major == wanted.major and version.minor <= wanted.minor]
    after = [version for version in here if (version.major, version.minor) > place]
    return before[-1] if before else after[0] if after else here[-1]


def _client(name: str, version: Version) -> Path:
    """A client program for a server of this version. An older pg_restore cannot read what a newer pg_dump wrote."""
    path = programs() / "postgres" / "clients" / ("16" if version.major <= 16 else "18") / "bin" / name
    if not path.is_file():
        raise EngineError(f"{name} is not here: bring it with scripts/fetch_postgres")
    return path


def _fill_tree(origin: Path, tree: Path) -> None:
    """The server's files with other control files. It looks for them beside its own program, so that one is a copy."""
    (tree / "bin").mkdir()
    for program in ("postgres", "initdb"):
        try:
            os.link(origin / "bin" / program, tree / "bin" / program)
        except OSError:
            shutil.copy2(origin / "bin" / program, tree / "bin" / program)
    (tree / "lib").symlink_to(origin / "lib")
    share = tree / "share" / "postgresql"
    (share / "extension").mkdir(parents=True)
    for path in (origin / "share" / "postgresql").iterdir():
        if path.name != "extension":
            (share / path.name).symlink_to(path)
    for path in (origin / "share" / "postgresql" / "extension").iterdir():
        place = share / "extension" / path.name
        if path.suffix != ".control":
            place.symlink_to(path)
            continue
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("trusted")]
        if path.stem in ALLOWED:
            lines.append("trusted = true")
        place.write_text("\n".join([*lines, ""]), encoding="utf-8")


def _tree(version: Version) -> Path:
    origin = available()[version]
    return WORKSHOP.once(f"postgresql/{origin.name}", lambda path: _fill_tree(origin, path))


def _template(version: Version) -> Path:
    """A data directory as initdb makes it, with the settings. All servers of a major version begin with a copy."""

    def fill(path: Path) -> None:
        run(
            [
                *unprivileged(), _tree(version) / "bin" / "initdb", "-D", path / "data", "-U", SUPERUSER, "-A", "trust",
                "-E", "UTF8", "--locale=C", "--wal-segsize=1", "--no-sync", "--no-instructions",
            ]
        )  # fmt: skip
        settings = dict(SETTINGS)
        if version.major >= 18:
            settings["io_method"] = "sync"
        with open(path / "data" / "postgresql.conf", "a", encoding="ascii") as stream:
            stream.writelines(f"{name} = {value}\n" for name, value in settings.items())

    return WORKSHOP.once(f"postgresql/template-{version.major}", fill) / "data"


class Server:
    """One server and its directory. It can be moved to another version's programs, or to another moment."""

    def __init__(self, home: Path, version: Version, port: int, certificate: tuple[bytes, bytes] | None) -> None:
        self.home = home
        self.version = version
        self.port = port
        self.tls_required = False
        self._process: Process | None = None
        self._connections: dict[str, psycopg.Connection[Any]] = {}
        self._encrypted = certificate is not None
        home.mkdir(mode=0o700, exist_ok=True)
        if certificate is not None:
            for name, content in zip(("server.pem", "server.key"), certificate, strict=True):
                (home / name).touch(mode=0o600)
                (home / name).write_bytes(content)

    @property
    def data(self) -> Path:
        return self.home / "data"

    def create(self) -> None:
        shutil.copytree(_template(self.version), self.data, symlinks=True)

    def start(self, *, public: bool = True) -> None:
        """Start it; not public: for nobody but the sandbox."""
        self.write_access(public=public)
        arguments: list[str | Path] = ["-D", self.data, "-p", str(self.port), "-k", self.home]
        if not public:
            arguments += ["-c", "listen_addresses="]
        if self._encrypted:
            arguments += ["-c", "ssl=on", "-c", f"ssl_cert_file={self.home}/server.pem"]
            arguments += ["-c", f"ssl_key_file={self.home}/server.key"]
        command = [*unprivileged(), _tree(self.version) / "bin" / "postgres", *arguments]
        self._process = Process(command, self.home / "log")
        self._process.wait_until(self._answers)

    def _answers(self) -> bool:
        try:
            self.connection("postgres")
        except psycopg.OperationalError:
            return False
        return True

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.running

    def stop(self) -> None:
        """Tidily: all that was written is in the data directory."""
        self._close_connections()
        if self._process is not None:
            self._process.stop(signal.SIGINT)

    def quit(self) -> None:
        """Quickly: nobody needs the data any more."""
        self._close_connections()
        if self._process is not None:
            self._process.stop(signal.SIGQUIT, 3)

    def _close_connections(self) -> None:
        for connection in self._connections.values():
            connection.close()
        self._connections.clear()

    def write_access(self, *, public: bool = True) -> None:
        """Who may come in: whoever can reach the socket in the private directory, and users with their passwords."""
        lines = ["local all all trust", f"host all {SUPERUSER} all reject"]
        if public:
            lines.append(f"{'hostssl' if self.tls_required else 'host'} all all {HOST}/32 scram-sha-256")
        (self.data / "pg_hba.conf").write_text("\n".join([*lines, ""]), encoding="ascii")

    def reload_access(self, *, public: bool = True) -> None:
        self.write_access(public=public)
        loaded = self.rows("SELECT pg_conf_load_time()")[0][0]
        self.rows("SELECT pg_reload_conf()")
        deadline = time.monotonic() + 5
        while time.monotonic() < deadline:
            self.forget("postgres")
            if self.rows("SELECT pg_conf_load_time()")[0][0] > loaded:
                return
            time.sleep(0.005)

    def place(self, database: str, user: str = SUPERUSER) -> str:
        return psycopg.conninfo.make_conninfo(host=str(self.home), port=self.port, user=user, dbname=database)

    def connection(self, database: str) -> psycopg.Connection[Any]:
        """A superuser's connection, which stays."""
        connection = self._connections.get(database)
        if connection is None or connection.closed:
            connection = psycopg.connect(self.place(database), autocommit=True, application_name=APPLICATION_NAME)
            self._connections[database] = connection
        return connection

    def forget(self, database: str) -> None:
        connection = self._connections.pop(database, None)
        if connection is not None:
            connection.close()

    def rows(self, query: Any, parameters: Sequence[Any] | None = None, database: str = "postgres") -> list[Any]:
        """What the superuser gets. What the server says to the contrary is an EngineError."""
        try:
            cursor = self.connection(database).execute(query, parameters)
            return cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            raise EngineError(error.diag.message_primary or str(error).strip()) from error

    def program(self, name: str, *arguments: str, given: bytes = b"", version: Version | None = None) -> bytes:
        """Run pg_dump or pg_restore on it, those of its own version or of another one."""
        place: list[str | Path] = ["-h", self.home, "-p", str(self.port), "-U", SUPERUSER]
        return run([_client(name, version or self.version), *place, *arguments], given=given)

    @property
    def base(self) -> Path:
        """The data directory with which recovery begins: a later copy, or the one with which the server began."""
        copy = self.home / "base"
        return copy if copy.is_dir() else _template(self.version)

    def copy_base(self) -> None:
        """Recovery begins here from now on. The server must be stopped."""
        shutil.rmtree(self.home / "base", ignore_errors=True)
        shutil.copytree(self.data, self.home / "base", symlinks=True)


class RealPostgresql(Engine):
    """A database on a server of its own."""

    blocking = True

    def __init__(self, setup: EngineSetup) -> None:
        super().__init__(setup)
        if _PROBLEM:
            raise EngineError(f"psycopg is needed: {_PROBLEM}")
        self._name = setup.resource_id
        self._version = nearest(setup.version)
        self._port = Port()
        self._home: Path | None = None
        self._server: Server | None = None
        self._tls_required = setup.tls_required
        self._passwords = {user.name: user.password for user in (setup.user, *setup.users)}
        self._sessions: list[Any] = []
        self._begun = 0.0

    # life

    def address(self) -> tuple[str, int]:
        return HOST, self._port.number

    def reach(self) -> None:
        self.server()

    def version(self) -> Version:
        return self._version

    def server(self) -> Server:
        """The server, which is started when it is first needed."""
        if self._server is None:
            self._home = WORKSHOP.new_directory("postgresql")
            server = self._new_server(self._home / str(self._version.major), self._version)
            try:
                server.create()
                server.start()
                self._furnish(server)
            except BaseException:
                server.quit()
                raise
            self._server = server
            self._begun = self._now(server)
            self._open_sessions()
        return self._server

    def _new_server(self, home: Path, version: Version) -> Server:
        names = [HOST, "localhost", *([self.setup.hostname] if self.setup.hostname else [])]
        certificate = self.setup.certificate(names) if self.setup.certificate else None
        server = Server(home, version, self._port.number, certificate)
        server.tls_required = self._tls_required
        return server

    def close(self) -> None:
        for session in self._sessions:
            session.finish()
        self._sessions.clear()
        if self._server is not None:
            self._server.quit()
            self._server = None
        if self._home is not None:
            shutil.rmtree(self._home, ignore_errors=True)
        self._port.close()

    def require_tls(self, required: bool) -> None:
        self._tls_required = required
        if self._server is not None:
            self._server.tls_required = required
            self._server.reload_access()

    @staticmethod
    def _now(server: Server) -> float:
        return float(server.rows("SELECT extract(epoch FROM clock_timestamp())::float8")[0][0])

    def rows(self, query: Any, *parameters: Any) -> list[Any]:
        """What the superuser sees in this database."""
        return self.server().rows(query, parameters or None, self._name)

    # what the platform gives

    def _furnish(self, server: Server) -> None:
        """The database, its users, and what a seed wants in it."""
        self._create_role(server, self.setup.user)
        self._create_database(server, self._name)
        for user in self.setup.users:
            self._create_role(server, user)
        self._grant(server, self._name, {user.name: user.read_only for user in (self.setup.user, *self.setup.users)})
        for name, version in self.setup.extensions.items():
            self._create_extension(server, name, version)
        if self.setup.collect_statements:
            self._create_extension(server, "pg_stat_statements")

    def _create_role(self, server: Server, user: EngineUser) -> None:
        """The password never stands in a statement: only what the server keeps of it does."""
        connection = server.connection("postgres")
        verifier = connection.pgconn.encrypt_password(user.password.encode(), user.name.encode(), b"scram-sha-256")
        command = sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}")
        server.rows(command.format(sql.Identifier(user.name), sql.Literal(verifier.decode())))

    @staticmethod
    def _create_database(server: Server, name: str) -> None:
        database = sql.Identifier(name)
        server.rows(sql.SQL("CREATE DATABASE {} TEMPLATE template0 STRATEGY FILE_COPY").format(database))
        server.rows(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(database))

    def _grant(self, server: Server, database: str, users: dict[str, bool]) -> None:
        """What users may do, by name and whether they only read: section 7.4 for the default one."""
        owner = sql.Identifier(self.setup.user.name)
        for name, read_only in users.items():
            names = {"user": sql.Identifier(name), "owner": owner, "database": sql.Identifier(database)}
            rights = "SELECT" if read_only else "ALL"
            commands = [
                "GRANT CONNECT ON DATABASE {database} TO {user}"
                if read_only
                else "GRANT ALL ON DATABASE {database} TO {user}",
                f"GRANT {'USAGE' if read_only else 'ALL'} ON SCHEMA public TO {{user}}",
                f"GRANT {rights} ON ALL TABLES IN SCHEMA public TO {{user}}",
                f"GRANT {rights} ON ALL SEQUENCES IN SCHEMA public TO {{user}}",
            ]
            makers = [owner] if name != self.setup.user.name else []
            commands += [
                f"ALTER DEFAULT PRIVILEGES FOR ROLE {{owner}} IN SCHEMA public GRANT {rights} ON {kind} TO {{user}}"
                for dummy in makers
                for kind in ("TABLES", "SEQUENCES")
            ]
            if name != self.setup.user.name and not read_only:
                commands += [
                    f"ALTER DEFAULT PRIVILEGES FOR ROLE {{user}} IN SCHEMA public GRANT ALL ON {kind} TO {{owner}}"
                    for kind in ("TABLES", "SEQUENCES")
                ]
            for command in commands:
                server.rows(sql.SQL(command).format(**names), None, database)

    @contextlib.contextmanager
    def _as_user(self, server: Server) -> Iterator[None]:
        """As the default user would: what is made belongs to it."""
        server.rows(sql.SQL("SET ROLE {}").format(sql.Identifier(self.setup.user.name)), None, self._name)
        try:
            yield
        finally:
            server.rows("RESET ROLE", None, self._name)

    def _create_extension(self, server: Server, name: str, version: str = "") -> None:
        known = server.rows(
            "SELECT version FROM pg_available_extension_versions WHERE name = %s AND version = %s",
            [name, version],
            self._name,
        )
        command = sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(name))
        if known:
            command += sql.SQL(" VERSION {}").format(sql.Literal(version))
        with self._as_user(server):
            server.rows(command + sql.SQL(" CASCADE"), None, self._name)

    def _open_sessions(self) -> None:
        """The sessions of a seed are real ones: they send their query. Numbers and times are then the server's."""
        assert self._server is not None
        for query in self.setup.queries:
            user = query.username if query.username in self._passwords else self.setup.user.name
            session = psycopg.pq.PGconn.connect(self._server.place(self._name, user).encode())
            self._sessions.append(session)
            if query.state == "active":
                session.send_query(query.query.encode())
            elif query.state.startswith("idle in transaction"):
                session.exec_(b"BEGIN")
                session.exec_(query.query.encode())
            else:
                session.exec_(query.query.encode())
        begun = {session.backend_pid for session in self._sessions}
        deadline = time.monotonic() + 2
        while begun - {query.pid for query in self.list_queries() if query.query} and time.monotonic() < deadline:
            time.sleep(0.005)

    # versions

    def upgrade(self, version: Version) -> None:
        if version <= self._version:
            raise EngineError(f"{version} is not later than {self._version}")
        if version not in available():
            raise EngineError(f"there is no server of the version {version}")
        if version.major == self._version.major:
            self._upgrade_minor(self.server(), version)
        else:
            self._upgrade_major(self.server(), version)
        self._version = version

    def _upgrade_minor(self, server: Server, version: Version) -> None:
        before = server.version
        server.stop()
        server.version = version
        try:
            server.start()
        except BaseException:
            server.version = before
            server.start()
            raise

    def _upgrade_major(self, server: Server, version: Version) -> None:
        """Roles and the database go into a new server. Only when all is there does it take the place of the old one."""
        assert self._home is not None
        after = self._new_server(self._home / str(version.major), version)
        after.create()
        self._shut_out(server)
        try:
            after.start(public=False)
            roles = "SELECT rolname, rolpassword FROM pg_authid WHERE rolcanlogin AND NOT rolsuper"
            for name, verifier in server.rows(roles):
                command = sql.SQL("CREATE ROLE {} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD {}")
                after.rows(command.format(sql.Identifier(name), sql.Literal(verifier)))
            dumped = server.program("pg_dump", "-Fc", self._name, version=version)
            self._fill(after, self._name, dumped, self._read_only(server))
            after.stop()
            after.copy_base()
            server.stop()
            after.start()
        except BaseException:
            after.quit()
            shutil.rmtree(after.home, ignore_errors=True)
            if server.running:
                server.reload_access()
            else:
                server.start()
            raise
        self._server = after
        shutil.rmtree(server.home, ignore_errors=True)
        self._begun = self._now(after)

    def _shut_out(self, server: Server) -> None:
        """Nobody comes in, and nobody stays."""
        server.reload_access(public=False)
        server.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name <> %s",
            [APPLICATION_NAME],
        )

    def stats(self) -> dict[str, int]:
        size, sessions, most = self.rows(
            "SELECT pg_database_size(current_database()), "
            "(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend' AND application_name <> %s), "
            "current_setting('max_connections')::int",
            APPLICATION_NAME,
        )[0]
        return {"data_size": int(size), "current_connections": int(sessions), "max_connections": int(most)}

    # backups

    def dump(self) -> dict[str, bytes]:
        return {f"{BACKUP}.pgsql": self.server().program("pg_dump", "-Fc", self._name)}

    def restore(self, files: dict[str, bytes]) -> None:
        """A backup goes into a new database, which takes the place of the old one when all of it is there."""
        if not files:
            raise EngineError("the backup is empty")
        server = self.server()
        fresh, old = f"{self._name[:40]} restored", f"{self._name[:40]} before"
        try:
            self._fill(server, fresh, next(iter(files.values())), self._read_only(server))
            server.forget(fresh)
            server.forget(self._name)
            self._shut_out(server)
            for before, after in ((self._name, old), (fresh, self._name)):
                server.rows(
                    sql.SQL("ALTER DATABASE {} RENAME TO {}").format(sql.Identifier(before), sql.Identifier(after))
                )
        finally:
            server.forget(fresh)
            for name in (fresh, old):
                server.rows(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))
            server.reload_access()

    def _fill(self, server: Server, database: str, dumped: bytes, read_only: dict[str, bool]) -> None:
        """What a dump holds, in a new database. It all belongs to the default user, as the platform's guide has it."""
        self._create_database(server, database)
        self._grant(server, database, read_only)
        role = f"--role={self.setup.user.name}"
        server.program(
            "pg_restore",
            "-d",
            database,
            "--no-owner",
            "--no-privileges",
            "--no-comments",
            "--exit-on-error",
            role,
            given=dumped,
        )
        self._grant(server, database, read_only)

    # points in time

    def restore_to(self, instant: float) -> None:
        """The first data directory again, and of the server's log all that was written until then."""
        server = self.server()
        moment = datetime.fromtimestamp(max(self.setup.wall_at(instant), self._begun), timezone.utc)
        # A transaction that is later than the moment, so that the log surely goes beyond it.
        server.rows("SELECT pg_current_xact_id()")
        server.stop()
        before = server.home / "before"
        server.data.rename(before)
        try:
            shutil.copytree(server.base, server.data, symlinks=True)
            shutil.rmtree(server.data / "pg_wal")
            (server.data / "pg_wal").mkdir(mode=0o700)
            (server.data / "recovery.signal").touch()
            (server.data / "postgresql.auto.conf").write_text(
                f'restore_command = \'cp "{before}/pg_wal/%f" "%p"\'\n'
                f"recovery_target_time = '{moment:%Y-%m-%d %H:%M:%S.%f}+00'\n"
                "recovery_target_action = 'promote'\n"
                "hot_standby = off\n",
                encoding="ascii",
            )
            server.start(public=False)
            server.stop()
            (server.data / "postgresql.auto.conf").write_text("", encoding="ascii")
            server.copy_base()
        except BaseException:
            server.quit()
            shutil.rmtree(server.data, ignore_errors=True)
            before.rename(server.data)
            server.start()
            raise
        shutil.rmtree(before, ignore_errors=True)
        server.start()
        self._begun = self._now(server)

    # users

    def _read_only(self, server: Server) -> dict[str, bool]:
        """The users by name, and whether they may only read."""
        return dict(
            server.rows(
                "SELECT rolname, NOT has_schema_privilege(oid, 'public', 'CREATE') FROM pg_roles "
                "WHERE rolcanlogin AND NOT rolsuper ORDER BY oid",
                None,
                self._name,
            )
        )

    def list_users(self) -> list[EngineUser]:
        default = self.setup.user.name
        return [
            EngineUser(name, self._passwords.get(name, ""), read_only, protected=name == default)
            for name, read_only in self._read_only(self.server()).items()
        ]

    def create_user(self, user: EngineUser) -> None:
        server = self.server()
        self._create_role(server, user)
        self._grant(server, self._name, {user.name: user.read_only})
        self._passwords[user.name] = user.password

    def set_password(self, name: str, password: str) -> None:
        server = self.server()
        verifier = server.connection("postgres").pgconn.encrypt_password(
            password.encode(), name.encode(), b"scram-sha-256"
        )
        server.rows(sql.SQL("ALTER ROLE {} PASSWORD {}").format(sql.Identifier(name), sql.Literal(verifier.decode())))
        self._passwords[name] = password

    def delete_user(self, name: str) -> None:
        names = {"user": sql.Identifier(name), "owner": sql.Identifier(self.setup.user.name)}
        self.rows(sql.SQL("REASSIGN OWNED BY {user} TO {owner}").format(**names))
        self.rows(sql.SQL("DROP OWNED BY {user}").format(**names))
        self.rows("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = %s", name)
        self.rows(sql.SQL("DROP ROLE {user}").format(**names))
        self._passwords.pop(name, None)

    # extensions

    def list_extensions(self) -> list[Extension]:
        return [Extension(*row) for row in self.rows("SELECT extname, extversion FROM pg_extension ORDER BY oid")]

    # sessions

    def list_queries(self) -> list[Query]:
        rows = self.rows(
            "SELECT pid, query, state, usename, extract(epoch FROM coalesce(query_start, backend_start))::float8 "
            "FROM pg_stat_activity WHERE (datname = current_database() OR backend_type = 'walsender') "
            "AND application_name <> %s ORDER BY pid",
            APPLICATION_NAME,
        )
        return [
            Query(pid, query, state or "", user or "", self.setup.instant_at(started))
            for pid, query, state, user, started in rows
        ]

    def cancel_query(self, pid: int) -> None:
        self._signal("pg_cancel_backend", pid)

    def terminate_query(self, pid: int) -> None:
        self._signal("pg_terminate_backend", pid)

    def _signal(self, function: str, pid: int) -> None:
        """A session of this database that is not the sandbox's own; another is not there."""
        self.rows(
            f"SELECT {function}(pid) FROM pg_stat_activity WHERE (datname = current_database() OR backend_type = 'walsender') "  # noqa: S608
            "AND application_name <> %s AND pid = %s",
            APPLICATION_NAME,
            pid,
        )

    # statistics of statements

    def _statements(self, name: str) -> sql.Composable:
        """A relation or function of the extension, in the schema in which it is."""
        found = self.rows(
            "SELECT nspname FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace WHERE extname = %s",
            "pg_stat_statements",
        )
        return sql.Identifier(found[0][0], name) if found else sql.Identifier(name)

    def enable_statements(self) -> None:
        self._create_extension(self.server(), "pg_stat_statements")

    def reset_statements(self) -> None:
        function = self._statements("pg_stat_statements_reset")
        database = "(SELECT oid FROM pg_database WHERE datname = current_database())"
        self.rows(sql.SQL("SELECT {}(0, " + database + ", 0)").format(function))

    def list_statements(self) -> list[dict[str, Any]]:
        names = ("user_id", "query", "calls", "rows", "total_time", "min_time", "max_time", "mean_time", "std_dev")
        rows = self.rows(
            sql.SQL(
                "SELECT userid::bigint, query, calls, rows, total_exec_time, min_exec_time, max_exec_time, mean_exec_time, "
                "stddev_exec_time FROM {} AS statement JOIN pg_roles ON pg_roles.oid = userid JOIN pg_database ON "
                "pg_database.oid = dbid WHERE datname = current_database() AND NOT rolsuper ORDER BY total_exec_time DESC"
            ).format(self._statements("pg_stat_statements"))
        )
        return [dict(zip(names, row, strict=True)) for row in rows]
