# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the role upgrade_verify decides, and the file in which it survives: with modules that answer from a table."""

from __future__ import annotations

import copy
import errno
import json
import multiprocessing
import os
import stat
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.community.scalingo.plugins.module_utils._resources.backup import NOT_MADE
from ansible_collections.community.scalingo.plugins.plugin_utils import _upgrade, _upgrade_report, _upgrade_state
from ansible_collections.community.scalingo.plugins.plugin_utils._upgrade import ModuleFailed, Upgrade
from ansible_collections.community.scalingo.plugins.plugin_utils._upgrade_report import FIRST, LAST, MAIN, Report
from ansible_collections.community.scalingo.plugins.plugin_utils._upgrade_state import Refused
from support.evidence import drilled

Values = dict[str, t.Any]
ADDON = "ad-1"
GIVEN: Values = {
    "app": "shop", "addon": "mysql", "addon_id": "", "region": "", "name": "", "to": "latest_minor", "allow": [], "backup": True, "backup_max_age": "1h",
    "verification_tasks": "", "not_after": "", "require_rehearsal": "", "evidence_dir": "", "wait_timeout": 60, "wait_interval": 5, "settle_seconds": 300,
}  # fmt: skip
CONTENTS: Values = {
    "version": "8.0.40-1",
    "status": "running",
    "instances": [],
    "extensions": [],
    "logical_databases": [],
    "users": ["shop_1"],
}
OPERATION: Values = {
    "id": "op-1",
    "type": "upgrade",
    "status": "running",
    "created_at": "2026-11-21T00:00:00.5Z",
    "error": None,
}


class Platform:
    """Answers in the place of the modules, and notes what was asked."""

    def __init__(
        self,
        version: str = "8.0.40-1",
        path: t.Sequence[str] = ("8.0.43-1",),
        operation: Values | None = None,
        **more: t.Any,
    ) -> None:
        self.asked: list[str] = []
        self.options: list[Values] = []
        self.database: Values | None = {
            "type_name": "scalingo-mysql", "status": "running", "current_operation_id": operation and operation["id"], "readable_version": version,
            "resource_id": "shop_1", **more,
        }  # fmt: skip
        self.path = path
        self.operation = operation
        self.after: Values = {"status": "finished", "version": "8.0.43-1", "error": None}
        self.backups: list[Values] | Values = []
        self.plan_fails: Values | None = None
        self.backup: Values | None = None

    def __call__(self, name: str, check_mode: bool | None = None, **options: t.Any) -> Values:
        name = name.replace("scalingo_", "")
        self.asked.append(name)
        self.options.append({"check_mode": check_mode, **options})
        if name == "operation_info":
            operations = [self.operation] if self.operation else []
            if options.get("wait"):
                self.database = self.database and {
                    **self.database,
                    "current_operation_id": None,
                    "readable_version": self.after["version"],
                }
                operations = [{**OPERATION, **self.after}]
            return {
                "database": self.database,
                "operations": operations,
                "app": "shop",
                "addon_id": ADDON,
                "region": "osc-fr1",
            }
        if name == "database_upgrade":
            if self.plan_fails is not None:
                raise ModuleFailed(copy.deepcopy(self.plan_fails))
            return {
                "path": [{"version": version} for version in self.path],
                "steps": [f"upgrade to {version}" for version in self.path],
                "major_available": True,
                "next_version": "8.4.5-1",
            }
        if name == "backup_info":
            if isinstance(self.backups, dict):
                raise ModuleFailed(self.backups)
            return {"backups": self.backups}
        if name == "backup":
            if self.backup is None:
                raise ModuleFailed({"msg": "eviction", "error": {"kind": "ConsentMissing"}})
            return self.backup
        assert name == "database_contents_info"
        return {"contents": CONTENTS, **({"findings": []} if "compare_with" in options else {})}


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "state"


def upgrade(
    place: Path,
    platform: _upgrade.Module,
    phases: t.Collection[str] = _upgrade.PHASES,
    only_checks: bool = False,
    **given: t.Any,
) -> Upgrade:
    def write(change: t.Callable[[], t.Any]) -> None:
        if not only_checks:
            change()

    return Upgrade({**GIVEN, "state_dir": str(place), **given}, phases, platform, write, only_checks)


