# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""The database that a task means, and the token of its addon (docs/contract.md, sections 1.3, 1.6 and 1.7)."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass, replace

from ._answer import Answer
from ._api.addon import (
    engine_of,
    health_of,
    is_addon_id,
    kind_of,
    list_addons,
    listed,
    mint_addon_token,
    show_addon,
)
from ._auth import GIVEN_UP, Account, Bearer, BearerAuthorization, Hosts, Tokens, good_until
from ._cache import cache_key
from ._call import Auth, Values
from ._errors import AddonNotFound, InvalidInput, NotFound, ScalingoError, UnexpectedAnswer
from ._route import DATABASE_PATH, Raw, Route, Sender, of_the_api
from ._settings import API_PATHS, Settings
from ._shapes import or_none
from ._transport import NoAuthorization

#: What a 404 may mean where nothing of a database has been found yet (docs/contract.md, section 2.1).
JUST_MADE = (
    "Right after provisioning, the platform lists an addon before it finds its database: then run again in a few minutes, or wait for "
    "it with community.scalingo.scalingo_addon. Otherwise check which database is meant."
)


@dataclass(frozen=True)
class Lookup:
    """Which addon is meant. ``cached``: it was found by an earlier task, and may have been replaced since.

    ``health``: whether it may hold data of health (docs/contract.md, section 2.1); None while no answer has said so.
    """

    addon_id: str
    engine: str | None = None
    resource_id: str | None = None
    cached: bool = False
    health: bool | None = None

    @classmethod
    def of(cls, addon: Raw, cached: bool = False) -> Lookup:
        """Return what an answer about the addon says."""
        return cls(addon["id"], engine_of(addon), or_none(addon.get("resource_id")), cached, health_of(addon))


def choose_addon(addons: t.Sequence[Raw], wanted: str, app: str) -> Lookup:
    """Return the addon of an app that ``wanted`` names: an exact id, or the provider id of exactly one.

    Raises AddonNotFound (nothing matches; the hint says what is there) and InvalidInput (several match, or a resource
    id was given; the hint holds the ids).
    """
    found = [addon for addon in addons if addon["id"] == wanted]
    found = found or [addon for addon in addons if engine_of(addon) == kind_of(wanted)]
    if len(found) == 1:
        return Lookup.of(found[0])
    if found:
        raise InvalidInput(
            f"App {app} has {len(found)} addons that match {wanted}",
            hint=f"Give the id of the one you mean: {listed(found)}.",
        )
    for addon in addons:
        if or_none(addon.get("resource_id")) == wanted:
            raise InvalidInput(
                f"{wanted} is the resource id of an addon, not its id",
                hint=f"Use addon: {addon['id']} ({engine_of(addon)}).",
            )
    raise AddonNotFound(
        f"App {app} has no addon {wanted}", hint=f"It has: {listed(addons)}." if addons else "It has no addon at all."
    )


