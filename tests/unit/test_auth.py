# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From options to one database: addresses, regions, tokens and their renewal, the addon that is meant."""

from __future__ import annotations

import base64
import json
import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.community.scalingo.plugins.module_utils._api.addon import engine_of
from ansible_collections.community.scalingo.plugins.module_utils._auth import good_until, seconds_left
from ansible_collections.community.scalingo.plugins.module_utils._cache import cache_key
from ansible_collections.community.scalingo.plugins.module_utils._client import Client
from ansible_collections.community.scalingo.plugins.module_utils._errors import (
    AddonNotFound,
    BadRequest,
    InvalidInput,
    NotFound,
    ScalingoError,
    Unauthorized,
    UnexpectedAnswer,
    facts,
    sentence,
)
from ansible_collections.community.scalingo.plugins.module_utils._settings import (
    VARIABLES,
    parse_address,
    with_environment,
)
from ansible_collections.community.scalingo.plugins.module_utils._target import choose_addon
from support.api import Api
from support.office import Office
from support.scripted import (
    NOTHING,
    WALL,
    Expected,
    Script,
    StillClock,
    addon,
    addons,
    exchange,
    expect,
    jwt,
    mint,
    on_database,
)

RUNNING = {"database": {"status": "running"}}


def shown(**details: t.Any) -> Expected:
    """The database is read."""
    return on_database("GET", **{"answer": RUNNING, **details})


def regions(*names: str, **details: t.Any) -> Expected:
    """The regions are listed, with hosts of our own."""
    listed = [
        {"name": name, "api": f"https://api.{name}.test", "database_api": f"https://db.{name}.test", "ssh": "x:22"}
        for name in names
    ]
    return expect("GET", "/v1/regions", **{"answer": {"regions": listed}, **details})


def play(client: Client, *calls: Expected) -> t.Any:
    """Read the database over exactly these calls."""
    with Script(*calls) as script:
        script.mount(client)
        return Api(client).show_database()


def refuse(client: Client, kind: type[ScalingoError], *calls: Expected) -> ScalingoError:
    """Read the database over exactly these calls, and fail."""
    with Script(*calls) as script, pytest.raises(kind) as caught:
        script.mount(client)
        Api(client).show_database()
    script.finish()
    for secret in ("tk-us-secret", "bearer-1", "bearer-2", "addon-1", "addon-2"):
        assert secret not in sentence(caught.value) + json.dumps(facts(caught.value))
    return caught.value


# ---------------------------------------------------------------------------------------------------------------------
# Addresses and options


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("api.example.test", "https://api.example.test"),
        ("api.example.test:8443", "https://api.example.test:8443"),
        ("https://api.example.test/", "https://api.example.test"),
        ("https://api.example.test/v1", "https://api.example.test"),
        ("https://api.example.test/v1/", "https://api.example.test"),
        ("https://api.example.test/api", "https://api.example.test"),
        ("https://gateway.test/scalingo/api/", "https://gateway.test/scalingo"),
        ("HTTPS://API.Example.test", "https://api.example.test"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080"),
        ("http://localhost:8080/v1", "http://localhost:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
        ("https://[2001:db8::1]", "https://[2001:db8::1]"),
        ("localhost:8080", "https://localhost:8080"),
    ],
)
def test_addresses(given: str, expected: str) -> None:
    assert parse_address(given, "api_url") == expected


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("https://user:canary@example.test", "must not hold a user"),
        ("https://user:canary@example.test:port", "must not hold a user"),
        ("user:canary@example.test", "must not hold a user"),
        ("https://example.test?token=canary", "must not hold a user"),
        ("https://example.test#x", "must not hold a user"),
        ("https://example.test?", "must not hold a user"),
        ("http://example.test", "clear text"),
        ("ftp://example.test", "is not an address"),
        ("https://", "is not an address"),
        ("https://exa mple.test", "is not an address"),
        ("https://example.test:port", "is not an address"),
        ("https://example.test:99999", "is not an address"),
        ("https://example.test:0", "is not an address"),
        ("https://[::1", "is not an address"),
        ("https://example.test\\x", "is not an address"),
        ("/var/run/socket", "is not an address"),
    ],
)
def test_addresses_that_are_none(given: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=message) as caught:
        parse_address(given, "db_api_url")
    assert caught.value.message.startswith("db_api_url")
    assert "canary" not in sentence(caught.value)


