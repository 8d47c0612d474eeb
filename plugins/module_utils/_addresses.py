# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Addresses: what may be sent where, and how values get into a path and a query (docs/contract.md, section 1.4)."""

from __future__ import annotations

import ipaddress
import re
import typing as t
import urllib.parse

from ._errors import InvalidInput


def is_loopback(host: str) -> bool:
    """Return whether a host name or address stays on this machine."""
    if host.rstrip(".").lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def require_private_channel(address: str, what: str) -> None:
    """Refuse plain http to anywhere but this machine. Raises InvalidInput, before any request."""
    parts = urllib.parse.urlsplit(address)
    if parts.scheme != "https" and not is_loopback(parts.hostname or ""):
        raise InvalidInput(
            f"{what} {parts.scheme}://{parts.netloc.rsplit('@', 1)[-1]} would send credentials in clear text",
            hint="Use https; plain http is accepted for a loopback address only.",
        )


def host_of(address: str) -> str:
    """Return host and port of a URL as they are written, without the user and the password before them."""
    return urllib.parse.urlsplit(address).netloc.rpartition("@")[2]


def origin_of(address: str) -> tuple[str, str, int]:
    """Return scheme, host and port of a URL, the port filled in. Raises ValueError when the port is none."""
    parts = urllib.parse.urlsplit(address)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or (443 if parts.scheme == "https" else 80)


def fill_path(template: str, values: t.Mapping[str, t.Any]) -> str:
    """Put quoted values into a path. Raises InvalidInput for a value that would name another path."""

    def quoted(match: re.Match[str]) -> str:
        name = match.group(1)
        value = str(values[name])
        if value.strip() in ("", ".", ".."):
            raise InvalidInput(f"{value!r} cannot be a {name}: it has no place in an address")
        return urllib.parse.quote(value, safe="")

    return re.sub(r"\{(\w+)\}", quoted, template)


def fill_query(query: t.Mapping[str, t.Any] | None) -> str:
    """Return the query string; None values are left out, booleans are written true and false."""
    given = {name: value for name, value in (query or {}).items() if value is not None}
    texts = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in given.items()}
    return urllib.parse.urlencode(texts, quote_via=urllib.parse.quote)
