# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Everything that a resource needs of the API: the calls, the target, the clock, what it has cost, and links."""

from __future__ import annotations

import typing as t
import urllib.parse

from . import _shapes
from ._answer import Stream
from ._api.addon import ENGINES, is_addon_id, kind_of, list_addon_providers
from ._auth import Account, Bearer, Hosts, Tokens
from ._cache import Store, cache_key
from ._call import Auth, Caller
from ._core import Clock, Secrets, Usage
from ._errors import InvalidInput, NotFound, ScalingoError, UnexpectedAnswer
from ._progress import Watch, Watcher
from ._retry import SharedFlight, SharedPacing
from ._route import AUTH, DATABASE, MAIN, NONE, PUBLIC, SIGN_IN, Host, Raw, Route, failure_of
from ._settings import Settings, read_settings
from ._target import AccountAuth, AddonAuth, Target
from ._transport import NoAuthorization, Transport


def check_link(link: str) -> urllib.parse.SplitResult:
    """Return the parts of a link that the API handed out. Raises UnexpectedAnswer when it is none."""
    try:
        parts = urllib.parse.urlsplit(link)
        good = parts.scheme in ("http", "https") and parts.hostname and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        good = False
    if not good:
        raise UnexpectedAnswer("The API handed out something that is not a link")
    return parts


# What is shorter is masked in too many places to be read: a page number is no secret.
SHORTEST_SECRET = 8

LINK_ROUTE = Route[None](
    "read_link",
    "GET",
    "",
    safe=True,
    repeatable=True,
    role="link",
    auth=NONE,
    doing="read what the link leads to",
    narrower="Ask for fewer lines with lines, or for those that matter with filter.",
)


class CountingClock(Clock):
    """The clock that resources wait by: what they sleep counts as waited, like the pauses of the transport."""

    def __init__(self, clock: Clock, usage: Usage) -> None:
        self._clock = clock
        self._usage = usage

    def now(self) -> float:
        return self._clock.now()

    def wall(self) -> float:
        return self._clock.wall()

    def sleep(self, seconds: float) -> None:
        self._clock.sleep(seconds)
        self._usage.waited_seconds += max(seconds, 0.0)

    def random(self) -> float:
        return self._clock.random()


