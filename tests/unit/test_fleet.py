# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""All databases of many apps: which apps are looked at, what cannot be read, and what it costs."""

from __future__ import annotations

import collections
import types
import typing as t

import pytest
from ansible_collections.community.scalingo.plugins.inventory.scalingo_databases import InventoryModule
from ansible_collections.community.scalingo.plugins.module_utils._client import Client
from ansible_collections.community.scalingo.plugins.module_utils._errors import InvalidInput, sentence
from ansible_collections.community.scalingo.plugins.module_utils._resources.fleet import Fleet, Read, shown
from scalingo_sandbox.testing import Sandbox

HERE, THERE = "osc-fr1", "osc-secnum-fr1"
SEED = {
    "apps": [
        {"name": "shop", "region": HERE, "addons": [{"provider": "mysql"}, {"provider": "redis"}]},
        {"name": "shop-test", "region": HERE, "addons": [{"provider": "mysql"}]},
        {"name": "vault", "region": THERE, "addons": [{"provider": "postgresql"}]},
        {"name": "empty", "region": THERE, "addons": []},
    ],
}


@pytest.fixture
def sandbox() -> t.Iterator[Sandbox]:
    with Sandbox(seed=SEED) as running:
        yield running


class Reading:
    def __init__(
        self,
        sandbox: Sandbox,
        apps: t.Sequence[str] = (),
        engines: t.Sequence[str] = (),
        details: bool = False,
        **params: t.Any,
    ) -> None:
        def connect(region: str, app: str | None, addon: str | None, beside: Client | None) -> Client:
            given = {
                **sandbox.params(region),
                "api_retries": 0,
                "cache_tokens": False,
                **params,
                "app": app,
                "addon": addon,
            }
            return Client.from_params(
                given,
                verbose=lambda dummy: None,
                secret=lambda dummy: None,
                target_needed=app is not None,
                beside=beside,
            )

        self.fleet = Fleet(connect, apps=apps, engines=engines, parallel=4, absent=True)
        found = self.fleet.find([HERE, THERE])
        self.notes: list[str] = []
        read = self.fleet.read(found) if details else [Read(item, None) for item in found]
        self.read = shown(read, self.notes.append)
        self.names = ["{app}/{engine}".format(**item) for item in self.read]
        self.failures = {failure.about: sentence(failure.error) for failure in self.fleet.failures}


def served(sandbox: Sandbox) -> dict[str, int]:
    return dict(collections.Counter(record.route for record in sandbox.log()))


def test_everything_costs_one_request_for_each_region_and_each_app(sandbox: Sandbox) -> None:
    found = Reading(sandbox)
    assert sorted(found.names) == ["shop-test/mysql", "shop/mysql", "shop/redis", "vault/postgresql"]
    assert found.failures == {} and [item["database"] for item in found.read] == [None] * 4
    assert served(sandbox) == {"exchange": 1, "apps": 2, "A1": 4}


@pytest.mark.parametrize(
    ("apps", "engines", "names", "cost"),
    [
        # Named in full: no list of apps, and each is looked for in both regions.
        (["shop"], [], ["shop/mysql", "shop/redis"], {"exchange": 1, "A1": 2}),
        (
            ["shop", "shop", "vault"],
            ["redis", "postgresql"],
            ["shop/redis", "vault/postgresql"],
            {"exchange": 1, "A1": 4},
        ),
        (["shop*"], ["mysql"], ["shop-test/mysql", "shop/mysql"], {"exchange": 1, "apps": 2, "A1": 2}),
        (["vault", "shop-?*"], [], ["shop-test/mysql", "vault/postgresql"], {"exchange": 1, "apps": 2, "A1": 2}),
        (["empty"], [], [], {"exchange": 1, "A1": 2}),
        (["*"], ["influxdb"], [], {"exchange": 1, "apps": 2, "A1": 4}),
    ],
)
def test_apps_are_chosen_by_name_and_pattern(
    sandbox: Sandbox, apps: list[str], engines: list[str], names: list[str], cost: dict[str, int]
) -> None:
    found = Reading(sandbox, apps, engines)
    assert (sorted(found.names), found.failures) == (names, {})
    assert served(sandbox) == cost


def odd(sandbox: Sandbox, kind: str, region: str = HERE) -> None:
    """The first addon of the shop is of a kind that nobody here knows."""
    sandbox.fault(
        match={"route": "A1", "app": "shop", "region": region},
        do="wrong_type",
        at="addons.0.addon_provider.id",
        value=kind,
    )


def test_a_kind_that_nobody_knows_is_taken_with_a_warning(sandbox: Sandbox) -> None:
    odd(sandbox, "mysql-dr")
    found = Reading(sandbox)
    assert sorted(found.names) == ["shop-test/mysql", "shop/mysql-dr", "shop/redis", "vault/postgresql"]
    assert len(found.fleet.warnings) == 1 and "mysql-dr is not known to this collection" in found.fleet.warnings[0]
    assert served(sandbox) == {"exchange": 1, "apps": 2, "A1": 4, "A9": 1}
    assert Reading(sandbox, engines=["mysql-dr"]).names == ["shop/mysql-dr"]


