# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guide "A restore drill every week": its files are written and its commands run by a shell, in its order, on a real PostgreSQL."""

from __future__ import annotations

import json
import re
import typing as t

import pytest
import yaml
from scalingo_sandbox.testing import Sandbox
from support import fetched
from support.pages import Page
from support.playbook import ROOT, Ansible
from support.real import DURATIONS, Office, engine, short_directory
from support.roles import SPECIFICATIONS

PAGE = Page("drills")
ADDON = "ad-00000000-0000-4000-8000-000000000045"
SEED: dict[str, t.Any] = {
    "apps": [
        {"name": "shop", "addons": [
            {"provider": "postgresql", "id": ADDON, "resource_id": "shop_1", "engine": "real", "database": {"version": "16.14.0-1"}},
        ]},
        {"name": "blog", "addons": [{"provider": "postgresql", "resource_id": "blog_1", "database": {"version": "16.14.0-1"}}]},
    ],
    "durations": DURATIONS,
}  # fmt: skip


def test_every_variable_of_the_page_exists() -> None:
    known = {f"{role}_{name}" for role, options in SPECIFICATIONS.items() for name in options}
    heads = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "playbooks").glob("*.yml"))
    named = set(re.findall(r"\b(?:restore_drill|fleet_report|upgrade_verify|fleet_upgrade)_[a-z_]+", PAGE.text)) - {
        "restore_drill_policy"
    }
    named |= set(re.findall(r"\b(?:verify_evidence|drill_coverage|scalingo_hosts)_[a-z_]+", PAGE.text))
    assert not [name for name in named if name not in known and not re.search(rf"^#   {name}\b", heads, re.MULTILINE)]


@pytest.mark.long
def test_the_commands_of_the_page_do_what_it_says() -> None:
    with short_directory() as directory, Sandbox(seed=SEED) as sandbox:
        engine(sandbox, ADDON).rows("CREATE TABLE orders AS SELECT generate_series(1, 1000) AS number")
        Office(sandbox).backup(ADDON)
        ansible = Ansible(directory, {**sandbox.environment(), "SCALINGO_API_RETRIES": "0"})
        here = {
            "restore_drill_programs": str(fetched.postgres("16.14") / "bin"),
            "restore_drill_client_programs": str(ROOT / ".cache" / "postgres" / "clients" / "18" / "bin"),
            "restore_drill_work_dir": str(directory),
        }
        *shell, refused = PAGE.run(
            ansible,
            replace={"2027-06-30": "2999-12-31"},
            more={"drills.yml": yaml.safe_dump(here)},
            status={"upgrade_verify_require_rehearsal": 2},
        )
        prepared, one, checked, verified, fleet, covered = (run.output for run in shell)
        assert not prepared and "the drill passed. The evidence is" in one and "SHA-256" in checked
        assert verified.count("signed by drills@example.com") == 2 and "1 of 1 databases passed the drill" in fleet
        assert "1 of 1 databases in scope passed a drill within 90d: 1 excluded." in covered
        report = json.loads((directory / "drill_coverage.json").read_text(encoding="utf-8"))
        assert [(row["name"], row["status"], row["drills"]) for row in report["databases"]] == [
            ("shop", "drilled", 3),
            ("blog", "excluded", 0),
        ]
        assert "Restore drills" in (directory / "drill_coverage.html").read_text(encoding="utf-8")

        described = (ROOT / "docs" / "evidence.md").read_text(encoding="utf-8")
        named = set(re.findall(r"`(\w+)`", described.split("## What is in it")[1].split("##")[0]))
        records = sorted((ansible.home / "drills" / "evidence").glob("shop*.json"))
        assert len(records) == 3
        for written in (json.loads(path.read_text(encoding="utf-8")) for path in records):
            inner = {
                key for part in ("run", "database", "source", "rpo", "rto", "server", "tables") for key in written[part]
            }
            assert sorted((written.keys() | inner) - named) == []

        assert "no rehearsal of its upgrade to 17 passed within 30d" in refused.output
        assert not [record for record in sandbox.unsafe() if record.role != "auth" and record.route == "D2"]
