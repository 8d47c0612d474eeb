# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How databases are rated, and what is said of it: plugin_utils/_fleet_report.py, and the steps of the role fleet_report."""

from __future__ import annotations

import json
import re
import typing as t

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.community.scalingo.plugins.module_utils._errors import visible
from ansible_collections.community.scalingo.plugins.plugin_utils._fleet_report import (
    FINDINGS,
    LEVELS,
    THRESHOLDS,
    outcome,
    report,
)
from support.fleet import NOW, Data, backup, database, failure, hours_ago, target
from support.roles import said
from support.subjects import ROOT

SHOP = target("shop/mysql")
DEFAULTS = yaml.safe_load((ROOT / "roles" / "fleet_report" / "defaults" / "main.yml").read_text(encoding="utf-8"))
GIVEN = {name[len("fleet_report_") :]: value for name, value in DEFAULTS.items()}


def made_of(
    databases: t.Sequence[Data],
    failures: t.Sequence[Data] = (),
    now: str = NOW,
    previous: str | None = None,
    **given: t.Any,
) -> Data:
    """The report, with other variables than the defaults of the role."""
    return report({**GIVEN, **given}, {"databases": list(databases), "failures": list(failures)}, now, previous)


def rate(
    of: Data = SHOP,
    *,
    shown: Data | None = None,
    given: Data | None = None,
    failed: Data | None = None,
    **readings: t.Any,
) -> Data:
    """The row of one database."""
    failures = [failure(of, text, reading) for reading, text in (failed or {}).items()]
    (row,) = made_of([{**(shown or database()), **of, **readings}], failures, **(given or {}))["databases"]
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
        backups=[backup(3)],
        maintenance=[{"id": "m", "type": "no-op", "status": "done"}],
        metrics={"database_stats": {"current_connections": 12, "max_connections": 100}, "real_disk_size": 5},
        disk={"disk_used": 79, "disk_total": 100},
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
        ([backup(-30), backup(2)], {}, []),
        ([backup(-30), backup(73)], {}, ["backup_very_old"]),
        ([backup(1)], {"periodic_backups_enabled": None}, []),
        ([backup(1, created_at=hours_ago(40))], {}, []),
        ([backup(1, started_at=None, created_at=hours_ago(40))], {}, ["backup_old"]),
    ],
)
def test_backups(backups: list[Data], shown: Data, expected: list[str]) -> None:
    assert findings(rate(shown=database(**shown), backups=backups)) == expected


def test_a_backup_that_fails_is_told_with_its_time() -> None:
    (reason,) = rate(backups=[backup(2, "error"), backup(3)])["reasons"]
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
    reading: Data = {"disk": {"disk_used": percent, "disk_total": 100}}
    if name == "connections":
        reading = {"metrics": {"database_stats": {"current_connections": percent, "max_connections": 100}}}
    row = rate(**reading)
    assert findings(row) == expected
    assert all(str(percent) in reason["text"] for reason in row["reasons"])


def test_what_is_not_quite_full_is_not_shown_as_full() -> None:
    assert rate(disk={"disk_used": 99999, "disk_total": 100000})["disk"]["percent"] == 99


def test_a_disk_without_its_size_is_no_finding() -> None:
    row = rate(metrics={"database_stats": {}, "real_disk_size": 5}, disk=None)
    assert (
        row["level"] == "good"
        and row["disk"] == {"used": 5, "limit": None, "percent": None}
        and row["connections"] is None
    )


@pytest.mark.parametrize("name", sorted(set(database()) - {"instances", "features", "periodic_backups_scheduled_at"}))
def test_what_the_platform_does_not_say_is_no_failure(name: str) -> None:
    row = rate(
        shown=database(**{name: None}),
        backups=[],
        maintenance=[{"id": "m", "status": "queued"}],
    )
    assert row["level"] == "critical"


@pytest.mark.parametrize("value", [None, "", "many", True, -1, float("nan"), [], "12"])
def test_numbers_that_are_none_are_left_out(value: t.Any) -> None:
    row = rate(
        metrics={
            "database_stats": {"current_connections": value, "max_connections": value},
            "real_disk_size": None,
        },
        disk={"disk_used": 5, "disk_total": value},
    )
    if value == "12":
        assert row["connections"]["percent"] == 100 and row["disk"]["percent"] == 41
    else:
        assert row["connections"] is None and row["disk"] == {"used": 5, "limit": None, "percent": None}


def test_a_window_of_which_half_is_told_is_none() -> None:
    row = rate(
        shown=database(maintenance_window={"weekday_utc": 2, "starting_hour_utc": None}),
        maintenance=[{"status": "queued"}],
    )
    assert row["maintenance"]["window"] is None
    assert row["reasons"][0]["text"] == "Scalingo is going to maintain it (of an unknown kind, queued)."


