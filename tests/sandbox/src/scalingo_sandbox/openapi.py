# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OpenAPI document, made from the routes and their models."""

from __future__ import annotations

import re
from http import HTTPStatus
from typing import Any

from pydantic import TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaMode

from scalingo_sandbox import __version__
from scalingo_sandbox.api.routing import REGISTRY, Route
from scalingo_sandbox.application import load_routes
from scalingo_sandbox.models import actions, base

TAGS = {
    "auth": "Authentication host",
    "api": "Main API",
    "db": "Database API",
    "files": "Downloads and logs",
}
SECURITY: dict[str, list[dict[str, list[str]]]] = {
    "basic": [{"api_token": []}],
    "bearer": [{"bearer": []}],
    "addon": [{"addon_token": []}, {"bearer": []}],
    "optional": [{}, {"bearer": []}],
    "none": [{}],
}
ERRORS: dict[str, tuple[str, Any]] = {
    "400": ("The request cannot be understood, or not now", base.Error),
    "401": ("No token, an expired one, or one of something else", base.Error),
    "403": ("Not permitted", base.Error),
    "404": ("There is no such thing", base.Error),
    "409": ("The state of the thing forbids it", base.Error),
    "422": ("A field is refused", base.ValidationErrors),
}


def _operation_id(route: Route, method: str) -> str:
    words = re.sub(r"[^a-z0-9]+", " ", route.handler.__name__.replace("_", " ")).split()
    first = words[0] + "".join(word.capitalize() for word in words[1:])
    if len(route.methods) > 1 and method != route.methods[0]:
        first += f"With{method.capitalize()}"
    return first


def document() -> dict[str, Any]:
    """The whole document. What a switch must turn on is left out: it is not how the service is thought to be."""
    load_routes()
    routes = [route for route in REGISTRY if route.only is None or "!" in route.only]
    wanted: list[tuple[str, JsonSchemaMode, TypeAdapter[Any]]] = []
    for route in routes:
        for direction, mode in (("request", "validation"), ("response", "serialization")):
            model = getattr(route.models, direction)
            if model is not None and model is not base.Empty:
                wanted.append((f"{route.number}/{direction}", mode, TypeAdapter(model)))  # type: ignore[arg-type]
    for name, (dummy, model) in ERRORS.items():
        wanted.append((name, "serialization", TypeAdapter(model)))
    for action in actions.ACTIONS.values():
        if action.params is not None:
            wanted.append((f"params/{action.name}", "validation", TypeAdapter(action.params)))
        if action.result is not None:
            wanted.append((f"result/{action.name}", "serialization", TypeAdapter(action.result)))
    unique = {(key, mode): (key, mode, adapter) for key, mode, adapter in wanted}
    schemas, definitions = TypeAdapter.json_schemas(
        list(unique.values()), ref_template="#/components/schemas/{model}", schema_generator=GenerateJsonSchema
    )
    by_key = {key: schema for (key, dummy), schema in schemas.items()}
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        for method in route.methods:
            described = _described(route, method, by_key)
            if method.lower() not in paths.setdefault(route.path, {}):
                paths[route.path][method.lower()] = described
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Scalingo database API, as docs/contract.md describes it",
            "version": __version__,
            "description": "Made from the models of the sandbox in tests/sandbox. Not a document of Scalingo's.",
            "license": {"name": "GPL-3.0-or-later", "identifier": "GPL-3.0-or-later"},
        },
        "tags": [{"name": name} for name in TAGS.values()],
        "paths": dict(sorted(paths.items())),
        "components": {
            "responses": {
                **{
                    status: {"description": text, "content": {"application/json": {"schema": by_key[status]}}}
                    for status, (text, dummy) in ERRORS.items()
                },
                "429": {"description": "Too many requests: text or JSON"},
            },
            "schemas": dict(sorted(definitions.get("$defs", {}).items())),
            "securitySchemes": {
                "api_token": {
                    "type": "http",
                    "scheme": "basic",
                    "description": "An empty user name, and the API token as password",
                },
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The user's bearer, on the main API's host",
                },
                "addon_token": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "The token of the database's addon, on the database API's host",
                },
            },
        },
        "x-actions": {
            action.name: {
                "engines": sorted(action.engines),
                "safe": action.safe,
                "params": by_key.get(f"params/{action.name}"),
                "result": by_key.get(f"result/{action.name}"),
            }
            for action in actions.ACTIONS.values()
        },
    }


def _as_action(action: actions.ActionModel, schemas: dict[str, Any]) -> dict[str, Any]:
    """The body of a request for one action."""
    properties = {"action_name": {"const": action.name}}
    if action.params is not None:
        properties["params"] = schemas[f"params/{action.name}"]
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _described(route: Route, method: str, schemas: dict[str, Any]) -> dict[str, Any]:
    described: dict[str, Any] = {
        "operationId": _operation_id(route, method),
        "summary": route.title,
        "tags": [TAGS[route.role]],
        "security": SECURITY[route.access],
        "x-contract": route.number,
        "x-safe": route.safe,
    }
    names = re.findall(r"{(\w+)}", route.path)
    parameters = [{"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in names]
    for name in route.query:
        required = name.endswith("!")
        shown = name.removesuffix("!")
        parameters.append({"name": shown, "in": "query", "required": required, "schema": {"type": "string"}})
    if parameters:
        described["parameters"] = parameters
    request = schemas.get(f"{route.number}/request")
    if request is not None:
        if route.number == "D8":
            request = {"anyOf": [_as_action(action, schemas) for action in actions.ACTIONS.values()]}
        described["requestBody"] = {"required": True, "content": {"application/json": {"schema": request}}}
    success: dict[str, Any] = {"description": "Success"}
    response = schemas.get(f"{route.number}/response")
    if response is not None and route.status != 204:
        success["content"] = {"application/json": {"schema": response}}
    described["responses"] = {str(route.status): success}
    for status in route.also:
        described["responses"][status] = {"description": HTTPStatus(int(status)).phrase}
    for status in (*ERRORS, "429"):
        if route.access != "none" or status in route.also or status not in ("401", "403"):
            described["responses"][status] = {"$ref": f"#/components/responses/{status}"}
    if route.role == "auth":
        page = {"content": {"text/html": {"schema": {"type": "string"}}}}
        described["responses"]["404"] = {"description": "There is no such thing: a page", **page}
    return described
