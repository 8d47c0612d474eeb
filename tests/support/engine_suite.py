# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every driver of an engine has to do, whatever holds the data: the tests of tests/contract for memory, those of
tests/engines for servers. Whoever imports them provides the fixture `driver`, the name given to --engine.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from scalingo_sandbox.catalog import KINDS, Version
from scalingo_sandbox.engines import FACTORIES, Engine, EngineError, EngineSetup, versions
from scalingo_sandbox.engines.base import EngineUser, LogicalDatabase, Query, RetentionPolicy
from scalingo_sandbox.engines.sqlmodes import COMPOSITES, DEFAULT, MODES
from scalingo_sandbox.switches import SWITCHES

Make = Callable[..., Engine]


def offered(driver: str, provider: str) -> list[Version]:
    """The versions that a driver has of a provider's databases."""
    kind = KINDS[provider]
    return [Version.parse(text) for text in versions(driver, kind.type_name) or kind.versions]


@pytest.fixture
def make(driver: str) -> Iterator[Make]:
    """Makes engines of one driver, and closes them."""
    made: list[Engine] = []

    def factory(provider: str, *, switches: dict[str, str] | None = None, **fields: Any) -> Engine:
        kind = KINDS[provider]
        positions = {name: switch.default for name, switch in SWITCHES.items()} | (switches or {})
        version = fields.pop("version", None)
        setup = EngineSetup(
            kind=kind,
            resource_id="shop_1234",
            version=Version.parse(version) if version else offered(driver, provider)[0],
            user=EngineUser("shop_1234", "first-password-of-the-default-user", protected=True),
            now=time.time,
            switch=positions.__getitem__,
            **fields,
        )
        engine = FACTORIES[driver](setup)
        made.append(engine)
        return engine

    yield factory
    for engine in made:
        engine.close()


