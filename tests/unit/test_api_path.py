# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The routes of databases at the main API, with the account's bearer token (docs/contract.md, section 1.5)."""

from __future__ import annotations

import re
import typing as t

import pytest
from ansible_collections.community.scalingo.plugins.module_utils._client import Client
from ansible_collections.community.scalingo.plugins.module_utils._errors import (
    AddonNotFound,
    BadRequest,
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    ScalingoError,
    UnexpectedAnswer,
    sentence,
)
from ansible_collections.community.scalingo.plugins.module_utils._settings import API_PATHS, with_environment
from support.api import ACTIONS, ROUTES, Api
from support.office import Office
from support.scripted import Expected, Script, addon, addons, exchange, expect, mint, on_database

FORMS = [path for path in API_PATHS if path != "db_api"]
BOTH = pytest.mark.parametrize("path", FORMS)
API = "https://api.osc-fr1.scalingo.com"
GONE = {"status": 404, "answer": {"error": "not found"}}


def below(path: str, method: str, rest: str, bearer: str = "bearer-1", **details: t.Any) -> Expected:
    """A request about a database in one of the forms of the main API."""
    return expect(method, f"/{path}{rest}", host=API, headers={"Authorization": f"Bearer {bearer}"}, **details)


def shown(path: str, app: str = "shop", identifier: str = "ad-1", **details: t.Any) -> Expected:
    answer = {"database": {"status": "running", "app_name": app, "id": "d1"}}
    return below(path, "GET", f"/databases/{identifier}", **{"answer": answer, **details})


def backups(path: str, **details: t.Any) -> Expected:
    return below(path, "GET", "/databases/ad-1/backups", **{"answer": {"database_backups": []}, **details})


def the_addon(identifier: str = "ad-1", **details: t.Any) -> Expected:
    return below("v1", "GET", f"/apps/shop/addons/{identifier}", **{"answer": {"addon": addon(identifier)}, **details})


def play(client: Client, call: t.Callable[[Api], t.Any], *calls: Expected) -> t.Any:
    with Script(*calls) as script:
        script.mount(client)
        return call(Api(client))


def refuse(
    client: Client, kind: type[ScalingoError], call: t.Callable[[Api], t.Any], *calls: Expected
) -> ScalingoError:
    with Script(*calls) as script, pytest.raises(kind) as caught:
        script.mount(client)
        call(Api(client))
    return caught.value


def show(api: Api) -> t.Any:
    return api.show_database()


def listing(api: Api) -> t.Any:
    return api.list_backups()


# what it costs


@BOTH
def test_it_costs_one_request_fewer_for_each_database_and_hour(office: Office, path: str) -> None:
    """The addon token is never made, whether the database is named by its provider or by its id."""
    lookups: dict[str, list[Expected]] = {"mysql": [addons(addon())], "ad-1": []}
    for named, lookup in lookups.items():
        by_token = office.client(addon=named, token_cache=False)
        play(
            by_token, show, exchange(), *lookup, mint(), on_database("GET", answer={"database": {"status": "running"}})
        )
        by_bearer = office.client(addon=named, token_cache=False, api_path=path)
        play(by_bearer, show, exchange(), *lookup, shown(path))
        assert by_bearer.usage.requests == by_token.usage.requests - 1


@BOTH
def test_what_is_known_of_the_addon_is_kept_for_an_hour(office: Office, path: str) -> None:
    play(office.client(api_path=path), listing, exchange(), addons(addon()), backups(path))
    client = office.client(api_path=path)
    play(client, listing, backups(path))
    assert client.known_target() == ("shop", "ad-1") and client.target.engine == "mysql"
    office.clock.moment += 3600
    play(
        office.client(api_path=path),
        listing,
        exchange("bearer-2"),
        addons(addon(), bearer="bearer-2"),
        backups(path, bearer="bearer-2"),
    )


def test_a_kept_token_is_not_taken_for_more_and_what_is_kept_without_one_is_no_token(office: Office) -> None:
    play(
        office.client(),
        show,
        exchange(),
        addons(addon()),
        mint(),
        on_database("GET", answer={"database": {"status": "running"}}),
    )
    play(office.client(api_path="v1"), listing, addons(addon()), backups("v1"))
    play(office.client(api_path="api"), listing, addons(addon()), backups("api"))
    play(office.client(), show, on_database("GET", answer={"database": {"status": "running"}}))


