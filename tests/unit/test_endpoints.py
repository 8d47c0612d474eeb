# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every route: what is sent, every form of answer that is accepted, and what is refused."""

from __future__ import annotations

import itertools
import pathlib
import re
import typing as t
from dataclasses import dataclass, field

import pytest
from ansible_collections.community.scalingo.plugins.module_utils import _canon
from ansible_collections.community.scalingo.plugins.module_utils._api import _pages
from ansible_collections.community.scalingo.plugins.module_utils._api import action as actions
from ansible_collections.community.scalingo.plugins.module_utils._api.operation import operation_in, operation_path
from ansible_collections.community.scalingo.plugins.module_utils._client import Client
from ansible_collections.community.scalingo.plugins.module_utils._errors import (
    ActionFailed,
    BadRequest,
    Forbidden,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    ScalingoError,
    ServerError,
    Unauthorized,
    UnexpectedAnswer,
    sentence,
)
from ansible_collections.community.scalingo.plugins.module_utils._shapes import Unread
from support.api import ACTIONS, CALLS, ROUTES, Api
from support.office import Office
from support.scripted import NOTHING, Expected, Script, addon, addons, exchange, expect, mint, on_database

DATABASE = {
    "id": "5c599fd6f18b3202f7ab4e66",
    "status": "running",
    "features": [{"name": "force-ssl", "status": "ACTIVATED"}],
    "instances": [{"id": "i-1", "hostname": "h", "port": 31000, "status": "running", "type": "db-node"}],
    "periodic_backups_enabled": True,
    "periodic_backups_scheduled_at": [1],
    "maintenance_window": {"weekday_utc": 3, "starting_hour_utc": 21, "duration_in_hour": 8},
    "next_version_id": None,
    "current_operation_id": None,
    "new_field": {"kept": True},
}
BACKUP = {"id": "b1", "status": "done", "started_at": "2026-11-21T01:00:00Z", "size": 5, "method": "manual"}
NEW_BACKUP = {"id": "b2", "status": "scheduled", "started_at": None, "size": None}
OPERATION = {"id": "o1", "type": "upgrade", "status": "running", "finished_at": None, "error": None}
USER = {"name": "reader", "read_only": True, "protected": False}
USER_WITH_PASSWORD = {**USER, "password": "canary-password"}
MAINTENANCE = {"id": "m1", "status": "scheduled", "type": "no-op", "started_at": None, "ended_at": None}
VERSION = {"id": "v1", "major": 17, "minor": 9, "patch": 0, "build": 2, "features": ["tls"], "next_upgrade": None}
RULE = {"id": "f1", "type": "custom_range", "cidr": "192.0.2.0/24", "label": "office"}
PLAN = {"id": "p1", "name": "mysql-starter-512"}
RESTORATION = {"id": "r1", "status": "scheduled", "started_at": None}
PEERING = {"id": "n1", "status": "active"}
APP = {"id": "a1", "name": "shop", "flags": {"dedicated-database": True}}
DAY = "2026-11-21T00:00:00Z"
PEM = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"


@dataclass
class Case:
    """A method call, the calls it makes, and what it returns."""

    method: str
    arguments: tuple[t.Any, ...]
    calls: list[Expected]
    result: t.Any
    named: dict[str, t.Any] = field(default_factory=dict)

    def __str__(self) -> str:
        return f"{self.method}{self.arguments}"


def main(method: str, path: str, **details: t.Any) -> Expected:
    return expect(method, f"/v1{path}", **{"headers": {"Authorization": "Bearer bearer-1"}, **details})


def outside(method: str, path: str, **details: t.Any) -> Expected:
    return expect(method, f"/api{path}", **{"headers": {"Authorization": "Bearer addon-1"}, **details})


def acts(name: str, result: t.Any = None, params: t.Any = NOTHING, **details: t.Any) -> Expected:
    body = {"action_name": name} if params is NOTHING else {"action_name": name, "params": params}
    return on_database("POST", "/action", **{"json": body, "answer": {"ok": 1, "result": result}, **details})


def pages(first: t.Any, following: t.Any = None, **details: t.Any) -> Expected:
    number = details.pop("number", 1)
    meta = {"pagination": {"current_page": number, "prev_page": None, "next_page": following, "total_pages": 2}}
    size = details.pop("size", 50)
    return on_database(
        "GET",
        "/maintenance",
        query={"page": str(number), "per_page": str(size)},
        answer={"maintenance": first, "meta": meta},
    )


def case(method: str, arguments: tuple[t.Any, ...], call: t.Any, result: t.Any, **named: t.Any) -> Case:
    return Case(method, arguments, call if isinstance(call, list) else [call], result, named)


AUTH = [
    case("list_regions", (), main("GET", "/regions", answer={"regions": [{"name": "x"}]}), [{"name": "x"}]),
    case("show_user", (), main("GET", "/users/self", answer={"user": {"id": "u"}}), {"id": "u"}),
]

