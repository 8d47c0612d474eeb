# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Backups and their downloads: docs/contract.md sections 2.10, 3.2 and 7.8."""

from __future__ import annotations

import io
import re
import tarfile
from typing import Any

import httpx
import pytest
from scalingo_sandbox.testing import Sandbox
from support.caller import SECOND, Caller


@pytest.fixture
def mysql(box: Sandbox) -> str:
    return box.addon_id("shop", "mysql")


def backups(caller: Caller, addon_id: str) -> list[dict[str, Any]]:
    answer = caller.database("GET", addon_id, "/backups")
    assert answer.status_code == 200
    listed: list[dict[str, Any]] = answer.json()["database_backups"]
    return listed


def make(box: Sandbox, caller: Caller, addon_id: str) -> dict[str, Any]:
    """A manual backup, finished."""
    made: dict[str, Any] = caller.database("POST", addon_id, "/backups").json()["database_backup"]
    box.advance(11)
    shown: dict[str, Any] = caller.database("GET", addon_id, f"/backups/{made['id']}").json()["database_backup"]
    return shown


def link(caller: Caller, addon_id: str, backup_id: str) -> str:
    answer = caller.database("GET", addon_id, f"/backups/{backup_id}/archive")
    assert answer.status_code == 200
    assert set(answer.json()) == {"download_url"}
    return str(answer.json()["download_url"])


@pytest.mark.parametrize("body", [None, {}])
def test_a_manual_backup_is_made_in_the_background(box: Sandbox, caller: Caller, mysql: str, body: Any) -> None:
    answer = caller.database("POST", mysql, "/backups", json=body)
    assert answer.status_code == 201
    made = answer.json()["database_backup"]
    assert (made["status"], made["started_at"], made["size"], made["method"]) == ("scheduled", None, None, "manual")
    assert re.fullmatch(r"\d{14}_shop_1002", made["name"])
    assert made["database_id"] == caller.show(mysql)["id"]
    assert re.fullmatch(r"[0-9a-f]{24}", made["id"])
    seen = []
    for seconds in (0, 3, 8):
        box.advance(seconds)
        one = caller.top("GET", mysql, f"/api/backups/{made['id']}").json()["database_backup"]
        assert one == caller.database("GET", mysql, f"/backups/{made['id']}").json()["database_backup"]
        assert one == backups(caller, mysql)[0]
        seen.append((one["status"], one["started_at"] is not None, bool(one["size"])))
    assert seen == [("scheduled", False, False), ("running", True, False), ("done", True, True)]
    assert caller.show(mysql)["current_operation_id"] is None
    event = caller.main("GET", "/v1/apps/shop/events").json()["events"][0]
    assert (event["type"], event["type_data"]["backup_id"]) == ("database_backup_succeeded", made["id"])
    assert event["type_data"]["backup_method"] == "manual"


def test_a_second_backup_has_to_wait(box: Sandbox, caller: Caller, mysql: str) -> None:
    caller.database("POST", mysql, "/backups")
    for dummy in range(2):
        answer = caller.database("POST", mysql, "/backups")
        assert answer.status_code == 400
        assert answer.json() == {"error": "a backup is running"}
        box.advance(4)
    box.advance(4)
    assert caller.database("POST", mysql, "/backups").status_code == 201


def test_backups_are_listed_latest_first(box: Sandbox, caller: Caller) -> None:
    listed = backups(caller, box.addon_id("shop", "postgresql"))
    assert [entry["method"] for entry in listed] == ["periodic", "periodic", "manual"]
    assert [entry["name"] for entry in listed] == sorted((entry["name"] for entry in listed), reverse=True)
    assert all(entry["status"] == "done" and entry["size"] > 0 for entry in listed)


