# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The driver that starts servers: PostgreSQL, MariaDB for MySQL, InfluxDB. Of what cannot be brought, memory stays."""

from __future__ import annotations

from collections.abc import Callable

from scalingo_sandbox.engines import real_influxdb, real_mariadb, real_postgresql
from scalingo_sandbox.engines.base import Engine, EngineSetup
from scalingo_sandbox.engines.memory import make_memory_engine

REAL: dict[str, Callable[[EngineSetup], Engine]] = {
    "postgresql": real_postgresql.RealPostgresql,
    "mysql": real_mariadb.RealMariadb,
    "influxdb": real_influxdb.RealInfluxdb,
}

VERSIONS: dict[str, Callable[[], tuple[str, ...]]] = {
    "postgresql": real_postgresql.versions,
    "influxdb": real_influxdb.versions,
}


def make_real_engine(setup: EngineSetup) -> Engine:
    return REAL.get(setup.kind.type_name, make_memory_engine)(setup)


def real_versions(type_name: str) -> tuple[str, ...] | None:
    """The versions of the servers that are here; None where the built-in list holds."""
    return VERSIONS[type_name]() if type_name in VERSIONS else None
