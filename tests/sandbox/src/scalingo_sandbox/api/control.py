# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control API: what the testing face does, over HTTP."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from scalingo_sandbox.control import Control

Handler = Callable[[Control, Any], Any]


def _plain(value: Any) -> Any:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json")
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return value


def _endpoint(control: Control, handler: Handler) -> Callable[[Request], Awaitable[Response]]:
    async def endpoint(request: Request) -> Response:
        raw = await request.body()
        try:
            data = await request.json() if raw.strip() else {}
            if not isinstance(data, dict):
                raise ValueError("the body is not an object")
            arguments = {**dict(request.query_params), **data}
            if control.world.blocking:
                result = await asyncio.to_thread(handler, control, arguments)
            else:
                result = handler(control, arguments)
        except (ValueError, TypeError, KeyError, ValidationError) as error:
            return JSONResponse({"error": str(error)}, status_code=422)
        return JSONResponse(_plain({"ok": True} if result is None else result))

    return endpoint


ROUTES: list[tuple[str, str, Handler]] = [
    ("GET", "/control/health", lambda control, data: {"ok": True}),
    ("GET", "/control/log", lambda control, data: control.log(unsafe=data.get("unsafe") in (True, "true", "1"))),
    ("DELETE", "/control/log", lambda control, data: control.clear_log()),
    ("POST", "/control/clear_log", lambda control, data: control.clear_log()),
    ("GET", "/control/unsafe", lambda control, data: control.log(unsafe=True)),
    ("POST", "/control/reset", lambda control, data: control.reset(data.get("seed"))),
    ("POST", "/control/advance", lambda control, data: control.advance(float(data["seconds"]))),
    ("POST", "/control/speed", lambda control, data: control.speed(float(data["speed"]))),
    ("GET", "/control/clock", lambda control, data: control.clock()),
    ("GET", "/control/switches", lambda control, data: control.switches()),
    ("POST", "/control/switch", lambda control, data: control.switch(data["name"], data["value"])),
    ("POST", "/control/fault", lambda control, data: control.fault(**data)),
    ("GET", "/control/faults", lambda control, data: control.faults()),
    ("DELETE", "/control/faults", lambda control, data: control.clear_faults()),
    ("POST", "/control/clear_faults", lambda control, data: control.clear_faults()),
    ("POST", "/control/rate_limit", lambda control, data: control.rate_limit(**data)),
    ("DELETE", "/control/rate_limit", lambda control, data: control.no_rate_limit()),
    ("GET", "/control/state", lambda control, data: control.state()),
    ("POST", "/control/durations", lambda control, data: control.durations(**data)),
    ("POST", "/control/expire_tokens", lambda control, data: control.expire_tokens(**data)),
    ("POST", "/control/outcome", lambda control, data: control.outcome(**data)),
    ("POST", "/control/database", lambda control, data: control.change_database(**data)),
    ("POST", "/control/event", lambda control, data: control.event(**data)),
    ("POST", "/control/end_operation", lambda control, data: control.end_operation(**data)),
    ("POST", "/control/lose_operation", lambda control, data: control.lose_operation(**data)),
]


def make_control_application(control: Control) -> Starlette:
    return Starlette(
        routes=[Route(path, _endpoint(control, handler), methods=[method]) for method, path, handler in ROUTES]
    )
