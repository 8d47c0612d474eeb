# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The whole state as plain data, without any secret."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from scalingo_sandbox import views
from scalingo_sandbox.identifiers import stable_hexadecimal
from scalingo_sandbox.state import Addon
from scalingo_sandbox.world import World


def snapshot(world: World) -> dict[str, Any]:
    return {
        "clock": {"now": world.clock.now(), "speed": world.clock.speed},
        "switches": world.switches.as_dict(),
        "durations": world.durations.model_dump(),
        "apps": [
            {
                "id": app.id,
                "name": app.name,
                "region": app.region,
                "status": app.status,
                "variables": sorted(app.variables),
                "addons": [_addon(world, addon) for addon in app.addons],
                "events": [asdict(event) for event in app.events],
                "net_peerings": [asdict(peering) for peering in app.peerings],
            }
            for app in world.apps
        ],
    }


def _addon(world: World, addon: Addon) -> dict[str, Any]:
    database = addon.database
    engine = database.engine
    shown: dict[str, Any] = {
        **views.database_answer(world, addon).database.wire(),
        "operations": [asdict(operation) for operation in database.operations.values()],
        "backups": [
            {
                name: value
                for name, value in asdict(backup).items()
                if name != "files" and not name.startswith("download_token")
            }
            for backup in database.backups
        ],
        "maintenance": [asdict(entry) for entry in database.maintenance],
        "firewall_rules": [asdict(rule) for rule in database.firewall_rules],
    }
    kind = addon.kind
    if kind.logical_databases:
        shown["logical_databases"] = [asdict(entry) for entry in engine.list_databases()]
    if kind.type_name == "mysql":
        shown["sql_mode"] = engine.sql_mode()
    if kind.type_name == "influxdb":
        shown["retention_policies"] = [asdict(entry) for entry in engine.list_retention_policies()]
    if kind.type_name == "postgresql":
        shown["extensions"] = [asdict(entry) for entry in engine.list_extensions()]
    if kind.users:
        shown["users"] = [
            {"name": user.name, "read_only": user.read_only, "protected": user.protected}
            for user in engine.list_users()
        ]
    return {
        "id": addon.id,
        "provider": kind.provider,
        "plan": addon.plan.name,
        "resource_id": addon.resource_id,
        "status": addon.status,
        "things": {
            name: [stable_hexadecimal(name, repr(item)) for item in items]
            for name, items in addon.things.items()
            if items
        },
        "database": shown,
    }
