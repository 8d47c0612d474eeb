# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""The workspace of a restore drill: a private directory for everything that it makes, and the dump that it unpacks there.

The process that made a workspace holds the kernel's lock of a file in it. One that nobody has locked was left behind by a run that was
killed, and the next drill removes it. Programs are started through the workspace, which ends them before it is removed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import errno
import fcntl
import glob
import gzip
import json
import os
import re
import shutil
import subprocess
import tarfile
import tempfile
import time
import typing as t
import zlib

from . import _programs
from ._errors import DrillFailed, ScalingoError
from ._files import digest_of
from ._progress import Watcher

PREFIX = "restore_drill-"
MADE_BY = "community.scalingo.restore_drill"
LOCK = "lock"
MOST_PROBLEMS = 20
#: Seconds that a server may take to start.
PATIENCE = 60.0
#: Bytes of the path of a unix socket that every system takes.
LONGEST_SOCKET = 103
NAMES = re.compile(re.escape(PREFIX) + r"[a-z0-9_]{8}")
#: How a dump of each engine begins. The last lines of what mysqldump and mariadb-dump write say that they came to their end.
POSTGRESQL_MAGIC = b"PGDMP"
MYSQL_MAGIC = re.compile(rb"\s*(--|/\*|CREATE |DROP |INSERT |SET |USE |START |BEGIN)", re.IGNORECASE)
MYSQL_SAYS = re.compile(rb"-- (MySQL|MariaDB) dump ")
MYSQL_END = b"-- Dump completed"
#: How a restoration that met a full disk begins to tell what went wrong.
DISK_FULL = "the disk is full"
FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
FULL_WORDS = re.compile(
    r"No space left on device|[Dd]isk quota exceeded|File too large|Errcode: (28|122|27)\b|table '.*' is full"
)


@dataclasses.dataclass(frozen=True)
class Programs:
    """Where the programs of an engine are. `server` is empty when a server is given.

    `before` stands before the command of a server: it gives it an identity of its own, as none of them runs as root, and a network of its
    own, when `isolated`.
    """

    server: str
    server_version: str
    clients: str
    client_version: str
    before: tuple[str, ...]
    isolated: bool


@dataclasses.dataclass
class Dump:
    """The dump of an archive. `sha256` and `size` are those of the archive, `content_bytes` the size of the dump.

    What only the programs of the engine can read is filled in when the server starts.
    """

    path: str
    engine: str
    sha256: str
    size: int
    content_bytes: int
    dumped_from: str | None = None
    dumped_by: str | None = None
    encoding: str | None = None
    provider: str | None = None
    locale: str | None = None
    extensions: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True)
class Restored:
    """What a restoration did not bring: sentences, how many more there are of them, and what was left out on purpose, by its kind."""

    problems: list[str]
    more_problems: int
    left_out: dict[str, int]


