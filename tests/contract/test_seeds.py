# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The example bodies of the public documentation against the sandbox's models (docs/contract.md, section 2).

Everything else in this project was written from docs/contract.md; these bodies were not (tests/fixtures/seeds/README.md).
"""

from __future__ import annotations

import copy
import json
import pathlib
import re
from typing import Any

import pydantic
import pytest
import yaml
from scalingo_sandbox.api.routing import ROUTES
from scalingo_sandbox.application import load_routes
from scalingo_sandbox.models import actions

load_routes()

SEEDS = pathlib.Path(__file__).resolve().parents[1] / "fixtures" / "seeds"
INDEX = yaml.safe_load((SEEDS / "index.yml").read_text(encoding="utf-8"))
BODIES: list[dict[str, Any]] = INDEX["bodies"]

# Every example that cannot be read with the route's model, and why. Nothing else may be missing from the tests below.
CANNOT_VALIDATE = {
    "002-293-D8-pg-list-queries-response.txt": "a comment stands for the second row; read without it",
    "002-364-D8-pg-stat-statements-list-response.txt": "a comment stands for the second row; read without it",
    "004-020-D1-rooted-object-response.txt": "a comment stands for the database",
    "004-025-B1-rooted-list-response.txt": "comments stand for the backups, and the root is not the route's (row 4)",
}

# Examples that show another action than the one they stand under (docs/contract.md, section 6, row 1).
SHOWS_ANOTHER_ACTION = {
    "002-237-D8-reset-database-request.json": "delete-database",
    "002-427-D8-reset-database-mongodb-request.json": "delete-database",
}


def text_of(name: str) -> str:
    return (SEEDS / name).read_text(encoding="utf-8")


def readable() -> list[tuple[str, dict[str, Any]]]:
    """File and entry of everything that is JSON, the shortened forms in the place of what is not."""
    found = []
    for body in BODIES:
        if body["file"].endswith(".json"):
            found.append((body["file"], body))
        elif "shortened" in body:
            found.append((body["shortened"], body))
    return found


READABLE = readable()
REQUESTS = [(name, entry) for name, entry in READABLE if entry["direction"] == "request"]
RESPONSES = [(name, entry) for name, entry in READABLE if entry["direction"] == "response"]


def as_answered(name: str, entry: dict[str, Any]) -> Any:
    """The body as its route answers it: under its root, where the page shows an object without one."""
    body = json.loads(text_of(name))
    return {entry["wrap"]: body} if "wrap" in entry else body


def validated(model: Any, body: Any) -> Any:
    return pydantic.TypeAdapter(model).validate_python(body)


def read_response(entry: dict[str, Any], body: Any) -> Any:
    """Read with the model of the route and, for an action, with that of its result. Return it as it would be sent."""
    model = ROUTES[entry["route"]].response
    sent = validated(model, body).model_dump(mode="json", by_alias=True, exclude_unset=True)
    if "action" in entry and body.get("ok") == 1:
        declared = actions.ACTIONS[entry["action"]].result
        if declared is None:
            assert body["result"] is None
        else:
            adapter = pydantic.TypeAdapter(declared)
            sent["result"] = adapter.dump_python(
                adapter.validate_python(body["result"]), mode="json", by_alias=True, exclude_unset=True
            )
    return sent


def read_request(entry: dict[str, Any], body: Any) -> None:
    """Read with the model of the route and, for an action, with that of its parameters."""
    validated(ROUTES[entry["route"]].request, body)
    if "action" in entry:
        declared = actions.ACTIONS[body["action_name"]].params
        if declared is None:
            assert body.get("params") is None
        else:
            validated(declared, body["params"])


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The place of every scalar."""
    if isinstance(value, dict):
        return [place for key, item in value.items() for place in leaves(item, (*path, key))]
    if isinstance(value, list):
        return [place for number, item in enumerate(value) for place in leaves(item, (*path, number))]
    return [path]


