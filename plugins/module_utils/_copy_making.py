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

from ._copies import Shelf, archive_of, busy, converted, open_lock, remove
from ._copy import MADE_BY, Copy, Raw
from ._errors import ScalingoError
from ._files import CHUNK, digest_of, local, or_nothing, read_json, taken

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
        """The names of what earlier runs have left, but for what stays. Nothing while a run is at work there. For who is alone."""
        with local(f"read {self.path}"):
            if os.path.islink(self.path) or not os.path.isdir(self.path) or self._is_taken():
                return []
            return sorted(set(os.listdir(self.path)) - set(staying))

    def _is_taken(self) -> bool:
        try:
            with open_lock(self._lock, changing=False) as file:
                return taken(file.fileno(), shared=True) is False
        except FileNotFoundError:
            return False

    def clean(self, staying: t.Sequence[str] = ()) -> list[str]:
        """Remove what `left` returns, and return it."""
        names = self.left(staying)
        self._remove(names)
        with contextlib.suppress(OSError):
            os.rmdir(self.path)
        return names

    def _remove(self, names: t.Iterable[str]) -> None:
        with local(f"clean {self.path}"):
            for name in names:
                remove(os.path.join(self.path, name))

    @contextlib.contextmanager
    def mine(self, backup_id: str, staying: t.Sequence[str]) -> t.Iterator[Copy | None]:
        """Have it within, unless a good copy of the backup has come meanwhile: that is what it yields then. What stays, stays in any case.

        Raises a `ScalingoError` that is `interrupted` while another run has it.
        """
        with self.shelf.alone():
            there = self.shelf.good(backup_id)
            lock = None if there else self._taken(staying)
        try:
            yield there
        finally:
            if lock is not None:
                with contextlib.suppress(ScalingoError), self.shelf.alone():
                    lock.close()
                    self.clean(staying)

    def _taken(self, staying: t.Sequence[str]) -> t.IO[bytes]:
        """Take its lock, which is a file that says who has it, and clean it."""
        with local(f"make {self.path}"):
            if os.path.islink(self.path):
                raise ScalingoError(f"{self.path} is a link", hint="Remove it.")
            os.makedirs(self.path, mode=0o700, exist_ok=True)
            lock = open_lock(self._lock)
            if taken(lock.fileno()) is False:
                owner = read_json(self._lock)[0] or "another process"
                raise busy(f"another run is bringing a backup of this database to {self.shelf.directory}: {owner}")
            self._remove(set(os.listdir(self.path)) - {os.path.basename(self._lock), *staying})
            # On a disk that is full nobody is told who it is.
            with contextlib.suppress(OSError):
                since = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
                os.ftruncate(lock.fileno(), 0)
                os.write(
                    lock.fileno(), json.dumps(f"process {os.getpid()} on {os.uname().nodename}, since {since}").encode()
                )
        return lock


# -- what came ---------------------------------------------------------------------------------------------------------


def read_through(
    file: t.BinaryIO, engine: str | None = None, tell: t.Callable[[int], object] = lambda read: None
) -> int:
    """Read an archive to its last byte, and return how many bytes its files have. `tell` is told how many of the archive were read.

    That of a PostgreSQL database holds a dump in pg_dump's format, which lists something. Raises `ScalingoError` when it is not whole.
    """
    total, dumps, expected = 0, 0, engine == "postgresql"
    try:
        with gzip.open(file, "rb") as plain, tarfile.open(fileobj=t.cast(t.BinaryIO, plain), mode="r|") as archive:
            for member in archive:
                content = archive.extractfile(member) if member.isfile() else None
                if content is None:
                    continue
                expected = expected or member.name.endswith(".pgsql")
                head = piece = content.read(HEAD)
                while piece:
                    tell(file.tell())
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
    with local(f"read {path}"), open(path, "rb") as file:
        size = os.fstat(file.fileno()).st_size
        tell = place.shelf.progress(f"verifying the backup {backup['id']}", size)
        tell(0)
        content = read_through(file, engine, tell)
        os.fsync(file.fileno())
    if digest_of(path, tell) != sha256:
        raise ScalingoError("the download was altered on this machine: its SHA-256 is another than when it came")
    described: Raw = {
        "made_by": MADE_BY,
        "database": database,
        "backup": backup,
        "archive": {"size": size, "sha256": sha256, "content_bytes": content},
        "verified_at": now,
    }
    output = path
    if sealing.encrypt:
        with or_nothing(path):
            output, size, sha256 = encrypted(place, path, sha256, sealing)
        remove(path)
    return output, {**described, "encrypted": bool(sealing.encrypt), "size": size, "sha256": sha256}


def encrypted(place: Place, path: str, sha256: str, sealing: Sealing) -> tuple[str, int, str]:
    """Have the user's command encrypt an archive, and return the path, the size and the SHA-256 of the file. Raises `ScalingoError`."""
    # A name that no program of a run that was killed can still be writing to.
    output = f"{path}.{secrets.token_hex(4)}{sealing.suffix}"
    watch = place.shelf.watch
    with local(f"read {output}"), or_nothing(output):
        command = converted(sealing.encrypt, path, output, "the copy could not be encrypted", watch=watch)
        if digest_of(path) != sha256:
            raise ScalingoError(f"{path} was changed while it was encrypted", hint="Run it again.")
        size, before, digest = os.path.getsize(output), os.path.getsize(path), digest_of(output)
        if digest == sha256:
            raise ScalingoError(f"{command} did not encrypt: {{output}} is the same as {{input}}")
        if sealing.decrypt:
            remove(archive_of(output, sha256, sealing.decrypt, place.path, watch))
        elif size < before:
            # An archive is compressed already, so that what is encrypted is not smaller.
            raise ScalingoError(
                f"the copy was not encrypted as a whole: {command} wrote {size} bytes for an archive of {before}",
                hint="See what the command says of a full disk or a missing file. If it compresses, prove it with decrypt_command.",
            )
    return output, size, digest
