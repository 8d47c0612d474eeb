# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a real account answers, against what the collection reads of it: every route of `_api` that only reads, and its records.

Nothing is described here once more. The routes are those of `_api`, and what an answer should look like is what their records make of
it. Of an answer only its status, the kinds of its values, and names of fields that are no value of any answer leave this file.
"""

from __future__ import annotations

import collections
import contextlib
import dataclasses
import inspect
import itertools
import re
import typing as t
from pathlib import Path

from ansible_collections.community.scalingo.plugins.module_utils import _core
from ansible_collections.community.scalingo.plugins.module_utils._answer import Answer
from ansible_collections.community.scalingo.plugins.module_utils._api.addon import ENGINES, engine_of
from ansible_collections.community.scalingo.plugins.module_utils._client import Client
from ansible_collections.community.scalingo.plugins.module_utils._errors import ScalingoError
from ansible_collections.community.scalingo.plugins.module_utils._options import COMMON
from ansible_collections.community.scalingo.plugins.module_utils._route import Route
from ansible_collections.community.scalingo.plugins.module_utils._settings import REGIONS, with_environment
from ansible_collections.community.scalingo.plugins.module_utils._shapes import Field, Mismatch, Record, Unread
from ansible_collections.community.scalingo.plugins.module_utils._transport import VERSION
from support.api import CALLS, ROUTES

#: The only requests beside GET: they exchange one token for another.
TOKENS = ("exchange_token", "mint_addon_token")


def reads(route: Route[t.Any]) -> bool:
    return route.safe and (route.method == "GET" or route.name in TOKENS)


READS = [route for route in ROUTES if reads(route)]

#: Of what a path leaves open: in which answers it is found, and under which name of a record there. Those of a database come first.
FOUND = {
    "app": ("list_apps", "name"),
    "provider": ("list_addon_providers", "id"),
    "dedicated": ("list_dedicated_databases", "name"),
    "backup": ("list_backups", "id"),
    "maintenance": ("list_maintenances", "id"),
    "version": ("show_database", "version_id"),
    "operation": ("show_database", "current_operation_id"),
    "instance": ("list_instances_status", "id"),
    "peering": ("list_net_peerings", "id"),
}
#: The forms that the paths of a database can have.
FORMS: tuple[str, ...] = tuple(COMMON.options["api_path"]["choices"])
#: A kind of metrics that every database has.
METRIC = "memory"

CONTRACT = (Path(__file__).resolve().parents[2] / "docs" / "contract.md").read_text(encoding="utf-8")
WORDS = set(re.findall(r"\w+", CONTRACT))
KEYS = {"the body", *re.findall(r'"([a-z_-]+)"\s*:', CONTRACT)}
NAME = re.compile(r"[a-z]+([_-][a-z]+)*(\[\])?")

KINDS = {dict: "an object", list: "a list", str: "a text", bool: "a boolean", int: "a number", float: "a number"}


DATE = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.(\d+))?(Z|[+-]\d\d(?::?\d\d)?)")


def kind(value: object) -> str:
    return KINDS.get(type(value), "null")


def form(value: object) -> str:
    """Its kind in one word; of a moment how it is written, of a list what is in it."""
    if isinstance(value, list):
        return f"list of {' or '.join(sorted(set(map(form, value)))) or 'nothing'}"
    date = DATE.fullmatch(value) if isinstance(value, str) else None
    if date is not None:
        return f"date({len(date[1] or '')} digits, {'Z' if date[2] == 'Z' else 'offset'})"
    return kind(value).rpartition(" ")[2]


class NotOnlyReading(Exception):
    """A request that could change something was about to be sent: a defect of this program."""


@dataclasses.dataclass
class Findings:
    """What is known of one route in one form of the paths."""

    route: Route[t.Any]
    answers: dict[str, set[str]] = dataclasses.field(default_factory=lambda: collections.defaultdict(set))
    differs: dict[tuple[str, ...], None] = dataclasses.field(default_factory=dict)
    #: Of each field that is read, by its place: in which forms it came.
    forms: dict[str, set[str]] = dataclasses.field(default_factory=lambda: collections.defaultdict(set))
    asked: int = 0
    #: How many objects were compared with a record.
    compared: int = 0
    #: Whether nothing was in any answer.
    empty: bool | None = None


class Survey:
    """The requests, and what came of them."""

    def __init__(
        self,
        environment: t.Mapping[str, str],
        clock: _core.Clock | None = None,
        most_apps: int = 20,
        forms: t.Sequence[str] = FORMS,
        told: t.Callable[[str], None] = lambda dummy: None,
    ) -> None:
        self.told = told
        self.environment = environment
        self.clock = clock
        self.most_apps = most_apps
        self.forms = list(forms)
        self.findings: dict[tuple[str, str], Findings] = {}
        self.kinds: collections.Counter[str] = collections.Counter()
        self.apps = 0
        #: Names of fields that the collection reads.
        self._fields: set[str] = set()
        #: Every text that an answer held, whole and in its words, and the names in the environment.
        self.private: set[str] = set()
        self._now: Findings | None = None
        self._engine = self._form = ""
        #: Whether the request that was sent last was answered, and what with.
        self._came = False
        self._body: t.Any = None
        self._answered: dict[str, t.Any] = {}
        self._values: dict[str, list[str]] = collections.defaultdict(list)
        for name, value in environment.items():
            if name.startswith("SCALINGO_"):
                self._keep(value)

    # -- asking ------------------------------------------------------------------------------------------------------

    def run(self) -> None:
        with self._records_watched():
            account = self._client(None, None, self.forms[0])
            try:
                self._guard(account)
                self._ask_all(account)
                for number, app in enumerate(self._values["app"][: self.most_apps]):
                    self.told(f"app {number + 1} of {min(self.most_apps, len(self._values['app']))}")
                    self._ask_app(account, app)
            finally:
                account.close()

    def _ask_app(self, account: Client, app: str) -> None:
        self.apps += 1
        for route in READS:
            if set(re.findall(r"{(\w+)}", route.path)) == {"app"}:
                self._ask(account, route, {"app": app})
        for addon in self._answered.get("list_addons") or []:
            engine = engine_of(addon) or ""
            self._engine = engine if engine in ENGINES else "another kind"
            self.kinds[self._engine] += 1
            for form in self.forms if self.kinds[self._engine] == 1 else ():
                self._form = form
                self._ask_database(self._client(app, addon["id"], form, account), app, addon["id"])
        self._engine = self._form = ""

    def _ask_database(self, client: Client, app: str, addon_id: str) -> None:
        for name in ("backup", "maintenance", "version", "operation", "instance"):
            self._values[name].clear()
        later: list[Route[t.Any]] = []
        given = {"app": app, "addon": addon_id, "database": addon_id, "type": METRIC}
        of_it = [route for route in READS if route.role == "db" or "{addon}" in route.path]
        for route in of_it:
            if self._form != self.forms[0] and route.role != "db":
                continue
            names = set(re.findall(r"{(\w+)}", route.path)) - set(given)
            if names & set(FOUND):
                later.append(route)
            elif not names:
                self._ask(client, route, given)
        for route in later:
            names = set(re.findall(r"{(\w+)}", route.path)) - set(given)
            if all(self._values[name] for name in names):
                self._ask(client, route, {**given, **{name: self._values[name][0] for name in names}})

    def _ask_all(self, client: Client) -> None:
        """Ask what needs no app, and then what their answers name."""
        for needed in ((), ("provider",), ("dedicated",), ("dedicated", "peering")):
            for route in READS:
                names = tuple(re.findall(r"{(\w+)}", route.path))
                if names == needed and route.role != "db":
                    for values in zip(*(self._values[name][:1] for name in names)) if names else [()]:
                        self._ask(client, route, dict(zip(names, values)))

    def _ask(self, client: Client, route: Route[t.Any], values: t.Mapping[str, str]) -> None:
        if route.name == "exchange_token":
            return
        try:
            answered = self._call(client, route, values)
        except NotOnlyReading:
            raise
        except ScalingoError as error:
            # It may be the request for a token that failed.
            found = self._now or self._found(route)
            if not self._came:
                # There was none, or one that is followed nowhere, such as a redirection.
                found.answers[str(error.status or type(error).__name__)].add(self._engine)
            elif error.status is not None and error.status < 400:
                body = self._body
                found.differs[("the body", f"is {kind(body)}, which cannot be read")] = None
                for key in (body if isinstance(body, dict) else {}) if not found.compared else ():
                    found.differs[(f"the body.{key}", f"is {kind(body[key])}, and not the root that is expected")] = (
                        None
                    )
            return
        except Exception as error:  # noqa: BLE001
            self._found(route).differs[(f"the collection fails with {type(error).__name__}",)] = None
            return
        finally:
            self._now = None
        found = self._found(route)
        found.empty = found.empty is not False and answered == []
        self._answered[route.name] = answered
        for name, (source, field) in FOUND.items():
            if source == route.name:
                for item in answered if isinstance(answered, list) else [answered]:
                    value = item.get(field) if isinstance(item, dict) else None
                    if isinstance(value, str) and value not in self._values[name]:
                        self._values[name].append(value)

    def _found(self, route: Route[t.Any]) -> Findings:
        """What is known of a route; the form of the paths makes a difference to those of a database alone."""
        declared = next(one for one in READS if one.name == route.name)
        return self.findings.setdefault((self._form if route.role == "db" else "", route.name), Findings(declared))

    @staticmethod
    def _call(client: Client, route: Route[t.Any], values: t.Mapping[str, str]) -> t.Any:
        """By the call of that name, which may read the answer in a way of its own; by the route where the call wants to know more."""
        call = CALLS.get(route.name, route)
        path = [values[name] for name in re.findall(r"{(\w+)}", route.path) if name != "database"]
        taken = {} if isinstance(call, Route) else inspect.signature(call).parameters
        few = {"limit": 1} if "limit" in taken else {}
        try:
            inspect.signature(call).bind(client, *path, **few)
        except TypeError:
            return client.caller_of(route).call(route, values=values, query=None, body=None)
        found = call(client, *path, **few)
        return list(itertools.islice(found, 1)) if isinstance(found, t.Iterator) else found

    def _client(self, app: str | None, addon: str | None, form: str, beside: Client | None = None) -> Client:
        given = {"app": app, "addon": addon, "token_cache": False, "api_path": form}
        return Client.from_params(
            with_environment({**dict.fromkeys(COMMON.options), **given}, self._without_target(), self._keep),
            verbose=self._keep,
            secret=self._keep,
            target_needed=addon is not None,
            clock=self.clock,
            beside=beside,
        )

    def _guard(self, client: Client) -> None:
        """Have nothing sent that could change something, by this client and those beside it."""
        send = client.transport.send

        def only_reading(route: Route[t.Any], *arguments: t.Any, **details: t.Any) -> Answer:
            if not reads(route):
                raise NotOnlyReading(route.name)
            # What is read from now on is the answer of this route, which may be that of a token for another one.
            found = self._now = self._found(route)
            found.asked += 1
            self._came = False
            answer = send(route, *arguments, **details)
            self._came = True
            found.answers[str(answer.status)].add(self._engine)
            self._keep_all(answer)
            return answer

        client.transport.send = only_reading  # type: ignore[method-assign]

    def _without_target(self) -> dict[str, str]:
        """The environment without what names one database."""
        unused = {"SCALINGO_APP", "SCALINGO_ADDON", "SCALINGO_ADDON_TOKEN", "SCALINGO_API_PATH"}
        return {name: value for name, value in self.environment.items() if name not in unused}

    # -- what is not to be told --------------------------------------------------------------------------------------

    def _keep(self, value: str) -> None:
        self.private.add(value.lower())
        self.private.update(re.split(r"[^a-z0-9]+", value.lower()))

    def _keep_all(self, answer: Answer) -> None:
        self._body = None
        with contextlib.suppress(Exception):
            self._body = answer.json()
            if self._now is not None and isinstance(self._body, dict) and answer.status < 300:
                meta = self._body.get("meta")
                for where, part in {"the body": self._body, "meta": meta if isinstance(meta, dict) else {}}.items():
                    for key, value in part.items():
                        self._now.forms[f"{where}.{key}"].add(form(value))
            waiting = [self._body]
            while waiting:
                value = waiting.pop()
                if isinstance(value, str):
                    self._keep(value)
                waiting += value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()

    def _told(self, name: str) -> str:
        """A name of a field, when it is one of the collection or the contract, or no value of any answer; else dots.

        One of several words, all of which the contract uses, is nobody's name.
        """
        word = name.removesuffix("[]")
        words = set(re.split("[_-]", word))
        ours = word in KEYS | self._fields or (len(words) > 1 and words <= WORDS)
        fit = NAME.fullmatch(word) and (ours or not {word, *words} & self.private)
        return name if fit or word in KEYS else "…"

    # -- comparing ---------------------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def _records_watched(self) -> t.Iterator[None]:
        original = Record.__call__

        def watched(record: Record, value: t.Any, place: str) -> dict[str, t.Any]:
            try:
                result = original(record, value, place)
            except Mismatch:
                self._compare(record, value, place, None)
                raise
            self._compare(record, value, place, result)
            return result

        Record.__call__ = watched  # type: ignore[method-assign]
        try:
            yield
        finally:
            Record.__call__ = original  # type: ignore[method-assign]

    def _compare(self, record: Record, value: t.Any, place: str, result: dict[str, t.Any] | None) -> None:
        if self._now is None:
            return
        self._now.compared += 1
        where = re.sub(r"\[\d+\]", "[]", place)
        if not isinstance(value, dict):
            self._now.differs[(where, f"is {kind(value)} where an object is expected")] = None
            return
        known: set[str] = set()
        for name, field in record.fields.items():
            names = field.names or (name,)
            known |= set(names)
            self._fields |= set(names)
            there = [one for one in names if one in value]
            self._now.forms[f"{where}.{there[0] if there else name}"].add(form(value[there[0]]) if there else "missing")
            if not there and field.how:
                self._now.differs[(f"{where}.{name}", "is missing")] = None
            elif there and self._wrong(field, value[there[0]], None if result is None else result.get(name)):
                self._now.differs[(f"{where}.{name}", f"is {kind(value[there[0]])}, which cannot be read")] = None
        others = [name for name in value if isinstance(name, str) and name not in known | WORDS]
        if len(known & set(value)) * 2 < len(known):
            # It may be no such thing, but a map by names.
            others = []
        for name in others:
            self._now.differs[(f"{where}.{name}", f"is {kind(value[name])}, and new")] = None

    @staticmethod
    def _wrong(field: Field, value: t.Any, read: t.Any) -> bool:
        if isinstance(read, Unread):
            return True
        if read is not None or field.how != "required":
            return False
        try:
            field.read(value, "")
        except Mismatch:
            return True
        return False

    # -- telling -----------------------------------------------------------------------------------------------------

    def report(self) -> str:
        """What to paste into an issue: a table in Markdown."""
        region = self.environment.get("SCALINGO_REGION", "").strip() or "osc-fr1"
        databases = ", ".join(f"{count} {name}" for name, count in sorted(self.kinds.items())) or "no database"
        lines = [
            f"community.scalingo {VERSION}, region {region if region in REGIONS else 'another'}, {self.apps} app(s), {databases}.",
            "",
            "| Route | Request | Asked | Answers | The contract | What differs |",
            "|---|---|---|---|---|---|",
        ]
        for route in READS:
            rows: dict[tuple[str, ...], list[tuple[str, int]]] = {}
            for (form, name), found in self.findings.items():
                if name == route.name and found.asked:
                    rows.setdefault(self._cells(found), []).append((form, found.asked))
            for cells, forms in rows.items():
                by = f" by {', '.join(f'`{form}`' for form, dummy in forms)}" if len(rows) > 1 else ""
                asked = sum(number for dummy, number in forms)
                lines.append(f"| {route.number} | {route.method} `{route.path}`{by} | {asked} | {' | '.join(cells)} |")
        tried = {found.route.name for found in self.findings.values() if found.asked}
        left = [route.number for route in READS if route.name not in tried and route.name not in TOKENS]
        lines += ["", "Actions (D8) are not tried, since they are POST requests, whether they change something or not."]
        if left:
            lines += ["", f"Not tried, since the account has nothing to ask for: {', '.join(left)}."]
        lines += ["", "In which form the fields came that the collection reads:", ""]
        for route in READS:
            forms: dict[str, set[str]] = collections.defaultdict(set)
            for (dummy, name), found in self.findings.items():
                for where, seen in found.forms.items() if name == route.name else ():
                    forms[".".join(self._told(part) for part in where.split("."))].update(seen)
            if forms:
                fields = "; ".join(f"{where} {' or '.join(sorted(seen))}" for where, seen in sorted(forms.items()))
                lines.append(f"- {route.number}: {fields}")
        return "\n".join(lines) + "\n"

    def _cells(self, found: Findings) -> tuple[str, ...]:
        """The answers, by the kind of the database where they are not the same for all; the verdict; what differs."""
        several = len(found.answers) > 1
        answers = "; ".join(
            " ".join(filter(None, (status, ", ".join(sorted(filter(None, engines)) if several else ()))))
            for status, engines in sorted(found.answers.items())
        )
        differs = sorted({self._sentence(*parts) for parts in found.differs})
        verdict = (
            "refused"
            if not any(status.startswith("2") for status in found.answers)
            else "nothing in it"
            if found.empty
            else "holds"
        )
        return answers, "differs" if differs else verdict, "; ".join(differs)

    def _sentence(self, where: str, *words: str) -> str:
        if not words:
            return where
        place = ".".join(self._told(part) for part in where.split("."))
        return " ".join((f"`{place}`", *words))

    @property
    def seen(self) -> bool:
        """Whether the account answered at all."""
        return any("200" in found.answers and found.route.name not in TOKENS for found in self.findings.values())
