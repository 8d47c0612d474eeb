# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The page "The roles in a week": its plays and commands, in its order, on a real PostgreSQL."""

from __future__ import annotations

import re
import typing as t

import pytest
import yaml
from scalingo_sandbox.testing import Sandbox
from support import fetched
from support.pages import Page, blocks_of
from support.playbook import ROOT, Ansible
from support.real import DURATIONS, Office, engine, short_directory
from support.roles import SPECIFICATIONS

PAGE = Page("roles")
ADDON = "ad-00000000-0000-4000-8000-000000000046"
SEED: dict[str, t.Any] = {
    "apps": [
        {"name": "shop", "addons": [
            {"provider": "postgresql", "id": ADDON, "resource_id": "shop_1", "engine": "real", "database": {"version": "16.14.0-1"}},
            {"provider": "mysql", "resource_id": "shop_2", "database": {"version": "8.0.40-1"}},
        ]},
        {"name": "blog", "addons": [{"provider": "mysql", "resource_id": "blog_1", "database": {"version": "8.0.40-1"}}]},
    ],
    "durations": DURATIONS,
}  # fmt: skip


def test_every_variable_and_consent_of_the_page_exists() -> None:
    known = {f"{role}_{name}" for role, options in SPECIFICATIONS.items() for name in options}
    roles = "|".join(SPECIFICATIONS)
    named = set(re.findall(rf"\b(?:{roles})_[a-z_]+", PAGE.text))
    others = {name for name in named if name.endswith("_summary") or name.startswith("fleet_upgrade_report")}
    assert len(named) > 20 and sorted(named - others - known) == []
    for play in (yaml.safe_load(text) for name, text in PAGE.files.items() if name.endswith("day.yml")):
        (task,) = play[0]["tasks"]
        role = task["ansible.builtin.include_role"]["name"].rpartition(".")[2]
        assert f":ansplugin:`community.scalingo.{role}#role`" in PAGE.text
        assert all(name.startswith(f"{role}_") for name in task["vars"])
    allowed = {choice for options in SPECIFICATIONS.values() for choice in options.get("allow", {}).get("choices", [])}
    asked = " ".join(re.findall(r"^- \*\*Asks for consent:\*\* (.*(?:\n  .*)*)", PAGE.text, re.MULTILINE))
    consents = {word for word in re.findall(r"``(\w+)``", asked) if not word.startswith("database_baseline")}
    assert consents == {"new_directory", "export", "eviction", "major", "no_scout"} and consents <= allowed


@pytest.mark.long
def test_a_week() -> None:
    with short_directory() as directory, Sandbox(seed=SEED) as sandbox:
        engine(sandbox, ADDON).rows("CREATE TABLE orders AS SELECT generate_series(1, 1000) AS number")
        Office(sandbox).backup(ADDON)
        ansible = Ansible(directory, sandbox.running.exports())
        here = {
            "restore_drill_programs": str(fetched.postgres("16.14") / "bin"),
            "restore_drill_client_programs": str(ROOT / ".cache" / "postgres" / "clients" / "18" / "bin"),
            "restore_drill_work_dir": str(directory),
        }
        more = "".join(f"        {name}: {value}\n" for name, value in here.items())
        monday, tuesday, wednesday, thursday, friday, major, fleet = PAGE.run(ansible, more={"thursday.yml": more})
        said = [" ".join(block.text.split()) for block in blocks_of(PAGE.path) if block.kind == "text"]
        assert " databases: " in monday.stdout and "The report is written to" in monday.stdout
        assert (directory / "fleet_report.html").is_file()
        assert said[1].replace("~", str(ansible.home)) in tuesday.stdout and ".tar.gz.json" in tuesday.stdout
        for sentence in re.findall(r"shop/postgresql .*?\.(?= |$)", said[2]):
            assert sentence in wednesday.stdout, sentence
        assert "the drill passed. The evidence is" in thursday.stdout and "SHA-256" in thursday.stdout
        assert re.sub(r"\d+\.\d+\.\d+-1", "VERSION", said[3]) in re.sub(r"\d+\.\d+\.\d+-1", "VERSION", friday.output)
        assert re.search(r"shop/postgresql: upgraded from 16\S+ to 17\S+, and nothing is missing", major.output)
        assert "nothing is missing" in said[4]
        assert "would change" in fleet.output and "nothing is missing" in fleet.output, fleet.output
        # What is as declared, and up to date, stays.
        for name in ("wednesday.yml", "friday.yml"):
            again = ansible.play((directory / name).read_text(encoding="utf-8")).ok().clean()
            assert again.count("changed") == 0, f"{name}\n{again}"
