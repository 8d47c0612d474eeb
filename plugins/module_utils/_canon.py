# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Normal forms: two ways to say the same thing become one value here, so that comparing is `==`.

Everything is pure. Every function raises `ValueError` with a sentence for the user when the input has no normal form.
"""

from __future__ import annotations

import dataclasses
import datetime
import ipaddress
import re
import typing as t
import unicodedata

from ansible.module_utils.parsing.convert_bool import boolean as ansible_boolean

_NANOSECONDS = {
    "ns": 1,
    "u": 1000,
    "µ": 1000,
    "us": 1000,
    "µs": 1000,
    "ms": 1000**2,
    "s": 1000**3,
    "m": 60 * 1000**3,
    "h": 3600 * 1000**3,
    "d": 24 * 3600 * 1000**3,
    "w": 7 * 24 * 3600 * 1000**3,
}
#: The shortest duration of a retention policy that an InfluxDB takes, in nanoseconds (docs/contract.md section 7.5).
SHORTEST_DURATION = _NANOSECONDS["h"]
#: The longest duration that an InfluxDB can count, in nanoseconds. More of them wrap, down to a day (docs/contract.md section 7.5).
LONGEST_DURATION = 2**63 - 1
#: What is of a time so many seconds after now was dated by a clock that went wrong, and counts as neither new nor young.
AHEAD_SECONDS = 3600.0
#: Fractions as Go writes them: of a second or less.
_DURATION = re.compile(r"([0-9]+)(?:\.([0-9]{1,9})(?=(?:us|µs|ms|s)))?(ns|us|µs|ms|u|µ|s|m|h|d|w)")
_INSTANT = re.compile(
    r"(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:[.,](\d+))?(?:([Zz])|([+-]\d{2})(?::?(\d{2}))?)?", re.ASCII
)
_VERSION = re.compile(r"[0-9]+")

# What the server expands a composite mode to, besides its own name (docs/contract.md section 7.6).
_ANSI = ("REAL_AS_FLOAT", "PIPES_AS_CONCAT", "ANSI_QUOTES", "IGNORE_SPACE", "ONLY_FULL_GROUP_BY")
_TRADITIONAL = (
    "STRICT_TRANS_TABLES",
    "STRICT_ALL_TABLES",
    "NO_ZERO_IN_DATE",
    "NO_ZERO_DATE",
    "ERROR_FOR_DIVISION_BY_ZERO",
    "NO_ENGINE_SUBSTITUTION",
)
SQL_MODE_COMPOSITES: t.Mapping[str, frozenset[str]] = {
    "ANSI": frozenset(_ANSI),
    "TRADITIONAL": frozenset(_TRADITIONAL),
}


#: How many addresses a range may hold without consent, by the version of IP: those of a /8, and of a /16.
_WIDEST = {4: 2 ** (32 - 8), 6: 2 ** (128 - 16)}
#: Where IPv6 holds the addresses of IPv4.
_IN_IPV6 = ipaddress.IPv6Network("::ffff:0:0/96")

Network = t.Union[ipaddress.IPv4Network, ipaddress.IPv6Network]


def boolean(value: object) -> bool:
    """A boolean by Ansible's own rules: `yes`, `"false"`, `0` and the like. Other text and none are refused."""
    try:
        return bool(ansible_boolean(t.cast(t.Any, value)))
    except TypeError:
        raise ValueError(f"{value!r} is not a boolean: use true or false") from None


def visible(text: str) -> str:
    """Text that is sent as it is, without a line break or anything else that nobody sees. The error does not repeat it: it may be a secret."""
    if any(unicodedata.category(sign)[0] == "C" or unicodedata.category(sign) in ("Zl", "Zp") for sign in text):
        raise ValueError(
            "it holds a line break or another character that cannot be seen. In YAML, write it on one line in quotes, "
            "and read a file without its last line break"
        )
    return text


