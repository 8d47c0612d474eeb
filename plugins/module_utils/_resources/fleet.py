# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""All databases of many apps in several regions, with the fewest requests (docs/contract.md sections 1.7 and 2.1)."""

from __future__ import annotations

import concurrent.futures
import fnmatch
import queue
import threading
import typing as t

from .._api.addon import ENGINES, engine_of, kind_of, list_addons
from .._api.app import list_apps
from .._api.database import show_database
from .._client import Client
from .._errors import NotFound, ScalingoError, sentence
from .._shapes import readable
from .addon import UNKNOWN

State = dict[str, t.Any]
#: Builds a client for a region, and for one addon when an app and an addon are given; beside another one of the account.
Connect = t.Callable[[str, t.Optional[str], t.Optional[str], t.Optional[Client]], Client]

WILDCARDS = frozenset("*?[")


class Fleet:
    """Reads the databases of a fleet. What cannot be read is kept in `failures`, as sentences by what they are about."""

    def __init__(
        self, connect: Connect, *, apps: t.Sequence[str], engines: t.Sequence[str], details: bool, parallel: int
    ) -> None:
        self._connect = connect
        self._apps = list(apps)
        self._engines = list(dict.fromkeys(kind_of(engine) for engine in engines))
        self._kinds: set[str] = set()
        self._details = details
        self._parallel = parallel
        self._first: Client | None = None
        self._found: set[str] = set()
        self.failures: dict[str, str] = {}
        #: Kinds that are taken though nobody here knows them.
        self.warnings: list[str] = []
        #: Why something is null that the platform does tell.
        self.notes: list[str] = []

    def read(self, regions: t.Sequence[str]) -> list[State]:
        """The databases of the regions, by region, app and resource. Raises nothing that concerns a part of them only."""
        databases: list[State] = []
        for region in regions:
            try:
                databases += self._read_region(region)
            except ScalingoError as error:
                self.failures[f"region {region}"] = sentence(error)
        self._require_kinds()
        # An app that is named needs to be in one of the regions only, so this is known when all of them have answered.
        if not any(f"region {region}" in self.failures for region in regions):
            for app in dict.fromkeys(self._exact):
                if app not in self._found and not any(f"app {app} in {region}" in self.failures for region in regions):
                    self.failures[f"app {app}"] = (
                        "It is not visible in {} with this API token. Check the names of the app and of the region.".format(
                            " or ".join(regions)
                        )
                    )
        found = t.cast(list[State], readable(databases, self.notes.append))
        return sorted(
            found, key=lambda item: (item["region"], item["app"], item["resource_id"] or "", item["addon_id"])
        )

    def _read_region(self, region: str) -> list[State]:
        client = self._connect(region, None, None, self._first)
        self._first = self._first or client
        # A token that is refused is said once, not once for each app.
        client.sign_in()
        apps, listed_by_region = self._names_of_apps(client)

        listed_as: dict[str, State] = {}

        def addons(app: str) -> list[State]:
            raws = list_addons(client, app)
            listed_as.update({raw["id"]: raw for raw in raws})
            return [self._describe(raw, region, app) for raw in raws]

        found = []
        for app, listed in self._each(
            apps, addons, lambda app: f"app {app} in {region}", f"the addons of the apps of {region}"
        ):
            if listed is not None:
                self._found.add(app)
                found += listed
            elif listed_by_region:
                self.failures[f"app {app} in {region}"] = (
                    "The region lists it and answers 404 for its addons, so its databases are not known. Was it deleted? Run it again."
                )
        self._kinds |= {item["engine"] for item in found}
        found = self._wanted(client, found)
        if not self._details:
            return found

        def show(item: State) -> State:
            beside = self._connect(item["region"], item["app"], item["addon_id"], client)
            beside.use_addon(listed_as[item["addon_id"]])
            # What is known of it is kept for the tasks to come.
            beside.target.ready()
            return show_database(beside)

        shown = self._each(
            found,
            show,
            lambda item: f"addon {item['addon_id']} of app {item['app']} in {region}",
            f"the databases of {region}",
        )
        return [{**item, "database": state} for item, state in shown]

    def _wanted(self, client: Client, found: list[State]) -> list[State]:
        """Those of the kinds that are asked for; otherwise all databases, those of a kind that nobody here knows too."""
        if self._engines:
            return [item for item in found if item["engine"] in self._engines]
        unknown = {item["engine"] for item in found} - set(ENGINES)
        # A kind that is not listed any more may be a database as well: it is not left out for that.
        kinds = {kind for kind in unknown if client.kinds().get(kind, True)}
        for kind in sorted(kinds):
            if UNKNOWN % kind not in self.warnings:
                self.warnings.append(UNKNOWN % kind)
        return [item for item in found if item["engine"] in kinds or item["engine"] in ENGINES]

    def _require_kinds(self) -> None:
        """Refuse a kind that no app has and that the platform does not list: it is a slip, and not an empty fleet."""
        for kind in self._engines:
            # What could not be read may have it.
            if kind not in self._kinds and self._first is not None and not self.failures:
                there = "The apps have: %s." % (", ".join(sorted(self._kinds)) or "none")
                self._first.require_kind(kind, there)

    @property
    def _exact(self) -> list[str]:
        """The apps that are named without a pattern."""
        return [name for name in self._apps if not WILDCARDS & set(name)]

    def _names_of_apps(self, client: Client) -> tuple[list[str], bool]:
        """The apps to look at, and whether the region listed them: it does where there is a pattern or nothing is named."""
        patterns = [name for name in self._apps if WILDCARDS & set(name)] if self._apps else ["*"]
        if not patterns:
            return list(dict.fromkeys(self._exact)), False
        listed = [str(app["name"]) for app in list_apps(client)]
        wanted = self._exact
        return [
            name
            for name in dict.fromkeys(listed)
            if name in wanted or any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
        ], True

    @staticmethod
    def _describe(addon: State, region: str, app: str) -> State:
        return {
            "app": app,
            "region": region,
            "addon_id": addon["id"],
            "engine": engine_of(addon),
            "resource_id": addon["resource_id"],
            "status": addon["status"],
            "plan": addon["plan"]["name"],
            "provisioned_at": addon["provisioned_at"],
            "database": None,
        }

    def _each(
        self, things: t.Sequence[t.Any], read: t.Callable[[t.Any], t.Any], name: t.Callable[[t.Any], str], what: str
    ) -> t.Iterator[tuple[t.Any, t.Any]]:
        """Each thing with what `read` gives for it, several at a time, in their order.

        What is absent goes with none: an app of another region, a database that is only being made. Failures are noted, and
        their things left out. Ctrl-C is not held up: nothing more is sent, and what is under way is not waited for.
        """
        jobs: list[tuple[t.Any, concurrent.futures.Future[t.Any]]] = [
            (thing, concurrent.futures.Future()) for thing in things
        ]
        waiting: queue.SimpleQueue[tuple[t.Any, concurrent.futures.Future[t.Any]]] = queue.SimpleQueue()
        for job in jobs:
            waiting.put(job)

        def work() -> None:
            while True:
                try:
                    thing, future = waiting.get_nowait()
                except queue.Empty:
                    return
                # One that was cancelled meanwhile is skipped.
                if future.set_running_or_notify_cancel():
                    try:
                        future.set_result(read(thing))
                    except BaseException as error:
                        future.set_exception(error)

        # The threads of an executor are waited for when the process ends, daemons are not.
        for dummy in range(min(self._parallel, len(jobs))):
            threading.Thread(target=work, daemon=True).start()
        first = self._first
        begun = 0.0 if first is None else first.clock.now()
        try:
            for number, (thing, future) in enumerate(jobs):
                if first is not None:
                    first.watch.tell(
                        f"reading {what}", "reading", first.clock.now() - begun, f"{number} of {len(jobs)}"
                    )
                try:
                    yield thing, future.result()
                except NotFound:
                    yield thing, None
                except ScalingoError as error:
                    self.failures[name(thing)] = sentence(error)
        finally:
            for dummy, future in jobs:
                future.cancel()
