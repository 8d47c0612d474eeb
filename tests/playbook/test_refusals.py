# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bad input beyond what the suite of options of tests/generated tries with every option: refused by name, with no request at all."""

from __future__ import annotations

import dataclasses
import importlib
import re
import typing as t
from pathlib import Path

import pytest
from scalingo_sandbox.testing import Sandbox
from support import port
from support.playbook import Ansible, task
from support.shop import MYSQL


@dataclasses.dataclass(frozen=True)
class Bad:
    """Arguments that are wrong, and what the sentence has to say. `without` are variables that the environment lacks."""

    name: str
    module: str
    arguments: t.Mapping[str, t.Any]
    says: str


def settings(name: str, says: str, /, **arguments: t.Any) -> Bad:
    return Bad(name, "scalingo_database", {"app": "shop", "addon": "mysql", **arguments}, says)


def logical(title: str, says: str, /, **arguments: t.Any) -> Bad:
    return Bad(title, "scalingo_logical_db", {"app": "shop", "addon": "mysql", **arguments}, says)


def empties(title: str, says: str, /, **arguments: t.Any) -> Bad:
    return Bad(title, "scalingo_logical_db_reset", {"app": "shop", "addon": "mysql", **arguments}, says)


def target(title: str, says: str, /, **arguments: t.Any) -> Bad:
    return Bad(title, "scalingo_database_info", arguments, says)


def connection(title: str, says: str, /, **arguments: t.Any) -> Bad:
    return target(title, says, app="shop", addon="mysql", **arguments)


BAD: tuple[Bad, ...] = (
    # the backup's hour
    settings("hour as a clock", r"periodic_backups_scheduled_at.*03:00", periodic_backups_scheduled_at="03:00"),
    settings("no hour", r"periodic_backups_scheduled_at.*exactly one hour", periodic_backups_scheduled_at=[]),
    # the maintenance window
    settings("weekday 7", r"weekday_utc.*'7'.*sunday", maintenance_window={"weekday_utc": 7}),
    settings("weekday -1", r"weekday_utc.*'-1'", maintenance_window={"weekday_utc": -1}),
    settings("weekday in short", r"weekday_utc.*'sun'", maintenance_window={"weekday_utc": "sun"}),
    settings("weekday in French", r"weekday_utc.*'dimanche'", maintenance_window={"weekday_utc": "dimanche"}),
    settings("weekday of an empty text", r"weekday_utc", maintenance_window={"weekday_utc": ""}),
    # features
    settings("feature of two", r"features: force-ssl.*2.*boolean", features={"force-ssl": 2}),
    settings("feature of a list", r"features: force-ssl.*boolean", features={"force-ssl": [True]}),
    settings("feature with a space", r"features.*'force ssl'", features={"force ssl": True}),
    settings("feature of an empty name", r"features.*''", features={"": True}),
    settings("feature in the path", r"features.*name of a feature", features={"force-ssl&x=../y": True}),
    # waiting
    settings("wait_timeout -1", r"wait_timeout", features={"force-ssl": True}, wait_timeout=-1),
    settings("wait_interval 0", r"wait_interval", features={"force-ssl": True}, wait_interval=0),
    settings("an option that there is not", r"periodic_backup_at", periodic_backup_at=3),
    # connection
    connection("api_timeout -1", r"api_timeout", api_timeout=-1),
    connection("plain http to another machine", r"api_url.*http", region="osc-fr1", api_url="http://api.example.com"),
    connection(
        "plain http to another database host", r"db_api_url.*http", region="osc-fr1", db_api_url="http://db.example.com"
    ),
    connection("plain http to another auth host", r"auth_url.*http", auth_url="http://auth.example.com"),
    connection("an address of another kind", r"api_url", api_url="ftp://api.example.com"),
    connection("an address with a password", r"api_url", api_url="https://me:secret@api.example.com"),
    connection("an address with a question", r"api_url", api_url="https://api.example.com?x=1"),
    connection("an address with a blank", r"api_url", api_url="https://api. example.com"),
    connection("an address of no host", r"api_url", api_url="https://"),
    connection("an address with a port that is none", r"api_url", api_url="https://api.example.com:http"),
    connection("a region with a blank", r"region", region="osc fr1"),
    connection("authorities that are not there", r"ca_path.*nowhere", ca_path="/nowhere/ca.pem"),
    connection("a token with a line break", r"api_token", api_token="tk-us-one\ntk-us-two"),
    # the database
    target("no app", r"app", addon="mysql"),
    target("an app of nothing", r"app", app="", addon="mysql"),
    target("no addon", r"addon", app="shop"),
    target("an addon of nothing", r"addon", app="shop", addon=""),
    target("an addon's ID without its token", r"addon_token", addon_id=MYSQL),
    target("an addon's token without its ID", r"addon_id", addon_token="opaque"),
    connection("an addon twice", r"addon", addon_id=MYSQL, addon_token="opaque"),
    target("an app with a line break", r"app", app="shop\nother", addon="mysql"),
    target("an app with a zero character", r"app|null character", app="shop\0", addon="mysql"),
    target("an app in the path", r"app", app="shop/../vault", addon="mysql"),
    target("an addon with a tabulator", r"addon", app="shop", addon="my\tsql"),
    target("an addon in the path", r"addon", app="shop", addon="../addons"),
    target("an addon's ID in the path", r"addon_id", addon_id="../" + MYSQL, addon_token="opaque"),
    # logical databases
    logical("a name of blanks", r"one of the following is required: name, names", name="  "),
    logical("a name with a blank in front", r"' reports'.*not the name", name=" reports"),
    logical("a name with a line break", r"cannot be seen", name="re\nports"),
    logical("a name with a tabulator", r"cannot be seen", name="re\tports"),
    logical("a name with a zero character", r"cannot be seen", name="reports\0"),
    logical("a name with an escape", r"cannot be seen", name="\x1b[31mreports"),
    logical("a control character among names", r"cannot be seen", names=["orders", "re\rports"]),
    # emptying
    empties("emptying without a name", r"name", confirm="reports"),
    empties("emptying what is almost confirmed", r"confirm", name="reports", confirm="Reports"),
    empties("emptying a control character", r"cannot be seen", name="re\nports", confirm="re\nports"),
)


