# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""All databases of many apps in several regions, with the fewest requests (docs/contract.md sections 1.7 and 2.1)."""

from __future__ import annotations

import concurrent.futures
import dataclasses
import fnmatch
import queue
import threading
import typing as t

from .._api.addon import ENGINES, engine_of, kind_of, list_addons
from .._api.app import list_apps
from .._client import Client
from .._errors import NotFound, NotTried, ScalingoError, Unauthorized, Unreachable
from .._shapes import or_none, readable
from .addon_info import UNKNOWN
from .readings import Seen, Versions, show, take

State = dict[str, t.Any]
#: Builds a client for a region, and for one addon when an app and an addon are given; beside another one of the account.
Connect = t.Callable[[str, t.Optional[str], t.Optional[str], t.Optional[Client]], Client]

WILDCARDS = frozenset("*?[")


#: After so many databases of a region in a row that could not be reached, or for which the token was refused, no other is tried.
ENOUGH = 2
#: How often who waits for an answer says how far it is, in seconds of this machine.
HEARTBEAT = 5.0


@dataclasses.dataclass(frozen=True)
class Failure:
    """What could not be read, as a person calls it, and why. `place` is what is known of the database, app or region.

    `reading` is the one that failed, none when nothing at all could be read.
    """

    about: str
    place: State
    error: ScalingoError
    reading: str | None = None


@dataclasses.dataclass(frozen=True)
class Read:
    """A database that was read: where it is, and what the platform says of it; none while the platform is only making it."""

    item: State
    seen: Seen | None
    readings: State = dataclasses.field(default_factory=dict)
    failed: t.Mapping[str, ScalingoError] = dataclasses.field(default_factory=dict)


