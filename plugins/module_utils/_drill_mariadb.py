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

import collections
import html
import itertools
import os
import re
import shutil
import signal
import typing as t

from . import _drill_place, _programs
from ._drill_place import Place
from ._errors import visible

SUPERUSER = "root"
#: Who owns what is restored, and who only reads it.
OWNER = "drill"
READER = "reader"
#: Where a dump goes that names no database.
DATABASE = "drill"
SYSTEM = ("mysql", "sys", "information_schema", "performance_schema")
INSTALLER = "mariadb-install-db"
SERVER_PLACES = ("/usr/sbin", "/usr/libexec", "/usr/bin", "/usr/local/sbin", "/opt/homebrew/bin", "/usr/local/bin")
OPAQUE = re.compile(
    r"""'(?:[^'\\]|\\.|'')*'|"(?:[^"\\]|\\.|"")*"|`(?:[^`]|``)*`|--(?=\s)[^\n]*|--$|\#[^\n]*|/\*(?![!M])(?:(?!\*/).)*\*/""",
    re.DOTALL,
)
NAME = rb"`((?:[^`]|``)*)`"
USED = re.compile(rb"(?:USE |CREATE DATABASE (?:/\*!\d+ IF NOT EXISTS\*/ |IF NOT EXISTS )?)" + NAME)
DEFINER = re.compile(rb"\bDEFINER\s*=\s*" + NAME + b"@" + NAME)
COLLATION = re.compile(rb"\butf8mb4_(?:\w+_)?0900_(\w+)\b")
#: What is set of the replication of the server that was dumped. It becomes a variable of the user.
REPLICATION = re.compile(rb"@@(?:GLOBAL|SESSION)\.(?=GTID_PURGED|SQL_LOG_BIN)", re.IGNORECASE)
#: A word to clients of MariaDB that some do not know. Ours obeys no commands anyway.
SANDBOX = re.compile(rb"^/\*M?!999999\\-.*")
#: Errors whose messages quote names. Others may quote rows.
OF_NAMES = frozenset(
    "1044 1045 1046 1049 1050 1054 1061 1071 1072 1091 1115 1118 1142 1146 1193 1215 1227 1231 1273 1286 1305 1356 1370 1449".split()
)