class Target:
    """The database meant by the options, found when it is first needed: any of this may cost requests, but ``app`` and
    ``known``.

    Raises NotFound (the app or the addon does not exist; the hint names what there is) or InvalidInput (more than one
    addon matches; a resource id was given).
    """

    def __init__(self, settings: Settings, tokens: Tokens, hosts: Hosts, main: Sender, fresh_lookup: bool) -> None:
        self.settings = settings
        self._tokens = tokens
        self._hosts = hosts
        self._main = main
        self._fresh_lookup = fresh_lookup
        self._entry: Raw | None = None
        # The addon that the main API has shown as one of the app.
        self._shown_id: str | None = None
        #: Which addon is meant, as far as it is known by now.
        self.known: Lookup | None = None
        if settings.addon_id:
            self.known = Lookup(settings.addon_id)
        elif settings.addon and is_addon_id(settings.addon):
            self.known = Lookup(settings.addon)

    @property
    def app(self) -> str | None:
        """The app as given; None with addon_id and addon_token alone."""
        return self.settings.app

    @property
    def addon_id(self) -> str:
        """The addon's id; costs requests when a provider id was given and nothing is cached."""
        return self.lookup().addon_id

    @property
    def known_addon_id(self) -> str | None:
        """The addon's id as far as it is known by now; never costs a request."""
        return None if self.known is None else self.known.addon_id

    def ready(self) -> None:
        """Have everything that a call about the database needs: the addon, and its token. Costs what is not known yet."""
        if not self.settings.addon_token:
            self.confirm()

    @property
    def main_address(self) -> str:
        """The address of the main API as far as it is known without a request."""
        return self._hosts.known_api

    @property
    def engine(self) -> str | None:
        """The provider id without prefix, for example "mysql" or "postgresql-ng"; None with addon_token."""
        return self.details().engine

    @property
    def resource_id(self) -> str | None:
        """The resource id, for example "shop_1234"; None with addon_token."""
        return self.details().resource_id

    @property
    def protection(self) -> str:
        """Why its data must not leave without consent (docs/contract.md, section 7.10); "" when nothing says so."""
        for place in (self.settings.region, self._hosts.of_databases):
            if "secnum" in place:
                return f"The database is in a region that is qualified as SecNumCloud ({place})"
        return "The database may hold data of health (HDS)" if self.holds_health() else ""

    def lookup(self) -> Lookup:
        """Return which addon is meant (section 1.7), from memory, from an earlier task, or from the app's addons."""
        if self.known is None:
            if self._fresh_lookup:
                self.known = self._chosen()
            else:
                # With its token: whoever asks for the id will need it, and only one of many processes has to ask.
                self.confirm()
        return t.cast(Lookup, self.known)

    def look_up_again(self) -> bool:
        """Look a cached addon up once more after a 404; true when it is another one by now."""
        if self.known is None or not self.known.cached:
            return False
        before = self.known.addon_id
        self.known = self._chosen()
        if self.known.addon_id == before:
            return False
        self._entry = None
        return True

    def details(self) -> Lookup:
        """Return the same with engine and resource id, as far as the main API may be asked."""
        found = self.lookup()
        if found.engine is None and not self.settings.addon_token:
            self.confirm()
            found = self.lookup()
            if found.engine is None:
                found = self._shown(found)
        return found

    def holds_health(self) -> bool | None:
        """Return whether the addon may hold data of health; None when the main API does not say, or may not be asked.

        Costs a request only when neither the list of addons nor the token's answer said so.
        """
        found = self.details()
        if found.health is None and not self.settings.addon_token:
            found = self._shown(found)
        return found.health

    def _shown(self, found: Lookup) -> Lookup:
        addon = show_addon(self._main, t.cast(str, self.settings.app), found.addon_id)
        self.known = Lookup.of({**addon, "id": found.addon_id}, found.cached)
        return self.known

    def token(self) -> str:
        """Return the token of the addon (section 1.3)."""
        if self.settings.addon_token:
            return self.settings.addon_token
        return t.cast(str, self.confirm()["token"])

    def confirm(self) -> Raw:
        """Return what is known of the addon, from memory, from an earlier task or anew: then it is one of the app.

        Its token says so by itself; where there is none, the main API does.
        """
        if not self.confirmed:
            if self._fresh_lookup:
                self.lookup()
            self._use(self._obtained(""))
        return t.cast(Raw, self._entry)

    @property
    def confirmed(self) -> bool:
        """Whether the addon is known to be one of the app."""
        return self._entry is not None and self._entry["expires_at"] > self._tokens.clock.wall()

    def _obtained(self, rejected: str) -> Raw:
        return self._tokens.obtain(self._key(), rejected, self._made, self._fits, bare=self.settings.by_account)

    def renew_token(self, rejected: str) -> bool:
        """Replace an addon token that was refused; false when it was given by the user and cannot be."""
        if self.settings.addon_token:
            return False
        self._use(self._obtained(rejected))
        return True

    def forget(self) -> None:
        """Drop the token and the lookup of the addon everywhere."""
        if self.settings.app and self.settings.addon:
            self._tokens.store.remove(self._key())
            self._entry = None
            if not is_addon_id(self.settings.addon):
                self.known = None

    def select(self, addon: Raw) -> None:
        """Mean this addon of the app from now on: it was just read, or made."""
        found = Lookup.of(addon)
        if self.known is None or self.known.addon_id != found.addon_id:
            self._entry = None
        self.known = found
        self._shown_id = found.addon_id

    def _key(self) -> str:
        given = self.settings
        addresses = (given.auth, self._hosts.api, self._hosts.of_databases)
        return cache_key("addon", given.api_token, *addresses, given.region, given.app or "", given.addon or "")

    def _use(self, entry: Raw) -> None:
        self._entry = entry
        if self.known is None or self.known.engine is None:
            cached = self.known is None and bool(entry.get("cached"))
            named = (entry["addon_id"], entry.get("engine"), entry.get("resource_id"))
            self.known = Lookup(*named, cached, entry.get("health"))
        elif self.known.health is None:
            self.known = replace(self.known, health=entry.get("health"))

    def _made(self) -> Raw:
        app, dummy = self._named()
        found = self.known = self.known or self._chosen()
        addon: Raw = {}
        date: float | None = None
        try:
            if not self.settings.by_account:
                addon, date = mint_addon_token(self._main, app, found.addon_id)
            elif self._shown_id != found.addon_id:
                addon = show_addon(self._main, app, found.addon_id)
        except NotFound as error:
            if self.look_up_again():
                return self._made()
            # Say what there is instead: this raises, unless the addon is there all the same.
            choose_addon(self._addons(), found.addon_id, app)
            error.hint = error.hint or JUST_MADE
            raise
        token = {"token": self._tokens.secrets.add(addon["token"])} if "token" in addon else {}
        return {
            **token,
            "addon_id": found.addon_id,
            "engine": engine_of(addon) or found.engine,
            "resource_id": or_none(addon.get("resource_id")) or found.resource_id,
            "health": found.health if health_of(addon) is None else health_of(addon),
            "expires_at": good_until(addon.get("token", ""), date, self._tokens.clock.wall()),
        }

    def _chosen(self) -> Lookup:
        app, addon = self._named()
        found = choose_addon(self._addons(), addon, app)
        self._shown_id = found.addon_id
        return found

    def _named(self) -> tuple[str, str]:
        if not (self.settings.app and self.settings.addon):
            raise InvalidInput("No database is named", hint="Give app and addon, or addon_id and addon_token.")
        return self.settings.app, self.settings.addon

    def _addons(self) -> list[Raw]:
        app, region = t.cast(str, self.settings.app), self.settings.region
        try:
            return list_addons(self._main, app)
        except NotFound as error:
            error.hint = (
                f"Check the names of the app and of the region: {app} is not visible in {region} with this API token."
            )
            raise

    def _fits(self, entry: Raw) -> bool:
        """Whether what the store holds is about this addon, and such as this class writes."""
        if not isinstance(entry.get("addon_id"), str) or not entry["addon_id"]:
            return False
        if any(not isinstance(entry.get(name), (str, type(None))) for name in ("engine", "resource_id")):
            return False
        if not isinstance(entry.get("health"), (bool, type(None))):
            return False
        return self.known is None or entry["addon_id"] == self.known.addon_id


