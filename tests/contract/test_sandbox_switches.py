# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every row of docs/contract.md section 6 and every clause of 8.1 is dealt with, and every switch does something."""

from __future__ import annotations

import contextlib
import re
import runpy
import urllib.parse
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from scalingo_sandbox.application import load_routes
from scalingo_sandbox.switches import SWITCHES
from scalingo_sandbox.testing import Sandbox
from support.caller import Caller
from support.probes import PROBES, probe

CONTRACT = Path(__file__).resolve().parents[2] / "docs" / "contract.md"
README = Path(__file__).resolve().parents[1] / "sandbox" / "README.md"


# the lists


def rows() -> dict[str, str]:
    """What is to be done about every row of section 6, by its number."""
    text = CONTRACT.read_text(encoding="utf-8")
    section = text[text.index("## 6. Disagreements") : text.index("## 7. ")]
    found = re.findall(r"^\| (\d+) \|.*\| (.*?) \|$", section, flags=re.MULTILINE)
    return {f"6.{number}": does for number, does in found}


def clauses() -> list[str]:
    """The clauses of section 8.1."""
    text = CONTRACT.read_text(encoding="utf-8")
    section = text.partition("### 8.1 ")[2].split("\n\n")[0]
    return [clause.strip() for clause in section.partition("\n")[2].split(";")]


def named_by_switches() -> set[str]:
    return {number for switch in SWITCHES.values() for number in switch.rows if number.startswith(("6.", "8.1."))}


def test_every_row_of_section_6_has_a_switch_or_says_what_the_simulator_does() -> None:
    found, named = rows(), named_by_switches()
    assert len(found) >= 64
    assert {number for number in named if number[0] == "6"} <= set(found)
    for number, does in found.items():
        told = re.findall(r"simulator: (both|nothing) \(.+\)$", does)
        assert bool(told) is (number not in named), (number, does)
        if re.search(r"accept both|serve both|tolerate|all accepted|both real", does, re.IGNORECASE):
            assert told != ["nothing"] or number == "6.53", (number, does)


def test_every_clause_of_section_8_1_has_a_switch_but_one() -> None:
    begins = ["Failed action", "unknown user", "bad field", "missing/expired", "busy", "final operation", "features go"]
    begins += ["`reset-database` allowed", "serve every path", 'optional "quirk" switches']
    found = clauses()
    for clause, begin in zip(found, begins, strict=True):
        assert clause.startswith(begin), clause
    numbers = {f"8.1.{index}" for index in range(1, len(found) + 1)}
    assert numbers - {"8.1.2"} == {number for number in named_by_switches() if number[0] == "8"}


def test_the_findings_name_what_there_is() -> None:
    """Section 9: every finding has a row, every switch its values with the default first, every test exists."""
    text = CONTRACT.read_text(encoding="utf-8").partition("\n## 9. ")[2]
    rows = [
        [cell.strip() for cell in line.strip("|").split(" | ")] for line in text.splitlines() if line.startswith("| ")
    ]
    wanted = (
        {f"C{number}" for number in range(1, 26)} | {f"CL-A{number}" for number in range(1, 17)} | {"C6b", "C6c", "C7b"}
    )
    wanted |= {f"CL-A{number}" for number in range(1, 17)}
    assert wanted <= {row[0] for row in rows}
    code = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    for name, dummy, section, held, test in rows:
        assert section, name
        for switch, values in re.findall(r"`(\w+)`: ((?:`[\w ]+`(?:, )?)+)", held):
            if switch in SWITCHES:
                named = re.findall(r"`([^`]+)`", values)
                assert tuple(named) == SWITCHES[switch].values[: len(named)], (name, switch)
        for function in re.findall(r"`(test_\w+)`", test):
            assert f"def {function}(" in code, (name, function)
        for path in re.findall(r"`(tests/[\w/.]+)`", test):
            assert (CONTRACT.parents[1] / path).is_file(), (name, path)


def test_the_readme_has_a_table_of_the_switches() -> None:
    text = README.read_text(encoding="utf-8")
    section = text.partition("<!-- switches -->")[2].partition("<!-- /switches -->")[0]
    assert section.strip() == table().strip(), "make lists writes it anew"


