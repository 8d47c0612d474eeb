# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""How the upgrade of a fleet is planned, goes on and is told of: the filters scalingo_fleet_upgrade_plan, _next and _report."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.community.scalingo.plugins.filter.scalingo_fleet_upgrade_next import decide
from ansible_collections.community.scalingo.plugins.filter.scalingo_fleet_upgrade_plan import plan
from ansible_collections.community.scalingo.plugins.filter.scalingo_fleet_upgrade_report import report

Data = dict[str, t.Any]

NOW = "2026-11-20T22:00:00Z"
SHOP: Data = {"app": "shop", "addon": "mysql"}


def result(
    before: str = "8.0.40-1",
    *path: str,
    following: str | None = None,
    operation: str | None = None,
    **database: t.Any,
) -> Data:
    """What the module returns in check mode."""
    return {
        "path": [{"version": version} for version in path],
        "database": {
            "readable_version": path[-1] if path else before, "type_name": "mysql", "status": "running", "current_operation_id": operation,
            "plan": "mysql-starter-512", **database,
        },
        "diff": {"before": {"readable_version": before}},
        "next_version": following,
        "major_available": following is not None,
        "app": "shop", "addon_id": "ad-1", "region": "osc-fr1",
    }  # fmt: skip


def state(run: Data | None = None, **rows: Data) -> str:
    begun = {
        "started_at": "2026-11-20T21:00:00Z",
        "ended_at": None,
        "scout": "shop/mysql",
        "scout_passed": False,
        **(run or {}),
    }
    return json.dumps(
        {
            "format": 1,
            "run": begun,
            "databases": {name.replace("_", "/"): row for name, row in rows.items()},
            "history": [],
        }
    )


def one(found: Data, **options: t.Any) -> Data:
    """The row of one database."""
    made = t.cast(Data, plan([SHOP], [found], now=NOW, **options))
    return t.cast(Data, made["rows"]["shop/mysql"])


def open_row(status: str = "started", **more: t.Any) -> Data:
    return {
        "status": status, "open": True, "attempted": True, "scout": True, "wave": 1, "addon_id": "ad-1", "version_before": "8.0.40-1",
        "version_wanted": "8.0.43-1", "operation_id": "op-1", "before": {"users": ["a"]}, "backup_id": "backup-1", **more,
    }  # fmt: skip


# -- the list ------------------------------------------------------------------------------------------------------------


def test_databases_get_names_and_what_they_do_not_say() -> None:
    given = [SHOP, {"name": "big", "app": "shop", "addon_id": "ad-2", "to": "17", "backup": False, "allow": ["major"]}]
    small, big = t.cast("list[Data]", plan(given, defaults={"to": "next", "backup": "yes"}))
    assert (small["name"], small["to"], small["backup"], small["allow"]) == ("shop/mysql", "next", True, [])
    assert (big["name"], big["to"], big["backup"], big["allow"], big["addon_id"]) == (
        "big",
        "17",
        False,
        ["major"],
        "ad-2",
    )


@pytest.mark.parametrize(
    "given, options, message",
    [
        ([SHOP, SHOP], {}, "two databases are called shop/mysql"),
        ([{"app": "shop"}], {}, "has no addon: shop"),
        ([{"app": "shop", "addon": "mysql", "max_age": "1h"}], {}, "max_age, which means nothing"),
        ([SHOP], {"accept": ["blog/mysql"]}, "blog/mysql is not in the list"),
        ([SHOP], {"stop_starting_at": "25:00"}, "neither a time in ISO 8601 nor HH:MM"),
        ([SHOP], {"stop_starting_at": "1350"}, "22:30 without quotes is 1350: put it in quotes"),
        ([SHOP], {"state": "{"}, "the state file cannot be read"),
        ([SHOP], {"state": "[]"}, "the state file cannot be read"),
        ([SHOP], {"state": '{"format": 2, "run": {}, "databases": {}}'}, "it is of the format 2"),
    ],
)
def test_what_is_written_wrongly_is_found_before_anything_is_asked(
    given: list[Data], options: Data, message: str
) -> None:
    with pytest.raises(AnsibleFilterError, match=message):
        plan(given, **options)


@pytest.mark.parametrize(
    "text, instant",
    [
        ("", None),
        ("23:30", "2026-11-20T23:30:00Z"),
        ("4:00", "2026-11-21T04:00:00Z"),
        ("22:00", "2026-11-21T22:00:00Z"),
        ("2026-11-21T04:00:00", "2026-11-21T04:00:00Z"),
        ("2026-11-21T04:00:00Z", "2026-11-21T04:00:00Z"),
        ("2026-11-21T04:00:00+01:00", "2026-11-21T03:00:00Z"),
    ],
)
def test_the_time_to_stop_is_in_utc(text: str, instant: str | None) -> None:
    made = t.cast(Data, plan([SHOP], [result()], now=NOW, stop_starting_at=text))
    assert made["run"]["stop_at"] == instant


