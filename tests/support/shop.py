# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The databases of an imaginary shop in two regions, as seed of the sandbox, and helpers that speak of them."""

from __future__ import annotations

import time
import typing as t

MYSQL = "ad-00000000-0000-4000-8000-000000000001"
POSTGRESQL = "ad-00000000-0000-4000-8000-000000000002"
MONGODB = "ad-00000000-0000-4000-8000-000000000003"
REDIS = "ad-00000000-0000-4000-8000-000000000004"
INFLUXDB = "ad-00000000-0000-4000-8000-000000000005"
DEDICATED = "ad-00000000-0000-4000-8000-000000000006"
FIRST_TWIN = "ad-00000000-0000-4000-8000-000000000011"
SECOND_TWIN = "ad-00000000-0000-4000-8000-000000000012"
#: A backup of the MySQL database.
BACKUP = "5b8b36104ffb090be1ac3ce1"
#: An operation of the app.
OPERATION = "609145e66ffbd934f6745bb4"
VAULT = "ad-00000000-0000-4000-8000-000000000021"

API_TOKEN = "tk-us-PlaybookTests0123456789abcdefghijklmnop"

SEED: dict[str, t.Any] = {
    "user": {"api_token": API_TOKEN, "username": "playbook", "email": "playbook@example.com"},
    "apps": [
        {
            "name": "shop",
            "region": "osc-fr1",
            "events": [
                {"type": "new_variable", "type_data": {"name": "SECRET", "value": "canary-of-a-variable"}, "age": 7200},
                {
                    "type": "suspend_addon",
                    "type_data": {"resource_id": "shop_1001", "reason": "trial"},
                    "age": 3600,
                    "user": False,
                },
            ],
            "operations": [{"id": OPERATION, "type": "restart", "ended": 30}],
            "addons": [
                {
                    "provider": "mysql",
                    "id": MYSQL,
                    "resource_id": "shop_1001",
                    "database": {
                        "features": {"force-ssl": "ACTIVATED"},
                        "periodic_backups_enabled": True,
                        "periodic_backups_scheduled_at": [1],
                        "maintenance_window": {"weekday_utc": 3, "starting_hour_utc": 21, "duration_in_hour": 8},
                        "logical_databases": [
                            {"name": "shop_1001", "protected": True},
                            {"name": "reports", "protected": False},
                        ],
                        "backups": [{"id": BACKUP, "method": "manual", "age": 7200, "archive_bytes": 20000}],
                    },
                },
                {
                    "provider": "postgresql",
                    "id": POSTGRESQL,
                    "resource_id": "shop_1002",
                    "database": {
                        "features": {},
                        "periodic_backups_enabled": True,
                        "periodic_backups_scheduled_at": [1],
                        "extensions": {"plpgsql": "1.0", "pg_trgm": "1.6"},
                        "queries": [
                            {"query": "SELECT pg_sleep(3600)", "username": "reporting", "seconds": 3600, "pid": 4711},
                            {"query": "SELECT 1", "username": "shop_1002", "seconds": 1, "pid": 4712},
                        ],
                        "backups": [{"age": 90000}, {"age": 3600, "method": "manual"}],
                        "log_archives": 3,
                        "maintenance": [{"status": "done"}],
                    },
                },
                {
                    "provider": "mongodb",
                    "id": MONGODB,
                    "resource_id": "shop_1003",
                    "database": {
                        "version": "6.0.17-1",
                        "logical_databases": [{"name": "shop_1003", "protected": True}],
                    },
                },
                {
                    "provider": "redis",
                    "id": REDIS,
                    "resource_id": "shop_1004",
                    "database": {"version": "6.2.14-1"},
                },
                {"provider": "influxdb", "id": INFLUXDB, "resource_id": "shop_1005"},
            ],
        },
        {
            "name": "shop-dedicated",
            "region": "osc-fr1",
            "net_peerings": [{"outscale_net_peering_id": "pcx-00000001"}],
            "addons": [
                {
                    "provider": "postgresql-ng",
                    "id": DEDICATED,
                    "database": {
                        "firewall_rules": [{"cidr": "203.0.113.0/24", "label": "old office"}],
                        "statements_enabled": True,
                        "statements": [
                            {
                                "user_id": 16384,
                                "query": "SELECT 1",
                                "calls": 3,
                                "rows": 3,
                                "total_time": 1.5,
                                "min_time": 0.4,
                                "max_time": 0.6,
                                "mean_time": 0.5,
                                "std_dev": 0.1,
                            }
                        ],
                    },
                }
            ],
        },
        {
            "name": "twins",
            "region": "osc-fr1",
            "addons": [
                {"provider": "mysql", "id": FIRST_TWIN, "resource_id": "twins_1"},
                {"provider": "mysql", "id": SECOND_TWIN, "resource_id": "twins_2"},
            ],
        },
        {
            "name": "vault",
            "region": "osc-secnum-fr1",
            "addons": [
                {
                    "provider": "mysql",
                    "id": VAULT,
                    "resource_id": "vault_1",
                    "database": {"periodic_backups_enabled": True, "periodic_backups_scheduled_at": [1]},
                },
            ],
        },
    ],
    "durations": {"feature": 0.2, "backup": 0.4, "plan": 0.4, "provisioning": 0.4, "restore": 0.4, "upgrade": 0.4},
}


def routes(records: t.Iterable[t.Any]) -> list[str]:
    """The requests of a log by the numbers of the contract, actions by their names."""
    return [record.action_name or record.route for record in records]


def until(condition: t.Callable[[], t.Any], what: str, seconds: float = 30) -> t.Any:
    """Wait until a condition holds, and return what it returned."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"waited {seconds:g} seconds for: {what}")
