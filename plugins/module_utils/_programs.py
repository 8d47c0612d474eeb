# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Programs of others that this process starts. None of them outlives it, however it ends.

Each runs below a guard, a small process of Python. The kernel wakes the guard when its parent ends, and gives it whatever the program has
started and left, daemons too. The guard ends all of it before it ends itself, in the way the program did. A program is in a session without
a terminal, which no Ctrl-C reaches. It writes no core file, and what it makes is for its user alone.
"""

from __future__ import annotations

import contextlib
import dataclasses
import math
import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import threading
import time
import typing as t

from ._errors import ScalingoError, visible
from ._progress import Watch, Watcher

#: Arguments: the parent's number, the signal by which the program is asked to end, for how many seconds, and the program's words.
#: Where there is no prctl, it looks for its parent twice a second, and ends the group of the program only.
GUARD = r"""
import os, resource, signal, sys, time
parent, asking, patience, command = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]
waking = {signal.SIGALRM, signal.SIGCHLD, signal.SIGTERM}
PDEATHSIG, CHILD_SUBREAPER = 1, 36

def control(*words):
    try:
        import ctypes
        ctypes.CDLL(None).prctl(*words, 0, 0, 0)
    except Exception:
        pass

def send(number, receiver):
    try:
        os.kill(receiver, number)
    except OSError:
        pass

def parent_of(name):
    try:
        with open("/proc/%s/stat" % name, "rb") as stream:
            return int(stream.read().rpartition(b")")[2].split()[1])
    except (OSError, IndexError):
        return 0

def below():
    names = filter(str.isdigit, os.listdir("/proc") if os.path.isdir("/proc") else ())
    return [int(name) for name in names if parent_of(name) == guard]

signal.signal(signal.SIGCHLD, lambda *dummy: None)
signal.pthread_sigmask(signal.SIG_SETMASK, waking)
control(PDEATHSIG, signal.SIGALRM)
control(CHILD_SUBREAPER, 1)
os.umask(0o077)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
guard = os.getpid()
child = os.fork()
if child == 0:
    try:
        os.setpgid(0, 0)
        control(PDEATHSIG, signal.SIGKILL)
        if os.getppid() != guard:
            os._exit(1)
        for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        os.execvp(command[0], command)
    except OSError as error:
        sys.stderr.write("%s cannot be started: %s\n" % (command[0], error.strerror))
        sys.stderr.flush()
    finally:
        os._exit(127)
# Who waits for the end of the program's output waits for the program alone.
nothing = os.open(os.devnull, os.O_RDWR)
for number in (0, 1, 2):
    os.dup2(nothing, number)
signal.setitimer(signal.ITIMER_REAL, 0.5, 0.5)
ended, deadline = 0, None
while not ended and (deadline is None or time.monotonic() < deadline):
    woken = signal.sigwait(waking)
    if deadline is None and (woken == signal.SIGTERM or os.getppid() != parent):
        send(asking, child)
        deadline = time.monotonic() + patience
    ended, status = os.waitpid(child, os.WNOHANG)
send(signal.SIGKILL, -child)
while True:
    try:
        if os.waitpid(-1, os.WNOHANG)[0] == 0:
            for each in below():
                send(signal.SIGKILL, each)
            time.sleep(0.005)
    except ChildProcessError:
        break
number = os.WTERMSIG(status) if ended else signal.SIGKILL
if number:
    if number != signal.SIGKILL:
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
    os.kill(guard, number)
os._exit(os.WEXITSTATUS(status))
"""

#: How often it is looked whether the run is still there, in seconds.
LOOK_SECONDS = 0.5
#: How much is kept of what a program writes to each of its outputs, in bytes. The rest is read and dropped.
MOST = 16 << 20
#: How long a program may take to end after it was asked to, in seconds. Then it is killed.
PATIENCE = 10.0
#: How many bytes go into a pipe or come from it at a time.
PIECE = 65536


@dataclasses.dataclass(frozen=True)
class Done:
    """How a program ended. A negative `returncode` is the number of the signal that killed it."""

    command: str
    returncode: int
    stdout: str
    stderr: str
    #: One of both was longer than what is kept.
    is_cut: bool = False

    @property
    def said(self) -> str:
        """What it complained of, in one line: errors alone when it names any. How it ended, when it said nothing."""
        return said(self.stderr) or self.ending

    @property
    def ending(self) -> str:
        """How it ended, for a person: ssh-keygen ended with exit status 255."""
        if self.returncode >= 0:
            return f"{self.command} ended with exit status {self.returncode}"
        names = {number.value: number.name for number in signal.Signals}
        return f"{self.command} was killed by {names.get(-self.returncode, f'signal {-self.returncode}')}"


def said(text: str) -> str:
    """What a program complained of, in one line: errors alone when it names any."""
    lines = [visible(line).strip() for line in text.split("\n") if line.strip()]
    telling = [line for line in lines if re.search(r"\b(ERROR|FATAL|error|fatal)\b", line)] or lines[-3:]
    return re.sub(r"^(\S*/)?\w+(:<stdin>:\d+)?: ", "", " / ".join(telling[:3]))


def surroundings(**more: str) -> dict[str, str]:
    """The environment for a program of the user: English messages, and no token or address of this collection."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SCALINGO_")}
    return {**kept, "LC_ALL": "C", **more}