def prepare(place: Path, platform: _upgrade.Module, **given: t.Any) -> Values:
    return upgrade(place, platform, ("preflight",), **given)()


def kept(place: Path, **changes: t.Any) -> Path:
    """What a killed run has left."""
    place.mkdir(exist_ok=True)
    file = place / f"{ADDON}.json"
    state = {"format": 1, "addon_id": ADDON, "name": "shop/mysql", "before": CONTENTS, "version_wanted": "8.0.43-1", "backup_id": "b-1",
             "written_at": "2026-11-20T00:00:00Z", "owner": {"process": 1, "started": "never", "place": ["elsewhere"]}, **changes}  # fmt: skip
    file.write_text(json.dumps(state), encoding="utf-8")
    return file


def test_what_must_survive_is_written_before_anything_is_done(place: Path) -> None:
    platform = Platform()
    prepared = prepare(place, platform)
    assert platform.asked == ["operation_info", "database_upgrade", "database_contents_info"]
    assert (prepared["target"], prepared["older"], prepared["taken_over"], prepared["backup_id"]) == (
        "8.0.43-1",
        False,
        False,
        None,
    )
    assert (
        prepared["database"]["engine"] == "mysql"
        and prepared["label"] == "shop/mysql"
        and prepared["major_available"] == "8.4.5-1"
    )
    file = place / f"{ADDON}.json"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600 and list(place.iterdir()) == [file]
    state = json.loads(file.read_text(encoding="utf-8"))
    assert state["before"] == CONTENTS and state["backup_id"] is None and state["owner"] == _upgrade_state.owner()


def test_one_task_backs_up_upgrades_and_compares(place: Path) -> None:
    platform = Platform()
    noted: list[t.Any] = []

    def module(name: str, **options: t.Any) -> Values:
        state = _upgrade_state.load(str(place), ADDON)
        noted.append(state.get("backup_id", "no file"))
        return platform(name, **options)

    platform.backup = {"changed": True, "steps": ["make a backup"], "backup": {"id": "b-9"}}
    done = upgrade(place, module, allow=["eviction", "major"])()
    assert platform.asked[3:] == ["backup", "database_upgrade", "database_contents_info"]
    # The file has the backup before the upgrade begins.
    assert noted == ["no file", "no file", "no file", None, "b-9", "b-9"]
    assert platform.options[3:] == [
        {"check_mode": None, "allow": ["eviction"], "max_age": "1h", "wait_timeout": 60, "wait_interval": 5},
        {"check_mode": None, "to": "8.0.43-1", "allow": ["major"], "wait_timeout": 60, "wait_interval": 5},
        {"check_mode": None, "compare_with": CONTENTS, "version": "8.0.43-1", "wait": True, "wait_timeout": 300, "wait_interval": 5},
    ]  # fmt: skip
    assert done["steps"] == ["make a backup", "upgrade to 8.0.43-1"] and done["upgraded"] and done["compared"]
    platform.backup["changed"] = False
    assert upgrade(place, platform, ("backup",))()["steps"] == ["the backup b-9 is young enough"]
    assert platform.asked[-1] == "backup", "the tags say no more"
    assert "max_age" not in upgrade(place, platform, backup_max_age="00h")._backup_options
    # As nothing has begun, it begins from the start, and then it is too late.
    platform.asked.clear()
    late = upgrade(place, platform, not_after="2020-01-01T00:00:00Z")()
    assert late["late"] and platform.asked[-1] == "backup"
    assert late["steps"][-1] == "not started because it is later than 2020-01-01T00:00:00Z"
    without = upgrade(place, Platform(), backup=False, settle_seconds=0)()
    assert without["backup_id"] is None and without["upgraded"]


