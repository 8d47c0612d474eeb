# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How apps are chosen, and databases put into one list and rated: the filters scalingo_fleet_apps, _targets and _report."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest
from ansible.errors import AnsibleFilterError
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar, trust_as_template
from ansible_collections.community.scalingo.plugins.filter.scalingo_fleet_apps import apps
from ansible_collections.community.scalingo.plugins.filter.scalingo_fleet_report import (
    FINDINGS,
    LEVELS,
    THRESHOLDS,
    report,
)
from ansible_collections.community.scalingo.plugins.filter.scalingo_fleet_targets import targets
from ansible_collections.community.scalingo.plugins.module_utils._errors import visible
from support.fleet import NOW, Data, backup, database, hours_ago, result, target

SHOP = target("shop/mysql")


def rate(of: Data = SHOP, *, shown: Data | None = None, **readings: t.Any) -> Data:
    """The row of one database."""
    results = {
        name: [result(of, **value)] for name, value in readings.items() if name not in ("thresholds", "levels", "now")
    }
    options = {name: readings[name] for name in ("thresholds", "levels") if name in readings}
    made = report(
        [of], database=[result(of, databases=[shown or database()])], now=readings.get("now", NOW), **results, **options
    )
    (row,) = made["databases"]
    return t.cast(Data, row)


def findings(row: Data) -> list[str]:
    return [reason["finding"] for reason in row["reasons"]]


def test_hours_ago_counts_back() -> None:
    assert [hours_ago(hours) for hours in (0, 7, 500)] == [
        "2026-11-21T06:00:00.000000Z",
        "2026-11-20T23:00:00.000000Z",
        "2026-10-31T10:00:00.000000Z",
    ]


def test_a_database_at_which_nothing_is_wrong_is_good() -> None:
    row = rate(
        backups={"backups": [backup(3)]},
        maintenance={"maintenances": [{"id": "m", "type": "no-op", "status": "done"}]},
        metrics={
            "metrics": [{"database_stats": {"current_connections": 12, "max_connections": 100}, "real_disk_size": 5}]
        },
        disk={"points": [{"disk_used": 79, "disk_total": 100}]},
    )
    assert row["level"] == "good" and row["reasons"] == []
    assert row["backup"] == {
        "kind": "backup",
        "last_good_at": hours_ago(3),
        "last_good_id": "b3",
        "method": "periodic",
        "size": 10485760,
        "periodic": True,
        "hours_utc": [3],
    }
    assert row["disk"] == {"used": 79, "limit": 100, "percent": 79}
    assert row["connections"] == {"used": 12, "limit": 100, "percent": 12}
    assert row["exposure"] == {"publicly_available": False, "force_ssl": True, "firewall": None}
    assert row["maintenance"]["ahead"] == []


@pytest.mark.parametrize(
    "shown, expected, words",
    [
        ({"status": "stopped"}, ["not_running"], "its status is stopped"),
        ({"status": None}, ["not_running"], "its status is not known"),
        ({"status": "upgrading", "current_operation_id": "0123"}, ["in_progress"], "it is being upgraded"),
        ({"current_operation_id": "0123"}, ["in_progress"], "the operation 0123"),
        (
            {"instances": [{"id": "i-1", "status": "stopped", "type": "db-node"}]},
            ["instance_not_running"],
            "db-node i-1 is stopped",
        ),
        (
            {"status": "stopped", "instances": [{"id": "i-1", "status": "stopped"}]},
            ["not_running"],
            "its status is stopped",
        ),
        ({"features": []}, ["force_ssl_off"], "without encryption"),
        (
            {"features": [{"name": "force-ssl", "status": "PENDING_TO_ACTIVATE"}]},
            ["force_ssl_off"],
            "without encryption",
        ),
        (
            {"features": [{"name": "publicly-available", "status": "ACTIVATED"}]},
            ["public_without_tls"],
            "open to the Internet",
        ),
        (
            {
                "features": [
                    {"name": "publicly-available", "status": "PENDING_TO_REMOVE"},
                    {"name": "force-ssl", "status": "ACTIVATED"},
                ]
            },
            ["public"],
            "open to the Internet, with TLS",
        ),
        (
            {"features": [{"name": "force-ssl", "status": "FAILED"}]},
            ["feature_failed", "force_ssl_off"],
            "could not enable the feature force-ssl",
        ),
    ],
)
def test_state_and_exposure(shown: Data, expected: list[str], words: str) -> None:
    row = rate(shown=database(**shown))
    assert findings(row) == expected
    assert words in " ".join(reason["text"] for reason in row["reasons"])
    assert row["level"] == FINDINGS[expected[0]]


