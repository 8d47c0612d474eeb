# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of a restore drill that need no server: workspaces, archives, addresses, statements, programs."""

from __future__ import annotations

import collections
import os
import resource
import signal
import sys
import threading
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.community.scalingo.plugins.module_utils import (
    _drill_dump,
    _drill_place,
    _drill_postgresql,
    _programs,
)
from ansible_collections.community.scalingo.plugins.module_utils._drill_place import Place
from ansible_collections.community.scalingo.plugins.module_utils._errors import DrillFailed, sentence
from ansible_collections.community.scalingo.plugins.module_utils._progress import RunEnded
from support.drills import FORK, OPTIONS, killed, processes_of, unpacked
from support.programs import packed, until
from support.real import short_directory

WHOLE = b"PGDMP" + bytes(range(256)) * 500
SQL = b"-- MySQL dump 10.13\n\nCREATE TABLE t (a int);\n-- Dump completed on 2026-12-01\n"


@pytest.fixture
def work_dir() -> t.Iterator[Path]:
    with short_directory() as path:
        yield path


@pytest.fixture
def place(work_dir: Path) -> t.Iterator[Place]:
    with Place.made(str(work_dir), "shop") as made:
        yield made
    assert os.listdir(work_dir) == []


# -- archives ---------------------------------------------------------------------------------------------------------


def test_the_dump_of_an_archive(place: Place) -> None:
    content = packed({"readme": b"hello", "../../dump": WHOLE, "another": b"PGDMP"})
    assert unpacked(place, content, "postgresql") == len(WHOLE)
    dump = Path(place.file("dump"))
    assert dump.read_bytes() == WHOLE and dump.stat().st_mode & 0o777 == 0o600
    assert sorted(os.listdir(place.path)) == ["community.scalingo.lock", "dump"], "the archive takes no space any more"
    assert os.listdir(Path(place.path).parent) == [os.path.basename(place.path)], "names in the archive mean nothing"
    assert unpacked(place, packed({"a.sql": SQL}), "mysql") == len(SQL)


@pytest.mark.parametrize("change", ["cut", "one byte", "no end", "text", "empty"])
def test_an_archive_that_is_not_whole(place: Place, change: str) -> None:
    content = packed({"dump": WHOLE})
    changed = bytearray(content)
    changed[-6] ^= 1  # of the checksum, which only those see who read to the end
    given = {
        "cut": content[: len(content) // 2],
        "one byte": bytes(changed),
        "no end": content[:-8],
        "text": b"<html>no</html>",
        "empty": b"",
    }
    with pytest.raises(DrillFailed, match="truncated or damaged"):
        unpacked(place, given[change], "postgresql")


@pytest.mark.parametrize(
    "engine, files, said",
    [
        ("postgresql", {"dump": b"-- SQL"}, "no dump in the custom format of pg_dump, but: dump"),
        ("postgresql", {}, "but: nothing"),
        ("mysql", {"dump": WHOLE}, "no dump in SQL, but: dump"),
        ("mysql", {"empty.sql": b""}, "no dump in SQL, but: empty.sql"),
        ("mysql", {"cut.sql": SQL[:40]}, "was cut when it was made"),
    ],
)
def test_an_archive_without_a_whole_dump(place: Place, engine: str, files: dict[str, bytes], said: str) -> None:
    with pytest.raises(DrillFailed, match=said):
        unpacked(place, packed(files), engine)


def test_a_full_disk_is_told_with_its_directory(work_dir: Path) -> None:
    def drill() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (100000, 100000))
        try:
            with Place.made(str(work_dir), "shop") as place:
                _drill_place.unpack(str(work_dir / "archive"), place, "postgresql")
        except DrillFailed as error:
            told = (
                f"nothing more can be written to {place.path}: File too large. Free space on the disk of {work_dir}, "
            )
            os._exit(7 if sentence(error).startswith(told) and not os.path.exists(place.path) else 1)

    (work_dir / "archive").write_bytes(packed({"dump": WHOLE}))
    process = FORK.Process(target=drill)
    process.start()
    process.join(20)
    assert process.exitcode == 7


