# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Programs of others that this process starts. None of them outlives it, however it ends.

Each program runs below a guard, a small process of Python: the kernel tells the guard when its parent ends, and whatever the program has
started, daemons too, becomes the guard's when the program ends. The guard ends all of it before it ends itself. A program is in a session of
its own, so that it has no terminal and is not reached by a Ctrl-C. It writes no core file, and what it makes is for its user alone.
"""

from __future__ import annotations

import contextlib
import dataclasses
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
GUARD = r"""
import os, resource, signal, sys, time
parent, asking, patience, command = int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), sys.argv[4:]
linux = sys.platform.startswith("linux")
child = 0

def control(*words):
    try:
        import ctypes
        ctypes.CDLL(None).prctl(*words, 0, 0, 0)
    except Exception:
        pass

def below():
    mine, found = os.getpid(), []
    for name in os.listdir("/proc") if linux else ():
        try:
            with open("/proc/%s/stat" % name, "rb") as stream:
                if name.isdigit() and int(stream.read().rpartition(b")")[2].split()[1]) == mine:
                    found.append(int(name))
        except (OSError, IndexError, ValueError):
            pass
    return found

def send(send_to, number, to):
    try:
        send_to(to, number)
    except OSError:
        pass

def end_all():
    for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)
    if child:
        send(os.killpg, signal.SIGKILL, child)
    while True:
        for each in below():
            send(os.kill, signal.SIGKILL, each)
        try:
            if os.waitpid(-1, os.WNOHANG if linux else 0)[0] == 0:
                time.sleep(0.005)
        except ChildProcessError:
            return

def stop(*dummy):
    for number in (signal.SIGTERM, signal.SIGUSR1, signal.SIGALRM):
        signal.signal(number, signal.SIG_IGN)
    if child and asking != signal.SIGKILL:
        send(os.kill, asking, child)
        deadline = time.monotonic() + patience
        try:
            while time.monotonic() < deadline and os.waitpid(child, os.WNOHANG)[0] == 0:
                time.sleep(0.005)
        except ChildProcessError:
            pass
    end_all()
    os._exit(1)

def look(*dummy):
    if os.getppid() != parent:
        stop()

signal.signal(signal.SIGTERM, stop)
signal.signal(signal.SIGUSR1, look)
signal.signal(signal.SIGALRM, look)
signal.pthread_sigmask(signal.SIG_SETMASK, ())
os.umask(0o077)
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
if linux:
    control(1, int(signal.SIGUSR1))
    control(36, 1)
look()
guard = os.getpid()
signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGUSR1, signal.SIGALRM))
child = os.fork()
if child == 0:
    try:
        os.setpgid(0, 0)
        for number in range(1, signal.NSIG):
            try:
                signal.signal(number, signal.SIG_DFL)
            except (OSError, ValueError):
                pass
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        if linux:
            control(1, 9)
        if os.getppid() != guard:
            os._exit(1)
        os.execvp(command[0], command)
    except OSError as error:
        sys.stderr.write("%s cannot be started: %s\n" % (command[0], error.strerror))
        sys.stderr.flush()
    finally:
        os._exit(127)
# What it reads and writes is its own, so that who waits for the end of its output waits for it alone.
nothing = os.open(os.devnull, os.O_RDWR)
for number in (0, 1, 2):
    os.dup2(nothing, number)
os.close(nothing)
if not linux:
    signal.setitimer(signal.ITIMER_REAL, 0.5, 0.5)
signal.pthread_sigmask(signal.SIG_SETMASK, ())
while True:
    ended, status = os.waitpid(-1, 0)
    if ended == child:
        break
end_all()
if os.WIFSIGNALED(status):
    number = os.WTERMSIG(status)
    try:
        signal.signal(number, signal.SIG_DFL)
    except (OSError, ValueError):
        pass
    os.kill(guard, number)
    signal.pause()