def table() -> str:
    from scalingo_sandbox.switches import table as made

    return made()


def test_unknown_switches_and_values_are_refused(box: Sandbox) -> None:
    with pytest.raises(ValueError, match="no switch is named"):
        box.switch("nothing", "x")
    with pytest.raises(ValueError, match="has no value"):
        box.switch("dates", "roman")
    with pytest.raises(ValueError, match="has no value"):
        box.reset({"switches": {"dates": "roman"}})


def test_a_switch_is_put_by_a_seed_and_back_by_a_reset(box: Sandbox) -> None:
    box.reset({"switches": {"dates": "seconds", "scheduled_backups": True, "download_range": False}})
    positions = box.state()["switches"]
    assert (positions["dates"], positions["scheduled_backups"], positions["download_range"]) == ("seconds", "on", "no")
    box.reset()
    assert box.state()["switches"] == {name: switch.default for name, switch in SWITCHES.items()}


# what each does: one look at the service whose answer differs for every value

# A thing may have its switches beside it, and their probes are beside its tests.
load_routes()
for path in Path(__file__).parent.glob("test_sandbox_*.py"):
    if "\nPROBES[" in path.read_text(encoding="utf-8"):
        runpy.run_path(str(path))


def mysql(box: Sandbox) -> str:
    return box.addon_id("shop", "mysql")


def postgresql(box: Sandbox) -> str:
    return box.addon_id("shop", "postgresql")


def shape(value: Any) -> Any:
    """Keys and types, without the values that change by themselves."""
    if isinstance(value, dict):
        return {name: shape(entry) for name, entry in value.items()}
    if isinstance(value, list):
        return [shape(entry) for entry in value]
    return type(value).__name__


def database_of(caller: Caller, box: Sandbox) -> Any:
    return caller.show(mysql(box))


def backup_of(caller: Caller, box: Sandbox) -> Any:
    return caller.database("POST", mysql(box), "/backups").json()["database_backup"]


def metrics_of(caller: Caller, box: Sandbox) -> Any:
    return shape(caller.database("GET", mysql(box), "/metrics").json())


def maintenance_of(caller: Caller, box: Sandbox) -> Any:
    return caller.database("GET", mysql(box), "/maintenance").json()


def version_of(caller: Caller, box: Sandbox, app: str = "shop", provider: str = "mysql") -> Any:
    addon_id = box.addon_id(app, provider)
    identifier = caller.show(addon_id)["version_id"]
    return caller.top("GET", addon_id, f"/api/database_type_versions/{identifier}").json()["database_type_version"]


def archive_at(caller: Caller, identifier: str, backup: str) -> tuple[int, int]:
    """The statuses of the link and of what it leads to."""
    link = caller.database("GET", identifier, f"/backups/{backup}/archive")
    return link.status_code, caller.client.get(
        link.json()["download_url"]
    ).status_code if link.status_code == 200 else 0


def unserved(caller: Caller, box: Sandbox) -> tuple[int, int]:
    identifier = box.addon_id("metrics", "elasticsearch")
    made = caller.database("POST", identifier, "/backups").json()["database_backup"]["id"]
    box.advance(11)
    return archive_at(caller, identifier, made)


def unfinished(caller: Caller, box: Sandbox) -> tuple[int, int]:
    made = caller.database("POST", mysql(box), "/backups").json()["database_backup"]["id"]
    return archive_at(caller, mysql(box), made)


def download_of(caller: Caller, box: Sandbox) -> str:
    backup = caller.database("GET", mysql(box), "/backups").json()["database_backups"][0]["id"]
    return str(caller.database("GET", mysql(box), f"/backups/{backup}/archive").json()["download_url"])


def created_user(caller: Caller, box: Sandbox, name: str = "analyst_1") -> Any:
    body = {"database_user": {"name": name}}
    return caller.database("POST", postgresql(box), "/users", json=body)


def user_of(caller: Caller, box: Sandbox, name: str) -> Any:
    answer = created_user(caller, box, name)
    return answer.status_code, sorted(answer.json())


