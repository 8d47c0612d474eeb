# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The plan of a fleet's upgrade: who is the scout and who in which wave, what is refused, and why a wave does not begin."""

from __future__ import annotations

import datetime
import typing as t

import pytest
import yaml
from ansible_collections.community.scalingo.plugins.plugin_utils import _fleet_upgrade, _fleet_upgrade_report
from support.roles import ROLES

Data = dict[str, t.Any]

DEFAULTS: Data = {
    name[len("fleet_upgrade_") :]: value
    for name, value in yaml.safe_load(
        (ROLES / "fleet_upgrade" / "defaults" / "main.yml").read_text(encoding="utf-8")
    ).items()
}


def read(path: str | None = "16.14.0-1", **database: t.Any) -> Data:
    """What the module returned in check mode: with an upgrade, unless there is no path."""
    shown = {"type_name": "postgresql", "readable_version": "16.13.0-1", "status": "running", "plan": "starter"}
    versions = [{"version": path}] if path else []
    return {"database": {**shown, "current_operation_id": None, **database}, "path": versions}


class Fleet:
    """Databases with names such as APP/ENGINE, all of which have an upgrade unless `paths` says otherwise."""

    def __init__(self, *names: str, groups: Data | None = None, listed: bool = True, **variables: t.Any) -> None:
        self.names = names
        self.groups = groups or {}
        self.given = {**DEFAULTS, "databases": [{}] if listed else [], **variables}
        self.entry: Data = {}
        self.own: dict[str, Data] = {name: {} for name in names}
        self.paths = {name: read() for name in names}
        self.states: dict[str, Data] = {}
        self.known: dict[str, Data] = {name: {} for name in names}
        self.earlier: dict[str, Data] = {}

    def plan(self) -> Data:
        targets = {
            name: {"name": name, "app": name.split("/")[0], "addon": "postgresql", **self.entry} for name in self.names
        }
        given = {name: {**self.given, **self.own[name]} for name in self.names}
        return _fleet_upgrade.make(given, targets, self.paths, self.states, self.groups, self.earlier)

    def ends(self, plan: Data, *waves: str, **outcomes: str) -> None:
        """Let waves end, each outcome by the app of the database and otherwise as `waves` says."""
        for wave, usual in zip(plan["waves"], waves):
            for host in wave:
                found = outcomes.get(host.split("/")[0], usual)
                self.known[host] = {
                    "fleet_upgrade_turn": {"go": True, "plan": plan["started_at"], "at": plan["started_at"]},
                    "upgrade_verify_summary": {
                        **{"outcome": found, "findings": [], "failed_in": None, "started_at": plan["started_at"]},
                        **{"ended_at": None, "steps": [], "next_steps": [], "backup_id": None},
                        **{"version_before": "16.13.0-1", "version_after": "16.14.0-1"},
                    },
                }

    def reason(self, plan: Data, number: int) -> str:
        """Why a wave does not begin; empty when it does."""
        (reason,) = {_fleet_upgrade.turn(host, plan, self.known)["reason"] for host in plan["waves"][number - 1]}
        return str(reason)


LETTERS = [f"{letter}/db" for letter in "abcdefghijkl"]


def test_waves_of_a_list() -> None:
    plan = Fleet(*LETTERS).plan()
    assert [len(wave) for wave in plan["waves"]] == [1, 3, 8] and sum(plan["waves"], []) == LETTERS
    assert plan["scout"] == "a/db" and plan["rows"]["a/db"]["scout"] and plan["rows"]["e/db"]["wave"] == 3
    assert [len(wave) for wave in Fleet(*LETTERS, waves=[2]).plan()["waves"]] == [1, 2, 2, 2, 2, 2, 1]
    assert [len(wave) for wave in Fleet(*LETTERS, waves=[1]).plan()["waves"]] == [1] * 12
    assert [len(wave) for wave in Fleet(*LETTERS, waves=[1, 20]).plan()["waves"]] == [1, 11]


def test_two_databases_of_one_app_are_never_in_a_wave() -> None:
    fleet = Fleet("a/x", "b/x", "b/y", "b/z", "c/x", "c/y", waves=[1, 3])
    assert fleet.plan()["waves"] == [["a/x"], ["b/x", "c/x"], ["b/y", "c/y"], ["b/z"]]