def test_upgrades() -> None:
    path = {"current_version": "17.9.0-2", "latest_minor": "17.11.0-1", "latest": "18.1.0-1", "majors": ["18.1.0-1"]}
    row = rate(shown=database("postgresql", next_version_id="n1"), versions=path)
    assert findings(row) == ["minor_upgrade", "major_upgrade"]
    assert [reason["text"] for reason in row["reasons"]] == [
        "A minor upgrade is available: 17.11.0-1, it has 17.9.0-2.",
        "A major upgrade is available: 18.1.0-1.",
    ]
    ahead = {"latest_minor": "17.11.0-1", "latest": "18.1.0-1", "majors": ["18.1.0-1"]}
    assert row["version"] == {"current": "17.9.0-2", "upgrade_available": True, **ahead}
    latest = {**dict.fromkeys(path, "17.9.0-2"), "majors": []}
    assert rate(versions=latest)["level"] == "good" and rate(versions=latest)["version"]["latest"] == "17.9.0-2"
    said = "No, request id 0123-ab, twice [GET /x, status 500, request id 0123]"
    row = rate(shown=database(next_version_id="n2"), versions=None, failed={"versions": said})
    assert findings(row) == ["not_read"]
    assert row["reasons"][0]["text"] == "The versions ahead could not be read. No, twice [GET /x, status 500]"


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
        recovery_window=window,
        firewall_rules=rules,
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
        assert findings(rate(ledger, firewall_rules=[{"cidr": cidr} for cidr in everybody])) == ["firewall_open"]
    assert findings(rate(ledger, firewall_rules=[{"cidr": "10.0.0.0/8"}, {"cidr": "12.0.0.0/8"}])) == []
    assert findings(rate(ledger, recovery_window=dict.fromkeys(window))) == ["no_backup"]
    late = {"earliest_recoverable_at": hours_ago(200), "latest_recoverable_at": hours_ago(30)}
    stopped = rate(ledger, recovery_window=late)
    assert findings(stopped) == ["backup_old"]
    assert stopped["backup"]["recoverable_until"] == late["latest_recoverable_at"]


def test_maintenance_ahead() -> None:
    listed = [
        {"id": "1", "type": "no-op", "status": "notified"},
        {"id": "2", "type": "db-upgrade", "status": "running"},
        {"id": "3", "status": "done"},
    ]
    row = rate(maintenance=listed)
    assert [reason["text"] for reason in row["reasons"]] == [
        "Scalingo is going to maintain it in the window on Tuesday from 21:00 UTC (no-op, notified).",
        "Scalingo maintains it now (db-upgrade).",
    ]
    assert [item["id"] for item in row["maintenance"]["ahead"]] == ["1", "2"]


def test_a_reading_that_failed_is_a_warning_and_the_rest_is_there() -> None:
    row = rate(
        backups=None, failed={"backups": "Could not list the backups: no."}, disk={"disk_used": 1, "disk_total": 100}
    )
    assert row["level"] == "warning" and row["disk"]["percent"] == 1 and row["backup"] is None
    assert row["reasons"][0]["text"] == "The backups could not be read. Could not list the backups: no."


def test_what_was_not_asked_for_is_no_finding() -> None:
    assert rate()["level"] == "good"


def test_unreadable_databases() -> None:
    region = {**dict.fromkeys(SHOP), "name": "all apps in osc-fr1", "region": "osc-fr1"}
    hint = "The platform has a problem of its own: give the request id to support."
    lost = failure(target("lost"), f"Could not read it: no. [status 500, request id 0123-45] {hint}")
    lost["error"]["hint"] = hint
    made = made_of([], [failure(region, "The token is refused."), lost])
    texts = {row["name"]: row["reasons"][0]["text"] for row in made["databases"]}
    assert texts == {
        "all apps in osc-fr1": "It could not be read. The token is refused.",
        "lost": "It could not be read. Could not read it: no. [status 500]",
    }
    assert made["counts"] == {"critical": 0, "unreadable": 2, "warning": 0, "notice": 0, "good": 0}
    assert len(made["findings"]) == 2


def test_the_worst_come_first() -> None:
    shown = {
        "good": database(),
        "notice": database(features=[]),
        "warning": database(instances=[{"status": "stopped"}]),
        "two warnings": database(instances=[{"status": "stopped"}, {"status": "booting"}]),
        "critical": database(status="stopped"),
        "Hotel": database(),
    }
    made = made_of([{**item, **target(name)} for name, item in shown.items()], [failure(target("unreadable"), "No.")])
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
    assert findings(rate(shown=database(features=[]), backups=[])) == ["no_backup", "force_ssl_off"]


def test_levels_and_thresholds_are_the_callers() -> None:
    old = [backup(30)]
    assert rate(backups=old, given={"levels": {"backup_old": "critical"}})["level"] == "critical"
    assert rate(backups=old, given={"levels": {"backup_old": "none"}})["level"] == "good"
    assert rate(backups=old, given={"backup_warning_age": "2d"})["level"] == "good"
    full = {"disk_used": 70, "disk_total": 100}
    assert rate(disk=full, given={"disk_warning_percent": 70.0})["level"] == "warning"
    assert rate(backups=old, given={"backup_warning_age": "3600", "backup_critical_age": "29h"})["level"] == "critical"
    # A number means the same, whoever wrote it.
    made = made_of([], disk_warning_percent=70.0, disk_critical_percent=99.5)
    assert json.dumps(made["thresholds"]).endswith(
        '"disk_warning_percent": 70, "disk_critical_percent": 99.5, "connections_warning_percent": 80, "connections_critical_percent": 95}'
    )


