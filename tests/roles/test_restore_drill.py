# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role restore_drill and its playbook. What the module does is in tests/engines/test_restore_drill.py, without Ansible."""

from __future__ import annotations

import concurrent.futures
import contextlib
import json
import os
import random
import signal
import sys
import typing as t
import urllib.parse
from pathlib import Path

import pytest
import yaml
from scalingo_sandbox.testing import Sandbox
from support import fetched
from support.drills import processes_of
from support.ended import SEED as KILL_SEED
from support.ended import SIGNALS, THOROUGH, Doomed
from support.playbook import ROOT, Run, oldest_core
from support.programs import until
from support.real import DURATIONS, Office, engine, short_directory
from support.watched import Watched, secrets_in

ADDON = "ad-00000000-0000-4000-8000-000000000041"
CLINIC = "ad-00000000-0000-4000-8000-000000000044"
PASSWORD = "Canary/With%And:Signs+42"
ENCODED = urllib.parse.quote(PASSWORD, safe="")
TOKENS = ("A6", "auth-exchange")
PLAYBOOK = "- ansible.builtin.import_playbook: community.scalingo.restore_drill\n"
SEED: dict[str, t.Any] = {
    "apps": [
        {
            "name": "shop",
            "addons": [
                {"provider": "postgresql", "id": ADDON, "resource_id": "shop_1001", "engine": "real", "database": {"version": "16.14.0-1"}},
                {"provider": "mongodb", "resource_id": "shop_1002"},
            ],
        },
        {"name": "vault", "region": "osc-secnum-fr1", "addons": [{"provider": "postgresql", "resource_id": "vault_1", "database": {
            "version": "16.14.0-1", "backups": [{}],
        }}]},
        {"name": "clinic", "addons": [{"provider": "postgresql", "id": CLINIC, "hds": True, "database": {
            "version": "16.14.0-1", "backups": [{"method": "manual", "age": 86400.0 * day} for day in range(2, 12)],
        }}]},
    ],
    "durations": DURATIONS,
}  # fmt: skip
#: What a group may say that was made for other machines.
HOSTILE = {
    "ansible_connection": "ssh", "ansible_become": True, "ansible_become_exe": "/nowhere/sudo", "ansible_host": "nowhere.invalid",
    "ansible_python_interpreter": "/nowhere/python",
}  # fmt: skip
CHECKS = [{"name": "the last order", "sql": "SELECT max(number) FROM orders", "expect": 1000}]


class Place:
    """A controller, the directory in which it drills, and the databases."""

    def __init__(self, directory: Path, sandbox: Sandbox) -> None:
        fetched.postgres("16.14")
        self.sandbox = sandbox
        self.office = Office(sandbox)
        self.directory = directory
        self.work_dir = directory / "w"
        self.evidence = directory / "evidence"
        self.work_dir.mkdir()
        # Both regions are known by the authentication host.
        environment = {
            name: value
            for name, value in sandbox.environment().items()
            if name in ("SCALINGO_API_TOKEN", "SCALINGO_AUTH_URL")
        }
        (directory / "controller").mkdir()
        self.ansible = Watched(
            directory / "controller", sandbox, {**environment, "SCALINGO_REGION": "osc-fr1"}, more=(PASSWORD, ENCODED)
        )
        self.variables: dict[str, t.Any] = {
            "restore_drill_app": "shop",
            "restore_drill_evidence_dir": str(self.evidence),
            "restore_drill_work_dir": str(self.work_dir),
            "restore_drill_programs": str(fetched.postgres("16.14") / "bin"),
            "restore_drill_client_programs": str(ROOT / ".cache" / "postgres" / "clients" / "18" / "bin"),
            "restore_drill_wait_interval": 0.2,
        }

    def run(self, *drills: t.Mapping[str, t.Any], options: t.Sequence[str] = ()) -> tuple[Run, list[dict[str, t.Any]]]:
        """Drills one after another in one play, and the summary of each. They may fail."""
        tasks = []
        for number, drill in enumerate(drills):
            role = {
                "name": "Drill",
                "ansible.builtin.include_role": {"name": "community.scalingo.restore_drill"},
                "vars": {**self.variables, **drill},
            }
            failed = {"name": f"Failed {number}", "ansible.builtin.debug": {"msg": "it failed"}}
            tell = {"name": f"Summary {number}", "ansible.builtin.debug": {"var": "restore_drill_summary"}}
            tasks.append({"block": [role], "rescue": [failed], "always": [tell]})
        once = {"group/community.scalingo.scalingo": {"api_retries": 0}}
        run = self.ansible.tasks(tasks, *options, module_defaults=once).ok().clean()
        summaries = [run.result(f"Summary {number}")["restore_drill_summary"] for number in range(len(drills))]
        for number, summary in enumerate(summaries):
            assert bool(run.tasks(f"Failed {number}")) is (summary["outcome"] in ("failed", "interrupted")), str(run)
        return run, summaries

    def nothing_is_left(self) -> None:
        assert list(self.work_dir.iterdir()) == []
        assert processes_of(self.work_dir) == []

    def written(self) -> list[str]:
        return [record.route for record in self.sandbox.unsafe() if record.route not in TOKENS]


