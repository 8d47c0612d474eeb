# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Firewall rules of databases with dedicated resources (docs/contract.md, section 2.16)."""

from __future__ import annotations

import typing as t

from .._route import DATABASE, ONCE, READ, SETS, Raw, Sender, many, nothing, under
from .._shapes import Record, identifier, required, text

FIREWALL_RULE = Record(id=required(text), type=required(text), cidr=identifier, label=identifier, range_id=identifier)
MANAGED_RANGE = Record(id=required(text), name=identifier)

#: List the firewall rules (F1).
list_firewall_rules = DATABASE.route(
    "F1", "list_firewall_rules", "GET /databases/{database}/firewall_rules", READ, many("rules", check=FIREWALL_RULE)
)
_CREATE = DATABASE.route(
    "F2", "create_firewall_rule", "POST /databases/{database}/firewall_rules", ONCE, under("rule", check=FIREWALL_RULE)
)
#: Delete a firewall ``rule`` (F3).
delete_firewall_rule = DATABASE.route(
    "F3", "delete_firewall_rule", "DELETE /databases/{database}/firewall_rules/{rule}", SETS, nothing
)
_UPDATE = DATABASE.route(
    "F4",
    "update_firewall_rule",
    "PATCH /databases/{database}/firewall_rules/{rule}",
    SETS,
    under("rule", check=FIREWALL_RULE),
    doing="change the firewall rule",
)
#: List the ranges that the platform maintains (F5): id, name.
list_managed_ranges = DATABASE.route(
    "F5", "list_managed_ranges", "GET /firewall/managed_ranges", READ, many("ranges", check=MANAGED_RANGE)
)


def create_firewall_rule(client: Sender, rule: t.Mapping[str, t.Any]) -> Raw:
    """Create a firewall rule (F2) from type and cidr and label, or type and range_id; not repeatable."""
    return _CREATE(client, body=dict(rule))


def update_firewall_rule(client: Sender, rule_id: str, label: str) -> Raw:
    """Change the label of a firewall rule (F4)."""
    return _UPDATE(client, rule_id, body={"firewall_rule": {"label": label}})