@pytest.mark.parametrize(
    ("tags", "skipped", "own", "phases"),
    [
        (["all"], [], [], "preflight backup upgrade verify report"),
        (["all"], ["upgrade_verify_backup"], [], "preflight upgrade verify report"),
        (["all"], ["upgrade_verify_upgrade", "upgrade_verify_preflight"], [], "preflight backup verify report"),
        (["upgrade_verify_backup"], [], [], "preflight backup report"),
        (["upgrade_verify_upgrade"], [], [], "preflight backup upgrade verify report"),
        (["upgrade_verify_verify"], [], [], "preflight verify report"),
        (["upgrade_verify_report"], [], ["mine"], "preflight report"),
        (["mine"], [], ["mine"], "preflight backup upgrade verify report"),
        (["another"], [], ["always"], "preflight backup upgrade verify report"),
        (["another"], [], ["mine"], ""),
    ],
)
def test_which_phases_the_tags_are_about(tags: list[str], skipped: list[str], own: list[str], phases: str) -> None:
    assert _upgrade.chosen(tags, skipped, own) == set(phases.split())


@pytest.mark.parametrize(
    ("to", "allow", "path", "asked", "target", "refused"),
    [
        ("latest", [], ["8.0.42-1", "8.0.43-1"], "latest_minor", "8.0.43-1", False),
        ("latest", [], [], "latest_minor", "", True),
        ("latest", ["major"], ["8.4.5-1"], "latest", "8.4.5-1", False),
        ("next", [], ["8.0.42-1", "8.0.43-1"], "latest_minor", "8.0.42-1", False),
        ("next", [], [], "latest_minor", "", True),
        ("next", ["major", "eviction"], ["8.4.5-1"], "next", "8.4.5-1", False),
        ("latest_minor", [], [], "latest_minor", "", False),
    ],
)  # fmt: skip
def test_how_far_it_goes(
    place: Path, to: str, allow: list[str], path: list[str], asked: str, target: str, refused: bool
) -> None:
    platform = Platform(path=path)
    prepared = prepare(place, platform, to=to, allow=allow)
    assert (prepared["target"], prepared["major_refused"]) == (target, refused)
    assert {key: platform.options[1][key] for key in ("to", "allow", "check_mode")} == {
        "to": asked, "allow": [word for word in allow if word == "major"], "check_mode": True,
    }  # fmt: skip
    assert (place / f"{ADDON}.json").exists() == bool(target) == prepared["needed"]
    expected = "skipped" if refused else "would_change" if target else "unchanged"
    report = Report(GIVEN, prepared, None, "")
    summary = report.summary([])
    assert summary["outcome"] == expected
    report.clear()
    assert list(place.iterdir()) == [], "no upgrade has begun"
    assert _upgrade_report.sentence(summary).startswith("shop/mysql: ")


def test_check_mode_writes_nothing_and_waits_for_nothing(place: Path) -> None:
    done = upgrade(place, Platform(operation=OPERATION), only_checks=True)()
    assert done["steps"] == ["would wait for the upgrade op-1, which is running"] and not place.exists()
    assert "would be verified" in _upgrade_report.sentence(Report(GIVEN, done, None, "").summary([]))
    platform = Platform()
    platform.backup = {"changed": True, "steps": ["make a backup"], "backup": {"id": NOT_MADE}}
    done = upgrade(place, platform, only_checks=True)()
    assert platform.asked[-2:] == ["backup", "database_upgrade"] and not place.exists()
    assert done["backup_id"] is None and "would be upgraded" in _upgrade_report.sentence(
        Report(GIVEN, done, None, "").summary([])
    )


def test_an_upgrade_of_a_killed_run_is_waited_for_and_compared_with_what_was_before(place: Path) -> None:
    kept(place)
    platform = Platform(operation=OPERATION, path=[])
    prepared = prepare(place, platform)
    assert platform.asked == ["operation_info", "operation_info", "database_upgrade"]
    assert (prepared["before"], prepared["backup_id"], prepared["target"], prepared["older"]) == (
        CONTENTS,
        "b-1",
        "",
        True,
    )
    assert prepared["upgrade_at"] == "2026-11-21T00:00:00Z"