def busy(box: Sandbox) -> str:
    box.change_database(mysql(box), current_operation_id="0" * 24)
    return mysql(box)


def restored(caller: Caller, box: Sandbox) -> Any:
    backup = caller.database("GET", mysql(box), "/backups").json()["database_backups"][0]["id"]
    return caller.database("POST", mysql(box), f"/backups/{backup}/restore")


PROBES.update(
    {
        "scheduled_at": lambda caller, box: database_of(caller, box)["periodic_backups_scheduled_at"],
        "pagination": lambda caller, box: sorted(maintenance_of(caller, box)["meta"]),
        "next_page": lambda caller, box: maintenance_of(caller, box)["meta"]["pagination"].get("next_page", "missing"),
        "backup_type": lambda caller, box: "type" in backup_of(caller, box),
        "backup_started_at": lambda caller, box: "started_at" in backup_of(caller, box),
        "backup_size": lambda caller, box: backup_of(caller, box)["size"],
        "backup_first_status": lambda caller, box: backup_of(caller, box)["status"],
        "user_root": lambda caller, box: sorted(created_user(caller, box).json()),
        "users_root": lambda caller, box: list(caller.database("GET", postgresql(box), "/users").json()),
        "user_names": lambda caller, box: [
            user_of(caller, box, name)[0] for name in ("with_underscore", "with-hyphen")
        ],
        "proxy_type": lambda caller, box: [entry["type"] for entry in database_of(caller, box)["instances"]],
        "metrics_names": metrics_of,
        "instances_metrics": metrics_of,
        "database_fields": lambda caller, box: len(database_of(caller, box)),
        "dates": lambda caller, box: re.sub(r"\d", "0", database_of(caller, box)["created_at"]),
        "dedicated_items": lambda caller, box: shape(caller.main("GET", "/v1/databases").json()["databases"][0]),
        "region_default": lambda caller, box: "default" in caller.auth("GET", "/v1/regions").json()["regions"][0],
        "extension_version": lambda caller, box: caller.action(postgresql(box), "list-extensions")["result"],
        "allowed_plugins": lambda caller, box: shape(version_of(caller, box, "metrics", "elasticsearch"))[
            "allowed_plugins"
        ],
        "next_upgrade": lambda caller, box: shape(version_of(caller, box))["next_upgrade"],
        "action_failure": lambda caller, box: caller.action(mysql(box), "delete-database", {"database_name": "x"})[
            "status"
        ],
        "logical_existing": lambda caller, box: caller.action(
            mysql(box), "create-database", {"database_name": "orders"}
        )["ok"],
        "protected_reset": lambda caller, box: caller.action(
            mysql(box), "reset-database", {"database_name": "shop_1002"}
        )["ok"],
        "sql_mode_unknown": lambda caller, box: caller.action(mysql(box), "set-sqlmode", "ANSI,INVENTED")["ok"],
        "download_host": lambda caller, box: download_of(caller, box).startswith(box.files_url),
        "download_range": lambda caller, box: (
            caller.client.get(download_of(caller, box), headers={"Range": "bytes=1-"}).status_code
        ),
        "download_etag": lambda caller, box: caller.client.get(download_of(caller, box)).headers.get("ETag", "")[:1],
        "download_length": lambda caller, box: "Content-Length" in caller.client.get(download_of(caller, box)).headers,
        "archive_missing": unserved,
        "archive_not_done": unfinished,
        "addon_token_format": lambda caller, box: caller.addon_token(mysql(box)).count("."),
        "instance_features": lambda caller, box: shape(database_of(caller, box)["instances"][0]["features"]),
        "plan_nodes": lambda caller, box: shape(caller.database("GET", mysql(box), "/plan").json()["plan"]),
        "version_numbers": lambda caller, box: shape(version_of(caller, box))["build"],
        "coming_kinds": lambda caller, box: [app["name"] for app in caller.main("GET", "/v1/apps").json()["apps"]],
        "restore_status": lambda caller, box: restored(caller, box).status_code,
    }
)


@probe("maintenance_root")
def _maintenance_root(caller: Caller, box: Sandbox) -> Any:
    identifier = maintenance_of(caller, box)["maintenance"][0]["id"]
    return list(caller.database("GET", mysql(box), f"/maintenance/{identifier}").json())


