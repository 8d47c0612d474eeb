# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which database a role is about, beside `module_defaults` of the user and keywords of the play, on the oldest and the newest core."""

from __future__ import annotations

import sys
import typing as t
from pathlib import Path

import pytest
from scalingo_sandbox.testing import Sandbox
from support.playbook import ROOT, Run, oldest_core
from support.watched import Watched

API_TOKEN = "tk-us-CanaryOfTheTarget0123456789abcdefghij"
MYSQL = "ad-00000000-0000-4000-8000-000000000091"
SEED: dict[str, t.Any] = {
    "user": {"api_token": API_TOKEN},
    "apps": [
        {
            "name": "shop",
            "addons": [
                {"provider": "mysql", "id": MYSQL, "database": {"backups": [{"method": "manual", "age": 3600}]}},
                {"provider": "redis", "database": {"backups": [{"method": "manual", "age": 3600}]}},
            ],
        },
        {"name": "blog", "addons": [{"provider": "mysql", "database": {"backups": [{"age": 7200}]}}]},
    ],
}
GROUP = "group/community.scalingo.scalingo"
NEWEST = ROOT / ".cache" / "core-newest" / "bin"


@pytest.fixture(params=["oldest", pytest.param("newest", marks=pytest.mark.long)])
def ansible(request: pytest.FixtureRequest, sandbox: Sandbox, tmp_path: Path) -> Watched:
    newest = NEWEST if NEWEST.exists() else Path(sys.executable).parent
    return Watched(tmp_path, sandbox, programs=oldest_core() if request.param == "oldest" else newest)


def copy(how: str = "import_role", **variables: t.Any) -> dict[str, t.Any]:
    return {
        "name": "Copy it",
        f"ansible.builtin.{how}": {"name": "community.scalingo.backup_offsite"},
        "vars": {f"backup_offsite_{name}": value for name, value in {"allow": ["new_directory"], **variables}.items()},
    }


def asked(sandbox: Sandbox) -> set[str]:
    return {record.addon_id for record in sandbox.log() if record.role == "db"}


def summary(run: Run) -> dict[str, t.Any]:
    return t.cast(dict[str, t.Any], run.result("Compile the summary")["ansible_facts"]["backup_offsite_summary"])


@pytest.mark.parametrize("how", ["import_role", "include_role"])
def test_defaults_of_the_user_stay_and_the_role_says_the_database(
    ansible: Watched, sandbox: Sandbox, tmp_path: Path, how: str
) -> None:
    """Neither the connection of the play's group defaults is lost, nor does their app or addon win."""
    nothing = dict.fromkeys(sandbox.environment())
    elsewhere = {**sandbox.params(), "api_retries": 0, "app": "blog", "addon": "redis"}
    run = ansible.tasks(
        [copy(how, app="shop", addon_id=MYSQL, directory=str(tmp_path / "copies"))],
        module_defaults={GROUP: elsewhere},
        environment=nothing,
    ).clean()
    assert summary(run.ok())["database"]["addon_id"] == MYSQL and asked(sandbox) == {MYSQL}


def test_what_the_role_does_not_say_is_the_users_default(ansible: Watched, sandbox: Sandbox, tmp_path: Path) -> None:
    run = ansible.tasks(
        [copy(addon="redis", directory=str(tmp_path / "copies"))],
        module_defaults={GROUP: {"app": "shop", "addon": "mysql"}},
        environment={"SCALINGO_APP": "blog"},
    )
    assert summary(run.clean().ok())["database"]["app"] == "shop"
    assert asked(sandbox) == {sandbox.addon_id("shop", "redis")}


def test_a_default_for_one_module_that_names_another_database_is_refused(
    ansible: Watched, sandbox: Sandbox, tmp_path: Path
) -> None:
    """It would win over that of a group: one task of the role would be about another database."""
    run = ansible.tasks(
        [copy(app="shop", addon="mysql", directory=str(tmp_path / "copies"))],
        module_defaults={"community.scalingo.scalingo_backup": {"app": "blog", "addon": "mysql"}},
    )
    message = run.failed().result("Read and validate the role variables")["msg"]
    assert (
        'backup_offsite_app is "shop", and module_defaults of community.scalingo.scalingo_backup say "blog"' in message
    )
    assert "backup_offsite_addon is" not in message and sandbox.log() == []


def test_check_mode_as_a_keyword_is_told_as_such(ansible: Watched, sandbox: Sandbox, tmp_path: Path) -> None:
    """`ansible_check_mode` is that of the command line alone (ansible/ansible 61689)."""
    role = copy(app="shop", addon="mysql", max_age="1s", directory=str(tmp_path / "copies"))
    run = ansible.tasks([{"check_mode": True, "block": [role]}]).clean().ok()
    assert summary(run)["outcome"] == "would_change" and len(summary(run)["steps"]) == 2
    assert {record.route for record in sandbox.unsafe()} <= {"A6", "auth-exchange"}
    assert not (tmp_path / "copies").exists()


def test_a_baseline_in_check_mode_as_a_keyword_would_change(ansible: Watched, sandbox: Sandbox) -> None:
    """With the defaults of the user for the group and for one of the modules, which reach every kind."""
    role = {
        "ansible.builtin.import_role": {"name": "community.scalingo.database_baseline"},
        "vars": {
            "database_baseline_app": "shop",
            "database_baseline_addon_id": MYSQL,
            "database_baseline_wanted": {
                "maintenance_window": {"weekday_utc": 1, "starting_hour_utc": 5},
                "logical_databases": {"names": ["stock"]},
            },
        },
    }
    defaults = {
        GROUP: {**sandbox.params(), "app": "blog"},
        "community.scalingo.scalingo_logical_db": {"api_token": "no"},
    }
    nothing = dict.fromkeys(sandbox.environment())
    run = ansible.tasks([{"check_mode": True, "block": [role]}], module_defaults=defaults, environment=nothing)
    found = run.clean().failed().result("Apply the declared resources")
    assert asked(sandbox) == {MYSQL}
    assert [(item["kind"], item["changed"]) for item in found["differences"]] == [("settings", True)]
    assert [failure["kind"] for failure in found["failures"]] == ["logical_databases"], found
