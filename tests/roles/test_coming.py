# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kinds of databases that nobody knows, in the inventory, a fleet upgrade, the baseline and the report: they are taken as they are."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import yaml
from scalingo_sandbox.testing import Sandbox
from support.playbook import Run
from support.watched import Watched

SEED: dict[str, t.Any] = {
    "user": {"api_token": "tk-us-CanaryOfTheKinds0123456789abcdefghijk"},
    "switches": {"coming_kinds": "shown"},
    "apps": [
        {
            "name": "next",
            "addons": [{"provider": "valkey", "resource_id": "next_1", "database": {"version": "8.0.2-1"}}],
        },
        {"name": "next-ledger", "addons": [{"provider": "mysql-dr", "resource_id": "next_2"}]},
    ],
    "durations": {"backup": 0.2, "upgrade": 0.2, "feature": 0.2},
}
REPORT = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Keep the Valkey as it should be
      ansible.builtin.include_role: {name: community.scalingo.database_baseline}
      vars:
        database_baseline_app: next
        database_baseline_addon: valkey
        database_baseline_wanted: {periodic_backups_enabled: true, periodic_backups_scheduled_at: 4, features: {force-ssl: true}}
        database_baseline_wait_interval: 0.2

    - name: Report
      ansible.builtin.include_role: {name: community.scalingo.fleet_report}
      vars: {fleet_report_apps: [next, next-ledger]}
"""


def test_from_the_inventory_to_the_report(sandbox: Sandbox, tmp_path: Path) -> None:
    ansible = Watched(tmp_path, sandbox)
    path = tmp_path / "fleet.scalingo_databases.yml"
    path.write_text(
        yaml.safe_dump({"plugin": "community.scalingo.scalingo_databases", "regions": ["osc-fr1"]}), encoding="utf-8"
    )
    listed: Run = ansible.inventory("-i", str(path), "--list").clean()
    hosts = json.loads(listed.stdout[listed.stdout.index("\n{") :])["_meta"]["hostvars"]
    assert {name: item["scalingo_engine"] for name, item in hosts.items()} == {"next_1": "valkey", "next_2": "mysql-dr"}

    given = {
        "fleet_upgrade_databases": [{"app": "next", "addon": "valkey"}, {"app": "next-ledger", "addon": "mysql-dr"}],
        "fleet_upgrade_report_file": str(tmp_path / "report.json"),
        "fleet_upgrade_wait_interval": 0.2,
        "fleet_upgrade_settle_seconds": 0.2,
    }
    playbook = "- ansible.builtin.import_playbook: community.scalingo.fleet_upgrade\n"
    ansible.play(playbook, "-e", json.dumps(given)).clean().ok()
    rows = json.loads((tmp_path / "report.json").read_text(encoding="utf-8"))["databases"]
    outcomes = {row["name"]: (row["outcome"], row["version_after"] or row["version_before"]) for row in rows}
    # Of a kind that nobody knows two numbers count as its major version, in which the Valkey stays; the other is at its latest.
    assert outcomes == {"next/valkey": ("changed", "8.0.5-1"), "next-ledger/mysql-dr": ("unchanged", "8.4.7-1")}

    sandbox.clear_log()
    ansible.play(REPORT).clean().ok()
    assert [record.route for record in sandbox.unsafe()] == ["D2", "D6"]
    found = json.loads((tmp_path / "fleet_report.json").read_text(encoding="utf-8"))["databases"]
    assert {row["name"]: row["engine"] for row in found} == {
        "next/valkey": "valkey",
        "next-ledger/mysql-dr": "mysql",
    }
    assert "unreadable" not in {row["level"] for row in found}
