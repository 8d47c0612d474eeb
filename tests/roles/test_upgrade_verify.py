# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role upgrade_verify through its playbook: each thing that can be wrong afterwards, what is refused before, and a run that was killed."""

from __future__ import annotations

import contextlib
import copy
import json
import re
import signal
import stat
import subprocess
import sys
import threading
import typing as t
from pathlib import Path

import psycopg
import pytest
from scalingo_sandbox.testing import Sandbox
from support.playbook import ROOT, Ansible, Run, oldest_core
from support.programs import until
from support.real import DURATIONS, Office
from support.watched import Watched, secrets_in

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
#: As many manual backups as the plan keeps.
FULL: dict[str, t.Any] = {"backups": [{"method": "manual", "age": 86400.0 * day} for day in range(2, 12)]}
#: An upgrade that ends when the test moves the clock. All of them together are less than a week: so far back the platform restores, and
#: what a run notes of its own clock must still be in that.
LONG = 2e4
#: What the platform is asked to do, apart from the tokens.
TOKENS = ("A6", "auth-exchange")


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """Where what must survive a killed run is written; it is not there yet."""
    return tmp_path / "state"


@pytest.fixture
def upgrade(sandbox: Sandbox, controller: t.Callable[[Sandbox], Ansible], state: Path) -> t.Callable[..., Run]:
    ansible = controller(sandbox)

    def run(*options: str, addon: str = MYSQL, environment: dict[str, str] | None = None, **variables: t.Any) -> Run:
        given = {
            "app": "shop",
            "addon": addon,
            "wait_interval": 0.2,
            "settle_seconds": 0,
            "state_dir": str(state),
            **variables,
        }
        return ansible.play(
            PLAYBOOK,
            "-e",
            json.dumps({"upgrade_verify_" + name: value for name, value in given.items()}),
            *options,
            environment=environment,
        ).clean()

    return run


def summary(run: Run) -> dict[str, t.Any]:
    found: dict[str, t.Any] = run.result("Publish the summary")["ansible_stats"]["data"]["scalingo_upgrade"]
    return found


def written(sandbox: Sandbox) -> list[str]:
    return [record.action_name or record.route for record in sandbox.unsafe() if record.route not in TOKENS]


@contextlib.contextmanager
def when_waited_for(sandbox: Sandbox, act: t.Callable[[], t.Any]) -> t.Iterator[None]:
    """Act as soon as the database was looked at twice: in the preflight, and to wait."""
    before = len(sandbox.log())

    def wait() -> None:
        until(lambda: [record.route for record in sandbox.log()[before:]].count("D1") >= 2, "it is waited for", 100)
        act()

    meanwhile = threading.Thread(target=wait)
    meanwhile.start()
    yield
    meanwhile.join()


def lose(sandbox: Sandbox, match: dict[str, t.Any], **fault: t.Any) -> None:
    """Answer otherwise from the second time on: what was there before is read by the first."""
    sandbox.fault(match=match, after=1, **fault)


def expect_findings(run: Run, sandbox: Sandbox, *findings: str) -> dict[str, t.Any]:
    """The verification failed for these alone, said how to restore, and asked for nothing more."""
    found = summary(run.failed())
    assert (found["outcome"], found["failed_in"]) == ("failed", "verify")
    assert found["findings"] == list(findings)
    message = run.result("Fail with the findings and the next steps")["msg"]
    for finding in findings:
        assert finding in message
    assert "community.scalingo.scalingo_database_restore:" in message
    assert f"backup_id: {found['backup_id']}" in message and f"confirm: {found['database']['resource_id']}" in message
    assert written(sandbox) == ["B2", "D3"]
    return found


