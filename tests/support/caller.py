# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plain HTTP client of the sandbox, for tests of the sandbox itself. It knows no more than docs/contract.md says."""

from __future__ import annotations

from typing import Any

import httpx
from scalingo_sandbox.testing import Sandbox

REGION = "osc-fr1"
SECOND = "osc-secnum-fr1"


class Caller:
    """Calls the hosts of a sandbox and keeps the tokens."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.client = httpx.Client(timeout=60, verify=False)
        self._bearer = ""
        self._addon_tokens: dict[str, str] = {}

    def close(self) -> None:
        self.client.close()

    # tokens

    def exchange(self, token: str | None = None) -> httpx.Response:
        secret = self.sandbox.api_token if token is None else token
        return self.client.post(f"{self.sandbox.auth_url}/v1/tokens/exchange", auth=("", secret))

    @property
    def bearer(self) -> str:
        if not self._bearer:
            self._bearer = self.exchange().json()["token"]
        return self._bearer

    def addon_token(self, addon_id: str, region: str = REGION) -> str:
        if addon_id not in self._addon_tokens:
            app = next(
                app["name"]
                for app in self.sandbox.state()["apps"]
                if any(addon["id"] == addon_id for addon in app["addons"])
            )
            answer = self.main("POST", f"/v1/apps/{app}/addons/{addon_id}/token", region=region)
            self._addon_tokens[addon_id] = answer.json()["addon"]["token"]
        return self._addon_tokens[addon_id]

    def forget(self) -> None:
        self._bearer = ""
        self._addon_tokens = {}

    # hosts

    def auth(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self._call(method, self.sandbox.auth_url + path, self.bearer, **more)

    def main(self, method: str, path: str, region: str = REGION, **more: Any) -> httpx.Response:
        return self._call(method, self.sandbox.api_url(region) + path, self.bearer, **more)

    def addon(self, method: str, path: str = "", app: str = "shop", kind: str = "mysql", **more: Any) -> httpx.Response:
        """A route of the main API below an addon."""
        return self.main(method, f"/v1/apps/{app}/addons/{self.sandbox.addon_id(app, kind)}{path}", **more)

    def database(self, method: str, addon_id: str, path: str = "", region: str = REGION, **more: Any) -> httpx.Response:
        """A route below /api/databases/ID, with the addon's token."""
        address = f"{self.sandbox.db_api_url(region)}/api/databases/{addon_id}{path}"
        return self._call(method, address, self.addon_token(addon_id, region), **more)

    def top(self, method: str, addon_id: str, path: str, region: str = REGION, **more: Any) -> httpx.Response:
        """Another route of the database API, with the addon's token."""
        address = self.sandbox.db_api_url(region) + path
        return self._call(method, address, self.addon_token(addon_id, region), **more)

    def _call(self, method: str, address: str, token: str, **more: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json", **more.pop("headers", {})}
        return self.client.request(method, address, headers=headers, **more)

    # short cuts

    def show(self, addon_id: str, region: str = REGION) -> dict[str, Any]:
        answer = self.database("GET", addon_id, region=region)
        assert answer.status_code == 200, answer.text
        shown: dict[str, Any] = answer.json()["database"]
        return shown

    def action(self, addon_id: str, name: str, *params: Any, **more: Any) -> dict[str, Any]:
        """The envelope of an action; without params the key is not sent."""
        body: dict[str, Any] = {"action_name": name}
        if params:
            body["params"] = params[0]
        answer = self.database("POST", addon_id, "/action", json=body, **more)
        envelope: dict[str, Any] = answer.json()
        return {"status": answer.status_code, **envelope}