@pytest.mark.parametrize(("outcome", "status"), [("fail", "error"), ("cancel", "cancelled")])
def test_a_backup_can_fail(box: Sandbox, caller: Caller, mysql: str, outcome: str, status: str) -> None:
    box.outcome("backup", outcome, mysql)
    failed = make(box, caller, mysql)
    assert (failed["status"], failed["size"]) == (status, None)
    assert caller.main("GET", "/v1/apps/shop/events").json()["events"][0]["type"] == "database_backup_failed"
    answer = caller.database("GET", mysql, f"/backups/{failed['id']}/archive")
    assert (answer.status_code, set(answer.json())) == (400, {"error"})


def test_a_backup_may_never_end(box: Sandbox, caller: Caller, mysql: str) -> None:
    box.outcome("backup", "stay")
    made = caller.database("POST", mysql, "/backups").json()["database_backup"]
    box.advance(3000)
    assert caller.database("GET", mysql, f"/backups/{made['id']}").json()["database_backup"]["status"] == "running"


def test_one_too_many_and_the_oldest_goes(box: Sandbox, caller: Caller) -> None:
    old = [{"method": "manual", "age": 1000 * (index + 1), "id": f"{index:024x}"} for index in range(10)]
    periodic = [{"method": "periodic", "age": 90000}]
    addon = {"provider": "mysql", "plan": "mysql-starter-512", "database": {"backups": old + periodic}}
    box.reset({"apps": [{"name": "shop", "addons": [addon]}]})
    mysql = box.addon_id("shop", "mysql")
    made = make(box, caller, mysql)
    manual = [entry["id"] for entry in backups(caller, mysql) if entry["method"] == "manual"]
    assert len(manual) == 10
    assert manual[0] == made["id"]
    assert f"{9:024x}" not in manual
    assert f"{8:024x}" in manual
    assert len(backups(caller, mysql)) == 11


def test_a_business_plan_keeps_fifty(box: Sandbox, caller: Caller) -> None:
    old = [{"method": "manual", "age": 1000 * (index + 1)} for index in range(20)]
    addon = {"provider": "mysql", "plan": "mysql-business-512", "database": {"backups": old}}
    box.reset({"apps": [{"name": "shop", "addons": [addon]}]})
    mysql = box.addon_id("shop", "mysql")
    make(box, caller, mysql)
    assert len(backups(caller, mysql)) == 21


def test_hidden_backups_are_not_listed(box: Sandbox, caller: Caller) -> None:
    addon = {"provider": "mysql", "database": {"backups": [{"hidden": True}, {"size": 17484513608}]}}
    box.reset({"apps": [{"name": "shop", "addons": [addon]}]})
    listed = backups(caller, box.addon_id("shop", "mysql"))
    assert [entry["size"] for entry in listed] == [17484513608]


def test_unknown_backups_are_not_found(box: Sandbox, caller: Caller, mysql: str) -> None:
    other = backups(caller, box.addon_id("shop", "postgresql"))[0]["id"]
    for identifier in ("0" * 24, other):
        for path in (f"/backups/{identifier}", f"/backups/{identifier}/archive"):
            answer = caller.database("GET", mysql, path)
            assert (answer.status_code, answer.json()) == (404, {"error": "Backup not found"})
    assert caller.top("GET", mysql, f"/api/backups/{'0' * 24}").status_code == 404
    path = f"/v1/apps/shop/addons/{mysql}"
    assert caller.main("DELETE", path).status_code == 204


def test_some_databases_have_no_backups_or_no_downloads(box: Sandbox, caller: Caller) -> None:
    ledger = box.addon_id("ledger", "postgresql-ng")
    assert caller.database("GET", ledger, "/backups").status_code == 400
    assert caller.database("POST", ledger, "/backups").status_code == 400
    opensearch = box.addon_id("metrics", "opensearch")
    made = make(box, caller, opensearch)
    assert made["status"] == "done"
    answer = caller.client.get(link(caller, opensearch, made["id"]))
    assert answer.status_code == 200 and len(answer.content) > made["size"], "an error text, as somebody saw it"
    assert answer.text.startswith("fail to get archive from storage backend: fail to get S3 object opensearch/")
    assert answer.text.endswith("NoSuchKey: ")