class Place:
    """A workspace. `made` makes one, `erase` removes it."""

    def __init__(self, path: str, lock: int, swept: list[str], watcher: Watcher | None) -> None:
        self.path = path
        self.swept = swept
        self._lock = lock
        self._watcher = watcher
        self._running: list[subprocess.Popen[bytes]] = []
        self._closers: list[t.Callable[[], None]] = []

    @classmethod
    @contextlib.contextmanager
    def made(cls, work_dir: str, label: str, watcher: Watcher | None = None) -> t.Iterator[Place]:
        """A new workspace below `work_dir`, which is removed at the end of the `with`, however that comes.

        What killed drills left there is removed first. Raises `DrillFailed`.
        """
        check(work_dir)
        swept = [path for path in leftovers(work_dir) if _swept(path)]
        with _full(work_dir):
            path, lock = _new(work_dir, label)
        place = cls(path, lock, swept, watcher)
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
        return os.path.basename(self.path)[len(PREFIX) :]

    def file(self, name: str) -> str:
        return os.path.join(self.path, name)

    def write(self, name: str, text: str) -> str:
        """A file for nobody else to read. Returns its path. Raises `DrillFailed`."""
        path = self.file(name)
        with _full(self.path), open(_opened(path), "w", encoding="utf-8") as stream:
            stream.write(text)
        return path

    def at_end(self, closer: t.Callable[[], None]) -> None:
        """Have something removed before the workspace is, which is elsewhere. It may raise `DrillFailed`."""
        self._closers.append(closer)

    def run(
        self, command: t.Sequence[str], environment: t.Mapping[str, str], *, last: bool = False, **more: t.Any
    ) -> _programs.Done:
        """Run a program to its end, as `_programs.run` does. The `last` ones clean up, and run when the run has ended, too."""
        watcher = None if last else self._watcher
        return _programs.run(command, watcher=watcher, environment=bare(environment), directory=self.path, **more)

    def serve(
        self, command: t.Sequence[str], ready: t.Callable[[], bool], asking: int, told: t.Callable[[str], str]
    ) -> None:
        """Start a server, which ends with the workspace at the latest, by the signal `asking`. `told` is what its log complains of.

        Raises `DrillFailed` when it does not get `ready`, and `RunEnded`.
        """
        log = self.file("server.log")
        with _full(self.path), open(_opened(log), "wb") as stream:
            process = _programs.start(
                command,
                environment=bare({}),
                asking=asking,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=stream,
                cwd=self.path,
            )
        self._running.append(process)
        deadline = time.monotonic() + PATIENCE
        while not ready():
            if process.poll() is not None or time.monotonic() > deadline:
                with open(log, encoding="utf-8", errors="replace") as text:
                    raise self.failure("the server did not start", told(text.read()) or "it said nothing")
            self.pause(0.03)

    def pause(self, seconds: float) -> None:
        """Wait a moment. Raises `RunEnded`."""
        if self._watcher is not None:
            self._watcher.alive()
        time.sleep(seconds)

    def failure(self, message: str, said: str, hint: str = "") -> DrillFailed:
        """A failure, with a full disk as its reason where a program or the server's log said so."""
        return DrillFailed(f"{message}: {said}", hint=_space(self.path) if self._is_full(said) else hint)

    def _is_full(self, *said: str) -> bool:
        """Whether a disk is full, although clients may say only that their server is gone."""
        log = self.file("server.log")
        texts = list(said)
        if os.path.exists(log):
            with open(log, encoding="utf-8", errors="replace") as stream:
                texts.append(stream.read())
        return any(FULL_WORDS.search(text) for text in texts)

    def told(self, problems: t.Sequence[str], left_out: dict[str, int]) -> Restored:
        """What a restoration ended with. A full disk comes first."""
        found = [f"{DISK_FULL}. {_space(self.path)}"] if problems and self._is_full(*problems) else []
        found += problems
        return Restored(found[:MOST_PROBLEMS], max(0, len(found) - MOST_PROBLEMS), left_out)

    def erase(self) -> str:
        """End what runs in it, remove everything, and return the time when that was done, in UTC. Raises `DrillFailed` with what is left."""
        left: list[DrillFailed] = []
        with _programs.undisturbed():
            while self._closers:
                try:
                    self._closers.pop()()
                except DrillFailed as error:
                    left.append(error)
            while self._running:
                _programs.end(self._running.pop())
            problem = _removed(self.path)
            if self._lock >= 0:
                os.close(self._lock)
                self._lock = -1
        if problem:
            message = f"the directory {self.path} could not be removed, and may hold data: {problem}"
            left.append(DrillFailed(message, hint="Remove it by hand."))
        if left:
            raise left[-1]
        return datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


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


def leftovers(work_dir: str) -> list[str]:
    """Workspaces of this user that nobody holds any more. Changes nothing."""
    found = []
    for path in sorted(glob.glob(os.path.join(glob.escape(work_dir), PREFIX + "*"))):
        with _taken(path) as taken:
            if taken:
                found.append(path)
    return found


@contextlib.contextmanager
def _taken(path: str) -> t.Iterator[bool]:
    """Whether it is a workspace of this user that nobody holds, and holds it meanwhile."""
    number, taken = -1, False
    try:
        status = os.lstat(path)
        good = NAMES.fullmatch(os.path.basename(path)) and os.path.isdir(path) and not os.path.islink(path)
        if good and status.st_uid == os.geteuid():
            number = os.open(os.path.join(path, LOCK), os.O_RDWR | os.O_NOFOLLOW)
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            content = json.loads(os.read(number, 65536) or b"{}")
            taken = isinstance(content, dict) and content.get("made_by", MADE_BY) == MADE_BY
    except FileNotFoundError:
        # It was just made, or its maker was killed then; or it is just being removed.
        with contextlib.suppress(OSError):
            taken = not os.listdir(path) and time.time() - os.lstat(path).st_mtime > 60
    except (OSError, ValueError, RecursionError):
        pass
    try:
        yield taken
    finally:
        if number >= 0:
            os.close(number)


