# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The drill of a restoration, with real dumps of a real server, and nothing left of it whatever happens."""

from __future__ import annotations

import concurrent.futures
import contextlib
import hashlib
import json
import os
import random
import re
import shutil
import signal
import subprocess
import sys
import time
import typing as t
import urllib.parse
from pathlib import Path

import pytest
from scalingo_sandbox.testing import Sandbox
from support import fetched
from support.ended import SEED as KILL_SEED
from support.ended import SIGNALS, THOROUGH, Doomed
from support.files import FileServer
from support.playbook import ROOT, Run
from support.postgresql import PostgreSQL
from support.programs import packed, until
from support.real import DURATIONS, Office, engine, short_directory
from support.watched import Watched, secrets_in

ADDON = "ad-00000000-0000-4000-8000-000000000041"
GUARDED = "ad-00000000-0000-4000-8000-000000000042"
OTHER = "ad-00000000-0000-4000-8000-000000000043"
CLINIC = "ad-00000000-0000-4000-8000-000000000044"
PASSWORD = "Canary/With%And:Signs+42"
ENCODED = urllib.parse.quote(PASSWORD, safe="")
PROGRAM = ROOT / "roles" / "restore_drill" / "files" / "drill.py"
TOKENS = ("A6", "auth-exchange")
SEED: dict[str, t.Any] = {
    "apps": [
        {
            "name": "shop",
            "addons": [
                {
                    "provider": "postgresql", "id": ADDON, "resource_id": "shop_1001", "engine": "real",
                    "database": {"version": "16.14.0-1", "extensions": {"hstore": "1.8"}},
                },
                {"provider": "mysql", "id": OTHER, "resource_id": "shop_1002"},
            ],
        },
        {
            "name": "vault",
            "region": "osc-secnum-fr1",
            "addons": [{"provider": "postgresql", "id": GUARDED, "resource_id": "vault_1", "database": {"version": "16.14.0-1", "backups": [{}]}}],
        },
        {"name": "clinic", "addons": [{"provider": "postgresql", "id": CLINIC, "hds": True, "database": {
            "version": "16.14.0-1", "backups": [{"method": "manual", "age": 86400.0 * day} for day in range(2, 12)],
        }}]},
    ],
    "durations": DURATIONS,
}  # fmt: skip
TABLES = (
    "CREATE TABLE orders (number int PRIMARY KEY, words hstore)",
    "INSERT INTO orders SELECT number, 'a=>1' FROM generate_series(1, 1000) AS number",
    "CREATE TABLE sessions (number int)",
    "INSERT INTO sessions SELECT generate_series(1, 50)",
    "CREATE TABLE events (day date) PARTITION BY RANGE (day)",
    "CREATE TABLE events_of_today PARTITION OF events DEFAULT",
    "INSERT INTO events VALUES ('2026-01-01')",
    "ALTER TABLE orders ENABLE ROW LEVEL SECURITY",
    "CREATE POLICY everybody ON orders USING (true)",
    'CREATE SCHEMA "the Archive"',
    'CREATE MATERIALIZED VIEW "the Archive".totals AS SELECT count(*) FROM orders',
    "CREATE SERVER another FOREIGN DATA WRAPPER postgres_fdw",
    "CREATE USER MAPPING FOR PUBLIC SERVER another OPTIONS (password 'of another server')",
)


