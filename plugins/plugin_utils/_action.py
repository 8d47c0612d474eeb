# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.
"""The port of `_run.py` on a task: a resource runs in the worker that Ansible has forked for the task anyway.

It does so where the module would run in the same place: on this machine, as this user, by this interpreter. Everywhere else the module runs
as any module does. Both ways give the same result, but for `invocation`, which only the module's has.

Nothing of ansible-core is replaced. What it does not promise to keep and is used here: `ValidationResult._no_log_values`, and of `ActionBase`
the members `_task` (with `_parent` and `_role`), `_connection`, `_templar`, `_loader`, `_compute_environment_string`, `_execute_module` and `_remove_tmp_path`.

A worker may be ended without any `finally`, and when the run is killed nobody ends it: it is in a session of its own, where no Ctrl-C comes
that Ansible does not pass on. So it looks at its parent before each request and while it waits, and the kernel is asked to end it with its
parent. A module looks whether anybody reads its output, which is the worker.

Strategies import actions in the parent of all workers: importing this makes nothing and reads no environment.
"""

from __future__ import annotations

import contextlib
import ctypes
import datetime
import importlib
import json
import multiprocessing
import os
import re
import shutil
import signal
import sys
import typing as t

from ansible import constants as C
from ansible.errors import AnsibleActionFail, AnsibleConnectionFailure
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.errors import UnsupportedError
from ansible.module_utils.parsing.convert_bool import boolean
from ansible.playbook.task_include import TaskInclude
from ansible.plugins.action import ActionBase
from ansible.utils.display import Display
from ansible_collections.community.scalingo.plugins.module_utils import _run
from ansible_collections.community.scalingo.plugins.module_utils._change import Performer
from ansible_collections.community.scalingo.plugins.module_utils._errors import scrub
from ansible_collections.community.scalingo.plugins.module_utils._options import TASK_NO_LOG, prepared
from ansible_collections.community.scalingo.plugins.module_utils._progress import Progress, RunEnded
from ansible_collections.community.scalingo.plugins.plugin_utils._progress import Lines, interval_of

Variables = t.Mapping[str, t.Any]
Result = dict[str, t.Any]

MODULES = "ansible_collections.community.scalingo.plugins.modules."
#: What `environment` of a task may set and the resource still runs here.
OWN_VARIABLES = re.compile(r"SCALINGO_[A-Z0-9_]+|(?:HTTPS?|ALL|NO)_PROXY|(?:https?|all|no)_proxy")
#: The options of modules that may take long.
LONG_OPTIONS = {"wait_timeout", "work_dir"}
#: The options by which a task is about many databases, which takes long under the rate limit.
MANY_OPTIONS = {"apps", "databases", "engines", "regions"}
#: The options that say where a task's databases are.
PLACES = {"api_url", "db_api_url", "region", *MANY_OPTIONS}
#: From linux/prctl.h.
PR_SET_PDEATHSIG = 1


def end_with_parent(number: int) -> None:
    """Have the kernel send this process a signal when the one ends that has started it, where it can do so."""
    if sys.platform.startswith("linux"):
        with contextlib.suppress(Exception):
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, int(number), 0, 0, 0)


class Parent:
    """The process that the run is controlled by."""

    def __init__(self) -> None:
        known = multiprocessing.parent_process()
        self._pid = os.getppid() if known is None else known.pid
        #: Of strategies that do not fork it is this one.
        self.controller = os.getpid() if known is None else known.pid
        if known is not None:
            end_with_parent(signal.SIGKILL)

    def alive(self) -> None:
        """Raise `RunEnded` when it is gone."""
        if os.getppid() != self._pid:
            raise RunEnded


class TaskHost:
    """The port on a task."""

    def __init__(
        self,
        params: dict[str, t.Any],
        given: t.Mapping[str, t.Any],
        check_mode: bool,
        no_log: bool,
        secrets: t.Iterable[str],
        parent: Parent,
        lines: t.Callable[[t.Callable[[str], str]], Lines],
    ) -> None:
        self.params = params
        self.given = given
        self.check_mode = check_mode
        self.no_log = no_log
        self._secrets = set(secrets)
        self._warnings: list[str] = []
        self._result: Result = {}
        self._lines = lines(lambda text: scrub(str(_run.masked(text, self._secrets))))
        self.alive = parent.alive
        self.controller = parent.controller

    def progress(self, progress: Progress) -> None:
        self._lines.see(progress)

    def warn(self, message: str) -> None:
        self._warnings.append(message)

    def secret(self, value: str) -> None:
        self._secrets.add(value)

    def exit(self, result: Result) -> None:
        self._result = result

    def fail(self, result: Result) -> None:
        self._result = {"failed": True, **result}

    def masked(self) -> Result:
        """What was reported, as a module would send it: plain data, without a secret, and nothing in it a template."""
        shown: Result = _run.masked(json.loads(json.dumps(self._result)), self._secrets)
        if self._warnings:
            shown["warnings"] = _run.masked(list(dict.fromkeys(self._warnings)), self._secrets)
        return shown