@pytest.mark.parametrize(("to", "target"), [("next", ""), ("latest_minor", "8.0.44-1")])
def test_one_that_has_ended_is_compared_and_next_takes_no_further_step(place: Path, to: str, target: str) -> None:
    kept(place)
    prepared = prepare(place, Platform("8.0.43-1", ["8.0.44-1"]), to=to)
    assert (prepared["before"], prepared["backup_id"], prepared["target"], prepared["needed"]) == (
        CONTENTS,
        "b-1",
        target,
        True,
    )
    assert prepared["upgrade_at"] == "2026-11-20T00:00:00Z"
    # It is the file of this run now, and says the same.
    state = _upgrade_state.load(str(place), ADDON)
    assert (
        state["owner"] == _upgrade_state.owner()
        and state["written_at"] == "2026-11-20T00:00:00Z"
        and state["backup_id"] == "b-1"
    )


def test_what_a_run_left_that_came_to_no_upgrade_counts_no_more(place: Path) -> None:
    kept(place, before={**CONTENTS, "users": ["gone"]})
    prepared = prepare(place, Platform())
    assert prepared["before"] == CONTENTS and not prepared["older"] and prepared["backup_id"] is None


def test_an_upgrade_of_somebody_else_has_an_earlier_backup(place: Path) -> None:
    platform = Platform(operation=OPERATION, path=[])
    platform.backups = [{"id": "later", "created_at": "2026-11-22T"}, {"id": "earlier", "created_at": "2026-11-20T"}]
    prepared = prepare(place, platform)
    assert (
        prepared["backup_id"] == "earlier"
        and prepared["before"] == {"version": "8.0.40-1"}
        and list(place.iterdir()) == []
    )
    for backups in ([], {"msg": "no"}):
        other = Platform(operation=OPERATION, path=[])
        other.backups = backups  # type: ignore[assignment]
        assert prepare(place, other)["backup_id"] is None


@pytest.mark.parametrize(
    ("after", "why"),
    [
        ({"status": "error", "error": "the disk is too small"}, "ended with the status error: the disk is too small"),
        ({"status": "cancelled"}, "the platform gives no reason"),
        ({"version": "8.0.40-1"}, "has ended, and the version is 8.0.40-1, as before"),
    ],
)
def test_a_running_upgrade_that_fails(place: Path, after: Values, why: str) -> None:
    platform = Platform(operation=OPERATION)
    platform.after.update(after)
    begun = upgrade(place, platform)
    with pytest.raises(Refused, match=why):
        begun()
    assert begun.done["phase"] == "upgrade"
    # The backup that an earlier run made is the one to name.
    kept(place)
    platform = Platform(operation=OPERATION)
    platform.after.update(after)
    begun = upgrade(place, platform)
    with pytest.raises(Refused, match=why):
        begun()
    assert begun.done["backup_id"] == "b-1"


def test_a_database_that_is_not_there(place: Path) -> None:
    platform = Platform()
    platform.database = None
    with pytest.raises(Refused, match="there is no database shop/mysql"):
        prepare(place, platform)
    platform = Platform(operation=OPERATION)

    def gone(name: str, **options: t.Any) -> Values:
        if options.get("wait"):
            platform.database = None
        return platform(name, **options)

    with pytest.raises(Refused, match="does not exist any more"):
        prepare(place, gone)


@pytest.mark.parametrize(
    ("platform", "given", "why"),
    [
        (Platform(status="stopped"), {}, "shop/mysql is stopped; it is upgraded only when it runs"),
        (Platform(operation={**OPERATION, "type": "restore"}), {}, "the operation op-1 \\(restore\\) goes on"),
        (Platform(current_operation_id="op-2"), {}, "the platform does not tell its kind"),
        (Platform(), {"verification_tasks": "/nowhere.yml"}, "/nowhere.yml is no file"),
        (Platform(), {"state_dir": "state"}, "scalingo_state_dir is state: give a whole path"),
    ],
)
def test_what_is_refused(place: Path, platform: Platform, given: Values, why: str) -> None:
    with pytest.raises(Refused, match=why):
        prepare(place, platform, **given)
    assert not place.exists()


