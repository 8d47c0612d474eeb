# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the evidence of drills says of databases: policy, coverage, rehearsals; with evidence that is written as drills write it."""

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible.playbook.task import Task
from ansible.template import Templar
from ansible_collections.community.scalingo.plugins.action.scalingo_role_evidence import ActionModule
from ansible_collections.community.scalingo.plugins.action.scalingo_role_fleet_report import (
    ActionModule as FleetReport,
)
from ansible_collections.community.scalingo.plugins.module_utils import _evidence
from ansible_collections.community.scalingo.plugins.plugin_utils import _drills, _fleet, _fleet_report
from support.evidence import DAY, NOW, drilled, moment
from support.fleet import database
from support.roles import CONNECTION, LOADER, SPECIFICATIONS

Data = dict[str, t.Any]


@pytest.fixture
def place(tmp_path: Path) -> str:
    return str(tmp_path / "evidence")


def act(step: str, **arguments: t.Any) -> Data:
    """The action of the playbooks, in this process."""
    task = Task()
    task.args = {"step": step, **arguments}
    return t.cast(
        Data, ActionModule(task, CONNECTION, None, LOADER, Templar(loader=LOADER, variables={}), None).run(task_vars={})
    )


def policy(now: float = NOW, **content: t.Any) -> _drills.Policy:
    return _drills.Policy({**{name: option["default"] for name, option in _drills.POLICY.items()}, **content}, now)


def decision(database: str, until: str, **more: str) -> Data:
    return {"database": database, "reason": "a cache", "accepted_by": "Ada", "until": until, **more}


def statuses(place: str, databases: t.Sequence[Data], wanted: _drills.Policy) -> dict[str, tuple[str, str]]:
    report = _drills.coverage(databases, _evidence.entries(place), [], wanted, NOW)
    return {row["name"]: (row["status"], row["text"]) for row in report["databases"]}


def rated(given: Data, of: Data) -> Data:
    """A row of the report of the fleet."""
    defaults = {name: option.get("default") for name, option in SPECIFICATIONS["fleet_report"].items()}
    read = {"databases": [{**database(), **of}], "failures": []}
    return t.cast(Data, _fleet_report.report({**defaults, **given}, read, moment(NOW))["databases"][0])


# -- the policy ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("every: never", '- policy.every is "never": give seconds above 0, or for example 90m, 24h, 7d'),
        ("every: 0", "- policy.every is 0: give seconds above 0"),
        ("exclusion: []", "- policy.exclusion is not known: did you mean policy.exclusions?"),
        ("exclusions: [{database: shop/redis}]", "- policy.exclusions[0].reason is missing"),
        (
            "exclusions: [{database: a, reason: b, accepted_by: c, until: soon}]",
            '- policy.exclusions[0].until is "soon": give a day such as 2027-06-30',
        ),
        (
            "deviations: [{database: a, what: x, reason: b, accepted_by: '', until: 2027-06-30}]",
            "- policy.deviations[0].accepted_by is missing",
        ),
        ("scope: {shop: true}", "policy.scope"),
        ("- shop", "holds no keys"),
        ("a: [", "cannot be read"),
        ("a: {{ b }}", "cannot be read"),
    ],
)
def test_a_wrong_policy_is_refused_with_its_place(tmp_path: Path, content: str, said: str) -> None:
    path = tmp_path / "policy.yml"
    path.write_text(content, encoding="utf-8")
    found = act("policy", policy=str(path))
    assert found["failed"] and said in found["msg"] and str(path) in found["msg"]


def test_a_missing_policy_is_refused() -> None:
    found = act("policy", policy="/nowhere/policy.yml")
    assert found["failed"] and "the policy /nowhere/policy.yml cannot be read" in found["msg"]


@pytest.mark.parametrize("content", ["", "{}", "every:", "scope: []\nexclusions: null"])
@pytest.mark.parametrize("name", ["policy.yml", "policy.json"])
def test_a_policy_that_says_nothing_wants_all(tmp_path: Path, content: str, name: str) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    if content:
        assert act("policy", policy=str(path))["deviations"] == []
    assert act("policy", policy="", database={"name": "x"})["deviations"] == []