ADDON_PATH = "/apps/shop/addons/ad-1"
CREATED = {"addon": addon(), "message": "made", "variables": ["SCALINGO_MYSQL_URL"]}
MAIN = [
    case("list_apps", (), main("GET", "/apps", answer={"apps": [APP]}), [APP]),
    case("list_addons", ("shop",), main("GET", "/apps/shop/addons", answer={"addons": [addon()]}), [addon()]),
    case("list_addons", ("shop",), main("GET", "/apps/shop/addons", answer={"addons": None}), []),
    case("show_addon", ("shop", "ad-1"), main("GET", ADDON_PATH, answer={"addon": addon()}), addon()),
    case(
        "create_addon",
        ("shop", "mysql", "p1"),
        main(
            "POST",
            "/apps/shop/addons",
            status=201,
            answer=CREATED,
            json={"addon": {"addon_provider_id": "mysql", "plan_id": "p1"}},
        ),
        CREATED,
    ),
    case(
        "create_addon",
        ("shop", "mysql", "p1", {"version": "8.4"}),
        main(
            "POST",
            "/apps/shop/addons",
            json={"addon": {"addon_provider_id": "mysql", "plan_id": "p1", "options": {"version": "8.4"}}},
            answer={"addon": addon(), "message": None},
        ),
        {"addon": addon(), "message": None, "variables": []},
    ),
    case(
        "update_addon_plan",
        ("shop", "ad-1", "p2"),
        main("PATCH", ADDON_PATH, json={"addon": {"plan_id": "p2"}}, answer={"vars": [], "message": "x"}),
        None,
    ),
    case("update_addon_plan", ("shop", "ad-1", "p2"), main("PATCH", ADDON_PATH, text="not even JSON"), None),
    case("delete_addon", ("shop", "ad-1"), main("DELETE", ADDON_PATH, status=204, json=NOTHING), None),
    case("resume_addon", ("shop", "ad-1"), main("POST", ADDON_PATH + "/resume", answer={"addon": addon()}), addon()),
    case(
        "list_addon_providers",
        (),
        main("GET", "/addon_providers", answer={"addon_providers": [{"id": "mysql"}]}),
        [{"id": "mysql"}],
    ),
    case(
        "list_addon_providers",
        ("c1",),
        main("GET", "/addon_providers", query={"category_id": "c1"}, answer={"addon_providers": []}),
        [],
    ),
    case("list_plans", ("mysql",), main("GET", "/addon_providers/mysql/plans", answer={"plans": [PLAN]}), [PLAN]),
    case(
        "list_plans",
        ("mysql", True),
        main("GET", "/addon_providers/mysql/plans", query={"show_all": "true"}, answer={"plans": []}),
        [],
    ),
    case(
        "list_variables",
        ("shop",),
        main("GET", "/apps/shop/variables", answer={"variables": [{"id": "1", "name": "A", "value": "b"}]}),
        [{"id": "1", "name": "A", "value": "b"}],
    ),
    case("show_app", ("shop",), main("GET", "/apps/shop", answer={"app": APP}), APP),
    case(
        "show_app_operation",
        ("shop", "o1"),
        main("GET", "/apps/shop/operations/o1", answer={"operation": OPERATION}),
        OPERATION,
    ),
    case(
        "list_events",
        ("shop", 1),
        main(
            "GET",
            "/apps/shop/events",
            query={"page": "1", "per_page": "1"},
            answer={"events": [{"type": "new_addon"}], "meta": {"pagination": {"next_page": 2}}},
        ),
        [{"type": "new_addon"}],
    ),
    case(
        "list_events",
        ("shop", None),
        [
            main(
                "GET",
                "/apps/shop/events",
                query={"page": "1", "per_page": "50"},
                answer={"events": [{"type": "new_addon"}], "meta": {"pagination": {"next_page": 2}}},
            ),
            main(
                "GET",
                "/apps/shop/events",
                query={"page": "2", "per_page": "50"},
                answer={"events": [{"type": "new_app", "user": None}], "meta": {"pagination": {"next_page": None}}},
            ),
        ],
        [{"type": "new_addon"}, {"type": "new_app", "user": None}],
    ),
    case(
        "create_dedicated_database",
        ("my-base", "postgresql-ng", "plan-x"),
        main(
            "POST",
            "/databases",
            json={"database": {"name": "my-base", "technology": "postgresql-ng", "plan": "plan-x"}},
            answer={"database": {"name": "my-base"}},
        ),
        {"name": "my-base"},
    ),
    case(
        "create_dedicated_database",
        ("my-base", "postgresql-ng", "plan-x", "pr-1"),
        main(
            "POST",
            "/databases",
            json={
                "database": {"name": "my-base", "technology": "postgresql-ng", "plan": "plan-x", "project_id": "pr-1"}
            },
            answer={"database": {"name": "my-base"}},
        ),
        {"name": "my-base"},
    ),
    case(
        "list_dedicated_databases",
        (),
        main("GET", "/databases", answer={"databases": [{"name": "x"}]}),
        [{"name": "x"}],
    ),
    case(
        "list_dedicated_databases",
        (),
        main("GET", "/databases", answer={"databases": [{"app": APP, "addon": addon(), "database": {"name": "x"}}]}),
        [{"name": "x"}],
    ),
    case(
        "show_dedicated_database",
        ("x",),
        main("GET", "/databases/x", answer={"database": {"name": "x"}}),
        {"name": "x"},
    ),
    case(
        "show_dedicated_database",
        ("x",),
        main("GET", "/databases/x", answer={"app": APP, "addon": addon(), "database": {"name": "x", "database": {}}}),
        {"name": "x", "database": {}},
    ),
    case(
        "delete_dedicated_database",
        ("shop",),
        [
            main("GET", "/apps/shop", answer={"app": APP}),
            main("DELETE", "/apps/shop", query={"current_name": "shop"}, status=204),
        ],
        None,
    ),
    case(
        "list_endpoints",
        ("x",),
        main("GET", "/databases/x/endpoints", answer={"endpoints": [{"hostname": "h", "port": 1}]}),
        [{"hostname": "h", "port": 1}],
    ),
    case(
        "list_net_peerings",
        ("x",),
        main("GET", "/databases/x/net_peerings", answer={"net_peerings": [PEERING]}),
        [PEERING],
    ),
    case(
        "create_net_peering",
        ("x", "pcx-1"),
        main(
            "POST",
            "/databases/x/net_peerings",
            json={"outscale_net_peering_id": "pcx-1"},
            status=201,
            answer={"net_peering": PEERING},
        ),
        PEERING,
    ),
    case(
        "show_net_peering",
        ("x", "n1"),
        main("GET", "/databases/x/net_peerings/n1", answer={"net_peering": PEERING}),
        PEERING,
    ),
    case("delete_net_peering", ("x", "n1"), main("DELETE", "/databases/x/net_peerings/n1", status=204), None),
    case(
        "show_network_configuration",
        ("x",),
        main(
            "GET", "/databases/x/network_configuration", answer={"network_configuration": {"ip_range": "10.0.0.0/24"}}
        ),
        {"ip_range": "10.0.0.0/24"},
    ),
]

LEAST = {
    "features": [],
    "instances": [],
    "periodic_backups_scheduled_at": [],
    "current_operation_id": None,
}
UPGRADE = {"id": "v2", "major": 17, "operation_id": "o1", "message": "pending", "warning_message": ""}
LOCATION = "https://db-api.osc-fr1.scalingo.com/api/operations/o1"
NOT_FOUND = {"status": 404, "answer": {"error": "not found"}}
METRICS = {"cpu_usage": 0, "instances_metrics": {"i-1": {"instance_id": "i-1", "cpu": {"usage_in_percents": 0}}}}
POINTS = [{"disk_used": 1, "disk_total": 2}]
MEASURED = {**METRICS, "instances_metrics": list(METRICS["instances_metrics"].values())}  # type: ignore[attr-defined]
METERED = {
    "instance_address": None,
    "real_disk_size": None,
    "cpu": {"usage_in_percents": None},
    "memory": dict.fromkeys(
        ("memory_usage", "swap_usage", "memory_limit", "swap_limit", "max_memory_usage", "max_swap_usage")
    ),
}
HEALTH = {"epoch": "1550839427", "status": "green", "shards": "141"}
INSTANCE = {"id": "i-1", "type": "db-node", "status": "running", "role": "leader"}
ARCHIVE = {"url": "https://x/1", "from": DAY, "to": DAY, "size": 1}


def logs(number: int, found: list[t.Any], more: t.Any) -> Expected:
    answer = {"archives": found, "next_cursor": "c", "has_more": more}
    return on_database("GET", "/logs_archives", query={"page": str(number)}, answer=answer)


def archive(number: int, signature: str = "?signed=once") -> dict[str, t.Any]:
    day = f"2026-11-{number:02d}T00:00:00Z"
    return {"url": f"https://logs/{number}{signature}", "from": day, "to": day, "size": number}