@pytest.fixture(scope="module")
def shop() -> t.Iterator[Place]:
    with short_directory() as directory, Sandbox(seed=SEED) as sandbox:
        place = Place(directory, sandbox)
        # As the platform's own user, to whom it all belongs.
        rows = engine(sandbox, ADDON).rows
        rows("CREATE TABLE orders (number int PRIMARY KEY)")
        rows("INSERT INTO orders SELECT generate_series(1, 1000)")
        yield place


@pytest.fixture
def place(shop: Place) -> t.Iterator[Place]:
    shop.sandbox.clear_log()
    shop.sandbox.clear_faults()
    yield shop
    shop.nothing_is_left()


def test_good_and_bad_drills(place: Place, tmp_path: Path) -> None:
    """With what is wrong before a backup is made, and what somebody has accepted."""
    rows = engine(place.sandbox, ADDON).rows
    good, dummy = place.office.backup(ADDON)
    rows("DELETE FROM orders WHERE number > 700")
    poor, dummy = place.office.backup(ADDON)
    rows("INSERT INTO orders SELECT generate_series(701, 1000)")
    policy = tmp_path / "policy.yml"
    decided = {
        "database": "shop/*",
        "what": "rows public.orders",
        "reason": "spring cleaning",
        "accepted_by": "Ada",
        "until": "2999-01-01",
    }
    policy.write_text(yaml.safe_dump({"deviations": [decided]}), encoding="utf-8")
    place.sandbox.clear_log()
    clinic = {"restore_drill_app": "clinic", "restore_drill_make_backup": True}
    run, summaries = place.run(
        {"restore_drill_backup_id": good, "restore_drill_checks": CHECKS},
        # As text, as the command line gives it.
        {"restore_drill_backup_id": poor, "restore_drill_checks": CHECKS, "restore_drill_min_tables": "99"},
        {"restore_drill_backup_id": poor, "restore_drill_policy": str(policy)},
        clinic,
        {**clinic, "restore_drill_allow": ["export"]},
        {**clinic, "restore_drill_allow": ["export", "eviction"]},
        options=["-e", "awx_job_id=17", "-e", "awx_user_name=ada"],
    )
    outcomes = [summary["outcome"] for summary in summaries]
    assert outcomes == ["changed", "failed", "changed", "failed", "failed", "failed"], [
        summary["findings"] for summary in summaries
    ]
    first, lossy, accepted, refused, full, made = summaries
    assert first["findings"] == first["next_steps"] == []
    evidence = json.loads(Path(first["evidence_file"]).read_text(encoding="utf-8"))
    assert evidence["outcome"] == "passed" and evidence["tables"]["counts"] == {"public.orders": 1000}
    assert (evidence["run"]["job"], evidence["run"]["user"]) == ("17", "ada")
    assert f"The evidence is {first['evidence_file']} (SHA-256 " in run.tasks("Report the outcome")[0].result["msg"]
    assert lossy["findings"][1:] == [
        "the table public.orders has 700 rows, and had 1000 in the last drill, which is 30 % less; 10 % are allowed (max_drop_percent)",
        "the check the last order returned something else, and not 1000",
    ]
    assert all(line in run.output for line in (*lossy["findings"], *lossy["next_steps"]))
    assert accepted["evidence"]["deviations"][0]["accepted_by"] == "Ada"

    # Of the databases of health only the last made a backup, which is no dump of PostgreSQL.
    assert (
        "data of health (HDS)" in refused["findings"][0]
        and "'restore_drill_allow: [export]' to the variables" in refused["findings"][0]
    )
    assert "'restore_drill_allow: [eviction]' to the variables of the role" in full["findings"][0]
    assert place.written() == ["B2"] and made["evidence"]["failed_in"] == "start"
    left = list(place.evidence.glob("*"))
    assert (
        secrets_in({str(path): path.read_text(encoding="utf-8") for path in left}, place.sandbox, PASSWORD, ENCODED)
        == {}
    )


