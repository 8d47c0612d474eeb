# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""The connection and target options, and the variables of the environment (docs/contract.md, section 1.1)."""

from __future__ import annotations

import os
import re
import typing as t
import urllib.parse
from dataclasses import dataclass

from ._addresses import require_private_channel
from ._answer import DEFAULT_TIMEOUT
from ._api.account import TOKEN
from ._core import Secrets
from ._errors import InvalidInput
from ._transport import DEFAULT_RETRIES

OFFICIAL_AUTH = "https://auth.scalingo.com"
DEFAULT_REGION = "osc-fr1"

LONGEST_TIMEOUT = 3600
MOST_RETRIES = 100
# The forms in which the routes of databases are sent (docs/contract.md, section 1.5). The others are for the main API.
DB_API = "db_api"
API_PATHS = (DB_API, "v1", "api")
# Some of twenty requests at once were answered with 504 (docs/contract.md, section 4.5).
MOST_IN_FLIGHT = 10


@dataclass(frozen=True)
class RegionHosts:
    """The main API and the database API of a region, without path prefix."""

    api: str
    database: str


REGIONS = {
    name: RegionHosts(f"https://api.{name}.scalingo.com", f"https://db-api.{name}.scalingo.com")
    for name in ("osc-fr1", "osc-secnum-fr1")
}


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
    api_path: str = DB_API

    @property
    def by_account(self) -> bool:
        """Whether the routes of databases are sent to the main API, by the bearer token of the account."""
        return self.api_path != DB_API


#: The environment variables of the options. The first that is set and not blank counts.
VARIABLES: t.Mapping[str, tuple[str, ...]] = {
    "api_token": ("SCALINGO_API_TOKEN",),
    "region": ("SCALINGO_REGION",),
    "api_url": ("SCALINGO_API_URL",),
    "db_api_url": ("SCALINGO_DB_API_URL", "SCALINGO_DB_URL"),
    "auth_url": ("SCALINGO_AUTH_URL",),
    "api_path": ("SCALINGO_API_PATH",),
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
    where there is a token for that addon. Without one, addon_id means the same as addon. What is for the database API alone does
    not count where it is not used, but for the region that its address names.
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
    region_found = found.get("region") or region_of_addresses(found)
    path = {**added, **given}.get("api_path", DB_API)
    for name in ("db_api_url", "addon_token"):
        if path != DB_API and name in added:
            verbose(f"scalingo: {variables[name]} is not used: api_path is {path}, which needs the main API only")
            del added[name]
            if region_found and not {"region", "api_url"} & {*given, *found}:
                added["region"] = region_found
    if "addon_id" in given:
        added.pop("addon", None)
        if "addon_token" in {**given, **added}:
            added.pop("app", None)
    theirs = [name for name in ADDRESSES if name in added]
    region = given.get("region") or region_of_addresses(given)
    region_there = region_found or DEFAULT_REGION
    auth, auth_there = (values.get("auth_url", "").rstrip("/") for values in (given, found))
    if (region and region != region_there) or (auth and auth_there and auth != auth_there):
        for name in theirs:
            verbose(
                f"scalingo: {variables[name]} is not used: it belongs to the region {region_there}{f' at {auth_there}' if auth_there else ''}"
            )
            del added[name]
    elif theirs and not region and path == DB_API:
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


def is_address(value: object) -> bool:
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
    except (TypeError, ValueError, OverflowError):
        number = least - 1
    if not least <= number <= most:
        raise InvalidInput(f"{name} is {value}: use a number from {least:g} to {most:g}")
    return number


def refuse_other_region(option: str, address: str | None, other: str | None, region: str) -> None:
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
        refuse_other_region(name, parsed[name], region_of(parsed[name] or ""), region)
    ca_path = os.path.expanduser(os.path.expandvars(_text(params, "ca_path")))
    validate_certs = params.get("validate_certs") is not False
    if ca_path and validate_certs:
        _check_authorities(ca_path)
    api_token = _token(params, "api_token", secrets)
    addon_token = _token(params, "addon_token", secrets)
    api_path = _text(params, "api_path") or DB_API
    if api_path not in API_PATHS:
        raise InvalidInput(f"api_path is {api_path}: use {', '.join(API_PATHS[:-1])} or {API_PATHS[-1]}")
    if api_path != DB_API and parsed["db_api_url"]:
        raise InvalidInput(
            f"db_api_url is given, and api_path is {api_path}, which sends nothing to the Database API",
            hint="Leave one of them out; SCALINGO_API_PATH counts too. The address of the main API is api_url.",
        )
    app, addon, addon_id = (_name(params, name) for name in ("app", "addon", "addon_id"))
    if addon_id:
        if addon not in (None, addon_id):
            raise InvalidInput(
                "addon and addon_id name two different addons",
                hint="Give app and addon, or addon_id and addon_token.",
            )
        if addon_token and api_path != DB_API:
            raise InvalidInput(
                f"addon_token is given, which opens the Database API only, and api_path is {api_path}",
                hint="Give api_token and app instead of it, or api_path: db_api; SCALINGO_API_PATH counts too.",
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
        api_path=api_path,
        requests_per_minute=_count(params, "requests_per_minute", None, 60),
        max_in_flight=_count(params, "max_in_flight", MOST_IN_FLIGHT, 20) or MOST_IN_FLIGHT,
        limits_given=any(_text(params, name) for name in ("requests_per_minute", "max_in_flight")),
    )
