# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.
"""Databases as hosts: what an entry of a list says, and what its host is called."""

from __future__ import annotations

import typing as t

#: What says which database is meant.
TARGET = ("name", "app", "addon", "addon_id", "region")


def label(entry: t.Mapping[str, t.Any]) -> str:
    """Return the name of a database in messages and reports, which is that of its host: the one it was given, or APP/ADDON."""
    named = entry.get("name") or "/".join(
        str(part) for part in (entry.get("app"), entry.get("addon") or entry.get("addon_id")) if part
    )
    return str(named)
