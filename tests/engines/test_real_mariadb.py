# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""MariaDB behind the sandbox's API, seen by its users through the client program of its package."""

from __future__ import annotations

import os
import subprocess
import typing as t
import urllib.parse
from pathlib import Path

from ansible_collections.community.scalingo.plugins.modules import scalingo_backup
from scalingo_sandbox.engines.real_servers import debian
from scalingo_sandbox.testing import Sandbox
from support.port import Report, perform
from support.real import DURATIONS, Office, fixtures, with_user

SEED: dict[str, t.Any] = {
    "durations": DURATIONS,
    "apps": [
        {
            "name": "shop",
            "addons": [
                {
                    "provider": "mysql",
                    "resource_id": "shop_1002",
                    "database": {"logical_databases": [{"name": "stock", "tables": {"lines": 3}}]},
                }
            ],
        }
    ],
}


database, url, sandbox, office = fixtures("shop", "mysql", "SCALINGO_MYSQL_URL", SEED)


def client(url: str, statement: str, *options: str) -> subprocess.CompletedProcess[str]:
    parts = urllib.parse.urlsplit(url)
    tree, environment = debian("mariadb-server")
    place = [
        f"--host={parts.hostname}",
        f"--port={parts.port or 0}",
        f"--user={parts.username}",
        "--protocol=tcp",
    ]
    command = [
        str(tree / "usr" / "bin" / "mariadb"),
        "--no-defaults",
        *place,
        "--batch",
        "--skip-column-names",
        *options,
        parts.path[1:],
    ]
    return subprocess.run(
        command,
        input=statement,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **environment, "MYSQL_PWD": parts.password or ""},
    )


def rows(url: str, statement: str, *options: str) -> list[str]:
    done = client(url, statement, *options)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def refused(url: str, statement: str, *options: str) -> str:
    done = client(url, statement, *options)
    assert done.returncode != 0, done.stdout
    return done.stderr


def logical(office: Office, database: str) -> dict[str, bool]:
    return {item["name"]: item["protected"] for item in office.action(database, "list-databases")["result"]}


def test_the_variable_connects_by_the_address_that_the_api_shows(office: Office, database: str, url: str) -> None:
    assert "@{}/".format(office.show(database)["hostname"]) in url
    assert rows(url, "SELECT DATABASE(), COUNT(*) FROM accounts") == ["shop_1002\t12"]


def test_logical_databases_are_the_servers(office: Office, database: str, url: str) -> None:
    assert logical(office, database) == {"shop_1002": True, "stock": False}
    assert office.action(database, "create-database", {"database_name": "Archive_2`x"})["ok"] == 1
    rows(url, "CREATE TABLE `Archive_2``x`.pages (id INT); INSERT INTO stock.lines VALUES (9)")
    assert "Archive_2`x" in rows(url, "SHOW DATABASES")
    assert office.action(database, "reset-database", {"database_name": "stock"})["ok"] == 1
    assert rows(url, "SHOW TABLES FROM stock") == []
    rows(url, "CREATE TABLE stock.again (id INT)")
    assert office.action(database, "delete-database", {"database_name": "Archive_2`x"})["ok"] == 1
    assert "Archive_2`x" not in rows(url, "SHOW DATABASES")
    again = office.action(database, "create-database", {"database_name": "stock"})
    assert again["ok"] == 0 and "exists" in again["error"]


def test_nobody_reaches_the_system(url: str) -> None:
    for statement in (
        "SELECT * FROM mysql.global_priv",
        "CREATE DATABASE own",
        "CREATE USER another",
        "SET GLOBAL sql_mode = ''",
    ):
        assert "denied" in refused(url, statement)
    # An underscore of a name stands for itself, not for any letter.
    assert "denied" in refused(url, "CREATE DATABASE shopX1002")
    assert "denied" in refused(with_user(url, "root", ""), "SELECT 1")


def test_users_have_their_rights(office: Office, database: str, url: str) -> None:
    def create(name: str, read_only: bool) -> str:
        fields = {"database_id": database, "name": name, "read_only": read_only}
        return str(
            office.database("POST", database, "/users", json={"database_user": fields}).json()["database_user"][
                "password"
            ]
        )

    reader, writer = with_user(url, "reader", create("reader", True)), with_user(url, "writer", create("writer", False))
    assert rows(reader, "SELECT COUNT(*) FROM stock.lines") == ["3"] and "denied" in refused(
        reader, "DELETE FROM stock.lines"
    )
    rows(writer, "DELETE FROM stock.lines WHERE id = 1")
    # What comes later is seen by all of them.
    assert office.action(database, "create-database", {"database_name": "later"})["ok"] == 1
    rows(writer, "CREATE TABLE later.pages (id INT)")
    assert rows(reader, "SELECT COUNT(*) FROM later.pages") == ["0"] and "denied" in refused(
        reader, "DROP TABLE later.pages"
    )
    shown = office.database("GET", database, "/users").json()["database-users"]
    assert {item["name"]: item["read_only"] for item in shown} == {"shop_1002": False, "reader": True, "writer": False}
    office.database("POST", database, "/users/reader/reset_password")
    assert "denied" in refused(reader, "SELECT 1")
    office.database("DELETE", database, "/users/writer")
    assert "denied" in refused(writer, "SELECT 1")