# -- the plan ------------------------------------------------------------------------------------------------------------


def test_what_there_is_to_do() -> None:
    row = one(result("8.0.36-1", "8.0.40-1", "8.0.43-1", following="8.4.5-1"))
    assert (row["status"], row["version_before"], row["version_wanted"], row["major_available"]) == (
        "pending",
        "8.0.36-1",
        "8.0.43-1",
        "8.4.5-1",
    )
    assert (row["app"], row["addon_id"], row["region"], row["engine"]) == ("shop", "ad-1", "osc-fr1", "mysql")
    row = one(result("8.0.43-1"))
    assert (row["status"], row["version_after"], row["version_wanted"]) == ("unchanged", "8.0.43-1", None)


@pytest.mark.parametrize(
    "found, status, reason",
    [
        (result("8.0.40-1", "8.0.43-1", status="stopped"), "skipped", "it is stopped, not running"),
        (
            result("8.0.40-1", "8.0.43-1", status="updating", operation="op-9"),
            "skipped",
            "the operation op-9, which this run did not begin",
        ),
        (result("8.0.43-1", status="stopped"), "unchanged", ""),
        ({"msg": "no such app", "error": {"kind": "NotFound"}}, "failed", "no such app"),
        (
            {"msg": "add 'allow: [major]' to the task."},
            "failed",
            "add 'fleet_upgrade_allow: [major]' to the variables of the role.",
        ),
        ({"msg": "it is stopped", "error": {"kind": "Conflict"}}, "skipped", "it is stopped"),
        ({"msg": "silence", "error": {"kind": "Unreachable", "interrupted": True}}, "interrupted", "silence"),
        (result("17.6.0-1", "17.11.0-1", plan="postgresql-dr-starter-4096"), "skipped", "has no backups on demand"),
    ],
)
def test_what_is_left_alone_and_why(found: Data, status: str, reason: str) -> None:
    row = one(found)
    assert row["status"] == status and reason in row["reason"] and not row["attempted"] and not row["open"]


def test_a_database_without_backups_is_upgraded_when_the_user_says_so() -> None:
    dedicated = result("17.6.0-1", "17.11.0-1", plan="postgresql-dr-starter-4096")
    row = one(dedicated, without_backup="upgrade")
    assert (row["status"], row["backup"]) == ("pending", False)
    assert one(dedicated, defaults={"backup": False})["status"] == "pending"


# -- an earlier run ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "old, found, status",
    [
        (open_row(), result("8.0.40-1", "8.0.43-1", operation="op-1", status="upgrading"), "resume"),
        (open_row(), result("8.0.43-1"), "resume"),
        (open_row(), result("8.0.40-1", "8.0.43-1"), "resume"),
        (
            open_row("starting", operation_id=None),
            result("8.0.40-1", "8.0.43-1", operation="op-1", status="upgrading"),
            "resume",
        ),
        (open_row("starting", operation_id=None), result("8.0.43-1"), "resume"),
        (open_row("starting", operation_id=None), result("8.0.40-1", "8.0.43-1"), "pending"),
        (open_row("failed", findings=["the user a is gone"]), result("8.0.43-1"), "resume"),
        (open_row(), result("8.0.43-1", status="stopped"), "skipped"),
        (open_row(addon_id="ad-of-another"), result("8.0.43-1"), "unchanged"),
        (open_row(open=False), result("8.0.40-1", "8.0.43-1"), "pending"),
    ],
)
def test_what_began_earlier_is_taken_up_where_it_is(old: Data, found: Data, status: str) -> None:
    given = {**SHOP, "addon_id": "ad-1"} if old["addon_id"] != "ad-1" else SHOP
    made = t.cast(Data, plan([given], [found], state=state(shop_mysql=old), now=NOW))
    row = made["rows"]["shop/mysql"]
    assert row["status"] == status
    if status == "resume":
        assert (
            row["before"] == {"users": ["a"]}
            and row["version_before"] == "8.0.40-1"
            and row["backup_id"] == "backup-1"
            and row["scout"]
        )
        assert row["operation_id"] == "op-1" or not found["database"]["current_operation_id"]
    if status in ("resume", "skipped"):
        assert row["open"], "it is not forgotten"
    accepted = t.cast(Data, plan([given], [found], state=state(shop_mysql=old), now=NOW, accept=["shop/mysql"]))
    assert accepted["rows"]["shop/mysql"]["status"] in ("pending", "unchanged", "skipped")


