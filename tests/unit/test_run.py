# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""From a host's parameters to its result: what is reported when it goes well, badly, or wrong. No request is made."""

from __future__ import annotations

import errno
import re
import types
import typing as t

import pytest
from ansible_collections.community.scalingo.plugins.module_utils import _module, _run
from ansible_collections.community.scalingo.plugins.module_utils._change import Performer
from ansible_collections.community.scalingo.plugins.module_utils._core import Clock
from ansible_collections.community.scalingo.plugins.module_utils._errors import (
    ConsentMissing,
    InvalidInput,
    OutcomeUnknown,
    ValidationFailed,
)
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON, TASK_NO_LOG, Spec, waiting
from ansible_collections.community.scalingo.plugins.module_utils._progress import Progress
from ansible_collections.community.scalingo.plugins.module_utils._step import Interrupted, Outcome

SECRET = "the-token-of-the-addon"


class Host:
    """Keeps what is reported."""

    def __init__(self, check_mode: bool = False, no_log: bool = False, **params: t.Any) -> None:
        self.params: dict[str, t.Any] = {
            **{name: None for name in COMMON.options},
            "addon_id": "ad-1",
            "addon_token": SECRET,
            **params,
        }
        self.given: dict[str, t.Any] = {name: value for name, value in self.params.items() if value is not None}
        self.check_mode = check_mode
        self.no_log = no_log
        self.warnings: list[str] = []
        self.secrets: list[str] = []
        self.told: list[Progress] = []
        self.reports: list[tuple[str, dict[str, t.Any]]] = []

    def warn(self, message: str) -> None:
        self.warnings.append(message)

    def secret(self, value: str) -> None:
        self.secrets.append(value)

    def exit(self, result: dict[str, t.Any]) -> None:
        self.reports.append(("exit", result))

    def fail(self, result: dict[str, t.Any]) -> None:
        self.reports.append(("fail", result))

    def progress(self, progress: Progress) -> None:
        self.told.append(progress)

    def alive(self) -> None:
        """The run is always there."""

    @property
    def only(self) -> tuple[str, dict[str, t.Any]]:
        assert len(self.reports) == 1, self.reports
        return self.reports[0]


def performing(act: t.Callable[[Performer, bool], Outcome]) -> type[Performer]:
    class Doing(Performer):
        reading = "look around"

        def perform(self, check_mode: bool) -> Outcome:
            return act(self, check_mode)

    return Doing


def raising(error: Exception) -> type[Performer]:
    def act(performer: Performer, check_mode: bool) -> Outcome:
        raise error

    return performing(act)


USAGE = {"requests": 0, "writes": 0, "waited_seconds": 0.0, "tokens_reused": 0}
SURROUNDINGS = {"app": None, "addon_id": "ad-1", "region": "osc-fr1", "api_usage": USAGE}


def test_an_outcome_is_a_result_with_its_surroundings() -> None:
    host = Host()
    _run.execute(performing(lambda performer, check_mode: Outcome(False, {"things": [1]})), COMMON, host)
    assert host.only == ("exit", {"changed": False, "things": [1], **SURROUNDINGS})


@pytest.mark.parametrize("check_mode", [True, False])
def test_a_change_has_a_diff_and_its_steps(check_mode: bool) -> None:
    host = Host(check_mode)
    seen: list[bool] = []

    def act(performer: Performer, check_mode: bool) -> Outcome:
        seen.append(check_mode)
        return Outcome(True, {"thing": None}, {"before": {}, "after": {}}, ["do it"])

    _run.execute(performing(act), COMMON, host)
    assert seen == [check_mode]
    assert host.only == (
        "exit",
        {"changed": True, "thing": None, "diff": {"before": {}, "after": {}}, "steps": ["do it"], **SURROUNDINGS},
    )


def test_a_refusal_shows_all_that_would_be_changed() -> None:
    host = Host()
    error = ConsentMissing("it would be lost")
    error.diff = {"before": {"a": 1}, "after": {"a": 2, "b": 3}}
    _run.execute(raising(error), COMMON, host)
    assert host.only[0] == "fail" and host.only[1]["diff"] == error.diff and host.only[1]["changed"] is False


