# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""A PostgreSQL server that the user gives for a restore drill: how it is reached, and when nothing is made on it."""

from __future__ import annotations

import contextlib
import os
import re
import socket
import typing as t
import urllib.parse

from ._drill_place import Place
from ._errors import DrillFailed

PREFIX = "restore_drill_"
#: Whether the user has rights with which code of a dump gets out of its database.
TOO_MANY_RIGHTS = """
SELECT 'superuser' FROM pg_roles WHERE rolname IN (session_user, current_user) AND rolsuper
UNION SELECT rolname FROM pg_roles
WHERE rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files') AND pg_has_role(current_user, oid, 'MEMBER')
"""
OLD_DATABASES = f"""
SELECT datname FROM pg_database WHERE datname ~ '^{PREFIX}[0-9]+_[a-z0-9_]{{8}}$' AND pg_get_userbyid(datdba) = current_user
"""


class Production(t.Protocol):
    """The database that the drill is about: its hosts with ports, and the names of its database and user on its server."""

    hosts: t.Sequence[str]
    names: t.Sequence[str]


def is_given(params: t.Mapping[str, t.Any]) -> bool:
    return bool(params["server_service"] or params["server_url"])


def environment_of(params: t.Mapping[str, t.Any], place: Place) -> dict[str, str]:
    """How clients reach it. What the user's environment says of a server is never written down."""
    if params["server_url"]:
        return {"PGSERVICE": "drill", "PGSERVICEFILE": place.write("service.conf", service_of(params["server_url"]))}
    own = {name: value for name, value in os.environ.items() if re.fullmatch(r"HOME|PG[A-Z]+", name)}
    return {**own, "PGSERVICE": params["server_service"]}


def service_of(url: str) -> str:
    """A connection URL as a service file, so that no program gets it as an argument. Raises `DrillFailed`."""
    parts = urllib.parse.urlsplit(url)
    try:
        port = parts.port
    except ValueError:
        raise DrillFailed("server_url has no valid port") from None
    if parts.scheme not in ("postgres", "postgresql"):
        raise DrillFailed("server_url is not a URL of PostgreSQL")
    values = {
        "host": parts.hostname,
        "port": port,
        "user": parts.username and urllib.parse.unquote(parts.username),
        "password": parts.password and urllib.parse.unquote(parts.password),
        "dbname": urllib.parse.unquote(parts.path[1:]),
        **dict(urllib.parse.parse_qsl(parts.query)),
    }
    lines = [f"{name}={value}" for name, value in values.items() if value not in (None, "")]
    if any(re.search(r"[\r\n]", line) for line in lines):
        raise DrillFailed("server_url holds a line break")
    return "\n".join(["[drill]", *lines, ""])


def refuse_production(
    host: str, port: str, address: str | None, known: t.Iterable[str], production: Production
) -> None:
    """Raise `DrillFailed` for the server of the database itself: by its address, or as it `known`s the database or its user, through a tunnel."""
    addresses = {host, address or host, *_resolved(host)}
    for name in production.hosts:
        its_host, dummy, its_port = name.rpartition(":")
        if its_host and its_port == port and {its_host, *_resolved(its_host)} & addresses:
            raise DrillFailed(
                f"the given server is that of the database itself ({name}), on which a drill makes nothing"
            )
    for name in set(known) & {name for name in production.names if name}:
        raise DrillFailed(
            f"the given server has the database or the user {name}, as the server of the database itself: a drill makes nothing on it",
            hint="A tunnel may lead to production. Give a server that is for drills alone.",
        )


def _resolved(host: str) -> set[str]:
    with contextlib.suppress(OSError, UnicodeError):
        return {str(found[4][0]) for found in socket.getaddrinfo(host, None)}
    return set()


def refuse_rights(rights: t.Sequence[str], allow: t.Container[str]) -> None:
    """Raise `DrillFailed` for a user whose rights code of a dump could use outside its database, unless that was consented to."""
    if rights and "superuser" not in allow:
        listed = ", ".join(name if name != "superuser" else "those of a superuser" for name in sorted(rights))
        raise DrillFailed(
            f"the user of the given server has rights that code in a dump could use on its machine: {listed}",
            hint="Give a user who may create databases and nothing else, or add 'allow: [superuser]'.",
        )
