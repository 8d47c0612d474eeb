# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Where cases are run: a sandbox in this process, one module at a time, and everything that it did and told.

Nobody sleeps here: when a module does, its clock and the sandbox's are moved together.
"""

from __future__ import annotations

import contextlib
import copy
import dataclasses
import datetime
import functools
import itertools
import json
import re
import shutil
import time
import typing as t
from pathlib import Path

from ansible_collections.community.scalingo.plugins.module_utils._client import Client
from ansible_collections.community.scalingo.plugins.module_utils._core import Clock
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON
from scalingo_sandbox.testing import Record, Sandbox
from scalingo_sandbox.tokens import Tokens
from support import drill_memory
from support.api import Api
from support.cases import API_PATH, DB_API, Case, Data, Situation
from support.compare import OF_THE_RUN, settled, settled_text, without
from support.port import Report, perform
from support.sql_memory import SqlMemory
from support.subjects import Subject
from support.tunnel_memory import Runs

#: A loopback address where nobody listens.
NOWHERE = "http://127.0.0.1:9"


class FollowingClock(Clock):
    """Whatever somebody wants to sleep passes at once, for the sandbox too.

    Deadlines know no other time, so that a run is the same on a slow machine. The time of day goes on as it does.
    """

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox = sandbox
        self.ahead = 0.0

    def now(self) -> float:
        return self.ahead

    def wall(self) -> float:
        return time.time() + self.ahead

    def sleep(self, seconds: float) -> None:
        assert seconds < 86400, f"nothing here takes a day: {seconds}"
        if seconds > 0:
            self.ahead += seconds
            self.sandbox.advance(seconds)

    def random(self) -> float:
        return 0.5


@dataclasses.dataclass(frozen=True)
class Observation:
    """One run: what was told, what was asked of the sandbox, and what its databases are like afterwards."""

    report: Report
    records: tuple[Record, ...]
    #: The sandbox's state after the run.
    snapshot: Data
    known: str
    #: Return keys that the platform decides anew each time.
    changing: tuple[str, ...] = ()
    #: The tokens and the tokens of links that were issued for this run.
    issued: frozenset[str] = frozenset()
    links: frozenset[str] = frozenset()

    @functools.cached_property
    def state(self) -> t.Any:
        """What the databases are like afterwards."""
        return domain(self.snapshot)

    @property
    def unsafe(self) -> list[Record]:
        return [record for record in self.records if not record.safe]

    @functools.cached_property
    def told(self) -> Data:
        """The result without what it says of the run itself."""
        return without(self.report.result, OF_THE_RUN)

    @functools.cached_property
    def lasting(self) -> t.Any:
        """The same without what is made anew each time."""
        return settled(without(self.told, self.changing), self.known, False)

    @functools.cached_property
    def essence(self) -> t.Any:
        """Everything that a user could tell two runs apart by: requests and report, without what is made anew."""
        wire = [
            [record.role, record.region, record.method, record.path, record.query, record.body, record.token_kind]
            for record in self.records
        ]
        told = without(self.told, self.changing)
        return settled([wire, self.report.failed, told, list(self.report.warnings)], self.known)

    def calls(self) -> list[str]:
        """The requests by their numbers in the contract, actions by their names."""
        return [named(record) for record in self.records]


#: With the account's token, nothing of a database is read by its own ID alone.
BELOW_THE_DATABASE = {"D10": "D9", "B3": "B3'"}


def path_of(record: Record) -> str:
    """The path of a request, in the form of the database API."""
    return re.sub("^/v1(?=/databases/ad-)", "/api", record.path)


def named(record: Record) -> str:
    return record.action_name or record.route or f"{record.method} {record.path}"


#: Moments as numbers, and when something was touched last.
_TIMES = re.compile(r'"(?:updated_at": "[^"]*"|\w+_at": \d[\d.]*)(?:, )?')


def domain(state: Data) -> str:
    """What a sandbox's databases are like, as text without what only time or chance made different."""
    texts = []
    for app in state["apps"]:
        texts.append(json.dumps({**app, "events": None, "addons": None}, sort_keys=True))
        texts += [_addon(addon) for addon in app["addons"]]
    return settled_text(_TIMES.sub("", "\n".join(texts)))


def _addon(addon: Data) -> str:
    """An addon without its resource ID and its port, which chance gives to one that is provisioned."""
    database = {name: value for name, value in addon["database"].items() if name != "operations"}
    text = json.dumps({**addon, "database": database}, sort_keys=True)
    for name in (addon["resource_id"], addon["resource_id"].replace("_", "-")):
        text = text.replace(name, "0")
    port = re.search(r":([0-9]+)$", database.get("hostname") or "")
    # The same digits may stand within an identifier, or within the time of day at which a backup was made.
    return re.sub(rf"\b{port.group(1)}\b", "0", text) if port else text