def identifier(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


def literal(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"


class Server(_drill_place.Server):
    """A server into which a dump is restored. `start` makes it, the end of the workspace removes it."""

    engine, name, product = "mysql", "MySQL", "MariaDB"
    own = ("mariadbd", INSTALLER)
    clients = ("mariadb",)
    usual = SERVER_PLACES
    # Whatever the version of MySQL is.
    is_of_version = False
    _place: Place
    _collations: t.Collection[str] = ()

    def _client(self, given: str | t.Iterator[bytes], user: str, *words: str, **more: t.Any) -> _programs.Done:
        options = ["--no-defaults", f"--socket={self._place.file('socket')}", f"--user={user}"]
        options += ["--default-character-set=utf8mb4"]
        # Of its own commands it knows none but those for the end of a statement and for a character set.
        options += ["--batch", "--binary-mode", "--local-infile=0", "--max-allowed-packet=1G", *words]
        return self._place.run([os.path.join(self._clients, "mariadb"), *options], {}, given=given, **more)

    # life

    def start(self, place: Place, hosts: t.Iterable[str], own: str) -> None:
        """Read the dump, start a server, and make accounts for the databases of the dump.

        Nobody else can reach it: it listens on a socket in the workspace alone. Raises `DrillFailed`.
        """
        del hosts, own
        self._place = place
        self._read()
        self._serve()
        # Older servers have no column of full names.
        known = "SELECT VERSION(); SELECT * FROM information_schema.COLLATION_CHARACTER_SET_APPLICABILITY;"
        script = [known, "DELETE FROM mysql.global_priv WHERE User NOT IN ('root', 'mariadb.sys'); FLUSH PRIVILEGES;"]
        script += [f"CREATE USER {name}@localhost;" for name in (OWNER, READER)]
        for name in self.databases:
            pattern = identifier(re.sub(r"([\\_%])", r"\\\1", name))
            script.append(f"GRANT ALL ON {pattern}.* TO {OWNER}@localhost;")
            script.append(f"GRANT SELECT, SHOW VIEW, EXECUTE ON {pattern}.* TO {READER}@localhost;")
        script.append(f"CREATE DATABASE IF NOT EXISTS {identifier(self.databases[0])} CHARACTER SET utf8mb4;")
        done = self._client("\n".join(script), SUPERUSER, "--xml", failing="the server refused a statement")
        (version,), *collations = _rows(done.stdout)
        self.version = str(version).split("-", maxsplit=1)[0]
        self._collations = {str(name) for row in collations for name in row}

    def _read(self) -> None:
        """What the dump says of itself: which programs wrote it, and which databases it holds."""
        with open(self._place.file("dump"), "rb") as stream:
            head = b"".join(line[:500] for line in itertools.islice(stream, 20))
            stream.seek(0)
            used = dict.fromkeys(found.group(1) for found in map(USED.match, stream) if found)
        by = re.search(rb"^-- (?:MySQL|MariaDB) dump .*Distrib (\d+(?:\.\d+)+)", head, re.MULTILINE)
        server = re.search(rb"^-- Server version\s+(\S+)", head, re.MULTILINE)
        self.dumped["dumped_by"] = by.group(1).decode() if by else None
        self.dumped["dumped_from"] = server.group(1).decode("utf-8", "replace") if server else None
        names = [name.replace(b"``", b"`").decode("utf-8", "replace") for name in used]
        #: The first is the one that queries are about.
        self.databases = [name for name in names if name not in SYSTEM] or [DATABASE]

    def _serve(self) -> None:
        data, temporary, nothing = (self._place.file(name) for name in ("data", "temporary", "nothing"))
        os.mkdir(temporary, 0o700)
        os.mkdir(nothing, 0o700)
        where = [self._directory, *_drill_place.places(self._params["programs"], SERVER_PLACES)]
        installer = str(shutil.which(INSTALLER, path=os.pathsep.join(where)))
        directory = os.path.dirname(installer)
        # Programs of a package know where their files are.
        base = [] if directory in SERVER_PLACES else [f"--basedir={os.path.dirname(directory)}"]
        words = ["--no-defaults", f"--datadir={data}", f"--tmpdir={temporary}", *base, "--skip-test-db"]
        words += ["--auth-root-authentication-method=normal", "--skip-name-resolve"]
        self._place.run(self._command(installer, *words), {}, failing="the server could not be made")
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
            "tmpdir": temporary,
            "skip-networking": "ON",
            "event-scheduler": "OFF",
            "local-infile": "OFF",
            "secure-file-priv": nothing,
        }
        words = ["--no-defaults", *base, *(f"--{name}={value}" for name, value in settings.items())]
        self._place.serve(self._command("mariadbd", *words), self._ready, signal.SIGKILL)

    def _ready(self) -> bool:
        return self._client("SELECT 1;", SUPERUSER, timeout=_drill_place.PATIENCE).returncode == 0

    # restoring

    def restore(self, extensions: t.Iterable[str] = ()) -> tuple[list[str], dict[str, int]]:
        """Restore all databases of the dump, statement by statement, whatever fails of them.

        Returns what was not restored, in sentences, and what was left out on purpose, by its kind. MySQL has no extensions.
        """
        del extensions
        left_out: collections.Counter[str] = collections.Counter()
        done = self._client(self._translated(left_out), OWNER, "--force", f"--database={self.databases[0]}")
        return complaints(done), dict(+left_out)

    def _translated(self, left_out: collections.Counter[str]) -> t.Iterator[bytes]:
        """The dump for MariaDB and for an account without rights of its own. Rows are as they were."""
        with open(self._place.file("dump"), "rb") as stream:
            for line in stream:
                # MariaDB begins a line for each row.
                if not line.startswith((b"INSERT ", b"(")):
                    line = REPLICATION.sub(b"@", SANDBOX.sub(b"", line))
                    line, definers = DEFINER.subn(b"", line)
                    line, collations = COLLATION.subn(self._nearest, line)
                    left_out.update(DEFINER=definers, COLLATION=collations)
                yield line

    def _nearest(self, match: re.Match[bytes]) -> bytes:
        """The collation of this server that sorts most like one of MySQL 8."""
        kind = match.group(1).decode()
        wanted = [match.group().decode(), f"utf8mb4_uca1400_nopad_{kind}", "utf8mb4_unicode_520_nopad_ci"]
        if kind in ("bin", "as_cs"):
            wanted[-1] = "utf8mb4_bin"
        return next((name for name in wanted if name in self._collations), wanted[-1]).encode()

    # asking

    def query(self, sql: str, *, timeout: float, secret: bool = False, catalog: bool = False) -> list[list[str | None]]:
        """The rows of one statement that reads, as texts. `timeout` is in seconds. The time zone is UTC.

        With `catalog` it is a statement of ours, which sees all databases. Otherwise it is that of an account that may only read. With
        `secret` the error says nothing of what the server said, but for its kind. Raises `DrillFailed`.
        """
        # The server itself takes one statement only, and the client sees a text.
        script = (
            f"SET time_zone = '+00:00', max_statement_time = {timeout:g}; START TRANSACTION READ ONLY;\n"
            f"EXECUTE IMMEDIATE {literal(_drill_place.one_statement(sql, OPAQUE))};\n"
        )
        user = SUPERUSER if catalog else READER
        done = self._client(script, user, "--xml", f"--database={self.databases[0]}", timeout=timeout + 30)
        _drill_place.require_answer(done, secret)
        return _rows(done.stdout)


def _rows(text: str) -> list[list[str | None]]:
    """The rows of what the client prints as XML: the only form in which what is not there is no text."""
    field = re.compile(r'<field name="[^"]*"(?: xsi:nil="true" />|>([^<]*)</field>)')
    rows = re.findall(r"<row>(.*?)</row>", text, re.DOTALL)
    cells = [[found.group(1) for found in field.finditer(row)] for row in rows]
    return [[None if cell is None else html.unescape(cell) for cell in row] for row in cells]


def complaints(done: _programs.Done) -> list[str]:
    """What could not be restored. Texts in quotes are left out where they may be of rows."""
    problems = []
    for line in done.stderr.split("\n"):
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
