# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Users of databases."""

from __future__ import annotations

import hashlib
import re
import string
from typing import Any

from scalingo_sandbox import state
from scalingo_sandbox.api.main import refuse_busy
from scalingo_sandbox.api.routing import Answer, Call, Refusal, invalid, route
from scalingo_sandbox.engines.base import EngineUser
from scalingo_sandbox.models import base, database

_LETTERS = string.ascii_letters + string.digits


def generated_password(addon: state.Addon, name: str, before: str = "") -> str:
    """Another one each time, and the same ones after a reset, so that what a test sees can be compared."""
    digest = hashlib.sha512("\0".join((addon.id, name, before)).encode()).digest()
    return "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:40])


def _refuse_without_users(addon: state.Addon) -> None:
    if not addon.kind.users:
        raise Refusal(400, {"error": f"{addon.kind.display_name} does not support user management"})


def _view(addon: state.Addon, user: EngineUser, password: str | None = None) -> database.DatabaseUser:
    fields: dict[str, Any] = {"name": user.name, "read_only": user.read_only, "protected": user.protected}
    if password is not None:
        fields["password"] = password
    if addon.kind.type_name == "postgresql":
        fields["dbms_attributes"] = database.DbmsAttributes(password_encryption="SCRAM-SHA-256")
    return database.DatabaseUser(**fields)


def _answer(call: Call, user: database.DatabaseUser) -> database.DatabaseUserAnswer:
    if call.world.switch("user_root") == "unrooted":
        return database.DatabaseUserAnswer(user)
    return database.DatabaseUserAnswer(database.RootedUser(database_user=user))


def _find(call: Call, addon: state.Addon) -> EngineUser:
    _refuse_without_users(addon)
    for user in addon.database.engine.list_users():
        if user.name == call.path["name"]:
            return user
    raise Refusal(404, {"error": "User not found"})


def _refuse_protected(call: Call, user: EngineUser) -> None:
    if user.protected:
        text = "is protected: the platform manages it"
        if call.world.switch("protected_user") == "403":
            raise Refusal(403, {"error": f"{user.name} {text}"})
        raise invalid(call.world, name=text)


def _checked_password(call: Call, password: str, confirmation: str | None) -> str:
    if not 24 <= len(password) <= 64:
        raise invalid(call.world, password="must contain between 24 and 64 characters")
    if '"' in password or "'" in password:
        raise invalid(call.world, password="must not contain quotes")
    if confirmation != password:
        raise invalid(call.world, password_confirmation="doesn't match")
    return password


def _check_name(call: Call, addon: state.Addon, name: str) -> None:
    longest = 16 if addon.kind.type_name == "mysql" else 32
    pattern = r"[a-zA-Z][a-zA-Z0-9_]*"
    if call.world.switch("user_names") == "documented":
        longest, pattern = 32, r"[a-z0-9]+(-[a-z0-9]+)*"
    if not 6 <= len(name) <= longest:
        raise invalid(call.world, name=f"must contain between 6 and {longest} characters")
    if not re.fullmatch(pattern, name):
        raise invalid(call.world, name="is invalid")


@route("U1", "db", "GET", "/api/databases/{db}/users", safe=True)
def list_users(call: Call) -> database.DatabaseUsersAnswer:
    """The users of a database, without passwords."""
    owner = call.owner
    _refuse_without_users(owner)
    users = [_view(owner, user) for user in owner.database.engine.list_users()]
    if call.world.switch("users_root") == "underscore":
        return database.DatabaseUsersAnswer(database_users=users)
    return database.DatabaseUsersAnswer.model_validate({"database-users": users})


@route("U2", "db", "POST", "/api/databases/{db}/users", safe=False, status=201, body=database.UserCreation)
def create_user(call: Call) -> database.DatabaseUserAnswer:
    """A new user. Without a password one is generated; the answer shows it, once."""
    owner = call.owner
    _refuse_without_users(owner)
    refuse_busy(call.world, owner)
    given: database.UserFields = call.body.database_user
    _check_name(call, owner, given.name)
    if any(user.name == given.name for user in owner.database.engine.list_users()):
        if call.world.switch("user_existing") == "409":
            raise Refusal(409, {"error": f"user {given.name} already exists"})
        raise invalid(call.world, name="has already been taken")
    if given.password:
        password = _checked_password(call, given.password, given.password_confirmation)
    else:
        password = generated_password(owner, given.name)
    user = EngineUser(given.name, password, bool(given.read_only))
    owner.database.engine.create_user(user)
    return _answer(call, _view(owner, user, password))


@route(
    "U3",
    "db",
    "PATCH",
    "/api/databases/{db}/users/{name}",
    safe=False,
    body=database.PasswordChange,
    answer=database.DatabaseUserAnswer,
)
def change_password(call: Call) -> Answer:
    """Another password: nothing else of a user can change."""
    owner = call.owner
    user = _find(call, owner)
    refuse_busy(call.world, owner)
    _refuse_protected(call, user)
    given: database.PasswordFields = call.body.database_user
    if not given.password:
        raise invalid(call.world, password="can't be blank")
    password = _checked_password(call, given.password, given.password_confirmation)
    owner.database.engine.set_password(user.name, password)
    if call.world.switch("user_update_answer") == "empty":
        return Answer(None)
    return Answer(database.DatabaseUserAnswer(database.RootedUser(database_user=_view(owner, user))))


@route("U4", "db", "POST", "/api/databases/{db}/users/{name}/reset_password", safe=False, body=base.Empty)
def reset_password(call: Call) -> database.DatabaseUserAnswer:
    """A generated password; the answer shows it, once."""
    owner = call.owner
    user = _find(call, owner)
    refuse_busy(call.world, owner)
    _refuse_protected(call, user)
    password = generated_password(owner, user.name, user.password)
    owner.database.engine.set_password(user.name, password)
    return _answer(call, _view(owner, user, password))


@route("U5", "db", "DELETE", "/api/databases/{db}/users/{name}", safe=False, status=204)
def delete_user(call: Call) -> Answer:
    """A user goes."""
    owner = call.owner
    user = _find(call, owner)
    refuse_busy(call.world, owner)
    _refuse_protected(call, user)
    owner.database.engine.delete_user(user.name)
    return Answer()
