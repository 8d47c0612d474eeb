# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The platform takes its time: what is waited for, how long, and what is said when it does not come."""

from __future__ import annotations

import copy
import typing as t

from scalingo_sandbox.testing import Sandbox
from support.playbook import Ansible, task
from support.programs import until
from support.shop import MYSQL, SEED, routes
from support.shop import POSTGRESQL as POSTGRESQL_ID

MODULE = "scalingo_database"
POSTGRESQL = {"app": "shop", "addon": "postgresql"}
FORCE = {"features": {"force-ssl": True}, "wait_interval": 0.1}
IGNORE = {"ignore_errors": True}
OPERATION = "5f0000000000000000000001"


def seeded(sandbox: Sandbox, provider: str = "postgresql", feature: float = 0.2, **database: t.Any) -> Sandbox:
    """The seed with another state of the shop's database of that kind, and other times for features."""
    seed = copy.deepcopy(SEED)
    (addon,) = [item for item in seed["apps"][0]["addons"] if item["provider"] == provider]
    addon.setdefault("database", {}).update(database)
    seed["durations"] = {**seed["durations"], "feature": feature}
    sandbox.reset(seed)
    sandbox.clear_log()
    return sandbox


def test_the_second_of_the_two_waits_for_the_first_that_is_on_its_way(ansible: Ansible, sandbox: Sandbox) -> None:
    """The platform refuses publicly-available before force-ssl is there, also when somebody else asked for that."""
    seeded(sandbox, feature=1.5)
    run = ansible.tasks(
        [
            task(MODULE, "somebody", wait=False, **FORCE, **POSTGRESQL),
            task(
                MODULE,
                "open",
                features={"publicly-available": True},
                allow=["exposure"],
                wait=False,
                wait_interval=0.1,
                **POSTGRESQL,
            ),
        ]
    ).ok()
    assert run.count("changed") == 2
    assert [record.status for record in sandbox.unsafe()] == [200, 200]


def busy(sandbox: Sandbox) -> None:
    """The shop's MySQL has an operation that goes on until it is ended."""
    seeded(sandbox, provider="mysql", status="updating", current_operation_id=OPERATION)


def test_a_busy_database_is_changed_when_it_is_idle(ansible: Ansible, sandbox: Sandbox, meanwhile: t.Any) -> None:
    busy(sandbox)
    future = meanwhile(
        ansible.tasks, [task(MODULE, app="shop", addon="mysql", periodic_backups_scheduled_at=5, wait_interval=0.2)]
    )
    until(lambda: routes(sandbox.log()).count("D1") >= 3, "three looks at the busy database")
    assert sandbox.unsafe() == []
    sandbox.end_operation(MYSQL)
    run = future.result().ok()
    assert run.only.result["changed"] is True
    assert run.only.result["database"]["periodic_backups_scheduled_at"] == [5]
    assert routes(sandbox.unsafe()) == ["D2"]


# -- tokens that end in the middle -------------------------------------------------------------------------------------


def looks(sandbox: Sandbox) -> int:
    return len([record for record in sandbox.log() if record.route == "D1" and record.status == 200])


def another_look(sandbox: Sandbox) -> None:
    seen = looks(sandbox)
    until(lambda: looks(sandbox) > seen, "the wait to go on")


def test_tokens_that_expire_in_a_long_wait_are_not_noticed(
    ansible: Ansible, sandbox: Sandbox, meanwhile: t.Any
) -> None:
    """Both tokens end twice while the feature is on its way; each time one exchange and one token are enough."""
    seeded(sandbox, feature=8000)
    future = meanwhile(ansible.tasks, [task(MODULE, wait_timeout=600, **FORCE, **POSTGRESQL)])
    until(lambda: looks(sandbox) >= 2, "the wait to begin")
    for hour in (1, 2):
        sandbox.advance(3700)
        another_look(sandbox)
        served = routes(record for record in sandbox.log() if record.status == 200)
        assert served.count("exchange") == 1 + hour
        assert served.count("A6") == 1 + hour
    sandbox.advance(1000)
    run = future.result().ok().clean()
    assert run.only.result["changed"] is True
    assert run.only.result["database"]["features"] == [{"name": "force-ssl", "status": "ACTIVATED"}]
    assert len([record for record in sandbox.log() if record.status == 401]) == 4
    assert routes(sandbox.unsafe()) == ["D6"]


def test_an_addons_token_that_ends_alone_costs_one_request(
    ansible: Ansible, sandbox: Sandbox, meanwhile: t.Any
) -> None:
    seeded(sandbox, feature=1000)
    future = meanwhile(ansible.tasks, [task(MODULE, wait_timeout=600, **FORCE, **POSTGRESQL)])
    until(lambda: looks(sandbox) >= 2, "the wait to begin")
    sandbox.expire_tokens(addon_id=POSTGRESQL_ID)
    another_look(sandbox)
    sandbox.advance(1001)
    future.result().ok().clean()
    assert routes(sandbox.log()).count("exchange") == 1 and routes(sandbox.log()).count("A6") == 2


def test_a_token_that_is_revoked_in_a_long_wait(ansible: Ansible, sandbox: Sandbox, meanwhile: t.Any) -> None:
    """The platform gives no new one: the task ends with what happened, not with a riddle."""
    seeded(sandbox, feature=1000)
    future = meanwhile(ansible.tasks, [task(MODULE, wait_timeout=600, **FORCE, **POSTGRESQL)])
    until(lambda: looks(sandbox) >= 2, "the wait to begin")
    sandbox.fault(match={"route": "exchange"}, do="status", status=401, body={"error": "the token was revoked"})
    sandbox.expire_tokens()
    run = future.result().failed()
    result = run.only.result
    assert result["error"]["kind"] == "Unauthorized" and result["error"]["status"] == 401
    assert "revoked" in result["msg"] and "API token" in result["msg"]
    assert result["changed"] is True and result["step_failed"] == "enable the feature force-ssl"


# -- answers that do not come ------------------------------------------------------------------------------------------


def test_a_wait_outlives_a_broken_answer(ansible: Ansible, sandbox: Sandbox) -> None:
    seeded(sandbox, feature=2)
    sandbox.fault(match={"route": "D1"}, after=2, times=1, do="drop_before")
    sandbox.fault(match={"route": "D1"}, after=3, times=1, do="html", status=502)
    run = ansible.tasks([task(MODULE, wait_timeout=600, **FORCE, **POSTGRESQL)]).ok().clean()
    assert run.only.result["changed"] is True
