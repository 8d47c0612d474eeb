# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In the process of the controller and as a module: the same outcome both ways, whatever a task says beside its arguments."""

from __future__ import annotations

import json
import re
import typing as t
from pathlib import Path

import pytest
from scalingo_sandbox.testing import Sandbox
from support.playbook import MODULE_PREFIX, Ansible, task
from support.shop import MYSQL
from support.ways import AS_MODULE, IGNORE, SHOP, Both, reasons

LINK = {"backup_id": "{{ found.backups[0].id }}", "links": True}
INFO = MODULE_PREFIX + "scalingo_database_info"
#: No token by its form: only who knows it can mask it.
OTHER_TOKEN = "other-account-0001"
OTHER_SEED: dict[str, t.Any] = {
    "user": {"api_token": OTHER_TOKEN, "username": "other", "email": "other@example.com"},
    "apps": [{"name": "shop", "addons": [{"provider": "mysql", "id": MYSQL, "resource_id": "other_1001"}]}],
}


@pytest.mark.long
def test_keywords_of_a_task(both: Both) -> None:
    """All of these run here, and are what they are for a module."""
    tasks = [
        {
            "name": "environment",
            INFO: {"addon": "mysql"},
            "environment": {"SCALINGO_APP": "shop", "NO_PROXY": "localhost"},
        },
        {"name": "no environment", INFO: {"addon": "mysql"}, **IGNORE},
        {
            "name": "group",
            "block": [{"name": "defaults of the group", INFO: {}}],
            "module_defaults": {"group/community.scalingo.scalingo": SHOP},
        },
        task(
            "scalingo_database",
            "check mode",
            {"check_mode": True, "diff": True},
            periodic_backups_scheduled_at=5,
            **SHOP,
        ),
        task("scalingo_database", "change", {"diff": True}, periodic_backups_scheduled_at=5, **SHOP),
        task("scalingo_logical_db", "hidden loop", {"loop": ["canary-a"], "no_log": True}, name="{{ item }}", **SHOP),
        task("scalingo_logical_db", "loop", {"loop": ["orders", "reports"]}, name="{{ item }}", **SHOP),
        task(
            "scalingo_database_info",
            "retries",
            {"register": "seen", "until": "seen.never is defined", "retries": 2, "delay": 0.1, **IGNORE},
            **SHOP,
        ),
        {
            "name": "rescued",
            "block": [task("scalingo_database_info", "fails", app="nowhere", addon="mysql")],
            "rescue": [{"name": "rescue", "ansible.builtin.debug": {"msg": "{{ ansible_failed_result.error.kind }}"}}],
        },
        task("scalingo_database", "unknown option", IGNORE, periodic="5", **SHOP),
        task("scalingo_database", "wrong type", IGNORE, wait_timeout="long", **SHOP),
        task("scalingo_database", "consent", IGNORE, features={"publicly-available": True}, **SHOP),
        task("scalingo_backup_info", "backups", {"register": "found"}, **SHOP),
        task("scalingo_backup_info", "open link", IGNORE, **LINK, **SHOP),
        task("scalingo_backup_info", "hidden link", {"no_log": True, "register": "link"}, **LINK, **SHOP),
        {"name": "link", "ansible.builtin.assert": {"that": ["link is success", "link.url is match('http')"]}},
    ]
    all_here, module = both.tasks(tasks, by_core=("hidden loop", "retries", "wrong type"))
    for here in all_here:
        assert set(reasons(here)) == {"runs in the process of the controller"}
        assert [run.result("retries")["attempts"] for run in (here, module)] == [2, 2]
        assert here.result("defaults of the group")["databases"][0]["resource_id"] == "shop_1001"
        assert here.task("rescue").result["msg"] == "NotFound"
        assert here.task("consent").result["error"]["kind"] == "ConsentMissing"
        assert "does not hide its result" in here.task("open link").result["msg"]
        assert "canary-a" not in here.output


