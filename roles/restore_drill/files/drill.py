# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a drill does on the machine that runs Ansible: the steps that are more than one command.

    python drill.py STEP < options.json

Each step prints its result as JSON. When it fails it prints {"problem": ..., "hint": ...} and ends with 1. Options come in
by the standard input, so that the list of processes shows none of them.

All that a drill makes is in one private directory, its room: the dump, the server and how to reach it. A keeper, a process of
its own, waits for the end of the run that opened the room, and then ends the servers and programs that are in it, drops what
was made on another server, and removes it. It holds a lock of the room as long as it lives: a room that nobody has locked was
left behind by a machine that crashed, and the next drill removes it.

Only the standard library is used, and nothing of Ansible.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import glob
import gzip
import json
import os
import re
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import tempfile
import time
import typing as t
import urllib.parse
import zlib

PREFIX = "restore_drill-"
DATABASE_PREFIX = "restore_drill_"
MAGIC = b"PGDMP"
SUPERUSER = "postgres"
#: Who owns what is restored on a server of our own. A dump can hold any code, so that it is never run by a superuser.
OWNER = "drill"
DATABASE = "drill"
#: Bytes of the path of a unix socket that every system takes.
LONGEST_SOCKET = 103
UNPRIVILEGED = ["unshare", "--user", "--map-user=1000", "--map-group=1000"]
PATIENCE = 60.0
#: What pg_restore complains of although nothing is lost: settings that only newer servers have, and a schema that is always there.
HARMLESS = re.compile(r'unrecognized configuration parameter "\w*timeout"|schema "public" already exists')
#: Entries of a dump that are not restored: they hold passwords of other servers, or connect to them.
LEFT_OUT = re.compile(r"(USER MAPPING|SUBSCRIPTION|PUBLICATION|EVENT TRIGGER)\b")
LONGEST_VALUE = 1000
MOST_PROBLEMS = 20

Options = t.Dict[str, t.Any]


class Problem(Exception):
    """What went wrong, for a person."""

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class Stopped(Exception):
    """The keeper was asked to end."""


# -- programs ---------------------------------------------------------------------------------------------------------


def run(
    command: t.Sequence[str], *, given: str = "", environment: t.Optional[t.Mapping[str, str]] = None
) -> "subprocess.CompletedProcess[str]":
    """A program with an environment of its own, whose messages are English."""
    surroundings = {
        "PATH": os.environ.get("PATH", os.defpath),
        "LC_ALL": "C",
        "PGCLIENTENCODING": "UTF8",
        **(environment or {}),
    }
    try:
        return subprocess.run(
            list(command), input=given, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=surroundings, check=False,
            encoding="utf-8", errors="replace",
        )  # fmt: skip
    except OSError as error:
        raise Problem("%s cannot be started: %s" % (command[0], error.strerror)) from None


def visible(text: str) -> str:
    """A text that others wrote, on one line, with an escape to be seen for each character that a terminal obeys."""
    text = re.sub("[\t\n\x0b\x0c\r\x85\u2028\u2029]+", " ", text)
    unseen = "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
    return re.sub(
        unseen, lambda found: ("\\x%02x" if ord(found.group()) < 256 else "\\u%04x") % ord(found.group()), text
    )


def lines_of(text: str) -> t.List[str]:
    """The lines that a program printed. A name in them may hold any other character that breaks lines elsewhere."""
    return text[:-1].split("\n") if text.endswith("\n") else text.split("\n") if text else []


def said(text: str) -> str:
    """What a program complained of, in one line: errors alone when it names any, and no data that were being worked on."""
    lines = [visible(line).strip() for line in lines_of(text) if line.strip()]
    telling = [line for line in lines if re.search(r"\b(ERROR|FATAL|error|fatal)\b", line)] or lines[-3:]
    return re.sub(r"^(\S*/)?\w+(:<stdin>:\d+)?: ", "", " / ".join(telling[:3]))


def version_of(program: str) -> t.Optional[str]:
    with contextlib.suppress(Problem):
        done = run([program, "--version"])
        found = re.search(r"\) (\d+(\.\d+)*)", done.stdout)
        if done.returncode == 0 and found:
            return found.group(1)
    return None


def major_of(version: str) -> int:
    return int(version.split(".")[0])


def directory_with(names: t.Sequence[str], directories: t.Sequence[str]) -> t.Iterator[str]:
    """The directories that have all of these programs."""
    for directory in directories:
        if directory and all(os.access(os.path.join(directory, name), os.X_OK) for name in names):
            yield directory


def on_path(name: str) -> str:
    found = shutil.which(name)
    return os.path.dirname(found) if found else ""