def test_each_loss_is_named_and_nothing_more_is_done(
    upgrade: t.Callable[..., Run], sandbox: Sandbox, tmp_path: Path, state: Path
) -> None:
    lose(
        sandbox,
        {"action_name": "list-databases"},
        do="replace",
        body={"ok": 1, "result": [{"name": "shop_1001", "protected": True}]},
    )
    lose(
        sandbox,
        {"route": "U1"},
        do="replace",
        body={"database-users": [{"name": "shop_1001", "read_only": False, "protected": True}]},
    )
    lose(sandbox, {"route": "S5"}, do="wrong_type", at="0.status", value="stopped")
    tasks = [
        {"name": "What was there before is known", "ansible.builtin.assert": {
            "that": ["'orders' not in upgrade_verify_after.logical_databases", "upgrade_verify_before.version == '8.0.40-1'"]}},
        {"name": "Somebody waits", "ansible.builtin.assert": {"that": ["false"], "fail_msg": "nobody waits for orders"}},
    ]  # fmt: skip
    (tmp_path / "look.yml").write_text(json.dumps(tasks), encoding="utf-8")
    run = upgrade(verification_tasks=str(tmp_path / "look.yml"))
    instance = run.result("Upgrade the database and compare its contents")["compared"]["contents"]["instances"][0]
    found = expect_findings(
        run, sandbox, f"the instance {instance['id']} ({instance['type']}, leader) is stopped", "the logical database orders is gone",
        "the user reporting is gone", "your own check failed: Somebody waits: nobody waits for orders",
    )  # fmt: skip
    # It is not forgotten.
    state_file = state / f"{MYSQL}.json"
    assert stat.S_IMODE(state_file.stat().st_mode) == 0o600 and list(state.iterdir()) == [state_file]
    assert json.loads(state_file.read_text(encoding="utf-8"))["before"] == found["before"]
    assert f"remove {state_file}" in found["next_steps"][-1]


def test_a_version_that_did_not_move(upgrade: t.Callable[..., Run], sandbox: Sandbox) -> None:
    # Reported as done, and yet the platform shows the old version.
    sandbox.fault(match={"route": "D1"}, do="wrong_type", at="database.readable_version", value="8.0.40-1")
    run = upgrade().failed()
    assert summary(run)["failed_in"] == "upgrade"
    assert "8.0.40-1" in summary(run)["findings"][0] and "backup_id: " in "\n".join(summary(run)["next_steps"])
    assert written(sandbox) == ["B2", "D3"]


def test_an_extension_that_is_really_gone(upgrade: t.Callable[..., Run], sandbox: Sandbox, state: Path) -> None:
    url = Office(sandbox).url("shop", "SCALINGO_POSTGRESQL_URL")

    def drop() -> None:
        until(lambda: any(record.route == "B2" for record in sandbox.log()), "the backup", 60)
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DROP EXTENSION hstore")

    meanwhile = threading.Thread(target=drop)
    meanwhile.start()
    run = upgrade("--diff", addon="postgresql")
    meanwhile.join()
    found = expect_findings(run, sandbox, "the extension hstore (1.8) is gone")
    assert found["version_after"].startswith("16.14")
    # The window reaches back to the moment before.
    assert "restore_time: '20" in "\n".join(found["next_steps"])
    kept = (state / f"{POSTGRESQL}.json").read_text(encoding="utf-8")
    assert "hstore" in kept and secrets_in({"the state": kept}, sandbox) == {}


def test_an_upgrade_that_fails_says_why_and_names_the_backup(upgrade: t.Callable[..., Run], sandbox: Sandbox) -> None:
    sandbox.outcome(kind="upgrade", outcome="user-error", addon_id=MYSQL, error="the disk is too small")
    run = upgrade().failed()
    assert summary(run)["failed_in"] == "upgrade" and "the disk is too small" in summary(run)["findings"][0]
    assert f"backup_id: {summary(run)['backup_id']}" in run.result("Fail with the findings and the next steps")["msg"]
    assert written(sandbox) == ["B2", "D3"]


