# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Engines are drivers behind one interface: memory holds everything in this process, real starts servers."""

from __future__ import annotations

from collections.abc import Callable

from scalingo_sandbox.engines.base import Engine, EngineError, EngineSetup
from scalingo_sandbox.engines.memory import make_memory_engine

Factory = Callable[[EngineSetup], Engine]


def _make_real_engine(setup: EngineSetup) -> Engine:
    from scalingo_sandbox.engines.real import make_real_engine

    return make_real_engine(setup)


def versions(name: str, type_name: str) -> tuple[str, ...] | None:
    """The versions that a driver really has of a type of database; None: any that the catalog lists."""
    if name != "real":
        return None
    from scalingo_sandbox.engines.real import real_versions

    return real_versions(type_name)


FACTORIES: dict[str, Factory] = {"memory": make_memory_engine, "real": _make_real_engine}
"""By the name given to --engine. A driver adds itself here."""

__all__ = ["FACTORIES", "Engine", "EngineError", "EngineSetup", "Factory", "versions"]