BASE = [
    case("show_database", (), on_database("GET", answer={"database": DATABASE}), DATABASE),
    case(
        "show_database",
        (),
        on_database("GET", answer={"database": {"status": "creating"}}),
        {"status": "creating", **LEAST},
    ),
    case(
        "show_database",
        (),
        on_database(
            "GET",
            answer={
                "database": {
                    "status": "running",
                    "features": None,
                    "periodic_backups_scheduled_at": 4,
                    "next_version_id": "",
                    "current_operation_id": "o1",
                    "maintenance_window": None,
                }
            },
        ),
        {
            **LEAST,
            "status": "running",
            "periodic_backups_scheduled_at": [4],
            "next_version_id": None,
            "current_operation_id": "o1",
            "maintenance_window": None,
        },
    ),
    case(
        "update_database",
        ({"periodic_backups_scheduled_at": 3},),
        on_database("PATCH", json={"database": {"periodic_backups_scheduled_at": 3}}, answer={"database": DATABASE}),
        DATABASE,
    ),
    case(
        "upgrade",
        (),
        on_database(
            "POST", "/upgrade", json=NOTHING, status=202, answer=UPGRADE, answer_headers={"Location": LOCATION}
        ),
        {**UPGRADE, "location": LOCATION},
    ),
    case(
        "upgrade",
        (),
        on_database("POST", "/upgrade", status=202, answer={"id": "v2", "operation": {"id": "o1"}}),
        {"id": "v2", "operation": {"id": "o1"}, "operation_id": "o1", "location": None},
    ),
    case(
        "upgrade",
        (),
        on_database("POST", "/upgrade", status=202, answer={"id": "v2"}, answer_headers={"Location": LOCATION}),
        {"id": "v2", "operation_id": "o1", "location": LOCATION},
    ),
    case(
        "upgrade",
        (),
        on_database("POST", "/upgrade", status=202, answer={"id": "v2"}),
        {"id": "v2", "operation_id": None, "location": None},
    ),
    case(
        "restore_to_point_in_time",
        ("2026-11-20T23:00:00Z",),
        on_database(
            "POST",
            "/pitr/restore",
            json={"restore_time": "2026-11-20T23:00:00Z"},
            status=201,
            answer={"operation": {"id": "o1", "type": "pitr_restore"}},
            answer_headers={"Location": LOCATION},
        ),
        {"id": "o1", "type": "pitr_restore", "location": LOCATION},
    ),
    case(
        "restore_to_point_in_time",
        ("x",),
        on_database("POST", "/pitr/restore", status=201, answer={"operation_id": "o1"}),
        {"id": "o1", "location": None},
    ),
    case(
        "show_recovery_window",
        (),
        on_database("GET", "/pitr/recovery_window", answer={"recovery_window": {"earliest_recoverable_at": DAY}}),
        {"earliest_recoverable_at": DAY, "latest_recoverable_at": None},
    ),
    case(
        "enable_feature",
        ("force-ssl",),
        on_database(
            "POST",
            "/features",
            json={"feature": {"name": "force-ssl"}},
            answer={"name": "force-ssl", "status": "PENDING_TO_ACTIVATE"},
        ),
        {"name": "force-ssl", "status": "PENDING_TO_ACTIVATE"},
    ),
    case("enable_feature", ("x",), on_database("POST", "/features", text=""), {}),
    case(
        "disable_feature",
        ("force-ssl",),
        on_database("DELETE", "/features", query={"feature": "force-ssl"}, json=NOTHING, answer={"message": "done"}),
        {"message": "done"},
    ),
    # Actions
    case("run_action", ("of-tomorrow", {"a": 1}), acts("of-tomorrow", {"x": [1]}, {"a": 1}), {"x": [1]}),
    case("run_action", ("of-tomorrow",), acts("of-tomorrow"), None),
    case("run_action", ("get-sqlmode",), acts("get-sqlmode", "ANSI"), "ANSI"),
    case(
        "list_logical_databases",
        (),
        acts("list-databases", [{"name": "shop_1", "protected": True}, {"name": "x"}]),
        [
            {"name": "shop_1", "protected": True},
            {"name": "x", "protected": Unread("expected a boolean at result[1].protected and received null")},
        ],
    ),
    case("list_logical_databases", (), acts("list-databases", None), []),
    case("list_logical_databases", (), acts("list-databases", answer={"ok": True}), []),
    case(
        "create_logical_database",
        ("new",),
        acts("create-database", {"name": "new", "protected": False}, {"database_name": "new"}),
        {"name": "new", "protected": False},
    ),
    case(
        "create_logical_database",
        ("new",),
        acts("create-database", None, {"database_name": "new"}),
        {"name": "new", "protected": False},
    ),
    case("delete_logical_database", ("old",), acts("delete-database", None, {"database_name": "old"}), None),
    case("reset_logical_database", ("old",), acts("reset-database", None, {"database_name": "old"}), None),
    case("get_sql_mode", (), acts("get-sqlmode", "A,B"), "A,B"),
    case("get_sql_mode", (), acts("get-sqlmode", None), ""),
    case("set_sql_mode", ("A,B",), acts("set-sqlmode", None, "A,B"), None),
    case("set_sql_mode", ("",), acts("set-sqlmode", None, ""), None),
    case(
        "list_extensions",
        (),
        acts("list-extensions", [{"name": "a", "version": "v1.0"}]),
        [{"name": "a", "version": "1.0"}],
    ),
    case(
        "list_queries",
        (),
        acts("pg-list-queries", [{"pid": 7, "query_duration": 1_500_000_000}]),
        [{"pid": 7, "query_duration": 1.5}],
    ),
    case("list_queries", (), acts("pg-list-queries", None), []),
    case("cancel_query", (7,), acts("pg-cancel-query", None, {"pid": 7}), None),
    case("terminate_query", (7,), acts("pg-terminate-query", None, {"pid": 7}), None),
    case("enable_stat_statements", (), acts("pg-stat-statements-enable"), None),
    case("reset_stat_statements", (), acts("pg-stat-statements-reset"), None),
    case(
        "list_stat_statements",
        (),
        acts("pg-stat-statements-list", [{"calls": 1, "total_time": 0.5}]),
        [{"calls": 1, "total_time": 0.5}],
    ),
    case(
        "list_retention_policies",
        (),
        acts("list-retention-policies", [{"name": "autogen", "duration": "0", "default": True}]),
        [{"name": "autogen", "duration": "0", "default": True}],
    ),
    case(
        "add_retention_policy",
        ("month", "30d", False),
        acts("add-retention-policy", None, {"name": "month", "duration": "30d", "default": False}),
        None,
    ),
    case("delete_retention_policy", ("month",), acts("del-retention-policy", None, {"name": "month"}), None),
    # Operations and plans
    case("show_operation", ("o1",), outside("GET", "/operations/o1", answer={"operation": OPERATION}), OPERATION),
    case(
        "show_operation", ("o1", LOCATION), outside("GET", "/operations/o1", answer={"operation": OPERATION}), OPERATION
    ),
    case(
        "show_operation",
        ("o1", "https://api.osc-fr1.scalingo.com/api/databases/ad-1/operations/o1"),
        on_database("GET", "/operations/o1", answer={"operation": OPERATION}),
        OPERATION,
    ),
    case(
        "show_operation",
        ("o1", "/api/databases/other/operations/o1?x=1"),
        [
            outside("GET", "/databases/other/operations/o1", **NOT_FOUND),
            outside("GET", "/operations/o1", **NOT_FOUND),
            on_database("GET", "/operations/o1", answer={"operation": OPERATION}),
        ],
        OPERATION,
    ),
    case("show_plan", (), on_database("GET", "/plan", answer={"plan": PLAN}), PLAN),
    # Backups
    case(
        "list_backups",
        (),
        on_database("GET", "/backups", answer={"database_backups": [BACKUP, NEW_BACKUP]}),
        [BACKUP, NEW_BACKUP],
    ),
    case(
        "list_backups",
        (),
        on_database("GET", "/backups", answer={"database_backups": [{"id": "b", "status": "pending"}]}),
        [{"id": "b", "status": "pending", "started_at": None, "size": None}],
    ),
    case(
        "create_backup",
        (),
        on_database("POST", "/backups", json=NOTHING, status=201, answer={"database_backup": NEW_BACKUP}),
        NEW_BACKUP,
    ),
    case("show_backup", ("b1",), outside("GET", "/backups/b1", answer={"database_backup": BACKUP}), BACKUP),
    case(
        "show_backup",
        ("b1",),
        [
            outside("GET", "/backups/b1", **NOT_FOUND),
            on_database("GET", "/backups/b1", answer={"database_backup": BACKUP}),
        ],
        BACKUP,
    ),
    case(
        "show_backup_link",
        ("b1",),
        on_database("GET", "/backups/b1/archive", answer={"download_url": "https://x"}),
        "https://x",
    ),
    case(
        "restore_backup",
        ("b1",),
        on_database("POST", "/backups/b1/restore", json=NOTHING, answer=RESTORATION),
        RESTORATION,
    ),
    case(
        "restore_backup",
        ("b1",),
        on_database("POST", "/backups/b1/restore", answer={"backup_restoration": RESTORATION}),
        RESTORATION,
    ),
    case(
        "show_backup_restoration",
        ("r1",),
        on_database("GET", "/backup_restorations/r1", answer={"backup_restoration": RESTORATION}),
        RESTORATION,
    ),
    # Users
    case("list_users", (), on_database("GET", "/users", answer={"database-users": [USER]}), [USER]),
    case("list_users", (), on_database("GET", "/users", answer={"database_users": [USER]}), [USER]),
    case(
        "create_user",
        ("reader", True),
        on_database(
            "POST",
            "/users",
            status=201,
            json={"database_user": {"database_id": "ad-1", "name": "reader", "read_only": True}},
            answer={"database_user": USER_WITH_PASSWORD},
        ),
        USER_WITH_PASSWORD,
    ),
    case(
        "create_user",
        ("reader", False, "chosen"),
        on_database(
            "POST",
            "/users",
            status=201,
            json={
                "database_user": {
                    "database_id": "ad-1",
                    "name": "reader",
                    "read_only": False,
                    "password": "chosen",
                    "password_confirmation": "chosen",
                }
            },
            answer=USER_WITH_PASSWORD,
        ),
        USER_WITH_PASSWORD,
    ),
    case(
        "update_user_password",
        ("reader", "chosen"),
        on_database(
            "PATCH",
            "/users/reader",
            json={"database_user": {"database_id": "ad-1", "password": "chosen", "password_confirmation": "chosen"}},
            answer={"database_user": USER},
        ),
        USER,
    ),
    case("update_user_password", ("a b/c", "x"), on_database("PATCH", "/users/a%20b%2Fc", text=""), {}),
    case("update_user_password", ("reader", "x"), on_database("PATCH", "/users/reader", answer={}), {}),
    case("update_user_password", ("reader", "x"), on_database("PATCH", "/users/reader", answer=USER), USER),
    case(
        "reset_user_password",
        ("reader",),
        on_database("POST", "/users/reader/reset_password", json=NOTHING, answer={"database_user": USER_WITH_PASSWORD}),
        USER_WITH_PASSWORD,
    ),
    case(
        "reset_user_password",
        ("reader",),
        on_database("POST", "/users/reader/reset_password", answer=USER_WITH_PASSWORD),
        USER_WITH_PASSWORD,
    ),
    case("delete_user", ("reader",), on_database("DELETE", "/users/reader", status=204, json=NOTHING), None),
    # Maintenance, types, versions
    case("list_maintenances", (), pages([MAINTENANCE]), [MAINTENANCE]),
    case("list_maintenances", (0,), [], []),
    case("list_maintenances", (-1,), [], []),
    case("show_maintenance", ("m1",), on_database("GET", "/maintenance/m1", answer=MAINTENANCE), MAINTENANCE),
    case(
        "show_maintenance",
        ("m1",),
        on_database("GET", "/maintenance/m1", answer={"maintenance": MAINTENANCE}),
        MAINTENANCE,
    ),
    case(
        "show_database_type_version",
        ("v1",),
        outside("GET", "/database_type_versions/v1", answer={"database_type_version": VERSION}),
        {**VERSION, "version": "17.9.0-2"},
    ),
    case(
        "show_database_type_version",
        ("v1",),
        outside(
            "GET", "/database_type_versions/v1", answer={"database_type_version": {**VERSION, "next_upgrade": "v2"}}
        ),
        {**VERSION, "version": "17.9.0-2", "next_upgrade_id": "v2"},
    ),
    case(
        "show_database_type_version",
        ("v1",),
        outside(
            "GET",
            "/database_type_versions/v1",
            answer={"database_type_version": {**VERSION, "features": None, "next_upgrade": {"id": "v2", "major": 18}}},
        ),
        {**VERSION, "version": "17.9.0-2", "features": None, "next_upgrade_id": "v2"},
    ),
    # Logs, metrics, status
    case("show_logs_link", (), on_database("GET", "/logs", answer={"url": "https://logs"}), "https://logs"),
    case("list_log_archives", (), logs(1, [ARCHIVE], False), [ARCHIVE]),
    case("list_log_archives", (0,), [], []),
    case(
        "list_log_archives",
        (),
        [logs(1, [ARCHIVE], True), logs(2, [{**ARCHIVE, "url": "https://x/2"}], False)],
        [ARCHIVE, {**ARCHIVE, "url": "https://x/2"}],
    ),
    case("list_log_archives", (1,), logs(1, [ARCHIVE], True), [ARCHIVE]),
    # A server that does not know the page gives the first one for ever.
    case("list_log_archives", (), [logs(1, [ARCHIVE], True), logs(2, [ARCHIVE], True)], [ARCHIVE]),
    # One was added between the pages: the last of the first page comes again, with its link signed anew.
    case(
        "list_log_archives",
        (),
        [
            logs(1, [archive(1), archive(2)], True),
            logs(2, [archive(2, "?signed=again"), archive(3)], True),
            logs(3, [archive(4)], False),
        ],
        [archive(1), archive(2), archive(3), archive(4)],
    ),
    case(
        "list_log_archives",
        (3,),
        [logs(1, [archive(1), archive(2)], True), logs(2, [archive(2), archive(3)], True)],
        [archive(1), archive(2), archive(3)],
    ),
    case("list_log_archives", (), logs(1, [], True), []),
    case("show_metrics", (), on_database("GET", "/metrics", answer=METRICS), MEASURED),
    case(
        "show_metrics",
        (),
        on_database("GET", "/metrics", answer={**METRICS, "instances_metrics": [METRICS["instances_metrics"]["i-1"]]}),  # type: ignore[index]
        MEASURED,
    ),
    case(
        "show_metrics",
        (),
        on_database("GET", "/metrics", answer={"cpu_usage": 0}),
        {"cpu_usage": 0},
    ),
    case("list_metric", ("disk",), on_database("GET", "/metrics/disk", answer={"disk_metrics": POINTS}), POINTS),
    case("list_metric", ("disk",), on_database("GET", "/metrics/disk", answer=POINTS), POINTS),
    case(
        "list_metric",
        ("cpu", 6, True),
        on_database("GET", "/metrics/cpu", query={"since": "6", "last": "true"}, answer={"cpu": POINTS}),
        POINTS,
    ),
    case(
        "list_instance_metric",
        ("i-1", "diskio", 3),
        on_database("GET", "/instances/i-1/metrics/diskio", query={"since": "3"}, answer={"diskio_metrics": None}),
        [],
    ),
    case(
        "show_health",
        (),
        on_database("GET", "/health", answer=HEALTH),
        {"epoch": 1550839427, "status": "green", "shards": 141},
    ),
    case("list_instances_status", (), on_database("GET", "/instances_status", answer=[INSTANCE]), [INSTANCE]),
    case("list_instances_status", (), on_database("GET", "/instances_status", text="null"), []),
    # Firewall and certificate
    case("list_firewall_rules", (), on_database("GET", "/firewall_rules", answer={"rules": [RULE]}), [RULE]),
    case(
        "create_firewall_rule",
        ({"type": "custom_range", "cidr": "192.0.2.0/24"},),
        on_database(
            "POST",
            "/firewall_rules",
            json={"type": "custom_range", "cidr": "192.0.2.0/24"},
            status=201,
            answer={"rule": RULE},
        ),
        RULE,
    ),
    case(
        "update_firewall_rule",
        ("f1", "home"),
        on_database("PATCH", "/firewall_rules/f1", json={"firewall_rule": {"label": "home"}}, answer={"rule": RULE}),
        RULE,
    ),
    case("delete_firewall_rule", ("f1",), on_database("DELETE", "/firewall_rules/f1", status=204), None),
    case(
        "list_managed_ranges",
        (),
        outside("GET", "/firewall/managed_ranges", answer={"ranges": [{"id": "mr"}]}),
        [{"id": "mr"}],
    ),
    case("show_ca_certificate", (), outside("GET", "/ca_certificate", text=PEM), PEM),
]


