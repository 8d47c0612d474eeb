# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.
"""Lines that say how a wait goes, while it goes on.

They go to stderr, as the warnings of Ansible do, so that what a callback writes to stdout stays whole, and to the log of Ansible.
"""

from __future__ import annotations

import threading
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.module_utils.parsing.convert_bool import boolean
from ansible_collections.community.scalingo.plugins.module_utils._progress import Progress

MINUTE = 60.0
#: When a wait is told of although nothing has changed: after so many seconds, and then every five minutes.
FIRST_LINES = (30.0, MINUTE, 2 * MINUTE)
LATER_LINES = 5 * MINUTE
#: Of what is told often: with what passes between two looks, that is a minute at most.
OFTEN = 50.0
LONGEST_STATUS = 300


def interval_of(name: str, value: t.Any) -> float | None:
    """Return the seconds between two lines: none for those that are usual, 0 for no line at all. Raises `AnsibleActionFail`."""
    text = "" if value is None else str(value).strip()
    if not text:
        return None
    try:
        # 1 is a second here, and 0 turns it off as false does.
        if text != "1":
            return None if boolean(text) else 0.0
        seconds = 1.0
    except TypeError:
        try:
            seconds = float(text)
        except ValueError:
            seconds = -1.0
    if not 1 <= seconds <= 86400:
        raise AnsibleActionFail(f"{name} is {value!r}: use true, false, or a number of seconds from 1 to 86400")
    return seconds


def length_of_time(seconds: float) -> str:
    """Return a length of time as a person says it."""
    whole = int(seconds)
    hours, minutes, rest = whole // 3600, whole // 60 % 60, whole % 60
    parts = [(hours, "h"), (minutes, "min"), (rest, "s")]
    shown = ["%d %s" % part for part in parts if part[0]]
    return " ".join(shown[:2]) or "0 s"


class Lines:
    """What is shown of the waits of one task, and when."""

    def __init__(
        self,
        show: t.Callable[[str], None],
        name: str,
        *,
        interval: float | None = None,
        hidden: bool = False,
        mask: t.Callable[[str], str] = str,
    ) -> None:
        self._show = show
        self._name = name
        self._interval = interval
        self._hidden = hidden
        self._mask = mask
        self._seen: dict[str, tuple[str, float]] = {}
        self._lock = threading.Lock()

    def see(self, progress: Progress) -> None:
        """Take note, and show a line when it is time for one."""
        if self._interval != 0 and self._is_due(progress):
            self._show(self.sentence(progress))

    def sentence(self, progress: Progress) -> str:
        """Return the line. A task that hides its result shows nothing of its database."""
        seconds = f"{length_of_time(progress.seconds)} so far"
        if self._hidden:
            return f"{self._name}: {self._clean(progress.status)}, {seconds}"
        parts = [progress.status, progress.detail] if progress.detail else [progress.status]
        said = ", ".join(self._clean(part) for part in parts)
        return f"{self._name}: {self._clean(progress.doing)} ({self._clean(progress.subject)}): {said}, {seconds}"

    def _clean(self, text: str) -> str:
        """Text of the platform on one line, without what moves a cursor and without a secret."""
        masked = self._mask(text)
        return " ".join("".join(sign if sign.isprintable() else " " for sign in masked).split())[:LONGEST_STATUS]

    def _is_due(self, progress: Progress) -> bool:
        with self._lock:
            status, told = self._seen.get(progress.doing, (progress.status, 0.0))
            if progress.seconds < told:
                # Another wait for the same.
                told = 0.0
            due = progress.notable or status != progress.status or progress.seconds >= self._next(told, progress.often)
            self._seen[progress.doing] = (progress.status, progress.seconds if due else told)
            return due

    def _next(self, told: float, often: bool) -> float:
        """When the next line is due after one at that second."""
        if self._interval is not None:
            return told + self._interval
        if often and told:
            return told + OFTEN
        for moment in FIRST_LINES:
            if told < moment:
                return moment
        return (told // LATER_LINES + 1) * LATER_LINES