def _swept(path: str) -> bool:
    with _taken(path) as taken:
        return taken and not _removed(path)


def _new(work_dir: str, label: str) -> tuple[str, int]:
    """A directory and its lock. Another drill that sweeps may take a directory in the moment before it is locked: then there is another."""
    while True:
        path = os.path.realpath(tempfile.mkdtemp(prefix=PREFIX, dir=work_dir))
        lock = os.path.join(path, LOCK)
        try:
            number = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
            fcntl.flock(number, fcntl.LOCK_EX)
            # An empty lock counts as ours.
            os.write(number, json.dumps({"made_by": MADE_BY, "label": label, "process": os.getpid()}).encode())
        except FileNotFoundError:
            continue
        except OSError:
            shutil.rmtree(path, ignore_errors=True)
            raise
        if os.path.exists(lock):
            return path, number
        os.close(number)


def _removed(path: str) -> str:
    """Remove a directory. Returns why it is still there."""
    problem = ""
    for dummy in range(3):
        try:
            shutil.rmtree(path)
        except FileNotFoundError:
            pass
        except OSError as error:
            problem = f"{error.filename or path}: {error.strerror}"
        if not os.path.lexists(path):
            return ""
        # A program that is just ending may have made a file meanwhile.
        time.sleep(0.2)
    return problem or "something is made in it again and again"


def _opened(path: str) -> int:
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW, 0o600)


def _space(path: str) -> str:
    return f"Free space on the disk of {os.path.dirname(path) or path}, or choose another work_dir."


@contextlib.contextmanager
def _full(path: str) -> t.Iterator[None]:
    """Writing there fails with the directory in the sentence."""
    try:
        yield
    except OSError as error:
        message = f"nothing more can be written to {path}: {error.strerror}"
        hint = _space(path) if error.errno in FULL else ""
        raise DrillFailed(message, hint=hint) from None


# -- programs and statements ------------------------------------------------------------------------------------------


def one_of(names: t.Sequence[str], directories: t.Sequence[str]) -> t.Iterator[str]:
    """The directories that have all of these programs. The last to be looked at is where the caller's PATH has the first of them."""
    found = shutil.which(names[0])
    for directory in [*directories, os.path.dirname(found) if found and len(directories) != 1 else ""]:
        if directory and all(os.access(os.path.join(directory, name), os.X_OK) for name in names):
            yield directory


def version_of(program: str, pattern: str = r"\) (\d+(?:\.\d+)*)") -> str:
    """What a program says of its version, or nothing."""
    with contextlib.suppress(ScalingoError):
        done = _programs.run([program, "--version"], environment=bare({}), timeout=30)
        found = re.search(pattern, done.stdout)
        if done.returncode == 0 and found:
            return found.group(1)
    return ""


def major_of(version: str) -> int:
    return int(version.split(".")[0])


def lines_of(text: str) -> list[str]:
    """The lines that a program printed. A name in them may hold any other character that breaks lines elsewhere."""
    return text[:-1].split("\n") if text.endswith("\n") else text.split("\n") if text else []


def isolation(engine: str) -> tuple[tuple[str, ...], bool]:
    """What stands before the command of a server, and whether that gives it a network of its own. Raises `DrillFailed`."""
    user = os.geteuid() or 1000
    identity = ("unshare", "--user", f"--map-user={user}", f"--map-group={os.getegid() or user}")
    ways = [(*identity, "--net", "--ipc"), identity if os.geteuid() == 0 else ()]
    for way in ways:
        with contextlib.suppress(ScalingoError):
            if _programs.run([*way, "true"], environment=bare({}), timeout=30).returncode == 0:
                return way, "--net" in way
    raise DrillFailed(
        f"{engine} does not run as root, and unshare cannot give it another identity here",
        hint="Run Ansible as another user, or allow user namespaces, or use another server with server_service.",
    )