def start(
    command: t.Sequence[str], *, environment: t.Mapping[str, str] | None = None, asking: int = signal.SIGTERM, patience: float = PATIENCE,
    **more: t.Any,
) -> subprocess.Popen[bytes]:  # fmt: skip
    """Start a program below a guard, which `end` ends, or the end of this process.

    Before it is killed it is sent the signal `asking`, and has `patience` seconds to end. `more` goes to `Popen`: what it reads, where it
    writes, its directory. Raises `ScalingoError`.
    """
    given = surroundings() if environment is None else dict(environment)
    if shutil.which(command[0], path=given.get("PATH", os.defpath)) is None:
        raise ScalingoError(f"there is no program {command[0]}, or it may not be run")
    guard = [sys.executable, "-I", "-S", "-c", GUARD, f"{os.getpid()}", f"{int(asking)}", f"{patience:g}"]
    try:
        # A module's run_command waits for the end, and ends nothing.
        return subprocess.Popen(  # pylint: disable=ansible-bad-function
            [*guard, *command], env=given, start_new_session=True, **more
        )
    except OSError as error:
        raise ScalingoError(f"{command[0]} cannot be started: {error.strerror}") from None


@contextlib.contextmanager
def undisturbed() -> t.Iterator[None]:
    """Signals that come meanwhile are obeyed afterwards: who removes everything because the run has ended is not told so again and again.

    Not by blocking them: the kernel would give them to another thread, and Python would obey them in this one nevertheless.
    """
    came: list[int] = []
    before = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGALRM, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            # Not what is ignored, or was set by something that is not Python.
            if signal.getsignal(number) not in (None, signal.SIG_IGN):
                before[number] = signal.signal(number, lambda number, dummy: came.append(number))
    try:
        yield
    finally:
        for number, handler in reversed(list(before.items())):
            signal.signal(number, handler)
        for held in dict.fromkeys(came):
            signal.raise_signal(held)


def end(process: subprocess.Popen[bytes], patience: float = PATIENCE) -> None:
    """End a program and all that it has started, whatever its state."""
    with undisturbed():
        if process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(patience + 5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(5)


def run(
    command: t.Sequence[str], *, watcher: Watcher | None = None, given: str | bytes | t.Iterator[bytes] = b"",
    environment: t.Mapping[str, str] | None = None, timeout: float | None = None, directory: str | None = None,
) -> Done:  # fmt: skip
    """Run a program to its end, whatever that is.

    `given` is what it reads: a text, or pieces, which are made as it reads. At most `MOST` bytes of each of its outputs are kept. Secrets
    belong in neither its words nor its name: everybody on the machine sees them. Raises `ScalingoError` when it cannot be started or takes
    longer than `timeout` seconds, and `RunEnded`. In both cases it has been ended.
    """
    whole = given.encode() if isinstance(given, str) else given
    name, watch = os.path.basename(command[0]), Watch(watcher)
    deadline = math.inf if timeout is None else time.monotonic() + timeout

    def look() -> float:
        """The seconds until the next look. Raises when the run has ended, or the time is over."""
        watch.alive()
        left = deadline - time.monotonic()
        if left <= 0:
            raise ScalingoError(f"{name} did not end within {timeout:g} seconds, and was ended")
        return min(LOOK_SECONDS, left)

    look()
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with start(command, environment=environment, patience=2.0, cwd=directory, **pipes) as process:
        try:
            output, errors = _carried(process, iter([whole]) if isinstance(whole, bytes) else whole, look)
            while process.returncode is None:
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(look())
        finally:
            end(process, 2.0)
    stdout, stderr = (written[:MOST].decode("utf-8", "replace") for written in (output, errors))
    return Done(name, process.returncode, stdout, stderr, max(len(output), len(errors)) > MOST)


def _carried(process: t.Any, pieces: t.Iterator[bytes], look: t.Callable[[], float]) -> tuple[bytearray, bytearray]:
    """Give a program what it reads and take what it writes, both at a time: its output and its errors, up to a piece more than `MOST`."""
    pieces, given = filter(None, pieces), memoryview(b"")
    kept = {process.stdout: bytearray(), process.stderr: bytearray()}
    with selectors.DefaultSelector() as selector:
        for file in (process.stdin, *kept):
            os.set_blocking(file.fileno(), False)
            selector.register(file, selectors.EVENT_READ if file in kept else selectors.EVENT_WRITE)
        while selector.get_map():
            for key, dummy in selector.select(look()):
                file = t.cast(t.IO[bytes], key.fileobj)
                if file in kept:
                    piece: t.Any = os.read(key.fd, PIECE)
                    if len(kept[file]) <= MOST:
                        kept[file] += piece
                else:
                    given = given or memoryview(next(pieces, b""))
                    piece = given[:PIECE]
                    try:
                        given = given[os.write(key.fd, piece) :]
                    except BrokenPipeError:
                        # It reads no more, which is its affair.
                        piece = b""
                if not piece:
                    selector.unregister(file)
                    file.close()
    return kept[process.stdout], kept[process.stderr]
