# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Which database, at which address, with whose word: everything between a task and the right host."""

from __future__ import annotations

import re
import socket
import typing as t
from pathlib import Path

import pytest
import requests
from scalingo_sandbox.testing import Sandbox
from support.playbook import MODULE_PREFIX, Ansible, task
from support.shop import (
    API_TOKEN,
    FIRST_TWIN,
    INFLUXDB,
    MONGODB,
    MYSQL,
    POSTGRESQL,
    REDIS,
    SECOND_TWIN,
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


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


# -- the database ------------------------------------------------------------------------------------------------------


def test_an_engine_without_logical_databases_is_refused_before_any_unsafe_call(
    ansible: Ansible, sandbox: Sandbox
) -> None:
    expected = {
        "postgresql": (POSTGRESQL, "postgresql", "use schemas"),
        "redis": (REDIS, "redis", "five numbered databases"),
        "influxdb": (INFLUXDB, "influxdb", "retention policies"),
    }
    tasks = []
    for engine, (identifier, dummy, dummy) in expected.items():
        tasks += [
            task("scalingo_logical_db", engine + " by kind", IGNORE, app="shop", addon=engine, name="reports"),
            task(
                "scalingo_logical_db",
                engine + " by ID",
                IGNORE,
                app="shop",
                addon=identifier,
                name="reports",
                state="absent",
            ),
            task(
                "scalingo_logical_db_reset",
                engine + " emptied",
                IGNORE,
                app="shop",
                addon=engine,
                name="reports",
                confirm="reports",
            ),
            task("scalingo_logical_db_info", engine + " listed", IGNORE, app="shop", addon=engine),
        ]
    run = ansible.tasks(tasks).ok().clean()
    assert len(run.results) == 12
    for found in run.results:
        dummy, engine, instead = expected[found.task.split()[0]]
        assert found.status == "failed"
        message = found.result["msg"]
        assert "MySQL and MongoDB" in message and f"this database is {engine}" in message and instead in message, (
            message
        )
    assert sandbox.unsafe() == []


def test_with_an_addon_token_the_engine_is_named_all_the_same(ansible: Ansible, sandbox: Sandbox) -> None:
    token = addon_token(sandbox, "shop", POSTGRESQL)
    sandbox.clear_log()
    run = ansible.tasks(
        [task("scalingo_logical_db", addon_id=POSTGRESQL, addon_token=token, name="reports")],
        environment={"SCALINGO_API_TOKEN": None},
    ).failed()
    assert "this database is postgresql" in run.only.result["msg"] and "use schemas" in run.only.result["msg"]
    assert sandbox.unsafe() == []
    assert token not in run.output


def test_a_protected_database_is_not_deleted_and_named(ansible: Ansible, sandbox: Sandbox) -> None:
    run = (
        ansible.tasks(
            [
                task("scalingo_logical_db", "one", IGNORE, name="shop_1001", state="absent", **SHOP),
                task(
                    "scalingo_logical_db",
                    "among others",
                    IGNORE,
                    names=["reports", "shop_1001"],
                    state="absent",
                    **SHOP,
                ),
                task("scalingo_logical_db", "of the server", IGNORE, name="information_schema", state="absent", **SHOP),
                task(
                    "scalingo_logical_db",
                    "of the other server",
                    IGNORE,
                    app="shop",
                    addon="mongodb",
                    name="admin",
                    state="absent",
                ),
            ]
        )
        .ok()
        .clean()
    )
    for name in ("one", "among others"):
        message = run.result(name)["msg"]
        assert "shop_1001" in message and "protected" in message and "scalingo_logical_db_reset" in message
    assert "information_schema" in run.result("of the server")["msg"]
    assert "admin" in run.result("of the other server")["msg"]
    assert run.count("ignored") == 4
    assert sandbox.unsafe() == []


def test_an_exclusive_list_never_takes_the_protected_ones(ansible: Ansible, sandbox: Sandbox) -> None:
    run = ansible.tasks(
        [task("scalingo_logical_db", names=["orders"], exclusive=True, allow=["mass_removal"], **SHOP)]
    ).ok()
    assert [item["name"] for item in run.only.result["logical_databases"]] == ["shop_1001", "orders"]
    assert routes(sandbox.unsafe()) == ["create-database", "delete-database"]
    assert [record.body["params"]["database_name"] for record in sandbox.unsafe()] == ["orders", "reports"]


def test_an_app_that_there_is_not(ansible: Ansible, sandbox: Sandbox) -> None:
    run = (
        ansible.tasks(
            [
                info("by kind", IGNORE, app="nowhere", addon="mysql"),
                info("by ID", IGNORE, app="nowhere", addon=MYSQL),
                task(
                    "scalingo_logical_db",
                    "absent",
                    IGNORE,
                    app="nowhere",
                    addon="mysql",
                    name="reports",
                    state="absent",
                ),
            ]
        )
        .ok()
        .clean()
    )
    for found in run.results:
        assert found.status == "failed", f"unknown is not absent: {found}"
        assert "nowhere" in found.result["msg"]
        assert found.result["error"]["kind"] == "NotFound"
    assert sandbox.unsafe() == []


def test_an_addon_that_there_is_not(ansible: Ansible, sandbox: Sandbox) -> None:
    """Who wants to change it is told what there is; who only asks gets an empty list."""
    unknown = "ad-99999999-0000-4000-8000-000000000009"
    wanted = {"by kind": "opensearch", "by ID": unknown, "of another app": FIRST_TWIN}
    tasks = []
    for name, addon in wanted.items():
        tasks += [
            task("scalingo_database", name, IGNORE, app="shop", addon=addon, periodic_backups_scheduled_at=3),
            info(name + ", asked", app="shop", addon=addon),
        ]
    run = ansible.tasks(tasks).ok().clean()
    for name, addon in wanted.items():
        message = run.result(name)["msg"]
        assert addon in message and "shop" in message and MYSQL in message and "mysql" in message, message
        assert run.result(name)["error"]["kind"] == "AddonNotFound"
        assert run.result(name + ", asked")["databases"] == []
    assert sandbox.unsafe() == []


def test_a_kind_that_matches_twice_is_refused_with_both_ids(ansible: Ansible, sandbox: Sandbox) -> None:
    run = (
        ansible.tasks(
            [
                task(
                    "scalingo_database", "by kind", IGNORE, app="twins", addon="mysql", periodic_backups_scheduled_at=3
                ),
                info("by ID", app="twins", addon=SECOND_TWIN),
            ]
        )
        .ok()
        .clean()
    )
    message = run.result("by kind")["msg"]
    assert FIRST_TWIN in message and SECOND_TWIN in message and "twins" in message
    assert run.result("by ID")["databases"][0]["resource_id"] == "twins_2"
    assert sandbox.unsafe() == []


def test_the_names_with_the_platforms_prefix_mean_the_same(ansible: Ansible, sandbox: Sandbox) -> None:
    run = ansible.tasks([info("prefixed", app="shop", addon="scalingo-mysql")]).ok()
    assert run.only.result["addon_id"] == MYSQL


# -- the token ---------------------------------------------------------------------------------------------------------


def test_a_wrong_token(ansible: Ansible, sandbox: Sandbox) -> None:
    wrong = "tk-us-WrongWrongWrong0123456789abcdefghijklmn"
    run = (
        ansible.tasks(
            [
                info("wrong", IGNORE, api_token=wrong, **SHOP),
                task("scalingo_logical_db", "absent", IGNORE, api_token=wrong, name="reports", state="absent", **SHOP),
            ],
            "-vvvv",
        )
        .ok()
        .clean()
    )
    for found in run.results:
        assert found.status == "failed"
        assert found.result["error"]["kind"] == "Unauthorized" and found.result["error"]["status"] == 401
        assert "API token" in found.result["msg"]
    assert wrong not in run.output
    assert {record.route for record in sandbox.log()} == {"exchange"}


def test_a_wrong_token_and_a_right_one_do_not_share_what_they_opened(ansible: Ansible, sandbox: Sandbox) -> None:
    wrong = "tk-us-WrongWrongWrong0123456789abcdefghijklmn"
    run = ansible.tasks(
        [
            info("wrong", IGNORE, api_token=wrong, **SHOP),
            info("right", **SHOP),
            info("wrong again", IGNORE, api_token=wrong, **SHOP),
        ]
    ).ok()
    assert [item.status for item in run.results] == ["failed", "ok", "failed"]


def addon_token(sandbox: Sandbox, app: str, addon_id: str) -> str:
    """An addon's token, as a person gets one by hand."""
    where = sandbox.params()
    bearer = requests.post(where["auth_url"] + "/v1/tokens/exchange", auth=("", where["api_token"]), timeout=10).json()[
        "token"
    ]
    answer = requests.post(
        "{}/v1/apps/{}/addons/{}/token".format(where["api_url"], app, addon_id),
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


def test_a_netrc_never_changes_the_authorization(ansible: Ansible, sandbox: Sandbox, tmp_path: Path) -> None:
    entries = "".join(f"machine {host} login stranger password strange\n" for host in ("127.0.0.1", "localhost"))
    text = entries + "default login stranger password strange\n"
    (ansible.home / ".netrc").write_text(text, encoding="utf-8")
    (ansible.home / ".netrc").chmod(0o600)
    elsewhere = tmp_path / "netrc"
    elsewhere.write_text(text, encoding="utf-8")
    run = ansible.tasks(
        [
            task("scalingo_database", "at home", periodic_backups_scheduled_at=5, **SHOP),
            task(
                "scalingo_database",
                "by variable",
                {"environment": {"NETRC": str(elsewhere)}},
                token_cache=False,
                periodic_backups_scheduled_at=6,
                **SHOP,
            ),
        ]
    ).ok()
    assert run.count("changed") == 2
    assert {record.status for record in sandbox.log()} <= {200}
    assert [record.route for record in sandbox.log() if "basic" in str(record.headers["authorization"]).lower()] == [
        "exchange",
        "exchange",
    ]


# -- the region and the addresses --------------------------------------------------------------------------------------


def test_a_region_that_there_is_not_is_refused_with_the_list(ansible: Ansible, sandbox: Sandbox) -> None:
    where = sandbox.params()
    run = (
        ansible.tasks(
            [
                info("by its name", IGNORE, region="osc-mars-1", **SHOP),
                info(
                    "with every address",
                    IGNORE,
                    region="osc-mars-1",
                    api_url=where["api_url"],
                    db_api_url=where["db_api_url"],
                    auth_url=where["auth_url"],
                    **SHOP,
                ),
            ]
        )
        .ok()
        .clean()
    )
    for found in run.results:
        assert found.status == "failed"
        for word in ("osc-mars-1", "osc-fr1", "osc-secnum-fr1"):
            assert word in found.result["msg"]
        assert found.result["error"]["kind"] == "InvalidInput"
    assert {record.route for record in sandbox.log()} <= {"regions", "exchange"}


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


@pytest.mark.parametrize("role", ("api_url", "db_api_url", "auth_url"))
def test_a_host_that_cannot_be_reached(role: str, ansible: Ansible, sandbox: Sandbox) -> None:
    nobody = f"http://127.0.0.1:{free_port()}"
    run = ansible.tasks(
        [
            task(
                "scalingo_database",
                periodic_backups_scheduled_at=5,
                api_retries=0,
                **{**SHOP, **sandbox.params(), role: nobody},
            )
        ]
    ).failed()
    result = run.only.result
    assert result["error"]["kind"] == "Unreachable"
    assert nobody.rsplit("/", 1)[1] in result["msg"]
    assert sandbox.unsafe() == [] and result["changed"] is False


def test_a_name_that_does_not_resolve(ansible: Ansible, sandbox: Sandbox) -> None:
    run = ansible.tasks([info("nowhere", auth_url="https://auth.nowhere.invalid", api_retries=0, **SHOP)]).failed()
    assert run.only.result["error"]["kind"] == "Unreachable" and "auth.nowhere.invalid" in run.only.result["msg"]


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


def test_the_variable_for_the_token(ansible: Ansible, sandbox: Sandbox) -> None:
    where = sandbox.params()
    del where["api_token"]
    assert routes(ask(ansible, sandbox, {**where, **SHOP}, SCALINGO_API_TOKEN=API_TOKEN))


def test_the_variables_for_app_and_addon(ansible: Ansible, sandbox: Sandbox) -> None:
    found = ask(ansible, sandbox, sandbox.params(), SCALINGO_APP="twins", SCALINGO_ADDON=SECOND_TWIN)
    assert found[-1].addon_id == SECOND_TWIN


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


def test_what_names_the_addon_beats_the_environment(ansible: Ansible, sandbox: Sandbox) -> None:
    """The app and the addon of the environment are none of addon_id's, and an ID beats a variable that names another addon."""
    token = addon_token(sandbox, "shop", MYSQL)
    run = ansible.tasks(
        [info("by its token", addon_id=MYSQL, addon_token=token)],
        environment={"SCALINGO_APP": "twins", "SCALINGO_ADDON": SECOND_TWIN},
    ).ok()
    assert run.only.result["addon_id"] == MYSQL and run.only.result["app"] is None


def test_the_first_of_the_two_names_wins(ansible: Ansible, sandbox: Sandbox) -> None:
    where = sandbox.params()
    found = ask(
        ansible,
        sandbox,
        {"api_token": API_TOKEN, "auth_url": where["auth_url"], **SHOP},
        SCALINGO_DB_API_URL=where["db_api_url"],
        SCALINGO_DB_URL="http://127.0.0.1:9",
    )
    assert found[-1].role == "db"


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


def test_a_variable_for_an_addons_token_alone_does_not_disturb(ansible: Ansible, sandbox: Sandbox) -> None:
    assert (
        ask(ansible, sandbox, {**sandbox.params(), **SHOP}, SCALINGO_ADDON_TOKEN="of-another-addon")[-1].addon_id
        == MYSQL
    )


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
