# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""PostgreSQL for a restore drill: its programs, a server that lasts as long as the drill or one that is given, the restoration, queries.

A dump can hold any code. On a server of its own it is restored by a role without rights outside its database, and that server has neither
a network nor a socket that anybody else could reach.
"""

from __future__ import annotations

import collections
import contextlib
import csv
import io
import os
import re
import secrets as random
import signal
import socket
import sys
import time
import typing as t
import urllib.parse

from . import _drill_place, _programs
from ._drill_dump import ENTRY, LEFT_OUT, TEXT, complaints, extensions_of, locale_of, roles_of, settings_of
from ._drill_place import PATIENCE, Place, one_statement, require_answer
from ._errors import DrillFailed, visible

SUPERUSER = "postgres"
#: Who owns what is restored on a server of our own. It sees all rows, whatever the policies of the dump say.
OWNER = "drill"
DATABASE = "drill"
#: What the text of a statement may hold anything in.
OPAQUE = re.compile(
    r"""(?<![\w$])[eE]'(?:[^'\\]|\\.|'')*'|'(?:[^']|'')*'|"(?:[^"]|"")*"|(?<![\w$])\$([^\W\d]\w*)?\$.*?\$(?(1)\1)\$|--[^\n]*|/\*(?:(?!/\*|\*/).)*\*/""",
    re.DOTALL,
)


def identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


# -- a server that is given -------------------------------------------------------------------------------------------

#: How the databases of drills on a given server begin. The time when they are over and the name of the workspace follow.
PREFIX = "restore_drill_"
#: The rights with which code of a dump gets out of its database.
TOO_MANY_RIGHTS = """
SELECT 'those of a superuser' FROM pg_roles WHERE rolname IN (session_user, current_user) AND rolsuper
UNION SELECT rolname FROM pg_roles
WHERE rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files') AND pg_has_role(current_user, oid, 'MEMBER')
ORDER BY 1
"""
OLD_DATABASES = f"""
SELECT datname FROM pg_database WHERE datname ~ '^{PREFIX}[0-9]+_[a-z0-9_]{{8}}$' AND pg_get_userbyid(datdba) = current_user
"""
#: Extensions that connect to nothing. Others may, when the server has a network.
HARMLESS_EXTENSIONS = frozenset(
    "address_standardizer address_standardizer_data_us amcheck autoinc bloom btree_gin btree_gist citext cube dict_int dict_xsyn earthdistance "
    "fuzzystrmatch hstore hypopg insert_username intagg intarray isn lo ltree moddatetime pageinspect pg_buffercache pg_freespacemap pg_prewarm "
    "pg_repack pg_stat_statements pg_trgm pg_visibility pg_walinspect pgcrypto pgrouting pgrowlocks pgstattuple plpgsql postgis postgis_raster "
    "postgis_sfcgal postgis_tiger_geocoder postgis_topology refint rum seg sslinfo tablefunc tcn timescaledb tsm_system_rows tsm_system_time "
    "unaccent uuid-ossp vector xml2".split()
)


def service_of(url: str) -> str:
    """A connection URL as a service file, so that no program gets it as an argument. Raises `DrillFailed`."""
    parts, unquote = urllib.parse.urlsplit(url), urllib.parse.unquote
    try:
        port = str(parts.port or "")
    except ValueError:
        raise DrillFailed("server_url has no valid port") from None
    values = {
        "host": parts.hostname or "",
        "port": port,
        "user": unquote(parts.username or ""),
        "password": unquote(parts.password or ""),
        "dbname": unquote(parts.path[1:]),
        **dict(urllib.parse.parse_qsl(parts.query)),
    }
    if re.search(r"[\r\n]", "".join(values.values())):
        raise DrillFailed("server_url holds a line break")
    return "".join(["[drill]\n", *(f"{name}={value}\n" for name, value in values.items() if value)])


def refuse_production(
    server: tuple[str, str, str | None], known: t.Iterable[str], hosts: t.Iterable[str], own: str
) -> None:
    """Raise `DrillFailed` for the database's own server: by its address, or as it has the database or user, through a tunnel.

    `server` is its host, its port and its address, `known` what databases and users it has. `hosts` are host:port of the database.
    """
    host, port, address = server
    addresses = {host, address or host, *_resolved(host)}
    for name in hosts:
        its_host, dummy, its_port = name.rpartition(":")
        if its_host and its_port == port and {its_host, *_resolved(its_host)} & addresses:
            raise DrillFailed(
                f"the given server is that of the database itself ({name}), on which a drill makes nothing"
            )
    if own and own in known:
        raise DrillFailed(
            f"the given server has the database or the user {own}, as the server of the database itself: a drill makes nothing on it",
            hint="A tunnel may lead to production. Give a server that is for drills alone.",
        )


