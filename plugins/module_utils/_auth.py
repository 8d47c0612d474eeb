# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This file is private to the collection: it may change without notice.

"""From an API token to one database: hosts, bearer, addon, addon token (docs/contract.md, section 1).

Everything is lazy, kept in memory until shortly before it expires, and shared with the user's other tasks through the
store. This file makes no request itself: the four calls it needs are given to it as ``Calls``.
"""

from __future__ import annotations

import base64
import json
import os
import re
import threading
import typing as t
import urllib.parse
from dataclasses import dataclass, replace

from ._cache import Store, cache_key
from ._errors import (
    AddonNotFound,
    InvalidInput,
    NotFound,
    ScalingoError,
    Unauthorized,
    UnexpectedAnswer,
)
from ._shapes import or_none
from ._transport import (
    DEFAULT_RETRIES,
    DEFAULT_TIMEOUT,
    Clock,
    Secrets,
    Usage,
    require_private_channel,
)

OFFICIAL_AUTH = "https://auth.scalingo.com"
DEFAULT_REGION = "osc-fr1"

#: The kinds of databases that this collection knows. What the platform has beyond them is left to the platform.
ENGINES = ("postgresql", "postgresql-ng", "mysql", "mongodb", "redis", "influxdb", "elasticsearch", "opensearch")

# Every token lives one hour (docs/contract.md, sections 1.2 and 1.3), and is given up five minutes earlier.
TOKEN_SECONDS = 3600.0
MARGIN_SECONDS = 300.0

LONGEST_TIMEOUT = 3600
MOST_RETRIES = 100
# Some of twenty requests at once were answered with 504 (docs/contract.md, section 4.5).
MOST_IN_FLIGHT = 10

#: What a token consists of, so that it can be sent in a header.
TOKEN = r"[\x21-\x7e]+"

#: What a 404 may mean where nothing of a database has been found yet (docs/contract.md, section 2.1).
JUST_MADE = (
    "Right after provisioning, the platform lists an addon before it finds its database: then run again in a few minutes, or wait for "
    "it with community.scalingo.scalingo_addon. Otherwise check which database is meant."
)

Raw = dict[str, t.Any]


@dataclass(frozen=True)
class Hosts:
    """The main API and the database API of a region, without path prefix."""

    api: str
    database: str


REGIONS = {
    name: Hosts(f"https://api.{name}.scalingo.com", f"https://db-api.{name}.scalingo.com")
    for name in ("osc-fr1", "osc-secnum-fr1")
}


# ---------------------------------------------------------------------------------------------------------------------
# Options


@dataclass(frozen=True)
class Settings:
    """The connection and target options, checked. ``api`` and ``database`` are overrides, None when not given."""

    api_token: str
    region: str
    auth: str
    api: str | None
    database: str | None
    timeout: float
    retries: int
    verify: bool | str
    token_cache: bool
    app: str | None
    addon: str | None
    addon_id: str | None
    addon_token: str
    requests_per_minute: int | None = None
    max_in_flight: int = MOST_IN_FLIGHT
    #: Whether the limits are asked for, and so hold for all of the user's tasks, whether these share their tokens or not.
    limits_given: bool = False


#: The environment variables of the options. The first that is set and not blank counts.
VARIABLES: t.Mapping[str, tuple[str, ...]] = {
    "api_token": ("SCALINGO_API_TOKEN",),
    "region": ("SCALINGO_REGION",),
    "api_url": ("SCALINGO_API_URL",),
    "db_api_url": ("SCALINGO_DB_API_URL", "SCALINGO_DB_URL"),
    "auth_url": ("SCALINGO_AUTH_URL",),
    "ca_path": ("SCALINGO_CA_PATH",),
    "app": ("SCALINGO_APP",),
    "addon": ("SCALINGO_ADDON",),
    "addon_token": ("SCALINGO_ADDON_TOKEN",),
    "requests_per_minute": ("SCALINGO_REQUESTS_PER_MINUTE",),
    "max_in_flight": ("SCALINGO_MAX_IN_FLIGHT",),
}
ADDRESSES = ("api_url", "db_api_url")