class Archive:
    """What a link of the platform leads to."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.size = len(content)

    def pieces(self, start: int = 0, end: int | None = None) -> t.Iterator[bytes]:
        yield self._content[start:end]


def programs(version: str) -> str:
    return str(fetched.postgres(version) / "bin")


def clients() -> str:
    fetched.postgres("16.14")
    return str(ROOT / ".cache" / "postgres" / "clients" / "18" / "bin")


def without_extension(version: str, name: str, tree: Path) -> str:
    """The programs of a server that lacks an extension. It looks for them beside its own program, so that one is a copy."""
    origin = fetched.postgres(version)
    (tree / "bin").mkdir(parents=True)
    for program in ("initdb", "postgres"):
        shutil.copy2(origin / "bin" / program, tree / "bin" / program)
    (tree / "lib").symlink_to(origin / "lib")
    shutil.copytree(origin / "share", tree / "share", ignore=shutil.ignore_patterns(name + "*"))
    return str(tree / "bin")


class Place:
    """A controller, the directory in which it drills, and the databases."""

    def __init__(self, directory: Path, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.office = Office(sandbox)
        self.directory = directory
        self.work_dir = directory / "w"
        self.evidence = directory / "evidence"
        self.work_dir.mkdir()
        (directory / "controller").mkdir()
        # Both regions are known by the authentication host.
        environment = {
            name: value
            for name, value in sandbox.environment().items()
            if name in ("SCALINGO_API_TOKEN", "SCALINGO_AUTH_URL")
        }
        self.ansible = Watched(
            directory / "controller", sandbox, {**environment, "SCALINGO_REGION": "osc-fr1"}, more=(PASSWORD, ENCODED)
        )
        self.variables: dict[str, t.Any] = {
            "restore_drill_app": "shop",
            "restore_drill_evidence_dir": str(self.evidence),
            "restore_drill_work_dir": str(self.work_dir),
            "restore_drill_programs": programs("16.14"),
            "restore_drill_client_programs": clients(),
            "restore_drill_wait_interval": 0.2,
        }

    def run(
        self, *drills: t.Mapping[str, t.Any], options: t.Sequence[str] = (), **environment: str
    ) -> tuple[Run, list[dict[str, t.Any]]]:
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
        run = self.ansible.tasks(tasks, *options, environment=environment, module_defaults=once).ok().clean()
        summaries = [run.result(f"Summary {number}")["restore_drill_summary"] for number in range(len(drills))]
        for number, summary in enumerate(summaries):
            assert bool(run.tasks(f"Failed {number}")) is (summary["outcome"] in ("failed", "interrupted")), str(run)
        return run, summaries

    def processes(self) -> list[str]:
        """The command lines that name the directory of the drills."""
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            with contextlib.suppress(OSError):
                command = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                if str(self.work_dir) + "/" in command:
                    found.append(command)
        return found

    def nothing_is_left(self) -> None:
        assert list(self.work_dir.iterdir()) == []
        assert self.processes() == []

    def shows_no_secret(self) -> None:
        """In what is left; no run shows one anyway. Tokens that die within the hour are in the cache alone."""
        cached = [path.read_text(encoding="utf-8") for path in self.ansible.home.rglob("*.json")]
        tokens = [value for text in cached for value in re.findall(r'"(?:token|value)": "([^"]{20,})"', text)]
        links = [str(record.query["token"]) for record in self.sandbox.log() if "token" in record.query]
        assert tokens and links, "no token and no link was used, so this proves nothing"
        left = list(self.evidence.glob("*"))
        assert (
            left
            and secrets_in(
                {str(path): path.read_text(encoding="utf-8") for path in left},
                self.sandbox,
                *tokens,
                *links,
                PASSWORD,
                ENCODED,
            )
            == {}
        )


@pytest.fixture(scope="module")
def shop() -> t.Iterator[Place]:
    with short_directory() as directory, Sandbox(seed=SEED) as sandbox:
        place = Place(directory, sandbox)
        # As the platform's own user, to whom it all belongs.
        rows = engine(sandbox, ADDON).rows
        rows("CREATE EXTENSION postgres_fdw")
        for statement in TABLES:
            rows(statement)
        yield place


@pytest.fixture
def place(shop: Place) -> t.Iterator[Place]:
    shop.sandbox.clear_log()
    shop.sandbox.clear_faults()
    yield shop
    shop.nothing_is_left()


CHECKS = [
    {"name": "the last order", "sql": "SELECT max(number) FROM orders", "expect": 1000},
    {"name": "words are there", "sql": "SELECT bool_and(words -> 'a' = '1') FROM orders", "expect": True},
]


def test_good_and_bad_backups(place: Place) -> None:
    rows = engine(place.sandbox, ADDON).rows
    good, files = place.office.backup(ADDON)
    rows("DELETE FROM orders WHERE number > 700")
    rows("DELETE FROM sessions")
    rows("DROP TABLE events")
    poor, dummy = place.office.backup(ADDON)
    cut, dummy = place.office.backup(ADDON)
    whole = packed(files)
    # As long as the platform says, and damaged in its middle.
    (size,) = (
        item["size"]
        for item in place.office.database("GET", ADDON, "/backups").json()["database_backups"]
        if item["id"] == cut
    )
    damaged = whole[: len(whole) // 2].ljust(size, b"\0")
    place.sandbox.clear_log()
    with FileServer(t.cast(t.Any, Archive(damaged))) as server:
        match = {"route": "B4", "path": f"/api/databases/{ADDON}/backups/{cut}/archive"}
        place.sandbox.fault(match=match, do="replace", body={"download_url": server.link()})
        run, summaries = place.run(
            {"restore_drill_backup_id": good, "restore_drill_checks": CHECKS},
            # As text, as the command line gives it.
            {
                "restore_drill_backup_id": poor,
                "restore_drill_checks": CHECKS,
                "restore_drill_ignore_tables": "*.sessions",
                "restore_drill_min_tables": "99",
            },
            {"restore_drill_backup_id": cut},
        )
    place.nothing_is_left()
    assert [summary["outcome"] for summary in summaries] == ["changed", "failed", "failed"], [
        summary["findings"] for summary in summaries
    ]
    assert place.sandbox.unsafe() == [], "the database was touched"
    assert summaries[0]["findings"] == summaries[0]["next_steps"] == []
    assert summaries[1]["findings"].pop(0).endswith("tables, and there must be 99")
    assert summaries[1]["findings"] == [
        "the table public.events is gone, which had 1 rows in the last drill",
        "the table public.orders has 700 rows, and had 1000 in the last drill, which is 30 % less; 10 % are allowed (restore_drill_max_drop_percent)",
        "the check the last order returned 700, and not 1000",
    ]
    assert len(summaries[2]["findings"]) == 1 and "the archive is truncated or damaged" in summaries[2]["findings"][0]
    assert summaries[2]["evidence"]["file"]["sha256"] == hashlib.sha256(damaged).hexdigest()
    assert all(step in run.output for summary in summaries for step in summary["next_steps"])
    assert any(poor in step for step in summaries[1]["next_steps"])
    assert [step.split(", ", 1)[1] for step in summaries[1]["next_steps"][2:]] == [
        "lower restore_drill_min_tables.",
        "accept it once with restore_drill_max_drop_percent=100.",
        "correct restore_drill_checks.",
    ]

    evidence = json.loads(Path(summaries[0]["evidence_file"]).read_text(encoding="utf-8"))
    assert evidence == summaries[0]["evidence"]
    assert evidence["outcome"] == "passed" and evidence["failed_in"] is None and evidence["left_behind"] == []
    assert (
        evidence["backup"]["id"] == good
        and evidence["backup"]["method"] == "manual"
        and not evidence["backup"]["made_by_the_drill"]
    )
    assert all(
        re.fullmatch(r"\d{4}-\d\d-\d\dT[\d:.]+Z", evidence["backup"][name]) for name in ("created_at", "started_at")
    )
    assert evidence["file"]["size"] == evidence["backup"]["size"] and re.fullmatch(
        "[0-9a-f]{64}", evidence["file"]["sha256"]
    )
    assert evidence["file"]["dumped_from"] == "16.14"
    assert evidence["server"] == {"kind": "throw-away", "version": "16.14", "rehearsal": False}
    assert evidence["database"]["version"] == "16.14.0-1" and evidence["database"]["addon_id"] == ADDON
    tables = {"public.orders": 1000, "public.sessions": 50, "public.events": 1, '"the Archive".totals': 1}
    assert evidence["tables"] == tables
    assert evidence["left_out"] == {"USER MAPPING": 1}
    assert {check["kind"]: check["passed"] for check in evidence["checks"]} == {
        "extension": True,
        "tables": True,
        "sql": True,
    }
    assert set(evidence["extensions"]["restored"]) == {"hstore", "plpgsql", "postgres_fdw"}
    names = ["preflight", "backup", "download", "prepare", "restore", "check", "remove"]
    assert [phase["name"] for phase in evidence["phases"]] == names and all(
        0 < phase["minutes"] < 1 for phase in evidence["phases"]
    )
    # What a drill that failed counted is not what the next one compares with.
    last_good = json.loads((place.evidence / "shop-postgresql.last-good.json").read_text(encoding="utf-8"))
    assert last_good["backup"]["id"] == good and summaries[1]["evidence"]["compared_with"]["backup"] == good
    assert [summary["evidence"]["failed_in"] for summary in summaries[1:]] == [None, "prepare"]
    assert {path.stat().st_mode & 0o777 for path in place.evidence.iterdir()} == {0o600}
    place.shows_no_secret()


def test_other_servers(place: Place, tmp_path: Path) -> None:
    """Rehearsals of an upgrade, on servers that are given and on one that lacks an extension; and the database's own server."""
    rows = engine(place.sandbox, ADDON).rows
    production = urllib.parse.urlsplit(place.office.url("shop", "SCALINGO_POSTGRESQL_URL"))
    services = tmp_path / "services"
    services.write_text(
        f"[production]\nhost={production.hostname}\nport={production.port}\nuser={production.username}\npassword={production.password}\ndbname={production.path[1:]}\n"
    )
    before, dummy = place.office.backup(ADDON)
    rows("CREATE EXTENSION pg_trgm")
    databases = rows("SELECT datname FROM pg_database ORDER BY datname")
    lacking = without_extension("17.10", "hstore", tmp_path / "lacking")
    with PostgreSQL(tmp_path / "server") as server:
        server.create("chief", PASSWORD)
        server.rows("ALTER ROLE chief SUPERUSER")
        server.rows("CREATE DATABASE restore_drill_1700000000_0123abcd OWNER chief")
        place.sandbox.clear_log()
        given = {
            "restore_drill_rehearse_upgrade": True, "restore_drill_programs": "",
            "restore_drill_server_url": f"postgresql://chief:{ENCODED}@{server.host}:{server.port}/chief",
        }  # fmt: skip
        run, summaries = place.run(
            {**given, "restore_drill_backup_id": before, "restore_drill_name": "younger extension"},
            {
                "restore_drill_rehearse_upgrade": True,
                "restore_drill_programs": lacking,
                "restore_drill_name": "lacking",
            },
            {"restore_drill_server_service": "production"},
            options=["--diff"],
            PGSERVICEFILE=str(services),
            # As older versions of Ansible do.
            ANSIBLE_INJECT_INVOCATION="true",
        )
        left = {name for (name,) in server.rows("SELECT datname FROM pg_database")}
    place.nothing_is_left()
    place.shows_no_secret()
    assert left == {"postgres", "template0", "template1", "chief"}
    assert rows("SELECT datname FROM pg_database ORDER BY datname") == databases
    assert place.sandbox.unsafe() == []
    assert [summary["outcome"] for summary in summaries] == ["failed"] * 3, [
        summary["findings"] for summary in summaries
    ]

    (younger,) = summaries[0]["findings"]
    assert "lacks the extension pg_trgm" in younger and "restore_drill_max_age" in younger
    restored = summaries[0]["evidence"]
    assert (
        restored["server"] == {"kind": "given", "version": "17.10", "rehearsal": True} and restored["failed_in"] is None
    )
    assert restored["tables"]["public.orders"] == rows("SELECT count(*) FROM orders")[0][0]
    assert set(restored["extensions"]["restored"]) == {"hstore", "plpgsql", "postgres_fdw"}
    assert summaries[1]["findings"] == [
        "the extension hstore, which the database has, is not available on PostgreSQL 17.10. An upgrade to it would lose the extension, or fail."
    ]
    assert summaries[1]["evidence"]["server"] == {"kind": "throw-away", "version": "17.10", "rehearsal": True}
    assert summaries[1]["next_steps"] == ["Do not upgrade lacking to PostgreSQL 17 before this is solved."]
    assert "the given server is that of the database itself" in summaries[2]["findings"][0]
    assert (
        not list(place.evidence.glob("lacking.last-good.json"))
        and len(list(place.evidence.glob("lacking.*.json"))) == 1
    )


