# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""A drill: whether a backup can be restored, on a server that is thrown away, with evidence of what was seen.

The database itself is only read, through the API. Here stands what a drill is about and what it does; what comes of it is in `_drilling.py`.
"""

from __future__ import annotations

import os
import re
import typing as t

from .. import _canon, _copies, _drill_mariadb, _drill_measures, _drill_place, _drill_postgresql, _evidence
from .._api.backup import list_backups
from .._api.database import show_database
from .._api.postgresql import list_extensions
from .._change import Resource
from .._copy import Copy
from .._errors import DrillFailed, InvalidInput, ScalingoError
from .._options import check_absolute, check_count, check_form, check_writable, checked, parsed
from .._part import Part, publish
from .._progress import Watch
from .._shapes import or_none
from .._step import Outcome, Params, State, Step
from . import backup as backups
from ._drilling import Drill
from .backup_download import fetch

#: What a backup of each engine is restored by.
SERVERS: t.Mapping[str, type[_drill_place.Server]] = {
    server.engine: server for server in (_drill_postgresql.Server, _drill_mariadb.Server)
}
PLPGSQL = "plpgsql"
#: Options of which the engine has no part, but for PostgreSQL.
OF_POSTGRESQL = ("rehearse_upgrade", "server_service", "server_url")
#: So many of the problems of a restoration are told.
MOST_PROBLEMS = 20
#: The least and the most of what is a number.
RANGES: t.Mapping[str, tuple[float, float | None]] = {
    **dict.fromkeys(("jobs", "timeout", "check_timeout"), (1, None)),
    **dict.fromkeys(("min_tables", "min_rows"), (0, None)),
    **dict.fromkeys(("max_drop_percent", "max_erosion_percent", "min_size_change.percent"), (0, 100)),
    "min_size_change.backups": (2, None),
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
    _database: State
    _backup: State
    _copy: Copy | None = None
    _last: t.Mapping[str, t.Any]
    #: On what it is restored, once that is known.
    _server: t.Any = None

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
        fresh = [
            {**item, "max_age": checked("freshness.max_age", _canon.seconds, item["max_age"])}
            for item in params["freshness"]
        ]
        return Asked(age, spent, fresh)

    def __init__(self, *arguments: t.Any) -> None:
        super().__init__(*arguments)
        self._drill = Drill(self.client, self.params, self.asked.max_seconds)
        self._rehearsal = bool(self.params["rehearse_upgrade"])

    def _refuse(self, engine: str) -> None:
        super()._refuse(engine)
        if engine not in SERVERS:
            raise InvalidInput(f"drills restore PostgreSQL and MySQL, and not {engine}")
        for option in OF_POSTGRESQL if engine != "postgresql" else ():
            if self.params[option]:
                raise InvalidInput(f"{option} is for PostgreSQL, and this database is {engine}")

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
        if self._server is None:
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
        major = int(known[1]) + self._rehearsal
        if self._rehearsal:
            # Also when it fails before it has a server.
            record["rehearsal"] = {"from": version, "to": str(major)}
        if engine == "postgresql":
            extensions = {str(item["name"]): or_none(item["version"]) for item in list_extensions(client)}
            record["extensions"] = {"production": extensions}
        self._last = _evidence.last_good(params["evidence_dir"], client.addon_id, rehearsal=self._rehearsal)
        self._server = SERVERS[engine](major, params)

    def _read_source(self) -> None:
        """Choose the backup, or a copy. Judges its age, and whether the sizes of backups vary."""
        params, client, drill = self.params, self.client, self._drill
        if params["source"] == "copy":
            wanted = params["backup_id"] or ""
            self._copy = copy = _copies.find_copy(params["directory"], client.addon_id, wanted, watch=client.watch)
            backup = {"id": copy.backup_id, "size": copy.archive_size, "started_at": copy.started_at}
            more = {"sha256": copy.archive_sha256, "encrypted": copy.encrypted, "path": copy.path}
            sizes = self._sizes_of_copies(copy)
        else:
            # Before anything is looked for.
            self._refuse_without_consent([Step("download the backup", consent=self.export_consent())])
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

    def _sizes_of_copies(self, copy: Copy) -> list[int]:
        """The sizes of the backup and of those of earlier drills, the newest first."""
        sizes = {copy.backup_id: copy.archive_size}
        for entry in reversed(_evidence.entries(self.params["evidence_dir"])):
            source = entry.record.get("source") or {}
            if entry.record and entry.record["database"].get("addon_id") == self.client.addon_id and source.get("size"):
                sizes.setdefault(str(source.get("backup_id")), int(source["size"]))
        return list(sizes.values())

    # -- the drill ---------------------------------------------------------------------------------------------------

    def wanted(self, before: State) -> State:
        return {"leftovers": []}

    def steps(self, before: State, after: State) -> list[Step]:
        drill = Step(self._sentence, send=self._send, follow=self._follow)
        return [*(Step(f"remove what an earlier drill left: {path}") for path in before["leftovers"]), drill]

    @property
    def _sentence(self) -> str:
        server = self._server
        where = "the given server"
        if server.kind != "given":
            where = f"a throw-away server of {server.name} {server.major}"
        which = f"{'copy of the backup' if self._copy else 'backup'} {self._backup['id']}"
        return f"verify that the {which} can be restored, on {where}"

    def _send(self) -> None:
        backups.require_made(self._backup["id"])
        self._drill.run(self._act, "database on the given server" if self._server.kind == "given" else "server")

    def _act(self, place: _drill_place.Place) -> None:
        drill, record, server = self._drill, self._drill.record, self._server
        archive = self._archive(place)
        with drill.phase("unpack"):
            record["source"]["content_bytes"] = _drill_place.unpack(archive, place, server.engine)
        with drill.phase("start"):
            hosts = _hosts(self._database) if server.kind == "given" else ()
            server.start(place, hosts, str(or_none(self._database["resource_id"]) or ""))
            self._require_fit()
        with drill.phase("restore"):
            production = record["extensions"].get("production", {})
            problems, record["left_out"] = server.restore(sorted({*production} - {*server.extensions, PLPGSQL}))
            if problems:
                more = len(problems) - MOST_PROBLEMS
                said = "; ".join(problems[:MOST_PROBLEMS]) + (f", and {more} more" if more > 0 else "")
                raise place.failure("the backup could not be restored", said)
        with drill.phase("check"):
            self._measure()

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

    def _require_fit(self) -> None:
        """Record what is restored on what. Refuse a PostgreSQL of another major version, or one that lacks extensions."""
        record, server = self._drill.record, self._server
        record["source"].update(server.dumped)
        record["server"] = {"kind": server.kind, "version": server.version, "rehearsal": self._rehearsal}
        record["run"]["versions"].update(server=server.version, client=server.client_version)
        if server.engine != "postgresql":
            return
        if int(server.version.split(".")[0]) != server.major:
            whose = f"{record['database']['version']}{' whose upgrade is rehearsed' if self._rehearsal else ''}"
            needed = f"{server.major} is needed for a database of {whose}"
            raise DrillFailed(f"the server is PostgreSQL {server.version}, and {needed}")
        record["extensions"]["archive"] = sorted(server.extensions)
        missing = _drill_measures.missing(record["extensions"], server.available, server.version, self._rehearsal)
        if missing:
            raise DrillFailed("; ".join(missing))

    def _measure(self) -> None:
        params, record, server = self.params, self._drill.record, self._server
        timeout, made_at = params["check_timeout"], record["source"]["made_at"]
        found, checks = _drill_measures.counted(server, params["timeout"])
        restored = found.pop("extensions")
        record.update(found)
        if server.engine == "postgresql":
            record["extensions"]["restored"] = restored
            checks += _drill_measures.extensions(record["extensions"])
        checks += _drill_measures.enough(record, params)
        checks += _drill_measures.compared(record, self._last, params)
        verdicts, record["checks"] = _drill_measures.asked(server, params["checks"], timeout)
        moment = self.client.clock.wall() if made_at is None else _canon.instant_seconds(made_at)
        tables = record["tables"]["counts"]
        fresh, record["freshness"] = _drill_measures.fresh(server, self.asked.freshness, tables, moment, timeout)
        self._drill.checks += checks + verdicts + fresh

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
        check_count(name, {**params, **numbers}.get(name), most, least)
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
    # With a slash at its end it is no file.
    check_writable("evidence_dir", os.path.join(there, ""))


def _hosts(database: State) -> tuple[str, ...]:
    """host:port of the database, as far as the platform says it."""
    instances = or_none(database["instances"]) or []
    found = [f"{item['hostname']}:{item['port']}" for item in instances if or_none(item["hostname"])]
    return tuple(filter(None, [str(or_none(database["hostname"]) or ""), *found]))