os._exit(os.WEXITSTATUS(status))
"""

#: How often it is looked whether the run is still there, in seconds.
LOOK_SECONDS = 0.5
#: How much is kept of what a program writes to each of its outputs, in bytes. The rest is read and dropped.
MOST = 16 << 20
#: How long a program may take to end after it was asked to, in seconds. Then it is killed.
PATIENCE = 10.0


@dataclasses.dataclass(frozen=True)
class Done:
    """How a program ended. A negative `returncode` is the number of the signal that killed it."""

    command: str
    returncode: int
    output: bytes
    errors: bytes
    #: One of both was longer than what is kept.
    is_cut: bool = False

    @property
    def stdout(self) -> str:
        return self.output.decode("utf-8", "replace")

    @property
    def stderr(self) -> str:
        return self.errors.decode("utf-8", "replace")

    @property
    def said(self) -> str:
        """What it complained of, in one line: errors alone when it names any. How it ended, when it said nothing."""
        return said(self.stderr) or self.ending

    @property
    def ending(self) -> str:
        """How it ended, for a person: ssh-keygen ended with exit status 255."""
        if self.returncode >= 0:
            return f"{self.command} ended with exit status {self.returncode}"
        try:
            name = signal.Signals(-self.returncode).name
        except ValueError:
            name = f"signal {-self.returncode}"
        return f"{self.command} was killed by {name}"


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
            [*(guard if sys.executable else []), *command], env=given, start_new_session=True, **more
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
            with contextlib.suppress(OSError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait(5)


def run(
    command: t.Sequence[str], *, watcher: Watcher | None = None, given: str | bytes | t.IO[bytes] | t.Iterator[bytes] = b"", into: t.IO[bytes] | None = None,
    environment: t.Mapping[str, str] | None = None, timeout: float | None = None, most: int = MOST, directory: str | None = None,
) -> Done:  # fmt: skip
    """Run a program to its end, whatever that is.

    `given` is what it reads: a text, an open file, or pieces, which are made as it reads. `into` is a file for its output instead of `Done.output`. At most
    `most` bytes of each output are kept. Secrets belong in neither its words nor its name: everybody on the machine sees them.
    Raises `ScalingoError` when it cannot be started or takes longer than `timeout` seconds, and `RunEnded`. In both cases it has been ended.
    """
    content = given.encode() if isinstance(given, str) else given
    pieces = iter([content] if isinstance(content, bytes) else [] if hasattr(content, "fileno") else content)
    reads: t.Any = content if hasattr(content, "fileno") else subprocess.PIPE
    name = os.path.basename(command[0])
    watch = Watch(watcher)
    watch.alive()
    process = start(
        command, environment=environment, patience=2.0, cwd=directory, stdin=reads,
        stdout=subprocess.PIPE if into is None else into, stderr=subprocess.PIPE,
    )  # fmt: skip
    deadline = None if timeout is None else time.monotonic() + timeout
    try:
        streams = _Streams(process, pieces, most)
        with contextlib.closing(streams):
            while streams.carry(_rest(deadline)):
                watch.alive()
                _in_time(name, deadline, timeout)
            while True:
                try:
                    code = process.wait(_rest(deadline))
                    break
                except subprocess.TimeoutExpired:
                    watch.alive()
                    _in_time(name, deadline, timeout)
    finally:
        end(process, 2.0)
    return Done(name, code, bytes(streams.kept["stdout"]), bytes(streams.kept["stderr"]), streams.is_cut)


def _rest(deadline: float | None) -> float:
    return LOOK_SECONDS if deadline is None else max(0.0, min(LOOK_SECONDS, deadline - time.monotonic()))


def _in_time(name: str, deadline: float | None, timeout: float | None) -> None:
    if deadline is not None and time.monotonic() >= deadline:
        raise ScalingoError(f"{name} did not end within {timeout:g} seconds, and was ended")


class _Streams:
    """What goes to a program and comes from it, both at a time."""

    def __init__(self, process: subprocess.Popen[bytes], pieces: t.Iterator[bytes], most: int) -> None:
        self.kept = {"stdout": bytearray(), "stderr": bytearray()}
        self.is_cut = False
        self._most = most
        self._pieces = pieces
        self._given = memoryview(b"")
        self._selector = selectors.DefaultSelector()
        self._files = [file for file in (process.stdin, process.stdout, process.stderr) if file is not None]
        for file in self._files:
            os.set_blocking(file.fileno(), False)
            event = selectors.EVENT_WRITE if file is process.stdin else selectors.EVENT_READ
            self._selector.register(file, event, "stdout" if file is process.stdout else "stderr")

    def carry(self, seconds: float) -> bool:
        """Carry what can be within so many seconds. Returns whether there may be more."""
        for key, event in self._selector.select(seconds):
            file = t.cast(t.IO[bytes], key.fileobj)
            if event & selectors.EVENT_WRITE:
                self._write(file)
            else:
                self._read(file, self.kept[key.data])
        return bool(self._selector.get_map())

    def _write(self, file: t.IO[bytes]) -> None:
        while not self._given:
            piece = next(self._pieces, None)
            if piece is None:
                self._leave(file)
                return
            self._given = memoryview(piece)
        try:
            self._given = self._given[os.write(file.fileno(), self._given[:65536]) :]
        except BlockingIOError:
            return
        except BrokenPipeError:
            # It reads no more, which is its affair.
            self._leave(file)

    def _read(self, file: t.IO[bytes], kept: bytearray) -> None:
        piece = os.read(file.fileno(), 65536)
        if not piece:
            self._leave(file)
        room = self._most - len(kept)
        self.is_cut = self.is_cut or len(piece) > room
        kept += piece[:room]

    def _leave(self, file: t.IO[bytes]) -> None:
        self._selector.unregister(file)
        file.close()

    def close(self) -> None:
        self._selector.close()
        for file in self._files:
            file.close()
