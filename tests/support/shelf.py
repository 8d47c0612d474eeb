# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A directory with copies, and the steps of the program of the role backup_offsite on it."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import random
import typing as t
from pathlib import Path

from support.playbook import ROOT
from support.programs import load, packed

PROGRAM = ROOT / "roles" / "backup_offsite" / "files" / "copies.py"
ADDON = "ad-00000000-0000-4000-8000-000000000072"
program = load("backup_offsite_program", PROGRAM)


def archive(number: int) -> bytes:
    """That of a backup: each has its own."""
    return packed({"dump.pgsql": b"PGDMP" + random.Random(number).randbytes(20_000)})


def moment(number: int) -> str:
    """When the backup of a number began."""
    return f"2026-01-01T01:{number:02d}:00Z"


class Shelf:
    """Backups have numbers, which are minutes of an hour, too."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(exist_ok=True)
        self.directory = directory
        self.options: dict[str, t.Any] = {"directory": str(directory), "addon_id": ADDON, "wait": 60}
        self.place = directory / (".growing-" + ADDON)

    def begin(self, number: int, encrypting: bool = False) -> dict[str, t.Any]:
        return program.begin({**self.options, "backup_id": f"backup-{number:02d}", "encrypting": encrypting})

    def download(self, number: int, path: Path | None = None, content: bytes = b"") -> Path:
        """Write what would have been downloaded."""
        if path is None:
            self.place.mkdir(exist_ok=True)
            path = self.place / f"backup-{number:02d}.tar.gz"
        path.write_bytes(content or archive(number))
        return path

    def taking(self, number: int, path: Path | None = None, **options: t.Any) -> dict[str, t.Any]:
        """The options with which a download is taken in."""
        path = path or self.place / f"backup-{number:02d}.tar.gz"
        content = path.read_bytes()
        return {
            "path": str(path), "sha256": hashlib.sha256(content).hexdigest(), "size": len(content), "directory": str(self.directory),
            "name": f"shop.{number:02d}.tar.gz", "command": [], "suffix": ".sealed", "database": {"addon_id": ADDON}, "now": "2026-01-28T01:00:00Z",
            "backup": {"id": f"backup-{number:02d}", "started_at": moment(number)}, "wait": 60, **options,
        }  # fmt: skip

    def take(self, number: int, path: Path | None = None, content: bytes = b"", **options: t.Any) -> dict[str, t.Any]:
        return program.take(self.taking(number, self.download(number, path, content), **options))

    def pruning(self, keep_count: int, **options: t.Any) -> dict[str, t.Any]:
        given = {"current": "", "keep_count": keep_count, "keep_seconds": None, "remove_bad": False, "only_look": False}
        return {**self.options, **given, **options}

    def prune(self, keep_count: int, **options: t.Any) -> dict[str, t.Any]:
        return program.prune(self.pruning(keep_count, **options))

    def look(self) -> list[dict[str, t.Any]]:
        return program.look(self.options)["copies"]

    def have(self, *numbers: int) -> list[Path]:
        # Not in the place where files grow, as several downloads of one backup at once would be.
        return [Path(self.take(number, self.directory / f"download-{number}")["path"]) for number in numbers]

    def spoil(self, number: int) -> None:
        path = self.directory / f"shop.{number:02d}.tar.gz"
        path.write_bytes(path.read_bytes()[:-1])

    def good(self) -> list[str]:
        """Reckoned here, from the files themselves."""
        names = []
        for path in sorted(self.directory.glob("*.gz")):
            with contextlib.suppress(FileNotFoundError):
                described = json.loads(path.with_name(path.name + ".json").read_text(encoding="utf-8"))
                if hashlib.sha256(path.read_bytes()).hexdigest() == described["sha256"]:
                    names.append(path.name)
        return names

    def names(self) -> list[str]:
        """Those of everything but the lock, which stays."""
        return sorted(set(os.listdir(self.directory)) - {".lock-" + ADDON})
