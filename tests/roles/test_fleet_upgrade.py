# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet of twelve databases through the playbook: planned, killed in the middle, gone on with, and fleets in which something fails."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import os
import re
import signal
import stat
import typing as t
from pathlib import Path

import pytest
from scalingo_sandbox.testing import Record, Sandbox
from support.playbook import Run
from support.programs import until
from support.real import DURATIONS
from support.watched import Watched, secrets_in

#: Where each engine begins, one step before its latest minor version.
VERSIONS = {"redis": "6.2.14-1", "mongodb": "6.0.17-1", "mysql": "8.0.40-1"}
MEMORY = {
    "provider": "postgresql",
    "engine": "memory",
    "database": {"version": "16.13.0-1", "extensions": {"hstore": "1.8"}},
}
REAL = {
    "provider": "postgresql",
    "engine": "real",
    "database": {"version": "16.13.0-1", "extensions": {"hstore": "1.8"}},
}


def addons(postgresql: dict[str, t.Any], **versions: str) -> list[dict[str, t.Any]]:
    return [
        {"provider": kind, "database": {"version": versions.get(kind, first)}} for kind, first in VERSIONS.items()
    ] + [postgresql]


FLEET = {
    "apps": [
        {"name": "east", "addons": addons(MEMORY)},
        {"name": "north", "addons": addons(REAL)},
        # This one has two steps ahead.
        {"name": "west", "addons": addons(REAL, mysql="8.0.36-1")},
    ],
    "durations": {**DURATIONS, "backup": 0.3, "upgrade": 0.5},
}
ENGINES = ("redis", "mongodb", "mysql", "postgresql")
TWELVE = [{"app": app, "addon": engine} for engine in ENGINES for app in ("east", "north", "west")]

CACHES = {
    "apps": [
        {"name": f"cache{number}", "addons": [{"provider": "redis", "database": {"version": "6.2.14-1"}}]}
        for number in range(1, 7)
    ],
    "durations": {**DURATIONS, "backup": 0.1, "upgrade": 0.1},
}