def test_a_performer_meets_its_host() -> None:
    class Still(Clock):
        def now(self) -> float:
            return 42.0

    host = Host(no_log=True)

    def act(performer: Performer, check_mode: bool) -> Outcome:
        performer.warn("careful")
        performer.refuse_open_secret("a password")
        assert performer.client.clock.now() == 42.0
        assert performer.params["addon_id"] == "ad-1"
        return Outcome(False, {})

    _run.execute(performing(act), COMMON, host, Still())
    assert host.only[0] == "exit" and host.warnings == ["careful"]
    assert SECRET in host.secrets, "masked before it is used for anything"


def test_an_error_is_a_sentence_and_data() -> None:
    host = Host()
    _run.execute(raising(ValidationFailed("the hour is wrong", status=422)), COMMON, host)
    kind, result = host.only
    assert kind == "fail"
    assert result["msg"] == "Could not look around (addon ad-1 in osc-fr1): the hour is wrong. [status 422]"
    assert result["error"] == {
        "kind": "ValidationFailed",
        "message": "the hour is wrong",
        "status": 422,
        "doing": "look around",
        "subject": "addon ad-1 in osc-fr1",
        "interrupted": False,
    }
    assert result["changed"] is False and result["addon_id"] == "ad-1" and result["api_usage"] == USAGE
    assert "steps_done" not in result and "step_failed" not in result


@pytest.mark.parametrize(
    "done, maybe, changed", [([], False, False), ([], True, True), (["one"], False, True), (["one"], True, True)]
)
def test_an_interruption_tells_what_was_done(done: list[str], maybe: bool, changed: bool) -> None:
    host = Host()
    _run.execute(raising(Interrupted(OutcomeUnknown("it broke off", doing="do two"), done, "two", maybe)), COMMON, host)
    kind, result = host.only
    assert (kind, result["changed"], result["steps_done"], result["step_failed"]) == ("fail", changed, done, "two")
    assert result["msg"].startswith("Could not do two (addon ad-1 in osc-fr1): it broke off.")


def test_refused_before_there_is_a_client() -> None:
    class Choosy(Performer):
        reading = "look around"

        @classmethod
        def parse(cls, params: t.Any) -> None:
            raise InvalidInput("no such thing")

    for performer, params in (
        (Choosy, {}),
        (performing(lambda *dummy: Outcome(False, {})), {"wait_timeout": 0.0}),
        (performing(lambda *dummy: Outcome(False, {})), {"addon_token": None, "addon_id": None}),
    ):
        host = Host(**params)
        _run.execute(performer, COMMON + waiting(60), host)
        kind, result = host.only
        assert kind == "fail" and result["changed"] is False
        assert result["error"]["kind"] == "InvalidInput"
        assert "api_usage" not in result and "region" not in result


def test_what_a_task_asks_for_is_parsed_once() -> None:
    class Reader(Performer):
        parsed: t.ClassVar[list[str]] = []

        @classmethod
        def parse(cls, params: t.Any) -> str:
            cls.parsed.append("parsed")
            return "what is asked for"

        def perform(self, check_mode: bool) -> Outcome:
            return Outcome(False, {"asked": self.asked})

    host = Host()
    _run.execute(Reader, COMMON, host)
    assert host.only[1]["asked"] == "what is asked for" and Reader.parsed == ["parsed"]


def test_what_cannot_be_salvaged_does_not_hide_the_failure() -> None:
    class Losing(raising(ValidationFailed("the hour is wrong", status=422))):  # type: ignore[misc]
        def salvage(self) -> dict[str, t.Any]:
            raise KeyError(SECRET)

    host = Host()
    _run.execute(Losing, COMMON, host)
    assert host.only[0] == "fail" and host.only[1]["error"]["message"] == "the hour is wrong"


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_defect_is_told_without_its_text(interrupted: bool) -> None:
    defect: Exception
    try:
        raise KeyError(SECRET)
    except KeyError as error:
        defect = error
    host = Host()
    _run.execute(raising(Interrupted(defect, ["one"], "two", False) if interrupted else defect), COMMON, host)
    kind, result = host.only
    assert kind == "fail"
    assert result["error"]["message"].startswith("KeyError at ") and "defect of the collection" in result["msg"]
    assert "Traceback" not in result["msg"] and SECRET not in str(result)
    assert result["changed"] is interrupted