def step(name: str, **options: t.Any) -> dict[str, t.Any]:
    """One step of the program that the role runs, without Ansible."""
    done = subprocess.run(
        [sys.executable, "-I", str(PROGRAM), name],
        input=json.dumps(options),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == "", done.stderr
    answer: dict[str, t.Any] = json.loads(done.stdout)
    assert ("problem" in answer) is (done.returncode == 1)
    return answer


@contextlib.contextmanager
def served(place: Place, archive: bytes) -> t.Iterator[dict[str, t.Any]]:
    """A room with a server, into which a dump can be restored."""
    given = {"programs": programs("16.14"), "client_programs": clients(), "major": 16, "given": False}
    found = step("open", work_dir=str(place.work_dir), lifetime=60, subject="x", **given)
    try:
        (Path(found["room"]) / "archive.tar.gz").write_bytes(archive)
        unpacked = step("unpack", room=found["room"])
        keys = {key: found[key] for key in ("room", "server_programs", "client_programs")}
        yield {**found, **unpacked, **step("serve", locale="C.UTF-8", settings={}, jobs=1, roles=["reporting"], **keys)}
    finally:
        assert step("close", room=found["room"]) == {"removed": True, "left": []}


def test_what_a_dump_holds(place: Place) -> None:
    """Code in it does not get the rights of the server's owner, and one that is cut inside a whole archive is found out."""
    rows = engine(place.sandbox, ADDON).rows
    rows(
        "CREATE MATERIALIZED VIEW restorer AS SELECT session_user::text AS name, current_setting('is_superuser') AS rights"
    )
    dummy, files = place.office.backup(ADDON)
    rows("DROP MATERIALIZED VIEW restorer")
    ((name, dump),) = files.items()
    with served(place, packed({"readme": b"no dump", name: dump})) as server:
        room = Path(server["room"])
        assert server["dump_bytes"] == len(dump)
        assert {"hstore", "postgres_fdw"} <= set(server["archive"]) and server["version"] == "16.14"
        assert oct(room.stat().st_mode)[-3:] == "700" and "127.0.0.1" not in (room / "server.log").read_text(
            encoding="utf-8"
        )
        assert step("restore", room=str(room), jobs=1, more_extensions=["cube"])["problems"] == []
        checks = [
            {"name": "restorer", "sql": "SELECT name, rights FROM restorer"},
            {"name": "writes", "sql": "DELETE FROM orders"},
        ]
        measured = step("measure", room=str(room), timeout=10, checks=checks)
        assert measured["results"][0]["value"] == "drill|off" and "read-only" in measured["results"][1]["error"]
        assert "cube" not in measured["restored"]
    with served(place, packed({name: dump[:-400]})) as server:
        assert "end of file" in str(step("restore", room=server["room"], jobs=1, more_extensions=[])["problems"])


@pytest.mark.parametrize(
    "named",
    [
        pytest.param({}, id="by its kind"),
        pytest.param({"restore_drill_addon": CLINIC}, id="by its ID", marks=pytest.mark.long),
    ],
)
def test_data_of_health_are_refused_before_a_backup_is_made(place: Place, named: dict[str, str]) -> None:
    drill = {"restore_drill_app": "clinic", "restore_drill_make_backup": True, **named}
    refused, written = place.run(drill)[1][0], place.sandbox.unsafe()
    assert [record.route for record in written if record.route not in TOKENS] == [], (
        "something was written before the consent"
    )
    assert [record.route for record in place.sandbox.log() if record.route == "A2"] == [], (
        "the addon was read although its token says it all"
    )
    assert refused["evidence"]["failed_in"] == "preflight" and refused["evidence"]["backup"] == {}
    assert "data of health (HDS)" in refused["findings"][0]
    for word in ("export", "eviction"):
        assert f"'restore_drill_allow: [{word}]' to the variables of the role" in refused["findings"][0], (
            "all that is missing, at once"
        )

    allowed = place.run({**drill, "restore_drill_allow": ["export", "eviction"]})[1][0]
    assert [record.route for record in place.sandbox.unsafe() if record.route not in TOKENS] == ["B2"]
    assert allowed["evidence"]["file"]["size"] > 0 and allowed["evidence"]["failed_in"] == "prepare", (
        "the archive holds no dump of PostgreSQL"
    )


def test_what_would_be_done(place: Place) -> None:
    before = sorted(place.evidence.glob("*"))
    place.sandbox.fault(match={"route": "B1", "addon_id": GUARDED}, do="status", status=503)
    run, summaries = place.run(
        {"restore_drill_make_backup": True},
        {"restore_drill_app": "vault", "restore_drill_region": "osc-secnum-fr1"},
        {"restore_drill_app": "vault", "restore_drill_region": "osc-secnum-fr1", "restore_drill_allow": "export"},
        {"restore_drill_addon": "mysql"},
        {"restore_drill_programs": programs("17.10")},
        options=["--check"],
    )
    outcomes = [summary["outcome"] for summary in summaries]
    assert outcomes == ["would_change", "failed", "interrupted", "failed", "failed"], [
        summary["findings"] for summary in summaries
    ]
    assert summaries[0]["steps"] == [
        "would make a backup",
        "would download it, restore it on a throw-away server of PostgreSQL 16.14, look at it and remove everything again",
    ]
    assert (
        "SecNumCloud" in summaries[1]["findings"][0] and "restore_drill_allow: [export]" in summaries[1]["findings"][0]
    )
    assert "status 503" in summaries[2]["findings"][0], "with the word it goes on to the backups"
    assert (
        summaries[2]["evidence"]["failed_in"] == "backup"
        and "Run the drill again later." in summaries[2]["next_steps"][0]
    )
    assert "supports only PostgreSQL" in summaries[3]["findings"][0]
    assert (
        "PostgreSQL 16 is needed" in summaries[4]["findings"][0]
        and "restore_drill_programs" in summaries[4]["next_steps"][0]
    )
    assert "nothing is known of the backup" in summaries[1]["next_steps"][0]
    assert place.sandbox.unsafe() == [] and sorted(place.evidence.glob("*")) == before
    assert [record for record in place.sandbox.log() if record.route == "B4" or record.role == "files"] == []
    changed = {
        item.task.rpartition(" : ")[2] for item in run.results if item.status == "ok" and item.result.get("changed")
    }
    assert "Ensure a backup exists" in changed and changed <= {
        "Ensure a backup exists",
        "Ensure the evidence directory exists",
    }


def sleeping(place: Place) -> list[int]:
    """The sessions of a throw-away server that work on something."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if (
                os.readlink(path / "cwd").startswith(str(place.work_dir))
                and b"drill drill [local] SELECT" in (path / "cmdline").read_bytes()
            ):
                found.append(int(path.name))
    return found


def lasting(place: Place, known: dict[int, float]) -> list[int]:
    """Those that have worked on it for two seconds: asking for the tables and their rows is over by then. `known` says since when they are."""
    now, found = time.monotonic(), sleeping(place)
    for pid in set(known) - set(found):
        del known[pid]
    return [pid for pid in found if now - known.setdefault(pid, now) > 2]


def mains() -> list[int]:
    """The processes of Ansible that these tests have started."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parent = int((path / "stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1])
            if parent == os.getpid() and b"ansible-playbook" in (path / "cmdline").read_bytes():
                found.append(int(path.name))
    return found


