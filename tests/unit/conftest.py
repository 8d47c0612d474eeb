# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every unit test has a home of its own and an environment without proxies, certificates and Scalingo's variables."""

from __future__ import annotations

import os
import typing as t

import pytest
from support.scripted import StillClock

from ansible_collections.community.scalingo.plugins.module_utils._endpoints import Client


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in list(os.environ):
        if name.upper().endswith("_PROXY") or name.startswith(("SCALINGO_", "XDG_", "NETRC")):
            monkeypatch.delenv(name)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))


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


@pytest.fixture
def office() -> Office:
    return Office()