@pytest.mark.parametrize(
    ("params", "message", "hint"),
    [
        ({"api_token": None}, "api_token is missing", "SCALINGO_API_TOKEN"),
        ({"api_token": ""}, "api_token is missing", "SCALINGO_API_TOKEN"),
        ({"api_token": "tk us"}, "api_token holds a character", "blank"),
        ({"api_token": "tk-us\n-x"}, "api_token holds a character", "line break"),
        ({"app": None}, "app missing", "SCALINGO_APP"),
        ({"addon": None}, "addon missing", "SCALINGO_ADDON"),
        ({"app": None, "addon": " "}, "app and addon missing", "addon_id and addon_token"),
        ({"app": "sh\x00op"}, "app holds a line break", ""),
        ({"app": None, "addon": None, "addon_id": "ad-1"}, "addon_id needs addon_token or app", "give app too"),
        ({"addon_id": "ad-1"}, "two different addons", "addon_id and addon_token"),
        ({"addon_id": "ad-1", "addon_token": "x"}, "two different addons", "addon_id and addon_token"),
        ({"app": None, "addon_token": "x"}, "addon_token needs addon_id", "id of the addon"),
        ({"region": "Paris!"}, "has not the form of a region", "osc-fr1, osc-secnum-fr1"),
        ({"region": "../x"}, "has not the form of a region", ""),
        (
            {"region": "osc-fr1,osc-secnum-fr1"},
            "has not the form of a region",
            "A task takes one region; the inventory plugin takes several.",
        ),
        ({"api_url": "http://example.test"}, "api_url http://example.test", "loopback"),
        ({"auth_url": "ftp://x"}, "auth_url is not an address", ""),
        ({"db_api_url": "https://u@x"}, "db_api_url must not hold", ""),
        ({"api_timeout": 0}, "api_timeout is 0: use a number from 0.1 to 3600", ""),
        ({"api_timeout": "soon"}, "api_timeout is soon: use a number", ""),
        ({"api_timeout": float("nan")}, "api_timeout is nan: use a number", ""),
        ({"api_retries": -1}, "api_retries is -1: use a number from 0 to 100", ""),
        ({"requests_per_minute": 0}, "requests_per_minute is 0: use a whole number from 1 to 60", ""),
        ({"requests_per_minute": 61}, "requests_per_minute is 61: use a whole number from 1 to 60", ""),
        ({"requests_per_minute": 10**400}, f"requests_per_minute is {10**400}: use a whole number from 1 to 60", ""),
        ({"requests_per_minute": "many"}, "requests_per_minute is many: use a whole number from 1 to 60", ""),
        ({"max_in_flight": -1}, "max_in_flight is -1: use a whole number from 1 to 20", ""),
        ({"max_in_flight": "21"}, "max_in_flight is 21: use a whole number from 1 to 20", ""),
        ({"ca_path": "/nonexistent/ca.pem"}, "ca_path '/nonexistent/ca.pem' does not exist", ""),
    ],
)
def test_options_are_checked_before_anything_is_sent(
    office: Office, params: dict[str, t.Any], message: str, hint: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        office.client(**params)
    assert message in caught.value.message and hint in caught.value.hint


def test_options_as_they_come(office: Office, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "ca.pem").write_text("")
    settings = office.client(
        api_token=" tk-us-secret\n", region="", ca_path="~/ca.pem", api_timeout="7.5", api_retries=0
    ).settings
    assert settings.api_token == "tk-us-secret" and settings.region == "osc-fr1"
    assert (settings.verify, settings.timeout, settings.retries) == (str(tmp_path / "ca.pem"), 7.5, 0)
    assert settings.token_cache is True
    plain = office.client(validate_certs=False, ca_path="/nonexistent", token_cache=False).settings
    assert plain.verify is False and plain.token_cache is False
    assert office.client().settings.verify is True
    assert (office.client().settings.timeout, office.client().settings.retries) == (30.0, 5)


HERE, THERE = "https://api.osc-fr1.scalingo.com", "https://api.osc-secnum-fr1.scalingo.com"
DB_HERE, DB_THERE = "https://db-api.osc-fr1.scalingo.com", "https://db-api.osc-secnum-fr1.scalingo.com"
OWN = {"SCALINGO_API_URL": "https://api.test", "SCALINGO_DB_API_URL": "https://db.test"}
OPTIONS = (
    "api_path",
    "requests_per_minute",
    "max_in_flight",
    "api_token",
    "region",
    "api_url",
    "db_api_url",
    "auth_url",
    "ca_path",
    "app",
    "addon",
    "addon_id",
    "addon_token",
)


def joined(given: dict[str, t.Any], **variables: str) -> dict[str, t.Any]:
    """What is given and what the environment adds, without what is in neither."""
    whole = with_environment({name: given.get(name) for name in OPTIONS}, variables, lambda line: None)
    return {name: value for name, value in whole.items() if value is not None}


def test_the_environment_adds_what_is_not_given() -> None:
    variables = {name: f"of {name}" for names in VARIABLES.values() for name in names}
    variables["SCALINGO_API_PATH"] = "db_api"
    assert joined({}, **variables) == {name: variables[names[0]] for name, names in VARIABLES.items()}
    assert joined({"app": "shop", "addon": " "}, **variables)["app"] == "shop"
    assert joined({"app": "shop", "addon": " "}, **variables)["addon"] == "of SCALINGO_ADDON"
    # Blank is not set: the second name counts, or none.
    assert joined({}, SCALINGO_DB_API_URL=" ", SCALINGO_DB_URL="x") == {"db_api_url": "x"}
    assert joined({}, SCALINGO_DB_API_URL="x", SCALINGO_DB_URL="y") == {"db_api_url": "x"}
    assert joined({}, SCALINGO_DB_API_URL="", SCALINGO_CA_PATH="", SCALINGO_REGION=" ") == {}


@pytest.mark.parametrize(
    ("given", "variables", "expected"),
    [
        # The region of the environment, and of the task the same: its addresses count.
        ({}, {**OWN, "SCALINGO_REGION": "osc-x"}, ("https://api.test", "https://db.test")),
        ({"region": "osc-x"}, {**OWN, "SCALINGO_REGION": "osc-x"}, ("https://api.test", "https://db.test")),
        ({"region": "osc-fr1"}, OWN, ("https://api.test", "https://db.test")),
        ({"region": "osc-secnum-fr1"}, {"SCALINGO_API_URL": THERE, "SCALINGO_DB_URL": DB_THERE}, (THERE, DB_THERE)),
        # Another region, by its name or by an address that is known: they do not.
        ({"region": "osc-y"}, {**OWN, "SCALINGO_REGION": "osc-x"}, (None, None)),
        ({"region": "osc-secnum-fr1"}, OWN, (None, None)),
        ({"api_url": THERE}, {**OWN, "SCALINGO_REGION": "osc-fr1"}, (THERE, None)),
        ({"region": "osc-fr1"}, {"SCALINGO_API_URL": THERE, "SCALINGO_DB_URL": DB_THERE}, (None, None)),
        # Another authentication API is another platform.
        ({"auth_url": "https://auth.other.test"}, {**OWN, "SCALINGO_AUTH_URL": "https://auth.test"}, (None, None)),
        (
            {"auth_url": "https://auth.test/"},
            {**OWN, "SCALINGO_AUTH_URL": "https://auth.test"},
            ("https://api.test", "https://db.test"),
        ),
        ({"auth_url": "https://auth.other.test"}, OWN, ("https://api.test", "https://db.test")),
        # One address each: the same one, or joined by the region.
        ({"api_url": "https://api.test/"}, OWN, ("https://api.test/", "https://db.test")),
        ({"api_url": "https://proxy.test", "region": "osc-fr1"}, OWN, ("https://proxy.test", "https://db.test")),
        ({"api_url": "https://a.test", "db_api_url": "https://d.test"}, OWN, ("https://a.test", "https://d.test")),
    ],
)
def test_addresses_of_the_environment_belong_to_its_region(
    given: dict[str, t.Any], variables: dict[str, str], expected: tuple[str | None, str | None]
) -> None:
    found = joined(given, **variables)
    assert (found.get("api_url"), found.get("db_api_url")) == expected


def test_what_is_not_used_is_told() -> None:
    lines: list[str] = []
    with_environment(
        {"region": "osc-y", "api_url": None, "db_api_url": None}, {**OWN, "SCALINGO_REGION": "osc-x"}, lines.append
    )
    assert lines == [
        "scalingo: SCALINGO_API_URL is not used: it belongs to the region osc-x",
        "scalingo: SCALINGO_DB_API_URL is not used: it belongs to the region osc-x",
    ]


def test_half_of_the_addresses_from_elsewhere_is_refused() -> None:
    with pytest.raises(
        InvalidInput, match=r"db_api_url is given, and api_url comes from the environment \(SCALINGO_API_URL\)"
    ):
        joined({"db_api_url": "https://d.test"}, **OWN)


def test_the_addon_id_is_not_of_the_app_of_the_environment() -> None:
    variables = {"SCALINGO_APP": "twins", "SCALINGO_ADDON": "mysql", "SCALINGO_ADDON_TOKEN": "x"}
    assert joined({"addon_id": "ad-1"}, **variables) == {"addon_id": "ad-1", "addon_token": "x"}
    assert joined({"addon_id": "ad-1", "app": "shop"}, **variables) == {
        "addon_id": "ad-1",
        "addon_token": "x",
        "app": "shop",
    }


@pytest.mark.parametrize(
    ("params", "region"),
    [
        ({}, "osc-fr1"),
        ({"api_url": THERE}, "osc-secnum-fr1"),
        ({"db_api_url": "db-api.osc-secnum-fr1.scalingo.com"}, "osc-secnum-fr1"),
        ({"api_url": "https://api.osc-new1.scalingo.com:443/v1/"}, "osc-new1"),
        ({"api_url": "https://api.osc-fr1.scalingo.com.example"}, "osc-fr1"),
        ({"region": "osc-secnum-fr1", "api_url": "https://proxy.test"}, "osc-secnum-fr1"),
    ],
)
def test_the_region_that_answers(office: Office, params: dict[str, t.Any], region: str) -> None:
    assert office.client(**params).region == region


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"region": "osc-fr1", "api_url": THERE}, "api_url"),
        ({"region": "osc-secnum-fr1", "db_api_url": DB_HERE}, "db_api_url"),
        ({"api_url": HERE, "db_api_url": DB_THERE}, "db_api_url"),
    ],
)
def test_an_address_of_another_region_is_refused(office: Office, params: dict[str, t.Any], said: str) -> None:
    with pytest.raises(InvalidInput, match=said + " .* is the address of the region"):
        office.client(**params)


