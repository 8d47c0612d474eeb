# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""scalingo_offsite_backup against the sandbox, in this process: whatever fails in the middle, the good copies that there were are there."""

from __future__ import annotations

import hashlib
import json
import os
import typing as t
from pathlib import Path

import pytest
from ansible_collections.community.scalingo.plugins.module_utils import _copies, _copy_making
from ansible_collections.community.scalingo.plugins.module_utils._resources import offsite_backup
from ansible_collections.community.scalingo.plugins.modules import scalingo_backup_info, scalingo_offsite_backup
from scalingo_sandbox.testing import Sandbox
from support.files import Content, FileServer
from support.port import Report, perform

ADDON = "ad-00000000-0000-4000-8000-000000000072"
OLD = {"id": "5b8b36104ffb090be1ac3ce1", "method": "periodic", "age": 90_000, "archive_bytes": 30_000}
NEW = {"id": "5b8b36104ffb090be1ac3ce2", "method": "periodic", "age": 3600, "archive_bytes": 3_000_000}


@pytest.fixture(scope="module")
def running() -> t.Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(running: Sandbox) -> Sandbox:
    running.reset(
        {
            "apps": [
                {"name": "shop", "addons": [{"provider": "mysql", "id": ADDON, "database": {"backups": [OLD, NEW]}}]}
            ]
        }
    )
    return running


class Keeping:
    def __init__(self, sandbox: Sandbox, home: Path) -> None:
        self.sandbox = sandbox
        self.home = home
        self.directory = home / "copies"
        self.directory.mkdir()
        (self.directory / ".scalingo_copies").touch()

    def __call__(self, check: bool = False, module: t.Any = scalingo_offsite_backup, **options: t.Any) -> Report:
        given = {**self.sandbox.params(), "app": "shop", "addon": ADDON, **options}
        if module is scalingo_offsite_backup:
            given = {"directory": str(self.directory), "max_shrink": 100, **given}
        return perform(module, given, home=self.home, check=check)

    def names(self) -> list[str]:
        return sorted(name for name in os.listdir(self.directory) if name[0] != "." or name.startswith(".growing"))

    def downloads(self) -> list[int]:
        """The status of each answer of the server of archives."""
        return [t.cast(int, record.status) for record in self.sandbox.log() if record.role == "files"]


@pytest.fixture
def keep(sandbox: Sandbox, tmp_path: Path) -> Keeping:
    return Keeping(sandbox, tmp_path)


def good(report: Report) -> list[str]:
    assert not report.failed, report.message
    return [copy["backup_id"] for copy in report.result["copies"] if copy["good"]]