@pytest.mark.parametrize(
    "number, hint",
    [(errno.ENOSPC, "Free some space."), (errno.EMFILE, "Raise the limit of open files"), (errno.EACCES, "")],
)
def test_what_this_machine_cannot_do_is_no_defect(number: int, hint: str) -> None:
    host = Host()
    _run.execute(raising(OSError(number, "told by the system", "/full/file")), COMMON, host)
    assert (
        host.only[1]["msg"].startswith("Could not ")
        and f"this machine says: [Errno {number}] told by the system: '/full/file'" in host.only[1]["msg"]
    )
    assert hint in host.only[1]["msg"] and "defect" not in host.only[1]["msg"]


def test_a_defect_without_a_place() -> None:
    assert _run.defect(ValueError("x")).message == "ValueError at an unknown place"


def test_notes_are_returned_when_there_are_any() -> None:
    host = Host(addon_id=None, api_token="tk-us-x", app="shop", addon="mysql")
    _run.execute(performing(lambda *dummy: Outcome(False, {})), COMMON, host)
    assert host.only[1]["notes"] == ["scalingo: addon_token is not used, because it goes with addon_id"]
    assert host.only[1]["app"] == "shop" and host.only[1]["addon_id"] is None


class Module:
    """What AnsibleModule has of interest."""

    def __init__(self, handed: bool | None, **kwargs: t.Any) -> None:
        self.kwargs = kwargs
        self.params = {**Host().params, **({} if handed is None else {TASK_NO_LOG: handed})}
        self.check_mode = True
        self.no_log = True
        self.no_log_values: set[str] = set()
        self.calls: list[tuple[str, t.Any]] = []

    def warn(self, message: str) -> None:
        self.calls.append(("warn", message))

    def exit_json(self, **result: t.Any) -> None:
        self.calls.append(("exit_json", result))

    def fail_json(self, **result: t.Any) -> None:
        self.calls.append(("fail_json", result))


