# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables as the command line and surveys give them, on the oldest ansible-core and on that of the tests: text, null, blank.

That every variable of every role is read so is tested in-process, by tests/unit/test_role_variables.py.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from scalingo_sandbox.testing import Sandbox
from support.playbook import ROOT, Run, oldest_core
from support.watched import Watched

CANARY = "canary-of-a-wrong-variable-0123456789"
SEED: dict[str, t.Any] = {
    "user": {"api_token": "tk-us-CanaryOfTheText0123456789abcdefghijkl"},
    "apps": [
        {
            "name": "shop",
            "addons": [{"provider": "mysql", "resource_id": "shop_1", "database": {"version": "8.0.40-1"}}],
        },
        {"name": "blog", "addons": [{"provider": "redis", "resource_id": "blog_1"}]},
        {"name": "vault", "region": "osc-secnum-fr1", "addons": [{"provider": "postgresql", "resource_id": "vault_1"}]},
    ],
}
BASELINE = [
    {
        "hosts": "localhost", "gather_facts": False,
        "tasks": [
            {
                "name": "Keep it",
                "ansible.builtin.include_role": {"name": "community.scalingo.database_baseline", "rolespec_validate": False},
                "vars": {"database_baseline_app": "shop", "database_baseline_addon": "mysql"},
            },
        ],
    },
]  # fmt: skip
SPEED = 100


NEWEST = ROOT / ".cache" / "core-newest" / "bin"


#: Of what tests/unit/test_role_variables.py proves, and test_awx.py under the newest, one run is enough.
ON_THE_OLDEST = pytest.mark.parametrize("ansible", ["oldest"], indirect=True)


@pytest.fixture(params=["oldest", pytest.param("newest", marks=pytest.mark.long)])
def ansible(request: pytest.FixtureRequest, sandbox: Sandbox, tmp_path: Path) -> Watched:
    newest = NEWEST if NEWEST.exists() else Path(sys.executable).parent
    return Watched(tmp_path, sandbox, programs=oldest_core() if request.param == "oldest" else newest, more=[CANARY])


def playbook(ansible: Watched, name: str, *options: str, **environment: str) -> Run:
    text = f"- ansible.builtin.import_playbook: community.scalingo.{name}\n"
    return ansible.play(text, *[word for option in options for word in ("-e", option)], environment=environment)


def statistic(run: Run, task: str, name: str) -> dict[str, t.Any]:
    return t.cast(dict[str, t.Any], run.result(task)["ansible_stats"]["data"][name])


def written(sandbox: Sandbox) -> list[str]:
    return [
        record.action_name or record.route for record in sandbox.unsafe() if record.route not in ("A6", "auth-exchange")
    ]


#: What is wrong with the variables of each role that Ansible's own validation takes, and how each refusal begins.
WRONG: t.Mapping[str, t.Mapping[str, tuple[t.Any, str]]] = {
    "backup_offsite": {"directory": ("copies", ' is "copies": give '), "max_age": ("soon", ' is "soon": give '), "keep_count": ("0", ' is "0": give ')},
    "database_baseline": {"wanted": ({"plan": "mysql-starter-512", "users": [{"name": "x", "password": CANARY}]}, ".users: name: 'x' is not ")},
    "fleet_report": {"levels": ({"public": "high"}, '.public is "high": give '), "disk_critical_percent": (101, " is 101: give ")},
    "fleet_upgrade": {
        "waves": ([1, 0], "[1] is 0: give "), "freeze": ("2026-12-20", '[0] is "2026-12-20": give '), "stop_starting_at": (1350, " is 1350: give "),
    },
    "restore_drill": {
        "evidence_dir": ("/tmp/evidence", ""), "server_url": (f"mysql://me:{CANARY}@here/", " is not right: give "), "jobs": (-1, " is -1: give "),
    },
    "upgrade_verify": {"to": ("newest", ' is "newest": give '), "not_after": ("04:00", ' is "04:00": give ')},
}  # fmt: skip


def test_each_role_refuses_in_its_first_task_what_is_wrong(ansible: Watched, sandbox: Sandbox) -> None:
    tasks = [
        {
            "block": [
                {
                    "name": "Include",
                    "ansible.builtin.include_role": {"name": f"community.scalingo.{role}"},
                    "vars": {f"{role}_{name}": value for name, (value, dummy) in WRONG[role].items()},
                }
            ],
            "rescue": [{"name": "Failed", "ansible.builtin.set_fact": {"said": "{{ %s_given.msg }}" % role}}],
        }
        for role in WRONG
    ]
    run = ansible.tasks(tasks).clean().ok()
    own = [item.task for item in run.results if item.task != "Include" and not item.task.startswith("Validating ")]
    told = ["Report the outcome", "Fail with the findings and the next steps"]
    assert own == [
        task for role in WRONG
        for task in ("Read and validate the role variables", *(told if role == "upgrade_verify" else ()), "Failed")
    ]  # fmt: skip
    for role, failed in zip(WRONG, run.tasks("Failed")):
        first, *problems = failed.result["ansible_facts"]["said"].split("\n")
        assert first == f"The variables of the role {role} are not valid, and nothing was done:"
        expected = [f"- {role}_{name}{text}" for name, (dummy, text) in WRONG[role].items() if text]
        assert [any(problem.startswith(text) for problem in problems) for text in expected] == [True] * len(problems)
    assert sandbox.log() == []