def until(condition: Callable[[], bool], seconds: float = 5) -> None:
    """Servers do some things a moment after they have said yes."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


# versions


@pytest.mark.parametrize("provider", sorted(KINDS))
def test_an_engine_runs_its_version_and_goes_up(make: Make, driver: str, provider: str) -> None:
    engine = make(provider)
    first, *more = offered(driver, provider)
    assert engine.version() == first
    with pytest.raises(EngineError):
        engine.upgrade(first)
    if not more:
        return
    later = more[0]
    engine.upgrade(later)
    assert engine.version() == later
    with pytest.raises(EngineError):
        engine.upgrade(first)
    assert engine.version() == later


@pytest.mark.parametrize("provider", sorted(KINDS))
def test_what_every_engine_does(make: Make, provider: str) -> None:
    """Its statistics are numbers, it refuses what it does not have, its dump has files, and an empty one is refused."""
    engine = make(provider)
    stats = engine.stats()
    assert stats["data_size"] > 0
    assert all(isinstance(value, int) for value in stats.values())
    type_name = KINDS[provider].type_name
    calls: list[tuple[bool, Callable[[], Any]]] = [
        (KINDS[provider].logical_databases, engine.list_databases),
        (KINDS[provider].users, engine.list_users),
        (type_name == "mysql", engine.sql_mode),
        (type_name == "influxdb", engine.list_retention_policies),
        (type_name == "postgresql", engine.list_extensions),
        (type_name == "postgresql", engine.list_queries),
    ]
    for has, call in calls:
        if has:
            call()
        else:
            with pytest.raises(EngineError, match="has no"):
                call()
    files = engine.dump()
    assert files
    assert all(isinstance(content, bytes) and content for content in files.values())
    engine.restore(files)
    with pytest.raises(EngineError):
        engine.restore({})


# users


WITH_USERS = sorted(provider for provider, kind in KINDS.items() if kind.users)


def names(users: list[EngineUser]) -> set[str]:
    return {user.name for user in users}


@pytest.mark.parametrize("provider", WITH_USERS)
def test_users_come_and_go(make: Make, provider: str) -> None:
    engine = make(provider, users=[EngineUser("reporting", "0123456789abcdefghijklmnop", read_only=True)])
    assert names(engine.list_users()) == {"shop_1234", "reporting"}
    listed = {user.name: user for user in engine.list_users()}
    assert (listed["shop_1234"].protected, listed["reporting"].protected) == (True, False)
    assert listed["reporting"].read_only is True
    engine.create_user(EngineUser("analyst_1", "zyxwvutsrqponmlkjihgfedcba"))
    assert names(engine.list_users()) == {"shop_1234", "reporting", "analyst_1"}
    with pytest.raises(EngineError, match="exists"):
        engine.create_user(EngineUser("analyst_1", "zyxwvutsrqponmlkjihgfedcba"))
    engine.set_password("analyst_1", "another-password-0123456789")
    with pytest.raises(EngineError, match="not exist"):
        engine.set_password("nobody_1", "another-password-0123456789")
    engine.delete_user("analyst_1")
    with pytest.raises(EngineError, match="not exist"):
        engine.delete_user("analyst_1")
    assert names(engine.list_users()) == {"shop_1234", "reporting"}


# logical databases


LOGICAL = sorted(provider for provider, kind in KINDS.items() if kind.logical_databases)


def logical(engine: Engine) -> dict[str, bool]:
    return {database.name: database.protected for database in engine.list_databases()}


@pytest.mark.parametrize("provider", LOGICAL)
def test_logical_databases_come_and_go(make: Make, provider: str) -> None:
    engine = make(provider, logical_databases=[LogicalDatabase("stock", tables={"lines": 3})])
    assert logical(engine) == {"shop_1234": True, "stock": False}
    made = engine.create_database("archive_2")
    assert (made.name, made.protected) == ("archive_2", False)
    assert logical(engine) == {"shop_1234": True, "stock": False, "archive_2": False}
    engine.delete_database("archive_2")
    assert "archive_2" not in logical(engine)


@pytest.mark.parametrize("provider", LOGICAL)
def test_names_of_logical_databases_are_exact_and_some_are_refused(make: Make, provider: str) -> None:
    engine = make(provider)
    for act, name, part in (
        (engine.delete_database, "shop_1234", "protected"),
        (engine.delete_database, "missing", "Unknown"),
        (engine.reset_database, "missing", "Unknown"),
        (engine.create_database, "shop_1234", "exists"),
        (engine.create_database, "", "Incorrect"),
        (engine.create_database, "a" * 65, "Incorrect"),
        (engine.create_database, "a/b", "Incorrect"),
        (engine.create_database, "mysql" if provider == "mysql" else "admin", "denied"),
    ):
        with pytest.raises(EngineError, match=part):
            act(name)
    assert logical(engine) == {"shop_1234": True}
    engine.create_database("Archive")
    with pytest.raises(EngineError):
        engine.delete_database("archive")
    assert "Archive" in logical(engine)


@pytest.mark.parametrize("provider", LOGICAL)
def test_a_reset_empties_and_keeps(make: Make, provider: str) -> None:
    engine = make(provider, logical_databases=[LogicalDatabase("stock", tables={"lines": 3})])
    engine.reset_database("stock")
    assert logical(engine)["stock"] is False
    assert {database.name: database.tables for database in engine.list_databases()}["stock"] == {}
    engine.reset_database("shop_1234")
    assert logical(engine)["shop_1234"] is True


@pytest.mark.parametrize("provider", LOGICAL)
def test_a_protected_database_may_refuse_its_reset(make: Make, provider: str) -> None:
    engine = make(provider, switches={"protected_reset": "refuse"})
    with pytest.raises(EngineError, match="protected"):
        engine.reset_database("shop_1234")


@pytest.mark.parametrize("provider", LOGICAL)
def test_an_existing_database_may_be_accepted(make: Make, provider: str) -> None:
    engine = make(
        provider, switches={"logical_existing": "accept"}, logical_databases=[LogicalDatabase("stock", tables={"a": 1})]
    )
    assert engine.create_database("stock").name == "stock"
    assert {database.name: database.tables for database in engine.list_databases()}["stock"] == {"a": 1}


def test_an_empty_mongodb_database_may_not_be_listed(make: Make) -> None:
    full = LogicalDatabase("full", tables={"days": 1})
    engine = make("mongodb", switches={"mongodb_empty_listed": "no"}, logical_databases=[full])
    engine.create_database("empty")
    assert set(logical(engine)) == {"shop_1234", "full"}
    engine.delete_database("empty")


# SQL modes


@pytest.mark.parametrize("version", ["8.0.36-1", "8.4.5-1"])
def test_sql_modes(make: Make, version: str) -> None:
    engine = make("mysql", version=version)
    assert engine.sql_mode() == DEFAULT
    known = MODES[".".join(version.split(".")[:2])]
    for mode in known:
        engine.set_sql_mode(mode.lower())
        expected = {mode, *COMPOSITES.get(mode, ())}
        assert set(engine.sql_mode().split(",")) == expected
    engine.set_sql_mode("NO_ZERO_DATE, NO_ZERO_DATE,ANSI_QUOTES")
    assert engine.sql_mode() == "ANSI_QUOTES,NO_ZERO_DATE"
    for wrong in ("NO_AUTO_CREATE_USER", "NO_ZERO_DATE,INVENTED"):
        with pytest.raises(EngineError, match="sql_mode"):
            engine.set_sql_mode(wrong)
    assert engine.sql_mode() == "ANSI_QUOTES,NO_ZERO_DATE"
    engine.set_sql_mode("")
    assert engine.sql_mode() == ""


def test_a_composite_stays_what_it_is_when_it_is_set_again(make: Make) -> None:
    engine = make("mysql")
    for mode in ("ANSI", "TRADITIONAL", "ANSI,TRADITIONAL"):
        engine.set_sql_mode(mode)
        first = engine.sql_mode()
        engine.set_sql_mode(first)
        assert engine.sql_mode() == first


# retention policies


def policies(engine: Engine) -> dict[str, tuple[str, bool]]:
    return {policy.name: (policy.duration, policy.default) for policy in engine.list_retention_policies()}


def test_a_fresh_influxdb_has_autogen(make: Make, driver: str) -> None:
    assert policies(make("influxdb")) == {"autogen": ("0s", True)}
    # A server has one way of writing: its own.
    given = "0" if driver == "memory" else "0s"
    assert policies(make("influxdb", switches={"influx_durations": "given"})) == {"autogen": (given, True)}


DURATIONS = {
    "30d": "720h0m0s", "4w": "672h0m0s", "1h": "1h0m0s", "90m": "1h30m0s", "720h0m0s": "720h0m0s",
    "3601s": "1h0m1s", "INF": "0s", "0": "0s", "0s": "0s", "1d12h": "36h0m0s",
}  # fmt: skip


def test_durations_are_normalised(make: Make) -> None:
    engine = make("influxdb")
    for given, shown in DURATIONS.items():
        for text in (given, shown):
            engine.add_retention_policy(f"of {given}", text, False)
            assert policies(engine)[f"of {given}"] == (shown, False)


def test_wrong_durations_are_refused(make: Make) -> None:
    engine = make("influxdb")
    for wrong in ("", "thirty days", "30", "30days", "-1h", "d30", "59m", "1s", "1h30"):
        with pytest.raises(EngineError):
            engine.add_retention_policy("some", wrong, False)
        assert set(policies(engine)) == {"autogen"}, wrong


def test_one_policy_is_the_default(make: Make) -> None:
    engine = make(
        "influxdb", retention_policies=[RetentionPolicy("autogen", "0", True), RetentionPolicy("week", "7d", False)]
    )
    engine.add_retention_policy("month", "30d", True)
    assert [name for name, (dummy, default) in policies(engine).items() if default] == ["month"]
    with pytest.raises(EngineError, match="conflicts"):
        engine.add_retention_policy("week", "168h", True)
    engine.add_retention_policy("month", "720h", False)
    assert policies(engine)["month"] == ("720h0m0s", True)
    with pytest.raises(EngineError, match="already exists"):
        engine.add_retention_policy("month", "31d", False)


def test_policies_are_deleted(make: Make) -> None:
    engine = make("influxdb")
    engine.add_retention_policy("week", "7d", True)
    engine.delete_retention_policy("week")
    engine.delete_retention_policy("week")
    assert policies(engine) == {"autogen": ("0s", False)}
    engine.add_retention_policy("week", "8d", False)
    assert policies(engine)["week"] == ("192h0m0s", True)
    refusing = make("influxdb", switches={"influx_default_removal": "refuse"})
    with pytest.raises(EngineError, match="default"):
        refusing.delete_retention_policy("autogen")


# PostgreSQL


def test_extensions_include_plpgsql(make: Make) -> None:
    engine = make("postgresql", extensions={"pg_trgm": "1.6"})
    assert {extension.name for extension in engine.list_extensions()} == {"plpgsql", "pg_trgm"}
    assert all(extension.version for extension in engine.list_extensions())


def test_sessions_are_cancelled_and_terminated(make: Make) -> None:
    started = time.time() - 60
    queries = [Query(2000 + index, "SELECT pg_sleep(900)", "active", "shop_1234", started) for index in range(2)]
    engine = make("postgresql", queries=queries)
    sessions = {query.pid: query for query in engine.list_queries() if "pg_sleep" in query.query}
    assert len(sessions) == 2
    first, second = sessions
    engine.cancel_query(first)
    until(lambda: {query.pid: query.state for query in engine.list_queries()}[first] == "idle")
    assert {query.pid: query.state for query in engine.list_queries()}[second] == "active"
    engine.terminate_query(first)
    until(lambda: first not in {query.pid for query in engine.list_queries()})
    assert second in {query.pid for query in engine.list_queries()}
    engine.cancel_query(999_999)
    engine.terminate_query(999_999)


def test_statements_are_collected_once_enabled(make: Make) -> None:
    engine = make("postgresql")
    for act in (engine.list_statements, engine.reset_statements):
        with pytest.raises(EngineError, match="pg_stat_statements"):
            act()
    engine.enable_statements()
    engine.enable_statements()
    assert isinstance(engine.list_statements(), list)
    assert "pg_stat_statements" in {extension.name for extension in engine.list_extensions()}
    engine.reset_statements()


# backups


def test_a_dump_brings_back_what_was(make: Make) -> None:
    mysql = make("mysql", logical_databases=[LogicalDatabase("stock", tables={"lines": 3})])
    files = mysql.dump()
    mysql.delete_database("stock")
    mysql.create_database("other")
    mysql.restore(files)
    assert "stock" in logical(mysql)
    influxdb = make("influxdb")
    influxdb.add_retention_policy("week", "7d", True)
    files = influxdb.dump()
    influxdb.delete_retention_policy("week")
    influxdb.restore(files)
    assert policies(influxdb) == {"autogen": ("0s", False), "week": ("168h0m0s", True)}
