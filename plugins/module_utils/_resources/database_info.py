# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""What the platform says of one database, or of many at once (docs/contract.md section 2.2)."""

from __future__ import annotations

import collections
import os
import re
import typing as t

from .._api.addon import is_addon_id, kind_of
from .._api.dedicated import list_endpoints, list_net_peerings, show_network_configuration
from .._change import Listing
from .._client import Client
from .._errors import InvalidInput, ScalingoError, facts, sentence
from .._options import quoted
from .._settings import with_environment
from .._shapes import or_none
from .._step import Outcome, Params, State
from ._engine import DEDICATED, OfEngine
from .fleet import Failure, Fleet, Read
from .readings import Versions, show, take

#: The options that name one database, and those that choose several.
ONE = ("addon", "addon_id", "addon_token")
CHOICE = ("apps", "engines", "regions")
SEVERAL = (*CHOICE, "databases")
PLACE = ("name", "app", "addon", "addon_id", "region")


class DatabaseInfo(OfEngine, Listing):
    """One database as a list, empty when the app has no such addon; on demand with its network. Or many, each with its name."""

    plural = "databases"
    reading = "read the database"
    engines = (DEDICATED,)
    subject = "databases with dedicated resources only have a network"
    _network: State | None = None

    def __init__(self, *arguments: t.Any) -> None:
        super().__init__(*arguments)
        self._failures: list[State] = []

    @classmethod
    def of_task(cls, params: Params) -> Params:
        several = [name for name in SEVERAL if params[name] is not None]
        for name in several:
            if not params[name]:
                raise InvalidInput(
                    f"{name} is empty, so no database is named", hint="Leave it out, or name at least one."
                )
            for value in params[name] if name in CHOICE else ():
                _check_name(name, value)
        if not several:
            return params
        alone = [name for name in (*ONE, *(() if "databases" in several else ("app",))) if params[name] is not None]
        if alone:
            raise InvalidInput(
                f"{several[0]} is {quoted(params[several[0]])}, which is several databases, and {' and '.join(alone)} {'name' if alone[1:] else 'names'} one",
                hint="Give one or the other.",
            )
        if params["network"]:
            raise InvalidInput("network is read of one database, which app and addon name")
        # What the environment says of one database is not meant, but for the app of a list.
        kept = {name: value for name, value in params.items() if name not in ONE}
        kept.update({name: [value.strip() for value in params[name]] for name in several if name in CHOICE})
        if "databases" not in several:
            del kept["app"]
        task = {name: value for name, value in kept.items() if name != "app"}
        return {**kept, "task": task, "target_needed": False}

    @classmethod
    def parse(cls, params: Params) -> list[State]:
        """The databases of the list, each with what it has of name, app, addon and region."""
        if params["network"] and not params["app"]:
            raise InvalidInput(
                "network needs app: the network is read from the main API, which knows the database by its app"
            )
        listed = [
            {name: entry[name].strip() if entry[name] else None for name in PLACE}
            for entry in params["databases"] or ()
        ]
        for number, entry in enumerate(listed, 1):
            entry["app"] = entry["app"] or params.get("app")
            called = entry["name"] or "/".join(filter(None, (entry["app"], entry["addon"] or entry["addon_id"])))
            where = f"databases, number {number}{f' ({called})' if called else ''}"
            for name in ("app", "addon", "addon_id", "region"):
                _check_name(f"{where}: {name}", entry[name] or "")
            if not entry["addon"] and not entry["addon_id"]:
                raise InvalidInput(f"{where}: it has no addon", hint="Give addon, as its kind or its ID.")
            if not entry["app"]:
                raise InvalidInput(f"{where}: it has no app", hint="Give app, or SCALINGO_APP for all of them.")
            entry["name"] = called
        twice = [name for name, count in collections.Counter(entry["name"] for entry in listed).items() if count > 1]
        if twice:
            raise InvalidInput(f"databases: two are called {twice[0]}", hint="Give each a name of its own with name.")
        return listed

    def perform(self, check_mode: bool) -> Outcome:
        if "task" in self.params:
            found = self._several()
            return Outcome(changed=False, result={"databases": found, "network": None, "failures": self._failures})
        outcome = super().perform(check_mode)
        outcome.result.update(network=self._network, failures=self._failures)
        return outcome

    # -- one ---------------------------------------------------------------------------------------------------------

    def items(self) -> list[State]:
        client, name = self.client, str(self.params.get("app") or "").strip()
        seen = show(client)
        if self.params["network"]:
            endpoints = self.ask(lambda: list_endpoints(client, name))
            self._network = {
                "endpoints": endpoints,
                "net_peerings": list_net_peerings(client, name),
                **show_network_configuration(client, name),
            }
        found, failed = take(client, seen, self.params["readings"], Versions())
        place = {"app": client.settings.app, "addon": seen.engine, "addon_id": seen.addon_id, "region": client.region}
        place["name"] = "/".join(filter(None, (place["app"], seen.engine or seen.addon_id)))
        self._failures = [_failure(Failure("", place, error, reading), place) for reading, error in failed.items()]
        return [{**seen.state, **found}]

    # -- several -----------------------------------------------------------------------------------------------------

    def salvage(self) -> State:
        return {"failures": self._failures} if self._failures else {}

    def _several(self) -> list[State]:
        params, listed = self.params, self._listed()
        regions = list(dict.fromkeys(params["regions"] or [self.client.region]))
        self._refuse_addresses({*regions, *(item["region"] for item in listed)})
        fleet = Fleet(
            self._connect,
            apps=params["apps"] or (),
            engines=params["engines"] or (),
            readings=params["readings"],
            parallel=self.client.settings.max_in_flight,
            first=self.client,
        )
        chosen = any(params[name] is not None for name in CHOICE)
        read_in = sorted({*(regions if chosen else ()), *(item["region"] for item in listed)})
        self.client.watch.about(f"{'regions' if read_in[1:] else 'region'} {', '.join(read_in)}")
        items = listed + (_named(fleet.find(regions)) if chosen else [])
        twice = [name for name, count in collections.Counter(item["name"] for item in items).items() if count > 1]
        if twice:
            raise InvalidInput(
                f"{twice[0]} is in databases and among those of apps",
                hint="Give it another name, or leave it out of one.",
            )
        read = fleet.read(items)
        for warning in fleet.warnings:
            self.warn(warning)
        self._failures = [_failure(failure, _place_of(failure)) for failure in fleet.failures]
        if self._failures and not read:
            self._refuse_nothing(fleet.failures)
        return [_returned(one) for one in read]

    def _refuse_nothing(self, failures: t.Sequence[Failure]) -> t.NoReturn:
        """Nothing could be read: that is the first failure, and how many more there are."""
        error = failures[0].error
        if len(failures) > 1:
            error.message = (
                f"{error.message.rstrip('.')}. Nothing else could be read either: failures names all {len(failures)}."
            )
        error.about(doing=self.reading, subject=failures[0].about)
        raise error

    def _listed(self) -> list[State]:
        listed: list[State] = self.asked
        return [{**entry, "region": entry["region"] or self.client.region} for entry in listed]

    def _refuse_addresses(self, regions: set[str]) -> None:
        given = [name for name in ("api_url", "db_api_url") if self.params["task"].get(name)]
        if given and regions != {self.client.region}:
            raise InvalidInput(
                f"{' and '.join(given)} {'are' if given[1:] else 'is'} of one region ({self.client.region}), and databases of "
                f"{' and '.join(sorted(regions))} are asked for",
                hint="Give one region, or auth_url only.",
            )

    def _connect(self, region: str, app: str | None, addon: str | None, beside: Client | None) -> Client:
        task = {**self.params["task"], "region": region}
        return Client.from_params(
            {**with_environment(task, os.environ, self.client.transport.verbose), "app": app, "addon": addon},
            verbose=self.client.transport.verbose,
            secret=lambda dummy: None,
            clock=self.client.transport.clock,
            target_needed=app is not None,
            beside=beside or self.client,
        )


