# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Extensions of PostgreSQL (docs/contract.md sections 2.8 and 7.4).

The API lists them and changes none, but for pg_stat_statements. So: the API to read, SQL to change, the API to confirm.
"""

from __future__ import annotations

import contextlib
import difflib
import re
import typing as t

from .. import _canon
from .._api.postgresql import enable_stat_statements, list_extensions
from .._busy import busy_reason
from .._change import Listing, Resource
from .._errors import Conflict, InvalidInput, SqlRefused, Unreachable, WaitTimeout
from .._shapes import by_name
from .._sql import Identifier, Literal, Statement, script
from .._step import Params, State, Step
from . import _access
from ._engine import DEDICATED, OfEngine

#: The one extension that the API can bring by itself.
STAT_STATEMENTS = "pg_stat_statements"
#: Part of every database, and in use by what the platform does there.
PART_OF_THE_SERVER = "plpgsql"

#: The extensions that the platform documents, to recognise slips of the pen. The server alone decides what is allowed.
KNOWN = (
    "anon btree_gin btree_gist citext cube dblink dict_int earthdistance fuzzystrmatch hstore intarray isn ltree pg_repack "
    "pg_stat_statements pg_trgm pgcrypto pgrowlocks plpgsql postgis postgis_raster postgis_sfcgal postgis_tiger_geocoder "
    "postgis_topology postgres_fdw tablefunc timescaledb unaccent uuid-ossp vector"
).split()
#: Names of projects and of habit, without signs, which are not the names of their extensions.
MISTAKEN = {
    "pgvector": "vector",
    "timescale": "timescaledb",
    "trgm": "pg_trgm",
    "trigram": "pg_trgm",
    "uuid": "uuid-ossp",
    "postgresqlanonymizer": "anon",
    "statstatements": STAT_STATEMENTS,
}
#: What the platform says of some of them.
PECULIARITIES = {
    "anon": "The extension anon is installed by Scalingo's support only.",
    "pg_repack": "The extension pg_repack needs a superuser, so only Scalingo's operators can use it.",
    "timescaledb": "The platform has the Open Source edition of timescaledb only, not the Community edition.",
}
#: What to do about a statement that the server refuses, by its SQLSTATE.
ADVICE = {
    "0A000": "The server does not have this extension. Scalingo's documentation lists those that it has.",
    "58P01": "The server does not have this extension. Scalingo's documentation lists those that it has.",
    "25006": "The database takes reads only now, as a follower does, or one whose disk is full: look at it in the dashboard.",
    "3F000": "The schema does not exist: create it first, or leave schema out.",
    "22023": "'state: latest' takes the version that the server has.",
    "2BP01": "'cascade: true' removes what depends on it too, with all its data.",
    "42501": "The platform allows the extensions that its documentation lists, to the default user of the database.",
    "42704": "'cascade: true' installs the extensions that it needs too.",
    "57014": "It took longer than sql_timeout allows. Another session may hold a lock: see community.scalingo.scalingo_pg_query_info.",
}
#: How long the API may take to show what SQL has done, in seconds.
CONFIRMATION = 60.0


def _bare(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _meant(name: str) -> str:
    """The extension that is meant by a well-known mistake; else an empty text."""
    if name in KNOWN:
        return ""
    return {_bare(known): known for known in KNOWN}.get(_bare(name), MISTAKEN.get(_bare(name), ""))


def _update(name: str, version: str | None) -> Statement:
    to = [] if version is None else [" TO ", Literal(version)]
    return Statement("ALTER EXTENSION ", Identifier(name), " UPDATE", *to)


class OnPostgreSQL(OfEngine):
    engines = ("postgresql", "postgresql-ng")
    subject = "extensions exist on PostgreSQL only"
    reading = "list the extensions"

    def listed(self) -> list[State]:
        return self.ask(lambda: list_extensions(self.client))

    def by_name(self) -> dict[str, State]:
        return by_name(self.listed(), "extensions")


class Extensions(OnPostgreSQL, Resource[State]):
    """One extension, or several, present, absent or at the newest version. The state is all of them by name."""

    libraries = ("requests", "psycopg")

    @classmethod
    def parse(cls, params: Params) -> list[str]:
        names = _names(params)
        if not names:
            raise InvalidInput("names is empty: name at least one extension")
        for name in names:
            if not name or name != name.strip() or not name.isprintable() or len(name.encode("utf-8")) > 63:
                raise InvalidInput(
                    f"name: {name!r} is not the name of an extension: use at most 63 bytes, and no blank at its ends"
                )
            if _meant(name):
                raise InvalidInput(f"there is no extension {name}", hint=f"Its name is {_meant(name)}.")
        for option in ("version", "schema"):
            if params[option] is None:
                continue
            if params["names"] is not None:
                raise InvalidInput(f"{option} belongs to a single extension: use name, not names")
            if params["state"] == "absent":
                raise InvalidInput(f"{option} contradicts 'state: absent': leave it out")
        if params["version"] is not None and params["state"] == "latest":
            raise InvalidInput("version contradicts 'state: latest': use one of the two")
        if params["schema"] is not None and STAT_STATEMENTS in names:
            raise InvalidInput(f"schema: the platform itself decides where {STAT_STATEMENTS} is")
        if params["state"] == "absent" and PART_OF_THE_SERVER in names:
            raise InvalidInput(f"{PART_OF_THE_SERVER} is a part of every database and is never removed")
        _access.check(params)
        return names

    def __init__(self, *arguments: t.Any) -> None:
        super().__init__(*arguments)
        self._access = _access.Access(self.client, self.params)
        self._first: State | None = None
        self._queries: list[str] = []
        self._newest: dict[str, str] | None = None

    # -- reading -----------------------------------------------------------------------------------------------------

    def read(self) -> State:
        """The extensions. When SQL will be needed, also how to reach the database, so that check mode sees trouble too."""
        state: State = self.by_name()
        if self._first is None:
            self._first = state
        if self.params["state"] == "latest" and self._newest is None:
            with self._with_ways(lambda: self._statements(state, None)):
                self._access.prepare()
                self._await_idle()
                with self._access.session(read_only=True) as session:
                    rows = session.rows("SELECT name, default_version FROM pg_available_extensions")
            self._newest = {str(name): str(version) for name, version in rows if version is not None}
        else:
            statements = self._all_statements(state, self.wanted(state))
            if statements:
                with self._with_ways(lambda: statements):
                    self._access.prepare()
        return state

    def _await_idle(self) -> None:
        """A database in the middle of an operation may refuse connections: that is no reason to fail."""
        reason = busy_reason(self._access.shown or {})
        if reason and self.params["on_busy"] == "fail":
            raise Conflict(reason, hint="Run the task again later, or use 'on_busy: wait'.")
        if reason:
            self._wait_until_idle()
            self._access.prepare()

    def busy(self, state: State) -> str:
        """Looked at when SQL is needed only: the database has been read then anyway."""
        return busy_reason(self._access.shown) if self._access.shown is not None else ""

    # -- deciding ----------------------------------------------------------------------------------------------------

    def wanted(self, before: State) -> State:
        after = dict(before)
        for name in self.asked:
            if self.params["state"] == "absent":
                after.pop(name, None)
            elif self.params["state"] == "latest":
                after[name] = {"name": name, "version": self._newest_version(name)}
            elif self.params["version"] is not None:
                after[name] = {"name": name, "version": _canon.extension_version(self.params["version"])}
            else:
                after.setdefault(name, {"name": name, "version": None})
        return after

    def _newest_version(self, name: str) -> str:
        newest = self._newest or {}
        if name not in newest:
            similar = [other for other in sorted(newest) if _bare(name) in _bare(other)] or difflib.get_close_matches(
                name, sorted(newest), 3
            )
            raise InvalidInput(
                f"the server has no extension {name}",
                hint=f"It has {', '.join(similar)}." if similar else PECULIARITIES.get(name, ""),
            )
        return newest[name]

    def managed(self, state: State) -> dict[str, t.Any]:
        """The named ones only: others may come and go meanwhile, and some bring others along."""
        return {name: {"version": item["version"]} for name, item in state.items() if name in self.asked}

    def in_diff(self, managed: dict[str, t.Any]) -> dict[str, t.Any]:
        return {name: {"version": item["version"] or "the default of the server"} for name, item in managed.items()}

    def tolerated(self, field: str, wanted: t.Any, current: t.Any) -> bool:
        """The version of an extension that the task names without one is known afterwards only."""
        return wanted == {"version": None} and current is not None

    def _reached(self, state: State, after: State) -> bool:
        shown, planned = self.managed(state), self.managed(after)
        return set(shown) == set(planned) and all(
            shown[name] == planned[name] or self.tolerated(name, planned[name], shown[name]) for name in planned
        )

    # -- changing ----------------------------------------------------------------------------------------------------

    def steps(self, before: State, after: State) -> list[Step]:
        wanted = after
        steps = []
        statements = self._statements(before, wanted)
        if not self.applying:
            self._queries = script(statements) + script(self._version_of_statistics(before, wanted))
        if statements:
            # What pg_stat_statements is brought by comes after, so that a refused statement leaves nothing half-done.
            others = {name: item for name, item in wanted.items() if name != STAT_STATEMENTS or name in before}
            steps.append(
                Step(
                    "; ".join(self._sentences(before, wanted)),
                    send=lambda: self._execute(statements),
                    follow=lambda: self._confirmed(others),
                    happened=lambda state: self._reached(state, others),
                    resend=True,
                )
            )
        if STAT_STATEMENTS in wanted and STAT_STATEMENTS not in before:
            steps += self._enable_statistics(wanted, self._version_of_statistics(before, wanted))
        return steps

    def _enable_statistics(self, after: State, statements: t.Sequence[Statement]) -> list[Step]:
        steps = [
            Step(
                f"enable {STAT_STATEMENTS}",
                send=lambda: enable_stat_statements(self.client),
                follow=None if statements else lambda: self._confirmed(after),
                happened=lambda state: STAT_STATEMENTS in state,
                resend=True,
            )
        ]
        if statements:
            steps.append(
                Step(
                    f"have {STAT_STATEMENTS} at the version {after[STAT_STATEMENTS]['version']}",
                    send=lambda: self._execute(statements),
                    follow=lambda: self._confirmed(after),
                    happened=lambda state: self._reached(state, after),
                    resend=True,
                )
            )
        return steps

    def _version_of_statistics(self, before: State, after: State) -> list[Statement]:
        """The action that brings them takes no version. Changing to the version that there is changes nothing."""
        if self.params["version"] is None or STAT_STATEMENTS not in after or STAT_STATEMENTS in before:
            return []
        return [_update(STAT_STATEMENTS, after[STAT_STATEMENTS]["version"])]

    def _all_statements(self, before: State, after: State) -> list[Statement]:
        return self._statements(before, after) + self._version_of_statistics(before, after)

    def _statements(self, before: State, after: State | None) -> list[Statement]:
        """The SQL of the task, without what belongs to an action. Without `after`, for a person to read: what it comes to."""
        created, updated, removed = self._changes(before, after)
        cascade = " CASCADE" if self.params["cascade"] else ""
        statements = []
        if removed:
            # One statement for all: extensions that need each other go together.
            names = [part for name in removed for part in (", ", Identifier(name))][1:]
            statements.append(Statement("DROP EXTENSION IF EXISTS ", *names, cascade))
        for name in created:
            version = None if after is None else after[name]["version"]
            parts = ["CREATE EXTENSION IF NOT EXISTS ", Identifier(name)]
            if self.params["schema"] is not None:
                parts += [" SCHEMA ", Identifier(self.params["schema"])]
            if version is not None:
                parts += [" VERSION ", Literal(version)]
            statements.append(Statement(*parts, cascade))
        for name in updated:
            statements.append(_update(name, None if after is None else after[name]["version"]))
        return statements

    def _changes(self, before: State, after: State | None) -> tuple[list[str], list[str], list[str]]:
        """The names of those that are created, updated and removed by SQL."""
        names = self.asked
        if after is None:
            after = {**before, **{name: {"name": name, "version": ""} for name in names}}
        created = [name for name in names if name in after and name not in before and name != STAT_STATEMENTS]
        updated = [name for name in names if name in after and name in before and after[name] != before[name]]
        removed = [name for name in names if name in before and name not in after]
        return created, updated, removed

    def _sentences(self, before: State, after: State) -> list[str]:
        created, updated, removed = self._changes(before, after)
        cascade = " and all that depends on it" if self.params["cascade"] else ""
        return (
            [f"remove the extension {name}{cascade}" for name in removed]
            + [" ".join(filter(None, ["install the extension", name, after[name]["version"]])) for name in created]
            + [
                f"update the extension {name} from {before[name]['version']} to {after[name]['version']}"
                for name in updated
            ]
        )

    def _execute(self, statements: t.Sequence[Statement]) -> None:
        with self._with_ways(lambda: statements), self._access.session(read_only=False) as session:
            for said in session.execute(statements):
                self.client.transport.verbose(f"the database server says: {said}")

    def _confirmed(self, after: State) -> State:
        """The extensions as soon as the API shows what was done, or as they are when that takes too long."""
        try:
            return self.wait_until(
                self.by_name,
                lambda state: self._reached(state, after),
                what="confirmation of the extensions by the API",
                identifier="",
                status=lambda state: "",
                timeout=min(CONFIRMATION, self.params["wait_timeout"]),
            )
        except WaitTimeout:
            return self.by_name()

    @contextlib.contextmanager
    def _with_ways(self, statements: t.Callable[[], t.Sequence[Statement]]) -> t.Iterator[None]:
        """Add to an error of the SQL side what a person can do about it."""
        try:
            yield
        except (Unreachable, _access.NoAccess, SqlRefused) as error:
            known = error.hint or ADVICE.get(error.code, "")
            hints = [known, *(PECULIARITIES[name] for name in self.asked if name in PECULIARITIES)]
            if not error.code:
                # Nothing was said to the database yet, so a person can do it instead.
                hints += self._by_hand(statements())
            if not error.code and not known:
                hints.append(self._ways_in())
            error.hint = " ".join(hint for hint in hints if hint)
            raise

    def _by_hand(self, statements: t.Sequence[Statement]) -> list[str]:
        if not statements:
            return []
        text = "The SQL to run as the default user is: %s; One way to do so is a one-off container: scalingo --app %s pgsql-console."
        return [text % ("; ".join(script(statements)), self.client.target.app or "APP")]

    def _ways_in(self) -> str:
        if self.client.target.engine == DEDICATED:
            return "The way in for this module is a firewall rule for this machine (community.scalingo.scalingo_firewall_rule)."
        return (
            "Ways in for this module: 'via: ssh' with an SSH key of the account (ssh_key_file, ssh_known_hosts); "
            "the features force-ssl and publicly-available (community.scalingo.scalingo_database) with 'via: direct'; "
            "or 'scalingo --app %s db-tunnel SCALINGO_POSTGRESQL_URL' and a connection_url with the host and port of that tunnel."
        ) % (self.client.target.app or "APP")

    # -- reporting ---------------------------------------------------------------------------------------------------

    def result(self, state: State) -> dict[str, t.Any]:

        before: State = self._first or {}
        versions = {name: before[name]["version"] if name in before else None for name in self.asked}
        if self.params["names"] is None:
            name = self.params["name"]
            return {"extension": state.get(name), "previous_version": versions[name], "queries": self._queries}
        return {
            "extensions": [state[name] for name in sorted(state)],
            "previous_versions": versions,
            "queries": self._queries,
        }


class ExtensionInfo(OnPostgreSQL, Listing):
    """The extensions that are installed in one database."""

    plural = "extensions"

    def items(self) -> list[State]:
        wanted = self.params["name"]
        items = sorted(self.listed(), key=lambda item: str(item["name"]))
        return [item for item in items if wanted in (None, item["name"])]


def _names(params: Params) -> list[str]:
    """The names of the task without repetitions, in their order."""
    names = [params["name"]] if params["names"] is None else params["names"]
    return list(dict.fromkeys(names))
