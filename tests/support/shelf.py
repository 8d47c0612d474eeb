# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A directory with copies, and what a run does with them: take one in, remove those that are not to be kept."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import typing as t
from pathlib import Path

from ansible_collections.community.scalingo.plugins.module_utils import _copies, _copy, _copy_making, _part
from ansible_collections.community.scalingo.plugins.module_utils._errors import ScalingoError
from support.programs import packed

ADDON = "ad-00000000-0000-4000-8000-000000000072"
#: 2026-01-28, when all backups of these tests have begun.
PRESENT = 1769562000.0


def number_of(value: int, width: int = 4) -> bytes:
    """A number as pg_dump writes it."""
    return b"\0" + value.to_bytes(width, "little")


def dump(content: bytes, entries: int = 3) -> bytes:
    """What begins as a dump in pg_dump's format does."""
    texts = b"".join(number_of(len(text)) + text for text in (b"shop", b"16.4", b"16.4"))
    return b"PGDMP\x01\x0e\x00\x04\x08\x01" + number_of(1) + number_of(0) * 7 + texts + number_of(entries) + content


def archive(number: int, size: int = 20_000) -> bytes:
    """That of a backup: each has its own."""
    return packed({"dump.pgsql": dump(random.Random(number).randbytes(size))})


def moment(number: int) -> str:
    """When the backup of a number began."""
    return f"2026-01-01T01:{number:02d}:00.000000Z"


class Shelf:
    """Backups have numbers, which are minutes of an hour, too. `sleep` is what a step does that waits for another one."""

    def __init__(self, directory: Path, patience: float = 60, sleep: t.Callable[[float], None] | None = None) -> None:
        directory.mkdir(exist_ok=True)
        self.directory = directory
        self.patience = patience
        self.sleep = sleep

    @property
    def shelf(self) -> _copies.Shelf:
        """As a new run has it."""
        shelf = _copies.Shelf(str(self.directory), ADDON, now=lambda: PRESENT, patience=self.patience)
        if self.sleep is not None:
            shelf._clock.sleep = self.sleep  # type: ignore[method-assign]
        return shelf

    @property
    def growing(self) -> Path:
        return self.directory / (".growing-" + ADDON)

    def take(
        self, number: int, content: bytes = b"", *, encrypt: t.Sequence[str] = (), decrypt: t.Sequence[str] = (), engine: str | None = None,
        backup: t.Mapping[str, t.Any] | None = None, name: str = "", accepted: bool = False, spoiled: bool = False,
    ) -> dict[str, t.Any]:  # fmt: skip
        """What a run does that brings a backup, without the download."""
        backup = {"id": f"backup-{number:02d}", "started_at": moment(number), **(backup or {})}
        shelf = self.shelf
        name = name or f"shop.20260101T01{number:02d}00Z.{backup['id']}.tar.gz"
        with shelf.bringing(backup["id"], stays=not encrypt) as part:
            if part is None:
                return self._shown(backup["id"])
            # What a killed run has left is another file.
            part.restart(_part.Validators(None, None, None))
            part.write(content or archive(number))
            if spoiled:
                Path(part.path).write_bytes(archive(number + 1))
            params = {"encrypt_command": encrypt, "decrypt_command": decrypt, "encrypt_suffix": ".sealed"}
            about = {"database": {"addon_id": ADDON}, "backup": dict(backup), "accepted": accepted}
            try:
                made, described = _copy_making.made(shelf, part, about, engine, params)
            except ScalingoError:
                part.discard()
                raise
            with shelf.alone():
                shelf.put(made, name + (".sealed" if encrypt else ""), described)
                part.forget()
        return self._shown(backup["id"])

    def _shown(self, backup_id: str) -> dict[str, t.Any]:
        return next(copy for copy in self.look() if copy["good"] and copy["backup_id"] == backup_id)

    def copies(self) -> list[_copy.Copy]:
        """As somebody sees them who changes nothing."""
        shelf = self.shelf
        with shelf.alone(changing=False):
            return shelf.found()

    def going(
        self, keep_count: int, keep_seconds: float | None = None, remove_bad: bool = False, most: float = 100
    ) -> list[str]:
        return [copy.name for copy in _copy.chosen(self.copies(), keep_count, keep_seconds, remove_bad, most)]

    def prune(
        self, keep_count: int, keep_seconds: float | None = None, remove_bad: bool = False, most: float = 100
    ) -> list[str]:
        """What a run does that has brought what it wanted: what it was to remove it removes if that holds when it is alone."""
        shelf, gone = self.shelf, []
        for planned in _copy.chosen(self.copies(), keep_count, keep_seconds, remove_bad, most):
            with shelf.alone():
                going = _copy.chosen(shelf.found(), keep_count, keep_seconds, remove_bad, most)
                for copy in going:
                    if copy.path == planned.path:
                        shelf.remove(copy)
                        gone.append(copy.name)
        with shelf.alone():
            shelf.found()
            shelf.clean()
        return gone

    def look(self) -> list[dict[str, t.Any]]:
        return [copy.shown() for copy in self.copies()]

    def have(self, *numbers: int) -> list[Path]:
        return [Path(self.take(number)["path"]) for number in numbers]

    def path(self, number: int) -> Path:
        return self.directory / f"shop.20260101T01{number:02d}00Z.backup-{number:02d}.tar.gz"

    def spoil(self, number: int) -> None:
        self.path(number).write_bytes(self.path(number).read_bytes()[:-1])

    def good(self) -> list[int]:
        """Reckoned here, from the files themselves: the numbers of the backups."""
        numbers = []
        for path in sorted(self.directory.glob("*.gz")):
            with contextlib.suppress(FileNotFoundError):
                described = json.loads(path.with_name(path.name + ".json").read_text(encoding="utf-8"))
                if hashlib.sha256(path.read_bytes()).hexdigest() == described["sha256"]:
                    numbers.append(int(described["backup"]["id"][-2:]))
        return numbers

    def names(self) -> list[str]:
        """Those of everything but the lock, which stays."""
        return sorted(set(os.listdir(self.directory)) - {".lock-" + ADDON})

    def of(self, *numbers: int) -> list[str]:
        """The names of whole copies."""
        return [self.path(number).name + end for number in numbers for end in ("", ".json")]
