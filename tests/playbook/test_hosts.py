# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""In the process of the controller and as a module: the same outcome both ways, whatever a task says beside its arguments."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

from scalingo_sandbox.testing import Sandbox
from support.compare import difference
from support.playbook import MODULE_PREFIX, Ansible, task
from support.shop import API_TOKEN, SEED
from support.ways import AS_MODULE, IGNORE, SHOP, both, reasons, told

INFO = MODULE_PREFIX + "scalingo_database_info"


def test_keywords_of_a_task(controller: Ansible, sandbox: Sandbox) -> None:
    """All of these run here, and are what they are for a module."""
    tasks = [
        {"name": "environment", INFO: {"addon": "mysql"}, "environment": {"SCALINGO_APP": "shop", "NO_PROXY": "localhost"}},
        {"name": "no environment", INFO: {"addon": "mysql"}, **IGNORE},
        task("scalingo_database", "check mode", {"check_mode": True, "diff": True}, periodic_backups_scheduled_at=5, **SHOP),
        task("scalingo_database", "change", {"diff": True}, periodic_backups_scheduled_at=5, **SHOP),
        task("scalingo_logical_db", "loop", {"loop": ["orders", "reports", "invoices"]}, name="{{ item }}", **SHOP),
        task("scalingo_logical_db", "hidden loop", {"loop": ["canary-a", "b"], "no_log": True}, name="{{ item }}", **SHOP),
        task("scalingo_database_info", "retries", {"register": "seen", "until": "seen.never is defined", "retries": 2, "delay": 0.1, **IGNORE}, **SHOP),
        {
            "name": "rescued",
            "block": [task("scalingo_database_info", "fails", app="nowhere", addon="mysql")],
            "rescue": [{"name": "rescue", "ansible.builtin.debug": {"msg": "{{ ansible_failed_result.error.kind }}"}}],
        },
        task("scalingo_database", "unknown option", IGNORE, periodic="5", **SHOP),
        task("scalingo_database", "wrong type", IGNORE, wait_timeout="long", **SHOP),
        task("scalingo_database", "consent", IGNORE, features={"publicly-available": True}, **SHOP),
        task("scalingo_backup_link", "open link", IGNORE, **SHOP),
        task("scalingo_backup_link", "hidden link", {"no_log": True, "register": "link"}, **SHOP),
        {"name": "link", "ansible.builtin.assert": {"that": "link is success"}},
    ]
    here, module = both(controller, sandbox, tasks, gather_facts=False)
    assert [run.result("retries")["attempts"] for run in (here, module)] == [2, 2]
    assert set(reasons(here)) == {"runs in the process of the controller"}
    assert here.task("rescue").result["msg"] == "NotFound"
    assert here.task("consent").result["error"]["kind"] == "ConsentMissing"
    assert "no_log" in here.task("open link").result["msg"]
    assert "canary-a" not in here.output


def test_defaults_of_the_group(controller: Ansible, sandbox: Sandbox) -> None:
    here, dummy = both(controller, sandbox, [{"name": "read", INFO: {}}], module_defaults={"group/community.scalingo.scalingo": SHOP})
    assert here.only.result["databases"][0]["resource_id"] == "shop_1001"


def test_text_of_the_api_is_never_a_template(controller: Ansible, sandbox: Sandbox) -> None:
    name = "shop-{{ 7*7 }}"
    tasks = [
        task("scalingo_database_info", "named", {"register": "answer", **IGNORE}, app="{{ name }}", addon="mysql"),
        {"name": "shown", "ansible.builtin.debug": {"msg": "{{ answer.msg }} {{ answer.error.subject }}"}},
    ]
    here, dummy = both(controller, sandbox, tasks, vars={"name": "{% raw %}" + name + "{% endraw %}"})
    assert "{{ 7*7 }}" in here.task("named").result["msg"]
    assert "{{ 7*7 }}" in here.task("shown").result["msg"] and "shop-49" not in here.output


def test_what_has_to_be_a_module(controller: Ansible, sandbox: Sandbox, tmp_path: Path) -> None:
    """Another user, another environment, in the background, another interpreter: with the same outcome."""
    other = tmp_path / "other-python"
    other.write_text('#!/bin/sh\nexec %s "$@"\n' % (controller.programs / "python"), encoding="utf-8")
    sudo = tmp_path / "sudo"
    sudo.write_text('#!/bin/sh\nwhile [ "$1" != /bin/sh ]; do shift; done\nexec "$@"\n', encoding="utf-8")
    for program in (other, sudo):
        program.chmod(0o755)
    tasks = [
        task("scalingo_database_info", "become", {"become": True, "vars": {"ansible_become_exe": str(sudo)}}, **SHOP),
        task("scalingo_database_info", "environment", {"environment": {"TZ": "UTC", "SCALINGO_APP": "shop"}}, addon="mysql"),
        task("scalingo_database_info", "async", {"async": 60, "poll": 1}, **SHOP),
        task("scalingo_database_info", "interpreter", {"vars": {"ansible_python_interpreter": str(other)}}, **SHOP),
    ]
    controller.environment["ANSIBLE_ASYNC_DIR"] = str(tmp_path / "jobs")
    here, dummy = both(controller, sandbox, tasks)
    assert [reason.split(" and not ")[0] for reason in reasons(here)] == [
        "runs as a module: the task becomes another user",
        "runs as a module: environment sets TZ",
        "runs as a module: the task is async",
        "runs as a module: the interpreter is %s" % other,
    ]
    assert [item.result["databases"][0]["resource_id"] for item in here.results] == ["shop_1001"] * 4


