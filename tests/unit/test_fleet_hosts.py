# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Databases as hosts: what they are called, which they are, and what is refused."""

from __future__ import annotations

import typing as t

import pytest
import yaml
from ansible_collections.community.scalingo.plugins.plugin_utils import _fleet
from support.playbook import ROOT


class Reader:
    """Takes every value as it is."""

    def __init__(self) -> None:
        self.problems: list[str] = []

    def value(self, option: t.Mapping[str, t.Any], value: t.Any, place: str) -> t.Any:
        return str(value)


def listed(*entries: _fleet.Entry) -> list[_fleet.Entry]:
    return _fleet.listed(entries, "fleet_", Reader())


def test_a_list_is_named_by_app_and_addon_or_as_it_says() -> None:
    one, other, third = listed(
        {"app": "shop", "addon": "mysql", "confirm": "x"}, {"addon_id": "ad-1"}, {"name": "crm", "addon": "redis"}
    )
    assert one == {"app": "shop", "addon": "mysql", "confirm": "x", "name": "shop/mysql"}
    assert (other["name"], third["name"]) == ("ad-1", "crm")


@pytest.mark.parametrize(
    "entries, text",
    [
        ([{"app": "shop"}], "fleet_databases[0] has no addon"),
        ([{"name": "a b", "addon": "mysql"}], "fleet_databases[0] is called 'a b'"),
        ([{"name": "localhost", "addon": "mysql"}], "other than localhost"),
        ([{"app": "shop", "addon": "mysql"}] * 2, "two databases are called shop/mysql"),
    ],
)
def test_what_can_be_no_host_is_refused(entries: list[_fleet.Entry], text: str) -> None:
    with pytest.raises(_fleet.Refused) as refused:
        listed(*entries)
    assert text in str(refused.value)


def item(name: str, **more: str) -> dict[str, str]:
    return {"name": name, "app": "shop", "addon": "mysql", "addon_id": "ad-1", "region": "osc-fr1", **more}


def test_what_patterns_found_is_known_also_where_it_could_not_be_read() -> None:
    read = {"databases": [item("shop/mysql in osc-fr1", plan="x")], "failures": [item("shop/redis", msg="no")]}
    assert [each["name"] for each in _fleet.found(read)] == ["shop/mysql@osc-fr1", "shop/redis"]
    assert "plan" not in _fleet.found(read)[0]


def test_an_app_that_could_not_be_listed_is_no_part_that_is_left_out() -> None:
    with pytest.raises(_fleet.Refused, match="1 could not be listed: shop: no"):
        _fleet.found({"databases": [], "failures": [{"name": "shop", "msg": "no"}]})


def inventory(**hosts: dict[str, str]) -> dict[str, t.Any]:
    return {"ansible_play_hosts": [*hosts], "hostvars": hosts}


def test_hosts_of_an_inventory_say_which_database_they_are() -> None:
    (entry,) = _fleet.of_inventory(
        inventory(crm={"scalingo_app": "crm", "scalingo_engine": "mysql", "scalingo_region": "osc-fr1"}, localhost={})
    )
    assert entry == {"name": "crm", "app": "crm", "addon": "mysql", "region": "osc-fr1"}
    with pytest.raises(_fleet.Refused, match="the host web is no database"):
        _fleet.of_inventory(inventory(web={"scalingo_app": "crm"}))


def test_a_slice_is_refused_where_each_would_do_all() -> None:
    job = {"awx_job_template_name": "upgrade", "awx_workflow_job_name": "upgrade"}
    with pytest.raises(_fleet.Refused, match="each slice would work on all of a list"):
        _fleet.refuse_a_part(job, "a list")
    _fleet.refuse_a_part({**job, "awx_workflow_job_name": "nightly"}, "a list")
    _fleet.refuse_a_part({}, "a list")


@pytest.mark.parametrize(
    "fleet, host, text",
    [(["old"], "crm", "about other databases before, such as old"), ([], "web", "web is a host of the inventory, too")],
)
def test_hosts_that_mean_something_else_are_refused(fleet: list[str], host: str, text: str) -> None:
    known = {"groups": {_fleet.GROUP: fleet}, "hostvars": {"web": {}}, "ansible_play_hosts": ["localhost"]}
    with pytest.raises(_fleet.Refused, match=text):
        _fleet.refuse_strangers([{"name": host}], known)
    _fleet.refuse_strangers([{"name": "crm"}], {**known, "groups": {}})


def test_a_host_is_made_of_its_own_item_alone() -> None:
    # Ansible expands all that a template names, also what is not used, for each item: over 300 databases the list behind a variable took 49 s of processor.
    play = yaml.safe_load((ROOT / "playbooks" / "hosts.yml").read_text(encoding="utf-8"))[1]
    made = next(
        task["ansible.builtin.add_host"] for task in play["tasks"][0]["block"] if "ansible.builtin.add_host" in task
    )
    assert {value for value in made.values() if "{" in value} == {"{{ item.name }}", "{{ item.target }}"}
