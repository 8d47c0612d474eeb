# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which database, at which address, with whose word: everything between a task and the right host."""

from __future__ import annotations

import re
import typing as t

import pytest
import requests
from scalingo_sandbox.testing import Sandbox
from support.playbook import MODULE_PREFIX, Ansible, task
from support.shop import (
    API_TOKEN,
    FIRST_TWIN,
    MONGODB,
    MYSQL,
    REDIS,
    SEED,
    VAULT,
    routes,
)

#: Of an app in the other region that has the name of one in the first.
OTHER = "ad-00000000-0000-4000-9000-000000000099"

IGNORE = {"ignore_errors": True}
SHOP = {"app": "shop", "addon": "mysql"}


def info(name: str, keywords: t.Mapping[str, t.Any] | None = None, /, **arguments: t.Any) -> dict[str, t.Any]:
    return task("scalingo_database_info", name, keywords, **arguments)


# -- the token ---------------------------------------------------------------------------------------------------------


def addon_token(sandbox: Sandbox, app: str, addon_id: str) -> str:
    """An addon's token, as a person gets one by hand."""
    where = sandbox.params()
    bearer = requests.post(where["auth_url"] + "/v1/tokens/exchange", auth=("", where["api_token"]), timeout=10).json()[
        "token"
    ]
    answer = requests.post(
        f"{where['api_url']}/v1/apps/{app}/addons/{addon_id}/token",
        headers={"Authorization": "Bearer " + bearer},
        timeout=10,
    )
    return str(answer.json()["addon"]["token"])


def test_an_addons_token_is_enough_and_the_main_api_is_not_asked(ansible: Ansible, sandbox: Sandbox) -> None:
    token = addon_token(sandbox, "shop", MYSQL)
    sandbox.clear_log()
    run = (
        ansible.tasks(
            [
                task("scalingo_database", "option", addon_id=MYSQL, addon_token=token, periodic_backups_scheduled_at=5),
                task(
                    "scalingo_logical_db",
                    "variable",
                    {"environment": {"SCALINGO_ADDON_TOKEN": token}},
                    addon_id=MYSQL,
                    name="orders",
                ),
                task("scalingo_database", "again", addon_id=MYSQL, addon_token=token, periodic_backups_scheduled_at=5),
            ],
            "-vvvv",
            environment={"SCALINGO_API_TOKEN": None, "SCALINGO_APP": None, "SCALINGO_ADDON": None},
        )
        .ok()
        .clean()
    )
    assert run.count("changed") == 2
    assert run.result("option")["addon_id"] == MYSQL and run.result("option")["app"] is None
    assert {record.role for record in sandbox.log()} == {"db"}
    assert run.result("again")["api_usage"]["requests"] == 1
    assert len(re.findall(re.escape(token), run.output.replace("SCALINGO_ADDON_TOKEN=" + token, ""))) == 0


def test_an_addons_token_opens_no_other_addon(ansible: Ansible, sandbox: Sandbox) -> None:
    token = addon_token(sandbox, "shop", MYSQL)
    sandbox.clear_log()
    run = ansible.tasks(
        [info("foreign", addon_id=MONGODB, addon_token=token)], environment={"SCALINGO_API_TOKEN": None}
    ).failed()
    assert run.only.result["error"]["kind"] == "Unauthorized"
    assert {record.role for record in sandbox.log()} == {"db"}


# -- the region and the addresses --------------------------------------------------------------------------------------


def test_two_regions_in_one_play(ansible: Ansible, sandbox: Sandbox) -> None:
    """One bearer serves both. The addresses come from the auth host, as no variable names them."""
    only = {name: None for name in ("SCALINGO_API_URL", "SCALINGO_DB_API_URL", "SCALINGO_DB_URL", "SCALINGO_REGION")}
    run = ansible.tasks(
        [
            task("scalingo_database", "first", app="shop", addon="mysql", periodic_backups_scheduled_at=5),
            task(
                "scalingo_database",
                "second",
                app="vault",
                addon="mysql",
                region="osc-secnum-fr1",
                periodic_backups_scheduled_at=6,
            ),
            info("wrong region", IGNORE, app="vault", addon="mysql"),
        ],
        environment=only,
    ).ok()
    assert run.result("first")["region"] == "osc-fr1" and run.result("second")["region"] == "osc-secnum-fr1"
    assert [(record.route, record.region, record.addon_id) for record in sandbox.unsafe()] == [
        ("D2", "osc-fr1", MYSQL),
        ("D2", "osc-secnum-fr1", VAULT),
    ]
    assert routes(sandbox.log()).count("exchange") == 1
    assert "vault" in run.result("wrong region")["msg"] and "osc-fr1" in run.result("wrong region")["msg"]


