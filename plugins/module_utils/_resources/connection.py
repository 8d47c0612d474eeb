# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""How to connect to a database: where it is, as whom, and what TLS it wants (docs/contract.md section 7.9)."""

from __future__ import annotations

import contextlib
import typing as t

from .. import _connection_url
from .._api.database import show_ca_certificate, show_database
from .._change import Performer
from .._options import Spec
from .._step import Outcome, Params, State
from ._access import NoAccess, find_url, has_feature, required_address
from ._engine import DEDICATED

if t.TYPE_CHECKING:
    from .._client import Client

SECRETS_OPTION = Spec({"secrets": {"type": "bool", "default": False}})
CA_CERTIFICATE = Spec({"ca_certificate": {"type": "bool", "default": True}})
READING = "read how to connect to the database"
#: What of it lets somebody in.
SECRETS = ("password", "url")
OPEN_SECRET = "the password of the database"


def read_connection(client: Client, ca_certificate: bool) -> tuple[State, _connection_url.ConnectionUrl]:
    """Return the connection of the target, with its password and URL, and what was read of the URL. Sends two requests, three with ``ca_certificate``.

    Raises ``NoAccess`` when no variable of the app holds its URL.
    """
    shown = show_database(client)
    address = required_address(shown)
    found = find_url(client, address, _connection_url.PORTS, by_user=True)
    if found is None:
        raise NoAccess(
            f"no variable of the app {client.target.app} holds a URL with the host and the port of this database, {address}",
            hint="The platform writes the variable when it has provisioned the database. Somebody may have removed it.",
        )
    variable, url, aliases = found
    place = address if address in url.addresses else url.addresses[0]
    dedicated = client.target.engine == DEDICATED
    state: State = {
        "host": place.host,
        "port": place.port,
        "user": url.user,
        "password": url.password,
        "database": url.database,
        "url": url.text,
        "parameters": dict(url.query),
        "tls": "required" if dedicated or has_feature(shown, "force-ssl") else url.tls,
        "public": dedicated or has_feature(shown, "publicly-available"),
        "ca_certificate": show_ca_certificate(client) if ca_certificate else None,
        "variable": variable,
        "aliases": aliases,
    }
    return state, url


class ConnectionInfo(Performer):
    """The connection of one database. Its secrets are in the result only when the task hides it, or in a file."""

    reading = READING
    asks_for_secret = "secrets"

    @classmethod
    def parse(cls, params: Params) -> None:
        """Nothing but what the spec says."""

    def perform(self, check_mode: bool) -> Outcome:
        if self.params["secrets"]:
            self.refuse_open_secret(OPEN_SECRET)
        return Outcome(
            changed=False,
            result={
                "connection": connection_of(self, self.params["ca_certificate"], check_mode),
                "secret_file": self.secret_file.path,
            },
        )


def connection_of(task: Performer, ca_certificate: bool, check_mode: bool, is_new: bool = False) -> State:
    """Return the connection as a task with ``secrets`` and ``dest`` may show it, and write its URL to ``dest``.

    With ``is_new`` it waits for the URL: the platform may write the variable of a new database a little later.
    """

    connection, url = _awaited(task, ca_certificate) if is_new else read_connection(task.client, ca_certificate)
    if task.params["secrets"] and not task.secret_file:
        return connection
    for secret in url.secrets:
        task.client.conceal(secret)
    if task.secret_file:
        task.unless_checking(check_mode, lambda: task.secret_file.write(url.text + "\n"))
    return {**connection, **dict.fromkeys(SECRETS)}


def _awaited(task: Performer, ca_certificate: bool) -> tuple[State, _connection_url.ConnectionUrl]:
    found: list[tuple[State, _connection_url.ConnectionUrl]] = []

    def read() -> bool:
        with contextlib.suppress(NoAccess):
            found.append(read_connection(task.client, ca_certificate))
        return bool(found)

    task.wait_until(
        read,
        bool,
        what="provisioning of",
        identifier=str(task.params["addon"]),
        status=lambda written: "done" if written else "that its URL is not among the variables of the app",
    )
    return found[-1]
