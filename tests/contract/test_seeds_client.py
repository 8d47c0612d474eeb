# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example bodies of the public documentation against the collection's own client (tests/fixtures/seeds/README.md).

Every documented answer is read without loss, and every documented request is what the client sends, but for the two examples
that would drop a database (docs/contract.md, section 6, row 1).
"""

from __future__ import annotations

import json
import operator
import os
import pathlib
import typing as t

import pytest
import yaml
from ansible_collections.community.scalingo.plugins.module_utils import _canon
from ansible_collections.community.scalingo.plugins.module_utils._errors import (
    ActionFailed,
    ScalingoError,
    UnexpectedAnswer,
)
from support.api import Api
from support.office import Office
from support.scripted import NOTHING, Expected, Script, expect, on_database

SEEDS = pathlib.Path(__file__).resolve().parents[1] / "fixtures" / "seeds"
BODIES: list[dict[str, t.Any]] = yaml.safe_load((SEEDS / "index.yml").read_text(encoding="utf-8"))["bodies"]

# Examples of answers that are for nobody to read, and why.
NOT_AN_ANSWER = {
    "004-020-D1-rooted-object-response.txt": "a comment stands for the database",
    "004-025-B1-rooted-list-response.txt": "comments stand for the backups",
}
# Examples of requests that the client must never send, and what it sends in their place.
NEVER_SENT = {
    "002-237-D8-reset-database-request.json": "reset-database",
    "002-427-D8-reset-database-mongodb-request.json": "reset-database",
}

Method = t.Callable[[Api], t.Any]


class Way(t.NamedTuple):
    """How the client comes to an answer: the method called, the call it makes, and where the plain data stand in the body."""

    call: Method
    request: Expected
    data: t.Callable[[t.Any], t.Any]


def _of_the_upgrade(body: t.Any) -> t.Any:
    """The answer holds the whole target version, which is read from the versions ahead."""
    return {name: value for name, value in body.items() if name in ("id", "message", "warning_message", "operation_id")}


def _result(body: t.Any) -> t.Any:
    return body["result"]


_UPDATE = {"periodic_backups_enabled": True, "periodic_backups_scheduled_at": 3}
_TIME = "2019-07-18T23:00:00Z"
ROUTES: dict[str, Way] = {
    "D1": Way(operator.methodcaller("show_database"), on_database("GET"), lambda body: body["database"]),
    "D2": Way(
        lambda api: api.update_database(_UPDATE),
        on_database("PATCH", json={"database": _UPDATE}),
        lambda body: body["database"],
    ),
    "D3": Way(operator.methodcaller("upgrade"), on_database("POST", "/upgrade", status=202), _of_the_upgrade),
    "D4": Way(
        lambda api: api.restore_to_point_in_time(_TIME),
        on_database("POST", "/pitr/restore", json={"restore_time": _TIME}, status=201),
        lambda body: {"id": body["operation_id"]},
    ),
    "B1": Way(
        operator.methodcaller("list_backups"), on_database("GET", "/backups"), lambda body: body["database_backups"]
    ),
    "B2": Way(
        operator.methodcaller("create_backup"),
        on_database("POST", "/backups", status=201),
        lambda body: body["database_backup"],
    ),
    "B3": Way(
        lambda api: api.show_backup("5b8b36104ffb090be1ac3ce1"),
        expect("GET", "/api/backups/5b8b36104ffb090be1ac3ce1"),
        # One example has the type of the database, which no module tells of a backup.
        lambda body: {name: value for name, value in body["database_backup"].items() if name != "type"},
    ),
    "B4": Way(
        lambda api: api.show_backup_link("abcdefabcdefabcdef"),
        on_database("GET", "/backups/abcdefabcdefabcdef/archive"),
        lambda body: body["download_url"],
    ),
    "M1": Way(
        operator.methodcaller("list_maintenances"),
        on_database("GET", "/maintenance", query={"page": "1", "per_page": "50"}),
        lambda body: body["maintenance"],
    ),
    "M2": Way(
        lambda api: api.show_maintenance("my-maintenance-123"),
        on_database("GET", "/maintenance/my-maintenance-123"),
        lambda body: body["maintenance"],
    ),
}
_NAME = {"database_name": "custom-db"}
_POLICY = {"name": "30-days", "duration": "30d", "default": True}
_MODES = "NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO"
ACTIONS: dict[str, tuple[Method, t.Any]] = {
    "list-databases": (operator.methodcaller("list_logical_databases"), NOTHING),
    "create-database": (lambda api: api.create_logical_database("custom-db"), _NAME),
    "delete-database": (lambda api: api.delete_logical_database("custom-db"), _NAME),
    "reset-database": (lambda api: api.reset_logical_database("custom-db"), _NAME),
    "get-sqlmode": (operator.methodcaller("get_sql_mode"), NOTHING),
    "set-sqlmode": (lambda api: api.set_sql_mode(_MODES), _MODES),
    "list-extensions": (operator.methodcaller("list_extensions"), NOTHING),
    "pg-list-queries": (operator.methodcaller("list_queries"), NOTHING),
    "pg-cancel-query": (lambda api: api.cancel_query(2000), {"pid": 2000}),
    "pg-terminate-query": (lambda api: api.terminate_query(2000), {"pid": 2000}),
    "pg-stat-statements-enable": (operator.methodcaller("enable_stat_statements"), NOTHING),
    "pg-stat-statements-reset": (operator.methodcaller("reset_stat_statements"), NOTHING),
    "pg-stat-statements-list": (operator.methodcaller("list_stat_statements"), NOTHING),
    "list-retention-policies": (operator.methodcaller("list_retention_policies"), NOTHING),
    "add-retention-policy": (lambda api: api.add_retention_policy("30-days", "30d", True), _POLICY),
    "del-retention-policy": (lambda api: api.delete_retention_policy("30-days"), {"name": "30-days"}),
}


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: pathlib.Path) -> None:
    for name in list(os.environ):
        if name.upper().endswith("_PROXY") or name.startswith(("SCALINGO_", "XDG_", "NETRC")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))


def way_of(entry: dict[str, t.Any]) -> Way:
    if entry["route"] != "D8":
        return ROUTES[entry["route"]]
    if "action" not in entry:
        option = {"option1": "value1"}
        body = {"action_name": "name-of-the-action", "params": option}
        return Way(
            lambda api: api.run_action("name-of-the-action", option), on_database("POST", "/action", json=body), _result
        )
    call, params = ACTIONS[entry["action"]]
    body = {"action_name": entry["action"], **({} if params is NOTHING else {"params": params})}
    return Way(call, on_database("POST", "/action", json=body), _result)


def answered(way: Way, entry: dict[str, t.Any], **answer: t.Any) -> t.Any:
    """What the method returns when the example is answered; exactly the one call is made."""
    request = way.request
    wanted = {
        "query": request.query,
        "headers": request.headers,
        "json": request.json,
        "status": request.status,
        "answer_headers": entry.get("headers", {}),
        **answer,
    }
    client = Office().direct()
    with Script(expect(request.method, request.path, **wanted)) as script:
        script.mount(client)
        return way.call(Api(client))


def read(entry: dict[str, t.Any]) -> t.Any:
    body = json.loads((SEEDS / entry.get("shortened", entry["file"])).read_text(encoding="utf-8"))
    return {entry["wrap"]: body} if "wrap" in entry else body


#: The forms that a value may be returned in: as it is, nothing for an empty text, a point in time, a version, nanoseconds as seconds.
FORMS: tuple[t.Callable[[t.Any], t.Any], ...] = (
    lambda value: value,
    lambda value: value or None,
    _canon.instant,
    _canon.extension_version,
    lambda value: round(value / 1000**3, 3),
)


def can(form: t.Callable[[t.Any], t.Any], value: t.Any) -> bool:
    try:
        form(value)
    except (TypeError, ValueError):
        return False
    return True


def lacks(found: t.Any, example: t.Any, where: str = "$") -> list[str]:
    """What of the example is not in what the client returns. More may be: keys that are always there."""
    if isinstance(example, dict) and isinstance(found, dict):
        return [
            text for key, value in example.items() for text in lacks(found.get(key, "missing"), value, f"{where}.{key}")
        ]
    if isinstance(example, list) and isinstance(found, list) and len(found) == len(example):
        return [
            text for number, value in enumerate(example) for text in lacks(found[number], value, f"{where}[{number}]")
        ]
    return (
        []
        if any(found == form(example) and type(found) is type(form(example)) for form in FORMS if can(form, example))
        else [f"{where}: {example!r} became {found!r}"]
    )


READABLE = [entry for entry in BODIES if entry["file"].endswith(".json") or "shortened" in entry]
ANSWERS = [entry for entry in READABLE if entry["direction"] == "response"]
REQUESTS = [entry for entry in READABLE if entry["direction"] == "request"]


def test_the_answers_that_nobody_reads_are_exactly_those_listed() -> None:
    assert {entry["file"] for entry in BODIES} - {entry["file"] for entry in READABLE} == set(NOT_AN_ANSWER)


@pytest.mark.parametrize("entry", ANSWERS, ids=lambda entry: entry["file"])
def test_a_documented_answer_is_read_without_loss(entry: dict[str, t.Any]) -> None:
    way, body = way_of(entry), read(entry)
    if body.get("ok") == 0:
        with pytest.raises(ActionFailed) as caught:
            answered(way, entry, answer=body)
        assert caught.value.message == body["error"]
        return
    assert lacks(answered(way, entry, answer=body), way.data(body)) == []


def test_the_operation_of_the_documented_upgrade_is_found_in_its_location() -> None:
    (entry,) = [entry for entry in ANSWERS if entry["route"] == "D3"]
    result = answered(way_of(entry), entry, answer=read(entry))
    assert result["operation_id"] == "609145e66ffbd934f6745bb4"
    assert result["id"] == "6051fe19406c31aaafd31a05"
    assert result["location"] == entry["headers"]["location"]


@pytest.mark.parametrize("entry", REQUESTS, ids=lambda entry: entry["file"])
def test_a_documented_request_is_what_is_sent(entry: dict[str, t.Any]) -> None:
    """The scripted HTTP compares each call with ``way_of``; here that is compared with the example."""
    sent, example = dict(way_of(entry).request.json), dict(read(entry))
    if entry["file"] in NEVER_SENT:
        assert example.pop("action_name") == "delete-database"
        assert sent.pop("action_name") == NEVER_SENT[entry["file"]]
    if example.get("params", NOTHING) is None:
        # null and nothing are the same (section 6, row 40)
        del example["params"]
    assert sent == example


def test_every_action_of_the_documents_has_its_method() -> None:
    assert {entry["action"] for entry in BODIES if "action" in entry} == set(ACTIONS)
    assert {entry["route"] for entry in BODIES} - {"D8"} == set(ROUTES)


@pytest.mark.parametrize("file", [entry["file"] for entry in BODIES if entry["file"].endswith(".txt")])
def test_an_example_that_is_not_json_is_an_unexpected_answer(file: str) -> None:
    entry = next(entry for entry in BODIES if entry["file"] == file)
    with pytest.raises(UnexpectedAnswer):
        answered(way_of(entry), entry, text=(SEEDS / file).read_text(encoding="utf-8"))


def test_an_example_with_a_wrong_type_is_refused() -> None:
    """A check of this check: what is damaged does not get through to who uses it."""
    entry = next(entry for entry in ANSWERS if entry["file"] == "002-070-D1-database-response.json")
    body = read(entry)
    body["database"]["features"] = "force-ssl"
    with pytest.raises(ScalingoError):
        len(answered(way_of(entry), entry, answer=body)["features"])
    with pytest.raises(ScalingoError):
        answered(way_of(entry), entry, answer={"database": "force-ssl"})
    body = read(entry)
    assert lacks(body["database"], {**body["database"], "plan": 1}) != []
    assert lacks(body["database"], {**body["database"], "nothing": 1}) != []