def test_what_has_nothing_to_do_does_not_use_up_the_scout() -> None:
    fleet = Fleet("a/db", "b/db", "c/db", "d/db", "e/db")
    fleet.paths["a/db"] = read(None)
    fleet.paths["b/db"] = read(current_operation_id="op-1", status="upgrading")
    fleet.paths["c/db"] = {"msg": "it is stopped", "error": {"kind": "Conflict", "interrupted": False}}
    plan = fleet.plan()
    assert plan["waves"] == [["d/db"], ["e/db"]]
    assert [row["status"] for row in plan["rows"].values()] == ["unchanged", "skipped", "skipped", "pending", "pending"]
    fleet.paths = {name: read(None) for name in fleet.names}
    assert (fleet.plan()["waves"], fleet.plan()["group"]) == ([], "all:!all")


def test_the_scout_of_an_inventory_is_named_in_order_of_preference() -> None:
    groups = {"staging": ["d/db", "c/db"]}
    named = Fleet(*LETTERS[:5], listed=False, groups=groups, scout=["nobody", "e/db", "staging"])
    assert named.plan()["scout"] == "e/db"
    named.paths["e/db"] = read(None)
    assert named.plan()["scout"] == "c/db"
    with pytest.raises(
        _fleet_upgrade.Refused, match="fleet_upgrade_scout is missing.*a/db, b/db, c/db have an upgrade"
    ):
        Fleet(*LETTERS, listed=False).plan()
    lost = Fleet(*LETTERS, listed=False, scout=["z*", "y/db"])
    with pytest.raises(_fleet_upgrade.Refused, match=r"none of fleet_upgrade_scout \(z\*, y/db\) is in this run"):
        lost.plan()
    lost.given["allow"] = ["no_scout"]
    assert (lost.plan()["scout"], [len(wave) for wave in lost.plan()["waves"]]) == (None, [1, 3, 8])
    # The consent of one database is not that of the run.
    lost.given["allow"], lost.own["a/db"] = [], {"allow": ["no_scout"]}
    with pytest.raises(_fleet_upgrade.Refused):
        lost.plan()


def test_a_rerun_takes_up_what_a_run_left_whose_scout_is_done() -> None:
    """What was not started is taken up by a plain rerun; one that has nothing to do is no scout otherwise."""
    fleet = Fleet(*LETTERS[:6], listed=False, scout=["f/db", "a/db"], waves=[1, 3])
    plan = fleet.plan()
    assert plan["scout"] == "f/db"
    fleet.ends(plan, "changed", "changed", b="failed")
    for host in plan["waves"][2]:
        fleet.known[host] = {"fleet_upgrade_turn": _fleet_upgrade.turn(host, plan, fleet.known)}
    rows = {row["name"]: row for row in _fleet_upgrade_report.summary(plan, fleet.known)["databases"]}
    for host in ("f/db", "a/db", "c/db"):
        fleet.paths[host] = read(None, readable_version="16.14.0-1")
    with pytest.raises(_fleet_upgrade.Refused, match="or was the scout of a run that left these databases"):
        fleet.plan()
    fleet.earlier = rows
    again = fleet.plan()
    assert (again["scout"], again["waves"]) == ("f/db", [["b/db", "d/db", "e/db"]]) and fleet.reason(again, 1) == ""
    # And once more, when that run fails, too.
    fleet.ends(again, "failed")
    told = _fleet_upgrade_report.summary(again, fleet.known)
    fleet.earlier = {row["name"]: row for row in told["databases"]}
    assert (
        told["lines"][5]
        == "f/db  unchanged  16.14.0-1               it was the scout of the run that this one takes up"
    )
    assert fleet.plan()["scout"] == "f/db"
    for change in (
        {"b/db": {**rows["b/db"], "outcome": "changed"}},
        {"f/db": {**rows["f/db"], "outcome": "failed"}},
        {"f/db": {**rows["f/db"], "version_after": "16.13.9-1"}},
        {"f/db": {**rows["f/db"], "addon_id": "ad-another"}},
        {"f/db": {}},
    ):
        fleet.earlier = {**rows, **change}
        with pytest.raises(_fleet_upgrade.Refused):
            fleet.plan()
    # Where all is done there is nothing to take up.
    fleet.earlier, paths = rows, dict(fleet.paths)
    fleet.paths = {name: read(None, readable_version="16.14.0-1") for name in fleet.names}
    assert fleet.plan()["scout"] is None and not any(row["reason"] for row in fleet.plan()["rows"].values())
    fleet.paths = paths
    # A new one was not left by that run.
    fleet.earlier = {name: row for name, row in rows.items() if name != "d/db"}
    with pytest.raises(_fleet_upgrade.Refused):
        fleet.plan()


