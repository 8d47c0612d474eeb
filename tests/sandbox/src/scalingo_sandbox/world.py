# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One sandbox: who exists, what they have, where things are. How it begins is in loading, what happens to databases in work."""

from __future__ import annotations

import re
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta, timezone
from typing import TYPE_CHECKING, Any

from scalingo_sandbox.archives import Archives
from scalingo_sandbox.catalog import Catalog
from scalingo_sandbox.clock import Clock, moment
from scalingo_sandbox.faults import Faults
from scalingo_sandbox.identifiers import (
    fresh_api_token,
    fresh_hexadecimal,
    stable_hexadecimal,
    stable_uuid,
)
from scalingo_sandbox.ratelimit import Limiter
from scalingo_sandbox.record import Record
from scalingo_sandbox.seed import Durations, Seed
from scalingo_sandbox.state import (
    Account,
    Addon,
    ApiToken,
    App,
    Event,
    LogLine,
    Outcome,
)
from scalingo_sandbox.switches import Switches
from scalingo_sandbox.timeline import Timeline
from scalingo_sandbox.tokens import Tokens

if TYPE_CHECKING:
    import trustme

REGION_NAMES = {"osc-fr1": "Paris - Outscale", "osc-secnum-fr1": "Paris - SecNumCloud - Outscale"}
PUBLIC_REGIONS = ("osc-fr1",)

# Those of all regions in each: a database of one region may be opened to the apps of the other.
MANAGED_RANGES = {f"mr-scalingo-{region}": f"Scalingo {region} region" for region in REGION_NAMES}


@dataclass
class Addresses:
    """Where the sandbox listens."""

    auth: str = ""
    control: str = ""
    files: str = ""
    api: dict[str, str] = None  # type: ignore[assignment]
    db: dict[str, str] = None  # type: ignore[assignment]

    def __post_init__(self) -> None:
        self.api = self.api or {}
        self.db = self.db or {}


