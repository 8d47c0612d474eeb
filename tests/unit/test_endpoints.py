# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every route: what is sent, every form of answer that is accepted, and what is refused."""

from __future__ import annotations

import itertools
import pathlib
import re
import typing as t

import pytest
import yaml
from ansible_collections.community.scalingo.plugins.module_utils import _canon
from ansible_collections.community.scalingo.plugins.module_utils._api import _pages
from ansible_collections.community.scalingo.plugins.module_utils._api import action as actions
from ansible_collections.community.scalingo.plugins.module_utils._api.operation import operation_in, operation_path
from ansible_collections.community.scalingo.plugins.module_utils._client import Client
from ansible_collections.community.scalingo.plugins.module_utils._errors import (
    ActionFailed,
    BadRequest,
    Forbidden,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    RateLimited,
    ScalingoError,
    ServerError,
    Unauthorized,
    UnexpectedAnswer,
    facts,
    sentence,
)
from ansible_collections.community.scalingo.plugins.module_utils._shapes import Unread
from support.api import ACTIONS, CALLS, ROUTES, Api
from support.office import Office
from support.scripted import NOTHING, Expected, Script, addon, addons, exchange, expect, mint, on_database

DATA = yaml.safe_load((pathlib.Path(__file__).parent / "endpoints.yml").read_text(encoding="utf-8"))
THINGS = DATA["things"]
DATABASE, MAINTENANCE, NOT_FOUND = (THINGS[name] for name in ("database", "maintenance", "not_found"))


def outside(method: str, path: str, **details: t.Any) -> Expected:
    return expect(method, f"/api{path}", **{"headers": {"Authorization": "Bearer addon-1"}, **details})


def acts(name: str, result: t.Any = None, params: t.Any = NOTHING, **details: t.Any) -> Expected:
    body = {"action_name": name} if params is NOTHING else {"action_name": name, "params": params}
    return on_database("POST", "/action", **{"json": body, "answer": {"ok": 1, "result": result}, **details})


def pages(first: t.Any, following: t.Any = None, **details: t.Any) -> Expected:
    number = details.pop("number", 1)
    meta = {"pagination": {"current_page": number, "prev_page": None, "next_page": following, "total_pages": 2}}
    size = details.pop("size", 50)
    return on_database(
        "GET",
        "/maintenance",
        query={"page": str(number), "per_page": str(size)},
        answer={"maintenance": first, "meta": meta},
    )


def logs(number: int, found: list[t.Any], more: t.Any) -> Expected:
    answer = {"archives": found, "next_cursor": "c", "has_more": more}
    return on_database("GET", "/logs_archives", query={"page": str(number)}, answer=answer)


def read(value: t.Any) -> t.Any:
    """Return a value of the data with what YAML has no word for."""
    if isinstance(value, dict):
        return (
            Unread(value["unread"]) if value.keys() == {"unread"} else {key: read(item) for key, item in value.items()}
        )
    return [read(item) for item in value] if isinstance(value, list) else value


def asked(row: dict[str, t.Any]) -> Expected:
    """Return the request of a row that must come."""
    if "action" in row:
        return acts(row["action"], row.get("result"), row.get("params", NOTHING))
    ((method, path),) = ((name, row[name]) for name in ("GET", "POST", "PATCH", "DELETE") if name in row)
    token = "bearer-1" if path.startswith("/v1/") else "addon-1"
    details = {name: row[name] for name in ("query", "status", "answer", "text", "answer_headers") if name in row}
    if "json" in row:
        details["json"] = NOTHING if row["json"] == "nothing" else row["json"]
    path = re.sub("^db", "/api/databases/ad-1", path)
    return expect(method, path, headers={"Authorization": f"Bearer {token}"}, **details)


def called(client: Client, row: dict[str, t.Any]) -> t.Any:
    """Make the call of a row."""
    found = getattr(Api(client), row["call"])(*row.get("with", []))
    if isinstance(found, t.Iterator):
        found = list(itertools.islice(found, row["with"][1]))
    for key in row.get("at", []):
        found = found[key]
    return found


