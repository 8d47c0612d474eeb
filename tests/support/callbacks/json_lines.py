# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Writes each task's result as one line of JSON, beside the usual output. Serves support.playbook."""

from __future__ import annotations

import faulthandler
import gc
import json
import os
import signal
import time

from ansible.plugins.callback import CallbackBase
from ansible.plugins.loader import filter_loader, test_loader

DOCUMENTATION = r"""
name: json_lines
type: notification
short_description: Each task's result as one line of JSON in a file
description:
  - Writes to the file that the environment variable SUPPORT_JSON_LINES names. The usual output stays as it is.
options: {}
"""


class CallbackModule(CallbackBase):
    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "notification"
    CALLBACK_NAME = "json_lines"
    CALLBACK_NEEDS_ENABLED = True

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self._path = os.environ.get("SUPPORT_JSON_LINES", "")
        self._started = {}
        if os.environ.get("SUPPORT_STACKS"):
            # For support.ended: where this process is, and each worker.
            self._stacks = open(os.environ["SUPPORT_STACKS"], "w", encoding="utf-8")
            faulthandler.register(signal.SIGUSR2, self._stacks)
        # Each worker would load them anew, and look for garbage among what it has from the run: a fifth of the time of a task.
        list(filter_loader.all())
        list(test_loader.all())

    def v2_playbook_on_task_start(self, task, is_conditional):
        gc.freeze()

    def _write(self, record):
        if self._path:
            with open(self._path, "a", encoding="utf-8") as stream:
                stream.write(json.dumps(record, default=str) + "\n")

    def _report(self, status, result, ignored=False):
        task = result._task
        host = result._host.get_name()
        started = self._started.pop((host, task._uuid), None)
        self._write(
            {
                "host": host,
                "task": task.name or task.action,
                "action": task.action,
                "status": status,
                "ignored": bool(ignored),
                "seconds": None if started is None else time.monotonic() - started,
                "result": dict(result._result),
            }
        )

    def v2_runner_on_start(self, host, task):
        self._started[(host.get_name(), task._uuid)] = time.monotonic()

    def v2_runner_on_ok(self, result):
        self._report("ok", result)

    def v2_runner_on_failed(self, result, ignore_errors=False):
        self._report("failed", result, ignore_errors)

    def v2_runner_on_skipped(self, result):
        self._report("skipped", result)

    def v2_runner_on_unreachable(self, result):
        self._report("unreachable", result)

    def v2_playbook_on_stats(self, stats):
        self._write({"stats": {host: stats.summarize(host) for host in sorted(stats.processed)}})
