# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.
"""Run a program of a role on the controller, as `ansible.builtin.command` would there, without the process of a module around it."""

from __future__ import annotations

import os
import signal
import subprocess
import typing as t

from ansible.plugins.action import ActionBase
from ansible_collections.community.scalingo.plugins.module_utils._progress import RunEnded
from ansible_collections.community.scalingo.plugins.plugin_utils._action import Parent, end_with_parent


class ActionModule(ActionBase):  # type: ignore[misc]
    """Returns what the program printed and how it ended. In check mode the task is skipped."""

    TRANSFERS_FILES = False
    _requires_connection = False
    _supports_check_mode = False
    _VALID_ARGS = frozenset(("argv", "stdin"))

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        result: dict[str, t.Any] = super().run(tmp, task_vars)
        environment: dict[str, t.Any] = {}
        self._compute_environment_string(environment)
        worker = os.getpid()

        def tied() -> None:
            """A program may wait long, for a lock or for a program of the user, and must not go on without its run."""
            end_with_parent(signal.SIGTERM)
            if os.getppid() != worker:
                os._exit(1)

        try:
            Parent().alive()
            done = subprocess.run(
                [str(word) for word in self._task.args["argv"]], input=str(self._task.args["stdin"]), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                env={**os.environ, **{str(name): str(value) for name, value in environment.items()}}, cwd=self._loader.get_basedir(),
                encoding="utf-8", errors="replace", check=False, preexec_fn=tied,
            )  # fmt: skip
        except RunEnded:
            # There is nobody who could be told.
            os._exit(1)
        except OSError as error:
            message = f"{self._task.args['argv'][0]} cannot be started: {error.strerror}"
            return {**result, "failed": True, "rc": error.errno, "stdout": "", "stderr": message, "msg": message}
        result.update(
            changed=True, rc=done.returncode, stdout=done.stdout.rstrip("\r\n"), stderr=done.stderr.rstrip("\r\n")
        )
        if done.returncode:
            result.update(failed=True, msg="non-zero return code")
        return result