class ScalingoAction(ActionBase):
    """An action that runs its module's resource here, or the module."""

    _supports_check_mode = True
    _supports_async = True
    #: The module of the same name.
    module: t.Any = None

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> Result:
        result: Result = super().run(tmp, task_vars)
        variables = task_vars or {}
        self._add_region(variables)
        environment: dict[str, t.Any] = {}
        self._compute_environment_string(environment)
        reason = self._why_not_here(variables, environment)
        if reason and self.module.RESOURCE.on_controller:
            return {**result, **_run.refused_elsewhere(self._name, reason)}
        Display().vv(
            "community.scalingo: %s"
            % ("runs as a module: " + reason if reason else "runs in the process of the controller"),
            host=variables.get("inventory_hostname"),
        )
        interval = interval_of(*self._wish("scalingo_progress", variables, environment))
        try:
            if reason:
                if interval != 0:
                    self._tell_of_silence(reason)
                return {**result, **self._run_module(variables)}
            with _surroundings(environment, self._loader.get_basedir()):
                return {**result, **self._run_here(interval)}
        except RunEnded:
            # There is nobody who could be told.
            os._exit(1)

    def _add_region(self, variables: Variables) -> None:
        """Name the region of the database that the host is, when the task is about that database or its app and names no place."""
        args = plain(self._task.args)
        if any(args.get(name) not in (None, "") for name in PLACES):
            return
        host = {
            name: self._templar.template(variables.get(f"scalingo_{name}")) for name in ("region", "app", "addon_id")
        }
        ids = {str(args.get(name) or "") for name in ("addon", "addon_id")}
        is_of_host = {
            "addon_id": host["addon_id"] in ids,
            # The ID of another database may be one of an app of the same name in another region.
            "app": host["app"] == args.get("app") and not any(name.startswith("ad-") for name in ids),
        }
        if host["region"] and any(host[name] and found for name, found in is_of_host.items()):
            self._task.args["region"] = host["region"]

    # -- here --------------------------------------------------------------------------------------------------------

    def _run_here(self, interval: float | None) -> Result:
        spec = self.module.argument_spec()
        arguments = {name: value for name, value in self._task.args.items() if name != TASK_NO_LOG}
        given = json.loads(json.dumps(plain(arguments)))
        checked = ArgumentSpecValidator(**spec.kwargs()).validate(prepared(spec.options, given))
        host = TaskHost(
            checked.validated_parameters,
            given,
            bool(self._task.check_mode),
            bool(self._task.no_log),
            checked._no_log_values,
            Parent(),
            lambda mask: Lines(_show, self._name, interval=interval, hidden=bool(self._task.no_log), mask=mask),
        )
        if checked.error_messages:
            message = checked.errors.msg
            if isinstance(checked.errors[0], UnsupportedError):
                # The words of a module.
                message = f"Unsupported parameters for ({self._task.action}) module: {message}"
            host.fail({"msg": message})
        else:
            _run.execute(self.module.RESOURCE, spec, host)
        return host.masked()

    @property
    def _name(self) -> str:
        return str(self._task.action).rpartition(".")[2]

    # -- as a module -------------------------------------------------------------------------------------------------

    def _tell_of_silence(self, reason: str) -> None:
        """Before a wait that shows nothing."""
        options = set(self.module.argument_spec().options)
        many = MANY_OPTIONS & options & set(self._task.args)
        if not many and (not LONG_OPTIONS & options or self._task.args.get("wait") in (False, "false", "no")):
            return
        if self._task.no_log:
            _show(f"{self._name}: runs as a module, and shows nothing until it ends")
            return
        there = "community.scalingo.scalingo_operation_info, or the database in the dashboard"
        advice = "" if many else f" Meanwhile see {there}."
        _show(f"{self._name}: runs as a module ({reason}), and shows nothing until it ends.{advice}")

    def _run_module(self, variables: Variables) -> Result:
        apart = bool(self._task.async_val) and not getattr(self._connection, "has_native_async", False)
        if not apart:
            # A module ends when nobody reads what it writes any more.
            Parent().alive()
        try:
            result: Result = self._execute_module(module_args=self._arguments(), task_vars=variables, wrap_async=apart)
        except AnsibleConnectionFailure as error:
            # Not "unreachable", so that a rescue sees it as it would see any failure of the API.
            result = {"failed": True, "changed": False, "msg": f"The module could not be run: {error}"}
        if not apart:
            self._remove_tmp_path(self._connection._shell.tmpdir)
        return result

    def _arguments(self) -> dict[str, t.Any]:
        """The arguments of the task, and whether it keeps its result secret. Core keeps that of an async task in a file."""
        return {**self._task.args, TASK_NO_LOG: bool(self._task.no_log) and not self._task.async_val}

    # -- which of them -----------------------------------------------------------------------------------------------

    def _why_not_here(self, variables: Variables, environment: Variables) -> str:
        """Why the module has to run, as a sentence that goes on after a colon; empty when it need not."""
        performer: type[Performer] = self.module.RESOURCE
        if performer.on_controller:
            return self._why_elsewhere() or self._what_is_missing(performer)
        wanted = self._wanted_here(variables, environment)
        if wanted is False:
            return "scalingo_in_process is false"
        if wanted is None and sys.platform == "darwin":
            return "that is the default on macOS, and scalingo_in_process is not set"
        elsewhere = self._why_elsewhere()
        if elsewhere:
            return elsewhere
        others = sorted(str(name) for name in environment if not OWN_VARIABLES.fullmatch(str(name)))
        if others:
            return f"environment sets {', '.join(others)}"
        interpreter = self._interpreter(variables)
        if interpreter and not same_interpreter(interpreter, sys.executable):
            return f"the interpreter is {interpreter} and not {sys.executable}"
        return self._what_is_missing(performer)

    def _why_elsewhere(self) -> str:
        """Why the task is not one of this machine, this user and this moment."""
        if self._task.async_val:
            return "the task is async"
        if self._connection.transport != "local":
            return f"the connection is {self._connection.transport} and not local"
        return "the task becomes another user" if self._connection.become else ""

    @staticmethod
    def _what_is_missing(performer: type[Performer]) -> str:
        for library in performer.libraries:
            try:
                importlib.import_module(library)
            except ImportError:
                return f"{sys.executable} cannot import {library}"
        return ""

    def _wanted_here(self, variables: Variables, environment: Variables) -> bool | None:
        """What the user says, the variable before the environment; none when that is nothing."""
        name, value = self._wish("scalingo_in_process", variables, environment)
        try:
            return None if value is None else bool(boolean(value))
        except TypeError:
            raise AnsibleActionFail(f"{name} is {value!r}: use true or false") from None

    def _wish(self, name: str, variables: Variables, environment: Variables) -> tuple[str, t.Any]:
        """What a variable says, or else the environment under the same name in capitals; none when that is nothing."""
        value = self._templar.template(variables.get(name))
        if value not in (None, ""):
            return name, value
        return name.upper(), environment.get(name.upper(), os.environ.get(name.upper())) or None

    def _interpreter(self, variables: Variables) -> str:
        """The interpreter that is asked for; empty when core is to choose one."""
        if self._task.delegate_to:
            variables = variables.get("ansible_delegated_vars", {}).get(self._task.delegate_to, variables)
        value = self._templar.template(C.config.get_config_value("INTERPRETER_PYTHON", variables=variables))
        text = str(value or "").strip()
        return "" if re.match(r"auto(_|$)", text) else text