def test_all_consents_that_are_missing_are_named_at_once(place: Path) -> None:
    platform = Platform()
    platform.plan_fails = {"msg": "major", "error": {"kind": "ConsentMissing"}}
    for backup, expected in ((True, "major eviction"), (False, "major")):
        with pytest.raises(ModuleFailed) as caught:
            prepare(place, platform, to="8.4", backup=backup)
        assert caught.value.result["msg"] == expected
    platform.plan_fails = {"msg": "no", "error": {"kind": "Conflict"}}
    with pytest.raises(ModuleFailed):
        prepare(place, platform)


def test_a_major_version_wants_a_rehearsal_before_anything_is_written(place: Path, tmp_path: Path) -> None:
    evidence, platform = str(tmp_path / "evidence"), Platform(path=("8.0.43-1", "8.4.5-1"))
    given = {"to": "latest", "allow": ["major"], "require_rehearsal": "30d", "evidence_dir": evidence}
    with pytest.raises(Refused, match="upgrade_verify_require_rehearsal needs upgrade_verify_evidence_dir"):
        upgrade(place, platform, **{**given, "evidence_dir": ""})()
    drilled(evidence, "shop/mysql", days=31, now=time.time(), addon_id=ADDON, rehearsal="8.4")
    drilled(evidence, "shop/mysql", days=1, now=time.time(), addon_id="ad-2", rehearsal="8.4")
    for only_checks in (True, False):
        with pytest.raises(
            Refused,
            match=r"shop/mysql is not upgraded: no rehearsal of its upgrade to 8\.4 passed within 30d.*; nothing was done",
        ):
            upgrade(place, platform, only_checks=only_checks, **given)()
    assert "backup" not in platform.asked and not list(place.glob("*.json"))
    minor = Platform()
    prepare(place, minor, **given)
    drilled(evidence, "shop/mysql", days=1, now=time.time(), addon_id=ADDON, rehearsal="8.4")
    assert prepare(place, platform, **given)["target"] == "8.4.5-1"


# -- the file ---------------------------------------------------------------------------------------------------------


def test_where_the_files_are() -> None:
    assert _upgrade_state.directory("/somewhere") == "/somewhere"
    assert _upgrade_state.directory("", {"XDG_STATE_HOME": "/xdg"}) == "/xdg/community.scalingo"
    assert _upgrade_state.directory(None, {"XDG_STATE_HOME": "xdg"}).endswith("/.local/state/community.scalingo")
    for name in _upgrade_state.PASSING:
        with pytest.raises(Refused, match=f"{name} is set"):
            _upgrade_state.directory("", {name: "7"})
        assert _upgrade_state.directory("/somewhere", {name: "7"}) == "/somewhere"


@pytest.mark.parametrize(
    "content",
    [
        "{",
        "[" * 100_000,
        "[]",
        "{}",
        '{"format": 2, "addon_id": "ad-1", "before": {}}',
        '{"format": 1, "addon_id": "ad-2", "before": {}}',
    ],
)
def test_a_file_that_is_none(tmp_path: Path, content: str) -> None:
    (tmp_path / f"{ADDON}.json").write_text(content, encoding="utf-8")
    with pytest.raises(Refused, match="look what it is, and move it away to begin without it"):
        _upgrade_state.load(str(tmp_path), ADDON)


def test_a_place_that_cannot_be_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(Refused, match="cannot be written: Not a directory"):
        _upgrade_state.make_writable(str(tmp_path / "file" / "state"))
    with pytest.raises(Refused, match="See scalingo_state_dir"):
        _upgrade_state.save(str(tmp_path / "nowhere"), ADDON, {"before": {}})
    with pytest.raises(Refused, match="is not the ID of an addon"):
        _upgrade_state.place_of(str(tmp_path), "../x")
    (tmp_path / f"{ADDON}.json").mkdir()
    with pytest.raises(Refused, match=os.strerror(errno.EISDIR)):
        _upgrade_state.load(str(tmp_path), ADDON)