# -- the environment ---------------------------------------------------------------------------------------------------

NO_VARIABLES = {
    name: None
    for name in (
        "SCALINGO_API_TOKEN",
        "SCALINGO_REGION",
        "SCALINGO_API_URL",
        "SCALINGO_DB_API_URL",
        "SCALINGO_DB_URL",
        "SCALINGO_AUTH_URL",
        "SCALINGO_API_PATH",
        "SCALINGO_APP",
        "SCALINGO_ADDON",
        "SCALINGO_ADDON_TOKEN",
    )
}


def ask(ansible: Ansible, sandbox: Sandbox, arguments: t.Mapping[str, t.Any], **variables: str) -> list[t.Any]:
    """The requests of one task with these variables and no other."""
    sandbox.clear_log()
    ansible.tasks([info("ask", token_cache=False, **arguments)], environment={**NO_VARIABLES, **variables}).ok()
    return sandbox.log()


def test_the_variables_for_region_and_auth(ansible: Ansible, sandbox: Sandbox) -> None:
    found = ask(
        ansible,
        sandbox,
        {"api_token": API_TOKEN, "app": "vault", "addon": "mysql"},
        SCALINGO_AUTH_URL=sandbox.params()["auth_url"],
        SCALINGO_REGION="osc-secnum-fr1",
    )
    assert {record.region for record in found if record.role in ("api", "db")} == {"osc-secnum-fr1"}


@pytest.mark.parametrize("variable", ("SCALINGO_DB_API_URL", "SCALINGO_DB_URL"))
@pytest.mark.parametrize("slash", ("", "/"))
def test_the_variables_for_the_two_apis(variable: str, slash: str, ansible: Ansible, sandbox: Sandbox) -> None:
    """They are asked without a look at the list of regions, as they belong to the region of the environment."""
    there = sandbox.params("osc-secnum-fr1")
    found = ask(
        ansible,
        sandbox,
        {"api_token": API_TOKEN, "auth_url": there["auth_url"], "app": "vault", "addon": "mysql"},
        **{
            "SCALINGO_REGION": "osc-secnum-fr1",
            "SCALINGO_API_URL": there["api_url"] + slash,
            variable: there["db_api_url"] + slash,
        },
    )
    assert {record.region for record in found if record.role in ("api", "db")} == {"osc-secnum-fr1"}
    assert "regions" not in routes(found)


@pytest.mark.parametrize("where", ("task", "module_defaults"))
def test_a_region_that_is_given_beats_the_addresses_of_the_environment(
    where: str, ansible: Ansible, sandbox: Sandbox
) -> None:
    """The environment holds everything of osc-fr1, and both regions have an app of this name: only the one that is named is written to."""
    sandbox.reset(
        {
            **SEED,
            "apps": [
                *SEED["apps"],
                {"name": "shop", "region": "osc-secnum-fr1", "addons": [{"provider": "mysql", "id": OTHER}]},
            ],
        }
    )
    given = {"region": "osc-secnum-fr1"}
    run = ansible.tasks(
        [
            task(
                "scalingo_database",
                "write",
                periodic_backups_scheduled_at=17,
                **SHOP,
                **(given if where == "task" else {}),
            )
        ],
        environment=sandbox.environment(),
        **({"module_defaults": {"group/community.scalingo.scalingo": given}} if where == "module_defaults" else {}),
    ).ok()
    assert [(record.region, record.addon_id) for record in sandbox.unsafe()] == [("osc-secnum-fr1", OTHER)]
    assert run.only.result["region"] == "osc-secnum-fr1" and run.only.result["addon_id"] == OTHER
    # The same region as that of the environment: its addresses count, and nobody is asked for them.
    sandbox.clear_log()
    ansible.tasks([info("same", region="osc-fr1", token_cache=False, **SHOP)], environment=sandbox.environment()).ok()
    assert "regions" not in routes(sandbox.log())


