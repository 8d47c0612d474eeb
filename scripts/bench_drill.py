# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A drill for `scripts/bench`, and pg_restore alone, each in a process of its own: `bench_drill.py make|drill|pg_restore OPTIONS`.

OPTIONS are those of the module as JSON, with `bench`, which says what else there is to know. The server is that of a drill every time, so
that its settings are the same. The last line of the output is what was used as JSON: seconds, seconds of processor and the peak of the
memory, in MB, of the drill's own process or of pg_restore, and seconds of processor with servers and clients.
"""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import os
import resource
import subprocess
import sys
import tarfile
import time
import typing as t
from pathlib import Path

from ansible.module_utils import basic
from ansible_collections.community.scalingo.plugins.module_utils import _copy, _drill_place, _drill_postgresql
from ansible_collections.community.scalingo.plugins.modules import scalingo_restore_drill

MAJOR = 16
TABLES = 4
#: Eight rows fill a page.
TABLE = """CREATE TABLE public.rows_{0} (number bigint PRIMARY KEY, content text);
INSERT INTO public.rows_{0} SELECT number, repeat(md5(number::text), 30) FROM generate_series(1, {1}) AS number;"""
Options = dict[str, t.Any]


@contextlib.contextmanager
def served(options: Options) -> t.Iterator[tuple[_drill_place.Place, t.Any]]:
    """The server of a drill with an empty database, and its workspace."""
    given = {"jobs": 2, "server_settings": {}, "server_service": None, "server_url": None, "roles": [], "locale": None}
    params = {**given, **options}
    server: t.Any = _drill_postgresql.Server(MAJOR, params)
    with _drill_place.Place.made(options["work_dir"], "bench") as place:
        server._place, server._environment = place, {"PGHOST": place.path, "PGPORT": "5432"}
        server._database = "postgres"
        # What a dump of nothing would say.
        server._settings, server._roles, server._locale = [], [], {}
        server._serve()
        server._create_database()
        yield place, server


def make(options: Options) -> None:
    """Make a copy of a backup, and its dump beside the directory of copies."""
    dump, directory = Path(options["bench"]["dump"]), Path(options["directory"])
    with served(options) as (dummy, server):
        for number in range(TABLES):
            server._sql(TABLE.format(number, options["bench"]["mebibytes"] * 1024 // TABLES))
        done = server._run("pg_dump", "-Fc", "-f", str(dump), _drill_postgresql.DATABASE)
        if done.returncode:
            raise SystemExit(done.said)
    directory.mkdir()
    archive = directory / "copy.tar.gz"
    with tarfile.open(archive, "w:gz", compresslevel=1) as stream:
        stream.add(dump, dump.name)
    with open(archive, "rb") as content:
        digest = hashlib.sha256()
        while piece := content.read(1 << 20):
            digest.update(piece)
    began = datetime.datetime.now(datetime.timezone.utc) - datetime.timedelta(hours=1)
    described = {
        "made_by": _copy.MADE_BY,
        "database": {"addon_id": options["bench"]["addon_id"]},
        "backup": {"id": "b" * 24, "started_at": began.strftime("%Y-%m-%dT%H:%M:%SZ")},
        "size": archive.stat().st_size,
        "sha256": digest.hexdigest(),
    }
    Path(f"{archive}.json").write_text(json.dumps(described), encoding="utf-8")


def drill(options: Options) -> dict[str, float]:
    given = {name: value for name, value in options.items() if name != "bench"}
    basic._ANSIBLE_ARGS = json.dumps({"ANSIBLE_MODULE_ARGS": given}).encode()
    basic._ANSIBLE_PROFILE = "legacy"
    begun = time.monotonic()
    try:
        scalingo_restore_drill.main()
    except SystemExit as ended:
        if ended.code:
            raise
    seconds = time.monotonic() - begun
    own, others = (resource.getrusage(whose) for whose in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    peak = own.ru_maxrss * (1 if sys.platform == "darwin" else 1024) / 1e6
    (evidence,) = Path(options["evidence_dir"]).glob("*.000001.json")
    restore = json.loads(evidence.read_text(encoding="utf-8"))["rto"]["phases"]["restore"]
    mine = own.ru_utime + own.ru_stime
    whole = mine + others.ru_utime + others.ru_stime
    return {"seconds": seconds, "processor": mine, "memory": peak, "processor_all": whole, "restore": restore}


def alone(options: Options) -> dict[str, float]:
    """Restore the same dump into the same kind of server as everybody does: pg_restore, with as many jobs."""
    with served(options) as (place, server):
        account = place.file("account")
        program = os.path.join(server._clients, "pg_restore")
        words = ["--no-owner", "--no-privileges", "--jobs=2", "--dbname=drill", options["bench"]["dump"]]
        command = [sys.executable, "-S", "-c", options["bench"]["launcher"], account, program, *words]
        variables = {"PGHOST": place.path, "PGPORT": "5432", "PGUSER": _drill_postgresql.OWNER}
        subprocess.run(command, env=_drill_place.bare(variables), check=True)
        seconds, processor, memory = json.loads(Path(account).read_text(encoding="utf-8"))
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    whole = used.ru_utime + used.ru_stime
    return {"seconds": seconds, "processor": processor, "memory": memory, "processor_all": whole}


if __name__ == "__main__":
    print("\n" + json.dumps({"make": make, "drill": drill, "pg_restore": alone}[sys.argv[1]](json.loads(sys.argv[2]))))