def with_environment(
    params: t.Mapping[str, t.Any], environment: t.Mapping[str, str], verbose: t.Callable[[str], None]
) -> dict[str, t.Any]:
    """Return the options with what the environment adds to those of them that are not given.

    The addresses of the environment belong to its region and its authentication API: for another region, or at another
    authentication API, they do not count. The addon of the environment does not count beside addon_id, nor does the app
    where there is a token for that addon. Without one, addon_id means the same as addon.
    Raises InvalidInput when one address is given, the other comes from the environment, and no region joins them.
    """
    given = {name: str(value).strip() for name, value in params.items() if value is not None and str(value).strip()}
    variables = {
        option: next((name for name in names if environment.get(name, "").strip()), "")
        for option, names in VARIABLES.items()
        if option in params
    }
    found = {option: environment[name].strip() for option, name in variables.items() if name}
    added = {option: value for option, value in found.items() if option not in given}
    if "addon_id" in given:
        added.pop("addon", None)
        if "addon_token" in {**given, **added}:
            added.pop("app", None)
    theirs = [name for name in ADDRESSES if name in added]
    region = given.get("region") or region_of_addresses(given)
    region_there = found.get("region") or region_of_addresses(found) or DEFAULT_REGION
    auth, auth_there = (values.get("auth_url", "").rstrip("/") for values in (given, found))
    if (region and region != region_there) or (auth and auth_there and auth != auth_there):
        for name in theirs:
            verbose(
                f"scalingo: {variables[name]} is not used: it belongs to the region {region_there}{f' at {auth_there}' if auth_there else ''}"
            )
            del added[name]
    elif theirs and not region:
        for name in ADDRESSES:
            if name in given and given[name].rstrip("/") != found.get(name, "").rstrip("/"):
                raise InvalidInput(
                    f"{name} is given, and {theirs[0]} comes from the environment ({variables[theirs[0]]})",
                    hint="They may belong to two regions: give both addresses, or the region too.",
                )
    joined = {**params, **added}
    if (
        "addon_id" in given
        and "addon_token" not in {**given, **added}
        and given.get("addon") in (None, given["addon_id"])
    ):
        if "app" in {**given, **added}:
            joined.update(addon=joined["addon_id"], addon_id=None)
    return joined


def region_of(address: str) -> str | None:
    """Return the region that an address of the platform belongs to, None for any other address."""
    named = re.match(r"(?:https?://)?(?:db-)?api\.([a-z0-9\-]+)\.scalingo\.com(?![^:/])", address.strip().lower())
    return named.group(1) if named else None


def region_of_addresses(values: t.Mapping[str, t.Any]) -> str | None:
    """Return the region of the first address that is the platform's own, None when there is none."""
    return next(filter(None, (region_of(values[name]) for name in ADDRESSES if values.get(name))), None)


def parse_address(value: str, option: str) -> str:
    """Return an address as scheme, host, port and path, without trailing slash and without /v1 or /api.

    A bare host name means https. Raises InvalidInput: not an address; user, query or fragment in it; plain http to
    anything but a loopback address.
    """
    address = value if "://" in value else f"https://{value}"
    try:
        parts = urllib.parse.urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port, parts = None, None, urllib.parse.urlsplit("")
    if re.search(r"[@?#]", value):
        raise InvalidInput(
            f"{option} must not hold a user, a query or a fragment", hint="Give the host's address only."
        )
    if not host or port == 0 or parts.scheme not in ("http", "https") or re.search(r"[\s\\\x00-\x1f\x7f]", value):
        raise InvalidInput(
            f"{option} is not an address: {value!r}", hint="Give a host name, or https://host, with a port if need be."
        )
    shown = f"[{host}]" if ":" in host else host
    path = re.sub(r"/(v1|api)$", "", parts.path.rstrip("/")).rstrip("/")
    result = f"{parts.scheme}://{shown}{'' if port is None else f':{port}'}{path}"
    require_private_channel(result, option)
    return result


def _is_address(value: object) -> bool:
    try:
        return value == "" or isinstance(value, str) and bool(parse_address(value, "an address"))
    except InvalidInput:
        return False


