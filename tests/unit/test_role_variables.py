# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action that reads the variables of a role: every variable of every role as text, as JSON text, as null and as blank."""

from __future__ import annotations

import datetime
import json
import re
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.errors import AnsibleActionFail
from ansible_collections.community.scalingo.plugins.plugin_utils._inventory import trust_as_template
from ansible_collections.community.scalingo.plugins.plugin_utils._role_reader import Reader
from support.roles import ROLES, SPECIFICATIONS, Option, right, run, said

VARIABLES = [(role, name) for role, options in SPECIFICATIONS.items() for name in options]


def as_text(value: t.Any) -> str:
    """As a person writes it on the command line, or in the answer to a survey."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list) and not isinstance(value[0], dict):
        return ",".join(str(item) for item in value)
    return json.dumps(value) if isinstance(value, (list, dict)) else str(value)


def texts_inside(value: t.Any) -> t.Any:
    """The same with text in place of each boolean and number inside."""
    if isinstance(value, dict):
        return {name: texts_inside(item) for name, item in value.items()}
    return (
        [texts_inside(item) for item in value] if isinstance(value, list) else value if value == 5 else as_text(value)
    )


@pytest.mark.parametrize(("role", "name"), VARIABLES)
def test_a_variable_means_the_same_as_text_and_as_json_text(
    role: str, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = right(name, SPECIFICATIONS[role][name])
    texts: list[t.Any] = [
        value,
        as_text(value),
        json.dumps(value) if isinstance(value, (list, dict)) else as_text(value),
    ]
    for text in [*texts, texts_inside(value)]:
        result = run(role, {name: text}, monkeypatch)
        assert result.get("failed") is None, result["msg"]
        found = result[name]
        assert found == value and type(found) in (type(value), int if isinstance(value, float) else type(value)), text


@pytest.mark.parametrize(("role", "name"), VARIABLES)
def test_null_and_blank_are_not_given(role: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for nothing in (None, "", " \n", "__omit_place_holder__0123"):
        result = run(role, {name: nothing}, monkeypatch)
        if SPECIFICATIONS[role][name].get("required"):
            assert result["failed"] and f"- {role}_{name} is missing: give " in result["msg"]
        else:
            assert result[name] == SPECIFICATIONS[role][name]["default"]


def test_all_that_is_wrong_is_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {"users": [{"name": "x"}], "sql_modes": "NO MODE", "maintenance_window": {"starting_hour_utc": 24}}
    given = {
        "wanted": wanted,
        "wait_timeout": 0,
        "on_failure": "go on",
        "app": "two words",
        "allow": ["all", "eviction"],
    }
    assert run("database_baseline", given, monkeypatch)["msg"].split("\n")[1:] == [
        '- database_baseline_app is "two words": give a name or an ID, without blanks and slashes',
        "- database_baseline_wanted.maintenance_window: maintenance_window: starting_hour_utc: 24 is not an hour of the day: use 0 to 23, in UTC.",
        "- database_baseline_wanted.sql_modes: modes: 'NO MODE' is not the name of an SQL mode: use for example STRICT_TRANS_TABLES.",
        "- database_baseline_wanted.users: name: 'x' is not the name of a user: it must have 6 to 32 characters, and no spaces.",
        '- database_baseline_allow[0] is "all": give plan_change or exposure or eviction or backups_off or persistence_off or mass_removal',
        '- database_baseline_on_failure is "go on": give stop or continue',
        "- database_baseline_wait_timeout is 0: give a number from 1 up",
    ]


@pytest.mark.parametrize(("role", "name"), VARIABLES)
def test_the_entry_of_a_database_overrides_a_variable(role: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    value = right(name, SPECIFICATIONS[role][name])
    wrong = {"not": ["right"]}
    for text in (value, json.dumps(value) if isinstance(value, (list, dict)) else as_text(value)):
        result = run(role, {name: wrong}, monkeypatch, over={name: text})
        assert result.get("failed") is None and result[name] == value, result
    for nothing in (None, "", " "):
        assert run(role, {name: value}, monkeypatch, over={name: nothing})[name] == value


def test_what_is_wrong_in_the_entry_of_a_database_is_named_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = {
        **{"app": "shop", "addon": "mysql", "wanted": {"plann": "x"}, "wait_timeout": "soon", "keep_dys": 3},
        **{"settle_seconds": "of another role", "backup": None},
    }
    assert run("database_baseline", {"wanted": {"plan": "x"}}, monkeypatch, over=entry)["msg"].split("\n")[1:] == [
        "- shop/mysql: wanted.plann is not known: did you mean wanted.plan?",
        '- shop/mysql: wait_timeout is "soon": give a number from 1 up',
        "- shop/mysql: keep_dys is not known: did you mean keep_days?",
    ]
    with pytest.raises(AnsibleActionFail, match="over is .*shop.*: give a dictionary"):
        run("database_baseline", {}, monkeypatch, over=["shop"])


def test_a_template_that_cannot_be_expanded_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    age, url = map(said, ("{{ nobody_knows }}", "{{ 'canary' | nobody_knows }}"))
    message = run("backup_offsite", {"max_age": age, "keep_count": 0}, monkeypatch)["msg"]
    assert "- backup_offsite_max_age is a template that cannot be expanded: " in message and "nobody_knows" in message
    assert "- backup_offsite_keep_count is 0: give a whole number from 1 up" in message
    message = run("restore_drill", {"server_url": url}, monkeypatch)["msg"]
    assert message.endswith("- restore_drill_server_url is a template that cannot be expanded")


@pytest.mark.parametrize("role", SPECIFICATIONS)
def test_defaults_are_those_that_the_argument_spec_says(role: str) -> None:
    defaults = yaml.safe_load((ROLES / role / "defaults" / "main.yml").read_text(encoding="utf-8"))
    options = SPECIFICATIONS[role]
    assert defaults == {f"{role}_{name}": option["default"] for name, option in options.items() if "default" in option}
    assert all("default" in option or option["required"] for option in options.values())
    # The names stand beside the keys of every task's result.
    assert not set(options) & {
        "changed",
        "failed",
        "skipped",
        "msg",
        "diff",
        "warnings",
        "deprecations",
        "exception",
        "invocation",
        "items",
        "keys",
        "target",
        "check_mode",
    }


@pytest.mark.parametrize("role", SPECIFICATIONS)
def test_tasks_read_no_variable_but_through_the_action(role: str) -> None:
    """Where the plain name stands, it is a sentence, a tag or what the role gives to another one."""
    names = "|".join(sorted(SPECIFICATIONS[role], key=len, reverse=True))
    plain = re.compile(rf"(?<![\w.']){role}_(?:{names})\b(?![.=_]|: )")
    for path in [
        *(ROLES / role).glob("tasks/**/*.yml"),
        *(ROLES / role).glob("vars/*.yml"),
        *(ROLES / role).glob("templates/*"),
    ]:
        for expression in expressions(path):
            outside = re.sub(r"'[^']*'", "''", expression)
            assert not plain.search(outside), f"{path}: {expression}"


def expressions(path: Path) -> t.Iterator[str]:
    text = path.read_text(encoding="utf-8")
    yield from re.findall(r"\{\{.*?\}\}|\{%.*?%\}", text, re.DOTALL)
    if path.suffix == ".yml":
        yield from _conditions(yaml.safe_load(text))


def _conditions(node: t.Any) -> t.Iterator[str]:
    if isinstance(node, list):
        for item in node:
            yield from _conditions(item)
    elif isinstance(node, dict):
        for key, value in node.items():
            if key in ("when", "that", "until", "failed_when", "changed_when"):
                yield from [str(item) for item in (value if isinstance(value, list) else [value])]
            else:
                yield from _conditions(value)


def read(option: Option, value: t.Any) -> tuple[t.Any, list[str]]:
    reader = Reader()
    return reader.options({"x": option}, {"x": value}, "role_").get("x"), reader.problems


LIST: Option = {"type": "list", "elements": "str"}


@pytest.mark.parametrize(
    ("option", "value", "expected"),
    [
        ({"type": "bool"}, "no", False), ({"type": "bool"}, "False", False), ({"type": "bool"}, 0, False), ({"type": "bool"}, "on", True),
        ({"type": "int"}, "0", 0), ({"type": "int"}, " 08 ", 8), ({"type": "int"}, 7.0, 7),
        ({"type": "float"}, "2.5", 2.5), ({"type": "float"}, "1e3", 1000.0), ({"type": "float"}, 3, 3),
        ({"type": "str"}, 17, "17"), ({"type": "str"}, "null", "null"),
        ({"type": "str"}, datetime.datetime(2026, 12, 1, 4, tzinfo=datetime.timezone.utc), "2026-12-01T04:00:00Z"),
        ({"type": "str"}, "'16.10'", "16.10"), ({"type": "str"}, '"it\'s"', "it's"), ({"type": "str"}, "'a' or 'b'", "'a' or 'b'"),
        ({"type": "str", "choices": ["stop"]}, " stop\n", "stop"),
        ({"type": "bool", "choices": [True]}, "yes", True),
        (LIST, "a, b", ["a", "b"]), (LIST, "a", ["a"]), (LIST, "public.logs_*", ["public.logs_*"]), (LIST, "[]", []), (LIST, [], []),
        (LIST, '["a", "b,c"]', ["a", "b,c"]), (LIST, "[major]", ["major"]), (LIST, "[a, b]", ["a", "b"]), (LIST, ("a", "b"), ["a", "b"]),
        (LIST, "a\nb\n", ["a", "b"]), (LIST, "a,\n  b", ["a", "b"]), (LIST, 5, ["5"]), (LIST, [1, 2], ["1", "2"]),
        (LIST, "- a\n- 17\n", ["a", "17"]), (LIST, "-a, -b", ["-a", "-b"]),
        ({"type": "list", "elements": "dict"}, '[{"a": 1}]', [{"a": 1}]),
        ({"type": "dict"}, '{"a": {"b": false}}', {"a": {"b": False}}), ({"type": "dict"}, "shared_buffers=64MB", {"shared_buffers": "64MB"}),
        ({"type": "dict"}, "{}", {}), ({"type": "dict"}, "a: 1\nb: [x]\n", {"a": 1, "b": ["x"]}),
        ({"type": "raw"}, None, None), ({"type": "raw"}, "", ""), ({"type": "raw"}, False, False),
    ],
)  # fmt: skip
def test_how_each_type_reads_what_it_is_given(option: Option, value: t.Any, expected: t.Any) -> None:
    found, problems = read(option, value)
    assert problems == [] and found == expected and type(found) is type(expected)


@pytest.mark.parametrize(
    ("option", "value", "problem"),
    [
        ({"type": "bool"}, "maybe", 'role_x is "maybe": give true or false'),
        ({"type": "int"}, "1.5", 'role_x is "1.5": give a whole number'), ({"type": "int"}, True, "role_x is true: give a whole number"),
        ({"type": "int"}, "1_000", 'role_x is "1_000": give a whole number'), ({"type": "int"}, "many", 'role_x is "many": give a whole number'),
        ({"type": "float"}, "1,5", 'role_x is "1,5": give a number'), ({"type": "float"}, float("nan"), "role_x is NaN: give a number"),
        ({"type": "str"}, False, "role_x is false: give text, in quotes"), ({"type": "str", "choices": ["off"]}, False, "role_x is false: give off, in quotes"),
        ({"type": "str"}, ["a"], 'role_x is ["a"]: give text, in quotes'),
        ({"type": "str", "choices": ["stop", "finish"]}, "halt", 'role_x is "halt": give stop or finish'),
        ({"type": "bool", "choices": [True]}, "no", 'role_x is "no": give true'),
        ({**LIST, "choices": ["major"]}, "majr", 'role_x[0] is "majr": give major'),
        ({**LIST, "choices": ["major"]}, "major,", "role_x[1] is empty: leave it out, or give major"),
        (LIST, ["a", None], "role_x[1] is empty: leave it out, or give text, in quotes"),
        (LIST, "['a']", 'role_x is "[\'a\']": give a list, in YAML, as a,b or as JSON such as ["a", "b"]'),
        ({"type": "list", "elements": "dict"}, "a=1", 'role_x is "a=1": give a list of dictionaries, in YAML or as JSON such as [{"key": "value"}]'),
        ({"type": "dict"}, "{'a': 1}", 'role_x is "{\'a\': 1}": give a dictionary, in YAML or as JSON such as {"key": "value"}'),
        ({"type": "dict"}, "a", 'role_x is "a": give a dictionary, in YAML or as JSON such as {"key": "value"}'),
        ({"type": "dict", "options": {"mode": {"type": "str"}}}, {"mod": "x"}, "role_x.mod is not known: did you mean role_x.mode?"),
        ({"type": "dict", "options": {"mode": {"type": "str", "required": True}}}, {"mode": None}, "role_x.mode is missing: give text, in quotes"),
        ({"type": "str", "no_log": True}, ["secret"], "role_x is not right: give text, in quotes"),
        ({"type": "list", "elements": "dict"}, "- {", 'role_x is "- {": give a list of dictionaries, in YAML or as JSON such as [{"key": "value"}]'),
        ({"type": "int"}, 10**400, 'role_x is 1%s...: give a whole number' % ("0" * 76)),
        ({"type": "int"}, "x" * 200, 'role_x is "%s...: give a whole number' % ("x" * 76)),
    ],
)  # fmt: skip
def test_a_refusal_says_what_was_given_and_what_is_allowed(option: Option, value: t.Any, problem: str) -> None:
    assert read(option, value)[1] == [problem]


def test_a_mode_is_text(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("fleet_report", {"file_mode": "0600"}, monkeypatch)["file_mode"] == "0600"
    assert (
        "- fleet_report_file_mode is 416: give a mode such as '0640' or 'u=rw,g=r', in quotes"
        in run("fleet_report", {"file_mode": 0o640}, monkeypatch)["msg"]
    )


def test_what_was_given_encrypted_is_not_shown() -> None:
    name, spec = "database_baseline_wanted", SPECIFICATIONS["database_baseline"]["wanted"]
    for value in ("canary", {"users": [{"name": "canary"}], "plan": ["canary"]}, {"users": [{"name": "the canary"}]}):
        reader = Reader("database_baseline_", {name})
        reader.value(spec, value, name)
        assert reader.has_secrets and reader.problems and "canary" not in "".join(reader.problems)


def test_what_is_null_inside_a_dictionary_is_left_out_and_defaults_come_in(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = {
        "sql_modes": None, "plan": "",
        "logical_databases": {"names": "orders,stock", "exclusive": None}, "maintenance_window": {"starting_hour_utc": "22"},
    }  # fmt: skip
    result = run("database_baseline", {"wanted": json.dumps(wanted)}, monkeypatch)
    assert result["wanted"] == {
        "logical_databases": {"names": ["orders", "stock"], "exclusive": False}, "maintenance_window": {"starting_hour_utc": 22},
    }  # fmt: skip


def test_a_template_is_expanded_once(monkeypatch: pytest.MonkeyPatch) -> None:
    checks = [{"name": "braces", "sql": "select '{' || '{ 1 }}'", "expect": "{{ 1 }}", "record_value": False}]
    # Before ansible-core 2.19 every text with braces is a template, so its value is expanded: once.
    expected = [{**checks[0], "expect": "1"}] if trust_as_template is None else checks
    assert run("restore_drill", {"checks": json.dumps(checks)}, monkeypatch)["checks"] == expected


def test_an_extra_variable_that_the_role_does_not_know_is_a_typo(monkeypatch: pytest.MonkeyPatch) -> None:
    refused = run(
        "backup_offsite",
        {},
        monkeypatch,
        extra=["backup_offsite_keep_dys", "backup_offsite_keep_count", "backup_offsite_allow_export"],
    )
    assert (
        refused["failed"]
        and "- backup_offsite_keep_dys is not known: did you mean backup_offsite_keep_days?" in refused["msg"]
    )
    assert "- backup_offsite_allow_export is not known: did you mean backup_offsite_allow?" in refused["msg"]
    assert "failed" not in run("backup_offsite", {}, monkeypatch, extra=["backup_offsite_keep_count", "something_else"])


def test_a_result_with_a_secret_is_hidden(monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("restore_drill", {"server_url": "postgresql://me:secret@here/"}, monkeypatch)["_ansible_no_log"]
    assert "_ansible_no_log" not in run("restore_drill", {"server_url": ""}, monkeypatch)
    user = {"name": "reporting", "password": "a-password-of-32-characters-0123"}
    assert run("database_baseline", {"wanted": {"users": [user]}}, monkeypatch)["_ansible_no_log"]
