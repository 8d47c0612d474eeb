# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real dumps of a real server, restored into servers of a drill's own and into one that is given."""

from __future__ import annotations

import contextlib
import io
import os
import resource
import subprocess
import tarfile
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.community.scalingo.plugins.module_utils._drill_place import Place
from ansible_collections.community.scalingo.plugins.module_utils._drill_postgresql import Server
from ansible_collections.community.scalingo.plugins.module_utils._errors import DrillFailed, sentence
from ansible_collections.community.scalingo.plugins.module_utils._progress import Progress, RunEnded
from support import fetched
from support.drills import OPTIONS, killed, processes_of, unpacked
from support.playbook import ROOT
from support.postgresql import PostgreSQL
from support.programs import packed
from support.real import short_directory

VERSION = "16.14"
PASSWORD = "Canary/With%And:Signs+42"
URL = "postgresql://%s:Canary%%2FWith%%25And%%3ASigns%%2B42@127.0.0.1:%d/postgres"
SHOP = """
CREATE TABLE orders (number int PRIMARY KEY, words hstore, note text);
INSERT INTO orders SELECT number, 'a=>1', NULLIF('', '') FROM generate_series(1, 1000) AS number;
UPDATE orders SET note = E'two\nlines, "quoted"' WHERE number = 1;
UPDATE orders SET note = '' WHERE number = 2;
CREATE TABLE events (day date) PARTITION BY RANGE (day);
CREATE TABLE events_of_today PARTITION OF events DEFAULT;
INSERT INTO events VALUES ('2026-01-01');
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
ALTER TABLE orders FORCE ROW LEVEL SECURITY;
CREATE POLICY "a TO b" ON orders TO reporting USING (number < 3);
CREATE SCHEMA shop;
CREATE TABLE shop.lines (name text);
INSERT INTO shop.lines VALUES ('first');
CREATE MATERIALIZED VIEW shop.restorer AS SELECT session_user::text AS name, current_setting('is_superuser') AS rights;
CREATE SERVER another FOREIGN DATA WRAPPER postgres_fdw;
CREATE USER MAPPING FOR PUBLIC SERVER another OPTIONS (password 'of another server');
SELECT lo_from_bytea(0, 'large');
ALTER DATABASE shop SET search_path = shop, public;
ALTER DATABASE shop SET default_transaction_read_only = on;
ALTER DATABASE shop SET log_min_duration_statement = 5;
"""
REACHING = (
    "CREATE TABLE written (at int)",
    """
CREATE FUNCTION write() RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  PERFORM public.dblink_exec('host=127.0.0.1 port=%d user=reach password=%s dbname=reach', 'INSERT INTO written VALUES (1)');
  RETURN 1;
END $$""",
    "CREATE MATERIALIZED VIEW calling AS SELECT public.write() AS found",
    "CREATE MATERIALIZED VIEW calling_too AS SELECT found FROM calling",
)
PLAIN = """
CREATE TABLE secret (a int);
INSERT INTO secret SELECT generate_series(1, 1000);
ALTER TABLE secret ENABLE ROW LEVEL SECURITY;
ALTER TABLE secret FORCE ROW LEVEL SECURITY;
CREATE POLICY few ON secret USING (a < 3);
"""
SLOW = """
CREATE FUNCTION slow() RETURNS bigint LANGUAGE sql AS $$ SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b $$;
CREATE MATERIALIZED VIEW v AS SELECT slow() WITH NO DATA;
UPDATE pg_class SET relispopulated = true WHERE relname = 'v';
"""
#: Where production is, and its database or user.
Production = tuple[tuple[str, ...], str]
NOTHING: Production = ((), "")
HARMLESS = (
    'pg_restore: error: could not execute query: ERROR:  unrecognized configuration parameter "transaction_timeout"'
)
SORTED = """
CREATE TABLE names (name text CHECK (name < 'f'));
INSERT INTO names VALUES ('été');
"""


def clients(version: str = "18") -> Path:
    fetched.postgres(VERSION)
    return ROOT / ".cache" / "postgres" / "clients" / version / "bin"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> t.Iterator[PostgreSQL]:
    with PostgreSQL(tmp_path_factory.mktemp("source"), version=VERSION) as server:
        server.rows("CREATE ROLE reporting")
        server.create("shop", PASSWORD)
        for extension in ("hstore", "postgres_fdw"):
            server.rows(f"CREATE EXTENSION {extension}", "shop")
        server.rows(SHOP, "shop")
        for name, script in (("plain", PLAIN), ("slow", SLOW)):
            server.rows(f"CREATE DATABASE {name}")
            server.rows(script, name)
        server.create("reach", PASSWORD)
        server.rows("CREATE EXTENSION dblink", "reach")
        with server.superuser("reach") as connection:
            connection.execute("SET ROLE reach")
            for statement in REACHING:
                connection.execute(statement.replace("port=%d", f"port={server.port}").replace("%s", PASSWORD))
        yield server