def _text(params: t.Mapping[str, t.Any], name: str) -> str:
    value = params.get(name)
    text = "" if value is None else str(value).strip()
    if re.search(r"[\x00-\x1f\x7f]", text):
        raise InvalidInput(f"{name} holds a line break or another control character")
    return text


def _name(params: t.Mapping[str, t.Any], option: str) -> str | None:
    """Return a name or an id, None when it is empty. One that would name another path is none (fill_path quotes it too)."""
    name = _text(params, option)
    if re.search(r"[/\s]", name) or name in (".", ".."):
        raise InvalidInput(f"{option} {name!r} is neither a name nor an id: it must have no blanks and no slashes")
    return name or None


def _token(params: t.Mapping[str, t.Any], name: str, secrets: Secrets) -> str:
    value = params.get(name)
    token = secrets.add("" if value is None else str(value).strip())
    if token and not re.fullmatch(TOKEN, token):
        raise InvalidInput(
            f"{name} holds a character that no token has",
            hint="Check how it was read: it may hold a blank, a line break or quotes.",
        )
    return token


def _count(params: t.Mapping[str, t.Any], name: str, default: int | None, most: int) -> int | None:
    """Return a whole number from 1 to ``most``, or the default when none is given."""
    text = _text(params, name)
    if not text:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", text) or not 1 <= int(text) <= most:
        raise InvalidInput(f"{name} is {text}: use a whole number from 1 to {most}")
    return int(text)


def _number(params: t.Mapping[str, t.Any], name: str, default: float, least: float, most: float) -> float:
    value = params.get(name)
    try:
        number = float(default if value is None else value)
    except (TypeError, ValueError):
        number = least - 1
    if not least <= number <= most:
        raise InvalidInput(f"{name} is {value}: use a number from {least:g} to {most:g}")
    return number


def _refuse_other_region(option: str, address: str | None, other: str | None, region: str) -> None:
    if other not in (None, region):
        raise InvalidInput(
            f"{option} {address} is the address of the region {other}, and the region is {region}",
            hint=f"Give region: {other}, or leave the address out; {VARIABLES[option][0]} and SCALINGO_REGION count too.",
        )


def _check_authorities(path: str) -> None:
    """Refuse a file or a directory of certificates that is none. OpenSSL looks for hashes as names in a directory."""
    try:
        names = os.listdir(path) if os.path.isdir(path) else None
    except OSError:
        names = None
    if not os.access(path, os.R_OK):
        raise InvalidInput(
            f"ca_path {path!r} does not exist or cannot be read",
            hint="Give a file with certificates, or a directory of such files.",
        )
    if names is not None and not any(re.fullmatch(r"[0-9a-f]{8}\.[0-9]+", name) for name in names):
        raise InvalidInput(
            f"ca_path {path!r} is a directory without certificates",
            hint="Give a file with certificates, or run 'openssl rehash' on the directory, which names them by their hashes.",
        )