def test_text_of_the_platform_is_never_a_template(both: Both, sandbox: Sandbox) -> None:
    """In a status, a log line, a name and an error; shown, looped over, and handed on to the next task."""
    text = "a{{ 7*7 }}{% if true %}b{% endif %} !unsafe {{ lookup('pipe', 'echo c') }}"
    name = "shop-{{ 7*7 }}"

    def arrange() -> None:
        sandbox.clear_faults()
        sandbox.change_database(MYSQL, logs=[text])
        sandbox.fault(match={"route": "B2"}, do="status", status=422, body={"errors": {text: [text]}})
        with sandbox.running.world.lock:
            (app,) = [app for app in sandbox.running.world.apps if app.name == "shop"]
            app.addons[0].resource_id = text

    tasks = [
        task("scalingo_log_info", "lines", {"register": "log"}, **SHOP),
        task("scalingo_addon_info", "named", {"register": "named"}, app="shop"),
        task("scalingo_backup", "refused", {"register": "refused", **IGNORE}, **SHOP),
        {"name": "fact", "ansible.builtin.set_fact": {"kept": "{{ log.logs[-1] }}", "all": "{{ refused }}"}},
        {
            "name": "shown",
            "ansible.builtin.debug": {"msg": "{{ item }}"},
            "loop": ["{{ kept }}", "{{ all.msg }}", "{{ named.addons }}", "{{ log.logs }}"],
        },
        task("scalingo_database_info", "handed on", IGNORE, app="{{ named.addons[0].resource_id }}", addon="mysql"),
        task(
            "scalingo_database_info", "of the user", {"register": "answer", **IGNORE}, app="{{ name }}", addon="mysql"
        ),
        {"name": "told", "ansible.builtin.debug": {"msg": "{{ answer.msg }} {{ answer.error.message }}"}},
    ]
    all_here, dummy = both.tasks(tasks, arrange=arrange, vars={"name": "{% raw %}" + name + "{% endraw %}"})
    for here in all_here:
        shown = [json.dumps(item["msg"]) for item in here.result("shown")["results"]]
        assert len(shown) == 4 and all(
            "a{{ 7*7 }}{% if true %}b{% endif %} !unsafe {{ lookup(" in line for line in shown
        ), shown
        assert "7*7" in here.result("handed on")["msg"] and "a49b !unsafe" not in here.output
        for found in ("of the user", "told"):
            assert name in here.result(found)["msg"]
        assert "shop-49" not in here.output


def test_what_has_to_be_a_module(controller: Ansible, sandbox: Sandbox, tmp_path: Path) -> None:
    """Another user, environment, interpreter or machine, or in the background: the delegated host's variables decide.

    What cannot be reached has failed, so that a rescue sees it.
    """
    other = tmp_path / "other-python"
    other.write_text(f'#!/bin/sh\nexec {controller.programs / "python"} "$@"\n', encoding="utf-8")
    sudo = tmp_path / "sudo"
    sudo.write_text('#!/bin/sh\nwhile [ "$1" != /bin/sh ]; do shift; done\nexec "$@"\n', encoding="utf-8")
    for program in (other, sudo):
        program.chmod(0o755)
    ssh = {
        "ansible_connection": "ssh",
        "ansible_host": "127.0.0.1",
        "ansible_port": 9,
        "ansible_ssh_common_args": "-o BatchMode=yes",
    }
    hosts: dict[str, dict[str, t.Any]] = {"near": {}, "far": ssh, "other": {"ansible_python_interpreter": str(other)}}
    later = {"register": "asked", "until": "asked is finished", "retries": 100, "delay": 0.1}
    tasks = [
        task("scalingo_database_info", "become", {"become": True, "vars": {"ansible_become_exe": str(sudo)}}, **SHOP),
        task(
            "scalingo_database_info",
            "environment",
            {"environment": {"TZ": "UTC", "SCALINGO_APP": "shop"}},
            addon="mysql",
        ),
        task("scalingo_database_info", "interpreter", {"delegate_to": "other"}, **SHOP),
        {
            "name": "work",
            "block": [task("scalingo_database_info", "to another machine", {"delegate_to": "far"}, **SHOP)],
            "rescue": [{"name": "rescue", "ansible.builtin.debug": {"msg": "{{ ansible_failed_result.msg }}"}}],
        },
        task("scalingo_database_info", "back", {"delegate_to": "near"}, **SHOP),
        task("scalingo_database_info", "begun", {"async": 60, "poll": 0, "register": "job"}, **SHOP),
        {"name": "asked", "ansible.builtin.async_status": {"jid": "{{ job.ansible_job_id }}"}, **later},
    ]
    controller.environment["ANSIBLE_ASYNC_DIR"] = str(tmp_path / "jobs")
    run = controller.tasks(tasks, "-vv", "--limit", "near", hosts=hosts).ok().clean()
    assert [reason.split(" and not ")[0] for reason in reasons(run)] == [
        "runs as a module: the task becomes another user",
        "runs as a module: environment sets TZ",
        f"runs as a module: the interpreter is {other}",
        "runs as a module: the connection is ssh",
        "runs in the process of the controller",
        "runs as a module: the task is async",
    ]
    assert run.count("unreachable") == 0 and run.task("to another machine").status == "failed"
    assert "could not be run" in run.result("rescue")["msg"]
    for name in ("become", "environment", "interpreter", "asked"):
        assert run.result(name)["databases"] == run.result("back")["databases"]


