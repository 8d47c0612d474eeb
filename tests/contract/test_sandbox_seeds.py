# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a sandbox begins with."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from scalingo_sandbox.seed import Seed, load, merged
from scalingo_sandbox.testing import Sandbox
from support.caller import Caller

KINDS = {"postgresql", "postgresql-ng", "mysql", "mongodb", "redis", "influxdb", "elasticsearch", "opensearch"}


def test_the_default_has_a_database_of_every_kind_in_both_regions(box: Sandbox) -> None:
    found: dict[str, set[str]] = {}
    for app in box.state()["apps"]:
        found.setdefault(app["region"], set()).update(addon["provider"] for addon in app["addons"])
    assert found == {"osc-fr1": KINDS, "osc-secnum-fr1": KINDS}


def identifiers(box: Sandbox) -> list[tuple[str, str, str]]:
    return [
        (app["id"], addon["id"], addon["database"]["hostname"])
        for app in box.state()["apps"]
        for addon in app["addons"]
    ]


def test_identifiers_are_stable(box: Sandbox) -> None:
    first = identifiers(box)
    box.reset()
    assert identifiers(box) == first
    assert len({addon for dummy, addon, dummy_host in first}) == len(first)


def test_a_reset_forgets_everything_but_the_api_token(box: Sandbox, caller: Caller) -> None:
    mysql, token = box.addon_id("shop", "mysql"), box.api_token
    caller.database("PATCH", mysql, json={"database": {"periodic_backups_scheduled_at": 9}})
    box.fault(do="html")
    box.rate_limit(requests=1)
    box.outcome("upgrade")
    box.reset()
    assert box.api_token == token
    assert box.log() == []
    assert caller.show(mysql)["periodic_backups_scheduled_at"] == [0]
    assert [caller.database("GET", mysql).status_code for dummy in range(3)] == [200] * 3


def test_a_fleet(box: Sandbox, caller: Caller) -> None:
    box.reset({"fleet": {"count": 80, "apps": 30, "provider": "mysql", "region": "osc-secnum-fr1", "prefix": "node"}})
    apps = box.state()["apps"]
    assert [app["name"] for app in apps][:2] == ["node-01", "node-02"]
    assert len(apps) == 30
    assert sorted({len(app["addons"]) for app in apps}) == [2, 3]
    addons = [addon["id"] for app in apps for addon in app["addons"]]
    assert len(set(addons)) == 80
    answer = caller.main("GET", "/v1/apps/node-01/addons", region="osc-secnum-fr1")
    assert len(answer.json()["addons"]) == 3


def test_a_fleet_without_apps_has_one_each(box: Sandbox) -> None:
    box.reset({"fleet": [{"count": 3, "provider": "redis"}, {"count": 2, "provider": "mysql", "prefix": "other"}]})
    assert [len(app["addons"]) for app in box.state()["apps"]] == [1] * 5


def test_everything_can_be_said_about_a_database(box: Sandbox, caller: Caller) -> None:
    database = {
        "status": "migrating",
        "version": "8.0.36-1",
        "features": {"force-ssl": "FAILED"},
        "periodic_backups_enabled": False,
        "periodic_backups_scheduled_at": [1, 13],
        "maintenance_window": {"weekday_utc": 0, "starting_hour_utc": 4, "duration_in_hour": 6},
        "current_operation_id": "5c10e85ca506b701f42f92dc",
        "logical_databases": ["stock", {"name": "archive", "protected": True}],
        "sql_mode": "ANSI_QUOTES",
        "users": [{"name": "reporting", "read_only": True}],
        "hostname": "db.example.com:3306",
        "password": "s3cret-of-the-database",
        "flags": ["beta"],
        "encryption_at_rest": False,
    }
    addon = {"provider": "mysql", "id": "ad-anything", "plan": "free", "resource_id": "shop_7", "database": database}
    box.reset({"apps": [{"name": "shop", "id": "0" * 24, "project": "group", "addons": [addon]}]})
    shown = caller.show("ad-anything")
    assert shown["status"] == "migrating"
    assert shown["readable_version"] == "8.0.36-1"
    assert shown["features"] == [{"name": "force-ssl", "status": "FAILED"}]
    assert (shown["periodic_backups_enabled"], shown["periodic_backups_scheduled_at"]) == (False, [1, 13])
    assert shown["maintenance_window"] == {"weekday_utc": 0, "starting_hour_utc": 4, "duration_in_hour": 6}
    assert shown["current_operation_id"] == "5c10e85ca506b701f42f92dc"
    assert (shown["hostname"], shown["plan"], shown["flags"]) == ("db.example.com:3306", "free", ["beta"])
    assert shown["encryption_at_rest"] is False
    path = "/api/operations/5c10e85ca506b701f42f92dc"
    assert caller.top("GET", "ad-anything", path).json()["operation"]["status"] == "running"
    listed = caller.action("ad-anything", "list-databases")["result"]
    assert listed == [
        {"name": "shop_7", "protected": True},
        {"name": "stock", "protected": False},
        {"name": "archive", "protected": True},
    ]
    assert caller.action("ad-anything", "get-sqlmode")["result"] == "ANSI_QUOTES"
    variables = {
        entry["name"]: entry["value"] for entry in caller.main("GET", "/v1/apps/shop/variables").json()["variables"]
    }
    assert variables["SCALINGO_MYSQL_URL"] == (
        "mysql://shop_7:s3cret-of-the-database@db.example.com:3306/shop_7?useSSL=true&verifyServerCertificate=false"
    )
    app = caller.main("GET", "/v1/apps/shop").json()["app"]
    assert (app["id"], app["project"]["name"]) == ("0" * 24, "group")