def test_a_backup_that_fails_comes_before_any_upgrade(upgrade: t.Callable[..., Run], sandbox: Sandbox) -> None:
    sandbox.outcome(kind="backup", outcome="cancel", addon_id=MYSQL)
    found = summary(upgrade().failed())
    assert (found["outcome"], found["failed_in"], found["version_after"]) == ("failed", "backup", None)
    assert written(sandbox) == ["B2"]


@pytest.mark.parametrize(
    ("database", "variables", "why"),
    [
        ({"status": "stopped"}, {}, f"shop/{MYSQL} is stopped"),
        ({"current_operation_id": "0123456789abcdef01234567"}, {}, "the operation 0123456789abcdef01234567 ("),
        ({}, {"verification_tasks": "/nowhere/look.yml"}, "/nowhere/look.yml is no file"),
        ({}, {"to": "8.4"}, "add 'upgrade_verify_allow: [major]' to the variables of the role."),
        (FULL, {"to": "8.4"}, "add 'upgrade_verify_allow: [eviction]' to the variables of the role."),
    ],
)
def test_what_is_refused_before_anything_is_done(
    database: dict[str, t.Any], variables: dict[str, t.Any], why: str, upgrade: t.Callable[..., Run], sandbox: Sandbox
) -> None:
    if database is FULL:
        seed = copy.deepcopy(SEED)
        seed["apps"][0]["addons"][0]["database"].update(database)
        sandbox.reset(seed)
    elif database:
        sandbox.change_database(addon_id=MYSQL, **database)
    found = summary(upgrade(**variables).failed())
    assert (found["outcome"], found["failed_in"]) == ("failed", "preflight")
    assert why in found["findings"][0] and "Nothing was changed" in found["next_steps"][0]
    assert "upgrade_verify_allow: [major]" in found["findings"][0] or "to" not in variables, (
        "all consents that are missing, at once"
    )
    assert written(sandbox) == []


def test_check_mode_then_a_backup_then_the_run_then_nothing(
    upgrade: t.Callable[..., Run], sandbox: Sandbox, state: Path
) -> None:
    before = sandbox.state()
    ahead = summary(upgrade("--check").ok())
    assert (ahead["outcome"], ahead["version_wanted"]) == ("would_change", "8.0.43-1")
    assert not state.exists()
    assert written(sandbox) == [] and sandbox.state()["apps"] == before["apps"]
    # One request for each kind of thing that the engine has.
    reads = [record.action_name or record.route for record in sandbox.log() if record.role == "db"]
    assert [reads.count(kind) for kind in ("S5", "list-databases", "U1", "list-extensions")] == [1, 1, 1, 0], reads
    saved = summary(upgrade("--tags", "upgrade_verify_backup").ok())
    assert written(sandbox) == ["B2"] and (saved["outcome"], saved["backup_id"]) != ("changed", None)
    assert list(state.iterdir()) == [], "no upgrade has begun that a later run could verify"
    # As far as somebody agreed to.
    done = summary(upgrade(to="latest").ok())
    assert list(state.iterdir()) == [], "nothing is missing"
    assert (done["outcome"], done["version_before"], done["version_after"]) == ("changed", "8.0.40-1", "8.0.43-1")
    assert done["steps"][0] == f"the backup {done['backup_id']} is young enough"
    assert done["steps"][1] == ahead["steps"][1] == "upgrade from 8.0.40-1 to 8.0.43-1"
    assert "skipped: the major version 8.4.5-1 is waiting" in done["steps"][2]
    assert written(sandbox) == ["B2", "D3"]
    sandbox.clear_log()
    nothing = summary(upgrade().ok())
    assert (nothing["outcome"], nothing["major_available"]) == ("unchanged", "8.4.5-1")
    # The database twice, and the version ahead.
    assert [record.route for record in sandbox.log() if record.role == "db"] == ["D1", "D1", "T3"]
    skipped = summary(upgrade(to="next").ok())
    assert (skipped["outcome"], skipped["version_wanted"]) == ("skipped", None) and "8.4.5-1" in skipped["steps"][0]
    assert written(sandbox) == []


