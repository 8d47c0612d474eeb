# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role database_baseline and the playbook drift: what each kind costs, what drifted, and that nothing else happens."""

from __future__ import annotations

import collections
import json
import typing as t
from pathlib import Path

import pytest
from scalingo_sandbox.testing import Sandbox
from support.playbook import Run
from support.real import DURATIONS
from support.watched import Watched

API_TOKEN = "tk-us-CanaryOfTheBaseline0123456789abcdefghi"
PASSWORD = "CanaryOfTheUser/0123456789+ab"
SEED: dict[str, t.Any] = {
    "user": {"api_token": API_TOKEN},
    "apps": [
        {
            "name": "shop",
            "addons": [
                {"provider": "mysql", "resource_id": "shop_1001", "database": {"version": "8.0.40-1", "logical_databases": ["orders"]}},
                {
                    "provider": "postgresql", "resource_id": "shop_1002", "engine": "real",
                    "database": {"version": "16.14.0-1", "periodic_backups_enabled": True, "extensions": {"pg_trgm": "1.6"}},
                },
                {"provider": "influxdb", "resource_id": "shop_1003", "database": {"retention_policies": [{"name": "month", "duration": "720h"}]}},
                {"provider": "postgresql-ng", "resource_id": "shop_1004"},
            ],
        },
    ],
    "durations": {**DURATIONS, "feature": 1},
}  # fmt: skip
#: What each database is to be like, and how many requests that change something its differences are worth.
WANTED: dict[str, tuple[dict[str, t.Any], int]] = {
    "mysql": (
        {
            "plan": "mysql-starter-512",
            "periodic_backups_enabled": True, "periodic_backups_scheduled_at": 4,
            "maintenance_window": {"weekday_utc": "sunday", "starting_hour_utc": 22},
            "features": {"force-ssl": True},
            "logical_databases": {"names": ["orders", "stock", "archive"]},
            "sql_modes": ["ANSI"],
            "users": [{"name": "reporting", "password": PASSWORD}, {"name": "analyst", "read_only": True, "password": PASSWORD}],
        },
        1 + 1 + 2 + 1 + 2,
    ),
    "postgresql": (
        {
            "periodic_backups_enabled": True,
            "extensions": {"names": ["pg_trgm", "hstore"], "via": "direct"},
            "pg_stat_statements": True,
        },
        1,
    ),
    "influxdb": ({"retention_policies": [{"name": "month", "duration": "30d"}, {"name": "year", "duration": "52w"}]}, 1),
    "postgresql-ng": ({"firewall_rules": {"rules": [{"cidr": "198.51.100.0/24", "label": "office"}]}}, 1),
}  # fmt: skip
TOKENS = ("A6", "auth-exchange")
ROLE = [
    {
        "hosts": "localhost", "gather_facts": False,
        "tasks": [
            {"name": "Keep it", "ansible.builtin.include_role": {"name": "community.scalingo.database_baseline"}, "loop": "{{ wanted | list }}", "vars": {
                "database_baseline_app": "shop", "database_baseline_addon": "{{ item }}", "database_baseline_wanted": "{{ wanted[item] }}",
                "database_baseline_wait_interval": 0.2}},
        ],
    },
]  # fmt: skip


class Place:
    """A controller with a directory, for the role over several databases and for the playbook."""

    def __init__(self, ansible: Watched, directory: Path) -> None:
        self.ansible = ansible
        self.ansible.more = (PASSWORD, "CanaryOfTheUser")
        self.directory = directory
        self.file = directory / "drift.json"

    def _given(self, variables: dict[str, t.Any]) -> str:
        # Ansible itself shows what the command line says.
        path = self.directory / "variables.json"
        path.write_text(json.dumps(variables), encoding="utf-8")
        return f"@{path}"

    def keep(self, wanted: dict[str, t.Any], **more: t.Any) -> Run:
        return self.ansible.play(ROLE, "-e", self._given({"wanted": wanted, **more})).clean()

    def playbook(self, name: str, *options: str, **variables: t.Any) -> Run:
        return self.ansible.play(
            [{"name": "Import", "ansible.builtin.import_playbook": "community.scalingo." + name}],
            "-e", self._given(variables), *options,
        ).clean()  # fmt: skip

    def drift(self, *options: str, databases: t.Any) -> tuple[Run, dict[str, t.Any]]:
        self.file.unlink(missing_ok=True)
        run = self.playbook("drift", *options, scalingo_hosts_databases=databases, drift_file=str(self.file))
        return run, json.loads(self.file.read_text(encoding="utf-8")) if self.file.is_file() else {}


