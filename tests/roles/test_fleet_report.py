# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role fleet_report and the playbook report: what they find against what the sandbox knows, what they cost, what they leave."""

from __future__ import annotations

import collections
import json
import re
import sys
import typing as t
from pathlib import Path

import pytest
from scalingo_sandbox.testing import Sandbox
from support.playbook import ROOT, Ansible, Run
from support.suites import canaries
from support.watched import ISSUED, Watched

API_TOKEN = "tk-us-Canary0123456789abcdefghijklmnopqrstuvwxyz"
PASSWORD = "canary-password-of-"
HOUR = 3600
Data = dict[str, t.Any]


def addon(provider: str, resource: str, **settings: t.Any) -> Data:
    return {
        "provider": provider,
        "resource_id": resource,
        "database": {"password": PASSWORD + resource, "features": {"force-ssl": "ACTIVATED"}, **settings},
    }


SEED: Data = {
    "user": {"api_token": API_TOKEN},
    "apps": [
        {
            "name": "shop",
            "addons": [
                addon(
                    "mysql",
                    "behind",
                    version="8.0.40-1",
                    backups=[{"method": "periodic", "age": 5 * HOUR, "status": "done"}],
                ),
                addon(
                    "postgresql",
                    "exposed",
                    features={"publicly-available": "ACTIVATED"},
                    backups=[{"age": 100 * HOUR, "status": "done"}],
                ),
            ],
        },
        {"name": "lost", "addons": [addon("redis", "lost")]},
        {
            "name": "ledger",
            "addons": [
                addon(
                    "postgresql-ng",
                    "ledger",
                    firewall_rules=[{"cidr": "192.0.2.0/24"}],
                    recoverable_until=13 * HOUR,
                    maintenance=[{"type": "no-op", "status": "scheduled", "starts_in": 48 * HOUR}],
                ),
            ],
        },
    ],
}
WITHOUT_RETRIES: Data = {"module_defaults": {"group/community.scalingo.scalingo": {"api_retries": 0}}}


@pytest.fixture(scope="module")
def sandbox() -> t.Iterator[Sandbox]:
    with Sandbox(seed=SEED) as running:
        yield running


@pytest.fixture
def fresh(sandbox: Sandbox) -> Sandbox:
    sandbox.reset(SEED)
    sandbox.clear_faults()
    sandbox.clear_log()
    return sandbox


def report(ansible: Ansible, *options: str, failing: bool = False, **variables: t.Any) -> tuple[Run, Data]:
    """Run the role with these variables: what it did, and its summary."""
    given = {"fleet_report_" + name: value for name, value in variables.items()}
    tasks = [
        {
            "name": "Report",
            "ansible.builtin.include_role": {"name": "community.scalingo.fleet_report"},
            "vars": given,
            "ignore_errors": failing,
        },
        {"name": "Summary", "ansible.builtin.debug": {"msg": "{{ fleet_report_summary }}"}},
    ]
    run = ansible.tasks(tasks, *options, **WITHOUT_RETRIES).clean().ok()
    return run, t.cast(Data, run.result("Summary")["msg"])


def routes(sandbox: Sandbox) -> t.Counter[str]:
    return collections.Counter(record.route for record in sandbox.log())


def rows(directory: Path) -> dict[str, Data]:
    return {
        row["name"]: row
        for row in json.loads((directory / "fleet_report.json").read_text(encoding="utf-8"))["databases"]
    }


def findings(row: Data) -> list[str]:
    return [reason["finding"] for reason in row["reasons"]]


def left(directory: Path) -> dict[str, tuple[int, bytes]]:
    """The files that the role writes, each with its inode and its content."""
    return {path.name: (path.stat().st_ino, path.read_bytes()) for path in directory.glob("fleet_report*")}