@probe("upgrade_location")
def _upgrade_location(caller: Caller, box: Sandbox) -> Any:
    address = caller.database("POST", mysql(box), "/upgrade").headers.get("Location", "")
    if address:
        headers = {"Authorization": f"Bearer {caller.addon_token(mysql(box))}"}
        assert caller.client.get(address, headers=headers).status_code == 200
    return re.sub(r"[0-9a-f-]{10,}", "ID", address)


@probe("pitr_answer")
def _pitr_answer(caller: Caller, box: Sandbox) -> Any:
    window = caller.database("GET", postgresql(box), "/pitr/recovery_window").json()["recovery_window"]
    body = {"restore_time": window["latest_recoverable_at"]}
    return list(caller.database("POST", postgresql(box), "/pitr/restore", json=body).json())


@probe("backup_show")
def _backup_show(caller: Caller, box: Sandbox) -> Any:
    backup = backup_of(caller, box)["id"]
    flat = caller.top("GET", mysql(box), f"/api/backups/{backup}").status_code
    return flat, caller.database("GET", mysql(box), f"/backups/{backup}").status_code


@probe("user_update_answer")
def _user_update_answer(caller: Caller, box: Sandbox) -> Any:
    password = "0123456789abcdefghijklmnop"
    body = {"database_user": {"password": password, "password_confirmation": password}}
    answer = caller.database("PATCH", postgresql(box), "/users/reporting", json=body)
    assert answer.status_code == 200
    return bool(answer.content)


@probe("feature_pending")
def _feature_pending(caller: Caller, box: Sandbox) -> Any:
    status = caller.database("POST", mysql(box), "/features", json={"feature": {"name": "force-ssl"}}).json()["status"]
    box.advance(3)
    assert caller.show(mysql(box))["features"][0]["status"] == "ACTIVATED"
    return status


@probe("leader_role")
def _leader_role(caller: Caller, box: Sandbox) -> Any:
    return [entry["role"] for entry in caller.database("GET", mysql(box), "/instances_status").json()]


@probe("deprecated_paths")
def _deprecated_paths(caller: Caller, box: Sandbox) -> Any:
    version = caller.show(mysql(box))["version_id"]
    return [
        caller.database("GET", mysql(box), "/maintenances").status_code,
        caller.top("GET", mysql(box), f"/api/database_type_version/{version}").status_code,
        caller.top("GET", mysql(box), f"/dapi/databases/{mysql(box)}/logs").status_code,
    ]


@probe("health_numbers")
def _health_numbers(caller: Caller, box: Sandbox) -> Any:
    return shape(caller.database("GET", box.addon_id("metrics", "elasticsearch"), "/health").json())


@probe("addon_update_answer")
def _addon_update_answer(caller: Caller, box: Sandbox) -> Any:
    body = {"addon": {"plan_id": "mysql-starter-1024"}}
    return shape(caller.main("PATCH", f"/v1/apps/shop/addons/{mysql(box)}", json=body).json())


@probe("rate_limit_body")
def _rate_limit_body(caller: Caller, box: Sandbox) -> Any:
    caller.show(mysql(box))
    box.rate_limit(requests=1, seconds=86400)
    return [caller.database("GET", mysql(box)).headers["Content-Type"] for dummy in range(2)][1]


@probe("maintenance_events")
def _maintenance_events(caller: Caller, box: Sandbox) -> Any:
    return [event["type"] for event in caller.main("GET", "/v1/apps/shop/events").json()["events"]]


@probe("validation_body")
def _validation_body(caller: Caller, box: Sandbox) -> Any:
    answers = [
        caller.database("PATCH", mysql(box), json={"database": {"plan": "x"}}),
        caller.main("POST", "/v1/apps", json={"app": {"name": "x"}}),
    ]
    assert {answer.status_code for answer in answers} == {422}
    return [list(answer.json()) for answer in answers]


