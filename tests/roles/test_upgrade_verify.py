# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role upgrade_verify through its playbook: each thing that can be wrong afterwards, what is refused before, and a run that was killed."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import typing as t
from pathlib import Path

import psycopg
import pytest
from scalingo_sandbox.testing import Sandbox
from support.playbook import ROOT, Ansible, Run
from support.real import DURATIONS, Office, until

PLAYBOOK = (ROOT / "playbooks" / "upgrade.yml").read_text(encoding="utf-8")
MYSQL = "ad-00000000-0000-4000-8000-000000000051"
POSTGRESQL = "ad-00000000-0000-4000-8000-000000000052"
API_TOKEN = "tk-us-CanaryOfTheUpgrade0123456789abcdefghij"
SEED: dict[str, t.Any] = {
    "user": {"api_token": API_TOKEN},
    "apps": [
        {
            "name": "shop",
            "addons": [
                {
                    "provider": "mysql", "id": MYSQL, "resource_id": "shop_1001",
                    "database": {"version": "8.0.40-1", "logical_databases": ["orders"], "users": ["reporting"]},
                },
                {
                    "provider": "postgresql", "id": POSTGRESQL, "resource_id": "shop_1002", "engine": "real",
                    "database": {"version": "16.13.0-1", "extensions": {"hstore": "1.8"}, "password": "CanaryOfTheDatabase52"},
                },
            ],
        },
    ],
    "durations": {**DURATIONS, "backup": 1, "upgrade": 1},
}  # fmt: skip
#: What the platform is asked to do, apart from the tokens.
TOKENS = ("A6", "auth-exchange")


@pytest.fixture(scope="module")
def running() -> t.Iterator[Sandbox]:
    with Sandbox(SEED, speed=10) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    running.reset(SEED)
    running.clear_faults()
    running.speed(10)
    running.clear_log()
    return running


@pytest.fixture
def upgrade(sandbox: Sandbox, controller: t.Callable[[Sandbox], Ansible]) -> t.Callable[..., Run]:
    ansible = controller(sandbox)

    def run(*options: str, addon: str = MYSQL, **variables: t.Any) -> Run:
        given = {"app": "shop", "addon": addon, "wait_interval": 0.2, "settle_seconds": 0, **variables}
        return ansible.play(PLAYBOOK, "-e", json.dumps({"upgrade_verify_" + name: value for name, value in given.items()}), *options).clean()

    return run


def summary(run: Run) -> dict[str, t.Any]:
    found: dict[str, t.Any] = run.result("Pass on what came out")["ansible_stats"]["data"]["scalingo_upgrade"]
    return found


def written(sandbox: Sandbox) -> list[str]:
    return [record.action_name or record.route for record in sandbox.unsafe() if record.route not in TOKENS]


def lose(sandbox: Sandbox, action: str, result: t.Any) -> None:
    """Answer an action otherwise from the second time on: what was there before is read by the first."""
    sandbox.fault(match={"action_name": action}, after=1, do="replace", body={"ok": 1, "result": result})


def expect_finding(run: Run, sandbox: Sandbox, *findings: str) -> dict[str, t.Any]:
    """The verification failed for this alone, said how to restore, and asked for nothing more."""
    found = summary(run.failed())
    assert (found["outcome"], found["failed_in"]) == ("failed", "verify")
    assert found["findings"] == list(findings)
    message = run.result("Tell what is wrong and what to do")["msg"]
    for finding in findings:
        assert finding in message
    assert "community.scalingo.scalingo_database_restore:" in message
    assert "backup_id: %s" % found["backup_id"] in message and "confirm: shop_100" in message
    assert written(sandbox) == ["B2", "D3"]
    return found


def test_a_logical_database_that_is_gone(upgrade: t.Callable[..., Run], sandbox: Sandbox) -> None:
    lose(sandbox, "list-databases", [{"name": "shop_1001", "protected": True}])
    expect_finding(upgrade(), sandbox, "the logical database orders is gone")


def test_a_user_that_is_gone(upgrade: t.Callable[..., Run], sandbox: Sandbox) -> None:
    users = {"database-users": [{"name": "shop_1001", "read_only": False, "protected": True}]}
    sandbox.fault(match={"route": "U1"}, after=1, do="replace", body=users)
    expect_finding(upgrade(), sandbox, "the user reporting is gone")


def test_an_instance_that_does_not_run(upgrade: t.Callable[..., Run], sandbox: Sandbox) -> None:
    sandbox.fault(match={"route": "S5"}, after=1, do="wrong_type", at="*.status", value="stopped")
    found = summary(upgrade().failed())
    assert found["findings"] and all(finding.startswith("the instance ") and finding.endswith(" is stopped") for finding in found["findings"])
    assert written(sandbox) == ["B2", "D3"]


def test_a_version_that_did_not_move(upgrade: t.Callable[..., Run], sandbox: Sandbox) -> None:
    # Reported as done, and yet the platform shows the old version.
    sandbox.fault(match={"route": "D1"}, do="wrong_type", at="database.readable_version", value="8.0.40-1")
    run = upgrade().failed()
    assert summary(run)["failed_in"] == "upgrade"
    assert "8.0.40-1" in summary(run)["findings"][0] and "backup_id: " in "\n".join(summary(run)["next_steps"])
    assert written(sandbox) == ["B2", "D3"]


