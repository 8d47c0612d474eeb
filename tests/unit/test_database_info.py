# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Many databases in one task: none is lost under the rate limit, each request is counted, and it says how far it is.

Other collections have had each of these: ansible-collections/azure#659 and #1614 (throttled, and few hosts or none, without a word),
ansible/ansible#62647 (one 503, and no hosts), awslabs/rds-snapshot-tool#29 (requests for what nobody asked for),
fixinventory#1104 (a region that refuses is asked again and again).
"""

from __future__ import annotations

import collections
import sys
import typing as t

import pytest
from ansible_collections.community.scalingo.plugins.modules import scalingo_database_info
from ansible_collections.community.scalingo.plugins.plugin_utils._progress import Lines
from scalingo_sandbox.testing import Sandbox
from support import port
from support.laboratory import FollowingClock

COUNT, APPS = 30, 6
ADDON = "mysql"


@pytest.fixture
def sandbox() -> t.Iterator[Sandbox]:
    with Sandbox(seed={"fleet": {"count": COUNT, "apps": APPS, "provider": ADDON}}) as running:
        yield running


class Told(port.PortHost):
    """Keeps what the last module was told."""

    last: Told

    def __init__(self, *arguments: t.Any) -> None:
        super().__init__(*arguments)
        Told.last = self


@pytest.fixture(autouse=True)
def told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(port, "PortHost", Told)


def read(sandbox: Sandbox, **options: t.Any) -> port.Report:
    given = {name: value for name, value in sandbox.params("osc-fr1").items() if value}
    options = {"apps": ["*"], "token_cache": False, "readings": ["backups"], **options}
    return port.perform(scalingo_database_info, {**given, **options}, clock=FollowingClock(sandbox))


def names(report: port.Report) -> set[str]:
    return {item["name"] for item in report.result["databases"]}


# The sleep of each moves the clock of all: with ten of them the time to wait for the limit was over too early.
@pytest.mark.parametrize("threads", [1, 3])
def test_none_is_lost_under_the_limit_and_it_says_how_far_it_is(sandbox: Sandbox, threads: int) -> None:
    sandbox.rate_limit(requests=10, seconds=10, scope="global")
    report = read(sandbox, max_in_flight=threads)
    assert not report.failed and report.result["failures"] == [] and len(names(report)) == COUNT
    assert any(record.status == 429 for record in sandbox.log())
    if threads == 1:
        # Of one alone, as the sleep of each moves the clock of all.
        shown: list[float] = [0.0]
        lines = Lines(lambda dummy: shown.append(progress.seconds), "module")
        for progress in Told.last.told:
            if progress.often and progress.doing == "reading the databases":
                lines.see(progress)
        assert len(shown) > 2
        assert max(after - before for before, after in zip(shown, shown[1:])) <= 60


def test_every_request_is_counted_however_threads_take_turns(sandbox: Sandbox) -> None:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        report = read(sandbox, readings=["backups", "metrics", "disk", "versions", "maintenance", "firewall"])
    finally:
        sys.setswitchinterval(interval)
    assert report.result["api_usage"]["requests"] == len(sandbox.log())
    routes = collections.Counter(record.route for record in sandbox.log())
    ahead = routes.pop("T3", 0)
    # The bearer, the apps, the addons of each, and of each database a token, its settings and five readings; no firewall.
    each = dict.fromkeys(("A6", "D1", "B1", "S1", "S2", "M1"), COUNT)
    assert routes == {"exchange": 1, "apps": 1, "A1": APPS, **each}
    assert ahead <= 5, "once for all of a version"


def test_progress_names_all_regions_that_are_read(sandbox: Sandbox) -> None:
    for options, subject in (
        ({"regions": ["osc-fr1", "osc-secnum-fr1"]}, "regions osc-fr1, osc-secnum-fr1"),
        ({"apps": None, "databases": [{"app": "nobody", "addon": ADDON, "region": "osc-secnum-fr1"}]}, "region osc-secnum-fr1"),
    ):  # fmt: skip
        read(sandbox, api_url=None, db_api_url=None, **options)
        assert {one.subject for one in Told.last.told if one.doing.startswith("reading")} == {subject}


def test_what_is_not_asked_for_costs_nothing(sandbox: Sandbox) -> None:
    report = read(sandbox, engines=["redis"])
    assert not report.failed and report.result["databases"] == []
    assert {record.route for record in sandbox.log()} == {"exchange", "apps", "A1"}


def test_one_answer_that_is_lost_is_asked_for_again(sandbox: Sandbox) -> None:
    for route in ("apps", "A1", "A6", "D1", "B1"):
        sandbox.fault(match={"route": route}, times=1, do="status", status=503)
    report = read(sandbox)
    assert report.result["failures"] == [] and len(names(report)) == COUNT


def test_a_reading_that_is_refused_everywhere_costs_no_database(sandbox: Sandbox) -> None:
    sandbox.fault(match={"route": "B1"}, do="status", status=403)
    report = read(sandbox)
    assert not report.failed and len(names(report)) == COUNT
    assert {failure["name"] for failure in report.result["failures"]} == names(report)
    assert {failure["reading"] for failure in report.result["failures"]} == {"backups"}


def test_a_region_that_is_out_of_reach_in_the_middle_is_given_up(sandbox: Sandbox) -> None:
    """The first answers, and then none does: no other waits as long as those that were under way."""
    addons = [addon for app in sandbox.state()["apps"] for addon in app["addons"]]
    dummy, *others = sorted(addons, key=lambda addon: addon["resource_id"])
    for addon in others:
        sandbox.fault(match={"role": "db", "addon_id": addon["id"]}, do="drop_before")
    report = read(sandbox, api_retries=0, max_in_flight=1)
    kinds = collections.Counter(failure["error"]["kind"] for failure in report.result["failures"])
    assert not report.failed and len(names(report)) == 1
    assert kinds == {"Unreachable": 2, "NotTried": COUNT - 3}
