# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""ansible-rulebook, with the Java runtime in the checkout and no other: started, watched and killed."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import time
import typing as t
from pathlib import Path

from support import fetched
from support.playbook import ROOT, Ansible, _descendants
from support.programs import until

PROGRAMS = ROOT / ".cache" / "rulebook" / "bin"
#: In place of the source of the collection: the same, which polls as often as it is told.
HASTE = """
import sys
sys.path.insert(0, {collections!r})
from ansible_collections.community.scalingo.plugins.plugin_utils import _event_source
_event_source.LEAST_INTERVAL = 0.1
__file__ = {source!r}
exec(compile(open(__file__, encoding="utf-8").read(), __file__, "exec"))
"""


def java() -> Path:
    """The home of the Java runtime."""
    tree, dummy = fetched.debian("default-jre-headless")
    return (tree / "usr" / "lib" / "jvm" / "default-java").resolve()


class Rulebook:
    """A process of ansible-rulebook on a controller. What it prints is in `output`, at its most talkative."""

    def __init__(self, ansible: Ansible, *options: str) -> None:
        self.path = ansible.directory / "rulebook.log"
        collections = ansible.directory / "collections"
        extensions = collections / "ansible_collections" / "community" / "scalingo" / "extensions"
        source = extensions / "eda" / "plugins" / "event_source" / "scalingo_events.py"
        sources = ansible.directory / "sources"
        sources.mkdir(exist_ok=True)
        (sources / "community.scalingo.scalingo_events.py").write_text(
            HASTE.format(collections=str(collections), source=str(source)), encoding="utf-8"
        )
        variables = ansible.variables(
            {
                "PATH": os.pathsep.join([str(PROGRAMS), "/usr/bin", "/bin"]),
                "JAVA_HOME": str(java()),
                "EDA_PRINT_EVENTS": "true",
            }
        )
        command = [str(PROGRAMS / "ansible-rulebook"), "--source-dir", str(sources), "-vv", *options]
        self.seen: set[str] = set()
        with open(self.path, "ab") as log:
            self.process = subprocess.Popen(
                command,
                cwd=ansible.working_directory,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def output(self) -> str:
        return self.path.read_text(encoding="utf-8", errors="replace")

    def arguments(self) -> set[str]:
        """The arguments of all processes below it, as far as they were seen."""
        for number in [self.process.pid, *_descendants(self.process.pid)]:
            with contextlib.suppress(OSError):
                self.seen.add(Path(f"/proc/{number}/cmdline").read_text(encoding="utf-8", errors="replace"))
        return self.seen

    def until(self, condition: t.Callable[[], t.Any], what: str, seconds: float = 180) -> t.Any:
        def holds() -> t.Any:
            assert self.process.poll() is None, f"it ended while we waited for: {what}\n{self.output[-6000:]}"
            time.sleep(0.2)
            self.arguments()
            return condition()

        try:
            return until(holds, what, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.output[-6000:]}") from None

    def says(self, text: str, times: int = 1) -> None:
        self.until(lambda: self.output.count(text) >= times, f"{times} times {text}")

    def libraries(self) -> set[str]:
        """The files of Java that it has in memory."""
        with open(f"/proc/{self.process.pid}/maps", encoding="utf-8") as maps:
            paths = {line.split(maxsplit=5)[5].strip() for line in maps if line.count(" ") > 4 and "/" in line}
        return {path for path in paths if "jvm" in path or "java" in path}

    def kill(self) -> None:
        """It, and all that it started, at once."""
        for number in [*_descendants(self.process.pid), self.process.pid]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        self.process.wait(10)