def read_settings(
    params: t.Mapping[str, t.Any], secrets: Secrets, verbose: t.Callable[[str], None], target_needed: bool
) -> Settings:
    """Check the options and return them. Raises InvalidInput; sends nothing.

    Where no region is named, it is that of the addresses, and osc-fr1 where there is none either.
    """
    addresses = {name: _text(params, name) for name in ("auth_url", "api_url", "db_api_url")}
    parsed = {name: parse_address(value, name) if value else None for name, value in addresses.items()}
    region = _text(params, "region") or region_of_addresses(parsed) or DEFAULT_REGION
    if not re.fullmatch(r"[a-z0-9][a-z0-9.\-]*", region):
        several = "A task takes one region; the inventory plugin takes several. " if "," in region else ""
        raise InvalidInput(
            f"region {region!r} has not the form of a region",
            hint=f"{several}Known regions: {', '.join(sorted(REGIONS))}.",
        )
    for name in ADDRESSES:
        _refuse_other_region(name, parsed[name], region_of(parsed[name] or ""), region)
    ca_path = os.path.expanduser(os.path.expandvars(_text(params, "ca_path")))
    validate_certs = params.get("validate_certs") is not False
    if ca_path and validate_certs:
        _check_authorities(ca_path)
    api_token = _token(params, "api_token", secrets)
    addon_token = _token(params, "addon_token", secrets)
    app, addon, addon_id = (_name(params, name) for name in ("app", "addon", "addon_id"))
    if addon_id:
        if addon not in (None, addon_id):
            raise InvalidInput(
                "addon and addon_id name two different addons",
                hint="Give app and addon, or addon_id and addon_token.",
            )
        if not addon_token:
            raise InvalidInput("addon_id needs addon_token or app", hint="With an API token, give app too.")
    else:
        if addon_token and not (app and addon):
            raise InvalidInput(
                "addon_token needs addon_id", hint="It is the id of the addon that the token was made for."
            )
        if addon_token:
            verbose("scalingo: addon_token is not used, because it goes with addon_id")
        if target_needed and not (app and addon):
            missing = " and ".join(name for name, value in (("app", app), ("addon", addon)) if not value)
            raise InvalidInput(
                f"{missing} missing: which database is meant?",
                hint="Give app and addon (SCALINGO_APP, SCALINGO_ADDON), or addon_id and addon_token.",
            )
        if not api_token:
            raise InvalidInput(
                "api_token is missing",
                hint="Give api_token, or set SCALINGO_API_TOKEN in the environment.",
            )
    return Settings(
        api_token=api_token,
        region=region,
        auth=parsed["auth_url"] or OFFICIAL_AUTH,
        api=parsed["api_url"],
        database=parsed["db_api_url"],
        timeout=_number(params, "api_timeout", DEFAULT_TIMEOUT, 0.1, LONGEST_TIMEOUT),
        retries=int(_number(params, "api_retries", DEFAULT_RETRIES, 0, MOST_RETRIES)),
        verify=(ca_path or True) if validate_certs else False,
        token_cache=params.get("token_cache") is not False,
        app=app,
        addon=addon,
        addon_id=addon_id,
        addon_token=addon_token if addon_id else "",
        requests_per_minute=_count(params, "requests_per_minute", None, 60),
        max_in_flight=_count(params, "max_in_flight", MOST_IN_FLIGHT, 20) or MOST_IN_FLIGHT,
        limits_given=any(_text(params, name) for name in ("requests_per_minute", "max_in_flight")),
    )


# ---------------------------------------------------------------------------------------------------------------------
# Tokens


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


# ---------------------------------------------------------------------------------------------------------------------
# The addon


@dataclass(frozen=True)
class Lookup:
    """Which addon is meant. ``cached``: it was found by an earlier task, and may have been replaced since.

    ``health``: whether it may hold data of health (docs/contract.md, section 2.1); None while no answer has said so.
    """

    addon_id: str
    engine: str | None = None
    resource_id: str | None = None
    cached: bool = False
    health: bool | None = None

    @classmethod
    def of(cls, addon: Raw, cached: bool = False) -> Lookup:
        """Return what an answer about the addon says."""
        return cls(addon["id"], engine_of(addon), or_none(addon.get("resource_id")), cached, health_of(addon))


def is_addon_id(text: str) -> bool:
    """Return whether a text has the form of an addon id (docs/contract.md, section 1.6)."""
    return text.startswith("ad-") or re.fullmatch(r"[0-9a-f]{24}", text) is not None


def engine_of(addon: Raw) -> str | None:
    """Return the provider id of an addon without its optional prefix (docs/contract.md, section 1.7)."""
    provider = addon.get("addon_provider")
    return kind_of(provider["id"]) if isinstance(provider, dict) else None


def health_of(addon: Raw) -> bool | None:
    """Return whether an addon may hold data of health; None when the answer does not say. What is odd counts as yes."""
    value = addon.get("hds_resource")
    return None if value is None else value is not False


def kind_of(provider_id: str) -> str:
    """Return a provider id without its optional prefix."""
    return provider_id.strip().lower().removeprefix("scalingo-")


def listed(addons: t.Sequence[Raw]) -> str:
    return ", ".join(
        f"{engine_of(addon)} ({addon['id']}, {or_none(addon.get('resource_id')) or 'no resource id'})"
        for addon in addons
    )


