# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Upgrades while the world goes on: tokens that die meanwhile, and an operation that gets lost."""

from __future__ import annotations

import typing as t

from scalingo_sandbox.testing import Sandbox
from support.playbook import Ansible
from support.programs import until
from support.shop import REDIS, SEED, routes

ARGUMENTS = "app=shop addon=redis to=latest allow=major wait_interval=0.3"
UPGRADE = "community.scalingo.scalingo_database_upgrade"


def statuses(sandbox: Sandbox, route: str) -> list[int | None]:
    return [record.status for record in sandbox.log() if record.route == route]


def test_tokens_that_die_in_the_middle_are_not_noticed(
    ansible: Ansible, sandbox: Sandbox, meanwhile: t.Callable[..., t.Any]
) -> None:
    sandbox.reset({**SEED, "durations": {**SEED["durations"], "upgrade": 3}})
    run = meanwhile(ansible.ad_hoc, UPGRADE, ARGUMENTS)
    until(lambda: 200 in statuses(sandbox, "D10"), "the upgrade is on its way")
    sandbox.expire_tokens()
    done = run.result().ok().only.result
    assert [version["version"] for version in done["path"]] == ["6.2.19-1", "7.2.5-1", "7.2.10-1"]
    assert done["database"]["readable_version"] == "7.2.10-1" and done["operation"]["status"] == "finished"
    refused = [record for record in sandbox.log() if record.status == 401]
    assert refused, "no token was refused"
    assert all(record.safe for record in refused)
    assert routes(sandbox.unsafe()) == ["D3"] * 3


def test_an_operation_that_gets_lost_is_no_failed_upgrade(
    ansible: Ansible, sandbox: Sandbox, meanwhile: t.Callable[..., t.Any]
) -> None:
    sandbox.reset({**SEED, "durations": {**SEED["durations"], "upgrade": 3}})
    run = meanwhile(ansible.ad_hoc, UPGRADE, "app=shop addon=redis wait_interval=0.3")
    until(lambda: 200 in statuses(sandbox, "D10"), "the upgrade is on its way")
    sandbox.lose_operation(addon_id=REDIS)
    done = run.result().ok().only.result
    assert done["changed"] and done["database"]["readable_version"] == "6.2.19-1" and done["major_available"]
    assert 404 in statuses(sandbox, "D10") and 404 in statuses(sandbox, "D9")
    assert routes(sandbox.unsafe()) == ["D3"]
