# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a declared database comes to: which kinds the tags choose, what a failure ends, and what is told of one and of many."""

from __future__ import annotations

import typing as t

import pytest
import yaml
from ansible_collections.community.scalingo.plugins.plugin_utils import _baseline, _outcomes
from support.playbook import ROOT

SPEC = yaml.safe_load((ROOT / "roles/database_baseline/meta/argument_specs.yml").read_text(encoding="utf-8"))
OPTIONS = SPEC["argument_specs"]["main"]["options"]
WANTED = {"plan": "mysql-starter-512", "features": {"force-ssl": True}, "users": [], "pg_stat_statements": True}
GIVEN = {
    **{"app": "shop", "addon": "mysql", "addon_id": "", "region": "", "wanted": WANTED, "on_failure": "stop"},
    **{"allow": ["exposure", "mass_removal"], "wait_timeout": 9, "wait_interval": 1},
}
CONSENT = {"option": "database_baseline_allow", "place": "the variables of the role"}
REFUSED = {
    "failed": True,
    "msg": "It needs a word. Add 'allow: [exposure]' to the task.",
    "error": {"kind": "ConsentMissing", "interrupted": False},
    "diff": {"before": {"x": 1}, "after": {"x": 2}},
}
LOST = {
    "failed": True,
    "msg": "no answer",
    "error": {"kind": "OutcomeUnknown", "interrupted": True},
    "steps_done": ["a"],
}
DONE = {"changed": True, "steps": ["set it"], "diff": {"before": {}, "after": {}}, "app": "shop", "addon_id": "ad-1"}
PLAN, SETTINGS, *REST = _baseline.KINDS


def test_every_declared_key_has_a_kind_and_every_consent_a_module() -> None:
    keys = [key for kind in _baseline.KINDS for key in kind.keys]
    assert sorted(keys) == sorted(OPTIONS["database_baseline_wanted"]["options"])
    words = {
        word
        for kind in _baseline.KINDS
        for word in kind.arguments(
            {**GIVEN, "allow": OPTIONS["database_baseline_allow"]["choices"], "wanted": EVERY}
        ).get("allow", ())
    }
    assert words == set(OPTIONS["database_baseline_allow"]["choices"])


EVERY: dict[str, t.Any] = {"logical_databases": {}, "extensions": {}, "firewall_rules": {}}


def test_a_module_gets_what_it_takes() -> None:
    assert SETTINGS.arguments(GIVEN) == {
        **{"wait_timeout": 9, "wait_interval": 1, "allow": ["exposure"]},
        "features": {"force-ssl": True},
    }
    (statistics,) = [kind for kind in REST if kind.name == "pg_stat_statements"]
    assert statistics.arguments(GIVEN) == {}


@pytest.mark.parametrize(
    ("tags", "skipped", "own", "names"),
    [
        (["all"], [], [], ["plan", "settings", "pg_stat_statements", "users"]),
        (["database_baseline_users", "other"], [], [], ["users"]),
        (["all"], ["database_baseline_plan", "database_baseline_users"], [], ["settings", "pg_stat_statements"]),
        (["nightly"], [], ["nightly"], ["plan", "settings", "pg_stat_statements", "users"]),
        (["nightly"], [], [], []),
    ],
)
def test_tags_choose_kinds(tags: list[str], skipped: list[str], own: list[str], names: list[str]) -> None:
    assert [kind.name for kind in _baseline.chosen(WANTED, tags, skipped, own)] == names


def applied(*results: dict[str, t.Any], **given: t.Any) -> _baseline.Applied:
    found = _baseline.Applied("shop/mysql", {**GIVEN, **given}, CONSENT)
    for kind, result in zip(_baseline.KINDS, results):
        if not found.ended:
            found.add(kind, result)
    return found


def test_after_a_refusal_the_others_are_only_asked() -> None:
    found = applied(REFUSED, DONE, {**REFUSED, "app": "shop", "addon_id": "ad-1"}, LOST)
    assert found.only_asks and not found.ended
    summary = found.summary(False)
    assert (summary["outcome"], summary["steps"], summary["differences"]) == ("failed", [], [])
    assert [failure["kind"] for failure in summary["failures"]] == ["plan", "logical_databases"]
    assert "'database_baseline_allow: [exposure]' to the variables of the role" in found.message(summary)
    assert summary["database"]["addon_id"] == "ad-1" and summary["changed"] is False