GONE: dict[str, t.Any] = {
    "match": {"route": "U1"},
    "do": "replace",
    "body": {"database-users": [{"name": "shop_1001", "read_only": False, "protected": True}]},
}


def test_an_interrupted_run_says_how_to_compare_later(
    upgrade: t.Callable[..., Run], sandbox: Sandbox, state: Path
) -> None:
    sandbox.durations(upgrade=LONG)
    found = summary(upgrade(wait_timeout=2).failed())
    assert (found["outcome"], found["failed_in"]) == ("interrupted", "upgrade")
    assert "restore" not in "\n".join(found["next_steps"])
    assert found["next_steps"][1] == f"What there was before is in {state / MYSQL}.json, so that it can compare."
    sandbox.fault(**GONE)
    with when_waited_for(sandbox, lambda: sandbox.advance(LONG)):
        later = summary(upgrade().failed())
    assert (later["findings"], later["version_before"]) == (["the user reporting is gone"], "8.0.40-1")
    assert "wait for the upgrade" in later["steps"][0] and later["backup_id"] == found["backup_id"]
    assert written(sandbox) == ["B2", "D3"]


@pytest.mark.parametrize(
    "deadly",
    [
        signal.SIGKILL,
        pytest.param(signal.SIGTERM, marks=pytest.mark.long),
        pytest.param(signal.SIGINT, marks=pytest.mark.long),
    ],
    ids=lambda number: number.name,
)
def test_a_run_that_was_killed_is_picked_up(
    deadly: signal.Signals, sandbox: Sandbox, controller: t.Callable[[Sandbox], Ansible], upgrade: t.Callable[..., Run], tmp_path: Path, state: Path
) -> None:  # fmt: skip
    sandbox.durations(upgrade=LONG)
    ansible = controller(sandbox)
    (tmp_path / "killed.yml").write_text(PLAYBOOK, encoding="utf-8")
    command = [str(ansible.programs / "ansible-playbook"), "-i", "localhost,", str(tmp_path / "killed.yml")]
    variables = {
        "upgrade_verify_app": "shop",
        "upgrade_verify_addon": "mysql",
        "upgrade_verify_wait_interval": 0.2,
        "scalingo_state_dir": str(state),
    }
    process = subprocess.Popen(
        [*command, "-e", json.dumps(variables)], env=ansible.variables(), cwd=ansible.working_directory,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    until(lambda: "D3" in written(sandbox), "the upgrade", 60)
    # As long as it lives, nobody else touches the database.
    second = summary(upgrade(wait_timeout=2).failed())
    assert f"another run (process {process.pid}) is upgrading shop/{MYSQL}" in second["findings"][0]
    assert (state / f"{MYSQL}.json").exists()
    process.send_signal(deadly)
    process.wait()
    ahead = summary(upgrade("--check").ok())
    assert ahead["outcome"] == "would_change" and "would wait for the upgrade" in ahead["steps"][0]
    # The step that was running is the next one: not one more. What is compared with is what the killed run wrote down.
    sandbox.fault(**GONE)
    with when_waited_for(sandbox, lambda: sandbox.advance(LONG)):
        lost = summary(upgrade(to="next", allow=["major"]).failed())
    assert (lost["findings"], lost["version_before"], lost["version_after"]) == (
        ["the user reporting is gone"],
        "8.0.40-1",
        "8.0.43-1",
    )
    assert f"backup_id: {lost['backup_id']}" in "\n".join(lost["next_steps"]) and lost["backup_id"]
    # It is not forgotten, although the upgrade is over.
    again = summary(upgrade().failed())
    assert (again["findings"], again["version_before"], again["backup_id"]) == (
        lost["findings"],
        "8.0.40-1",
        lost["backup_id"],
    )
    sandbox.clear_faults()
    whole = summary(upgrade().ok())
    assert (whole["outcome"], whole["steps"][0]) == (
        "unchanged",
        "compare with what an earlier run noted at the version 8.0.40-1",
    )
    assert list(state.iterdir()) == [] and written(sandbox) == ["B2", "D3"]


def test_an_upgrade_that_somebody_else_began_is_waited_for(
    upgrade: t.Callable[..., Run], sandbox: Sandbox, state: Path
) -> None:
    backup = Office(sandbox).database("POST", MYSQL, "/backups").json()["database_backup"]["id"]
    until(
        lambda: (
            Office(sandbox).database("GET", MYSQL, f"/backups/{backup}").json()["database_backup"]["status"] == "done"
        ),
        "the backup",
        60,
    )
    sandbox.durations(upgrade=LONG)
    assert Office(sandbox).database("POST", MYSQL, "/upgrade").status_code == 202
    with when_waited_for(sandbox, lambda: sandbox.advance(LONG)):
        found = summary(upgrade().ok())
    assert (found["outcome"], found["version_before"], found["version_after"]) == ("changed", "8.0.40-1", "8.0.43-1")
    assert "wait for the upgrade" in found["steps"][0] and found["steps"][1] == f"the backup {backup} is from before it"
    assert "not known" in found["steps"][2] and found["backup_id"] == backup
    assert written(sandbox) == ["B2", "D3"] and list(state.iterdir()) == []


@pytest.mark.parametrize(
    ("content", "why"),
    [
        ("{", f"{MYSQL}.json cannot be read (it is no JSON): look what it is, and move it away to begin without it"),
        ('{"format": 1, "addon_id": "ad-of-another", "before": {}}', "it is not of this database"),
        ("[]", "it is not of this database"),
    ],
)  # fmt: skip
def test_a_state_that_cannot_be_this_one(
    content: str, why: str, upgrade: t.Callable[..., Run], sandbox: Sandbox, state: Path
) -> None:
    state.mkdir()
    (state / f"{MYSQL}.json").write_text(content, encoding="utf-8")
    found = summary(upgrade().failed())
    assert (found["outcome"], found["failed_in"]) == ("failed", "preflight") and why in found["findings"][0]
    assert written(sandbox) == [] and (state / f"{MYSQL}.json").read_text(encoding="utf-8") == content


def test_a_state_that_would_not_last_or_cannot_be_written(
    upgrade: t.Callable[..., Run], sandbox: Sandbox, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    found = summary(upgrade(state_dir=str(tmp_path / "file" / "state")).failed())
    assert f"{tmp_path / 'file' / 'state'} cannot be written: " in found["findings"][0]
    found = summary(upgrade(state_dir="", environment={"AWX_JOB_ID": "7"}).failed())
    assert "scalingo_state_dir is not set, and this is a job of AWX" in found["findings"][0]
    assert [record.route for record in sandbox.log() if record.role == "db"] == ["D1"] and written(sandbox) == []


def test_nothing_begins_too_late(upgrade: t.Callable[..., Run], sandbox: Sandbox, state: Path) -> None:
    found = summary(upgrade(not_after="2026-01-01T00:00:00Z").ok())
    assert (found["outcome"], found["version_after"]) == ("skipped", None)
    assert "not started because it is later than 2026-01-01T00:00:00Z" in found["steps"]
    assert written(sandbox) == ["B2"] and list(state.iterdir()) == []


def test_a_running_upgrade_that_fails_is_not_begun_again(upgrade: t.Callable[..., Run], sandbox: Sandbox) -> None:
    sandbox.durations(upgrade=LONG)
    assert Office(sandbox).database("POST", MYSQL, "/upgrade").status_code == 202
    with when_waited_for(sandbox, lambda: sandbox.end_operation(MYSQL, error="the disk is too small")):
        found = summary(upgrade().failed())
    assert (found["outcome"], found["failed_in"]) == ("failed", "upgrade")
    assert found["findings"][0].endswith(": the disk is too small")
    assert "No backup" in "\n".join(found["next_steps"])
    assert written(sandbox) == ["D3"]


@pytest.fixture(params=["oldest", pytest.param("newest", marks=pytest.mark.long)])
def either(request: pytest.FixtureRequest, sandbox: Sandbox, tmp_path: Path) -> Watched:
    newest = ROOT / ".cache" / "core-newest" / "bin"
    programs = newest if newest.exists() else Path(sys.executable).parent
    return Watched(tmp_path, sandbox, programs=oldest_core() if request.param == "oldest" else programs)


def test_hostile_variables_of_all_hosts(either: Watched, sandbox: Sandbox, tmp_path: Path, state: Path) -> None:
    """The role runs here, as this user; what a verification task is delegated to is reached as its own variables say."""
    sudo, used = tmp_path / "sudo", tmp_path / "used"
    sudo.write_text(
        f'#!/bin/sh\necho x >> {used}\nwhile [ "$1" != /bin/sh ]; do shift; done\nexec "$@"\n', encoding="utf-8"
    )
    sudo.chmod(0o755)
    hostile = {"ansible_become": True, "ansible_become_user": "nobody", "ansible_become_exe": "/nowhere/sudo",
               "ansible_connection": "ssh", "ansible_host": "192.0.2.1",
               "ansible_python_interpreter": "/nowhere/python"}  # fmt: skip
    (either.directory / "group_vars").mkdir()
    (either.directory / "group_vars" / "all.yml").write_text(json.dumps(hostile), encoding="utf-8")
    web = {
        "ansible_connection": "local",
        "ansible_become_exe": str(sudo),
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
    }
    tasks = [
        {"name": "Look here", "ansible.builtin.command": {"argv": ["true"]}},
        {"name": "Look there", "ansible.builtin.command": {"argv": ["true"]}, "delegate_to": "web"},
        {
            "name": "Look at the database",
            "ansible.builtin.assert": {"that": "upgrade_verify_after.version == '8.0.43-1'"},
        },
    ]
    (tmp_path / "look.yml").write_text(json.dumps(tasks), encoding="utf-8")
    given = {
        "app": "shop",
        "addon": "mysql",
        "wait_interval": 0.2,
        "settle_seconds": 0,
        "verification_tasks": str(tmp_path / "look.yml"),
    }
    variables = {**{"upgrade_verify_" + name: value for name, value in given.items()}, "scalingo_state_dir": str(state)}
    run = either.play(PLAYBOOK, "-e", json.dumps(variables), hosts={"localhost": {}, "web": web}).clean().ok()
    assert summary(run)["outcome"] == "changed" and used.read_text(encoding="utf-8") == "x\n"
    own = [task["name"] for task in tasks]
    headings = re.findall(r"^TASK \[(?:.* : )?(.*)\]", run.stdout, re.MULTILINE)
    assert len([name for name in headings if name not in own]) == 6, headings
    assert "shop/mysql: upgraded from 8.0.40-1 to 8.0.43-1, and nothing is missing" in run.stderr


def test_check_mode_as_a_keyword_tells_the_truth(either: Watched, sandbox: Sandbox, state: Path) -> None:
    """`ansible_check_mode` is that of the command line alone (ansible/ansible 61689)."""
    given = {"upgrade_verify_app": "shop", "upgrade_verify_addon": "mysql", "upgrade_verify_state_dir": str(state)}
    role = {
        "name": "Upgrade",
        "ansible.builtin.include_role": {"name": "community.scalingo.upgrade_verify"},
        "vars": given,
    }
    tell = {"name": "Tell", "ansible.builtin.debug": {"var": "upgrade_verify_summary"}}
    found = (
        either.tasks(
            [{"check_mode": True, "block": [role]}, tell],
            # What the user says for all modules reaches those that the role runs in its task, and its database is not theirs.
            module_defaults={
                "group/community.scalingo.scalingo": {**sandbox.params(), "app": "blog", "addon": "redis"}
            },
            environment=dict.fromkeys(sandbox.environment()),
        )
        .clean()
        .ok()
        .result("Tell")["upgrade_verify_summary"]
    )
    assert (found["outcome"], found["version_wanted"], found["steps"][:2]) == (
        "would_change",
        "8.0.43-1",
        ["make a backup", "upgrade from 8.0.40-1 to 8.0.43-1"],
    )
    assert found["backup_id"] is None and written(sandbox) == [] and not state.exists()


def test_parts_of_the_phases(either: Watched, sandbox: Sandbox, state: Path) -> None:
    given = {
        "upgrade_verify_app": "shop",
        "upgrade_verify_addon": "mysql",
        "upgrade_verify_state_dir": str(state),
        "upgrade_verify_wait_interval": 0.2,
    }
    found = summary(either.play(PLAYBOOK, "-e", json.dumps(given), "--tags", "upgrade_verify_verify").clean().ok())
    assert (found["outcome"], found["version_after"]) == ("would_change", None) and list(state.iterdir()) == []
    assert written(sandbox) == []
    left_out = "upgrade_verify_backup,upgrade_verify_verify"
    run = either.play(PLAYBOOK, "-e", json.dumps(given), "--skip-tags", left_out).clean().ok()
    assert (summary(run)["outcome"], summary(run)["backup_id"]) == ("changed", None)
    assert written(sandbox) == ["D3"] and [path.name for path in state.iterdir()] == [f"{MYSQL}.json"]
    assert "upgraded from 8.0.40-1 to 8.0.43-1, and not verified: the next run does" in run.stderr


def test_a_tag_of_the_user_means_all_of_the_role(either: Watched, sandbox: Sandbox, state: Path) -> None:
    """The task that does everything is about what core would run of the role with the tags of the play, of the role, or of what is around.

    As is that of database_baseline.
    """
    mine, role = {"tags": ["mine"]}, "community.scalingo.upgrade_verify"
    given = {
        f"upgrade_verify_{name}": value
        for name, value in (("app", "shop"), ("addon", "mysql"), ("state_dir", str(state)))
    }
    included = {"ansible.builtin.include_role": {"name": role}}
    ways: list[dict[str, t.Any]] = [
        {**mine, "tasks": [{"ansible.builtin.import_role": {"name": role}}]},
        {**mine, "tasks": [included]},
        {"roles": [{"role": role, **mine}]},
        {"tasks": [{"ansible.builtin.import_role": {"name": role}, **mine}]},
        {"tasks": [{"block": [included], **mine}]},
        {"tasks": [{"ansible.builtin.include_role": {"name": role, "apply": mine}, **mine}]},
        # Core runs nothing of it.
        {"tasks": [{**included, **mine}]},
    ]
    plays = [{"hosts": "localhost", "gather_facts": False, "vars": given, **way} for way in ways]
    wanted = {
        "database_baseline_app": "shop",
        "database_baseline_addon": "mysql",
        "database_baseline_wanted": {"periodic_backups_scheduled_at": 5},
    }
    baseline = {"ansible.builtin.import_role": {"name": "community.scalingo.database_baseline"}, "vars": wanted, **mine}
    run = (
        either.play(
            [*plays, {"hosts": "localhost", "gather_facts": False, "tasks": [baseline]}], "--check", "--tags", "mine"
        )
        .clean()
        .ok()
    )
    assert run.result("Apply the declared resources")["changed"]
    upgraded = run.tasks("Upgrade the database and compare its contents")
    assert [(item.status, item.result["changed"]) for item in upgraded] == [("ok", True)] * 6 + [("skipped", False)]
    assert len(run.tasks("Run the custom verification tasks")) == 6
