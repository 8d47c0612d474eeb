# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The archives of backups: a gzipped tar each, the same bytes every time it is asked for."""

from __future__ import annotations

import gzip
import hashlib
import io
import random
import tarfile
import tempfile
from pathlib import Path
from typing import IO

from scalingo_sandbox.engines.base import BACKUP
from scalingo_sandbox.state import Backup

_BLOCK = 1024 * 1024
_ROOM = 32


class Archives:
    """Makes the archive of a backup when it is first needed, and removes all of them at the end."""

    def __init__(self) -> None:
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._sizes: dict[str, int] = {}

    def path(self, backup: Backup) -> Path:
        if self._directory is None:
            self._directory = tempfile.TemporaryDirectory(prefix="scalingo-sandbox-archives-")
        path = Path(self._directory.name) / f"{hashlib.sha256(backup.id.encode()).hexdigest()[:24]}.tar.gz"
        if not path.exists():
            partial = path.with_suffix(".partial")
            with partial.open("wb") as stream:
                self._write(backup, stream)
            partial.rename(path)
        return path

    def size(self, backup: Backup) -> int:
        if backup.id not in self._sizes:
            self._sizes[backup.id] = self.path(backup).stat().st_size
        return self._sizes[backup.id]

    def _write(self, backup: Backup, stream: io.BufferedWriter) -> None:
        padding = backup.archive_bytes or 0
        if padding:
            self._pack(backup, backup.name, stream, padding=padding)
            return
        # A name that holds another moment compresses to another length: the header of gzip has room to make up for it.
        lengths = []
        for name in (backup.name, "0" * len(backup.name)):
            packed = io.BytesIO()
            self._pack(backup, name, packed)
            lengths.append(len(packed.getvalue()))
        self._pack(backup, backup.name, stream, room="_" * (lengths[1] - lengths[0] + _ROOM))

    @staticmethod
    def _pack(backup: Backup, called: str, stream: IO[bytes], *, room: str = "", padding: int = 0) -> None:
        level = 0 if padding else 9
        with (
            gzip.GzipFile(filename=room, mode="wb", compresslevel=level, fileobj=stream, mtime=0) as packed,
            tarfile.open(fileobj=packed, mode="w|", format=tarfile.GNU_FORMAT) as archive,
        ):
            for name, content in sorted(backup.files.items()):
                archive.addfile(_member(name.replace(BACKUP, called), len(content)), io.BytesIO(content))
            if padding:
                archive.addfile(_member("padding", padding), _Padding(padding))  # type: ignore[arg-type]

    def close(self) -> None:
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = None
        self._sizes.clear()


class _Padding:
    """Bytes that do not compress, as many as wanted."""

    def __init__(self, length: int) -> None:
        self._left = length
        self._block = random.Random(0).randbytes(_BLOCK)  # noqa: S311 - nothing secret

    def read(self, count: int) -> bytes:
        count = min(count, self._left, _BLOCK)
        self._left -= count
        return self._block[:count]


def _member(name: str, size: int) -> tarfile.TarInfo:
    """Without a time: what is the same shall have the same length."""
    member = tarfile.TarInfo(name)
    member.size = size
    member.mode = 0o600
    return member
