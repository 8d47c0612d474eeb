# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Drills of the module with real dumps of real servers. What is held of the servers themselves is in test_drill_*.py."""

from __future__ import annotations

import hashlib
import json
import os
import resource
import shutil
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.community.scalingo.plugins.module_utils import (
    _drill_measures,
    _drill_place,
    _drill_postgresql,
    _evidence,
)
from ansible_collections.community.scalingo.plugins.module_utils._errors import ScalingoError
from ansible_collections.community.scalingo.plugins.module_utils._resources import restore_drill
from ansible_collections.community.scalingo.plugins.modules import scalingo_restore_drill
from scalingo_sandbox.testing import Sandbox
from support import fetched
from support.drills import processes_of
from support.files import FileServer
from support.playbook import ROOT
from support.port import Report, perform
from support.programs import packed
from support.real import DURATIONS, Office, engine, short_directory

ADDON = "ad-00000000-0000-4000-8000-000000000041"
MYSQL_ADDON = "ad-00000000-0000-4000-8000-000000000042"
#: A value of a row: no evidence, result or message of a drill may hold it.
CANARY = "canary-of-a-row@example.com"
#: A backup of MySQL, which the sandbox serves as it is.
SQL = f"""-- MySQL dump 10.13  Distrib 8.4.6, for Linux (x86_64)
CREATE TABLE `orders` (`id` int NOT NULL AUTO_INCREMENT, `mail` varchar(50), `at` timestamp NULL, PRIMARY KEY (`id`));
INSERT INTO `orders` (`mail`, `at`) VALUES {", ".join(f"('{CANARY}', '2026-01-0{day} 00:00:00')" for day in (1, 2, 3))};
CREATE TABLE `sessions` (`id` int);
-- Dump completed on 2026-12-01  0:00:00
"""
MYSQL = packed({"shop.sql": SQL.encode()})
LOSSY = packed({"shop.sql": SQL.replace(f"('{CANARY}', '2026-01-01 00:00:00'), ", "").encode()})
BACKUPS = [
    {"id": name * 24, "method": "manual", "age": age, "archive_bytes": 5000} for name, age in (("a", 9000), ("b", 7200))
]
SEED: dict[str, t.Any] = {
    "apps": [{"name": "shop", "addons": [
        {"provider": "postgresql", "id": ADDON, "resource_id": "shop_1001", "engine": "real",
         "database": {"version": "16.14.0-1", "extensions": {"hstore": "1.8"}}},
        {"provider": "mysql", "id": MYSQL_ADDON, "resource_id": "shop_1002", "database": {"backups": BACKUPS}},
    ]}],
    "durations": DURATIONS,
}  # fmt: skip
TABLES = (
    "CREATE TABLE orders (number serial PRIMARY KEY, mail text, words hstore, ordered_at timestamptz DEFAULT now())",
    f"INSERT INTO orders (mail, words) SELECT '{CANARY}', 'a=>1' FROM generate_series(1, 1000) AS number",
    "CREATE TABLE sessions (number int)",
    "INSERT INTO sessions SELECT generate_series(1, 50)",
    "CREATE TABLE events (day date) PARTITION BY RANGE (day)",
    "CREATE TABLE events_of_today PARTITION OF events DEFAULT",
    "INSERT INTO events VALUES ('2026-01-01')",
    "ALTER TABLE orders ENABLE ROW LEVEL SECURITY",
    "ALTER TABLE orders FORCE ROW LEVEL SECURITY",
    "CREATE POLICY few ON orders USING (number < 3)",
    'CREATE SCHEMA "the Archive"',
    'CREATE MATERIALIZED VIEW "the Archive".totals AS SELECT count(*) FROM sessions',
    "CREATE MATERIALIZED VIEW later AS SELECT 1 WITH NO DATA",
    "SELECT lo_create(number) FROM generate_series(70001, 70010) AS number",
)
CHECKS = [
    {"name": "the last order", "sql": "SELECT max(number) FROM orders", "expect": 1000},
    {"name": "words are there", "sql": "SELECT bool_and(words -> 'a' = '1') FROM orders", "expect": True},
]
FRESHNESS = [{"table": "orders", "column": "ordered_at", "max_age": "1d"}]


