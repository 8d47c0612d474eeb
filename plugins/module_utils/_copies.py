# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Copies of backups in a directory of this machine: what is there, which of them are good, and how they come and go.

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
import json
import os
import secrets
import time
import typing as t

from . import _canon
from ._copy import MADE_BY, Copy, Raw, copy_of, good_one, order
from ._core import Clock, moment
from ._errors import InvalidInput, ScalingoError
from ._files import digest, digest_of, local, or_nothing, read_json, sync_directory, taken, write_atomically
from ._options import quoted
from ._part import Part
from ._programs import run
from ._progress import Watch

#: A file by which somebody says that copies may come here.
MARKER = ".scalingo_copies"
LOCK = ".lock-"
#: The file that an archive grows in.
PART = ".archive.part"
PAUSE = 0.05


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
        self.watch = watch or Watch()
        self._now = now
        self._clock = clock or Clock()
        self._patience = patience
        self._lock = self.path(LOCK + addon_id)
        #: Where files grow, in the file system of the directory, so that they can get their names at once. Who has the part open has it.
        self.growing = self.path(f".growing-{addon_id}")
        self._part = os.path.join(self.growing, PART)
        #: The SHA-256 of each file that was read, while it stays the same file.
        self._digests: dict[tuple[int, ...], str] = {}
        self._changing = False

    def path(self, name: str) -> str:
        return os.path.join(self.directory, name)

    def is_known(self) -> bool:
        """Whether copies have been kept in the directory before, of whichever database, or somebody has marked it for them."""
        for name in self._names():
            content = read_json(self.path(name))[0] if name.endswith(".json") else None
            is_ours = isinstance(content, dict) and content.get("made_by") == MADE_BY
            if is_ours or name == MARKER or name.startswith(LOCK):
                return True
        return False

    def found(self) -> list[Copy]:
        """The copies, the newest first. For who is alone."""
        return list(map(self.judged, self.known()))

    def good(self, backup_id: str) -> Copy | None:
        """A good copy of a backup, if there is one. For who is alone."""
        return good_one(map(self.judged, self.known(backup_id)))

    def known(self, backup_id: str = "") -> list[Copy]:
        """The copies, or those of one backup, the newest first. Their files are not read yet. For who is alone.

        Who may change something removes descriptions that a killed run has left.
        """
        names, listed, known = set(self._names()), self._listed(), []
        latest = self._now() + _canon.AHEAD_SECONDS
        for name in {*listed, *(name[: -len(".json")] for name in names if name.endswith(".json"))}:
            described, why = read_json(self.path(name) + ".json")
            copy = copy_of(self.path(name), described, self.addon_id)
            if copy is None and name in listed:
                is_gone = not names & {name, f"{name}.json"}
                unread = f"the description of {name} cannot be read: {why or 'it describes something else'}"
                problem = f"{name} has disappeared, with its description" if is_gone else unread
                copy = dataclasses.replace(listed[name], problem=problem, unreadable=not is_gone)
            elif copy is not None and described.get("unfinished") and name not in names:
                if self._changing:
                    remove(copy.path + ".json")
                continue
            if copy is not None and backup_id in ("", copy.backup_id):
                known.append(dataclasses.replace(copy, ahead=copy.began > latest))
        return sorted(known, key=order, reverse=True)

    def _names(self) -> list[str]:
        with local(f"list the copies in {self.directory}"):
            try:
                return os.listdir(self.directory)
            except FileNotFoundError:
                return []

    def judged(self, copy: Copy) -> Copy:
        """It with what is wrong with it. Every byte is read, unless that is known."""
        problem, unreadable = copy.problem, copy.unreadable
        try:
            problem = problem or self._difference(copy)
        except FileNotFoundError:
            problem = f"{copy.name} is not there any more"
        except OSError as error:
            problem, unreadable = f"{copy.name} cannot be read: {error.strerror or type(error).__name__}", True
        return dataclasses.replace(copy, problem=problem, unreadable=unreadable)

    def _difference(self, copy: Copy) -> str:
        """What a file has not in common with its description any more."""
        with open(copy.path, "rb") as file:
            seen = os.fstat(file.fileno())
            if seen.st_size != copy.size:
                return f"{copy.name} has {seen.st_size} bytes, and had {copy.size} when it was made"
            same = (seen.st_dev, seen.st_ino, seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)
            if same not in self._digests:
                self._digests[same] = digest(file, self.progress(f"verifying {copy.name}", copy.size))
        was_altered = self._digests[same] != copy.sha256
        return f"{copy.name} was altered: its SHA-256 is another than when it was made" if was_altered else ""

    def progress(self, doing: str, size: int) -> t.Callable[[int], None]:
        """What is called with the bytes read so far of a file that is verified: it tells how that goes, and ends with the run."""
        begun = self._clock.now()

        def tell(read: int) -> None:
            self.watch.alive()
            self.watch.tell(doing, "verifying", self._clock.now() - begun, f"{read} of {size} bytes")

        return tell

    # -- one step at a time ----------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def alone(self, changing: bool = True) -> t.Iterator[None]:
        """Be the only one who changes the copies of this database, or look while nobody does.

        The file of the lock stays: were it removed, two runs could have a lock each, on different files of the same name.
        """
        flags = (os.O_RDWR | os.O_CREAT if changing else os.O_RDONLY) | os.O_NOFOLLOW | os.O_CLOEXEC
        with contextlib.ExitStack() as stack:
            with local(f"lock the copies in {self.directory}"):
                try:
                    file = stack.enter_context(os.fdopen(os.open(self._lock, flags, 0o600), "rb"))
                    self._wait_for(file.fileno(), changing)
                except (FileNotFoundError, NotADirectoryError, PermissionError):
                    # Nobody has changed anything yet, or only somebody whose copies cannot be read either.
                    if changing:
                        raise
            self._changing = changing
            try:
                yield
            finally:
                self._changing = False

    def _wait_for(self, lock: int, changing: bool) -> None:
        deadline = self._clock.now() + self._patience
        while (held := taken(lock, shared=not changing)) is False:
            if self._clock.now() > deadline:
                raise busy(f"another run is still busy with the copies of this database in {self.directory}")
            self._clock.sleep(PAUSE)
        note = remark(self.directory, held is not None)
        if note and note not in self.notes:
            self.notes.append(note)

    def _listed(self) -> dict[str, Copy]:
        """The list of copies, by name, as the last step that changed them left it. One that cannot be read says nothing."""
        content = read_json(self._lock)[0]
        entries = content.items() if isinstance(content, dict) else ()
        found = {name: copy_of(self.path(name), described, self.addon_id) for name, described in entries}
        return {name: copy for name, copy in found.items() if copy is not None}

    def remember(self, found: t.Iterable[Copy]) -> None:
        """Write the list of copies. For who is alone. On a disk that is full it is emptied, which is no reason to fail."""
        text = json.dumps({copy.name: copy.described for copy in found}, sort_keys=True).encode() + b"\n"
        with contextlib.suppress(OSError), open(self._lock, "r+b", buffering=0) as file:
            if file.read() != text:
                try:
                    os.pwrite(file.fileno(), text, 0)
                    os.ftruncate(file.fileno(), len(text))
                except OSError:
                    os.ftruncate(file.fileno(), 0)

    # -- where copies grow -----------------------------------------------------------------------------------------------

    def left(self, staying: t.Collection[str] = ()) -> list[str]:
        """The names of what killed runs have left, but for what stays. Nothing while a run brings a backup. For who is alone."""
        with local(f"read {self.growing}"):
            if os.path.islink(self.growing) or not os.path.isdir(self.growing) or self._is_bringing():
                return []
            return sorted(set(os.listdir(self.growing)) - set(staying))

    def _is_bringing(self) -> bool:
        try:
            with open(self._part, "rb") as file:
                return taken(file.fileno(), shared=True) is False
        except FileNotFoundError:
            return False

    def clean(self, staying: t.Collection[str] = ()) -> list[str]:
        """Remove what `left` returns, and return it."""
        names = self.left(staying)
        with local(f"clean {self.growing}"):
            for name in names:
                remove(os.path.join(self.growing, name))
            with contextlib.suppress(OSError):
                os.rmdir(self.growing)
        return names

    @contextlib.contextmanager
    def bringing(self, backup_id: str, stays: bool) -> t.Iterator[Part | None]:
        """Have a part that the backup grows in, as the only run that brings one. None when a good copy of it has come meanwhile.

        A part that breaks off and `stays` is there for the next run. Raises a `ScalingoError` that is `interrupted` while another run has it.
        """
        staying = {PART, f"{PART}.json"} if stays else set()
        opened, part = contextlib.ExitStack(), None
        with self.alone():
            if self.good(backup_id) is None:
                self._require_place(staying)
                part = opened.enter_context(Part(self._part, backup_id, stays))
        try:
            with opened:
                yield part
        finally:
            if part is not None:
                with contextlib.suppress(ScalingoError), self.alone():
                    self.clean(staying)

    def _require_place(self, staying: t.Collection[str]) -> None:
        """Make the place, or clean it, and write down who has it."""
        owner = os.path.join(self.growing, "owner.json")
        with local(f"make {self.growing}"):
            if os.path.islink(self.growing):
                raise ScalingoError(f"{self.growing} is a link", hint="Remove it.")
            if self._is_bringing():
                who = read_json(owner)[0] or "another process"
                raise busy(f"another run is bringing a backup of this database to {self.directory}: {who}")
            self.clean(staying)
            os.makedirs(self.growing, mode=0o700, exist_ok=True)
        who = f"process {os.getpid()} on {os.uname().nodename}, since {moment()}"
        # On a disk that is full nobody is told.
        with contextlib.suppress(ScalingoError):
            write_atomically(owner, json.dumps(who), 0o600)

    # -- coming and going ------------------------------------------------------------------------------------------------

    def put(self, path: str, name: str, described: Raw) -> None:
        """Give a verified file its name, between two descriptions. For who is alone."""
        target = self.path(name)
        self._describe(target, {**described, "unfinished": True})
        with local(f"write {target}"):
            os.replace(path, target)
        sync_directory(self.directory)
        self._describe(target, described)
        self.remember(self.known())

    def remove(self, copy: Copy) -> None:
        """Remove a copy. For who is alone. Its description says so first, so that a run that is killed is finished by the next."""
        # What is not on the list is not missed.
        self.remember(other for other in self.known() if other.path != copy.path)
        # A disk that is full is no reason to keep what fills it.
        with contextlib.suppress(ScalingoError):
            self._describe(copy.path, {**copy.described, "unfinished": True})
        with local(f"remove {copy.path}"):
            remove(copy.path)
            remove(copy.path + ".json")
        sync_directory(self.directory)

    def _describe(self, path: str, described: Raw) -> None:
        """Write a description. It grows where the next run removes what a killed one has left."""
        with local(f"make {self.growing}"):
            os.makedirs(self.growing, mode=0o700, exist_ok=True)
        growing = os.path.join(self.growing, f"{secrets.token_hex(4)}.new")
        write_atomically(path + ".json", json.dumps(described, indent=2, sort_keys=True) + "\n", 0o600, growing)