def refused(bad: Bad, result: t.Mapping[str, t.Any], message: str) -> None:
    assert re.search(bad.says, message, re.S), message
    assert not result.get("changed")
    assert "Traceback" not in message and "defect of the collection" not in message
    assert result.get("api_usage", {}).get("requests", 0) == 0
    if "error" in result:
        assert result["error"]["kind"] == "InvalidInput", "not told apart from what the platform refuses"


@pytest.mark.parametrize("bad", BAD, ids=[bad.name for bad in BAD])
def test_it_is_refused_by_name(bad: Bad, sandbox: Sandbox, tmp_path: Path) -> None:
    """In this process, with Ansible's own validation of arguments."""
    module = importlib.import_module("ansible_collections.community.scalingo.plugins.modules." + bad.module)
    report = port.perform(module, bad.arguments, home=tmp_path, environment=sandbox.environment())
    assert report.failed
    refused(bad, report.result, report.message)
    assert sandbox.log() == []


def test_a_playbook_is_told_the_same(ansible: Ansible, sandbox: Sandbox) -> None:
    """Every fifth of them: what is between a playbook and a module is the same for all."""
    some = BAD[::5]
    run = (
        ansible.tasks([task(bad.module, bad.name, {"ignore_errors": True}, **bad.arguments) for bad in some], "--diff")
        .ok()
        .clean()
    )
    assert len(run.results) == len(some) >= 10
    for bad in some:
        found = run.task(bad.name)
        assert found.status == "failed", found
        refused(bad, found.result, str(found.result["msg"]))
    assert sandbox.log() == []


def test_without_a_token_the_sentence_says_where_to_put_one(ansible: Ansible, sandbox: Sandbox) -> None:
    run = ansible.tasks(
        [task("scalingo_database_info", app="shop", addon="mysql")], environment={"SCALINGO_API_TOKEN": None}
    ).failed()
    assert "api_token" in run.only.result["msg"] and "SCALINGO_API_TOKEN" in run.only.result["msg"]
    assert sandbox.log() == []


def test_what_the_platform_refuses_is_told_field_by_field(ansible: Ansible, sandbox: Sandbox) -> None:
    sandbox.fault(
        match={"route": "D2"},
        do="status",
        status=422,
        body='{"errors": {"periodic_backups_scheduled_at": ["is not allowed on this plan"], "maintenance_window": ["is too soon", "is locked"]}}',
    )
    run = ansible.tasks(
        [
            task(
                "scalingo_database",
                app="shop",
                addon="mysql",
                periodic_backups_scheduled_at=5,
                maintenance_window={"weekday_utc": "monday"},
            )
        ]
    ).failed()
    result = run.only.result
    assert "periodic_backups_scheduled_at: is not allowed on this plan" in result["msg"]
    assert "maintenance_window: is too soon, is locked" in result["msg"]
    assert result["error"]["field_errors"] == {
        "periodic_backups_scheduled_at": ["is not allowed on this plan"],
        "maintenance_window": ["is too soon", "is locked"],
    }
    assert result["error"]["status"] == 422
    assert result["error"]["kind"] == "ValidationFailed"
    assert result["changed"] is False and result["steps_done"] == []
    assert "addon" in result["msg"] and "shop" in result["msg"]
    assert [record.route for record in sandbox.unsafe()] == ["D2"]


def test_what_was_done_before_a_failure_is_told(ansible: Ansible, sandbox: Sandbox) -> None:
    """Settings are set, then the feature is refused: the task fails, says that it changed something, and what."""
    sandbox.fault(
        match={"route": "D6"}, do="status", status=422, body='{"errors": {"feature": ["is not part of the plan"]}}'
    )
    run = ansible.tasks(
        [
            task(
                "scalingo_database",
                app="shop",
                addon="postgresql",
                periodic_backups_scheduled_at=5,
                features={"force-ssl": True},
            )
        ]
    ).failed()
    result = run.only.result
    assert result["changed"] is True
    assert result["steps_done"] == ["set periodic_backups_scheduled_at to 5:00 UTC"]
    assert result["step_failed"] == "enable the feature force-ssl"
    assert "feature: is not part of the plan" in result["msg"]