def test_an_address_that_the_platform_lists_for_another_region_is_refused(office: Office) -> None:
    """The list is read for the other address; so what it says of this one is known before anything is asked there."""
    client = office.client(region="moon", api_url="https://api.mars.test", token_cache=False)
    error = refuse(client, InvalidInput, exchange(), regions("mars", "moon"))
    assert "api_url https://api.mars.test is the address of the region mars, and the region is moon" in error.message


def test_a_directory_without_certificates_is_refused(office: Office, tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("")
    with pytest.raises(InvalidInput) as caught:
        office.client(ca_path=str(tmp_path))
    assert "is a directory without certificates" in caught.value.message and "openssl rehash" in caught.value.hint
    (tmp_path / "9d66eef0.0").write_text("")
    assert office.client(ca_path=str(tmp_path)).settings.verify == str(tmp_path)


def test_an_addon_token_without_its_addon_is_not_used(office: Office) -> None:
    client = office.client(addon_token="stray")
    assert client.settings.addon_token == "" and "stray" in office.secrets
    assert office.lines == ["scalingo: addon_token is not used, because it goes with addon_id"]


def test_an_addon_id_of_an_app_is_an_addon(office: Office) -> None:
    as_addon = {"app": "shop", "addon": "ad-1"}
    assert joined({"app": "shop", "addon_id": "ad-1"}, SCALINGO_ADDON="mysql") == as_addon
    assert joined({"app": "shop", "addon": "ad-1", "addon_id": "ad-1"}) == as_addon
    assert joined({"addon_id": "ad-1"}, SCALINGO_APP="shop", SCALINGO_ADDON="mysql") == as_addon
    # Nothing is chosen between two, and nothing is made up.
    for given in (
        {"app": "shop", "addon": "mysql", "addon_id": "ad-1"},
        {"addon_id": "ad-1"},
        {"addon_id": "ad-1", "addon_token": "x", "app": "shop"},
    ):
        assert joined(given) == given


def test_a_target_may_be_missing_when_none_is_needed(office: Office) -> None:
    client = office.client(app=None, addon=None, target_needed=False)
    assert client.described() == "region osc-fr1"
    refuse(client, InvalidInput)
    nameless = office.client(app=None, addon="ad-1", target_needed=False)
    assert refuse(nameless, InvalidInput).message == "No database is named"
    assert office.client(addon=None, target_needed=False).described() == "app shop in osc-fr1"


def test_every_secret_is_announced_before_it_is_used(office: Office) -> None:
    client = office.client()

    def known(secret: str) -> t.Callable[[], None]:
        return lambda: t.cast(None, office.secrets.index(secret))

    play(
        client,
        exchange(then=known("tk-us-secret")),
        addons(addon(), then=known("bearer-1")),
        mint(then=known("bearer-1")),
        shown(then=known("addon-1")),
    )
    assert office.secrets == ["tk-us-secret", "OnRrLXVzLXNlY3JldA==", "bearer-1", "addon-1"]


def test_so_is_a_token_of_an_earlier_task(office: Office) -> None:
    play(office.client(), exchange(), addons(addon()), mint(), shown())
    later = Office()
    client = later.client()
    play(client, shown(then=lambda: t.cast(None, later.secrets.index("addon-1"))))
    with Script(expect("GET", "/v1/apps", answer={"apps": []})) as script:
        script.mount(client)
        Api(client).list_apps()
    assert later.secrets == ["tk-us-secret", "addon-1", "bearer-1"]


@pytest.mark.parametrize("option", ["app", "addon", "addon_id"])
@pytest.mark.parametrize("value", ["..", ".", "shop/../other", "/shop"])
def test_a_name_that_would_be_another_path_is_none(office: Office, option: str, value: str) -> None:
    with pytest.raises(InvalidInput, match=f"{option} .* is neither a name nor an id"):
        office.client(**{option: value})


# ---------------------------------------------------------------------------------------------------------------------
# Regions and hosts


@pytest.mark.parametrize("region", ["osc-fr1", "osc-secnum-fr1"])
def test_the_known_regions_cost_no_request(office: Office, region: str) -> None:
    api, database = f"https://api.{region}.scalingo.com", f"https://db-api.{region}.scalingo.com"
    play(
        office.client(region=region),
        exchange(host="https://auth.scalingo.com"),
        addons(addon(), host=api),
        mint(host=api),
        shown(host=database),
    )


def test_an_override_always_wins(office: Office) -> None:
    play(
        office.client(api_url="api.test", db_api_url="https://db.test/api/", auth_url="auth.test/v1"),
        exchange(host="https://auth.test"),
        addons(addon(), host="https://api.test"),
        mint(host="https://api.test"),
        shown(host="https://db.test"),
    )
    play(
        office.client(api_url="api.test"),
        exchange(host="https://auth.scalingo.com"),
        addons(addon(), host="https://api.test"),
        mint(host="https://api.test"),
        shown(host="https://db-api.osc-fr1.scalingo.com"),
    )


def test_with_another_auth_host_the_other_hosts_come_from_its_regions(office: Office) -> None:
    auth = "https://auth.test"
    client = office.client(auth_url=auth)
    play(
        client,
        exchange(host=auth),
        regions("osc-fr1", "moon", host=auth, headers={"Authorization": "Bearer bearer-1"}),
        addons(addon(), host="https://api.osc-fr1.test"),
        mint(host="https://api.osc-fr1.test"),
        shown(host="https://db.osc-fr1.test"),
    )
    # The next task knows it all, and one with an override needs the list still.
    play(office.client(auth_url=auth), shown(host="https://db.osc-fr1.test"))
    play(
        office.client(auth_url=auth, db_api_url="db.mine.test"),
        addons(addon(), host="https://api.osc-fr1.test"),
        mint(host="https://api.osc-fr1.test"),
        shown(host="https://db.mine.test"),
    )


def test_a_region_that_is_not_known_here_is_looked_up(office: Office) -> None:
    play(
        office.client(region="moon"),
        exchange(),
        regions("osc-fr1", "moon", host="https://auth.scalingo.com"),
        addons(addon(), host="https://api.moon.test"),
        mint(),
        shown(host="https://db.moon.test"),
    )


@pytest.mark.parametrize("overrides", [{}, {"api_url": "a.test", "db_api_url": "d.test"}, {"auth_url": "auth.test"}])
def test_an_unknown_region_is_refused_with_the_list(office: Office, overrides: dict[str, str]) -> None:
    error = refuse(office.client(region="mars", **overrides), InvalidInput, exchange(), regions("osc-fr1", "moon"))
    assert error.message == "Region mars does not exist"
    assert error.hint == "The regions of this account are: moon, osc-fr1."
    # A region may have been opened since: the kept list is not the last word.
    refuse(office.client(region="mars", **overrides), InvalidInput, regions())


def test_the_regions_that_another_process_has_listed_meanwhile_are_taken(office: Office) -> None:
    client = office.client(region="moon")
    account = client.account
    kept = account._cached_regions
    answers = [{}, {"moon": ["https://api.moon.test", "https://db.moon.test"]}]
    account._cached_regions = lambda key: answers.pop(0) if answers else kept(key)  # type: ignore[method-assign]
    play(client, exchange(), addons(addon(), host="https://api.moon.test"), mint(), shown(host="https://db.moon.test"))


def test_an_overridden_region_that_exists_keeps_its_overrides(office: Office) -> None:
    play(
        office.client(region="moon", api_url="a.test", db_api_url="d.test"),
        exchange(),
        regions("moon"),
        addons(addon(), host="https://a.test"),
        mint(),
        shown(host="https://d.test"),
    )


def test_a_region_without_good_addresses(office: Office) -> None:
    listed = {"regions": [{"name": "moon", "api": "http://moon.test", "database_api": None}]}
    error = refuse(office.client(region="moon"), UnexpectedAnswer, exchange(), regions(answer=listed))
    assert "http://moon.test would send credentials in clear text" in error.message
    assert "api_url and db_api_url override it" in error.hint


def test_the_kept_regions_may_be_nonsense(office: Office) -> None:
    client = office.client(region="moon")
    for kept in ({"regions": "x"}, {"regions": {"moon": "x"}}, {"regions": {"moon": ["x", 1]}}, {}):
        key = cache_key("regions", "tk-us-secret", "https://auth.scalingo.com")
        client.store.write(key, kept, office.clock.wall() + 60)
        assert client.account._cached_regions(key) == {}


# ---------------------------------------------------------------------------------------------------------------------
# Which addon


MANY = [
    addon("ad-1", "scalingo-mysql", "shop_1"),
    addon("ad-2", "postgresql", "shop_2"),
    addon("ad-3", "postgresql", "shop_3"),
    addon("ad-4", "postgresql-ng", "shop_4"),
    addon("5343eccd646173000a140000", "redis", None),
]


@pytest.mark.parametrize(
    ("wanted", "identifier", "engine"),
    [
        ("mysql", "ad-1", "mysql"),
        ("scalingo-mysql", "ad-1", "mysql"),
        ("MySQL", "ad-1", "mysql"),
        ("postgresql-ng", "ad-4", "postgresql-ng"),
        ("ad-3", "ad-3", "postgresql"),
        ("scalingo-redis", "5343eccd646173000a140000", "redis"),
        ("5343eccd646173000a140000", "5343eccd646173000a140000", "redis"),
    ],
)
def test_an_addon_is_meant_by_id_or_by_provider(wanted: str, identifier: str, engine: str) -> None:
    found = choose_addon(MANY, wanted, "shop")
    assert (found.addon_id, found.engine) == (identifier, engine)


def test_an_addon_that_matches_twice_is_refused_with_the_ids() -> None:
    with pytest.raises(InvalidInput) as caught:
        choose_addon(MANY, "postgresql", "shop")
    assert caught.value.message == "App shop has 2 addons that match postgresql"
    assert "postgresql (ad-2, shop_2), postgresql (ad-3, shop_3)" in caught.value.hint


def test_an_addon_that_is_not_there_is_told_with_what_is() -> None:
    with pytest.raises(AddonNotFound) as caught:
        choose_addon(MANY, "mongodb", "shop")
    assert (
        "mysql (ad-1, shop_1)" in caught.value.hint
        and "redis (5343eccd646173000a140000, no resource id)" in caught.value.hint
    )
    with pytest.raises(AddonNotFound, match="App shop has no addon mongodb") as caught:
        choose_addon([], "mongodb", "shop")
    assert caught.value.hint == "It has no addon at all."


def test_a_resource_id_is_answered_with_the_right_id() -> None:
    with pytest.raises(InvalidInput) as caught:
        choose_addon(MANY, "shop_3", "shop")
    assert "is the resource id of an addon" in caught.value.message
    assert caught.value.hint == "Use addon: ad-3 (postgresql)."


def test_an_addon_without_provider_has_no_engine() -> None:
    assert engine_of({"id": "ad-1"}) is None


@pytest.mark.parametrize("identifier", ["ad-1", "5343eccd646173000a140000"])
def test_an_id_needs_no_list(office: Office, identifier: str) -> None:
    client = office.client(addon=identifier)
    assert client.target.addon_id == identifier and client.usage.requests == 0
    assert client.known_target() == ("shop", identifier)
    play(client, exchange(), mint(identifier), shown(identifier=identifier))
    assert (client.target.engine, client.target.resource_id, client.target.app) == ("mysql", "shop_1", "shop")
    assert client.described() == f"addon mysql ({identifier}) of app shop in osc-fr1"


def test_asking_for_the_id_of_a_provider_gets_its_token_with_it(office: Office) -> None:
    """The id will be followed by a call that needs the token, and so only one of many processes has to ask."""
    client = office.client()
    assert client.target.known_addon_id is None
    with Script(exchange(), addons(addon()), mint()) as script:
        script.mount(client)
        assert [client.target.addon_id, client.target.known_addon_id, client.target.engine] == ["ad-1", "ad-1", "mysql"]
    play(client, shown())


def test_everything_can_be_made_ready_for_a_call(office: Office) -> None:
    client = office.client()
    with Script(exchange(), addons(addon()), mint()) as script:
        script.mount(client)
        client.target.ready()
    play(client, shown())


def test_an_addon_just_read_or_made_is_not_looked_up(office: Office) -> None:
    client = office.client()
    client.use_addon(addon("ad-7"))
    assert (client.target.addon_id, client.target.engine, client.usage.requests) == ("ad-7", "mysql", 0)
    play(client, exchange(), mint("ad-7"), shown(identifier="ad-7"))
    client.use_addon(addon("ad-7"))
    play(client, shown(identifier="ad-7"))
    client.use_addon(addon("ad-8"))
    play(client, mint("ad-8", "addon-8"), shown(identifier="ad-8", token="addon-8"))


def test_what_is_to_be_concealed_is_masked_with_what_it_carries(office: Office) -> None:
    link = "https://x.test/y?token=canary-canary&page=1"
    assert office.client().conceal(link) == link
    assert office.secrets[-2:] == ["canary-canary", link]


def test_the_engine_alone_is_known_from_the_tokens_answer(office: Office) -> None:
    client = office.client(addon="ad-1")
    with Script(exchange(), mint()) as script:
        script.mount(client)
        assert client.target.engine == "mysql"


def test_a_token_answer_without_the_addon_costs_one_more_read(office: Office) -> None:
    client = office.client(addon="ad-1")
    bare = mint(answer={"addon": {"token": "addon-1"}})
    with Script(exchange(), bare, expect("GET", "/v1/apps/shop/addons/ad-1", answer={"addon": addon()})) as script:
        script.mount(client)
        assert (client.target.engine, client.target.resource_id) == ("mysql", "shop_1")


@pytest.mark.parametrize(("told", "protected"), [(True, True), (False, False), ("odd", True)])
@pytest.mark.parametrize("where", ["list", "token"])
def test_whether_data_are_protected_costs_nothing_where_an_answer_has_told_it(
    office: Office, told: object, protected: bool, where: str
) -> None:
    hds = {"hds_resource": told}
    listed = addons({**addon(), **hds} if where == "list" else addon())
    minted = mint(answer={"addon": {**addon(), **(hds if where == "token" else {}), "token": "addon-1"}})
    with Script(exchange(), listed, minted) as script:
        client = office.client()
        script.mount(client)
        client.target.ready()
        assert ("may hold data of health (HDS)" in client.target.protection) is protected
    # It is kept with the token: the next task asks for nothing.
    again = office.client()
    with Script() as script:
        script.mount(again)
        assert ("HDS" in again.target.protection) is protected


@pytest.mark.parametrize("told", [True, False, None])
def test_whether_data_are_protected_costs_one_read_where_no_answer_has_told_it(
    office: Office, told: bool | None
) -> None:
    client = office.client(addon="ad-1")
    read = expect(
        "GET",
        "/v1/apps/shop/addons/ad-1",
        answer={"addon": {**addon(), **({} if told is None else {"hds_resource": told})}},
    )
    with Script(exchange(), mint(), read) as script:
        script.mount(client)
        client.target.ready()
        assert ("HDS" in client.target.protection) is (told is True)


def test_the_region_alone_says_that_data_are_protected(office: Office) -> None:
    client = office.direct(region="osc-secnum-fr1", api_token=None)
    assert "qualified as SecNumCloud (osc-secnum-fr1)" in client.target.protection
    assert office.direct(api_token=None).target.protection == ""
    client = office.direct(db_api_url="https://db-api.osc-secnum-fr1.scalingo.com", api_token=None)
    assert "SecNumCloud" in client.target.protection


def test_an_addon_id_with_its_token_uses_no_main_api(office: Office) -> None:
    client = office.direct(api_token=None)
    play(client, shown(host="https://db-api.osc-fr1.scalingo.com"))
    assert (client.target.addon_id, client.target.engine, client.target.resource_id) == ("ad-1", None, None)
    assert client.described() == "addon ad-1 in osc-fr1" and client.target.app is None
    assert refuse_main(client).message == "api_token is missing"
    client.forget_target()


def refuse_main(client: Client) -> ScalingoError:
    with pytest.raises(ScalingoError) as caught:
        Api(client).list_apps()
    return caught.value


def test_an_addon_token_needs_no_region_list_when_its_host_is_given(office: Office) -> None:
    play(
        office.direct(api_token=None, auth_url="https://auth.test", db_api_url="https://db.test"),
        shown(host="https://db.test"),
    )


def test_regions_can_be_listed_without_a_token(office: Office) -> None:
    play(
        office.direct(api_token=None, region="moon"),
        regions("moon", headers={"Authorization": None}),
        shown(host="https://db.moon.test"),
    )


@pytest.mark.parametrize("wanted", ["mysql", "ad-1"])
def test_an_app_that_does_not_exist_says_so(office: Office, wanted: str) -> None:
    missing = {"status": 404, "answer": {"resource": "App", "error": "not found"}}
    calls = [exchange(), addons(**missing)] if wanted == "mysql" else [exchange(), mint(**missing), addons(**missing)]
    error = refuse(office.client(addon=wanted), NotFound, *calls)
    assert not isinstance(error, AddonNotFound) and error.status == 404
    assert "shop is not visible in osc-fr1" in error.hint
    assert f"addon {wanted} of app shop in osc-fr1" in sentence(error)


def test_an_id_that_is_not_there_is_told_with_what_is(office: Office) -> None:
    error = refuse(
        office.client(addon="ad-9"),
        AddonNotFound,
        exchange(),
        mint("ad-9", status=404, answer={"error": "not found"}),
        addons(addon()),
    )
    assert error.message == "App shop has no addon ad-9" and "mysql (ad-1, shop_1)" in error.hint


def test_an_addon_that_is_there_and_gets_no_token_is_the_apis_own_error(office: Office) -> None:
    refusal = mint(status=404, answer={"error": "not ready"})
    error = refuse(office.client(addon="ad-1"), NotFound, exchange(), refusal, addons(addon()))
    assert error.message == "not ready" and error.hint.startswith(
        "Right after provisioning, the platform lists an addon before"
    )


# ---------------------------------------------------------------------------------------------------------------------
# Tokens: their life


@pytest.mark.parametrize(
    ("token", "date", "expected"),
    [
        (jwt(WALL + 1200), None, 1200),
        (jwt(WALL + 1200), WALL + 200, 1000),
        (jwt(WALL + 99999), None, 3600),
        # It was made just now, whatever the clocks say.
        (jwt(WALL - 50), None, 3600),
        (jwt(WALL + 3600), WALL + 7200, 3600),
        ("opaque", None, 3600),
        ("a.b.c", None, 3600),
        ("a.e30.c", None, 3600),
        ("a.bnVsbA.c", None, 3600),
        (jwt(t.cast(t.Any, "soon")), None, 3600),
        (jwt(t.cast(t.Any, [1])), None, 3600),
        ("a.\u00e9.c", None, 3600),
    ],
)
def test_how_long_a_token_lives(token: str, date: float | None, expected: float) -> None:
    assert seconds_left(token, date, WALL) == expected


def test_a_token_is_given_up_five_minutes_early_or_half_way() -> None:
    assert good_until(jwt(WALL + 3600), None, WALL) == WALL + 3300
    assert good_until("opaque", None, WALL) == WALL + 3300
    assert good_until(jwt(WALL + 60), None, WALL) == WALL + 30
    # The server's clock is two hours ahead: only the difference to its Date counts.
    assert good_until(jwt(WALL + 7200 + 3600), WALL + 7200, WALL) == WALL + 3300


def test_tokens_are_kept_until_five_minutes_before_their_end(office: Office) -> None:
    client = office.client()
    date = {"Date": "Fri, 15 Jan 2027 08:00:00 GMT"}
    token = jwt(WALL + 3600)
    auth = {"headers": {"Authorization": f"Bearer {token}"}}
    play(
        client,
        exchange(token, answer_headers=date),
        addons(addon(), **auth),
        mint(**auth),
        shown(),
    )
    office.clock.moment += 3299
    play(client, shown())
    office.clock.moment += 1
    play(client, exchange("bearer-2"), mint(bearer="bearer-2", token="addon-2"), shown(token="addon-2"))
    assert client.usage.as_dict()["requests"] == 8


def test_a_token_is_renewed_in_the_middle_of_a_long_wait(office: Office) -> None:
    client = office.client()
    calls = [exchange(), addons(addon()), mint(), *[shown()] * 3]
    renewal = [exchange("bearer-2"), mint(bearer="bearer-2", token="addon-2"), *[shown(token="addon-2")] * 2]
    with Script(*calls, *renewal) as script:
        script.mount(client)
        for dummy in range(5):
            Api(client).show_database()
            office.clock.sleep(1200)


# ---------------------------------------------------------------------------------------------------------------------
# Tokens: shared with other tasks


def test_the_next_task_needs_one_request(office: Office) -> None:
    play(office.client(), exchange(), addons(addon()), mint(), shown())
    for dummy in range(3):
        client = office.client()
        play(client, shown())
        assert client.usage.as_dict() == {
            "requests": 1,
            "writes": 0,
            "waited_seconds": 0.0,
            "tokens_reused": 1,
        }
        assert (client.target.engine, client.target.resource_id) == ("mysql", "shop_1")


def test_one_exchange_serves_every_region_app_and_addon(office: Office) -> None:
    play(office.client(), exchange(), addons(addon()), mint(), shown())
    play(office.client(app="blog"), addons(addon(), app="blog"), mint(app="blog"), shown())
    play(office.client(region="osc-secnum-fr1"), addons(addon()), mint(), shown())
    client = office.client(addon="ad-1")
    play(client, mint(), shown())
    assert client.usage.tokens_reused == 1


@pytest.mark.parametrize(
    "other",
    [
        {"api_token": "tk-us-other"},
        {
            "auth_url": "auth.test",
            "api_url": "https://api.osc-fr1.scalingo.com",
            "db_api_url": "https://db-api.osc-fr1.scalingo.com",
        },
    ],
)
def test_nothing_is_shared_with_another_account_or_auth_host(office: Office, other: dict[str, str]) -> None:
    play(office.client(), exchange(), addons(addon()), mint(), shown())
    token = other.get("api_token", "tk-us-secret")
    play(office.client(**other), exchange(api_token=token), addons(addon()), mint(), shown())


def test_nothing_is_shared_with_other_hosts(office: Office) -> None:
    play(office.client(), exchange(), addons(addon()), mint(), shown())
    play(office.client(db_api_url="db.test"), addons(addon()), mint(), shown())
    play(office.client(api_url="api.test"), addons(addon()), mint(), shown())


def test_the_cache_can_be_turned_off(office: Office) -> None:
    for dummy in range(2):
        play(office.client(token_cache=False), exchange(), addons(addon()), mint(), shown())
    assert not Path(os.environ["HOME"], ".cache").exists()


def test_without_a_home_everything_works_from_memory(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/nonexistent")
    for dummy in range(2):
        client = office.client()
        play(client, exchange(), addons(addon()), mint(), shown())
        play(client, shown())
    assert len(office.lines) == 2


def test_the_cache_never_holds_the_api_token(office: Office) -> None:
    play(office.client(region="moon"), exchange(), regions("moon"), addons(addon()), mint(), shown())
    files = list(Path(os.environ["HOME"], ".cache", "community.scalingo").iterdir())
    kinds = sorted(path.name.split("-")[0] for path in files if path.suffix == ".json")
    assert kinds == ["addon", "bearer", "regions"]
    for path in files:
        assert "secret" not in path.read_text() + path.name and "OnRrLX" not in path.read_text()


@pytest.mark.parametrize(
    "entry",
    [
        {},
        {"token": 7, "addon_id": "ad-1"},
        {"token": "", "addon_id": "ad-1"},
        {"token": "x"},
        {"token": "x", "addon_id": ""},
        {"token": "x", "addon_id": "ad-1", "engine": 5},
        {"token": "x", "addon_id": "ad-1", "resource_id": ["y"]},
        {"token": "x", "addon_id": "ad-1", "health": "no"},
        {"token": "canary\n", "addon_id": "ad-1"},
        {"token": "canary\r\nHost: x", "addon_id": "ad-1"},
        {"token": "canary\u20ac", "addon_id": "ad-1"},
        {"token": "a canary", "addon_id": "ad-1"},
    ],
)
def test_a_kept_addon_that_makes_no_sense_is_none(office: Office, entry: dict[str, t.Any]) -> None:
    client = office.client()
    client.store.write(client.target._key(), entry, office.clock.wall() + 60)
    play(client, exchange(), addons(addon()), mint(), shown())


@pytest.mark.parametrize(
    "value", [["nonsense\n", ""], ["ftp://x", "https://db"], ["https://api.test", 5], "https://api.test"]
)
def test_a_kept_region_that_makes_no_sense_is_none(office: Office, value: t.Any) -> None:
    client = office.client(region="moon")
    key = cache_key("regions", client.settings.api_token, client.settings.auth)
    client.store.write(key, {"regions": {"moon": value}}, office.clock.wall() + 60)
    play(client, exchange(), regions("moon"), addons(addon()), mint(), shown())


def test_a_fresh_token_with_a_life_that_cannot_be_counted_lives_an_hour() -> None:
    for expires in ("1" + "0" * 400, "-1" + "0" * 400):
        payload = base64.urlsafe_b64encode((f'{{"exp": {expires}}}').encode()).decode()
        assert seconds_left(f"a.{payload}.b", None, 0.0) == 3600.0


def test_a_kept_id_is_looked_up_once_more_before_absent_means_absent(office: Office) -> None:
    play(office.client(), exchange(), addons(addon()), mint(), shown())
    gone = shown(status=404, answer={"error": "not found"})
    # The database was replaced by another one since.
    client = office.client()
    play(
        client,
        gone,
        addons(addon("ad-2")),
        mint("ad-2", "addon-2"),
        shown(identifier="ad-2", token="addon-2"),
    )
    assert client.known_target() == ("shop", "ad-2")
    # The next task finds the new one.
    play(office.client(), shown(identifier="ad-2", token="addon-2"))


def test_the_same_id_found_again_is_absent_and_asked_once(office: Office) -> None:
    play(office.client(), exchange(), addons(addon()), mint(), shown())
    gone = shown(status=404, answer={"error": "not found"})
    client = office.client()
    refuse(client, NotFound, gone, addons(addon()))
    refuse(client, NotFound, gone)


def test_an_addon_found_gone_is_told_as_such(office: Office) -> None:
    play(office.client(), exchange(), addons(addon()), mint(), shown())
    refuse(office.client(), AddonNotFound, shown(status=404, answer={"error": "x"}), addons())


def test_an_id_given_by_the_user_is_not_looked_up(office: Office) -> None:
    play(office.client(addon="ad-1"), exchange(), mint(), shown())
    refuse(office.client(addon="ad-1"), NotFound, shown(status=404, answer={"error": "x"}))


def test_a_kept_lookup_whose_token_is_refused_for_good_is_looked_up_again(office: Office) -> None:
    play(office.client(), exchange(), addons(addon()), mint(), shown())
    client = office.client()
    play(
        client,
        shown(status=401, answer={"error": "expired"}),
        mint(status=404, answer={"error": "not found"}),
        addons(addon("ad-2")),
        mint("ad-2", "addon-2"),
        shown(identifier="ad-2", token="addon-2"),
    )


def test_a_fresh_lookup_trusts_no_earlier_task_but_its_tokens(office: Office) -> None:
    play(office.client(), exchange(), addons(addon()), mint(), shown())
    client = office.client(fresh_lookup=True)
    play(client, addons(addon()), shown())
    assert client.usage.as_dict()["tokens_reused"] == 2
    # Another addon by now: its own token, for the next task too.
    play(
        office.client(fresh_lookup=True),
        addons(addon("ad-2")),
        mint("ad-2", "addon-2"),
        shown(identifier="ad-2", token="addon-2"),
    )
    play(office.client(), shown(identifier="ad-2", token="addon-2"))


def test_a_fresh_lookup_asks_once(office: Office) -> None:
    client = office.client(fresh_lookup=True)
    with Script(exchange(), addons(addon())) as script:
        script.mount(client)
        assert [client.target.addon_id, client.target.engine] == ["ad-1", "mysql"]
    play(client, mint(), shown())


def test_what_was_destroyed_is_forgotten(office: Office) -> None:
    client = office.client()
    play(client, exchange(), addons(addon()), mint(), shown())
    client.forget_target()
    assert client.known_target() == ("shop", None)
    refuse(client, AddonNotFound, addons())
    by_id = office.client(addon="ad-1")
    play(by_id, mint(), shown())
    by_id.forget_target()
    play(office.client(addon="ad-1"), mint(), shown())


# ---------------------------------------------------------------------------------------------------------------------
# 401: renewed once per request, and never absent


EXPIRED = {"status": 401, "answer": {"error": "token expired"}}
# How the database API may refuse a token instead (docs/contract.md, section 1.4).
UNAUTHORIZED = {"status": 400, "answer": {"error": "unauthorized"}}
REFUSALS = pytest.mark.parametrize("refusal", [EXPIRED, UNAUTHORIZED], ids=["401", "400"])


@REFUSALS
def test_a_refused_addon_token_is_made_anew_once(office: Office, refusal: dict[str, t.Any]) -> None:
    client = office.client()
    play(client, exchange(), addons(addon()), mint(), shown(**refusal), mint(token="addon-2"), shown(token="addon-2"))
    # And once more for the next request, and for a request that changes something.
    with Script(
        on_database("PATCH", token="addon-2", **refusal),
        mint(token="addon-3"),
        on_database("PATCH", token="addon-3", answer=RUNNING, json={"database": {"x": 1}}),
    ) as script:
        script.mount(client)
        Api(client).update_database({"x": 1})


@REFUSALS
def test_a_token_refused_twice_is_unauthorized_and_not_absent(office: Office, refusal: dict[str, t.Any]) -> None:
    error = refuse(
        office.client(),
        Unauthorized,
        exchange(),
        addons(addon()),
        mint(),
        shown(**refusal),
        mint(token="addon-2"),
        shown(token="addon-2", **refusal),
    )
    assert error.status == refusal["status"] and not isinstance(error, NotFound)


def test_another_400_is_no_refusal_of_the_token(office: Office) -> None:
    running = {"status": 400, "answer": {"error": "a backup is running"}}
    refuse(office.client(), BadRequest, exchange(), addons(addon()), mint(), shown(**running))


def test_a_newer_token_of_another_process_is_taken_first(office: Office) -> None:
    first, second = office.client(), office.client()
    play(first, exchange(), addons(addon()), mint(), shown())
    play(second, shown())
    play(first, shown(**EXPIRED), mint(token="addon-2"), shown(token="addon-2"))
    play(second, shown(**EXPIRED), shown(token="addon-2"))
    assert second.usage.tokens_reused == 2


def test_a_refused_bearer_is_exchanged_anew_once(office: Office) -> None:
    play(
        office.client(),
        exchange(),
        addons(**EXPIRED),
        exchange("bearer-2"),
        addons(addon(), bearer="bearer-2"),
        mint(bearer="bearer-2"),
        shown(),
    )
    # In the middle of making an addon token, too.
    office.clock.moment += 3000
    client = office.client()
    play(
        client,
        shown(**EXPIRED),
        mint(bearer="bearer-2", **EXPIRED),
        exchange("bearer-3"),
        mint(bearer="bearer-3", token="addon-2"),
        shown(token="addon-2"),
    )


def test_a_newer_bearer_of_another_process_is_taken_first(office: Office) -> None:
    first, second = office.client(), office.client()
    with Script(exchange(), expect("GET", "/v1/apps", answer={"apps": []})) as script:
        script.mount(first)
        Api(first).list_apps()
    with Script(expect("GET", "/v1/apps", answer={"apps": []})) as script:
        script.mount(second)
        Api(second).list_apps()
    renewed = {"headers": {"Authorization": "Bearer bearer-2"}, "answer": {"apps": []}}
    with Script(
        expect("GET", "/v1/apps", **EXPIRED), exchange("bearer-2"), expect("GET", "/v1/apps", **renewed)
    ) as script:
        script.mount(first)
        Api(first).list_apps()
    with Script(expect("GET", "/v1/apps", **EXPIRED), expect("GET", "/v1/apps", **renewed)) as script:
        script.mount(second)
        Api(second).list_apps()


def test_a_bearer_refused_twice_is_unauthorized(office: Office) -> None:
    error = refuse(
        office.client(),
        Unauthorized,
        exchange(),
        addons(**EXPIRED),
        exchange("bearer-2"),
        addons(bearer="bearer-2", **EXPIRED),
    )
    assert error.path == "/v1/apps/shop/addons"


def test_a_wrong_api_token_says_so_at_once(office: Office) -> None:
    error = refuse(office.client(), Unauthorized, exchange(**EXPIRED))
    assert "SCALINGO_API_TOKEN" in error.hint and error.doing == "exchange the API token for a bearer token"
    assert "addon mysql of app shop in osc-fr1" in sentence(error)


def test_a_given_addon_token_cannot_be_renewed(office: Office) -> None:
    error = refuse(office.direct(api_token=None), Unauthorized, shown(**EXPIRED))
    assert "addon_token is refused" in error.hint


def test_a_refused_account_is_told_generally(office: Office) -> None:
    client = office.client()
    refused = expect("GET", "/v1/users/self", **EXPIRED)
    with Script(exchange(), refused, exchange("bearer-2"), refused) as script, pytest.raises(Unauthorized) as caught:
        script.mount(client)
        Api(client).show_user()
    assert caught.value.hint == ""


def test_tokens_that_cannot_be_sent_are_no_tokens(office: Office) -> None:
    for bad in ("", "two words", "line\nbreak", "caf\u00e9"):
        refuse(office.client(), UnexpectedAnswer, exchange(answer={"token": bad}))
    refuse(office.client(), UnexpectedAnswer, exchange(), addons(addon()), mint(answer={"addon": {"token": "a b"}}))


def test_the_exchange_sends_no_body(office: Office) -> None:
    play(office.client(), exchange(json=NOTHING), addons(addon()), mint(json=NOTHING), shown(json=NOTHING))


def test_the_real_clock_is_used_when_none_is_given() -> None:
    given = {"api_token": "x", "app": "a", "addon": "b"}
    client = Client.from_params(given, verbose=print, secret=lambda value: None)
    assert not isinstance(client.clock, StillClock)
    client.close()


def test_a_token_that_another_thread_has_replaced_is_not_renewed_again(office: Office) -> None:
    client = office.client(token_cache=False)
    with Script(exchange("bearer-1"), exchange("bearer-2")) as script:
        script.mount(client)
        refused = client.account.bearer()
        for dummy in range(2):
            client.account.renew_bearer(refused)
        assert client.account.bearer() == "bearer-2"