def client_for(office: Office, part: str) -> tuple[Client, list[Expected]]:
    if part == "database":
        return office.direct(), []
    return office.client(token_cache=False), [exchange()]


ALL = [(part, row) for part in ("auth", "main", "database") for row in DATA[part]]


def told(found: t.Any, answer: t.Any) -> bool:
    """Whether what is returned is what was answered, in its normal form: of the fields that are known, and of no other."""
    if isinstance(found, dict) and isinstance(answer, dict):
        return all(
            told(value, answer[name]) if name in answer else not value or told(value, dict.fromkeys(value))
            for name, value in found.items()
        )
    if isinstance(found, list) and isinstance(answer, list):
        return len(found) == len(answer) and all(map(told, found, answer))
    if isinstance(found, dict) and answer is None:
        return not any(found.values())
    return found == answer or (not found and answer in (None, "")) or found == _canon.instant(answer)


@pytest.mark.parametrize(
    ("part", "row"), ALL, ids=[f"{part}.{row['call']}{row.get('with', [])}"[:80] for part, row in ALL]
)
def test_a_route_and_its_answer(office: Office, part: str, row: dict[str, t.Any]) -> None:
    client, before = client_for(office, part)
    calls = [asked(item) for item in row.get("requests", [row])]
    with Script(*[*before, *calls] if calls else []) as script:
        script.mount(client)
        found = called(client, row)
    assert told(found, read(row.get("returns")))


def test_every_call_has_a_case() -> None:
    assert CALLS.keys() == {row["call"] for dummy, row in ALL} | {
        "exchange_token",
        "mint_addon_token",
        "show_database_and_next",
    }


# ---------------------------------------------------------------------------------------------------------------------
# The tables


def test_every_route_of_the_contract_is_declared_once() -> None:
    """Those that the client of the dashboard alone uses, or an unreleased branch, may be missing: what others use, a playbook can use too."""
    numbers = [route.number for route in ROUTES]
    assert len(numbers) == len(set(numbers))
    contract = (pathlib.Path(__file__).parents[2] / "docs" / "contract.md").read_text(encoding="utf-8")
    indexed = re.findall(r"^\| ([A-Z]\d+) \| (?:GET|POST|PATCH|DELETE) .*\| ([^|]+) \|$", contract, re.MULTILINE)
    wanted = [
        number
        for number, sources in indexed
        if number != "D8"
        and sources not in ("JS", "JS only", "DOC (as `download_url`)")
        and not sources.startswith("a branch of ")
    ]
    assert len(wanted) > 25
    wanted += [f"A{number}" for number in range(1, 16) if number != 7]
    assert set(wanted) <= set(numbers)
    assert len({route.name for route in ROUTES}) == len(ROUTES)


def test_every_action_of_the_contract_is_declared() -> None:
    assert ACTIONS.keys() == actions.KNOWN.keys() and len(ACTIONS) == 16
    assert {route.path for route in ACTIONS.values()} == {"/databases/{database}/action"}


def test_what_only_reads_is_safe_whatever_its_verb() -> None:
    safe = {route.name for route in [*ROUTES, *ACTIONS.values()] if route.safe}
    assert {route.name for route in [*ROUTES, *ACTIONS.values()] if route.method == "GET"} <= safe
    posts = {route.name for route in [*ROUTES, *ACTIONS.values()] if route.safe and route.method != "GET"}
    reading = {
        "list-databases",
        "get-sqlmode",
        "list-extensions",
        "pg-list-queries",
        "pg-stat-statements-list",
        "list-retention-policies",
    }
    assert posts == {"exchange_token", "mint_addon_token"} | {f"action {name}" for name in reading}
    assert all(route.repeatable for route in [*ROUTES, *ACTIONS.values()] if route.safe)


