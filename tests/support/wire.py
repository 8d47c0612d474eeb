# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Connections that fail for real on the client's side, where the server cannot make them fail: one kind of request, so many times."""

from __future__ import annotations

import contextlib
import json
import socket
import time
import typing as t
import urllib.parse
from unittest import mock

import requests.adapters
from ansible_collections.community.scalingo.plugins.module_utils import _deadline
from scalingo_sandbox.testing import Sandbox

#: How long a request waits for an answer that does not come.
HURRY = 0.1


def named_request(sandbox: Sandbox, request: t.Any) -> str:
    """The number in the contract of what is about to be sent, of an action its name."""
    application = sandbox.running.application
    parts = urllib.parse.urlsplit(request.url)
    place = application.places.get(parts.port or 0)
    if place is None:
        return ""
    compiled = application._compiled[place.role]
    route = compiled.find(application.world, place.role, request.method, urllib.parse.unquote(parts.path))[0]
    number = route.number if route else ""
    if number == "D8":
        return str(json.loads(request.body or "{}").get("action_name") or number)
    return number


@contextlib.contextmanager
def broken(sandbox: Sandbox, how: str, name: str, after: int, times: int | None) -> t.Iterator[None]:
    """`how`: refused, full (nobody takes the connection), name (it cannot be resolved), tls (the server speaks none), hurry (nobody
    waits long for the answer to begin), or drag (nor for it to end).
    """
    send = requests.adapters.HTTPAdapter.send
    resolve = socket.getaddrinfo
    seen = 0

    def sending(adapter: t.Any, request: t.Any, **options: t.Any) -> t.Any:
        nonlocal seen
        if named_request(sandbox, request) == name:
            seen += 1
            if seen > after and (times is None or seen <= after + times):
                connect, silence = options["timeout"]
                if how == "hurry":
                    return hurrying(adapter, request, {**options, "timeout": (connect, HURRY)})
                if how == "drag":
                    begun = time.monotonic()
                    with _deadline.until(_deadline.Deadline(time.monotonic, begun + HURRY)):
                        return send(adapter, request, **options)
                if how == "full":
                    options = {**options, "timeout": (HURRY, silence)}
                request.url = elsewhere(request.url)
        return send(adapter, request, **options)

    def hurrying(adapter: t.Any, request: t.Any, options: dict[str, t.Any]) -> t.Any:
        try:
            return send(adapter, request, **options)
        finally:
            # A server that is slow for other reasons takes it all the same, before anything else happens.
            assert sandbox.running.application.held.acquire(timeout=60)

    def elsewhere(url: str) -> str:
        parts = urllib.parse.urlsplit(url)
        if how == "tls":
            return parts._replace(scheme="https").geturl()
        return parts._replace(
            netloc=f"127.0.0.1:{nobody.getsockname()[1]}" if how == "refused" else "api.invalid"
        ).geturl()

    def resolving(host: t.Any, *arguments: t.Any, **options: t.Any) -> t.Any:
        if host == "api.invalid":
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        return resolve(host, *arguments, **options)

    with contextlib.ExitStack() as stack:
        # Bound, so that nobody else gets the port, and not listening.
        nobody = stack.enter_context(socket.socket())
        nobody.bind(("127.0.0.1", 0))
        if how == "full":
            nobody.listen(0)
            for dummy in range(2):
                waiting = stack.enter_context(socket.socket())
                waiting.setblocking(False)
                waiting.connect_ex(nobody.getsockname())
        stack.enter_context(mock.patch.object(requests.adapters.HTTPAdapter, "send", sending))
        stack.enter_context(mock.patch.object(socket, "getaddrinfo", resolving))
        yield
