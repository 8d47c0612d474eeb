# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Most of what a short run of Ansible costs is its start. So that is done once: this process imports what every run imports, and each
run is a fork of it, which gets its own arguments, environment, directory and streams before anything of Ansible has begun to work.

The interpreter of an ansible-core runs it, its standard input is the socket that requests come by, and it ends with that.
tests/support/playbook.py starts it, and knows which runs are no forks of it.
"""

from __future__ import annotations

import atexit
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
import threading
import types
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COLLECTION = "ansible_collections.community.scalingo"

#: What a run would import besides; what it would of the collection is in `imported`.
MORE = (
    *(f"ansible.plugins.{name}" for name in (
        "strategy.linear", "strategy.free", "callback.default", "callback.junit", "callback.minimal", "callback.oneline", "callback.tree",
        "connection.local", "connection.paramiko_ssh", "connection.psrp", "connection.ssh", "connection.winrm",
        "shell.cmd", "shell.powershell", "shell.sh", "cache.memory", "vars.host_group_vars",
        "inventory.host_list", "inventory.script", "inventory.auto", "inventory.yaml", "inventory.ini", "inventory.toml", "inventory.constructed",
        "action.normal", "action.debug", "action.assert", "action.set_fact", "action.copy", "action.include_vars", "action.template", "action.command",
        "filter.core", "filter.encryption", "filter.mathstuff", "filter.urls", "filter.urlsplit", "test.core", "test.files", "test.mathstuff", "test.uri",
        "become.runas", "become.su", "become.sudo", "lookup.template", "lookup.pipe", "lookup.vars",
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
    know_settings()
    share(finder, imported())


def know_settings() -> None:
    """Of the plugins that every run has: core reads them from the documentation, which is YAML, in each process."""
    from ansible import constants as C
    from ansible.plugins import get_plugin_class

    loaders = importlib.import_module("ansible.plugins.loader")
    for module in [module for name, module in sys.modules.items() if name.startswith("ansible.plugins.")]:
        kind, dot, name = module.__name__[len("ansible.plugins.") :].partition(".")
        loader = getattr(loaders, kind + "_loader", None)
        if name and loader is not None and hasattr(module, "DOCUMENTATION"):
            loader._load_config_defs(name, module, module.__file__)
            kind = get_plugin_class(loader.class_name)
            if not C.config.has_configuration_definition(kind, name):
                C.config.initialize_plugin_configuration_definitions(kind, name, {})


def imported() -> dict[str, types.ModuleType]:
    """The checkout's code, as it is after its import. No run knows of it before it imports it."""
    # What is compiled is kept: each starter would compile it anew.
    kept, sys.dont_write_bytecode = sys.dont_write_bytecode, False
    for name, place in (("ansible_collections", ""), ("ansible_collections.community", ""), (COLLECTION, str(ROOT))):
        package = sys.modules[name] = types.ModuleType(name)
        package.__path__ = [place]
    for path in sorted(ROOT.glob("plugins/*/**/*.py")):
        name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
        with contextlib.suppress(ImportError):
            importlib.import_module(f"{COLLECTION}.{name}")
    sys.dont_write_bytecode = kept
    names = [name for name in sys.modules if name.partition(".")[0] == "ansible_collections"]
    modules = {name: sys.modules.pop(name) for name in names}
    return {name: module for name, module in modules.items() if getattr(module, "__file__", None)}


def share(finder: t.Any, modules: t.Mapping[str, types.ModuleType]) -> None:
    """Have a run that imports a file of the checkout find what `imported` has made of it, if that is where its collection is."""
    loader = finder._AnsibleCollectionPkgLoaderBase
    execute = loader.exec_module

    def exec_module(self: t.Any, module: types.ModuleType) -> None:
        known = modules.get(module.__name__)
        if known is None or os.path.realpath(self.get_filename(self._fullname)) != known.__file__:
            execute(self, module)
            return
        known.__spec__, known.__loader__, known.__file__ = module.__spec__, module.__loader__, module.__file__
        sys.modules[module.__name__] = known

    loader.exec_module = exec_module


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
    status: t.Any = 0
    try:
        status = importlib.import_module("ansible.cli." + program).main()
    except SystemExit as ended:
        status = ended.code
    # Without tidying up all that was imported, which is copied for it.
    threading._shutdown()  # type: ignore[attr-defined]
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status if isinstance(status, int) else int(status is not None))


if __name__ == "__main__":
    prepare()
    become(serve(socket.socket(fileno=os.dup(0))))