def test_of_two_tasks_one_is_refused(tmp_path: Path) -> None:
    with _upgrade_state.locked(str(tmp_path), ADDON):
        with pytest.raises(Refused, match="another run is upgrading"), _upgrade_state.locked(str(tmp_path), ADDON):
            raise AssertionError
    with _upgrade_state.locked(str(tmp_path), ADDON):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_lock_whose_file_was_removed_meanwhile_is_taken_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = iter([False, True])
    monkeypatch.setattr(_upgrade_state._files, "is_called", lambda descriptor, name: next(answers))
    with _upgrade_state.locked(str(tmp_path), ADDON):
        assert next(answers, None) is None


def test_a_live_run_keeps_its_file_and_a_dead_one_does_not(place: Path) -> None:
    sleeper = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    own = _upgrade_state.owner()
    owner = {**own, "process": sleeper.pid, "started": _upgrade_state._started(sleeper.pid)}
    kept(place, owner=owner)
    with pytest.raises(
        Refused, match=f"another run \\(process {sleeper.pid}\\) is upgrading shop/mysql: wait for its end"
    ):
        prepare(place, Platform())
    assert _upgrade_state.other_run({"owner": {**owner, "started": "before"}}) == "", "its number is another's now"
    assert _upgrade_state.other_run({"owner": {**owner, "place": ["elsewhere"]}}) == ""
    sleeper.communicate()
    for state in ({"owner": owner}, {"owner": own}, {}, {"owner": {"process": None}}):
        assert _upgrade_state.other_run(state) == ""
    assert prepare(place, Platform())["target"] == "8.0.43-1"


def test_without_a_list_of_processes_ps_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os.path, "exists", lambda path: False)
    monkeypatch.setattr(
        _upgrade_state.subprocess,
        "run",
        lambda command, **how: subprocess.CompletedProcess(command, 0, f" {command[-1]} began\n"),
    )
    assert _upgrade_state._started(7) == "7 began" and _upgrade_state._started(0) is None
    monkeypatch.setattr(_upgrade_state, "_text", lambda path: (_ for _ in ()).throw(OSError()))
    assert len(_upgrade_state._place()) == 1


def test_the_process_of_ansible_is_the_parent(tmp_path: Path) -> None:
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    worker = context.Process(target=lambda: queue.put(_upgrade_state.owner()["process"]))
    worker.start()
    assert queue.get(timeout=30) == os.getpid()
    worker.join()


# -- what came of it --------------------------------------------------------------------------------------------------

DONE: Values = {
    "database": {"name": "shop/mysql", "app": "shop", "addon_id": ADDON, "region": "osc-fr1", "engine": "postgresql",
                 "resource_id": "shop_1", "version": "8.0.40-1"},
    "label": "shop/mysql", "needed": True, "taken_over": False, "older": False, "before": CONTENTS, "target": "8.0.43-1", "major_available": None,
    "major_refused": False, "backup_id": "b-1", "upgrade_at": None, "steps": ["make a backup", "upgrade"], "started_at": "2026-11-21T00:00:00Z",
    "backed_up_at": "2026-11-21T00:01:00Z", "phase": "verify", "upgraded": True, "waited": False,
    "compared": {"contents": {"version": "8.0.43-1"}, "findings": []},
}  # fmt: skip


def told(place: Path, failed: Values | None = None, task: str = "", **changes: t.Any) -> tuple[Report, Values]:
    done = {**DONE, "place": str(place), "state_file": str(place / f"{ADDON}.json"), **changes}
    report = Report(GIVEN, done, failed, task)
    return report, report.summary(
        [{"earliest_recoverable_at": "2026-11-20T00:00:00Z"}] if report.asks_for_windows else []
    )


def test_all_went_well(place: Path) -> None:
    file = kept(place)
    report, summary = told(place)
    assert (summary["outcome"], summary["backup_id"], summary["version_after"], summary["failed_in"]) == (
        "changed",
        "b-1",
        "8.0.43-1",
        None,
    )
    assert (
        summary["next_steps"] == []
        and _upgrade_report.sentence(summary)
        == "shop/mysql: upgraded from 8.0.40-1 to 8.0.43-1, and nothing is missing"
    )
    report.clear()
    assert not file.exists()


