# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The upgrade of a fleet that is an inventory: limited, in slices, among hostile variables of groups, ended in the middle, and how long it takes."""

from __future__ import annotations

import concurrent.futures
import contextlib
import datetime
import json
import os
import re
import signal
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from scalingo_sandbox.testing import Sandbox
from support.playbook import ROOT, Ansible, Run, oldest_core
from support.programs import until
from support.real import DURATIONS

NEWEST = ROOT / ".cache" / "core-newest" / "bin"
PLAYBOOK = "- ansible.builtin.import_playbook: community.scalingo.fleet_upgrade\n"
NAMES = [f"cache{number:02}" for number in range(1, 13)]
SEED: dict[str, t.Any] = {
    "apps": [{"name": name, "addons": [{"provider": "redis", "database": {"version": "6.2.14-1"}}]} for name in NAMES],
    "durations": {**DURATIONS, "backup": 0.1, "upgrade": 0.1},
}
SPEED = 1
HOSTILE = {
    **{"ansible_become": True, "ansible_become_user": "nobody", "ansible_connection": "ssh", "ansible_port": 1},
    **{"ansible_host": "192.0.2.1", "ansible_user": "nobody", "ansible_ssh_common_args": "-o ConnectTimeout=1"},
    "ansible_python_interpreter": "/nowhere/python",
}


class Fleet(Ansible):
    """A controller with some of the databases as hosts of its inventory."""

    def __init__(self, directory: Path, sandbox: Sandbox, programs: Path, names: t.Sequence[str] = NAMES) -> None:
        super().__init__(directory, {**sandbox.environment(), "ANSIBLE_FORKS": "10"}, programs)
        self.sandbox = sandbox
        self.names = list(names)
        self.ids = {sandbox.addon_id(name, "redis"): name for name in NAMES}
        hosts = {
            name: {"scalingo_app": name, "scalingo_engine": "redis", "scalingo_addon_id": addon_id}
            for addon_id, name in self.ids.items()
            if name in names
        }
        here = {"ansible_connection": "local", "ansible_become": False, "ansible_python_interpreter": sys.executable}
        children = {"scalingo_databases": {"hosts": hosts}, "others": {"hosts": {"here": here, "far": {}}}}
        self.path = directory / "databases.yml"
        self.path.write_text(yaml.safe_dump({"all": {"vars": HOSTILE, "children": children}}), encoding="utf-8")

    def upgrade(self, *options: str, **variables: t.Any) -> Run:
        given = {
            **{
                "fleet_upgrade_wait_interval": 0.3,
                "fleet_upgrade_settle_seconds": 0,
                "fleet_upgrade_waves": [1, 3, 10],
            },
            **{"fleet_upgrade_scout": ["cache01", "cache07"], **variables},
        }
        return self.play(PLAYBOOK, "-i", str(self.path), "-e", json.dumps(given), *options)

    def rows(self) -> dict[str, dict[str, t.Any]]:
        path = self.home / ".local" / "state" / "community.scalingo" / "fleet_upgrade.report.json"
        return {row["name"]: row for row in json.loads(path.read_text(encoding="utf-8"))["databases"]}

    def outcomes(self) -> dict[str, str]:
        return {name: row["outcome"] for name, row in self.rows().items()}

    def unsafe(self) -> list[tuple[str, str]]:
        return [(self.ids[record.addon_id or ""], record.route) for record in self.sandbox.unsafe()]

    def begun(self) -> list[str]:
        return [name for name, route in self.unsafe() if route == "D3"]

    def processes(self) -> list[int]:
        """Those of the run, the first one first."""
        found = []
        for path in Path("/proc").glob("[0-9]*/environ"):
            with contextlib.suppress(OSError):
                if b"ANSIBLE_HOME=%s/" % str(self.directory).encode() in path.read_bytes():
                    found.append(int(path.parent.name))
        return sorted(found)

    def begin(self, **variables: t.Any) -> concurrent.futures.Future[Run]:
        """Run it as a process of its own, which can be ended."""
        self.prefix = ["env"]
        return concurrent.futures.ThreadPoolExecutor(max_workers=1).submit(self.upgrade, **variables)


def programs(core: str) -> Path:
    return oldest_core() if core == "oldest" else NEWEST if NEWEST.exists() else Path(sys.executable).parent