def test_a_run_that_did_not_end_is_gone_on_with() -> None:
    began = {"started_at": "2026-11-20T03:00:00Z", "scout_passed": True}
    rows = {"shop_mysql": {**open_row("done", open=False), "version_after": "8.0.43-1", "steps": ["upgrade"]}}
    made = t.cast(
        Data, plan([SHOP], [result("8.0.43-1")], state=state(began, **rows), now=NOW, stop_starting_at="04:00")
    )
    run = made["run"]
    assert (run["scout"], run["scout_passed"], run["resumed_at"], run["started_at"]) == (
        "shop/mysql",
        True,
        NOW,
        began["started_at"],
    )
    assert run["stop_at"] == "2026-11-20T04:00:00Z", "it is the clock of the run that began"
    assert (made["rows"]["shop/mysql"]["status"], made["rows"]["shop/mysql"]["steps"]) == ("done", ["upgrade"])
    assert made["history"] == []


@pytest.mark.parametrize("run", [{"ended_at": "2026-11-20T21:30:00Z"}, {"started_at": "2026-11-19T21:00:00Z"}])
def test_a_run_that_ended_or_is_old_is_history(run: Data) -> None:
    text = state(
        run,
        shop_mysql={**open_row("failed", open=False), "reason": "full"},
        blog_mysql={"status": "unchanged", "attempted": False},
    )
    made = t.cast(Data, plan([SHOP], [result("8.0.40-1", "8.0.43-1")], state=text, now=NOW))
    assert (
        made["run"]["scout"],
        made["run"]["scout_passed"],
        made["run"]["resumed_at"],
        made["run"]["started_at"],
    ) == (None, False, None, NOW)
    (past,) = made["history"]
    assert list(past["databases"]) == ["shop/mysql"] and past["databases"]["shop/mysql"]["reason"] == "full"
    assert not t.cast(Data, plan([SHOP], [result()], state=state(run, shop_mysql=open_row()), now=NOW))["rows"][
        "shop/mysql"
    ]["scout"]


def test_what_was_never_verified_is_told_of_although_it_left_the_list() -> None:
    made = t.cast(
        Data, plan([SHOP], [result()], state=state(shop_mysql={}, blog_mysql=open_row(name="blog/mysql")), now=NOW)
    )
    row = made["rows"]["blog/mysql"]
    assert (row["status"], row["open"]) == ("skipped", True) and "not in the list" in row["reason"]


# -- the next wave -------------------------------------------------------------------------------------------------------


def rows(*statuses: str, **more: t.Any) -> Data:
    """Databases a, b, c and so on; a status can end in its wave, and * is for the scout."""
    found: Data = {}
    for name, text in zip("abcdefgh", statuses):
        status, dummy, wave = text.partition(" ")
        tried = bool(wave)
        found[name] = {
            "status": status,
            "attempted": tried,
            "wave": int(wave.strip("*")) if tried else None,
            "scout": "*" in wave,
            **more,
        }
    return found


@pytest.mark.parametrize(
    "statuses, decision",
    [
        (["pending"] * 4, ("scout", "a", 1)),
        (["unchanged", "skipped", "pending", "pending"], ("scout", "c", 1)),
        (["done 1*", "pending", "pending", "pending", "pending"], ("wave", "bcd", 2)),
        (["done 1*", "done 2", "skipped", "done 2", "pending"], ("wave", "e", 3)),
        (["done 1*", "unchanged"], ("none", "", 2)),
        (["done 1*", "resume 2", "resume 2", "pending"], ("resume", "bc", 2)),
        (["resume 1*", "pending"], ("resume", "a", 1)),
        (["interrupted 1*", "pending", "pending"], ("scout", "b", 2)),
        (["interrupted 1*", "done 2*", "pending", "pending"], ("wave", "cd", 3)),
        (["done 1*", "interrupted 2", "done 2", "pending"], ("wave", "d", 3)),
        (["failed", "interrupted", "pending"], ("scout", "c", 1)),
        ([], ("none", "", 1)),
    ],
)
def test_who_comes_next(statuses: list[str], decision: tuple[str, str, int]) -> None:
    found = decide(rows(*statuses), run={}, now=NOW)
    assert (found["kind"], "".join(found["names"]), found["number"], found["stop"]) == (*decision, "")


