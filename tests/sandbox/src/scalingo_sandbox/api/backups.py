# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups: list, create, show, link, download, restore."""

from __future__ import annotations

import re
from email.utils import formatdate, parsedate_to_datetime
from pathlib import Path

from scalingo_sandbox import state, views, work
from scalingo_sandbox.api.database import reachable, refuse_foreign
from scalingo_sandbox.api.main import refuse_busy
from scalingo_sandbox.api.routing import Answer, Call, Refusal, base_of, route
from scalingo_sandbox.models import base, database
from scalingo_sandbox.tokens import TokenRefused


def _refuse_without_backups(addon: state.Addon) -> None:
    if not addon.kind.backups:
        raise Refusal(400, {"error": "backups are not available for this database"})


def _size(call: Call, backup: state.Backup) -> int | None:
    if backup.size is not None:
        return backup.size
    return call.world.archives.size(backup) if backup.status == "done" else None


def _shown(call: Call, addon: state.Addon, backup: state.Backup) -> database.Backup:
    return views.backup(call.world, addon.database, backup, _size(call, backup))


def _find(addon: state.Addon, identifier: str) -> state.Backup:
    for backup in addon.database.backups:
        if backup.id == identifier:
            return backup
    raise Refusal(404, {"error": "Backup not found"})


@route("B1", "db", "GET", "/api/databases/{db}/backups", safe=True)
def list_backups(call: Call) -> database.BackupsAnswer:
    """The backups of a database, the latest first."""
    owner = call.owner
    _refuse_without_backups(owner)
    backups = [backup for backup in owner.database.backups if not backup.hidden]
    backups.sort(key=lambda backup: -backup.created_at)
    return database.BackupsAnswer(database_backups=[_shown(call, owner, backup) for backup in backups])


@route("B2", "db", "POST", "/api/databases/{db}/backups", safe=False, status=201, body=base.Empty)
def create_backup(call: Call) -> database.BackupAnswer:
    """A manual backup, in the background. One too many and the oldest one goes."""
    owner = call.owner
    _refuse_without_backups(owner)
    if work.running_backup(owner.database) is not None:
        raise Refusal(int(call.world.switch("backup_running")), {"error": "a backup is running"})
    refuse_busy(call.world, owner)
    backup = work.begin_backup(call.world, owner, "manual")
    return database.BackupAnswer(database_backup=_shown(call, owner, backup))


@route("B3", "db", "GET", "/api/backups/{backup}", safe=True, only="backup_show=!nested")
def show_backup(call: Call) -> database.BackupAnswer:
    """One backup, by its identifier alone."""
    for addon in reachable(call):
        for backup in addon.database.backups:
            if backup.id == call.path["backup"]:
                refuse_foreign(call, addon)
                return database.BackupAnswer(database_backup=_shown(call, addon, backup))
    raise Refusal(404, {"error": "Backup not found"})


@route("B3'", "db", "GET", "/api/databases/{db}/backups/{backup}", safe=True, only="backup_show=!flat")
def show_backup_of_database(call: Call) -> database.BackupAnswer:
    """One backup, below its database."""
    owner = call.owner
    return database.BackupAnswer(database_backup=_shown(call, owner, _find(owner, call.path["backup"])))


@route("B4", "db", "GET", "/api/databases/{db}/backups/{backup}/archive", safe=True)
def make_download_link(call: Call) -> database.DownloadAnswer:
    """A signed link to the archive of a backup; it expires."""
    world, owner = call.world, call.owner
    backup = _find(owner, call.path["backup"])
    if _is_missing(owner, backup) and world.switch("archive_missing") == "400":
        raise Refusal(400, {"error": f"backups of {owner.kind.display_name} cannot be downloaded"})
    failed = backup.status in ("error", "cancelled")
    if failed or (backup.status != "done" and world.switch("archive_not_done") == "400"):
        raise Refusal(400, {"error": "the backup is not done"})
    address, prefix = base_of(call) if world.switch("download_host") == "db" else (world.addresses.files, "/api")
    path = f"{prefix}/databases/{owner.id}/backups/{backup.id}/download"
    token = views.download_token(world, backup)
    return database.DownloadAnswer(download_url=views.link(world, address, path, world.durations.download_link, token))


@route(
    "B5",
    "files",
    "GET",
    "/api/databases/{db}/backups/{backup}/download",
    access="none",
    safe=True,
    query="token!",
    also="206 403 416",
)
def download_backup(call: Call) -> Answer:
    """The archive of a backup. The link's token is all it needs; it can be resumed."""
    addon = call.world.find_addon(call.path["db"])
    if addon is None or not _has_own_token(call, addon):
        check_link(call)
    if addon is None:
        raise Refusal(404, {"error": "Database not found"})
    backup = _find(addon, call.path["backup"])
    if _is_missing(addon, backup):
        if call.world.switch("archive_missing") == "504":
            raise Refusal(504, None)
        return _error_text(NO_SUCH_KEY.format(provider=addon.kind.provider, name=backup.name))
    if backup.status != "done":
        return _error_text(NOT_DONE)
    return served_file(call, call.world.archives.path(backup), f"{backup.name}.tar.gz", backup.created_at)


