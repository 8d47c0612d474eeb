# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plays and commands in the READMEs of the roles, run as they stand. What else the roles do is tested beside this file."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from scalingo_sandbox.testing import Sandbox
from support import fetched
from support.pages import Page
from support.playbook import ROOT, Ansible
from support.real import DURATIONS, Office, engine, short_directory

BASELINE = Page("roles/database_baseline/README.md")
DRILL = Page("roles/restore_drill/README.md")
OFFSITE = Page("roles/backup_offsite/README.md")
REPORT = Page("roles/fleet_report/README.md")
UPGRADE = Page("roles/upgrade_verify/README.md")
WAVES = Page("roles/fleet_upgrade/README.md")

ADDON = "ad-00000000-0000-4000-8000-000000000048"
INVENTORY = "plugin: community.scalingo.scalingo_databases\nkeyed_groups: [{key: scalingo_engine, prefix: engine}]\n"


def app(name: str, *addons: dict[str, t.Any]) -> dict[str, t.Any]:
    return {"name": name, "addons": list(addons)}


def postgresql(version: str = "16.14.0-1", **more: t.Any) -> dict[str, t.Any]:
    return {"provider": "postgresql", "database": {"version": version, **more}}


SEED: dict[str, t.Any] = {
    "apps": [
        app(
            "shop",
            postgresql("17.9.0-1", backups=[{"method": "periodic", "age": 3600}]),
            {"provider": "redis", "database": {"version": "6.2.14-1"}},
        ),
        app("metrics", {"provider": "influxdb"}),
        app("staging", postgresql("17.9.0-1")),
        app("shop-staging", postgresql("17.11.0-1")),
    ],
    "durations": {**DURATIONS, "backup": 0.1, "upgrade": 0.1},
}
#: One with a server, and a list's other one.
REAL: dict[str, t.Any] = {
    "apps": [
        app("shop", {**postgresql(), "id": ADDON, "resource_id": "shop_1", "engine": "real"}),
        app("blog", {"provider": "mysql", "id": "ad-61ba6a10-3b2f-4b9a-9a5c-0e4a2d1b7c11"}),
    ],
    "durations": {**DURATIONS, "feature": 0.1},
}


@pytest.fixture
def ansible(tmp_path: Path, sandbox: Sandbox) -> Ansible:
    return Ansible(tmp_path, sandbox.environment())


def test_the_report(ansible: Ansible) -> None:
    play, every, fleet = REPORT.run(ansible, replace={"/srv/reports": str(ansible.directory)})
    assert (ansible.directory / "databases.html").exists() and (ansible.directory / "fleet_report.json").exists()
    assert "Write the report" in play.stdout and every.returncode == fleet.returncode == 0


@pytest.mark.long
def test_the_upgrade(ansible: Ansible) -> None:
    (ansible.directory / "look-at-the-shop.yml").write_text(
        "- ansible.builtin.debug:\n    msg: looked\n", encoding="utf-8"
    )
    (upgraded,) = UPGRADE.run(ansible)
    assert "looked" in upgraded.stdout and "nothing is missing" in upgraded.output


@pytest.mark.long
def test_the_upgrade_of_a_fleet(ansible: Ansible, sandbox: Sandbox) -> None:
    (ansible.directory / "fleet.yml").write_text(
        "fleet_upgrade_databases: [{app: shop, addon: postgresql}]\n", encoding="utf-8"
    )
    (ansible.directory / "fleet.scalingo_databases.yml").write_text(
        "plugin: community.scalingo.scalingo_databases\nengines: [postgresql]\nhostname: scalingo_app\n",
        encoding="utf-8",
    )
    play, commands = WAVES.run(ansible)
    assert play.count("failures") == 0 and commands.returncode == 0
    assert sum("upgrade" in record.path for record in sandbox.unsafe()) >= 3


@pytest.mark.long
def test_copies(ansible: Ansible) -> None:
    copies = ansible.directory / "copies"
    (kept,) = OFFSITE.run(ansible, replace={"/var/backups/shop": str(copies)})
    assert kept.count("failures") == 0 and len(list(copies.glob("*.tar.gz"))) == 1


@pytest.mark.long
def test_the_baseline(tmp_path: Path) -> None:
    with Sandbox(seed=REAL) as sandbox:
        ansible = Ansible(tmp_path, sandbox.environment())
        play, inventory, listed = BASELINE.run(
            ansible,
            replace={
                "[pg_trgm, hstore]": "[pg_trgm, hstore], via: direct",
                "/var/lib/drift.json": str(tmp_path / "drift.json"),
            },
            status={"@databases.yml": 2},
            options=["-e", "vault_reporting=a-password-of-24-characters"],
        )
        assert play.count("changed") and (tmp_path / "drift.json").exists()
        assert "as declared" in inventory.stdout and "2 of 2 databases are not" in listed.stdout


@pytest.mark.long
def test_the_drill() -> None:
    with short_directory() as directory, Sandbox(seed=REAL) as sandbox:
        engine(sandbox, ADDON).rows("CREATE TABLE orders AS SELECT 1 AS number, now() AS ordered_at")
        Office(sandbox).backup(ADDON)
        ansible = Ansible(directory, sandbox.environment())
        (directory / "databases.scalingo_databases.yml").write_text(INVENTORY, encoding="utf-8")
        here = {
            "restore_drill_programs": fetched.postgres("16.14") / "bin",
            "restore_drill_client_programs": ROOT / ".cache" / "postgres" / "clients" / "18" / "bin",
            "restore_drill_work_dir": directory,
        }
        options = [word for name, value in here.items() for word in ("-e", f"{name}={value}")]
        play, commands = DRILL.run(
            ansible,
            replace={
                "/var/lib/": f"{directory}/",
                "community.scalingo.restore_drill -e": f"community.scalingo.restore_drill {' '.join(options)} -e",
            },
            options=options,
        )
        assert (play.stdout + commands.stdout).count("the drill passed. The evidence is") == 3
