# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Roles and playbooks, run by real Ansible against sandboxes with real servers.

Ansible is the oldest that the collection supports, whose templates keep other types than those of today. The newest runs some of the tests
here too, the other roles in the scenarios of molecule, and the playbooks in the jobs of test_awx.py.
"""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from scalingo_sandbox.testing import Sandbox
from support.laboratory import recorded
from support.playbook import Ansible, oldest_core
from support.watched import ISSUED, Watched

#: Whose tests take longest, so that none of them is begun last, when the other process has nothing left to do.
FIRST = ("test_fleet_upgrade", "test_restore_drill", "test_fleet_report", "test_upgrade_verify")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    places = [place for place, item in enumerate(items) if item.path.parent == Path(__file__).parent]
    ours = [items[place] for place in places]
    ours.sort(key=lambda item: FIRST.index(item.path.stem) if item.path.stem in FIRST else len(FIRST))
    for place, item in zip(places, ours, strict=True):
        items[place] = item


@pytest.fixture(scope="module", autouse=True)
def _surroundings() -> t.Iterator[None]:
    """For these files alone: those of another directory may come after them in one process."""
    with recorded(lambda name, token: ISSUED.add(token)), pytest.MonkeyPatch.context() as patch:
        patch.setattr(Ansible, "standard", oldest_core())
        yield


@pytest.fixture
def controller(tmp_path: Path) -> t.Callable[[Sandbox], Watched]:
    """A machine that runs Ansible and knows a sandbox by its environment. None of its runs shows a secret."""
    return lambda sandbox: Watched(tmp_path, sandbox)


@pytest.fixture(scope="module")
def running(request: pytest.FixtureRequest) -> t.Iterator[Sandbox]:
    """The sandbox with the SEED of the file, whose clock goes ten times faster unless it says SPEED."""
    with Sandbox(request.module.SEED, speed=getattr(request.module, "SPEED", 10)) as sandbox:
        yield sandbox


@pytest.fixture
def sandbox(request: pytest.FixtureRequest, running: Sandbox) -> Sandbox:
    running.reset(request.module.SEED)
    running.clear_faults()
    running.speed(getattr(request.module, "SPEED", 10))
    running.clear_log()
    return running