def of(name: str) -> type[ScalingoAction]:
    """Return the action of a module."""
    return type("ActionModule", (ScalingoAction,), {"module": importlib.import_module(MODULES + name)})


def same_interpreter(one: str, other: str) -> bool:
    """Return whether two programs are one interpreter with one set of libraries.

    A virtual environment is known by the directory of its programs, which are links to the interpreter that it was made with.
    """
    places = [_place(program) for program in (one, other)]
    return None not in places and places[0] == places[1]


def _place(program: str) -> tuple[str, str] | None:
    found = shutil.which(os.path.expanduser(program))
    return None if found is None else (os.path.realpath(os.path.dirname(found)), os.path.realpath(found))


def _show(line: str) -> None:
    Display().display(line, stderr=True)


def is_omitted(value: t.Any) -> bool:
    """Whether a value is Ansible's `omit` as core 2.16 writes it; later ones leave the key out."""
    return isinstance(value, str) and value.startswith("__omit_place_holder__")


def plain(value: t.Any) -> t.Any:
    """A value as a module would receive it: what JSON knows, and anything else as text. Vaulted text is decrypted, what is omitted is left out.

    It is data, and never a template again.
    """
    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, t.Mapping):
        return {str(name): plain(inner) for name, inner in value.items() if not is_omitted(inner)}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(inner) for inner in value if not is_omitted(inner)]
    if isinstance(value, (datetime.date, datetime.datetime)):
        return re.sub(r"\+00:00$", "Z", value.isoformat())
    return str(value)


