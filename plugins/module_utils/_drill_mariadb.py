# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""MariaDB for a restore drill of MySQL: its programs, a server that lasts as long as the drill, the restoration, queries.

A dump is SQL, and can hold any statement and any command of the client program. It is restored by an account without rights outside its
databases, by a client that obeys no commands, into a server without a network, whose events do not run. What MySQL writes and MariaDB does
not know is translated on the way: definers become the account that restores, collations of MySQL 8 the nearest that the server has.
"""

from __future__ import annotations

import html
import os
import re
import signal
import typing as t

from . import _drill_given, _programs
from ._drill_place import Dump, Place, Programs, Restored, isolation, lines_of, one_statement, refusal, version_of
from ._errors import DrillFailed, visible

SUPERUSER = "root"
#: Who owns what is restored, and who only reads it.
OWNER = "drill"
READER = "reader"
#: Where a dump goes that names no database.
DATABASE = "drill"
SYSTEM = ("mysql", "sys", "information_schema", "performance_schema")
SERVER_PLACES = ("/usr/sbin", "/usr/libexec", "/usr/bin", "/usr/local/sbin", "/opt/homebrew/bin", "/usr/local/bin")
VERSION = r"(\d+\.\d+\.\d+)-MariaDB"
OPAQUE = re.compile(
    r"""'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`(?:[^`]|``)*`|--(?=\s)[^\n]*|--$|\#[^\n]*|/\*(?![!M])(?:(?!\*/).)*\*/""",
    re.DOTALL,
)
NAME = rb"`((?:[^`]|``)+)`"
USED = re.compile(rb"(?:USE |CREATE DATABASE (?:/\*!\d+ IF NOT EXISTS\*/ |IF NOT EXISTS )?)" + NAME)
DEFINER = re.compile(rb"\bDEFINER\s*=\s*`(?:[^`]|``)*`@`(?:[^`]|``)*`")
COLLATION = re.compile(rb"\butf8mb4_(?:\w+_)?0900_(\w+)\b")
#: Statements about the replication of the server that was dumped, up to their semicolon.
REPLICATION = re.compile(
    rb"SET (@@GLOBAL\.GTID_PURGED|@@SESSION\.SQL_LOG_BIN|@MYSQLDUMP_TEMP_LOG_BIN)\b", re.IGNORECASE
)
#: A word to clients of MariaDB that some do not know. Ours obeys no commands anyway.
SANDBOX = re.compile(rb"/\*M?!999999\\-")
#: Errors whose messages quote names. Others may quote rows.
OF_NAMES = frozenset(
    "1044 1045 1046 1049 1050 1054 1061 1071 1072 1091 1115 1118 1142 1146 1193 1215 1227 1231 1273 1286 1305 1356 1370 1449".split()
)


