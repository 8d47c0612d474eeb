# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The authentication host."""

from __future__ import annotations

from scalingo_sandbox.models.base import Date, Request, Response


class BearerToken(Response):
    token: str


class User(Response):
    id: str
    username: str
    email: str
    fullname: str
    flags: dict[str, bool]


class UserAnswer(Response):
    user: User


class Region(Response):
    name: str
    display_name: str
    api: str
    dashboard: str
    database_api: str
    ssh: str
    default: bool | None = None


class RegionsAnswer(Response):
    regions: list[Region]


class Token(Response):
    id: str
    name: str
    created_at: Date
    last_used_at: Date | None = None
    token: str | None = None


class TokenAnswer(Response):
    token: Token


class TokensAnswer(Response):
    tokens: list[Token]


class TokenName(Request):
    name: str


class TokenCreation(Request):
    """Both forms: rooted (Go), and bare (JavaScript)."""

    token: TokenName | None = None
    name: str | None = None
