# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Scripted HTTP: an ordered list of expected calls with their answers, failing on one more or one fewer.

It sits below requests as a transport adapter, so sessions, auth objects, .netrc, verify and redirects are the real ones.

    with Script(
        expect("GET", "/api/databases/ad-1", answer={"database": {"status": "running"}}),
        expect("POST", "/api/databases/ad-1/action", json={"action_name": "x"}, answer={"ok": 1}),
    ) as script:
        script.patch(monkeypatch)              # every session made from now on, or
        script.mount(client)                   # this client's session only
"""

from __future__ import annotations

import base64
import io
import json
import typing as t
import urllib.parse
from dataclasses import dataclass, field

import requests.adapters
import urllib3
from ansible_collections.community.scalingo.plugins.module_utils import _core, _transport

ANYTHING: t.Any = object()
# No body at all.
NOTHING: t.Any = object()

WALL = 1_800_000_000.0


class StillClock(_core.Clock):
    """A clock that moves only when somebody sleeps; ``slept`` is the list of the naps."""

    def __init__(self, wall: float = WALL, chance: float = 0.5) -> None:
        self.moment = 1000.0
        self.difference = wall - self.moment
        self.chance = chance
        self.slept: list[float] = []

    def now(self) -> float:
        return self.moment

    def wall(self) -> float:
        return self.moment + self.difference

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.moment += max(0.0, seconds)

    def random(self) -> float:
        return self.chance


@dataclass
class Expected:
    """One call that must come, and what is answered. ``raises`` breaks it instead, as an exception of requests."""

    method: str
    path: str
    host: str | None = None
    query: t.Mapping[str, str] = field(default_factory=dict)
    headers: t.Mapping[str, str | None] = field(default_factory=dict)
    json: t.Any = ANYTHING
    status: int = 200
    answer: t.Any = None
    text: str | None = None
    answer_headers: t.Mapping[str, str] = field(default_factory=dict)
    raises: BaseException | None = None
    then: t.Callable[[], None] | None = None
    proxies: t.Mapping[str, str] | None = None
    verify: t.Any = ANYTHING

    def differences(self, request: requests.PreparedRequest, verify: t.Any, proxies: t.Mapping[str, str]) -> list[str]:
        """Return how a request differs from this one."""
        parts = urllib.parse.urlsplit(request.url or "")
        query = dict(urllib.parse.parse_qsl(parts.query, keep_blank_values=True))
        body = NOTHING if request.body is None else json.loads(request.body)
        compared: list[tuple[str, t.Any, t.Any]] = [
            ("method", self.method, request.method),
            ("path", self.path, parts.path),
            ("query", dict(self.query), query),
        ]
        if self.host is not None:
            compared.append(("host", self.host, f"{parts.scheme}://{parts.netloc}"))
        if self.json is not ANYTHING:
            compared.append(("body", self.json, body))
        if self.verify is not ANYTHING:
            compared.append(("verify", self.verify, verify))
        if self.proxies is not None:
            compared.append(("proxies", dict(self.proxies), dict(proxies)))
        compared += [(f"header {name}", value, request.headers.get(name)) for name, value in self.headers.items()]
        return [f"{what}: expected {wanted!r}, came {came!r}" for what, wanted, came in compared if wanted != came]


def expect(method: str, path: str, **details: t.Any) -> Expected:
    """Return one expected call: ``expect("GET", "/v1/regions", status=200, answer={"regions": []})``."""
    return Expected(method, path, **details)


class Script(requests.adapters.BaseAdapter):
    """The ordered list of expected calls, as a transport adapter."""

    def __init__(self, *calls: Expected) -> None:
        super().__init__()
        self.calls = list(calls)
        self.seen: list[requests.PreparedRequest] = []
        self.complaint = ""

    def __enter__(self) -> Script:
        return self

    def __exit__(self, kind: t.Any, value: t.Any, trace: t.Any) -> None:
        if kind is None:
            self.finish()

    def mount(self, client: t.Any) -> Script:
        """Answer the calls of one client."""
        self._into(client.transport.session)
        return self

    def patch(self, monkeypatch: t.Any) -> Script:
        """Answer the calls of every session that is made from now on."""
        make = _transport.new_session
        monkeypatch.setattr(_transport, "new_session", lambda: self._into(make()))
        return self

    def _into(self, session: t.Any) -> t.Any:
        session.mount("https://", self)
        session.mount("http://", self)
        return session

    def add(self, *calls: Expected) -> None:
        """Expect more calls."""
        self.calls += calls

    def finish(self) -> None:
        """Fail unless exactly the expected calls have come."""
        assert not self.complaint, self.complaint
        missing = [f"{call.method} {call.path}" for call in self.calls[len(self.seen) :]]
        assert not missing, f"{len(missing)} calls did not come: {', '.join(missing)}"

    def send(  # type: ignore[override]
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: t.Any = None,
        verify: t.Any = True,
        cert: t.Any = None,
        proxies: t.Any = None,
    ) -> requests.Response:
        """Compare a request with the next expected one, and answer it."""
        number = len(self.seen)
        self.seen.append(request)
        if number >= len(self.calls):
            self._complain(f"one call too many, number {number + 1}: {request.method} {request.url}")
        call = self.calls[number]
        differences = call.differences(request, verify, proxies or {})
        if differences:
            self._complain(f"call {number + 1}, {request.method} {request.url}: {'; '.join(differences)}")
        if timeout is None or None in timeout:
            self._complain(f"call {number + 1} has no timeout")
        if call.then is not None:
            call.then()
        if call.raises is not None:
            raise call.raises
        return self._answered(call, request)

    def _answered(self, call: Expected, request: requests.PreparedRequest) -> requests.Response:
        text = call.text if call.text is not None else "" if call.answer is None else json.dumps(call.answer)
        content = text.encode()
        kind = {"Content-Type": "application/json"} if call.text is None else {"Content-Type": "text/plain"}
        raw = urllib3.HTTPResponse(
            body=io.BytesIO(content),
            headers={"Content-Length": str(len(content)), **kind, **call.answer_headers},
            status=call.status,
            preload_content=False,
            decode_content=False,
            # As in the older versions of urllib3, which do not notice a short body themselves.
            enforce_content_length=False,
        )
        return requests.adapters.HTTPAdapter().build_response(request, raw)

    def _complain(self, text: str) -> t.NoReturn:
        # Kept as well as raised: what is under test may catch anything.
        self.complaint = self.complaint or text
        raise AssertionError(text)

    def close(self) -> None:
        """Nothing is open."""


def jwt(expires: float, **claims: t.Any) -> str:
    """Return something with the form of a JWT and the given ``exp``."""
    parts = [{"alg": "none"}, {"exp": expires, **claims}]
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, "c2lnbmF0dXJl"])


def exchange(token: str = "bearer-1", api_token: str = "tk-us-secret", **details: t.Any) -> Expected:
    """The exchange of the API token, with Basic and an empty user name."""
    basic = base64.b64encode(f":{api_token}".encode()).decode()
    given = {"answer": {"token": token}, "headers": {"Authorization": f"Basic {basic}"}, "json": NOTHING, **details}
    return expect("POST", "/v1/tokens/exchange", **given)


def addon(
    identifier: str = "ad-1", provider: str = "mysql", resource_id: str = "shop_1", **more: t.Any
) -> dict[str, t.Any]:
    """One addon as the main API gives it."""
    return {
        "id": identifier,
        "resource_id": resource_id,
        "status": "running",
        "addon_provider": {"id": provider, "name": provider.title()},
        "plan": {"id": "5b0", "name": f"{provider}-starter-512"},
        **more,
    }


def addons(*found: dict[str, t.Any], app: str = "shop", bearer: str = "bearer-1", **details: t.Any) -> Expected:
    """The list of an app's addons."""
    given = {"answer": {"addons": list(found)}, "headers": {"Authorization": f"Bearer {bearer}"}, **details}
    return expect("GET", f"/v1/apps/{app}/addons", **given)


def mint(
    identifier: str = "ad-1", token: str = "addon-1", *, app: str = "shop", bearer: str = "bearer-1", **details: t.Any
) -> Expected:
    """The making of an addon's token."""
    found = {**addon(identifier), "token": token}
    given = {"answer": {"addon": found}, "headers": {"Authorization": f"Bearer {bearer}"}, "json": NOTHING, **details}
    return expect("POST", f"/v1/apps/{app}/addons/{identifier}/token", **given)


def on_database(
    method: str, path: str = "", token: str = "addon-1", identifier: str = "ad-1", **details: t.Any
) -> Expected:
    """A call on one database, with its addon's token."""
    given = {"headers": {"Authorization": f"Bearer {token}"}, **details}
    return expect(method, f"/api/databases/{identifier}{path}", **given)