def usual_places(major: int) -> t.List[str]:
    places = ["/usr/lib/postgresql/%d/bin" % major, "/usr/pgsql-%d/bin" % major]
    return places + ["/opt/homebrew/opt/postgresql@%d/bin" % major, "/usr/local/opt/postgresql@%d/bin" % major]


def find_server(given: str, major: int) -> t.Tuple[str, str]:
    """Where the programs of a server of this major version are, and which version that is."""
    names = ("initdb", "postgres")
    places = [given] if given else [*usual_places(major), on_path("initdb")]
    other = None
    for place in directory_with(names, places):
        version = version_of(os.path.join(place, "postgres"))
        if version and major_of(version) == major:
            return place, version
        other = version or other
    where = "in %s" % given if given else "on this machine"
    if other:
        raise Problem(
            "PostgreSQL %d is needed, and %s is %s" % (major, where, other),
            "Install PostgreSQL %d, or name the directory with its initdb and postgres in restore_drill_programs."
            % major,
        )
    raise Problem(
        "there is no PostgreSQL server %s: initdb and postgres are needed" % where,
        "Install PostgreSQL %d, or name the directory with its initdb and postgres in restore_drill_programs." % major,
    )


def find_clients(given: str, server: str, major: int) -> t.Tuple[str, str]:
    names = ("pg_restore", "psql")
    for place in directory_with(names, [given] if given else [server, *usual_places(major), on_path("pg_restore")]):
        version = version_of(os.path.join(place, "pg_restore"))
        if version:
            return place, version
    raise Problem(
        "pg_restore and psql are not %s" % ("in %s" % given if given else "on this machine"),
        "Install PostgreSQL's client programs, of version %d or newer, or name their directory in restore_drill_client_programs."
        % major,
    )


def unprivileged() -> t.List[str]:
    """What stands before the command of a server, which refuses to run as root: an identity of its own, for root only."""
    return UNPRIVILEGED if os.geteuid() == 0 else []


def look(options: Options) -> Options:
    """Changes nothing: whether all that a drill needs is on this machine, and what an earlier one left."""
    work_dir = options["work_dir"]
    if not os.path.isdir(work_dir) or not os.access(work_dir, os.W_OK | os.X_OK):
        raise Problem("restore_drill_work_dir is %s, which is no directory that can be written to" % work_dir)
    if (
        os.path.islink(work_dir)
        or len(os.fsencode(os.path.join(work_dir, PREFIX + "12345678", ".s.PGSQL.5432"))) > LONGEST_SOCKET
    ):
        raise Problem("restore_drill_work_dir is %s, which is a link or too long for the socket of a server" % work_dir)
    found: Options = {"leftovers": leftovers(work_dir), "server_programs": None, "server_version": None}
    if not options["given"]:
        found["server_programs"], found["server_version"] = find_server(options["programs"], options["major"])
        if unprivileged() and run([*unprivileged(), "true"]).returncode:
            raise Problem(
                "PostgreSQL does not run as root, and unshare cannot give it another identity here",
                "Run Ansible as another user, or allow user namespaces, or let the drill use another server with restore_drill_server_service.",
            )
    clients = find_clients(options["client_programs"], found["server_programs"] or "", options["major"])
    return {**found, "client_programs": clients[0], "client_version": clients[1], "room": "", "left": []}


# -- processes --------------------------------------------------------------------------------------------------------


class Process(t.NamedTuple):
    pid: int
    parent: int
    command: t.List[str]


def processes() -> t.List[Process]:
    """Those that live, as far as this user may know."""
    if os.path.isdir("/proc/self"):
        return list(_processes_of_linux())
    listing = run(["ps", "-axww", "-o", "pid=,ppid=,stat=,command="]).stdout
    rows = [line.split(None, 3) for line in listing.splitlines()]
    return [
        Process(int(row[0]), int(row[1]), row[3].split(" "))
        for row in rows
        if len(row) == 4 and not row[2].startswith("Z")
    ]