def test_delegation_and_strategies(both: Both, sandbox: Sandbox) -> None:
    """The delegated host's variables decide, in every strategy; a task that runs once reports for all."""
    remote = {"ansible_connection": "ssh", "ansible_host": "192.0.2.1", "ansible_python_interpreter": "/nowhere/python"}
    hosts: dict[str, dict[str, t.Any]] = {"db1": {"number": 1}, "db2": {"number": 2}, "far": remote}
    tasks = [
        task("scalingo_database_info", "delegated", {"delegate_to": "localhost"}, **SHOP),
        task("scalingo_logical_db", "each", {"when": "number is defined"}, name="of_{{ number }}", **SHOP),
    ]
    runs, dummy = both.tasks(tasks, hosts=hosts)
    for controller, strategy in zip(both.controllers, ("free", "host_pinned"), strict=True):
        sandbox.reset()
        runs.append(controller.tasks(tasks, "-vv", hosts=hosts, strategy=strategy).ok())
        sandbox.clear_log()
        once = controller.tasks(
            [task("scalingo_database_info", "once", {"run_once": True, "delegate_to": "localhost"}, **SHOP)],
            hosts=hosts,
        )
        assert len(sandbox.log()) <= 5 and len(once.ok().results) == 1
    for run in runs:
        assert set(reasons(run)) == {"runs in the process of the controller"}
        assert run.count("ok") == 5 and run.count("changed") == 2


def test_one_account_leaves_nothing_to_the_next(both: Both, sandbox: Sandbox) -> None:
    """No token, mask or environment of one item reaches the next one, although they share a process."""
    with Sandbox(OTHER_SEED) as other:
        # What is a secret of one account is a name that the other one may see.
        accounts = [
            {**other.params(), "app": "shop"},
            {**sandbox.params(), "app": "shop"},
            {**sandbox.params(), "app": ""},
            {**sandbox.params(), "app": "shop", "api_token": "tk-us-nobody-0123456789"},
            {**other.params(), "app": "shop"},
        ]
        connection = {
            name: f"{{{{ accounts[item].{name} }}}}" for name in ("api_token", "auth_url", "api_url", "db_api_url")
        }
        loop = {
            "loop": list(range(len(accounts))),
            "vars": {"accounts": accounts},
            "environment": {"SCALINGO_APP": "{{ accounts[item].app }}"},
            **IGNORE,
        }

        def arrange() -> None:
            other.reset(OTHER_SEED)
            other.change_database(MYSQL, addon_status="suspended")
            with sandbox.running.world.lock:
                (app,) = [app for app in sandbox.running.world.apps if app.name == "shop"]
                app.addons[0].resource_id = OTHER_TOKEN

        both.set(SCALINGO_API_TOKEN=None)
        all_here, dummy = both.tasks(
            [task("scalingo_addon", "each", loop, addon="mysql", **connection)], arrange=arrange
        )
    for here in all_here:
        items = here.only.result["results"]
        assert [item.get("failed", False) for item in items] == [False, False, True, True, False]
        assert "(other_1001) is suspended" in here.output
        assert [item["addon"]["resource_id"] for item in (items[0], items[1], items[4])] == [
            "other_1001",
            OTHER_TOKEN,
            "other_1001",
        ]
        assert "SCALINGO_APP" in items[2]["msg"] and items[3]["error"]["kind"] == "Unauthorized"


def test_a_time_limit_ends_a_wait(controller: Ansible, sandbox: Sandbox) -> None:
    sandbox.speed(0.01)
    tasks = [
        task("scalingo_backup", "wait", {"timeout": 2, **IGNORE}, wait_interval=0.2, **SHOP),
        task("scalingo_backup_info", "after", **SHOP),
    ]
    for environment in ({}, AS_MODULE):
        run = controller.tasks(tasks, environment=environment).ok()
        assert run.task("wait").status == "failed" and run.task("wait").result["changed"] is False, run
        assert re.search(r"\(2\)|2 second", run.task("wait").result["msg"]), run
        # By itself it would wait for hours.
        assert run.task("wait").seconds is not None and 1.5 < run.task("wait").seconds < 100
        assert run.task("after").status == "ok"


def test_a_hundred_items_leave_no_descriptor_open(ansible: Ansible) -> None:
    count = "{{ lookup('ansible.builtin.pipe', 'ls /proc/$PPID/fd | wc -l') if item < 10 or item >= 90 else '' }}"
    loop = {"loop": "{{ range(100) | list }}", "register": "items"}
    run = ansible.tasks(
        [task("scalingo_database_info", "read", {**loop, "loop_control": {"label": count}}, **SHOP)]
    ).ok()
    labels = [
        int(item["_ansible_item_label"]) for item in run.only.result["results"] if item["_ansible_item_label"] != ""
    ]
    # Whoever counts opens some for a moment, and sometimes is counted.
    assert len(labels) == 20 and min(labels[10:]) <= min(labels[:10]), labels