def test_deviations_are_of_one_database_and_end(tmp_path: Path) -> None:
    path = tmp_path / "policy.yml"
    kept = {"what": "rows public.sessions", "reason": "sessions expire", "accepted_by": "Ada Lovelace"}
    entries = [
        {"database": "shop/*", "until": "2999-01-01", **kept},
        {"database": "shop/postgresql", "until": "2020-01-01", **kept},
        {"database": "blog/postgresql", "until": "2999-01-01", **kept},
        {"database": "ad-7", "until": "2999-12-31", **kept},
    ]
    # As YAML has days, and as JSON has them.
    path.write_text(json.dumps({"deviations": entries}).replace('"2999-01-01"', "2999-01-01"), encoding="utf-8")
    found = act(
        "policy", policy=str(path), database={"name": "shop/postgresql", "addon_id": "ad-7", "addon": "postgresql"}
    )
    assert found["deviations"] == [{"until": "2999-01-01", **kept}, {"until": "2999-12-31", **kept}]
    assert act("policy", policy=str(path), database={"name": "other"})["deviations"] == []


def test_a_decision_counts_to_the_end_of_its_last_day() -> None:
    wanted = {"exclusions": [decision("shop/redis", "2026-12-01")]}
    assert policy(NOW, **wanted).decisions("exclusions", ["shop/redis"])
    assert policy(NOW + DAY, **wanted).decisions("exclusions", ["shop/redis"]) == []


# -- coverage -----------------------------------------------------------------------------------------------------------


def test_each_status_and_its_sentence(place: str) -> None:
    for name, outcome, days in (
        ("good", "passed", 10), ("again", "failed", 8), ("again", "passed", 7), ("bad", "passed", 9), ("bad", "failed", 5),
        ("old", "passed", 91), ("later", "passed", -1), ("cut", "passed", 20), ("cut", "interrupted", 1),
    ):  # fmt: skip
        drilled(place, name, outcome, days)
    drilled(place, "rehearsed", "passed", 1, rehearsal="17")
    drilled(place, "good", "failed", 1, rehearsal="17")
    wanted = policy(
        scope=["[!o]*", "old"], exclusions=[decision("cache", "2027-06-30"), decision("never", "2026-11-30")]
    )
    databases = [
        {"name": name}
        for name in ("good", "again", "bad", "old", "later", "cut", "rehearsed", "cache", "never", "other")
    ]
    assert statuses(place, databases, wanted) == {
        "bad": ("failed", "The last drill failed, and was not repeated: 3 rows are missing"),
        "later": ("overdue", "No drill passed within 90d."),
        "never": ("overdue", "No drill passed within 90d."),
        "old": ("overdue", "No drill passed within 90d; the last one that did was on 2026-09-01."),
        "rehearsed": ("overdue", "No drill passed within 90d."),
        "again": ("retested", "Failed on 2026-11-23, and passed again on 2026-11-24."),
        "cut": ("drilled", "Passed on 2026-11-11."),
        "good": ("drilled", "Passed on 2026-11-21."),
        "cache": ("excluded", "Excluded until 2027-06-30 by Ada: a cache"),
        "other": ("out_of_scope", "It is not in the scope of the policy."),
    }
    report = _drills.coverage(databases, _evidence.entries(place), [], wanted, NOW)
    assert report["counts"] == {
        "in_scope": 8, "failed": 1, "overdue": 4, "retested": 1, "drilled": 2, "excluded": 1, "out_of_scope": 1,
    }  # fmt: skip
    assert _drills.sentence(report) == (
        "3 of 8 databases in scope passed a drill within 90d: 1 after a failure, 1 failed, 4 overdue, 1 excluded."
    )
    assert report["findings"] == ["exclusions of the policy: what was decided of never was over on 2026-11-30."]


def test_evidence_is_of_a_database_by_its_addon_and_not_by_its_name_alone(place: str) -> None:
    """The app shop in two regions, and a database that was made anew under its old name."""
    drilled(place, "shop", "passed", 1, addon_id="ad-1", region="osc-fr1")
    found = [
        _drills.row({"name": "shop", **more}, _evidence.entries(place), policy(), NOW)["status"]
        for more in (
            {"addon_id": "ad-1"},
            {"addon_id": "ad-2"},
            {"region": "osc-secnum-fr1"},
            {"region": "osc-fr1"},
            {},
        )
    ]
    assert found == ["drilled", "overdue", "overdue", "drilled", "drilled"]


def test_a_policy_that_means_nobody_says_so() -> None:
    wanted = policy(scope=["shop/*", "blgo/*"], deviations=[decision("ad-9", "2999-01-01", what="rpo")])
    assert wanted.of_nobody([["shop/postgresql", "ad-1"]]) == [
        "scope of the policy: blgo/* is no database of this run.", "deviations of the policy: ad-9 is no database of this run.",
    ]  # fmt: skip