def _processes_of_linux() -> t.Iterator[Process]:
    for path in glob.glob("/proc/[0-9]*"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            with open(path + "/stat", encoding="utf-8", errors="replace") as stream:
                state, parent = stream.read().rpartition(")")[2].split()[:2]
            with open(path + "/cmdline", "rb") as stream:
                command = os.fsdecode(stream.read()).rstrip("\0").split("\0")
            if state not in "ZX":
                yield Process(int(path[6:]), int(parent), command)


def ancestors(pid: int, known: t.Mapping[int, Process]) -> t.List[Process]:
    found: t.List[Process] = []
    while pid in known and known[pid] not in found:
        found.append(known[pid])
        pid = known[pid].parent
    return found


def run_of_ansible() -> t.Optional[int]:
    """The process of Ansible that this one works for: its workers are copies, with the same command line."""
    known = {process.pid: process for process in processes()}
    first: t.Optional[Process] = None
    last: t.Optional[Process] = None
    for process in ancestors(os.getppid(), known):
        is_ansible = any(re.fullmatch(r"ansible(-\w+)?", os.path.basename(word)) for word in process.command[:3])
        if first is None and is_ansible:
            first = process
        if first is not None:
            if process.command != first.command:
                break
            last = process
    return last.pid if last else None


def is_alive(pid: int) -> bool:
    if os.path.isdir("/proc/self"):
        with contextlib.suppress(OSError, IndexError):
            with open("/proc/%d/stat" % pid, encoding="utf-8", errors="replace") as stream:
                return stream.read().rpartition(")")[2].split()[0] not in "ZX"
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass
    return True


def end_processes(room: str) -> None:
    """End whatever names the room on its command line, but for this process and those that it works for."""
    pattern = re.compile(re.escape(room) + r"(/|$)")
    for number in (signal.SIGQUIT, signal.SIGKILL):
        known = {process.pid: process for process in processes()}
        mine = {process.pid for process in ancestors(os.getpid(), known)}
        ours = [
            pid
            for pid, process in known.items()
            if pid not in mine and any(pattern.search(word) for word in process.command)
        ]
        for pid in ours:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, number)
        deadline = time.monotonic() + 10
        while any(is_alive(pid) for pid in ours) and time.monotonic() < deadline:
            time.sleep(0.02)
        if not any(is_alive(pid) for pid in ours):
            return


# -- rooms ------------------------------------------------------------------------------------------------------------


def place(room: str, name: str) -> str:
    return os.path.join(room, name)


def read(room: str, name: str) -> t.Any:
    with open(place(room, name), encoding="utf-8") as stream:
        return json.load(stream)


def write(room: str, name: str, content: t.Any) -> None:
    """For nobody else to read, and whole when it has its name."""
    partial = place(room, name + ".partial")
    with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as stream:
        stream.write(content if isinstance(content, str) else json.dumps(content))
    os.replace(partial, place(room, name))


def lock(room: str) -> t.Optional[int]:
    """The lock of a room as long as the number that is returned is open, or none when somebody has it."""
    number = os.open(place(room, "lock"), os.O_RDWR | os.O_CREAT, 0o600)
    if _locked(number):
        return number
    os.close(number)
    return None


def _locked(number: int) -> bool:
    try:
        fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True


def is_over(room: t.Optional[str]) -> bool:
    """Whether the keeper has ended it, or is about to."""
    try:
        return room is not None and time.time() >= read(room, "marker.json")["until"]
    except (OSError, ValueError, RecursionError):
        return True


def leftovers(work_dir: str) -> t.List[str]:
    """Rooms of this user that nobody keeps any more."""
    found = []
    for room in sorted(glob.glob(os.path.join(glob.escape(work_dir), PREFIX + "*"))):
        with contextlib.suppress(OSError, ValueError):
            status = os.lstat(room)
            if status.st_uid != os.geteuid() or os.path.islink(room) or not os.path.isdir(room):
                continue
            if read(room, "marker.json").get("made_by") != "community.scalingo.restore_drill":
                continue
            number = lock(room)
            if number is not None:
                os.close(number)
                found.append(room)
    return found


def clean(room: str) -> t.List[str]:
    """End and remove everything. Returns what could not be done, for a person."""
    left = []
    end_processes(room)
    if os.path.exists(place(room, "connection.json")):
        try:
            drop_database(room)
        except (Problem, OSError, ValueError) as error:
            left.append(str(error))
    for dummy in range(3):
        shutil.rmtree(room, ignore_errors=True)
        # One that was just about to start when the others ended.
        end_processes(room)
        if not os.path.exists(room):
            return left
        time.sleep(0.2)
    return [*left, "the directory %s could not be removed" % room]


def open_room(options: Options) -> Options:
    """Look whether it can be done, remove what earlier drills left, and begin a room with its keeper."""
    found = look(options)
    left = []
    for old in found["leftovers"]:
        left += clean(old)
    room = os.path.realpath(tempfile.mkdtemp(prefix=PREFIX, dir=options["work_dir"]))
    until = time.time() + options["lifetime"]
    held = lock(room)
    try:
        write(
            room,
            "marker.json",
            {"made_by": "community.scalingo.restore_drill", "until": until, "subject": options["subject"]},
        )
        keeper = start_keeper(room, run_of_ansible(), until)
    except BaseException:
        shutil.rmtree(room, ignore_errors=True)
        raise
    if held is not None:
        os.close(held)
    return {**found, "room": room, "left": left, "keeper": keeper}