def test_what_destroys_or_makes_is_never_sent_twice() -> None:
    once = {route.name for route in [*ROUTES, *ACTIONS.values()] if route.once}
    for name in ("delete", "reset", "create"):
        assert ACTIONS[f"{name}-database"].name in once
    assert {
        "upgrade",
        "restore_to_point_in_time",
        "create_backup",
        "restore_backup",
        "create_user",
        "delete_user",
    } <= once
    assert {"reset_user_password", "create_firewall_rule", "create_addon", "update_addon_plan"} <= once
    assert actions.action("of tomorrow").once
    repeatable = {route.name for route in [*ROUTES, *ACTIONS.values()] if not route.safe and route.repeatable}
    assert repeatable == {
        "update_database",
        "enable_feature",
        "disable_feature",
        "update_user_password",
        "delete_firewall_rule",
        "update_firewall_rule",
        "delete_addon",
        "delete_net_peering",
        "action set-sqlmode",
        "action pg-stat-statements-enable",
    }


def test_every_route_says_what_is_attempted_and_where() -> None:
    for route in [*ROUTES, *ACTIONS.values()]:
        assert route.doing and route.role in ("auth", "api", "db")


def test_the_only_word_for_a_reset_is_reset(office: Office) -> None:
    client = office.direct()
    with Script(acts("reset-database", None, {"database_name": "x"})) as script:
        script.mount(client)
        Api(client).reset_logical_database("x")


@pytest.mark.parametrize("name", sorted(actions.DESTROYING))
def test_what_destroys_is_not_run_as_just_any_action(office: Office, name: str) -> None:
    client = office.direct()
    with Script() as script, pytest.raises(InvalidInput) as caught:
        script.mount(client)
        Api(client).run_action(name, {"database_name": "x"})
    assert f"community.scalingo.{actions.DESTROYING[name]}" in caught.value.hint


# ---------------------------------------------------------------------------------------------------------------------
# Answers that are wrong


def wrong(
    office: Office, kind: type[ScalingoError], run: t.Callable[[Client], t.Any], *calls: Expected
) -> ScalingoError:
    client = office.direct()
    with Script(*calls) as script, pytest.raises(ScalingoError) as caught:
        script.mount(client)
        run(client)
    script.finish()
    assert caught.value.__class__ is kind
    assert "canary" not in sentence(caught.value)
    return caught.value


def show(client: Client) -> t.Any:
    return Api(client).show_database()


@pytest.mark.parametrize("row", DATA["wrong_bodies"], ids=str)
def test_wrong_types_and_missing_keys_are_named(office: Office, row: dict[str, t.Any]) -> None:
    text = "null" if row["answer"] is None else None
    error = wrong(office, UnexpectedAnswer, show, on_database("GET", answer=row["answer"], text=text))
    assert row["says"] in error.message
    assert error.subject == "addon ad-1 in osc-fr1" and error.status == 200 and error.doing == "read the database"


@pytest.mark.parametrize("row", DATA["wrong_fields"], ids=str)
def test_a_field_of_another_kind_is_named_by_who_uses_it(office: Office, row: dict[str, t.Any]) -> None:
    client = office.direct()
    with Script(on_database("GET", answer=row["answer"])) as script:
        script.mount(client)
        found = Api(client).show_database()
    (odd,) = [value for value in found.values() if isinstance(value, Unread)]
    with pytest.raises(UnexpectedAnswer) as caught:
        bool(odd)
    assert row["says"] in caught.value.message and "newer version" in caught.value.hint


@pytest.mark.parametrize("text", ["<html><title>Sign in</title></html>", "", "Retry later", '{"database": '])
def test_what_is_not_json_is_unexpected(office: Office, text: str) -> None:
    error = wrong(office, UnexpectedAnswer, show, on_database("GET", text=text))
    assert error.message.startswith("show_database: expected JSON and received")


