# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The firewall of dedicated databases and the certificate: docs/contract.md sections 1.1 and 2.16."""

from __future__ import annotations

from typing import Any

import pytest
from scalingo_sandbox.testing import Sandbox
from support.caller import SECOND, Caller


@pytest.fixture
def ledger(box: Sandbox) -> str:
    return box.addon_id("ledger", "postgresql-ng")


def rules(caller: Caller, addon_id: str) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = caller.database("GET", addon_id, "/firewall_rules").json()["rules"]
    return listed


@pytest.mark.parametrize("rooted", [False, True])
@pytest.mark.parametrize(
    "fields",
    [
        {"type": "custom_range", "cidr": "198.51.100.0/24", "label": "home"},
        {"type": "custom_range", "cidr": "198.51.100.7/32"},
        {"type": "managed_range", "range_id": "mr-scalingo-osc-fr1"},
        {"type": "managed_range", "range_id": "mr-scalingo-osc-secnum-fr1"},
    ],
)
def test_a_rule_is_created_in_both_forms(caller: Caller, ledger: str, fields: dict[str, Any], rooted: bool) -> None:
    answer = caller.database("POST", ledger, "/firewall_rules", json={"firewall_rule": fields} if rooted else fields)
    assert answer.status_code == 201
    rule = answer.json()["rule"]
    assert {name: rule[name] for name in fields} == fields
    assert rule["database_id"] == caller.show(ledger)["id"]
    assert rules(caller, ledger)[-1] == rule
    twice = caller.database("POST", ledger, "/firewall_rules", json=fields)
    assert twice.status_code == 422


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"type": "custom_range"}, "cidr"),
        ({"type": "custom_range", "cidr": "198.51.100.7/24"}, "cidr"),
        ({"type": "custom_range", "cidr": "everywhere"}, "cidr"),
        ({"type": "custom_range", "cidr": "198.51.100.7"}, "cidr"),
        ({"type": "custom_range", "cidr": "198.51.100.0/24", "range_id": "mr-scalingo-osc-fr1"}, "range_id"),
        ({"type": "managed_range"}, "range_id"),
        ({"type": "managed_range", "range_id": "mr-nobody"}, "range_id"),
        ({"type": "managed_range", "range_id": "mr-scalingo-osc-fr1", "label": "x"}, "label"),
        ({"type": "managed_range", "range_id": "mr-scalingo-osc-fr1", "cidr": "198.51.100.0/24"}, "cidr"),
        ({"type": "open"}, "type"),
        ({"cidr": "198.51.100.0/24"}, "type"),
        ({"type": "custom_range", "cidr": "198.51.100.0/24", "port": 5432}, "port"),
    ],
)
def test_a_wrong_rule_is_refused(caller: Caller, ledger: str, fields: dict[str, Any], field: str) -> None:
    answer = caller.database("POST", ledger, "/firewall_rules", json=fields)
    assert answer.status_code == 422
    assert list(answer.json()["errors"]) == [field]
    assert len(rules(caller, ledger)) == 1


def test_thirty_rules_and_no_more(caller: Caller, ledger: str) -> None:
    for number in range(29):
        body = {"type": "custom_range", "cidr": f"198.51.100.{number}/32"}
        assert caller.database("POST", ledger, "/firewall_rules", json=body).status_code == 201
    body = {"type": "custom_range", "cidr": "198.51.100.200/32"}
    answer = caller.database("POST", ledger, "/firewall_rules", json=body)
    assert (answer.status_code, list(answer.json()["errors"])) == (422, ["base"])


def test_a_rule_is_labelled_and_removed(caller: Caller, ledger: str) -> None:
    path = f"/firewall_rules/{rules(caller, ledger)[0]['id']}"
    changed = caller.database("PATCH", ledger, path, json={"firewall_rule": {"label": "branch"}})
    assert (changed.status_code, changed.json()["rule"]["label"]) == (200, "branch")
    assert caller.database("PATCH", ledger, path, json={"firewall_rule": {"cidr": "0.0.0.0/0"}}).status_code == 422
    assert caller.database("DELETE", ledger, path).status_code == 204
    assert rules(caller, ledger) == []
    missing = caller.database("DELETE", ledger, path)
    assert (missing.status_code, missing.json()) == (404, {"error": "Firewall rule not found"})


def test_shared_databases_have_no_firewall(box: Sandbox, caller: Caller) -> None:
    mysql = box.addon_id("shop", "mysql")
    assert caller.database("GET", mysql, "/firewall_rules").status_code == 400
    body = {"type": "custom_range", "cidr": "198.51.100.0/24"}
    assert caller.database("POST", mysql, "/firewall_rules", json=body).status_code == 400


def test_the_managed_ranges_of_both_regions_are_there_in_both(box: Sandbox, caller: Caller, ledger: str) -> None:
    other = box.addon_id("secret-ledger", "postgresql-ng", SECOND)
    for addon, region in ((ledger, "osc-fr1"), (other, SECOND)):
        ranges = caller.top("GET", addon, "/api/firewall/managed_ranges", region=region).json()["ranges"]
        assert [(entry["id"], entry["name"]) for entry in ranges] == [
            ("mr-scalingo-osc-fr1", "Scalingo osc-fr1 region"),
            ("mr-scalingo-osc-secnum-fr1", "Scalingo osc-secnum-fr1 region"),
        ]


def test_rules_change_while_the_plan_does_and_not_during_an_upgrade(box: Sandbox, caller: Caller, ledger: str) -> None:
    box.change_database(ledger, status="updating")
    assert caller.database("DELETE", ledger, f"/firewall_rules/{rules(caller, ledger)[0]['id']}").status_code == 204
    box.change_database(ledger, status="upgrading")
    rule = {"type": "custom_range", "cidr": "203.0.113.1/32"}
    assert caller.database("POST", ledger, "/firewall_rules", json=rule).status_code == 409
