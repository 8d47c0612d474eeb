# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a drill makes of what a server answers. Real servers answer in tests/engines/test_restore_drill.py."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.community.scalingo.plugins.module_utils import _drill_measures as measures
from ansible_collections.community.scalingo.plugins.module_utils._errors import ScalingoError

POSTGRESQL, MYSQL = measures.DIALECTS["postgresql"], measures.DIALECTS["mysql"]


def bad(checks: t.Iterable[measures.Check]) -> list[tuple[str, str]]:
    return [(check["kind"], check["name"]) for check in checks if not check["passed"]]


def said(checks: t.Iterable[measures.Check]) -> list[str]:
    return [check["message"] for check in measures.wrong(checks)]


def limits(**more: t.Any) -> dict[str, t.Any]:
    return {
        "max_drop_percent": 10,
        "max_erosion_percent": 20,
        "ignore_tables": (),
        "min_tables": 1,
        "min_rows": 1,
        **more,
    }


def rows(
    now: t.Mapping[str, int], before: t.Mapping[str, int], highest: t.Mapping[str, int] | None = None, **more: t.Any
) -> list[measures.Check]:
    last = past({"tables": {"counts": before, "highest": highest or before}})
    return measures.compared(record(dict(now)), last, limits(**{"max_drop_percent": 0, **more}))


def record(tables: dict[str, int], **objects: t.Any) -> dict[str, t.Any]:
    """What was counted, as evidence has it."""
    return {"tables": {"counts": tables, "not_run": []}, "objects": {"sequences": {}, **objects}}


def past(found: dict[str, t.Any]) -> dict[str, t.Any]:
    """The record of the last good drill."""
    return {"id": "0123", "started_at": "2026-12-01T00:00:00Z", **found}


class Stand:
    """Answers by what a statement begins with; the last of several answers stays. An error is raised."""

    engine = "postgresql"

    def __init__(self, **answers: t.Any) -> None:
        self.answers = {name.replace("_", " "): answer for name, answer in answers.items()}
        self.asked: list[tuple[str, bool, bool]] = []

    def query(self, sql: str, *, timeout: float, secret: bool = False, catalog: bool = False) -> measures.Rows:
        self.asked.append((sql, secret, catalog))
        for part, answer in self.answers.items():
            if part in sql:
                if isinstance(answer, ScalingoError):
                    raise answer
                return t.cast(measures.Rows, answer)
        return []


# -- counting ----------------------------------------------------------------------------------------------------------


class Tables(Stand):
    """A server with tables, of which some cannot be read."""

    def __init__(self, tables: t.Mapping[str, int | None], empty: t.Sequence[str] = ()) -> None:
        super().__init__()
        self.tables, self.empty = tables, empty

    def query(self, sql: str, *, timeout: float, secret: bool = False, catalog: bool = False) -> measures.Rows:
        assert catalog, "a dump can bring functions of the same names"
        if sql == POSTGRESQL.inventory:
            tables = [
                *(["table", name, "false"] for name in self.tables),
                *(["table", name, "true"] for name in self.empty),
            ]
            return [*tables, ["size", "", "8000"]]
        found: measures.Rows = []
        for part in sql.split(" UNION ALL ") if sql.startswith("SELECT 0, count(*)") else ():
            number, name = part.removeprefix("SELECT ").split(", count(*) FROM ")
            if self.tables[name] is None:
                raise ScalingoError("invalid page in block 0")
            found.append([number, str(self.tables[name])])
        return found


def test_one_table_that_cannot_be_counted_ends_nothing() -> None:
    """F14: one bad count ended all, and a materialized view without content failed each drill."""
    many = {f"public.t{number}": number for number in range(120)}
    server = Tables({**many, "public.broken": None}, empty=["public.totals"])
    found, checks = measures.counted(server, 10)
    assert found["tables"] == {"counts": many, "not_run": ["public.broken", "public.totals"]} and found["bytes"] == 8000
    assert bad(checks) == [("rows", "public.broken")] and said(checks)[0].endswith("counted: invalid page in block 0")
    before = {"public.totals": 3, "public.broken": 3, "public.t5": 5}
    assert bad(measures.compared(found, past({"tables": {"counts": before}}), limits())) == []
    assert found["tables"]["compared"] == {"public.t5": [5, 5]}