def test_a_change_whose_answer_cannot_be_read_is_an_unknown_outcome(office: Office) -> None:
    for answer in (
        {"text": "<html>"},
        {"answer": {"oops": 1}},
        {"answer": {"database_backup": {"id": 5, "status": "x"}}},
    ):
        call = on_database("POST", "/backups", status=201, **answer)
        error = wrong(office, OutcomeUnknown, lambda client: Api(client).create_backup(), call)
        assert "its answer cannot be read: create_backup: expected" in error.message
        assert (error.status, error.method, error.doing) == (201, "POST", "start a backup")
    # One that can be repeated leaves no doubt that matters.
    wrong(
        office,
        UnexpectedAnswer,
        lambda client: Api(client).update_database({}),
        on_database("PATCH", text="<html>"),
    )


def test_a_token_of_any_form_that_an_answer_repeats_is_not_shown(office: Office) -> None:
    """By its form nobody could tell that it is one."""
    client = office.direct(addon_token="opaque-canary")
    said = {"error": "refused: opaque-canary", "code": "opaque-canary", "errors": {"x": ["opaque-canary"]}}
    with Script(on_database("GET", token="opaque-canary", status=422, answer=said)) as script:
        script.mount(client)
        with pytest.raises(ScalingoError) as caught:
            show(client)
    assert "canary" not in sentence(caught.value) and "canary" not in str(facts(caught.value))


def test_a_password_in_a_broken_answer_is_not_shown(office: Office) -> None:
    call = on_database("POST", "/users", status=201, text='{"database_user": {"password": "canary-password"')
    wrong(office, OutcomeUnknown, lambda client: Api(client).create_user("x", False), call)


def answering(office: Office, answer: t.Any) -> Client:
    """A client whose every call has this answer."""
    client = office.direct()
    script = Script().mount(client)
    script.send = lambda request, **given: script._answered(expect("x", "x", answer=answer), request)  # type: ignore[method-assign]
    return client


@pytest.mark.parametrize("row", DATA["wrong_answers"], ids=str)
def test_other_wrong_answers(office: Office, row: dict[str, t.Any]) -> None:
    client = answering(office, row["answer"])
    if not row["says"]:
        assert called(client, row) == []
        return
    with pytest.raises(UnexpectedAnswer, match=re.escape(row["says"])):
        called(client, row)


@pytest.mark.parametrize("row", DATA["wrong_parts"], ids=str)
def test_what_is_wrong_in_a_part_leaves_the_rest(office: Office, row: dict[str, t.Any]) -> None:
    assert called(answering(office, row["answer"]), row) == read(row["returns"])


def test_an_upgrade_or_a_restore_with_a_strange_operation(office: Office) -> None:
    call = on_database("POST", "/upgrade", status=202, answer={"operation_id": 5})
    wrong(office, OutcomeUnknown, lambda client: Api(client).upgrade(), call)
    call = on_database("POST", "/pitr/restore", status=201, answer={"operation": None})
    wrong(office, OutcomeUnknown, lambda client: Api(client).restore_to_point_in_time("x"), call)


# ---------------------------------------------------------------------------------------------------------------------
# Actions that fail


def listing(client: Client) -> t.Any:
    return Api(client).list_logical_databases()


@pytest.mark.parametrize("status", [200, 400, 404, 409, 422, 500])
def test_an_action_that_says_no_failed_whatever_the_status(office: Office, status: int) -> None:
    call = acts(
        "create-database", status=status, params={"database_name": "x"}, answer={"ok": 0, "error": "exists already"}
    )
    error = wrong(office, ActionFailed, lambda client: Api(client).create_logical_database("x"), call)
    assert (error.message, error.status, error.doing) == ("exists already", status, "create the logical database")


