# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Routes are declared once, with everything that is known of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, get_type_hints
from urllib.parse import urlencode

from scalingo_sandbox import faults
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

    def answer(self, role: str) -> Answer:
        """What is sent: JSON, but that the authentication host has a page for what does not exist."""
        if role == "auth" and self.status == 404:
            return Answer(None, 404, raw=PAGE_NOT_FOUND, media_type="text/html; charset=UTF-8")
        return Answer(self.body, self.status, self.headers)


PAGE_NOT_FOUND = (
    b"<!DOCTYPE html>\n<html>\n<head>\n  <title>The page you were looking for doesn't exist (404)</title>\n</head>\n\n"
    b'<body class="rails-default-error-page">\n  <h1>The page you were looking for doesn\'t exist.</h1>\n</body>\n</html>\n'
)


def not_found(resource: str | None = None) -> Refusal:
    if resource is None:
        return Refusal(404, {"error": "not found"})
    return Refusal(404, {"resource": resource, "error": "not found"})


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

    def things(self, name: str) -> list[Any]:
        """What the addon of a path has of what only a file of api/ knows, by its name. It can be added to and removed from."""
        found: list[Any] = (self.owner if "db" in self.path else self.addon).things.setdefault(name, [])
        return found

    @property
    def database(self) -> Database:
        return self.owner.database


Handler = Callable[[Call], Any]


class RouteModels(NamedTuple):
    """What a route takes and gives. None: no body."""

    request: Any
    response: Any


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
    models: RouteModels
    query: tuple[str, ...] = ()
    """Names of what may stand in the query; a trailing ! marks what must."""
    also: tuple[str, ...] = ()
    """Statuses that it answers with beside its own and those that all routes of its kind have."""
    only: str | None = None
    """The switch position that must hold, as name=value, for the route to exist."""
    dashboard: bool = False
    """Only the newer dashboard is known to use it (marked J in docs/contract.md)."""

    def exists(self, world: World, role: str, prefix: str = "") -> bool:
        if prefix and world.switch("main_routes") == "clients" and not asked(self.number, prefix):
            return False
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
#: What the routes take and give, by their numbers.
ROUTES: dict[str, RouteModels] = {}
#: By which credentials a route is sent, where it does not say so.
ACCESS: dict[str, Access] = {"api": "bearer", "db": "addon"}

# What official clients ask the main API for (section 1.5): the next Go client under /v1, the JavaScript client all but this under /api.
UNDER_V1 = frozenset("D1 D2 D4 D6 D7 B1 B2 B3 B4 U1 U2 U3 U4 U5 M1 M2 T3 L1 L2 F1 F2 F3 F5".split())
NOT_UNDER_API = frozenset("D5 D10 B3 U3".split())


def asked(number: str, prefix: str) -> bool:
    """Whether an official client sends a route of the database API to the main API in this form."""
    return number in UNDER_V1 if prefix == "/v1" else number not in NOT_UNDER_API


def prefixes(route: Route, role: str) -> tuple[str, ...]:
    """Under which prefixes a role serves a route; an empty one is that of its own path."""
    if route.role == role:
        return ("",)
    if route.role != "db" or role != "api":
        return ()
    return ("/api", "/v1") if route.path.startswith("/api/") else ("",)


def base_of(call: Call) -> tuple[str, str]:
    """The host and the prefix by which a route of the database API was asked for, for what leads back to it."""
    return getattr(call.world.addresses, call.role)[call.region], "/" + call.record.path.split("/")[1]


def given_up(world: World, record: Record) -> Answer | None:
    """What the host of the database API answers when it has been given up (section 1.5); nothing while it has not."""
    position = world.switch("db_api")
    if position == "gone":
        return Answer({"error": "gone"}, 410)
    if position == "page":
        return Answer(None, 404, raw=faults.HTML.format(status=404).encode(), media_type="text/html")
    if position == "served":
        return None
    target = world.addresses.api[record.region or ""] + position.removeprefix("to ") + record.path.removeprefix("/api")
    return Answer(None, 308, {"Location": f"{target}?{urlencode(record.query)}" if record.query else target})


def route(
    number: str,
    role: Role,
    methods: str,
    path: str,
    *,
    safe: bool,
    access: Access | None = None,
    status: int = 200,
    query: str = "",
    also: str = "",
    only: str | None = None,
    dashboard: bool = False,
    body: Any = None,
    answer: Any = None,
) -> Callable[[Handler], Handler]:
    """Declare a route. ``body`` is the model of what it takes, ``answer`` that of what it gives, where the handler's annotation does not say it.

    A route of the database API is served on the main API's host too, with the user's bearer (prefixes).
    """

    def declare(handler: Handler) -> Handler:
        title = (handler.__doc__ or number).strip().splitlines()[0].rstrip(".")
        names = tuple(methods.split())
        given = answer or get_type_hints(handler)["return"]
        ROUTES[number] = RouteModels(body, None if given is Answer else given)
        REGISTRY.append(
            Route(
                number=number,
                role=role,
                methods=names,
                path=path,
                handler=handler,
                access=access or ACCESS[role],
                safe=safe,
                status=status,
                title=title,
                models=ROUTES[number],
                query=tuple(query.split()),
                also=tuple(also.split()),
                only=only,
                dashboard=dashboard,
            )
        )
        return handler

    return declare
