# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.
"""What the event source of Event-Driven Ansible does: it polls the events of regions, and keeps on disk which it has handed on.

Nothing here reads the clock of this machine to tell what is new: events are known by their id, and by when the platform says they happened.
Events may be listed late and not quite in order, so those of the last hour before the newest are known by their id alone.
"""

from __future__ import annotations

import asyncio
import dataclasses
import datetime
import fnmatch
import json
import logging
import os
import threading
import time
import typing as t
import uuid

from ansible_collections.community.scalingo.plugins.module_utils import _canon
from ansible_collections.community.scalingo.plugins.module_utils._api.event import list_events
from ansible_collections.community.scalingo.plugins.module_utils._client import Client
from ansible_collections.community.scalingo.plugins.module_utils._errors import (
    InvalidInput,
    ScalingoError,
    UnexpectedAnswer,
    conceal,
    sentence,
)
from ansible_collections.community.scalingo.plugins.module_utils._files import (
    is_called,
    local,
    lock,
    name_of,
    sync_directory,
    write_atomically,
)
from ansible_collections.community.scalingo.plugins.module_utils._progress import Progress, RunEnded
from ansible_collections.community.scalingo.plugins.module_utils._route import MAIN
from ansible_collections.community.scalingo.plugins.module_utils._run import defect
from ansible_collections.community.scalingo.plugins.module_utils._shapes import readable

T = t.TypeVar("T")
Raw = dict[str, t.Any]

LOGGER = logging.getLogger("community.scalingo.scalingo_events")

#: The shortest time between two polls: sixty requests a minute are for all that the user does.
LEAST_INTERVAL = 10.0
#: The cursor is written so often at most.
SAVE_SECONDS = 10.0
#: How much older than the newest one an event may be when it is first listed.
LATE_SECONDS = 3600.0
#: The longest pause between two polls that fail.
LONGEST_PAUSE = 600.0


# what was handed on


@dataclasses.dataclass
class Mark:
    """Which events of a region were handed on: nothing before `since`; of the time around `at`, the newest, those of `ids`."""

    since: str = ""
    at: str = ""
    #: When each of them happened.
    ids: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def floor(self) -> str:
        """What is older was handed on, or is none of ours."""
        return max(self.since, _earlier(self.at, LATE_SECONDS))

    def passed(self, happened: Happened) -> bool:
        return happened.identity in self.ids or happened.at < self.floor

    def add(self, happened: Happened, ceiling: str) -> None:
        """Take note that an event was handed on. `ceiling` is the time of the platform: a date of the future moves nothing."""
        self.ids[happened.identity] = happened.at
        self.at = max(self.at, min(happened.at, ceiling or happened.at))

    def forget(self, floor: str) -> None:
        """Forget the ids of what is known by its time."""
        self.ids = {name: at for name, at in self.ids.items() if at >= floor}

    def without(self, identities: t.Collection[str]) -> Mark:
        """The same with some events still to be handed on, and without what is known by its time."""
        ids = {name: at for name, at in self.ids.items() if name not in identities}
        kept = Mark(self.since, min([self.at, *(self.ids[identity] for identity in identities)]), ids)
        kept.forget(kept.floor)
        return kept


def _earlier(instant: str, seconds: float) -> str:
    """The instant so many seconds before; none for none."""
    if not instant:
        return ""
    moment = datetime.datetime.strptime(instant, "%Y-%m-%dT%H:%M:%S.%fZ")
    try:
        return (moment - datetime.timedelta(seconds=seconds)).isoformat(timespec="microseconds") + "Z"
    except OverflowError:
        return ""