class Laboratory:
    """Arranges situations and runs modules in them."""

    def __init__(self, sandboxes: Sandboxes, directory: Path) -> None:
        self._sandboxes = sandboxes
        self._directory = directory
        self._homes = itertools.count()
        self._known = ""
        self.sandbox, self.clock = sandboxes.get(False)
        self.home = directory
        #: Where a module may write files: empty at the beginning of every case, and always of the same name.
        self.work = directory / "work"
        self._moments: dict[str, str] = {}
        self.api_path = API_PATH
        self.issued: set[str] = set()
        self.links: set[str] = set()
        self._sql = SqlMemory(directory)
        self._runs = Runs()

    def arrange(self, subject: Subject, case: Case, tokens: Path | None = None) -> None:
        """Make the sandbox as the case wants it, with no token in the cache unless it is a warm one.

        `tokens` is the home of an earlier run, whose tokens this one shall find.
        """
        situation = case.situation
        self.sandbox, self.clock = self._sandboxes.get(situation.tls)
        self._begin(situation)
        self._known = json.dumps([situation.seed, case.arguments])
        self.home = self._directory / (f"home-{next(self._homes)}")
        if tokens is None:
            self.home.mkdir(mode=0o700)
        else:
            shutil.copytree(tokens, self.home)
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir()
        for name, content in situation.files.items():
            (self.work / name).parent.mkdir(exist_ok=True)
            (self.work / name).write_text(content, encoding="latin-1")
            (self.work / name).chmod(0o644)
        for call in situation.before:
            self._call(call, case)
        if situation.busy:
            self.sandbox.change_database(self.addon_id(case), current_operation_id="0123456789abcdef01234567")
        if case.warm:
            self.run(subject, case, check=True)
        for rule in situation.faults:
            self.sandbox.fault(**self._in_form(rule))
        self.sandbox.clear_log()

    def _in_form(self, rule: Data) -> Data:
        """The rule for the route that is asked instead of its own where both are there."""
        route = rule.get("match", {}).get("route")
        if self.api_path == DB_API or route not in BELOW_THE_DATABASE:
            return rule
        return {**rule, "match": {**rule["match"], "route": BELOW_THE_DATABASE[route]}}

    def _begin(self, situation: Situation) -> None:
        self.sandbox.reset(situation.seed)
        for name, value in situation.switches.items():
            self.sandbox.switch(name, value)
        for outcome in situation.outcomes:
            self.sandbox.outcome(**outcome)

    def run(self, subject: Subject, case: Case, *, check: bool = False, state: bool = True) -> Observation:
        """Run the module once, as things are; without `state` what the databases are like afterwards is not looked at, which takes long."""
        before = self.issued | self.links
        arguments = self.arguments(case)
        self.sandbox.clear_log()
        with self.running():
            report = self._perform(subject, case, arguments, check)
        return Observation(
            report,
            tuple(self.sandbox.log()),
            self.sandbox.state() if state else {},
            self._known,
            case.differs,
            frozenset(self.issued - before),
            frozenset(self.links - before),
        )

    def perform(self, subject: Subject, case: Case) -> Report:
        """Run another one in the middle of a run."""
        return self._perform(subject, case, self.arguments(case), False)

    def _perform(self, subject: Subject, case: Case, arguments: Data, check: bool) -> Report:
        return perform(
            subject.module,
            arguments,
            check=check,
            no_log=case.no_log,
            home=self.home,
            environment=case.environment,
            clock=self.clock,
        )

    def take_back(self, case: Case) -> None:
        """Somebody makes everything as it was before the case."""
        self._begin(case.situation)

    def destroy(self, case: Case) -> None:
        """Somebody destroys the database that the case is about, if there is one, or else all others of its app."""
        seed = copy.deepcopy(case.situation.seed)
        for app in seed["apps"]:
            if app["name"] == case.target.get("app"):
                app["addons"] = []
        self.sandbox.reset(seed)

    @contextlib.contextmanager
    def running(self) -> t.Iterator[None]:
        """What a module needs around it."""
        with (
            self.recorded_tokens(),
            self._sql.serving(self.sandbox),
            drill_memory.serving(lambda: self.clock),
            self._runs.serving(self.home),
        ):
            yield

    def observe(self, subject: Subject, case: Case, *, check: bool = False, state: bool = True) -> Observation:
        """Arrange and run."""
        self.arrange(subject, case)
        return self.run(subject, case, check=check, state=state)

    def calm(self) -> None:
        """Nothing goes wrong from now on."""
        self.sandbox.clear_faults()

    def state(self) -> t.Any:
        return domain(self.sandbox.state())

    def arguments(self, case: Case) -> Data:
        """The arguments of a case together with where the sandbox is."""
        connection = {**self.sandbox.params()}
        connection.pop("ca_path", None)
        if self.api_path != DB_API and "api_path" not in case.without:
            connection.pop("db_api_url")
            connection["api_path"] = self.api_path
        whole = {name: value for name, value in connection.items() if name not in case.without}
        return t.cast(Data, self._filled({**whole, **case.arguments}, case))

    def _filled(self, value: t.Any, case: Case) -> t.Any:
        if isinstance(value, dict):
            return {name: self._filled(inner, case) for name, inner in value.items()}
        if isinstance(value, list):
            return [self._filled(inner, case) for inner in value]
        if value == "$nowhere":
            return NOWHERE
        if isinstance(value, str) and value.split("/")[0] == "$work":
            return str(self.work) + value[len("$work") :]
        if isinstance(value, str) and value.startswith("$ago "):
            return self._ago(value)
        if value == "$ca":
            return self.sandbox.ca_path
        if value == "$api_token":
            return self.sandbox.api_token
        if isinstance(value, str) and value.startswith("$") and self._sql.path(value, self.sandbox):
            return self._sql.path(value, self.sandbox)
        if value == "$addon_id":
            return self.addon_id(case)
        if value == "$addon_token":
            return self.addon_token(self.addon_id(case))
        return value

    def _ago(self, value: str) -> str:
        """So many seconds before the clock of the first run that asks: all runs of a test mean the same moment."""
        if value not in self._moments:
            moment = datetime.datetime.fromtimestamp(
                int(self.clock.wall()) - int(value.split()[1]), datetime.timezone.utc
            )
            self._moments[value] = moment.strftime("%Y-%m-%dT%H:%M:%SZ")
        return self._moments[value]

    def addon_id(self, case: Case) -> str:
        """The addon that a case is about."""
        found = next(iter(self._addons(case)), None)
        assert found is not None, f"the sandbox has no addon as {case.target}"
        return found

    def _addons(self, case: Case) -> t.Iterator[str]:
        wanted = case.target.get("addon_id") or case.target.get("addon")
        for app in self.sandbox.state()["apps"]:
            for addon in app["addons"]:
                if wanted == addon["id"] or (wanted == addon["provider"] and app["name"] == case.target.get("app")):
                    yield t.cast(str, addon["id"])

    def addon_token(self, addon_id: str) -> str:
        app = next(
            app["name"]
            for app in self.sandbox.state()["apps"]
            if any(addon["id"] == addon_id for addon in app["addons"])
        )
        token = t.cast(str, Api(self._client(app, addon_id)).mint_addon_token(app, addon_id)[0]["token"])
        self.issued.add(token)
        return token

    def _client(self, app: str, addon: str) -> Client:
        params = {name: option.get("default") for name, option in COMMON.options.items()}
        params.update(self.sandbox.params(), app=app, addon=addon, token_cache=False)
        return Client.from_params(params, verbose=lambda line: None, secret=lambda value: None, clock=self.clock)

    def _call(self, call: Data, case: Case) -> None:
        client = self._client(
            call.get("app", case.arguments.get("app")), call.get("addon", case.arguments.get("addon"))
        )
        getattr(Api(client), call["call"])(*call.get("arguments", ()))

    def recorded_tokens(self) -> contextlib.AbstractContextManager[None]:
        """Every token that the sandbox makes meanwhile is known afterwards: `issued`, and those of links: `links`."""
        return recorded(lambda name, token: (self.links if name == "make_link" else self.issued).add(token))


