# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role backup_offsite through its playbook. What the module does is in tests/unit/test_offsite_backup.py, without Ansible."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import time
import typing as t
from pathlib import Path

import pytest
from scalingo_sandbox.testing import Sandbox
from support.playbook import Ansible, Run
from support.programs import until
from support.real import DURATIONS

PLAYBOOK = "- ansible.builtin.import_playbook: community.scalingo.backup\n"
API_TOKEN = "tk-us-CanaryOfTheCopies0123456789abcdefghijk"
POSTGRESQL = "ad-00000000-0000-4000-8000-000000000061"
MYSQL = "ad-00000000-0000-4000-8000-000000000062"
CLINIC = "ad-00000000-0000-4000-8000-000000000065"
DAY = 86400.0
SIZE = 3_000_000
SEED: dict[str, t.Any] = {
    "user": {"api_token": API_TOKEN},
    "apps": [
        {"name": "shop", "addons": [
            {"provider": "postgresql", "id": POSTGRESQL, "resource_id": "shop_1001", "engine": "real", "database": {"version": "16.14.0-1"}},
            {"provider": "mysql", "id": MYSQL, "database": {"backups": [{"method": "periodic", "age": 3600, "archive_bytes": SIZE}]}},
        ]},
        {"name": "clinic", "addons": [{"provider": "mysql", "id": CLINIC, "hds": True, "database": {"backups": [
            {"method": "manual", "age": day * DAY} for day in range(2, 12)
        ]}}]},
    ],
    "durations": {**DURATIONS, "backup": 1},
}  # fmt: skip
TOKENS = ("A6", "auth-exchange")


class Place:
    """A machine that keeps copies in a directory."""

    def __init__(self, sandbox: Sandbox, ansible: Ansible, directory: Path) -> None:
        self.sandbox = sandbox
        self.ansible = ansible
        self.directory = directory / "copies"

    def variables(self, **variables: t.Any) -> str:
        given = {
            "app": "shop",
            "addon": MYSQL,
            "wait_interval": 0.2,
            "directory": str(self.directory),
            "keep_count": 2,
            **variables,
        }
        return json.dumps({"backup_offsite_" + name: value for name, value in given.items()})

    def keep(self, *options: str, **variables: t.Any) -> tuple[Run, dict[str, t.Any]]:
        run = self.ansible.play(PLAYBOOK, "-e", self.variables(**variables), *options).clean()
        return run, run.result("Publish the summary")["ansible_stats"]["data"]["scalingo_backup"]

    def have(self, *ages: float) -> list[Path]:
        """Copies of backups of the MySQL database that began so many days ago, as the role left them before there was a module."""
        self.directory.mkdir()
        for age in ages:
            began = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(self.sandbox.state()["clock"]["now"] - age * DAY))
            path = self.directory / f"shop.{began.replace('-', '').replace(':', '')}.tar.gz"
            content = b"%f" % age * 1000
            path.write_bytes(content)
            described = {
                "made_by": "community.scalingo.backup_offsite", "database": {"addon_id": MYSQL}, "size": len(content),
                "sha256": hashlib.sha256(content).hexdigest(), "backup": {"id": f"of-{age}", "started_at": began},
            }  # fmt: skip
            path.with_name(path.name + ".json").write_text(json.dumps(described), encoding="utf-8")
        return self.copies()

    def copies(self) -> list[Path]:
        return sorted(
            (path for path in self.directory.glob("[!.]*") if path.suffix != ".json"),
            key=lambda path: path.name.split(".")[1],
        )

    def good(self) -> int:
        """Reckoned here, from the files themselves."""
        number = 0
        for path in self.copies():
            described = json.loads(path.with_name(path.name + ".json").read_text(encoding="utf-8"))
            number += hashlib.sha256(path.read_bytes()).hexdigest() == described["sha256"]
        return number

    def nothing_grows(self) -> bool:
        """The lock stays."""
        return all(path.name.startswith(".lock-") for path in self.directory.glob(".*"))

    def written(self) -> list[str]:
        return [record.route for record in self.sandbox.unsafe() if record.route not in TOKENS]


@pytest.fixture
def place(sandbox: Sandbox, controller: t.Callable[[Sandbox], Ansible], tmp_path: Path) -> Place:
    return Place(sandbox, controller(sandbox), tmp_path)