@BOTH
def test_every_route_of_a_database_goes_there_with_the_bearer(office: Office, path: str) -> None:
    client = office.client(api_path=path)
    play(client, listing, exchange(), addons(addon()), backups(path))
    routes = [route for route in [*ROUTES, *ACTIONS.values()] if route.role == "db"]
    assert len(routes) > 30
    for route in routes:
        names = re.findall(r"\{(\w+)\}", route.path)
        rest = route.path.format(**{name: "ad-1" if name == "database" else "x" for name in names})
        values = {name: "x" for name in names if name != "database"}
        with Script(below(path, route.method, rest, **GONE)) as script, pytest.raises(NotFound):
            script.mount(client)
            client.caller_of(route).call(route, values=values, query=None, body=None)


@BOTH
def test_a_refused_bearer_is_exchanged_anew_once(office: Office, path: str) -> None:
    client = office.client(addon="ad-1", api_path=path)
    play(
        client,
        show,
        exchange(),
        shown(path, status=401, answer={}),
        exchange("bearer-2"),
        shown(path, bearer="bearer-2"),
    )


# whose the database is


@BOTH
def test_an_id_of_another_app_is_refused_before_anything_is_told_or_changed(office: Office, path: str) -> None:
    absent = the_addon(**GONE), addons(addon("ad-7"))
    for call, before in (
        (show, [shown(path, app="other")]),
        (listing, []),
        (lambda api: api.update_database({"x": 1}), []),
        (lambda api: api.create_backup(), []),
        (lambda api: api.show_metrics(), []),
        (lambda api: api.show_logs_link(), []),
    ):
        client = office.client(addon="ad-1", api_path=path, token_cache=False)
        error = refuse(client, AddonNotFound, call, exchange(), *before, *absent)
        assert "App shop has no addon ad-1" in error.message and "ad-7" in error.hint


@BOTH
def test_a_database_that_says_nothing_of_its_app_is_asked_of_the_main_api(office: Office, path: str) -> None:
    for answer in ({"database": {"status": "running"}}, {"database": {"status": "running", "app_name": "61b0"}}):
        client = office.client(addon="ad-1", api_path=path, token_cache=False)
        play(client, show, exchange(), shown(path, answer=answer), the_addon())
        play(client, show, shown(path, answer=answer))


@BOTH
def test_what_the_database_says_of_its_app_is_enough_for_a_reading_and_for_no_change(office: Office, path: str) -> None:
    client = office.client(addon="ad-1", api_path=path)
    play(client, show, exchange(), shown(path))
    changed = below(
        path, "PATCH", "/databases/ad-1", answer={"database": {"status": "running"}}, json={"database": {"x": 1}}
    )
    play(client, lambda api: api.update_database({"x": 1}), the_addon(), changed)
    # And that is kept.
    play(office.client(addon="ad-1", api_path=path), lambda api: api.update_database({"x": 1}), changed)


@BOTH
def test_a_database_that_is_not_there_is_told_as_what_it_is(office: Office, path: str) -> None:
    error = refuse(
        office.client(addon="ad-1", api_path=path),
        AddonNotFound,
        show,
        exchange(),
        shown(path, **GONE),
        the_addon(**GONE),
        addons(),
    )
    assert error.hint == "It has no addon at all."
    # The app has it, and its database is not known yet.
    just_made = refuse(office.client(addon="ad-1", api_path=path), NotFound, show, shown(path, **GONE), the_addon())
    assert "Right after provisioning" in just_made.hint


@BOTH
def test_a_kept_id_is_looked_up_once_more_before_absent_means_absent(office: Office, path: str) -> None:
    play(office.client(api_path=path), show, exchange(), addons(addon()), shown(path))
    client = office.client(api_path=path)
    play(client, show, shown(path, **GONE), addons(addon("ad-2")), shown(path, identifier="ad-2"))
    assert client.known_target() == ("shop", "ad-2")
    play(office.client(api_path=path), show, shown(path, **GONE), addons(addon("ad-2")), shown(path, identifier="ad-2"))