@pytest.mark.parametrize(
    "answer", [{"ok": 0}, {"ok": False, "error": None}, {"ok": 0, "error": {"a": 1}}, {"ok": 0, "error": ""}]
)
def test_an_action_may_give_no_reason(office: Office, answer: t.Any) -> None:
    assert (
        wrong(office, ActionFailed, listing, acts("list-databases", answer=answer)).message == "The API gives no reason"
    )


def test_an_action_without_ok_is_unexpected(office: Office) -> None:
    for answer in ({"result": []}, {"ok": None, "result": []}, {"ok": "yes"}, []):
        wrong(office, UnexpectedAnswer, listing, acts("list-databases", answer=answer))
    error = wrong(
        office,
        OutcomeUnknown,
        lambda client: Api(client).delete_logical_database("x"),
        acts("delete-database", params={"database_name": "x"}, answer={"result": None}),
    )
    assert "expected ok to be 1" in error.message


@pytest.mark.parametrize(
    ("status", "text", "kind"),
    [
        (403, '{"error": "no"}', Forbidden),
        (404, '{"error": "no"}', NotFound),
        (404, "[]", UnexpectedAnswer),
        (400, "<html>", BadRequest),
        (401, '{"ok": 0, "error": "no"}', Unauthorized),
    ],
)
def test_an_action_refused_as_any_other_call(office: Office, status: int, text: str, kind: type[ScalingoError]) -> None:
    wrong(office, kind, listing, acts("list-databases", status=status, text=text))


def test_an_action_limited_for_ten_minutes(office: Office) -> None:
    limited = acts("list-databases", status=429, text="Retry later", answer_headers={"Retry-After": "600"})
    wrong(office, RateLimited, listing, limited, limited)


def test_an_action_on_a_broken_server(office: Office) -> None:
    call = acts("reset-database", status=502, text="<html>", params={"database_name": "x"})
    error = wrong(office, OutcomeUnknown, lambda client: Api(client).reset_logical_database("x"), call)
    assert error.status == 502
    calls = [acts("list-databases", status=502, text="<html>")] * 6
    wrong(office, ServerError, listing, *calls)


# ---------------------------------------------------------------------------------------------------------------------
# Deletions, pages, dates, links


def test_what_a_lost_attempt_may_have_done_is_told_with_the_refusal_of_the_next(office: Office) -> None:
    """Whether it did is for the state to say: nothing is taken for done here."""
    lost = on_database("DELETE", "/firewall_rules/f1", status=502)
    limited = on_database("DELETE", "/firewall_rules/f1", status=429, text="Retry later")
    gone = on_database("DELETE", "/firewall_rules/f1", **NOT_FOUND)
    for calls, after_loss in (([lost, gone], True), ([limited, gone], False), ([gone], False)):
        client = office.direct()
        with Script(*calls) as script:
            script.mount(client)
            with pytest.raises(NotFound) as caught:
                Api(client).delete_firewall_rule("f1")
        assert caught.value.after_loss is after_loss


def test_a_lost_attempt_is_remembered_over_the_renewal_of_a_token(office: Office) -> None:
    client = office.client()
    enable = {"status": 502}
    with Script(
        exchange(),
        addons(addon()),
        mint(),
        on_database("POST", "/features", **enable),
        on_database("POST", "/features", status=401, answer={"error": "unauthorized"}),
        mint(token="addon-2"),
        on_database("POST", "/features", token="addon-2", status=400, answer={"error": "already setup"}),
    ) as script:
        script.mount(client)
        with pytest.raises(BadRequest) as caught:
            Api(client).enable_feature("force-ssl")
    assert caught.value.after_loss


def test_a_change_never_goes_to_another_addon_than_was_read(office: Office) -> None:
    """The cached addon is destroyed between the reading and the change, and another one of its kind is there by then."""
    first = office.client()
    with Script(exchange(), addons(addon()), mint(), on_database("GET", answer={"database": DATABASE})) as script:
        script.mount(first)
        Api(first).show_database()
    client = office.client()
    gone = on_database("DELETE", "/users/reporting", **NOT_FOUND)
    with Script(on_database("GET", answer={"database": DATABASE}), gone) as script:
        script.mount(client)
        Api(client).show_database()
        with pytest.raises(NotFound):
            Api(client).delete_user("reporting")


