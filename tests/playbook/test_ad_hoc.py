# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One command without a playbook."""

from __future__ import annotations

from scalingo_sandbox.testing import Sandbox
from support.playbook import MODULE_PREFIX, Ansible
from support.shop import MYSQL, SEED, routes

DATABASE = MODULE_PREFIX + "scalingo_database"


def test_settings_in_one_command(ansible: Ansible, sandbox: Sandbox) -> None:
    run = ansible.ad_hoc(DATABASE, "app=shop addon=mysql periodic_backups_scheduled_at=3").ok().clean()
    assert run.only.result["changed"] is True and "CHANGED" in run.stdout
    assert run.only.result["database"]["periodic_backups_scheduled_at"] == [3]
    assert [record.body for record in sandbox.unsafe()] == [{"database": {"periodic_backups_scheduled_at": 3}}]
    sandbox.clear_log()
    again = ansible.ad_hoc(DATABASE, "app=shop addon=mysql periodic_backups_scheduled_at=3").ok()
    assert again.only.result["changed"] is False and "SUCCESS" in again.stdout
    assert sandbox.unsafe() == []


def test_check_mode_with_diff_in_one_command(ansible: Ansible, sandbox: Sandbox) -> None:
    run = ansible.ad_hoc(DATABASE, f"app=shop addon={MYSQL} periodic_backups_scheduled_at=3", "-C", "-D").ok().clean()
    assert run.only.result["changed"] is True
    assert sandbox.unsafe() == []
    (shown,) = run.shown_diffs()
    assert (
        '-    "periodic_backups_scheduled_at": "1:00 UTC"' in shown
        and '+    "periodic_backups_scheduled_at": "3:00 UTC"' in shown
    )
    assert shown.startswith(f"--- before: addon mysql ({MYSQL}) of app shop in osc-fr1\n+++ after: addon mysql")
    real = ansible.ad_hoc(DATABASE, f"app=shop addon={MYSQL} periodic_backups_scheduled_at=3", "-D").ok()
    assert real.shown_diffs() == [shown]
    assert real.only.result["diff"] == run.only.result["diff"]


def test_every_kind_of_option_in_key_value_form(ansible: Ansible, sandbox: Sandbox) -> None:
    ansible.ad_hoc(
        DATABASE,
        "app=shop addon=mysql periodic_backups_enabled=yes periodic_backups_scheduled_at=7 "
        "maintenance_window='weekday_utc=friday,starting_hour_utc=4' features=force-ssl=yes,publicly-available=no "
        "wait_timeout=20 wait_interval=0.2 on_busy=fail token_cache=no",
    ).ok()
    assert [record.body for record in sandbox.unsafe()] == [
        {
            "database": {
                "periodic_backups_scheduled_at": 7,
                "maintenance_window": {"weekday_utc": 5, "starting_hour_utc": 4},
            }
        }
    ]


def test_the_other_modules_in_one_command(ansible: Ansible, sandbox: Sandbox) -> None:
    shop = "app=shop addon=mysql "
    listed = ansible.ad_hoc(MODULE_PREFIX + "scalingo_logical_db_info", shop).ok()
    assert [item["name"] for item in listed.only.result["logical_databases"]] == ["shop_1001", "reports"]
    created = ansible.ad_hoc(MODULE_PREFIX + "scalingo_logical_db", shop + "names=orders,invoices", "-D").ok()
    assert created.only.result["changed"] is True and len(created.shown_diffs()) == 1
    assert routes(sandbox.unsafe()) == ["create-database"] * 2
    found = ansible.ad_hoc(MODULE_PREFIX + "scalingo_database_info", shop, environment={"SCALINGO_APP": None}).ok()
    assert found.only.result["databases"][0]["resource_id"] == "shop_1001"
    refused = ansible.ad_hoc(MODULE_PREFIX + "scalingo_logical_db_reset", shop + "name=reports").failed()
    assert "confirm: reports" in refused.only.result["msg"]


def test_what_fails_is_said_in_one_line_that_can_be_read(ansible: Ansible, sandbox: Sandbox) -> None:
    run = ansible.ad_hoc(DATABASE, "app=shop addon=mysql periodic_backups_scheduled_at=24").failed()
    assert "FAILED" in run.stdout and "0 to 23" in run.stdout
    assert sandbox.log() == []
    assert SEED["user"]["api_token"] not in run.output