def duration(value: object) -> int:
    """An InfluxDB duration in nanoseconds; 0 means without end (docs/contract.md section 7.5).

    `30d`, `720h`, `720h0m0s` and `4w2d` are one value; `0`, `0s` and `INF` another.
    """
    text = str(value).strip()
    if text.lower() == "inf" or text == "0":
        return 0
    nanoseconds = _nanoseconds(text)
    if nanoseconds is None:
        raise ValueError(f"{value!r} is not a duration: use for example 30d, 720h, 4w2d, or INF for no end")
    if nanoseconds > LONGEST_DURATION:
        raise ValueError(f"{value!r} is longer than the 106751 days that the server can count: use INF for no end")
    return nanoseconds


def _nanoseconds(text: str) -> int | None:
    """The sum of numbers with units, or none when the text is anything else."""
    total = position = 0
    while position < len(text):
        match = _DURATION.match(text, position)
        if match is None:
            return None
        number, fraction, unit = match.groups()
        part, rest = divmod(int(number + (fraction or "")) * _NANOSECONDS[unit], 10 ** len(fraction or ""))
        if rest:
            return None
        total += part
        position = match.end()
    return total if text else None


def duration_text(nanoseconds: int) -> str:
    """The shortest text for a duration that the API takes: weeks are written as days, 0 as `0`."""
    if nanoseconds == 0:
        return "0"
    text = ""
    for unit in ("d", "h", "m", "s", "ms", "u", "ns"):
        count, nanoseconds = divmod(nanoseconds, _NANOSECONDS[unit])
        if count:
            text += f"{count}{unit}"
    return text


def seconds(value: object) -> float:
    """A length of time in seconds: a number of them, or text such as `90s`, `24h`, `1d12h`."""
    text = str(value).strip()
    if not isinstance(value, bool) and re.fullmatch(r"[0-9]{1,12}(\.[0-9]{1,9})?", text, re.ASCII):
        return float(text)
    nanoseconds = _nanoseconds(text)
    if nanoseconds is None:
        raise ValueError(f"{value!r} is not a length of time: use seconds, or for example 90m, 24h, 7d")
    return nanoseconds / _NANOSECONDS["s"]


def sql_modes(value: str | t.Iterable[object]) -> frozenset[str]:
    """MySQL modes as a set, in upper case, composite ones expanded as the server does.

    `[]`, `[""]` and `""` are the empty set. A name with other signs than letters, digits and underscores is refused.
    """
    names = value.split(",") if isinstance(value, str) else [part for item in value for part in str(item).split(",")]
    modes = set()
    for name in (name.strip().upper() for name in names):
        if not name:
            continue
        if not re.fullmatch(r"[A-Z0-9_]+", name):
            raise ValueError(f"{name!r} is not the name of an SQL mode: use for example STRICT_TRANS_TABLES")
        modes.add(name)
        modes.update(SQL_MODE_COMPOSITES.get(name, ()))
    for composite, members in SQL_MODE_COMPOSITES.items():
        if members <= modes:
            modes.add(composite)
    return frozenset(modes)


Version = tuple[int, ...]


def version(value: object) -> Version:
    """The components of a version `major.minor.patch-build` or of the first ones of it; a leading `v` is ignored."""
    text = str(value).strip()
    if not re.fullmatch(r"v?[0-9]+(\.[0-9]+)*(-[0-9]+)?", text):
        raise ValueError(f"{value!r} is not a version: use for example 16, 16.4 or 16.4.0-1")
    return tuple(int(number) for number in _VERSION.findall(text))


def is_of(wanted: Version, current: object) -> bool:
    """Whether `current` is the version that `wanted` names, compared by the components that `wanted` gives."""
    return version(current)[: len(wanted)] == wanted


def extension_version(value: object) -> str:
    """The version of an extension without the `v` that some answers put before it (docs/contract.md section 6, row 43)."""
    text = str(value).strip()
    return text[1:] if re.match(r"v[0-9]", text) else text