class Fleet:
    """Finds databases, and reads them. What cannot be read is kept in `failures`.

    `absent` says that a database which does not exist yet counts as read, with nothing known of it. `first` is a client of the
    account that the others share their connections, pace and tokens with.
    """

    def __init__(
        self,
        connect: Connect,
        *,
        apps: t.Sequence[str] = (),
        engines: t.Sequence[str] = (),
        readings: t.Sequence[str] = (),
        parallel: int,
        absent: bool = False,
        first: Client | None = None,
    ) -> None:
        self._connect = connect
        self._apps = list(apps)
        self._engines = list(dict.fromkeys(kind_of(engine) for engine in engines))
        self._kinds: set[str] = set()
        self._readings = list(dict.fromkeys(readings))
        self._parallel = parallel
        self._absent = absent
        self._first = first
        self._found: set[str] = set()
        self._raws: dict[str, State] = {}
        self._in_trouble: dict[str, int] = {}
        self._versions = Versions()
        self.failures: list[Failure] = []
        #: Kinds that are taken though nobody here knows them.
        self.warnings: list[str] = []

    # -- which there are ---------------------------------------------------------------------------------------------

    def find(self, regions: t.Sequence[str]) -> list[State]:
        """The databases of the apps in the regions, by region, app and resource. Raises nothing that concerns a part of them only."""
        found: list[State] = []
        for region in regions:
            try:
                found += self._find_in(region)
            except ScalingoError as error:
                self._fail(f"region {region}", {"region": region}, error)
        self._require_kinds()
        # An app that is named needs to be in one of the regions only, so this is known when all of them have answered.
        unread = {failure.place["region"] for failure in self.failures if "app" not in failure.place}
        for app in () if unread & set(regions) else dict.fromkeys(self._exact):
            if app not in self._found and all(failure.place.get("app") != app for failure in self.failures):
                lacking = NotFound(
                    "It is not visible in {} with this API token. Check the names of the app and of the region.".format(
                        " or ".join(regions)
                    )
                )
                self._fail(f"app {app}", {"app": app, "region": regions[0] if len(regions) == 1 else None}, lacking)
        return sorted(
            found,
            key=lambda item: (item["region"], item["app"], or_none(item["resource_id"]) or "", item["addon_id"]),
        )

    def _fail(self, about: str, place: State, error: ScalingoError, reading: str | None = None) -> None:
        self.failures.append(Failure(about, place, error, reading))

    def _find_in(self, region: str) -> list[State]:
        client = self._connect(region, None, None, self._first)
        self._first = self._first or client
        # A token that is refused is said once, not once for each app.
        client.sign_in()
        apps, listed_by_region = self._names_of_apps(client)
        found: list[State] = []
        for app, listed, error in self._each(
            apps, lambda app: list_addons(client, app), f"the addons of the apps of {region}"
        ):
            if isinstance(error, NotFound):
                error = (
                    NotFound(
                        "The region lists it and answers 404 for its addons, so its databases are not known. Was it deleted? Run it again."
                    )
                    if listed_by_region
                    else None
                )
            elif error is None:
                self._found.add(app)
            if error is not None:
                self._fail(f"app {app} in {region}", {"app": app, "region": region}, error)
            self._raws.update({raw["id"]: raw for raw in listed or ()})
            found += [self._describe(raw, region, app) for raw in listed or ()]
        self._kinds |= {item["engine"] for item in found}
        return self._wanted(client, found)

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
        }

    # -- what the platform says of them ------------------------------------------------------------------------------

    def read(self, items: t.Sequence[State]) -> list[Read]:
        """The databases that could be read, in the order of the items: each has an app, a region, and an addon or its ID.

        One of each region goes first, and another where that failed: a region that fails for both is not asked for the others.
        """
        found: dict[int, Read] = {}
        waiting = dict(enumerate(items))
        for turn in range(ENOUGH + 1):
            batch = waiting if turn == ENOUGH else self._ahead(waiting, turn)
            for number, read, error in self._each(
                list(batch), lambda number: self._look(items[number]), "the databases"
            ):
                if error is not None:
                    self._fail(about(items[number]), items[number], error)
                    continue
                found[number] = read
                for reading, failure in read.failed.items():
                    self._fail(about(read.item), read.item, failure, reading)
            waiting = {number: item for number, item in waiting.items() if number not in batch}
        return [found[number] for number in sorted(found)]

    def _ahead(self, waiting: t.Mapping[int, State], turn: int) -> dict[int, State]:
        """One database of each region of which so many have failed as there were turns."""
        regions: dict[str, int] = {}
        for number, item in waiting.items():
            if self._in_trouble.get(item["region"], 0) == turn:
                regions.setdefault(item["region"], number)
        return {number: waiting[number] for number in regions.values()}

    def _look(self, item: State) -> Read:
        region = item["region"]
        if self._in_trouble.get(region, 0) >= ENOUGH:
            raise NotTried(
                "It was not tried, because the API of its region did not answer for others, or refused the token."
            )
        try:
            client = self._connect(region, item["app"], item.get("addon_id") or item["addon"], self._first)
            raw = self._raws.get(item.get("addon_id") or "")
            if raw is not None:
                client.use_addon(raw)
                # What is known of it is kept for the tasks to come.
                client.target.ready()
            seen = show(client)
        except (Unreachable, Unauthorized):
            self._in_trouble[region] = self._in_trouble.get(region, 0) + 1
            raise
        except NotFound:
            self._in_trouble[region] = 0
            if not self._absent:
                raise
            return Read(item, None)
        self._in_trouble[region] = 0
        return Read(item, seen, *take(client, seen, self._readings, self._versions))

    def _each(
        self, things: t.Sequence[t.Any], read: t.Callable[[t.Any], t.Any], what: str
    ) -> t.Iterator[tuple[t.Any, t.Any, ScalingoError | None]]:
        """Each thing with what `read` gives for it or why it does not, several at a time, in their order.

        Ctrl-C is not held up: nothing more is sent, and what is under way is not waited for.
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
        begun = self._now()
        try:
            for number, (thing, future) in enumerate(jobs):
                self._tell(what, begun, f"{number} of {len(jobs)}")
                while not concurrent.futures.wait([future], HEARTBEAT).done:
                    self._tell(what, begun, f"{number} of {len(jobs)}")
                try:
                    yield thing, future.result(), None
                except ScalingoError as error:
                    yield thing, None, error
        finally:
            for dummy, future in jobs:
                future.cancel()

    def _now(self) -> float:
        return 0.0 if self._first is None else self._first.clock.now()

    def _tell(self, what: str, begun: float, detail: str) -> None:
        if self._first is not None:
            self._first.watch.alive()
            self._first.watch.tell(f"reading {what}", "reading", self._now() - begun, detail, often=True)


def about(item: State) -> str:
    """A database in a sentence."""
    return f"addon {item.get('addon_id') or item['addon']} of app {item['app']} in {item['region']}"


def shown(databases: t.Iterable[Read], note: t.Callable[[str], None]) -> list[State]:
    """Databases as the inventory has them."""
    found = [{**read.item, "database": None if read.seen is None else read.seen.state} for read in databases]
    return t.cast("list[State]", readable(found, note))