def test_what_comes_from_the_command_line_is_refused_before_anything_is_asked(
    ansible: Watched, sandbox: Sandbox, tmp_path: Path
) -> None:
    password = tmp_path / "password"
    password.write_text("for the vault\n", encoding="utf-8")
    vaulted = subprocess.run(
        [ansible.programs / "ansible-vault", "encrypt_string", "--vault-password-file", password, "--name", "backup_offsite_region", f"a b {CANARY}"],
        capture_output=True, text=True, check=True, env={**os.environ, "HOME": str(tmp_path)},
    )  # fmt: skip
    (tmp_path / "more.yml").write_text(
        vaulted.stdout + '\nbackup_offsite_addon: "{{ nobody_knows }}"\n', encoding="utf-8"
    )
    options = (f"backup_offsite_directory={tmp_path}", "backup_offsite_keep_dys=30", "backup_offsite_keep_count=many")
    words = [word for option in (*options, f"@{tmp_path}/more.yml") for word in ("-e", option)]
    text = "- ansible.builtin.import_playbook: community.scalingo.backup\n"
    run = ansible.play(text, *words, "--vault-password-file", str(password)).failed()
    (finding,) = statistic(run, "Publish the summary", "scalingo_backup")["findings"]
    assert "- backup_offsite_keep_dys is not known: did you mean backup_offsite_keep_days?" in finding
    assert '- backup_offsite_keep_count is "many": give a whole number from 1 up' in finding
    assert "- backup_offsite_region is not right: give a name or an ID" in finding
    assert "- backup_offsite_addon is a template that cannot be expanded: " in finding and "nobody_knows" in finding
    assert sandbox.log() == []


@ON_THE_OLDEST
def test_the_consent_to_an_export_is_no_word_that_is_true(ansible: Watched, sandbox: Sandbox, tmp_path: Path) -> None:
    vault = (
        "restore_drill_app=vault",
        "restore_drill_region=osc-secnum-fr1",
        f"restore_drill_evidence_dir={tmp_path / 'evidence'}",
    )
    region = {name: value for name, value in sandbox.environment("osc-secnum-fr1").items() if value is not None}
    run = playbook(
        ansible, "restore_drill", *vault, "restore_drill_allow=", "restore_drill_make_backup=true", **region
    ).failed()
    (finding,) = statistic(run, "Publish the summary", "scalingo_restore_drill")["findings"]
    assert "restore_drill_allow: [export]" in finding and written(sandbox) == []


@ON_THE_OLDEST
def test_a_structure_as_json_text_is_looked_after(ansible: Watched, sandbox: Sandbox) -> None:
    """What is null in it is not declared."""
    wanted = {"periodic_backups_scheduled_at": "7", "features": {"force-ssl": True}, "sql_modes": None}
    given = {"database_baseline_wanted": json.dumps(wanted), "database_baseline_wait_interval": "0.2"}
    run = ansible.play(BASELINE, "-e", json.dumps(given)).ok()
    summary = run.result("Apply the declared resources")
    assert (summary["outcome"], len(summary["steps"])) == ("changed", 2)


@ON_THE_OLDEST
def test_a_structure_of_which_everything_is_null_declares_nothing(ansible: Watched, sandbox: Sandbox) -> None:
    run = ansible.play(BASELINE, "-e", '{"database_baseline_wanted": {"sql_modes": null}}').failed()
    message = run.result("Apply the declared resources")["msg"]
    assert "database_baseline_wanted declares nothing for shop/mysql" in message and sandbox.log() == []


@ON_THE_OLDEST
def test_apps_with_commas_are_apps(ansible: Watched, sandbox: Sandbox, tmp_path: Path) -> None:
    nothing = (
        "fleet_report_regions=",
        '{"fleet_report_title": null}',
        "fleet_report_html_file=none",
        "fleet_report_readings=backups",
    )
    run = playbook(
        ansible,
        "report",
        "fleet_report_apps=shop,blog",
        "fleet_report_json_file=%s" % (tmp_path / "fleet.json"),
        *nothing,
    ).ok()
    assert statistic(run, "Publish the summary", "scalingo_report")["html_file"] == ""
    assert sorted(row["name"] for row in json.loads((tmp_path / "fleet.json").read_text())["databases"]) == [
        "blog/redis",
        "shop/mysql",
    ]