def test_a_contradiction_is_refused_before_any_request(ansible: Ansible, sandbox: Sandbox) -> None:
    here, there = "https://api.osc-fr1.scalingo.com", "https://db-api.osc-secnum-fr1.scalingo.com"
    tasks = {
        "the address is another region's": {"region": "osc-secnum-fr1", "api_url": here},
        "two regions": {"api_url": here, "db_api_url": there},
        "half from the environment": {"api_url": "http://127.0.0.1:9"},
    }
    run = ansible.tasks([info(name, IGNORE, **{**SHOP, **options}) for name, options in tasks.items()]).ok().clean()
    assert (
        "is the address of the region osc-fr1, and the region is osc-secnum-fr1"
        in run.result("the address is another region's")["msg"]
    )
    assert "db_api_url " + there in run.result("two regions")["msg"]
    assert "SCALINGO_DB_API_URL" in run.result("half from the environment")["msg"]
    assert {found.result["error"]["kind"] for found in run.results} == {"InvalidInput"}
    assert sandbox.log() == []
    variables = {"SCALINGO_REGION": "osc-secnum-fr1", "SCALINGO_API_URL": here}
    run = ansible.tasks([info("in the environment", **SHOP)], environment=variables).failed()
    assert "SCALINGO_API_URL" in run.only.result["msg"] and sandbox.log() == []


def group_default(**options: t.Any) -> dict[str, t.Any]:
    return {"module_defaults": {"group/community.scalingo.scalingo": options}}


def test_requests_about_a_database_go_to_the_main_api_wherever_that_is_said(ansible: Ansible, sandbox: Sandbox) -> None:
    """By a task, by the group or by the environment; in the controller's process or in a module's."""
    fresh = {**SHOP, "token_cache": False}
    run = ansible.tasks(
        [
            info("task", api_path="v1", **fresh),
            info("group", group_default(api_path="api"), **fresh),
            info("module", {"vars": {"scalingo_in_process": False}}, api_path="v1", **fresh),
            info("over the group", group_default(api_path="api"), api_path="db_api", **fresh),
            info(
                "refused", {**group_default(db_api_url="https://db-api.example.com"), **IGNORE}, api_path="v1", **fresh
            ),
            info("token", IGNORE, addon_id=MYSQL, addon_token="some-token", api_path="api"),
        ]
    ).ok()
    log = sandbox.log()
    asked = [record.path.split("/")[1] for record in log if record.route == "D1"]
    assert asked == ["v1", "api", "v1", "api"]
    assert [record.role for record in log if record.route in ("D1", "A6")] == ["api", "api", "api", "api", "db"]
    for name in ("task", "group", "module"):
        found = run.result(name)
        assert found["databases"] == run.result("over the group")["databases"] and found["api_usage"]["requests"] == 3
        assert found["notes"] == [
            f"scalingo: SCALINGO_DB_API_URL is not used: api_path is {'api' if name == 'group' else 'v1'}, which needs the main API only"
        ]
    assert run.result("over the group")["api_usage"]["requests"] == 4 and "notes" not in run.result("over the group")
    assert "sends nothing to the Database API" in run.result("refused")["msg"]
    assert "opens the Database API only" in run.result("token")["msg"]
    sandbox.clear_log()
    ansible.tasks(
        [task("scalingo_database", periodic_backups_scheduled_at=5, **SHOP)], environment={"SCALINGO_API_PATH": "v1"}
    ).ok()
    assert {record.path.split("/")[1] for record in sandbox.log() if record.route in ("D1", "D2")} == {"v1"}
    assert [record.route for record in sandbox.unsafe()] == ["D2"]