def find_copy(directory: str, addon_id: str, backup_id: str = "", *, watch: Watch | None = None) -> Copy:
    """The newest good copy of a database's backups in a directory, or of one backup. Every byte of it has been verified.

    Those with a date in the future come last. Raises `InvalidInput` when there is none, and says what there is.
    """
    shelf, problems = Shelf(directory, addon_id, watch=watch), []
    with shelf.alone(changing=False):
        for copy in map(shelf.judged, shelf.known(backup_id)):
            if not copy.problem:
                return copy
            problems.append(copy.problem)
    of = f"of the backup {backup_id}" if backup_id else "of the database's backups"
    there = f": {'; '.join(problems[:3])}" if problems else ""
    raise InvalidInput(
        f"{directory} holds no good copy {of}{there}",
        hint="Make one with community.scalingo.scalingo_offsite_backup, or check that the disk of the copies is mounted.",
    )


# -- encryption --------------------------------------------------------------------------------------------------------


def decrypted(copy: Copy, command: t.Sequence[str], directory: str, *, watch: Watch | None = None) -> str:
    """The path of the archive that a copy holds, as it came: its SHA-256 has been compared.

    An encrypted one is decrypted by the user's command into a new file in the directory. One that is not is the copy itself, which the
    caller must leave alone. Raises `ScalingoError`: the key is wrong, or the copy was altered.
    """
    if copy.encrypted:
        return archive_of(copy.path, copy.archive_sha256, command, directory, watch)
    if digest_of(copy.path) != copy.archive_sha256:
        raise ScalingoError(f"{copy.path} was altered: its SHA-256 is another than when it was made")
    return copy.path