def numbered(first: int, last: int) -> list[dict[str, t.Any]]:
    return [{**MAINTENANCE, "id": f"m{number}"} for number in range(first, last)]


def test_pages_are_walked_to_the_end(office: Office) -> None:
    client = office.direct()
    with Script(
        pages(numbered(0, 2), 2), pages(numbered(2, 4), 3, number=2), pages(numbered(4, 5), number=3)
    ) as script:
        script.mount(client)
        assert [item["id"] for item in Api(client).list_maintenances()] == ["m0", "m1", "m2", "m3", "m4"]


def test_a_limit_walks_no_further_than_needed(office: Office) -> None:
    client = office.direct()
    with Script(pages(numbered(0, 2), 2, size=3), pages(numbered(2, 4), 3, number=2, size=3)) as script:
        script.mount(client)
        assert [item["id"] for item in Api(client).list_maintenances(3)] == ["m0", "m1", "m2"]
    with Script(pages(numbered(0, 2), 2, size=2)) as script:
        script.mount(client)
        assert len(Api(client).list_maintenances(2)) == 2


@pytest.mark.parametrize(
    "meta",
    [
        None,
        {},
        {"pagination": None},
        {"pagination": {}},
        {"pagination": {"next_page": None}},
        {"pagination": {"next_page": 0}},
        {"pagination": {"current_page": 1, "next_page": 1}},
        {"current_page": 1, "next_page": None},
        {"current_page": 1, "next_page": 1},
    ],
)
def test_pages_never_spin(office: Office, meta: t.Any) -> None:
    client = office.direct()
    body = {"maintenance": [MAINTENANCE], "meta": meta}
    with Script(on_database("GET", "/maintenance", query={"page": "1", "per_page": "50"}, answer=body)) as script:
        script.mount(client)
        assert told(Api(client).list_maintenances(), [MAINTENANCE])


def test_page_numbers_need_not_be_nested(office: Office) -> None:
    client = office.direct()
    first = {"maintenance": numbered(0, 1), "meta": {"current_page": 1, "next_page": 2}}
    query = {"page": "1", "per_page": "50"}
    with Script(on_database("GET", "/maintenance", query=query, answer=first), pages([], 3, number=2)) as script:
        script.mount(client)
        assert len(Api(client).list_maintenances()) == 1


@pytest.mark.parametrize("limit", [None, 4])
def test_pages_that_were_moved_on_meanwhile_lose_and_repeat_nothing(office: Office, limit: int | None) -> None:
    client = office.direct()
    size = limit or 50
    with Script(
        pages(numbered(0, 2), 2, size=size),
        pages(numbered(1, 3), 3, number=2, size=size),
        pages(numbered(3, 4), number=3, size=size),
    ) as script:
        script.mount(client)
        assert [item["id"] for item in Api(client).list_maintenances(limit)] == ["m0", "m1", "m2", "m3"]


def test_a_page_that_is_known_already_is_the_last(office: Office) -> None:
    client = office.direct()
    with Script(pages(numbered(0, 2), 2), pages(numbered(0, 2), 3, number=2)) as script:
        script.mount(client)
        assert [item["id"] for item in Api(client).list_maintenances()] == ["m0", "m1"]


def test_events_are_read_to_the_end_of_the_page_that_ends_in_old_ones(office: Office) -> None:
    client = office.client(addon=None, target_needed=False)
    listed = [{"id": name, "type": "x"} for name in ("new", "old", "new too", "old too")]
    body = {"events": listed, "meta": {"pagination": {"next_page": 2}}}
    call = expect("GET", "/v1/apps/shop/events", query={"page": "1", "per_page": "50"}, answer=body)
    with Script(exchange(), call) as script:
        script.mount(client)
        found = list(Api(client).list_events("shop", past=lambda item: item["id"].startswith("old")))
    assert [item["id"] for item in found] == ["new", "old", "new too", "old too"]


