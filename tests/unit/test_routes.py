# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every call that the collection knows is used by something that a playbook can say."""

from __future__ import annotations

import re
from pathlib import Path

from support.api import CALLS

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"


def test_every_call_is_used() -> None:
    inside = PLUGINS / "module_utils" / "_api"
    others = "\n".join(
        path.read_text(encoding="utf-8") for path in sorted(PLUGINS.rglob("*.py")) if inside not in path.parents
    )
    assert len(CALLS) > 60
    assert not [name for name in CALLS if not re.search(rf"\b{name}\(", others)]