@probe("foreign_token")
def _foreign_token(caller: Caller, box: Sandbox) -> Any:
    headers = {"Authorization": f"Bearer {caller.addon_token(mysql(box))}"}
    foreign = caller.client.get(f"{box.db_api_url()}/api/databases/{postgresql(box)}", headers=headers).status_code
    assert caller.client.get(f"{box.db_api_url()}/api/databases/{postgresql(box)}").status_code == 401
    return foreign


@probe("refused_token")
def _refused_token(caller: Caller, box: Sandbox) -> Any:
    address = f"{box.db_api_url()}/api/databases/{mysql(box)}"
    answers = [caller.client.get(address), caller.client.get(address, headers={"Authorization": "Bearer expired"})]
    return [answer.status_code for answer in answers]


@probe("busy")
def _busy(caller: Caller, box: Sandbox) -> Any:
    return caller.database("POST", busy(box), "/upgrade").status_code


@probe("busy_firewall")
def _busy_firewall(caller: Caller, box: Sandbox) -> Any:
    ledger = box.addon_id("ledger", "postgresql-ng")
    box.change_database(ledger, status="updating")
    rule = {"type": "custom_range", "cidr": "203.0.113.1/32"}
    return caller.database("POST", ledger, "/firewall_rules", json=rule).status_code


@probe("firewall_networks")
def _firewall_networks(caller: Caller, box: Sandbox) -> Any:
    rule = {"type": "custom_range", "cidr": "2001:db8::/32"}
    return caller.database("POST", box.addon_id("ledger", "postgresql-ng"), "/firewall_rules", json=rule).status_code


def _new_dedicated(caller: Caller, box: Sandbox) -> str:
    fields = {"name": "new-ledger", "technology": "postgresql-ng", "plan": "postgresql-dr-starter-4096"}
    assert caller.main("POST", "/v1/databases", json={"database": fields}).status_code == 201
    return box.addon_id("new-ledger", "postgresql-ng")


@probe("dedicated_app")
def _dedicated_app(caller: Caller, box: Sandbox) -> Any:
    return "app" in caller.main("GET", "/v1/databases").json()["databases"][0]


@probe("dedicated_ids")
def _dedicated_ids(caller: Caller, box: Sandbox) -> Any:
    addon = _new_dedicated(caller, box)
    return caller.show(addon)["id"] == caller.main("GET", "/v1/databases/new-ledger").json()["database"]["id"]


@probe("connection_urls")
def _connection_urls(caller: Caller, box: Sandbox) -> Any:
    fields = {"addon_provider_id": "postgresql", "plan_id": "postgresql-sandbox"}
    assert caller.main("POST", "/v1/apps/metrics/addons", json={"addon": fields}).status_code == 201
    listed = caller.main("GET", "/v1/apps/metrics/variables").json()["variables"]
    url = urllib.parse.urlsplit(next(row["value"] for row in listed if "POSTGRESQL" in row["name"]))
    return url.scheme, url.query


@probe("addon_updating")
def _addon_updating(caller: Caller, box: Sandbox) -> Any:
    path = f"/v1/apps/shop/addons/{mysql(box)}"
    caller.main("PATCH", path, json={"addon": {"plan_id": "mysql-starter-1024"}})
    seen = caller.main("GET", path).json()["addon"]["status"]
    box.advance(21)
    assert caller.main("GET", path).json()["addon"]["status"] == "running"
    return seen


@probe("busy_settings")
def _busy_settings(caller: Caller, box: Sandbox) -> Any:
    return caller.database("PATCH", busy(box), json={"database": {}}).status_code


@probe("backup_running")
def _backup_running(caller: Caller, box: Sandbox) -> Any:
    return [caller.database("POST", mysql(box), "/backups").status_code for dummy in range(2)]


@probe("operation_final")
def _operation_final(caller: Caller, box: Sandbox) -> Any:
    operation = caller.database("POST", mysql(box), "/upgrade").json()["operation_id"]
    box.advance(21)
    return caller.top("GET", mysql(box), f"/api/operations/{operation}").json()["operation"]["status"]


