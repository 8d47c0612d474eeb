# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The action of the modules: when a task runs in the process of the controller, what it sees there, and what it leaves behind.

What Ansible makes of it is in tests/playbook/test_hosts.py.
"""

from __future__ import annotations

import datetime
import json
import os
import subprocess
import sys
import types
import typing as t
from pathlib import Path

import pytest
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.utils.display import Display
from ansible_collections.community.scalingo.plugins.module_utils._change import Performer
from ansible_collections.community.scalingo.plugins.module_utils._errors import InvalidInput
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, Spec
from ansible_collections.community.scalingo.plugins.module_utils._step import Outcome
from ansible_collections.community.scalingo.plugins.plugin_utils import _action

ROOT = Path(__file__).resolve().parents[2]
SECRET = "tk-us-a-secret-of-the-task"


class Templar:
    """Fills in `{{ name }}` when that is the whole value, also within mappings."""

    def __init__(self, variables: t.Mapping[str, t.Any]) -> None:
        self.variables = variables

    def template(self, value: t.Any, **dummy: t.Any) -> t.Any:
        if isinstance(value, dict):
            return {name: self.template(inner) for name, inner in value.items()}
        if isinstance(value, str) and value.startswith("{{"):
            return self.template(self.variables[value.strip("{} ")])
        return value


class Looking(Performer):
    """Returns what it sees of its surroundings, and a secret."""

    target_needed = False
    reading = "look around"
    seen: t.ClassVar[list[t.Any]] = []

    def perform(self, check_mode: bool) -> Outcome:
        if self.params["app"] == "refused":
            raise InvalidInput("the app is refused")
        self.warn(f"the token is {self.params['api_token']}")
        self.warn("twice")
        self.warn("twice")
        Looking.seen.append(self.params)
        return Outcome(
            changed=not check_mode,
            result={
                "app_seen": self.params["app"],
                "proxy": os.environ.get("HTTPS_PROXY"),
                "directory": os.getcwd(),
                "text": f"{{{{ 7*7 }}}} {self.params['api_token']}",
                "hides": self._no_log,
                "nothing": None,
            },
        )


LOOKING = types.SimpleNamespace(RESOURCE=Looking, argument_spec=lambda: COMMON + Spec({"extra": {"type": "raw"}}))


def action(
    directory: Path,
    arguments: t.Mapping[str, t.Any] | None = None,
    *,
    variables: t.Mapping[str, t.Any] | None = None,
    module: t.Any = LOOKING,
    transport: str = "local",
    become: t.Any = None,
    **task: t.Any,
) -> _action.ScalingoAction:
    whole = {
        "args": {"api_token": SECRET, **(arguments or {})},
        "action": "community.scalingo.scalingo_looking",
        "async_val": 0,
        "check_mode": False,
        "delegate_to": None,
        "environment": [],
        "no_log": False,
        **task,
    }
    kind = type("ActionModule", (_action.ScalingoAction,), {"module": module})
    shell = types.SimpleNamespace(env_prefix=lambda **dummy: "", tmpdir=None)
    return t.cast(
        _action.ScalingoAction,
        kind(
            task=types.SimpleNamespace(**whole),
            connection=types.SimpleNamespace(transport=transport, become=become, _shell=shell),
            play_context=None,
            loader=types.SimpleNamespace(get_basedir=lambda: str(directory)),
            templar=Templar(variables or {}),
            shared_loader_obj=None,
        ),
    )


def why(directory: Path, variables: dict[str, t.Any] | None = None, **options: t.Any) -> str:
    """Why the task does not run here; nothing when it does."""
    made = action(directory, variables=variables, **options)
    environment: dict[str, t.Any] = {}
    made._compute_environment_string(environment)
    return made._why_not_here(variables or {}, environment)


@pytest.fixture(autouse=True)
def plain_configuration(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANSIBLE_PYTHON_INTERPRETER", raising=False)
    monkeypatch.setattr(sys, "platform", "linux")
    Looking.seen.clear()


@pytest.fixture
def pythons(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """An interpreter of the system with two names, and a virtual environment made with it, which runs Ansible."""
    system, environment, alias = tmp_path / "usr", tmp_path / "venv", tmp_path / "current"
    for place in (system, environment):
        place.mkdir()
    (system / "python3.11").write_text("#!/bin/sh\n", encoding="utf-8")
    (system / "python3.11").chmod(0o755)
    (system / "python3").symlink_to("python3.11")
    (environment / "python").symlink_to(system / "python3.11")
    (environment / "python3").symlink_to("python")
    alias.symlink_to(environment)
    monkeypatch.setattr(sys, "executable", str(environment / "python"))
    return {
        "own": str(environment / "python"),
        "same": str(environment / "python3"),
        "alias": str(alias / "python3"),
        "system": str(system / "python3"),
        "missing": str(environment / "python2"),
    }


# -- which way -------------------------------------------------------------------------------------------------------


def test_it_runs_here_when_nothing_speaks_against_it(tmp_path: Path) -> None:
    assert why(tmp_path) == ""


@pytest.mark.parametrize(
    "options, reason",
    (
        ({"transport": "ssh"}, "the connection is ssh and not local"),
        ({"become": object()}, "the task becomes another user"),
        ({"async_val": 60}, "the task is async"),
        ({"environment": [{"PGHOST": "x", "SCALINGO_APP": "shop", "LANG": "C"}]}, "environment sets LANG, PGHOST"),
        ({"environment": [{"XSCALINGO_APP": "shop"}]}, "environment sets XSCALINGO_APP"),
    ),
)
def test_what_speaks_against_it(options: dict[str, t.Any], reason: str, tmp_path: Path) -> None:
    assert why(tmp_path, **options) == reason


@pytest.mark.parametrize("name", ("own", "same", "alias"))
def test_the_same_interpreter_by_other_names(name: str, pythons: dict[str, str], tmp_path: Path) -> None:
    assert why(tmp_path, {"ansible_python_interpreter": pythons[name]}) == ""


@pytest.mark.parametrize("name", ("system", "missing"))
def test_another_interpreter(name: str, pythons: dict[str, str], tmp_path: Path) -> None:
    """The one that a virtual environment was made with has other libraries."""
    wanted = f"the interpreter is {pythons[name]} and not {pythons['own']}"
    assert why(tmp_path, {"ansible_python_interpreter": pythons[name]}) == wanted


def test_an_interpreter_with_arguments_is_another_one(tmp_path: Path) -> None:
    assert why(tmp_path, {"ansible_python_interpreter": "/usr/bin/env python3"}).startswith(
        "the interpreter is /usr/bin/env"
    )


@pytest.mark.parametrize("value", ("auto", "auto_silent", "auto_legacy", "auto_legacy_silent", "", None))
def test_an_interpreter_that_core_is_to_choose_is_the_controllers(value: t.Any, tmp_path: Path) -> None:
    facts = {"ansible_facts": {"discovered_interpreter_python": "/somewhere/else/python3"}}
    assert why(tmp_path, {"ansible_python_interpreter": value, **facts}) == ""


def test_a_name_without_a_path_is_looked_for(
    pythons: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", os.path.dirname(pythons["own"]))
    assert why(tmp_path, {"ansible_python_interpreter": "python3"}) == ""
    monkeypatch.setenv("PATH", os.path.dirname(pythons["system"]))
    assert why(tmp_path, {"ansible_python_interpreter": "python3"}) != ""


def test_an_interpreter_is_templated_first(pythons: dict[str, str], tmp_path: Path) -> None:
    variables = {
        "ansible_python_interpreter": "{{ ansible_playbook_python }}",
        "ansible_playbook_python": pythons["own"],
    }
    assert why(tmp_path, variables) == ""
    assert why(tmp_path, {**variables, "ansible_playbook_python": pythons["system"]}) != ""


def test_the_interpreter_of_the_configuration_counts(
    pythons: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANSIBLE_PYTHON_INTERPRETER", pythons["system"])
    assert why(tmp_path) != ""
    assert why(tmp_path, {"ansible_python_interpreter": pythons["same"]}) == ""


def test_the_delegated_host_decides(pythons: dict[str, str], tmp_path: Path) -> None:
    def variables(own: str, delegated: str) -> dict[str, t.Any]:
        there = {"ansible_python_interpreter": pythons[delegated]}
        return {"ansible_python_interpreter": pythons[own], "ansible_delegated_vars": {"localhost": there}}

    assert why(tmp_path, variables("system", "own"), delegate_to="localhost") == ""
    assert why(tmp_path, variables("own", "system"), delegate_to="localhost") != ""


def test_libraries_that_the_controller_has_not(tmp_path: Path) -> None:
    needy = type("Needy", (Looking,), {"libraries": ("requests", "psycopg_of_another_age")})
    module = types.SimpleNamespace(RESOURCE=needy, argument_spec=LOOKING.argument_spec)
    assert why(tmp_path, module=module) == f"{sys.executable} cannot import psycopg_of_another_age"


def test_the_variable_and_the_environment_turn_it_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    off = "scalingo_in_process is false"
    for value in (False, "false", "no", "0", "{{ wish }}"):
        assert why(tmp_path, {"scalingo_in_process": value, "wish": "off"}) == off
    assert why(tmp_path, environment=[{"SCALINGO_IN_PROCESS": "no"}]) == off
    monkeypatch.setenv("SCALINGO_IN_PROCESS", "false")
    assert why(tmp_path) == off
    assert why(tmp_path, {"scalingo_in_process": None}) == off
    assert why(tmp_path, {"scalingo_in_process": True}) == ""
    monkeypatch.setenv("SCALINGO_IN_PROCESS", "")
    assert why(tmp_path) == ""


def test_a_wish_that_is_neither_yes_nor_no_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AnsibleActionFail, match="scalingo_in_process is 'maybe': use true or false"):
        why(tmp_path, {"scalingo_in_process": "maybe"})


def test_on_macos_the_module_is_the_default(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert why(tmp_path).startswith("that is the default on macOS")
    assert why(tmp_path, {"scalingo_in_process": True}) == ""


@pytest.mark.parametrize(
    "variables, shown",
    (
        ({}, "runs in the process of the controller"),
        ({"scalingo_in_process": False}, "runs as a module: scalingo_in_process is false"),
    ),
)
def test_vv_says_which_way_and_why(
    variables: dict[str, t.Any], shown: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[t.Any] = []
    monkeypatch.setattr(Display, "vv", lambda self, text, host=None: lines.append((host, text)))
    made = action(tmp_path, variables=variables)
    monkeypatch.setattr(made, "_execute_module", lambda **dummy: {})
    monkeypatch.setattr(made, "_remove_tmp_path", lambda path: None)
    made.run(task_vars={**variables, "inventory_hostname": "db1"})
    assert lines == [("db1", "community.scalingo: " + shown)]


# -- here ------------------------------------------------------------------------------------------------------------


def test_what_comes_back_is_plain_and_without_secrets(tmp_path: Path) -> None:
    result = action(tmp_path, {"app": "shop"}).run(task_vars={})
    assert result["app_seen"] == "shop" and result["changed"] is True and result["nothing"] is None
    assert SECRET not in json.dumps(result) and result["text"].startswith("{{ 7*7 }} ")
    assert len(result["warnings"]) == 2 and "twice" in result["warnings"]
    assert "failed" not in result and "invocation" not in result


HOST = {"scalingo_region": "osc-secnum-fr1", "scalingo_app": "vault", "scalingo_addon_id": "ad-1"}


@pytest.mark.parametrize(
    "arguments",
    [
        {"app": "vault", "addon": "ad-1"},
        {"app": "vault", "addon": "postgresql", "region": ""},
        {"addon_id": "ad-1", "region": None, "addon_token": "token"},
        {"app": "vault"},
    ],
)
def test_a_task_about_its_host_is_sent_to_the_region_of_the_host(arguments: dict[str, t.Any], tmp_path: Path) -> None:
    made = action(tmp_path, arguments, variables=HOST)
    made.run(task_vars=dict(HOST))
    assert Looking.seen[0]["region"] == "osc-secnum-fr1"


@pytest.mark.parametrize(
    "arguments",
    [
        {},
        {"app": "shop", "addon": "postgresql"},
        {"app": "vault", "addon": "ad-2"},
        {"app": "vault", "addon_id": "ad-2"},
        {"app": "vault", "addon": "ad-1", "region": "osc-fr1"},
        {"app": "vault", "addon": "ad-1", "api_url": "https://api.osc-fr1.scalingo.com"},
        {"app": "vault", "apps": ["*"]},
    ],
)
def test_no_other_task_is(arguments: dict[str, t.Any], tmp_path: Path) -> None:
    made = action(tmp_path, arguments)
    for variables in (HOST, {}, {"scalingo_app": "vault", "scalingo_addon_id": "ad-1"}):
        made._add_region(variables)
        assert made._task.args.get("region") == arguments.get("region")


def test_it_runs_in_the_directory_of_the_playbook_and_comes_back(tmp_path: Path) -> None:
    before = os.getcwd()
    assert action(tmp_path).run(task_vars={})["directory"] == os.path.realpath(tmp_path)
    assert os.getcwd() == before


def test_the_environment_of_a_task_is_applied_and_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SCALINGO_APP", "of-the-shell")
    before = dict(os.environ)
    environment = [{"SCALINGO_APP": "{{ app }}", "HTTPS_PROXY": "http://proxy.example:3128", "no_proxy": "localhost"}]
    first = action(tmp_path, environment=environment, variables={"app": "of-the-task"}).run(task_vars={})
    assert (first["app_seen"], first["proxy"]) == ("of-the-task", "http://proxy.example:3128")
    second = action(tmp_path, {"app": "refused"}, environment=environment, variables={"app": "x"}).run(task_vars={})
    assert second["failed"] is True
    assert dict(os.environ) == before
    third = action(tmp_path).run(task_vars={})
    assert (third["app_seen"], third["proxy"]) == ("of-the-shell", None)


def test_one_task_leaves_nothing_to_the_next(tmp_path: Path) -> None:
    """A secret of one account is no secret of the other one, and no warning comes twice."""
    first = action(tmp_path, {"api_token": "the-first-token-0001", "app": "shop"}).run(task_vars={})
    second = action(tmp_path, {"api_token": "the-second-token-0002", "app": "the-first-token-0001"}).run(task_vars={})
    assert second["app_seen"] == "the-first-token-0001"
    assert [len(result["warnings"]) for result in (first, second)] == [2, 2]
    assert Looking.seen[0] is not Looking.seen[1]


def test_check_mode_and_no_log_are_those_of_the_task(tmp_path: Path) -> None:
    assert action(tmp_path, check_mode=True).run(task_vars={})["changed"] is False
    assert action(tmp_path).run(task_vars={})["hides"] is False
    assert action(tmp_path, no_log=True).run(task_vars={})["hides"] is True


def test_arguments_come_as_a_module_would_receive_them(tmp_path: Path) -> None:
    class Vaulted:
        def __str__(self) -> str:
            return "decrypted"

    given = {"list": (1, 2.5, True, None), "day": datetime.date(2026, 1, 2), "secret": Vaulted(), 3: "number"}
    action(tmp_path, {"extra": given}).run(task_vars={})
    assert Looking.seen[0]["extra"] == {
        "list": [1, 2.5, True, None],
        "day": "2026-01-02",
        "secret": "decrypted",
        "3": "number",
    }


def test_refused_arguments_are_told_in_the_words_of_a_module(tmp_path: Path) -> None:
    unknown = action(tmp_path, {"ap": "shop"}).run(task_vars={})
    assert unknown["failed"] is True
    assert unknown["msg"].startswith("Unsupported parameters for (community.scalingo.scalingo_looking) module: ap")
    wrong = action(tmp_path, {"api_retries": "many"}).run(task_vars={})
    assert wrong["failed"] is True and "api_retries" in wrong["msg"]
    assert Looking.seen == []


# -- as a module -----------------------------------------------------------------------------------------------------


def test_a_module_that_cannot_be_reached_is_a_failure_that_rescue_sees(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unreachable(**dummy: t.Any) -> None:
        raise AnsibleConnectionFailure("no route to host")

    made = action(tmp_path, transport="ssh")
    monkeypatch.setattr(made, "_execute_module", unreachable)
    monkeypatch.setattr(made, "_remove_tmp_path", lambda path: None)
    result = made.run(task_vars={})
    assert result["failed"] is True and "unreachable" not in result
    assert "no route to host" in result["msg"]


@pytest.mark.parametrize(
    "task, truth",
    (({}, False), ({"no_log": True}, True), ({"no_log": True, "async_val": 60}, False), ({"async_val": 60}, False)),
)
def test_a_module_is_handed_whether_the_task_hides_its_result(
    task: dict[str, t.Any], truth: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the task itself says of it. Core keeps the result of an async task in a file."""
    given: list[t.Any] = []
    made = action(tmp_path, {"app": "shop", "_task_no_log": not truth}, transport="ssh", **task)
    monkeypatch.setattr(made, "_execute_module", lambda **options: given.append(options["module_args"]) or {})
    monkeypatch.setattr(made, "_remove_tmp_path", lambda path: None)
    made.run(task_vars={})
    assert given == [{"api_token": SECRET, "app": "shop", "_task_no_log": truth}]


