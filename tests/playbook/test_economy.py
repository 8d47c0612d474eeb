# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What Ansible costs the API, counted by the other side: tasks and forks share what they have."""

from __future__ import annotations

import collections
import os
import typing as t

import pytest
from scalingo_sandbox.testing import Sandbox
from support.playbook import Ansible, task
from support.shop import SEED, limited, routes
from support.strangers import stranger

INFO = "scalingo_database_info"


def fleet(count: int, regions: t.Sequence[str] = ("osc-fr1",)) -> dict[str, t.Any]:
    """That many apps with one MySQL each, spread over the regions."""
    apps = [
        {
            "name": f"fleet-{number:02d}",
            "region": regions[number % len(regions)],
            "addons": [
                {
                    "provider": "mysql",
                    "id": f"ad-00000000-0000-4000-9000-{number:012d}",
                    "database": {"periodic_backups_enabled": True, "periodic_backups_scheduled_at": [3]},
                }
            ],
        }
        for number in range(count)
    ]
    return {"user": SEED["user"], "apps": apps}


def hosts_of(seed: t.Mapping[str, t.Any], kind: bool) -> dict[str, dict[str, str]]:
    """A host for each database, which names it by the addon's kind or by its ID."""
    return {
        app["name"]: {
            "database_app": app["name"],
            "database_region": app["region"],
            "database_addon": "mysql" if kind else app["addons"][0]["id"],
        }
        for app in seed["apps"]
    }


SETTINGS = task(
    "scalingo_database",
    "settings",
    app="{{ database_app }}",
    addon="{{ database_addon }}",
    region="{{ database_region }}",
    periodic_backups_enabled=True,
    periodic_backups_scheduled_at=3,
)


def without_addresses(sandbox: Sandbox) -> dict[str, str | None]:
    """Only token and auth host: the addresses of two regions cannot be named by one variable."""
    where = sandbox.params()
    return {
        **{name: None for name in sandbox.environment()},
        "SCALINGO_API_TOKEN": where["api_token"],
        "SCALINGO_AUTH_URL": where["auth_url"],
    }


def test_ten_unchanged_tasks_on_one_database_cost_ten_requests(ansible: Ansible, sandbox: Sandbox) -> None:
    settings = {"app": "shop", "addon": "mysql", "periodic_backups_scheduled_at": 1, "features": {"force-ssl": True}}
    ansible.tasks([task(INFO, app="shop", addon="mysql")]).ok()
    sandbox.clear_log()
    tasks = [task("scalingo_database", f"settings {number}", **settings) for number in range(5)]
    tasks += [
        task("scalingo_logical_db", f"logical {number}", app="shop", addon="mysql", names=["reports"])
        for number in range(3)
    ]
    tasks += [task(INFO, f"read {number}", app="shop", addon="mysql") for number in range(2)]
    run = ansible.tasks(tasks).ok()
    assert run.count("ok") == 10 and run.count("changed") == 0
    assert collections.Counter(routes(sandbox.log())) == {"D1": 7, "list-databases": 3}
    for item in run.results:
        assert item.result["api_usage"] == {"requests": 1, "writes": 0, "waited_seconds": 0.0, "tokens_reused": 1}


def test_ten_cold_tasks_on_one_database_cost_what_one_does_and_nine(ansible: Ansible, sandbox: Sandbox) -> None:
    ansible.tasks([task(INFO, f"read {number}", app="shop", addon="mysql") for number in range(10)]).ok()
    assert collections.Counter(routes(sandbox.log())) == {"exchange": 1, "A1": 1, "A6": 1, "D1": 10}


def test_thirty_databases_at_once_share_one_exchange(ansible: Ansible, sandbox: Sandbox) -> None:
    seed = fleet(30)
    sandbox.reset(seed)
    sandbox.clear_log()
    run = ansible.tasks([SETTINGS], "-f", "20", hosts=hosts_of(seed, kind=True), timeout=180).ok()
    assert run.count("ok") == 30 and run.count("changed") == 0
    assert collections.Counter(routes(sandbox.log())) == {"exchange": 1, "A1": 30, "A6": 30, "D1": 30}