def instant_of(epoch: float | None) -> str:
    """The time of the platform as it is written here; none when an answer does not tell it."""
    if epoch is None:
        return ""
    return datetime.datetime.fromtimestamp(epoch, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


FORM = 1


class Cursor:
    """The file that holds the marks, of this source alone while it runs. Without a path they are in memory only."""

    def __init__(self, path: str | None) -> None:
        self.path = path
        self.marks: dict[str, Mark] = {}
        self._lock: int | None = None

    def open(self) -> None:
        """Lock it, read it, and write it again. Raises `ScalingoError` before anything is sent when it could not be written later."""
        if self.path is None:
            return
        if os.path.isdir(self.path):
            raise InvalidInput(f"cursor is {self.path}, a directory: give the path of a file in it")
        directory = os.path.dirname(os.path.abspath(self.path))
        if not os.path.isdir(directory):
            raise InvalidInput(f"cursor is {self.path}, and there is no directory {directory}", hint="Create it first.")
        self._lock_it(self.path + ".lock")
        self.marks = self._read(self.path)
        self._write(self.marks)

    def _lock_it(self, path: str) -> None:
        with local(f"write {path}"):
            self._lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        if not (lock(self._lock) and is_called(self._lock, path)):
            self.close()
            raise InvalidInput(
                f"cursor {self.path} is in use by another source",
                hint="Give each source a cursor of its own, or wait until the other one has ended.",
            )

    def _read(self, path: str) -> dict[str, Mark]:
        try:
            with local(f"read the cursor {path}"), open(path, encoding="utf-8") as file:
                text = file.read()
        except ScalingoError:
            if not os.path.lexists(path):
                return {}
            raise
        except ValueError:
            text = ""
        try:
            return _marks_of(json.loads(text))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise InvalidInput(
                f"cursor {path} is damaged, or is no cursor of this source",
                hint="Restore it. Or remove it: then the source begins now, or at since, and what happened before is not told.",
            ) from None

    def save(self, region: str, mark: Mark) -> None:
        """Keep how far a region is. A disk that is full is told, and it is tried again with the next events."""
        marks = {**self.marks, region: mark}
        try:
            self._write(marks)
        except ScalingoError as error:
            LOGGER.error("Events may be repeated after a restart, as the cursor cannot be written: %s", sentence(error))
        else:
            self.marks = marks

    def _write(self, marks: t.Mapping[str, Mark]) -> None:
        if self.path is None:
            return
        regions = {region: dataclasses.asdict(mark) for region, mark in sorted(marks.items())}
        write_atomically(self.path, json.dumps({"form": FORM, "regions": regions}, indent=1) + "\n", 0o600)
        sync_directory(os.path.dirname(os.path.abspath(self.path)))

    def close(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None


def _marks_of(content: t.Any) -> dict[str, Mark]:
    """The marks in a file. Raises one of the errors of Python when it is not as it was written."""
    if content["form"] != FORM:
        raise ValueError("a later form")
    marks = {}
    for region, held in content["regions"].items():
        mark = Mark(_instant_or_none(held["since"]), _instant_or_none(held["at"]))
        mark.ids = {str(identity): _instant_or_none(at) for identity, at in held["ids"].items()}
        marks[region] = mark
    return marks


def _instant_or_none(text: str) -> str:
    if text and _canon.instant(text) != text:
        raise ValueError("not as it was written")
    return text


# what has happened


@dataclasses.dataclass(frozen=True)
class Happened:
    """An event. One without an id is known by its content, and one without a time happened when its neighbour did."""

    identity: str
    at: str
    event: Raw


def _listed(client: Client, is_last: t.Callable[[Happened], bool]) -> t.Iterator[Happened]:
    """What the platform lists, newest first, up to the end of a page whose last event `is_last`."""
    at = first = ""

    def read(event: Raw) -> Happened:
        plain = readable(event, LOGGER.debug)
        identity = plain["id"] or name_of(json.dumps(plain, sort_keys=True), 24)
        return Happened(identity, plain["created_at"] or at or platform_time(client), plain)

    def is_past(event: Raw) -> bool:
        happened = read(event)
        if _earlier(happened.at, LATE_SECONDS) > first:
            raise UnexpectedAnswer(
                "the platform lists the oldest events first, and this source expects the newest",
                hint="Please report this: the platform may have changed its answers.",
            )
        return is_last(happened)

    for event in list_events(client, None, None, is_past):
        happened = read(event)
        at, first = happened.at, first or happened.at
        yield happened


def begin(client: Client, mark: Mark) -> None:
    """Begin where there is no cursor: everything that is listed counts as handed on. One request."""
    newest: list[str] = []
    for happened in _listed(client, lambda happened: happened.at < newest[0]):
        newest.append(happened.at)
        mark.add(happened, platform_time(client))
    mark.since = mark.at


def news(client: Client, mark: Mark) -> list[Happened]:
    """What has not been handed on, the oldest first. One request, unless that fills more than a page."""
    found = [happened for happened in _listed(client, mark.passed) if not mark.passed(happened)]
    # Of one instant, what is listed last happened first.
    return sorted(reversed(found), key=lambda happened: happened.at)


def platform_time(client: Client) -> str:
    """The time of the last answer of the main API."""
    return instant_of(client.callers[MAIN].date)


def payload(event: Raw, identity: str, region: str, secrets: t.Iterable[str]) -> Raw:
    """What a rulebook is given of an event: without a secret, and without what has no value."""
    data = event["type_data"] or {}
    told = {
        **event,
        "id": identity,
        "region": region,
        "addon_id": data.get("addon_uuid") or data.get("addon_id"),
        "resource_id": data.get("resource_id") or data.get("addon_resource_id"),
        **{name: data.get(name) for name in ("backup_id", "backup_status", "backup_method", "feature")},
    }
    meta = {"uuid": str(uuid.uuid5(uuid.NAMESPACE_URL, f"scalingo:{region}/{identity}"))}
    return {"scalingo": _shown(told, list(secrets)), "meta": meta}


def _shown(value: t.Any, secrets: list[str]) -> t.Any:
    if isinstance(value, dict):
        return {name: _shown(inner, secrets) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [_shown(inner, secrets) for inner in value]
    return conceal(value, secrets) if isinstance(value, str) else value


# the source


class Stop:
    """Whether the source has been cancelled: then its threads send nothing more."""

    def __init__(self) -> None:
        self._set = threading.Event()

    def set(self) -> None:
        self._set.set()

    def alive(self) -> None:
        if self._set.is_set():
            raise RunEnded

    def progress(self, progress: Progress) -> None:
        LOGGER.info("%s (%s): %s %s", progress.doing, progress.subject, progress.status, progress.detail)


#: Names of their own for tests, which do not wait.
pause = asyncio.sleep
clock = time.monotonic


async def in_thread(call: t.Callable[[], T]) -> T:
    """Await what blocks. Unlike the threads of asyncio, one that still waits for an answer keeps no program from ending."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def tell(how: t.Callable[[t.Any], None], what: t.Any) -> None:
        if not future.done():
            how(what)

    def work() -> None:
        how: t.Callable[[t.Any], None] = future.set_result
        what: t.Any
        try:
            what = call()
        except BaseException as error:
            how, what = future.set_exception, error
        try:
            loop.call_soon_threadsafe(tell, how, what)
        except RuntimeError:
            # The loop has been closed meanwhile.
            pass

    threading.Thread(target=work, name="scalingo_events", daemon=True).start()
    return await future


def is_empty(queue: t.Any) -> bool:
    """Whether the rule engine has taken all that was put on its queue. ansible-rulebook's is within another one."""
    empty = getattr(getattr(queue, "queue", queue), "empty", None)
    return empty is None or bool(empty())


class Follower:
    """Follows the events of one region."""

    def __init__(
        self,
        client: Client,
        cursor: Cursor,
        since: str,
        wanted: t.Callable[[Raw], bool],
        interval: float,
        replay: float,
    ) -> None:
        self.client = client
        self.region = client.region
        self._cursor = cursor
        self._wanted = wanted
        self._interval = interval
        self._replay = replay
        kept = cursor.marks.get(self.region)
        self._begun = bool(kept or since)
        self._mark = kept.without(()) if kept else Mark(since, since)
        #: When the rule engine was given what the cursor has not passed yet; the last of it may still be on the queue.
        self._unsettled: dict[str, float] = {}
        self._last = ""
        self._saved_at = float("-inf")
        self._failures = 0
        self.is_polling = False

    async def follow(self, queue: t.Any) -> None:
        """Put what happens on the queue, for ever. Raises `ScalingoError` when asking again does not help."""
        try:
            while True:
                try:
                    found = await in_thread(self._poll)
                except ScalingoError as error:
                    await pause(self._pause_after(error))
                    continue
                if self._failures:
                    LOGGER.warning("The events of %s are read again, after %d failures.", self.region, self._failures)
                    self._failures = 0
                self._save(queue)
                for happened in found:
                    await self._hand_on(queue, happened)
                    if clock() - self._saved_at >= SAVE_SECONDS:
                        self._save(queue)
                self._save(queue)
                await pause(self._interval)
        finally:
            self._save(queue)

    def _poll(self) -> list[Happened]:
        self.is_polling = True
        try:
            if self._begun:
                return news(self.client, self._mark)
            begin(self.client, self._mark)
            self._begun = True
            return []
        except ScalingoError:
            raise
        except Exception as error:
            raise defect(error) from None
        finally:
            self.is_polling = False

    def _pause_after(self, error: ScalingoError) -> float:
        """How long to wait after a failure that may pass. Raises any other one."""
        if not error.interrupted and not isinstance(error, UnexpectedAnswer):
            raise error
        self._failures += 1
        pause = max(self._interval, min(self._interval * 2.0 ** min(self._failures, 10), LONGEST_PAUSE))
        LOGGER.warning("%s The next try is in %d seconds.", sentence(error), pause)
        return pause

    async def _hand_on(self, queue: t.Any, happened: Happened) -> None:
        if self._wanted(happened.event):
            secrets = self.client.transport.secrets.values
            await queue.put(payload(happened.event, happened.identity, self.region, secrets))
            self._unsettled[happened.identity] = clock()
            self._last = happened.identity
        self._mark.add(happened, platform_time(self.client))
        # The rule engine has its turn.
        await asyncio.sleep(0)

    def _save(self, queue: t.Any) -> None:
        """Let the cursor pass what the rule engine took so long ago that it is not to be delivered again."""
        if not self._begun:
            return
        now = self._saved_at = clock()
        waiting = "" if is_empty(queue) else self._last
        self._unsettled = {
            name: now if name == waiting else taken
            for name, taken in self._unsettled.items()
            if name == waiting or now - taken < self._replay
        }
        kept = self._mark.without(self._unsettled)
        if kept != self._cursor.marks.get(self.region):
            self._cursor.save(self.region, kept)
            self._mark.forget(kept.floor)


async def follow_all(followers: t.Sequence[Follower], queue: t.Any) -> None:
    """Follow several regions side by side. What ends one ends all."""
    tasks = [asyncio.ensure_future(follower.follow(queue)) for follower in followers]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def is_wanted(apps: t.Sequence[str], types: t.Collection[str]) -> t.Callable[[Raw], bool]:
    """Whether an event is of one of the apps, by name or pattern, and of one of the types; none for all."""

    def wanted(event: Raw) -> bool:
        of_app = not apps or any(
            name is not None and fnmatch.fnmatchcase(name, pattern)
            for pattern in apps
            for name in (event["app"], event["app_id"])
        )
        return of_app and (not types or event["type"] in types)

    return wanted