def test_a_fleet_from_check_mode_to_a_change(fresh: Sandbox, tmp_path: Path) -> None:
    earlier = set(ISSUED)
    ansible = Watched(tmp_path, fresh)
    apps = ["shop", "lost", "ledger"]
    lost = fresh.addon_id("lost", "redis")
    fresh.fault(match={"route": "D1", "addon_id": lost}, do="status", status=500)

    # In check mode databases are read and nothing is written.
    dummy, summary = report(ansible, "--check", apps=apps, readings=["backups"])
    assert summary["outcome"] == "would_change" and left(tmp_path) == {}
    assert [step.split(" /")[0] for step in summary["steps"]] == ["would write", "would write"]
    assert routes(fresh) == {"exchange": 1, "A1": 3, "A6": 4, "D1": 4, "B1": 2, "D5": 1}

    fresh.clear_log()
    run, summary = report(ansible, "--diff", apps=apps)
    assert summary["outcome"] == "changed"
    ahead = routes(fresh)["T3"]
    assert routes(fresh) == {
        # The tokens are there by now. Each app's addons are listed once.
        "A1": 3,
        # Every database once, and what was asked for of those that could be read.
        "D1": 4,
        "B1": 2,
        "M1": 3,
        "S1": 3,
        "S2": 3,
        # Only of dedicated resources.
        "D5": 1,
        "F1": 1,
        # Of the only version that is not the latest: what is ahead of it.
        "T3": ahead,
    }
    assert 1 <= ahead <= 5
    found = rows(tmp_path)
    assert list(found) == ["shop/postgresql", "lost/redis", "shop/mysql", "ledger/postgresql-ng"]
    assert findings(found["shop/postgresql"]) == ["public_without_tls", "backup_very_old"]
    assert found["lost/redis"]["level"] == "unreadable"
    assert (
        "status 500" in found["lost/redis"]["reasons"][0]["text"]
        and "request id" not in found["lost/redis"]["reasons"][0]["text"]
    )
    assert findings(found["shop/mysql"]) == ["minor_upgrade", "major_upgrade"]
    assert findings(found["ledger/postgresql-ng"]) == ["maintenance_ahead"]
    until = found["ledger/postgresql-ng"]["backup"]["recoverable_until"]
    assert f'<span class="more">until <time datetime="{until}">' in (tmp_path / "fleet_report.html").read_text()
    assert summary["counts"] == {"critical": 1, "unreadable": 1, "warning": 1, "notice": 1, "good": 0}
    assert [finding.split(":")[0] for finding in summary["findings"]] == [
        "shop/postgresql",
        "shop/postgresql",
        "lost/redis",
    ]
    true_to(fresh, found)
    nothing_secret(fresh, ISSUED - earlier, run, tmp_path)

    # Less is read: that is another report. After that nothing is different but the time, and neither file is touched.
    dummy, summary = report(ansible, apps=apps, readings=[])
    assert summary["outcome"] == "changed"
    written = left(tmp_path)
    assert set(written) == {"fleet_report.html", "fleet_report.json"}
    fresh.advance(60)
    dummy, summary = report(ansible, apps=apps, readings=[])
    assert summary["outcome"] == "unchanged" and summary["steps"] == []
    assert left(tmp_path) == written

    # Something is different: both are replaced, and no other file is left.
    fresh.change_database(fresh.addon_id("shop", "postgresql"), features={"force-ssl": "ACTIVATED"})
    dummy, summary = report(ansible, apps=apps, readings=[])
    assert summary["outcome"] == "changed"
    assert findings(rows(tmp_path)["shop/postgresql"]) == ["public"]
    after = left(tmp_path)
    assert set(after) == set(written)
    assert all(after[name][0] != written[name][0] for name in written), "written in place, not replaced"
    assert fresh.unsafe() == []


def true_to(sandbox: Sandbox, found: t.Mapping[str, Data]) -> None:
    """The report says what the sandbox knows."""
    known = {item["id"]: item for app in sandbox.state()["apps"] for item in app["addons"]}
    compared = 0
    for row in found.values():
        if row["level"] == "unreadable":
            continue
        state = known[row["addon_id"]]
        database = state["database"]
        assert row["resource_id"] == state["resource_id"]
        assert row["status"] == database["status"]
        assert row["version"]["current"] == database["readable_version"]
        compared += 1
    assert compared == 3


def nothing_secret(sandbox: Sandbox, issued: set[str], run: Run, directory: Path) -> None:
    """No token and no password in what was shown, logged, or written. The cache of tokens is for tokens."""
    assert len(issued) == 5, "a bearer token and one for each database"
    secrets = canaries.canaries(sandbox, issued)
    assert len(secrets) >= 11
    texts = {"the output": run.output, "the results": str(run.results)}
    for path in directory.rglob("*"):
        if path.is_file() and not {"collections", "community.scalingo"} & set(path.relative_to(directory).parts):
            texts[str(path)] = path.read_text(encoding="utf-8", errors="replace")
    assert (
        any(name.endswith("fleet_report.html") for name in texts) and "Report" in texts[str(directory / "ansible.log")]
    )
    assert {name: canaries.leaks(text, secrets) for name, text in texts.items() if canaries.leaks(text, secrets)} == {}


