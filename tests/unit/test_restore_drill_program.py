# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The parts of the drill's program that need no server: rooms, archives, addresses."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
from support.playbook import ROOT
from support.programs import load, packed
from support.real import short_directory

PROGRAM = ROOT / "roles" / "restore_drill" / "files" / "drill.py"


drill = load("restore_drill_program", PROGRAM)
WHOLE = b"PGDMP" + bytes(range(256)) * 500


def archive(**files: bytes) -> bytes:
    return packed(files)


def unpack(room: Path, content: bytes) -> t.Any:
    (room / "archive.tar.gz").write_bytes(content)
    return drill.unpack({"room": str(room)})


def test_the_dump_of_an_archive(tmp_path: Path) -> None:
    assert unpack(tmp_path, archive(readme=b"hello", dump=WHOLE, another=b"PGDMP")) == {"dump_bytes": len(WHOLE)}
    assert (tmp_path / "dump").read_bytes() == WHOLE
    assert (tmp_path / "dump").stat().st_mode & 0o777 == 0o600 and not (tmp_path / "archive.tar.gz").exists()


@pytest.mark.parametrize("change", ["cut", "one byte", "no end", "text", "empty", "other"])
def test_an_archive_that_is_not_whole(tmp_path: Path, change: str) -> None:
    content = archive(dump=WHOLE)
    changed = bytearray(content)
    changed[-6] ^= 1  # of the checksum, which only those see who read to the end
    given = {
        "cut": content[: len(content) // 2], "one byte": bytes(changed), "no end": content[:-8], "text": b"<html>no</html>", "empty": b"",
        "other": archive(dump=b"-- SQL"),
    }[change]  # fmt: skip
    with pytest.raises(drill.Problem, match="holds no dump" if change == "other" else "truncated or damaged"):
        unpack(tmp_path, given)


def test_a_url_becomes_a_service() -> None:
    text = drill.service_of("postgresql://us%40er:p%2Fw%25d@db.example:6432/my%20db?sslmode=verify-full")
    assert text.splitlines() == [
        "[drill]",
        "host=db.example",
        "port=6432",
        "user=us@er",
        "password=p/w%d",
        "dbname=my db",
        "sslmode=verify-full",
    ]
    assert drill.service_of("postgres://db.example/").splitlines() == ["[drill]", "host=db.example"]
    for wrong in ("mysql://db.example/", "postgres://db.example:many/", "postgres://u:a%0Ahost=elsewhere@db.example/"):
        with pytest.raises(drill.Problem) as raised:
            drill.service_of(wrong)
        assert "elsewhere" not in str(raised.value)


@pytest.mark.parametrize(
    "server, production, same",
    [
        (["127.0.0.1", "5432"], ["localhost:5432"], True),
        (["localhost", "5432"], ["127.0.0.1:5432"], True),
        (["127.0.0.1", "5433"], ["localhost:5432"], False),
        (["db.invalid", "5432"], ["db.invalid:5432"], True),
        (["db.invalid", "5432", "127.0.0.1"], ["other.invalid:1", "localhost:5432"], True),
        (["/run/postgresql", "5432"], ["", "localhost:5432"], False),
    ],
)
def test_the_databases_own_server_is_refused(server: list[str], production: list[str], same: bool) -> None:
    if same:
        with pytest.raises(drill.Problem, match="on which a drill makes nothing"):
            drill.refuse_production(server, production)
    else:
        drill.refuse_production(server, production)


def test_what_pg_restore_complains_of() -> None:
    said = 'pg_restore: error: could not execute query: ERROR:  unrecognized configuration parameter "transaction_timeout"\n'
    done = subprocess.CompletedProcess([], 1, "", said)
    assert drill.complaints(done) == []
    done.stderr += 'pg_restore: error: could not execute query: ERROR:  role "reporting" does not exist\nDETAIL:  Key (mail)=(a@example.com)\n'
    assert drill.complaints(done) == ['role "reporting" does not exist']
    assert drill.complaints(subprocess.CompletedProcess([], 1, "", "pg_restore: something else")) == ["something else"]
    assert drill.complaints(subprocess.CompletedProcess([], -9, "", "")) == ["pg_restore ended with -9"]
    assert drill.complaints(subprocess.CompletedProcess([], 0, "", "pg_restore: error: ignored")) == []
    forged = 'pg_restore: error: role "a\x1b[2K\u2028pg_restore: error: b\u202e" is missing\n'
    assert drill.complaints(subprocess.CompletedProcess([], 1, "", forged)) == [
        'role "a\\x1b[2K pg_restore: error: b\\u202e" is missing'
    ]


def test_the_lines_of_a_program_end_where_it_ends_them() -> None:
    assert drill.lines_of('{"table": "a\u2028b\x0cc\x85d"}\n{}\n') == ['{"table": "a\u2028b\x0cc\x85d"}', "{}"]
    assert drill.lines_of("") == [] and drill.lines_of("\n") == [""] and drill.lines_of("a\n\nb") == ["a", "", "b"]


# -- rooms ------------------------------------------------------------------------------------------------------------

#: A shell, since the kernel takes neither blanks nor long names after the two signs.
STAND_IN = """#!/bin/sh
echo "$0 (PostgreSQL) %s"
"""


@pytest.fixture
def options(tmp_path: Path) -> t.Iterator[dict[str, t.Any]]:
    """All that a drill needs, as far as anybody looks."""
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("initdb", "postgres", "pg_restore", "psql"):
        (programs / name).write_text(STAND_IN % "16.14")
        (programs / name).chmod(0o755)
    with short_directory() as work_dir:
        yield {
            "work_dir": str(work_dir), "programs": str(programs), "client_programs": "", "major": 16, "given": True, "lifetime": 60, "subject": "shop",
        }  # fmt: skip


def start(name: str, options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    done = subprocess.run(
        [sys.executable, "-I", str(PROGRAM), name],
        input=json.dumps(options),
        capture_output=True,
        text=True,
        check=False,
    )
    return t.cast(dict[str, t.Any], json.loads(done.stdout))


def gone(path: Path, seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while path.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    return not path.exists()


def test_programs_of_the_wrong_version(options: dict[str, t.Any], tmp_path: Path) -> None:
    assert start("look", {**options, "given": False})["server_version"] == "16.14"
    assert "PostgreSQL 17 is needed" in start("look", {**options, "given": False, "major": 17})["problem"]
    assert (
        "there is no PostgreSQL server in"
        in start("look", {**options, "given": False, "programs": str(tmp_path)})["problem"]
    )
    assert "pg_restore and psql are not in" in start("look", {**options, "client_programs": str(tmp_path)})["problem"]
    assert "no directory" in start("look", {**options, "work_dir": str(tmp_path / "nowhere")})["problem"]
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    assert "too long" in start("look", {**options, "work_dir": str(deep)})["problem"]
    assert os.listdir(options["work_dir"]) == []


def test_a_room_is_closed_by_its_keeper(options: dict[str, t.Any]) -> None:
    opened = start("open", options)
    room = Path(opened["room"])
    assert room.stat().st_mode & 0o777 == 0o700 and (room / "marker.json").stat().st_mode & 0o777 == 0o600
    assert start("look", options)["leftovers"] == [], "somebody keeps it"
    # Who starts the tests in the background of a shell has them ignore the signal, and everything below them.
    left = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(100)", str(room / "dump")],
        preexec_fn=lambda: signal.signal(signal.SIGQUIT, signal.SIG_DFL),  # pylint: disable=subprocess-popen-preexec-fn
    )
    assert start("close", {"room": str(room)}) == {"removed": True, "left": []}
    assert left.wait(5) == -signal.SIGQUIT
    assert gone(room) and not drill.is_alive(opened["keeper"])
    assert start("close", {"room": str(room)}) == {"removed": True, "left": []}


def test_a_room_lasts_no_longer_than_its_time(options: dict[str, t.Any]) -> None:
    room = start("open", {**options, "lifetime": 2})["room"]
    assert gone(Path(room))
    assert "the time for the drill is over" in start("unpack", {"room": room})["problem"]
    lasting = start("open", options)["room"]
    assert "archive.tar.gz: No such file" in start("unpack", {"room": lasting})["problem"]
    assert start("close", {"room": lasting})["removed"]


def test_a_room_that_nobody_keeps_is_removed_by_the_next(options: dict[str, t.Any]) -> None:
    first = start("open", options)
    os.kill(first["keeper"], signal.SIGKILL)
    while drill.is_alive(first["keeper"]):
        time.sleep(0.02)
    work_dir = Path(options["work_dir"])
    for name in ("restore_drill-of-somebody", "restore_drill-empty"):
        (work_dir / name).mkdir()
    (work_dir / "restore_drill-of-somebody" / "marker.json").write_text('{"made_by": "me"}')
    (work_dir / "restore_drill-link").symlink_to(first["room"])
    assert start("look", options)["leftovers"] == [first["room"]]
    second = start("open", options)
    assert second["leftovers"] == [first["room"]] and second["left"] == []
    assert not Path(first["room"]).exists() and (work_dir / "restore_drill-of-somebody").is_dir()
    # Without a keeper, who wants to close a room does it alone.
    os.kill(second["keeper"], signal.SIGKILL)
    assert start("close", {"room": second["room"]}) == {"removed": True, "left": []}


def test_what_could_not_be_dropped_is_told(options: dict[str, t.Any]) -> None:
    opened = start("open", options)
    known = {
        "given": True,
        "inherits": False,
        "client_programs": "/nowhere",
        "environment": {},
        "database": "restore_drill_1_0123abcd",
    }
    (Path(opened["room"]) / "connection.json").write_text(json.dumps(known))
    (Path(opened["room"]) / "service.conf").write_text("password=secret")
    closed = start("close", {"room": opened["room"]})
    assert closed["removed"] and len(closed["left"]) == 1
    assert "the database restore_drill_1_0123abcd on the given server could not be dropped" in closed["left"][0]
    assert os.listdir(options["work_dir"]) == []


def test_the_run_of_ansible_is_found_above_its_workers(tmp_path: Path) -> None:
    """Its workers are copies, and between them and this program are a shell and a module."""
    program = tmp_path / "ansible-playbook"
    program.write_text(
        "import os, subprocess, sys\n"
        "worker = os.fork()\n"
        "if worker:\n"
        "    print(os.getpid(), flush=True)\n"
        "    sys.exit(os.waitstatus_to_exitcode(os.waitpid(worker, 0)[1]))\n"
        "script = 'import runpy; print(runpy.run_path(%r)[\"run_of_ansible\"]())' % sys.argv[1]\n"
        "os._exit(subprocess.call(['sh', '-c', '\"$1\" -c \"$0\"; true', script, sys.executable]))\n"
    )
    done = subprocess.run([sys.executable, str(program), str(PROGRAM)], capture_output=True, text=True, check=True)
    first, second = done.stdout.split()
    assert first == second
    assert drill.run_of_ansible() is None or b"ansible" in Path(f"/proc/{drill.run_of_ansible()}/cmdline").read_bytes()