def archive_of(path: str, sha256: str, command: t.Sequence[str], directory: str, watch: Watch | None) -> str:
    """Decrypt a file into a new one in the directory, which has that SHA-256. Raises `ScalingoError`, and leaves nothing then."""
    if not command:
        raise InvalidInput(f"{path} is encrypted", hint="Give a command that decrypts {input} to {output}.")
    output = os.path.join(directory, f"{secrets.token_hex(4)}.tar.gz")
    wrong = "Check that the command has the key that belongs to the one of the encryption."
    with or_nothing(output):
        converted(command, path, output, f"{path} could not be decrypted", hint=wrong, watch=watch)
        if digest_of(output) != sha256:
            problem = f"decrypting {path} gave something else than the archive: its SHA-256 is another"
            raise ScalingoError(problem, hint=wrong)
    return output


def converted(
    command: t.Sequence[str], source: str, target: str, what: str, *, hint: str = "", watch: Watch | None = None,
    timeout: float | None = None,
) -> str:  # fmt: skip
    """Have a command of the user make one file of another. It is not empty, and for its user alone. Returns the program's name.

    Raises `ScalingoError`, which begins with `what` could not be done; also when that takes longer than `timeout` seconds.
    """
    words = [word.replace("{input}", source).replace("{output}", target) for word in command]
    done = run(words, watcher=watch, timeout=timeout)
    if done.returncode != 0:
        raise ScalingoError(f"{what}, {done.ending}: {done.said}", hint=hint)
    if not os.path.isfile(target) or not os.path.getsize(target):
        raise ScalingoError(f"{what}: {done.command} wrote nothing to {{output}}", hint=hint)
    with local(f"read {target}"):
        os.chmod(target, 0o600)
    return done.command


