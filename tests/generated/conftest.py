# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One laboratory for each process of the tests, with a directory of its own for each test."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from support.laboratory import Laboratory, Sandboxes


@pytest.fixture(scope="session")
def sandboxes() -> t.Iterator[Sandboxes]:
    with Sandboxes() as opened:
        yield opened


@pytest.fixture
def laboratory(sandboxes: Sandboxes, tmp_path: Path) -> Laboratory:
    return Laboratory(sandboxes, tmp_path)
