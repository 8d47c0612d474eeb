# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs of databases: a link to the last lines, and archives."""

from __future__ import annotations

import gzip
from datetime import datetime, timedelta, timezone

from scalingo_sandbox import state, views
from scalingo_sandbox.api.backups import check_link
from scalingo_sandbox.api.routing import Answer, Call, Refusal, invalid, route
from scalingo_sandbox.models import database

PAGE = 10
DAY = 86400.0


@route("L1", "db", "GET", "/api/databases/{db}/logs", safe=True)
def make_logs_link(call: Call) -> database.LogsAnswer:
    """A signed link to the last lines of the log; it expires."""
    world, owner = call.world, call.owner
    path = f"/apps/{owner.database.id}/logs"
    return database.LogsAnswer(url=views.link(world, world.addresses.files, path, world.durations.download_link))


route("L1", "db", "GET", "/dapi/databases/{db}/logs", access="addon", safe=True, only="deprecated_paths=on")(
    make_logs_link
)


def _addon(call: Call) -> state.Addon:
    for app in call.world.apps:
        for addon in app.addons:
            if addon.database.id == call.path["identifier"]:
                return addon
    raise Refusal(404, {"error": "Logs not found"})


def written(line: state.LogLine) -> str:
    """One line as the platform writes it: instant, component, text."""
    instant = datetime.fromtimestamp(line.time, _SUMMER)
    return f"{instant:%Y-%m-%d %H:%M:%S}.{instant.microsecond:06d}944 +0200 CEST [{line.source}] {line.text}"


_SUMMER = timezone(timedelta(hours=2))


def unordered(lines: list[str]) -> list[str]:
    """Lines that are near to each other may come in another order: here the last two."""
    return [*lines[:-2], *reversed(lines[-2:])]


@route(
    "log-lines",
    "files",
    "GET",
    "/apps/{identifier}/logs",
    access="none",
    safe=True,
    query="token! n filter timestamp",
    also="204 403",
)
def read_logs(call: Call) -> Answer:
    """The last lines of a log, as text; 204 when there are none."""
    check_link(call)
    lines = [written(line) for line in _addon(call).database.logs]
    wanted = call.query.get("filter") or ""
    lines = [line for line in lines if not wanted or f"[{wanted}]" in line]
    count = call.query.get("n") or "100"
    number = views.digits(count)
    if number is None:
        raise invalid(call.world, n="is not a number")
    lines = lines[-number:] if number else []
    if not lines:
        return Answer(None, 204)
    return Answer(None, 200, raw="".join(f"{line}\r\n" for line in unordered(lines)).encode(), media_type="text/plain")


@route("L2", "db", "GET", "/api/databases/{db}/logs_archives", safe=True, query="page cursor")
def list_archives(call: Call) -> database.LogArchivesAnswer:
    """The archives of the log, the latest first, by page or by cursor."""
    world, item = call.world, call.owner.database
    text = call.query.get("cursor") or call.query.get("page") or "1"
    page = views.digits(text.removeprefix("page-"))
    if not page:
        raise invalid(world, page="is not a number above 0")
    midnight = world.now() // DAY * DAY
    numbers = list(range(item.log_archives))[(page - 1) * PAGE : page * PAGE]
    archives = []
    for number in numbers:
        path = f"/archives/{item.id}/{number}.gz"
        start = midnight - DAY * (number + 1)
        archives.append(
            database.LogArchive.model_validate(
                {
                    "url": views.link(world, world.addresses.files, path, world.durations.download_link),
                    "size": len(_content(number)),
                    "from": world.date(start),
                    "to": world.date(start + DAY),
                }
            )
        )
    more = page * PAGE < item.log_archives
    return database.LogArchivesAnswer(archives=archives, next_cursor=f"page-{page + 1}" if more else "", has_more=more)


def _content(number: int) -> bytes:
    return gzip.compress(f"2026-01-01 02:00:00.000000944 +0200 CEST [db-node] archive {number}\r\n".encode(), mtime=0)


@route(
    "log-archive",
    "files",
    "GET",
    "/archives/{identifier}/{number}.gz",
    access="none",
    safe=True,
    query="token!",
    also="403",
)
def read_archive(call: Call) -> Answer:
    """One archive of a log."""
    check_link(call)
    item = _addon(call).database
    number = views.digits(call.path["number"])
    if number is None or number >= item.log_archives:
        raise Refusal(404, {"error": "Archive not found"})
    return Answer(None, 200, raw=_content(number), media_type="application/gzip")
