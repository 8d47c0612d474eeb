# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The SQL modes of MySQL 8.0 and 8.4: which there are, what composites stand for, the order of the server's answer."""

from __future__ import annotations

# in the order of the server's bits, which is the order of its answer
_MODES = (
    "REAL_AS_FLOAT",
    "PIPES_AS_CONCAT",
    "ANSI_QUOTES",
    "IGNORE_SPACE",
    "ONLY_FULL_GROUP_BY",
    "NO_UNSIGNED_SUBTRACTION",
    "NO_DIR_IN_CREATE",
    "ANSI",
    "NO_AUTO_VALUE_ON_ZERO",
    "NO_BACKSLASH_ESCAPES",
    "STRICT_TRANS_TABLES",
    "STRICT_ALL_TABLES",
    "NO_ZERO_IN_DATE",
    "NO_ZERO_DATE",
    "ALLOW_INVALID_DATES",
    "ERROR_FOR_DIVISION_BY_ZERO",
    "TRADITIONAL",
    "HIGH_NOT_PRECEDENCE",
    "NO_ENGINE_SUBSTITUTION",
    "PAD_CHAR_TO_FULL_LENGTH",
    "TIME_TRUNCATE_FRACTIONAL",
)

MODES: dict[str, tuple[str, ...]] = {"8.0": _MODES, "8.4": _MODES}

COMPOSITES: dict[str, tuple[str, ...]] = {
    "ANSI": ("REAL_AS_FLOAT", "PIPES_AS_CONCAT", "ANSI_QUOTES", "IGNORE_SPACE", "ONLY_FULL_GROUP_BY"),
    "TRADITIONAL": (
        "STRICT_TRANS_TABLES",
        "STRICT_ALL_TABLES",
        "NO_ZERO_IN_DATE",
        "NO_ZERO_DATE",
        "ERROR_FOR_DIVISION_BY_ZERO",
        "NO_ENGINE_SUBSTITUTION",
    ),
}

DEFAULT = (
    "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,"
    "ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
)


class UnknownMode(ValueError):
    """The server does not have this mode."""


def modes_of(major: int, minor: int) -> tuple[str, ...]:
    return MODES.get(f"{major}.{minor}", _MODES)


def expanded(text: str, known: tuple[str, ...], *, ignore_unknown: bool = False) -> str:
    """The set as the server would show it after it was set."""
    chosen: set[str] = set()
    for part in text.split(",") if text else []:
        name = part.strip().upper()
        if name not in known:
            if ignore_unknown:
                continue
            raise UnknownMode(part.strip())
        chosen.add(name)
        chosen.update(COMPOSITES.get(name, ()))
    return ",".join(name for name in known if name in chosen)