@pytest.mark.parametrize(
    "backups, shown, expected",
    [
        ([], {}, ["no_backup"]),
        ([backup(2, "error")], {}, ["no_backup", "backup_failed"]),
        ([backup(1, "running"), backup(2, "running")], {}, ["no_backup"]),
        ([], {"created_at": hours_ago(26)}, ["first_backup_ahead"]),
        ([], {"created_at": hours_ago(27)}, ["no_backup"]),
        ([backup(26)], {}, []),
        ([backup(27)], {}, ["backup_old"]),
        ([backup(72)], {}, ["backup_old"]),
        ([backup(73)], {}, ["backup_very_old"]),
        ([backup(1, "running"), backup(2, "cancelled"), backup(3)], {}, ["backup_failed"]),
        ([backup(1), backup(2, "error")], {}, []),
        ([backup(1)], {"periodic_backups_enabled": False}, ["backups_off"]),
        ([backup(-30)], {}, []),
        ([backup(1)], {"periodic_backups_enabled": None}, []),
        ([backup(1, created_at=hours_ago(40))], {}, []),
        ([backup(1, started_at=None, created_at=hours_ago(40))], {}, ["backup_old"]),
    ],
)
def test_backups(backups: list[Data], shown: Data, expected: list[str]) -> None:
    assert findings(rate(shown=database(**shown), backups={"backups": backups})) == expected


def test_a_backup_that_fails_is_told_with_its_time() -> None:
    (reason,) = rate(backups={"backups": [backup(2, "error"), backup(3)]})["reasons"]
    assert reason["text"] == "The last backup, of 2026-11-21 04:00 UTC, ended with status error."


@pytest.mark.parametrize(
    "name, percent, expected",
    [
        ("disk", 80, ["disk_filling_up"]),
        ("disk", 94, ["disk_filling_up"]),
        ("disk", 95, ["disk_nearly_full"]),
        ("disk", 100, ["disk_nearly_full"]),
        ("connections", 80, ["connections_many"]),
        ("connections", 95, ["connections_nearly_used_up"]),
        ("connections", 79, []),
    ],
)
def test_what_runs_out(name: str, percent: int, expected: list[str]) -> None:
    reading: Data = {"disk": {"points": [{"disk_used": percent, "disk_total": 100}]}}
    if name == "connections":
        reading = {
            "metrics": {"metrics": [{"database_stats": {"current_connections": percent, "max_connections": 100}}]}
        }
    row = rate(**reading)
    assert findings(row) == expected
    assert all(str(percent) in reason["text"] for reason in row["reasons"])


def test_what_is_not_quite_full_is_not_shown_as_full() -> None:
    assert rate(disk={"points": [{"disk_used": 99999, "disk_total": 100000}]})["disk"]["percent"] == 99


def test_a_disk_without_its_size_is_no_finding() -> None:
    row = rate(metrics={"metrics": [{"database_stats": {}, "real_disk_size": 5}]}, disk={"points": []})
    assert (
        row["level"] == "good"
        and row["disk"] == {"used": 5, "limit": None, "percent": None}
        and row["connections"] is None
    )


@pytest.mark.parametrize("name", sorted(set(database()) - {"instances", "features", "periodic_backups_scheduled_at"}))
def test_what_the_platform_does_not_say_is_no_failure(name: str) -> None:
    row = rate(
        shown=database(**{name: None}),
        backups={"backups": []},
        maintenance={"maintenances": [{"id": "m", "status": "queued"}]},
    )
    assert row["level"] == "critical"