def test_a_dedicated_database_may_have_net_peerings(box: Sandbox, caller: Caller) -> None:
    peerings = [{"outscale_net_peering_id": "pcx-1", "status": "deleted"}, {"outscale_net_peering_id": "pcx-2"}]
    for given, endpoints in ((peerings[:1], ["public-rw"]), (peerings, ["public-rw", "private-peering-rw"])):
        box.reset({"apps": [{"name": "ledger", "addons": [{"provider": "postgresql-ng"}], "net_peerings": given}]})
        listed = caller.main("GET", "/v1/databases/ledger/net_peerings").json()["net_peerings"]
        shown = box.state()["apps"][0]["net_peerings"]
        assert [item["status"] for item in listed] == ["deleted", "active"][: len(given)]
        assert [item["id"] for item in listed] == [item["id"] for item in shown] and len(
            {item["id"] for item in shown}
        ) == len(given)
        answer = caller.main("GET", "/v1/databases/ledger/endpoints").json()["endpoints"]
        assert [endpoint["type"] for endpoint in answer] == endpoints


def test_an_app_has_its_events_and_operations(box: Sandbox, caller: Caller) -> None:
    event = {"type": "deployment", "type_data": {"status": "success"}, "age": 3600, "id": "54dcdd4a73636100011a0001"}
    operation = {
        "id": "609145e66ffbd934f6745b01",
        "type": "scale",
        "status": "error",
        "error": "no",
        "age": 60,
        "ended": 30,
    }
    box.reset(
        {"apps": [{"name": "shop", "events": [event, {"type": "restart", "user": False}], "operations": [operation]}]}
    )
    deployed, restarted = sorted(
        caller.main("GET", "/v1/apps/shop/events").json()["events"], key=lambda item: item["type"]
    )
    assert (deployed["id"], deployed["type_data"], deployed["user"]["username"]) == (
        event["id"],
        event["type_data"],
        "sandbox",
    )
    assert restarted["type"] == "restart" and "user" not in restarted
    shown = caller.main("GET", "/v1/apps/shop/operations/609145e66ffbd934f6745b01").json()["operation"]
    assert (shown["type"], shown["status"], shown["error"]) == ("scale", "error", "no")
    assert shown["created_at"] < shown["finished_at"]


def test_two_of_a_kind_get_variables_of_their_own(box: Sandbox, caller: Caller) -> None:
    box.reset({"apps": [{"name": "shop", "addons": [{"provider": "mysql"}, {"provider": "mysql"}]}]})
    names = [entry["name"] for entry in caller.main("GET", "/v1/apps/shop/variables").json()["variables"]]
    assert names == ["SCALINGO_MYSQL_URL", "DATABASE_URL", "SCALINGO_MYSQL_2_URL"]
    assert box.addon_id("shop", "mysql", index=1) != box.addon_id("shop", "mysql")


def test_a_seeded_provisioning_ends(box: Sandbox, caller: Caller) -> None:
    box.reset({"apps": [{"name": "shop", "addons": [{"provider": "mysql", "status": "provisioning"}]}]})
    mysql = box.addon_id("shop", "mysql")
    assert caller.show(mysql)["status"] == "creating"
    box.advance(31)
    assert caller.show(mysql)["status"] == "running"


def test_seeds_add_up() -> None:
    first = Seed.model_validate(
        {"apps": [{"name": "one"}], "durations": {"feature": 5}, "switches": {"dates": "seconds"}}
    )
    second = Seed.model_validate({"apps": [{"name": "two"}], "switches": {"pagination": "flat"}})
    both = merged([first, second])
    assert [app.name for app in both.apps] == ["one", "two"]
    assert both.durations.feature == 5
    assert both.switches == {"dates": "seconds", "pagination": "flat"}


@pytest.mark.parametrize(
    "seed",
    [
        {"colour": "red"},
        {"apps": [{"addons": []}]},
        {"apps": [{"name": "shop", "addons": [{}]}]},
        {
            "apps": [
                {"name": "shop", "addons": [{"provider": "mysql", "database": {"periodic_backups_scheduled_at": [24]}}]}
            ]
        },
        {"durations": {"lunch": 3600}},
        {"apps": [{"name": "shop", "addons": [{"provider": "mysql", "database": {"version": "eight"}}]}]},
        {
            "apps": [
                {"name": "shop", "addons": [{"provider": "mysql", "id": "ad-1"}, {"provider": "redis", "id": "ad-1"}]}
            ]
        },
    ],
)
def test_a_wrong_seed_is_refused_and_changes_nothing(box: Sandbox, seed: dict[str, Any]) -> None:
    before = identifiers(box)
    with pytest.raises(ValueError, match="."):
        box.reset(seed)
    assert identifiers(box) == before


def test_a_seed_may_be_a_file(tmp_path: Path) -> None:
    file = tmp_path / "seed.yml"
    file.write_text("apps: [{name: filed}]\n", encoding="utf-8")
    assert load(file).apps[0].name == load(str(file)).apps[0].name == "filed"
    file.write_text("", encoding="utf-8")
    assert load(file).apps == []