@BOTH
def test_a_backup_and_an_operation_of_another_database_are_none_of_this(office: Office, path: str) -> None:
    client = office.client(api_path=path)
    nested = below(path, "GET", "/databases/ad-1/backups/b9", **GONE)

    def flat(database_id: str) -> Expected:
        return below(
            path,
            "GET",
            "/backups/b9",
            answer={"database_backup": {"id": "b9", "status": "done", "database_id": database_id}},
        )

    error = refuse(
        client,
        NotFound,
        lambda api: api.show_backup("b9"),
        exchange(),
        addons(addon()),
        nested,
        flat("d2"),
        shown(path),
    )
    assert "one of another database" in error.message
    assert play(client, lambda api: api.show_backup("b9"), nested, flat("d1"), shown(path))["id"] == "b9"
    location = f"{API}/{path}/operations/o9"
    refuse(
        client,
        NotFound,
        lambda api: api.show_operation("o9", location),
        below(path, "GET", "/databases/ad-1/operations/o9", **GONE),
    )


def test_data_of_a_qualified_region_stays_protected(office: Office) -> None:
    for given in (
        {"region": "osc-secnum-fr1"},
        {"api_url": "https://api.osc-secnum-fr1.scalingo.com"},
        {"api_url": "https://secnum.gateway.test", "region": "osc-fr1"},
    ):
        client = office.client(api_path="v1", **given)
        assert "SecNumCloud" in client.target.protection


# the option


@BOTH
def test_what_is_for_the_database_api_alone_is_refused_beside_it(office: Office, path: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        office.client(api_path=path, db_api_url="https://db.test")
    assert (
        caught.value.message == f"db_api_url is given, and api_path is {path}, which sends nothing to the Database API"
    )
    with pytest.raises(InvalidInput, match="addon_token is given, which opens the Database API only"):
        office.direct(api_path=path)
    assert office.client(api_path="db_api", db_api_url="https://db.test").settings.database == "https://db.test"


@pytest.mark.parametrize("path", ["v2", "V1", "/v1", "db-api", "v1 api"])
def test_another_word_is_refused(office: Office, path: str) -> None:
    with pytest.raises(InvalidInput, match="use db_api, v1 or api"):
        office.client(api_path=path)


def joined(given: dict[str, t.Any], **variables: str) -> tuple[dict[str, t.Any], list[str]]:
    notes: list[str] = []
    whole = with_environment(
        {"region": None, "api_path": None, "api_url": None, "db_api_url": None, "addon_token": None, **given},
        variables,
        notes.append,
    )
    return {name: value for name, value in whole.items() if value is not None}, notes


def test_the_environment_is_not_asked_for_what_is_not_used() -> None:
    addresses = {"SCALINGO_API_URL": "https://a.test", "SCALINGO_DB_URL": "https://d.test", "SCALINGO_REGION": "osc-x"}
    for given, variables in (({"api_path": "v1"}, {}), ({}, {"SCALINGO_API_PATH": "v1"})):
        whole, notes = joined(given, **addresses, **variables)
        assert whole == {"api_path": "v1", "api_url": "https://a.test", "region": "osc-x"}
        assert notes == ["scalingo: SCALINGO_DB_URL is not used: api_path is v1, which needs the main API only"]
    assert joined({"api_path": "db_api"}, **addresses, SCALINGO_API_PATH="v1")[0]["db_api_url"] == "https://d.test"
    whole, notes = joined({"api_path": "api", "addon_id": "ad-1"}, SCALINGO_ADDON_TOKEN="x")
    assert whole == {"api_path": "api", "addon_id": "ad-1"} and "SCALINGO_ADDON_TOKEN is not used" in notes[0]
    # What is given is not the environment's, and stays to be refused.
    assert joined({"db_api_url": "https://d.test"}, SCALINGO_API_PATH="v1")[0]["db_api_url"] == "https://d.test"


def test_an_address_that_is_not_used_still_says_which_region_is_meant() -> None:
    secnum = "https://db-api.osc-secnum-fr1.scalingo.com"
    assert joined({"api_path": "v1"}, SCALINGO_DB_API_URL=secnum)[0] == {"api_path": "v1", "region": "osc-secnum-fr1"}
    assert joined({"api_path": "v1", "region": "osc-fr1"}, SCALINGO_DB_API_URL=secnum)[0]["region"] == "osc-fr1"
    assert "region" not in joined({"api_path": "v1"}, SCALINGO_DB_API_URL="https://d.test")[0]


# the day that the database API is given up


def direct(office: Office, **answer: t.Any) -> tuple[Client, Expected]:
    return office.direct(api_token=None), on_database("GET", **answer)


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        ({"status": 410, "answer": {"error": "gone"}}, BadRequest),
        ({"status": 410, "text": ""}, BadRequest),
        ({"status": 404, "text": "<html><title>404</title></html>"}, UnexpectedAnswer),
        ({"status": 404, "text": ""}, UnexpectedAnswer),
        ({"status": 404, "text": "default backend - 404"}, UnexpectedAnswer),
        ({"status": 404, "answer": {"message": "no Route matched with those values"}}, UnexpectedAnswer),
    ],
)
def test_a_host_that_is_no_api_any_more_says_which_option_to_set(
    office: Office, answer: dict[str, t.Any], kind: type[ScalingoError]
) -> None:
    client, call = direct(office, **answer)
    error = refuse(client, kind, show, call)
    assert not isinstance(error, NotFound)
    assert "api_path: v1 or api_path: api (or SCALINGO_API_PATH)" in sentence(error)