def start_keeper(room: str, watched: t.Optional[int], until: float) -> int:
    """A process that belongs to nobody. It has inherited the lock of the room."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.setsid()
        grandchild = os.fork()
        if grandchild:
            os.write(writing, b"%d" % grandchild)
            os._exit(0)
        try:
            nothing = os.open(os.devnull, os.O_RDWR)
            for number in (0, 1, 2):
                os.dup2(nothing, number)
            os.close(reading)
            os.close(writing)
            os.chdir("/")
            keep(room, watched, until)
        finally:
            os._exit(0)
    os.close(writing)
    os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as stream:
        keeper = int(stream.read())
    write(room, "keeper.json", keeper)
    return keeper


def keep(room: str, watched: t.Optional[int], until: float) -> None:
    """Until the run ends, or the time is over, or close asks for it."""

    def stop(*dummy: t.Any) -> None:
        raise Stopped()

    numbers = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
    try:
        for number in numbers:
            signal.signal(number, stop)
        while (watched is None or is_alive(watched)) and time.time() < until and os.path.isdir(room):
            time.sleep(0.5)
    except Stopped:
        pass
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)
    left = clean(room)
    if left and not os.path.exists(room):
        # Somebody may be waiting to be told. It holds no secret.
        os.mkdir(room, 0o700)
        write(room, "left.json", left)
        write(room, "marker.json", {"made_by": "community.scalingo.restore_drill"})


def close_room(options: Options) -> Options:
    """Let the keeper do its work, or do it when there is none any more. Tells what is left."""
    room = options["room"]
    try:
        # Should the keeper remove the room meanwhile, this is still the file that it has locked.
        waiting = os.open(place(room, "lock"), os.O_RDWR | os.O_CREAT, 0o600)
    except FileNotFoundError:
        return {"removed": True, "left": []}
    with contextlib.suppress(OSError, ValueError):
        keeper = read(room, "keeper.json")
        # Its number may be somebody else's by now, unless it has the lock.
        if not _locked(waiting):
            os.kill(keeper, signal.SIGTERM)
    deadline = time.monotonic() + PATIENCE
    while not _locked(waiting) and time.monotonic() < deadline:
        time.sleep(0.02)
    os.close(waiting)
    left: t.List[str] = []
    if os.path.isdir(room):
        with contextlib.suppress(OSError, ValueError):
            left = read(room, "left.json")
        left += clean(room)
    return {"removed": not os.path.exists(room), "left": left}


# -- the dump ---------------------------------------------------------------------------------------------------------


def unpack(options: Options) -> Options:
    """The one dump of an archive, which is read to its very end."""
    room = options["room"]
    archive = place(room, "archive.tar.gz")
    names = []
    size = None
    try:
        with gzip.open(archive, "rb") as stream:
            with tarfile.open(fileobj=stream, mode="r|") as members:
                for member in members:
                    names.append(member.name)
                    content = members.extractfile(member) if member.isfile() else None
                    if content is not None and size is None:
                        size = _copy_dump(content, place(room, "dump"))
            while stream.read(1 << 20):
                pass
    except (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise Problem(
            "the archive is truncated or damaged: %s" % error,
            "Choose another backup, and tell Scalingo's support about this one.",
        ) from None
    if size is None:
        raise Problem(
            "the archive holds no dump in the custom format of pg_dump, but: %s" % (", ".join(names[:10]) or "nothing")
        )
    os.unlink(archive)
    return {"dump_bytes": size}


def _copy_dump(content: t.IO[bytes], path: str) -> t.Optional[int]:
    head = content.read(len(MAGIC))
    if head != MAGIC:
        return None
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
        stream.write(head)
        shutil.copyfileobj(content, stream, 1 << 20)
        return stream.tell()


class Entry(t.NamedTuple):
    line: str
    kind: str


#: "3079 16385 EXTENSION - hstore" after the number of the entry. The kinds are upper-case words, schema and name are whatever.
ENTRY = re.compile(r"\d+; \d+ \d+ ([A-Z][A-Z ]*[A-Z]) ")


def contents(connection: "Connection") -> t.Tuple[t.List[Entry], t.Dict[str, str]]:
    """The entries of the dump, and what its head says."""
    done = connection.run("pg_restore", "--list", place(connection.room, "dump"))
    if done.returncode:
        raise Problem(
            "pg_restore cannot read the dump: %s" % said(done.stderr),
            "A dump is truncated or damaged, or newer than pg_restore: name newer programs in restore_drill_client_programs.",
        )
    head = dict(
        re.findall(r"^;\s+(Dumped from database version|Dumped by pg_dump version): (\S+)", done.stdout, re.MULTILINE)
    )
    entries = [Entry(line, match.group(1)) for line in lines_of(done.stdout) for match in [ENTRY.match(line)] if match]
    return entries, head


def extensions_of(connection: "Connection", entries: t.Sequence[Entry]) -> t.Dict[str, t.Optional[str]]:
    """The extensions that the dump creates, and in which schemas."""
    wanted = [entry for entry in entries if entry.kind == "EXTENSION"]
    if not wanted:
        return {}
    done = connection.pg_restore(wanted, "--file=-")
    name = r'("(?:[^"]|"")+"|[\w$]+)'
    found = re.findall(
        r"^CREATE EXTENSION IF NOT EXISTS %s(?: WITH SCHEMA %s)?;" % (name, name), done.stdout, re.MULTILINE
    )
    return {_bare(extension): _bare(schema) or None for extension, schema in found}


def _bare(name: str) -> str:
    return name[1:-1].replace('""', '"') if name.startswith('"') else name


# -- servers ----------------------------------------------------------------------------------------------------------


class Connection:
    """How the programs reach the server of a room."""

    def __init__(self, room: str) -> None:
        self.room = room
        known = read(room, "connection.json")
        self.programs: str = known["client_programs"]
        self.database: str = known["database"]
        self.environment: t.Dict[str, str] = known["environment"]
        if known["inherits"]:
            # What the user's shell says of a server is never written down.
            self.environment = {
                **{name: value for name, value in os.environ.items() if re.fullmatch(r"HOME|PG[A-Z]+", name)},
                **self.environment,
            }
        self.given: bool = known["given"]

    def run(
        self, program: str, *arguments: str, given: str = "", superuser: bool = False, **more: str
    ) -> "subprocess.CompletedProcess[str]":
        user = {} if self.given else {"PGUSER": SUPERUSER if superuser else OWNER}
        return run(
            [os.path.join(self.programs, program), *arguments],
            given=given,
            environment={**self.environment, **user, **more},
        )

    def try_sql(
        self, script: str, *, superuser: bool = False, database: str = "", variables: t.Sequence[str] = (), **more: str
    ) -> t.Tuple[str, str]:
        """What a script prints, and what is wrong with it."""
        words = ["-X", "-q", "-A", "-t", "-w", "-v", "ON_ERROR_STOP=1"]
        for variable in variables:
            words += ["-v", variable]
        # A server that is given decides by itself where one comes in when no database is named.
        words += ["-d", database] if database else []
        done = self.run(
            "psql", *words, "-f", "-", given=script, superuser=superuser, PGAPPNAME="community.scalingo", **more
        )
        return done.stdout, said(done.stderr) or "psql ended with %d" % done.returncode if done.returncode else ""

    def sql(self, script: str, **more: t.Any) -> str:
        printed, wrong = self.try_sql(script, **more)
        if wrong:
            raise Problem(wrong)
        return printed

    def pg_restore(
        self, entries: t.Sequence[Entry], *arguments: str, superuser: bool = False
    ) -> "subprocess.CompletedProcess[str]":
        """Only these entries, nobody's rights, and nothing that needs rights of its own."""
        write(self.room, "entries", "".join(entry.line + "\n" for entry in entries))
        words = [
            "--no-owner",
            "--no-privileges",
            "--no-comments",
            "--no-security-labels",
            "--use-list",
            place(self.room, "entries"),
        ]
        return self.run("pg_restore", *words, *arguments, place(self.room, "dump"), superuser=superuser)