def test_here_nobody_can_say_that_a_task_hides_its_result(tmp_path: Path) -> None:
    assert action(tmp_path, {"_task_no_log": True}).run(task_vars={})["hides"] is False


# -- importing -------------------------------------------------------------------------------------------------------

IMPORTING = """
import os, sys, threading
sys.path.insert(0, ROOT)
import conftest
import ansible.plugins.action, ansible.utils.display, requests
found, reading = [], [True]
def watch(event, arguments):
    if event == "open" and isinstance(arguments[2], int) and arguments[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):
        found.append((event, str(arguments[0])))
    elif event.startswith(("socket.", "subprocess.", "os.mkdir", "os.fork", "os.chdir", "os.putenv", "fcntl.", "_thread.start")):
        found.append((event, str(arguments)))
class Watched(type(os.environ)):
    def __getitem__(self, name):
        frame = sys._getframe(1)
        while frame.f_code.co_filename.startswith("<frozen") or frame.f_code.co_filename == os.__file__:
            frame = frame.f_back
        if "/plugins/" in frame.f_code.co_filename and ROOT in frame.f_code.co_filename:
            found.append(("environment", name))
        return super().__getitem__(name)
os.environ.__class__ = Watched
sys.dont_write_bytecode = True
sys.addaudithook(watch)
import ansible_collections.community.scalingo.plugins.action.NAME as action
assert action.ActionModule.module.argument_spec
assert threading.active_count() == 1, threading.enumerate()
assert not found, found
"""


@pytest.mark.parametrize("name", ("scalingo_database", "scalingo_pg_extension", "scalingo_backup_download"))
def test_importing_an_action_makes_nothing(name: str) -> None:
    program = IMPORTING.replace("ROOT", repr(str(ROOT))).replace("NAME", name)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_module_has_its_action() -> None:
    modules = {path.stem for path in (ROOT / "plugins" / "modules").glob("scalingo_*.py")}
    actions = {path.stem for path in (ROOT / "plugins" / "action").glob("scalingo_*.py")}
    assert actions == modules


def test_what_is_omitted_is_left_out_of_plain_data_and_dates_are_text() -> None:
    """Core 2.16 hands on a placeholder where a template said `omit` deep inside."""
    omitted = "__omit_place_holder__0123"
    given = {"to": omitted, 1: [datetime.date(2026, 12, 1), omitted, {"allow": (omitted,)}]}
    assert _action.plain(given) == {"1": ["2026-12-01", {"allow": []}]}
