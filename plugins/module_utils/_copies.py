# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Copies of backups in a directory of this machine: what is there, which of them are good, which may go.

A copy is a file and its description, a JSON file of the same name with .json behind it. The description is written first and the file gets
its name last, so that what has the name is whole. A copy is good when its file has the length and the SHA-256 of the description. What
cannot be read is neither good nor bad: nobody removes it. What has no description of this collection is not touched.

While a file comes or goes its description says "unfinished": a run that is killed then leaves a description whose file may be missing, which
is no finding. A file that is there is judged as any other.

Several runs may work on the copies of one database at once, also on several machines. Each step that changes what is kept is alone while it
does so, and decides by what it finds then. The locks are the kernel's and end with their process. The file of the lock of a database is never
removed. It holds a list of the copies, by which one is missed that disappears together with its description; and it shows that the
directory is the right one, and not an empty one on which no disk is mounted.
"""

from __future__ import annotations

import contextlib
import dataclasses
import errno
import fnmatch
import hashlib
import json
import os
import secrets
import time
import typing as t

from . import _canon
from ._copy import MADE_BY, Archive, Copy, Raw, Source, copy_of, order
from ._core import Clock
from ._errors import InvalidInput, ScalingoError
from ._files import digest_of, local, lock, pieces, sync_directory, write_atomically
from ._options import quoted
from ._programs import run
from ._progress import Watch

#: What file systems without locks say.
NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP, errno.EINVAL)
#: A file by which somebody says that copies may come here.
MARKER = ".scalingo_copies"
WHEN_IT_HAS_ENDED = "Run it again when the other one has ended: what it has brought here is not brought again."
PAUSE = 0.05

# -- what is there -----------------------------------------------------------------------------------------------------


class Shelf:
    """The copies of one database in a directory.

    `now` is the present in seconds since 1970, by the clock of the platform where it is known.
    `patience` is for how many seconds a step of another run is waited for.
    """

    def __init__(
        self, directory: str, addon_id: str, *, now: t.Callable[[], float] = time.time, clock: Clock | None = None,
        watch: Watch | None = None, patience: float = 14400.0,
    ) -> None:  # fmt: skip
        self.directory = directory
        self.addon_id = addon_id
        self.notes: list[str] = []
        self._now = now
        self._clock = clock or Clock()
        self.watch = watch or Watch()
        self._patience = patience
        self._lock = os.path.join(directory, f".lock-{addon_id}")
        #: Where files grow, in the file system of the directory, so that they can get their names at once. Each database has one of its own.
        self.growing = os.path.join(directory, f".growing-{addon_id}")
        #: What was found of a file, while it stays the same file.
        self._judged: dict[tuple[t.Any, ...], str] = {}
        self._changing = False

    def forget(self) -> None:
        """Read every file again at the next look."""
        self._judged.clear()

    def is_known(self) -> bool:
        """Whether copies have been kept in the directory before, of whichever database, or somebody has marked it for them."""
        for name in self._names():
            if name == MARKER or fnmatch.fnmatchcase(name, ".lock-*"):
                return True
            if name.endswith(".json") and not name.startswith("."):
                described = read_json(os.path.join(self.directory, name))[0]
                if isinstance(described, dict) and described.get("made_by") == MADE_BY:
                    return True
        return False

    def look(self) -> list[Copy]:
        """The copies, the newest first, while nobody changes what is there."""
        with self.alone(changing=False):
            return self.found()

    def found(self, backup_id: str = "") -> list[Copy]:
        """The same for who is alone, or only those of one backup. Who may change something removes descriptions that a killed run has left."""
        names, listed, known = set(self._names()), self._listed(), {}
        for name in sorted(name[: -len(".json")] for name in names if name.endswith(".json")):
            path = os.path.join(self.directory, name)
            described, why = read_json(path + ".json")
            copy = copy_of(path, described, self.addon_id)
            if copy is None and name in listed:
                why = f"the description of {name} cannot be read: {why or 'it describes something else'}"
                known[name] = self._lost(name, listed[name], why, True)
            elif copy is not None and described.get("unfinished") and name not in names:
                listed.pop(name, None)
                if self._changing:
                    remove(path + ".json")
            elif copy is not None:
                known[name] = copy
        for name in set(listed) - set(known):
            problem = "has no description any more" if name in names else "has disappeared, with its description"
            known[name] = self._lost(name, listed[name], f"{name} {problem}", name in names)
        wanted = [copy for copy in known.values() if backup_id in ("", copy.backup.id)]
        return sorted(map(self._seen, wanted), key=order, reverse=True)

    def good(self, backup_id: str) -> Copy | None:
        """A good copy of a backup, if there is one. For who is alone."""
        return next((copy for copy in self.found(backup_id) if not copy.problem), None)

    def _names(self) -> list[str]:
        with local(f"list the copies in {self.directory}"):
            try:
                return os.listdir(self.directory)
            except FileNotFoundError:
                return []

    def _lost(self, name: str, entry: Raw, problem: str, unreadable: bool) -> Copy:
        """A copy that only the list knows."""
        archive, source = Archive(entry["size"], entry["sha256"], None), Source(entry["backup_id"], entry["started_at"])
        path = os.path.join(self.directory, name)
        return Copy(path, archive.size, archive.sha256, False, archive, source, problem=problem, unreadable=unreadable)

    def _seen(self, copy: Copy) -> Copy:
        ahead = _canon.instant_seconds(copy.backup.started_at) > self._now() + _canon.AHEAD_SECONDS
        problem, unreadable = (copy.problem, copy.unreadable) if copy.problem else self._problem_of(copy)
        return dataclasses.replace(copy, problem=problem, unreadable=unreadable, ahead=ahead)

    def _problem_of(self, copy: Copy) -> tuple[str, bool]:
        """Why a copy is not good, empty when it is; and whether that cannot be told."""
        name = copy.name
        try:
            with open(copy.path, "rb") as file:
                seen = os.fstat(file.fileno())
                if seen.st_size != copy.size:
                    return f"{name} has {seen.st_size} bytes, and had {copy.size} when it was made", False
                same = (seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)
                if same not in self._judged:
                    digest, read, begun = hashlib.sha256(), 0, self._clock.now()
                    for piece in pieces(file):
                        digest.update(piece)
                        read += len(piece)
                        self.watch.alive()
                        self.watch.tell(
                            f"verifying {name}", "verifying", self._clock.now() - begun, f"{read} of {copy.size} bytes"
                        )
                    self._judged[same] = digest.hexdigest()
                if self._judged[same] != copy.sha256:
                    return f"{name} was altered: its SHA-256 is another than when it was made", False
        except FileNotFoundError:
            return f"{name} is not there any more", False
        except OSError as error:
            return f"{name} cannot be read: {error.strerror or type(error).__name__}", True
        return "", False

    # -- one step at a time ----------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def alone(self, changing: bool = True) -> t.Iterator[None]:
        """Be the only one who changes the copies of this database, or look while nobody does.

        The file of the lock stays: were it removed, two runs could have a lock each, on different files of the same name.
        """
        flags = (os.O_RDWR | os.O_CREAT if changing else os.O_RDONLY) | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            number = os.open(self._lock, flags, 0o600)
        except OSError as error:
            unreadable = isinstance(error, (FileNotFoundError, NotADirectoryError, PermissionError))
            if changing or not unreadable:
                raise ScalingoError(f"lock the copies in {self.directory}: {error.strerror}") from None
            number = -1
        if number < 0:
            # Nobody has changed anything yet, or only somebody whose copies cannot be read either.
            yield
            return
        try:
            deadline = self._clock.now() + self._patience
            while True:
                held = taken(number, shared=not changing)
                if held is not False:
                    break
                if self._clock.now() > deadline:
                    raise busy(f"another run is still busy with the copies of this database in {self.directory}")
                self._clock.sleep(PAUSE)
            for note in remarks(self.directory, held is not None):
                if note not in self.notes:
                    self.notes.append(note)
            self._changing = changing
            yield
        finally:
            self._changing = False
            # A process that was begun meanwhile may have inherited it.
            with contextlib.suppress(OSError):
                lock(number, release=True)
            os.close(number)

    def _listed(self) -> dict[str, Raw]:
        """The list of copies, by name, as the last step that changed them left it. One that cannot be read says nothing."""
        found = read_json(self._lock)[0]
        entries = found.items() if isinstance(found, dict) else ()
        return {
            name: entry
            for name, entry in entries
            if isinstance(entry, dict)
            and isinstance(entry.get("backup_id"), str) and isinstance(entry.get("sha256"), str)
            and isinstance(entry.get("size"), int) and _is_moment(entry.get("started_at"))
        }  # fmt: skip

    def remember(self, found: t.Iterable[Copy]) -> None:
        """Write the list of copies. For who is alone. On a disk that is full it is emptied, which is no reason to fail."""
        text = json.dumps({copy.name: copy.entry() for copy in found}, sort_keys=True).encode() + b"\n"
        with contextlib.suppress(OSError), open(self._lock, "r+b", buffering=0) as file:
            if file.read() != text:
                try:
                    os.pwrite(file.fileno(), text, 0)
                    os.ftruncate(file.fileno(), len(text))
                except OSError:
                    os.ftruncate(file.fileno(), 0)

    # -- coming and going ------------------------------------------------------------------------------------------------

    def put(self, path: str, name: str, described: Raw) -> Copy:
        """Give a verified file its name, between two descriptions. For who is alone."""
        target = os.path.join(self.directory, name)
        self._describe(target, {**described, "unfinished": True})
        with local(f"write {target}"):
            os.replace(path, target)
        sync_directory(self.directory)
        self._describe(target, described)
        found = self.found()
        self.remember(found)
        return next(copy for copy in found if copy.path == target)

    def remove(self, copy: Copy) -> None:
        """Remove a copy. For who is alone. Its description says so first, so that a run that is killed is finished by the next."""
        # What is not on the list is not missed.
        self.remember(other for other in self.found() if other.path != copy.path)
        # A disk that is full is no reason to keep what fills it.
        with contextlib.suppress(ScalingoError):
            if copy.described:
                self._describe(copy.path, {**copy.described, "unfinished": True})
        with local(f"remove {copy.path}"):
            remove(copy.path)
            remove(copy.path + ".json")
        sync_directory(self.directory)

    def _describe(self, path: str, described: Raw) -> None:
        with local(f"make {self.growing}"):
            os.makedirs(self.growing, mode=0o700, exist_ok=True)
        write(path + ".json", described, self.growing)


def find_copy(directory: str, addon_id: str, backup_id: str = "", *, watch: Watch | None = None) -> Copy:
    """The newest good copy of a database's backups in a directory, or of one backup. Every byte of it has been verified.

    Those with a date in the future come last. Raises `InvalidInput` when there is none, and says what there is.
    """
    found = [copy for copy in Shelf(directory, addon_id, watch=watch).look() if backup_id in ("", copy.backup.id)]
    good = next((copy for copy in found if not copy.problem), None)
    if good is not None:
        return good
    of = f"of the backup {backup_id}" if backup_id else "of the database's backups"
    there = f": {'; '.join(copy.problem for copy in found[:3])}" if found else ""
    raise InvalidInput(
        f"{directory} holds no good copy {of}{there}",
        hint="Make one with community.scalingo.scalingo_offsite_backup, or check that the disk of the copies is mounted.",
    )


class HasPath(t.Protocol):
    """A directory that only this user can read."""

    @property
    def path(self) -> str:
        """Its path."""


def decrypted(copy: Copy, command: t.Sequence[str], place: HasPath, *, watch: Watch | None = None) -> str:
    """The path of the archive that a copy holds, as it came: its SHA-256 has been compared.

    An encrypted one is decrypted by the user's command into a new file in the directory of `place`. One that is not is the copy itself,
    which the caller must leave alone. Raises `ScalingoError`: the key is wrong, or the copy was altered.
    """
    if not copy.encrypted:
        if digest_of(copy.path) != copy.archive.sha256:
            raise ScalingoError(f"{copy.path} was altered: its SHA-256 is another than when it was made")
        return copy.path
    if not command:
        raise InvalidInput(
            f"{copy.path} is encrypted", hint="Give the words of a command that decrypts {input} to {output}."
        )
    output = os.path.join(place.path, f"{secrets.token_hex(4)}.tar.gz")
    wrong = "Check that the command has the key that belongs to the one of the encryption."
    try:
        done = run(filled(command, copy.path, output), watcher=watch)
        if done.returncode != 0:
            raise ScalingoError(f"{copy.path} could not be decrypted, {done.ending}: {done.said}", hint=wrong)
        if not os.path.isfile(output):
            raise ScalingoError(f"{copy.path} could not be decrypted: {done.command} wrote nothing to {{output}}")
        with local(f"read {output}"):
            os.chmod(output, 0o600)
        if digest_of(output) != copy.archive.sha256:
            raise ScalingoError(
                f"decrypting {copy.path} gave something else than the archive: its SHA-256 is another", hint=wrong
            )
    except BaseException:
        with contextlib.suppress(OSError):
            remove(output)
        raise
    return output


def filled(command: t.Sequence[str], source: str, target: str) -> list[str]:
    """The words of a command of the user, with the file to read and the one to write."""
    return [word.replace("{input}", source).replace("{output}", target) for word in command]


def check_command(option: str, words: t.Sequence[str]) -> None:
    """Refuse the words of a command that cannot read and write a file. None at all are no command."""
    if words and (len(words) < 2 or any(not any(name in word for word in words) for name in ("{input}", "{output}"))):
        raise InvalidInput(
            f"{option} is {quoted(words)}: give the words of a command of which some hold {{input}} and {{output}}"
        )


# -- files and locks ---------------------------------------------------------------------------------------------------


def busy(message: str) -> ScalingoError:
    """The error for what another run keeps from being done now."""
    error = ScalingoError(message, hint=WHEN_IT_HAS_ENDED)
    error.interrupted = True
    return error


def taken(number: int, shared: bool = False) -> bool | None:
    """Take the lock of an open file without waiting. Whether this process has it now; nothing where there are no locks."""
    try:
        return lock(number, shared)
    except OSError as error:
        if error.errno not in NO_LOCKS:
            raise ScalingoError(f"the lock of the copies cannot be taken: {error.strerror}") from None
        return None


def remarks(directory: str, has_locks: bool, mounts: str = "/proc/self/mountinfo") -> list[str]:
    """What is worth knowing of the locks of a directory."""
    if not has_locks:
        return [f"The file system of {directory} has no locks: let only one run at a time work there."]
    with contextlib.suppress(OSError), open(mounts, encoding="utf-8", errors="replace") as stream:
        found = os.stat(directory).st_dev
        device = f"{os.major(found)}:{os.minor(found)}"
        for line in stream:
            head, dummy, tail = line.partition(" - ")
            kind, options = tail.split()[0], set(tail.split()[-1].split(","))
            alone = {"nolock", "local_lock=all", "local_lock=flock"} & options
            if head.split()[2] == device and kind.startswith("nfs") and alone:
                return [
                    f"The locks of {directory} count on this machine alone: let no run on another machine work there at the same time."
                ]
    return []


def _is_moment(value: t.Any) -> bool:
    try:
        return isinstance(value, str) and bool(_canon.instant(value))
    except ValueError:
        return False


def read_json(path: str) -> tuple[t.Any, str]:
    """What a file of JSON holds, or why that cannot be told."""
    try:
        with open(path, encoding="utf-8") as stream:
            return json.load(stream), ""
    except OSError as error:
        return None, error.strerror or type(error).__name__
    except (ValueError, RecursionError):
        return None, "it is not JSON"


def write(path: str, content: Raw, place: str) -> None:
    """Write a description, whole or not at all. It grows in the directory `place`."""
    growing = os.path.join(place, f"{os.path.basename(path)}.{secrets.token_hex(4)}.new")
    write_atomically(path, json.dumps(content, indent=2, sort_keys=True) + "\n", 0o600, growing)


def remove(path: str) -> None:
    """Remove a file that may be gone already."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
