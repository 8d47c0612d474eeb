# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Users of a database (docs/contract.md sections 2.11 and 7.2)."""

from __future__ import annotations

import json
import typing as t

from .. import _canon
from .._api.user import create_user, delete_user, list_users, reset_user_password, update_user_password
from .._change import Listing, Resource
from .._errors import InvalidInput, OutcomeUnknown, ScalingoError, shown
from .._options import check_form, checked
from .._shapes import by_name, or_none
from .._step import Consent, Interrupted, Outcome, Params, State, Step
from ._engine import OfEngine


class WithUsers(OfEngine):
    engines = ("postgresql", "postgresql-ng", "mysql", "mongodb", "influxdb")
    subject = "users are managed on PostgreSQL, MySQL, MongoDB and InfluxDB"
    instead = {"redis": "A Redis addon has one user, whose password is in the variables of the app."}
    reading = "list the users of the database"

    def listed(self) -> list[State]:
        return self.ask(lambda: list_users(self.client))


class DatabaseUsers(WithUsers, Resource[State]):
    """One user, or several, present or absent. The state is all of them by name.

    Passwords are never readable, so a given one is sent when the user is created, or always when the task says so.
    """

    @classmethod
    def parse(cls, params: Params) -> list[State]:
        users = _wanted(params)
        if params["exclusive"]:
            if params["users"] is None:
                raise InvalidInput("exclusive needs users: the whole list of the users that may exist")
            if params["state"] == "absent":
                raise InvalidInput("exclusive contradicts 'state: absent': use one of the two")
        elif not users:
            raise InvalidInput("users is empty: name at least one user, or use exclusive to remove all others")
        names = [user["name"] for user in users]
        if len(set(names)) < len(names):
            raise InvalidInput(f"users names one user twice: {', '.join(names)}")
        for user in users:
            form = r"[^\s/?#%\"']{6,32}"
            check_form("name", user["name"], form, "the name of a user: it must have 6 to 32 characters, and no spaces")
            checked(f"the name of {user['name']!r}", _canon.visible, user["name"])
            password = user["password"]
            if password is not None:
                checked(f"the password of {user['name']}", _canon.visible, password)
            if password is not None and not (24 <= len(password) <= 64 and not set(password) & set("\"'")):
                raise InvalidInput(f"the password of {user['name']} must have 24 to 64 characters, and no quotes")
            if password is None and params["update_password"] == "always":
                raise InvalidInput(f"'update_password: always' needs a password for {user['name']}")
            if password is not None and params["reset_password"]:
                raise InvalidInput(f"reset_password lets the platform make the password of {user['name']}: give none")
        if params["state"] == "absent" and (
            params["reset_password"] or any(user["password"] is not None for user in users)
        ):
            raise InvalidInput("'state: absent' contradicts a password: give none")
        return users

    def __init__(self, *arguments: t.Any) -> None:
        super().__init__(*arguments)
        self._generated: dict[str, str | None] = {}
        #: Those that this task created, the answer being lost or not: nobody else's password is ever reset.
        self._created: set[str] = set()
        self._planned: State = {}
        self._makes_passwords = False

    def perform(self, check_mode: bool) -> Outcome:
        outcome = super().perform(check_mode)
        try:
            self.secret_file.publish()
        except ScalingoError as error:
            raise Interrupted(error, outcome.steps, f"write the passwords to {self.secret_file.path}", False) from error
        return outcome

    def read(self) -> State:
        return by_name(self.listed(), "users")

    def managed(self, state: State) -> dict[str, t.Any]:
        """All of them for an exclusive list, else the named ones: others may come and go meanwhile."""
        return {
            name: {"read_only": item["read_only"]}
            for name, item in state.items()
            if self.params["exclusive"] or name in self._names
        }

    def result(self, state: State) -> dict[str, t.Any]:
        open_ones = {} if self.secret_file else self._generated
        shown = {name: {**item, "password": open_ones.get(name)} for name, item in state.items()}
        place = self.secret_file.path if self._makes_passwords else None
        if self.params["users"] is None:
            return {"user": shown.get(self.params["name"]), "secret_file": place}
        return {"users": list(shown.values()), "secret_file": place}

    def salvage(self) -> dict[str, t.Any]:
        """The passwords that the platform made: they cannot be read again. The task hides its result, or they are in the file."""
        if self.secret_file:
            if any(self._generated.values()):
                return {"secret_file": self.secret_file.salvage()}
            self.secret_file.discard()
            return {}
        users = [
            {**self._planned[name], "password": password} for name, password in self._generated.items() if password
        ]
        if self.params["users"] is None:
            return {"user": users[0]} if users else {}
        return {"users": users} if users else {}

    @property
    def _names(self) -> list[str]:
        return [user["name"] for user in self.asked]

    def wanted(self, before: State) -> State:
        after = {
            name: item
            for name, item in before.items()
            if not self.params["exclusive"] or name in self._names or item["protected"]
        }
        for user in self.asked:
            name, current = user["name"], before.get(user["name"])
            if self.params["state"] == "absent":
                after.pop(name, None)
            elif current is None:
                after[name] = {
                    "name": name,
                    "read_only": bool(user["read_only"]),
                    "protected": False,
                    "password_encryption": None,
                }
            if current is not None and self._touches(user) and current["protected"]:
                raise InvalidInput(
                    f"the user {name} is protected: it is the default one of the addon, and the platform lets nobody change it",
                    hint="Leave it alone, or ask Scalingo's support for a new password.",
                )
            if current is not None and user["read_only"] not in (None, current["read_only"]) and name in after:
                raise InvalidInput(
                    "read_only of the user {} is {}, wanted {}, and it can be set at creation only".format(
                        name, shown(current["read_only"]), shown(user["read_only"])
                    ),
                    hint="Create another user, or delete this one in a task of its own first.",
                )
        return after

    def steps(self, before: State, after: State) -> list[Step]:
        if not self.applying:
            self._planned = after
        steps = []
        for user in self.asked:
            name = user["name"]
            if name not in after:
                steps += [self._delete(name)] if name in before else []
            elif name not in before:
                steps.append(self._create(user))
            elif self.params["reset_password"]:
                steps.append(self._reset(name))
            elif self.params["update_password"] == "always":
                steps.append(self._update(user))
        # Last: who takes over has a user before another one goes.
        others = [name for name in before if name not in after and name not in self._names]
        return steps + [self._delete(name, self._consent(others)) for name in others]

    def _consent(self, removed: t.Sequence[str]) -> tuple[Consent, ...]:
        """One is as lost as several: the task does not name it, and a list may be shorter or emptier than was meant."""
        return (
            Consent(
                "allow",
                "mass_removal",
                "The list is exclusive{}, so clients could no longer connect as these users: {}".format(
                    "" if self.asked else " and empty", ", ".join(removed)
                ),
            ),
        )

    def _touches(self, user: State) -> bool:
        return (
            self.params["state"] == "absent"
            or self.params["reset_password"]
            or (user["password"] is not None and self.params["update_password"] == "always")
        )

    def _create(self, user: State) -> Step:
        name, password = user["name"], user["password"]
        if password is None:
            self._will_make_a_password(name)

        def send() -> None:
            if password is None:
                self._keep()
            try:
                created = create_user(self.client, name, bool(user["read_only"]), password)
            except OutcomeUnknown:
                self._created.add(name)
                raise
            self._created.add(name)
            if password is None:
                self._made(name, or_none(created["password"]))

        def follow() -> None:
            # The answer with the generated password was lost, or did not hold it: let the platform make another.
            if password is None and name in self._created and not self._generated.get(name):
                self._made(name, self._new_password(name))

        return Step(
            f"create the user {name}",
            send=send,
            follow=follow,
            happened=lambda state: name in state,
            resend=True,
        )

    def _reset(self, name: str) -> Step:
        self._will_make_a_password(name)

        def send() -> None:
            self._keep()
            self._made(name, self._new_password(name))

        return Step(f"reset the password of the user {name}", send=send, always=True)

    def _will_make_a_password(self, name: str) -> None:
        self.refuse_open_secret(f"the password that the platform makes for the user {name}")
        self._makes_passwords = True

    def _made(self, name: str, password: str | None) -> None:
        if password and self.secret_file:
            self.client.conceal(password)
        # Only now: one that cannot be read has raised, and is nothing to salvage.
        self._generated[name] = password
        self._keep()

    def _keep(self) -> None:
        """Have the passwords that were made safe. Before the first one: see that there is a place for them."""
        if self.secret_file:
            known = {name: password for name, password in self._generated.items() if password}
            if self.params["users"] is not None:
                self.secret_file.keep(json.dumps(known, indent=2) + "\n")
            else:
                self.secret_file.keep("".join(password + "\n" for password in known.values()))

    def _new_password(self, name: str) -> str | None:
        password: str | None = reset_user_password(self.client, name)["password"]
        return password

    def _update(self, user: State) -> Step:
        def send() -> None:
            update_user_password(self.client, user["name"], user["password"])

        return Step(f"set the password of the user {user['name']}", send=send, always=True)

    def _delete(self, name: str, consent: tuple[Consent, ...] = ()) -> Step:
        return Step(
            f"delete the user {name}",
            send=lambda: delete_user(self.client, name),
            happened=lambda state: name not in state,
            resend=True,
            consent=consent,
        )


class DatabaseUserInfo(WithUsers, Listing):
    """The users of one database."""

    plural = "users"

    def items(self) -> list[State]:
        wanted = self.params["name"]
        return [item for item in self.listed() if wanted in (None, item["name"])]


def _wanted(params: Params) -> list[State]:
    if params["users"] is not None:
        return [dict(user) for user in params["users"]]
    return [{name: params[name] for name in ("name", "password", "read_only")}]
