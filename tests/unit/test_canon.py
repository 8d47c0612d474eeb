# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Normal forms: two ways to say the same become one value, and what has none is refused with a sentence."""

from __future__ import annotations

import datetime
import ipaddress
import itertools
import typing as t

import pytest
from ansible.module_utils.parsing.convert_bool import BOOLEANS_FALSE, BOOLEANS_TRUE
from ansible_collections.community.scalingo.plugins.module_utils import _canon
from ansible_collections.community.scalingo.plugins.module_utils._api.database import hour_of_day, weekday
from hypothesis import given
from hypothesis import strategies as st

SECOND = 1_000_000_000
HOUR = 3600 * SECOND
DAY = 24 * HOUR
UNITS = {
    "ns": 1,
    "u": 1000,
    "µ": 1000,
    "us": 1000,
    "µs": 1000,
    "ms": 1_000_000,
    "s": SECOND,
    "m": 60 * SECOND,
    "h": HOUR,
    "d": DAY,
    "w": 7 * DAY,
}

junk = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=True),
    st.text(),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.none(), max_size=1),
)


def refused(function: t.Callable[[t.Any], t.Any], value: object) -> str:
    with pytest.raises(ValueError) as caught:
        function(value)
    text = str(caught.value)
    assert text and "\n" not in text
    return text


@pytest.mark.parametrize(
    "function",
    [
        _canon.boolean,
        hour_of_day,
        weekday,
        _canon.duration,
        _canon.seconds,
        _canon.version,
        _canon.instant,
        _canon.instant_seconds,
    ],
)
@given(value=junk)
def test_nothing_but_a_value_error_comes_of_junk(function: t.Callable[[t.Any], t.Any], value: object) -> None:
    try:
        function(value)
    except ValueError as error:
        assert str(error)


# -- booleans --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("value", sorted(BOOLEANS_TRUE, key=str) + ["YES", "True", "oN", True])
def test_what_ansible_takes_for_true_is_true(value: object) -> None:
    assert _canon.boolean(value) is True


@pytest.mark.parametrize("value", sorted(BOOLEANS_FALSE, key=str) + ["NO", "False", "oFF", False])
def test_what_ansible_takes_for_false_is_false(value: object) -> None:
    assert _canon.boolean(value) is False


@pytest.mark.parametrize("value", ["", "maybe", "falsee", "2", 2, -1, None, [], {}, [True], 0.5])
def test_other_values_are_no_booleans(value: object) -> None:
    assert "is not a boolean: use true or false" in refused(_canon.boolean, value)


@given(st.text())
def test_text_is_a_boolean_only_when_ansible_says_so(value: str) -> None:
    known = {str(item) for item in BOOLEANS_TRUE | BOOLEANS_FALSE}
    if value.lower().strip() in known:
        assert _canon.boolean(value) is (value.lower().strip() in {str(item) for item in BOOLEANS_TRUE})
    else:
        refused(_canon.boolean, value)


# -- hours and weekdays ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", range(24))
def test_hours_are_numbers_or_their_text(number: int) -> None:
    assert hour_of_day(number) == hour_of_day(str(number)) == hour_of_day(f" {number:02d} ") == number


@pytest.mark.parametrize("value", [24, -1, "24", "-1", "3:00", "", None, True, False, 3.0, "٣", [3], 10**12, "9" * 20])
def test_other_values_are_no_hours(value: object) -> None:
    assert "is not an hour of the day: use 0 to 23, in UTC" in refused(hour_of_day, value)


def test_weekdays_begin_with_sunday() -> None:
    names = ["sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday"]
    for number, name in enumerate(names):
        assert {weekday(form) for form in (number, str(number), name, name.upper(), f" {name.title()} ")} == {number}


@pytest.mark.parametrize("value", [7, -1, "7", "sun", "", None, True, False, 1.0, ["monday"]])
def test_other_values_are_no_weekdays(value: object) -> None:
    assert "is not a day of the week: use sunday, monday" in refused(weekday, value)