@pytest.fixture(params=["oldest", pytest.param("newest", marks=pytest.mark.long)])
def fleet(request: pytest.FixtureRequest, sandbox: Sandbox, tmp_path: Path) -> Fleet:
    """All twelve on the newest; on the oldest, which every run of the tests has, a third wave of three is enough."""
    return Fleet(tmp_path, sandbox, programs(request.param), NAMES[:7] if request.param == "oldest" else NAMES)


def headings(run: Run) -> int:
    return len(re.findall(r"^TASK \[", run.stdout, re.MULTILINE))


def test_a_fleet_in_three_waves_among_hostile_variables(fleet: Fleet, tmp_path: Path) -> None:
    """What the user delegates goes where it should, and the rest stays here, as whoever runs it."""
    checks = tmp_path / "checks.yml"
    tasks = [
        {"name": "Here", "ansible.builtin.command": "id -un", "delegate_to": "here", "changed_when": False},
        {"name": "Far", "ansible.builtin.command": "id", "delegate_to": "far", "ignore_unreachable": True},
    ]
    checks.write_text(yaml.safe_dump(tasks), encoding="utf-8")
    run = fleet.upgrade(fleet_upgrade_verification_tasks=str(checks)).ok()
    assert fleet.outcomes() == dict.fromkeys(fleet.names, "changed")
    assert [fleet.rows()[name]["wave"] for name in fleet.names] == [1, *[2] * 3, *[3] * (len(fleet.names) - 4)]
    assert {item.status for item in run.tasks("Here")} == {"ok"} and len(run.tasks("Here")) == len(fleet.names)
    assert {item.status for item in run.tasks("Far")} == {"unreachable"}
    # Two of each wave are of the user.
    assert headings(run) - 3 * 2 <= 29, run.stdout
    assert (
        f"{len(fleet.names)} databases are upgraded and verified." in run.stdout and run.stderr.count("WARNING") == 0
    ), run.stderr
    assert sorted(fleet.unsafe()) == sorted((name, route) for name in fleet.names for route in ("B2", "D3"))


def test_a_part_of_the_fleet(fleet: Fleet, sandbox: Sandbox, tmp_path: Path) -> None:
    refused = fleet.upgrade("--limit", "cache02,cache03").failed()
    assert "none of fleet_upgrade_scout (cache01, cache07) is in this run" in refused.output and fleet.unsafe() == []
    sandbox.outcome("upgrade", "fail", sandbox.addon_id("cache03", "redis"))
    fleet.environment.update(ANSIBLE_RETRY_FILES_ENABLED="true", ANSIBLE_RETRY_FILES_SAVE_PATH=str(tmp_path))
    fleet.upgrade("--limit", "cache01,cache02,cache03").failed()
    assert fleet.outcomes() == {"cache01": "changed", "cache02": "changed", "cache03": "failed"}
    (retry,) = tmp_path.glob("*.retry")
    assert retry.read_text().split() == ["cache03"]
    # The scout of the run that is taken up has nothing to do any more.
    one = fleet.upgrade("--limit", f"@{retry},cache01").ok()
    assert fleet.outcomes() == {"cache01": "unchanged", "cache03": "changed"} and headings(one) <= 17
    assert fleet.rows()["cache01"]["reason"] == "it was the scout of the run that this one takes up"


@pytest.mark.long
def test_two_slices_are_as_one_run_until_something_fails(sandbox: Sandbox, tmp_path: Path) -> None:
    halves = [NAMES[:6], NAMES[6:]]
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    slices = [Fleet(tmp_path / name, sandbox, programs("newest"), half) for name, half in zip(("one", "two"), halves)]

    def both() -> list[Run]:
        with concurrent.futures.ThreadPoolExecutor() as pool:
            return list(pool.map(Fleet.upgrade, slices))

    assert [run.returncode for run in both()] == [0, 0]
    assert [slice.outcomes() for slice in slices] == [dict.fromkeys(half, "changed") for half in halves]
    assert sorted(slices[0].unsafe()) == sorted((name, route) for name in NAMES for route in ("B2", "D3"))

    sandbox.reset(SEED)
    sandbox.outcome("upgrade", "fail", sandbox.addon_id("cache01", "redis"))
    assert [run.returncode for run in both()] == [2, 0]
    assert list(slices[0].outcomes().values()) == ["failed", *["not_started"] * 5]
    assert slices[1].outcomes() == dict.fromkeys(halves[1], "changed")


