# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One sandbox for all tests of the sandbox itself; every test begins with the seed that comes with it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from scalingo_sandbox.testing import Sandbox
from support.caller import Caller


@pytest.fixture(scope="session")
def shared_sandbox() -> Iterator[Sandbox]:
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def box(shared_sandbox: Sandbox) -> Iterator[Sandbox]:
    shared_sandbox.reset()
    yield shared_sandbox
    shared_sandbox.speed(1)


@pytest.fixture
def caller(box: Sandbox) -> Iterator[Caller]:
    caller = Caller(box)
    yield caller
    caller.close()
