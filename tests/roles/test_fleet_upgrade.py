# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A fleet of nine databases through the playbook: planned, killed in the middle, started again, and fleets in which something fails."""

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
VERSIONS = {"redis": "6.2.14-1", "mysql": "8.0.40-1"}
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
ENGINES = ("redis", "mysql", "postgresql")
NINE = [{"app": app, "addon": engine} for engine in ENGINES for app in ("east", "north", "west")]

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
        self.state = directory / "home" / ".local" / "state" / "community.scalingo"
        surroundings = {"ANSIBLE_SHOW_CUSTOM_STATS": "true"}
        self.ansible = Watched(directory, sandbox, {**sandbox.environment(), **surroundings})
        self._pool = concurrent.futures.ThreadPoolExecutor(max_workers=1)

    def run(self, *options: str, **variables: t.Any) -> Run:
        given = {
            "fleet_upgrade_databases": list(self.databases),
            "fleet_upgrade_waves": [1, 3],
            "fleet_upgrade_wait_interval": 0.3,
            "fleet_upgrade_settle_seconds": 0.3,
            **variables,
        }
        playbook = "- ansible.builtin.import_playbook: community.scalingo.fleet_upgrade\n"
        return self.ansible.play(playbook, "-e", json.dumps(given), *options)

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
        path = self.state / "fleet_upgrade.report.json"
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        return {row["name"]: row for row in json.loads(path.read_text(encoding="utf-8"))["databases"]}

    def unverified(self) -> list[str]:
        """The databases of which it is kept what they were."""
        kept = {path.stem for path in self.state.glob("ad-*.json")}
        return [name for name in self.names() if self.addon(name) in kept]

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
        left = {str(path): path.read_text(encoding="utf-8") for path in self.state.iterdir() if path.is_file()}
        assert left and secrets_in(left, self.sandbox, *tokens) == {}


def headings(run: Run) -> list[str]:
    """What a person sees of the tasks."""
    return re.findall(r"^TASK \[(.*)\] \*+$", run.stdout, re.MULTILINE)


@pytest.fixture
def fleet(tmp_path: Path) -> t.Iterator[t.Callable[[dict[str, t.Any], t.Sequence[t.Mapping[str, t.Any]]], Fleet]]:
    with contextlib.ExitStack() as stack:
        yield lambda seed, databases: Fleet(stack.enter_context(Sandbox(seed=seed)), tmp_path, databases)


Make = t.Callable[[dict[str, t.Any], t.Sequence[t.Mapping[str, t.Any]]], Fleet]


def test_nine_databases_are_upgraded_although_the_run_is_killed(fleet: Make) -> None:
    made = fleet(FLEET, NINE)
    names = made.names()
    scout, second, third, fourth = names[:4]

    planned = made.run("--check").ok()
    assert made.unsafe() == []
    assert "9 databases: 9 would change" in planned.stdout
    assert list(made.state.iterdir()) == [] if made.state.exists() else True

    # The second wave takes its time. A run that is to be killed is a process of its own.
    made.ansible.prefix = ["env"]
    killed = made.begin()
    # Not when it was asked for: what an upgrade takes is settled a moment later.
    until(
        lambda: killed.done() or made.shown(scout)["readable_version"] != VERSIONS["redis"],
        "the scout is upgraded",
        120,
    )
    assert not killed.done(), str(killed.result())
    made.sandbox.durations(upgrade=300)
    until(lambda: {(third, "D3"), (fourth, "B2")} <= {*made.unsafe()}, "the third upgrade has begun", 120)
    made.kill()
    first = killed.result()
    assert first.returncode == -signal.SIGKILL
    assert {name for name, dummy in made.unsafe()} == {scout, second, third, fourth}
    assert third in made.unverified() and scout not in made.unverified()

    begun = made.unsafe()
    before = len(made.requests(third))
    made.ansible.prefix = []
    again = made.begin()
    until(
        lambda: again.done() or [record.route for record in made.requests(third)][before:].count("D1") >= 3,
        "it waits for the operation",
        120,
    )
    assert not again.done(), str(again.result())
    assert {name for name, dummy in made.unsafe()[len(begun) :]} <= {second, third, fourth}, "nothing new begins before"
    made.sandbox.durations(upgrade=0.5)
    made.sandbox.advance(300)
    again.result().ok()

    calls = made.unsafe()
    for name in names:
        assert [route for called, route in calls if called == name].count("B2") == 1, name
        assert calls.index((name, "B2")) < calls.index((name, "D3")), name
        assert made.verified(name), name
        assert made.shown(name)["readable_version"] in ("6.2.19-1", "8.0.43-1", "16.14.0-1"), name
    assert sorted(name for name, route in calls if route == "D3") == sorted([*names, "west/mysql"])
    report = made.report()
    outcomes = [report[name]["outcome"] for name in names]
    # What was over when the run looked is compared with what was there before, and is no change of this run.
    assert (
        outcomes[0] == "unchanged"
        and set(outcomes[1:4]) <= {"changed", "unchanged"}
        and outcomes[4:] == ["changed"] * 5
    )
    assert report[third]["wave"] == 1
    assert made.unverified() == []
    made.is_true()
    made.shows_no_secret()

    made.sandbox.clear_log()
    nothing = made.run().ok()
    assert made.unsafe() == [] and nothing.count("changed") == 0
    assert set(made.outcomes().values()) == {"unchanged"}
    assert "No database was upgraded: 9 unchanged." in nothing.stdout
    assert len(made.sandbox.log()) <= 9 * 2


