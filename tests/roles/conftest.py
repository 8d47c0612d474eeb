# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Roles and playbooks, run by real Ansible against sandboxes with real servers."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from scalingo_sandbox.testing import Sandbox
from support.playbook import Ansible


@pytest.fixture
def controller(tmp_path: Path) -> t.Callable[[Sandbox], Ansible]:
    """A machine that runs Ansible and knows a sandbox by its environment."""
    return lambda sandbox: Ansible(tmp_path, sandbox.environment())