route("B5", "db", "GET", "/api/databases/{db}/backups/{backup}/download", access="none", safe=True)(download_backup)


def _has_own_token(call: Call, addon: state.Addon) -> bool:
    """Whether the link holds the token of the archive itself, while that lives."""
    now, token = call.world.clock.clients(), call.query.get("token")
    wanted = [item for item in addon.database.backups if item.id == call.path["backup"]]
    return any(item.download_token == token and now < item.download_token_until for item in wanted)


NO_SUCH_KEY = (
    "fail to get archive from storage backend: fail to get S3 object {provider}/{name}.tar.gz: operation error S3: GetObject, "
    "https response error StatusCode: 404, RequestID: 7a1c3f0e, HostID: storage, NoSuchKey: "
)
NOT_DONE = "fail to get archive from storage backend: the archive isn't there yet"


def _is_missing(addon: state.Addon, backup: state.Backup) -> bool:
    return backup.lost or not addon.kind.downloads


def _error_text(text: str) -> Answer:
    """What somebody got instead of an archive, with status 200."""
    return Answer(None, 200, raw=text.encode(), media_type="text/plain")


def check_link(call: Call) -> None:
    try:
        call.world.tokens.check_link(call.record.path, call.query.get("token", ""))
    except TokenRefused as error:
        raise Refusal(403, {"error": str(error)}) from error


def served_file(call: Call, path: Path, name: str, modified: float) -> Answer:
    """A file, or the part of it that was asked for."""
    world = call.world
    total = path.stat().st_size
    etag = f'"{path.stem.partition(".")[0]}-{total:x}"'
    headers = {
        "Content-Disposition": f'attachment; filename="{name}"',
        "Last-Modified": formatdate(modified, usegmt=True),
    }
    if world.switch("download_etag") == "weak":
        etag = f"W/{etag}"
    if world.switch("download_etag") != "missing":
        headers["ETag"] = etag
    offset, length, status = 0, total, 200
    if world.switch("download_range") == "yes":
        headers["Accept-Ranges"] = "bytes"
        wanted = _range(call.headers.get("range", ""), total)
        if wanted is not None and _still_the_same(call.headers.get("if-range"), etag, modified):
            offset, end = wanted
            if offset > end:
                raise Refusal(416, None, {"Content-Range": f"bytes */{total}"})
            length, status = end - offset + 1, 206
            headers["Content-Range"] = f"bytes {offset}-{end}/{total}"
    if world.switch("download_length") == "yes":
        headers["Content-Length"] = str(length)
    call.record.body = None
    return Answer(None, status, headers, media_type="application/gzip", file=(path, offset, length))


_RANGE = re.compile(r"bytes=([0-9]{0,18})-([0-9]{0,18})")


def _range(header: str, total: int) -> tuple[int, int] | None:
    """First and last byte. None: no range, or one that is not understood and ignored. (1, 0): unsatisfiable."""
    match = _RANGE.fullmatch(header.replace(" ", ""))
    if match is None or match.group(0) == "bytes=-":
        return None
    first, last = match.groups()
    if not first:
        count = min(int(last), total)
        return (total - count, total - 1) if count else (1, 0)
    start = int(first)
    end = min(int(last), total - 1) if last else total - 1
    if start >= total:
        return 1, 0
    return (start, end) if start <= end else None


def _still_the_same(condition: str | None, etag: str, modified: float) -> bool:
    """If-Range: a strong validator, or the exact date."""
    if condition is None:
        return True
    if condition.startswith('"'):
        return condition == etag
    if condition.startswith("W/"):
        return False
    try:
        return int(parsedate_to_datetime(condition).timestamp()) == int(modified)
    except (ValueError, OverflowError):
        return False


@route(
    "B6",
    "db",
    "POST",
    "/api/databases/{db}/backups/{backup}/restore",
    safe=False,
    status=201,
    dashboard=True,
    body=base.Empty,
    answer=database.Restoration,
)
def restore_backup(call: Call) -> Answer:
    """A backup is put back, in the background."""
    owner = call.owner
    _refuse_without_backups(owner)
    backup = _find(owner, call.path["backup"])
    if backup.status != "done":
        raise Refusal(400, {"error": "the backup is not done"})
    refuse_busy(call.world, owner)
    restoration = work.begin_restoration(call.world, owner, backup)
    shown = views.restoration(call.world, owner.database, restoration)
    return Answer(shown, status=int(call.world.switch("restore_status")))


@route("B7", "db", "GET", "/api/databases/{db}/backup_restorations/{restoration}", safe=True, dashboard=True)
def show_restoration(call: Call) -> database.RestorationAnswer:
    """How far a restoration is."""
    item = call.database
    restoration = item.restorations.get(call.path["restoration"])
    if restoration is None:
        raise Refusal(404, {"error": "Backup restoration not found"})
    return database.RestorationAnswer(backup_restoration=views.restoration(call.world, item, restoration))