@pytest.mark.parametrize("value", [None, "", "many", True, -1, float("nan"), [], "12"])
def test_numbers_that_are_none_are_left_out(value: t.Any) -> None:
    row = rate(
        metrics={
            "metrics": [
                {"database_stats": {"current_connections": value, "max_connections": value}, "real_disk_size": None}
            ]
        },
        disk={"points": [{"disk_used": 5, "disk_total": value}]},
    )
    if value == "12":
        assert row["connections"]["percent"] == 100 and row["disk"]["percent"] == 41
    else:
        assert row["connections"] is None and row["disk"] == {"used": 5, "limit": None, "percent": None}


def test_a_window_of_which_half_is_told_is_none() -> None:
    row = rate(
        shown=database(maintenance_window={"weekday_utc": 2, "starting_hour_utc": None}),
        maintenance={"maintenances": [{"status": "queued"}]},
    )
    assert row["maintenance"]["window"] is None
    assert row["reasons"][0]["text"] == "Scalingo is going to maintain it (of an unknown kind, queued)."


def test_upgrades_are_read_once_for_all_databases_of_a_version() -> None:
    names = [target(f"{name}/postgresql", "postgresql") for name in ("a", "b", "c", "d")]
    shown = [database("postgresql", next_version_id=following) for following in ("n1", "n1", "n2", None)]
    made = report(
        names,
        database=[result(of, databases=[item]) for of, item in zip(names, shown)],
        versions=[
            result(
                names[0], current_version="17.9.0-2", latest_minor="17.11.0-1", latest="18.1.0-1", majors=["18.1.0-1"]
            ),
            result(names[2], msg="No, request id 0123-ab, twice [GET /x, status 500, request id 0123]"),
        ],
        now=NOW,
    )
    rows = {row["name"][0]: row for row in made["databases"]}
    for name in "ab":
        assert findings(rows[name]) == ["minor_upgrade", "major_upgrade"]
        assert [reason["text"] for reason in rows[name]["reasons"]] == [
            "A minor upgrade is available: 17.11.0-1, it has 17.9.0-2.",
            "A major upgrade is available: 18.1.0-1.",
        ]
        assert rows[name]["version"] == {
            "current": "17.9.0-2",
            "upgrade_available": True,
            "latest_minor": "17.11.0-1",
            "latest": "18.1.0-1",
            "majors": ["18.1.0-1"],
        }
    assert findings(rows["c"]) == ["not_read"]
    assert rows["c"]["reasons"][0]["text"] == "The versions ahead could not be read. No, twice [GET /x, status 500]"
    assert rows["d"]["level"] == "good" and rows["d"]["version"]["latest"] == "17.9.0-2"


def test_dedicated_resources() -> None:
    ledger = target("ledger/postgresql-ng", "postgresql-ng")
    window = {"earliest_recoverable_at": hours_ago(24 * 7 + 1), "latest_recoverable_at": hours_ago(0)}
    rules = [
        {"type": "custom_range", "cidr": "192.0.2.0/24"},
        {"type": "managed_range", "cidr": None, "range_id": "mr-1"},
    ]
    row = rate(
        ledger,
        shown=database("postgresql"),
        recovery={"recovery_windows": [window]},
        firewall={"firewall_rules": rules},
    )
    assert row["level"] == "good" and row["engine"] == "postgresql-ng"
    assert row["backup"] == {"kind": "point in time", "recoverable_days": 7, "recoverable_until": None}
    assert row["exposure"] == {"publicly_available": None, "force_ssl": True, "firewall": ["192.0.2.0/24", "mr-1"]}
    for everybody in (
        ["0.0.0.0/0"],
        ["::/0"],
        ["128.0.0.0/1", "192.0.2.0/24", "0.0.0.0/1"],
        ["11.0.0.0/8", "10.0.0.0/8"],
    ):
        assert findings(rate(ledger, firewall={"firewall_rules": [{"cidr": cidr} for cidr in everybody]})) == [
            "firewall_open"
        ]
    assert findings(rate(ledger, firewall={"firewall_rules": [{"cidr": "10.0.0.0/8"}, {"cidr": "12.0.0.0/8"}]})) == []
    assert findings(rate(ledger, recovery={"recovery_windows": []})) == ["no_backup"]
    late = {"earliest_recoverable_at": hours_ago(200), "latest_recoverable_at": hours_ago(30)}
    stopped = rate(ledger, recovery={"recovery_windows": [late]})
    assert findings(stopped) == ["backup_old"]
    assert stopped["backup"]["recoverable_until"] == late["latest_recoverable_at"]


