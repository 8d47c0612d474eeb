# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real Ansible in a process of its own: `ansible-playbook` and `ansible`, each with nothing of the surroundings.

HOME, configuration, temporary files and the collection's token cache live in one private directory, the environment is
built from nothing, and the results come back as data.
"""

from __future__ import annotations

import atexit
import contextlib
import dataclasses
import json
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import typing as t
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
CALLBACKS = Path(__file__).resolve().parent / "callbacks"
#: A run that takes longer hangs, whatever else the machine has to do.
RUN_SECONDS = 600.0
MODULE_PREFIX = "community.scalingo."

Environment = t.Mapping[str, t.Optional[str]]
Plays = t.Union[str, t.Sequence[t.Mapping[str, t.Any]]]
Result = dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class TaskResult:
    """One task on one host. `status` is ok, failed, skipped or unreachable; `ignored` says that the play went on."""

    host: str
    task: str
    action: str
    status: str
    ignored: bool
    seconds: float | None
    result: Result


@dataclasses.dataclass(frozen=True)
class Run:
    """What one process of Ansible did."""

    command: list[str]
    returncode: int
    stdout: str
    stderr: str
    seconds: float
    results: list[TaskResult]
    stats: dict[str, dict[str, int]]

    @property
    def output(self) -> str:
        return self.stdout + self.stderr

    def __str__(self) -> str:
        return "%s\nexit status %d after %.1f s\n%s" % (
            " ".join(self.command),
            self.returncode,
            self.seconds,
            self.output[-6000:],
        )

    def ok(self) -> Run:
        """The run itself, when it succeeded; else an assertion that shows all of it."""
        assert self.returncode == 0, str(self)
        assert self.results, f"no task ran\n{self}"
        return self

    def failed(self) -> Run:
        """The run itself, when a task failed as tasks fail: exit status 2 and no traceback anywhere."""
        assert self.returncode == 2, str(self)
        self.clean()
        return self

    def clean(self) -> Run:
        """Nothing in the output is a traceback, a crashed module or text that a module let slip onto its output."""
        for word in (
            "Traceback (most recent call last)",
            "MODULE FAILURE",
            "module_stderr",
            "Unexpected Exception",
            "junk after the JSON",
        ):
            assert word not in self.output, str(self)
        return self

    def tasks(self, task: str, host: str | None = None) -> list[TaskResult]:
        return [item for item in self.results if item.task == task and host in (None, item.host)]

    def task(self, task: str, host: str | None = None) -> TaskResult:
        """The one result of a task."""
        found = self.tasks(task, host)
        assert len(found) == 1, f"{len(found)} results of {task!r}\n{self}"
        return found[0]

    def result(self, task: str, host: str | None = None) -> Result:
        return self.task(task, host).result

    @property
    def only(self) -> TaskResult:
        """The one result of a run with a single task on a single host."""
        assert len(self.results) == 1, f"{len(self.results)} results\n{self}"
        return self.results[0]

    def by_host(self, task: str) -> dict[str, Result]:
        return {item.host: item.result for item in self.tasks(task)}

    def count(self, name: str) -> int:
        """A column of the recap, over all hosts: ok, changed, failures, unreachable, skipped, ignored."""
        return sum(host.get(name, 0) for host in self.stats.values())

    def shown_diffs(self) -> list[str]:
        """What the user sees of each change between the name of a task and its verdict."""
        shown: list[str] = []
        lines: list[str] = []
        for line in self.stdout.splitlines():
            if re.match(r"(PLAY|TASK|PLAY RECAP) ?.*\*\*$", line):
                lines = []
            elif re.match(r"(ok|changed): |\S+ \| (SUCCESS|CHANGED)", line):
                text = "\n".join(lines).strip("\n")
                shown += [text] if text else []
                lines = []
            else:
                lines.append(line)
        return shown


def oldest_core() -> Path:
    """The programs of the oldest ansible-core that the collection supports, or that the interpreter takes."""
    found = sorted((ROOT / ".cache").glob("core-[0-9]*/bin"))
    assert len(found) == 1, f"run scripts/bootstrap: there are {len(found)} environments of an old core"
    return found[0]


class Ansible:
    """A controller with a private directory. `programs` are those of another ansible-core than `standard` is."""

    #: The ansible-core that runs the tests.
    standard = Path(sys.executable).parent

    def __init__(self, directory: Path, environment: Environment | None = None, programs: Path | None = None) -> None:
        self.directory = directory
        self.home = directory / "home"
        self.working_directory = directory
        self.programs = programs or self.standard
        self.environment: dict[str, str | None] = dict(environment or {})
        self.prefix: list[str] = []
        self._number = 0
        collection = directory / "collections" / "ansible_collections" / "community" / "scalingo"
        collection.parent.mkdir(parents=True, exist_ok=True)
        if not collection.is_symlink():
            collection.symlink_to(ROOT, target_is_directory=True)
        self.home.mkdir(mode=0o700, exist_ok=True)
        (directory / "ansible.cfg").write_text("[defaults]\n", encoding="utf-8")

    def variables(self, more: Environment | None = None) -> dict[str, str]:
        """The environment of a run; a name that is given as none is left out."""
        values: dict[str, str | None] = {
            "PATH": os.pathsep.join([str(self.programs), "/usr/local/bin", "/usr/bin", "/bin", "/usr/sbin", "/sbin"]),
            "HOME": str(self.home),
            "TMPDIR": tempfile.gettempdir(),
            "LANG": "C.UTF-8",
            "LC_ALL": "C.UTF-8",
            "PYTHONDONTWRITEBYTECODE": "1",
            "ANSIBLE_CONFIG": str(self.directory / "ansible.cfg"),
            "ANSIBLE_HOME": str(self.directory / "ansible"),
            "ANSIBLE_LOCAL_TEMP": str(self.directory / "local"),
            "ANSIBLE_REMOTE_TEMP": str(self.directory / "remote"),
            "ANSIBLE_PYTHON_INTERPRETER": str(self.programs / "python"),
            "ANSIBLE_COLLECTIONS_PATH": str(self.directory / "collections"),
            "ANSIBLE_CALLBACK_PLUGINS": str(CALLBACKS),
            "ANSIBLE_CALLBACKS_ENABLED": "json_lines",
            "ANSIBLE_LOAD_CALLBACK_PLUGINS": "true",
            # Without it each task has a directory, a file and five shells. tests/engines/test_every_module.py is run so.
            "ANSIBLE_PIPELINING": "true",
            "ANSIBLE_NOCOLOR": "true",
            "ANSIBLE_RETRY_FILES_ENABLED": "false",
            "ANSIBLE_LOCALHOST_WARNING": "false",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "false",
            **self.environment,
            **(more or {}),
        }
        return {name: value for name, value in values.items() if value is not None}

    def play(
        self,
        plays: Plays,
        *options: str,
        hosts: t.Mapping[str, t.Mapping[str, t.Any]] | None = None,
        environment: Environment | None = None,
        timeout: float = RUN_SECONDS,
    ) -> Run:
        """Run plays, given as text or as data. `hosts` are local ones with their variables; without it, localhost."""
        self._number += 1
        path = self.working_directory / (f"play-{self._number}.yml")
        path.write_text(plays if isinstance(plays, str) else _yaml(plays), encoding="utf-8")
        return self._run("ansible-playbook", [*self._inventory(hosts), *options, str(path)], environment, timeout)

    def tasks(
        self,
        tasks: t.Sequence[t.Mapping[str, t.Any]],
        *options: str,
        hosts: t.Mapping[str, t.Mapping[str, t.Any]] | None = None,
        environment: Environment | None = None,
        timeout: float = RUN_SECONDS,
        **play: t.Any,
    ) -> Run:
        """Run one play of these tasks, on localhost or on all `hosts`."""
        whole = {"hosts": "localhost" if hosts is None else "all", "gather_facts": False, **play, "tasks": list(tasks)}
        return self.play([whole], *options, hosts=hosts, environment=environment, timeout=timeout)

    def ad_hoc(
        self,
        module: str,
        arguments: str,
        *options: str,
        environment: Environment | None = None,
        timeout: float = RUN_SECONDS,
    ) -> Run:
        """`ansible localhost -m module -a arguments`."""
        self._number += 1
        return self._run(
            "ansible",
            [*self._inventory(None), "localhost", "-m", module, "-a", arguments, *options],
            environment,
            timeout,
        )

    def inventory(self, *options: str, environment: Environment | None = None, timeout: float = RUN_SECONDS) -> Run:
        """`ansible-inventory`, with nothing but these options."""
        return self.run("ansible-inventory", *options, environment=environment, timeout=timeout)

    def run(
        self, program: str, *arguments: str, environment: Environment | None = None, timeout: float = RUN_SECONDS
    ) -> Run:
        """A program of Ansible, with nothing but these arguments."""
        self._number += 1
        return self._run(program, arguments, environment, timeout)

    def _inventory(self, hosts: t.Mapping[str, t.Mapping[str, t.Any]] | None) -> list[str]:
        path = self.directory / (f"inventory-{self._number}.yml")
        # Another one than the controller's runs every module in a process of its own.
        python = os.environ.get("SCALINGO_TESTS_MANAGED_PYTHON")
        local = {"ansible_connection": "local", "ansible_python_interpreter": python or "{{ ansible_playbook_python }}"}
        data: dict[str, t.Any] = {"all": {}}
        if hosts is None and python:
            hosts = {"localhost": {}}
        if hosts is not None:
            data = {"all": {"hosts": {name: dict(values) for name, values in hosts.items()}, "vars": local}}
        path.write_text(_yaml(data), encoding="utf-8")
        return ["-i", str(path)]

    def _run(self, program: str, arguments: t.Sequence[str], environment: Environment | None, timeout: float) -> Run:
        lines = self.directory / (f"results-{self._number}.jsonl")
        lines.touch(mode=0o666)
        lines.chmod(0o666)
        command = [*self.prefix, str(self.programs / program), *arguments]
        variables = self.variables({"SUPPORT_JSON_LINES": str(lines), **(environment or {})})
        begun = time.monotonic()
        with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
            starter = None if self.prefix else Starter.of(self.programs, variables)
            process: subprocess.Popen[bytes] | Forked
            if starter is None:
                process = subprocess.Popen(
                    command,
                    cwd=self.working_directory,
                    env=variables,
                    stdin=subprocess.DEVNULL,
                    stdout=stdout,
                    stderr=stderr,
                    start_new_session=True,
                )
            else:
                process = starter.begin(command, self.working_directory, variables, stdout, stderr)
            try:
                returncode = process.wait(timeout)
            except BaseException:
                for number in [process.pid, *_descendants(process.pid)]:
                    with contextlib.suppress(ProcessLookupError):
                        os.kill(number, signal.SIGKILL)
                process.wait()
                raise
            shown = [text_of(stream) for stream in (stdout, stderr)]
        seconds = time.monotonic() - begun
        return Run(command, returncode, *shown, seconds, *reported(lines))


class Forked:
    """A run that is a fork of a starter."""

    def __init__(self, reply: socket.socket) -> None:
        self._reply = reply
        self.pid = self._told()

    def _told(self) -> int:
        said = self._reply.recv(64)
        assert said, "the process that starts Ansible is gone"
        return int(said)

    def wait(self, timeout: float | None = None) -> int:
        self._reply.settimeout(timeout)
        returncode = self._told()
        self._reply.close()
        return returncode


class Starter:
    """A process of starter.py: all runs of one ansible-core with one configuration are forks of it, but for the first one."""

    #: What each run may have otherwise, as it is read when it is needed or starter.py sees to it.
    OF_A_RUN = (
        "ANSIBLE_ASYNC_DIR", "ANSIBLE_COLLECTIONS_PATH", "ANSIBLE_CONFIG", "ANSIBLE_HOME", "ANSIBLE_LOCAL_TEMP", "ANSIBLE_LOG_PATH", "ANSIBLE_REMOTE_TEMP",
    )  # fmt: skip
    _lock = threading.Lock()
    _known: t.ClassVar[dict[t.Any, Starter | None]] = {}

    @classmethod
    def of(cls, programs: Path, variables: t.Mapping[str, str]) -> Starter | None:
        """None for the first run of its kind: it starts as users start it."""
        fixed = {
            name: value
            for name, value in variables.items()
            if name.startswith(("ANSIBLE_", "PYTHON", "LANG", "LC_", "TMPDIR", "PATH")) and name not in cls.OF_A_RUN
        }
        logs = "ANSIBLE_LOG_PATH" in variables
        key = (programs, logs, *sorted(fixed.items()))
        with cls._lock:
            if key not in cls._known:
                cls._known[key] = None
                return None
            starter = cls._known[key]
            if starter is None:
                starter = cls._known[key] = cls(programs, fixed, logs)
            return starter

    def __init__(self, programs: Path, variables: t.Mapping[str, str], logs: bool) -> None:
        self._directory = tempfile.TemporaryDirectory(prefix="starter-")
        place = Path(self._directory.name)
        (place / "ansible.cfg").write_text("[defaults]\n", encoding="utf-8")
        own = {
            "HOME": str(place),
            "ANSIBLE_CONFIG": str(place / "ansible.cfg"),
            "ANSIBLE_HOME": str(place / "ansible"),
            "ANSIBLE_LOCAL_TEMP": str(place / "local"),
            **({"ANSIBLE_LOG_PATH": str(place / "log")} if logs else {}),
        }
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [programs / "python", Path(__file__).with_name("starter.py")],
                stdin=theirs,
                cwd=place,
                env={**variables, **own},
                start_new_session=True,
            )
        atexit.register(self._end)

    def _end(self) -> None:
        self._control.close()
        self._process.wait(10)
        self._directory.cleanup()

    def begin(
        self,
        command: t.Sequence[str],
        directory: Path,
        variables: t.Mapping[str, str],
        stdout: t.IO[bytes],
        stderr: t.IO[bytes],
    ) -> Forked:
        request = json.dumps({"command": command, "directory": str(directory), "environment": variables})
        reply, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            socket.send_fds(self._control, [request.encode()], [stdout.fileno(), stderr.fileno(), theirs.fileno()])
        return Forked(reply)


def task(
    module: str,
    task_name: str | None = None,
    keywords: t.Mapping[str, t.Any] | None = None,
    /,
    **arguments: t.Any,
) -> dict[str, t.Any]:
    """A task of the collection: `module` without the collection's name."""
    return {"name": task_name or module, MODULE_PREFIX + module: arguments, **(keywords or {})}


def reported(lines: Path) -> tuple[list[TaskResult], dict[str, dict[str, int]]]:
    """The results and the recap that the callback wrote to a file."""
    results: list[TaskResult] = []
    stats: dict[str, dict[str, int]] = {}
    for line in lines.read_text(encoding="utf-8").splitlines():
        record = json.loads(line)
        if "stats" in record:
            stats = record["stats"]
        else:
            results.append(TaskResult(**record))
    return results, stats


def text_of(stream: t.IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode("utf-8", "replace").replace("\r\n", "\n")


def _descendants(process: int) -> list[int]:
    """The processes below one: workers and modules are in sessions of their own and would outlive it."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            parents[int(path.parent.name)] = int(
                path.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()[1]
            )
    found = [process]
    for known in found:
        found += [number for number, parent in parents.items() if parent == known]
    return found[1:]


def _yaml(data: t.Any) -> str:
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=1000)
