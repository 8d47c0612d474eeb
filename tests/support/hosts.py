# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module through each of its two hosts, in this very process: as AnsibleModule sees it, and as a task in the process of the controller.

What comes out is the result as Ansible gets it: masked, with its warnings, as JSON.
"""

from __future__ import annotations

import contextlib
import io
import json
import types
import typing as t
from pathlib import Path
from unittest import mock

from ansible.module_utils import basic
from ansible_collections.community.scalingo.plugins.module_utils import _module, _run
from ansible_collections.community.scalingo.plugins.module_utils._core import Clock
from ansible_collections.community.scalingo.plugins.module_utils._options import TASK_NO_LOG
from ansible_collections.community.scalingo.plugins.plugin_utils import _action
from support.port import surroundings

Result = dict[str, t.Any]


def as_module(
    module: types.ModuleType, name: str, arguments: t.Mapping[str, t.Any], *, check: bool, no_log: bool, clock: Clock
) -> Result:
    """What the module prints, read as Ansible reads it."""
    internal = {
        "_ansible_check_mode": check,
        "_ansible_no_log": no_log,
        "_ansible_module_name": name,
        "_ansible_verbosity": 0,
        "_ansible_remote_tmp": "/nonexistent",
    }
    given = {"ANSIBLE_MODULE_ARGS": {**arguments, **internal, TASK_NO_LOG: no_log}}
    printed = io.StringIO()
    warned: list[tuple[basic.AnsibleModule, str]] = []
    with contextlib.ExitStack() as stack:
        stack.enter_context(mock.patch.object(basic, "_ANSIBLE_ARGS", json.dumps(given).encode()))
        stack.enter_context(mock.patch.object(basic, "_ANSIBLE_PROFILE", "legacy", create=True))
        stack.enter_context(mock.patch.object(basic.AnsibleModule, "_log_invocation", lambda self: None))
        # Here it would be taken for the controller, and the warning shown at once.
        stack.enter_context(
            mock.patch.object(basic.AnsibleModule, "warn", lambda self, text: warned.append((self, text)))
        )
        stack.enter_context(mock.patch.object(_run, "WatchfulClock", lambda host: clock))
        stack.enter_context(contextlib.redirect_stdout(printed))
        stack.enter_context(contextlib.suppress(SystemExit))
        _module.run(module.RESOURCE, module.argument_spec())
    result: Result = json.loads(printed.getvalue())
    result.pop("invocation")
    if warned:
        result["warnings"] = [_run.masked(text, host.no_log_values) for host, text in dict.fromkeys(warned)]
    return result


def as_task(
    module: types.ModuleType,
    name: str,
    arguments: t.Mapping[str, t.Any],
    *,
    check: bool,
    no_log: bool,
    clock: Clock,
    directory: Path,
) -> Result:
    """What the action returns."""
    task = types.SimpleNamespace(
        args=dict(arguments),
        action=name,
        async_val=0,
        check_mode=check,
        delegate_to=None,
        environment=[],
        no_log=no_log,
    )
    shell = types.SimpleNamespace(env_prefix=lambda **dummy: "", tmpdir=None)
    made = type("ActionModule", (_action.ScalingoAction,), {"module": module})(
        task=task,
        connection=types.SimpleNamespace(transport="local", become=None, _shell=shell),
        play_context=None,
        loader=types.SimpleNamespace(get_basedir=lambda: str(directory)),
        templar=types.SimpleNamespace(template=lambda value: value),
        shared_loader_obj=None,
    )
    with (
        mock.patch.object(_run, "WatchfulClock", lambda host: clock),
        mock.patch.object(_action, "_show", lambda line: None),
    ):
        result: Result = made.run(task_vars={"ansible_python_interpreter": "auto", "scalingo_in_process": True})
    return json.loads(json.dumps(result))


def both(laboratory: t.Any, subject: t.Any, case: t.Any, check: bool) -> list[Result]:
    """The results of both hosts, each in the situation of the case, from its beginning."""
    found = []
    name = f"community.scalingo.{subject.name}"
    for host in (as_module, as_task):
        laboratory.arrange(subject, case)
        more = {"directory": laboratory.work} if host is as_task else {}
        with laboratory.running(), surroundings(laboratory.home, case.environment):
            found.append(
                host(
                    subject.module,
                    name,
                    laboratory.arguments(case),
                    check=check,
                    no_log=case.no_log,
                    clock=laboratory.clock,
                    **more,
                )
            )
    return found