def test_maintenance_ahead() -> None:
    listed = [
        {"id": "1", "type": "no-op", "status": "notified"},
        {"id": "2", "type": "db-upgrade", "status": "running"},
        {"id": "3", "status": "done"},
    ]
    row = rate(maintenance={"maintenances": listed})
    assert [reason["text"] for reason in row["reasons"]] == [
        "Scalingo is going to maintain it in the window on Tuesday from 21:00 UTC (no-op, notified).",
        "Scalingo maintains it now (db-upgrade).",
    ]
    assert [item["id"] for item in row["maintenance"]["ahead"]] == ["1", "2"]


def test_a_reading_that_failed_is_a_warning_and_the_rest_is_there() -> None:
    row = rate(
        backups={"msg": "Could not list the backups: no."}, disk={"points": [{"disk_used": 1, "disk_total": 100}]}
    )
    assert row["level"] == "warning" and row["disk"]["percent"] == 1 and row["backup"] is None
    assert row["reasons"][0]["text"] == "The backups could not be read. Could not list the backups: no."


def test_what_was_not_asked_for_is_no_finding() -> None:
    assert rate()["level"] == "good"


def test_unreadable_databases() -> None:
    names = [target(name) for name in ("failed", "absent", "untried", "listed")]
    names[3]["error"] = "The app is not there. [status 404, request id 0123-45]"
    made = report(
        names,
        database=[
            result(names[0], failed=True, msg="Could not read the database: no."),
            result(names[1], databases=[]),
            result(names[2], skipped=True),
        ],
        now=NOW,
    )
    texts = {row["name"]: row["reasons"][0]["text"] for row in made["databases"]}
    assert texts["failed"].endswith("Could not read the database: no.")
    assert texts["absent"].endswith("The app has no such addon.")
    assert "not tried" in texts["untried"]
    assert texts["listed"].endswith("The app is not there. [status 404]")
    assert made["counts"] == {"critical": 0, "unreadable": 4, "warning": 0, "notice": 0, "good": 0}
    assert len(made["findings"]) == 4


def test_the_worst_come_first() -> None:
    shown = {
        "good": database(),
        "notice": database(features=[]),
        "warning": database(instances=[{"status": "stopped"}]),
        "two warnings": database(instances=[{"status": "stopped"}, {"status": "booting"}]),
        "critical": database(status="stopped"),
        "Hotel": database(),
    }
    names = [target(name) for name in [*shown, "unreadable"]]
    made = report(names, database=[result(of, databases=[shown[of["name"]]]) for of in names[:-1]], now=NOW)
    assert [row["name"] for row in made["databases"]] == [
        "critical",
        "unreadable",
        "two warnings",
        "warning",
        "notice",
        "good",
        "Hotel",
    ]
    assert made["findings"][0] == "critical: It does not run: its status is stopped."


def test_reasons_begin_with_the_worst() -> None:
    assert findings(rate(shown=database(features=[]), backups={"backups": []})) == ["no_backup", "force_ssl_off"]


def test_levels_and_thresholds_are_the_callers() -> None:
    old = {"backups": [backup(30)]}
    assert rate(backups=old, levels={"backup_old": "critical"})["level"] == "critical"
    assert rate(backups=old, levels={"backup_old": "none"})["level"] == "good"
    assert rate(backups=old, thresholds={"backup_warning_age": "2d"})["level"] == "good"
    assert (
        rate(disk={"points": [{"disk_used": 70, "disk_total": 100}]}, thresholds={"disk_warning_percent": "70.0"})[
            "level"
        ]
        == "warning"
    )
    assert (
        rate(backups=old, thresholds={"backup_warning_age": 3600, "backup_critical_age": "29h"})["level"] == "critical"
    )


