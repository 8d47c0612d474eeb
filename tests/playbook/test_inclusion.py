# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A collection of which only meta, plugins, roles and playbooks are left, as Ansible's community demands it."""

from __future__ import annotations

import json
from pathlib import Path

from scalingo_sandbox.testing import Sandbox
from support.playbook import ROOT, Ansible, task


def test_nothing_but_the_four_directories_is_needed(ansible: Ansible, sandbox: Sandbox, tmp_path: Path) -> None:
    place = tmp_path / "rest" / "ansible_collections" / "community" / "scalingo"
    place.mkdir(parents=True)
    for name in ("meta", "plugins", "roles", "playbooks"):
        (place / name).symlink_to(ROOT / name)
    ansible.environment["ANSIBLE_COLLECTIONS_PATH"] = str(tmp_path / "rest")
    read = ansible.tasks([task("scalingo_database_info", "read", app="shop", addon="mysql")]).ok().clean()
    assert str(ROOT / "galaxy.yml") not in read.output
    given = ansible.directory / "given.json"
    given.write_text(
        json.dumps({"fleet_report_apps": ["shop"], "fleet_report_readings": ["versions"]}), encoding="utf-8"
    )
    report = ansible._run("ansible-playbook", ["community.scalingo.report", "-e", f"@{given}"], None, 300).ok().clean()
    assert (ansible.directory / "fleet_report.json").is_file(), str(report)
    assert sandbox.unsafe() == []