@pytest.mark.parametrize("handed", (True, False, None))
def test_the_port_on_a_module(handed: bool | None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether the task hides its result is what the module was handed, whatever AnsibleModule believes."""
    made: list[Module] = []
    monkeypatch.setattr(_module, "_Module", lambda **kwargs: made.append(Module(handed, **kwargs)) or made[-1])
    monkeypatch.setattr(_module, "_load_params", lambda: {"addon_id": "ad-1", "a": None})
    spec = COMMON + Spec({"a": {"type": "str", "default": "b"}}, mutually_exclusive=(("a", "b"),))

    def act(performer: Performer, check_mode: bool) -> Outcome:
        assert check_mode
        performer.warn("careful")
        performer.refuse_open_secret("a password")
        assert performer.params["a"] == "b"
        return Outcome(False, {"thing": 1})

    _module.run(performing(act), spec)
    wanted = spec.kwargs()
    wanted["argument_spec"][TASK_NO_LOG] = {"type": "bool", "no_log": True}
    assert made[0].kwargs == {**wanted, "supports_check_mode": True} and TASK_NO_LOG not in made[0].params
    if handed is not True:
        assert [name for name, dummy in made[0].calls] == ["warn", "fail_json"]
        assert "does not hide its result" in made[0].calls[1][1]["msg"]
        return
    assert made[0].calls == [("warn", "careful"), ("exit_json", {"changed": False, "thing": 1, **SURROUNDINGS})]
    assert SECRET in made[0].no_log_values

    _module.run(raising(InvalidInput("no")), spec)
    assert [name for name, dummy in made[1].calls] == ["fail_json"]


def test_the_port_is_what_a_host_must_be() -> None:
    host = _module.ModuleHost(t.cast(t.Any, types.SimpleNamespace(params={}, check_mode=False, no_log=False)), {})
    for name in t.get_type_hints(_run.Host):
        assert hasattr(host, name)


@pytest.mark.parametrize("refused", [False, True])
def test_no_diff_is_obeyed_by_a_terminal_and_data_stay_as_they_are(refused: bool) -> None:
    odd = "a\x1b[2K\x9b1m\u202eb\u2066\u2028\x7f\tc\nd"

    def act(performer: Performer, check_mode: bool) -> Outcome:
        diff = {"before": {"names": [odd, 5, None], odd: True}, "after": {}, "prepared": odd}
        if refused:
            error = ConsentMissing("no")
            error.diff = diff
            raise error
        return Outcome(changed=False, result={"thing": odd}, diff=diff)

    host = Host()
    _run.execute(performing(act), COMMON, host)
    seen = "a\\x1b[2K\\x9b1m\\u202eb\\u2066\\u2028\\x7f\tc\nd"
    assert host.only[1]["diff"] == {"before": {"names": [seen, 5, None], seen: True}, "after": {}, "prepared": seen}
    assert refused or host.only[1]["thing"] == odd


def test_no_note_and_no_warning_is_obeyed_by_a_terminal() -> None:
    def act(performer: Performer, check_mode: bool) -> Outcome:
        performer.warn(f"odd\x1b[2K\nname of the \u202eplan {SECRET}")
        performer.client.transport.verbose("odd\r\nnote\x9b")
        return Outcome(changed=False, result={})

    host = Host()
    _run.execute(performing(act), COMMON, host)
    assert host.warnings == ["odd\\x1b[2K name of the \\u202eplan ********"]
    assert host.only[1]["notes"] == ["odd note\\x9b"]


def test_a_failure_hides_the_secrets_of_all_options_in_each_form() -> None:
    def act(performer: Performer, check_mode: bool) -> Outcome:
        error = ValidationFailed(
            "no: Canary%2Fof-joe9", fields={"password": ["Q2FuYXJ5L29mLWpvZTk=", "Canary\\/of-joe9"]}
        )
        error.hide(performer.client.transport.secrets.values)
        raise error

    users: dict[str, t.Any] = {
        "type": "list",
        "elements": "dict",
        "options": {"password": {"type": "str", "no_log": True}},
    }
    host = Host(users=[{"password": None}, {"password": "Canary/of-joe9"}])
    _run.execute(performing(act), COMMON + Spec(options={"users": users}), host, Clock())
    assert host.secrets == [SECRET, "Canary/of-joe9"]
    assert host.only[0] == "fail" and not {"Canary", "Q2FuY"} & set(re.findall("Canary|Q2FuY", str(host.only[1])))


@pytest.mark.parametrize(
    "value, wanted",
    [
        ("canary", _run.WHOLLY_HIDDEN),
        ("a canary sings canary", f"a {_run.HIDDEN} sings {_run.HIDDEN}"),
        # The longer one first, so that nothing of it stays.
        ("canary-2 canary", f"{_run.HIDDEN} {_run.HIDDEN}"),
        (1471, _run.WHOLLY_HIDDEN),
        (1.5, 1.5),
        (
            {"canary": ["x", ("canary",), {"b": "canary."}]},
            {"canary": ["x", [_run.WHOLLY_HIDDEN], {"b": f"{_run.HIDDEN}."}]},
        ),
        ({"changed": True, "a": None, "b": [False]}, {"changed": True, "a": None, "b": [False]}),
    ],
)
def test_no_secret_is_left_in_plain_data(value: t.Any, wanted: t.Any) -> None:
    assert _run.masked(value, {"canary", "canary-2", "47", "True", "None", "False", ""}) == wanted


def test_a_secret_is_hidden_by_the_module_itself_and_registered_where_core_can(monkeypatch: pytest.MonkeyPatch) -> None:
    """From ansible-core 2.22 on, `no_log_values` hides nothing."""
    registered: list[str] = []
    monkeypatch.setattr(_module, "register_secret", lambda value: registered.append(value) or value)
    module = Module(None)
    host = _module.ModuleHost(t.cast(t.Any, module), {})
    host.secret("canary")
    host.exit({"changed": True, "with": ["a canary"]})
    host.fail({"msg": "no canary"})
    assert registered == ["canary"]
    assert module.calls == [
        ("exit_json", {"changed": True, "with": [f"a {_run.HIDDEN}"]}),
        ("fail_json", {"msg": f"no {_run.HIDDEN}"}),
    ]