@pytest.fixture(scope="module")
def archive(source: PostgreSQL) -> t.Callable[[str], bytes]:
    """A backup of a database, as the platform makes them. Each is made once."""
    made: dict[str, bytes] = {}

    def make(database: str, *options: str) -> bytes:
        key = " ".join([database, *options])
        if key not in made:
            place = ["-h", source.host, "-p", str(source.port), "-U", "postgres", "-Fc", *options, database]
            done = subprocess.run(
                [clients() / "pg_dump", *place],
                env={**os.environ, "PGPASSWORD": source._password},
                stdout=subprocess.PIPE,
                check=True,
            )
            made[key] = packed({f"{database}.pgsql": done.stdout})
        return made[key]

    return make


class Run:
    """A run that is over when the test says so."""

    is_over = False

    def progress(self, progress: Progress) -> None:
        del progress

    def alive(self) -> None:
        if self.is_over:
            raise RunEnded


@pytest.fixture
def work_dir() -> t.Iterator[Path]:
    with short_directory() as path:
        yield path
        assert os.listdir(path) == [] and processes_of(path) == []


@contextlib.contextmanager
def drill(work_dir: Path, archive: bytes, **options: t.Any) -> t.Iterator[tuple[Place, Server]]:
    """A drill up to the start of its server."""
    watcher = options.pop("watcher", None)
    params = {
        **OPTIONS,
        "programs": str(fetched.postgres(VERSION) / "bin"),
        "client_programs": str(clients()),
        **options,
    }
    server = Server(int(VERSION.split(".", maxsplit=1)[0]), params)
    with Place.made(str(work_dir), "shop", watcher) as place:
        unpacked(place, archive, "postgresql")
        yield place, server


def refusal(server: Server, sql: str, **how: t.Any) -> str:
    with pytest.raises(DrillFailed) as raised:
        server.query(sql, **{"timeout": 60, **how})
    return sentence(raised.value)


def test_a_database_with_all_that_is_hard(work_dir: Path, archive: t.Callable[[str], bytes]) -> None:
    settings = {"Listen_Addresses": "*", "work_mem": "5MB"}
    with drill(work_dir, archive("shop"), roles=["of the user"], server_settings=settings) as (place, server):
        server.start(place, *NOTHING)
        assert (server.kind, server.version, server.dumped["dumped_from"], server.dumped["dumped_by"]) == (
            "throw-away",
            VERSION,
            VERSION,
            "18.4",
        )
        assert tuple(server.dumped[name] for name in ("encoding", "provider", "locale")) == ("UTF8", "libc", "C")
        assert server.extensions.keys() == {"hstore", "postgres_fdw"} <= server.available.keys()
        problems, left_out = server.restore(["cube"])
        assert (problems, left_out) == ([], {"USER MAPPING": 1, "SETTING": 1})
        query = lambda sql, **how: server.query(sql, **{"timeout": 60, **how})  # noqa: E731

        # All rows are seen, and with the names of the database; code of the dump had no rights.
        assert query("SELECT count(*), count(note) FROM public.orders; -- all") == [["1000", "2"]]
        assert query("SELECT count(*) FROM public.orders", catalog=True) == [["1000"]]
        assert query("SELECT * FROM lines") == [["first"]], "search_path is the database's"
        assert query("SELECT * FROM restorer") == [["drill", "off"]]
        assert query("SELECT extname FROM pg_extension ORDER BY 1", catalog=True) == [
            ["hstore"],
            ["plpgsql"],
            ["postgres_fdw"],
        ]
        rows = query("SELECT number, note FROM public.orders WHERE number < 4 ORDER BY 1")
        assert rows == [["1", 'two\nlines, "quoted"'], ["2", ""], ["3", None]]
        assert query("SELECT '\\', 'a;b', $$\\!$$") == [["\\", "a;b", "\\!"]]
        assert query("SELECT convert_from(lo_get(oid), 'UTF8') FROM pg_largeobject_metadata") == [["large"]]
        assert query("SELECT current_user, session_user") == [["drill", "drill"]]
        assert query("SELECT current_setting('listen_addresses'), current_setting('work_mem')") == [["", "5MB"]]

        assert "read-only" in refusal(server, "DELETE FROM public.orders")
        assert "read-write" in refusal(server, "SELECT set_config('transaction_read_only', 'off', false)")
        assert "more than one statement" in refusal(server, "COMMIT; DELETE FROM public.orders")
        assert "client program" in refusal(server, f"\\! touch {place.path}/touched")
        assert "permission denied" in refusal(server, f"COPY public.orders TO PROGRAM 'touch {place.path}/touched'")
        assert "permission denied" in refusal(server, "SELECT pg_read_file('/etc/passwd')")
        assert "timeout" in refusal(server, "SELECT pg_sleep(10)", timeout=0.2)
        assert not Path(place.path, "touched").exists()
        failing = "SELECT note::int FROM public.orders WHERE number = 1"
        assert "two" in refusal(server, failing)
        assert (
            refusal(server, failing, secret=True)
            == "the server refused the query (a value that it cannot work with, SQLSTATE 22P02)."
        )

        seen = [
            path for path in Path(place.path).rglob("*") if path.lstat().st_mode & 0o077 and "data" not in path.parts
        ]
        assert [path.name for path in seen if not path.is_socket()] == []
        assert Path(place.path, "data").stat().st_mode & 0o077 == 0
        connections = subprocess.run(
            ["grep", "-c", "127.0.0.1", f"{place.path}/server.log"], stdout=subprocess.PIPE, check=False
        )
        assert connections.stdout == b"0\n"
        place.erase()
        assert not Path(place.path).exists() and processes_of(work_dir) == []