def serve(options: Options) -> Options:
    """Start a server that nobody else can reach: it listens on a socket in the room alone."""
    room, programs = options["room"], options["server_programs"]
    data = place(room, "data")
    made = run(
        [
            *unprivileged(), os.path.join(programs, "initdb"), "-D", data, "-U", SUPERUSER, "-A", "trust", "-E", "UTF8",
            "--locale=%s" % options["locale"], "--no-sync",
        ]
    )  # fmt: skip
    if made.returncode:
        raise Problem(
            "the server could not be made: %s" % said(made.stderr),
            "A full disk, or a locale that this machine lacks (restore_drill_locale).",
        )
    settings = {
        "listen_addresses": "",
        "unix_socket_directories": room,
        "unix_socket_permissions": "0700",
        "port": "5432",
        "dynamic_shared_memory_type": "mmap",
        "fsync": "off",
        "synchronous_commit": "off",
        "full_page_writes": "off",
        "wal_level": "minimal",
        "max_wal_senders": "0",
        "max_connections": "%d" % (20 + options["jobs"]),
        "autovacuum": "off",
        **options["settings"],
    }
    words = [word for name, value in settings.items() for word in ("-c", "%s=%s" % (name, value))]
    with open(place(room, "server.log"), "ab") as log:
        process = subprocess.Popen(
            [*unprivileged(), os.path.join(programs, "postgres"), "-D", data, *words],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, cwd=room,
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"},
        )  # fmt: skip
    deadline = time.monotonic() + PATIENCE
    while not _ready(data):
        if process.poll() is not None or time.monotonic() > deadline:
            with open(place(room, "server.log"), encoding="utf-8", errors="replace") as stream:
                raise Problem("the server did not start: %s" % said(stream.read()))
        time.sleep(0.05)
    known = {
        "given": False,
        "inherits": False,
        "client_programs": options["client_programs"],
        "environment": {"PGHOST": room, "PGPORT": "5432"},
    }
    write(room, "connection.json", {**known, "database": DATABASE})
    connection = Connection(room)
    for role in [OWNER, *options["roles"]]:
        connection.sql(
            'CREATE ROLE :"role" %s;' % ("LOGIN" if role == OWNER else "NOLOGIN"),
            superuser=True,
            database="postgres",
            variables=["role=" + role],
        )
    script = "CREATE DATABASE %s OWNER %s TEMPLATE template0;" % (DATABASE, OWNER)
    connection.sql(script, superuser=True, database="postgres")
    return describe(connection)