def test_the_failure_of_the_scout_ends_the_run(fleet: Make) -> None:
    made = fleet(CACHES, [{"app": f"cache{number}", "addon": "redis"} for number in range(1, 4)])
    made.sandbox.outcome("upgrade", "fail", made.addon("cache2/redis"), error="the disk is full")
    made.sandbox.change_database(made.addon("cache1/redis"), status="stopped")
    run = made.run().failed()
    assert made.unsafe() == [("cache2/redis", "B2"), ("cache2/redis", "D3")]
    assert made.outcomes() == {"cache1/redis": "skipped", "cache2/redis": "failed", "cache3/redis": "not_started"}
    failed = made.report()["cache2/redis"]
    assert failed["scout"] and "the disk is full" in str(failed) and failed["version_after"] in (None, "6.2.14-1")
    made.is_true()
    assert "the scout cache2/redis failed" in run.stdout.partition("CUSTOM STATS")[2]
    # The last thing before the recap, of the database and no other.
    said = [item for item in run.results if item.status == "failed"][-1]
    assert (said.host, said.task) == ("cache2/redis", "Fail when the upgrade failed or was interrupted")
    assert "the disk is full" in said.result["msg"] and "cache2/redis" in said.result["msg"]
    made.shows_no_secret()

    made.sandbox.clear_log()
    nowhere = made.run(scalingo_state_dir="/proc/nowhere").failed()
    assert made.unsafe() == [], "nothing begins that cannot be written down"
    assert "/proc/nowhere" in nowhere.result("Fail when the run cannot begin")["msg"]


@pytest.mark.long
def test_a_whole_wave_fails(fleet: Make) -> None:
    vault = {"name": "vault", "addons": [{"provider": "postgresql-ng", "database": {"version": "16.8.0-1"}}]}
    databases = [{"app": f"cache{number}", "addon": "redis"} for number in range(1, 7)]
    # What its entry says of the backup does not beat what is to be done without one.
    made = fleet(
        {**CACHES, "apps": [*CACHES["apps"], vault]},
        [*databases, {"app": "vault", "addon": "postgresql-ng", "backup": True}],
    )
    names = made.names()
    for name in names[1:4]:
        made.sandbox.outcome("upgrade", "fail", made.addon(name))
    made.run(fleet_upgrade_waves="1,3").failed()
    assert list(made.outcomes().values()) == ["changed", *["failed"] * 3, *["not_started"] * 2, "skipped"]
    assert sorted({name for name, dummy in made.unsafe()}) == names[:4]
    made.is_true()
    # A plain rerun takes up what failed, and what was not started.
    again = made.run(fleet_upgrade_waves="1,3", fleet_upgrade_without_backup="upgrade").ok()
    assert list(made.outcomes().values()) == ["unchanged", *["changed"] * 6]
    assert "6 databases are upgraded and verified, 1 unchanged." in again.stdout
    assert [route for name, route in made.unsafe() if name == names[6]] == ["D3"]


def test_every_upgrade_that_began_is_verified_when_a_mate_fails(fleet: Make, tmp_path: Path) -> None:
    """In a wave three mates fail: their backup, their upgrade, and the user's check after it; a fourth is interrupted."""
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
    given = {"fleet_upgrade_verification_tasks": str(checks), "fleet_upgrade_waves": [1, 4]}
    made.run(**given).failed()
    assert list(made.outcomes().values()) == ["changed", "changed", "failed", "failed", "failed", "not_started"]
    assert sorted(name for name, route in made.unsafe() if route == "D3") == [*names[:3], names[4]]
    assert made.verified(names[1]) and made.verified(names[4])
    assert made.report()[names[4]]["findings"] == ["your own check failed: Count the keys: there are no keys any more"]
    made.is_true()
    assert names[4] in made.unverified() and names[1] not in made.unverified()

    # The next run looks again at what was lost. It is late, so that it begins nothing.
    sandbox.clear_log()
    late = {**given, "fleet_upgrade_stop_starting_at": "2026-01-01T00:00:00Z"}
    made.run(**late).failed()
    assert made.outcomes()[names[4]] == "failed" and made.outcomes()[names[5]] == "not_started"
    assert made.unsafe() == [] and [r.route for r in made.requests(names[4])].count("S5") > 0
    made.is_true()
    made.run(**late, fleet_upgrade_accept=[names[4]]).ok()
    assert made.outcomes()[names[4]] == "unchanged" and names[4] not in made.unverified()
