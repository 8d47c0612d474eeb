# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""How the archive of a backup becomes a copy: a place where it grows, for one run at a time; verified to its last byte; encrypted."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import secrets
import tarfile
import time
import typing as t
import zlib

from ._copies import Shelf, busy, decrypted, filled, read_json, remove, taken
from ._copy import MADE_BY, Archive, Copy, Raw, Source
from ._errors import ScalingoError
from ._files import CHUNK, digest_of, local
from ._programs import run

#: What a dump in pg_dump's own format begins with, and how much of it is read to see that it lists something.
PGDUMP = b"PGDMP"
HEAD = 64 * 1024


# -- where it grows ----------------------------------------------------------------------------------------------------


class Place:
    """A hidden directory beside the copies, in their file system, so that a file can get its name at once.

    One database has one, and one run at a time has it: the lock ends with the process. What a killed run leaves there is swept by the next.
    """

    def __init__(self, shelf: Shelf) -> None:
        self.shelf = shelf
        self.path = shelf.growing
        self._lock = os.path.join(self.path, "lock")

    def left(self, staying: t.Sequence[str] = ()) -> list[str]:
        """The names of what earlier runs have left, but for what stays. Nothing while a run is at work there. Changes nothing."""
        with local(f"read {self.path}"):
            if os.path.islink(self.path) or not os.path.isdir(self.path) or not self._is_free():
                return []
            return sorted(name for name in os.listdir(self.path) if name not in staying)

    def _is_free(self) -> bool:
        """Whether no run has it, and no download goes on there that has outlived its run."""
        parts = [os.path.join(self.path, name) for name in os.listdir(self.path) if name.endswith(".part")]
        return all(map(_is_unlocked, [self._lock, *parts]))

    def clean(self, staying: t.Sequence[str] = ()) -> list[str]:
        """Remove what earlier runs have left, but for what stays. For who is alone. Returns the names of what went."""
        names = self.left(staying)
        with local(f"clean {self.path}"):
            for name in names:
                remove(os.path.join(self.path, name))
            with contextlib.suppress(OSError):
                os.rmdir(self.path)
        return names

    @contextlib.contextmanager
    def mine(self, backup_id: str, staying: t.Sequence[str]) -> t.Iterator[Copy | None]:
        """Have it within, unless a good copy of the backup has come meanwhile: that is what it yields then. What stays, stays in any case.

        Raises a `ScalingoError` that is `interrupted` while another run has it.
        """
        with self.shelf.alone():
            there = self.shelf.good(backup_id)
            held = -1 if there else self._taken(staying)
        try:
            yield there
        finally:
            if held >= 0:
                with contextlib.suppress(ScalingoError), self.shelf.alone():
                    os.close(held)
                    self.clean(staying)

    def _taken(self, staying: t.Sequence[str]) -> int:
        """Clean it and take its lock, which is a file that says who has it. Returns the file's number."""
        with local(f"make {self.path}"):
            if os.path.islink(self.path):
                raise ScalingoError(f"{self.path} is a link", hint="Remove it.")
            os.makedirs(self.path, mode=0o700, exist_ok=True)
            if not self._is_free():
                owner = read_json(self._lock)[0]
                who = owner.get("who") if isinstance(owner, dict) else None
                raise busy(
                    f"another run is bringing a backup of this database to {self.shelf.directory}: "
                    f"{who or 'a download that has outlived its run'}"
                )
            self.clean(staying)
            os.makedirs(self.path, mode=0o700, exist_ok=True)
            held = os.open(self._lock, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            who = f"process {os.getpid()} on {os.uname().nodename}, since {since}"
            taken(held)
            # On a disk that is full nobody is told who it is.
            with contextlib.suppress(OSError):
                os.write(held, json.dumps({"who": who}).encode())
        return held


def _is_unlocked(path: str) -> bool:
    try:
        number = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        return True
    try:
        return taken(number) is not False
    finally:
        os.close(number)


# -- what came ---------------------------------------------------------------------------------------------------------


def read_through(file: t.BinaryIO, engine: str | None = None, alive: t.Callable[[], None] = lambda: None) -> int:
    """Read an archive to its last byte, and return how many bytes its files have. `alive` is called now and then.

    That of a PostgreSQL database holds a dump in pg_dump's format, which lists something. Raises `ScalingoError` when it is not whole.
    """
    total, dumps, expected = 0, 0, engine == "postgresql"
    try:
        with gzip.open(file, "rb") as plain:
            with tarfile.open(fileobj=t.cast(t.BinaryIO, plain), mode="r|") as archive:
                for member in archive:
                    content = archive.extractfile(member) if member.isfile() else None
                    if content is None:
                        continue
                    expected = expected or member.name.endswith(".pgsql")
                    head = piece = content.read(HEAD)
                    while piece:
                        alive()
                        total += len(piece)
                        piece = content.read(CHUNK)
                    dumps += is_dump(head)
            # The check sum of gzip comes at the very end.
            while plain.read(CHUNK):
                pass
    except (OSError, EOFError, zlib.error, tarfile.TarError) as error:
        raise ScalingoError(f"the archive cannot be read to its end: {error}") from None
    if total == 0:
        raise ScalingoError("the archive holds nothing")
    if expected and not dumps:
        raise ScalingoError("the archive holds no dump of PostgreSQL that lists anything")
    return total


def is_dump(head: bytes) -> bool:
    """Whether a file that begins so is a dump in pg_dump's own format with at least one entry in its list."""
    if head[:5] != PGDUMP or len(head) < 12 or head[10] not in (1, 3):
        return False
    # A number is a byte for the sign, and then as many as the header says, the lowest first. Seven of them are the time.
    width = head[8]
    place = (12 if head[5:7] >= b"\x01\x0f" else 12 + width) + 7 * (1 + width)
    for is_text in (True, True, True, False):
        number = int.from_bytes(head[place + 1 : place + 1 + width], "little")
        place += 1 + width + (number if is_text and not head[place : place + 1].strip(b"\0") else 0)
    return place <= len(head) and number > 0


# -- what becomes of it ------------------------------------------------------------------------------------------------


class Sealing(t.NamedTuple):
    """How a copy is encrypted: the words of the commands, empty for none, and what the name gets."""

    encrypt: t.Sequence[str]
    decrypt: t.Sequence[str]
    suffix: str


def made(
    place: Place, path: str, *, sha256: str, engine: str | None, database: Raw, backup: Raw, sealing: Sealing, now: str
) -> tuple[str, Raw]:
    """Verify what was downloaded, and encrypt it where asked for: the file that is to be kept, and its description.

    `sha256` is that of the bytes as they came. The clear file is gone after an encryption, whatever came of it. Raises `ScalingoError`.
    """
    watch = place.shelf.watch
    watch.tell(f"verifying the backup {backup['id']}", "verifying", 0)
    with local(f"read {path}"), open(path, "rb") as file:
        seen = os.fstat(file.fileno())
        content = read_through(file, engine, watch.alive)
        os.fsync(file.fileno())
    digest = digest_of(path)
    if digest != sha256:
        raise ScalingoError("the download was altered on this machine: its SHA-256 is another than when it came")
    described: Raw = {
        "made_by": MADE_BY,
        "database": database,
        "backup": backup,
        "encrypted": bool(sealing.encrypt),
        "archive": {"size": seen.st_size, "sha256": digest, "content_bytes": content},
        "verified_at": now,
        "size": seen.st_size,
        "sha256": digest,
    }
    if not sealing.encrypt:
        return path, described
    try:
        output = encrypted(place, path, described, sealing, seen)
    finally:
        with contextlib.suppress(OSError):
            remove(path)
    with local(f"read {output}"):
        described.update(size=os.stat(output).st_size, sha256=digest_of(output))
    return output, described


def encrypted(place: Place, path: str, described: Raw, sealing: Sealing, seen: os.stat_result) -> str:
    """Run the user's command, and return the path of what it wrote. Raises `ScalingoError`, and leaves nothing then."""
    # A name that no program of a run that was killed can still be writing to.
    output = f"{path}.{secrets.token_hex(4)}{sealing.suffix}"
    try:
        done = run(filled(sealing.encrypt, path, output), watcher=place.shelf.watch)
        if done.returncode != 0:
            raise ScalingoError(f"the copy could not be encrypted, {done.ending}: {done.said}")
        with local(f"read {path}"):
            now = os.stat(path)
        if (now.st_ino, now.st_size, now.st_mtime_ns) != (seen.st_ino, seen.st_size, seen.st_mtime_ns):
            raise ScalingoError(f"{path} was changed while it was encrypted", hint="Run it again.")
        size = os.stat(output).st_size if os.path.isfile(output) else 0
        if size == 0:
            raise ScalingoError(f"the copy was not encrypted: {done.command} wrote nothing to {{output}}")
        with local(f"read {output}"):
            os.chmod(output, 0o600)
        # An archive is compressed already, so that what is encrypted is not smaller.
        if size < seen.st_size and not sealing.decrypt:
            raise ScalingoError(
                f"the copy was not encrypted as a whole: {done.command} wrote {size} bytes for an archive of {seen.st_size}",
                hint="See what the command says of a full disk or a missing file. If it compresses, prove it with decrypt_command.",
            )
        if digest_of(output) == described["sha256"]:
            raise ScalingoError(f"{done.command} did not encrypt: {{output}} is the same as {{input}}")
        if sealing.decrypt:
            copy = Copy(output, size, "", True, Archive(seen.st_size, described["sha256"], None), Source("", ""))
            remove(decrypted(copy, sealing.decrypt, place, watch=place.shelf.watch))
    except BaseException:
        with contextlib.suppress(OSError):
            remove(output)
        raise
    return output
