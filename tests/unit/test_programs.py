# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs that this process starts: what reaches them, what comes back, and that none of them outlives it."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
import typing as t
from pathlib import Path

import pytest
from ansible_collections.community.scalingo.plugins.module_utils import _programs
from ansible_collections.community.scalingo.plugins.module_utils._errors import ScalingoError
from ansible_collections.community.scalingo.plugins.module_utils._progress import Progress, RunEnded
from support.ended import is_there
from support.programs import until

FORK = multiprocessing.get_context("fork")
#: A program, what it has in a pipe, and a daemon of it in a session of its own; each writes down its number. Then it sleeps.
FAMILY = """
import os, sys, time
def note(name):
    with open(sys.argv[1] + "/" + name + ".part", "w") as file:
        file.write(str(os.getpid()))
    os.rename(sys.argv[1] + "/" + name + ".part", sys.argv[1] + "/" + name)
if os.fork() == 0:
    os.setsid()
    if os.fork():
        os._exit(0)
    note("daemon")
    time.sleep(60)
    os._exit(0)
if os.fork() == 0:
    note("child")
    time.sleep(60)
    os._exit(0)
while not all(os.path.exists(sys.argv[1] + "/" + name) for name in ("daemon", "child")):
    time.sleep(0.01)
note("program")
time.sleep(float(sys.argv[2]))
"""
NAMES = ("daemon", "child", "program")


class Ends:
    """A run that ends when something is there."""

    def __init__(self, condition: t.Callable[[], bool]) -> None:
        self._condition = condition

    def progress(self, progress: Progress) -> None:
        del progress

    def alive(self) -> None:
        if self._condition():
            raise RunEnded


def python(script: str, *arguments: str) -> list[str]:
    return [sys.executable, "-I", "-S", "-c", script, *arguments]


def family(directory: Path) -> list[int]:
    """The processes, when all of them are there."""
    paths = [directory / name for name in NAMES]
    return [int(path.read_text()) for path in paths] if all(path.exists() for path in paths) else []


def test_a_program_has_what_it_is_given_and_nothing_else(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SCALINGO_API_TOKEN", "tk-us-secret")
    monkeypatch.setenv("LC_ALL", "fr_FR.UTF-8")
    script = """
import os, sys, resource
print(sys.stdin.read(), sys.argv[1:], [name for name in os.environ if name.startswith("SCALINGO")], os.environ["LC_ALL"], os.environ.get("OWN"))
print(os.getcwd(), os.isatty(0), oct(os.umask(0)), resource.getrlimit(resource.RLIMIT_CORE)[0], sorted(os.listdir("/proc/self/fd"))[:3])
"""
    done = _programs.run(
        python(script, "a b"),
        given="täxt",
        directory=str(tmp_path),
        environment=_programs.surroundings(OWN="1", PYTHONUTF8="1"),
    )
    lines = done.stdout.splitlines()
    assert (lines[0], done.returncode, done.stderr) == ("täxt ['a b'] [] C 1", 0, "")
    assert lines[1] == f"{os.path.realpath(tmp_path)} False 0o77 0 ['0', '1', '2']"
    assert _programs.run(python("import sys; print(repr(sys.stdin.read()))")).stdout == "''\n"


def test_how_a_program_ended_is_told() -> None:
    failed = _programs.run(python("import sys; sys.stderr.write('a: b\\nx: error: why\\x1b\\n'); sys.exit(3)"))
    assert (failed.returncode, failed.said) == (3, "error: why\\x1b")
    killed = _programs.run(python("import os; os.kill(os.getpid(), 9)"))
    assert (killed.returncode, killed.said) == (-9, f"{Path(sys.executable).name} was killed by SIGKILL")
    assert _programs.run(["false"]).said == "false ended with exit status 1"
    with pytest.raises(ScalingoError, match="there is no program /nowhere/program"):
        _programs.run(["/nowhere/program"])


def test_much_goes_in_and_out_at_a_time_and_no_more_than_may_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    copy = "import shutil, sys; shutil.copyfileobj(sys.stdin.buffer, sys.stdout.buffer)"
    content = bytes(range(128)) * 8192
    assert _programs.run(python(copy), given=content).stdout == content.decode()
    assert _programs.run(python(copy), given=iter([b"", content, b"end\xff"])).stdout == f"{content.decode()}end\ufffd"
    assert _programs.run(["true"], given=content).returncode == 0, "it reads nothing of that"
    monkeypatch.setattr(_programs, "MOST", 1000)
    cut = _programs.run(python(copy), given=content)
    assert (cut.stdout, cut.is_cut, cut.returncode) == (content[:1000].decode(), True, 0)


def test_what_a_program_leaves_running_ends_with_it(tmp_path: Path) -> None:
    assert _programs.run(python(FAMILY, str(tmp_path), "0")).returncode == 0
    assert family(tmp_path) and not any(is_there(number) for number in family(tmp_path))


def test_a_program_and_all_below_it_end_when_the_time_or_the_run_does(tmp_path: Path) -> None:
    # A busy machine has not started all of them in the first.
    for limit in (1.5, 6, 24):
        with pytest.raises(ScalingoError, match=f"did not end within {limit} seconds, and was ended"):
            _programs.run(python(FAMILY, str(tmp_path), "60"), timeout=limit)
        if family(tmp_path):
            break
    assert family(tmp_path) and not any(is_there(number) for number in family(tmp_path))
    for name in NAMES:
        (tmp_path / name).unlink()
    with pytest.raises(RunEnded):
        _programs.run(python(FAMILY, str(tmp_path), "60"), watcher=Ends(lambda: bool(family(tmp_path))))
    assert not any(is_there(number) for number in family(tmp_path))


@pytest.mark.parametrize("name", ["SIGKILL", "SIGTERM", "SIGINT"])
def test_no_program_outlives_this_process(tmp_path: Path, name: str) -> None:
    process = FORK.Process(target=_programs.run, args=(python(FAMILY, str(tmp_path), "60"),))
    process.start()
    try:
        numbers = until(lambda: family(tmp_path), "the program")
        os.kill(process.pid or 0, signal.Signals[name])
        process.join(20)
        assert process.exitcode not in (None, 0)
        until(lambda: not any(is_there(each) for each in numbers), "the end of all")
    finally:
        process.kill()


def test_a_program_may_end_in_its_own_way_first(tmp_path: Path) -> None:
    script = (
        "import os, signal, sys, time\n"
        "def stop(*dummy):\n"
        "    open(sys.argv[1] + '/stopped', 'w').close()\n"
        "    sys.exit()\n"
        "signal.signal(signal.SIGQUIT, stop)\n"
        "open(sys.argv[1] + '/ready', 'w').close()\n"
        "time.sleep(60)\n"
    )
    process = _programs.start(python(script, str(tmp_path)), asking=signal.SIGQUIT)
    until(lambda: (tmp_path / "ready").exists(), "it")
    before = time.monotonic()
    _programs.end(process)
    assert (tmp_path / "stopped").exists() and time.monotonic() - before < _programs.PATIENCE, "it is killed then"
