# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A password that the platform makes: refused before the user exists unless nobody can see it, then returned once and seen nowhere else."""

from __future__ import annotations

import typing as t
from pathlib import Path

from scalingo_sandbox.testing import Sandbox
from support.playbook import Ansible, task
from support.shop import POSTGRESQL, routes

WHO = {"app": "shop", "addon": "postgresql", "name": "importer"}
IGNORE = {"ignore_errors": True}


def keep(path: Path, *names: str) -> dict[str, t.Any]:
    """What a user does with passwords: here into a file that nobody else can read, line by line."""
    content = "".join(f"{{{{ {name}.user.password | default('', true) }}}}\n" for name in names)
    return {
        "name": "keep",
        "ansible.builtin.copy": {"content": content, "dest": str(path), "mode": "0600"},
        "no_log": True,
    }


def test_a_generated_password_is_returned_once_and_seen_nowhere_else(
    ansible: Ansible, sandbox: Sandbox, tmp_path: Path
) -> None:
    log = tmp_path / "ansible.log"
    run = ansible.tasks(
        [
            task("scalingo_database_user", "seen by everybody", IGNORE, **WHO),
            task("scalingo_database_user", "seen by everybody in check mode", {**IGNORE, "check_mode": True}, **WHO),
            task("scalingo_database_user_info", "before", app="shop", addon="postgresql"),
            task("scalingo_database_user", "made", {"no_log": True, "register": "made"}, **WHO),
            task("scalingo_database_user", "there already", {"no_log": True, "register": "again"}, **WHO),
            task("scalingo_database_user", "another for everybody", IGNORE, reset_password=True, **WHO),
            task(
                "scalingo_database_user", "another", {"no_log": True, "register": "other"}, reset_password=True, **WHO
            ),
            keep(tmp_path / "kept", "made", "again", "other"),
            task("scalingo_database_user_info", "after", app="shop", addon="postgresql"),
        ],
        "-vvvv",
        "--diff",
        environment={"ANSIBLE_LOG_PATH": str(log)},
    )
    run.ok().clean()
    for name in ("seen by everybody", "seen by everybody in check mode", "another for everybody"):
        assert run.task(name).status == "failed" and "no_log: true" in run.result(name)["msg"]
        assert run.result(name)["api_usage"]["writes"] == 0
    names = {name: {user["name"] for user in run.result(name)["users"]} for name in ("before", "after")}
    assert names["after"] - names["before"] == {"importer"}
    assert routes(record for record in sandbox.unsafe() if record.role == "db") == ["U2", "U4"]

    first, second, third = (tmp_path / "kept").read_text(encoding="utf-8").splitlines()
    (addon,) = [addon for app in sandbox.running.world.apps for addon in app.addons if addon.id == POSTGRESQL]
    (password,) = [user.password for user in addon.database.engine.list_users() if user.name == "importer"]
    assert len(first) >= 24 and second == "" and third == password != first
    seen = {"the output": run.output, "the results": str(run.results), "the log": log.read_text(encoding="utf-8")}
    seen.update(
        {
            str(path): path.read_text(encoding="utf-8", errors="replace")
            for path in ansible.home.rglob("*")
            if path.is_file()
        }
    )
    assert [place for place, text in seen.items() if first in text or third in text] == []


def test_a_failed_ad_hoc_task_makes_no_user(ansible: Ansible, sandbox: Sandbox) -> None:
    """There is no no_log there, so there is no such password."""
    run = ansible.ad_hoc(
        "community.scalingo.scalingo_database_user", "app=shop addon=postgresql name=importer", "-vvvv"
    ).clean()
    assert run.only.status == "failed" and "no_log: true" in run.only.result["msg"]
    assert [record.route for record in sandbox.unsafe() if record.role == "db"] == []


def test_an_ad_hoc_task_has_the_password_in_a_file(ansible: Ansible, sandbox: Sandbox, tmp_path: Path) -> None:
    path = tmp_path / "password"
    arguments = f"app=shop addon=postgresql name=importer dest={path}"
    run = ansible.ad_hoc("community.scalingo.scalingo_database_user", arguments, "-vvvv").ok().clean()
    password = path.read_text(encoding="utf-8").strip()
    assert len(password) >= 24 and path.stat().st_mode & 0o777 == 0o600
    assert password not in run.output + str(run.results) and run.only.result["secret_file"] == str(path)
