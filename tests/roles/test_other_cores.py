# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Roles and playbooks under the other versions of ansible-core, whose templates keep other types."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from scalingo_sandbox.testing import Sandbox
from support.playbook import ROOT, Ansible
from support.real import DURATIONS

CORES = sorted((ROOT / ".cache").glob("core-*/bin/ansible-playbook"))
MYSQL = "ad-00000000-0000-4000-8000-000000000081"
SEED: dict[str, t.Any] = {
    "apps": [
        {
            "name": "shop",
            "addons": [
                {
                    "provider": "mysql", "id": MYSQL, "resource_id": "shop_1001",
                    "database": {"version": "8.0.40-1", "logical_databases": ["orders"], "users": ["reporting"]},
                },
                {"provider": "influxdb", "resource_id": "shop_1003"},
            ],
        },
    ],
    "durations": {**DURATIONS, "backup": 1, "upgrade": 1},
}  # fmt: skip
WANTED = {
    "periodic_backups_enabled": True,
    "periodic_backups_scheduled_at": 4,
    "maintenance_window": {"weekday_utc": "sunday", "starting_hour_utc": 22},
    "features": {"force-ssl": True},
    "logical_databases": {"names": ["orders", "stock"], "exclusive": False},
    "sql_modes": ["ANSI"],
    "users": [{"name": "reporting"}, {"name": "analyst", "read_only": True, "password": "OfTheUser/0123456789+abcdef"}],
}
KEEP = [
    {
        "hosts": "localhost", "gather_facts": False,
        "tasks": [{"name": "Keep it", "ansible.builtin.import_role": {"name": "community.scalingo.database_baseline"}}],
    },
]  # fmt: skip
UPGRADE = {"app": "shop", "addon": "mysql", "wait_interval": 0.2, "settle_seconds": 0}


def called(playbook: str) -> str:
    return "- name: Call it\n  ansible.builtin.import_playbook: community.scalingo.%s\n" % playbook


@pytest.mark.parametrize("program", CORES, ids=lambda path: path.parts[-3])
@pytest.mark.endurance
def test_a_database_is_kept_looked_at_and_upgraded(program: Path, tmp_path: Path) -> None:
    with Sandbox(SEED, speed=10) as sandbox:
        ansible = Ansible(tmp_path, sandbox.environment(), programs=program.parent)

        def run(play: t.Any, *options: str, **variables: t.Any) -> t.Any:
            return ansible.play(play, "-e", json.dumps(variables), *options).clean()

        fleet: dict[str, t.Any] = {"drift_databases": [{"app": "shop", "addon": "mysql", "wanted": WANTED}], "drift_file": str(tmp_path / "drift.json")}
        kept = {"app": "shop", "addon": "mysql", "wanted": WANTED, "wait_interval": 0.2}
        drifted = run(called("drift"), **fleet).failed()
        found = json.loads((tmp_path / "drift.json").read_text(encoding="utf-8"))
        assert (found["outcome"], found["drifted"], found["failed"]) == ("drifted", ["shop/mysql"], [])
        assert [item["kind"] for item in found["databases"][0]["differences"]] == ["settings", "logical_databases", "sql_modes", "users"]
        assert found["databases"][0]["differences"][0]["after"]["maintenance_window"]["starting_hour_utc"] == 22
        assert drifted.result("Pass on what came out")["ansible_stats"]["data"]["scalingo_drift"] == found
        keeping = run(KEEP, **{"database_baseline_" + name: value for name, value in kept.items()}).ok()
        after = keeping.result("Summarise")["ansible_facts"]["database_baseline_summary"]
        assert after["outcome"] == "changed" and after["steps"] == [step for item in found["databases"][0]["differences"] for step in item["steps"]]
        run(called("drift"), **fleet).ok()
        fleet["drift_databases"] = [{"app": "shop", "addon": "mysql", "wanted": {"plan": "mysql-starter-1024"}}]
        run(called("drift"), **fleet).failed()
        (found,) = json.loads((tmp_path / "drift.json").read_text(encoding="utf-8"))["databases"]
        assert (found["outcome"], [item["kind"] for item in found["differences"]]) == ("would_change", ["plan"])

        def upgrade(*options: str) -> t.Any:
            done = run(called("upgrade"), *options, **{"upgrade_verify_" + name: value for name, value in UPGRADE.items()}).ok()
            return done.result("Pass on what came out")["ansible_stats"]["data"]["scalingo_upgrade"]

        assert (upgrade("--check")["outcome"], upgrade()["outcome"], upgrade()["outcome"]) == ("would_change", "changed", "unchanged")