def test_delegation_and_strategies(controller: Ansible, sandbox: Sandbox, tmp_path: Path) -> None:
    """The delegated host's variables decide, in every strategy; a task that runs once reports for all."""
    remote = {"ansible_connection": "ssh", "ansible_host": "192.0.2.1", "ansible_python_interpreter": "/nowhere/python"}
    hosts: dict[str, dict[str, t.Any]] = {"db1": {"number": 1}, "db2": {"number": 2}, "far": remote}
    tasks = [
        task("scalingo_database_info", "delegated", {"delegate_to": "localhost"}, **SHOP),
        task("scalingo_logical_db", "each", {"when": "number is defined"}, name="of_{{ number }}", **SHOP),
    ]
    for strategy in ("linear", "free", "host_pinned"):
        here, dummy = both(controller, sandbox, tasks, hosts=hosts, strategy=strategy)
        assert set(reasons(here)) == {"runs in the process of the controller"}
        assert here.count("ok") == 5 and here.count("changed") == 2
    once = task("scalingo_database_info", "once", {"run_once": True, "delegate_to": "localhost"}, **SHOP)
    here, dummy = both(controller, sandbox, [once], hosts=hosts)
    assert len(sandbox.log()) <= 5 and len(here.results) == 1


def test_an_unreachable_machine_is_a_failure_that_rescue_sees(controller: Ansible, sandbox: Sandbox) -> None:
    ssh = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 9, "ansible_ssh_common_args": "-o BatchMode=yes"}
    block = {
        "name": "work",
        "block": [task("scalingo_database_info", "read", **SHOP)],
        "rescue": [{"name": "rescue", "ansible.builtin.debug": {"msg": "{{ ansible_failed_result.msg }}"}, "delegate_to": "localhost"}],
    }
    run = controller.tasks([block], hosts={"far": ssh})
    assert run.returncode == 0, run
    assert "could not be run" in run.result("rescue")["msg"]


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
        assert run.task("wait").seconds is not None and 1.5 < run.task("wait").seconds < 20
        assert run.task("after").status == "ok"


def test_two_accounts_in_one_loop(controller: Ansible, sandbox: Sandbox) -> None:
    """No token of one item reaches the next one."""
    tokens = [API_TOKEN, "tk-us-nobody-0123456789", API_TOKEN]
    loop = {"loop": [0, 1, 2], "register": "answers", "vars": {"tokens": tokens}, **IGNORE}
    reading = task("scalingo_database_info", "read", loop, api_token="{{ tokens[item] }}", token_cache=False, **SHOP)
    here, dummy = both(controller, sandbox, [reading])
    outcomes = [item.get("error", {}).get("kind", "ok") for item in here.only.result["results"]]
    assert outcomes == ["ok", "Unauthorized", "ok"]


def test_a_long_loop_leaves_no_descriptor_open(controller: Ansible, sandbox: Sandbox) -> None:
    count = "{{ lookup('ansible.builtin.pipe', 'ls /proc/$PPID/fd | wc -l') }}"
    loop = {"loop": "{{ range(100) | list }}", "register": "items"}
    run = controller.tasks([task("scalingo_database_info", "read", {**loop, "vars": {"open": count}, "loop_control": {"label": "{{ open }}"}}, **SHOP)]).ok()
    labels = [int(item["_ansible_item_label"]) for item in run.only.result["results"]]
    # Whoever counts opens some for a moment, and sometimes is counted.
    assert min(labels[-10:]) <= min(labels[:10]), labels


def test_a_secret_is_for_tasks_that_hide_their_result(controller: Ansible, sandbox: Sandbox, tmp_path: Path) -> None:
    """Where nothing may be logged on the target, a task still shows its result; and that of an async one is in a file."""
    controller.environment.update({"ANSIBLE_NO_TARGET_SYSLOG": "true", "ANSIBLE_ASYNC_DIR": str(tmp_path / "jobs")})
    user = {"app": "shop", "addon": "postgresql", "name": "importer"}
    tasks = [
        task("scalingo_backup_link", "link", IGNORE, **SHOP),
        task("scalingo_log_info", "log", IGNORE, links=True, **SHOP),
        task("scalingo_database_user", "user", IGNORE, **user),
        task("scalingo_backup_link", "lie", IGNORE, _task_no_log=True, **SHOP),
        task("scalingo_backup_link", "async", {"async": 60, "poll": 1, "no_log": True, "register": "later", **IGNORE}, **SHOP),
        {"name": "shown", "ansible.builtin.debug": {"msg": "{{ later.msg | default(later.link) }}"}},
        task("scalingo_backup_link", "hidden", {"no_log": True, "register": "hidden"}, **SHOP),
        {"name": "good", "ansible.builtin.assert": {"that": "hidden.link is match('http')"}},
        task("scalingo_database_info", "read", **SHOP),
    ]
    here, module = both(controller, sandbox, tasks, "-vvv")
    for run in (here, module):
        assert "token=" not in run.output and "_task_no_log" not in run.output.replace("_task_no_log: true", "")
        for name in ("link", "log", "user", "lie"):
            assert "does not hide its result" in run.result(name)["msg"], run.result(name)
        assert "without async" in run.result("shown")["msg"]
    assert sandbox.unsafe() == []


def test_ad_hoc(controller: Ansible, sandbox: Sandbox) -> None:
    outcomes = []
    for environment in ({}, AS_MODULE):
        sandbox.reset(SEED)
        arguments = "app=shop addon=mysql periodic_backups_scheduled_at=3"
        run = controller.ad_hoc(MODULE_PREFIX + "scalingo_database", arguments, "-D", environment=environment).ok()
        outcomes.append([told(run), run.shown_diffs()])
    assert difference(*outcomes) == []
