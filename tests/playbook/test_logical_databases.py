# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Logical databases: what is emptied is not dropped."""

from __future__ import annotations

from scalingo_sandbox.testing import Sandbox
from support.playbook import Ansible, task
from support.shop import routes

IGNORE = {"ignore_errors": True}
SHOP = {"app": "shop", "addon": "mysql"}


def test_emptying_sends_exactly_its_own_action(ansible: Ansible, sandbox: Sandbox) -> None:
    """The public documentation shows another action in its example, which would drop the database (docs/contract.md section 6, row 1)."""
    run = (
        ansible.tasks(
            [
                task("scalingo_logical_db_reset", "one", name="reports", confirm="reports", **SHOP),
                task("scalingo_logical_db_reset", "protected", name="shop_1001", confirm="shop_1001", **SHOP),
                task(
                    "scalingo_logical_db_reset",
                    "other engine",
                    app="shop",
                    addon="mongodb",
                    name="shop_1003",
                    confirm="shop_1003",
                ),
                task(
                    "scalingo_logical_db_reset",
                    "check",
                    {"check_mode": True},
                    name="reports",
                    confirm="reports",
                    **SHOP,
                ),
                task("scalingo_logical_db_reset", "without consent", IGNORE, name="reports", **SHOP),
                task("scalingo_logical_db_info", "left", **SHOP),
            ]
        )
        .ok()
        .clean()
    )
    bodies = [record.body for record in sandbox.unsafe()]
    assert bodies == [
        {"action_name": "reset-database", "params": {"database_name": name}}
        for name in ("reports", "shop_1001", "shop_1003")
    ]
    assert "delete-database" not in routes(sandbox.log())
    assert [item["name"] for item in run.result("left")["logical_databases"]] == ["shop_1001", "reports"]
    assert run.result("without consent")["error"]["kind"] == "ConsentMissing"
    assert "confirm: reports" in run.result("without consent")["msg"]
    assert run.count("changed") == 4


def test_emptying_what_is_not_there_says_what_is(ansible: Ansible, sandbox: Sandbox) -> None:
    run = ansible.tasks([task("scalingo_logical_db_reset", name="orders", confirm="orders", **SHOP)]).failed()
    message = run.only.result["msg"]
    assert "orders" in message and "reports" in message and "shop_1001" in message
    assert sandbox.unsafe() == []


def test_deleting_sends_exactly_its_own_action(ansible: Ansible, sandbox: Sandbox) -> None:
    run = ansible.tasks(
        [
            task("scalingo_logical_db", "check", {"check_mode": True}, name="reports", state="absent", **SHOP),
            task("scalingo_logical_db", "delete", name="reports", state="absent", **SHOP),
            task("scalingo_logical_db", "again", name="reports", state="absent", **SHOP),
        ]
    ).ok()
    assert [run.result(name)["changed"] for name in ("check", "delete", "again")] == [True, True, False]
    assert [record.body for record in sandbox.unsafe()] == [
        {"action_name": "delete-database", "params": {"database_name": "reports"}}
    ]


def test_many_names_cost_one_request(ansible: Ansible, sandbox: Sandbox) -> None:
    names = [f"database_{number:02d}" for number in range(40)]
    run = ansible.tasks(
        [
            task("scalingo_logical_db", "create", names=names, **SHOP),
            task("scalingo_logical_db", "unchanged", names=list(reversed(names)), **SHOP),
            task("scalingo_logical_db", "exact", names=names + ["reports"], exclusive=True, **SHOP),
        ]
    ).ok()
    assert run.result("create")["api_usage"]["writes"] == 40
    assert run.result("unchanged")["changed"] is False and run.result("unchanged")["api_usage"]["requests"] == 1
    assert run.result("exact")["changed"] is False and run.result("exact")["api_usage"]["requests"] == 1


def test_an_exclusive_list_that_would_take_data_asks_for_consent(ansible: Ansible, sandbox: Sandbox) -> None:
    run = ansible.tasks(
        [
            task("scalingo_logical_db", "prepare", names=["orders", "invoices"], **SHOP),
            task("scalingo_logical_db", "too much", IGNORE, names=["orders"], exclusive=True, **SHOP),
            task("scalingo_logical_db", "all", IGNORE, names=[], exclusive=True, **SHOP),
            task("scalingo_logical_db", "one", IGNORE, names=["orders", "invoices"], exclusive=True, **SHOP),
        ]
    ).ok()
    for name, taken in (
        ("too much", ("invoices", "reports")),
        ("all", ("orders", "invoices", "reports")),
        ("one", ("reports",)),
    ):
        message = run.result(name)["msg"]
        assert "allow: [mass_removal]" in message and all(word in message for word in taken)
        assert "shop_1001" not in message
    assert routes(sandbox.unsafe()) == ["create-database", "create-database"]


def test_what_the_platform_refuses_in_the_middle_is_not_hidden(ansible: Ansible, sandbox: Sandbox) -> None:
    """The second of three cannot be created: the task fails, and says that there is one more than before."""
    sandbox.fault(
        match={"action_name": "create-database"},
        after=1,
        times=1,
        do="status",
        status=200,
        body={"ok": 0, "error": "no room for another one"},
    )
    run = ansible.tasks([task("scalingo_logical_db", names=["one", "two", "three"], **SHOP)]).failed()
    result = run.only.result
    assert "no room for another one" in result["msg"]
    assert result["changed"] is True
    assert result["steps_done"] == ["create the logical database one"]
    assert result["step_failed"] == "create the logical database two"
    assert result["error"]["kind"] == "ActionFailed"
    assert len(sandbox.unsafe()) == 2