# -- comparing ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "now, most, passed",
    [
        (1000, 0, True), (1001, 0, True), (999, 0, False), (900, 10, True), (899, 10, False), (0, 99.9, False), (0, 100, True),
        (None, 99.9, False), (None, 100, True),
    ],
)  # fmt: skip
def test_rows_may_drop_by_so_much(now: int | None, most: float, passed: bool) -> None:
    tables = {"public.other": 1, **({} if now is None else {"public.orders": now})}
    found = rows(tables, {"public.orders": 1000}, max_drop_percent=most, max_erosion_percent=100)
    assert bad(found) == ([] if passed else [("rows", "public.orders")])


def test_what_is_said_of_a_loss() -> None:
    found = rows({"public.orders": 700}, {"public.events": 1, "public.orders": 1000}, max_drop_percent=10)
    assert said(found) == [
        "the table public.events is gone, which had 1 rows in the last drill",
        "the table public.orders has 700 rows, and had 1000 in the last drill, which is 30 % less; 10 % are allowed (max_drop_percent)",
    ]


@pytest.mark.parametrize(
    ("part", "of"),
    [("tables", "the table public.orders has 755 rows"), ("objects", "the restored database has 755 indexes")],
)
def test_a_little_less_each_time_is_found(part: str, of: str) -> None:
    """F13: 9 % less at each drill passed for ever."""
    name = "public.orders" if part == "tables" else "indexes"

    def drilled(number: int, last: dict[str, t.Any], **more: t.Any) -> tuple[dict[str, t.Any], list[str]]:
        found = record({name: number}) if part == "tables" else record({}, **{name: number})
        return past(found), said(measures.compared(found, last, limits(**more)))

    last, outcomes = drilled(1000, {})[0], []
    for number in (910, 829, 755):
        found, findings = drilled(number, last)
        outcomes.append(findings)
        if not findings:
            last = found
    assert outcomes[:2] == [[], []]
    assert outcomes[2] == [
        f"{of}, and had 829 in the last drill and 1000 once, of which 24.5 % are gone; 20 % are allowed (max_erosion_percent)"
    ]
    # A loss that is accepted once is where the next drills begin.
    assert drilled(690, last, max_drop_percent=100)[0][part]["highest"] == {name: 690}


def test_tables_that_are_not_compared() -> None:
    before = {"public.orders": 10, "public.sessions": 10, "queue.jobs": 10, "public.empty": 0}
    now = {"public.orders": 1, "public.sessions": 1, "public.empty": 0, "public.new": 5}
    assert bad(rows(now, before, ignore_tables=("public.sess*", "queue.*"))) == [("rows", "public.orders")]
    assert [name for dummy, name in bad(rows(now, before))] == ["public.orders", "public.sessions", "queue.jobs"]


def test_what_is_no_table_is_compared_too() -> None:
    """F12: 50 large objects and the value of a sequence were lost, and the drill passed."""
    before = {
        "large_objects": 50,
        "indexes": 10,
        "functions": 2,
        "triggers": 3,
        "sequences": {"public.ids": 5000, "public.gone": 7},
    }
    now = record({}, large_objects=0, indexes=9, functions=2, sequences={"public.ids": 1})
    found = measures.compared(now, past({"objects": before}), limits())
    assert bad(found) == [
        ("sequence", "public.gone"), ("sequence", "public.ids"), ("objects", "large_objects"), ("objects", "triggers"),
    ]  # fmt: skip
    assert "the restored database has 0 large objects, and had 50 in the last drill, which is 100 % less" in str(found)
    assert bad(measures.compared(now, past({"objects": before}), limits(max_drop_percent=100))) == []