@pytest.mark.parametrize(
    "options, words",
    [
        ({"levels": {"public_": "none"}}, "there is no finding public_"),
        ({"levels": {"public": "bad"}}, "the level of public is bad"),
        ({"thresholds": {"disk": 1}}, "there is no threshold disk"),
        ({"thresholds": {"backup_warning_age": "soon"}}, "backup_warning_age"),
        ({"thresholds": {"disk_warning_percent": "much"}}, "disk_warning_percent"),
    ],
)
def test_what_makes_no_sense_is_refused(options: Data, words: str) -> None:
    with pytest.raises(AnsibleFilterError, match=words):
        rate(**options)


def test_the_time_alone_makes_no_other_report() -> None:
    def made(now: str, previous: object = None, hours: int = 3) -> Data:
        return report(
            [SHOP],
            database=[result(SHOP, databases=[database()])],
            backups=[result(SHOP, backups=[backup(hours)])],
            now=now,
            previous=previous,
        )

    first = made(NOW)
    assert first["generated_at"] == NOW
    later = "2026-11-21T18:00:00Z"
    assert made(later, first) == first
    assert made(later, json.dumps(first)) == first
    assert made(later, first, hours=4)["generated_at"] == later
    for rubbish in (None, "", "{", "[]", "null", {}, {"generated_at": 5}):
        assert made(later, rubbish)["generated_at"] == later
    # A backup grows too old: that is a difference, although nothing was done.
    assert made("2026-11-23T06:00:00Z", first)["databases"][0]["level"] == "warning"
    # No age is in it.
    assert "hour" not in json.dumps(first["databases"]).replace("hours_utc", "").replace(
        "starting_hour_utc", ""
    ).replace("duration_in_hour", "")


def test_every_finding_and_threshold_is_documented() -> None:
    from support.subjects import ROOT  # noqa: PLC0415

    readme = (ROOT / "roles" / "fleet_report" / "README.md").read_text(encoding="utf-8")
    for name, level in FINDINGS.items():
        assert f"| `{name}` | {level} |" in readme, name
    defaults = (ROOT / "roles" / "fleet_report" / "defaults" / "main.yml").read_text(encoding="utf-8")
    for name, value in THRESHOLDS.items():
        assert f"fleet_report_{name}: {value}\n" in defaults
    assert set(FINDINGS.values()) <= set(LEVELS)


# -- the list ----------------------------------------------------------------------------------------------------------


def addon(provider: str, resource: str) -> Data:
    return {"id": "ad-" + resource, "resource_id": resource, "addon_provider": {"id": provider}}


def test_databases_get_names() -> None:
    given = [
        {"app": "shop", "addon": "mysql"},
        {"app": "shop", "addon_id": "ad-1", "name": "main"},
        {"addon_id": "ad-2", "region": "osc-fr1"},
    ]
    assert [(item["name"], item["addon"], item["addon_id"], item["region"]) for item in targets(given)] == [
        ("shop/mysql", "mysql", "", ""),
        ("main", "", "ad-1", ""),
        ("ad-2", "", "ad-2", "osc-fr1"),
    ]


@pytest.mark.parametrize(
    "given, words",
    [
        ([{"app": "shop", "addon": "mysql"}, {"app": "shop", "addon": "mysql"}], "two databases are called shop/mysql"),
        ([{"app": "shop"}], "no addon: shop"),
        ([{"app": "shop", "addon": "mysql", "addonid": "ad-1"}], "addonid"),
    ],
)
def test_a_list_that_makes_no_sense_is_refused(given: list[Data], words: str) -> None:
    with pytest.raises(AnsibleFilterError, match=words):
        targets(given)