def test_a_scout_that_was_interrupted_is_the_scout_when_it_is_taken_up() -> None:
    fleet = Fleet(*LETTERS[:3], listed=False, scout=["a/db"], waves=[1, 3])
    fleet.states["a/db"] = {"before": {"version": "16.12.0-1"}}
    plan = fleet.plan()
    assert (plan["scout"], plan["waves"]) == ("a/db", [["a/db"], ["b/db", "c/db"]])
    fleet.ends(plan, "interrupted")
    assert fleet.reason(plan, 2) == "the scout a/db was interrupted"


def test_what_an_earlier_run_upgraded_has_the_version_from_before_it() -> None:
    fleet = Fleet("a/db", listed=False)
    fleet.states["a/db"] = {"before": {"version": "16.13.0-1"}}
    fleet.paths["a/db"] = read(None, readable_version="16.14.0-1")
    plan = fleet.plan()
    fleet.ends(plan, "unchanged")
    told = _fleet_upgrade_report.summary(plan, fleet.known)
    assert told["lines"][0] == (
        "a/db  unchanged  16.13.0-1 -> 16.14.0-1  wave 1; an earlier run upgraded it, and this one verified it"
    )
    assert told["findings"] == []


def test_what_a_person_reads_of_a_plan() -> None:
    fleet = Fleet(*LETTERS[:4], waves=[1, 2])
    fleet.states["c/db"] = {"before": {"version": "16.13.0-1"}}
    fleet.paths["c/db"] = read(current_operation_id="op-1", status="upgrading")
    fleet.paths["d/db"] = {"msg": "it is stopped", "error": {"kind": "Conflict", "interrupted": False}}
    fleet.paths["b/db"].update(major_available=True, next_version="17.0.0-1")
    fleet.own["a/db"] = {"backup": False}
    plan = fleet.plan()
    assert _fleet_upgrade_report.planned(plan) == [
        {"name": "c/db", "line": "c/db  would change  16.13.0-1 -> 16.14.0-1  wave 1"},
        {"name": "a/db", "line": "a/db  would change  16.13.0-1 -> 16.14.0-1  wave 2, the scout"},
        {"name": "b/db", "line": "b/db  would change  16.13.0-1 -> 16.14.0-1  wave 3; the major version 17.0.0-1 is available"},
    ]  # fmt: skip
    report = _fleet_upgrade_report.summary(plan, {}, planned_only=True)
    assert report["lines"][3:] == [
        "d/db  skipped       unknown                 it is stopped",
        "4 databases: 3 would change, 1 skipped.",
    ]
    steps = {row["name"]: row["steps"] for row in report["databases"]}
    assert steps["c/db"] == ["would wait for the upgrade that an earlier run began, and verify it"]
    assert steps["a/db"] == ["would upgrade from 16.13.0-1 to 16.14.0-1", "would verify it"]
    assert steps["b/db"] == ["would ensure a recent backup", *steps["a/db"]] and steps["d/db"] == []
    assert _fleet_upgrade_report.sentence(report) == "No database was upgraded: 3 would change, 1 skipped."


