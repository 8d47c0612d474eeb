# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""PostgreSQL behind the sandbox's API: what the API says and does is what a user of the database sees with SQL."""

from __future__ import annotations

import datetime
import subprocess
import typing as t
from pathlib import Path

import psycopg
import pytest
from scalingo_sandbox.catalog import Version
from scalingo_sandbox.engines.real_postgresql import available, nearest
from scalingo_sandbox.testing import Sandbox
from support import fetched
from support.programs import until
from support.real import DURATIONS, Office, engine, fixtures, with_user

OLDEST, LATEST = "15.17.0-1", "18.4.0-1"
PASSWORD = "Reporting-Password-Of-24-Signs"


@pytest.fixture
def seed() -> dict[str, t.Any]:
    return {"provider": "postgresql", "database": {"version": OLDEST}}


@pytest.fixture
def office(seed: dict[str, t.Any]) -> t.Iterator[Office]:
    with Sandbox({"durations": DURATIONS, "apps": [{"name": "shop", "addons": [seed]}]}, engine="real") as sandbox:
        office = Office(sandbox)
        yield office
        office.close()


database, url = fixtures("shop", "postgresql", "SCALINGO_POSTGRESQL_URL")


def rows(url: str, query: str, **more: t.Any) -> list[tuple[t.Any, ...]]:
    """A statement in a session of its own, as a user."""
    with psycopg.connect(url, autocommit=True, **more) as connection:
        cursor = connection.execute(t.cast(t.Any, query))
        return cursor.fetchall() if cursor.description else []


def refused(url: str, query: str) -> str:
    with pytest.raises(psycopg.Error) as caught:
        rows(url, query)
    return str(caught.value)


def listed(office: Office, database: str) -> dict[str, str]:
    return {item["name"]: item["version"] for item in office.action(database, "list-extensions")["result"]}


