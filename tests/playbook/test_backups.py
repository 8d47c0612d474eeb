# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backups with processes of their own: two plays at once, 256 MiB in little memory, and a download that is killed."""

from __future__ import annotations

import copy
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import typing as t
from pathlib import Path

import pytest
from scalingo_sandbox.testing import Sandbox
from support.files import Content, FileServer
from support.playbook import ROOT, Ansible
from support.programs import until
from support.shop import BACKUP, SEED, routes

MEGABYTE = 1 << 20
LARGE = 256 * MEGABYTE

#: A module in a process of its own, which tells its result and how much memory it had at most, in kilobytes.
PROGRAM = """
import json, resource, sys
sys.path.insert(0, sys.argv[1])
import conftest
from support.port import perform
from ansible_collections.community.scalingo.plugins.modules import scalingo_backup_download
report = perform(scalingo_backup_download, json.loads(sys.argv[2]), home=__import__("pathlib").Path(sys.argv[3]))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({"failed": report.failed, "result": report.result, "peak": peak}))
"""


def seed_with(size: int) -> dict[str, t.Any]:
    """The shop, whose backup of MySQL has that size."""
    seed = copy.deepcopy(SEED)
    backups = [
        backup
        for app in seed["apps"]
        for addon in app["addons"]
        for backup in addon.get("database", {}).get("backups", [])
    ]
    next(backup for backup in backups if backup.get("id") == BACKUP)["size"] = size
    return seed


class Download:
    """Downloads the backup of the sandbox's MySQL database from another server, each time in a new process."""

    def __init__(self, sandbox: Sandbox, directory: Path) -> None:
        self._sandbox = sandbox
        self.directory = directory / "backups"
        self.home = directory / "home"
        self.dest = self.directory / "backup.tar.gz"
        for path in (self.directory, self.home):
            path.mkdir(mode=0o700)

    def serve(self, server: FileServer) -> None:
        """Let the platform's link lead there."""
        self._sandbox.reset(seed_with(server.content.size))
        self._sandbox.fault(match={"route": "B4"}, do="replace", body={"download_url": server.link()})

    def start(self, **arguments: t.Any) -> subprocess.Popen[str]:
        given = {**self._sandbox.params(), "app": "shop", "addon": "mysql", "dest": str(self.dest), **arguments}
        given.pop("ca_path", None)
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(ROOT), json.dumps(given), str(self.home)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )

    def run(self, **arguments: t.Any) -> dict[str, t.Any]:
        process = self.start(**arguments)
        try:
            stdout, stderr = process.communicate(timeout=300)
        finally:
            process.kill()
        assert process.returncode == 0, stderr
        told = t.cast(dict[str, t.Any], json.loads(stdout))
        assert not told["failed"], told["result"]["msg"]
        return told

    def names(self) -> list[str]:
        return sorted(os.listdir(self.directory))


@pytest.fixture
def download(sandbox: Sandbox, tmp_path: Path) -> t.Iterator[Download]:
    downloading = Download(sandbox, tmp_path)
    yield downloading
    # pytest would keep it for three runs.
    shutil.rmtree(downloading.directory)


def test_a_large_backup_takes_little_memory_and_survives_being_cut_off(download: Download) -> None:
    with FileServer(Content(LARGE)) as server:
        download.serve(server)
        server.cuts = [5, 90 * MEGABYTE, 91 * MEGABYTE + 17, 200 * MEGABYTE, LARGE - 1]
        server.before = lambda seen: names.append(download.names())
        names: list[list[str]] = []
        first = download.run()
        again = download.run()
        digest = server.content.sha256()
    assert first["result"]["file"] == {"path": str(download.dest), "size": LARGE, "sha256": digest, "mode": "0600"}
    assert first["result"]["changed"] and not again["result"]["changed"]
    assert again["result"]["file"] == first["result"]["file"]
    assert len(server.seen) == 6, "each part is asked for once"
    assert all("backup.tar.gz" not in seen for seen in names), "it had its name before it was whole"
    assert download.names() == ["backup.tar.gz", "backup.tar.gz.json"]
    assert read_digest(download.dest) == digest
    more = (first["peak"] - again["peak"]) / 1024
    assert more < 80, f"{more:.0f} MiB more than doing nothing"
    print(f"{more:.1f} MiB more than doing nothing ({again['peak'] / 1024:.1f} MiB)")


def read_digest(path: Path) -> str:
    return subprocess.run(["sha256sum", str(path)], check=True, capture_output=True, text=True).stdout.split()[0]


def test_a_download_that_is_killed_is_gone_on_with(download: Download) -> None:
    content = Content(200 * MEGABYTE)
    with FileServer(content) as server:
        download.serve(server)
        killed = threading.Event()
        # It is not whole before it is killed.
        server.between = lambda sent: sent > content.size / 2 and killed.wait(60)
        process = download.start()
        part, description = download.directory / ".backup.tar.gz.part", download.directory / ".backup.tar.gz.part.json"
        until(description.exists, "the first part is on the disk")
        process.send_signal(signal.SIGKILL)
        process.communicate(timeout=30)
        killed.set()
        assert download.names() in (
            [part.name, description.name],
            [part.name, description.name, description.name + ".new"],
        )
        done = json.loads(description.read_text())["synced"]
        assert 0 < done < content.size
        server.seen.clear()
        told = download.run()
    assert server.ranges() == [f"bytes={done}-"]
    assert told["result"]["file"]["sha256"] == content.sha256() == read_digest(download.dest)
    assert f"going on with {part} from byte {done}" in told["result"]["notes"]
    assert download.names() == ["backup.tar.gz", "backup.tar.gz.json"]