def _resolved(host: str) -> set[str]:
    with contextlib.suppress(OSError, UnicodeError):
        return {str(found[4][0]) for found in socket.getaddrinfo(host, None)}
    return set()


def refuse_open_network(extensions: t.Iterable[str], allow: t.Container[str], given: bool) -> None:
    """Raise `DrillFailed` when code of the dump could reach other servers, as it did in production, and that was not consented to."""
    reaching = sorted(set(extensions) - HARMLESS_EXTENSIONS)
    if reaching and "network" not in allow:
        own = "unshare cannot give a server a network of its own on this machine"
        why = "the given server has a network" if given else own
        raise DrillFailed(
            f"the dump brings what may connect to other servers ({', '.join(reaching)}), and {why}: views that are restored might write there",
            hint="Allow user namespaces on this machine, or add 'allow: [network]' when nothing can be reached from it that must not be.",
        )


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
SELECT format('ALTER TABLE %I.%I NO FORCE ROW LEVEL SECURITY', nspname, relname)
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relforcerowsecurity AND pg_get_userbyid(relowner) = current_user
\\gexec
"""
#: What no setting of a database may do to a drill.
NOT_APPLIED = {"role", "session_authorization"}


class Server(_drill_place.Server):
    """A server with one database, into which a dump is restored. `start` makes it, the end of the workspace removes it."""

    engine, name, product = "postgresql", "PostgreSQL", "PostgreSQL"
    own = ("postgres", "initdb")
    clients = ("pg_restore", "psql")
    usual = (
        "/usr/lib/postgresql/{}/bin",
        "/usr/pgsql-{}/bin",
        "/opt/homebrew/opt/postgresql@{}/bin",
        "/usr/local/opt/postgresql@{}/bin",
    )
    _place: Place
    _database: str

    # how the programs reach it

    def _run(self, program: str, *words: str, superuser: bool = False, **more: t.Any) -> _programs.Done:
        environment = {**self._environment, "PGCLIENTENCODING": "UTF8", "PGAPPNAME": "community.scalingo"}
        if not self._given:
            environment["PGUSER"] = SUPERUSER if superuser else OWNER
        environment.update(more.pop("environment", {}))
        return self._place.run([os.path.join(self._clients, program), *words], environment, **more)

    def _psql(self, script: str, *words: str, **more: t.Any) -> _programs.Done:
        """Run a script of ours, with what it needs of commands of psql."""
        place = ["-d", self._database] if self._database else []
        options = ["-X", "-q", "-w", "-v", "ON_ERROR_STOP=1", "--csv", "-t", *words, *place, "-f", "-"]
        return self._run("psql", *options, given=script, **more)

    def _sql(self, script: str, **more: t.Any) -> list[list[str]]:
        """The rows that a script of ours prints. Raises `DrillFailed`."""
        done = self._psql(f"SET search_path = pg_catalog;\n{script}", failing="the server refused a statement", **more)
        return list(csv.reader(io.StringIO(done.stdout, newline="")))

    def _pg_restore(self, entries: t.Iterable[str], *words: str) -> _programs.Done:
        """Only these entries of the list, nobody's rights, and nothing that needs rights of its own."""
        listed = self._place.write("entries", "".join(entry + "\n" for entry in entries))
        options = ["--no-owner", "--no-privileges", "--no-comments", "--no-security-labels", "--no-tablespaces"]
        return self._run("pg_restore", *options, "--use-list", listed, *words, self._place.file("dump"))

    # life

    def start(self, place: Place, hosts: t.Iterable[str], own: str) -> None:
        """Read the dump, start a server or reach the given one, and make a database as the dump's was. Raises `DrillFailed`.

        On the server of `hosts`, each host:port, or with a database or user of the name `own`, nothing is made.
        """
        self._place = place
        self._environment = {"PGHOST": place.path, "PGPORT": "5432"}
        # A server that is given decides by itself where one comes in when no database is named.
        self._database = "" if self._given else "postgres"
        self._read()
        if not self._isolated:
            refuse_open_network(self.extensions, self._params["allow"], self._given)
        if self._given:
            self._join(hosts, own)
        else:
            self._serve()
        self._create_database()
        query = "SELECT current_setting('server_version'); SELECT name, default_version FROM pg_available_extensions;"
        (version,), *available = self._sql(query, superuser=True)
        self.version = version.split(" ")[0]
        self.available = {name: version for name, version in available}

    def _read(self) -> None:
        """What the dump says of itself."""
        hint = "A dump is truncated or damaged, or newer than pg_restore: name newer programs in client_programs."
        failing = "pg_restore cannot read the dump"
        listed = self._run(
            "pg_restore", "--list", "--create", self._place.file("dump"), failing=failing, hint=hint
        ).stdout
        for line, name in (("Dumped from database", "dumped_from"), ("Dumped by pg_dump", "dumped_by")):
            match = re.search(rf"^;\s+{line} version: (\S+)", listed, re.MULTILINE)
            self.dumped[name] = match and match.group(1)
        matches = [ENTRY.match(line) for line in listed.split("\n")]
        #: Each entry of its list, and the kind.
        self._entries = [(match.string, match.group(1)) for match in matches if match]
        kinds = ("DATABASE", "DATABASE PROPERTIES", "EXTENSION", "POLICY")
        told = [entry for entry, kind in self._entries if kind in kinds]
        text = self._pg_restore(told, "--create", "--file=-").stdout if told else ""
        self.extensions, self._settings, self._roles = extensions_of(text), settings_of(text), roles_of(text)
        self._locale = options = locale_of(text)
        names = ("ICU_LOCALE", "BUILTIN_LOCALE", "LOCALE", "LC_COLLATE")
        self.dumped.update(
            encoding=options.get("ENCODING"),
            provider=options.get("LOCALE_PROVIDER", "libc") if options else None,
            locale=next((options[name] for name in names if name in options), None),
        )

    def _serve(self) -> None:
        """A server that nobody else can reach: it listens on a socket in the workspace alone."""
        data = self._place.file("data")
        words = ["-D", data, "-U", SUPERUSER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        self._place.run(self._command("initdb", *words), {}, failing="the server could not be made")
        settings = {
            "dynamic_shared_memory_type": "mmap",
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "wal_level": "minimal",
            "max_wal_senders": "0",
            "max_connections": f"{20 + int(self._params['jobs'])}",
            "autovacuum": "off",
            **self._params["server_settings"],
            # The last one counts: nobody opens the server by a setting.
            "listen_addresses": "",
            "unix_socket_directories": self._place.path,
            "unix_socket_permissions": "0700",
            "port": "5432",
        }
        if self.major >= 14 and sys.platform.startswith("linux"):
            # A session whose client was killed works for nobody.
            settings = {"client_connection_check_interval": "1s", **settings}
        words = [word for name, value in settings.items() for word in ("-c", f"{name}={value}")]
        self._place.serve(self._command("postgres", "-D", data, *words), self._ready, signal.SIGQUIT)
        roles = dict.fromkeys([*self._roles, *self._params["roles"]])
        names = [name for name in roles if name not in (OWNER, SUPERUSER) and not name.startswith("pg_")]
        script = "".join(f"CREATE ROLE {identifier(name)} NOLOGIN;" for name in names)
        self._sql(f"CREATE ROLE {OWNER} LOGIN BYPASSRLS; {script}", superuser=True)

    def _ready(self) -> bool:
        return self._psql("SELECT 1;", superuser=True, timeout=PATIENCE).returncode == 0

    def _join(self, hosts: t.Iterable[str], own: str) -> None:
        """Refuse a given server on which no database may be made: that of production, or one whose user has rights of the machine.

        Drop what other drills have left there.
        """
        url = self._params["server_url"]
        if url:
            written = self._place.write("service.conf", service_of(url))
            self._environment = {"PGSERVICE": "drill", "PGSERVICEFILE": written}
        else:
            # What the user's environment says of a server is never written down.
            users = {name: value for name, value in os.environ.items() if re.fullmatch(r"HOME|PG[A-Z]+", name)}
            self._environment = {**users, "PGSERVICE": self._params["server_service"]}
        where = "\\echo :HOST\n\\echo :PORT\nSELECT host(inet_server_addr());"
        known = "SELECT datname FROM pg_database UNION SELECT rolname FROM pg_roles;"
        (host,), (port,), (address,), *names = self._sql(f"{where}\n{known}")
        refuse_production((host, port, address), [name for (name,) in names], hosts, own)
        rights = ", ".join(name for (name,) in self._sql(TOO_MANY_RIGHTS))
        if rights and "superuser" not in self._params["allow"]:
            message = f"the user of the given server has rights that code in a dump could use on its machine: {rights}"
            hint = "Give a user who may create databases and nothing else, or add 'allow: [superuser]'."
            raise DrillFailed(message, hint=hint)
        # Databases of drills whose time is over, or that were killed.
        swept = {path.rpartition("-")[2] for path in self._place.swept}
        for (name,) in self._sql(OLD_DATABASES):
            ends, its_place = name[len(PREFIX) :].split("_", 1)
            if int(ends) < time.time() or its_place in swept:
                self._sql(f"DROP DATABASE IF EXISTS {name} WITH (FORCE);")

    def _create_database(self) -> None:
        """With the locale of the dump's: it decides what is in order, and so what a check or a partition takes."""
        asked, options = self._params["locale"], self._locale or {"ENCODING": "UTF8"}
        if asked:
            options = {"ENCODING": "UTF8", "LC_COLLATE": asked, "LC_CTYPE": asked}
        words = [f"{name} = {text if name == 'LOCALE_PROVIDER' else literal(text)}" for name, text in options.items()]
        name, where, hint = DATABASE, "this machine", ""
        if self._given:
            name = f"{PREFIX}{int(time.time() + self._params['timeout'])}_{self._place.name}"
            where, hint = "the given server", "Its user needs the right CREATEDB."
            # Whatever comes of it.
            self._place.ending.callback(self._drop, name)
        else:
            words.append(f"OWNER {OWNER}")
        done = self._psql(f"CREATE DATABASE {name} TEMPLATE template0 {' '.join(words)};", superuser=True)
        if done.returncode == 0:
            self._database = name
            return
        message = f"no database can be made on {where}"
        if re.search(r"locale|LC_C|collat|ICU|encoding", done.stderr):
            shown = ", ".join(f"{key} {value}" for key, value in options.items())
            message = f"the database has a locale that {where} cannot have ({shown})"
            hint = "Install that locale for the server, or name another one with locale: then text sorts in another way, and checks of it may fail."
        raise self._place.failure(message, done.said, hint)

    def _drop(self, name: str) -> None:
        """Drop what was made on a given server. One of our own goes as a whole, with its workspace. Raises `DrillFailed`."""
        self._database = ""
        script = f"DROP DATABASE IF EXISTS {name} WITH (FORCE);"
        done = self._psql(script, environment={"PGCONNECT_TIMEOUT": "10"}, timeout=60, last=True)
        if done.returncode:
            message = f"the database {name} on the given server could not be dropped: {done.said}"
            raise DrillFailed(message, hint="Drop it by hand.")

    # restoring

    def restore(self, extensions: t.Iterable[str] = ()) -> tuple[list[str], dict[str, int]]:
        """Restore schemas, then extensions, then all the rest, and the database's own settings.

        `extensions` are those that the database has got since the backup: whether they could be made is only tried. Returns what was not
        restored, in sentences, and what was left out on purpose, by its kind.
        """
        jobs, target = self._params["jobs"], f"--dbname={self._database}"
        out = [LEFT_OUT.match(kind) for dummy, kind in self._entries]
        left_out = collections.Counter(kind.group(1) for kind in out if kind)
        schemas = [entry for entry, kind in self._entries if kind == "SCHEMA"]
        problems = complaints(self._pg_restore(schemas, target), left_out) if schemas else []
        for name, schema in self.extensions.items():
            place = f" WITH SCHEMA {identifier(schema)}" if schema else ""
            problems += self._extended(name, f"CREATE EXTENSION IF NOT EXISTS {identifier(name)}{place} CASCADE;")
        for name in extensions:
            script = f"BEGIN; CREATE EXTENSION IF NOT EXISTS {identifier(name)} CASCADE; ROLLBACK;"
            problems += self._extended(name, script)
        if not problems:
            if not self._given:
                self._sql(GRANT_WHAT_EXTENSIONS_BROUGHT, superuser=True)
            kinds = re.compile(rf"(DATABASE.*|SCHEMA|EXTENSION)$|{LEFT_OUT.pattern}")
            rest = [entry for entry, kind in self._entries if not kinds.match(kind)]
            if rest:
                done = self._pg_restore(rest, target, f"--jobs={jobs}")
                problems = complaints(done, left_out, isolated=self._isolated, parallel=jobs > 1)
            self._sql(NO_FORCE)
            left_out["SETTING"] = sum(not self._applied(name, value) for name, value in self._settings)
        if self._given:
            hint = " (roles that the database has are to be made on the given server first)"
            problems = [text + hint if re.match(r'role "[^"]*" does not exist', text) else text for text in problems]
        return problems, dict(+left_out)

    def _extended(self, name: str, script: str) -> list[str]:
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
        # Psql itself reads none of it, so that no command of psql can be in it.
        script = f"SELECT ${tag}${one_statement(sql, OPAQUE)}${tag}$ \\gexec\n"
        words = ["-P", f"null={null}", "-v", f"VERBOSITY={'sqlstate' if secret else 'terse'}"]
        done = self._psql(script, *words, superuser=catalog, environment={"PGOPTIONS": options}, timeout=timeout + 30)
        require_answer(done, secret)
        csv.field_size_limit(_programs.MOST)
        rows = csv.reader(io.StringIO(done.stdout, newline=""))
        return [[None if cell == null else cell for cell in row] for row in rows]