@pytest.fixture
def place(sandbox: Sandbox, controller: t.Callable[[Sandbox], Watched], tmp_path: Path) -> Place:
    return Place(controller(sandbox), tmp_path)


def written(sandbox: Sandbox) -> list[t.Any]:
    return [record for record in sandbox.unsafe() if record.route not in TOKENS]


def summaries(run: Run) -> list[dict[str, t.Any]]:
    found = [task.result for task in run.tasks("Apply the declared resources")]
    return sorted(found, key=lambda summary: str(summary["database"]["name"]))


def told(run: Run) -> str:
    """What the failing hosts say at the end."""
    task = "Fail the databases that are not as they should be"
    return "".join(item.result["msg"] + "\n" for item in run.tasks(task) if item.status == "failed")


def listed() -> list[dict[str, t.Any]]:
    return [{"app": "shop", "addon": addon, "wanted": wanted} for addon, (wanted, dummy) in WANTED.items()]


def test_a_kind_that_fails_stops_those_after_it_unless_told_otherwise(place: Place, sandbox: Sandbox) -> None:
    sandbox.fault(match={"action_name": "list-databases"}, do="status", status=403)
    wanted = {
        "mysql": {"logical_databases": {"names": ["stock"]}, "sql_modes": ["ANSI"], "periodic_backups_scheduled_at": 5}
    }
    run = place.keep(wanted=wanted).failed()
    assert [record.action_name or record.route for record in written(sandbox)] == ["D2"]
    message = run.result("Apply the declared resources")["msg"]
    assert (
        "shop/mysql could not be kept as declared:" in message
        and "- logical_databases: " in message
        and "403" in message
    )
    (summary,) = summaries(run)
    assert (summary["outcome"], [item["kind"] for item in summary["failures"]]) == ("failed", ["logical_databases"])
    assert [item["kind"] for item in summary["differences"]] == ["settings"]

    (summary,) = summaries(place.keep(wanted, database_baseline_on_failure="continue").failed())
    assert ([item["kind"] for item in summary["failures"]], [item["kind"] for item in summary["differences"]]) == (
        ["logical_databases"],
        ["sql_modes"],
    )


def test_a_consequence_needs_its_word(place: Place, sandbox: Sandbox) -> None:
    """All of them are named at once, and nothing that comes after is done."""
    wanted = {
        "features": {"force-ssl": True, "publicly-available": True},
        "logical_databases": {"names": ["stock"], "exclusive": True},
        "sql_modes": ["ANSI"],
    }
    run = place.keep(wanted={"mysql": wanted}).failed()
    assert written(sandbox) == []
    message = run.result("Apply the declared resources")["msg"]
    assert "'database_baseline_allow: [exposure]'" in message and "'database_baseline_allow: [mass_removal]'" in message
    (summary,) = summaries(run)
    assert (summary["outcome"], summary["differences"], summary["steps"]) == ("failed", [], [])


