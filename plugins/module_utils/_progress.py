# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Who watches a task: whom it tells how a wait goes, and whether the run that it belongs to is still there."""

from __future__ import annotations

import dataclasses
import typing as t


@dataclasses.dataclass(frozen=True)
class Progress:
    """How something goes that takes a while. It is told often: when to show it is for the host to decide.

    `doing` says what is being done and to what ("waiting for the upgrade 5c59"), `subject` with which database. `status` is
    the last status; when that changes it is shown. `detail` changes all the time. `notable` is shown at once. `often` is
    shown at least once a minute, as it ends without anything else being seen of it.
    """

    doing: str
    subject: str
    status: str
    seconds: float
    detail: str = ""
    notable: bool = False
    often: bool = False


class RunEnded(BaseException):
    """The run that the task belongs to has ended: nothing may be sent any more. Not an error that anybody handles."""


class Watcher(t.Protocol):
    """What a host does with it."""

    def progress(self, progress: Progress) -> None:
        """Take note of how a wait goes."""

    def alive(self) -> None:
        """Raise `RunEnded` when the run that the task belongs to has ended."""


class Watch:
    """The watcher of one client, which knows what database it is about."""

    def __init__(self, watcher: Watcher | None = None, described: t.Callable[[], str] = str) -> None:
        self._watcher = watcher
        self._described = described

    @property
    def controller(self) -> int | None:
        """The process of the run, where the task is in one of its workers; none in a module, which may be anywhere."""
        number: int | None = getattr(self._watcher, "controller", None)
        return number

    def alive(self) -> None:
        if self._watcher is not None:
            self._watcher.alive()

    def progress(self, progress: Progress) -> None:
        """Pass on what is told of something that is not about the database. So this is a watcher, too."""
        if self._watcher is not None:
            self._watcher.progress(progress)

    def about(self, subject: str) -> None:
        """Say from now on that it is about this: what a client knows is one place, and a task may read several."""
        self._described = lambda: subject

    def tell(
        self, doing: str, status: str, seconds: float, detail: str = "", notable: bool = False, often: bool = False
    ) -> None:
        if self._watcher is not None:
            self._watcher.progress(Progress(doing, self._described(), status, seconds, detail, notable, often))