def test_the_time_alone_makes_no_other_report() -> None:
    def made(now: str, previous: str | None = None, hours: int = 3) -> Data:
        return made_of([{**database(), **SHOP, "backups": [backup(hours)]}], now=now, previous=previous)

    first = made(NOW)
    assert first["generated_at"] == NOW
    later = "2026-11-21T18:00:00Z"
    assert made(later, json.dumps(first)) == first
    assert made(later, json.dumps(first), hours=4)["generated_at"] == later
    for rubbish in (None, "", "{", "[]", "null", "{}", '{"generated_at": 5}'):
        assert made(later, rubbish)["generated_at"] == later
    # A backup grows too old: that is a difference, although nothing was done.
    assert made("2026-11-23T06:00:00Z", json.dumps(first))["databases"][0]["level"] == "warning"
    # No age is in it.
    assert "hour" not in json.dumps(first["databases"]).replace("hours_utc", "").replace(
        "starting_hour_utc", ""
    ).replace("duration_in_hour", "")


def test_what_it_comes_to_is_one_sentence_and_failures_name_databases() -> None:
    stopped = [{**database(status="stopped"), **target(f"shop-{number}")} for number in range(22)]
    made = made_of([*stopped, {**database(), **SHOP}])
    told = outcome({**GIVEN, "html_file": "/r.html"}, made, [], ["/r.json", "/r.html"], checking=False)
    assert told["outcome"] == "changed"
    assert told["sentence"] == "23 databases: 22 critical, 1 good. The report is written to /r.html."
    assert outcome(GIVEN, made, [], ["/r.json"], checking=True)["outcome"] == "would_change"
    assert "is unchanged in" in outcome(GIVEN, made, [], [], checking=False)["sentence"]
    told = outcome({**GIVEN, "fail_on": ["critical"]}, made, [], [], checking=False)
    lines = told["sentence"].splitlines()
    assert told["outcome"] == "failed" and lines[0] == "22 of 23 databases are critical:"
    assert lines[1] == "- shop-0 is critical: It does not run: its status is stopped."
    assert lines[-2:] == ["- and 2 more", "The report is written: read fleet_report.html."]
    none = made_of([], [failure(SHOP, "No answer.")])
    told = outcome(GIVEN, none, ["Unreachable", "NotTried"], [], checking=False)
    assert told["outcome"] == "interrupted" and told["sentence"].endswith("Run the report again when the API answers.")
    assert outcome(GIVEN, none, ["Forbidden"], [], checking=False)["outcome"] == "failed"


def test_every_finding_and_threshold_is_documented() -> None:
    readme = (ROOT / "roles" / "fleet_report" / "README.md").read_text(encoding="utf-8")
    for name, level in FINDINGS.items():
        assert f"| `{name}` | {level} |" in readme, name
    assert set(THRESHOLDS) == {name for name in GIVEN if name.endswith(("_age", "_percent"))}
    assert set(FINDINGS.values()) <= set(LEVELS)


# -- what people look at ----------------------------------------------------------------------------------------------------


def test_a_last_backup_without_a_date_is_not_taken_for_none() -> None:
    row = rate(backups=[backup(3, started_at=None, created_at=None)])
    assert findings(row) == ["not_read"] and "does not say when" in row["reasons"][0]["text"]


@pytest.mark.parametrize(
    "previous", ["[" * 100000, '{"generated_at": "x", "databases": %s}' % ("[" * 100000 + "]" * 100000)]
)
def test_an_earlier_report_that_is_nested_deeply_is_none(previous: str) -> None:
    made = made_of([{**database(), **SHOP}], previous=previous)
    assert made["generated_at"] == "2026-11-21T06:00:00Z"


def test_no_control_character_reaches_the_page_and_data_stay_as_they_are() -> None:
    odd = "a\u202eb\x1b[2K\x9b\u2066\x7f\u2028c"
    of = target(odd)
    shown = database(odd, resource_id=odd, plan=odd, status=odd, readable_version=odd)
    made = made_of([{**shown, **of, "maintenance": [{"type": odd, "status": "queued"}]}])
    assert made["databases"][0]["plan"] == made["databases"][0]["status"] == odd
    for text in [*made["findings"], *(reason["text"] for reason in made["databases"][0]["reasons"])]:
        assert text == visible(text) and "\\u202e" in text
    templates, loader = ROOT / "roles" / "fleet_report" / "templates", DataLoader()
    # Where it finds the parts that pages share.
    loader.set_basedir(str(templates))
    page = (templates / "report.html.j2").read_text(encoding="utf-8")
    variables = {"fleet_report_rating": {"report": made}, "fleet_report_given": {"title": odd}}
    written = Templar(loader=loader, variables=variables).template(said(page))
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]", written)
    assert written.count("a\ufffdb\ufffd[2K\ufffd\ufffd\ufffd\ufffdc") >= 6