def test_an_addon_that_is_no_database_is_left_out(sandbox: Sandbox) -> None:
    odd(sandbox, "scheduler")
    sandbox.fault(
        match={"route": "A9"},
        do="replace",
        body={"addon_providers": [{"id": "scheduler", "category": {"name": "Tools"}}]},
    )
    found = Reading(sandbox)
    assert sorted(found.names) == ["shop-test/mysql", "shop/redis", "vault/postgresql"] and found.fleet.warnings == []


def test_a_misspelled_kind_is_no_empty_fleet(sandbox: Sandbox) -> None:
    with pytest.raises(
        InvalidInput, match="no kind of addon called postgres[.].*The apps have: mysql, postgresql, redis"
    ):
        Reading(sandbox, engines=["postgres"])


def test_an_app_that_no_region_has_is_said(sandbox: Sandbox) -> None:
    found = Reading(sandbox, ["shop", "shpo"])
    assert sorted(found.names) == ["shop/mysql", "shop/redis"]
    assert (
        list(found.failures) == ["app shpo"]
        and "not visible in osc-fr1 or osc-secnum-fr1" in found.failures["app shpo"]
    )


def test_what_cannot_be_read_is_left_out_and_said(sandbox: Sandbox) -> None:
    sandbox.fault(match={"route": "A1", "app": "shop", "region": HERE}, do="status", status=500)
    found = Reading(sandbox)
    assert sorted(found.names) == ["shop-test/mysql", "vault/postgresql"]
    assert list(found.failures) == ["app shop in osc-fr1"] and "500" in found.failures["app shop in osc-fr1"]
    # It may be there, so nobody says that it is not.
    assert list(Reading(sandbox, ["shop"]).failures) == ["app shop in osc-fr1"]


def test_an_app_that_is_listed_and_has_no_addons_to_read_is_said(sandbox: Sandbox) -> None:
    """It was deleted meanwhile, or it is not to be read: whichever, its databases are not known to be none."""
    sandbox.fault(
        match={"route": "A1", "app": "shop"}, do="status", status=404, body={"resource": "App", "error": "not found"}
    )
    for apps in ([], ["sh*"], ["shop", "shop-*"]):
        found = Reading(sandbox, apps)
        assert "shop/mysql" not in found.names and "shop-test/mysql" in found.names
        assert (
            list(found.failures) == ["app shop in osc-fr1"]
            and "lists it and answers 404" in found.failures["app shop in osc-fr1"]
        )


def test_a_region_that_does_not_answer_hides_none_of_another(sandbox: Sandbox) -> None:
    sandbox.fault(match={"route": "apps", "region": THERE}, do="status", status=500)
    found = Reading(sandbox, ["*", "gone"])
    assert sorted(found.names) == ["shop-test/mysql", "shop/mysql", "shop/redis"]
    assert list(found.failures) == ["region osc-secnum-fr1"], "that an app is nowhere is not known"


def test_a_token_that_is_refused_is_said_once_for_each_region_and_not_for_each_app(sandbox: Sandbox) -> None:
    found = Reading(sandbox, ["shop", "vault"], api_token="tk-us-wrong")
    assert found.read == [] and list(found.failures) == ["region osc-fr1", "region osc-secnum-fr1"]
    assert set(served(sandbox)) == {"exchange"}


def test_details_are_read_with_a_token_each(sandbox: Sandbox) -> None:
    found = Reading(sandbox, details=True)
    assert [item["database"]["type_name"] for item in found.read if item["app"] == "vault"] == ["postgresql"]
    assert all(item["database"]["status"] == "running" for item in found.read) and len(found.read) == 4
    assert served(sandbox) == {"exchange": 1, "apps": 2, "A1": 4, "A6": 4, "D1": 4}


def test_a_database_that_is_only_being_made_has_no_details(sandbox: Sandbox) -> None:
    made = sandbox.addon_id("shop", "redis")
    sandbox.fault(match={"route": "D1", "addon_id": made}, do="status", status=404)
    sandbox.fault(match={"route": "D1", "addon_id": sandbox.addon_id("shop", "mysql")}, do="status", status=500)
    found = Reading(sandbox, ["shop"], details=True)
    assert [(item["addon_id"], item["database"]) for item in found.read] == [(made, None)]
    assert list(found.failures) == [f"addon {sandbox.addon_id('shop', 'mysql')} of app shop in osc-fr1"]


def test_a_warning_of_the_inventory_is_obeyed_by_no_terminal() -> None:
    said: list[str] = []
    plugin = InventoryModule()
    plugin.display = types.SimpleNamespace(warning=said.append)
    plugin._warn("a\x1b[2Jb\u202ec")
    assert said == ["a\\x1b[2Jb\\u202ec"]
