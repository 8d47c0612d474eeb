# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ASGI application: one for all hosts, told apart by the port on which a request arrived."""

from __future__ import annotations

import asyncio
import base64
import binascii
import contextlib
import importlib
import json
import math
import pkgutil
import sys
import threading
import time
import traceback
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from pydantic import BaseModel, RootModel, TypeAdapter, ValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import compile_path
from starlette.types import ASGIApp, Receive, Scope, Send

from scalingo_sandbox import api, faults
from scalingo_sandbox.api import routing
from scalingo_sandbox.api.routing import Answer, Call, Refusal, Route
from scalingo_sandbox.models import base
from scalingo_sandbox.models.actions import ACTIONS
from scalingo_sandbox.record import Record
from scalingo_sandbox.tokens import TokenRefused
from scalingo_sandbox.transport import DROP
from scalingo_sandbox.world import World

Result = TypeVar("Result")
AT_ONCE = 20
"""How many requests may be on their way (docs/contract.md section 4.5)."""
MAXIMUM_BODY = 4 * 1024 * 1024
PIECE = 256 * 1024


@dataclass(frozen=True)
class Place:
    """What a port stands for."""

    role: str
    region: str = ""


@dataclass
class Exchange:
    """One request on its way through."""

    record: Record
    route: Route | None
    path: dict[str, str]
    raw: bytes
    authorization: str
    accept: str
    content_type: str
    headers: dict[str, str]
    rule: faults.FaultRule | None = None
    answer: Answer = field(default_factory=Answer)


def load_routes() -> None:
    for item in pkgutil.iter_modules(api.__path__):
        importlib.import_module(f"{api.__name__}.{item.name}")


class Compiled:
    """The routes of one role. Those of the database API are on the main API's host too, in both forms of section 1.5."""

    def __init__(self, role: str) -> None:
        self._routes = []
        for route in routing.REGISTRY:
            for prefix in routing.prefixes(route, role):
                pattern, dummy, dummy_convertors = compile_path(prefix + route.path.removeprefix(prefix and "/api"))
                self._routes.append((pattern, route, prefix))
        # Before those of dedicated databases, which have paths of the same form.
        self._routes.sort(key=lambda entry: entry[2] != "/v1")

    def find(self, world: World, role: str, method: str, path: str) -> tuple[Route | None, dict[str, str]]:
        for pattern, route, prefix in self._routes:
            if method in route.methods and (match := pattern.match(path)) and route.exists(world, role, prefix):
                values = match.groupdict()
                # Under /v1 anything else is a dedicated database.
                if prefix != "/v1" or values.get("db", "ad-").startswith("ad-"):
                    return route, values
        return None, {}


def wire(body: Any) -> Any:
    """Plain data, as it is sent."""
    if isinstance(body, base.Response):
        return body.wire()
    if isinstance(body, RootModel):
        return body.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if isinstance(body, BaseModel):
        return body.model_dump(mode="json")
    return body


_MESSAGES = {
    "missing": "can't be blank",
    "extra_forbidden": "is not permitted",
    "string_type": "is not a string",
    "int_type": "is not an integer",
    "bool_type": "is not a boolean",
    "list_type": "is not a list",
    "model_type": "is not an object",
    "model_attributes_type": "is not an object",
    "dict_type": "is not an object",
    "string_pattern_mismatch": "is invalid",
    "string_too_short": "is too short (minimum is {min_length} characters)",
    "string_too_long": "is too long (maximum is {max_length} characters)",
    "greater_than_equal": "must be greater than or equal to {ge}",
    "less_than_equal": "must be less than or equal to {le}",
    "literal_error": "is not included in the list",
    "value_error": "{error}",
}


def validation_refusal(world: World, error: ValidationError) -> Refusal:
    """422, field by field; a plan that is not named is a 400 (docs/contract.md section 4.1)."""
    if any(entry["type"] == "missing" and entry["loc"][-1] == "plan_id" for entry in error.errors()):
        return Refusal(400, {"error": "plan_id is required"})
    messages: dict[str, list[str]] = {}
    for entry in error.errors():
        names = [str(step) for step in entry["loc"] if isinstance(step, str) and step not in ("rooted", "bare")]
        name = names[-1] if names else "base"
        text = _MESSAGES.get(entry["type"], "is invalid").format_map(entry.get("ctx", {}))
        messages.setdefault(name, []).append(text)
    if world.switch("validation_body") == "error":
        return Refusal(422, {"error": "; ".join(f"{name} {texts[0]}" for name, texts in messages.items())})
    return Refusal(422, {"errors": messages})