def test_a_copy_is_the_archive_with_a_description(keep: Keeping) -> None:
    report = keep()
    assert good(report) == [NEW["id"]] and report.changed
    path = Path(report.result["file"]["path"])
    described = json.loads(path.with_name(path.name + ".json").read_text(encoding="utf-8"))
    assert described["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest() == report.result["file"]["sha256"]
    assert described["database"]["engine"] == "mysql" and described["database"]["region"] == "osc-fr1"
    assert path.stat().st_mode & 0o777 == 0o600 and keep.names() == [path.name, path.name + ".json"]


@pytest.mark.parametrize("said", ["not read to its end", "not a gzipped archive"])
def test_an_archive_that_is_damaged_where_it_comes_from_is_not_kept(said: str, keep: Keeping) -> None:
    good(keep(backup_id=OLD["id"]))
    before = keep.names()
    if said == "not a gzipped archive":
        match = {"role": "files"}
        keep.sandbox.fault(match=match, do="status", status=200, body="fail to get archive: NoSuchKey:", headers={"Content-Type": "text/plain"})  # fmt: skip
        report = keep()
    else:
        with FileServer(Content(NEW["archive_bytes"])) as server:
            keep.sandbox.fault(match={"route": "B4"}, do="replace", body={"download_url": server.link()})
            report = keep()
    assert report.failed and keep.names() == before and report.result["good_copies"] == 1
    assert "Could not download the backup" in report.message and f"keep it in {keep.directory}" in report.message


@pytest.mark.parametrize("encrypting", [False, True])
def test_a_download_that_breaks_off_goes_on_the_next_time(encrypting: bool, keep: Keeping) -> None:
    """Not one that is to be encrypted: nothing clear of it stays."""
    encrypt = {"encrypt_command": ["sh", "-c", 'cat "$0" "$0" > "$1"', "{input}", "{output}"]} if encrypting else {}
    keep.sandbox.fault(match={"role": "files"}, do="truncate", bytes=1_000_000, times=1)
    keep.sandbox.fault(match={"role": "files"}, do="drop_before", times=100)
    report = keep(api_retries=0, **encrypt)
    assert report.failed and report.result["error"]["interrupted"] and report.result["good_copies"] == 0
    assert ("the next run resumes there" in report.message) is not encrypting
    assert keep.names() == ([] if encrypting else [".growing-" + ADDON])
    keep.sandbox.clear_faults()
    keep.sandbox.clear_log()
    assert good(keep(**encrypt)) == [NEW["id"]] and len(keep.names()) == 2
    assert keep.downloads() == ([200] if encrypting else [206])


def test_a_download_that_was_whole_is_not_brought_again(keep: Keeping, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run was killed while it verified."""

    def killed(*dummy: t.Any, **options: t.Any) -> t.Any:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(_copy_making, "made", killed)
        with pytest.raises(KeyboardInterrupt):
            keep()
    keep.sandbox.clear_log()
    assert good(keep()) == [NEW["id"]] and keep.downloads() == []


def test_what_another_run_does_meanwhile(keep: Keeping, monkeypatch: pytest.MonkeyPatch) -> None:
    """It brings the same backup, and removes what is too much, between the plan of this one and its steps."""
    good(keep(backup_id=OLD["id"]))
    bring = offsite_backup.OffsiteBackup._bring
    remove = offsite_backup.OffsiteBackup._remove

    def other_first(step: t.Any) -> t.Any:
        def work(self: t.Any, *arguments: t.Any) -> t.Any:
            monkeypatch.undo()
            assert good(keep(keep_count=1)) == [NEW["id"]]
            return step(self, *arguments)

        return work

    monkeypatch.setattr(offsite_backup.OffsiteBackup, "_bring", other_first(bring))
    report = keep(keep_count=1)
    assert good(report) == [NEW["id"]] and not report.changed and report.result["steps"] == []
    # The copies are those of two backups again, and another run removes the older one.
    good(keep(backup_id=OLD["id"]))
    monkeypatch.setattr(offsite_backup.OffsiteBackup, "_remove", other_first(remove))
    report = keep(keep_count=1)
    assert good(report) == [NEW["id"]] and not report.changed


def test_another_run_that_is_at_work_is_named(keep: Keeping) -> None:
    shelf = _copies.Shelf(str(keep.directory), ADDON)
    with shelf.bringing("another", stays=False):
        report = keep()
        assert report.failed and report.result["error"]["interrupted"] and not report.changed
        assert (
            f"another run is bringing a backup of this database to {keep.directory}: process {os.getpid()} on "
            in report.message
        )
        assert "when the other one has ended" in report.message
    assert good(keep()) == [NEW["id"]]


def test_a_disk_that_is_not_mounted_is_told(keep: Keeping) -> None:
    """NethServer/dev#5720: there was an empty directory, and the first copy was made in it."""
    (keep.directory / ".scalingo_copies").unlink()
    for directory, said in (
        (keep.directory, "holds no copies, and has never held any"),
        (keep.home / "none", "does not exist"),
    ):
        report = keep(directory=str(directory))
        assert (
            report.kind == "ConsentMissing" and f"{directory} {said}: a disk may not be mounted there" in report.message
        )
        assert "allow: [new_directory]" in report.message and not (keep.home / "none").exists() and keep.names() == []
    assert good(keep(directory=str(keep.home / "none"), allow=["new_directory"])) == [NEW["id"]]
    assert (keep.home / "none").stat().st_mode & 0o777 == 0o700
    assert good(keep(directory=str(keep.home / "none"))) == [NEW["id"]], "it is known by now"


@pytest.mark.parametrize("bad_copies", ["fail", "remove"])
def test_what_cannot_be_told_of_copies_fails_the_task(
    bad_copies: str, keep: Keeping, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that cannot be read stays, and so does a disappeared one until it is told to be forgotten."""
    good(keep(backup_id=OLD["id"]))
    good(keep())
    for path in map(Path, [copy["path"] for copy in keep().result["copies"][1:]]):
        path.with_name(path.name + ".json").write_text("", encoding="utf-8")
    report = keep(bad_copies=bad_copies, keep_count=1)
    assert (
        report.failed
        and "cannot be read: it is not JSON" in report.message
        and report.result["findings"] == [report.result["error"]["message"]]
    )
    assert report.result["good_copies"] == 1 and len(keep.names()) == 4
    assert good(keep(bad_copies="report", keep_count=1)) == [NEW["id"]]
    for name in keep.names():
        if OLD["id"] in name:
            (keep.directory / name).unlink()
    report = keep(bad_copies=bad_copies, keep_count=1)
    assert report.failed is (bad_copies == "fail") and (not report.failed or "has disappeared" in report.message)


def test_a_copy_that_is_much_smaller_is_kept_and_told(keep: Keeping) -> None:
    good(keep(backup_id=OLD["id"]))
    good(keep(backup_id=NEW["id"]))
    keep.sandbox.reset({"apps": [{"name": "shop", "addons": [{"provider": "mysql", "id": ADDON, "database": {"backups": [
        {"id": "5b8b36104ffb090be1ac3ce3", "age": 60, "archive_bytes": 3000}
    ]}}]}]})  # fmt: skip
    for again in (False, True):
        report = keep(keep_count=1, max_shrink=50)
        assert report.failed and report.changed is not again and report.result["good_copies"] == 3
        assert "% less than shop-" in report.message and "max_shrink: 100" in report.message
    assert not keep(keep_count=3).failed, "for this run"
    keep.sandbox.reset({"apps": [{"name": "shop", "addons": [{"provider": "mysql", "id": ADDON, "database": {"backups": [
        {"id": "5b8b36104ffb090be1ac3ce4", "age": 30, "archive_bytes": 3000}
    ]}}]}]})  # fmt: skip
    assert len(good(keep(keep_count=4))) == 4
    assert good(keep(keep_count=1, max_shrink=50)) == ["5b8b36104ffb090be1ac3ce4"], "the next are compared with it"


def test_dates_in_the_future_say_nothing(keep: Keeping) -> None:
    """restic#21956: neither of backups nor of copies. Both are noted."""
    ahead = {"id": "5b8b36104ffb090be1ac3ce4", "age": -30 * 86400, "archive_bytes": 30_000}
    keep.sandbox.reset(
        {
            "apps": [
                {
                    "name": "shop",
                    "addons": [{"provider": "mysql", "id": ADDON, "database": {"backups": [OLD, NEW, ahead]}}],
                }
            ]
        }
    )
    found = keep(module=scalingo_backup_info, latest=True)
    assert [backup["id"] for backup in found.result["backups"]] == [NEW["id"]]
    assert any("began in the future" in note for note in found.result["notes"])
    assert keep(module=scalingo_backup_info, max_age="30m").result["backups"] == []
    report = keep()
    assert good(report) == [NEW["id"]] and any("began in the future" in note for note in report.result["notes"])
    # Told to, a copy of it comes, and says nothing of the others.
    report = keep(backup_id=ahead["id"])
    assert sorted(good(report)) == sorted([NEW["id"], ahead["id"]])
    report = keep(backup_id=OLD["id"], keep_count=2)
    assert len(good(report)) == 3 and any(
        "says nothing of the ages of others" in note for note in report.result["notes"]
    )


def test_a_full_disk_names_the_directory(keep: Keeping, monkeypatch: pytest.MonkeyPatch) -> None:
    good(keep(backup_id=OLD["id"]))
    before = keep.names()

    write = _copies.write_atomically

    def full(*arguments: t.Any) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", no_space)
            write(*arguments)

    def no_space(dummy: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(_copies, "write_atomically", full)
        report = keep()
    assert (
        report.failed
        and str(keep.directory) in report.result["error"]["message"]
        and "Free some space" in report.message
    )
    assert [name for name in keep.names() if name[0] != "."] == before
    keep.sandbox.clear_log()
    assert good(keep()) == [NEW["id"], OLD["id"]] and len(keep.names()) == 4 and keep.downloads() == []


def test_check_mode_leaves_everything_as_it_is(keep: Keeping) -> None:
    good(keep(backup_id=OLD["id"]))
    (keep.directory / (".growing-" + ADDON)).mkdir()
    (keep.directory / (".growing-" + ADDON) / "clear").touch()
    before = {path: path.stat().st_mtime_ns for path in keep.directory.rglob("*")}
    report = keep(check=True, keep_count=1)
    assert good(report) == [NEW["id"]] and len(report.result["steps"]) == 2 and report.changed
    assert {path: path.stat().st_mtime_ns for path in keep.directory.rglob("*")} == before
    report = keep(check=True, backup_id=OLD["id"])
    assert [step.partition(" in ")[0] for step in report.result["steps"]] == ["remove what a killed run has left"]
    assert keep(backup_id=OLD["id"]).changed and not (keep.directory / (".growing-" + ADDON)).exists()


@pytest.mark.parametrize("field", ["created_at", "name", "database_id", "method"])
def test_what_has_no_known_form_is_written_as_null(keep: Keeping, field: str) -> None:
    keep.sandbox.fault(match={"route": "B1"}, do="wrong_type", at=f"database_backups.*.{field}")
    assert NEW["id"] in good(keep())
    (description,) = keep.directory.glob(f"*{NEW['id']}*.json")
    assert json.loads(description.read_text(encoding="utf-8"))["backup"][field] is None
    keep.sandbox.clear_faults()
    assert not keep().changed