def network(value: object) -> str:
    """The normal form of an address range; a single address is a range of one."""
    text = str(value).strip()
    if "%" in text:
        raise ValueError(f"{text!r} names the interface of one machine: leave out the % and what follows it")
    try:
        found = ipaddress.ip_network(text, strict=False)
        address = ipaddress.ip_address(text.partition("/")[0])
    except ValueError:
        raise ValueError(f"{text!r} is not an address range: use for example 198.51.100.0/24") from None
    if isinstance(found, ipaddress.IPv6Network) and found.overlaps(_IN_IPV6) and not _is_wide(found):
        mapped = None if found.prefixlen < _IN_IPV6.prefixlen else t.cast(ipaddress.IPv6Address, address).ipv4_mapped
        if mapped is None:
            raise ValueError(f"{text!r} holds IPv4 addresses: write them as IPv4")
        meant = ipaddress.ip_network((mapped, found.prefixlen - _IN_IPV6.prefixlen), strict=False)
        raise ValueError(f"{text!r} is IPv4 within IPv6: write it as {mapped if _is_wide(meant) else meant}")
    if address != found.network_address:
        # What opens the database to a part of the world is never proposed.
        raise ValueError(
            f"{text!r} is an address inside of a range: did you mean {address if _is_wide(found) else found}?"
        )
    return str(found)


def _is_wide(span: Network) -> bool:
    return bool(span.num_addresses > _WIDEST[span.version])


@dataclasses.dataclass(frozen=True, order=True)
class Span:
    """The addresses from `first` to `last`."""

    version: int
    first: int
    last: int

    def within(self, other: Span) -> bool:
        return self.version == other.version and other.first <= self.first and self.last <= other.last

    def __str__(self) -> str:
        address = ipaddress.IPv4Address if self.version == 4 else ipaddress.IPv6Address
        return f"{address(self.first)} to {address(self.last)}"


def span(value: object) -> Span | None:
    """The addresses of a range in any form that the platform may show, or none when it shows something else."""
    try:
        found = ipaddress.ip_network(str(value).strip(), strict=False)
    except ValueError:
        return None
    return Span(found.version, int(found.network_address), int(found.broadcast_address))


def wide_spans(ranges: t.Iterable[object]) -> list[Span]:
    """The spans that are wider than anybody's own network. Neighbours are joined: a firewall sees no border between them."""
    joined: list[Span] = []
    for one in sorted(found for found in map(span, ranges) if found is not None):
        last = joined[-1] if joined else None
        if last is not None and last.version == one.version and one.first <= last.last + 1:
            joined[-1] = Span(one.version, last.first, max(last.last, one.last))
        else:
            joined.append(one)
    return [one for one in joined if one.last - one.first >= _WIDEST[one.version]]


def instant(value: object) -> str:
    """A point in time in UTC with a fixed width, `YYYY-MM-DDThh:mm:ss.ffffffZ`. Text without an offset is refused."""
    match = _INSTANT.fullmatch(str(value).strip())
    if not match:
        raise ValueError(f"{value!r} is not a point in time: use for example 2026-11-21T03:00:00Z")
    day, time_of_day, fraction, zulu, offset_hours, offset_minutes = match.groups()
    if not zulu and not offset_hours:
        raise ValueError(f"{value!r} has no offset from UTC: end it with Z, or with an offset such as +01:00")
    try:
        moment = datetime.datetime.strptime(day + "T" + time_of_day, "%Y-%m-%dT%H:%M:%S")
        if offset_hours:
            clock = datetime.time(int(offset_hours[1:]), int(offset_minutes or 0))
            distance = datetime.timedelta(hours=clock.hour, minutes=clock.minute)
            moment = moment - distance if offset_hours[0] == "+" else moment + distance
    except (ValueError, OverflowError):
        raise ValueError(f"{value!r} is not a point in time: there is no such date or hour") from None
    return moment.isoformat(timespec="seconds") + "." + ((fraction or "") + "000000")[:6] + "Z"


def instant_seconds(value: object) -> float:
    """Seconds since 1970 of a point in time as `instant` takes it."""
    moment = datetime.datetime.strptime(instant(value), "%Y-%m-%dT%H:%M:%S.%fZ")
    return moment.replace(tzinfo=datetime.timezone.utc).timestamp()


def is_ahead(value: object, now: float) -> bool:
    """Whether a point in time is of a clock that went wrong: more than an hour after now."""
    return instant_seconds(value) > now + AHEAD_SECONDS
