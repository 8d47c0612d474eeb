# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The OpenAPI document has every route, and holds together."""

from __future__ import annotations

import json

import pytest
from scalingo_sandbox.api.routing import REGISTRY
from scalingo_sandbox.cli import main
from scalingo_sandbox.models import ROUTES
from scalingo_sandbox.models.actions import ACTIONS
from scalingo_sandbox.openapi import document


def test_the_command_prints_it(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--openapi"])
    assert json.loads(capsys.readouterr().out) == document()


def test_every_route_and_action_is_in_it() -> None:
    content = document()
    described = {
        (path, method.upper()): operation
        for path, methods in content["paths"].items()
        for method, operation in methods.items()
    }
    for route in REGISTRY:
        for method in route.methods:
            if route.only is None or "!" in route.only:
                operation = described[(route.path, method)]
                assert (operation["x-contract"], operation["x-safe"]) == (route.number, route.safe)
                assert str(route.status) in operation["responses"]
    switched = {route.number for route in REGISTRY if route.only is not None}
    assert {operation["x-contract"] for operation in described.values()} >= set(ROUTES) - switched
    names = [operation["operationId"] for operation in described.values()]
    assert len(set(names)) == len(names)
    assert set(content["x-actions"]) == set(ACTIONS)


def test_every_reference_leads_somewhere() -> None:
    content = document()

    def walk(value: object) -> None:
        if isinstance(value, dict):
            reference = value.get("$ref")
            if isinstance(reference, str):
                target: object = content
                for step in reference.removeprefix("#/").split("/"):
                    assert isinstance(target, dict)
                    assert step in target, reference
                    target = target[step]
            for entry in value.values():
                walk(entry)
        elif isinstance(value, list):
            for entry in value:
                walk(entry)

    walk(content)
