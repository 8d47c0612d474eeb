# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The same under other versions of ansible-core, and with modules that another Python runs."""

from __future__ import annotations

import subprocess
import typing as t
from pathlib import Path

import pytest
from scalingo_sandbox.testing import Sandbox
from support.playbook import MODULE_PREFIX, ROOT, Ansible, task
from support.shop import API_TOKEN, routes

CORES = sorted((ROOT / ".cache").glob("core-*/bin/ansible-playbook"))
IGNORE = {"ignore_errors": True}
SHOP = {"app": "shop", "addon": "mysql"}

SMOKE: t.Sequence[t.Mapping[str, t.Any]] = (
    task(
        "scalingo_database",
        "settings",
        periodic_backups_scheduled_at=5,
        maintenance_window={"weekday_utc": "Monday"},
        **SHOP,
    ),
    task(
        "scalingo_database",
        "features",
        features={"publicly-available": "{{ x }}", "force-ssl": "yes"},
        allow=["exposure"],
        wait_interval=0.1,
        **SHOP,
    ),
    task("scalingo_logical_db", "logical", names=["orders", "reports"], **SHOP),
    task("scalingo_database_info", "read", **SHOP),
    task("scalingo_logical_db_info", "list", **SHOP),
    task("scalingo_logical_db", "engine", IGNORE, app="shop", addon="postgresql", name="orders"),
    task("scalingo_database", "hour", IGNORE, periodic_backups_scheduled_at=24, **SHOP),
    task("scalingo_logical_db_reset", "consent", IGNORE, name="reports", **SHOP),
    {
        "name": "shape",
        "ansible.builtin.assert": {"that": ["listed.logical_databases | length == 3 or ansible_check_mode"]},
        "when": "listed is defined",
    },
)


def smoke(controller: Ansible, sandbox: Sandbox) -> None:
    checked = controller.tasks(SMOKE, "--check", "--diff", "-e", "x=false").ok().clean()
    assert sandbox.unsafe() == []
    real = controller.tasks(SMOKE, "--diff", "-e", "x=false").ok().clean()
    assert [item.result.get("diff") for item in checked.results] == [item.result.get("diff") for item in real.results]
    assert checked.shown_diffs() == real.shown_diffs()
    assert [item.task for item in real.results if item.result.get("changed")] == ["settings", "logical"]
    assert routes(sandbox.unsafe()) == ["D2", "create-database"]
    assert "use schemas" in real.result("engine")["msg"]
    assert "0 to 23" in real.result("hour")["msg"]
    assert "confirm: reports" in real.result("consent")["msg"]
    sandbox.clear_log()
    again = controller.tasks(SMOKE, "-vvvv", "-e", "x=false").ok().clean()
    assert again.count("changed") == 0 and sandbox.unsafe() == []
    assert API_TOKEN not in again.output
    for run in (checked, real, again):
        assert "DEPRECATION WARNING" not in run.output and "deprecations" not in str(run.results), str(run)
    defaults = controller.tasks(
        [{"name": "read", MODULE_PREFIX + "scalingo_database_info": {}}],
        module_defaults={"group/community.scalingo.scalingo": SHOP},
    ).ok()
    assert defaults.only.result["databases"][0]["resource_id"] == "shop_1001"
    ad_hoc = controller.ad_hoc(
        MODULE_PREFIX + "scalingo_database", "app=shop addon=mysql periodic_backups_scheduled_at=3", "-C", "-D"
    ).ok()
    assert ad_hoc.only.result["changed"] is True and len(ad_hoc.shown_diffs()) == 1


@pytest.mark.parametrize(
    "program",
    [
        pytest.param(path, id=name, marks=[pytest.mark.long] if name == "core-next" else [])
        for path, name in ((path, path.parents[1].name) for path in CORES)
    ],
)
def test_another_core(program: Path, tmp_path: Path, sandbox: Sandbox) -> None:
    smoke(Ansible(tmp_path, sandbox.environment(), programs=program.parent), sandbox)


def interpreters() -> list[str]:
    """The other Pythons at hand that modules can run under: 3.9 or newer, with the requests library."""
    found = []
    for minor in range(9, 15):
        program = f"python3.{minor}"
        question = f"import requests, sys; print(sys.executable if sys.version_info[:2] == (3, {minor}) else '')"
        try:
            done = subprocess.run([program, "-c", question], capture_output=True, text=True, timeout=60, check=False)
        except OSError:
            continue
        if done.returncode == 0 and done.stdout.strip():
            found.append(done.stdout.strip())
    return found


def test_another_python_runs_the_modules(ansible: Ansible, sandbox: Sandbox) -> None:
    others = interpreters()
    if not others:
        pytest.skip("no other Python with the requests library is here")
    for other in others:
        run = (
            ansible.tasks(
                [task("scalingo_database", "settings", periodic_backups_scheduled_at=5, **SHOP)],
                "-e",
                "ansible_python_interpreter=" + other,
            )
            .ok()
            .clean()
        )
        assert run.only.result["database"]["periodic_backups_scheduled_at"] == [5]


def test_a_python_without_requests_says_what_is_missing(ansible: Ansible, sandbox: Sandbox, tmp_path: Path) -> None:
    """An interpreter that sees no installed package at all."""
    bare = tmp_path / "bare-python"
    bare.write_text('#!/bin/sh\nexec /usr/bin/env "$PYTHON_OF_THE_TEST" -I -S "$@"\n', encoding="utf-8")
    bare.chmod(0o755)
    environment = {"PYTHON_OF_THE_TEST": str(ansible.programs / "python")}
    run = ansible.tasks(
        [task("scalingo_database_info", **SHOP)],
        "-e",
        "ansible_python_interpreter=" + str(bare),
        environment=environment,
    ).failed()
    message = run.only.result["msg"]
    assert "requests" in message and "install" in message.lower()
    assert sandbox.log() == []