#: Set this to run the two tests of the limit at the platform's own 60 requests a minute: it takes a quarter of an hour.
TRUE_LIMIT = "TRUE_RATE_LIMIT" in os.environ


def under_limit(sandbox: Sandbox, requests: int, seconds: float) -> t.ContextManager[None]:
    return limited(sandbox, *((60, 60) if TRUE_LIMIT else (requests, seconds)))


#: More than a limit lets through in one window and fewer than would take long: enough forks to get into each other's way.
MANY = 80 if TRUE_LIMIT else 16


def test_many_databases_in_two_regions_under_the_limit(ansible: Ansible, sandbox: Sandbox) -> None:
    seed = fleet(MANY, ("osc-fr1", "osc-secnum-fr1"))
    sandbox.reset(seed)
    with under_limit(sandbox, 18, 15):
        run = ansible.tasks(
            [SETTINGS],
            "-f",
            "20",
            hosts=hosts_of(seed, kind=False),
            environment=without_addresses(sandbox),
            timeout=1500 if TRUE_LIMIT else 300,
        ).ok()
    assert run.count("ok") == MANY and run.count("changed") == 0 and run.count("failures") == 0
    served = collections.Counter(routes(record for record in sandbox.log() if record.status != 429))
    assert served == {"regions": 1, "exchange": 1, "A6": MANY, "D1": MANY}
    refused = [record for record in sandbox.log() if record.status == 429]
    assert len(refused) <= 40, f"the forks did not share their pace: {len(refused)} requests were refused"


# -- an environment without a home -------------------------------------------------------------------------------------

HOMES = {"root of the file system": "/", "nothing": None, "what there is not": "/nowhere"}


@pytest.mark.parametrize("home", list(HOMES))
def test_a_user_without_name_and_home_works_from_memory(home: str, sandbox: Sandbox) -> None:
    with stranger(sandbox.environment()) as ansible:
        run = (
            ansible.tasks(
                [
                    task("scalingo_database", "change", app="shop", addon="mysql", periodic_backups_scheduled_at=5),
                    task("scalingo_database", "again", app="shop", addon="mysql", periodic_backups_scheduled_at=5),
                    {"name": "who", "ansible.builtin.command": "id -u", "changed_when": False},
                ],
                environment={"HOME": HOMES[home]},
            )
            .ok()
            .clean()
        )
        assert not [path for path in ansible.directory.rglob("*") if path.name in ("~", ".cache", "community.scalingo")]
    assert run.result("who")["stdout"] == "12345"
    assert run.result("change")["changed"] is True and run.result("again")["changed"] is False
    for name in ("change", "again"):
        (note,) = run.result(name)["notes"]
        assert "in memory only" in note
        assert run.result(name)["api_usage"]["tokens_reused"] == 0
    assert routes(sandbox.log()) == ["exchange", "A1", "A6", "D1", "D2", "exchange", "A1", "A6", "D1"]


@pytest.mark.long
def test_many_databases_under_the_limit_without_a_home(sandbox: Sandbox) -> None:
    """Nothing can be shared, so every task pays for itself and backs off on its own; no host fails all the same."""
    seed = fleet(MANY, ("osc-fr1", "osc-secnum-fr1"))
    sandbox.reset(seed)
    with under_limit(sandbox, 32, 8), stranger(sandbox.environment()) as ansible:
        run = ansible.tasks(
            [SETTINGS],
            "-f",
            "20",
            hosts=hosts_of(seed, kind=False),
            environment={**without_addresses(sandbox), "HOME": "/"},
            timeout=1500 if TRUE_LIMIT else 400,
        ).ok()
    assert run.count("ok") == MANY and run.count("changed") == 0 and run.count("failures") == 0
    served = collections.Counter(routes(record for record in sandbox.log() if record.status != 429))
    assert served == {"regions": MANY, "exchange": MANY, "A6": MANY, "D1": MANY}
    assert all("in memory only" in result["notes"][0] for result in run.by_host("settings").values())