# -- durations -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value, nanoseconds",
    [
        ("30d", 30 * DAY),
        ("720h", 30 * DAY),
        ("720h0m0s", 30 * DAY),
        ("4w2d", 30 * DAY),
        (" 30d ", 30 * DAY),
        ("90m", 5400 * SECOND),
        ("1h30m", 5400 * SECOND),
        ("1d12h", 36 * HOUR),
        ("5ms", 5_000_000),
        ("7u", 7000),
        ("7us", 7000),
        ("7µs", 7000),
        ("7µ", 7000),
        ("9ns", 9),
        ("1h0m1.5s", 3601 * SECOND + 500_000_000),
        ("24h25m26.290448384s", 87926 * SECOND + 290_448_384),
        ("1.5ms", 1_500_000),
        ("1.5µs", 1500),
        ("106751d", 106751 * DAY),
        ("106751d23h47m16s854ms775u807ns", 2**63 - 1),
    ],
)
def test_durations_are_compared_by_value(value: str, nanoseconds: int) -> None:
    assert _canon.duration(value) == nanoseconds


@pytest.mark.parametrize("value", ["0", 0, "0s", "0h0m0s", "INF", "inf", "Inf", " INF "])
def test_no_end_is_zero(value: object) -> None:
    assert _canon.duration(value) == 0


@pytest.mark.parametrize(
    "value",
    [
        "",
        "30",
        30,
        "d",
        "30x",
        "30 d",
        "-1h",
        "1.5h",
        "1h 30m",
        "30D",
        "forever",
        None,
        "1h30",
        "٣d",
        ".5s",
        "1.s",
        "1.5ns",
        "1.5d",
        "0.0001us",
    ],
)
def test_other_values_are_no_durations(value: object) -> None:
    assert "is not a duration: use for example 30d" in refused(_canon.duration, value)


@pytest.mark.parametrize("value", ["106751d23h47m16s854ms775u808ns", "106752d", "15251w", "213505d", "99999999999w"])
def test_what_the_server_cannot_count_is_refused(value: str) -> None:
    assert "is longer than the 106751 days that the server can count: use INF" in refused(_canon.duration, value)


@given(st.integers(min_value=0, max_value=2**63 - 1))
def test_the_text_of_a_duration_is_that_duration(nanoseconds: int) -> None:
    text = _canon.duration_text(nanoseconds)
    assert _canon.duration(text) == nanoseconds
    assert _canon.duration_text(_canon.duration(text)) == text


@given(st.lists(st.tuples(st.integers(0, 2_000), st.sampled_from(sorted(UNITS))), min_size=1, max_size=6))
def test_the_parts_of_a_duration_add_up(parts: list[tuple[int, str]]) -> None:
    text = "".join("%d%s" % part for part in parts)
    assert _canon.duration(text) == sum(number * UNITS[unit] for number, unit in parts)


@pytest.mark.parametrize(
    "nanoseconds, text",
    [
        (0, "0"),
        (30 * DAY, "30d"),
        (7 * DAY, "7d"),
        (36 * HOUR, "1d12h"),
        (5400 * SECOND, "1h30m"),
        (1_002_003_004, "1s2ms3u4ns"),
        (3601 * SECOND + 500_000_000, "1h1s500ms"),
    ],
)
def test_durations_are_written_short(nanoseconds: int, text: str) -> None:
    assert _canon.duration_text(nanoseconds) == text


# -- lengths of time -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (0, 0),
        ("0", 0),
        (90, 90),
        ("90", 90),
        (1.5, 1.5),
        (" 90s ", 90),
        ("90m", 5400),
        ("24h", 86400),
        ("1d12h", 129600),
        ("2w", 1209600),
        ("500ms", 0.5),
        ("1.5s", 1.5),
    ],
)
def test_a_length_of_time_is_seconds_or_text(value: object, wanted: float) -> None:
    assert _canon.seconds(value) == wanted


@pytest.mark.parametrize(
    "value",
    [
        "",
        "-1",
        -1,
        "1.5h",
        "12 h",
        "h",
        "INF",
        "nan",
        "inf",
        "1e9",
        True,
        None,
        [],
        "1d-2h",
        "\u0661h",
        "5 minutes",
        "soon",
    ],
)
def test_other_values_are_no_length_of_time(value: object) -> None:
    assert "is not a length of time: use seconds, or for example 90m, 24h, 7d" in refused(_canon.seconds, value)


# -- address ranges --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        (" 198.51.100.7\n", "198.51.100.7/32"),
        ("10.0.0.0/255.0.0.0", "10.0.0.0/8"),
        ("0.0.0.0/0.0.0.0", "0.0.0.0/0"),
        ("2001:DB8:0:0::1", "2001:db8::1/128"),
        ("::/0", "::/0"),
    ],
)
def test_a_range_has_one_form(value: str, wanted: str) -> None:
    assert _canon.network(value) == wanted


