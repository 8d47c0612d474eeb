# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""How the archive of a backup becomes a copy: verified to its last byte, and encrypted."""

from __future__ import annotations

import contextlib
import gzip
import os
import secrets
import tarfile
import typing as t
import zlib

from ._copies import Shelf, archive_of, converted, remove
from ._copy import MADE_BY, Raw
from ._core import moment
from ._errors import ScalingoError
from ._files import CHUNK, digest_of, local, or_nothing
from ._part import Part

#: What a dump in pg_dump's own format begins with, and how much of it is read to see that it lists something.
PGDUMP = b"PGDMP"
HEAD = 64 * 1024
#: What reading an archive raises that is not whole. A disk that cannot be read raises another `OSError`.
DAMAGED = (tarfile.TarError, EOFError, zlib.error, gzip.BadGzipFile)


# -- what came ---------------------------------------------------------------------------------------------------------


def members(file: t.BinaryIO) -> t.Iterator[tuple[str, t.IO[bytes] | None]]:
    """Yield name and content of what is in an archive, none for what is no file. It is read to its very end, where its check sum is."""
    with gzip.open(file, "rb") as plain, tarfile.open(fileobj=t.cast(t.BinaryIO, plain), mode="r|") as archive:
        for member in archive:
            yield member.name, archive.extractfile(member) if member.isfile() else None
        while plain.read(CHUNK):
            pass


def read_through(
    file: t.BinaryIO, engine: str | None = None, tell: t.Callable[[int], object] = lambda read: None
) -> int:
    """Read an archive to its last byte, and return how many bytes its files have. `tell` is told how many of the archive were read.

    That of a PostgreSQL database holds a dump in pg_dump's format, which lists something. Raises `ScalingoError` when it is not whole.
    """
    total, dumps, expected = 0, 0, engine == "postgresql"
    try:
        for name, content in members(file):
            if content is None:
                continue
            expected = expected or name.endswith(".pgsql")
            head = piece = content.read(HEAD)
            while piece:
                tell(file.tell())
                total += len(piece)
                piece = content.read(CHUNK)
            dumps += is_dump(head)
    except (OSError, *DAMAGED) as error:
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


def made(shelf: Shelf, part: Part, about: Raw, engine: str | None, params: t.Mapping[str, t.Any]) -> tuple[str, Raw]:
    """Verify what was downloaded, and encrypt it where the task says so: the path of the file that is to be kept, and its description.

    `about` is what the description says of the database and the backup. The clear file is empty after an encryption. Raises `ScalingoError`.
    """
    path, sha256 = part.path, part.digest.hexdigest()
    tell = shelf.progress(f"verifying the backup {part.subject}", part.size)
    with local(f"read {path}"), open(path, "rb") as file:
        content = read_through(file, engine, tell)
        os.fsync(file.fileno())
    if digest_of(path, tell) != sha256:
        raise ScalingoError("the download was altered on this machine: its SHA-256 is another than when it came")
    archive = {"size": part.size, "sha256": sha256, "content_bytes": content}
    described: Raw = {**about, "made_by": MADE_BY, "verified_at": moment(), "archive": archive}
    if not params["encrypt_command"]:
        return path, {**described, "encrypted": False, "size": part.size, "sha256": sha256}
    try:
        output, digest = encrypted(shelf, part, params)
    finally:
        # It is emptied and not removed: another run may begin when it is gone.
        with contextlib.suppress(OSError):
            os.truncate(path, 0)
    return output, {**described, "encrypted": True, "size": os.path.getsize(output), "sha256": digest}


def encrypted(shelf: Shelf, part: Part, params: t.Mapping[str, t.Any]) -> tuple[str, str]:
    """Have the user's command encrypt an archive, and return the path and the SHA-256 of the file. Raises `ScalingoError`."""
    sha256, watch = part.digest.hexdigest(), shelf.watch
    # A name that no program of a run that was killed can still be writing to.
    output = f"{part.path}.{secrets.token_hex(4)}{params['encrypt_suffix']}"
    with local(f"read {output}"), or_nothing(output):
        command = converted(
            params["encrypt_command"], part.path, output, "the copy could not be encrypted", watch=watch
        )
        if digest_of(part.path) != sha256:
            raise ScalingoError(f"{part.path} was changed while it was encrypted", hint="Run it again.")
        size, digest = os.path.getsize(output), digest_of(output)
        if digest == sha256:
            raise ScalingoError(f"{command} did not encrypt: {{output}} is the same as {{input}}")
        if params["decrypt_command"]:
            remove(archive_of(output, sha256, params["decrypt_command"], shelf.growing, watch))
        elif size < part.size:
            # An archive is compressed already, so that what is encrypted is not smaller.
            raise ScalingoError(
                f"the copy was not encrypted as a whole: {command} wrote {size} bytes for an archive of {part.size}",
                hint="See what the command says of a full disk or a missing file. If it compresses, prove it with decrypt_command.",
            )
    return output, digest