def identifier(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


def find(major: int, params: t.Mapping[str, t.Any], *, look_only: bool = False) -> Programs:
    """The programs of a server of MariaDB, whatever MySQL's version is, and of its client. It only looks in any case.

    Raises `DrillFailed` with what is to be installed.
    """
    del major, look_only
    if _drill_given.is_given(params):
        raise DrillFailed(
            "server_service and server_url are for PostgreSQL: a backup of MySQL is restored into a server of the drill's own"
        )
    server = _directory_of("mariadbd", params["programs"])
    if not _directory_of("mariadb-install-db", params["programs"]) or not server:
        where = f"in {params['programs']}" if params["programs"] else "on this machine"
        raise DrillFailed(
            f"there is no MariaDB server {where}: mariadbd and mariadb-install-db are needed",
            hint="Install a server of MariaDB (mariadb-server), or name the directory with its programs in programs.",
        )
    clients = _directory_of("mariadb", params["client_programs"] or params["programs"])
    if not clients:
        raise DrillFailed(
            "the program mariadb is missing",
            hint="Install MariaDB's client (mariadb-client), or name its directory in client_programs.",
        )
    before, isolated = isolation("MariaDB")
    paths = (os.path.join(server, "mariadbd"), os.path.join(clients, "mariadb"))
    versions = [version_of(path, VERSION) for path in paths]
    if not all(versions):
        raise DrillFailed(
            f"{server}/mariadbd or {clients}/mariadb does not say that it is MariaDB",
            hint="Name the directories of MariaDB in programs.",
        )
    return Programs(server, versions[0], clients, versions[1], before, isolated)


def _directory_of(name: str, given: str) -> str:
    beside = [given, *(os.path.join(os.path.dirname(given.rstrip("/")), part) for part in ("sbin", "bin", "scripts"))]
    places = beside if given else [*os.environ.get("PATH", os.defpath).split(os.pathsep), *SERVER_PLACES]
    return next((place for place in places if place and os.access(os.path.join(place, name), os.X_OK)), "")


class Server:
    """A server into which a dump is restored. `start` makes it, the end of the workspace removes it."""

    engine = "mysql"
    kind = "throw-away"

    def __init__(
        self, programs: Programs, place: Place, params: t.Mapping[str, t.Any], production: _drill_given.Production
    ) -> None:
        del production
        self.version = ""
        self.available: dict[str, str] = {}
        self._programs = programs
        self._place = place
        self._params = params
        #: The databases of the dump. The first is the one that queries are about.
        self.databases: list[str] = []
        self._collations: set[str] = set()

    # how the programs reach it

    def _client(self, given: str | t.Iterator[bytes], user: str, *words: str, **more: t.Any) -> _programs.Done:
        options = ["--no-defaults", f"--socket={self._place.file('socket')}", f"--user={user}"]
        options += ["--default-character-set=utf8mb4"]
        # Of its own commands it knows none but those for the end of a statement and for a character set.
        options += ["--batch", "--binary-mode", "--local-infile=0", "--max-allowed-packet=1G", *words]
        return self._place.run([os.path.join(self._programs.clients, "mariadb"), *options], {}, given=given, **more)

    def _sql(self, script: str) -> list[list[str | None]]:
        """The rows that statements of ours print. Raises `DrillFailed`."""
        done = self._client(script, SUPERUSER, "--xml")
        if done.returncode:
            raise self._place.failure("the server refused a statement", done.said)
        return _rows(done.stdout)

    # life

    def start(self, dump: Dump) -> None:
        """Read the dump, start a server, and make accounts for the databases of the dump.

        Nobody else can reach it: it listens on a socket in the workspace alone. Raises `DrillFailed`.
        """
        self._read(dump)
        data = self._place.file("data")
        os.mkdir(self._place.file("temporary"), 0o700)
        os.mkdir(self._place.file("nothing"), 0o700)
        install = _directory_of("mariadb-install-db", self._params["programs"])
        base = [] if install == "/usr/bin" else [f"--basedir={os.path.dirname(install)}"]
        made = self._place.run(
            [
                *self._programs.before, os.path.join(install, "mariadb-install-db"), "--no-defaults", f"--datadir={data}", *base,
                "--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve", f"--tmpdir={self._place.file('temporary')}",
            ],
            {},
        )  # fmt: skip
        if made.returncode:
            raise self._place.failure("the server could not be made", _programs.said(f"{made.stdout}\n{made.stderr}"))
        self._serve(data, [] if self._programs.server in SERVER_PLACES else base)
        # Older servers have no column of full names.
        known = "SELECT VERSION(); SELECT * FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY;"
        (version,), *collations = self._sql(known)
        self.version = str(version).split("-", maxsplit=1)[0]
        self._collations = {str(name) for row in collations for name in row}
        script = ["DELETE FROM mysql.global_priv WHERE User NOT IN ('root', 'mariadb.sys'); FLUSH PRIVILEGES;"]
        script += [f"CREATE USER {name}@localhost;" for name in (OWNER, READER)]
        for name in self.databases:
            pattern = identifier(re.sub(r"([\\_%])", r"\\\1", name))
            script.append(f"GRANT ALL ON {pattern}.* TO {OWNER}@localhost;")
            script.append(f"GRANT SELECT, SHOW VIEW, EXECUTE ON {pattern}.* TO {READER}@localhost;")
        script.append(f"CREATE DATABASE IF NOT EXISTS {identifier(self.databases[0])} CHARACTER SET utf8mb4;")
        self._sql("\n".join(script))

    def _read(self, dump: Dump) -> None:
        names: dict[str, None] = {}
        head = b""
        with open(dump.path, "rb") as stream:
            for number, line in enumerate(stream):
                head += line[:500] if number < 20 else b""
                found = USED.match(line)
                if found:
                    names[found.group(1).replace(b"``", b"`").decode("utf-8", "replace")] = None
        by = re.search(rb"^-- (?:MySQL|MariaDB) dump .*Distrib (\d+(?:\.\d+)+)", head, re.MULTILINE)
        server = re.search(rb"^-- Server version\s+(\S+)", head, re.MULTILINE)
        dump.dumped_by = by.group(1).decode() if by else None
        dump.dumped_from = server.group(1).decode("utf-8", "replace") if server else None
        self.databases = [name for name in names if name not in SYSTEM] or [DATABASE]

    def _serve(self, data: str, base: list[str]) -> None:
        settings = {
            "max-allowed-packet": "1G",
            "character-set-server": "utf8mb4",
            "performance-schema": "OFF",
            "innodb-flush-log-at-trx-commit": "0",
            "innodb-doublewrite": "OFF",
            **self._params["server_settings"],
            # The last one counts: nobody opens the server by a setting. No file is read from or written to, and no event runs.
            "datadir": data,
            "socket": self._place.file("socket"),
            "pid-file": self._place.file("pid"),
            "tmpdir": self._place.file("temporary"),
            "skip-networking": "ON",
            "event-scheduler": "OFF",
            "local-infile": "OFF",
            "secure-file-priv": self._place.file("nothing"),
        }
        words = [f"--{name}={value}" for name, value in settings.items()]
        command = [
            *self._programs.before,
            os.path.join(self._programs.server, "mariadbd"),
            "--no-defaults",
            *base,
            *words,
        ]
        self._place.serve(command, self._ready, signal.SIGKILL, _complaint)

    def _ready(self) -> bool:
        return os.path.exists(self._place.file("socket")) and self._client("SELECT 1;", SUPERUSER).returncode == 0

    def close(self) -> None:
        """It goes as a whole, with its workspace."""

    # restoring

    def restore(self, dump: Dump, *, jobs: int = 1, extensions: t.Sequence[str] = ()) -> Restored:
        """Restore all databases of the dump, statement by statement, whatever fails of them. Only `dump` means something here."""
        del jobs, extensions
        left_out: dict[str, int] = {}
        done = self._client(self._translated(dump.path, left_out), OWNER, "--force", f"--database={self.databases[0]}")
        return self._place.told(complaints(done), left_out)

    def _translated(self, path: str, left_out: dict[str, int]) -> t.Iterator[bytes]:
        """The dump for MariaDB and for an account without rights of its own. Rows are as they were."""
        inside = False
        with open(path, "rb") as stream:
            for line in stream:
                if inside or REPLICATION.match(line):
                    inside = not line.rstrip().endswith(b";")
                    continue
                if SANDBOX.match(line):
                    continue
                # MariaDB begins a line for each row.
                if not line.startswith((b"INSERT ", b"(")):
                    line, definers = DEFINER.subn(b"", line)
                    line, collations = COLLATION.subn(self._nearest, line)
                    for kind, count in (("DEFINER", definers), ("COLLATION", collations)):
                        if count:
                            left_out[kind] = left_out.get(kind, 0) + count
                yield line

    def _nearest(self, match: re.Match[bytes]) -> bytes:
        """The collation of this server that sorts most like one of MySQL 8."""
        if match.group().decode() in self._collations:
            return match.group()
        kind = match.group(1).decode()
        wanted = "utf8mb4_bin" if kind == "bin" else f"utf8mb4_uca1400_nopad_{kind}"
        other = "utf8mb4_bin" if kind in ("bin", "as_cs") else "utf8mb4_unicode_520_nopad_ci"
        return (wanted if wanted in self._collations else other).encode()

    # asking

    def query(self, sql: str, *, timeout: float, secret: bool = False, catalog: bool = False) -> list[list[str | None]]:
        """The rows of one statement that reads, as texts. `timeout` is in seconds. The time zone is UTC.

        With `catalog` it is a statement of ours, which sees all databases. Otherwise it is that of an account that may only read. With
        `secret` the error says nothing of what the server said, but for its kind. Raises `DrillFailed`.
        """
        # The server itself takes one statement only, and the client sees a text.
        script = (
            f"SET time_zone = '+00:00', max_statement_time = {timeout:g}; START TRANSACTION READ ONLY;\n"
            f"EXECUTE IMMEDIATE {literal(one_statement(sql, OPAQUE))};\n"
        )
        user = SUPERUSER if catalog else READER
        done = self._client(script, user, "--xml", f"--database={self.databases[0]}", timeout=timeout + 30)
        if done.returncode:
            state = re.search(r"ERROR \d+ \((\w+)\)", done.stderr)
            raise refusal(state.group(1) if state else "") if secret else DrillFailed(_complaint(done.stderr))
        if done.is_cut:
            raise DrillFailed(f"the query returns more than {_programs.MOST >> 20} MiB")
        return _rows(done.stdout)


def _rows(text: str) -> list[list[str | None]]:
    """The rows of what the client prints as XML: the only form in which what is not there is no text."""
    field = re.compile(r'<field name="[^"]*"(?: xsi:nil="true" />|>([^<]*)</field>)')
    rows = re.findall(r"<row>(.*?)</row>", text, re.DOTALL)
    cells = [[found.group(1) for found in field.finditer(row)] for row in rows]
    return [[None if cell is None else html.unescape(cell) for cell in row] for row in cells]


def _complaint(text: str) -> str:
    """What a server or a client said, without where in our own script that was."""
    lines = [line for line in lines_of(text) if re.search(r"\bERROR\b", line)] or lines_of(text)[-3:]
    return re.sub(r"ERROR (\d+) \((\w+)\) at line \d+: ", r"", " / ".join(visible(line).strip() for line in lines[:3]))


def complaints(done: _programs.Done) -> list[str]:
    """What could not be restored. Texts in quotes are left out where they may be of rows."""
    problems = []
    for line in lines_of(done.stderr):
        found = re.match(r"(?:\S*: )?ERROR (\d+) \((\w+)\) at line (\d+): (.*)", visible(line))
        if found:
            number, state, place, said = found.groups()
            said = said if number in OF_NAMES else re.sub(r"'.*'", "'…'", said)
            problems.append(f"line {place} of the dump: {said} (error {number}, SQLSTATE {state})")
    if done.returncode < 0 or (done.returncode and not problems):
        problems.append(f"{done.ending} before the restoration was complete")
    if done.is_cut or (not problems and re.search(r"\bERROR\b", done.stderr)):
        problems.append("the client reported errors that could not be read")
    return problems