def test_what_the_platform_calls_a_database_is_one() -> None:
    """A kind that nobody here knows is not left out, and a known one needs no word of the platform."""
    listed = [
        {"id": "ad-1", "addon_provider": {"id": "valkey"}, "is_database": True},
        {"id": "ad-2", "addon_provider": {"id": "scheduler"}, "is_database": False},
        {"id": "ad-3", "addon_provider": {"id": "scalingo-mysql"}},
        {"id": "ad-4", "addon_provider": {"id": "scout"}},
    ]
    assert [item["name"] for item in targets([], addons=[{"item": "shop", "addons": listed}])] == [
        "shop/mysql",
        "shop/valkey",
    ]


def test_apps_become_their_databases() -> None:
    found = targets(
        [],
        addons=[
            {
                "item": ["twins", ""],
                "region": "osc-fr1",
                "addons": [addon("mysql", "twins_1"), addon("mysql", "twins_2"), addon("scalingo-redis", "r")],
            },
            {
                "item": ["shop", "osc-fr1"],
                "region": "osc-fr1",
                "addons": [addon("postgresql", "p"), addon("mailer", "m")],
            },
            {
                "item": ["shop", "osc-secnum-fr1"],
                "region": "osc-secnum-fr1",
                "msg": "no",
                "error": {"kind": "NotFound"},
            },
            {"item": "nowhere", "region": "osc-fr1", "msg": "not found", "error": {"kind": "NotFound"}},
            {
                "item": ["broken", "osc-fr1"],
                "region": "osc-fr1",
                "msg": "unavailable",
                "error": {"kind": "ServerError"},
            },
        ],
    )
    assert [(item["name"], item["addon_id"], item.get("error")) for item in found] == [
        ("broken in osc-fr1", "", "unavailable"),
        ("nowhere", "", "not found"),
        ("shop/postgresql", "ad-p", None),
        ("twins/redis", "ad-r", None),
        ("twins/twins_1", "ad-twins_1", None),
        ("twins/twins_2", "ad-twins_2", None),
    ]


FIRST, SECOND = "osc-fr1", "osc-secnum-fr1"


@pytest.mark.parametrize(
    "names, regions, expected",
    [
        (["shop", "metrics"], [], [["shop", ""], ["metrics", ""]]),
        (["shop", "shop"], [FIRST, SECOND, FIRST], [["shop", FIRST], ["shop", SECOND]]),
        # What is listed counts where there is a pattern, and only there.
        (["*"], [FIRST, SECOND], [["shop", FIRST], ["shop-test", FIRST], ["vault", SECOND]]),
        (["shop-*", "v?ult"], [FIRST, SECOND], [["shop-test", FIRST], ["vault", SECOND]]),
        (["[a-r]*"], [FIRST, SECOND], []),
        (
            ["*-test", "vault", "nowhere"],
            [FIRST, SECOND],
            [["shop-test", FIRST], ["vault", SECOND], ["nowhere", FIRST], ["nowhere", SECOND]],
        ),
        (["*-test", "vault"], [FIRST], [["shop-test", FIRST], ["vault", FIRST]]),
        (["*"], [], []),
        ([], [FIRST], []),
    ],
)
def test_apps_are_chosen_by_name_and_by_pattern(
    names: list[str], regions: list[str], expected: list[list[str]]
) -> None:
    listed = [
        {"item": FIRST, "apps": [{"name": "shop"}, {"name": "shop-test"}]},
        {"item": SECOND, "apps": [{"name": "vault"}]},
        {"item": "agora-fr1", "msg": "no such region"},
    ]
    assert apps(names, regions, listed if any(set("*?[") & set(name) for name in names) else []) == expected


def test_a_region_that_is_not_named_is_the_one_of_the_surroundings() -> None:
    assert apps(["sh*"], [], [{"item": "", "region": FIRST, "apps": [{"name": "shop"}, {"name": "metrics"}]}]) == [
        ["shop", ""]
    ]


