# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Tokens: bearers of users are JSON web tokens with a real expiry, tokens of addons are opaque."""

from __future__ import annotations

import base64
import functools
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass

import jwt

from scalingo_sandbox.clock import Clock


class TokenRefused(Exception):
    """Unknown, damaged, expired or of another kind."""


@dataclass(frozen=True)
class AddonClaims:
    """What a token of an addon stands for."""

    addon_id: str
    region: str


class Tokens:
    """Makes and checks tokens. They outlive a reset: what they name is looked up each time.

    They live by the clocks of their clients, who renew them when these say so: a faster clock does not shorten them.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._revoked: dict[str, int] = {}
        self._counter = 0
        self._addon_revoked: dict[str, int] = {}
        self._decoded = functools.lru_cache(maxsize=1000)(self._decode)

    def _next(self) -> int:
        self._counter += 1
        return self._counter

    def make_bearer(self, user_id: str, lifetime: float) -> str:
        now = int(self._clock.clients())
        claims = {
            "iss": "scalingo-sandbox",
            "sub": user_id,
            "iat": now,
            "exp": now + int(lifetime),
            "jti": secrets.token_hex(8),
            "number": self._next(),
        }
        return jwt.encode(claims, self._key, algorithm="HS256")

    def check_bearer(self, token: str) -> str:
        """The user's identifier."""
        claims = self._claims(token)
        if "sub" not in claims or "addon" in claims:
            raise TokenRefused("the token is not a user's")
        if int(str(claims["number"])) <= self._revoked.get("bearer", 0):
            raise TokenRefused("the token has expired")
        return str(claims["sub"])

    def _decode(self, token: str) -> dict[str, object]:
        """What a token says, whenever that is. Each request asks several times."""
        try:
            return jwt.decode(
                token,
                self._key,
                algorithms=["HS256"],
                options={"verify_exp": False, "verify_iat": False, "verify_nbf": False},
            )
        except jwt.PyJWTError as error:
            raise TokenRefused("the token is not valid") from error

    def _claims(self, token: str) -> dict[str, object]:
        claims = self._decoded(token)
        if float(str(claims["exp"])) <= self._clock.clients():
            raise TokenRefused("the token has expired")
        return claims

    def make_addon(self, claims: AddonClaims, lifetime: float, form: str) -> str:
        now = int(self._clock.clients())
        if form == "jwt":
            content = {
                "iss": "scalingo-sandbox",
                "addon": claims.addon_id,
                "region": claims.region,
                "iat": now,
                "exp": now + int(lifetime),
                "number": self._next(),
            }
            return jwt.encode(content, self._key, algorithm="HS256")
        packed = json.dumps([claims.addon_id, claims.region, now + int(lifetime), self._next()]).encode()
        return base64.urlsafe_b64encode(self._seal(packed) + packed).decode().rstrip("=")

    def _seal(self, packed: bytes) -> bytes:
        return hmac.new(self._key, b"addon" + packed, hashlib.sha256).digest()[:18]

    def check_addon(self, token: str) -> AddonClaims:
        if token.count(".") == 2:
            content = self._claims(token)
            if "addon" not in content:
                raise TokenRefused("the token is not an addon's")
            claims = AddonClaims(str(content["addon"]), str(content["region"]))
            number = int(str(content["number"]))
        else:
            try:
                data = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
            except ValueError as error:
                raise TokenRefused("the token is not valid") from error
            seal, packed = data[:18], data[18:]
            if not hmac.compare_digest(seal, self._seal(packed)):
                raise TokenRefused("the token is not valid")
            addon_id, region, expiry, number = json.loads(packed)
            if expiry <= self._clock.clients():
                raise TokenRefused("the token has expired")
            claims = AddonClaims(addon_id, region)
        if number <= max(self._revoked.get("addon", 0), self._addon_revoked.get(claims.addon_id, 0)):
            raise TokenRefused("the token has expired")
        return claims

    def make_link(self, path: str, lifetime: float) -> str:
        """The token of a signed link to one path."""
        packed = f"{int(self._clock.clients() + lifetime)}".encode()
        seal = hmac.new(self._key, b"link" + path.encode() + packed, hashlib.sha256).hexdigest()[:32]
        return f"{packed.decode()}-{seal}"

    def check_link(self, path: str, token: str) -> None:
        expiry, dummy, seal = token.partition("-")
        expected = hmac.new(self._key, b"link" + path.encode() + expiry.encode(), hashlib.sha256).hexdigest()[:32]
        if not hmac.compare_digest(seal.encode(), expected.encode()):
            raise TokenRefused("the link is not valid")
        if int(expiry) <= self._clock.clients():
            raise TokenRefused("the link has expired")

    def make_download(self) -> str:
        """The token of a backup's archive, where the archive has one of its own."""
        return secrets.token_hex(64)

    def expire(self, kind: str | None = None, addon_id: str | None = None) -> None:
        """Every token made so far is refused from now on: all, those of users, those of addons, those of one addon."""
        if addon_id is not None:
            self._addon_revoked[addon_id] = self._counter
            return
        for name in (kind,) if kind else ("bearer", "addon"):
            self._revoked[name] = self._counter