@pytest.mark.parametrize("end", ["gone", "page", "to /v1", "to /api"])
def test_the_day_that_the_database_api_is_given_up(end: str, ansible: Ansible, sandbox: Sandbox) -> None:
    """A task fails with the option that helps, and does what it is to do by it; nothing is taken for absent."""
    sandbox.switch("db_api", end)
    path = end.partition("/")[2] or "v1"
    run = ansible.tasks(
        [
            info("info", IGNORE, **SHOP),
            task("scalingo_database", "change", IGNORE, periodic_backups_scheduled_at=5, **SHOP),
            task("scalingo_logical_db", "make", IGNORE, name="orders", **SHOP),
            task("scalingo_logical_db", "by the main API", api_path=path, name="orders", **SHOP),
            info("read by the main API", api_path=path, **SHOP),
        ]
    ).ok()
    for name in ("info", "change", "make"):
        assert (
            f"api_path: {path}" in run.result(name)["msg"]
            and run.task(name).status == "failed"
            and not run.result(name)["changed"]
        )
    assert run.result("by the main API")["changed"] and run.result("read by the main API")["databases"]
    assert {record.role for record in sandbox.unsafe() if record.status and record.status < 300} == {"api"}


def test_by_the_main_api_an_id_of_another_app_is_refused_before_anything_is_sent(
    ansible: Ansible, sandbox: Sandbox
) -> None:
    """The account's token would open it. Each module that changes or reads something is asked for the database of another app."""
    foreign = {"app": "shop", "addon": FIRST_TWIN, "api_path": "v1"}
    run = ansible.tasks(
        [
            info("info", **foreign),
            task("scalingo_backup", "backup", IGNORE, **foreign),
            task("scalingo_database", "change", IGNORE, periodic_backups_scheduled_at=5, **foreign),
            task("scalingo_logical_db", "make", IGNORE, name="orders", **foreign),
            task("scalingo_logical_db_reset", "reset", IGNORE, name="orders", confirm="orders", **foreign),
            task("scalingo_backup_info", "backups", **foreign),
            task("scalingo_log_info", "logs", IGNORE, **foreign),
        ]
    ).ok()
    assert run.result("info")["databases"] == run.result("backups")["backups"] == []
    for name in ("backup", "change", "make", "reset", "logs"):
        assert "has no addon" in run.result(name)["msg"], name
    assert sandbox.unsafe() == []
    about = [record for record in sandbox.log() if record.addon_id == FIRST_TWIN and record.route not in ("A2", "D1")]
    assert about == []


def test_an_option_wins_over_its_variable(ansible: Ansible, sandbox: Sandbox) -> None:
    wrong = {
        "SCALINGO_API_TOKEN": "tk-us-WrongWrongWrong0123456789abcdefghijklmn",
        "SCALINGO_REGION": "osc-mars-1",
        "SCALINGO_APP": "nowhere",
        "SCALINGO_ADDON": "opensearch",
        "SCALINGO_API_URL": "http://127.0.0.1:9",
        "SCALINGO_DB_API_URL": "http://127.0.0.1:9",
        "SCALINGO_AUTH_URL": "http://127.0.0.1:9",
    }
    assert ask(ansible, sandbox, {**sandbox.params(), **SHOP}, **wrong)[-1].addon_id == MYSQL


# -- defaults for all modules ------------------------------------------------------------------------------------------


def test_module_defaults_reach_every_module(ansible: Ansible, sandbox: Sandbox) -> None:
    """The group sets app, addon and connection; a task that says otherwise wins."""
    where = sandbox.params()
    run = ansible.tasks(
        [
            {"name": "one", MODULE_PREFIX + "scalingo_database": {"periodic_backups_scheduled_at": 5}},
            {"name": "two", MODULE_PREFIX + "scalingo_database_info": {}},
            {"name": "three", MODULE_PREFIX + "scalingo_logical_db": {"name": "orders"}},
            {"name": "four", MODULE_PREFIX + "scalingo_logical_db_info": {}},
            {"name": "five", MODULE_PREFIX + "scalingo_logical_db_reset": {"name": "orders", "confirm": "orders"}},
            {"name": "six", MODULE_PREFIX + "scalingo_database_info": {"addon": "redis"}},
        ],
        environment=NO_VARIABLES,
        module_defaults={"group/community.scalingo.scalingo": {**where, **SHOP}},
    ).ok()
    assert [item.result["addon_id"] for item in run.results] == [MYSQL] * 5 + [REDIS]
    assert run.count("changed") == 3