def check_command(option: str, words: t.Sequence[str]) -> None:
    """Refuse the words of a command that cannot read and write a file. None at all are no command."""
    if words and not all(any(name in word for word in words[1:]) for name in ("{input}", "{output}")):
        raise InvalidInput(
            f"{option} is {quoted(words)}: give the words of a command of which some hold {{input}} and {{output}}"
        )


# -- locks -------------------------------------------------------------------------------------------------------------


def busy(message: str) -> ScalingoError:
    """The error for what another run keeps from being done now."""
    hint = "Run it again when the other one has ended: what it has brought here is not brought again."
    error = ScalingoError(message, hint=hint)
    error.interrupted = True
    return error


def remark(directory: str, has_locks: bool, mounts: str = "/proc/self/mountinfo") -> str:
    """What is worth knowing of the locks of a directory."""
    if not has_locks:
        return f"The file system of {directory} has no locks: let only one run at a time work there."
    with contextlib.suppress(OSError), open(mounts, encoding="utf-8", errors="replace") as stream:
        device = os.stat(directory).st_dev
        for line in stream:
            mount, dummy, system = line.partition(" - ")
            is_here = f" {os.major(device)}:{os.minor(device)} " in mount and system.startswith("nfs")
            if is_here and {"nolock", "local_lock=all", "local_lock=flock"} & set(system.split()[-1].split(",")):
                return f"The locks of {directory} count on this machine alone: let no run on another machine work there at the same time."
    return ""


def remove(path: str) -> None:
    """Remove a file that may be gone already."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)
