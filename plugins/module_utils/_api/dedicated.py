# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Databases with dedicated resources, which are apps of their own (docs/contract.md, section 2.1), and their network."""

from __future__ import annotations

import typing as t

from .._errors import InvalidInput
from .._route import MAIN, ONCE, READ, SETS, Raw, Sender, many, nothing, under
from .._shapes import Record, Unread, identifier, instant, integer, present, required, text
from .app import show_app

_DEDICATED_DATABASE = Record(
    id=identifier, name=required(text), project_id=identifier, technology=identifier, plan=identifier
)
ENDPOINT = Record(id=identifier, hostname=present(text), type=identifier, port=integer)
NET_PEERING = Record(
    id=required(text),
    database_id=identifier,
    status=present(text),
    outscale_net_peering_id=identifier,
    outscale_source_net_id=identifier,
    outscale_source_net_ip_range=identifier,
    outscale_source_account_id=identifier,
    created_at=instant,
    updated_at=instant,
)
NETWORK = Record(outscale_account_id=identifier, outscale_net_id=identifier, ip_range=identifier)


def _dedicated_database(value: t.Any, place: str) -> Raw:
    """A dedicated database, alone or beside its app and its addon."""
    if isinstance(value, dict) and "name" not in value and "database" in value:
        value, place = value["database"], f"{place}.database"
    return _DEDICATED_DATABASE(value, place)


_CREATE = MAIN.route(
    "DR1",
    "create_dedicated_database",
    "POST /databases",
    ONCE,
    under("database", check=_dedicated_database),
    doing="provision the dedicated database",
)
#: List the dedicated databases of the account (DR2): id, name, project_id, technology, plan.
list_dedicated_databases = MAIN.route(
    "DR2", "list_dedicated_databases", "GET /databases", READ, many("databases", check=_dedicated_database)
)
#: Read a ``dedicated`` database by id or name (DR3).
show_dedicated_database = MAIN.route(
    "DR3",
    "show_dedicated_database",
    "GET /databases/{dedicated}",
    READ,
    under("database", check=_dedicated_database),
    doing="read the dedicated database",
)
_DELETE = MAIN.route(
    "DR4", "delete_dedicated_database", "DELETE /apps/{app}", ONCE, nothing, doing="destroy the dedicated database"
)
#: List the endpoints of a ``dedicated`` database (DR5): id, hostname, port, type.
list_endpoints = MAIN.route(
    "DR5", "list_endpoints", "GET /databases/{dedicated}/endpoints", READ, many("endpoints", check=ENDPOINT)
)
#: List the net peerings of a ``dedicated`` database (DR6).
list_net_peerings = MAIN.route(
    "DR6", "list_net_peerings", "GET /databases/{dedicated}/net_peerings", READ, many("net_peerings", check=NET_PEERING)
)
_CREATE_PEERING = MAIN.route(
    "DR7",
    "create_net_peering",
    "POST /databases/{dedicated}/net_peerings",
    ONCE,
    under("net_peering", check=NET_PEERING),
)
#: Read a ``peering`` of a ``dedicated`` database (DR8); status ``active`` or ``deleted``.
show_net_peering = MAIN.route(
    "DR8",
    "show_net_peering",
    "GET /databases/{dedicated}/net_peerings/{peering}",
    READ,
    under("net_peering", check=NET_PEERING),
    doing="read the net peering",
)
#: Delete a ``peering`` of a ``dedicated`` database (DR9).
delete_net_peering = MAIN.route(
    "DR9", "delete_net_peering", "DELETE /databases/{dedicated}/net_peerings/{peering}", SETS, nothing
)
#: Read outscale_account_id, outscale_net_id, ip_range of a ``dedicated`` database (DR10).
show_network_configuration = MAIN.route(
    "DR10",
    "show_network_configuration",
    "GET /databases/{dedicated}/network_configuration",
    READ,
    under("network_configuration", check=NETWORK),
    doing="read the network",
)


def create_dedicated_database(
    client: Sender, name: str, technology: str, plan: str, project_id: str | None = None
) -> Raw:
    """Provision a dedicated database (DR1); not repeatable."""
    database = {"name": name, "technology": technology, "plan": plan, "project_id": project_id}
    body = {"database": {key: value for key, value in database.items() if value is not None}}
    return _CREATE(client, body=body)


def delete_dedicated_database(client: Sender, name: str) -> None:
    """Destroy a dedicated database (DR4). The call destroys an app, so the app is read first, and refused with
    InvalidInput unless its flag ``dedicated-database`` is true: two requests. Not repeatable.
    """
    flags = show_app(client, name).get("flags")
    if isinstance(flags, Unread):
        raise InvalidInput(f"{name} was not destroyed: {flags.reason}", subject=client.described())
    if (flags or {}).get("dedicated-database") is not True:
        raise InvalidInput(
            f"{name} is not the app of a dedicated database, and was not destroyed", subject=client.described()
        )
    _DELETE(client, name, query={"current_name": name})


def create_net_peering(client: Sender, name: str, outscale_net_peering_id: str) -> Raw:
    """Create a net peering (DR7); not repeatable."""
    body = {"outscale_net_peering_id": outscale_net_peering_id}
    return _CREATE_PEERING(client, name, body=body)