class Application:
    """Everything between the socket and the handlers: log, limit, faults, access, bodies."""

    def __init__(self, world: World, places: dict[int, Place], control: ASGIApp) -> None:
        load_routes()
        self.world = world
        self.places = places
        self.control = control
        self.stopping = asyncio.Event()
        # Released each time that a rule begins to hold a request.
        self.held = threading.Semaphore(0)
        self._on_their_way = 0
        self._compiled = {role: Compiled(role) for role in ("auth", "api", "db", "files")}
        self._adapters: dict[str, TypeAdapter[Any]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            raise RuntimeError(f"{scope['type']} is not served")
        place = self.places[scope["server"][1]]
        if place.role == "control":
            await self.control(scope, receive, send)
            return
        self._on_their_way += 1
        try:
            # Those that arrive together are together on their way.
            await asyncio.sleep(0)
            exchange = await self._answered(scope, receive, place)
        finally:
            self._on_their_way -= 1
        # An answer that drips may outlive its client: it is no request on its way.
        if exchange is not None:
            await self._respond(exchange, scope, receive, send, scope["state"][DROP])

    async def _answered(self, scope: Scope, receive: Receive, place: Place) -> Exchange | None:
        """A request with its answer; nothing where the connection is closed without one."""
        request = Request(scope, receive)
        raw = await request.body()
        exchange, limited = await self._run(self._begin, request, place, raw)
        record, rule = exchange.record, exchange.rule
        drop: Callable[..., None] = scope["state"][DROP]
        if limited is not None:
            exchange.answer = limited
        else:
            if rule is not None and rule.do in ("drop_before", "hold_before"):
                await self._hold(rule)
                drop(reset=rule.reset)
                return None
            if rule is not None and rule.do == "slow":
                rules = self.world.faults
                await self._while_it_holds(rule, rule.seconds)
                if rules is not self.world.faults:
                    # The world that it was asked of is gone.
                    drop(reset=False)
                    return None
            if rule is not None and rule.do in ("status", "html", "plain"):
                exchange.answer = _fault_answer(rule)
            else:
                await self._run(self._work, exchange)
            if rule is not None and rule.do in ("drop_after", "hold_after"):
                await self._hold(rule)
                drop(reset=rule.reset)
                return None
        record.status = exchange.answer.status
        return exchange

    async def _pause(self, seconds: float) -> None:
        """Wait, but not beyond the end of the server."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self.stopping.wait(), seconds)

    async def _hold(self, rule: faults.FaultRule) -> None:
        """Wait until a rule that holds is gone."""
        if rule.do.startswith("hold"):
            self.held.release()
            await self._while_it_holds(rule, math.inf)

    async def _while_it_holds(self, rule: faults.FaultRule, seconds: float) -> None:
        end = time.monotonic() + seconds
        while self.world.faults.holds(rule) and not self.stopping.is_set() and (left := end - time.monotonic()) > 0:
            await self._pause(min(left, 0.02))

    async def _run(self, act: Callable[..., Result], *arguments: Any) -> Result:
        """In a thread of its own where an engine may take long, so that nobody else has to wait for it."""
        if self.world.blocking:
            return await asyncio.to_thread(act, *arguments)
        return act(*arguments)

    # before the work

    def _begin(self, request: Request, place: Place, raw: bytes) -> tuple[Exchange, Answer | None]:
        world = self.world
        with world.lock:
            world.timeline.settle()
            world.number += 1
            headers = {name.lower(): value for name, value in request.headers.items()}
            authorization = headers.get("authorization", "")
            path = request.scope["path"]
            query = dict(parse_qsl(request.scope["query_string"].decode("latin-1"), keep_blank_values=True))
            method = "GET" if request.method == "HEAD" else request.method
            route, parameters = self._compiled[place.role].find(world, place.role, method, path)
            record = Record(
                number=world.number,
                time=world.now(),
                role=place.role,
                region=place.region or None,
                method=request.method,
                path=path,
                query=query,
                route=route.number if route else None,
                safe=route.safe if route else request.method in ("GET", "HEAD"),
                token_kind=self._token_kind(authorization),
                headers={
                    "user-agent": headers.get("user-agent", ""),
                    "content-type": headers.get("content-type", ""),
                    "accept": headers.get("accept", ""),
                    "authorization": authorization.split(" ", 1)[0],
                },
                body=_loosely_parsed(raw),
                request_id=headers.get("x-request-id") or str(uuid.uuid4()),
            )
            self._describe(record, route, place, parameters)
            world.records.append(record)
            exchange = Exchange(
                record,
                route,
                parameters,
                raw,
                authorization,
                headers.get("accept", ""),
                headers.get("content-type", ""),
                headers,
            )
            limited = self._limited(record, authorization)
            if limited is None:
                exchange.rule = world.faults.find(record)
                record.fault = exchange.rule.do if exchange.rule else None
            return exchange, limited

    def _describe(self, record: Record, route: Route | None, place: Place, parameters: dict[str, str]) -> None:
        """App, addon and action of the request, as far as they can be told."""
        world = self.world
        if "app" in parameters:
            app = world.find_app(place.region, parameters["app"])
            record.app = app.name if app else parameters["app"]
        record.addon_id = parameters.get("addon") or parameters.get("db")
        if "db" in parameters:
            addon = world.find_addon(parameters["db"])
            record.app = world.app_of(addon).name if addon else None
        if route is not None and route.number == "D8" and isinstance(record.body, dict):
            name = record.body.get("action_name")
            if isinstance(name, str):
                record.action_name = name
                record.safe = name in ACTIONS and ACTIONS[name].safe

    def _token_kind(self, authorization: str) -> str:
        scheme, dummy, value = authorization.partition(" ")
        if not authorization:
            return "none"
        if scheme.lower() == "basic":
            return "basic"
        if scheme.lower() == "bearer":
            for kind, check in (("bearer", self.world.tokens.check_bearer), ("addon", self.world.tokens.check_addon)):
                try:
                    check(value)
                    return kind
                except TokenRefused:
                    continue
        return "invalid"

    def _limited(self, record: Record, authorization: str) -> Answer | None:
        world, limiter = self.world, self.world.limiter
        if record.role == "files":
            return None
        if self._on_their_way > AT_ONCE and world.switch("many_at_once") == "504":
            record.fault = "many_at_once"
            return Answer(None, 504, raw=faults.HTML.format(status=504).encode(), media_type="text/html")
        if limiter.limit is None:
            return None
        user = record.token_kind if record.token_kind in ("none", "invalid") else "user"
        keys = {"user": user, "global": "", "role": f"{record.role}/{record.region}", "token": authorization}
        key = keys[limiter.limit.scope]
        if not limiter.refuses(key, world.clock.now()):
            return None
        headers = {}
        if limiter.limit.retry_after:
            headers["Retry-After"] = str(limiter.seconds_left(world.clock.now(), world.clock.speed))
        form = limiter.limit.body or world.switch("rate_limit_body")
        record.fault = "rate_limit"
        if form == "json":
            return Answer({"error": "Retry later", "code": "rate_limited"}, 429, headers)
        return Answer(None, 429, headers, raw=b"Retry later\n", media_type="text/plain")

    # the work

    def _work(self, exchange: Exchange) -> None:
        with self.world.lock:
            if exchange.rule is not None and exchange.rule.do == "expire_tokens":
                self.world.tokens.expire()
            try:
                exchange.answer = self._handle(exchange)
            except Refusal as refusal:
                exchange.answer = refusal.answer(exchange.record.role)
            except Exception:
                traceback.print_exc(file=sys.stderr)
                exchange.answer = Answer(faults.DEFAULT_BODIES[500], 500)

    def _handle(self, exchange: Exchange) -> Answer:
        world, record, route = self.world, exchange.record, exchange.route
        instead = routing.given_up(world, record) if record.role == "db" else None
        if instead is not None:
            return instead
        if route is None:
            raise routing.not_found()
        call = Call(
            world=world,
            route=route,
            role=record.role,
            region=record.region or "",
            path=exchange.path,
            query=record.query,
            body=None,
            headers=exchange.headers,
            record=record,
        )
        call.caller = self._caller(call, exchange.authorization)
        call.body = self._body(exchange)
        given = route.handler(call)
        answer = given if isinstance(given, Answer) else Answer(given)
        if answer.status is None:
            answer.status = route.status
        answer.body = wire(answer.body)
        return answer

    def _caller(self, call: Call, authorization: str) -> Any:
        """Who asks: refused with 401 unless the route is open to them."""
        access = call.route.access
        scheme, dummy, value = authorization.partition(" ")
        if access == "none" or (access == "optional" and not authorization):
            return None
        if access == "basic":
            return self._basic(scheme, value)
        bare = access == "addon" and call.role == "db" and self.world.switch("refused_token") == "400"
        if scheme.lower() != "bearer":
            raise Refusal(400 if bare else 401, {"error": "unauthorized"})
        try:
            if access == "addon" and call.role == "db":
                return self._addon_caller(call, value)
            self.world.tokens.check_bearer(value)
        except TokenRefused as error:
            if bare:
                raise Refusal(400, {"error": "unauthorized"}) from error
            raise Refusal(401, {"error": f"unauthorized: {error}"}) from error
        if call.role != "auth" and call.region not in self.world.account.regions:
            raise Refusal(403, {"error": "this region is not available to you", "code": "region_disabled"})
        return self.world.account

    def _basic(self, scheme: str, value: str) -> Any:
        try:
            decoded = base64.b64decode(value, validate=True).decode()
        except (binascii.Error, ValueError):
            decoded = "?"
        name, separator, secret = decoded.partition(":")
        if scheme.lower() == "basic" and not name and separator and secret:
            for token in self.world.api_tokens:
                if token.secret == secret:
                    token.last_used_at = self.world.now()
                    return token
        raise Refusal(401, {"error": "Invalid credentials"})

    def _addon_caller(self, call: Call, value: str) -> str:
        claims = self.world.tokens.check_addon(value)
        addon = self.world.find_addon(claims.addon_id)
        if addon is None:
            raise TokenRefused("the addon does not exist any more")
        wanted = call.path.get("db")
        if claims.region != call.region or (wanted is not None and wanted != claims.addon_id):
            from scalingo_sandbox.api.database import foreign

            raise foreign(call)
        return claims.addon_id

    def _body(self, exchange: Exchange) -> Any:
        """The body in the route's model. XML is refused, unknown fields are refused, {} and nothing are the same."""
        media = exchange.content_type.partition(";")[0].strip().lower()
        if media.endswith("xml"):
            raise Refusal(415, {"error": "XML is not accepted, send JSON"})
        wanted = exchange.accept.lower()
        if "xml" in wanted and "json" not in wanted and "*/*" not in wanted:
            raise Refusal(406, {"error": "only JSON is sent"})
        route = exchange.route
        model = route.models.request if route else None
        data: Any = None
        if exchange.raw.strip():
            if len(exchange.raw) > MAXIMUM_BODY:
                raise Refusal(400, {"error": "the body is too long"})
            try:
                data = json.loads(exchange.raw)
            except (ValueError, RecursionError) as error:
                raise Refusal(400, {"error": f"the body is not JSON: {error}"}) from error
        if model is None:
            if data not in (None, {}):
                raise Refusal(400, {"error": "this request takes no body"})
            return None
        number = route.number if route else ""
        adapter = self._adapters.get(number)
        if adapter is None:
            adapter = self._adapters[number] = TypeAdapter(model)
        try:
            return adapter.validate_python({} if data is None else data)
        except ValidationError as error:
            raise validation_refusal(self.world, error) from error

    # after the work

    async def _respond(
        self, exchange: Exchange, scope: Scope, receive: Receive, send: Send, drop: Callable[..., None]
    ) -> None:
        answer, rule, record = exchange.answer, exchange.rule, exchange.record
        if rule is not None and rule.do in ("wrong_type", "missing_key") and answer.body is not None:
            answer.raw = json.dumps(faults.spoil(rule, answer.body)).encode()
        if rule is not None and rule.do == "replace":
            answer.body, answer.raw = rule.body, None
            answer.status = record.status = rule.status or answer.status
            answer.headers.update(rule.headers)
        headers = {
            "Date": self.world.clock.http_date(),
            "X-Request-Id": record.request_id,
            "Server": "scalingo-sandbox",
            **answer.headers,
        }
        if rule is not None and rule.do == "headers":
            headers.update(rule.headers)
        status = answer.status or 200
        if answer.file is not None:
            headers["Content-Type"] = answer.media_type
            await self._send_file(answer, rule, status, headers, send, drop)
            return
        content = answer.raw
        if content is None:
            content = b"" if status == 204 or answer.body is None else faults.encoded(answer.body)
        if rule is not None and rule.do == "truncate":
            headers["Content-Length"] = str(len(content) + 64)
            headers["Content-Type"] = answer.media_type
            kept = max(1, len(content) // 2) if rule.bytes is None else rule.bytes
            await send({"type": "http.response.start", "status": status, "headers": _encoded_headers(headers)})
            await send({"type": "http.response.body", "body": content[:kept], "more_body": True})
            drop(reset=rule.reset)
            return
        if rule is not None and rule.do == "drip":
            headers["Content-Type"] = answer.media_type
            headers["Content-Length"] = str(len(content))
            await send({"type": "http.response.start", "status": status, "headers": _encoded_headers(headers)})
            size = rule.bytes or max(1, len(content) // 4)
            for begin in range(0, len(content), size):
                await self._pause(rule.seconds)
                await send({"type": "http.response.body", "body": content[begin : begin + size], "more_body": True})
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        if "Content-Length" in headers:
            # What no server would send is sent past the library that would refuse it.
            headers["Content-Type"] = answer.media_type
            lines = [b"HTTP/1.1 %d Answered" % status, *(b": ".join(pair) for pair in _encoded_headers(headers))]
            drop(b"\r\n".join([*lines, b"Connection: close", b"", content]))
            return
        media = answer.media_type if content else None
        response = Response(content, status_code=status, media_type=media, headers=headers)
        await response(scope, receive, send)

    async def _send_file(
        self,
        answer: Answer,
        rule: faults.FaultRule | None,
        status: int,
        headers: dict[str, str],
        send: Send,
        drop: Callable[..., None],
    ) -> None:
        """A part of a file, piece by piece; a fault may cut it off, or let it drip."""
        path, offset, length = answer.file
        dripping = rule is not None and rule.do == "drip"
        most = PIECE if rule is None or not dripping else rule.bytes or max(1, length // 4)
        cut = rule is not None and rule.do == "truncate"
        if rule is not None and cut:
            length = min(length, length // 2 if rule.bytes is None else rule.bytes)
        await send({"type": "http.response.start", "status": status, "headers": _encoded_headers(headers)})
        with open(path, "rb") as stream:
            stream.seek(offset)
            while length > 0:
                if rule is not None and dripping:
                    await self._pause(rule.seconds)
                piece = stream.read(min(length, most))
                if not piece:
                    break
                length -= len(piece)
                await send({"type": "http.response.body", "body": piece, "more_body": True})
        if rule is not None and cut:
            drop(reset=rule.reset)
        else:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


def _encoded_headers(headers: dict[str, str]) -> list[tuple[bytes, bytes]]:
    return [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in headers.items()]


def _loosely_parsed(raw: bytes) -> Any:
    if not raw.strip():
        return None
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        return raw.decode("utf-8", "replace")


def _fault_answer(rule: faults.FaultRule) -> Answer:
    """An answer instead of the work."""
    if rule.do == "html":
        status = rule.status or 502
        text = rule.body if isinstance(rule.body, str) else faults.HTML.format(status=status)
        return Answer(None, status, dict(rule.headers), raw=text.encode(), media_type="text/html")
    if rule.do == "plain":
        text = rule.body if isinstance(rule.body, str) else "Retry later\n"
        return Answer(None, rule.status or 429, dict(rule.headers), raw=text.encode(), media_type="text/plain")
    status = rule.status or 500
    body = rule.body if rule.body is not None else faults.DEFAULT_BODIES.get(status, {"error": f"status {status}"})
    return Answer(body, status, dict(rule.headers))