def client_for(office: Office, part: str) -> tuple[Client, list[Expected]]:
    if part == "database":
        return office.direct(), []
    return office.client(token_cache=False), [exchange()]


ALL = [("auth", item) for item in AUTH] + [("main", item) for item in MAIN] + [("database", item) for item in BASE]


def told(found: t.Any, answer: t.Any) -> bool:
    """Whether what is returned is what was answered, in its normal form: of the fields that are known, and of no other."""
    if isinstance(found, dict) and isinstance(answer, dict):
        return all(
            told(value, answer[name]) if name in answer else not value or told(value, dict.fromkeys(value))
            for name, value in found.items()
        )
    if isinstance(found, list) and isinstance(answer, list):
        return len(found) == len(answer) and all(map(told, found, answer))
    if isinstance(found, dict) and answer is None:
        return not any(found.values())
    return found == answer or (not found and answer in (None, "")) or found == _canon.instant(answer)


@pytest.mark.parametrize(("part", "item"), ALL, ids=[f"{part}.{item}"[:80] for part, item in ALL])
def test_a_route_and_its_answer(office: Office, part: str, item: Case) -> None:
    client, before = client_for(office, part)
    calls = [*before, *item.calls] if item.calls else []
    with Script(*calls) as script:
        script.mount(client)
        found = getattr(Api(client), item.method)(*item.arguments, **item.named)
        if isinstance(found, t.Iterator):
            found = list(itertools.islice(found, item.arguments[1]))
    assert told(found, item.result)


