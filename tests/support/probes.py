# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What each switch of the sandbox does: one look at the service whose answer differs for every value."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scalingo_sandbox.testing import Sandbox
from support.caller import Caller

Probe = Callable[[Caller, Sandbox], Any]
PROBES: dict[str, Probe] = {}


def probe(name: str) -> Callable[[Probe], Probe]:
    def keep(function: Probe) -> Probe:
        PROBES[name] = function
        return function

    return keep