def _check_name(option: str, value: str) -> None:
    """Refuse what no app, addon or region is called."""
    if re.search(r"[/\s]", value.strip()):
        raise InvalidInput(f"{option}: {value!r} is no name: it must have no blanks and no slashes")


def _named(found: t.Sequence[State]) -> list[State]:
    """Databases that were found, each with a name: the app and the kind, as long as that is one only."""
    alike = collections.Counter((item["region"], item["app"], item["engine"]) for item in found)
    for item in found:
        alone = alike[item["region"], item["app"], item["engine"]] == 1
        item.update(
            name=f"{item['app']}/{item['engine'] if alone else or_none(item['resource_id']) or item['addon_id']}"
        )
        item["addon"] = item["engine"]
    count = collections.Counter(item["name"] for item in found)
    for item in found:
        # Two regions may have apps of the same name.
        if count[item["name"]] > 1:
            item["name"] += f" in {item['region']}"
    return sorted(found, key=lambda item: (item["region"], item["name"]))


def _returned(read: Read) -> State:
    item, seen = read.item, t.cast(t.Any, read.seen)
    given = item["addon"] if item["addon"] and not is_addon_id(item["addon"]) else None
    addon = seen.engine or (kind_of(given) if given else or_none(seen.state["type_name"]))
    place = {
        "name": item["name"],
        "app": item["app"],
        "addon": addon,
        "addon_id": seen.addon_id,
        "region": item["region"],
    }
    return {**place, **seen.state, **read.readings}


def _place_of(failure: Failure) -> State:
    """What is known of the place, and a name for it: that of the database, or that of the app or the region with all of theirs."""
    place = failure.place
    if place.get("name"):
        called = place["name"]
    elif place.get("app"):
        called = f"{place['app']} in {place['region']}" if place["region"] else place["app"]
    else:
        called = f"all apps in {place['region']}"
    return {**{name: place.get(name) for name in PLACE}, "name": called}


def _failure(failure: Failure, place: State) -> State:
    error: ScalingoError = failure.error
    error.about(doing=f"read {failure.reading}" if failure.reading else "read the database", subject=failure.about)
    return {**place, "reading": failure.reading, "msg": sentence(error), "error": facts(error)}