@probe("operations_kept")
def _operations_kept(caller: Caller, box: Sandbox) -> Any:
    operation = caller.database("POST", mysql(box), "/upgrade").json()["operation_id"]
    assert caller.top("GET", mysql(box), f"/api/operations/{operation}").status_code == 200
    box.advance(21)
    assert caller.show(mysql(box))["readable_version"] == "8.0.43-1"
    return caller.top("GET", mysql(box), f"/api/operations/{operation}").status_code


@probe("user_existing")
def _user_existing(caller: Caller, box: Sandbox) -> Any:
    return created_user(caller, box, "reporting").status_code


@probe("protected_user")
def _protected_user(caller: Caller, box: Sandbox) -> Any:
    return caller.database("DELETE", postgresql(box), "/users/shop_1001").status_code


@probe("feature_active")
def _feature_active(caller: Caller, box: Sandbox) -> Any:
    body = {"feature": {"name": "redis-rdb"}}
    return caller.database("POST", box.addon_id("metrics", "redis"), "/features", json=body).status_code


@probe("feature_inactive")
def _feature_inactive(caller: Caller, box: Sandbox) -> Any:
    return caller.database("DELETE", mysql(box), "/features?feature=force-ssl").status_code


@probe("maintenance_window_alone")
def _maintenance_window_alone(caller: Caller, box: Sandbox) -> Any:
    body = {"database": {"maintenance_window": {"weekday_utc": 1}}}
    return caller.database("PATCH", mysql(box), json=body).status_code


@probe("upgrade_unavailable")
def _upgrade_unavailable(caller: Caller, box: Sandbox) -> Any:
    return caller.database("POST", box.addon_id("metrics", "redis"), "/upgrade").status_code


@probe("influx_durations")
def _influx_durations(caller: Caller, box: Sandbox) -> Any:
    listed = caller.action(box.addon_id("metrics", "influxdb"), "list-retention-policies")["result"]
    return [entry["duration"] for entry in listed]


@probe("influx_default_removal")
def _influx_default_removal(caller: Caller, box: Sandbox) -> Any:
    return caller.action(box.addon_id("metrics", "influxdb"), "del-retention-policy", {"name": "autogen"})["ok"]


@probe("mongodb_empty_listed")
def _mongodb_empty_listed(caller: Caller, box: Sandbox) -> Any:
    mongodb = box.addon_id("metrics", "mongodb")
    assert caller.action(mongodb, "create-database", {"database_name": "empty"})["ok"] == 1
    return [entry["name"] for entry in caller.action(mongodb, "list-databases")["result"]]


@probe("empty_lists")
def _empty_lists(caller: Caller, box: Sandbox) -> Any:
    caller.action(postgresql(box), "pg-stat-statements-enable")
    return caller.action(postgresql(box), "pg-stat-statements-list")["result"]


@probe("dashboard_routes")
def _dashboard_routes(caller: Caller, box: Sandbox) -> Any:
    path = f"/api/databases/{mysql(box)}/plan"
    return caller.top("GET", mysql(box), path).status_code, caller.main("GET", path).status_code


@probe("main_routes")
def _main_routes(caller: Caller, box: Sandbox) -> Any:
    return [caller.main("GET", f"/{form}/databases/{mysql(box)}/plan").status_code for form in ("v1", "api")]


@probe("db_api")
def _db_api(caller: Caller, box: Sandbox) -> Any:
    answer = caller.database("GET", mysql(box), "/maintenance", params={"page": 1})
    location = answer.headers.get("Location", "")
    assert not location or caller.main("GET", location.removeprefix(box.api_url())).status_code == 200
    return answer.status_code, answer.headers.get("Content-Type"), location


@probe("restore_shown")
def _restore_shown(caller: Caller, box: Sandbox) -> Any:
    restored(caller, box)
    assert caller.show(mysql(box))["current_operation_id"]
    return caller.show(mysql(box))["status"]


@probe("scheduled_backups")
def _scheduled_backups(caller: Caller, box: Sandbox) -> Any:
    box.advance(25 * 3600)
    return len(caller.database("GET", mysql(box), "/backups").json()["database_backups"])


@probe("download_token")
def _download_token(caller: Caller, box: Sandbox) -> Any:
    backup = caller.database("GET", mysql(box), "/backups").json()["database_backups"][0]
    return sorted(backup)