def test_a_check_of_the_users_that_fails(upgrade: t.Callable[..., Run], sandbox: Sandbox, tmp_path: Path) -> None:
    tasks = [
        {"name": "Orders are there", "ansible.builtin.assert": {
            "that": ["'orders' in upgrade_verify_after.logical_databases", "upgrade_verify_before.version == '8.0.40-1'"]}},
        {"name": "Somebody waits", "ansible.builtin.assert": {"that": ["false"], "fail_msg": "nobody waits for orders"}},
    ]  # fmt: skip
    (tmp_path / "look.yml").write_text(json.dumps(tasks), encoding="utf-8")
    run = upgrade(verification_tasks=str(tmp_path / "look.yml"))
    expect_finding(run, sandbox, "your own check failed: Somebody waits: nobody waits for orders")


def test_an_extension_that_is_really_gone(upgrade: t.Callable[..., Run], sandbox: Sandbox) -> None:
    url = Office(sandbox).url("shop", "SCALINGO_POSTGRESQL_URL")

    def drop() -> None:
        until(lambda: any(record.route == "B2" for record in sandbox.log()), "the backup", 60)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DROP EXTENSION hstore")

    meanwhile = threading.Thread(target=drop)
    meanwhile.start()
    run = upgrade("-vvvv", addon="postgresql")
    meanwhile.join()
    found = expect_finding(run, sandbox, "the extension hstore (1.8) is gone")
    assert found["version_after"].startswith("16.14") and "restore_time: " in "\n".join(found["next_steps"])
    for secret in (API_TOKEN, "CanaryOfTheDatabase52"):
        assert secret not in run.output


def test_an_upgrade_that_fails(upgrade: t.Callable[..., Run], sandbox: Sandbox) -> None:
    sandbox.outcome(kind="upgrade", outcome="user-error", addon_id=MYSQL, error="the disk is too small")
    found = summary(upgrade().failed())
    assert (found["outcome"], found["failed_in"]) == ("failed", "upgrade")
    assert "the disk is too small" in found["findings"][0]
    assert "backup_id: %s" % found["backup_id"] in "\n".join(found["next_steps"])


def test_a_backup_that_fails_comes_before_any_upgrade(upgrade: t.Callable[..., Run], sandbox: Sandbox) -> None:
    sandbox.outcome(kind="backup", outcome="cancel", addon_id=MYSQL)
    found = summary(upgrade().failed())
    assert (found["outcome"], found["failed_in"], found["version_after"]) == ("failed", "backup", None)
    assert written(sandbox) == ["B2"]


@pytest.mark.parametrize("state", [{"status": "stopped"}, {"current_operation_id": "0123456789abcdef01234567"}])
def test_a_database_that_does_not_run_or_is_busy_is_refused(state: dict[str, t.Any], upgrade: t.Callable[..., Run], sandbox: Sandbox) -> None:
    sandbox.change_database(addon_id=MYSQL, **state)
    found = summary(upgrade().failed())
    assert (found["outcome"], found["failed_in"]) == ("failed", "preflight")
    assert "shop/%s is " % MYSQL in found["findings"][0] and "nothing was done" in found["findings"][0]
    assert written(sandbox) == []


def test_check_mode_then_the_run_then_nothing(upgrade: t.Callable[..., Run], sandbox: Sandbox) -> None:
    before = sandbox.state()
    ahead = summary(upgrade("--check").ok())
    assert (ahead["outcome"], ahead["version_wanted"]) == ("would_change", "8.0.43-1")
    assert written(sandbox) == [] and sandbox.state()["apps"] == before["apps"]
    done = summary(upgrade().ok())
    assert (done["outcome"], done["version_before"], done["version_after"]) == ("changed", "8.0.40-1", "8.0.43-1")
    assert done["steps"][:2] == ahead["steps"][:2]
    assert written(sandbox) == ["B2", "D3"]
    sandbox.clear_log()
    nothing = summary(upgrade().ok())
    assert (nothing["outcome"], nothing["major_available"]) == ("unchanged", "8.4.5-1")
    # The database twice, and the version ahead.
    assert [record.route for record in sandbox.log() if record.role == "db"] == ["D1", "D1", "T3"]


def test_a_run_that_was_killed_is_picked_up(
    sandbox: Sandbox, controller: t.Callable[[Sandbox], Ansible], upgrade: t.Callable[..., Run], tmp_path: Path
) -> None:
    sandbox.durations(upgrade=1e6)
    ansible = controller(sandbox)
    (tmp_path / "killed.yml").write_text(PLAYBOOK, encoding="utf-8")
    command = [str(ansible.programs / "ansible-playbook"), "-i", "localhost,", str(tmp_path / "killed.yml")]
    variables = {"upgrade_verify_app": "shop", "upgrade_verify_addon": "mysql", "upgrade_verify_wait_interval": 0.2}
    process = subprocess.Popen(
        [*command, "-e", json.dumps(variables)], env=ansible.variables(), cwd=ansible.working_directory,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    until(lambda: "D3" in written(sandbox), "the upgrade", 60)
    process.send_signal(signal.SIGKILL)
    process.wait()
    ahead = summary(upgrade("--check").ok())
    assert ahead["outcome"] == "would_change" and "would wait for the upgrade" in ahead["steps"][0]
    threading.Timer(4, lambda: sandbox.advance(1e6)).start()
    found = summary(upgrade().ok())
    assert (found["outcome"], found["version_after"]) == ("changed", "8.0.43-1")
    assert "waited for the upgrade" in found["steps"][0] and "not known" in found["steps"][-2]
    assert written(sandbox) == ["B2", "D3"]