class DatabaseAuth(Auth):
    """What is the same about the routes of a database, by whichever credentials they are sent."""

    #: What to do when the host does not know these routes.
    given_up = GIVEN_UP

    def __init__(self, base: t.Callable[[], str], target: Target) -> None:
        super().__init__(base)
        self._target = target
        # The addons that have been read: a change never goes to another one than its plan was made for.
        self._read: set[str] = set()
        # Whether the host has answered as the API does.
        self._served = False

    def fill(self, route: Route[t.Any], values: Values) -> Values:
        return {**values, "database": self._target.addon_id} if "{database}" in route.path else values

    def elsewhere(self, route: Route[t.Any], values: Values, answer: Answer) -> bool:
        self._served = self._served or of_the_api(answer)
        database = values.get("database", "")
        if answer.status < 400 and route.safe:
            self._read.add(database)
        planned = not route.safe and database in self._read
        return answer.status == 404 and not planned and self._target.look_up_again()

    def reason(self, error: ScalingoError, route: Route[t.Any], answer: Answer) -> ScalingoError:
        """Where the API has not answered yet, a 404 that is not in its form does not say that a thing is absent."""
        if answer.status == 404 and not self._served:
            return answer.unexpected(f"Not the API answers, but {answer.described()} with status 404", self.given_up)
        if answer.status == 410:
            error.hint = self.given_up
        return error

    def explain(self, error: ScalingoError, route: Route[t.Any]) -> None:
        """Say of a 404 to the very first request about a database what it may mean; what is within one has an id of its own."""
        super().explain(error, route)
        first = route.path.startswith(DATABASE_PATH) and route.path.count("{") == 1
        if isinstance(error, NotFound) and not error.hint and first:
            known = self._target.known
            if known is None or known.addon_id not in self._read:
                error.hint = JUST_MADE


