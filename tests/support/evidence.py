# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Evidence of drills that never were, written as drills write it."""

from __future__ import annotations

import time
import typing as t

from ansible_collections.community.scalingo.plugins.module_utils import _evidence

#: 2026-12-01T04:00:00Z
NOW = 1796097600.0
DAY = 86400.0


def moment(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))


def drilled(
    place: str, name: str, outcome: str = "passed", days: float = 0, *, now: float = NOW, addon_id: str | None = None,
    region: str = "osc-fr1", rehearsal: str | None = "none", sign_key: str | None = None,
    finding: str = "3 rows are missing",
) -> _evidence.Entry:  # fmt: skip
    """A drill that ended so many days ago, of which is written now. A `rehearsal` is on that major version."""
    ended = now - days * DAY
    record = {
        "id": "0123", "started_at": moment(ended - 90), "ended_at": moment(ended), "outcome": outcome,
        "findings": [] if outcome == "passed" else [finding],
        "database": {"name": name, "addon_id": addon_id, "region": region, "engine": "postgresql", "version": "16.9"},
        # A rehearsal can fail before it has a server.
        "server": None if outcome == "failed" and rehearsal != "none" else {"kind": "throw-away", "version": "17.5", "rehearsal": rehearsal != "none"},
        "rehearsal": None if rehearsal == "none" else {"from": "16.9", "to": rehearsal},
        "rpo": {"verdict": "not_asked"}, "rto": {"seconds": 90.0, "verdict": "not_asked", "phases": {"restore": 60.0}},
    }  # fmt: skip
    return _evidence.write(place, t.cast(t.Any, record), now=now, sign_key=sign_key)
