# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs at a terminal of their own, seen from outside, and ended from there at a moment of their progress."""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import fcntl
import json
import math
import os
import pty
import random
import re
import select
import signal
import subprocess
import termios
import time
import typing as t
from pathlib import Path

from scalingo_sandbox.testing import Sandbox
from support.playbook import ROOT, Ansible, Plays, _descendants, _yaml
from support.programs import until

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGKILL)
#: How many runs are killed in `make test`, or in `make faults`, and where the moments come from.
THOROUGH = int(os.environ.get("SCALINGO_TESTS_KILLS", "0"))
SEED = int(os.environ.get("SCALINGO_TESTS_SEED", "1"))


#: What Python says of an exception that it ignores.
LOST = re.compile(r"Exception ignored .*?KeyboardInterrupt", re.DOTALL)


class Begun:
    """A run at a terminal of its own."""

    def __init__(self, process: subprocess.Popen[bytes], terminal: int, controlled: bool, stacks: Path) -> None:
        self.process = process
        self.text = ""
        self._controlled = controlled
        self._terminal = terminal
        self._stacks = stacks
        self._length = 0

    def read_until(self, wanted: str) -> None:
        while wanted not in self.text:
            self._read(wanted)

    def read_all(self) -> str:
        with contextlib.suppress(AssertionError):
            self.read_until("there is no such text")
        return self.text

    def drain(self) -> None:
        """Take what was printed: a terminal that nobody reads stops who writes to it."""
        with contextlib.suppress(AssertionError):
            while select.select([self._terminal], [], [], 0)[0]:
                self._read("more")

    def _read(self, wanted: str) -> None:
        try:
            self.text += os.read(self._terminal, 65536).decode("utf-8", "replace")
        except OSError:
            raise AssertionError(f"{wanted!r} did not come: {self.text}") from None

    @property
    def ended(self) -> bool:
        self.drain()
        return self.process.poll() is not None

    def end(self, number: int) -> list[int]:
        """End it from outside; returns what processes it had. At a terminal, Ctrl-C reaches them all."""
        self.drain()
        self._length = len(self.text)
        below = _descendants(self.process.pid)
        if number == signal.SIGINT and self._controlled:
            os.write(self._terminal, b"\x03")
        else:
            self.process.send_signal(number)
        return below

    @property
    def has_not_heard(self) -> bool:
        """Whether Ctrl-C was lost: when it comes just as Ansible forks, its exception is raised in a hook of the fork, where Python
        prints and ignores it, and Ansible goes on. The next one ends it, without a word to its workers.
        """
        self.drain()
        return LOST.search(self.text, self._length) is not None

    def described(self, below: t.Sequence[int]) -> str:
        """The processes of a run that does not end, and where those of Ansible are."""
        shown = [self.text[-3000:]]
        for number in sorted({self.process.pid, *below, *_descendants(self.process.pid)}):
            with contextlib.suppress(OSError):
                place = Path(f"/proc/{number}")
                command = (place / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
                state = (place / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[:4]
                shown.append(f"{number} {state} {(place / 'wchan').read_text(encoding='utf-8')} {command[:200]}")
                if is_there(number, b"ansible-playbook"):
                    os.kill(number, signal.SIGUSR2)
        time.sleep(1)
        with contextlib.suppress(OSError):
            shown.append(self._stacks.read_text(encoding="utf-8"))
        return "\n".join(shown)


@contextlib.contextmanager
def begun(
    controller: Ansible, plays: Plays, *options: str, controlled: bool = True, **environment: str | None
) -> t.Iterator[Begun]:
    """`controlled` by its terminal, whose end ends what is in its session; a job of cron or of AWX is not."""
    path = controller.directory / "begun.yml"
    path.write_text(plays if isinstance(plays, str) else _yaml(plays), encoding="utf-8")
    stacks = controller.directory / "stacks"
    master, slave = pty.openpty()
    process = subprocess.Popen(
        [str(controller.programs / "ansible-playbook"), *options, str(path)],
        cwd=controller.directory,
        env=controller.variables({"SUPPORT_JSON_LINES": "", "SUPPORT_STACKS": str(stacks), **environment}),
        stdin=slave,
        stdout=slave,
        stderr=slave,
        start_new_session=True,
        preexec_fn=(lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0)) if controlled else None,
    )
    os.close(slave)
    try:
        yield Begun(process, master, controlled, stacks)
    finally:
        for number in [process.pid, *_descendants(process.pid)]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        process.wait()
        os.close(master)


def is_there(number: int, program: bytes = b"") -> bool:
    """Whether a process is alive, and is of that program. One that is ending has no command left, and its files are closed after that:
    who reads from it, or writes to it, sees nothing yet. So it still exists.
    """
    with contextlib.suppress(OSError):
        place = Path(f"/proc/{number}")
        command = (place / "cmdline").read_bytes()
        if (place / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z":
            return program in command or not command
    return False


def held(directory: Path) -> list[str]:
    """The locks below a directory that somebody holds."""
    found = []
    for path in (*directory.rglob("*.lock"), *directory.rglob("*.part"), *directory.rglob("*.lock.*")):
        with path.open("rb") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                found.append(str(path))
    return found


@dataclasses.dataclass
class Tally:
    """What was tried, and what came of it. Each is a failure but the first three."""

    kills: collections.Counter[str] = dataclasses.field(default_factory=collections.Counter)
    #: How often Ctrl-C had to be given again.
    lost: int = 0
    converged: int = 0
    doubled: list[str] = dataclasses.field(default_factory=list)
    left_behind: list[str] = dataclasses.field(default_factory=list)
    sent_later: list[str] = dataclasses.field(default_factory=list)

    def good(self) -> None:
        assert not (self.doubled or self.left_behind or self.sent_later), self

    def keep(self, name: str) -> None:
        """Write the figures of a thorough run to a file."""
        if THOROUGH:
            directory = ROOT / ".cache" / "faults"
            directory.mkdir(exist_ok=True)
            path = directory / f"killed-{name.replace(' ', '-')}.json"
            path.write_text(json.dumps({"seed": SEED, **vars(self)}, indent=1), encoding="utf-8")


class Doomed:
    """A play that is killed again and again before it may come to its end."""

    def __init__(
        self, controller: Ansible, sandbox: Sandbox, plays: Plays, *options: str, **environment: str | None
    ) -> None:
        self.controller = controller
        self.sandbox = sandbox
        self.tally = Tally()
        self._plays = plays
        self._options = options
        self._environment = environment
        self._lines = controller.directory / "begun.jsonl"

    def done(self) -> list[dict[str, t.Any]]:
        """The results so far."""
        with contextlib.suppress(FileNotFoundError, ValueError):
            return [json.loads(line) for line in self._lines.read_text(encoding="utf-8").splitlines()]
        return []

    def progress(self) -> int:
        """How far the run is: requests, and results of tasks."""
        return len(self.sandbox.log()) + len(self.done())

    def last_moment(self) -> int:
        """The progress of a run that nobody kills."""
        self._lines.unlink(missing_ok=True)
        self.sandbox.clear_log()
        with begun(
            self.controller, self._plays, *self._options, SUPPORT_JSON_LINES=str(self._lines), **self._environment
        ) as run:
            until(lambda: run.ended, "the end of the run", 900)
            assert run.process.returncode == 0, run.text
        return self.progress()

    def end(self, run: Begun, number: int) -> list[int]:
        """End it as a person does, who gives a lost Ctrl-C again. Returns what processes it had."""
        below = run.end(number)
        over = lambda: run.ended and not any(is_there(each, b"ansible-playbook") for each in below)  # noqa: E731
        # Once in some hundred Ctrl-C under load core lost it without a word: its main process went on, in its own code.
        again = time.monotonic() + 30 if number == signal.SIGINT else math.inf
        lost = lambda: run.has_not_heard or (not run.ended and time.monotonic() > again)  # noqa: E731
        try:
            until(lambda: over() or lost(), "the end of Ansible", 60)
            if not over():
                self.tally.lost += 1
                below += run.end(number)
                until(over, "the end of Ansible", 60)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{run.described(below)}") from None
        return below

    def kill(self, number: int, moment: int, chance: random.Random) -> bool:
        """Start it and kill it when its progress has come to that moment; false when it ends before. From then on the sandbox answers nobody:
        requests that are on their way have arrived or are lost, by `chance`, and the connections break only when the controller has ended.
        """
        # Ctrl-C needs a terminal, whose end would end the others, too.
        arrived, controlled = chance.random() < 0.5, chance.random() < (0.7 if number == signal.SIGINT else 0.3)
        words = ("have" if arrived else "have not", "at a terminal" if controlled else "without a terminal")
        print(
            f"SCALINGO_TESTS_SEED={SEED}: signal {number} {words[1]} at the moment {moment}, requests on their way {words[0]} arrived"
        )
        self._lines.unlink(missing_ok=True)
        self.sandbox.clear_log()
        sandbox = self.sandbox
        lines = {"SUPPORT_JSON_LINES": str(self._lines)}
        with begun(
            self.controller, self._plays, *self._options, controlled=controlled, **lines, **self._environment
        ) as run:
            until(lambda: self.progress() >= moment or run.ended, f"the moment {moment} of the run", 600)
            if run.ended:
                assert run.process.returncode == 0, run.text
                return False
            sandbox.fault(do="hold_after" if arrived else "hold_before")
            below = self.end(run, number)
            seen = [record.number for record in sandbox.log()]
            sandbox.clear_faults()
            still = lambda: [each for each in below if is_there(each)]  # noqa: E731
            with contextlib.suppress(AssertionError):
                until(lambda: not still(), "the end of all processes", 30)
            self.tally.left_behind += [f"process {each}" for each in still()]
            self.tally.sent_later += [
                f"{record.method} {record.path}"
                for record in sandbox.log()
                if record.number not in seen and not record.safe
            ]
        return True
