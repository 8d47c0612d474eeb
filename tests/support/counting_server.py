# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A server that counts, for many clients at once. Run as a program: it prints its port, and ends with its parent.

GET /count gives the counts; POST /expire makes every addon token made so far a refused one; POST /limit with
{"requests": n, "seconds": s} answers 429 in plain text to what is more than that in a window, and counts these as 429.
"""

from __future__ import annotations

import collections
import json
import sys
import threading
import time
import typing as t
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

counts: t.Counter[str] = collections.Counter()
lock = threading.Lock()
good_tokens: set[str] = set()
limit: dict[str, float] = {}
window: list[float] = []
#: How long a reading takes, and how many there are just now; `counts["most"]` is how many there ever were at once.
slow: dict[str, float] = {}
active: set[int] = set()
#: Until so many have been there at once each waits for the others, however slow the machine is.
expected = threading.Event()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    timeout = 30

    def answer(self, body: t.Any, status: int = 200, kind: str = "application/json") -> None:
        content = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def limited(self) -> bool:
        with lock:
            now = time.monotonic()
            if not limit:
                return False
            window[:] = [moment for moment in window if moment > now - limit["seconds"]]
            if len(window) >= limit["requests"]:
                counts["429"] += 1
                return True
            window.append(now)
            return False

    def respond(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == "/count":
            self.answer(dict(counts))
        elif self.path == "/expire":
            good_tokens.clear()
            self.answer({})
        elif self.path == "/limit":
            limit.update(json.loads(body))
            self.answer({})
        elif self.path == "/slow":
            slow.update(json.loads(body))
            self.answer({})
        elif self.limited():
            self.answer("Retry later\n", 429, "text/plain")
        elif self.path == "/v1/tokens/exchange":
            self.slowly("exchange", {"token": "bearer"})
        elif self.path == "/v1/apps/shop/addons":
            found = {"id": "ad-1", "resource_id": "shop_1", "addon_provider": {"id": "mysql"}}
            self.slowly("addons", {"addons": [found]})
        elif self.path == "/v1/apps/shop/addons/ad-1/token":
            with lock:
                token = f"addon-{counts['mint']}"
                good_tokens.add(token)
            self.slowly("mint", {"addon": {"id": "ad-1", "addon_provider": {"id": "mysql"}, "token": token}})
        elif (self.headers.get("Authorization") or "").rpartition(" ")[2] in good_tokens:
            self.slowly("read", {"database": {"status": "running"}})
        else:
            self.slowly("refused", {"error": "expired"}, 401)

    def slowly(self, name: str, body: t.Any, status: int = 200) -> None:
        """Count, and take a moment: whoever did not wait for the first one has sent a second by then."""
        with lock:
            counts[name] += 1
        if name in ("exchange", "mint"):
            time.sleep(0.2)
        if slow:
            with lock:
                active.add(threading.get_ident())
                counts["most"] = max(counts["most"], len(active))
                if counts["most"] >= slow["expected"]:
                    expected.set()
            expected.wait(10)
            time.sleep(slow["seconds"])
            with lock:
                active.discard(threading.get_ident())
        self.answer(body, status)

    do_GET = do_POST = respond

    def log_message(self, *details: t.Any) -> None:
        pass


class Server(ThreadingHTTPServer):
    request_queue_size = 256
    daemon_threads = True


if __name__ == "__main__":
    server = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    print(server.server_port, flush=True)
    sys.stdin.read()
