# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Users of a database (docs/contract.md, section 2.11)."""

from __future__ import annotations

import typing as t

from .._answer import Answer
from .._route import DATABASE, ONCE, READ, SETS, Raw, Sender, many, nothing, under
from .._shapes import Part, Record, boolean, called, certain, identifier, required, text

_ATTRIBUTES = Part(password_encryption=identifier)
USER = Record(
    name=required(text),
    read_only=certain(boolean),
    protected=certain(boolean),
    password_encryption=called(
        lambda value, place: _ATTRIBUTES(value, place)["password_encryption"], "dbms_attributes"
    ),
)
USER_WITH_PASSWORD = Record(name=required(text), password=identifier)


def _changed(answer: Answer) -> Raw:
    """The answer of a password change may be empty (section 6, row 24)."""
    if not answer.text.strip() or answer.json() in ({}, None):
        return {}
    return under("database_user", check=USER_WITH_PASSWORD, bare=True)(answer)


#: List the database users (U1): name, read_only, protected, password_encryption.
list_users = DATABASE.route(
    "U1",
    "list_users",
    "GET /databases/{database}/users",
    READ,
    many("database-users", "database_users", check=USER),
    doing="list the database users",
)
_CREATE = DATABASE.route(
    "U2",
    "create_user",
    "POST /databases/{database}/users",
    ONCE,
    under("database_user", check=USER_WITH_PASSWORD, bare=True),
    doing="create the database user",
)
_UPDATE_PASSWORD = DATABASE.route(
    "U3",
    "update_user_password",
    "PATCH /databases/{database}/users/{user}",
    SETS,
    _changed,
    doing="change the user's password",
)
#: Let the platform make a new password for a ``user`` (U4); not repeatable. The answer holds it.
reset_user_password = DATABASE.route(
    "U4",
    "reset_user_password",
    "POST /databases/{database}/users/{user}/reset_password",
    ONCE,
    under("database_user", check=USER_WITH_PASSWORD, bare=True),
    doing="reset the user's password",
)
#: Delete a ``user`` (U5); not repeatable.
delete_user = DATABASE.route(
    "U5", "delete_user", "DELETE /databases/{database}/users/{user}", ONCE, nothing, doing="delete the database user"
)


class Client(Sender, t.Protocol):
    """Whoever sends these must know which database is meant."""

    @property
    def addon_id(self) -> str:
        """The id of the database."""


def _body(client: Client, password: str | None, **attributes: t.Any) -> Raw:
    passwords = {} if password is None else {"password": password, "password_confirmation": password}
    return {"database_user": {"database_id": client.addon_id, **attributes, **passwords}}


def create_user(client: Client, name: str, read_only: bool, password: str | None = None) -> Raw:
    """Create a user (U2); not repeatable. Without ``password`` the platform makes one; the answer holds it."""
    return _CREATE(client, body=_body(client, password, name=name, read_only=read_only))


def update_user_password(client: Client, name: str, password: str) -> Raw:
    """Change a user's password (U3). Return what is answered, which may be empty."""
    return _UPDATE_PASSWORD(client, name, body=_body(client, password))
