# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes are declared once, with everything that is known of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal

from scalingo_sandbox.models import ROUTES, RouteModels
from scalingo_sandbox.record import Record
from scalingo_sandbox.state import Addon, App, Database
from scalingo_sandbox.world import World

Access = Literal["none", "optional", "basic", "bearer", "addon"]
Role = Literal["auth", "api", "db", "files", "control"]


class Refusal(Exception):
    """An answer that is not a success."""

    def __init__(self, status: int, body: Any, headers: dict[str, str] | None = None) -> None:
        super().__init__(status)
        self.status = status
        self.body = body
        self.headers = headers or {}


def not_found(resource: str | None = None) -> Refusal:
    if resource is None:
        return Refusal(404, {"error": "not found"})
    return Refusal(404, {"resource": resource, "error": f"{resource} not found"})


def invalid(world: World, **fields: str) -> Refusal:
    """422, in the form that the switch says."""
    if world.switch("validation_body") == "error":
        return Refusal(422, {"error": "; ".join(f"{name} {message}" for name, message in fields.items())})
    return Refusal(422, {"errors": {name: [message] for name, message in fields.items()}})


@dataclass
class Answer:
    """What a handler gives back when a model alone does not say everything."""

    body: Any = None
    status: int | None = None
    headers: dict[str, str] = field(default_factory=dict)
    raw: bytes | None = None
    media_type: str = "application/json"
    file: Any = None


@dataclass
class Call:
    """One request, as a handler sees it."""

    world: World
    route: Route
    role: str
    region: str
    path: dict[str, str]
    query: dict[str, str]
    body: Any
    headers: dict[str, str]
    record: Record
    caller: Any = None

    @property
    def app(self) -> App:
        found = self.world.find_app(self.region, self.path["app"])
        if found is None:
            raise not_found("app")
        return found

    @property
    def addon(self) -> Addon:
        app = self.app
        found = next((addon for addon in app.addons if addon.id == self.path["addon"]), None)
        if found is None:
            raise not_found("addon")
        return found

    @property
    def owner(self) -> Addon:
        """The addon of the database in a path of the database API."""
        found = self.world.find_addon(self.path["db"])
        if found is None or found.region != self.region:
            raise Refusal(404, {"error": "Database not found"})
        return found

    @property
    def database(self) -> Database:
        return self.owner.database


Handler = Callable[[Call], Any]


@dataclass(frozen=True)
class Route:
    """A route: number is docs/contract.md's, where it has one."""

    number: str
    role: Role
    methods: tuple[str, ...]
    path: str
    handler: Handler
    access: Access
    safe: bool
    status: int
    title: str
    query: tuple[str, ...] = ()
    """Names of what may stand in the query; a trailing ! marks what must."""
    only: str | None = None
    """The switch position that must hold, as name=value, for the route to exist."""
    dashboard: bool = False
    """Only the newer dashboard is known to use it (marked J in docs/contract.md)."""

    @property
    def models(self) -> RouteModels:
        return ROUTES[self.number]

    def exists(self, world: World, role: str) -> bool:
        if self.only is not None:
            name, dummy, value = self.only.partition("=")
            if value.startswith("!"):
                return world.switch(name) != value[1:]
            return world.switch(name) == value
        if self.dashboard:
            position = world.switch("dashboard_routes")
            return position == "both" or (position == "api" and role == "api")
        return True


REGISTRY: list[Route] = []


def route(
    number: str,
    role: Role,
    methods: str,
    path: str,
    *,
    access: Access,
    safe: bool,
    status: int = 200,
    query: str = "",
    only: str | None = None,
    dashboard: bool = False,
) -> Callable[[Handler], Handler]:
    """Declare a route. A route of the database API is served on the main API's host too, with the user's bearer."""

    def declare(handler: Handler) -> Handler:
        title = (handler.__doc__ or number).strip().splitlines()[0].rstrip(".")
        names = tuple(methods.split())
        REGISTRY.append(
            Route(
                number=number,
                role=role,
                methods=names,
                path=path,
                handler=handler,
                access=access,
                safe=safe,
                status=status,
                title=title,
                query=tuple(query.split()),
                only=only,
                dashboard=dashboard,
            )
        )
        return handler

    return declare