def test_killed(place: Place, tmp_path: Path) -> None:
    """The keeper removes everything. When it was killed too, the next drill does."""
    role = {"name": "Drill", "ansible.builtin.include_role": {"name": "community.scalingo.restore_drill"}}
    checks = [{"name": "sleep", "sql": "SELECT pg_sleep(100)", "expect": ""}]
    given = {**place.variables, "restore_drill_name": "killed", "restore_drill_checks": checks}
    # Workers of the old core outlive it when it is asked to end, and hold its output open until their module ends.
    place.ansible.programs = Path(sys.executable).parent
    # A run that is to be killed is a process of its own.
    place.ansible.prefix = ["env"]
    place.office.backup(ADDON)
    with PostgreSQL(tmp_path / "server", version="16.14") as server, concurrent.futures.ThreadPoolExecutor(1) as pool:
        server.create("chief", PASSWORD)
        server.rows("ALTER ROLE chief SUPERUSER")
        url = f"postgresql://chief:{ENCODED}@{server.host}:{server.port}/chief"
        run = pool.submit(place.ansible.tasks, [role], vars={**given, "restore_drill_server_url": url})
        until(
            lambda: server.rows(
                "SELECT 1 FROM pg_stat_activity WHERE query LIKE '%pg_sleep(100)%' AND datname ~ '^restore_drill_'"
            ),
            "it asks",
            90,
        )
        for number in mains():
            os.kill(number, signal.SIGTERM)
        run.result()
        until(lambda: not list(place.work_dir.iterdir()), "the keeper has removed the directory", 60)
        names = {name for (name,) in server.rows("SELECT datname FROM pg_database")}
        assert names == {"postgres", "template0", "template1", "chief"}

        run = pool.submit(place.ansible.tasks, [role], vars=given)
        known: dict[int, float] = {}
        until(lambda: lasting(place, known), "it asks again", 90)
        (room,) = place.work_dir.iterdir()
        # At the same moment: neither may see the other one's end.
        both = [json.loads((room / "keeper.json").read_text()), *mains()]
        for number in (signal.SIGSTOP, signal.SIGKILL):
            for process in both:
                os.kill(process, number)
        assert run.result().returncode == -signal.SIGKILL
    assert sleeping(place) and (room / "data").is_dir(), "nobody was there to remove it"
    assert not list(place.evidence.glob("killed.*"))

    playbook = "- ansible.builtin.import_playbook: community.scalingo.restore_drill\n"
    variables = json.dumps({**place.variables, "restore_drill_name": "next", "restore_drill_max_age": "1s"})
    looked = place.ansible.play(playbook, "--check", "-e", variables).failed()
    assert f"would remove what an earlier drill left: {room}" in str(looked.results) and room.is_dir()
    failed = place.ansible.play(playbook, "-e", variables, environment={"ANSIBLE_SHOW_CUSTOM_STATS": "true"}).failed()
    place.nothing_is_left()
    assert not sleeping(place)
    assert "has no backup that is done and not older than 1s" in failed.stdout
    assert f"removed what an earlier drill left: {room}" in failed.stdout.partition("CUSTOM STATS")[2]


