# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How databases become hosts, without a platform: what is read and how is in tests/playbook/test_inventory.py."""

from __future__ import annotations

import functools
import typing as t

import pytest
from ansible.errors import AnsibleError, AnsibleParserError
from ansible.inventory.data import InventoryData
from ansible.inventory.group import to_safe_group_name
from ansible.parsing.dataloader import DataLoader
from ansible.template import Templar
from ansible_collections.community.scalingo.plugins.plugin_utils import _inventory
from support.roles import said


class Builder(_inventory.HostBuilder):
    """The part of the plugin that is tested, with options that are given."""

    #: The base of inventory plugins has it.
    _sanitize_group_name = staticmethod(functools.partial(to_safe_group_name, force=True, silent=True))

    def __init__(self, **options: t.Any) -> None:
        super().__init__()
        self.options = {"hostname": "scalingo_app", "group": "scalingo", "strict": False, "details": False, **options}
        self.inventory = InventoryData()
        self.templar = Templar(loader=DataLoader())
        self.warnings: list[str] = []
        self.get_option = lambda name, *dummy: self.options.get(name)
        self._text = lambda name: str(self.options[name])
        self._warn = self.warnings.append


def database(app: str, number: int, **more: t.Any) -> dict[str, t.Any]:
    variables = {"app": app, "addon_id": f"ad-{number}", "engine": "postgresql", "region": "osc-fr1", "database": {}}
    return {f"scalingo_{name}": value for name, value in {**variables, **more}.items()}


def test_names_that_are_taken_get_the_id_whatever_the_order() -> None:
    builder = Builder()
    builder.inventory.add_group("web")
    builder.inventory.add_host("cache")
    builder.inventory.set_variable("cache", "ansible_host", "192.0.2.1")
    apps = ("shop", "shop", "web", "cache", "localhost", "scalingo", "blog")
    builder.populate([database(app, number) for number, app in enumerate(apps)])
    assert sorted(builder.inventory.groups["scalingo"].get_hosts(), key=str) == sorted(
        (
            builder.inventory.hosts[name]
            for name in ("shop-ad-0", "shop-ad-1", "web-ad-2", "cache-ad-3", "localhost-ad-4", "scalingo-ad-5", "blog")
        ),
        key=str,
    )
    for reason in ("web is a group", "a host with an address", "means this machine", "scalingo is a group"):
        assert any(reason in warning for warning in builder.warnings), reason
    assert builder.inventory.hosts["cache"].vars["ansible_host"] == "192.0.2.1"


def test_a_database_that_is_a_host_already_keeps_it_and_another_does_not_take_it() -> None:
    builder = Builder()
    builder.populate([database("shop", 1)])
    builder.populate([database("shop", 1)])
    assert list(builder.inventory.hosts) == ["shop"] and builder.warnings == []
    builder.populate([database("shop", 2)])
    assert list(builder.inventory.hosts) == ["shop", "shop-ad-2"]
    assert "shop is the host of the addon postgresql (ad-1) of app shop in osc-fr1 already" in builder.warnings[0]


def test_expressions_that_fail_for_every_host_are_said_once_and_stop_a_strict_inventory() -> None:
    wrong = {
        "compose": {"ok": said("scalingo_app"), "bad": said("nobody_knows")},
        "groups": {"shops": said("scalingo_app == 'shop'"), "worse": said("nobody_knows")},
        "keyed_groups": [{"key": said("scalingo_region"), "prefix": said("at")}, {"key": said("nobody_knows")}],
    }
    builder = Builder(**wrong)
    builder.populate([database("shop", 1), database("blog", 2)])
    assert [warning.partition(" fails for every host")[0] for warning in builder.warnings] == [
        "compose.bad",
        "groups.worse",
        "keyed_groups with the key nobody_knows",
    ]
    assert {"shops", "at_osc_fr1"} <= set(builder.inventory.groups)
    assert builder.inventory.hosts["blog"].vars["ok"] == "blog"
    strict = Builder(**wrong, strict=True)
    with pytest.raises(AnsibleError):
        strict.populate([database("shop", 1)])
    assert list(strict.inventory.hosts) == [] or strict.inventory.groups.get("shops") is None


@pytest.mark.parametrize("text", ("{{ 7 * 7 }}", "#jinja2: x", ["{{ 7 * 7 }}"], {"{{ key }}": "a {{ b }}"}, 7, "plain"))
def test_text_of_the_platform_is_no_template(text: t.Any) -> None:
    builder = Builder()
    builder.populate([database("shop", 1, label=text)])
    found = builder.inventory.hosts["shop"].vars["scalingo_label"]
    assert builder.templar.template(found) == text


def test_a_name_that_cannot_be_computed_names_the_database() -> None:
    with pytest.raises(AnsibleParserError, match="hostname cannot be computed for the addon postgresql .ad-1. of app"):
        Builder(hostname="nobody_knows").populate([database("shop", 1)])
    builder = Builder(hostname="scalingo_database.host.name", details=True)
    builder.populate([database("shop", 1, database=None)])
    assert list(builder.inventory.hosts) == ["ad-1"] and "called by its ID while" in builder.warnings[0]
    odd = Builder(hostname="'a b: ' ~ scalingo_app")
    odd.populate([database("shop", 1)])
    assert list(odd.inventory.hosts) == ["a b: shop"] and "--limit cannot choose a host" in odd.warnings[0]
    empty = Builder(hostname="''")
    empty.populate([database("shop", 1)])
    assert list(empty.inventory.hosts) == ["ad-1"]