def test_an_archive_may_be_lost_or_not_there_yet(box: Sandbox, caller: Caller) -> None:
    addon = {"provider": "postgresql", "database": {"backups": [{"lost": True}]}}
    box.reset({"apps": [{"name": "shop", "addons": [addon]}], "durations": {"backup": 10}})
    postgresql = box.addon_id("shop", "postgresql")
    lost = backups(caller, postgresql)[0]
    answer = caller.client.get(link(caller, postgresql, lost["id"]))
    assert (answer.status_code, lost["status"]) == (200, "done") and "NoSuchKey" in answer.text
    made = caller.database("POST", postgresql, "/backups").json()["database_backup"]
    answer = caller.client.get(link(caller, postgresql, made["id"]))
    assert (answer.status_code, len(answer.content)) == (200, 69)
    box.advance(11)
    assert caller.client.get(link(caller, postgresql, made["id"])).content[:2] == b"\x1f\x8b"
    box.switch("archive_missing", "504")
    assert caller.client.get(link(caller, postgresql, lost["id"])).status_code == 504


# downloads


def test_a_download_needs_the_link_and_nothing_else(box: Sandbox, caller: Caller, mysql: str) -> None:
    made = make(box, caller, mysql)
    answer = caller.client.get(link(caller, mysql, made["id"]))
    assert answer.status_code == 200
    assert int(answer.headers["Content-Length"]) == len(answer.content) == made["size"]
    assert made["name"] + ".tar.gz" in answer.headers["Content-Disposition"]
    with tarfile.open(fileobj=io.BytesIO(answer.content), mode="r:gz") as archive:
        members = archive.getmembers()
        content = archive.extractfile(members[0])
        assert content is not None
        assert [member.name for member in members] == [f"{made['name']}.sql"]
        assert b"orders" in content.read()
    record = box.log()[-1]
    assert (record.role, record.route, record.token_kind) == ("files", "B5", "none")


def test_a_link_expires_and_cannot_be_changed(box: Sandbox, caller: Caller, mysql: str) -> None:
    first, second = backups(caller, mysql)[0]["id"], make(box, caller, mysql)["id"]
    address = link(caller, mysql, first)
    assert caller.client.get(address).status_code == 200
    assert caller.client.get(address.replace(first, second)).status_code == 403
    assert caller.client.get(address.partition("?")[0]).status_code == 403
    assert caller.client.get(address[:-1] + ("0" if address[-1] != "0" else "1")).status_code == 403
    box.advance(3601)
    assert caller.client.get(address).status_code == 403
    caller.forget()
    assert caller.client.get(link(caller, mysql, first)).status_code == 200


def fetch(caller: Caller, address: str, **headers: str) -> httpx.Response:
    return caller.client.get(address, headers={name.replace("_", "-"): value for name, value in headers.items()})


def test_a_download_can_be_resumed(box: Sandbox, caller: Caller, mysql: str) -> None:
    address = link(caller, mysql, make(box, caller, mysql)["id"])
    whole = fetch(caller, address)
    content, total, etag = whole.content, len(whole.content), whole.headers["ETag"]
    assert whole.headers["Accept-Ranges"] == "bytes"
    assert etag.startswith('"')
    for asked, expected, described in (
        ("bytes=10-", content[10:], f"bytes 10-{total - 1}/{total}"),
        ("bytes=0-4", content[:5], f"bytes 0-4/{total}"),
        ("bytes=-7", content[-7:], f"bytes {total - 7}-{total - 1}/{total}"),
        (f"bytes=5-{total + 100}", content[5:], f"bytes 5-{total - 1}/{total}"),
    ):
        part = fetch(caller, address, Range=asked)
        assert (part.status_code, part.content) == (206, expected)
        assert part.headers["Content-Range"] == described
        assert int(part.headers["Content-Length"]) == len(expected)
    assert fetch(caller, address, Range="bytes=10-", If_Range=etag).status_code == 206
    assert fetch(caller, address, Range="bytes=10-", If_Range=whole.headers["Last-Modified"]).status_code == 206
    assert fetch(caller, address, Range="bytes=10-", If_Range='"other"').content == content
    for ignored in ("bytes=x", "bytes=5-2", "lines=1-2", "bytes=-", "bytes=0-1,3-4"):
        assert fetch(caller, address, Range=ignored).status_code == 200
    beyond = fetch(caller, address, Range=f"bytes={total}-")
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, f"bytes */{total}")