class Fleet:
    """A list of databases in a sandbox, and a controller on which the playbook is run."""

    def __init__(self, sandbox: Sandbox, directory: Path, databases: t.Sequence[t.Mapping[str, t.Any]]) -> None:
        self.sandbox = sandbox
        self.databases = databases
        self.state_file = directory / "fleet.json"
        surroundings = {"ANSIBLE_SHOW_CUSTOM_STATS": "true"}
        self.ansible = Watched(directory, sandbox, {**sandbox.environment(), **surroundings})
        self._pool = concurrent.futures.ThreadPoolExecutor(max_workers=1)

    def run(self, *options: str, **variables: t.Any) -> Run:
        given = {
            "fleet_upgrade_databases": list(self.databases),
            "fleet_upgrade_state_file": str(self.state_file),
            "fleet_upgrade_wait_interval": 0.3,
            "fleet_upgrade_settle_seconds": 0.3,
            **variables,
        }
        playbook = "- ansible.builtin.import_playbook: community.scalingo.fleet_upgrade\n"
        return self.ansible.play(playbook, "-e", json.dumps(given), *options, timeout=600)

    def begin(self, *options: str, **variables: t.Any) -> concurrent.futures.Future[Run]:
        return self._pool.submit(self.run, *options, **variables)

    def kill(self) -> None:
        """As a machine that loses its power: every process of the playbook, the modules too, which nothing but their surroundings tells."""
        killed = True
        while killed:
            killed = False
            for path in Path("/proc").glob("[0-9]*/environ"):
                with contextlib.suppress(OSError):
                    if b"ANSIBLE_HOME=%s/" % str(self.ansible.directory).encode() in path.read_bytes():
                        os.kill(int(path.parent.name), signal.SIGKILL)
                        killed = True

    def addon(self, name: str) -> str:
        app, dummy, engine = name.partition("/")
        return self.sandbox.addon_id(app, engine)

    def names(self) -> list[str]:
        return ["{app}/{addon}".format(**item) for item in self.databases]

    def unsafe(self) -> list[tuple[str, str]]:
        """What could have changed something: the database, and B2 for a backup or D3 for an upgrade."""
        by_addon = {self.addon(name): name for name in self.names()}
        return [(by_addon[record.addon_id or ""], record.route) for record in self.sandbox.unsafe()]

    def requests(self, name: str) -> list[Record]:
        return [record for record in self.sandbox.log() if record.addon_id == self.addon(name)]

    def verified(self, name: str) -> bool:
        """Whether the instances were read after the upgrade had begun."""
        routes = [record.route for record in self.requests(name)]
        return "D3" in routes and "S5" in routes[len(routes) - routes[::-1].index("D3"):]  # fmt: skip

    def shown(self, name: str) -> dict[str, t.Any]:
        """A database as the sandbox itself has it."""
        for app in self.sandbox.state()["apps"]:
            for addon in app["addons"]:
                if addon["id"] == self.addon(name):
                    return t.cast("dict[str, t.Any]", addon["database"])
        raise LookupError(name)

    def report(self) -> dict[str, dict[str, t.Any]]:
        path = self.state_file.with_name("fleet.report.json")
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        return {row["name"]: row for row in json.loads(path.read_text(encoding="utf-8"))["databases"]}

    def state(self) -> dict[str, t.Any]:
        assert stat.S_IMODE(self.state_file.stat().st_mode) == 0o600
        return t.cast("dict[str, t.Any]", json.loads(self.state_file.read_text(encoding="utf-8")))

    def outcomes(self) -> dict[str, str]:
        return {name: row["outcome"] for name, row in self.report().items()}

    def is_true(self) -> None:
        """The report against the sandbox: versions, and a backup that is done and from before the upgrade."""
        for name, row in self.report().items():
            shown = self.shown(name)
            assert row["addon_id"] == self.addon(name)
            # The refusal of a stopped database does not say its version.
            versions = {shown["readable_version"], *([None] if row["outcome"] == "skipped" else [])}
            assert (row["version_after"] or row["version_before"]) in versions, name
            if row["outcome"] == "changed":
                (backup,) = [backup for backup in shown["backups"] if backup["id"] == row["backup_id"]]
                assert backup["status"] == "done", name

    def shows_no_secret(self) -> None:
        """In what it leaves; no run shows one anyway."""
        cached = [path.read_text(encoding="utf-8") for path in self.ansible.home.rglob("*.json")]
        tokens = [value for text in cached for value in re.findall(r'"(?:token|value)": "([^"]{20,})"', text)]
        assert len(tokens) > len(self.databases), "no tokens were used, so this proves nothing"
        left = list(self.state_file.parent.glob("fleet*.json"))
        assert (
            len(left) == 2
            and secrets_in({str(path): path.read_text(encoding="utf-8") for path in left}, self.sandbox, *tokens) == {}
        )


@pytest.fixture
def fleet(tmp_path: Path) -> t.Iterator[t.Callable[[dict[str, t.Any], t.Sequence[t.Mapping[str, t.Any]]], Fleet]]:
    with contextlib.ExitStack() as stack:
        yield lambda seed, databases: Fleet(stack.enter_context(Sandbox(seed=seed)), tmp_path, databases)


Make = t.Callable[[dict[str, t.Any], t.Sequence[t.Mapping[str, t.Any]]], Fleet]


