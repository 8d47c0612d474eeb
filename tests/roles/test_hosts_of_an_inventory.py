# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Playbooks over the hosts of an inventory whose group_vars/all was made for other machines, on the oldest and the newest core."""

from __future__ import annotations

import json
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from scalingo_sandbox.testing import Sandbox
from support.playbook import ROOT, Run, oldest_core
from support.watched import Watched

API_TOKEN = "tk-us-CanaryOfTheHosts0123456789abcdefghijk"
MYSQL = "ad-00000000-0000-4000-8000-0000000000a1"
REDIS = "ad-00000000-0000-4000-8000-0000000000a2"
BLOG = "ad-00000000-0000-4000-8000-0000000000a3"
SEED: dict[str, t.Any] = {
    "user": {"api_token": API_TOKEN},
    "apps": [
        {
            "name": "shop",
            "addons": [
                {"provider": "mysql", "id": MYSQL, "database": {"backups": [{"age": 3600}]}},
                {"provider": "redis", "id": REDIS, "database": {"backups": [{"age": 3600}]}},
            ],
        },
        {"name": "blog", "addons": [{"provider": "mysql", "id": BLOG, "database": {"backups": [{"age": 3600}]}}]},
    ],
}
HOSTILE = {
    **{"ansible_become": True, "ansible_become_user": "nobody", "ansible_become_method": "sudo"},
    **{"ansible_connection": "ssh", "ansible_host": "192.0.2.1", "ansible_user": "nobody", "ansible_port": 1},
    **{"ansible_ssh_common_args": "-o ConnectTimeout=1", "ansible_python_interpreter": "/nowhere/python"},
}
HOUR = {"periodic_backups_enabled": True, "periodic_backups_scheduled_at": 4}
NEWEST = ROOT / ".cache" / "core-newest" / "bin"


def host(app: str, engine: str, addon_id: str, **more: t.Any) -> dict[str, t.Any]:
    """As the inventory plugin says it."""
    known = {
        "scalingo_app": app,
        "scalingo_engine": engine,
        "scalingo_addon_id": addon_id,
        "scalingo_region": "osc-fr1",
    }
    return {**known, **more}


class Place(Watched):
    def over(self, playbook: str, *options: str, then: t.Sequence[t.Any] = (), **variables: t.Any) -> Run:
        hosts = {
            "shop_mysql": host("shop", "mysql", MYSQL, database_baseline_wanted={**HOUR, "logical_databases": {"names": ["stock"]}}),
            "shop_redis": host("shop", "redis", REDIS, database_baseline_wanted=json.dumps(HOUR)),
            "blog_mysql": host("blog", "mysql", BLOG),
        }  # fmt: skip
        others = {
            "here": {
                "ansible_connection": "local",
                "ansible_become": False,
                "ansible_python_interpreter": sys.executable,
            },
            "far": {},
        }
        databases = {"hosts": hosts, "vars": {"database_baseline_wanted": HOUR, "database_baseline_wait_interval": 0.2}}
        children = {"scalingo_databases": databases, "web": {"hosts": others}}
        path = self.directory / "databases.yml"
        path.write_text(yaml.safe_dump({"all": {"vars": HOSTILE, "children": children}}), encoding="utf-8")
        plays = [{"name": "Import", "ansible.builtin.import_playbook": f"community.scalingo.{playbook}"}, *then]
        given = ["-e", json.dumps(variables)] if variables else []
        return self.play(plays, "-i", str(path), *given, *options)


@pytest.fixture(params=["oldest", pytest.param("newest", marks=pytest.mark.long)])
def ansible(request: pytest.FixtureRequest, sandbox: Sandbox, tmp_path: Path) -> Place:
    newest = NEWEST if NEWEST.exists() else Path(sys.executable).parent
    return Place(tmp_path, sandbox, programs=oldest_core() if request.param == "oldest" else newest)


def published(run: Run, name: str) -> dict[str, t.Any]:
    return t.cast(dict[str, t.Any], run.result("Publish the summary")["ansible_stats"]["data"][name])


def written(sandbox: Sandbox) -> set[str]:
    return {record.addon_id for record in sandbox.unsafe() if record.route not in ("A6", "auth-exchange")}


