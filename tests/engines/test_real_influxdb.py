# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""InfluxDB behind the sandbox's API: what a user of the database sees, and the module on a server's own words."""

from __future__ import annotations

import typing as t
from pathlib import Path

import httpx
import pytest
from ansible_collections.community.scalingo.plugins.modules import scalingo_retention_policy
from support.port import Report, perform
from support.real import DURATIONS, Office, fixtures, with_user

SEED = {
    "durations": DURATIONS,
    "apps": [{"name": "metrics", "addons": [{"provider": "influxdb", "resource_id": "metrics_1005"}]}],
}


database, url, sandbox, office = fixtures("metrics", "influxdb", "SCALINGO_INFLUX_URL", SEED)


def query(url: str, statement: str) -> t.Any:
    """Rows, or the error, as the server has it."""
    place, dummy, name = url.rpartition("/")
    answer = httpx.post(place + "/query", params={"db": name, "q": statement}, trust_env=False, verify=False)
    content = answer.json()
    result = content if "error" in content else content["results"][0]
    return result.get("error") or [row for part in result.get("series", []) for row in part.get("values", [])]


def write(url: str, line: str, policy: str = "") -> int:
    place, dummy, name = url.rpartition("/")
    return httpx.post(
        place + "/write", params={"db": name, "rp": policy}, content=line, trust_env=False, verify=False
    ).status_code


def policies(office: Office, database: str) -> dict[str, tuple[str, bool]]:
    return {
        item["name"]: (item["duration"], item["default"])
        for item in office.action(database, "list-retention-policies")["result"]
    }


def test_the_variable_connects_by_the_address_that_the_api_shows(office: Office, database: str, url: str) -> None:
    assert url.endswith("@{}/metrics_1005".format(office.show(database)["hostname"]))
    assert write(url, "load value=1") == 204
    assert query(url, "SELECT COUNT(value) FROM load")[0][1] == 1
    assert (
        office.show(database)["readable_version"].startswith("1.") and office.show(database)["next_version_id"] is None
    )


def test_users_are_no_administrators(office: Office, database: str, url: str) -> None:
    assert "requires admin privilege" in query(
        url, 'CREATE RETENTION POLICY own ON "metrics_1005" DURATION 1d REPLICATION 1'
    )
    fields = {"database_id": database, "name": "reader", "read_only": True}
    password = office.database("POST", database, "/users", json={"database_user": fields}).json()["database_user"][
        "password"
    ]
    reader = with_user(url, "reader", password)
    write(url, "load value=1")
    assert query(reader, "SELECT COUNT(value) FROM load")[0][1] == 1 and write(reader, "load value=2") == 403
    shown = office.database("GET", database, "/users").json()["database-users"]
    assert {item["name"]: item["read_only"] for item in shown} == {"metrics_1005": False, "reader": True}
    office.database("DELETE", database, "/users/reader")
    assert query(reader, "SHOW MEASUREMENTS") == "authorization failed"


def test_force_ssl_switches_the_protocol(office: Office, database: str, url: str) -> None:
    write(url, "load value=1")
    office.feature(database, "force-ssl", True)
    with pytest.raises(httpx.HTTPError):
        httpx.get(url.replace("/metrics_1005", "/ping"), trust_env=False).raise_for_status()
    assert query(url.replace("http://", "https://"), "SELECT COUNT(value) FROM load")[0][1] == 1
    office.feature(database, "force-ssl", False)
    assert query(url, "SELECT COUNT(value) FROM load")[0][1] == 1


def test_a_policy_that_goes_takes_its_points(office: Office, database: str, url: str) -> None:
    assert (
        office.action(database, "add-retention-policy", {"name": "month", "duration": "30d", "default": False})["ok"]
        == 1
    )
    assert write(url, "load value=1", "month") == 204
    assert query(url, 'SELECT COUNT(value) FROM "month".load')[0][1] == 1
    assert office.action(database, "del-retention-policy", {"name": "month"})["ok"] == 1
    assert "retention policy not found" in query(url, 'SELECT COUNT(value) FROM "month".load')


def test_a_name_or_a_duration_is_no_statement(office: Office, database: str) -> None:
    name = 'a" ON b DURATION 1d; DROP DATABASE "metrics_1005'
    assert (
        office.action(database, "add-retention-policy", {"name": name, "duration": "1d", "default": False})["ok"] == 1
    )
    assert name in policies(office, database)
    wrong = office.action(
        database, "add-retention-policy", {"name": "b", "duration": "1d REPLICATION 1 DEFAULT", "default": False}
    )
    assert wrong["ok"] == 0 and "expected duration" in wrong["error"] and "b" not in policies(office, database)