def test_what_is_altered_does_not_count(place: str, tmp_path: Path) -> None:
    one = drilled(place, "shop", "passed", 0)
    drilled(place, "blog", "passed", 0)
    databases = [{"name": "shop"}, {"name": "blog"}]
    files = {"html_file": str(tmp_path / "page.html"), "json_file": str(tmp_path / "page.json")}
    good = act("cover", evidence_dir=place, databases=databases, fail_on="failed,overdue", **files)
    assert not good["bad"]
    for before, is_same in (
        ({"generated_at": "2026-11-30T00:00:00Z"}, True),
        ({"every": "1d"}, False),
        ({"generated_at": None}, False),
    ):
        Path(files["json_file"]).write_text(json.dumps({**good["report"], **before}), "utf-8")
        report = act("cover", evidence_dir=place, databases=databases, **files)["report"]
        assert (report["generated_at"] == before.get("generated_at")) is is_same and report["every"] == "90d"
    Path(one.path).write_text(Path(one.path).read_text("utf-8").replace("passed", "failed"), "utf-8")
    found = act("cover", evidence_dir=place, databases=databases, **files)
    assert found["bad"] and {row["name"]: row["status"] for row in found["report"]["databases"]} == {
        "shop": "overdue",
        "blog": "drilled",
    }
    assert "was altered" in found["sentence"] and "was altered" in found["report"]["findings"][0]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({}, "drill_coverage_evidence_dir is missing"),
        ({"evidence_dir": "x", "fail_on": "drilled"}, "drill_coverage_fail_on[0] is"),
        ({"evidence_dir": "x", "html_file": "/nowhere/page.html"}, "html_file: there is no directory /nowhere"),
    ],
)
def test_what_is_wrong_for_the_coverage_is_refused(arguments: Data, said: str) -> None:
    found = act("cover", prefix="drill_coverage_", databases=[], **arguments)
    assert found["failed"] and said in found["msg"]


# -- rehearsals ---------------------------------------------------------------------------------------------------------


def not_rehearsed(place: str, engine: str, before: str, target: str) -> str:
    """Why the database is not upgraded, without its name."""
    given = {"require_rehearsal": "30d", "evidence_dir": place}
    database = {"name": "shop", "addon_id": "ad-1", "engine": engine, "version": before}
    why = _drills.unrehearsed(given, database, target, "upgrade_verify_", NOW)
    assert not why or why.startswith("shop is not upgraded: ")
    return why.partition(": ")[2]


@pytest.mark.parametrize(
    ("rehearsed", "said"),
    [
        ([("17", "passed", 29)], ""),
        ([("17", "failed", 3), ("17", "passed", 2)], ""),
        ([("17", "passed", 2), ("17", "interrupted", 1)], ""),
        (
            [("17", "passed", 31)],
            "no rehearsal of its upgrade to 17 passed within 30d, by the evidence in {place}; the last one was on 2026-10-31",
        ),
        ([("17", "passed", -1)], "no rehearsal of its upgrade to 17 passed within 30d, by the evidence in {place}"),
        (
            [("16", "passed", 1), ("18", "passed", 1), ("", "passed", 1), (None, "passed", 1)],
            "no rehearsal of its upgrade to 17 passed",
        ),
        ([("17", "passed", 2), ("17", "failed", 1)], "the last rehearsal of its upgrade to 17 failed on 2026-11-30"),
        ([], "no rehearsal of its upgrade to 17 passed"),
    ],
)
def test_an_upgrade_wants_a_rehearsal_of_this_addon_on_this_version(
    place: str, rehearsed: list[tuple[str | None, str, int]], said: str
) -> None:
    drilled(place, "other", "passed", 1, addon_id="ad-2", rehearsal="17")
    for to, outcome, days in rehearsed:
        drilled(place, "shop", outcome, days, addon_id="ad-1", rehearsal=to)
    found = not_rehearsed(place, "postgresql", "16.9.0-1", "17.5.0-1")
    assert found.startswith(said.format(place=place)) and bool(found) == bool(said)
    for engine in ("postgresql", "postgresql-ng", "scalingo-postgresql"):
        assert not not_rehearsed(place, engine, "16.9", "16.10")


def test_rehearsals_that_cannot_be_read_are_none(place: str) -> None:
    Path(place).write_text("a file", "utf-8")
    said = not_rehearsed(place, "postgresql", "16.9", "17.5")
    assert said.startswith("its rehearsals are not known") and place in said


