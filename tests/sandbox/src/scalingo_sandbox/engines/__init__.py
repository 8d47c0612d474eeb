# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Engines are drivers behind one interface: memory holds everything in this process, real starts servers."""

from __future__ import annotations

from collections.abc import Callable

from scalingo_sandbox.engines.base import Engine, EngineError, EngineSetup
from scalingo_sandbox.engines.memory import make_memory_engine

Factory = Callable[[EngineSetup], Engine]

FACTORIES: dict[str, Factory] = {"memory": make_memory_engine}
"""By the name given to --engine. A driver adds itself here."""

__all__ = ["FACTORIES", "Engine", "EngineError", "EngineSetup", "Factory"]
