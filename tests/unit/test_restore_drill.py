# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""scalingo_restore_drill against the sandbox, in this process, with a server in memory. Real servers: tests/engines/test_restore_drill.py."""

from __future__ import annotations

import contextlib
import typing as t
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from ansible_collections.community.scalingo.plugins.modules import scalingo_restore_drill
from scalingo_sandbox.testing import Sandbox
from support import drill_memory
from support.files import Content, FileServer
from support.laboratory import FollowingClock
from support.port import Report, perform

LARGE, NEW, AHEAD = (
    {"id": name * 24, "method": "periodic", "age": age, "archive_bytes": size}
    for name, age, size in (("a", 90_000, 3_000_000), ("b", 3600, 5000), ("c", -30 * 86400, 5000))
)


class Region:
    """The app `shop` with a database, as each region may have one."""

    def __init__(self, number: int, directory: Path) -> None:
        self.directory = directory
        backups = {"backups": [LARGE, NEW, AHEAD]}
        addon = {"provider": "postgresql", "id": f"ad-{number:08}-0000-4000-8000-000000000041", "database": backups}
        self.sandbox = Sandbox({"apps": [{"name": "shop", "addons": [addon]}]})
        self.clock = FollowingClock(self.sandbox)

    def drill(self, **options: t.Any) -> Report:
        given = {
            **self.sandbox.params(), "app": "shop", "addon": "postgresql", "work_dir": str(self.directory),
            "evidence_dir": str(self.directory / "evidence"), **options,
        }  # fmt: skip
        with drill_memory.serving(lambda: self.clock):
            return perform(scalingo_restore_drill, given, home=self.directory, clock=self.clock)


@pytest.fixture
def regions(tmp_path: Path) -> t.Iterator[list[Region]]:
    found = [Region(number, tmp_path) for number in (1, 2)]
    with contextlib.ExitStack() as stack:
        for region in found:
            stack.enter_context(region.sandbox)
        yield found


def test_databases_of_the_same_name_are_not_compared(
    regions: list[Region], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """F6, and canonical/postgresql-k8s-operator#335: what was known of one was taken for the other's."""
    for rows in (1000, 980):
        for region, share in zip(regions, (1, 100)):
            counts = {"postgresql": {"public.orders": rows // share}}
            monkeypatch.setattr(drill_memory, "TABLES", counts)
            report = region.drill()
            assert not report.failed, report.message
            pair = report.result["evidence"]["tables"]["compared"]
            assert pair == ({} if rows == 1000 else {"public.orders": [1000 // share, 980 // share]})
            assert report.result["evidence"]["database"]["name"] == "shop/postgresql"
    names = sorted(path.name.split(".")[:2] for path in (tmp_path / "evidence").glob("*Z.*[0-9].json"))
    assert [len(name) for name in names] == [2] * 4 and len({addon for dummy, addon in names}) == 2


def test_a_backup_of_the_future_is_not_young(regions: list[Region]) -> None:
    """tickets#1837: it was the newest, and as old as any max_age allows, for as long as its date had not come."""
    newest = regions[0].drill(max_age="1d")
    assert not newest.failed and newest.result["evidence"]["source"]["backup_id"] == NEW["id"]
    named = regions[0].drill(max_age="1d", backup_id=AHEAD["id"])
    (finding,) = named.result["findings"]
    assert finding.startswith("how old the backup is cannot be told (max_age): it began at ") and "future" in finding
    assert (named.result["evidence"]["rpo"]["verdict"], named.result["evidence"]["rpo"]["age_seconds"]) == (
        "unknown",
        None,
    )
    assert not regions[0].drill(backup_id=AHEAD["id"]).failed, "nobody asked for its age"


def test_the_time_for_a_drill_limits_its_download(regions: list[Region]) -> None:
    """databasus#502: a download that goes on for hours is no drill that goes well."""
    clock = regions[0].clock

    class Slow(Content):
        def pieces(self, start: int = 0, end: int | None = None) -> t.Iterator[bytes]:
            for piece in super().pieces(start, end):
                clock.ahead += 60
                yield piece

    # How long the platform says that it is.
    size = regions[0].drill(backup_id=LARGE["id"]).result["evidence"]["source"]["size"]
    with FileServer(Slow(size)) as server:
        regions[0].sandbox.fault(match={"route": "B4"}, do="replace", body={"download_url": server.link()})
        report = regions[0].drill(backup_id=LARGE["id"], timeout=90)
    found = report.result["evidence"]
    # Of the limits of the drill and of one answer, the one that looks first after the clock was moved.
    over = "the time for the drill is over, which is 90 seconds"
    (finding,) = report.result["findings"]
    assert finding in (over, f"{urlsplit(server.link()).netloc} was still answering after too long a time")
    assert (found["failed_in"], found["outcome"]) == ("download", "failed")
    assert [path.name for path in regions[0].directory.glob("restore_drill-*")] == []


def test_a_given_server_of_another_version_is_refused(regions: list[Region], monkeypatch: pytest.MonkeyPatch) -> None:
    start = drill_memory.Server.start

    def older(server: drill_memory.Server, *arguments: t.Any) -> None:
        start(server, *arguments)
        server.version = "15.2"

    monkeypatch.setattr(drill_memory.Server, "start", older)
    report = regions[0].drill(server_service="drills", allow=["network", "superuser"])
    version = report.result["evidence"]["database"]["version"]
    assert report.result["findings"] == [
        f"the server is PostgreSQL 15.2, and {version.split('.')[0]} is needed for a database of {version}"
    ]


@pytest.mark.parametrize(
    ("options", "said", "not_said"),
    [
        ({"min_rows": 2000}, "does not restore", "max_drop_percent"),
        ({"freshness": [{"table": "orders", "column": "at", "max_age": "1h"}]}, "was restored", "does not restore"),
    ],
)
def test_what_to_do_is_what_helps(options: t.Any, said: str, not_said: str, regions: list[Region]) -> None:
    """micro-org#517: an empty database was told as one that does not restore; to accept the loss of rows changes nothing there."""
    report = regions[0].drill(**options)
    steps = " ".join(report.result["next_steps"])
    assert len(report.result["findings"]) == 1 and said in steps and not_said not in steps