def _ready(data: str) -> bool:
    with contextlib.suppress(OSError, IndexError):
        with open(os.path.join(data, "postmaster.pid"), encoding="utf-8") as stream:
            return stream.read().splitlines()[7].strip() == "ready"
    return False


def join(options: Options) -> Options:
    """Make a database on a server that is given, which is not the one that the drill is about."""
    room = options["room"]
    environment = {"PGSERVICE": options["service"]}
    if options["url"]:
        environment = {"PGSERVICE": "drill", "PGSERVICEFILE": place(room, "service.conf")}
        write(room, "service.conf", service_of(options["url"]))
    known = {
        "given": True,
        "inherits": not options["url"],
        "client_programs": options["client_programs"],
        "environment": environment,
    }
    # Until it is made, there is nothing to drop.
    write(room, "connection.json", {**known, "database": ""})
    connection = Connection(room)
    answer = connection.sql(
        "\\echo :HOST\n\\echo :PORT\nSELECT pg_catalog.host(pg_catalog.inet_server_addr());"
    ).splitlines()
    refuse_production(answer[:2] + answer[2:3], options["production"])
    removed = drop_old_databases(connection)
    name = "%s%d_%s" % (DATABASE_PREFIX, read(room, "marker.json")["until"], secrets.token_hex(4))
    write(room, "connection.json", {**known, "database": name})
    try:
        connection.sql("CREATE DATABASE %s TEMPLATE template0 ENCODING 'UTF8';" % name)
    except Problem as problem:
        write(room, "connection.json", {**known, "database": ""})
        raise Problem(
            "no database can be made on the given server: %s" % problem, "Its user needs the right CREATEDB."
        ) from None
    return {**describe(Connection(room)), "removed": removed}


def service_of(url: str) -> str:
    """A connection URL as a service file, so that no program gets it as an argument."""
    parts = urllib.parse.urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        raise Problem("restore_drill_server_url has no valid port") from None
    if parts.scheme not in ("postgres", "postgresql"):
        raise Problem("restore_drill_server_url is no URL of PostgreSQL")
    values = {
        "host": parts.hostname,
        "port": port,
        "user": parts.username and urllib.parse.unquote(parts.username),
        "password": parts.password and urllib.parse.unquote(parts.password),
        "dbname": urllib.parse.unquote(parts.path[1:]),
        **dict(urllib.parse.parse_qsl(parts.query)),
    }
    lines = ["%s=%s" % (name, value) for name, value in values.items() if value not in (None, "")]
    if any(re.search(r"[\r\n]", line) for line in lines):
        raise Problem("restore_drill_server_url holds a line break")
    return "\n".join(["[drill]", *lines, ""])


def refuse_production(server: t.Sequence[str], production: t.Sequence[str]) -> None:
    host, port, addresses = server[0], server[1], {server[0], *server[2:]}
    with contextlib.suppress(OSError):
        addresses |= {str(found[4][0]) for found in socket.getaddrinfo(host, None)}
    for name in production:
        its_host, dummy, its_port = name.rpartition(":")
        known = {its_host}
        with contextlib.suppress(OSError):
            known |= {str(found[4][0]) for found in socket.getaddrinfo(its_host, None)}
        if its_host and its_port == port and known & addresses:
            raise Problem("the given server is that of the database itself (%s), on which a drill makes nothing" % name)


