# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox inside a test process."""

from __future__ import annotations

import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

from scalingo_sandbox.record import Record
from scalingo_sandbox.seed import Seed, load
from scalingo_sandbox.server import Running, Thread

__all__ = ["Record", "Sandbox"]


class Sandbox:
    """A sandbox on free ports, for as long as the with block lasts."""

    def __init__(
        self,
        seed: Seed | dict[str, Any] | str | Path | None = None,
        speed: float = 1.0,
        tls: bool = False,
        *,
        engine: str = "memory",
        api_token: str | None = None,
    ) -> None:
        self._seed = load(seed)
        self._speed = speed
        self._tls = tls
        self._engine = engine
        self._api_token = api_token
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._thread: Thread | None = None

    def start(self) -> Sandbox:
        tls_directory = None
        if self._tls:
            self._directory = tempfile.TemporaryDirectory(prefix="scalingo-sandbox-")
            tls_directory = Path(self._directory.name)
        running = Running(
            self._seed,
            speed=self._speed,
            engine=self._engine,
            tls_directory=tls_directory,
            api_token=self._api_token,
        )
        self._thread = Thread(running)
        self._thread.start()
        self._thread.ready.wait(10)
        if self._thread.failure is not None:
            raise RuntimeError("the sandbox did not start") from self._thread.failure
        return self

    def stop(self) -> None:
        if self._thread is not None:
            self._thread.running.stop()
            self._thread.join(5)
            self._thread = None
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = None

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def running(self) -> Running:
        if self._thread is None:
            raise RuntimeError("the sandbox is not running")
        return self._thread.running

    # where it is

    @property
    def auth_url(self) -> str:
        return self.running.world.addresses.auth

    @property
    def control_url(self) -> str:
        return self.running.world.addresses.control

    @property
    def files_url(self) -> str:
        return self.running.world.addresses.files

    @property
    def api_token(self) -> str:
        return self.running.world.api_token

    @property
    def ca_path(self) -> str | None:
        return None if self.running.ca_file is None else str(self.running.ca_file)

    def api_url(self, region: str = "osc-fr1") -> str:
        return self.running.world.addresses.api[region]

    def db_api_url(self, region: str = "osc-fr1") -> str:
        return self.running.world.addresses.db[region]

    def environment(self, region: str = "osc-fr1") -> dict[str, str]:
        """Variables that point any client here."""
        return self.running.environment(region)

    def params(self, region: str = "osc-fr1") -> dict[str, str]:
        """Connection parameters for modules."""
        parameters = {
            "api_token": self.api_token,
            "auth_url": self.auth_url,
            "api_url": self.api_url(region),
            "db_api_url": self.db_api_url(region),
            "region": region,
        }
        if self.ca_path is not None:
            parameters["ca_path"] = self.ca_path
        return parameters

    def addon_id(self, app: str, provider: str, region: str = "osc-fr1", index: int = 0) -> str:
        """The identifier of an app's addon of a kind."""
        with self.running.world.lock:
            found = self.running.world.find_app(region, app)
            if found is None:
                raise LookupError(f"there is no app {app} in {region}")
            return [addon.id for addon in found.addons if addon.kind.provider == provider][index]

    # what was asked of it

    def log(self) -> list[Record]:
        return self.running.control.log()

    def unsafe(self) -> list[Record]:
        return self.running.control.log(unsafe=True)

    def clear_log(self) -> None:
        self.running.control.clear_log()

    # what it does

    def reset(self, seed: Seed | dict[str, Any] | str | None = None) -> None:
        self.running.control.reset(seed)

    def advance(self, seconds: float) -> None:
        self.running.control.advance(seconds)

    def speed(self, speed: float) -> None:
        self.running.control.speed(speed)

    def durations(self, **seconds: float) -> dict[str, Any]:
        return self.running.control.durations(**seconds)

    def switch(self, name: str, value: object) -> None:
        self.running.control.switch(name, value)

    def fault(self, **rule: Any) -> None:
        self.running.control.fault(**rule)

    def clear_faults(self) -> None:
        self.running.control.clear_faults()

    def rate_limit(self, requests: int | None = 60, seconds: float = 60, **more: Any) -> None:
        """Enforce a limit; None lifts it. More: retry_after, body (plain or json), scope (token, global or role)."""
        if requests is None:
            self.running.control.no_rate_limit()
        else:
            self.running.control.rate_limit(requests=requests, seconds=seconds, **more)

    def expire_tokens(self, kind: str | None = None, addon_id: str | None = None) -> None:
        self.running.control.expire_tokens(kind, addon_id)

    def outcome(self, kind: str, outcome: str = "fail", addon_id: str | None = None, **more: Any) -> None:
        self.running.control.outcome(kind, outcome, addon_id, **more)

    def change_database(self, addon_id: str, **fields: Any) -> None:
        self.running.control.change_database(addon_id, **fields)

    def event(self, app: str | None = None, region: str = "osc-fr1", **event: Any) -> None:
        """Something happens to an app, or to the account: type, type_data, age, id, user."""
        self.running.control.event(app, region, **event)

    def end_operation(self, addon_id: str, operation_id: str | None = None, error: str | None = None) -> None:
        self.running.control.end_operation(addon_id, operation_id, error)

    def lose_operation(self, addon_id: str, operation_id: str | None = None) -> None:
        self.running.control.lose_operation(addon_id, operation_id)

    def state(self) -> dict[str, Any]:
        return self.running.control.state()