def test_major_versions_of_mysql_have_two_numbers(place: str) -> None:
    drilled(place, "shop", "passed", 1, addon_id="ad-1", rehearsal="8.4")
    assert not not_rehearsed(place, "mysql", "8.0.36-1", "8.4.2-1")
    assert "to 9.0 passed" in not_rehearsed(place, "mysql", "8.0.36-1", "9.0.1-1")


def test_all_databases_of_a_fleet_that_were_not_rehearsed_are_named_at_once(place: str) -> None:
    drilled(place, "shop", days=1, addon_id="ad-1", rehearsal="17")
    wanted = {"require_rehearsal": "30d", "evidence_dir": place}
    rows: Data = {
        name: {"status": status, "addon_id": addon_id, "engine": "postgresql", "version_before": "16.9", "version_wanted": target}
        for name, status, addon_id, target in (
            ("shop", "pending", "ad-1", "17.5"), ("blog", "pending", "ad-2", "17.5"), ("minor", "pending", "ad-3", "16.10"),
            ("begun", "resume", "ad-4", "17.5"), ("still", "unchanged", "ad-5", None), ("other", "pending", "ad-6", "17.5"),
        )
    }  # fmt: skip
    given: Data = {**dict.fromkeys(rows, wanted), "other": {**wanted, "require_rehearsal": ""}}
    (only,) = _drills.unrehearsed_rows(rows, given, NOW)
    assert only.startswith("blog is not upgraded: no rehearsal of its upgrade to 17 passed within 30d")
    none = dict.fromkeys(rows, {**wanted, "evidence_dir": ""})
    assert _drills.unrehearsed_rows(rows, none, NOW) == [
        "fleet_upgrade_require_rehearsal needs fleet_upgrade_evidence_dir, the directory of the evidence of restore drills"
    ]


# -- the report of the fleet ----------------------------------------------------------------------------------------------


def test_the_report_of_the_fleet_knows_overdue_drills(place: str, tmp_path: Path) -> None:
    for name, outcome, days in (
        ("shop", "passed", 10),
        ("blog", "passed", 40),
        ("bad", "passed", 20),
        ("bad", "failed", 1),
    ):
        drilled(place, name, outcome, days, addon_id=f"ad-{name}")
    altered = drilled(place, "altered", "passed", 1, addon_id="ad-altered")
    drilled(place, "last", "passed", 1, addon_id="ad-last")
    Path(altered.path).write_text(Path(altered.path).read_text("utf-8").replace("90.0", "10.0"), "utf-8")
    policy_file = tmp_path / "policy.yml"
    policy_file.write_text(json.dumps({"every": "1d", "exclusions": [decision("left", "2999-01-01")]}), "utf-8")
    databases = [
        {"name": name, "addon_id": f"ad-{name}", "type_name": "postgresql"}
        for name in ("shop", "blog", "bad", "altered", "left")
    ]
    databases += [
        {"name": "cache", "addon_id": "ad-cache", "type_name": "redis"},
        {"name": "new", "type_name": "mysql"},
    ]
    action = FleetReport(Task(), CONNECTION, None, LOADER, Templar(loader=LOADER, variables={}), None)
    given = {"drill_evidence_dir": place, "drill_policy": str(policy_file), "drill_warning_age": "30d"}
    at = moment(NOW)
    assert action._drills_overdue(databases, given, at) == {
        "blog": "No drill passed within 30d; the last one that did was on 2026-10-22.",
        "bad": "The last drill failed, and was not repeated: 3 rows are missing",
        "altered": "No drill passed within 30d.",
        "new": "No drill passed within 30d.",
    }
    assert action._drills_overdue(databases, {**given, "drill_evidence_dir": ""}, at) == {}
    for wrong, said in (
        ({"drill_evidence_dir": "/nowhere"}, "there is no directory /nowhere"),
        ({"drill_policy": "/nowhere"}, "cannot be read"),
    ):
        with pytest.raises(_fleet.Refused, match=said):
            action._drills_overdue([], {**given, **wrong}, at)
    shown = {"name": "blog", "addon_id": "ad-blog"}
    reasons = rated(given={"drills_overdue": {"blog": "No drill passed."}}, of=shown)["reasons"]
    assert reasons == [{"finding": "drill_overdue", "level": "warning", "text": "No drill passed."}]
    assert rated(given={"drills_overdue": {"other": "No drill passed."}}, of=shown)["reasons"] == []