def test_check_mode_then_a_copy_then_nothing(place: Place) -> None:
    """Of a real PostgreSQL database, whose dump is read."""
    variables = {"addon": POSTGRESQL, "allow": ["new_directory"]}
    dummy, ahead = place.keep("--check", **variables)
    assert ahead["outcome"] == "would_change" and place.written() == [] and not place.directory.exists()

    # The tag of the first phase brings none of the others.
    dummy, looked = place.keep("--tags", "backup_offsite_preflight", **variables)
    assert looked["outcome"] == "unchanged" and place.written() == [] and not place.directory.exists()

    run, done = place.keep(**variables)
    sentence = run.ok().result("Report the outcome")["msg"]
    assert sentence.startswith(f"shop/{POSTGRESQL} has 1 good copy in {place.directory}.")
    assert (
        done["outcome"] == "changed"
        and done["good_copies"] == 1
        and done["steps"][0] == ahead["steps"][0] == "make a backup"
    )
    assert [step.partition(", verify it")[2] for step in done["steps"]] == [
        step.partition(", verify it")[2] for step in ahead["steps"]
    ]
    (copy,) = place.copies()
    assert str(copy) == done["copy"] and copy.stat().st_mode & 0o777 == 0o600 and place.nothing_grows()
    described = json.loads(copy.with_name(copy.name + ".json").read_text(encoding="utf-8"))
    assert described["sha256"] == done["sha256"] == hashlib.sha256(copy.read_bytes()).hexdigest()
    assert described["backup"]["id"] == done["backup_id"] and described["database"]["engine"] == "postgresql"

    place.sandbox.clear_log()
    run, nothing = place.keep(addon=POSTGRESQL)
    assert (nothing["outcome"], run.ok().count("changed"), nothing["copy"]) == ("unchanged", 0, str(copy))
    assert [record.route for record in place.sandbox.log() if record.role == "db"] == ["B1"]


def test_what_is_bad_and_what_is_too_much(place: Place) -> None:
    """A periodic backup, beside copies of the role as it was."""
    oldest, older, altered = place.have(9, 3, 1)
    content = bytearray(altered.read_bytes())
    content[200] ^= 1
    altered.write_bytes(content)
    run, summary = place.keep(make_backup=False)
    run.failed()
    assert (summary["outcome"], summary["failed_in"], summary["good_copies"]) == ("failed", "prune", 2)
    assert altered.name in summary["findings"][0] and len(summary["findings"]) == 1
    assert "The copy of the backup is good" in summary["next_steps"][0] and not oldest.exists() and older.exists()
    run, summary = place.keep(make_backup=False, bad_copies="remove", keep_days=5)
    assert (summary["outcome"], summary["findings"], place.good()) == ("changed", [], 2) and run.ok()
    assert not altered.exists() and place.written() == []


def test_what_fails_before_a_backup_is_made(place: Place) -> None:
    """Data of health, and the limit of the plan: all consents that are missing, at once. Then a backup that is cancelled."""
    run, refused = place.keep(app="clinic", addon="mysql")
    run.failed()
    assert place.written() == [] and not place.directory.exists(), "something was written before the consent"
    assert refused["failed_in"] == "preflight" and "data of health (HDS)" in refused["findings"][0]
    for words in ("eviction", "export, new_directory"):
        assert f"'backup_offsite_allow: [{words}]' to the variables of the role" in refused["findings"][0]

    place.sandbox.outcome(kind="backup", outcome="cancel", addon_id=CLINIC)
    run, summary = place.keep(app="clinic", addon=CLINIC, allow=["export", "eviction", "new_directory"], name="日本語")
    run.failed()
    assert (summary["outcome"], summary["failed_in"], summary["database"]["name"]) == ("failed", "backup", "日本語")
    assert (
        "cancelled" in summary["findings"][0]
        and not place.directory.exists()
        and "No copy was removed" in summary["next_steps"][0]
    )


def test_a_second_run_stays_away_and_the_next_finishes_one_that_is_killed(place: Place, tmp_path: Path) -> None:
    """While it encrypts, when something clear is there: the user's command ends with the run, and the next run removes what is clear."""
    copies = place.have(10)
    (tmp_path / "killed.yml").write_text(PLAYBOOK, encoding="utf-8")
    begun = tmp_path / "begun"
    command = ["sh", "-c", 'echo $$ > "$0.pid"; mv "$0.pid" "$0"; sleep 60', str(begun), "{input}", "{output}"]
    words = [
        str(place.ansible.programs / "ansible-playbook"),
        "-vvvv",
        "-i",
        "localhost,",
        str(tmp_path / "killed.yml"),
    ]
    process = subprocess.Popen(
        [*words, "-e", place.variables(encrypt_command=command)], env=place.ansible.variables(), cwd=place.ansible.working_directory,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
    )  # fmt: skip
    until(begun.exists, "the encryption", 60)
    growing = place.directory / (".growing-" + MYSQL)
    (clear,) = growing.glob(".*.part")
    run, summary = place.keep(encrypt_command=command)
    assert (run.failed().count("changed"), summary["outcome"], summary["failed_in"]) == (0, "interrupted", "download")
    assert "another run is bringing a backup of this database" in summary["findings"][0] and clear.exists()
    assert "when the other one has ended" in summary["findings"][0] and "Run it again" in summary["next_steps"][0]
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    until(lambda: not Path(f"/proc/{begun.read_text().strip()}").exists(), "the end of the command", 30)
    assert place.copies() == copies and place.good() == 1
    place.sandbox.clear_log()
    run, summary = place.keep(encrypt_command=["sh", "-c", "cat $0 $0 > $1", "{input}", "{output}"])
    assert run.ok() and summary["good_copies"] == 2 == place.good() and place.written() == [] and place.nothing_grows()