@pytest.mark.long
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_a_run_that_is_ended_and_started_again(number: int, sandbox: Sandbox, tmp_path: Path) -> None:
    names = NAMES[:5]
    fleet = Fleet(tmp_path, sandbox, programs("oldest" if number == signal.SIGINT else "newest"), names)
    sandbox.durations(upgrade=3)
    run = fleet.begin()
    until(
        lambda: len(fleet.begun()) >= 3 and len({name for name, dummy in fleet.unsafe()}) == 4, "the third upgrade", 120
    )
    first = fleet.processes()[0]
    if number == signal.SIGINT:
        # As a terminal sends Ctrl-C.
        os.killpg(first, number)
    else:
        os.kill(first, number)
    assert run.result(60).returncode != 0
    until(lambda: not fleet.processes(), "the end of all processes", 20)
    begun = fleet.begun()
    assert {name for name, dummy in fleet.unsafe()} == set(names[:4])
    fleet.prefix = []
    sandbox.durations(upgrade=0.1)
    sandbox.advance(5)
    # The report that the killed run wrote before its second wave says that the scout has done its work.
    fleet.upgrade().ok()
    assert sorted(fleet.unsafe()) == sorted((name, route) for name in names for route in ("B2", "D3"))
    found = fleet.outcomes()
    assert found["cache01"] == "unchanged" and set(found.values()) == {"unchanged", "changed"}
    verified = re.compile(
        "compare with what an earlier run noted at the version 6.2.14-1|wait for the upgrade .*, which was running already"
    )
    for name in begun[1:]:
        row = fleet.rows()[name]
        assert any(map(verified.match, row["steps"])), "it was verified against what was there before"
        assert (row["version_before"], row["version_after"]) == ("6.2.14-1", "6.2.19-1")
    # The old and the new one, each once: nothing that was left behind has written anything.
    state = {app["name"]: app["addons"][0]["database"] for app in sandbox.state()["apps"]}
    assert {name: len(state[name]["backups"]) for name in names} == dict.fromkeys(names, 1)


@pytest.mark.long
def test_a_worker_that_is_killed_ends_the_run(sandbox: Sandbox, tmp_path: Path) -> None:
    fleet = Fleet(tmp_path, sandbox, programs("newest"), NAMES[:5])
    run = fleet.begin()
    until(lambda: ("cache01", "D3") in fleet.unsafe(), "the upgrade of the scout", 120)
    sandbox.durations(upgrade=300)
    until(lambda: len(fleet.begun()) >= 4, "the second wave", 120)
    os.kill(fleet.processes()[-1], signal.SIGKILL)
    assert run.result(60).returncode != 0
    until(lambda: not fleet.processes(), "the end of all processes", 20)
    assert {name for name, dummy in fleet.unsafe()} == set(NAMES[:4])


#: Seconds of backup and upgrade of three databases, and how many times as long as the slowest one they may take together.
TOGETHER = (((4, 8), (4, 8), (4, 8)), 1.3)
OPPOSED = (((1, 10), (5.5, 5.5), (10, 1)), 1.6)


@pytest.mark.long
@pytest.mark.parametrize(("durations", "times"), [TOGETHER, OPPOSED])
def test_how_long_a_wave_takes(
    durations: t.Sequence[tuple[float, float]], times: float, sandbox: Sandbox, tmp_path: Path
) -> None:
    fleet = Fleet(tmp_path, sandbox, programs("newest"), NAMES[:4])
    slowest = max(map(sum, durations))
    alone = {"backup": slowest / 2, "upgrade": slowest / 2}
    for name, seconds in zip(NAMES, [alone, *({"backup": first, "upgrade": then} for first, then in durations)]):
        sandbox.change_database(sandbox.addon_id(name, "redis"), durations=seconds)
    fleet.upgrade().ok()

    def lasted(names: t.Sequence[str]) -> float:
        rows = [fleet.rows()[name] for name in names]
        begin, end = min(row["started_at"] for row in rows), max(row["ended_at"] for row in rows)
        return (datetime.datetime.fromisoformat(end[:-1]) - datetime.datetime.fromisoformat(begin[:-1])).total_seconds()

    # The scout is as slow as the slowest one of the wave, with what Ansible itself needs.
    assert lasted(NAMES[1:4]) <= times * lasted(NAMES[:1]) + 1, fleet.rows()