@probe("statement_routes")
def _statement_routes(caller: Caller, box: Sandbox) -> Any:
    routes = ("reset_stats", "stat_statements_enable", "stat_statements_reset", "stat_statements_list")
    return [caller.database("POST", postgresql(box), f"/postgresql_{route}").status_code for route in routes]


@probe("feature_disabled")
def _feature_disabled(caller: Caller, box: Sandbox) -> Any:
    redis = box.addon_id("metrics", "redis")
    assert caller.database("DELETE", redis, "/features?feature=redis-rdb").status_code == 200
    box.advance(3)
    assert caller.database("DELETE", redis, "/features?feature=redis-rdb").status_code == 404
    features = caller.show(redis)["features"]
    body = {"feature": {"name": "redis-rdb"}}
    assert caller.database("POST", redis, "/features", json=body).json()["status"] == "PENDING_TO_ACTIVATE"
    return features


@probe("type_versions")
def _type_versions(caller: Caller, box: Sandbox) -> Any:
    types = caller.top("GET", mysql(box), "/api/database_types").json()["database_types"]
    address = f"/api/database_types/{types[0]['id']}/versions"
    return shape(types[0]), caller.top("GET", mysql(box), address).status_code


@probe("upgrade_operation")
def _upgrade_operation(caller: Caller, box: Sandbox) -> Any:
    answer = caller.database("POST", mysql(box), "/upgrade")
    assert answer.headers["Location"].endswith(caller.show(mysql(box))["current_operation_id"])
    return "operation_id" in answer.json()


@probe("platform_user")
def _platform_user(caller: Caller, box: Sandbox) -> Any:
    event = {"type": "database_continuousbackup_stale", "user": False}
    box.reset({"apps": [{"name": "shop", "events": [event]}], "switches": box.state()["switches"]})
    return caller.main("GET", "/v1/apps/shop/events").json()["events"][0].get("user", {}).get("username")


@probe("event_order")
def _event_order(caller: Caller, box: Sandbox) -> Any:
    events = [{"type": "restart", "age": 1}, {"type": "scale", "age": 2}]
    box.reset({"apps": [{"name": "shop", "events": events}], "switches": box.state()["switches"]})
    return [event["type"] for event in caller.main("GET", "/v1/events").json()["events"]]


@probe("events_meanwhile")
def _events_meanwhile(caller: Caller, box: Sandbox) -> Any:
    """The last event of a page is the first of the next one once more."""
    box.reset({"apps": [{"name": "shop", "events": [{"type": "scale"}] * 4}], "switches": box.state()["switches"]})
    pages = [caller.main("GET", f"/v1/events?per_page=2&page={page}").json()["events"] for page in (1, 2)]
    return pages[0][-1]["id"] == pages[1][0]["id"]


@probe("many_at_once")
def _many_at_once(caller: Caller, box: Sandbox) -> Any:
    """Twenty are held, and one more comes."""
    box.fault(match={"route": "A12"}, do="hold_after")
    held = box.running.application.held
    assert caller.bearer
    while held.acquire(blocking=False):
        pass
    with ThreadPoolExecutor(20) as pool:
        waiting = [pool.submit(caller.main, "GET", "/v1/apps/shop") for dummy in range(20)]
        for dummy in waiting:
            assert held.acquire(timeout=10)
        answer = caller.main("GET", "/v1/apps")
        box.clear_faults()
        for each in waiting:
            with contextlib.suppress(httpx.HTTPError):
                each.result()
    assert caller.main("GET", "/v1/apps").status_code == 200
    return answer.status_code


def test_every_switch_has_a_probe() -> None:
    assert set(PROBES) == set(SWITCHES)


@pytest.mark.parametrize("name", sorted(SWITCHES))
def test_every_value_of_a_switch_makes_a_difference(box: Sandbox, caller: Caller, name: str) -> None:
    seen = []
    for value in SWITCHES[name].values:
        box.reset()
        caller.forget()
        box.switch(name, value)
        look = PROBES[name](caller, box)
        assert look not in seen, f"{name}={value} is the same as a value before: {look}"
        seen.append(look)