def test_every_call_has_a_case() -> None:
    cases = {item.method for item in (*AUTH, *MAIN, *BASE)}
    assert CALLS.keys() == cases | {"exchange_token", "mint_addon_token", "show_database_and_next"}


# ---------------------------------------------------------------------------------------------------------------------
# The tables


def test_every_route_of_the_contract_is_declared_once() -> None:
    """Those that the client of the dashboard alone uses may be missing: what other clients use, a playbook can use too."""
    numbers = [route.number for route in ROUTES]
    assert len(numbers) == len(set(numbers))
    contract = (pathlib.Path(__file__).parents[2] / "docs" / "contract.md").read_text(encoding="utf-8")
    indexed = re.findall(r"^\| ([A-Z]\d+) \| (?:GET|POST|PATCH|DELETE) .*\| ([^|]+) \|$", contract, re.MULTILINE)
    wanted = [
        number
        for number, sources in indexed
        if number != "D8" and sources not in ("JS", "JS only", "DOC (as `download_url`)")
    ]
    assert len(wanted) > 25
    wanted += [f"A{number}" for number in range(1, 16) if number != 7]
    assert set(wanted) <= set(numbers)
    assert len({route.name for route in ROUTES}) == len(ROUTES)


def test_every_action_of_the_contract_is_declared() -> None:
    assert ACTIONS.keys() == actions.KNOWN.keys() and len(ACTIONS) == 16
    assert {route.path for route in ACTIONS.values()} == {"/databases/{database}/action"}


def test_what_only_reads_is_safe_whatever_its_verb() -> None:
    safe = {route.name for route in [*ROUTES, *ACTIONS.values()] if route.safe}
    assert {route.name for route in [*ROUTES, *ACTIONS.values()] if route.method == "GET"} <= safe
    posts = {route.name for route in [*ROUTES, *ACTIONS.values()] if route.safe and route.method != "GET"}
    reading = {
        "list-databases",
        "get-sqlmode",
        "list-extensions",
        "pg-list-queries",
        "pg-stat-statements-list",
        "list-retention-policies",
    }
    assert posts == {"exchange_token", "mint_addon_token"} | {f"action {name}" for name in reading}
    assert all(route.repeatable for route in [*ROUTES, *ACTIONS.values()] if route.safe)


def test_what_destroys_or_makes_is_never_sent_twice() -> None:
    once = {route.name for route in [*ROUTES, *ACTIONS.values()] if route.once}
    for name in ("delete", "reset", "create"):
        assert ACTIONS[f"{name}-database"].name in once
    assert {
        "upgrade",
        "restore_to_point_in_time",
        "create_backup",
        "restore_backup",
        "create_user",
        "delete_user",
    } <= once
    assert {"reset_user_password", "create_firewall_rule", "create_addon", "update_addon_plan"} <= once
    assert actions.action("of tomorrow").once
    repeatable = {route.name for route in [*ROUTES, *ACTIONS.values()] if not route.safe and route.repeatable}
    assert repeatable == {
        "update_database",
        "enable_feature",
        "disable_feature",
        "update_user_password",
        "delete_firewall_rule",
        "update_firewall_rule",
        "delete_addon",
        "delete_net_peering",
        "action set-sqlmode",
        "action pg-stat-statements-enable",
    }


def test_every_route_says_what_is_attempted_and_where() -> None:
    for route in [*ROUTES, *ACTIONS.values()]:
        assert route.doing and route.role in ("auth", "api", "db")


def test_the_only_word_for_a_reset_is_reset(office: Office) -> None:
    client = office.direct()
    with Script(acts("reset-database", None, {"database_name": "x"})) as script:
        script.mount(client)
        Api(client).reset_logical_database("x")


@pytest.mark.parametrize("name", sorted(actions.DESTROYING))
def test_what_destroys_is_not_run_as_just_any_action(office: Office, name: str) -> None:
    client = office.direct()
    with Script() as script, pytest.raises(InvalidInput) as caught:
        script.mount(client)
        Api(client).run_action(name, {"database_name": "x"})
    assert f"community.scalingo.{actions.DESTROYING[name]}" in caught.value.hint


# ---------------------------------------------------------------------------------------------------------------------
# Answers that are wrong


def wrong(
    office: Office, kind: type[ScalingoError], run: t.Callable[[Client], t.Any], *calls: Expected
) -> ScalingoError:
    client = office.direct()
    with Script(*calls) as script, pytest.raises(ScalingoError) as caught:
        script.mount(client)
        run(client)
    script.finish()
    assert caught.value.__class__ is kind
    assert "canary" not in sentence(caught.value)
    return caught.value


