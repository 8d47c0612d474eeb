# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The guide "A restore drill every week": its files are written and its commands run by a shell, in its order, on a real PostgreSQL."""

from __future__ import annotations

import json
import re
import subprocess
import textwrap
import typing as t

import pytest
import yaml
from scalingo_sandbox.testing import Sandbox
from support import fetched
from support.playbook import ROOT, Ansible
from support.real import DURATIONS, Office, engine, short_directory
from support.roles import SPECIFICATIONS

PAGE = (ROOT / "docs" / "docsite" / "rst" / "drills.rst").read_text(encoding="utf-8")
BLOCK = re.compile(r"\.\. code-block:: (\S+)\n(?:   :caption: (\S+)\n)?\n(.*?)(?=\n\S|\Z)", re.DOTALL)
BLOCKS = [(kind, name, textwrap.dedent(text)) for kind, name, text in BLOCK.findall(PAGE)]
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
    named = set(re.findall(r"\b(?:restore_drill|fleet_report|upgrade_verify|fleet_upgrade)_[a-z_]+", PAGE)) - {
        "restore_drill_policy"
    }
    named |= set(re.findall(r"\b(?:verify_evidence|drill_coverage|scalingo_hosts)_[a-z_]+", PAGE))
    assert not [name for name in named if name not in known and not re.search(rf"^#   {name}\b", heads, re.MULTILINE)]


@pytest.mark.long
def test_the_commands_of_the_page_do_what_it_says() -> None:
    with short_directory() as directory, Sandbox(seed=SEED) as sandbox:
        engine(sandbox, ADDON).rows("CREATE TABLE orders AS SELECT generate_series(1, 1000) AS number")
        Office(sandbox).backup(ADDON)
        ansible = Ansible(directory, {**sandbox.environment(), "SCALINGO_API_RETRIES": "0"})
        variables = ansible.variables()
        variables["PATH"] = f"{ansible.programs}:{variables.get('PATH', '/usr/bin:/bin')}"
        here = {
            "restore_drill_programs": str(fetched.postgres("16.14") / "bin"),
            "restore_drill_client_programs": str(ROOT / ".cache" / "postgres" / "clients" / "18" / "bin"),
            "restore_drill_work_dir": str(directory),
        }
        said = []
        for kind, name, text in BLOCKS:
            if kind == "yaml":
                more = yaml.safe_dump(here) if name == "drills.yml" else ""
                (directory / name).write_text(text.replace("2027-06-30", "2999-12-31") + more, encoding="utf-8")
            elif kind == "shell":
                done = subprocess.run(
                    ["bash", "-euo", "pipefail", "-c", text], cwd=directory, env=variables, capture_output=True, text=True, check=False,
                )  # fmt: skip
                assert done.returncode == 0, f"{text}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
                said.append(done.stdout + done.stderr)
        prepared, one, checked, verified, fleet, covered = said
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

        (play,) = [text for kind, dummy, text in BLOCKS if "hosts:" in text]
        refused = ansible.play(play).failed()
        assert "no rehearsal of its upgrade to 17 passed within 30d" in refused.output
        assert not [record for record in sandbox.unsafe() if record.role != "auth" and record.route == "D2"]