def test_twelve_databases_are_upgraded_although_the_run_is_killed(fleet: Make) -> None:
    made = fleet(FLEET, TWELVE)
    names = made.names()
    scout, second, third = names[:3]

    planned = made.run("--check").ok()
    assert made.unsafe() == []
    assert "12 databases: 12 would change" in planned.stdout
    assert not made.state_file.exists() and not list(made.state_file.parent.glob("fleet*"))

    # The third upgrade takes its time. A run that is to be killed is a process of its own.
    made.ansible.prefix = ["env"]
    killed = made.begin()
    until(lambda: (second, "D3") in made.unsafe(), "the second upgrade has begun", 120)
    made.sandbox.durations(upgrade=300)
    until(lambda: (third, "D3") in made.unsafe(), "the third upgrade has begun", 120)
    made.kill()
    first = killed.result()
    assert first.returncode == -signal.SIGKILL
    assert made.unsafe() == [(name, route) for name in names[:3] for route in ("B2", "D3")]
    kept = made.state()
    assert kept["run"]["scout"] == scout and kept["run"]["ended_at"] is None
    assert [kept["databases"][name]["status"] for name in names[:4]][:2] == ["done", "started"]
    assert kept["databases"][third]["before"]["version"] == "6.2.14-1"

    before = len(made.requests(third))
    made.ansible.prefix = []
    again = made.begin()
    until(
        lambda: again.done() or [record.route for record in made.requests(third)][before:].count("D1") >= 3,
        "it waits for the operation",
        120,
    )
    assert not again.done(), str(again.result())
    assert made.unsafe()[6:] == [], "nothing new begins before"
    made.sandbox.durations(upgrade=0.5)
    made.sandbox.advance(300)
    again.result().ok()

    calls = made.unsafe()
    for name in names:
        assert [route for called, route in calls if called == name].count("B2") == 1, name
        assert calls.index((name, "B2")) < calls.index((name, "D3")), name
        assert made.verified(name), name
        assert made.shown(name)["readable_version"] in ("6.2.19-1", "6.0.25-1", "8.0.43-1", "16.14.0-1"), name
    assert [name for name, route in calls if route == "D3"] == names[:9] + ["west/mysql"] + names[9:]
    report = made.report()
    assert set(made.outcomes().values()) == {"changed"} and len(report) == 12
    assert [report[name]["wave"] for name in names] == [1, 2, 2, 3, 3, 3, 4, 4, 4, 5, 5, 5]
    assert [name for name in names if report[name]["scout"]] == [scout]
    made.is_true()
    assert made.state()["run"]["ended_at"]
    made.shows_no_secret()

    whole = made.state_file.read_bytes()
    made.sandbox.clear_log()
    nothing = made.run().ok()
    assert made.unsafe() == [] and nothing.count("changed") == 0
    assert set(made.outcomes().values()) == {"unchanged"} and made.state_file.read_bytes() == whole
    assert len(made.sandbox.log()) <= 12 * 2


def test_the_failure_of_the_scout_ends_the_run(fleet: Make) -> None:
    made = fleet(CACHES, [{"app": f"cache{number}", "addon": "redis"} for number in range(1, 4)])
    made.sandbox.outcome("upgrade", "fail", made.addon("cache2/redis"), error="the disk is full")
    made.sandbox.change_database(made.addon("cache1/redis"), status="stopped")
    run = made.run().failed()
    assert made.unsafe() == [("cache2/redis", "B2"), ("cache2/redis", "D3")]
    assert list(made.outcomes().values()) == ["skipped", "failed", "not_started"]
    failed = made.report()["cache2/redis"]
    assert failed["scout"] and "the disk is full" in failed["reason"] and failed["version_after"] is None
    made.is_true()
    assert "the scout cache2/redis failed" in run.stdout.partition("CUSTOM STATS")[2]
    assert not made.state()["databases"]["cache2/redis"]["open"], "it is simply tried again"
    made.shows_no_secret()

    made.sandbox.clear_log()
    nowhere = made.run(fleet_upgrade_state_file="/nowhere/fleet.json").failed()
    assert made.unsafe() == [], "nothing begins that cannot be written down"
    said = nowhere.result("Fail when the run failed or was interrupted")["msg"]
    assert "/nowhere/fleet.json cannot be written" in said and "/nowhere/fleet.report.json cannot be written" in said


