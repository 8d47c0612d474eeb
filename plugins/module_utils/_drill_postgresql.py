# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""PostgreSQL for a restore drill: its programs, a server that lasts as long as the drill or one that is given, the restoration, queries.

A dump can hold any code. On a server of its own it is restored by a role without rights outside its database, and that server has neither
a network nor a socket that anybody else could reach.
"""

from __future__ import annotations

import contextlib
import csv
import io
import os
import re
import secrets as random
import signal
import sys
import time
import typing as t

from . import _drill_given, _programs
from ._drill_dump import ENTRY, LEFT_OUT, TEXT, Entry, complaints, extensions_of, locale_of, roles_of, settings_of
from ._drill_place import (
    Dump,
    Place,
    Programs,
    Restored,
    isolation,
    lines_of,
    major_of,
    one_of,
    one_statement,
    refusal,
    refuse_open_network,
    version_of,
)
from ._errors import DrillFailed, visible

SUPERUSER = "postgres"
#: Who owns what is restored on a server of our own. It sees all rows, whatever the policies of the dump say.
OWNER = "drill"
DATABASE = "drill"
#: Extensions that connect to nothing. Others may, when the server has a network.
HARMLESS_EXTENSIONS = frozenset(
    "address_standardizer address_standardizer_data_us amcheck autoinc bloom btree_gin btree_gist citext cube dict_int dict_xsyn earthdistance "
    "fuzzystrmatch hstore hypopg insert_username intagg intarray isn lo ltree moddatetime pageinspect pg_buffercache pg_freespacemap pg_prewarm "
    "pg_repack pg_stat_statements pg_trgm pg_visibility pg_walinspect pgcrypto pgrouting pgrowlocks pgstattuple plpgsql postgis postgis_raster "
    "postgis_sfcgal postgis_tiger_geocoder postgis_topology refint rum seg sslinfo tablefunc tcn timescaledb tsm_system_rows tsm_system_time "
    "unaccent uuid-ossp vector xml2".split()
)
#: What the text of a statement may hold anything in.
OPAQUE = re.compile(
    r"""(?<![\w$])[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|(?<![\w$])\$([^\W\d]\w*)?\$.*?\$(?(1)\1)\$|--[^\n]*|/\*(?:(?!/\*|\*/).)*\*/""",
    re.DOTALL,
)


def identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


# -- programs ---------------------------------------------------------------------------------------------------------


def _usual_places(major: int) -> list[str]:
    places = [f"/usr/lib/postgresql/{major}/bin", f"/usr/pgsql-{major}/bin"]
    return [*places, f"/opt/homebrew/opt/postgresql@{major}/bin", f"/usr/local/opt/postgresql@{major}/bin"]


def find(major: int, params: t.Mapping[str, t.Any], *, look_only: bool = False) -> Programs:
    """The programs of a server of this major version, unless one is given, and those of its clients. It only looks in any case.

    Raises `DrillFailed` with what is to be installed.
    """
    del look_only
    server, version, isolated = "", "", False
    before: tuple[str, ...] = ()
    if not _drill_given.is_given(params):
        server, version = _find_server(params["programs"], major)
        before, isolated = isolation("PostgreSQL")
    given = params["client_programs"]
    names = ("pg_restore", "psql")
    for place in one_of(names, [given] if given else [server, *_usual_places(major)]):
        found = version_of(os.path.join(place, "pg_restore"))
        if found:
            return Programs(server, version, place, found, before, isolated)
    raise DrillFailed(
        f"pg_restore and psql are not {f'in {given}' if given else 'on this machine'}",
        hint=f"Install PostgreSQL's client programs, of version {major} or newer, or name their directory in client_programs.",
    )


def _find_server(given: str, major: int) -> tuple[str, str]:
    other = None
    for place in one_of(("initdb", "postgres"), [given] if given else _usual_places(major)):
        version = version_of(os.path.join(place, "postgres"))
        if version and major_of(version) == major:
            return place, version
        other = version or other
    where = f"in {given}" if given else "on this machine"
    hint = f"Install PostgreSQL {major}, or name the directory with its initdb and postgres in programs."
    if other:
        raise DrillFailed(f"PostgreSQL {major} is needed, and {where} is {other}", hint=hint)
    raise DrillFailed(f"there is no PostgreSQL server {where}: initdb and postgres are needed", hint=hint)


# -- the server -------------------------------------------------------------------------------------------------------

#: A dump can hold rows for tables of extensions, as those of PostGIS, and servers of foreign data, which nobody can log in to.
GRANT_WHAT_EXTENSIONS_BROUGHT = f"""
SELECT format('GRANT ALL ON TABLE %I.%I TO {OWNER}', nspname, relname)
FROM pg_depend JOIN pg_class ON pg_class.oid = objid JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE classid = 'pg_class'::regclass AND deptype = 'e' AND relkind IN ('r', 'p')
UNION ALL SELECT format('GRANT USAGE ON FOREIGN DATA WRAPPER %I TO {OWNER}', fdwname) FROM pg_foreign_data_wrapper
\\gexec
"""
#: The owner is to see all rows of the copy.
NO_FORCE = """
SET search_path = pg_catalog;
SELECT format('ALTER TABLE %I.%I NO FORCE ROW LEVEL SECURITY', nspname, relname)
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relforcerowsecurity AND pg_get_userbyid(relowner) = current_user
\\gexec
"""
#: What no setting of a database may do to a drill.
NOT_APPLIED = {"role", "session_authorization"}


class Server:
    """A server with one database, into which a dump is restored. `start` makes it, `close` or the end of the workspace removes it."""

    engine = "postgresql"

    def __init__(
        self, programs: Programs, place: Place, params: t.Mapping[str, t.Any], production: _drill_given.Production
    ) -> None:
        self.kind = "given" if _drill_given.is_given(params) else "throw-away"
        self.version = ""
        self.available: dict[str, str] = {}
        self._programs = programs
        self._place = place
        self._params = params
        self._production = production
        self._database = ""
        self._given = self.kind == "given"
        self._environment = {"PGHOST": place.path, "PGPORT": "5432"}
        self._entries: list[Entry] = []
        self._extensions: dict[str, str] = {}
        self._settings: list[tuple[str, str]] = []
        self._roles: list[str] = []
        self._locale: dict[str, str] = {}

    # how the programs reach it

    def _run(self, program: str, *words: str, superuser: bool = False, **more: t.Any) -> _programs.Done:
        environment = {**self._environment, "PGCLIENTENCODING": "UTF8", "PGAPPNAME": "community.scalingo"}
        if not self._given:
            environment["PGUSER"] = SUPERUSER if superuser else OWNER
        environment.update(more.pop("environment", {}))
        return self._place.run([os.path.join(self._programs.clients, program), *words], environment, **more)

    def _psql(
        self, script: str, *words: str, superuser: bool = False, database: str | None = None, **more: t.Any
    ) -> _programs.Done:
        """Run a script of ours, with what it needs of commands of psql."""
        name = self._database if database is None else database
        # A server that is given decides by itself where one comes in when no database is named.
        place = ["-d", name] if name else []
        options = ["-X", "-q", "-w", "-v", "ON_ERROR_STOP=1", "--csv", "-t", *words, *place, "-f", "-"]
        return self._run("psql", *options, given=script, superuser=superuser, **more)

    def _sql(self, script: str, **more: t.Any) -> list[list[str]]:
        """The rows that a script of ours prints. Raises `DrillFailed`."""
        done = self._psql(script, **more)
        if done.returncode:
            raise self._place.failure("the server refused a statement", done.said)
        return [list(row) for row in csv.reader(io.StringIO(done.stdout, newline=""))]

    def _pg_restore(self, entries: t.Sequence[Entry], *words: str) -> _programs.Done:
        """Only these entries, nobody's rights, and nothing that needs rights of its own."""
        self._place.write("entries", "".join(entry.line + "\n" for entry in entries))
        options = ["--no-owner", "--no-privileges", "--no-comments", "--no-security-labels", "--no-tablespaces"]
        options += ["--use-list", self._place.file("entries"), *words, self._place.file("dump")]
        return self._run("pg_restore", *options)

    # what the dump says

    def _read(self, dump: Dump) -> None:
        done = self._run("pg_restore", "--list", "--create", dump.path)
        if done.returncode or done.is_cut:
            hint = "A dump is truncated or damaged, or newer than pg_restore: name newer programs in client_programs."
            raise self._place.failure("pg_restore cannot read the dump", done.said, hint)
        for line, name in (("Dumped from database", "dumped_from"), ("Dumped by pg_dump", "dumped_by")):
            match = re.search(rf"^;\s+{line} version: (\S+)", done.stdout, re.MULTILINE)
            setattr(dump, name, match and match.group(1))
        lines = [(line, ENTRY.match(line)) for line in lines_of(done.stdout)]
        found = [Entry(line, match.group(1)) for line, match in lines if match]
        self._entries = [entry for entry in found if not entry.kind.startswith("DATABASE")]
        told = [entry for entry in found if entry.kind in ("DATABASE", "DATABASE PROPERTIES", "EXTENSION", "POLICY")]
        text = self._pg_restore(told, "--create", "--file=-").stdout if told else ""
        self._extensions, self._settings, self._roles = extensions_of(text), settings_of(text), roles_of(text)
        dump.extensions = sorted(self._extensions)
        self._locale = options = locale_of(text)
        dump.encoding = options.get("ENCODING")
        dump.provider = options.get("LOCALE_PROVIDER", "libc") if options else None
        names = ("ICU_LOCALE", "BUILTIN_LOCALE", "LOCALE", "LC_COLLATE")
        dump.locale = next((options[name] for name in names if name in options), None)

    # life

    def start(self, dump: Dump) -> None:
        """Read the dump, start a server or reach the given one, and make a database as the dump's was.

        Raises `DrillFailed`.
        """
        self._read(dump)
        if self._given:
            self._join()
        if not self._programs.isolated:
            refuse_open_network(self._extensions, HARMLESS_EXTENSIONS, self._params["allow"], self._given)
        if self._given:
            self._drop_old()
        else:
            self._serve()
        self._create_database()
        query = "SELECT current_setting('server_version'); SELECT name, default_version FROM pg_available_extensions;"
        (self.version,), *available = self._sql(f"SET search_path = pg_catalog; {query}", superuser=True)
        self.version = self.version.split(" ")[0]
        self.available = {name: version for name, version in available}

    def _serve(self) -> None:
        """A server that nobody else can reach: it listens on a socket in the workspace alone."""
        data = self._place.file("data")
        server = self._programs.server
        made = self._place.run(
            [*self._programs.before, os.path.join(server, "initdb"), "-D", data, "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
            {},
        )  # fmt: skip
        if made.returncode:
            raise self._place.failure("the server could not be made", made.said)
        settings = {
            "dynamic_shared_memory_type": "mmap",
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "wal_level": "minimal",
            "max_wal_senders": "0",
            "max_connections": f"{20 + int(self._params['jobs'])}",
            "autovacuum": "off",
            # A session whose client was killed works for nobody.
            "client_connection_check_interval": "1s",
            **self._params["server_settings"],
            # The last one counts: nobody opens the server by a setting.
            "listen_addresses": "",
            "unix_socket_directories": self._place.path,
            "unix_socket_permissions": "0700",
            "port": "5432",
        }
        if major_of(self._programs.server_version) < 14 or not sys.platform.startswith("linux"):
            del settings["client_connection_check_interval"]
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        command = [*self._programs.before, os.path.join(server, "postgres"), "-D", data, *words]
        self._place.serve(command, self._ready, signal.SIGQUIT, _programs.said)
        roles = [*self._roles, *self._params["roles"]]
        names = [name for name in dict.fromkeys(roles) if name not in (OWNER, SUPERUSER) and not name.startswith("pg_")]
        script = [f"CREATE ROLE {identifier(name)} NOLOGIN;" for name in names]
        self._sql("\n".join([f"CREATE ROLE {OWNER} LOGIN BYPASSRLS;", *script]), superuser=True, database="postgres")

    def _ready(self) -> bool:
        with contextlib.suppress(OSError, IndexError):
            with open(os.path.join(self._place.file("data"), "postmaster.pid"), encoding="utf-8") as stream:
                return stream.read().splitlines()[7].strip() == "ready"
        return False

    def _join(self) -> None:
        """Look whether a database may be made on the given server."""
        self._environment = _drill_given.environment_of(self._params, self._place)
        known = "SELECT datname FROM pg_database UNION SELECT rolname FROM pg_roles;"
        where = "\\echo :HOST\n\\echo :PORT\nSET search_path = pg_catalog;\nSELECT host(inet_server_addr());\n"
        (host,), (port,), (address,), *names = self._sql(where + known)
        _drill_given.refuse_production(host, port, address, [name for (name,) in names], self._production)
        rights = self._sql(f"SET search_path = pg_catalog; {_drill_given.TOO_MANY_RIGHTS}")
        _drill_given.refuse_rights([name for (name,) in rights], self._params["allow"])

    def _drop_old(self) -> None:
        """Drop the databases of drills whose time is over, or that were killed."""
        swept = {path.rpartition("-")[2] for path in self._place.swept}
        for (name,) in self._sql(f"SET search_path = pg_catalog; {_drill_given.OLD_DATABASES}"):
            ends, its_place = name[len(_drill_given.PREFIX) :].split("_", 1)
            if int(ends) < time.time() or its_place in swept:
                self._sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE);")

    def _create_database(self) -> None:
        """With the locale of the dump's: it decides what is in order, and so what a check or a partition takes."""
        asked, options = self._params["locale"], self._locale or {"ENCODING": "UTF8"}
        if asked:
            options = {"ENCODING": "UTF8", "LC_COLLATE": asked, "LC_CTYPE": asked}
        values = {name: text if name == "LOCALE_PROVIDER" else literal(text) for name, text in options.items()}
        words = " ".join(f"{name} = {value}" for name, value in values.items())
        name = DATABASE
        if self._given:
            name = f"{_drill_given.PREFIX}{int(time.time() + self._params['timeout'])}_{self._place.name}"
        owner = "" if self._given else f"OWNER {OWNER} "
        # Whatever comes of it.
        self._database = name
        self._place.at_end(self.close)
        script = f"CREATE DATABASE {name} {owner}TEMPLATE template0 {words};"
        done = self._psql(script, superuser=True, database="" if self._given else "postgres")
        if done.returncode == 0:
            return
        self._database = ""
        where, hint = (
            ("the given server", "Its user needs the right CREATEDB.") if self._given else ("this machine", "")
        )
        if re.search(r"locale|LC_C|collat|ICU|encoding", done.stderr):
            shown = ", ".join(f"{key} {value}" for key, value in options.items())
            hint = "Install that locale for the server, or name another one with locale: then text sorts in another way, and checks of it may fail."
            raise self._place.failure(f"the database has a locale that {where} cannot have ({shown})", done.said, hint)
        raise self._place.failure(f"no database can be made on {where}", done.said, hint)

    def close(self) -> None:
        """Drop what was made on a given server. One of our own goes as a whole, with its workspace. Raises `DrillFailed`."""
        name, self._database = self._database, ""
        if self._given and name:
            script = f"DROP DATABASE IF EXISTS {name} WITH (FORCE);"
            done = self._psql(script, environment={"PGCONNECT_TIMEOUT": "10"}, timeout=60, last=True)
            if done.returncode:
                message = f"the database {name} on the given server could not be dropped: {done.said}"
                raise DrillFailed(message, hint="Drop it by hand.")

    # restoring

    def restore(self, dump: Dump, *, jobs: int, extensions: t.Sequence[str] = ()) -> Restored:
        """Restore schemas, then extensions, then all the rest, and the database's own settings.

        `extensions` are those that the database has got since the backup: whether they could be made is only tried.
        """
        del dump
        left_out: dict[str, int] = {}
        target = f"--dbname={self._database}"
        schemas = [entry for entry in self._entries if entry.kind == "SCHEMA"]
        problems = complaints(self._pg_restore(schemas, target), left_out) if schemas else []
        for name, schema in self._extensions.items():
            place = f" WITH SCHEMA {identifier(schema)}" if schema else ""
            problems += self._extended(f"CREATE EXTENSION IF NOT EXISTS {identifier(name)}{place} CASCADE;", name)
        for name in extensions:
            problems += self._extended(
                f"BEGIN; CREATE EXTENSION IF NOT EXISTS {identifier(name)} CASCADE; ROLLBACK;", name
            )
        for entry in self._entries:
            kind = LEFT_OUT.match(entry.kind)
            if kind:
                left_out[kind.group(1)] = left_out.get(kind.group(1), 0) + 1
        if not problems:
            if not self._given:
                self._sql(f"SET search_path = pg_catalog; {GRANT_WHAT_EXTENSIONS_BROUGHT}", superuser=True)
            rest = [entry for entry in self._entries if not re.match(r"(SCHEMA|EXTENSION)$", entry.kind)]
            rest = [entry for entry in rest if not LEFT_OUT.match(entry.kind)]
            if rest:
                done = self._pg_restore(rest, target, f"--jobs={jobs}")
                problems = complaints(done, left_out, isolated=self._programs.isolated, parallel=jobs > 1)
            self._sql(NO_FORCE)
            refused = sum(not self._applied(name, value) for name, value in self._settings)
            if refused:
                left_out["SETTING"] = refused
        if self._given:
            hint = " (roles that the database has are to be made on the given server first)"
            problems = [text + hint if re.match(r'role "[^"]*" does not exist', text) else text for text in problems]
        return self._place.told(problems, left_out)

    def _extended(self, script: str, name: str) -> list[str]:
        done = self._psql(f"SET client_min_messages = error; {script}", superuser=True)
        return [f"the extension {visible(name)} cannot be created: {done.said}"] if done.returncode else []

    def _applied(self, name: str, value: str) -> bool:
        """A setting of the database itself, such as its search_path, made by its owner."""
        if name in NOT_APPLIED or not re.fullmatch(rf"{TEXT}(?:, {TEXT})*|[\w.-]+", value):
            return False
        return not self._psql(f"ALTER DATABASE {self._database} SET {identifier(name)} TO {value};").returncode

    # asking

    def query(self, sql: str, *, timeout: float, secret: bool = False, catalog: bool = False) -> list[list[str | None]]:
        """The rows of one statement that reads, as texts. `timeout` is in seconds.

        Policies hide no row. With `catalog` it is a statement of ours: as who sees all, and with names of the system alone. Otherwise it is
        the owner's, who has no rights outside the database. With `secret` the error says nothing of what the server said, but for its kind.
        Raises `DrillFailed`.
        """
        settings = {
            "default_transaction_read_only": "on",
            "statement_timeout": f"{round(timeout * 1000)}",
            "row_security": "off",
            "standard_conforming_strings": "on",
            **({"search_path": "pg_catalog"} if catalog else {}),
        }
        options = " ".join(f"-c {name}={value}" for name, value in settings.items())
        null, tag = f"null_{random.token_hex(8)}", f"query_{random.token_hex(8)}"
        verbosity = "sqlstate" if secret else "terse"
        # Psql itself reads none of it, so that no command of psql can be in it.
        script = f"SELECT ${tag}${one_statement(sql, OPAQUE)}${tag}$ \\gexec\n"
        words = ["-P", f"null={null}", "-v", f"VERBOSITY={verbosity}"]
        done = self._psql(script, *words, superuser=catalog, environment={"PGOPTIONS": options}, timeout=timeout + 30)
        if done.returncode:
            state = re.search(r"ERROR:\s+([0-9A-Z]{5})\b", done.stderr)
            raise refusal(state.group(1) if state else "") if secret else DrillFailed(done.said)
        if done.is_cut:
            raise DrillFailed(f"the query returns more than {_programs.MOST >> 20} MiB")
        csv.field_size_limit(_programs.MOST)
        rows = csv.reader(io.StringIO(done.stdout, newline=""))
        return [[None if cell == null else cell for cell in row] for row in rows]