def test_the_variable_connects_by_the_address_that_the_api_shows(
    office: Office, database: str, url: str, tmp_path: Path
) -> None:
    assert "@{}/".format(office.show(database)["hostname"]) in url
    assert rows(url, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", sslmode="disable") == [(False,)]
    verified = {"sslmode": "verify-full", "sslrootcert": str(office.authority(tmp_path))}
    assert rows(url, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()", **verified) == [(True,)]
    assert rows(url, "SHOW server_version")[0][0].startswith("15.17")


@pytest.mark.parametrize(
    "seed", [{"provider": "postgresql", "database": {"hostname": "shop-1.postgresql.example", "version": LATEST}}]
)
def test_the_certificate_is_for_the_name_that_a_seed_gives(
    office: Office, database: str, url: str, tmp_path: Path
) -> None:
    assert office.show(database)["hostname"].startswith("shop-1.postgresql.example:")
    verified = {"sslmode": "verify-full", "sslrootcert": str(office.authority(tmp_path)), "hostaddr": "127.0.0.1"}
    assert rows(url, "SELECT 1", **verified) == [(1,)]
    with pytest.raises(psycopg.OperationalError, match="does not match"):
        rows(url.replace("shop-1.", "shop-2."), "SELECT 1", **verified)


def test_force_ssl_refuses_clear_text(office: Office, database: str, url: str) -> None:
    office.feature(database, "force-ssl", True)
    with pytest.raises(psycopg.OperationalError, match="no encryption"):
        rows(url, "SELECT 1", sslmode="disable")
    assert rows(url, "SELECT 1", sslmode="require") == [(1,)]
    office.feature(database, "force-ssl", False)
    assert rows(url, "SELECT 1", sslmode="disable") == [(1,)]


def test_nobody_is_superuser_and_the_list_is_the_limit(office: Office, database: str, url: str) -> None:
    assert rows(url, "SELECT rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles WHERE rolname = current_user") == [
        (False,)
    ]
    for name in ("pg_trgm", "hstore", "dblink", "earthdistance"):
        rows(url, f"CREATE EXTENSION {name} CASCADE")
    assert set(listed(office, database)) == {"plpgsql", "pg_trgm", "hstore", "dblink", "earthdistance", "cube"}
    assert listed(office, database)["hstore"] == "v1.8"
    # Trusted as PostgreSQL comes, and not on the platform's list.
    assert "permission denied to create extension" in refused(url, "CREATE EXTENSION lo")
    assert "permission denied to create extension" in refused(url, "CREATE EXTENSION file_fdw")
    assert "is not available" in refused(url, "CREATE EXTENSION pgvector")
    assert "permission denied" in refused(url, "CREATE ROLE another")
    assert "permission denied" in refused(url, "CREATE DATABASE another")
    assert "pg_execute_server_program" in refused(url, "COPY (SELECT 1) TO PROGRAM 'true'")
    rows(url, "DROP EXTENSION hstore")
    assert "hstore" not in listed(office, database)


def test_sessions_are_those_of_the_server(office: Office, database: str, url: str) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("SELECT 'of this session'")
        shown = {item["pid"]: item for item in office.action(database, "pg-list-queries")["result"]}
        pid = connection.info.backend_pid
        assert shown[pid]["query"] == "SELECT 'of this session'" and shown[pid]["state"] == "idle"
        assert all("pg_stat_activity" not in item["query"] for item in shown.values())
        started = datetime.datetime.fromisoformat(shown[pid]["query_start"]).timestamp()
        assert abs(started - office.sandbox.running.world.now()) < 30
        # The clock of the sandbox goes on, the session stays when it began.
        office.sandbox.advance(7200)
        again = {item["pid"]: item for item in office.action(database, "pg-list-queries")["result"]}[pid]
        assert again["query_start"] == shown[pid]["query_start"] and again["query_duration"] > 7200e9
        assert office.action(database, "pg-terminate-query", {"pid": pid})["ok"] == 1
        until(
            lambda: pid not in {item["pid"] for item in office.action(database, "pg-list-queries")["result"]}, "its end"
        )
        with pytest.raises(psycopg.OperationalError):
            connection.execute("SELECT 1")


def test_statements_are_counted_by_the_server(office: Office, database: str, url: str) -> None:
    assert "pg_stat_statements" in office.action(database, "pg-stat-statements-list")["error"]
    assert office.action(database, "pg-stat-statements-enable")["ok"] == 1
    rows(url, "SELECT 7 AS counted")
    found = {item["query"]: item for item in office.action(database, "pg-stat-statements-list")["result"]}
    assert found["SELECT $1 AS counted"]["calls"] == 1
    assert office.action(database, "pg-stat-statements-reset")["ok"] == 1
    assert "SELECT $1 AS counted" not in {
        item["query"] for item in office.action(database, "pg-stat-statements-list")["result"]
    }


def test_users_have_their_rights(office: Office, database: str, url: str) -> None:
    rows(url, "CREATE TABLE orders AS SELECT 1 AS line")
    fields = {
        "database_id": database,
        "name": "reporting",
        "read_only": True,
        "password": PASSWORD,
        "password_confirmation": PASSWORD,
    }
    assert office.database("POST", database, "/users", json={"database_user": fields}).status_code == 201
    reporting = with_user(url, "reporting", PASSWORD)
    rows(url, "CREATE TABLE later AS SELECT 2 AS line")
    assert rows(reporting, "SELECT line FROM orders UNION SELECT line FROM later ORDER BY line") == [(1,), (2,)]
    assert "permission denied" in refused(reporting, "INSERT INTO orders VALUES (2)")
    assert "permission denied" in refused(reporting, "CREATE TABLE own (line int)")
    made = office.database(
        "POST",
        database,
        "/users",
        json={"database_user": {"database_id": database, "name": "writing", "read_only": False}},
    )
    writing = with_user(url, "writing", made.json()["database_user"]["password"])
    rows(writing, "INSERT INTO orders VALUES (3); CREATE TABLE written AS SELECT 4 AS line")
    assert {
        item["name"]: item["read_only"] for item in office.database("GET", database, "/users").json()["database-users"]
    } == {
        url.split("//")[1].split(":")[0]: False,
        "reporting": True,
        "writing": False,
    }
    again = office.database("POST", database, "/users/reporting/reset_password").json()["database_user"]["password"]
    assert "password authentication failed" in refused(reporting, "SELECT 1")
    assert rows(with_user(url, "reporting", again), "SELECT 1") == [(1,)]
    assert office.database("DELETE", database, "/users/writing").status_code == 204
    assert rows(url, "SELECT line FROM written") == [(4,)]
    # The password stood in no statement: the server got what it verifies it by.
    queries = "SELECT count(*) FROM pg_stat_activity WHERE position(%s IN query) > 0"
    assert engine(office.sandbox, database).rows(queries, PASSWORD) == [(0,)]


def test_metrics_are_those_of_the_server(office: Office, database: str, url: str) -> None:
    before = office.database("GET", database, "/metrics").json()["database_stats"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE filled AS SELECT repeat('x', 100) FROM generate_series(1, 20000)")
        after = office.database("GET", database, "/metrics").json()["database_stats"]
    assert after["current_connections"] == before["current_connections"] + 1
    assert after["data_size"] > before["data_size"] + 2000000 and after["max_connections"] == 50


def test_a_backup_is_a_dump_and_a_restoration_brings_it_back(
    office: Office, database: str, url: str, tmp_path: Path
) -> None:
    rows(url, "CREATE EXTENSION citext; CREATE TABLE orders AS SELECT generate_series(1, 500) AS line")
    backup, files = office.backup(database)
    (content,) = files.values()
    assert content.startswith(b"PGDMP")
    (tmp_path / "dump").write_bytes(content)
    client = fetched.ROOT / ".cache" / "postgres" / "clients" / "18" / "bin" / "pg_restore"
    said = subprocess.run([client, "--list", tmp_path / "dump"], capture_output=True, text=True, check=True).stdout
    assert "TABLE DATA public orders" in said and "EXTENSION - citext" in said
    office.action(database, "list-extensions")
    rows(url, "DROP TABLE orders; DROP EXTENSION citext; CREATE TABLE other AS SELECT 1")
    held = psycopg.connect(url)
    held.execute("SELECT * FROM other")
    assert office.restore(database, backup)["status"] == "done"
    held.close()
    assert rows(url, "SELECT count(*) FROM orders") == [(500,)]
    assert rows(url, "SELECT to_regclass('other') IS NULL") == [(True,)]
    assert set(listed(office, database)) == {"plpgsql", "citext"}
    # All of it is the user's, as before.
    rows(url, "ALTER TABLE orders ADD COLUMN more int; DROP EXTENSION citext")


def test_a_backup_that_cannot_be_restored_changes_nothing(office: Office, database: str, url: str) -> None:
    rows(url, "CREATE TABLE orders AS SELECT 1 AS line")
    backup, dummy = office.backup(database)
    addon = office.sandbox.running.world.find_addon(database)
    assert addon is not None
    kept = next(item for item in addon.database.backups if item.id == backup)
    kept.files = {name: content[: len(content) // 2] for name, content in kept.files.items()}
    rows(url, "INSERT INTO orders VALUES (2)")
    assert office.restore(database, backup)["status"] == "error"
    assert rows(url, "SELECT line FROM orders ORDER BY line") == [(1,), (2,)]
    assert rows(url, "SELECT count(*) FROM pg_database WHERE NOT datistemplate AND datname <> 'postgres'") == [(1,)]


def test_upgrades_walk_through_the_servers_with_all_data(office: Office, database: str, url: str) -> None:
    password = office.database(
        "POST",
        database,
        "/users",
        json={"database_user": {"database_id": database, "name": "reporting", "read_only": True}},
    ).json()["database_user"]["password"]
    rows(url, "CREATE EXTENSION pg_trgm; CREATE TABLE orders AS SELECT generate_series(1, 100) AS line")
    seen = [office.show(database)["readable_version"]]
    while office.show(database)["next_version_id"]:
        assert office.upgrade(database)["status"] == "finished"
        seen.append(office.show(database)["readable_version"])
        assert rows(url, "SELECT count(*) FROM orders") == [(100,)]
        assert "{}.{}".format(*tuple(seen[-1].split(".")[:2])) == rows(url, "SHOW server_version")[0][0].split()[0]
    assert seen == [str(version) for version in available()] and seen[0] == OLDEST and seen[-1] == LATEST
    assert set(listed(office, database)) == {"plpgsql", "pg_trgm"}
    assert rows(with_user(url, "reporting", password), "SELECT count(*) FROM orders") == [(100,)]
    assert "permission denied" in refused(with_user(url, "reporting", password), "INSERT INTO orders VALUES (0)")
    rows(url, "DROP TABLE orders; DROP EXTENSION pg_trgm")


@pytest.mark.parametrize("seed", [{"provider": "postgresql", "database": {"version": "16.14.0-1"}}])
def test_a_failed_upgrade_leaves_the_old_server_as_it_was(office: Office, database: str, url: str) -> None:
    rows(url, "CREATE TABLE orders AS SELECT 1 AS line")
    # The new server refuses this one to users, as it would lack another.
    engine(office.sandbox, database).rows("CREATE EXTENSION xml2")
    ended = office.upgrade(database)
    assert ended["status"] == "error" and "xml2" in ended["error"]
    shown = office.show(database)
    assert (shown["readable_version"], shown["status"], shown["current_operation_id"]) == ("16.14.0-1", "running", None)
    rows(url, "INSERT INTO orders VALUES (2)")
    assert rows(url, "SELECT line FROM orders ORDER BY line") == [(1,), (2,)]
    assert rows(url, "SHOW server_version")[0][0].startswith("16.14")
    engine(office.sandbox, database).rows("DROP EXTENSION xml2")
    assert office.upgrade(database)["status"] == "finished"
    assert rows(url, "SELECT line FROM orders ORDER BY line") == [(1,), (2,)]


def test_a_point_in_time_is_reached(office: Office, database: str, url: str) -> None:
    def instant(seconds: float) -> str:
        moment = datetime.datetime.fromtimestamp(office.sandbox.running.world.now() + seconds, datetime.timezone.utc)
        return moment.isoformat()

    def restore(moment: str) -> dict[str, t.Any]:
        answer = office.database("POST", database, "/pitr/restore", json={"restore_time": moment})
        assert answer.status_code == 201, answer.text
        return office.operation(database, answer.json()["operation"]["id"])

    rows(url, "CREATE TABLE orders AS SELECT 1 AS line")
    office.sandbox.advance(3600)
    rows(url, "INSERT INTO orders VALUES (2)")
    between = instant(0)
    office.sandbox.advance(3600)
    rows(url, "DROP TABLE orders")
    office.sandbox.advance(3600)
    assert restore(between)["status"] == "finished"
    assert rows(url, "SELECT line FROM orders ORDER BY line") == [(1,), (2,)]
    # Nothing before the restoration can be reached any more; what came after it can.
    assert office.database("POST", database, "/pitr/restore", json={"restore_time": between}).status_code == 422
    rows(url, "INSERT INTO orders VALUES (3)")
    office.sandbox.advance(1200)
    later = instant(-600)
    rows(url, "DELETE FROM orders")
    office.sandbox.advance(600)
    assert restore(later)["status"] == "finished"
    assert rows(url, "SELECT line FROM orders ORDER BY line") == [(1,), (2,), (3,)]


def test_a_version_without_a_server_becomes_the_nearest() -> None:
    def found(text: str) -> str:
        return str(nearest(Version.parse(text)))

    assert found("17.9.0-2") == "17.9.0-1" and found("17.11.0-1") == "17.10.0-1" and found("16.2.0-1") == "16.13.0-1"
    assert found("14.13.0-1") == OLDEST and found("19.1.0-1") == LATEST
