# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is different from uvicorn's protocol: headers and body leave in one send, and a connection can be dropped."""

from __future__ import annotations

import asyncio
import socket
import struct
from typing import Any, cast

from uvicorn.protocols.http.h11_impl import H11Protocol

DROP = "scalingo_sandbox.drop"


class Gathering:
    """A transport that sends everything written in one turn of the loop at once."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._pending = bytearray()
        self._scheduled = False

    def write(self, data: bytes) -> None:
        self._pending += data
        if len(self._pending) > 65536:
            self.flush()
        elif not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self.flush)

    def flush(self) -> None:
        self._scheduled = False
        if self._pending:
            data = bytes(self._pending)
            self._pending.clear()
            if not self._transport.is_closing():
                self._transport.write(data)

    def close(self) -> None:
        self.flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


class Protocol(H11Protocol):
    """HTTP/1.1 over a gathering transport; the application finds a way to close the connection in its scope's state."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.app_state = {**self.app_state, DROP: self.drop}

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(cast(asyncio.Transport, Gathering(transport, self.loop)))

    def shutdown(self) -> None:
        """The server stops: connections on which nothing happens end at once, also those with TLS."""
        idle = self.cycle is None or self.cycle.response_complete
        super().shutdown()
        if idle:
            self.transport.abort()

    def drop(self, last: bytes = b"", *, reset: bool = False) -> None:
        """Send these last bytes as they are, and close the connection without another word, or reset it."""
        if self.cycle is not None:
            self.cycle.disconnected = True
            self.cycle.response_started = True
            self.cycle.response_complete = True
        gathering = cast(Gathering, self.transport)
        if last:
            gathering.write(last)
        if reset:
            gathering.flush()
            gathering.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            gathering.abort()
        else:
            gathering.close()