@pytest.mark.long
def test_a_hundred_tasks_leave_the_controller_as_large_as_it_was(ansible: Ansible) -> None:
    """With ansible.builtin.uri it grew by 48 kB, with these tasks by 20 kB."""
    # The parent of the worker that has the shell for its child.
    resident = "read -r pid name state parent rest < /proc/$PPID/stat; grep VmRSS /proc/$parent/status"
    look = {"ansible.builtin.debug": {"msg": "{{ lookup('ansible.builtin.pipe', '%s').split()[1] }}" % resident}}
    read = task("scalingo_database_info", "read", **SHOP)
    tasks = [read, {"name": "before", **look}, *[read] * 100, {"name": "after", **look}]
    run = ansible.tasks(tasks).ok()
    assert int(run.result("after")["msg"]) - int(run.result("before")["msg"]) < 1000


def test_a_secret_is_for_tasks_that_hide_their_result(both: Both, sandbox: Sandbox, tmp_path: Path) -> None:
    """Where nothing may be logged on the target, a task still shows its result; and that of an async one is in a file."""
    both.controllers = both.controllers[:1]
    both.set(ANSIBLE_NO_TARGET_SYSLOG="true", ANSIBLE_ASYNC_DIR=str(tmp_path / "jobs"))
    tasks = [
        task("scalingo_log_info", "log", IGNORE, links=True, **SHOP),
        task("scalingo_database_user", "user", IGNORE, app="shop", addon="postgresql", name="importer"),
        task("scalingo_backup_info", "backups", {"register": "found"}, **SHOP),
        task("scalingo_backup_info", "lie", IGNORE, _task_no_log=True, **LINK, **SHOP),
        task(
            "scalingo_backup_info",
            "async",
            {"async": 60, "poll": 1, "no_log": True, "register": "later", **IGNORE},
            **LINK,
            **SHOP,
        ),
        {"name": "shown", "ansible.builtin.debug": {"msg": "{{ later.msg | default(later.url) }}"}},
    ]
    all_here, module = both.tasks(tasks, "-vvv")
    for run in (*all_here, module):
        assert "token=" not in run.output and "_task_no_log" not in run.output.replace("_task_no_log: true", "")
        for name in ("log", "user", "lie"):
            assert "does not hide its result" in run.result(name)["msg"], run.result(name)
        assert "without async" in run.result("shown")["msg"]
    assert sandbox.unsafe() == []


def test_ad_hoc(both: Both) -> None:
    all_here, module = both.ad_hoc(
        MODULE_PREFIX + "scalingo_database", "app=shop addon=mysql periodic_backups_scheduled_at=3", "-D"
    )
    assert all(here.shown_diffs() == module.shown_diffs() != [] for here in all_here)


@pytest.mark.parametrize("library", ("psycopg", "requests"))
def test_a_library_that_only_modules_have(ansible: Ansible, tmp_path: Path, library: str) -> None:
    """The interpreter is the controller's, but something hides the library from the controller itself, and then from all."""
    package = tmp_path / "hiding" / library / "__init__.py"
    package.parent.mkdir(parents=True)
    hidden = 'import sys\nif sys.argv[0].endswith("/ansible-playbook") or HIDE:\n    raise ImportError("hidden")\n'
    rest = f"sys.path.remove({str(package.parents[1])!r})\ndel sys.modules[__name__]\nimport {library}\n"
    module = "scalingo_pg_extension" if library == "psycopg" else "scalingo_database_info"
    arguments = {"app": "shop", "addon": "postgresql", **({"name": "hstore"} if library == "psycopg" else {})}
    found = []
    for number, hide in enumerate(("False", "True")):
        package.write_text(hidden.replace("HIDE", hide) + rest, encoding="utf-8")
        # A variable that each run has for itself: a fork would have the library already.
        run = ansible.tasks(
            [task(module, "read", {"check_mode": True, **IGNORE}, **arguments)],
            "-vv",
            environment={"PYTHONPATH": f"{package.parents[1]}:{number}"},
        )
        assert [re.sub(".* cannot", "cannot", reason) for reason in reasons(run.clean())] == [
            f"cannot import {library}"
        ]
        found.append(run.only)
    assert library not in found[0].result.get("msg", "")
    assert found[1].status == "failed" and library in found[1].result["msg"]