def test_a_baseline_of_groups_and_hosts_then_no_drift(ansible: Place, sandbox: Sandbox) -> None:
    drifted = ansible.over("drift").failed()
    assert published(drifted, "scalingo_drift")["drifted"] == ["blog_mysql", "shop_mysql", "shop_redis"]
    assert drifted.stats["shop_redis"]["failures"] == 1 and written(sandbox) == set()
    assert (
        'periodic_backups_scheduled_at: "0:00 UTC" -> "4:00 UTC"'
        in drifted.result("Fail the databases that are not as they should be", "shop_redis")["msg"]
    )

    # Of one host, one kind; then all the others.
    one = ansible.over("baseline", "--limit", "shop_mysql", "--tags", "database_baseline_settings").clean().ok()
    assert [item["name"] for item in published(one, "scalingo_baseline")["databases"]] == ["shop_mysql"]
    assert written(sandbox) == {MYSQL} and "D2" in [record.route for record in sandbox.unsafe()]
    rest = ansible.over("baseline").clean().ok()
    found = published(rest, "scalingo_baseline")
    assert (found["outcome"], found["failed"], written(sandbox)) == ("changed", [], {MYSQL, REDIS, BLOG})
    assert [item["outcome"] for item in found["databases"]] == ["changed"] * 3
    assert found["databases"][1]["steps"] == ["create the logical database stock"]
    assert "3 of 3 databases are now as declared." in rest.output

    same = ansible.over("drift", "--skip-tags", "database_baseline_users").clean().ok()
    assert published(same, "scalingo_drift")["outcome"] == "unchanged"
    assert "3 of 3 databases are as declared." in same.output
    # At most six results of tasks a database; those that are for all of them are told of the first.
    assert {len([item for item in same.results if item.host == name]) for name in ("shop_mysql", "shop_redis")} == {6}


def test_a_task_of_the_user_goes_where_it_is_delegated_to(ansible: Place, sandbox: Sandbox) -> None:
    tasks = [
        {
            "name": name,
            "ansible.builtin.command": "id -un",
            "delegate_to": name,
            "ignore_unreachable": True,
            "register": "r",
        }
        for name in ("here", "far")
    ]
    then = [{"hosts": "scalingo_fleet", "gather_facts": False, "tasks": tasks}]
    run = ansible.over("drift", "--limit", "shop_redis,localhost", then=then, database_baseline_wanted={"periodic_backups_enabled": True})  # fmt: skip
    assert run.task("here", "shop_redis").status == "ok", str(run)
    assert run.task("far", "shop_redis").status == "unreachable"


def test_copies_of_several_databases_in_one_directory(ansible: Place, sandbox: Sandbox, tmp_path: Path) -> None:
    """One that fails stops no other, and fails last."""
    sandbox.fault(match={"addon_id": REDIS, "route": "B1"}, do="status", status=403)
    given = {"directory": str(tmp_path / "copies"), "make_backup": False, "allow": ["new_directory"]}
    run = ansible.over("backup", **{f"backup_offsite_{name}": value for name, value in given.items()})
    found = published(run.clean().failed(), "scalingo_backup")
    assert (found["outcome"], found["failed"]) == ("failed", ["shop_redis"])
    assert [item["outcome"] for item in found["databases"]] == ["changed", "changed", "failed"]
    copies = sorted(path.name.partition(".")[0] for path in (tmp_path / "copies").glob("[!.]*.gz"))
    assert copies == ["blog_mysql", "shop_mysql"]
    assert "2 of 3 databases have new copies; 1 of 3 databases has no good copy" in run.output
    assert run.results[-1].task == "Fail the databases that are not as they should be"

    # What the command line names is meant, and nothing of the inventory.
    sandbox.clear_faults()
    named = {"backup_offsite_app": "shop", "backup_offsite_addon": "redis", "backup_offsite_make_backup": False}
    one = ansible.over("backup", **named, backup_offsite_directory=str(tmp_path / "copies")).clean().ok()
    assert published(one, "scalingo_backup")["database"]["addon_id"] == REDIS
    assert "PLAY [Copy backups off-site]" in one.stdout and set(one.stats) == {"localhost"}
    nobody = ansible.over("backup", "--limit", "web", **named)
    assert nobody.returncode and "no database is selected: --limit web leaves no host of localhost" in nobody.output
