# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real Ansible against the sandbox over HTTP: one sandbox for each process of the tests, fresh data for each test.

Ansible is the newest, but where what is looked at is the doing of modules and of nothing else: the oldest takes a quarter less time.
"""

from __future__ import annotations

import concurrent.futures
import typing as t
from pathlib import Path

import pytest
from scalingo_sandbox.testing import Sandbox
from support.playbook import Ansible, Run, oldest_core
from support.shop import SEED
from support.ways import Both

#: Modules in processes of their own.
AS_MODULES = ("test_users",)
OLDEST = ("test_backups", "test_economy", "test_upgrades", "test_waiting")


@pytest.fixture(autouse=True)
def _core(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.path.stem in OLDEST:
        monkeypatch.setattr(Ansible, "standard", oldest_core())


@pytest.fixture(scope="session")
def running_sandbox() -> t.Iterator[Sandbox]:
    with Sandbox(seed=SEED) as sandbox:
        yield sandbox


def freshen(sandbox: Sandbox) -> Sandbox:
    """The seed's data, an empty log, and nothing left of the test before."""
    sandbox.reset(SEED)
    sandbox.clear_faults()
    sandbox.rate_limit(None)
    sandbox.speed(1.0)
    sandbox.clear_log()
    return sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Sandbox:
    return freshen(running_sandbox)


@pytest.fixture
def ansible(request: pytest.FixtureRequest, tmp_path: Path, sandbox: Sandbox) -> Ansible:
    """A controller that knows the sandbox from its environment, as a user's shell would tell it."""
    way = {"SCALINGO_IN_PROCESS": "false"} if request.path.stem in AS_MODULES else {}
    return Ansible(tmp_path, {**sandbox.environment(), **way})


@pytest.fixture(params=(pytest.param("newest", marks=pytest.mark.long), "oldest"))
def controller(request: pytest.FixtureRequest, tmp_path: Path, sandbox: Sandbox) -> Ansible:
    """The same, with the newest ansible-core and with the oldest."""
    programs = oldest_core() if request.param == "oldest" else None
    return Ansible(tmp_path, sandbox.environment(), programs=programs)


@pytest.fixture
def both(tmp_path: Path, sandbox: Sandbox) -> Both:
    controllers = []
    for name, programs in (("newest", None), ("oldest", oldest_core())):
        (tmp_path / name).mkdir()
        controllers.append(Ansible(tmp_path / name, sandbox.environment(), programs=programs))
    return Both(controllers, sandbox)


@pytest.fixture
def meanwhile() -> t.Iterator[t.Callable[..., concurrent.futures.Future[Run]]]:
    """Start a run and go on: returns its future."""
    with concurrent.futures.ThreadPoolExecutor(max_workers=2) as pool:
        yield pool.submit
