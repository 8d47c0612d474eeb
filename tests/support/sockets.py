# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A small server on a real socket that says exactly what a test tells it to, byte by byte."""

from __future__ import annotations

import socket
import ssl
import threading
import typing as t
from dataclasses import dataclass


@dataclass
class Request:
    """What came: one connection may carry several."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes
    connection: int


def response(
    body: str = "{}", status: str = "200 OK", length: int | None = None, keep: bool = False, **headers: str
) -> bytes:
    """Return an answer as bytes, in one piece. ``length`` may lie."""
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body) if length is None else length}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    lines += [] if keep else ["Connection: close"]
    return ("\r\n".join(lines) + "\r\n\r\n" + body).encode()


class SocketServer:
    """Answers the n-th request with the n-th answer: bytes, or None to close the connection without a word.

    After the last answer it goes on with the last one. With `gap` each byte after the first
    `whole` ones comes so many seconds after the one before.
    """

    def __init__(
        self,
        *answers: bytes | None,
        tls: ssl.SSLContext | None = None,
        read_first: bool = True,
        pause: float = 0.0,
        gap: float = 0.0,
        whole: int = 0,
    ) -> None:
        self.answers = list(answers) or [response()]
        self.tls = tls
        self.read_first = read_first
        self.pause = pause
        self.gap = gap
        self.whole = whole
        self.requests: list[Request] = []
        self.connections = 0
        self.lock = threading.Lock()
        self.stop = threading.Event()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(0.05)
        self.port: int = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self._accept, daemon=True)]

    def __enter__(self) -> SocketServer:
        self.threads[0].start()
        return self

    def __exit__(self, *details: t.Any) -> None:
        self.stop.set()
        for thread in self.threads:
            thread.join(5)
        self.listener.close()

    @property
    def address(self) -> str:
        return f"{'https' if self.tls else 'http'}://127.0.0.1:{self.port}"

    def _accept(self) -> None:
        while not self.stop.is_set():
            try:
                connection, dummy = self.listener.accept()
            except OSError:
                continue
            self.connections += 1
            thread = threading.Thread(target=self._serve, args=(connection, self.connections), daemon=True)
            self.threads.append(thread)
            thread.start()

    def _serve(self, connection: socket.socket, number: int) -> None:
        connection.settimeout(60)
        try:
            if self.tls is not None:
                connection = self.tls.wrap_socket(connection, server_side=True)
            while not self.stop.is_set():
                if not self.read_first:
                    connection.sendall(self.answers[0] or b"")
                    break
                request = self._read(connection, number)
                if request is None:
                    break
                with self.lock:
                    self.requests.append(request)
                    index = min(len(self.requests), len(self.answers)) - 1
                answer = self.answers[index]
                if self.pause:
                    self.stop.wait(self.pause)
                if answer is None:
                    break
                whole = self.whole if self.gap else len(answer)
                connection.sendall(answer[:whole])
                for byte in answer[whole:]:
                    if self.stop.wait(self.gap):
                        return
                    connection.sendall(bytes([byte]))
                if b"\r\nConnection: close" in answer:
                    break
        except OSError:
            pass
        finally:
            connection.close()

    @staticmethod
    def _read(connection: socket.socket, number: int) -> Request | None:
        data = b""
        while b"\r\n\r\n" not in data:
            piece = connection.recv(65536)
            if not piece:
                return None
            data += piece
        head, body = data.split(b"\r\n\r\n", 1)
        lines = head.decode("latin-1").split("\r\n")
        method, target, dummy = lines[0].split(" ", 2)
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines[1:])}
        while len(body) < int(headers.get("content-length", "0")):
            body += connection.recv(65536)
        return Request(method, target, headers, body, number)
