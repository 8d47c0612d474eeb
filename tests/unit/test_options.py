# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parts of argument specs that add up."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.community.scalingo.plugins.module_utils import _options
from ansible_collections.community.scalingo.plugins.module_utils._errors import InvalidInput
from ansible_collections.community.scalingo.plugins.module_utils._options import Spec
from ansible_collections.community.scalingo.plugins.modules import scalingo_database, scalingo_firewall_rule, scalingo_logical_db


def validated(spec: Spec, **given: t.Any) -> t.Tuple[t.Dict[str, t.Any], t.List[str]]:
    kwargs = spec.kwargs()
    assert kwargs.pop("supports_check_mode") is True
    result = ArgumentSpecValidator(**kwargs).validate(given)
    return result.validated_parameters, result.error_messages


def test_specs_add_up_with_their_relations() -> None:
    first = Spec({"a": {}, "b": {}}, mutually_exclusive=(("a", "b"),), required_by={"a": ("c",)})
    second = Spec({"c": {}, "d": {}, "e": {}}, required_one_of=(("c", "d"),), required_together=(("d", "e"),))
    third = Spec({"f": {"default": "x"}}, required_if=(("f", "x", ("c",)),))
    whole = first + second + third
    assert list(whole.options) == ["a", "b", "c", "d", "e", "f"]
    assert validated(whole, c="1", f="y")[1] == []
    for given in (
        {"a": "1", "b": "1", "c": "1"},
        {"a": "1", "d": "1", "e": "1", "f": "y"},
        {"f": "y"},
        {"c": "1", "d": "1"},
        {"d": "1", "e": "1"},
    ):
        assert validated(whole, **given)[1], given


def test_no_part_declares_an_option_of_another() -> None:
    with pytest.raises(ValueError, match="declared twice: a, b"):
        Spec({"b": {}, "a": {}, "c": {}}) + Spec({"a": {}, "b": {}})


def test_the_keyword_arguments_are_copies() -> None:
    spec = Spec({"a": {"type": "str"}})
    spec.kwargs()["argument_spec"]["a"]["type"] = "int"
    spec.kwargs()["argument_spec"]["b"] = {}
    assert spec.kwargs()["argument_spec"] == {"a": {"type": "str"}}


def test_secrets_are_not_logged_and_nothing_else_is_hidden() -> None:
    hidden = {name: option["no_log"] for name, option in _options.COMMON.options.items() if "no_log" in option}
    assert hidden == {"api_token": True, "addon_token": True, "token_cache": False}


def test_environment_of_the_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "SCALINGO_API_TOKEN",
        "SCALINGO_REGION",
        "SCALINGO_API_URL",
        "SCALINGO_DB_API_URL",
        "SCALINGO_DB_URL",
        "SCALINGO_AUTH_URL",
        "SCALINGO_CA_PATH",
        "SCALINGO_APP",
        "SCALINGO_ADDON",
        "SCALINGO_ADDON_TOKEN",
    ):
        monkeypatch.delenv(name, raising=False)
    bare, problems = validated(_options.COMMON)
    assert problems == [] and bare["region"] == "osc-fr1" and bare["api_token"] is None
    monkeypatch.setenv("SCALINGO_DB_URL", "second")
    assert validated(_options.COMMON)[0]["db_api_url"] == "second"
    monkeypatch.setenv("SCALINGO_DB_API_URL", "first")
    assert validated(_options.COMMON)[0]["db_api_url"] == "first"
    assert validated(_options.COMMON, db_api_url="given")[0]["db_api_url"] == "given"
    monkeypatch.setenv("SCALINGO_REGION", "osc-secnum-fr1")
    assert validated(_options.COMMON)[0]["region"] == "osc-secnum-fr1"
    monkeypatch.setenv("SCALINGO_CA_PATH", "/authorities.pem")
    assert validated(_options.COMMON)[0]["ca_path"] == "/authorities.pem"


def test_waiting_has_a_default_of_its_own_and_wait_only_where_it_means_something() -> None:
    assert validated(_options.waiting(900))[0] == {
        "wait_timeout": 900.0,
        "wait_interval": 5.0,
        "wait": True,
        "on_busy": "wait",
    }
    assert "wait" not in validated(_options.waiting(60, wait=False))[0]
    assert list(validated(_options.waiting(60, on_busy=False))[0]) == ["wait_timeout", "wait_interval", "wait"]


def test_allow_takes_the_known_words_only() -> None:
    spec = _options.consent("major", "exposure")
    assert validated(spec) == ({"allow": []}, [])
    assert validated(spec, allow="major,exposure") == ({"allow": ["major", "exposure"]}, [])
    assert "major, exposure" in validated(spec, allow=["everything"])[1][0]


@pytest.mark.parametrize(
    "params", [{}, {"wait_timeout": None}, {"wait_timeout": 1.0, "wait_interval": 0.1}, {"wait_timeout": 1e9}]
)
def test_sensible_numbers_pass(params: t.Dict[str, t.Any]) -> None:
    _options.check_ranges(params)


@pytest.mark.parametrize(
    "name, value",
    [
        ("wait_timeout", 0.9),
        ("wait_timeout", -1.0),
        ("wait_timeout", float("nan")),
        ("wait_timeout", float("inf")),
        ("wait_interval", 0.0),
        ("wait_interval", 0.09),
        ("wait_interval", float("-inf")),
    ],
)
def test_senseless_numbers_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(InvalidInput, match="^%s is %s: use a number of seconds from" % (name, value)):
        _options.check_ranges({name: value})


def test_the_baseline_hands_every_consent_on() -> None:
    role = Path(__file__).resolve().parents[2] / "roles" / "database_baseline"
    kinds = {"settings": scalingo_database, "firewall_rules": scalingo_firewall_rule, "logical_databases": scalingo_logical_db}
    passed = {"plan_change"}
    for kind, module in kinds.items():
        text = (role / "tasks" / "kinds" / ("%s.yml" % kind)).read_text(encoding="utf-8")
        found = re.search(r"intersect\((\[.*?\])\)", text)
        words = set(yaml.safe_load(found.group(1) if found else "[]"))
        assert words == set(module.argument_spec().options["allow"]["choices"]), kind
        passed |= words
    spec = yaml.safe_load((role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))["argument_specs"]["main"]["options"]
    assert set(spec["database_baseline_allow"]["choices"]) == passed