def test_every_upgrade_that_began_is_verified_when_a_mate_fails(fleet: Make, tmp_path: Path) -> None:
    """The scout is interrupted, the next one takes its place; then three mates fail: their backup, their upgrade, and the user's check after it."""
    lost = tmp_path / "lost"
    lost.touch()
    checks = tmp_path / "checks.yml"
    checks.write_text(
        "- name: Count the keys\n"
        "  ansible.builtin.assert:\n"
        f"    that: not (fleet_upgrade_row.name == 'cache5/redis' and '{lost}' is exists)\n"
        "    fail_msg: there are no keys any more\n",
        encoding="utf-8",
    )
    made = fleet(CACHES, [{"app": f"cache{number}", "addon": "redis"} for number in range(1, 7)])
    sandbox = made.sandbox
    names = made.names()
    sandbox.outcome("upgrade", "fail", made.addon(names[2]))
    sandbox.outcome("backup", "fail", made.addon(names[3]))
    sandbox.durations(upgrade=300)
    given = {"fleet_upgrade_verification_tasks": str(checks)}
    run = made.begin(fleet_upgrade_wait_timeout=1, **given)
    until(lambda: (names[0], "D3") in made.unsafe(), "the first upgrade has begun", 120)
    sandbox.durations(upgrade=0.1)
    run.result().failed()
    assert list(made.outcomes().values()) == ["interrupted", "changed", "failed", "failed", "failed", "not_started"]
    assert [name for name, route in made.unsafe() if route == "D3"] == [names[0], names[1], names[2], names[4]]
    assert made.verified(names[1]) and made.verified(names[4])
    assert made.report()[names[4]]["findings"] == ["your own check failed: Count the keys: there are no keys any more"]
    made.is_true()
    assert [made.state()["databases"][name]["open"] for name in names] == [True, False, False, False, True, False]

    # The next run follows what was interrupted and looks again at what was lost. It is late, so that it begins nothing.
    sandbox.advance(300)
    sandbox.clear_log()
    late = {**given, "fleet_upgrade_stop_starting_at": "2026-01-01T00:00:00Z"}
    made.run(**late).failed()
    assert list(made.outcomes().values()) == [
        "changed",
        "unchanged",
        "not_started",
        "not_started",
        "failed",
        "not_started",
    ]
    assert (
        made.unsafe() == []
        and made.verified(names[0]) is False
        and [r.route for r in made.requests(names[0])].count("S5") > 0
    )
    made.is_true()
    assert list(made.state()["history"][0]["databases"]) == names[:5]


def test_a_state_file_that_cannot_be_written_any_more(fleet: Make, tmp_path: Path) -> None:
    """What has begun is followed to its end, nothing begins after it, and what was lost is said."""
    kept = tmp_path / "kept"
    kept.mkdir()
    checks = tmp_path / "checks.yml"
    checks.write_text(
        "- name: Lose the directory\n  ansible.builtin.command: mv {} {}\n".format(kept, tmp_path / "lost"),
        encoding="utf-8",
    )
    made = fleet(CACHES, [{"app": f"cache{number}", "addon": "redis"} for number in range(1, 4)])
    scout = made.names()[0]
    run = made.run(
        fleet_upgrade_state_file=str(kept / "fleet.json"), fleet_upgrade_verification_tasks=str(checks)
    ).failed()
    assert made.unsafe() == [(scout, "B2"), (scout, "D3")] and made.verified(scout)
    said = run.result("Fail when the run failed or was interrupted")["msg"]
    assert "the state file was not written: %s cannot be written" % (kept / "fleet.json") in said
    assert "%s cannot be written" % (kept / "fleet.report.json") in said
    # What it could still write says what began.
    made.state_file = tmp_path / "lost" / "fleet.json"
    assert {name: row["status"] for name, row in made.state()["databases"].items()}[scout] in ("starting", "started")


def test_a_state_file_that_is_lost_in_the_middle_of_a_wave(fleet: Make, tmp_path: Path) -> None:
    """While a backup is made: its database is not upgraded, and its mates are not touched."""
    kept = tmp_path / "kept"
    kept.mkdir()
    made = fleet(CACHES, [{"app": f"cache{number}", "addon": "redis"} for number in range(1, 4)])
    scout, second = made.names()[:2]
    run = made.begin(fleet_upgrade_state_file=str(kept / "fleet.json"))
    until(lambda: (scout, "D3") in made.unsafe(), "the upgrade of the scout", 120)
    made.sandbox.durations(backup=1e6)
    until(lambda: (second, "B2") in made.unsafe(), "the backup of the second", 120)
    kept.rename(tmp_path / "lost")
    made.sandbox.durations(backup=0.1)
    made.sandbox.advance(1e6)
    assert "cannot be written" in run.result().failed().result("Fail when the run failed or was interrupted")["msg"]
    assert made.unsafe() == [(scout, "B2"), (scout, "D3"), (second, "B2")]
    assert "nothing more is begun, because the state file was not written" in run.result().stdout
