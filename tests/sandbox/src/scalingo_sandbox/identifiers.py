# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Identifiers in the forms of docs/contract.md section 1.6. Stable for what is seeded, fresh for what is created."""

from __future__ import annotations

import functools
import hashlib
import secrets
import uuid

NAMESPACE = uuid.UUID("5ca11490-0000-4000-8000-000000000000")


@functools.cache
def stable_hexadecimal(*parts: object) -> str:
    """24 hexadecimal characters that depend on nothing but the parts."""
    return hashlib.sha256("/".join(str(part) for part in parts).encode()).hexdigest()[:24]


def fresh_hexadecimal() -> str:
    return secrets.token_hex(12)


@functools.cache
def stable_uuid(*parts: object) -> str:
    return str(uuid.uuid5(NAMESPACE, "/".join(str(part) for part in parts)))


def project_identifier(name: str) -> str:
    return "pr-" + stable_uuid("project", name)


def stable_addon_identifier(*parts: object) -> str:
    return "ad-" + stable_uuid("addon", *parts)


def fresh_addon_identifier() -> str:
    return "ad-" + str(uuid.uuid4())


def fresh_api_token() -> str:
    return "tk-us-sandbox-" + secrets.token_urlsafe(32).replace("_", "x").replace("-", "y")


@functools.cache
def stable_number(low: int, high: int, *parts: object) -> int:
    """A number from low to high that depends on nothing but the parts."""
    digest = hashlib.sha256(("number/" + "/".join(str(part) for part in parts)).encode()).digest()
    return low + int.from_bytes(digest[:8], "big") % (high - low + 1)
