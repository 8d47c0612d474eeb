# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role backup_offsite through its playbook: whatever fails in the middle, the good copies that there were are there."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import subprocess
import tarfile
import time
import typing as t
from pathlib import Path

import pytest
from scalingo_sandbox.testing import Sandbox
from support.files import Content, FileServer
from support.playbook import Ansible, Run
from support.programs import until
from support.real import DURATIONS

PLAYBOOK = "- ansible.builtin.import_playbook: community.scalingo.backup\n"
API_TOKEN = "tk-us-CanaryOfTheCopies0123456789abcdefghijk"
POSTGRESQL = "ad-00000000-0000-4000-8000-000000000061"
MYSQL = "ad-00000000-0000-4000-8000-000000000062"
OPENSEARCH = "ad-00000000-0000-4000-8000-000000000064"
VAULT = "ad-00000000-0000-4000-8000-000000000063"
CLINIC = "ad-00000000-0000-4000-8000-000000000065"
DAY = 86400.0
SIZE = 3_000_000
SEED: dict[str, t.Any] = {
    "user": {"api_token": API_TOKEN},
    "apps": [
        {"name": "shop", "addons": [
            {"provider": "postgresql", "id": POSTGRESQL, "resource_id": "shop_1001", "engine": "real", "database": {"version": "16.14.0-1"}},
            {"provider": "mysql", "id": MYSQL, "database": {"backups": [{"method": "periodic", "age": 3600, "archive_bytes": SIZE}]}},
            {"provider": "opensearch", "id": OPENSEARCH, "database": {"backups": [{}]}},
        ]},
        {"name": "vault", "region": "osc-secnum-fr1", "addons": [{"provider": "mysql", "id": VAULT, "database": {"backups": [{}]}}]},
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
        """Copies of backups of the MySQL database that began so many days ago, as earlier runs would have left them."""
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
        return {path.name.partition("-")[0] for path in self.directory.iterdir() if path.name.startswith(".")} <= {
            ".lock"
        }

    def written(self) -> list[str]:
        return [record.route for record in self.sandbox.unsafe() if record.route not in TOKENS]

    def downloads(self) -> int:
        return len([record for record in self.sandbox.log() if record.role == "files"])


@pytest.fixture
def place(sandbox: Sandbox, controller: t.Callable[[Sandbox], Ansible], tmp_path: Path) -> Place:
    return Place(sandbox, controller(sandbox), tmp_path)


def test_check_mode_then_a_copy_then_nothing(place: Place) -> None:
    dummy, ahead = place.keep("--check", addon=POSTGRESQL)
    assert ahead["outcome"] == "would_change" and place.written() == [] and not place.directory.exists()

    run, done = place.keep(addon=POSTGRESQL)
    run.ok()
    assert (done["outcome"], done["steps"]) == ("changed", ahead["steps"]) and done["good_copies"] == 1
    (copy,) = place.copies()
    assert str(copy) == done["copy"] and copy.stat().st_mode & 0o777 == 0o600 and place.nothing_grows()
    described = json.loads(copy.with_name(copy.name + ".json").read_text(encoding="utf-8"))
    assert (
        described["sha256"] == hashlib.sha256(copy.read_bytes()).hexdigest()
        and described["size"] == copy.stat().st_size
    )
    assert described["backup"]["id"] == done["backup_id"] and described["database"]["engine"] == "postgresql"
    with tarfile.open(copy) as archive:
        assert [Path(name).suffix for name in archive.getnames()] == [".pgsql"]

    place.sandbox.clear_log()
    run, nothing = place.keep(addon=POSTGRESQL)
    assert (nothing["outcome"], run.ok().count("changed"), nothing["copy"]) == ("unchanged", 0, str(copy))
    assert [record.route for record in place.sandbox.log() if record.role == "db"] == ["D1", "B1"]


def test_too_many_and_too_old_ones_go_and_others_stay(place: Place) -> None:
    oldest, older, young = place.have(9, 3, 1)
    strange = place.directory / "a-file.tar.gz"
    strange.write_bytes(b"of somebody else")
    strange.with_name("a-file.tar.gz.json").write_text("{}", encoding="utf-8")
    dummy, ahead = place.keep("--check", keep_days=5)
    assert oldest.exists() and [step.split("/")[-1] for step in ahead["steps"] if step.startswith("remove ")] == [
        oldest.name
    ]
    place.directory.chmod(0o750)
    dummy, done = place.keep(keep_days=5)
    assert done["good_copies"] == 3 and ahead["steps"][-1:] == done["steps"][-1:]
    assert place.directory.stat().st_mode & 0o777 == 0o750, "the mode of a directory that was there is not the role's"
    assert [path.exists() for path in (oldest, older, young, strange)] == [False, True, True, True]
    assert not oldest.with_name(oldest.name + ".json").exists()


def test_a_cancelled_backup_leaves_everything_as_it_is(place: Place) -> None:
    copies = place.have(30, 20, 10)
    place.sandbox.outcome(kind="backup", outcome="cancel", addon_id=MYSQL)
    run, summary = place.keep(max_age="1s")
    run.failed()
    assert (summary["outcome"], summary["failed_in"], summary["good_copies"]) == ("failed", "backup", 3)
    assert (
        "cancelled" in summary["findings"][0]
        and place.copies() == copies
        and place.good() == 3
        and place.downloads() == 0
    )


def test_a_copy_that_is_not_good_any_more_is_never_counted(place: Place) -> None:
    oldest, altered, cut = place.have(3, 2, 1)
    content = bytearray(altered.read_bytes())
    content[200] ^= 1
    altered.write_bytes(content)
    cut.write_bytes(cut.read_bytes()[:-100])
    run, summary = place.keep()
    run.failed()
    assert (summary["outcome"], summary["failed_in"], summary["good_copies"]) == ("failed", "prune", 2)
    assert cut.name in summary["findings"][0] and altered.name in summary["findings"][1]
    # The oldest stays, since it is one of the two good ones.
    assert oldest.exists() and cut.exists() and place.good() == 2
    run, summary = place.keep(bad_copies="remove")
    run.ok()
    assert (
        [path.exists() for path in (oldest, altered, cut)] == [True, False, False]
        and place.good() == 2
        and summary["findings"] == []
    )


def test_an_archive_that_is_damaged_where_it_comes_from_is_not_kept(place: Place) -> None:
    copies = place.have(30, 20, 10)
    with FileServer(Content(100_000)) as server:
        place.sandbox.fault(match={"route": "B4"}, do="replace", body={"download_url": server.link()})
        run, summary = place.keep()
    run.failed()
    assert (summary["failed_in"], summary["good_copies"]) == ("download", 3) and "No copy was removed" in summary[
        "next_steps"
    ][0]
    assert place.copies() == copies and place.good() == 3 and place.nothing_grows()


def test_archives_that_are_not_served_are_refused_before_a_backup_is_made(place: Place) -> None:
    run, summary = place.keep(addon=OPENSEARCH)
    run.failed()
    assert (
        summary["failed_in"] == "preflight"
        and "opensearch, whose archives the platform does not serve" in summary["findings"][0]
    )
    assert place.written() == [] and not place.directory.exists()


def test_an_archive_that_the_platform_has_lost_is_not_kept(place: Place) -> None:
    copies = place.have(30, 20, 10)
    match = {"role": "files"}
    place.sandbox.fault(
        match=match,
        do="status",
        status=200,
        body="fail to get archive: NoSuchKey:",
        headers={"Content-Type": "text/plain"},
    )
    run, summary = place.keep(make_backup=False)
    run.failed()
    assert (
        summary["failed_in"] == "download"
        and "and the platform says" in summary["findings"][0]
        and "NoSuchKey" in summary["findings"][0]
    )
    assert place.copies() == copies and place.good() == 3 and place.nothing_grows()


def test_a_download_that_breaks_off_goes_on_the_next_time(place: Place) -> None:
    place.sandbox.fault(match={"role": "files"}, do="truncate", bytes=1_000_000, times=1)
    place.sandbox.fault(match={"role": "files"}, do="drop_before", times=100)
    role = {"name": "Copy it", "ansible.builtin.import_role": {"name": "community.scalingo.backup_offsite"}}
    once = {"group/community.scalingo.scalingo": {"api_retries": 0}}
    run = place.ansible.tasks([role], "-e", place.variables(make_backup=False), module_defaults=once).failed()
    summary = run.result("Compile the summary")["ansible_facts"]["backup_offsite_summary"]
    assert summary["outcome"] == "interrupted" and place.copies() == []
    place.sandbox.clear_faults()
    place.sandbox.clear_log()
    run, summary = place.keep(make_backup=False)
    assert run.ok() and summary["good_copies"] == 1 == place.good() and place.nothing_grows() and place.written() == []


def test_a_disk_that_is_full(place: Place, tmp_path: Path) -> None:
    copies = place.have(10)
    # Another file system, which the run alone sees.
    mount = 'mkdir -p "$0/full" && mount -t tmpfs -o size=1m tmpfs "$0/full" && cp "$0"/copies/* "$0/full" && "$@"; code=$?; ls -A "$0/full"; exit $code'
    place.ansible.prefix = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", mount, str(tmp_path)]
    run, summary = place.keep(make_backup=False, directory=str(tmp_path / "full"))
    run.failed()
    assert (summary["outcome"], summary["failed_in"]) == ("failed", "download") and "Free some space" in summary[
        "findings"
    ][0]
    assert run.stdout.split()[-2:] == [copies[0].name, copies[0].name + ".json"]


@pytest.mark.parametrize(
    ("command", "problem"),
    [
        (["sh", "-c", "echo no key >&2; exit 3", "{input}", "{output}"], "sh ended with 3: no key"),
        (["cp", "{input}", "{output}"], "cp did not encrypt"),
    ],
)
def test_an_encryption_that_fails_keeps_nothing_in_clear(command: list[str], problem: str, place: Place) -> None:
    run, summary = place.keep(make_backup=False, encrypt_command=command)
    run.failed()
    assert problem in summary["findings"][0] and summary["failed_in"] == "download"
    assert place.copies() == [] and place.nothing_grows()


def test_a_second_run_stays_away_and_the_next_finishes_one_that_is_killed(place: Place, tmp_path: Path) -> None:
    """While it encrypts, when something clear is there: another process sees to it that this does not stay."""
    copies = place.have(10)
    (tmp_path / "killed.yml").write_text(PLAYBOOK, encoding="utf-8")
    begun = tmp_path / "begun"
    command = ["sh", "-c", 'touch "$0"; sleep 60', str(begun), "{input}", "{output}"]
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
    (clear,) = growing.glob("*.tar.gz")
    run, summary = place.keep(encrypt_command=command)
    assert (run.failed().count("changed"), summary["outcome"], summary["failed_in"]) == (0, "interrupted", "download")
    assert (
        "another run is bringing a backup of this database" in summary["findings"][0]
        and f"process {process.pid} on" in summary["findings"][0]
    )
    assert "when the other one has ended" in summary["next_steps"][0] and clear.exists()
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    until(lambda: not growing.exists(), "the keeper", 30)
    assert place.copies() == copies and place.good() == 1
    place.sandbox.clear_log()
    run, summary = place.keep(encrypt_command=["sh", "-c", "gzip < $0 > $1", "{input}", "{output}"])
    assert run.ok() and summary["good_copies"] == 2 == place.good() and place.written() == [] and place.nothing_grows()


def test_nothing_leaves_the_protected_region_without_the_consent(place: Place) -> None:
    variables = {"app": "vault", "addon": VAULT, "region": "osc-secnum-fr1"}
    guarded = place.sandbox.environment("osc-secnum-fr1")
    # An extra variable of the form name=value is a text.
    run = (
        place.ansible.play(
            PLAYBOOK, "-e", place.variables(**variables), "-e", "backup_offsite_allow=eviction", environment=guarded
        )
        .clean()
        .failed()
    )
    assert (
        "backup_offsite_allow: [export]"
        in run.result("Publish the summary")["ansible_stats"]["data"]["scalingo_backup"]["findings"][0]
    )
    assert [record.route for record in place.sandbox.log() if record.role == "db"] == [
        "D1",
        "B1",
    ] and not place.directory.exists()
    place.ansible.play(
        PLAYBOOK,
        "-e",
        place.variables(allow="export", make_backup=False, max_age="0", **variables),
        environment=guarded,
    ).clean().ok()
    assert place.good() == 1


@pytest.mark.parametrize("addon", ["mysql", CLINIC], ids=["by its kind", "by its ID"])
def test_data_of_health_are_refused_before_a_backup_is_made(place: Place, addon: str) -> None:
    run, refused = place.keep(app="clinic", addon=addon)
    run.failed()
    assert place.written() == [], "something was written before the consent"
    assert not place.directory.exists()
    assert [record.route for record in place.sandbox.log() if record.route == "A2"] == [], (
        "the addon was read although its token says it all"
    )
    assert refused["failed_in"] == "preflight" and "data of health (HDS)" in refused["findings"][0]
    for word in ("export", "eviction"):
        assert f"'backup_offsite_allow: [{word}]' to the variables of the role" in refused["findings"][0], (
            "all that is missing, at once"
        )

    run, done = place.keep(app="clinic", addon=addon, allow=["export", "eviction"], name="日本語")
    assert Path(done["copy"]).name.startswith(CLINIC + "."), "a name of which nothing can be in the name of a file"
    assert run.ok() and done["outcome"] == "changed" and place.written() == ["B2"] and place.good() == 1