@pytest.mark.parametrize(
    "tables, given, wrong",
    [
        ({}, {}, ["tables", "rows"]), ({}, {"min_tables": 0, "min_rows": 0}, []), ({"a": 0, "b": 0}, {}, ["rows"]), ({"a": 0, "b": 1}, {}, []),
        ({"a": 0}, {"min_rows": 0}, []), ({"a": 9}, {"min_tables": 2, "min_rows": 10}, ["tables", "rows"]),
    ],
)  # fmt: skip
def test_an_empty_database_is_no_backup(tables: dict[str, int], given: t.Any, wrong: list[str]) -> None:
    """F13: a dump without data passed."""
    found = measures.enough(record(tables), limits(**given))
    assert [kind for kind, dummy in bad(found)] == wrong
    assert not wrong or found[-1]["message"].endswith(f"and there must be {given.get('min_rows', 1)} (min_rows)")


def test_an_extension_must_be_known_to_the_server() -> None:
    known = {"production": {"hstore": "1.8", "pg_trgm": "1.6"}, "archive": ["hstore", "cube"]}
    first, second = measures.missing(known, {"pg_trgm": "1.6"}, "17.10", False)
    assert first.startswith("the extension cube, which the backup has, is not available on PostgreSQL 17.10. Install")
    assert second.startswith("the extension hstore, which the database has, is not")
    assert "An upgrade to it would lose" in measures.missing(known, {"pg_trgm": "1.6"}, "17.10", True)[0]
    assert measures.missing(known, {"hstore": "1.8", "pg_trgm": "1.6", "cube": "1.5"}, "17.10", False) == []
    found = measures.extensions({**known, "restored": {"hstore": "1.7", "cube": "1.5"}})
    assert bad(found) == [("extension", "pg_trgm")]
    assert found[1]["message"] == "the extension hstore exists, in version 1.7; the database has 1.8"


# -- the user's own checks -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value, expect, passed",
    [
        ("t", True, True), ("f", False, True), ("t", False, False), ("1", True, False), ("true", True, True), ("", False, False),
        ("12", 12, True), ("12.50", 12.5, True), ("12", "12", True), ("12 ", "12", True), ("12.0", "12", False), ("abc", 0, False), ("", 0, False),
        ("9007199254740993", 9007199254740992, False), ("", "", True), ("", None, True), ("a|b\nc|d", "a|b\nc|d", True), ("f", "false", False),
    ],
)  # fmt: skip
def test_what_the_users_queries_return(value: str, expect: t.Any, passed: bool) -> None:
    assert measures.equal(value, expect, POSTGRESQL) is passed


def test_mysql_says_true_in_its_own_way() -> None:
    assert (
        measures.equal("1", True, MYSQL) and measures.equal("0", False, MYSQL) and not measures.equal("t", True, MYSQL)
    )


def test_no_row_is_kept_unless_the_check_says_so() -> None:
    """Rows are personal data: neither evidence nor a message has one."""
    server = Stand(mail=[["anna@example.com", None]])
    wanted = {"name": "mine", "sql": "SELECT mail FROM users", "expect": "x"}
    verdicts, kept = measures.asked(server, [wanted, {**wanted, "name": "kept", "record_value": True}], 10)
    assert [verdict["message"] for verdict in verdicts] == [
        "the check mine returned something else, and not x",
        "the check kept returned anna@example.com|, and not x",
    ]
    assert "anna" not in str(kept[0]) and kept[1]["value"] == "anna@example.com|"
    assert kept[0]["output_sha256"] == kept[1]["output_sha256"] == measures.digest("anna@example.com|")
    assert kept[0]["sql_sha256"] == measures.digest("SELECT mail FROM users")
    assert [secret for dummy, secret, catalog in server.asked if not catalog] == [True, False]


def test_a_query_that_fails_is_a_finding() -> None:
    verdicts, kept = measures.asked(
        Stand(SELECT=ScalingoError("no")), [{"name": "mine", "sql": "SELECT", "expect": None}], 10
    )
    assert said(verdicts) == ["the check mine failed: no"] and kept[0]["output_sha256"] is None