def test_what_is_missing_is_kept_until_it_is_there(place: Path) -> None:
    file = kept(place)
    report, summary = told(place, {"msg": "x"}, LAST, compared={"contents": {}, "findings": ["the user x is gone"]})
    text = _upgrade_report.message(report.label, summary)
    assert text.startswith(
        "The upgrade of shop/mysql failed in the phase verify.\n- the user x is gone\nNothing more was changed."
    )
    assert (
        "backup_id: b-1" in text and "restore_time: '2026-11-21T00:01:00Z'" in text and text.endswith(f"remove {file}.")
    )
    report.clear()
    assert file.exists()


@pytest.mark.parametrize(
    ("task", "failed", "outcome", "phase", "stays"),
    [
        (MAIN, {"phase": "upgrade", "needed": None, "error": {"interrupted": True}}, "interrupted", "upgrade", True),
        (MAIN, {"phase": "preflight", "needed": None}, "failed", "preflight", True),
        (MAIN, {"phase": "backup"}, "failed", "backup", False),
        (MAIN, {"phase": "upgrade", "error": {"interrupted": True}}, "interrupted", "upgrade", True),
        (MAIN, {"phase": "upgrade"}, "failed", "upgrade", True),
        (MAIN, {"phase": None, "needed": None}, "failed", "upgrade", True),
        (MAIN, {"phase": "verify", "upgraded": True}, "failed", "verify", True),
        ("Look at my shop", {"phase": "preflight", "upgraded": True, "error": {"interrupted": True}}, "failed", "verify", True),
    ],
)  # fmt: skip
def test_what_failed_where(place: Path, task: str, failed: Values, outcome: str, phase: str, stays: bool) -> None:
    """A task that ends without saying how far it came may have begun the upgrade."""
    file = kept(place)
    given = {"msg": "no", **failed}
    done = {**DONE, "place": str(place), "state_file": str(file), "upgraded": False, **given}
    report = Report(GIVEN, {key: value for key, value in done.items() if value is not None}, given, task)
    summary = report.summary([])
    assert (summary["outcome"], summary["failed_in"]) == (outcome, phase) and summary["next_steps"]
    assert "no" in summary["findings"][0]
    report.clear()
    assert file.exists() == stays


def test_variables_that_are_wrong_have_a_summary_too() -> None:
    # What is registered is from an earlier use of the role.
    report = Report({"failed": True, "msg": "x"}, DONE, {"msg": "x is wrong"}, FIRST)
    summary = report.summary([])
    assert (summary["outcome"], summary["failed_in"], summary["findings"], summary["backup_id"]) == (
        "failed",
        "preflight",
        ["x is wrong"],
        None,
    )
    assert summary["database"]["name"] == "addon/database" and not report.asks_for_windows
    report.clear()


def test_what_is_not_usual_is_said(place: Path) -> None:
    report, summary = told(place, late=True, upgraded=False, compared=None)
    assert summary["outcome"] == "skipped"
    report, summary = told(place, older=True, target="", upgraded=False, major_available="9")
    assert summary["outcome"] == "unchanged" and "the major version 9 is waiting" in summary["steps"][-1]
    said = _upgrade_report.sentence(summary)
    assert said.startswith(
        "shop/mysql: upgraded from 8.0.40-1 to 8.0.43-1 by an earlier run, and nothing is missing; skipped"
    )
    report, summary = told(place, compared=None)
    assert _upgrade_report.sentence(summary).endswith("to 8.0.43-1, and not verified: the next run does")
    report, summary = told(place, {"msg": "no"}, MAIN, backup_id=None)
    assert "No backup was made by this run" in "\n".join(summary["next_steps"])
    assert told(place, {"stderr": "none"}, "Mine")[1]["findings"] == ["your own check failed: Mine: none"]
    assert "the task failed: Mine" in told(place, {"msg": ""}, "Mine")[1]["findings"][0]