def test_fewer_readings_cost_fewer_requests(fresh: Sandbox, tmp_path: Path) -> None:
    """Databases that are named with their IDs cost nothing to find, and one that is asked for nothing else costs one request."""
    ansible = Watched(tmp_path, fresh)
    databases = [
        {"app": "shop", "addon_id": fresh.addon_id("shop", "mysql"), "name": "orders"},
        {"app": "shop", "addon": "postgresql"},
        {"app": "lost", "addon": "mysql"},
    ]
    dummy, summary = report(
        ansible,
        databases=databases,
        readings=[],
        html_file="none",
        json_file=str(tmp_path / "only.json"),
        levels={"public_without_tls": "notice"},
    )
    assert summary["outcome"] == "changed" and left(tmp_path) == {}
    made = json.loads((tmp_path / "only.json").read_text(encoding="utf-8"))
    assert [(row["name"], row["level"]) for row in made["databases"]] == [
        ("lost/mysql", "unreadable"),
        ("shop/postgresql", "notice"),
        ("orders", "good"),
    ]
    assert "App lost has no addon mysql. It has: redis (ad-" in made["databases"][0]["reasons"][0]["text"]
    assert made["databases"][2]["version"] == {"current": "8.0.40-1", "upgrade_available": True}
    assert routes(fresh) == {"exchange": 1, "A1": 2, "A6": 2, "D1": 2}
    assert fresh.unsafe() == []


def playbook(
    tmp_path: Path,
    sandbox: Sandbox,
    variables: Data,
    *options: str,
    programs: Path | None = None,
    **environment: str,
) -> Run:
    """community.scalingo.report, as AWX starts it: extra variables and the environment, nothing else."""
    ansible = Watched(
        tmp_path, sandbox, {**sandbox.environment(), "ANSIBLE_SHOW_CUSTOM_STATS": "true", **environment}, programs
    )
    given = tmp_path / "extra.json"
    given.write_text(json.dumps(variables), encoding="utf-8")
    ansible._number += 1  # noqa: SLF001
    return ansible._run("ansible-playbook", ["community.scalingo.report", "-e", f"@{given}", *options], None, 120)  # noqa: SLF001


def left_for_others(run: Run) -> Data:
    """What set_stats left: the artifact of a job."""
    shown = re.search(r"RUN: ({.*})\s*$", run.stdout, re.DOTALL)
    assert shown, str(run)
    return t.cast(Data, json.loads(shown[1])["scalingo_report"])


def test_the_playbook_fails_as_it_was_told_after_the_report_is_written(fresh: Sandbox, tmp_path: Path) -> None:
    variables = {
        "fleet_report_databases": [{"app": "shop", "addon": "postgresql"}],
        "fleet_report_readings": [],
        "fleet_report_fail_on": ["critical"],
        "fleet_report_html_file": str(tmp_path / "fleet_report.html"),
        "fleet_report_json_file": str(tmp_path / "fleet_report.json"),
    }
    run = playbook(tmp_path, fresh, variables).failed()
    summary = left_for_others(run)
    assert summary["outcome"] == "failed" and summary["counts"]["critical"] == 1
    assert summary["findings"][0] == (
        "1 of 1 databases is critical:\n- shop/postgresql is critical: It is open to the Internet, and takes connections without encryption."
    )
    assert summary["next_steps"] == ["The report is written: read %s." % (tmp_path / "fleet_report.html")]
    (last,) = [item.result["msg"] for item in run.results if item.status == "failed"]
    assert last == "\n".join(summary["findings"][:1] + summary["next_steps"])
    assert findings(rows(tmp_path)["shop/postgresql"]) == ["public_without_tls"]
    assert fresh.unsafe() == []