def choose_addon(addons: t.Sequence[Raw], wanted: str, app: str) -> Lookup:
    """Return the addon of an app that ``wanted`` names: an exact id, or the provider id of exactly one.

    Raises AddonNotFound (nothing matches; the hint says what is there) and InvalidInput (several match, or a resource
    id was given; the hint holds the ids).
    """
    found = [addon for addon in addons if addon["id"] == wanted]
    found = found or [addon for addon in addons if engine_of(addon) == kind_of(wanted)]
    if len(found) == 1:
        return Lookup.of(found[0])
    if found:
        raise InvalidInput(
            f"App {app} has {len(found)} addons that match {wanted}",
            hint=f"Give the id of the one you mean: {listed(found)}.",
        )
    for addon in addons:
        if or_none(addon.get("resource_id")) == wanted:
            raise InvalidInput(
                f"{wanted} is the resource id of an addon, not its id",
                hint=f"Use addon: {addon['id']} ({engine_of(addon)}).",
            )
    raise AddonNotFound(
        f"App {app} has no addon {wanted}", hint=f"It has: {listed(addons)}." if addons else "It has no addon at all."
    )


# ---------------------------------------------------------------------------------------------------------------------
# The chain


class Calls(t.Protocol):
    """The calls that the chain needs; what they send is decided elsewhere."""

    def exchange_token(self) -> tuple[str, float | None]:
        """Return a bearer token and the epoch of the answer's Date header."""

    def list_regions(self) -> list[Raw]:
        """Return the regions."""

    def list_addons(self, app: str) -> list[Raw]:
        """Return the addons of an app."""

    def show_addon(self, app: str, addon_id: str) -> Raw:
        """Return one addon."""

    def mint_addon_token(self, app: str, addon_id: str) -> tuple[Raw, float | None]:
        """Return the addon with its token, and the epoch of the answer's Date header."""


