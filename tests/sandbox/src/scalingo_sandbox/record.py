# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is kept of every request."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel


class Record(BaseModel):
    """One request to the product's hosts, as a test wants to see it. No token is ever in it."""

    number: int
    time: float
    role: str
    region: str | None = None
    method: str
    path: str
    query: dict[str, str]
    route: str | None = None
    action_name: str | None = None
    safe: bool | None = None
    status: int | None = None
    app: str | None = None
    addon_id: str | None = None
    token_kind: str | None = None
    headers: dict[str, str]
    body: Any = None
    request_id: str = ""
    fault: str | None = None
