# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log drains of an addon: section 2.1 of docs/contract.md, A16 to A18. What there is stands in the addon's things."""

from __future__ import annotations

import re
from hashlib import sha256
from urllib.parse import quote

from scalingo_sandbox.api.routing import Answer, Call, invalid, not_found, route
from scalingo_sandbox.models.base import Request, Response
from scalingo_sandbox.switches import switch

PATH = "/v1/apps/{app}/addons/{addon}/log_drains"

switch("log_drain_shown", "documented service masked hashed", "6.68", "how the address of a log drain is shown")
switch("log_drain_existing", "accept 422", "6.69", "a second log drain with the same address")


class LogDrain(Response):
    app_id: str | None = None
    url: str


class LogDrainsAnswer(Response):
    drains: list[LogDrain]


class LogDrainAnswer(Response):
    drain: LogDrain


class LogDrainFields(Request):
    """Go sends all of them, empty for what is not given."""

    type: str
    url: str = ""
    host: str = ""
    port: str = ""
    token: str = ""
    drain_region: str = ""


class LogDrainCreation(Request):
    drain: LogDrainFields


class LogDrainRemoval(Request):
    """In the body, as the document has it; Go sends the query."""

    url: str | None = None


#: What each type of drain must be given, and how it is shown: as the documents have it, and by its service, where they say nothing.
DRAINS: dict[str, tuple[str, str, str]] = {
    "datadog": ("token drain_region", "datadog://{token}?region={drain_region}", ""),
    "ovh-graylog": ("token host", "ovh://:{token}@{host}:6514", ""),
    "papertrail": ("host port", "tcp+tls://{host}:{port}", ""),
    "syslog": ("host port", "syslog://{host}:{port}", ""),
    "elk": ("url", "{url}", ""),
    "appsignal": ("token", "appsignal://{token}", "https://appsignal-endpoint.net/logs?api_key={token}"),
    "logtail": ("token", "logtail://{token}", "https://in.logs.betterstack.com/{token}"),
    "betterstack": ("token host", "https://:{token}@{host}", ""),
}


def _shown_drain(call: Call, given: LogDrainFields) -> str:
    """The address by which a new drain is known from now on."""
    if given.type not in DRAINS:
        raise invalid(call.world, type="is not a type of log drain")
    needed, documented, by_service = DRAINS[given.type]
    shown, parts = call.world.switch("log_drain_shown"), {**given.model_dump(), "token": quote(given.token, safe="")}
    missing = {name: "can't be blank" for name in needed.split() if not parts[name]}
    if missing:
        raise invalid(call.world, **missing)
    if shown in ("masked", "hashed"):
        hidden = "***" if shown == "masked" else sha256(f"{given.token}{given.url}".encode()).hexdigest()
        parts |= {"token": given.token and hidden, "url": re.sub(r"(?<=://)[^@]*(?=@)", hidden, given.url)}
    if given.type == "syslog" and given.token:
        documented = "syslog://:{token}@{host}:{port}"
    return (by_service if by_service and shown == "service" else documented).format(**parts)


def _drain_event(call: Call, name: str, url: str) -> None:
    addon = call.addon
    call.world.record_event(call.app, name, {"url": url, "addon_uuid": addon.id, "addon_name": addon.kind.display_name})


@route("A16", "api", "GET", PATH, safe=True)
def list_log_drains(call: Call) -> LogDrainsAnswer:
    """Where the log lines of a database are sent."""
    return LogDrainsAnswer(drains=[LogDrain(app_id=call.app.id, url=url) for url in call.things("log_drains")])


@route("A17", "api", "POST", PATH, safe=False, status=201, body=LogDrainCreation)
def add_log_drain(call: Call) -> LogDrainAnswer:
    """The log lines of a database are sent to one more place."""
    url, drains = _shown_drain(call, call.body.drain), call.things("log_drains")
    if url in drains and call.world.switch("log_drain_existing") == "422":
        raise invalid(call.world, url="has already been taken")
    drains.append(url)
    _drain_event(call, "new_addon_log_drain", url)
    return LogDrainAnswer(drain=LogDrain(url=url))


@route("A18", "api", "DELETE", PATH, safe=False, query="url", status=204, body=LogDrainRemoval)
def remove_log_drain(call: Call) -> Answer:
    """The log lines of a database are no longer sent to one place."""
    drains, url = call.things("log_drains"), call.query.get("url") or (call.body.url if call.body else None)
    if not url:
        raise invalid(call.world, url="can't be blank")
    if url not in drains:
        raise not_found("log_drain")
    drains.remove(url)
    _drain_event(call, "delete_addon_log_drain", url)
    return Answer()