class Archive:
    """What a link of the platform leads to."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.size = len(content)

    def pieces(self, start: int = 0, end: int | None = None) -> t.Iterator[bytes]:
        yield self._content[start:end]


def programs(version: str) -> str:
    return str(fetched.postgres(version) / "bin")


def without_extension(version: str, name: str, tree: Path) -> str:
    """The programs of a server that lacks an extension. It looks for them beside its own program, so that one is a copy."""
    origin = fetched.postgres(version)
    (tree / "bin").mkdir(parents=True)
    for program in ("initdb", "postgres"):
        shutil.copy2(origin / "bin" / program, tree / "bin" / program)
    (tree / "lib").symlink_to(origin / "lib")
    shutil.copytree(origin / "share", tree / "share", ignore=shutil.ignore_patterns(name + "*"))
    return str(tree / "bin")


class Shop:
    """A database with its backups, and a controller that drills them."""

    def __init__(self, directory: Path, sandbox: Sandbox) -> None:
        fetched.postgres("16.14")
        self.sandbox = sandbox
        self.office = Office(sandbox)
        self.work_dir, self.evidence, self.home = (directory / name for name in ("w", "evidence", "home"))
        self.work_dir.mkdir()
        self.home.mkdir(mode=0o700)
        self.said: list[str] = []

    def rows(self, *statements: str) -> t.Any:
        """As the platform's own user, to whom it all belongs."""
        return [engine(self.sandbox, ADDON).rows(statement) for statement in statements][-1]

    def drill(self, *, check: bool = False, **options: t.Any) -> Report:
        """A drill, which leaves nothing behind and tells no row."""
        connection = {name: value for name, value in self.sandbox.params().items() if value is not None}
        given = {
            "app": "shop", "addon": "postgresql", "work_dir": str(self.work_dir), "evidence_dir": str(self.evidence),
            "programs": programs("16.14"), "client_programs": str(ROOT / ".cache" / "postgres" / "clients" / "18" / "bin"),
        }  # fmt: skip
        whole = {name: value for name, value in {**connection, **given, **options}.items() if value is not None}
        report = perform(scalingo_restore_drill, whole, check=check, home=self.home)
        assert list(self.work_dir.iterdir()) == [] and processes_of(self.work_dir) == []
        kept = [path.read_text(encoding="utf-8") for path in self.evidence.glob("*")]
        assert not any(CANARY in text for text in (report.everything(), *kept)), "a row is told"
        return report


@pytest.fixture(scope="module")
def running() -> t.Iterator[Shop]:
    with short_directory() as directory, Sandbox(seed=SEED) as sandbox:
        shop = Shop(directory, sandbox)
        shop.rows(*TABLES)
        yield shop
        shop.office.close()


@pytest.fixture
def shop(running: Shop) -> Shop:
    running.sandbox.clear_log()
    running.sandbox.clear_faults()
    shutil.rmtree(running.evidence, ignore_errors=True)
    return running


def evidence(report: Report) -> dict[str, t.Any]:
    """The evidence of a drill, which is what the file holds."""
    found: dict[str, t.Any] = json.loads(Path(report.result["evidence_file"]).read_text(encoding="utf-8"))
    found.pop("junit")
    assert found == report.result["evidence"]
    return found