def test_a_backup_brings_points_and_policies_back(office: Office, database: str, url: str) -> None:
    office.action(database, "add-retention-policy", {"name": "month", "duration": "30d", "default": True})
    write(url, "load value=1")
    backup, files = office.backup(database)
    assert any(name.endswith(".manifest") for name in files)
    office.action(database, "del-retention-policy", {"name": "month"})
    office.action(database, "add-retention-policy", {"name": "week", "duration": "7d", "default": False})
    assert office.restore(database, backup)["status"] == "done"
    assert policies(office, database) == {"autogen": ("0s", False), "month": ("720h0m0s", True)}
    assert query(url, "SELECT COUNT(value) FROM load")[0][1] == 1
    assert write(url, "load value=2") == 204


# the module


Apply = t.Callable[..., Report]


@pytest.fixture
def apply(office: Office, tmp_path: Path) -> Apply:
    def act(**arguments: t.Any) -> Report:
        params = {**office.sandbox.params(), "app": "metrics", "addon": "influxdb", **arguments}
        return perform(scalingo_retention_policy, params, home=tmp_path)

    return act


@pytest.mark.parametrize(
    ("first", "same", "other", "told"),
    [
        ("30d", ("720h", "720h0m0s", "4w2d"), "31d", ("30d", "31d")),
        ("0", ("INF", "0s"), "1d", ("INF", "1d")),
        ("90m", ("1h30m", "5400s"), "91m", ("1h30m", "1h31m")),
    ],
)
def test_the_module_knows_a_duration_by_its_value(
    office: Office,
    database: str,
    url: str,
    apply: Apply,
    first: str,
    same: t.Sequence[str],
    other: str,
    told: tuple[str, str],
) -> None:
    made = apply(name="some", duration=first)
    assert made.changed and not made.failed, made.message
    written = policies(office, database)["some"]
    assert write(url, "load value=1", "some") == 204
    for text in same:
        again = apply(name="some", duration=text)
        assert not again.failed and not again.changed, again.message
    refused = apply(name="some", duration=other)
    # Both values are told, and what to do: a new policy beside the old one, whose points stay.
    assert refused.failed and not refused.changed
    assert "(duration is {}, wanted {})".format(*told) in refused.message
    assert f"add a new one beside it, such as 'name: some_{told[1]}, duration: {told[1]}'" in refused.message
    assert policies(office, database)["some"] == written
    assert query(url, 'SELECT COUNT(value) FROM "some".load')[0][1] == 1
    assert len([record for record in office.sandbox.unsafe() if record.route == "D8"]) == 1


def test_a_fraction_that_the_server_writes_is_read(office: Office, database: str, apply: Apply) -> None:
    assert apply(name="ms", duration="3601500ms").changed
    assert policies(office, database)["ms"] == ("1h0m1.5s", False)
    again = apply(name="ms", duration="1h0m1.5s")
    assert not again.failed and not again.changed, again.message
    other = apply(name="other", duration="1d")
    assert not other.failed and other.changed, other.message


def test_a_duration_that_wraps_is_not_sent(office: Office, database: str, apply: Apply) -> None:
    refused = apply(name="long", duration="213505d")
    assert "use INF for no end" in refused.message
    assert "long" not in policies(office, database) and not office.sandbox.unsafe()
    # What the server would have made of it.
    assert (
        office.action(database, "add-retention-policy", {"name": "wraps", "duration": "213505d", "default": False})[
            "ok"
        ]
        == 1
    )
    assert policies(office, database)["wraps"] == ("24h25m26.290448384s", False)
    overflowed = office.action(database, "add-retention-policy", {"name": "x", "duration": "106752d", "default": False})
    assert overflowed["error"].startswith(
        "error parsing query: overflowed duration 106752d: choose a smaller duration or INF"
    )
    # It keeps nobody from the others.
    assert apply(name="long", duration="106751d").changed


def test_a_new_default_is_one_wherever_it_stands(office: Office, database: str, apply: Apply) -> None:
    raw = {"name": "raw", "duration": "7d"}
    assert apply(policies=[{**raw, "default": True}]).changed
    first, last = ({"name": name, "duration": "INF", "default": True} for name in ("first", "last"))
    for wanted in ([first, raw], [{**raw, "default": False}, last]):
        made = apply(policies=wanted)
        assert made.changed and not made.failed, made.message
        shown = policies(office, database)
        assert [name for name, (dummy, default) in shown.items() if default] == [
            next(item["name"] for item in wanted if item.get("default"))
        ]
        assert not apply(policies=wanted).changed
