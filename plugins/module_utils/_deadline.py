# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# This file is private to the collection: it may change without notice.

"""A deadline for an answer: its head and its body together, however slowly they drip in.

The timeout of requests is for the silence between two bytes. Here each reading from the socket gets what is left of the whole.
"""

from __future__ import annotations

import contextlib
import functools
import http.client
import io
import socket
import threading
import typing as t

try:
    from requests.adapters import HTTPAdapter
except ImportError:
    HTTPAdapter = object  # type: ignore[assignment, misc]


class Overdue(OSError):
    """The deadline of an answer is over, and it is still coming."""


class Deadline:
    """The moment at which an answer has to be complete, by a clock; for one in pieces it is moved with each."""

    def __init__(self, now: t.Callable[[], float], moment: float, patience: float = 0.0) -> None:
        self._now = now
        self._patience = patience
        self._moment = moment

    def require(self) -> float:
        """Return the seconds that are left. Raises Overdue when there are none."""
        left = self._moment - self._now()
        if left <= 0:
            raise Overdue("the answer is overdue")
        return left

    def extend(self) -> None:
        """Give the next piece as many seconds as each may take."""
        self._moment = self._now() + self._patience


_here = threading.local()


@contextlib.contextmanager
def until(deadline: Deadline) -> t.Iterator[None]:
    """Give the answers to what this thread sends meanwhile that deadline."""
    _here.deadline = deadline
    try:
        yield
    finally:
        _here.deadline = None


class _Reader(io.RawIOBase):
    """Reads from a socket as its own reader does, and never beyond the deadline."""

    def __init__(self, raw: t.Any, connection: socket.socket, deadline: Deadline) -> None:
        super().__init__()
        self._raw = raw
        self._connection = connection
        self._deadline = deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: t.Any) -> int | None:
        left = self._deadline.require()
        silence = self._connection.gettimeout()
        if silence is not None and silence <= left:
            return t.cast("int | None", self._raw.readinto(buffer))
        self._connection.settimeout(left)
        try:
            return t.cast("int | None", self._raw.readinto(buffer))
        except socket.timeout:
            raise Overdue("the answer is overdue") from None
        finally:
            with contextlib.suppress(OSError):
                self._connection.settimeout(silence)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _Response(http.client.HTTPResponse):
    """An answer that is read by the deadline of the thread that waits for it."""

    def __init__(self, sock: socket.socket, *arguments: t.Any, **options: t.Any) -> None:
        super().__init__(sock, *arguments, **options)
        deadline = getattr(_here, "deadline", None)
        if deadline is not None:
            self.fp = io.BufferedReader(_Reader(t.cast(t.Any, self.fp).detach(), sock, deadline))


@functools.cache
def _with_deadlines(pool: t.Any) -> t.Any:
    connection = type("Connection", (pool.ConnectionCls,), {"response_class": _Response})
    return type(pool.__name__, (pool,), {"ConnectionCls": connection})


def _held_to_deadlines(manager: t.Any) -> t.Any:
    classes = manager.pool_classes_by_scheme
    manager.pool_classes_by_scheme = {scheme: _with_deadlines(pool) for scheme, pool in classes.items()}
    return manager


class Adapter(HTTPAdapter):
    """Sends as requests does, and holds what comes back to the deadline."""

    def init_poolmanager(self, *arguments: t.Any, **options: t.Any) -> None:
        super().init_poolmanager(*arguments, **options)
        _held_to_deadlines(self.poolmanager)

    def proxy_manager_for(self, proxy: t.Any, **options: t.Any) -> t.Any:
        known = proxy in self.proxy_manager
        manager = super().proxy_manager_for(proxy, **options)
        return manager if known else _held_to_deadlines(manager)