class AddonAuth(DatabaseAuth):
    """The token of the addon, which is what the database API takes."""

    opens_others = False

    def __init__(self, base: t.Callable[[], str], target: Target) -> None:
        super().__init__(base, target)
        if target.settings.addon_token:
            self.refused = "addon_token is refused: it lives for one hour and serves one addon only."

    def obtain(self) -> str:
        return self._target.token()

    def renew(self, rejected: str) -> bool:
        return self._target.renew_token(rejected)

    def apply(self, token: str) -> NoAuthorization:
        return BearerAuthorization(token)

    def explain(self, error: ScalingoError, route: Route[t.Any]) -> None:
        """Say of a redirect to the same path of the main API which option follows it."""
        super().explain(error, route)
        for form in API_PATHS:
            there = f"{self._target.main_address}/{form}"
            if error.leads_to.startswith(f"{there}/") and error.path.endswith("/api" + error.leads_to[len(there) :]):
                error.hint = (
                    f"The Database API leads to the main API by now: set api_path: {form} (or SCALINGO_API_PATH)."
                )


class AccountAuth(DatabaseAuth):
    """The account's bearer token, which is what the main API takes for the same routes (section 1.5).

    It opens every database of the account. So before anything is changed or read, the addon is known to be one of the app:
    from the main API, or, of the database itself, from its own answer.
    """

    def __init__(self, base: t.Callable[[], str], target: Target, account: Account) -> None:
        super().__init__(base, target)
        self._account = Bearer(base, account)
        self.given_up = (
            f"The main API may not serve these requests in the form of api_path: {target.settings.api_path}. Try another of "
            f"{', '.join(API_PATHS)}."
        )

    def obtain(self) -> str:
        return self._account.obtain()

    def renew(self, rejected: str) -> bool:
        return self._account.renew(rejected)

    def apply(self, token: str) -> NoAuthorization:
        return self._account.apply(token)

    def fill(self, route: Route[t.Any], values: Values) -> Values:
        if "{database}" in route.path and not _of_itself(route):
            self._target.confirm()
        return super().fill(route, values)

    def elsewhere(self, route: Route[t.Any], values: Values, answer: Answer) -> bool:
        if _of_itself(route) and not self._target.confirmed:
            if answer.status == 404 or (answer.status < 400 and _app_of(answer) != self._target.app):
                self._target.confirm()
        return super().elsewhere(route, values, answer)

    def explain(self, error: ScalingoError, route: Route[t.Any]) -> None:
        """Say of a 404 that is about the route, as its database is there and nothing else is named, that the form may be why."""
        super().explain(error, route)
        alone = route.path.startswith(DATABASE_PATH + "/") and route.path.count("{") == 1
        if isinstance(error, NotFound) and not error.hint and alone:
            error.hint = self.given_up


def _of_itself(route: Route[t.Any]) -> bool:
    """Whether the answer is the database itself, which says whose it is."""
    return route.safe and route.path == DATABASE_PATH


def _app_of(answer: Answer) -> t.Any:
    try:
        return answer.json()["database"]["app_name"]
    except (UnexpectedAnswer, KeyError, TypeError):
        return None