def test_what_a_person_reads_of_one_that_failed_or_was_interrupted() -> None:
    fleet = Fleet(*LETTERS[:3], waves=[1, 9])
    fleet.paths["c/db"] = read(None)
    plan = fleet.plan()
    fleet.ends(plan, "changed", "failed")
    one, other = (fleet.known[name]["upgrade_verify_summary"] for name in LETTERS[:2])
    one["backup_id"] = "b-1"
    other.update(failed_in="verify", findings=["a table is gone"], next_steps=["Restore it."])
    told = _fleet_upgrade_report.summary(plan, fleet.known)
    assert told["lines"][0] == "a/db  changed    16.13.0-1 -> 16.14.0-1  wave 1, the scout; backup b-1"
    verified = "It was upgraded, and each run verifies it again until nothing is missing, or its name is in fleet_upgrade_accept."
    assert told["next_steps"] == [f"Check b/db. {verified}", "Restore it."] and told["outcome"] == "failed"
    # It was killed in its turn.
    del fleet.known["b/db"]["upgrade_verify_summary"]
    told = _fleet_upgrade_report.summary(plan, fleet.known)
    assert told["findings"] == ["b/db: the run ended before it knew how the upgrade ends"]
    assert [text[:19] for text in told["next_steps"]] == ["Run it again later:"]
    said = "The upgrade of the fleet was interrupted for b/db: 1 interrupted, 1 changed, 1 unchanged."
    assert _fleet_upgrade_report.sentence(told) == said
    fleet.ends(plan, "changed", "changed")
    told = _fleet_upgrade_report.summary(plan, fleet.known)
    assert _fleet_upgrade_report.sentence(told) == "2 databases are upgraded and verified, 1 unchanged."


def test_the_order_is_that_of_names_groups_and_patterns() -> None:
    fleet = Fleet("prod1/db", "prod2/db", "test1/db", "stage/db", groups={"staging": ["stage/db"]}, waves=[1, 9])
    fleet.given["order"] = ["staging", "test*"]
    assert fleet.plan()["waves"] == [["stage/db"], ["test1/db", "prod1/db", "prod2/db"]]


def test_what_an_earlier_run_began_comes_first() -> None:
    fleet = Fleet(*LETTERS[:4])
    fleet.states = {name: {"before": {"version": "16.13.0-1"}} for name in ("b/db", "c/db", "d/db")}
    fleet.paths["b/db"] = read(current_operation_id="op-1", status="upgrading")
    fleet.paths["c/db"] = read(None, readable_version="16.14.0-1")
    plan = fleet.plan()
    # The upgrade of the last one was never accepted, so that it waits for its turn.
    assert plan["waves"] == [["b/db", "c/db"], ["a/db"], ["d/db"]]
    assert [plan["rows"][name]["status"] for name in LETTERS[:4]] == ["pending", "resume", "resume", "pending"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda fleet: fleet.own["b/db"].update(waves=[5]), "fleet_upgrade_waves is not the same for a/db and b/db"),
        (lambda fleet: fleet.entry.update(allow=["no_scout"]), "a/db: allow has no_scout, which is of the whole run"),
        (lambda fleet: fleet.paths.update({n: {**read(), "addon_id": "ad-1"} for n in fleet.names}), "are the same database, ad-1"),
    ],
)  # fmt: skip
def test_what_the_plan_refuses(change: t.Callable[[Fleet], None], message: str) -> None:
    fleet = Fleet("a/db", "b/db")
    change(fleet)
    with pytest.raises(_fleet_upgrade.Refused, match=message):
        fleet.plan()


def test_wrong_variables_of_any_database_are_told_once() -> None:
    wrong = {"failed": True, "msg": "The variables are not valid"}
    with pytest.raises(_fleet_upgrade.Refused, match="^The variables are not valid$"):
        _fleet_upgrade.settings({"a": DEFAULTS, "b": wrong, "c": wrong})


def test_when_a_wave_begins() -> None:
    fleet = Fleet(*LETTERS)
    plan = fleet.plan()
    assert fleet.reason(plan, 1) == ""
    for outcome, reason in (
        ("changed", ""),
        ("unchanged", ""),
        ("failed", "the scout a/db failed"),
        ("interrupted", "the scout a/db was interrupted"),
        ("skipped", "the scout a/db was skipped"),
    ):
        fleet.ends(plan, outcome)
        assert fleet.reason(plan, 2) == reason
    fleet.ends(plan, "changed", "changed", c="failed")
    assert fleet.reason(plan, 3) == "c/db failed"
    fleet.ends(plan, "changed", "changed", c="interrupted")
    assert fleet.reason(plan, 3) == ""
    fleet.ends(plan, "changed", "interrupted")
    assert fleet.reason(plan, 3) == "everything of the last wave was interrupted"
    del fleet.known["d/db"]["upgrade_verify_summary"]
    assert fleet.reason(plan, 3) == "nobody knows what became of d/db"


