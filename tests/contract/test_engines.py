# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The engines that hold everything in memory do what tests/support/engine_suite.py asks of all."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("support.engine_suite")

from support.engine_suite import *  # noqa: E402, F403  # pylint: disable=wildcard-import


@pytest.fixture
def driver() -> str:
    return "memory"