class Client:
    """Everything a resource needs: the three hosts, the target, the clock, and what it has cost."""

    def __init__(
        self,
        settings: Settings,
        secrets: Secrets,
        *,
        verbose: t.Callable[[str], None],
        clock: Clock,
        fresh_lookup: bool,
        beside: Client | None = None,
        watcher: Watcher | None = None,
    ) -> None:
        self.settings = settings
        self.watch = Watch(watcher, self.described)
        self.region = settings.region
        self.usage: Usage = Usage() if beside is None else beside.usage
        self.clock = CountingClock(clock, self.usage)
        store = Store(clock=clock, verbose=verbose, enabled=settings.token_cache) if beside is None else beside.store
        self.store: Store = store
        # Limits that the user asks for hold for all tasks, also for those that keep their tokens to themselves. Nothing secret is shared.
        common = (
            store
            if settings.token_cache or not settings.limits_given
            else Store(clock=clock, verbose=lambda dummy: None)
        )
        self._common = common
        pace = cache_key("pace", settings.api_token or settings.addon_token, settings.auth)
        self.transport: Transport = (
            beside.transport
            if beside is not None
            else Transport(
                timeout=settings.timeout,
                retries=settings.retries,
                verify=settings.verify,
                clock=clock,
                usage=self.usage,
                secrets=secrets,
                verbose=verbose,
                pacing=SharedPacing(clock, common, pace, settings.requests_per_minute),
                flight=SharedFlight(clock, common, pace, settings.max_in_flight),
                watch=self.watch,
            )
        )
        tokens = Tokens(store, clock, self.usage, secrets)
        self.account: Account = Account(settings, tokens, self._caller) if beside is None else beside.account
        hosts = Hosts(settings, self.account)
        main = self._caller(Bearer(lambda: hosts.api + "/v1", self.account))
        self.target = Target(settings, tokens, hosts, main, fresh_lookup)
        self._database = self._caller(
            AccountAuth(lambda: hosts.of_databases, self.target, self.account)
            if settings.by_account
            else AddonAuth(lambda: hosts.of_databases, self.target)
        )
        #: Who sends the routes of a host that are asked by one kind of credentials.
        self.callers: dict[Host, Caller] = {
            SIGN_IN: self.account.basic,
            PUBLIC: self.account.anybody,
            AUTH: self.account.user,
            MAIN: main,
            DATABASE: self._database,
        }
        self._kinds: dict[str, bool] | None = None

    @classmethod
    def from_params(
        cls,
        params: t.Mapping[str, t.Any],
        *,
        verbose: t.Callable[[str], None],
        secret: t.Callable[[str], None],
        clock: Clock | None = None,
        fresh_lookup: bool = False,
        target_needed: bool = True,
        beside: Client | None = None,
        watcher: Watcher | None = None,
    ) -> Client:
        """Check the connection and target options and build a client. Nothing is sent yet.

        Options read: api_token region api_url db_api_url auth_url api_path api_timeout api_retries validate_certs ca_path
        token_cache app addon addon_id addon_token. ``verbose`` takes a line for -v; ``secret`` a value to be masked
        everywhere, before it is used. ``fresh_lookup`` ignores cached lookups of the target, not tokens.
        ``target_needed`` false: app and addon may be missing. ``beside``: another client of the same account, whose
        connections, pace, cache and bearer it shares; threads may use both at a time. ``watcher`` hears how waits go.

        Raises InvalidInput: an address, the region's form, a number, a token or the target options are wrong. That the
        region does not exist is found at the first request.
        """
        secrets = Secrets(secret) if beside is None else beside.transport.secrets
        settings = read_settings(params, secrets, verbose, target_needed)
        return cls(
            settings,
            secrets,
            verbose=verbose,
            clock=clock or Clock(),
            fresh_lookup=fresh_lookup,
            beside=beside,
            watcher=watcher,
        )

    def _caller(self, auth: Auth) -> Caller:
        return Caller(self.transport, auth, self.described)

    def caller_of(self, route: Route[t.Any]) -> Caller:
        """Return who sends a route: by which credentials that is."""
        return self.callers[Host(route.role, route.auth)]

    @property
    def date(self) -> float | None:
        """The epoch of the Date header of the database API's last answer, or None: judge ages by it."""
        return self._database.date

    @property
    def addon_id(self) -> str:
        """The id of the database that is meant; costs requests when nothing of it is known yet."""
        return self.target.addon_id

    @property
    def opens_others(self) -> bool:
        """Whether the database's routes are sent by what opens other databases too."""
        return self._database.opens_others

    def sign_in(self) -> None:
        """Have the bearer token that every other request of the account needs; at most one request."""
        self.account.bearer()

    def described(self) -> str:
        """Return "addon mysql (ad-…) of app shop in osc-fr1", as far as known. Never sends a request."""
        known, settings = self.target.known, self.settings
        parts = []
        if known is not None:
            parts.append(f"addon {known.engine} ({known.addon_id})" if known.engine else f"addon {known.addon_id}")
        elif settings.addon:
            parts.append(f"addon {settings.addon}")
        if settings.app:
            parts.append(f"of app {settings.app}" if parts else f"app {settings.app}")
        parts.append(f"in {self.region}" if parts else f"region {self.region}")
        return " ".join(parts)

    def known_target(self) -> tuple[str | None, str | None]:
        """Return app and addon id, as far as known; None for what is not. Never sends a request."""
        return self.settings.app, self.target.known_addon_id

    def kinds(self) -> dict[str, bool]:
        """Return every kind of addon that the platform has (A9), and whether it is in the category of databases. One request."""
        if self._kinds is None:
            self._kinds = {}
            for provider in list_addon_providers(self):
                category = (_shapes.or_none(provider.get("category")) or {}).get("name")
                self._kinds[kind_of(provider["id"])] = str(category).lower().startswith("database")
        return self._kinds

    def require_kind(self, addon: str | None, there: str) -> None:
        """Refuse what is neither an id nor a kind of addon: a slip is no absence. ``there`` says what the app has.

        Raises InvalidInput. Costs a request for a kind that this collection does not know.
        """
        if not addon or is_addon_id(addon) or kind_of(addon) in ENGINES:
            return
        if kind_of(addon) not in self.kinds():
            raise InvalidInput(f"the platform has no kind of addon called {addon}", hint=there)

    def use_addon(self, addon: Raw) -> None:
        """Take this addon for the target: the caller has just read it, or made it, so that nobody looks it up again."""
        self.target.select(addon)

    def forget_target(self) -> None:
        """Drop the target's token and lookup, in memory and in the cache: after the addon was destroyed."""
        self.target.forget()

    def conceal(self, secret: str) -> str:
        """Have a value masked everywhere from now on, the result included; for a link, also what it carries. Returns it."""
        secrets = self.transport.secrets
        try:
            carried = urllib.parse.parse_qsl(urllib.parse.urlsplit(secret).query)
        except ValueError:  # no link
            carried = []
        for dummy, value in carried:
            if len(value) >= SHORTEST_SECRET:
                secrets.add(value)
        return secrets.add(secret)

    def close(self) -> None:
        """Close the connections and the store. What is needed again is opened again."""
        self.transport.close()
        self.store.close()
        self._common.close()

    def open_link(self, route: Route[t.Any], link: str, headers: t.Mapping[str, str]) -> Stream:
        """Open what a link leads to that the API handed out, with no Authorization; close what is returned.

        ``route`` has no path: it says what is being done. Any status may come; see Transport.open_stream.
        """
        try:
            check_link(link)
            return self.transport.open_stream(route, link, headers)
        except ScalingoError as error:
            error.about(doing=route.doing, subject=self.described())
            raise

    def read_link(self, link: str, query: t.Mapping[str, t.Any] | None = None) -> str:
        """Read a text behind a link that the API handed out (L1), with no Authorization; "" when 204 or 404."""
        try:
            parts = check_link(link)
            merged = {**dict(urllib.parse.parse_qsl(parts.query)), **(query or {})}
            base = f"{parts.scheme}://{parts.netloc}{parts.path}"
            answer = self.transport.send(LINK_ROUTE, base, auth=NoAuthorization(), query=merged)
            error = failure_of(LINK_ROUTE, answer)
            if error is not None and not isinstance(error, NotFound):
                raise error
            if error is None:
                answer.no_page()
        except ScalingoError as error:
            error.about(doing=LINK_ROUTE.doing, subject=self.described())
            raise
        return "" if error is not None or answer.status == 204 else answer.text