@pytest.mark.parametrize("path", FORMS)
@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_to_the_main_api_says_which_form_it_has(office: Office, path: str, status: int) -> None:
    client, call = direct(office, status=status, answer_headers={"Location": f"{API}/{path}/databases/ad-1"})
    error = refuse(client, UnexpectedAnswer, show, call)
    assert f"leads to the main API by now: set api_path: {path} (or SCALINGO_API_PATH)" in sentence(error)
    for elsewhere in (
        "https://scalingo.com/",
        f"https://db-api.osc-secnum-fr1.scalingo.com/{path}/databases/ad-1",
        f"{API}/{path}/databases/ad-2",
        "https://status.test/v1/databases/ad-1/more",
    ):
        client, call = direct(office, status=status, answer_headers={"Location": elsewhere})
        assert "Check the address" in refuse(client, UnexpectedAnswer, show, call).hint


def test_a_change_that_is_led_elsewhere_is_said_likewise(office: Office) -> None:
    to = {"Location": f"{API}/v1/databases/ad-1/backups"}
    call = on_database("POST", "/backups", status=308, answer_headers=to)
    error = refuse(office.direct(api_token=None), UnexpectedAnswer, lambda api: api.create_backup(), call)
    assert "set api_path: v1" in error.hint
    seen = on_database("POST", "/backups", status=303, answer_headers=to)
    refuse(office.direct(api_token=None), OutcomeUnknown, lambda api: api.create_backup(), seen)


def test_a_404_of_the_api_itself_is_absence_as_ever(office: Office) -> None:
    client, call = direct(office, **GONE)
    assert "api_path" not in sentence(refuse(client, NotFound, show, call))
    # Nor is it another thing than absence where the API has just answered: it does not know that route.
    client = office.direct(api_token=None)
    play(client, show, on_database("GET", answer={"database": {"status": "running"}}))
    refuse(client, NotFound, lambda api: api.show_plan(), on_database("GET", "/plan", status=404, text="<html>"))


def test_regions_without_a_database_api_need_the_main_one(office: Office) -> None:
    def regions(answer: dict[str, t.Any]) -> Expected:
        return expect(
            "GET",
            "/v1/regions",
            answer={"regions": [{"name": "moon", "api": "https://api.moon.test", "ssh": "x:22", **answer}]},
        )

    for answer in ({}, {"database_api": None}, {"database_api": ""}):
        client = office.client(region="moon", addon="ad-1", token_cache=False)
        error = refuse(client, UnexpectedAnswer, show, exchange(), regions(answer))
        assert "api_path: v1" in error.hint
        client = office.client(region="moon", addon="ad-1", token_cache=False, api_path="v1")
        database = {"database": {"status": "running", "app_name": "shop"}}
        play(
            client,
            show,
            exchange(),
            regions(answer),
            expect("GET", "/v1/databases/ad-1", host="https://api.moon.test", answer=database),
        )


@BOTH
def test_a_form_that_the_main_api_does_not_serve_says_which_others_there_are(office: Office, path: str) -> None:
    client = office.client(addon="ad-1", api_path=path, token_cache=False)
    page = {"status": 404, "text": "<html>"}
    error = refuse(client, UnexpectedAnswer, show, exchange(), shown(path, **page), the_addon())
    assert f"in the form of api_path: {path}. Try another of db_api, v1, api." in error.hint
    # And so does a single route that it does not know.
    play(client, show, shown(path))
    error = refuse(client, NotFound, lambda api: api.upgrade(), below(path, "POST", "/databases/ad-1/upgrade", **GONE))
    assert f"api_path: {path}" in error.hint