def drop_old_databases(connection: Connection) -> t.List[str]:
    """Those of drills whose time is over, and whose machine is not there any more to do it."""
    pattern = "^%s[0-9]+_[0-9a-f]{8}$" % DATABASE_PREFIX
    query = (
        "SELECT datname FROM pg_catalog.pg_database WHERE datname ~ '%s' AND pg_catalog.pg_get_userbyid(datdba) = current_user;"
        % pattern
    )
    names = [name for name in connection.sql(query).split() if int(name.split("_")[-2]) < time.time()]
    for name in names:
        connection.sql("DROP DATABASE IF EXISTS %s WITH (FORCE);" % name)
    return names


def drop_database(room: str) -> None:
    """What was made on a server that was given. One of our own goes as a whole."""
    connection = Connection(room)
    if connection.given and connection.database.startswith(DATABASE_PREFIX):
        try:
            connection.sql("DROP DATABASE IF EXISTS %s WITH (FORCE);" % connection.database, PGCONNECT_TIMEOUT="10")
        except Problem as problem:
            raise Problem(
                "the database %s on the given server could not be dropped, drop it by hand: %s"
                % (connection.database, problem)
            ) from None


def describe(connection: Connection) -> Options:
    """The server, and which extensions the dump wants of it."""
    query = (
        "SELECT pg_catalog.json_build_object('version', pg_catalog.current_setting('server_version'), 'available', "
        "(SELECT pg_catalog.json_object_agg(name, default_version) FROM pg_catalog.pg_available_extensions));"
    )
    answer = json.loads(connection.sql(query, database=connection.database))
    entries, head = contents(connection)
    return {
        "version": answer["version"].split(" ")[0],
        "available": answer["available"] or {},
        "archive": sorted(extensions_of(connection, entries)),
        "dumped_from": head.get("Dumped from database version"),
        "dumped_by": head.get("Dumped by pg_dump version"),
    }


# -- restoring and looking --------------------------------------------------------------------------------------------

#: A dump can hold rows for tables of extensions, as those of PostGIS, and servers of foreign data, which nobody can log in to.
GRANT_WHAT_EXTENSIONS_BROUGHT = """
SELECT pg_catalog.format('GRANT ALL ON TABLE %I.%I TO {owner}', nspname, relname)
FROM pg_catalog.pg_depend JOIN pg_catalog.pg_class ON pg_class.oid = objid JOIN pg_catalog.pg_namespace ON pg_namespace.oid = relnamespace
WHERE classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND deptype = 'e' AND relkind IN ('r', 'p')
UNION ALL SELECT pg_catalog.format('GRANT USAGE ON FOREIGN DATA WRAPPER %I TO {owner}', fdwname) FROM pg_catalog.pg_foreign_data_wrapper
\\gexec
"""


def restore(options: Options) -> Options:
    """Schemas, then extensions, then all the rest. Returns what went wrong, in sentences."""
    connection = Connection(options["room"])
    entries, dummy = contents(connection)
    extensions = extensions_of(connection, entries)
    target = "--dbname=%s" % connection.database
    schemas = [entry for entry in entries if entry.kind == "SCHEMA"]
    problems = complaints(connection.pg_restore(schemas, target)) if schemas else []
    for name, schema in extensions.items():
        script = 'SET client_min_messages = error; CREATE EXTENSION IF NOT EXISTS :"name"%s CASCADE;' % (
            ' WITH SCHEMA :"schema"' if schema else ""
        )
        variables = ["name=" + name, *(["schema=" + schema] if schema else [])]
        dummy_output, wrong = connection.try_sql(
            script, superuser=True, database=connection.database, variables=variables
        )
        if wrong:
            problems.append("the extension %s cannot be created: %s" % (name, wrong))
    # Those that the database has got since, in a transaction that is given up.
    for name in options["more_extensions"]:
        script = 'SET client_min_messages = error; BEGIN; CREATE EXTENSION IF NOT EXISTS :"name" CASCADE; ROLLBACK;'
        dummy_output, wrong = connection.try_sql(
            script, superuser=True, database=connection.database, variables=["name=" + name]
        )
        if wrong:
            problems.append("the extension %s cannot be created: %s" % (name, wrong))
    left_out: t.Dict[str, int] = {}
    for entry in entries:
        kind = LEFT_OUT.match(entry.kind)
        if kind:
            left_out[kind.group(1)] = left_out.get(kind.group(1), 0) + 1
    if not problems:
        if not connection.given:
            connection.sql(
                GRANT_WHAT_EXTENSIONS_BROUGHT.format(owner=OWNER), superuser=True, database=connection.database
            )
        rest = [
            entry for entry in entries if entry.kind not in ("SCHEMA", "EXTENSION") and not LEFT_OUT.match(entry.kind)
        ]
        problems = complaints(connection.pg_restore(rest, target, "--jobs=%d" % options["jobs"])) if rest else []
    return {
        "problems": problems[:MOST_PROBLEMS],
        "more_problems": max(0, len(problems) - MOST_PROBLEMS),
        "left_out": left_out,
    }


