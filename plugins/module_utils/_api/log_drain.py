# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Log drains of a database (docs/contract.md, section 2.1): they are known by the address that the platform shows."""

from __future__ import annotations

import re
import typing as t
from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from .._errors import HIDDEN
from .._route import MAIN, ONCE, READ, Raw, Sender, many, nothing, under
from .._shapes import Record, identifier, required, text

LOG_DRAIN = Record(url=required(text), app_id=identifier)

#: List the log drains of an ``addon`` of an ``app`` (A16): url, with credentials, and app_id.
list_log_drains = MAIN.route(
    "A16", "list_log_drains", "GET /apps/{app}/addons/{addon}/log_drains", READ, many("drains", check=LOG_DRAIN)
)
_ADD = MAIN.route(
    "A17", "add_log_drain", "POST /apps/{app}/addons/{addon}/log_drains", ONCE, under("drain", check=LOG_DRAIN)
)
_REMOVE = MAIN.route("A18", "remove_log_drain", "DELETE /apps/{app}/addons/{addon}/log_drains", ONCE, nothing)


def add_log_drain(client: Sender, app: str, addon_id: str, drain: t.Mapping[str, str]) -> Raw:
    """Add a log drain (A17) from type and what the type takes of url, host, port, token, drain_region; not repeatable."""
    return _ADD(client, app, addon_id, body={"drain": dict(drain)})


def remove_log_drain(client: Sender, app: str, addon_id: str, url: str) -> None:
    """Remove the log drain that is listed with this ``url`` (A18); not repeatable. It goes into the query (section 6, row 67)."""
    _REMOVE(client, app, addon_id, query={"url": url})


#: In which schemes the documents show the drains of a type (section 2.1, A17).
_SCHEMES = {
    "datadog": ("datadog",),
    "ovh-graylog": ("ovh",),
    "papertrail": ("tcp+tls", "syslog"),
    "syslog": ("syslog", "tcp+tls", "tcp", "udp"),
}
#: Those whose addresses have a host where a host belongs, and not a token.
_WITH_HOST = {"http", "https", "elk", "opensearch", "ovh", "syslog", "tcp+tls", "tcp", "udp"}
_PORTS = {"http": 80, "https": 443}
_MASK = re.compile(r"\*{2,}|x{4,}|\u2026|\u2022|redacted|hidden", re.IGNORECASE)


def _parts(url: str) -> tuple[SplitResult, str, int | None]:
    """Return the parts, the host where there is one, and the port; ValueError when it is no address."""
    parts = urlsplit(url)
    host = unquote(parts.hostname or "") if parts.scheme in _WITH_HOST else ""
    return parts, host, (parts.port or _PORTS.get(parts.scheme)) if host else None


def masked(url: str) -> str:
    """Return an address with all hidden that may be a credential: what is before the host, the path, the query but its region."""
    try:
        parts, host, dummy = _parts(url)
        port = f":{parts.port}" if host and parts.port else ""
    except ValueError:
        return HIDDEN
    before = f"{HIDDEN}@" if "@" in parts.netloc and host else ""
    region = next((value for name, value in parse_qsl(parts.query) if name == "region"), "")
    query = f"?region={region}" if region else f"?{HIDDEN}" if parts.query or parts.fragment else ""
    path = f"/{HIDDEN}" if parts.path.strip("/") else ""
    return f"{parts.scheme}://{before}{host or HIDDEN}{port}{path}{query}" if parts.scheme else HIDDEN


def credentials(url: str) -> list[str]:
    """Return the pieces of an address that may be credentials, as they are written and as they are meant."""
    shown = re.split(r"[:/@?&=#]+", masked(url))
    pieces = [piece for piece in re.split(r"[:/@?&=#]+", url) if piece and piece not in shown]
    return list(dict.fromkeys(form for piece in pieces for form in (piece, unquote(piece))))


def secrets(url: str) -> list[str]:
    """Return what to hide wherever it appears: an address with credentials, and each that is too long for an innocent word."""
    password = url.partition("://")[2].rpartition("@")[0].rpartition(":")[2]
    long = [piece for piece in credentials(url) if len(piece) >= (8 if piece in (password, unquote(password)) else 16)]
    return [] if masked(url) == url else [url, *long]


@dataclass(frozen=True)
class Drain:
    """What a task says of a log drain: its type and what the type takes, or the whole address under which it is listed."""

    type: str = ""
    host: str = ""
    port: int | None = None
    token: str = ""
    drain_region: str = ""
    url: str = ""
    listed_url: str = ""

    def is_shown_as(self, listed: str) -> bool | None:
        """Return whether a listed address is this drain, as far as the address tells: None when it does not (section 6, row 68).

        It is when everything that was given is in it, and is not when something else stands where that would be.
        """
        if self.listed_url:
            return listed == self.listed_url
        try:
            there, host, port = _parts(listed)
        except ValueError:
            return None
        expected, secrets = _SCHEMES.get(self.type, ()), credentials(listed)
        if there.scheme not in expected and any(there.scheme in schemes for schemes in _SCHEMES.values()):
            return False
        hashed = _hashed(secrets) and not _hashed([self.token, *credentials(self.url)])
        hidden = hashed or _MASK.search(unquote(listed)) is not None
        if self.url:
            ours, our_host, our_port = _parts(self.url)
            found = [_same(our_host, host), _same(our_port, port)]
            parts = [(url.netloc.rpartition("@")[0], (url.path + url.query).rstrip("/")) for url in (ours, there)]
            for one, other in zip(*parts):
                found.append(unquote(one) == unquote(other) or (None if hidden or not other else False))
        else:
            region = dict(parse_qsl(there.query)).get("region")
            given = ((self.host.lower(), host), (self.port, port), (self.drain_region, region))
            found = [_same(one, other) for one, other in given if one]
            if self.token:
                found.append(self.token in secrets or (None if hidden or not (secrets or expected) else False))
            elif "@" in there.netloc:
                found.append(False)
        return False if False in found else None if None in found else True


def _same(given: t.Any, listed: t.Any) -> bool | None:
    return None if not listed else bool(given == listed)


def _hashed(pieces: list[str]) -> bool:
    """Return whether one looks like a hash of what it stands for."""
    return any(re.fullmatch(r"[0-9a-fA-F]{32,128}|\$[0-9a-z]+\$.+", piece) for piece in pieces)