def test_a_full_disk_is_the_reason_of_what_the_servers_log_tells(place: Place) -> None:
    assert str(place.failure("the backup could not be restored", "gone", "other")).endswith("gone. other.")
    place.write("server.log", "PANIC:  could not write to file: No space left on device\n")
    hint = f"Free space on the disk of {os.path.dirname(place.path)}, or choose another work_dir. Until then, nothing is known of the backup."
    assert (
        str(place.failure("the server refused a statement", "it is gone", "other"))
        == f"the server refused a statement: it is gone. {hint}"
    )


# -- workspaces -------------------------------------------------------------------------------------------------------


def test_a_workspace_is_private_and_goes_with_what_runs_in_it(work_dir: Path) -> None:
    with pytest.raises(ZeroDivisionError), Place.made(str(work_dir), "shop") as place:
        path = Path(place.path)
        assert path.stat().st_mode & 0o777 == 0o700 and not place.swept
        assert Path(place.write("a", "text")).stat().st_mode & 0o777 == 0o600
        assert _drill_place.leftovers(str(work_dir)) == [], "somebody holds it"
        place.serve([sys.executable, "-c", "import time; time.sleep(60)", str(path)], lambda: True, signal.SIGTERM)
        until(lambda: processes_of(work_dir), "the program")
        raise ZeroDivisionError
    assert not processes_of(work_dir) and not path.exists()
    with Place.made(str(work_dir), "shop") as place:
        place.erase()
        assert not Path(place.path).exists()


def test_who_removes_everything_is_not_disturbed(work_dir: Path) -> None:
    """A module is told at short intervals that its run has ended."""
    closed: list[bool] = []

    def close() -> None:
        time.sleep(0.7)
        closed.append(os.path.isdir(place.path))

    def tell(*dummy: object) -> None:
        if not closed:
            raise RunEnded

    before = signal.signal(signal.SIGALRM, tell)
    other = threading.Thread(target=time.sleep, args=(2,))
    other.start()
    try:
        with pytest.raises(RunEnded), Place.made(str(work_dir), "shop") as place:
            place.ending.callback(close)
            signal.setitimer(signal.ITIMER_REAL, 0.05, 0.5)
            time.sleep(5)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        other.join()
    assert closed == [True] and os.listdir(work_dir) == []


def test_what_could_not_be_dropped_elsewhere_is_told(work_dir: Path) -> None:
    def close() -> None:
        raise DrillFailed("the database could not be dropped")

    with pytest.raises(DrillFailed, match="could not be dropped"), Place.made(str(work_dir), "shop") as place:
        place.ending.callback(close)
    assert os.listdir(work_dir) == []


def test_a_killed_drills_workspace_is_removed_by_the_next_and_no_other(work_dir: Path) -> None:
    def drill() -> None:
        with Place.made(str(work_dir), "shop") as place:
            place.write("dump", "data")
            place.run(["sleep", "60"], {})

    killed(work_dir, drill, lambda: list(work_dir.glob("*/dump")))
    (left,) = work_dir.iterdir()
    for name in ("restore_drill-of-somebody", "restore_drill-wasempty", "restore_drill-20261201"):
        (work_dir / name).mkdir()
    (work_dir / "restore_drill-20261201" / "lock").write_text("of somebody")
    (work_dir / "restore_drill-linkedto").symlink_to(left)
    (work_dir / "restore_drill-someones").write_text("a file")
    ours = sorted([str(left), str(work_dir / "restore_drill-wasempty")])
    assert _drill_place.leftovers(str(work_dir)) == ours
    with Place.made(str(work_dir), "shop") as place:
        assert place.swept == ours and not left.exists()
    assert {path.name for path in work_dir.iterdir()} == {
        "restore_drill-of-somebody", "restore_drill-20261201", "restore_drill-linkedto", "restore_drill-someones",
    }  # fmt: skip