def show(client: Client) -> t.Any:
    return Api(client).show_database()


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ([], "show_database: expected the key database at the body and received a list"),
        (None, "show_database: expected the key database at the body and received null"),
        ({}, "show_database: expected the key database at the body and received an object"),
        ({"database": []}, "show_database: expected an object at database and received a list"),
        ({"database": None}, "show_database: expected an object at database and received null"),
        ({"database": {}}, "show_database: expected the key status at database and received an object"),
        ({"database": {"status": None}}, "show_database: expected a text at database.status and received null"),
    ],
)
def test_wrong_types_and_missing_keys_are_named(office: Office, answer: t.Any, message: str) -> None:
    text = "null" if answer is None else None
    error = wrong(office, UnexpectedAnswer, show, on_database("GET", answer=answer, text=text))
    assert message in error.message
    assert error.subject == "addon ad-1 in osc-fr1" and error.status == 200 and error.doing == "read the database"


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        ({"database": {"status": "x", "features": {}}}, "expected a list at database.features and received an object"),
        (
            {"database": {"status": "x", "features": ["force-ssl"]}},
            "expected an object at database.features[0] and received a text",
        ),
        ({"database": {"status": "x", "features": [{"name": "x"}]}}, "expected the key status at database.features[0]"),
        (
            {"database": {"status": "x", "periodic_backups_scheduled_at": "1"}},
            "expected an integer at database.periodic_backups_scheduled_at[0]",
        ),
        ({"database": {"status": "x", "periodic_backups_scheduled_at": [True]}}, "and received a boolean"),
        (
            {"database": {"status": "x", "periodic_backups_enabled": "yes"}},
            "expected a boolean at database.periodic_backups_enabled",
        ),
        ({"database": {"status": "x", "cluster": 1}}, "expected a boolean at database.cluster and received an integer"),
        (
            {"database": {"status": "x", "maintenance_window": {"weekday_utc": 1.5}}},
            "expected an integer at database.maintenance_window.weekday_utc and received a number",
        ),
        ({"database": {"status": "x", "next_version_id": 5}}, "expected a text at database.next_version_id"),
        ({"database": {"status": None, "id": "x"}}, "expected a text at database.status and received null"),
    ],
)
def test_a_field_of_another_kind_is_named_by_who_uses_it(office: Office, answer: t.Any, message: str) -> None:
    client = office.direct()
    with Script(on_database("GET", answer=answer)) as script:
        script.mount(client)
        found = Api(client).show_database()
    (odd,) = [value for value in found.values() if isinstance(value, Unread)]
    with pytest.raises(UnexpectedAnswer) as caught:
        bool(odd)
    assert message in caught.value.message and "newer version" in caught.value.hint


@pytest.mark.parametrize("text", ["<html><title>Sign in</title></html>", "", "Retry later", '{"database": '])
def test_what_is_not_json_is_unexpected(office: Office, text: str) -> None:
    error = wrong(office, UnexpectedAnswer, show, on_database("GET", text=text))
    assert error.message.startswith("show_database: expected JSON and received")


def test_a_change_whose_answer_cannot_be_read_is_an_unknown_outcome(office: Office) -> None:
    for answer in (
        {"text": "<html>"},
        {"answer": {"oops": 1}},
        {"answer": {"database_backup": {"id": 5, "status": "x"}}},
    ):
        call = on_database("POST", "/backups", status=201, **answer)
        error = wrong(office, OutcomeUnknown, lambda client: Api(client).create_backup(), call)
        assert "its answer cannot be read: create_backup: expected" in error.message
        assert (error.status, error.method, error.doing) == (201, "POST", "start a backup")
    # One that can be repeated leaves no doubt that matters.
    wrong(
        office,
        UnexpectedAnswer,
        lambda client: Api(client).update_database({}),
        on_database("PATCH", text="<html>"),
    )


def test_a_password_in_a_broken_answer_is_not_shown(office: Office) -> None:
    call = on_database("POST", "/users", status=201, text='{"database_user": {"password": "canary-password"')
    wrong(office, OutcomeUnknown, lambda client: Api(client).create_user("x", False), call)


@pytest.mark.parametrize(
    ("run", "answer", "message"),
    [
        (lambda database: database.list_instances_status(), {"instances": []}, "expected a list at the body"),
        (lambda database: database.list_metric("cpu"), {"a": 1, "b": 2}, "expected the key cpu_metrics"),
        (lambda database: database.list_metric("cpu"), 5, "expected the key cpu_metrics"),
        (lambda database: database.list_users(), {"users": []}, "expected the key database-users"),
        (
            lambda database: database.show_recovery_window(),
            {"recovery_window": {"latest_recoverable_at": 5}},
            "expected a text",
        ),
        (lambda database: database.list_backups(), {"backups": []}, "expected the key database_backups"),
        (lambda database: database.show_backup_link("b"), {"download_url": None}, "expected a text at download_url"),
        (lambda database: database.list_log_archives(), {"archives": [5]}, "expected an object at archives[0]"),
        (lambda database: database.update_user_password("a", "b"), {"user": "x"}, "expected the key name"),
        (lambda database: database.show_ca_certificate(), {"error": "x"}, "expected a certificate"),
        (lambda database: database.list_maintenances(), {"maintenance": [], "meta": []}, ""),
    ],
)
def test_other_wrong_answers(office: Office, run: t.Callable[[Api], t.Any], answer: t.Any, message: str) -> None:
    client = office.direct()
    script = Script()
    script.mount(client)
    script.send = lambda request, **given: script._answered(expect("x", "x", answer=answer), request)  # type: ignore[method-assign]
    if not message:
        assert run(Api(client)) == []
        return
    with pytest.raises(UnexpectedAnswer, match=message.replace("[", r"\[")):
        run(Api(client))


@pytest.mark.parametrize(
    ("run", "answer", "read"),
    [
        (
            lambda database: database.show_metrics()["instances_metrics"],
            {"cpu_usage": 1, "instances_metrics": [{"x": 1}]},
            Unread("expected the key instance_id at the body.instances_metrics[0] and received an object"),
        ),
        (
            lambda database: database.show_metrics()["instances_metrics"],
            {"instances_metrics": {"i": {"real_disk_size": True, "cpu": {}}, "j": None, "k": {"cpu": None}}},
            [
                {
                    **METERED,
                    "instance_id": "i",
                    "real_disk_size": Unread(
                        "expected an integer at the body.instances_metrics.i.real_disk_size and received a boolean"
                    ),
                },
                Unread("expected an object at the body.instances_metrics.j and received null"),
                {**METERED, "instance_id": "k"},
            ],
        ),
        (
            lambda database: database.list_backups()[0]["size"],
            {"database_backups": [{"id": "b", "status": "x", "size": "5"}]},
            Unread("expected an integer at database_backups[0].size and received a text"),
        ),
    ],
)
def test_what_is_wrong_in_a_part_leaves_the_rest(
    office: Office, run: t.Callable[[Api], t.Any], answer: t.Any, read: t.Any
) -> None:
    client = office.direct()
    script = Script()
    script.mount(client)
    script.send = lambda request, **given: script._answered(expect("x", "x", answer=answer), request)  # type: ignore[method-assign]
    assert run(Api(client)) == read


def test_an_upgrade_or_a_restore_with_a_strange_operation(office: Office) -> None:
    call = on_database("POST", "/upgrade", status=202, answer={"operation_id": 5})
    wrong(office, OutcomeUnknown, lambda client: Api(client).upgrade(), call)
    call = on_database("POST", "/pitr/restore", status=201, answer={"operation": None})
    wrong(office, OutcomeUnknown, lambda client: Api(client).restore_to_point_in_time("x"), call)


# ---------------------------------------------------------------------------------------------------------------------
# Actions that fail


def listing(client: Client) -> t.Any:
    return Api(client).list_logical_databases()


@pytest.mark.parametrize("status", [200, 400, 404, 409, 422, 500])
def test_an_action_that_says_no_failed_whatever_the_status(office: Office, status: int) -> None:
    call = acts(
        "create-database", status=status, params={"database_name": "x"}, answer={"ok": 0, "error": "exists already"}
    )
    error = wrong(office, ActionFailed, lambda client: Api(client).create_logical_database("x"), call)
    assert (error.message, error.status, error.doing) == ("exists already", status, "create the logical database")


