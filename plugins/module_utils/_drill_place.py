# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""The workspace of a restore drill: a private directory for all that it makes, the programs that run there, and the dump in it.

The process that made a workspace holds the kernel's lock of a file in it. One that nobody has locked was left behind by a run that was
killed, and the next drill removes it. Servers are started through the workspace, which ends them before it is removed.
"""

from __future__ import annotations

import contextlib
import errno
import glob
import os
import re
import shutil
import subprocess
import tempfile
import time
import typing as t

from . import _programs
from ._copy_making import DAMAGED, members
from ._errors import DrillFailed, ScalingoError
from ._files import create, is_called, lock
from ._progress import Watch, Watcher

PREFIX = "restore_drill-"
#: The file by which a directory is known to be one of ours. A person may read in it what it is about.
LOCK = "community.scalingo.lock"
#: Seconds that a server may take to start.
PATIENCE = 60.0
#: Bytes of the path of a unix socket that every system takes.
LONGEST_SOCKET = 103
#: How a dump of each engine begins. The last lines of what mysqldump and mariadb-dump write say that they came to their end.
MAGIC = {
    "postgresql": re.compile(rb"PGDMP"),
    "mysql": re.compile(rb"\s*(--|/\*|CREATE |DROP |INSERT |SET |USE |START |BEGIN)", re.IGNORECASE),
}
MYSQL_SAYS = re.compile(rb"-- (MySQL|MariaDB) dump ")
MYSQL_END = b"-- Dump completed"
ANOTHER = "Choose another backup, and tell Scalingo's support about this one."
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FULL_WORDS = re.compile(
    r"No space left on device|[Dd]isk quota exceeded|File too large|Errcode: (28|122|27)\b|table '.*' is full"
)


class Place:
    """A workspace. `made` makes one, `erase` removes it. `swept` are those of killed drills that were removed before."""

    def __init__(self, path: str, holder: t.BinaryIO, swept: list[str], watcher: Watcher | None) -> None:
        self.path = path
        self.swept = swept
        self.watch = Watch(watcher)
        #: What is removed before the workspace is, the last first. Each may raise `DrillFailed`.
        self.ending = contextlib.ExitStack()
        self.ending.callback(holder.close)
        self.ending.callback(self._remove)

    @classmethod
    @contextlib.contextmanager
    def made(cls, work_dir: str, label: str, watcher: Watcher | None = None) -> t.Iterator[Place]:
        """A new workspace below `work_dir`, which is removed at the end of the `with`, however that comes. Raises `DrillFailed`."""
        check(work_dir)
        swept = leftovers(work_dir, remove=True)
        with _writing(work_dir):
            path, holder = _new(work_dir, label)
        place = cls(path, holder, swept, watcher)
        try:
            yield place
        except BaseException:
            # What went wrong first is what counts.
            with contextlib.suppress(DrillFailed):
                place.erase()
            raise
        place.erase()

    @property
    def name(self) -> str:
        """The part of its name that no other workspace has."""
        return self.path.rpartition("-")[2]

    def file(self, name: str) -> str:
        return os.path.join(self.path, name)

    @contextlib.contextmanager
    def create(self, name: str) -> t.Iterator[t.BinaryIO]:
        """Write a file for nobody else to read. Raises `DrillFailed`, as for a full disk."""
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW
        with _writing(self.path), open(os.open(self.file(name), flags, 0o600), "w+b") as stream:
            yield stream

    def write(self, name: str, text: str) -> str:
        """Write a text as such a file. Returns its path."""
        with self.create(name) as stream:
            stream.write(text.encode("utf-8"))
        return self.file(name)

    def run(
        self, command: t.Sequence[str], environment: t.Mapping[str, str], *, failing: str = "", hint: str = "", last: bool = False, **more: t.Any
    ) -> _programs.Done:  # fmt: skip
        """Run a program to its end, as `_programs.run` does. The `last` ones clean up, and run when the run has ended, too.

        With `failing`, which is the beginning of a sentence, it raises `DrillFailed` unless the program succeeds.
        """
        watcher = None if last else self.watch
        done = _programs.run(command, watcher=watcher, environment=bare(environment), directory=self.path, **more)
        if failing and done.returncode:
            raise self.failure(failing, done.said, hint)
        return done

    def serve(self, command: t.Sequence[str], ready: t.Callable[[], bool], asking: int) -> None:
        """Start a server, which ends with the workspace at the latest, by the signal `asking`.

        Raises `DrillFailed` when it does not get `ready`, and `RunEnded`.
        """
        with self.create("server.log") as log:
            process = _programs.start(
                command, environment=bare({}), asking=asking, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=self.path
            )  # fmt: skip
            self.ending.callback(_programs.end, process)
        deadline = time.monotonic() + PATIENCE
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                raise self.failure("the server did not start", _programs.said(self._logged()) or "it said nothing")
            self.watch.alive()
            time.sleep(0.03)

    def failure(self, message: str, said: str, hint: str = "") -> DrillFailed:
        """A failure, with a full disk as its reason where it was said: clients may say only that their server is gone, which logs it."""
        is_full = FULL_WORDS.search(said) or FULL_WORDS.search(self._logged())
        return DrillFailed(f"{message}: {said}", hint=_space(self.path) if is_full else hint)

    def _logged(self) -> str:
        with contextlib.suppress(FileNotFoundError), open(self.file("server.log"), "rb") as stream:
            return stream.read().decode("utf-8", "replace")
        return ""

    def erase(self) -> None:
        """End what runs in it, and remove everything. Raises `DrillFailed` with what is left."""
        with _programs.undisturbed():
            self.ending.close()

    def _remove(self) -> None:
        problem = _removed(self.path)
        if problem:
            message = f"the directory {self.path} could not be removed, and may hold data: {problem}"
            raise DrillFailed(message, hint="Remove it by hand.")


def bare(more: t.Mapping[str, str]) -> dict[str, str]:
    """The environment of the programs of a drill: none of the settings of the user, and English messages."""
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "TZDIR") if os.environ.get(name)}
    return {"PATH": os.defpath, **kept, "LC_ALL": "C", **more}


def check(work_dir: str) -> None:
    """Raise `DrillFailed` when no workspace can be made there. Changes nothing."""
    if os.path.islink(work_dir) or not os.path.isdir(work_dir) or not os.access(work_dir, os.W_OK | os.X_OK):
        raise DrillFailed(f"work_dir is {work_dir}, which is not a directory of its own that can be written to")
    longest = os.path.join(os.path.realpath(work_dir), PREFIX + "12345678", ".s.PGSQL.5432")
    if len(os.fsencode(longest)) > LONGEST_SOCKET:
        raise DrillFailed(
            f"work_dir is {work_dir}, whose path is too long for the socket of a server",
            hint="Choose a directory with a shorter path, such as /var/tmp.",
        )


def leftovers(work_dir: str, *, remove: bool = False) -> list[str]:
    """Workspaces of this user that nobody holds any more. With `remove`, those that are gone by now."""
    found = []
    for path in sorted(glob.glob(os.path.join(glob.escape(work_dir), PREFIX + "[a-z0-9_]" * 8))):
        # What is no directory, or is being removed by another drill.
        with contextlib.suppress(OSError), contextlib.ExitStack() as stack:
            if os.path.islink(path) or os.stat(path).st_uid != os.geteuid():
                continue
            if os.listdir(path):
                flags = os.O_RDWR | os.O_NOFOLLOW
                holder = stack.enter_context(open(os.open(os.path.join(path, LOCK), flags), "rb+"))
                if not lock(holder.fileno()) or (remove and _removed(path)):
                    continue
            elif remove:
                # It was just made, which its maker will see, or its maker was killed then.
                os.rmdir(path)
            found.append(path)
    return found


def _new(work_dir: str, label: str) -> tuple[str, t.BinaryIO]:
    """A directory, and the open file whose lock holds it. Another drill that sweeps may be faster than the lock: then there is another."""
    while True:
        path = os.path.realpath(tempfile.mkdtemp(prefix=PREFIX, dir=work_dir))
        name = os.path.join(path, LOCK)
        try:
            holder = create(name)
            if lock(holder.fileno()) and is_called(holder.fileno(), name):
                holder.write(f"{label}, process {os.getpid()}\n".encode())
                holder.flush()
                return path, holder
            holder.close()
        except FileNotFoundError:
            continue
        except OSError:
            shutil.rmtree(path, ignore_errors=True)
            raise


def _removed(path: str) -> str:
    """Remove a directory. Returns why it is still there: programs of a killed drill may be just ending, and make files meanwhile."""
    problem = ""
    for dummy in range(3):
        try:
            shutil.rmtree(path)
        except OSError as error:
            problem = f"{error.filename or path}: {error.strerror}"
        if not os.path.lexists(path):
            return ""
        time.sleep(0.2)
    return problem


def _space(path: str) -> str:
    return f"Free space on the disk of {os.path.dirname(path) or path}, or choose another work_dir. Until then, nothing is known of the backup."


@contextlib.contextmanager
def _writing(path: str) -> t.Iterator[None]:
    """Writing there fails with the directory in the sentence."""
    try:
        yield
    except OSError as error:
        message = f"nothing more can be written to {path}: {error.strerror}"
        hint = _space(path) if error.errno in FULL else ""
        raise DrillFailed(message, hint=hint) from None


# -- programs and statements ------------------------------------------------------------------------------------------


class Server:
    """A server into which a dump is restored, and its programs on this machine. It lasts as long as its workspace."""

    #: The database as the platform calls it, its product, and that of the server.
    engine = name = product = ""
    #: The programs of the server, those of its clients, and where they usually are.
    own: tuple[str, ...] = ()
    clients: tuple[str, ...] = ()
    usual: tuple[str, ...] = ()
    #: Whether the server must be of the version of the database.
    is_of_version = True

    def __init__(self, major: int, params: t.Mapping[str, t.Any]) -> None:
        """Find the programs for databases of a major version. Raises `DrillFailed` with what is to be installed."""
        self.major, self._params = major, params
        self._given = bool(params["server_service"] or params["server_url"])
        self.kind = "given" if self._given else "throw-away"
        self.version = ""
        #: The extensions that it has, with their versions, and those that the dump brings, with their schemas.
        self.available: dict[str, str] = {}
        self.extensions: dict[str, str] = {}
        #: What the dump says of itself.
        self.dumped: dict[str, str | None] = dict.fromkeys(
            ("dumped_from", "dumped_by", "encoding", "provider", "locale")
        )
        self._directory, self._before = "", tuple[str, ...]()
        usual = [place.format(major) for place in self.usual]
        if not self._given:
            wanted = major if self.is_of_version else None
            self._directory, dummy = self._find(self.own, "programs", usual, wanted)
            self._before = isolation(self.product)
            usual = [self._directory, os.path.join(os.path.dirname(self._directory), "bin"), *usual]
        #: Whether it has no network but its own.
        self._isolated = "--net" in self._before
        self._clients, self.client_version = self._find(self.clients, "client_programs", usual)

    def _find(
        self, names: t.Sequence[str], option: str, usual: t.Iterable[str], major: int | None = None
    ) -> tuple[str, str]:
        """The directory of the first of these programs, of this major version, and its version. The others are looked for, too."""
        other, given = "", self._params[option]
        where = places(given, usual)
        if all(shutil.which(name, path=os.pathsep.join(where)) for name in names):
            for place in where:
                version = _version_of(os.path.join(place, names[0]))
                if version and major in (None, int(version.split(".")[0])):
                    return place, version
                other = other or version
        wanted, listed = f"{self.product} {major or ''}".strip(), " and ".join(names)
        looked = f"in {given}" if given else "on this machine"
        lacking = f"there is no {self.product} with {listed} {looked}"
        if other:
            lacking = f"{wanted} is needed, and {looked} is {other}"
        raise DrillFailed(lacking, hint=f"Install {wanted}, or name the directory with {listed} in {option}.")

    def _command(self, program: str, *words: str) -> list[str]:
        """The command of a program of the server."""
        return [*self._before, os.path.join(self._directory, program), *words]


def places(given: str | None, usual: t.Iterable[str]) -> list[str]:
    """The directories in which programs may be: the given one and those beside it, or the usual ones and those of PATH."""
    if given:
        above = os.path.dirname(given.rstrip("/"))
        return [given, *(os.path.join(above, name) for name in ("bin", "sbin", "scripts"))]
    return [*usual, *os.get_exec_path()]


def _version_of(program: str) -> str:
    """What a program of PostgreSQL or MariaDB says of its version, or nothing."""
    with contextlib.suppress(ScalingoError):
        done = _programs.run([program, "--version"], environment=bare({}), timeout=30)
        found = re.search(r"(?<=\(PostgreSQL\) )\d+(\.\d+)*|\d+\.\d+\.\d+(?=-MariaDB)", done.stdout)
        return found.group() if found and done.returncode == 0 else ""
    return ""


def isolation(engine: str) -> tuple[str, ...]:
    """What stands before the command of a server. Raises `DrillFailed`.

    It gives the server an identity of its own, as none runs as root, and a network of its own where the machine allows that.
    """
    user = os.geteuid() or 1000
    identity = ("unshare", "--user", f"--map-user={user}", f"--map-group={os.getegid() or user}")
    for way in ((*identity, "--net", "--ipc"), identity if os.geteuid() == 0 else ()):
        with contextlib.suppress(ScalingoError):
            if _programs.run([*way, "true"], environment=bare({}), timeout=30).returncode == 0:
                return way
    raise DrillFailed(
        f"{engine} does not run as root, and unshare cannot give it another identity here",
        hint="Run Ansible as another user, or allow user namespaces, or use another server with server_service.",
    )


def one_statement(sql: str, opaque: re.Pattern[str]) -> str:
    """The statement, when it is one and the server's alone. `opaque` matches texts, names in quotes, and comments. Raises `DrillFailed`."""
    bare_sql = opaque.sub(lambda match: " " if re.match(r"--|/\*|#", match.group()) else "x", sql)
    bones = bare_sql.rstrip("; \t\r\n\f\v")
    if not bones.strip():
        raise DrillFailed("the query is empty")
    if ";" in bones:
        raise DrillFailed("the query is more than one statement", hint="Make one check of each.")
    if re.search(r"[\\\"'`\0]|/\*", bones):
        raise DrillFailed(
            "the query holds a command of a client program, or a text or comment that does not end",
            hint="Use SQL of the server only.",
        )
    return sql


