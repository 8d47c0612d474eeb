# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Most of what a short run of Ansible costs is its start. So that is done once: this process imports what every run imports, and each
run is a fork of it, which gets its own arguments, environment, directory and streams before anything of Ansible has begun to work.

The interpreter of an ansible-core runs it, its standard input is the socket that requests come by, and it ends with that.
tests/support/playbook.py starts it, and knows which runs are no forks of it.
"""

from __future__ import annotations

import contextlib
import functools
import importlib
import json
import logging
import os
import pkgutil
import select
import socket
import sys
import typing as t

#: What a run would import besides, but for the collection.
MORE = (
    *(f"ansible.plugins.{name}" for name in (
        "strategy.linear", "strategy.free", "callback.default", "callback.minimal", "connection.local", "shell.sh", "cache.memory", "vars.host_group_vars",
        "inventory.host_list", "inventory.script", "inventory.auto", "inventory.yaml", "inventory.ini", "inventory.toml", "inventory.constructed",
        "action.normal", "action.debug", "action.assert", "action.set_fact", "action.copy", "action.include_vars", "action.template", "action.command",
        "filter.core", "filter.encryption", "filter.mathstuff", "filter.urls", "filter.urlsplit", "test.core", "test.files", "test.mathstuff", "test.uri",
        "become.sudo", "lookup.template", "lookup.pipe", "lookup.vars",
    )),
    "ansible.executor.process.worker", "ansible.modules.async_status", "requests", "psycopg",
)  # fmt: skip
#: The settings that are each run's own.
OWN = ("ANSIBLE_HOME", "COLLECTIONS_PATHS", "DEFAULT_LOCAL_TMP", "DEFAULT_LOG_PATH")


def prepare() -> None:
    for name in ("playbook", "adhoc", "inventory"):
        importlib.import_module("ansible.cli." + name)
    for name in MORE:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    # The routes of ansible.builtin are the largest file that every run reads. Core says that this function may be another.
    finder = importlib.import_module("ansible.utils.collection_loader._collection_finder")
    finder._meta_yml_to_dict = functools.lru_cache(None)(finder._meta_yml_to_dict)
    finder._meta_yml_to_dict(
        pkgutil.get_data("ansible.config", "ansible_builtin_runtime.yml"), ("ansible.builtin", "runtime.yml")
    )


def serve(control: socket.socket) -> dict[str, t.Any]:
    """Fork for each request. Returns in the run itself, with what was asked."""
    while True:
        ready = select.select([control], [], [], 1)[0]
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        if not ready:
            continue
        text, received, *dummy = socket.recv_fds(control, 1 << 20, 3)
        if not text:
            with contextlib.suppress(ChildProcessError):
                while True:
                    os.wait()
            os._exit(0)
        if os.fork() == 0:
            control.close()
            return waited_for(json.loads(text), *received)
        for each in received:
            os.close(each)


def waited_for(request: dict[str, t.Any], stdout: int, stderr: int, reply: int) -> dict[str, t.Any]:
    """Fork again, and tell how the run ends. Returns in the run."""
    number = os.fork()
    if number == 0:
        os.close(reply)
        os.setsid()
        nothing = os.open(os.devnull, os.O_RDONLY)
        for place, stream in enumerate((nothing, stdout, stderr)):
            os.dup2(stream, place)
            os.close(stream)
        return request
    with socket.socket(fileno=reply) as told:
        told.sendall(b"%d" % number)
        status = os.waitstatus_to_exitcode(os.waitpid(number, 0)[1])
        with contextlib.suppress(OSError):
            told.sendall(b"%d" % status)
    os._exit(0)


def become(request: t.Mapping[str, t.Any]) -> t.NoReturn:
    import atexit

    from ansible import constants as C
    from ansible.utils.path import cleanup_tmp_file

    atexit.unregister(cleanup_tmp_file)
    os.environ.clear()
    os.environ.update(request["environment"])
    os.chdir(request["directory"])
    sys.argv = request["command"]
    # As for any script.
    sys.path[0] = os.path.dirname(sys.argv[0])
    for name in OWN:
        setattr(C, name, C.config.get_config_value(name))
    for handler in logging.root.handlers:
        assert isinstance(handler, logging.FileHandler)
        handler.close()
        handler.baseFilename = C.DEFAULT_LOG_PATH
        handler.stream = handler._open()
    program = {"ansible": "adhoc"}.get(os.path.basename(sys.argv[0]), sys.argv[0].rpartition("-")[2])
    sys.exit(importlib.import_module("ansible.cli." + program).main())


if __name__ == "__main__":
    prepare()
    become(serve(socket.socket(fileno=os.dup(0))))