def test_another_failure_ends_it_unless_told_otherwise() -> None:
    assert applied(LOST, DONE).ended
    found = applied(LOST, DONE, on_failure="continue")
    summary = found.summary(False)
    assert (summary["outcome"], summary["changed"], summary["steps"]) == ("interrupted", True, ["set it", "a"])
    assert found.message(summary).startswith(
        "shop/mysql could not be kept as declared, as that was interrupted:\n- plan: "
    )
    assert summary["next_steps"][0].startswith("Run it again later: ")


@pytest.mark.parametrize(
    ("results", "check_mode", "sentence"),
    [
        ([DONE], False, "shop/mysql is now as declared."),
        ([DONE], True, "shop/mysql is not as declared: check mode changed nothing."),
        ([{**DONE, "changed": False, "steps": []}], True, "shop/mysql is as declared."),
    ],
)
def test_success_says_what_is_true_now(results: list[dict[str, t.Any]], check_mode: bool, sentence: str) -> None:
    found = applied(*results)
    assert found.message(found.summary(check_mode)) == sentence


def summary(name: str, outcome: str, **more: t.Any) -> dict[str, t.Any]:
    common = {"differences": [], "findings": [], "failures": [], "started_at": "2026-01-01T00:00:00Z", "ended_at": None}
    return {"name": name, "outcome": outcome, "database": {"app": "shop"}, **common, **more}


def test_a_host_without_a_summary_failed_and_says_what_is_known() -> None:
    known = {"scalingo_outcomes_error": "r_app is missing"}
    assert _outcomes.of_host("a", known, "r")["findings"] == ["r_app is missing"]
    assert "see the output of the run" in _outcomes.of_host("a", {}, "r")["findings"][0]
    good = {"outcome": "changed", "database": {"name": "shop/mysql"}}
    assert _outcomes.of_host("a", {"r_summary": good}, "r") == {**good, "name": "a"}
    assert _outcomes.of_host("localhost", {"r_summary": good, "scalingo_target": {}}, "r")["name"] == "shop/mysql"
    late = _outcomes.of_host("a", {**known, "r_summary": good}, "r")
    assert (late["outcome"], late["findings"]) == ("failed", ["r_app is missing"])


def test_what_needs_a_consent_has_drifted_and_did_not_fail() -> None:
    failures = applied({**REFUSED}).summary(True)["failures"]
    refused = summary("b", "failed", failures=failures, findings=[failures[0]["message"]])
    broken = summary(
        "c", "failed", findings=["gone [404, request id 7]", "gone [404, request id 8]"], next_steps=["Mend it."]
    )
    found = _outcomes.report([summary("a", "unchanged"), refused, broken], compared=True)
    assert (found["outcome"], found["drifted"], found["failed"]) == ("failed", ["b"], ["c"])
    words = {"failed": ["could not be compared", "could not be compared"], "unchanged": ["is as declared", "are"]}
    assert _outcomes.sentence(found, words) == (
        "1 of 3 databases is as declared; 1 of 3 databases is not as declared: b; 1 of 3 databases could not be compared: c."
    )
    assert _outcomes.told(found["databases"][1], words).startswith("b is not as declared:\n- plan: It needs a word.")
    assert _outcomes.told(found["databases"][1], words).endswith("\n    x: 1 -> 2")
    assert _outcomes.told(broken, words) == "c could not be compared:\n- gone [404]\nMend it."
    half = summary("d", "failed", findings=["gone"], differences=[{"kind": "plan", "steps": ["set it"]}])
    assert _outcomes.told(half, words).startswith(
        "d is not as declared, and could not be compared in full:\n- plan: set it"
    )


@pytest.mark.parametrize(
    ("outcomes", "expected"),
    [
        (["unchanged", "changed"], "changed"),
        (["unchanged", "would_change"], "would_change"),
        (["unchanged"], "unchanged"),
        (["changed", "interrupted"], "failed"),
    ],
)
def test_the_outcome_of_all_is_the_worst(outcomes: list[str], expected: str) -> None:
    found = _outcomes.report([summary(str(number), word) for number, word in enumerate(outcomes)], compared=False)
    assert found["outcome"] == expected and "drifted" not in found