class Chain:
    """API token, hosts, bearer, addon, addon token: each acquired when first needed, and renewed.

    Every method may cost requests, and raises what these raise. ``account`` is the chain of another client of the same
    account, whose bearer and hosts this one uses: threads that share it make one exchange, whether there is a store or not.
    """

    def __init__(
        self,
        settings: Settings,
        calls: Calls,
        *,
        store: Store,
        clock: Clock,
        usage: Usage,
        secrets: Secrets,
        fresh_lookup: bool,
        account: Chain | None = None,
    ) -> None:
        self.account: Chain = account or self
        self._alone = threading.RLock()
        self.settings = settings
        self.calls = calls
        self.store = store
        self.clock = clock
        self.usage = usage
        self.secrets = secrets
        self.fresh_lookup = fresh_lookup
        self._bearer: Raw | None = None
        self._addon: Raw | None = None
        self._hosts: Hosts | None = None
        self._regions: dict[str, list[str]] = {}
        self.known: Lookup | None = None
        if settings.addon_id:
            self.known = Lookup(settings.addon_id)
        elif settings.addon and is_addon_id(settings.addon):
            self.known = Lookup(settings.addon)

    # Hosts

    @property
    def api_host(self) -> str:
        """The address of the main API. An override always wins. Raises InvalidInput for an unknown region."""
        return self._host(self.settings.api, "api")

    @property
    def database_host(self) -> str:
        """The address of the database API. An override always wins. Raises InvalidInput for an unknown region."""
        return self._host(self.settings.database, "database")

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
            raise UnexpectedAnswer(error.message, hint=hint) from None

    def _looked_up_hosts(self) -> Hosts:
        region = self.settings.region
        key = cache_key("regions", self.settings.api_token, self.settings.auth)
        account = self.account
        with account._alone:
            regions = account._regions or self._cached_regions(key)
            if region not in regions:
                regions = self._listed_regions(key, region)
            account._regions = regions
        if region not in regions:
            known = ", ".join(sorted(regions)) or "none"
            raise InvalidInput(f"Region {region} does not exist", hint=f"The regions of this account are: {known}.")
        for option, address in (("api_url", self.settings.api), ("db_api_url", self.settings.database)):
            whose = [name for name, hosts in regions.items() if address and address in hosts]
            _refuse_other_region(option, address, None if region in whose or not whose else whose[0], region)
        return Hosts(*regions[region])

    def _listed_regions(self, key: str, region: str) -> dict[str, list[str]]:
        with self.store.lock(key):
            regions = self._cached_regions(key)
            if region not in regions:
                listed = self.calls.list_regions()
                regions = {
                    item["name"]: [or_none(item.get("api")) or "", or_none(item.get("database_api")) or ""]
                    for item in listed
                }
                self.store.write(key, {"regions": regions}, self.clock.wall() + TOKEN_SECONDS)
        return regions

    def _cached_regions(self, key: str) -> dict[str, list[str]]:
        regions = (self.store.read(key) or {}).get("regions")
        items = regions.items() if isinstance(regions, dict) else ()
        return {
            name: value
            for name, value in items
            if isinstance(value, list) and len(value) == 2 and all(map(_is_address, value))
        }

    # The bearer token

    def bearer(self) -> str:
        """Return the bearer token of the account (section 1.2)."""
        if self.account is not self:
            return self.account.bearer()
        with self._alone:
            if self._bearer is None or self._bearer["expires_at"] <= self.clock.wall():
                self._bearer = self._obtain(self._bearer_key(), "", self._exchanged)
            return t.cast(str, self._bearer["token"])

    def renew_bearer(self, rejected: str) -> None:
        """Replace a bearer token that was refused: by a newer one of another process, or by a new exchange."""
        if self.account is not self:
            self.account.renew_bearer(rejected)
            return
        with self._alone:
            if self._bearer is None or self._bearer["token"] == rejected:
                self._bearer = self._obtain(self._bearer_key(), rejected, self._exchanged)

    def _bearer_key(self) -> str:
        return cache_key("bearer", self.settings.api_token, self.settings.auth)

    def _exchanged(self) -> Raw:
        token, date = self.calls.exchange_token()
        return {"token": self.secrets.add(token), "expires_at": good_until(token, date, self.clock.wall())}

    # The addon and its token

    def lookup(self) -> Lookup:
        """Return which addon is meant (section 1.7), from memory, from an earlier task, or from the app's addons."""
        if self.known is None:
            if self.fresh_lookup:
                self.known = self._chosen()
            else:
                # With its token: whoever asks for the id will need it, and only one of many processes has to ask.
                self.addon_token()
        return t.cast(Lookup, self.known)

    def look_up_again(self) -> bool:
        """Look a cached addon up once more after a 404; true when it is another one by now."""
        if self.known is None or not self.known.cached:
            return False
        before = self.known.addon_id
        self.known = self._chosen()
        if self.known.addon_id == before:
            return False
        self._addon = None
        return True

    def details(self) -> Lookup:
        """Return the same with engine and resource id, as far as the main API may be asked."""
        found = self.lookup()
        if found.engine is None and not self.settings.addon_token:
            self.addon_token()
            found = self.lookup()
            if found.engine is None:
                found = self._shown(found)
        return found

    def holds_health(self) -> bool | None:
        """Return whether the addon may hold data of health; None when the main API does not say, or may not be asked.

        Costs a request only when neither the list of addons nor the token's answer said so.
        """
        found = self.details()
        if found.health is None and not self.settings.addon_token:
            found = self._shown(found)
        return found.health

    def _shown(self, found: Lookup) -> Lookup:
        addon = self.calls.show_addon(t.cast(str, self.settings.app), found.addon_id)
        self.known = Lookup.of({**addon, "id": found.addon_id}, found.cached)
        return self.known

    def addon_token(self) -> str:
        """Return the token of the addon (section 1.3)."""
        if self.settings.addon_token:
            return self.settings.addon_token
        if self._addon is None or self._addon["expires_at"] <= self.clock.wall():
            if self.fresh_lookup:
                self.lookup()
            self._use(self._obtain(self._addon_key(), "", self._minted))
        return t.cast(str, t.cast(Raw, self._addon)["token"])

    def renew_addon_token(self, rejected: str) -> bool:
        """Replace an addon token that was refused; false when it was given by the user and cannot be."""
        if self.settings.addon_token:
            return False
        self._use(self._obtain(self._addon_key(), rejected, self._minted))
        return True

    def forget_target(self) -> None:
        """Drop the token and the lookup of the addon everywhere."""
        if self.settings.app and self.settings.addon:
            self.store.remove(self._addon_key())
            self._addon = None
            if not is_addon_id(self.settings.addon):
                self.known = None

    def mean(self, addon: Raw) -> None:
        """Mean this addon of the app from now on: it was just read, or made."""
        found = Lookup.of(addon)
        if self.known is None or self.known.addon_id != found.addon_id:
            self._addon = None
        self.known = found

    def _addon_key(self) -> str:
        given = self.settings
        addresses = (given.auth, self.api_host, self.database_host)
        return cache_key("addon", given.api_token, *addresses, given.region, given.app or "", given.addon or "")

    def _use(self, entry: Raw) -> None:
        self._addon = entry
        if self.known is None or self.known.engine is None:
            cached = self.known is None and bool(entry.get("cached"))
            named = (entry["addon_id"], entry.get("engine"), entry.get("resource_id"))
            self.known = Lookup(*named, cached, entry.get("health"))
        elif self.known.health is None:
            self.known = replace(self.known, health=entry.get("health"))

    def _minted(self) -> Raw:
        app, dummy = self._named()
        found = self.known = self.known or self._chosen()
        try:
            addon, date = self.calls.mint_addon_token(app, found.addon_id)
        except NotFound as error:
            if self.look_up_again():
                return self._minted()
            # Say what there is instead: this raises, unless the addon is there all the same.
            choose_addon(self._addons(), found.addon_id, app)
            error.hint = error.hint or JUST_MADE
            raise
        return {
            "token": self.secrets.add(addon["token"]),
            "addon_id": found.addon_id,
            "engine": engine_of(addon) or found.engine,
            "resource_id": or_none(addon.get("resource_id")) or found.resource_id,
            "health": found.health if health_of(addon) is None else health_of(addon),
            "expires_at": good_until(addon["token"], date, self.clock.wall()),
        }

    def _chosen(self) -> Lookup:
        app, addon = self._named()
        return choose_addon(self._addons(), addon, app)

    def _named(self) -> tuple[str, str]:
        if not (self.settings.app and self.settings.addon):
            raise InvalidInput("No database is named", hint="Give app and addon, or addon_id and addon_token.")
        return self.settings.app, self.settings.addon

    def _addons(self) -> list[Raw]:
        app, region = t.cast(str, self.settings.app), self.settings.region
        try:
            return self.calls.list_addons(app)
        except NotFound as error:
            error.hint = (
                f"Check the names of the app and of the region: {app} is not visible in {region} with this API token."
            )
            raise

    # Memory first, then the store, then a request

    def _obtain(self, key: str, rejected: str, mint: t.Callable[[], Raw]) -> Raw:
        """Return a token entry: another process's if there is one that was not rejected, else a new one, made once."""
        entry = None if rejected else self._cached(key)
        if entry is None:
            with self.store.lock(key):
                entry = self._cached(key, rejected)
                if entry is None:
                    entry = mint()
                    self.store.write(key, entry, entry["expires_at"])
        return entry

    def _cached(self, key: str, rejected: str = "") -> Raw | None:
        entry = self.store.read(key) or {}
        texts = ("token", "addon_id") if key.startswith("addon-") else ("token",)
        if not all(isinstance(entry.get(name), str) and entry[name] for name in texts) or entry["token"] == rejected:
            return None
        if not re.fullmatch(TOKEN, entry["token"]):
            return None
        if any(not isinstance(entry.get(name), (str, type(None))) for name in ("engine", "resource_id")):
            return None
        if not isinstance(entry.get("health"), (bool, type(None))):
            return None
        if self.known is not None and entry.get("addon_id") not in (None, self.known.addon_id):
            return None
        self.secrets.add(entry["token"])
        self.usage.tokens_reused += 1
        return {**entry, "cached": True}


def explain_refusal(error: ScalingoError, role: str, settings: Settings) -> None:
    """Say which credential a 401 was about; it is never taken for absence (docs/contract.md, section 4.2)."""
    if isinstance(error, Unauthorized) and not error.hint:
        if role == "db" and settings.addon_token:
            error.hint = "addon_token is refused: it lives for one hour and serves one addon only."
        elif role == "auth" and not error.path.endswith("/users/self"):
            error.hint = "The API token is refused: check api_token (SCALINGO_API_TOKEN), and that it was not revoked."
