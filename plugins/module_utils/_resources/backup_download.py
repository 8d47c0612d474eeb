# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""A backup as a file on this machine (docs/contract.md section 2.10).

Beside the file stands a description of it, with the backup's ID, the size and the SHA-256: it tells the next task that the
file is there already. It is written last, so it never describes a file that is not whole.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import stat
import typing as t

from .. import _download, _files, _part
from .._answer import Stream
from .._api.backup import BACKUP, show_backup_link
from .._change import Resource
from .._client import Client
from .._errors import InvalidInput
from .._options import check_absolute, check_writable, checked
from .._shapes import readable
from .._step import Consent, Params, State, Step
from . import backup as backups

DEFAULT_MODE = "0600"
MIB = 1024 * 1024


def file_mode(value: object) -> int:
    """Permissions as octal text, or as the number that YAML makes of it. Raises `ValueError`."""
    if isinstance(value, int) and not isinstance(value, bool):
        number = value
    elif isinstance(value, str) and re.fullmatch(r"(0o)?[0-7]{3,4}", value):
        number = int(value, 8)
    else:
        number = -1
    if not 0o400 <= number <= 0o777:
        raise ValueError(f"{value!r} is not a mode that a file can be read with: use for example '0600'")
    return number


class BackupDownload(backups.WithArchives, Resource[t.Optional[State]]):
    """Have a backup as a file. The state is what is known of the file, and the backup that it is to be."""

    managed_fields = ("path", "backup_id", "mode")

    @classmethod
    def parse(cls, params: Params) -> None:
        backups.check_backup_id(params)
        checked("mode", file_mode, params["mode"])
        for name in ("dest", "work_dir"):
            check_absolute(name, params[name])
        dest = params["dest"]
        directory = dest if os.path.isdir(dest) else os.path.dirname(dest.rstrip("/"))
        if dest.endswith("/") and not os.path.isdir(dest):
            raise InvalidInput(f"dest is {dest}, which is not a directory", hint="Create it first.")
        for name, path in (("dest", directory), ("work_dir", params["work_dir"])):
            if path is None:
                continue
            if not os.path.isdir(path):
                raise InvalidInput(f"{name}: there is no directory {path}", hint="Create it first.")
            check_writable(name, path)

    def __init__(self, *arguments: t.Any) -> None:
        super().__init__(*arguments)
        self._backup: State | None = None
        self._consent: tuple[Consent, ...] = ()
        self._told: set[str] = set()

    def _warn_once(self, message: str) -> None:
        if message not in self._told:
            self._told.add(message)
            self.warn(message)

    @property
    def _mode(self) -> str:
        return f"{file_mode(self.params['mode']):04o}"

    # -- what is there, and what is wanted ---------------------------------------------------------------------------

    @property
    def _wanted_backup(self) -> State:
        """The backup that the task means, as it was when it was first looked for."""
        if self._backup is None:
            self._backup = self._described_here() or self.meant()
        return self._backup

    def read(self) -> State | None:
        # Before the file is looked at, which is compared with it.
        backup = self._wanted_backup
        found = self._file(self._path())
        if found is None or found["backup_id"] != backup["id"]:
            self._consent = self.export_consent()
        return found

    def _described_here(self) -> State | None:
        """The backup that the task names, when the file is here already: the platform need not be asked, nor have it."""
        if self.params["backup_id"] is None or os.path.isdir(self.params["dest"]):
            return None
        described = self._description(self.params["dest"])
        found = self._file(self.params["dest"])
        if described is None or found is None or found["backup_id"] != self.params["backup_id"]:
            return None
        return t.cast(State, described["backup"])

    def _path(self) -> str:
        dest = t.cast(str, self.params["dest"])
        if not os.path.isdir(dest):
            return dest
        backup = self._wanted_backup
        name = backup["name"] or backup["id"]
        if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9._-]*", name):
            raise InvalidInput(
                f"the name of the backup, {name!r}, cannot be the name of a file", hint="Name the file itself in dest."
            )
        return os.path.join(dest, name + ".tar.gz")

    def _file(self, path: str) -> State | None:
        """What is known of the file. It is a certain backup only when the description beside it says so and fits."""
        with _files.local(f"read {path}"):
            try:
                found = os.stat(path)
            except FileNotFoundError:
                return None
        if not stat.S_ISREG(found.st_mode):
            raise InvalidInput(f"dest: {path} exists and is not a file")
        described = self._description(path) or {}
        intact = described.get("size") == found.st_size
        intact = intact and self._verified(path, described) and self._is_an_archive(path, described)
        return {
            "path": path,
            "backup_id": described["backup"]["id"] if intact else None,
            "size": found.st_size,
            "sha256": described["sha256"] if intact else None,
            "mode": f"{stat.S_IMODE(found.st_mode):04o}",
        }

    def _is_an_archive(self, path: str, described: State) -> bool:
        """Whether the file can be the backup at all: an error text may have been taken for it."""
        backup_id = described["backup"]["id"]
        known_as = (described["backup"], self._backup or {})
        sizes = {backup["size"] for backup in known_as if backup.get("id") == backup_id}
        with _files.local(f"read {path}"), open(path, "rb") as file:
            start = file.read(len(_download.GZIP))
        if start == _download.GZIP and sizes <= {None, 0, described["size"]}:
            return True
        self._warn_once(f"{path} is described as the backup {backup_id}, and is not that archive.")
        return False

    def _verified(self, path: str, described: State) -> bool:
        if not self.params["verify"]:
            return True
        if _files.digest_of(path) == described["sha256"]:
            return True
        self._warn_once(
            f"{path} does not have the SHA-256 any more that it was downloaded with: it is damaged, or was changed."
        )
        return False

    @staticmethod
    def _description(path: str) -> State | None:
        try:
            with open(path + ".json", encoding="utf-8") as file:
                found = json.load(file)
            good = isinstance(found["backup"]["id"], str) and isinstance(found["size"], int)
            good = good and isinstance(found["sha256"], str) and set(found["backup"]) == BACKUP.fields.keys()
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            return None
        return t.cast(State, found) if good else None

    def wanted(self, before: State | None) -> State:
        backup = self._wanted_backup
        same = before is not None and before["backup_id"] == backup["id"]
        return {
            "path": self._path(),
            "backup_id": backup["id"],
            "size": before["size"] if before is not None and same else None,
            "sha256": before["sha256"] if before is not None and same else None,
            "mode": self._mode,
        }

    def steps(self, before: State | None, after: State | None) -> list[Step]:
        backup_id, path, mode = self._wanted_backup["id"], self._path(), self._mode
        if before is None or before["backup_id"] != backup_id:
            int(self._wanted_backup["size"] or 0)  # Raises when it cannot be read: the download is compared with it.
            return [
                Step(
                    f"download the backup {backup_id} to {path}",
                    send=lambda: self._download(path),
                    consent=self._consent,
                )
            ]
        if before["mode"] != mode:
            return [
                Step(
                    f"set the mode of {path} from {before['mode']} to {mode}",
                    send=lambda: self._set_mode(path),
                )
            ]
        return []

    def result(self, state: State | None) -> dict[str, t.Any]:
        # Afterwards there is a file.
        there = t.cast(State, state)
        return {
            "backup": self._wanted_backup,
            "file": {name: there[name] for name in ("path", "size", "sha256", "mode")},
        }

    # -- the work ----------------------------------------------------------------------------------------------------

    def _set_mode(self, path: str) -> None:
        with _files.local(f"set the mode of {path}"):
            os.chmod(path, file_mode(self.params["mode"]))

    def _download(self, path: str) -> None:
        backup = self._wanted_backup
        mode = file_mode(self.params["mode"])
        with _part.Part(self._part(path), str(backup["id"])) as part:
            fetch(self.client, backup, part)
            description = {
                "backup": backup,
                "app": self.client.target.app,
                "addon_id": self.client.target.addon_id,
                "region": self.client.region,
                "size": part.size,
                "sha256": part.digest.hexdigest(),
            }
            with _files.local(f"remove {path}.json"), contextlib.suppress(FileNotFoundError):
                os.unlink(path + ".json")
            _part.publish(part, path, mode)
        text = json.dumps(readable(description, lambda dummy: None), indent=2, sort_keys=True)
        _files.write_atomically(path + ".json", text + "\n", mode)
        _files.sync_directory(os.path.dirname(path))

    def _part(self, path: str) -> str:
        directory, name = os.path.split(path)
        if self.params["work_dir"] is None:
            return os.path.join(directory, f".{name}.part")
        # Files of the same name in different places may be on their way at once.
        place = _files.name_of(os.path.abspath(path), 12)
        return os.path.join(self.params["work_dir"], f".{name}.{place}.part")


