# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Clients for tests, on a still clock."""

from __future__ import annotations

import typing as t

from ansible_collections.community.scalingo.plugins.module_utils._client import Client
from support.scripted import StillClock


class Office:
    """Makes clients, and remembers what they said and what they declared secret."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.secrets: list[str] = []
        self.clock = StillClock()

    def client(
        self, fresh_lookup: bool = False, target_needed: bool = True, clock: t.Any = None, **params: t.Any
    ) -> Client:
        given = {"api_token": "tk-us-secret", "app": "shop", "addon": "mysql", **params}
        return Client.from_params(
            given,
            verbose=self.lines.append,
            secret=self.secrets.append,
            clock=clock or self.clock,
            fresh_lookup=fresh_lookup,
            target_needed=target_needed,
        )

    def direct(self, **params: t.Any) -> Client:
        """A client with an addon token: every call is one request."""
        given = {"app": None, "addon": None, "addon_id": "ad-1", "addon_token": "addon-1", **params}
        return self.client(**given)