def test_the_next_play_goes_on_where_the_last_one_had_to_stop(
    ansible: Ansible, sandbox: Sandbox, tmp_path: Path
) -> None:
    content = Content(12 * MEGABYTE)
    with FileServer(content) as server:
        sandbox.reset(seed_with(content.size))
        sandbox.fault(match={"route": "B4"}, do="replace", body={"download_url": server.link("the-secret-of-the-link")})
        server.cuts = [10 * MEGABYTE + number for number in range(9)]
        arguments = f"app=shop addon=mysql dest={tmp_path}/backup.tar.gz backup_id={BACKUP} api_retries=1"
        failed = ansible.ad_hoc("community.scalingo.scalingo_backup_download", arguments, "-vvvv").clean()
        assert failed.only.status == "failed" and failed.only.result["changed"] is False
        assert f"are kept in {tmp_path}/.backup.tar.gz.part: the next run resumes there" in failed.only.result["msg"]
        assert not (tmp_path / "backup.tar.gz").exists()
        server.cuts.clear()
        done = ansible.ad_hoc("community.scalingo.scalingo_backup_download", arguments, "-vvvv").ok().clean()
        assert done.only.result["changed"] and done.only.result["file"]["sha256"] == content.sha256()
        assert str(server.ranges()[-1]).startswith("bytes=")
        # A copy stays good when the platform has no such backup any more, or cannot be asked.
        sandbox.clear_log()
        again = ansible.ad_hoc(
            "community.scalingo.scalingo_backup_download",
            arguments,
            environment={"SCALINGO_AUTH_URL": "http://127.0.0.1:9"},
        ).ok()
        assert again.only.result["changed"] is False and again.only.result["api_usage"]["requests"] == 0
        assert sandbox.log() == []
    for run in (failed, done, again):
        assert "the-secret-of-the-link" not in run.output


PAIR = """
- hosts: localhost
  gather_facts: false
  tasks:
    - name: Make a backup
      community.scalingo.scalingo_backup: {app: shop, addon: "%s", wait_interval: 0.2}
      register: made
    - name: Fetch exactly that one
      community.scalingo.scalingo_backup_download: {app: shop, addon: "%s", backup_id: "{{ made.backup.id }}", dest: "%s"}
"""


@pytest.mark.parametrize("addon", ["mysql", "redis"], ids=["with backups", "without any"])
def test_check_mode_foretells_that_the_backup_that_is_made_is_fetched(
    addon: str, ansible: Ansible, sandbox: Sandbox, tmp_path: Path
) -> None:
    dest = tmp_path / "shop.tar.gz"
    play = PAIR % (addon, addon, dest)
    told = ansible.play(play, "--check", "--diff").ok().clean()
    fetched = told.result("Fetch exactly that one")
    step = "download the backup %s to " + str(dest)
    assert (
        fetched["changed"]
        and fetched["steps"] == [step % "not-made-in-check-mode"]
        and fetched["backup"]["id"] == "not-made-in-check-mode"
    )
    assert sandbox.unsafe() == [] and not dest.exists()
    done = ansible.play(play).ok()
    made = done.result("Make a backup")["backup"]["id"]
    fetched = done.result("Fetch exactly that one")
    assert fetched["steps"] == [step % made] and fetched["backup"]["id"] == made != BACKUP and dest.exists()


def test_two_plays_at_the_same_moment_make_one_backup(
    sandbox: Sandbox, tmp_path: Path, meanwhile: t.Callable[..., t.Any]
) -> None:
    controllers = []
    for name in ("one", "other"):
        (tmp_path / name).mkdir()
        controllers.append(Ansible(tmp_path / name, sandbox.environment()))
    seed = {**SEED, "durations": {**SEED["durations"], "backup": 600}}
    sandbox.reset(seed)
    # The first one to ask is slow on its way, so that both have looked before there is one.
    sandbox.fault(match={"route": "B2"}, times=1, do="slow", seconds=600)
    module, arguments = "community.scalingo.scalingo_backup", "app=shop addon=redis max_age=1h wait_interval=0.5"
    first = meanwhile(controllers[0].ad_hoc, module, arguments)
    until(sandbox.unsafe, "the first to ask", 100)
    second = controllers[1].ad_hoc(module, f"{arguments} wait=false").ok().only.result
    looks = routes(sandbox.log()).count("B1")
    sandbox.clear_faults()
    until(lambda: routes(sandbox.log()).count("B1") >= looks + 2, "the first to wait for the backup of the second", 100)
    sandbox.advance(600)
    result = first.result().ok().only.result
    assert (second["changed"], second["attached"]) == (True, False)
    assert (result["changed"], result["attached"]) == (False, True)
    assert result["backup"]["id"] == second["backup"]["id"] and result["backup"]["status"] == "done"
    redis = next(addon for app in sandbox.state()["apps"] for addon in app["addons"] if addon["provider"] == "redis")
    assert len(redis["database"]["backups"]) == 1
    assert routes(sandbox.unsafe()) == ["B2", "B2"], "both asked, and one was refused"