def test_a_good_backup_and_then_bad_ones(shop: Shop) -> None:
    good, files = shop.office.backup(ADDON)
    shop.sandbox.clear_log()
    first = shop.drill(backup_id=good, checks=CHECKS, freshness=FRESHNESS, max_seconds="10m", max_age="1d", job="17")
    assert not first.failed and first.changed, first.message
    assert [record.route for record in shop.sandbox.unsafe() if record.role == "db"] == [], "the database was touched"
    found = evidence(first)
    assert (found["outcome"], found["findings"], found["failed_in"]) == ("passed", [], None)
    tables = {"public.orders": 1000, "public.sessions": 50, "public.events": 1, '"the Archive".totals': 1}
    assert found["tables"]["counts"] == tables, "all rows are counted, whatever the policies say (F7)"
    assert found["tables"]["not_run"] == ["public.later"], "without content in the database, too (F14)"
    assert found["objects"]["highest"]["large_objects"] == 10 and found["objects"]["partitions"] == 1
    assert found["objects"]["sequences"] == {"public.orders_number_seq": 1000}
    assert found["source"]["sha256"] and found["source"]["dumped_from"] == "16.14" and found["run"]["job"] == "17"
    assert (found["rpo"]["verdict"], found["rto"]["verdict"]) == ("met", "met")
    phases = ["download", "unpack", "start", "restore", "check", "erase"]
    assert list(found["rto"]["phases"]) == sorted(phases) and found["erased"]["at"].endswith("Z")
    assert found["server"] == {"kind": "throw-away", "version": "16.14", "rehearsal": False}
    assert set(found["extensions"]["restored"]) == {"hstore", "plpgsql"}
    assert all("value" not in check and check["output_sha256"] for check in found["checks"])
    assert {path.stat().st_mode & 0o777 for path in shop.evidence.iterdir()} == {0o600}

    shop.rows(
        "DELETE FROM orders WHERE number > 700", "DELETE FROM sessions", "DROP TABLE events",
        "SELECT lo_unlink(oid) FROM pg_largeobject_metadata", "SELECT setval('orders_number_seq', 1)",
    )  # fmt: skip
    poor, dummy = shop.office.backup(ADDON)
    wrong = {"name": "quotes a row", "sql": "SELECT mail::int FROM orders", "expect": 1}
    lossy = shop.drill(backup_id=poor, checks=[*CHECKS, wrong], ignore_tables=["*.sessions"], min_tables=99)
    assert lossy.kind == "DrillFailed"
    findings = lossy.result["findings"]
    assert findings.pop(0).endswith("tables, and there must be 99 (min_tables)")
    assert findings.pop().startswith(
        "the check quotes a row failed: the server refused the query (a value that it cannot work with"
    )
    assert findings == [
        "the table public.events is gone, which had 1 rows in the last drill",
        "the table public.orders has 700 rows, and had 1000 in the last drill, which is 30 % less; 10 % are allowed (max_drop_percent)",
        "the sequence public.orders_number_seq has 1 as its last value, and had 1000 in the last drill, which is 99.9 % less; "
        "10 % are allowed (max_drop_percent)",
        "the restored database has 0 large objects, and had 10 in the last drill, which is 100 % less; 10 % are allowed (max_drop_percent)",
        "the restored database has 0 partitions, and had 1 in the last drill, which is 100 % less; 10 % are allowed (max_drop_percent)",
        "the check the last order returned something else, and not 1000",
    ]
    found = evidence(lossy)
    assert found["outcome"] == "failed" and found["tables"]["compared"]["public.orders"] == [1000, 700]
    assert found["tables"]["ignored"] == ["public.sessions"]
    assert any(poor in step for step in lossy.result["next_steps"]) and "max_drop_percent: 100" in lossy.message

    # As long as the platform says, and damaged in its middle.
    whole = packed(files)
    cut, dummy = shop.office.backup(ADDON)
    listed = shop.office.database("GET", ADDON, "/backups").json()["database_backups"]
    (size,) = (item["size"] for item in listed if item["id"] == cut)
    damaged = whole[: len(whole) // 2].ljust(size, b"\0")
    with FileServer(t.cast(t.Any, Archive(damaged))) as server:
        match = {"route": "B4", "path": f"/api/databases/{ADDON}/backups/{cut}/archive"}
        shop.sandbox.fault(match=match, do="replace", body={"download_url": server.link()})
        broken = shop.drill(backup_id=cut)
    found = evidence(broken)
    assert "the archive is truncated or damaged" in broken.message and found["failed_in"] == "unpack"
    assert found["source"]["sha256"] == hashlib.sha256(damaged).hexdigest()
    # What a drill that failed counted is not what the next one compares with.
    accepted = shop.drill(backup_id=poor, max_drop_percent=100)
    compared = evidence(accepted)["tables"]
    assert compared["compared"]["public.orders"] == [1000, 700] and compared["highest"]["public.orders"] == 700


def test_rehearsals_and_servers_that_do_not_fit(shop: Shop, tmp_path: Path) -> None:
    backup, dummy = shop.office.backup(ADDON)
    rehearsal = {"backup_id": backup, "rehearse_upgrade": True, "programs": programs("17.10")}
    passed = shop.drill(**rehearsal)
    assert not passed.failed, passed.message
    found = evidence(passed)
    assert found["rehearsal"] == {"from": "16.14.0-1", "to": "17"} and found["server"]["version"] == "17.10"

    shop.rows("CREATE EXTENSION pg_trgm")
    younger = shop.drill(**rehearsal)
    assert ["lacks the extension pg_trgm" in finding for finding in younger.result["findings"]] == [True]
    shop.rows("DROP EXTENSION pg_trgm")
    lacking = shop.drill(**{**rehearsal, "programs": without_extension("17.10", "hstore", tmp_path / "lacking")})
    assert lacking.result["findings"] == [
        "the extension hstore, which the database has, is not available on PostgreSQL 17.10. An upgrade to it would lose the extension, or fail."
    ]
    assert lacking.result["next_steps"] == ["Do not upgrade shop/postgresql before this is solved."]
    # A rehearsal is no drill of the version that the database has: neither is compared with the other.
    assert evidence(shop.drill(backup_id=backup))["tables"]["compared"] == {}
    older = shop.drill(backup_id=backup, programs=programs("17.10"))
    assert "PostgreSQL 16 is needed" in older.message and evidence(older)["outcome"] == "failed"
    dead = shop.drill(backup_id=backup, server_settings={"shared_preload_libraries": "nowhere"})
    assert "the server did not start" in dead.message and evidence(dead)["failed_in"] == "start"


def test_what_would_be_done(shop: Shop) -> None:
    backup, dummy = shop.office.backup(ADDON)
    shop.sandbox.clear_log()
    report = shop.drill(check=True)
    assert report.result["steps"] == [
        f"verify that the backup {backup} can be restored, on a throw-away server of PostgreSQL 16"
    ]
    assert report.changed and not shop.evidence.exists()
    assert [record for record in shop.sandbox.log() if record.route == "B4" or record.role == "files"] == []


def test_the_time_for_a_drill_is_limited(shop: Shop) -> None:
    shop.office.backup(ADDON)
    checks = [{"name": "sleep", "sql": "SELECT pg_sleep(100)", "expect": ""}]
    slow = shop.drill(checks=checks, check_timeout=1)
    assert slow.result["findings"] == [
        "the check sleep failed: the server refused the query (it took too long, SQLSTATE 57014)"
    ]
    late = shop.drill(checks=checks, timeout=6)
    assert "the time for the drill is over, which is 6 seconds" in late.message
    assert evidence(late)["outcome"] == "failed"


def test_copies_that_are_encrypted(shop: Shop, tmp_path: Path) -> None:
    """A wrong key fails in a phase of its own, before anything is started."""
    backup, files = shop.office.backup(ADDON)
    archive = packed(files)
    sealed = bytes(byte ^ 5 for byte in archive)
    description = {
        "made_by": "community.scalingo.backup_offsite", "database": {"addon_id": ADDON}, "encrypted": True, "size": len(sealed),
        "backup": {"id": backup, "started_at": "2026-09-02T01:00:00.000000Z"}, "sha256": hashlib.sha256(sealed).hexdigest(),
        "archive": {"size": len(archive), "sha256": hashlib.sha256(archive).hexdigest()},
    }  # fmt: skip
    (tmp_path / "shop.tar.gz.age").write_bytes(sealed)
    (tmp_path / "shop.tar.gz.age.json").write_text(json.dumps(description))
    script = "import sys; open(sys.argv[2], 'wb').write(bytes(byte ^ int(sys.argv[3]) for byte in open(sys.argv[1], 'rb').read()))"
    command = [sys.executable, "-c", script, "{input}", "{output}"]
    copy = {"source": "copy", "directory": str(tmp_path)}
    shop.sandbox.clear_log()
    passed = shop.drill(**copy, decrypt_command=[*command, "5"])
    assert not passed.failed, passed.message
    source = evidence(passed)["source"]
    assert (source["kind"], source["encrypted"], source["path"]) == ("copy", True, str(tmp_path / "shop.tar.gz.age"))
    assert [record.route for record in shop.sandbox.log() if record.route in ("B1", "B4")] == []
    wrong = shop.drill(**copy, decrypt_command=[*command, "6"])
    assert "its SHA-256 is another" in wrong.message and "has the key" in wrong.message
    assert evidence(wrong)["failed_in"] == "decrypt" and "start" not in evidence(wrong)["rto"]["phases"]


def test_mysql(shop: Shop, mariadb_programs: str) -> None:
    def drill(backup_id: str, archive: bytes, **options: t.Any) -> Report:
        listed = shop.office.database("GET", MYSQL_ADDON, "/backups").json()["database_backups"]
        (size,) = (item["size"] for item in listed if item["id"] == backup_id)
        with FileServer(t.cast(t.Any, Archive(archive.ljust(size, b"\0")))) as server:
            shop.sandbox.clear_faults()
            shop.sandbox.fault(match={"route": "B4"}, do="replace", body={"download_url": server.link()})
            return shop.drill(
                addon="mysql", backup_id=backup_id, programs=mariadb_programs, client_programs=None, **options
            )

    checks = [{"name": "orders", "sql": "SELECT count(*) = 3 FROM orders", "expect": True}]
    freshness = [{"table": "orders", "column": "at", "max_age": "10000d"}]
    passed = drill("a" * 24, MYSQL, checks=checks, freshness=freshness)
    assert not passed.failed, passed.message
    found = evidence(passed)
    assert found["tables"]["counts"] == {"`orders`": 3, "`sessions`": 0} and found["server"]["kind"] == "throw-away"
    assert found["objects"]["indexes"] == found["objects"]["constraints"] == 1 and found["objects"]["sequences"] == {
        "drill.orders": 4
    }
    assert found["freshness"][0]["passed"] and found["freshness"][0]["age_seconds"] > 0
    lossy = drill("b" * 24, LOSSY, checks=checks, ignore_tables=["drill.*"])
    assert lossy.result["findings"] == [
        "the table `orders` has 2 rows, and had 3 in the last drill, which is 33.33 % less; 10 % are allowed (max_drop_percent)",
        "the check orders returned something else, and not true",
    ]
    assert "drills restore" not in lossy.message and evidence(lossy)["outcome"] == "failed"


def test_a_drill_without_evidence_did_not_pass(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """F19: a full disk was told as a drill that passed, with evidence that was not there."""

    def full(*dummy: t.Any, **more: t.Any) -> t.NoReturn:
        raise ScalingoError(f"write {shop.evidence}/1.json: No space left on device", hint="Free some space.")

    shop.office.backup(ADDON)
    monkeypatch.setattr(_evidence, "write", full)
    report = shop.drill()
    assert report.failed and report.result["evidence_file"] is None and report.result["evidence"]["outcome"] == "failed"
    assert report.result["findings"] == [
        f"no evidence of the drill was written: write {shop.evidence}/1.json: No space left on device"
    ]
    both = shop.drill(min_tables=99)
    assert (
        len(both.result["findings"]) == 2
        and "No space left on device" in both.message
        and "(min_tables)" in both.message
    )


@pytest.mark.parametrize(
    ("phase", "of", "name"),
    [
        ("download", restore_drill, "fetch"), ("unpack", _drill_place, "unpack"), ("restore", _drill_postgresql.Server, "restore"),
    ],
)  # fmt: skip
def test_a_disk_that_is_full_says_nothing_of_the_backup(
    phase: str, of: t.Any, name: str, shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """QubesOS#1471, pgbackrest#2721: it was told as a damaged backup. The evidence is on another disk, and is written."""
    backup, dummy = shop.office.backup(ADDON)
    original, limits = getattr(of, name), resource.getrlimit(resource.RLIMIT_FSIZE)

    def full(*arguments: t.Any, **more: t.Any) -> t.Any:
        """No file below the workspace may be longer than this."""
        (process,) = [int(path.read_text().split()[0]) for path in shop.work_dir.glob("*/data/postmaster.pid")] or [0]
        resource.prlimit(process, resource.RLIMIT_FSIZE, (2000, limits[1]))
        try:
            return original(*arguments, **more)
        finally:
            if not process:
                resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    monkeypatch.setattr(of, name, full)
    report = shop.drill(backup_id=backup)
    found = evidence(report)
    assert (found["outcome"], found["failed_in"]) == ("failed", phase)
    assert "File too large" in report.message and str(shop.work_dir) in report.message
    assert not any("does not restore" in step for step in report.result["next_steps"]), report.result["next_steps"]


def test_nobody_else_reads_what_a_drill_makes(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    """While it runs, whatever the umask of the run is."""
    shop.office.backup(ADDON)
    seen: set[int] = set()
    original = _drill_measures.counted

    def look(*arguments: t.Any) -> t.Any:
        seen.update(os.stat(path).st_mode & 0o077 for path in shop.work_dir.rglob("*") if not path.is_socket())
        return original(*arguments)

    monkeypatch.setattr(_drill_measures, "counted", look)
    before = os.umask(0)
    try:
        assert not shop.drill().failed
    finally:
        os.umask(before)
    assert {path.stat().st_mode & 0o077 for path in shop.evidence.iterdir()} == {0}
    assert seen and all(mode == 0 for mode in seen), f"others could read: {seen}"