def fetch(client: Client, backup: State, part: _part.Part, in_time: t.Callable[[], None] = lambda: None) -> None:
    """Bring the archive of a backup into a part, which is open. Raises `ScalingoError`; see `_download.fetch`.

    `in_time` is called for each piece, and raises when there is no more time for it. Whether data that are protected may leave the
    platform is for the caller to ask (`WithArchives.export_consent`).
    """
    backups.require_made(backup["id"])
    _download.fetch(_Link(client, str(backup["id"]), in_time), part, backup["size"])


class _Link:
    """Where a backup comes from: a link that the API hands out, and hands out anew when it has expired."""

    def __init__(self, client: Client, backup_id: str, in_time: t.Callable[[], None]) -> None:
        self._client = client
        self._backup_id = backup_id
        self._in_time = in_time
        self.clock = client.clock
        self.retries = client.settings.retries

    def link(self) -> str:
        return self._client.conceal(show_backup_link(self._client, self._backup_id))

    def open(self, link: str, headers: t.Mapping[str, str]) -> Stream:
        return self._client.open_link(_download.ROUTE, link, headers)

    def note(self, message: str) -> None:
        self._client.transport.verbose(message)

    def received(self, size: int, total: int | None, seconds: float, rate: float) -> None:
        watch = self._client.watch
        watch.alive()
        self._in_time()
        share = "" if not total else f" of {total / MIB:.1f} MiB ({100 * size // total} %)"
        detail = f"{size / MIB:.1f} MiB{share}, {rate / MIB:.1f} MiB/s"
        watch.tell(f"downloading the backup {self._backup_id}", "downloading", seconds, detail)