def test_drills_that_begin_at_a_time_leave_each_other_alone(work_dir: Path) -> None:
    """Each sweeps what the others have just made and not yet locked, and what they are just removing."""

    def drills() -> None:
        for dummy in range(40):
            with Place.made(str(work_dir), "shop") as place:
                place.write("dump", "data")
                _drill_place.leftovers(str(work_dir))
                assert os.path.exists(place.file("dump"))

    processes = [FORK.Process(target=drills) for dummy in range(4)]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0] * 4 and os.listdir(work_dir) == []


def test_a_directory_that_is_filled_while_another_drill_sweeps_stays(
    work_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Place.made(str(work_dir), "shop") as place:
        # It saw it before its maker put the lock there.
        monkeypatch.setattr(os, "listdir", lambda path: [])
        assert _drill_place.leftovers(str(work_dir), remove=True) == []
        monkeypatch.undo()
        assert os.path.exists(place.file(_drill_place.LOCK))


def test_what_another_user_left_is_not_touched(work_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, holder = _drill_place._new(str(work_dir), "shop")
    holder.close()
    assert _drill_place.leftovers(str(work_dir)) == [path]
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    assert _drill_place.leftovers(str(work_dir)) == []


def test_a_directory_that_is_left_is_named(work_dir: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: str, **dummy: object) -> None:
        raise PermissionError(13, "Permission denied", f"{path}/data")

    with pytest.raises(DrillFailed) as raised, Place.made(str(work_dir), "shop") as place:
        monkeypatch.setattr("shutil.rmtree", refuse)
    assert str(raised.value) == (
        f"the directory {place.path} could not be removed, and may hold data: {place.path}/data: Permission denied. Remove it by hand."
    )
    monkeypatch.undo()
    assert _drill_place.leftovers(str(work_dir), remove=True) == [place.path] and os.listdir(work_dir) == []


def test_where_no_workspace_can_be(work_dir: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(work_dir)
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    for path, said in (
        (tmp_path / "nowhere", "not a directory"),
        (tmp_path / "link", "not a directory"),
        (deep, "too long"),
    ):
        with pytest.raises(DrillFailed, match=said):
            _drill_place.check(str(path))


# -- programs ---------------------------------------------------------------------------------------------------------


def test_programs_of_the_wrong_version(tmp_path: Path) -> None:
    for name in ("initdb", "postgres", "pg_restore", "psql"):
        (tmp_path / name).write_text('#!/bin/sh\necho "$0 (PostgreSQL) 16.14"\n')
        (tmp_path / name).chmod(0o755)
    (tmp_path / "none").mkdir()
    find = lambda major, **options: _drill_postgresql.Server(major, {**OPTIONS, "programs": str(tmp_path), **options})  # noqa: E731
    found = find(16)
    assert (found.client_version, found._clients, found._directory) == ("16.14", str(tmp_path), str(tmp_path))
    assert find(16, server_service="drills", client_programs=str(tmp_path))._directory == ""
    for major, options, said in (
        (17, {}, "PostgreSQL 17 is needed, and in .* is 16.14"),
        (16, {"programs": str(tmp_path / "none")}, "there is no PostgreSQL with postgres and initdb in"),
        (16, {"client_programs": str(tmp_path / "none")}, "there is no PostgreSQL with pg_restore and psql in"),
    ):
        with pytest.raises(DrillFailed, match=said):
            find(major, **options)


def test_what_may_reach_other_servers_needs_a_network_of_its_own_or_a_consent() -> None:
    _drill_postgresql.refuse_open_network(["hstore", "plpgsql"], [], False)
    _drill_postgresql.refuse_open_network(["dblink"], ["network"], True)
    for given, said in ((True, "the given server has a network"), (False, "unshare cannot give")):
        with pytest.raises(DrillFailed, match=rf"may connect to other servers \(dblink, postgres_fdw\), and {said}"):
            _drill_postgresql.refuse_open_network(["postgres_fdw", "dblink", "citext"], [], given)


# -- what PostgreSQL says ---------------------------------------------------------------------------------------------

HARMLESS = (
    'pg_restore: error: could not execute query: ERROR:  unrecognized configuration parameter "transaction_timeout"\n'
)
IGNORED = "pg_restore: warning: errors ignored on restore: %d\n"
VIEW = "pg_restore: error: could not execute query: ERROR:  %s\nDETAIL:  so\nCommand was: REFRESH MATERIALIZED VIEW public.totals;\n"


@pytest.mark.parametrize(
    "code, errors, problems, left_out",
    [
        (0, "pg_restore: error: ignored", [], 0),
        (1, HARMLESS + IGNORED % 1, [], 0),
        # It was killed, or ended itself, after the harmless error.
        (-9, HARMLESS, ["pg_restore was killed by SIGKILL before the restoration was complete"], 0),
        (137, HARMLESS + IGNORED % 1, ['error: could not execute query: ERROR:  unrecognized configuration parameter "transaction_timeout"'], 0),
        (1, HARMLESS, ['error: could not execute query: ERROR:  unrecognized configuration parameter "transaction_timeout"'], 0),
        (1, HARMLESS + IGNORED % 2, ['error: could not execute query: ERROR:  unrecognized configuration parameter "transaction_timeout"'], 0),
        (1, HARMLESS + 'pg_restore: error: could not execute query: ERROR:  role "r" does not exist\nDETAIL:  Key (mail)=(a@b.example)\n' + IGNORED % 2,
         ['role "r" does not exist'], 0),
        (1, "pg_restore: something else", ["something else"], 0),
        (1, 'pg_restore: error: COPY failed for table "t": ERROR:  invalid input syntax for type integer: "a@b.example"\n',
         ['COPY failed for table "t": ERROR:  invalid input syntax for type integer: "…"'], 0),
        (1, 'pg_restore: error: could not execute query: ERROR:  value "99999999999" is out of range for type integer\n',
         ['value "…" is out of range for type integer'], 0),
        (-9, "", ["pg_restore was killed by SIGKILL before the restoration was complete"], 0),
        (3, "", ["pg_restore ended with exit status 3 before the restoration was complete"], 0),
        (1, HARMLESS + VIEW % "could not establish connection" + VIEW % 'materialized view "a" has not been populated' + IGNORED % 3, [], 2),
        (1, (VIEW % "could not establish connection").replace("REFRESH", "CREATE") + IGNORED % 1, ["could not establish connection"], 0),
        # RSD-as-a-service#1499, h3-pg#168: which one failed was not told.
        (1, VIEW % "function a() does not exist" + IGNORED % 1, ["function a() does not exist (REFRESH MATERIALIZED VIEW public.totals)"], 0),
        (1, (VIEW % "function a() does not exist").replace("REFRESH MATERIALIZED VIEW", "CREATE UNIQUE INDEX").replace("public.", "") + IGNORED % 1,
         ["function a() does not exist (CREATE UNIQUE INDEX totals)"], 0),
        (1, 'pg_restore: error: role "a\x1b[2K\u2028pg_restore: error: b\u202e" is missing\n', ['role "a\\x1b[2K pg_restore: error: b\\u202e" is missing'], 0),
    ],
)  # fmt: skip
def test_only_a_restoration_that_came_to_its_end_is_one(
    code: int, errors: str, problems: list[str], left_out: int
) -> None:
    counted: collections.Counter[str] = collections.Counter()
    done = _programs.Done("pg_restore", code, "", errors)
    assert _drill_dump.complaints(done, counted, isolated=True) == problems
    assert counted["MATERIALIZED VIEW DATA"] == left_out


def test_jobs_do_not_count_what_they_meet_at_their_start() -> None:
    done = _programs.Done("pg_restore", 1, "", HARMLESS * 4 + IGNORED % 2)
    assert _drill_dump.complaints(done, collections.Counter(), parallel=True) == []
    none = _programs.Done("pg_restore", 1, "", HARMLESS * 4 + IGNORED % 0)
    assert _drill_dump.complaints(done, collections.Counter()) and _drill_dump.complaints(
        none, collections.Counter(), parallel=True
    )


def test_what_a_dump_says_of_its_locale_and_of_roles() -> None:
    text = (
        "CREATE DATABASE \"my shop\" WITH TEMPLATE = template0 ENCODING = 'UTF8' LOCALE_PROVIDER = icu LOCALE = 'C.UTF-8' ICU_LOCALE = 'fr-FR';\n"
        'CREATE POLICY "a TO b" ON public.t AS RESTRICTIVE FOR SELECT TO reporting, "the, Auditors" USING ((a = \'TO nobody\'::text));\n'
        "CREATE POLICY everybody ON t USING (true);\n"
    )
    assert _drill_dump.locale_of(text) == {
        "ENCODING": "UTF8",
        "LOCALE_PROVIDER": "icu",
        "LOCALE": "C.UTF-8",
        "ICU_LOCALE": "fr-FR",
    }
    assert _drill_dump.roles_of(text) == ["reporting", "the, Auditors"]
    hostile = "CREATE DATABASE shop WITH TEMPLATE = template0 ENCODING = 'UTF8' TABLESPACE = other LC_COLLATE = 'a''; DROP DATABASE x';"
    assert _drill_dump.locale_of(hostile) == {"ENCODING": "UTF8", "LC_COLLATE": "a'; DROP DATABASE x"}


@pytest.mark.parametrize(
    "sql, said",
    [
        ("SELECT 1; -- done\n", ""),
        ("SELECT 'a;b\\', \"c;d\", $x$ ; \\! $x$, E'\\';' /* ; \\! */", ""),
        ("SELECT $1$ + a$b$ FROM t", ""),
        (" ; ", "is empty"),
        ("SELECT 1; DELETE FROM t", "more than one statement"),
        ("SELECT 'a'; -- x\n DELETE FROM t;", "more than one statement"),
        ("\\! id", "a command of a client program"),
        ("SELECT 1 \\gexec", "a command of a client program"),
        ("\\copy t TO '/tmp/x'", "a command of a client program"),
        ("SELECT 'not ended", "does not end"),
        ("SELECT 1 /* /* ; */ */", "does not end"),
        ("SELECT E'\\'; \\! id; --'", ""),
        ("SELECT '\\'; \\! id; --'", "more than one statement"),
    ],
)
def test_a_query_is_one_statement_of_the_server(sql: str, said: str) -> None:
    if not said:
        assert _drill_place.one_statement(sql, _drill_postgresql.OPAQUE) == sql
        return
    with pytest.raises(DrillFailed, match=said):
        _drill_place.one_statement(sql, _drill_postgresql.OPAQUE)


# -- given servers ----------------------------------------------------------------------------------------------------


def test_a_url_becomes_a_service() -> None:
    text = _drill_postgresql.service_of("postgresql://us%40er:p%2Fw%25d@db.example:6432/my%20db?sslmode=verify-full")
    assert text.splitlines() == [
        "[drill]", "host=db.example", "port=6432", "user=us@er", "password=p/w%d", "dbname=my db", "sslmode=verify-full",
    ]  # fmt: skip
    assert _drill_postgresql.service_of("postgres://db.example/").splitlines() == ["[drill]", "host=db.example"]
    for wrong in ("postgres://db.example:many/", "postgres://u:a%0Ahost=elsewhere@db.example/"):
        with pytest.raises(DrillFailed) as raised:
            _drill_postgresql.service_of(wrong)
        assert "elsewhere" not in str(raised.value)


@pytest.mark.parametrize(
    "server, known, said",
    [
        (("127.0.0.1", "5432", None), [], "that of the database itself"),
        (("localhost", "5432", None), [], "that of the database itself"),
        (("127.0.0.1", "5433", None), [], ""),
        (("db.invalid", "5432", "127.0.0.1"), [], "that of the database itself"),
        (("/run/postgresql", "5432", ""), ["postgres", "shop_100"], ""),
        # A tunnel has another host and another port.
        (("127.0.0.1", "10000", "10.0.0.7"), ["postgres", "shop_1001"], "has the database or the user shop_1001"),
    ],
)
def test_the_databases_own_server_is_refused(server: tuple[str, str, str | None], known: list[str], said: str) -> None:
    if not said:
        _drill_postgresql.refuse_production(server, known, ("", "localhost:5432"), "shop_1001")
        return
    with pytest.raises(DrillFailed, match=said):
        _drill_postgresql.refuse_production(server, known, ("", "localhost:5432"), "shop_1001")
