# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Made-up readings of databases, in the form in which scalingo_database_info returns them."""

from __future__ import annotations

import random
import typing as t

Data = dict[str, t.Any]

NOW = "2026-11-21T06:00:00Z"
KINDS = {
    "postgresql": "17.9.0-2",
    "mysql": "8.4.5-1",
    "mongodb": "7.0.14-1",
    "redis": "7.2.10-1",
    "influxdb": "1.8.10-1",
    "opensearch": "2.19.1-1",
}
NAMES = ("shop", "ledger", "metrics", "back-office-production", "identity", "search")


def hours_ago(hours: int) -> str:
    """A point in time before NOW, as modules return it."""
    days, rest = divmod(6 - hours, 24)
    return "2026-%02d-%02dT%02d:00:00.000000Z" % (
        (11, 21 + days, rest) if 21 + days > 0 else (10, 31 + 21 + days, rest)
    )


def target(name: str, addon: str = "mysql") -> Data:
    app = name.partition("/")[0]
    return {"name": name, "app": app, "addon": addon, "addon_id": f"ad-of-{name}", "region": "osc-fr1"}


def failure(of: Data, msg: str, reading: str | None = None, kind: str = "ServerError") -> Data:
    """What could not be read."""
    return {**of, "reading": reading, "msg": msg, "error": {"kind": kind}}


def database(kind: str = "mysql", **keys: t.Any) -> Data:
    """A database at which nothing is wrong."""
    return {
        "id": "5c599fd6f18b3202f7ab4e66",
        "resource_id": "shop_4553",
        "app_name": "shop",
        "created_at": "2026-02-05T14:38:14.343000Z",
        "encryption_at_rest": True,
        "features": [{"name": "force-ssl", "status": "ACTIVATED"}],
        "plan": f"{kind}-starter-512",
        "status": "running",
        "type_name": kind,
        "readable_version": KINDS.get(kind, "17.9.0-2"),
        "next_version_id": None,
        "instances": [{"id": "a7ecbaf9-7f3c-4324-bf35-975f546718c2", "status": "running", "type": "db-node"}],
        "current_operation_id": None,
        "cluster": False,
        "periodic_backups_enabled": True,
        "periodic_backups_scheduled_at": [3],
        "maintenance_window": {"weekday_utc": 2, "starting_hour_utc": 21, "duration_in_hour": 8},
        **keys,
    }


def backup(hours: int, status: str = "done", **keys: t.Any) -> Data:
    begun = hours_ago(hours)
    return {
        "id": f"b{hours}",
        "status": status,
        "method": "periodic",
        "started_at": begun,
        "created_at": begun,
        "size": 10485760,
        **keys,
    }


def readings(count: int, seed: int = 7) -> Data:
    """What the module returns of that many databases of all kinds, good and bad."""
    chance = random.Random(seed)
    kinds = list(KINDS)
    databases: list[Data] = []
    failures: list[Data] = []
    for number in range(count):
        kind = kinds[number % len(kinds)]
        of = target(f"{chance.choice(NAMES)}-{number}/{kind}", kind)
        if number % 31 == 4:
            failures.append(
                failure(of, "Could not read the database: the service is unavailable. [GET /api, status 503]")
            )
            continue
        upgradable = kind in ("postgresql", "mysql") and chance.random() < 0.35
        features = [{"name": "force-ssl", "status": "ACTIVATED"}] if chance.random() < 0.8 else []
        features += [{"name": "publicly-available", "status": "ACTIVATED"}] if chance.random() < 0.07 else []
        shown = database(
            kind,
            resource_id="%s_%d" % (of["app"].replace("-", "_"), number),
            features=features,
            next_version_id="next" if upgradable else None,
            status="running" if chance.random() < 0.98 else "stopped",
        )
        current = latest = shown["readable_version"]
        majors: list[str] = []
        if upgradable:
            latest, majors = ("17.11.0-1", ["18.1.0-1"]) if kind == "postgresql" else ("8.4.6-1", [])
        path = {
            "current_version": current,
            "latest_minor": latest,
            "latest": (majors or [latest])[-1],
            "majors": majors,
        }
        age = chance.choice([3, 5, 9, 20] * 9 + [30, 50, 100, 400])
        size = chance.randrange(10**6, 10**10)
        ahead = (
            [{"id": "m", "type": "db-node-migration", "status": "notified", "started_at": None}]
            if chance.random() < 0.05
            else []
        )
        total = chance.choice([10, 20, 80]) * 2**30
        used = int(total * chance.random() ** 1.5)
        stats = (
            {"current_connections": int(100 * chance.random() ** 2), "max_connections": 100}
            if kind in ("postgresql", "mysql")
            else {}
        )
        databases.append(
            {
                **of,
                **shown,
                "versions": path,
                "backups": [backup(age, size=size)],
                "recovery_window": None,
                "maintenance": ahead,
                "metrics": {"database_stats": stats, "real_disk_size": used},
                "disk": {"disk_used": used, "disk_total": total},
                "firewall_rules": None,
            }
        )
    return {"databases": databases, "failures": failures}