class World:
    """Everything that a reset replaces, and the few things that outlive it: clock, tokens' key, addresses."""

    def __init__(self, seed: Seed, clock: Clock, *, engine: str = "memory", api_token: str | None = None) -> None:
        self.clock = clock
        self.tokens = Tokens(clock)
        self.addresses = Addresses()
        self.lock = threading.RLock()
        self.engine_name = engine
        self._given_api_token = api_token
        self._made_api_token = fresh_api_token()
        self.first_seed = seed
        self._ca_certificate: bytes | None = None
        self._authority: trustme.CA | None = None
        self.apps: list[App] = []
        self.events: list[Event] = []

    # what a reset does

    def begin(self, seed: Seed, catalog: Catalog) -> None:
        """What a reset replaces, before the apps of the seed are there."""
        self.seed = seed
        self.catalog = catalog
        self.timeline = Timeline(self.clock)
        self.switches = Switches(seed.switches)
        self.durations: Durations = seed.durations.model_copy()
        self.faults = Faults()
        self.limiter = Limiter()
        self.archives = Archives()
        self.records: list[Record] = []
        self.number = 0
        self.outcomes: dict[tuple[str | None, str], Outcome] = {}
        self.blocking = False
        self.apps = []
        self.events = []
        api_token = self._given_api_token or seed.user.api_token or self._made_api_token
        self.account = Account(
            id="us-" + stable_uuid("user", seed.user.username),
            username=seed.user.username,
            email=seed.user.email,
            fullname=seed.user.fullname,
            regions=list(seed.user.regions),
        )
        self.api_tokens = [ApiToken(stable_hexadecimal("token", 1), "sandbox", api_token, self.now() - 86400)]

    def close(self) -> None:
        for app in self.apps:
            for addon in app.addons:
                addon.database.engine.close()
        self.archives.close()

    def connection_url(self, addon: Addon) -> str:
        """The address of a database, as an app reads it."""
        database = addon.database
        url = addon.kind.urls[database.encrypted].format(
            login=f"{addon.resource_id}:{database.password}@{database.hostname}:{database.port}",
            name=addon.resource_id,
        )
        position = self.switch("connection_urls")
        if position == "documented":
            return url.replace("postgres://", "postgresql://")
        return url.partition("?")[0] if position == "bare" else url

    def connection_variable(self, app: App, addon: Addon) -> str | None:
        """The variable that holds the address of this database."""
        place = re.compile(rf"@{re.escape(f'{addon.database.hostname}:{addon.database.port}')}(/|\?|$)")
        return next((name for name, value in app.variables.items() if place.search(value)), None)

    def add_variables(self, app: App, addon: Addon) -> None:
        """Give an app the address of a database. It need not be the app's own."""
        name, number = addon.kind.variable, 1
        while name in app.variables:
            number += 1
            name = f"{addon.kind.variable.removesuffix('_URL')}_{number}_URL"
        app.variables[name] = self.connection_url(addon)
        app.variables.setdefault(addon.kind.alias, f"${name}")

    def _with_variable(self, addon: Addon) -> list[tuple[App, str]]:
        """The apps that have the address of this database, and the variable in which they have it."""
        found = [(app, self.connection_variable(app, addon)) for app in self.apps]
        return [(app, name) for app, name in found if name is not None]

    def apply_encryption(self, addon: Addon) -> None:
        """Let the server, and the addresses that apps have of it, be as the feature force-ssl says."""
        addon.database.engine.require_tls(addon.database.encrypted)
        for app, name in self._with_variable(addon):
            app.variables[name] = self.connection_url(addon)

    def remove_addon(self, app: App, addon: Addon) -> None:
        for reader, variable in self._with_variable(addon):
            for name, value in list(reader.variables.items()):
                if name == variable or value == f"${variable}":
                    del reader.variables[name]
        app.addons.remove(addon)
        addon.database.engine.close()

    # looking things up

    def now(self) -> float:
        return self.timeline.now()

    def switch(self, name: str) -> str:
        return self.switches[name]

    @property
    def api_token(self) -> str:
        return self.api_tokens[0].secret

    def find_app(self, region: str, text: str) -> App | None:
        return next((app for app in self.apps if app.region == region and text in (app.name, app.id)), None)

    def find_addon(self, identifier: str) -> Addon | None:
        for app in self.apps:
            for addon in app.addons:
                if addon.id == identifier:
                    return addon
        return None

    def app_of(self, addon: Addon) -> App:
        return next(app for app in self.apps if app.id == addon.app_id and app.region == addon.region)

    def addons_of(self, region: str) -> list[Addon]:
        return [addon for app in self.apps if app.region == region for addon in app.addons]

    def date(self, epoch: float) -> str:
        """An instant as the API writes it."""
        return written_date(epoch, self.switches["dates"])

    def ca_certificate(self) -> bytes:
        """The certificate authority of the databases: the sandbox's own when it serves TLS."""
        if self._ca_certificate is None:
            self._ca_certificate = self.authority().cert_pem.bytes()
        return self._ca_certificate

    def authority(self) -> trustme.CA:
        """What signs the certificates of databases, and those of the sandbox when it serves TLS."""
        if self._authority is None:
            from scalingo_sandbox.certificates import make_authority

            self._authority = make_authority()
        return self._authority

    def issue(self, names: Sequence[str]) -> tuple[bytes, bytes]:
        """A certificate for a database, with its key."""
        issued = self.authority().issue_cert(*names)
        return b"".join(part.bytes() for part in issued.cert_chain_pems), issued.private_key_pem.bytes()

    def set_ca_certificate(self, content: bytes) -> None:
        self._ca_certificate = content

    # what happened

    def record_event(self, app: App, name: str, type_data: dict[str, Any], at: float | None = None) -> None:
        happened = self.now() if at is None else at
        app.events.append(Event(fresh_hexadecimal(), name, happened, type_data, app_name=app.name))

    def write_log(self, addon: Addon, text: str) -> None:
        addon.database.logs.append(LogLine(self.now(), "db-node", text))

    def addon_event(self, addon: Addon, name: str, **more: Any) -> None:
        data = {
            "addon_provider_name": addon.kind.display_name,
            "plan_name": addon.plan.name,
            "resource_id": addon.resource_id,
            **more,
        }
        self.record_event(self.app_of(addon), name, data)

    def lasts(self, addon: Addon, kind: str) -> float:
        """How long work of a kind takes on an addon."""
        return float(addon.database.durations.get(kind, getattr(self.durations, kind)))

    def take_outcome(self, addon: Addon, kind: str) -> Outcome | None:
        """The outcome demanded for the next work of this kind, for this addon or for any."""
        for key in ((addon.id, kind), (None, kind)):
            if key in self.outcomes:
                return self.outcomes.pop(key)
        return None


_OFFSET = timezone(timedelta(hours=1))


def written_date(epoch: float, form: str) -> str:
    """RFC 3339, in one of the forms that the service is known to use."""
    instant = moment(epoch)
    if form == "offset":
        return instant.astimezone(_OFFSET).isoformat(timespec="milliseconds")
    return instant.replace(tzinfo=None).isoformat(timespec=form) + "Z"