def test_a_view_that_is_restored_reaches_no_other_server(
    work_dir: Path, source: PostgreSQL, archive: t.Callable[[str], bytes]
) -> None:
    content = archive("reach")
    before = source.rows("SELECT count(*) FROM written", "reach")
    assert before == [(1,)], "it wrote when it was made"
    with drill(work_dir, content, jobs=1) as (place, server):
        server.start(place, *NOTHING)
        problems, left_out = server.restore()
        assert (problems, left_out) == ([], {"MATERIALIZED VIEW DATA": 2})
        assert server.query("SELECT count(*) FROM written", timeout=60) == [["1"]]
        assert "could not establish connection" in refusal(server, "SELECT write()")
    assert source.rows("SELECT count(*) FROM written", "reach") == before


def test_what_makes_a_dump_useless_is_said(work_dir: Path, archive: t.Callable[[str], bytes], tmp_path: Path) -> None:
    with drill(work_dir, packed({"dump": b"PGDMP"})) as (place, server):
        with pytest.raises(DrillFailed, match="pg_restore cannot read the dump"):
            server.start(place, *NOTHING)
    with tarfile.open(fileobj=io.BytesIO(archive("plain")), mode="r:gz") as members:
        content = members.extractfile(members.getmembers()[0]).read()  # type: ignore[union-attr]
    # It is killed after an error that is harmless, and can say of nothing what it did not do.
    (tmp_path / "psql").symlink_to(clients() / "psql")
    (tmp_path / "pg_restore").write_text(f"#!/bin/sh\necho '{HARMLESS}' >&2\nkill -9 $$\n")
    (tmp_path / "pg_restore").chmod(0o755)
    with drill(work_dir, packed({"dump": content[:-400]}), jobs=1) as (place, server):
        server.start(place, *NOTHING)
        assert "the extension nowhere cannot be created" in str(server.restore(["nowhere"])[0])
        assert "end of file" in str(server.restore()[0])
        server._clients = str(tmp_path)
        assert server.restore()[0] == ["pg_restore was killed by SIGKILL before the restoration was complete"]


def test_the_order_of_text_is_that_of_the_dump(
    work_dir: Path, source: PostgreSQL, archive: t.Callable[[str], bytes]
) -> None:
    source.rows("CREATE DATABASE french TEMPLATE template0 LOCALE_PROVIDER icu ICU_LOCALE 'fr-FR' LOCALE 'C.UTF-8'")
    with source.superuser("french") as connection:
        connection.execute(SORTED)
    with drill(work_dir, archive("french"), jobs=1) as (place, server):
        server.start(place, *NOTHING)
        assert (server.dumped["provider"], server.dumped["locale"]) == ("icu", "fr-FR")
        assert server.restore()[0] == [] and server.query("SELECT * FROM names", timeout=60) == [["été"]]
        server._params = {**OPTIONS, "locale": "xx_XX.UTF-8"}
        with pytest.raises(DrillFailed) as raised:
            server._create_database()
    assert "a locale that this machine cannot have (ENCODING UTF8, LC_COLLATE xx_XX.UTF-8" in str(raised.value)
    assert "Install that locale" in str(raised.value)


def test_a_server_that_does_not_start_and_a_full_disk(work_dir: Path, archive: t.Callable[[str], bytes]) -> None:
    with pytest.raises(DrillFailed, match='the server did not start: .*invalid value for parameter "max_connections"'):
        with drill(work_dir, archive("shop"), server_settings={"max_connections": "many"}) as (place, server):
            server.start(place, *NOTHING)
    assert os.listdir(work_dir) == []
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        with pytest.raises(DrillFailed) as raised, drill(work_dir, archive("shop")) as (place, server):
            resource.setrlimit(resource.RLIMIT_FSIZE, (300000, before[1]))
            server.start(place, *NOTHING)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert "File too large" in str(raised.value) and f"Free space on the disk of {work_dir}" in str(raised.value)