@pytest.mark.parametrize(
    "answer", [{"ok": 0}, {"ok": False, "error": None}, {"ok": 0, "error": {"a": 1}}, {"ok": 0, "error": ""}]
)
def test_an_action_may_give_no_reason(office: Office, answer: t.Any) -> None:
    assert (
        wrong(office, ActionFailed, listing, acts("list-databases", answer=answer)).message == "The API gives no reason"
    )


def test_an_action_without_ok_is_unexpected(office: Office) -> None:
    for answer in ({"result": []}, {"ok": None, "result": []}, {"ok": "yes"}, []):
        wrong(office, UnexpectedAnswer, listing, acts("list-databases", answer=answer))
    error = wrong(
        office,
        OutcomeUnknown,
        lambda client: Api(client).delete_logical_database("x"),
        acts("delete-database", params={"database_name": "x"}, answer={"result": None}),
    )
    assert "expected ok to be 1" in error.message


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (403, '{"error": "no"}', Forbidden),
        (404, '{"error": "no"}', NotFound),
        (404, "[]", NotFound),
        (400, "<html>", BadRequest),
        (401, '{"ok": 0, "error": "no"}', Unauthorized),
    ],
)
def test_an_action_refused_as_any_other_call(office: Office, status: int, text: str, kind: type[ScalingoError]) -> None:
    wrong(office, kind, listing, acts("list-databases", status=status, text=text))


def test_an_action_limited_for_ten_minutes(office: Office) -> None:
    limited = acts("list-databases", status=429, text="Retry later", answer_headers={"Retry-After": "600"})
    wrong(office, RateLimited, listing, limited, limited)


def test_an_action_on_a_broken_server(office: Office) -> None:
    call = acts("reset-database", status=502, text="<html>", params={"database_name": "x"})
    error = wrong(office, OutcomeUnknown, lambda client: Api(client).reset_logical_database("x"), call)
    assert error.status == 502
    calls = [acts("list-databases", status=502, text="<html>")] * 6
    wrong(office, ServerError, listing, *calls)


# ---------------------------------------------------------------------------------------------------------------------
# Deletions, pages, dates, links


def test_what_a_lost_attempt_may_have_done_is_told_with_the_refusal_of_the_next(office: Office) -> None:
    """Whether it did is for the state to say: nothing is taken for done here."""
    lost = on_database("DELETE", "/firewall_rules/f1", status=502)
    limited = on_database("DELETE", "/firewall_rules/f1", status=429, text="Retry later")
    gone = on_database("DELETE", "/firewall_rules/f1", **NOT_FOUND)
    for calls, after_loss in (([lost, gone], True), ([limited, gone], False), ([gone], False)):
        client = office.direct()
        with Script(*calls) as script:
            script.mount(client)
            with pytest.raises(NotFound) as caught:
                Api(client).delete_firewall_rule("f1")
        assert caught.value.after_loss is after_loss


def test_a_lost_attempt_is_remembered_over_the_renewal_of_a_token(office: Office) -> None:
    client = office.client()
    enable = {"status": 502}
    with Script(
        exchange(),
        addons(addon()),
        mint(),
        on_database("POST", "/features", **enable),
        on_database("POST", "/features", status=401, answer={"error": "unauthorized"}),
        mint(token="addon-2"),
        on_database("POST", "/features", token="addon-2", status=400, answer={"error": "already setup"}),
    ) as script:
        script.mount(client)
        with pytest.raises(BadRequest) as caught:
            Api(client).enable_feature("force-ssl")
    assert caught.value.after_loss


def test_a_change_never_goes_to_another_addon_than_was_read(office: Office) -> None:
    """The cached addon is destroyed between the reading and the change, and another one of its kind is there by then."""
    first = office.client()
    with Script(exchange(), addons(addon()), mint(), on_database("GET", answer={"database": DATABASE})) as script:
        script.mount(first)
        Api(first).show_database()
    client = office.client()
    gone = on_database("DELETE", "/users/reporting", **NOT_FOUND)
    with Script(on_database("GET", answer={"database": DATABASE}), gone) as script:
        script.mount(client)
        Api(client).show_database()
        with pytest.raises(NotFound):
            Api(client).delete_user("reporting")


def numbered(first: int, last: int) -> list[dict[str, t.Any]]:
    return [{**MAINTENANCE, "id": f"m{number}"} for number in range(first, last)]


def test_pages_are_walked_to_the_end(office: Office) -> None:
    client = office.direct()
    with Script(
        pages(numbered(0, 2), 2), pages(numbered(2, 4), 3, number=2), pages(numbered(4, 5), number=3)
    ) as script:
        script.mount(client)
        assert [item["id"] for item in Api(client).list_maintenances()] == ["m0", "m1", "m2", "m3", "m4"]


def test_a_limit_walks_no_further_than_needed(office: Office) -> None:
    client = office.direct()
    with Script(pages(numbered(0, 2), 2, size=3), pages(numbered(2, 4), 3, number=2, size=3)) as script:
        script.mount(client)
        assert [item["id"] for item in Api(client).list_maintenances(3)] == ["m0", "m1", "m2"]
    with Script(pages(numbered(0, 2), 2, size=2)) as script:
        script.mount(client)
        assert len(Api(client).list_maintenances(2)) == 2


@pytest.mark.parametrize(
    "meta",
    [
        None,
        {},
        {"pagination": None},
        {"pagination": {}},
        {"pagination": {"next_page": None}},
        {"pagination": {"next_page": 0}},
        {"pagination": {"current_page": 1, "next_page": 1}},
        {"current_page": 1, "next_page": None},
        {"current_page": 1, "next_page": 1},
    ],
)
def test_pages_never_spin(office: Office, meta: t.Any) -> None:
    client = office.direct()
    body = {"maintenance": [MAINTENANCE], "meta": meta}
    with Script(on_database("GET", "/maintenance", query={"page": "1", "per_page": "50"}, answer=body)) as script:
        script.mount(client)
        assert told(Api(client).list_maintenances(), [MAINTENANCE])


def test_page_numbers_need_not_be_nested(office: Office) -> None:
    client = office.direct()
    first = {"maintenance": numbered(0, 1), "meta": {"current_page": 1, "next_page": 2}}
    query = {"page": "1", "per_page": "50"}
    with Script(on_database("GET", "/maintenance", query=query, answer=first), pages([], 3, number=2)) as script:
        script.mount(client)
        assert len(Api(client).list_maintenances()) == 1


@pytest.mark.parametrize("limit", [None, 4])
def test_pages_that_were_moved_on_meanwhile_lose_and_repeat_nothing(office: Office, limit: int | None) -> None:
    client = office.direct()
    size = limit or 50
    with Script(
        pages(numbered(0, 2), 2, size=size),
        pages(numbered(1, 3), 3, number=2, size=size),
        pages(numbered(3, 4), number=3, size=size),
    ) as script:
        script.mount(client)
        assert [item["id"] for item in Api(client).list_maintenances(limit)] == ["m0", "m1", "m2", "m3"]


def test_a_page_that_is_known_already_is_the_last(office: Office) -> None:
    client = office.direct()
    with Script(pages(numbered(0, 2), 2), pages(numbered(0, 2), 3, number=2)) as script:
        script.mount(client)
        assert [item["id"] for item in Api(client).list_maintenances()] == ["m0", "m1"]


def test_events_are_read_to_the_end_of_the_page_that_ends_in_old_ones(office: Office) -> None:
    client = office.client(addon=None, target_needed=False)
    listed = [{"id": name, "type": "x"} for name in ("new", "old", "new too", "old too")]
    body = {"events": listed, "meta": {"pagination": {"next_page": 2}}}
    call = expect("GET", "/v1/apps/shop/events", query={"page": "1", "per_page": "50"}, answer=body)
    with Script(exchange(), call) as script:
        script.mount(client)
        found = list(Api(client).list_events("shop", past=lambda item: item["id"].startswith("old")))
    assert [item["id"] for item in found] == ["new", "old", "new too", "old too"]


