# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox driven by its own OpenAPI document: schemathesis makes the requests, and compares every answer with the document.

`make fuzz` makes many more: SCALINGO_FUZZ is the directory that takes the figures, SCALINGO_FUZZ_REQUESTS how many, SCALINGO_TESTS_SEED which.
"""

from __future__ import annotations

import collections
import json
import os
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import given, seed
from hypothesis import strategies as some
from scalingo_sandbox.api.routing import REGISTRY, ROUTES
from scalingo_sandbox.cli import main
from scalingo_sandbox.models.actions import ACTIONS
from scalingo_sandbox.openapi import TAGS, document
from scalingo_sandbox.testing import Sandbox
from schemathesis.checks import not_a_server_error
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from support.caller import Caller
from support.chance import drawing

SCHEMA = schemathesis.openapi.from_dict(document())
OPERATIONS = [result.ok() for result in SCHEMA.get_all_operations()]
ROLES = {tag: role for role, tag in TAGS.items()}
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
FIGURES = os.environ.get("SCALINGO_FUZZ", "")
NUMBER = int(os.environ.get("SCALINGO_FUZZ_REQUESTS", "500"))
#: What looks like a number, and is none that anybody means.
NUMBERS = ["0", "1", "2", "-1", "\u00b2", "\u0663", "1e3", "1_0", "", "9" * 20, "9" * 5000]
TOKENS = ["1-\u00e9", "\u00b2-x", "1", ""]
RANGES = ["bytes=0-", "bytes=1-2", "bytes=-3", "bytes=9-1", "bytes=99999999-", f"bytes={'9' * 5000}-", "bytes=-", "x"]
#: What no request holds, and schemathesis does not make.
BODIES = [
    b"",
    b"null",
    b"{",
    b"\xff",
    b'"x"',
    b"[" * 100_000 + b"]" * 100_000,
    b"[%s]" % (b"9" * 5000),
    b'{"\\ud800": NaN}',
]
MODES = [schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE]


def test_the_command_prints_the_document(capsys: pytest.CaptureFixture[str]) -> None:
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


def share(operation: Any) -> int:
    """How many requests are for an operation: more where there is more to be wrong, in the body or in the query."""
    weights = [8 if one.body else 3 if one.query else 1 for one in OPERATIONS]
    return -(-NUMBER * weights[OPERATIONS.index(operation)] // sum(weights))


class Driver:
    """Sends what schemathesis makes to the sandbox: mostly to things that exist, mostly by the right credentials."""

    def __init__(self, caller: Caller) -> None:
        self.caller = caller
        self.sandbox = caller.sandbox
        self.session = requests.Session()
        self.statuses: collections.Counter[str] = collections.Counter()

    def send(self, case: Any, chance: random.Random) -> None:
        """Send one request and compare its answer with the document."""
        raw = case.operation.definition.raw
        if not raw["x-safe"]:
            self.sandbox.reset()
            self.caller.forget()
        world = self.sandbox.running.world
        app, addon = self._place(case, chance)
        for name in case.path_parameters or {}:
            if chance.random() < 0.9:
                case.path_parameters[name] = chance.choice(self._existing(name, app, addon) or ["x"])
        odd = [one["name"] for one in raw.get("parameters", []) if one["in"] == "query" and chance.random() < 0.3]
        case.query = {
            **(case.query or {}),
            **{name: chance.choice(TOKENS if name == "token" else NUMBERS) for name in odd},
        }
        role = ROLES[raw["tags"][0]]
        if role == "files" and "token" not in odd:
            case.query["token"] = world.tokens.make_link(case.formatted_path, world.now() + 600)
        if role == "db" and chance.random() < 0.2:
            role = "api"
        hosts = getattr(world.addresses, role)
        host = (
            hosts
            if isinstance(hosts, str)
            else hosts[app.region if chance.random() < 0.95 else chance.choice(sorted(hosts))]
        )
        sent = case.as_transport_kwargs(base_url=host)
        if role == "api" and chance.random() < 0.5:
            # The form of the next official clients.
            sent["url"] = sent["url"].replace(f"{host}/api/", f"{host}/v1/")
        if role == "files" and chance.random() < 0.3:
            sent["headers"]["Range"] = chance.choice(RANGES)
        broken = case.operation.body and chance.random() < 0.1
        if broken:
            sent.pop("json", None)
            sent["data"] = chance.choice(BODIES)
        sent["headers"].update(self._credentials(raw, role, app, addon, chance))
        response = self.session.request(**sent)
        self.statuses[str(response.status_code)] += 1
        self.judge(case, response, bool(broken))

    @staticmethod
    def judge(case: Any, response: Any, broken: bool) -> None:
        """The answer is as the document says. Only bodies are refused for what the document does not have."""
        body = case.meta.components.get(ParameterLocation.BODY) if case.meta else None
        refused = not broken and body is not None and body.mode is schemathesis.GenerationMode.NEGATIVE
        if case.operation.definition.raw["x-contract"] == "D8" and response.ok:
            # Actions are refused with 200, too.
            assert not refused or response.json()["ok"] == 0, f"{case.body} is not refused"
            refused = False
        case.validate_response(response, checks=[*CHECKS, *([negative_data_rejection] if refused else [])])

    def _place(self, case: Any, chance: random.Random) -> tuple[Any, Any]:
        """An app and an addon, mostly ones that have what the path and the action are about."""
        places = [(app, addon) for app in self.sandbox.running.world.apps for addon in app.addons]
        named = case.body.get("action_name") if isinstance(case.body, dict) else None
        engines = ACTIONS[named].engines if isinstance(named, str) and named in ACTIONS else None
        fitting = [
            (app, addon)
            for app, addon in places
            if all(self._existing(name, app, addon) for name in case.path_parameters or {})
            and (engines is None or addon.kind.provider in engines)
        ]
        return chance.choice(fitting if fitting and chance.random() < 0.8 else places)

    def _existing(self, name: str, app: Any, addon: Any) -> list[str]:
        """What such a part of a path may be for one of the things that there are."""
        item, world = addon.database, self.sandbox.running.world
        there = {
            "app": [app.name, app.id],
            "addon": [addon.id],
            "db": [addon.id],
            # Those of addons lead to the database API there.
            "database": [app.id, app.name, item.id],
            "backup": [backup.id for backup in item.backups],
            "identifier": [item.id],
            "instance": [instance.id for instance in item.instances],
            "maintenance": [entry.id for entry in item.maintenance],
            "name": [user.name for user in item.engine.list_users()] if addon.kind.users else [],
            "number": NUMBERS,
            "operation": [*item.operations, *app.operations],
            "peering": [peering.id for peering in app.peerings],
            "plan": [addon.plan.name],
            "provider": [addon.kind.provider],
            "restoration": list(item.restorations),
            "rule": [rule.id for rule in item.firewall_rules],
            "token": [token.id for token in world.api_tokens],
            "type": ["cpu", "memory", "diskio", addon.kind.type_name],
            "variable": list(app.variables),
        }
        return there.get(name, [])

    def _credentials(self, raw: Any, role: str, app: Any, addon: Any, chance: random.Random) -> dict[str, str]:
        """Those that the route asks for; of one in ten requests others, or none."""
        kinds = [name for way in raw["security"] for name in way]
        if role == "api":
            kinds = [kind for kind in kinds if kind != "addon_token"]
        kind = kinds[0] if kinds else "none"
        if chance.random() < 0.1:
            kind = chance.choice(["none", "api_token", "bearer", "addon_token", "nonsense"])
        if kind == "api_token":
            return {"Authorization": requests.auth._basic_auth_str("", self.sandbox.api_token)}
        tokens = {"bearer": lambda: self.caller.bearer, "nonsense": lambda: "x"}
        tokens["addon_token"] = lambda: self.caller.addon_token(addon.id, app.region)
        return {"Authorization": f"Bearer {tokens[kind]()}"} if kind in tokens else {}


@pytest.fixture(scope="module")
def driver(shared_sandbox: Sandbox) -> Iterator[Driver]:
    shared_sandbox.reset()
    caller = Caller(shared_sandbox)
    yield Driver(caller)
    caller.close()


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda operation: operation.label)
def test_every_answer_is_as_documented(driver: Driver, operation: Any) -> None:
    driver.sandbox.reset()
    driver.caller.forget()
    driver.statuses.clear()
    made = some.one_of(*(operation.as_strategy(generation_mode=mode) for mode in MODES))

    @seed(int(os.environ.get("SCALINGO_TESTS_SEED", "0")))
    @drawing(share(operation), bool(FIGURES))
    @given(made, some.integers(0, 2**32))
    def drive(case: Any, choice: int) -> None:
        driver.send(case, random.Random(choice))

    failed = True
    try:
        drive()
        failed = False
    finally:
        if FIGURES:
            figures = {"outcomes": driver.statuses, "failed": failed}
            name = operation.definition.raw["operationId"]
            Path(FIGURES, f"sandbox-{name}.json").write_text(json.dumps(figures), encoding="utf-8")