def test_a_given_server(work_dir: Path, source: PostgreSQL, archive: t.Callable[[str], bytes]) -> None:
    source.create("careful", PASSWORD)
    source.rows("ALTER ROLE careful CREATEDB")
    url = URL % ("careful", source.port)

    def names() -> list[str]:
        return sorted(
            name for (name,) in source.rows("SELECT datname FROM pg_database WHERE datname ~ '^restore_drill_'")
        )

    old = ["restore_drill_1_abcdefgh", "restore_drill_99999999999_abcdefgh", "restore_drill_99999999999_sweptone"]
    for name in old:
        source.rows(f"CREATE DATABASE {name} OWNER careful")

    def started(production: Production, url: str = url, name: str = "shop", **options: t.Any) -> str:
        with (
            pytest.raises(DrillFailed) as raised,
            drill(work_dir, archive(name), server_url=url, **options) as (place, server),
        ):
            server.start(place, *production)
        return sentence(raised.value)

    # Its address is another one, as behind a tunnel, and it has what production has.
    network = {"allow": ["network"]}
    assert "has the database or the user shop" in started((("db.invalid:5432",), "shop"), **network)
    assert "is that of the database itself" in started(((f"localhost:{source.port}",), ""), **network)
    for right, said in (
        ("pg_write_server_files", "pg_write_server_files"),
        ("pg_execute_server_program", "pg_execute_server_program"),
    ):
        source.rows(f"GRANT {right} TO careful")
        assert f"code in a dump could use on its machine: {said}." in started(NOTHING, **network)
        source.rows(f"REVOKE {right} FROM careful")
    source.rows("ALTER ROLE careful SUPERUSER")
    assert "those of a superuser" in started(NOTHING, **network)
    assert "may connect to other servers (postgres_fdw), and the given server has a network" in started(
        NOTHING, allow=["superuser"]
    )
    source.rows("ALTER ROLE careful NOSUPERUSER")
    assert names() == sorted(old), "nothing was made, and nothing dropped"

    with drill(work_dir, archive("plain"), server_url=url) as (place, server):
        place.swept.append(f"{work_dir}/restore_drill-sweptone")
        server.start(place, *NOTHING)
        made = [name for name in names() if name not in old]
        assert names() == sorted([*made, old[1]]) and made[0].endswith(f"_{place.name}") and server.kind == "given"
        assert server.restore()[0] == []
        for how in (True, False):
            assert server.query("SELECT count(*) FROM public.secret", timeout=60, catalog=how) == [["1000"]]
        # The password is in no list of processes.
        assert PASSWORD not in str(processes_of(work_dir))
    assert names() == [old[1]]
    run = Run()
    with (
        pytest.raises(RunEnded),
        drill(work_dir, archive("plain"), server_url=url, watcher=run) as (place, server),
    ):
        server.start(place, *NOTHING)
        assert len(names()) == 2
        run.is_over = True
        server.query("SELECT 1", timeout=60)
    assert names() == [old[1]], "who ended the run is not there to drop it"


@pytest.mark.parametrize("phase", ["initdb", "restore", "query, with guards"])
def test_nothing_outlives_a_killed_drill(
    work_dir: Path, source: PostgreSQL, archive: t.Callable[[str], bytes], phase: str
) -> None:
    """Not the server, not what works on a query without looking up, and not the directory, once there is another drill."""
    content = archive("slow" if phase == "restore" else "plain")
    guards = "guards" in phase

    def run() -> None:
        with drill(work_dir, content, jobs=1) as (place, server):
            server.start(place, *NOTHING)
            server.restore()
            server.query("SELECT count(*) FROM generate_series(1, 100000) a, generate_series(1, 100000) b", timeout=600)

    word = "drill drill [local] " + ("REFRESH" if phase == "restore" else "SELECT")
    since: dict[str, float] = {}

    def working() -> bool:
        """For a second: what is asked before that is over by then."""
        found = [each for each in processes_of(work_dir) if word in each]
        return any(time.monotonic() - since.setdefault(each, time.monotonic()) > 1 for each in found)

    if phase == "initdb":
        killed(work_dir, run, lambda: list(work_dir.glob("*/data/base")))
    else:
        killed(work_dir, run, working, guards=guards)
    (left,) = work_dir.iterdir()
    assert (left / "data").is_dir() or phase == "initdb"
    with Place.made(str(work_dir), "shop") as place:
        assert place.swept == [str(left)] and not left.exists()
