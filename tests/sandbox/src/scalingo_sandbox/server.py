# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sockets and serving: one listening socket for each role and region, one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import os
import socket
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import uvicorn

from scalingo_sandbox.api.auth import ssh_address
from scalingo_sandbox.api.control import make_control_application
from scalingo_sandbox.application import Application, Place
from scalingo_sandbox.clock import Clock
from scalingo_sandbox.control import Control
from scalingo_sandbox.loading import open_world
from scalingo_sandbox.seed import REGIONS, Seed
from scalingo_sandbox.transport import Protocol

PLACES = (
    Place("auth"),
    *(Place(role, region) for region in REGIONS for role in ("api", "db")),
    Place("files"),
    Place("control"),
)
HOST = "127.0.0.1"


class _Server(uvicorn.Server):
    """uvicorn's server, which leaves signals to whoever runs it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def bind(port_base: int | None) -> list[socket.socket]:
    """One socket for each place, on the loopback interface only."""
    sockets: list[socket.socket] = []
    for index in range(len(PLACES)):
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((HOST, 0 if port_base is None else port_base + index))
            listener.listen(512)
        except OSError:
            for other in [*sockets, listener]:
                other.close()
            raise
        listener.setblocking(False)
        sockets.append(listener)
    return sockets


class Running:
    """A sandbox that is about to serve, or serves."""

    def __init__(
        self,
        seed: Seed,
        *,
        speed: float = 1.0,
        engine: str = "memory",
        tls_directory: Path | None = None,
        api_token: str | None = None,
        port_base: int | None = None,
    ) -> None:
        self.world = open_world(seed, Clock(speed=speed), engine=engine, api_token=api_token)
        self.control = Control(self.world)
        self.sockets = bind(port_base)
        self.ca_file: Path | None = None
        ssl_options: dict[str, Any] = {}
        if tls_directory is not None:
            from scalingo_sandbox.certificates import write_certificates

            self.ca_file, certificate = write_certificates(tls_directory, self.world.authority())
            ssl_options = {"ssl_certfile": str(certificate)}
        self.scheme = "https" if tls_directory is not None else "http"
        places = {listener.getsockname()[1]: place for listener, place in zip(self.sockets, PLACES, strict=True)}
        self._addresses(places)
        self.application = Application(self.world, places, make_control_application(self.control))
        self._loop: asyncio.AbstractEventLoop | None = None
        configuration = uvicorn.Config(
            self.application,
            http=Protocol,
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            date_header=False,
            server_header=False,
            timeout_keep_alive=75,
            timeout_graceful_shutdown=1,
            **ssl_options,
        )
        self.server = _Server(configuration)

    def _addresses(self, places: dict[int, Place]) -> None:
        addresses = self.world.addresses
        for port, place in places.items():
            address = f"{self.scheme}://{HOST}:{port}"
            if place.region:
                getattr(addresses, place.role)[place.region] = address
            else:
                setattr(addresses, place.role, address)

    def environment(self, region: str = "osc-fr1") -> dict[str, str]:
        """The variables that point clients here, under the names of all official clients."""
        addresses = self.world.addresses
        return {
            "SCALINGO_API_TOKEN": self.world.api_token,
            "SCALINGO_REGION": region,
            "SCALINGO_AUTH_URL": addresses.auth,
            "SCALINGO_API_URL": addresses.api[region],
            "SCALINGO_DB_API_URL": addresses.db[region],
            "SCALINGO_DB_URL": addresses.db[region],
        }

    def exports(self) -> dict[str, str]:
        """What a user's shell needs to work in both regions: their addresses are listed at the authentication API."""
        addresses = self.world.addresses
        values = {
            "SCALINGO_API_TOKEN": self.world.api_token,
            "SCALINGO_AUTH_URL": addresses.auth,
            "SCALINGO_SANDBOX_CONTROL": f"{addresses.control}/control",
        }
        if self.ca_file is not None:
            # For the collection and for Go's clients.
            values.update(SCALINGO_CA_PATH=str(self.ca_file), SSL_CERT_FILE=str(self.ca_file))
        return values

    def description(self) -> dict[str, Any]:
        """What the ready file holds."""
        addresses = self.world.addresses
        return {
            "pid": os.getpid(),
            "auth_url": addresses.auth,
            "control_url": addresses.control,
            "files_url": addresses.files,
            "api_token": self.world.api_token,
            "ca_file": None if self.ca_file is None else str(self.ca_file),
            "regions": {
                region: {
                    "api_url": addresses.api[region],
                    "db_api_url": addresses.db[region],
                    "ssh": ssh_address(self.world, region),
                }
                for region in REGIONS
            },
            "environment": self.environment(),
        }

    async def serve(self, ready: Callable[[], None]) -> None:
        async def announce() -> None:
            while not self.server.started:
                await asyncio.sleep(0.005)
            ready()

        self._loop = asyncio.get_running_loop()
        announcing = asyncio.create_task(announce())
        try:
            await self.server.serve(sockets=self.sockets)
        finally:
            announcing.cancel()
            for listener in self.sockets:
                listener.close()
            with self.world.lock:
                self.world.close()

    def stop(self) -> None:
        """End soon; from any thread."""
        self.server.should_exit = True
        if self._loop is not None and not self._loop.is_closed():
            with contextlib.suppress(RuntimeError):
                self._loop.call_soon_threadsafe(self.application.stopping.set)


class Thread(threading.Thread):
    """A sandbox in a thread of its own, with its own event loop."""

    def __init__(self, running: Running) -> None:
        super().__init__(name="scalingo-sandbox", daemon=True)
        self.running = running
        self.ready = threading.Event()
        self.failure: BaseException | None = None

    def run(self) -> None:
        # Under coverage of what asks the sandbox, each of its own calls would take twice as long.
        sys.settrace(None)
        try:
            asyncio.run(self.running.serve(self.ready.set))
        except BaseException as error:
            self.failure = error
        finally:
            self.ready.set()