def test_failures_that_do_not_end_the_run_are_counted() -> None:
    fleet = Fleet(*LETTERS, on_failure="finish", max_failures=2, waves=[1, 3, 3])
    plan = fleet.plan()
    fleet.ends(plan, "changed", "changed", c="failed")
    assert fleet.reason(plan, 3) == ""
    fleet.ends(plan, "changed", "changed", "changed", c="failed", f="failed")
    assert fleet.reason(plan, 4) == "2 databases failed, and 2 is the most: c/db, f/db"


def test_what_is_late_or_frozen_does_not_begin_but_what_began_is_followed() -> None:
    fleet = Fleet("a/db", "b/db", stop_starting_at="2020-01-01T00:00:00Z")
    fleet.states["b/db"] = {"before": {"version": "16.12.0-1"}}
    plan = fleet.plan()
    assert fleet.reason(plan, 1) == ""
    fleet.ends(plan, "changed")
    assert fleet.reason(plan, 2) == "it is later than 2020-01-01T00:00:00Z"
    today = _fleet_upgrade.now().strftime("%Y-%m-%d")
    fleet.given.update(stop_starting_at="", freeze=[f"{today}/{today}"])
    assert fleet.reason(fleet.plan(), 2) == f"nothing is started in the freeze {today}/{today}"
    ahead = (_fleet_upgrade.now() + datetime.timedelta(hours=2)).strftime(_fleet_upgrade.TIME)
    fleet.given["freeze"] = [f"{ahead}/2999-01-01"]
    assert _fleet_upgrade.turn("a/db", fleet.plan(), fleet.known)["not_after"] == ahead


def test_times() -> None:
    begun = _fleet_upgrade.instant("2026-11-20T22:00:00Z")
    for text, expected in (("23:30", "2026-11-20T23:30:00Z"), ("04:00", "2026-11-21T04:00:00Z")):
        found = _fleet_upgrade.stop_at(text, begun)
        assert found is not None and found.strftime(_fleet_upgrade.TIME) == expected
    assert _fleet_upgrade.instant("2026-11-20T23:00:00+02:00").hour == 21
    begin, end = _fleet_upgrade.period("2026-12-20/2026-12-21")
    assert end - begin == datetime.timedelta(days=2)
    for wrong in ("2026-12-20", "2026-12-21/2026-12-20", "x/y", "2026-12-20/2026-12-21/2026-12-22"):
        with pytest.raises(ValueError):
            _fleet_upgrade.period(wrong)


def test_what_a_person_reads() -> None:
    fleet = Fleet(*LETTERS[:6], waves=[1, 3])
    fleet.paths["f/db"] = read(None)
    plan = fleet.plan()
    fleet.ends(plan, "changed", "changed", c="failed")
    for host in plan["waves"][2]:
        fleet.known[host] = {"fleet_upgrade_turn": _fleet_upgrade.turn(host, plan, fleet.known)}
    fleet.known["c/db"]["upgrade_verify_summary"].update(findings=["the disk is full"], next_steps=["Free some space."])
    report = _fleet_upgrade_report.summary(plan, fleet.known)
    assert report["failures"] == {"c/db": "c/db failed:\n- the disk is full\nFree some space."}
    assert report["lines"][-1] == "6 databases: 1 failed, 3 changed, 1 not started, 1 unchanged."
    assert report["lines"][4].endswith("wave 3; c/db failed")
    expected = "The upgrade of the fleet failed for c/db: 1 failed, 3 changed, 1 not started, 1 unchanged."
    assert _fleet_upgrade_report.sentence(report) == expected
    assert report["findings"] == ["c/db: the disk is full", "nothing more was begun, as c/db failed; 1 not started"]
    planned = _fleet_upgrade_report.summary(plan, {}, planned_only=True)
    assert planned["outcome"] == "would_change" and planned["counts"]["would_change"] == 5
    assert planned["databases"][0]["steps"][1] == "would upgrade from 16.13.0-1 to 16.14.0-1"