@pytest.mark.parametrize(
    ("value", "hint"),
    [
        ("*", "is not an address range"),
        ("010.0.0.1", "is not an address range"),
        ("127.0.0.1/24", "did you mean 127.0.0.0/24?"),
        ("10.0.0.5/7", "did you mean 10.0.0.5?"),
        ("2001:db8::1/3", "did you mean 2001:db8::1?"),
        ("fe80::1%eth0/64", "leave out the % and what follows it"),
        ("::ffff:0:0/96", "write it as 0.0.0.0"),
        ("0:0:0:0:0:ffff:c633:6407", "write it as 198.51.100.7/32"),
        ("::ffff:198.51.100.7/120", "write it as 198.51.100.0/24"),
        ("::ffff:0:0/95", "write them as IPv4"),
    ],
)
def test_what_is_no_range_is_told_without_a_wide_one(value: str, hint: str) -> None:
    told = refused(_canon.network, value)
    assert hint in told and "/0?" not in told


def test_ranges_are_joined_before_they_are_measured() -> None:
    def wide(*ranges: str) -> list[str]:
        return [str(span) for span in _canon.wide_spans(ranges)]

    everybody = ["0.0.0.0 to 255.255.255.255"]
    assert (
        wide("0.0.0.0/0")
        == wide("128.0.0.0/1", "0.0.0.0/1")
        == wide("0.0.0.0/1", "128.0.0.0/2", "192.0.0.0/2")
        == everybody
    )
    assert wide("192.0.2.0/24", "0.0.0.0/0", "::/0") == [*everybody, ":: to ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]
    assert wide("10.0.0.0/8", "11.0.0.0/8") == wide("10.0.0.0/7") == ["10.0.0.0 to 11.255.255.255"]
    assert wide("9.0.0.0/8", "10.0.0.0/8") == ["9.0.0.0 to 10.255.255.255"]
    assert wide("10.0.0.0/8", "12.0.0.0/8", "2001::/16", "2003::/16", "mr-1", "") == []
    assert wide("2000::/16", "2001::/16") == ["2000:: to 2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]


@given(st.lists(st.tuples(st.integers(0, 2**32 - 1), st.integers(0, 32)), max_size=6))
def test_no_order_and_no_cut_hides_a_wide_range(parts: list[tuple[int, int]]) -> None:
    ranges = [str(ipaddress.ip_network((address, prefix), strict=False)) for address, prefix in parts]
    halves = [
        str(half)
        for text in ranges
        for half in ipaddress.ip_network(text).subnets(prefixlen_diff=0 if text.endswith("/32") else 1)
    ]
    assert _canon.wide_spans(ranges) == _canon.wide_spans(reversed(halves))


# -- what nobody sees ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "sign", ["\n", "\r", "\t", "\0", "\x7f", "\x85", "\u200b", "\u2028", "\u2029", "\ufeff", "\ud800"]
)
def test_what_nobody_sees_is_refused_and_not_repeated(sign: str) -> None:
    assert "secret" not in refused(_canon.visible, "secret" + sign)


@pytest.mark.parametrize("text", ["", "correct horse", "pä$$wörd-日本語-🐎", "a\u00a0b"])
def test_what_one_sees_is_taken(text: str) -> None:
    assert _canon.visible(text) == text


# -- SQL modes -------------------------------------------------------------------------------------------------------

MODES = [
    "STRICT_TRANS_TABLES",
    "NO_ZERO_DATE",
    "ANSI_QUOTES",
    "PIPES_AS_CONCAT",
    "REAL_AS_FLOAT",
    "IGNORE_SPACE",
    "ONLY_FULL_GROUP_BY",
    "ANSI",
    "TRADITIONAL",
    "STRICT_ALL_TABLES",
    "NO_ZERO_IN_DATE",
    "ERROR_FOR_DIVISION_BY_ZERO",
    "NO_ENGINE_SUBSTITUTION",
]


@pytest.mark.parametrize("value", ["", [], [""], ["", ""], " ", ",", [" , "], ()])
def test_no_mode_at_all_is_the_empty_set(value: t.Any) -> None:
    assert _canon.sql_modes(value) == frozenset()


@given(st.lists(st.sampled_from(MODES), max_size=8), st.randoms(use_true_random=False))
def test_modes_are_a_set_whatever_their_order_case_and_form(modes: list[str], chance: t.Any) -> None:
    shuffled = list(modes) * 2
    chance.shuffle(shuffled)
    wanted = _canon.sql_modes(modes)
    assert _canon.sql_modes(",".join(shuffled)) == wanted
    assert _canon.sql_modes([f" {name.lower()} " for name in shuffled]) == wanted
    assert _canon.sql_modes([",".join(shuffled[:3]), ",".join(shuffled[3:])]) == wanted
    assert _canon.sql_modes(wanted) == wanted, "a normal form is its own normal form"
    assert set(modes) <= wanted


@pytest.mark.parametrize("composite", sorted(_canon.SQL_MODE_COMPOSITES))
def test_a_composite_mode_is_its_members_with_its_name(composite: str) -> None:
    members = _canon.SQL_MODE_COMPOSITES[composite]
    assert _canon.sql_modes(composite) == members | {composite}
    assert _canon.sql_modes(members) == members | {composite}, "the server shows the name too once all members are set"
    for missing in members:
        assert composite not in _canon.sql_modes(members - {missing})


def test_composites_of_the_manual() -> None:
    assert _canon.sql_modes("ANSI") == {
        "ANSI",
        "REAL_AS_FLOAT",
        "PIPES_AS_CONCAT",
        "ANSI_QUOTES",
        "IGNORE_SPACE",
        "ONLY_FULL_GROUP_BY",
    }
    assert _canon.sql_modes("TRADITIONAL") == {
        "TRADITIONAL",
        "STRICT_TRANS_TABLES",
        "STRICT_ALL_TABLES",
        "NO_ZERO_IN_DATE",
        "NO_ZERO_DATE",
        "ERROR_FOR_DIVISION_BY_ZERO",
        "NO_ENGINE_SUBSTITUTION",
    }


@pytest.mark.parametrize("value", ["A-B", "A B", ["A;DROP"], "é", "'ANSI'"])
def test_other_names_are_no_modes(value: t.Any) -> None:
    assert "is not the name of an SQL mode" in refused(_canon.sql_modes, value)


# -- versions --------------------------------------------------------------------------------------------------------


@given(st.lists(st.integers(0, 9999), min_size=1, max_size=3), st.one_of(st.none(), st.integers(0, 99)), st.booleans())
def test_versions_are_their_components(components: list[int], build: int | None, prefixed: bool) -> None:
    text = ("v" if prefixed else "") + ".".join(map(str, components)) + ("" if build is None else f"-{build}")
    assert _canon.version(text) == tuple(components) + (() if build is None else (build,))
    for length in range(1, len(components) + 1):
        assert _canon.is_of(tuple(components[:length]), text)
    other = [components[0] + 1] + components[1:]
    assert not _canon.is_of(tuple(other), text)


@pytest.mark.parametrize(
    "wanted, current, same",
    [
        ("16", "16.4.0-1", True),
        ("16.4", "16.4.0-1", True),
        ("16.4.0-1", "16.4.0-1", True),
        ("16.4.0-2", "16.4.0-1", False),
        ("1", "16.4.0-1", False),
        ("16.4.0", "16.4", False),
        (16, "16.4.0-1", True),
    ],
)
def test_a_version_is_compared_by_the_components_given(wanted: object, current: object, same: bool) -> None:
    assert _canon.is_of(_canon.version(wanted), current) is same


@pytest.mark.parametrize("value", ["", "latest", "16.", ".4", "16-1-2", "16..4", "vv1", "16 .4", None, "١٦"])
def test_other_values_are_no_versions(value: object) -> None:
    assert "is not a version: use for example 16" in refused(_canon.version, value)


@pytest.mark.parametrize(
    "value, shown",
    [("v1.0", "1.0"), ("1.0", "1.0"), (" v2.25.2 ", "2.25.2"), ("vector", "vector"), ("", ""), (1.1, "1.1")],
)
def test_the_version_of_an_extension_has_no_letter(value: object, shown: str) -> None:
    assert _canon.extension_version(value) == shown


# -- instants --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value, shown",
    [
        ("2015-01-13T09:20:31.123+01:00", "2015-01-13T08:20:31.123000Z"),
        ("2026-11-21T03:00:00Z", "2026-11-21T03:00:00.000000Z"),
        ("2026-11-21t03:00:00z", "2026-11-21T03:00:00.000000Z"),
        ("2026-11-21 03:00:00,5Z", "2026-11-21T03:00:00.500000Z"),
        (" 2026-11-21T03:00:00.123456789Z ", "2026-11-21T03:00:00.123456Z"),
        ("2026-01-01T00:30:00+0100", "2025-12-31T23:30:00.000000Z"),
        ("2026-12-31T23:30:00-01:30", "2027-01-01T01:00:00.000000Z"),
        ("2026-11-21 03:00:00.5+00", "2026-11-21T03:00:00.500000Z"),
        ("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z"),
    ],
)
def test_instants_are_in_utc_with_a_fixed_width(value: str, shown: str) -> None:
    assert _canon.instant(value) == shown


