# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is judged to be wrong with a restored database."""

from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.community.scalingo.plugins.filter.scalingo_restore_drill_checks import FilterModule

judge = FilterModule().filters()["scalingo_restore_drill_checks"]


def bad(facts: dict[str, t.Any], **options: t.Any) -> list[tuple[str, str]]:
    return [(check["kind"], check["name"]) for check in judge(facts, **options) if not check["passed"]]


def test_nothing_is_judged_that_is_not_known() -> None:
    assert judge({}) == []
    assert judge({"production": {"hstore": "1.8"}}) == []
    assert [check["kind"] for check in judge({"tables": {"public.orders": 1}})] == ["tables"]
    with pytest.raises(AnsibleFilterError, match="needs a mapping, not list"):
        judge([])


def test_extensions() -> None:
    facts: dict[str, t.Any] = {
        "production": {"hstore": "1.8", "pg_trgm": "1.6"},
        "archive": ["cube"],
        "server_version": "17.10",
    }
    facts["available"] = {"pg_trgm": "1.6"}
    assert bad(facts) == [("extension", "cube"), ("extension", "hstore")]
    assert "which the backup has, is not available on PostgreSQL 17.10" in judge(facts)[0]["message"]
    assert (
        "An upgrade" not in judge(facts)[0]["message"]
        and "An upgrade" in judge({**facts, "rehearsal": True})[0]["message"]
    )
    facts["available"] = {"hstore": "1.8", "pg_trgm": "1.6", "cube": "1.5"}
    assert judge(facts) == []
    facts["restored"] = {"hstore": "1.7", "cube": "1.5"}
    assert bad(facts) == [("extension", "pg_trgm")]
    assert [check["message"] for check in judge(facts) if check["name"] == "hstore"] == [
        "the extension hstore is there, in version 1.7; the database has 1.8"
    ]


@pytest.mark.parametrize(
    "rows, most, passed",
    [
        (1000, 0, True), (1001, 0, True), (999, 0, False), (900, 10, True), (899, 10, False), (0, 99.9, False), (0, 100, True),
        (None, 99.9, False), (None, 100, True),
    ],
)  # fmt: skip
def test_rows_may_drop_by_so_much(rows: int | None, most: float, passed: bool) -> None:
    tables = {"public.other": 1, **({} if rows is None else {"public.orders": rows})}
    assert bad({"tables": tables}, previous={"public.orders": 1000}, max_drop_percent=most) == (
        [] if passed else [("rows", "public.orders")]
    )
    assert bad({"tables": tables}, previous={"public.orders": 1000}, max_drop_percent=f"{most}") == (
        [] if passed else [("rows", "public.orders")]
    )


def test_tables_that_are_not_compared() -> None:
    previous = {"public.orders": 10, "public.sessions": 10, "queue.jobs": 10, "public.empty": 0}
    facts = {"tables": {"public.orders": 1, "public.sessions": 1, "public.empty": 0, "public.new": 5}}
    assert bad(facts, previous=previous, ignore_tables=["public.sess*", "queue.*"]) == [("rows", "public.orders")]
    assert bad(facts, previous=previous) == [
        ("rows", "public.orders"),
        ("rows", "public.sessions"),
        ("rows", "queue.jobs"),
    ]


@pytest.mark.parametrize("number, least, passed", [(0, 1, False), (0, 0, True), (2, 2, True), (2, 3, False)])
def test_an_empty_database_is_no_backup(number: int, least: int, passed: bool) -> None:
    facts = {"tables": {f"public.t{index}": 0 for index in range(number)}}
    assert bad(facts, min_tables=least) == ([] if passed else [("tables", "number")])


@pytest.mark.parametrize(
    "value, expect, passed",
    [
        ("t", True, True), ("f", False, True), ("t", False, False), ("1", True, False), ("true", True, True), (None, False, False),
        ("12", 12, True), ("12.50", 12.5, True), ("12", "12", True), ("12 ", "12", True), ("12.0", "12", False), ("abc", 0, False), ("", 0, False),
        ("9007199254740993", 9007199254740992, False), ("", "", True), ("", None, True), ("a|b\nc|d", "a|b\nc|d", True), ("f", "false", False),
    ],
)  # fmt: skip
def test_what_the_users_queries_return(value: t.Any, expect: t.Any, passed: bool) -> None:
    checks = judge(
        {"results": [{"name": "mine", "value": value, "error": None}]}, expected=[{"name": "mine", "expect": expect}]
    )
    assert [check["passed"] for check in checks] == [passed]


def test_a_query_that_fails_is_a_finding() -> None:
    (check,) = judge(
        {"results": [{"name": "mine", "value": None, "error": "ERROR: no"}]},
        expected=[{"name": "mine", "expect": None}],
    )
    assert not check["passed"] and check["message"] == "the check mine failed: ERROR: no"


def test_no_message_is_obeyed_by_a_terminal_and_names_stay_as_they_are() -> None:
    odd = "a\u202eb\x1b[2K\x9b"
    (dummy, check) = judge({"tables": {odd: 1}}, previous={odd: 2})
    assert check["name"] == odd and check["message"].startswith("the table a\\u202eb\\x1b[2K\\x9b has 1 rows")