@pytest.mark.parametrize(
    ("app", "provider", "members"),
    [
        ("shop", "postgresql", ["NAME.pgsql"]),
        ("shop", "mysql", ["NAME.sql"]),
        ("metrics", "mongodb", ["admin/system.version.bson", "archive/days.bson", "metrics_1003/accounts.bson"]),
        ("metrics", "influxdb", ["NAME/data.json"]),
    ],
)
def test_the_members_of_an_archive(box: Sandbox, caller: Caller, app: str, provider: str, members: list[str]) -> None:
    """As public scripts unpack them: by the name of the backup, in a directory for each database, or in one that is stripped."""
    addon_id = box.addon_id(app, provider)
    backup = caller.database("POST", addon_id, "/backups").json()["database_backup"]
    box.advance(11)
    content = fetch(caller, link(caller, addon_id, backup["id"])).content
    with tarfile.open(fileobj=io.BytesIO(content), mode="r:gz") as archive:
        assert archive.getnames() == [member.replace("NAME", backup["name"]) for member in members]


def test_a_resource_may_have_dashes_and_an_archive_may_be_tiny(box: Sandbox, caller: Caller) -> None:
    """Its length is that of what it holds, whatever the moment in its name."""
    vault = box.addon_id("vault", "mysql", SECOND)
    for seconds in (11, 1234, 98765, 54321, 7):
        backup = caller.database("POST", vault, "/backups", SECOND).json()["database_backup"]
        assert re.fullmatch(r"\d{14}_vault-2002", backup["name"])
        box.advance(10 + seconds)
        caller.forget()
    made = caller.database("GET", vault, "/backups", SECOND).json()["database_backups"]
    sizes = {entry["size"] for entry in made if entry["method"] == "manual"}
    assert len(sizes) == 1 and 100 < sizes.pop() < 400


def test_a_big_archive_is_cut_off_where_told_and_completed(box: Sandbox, caller: Caller) -> None:
    addon = {"provider": "postgresql", "database": {"backups": [{"archive_bytes": 3_000_000}]}}
    box.reset({"apps": [{"name": "shop", "addons": [addon]}]})
    postgresql = box.addon_id("shop", "postgresql")
    backup = backups(caller, postgresql)[0]
    assert 3_000_000 < backup["size"] < 3_100_000
    address = link(caller, postgresql, backup["id"])
    whole = fetch(caller, address).content
    assert len(whole) == backup["size"]
    box.fault(match={"route": "B5"}, do="truncate", bytes=1_000_000, times=1)
    received = b""
    with pytest.raises(httpx.RemoteProtocolError), caller.client.stream("GET", address) as stream:
        assert int(stream.headers["Content-Length"]) == backup["size"]
        for piece in stream.iter_bytes():
            received += piece
    assert received == whole[:1_000_000]
    received += fetch(caller, address, Range="bytes=1000000-").content
    assert received == whole
    with tarfile.open(fileobj=io.BytesIO(received), mode="r:gz") as archive:
        assert [member.name for member in archive.getmembers()][1] == "padding"


def test_an_archive_may_have_a_token_of_its_own_for_five_minutes(box: Sandbox, caller: Caller, mysql: str) -> None:
    assert "download_token" not in backups(caller, mysql)[0]
    box.switch("download_token", "present")
    backup = backups(caller, mysql)[0]
    assert re.fullmatch("[0-9a-f]{128}", backup["download_token"]) and backup["download_token_date"]
    assert "download_token" not in caller.database("POST", mysql, "/backups").json()["database_backup"], (
        "it is not done"
    )
    address = link(caller, mysql, backup["id"])
    assert address.endswith(f"?token={backup['download_token']}")
    assert (fetch(caller, address).status_code, fetch(caller, address[:-1] + "x").status_code) == (200, 403)
    box.advance(299)
    assert fetch(caller, address).status_code == 200
    box.advance(2)
    assert fetch(caller, address).status_code == 403
    assert link(caller, mysql, backup["id"]) != address
    assert backup["download_token"] not in str(box.state())