def test_force_ssl_refuses_clear_text(office: Office, database: str, url: str) -> None:
    assert rows(url, "SHOW STATUS LIKE 'Ssl_cipher'", "--skip-ssl") == ["Ssl_cipher\t"]
    assert rows(url, "SHOW STATUS LIKE 'Ssl_cipher'", "--ssl")[0].startswith("Ssl_cipher\tTLS")
    office.feature(database, "force-ssl", True)
    assert "denied" in refused(url, "SELECT 1", "--skip-ssl")
    assert rows(url, "SELECT 1", "--ssl") == ["1"]
    office.feature(database, "force-ssl", False)
    assert rows(url, "SELECT 1", "--skip-ssl") == ["1"]


def test_sql_modes_are_those_of_mysql_and_reach_new_sessions(office: Office, database: str, url: str) -> None:
    assert office.action(database, "set-sqlmode", "ANSI_QUOTES,TIME_TRUNCATE_FRACTIONAL")["ok"] == 1
    assert office.action(database, "get-sqlmode")["result"] == "ANSI_QUOTES,TIME_TRUNCATE_FRACTIONAL"
    assert rows(url, "SELECT @@sql_mode") == ["ANSI_QUOTES"]
    # The sandbox's own statements stay what they mean.
    assert office.action(database, "create-database", {"database_name": "it's"})["ok"] == 1
    assert "it's" in logical(office, database)


def test_a_backup_is_a_dump_and_a_restoration_brings_it_back(office: Office, database: str, url: str) -> None:
    rows(url, "CREATE VIEW stock.firsts AS SELECT MIN(id) AS line FROM stock.lines")
    backup, files = office.backup(database)
    ((name, content),) = files.items()
    assert name.endswith("_shop_1002.sql") and b"CREATE TABLE `lines`" in content
    rows(url, "DROP TABLE stock.lines; DROP TABLE accounts")
    office.action(database, "delete-database", {"database_name": "stock"})
    office.action(database, "create-database", {"database_name": "later"})
    assert office.restore(database, backup)["status"] == "done"
    assert logical(office, database) == {"shop_1002": True, "stock": False}
    assert rows(url, "SELECT COUNT(*) FROM accounts; SELECT line FROM stock.firsts") == ["12", "1"]


def test_one_backup_too_many_and_the_oldest_dump_goes(sandbox: Sandbox, tmp_path: Path) -> None:
    """The plan keeps ten. Without its word the module makes no eleventh; with it, it says which one went, and that one is gone."""
    old = [{"method": "manual", "age": 100000 * (number + 1), "id": f"{number:024x}"} for number in range(10)]
    addon = {**SEED["apps"][0]["addons"][0], "plan": "mysql-starter-512"}
    addon["database"] = {**addon["database"], "backups": old}
    sandbox.reset({**SEED, "apps": [{"name": "shop", "addons": [addon]}]})
    office = Office(sandbox)
    database = sandbox.addon_id("shop", "mysql")

    def kept() -> list[str]:
        return [item["id"] for item in office.database("GET", database, "/backups").json()["database_backups"]]

    def act(**arguments: t.Any) -> Report:
        params = {**sandbox.params(), "app": "shop", "addon": "mysql", "wait_interval": 0.1, **arguments}
        return perform(scalingo_backup, params, home=tmp_path)

    sandbox.speed(100)
    refused = act()
    assert refused.failed and "allow: [eviction]" in refused.message and len(kept()) == 10
    made = act(allow=["eviction"])
    sandbox.speed(1)
    assert made.changed and not made.failed, made.message
    assert made.result["evicted"] == f"{9:024x}" and made.result["backup"]["size"] > 0
    assert sorted(kept()) == sorted([made.result["backup"]["id"], *(f"{number:024x}" for number in range(9))])
    assert office.database("GET", database, f"/backups/{9:024x}/archive").status_code == 404
    office.close()


def test_a_backup_that_cannot_be_restored_changes_nothing(office: Office, database: str, url: str) -> None:
    backup, dummy = office.backup(database)
    addon = office.sandbox.running.world.find_addon(database)
    assert addon is not None
    kept = next(item for item in addon.database.backups if item.id == backup)
    kept.files = {name: content + b"\nNONSENSE;\n" for name, content in kept.files.items()}
    rows(url, "INSERT INTO stock.lines VALUES (77)")
    assert office.restore(database, backup)["status"] == "error"
    assert rows(url, "SELECT COUNT(*) FROM stock.lines") == ["4"]


def test_metrics_are_those_of_the_server(office: Office, database: str, url: str) -> None:
    stats = office.database("GET", database, "/metrics").json()["database_stats"]
    assert stats["data_size"] > 16384 and stats["max_connections"] == 100 and stats["current_connections"] == 0
