# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The upgrade runbook: its commands are run in its order, and what it says that one reads when it fails is what the role says."""

from __future__ import annotations

import re
import time
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible_collections.community.scalingo.plugins.plugin_utils import _upgrade_report
from scalingo_sandbox.testing import Sandbox
from support import fetched
from support.evidence import drilled
from support.pages import Page
from support.playbook import ROOT, Ansible, Run
from support.real import DURATIONS, Office, engine, short_directory

PAGE = Page("upgrade")
ADDON = "ad-00000000-0000-4000-8000-000000000047"
REHEARSAL = "ansible-playbook community.scalingo.restore_drill"
QUICK = {"upgrade_verify_wait_interval": 0.2, "upgrade_verify_settle_seconds": 0}


def seed(kind: str) -> dict[str, t.Any]:
    others = [
        {"name": name, "addons": [{"provider": "postgresql", "database": {"version": "17.9.0-1"}}]}
        for name in ("staging", "blog")
    ]
    database = {"version": "16.14.0-1", "users": ["reporting"]}
    shop = {"provider": "postgresql", "id": ADDON, "resource_id": "shop_1", "engine": kind, "database": database}
    return {
        "apps": [{"name": "shop", "addons": [shop]}, *others],
        "durations": {**DURATIONS, "backup": 0.1, "upgrade": 0.1},
    }


def replaced(sandbox: Sandbox) -> dict[str, str]:
    """An app that answers, and an end of the night that is none."""
    return {"https://shop.example.com/health": sandbox.auth_url + "/v1/regions", '"04:00"': '"2999-01-01T00:00:00Z"'}


def last_lines(upgraded: Run) -> None:
    wanted = re.search(r"shop/postgresql: upgraded from \S+ to (\S+), and nothing is missing", PAGE.text)
    assert wanted and wanted[0].replace("16.13.0", "16.14.0").replace(wanted[1], "17.") in re.sub(
        r"17\.\d+\.\d+-\d+", "17.", upgraded.output
    )
    assert upgraded.task("Check that all users are still there").result["changed"] is False


def test_an_upgrade_that_was_rehearsed(tmp_path: Path) -> None:
    """The files of the page and its command, without what it reads before and after, and with the evidence of a rehearsal that never was."""
    with Sandbox(seed("memory")) as sandbox:
        ansible = Ansible(tmp_path, sandbox.environment())
        for name, text in PAGE.files.items():
            for old, new in replaced(sandbox).items():
                text = text.replace(old, new)
            (tmp_path / name).write_text(text, encoding="utf-8")
        (command,) = (text for text in PAGE.shell if "community.scalingo.upgrade " in text and "--check" not in text)
        checks = f"upgrade_verify_verification_tasks={tmp_path}/check-the-shop.yml"
        arguments = [
            "-e",
            "@upgrade.yml",
            "-e",
            checks,
            "-e",
            yaml.safe_dump(QUICK, default_flow_style=True, width=999).strip(),
        ]
        assert (
            command.split()[:4] == ["ansible-playbook", "community.scalingo.upgrade", *arguments[:2]]
            and checks.split("/")[-1] in command
        )
        refused = ansible._run("ansible-playbook", ["community.scalingo.upgrade", *arguments], None, 120).failed()
        assert "failed in the phase preflight" in refused.output and "no rehearsal" in refused.output
        assert not [record for record in sandbox.unsafe() if record.route in ("B2", "D3")]

        evidence = ansible.home / "drills" / "evidence"
        evidence.mkdir(parents=True, exist_ok=True)
        drilled(str(evidence), "shop/postgresql", now=time.time(), addon_id=ADDON, rehearsal="17")
        last_lines(ansible._run("ansible-playbook", ["community.scalingo.upgrade", *arguments], None, 120).ok().clean())
        # Always a new backup, once.
        assert [record.route for record in sandbox.unsafe() if record.route in ("B2", "D3")] == ["B2", "D3"]


@pytest.mark.long
def test_the_commands_of_the_page_do_what_it_says() -> None:
    with short_directory() as directory, Sandbox(seed("real")) as sandbox:
        engine(sandbox, ADDON).rows("CREATE TABLE orders AS SELECT generate_series(1, 1000) AS number")
        Office(sandbox).backup(ADDON)
        ansible = Ansible(directory, sandbox.environment())
        here = [
            f"-e restore_drill_programs={fetched.postgres('17.10') / 'bin'}",
            f"-e restore_drill_client_programs={ROOT / '.cache' / 'postgres' / 'clients' / '18' / 'bin'}",
            f"-e restore_drill_work_dir={directory}",
        ]
        read, rehearsed, tried, upgraded, asked, window, fleet = PAGE.run(
            ansible,
            replace={**replaced(sandbox), REHEARSAL: " ".join([REHEARSAL, *here])},
            more={"upgrade.yml": yaml.safe_dump(QUICK), "fleet.yml": "fleet_upgrade_wait_interval: 0.2\n"},
        )
        assert (
            '"majors"' in read.output and '"maintenances": []' in read.output and "the drill passed" in rehearsed.output
        )
        assert "shop/postgresql: would be upgraded from 16.14.0-1 to 17." in tried.output
        last_lines(upgraded)
        assert '"operations": []' in asked.output and '"recovery_windows": []' in window.output
        assert "3 databases: 3 would change." in fleet.output and "databases are upgraded and verified." in fleet.output
        assert (directory / "fleet.json").is_file()


def test_what_one_reads_when_it_fails() -> None:
    """The terms of the list, beside the sentences of the role."""
    listed = PAGE.text.partition("\nWhen it fails\n")[2].partition("\n**Something is missing.**")[0]
    first = re.findall(r"^(\S.*)\n  \S", listed, re.MULTILINE)
    *failed, skipped = first
    for said in failed:
        phase = said.rpartition(" ")[2] if "phase" in said else "upgrade"
        outcome = "interrupted" if "interrupted" in said else "failed"
        summary = {"outcome": outcome, "failed_in": phase, "findings": [], "next_steps": []}
        assert said in _upgrade_report.message("shop/postgresql", summary)
    assert {said.rpartition(" ")[2] for said in failed if "phase" in said} == {
        "preflight",
        "backup",
        "upgrade",
        "verify",
    }
    summary = {
        "outcome": "skipped", "database": {"name": "shop/postgresql"}, "version_before": "16.14.0-1", "version_after": None,
        "version_wanted": None, "steps": ["skipped: the major version 17.5.0-1 is waiting"],
    }  # fmt: skip
    for part in re.split("; | … ", skipped):
        assert part in _upgrade_report.sentence(summary)


@pytest.mark.parametrize(
    ("to", "needs"), [("next", ""), ("latest", ""), ("latest_minor", "upgrade_verify_to=latest with ")]
)
def test_a_major_version_that_waits_needs_no_word_that_is_there(to: str, needs: str) -> None:
    report = _upgrade_report.Report({"to": to, "name": "shop"}, {"major_available": "17.9.0-1"}, None, "")
    assert report.steps == [
        f"skipped: the major version 17.9.0-1 is waiting, and needs {needs}upgrade_verify_allow=major"
    ]


def test_the_line_that_is_shown_while_it_waits_has_the_form_of_others() -> None:
    (shown,) = re.findall(r"scalingo_database_upgrade: (waiting for the upgrade .*)", PAGE.text)
    assert re.fullmatch(
        r"waiting for the upgrade [0-9a-f]{24} \(addon postgresql \(ad-…\) of app shop in osc-fr1\): running, 60 s so far",
        shown,
    )