def test_how_fresh_a_column_is() -> None:
    tables = ["public.orders", 'public."Odd"']
    wanted = [
        {"table": "orders", "column": "at", "max_age": 3600},
        {"table": "public.Odd", "column": 'a"t', "max_age": 10},
        {"table": "gone", "column": "at", "max_age": 10},
    ]
    server = Stand(orders=[["1000"]], Odd=[[None]])
    verdicts, kept = measures.fresh(server, wanted, tables, 4601, 10)
    assert [verdict["message"] for verdict in verdicts] == [
        "the newest row by orders.at is 60 minutes older than the backup; 60 minutes are allowed",
        'how fresh public.Odd.a"t is cannot be told: no row has a date there',
        "how fresh gone.at is cannot be told: the restored database has no table gone",
    ]
    assert [item["passed"] for item in kept] == [False, False, False] and kept[0]["age_seconds"] == 3601
    assert 'max("a""t")' in server.asked[1][0] and all(secret and catalog for dummy, secret, catalog in server.asked)
    assert measures.fresh(server, wanted[:1], tables, 4600, 10)[1][0]["passed"]


@pytest.mark.parametrize(
    "newest, age",
    [("90000", 10000), ("150000", -50000), ("100000000000", None), ("Infinity", None), ("-Infinity", None)],
)
def test_a_value_of_the_future_is_not_fresh(newest: str, age: int | None) -> None:
    """enduragent#244: one row of the future hides for ever that nothing is written any more; `infinity` ended the drill."""
    wanted = [{"table": "orders", "column": "at", "max_age": 86400}]
    verdicts, kept = measures.fresh(Stand(orders=[[newest]]), wanted, ["public.orders"], 100000, 10)
    assert kept[0]["age_seconds"] == age and kept[0]["passed"] is (age is not None)
    said = "how fresh orders.at is cannot be told: the newest value there is no moment before the backup"
    assert (verdicts[0]["message"] == said) is (age is None)


@pytest.mark.parametrize(
    "sizes, passed", [([100, 100, 100], False), ([100, 101, 99], True), ([100, 100], None), ([0, 0, 0], None)]
)
def test_backups_that_do_not_change_are_of_something_else(sizes: list[int], passed: bool | None) -> None:
    """A month of missing data was once hidden behind daily green backups."""
    found = measures.varied(sizes, 3, 1.5)
    assert [check["passed"] for check in found] == ([] if passed is None else [passed])


# -- verdicts ------------------------------------------------------------------------------------------------------------


def test_objectives() -> None:
    assert measures.objective("rpo", 7200, 3600.0, "it is {} old; {} are allowed") == (
        {"verdict": "missed"},
        [{"kind": "rpo", "name": "rpo", "passed": False, "message": "it is 2 hours old; 60 minutes are allowed"}],
    )
    assert measures.objective("rto", 10, 10.0, "it took {} of {}")[0] == {"verdict": "met"}
    assert measures.objective("rto", 10, None, "it took {} of {}") == ({"verdict": "not_asked"}, [])
    assert measures.objective("rto", None, 10.0, "it took {} of {}") == ({"verdict": "unknown"}, [])


def test_a_deviation_that_was_accepted_is_no_finding_until_its_day() -> None:
    found = rows({"public.logs": 1, "public.orders": 1}, {"public.logs": 10, "public.orders": 10})
    deviation = {"what": "rows *.logs", "accepted_by": "Ada", "until": "2026-12-31", "reason": "rotated"}
    assert measures.accept(found, [deviation], "2027-01-01") == [] and len(said(found)) == 2
    used = measures.accept(found, [deviation], "2026-12-31")
    assert [item["accepted_by"] for item in used] == ["Ada"] and "public.logs has 1 rows" in used[0]["finding"]
    assert ["public.orders" in text for text in said(found)] == [True]


def test_no_message_is_obeyed_by_a_terminal_and_names_stay_as_they_are() -> None:
    odd = "a\u202eb\x1b[2K\x9b"
    (check,) = rows({odd: 1}, {odd: 2})
    assert check["name"] == odd and check["message"].startswith("the table a\\u202eb\\x1b[2K\\x9b has 1 rows")