def test_drift_is_named_then_mended_for_one_change_a_difference_then_gone(place: Place, sandbox: Sandbox) -> None:
    state = sandbox.state()
    run, found = place.drift(databases=listed())
    run.failed()
    assert written(sandbox) == [] and {**sandbox.state(), "clock": None} == {**state, "clock": None}
    assert found["outcome"] == "drifted" and found["drifted"] == [
        "shop/mysql",
        "shop/postgresql",
        "shop/influxdb",
        "shop/postgresql-ng",
    ]
    by_name = {database["name"]: database for database in found["databases"]}
    kinds = {difference["kind"]: difference for difference in by_name["shop/mysql"]["differences"]}
    assert set(kinds) == {"settings", "logical_databases", "sql_modes", "users"}
    assert kinds["logical_databases"]["before"] != kinds["logical_databases"]["after"]
    message = told(run)
    assert "shop/mysql is not as declared:" in message and "create the logical database stock" in message
    assert (
        '    periodic_backups_scheduled_at: "0:00 UTC" -> "4:00 UTC"\n' in message
        and '    stock: null -> {"protected": false}\n' in message
    )
    assert "periodic_backups_enabled" not in message
    assert run.result("Publish the summary")["ansible_stats"]["data"]["scalingo_drift"] == found
    assert [summary["outcome"] for summary in summaries(run)] == ["would_change"] * 4
    sandbox.clear_log()

    kept = place.keep(wanted={addon: kinds for addon, (kinds, dummy) in WANTED.items()}).ok()
    assert [summary["outcome"] for summary in summaries(kept)] == ["changed"] * 4
    assert [summary["steps"] for summary in summaries(kept)] == [summary["steps"] for summary in summaries(run)]
    addons = {sandbox.addon_id("shop", addon): addon for addon in WANTED}
    # The extension itself is installed by SQL, the statistics by the API.
    changes = collections.Counter(addons[record.addon_id] for record in written(sandbox))
    assert changes == {addon: number for addon, (dummy, number) in WANTED.items()}
    sandbox.clear_log()

    run, found = place.drift(databases=listed())
    run.ok()
    assert (found["outcome"], found["drifted"], found["failed"]) == ("unchanged", [], [])
    assert written(sandbox) == []
    asked = collections.Counter(addons[record.addon_id] for record in sandbox.log() if record.role == "db")
    # settings, logical databases, SQL modes, users; settings, extensions, statistics; policies; rules. The plan is asked of the main API.
    assert asked == {"mysql": 4, "postgresql": 3, "influxdb": 1, "postgresql-ng": 1}


def test_what_would_need_a_word_has_drifted_too(place: Place, sandbox: Sandbox) -> None:
    wanted = {"plan": "mysql-starter-1024", "logical_databases": {"names": ["orders"]}, "sql_modes": ["ANSI"]}
    run, found = place.drift(databases=[{"app": "shop", "addon": "mysql", "wanted": wanted}])
    message = told(run.failed())
    assert (found["outcome"], found["drifted"], found["failed"]) == ("drifted", ["shop/mysql"], [])
    (database,) = found["databases"]
    assert (database["outcome"], database["findings"]) == ("would_change", [])
    assert {item["kind"] for item in database["differences"]} == {"plan", "sql_modes"}
    assert "shop/mysql is not as declared:" in message and "- plan: " in message
    assert "mysql-starter-512" in message and "mysql-starter-1024" in message and written(sandbox) == []


def test_a_difference_that_needs_consent_hides_no_other(place: Place, sandbox: Sandbox) -> None:
    wanted = {
        "periodic_backups_scheduled_at": 5, "maintenance_window": {"weekday_utc": "sunday", "starting_hour_utc": 22},
        "features": {"force-ssl": True, "publicly-available": True},
    }  # fmt: skip
    addon_id = sandbox.addon_id("shop", "mysql")
    entry = {
        "app": "shop",
        "addon_id": addon_id,
        "name": "shop/mysql",
        "wanted": {**wanted, "plan": "mysql-starter-512"},
    }
    run, found = place.drift(databases=json.dumps([entry]))
    message = told(run.failed())
    (database,) = found["databases"]
    assert (database["outcome"], database["addon_id"], database["region"]) == ("would_change", addon_id, "osc-fr1")
    (difference,) = database["differences"]
    names = {name for name in difference["before"] if difference["before"][name] != difference["after"][name]}
    assert {"periodic_backups_scheduled_at", "features"} < names and len(names) >= 3
    assert difference["after"]["features"]["force-ssl"] != difference["before"]["features"].get("force-ssl")
    assert (
        '    periodic_backups_scheduled_at: "0:00 UTC" -> "5:00 UTC"\n' in message
        and "add 'allow: [exposure]' to its entry in the list of databases." in message
    )
    assert "to the task" not in message and written(sandbox) == []
    kept = place.keep(wanted={"mysql": wanted}).failed().result("Apply the declared resources")["msg"]
    assert "add 'database_baseline_allow: [exposure]' to the variables of the role." in kept


