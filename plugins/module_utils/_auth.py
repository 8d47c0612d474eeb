# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""The user's account: its tokens, its regions and their hosts (docs/contract.md, sections 1.1 and 1.2).

Everything is lazy, kept in memory until shortly before it expires, and shared with the user's other tasks through the
store.
"""

from __future__ import annotations

import base64
import json
import re
import threading
import typing as t

from ._api.account import TOKEN, exchange_token, list_regions
from ._cache import Store, cache_key
from ._call import Auth, Caller
from ._core import Clock, Secrets, Usage
from ._errors import InvalidInput, UnexpectedAnswer
from ._route import Raw
from ._settings import OFFICIAL_AUTH, REGIONS, RegionHosts, Settings, is_address, parse_address, refuse_other_region
from ._shapes import or_none
from ._transport import NoAuthorization

#: What to do when there is no host of the database API any more.
GIVEN_UP = (
    "The platform may have given up this host. Then set api_path: v1 or api_path: api (or SCALINGO_API_PATH), which sends the "
    "same requests to the main API."
)

# Every token lives one hour (docs/contract.md, sections 1.2 and 1.3), and is given up five minutes earlier.
TOKEN_SECONDS = 3600.0
MARGIN_SECONDS = 300.0


def seconds_left(token: str, date: float | None, now: float) -> float:
    """Return how long a fresh token lives: by its ``exp`` if it is a JWT, seen from the answer's Date; else one hour.

    No token is fresh and expired: then the two clocks disagree, and a 401 tells when it is to be renewed.
    The signature is not verified: the token is only ever sent back to whom it came from (docs/contract.md, 1.2).
    """
    try:
        payload = token.split(".")[1]
        expires = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))["exp"]
        left = float(expires) - (now if date is None else date)
    except (ValueError, IndexError, KeyError, TypeError, RecursionError, OverflowError):
        left = TOKEN_SECONDS
    return min(left, TOKEN_SECONDS) if left > 0 else TOKEN_SECONDS


def good_until(token: str, date: float | None, now: float) -> float:
    """Return the moment (epoch) from which a token is no longer used: five minutes early, or half-way if short."""
    left = seconds_left(token, date, now)
    return now + left - min(MARGIN_SECONDS, left / 2)


class Tokens:
    """Memory first, then the store, then a request."""

    def __init__(self, store: Store, clock: Clock, usage: Usage, secrets: Secrets) -> None:
        self.store = store
        self.clock = clock
        self.usage = usage
        self.secrets = secrets

    def obtain(
        self,
        key: str,
        rejected: str,
        mint: t.Callable[[], Raw],
        fits: t.Callable[[Raw], bool] = lambda entry: True,
        bare: bool = False,
    ) -> Raw:
        """Return a token entry: another process's if there is one that fits and was not rejected, else a new one, made once.

        A ``bare`` one has no token.
        """
        entry = None if rejected else self._cached(key, "", fits, bare)
        if entry is None:
            with self.store.lock(key):
                entry = self._cached(key, rejected, fits, bare)
                if entry is None:
                    entry = mint()
                    self.store.write(key, entry, entry["expires_at"])
        return entry

    def _cached(self, key: str, rejected: str, fits: t.Callable[[Raw], bool], bare: bool) -> Raw | None:
        entry = self.store.read(key) or {}
        if bare:
            return {**entry, "cached": True} if fits(entry) else None
        token = entry.get("token")
        if not isinstance(token, str) or not re.fullmatch(TOKEN, token) or token == rejected or not fits(entry):
            return None
        self.secrets.add(token)
        self.usage.tokens_reused += 1
        return {**entry, "cached": True}


class Basic(Auth):
    """The API token, which only the exchange takes."""

    refused = "The API token is refused: check api_token (SCALINGO_API_TOKEN), and that it was not revoked."

    def __init__(self, base: t.Callable[[], str], api_token: str, secrets: Secrets) -> None:
        super().__init__(base)
        self._api_token = api_token
        self._secrets = secrets

    def apply(self, token: str) -> NoAuthorization:
        return ApiTokenAuthorization(self._api_token, self._secrets)


class Bearer(Auth):
    """The bearer token of the account."""

    def __init__(self, base: t.Callable[[], str], account: Account) -> None:
        super().__init__(base)
        self.account = account

    def obtain(self) -> str:
        if not self.account.settings.api_token:
            raise InvalidInput(
                "api_token is missing", hint="This needs the main API: give api_token, or set SCALINGO_API_TOKEN."
            )
        return self.account.bearer()

    def renew(self, rejected: str) -> bool:
        self.account.renew_bearer(rejected)
        return True

    def apply(self, token: str) -> NoAuthorization:
        return BearerAuthorization(token)


class Anybody(Bearer):
    """The bearer token where there is an API token; nothing where there is none."""

    refused = Basic.refused

    def obtain(self) -> str:
        return super().obtain() if self.account.settings.api_token else ""

    def renew(self, rejected: str) -> bool:
        return bool(rejected) and super().renew(rejected)

    def apply(self, token: str) -> NoAuthorization:
        return super().apply(token) if token else NoAuthorization()


class Account:
    """The bearer token and the regions of an account. Clients share it: threads of theirs make one exchange, whether
    there is a store or not. Every method may cost requests, and raises what these raise.
    """

    def __init__(self, settings: Settings, tokens: Tokens, caller: t.Callable[[Auth], Caller]) -> None:
        self.settings = settings
        self._tokens = tokens
        self._lock = threading.RLock()
        self._bearer: Raw | None = None
        self._regions: dict[str, list[str]] = {}
        self.basic = caller(Basic(self._base, settings.api_token, tokens.secrets))
        self.anybody = caller(Anybody(self._base, self))
        self.user = caller(Bearer(self._base, self))

    def _base(self) -> str:
        return self.settings.auth + "/v1"

    def bearer(self) -> str:
        """Return the bearer token of the account (section 1.2)."""
        with self._lock:
            if self._bearer is None or self._bearer["expires_at"] <= self._tokens.clock.wall():
                self._bearer = self._tokens.obtain(self._bearer_key(), "", self._exchanged)
            return t.cast(str, self._bearer["token"])

    def renew_bearer(self, rejected: str) -> None:
        """Replace a bearer token that was refused: by a newer one of another process, or by a new exchange."""
        with self._lock:
            if self._bearer is None or self._bearer["token"] == rejected:
                self._bearer = self._tokens.obtain(self._bearer_key(), rejected, self._exchanged)

    def _bearer_key(self) -> str:
        return cache_key("bearer", self.settings.api_token, self.settings.auth)

    def _exchanged(self) -> Raw:
        token, date = exchange_token(self.basic)
        return {
            "token": self._tokens.secrets.add(token),
            "expires_at": good_until(token, date, self._tokens.clock.wall()),
        }

    def regions(self, region: str) -> dict[str, list[str]]:
        """Return the hosts of the regions by their names, asked for anew when that one is not among them."""
        key = cache_key("regions", self.settings.api_token, self.settings.auth)
        with self._lock:
            regions = self._regions or self._cached_regions(key)
            if region not in regions:
                regions = self._listed_regions(key, region)
            self._regions = regions
        return regions

    def _listed_regions(self, key: str, region: str) -> dict[str, list[str]]:
        with self._tokens.store.lock(key):
            regions = self._cached_regions(key)
            if region not in regions:
                listed = list_regions(self.anybody)
                regions = {
                    item["name"]: [or_none(item.get("api")) or "", or_none(item.get("database_api")) or ""]
                    for item in listed
                }
                self._tokens.store.write(key, {"regions": regions}, self._tokens.clock.wall() + TOKEN_SECONDS)
        return regions

    def _cached_regions(self, key: str) -> dict[str, list[str]]:
        regions = (self._tokens.store.read(key) or {}).get("regions")
        items = regions.items() if isinstance(regions, dict) else ()
        return {
            name: value
            for name, value in items
            if isinstance(value, list) and len(value) == 2 and all(map(is_address, value))
        }


class Hosts:
    """The addresses of a region. May cost requests, and raises what these raise."""

    def __init__(self, settings: Settings, account: Account) -> None:
        self.settings = settings
        self._account = account
        self._hosts: RegionHosts | None = None

    @property
    def api(self) -> str:
        """The address of the main API. An override always wins. Raises InvalidInput for an unknown region."""
        return self._host(self.settings.api, "api")

    @property
    def database(self) -> str:
        """The address of the database API. An override always wins. Raises InvalidInput for an unknown region."""
        return self._host(self.settings.database, "database")

    @property
    def known_api(self) -> str:
        """The address of the main API as far as it is known without a request."""
        official = REGIONS.get(self.settings.region) if self.settings.auth == OFFICIAL_AUTH else None
        hosts = self._hosts or official
        return self.settings.api or (hosts.api if hosts else "")

    @property
    def of_databases(self) -> str:
        """The address with its prefix below which the routes of databases are (section 1.5)."""
        path = self.settings.api_path
        return f"{self.api}/{path}" if self.settings.by_account else f"{self.database}/api"

    def _host(self, override: str | None, name: str) -> str:
        if override is not None and self.settings.region in REGIONS:
            return override
        if self._hosts is None:
            official = self.settings.region in REGIONS and self.settings.auth == OFFICIAL_AUTH
            self._hosts = REGIONS[self.settings.region] if official else self._looked_up_hosts()
        if override is not None:
            return override
        try:
            return parse_address(
                getattr(self._hosts, name), f"The address of the {name} host of region {self.settings.region}"
            )
        except InvalidInput as error:
            hint = "It comes from the list of regions; api_url and db_api_url override it."
            if name == "database" and not self._hosts.database:
                hint = f"The list of regions has none. {GIVEN_UP}"
            raise UnexpectedAnswer(error.message, hint=hint) from None

    def _looked_up_hosts(self) -> RegionHosts:
        region = self.settings.region
        regions = self._account.regions(region)
        if region not in regions:
            known = ", ".join(sorted(regions)) or "none"
            raise InvalidInput(f"Region {region} does not exist", hint=f"The regions of this account are: {known}.")
        for option, address in (("api_url", self.settings.api), ("db_api_url", self.settings.database)):
            whose = [name for name, hosts in regions.items() if address and address in hosts]
            refuse_other_region(option, address, None if region in whose or not whose else whose[0], region)
        return RegionHosts(*regions[region])


class BearerAuthorization(NoAuthorization):
    """A bearer or addon token (docs/contract.md, sections 1.2 to 1.4)."""

    credentials = True

    def __init__(self, token: str) -> None:
        self.token = token

    def __call__(self, request: t.Any) -> t.Any:
        request.headers["Authorization"] = f"Bearer {self.token}"
        return request


class ApiTokenAuthorization(NoAuthorization):
    """The API token as the password of HTTP Basic with an empty user name (docs/contract.md, section 1.2)."""

    credentials = True

    def __init__(self, api_token: str, secrets: Secrets) -> None:
        self.encoded = secrets.add(base64.b64encode(f":{api_token}".encode()).decode())

    def __call__(self, request: t.Any) -> t.Any:
        request.headers["Authorization"] = f"Basic {self.encoded}"
        return request