@pytest.mark.parametrize(
    "statuses, options, stop",
    [
        (["failed 1*", "pending"], {"on_failure": "finish"}, "the scout a failed"),
        (["interrupted 1*", "interrupted 2*", "pending"], {}, "two scouts in a row were interrupted, a and b"),
        (["done 1*", "failed 2", "done 2", "pending"], {}, "b failed"),
        (["done 1*", "failed 2", "done 2", "pending"], {"on_failure": "finish"}, ""),
        (
            ["done 1*", "failed 2", "failed 2", "pending"],
            {"on_failure": "finish", "max_failures": 2},
            "2 databases failed, and 2 is the most: b, c",
        ),
        (["done 1*", "interrupted 2", "interrupted 2", "pending"], {}, "everything of the last wave was interrupted"),
        (["done 1*", "starting 2", "pending"], {}, "nobody knows what became of b"),
        (["pending"], {"run": {"stop_at": NOW}}, f"it is later than {NOW} UTC"),
        (["pending"], {"run": {"stop_at": "2026-11-20T22:00:01Z"}}, ""),
    ],
)
def test_why_nothing_more_begins(statuses: list[str], options: Data, stop: str) -> None:
    found = decide(rows(*statuses), **{"run": {}, "now": NOW, **options})
    assert found["stop"] == stop and bool(found["names"]) is not bool(stop)


def test_a_scout_of_the_run_that_is_gone_on_with_counts() -> None:
    assert decide(rows("unchanged", "pending", "pending"), run={"scout_passed": True}, now=NOW, wave_size=5)[
        "names"
    ] == ["b", "c"]


# -- the report ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "statuses, options, outcome",
    [
        (["unchanged", "unchanged"], {}, "unchanged"),
        ([], {}, "unchanged"),
        (["unchanged", "skipped"], {}, "skipped"),
        (["done", "skipped"], {}, "changed"),
        (["done", "interrupted"], {}, "interrupted"),
        (["done", "started"], {}, "interrupted"),
        (["interrupted", "failed"], {}, "failed"),
        (["pending", "resume"], {"planned_only": True}, "would_change"),
        (["pending"], {"stop": "it is late"}, "skipped"),
        (["unchanged"], {"failure": "the list is wrong"}, "failed"),
    ],
)
def test_what_the_whole_came_to(statuses: list[str], options: Data, outcome: str) -> None:
    found = rows(*statuses, name="shop", version_before="1", version_wanted="2", backup=True)
    made = report(found, run={}, now=NOW, **options)
    assert made["outcome"] == outcome and len(made["databases"]) == len(statuses)
    assert sum(made["counts"].values()) == len(statuses)
    assert bool(made["findings"]) is (outcome in ("failed", "interrupted") or "stop" in options)


def test_a_line_tells_all_that_matters() -> None:
    found = {
        "shop": {
            "name": "shop", "status": "failed", "version_before": "16.8.0-1", "version_after": "16.10.0-1", "version_wanted": "16.10.0-1", "scout": True,
            "wave": 1, "backup_id": "b1", "findings": ["the extension hstore (1.8) is gone"], "steps": ["make a backup"],
        },
        "blog": {"name": "blog", "status": "pending", "version_before": "16.8.0-1", "version_wanted": "16.10.0-1", "reason": ""},
    }  # fmt: skip
    made = report(found, run={}, now=NOW, stop="the scout shop failed")
    assert made["lines"] == [
        "shop  failed       16.8.0-1 -> 16.10.0-1  wave 1, the scout; backup b1; the extension hstore (1.8) is gone",
        "blog  not started  16.8.0-1 -> 16.10.0-1  the scout shop failed",
        "2 databases: 1 failed, 1 not started",
        "Nothing more was begun, as the scout shop failed.",
    ]
    assert made["findings"] == [
        "shop: the extension hstore (1.8) is gone",
        "nothing more was begun, as the scout shop failed; 1 not started",
    ]
    assert "b1 is from before its upgrade" in made["next_steps"][1] and made["steps"] == ["shop: make a backup"]


def test_the_plan_says_would() -> None:
    (row,) = report(
        rows("pending", name="shop", backup=True, version_before="1", version_wanted="2"),
        run={},
        now=NOW,
        planned_only=True,
    )["databases"]
    assert [step.split()[0] for step in row["steps"]] == ["would"] * 3


def test_no_sentence_is_obeyed_by_a_terminal() -> None:
    odd = "a\u202eb\x1b[2K\x9b"
    row = rows("failed", name=odd, reason=odd, findings=[odd], steps=[odd], backup_id=odd)
    made = report(row, run={}, now=NOW)
    for name in ("lines", "findings", "steps", "next_steps"):
        assert made[name] and not any(odd in text for text in made[name]), name
        assert any("a\\u202eb\\x1b[2K\\x9b" in text for text in made[name]), name
    assert made["databases"][0]["name"] == odd


def test_a_state_file_that_is_nested_deeply_cannot_be_read() -> None:
    with pytest.raises(AnsibleFilterError, match="the state file cannot be read"):
        plan([SHOP], state='{"run": %s}' % ("[" * 100000), now=NOW)
