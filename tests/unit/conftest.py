# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every unit test has a home of its own and an environment without proxies, certificates and Scalingo's variables.

What is generated is the same in every run, and may take its time on a machine that is slow.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import settings
from support.chance import SAME_EVERYWHERE
from support.office import Office

settings.register_profile("same everywhere", SAME_EVERYWHERE)
settings.load_profile("same everywhere")


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    for name in list(os.environ):
        if name.upper().endswith("_PROXY") or name.startswith(("SCALINGO_", "XDG_", "NETRC")):
            monkeypatch.delenv(name)
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture
def office() -> Office:
    return Office()