def test_databases_of_a_list_are_drilled_one_after_the_other(place: Place) -> None:
    """Each has evidence of its own; one that fails stops no other, and fails last."""
    playbook = "- ansible.builtin.import_playbook: community.scalingo.restore_drill\n"
    variables = {name: value for name, value in place.variables.items() if name != "restore_drill_app"}
    databases = [{"app": "nowhere"}, {"app": "shop"}]
    entries = [{**entry, "addon": "postgresql"} for entry in databases]
    run = place.ansible.play(
        playbook,
        "-e",
        json.dumps({**variables, "restore_drill_make_backup": True, "scalingo_hosts_databases": entries}),
    ).failed()
    found = run.result("Publish the summary")["ansible_stats"]["data"]["scalingo_restore_drill"]
    assert (found["failed"], [item["outcome"] for item in found["databases"]]) == (
        ["nowhere/postgresql"],
        ["failed", "changed"],
    )
    assert [path.name.partition(".")[0] for path in place.evidence.glob("*-good.json")] == ["shop-postgresql"]
    (last,) = run.tasks("Fail the databases that are not as they should be", "nowhere/postgresql")
    assert last.status == "failed" and "nowhere/postgresql did not pass the drill:" in last.result["msg"]


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
                        until(lambda: not list(place.work_dir.iterdir()) and not place.processes(), "the keeper", 60)
                    drill.tally.left_behind += [*map(str, place.work_dir.iterdir()), *place.processes()]
            drill.last_moment()
            drill.tally.converged += 1
            after = len(place.office.database("GET", ADDON, "/backups").json()["database_backups"])
            drill.tally.doubled += [f"backups: {before}, then {after}"] if after != before + 1 else []
        drill.tally.keep(f"drill {way}")
        drill.tally.good()