def test_a_page_number_that_is_none_is_unexpected(office: Office) -> None:
    for following in ("2", True, 1.5):
        error = wrong(
            office,
            UnexpectedAnswer,
            lambda client: Api(client).list_maintenances(),
            pages([MAINTENANCE], following),
        )
        assert "expected an integer at next_page" in error.message


def test_pages_without_end_are_given_up(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pages, "PAGE_LIMIT", 2)
    calls = [pages(numbered(0, 1), 2), pages(numbered(1, 2), 3, number=2)]
    error = wrong(office, UnexpectedAnswer, lambda client: Api(client).list_maintenances(), *calls)
    assert "more than 2 pages" in error.message and error.subject
    assert error.hint == "Ask for less with limit, and without status."


def test_archives_without_end_are_never_taken_for_all(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_pages, "PAGE_LIMIT", 2)
    calls = [logs(1, [THINGS["archive_1"]], True), logs(2, [THINGS["archive_2"]], True)]
    error = wrong(office, UnexpectedAnswer, lambda client: Api(client).list_log_archives(), *calls)
    assert "more than 2 pages" in error.message and error.hint == "Ask for fewer archives with limit."
    for limit, last in ((2, True), (None, False)):
        client = office.direct()
        with Script(calls[0], logs(2, [THINGS["archive_2"]], last)) as script:
            script.mount(client)
            assert len(Api(client).list_log_archives(limit)) == 2


def test_what_is_not_found_at_first_may_only_just_have_been_made(office: Office) -> None:
    hint = "Right after provisioning"
    for call, run in (
        (on_database("GET", **NOT_FOUND), show),
        (on_database("GET", "/backups", **NOT_FOUND), lambda client: Api(client).list_backups()),
    ):
        assert wrong(office, NotFound, run, call).hint.startswith(hint)
    # One of its things is missing, or the database itself was there a moment ago.
    assert not wrong(
        office,
        NotFound,
        lambda client: Api(client).delete_user("x"),
        on_database("DELETE", "/users/x", **NOT_FOUND),
    ).hint
    client = office.direct()
    with Script(on_database("GET", answer={"database": DATABASE}), on_database("GET", **NOT_FOUND)) as script:
        script.mount(client)
        show(client)
        with pytest.raises(NotFound) as caught:
            show(client)
    assert not caught.value.hint


def test_the_date_of_the_last_answer_is_kept(office: Office) -> None:
    client = office.direct()
    assert client.date is None
    answer = {"answer": {"database": DATABASE}}
    with Script(on_database("GET", **answer, answer_headers={"Date": "Fri, 15 Jan 2027 08:00:00 GMT"})) as script:
        script.mount(client)
        Api(client).show_database()
    assert client.date == 1_800_000_000.0


@pytest.mark.parametrize(
    ("location", "path"),
    [
        ("https://db-api.osc-fr1.scalingo.com/api/operations/o1", "/operations/o1"),
        ("/api/databases/ad-1/operations/o1", "/databases/ad-1/operations/o1"),
        ("https://gateway.test/scalingo/api/operations/o1?x=1", "/operations/o1"),
        ("https://x/api/../operations/o1", None),
        ("https://x/api/databases/../operations/o1", None),
        ("https://x/api/operations/{o1}", None),
        ("https://x/v1/operations/o1", "/operations/o1"),
        ("https://x/v2/operations/o1", None),
        ("https://x/api/backups/b1", None),
        ("https://x/api/operations/", None),
        ("", None),
        (None, None),
    ],
)
def test_where_a_location_leads(location: str | None, path: str | None) -> None:
    assert operation_path(location) == path
    assert operation_in(location) == (path and "o1")


