# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server of one file with the bad habits of real ones: it breaks off, forgets links, changes the file, refuses parts.

with FileServer(Content(1 << 20)) as server:
    server.cuts = [1000, 500_000]            # breaks off when it comes to these bytes, once each
    requests.get(server.link("token"))
"""

from __future__ import annotations

import dataclasses
import email.utils
import functools
import hashlib
import http.server
import random
import re
import socket
import threading
import typing as t
import urllib.parse

BLOCK = 1 << 20


@functools.lru_cache(maxsize=4)
def _noise(seed: int) -> bytes:
    return random.Random(seed).randbytes(BLOCK)


@dataclasses.dataclass(frozen=True)
class Content:
    """Bytes that look random, made as they are needed: a gigabyte of them takes one megabyte."""

    size: int
    seed: int = 1

    def _block(self, number: int) -> bytes:
        mark = b"\x1f\x8b" + number.to_bytes(6, "big")
        return mark + _noise(self.seed)[len(mark) :]

    def pieces(self, start: int = 0, end: int | None = None) -> t.Iterator[bytes]:
        end = self.size if end is None else min(end, self.size)
        while start < end:
            number, skipped = divmod(start, BLOCK)
            piece = self._block(number)[skipped : skipped + end - start]
            yield piece
            start += len(piece)

    def sha256(self) -> str:
        digest = hashlib.sha256()
        for piece in self.pieces():
            digest.update(piece)
        return digest.hexdigest()

    def bytes(self) -> bytes:
        return b"".join(self.pieces())


@dataclasses.dataclass
class Seen:
    """One request that came."""

    path: str
    query: dict[str, str]
    headers: dict[str, str]
    status: int = 0


class FileServer:
    """Serves one file on loopback. Every public attribute may be changed while it runs."""

    def __init__(self, content: Content) -> None:
        self.content = content
        self.etag: str | None = '"one"'
        self.modified: float | None = 1_700_000_000.0
        #: Whether a Range is understood, an If-Range is, and whether the length is told.
        self.parts = True
        self.conditions = True
        self.length = True
        self.cuts: list[int] = []
        #: The tokens that a link may have; none means any.
        self.tokens: set[str] | None = None
        self.refusal = 403
        #: Answers to give instead, in order: (status, headers, body).
        self.instead: list[tuple[int, dict[str, str], bytes]] = []
        self.more_headers: dict[str, str] = {}
        self.content_type = "application/gzip"
        #: Called with each request before it is answered.
        self.before: t.Callable[[Seen], None] = lambda seen: None
        #: Called before each piece with how much of the file went before it.
        self.between: t.Callable[[int], object] = lambda sent: None
        self.seen: list[Seen] = []
        self._server = _Server(self)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> FileServer:
        self._thread.start()
        return self

    def __exit__(self, *details: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def link(self, token: str = "token1234") -> str:
        return f"{self.address}/download?token={token}"

    def ranges(self) -> list[str | None]:
        """The Range header of each request."""
        return [seen.headers.get("range") for seen in self.seen]


class _Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    allow_reuse_address = False

    def __init__(self, files: FileServer) -> None:
        self.files = files
        super().__init__(("127.0.0.1", 0), _Handler)

    def handle_error(self, request: t.Any, client_address: t.Any) -> None:
        """The other side may go away at any time."""


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, *details: t.Any) -> None:
        pass

    def do_GET(self) -> None:
        files = self.server.files
        parts = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(parts.query))
        seen = Seen(parts.path, query, {name.lower(): value for name, value in self.headers.items()})
        files.seen.append(seen)
        files.before(seen)
        if files.instead:
            self._answer(seen, *files.instead.pop(0))
        elif files.tokens is not None and query.get("token") not in files.tokens:
            self._answer(
                seen, files.refusal, {"Content-Type": "application/json"}, b'{"error": "the link has expired"}'
            )
        else:
            self._serve(files, seen)

    def _answer(self, seen: Seen, status: int, headers: dict[str, str], body: bytes) -> None:
        seen.status = status
        self.send_response(status)
        for name, value in {
            **({} if "Transfer-Encoding" in headers else {"Content-Length": str(len(body))}),
            **headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def _serve(self, files: FileServer, seen: Seen) -> None:
        content, size = files.content, files.content.size
        modified = None if files.modified is None else email.utils.formatdate(files.modified, usegmt=True)
        start = 0
        asked = re.fullmatch(r"bytes=([0-9]+)-", seen.headers.get("range", ""))
        if asked and files.parts and self._unchanged(files, seen, modified):
            start = int(asked.group(1))
            if start >= size:
                self._answer(seen, 416, {"Content-Range": f"bytes */{size}"}, b"")
                return
        seen.status = 206 if start else 200
        self.send_response(seen.status)
        self.send_header("Content-Type", files.content_type)
        if files.etag is not None:
            self.send_header("ETag", files.etag)
        if modified is not None:
            self.send_header("Last-Modified", modified)
        if start:
            self.send_header("Content-Range", f"bytes {start}-{size - 1}/{size}")
        for name, value in files.more_headers.items():
            self.send_header(name, value)
        self.send_header(*(("Content-Length", str(size - start)) if files.length else ("Transfer-Encoding", "chunked")))
        self.end_headers()
        self._send_body(files, content, start)

    @staticmethod
    def _unchanged(files: FileServer, seen: Seen, modified: str | None) -> bool:
        condition = seen.headers.get("if-range")
        return condition is None or not files.conditions or condition in (files.etag, modified)

    def _send_body(self, files: FileServer, content: Content, start: int) -> None:
        cut = min((cut for cut in files.cuts if cut > start), default=None)
        for piece in content.pieces(start, cut):
            files.between(start)
            start += len(piece)
            self.wfile.write(piece if files.length else b"%x\r\n%s\r\n" % (len(piece), piece))
        if cut is not None:
            files.cuts.remove(cut)
            self.wfile.flush()
            self.close_connection = True
            self.connection.shutdown(socket.SHUT_RDWR)
        elif not files.length:
            self.wfile.write(b"0\r\n\r\n")
