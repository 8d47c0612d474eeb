# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""A drill: whether a backup can be restored, on a server that is thrown away, with evidence of what was seen.

The database itself is only read, through the API. Here stands what a drill is about and what it does; what comes of it is in `_drilling.py`.
"""

from __future__ import annotations

import math
import os
import re
import typing as t

from .. import _canon, _copies, _drill_mariadb, _drill_measures, _drill_place, _drill_postgresql, _evidence
from .._api.backup import list_backups
from .._api.database import show_database
from .._api.postgresql import list_extensions
from .._change import Resource
from .._copy import Copy
from .._drill_measures import Contents
from .._errors import DrillFailed, InvalidInput, ScalingoError
from .._options import check_absolute, check_form, checked, parsed
from .._part import Part, publish
from .._progress import Watch
from .._shapes import or_none
from .._step import Consent, Outcome, Params, State, Step
from . import backup as backups
from ._drilling import Drill
from .backup_download import fetch

#: What there is of each engine: its name, and `find` and `Server`.
ENGINES: t.Mapping[str, tuple[str, t.Any]] = {
    "postgresql": ("PostgreSQL", _drill_postgresql),
    "mysql": ("MySQL", _drill_mariadb),
}
PLPGSQL = "plpgsql"
#: The least and the most of what is a number.
RANGES: t.Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(("jobs", "timeout", "check_timeout"), (1, math.inf)),
    **dict.fromkeys(("min_tables", "min_rows"), (0, math.inf)),
    **dict.fromkeys(("max_drop_percent", "max_erosion_percent", "min_size_change.percent"), (0, 100)),
    "min_size_change.backups": (2, math.inf),
}
PATHS = ("directory", "programs", "client_programs", "work_dir", "evidence_dir", "sign_key")


class Asked(t.NamedTuple):
    """What a task asks of what it restores, in seconds; `freshness` is its option."""

    max_age: float | None
    max_seconds: float | None
    freshness: list[dict[str, t.Any]]


class RestoreDrill(backups.WithArchives, Resource[State]):
    """Restore a backup and look at it. There is nothing to compare: every run is a drill."""

    imperative = True
    reading = "prepare the drill"
    asked: t.Any
    #: What it is about: the database, the backup, the copy of it when it comes from there, and the record of the last good drill.
    _engine = ""
    _database: State
    _backup: State
    _copy: Copy | None = None
    _last: t.Mapping[str, t.Any]
    #: On what it is restored: the major version of the server, and its programs.
    _major: int
    _programs: t.Any

    @classmethod
    def parse(cls, params: Params) -> Asked:
        backups.check_backup_id(params)
        _check_forms(params)
        names = [check["name"] for check in params["checks"]]
        if len(set(names)) < len(names):
            raise InvalidInput("checks: each needs a name of its own")
        if params["source"] == "copy" and not params["directory"]:
            raise InvalidInput("source is copy, and the task does not say where the copies are: give directory")
        if params["source"] == "platform" and (params["directory"] or params["decrypt_command"]):
            raise InvalidInput("directory and decrypt_command are for copies: use 'source: copy', or leave them out")
        _require_place(params["evidence_dir"])
        age, spent = (parsed(params, name, _canon.seconds) for name in ("max_age", "max_seconds"))
        ages = [checked("freshness.max_age", _canon.seconds, item["max_age"]) for item in params["freshness"]]
        fresh = [{**item, "max_age": seconds} for item, seconds in zip(params["freshness"], ages)]
        return Asked(age, spent, fresh)

    def __init__(self, *arguments: t.Any) -> None:
        super().__init__(*arguments)
        self._drill = Drill(self.client, self.params, self.asked.max_seconds)
        self._is_given = _drill_place.is_given(self.params)
        self._rehearsal = bool(self.params["rehearse_upgrade"])

    def _refuse(self, engine: str) -> None:
        super()._refuse(engine)
        if engine not in ENGINES:
            raise InvalidInput(f"drills restore PostgreSQL and MySQL, and not {engine}")

    def perform(self, check_mode: bool) -> Outcome:
        try:
            return super().perform(check_mode)
        except ScalingoError as error:
            # It has not begun. What happens later comes as `Interrupted`, and has its evidence by then.
            failure = error
            self.unless_checking(check_mode, lambda: self._drill.conclude(failure))
            raise failure from None

    # -- what is there -----------------------------------------------------------------------------------------------

    def read(self) -> State:
        """What it is about, and what is left of earlier ones. Raises where the drill would fail before it brings a backup here."""
        if not self._engine:
            self._read_subject()
        return {"leftovers": _drill_place.leftovers(self.params["work_dir"])}

    def _read_subject(self) -> None:
        params, client, record = self.params, self.client, self._drill.record
        _drill_place.check(params["work_dir"])
        self._database = database = self.ask(lambda: show_database(client))
        engine = str(self.engine or database["type_name"])
        self._refuse(engine)
        version = or_none(database["readable_version"])
        classes = ["secnumcloud"] if "secnum" in client.region else []
        classes += ["health"] if client.settings.app and client.target.holds_health() else []
        record["database"].update(
            addon=client.settings.addon, addon_id=client.addon_id, engine=engine, version=version,
            plan=or_none(database["plan"]), classes=classes,
        )  # fmt: skip
        self._read_source()
        known = re.match(r"(\d+)\.", str(version))
        if known is None:
            raise InvalidInput("the platform does not say which version the database has, so no server can be chosen")
        if self._rehearsal and engine != "postgresql":
            raise InvalidInput(f"rehearse_upgrade is for PostgreSQL, and this database is {engine}")
        self._major = int(known[1]) + self._rehearsal
        if self._rehearsal:
            # Also when it fails before it has a server.
            record["rehearsal"] = {"from": version, "to": str(self._major)}
        if engine == "postgresql":
            extensions = {str(item["name"]): or_none(item["version"]) for item in list_extensions(client)}
            record["extensions"] = {"production": extensions}
        self._last = _evidence.last_good(params["evidence_dir"], client.addon_id, rehearsal=self._rehearsal)
        self._programs = ENGINES[engine][1].find(self._major, params)
        self._engine = engine

    def _read_source(self) -> None:
        """Choose the backup, or a copy. Judges its age, and whether the sizes of backups vary."""
        params, client, drill = self.params, self.client, self._drill
        if params["source"] == "copy":
            wanted = params["backup_id"] or ""
            self._copy = copy = _copies.find_copy(params["directory"], client.addon_id, wanted, watch=client.watch)
            backup = {"id": copy.backup.id, "size": copy.archive.size, "started_at": copy.backup.started_at}
            more = {"sha256": copy.archive.sha256, "encrypted": copy.encrypted, "path": copy.path}
            sizes = self._sizes_of_copies(copy)
        else:
            self._require_export()
            listed = []
            if params["backup_id"] != backups.NOT_MADE:
                listed = backups.newest_first(list_backups(client))
            backup = backups.chosen(listed, params["backup_id"], self.is_ahead)
            more = {"sha256": None, "encrypted": False}
            sizes = [int(item["size"]) for item in listed if item["status"] == backups.DONE and or_none(item["size"])]
        made_at, age, unknown = backups.began(backup), None, ""
        drill.record["source"].update(backup_id=backup["id"], made_at=made_at, size=or_none(backup["size"]), **more)
        if made_at is not None and not self.is_ahead(backup):
            age = round(backups.age(made_at, client.date, client.clock.wall()))
        elif backup["id"] != backups.NOT_MADE:
            began = "when it began is not known" if made_at is None else f"it began at {made_at}, in the future"
            unknown = f"how old the backup is cannot be told (max_age): {began}"
        most, what = self.asked.max_age, "the backup is {} old; {} are allowed (max_age)"
        verdict, checks = _drill_measures.objective("rpo", age, most, what, unknown)
        drill.record["rpo"] = {"age_seconds": age, "max_age_seconds": most, **verdict}
        drill.checks += checks
        if params["min_size_change"]:
            drill.checks += _drill_measures.varied(sizes, **params["min_size_change"])
        self._backup = backup

    def _require_export(self) -> None:
        """Refuse to take protected data out of the platform without consent, before anything is looked for."""
        consents = self.export_consent()
        if consents:
            refusal = Consent.refusal(consents, self.params, "Nothing was downloaded")
            refusal.doing = "download the backup"
            raise refusal

    def _sizes_of_copies(self, copy: Copy) -> list[int]:
        """The sizes of the backup and of those of earlier drills, the newest first."""
        sizes = {copy.backup.id: copy.archive.size}
        for entry in reversed(_evidence.entries(self.params["evidence_dir"])):
            source = entry.record.get("source") or {}
            if entry.record and entry.record["database"].get("addon_id") == self.client.addon_id and source.get("size"):
                sizes.setdefault(str(source.get("backup_id")), int(source["size"]))
        return list(sizes.values())

    # -- the drill ---------------------------------------------------------------------------------------------------

    def wanted(self, before: State) -> State:
        return {"leftovers": []}

    def managed(self, state: State) -> dict[str, t.Any]:
        """Nothing is compared: a drill leaves everything as it was."""
        return {}

    def steps(self, before: State, after: State) -> list[Step]:
        drill = Step(self._sentence, send=self._send, follow=self._follow)
        return [*(Step(f"remove what an earlier drill left: {path}") for path in before["leftovers"]), drill]

    @property
    def _sentence(self) -> str:
        throw_away = f"a throw-away server of {ENGINES[self._engine][0]} {self._major}"
        which = f"{'copy of the backup' if self._copy else 'backup'} {self._backup['id']}"
        return f"verify that the {which} can be restored, on {'the given server' if self._is_given else throw_away}"

    def _send(self) -> None:
        backups.require_made(self._backup["id"])
        self._drill.run(self._act, "database on the given server" if self._is_given else "server")

    def _act(self, place: _drill_place.Place) -> None:
        drill = self._drill
        archive = self._archive(place)
        with drill.phase("unpack"):
            dump = _drill_place.unpack(archive, place, self._engine)
        # On a server that is given it matters where the database itself is.
        names = (str(or_none(self._database["resource_id"]) or ""),)
        production = _drill_postgresql.Production(_hosts(self._database) if self._is_given else (), names)
        server = ENGINES[self._engine][1].Server(self._programs, place, self.params, production)
        with drill.phase("start"):
            server.start(dump)
            self._require_fit(server, dump)
        with drill.phase("restore"):
            known = drill.record["extensions"].get("production", {})
            more = sorted(set(known) - set(dump.extensions) - {PLPGSQL})
            done = server.restore(dump, jobs=self.params["jobs"], extensions=more)
            drill.record["left_out"] = done.left_out
            if done.problems:
                rest = f", and {done.more_problems} more" if done.more_problems else ""
                full = done.problems[0].startswith(_drill_place.DISK_FULL)
                hint = "Until it is restored with enough space, nothing is known of the backup." if full else ""
                raise DrillFailed(f"the backup could not be restored: {'; '.join(done.problems)}{rest}", hint=hint)
        with drill.phase("check"):
            self._measure(server)

    def _archive(self, place: _drill_place.Place) -> str:
        """The archive as a file. The SHA-256 of a copy is compared with that of the day on which it was made."""
        drill = self._drill
        if self._copy is not None:
            with drill.phase("decrypt"):
                return _copies.decrypted(self._copy, self.params["decrypt_command"], place.path, watch=Watch(drill))
        path = place.file("archive.tar.gz")
        with drill.phase("download"), Part(path + ".part", str(self._backup["id"])) as part:
            fetch(self.client, self._backup, part, drill.in_time)
            drill.record["source"].update(size=part.size, sha256=part.digest.hexdigest())
            publish(part, path, 0o600)
        return path

    def _require_fit(self, server: t.Any, dump: _drill_place.Dump) -> None:
        """Record what is restored on what. Refuse a PostgreSQL of another major version, or one that lacks extensions."""
        record = self._drill.record
        for name in ("content_bytes", "dumped_from", "dumped_by", "encoding", "provider", "locale"):
            record["source"][name] = getattr(dump, name)
        record["server"] = {"kind": server.kind, "version": server.version, "rehearsal": self._rehearsal}
        record["run"]["versions"].update(server=server.version, client=self._programs.client_version)
        if self._engine != "postgresql":
            return
        if int(server.version.split(".")[0]) != self._major:
            whose = f"{record['database']['version']}{' whose upgrade is rehearsed' if self._rehearsal else ''}"
            needed = f"{self._major} is needed for a database of {whose}"
            raise DrillFailed(f"the server is PostgreSQL {server.version}, and {needed}")
        record["extensions"]["archive"] = sorted(dump.extensions)
        known = record["extensions"]
        missing = _drill_measures.extensions(known, server.available, server.version, self._rehearsal)
        if missing:
            raise DrillFailed("; ".join(item["message"] for item in missing))

    def _measure(self, server: t.Any) -> None:
        params, record = self.params, self._drill.record
        contents = _drill_measures.counted(server, params["timeout"])
        found = list(contents.checks)
        if self._engine == "postgresql":
            known = {**record["extensions"], "restored": contents.extensions}
            found += _drill_measures.extensions(known, server.available, server.version, self._rehearsal)
            record["extensions"] = known
        found += _drill_measures.enough(contents, params)
        found += _drill_measures.compared(contents, self._last, params)
        made_at, timeout = record["source"]["made_at"], params["check_timeout"]
        moment = self.client.clock.wall() if made_at is None else _canon.instant_seconds(made_at)
        verdicts, record["checks"] = _drill_measures.asked(server, params["checks"], timeout)
        wanted, tables = self.asked.freshness, contents.tables
        fresh, record["freshness"] = _drill_measures.fresh(server, wanted, tables, moment, timeout)
        self._drill.checks += found + verdicts + fresh
        self._keep(contents)

    def _keep(self, contents: Contents) -> None:
        """Put the contents into the record."""
        record, params, last = self._drill.record, self.params, self._last
        tables, objects = (last.get(name) or {} for name in ("tables", "objects"))
        before = tables.get("counts") or {}
        ignored = sorted(name for name in contents.tables if _drill_measures.ignored(name, params))
        record["tables"] = {
            "counts": contents.tables,
            "compared": {name: [before[name], rows] for name, rows in contents.tables.items() if name in before and name not in ignored},
            "compared_with": {name: last[name] for name in ("id", "started_at")} if last else None,
            "highest": _drill_measures.highest(contents.tables, tables, params),
            "ignored": ignored,
            "not_run": sorted(contents.not_run),
        }  # fmt: skip
        marks = _drill_measures.highest(contents.objects, objects, params)
        record["objects"] = {**contents.objects, "sequences": contents.sequences, "highest": marks}
        record["bytes"] = contents.size

    def _follow(self) -> State:
        self._drill.judge()
        return {"leftovers": []}

    def result(self, state: State) -> dict[str, t.Any]:
        # In check mode what is wrong by now is what the drill would fail for. After a drill there is nothing wrong.
        self._drill.accept()
        try:
            self._drill.judge()
        except ScalingoError as error:
            error.doing = self._sentence
            raise
        return self._drill.told()

    def salvage(self) -> dict[str, t.Any]:
        return self._drill.told()


def _check_forms(params: Params) -> None:
    """Refuse what can be told to be wrong without the platform and without a server."""
    numbers = {f"min_size_change.{name}": value for name, value in (params["min_size_change"] or {}).items()}
    for name, (least, most) in RANGES.items():
        value = {**params, **numbers}.get(name, least)
        if not (math.isfinite(value) and least <= value <= most):
            allowed = f"from {least:g} up" if most == math.inf else f"from {least:g} to {most:g}"
            raise InvalidInput(f"{name} is {value:g}: use a number {allowed}")
    for name in PATHS:
        check_absolute(name, params[name])
    days = [deviation["until"] for deviation in params["deviations"]]
    for name, values, pattern, meant in (
        ("locale", [params["locale"]], r"[A-Za-z0-9_.@-]+", "a locale: use for example C.UTF-8"),
        ("server_service", [params["server_service"]], r"[^\s\[\]]+", "a service: use a name without blanks and brackets"),
        ("server_settings", params["server_settings"], r"[A-Za-z_][A-Za-z0-9_.]*", "the name of a setting: use for example work_mem"),
        ("deviations.until", days, r"\d{4}-\d\d-\d\d", "a date: use for example 2026-12-31"),
    ):  # fmt: skip
        for value in values:
            check_form(name, value, pattern, meant)
    if params["server_url"] is not None and not re.fullmatch(r"postgres(ql)?://\S+", params["server_url"]):
        raise InvalidInput("server_url is no URL: use one such as postgresql://drill@host/postgres")
    for name in ("decrypt_command", "timestamp_command"):
        _copies.check_command(name, params[name])


def _require_place(directory: str) -> None:
    """Refuse a directory in which no evidence can be written, or that cannot be made."""
    there = directory
    while not os.path.lexists(there) and there != os.path.dirname(there):
        there = os.path.dirname(there)
    if not os.path.isdir(there) or not os.access(there, os.W_OK | os.X_OK):
        message = f"evidence_dir is {directory}, where the user of the task cannot write"
        raise InvalidInput(message, hint="Give a directory that exists or can be made.")


def _hosts(database: State) -> tuple[str, ...]:
    """host:port of the database, as far as the platform says it."""
    instances = or_none(database["instances"]) or []
    found = [f"{item['hostname']}:{item['port']}" for item in instances if or_none(item["hostname"])]
    return tuple(filter(None, [str(or_none(database["hostname"]) or ""), *found]))