def test_when_nothing_can_be_read_the_report_says_so_and_the_play_fails(fresh: Sandbox, tmp_path: Path) -> None:
    """The token is refused: two databases are tried, no more, since the others would say the same."""
    names = ["one", "two", "three", "four"]
    variables = {
        "fleet_report_databases": [{"app": "shop", "addon": "mysql", "name": name} for name in names],
        "fleet_report_html_file": str(tmp_path / "fleet_report.html"),
        "fleet_report_json_file": str(tmp_path / "fleet_report.json"),
    }
    run = playbook(
        tmp_path, fresh, variables, SCALINGO_API_TOKEN="tk-us-NotTheTokenOfAnybody0123456789abcdefgh"
    ).failed()
    summary = left_for_others(run)
    assert summary["outcome"] == "failed"
    assert summary["findings"][0].startswith("None of the databases could be read. The first said: ")
    assert {name: row["level"] for name, row in rows(tmp_path).items()} == dict.fromkeys(names, "unreadable")
    tried = [name for name, row in rows(tmp_path).items() if "not tried" not in row["reasons"][0]["text"]]
    assert sorted(tried) == ["one", "two"]
    assert set(routes(fresh)) == {"exchange"}
    assert "NotTheTokenOfAnybody" not in run.output


def test_a_report_that_cannot_be_written_is_a_failure(fresh: Sandbox, tmp_path: Path) -> None:
    variables = {
        "fleet_report_databases": [{"app": "shop", "addon": "mysql"}],
        "fleet_report_readings": [],
        "fleet_report_html_file": "none",
        "fleet_report_json_file": str(tmp_path / "nowhere" / "fleet_report.json"),
    }
    summary = left_for_others(playbook(tmp_path, fresh, variables).failed())
    assert summary["outcome"] == "failed" and "nowhere" in summary["findings"][0]


def test_the_platform_out_of_reach_is_an_interruption(fresh: Sandbox, tmp_path: Path) -> None:
    fresh.fault(match={"role": "db"}, do="drop_before")
    ansible = Watched(tmp_path, fresh)
    databases = [{"app": "shop", "addon": "mysql", "name": name} for name in ("one", "two", "three")]
    given = {"fleet_report_databases": databases, "fleet_report_html_file": "none"}
    tasks = [
        {
            "block": [
                {
                    "name": "Report",
                    "ansible.builtin.include_role": {"name": "community.scalingo.fleet_report"},
                    "vars": given,
                }
            ],
            "always": [{"name": "Summary", "ansible.builtin.debug": {"msg": "{{ fleet_report_summary }}"}}],
        }
    ]
    run = ansible.tasks(tasks, **WITHOUT_RETRIES).failed()
    summary = run.result("Summary")["msg"]
    assert summary["outcome"] == "interrupted"
    assert "Run the report again when the API answers." in summary["next_steps"]
    assert routes(fresh)["D1"] == 2


def test_without_a_list_it_reports_on_the_hosts_of_the_inventory(fresh: Sandbox, tmp_path: Path) -> None:
    inventory = tmp_path / "fleet.scalingo_databases.yml"
    inventory.write_text("plugin: community.scalingo.scalingo_databases\n", encoding="utf-8")
    variables = {
        "fleet_report_readings": [],
        "fleet_report_html_file": "none",
        "fleet_report_json_file": str(tmp_path / "fleet_report.json"),
    }
    run = playbook(tmp_path, fresh, variables, "-i", str(inventory)).ok()
    assert left_for_others(run)["outcome"] == "changed"
    assert set(rows(tmp_path)) == {"behind", "exposed", "lost", "ledger"}
    assert routes(fresh) == {"exchange": 1, "apps": 1, "A1": 3, "A6": 4, "D1": 4}


HOSTILE: Data = {
    "ansible_connection": "ssh",
    "ansible_become": True,
    "ansible_become_exe": "/nowhere/sudo",
    "ansible_host": "nowhere.invalid",
    "ansible_python_interpreter": "/nowhere/python",
}


@pytest.mark.parametrize(
    "programs",
    [
        pytest.param(None, id="oldest"),
        pytest.param(Path(sys.executable).parent, id="newest", marks=pytest.mark.long),
    ],
)
def test_a_limit_chooses_among_the_hosts_and_group_vars_reach_nothing(
    fresh: Sandbox, tmp_path: Path, programs: Path | None
) -> None:
    inventory = tmp_path / "inventory"
    (inventory / "group_vars").mkdir(parents=True)
    (inventory / "fleet.scalingo_databases.yml").write_text(
        "plugin: community.scalingo.scalingo_databases\n", encoding="utf-8"
    )
    (inventory / "group_vars" / "all.json").write_text(json.dumps(HOSTILE), encoding="utf-8")
    variables = {
        "fleet_report_readings": [],
        "fleet_report_html_file": "none",
        "fleet_report_json_file": str(tmp_path / "fleet_report.json"),
    }
    run = playbook(tmp_path, fresh, variables, "-i", str(inventory), "--limit", "behind,lost", programs=programs).ok()
    assert set(rows(tmp_path)) == {"behind", "lost"}
    assert routes(fresh) == {"exchange": 1, "apps": 1, "A1": 3, "A6": 2, "D1": 2}
    assert left_for_others(run)["outcome"] == "changed"
    assert run.stdout.count("\nTASK [") <= 12
    (told,) = [item.result["msg"] for item in run.results if item.task == "Report the outcome"]
    assert told == f"2 databases: 2 good. The report is written to {tmp_path}/fleet_report.json."