@contextlib.contextmanager
def _surroundings(environment: Variables, directory: str) -> t.Iterator[None]:
    """The environment of a task, and the directory that modules run in. Items of a loop share the worker: nothing stays."""
    before, place = dict(os.environ), None
    with contextlib.suppress(OSError):
        place = os.getcwd()
    os.environ.update({str(name): str(value) for name, value in environment.items()})
    os.chdir(directory)
    try:
        yield
    finally:
        if place is not None:
            os.chdir(place)
        for name in environment:
            os.environ.pop(str(name), None)
            if str(name) in before:
                os.environ[str(name)] = before[str(name)]


class RoleAction(ActionBase):
    """What the actions of roles share: check mode is asked for here alone, and modules run as tasks of their own would."""

    TRANSFERS_FILES = False
    _supports_check_mode = True

    def __init__(self, *arguments: t.Any, **more: t.Any) -> None:
        super().__init__(*arguments, **more)
        #: What modules of this task say that a person is to see, and whether one changed something.
        self.shown: dict[str, list[t.Any]] = {}
        self.changed = False

    def _see(self, result: Result) -> None:
        self.changed |= bool(result.get("changed"))
        for name in ("warnings", "notes", "diff"):
            more = result.get(name) or []
            found = self.shown.get(name, [])
            more = [item for item in (more if isinstance(more, list) else [more]) if item not in found]
            if more:
                self.shown[name] = found + more

    @property
    def only_checks(self) -> bool:
        """Whether the task is in check mode: from the command line, or by a keyword, which Ansible's variable does not tell."""
        return bool(self._task.check_mode)

    @property
    def tags_of_user(self) -> set[str]:
        """The tags that core adds to those of a task in a role: of the play, of the role, of what is around, but for includes at run time.

        It has added them already when it chose the tasks to run; a worker's blocks do not have those of others.
        """
        role, around = self._task._role, self._task._parent
        found = {*self._task.play.tags, *(role.tags if role else ())}
        while around is not None:
            if not isinstance(around, TaskInclude) or around.statically_loaded:
                found.update(around.tags)
            around = around._parent
        return found

    def write(self, change: t.Callable[[], None]) -> None:
        """Make a change on this machine, but not in check mode."""
        if not self.only_checks:
            change()

    def defaults_of(self, name: str) -> Result:
        """Return what `module_defaults` say of an action or a group of this collection, the inner ones over the outer."""
        found: Result = {}
        for entry in self._task.module_defaults or ():
            found.update({key: value for key, value in entry.items() if key == name})
        return self._templar.template(found.get(name)) or {}

    def run_module(
        self,
        action: type[ActionBase],
        name: str,
        arguments: Result,
        variables: Variables,
        check_mode: bool | None = None,
    ) -> Result:
        """Run a module of this collection, in check mode when the task is, or as said. May raise an `AnsibleError`."""
        task = self._task.copy(exclude_parent=True)
        task._parent = self._task._parent
        task.action, task.args = name, arguments
        if check_mode is not None:
            task.check_mode = check_mode
        done: Result = action(
            task=task, connection=self._connection, play_context=self._play_context, loader=self._loader,
            templar=self._templar, shared_loader_obj=self._shared_loader_obj,
        ).run(task_vars=variables)  # fmt: skip
        if check_mode is None:
            self._see(done)
        return done