def test_a_page_number_that_is_none_is_unexpected(office: Office) -> None:
    for following in ("2", True, 1.5):
        error = wrong(
            office,
            UnexpectedAnswer,
            lambda client: Api(client).list_maintenances(),
            pages([MAINTENANCE], following),
        )
        assert "expected an integer at next_page" in error.message


def test_pages_without_end_are_given_up(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pages, "PAGE_LIMIT", 2)
    calls = [pages(numbered(0, 1), 2), pages(numbered(1, 2), 3, number=2)]
    error = wrong(office, UnexpectedAnswer, lambda client: Api(client).list_maintenances(), *calls)
    assert "more than 2 pages" in error.message and error.subject
    assert error.hint == "Ask for less with limit, and without status."


def test_archives_without_end_are_never_taken_for_all(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pages, "PAGE_LIMIT", 2)
    calls = [logs(1, [archive(1)], True), logs(2, [archive(2)], True)]
    error = wrong(office, UnexpectedAnswer, lambda client: Api(client).list_log_archives(), *calls)
    assert "more than 2 pages" in error.message and error.hint == "Ask for fewer archives with limit."
    for limit, last in ((2, True), (None, False)):
        client = office.direct()
        with Script(calls[0], logs(2, [archive(2)], last)) as script:
            script.mount(client)
            assert len(Api(client).list_log_archives(limit)) == 2


def test_what_is_not_found_at_first_may_only_just_have_been_made(office: Office) -> None:
    hint = "Right after provisioning"
    for call, run in (
        (on_database("GET", **NOT_FOUND), show),
        (on_database("GET", "/backups", **NOT_FOUND), lambda client: Api(client).list_backups()),
    ):
        assert wrong(office, NotFound, run, call).hint.startswith(hint)
    # One of its things is missing, or the database itself was there a moment ago.
    assert not wrong(
        office,
        NotFound,
        lambda client: Api(client).delete_user("x"),
        on_database("DELETE", "/users/x", **NOT_FOUND),
    ).hint
    client = office.direct()
    with Script(on_database("GET", answer={"database": DATABASE}), on_database("GET", **NOT_FOUND)) as script:
        script.mount(client)
        show(client)
        with pytest.raises(NotFound) as caught:
            show(client)
    assert not caught.value.hint


def test_the_date_of_the_last_answer_is_kept(office: Office) -> None:
    client = office.direct()
    assert client.date is None
    answer = {"answer": {"database": DATABASE}}
    with Script(on_database("GET", **answer, answer_headers={"Date": "Fri, 15 Jan 2027 08:00:00 GMT"})) as script:
        script.mount(client)
        Api(client).show_database()
    assert client.date == 1_800_000_000.0


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("https://db-api.osc-fr1.scalingo.com/api/operations/o1", "/operations/o1"),
        ("/api/databases/ad-1/operations/o1", "/databases/ad-1/operations/o1"),
        ("https://gateway.test/scalingo/api/operations/o1?x=1", "/operations/o1"),
        ("https://x/api/../operations/o1", None),
        ("https://x/api/databases/../operations/o1", None),
        ("https://x/api/operations/{o1}", None),
        ("https://x/v1/operations/o1", None),
        ("https://x/api/backups/b1", None),
        ("https://x/api/operations/", None),
        ("", None),
        (None, None),
    ],
)
def test_where_a_location_leads(location: str | None, path: str | None) -> None:
    assert operation_path(location) == path
    assert operation_in(location) == (path and "o1")


def test_an_operation_nowhere_to_be_found(office: Office) -> None:
    calls = [outside("GET", "/operations/o1", **NOT_FOUND), on_database("GET", "/operations/o1", **NOT_FOUND)]
    wrong(office, NotFound, lambda client: Api(client).show_operation("o1"), *calls)


def test_an_app_that_is_no_dedicated_database_is_not_destroyed(office: Office) -> None:
    for flags in ({}, {"dedicated-database": False}, None):
        client = office.client(token_cache=False)
        app = main("GET", "/apps/shop", answer={"app": {"name": "shop", "flags": flags}})
        with Script(exchange(), app) as script, pytest.raises(InvalidInput, match="was not destroyed"):
            script.mount(client)
            Api(client).delete_dedicated_database("shop")
        script.finish()


def test_a_link_is_read_without_credentials(office: Office) -> None:
    client = office.client()
    link = "https://logs.test/apps/1/logs?token=canary"
    there = {"host": "https://logs.test", "headers": {"Authorization": None}, "query": {"token": "canary", "n": "5"}}
    with Script(expect("GET", "/apps/1/logs", text="one\ntwo\n", **there)) as script:
        script.mount(client)
        assert client.read_link(link, {"n": 5}) == "one\ntwo\n"
    for status in (204, 404):
        with Script(expect("GET", "/apps/1/logs", status=status, text="x", query={"token": "canary"})) as script:
            script.mount(client)
            assert client.read_link(link) == ""
    with Script(expect("GET", "/apps/1/logs", status=403, text="no", query={"token": "canary"})) as script:
        script.mount(client)
        with pytest.raises(Forbidden) as caught:
            client.read_link(link)
    assert "canary" not in sentence(caught.value) and "app shop" in sentence(caught.value)


def test_a_page_is_no_log(office: Office) -> None:
    page = {
        "text": "<html><title>Log in</title>canary</html>",
        "answer_headers": {"Content-Type": "Text/HTML; charset=utf-8"},
    }
    with Script(expect("GET", "/apps/1/logs", host="https://logs.test", query={"token": "x"}, **page)) as script:
        client = office.client()
        script.mount(client)
        with pytest.raises(UnexpectedAnswer, match="expected no page and received a page titled 'Log in'") as caught:
            client.read_link("https://logs.test/apps/1/logs?token=x")
    assert "canary" not in sentence(caught.value)


def test_a_page_is_no_sign_that_something_was_done(office: Office) -> None:
    client = office.direct()
    page = {"text": "<html><title>Log in</title></html>", "answer_headers": {"Content-Type": "text/html"}}
    with Script(on_database("DELETE", "/users/joe", **page)) as script:
        script.mount(client)
        with pytest.raises(OutcomeUnknown, match="its answer cannot be read.*a page titled 'Log in'"):
            Api(client).delete_user("joe")


@pytest.mark.parametrize("link", ["", "file:///etc/passwd", "https://user:canary@x/y", "https://"])
def test_what_is_no_link_is_not_followed(office: Office, link: str) -> None:
    with pytest.raises(UnexpectedAnswer) as caught:
        office.client().read_link(link)
    assert "canary" not in sentence(caught.value)


def test_a_link_in_clear_text_is_not_followed(office: Office) -> None:
    with pytest.raises(InvalidInput):
        office.client().read_link("http://logs.test/x?token=canary")


def test_the_addon_tokens_answer_and_the_exchange(office: Office) -> None:
    client = office.client(addon="ad-1", token_cache=False)
    date = {"Date": "Fri, 15 Jan 2027 08:00:00 GMT"}
    with Script(exchange(answer_headers=date), exchange(), mint(answer_headers=date)) as script:
        script.mount(client)
        assert Api(client).exchange_token() == ("bearer-1", 1_800_000_000.0)
        found, moment = Api(client).mint_addon_token("shop", "ad-1")
    assert found["token"] == "addon-1" and moment == 1_800_000_000.0