def refuse_open_network(
    extensions: t.Iterable[str], harmless: t.Container[str], allow: t.Container[str], given: bool
) -> None:
    """Raise `DrillFailed` when code of the dump could reach other servers, as it did in production, and that was not consented to."""
    reaching = sorted(name for name in extensions if name not in harmless)
    if reaching and "network" not in allow:
        why = (
            "the given server has a network"
            if given
            else "unshare cannot give a server a network of its own on this machine"
        )
        raise DrillFailed(
            f"the dump brings what may connect to other servers ({', '.join(reaching)}), and {why}: views that are restored might write there",
            hint="Allow user namespaces on this machine, or add 'allow: [network]' when nothing can be reached from it that must not be.",
        )


def one_statement(sql: str, opaque: re.Pattern[str]) -> str:
    """The statement, when it is one and the server's alone. `opaque` matches texts, names in quotes, and comments. Raises `DrillFailed`."""
    bones = opaque.sub(
        lambda match: " " if match.group()[:2] in ("--", "/*") or match.group()[0] == "#" else "x", sql
    ).strip()
    while bones.endswith(";"):
        bones = bones[:-1].strip()
    if not bones:
        raise DrillFailed("the query is empty")
    if ";" in bones:
        raise DrillFailed("the query is more than one statement", hint="Make one check of each.")
    if "\\" in bones or "/*" in bones or re.search("[\"'`\0]", bones):
        raise DrillFailed(
            "the query holds a command of a client program, or a text or comment that does not end",
            hint="Use SQL of the server only.",
        )
    return sql


def refusal(state: str) -> DrillFailed:
    """The failure of a query of which nothing is told but its SQLSTATE: what a server says may quote rows."""
    kind = KINDS.get(state) or KINDS.get(state[:2], "an error")
    return DrillFailed(f"the server refused the query ({kind}, SQLSTATE {state or 'unknown'})")


KINDS = {
    "22": "a value that it cannot work with", "25": "it writes", "42": "its syntax, or a name or a right that is missing",
    "42S02": "a table does not exist", "42P01": "a table does not exist", "42S22": "a column does not exist", "42703": "a column does not exist",
    "57014": "it took too long", "70100": "it took too long", "53": "the server has not enough memory or disk",
}  # fmt: skip


# -- the dump ---------------------------------------------------------------------------------------------------------


def unpack(archive: str, place: Place, engine: str) -> Dump:
    """The one dump of an archive, which is read to its very end.

    An archive within the workspace is removed, to save space. Raises `DrillFailed` when the archive is damaged, or holds no dump of
    `engine`, or one that is empty or was cut when it was made.
    """
    names: list[str] = []
    size = None
    try:
        digest, total = digest_of(archive), os.path.getsize(archive)
        with gzip.open(archive, "rb") as stream:
            with tarfile.open(fileobj=stream, mode="r|") as members:
                for member in members:
                    names.append(member.name)
                    content = members.extractfile(member) if member.isfile() else None
                    if content is not None and size is None:
                        size = _copied(content, place, engine)
            while stream.read(1 << 20):
                pass
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DrillFailed(
            f"the archive is truncated or damaged: {error}",
            hint="Choose another backup, and tell Scalingo's support about this one.",
        ) from None
    except OSError as error:
        raise DrillFailed(f"the archive {archive} cannot be read: {error.strerror}") from None
    kind = "in the custom format of pg_dump" if engine == "postgresql" else "in SQL"
    if size is None:
        listed = ", ".join(names[:10]) or "nothing"
        raise DrillFailed(f"the archive holds no dump {kind}, but: {listed}")
    if os.path.dirname(os.path.realpath(archive)) == place.path:
        os.unlink(archive)
    return Dump(place.file("dump"), engine, digest, total, size)


def _copied(content: t.IO[bytes], place: Place, engine: str) -> int | None:
    """Copy a member of the archive that is a dump. Returns its size, or nothing when it is something else."""
    head = content.read(4096)
    if not (head.startswith(POSTGRESQL_MAGIC) if engine == "postgresql" else MYSQL_MAGIC.match(head)):
        return None
    size, end = 0, b""
    piece = head
    with _full(place.path), open(_opened(place.file("dump")), "wb") as stream:
        while piece:
            stream.write(piece)
            size += len(piece)
            end = (end + piece)[-4096:]
            piece = content.read(1 << 20)
    if engine != "postgresql" and MYSQL_SAYS.search(head) and MYSQL_END not in end:
        raise DrillFailed(
            "the dump in the archive was cut when it was made: its last line does not say that it is complete",
            hint="Choose another backup, and tell Scalingo's support about this one.",
        )
    return size
