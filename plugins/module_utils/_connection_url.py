# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Connection URLs of databases, as the variables of an app hold them (docs/contract.md section 7.9)."""

from __future__ import annotations

import dataclasses
import re
import typing as t
import urllib.parse

from ._ssh_tunnel import Address, parse_address

#: The port that a URL means which names none.
PORTS: t.Mapping[str, int] = {
    "postgres": 5432,
    "postgresql": 5432,
    "mysql": 3306,
    "mongodb": 27017,
    "redis": 6379,
    "rediss": 6379,
    "valkey": 6379,
    "valkeys": 6379,
    "http": 80,
    "https": 443,
}
#: What demands TLS: a scheme, or a value of a parameter.
ENCRYPTED_SCHEMES = ("rediss", "valkeys", "https")
DEMANDS = {"ssl": ("true",), "tls": ("true",), "useSSL": ("true",), "sslmode": ("require", "verify-ca", "verify-full")}
#: The variables that the platform itself makes, SCALINGO_POSTGRESQL_1_URL for a second database.
PLATFORM_VARIABLE = re.compile(r"SCALINGO_[A-Z]+(_[0-9A-Z_]+)?_URL")


@dataclasses.dataclass(frozen=True)
class ConnectionUrl:
    """A connection URL taken apart, percent signs decoded. No text made of it holds its password."""

    scheme: str
    #: Several for the members of a replica set.
    addresses: tuple[Address, ...]
    user: str | None
    database: str | None
    query: t.Mapping[str, str]
    password: str | None = dataclasses.field(repr=False)
    text: str = dataclasses.field(repr=False)
    #: What must never be shown: the URL, and the password as it is written in it and as it is meant.
    secrets: tuple[str, ...] = dataclasses.field(repr=False)

    @property
    def tls(self) -> str:
        """How it wants TLS: ``required``, ``preferred`` or ``off``."""
        if self.scheme in ENCRYPTED_SCHEMES or any(self.query.get(name) in values for name, values in DEMANDS.items()):
            return "required"
        return "preferred" if self.query.get("sslmode") == "prefer" else "off"


def parse(text: str) -> ConnectionUrl:
    """Return ``scheme://user:password@host:port/database?name=value`` taken apart; Mongo's may name several hosts.

    Raises ``ValueError`` that repeats nothing of it.
    """
    url = text.strip()
    try:
        parts = urllib.parse.urlsplit(url)
        scheme = parts.scheme.lower()
        if scheme not in PORTS or parts.fragment or "/" in parts.path[1:] or re.search(r"\s", url):
            raise ValueError
        credentials, dummy, places = parts.netloc.rpartition("@")
        addresses = tuple(parse_address(place, PORTS[scheme]) for place in places.split(","))
        user, given, password = credentials.partition(":")
        query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
    except ValueError:
        raise ValueError("it does not have the form scheme://user:password@host:port/database") from None
    meant = urllib.parse.unquote(password)
    return ConnectionUrl(
        scheme=scheme,
        addresses=addresses,
        user=urllib.parse.unquote(user) or None,
        database=urllib.parse.unquote(parts.path[1:]) or None,
        query=query,
        password=meant if given else None,
        text=url,
        secrets=tuple(value for value in (url, text, password, meant) if value),
    )


def find(
    variables: t.Iterable[tuple[str, str]], address: Address, user: str | None, schemes: t.Container[str] = PORTS
) -> tuple[str, ConnectionUrl] | None:
    """Return the variable with the URL of the database at this address, and never another database's.

    Of several the one of the platform's own name is taken, then one of ``user``, then the first by name.
    """
    found = [item for item in _urls(variables, schemes) if address in item[1].addresses]
    return min(found, key=lambda item: (not _is_platforms(item[0]), item[1].user != user, item[0]), default=None)


def find_by_user(
    variables: t.Iterable[tuple[str, str]], user: str, schemes: t.Container[str] = PORTS
) -> tuple[str, ConnectionUrl] | None:
    """Return the platform's own variable with the URL of this user, which is the database's resource ID; nothing for several.

    Members of a replica set have other host names than the one that the API shows.
    """
    found = [item for item in _urls(variables, schemes) if _is_platforms(item[0]) and item[1].user == user]
    return found[0] if len(found) == 1 else None


def _urls(variables: t.Iterable[tuple[str, str]], schemes: t.Container[str]) -> t.Iterator[tuple[str, ConnectionUrl]]:
    for name, value in variables:
        try:
            url = parse(value)
        except ValueError:
            continue
        if url.scheme in schemes:
            yield name, url


def _is_platforms(variable: str) -> bool:
    return bool(PLATFORM_VARIABLE.fullmatch(variable))