def test_an_operation_nowhere_to_be_found(office: Office) -> None:
    calls = [outside("GET", "/operations/o1", **NOT_FOUND), on_database("GET", "/operations/o1", **NOT_FOUND)]
    wrong(office, NotFound, lambda client: Api(client).show_operation("o1"), *calls)


def test_an_app_that_is_no_dedicated_database_is_not_destroyed(office: Office) -> None:
    for flags in ({}, {"dedicated-database": False}, None):
        client = office.client(token_cache=False)
        app = expect("GET", "/v1/apps/shop", answer={"app": {"name": "shop", "flags": flags}})
        with Script(exchange(), app) as script, pytest.raises(InvalidInput, match="was not destroyed"):
            script.mount(client)
            Api(client).delete_dedicated_database("shop")
        script.finish()


def test_a_link_is_read_without_credentials(office: Office) -> None:
    client = office.client()
    link = "https://logs.test/apps/1/logs?token=canary"
    there = {"host": "https://logs.test", "headers": {"Authorization": None}, "query": {"token": "canary", "n": "5"}}
    with Script(expect("GET", "/apps/1/logs", text="one\ntwo\n", **there)) as script:
        script.mount(client)
        assert client.read_link(link, {"n": 5}) == "one\ntwo\n"
    for status in (204, 404):
        with Script(expect("GET", "/apps/1/logs", status=status, text="x", query={"token": "canary"})) as script:
            script.mount(client)
            assert client.read_link(link) == ""
    with Script(expect("GET", "/apps/1/logs", status=403, text="no", query={"token": "canary"})) as script:
        script.mount(client)
        with pytest.raises(Forbidden) as caught:
            client.read_link(link)
    assert "canary" not in sentence(caught.value) and "app shop" in sentence(caught.value)


def test_a_page_is_no_log(office: Office) -> None:
    page = {
        "text": "<html><title>Log in</title>canary</html>",
        "answer_headers": {"Content-Type": "Text/HTML; charset=utf-8"},
    }
    with Script(expect("GET", "/apps/1/logs", host="https://logs.test", query={"token": "x"}, **page)) as script:
        client = office.client()
        script.mount(client)
        with pytest.raises(UnexpectedAnswer, match="expected no page and received a page titled 'Log in'") as caught:
            client.read_link("https://logs.test/apps/1/logs?token=x")
    assert "canary" not in sentence(caught.value)


def test_a_page_is_no_sign_that_something_was_done(office: Office) -> None:
    client = office.direct()
    page = {"text": "<html><title>Log in</title></html>", "answer_headers": {"Content-Type": "text/html"}}
    with Script(on_database("DELETE", "/users/joe", **page)) as script:
        script.mount(client)
        with pytest.raises(OutcomeUnknown, match="its answer cannot be read.*a page titled 'Log in'"):
            Api(client).delete_user("joe")


@pytest.mark.parametrize("link", ["", "file:///etc/passwd", "https://user:canary@x/y", "https://"])
def test_what_is_no_link_is_not_followed(office: Office, link: str) -> None:
    with pytest.raises(UnexpectedAnswer) as caught:
        office.client().read_link(link)
    assert "canary" not in sentence(caught.value)


def test_a_link_in_clear_text_is_not_followed(office: Office) -> None:
    with pytest.raises(InvalidInput):
        office.client().read_link("http://logs.test/x?token=canary")


def test_the_addon_tokens_answer_and_the_exchange(office: Office) -> None:
    client = office.client(addon="ad-1", token_cache=False)
    date = {"Date": "Fri, 15 Jan 2027 08:00:00 GMT"}
    with Script(exchange(answer_headers=date), exchange(), mint(answer_headers=date)) as script:
        script.mount(client)
        assert Api(client).exchange_token() == ("bearer-1", 1_800_000_000.0)
        found, moment = Api(client).mint_addon_token("shop", "ad-1")
    assert found["token"] == "addon-1" and moment == 1_800_000_000.0