def test_what_would_be_done(place: Place) -> None:
    place.office.backup(ADDON)
    place.sandbox.clear_log()
    before = sorted(place.evidence.glob("*"))
    place.sandbox.fault(match={"route": "B1", "region": "osc-secnum-fr1"}, do="status", status=503)
    vault = {"restore_drill_app": "vault", "restore_drill_region": "osc-secnum-fr1"}
    run, summaries = place.run(
        {"restore_drill_make_backup": True},
        vault,
        {**vault, "restore_drill_allow": "export"},
        {"restore_drill_addon": "mongodb"},
        {"restore_drill_programs": str(fetched.postgres("17.10") / "bin")},
        options=["--check"],
    )
    outcomes = [summary["outcome"] for summary in summaries]
    assert outcomes == ["would_change", "failed", "interrupted", "failed", "failed"], [
        summary["findings"] for summary in summaries
    ]
    assert summaries[0]["steps"] == [
        "verify that the backup not-made-in-check-mode can be restored, on a throw-away server of PostgreSQL 16"
    ]
    assert (
        "SecNumCloud" in summaries[1]["findings"][0] and "restore_drill_allow: [export]" in summaries[1]["findings"][0]
    )
    assert "status 503" in summaries[2]["findings"][0], "with the word it goes on to the backups"
    assert "drills restore PostgreSQL and MySQL" in summaries[3]["findings"][0]
    assert "PostgreSQL 16 is needed" in summaries[4]["findings"][0]
    assert place.written() == [] and sorted(place.evidence.glob("*")) == before
    assert [record for record in place.sandbox.log() if record.route == "B4" or record.role == "files"] == []


@pytest.mark.parametrize("programs", [oldest_core(), Path(sys.executable).parent], ids=["oldest", "newest"])
def test_a_fleet_among_hostile_variables_is_drilled_one_after_the_other(
    place: Place, tmp_path: Path, programs: Path
) -> None:
    """Each has evidence of its own; one that fails stops no other, and fails last. Nothing of group_vars/all reaches a task."""
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "all.json").write_text(json.dumps(HOSTILE), encoding="utf-8")
    hosts = {
        name: {"scalingo_app": name, "scalingo_addon": "postgresql", "scalingo_engine": "postgresql"}
        for name in ("nowhere", "shop")
    }
    inventory = {"all": {"children": {"scalingo_databases": {"hosts": hosts}}}}
    (tmp_path / "hosts.yml").write_text(yaml.safe_dump(inventory), encoding="utf-8")
    variables = {name: value for name, value in place.variables.items() if name != "restore_drill_app"}
    variables["restore_drill_evidence_dir"] = str(tmp_path / "evidence")
    given = json.dumps({**variables, "restore_drill_make_backup": True})
    place.ansible.programs = programs
    run = place.ansible.play(PLAYBOOK, "-i", str(tmp_path / "hosts.yml"), "-e", given).failed()
    found = run.result("Publish the summary")["ansible_stats"]["data"]["scalingo_restore_drill"]
    assert [item["outcome"] for item in found["databases"]] == ["failed", "changed"], str(run)
    names = {path.name.partition(".")[0] for path in (tmp_path / "evidence").glob("*.json")}
    assert {name for name in names if name != "newest"} == {"nowhere", "shop"}
    assert [failed for failed in found["failed"] if "nowhere" in failed]