def objects(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The place of every object."""
    if isinstance(value, dict):
        return [path, *(place for key, item in value.items() for place in objects(item, (*path, key)))]
    if isinstance(value, list):
        return [place for number, item in enumerate(value) for place in objects(item, (*path, number))]
    return []


def at(value: Any, path: tuple[Any, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def identifiers(cases: list[tuple[str, dict[str, Any]]]) -> list[str]:
    return [name for name, dummy in cases]


# the files and their index


def test_every_file_is_in_the_index_and_every_entry_has_its_file() -> None:
    listed = [body["file"] for body in BODIES] + [body["shortened"] for body in BODIES if "shortened" in body]
    assert len(listed) == len(set(listed))
    assert {path.name for path in SEEDS.iterdir()} == {*listed, "index.yml", "README.md"}


def test_the_index_says_where_each_body_stood() -> None:
    for body in BODIES:
        document, line, route = body["file"].split("-")[:3]
        assert document == body["document"] and document in INDEX["documents"]
        assert int(line) == body["lines"][0]
        assert body["lines"][1] - body["lines"][0] == text_of(body["file"]).count("\n") - 1
        assert route == body["route"] and route in ROUTES
        assert body["direction"] in ("request", "response")
        assert body["file"].rsplit(".", 1)[0].endswith(body["direction"])
    for call in INDEX["calls"]:
        assert call["route"] in ROUTES
        assert call["body"] is None or call["body"] in [body["file"] for body in BODIES]


def test_the_examples_that_cannot_be_read_are_exactly_those_listed() -> None:
    found = {}
    for body in BODIES:
        try:
            content = as_answered(body["file"], body)
            read_request(body, content) if body["direction"] == "request" else read_response(body, content)
        except (ValueError, AssertionError):
            found[body["file"]] = body.get("not_json")
    assert set(found) == set(CANNOT_VALIDATE)
    assert all(found.values()), "the index says why"


def test_a_shortened_example_lacks_nothing_but_the_comment() -> None:
    shortened = [body for body in BODIES if "shortened" in body]
    assert len(shortened) == 2
    for body in shortened:
        assert text_of(body["shortened"]) == text_of(body["file"]).replace(", {\n// ...\n}", "", 1)


# the bodies


@pytest.mark.parametrize(("name", "entry"), RESPONSES, ids=identifiers(RESPONSES))
def test_a_documented_answer_is_read_and_sent_again_without_loss(name: str, entry: dict[str, Any]) -> None:
    body = as_answered(name, entry)
    assert read_response(entry, body) == body


@pytest.mark.parametrize(("name", "entry"), REQUESTS, ids=identifiers(REQUESTS))
def test_a_documented_request_is_accepted(name: str, entry: dict[str, Any]) -> None:
    read_request(entry, as_answered(name, entry))


@pytest.mark.parametrize(("name", "entry"), RESPONSES, ids=identifiers(RESPONSES))
def test_no_answer_is_accepted_only_because_anything_would_be(name: str, entry: dict[str, Any]) -> None:
    body = as_answered(name, entry)
    generic = entry["route"] == "D8" and "action" not in entry
    for path in leaves(body):
        if generic and path[0] == "result":
            continue
        damaged = copy.deepcopy(body)
        at(damaged, path[:-1])[path[-1]] = {"something": "else"}
        with pytest.raises((pydantic.ValidationError, AssertionError)):
            read_response(entry, damaged)
    for path in objects(body):
        if generic and path:
            continue
        damaged = copy.deepcopy(body)
        at(damaged, path)["not_in_the_contract"] = 1
        with pytest.raises(pydantic.ValidationError):
            read_response(entry, damaged)


@pytest.mark.parametrize(("name", "entry"), REQUESTS, ids=identifiers(REQUESTS))
def test_a_request_with_an_unknown_field_is_refused(name: str, entry: dict[str, Any]) -> None:
    body = as_answered(name, entry)
    for path in objects(body):
        if path == ("params",) and "action" not in entry:
            continue
        damaged = copy.deepcopy(body)
        at(damaged, path)["not_in_the_contract"] = 1
        with pytest.raises(pydantic.ValidationError):
            read_request(entry, damaged)


def test_every_action_of_the_documents_is_known_and_no_other() -> None:
    assert {body["action"] for body in BODIES if "action" in body} == set(actions.ACTIONS)


def test_an_action_is_for_the_engine_under_which_it_is_documented() -> None:
    for body in BODIES:
        if "action" in body:
            assert body["engine"] in actions.ACTIONS[body["action"]].engines, body["file"]


def test_the_examples_name_the_action_they_stand_under_but_for_the_two_slips() -> None:
    slips = {}
    for name, entry in REQUESTS:
        shown = json.loads(text_of(name)).get("action_name")
        if "action" in entry and shown != entry["action"]:
            slips[name] = shown
    assert slips == SHOWS_ANOTHER_ACTION


# the tables


def schema_of_table(table: str) -> dict[str, Any]:
    """The JSON schema of the object a table of fields is about."""
    schema = pydantic.TypeAdapter(ROUTES[INDEX["tables"][table]["route"]].response).json_schema()
    named = {"maintenance": "Maintenance", "database": "Database", "instance": "Instance", "backup": "Backup"}[table]
    definitions: dict[str, Any] = schema["$defs"]
    found: dict[str, Any] = definitions[named]
    return found


def kinds(schema: dict[str, Any]) -> set[str]:
    """What a field may be, in the words of the tables."""
    found: set[str] = set()
    for choice in schema.get("anyOf", [schema]):
        kind = choice.get("type", "object")
        found.add("date" if choice.get("format") == "date-time" else kind)
    return found


@pytest.mark.parametrize("table", sorted(INDEX["tables"]))
def test_a_table_of_fields_agrees_with_the_model(table: str) -> None:
    properties = schema_of_table(table)["properties"]
    for row in INDEX["tables"][table]["fields"]:
        assert row["type"] in kinds(properties[row["field"]]), row


def test_the_documented_date_is_a_date() -> None:
    for date in INDEX["dates"]:
        validated(ROUTES["D4"].request, {"restore_time": date["text"]})
        assert re.fullmatch(r"[0-9T:.+-]+", date["text"])
