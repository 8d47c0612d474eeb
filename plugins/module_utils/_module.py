# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""The port of `_run.py` on an `AnsibleModule`."""

from __future__ import annotations

import contextlib
import select
import shutil
import signal
import typing as t

from ansible.module_utils.basic import AnsibleModule, _load_params

from ._change import Performer
from ._options import TASK_NO_LOG, Spec, prepared
from ._progress import Progress, RunEnded
from ._run import LOOK_SECONDS, execute, masked

try:
    from ansible.module_utils.secrets import register_secret
except ImportError:
    # Before ansible-core 2.22, what `no_log_values` holds is hidden wherever it would be shown.
    def register_secret(value: str) -> str:
        return value


class ModuleHost:
    """The port on an `AnsibleModule`."""

    def __init__(self, module: AnsibleModule, given: t.Mapping[str, t.Any]) -> None:
        self._module = module
        # Only the controller knows: here no_log is also on where core was told to log nothing on the target.
        hides = module.params.pop(TASK_NO_LOG, None)
        self.params: dict[str, t.Any] = module.params
        self.given = given
        self.check_mode: bool = module.check_mode
        self.no_log: bool = hides is True

    def warn(self, message: str) -> None:
        self._module.warn(message)

    def secret(self, value: str) -> None:
        self._module.no_log_values.add(register_secret(value))

    def exit(self, result: dict[str, t.Any]) -> None:
        self._module.exit_json(**masked(result, self._module.no_log_values))

    def fail(self, result: dict[str, t.Any]) -> None:
        self._module.fail_json(**masked(result, self._module.no_log_values))

    def progress(self, progress: Progress) -> None:
        """A module has nobody to talk to before it ends."""

    def alive(self) -> None:
        """Nobody reads the output once the process that started the module has ended. In the background that is not the run's, and goes on."""
        # One of its own for each call: threads may ask at a time.
        output = select.poll()
        output.register(1, 0)
        if any(event & (select.POLLERR | select.POLLHUP) for dummy, event in output.poll(0)):
            raise RunEnded

    @contextlib.contextmanager
    def looking(self) -> t.Iterator[None]:
        """Look at intervals as well, whatever is waited for: an answer, a name, another thread. A signal breaks off each of them."""
        before = signal.signal(signal.SIGALRM, lambda *dummy: self.alive())
        signal.setitimer(signal.ITIMER_REAL, LOOK_SECONDS, LOOK_SECONDS)
        try:
            yield
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)


class _Module(AnsibleModule):  # type: ignore[misc]
    """Without a word of the option that is between an action and its module, or of what is null or blank."""

    def _load_params(self) -> None:
        self.params: dict[str, t.Any] = prepared(self.argument_spec, _load_params())

    def fail_json(self, msg: str, **kwargs: t.Any) -> None:
        super().fail_json(msg.replace(f"include: {TASK_NO_LOG}, ", "include: ", 1), **kwargs)


def run(performer: type[Performer], spec: Spec) -> None:
    """What every module's `main` calls."""
    kwargs = spec.kwargs()
    # Its value is not logged, and it is not among the parameters of `invocation`.
    kwargs["argument_spec"][TASK_NO_LOG] = {"type": "bool", "no_log": True}
    module = _Module(**kwargs, supports_check_mode=True)
    # This is how Ansible lets a module read what it was handed; the parameters of the module have null for what is missing.
    try:
        host = ModuleHost(module, _load_params())
        with host.looking():
            execute(performer, spec, host)
    except RunEnded:
        # Who would remove the module's files has ended as well.
        if module._tmpdir and not module._keep_remote_files:
            shutil.rmtree(module._tmpdir, ignore_errors=True)
        raise SystemExit(1) from None