def mains() -> list[int]:
    """The processes of Ansible that these tests have started."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((path / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])
            if parent == os.getpid() and b"ansible-playbook" in (path / "cmdline").read_bytes():
                found.append(int(path.name))
    return found


@pytest.mark.long
def test_killed(place: Place) -> None:
    """No process outlives the run, and the next drill removes what it left. At other moments: tests/engines/test_drill_postgresql.py."""
    checks = [{"name": "sleep", "sql": "SELECT pg_sleep(100)", "expect": ""}]
    given = {**place.variables, "restore_drill_name": "killed", "restore_drill_checks": checks}
    # A run that is to be killed is a process of its own.
    place.ansible.programs, place.ansible.prefix = Path(sys.executable).parent, ["env"]
    place.office.backup(ADDON)
    role = {"name": "Drill", "ansible.builtin.include_role": {"name": "community.scalingo.restore_drill"}}
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        run = pool.submit(place.ansible.tasks, [role], vars=given)
        until(
            lambda: any("pg_sleep" in text or "SELECT" in text for text in processes_of(place.work_dir)), "it asks", 90
        )
        for number in mains():
            os.kill(number, signal.SIGKILL)
        run.result()
    until(lambda: not processes_of(place.work_dir), "all of it has ended", 30)
    (left,) = place.work_dir.iterdir()
    assert not list(place.evidence.glob("killed.*"))
    place.ansible.prefix = []
    (next_one,) = place.run({"restore_drill_name": "next"})[1]
    assert next_one["outcome"] == "changed" and next_one["steps"][0] == f"remove what an earlier drill left: {left}"
    assert next_one["evidence"]["erased"]["swept"] == [str(left)]


if THOROUGH:

    @pytest.mark.parametrize("way", ("in process", "module"))
    def test_killed_anywhere(place: Place, way: str) -> None:
        """At any moment of its progress: everything is removed without another drill, and the next one makes no second backup."""
        play = [
            {
                "hosts": "localhost",
                "connection": "local",
                "gather_facts": False,
                "roles": [{"role": "community.scalingo.restore_drill"}],
            }
        ]
        variables = {
            **place.variables,
            "restore_drill_name": "anywhere",
            "restore_drill_make_backup": True,
            "restore_drill_max_age": "1h",
        }
        options = ("-i", "localhost,", "-e", json.dumps(variables))
        environment = {} if way == "in process" else {"SCALINGO_IN_PROCESS": "false"}
        drill = Doomed(place.ansible, place.sandbox, play, *options, **environment)
        chance = random.Random(f"{KILL_SEED} {way} drill")
        place.sandbox.advance(7200)
        last = drill.last_moment()
        for dummy in range(THOROUGH // (2 * len(SIGNALS))):
            place.sandbox.advance(7200)
            before = len(place.office.database("GET", ADDON, "/backups").json()["database_backups"])
            for number in chance.sample(SIGNALS, len(SIGNALS)):
                if drill.kill(number, chance.randrange(3, last), chance):
                    drill.tally.kills[f"{way} {number} drill"] += 1
                    with contextlib.suppress(AssertionError):
                        until(lambda: not processes_of(place.work_dir), "the end of all", 60)
                    drill.tally.left_behind += processes_of(place.work_dir)
            drill.last_moment()
            drill.tally.converged += 1
            after = len(place.office.database("GET", ADDON, "/backups").json()["database_backups"])
            drill.tally.doubled += [f"backups: {before}, then {after}"] if after != before + 1 else []
        drill.tally.keep(f"drill {way}")
        drill.tally.good()