@contextlib.contextmanager
def recorded(keep: t.Callable[[str, str], None]) -> t.Iterator[None]:
    """Every token that a sandbox of this process makes meanwhile is given to `keep`, with the name of what makes it."""
    originals = {name: getattr(Tokens, name) for name in ("make_bearer", "make_addon", "make_link")}

    def recording(name: str, original: t.Callable[..., str]) -> t.Callable[..., str]:
        def make(*arguments: t.Any, **options: t.Any) -> str:
            token = original(*arguments, **options)
            keep(name, token)
            return token

        return make

    for name, original in originals.items():
        setattr(Tokens, name, recording(name, original))
    try:
        yield
    finally:
        for name, original in originals.items():
            setattr(Tokens, name, original)


class Sandboxes:
    """The sandboxes of one process of the tests: plain, and with TLS where a case wants that."""

    def __init__(self) -> None:
        self._stack = contextlib.ExitStack()
        self._open: dict[bool, tuple[Sandbox, FollowingClock]] = {}

    def __enter__(self) -> Sandboxes:
        return self

    def __exit__(self, *dummy: object) -> None:
        self._stack.close()

    def get(self, tls: bool) -> tuple[Sandbox, FollowingClock]:
        if tls not in self._open:
            sandbox = self._stack.enter_context(Sandbox(seed={}, tls=tls))
            self._open[tls] = (sandbox, FollowingClock(sandbox))
        return self._open[tls]