def require_answer(done: _programs.Done, secret: bool) -> None:
    """Raise `DrillFailed` for a query that was refused or cut. With `secret` only its SQLSTATE is told: a server may quote rows."""
    if done.returncode and not secret:
        raise DrillFailed(re.sub(r"ERROR \d+ \(\w+\) at line \d+: ", "", done.said))
    if done.returncode:
        found = re.search(r"\bERROR(?::\s+| \d+ \()([0-9A-Z]{5})\b", done.stderr)
        state = found.group(1) if found else "unknown"
        kind = KINDS.get(state) or KINDS.get(state[:2], "an error")
        raise DrillFailed(f"the server refused the query ({kind}, SQLSTATE {state})")
    if done.is_cut:
        raise DrillFailed(f"the query returns more than {_programs.MOST >> 20} MiB")


KINDS = {
    "22": "a value that it cannot work with", "25": "it writes", "42": "its syntax, or a name or a right that is missing",
    "42S02": "a table does not exist", "42P01": "a table does not exist", "42S22": "a column does not exist", "42703": "a column does not exist",
    "57014": "it took too long", "70100": "it took too long", "53": "the server has not enough memory or disk",
}  # fmt: skip


# -- the dump ---------------------------------------------------------------------------------------------------------


def unpack(archive: str, place: Place, engine: str) -> int:
    """Write the one dump of an archive, which is read to its very end, to the file `dump`, and return its size.

    An archive within the workspace is removed, to save space. Raises `DrillFailed` when the archive is damaged, or holds no dump of
    `engine`, or one that is empty or was cut when it was made.
    """
    names: list[str] = []
    size = None
    try:
        with open(archive, "rb") as file:
            for name, content in members(file):
                names.append(name)
                size = _copied(content, place, engine) if content and size is None else size
    except DAMAGED as error:
        raise DrillFailed(f"the archive is truncated or damaged: {error}", hint=ANOTHER) from None
    except OSError as error:
        raise DrillFailed(f"the archive {archive} cannot be read: {error.strerror}") from None
    if size is None:
        kind = "in the custom format of pg_dump" if engine == "postgresql" else "in SQL"
        raise DrillFailed(f"the archive holds no dump {kind}, but: {', '.join(names[:10]) or 'nothing'}")
    if os.path.dirname(os.path.realpath(archive)) == place.path:
        os.unlink(archive)
    return size


def _copied(content: t.IO[bytes], place: Place, engine: str) -> int | None:
    """Copy a member of the archive that is a dump. Returns its size, or nothing when it is something else."""
    head = content.read(4096)
    if not MAGIC[engine].match(head):
        return None
    with place.create("dump") as stream:
        stream.write(head)
        shutil.copyfileobj(content, stream, 1 << 20)
        size = stream.tell()
        stream.seek(max(0, size - 4096))
        end = stream.read()
    if engine == "mysql" and MYSQL_SAYS.search(head) and MYSQL_END not in end:
        message = "the dump in the archive was cut when it was made: its last line does not say that it is complete"
        raise DrillFailed(message, hint=ANOTHER)
    return size
