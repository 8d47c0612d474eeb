# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The firewall of dedicated databases, and the certificate authority of the platform."""

from __future__ import annotations

import ipaddress
import uuid

from scalingo_sandbox import state, views
from scalingo_sandbox.api.main import refuse_busy
from scalingo_sandbox.api.routing import Answer, Call, Refusal, invalid, route
from scalingo_sandbox.models import database
from scalingo_sandbox.world import MANAGED_RANGES, World

MAXIMUM_RULES = 30


def _owner(call: Call) -> state.Addon:
    owner = call.owner
    if not owner.kind.dedicated:
        raise Refusal(400, {"error": "firewall rules are only available for dedicated databases"})
    return owner


def _refuse_busy(world: World, owner: state.Addon) -> None:
    """Rules can be changed while the database is made or gets another plan, unless the switch says otherwise."""
    if owner.database.status not in ("creating", "updating") or world.switch("busy_firewall") == "refuse":
        refuse_busy(world, owner)


def _find(call: Call, owner: state.Addon) -> state.FirewallRule:
    for rule in owner.database.firewall_rules:
        if rule.id == call.path["rule"]:
            return rule
    raise Refusal(404, {"error": "Firewall rule not found"})


@route("F1", "db", "GET", "/api/databases/{db}/firewall_rules", safe=True)
def list_rules(call: Call) -> database.FirewallRulesAnswer:
    """The firewall rules of a dedicated database."""
    item = _owner(call).database
    return database.FirewallRulesAnswer(
        rules=[views.firewall_rule(call.world, item, rule) for rule in item.firewall_rules]
    )


@route("F2", "db", "POST", "/api/databases/{db}/firewall_rules", safe=False, status=201, body=database.FirewallCreation)
def create_rule(call: Call) -> database.FirewallRuleAnswer:
    """A new firewall rule."""
    world, owner = call.world, _owner(call)
    item = owner.database
    _refuse_busy(world, owner)
    given = call.body.root
    fields: database.FirewallFields = given.firewall_rule if isinstance(given, database.FirewallRooted) else given
    cidr, label, range_id = fields.cidr or None, fields.label or None, fields.range_id or None
    if fields.type == "custom_range":
        if cidr is None:
            raise invalid(world, cidr="can't be blank")
        if range_id is not None:
            raise invalid(world, range_id="must be blank")
        try:
            version = ipaddress.ip_network(cidr).version
        except ValueError as error:
            raise invalid(world, cidr="is not a network") from error
        if "/" not in cidr or (version != 4 and world.switch("firewall_networks") == "ipv4"):
            raise invalid(world, cidr="is not a network of IPv4 in CIDR notation")
    else:
        if range_id is None:
            raise invalid(world, range_id="can't be blank")
        if cidr is not None or label is not None:
            raise invalid(world, **{"cidr" if cidr is not None else "label": "must be blank"})
        if range_id not in MANAGED_RANGES:
            raise invalid(world, range_id="is not a managed range")
    if any((rule.cidr, rule.range_id) == (cidr, range_id) for rule in item.firewall_rules):
        raise invalid(world, **{"cidr" if cidr else "range_id": "has already been taken"})
    if len(item.firewall_rules) >= MAXIMUM_RULES:
        raise invalid(world, base=f"no more than {MAXIMUM_RULES} rules are possible")
    now = world.now()
    rule = state.FirewallRule(str(uuid.uuid4()), fields.type, cidr, label, range_id, now, now)
    item.firewall_rules.append(rule)
    return database.FirewallRuleAnswer(rule=views.firewall_rule(world, item, rule))


@route("F3", "db", "DELETE", "/api/databases/{db}/firewall_rules/{rule}", safe=False, status=204)
def delete_rule(call: Call) -> Answer:
    """A firewall rule goes."""
    owner = _owner(call)
    _refuse_busy(call.world, owner)
    owner.database.firewall_rules.remove(_find(call, owner))
    return Answer()


@route(
    "F4",
    "db",
    "PATCH",
    "/api/databases/{db}/firewall_rules/{rule}",
    safe=False,
    dashboard=True,
    body=database.FirewallChange,
)
def label_rule(call: Call) -> database.FirewallRuleAnswer:
    """Another label for a firewall rule."""
    world, owner = call.world, _owner(call)
    _refuse_busy(world, owner)
    rule = _find(call, owner)
    if rule.type == "managed_range":
        raise invalid(world, label="must be blank")
    rule.label, rule.updated_at = call.body.firewall_rule.label, world.now()
    return database.FirewallRuleAnswer(rule=views.firewall_rule(world, owner.database, rule))


@route("F5", "db", "GET", "/api/firewall/managed_ranges", safe=True)
def list_managed_ranges(call: Call) -> database.ManagedRangesAnswer:
    """The ranges that the platform keeps."""
    return database.ManagedRangesAnswer(
        ranges=[database.ManagedRange(id=identifier, name=name) for identifier, name in MANAGED_RANGES.items()]
    )


@route("C1", "db", "GET", "/api/ca_certificate", access="none", safe=True)
def show_certificate(call: Call) -> Answer:
    """The certificate authority of the databases."""
    return Answer(None, 200, raw=call.world.ca_certificate(), media_type="application/x-pem-file")