def test_a_region_whose_apps_cannot_be_listed_is_told() -> None:
    listed: list[Data] = [
        {"item": "", "region": FIRST, "apps": []},
        {"item": SECOND, "region": SECOND, "msg": "no permission"},
        {"item": "agora-fr1", "msg": "no such region"},
    ]
    found = targets([], apps=listed)
    assert [(item["name"], item["region"], item["error"]) for item in found] == [
        ("all apps in osc-secnum-fr1", SECOND, "no permission"),
        ("all apps in agora-fr1", "agora-fr1", "no such region"),
    ]


def test_apps_of_the_same_name_are_told_apart_by_their_regions() -> None:
    found = targets(
        [],
        addons=[
            {"item": ["shop", region], "region": region, "addons": [addon("mysql", region)]}
            for region in ("osc-fr1", "osc-secnum-fr1")
        ],
    )
    assert [item["name"] for item in found] == ["shop/mysql in osc-fr1", "shop/mysql in osc-secnum-fr1"]


def test_hosts_of_the_inventory_are_databases() -> None:
    host = {
        "inventory_hostname": "shop_1",
        "scalingo_app": "shop",
        "scalingo_addon_id": "ad-1",
        "scalingo_region": "osc-fr1",
        "scalingo_engine": "mysql",
    }
    assert targets([host]) == [
        {"name": "shop_1", "app": "shop", "addon": "mysql", "addon_id": "ad-1", "region": "osc-fr1"}
    ]


def test_what_was_read_says_what_comes_next() -> None:
    names = [target("a"), target("b"), target("c"), target("d", "postgresql-ng"), target("e")]
    found = targets(
        names,
        database=[
            result(names[0], databases=[database(next_version_id="n")]),
            result(names[1], databases=[database(next_version_id="n")]),
            result(names[2], msg="no"),
            result(names[3], databases=[database("postgresql")]),
            result(names[4], databases=[]),
        ],
    )
    assert [(item["name"], item["represents"], item["dedicated"]) for item in found] == [
        ("a", True, False),
        ("b", False, False),
        ("d", False, True),
    ]
    assert found[0]["addon_id"] == "ad-of-a" and found[0]["region"] == "osc-fr1"


# -- what people look at ----------------------------------------------------------------------------------------------------


def test_a_last_backup_without_a_date_is_not_taken_for_none() -> None:
    row = rate(backups={"backups": [backup(3, started_at=None, created_at=None)]})
    assert findings(row) == ["not_read"] and "does not say when" in row["reasons"][0]["text"]


@pytest.mark.parametrize(
    "previous", ["[" * 100000, '{"generated_at": "x", "databases": %s}' % ("[" * 100000 + "]" * 100000)]
)
def test_an_earlier_report_that_is_nested_deeply_is_none(previous: object) -> None:
    made = report([SHOP], database=[result(SHOP, databases=[database()])], now=NOW, previous=previous)
    assert made["generated_at"] == "2026-11-21T06:00:00Z"


def test_no_control_character_reaches_the_page_and_data_stay_as_they_are() -> None:
    odd = "a\u202eb\x1b[2K\x9b\u2066\x7f\u2028c"
    of = target(odd)
    shown = database(odd, resource_id=odd, plan=odd, status=odd, readable_version=odd)
    made = report(
        [of],
        database=[result(of, databases=[shown])],
        maintenance=[result(of, maintenances=[{"type": odd, "status": "queued"}])],
        now=NOW,
    )
    assert made["databases"][0]["plan"] == made["databases"][0]["status"] == odd
    for text in [*made["findings"], *(reason["text"] for reason in made["databases"][0]["reasons"])]:
        assert text == visible(text) and "\\u202e" in text
    page = (Path(__file__).parents[2] / "roles" / "fleet_report" / "templates" / "report.html.j2").read_text(
        encoding="utf-8"
    )
    variables = {"fleet_report_rated": made, "fleet_report_given": {"title": odd}}
    written = Templar(loader=DataLoader(), variables=variables).template(trust_as_template(page))
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]", written)
    assert written.count("a\ufffdb\ufffd[2K\ufffd\ufffd\ufffd\ufffdc") >= 6