def test_what_cannot_be_compared_is_no_drift_and_no_success(place: Place, sandbox: Sandbox) -> None:
    databases = [
        {
            "app": "shop",
            "addon": "influxdb",
            "wanted": {"retention_policies": [{"name": "month", "duration": "720h0m0s"}]},
        },
        {"app": "nowhere", "addon": "mysql", "wanted": {"sql_modes": [], "logical_databases": {"names": ["orders"]}}},
        {
            "app": "shop",
            "addon": "influxdb",
            "name": "points",
            "wanted": {"retention_policies": [{"name": "month", "duration": "60d"}]},
        },
        {"app": "shop", "addon": "mysql", "wanted": {"sql_mode": ["mistyped"]}},
    ]
    run, found = place.drift(databases=databases)
    run.failed()
    assert [database["outcome"] for database in found["databases"]] == ["unchanged", "failed", "failed", "failed"]
    assert found["failed"] == ["nowhere/mysql", "points", "shop/mysql"] and found["drifted"] == []
    message = told(run)
    assert message.count("nowhere is not visible") == 1
    assert (
        "nowhere/mysql could not be compared:" in message
        and "30d" in message.replace("720h", "30d")
        and "sql_mode" in message
    )
    assert written(sandbox) == []


def test_a_database_of_which_nothing_is_wanted_fails_alone(place: Place, sandbox: Sandbox) -> None:
    """As does one whose declaration is not right. The others are compared."""
    right = {"app": "shop", "addon": "influxdb", "wanted": WANTED["postgresql-ng"][0]}
    wrong = {"app": "shop", "addon": "postgresql", "wanted": {"sql_mode": ["mistyped"]}}
    run, found = place.drift(databases=[{"app": "shop", "addon": "mysql"}, right | {"addon": "postgresql-ng"}, wrong])
    message = told(run.failed())
    assert (found["failed"], found["drifted"]) == (["shop/mysql", "shop/postgresql"], ["shop/postgresql-ng"])
    assert "database_baseline_wanted is missing" in message and "did you mean wanted.sql_modes?" in message


@pytest.mark.parametrize("databases", [[], "", "[]"])
def test_no_database_is_a_failure(place: Place, sandbox: Sandbox, databases: t.Any) -> None:
    run, found = place.drift(databases=databases)
    assert "no database is selected" in run.failed().output and found == {} and sandbox.log() == []
    assert run.result("Publish the summary")["ansible_stats"]["data"]["scalingo_drift"]["outcome"] == "failed"


def test_a_file_that_cannot_be_written_is_said_after_all_was_looked_at(place: Place, sandbox: Sandbox) -> None:
    place.file = place.directory / "absent" / "drift.json"
    run, found = place.drift(
        databases=[{"app": "shop", "addon": "mysql", "wanted": {"logical_databases": {"names": ["orders"]}}}]
    )
    message = run.failed().result("Show the outcome of all databases")["msg"]
    assert f"{place.file} was not written: " in message and found == {}
    left = run.result("Publish the summary")["ansible_stats"]["data"]["scalingo_drift"]
    assert (left["outcome"], left["drifted"], left["failed"], len(left["databases"])) == ("failed", [], [], 1)