def test_a_limit_does_not_choose_from_a_list(fresh: Sandbox, tmp_path: Path) -> None:
    """It would select nothing, and the run would be green."""
    inventory = tmp_path / "fleet.scalingo_databases.yml"
    inventory.write_text("plugin: community.scalingo.scalingo_databases\n", encoding="utf-8")
    variables = {"fleet_report_apps": ["shop"], "fleet_report_json_file": str(tmp_path / "fleet_report.json")}
    run = playbook(tmp_path, fresh, variables, "-i", str(inventory), "--limit", "behind").clean()
    assert run.returncode != 0 and "--limit cannot choose from a list of databases" in run.output
    assert left(tmp_path) == {}


def test_all_apps_of_the_regions_are_found_by_variables_alone(fresh: Sandbox, tmp_path: Path) -> None:
    """Patterns choose among the apps that the platform lists. A region that lists none is a row that says why."""
    fresh.fault(match={"route": "apps", "region": "osc-secnum-fr1"}, do="status", status=403)
    variables = {
        "fleet_report_apps": ["l*"],
        "fleet_report_regions": ["osc-fr1", "osc-secnum-fr1"],
        "fleet_report_readings": [],
        "fleet_report_html_file": "none",
        "fleet_report_json_file": str(tmp_path / "fleet_report.json"),
    }
    # The addresses are those of the regions, and the app of the surroundings is not meant.
    run = playbook(
        tmp_path, fresh, variables, SCALINGO_API_URL="", SCALINGO_DB_API_URL="", SCALINGO_DB_URL="", SCALINGO_APP="shop"
    ).ok()
    assert left_for_others(run)["outcome"] == "changed"
    found = rows(tmp_path)
    assert {name: row["level"] for name, row in found.items()} == {
        "all apps in osc-secnum-fr1": "unreadable",
        "ledger/postgresql-ng": "good",
        "lost/redis": "good",
    }
    assert "status 403" in found["all apps in osc-secnum-fr1"]["reasons"][0]["text"]
    assert routes(fresh) == {"exchange": 1, "regions": 1, "apps": 2, "A1": 2, "A6": 2, "D1": 2}


def test_with_the_tag_of_a_phase_the_later_ones_are_left_out(fresh: Sandbox, tmp_path: Path) -> None:
    variables = {"fleet_report_databases": [{"app": "shop", "addon": "mysql"}], "fleet_report_readings": []}
    run = playbook(tmp_path, fresh, variables, "--tags", "fleet_report_read").ok()
    assert left_for_others(run)["outcome"] == "skipped" and left_for_others(run)["steps"] == []
    assert routes(fresh)["D1"] == 1 and left(tmp_path) == {}


def test_nothing_to_report_on_is_refused(fresh: Sandbox, tmp_path: Path) -> None:
    run = playbook(tmp_path, fresh, {"fleet_report_json_file": str(tmp_path / "fleet_report.json")}).failed()
    assert "There is no database to report on." in left_for_others(run)["findings"][0]
    assert left(tmp_path) == {} and fresh.log() == []


def test_the_documented_variables_are_those_of_the_role() -> None:
    """The head of the playbook, the argument specs and the defaults name the same variables."""
    import yaml  # noqa: PLC0415

    role = ROOT / "roles" / "fleet_report"
    specs = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"][
        "main"
    ]["options"]
    defaults = yaml.safe_load((role / "defaults" / "main.yml").read_text(encoding="utf-8"))
    assert {name: option["default"] for name, option in specs.items()} == defaults
    head = (ROOT / "playbooks" / "report.yml").read_text(encoding="utf-8")
    assert set(re.findall(r"^#   (fleet_report_\w+)", head, re.MULTILINE)) == set(specs)
