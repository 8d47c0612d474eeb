# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Variables as the command line and surveys give them, on the oldest ansible-core and on that of the tests: text, null, blank.

That every variable of every role is read so is tested in-process, by tests/unit/test_role_variables.py.
"""

from __future__ import annotations

import json
import sys
import typing as t
from pathlib import Path

import pytest
from scalingo_sandbox.testing import Sandbox
from support.playbook import ROOT, Run, oldest_core
from support.watched import Watched

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


@pytest.fixture(params=["oldest", "newest"])
def ansible(request: pytest.FixtureRequest, sandbox: Sandbox, tmp_path: Path) -> Watched:
    return Watched(
        tmp_path, sandbox, programs=oldest_core() if request.param == "oldest" else Path(sys.executable).parent
    )


def playbook(ansible: Watched, name: str, *options: str, **environment: str) -> Run:
    text = (ROOT / "playbooks" / (name + ".yml")).read_text(encoding="utf-8")
    return ansible.play(text, *[word for option in options for word in ("-e", option)], environment=environment)


def statistic(run: Run, task: str, name: str) -> dict[str, t.Any]:
    return t.cast(dict[str, t.Any], run.result(task)["ansible_stats"]["data"][name])


def written(sandbox: Sandbox) -> list[str]:
    return [
        record.action_name or record.route for record in sandbox.unsafe() if record.route not in ("A6", "auth-exchange")
    ]


def test_the_consent_to_an_export_is_no_word_that_is_true(ansible: Watched, sandbox: Sandbox, tmp_path: Path) -> None:
    vault = (
        "restore_drill_app=vault",
        "restore_drill_region=osc-secnum-fr1",
        "restore_drill_evidence_dir=%s" % (tmp_path / "evidence"),
    )
    region = {name: value for name, value in sandbox.environment("osc-secnum-fr1").items() if value is not None}
    run = playbook(ansible, "restore_drill", *vault, "restore_drill_allow_export=false", **region).failed()
    (finding,) = statistic(run, "Pass on what came out", "scalingo_restore_drill")["findings"]
    assert (
        "restore_drill_allow_export is not known: did you mean restore_drill_allow?" in finding and sandbox.log() == []
    )
    run = playbook(
        ansible, "restore_drill", *vault, "restore_drill_allow=", "restore_drill_make_backup=true", **region
    ).failed()
    (finding,) = statistic(run, "Pass on what came out", "scalingo_restore_drill")["findings"]
    assert "restore_drill_allow: [export]" in finding and written(sandbox) == []


def test_a_structure_as_json_text_is_looked_after(ansible: Watched, sandbox: Sandbox) -> None:
    wanted = {"periodic_backups_scheduled_at": "7", "features": {"force-ssl": True}}
    options = (
        "-e",
        json.dumps({"database_baseline_wanted": json.dumps(wanted), "database_baseline_wait_interval": "0.2"}),
    )
    summary = ansible.play(BASELINE, *options).ok().result("Summarise")["ansible_facts"]["database_baseline_summary"]
    assert (summary["outcome"], len(summary["steps"])) == ("changed", 2)
    summary = ansible.play(BASELINE, *options).ok().result("Summarise")["ansible_facts"]["database_baseline_summary"]
    assert summary["outcome"] == "unchanged"


def test_what_is_null_in_a_structure_is_not_declared(ansible: Watched, sandbox: Sandbox) -> None:
    run = ansible.play(BASELINE, "-e", '{"database_baseline_wanted": {"sql_modes": null}}').failed()
    assert (
        "database_baseline_wanted declares nothing for shop/mysql"
        in run.result("Tell what is wrong and what to do")["msg"]
    )
    run = ansible.play(BASELINE, "-e", '{"database_baseline_wanted": {"sql_modes": [null]}}').failed()
    assert "database_baseline_wanted.sql_modes[0] is empty" in run.result("Read the variables")["msg"]
    assert sandbox.log() == []


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
    assert statistic(run, "Leave the summary", "scalingo_report")["html_file"] == ""
    assert sorted(row["name"] for row in json.loads((tmp_path / "fleet.json").read_text())["databases"]) == [
        "blog/redis",
        "shop/mysql",
    ]


def test_a_typo_ends_the_run_before_anything_is_asked(ansible: Watched, sandbox: Sandbox, tmp_path: Path) -> None:
    run = playbook(
        ansible,
        "backup",
        f"backup_offsite_directory={tmp_path}",
        "backup_offsite_keep_dys=30",
        "backup_offsite_keep_count=many",
    ).failed()
    message = run.result("Read the variables")["msg"]
    assert "backup_offsite_keep_dys is not known: did you mean backup_offsite_keep_days?" in message
    assert 'backup_offsite_keep_count is "many": give a whole number' in message and sandbox.log() == []