# restorations


def test_a_backup_is_put_back(box: Sandbox, caller: Caller, mysql: str) -> None:
    made = make(box, caller, mysql)
    caller.action(mysql, "delete-database", {"database_name": "orders"})
    answer = caller.database("POST", mysql, f"/backups/{made['id']}/restore", json={})
    assert answer.status_code == 201
    restoration = answer.json()
    assert (restoration["status"], restoration["source_backup_id"]) == ("scheduled", made["id"])
    assert caller.show(mysql)["current_operation_id"]
    seen = []
    path = f"/backup_restorations/{restoration['id']}"
    for seconds in (3, 18):
        box.advance(seconds)
        shown = caller.database("GET", mysql, path).json()["backup_restoration"]
        seen.append((shown["status"], shown["ended_at"] is not None))
    assert seen == [("running", False), ("done", True)]
    names = [entry["name"] for entry in caller.action(mysql, "list-databases")["result"]]
    assert names == ["shop_1002", "orders", "reports"]
    assert caller.show(mysql)["status"] == "running"
    assert caller.database("GET", mysql, "/backup_restorations/nope").status_code == 404


def test_a_restoration_can_fail(box: Sandbox, caller: Caller, mysql: str) -> None:
    made = make(box, caller, mysql)
    box.outcome("restore", "fail")
    restoration = caller.database("POST", mysql, f"/backups/{made['id']}/restore").json()["id"]
    box.advance(21)
    shown = caller.database("GET", mysql, f"/backup_restorations/{restoration}").json()["backup_restoration"]
    assert shown["status"] == "error"
    assert caller.show(mysql)["status"] == "running"


# the daily ones


def test_daily_backups_are_made_only_when_switched_on(box: Sandbox, caller: Caller, mysql: str) -> None:
    count = len(backups(caller, mysql))
    box.advance(2 * 86400)
    caller.forget()
    assert len(backups(caller, mysql)) == count
    box.switch("scheduled_backups", "on")
    caller.database("PATCH", mysql, json={"database": {"periodic_backups_scheduled_at": [1, 13]}})
    box.advance(2 * 86400)
    caller.forget()
    made = backups(caller, mysql)[:-count]
    assert [re.sub(r".*T(\d\d):.*", r"\1", entry["created_at"]) for entry in made] in (
        ["02", "14"] * 2, ["14", "02"] * 2,
    )  # fmt: skip
    assert {entry["method"] for entry in made} == {"periodic"}
    caller.database("PATCH", mysql, json={"database": {"periodic_backups_enabled": False}})
    box.advance(86400)
    caller.forget()
    assert len(backups(caller, mysql)) == len(made) + count


def test_daily_backups_are_kept_by_day_week_and_month(box: Sandbox, caller: Caller) -> None:
    addon = {"provider": "mysql", "plan": "mysql-business-512"}
    box.reset({"switches": {"scheduled_backups": "on"}, "apps": [{"name": "shop", "addons": [addon]}]})
    mysql = box.addon_id("shop", "mysql")
    box.advance(400 * 86400)
    listed = backups(caller, mysql)
    assert 7 + 7 + 11 <= len(listed) <= 7 + 8 + 12
    starter = {"provider": "mysql", "plan": "mysql-starter-512"}
    box.reset({"switches": {"scheduled_backups": "on"}, "apps": [{"name": "shop", "addons": [starter]}]})
    box.advance(100 * 86400)
    caller.forget()
    assert 7 + 2 <= len(backups(caller, mysql)) <= 7 + 4