@given(
    st.datetimes(min_value=datetime.datetime(2, 1, 1), max_value=datetime.datetime(9998, 12, 31)),
    st.integers(-23 * 60, 23 * 60),
    st.sampled_from(["seconds", "milliseconds", "microseconds"]),
)
def test_an_instant_is_the_moment_that_python_reads(moment: datetime.datetime, offset: int, precision: str) -> None:
    aware = moment.replace(tzinfo=datetime.timezone(datetime.timedelta(minutes=offset)))
    text = aware.isoformat(timespec=precision)
    shown = _canon.instant(text)
    assert len(shown) == 27
    assert datetime.datetime.fromisoformat(shown) == datetime.datetime.fromisoformat(text)
    assert _canon.instant(shown) == shown
    assert _canon.instant_seconds(shown) == pytest.approx(datetime.datetime.fromisoformat(text).timestamp(), abs=1e-4)


@given(st.lists(st.datetimes(timezones=st.just(datetime.timezone.utc)), min_size=2, max_size=5))
def test_the_order_of_instants_is_the_order_of_their_text(moments: list[datetime.datetime]) -> None:
    shown = [_canon.instant(moment.isoformat()) for moment in moments]
    assert [moments[shown.index(text)] for text in sorted(shown)] == sorted(moments)


