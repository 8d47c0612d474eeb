# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""playbooks/every_module.yml: each module once against real servers, and what a second run changes is what is documented."""

from __future__ import annotations

import collections
import tarfile
import typing as t
from pathlib import Path

import psycopg
import pytest
import yaml
from scalingo_sandbox.testing import Sandbox
from support import fetched
from support.playbook import MODULE_PREFIX, ROOT, Ansible, Run, TaskResult
from support.real import Office
from support.subjects import subjects

PLAYBOOK = ROOT / "playbooks" / "every_module.yml"
SEED = Path(__file__).resolve().parent / "every_module.yml"
SUPPORT = {subject.name: subject.support("idempotent") for subject in subjects()}
#: It lasts no longer than a run, and needs an SSH server: test_tunnel.py.
OF_A_RUN = {"scalingo_tunnel"}
MODULES = set(SUPPORT) - OF_A_RUN
SPEED = 100


def used() -> list[str]:
    """The modules of the playbook's tasks, in their order."""
    plays = yaml.safe_load(PLAYBOOK.read_text(encoding="utf-8"))
    words = [word for play in plays for task in play["tasks"] for word in task]
    return [word[len(MODULE_PREFIX) :] for word in words if word.startswith(MODULE_PREFIX)]


def of_collection(run: Run) -> dict[str, TaskResult]:
    return {item.action[len(MODULE_PREFIX) :]: item for item in run.results if item.action.startswith(MODULE_PREFIX)}


def changed(run: Run) -> set[str]:
    return {module for module, item in of_collection(run).items() if item.result.get("changed")}


@pytest.fixture(scope="module")
def sandbox() -> t.Iterator[Sandbox]:
    with Sandbox(SEED, engine="real", speed=SPEED) as running:
        yield running


def test_every_module_is_used_once() -> None:
    assert collections.Counter(used()) == collections.Counter(MODULES)


def test_a_second_run_changes_what_never_stays_done_and_nothing_else(sandbox: Sandbox, tmp_path: Path) -> None:
    # As Ansible is by itself: with a file on the target for each task. The second run is in the process of the controller.
    ansible = Ansible(tmp_path, {**sandbox.environment(), "ANSIBLE_PIPELINING": None, "SCALINGO_IN_PROCESS": "false"})
    servers = fetched.postgres("18.4").parent
    given = {
        "directory": tmp_path,
        "programs": servers / "18.4" / "bin",
        "client_programs": servers / "clients" / "18" / "bin",
    }
    variables = tuple(word for name, value in given.items() for word in ("-e", f"{name}={value}"))
    text = PLAYBOOK.read_text(encoding="utf-8")
    office = Office(sandbox)
    url = office.url("shop", "SCALINGO_POSTGRESQL_URL")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("CREATE TABLE orders AS SELECT generate_series(1, 1000) AS line")
    # The session of the seed has been running for ten minutes.
    sandbox.advance(600)

    first = ansible.play(text, *variables).ok().clean()
    assert set(of_collection(first)) == MODULES
    never = {module for module in MODULES if SUPPORT[module] == "none"}
    reading = {module for module in MODULES if module.endswith("_info")}
    # Nothing was as the playbook wants it.
    assert changed(first) == MODULES - reading

    with tarfile.open(tmp_path / "shop.tar.gz") as archive:
        assert [Path(name).suffix for name in archive.getnames()] == [".pgsql"]
    with psycopg.connect(url, autocommit=True) as connection:
        assert connection.execute("SELECT count(*) FROM orders").fetchall() == [(1000,)]
        assert connection.info.server_version // 10000 == 18

    sandbox.clear_log()
    second = ansible.play(text, *variables, environment={"SCALINGO_IN_PROCESS": None}).ok().clean()
    assert changed(second) == never
    written = collections.Counter(
        record.action_name or record.route for record in sandbox.unsafe() if record.route not in ("A6", "auth-exchange")
    )
    assert written == {"B6": 1, "reset-database": 1, "pg-stat-statements-enable": 1}
