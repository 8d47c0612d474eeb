# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Parts of argument specs that add up."""

from __future__ import annotations

import re
import typing as t

import pytest
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.community.scalingo.plugins.module_utils import _options
from ansible_collections.community.scalingo.plugins.module_utils._errors import InvalidInput
from ansible_collections.community.scalingo.plugins.module_utils._options import Spec
from support.subjects import subjects


def validated(spec: Spec, **given: t.Any) -> tuple[dict[str, t.Any], list[str]]:
    result = ArgumentSpecValidator(**spec.kwargs()).validate(given)
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


def test_no_option_hides_what_the_task_gives_behind_the_environment() -> None:
    bare, problems = validated(_options.COMMON)
    assert problems == []
    assert {name: value for name, value in bare.items() if value is not None} == {
        "api_timeout": 30.0,
        "api_retries": 5,
        "validate_certs": True,
        "token_cache": True,
    }


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
def test_sensible_numbers_pass(params: dict[str, t.Any]) -> None:
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
    with pytest.raises(InvalidInput, match=f"^{name} is {value}: use a number of seconds from"):
        _options.check_ranges({name: value})


PARTS = Spec(
    {
        "pid": {"type": "int"},
        "user": {"type": "str"},
        "names": {"type": "list", "elements": "str"},
        "mode": {"type": "str", "choices": ["fast", "slow"], "default": "fast"},
        "features": {"type": "dict"},
        "window": {
            "type": "dict",
            "options": {"day": {"type": "str", "required": True}, "hour": {"type": "int", "default": 3}},
        },
        "users": {
            "type": "list",
            "elements": "dict",
            "options": {"name": {"type": "str", "required": True}, "password": {"type": "str"}},
        },
        "raw": {"type": "raw"},
        "wait_timeout": {"type": "float", "default": 60.0},
    },
    mutually_exclusive=(("pid", "user"),),
    required_one_of=(("pid", "user", "names", "users"),),
    required_if=(("mode", "slow", ("features",)),),
    never_empty=("pid", "users.password"),
)


def settled(**given: t.Any) -> dict[str, t.Any]:
    params, problems = validated(PARTS, **given)
    assert problems == []
    return _options.settle(PARTS, params, given)


def test_null_and_blank_are_as_if_they_were_not_given() -> None:
    plain = settled(user="reports")
    for value in (None, "", " \t\n"):
        assert settled(user="reports", raw=value) == plain
    # Ansible itself refuses null where there is a default, by name; it is no value here either.
    nulls = {"mode": None, "wait_timeout": None}
    assert _options.settle(PARTS, {**plain, **nulls}, {"user": "reports", **nulls}) == plain and plain["mode"] == "fast"
    assert settled(user="reports", names="") == plain
    assert settled(user="reports", window=None, features=None) == plain
    window = {"day": "monday", "hour": None}
    assert _options.settle(PARTS, {**plain, "window": window}, {"user": "reports", "window": window})["window"] == {
        "day": "monday",
        "hour": 3,
    }
    assert settled(users=[{"name": "bob", "password": None}])["users"] == [{"name": "bob", "password": None}]
    # What is raw is the task's own, but as a whole.
    assert settled(user="reports", raw={"a": None, "b": [""]})["raw"] == {"a": None, "b": [""]}
    # An empty list or dictionary is a value.
    assert settled(names=[], features={}) == {**plain, "user": None, "names": [], "features": {}}


@pytest.mark.parametrize(
    "given, said",
    [
        ({"user": None}, "one of the following is required: pid, user, names, users"),
        ({"user": " ", "names": None}, "one of the following is required: pid, user, names, users"),
        ({"names": ""}, "one of the following is required: pid, user, names, users"),
        (
            {"user": "a", "mode": "slow", "features": None},
            "mode is slow but all of the following are missing: features",
        ),
        ({"user": "a", "window": {"day": "", "hour": 1}}, "missing required arguments: day found in window"),
        ({"users": [{"name": " "}]}, "missing required arguments: name found in users"),
        ({"user": "a", "features": {"force-ssl": None}}, "features.force-ssl is empty"),
        ({"names": [""]}, "names has an empty entry, number 1 of 1"),
        ({"names": "a,,b"}, "names has an empty entry, number 2 of 3"),
        ({"pid": None, "names": ["a"]}, "pid is empty"),
        ({"users": [{"name": "bob", "password": ""}]}, "users.password is empty"),
        ({"user": "a", "wait_timeout": 0.5}, "wait_timeout is 0.5"),
    ],
)
def test_what_is_empty_is_refused_by_its_name(given: dict[str, t.Any], said: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        settled(**given)
    assert said in caught.value.message


def test_null_in_a_list_is_refused_by_its_name() -> None:
    dummy, problems = validated(PARTS, names=["a", None])
    # Before ansible-core 2.19 its own validation says so.
    if problems:
        assert "names" in problems[0]
        return
    with pytest.raises(InvalidInput, match="names has an empty entry, number 2 of 2"):
        settled(names=["a", None])


def test_nothing_that_is_empty_excludes_anything() -> None:
    params = {name: None for name in PARTS.options}
    assert _options.settle(PARTS, {**params, "pid": 7}, {"pid": 7, "user": None})["pid"] == 7


def test_parts_keep_what_must_not_be_empty() -> None:
    assert (PARTS + Spec({"x": {}}, never_empty=("x",))).never_empty == ("pid", "users.password", "x")


@pytest.mark.parametrize("subject", subjects(), ids=lambda subject: subject.name)
def test_null_and_blank_are_never_refused_in_the_words_of_ansible(subject: t.Any) -> None:
    spec = subject.module.argument_spec()
    known = set(validated(spec)[1])
    for name, option in spec.options.items():
        for value in (None, "", " \n") if not option.get("required") else ():
            params, problems = validated(spec, **_options.prepared(spec.options, {name: value}))
            # Relations between options are for what comes after.
            said = [
                problem
                for problem in problems
                if problem not in known and not re.search("require|missing|mutually", problem)
            ]
            assert said == [], (name, value)
            assert params[name] in (option.get("default"), None, value), (name, value)


def test_null_and_blank_inside_of_an_option_are_taken_for_its_default_too() -> None:
    given = {
        "window": {"day": "monday", "hour": None},
        "users": [{"name": "bob", "password": ""}],
        "mode": " ",
        "unknown": None,
    }
    prepared = _options.prepared(PARTS.options, given)
    assert prepared == {"window": {"day": "monday"}, "users": [{"name": "bob", "password": ""}], "unknown": None}