@pytest.mark.parametrize("value", ["2026-11-21T03:00:00", "2026-11-21 03:00:00.5"])
def test_an_instant_without_offset_is_refused(value: str) -> None:
    assert "has no offset from UTC" in refused(_canon.instant, value)


@pytest.mark.parametrize(
    "value",
    [
        "2026-02-30T00:00:00Z",
        "2026-13-01T00:00:00Z",
        "2026-11-21T24:00:00Z",
        "2026-11-21T03:60:00Z",
        "2026-11-21T03:00:60Z",
        "2026-11-21T03:00:00+24:00",
        "2026-11-21T03:00:00+01:60",
        "2026-11-21T03:00:00-99:99",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:30:00-01:00",
        "0000-01-01T00:00:00Z",
    ],
)
def test_a_moment_that_does_not_exist_is_refused(value: str) -> None:
    assert "there is no such date or hour" in refused(_canon.instant, value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "yesterday",
        "2026-11-21",
        "2026-11-21T03:00Z",
        "21.11.2026 03:00:00Z",
        1,
        None,
        "2026-11-21T03:00:00Zulu",
        "٢٠٢٦-11-21T03:00:00Z",
    ],
)
def test_other_values_are_no_instants(value: object) -> None:
    assert "is not a point in time" in refused(_canon.instant, value)


def test_every_pair_of_forms_of_one_thing_is_equal() -> None:
    same: list[tuple[t.Callable[[t.Any], t.Any], list[t.Any]]] = [
        (_canon.boolean, ["yes", "true", 1, True, "on", "Y"]),
        (weekday, ["Wednesday", 3, "3"]),
        (_canon.duration, ["168h", "7d", "1w", "168h0m0s", "6d24h"]),
        (_canon.instant, ["2026-11-21T03:00:00Z", "2026-11-21T04:00:00+01:00", "2026-11-20T22:00:00.000-05:00"]),
        (_canon.extension_version, ["v1.11", "1.11"]),
    ]
    for function, forms in same:
        for first, second in itertools.combinations(forms, 2):
            assert function(first) == function(second), (first, second)