def complaints(done: "subprocess.CompletedProcess[str]") -> t.List[str]:
    """What pg_restore could not do. Details that quote data are left out."""
    if done.returncode == 0:
        return []
    lines = [visible(line).strip() for line in lines_of(done.stderr) if "pg_restore: error:" in line]
    found = [re.sub(r"^\S*pg_restore: (\[[^]]*\] |error: )+", "", line) for line in lines]
    telling = [re.sub(r"^could not execute query: ERROR:\s+", "", line) for line in found if not HARMLESS.search(line)]
    if telling or not found:
        return telling or [said(done.stderr) or "pg_restore ended with %d" % done.returncode]
    return []


MEASURE = """
SET search_path = pg_catalog;
SELECT json_build_object('extensions', (SELECT json_object_agg(extname, extversion) FROM pg_extension), 'bytes', pg_database_size(current_database()));
SELECT format('SELECT json_build_object(''table'', %L, ''rows'', count(*)) FROM %I.%I', format('%I.%I', nspname, relname), nspname, relname)
FROM pg_class JOIN pg_namespace ON pg_namespace.oid = relnamespace
WHERE relkind IN ('r', 'p', 'm') AND NOT relispartition AND relpersistence <> 't' AND nspname <> 'information_schema' AND nspname !~ '^pg_'
AND NOT EXISTS (SELECT FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = pg_class.oid AND deptype = 'e')
AND NOT EXISTS (SELECT FROM pg_inherits JOIN pg_class AS child ON child.oid = inhrelid WHERE inhparent = pg_class.oid AND child.relkind = 'f')
ORDER BY nspname, relname
\\gexec
"""


def measure(options: Options) -> Options:
    """The extensions that are there now, the rows of every table, and what the user's queries say.

    A table in parts counts as one, unless a part is on another server. The queries can change nothing.
    """
    connection = Connection(options["room"])
    first, *rest = [
        json.loads(line) for line in lines_of(connection.sql(MEASURE, superuser=True, database=connection.database))
    ]
    settings = {
        "PGOPTIONS": "-c default_transaction_read_only=on -c statement_timeout=%d" % (options["timeout"] * 1000)
    }
    results = []
    for check in options["checks"]:
        printed, wrong = connection.try_sql(check["sql"], database=connection.database, **settings)
        results.append(
            {
                "name": check["name"],
                "value": None if wrong else printed.rstrip("\n")[:LONGEST_VALUE],
                "error": wrong or None,
            }
        )
    tables = {item["table"]: item["rows"] for item in rest}
    return {"restored": first["extensions"], "bytes": first["bytes"], "tables": tables, "results": results}


STEPS: t.Dict[str, t.Callable[[Options], Options]] = {
    "look": look,
    "open": open_room,
    "unpack": unpack,
    "serve": serve,
    "join": join,
    "restore": restore,
    "measure": measure,
    "close": close_room,
}


def main() -> int:
    # So that a room goes, too, that has no keeper yet when the run is told to end.
    signal.signal(signal.SIGTERM, lambda dummy, frame: sys.exit(1))
    options = json.load(sys.stdin)
    # Older versions of Ansible make text of numbers.
    options.update({name: int(options[name]) for name in ("jobs", "lifetime", "major", "timeout") if name in options})
    try:
        result = STEPS[sys.argv[1]](options)
    except Problem as problem:
        result = {"problem": visible(str(problem)), "hint": visible(problem.hint)}
    except OSError as error:
        hint = (
            "Free space, or choose another restore_drill_work_dir."
            if error.errno in (errno.ENOSPC, errno.EDQUOT)
            else ""
        )
        result = {"problem": "%s: %s" % (error.filename or sys.argv[1], error.strerror), "hint": hint}
    if (result.get("problem") or result.get("problems")) and sys.argv[1] != "close" and is_over(options.get("room")):
        result = {
            "problem": "the time for the drill is over, so that everything was ended and removed",
            "hint": "Give it more with restore_drill_timeout.",
        }
    print(json.dumps(result))
    return 1 if "problem" in result else 0


if __name__ == "__main__":
    sys.exit(main())
