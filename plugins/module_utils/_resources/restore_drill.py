# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""A drill: whether a backup can be restored, on a server that is thrown away, with evidence of what was seen.

The database itself is only read, through the API. Here stands what a drill is about and what it needs; `_drilling.py` does it.
"""

from __future__ import annotations

import math
import os
import re
import typing as t

from .. import _canon, _copies, _drill_measures, _drill_place, _evidence
from .._api.backup import list_backups
from .._api.database import show_database
from .._api.postgresql import list_extensions
from .._change import Resource
from .._copy import Copy
from .._drill_measures import Limits
from .._errors import InvalidInput, ScalingoError
from .._options import check_form, checked, parsed
from .._shapes import or_none
from .._step import Consent, Outcome, Params, State, Step
from . import _drilling
from . import backup as backups
from ._drilling import Asked, Drill, Production, Subject

#: The least and the most of what is a number.
RANGES: t.Mapping[str, tuple[float, float | None]] = {
    "jobs": (1, None), "timeout": (1, None), "check_timeout": (1, None), "min_tables": (0, None), "min_rows": (0, None),
    "max_drop_percent": (0, 100), "max_erosion_percent": (0, 100),
}  # fmt: skip
PATHS = ("directory", "programs", "client_programs", "work_dir", "evidence_dir", "sign_key")


def _check_number(name: str, value: float, least: float, most: float | None) -> None:
    if not (math.isfinite(value) and least <= value <= (value if most is None else most)):
        allowed = f"from {least:g} up" if most is None else f"from {least:g} to {most:g}"
        raise InvalidInput(f"{name} is {value:g}: use a number {allowed}")


def _check_forms(params: Params) -> None:
    """Refuse what can be told to be wrong without the platform and without a server."""
    for name, (least, most) in RANGES.items():
        _check_number(name, params[name], least, most)
    for name in PATHS:
        if params[name] is not None and not os.path.isabs(params[name]):
            raise InvalidInput(f"{name} is {params[name]!r}: use an absolute path")
    sizes = params["min_size_change"]
    if sizes is not None:
        _check_number("min_size_change.backups", sizes["backups"], 2, None)
        _check_number("min_size_change.percent", sizes["percent"], 0, 100)
    check_form("locale", params["locale"], r"[A-Za-z0-9_.@-]+", "a locale: use for example C.UTF-8")
    check_form(
        "server_service", params["server_service"], r"[^\s\[\]]+", "a service: use a name without blanks and brackets"
    )
    if params["server_url"] is not None and not re.fullmatch(r"postgres(ql)?://\S+", params["server_url"]):
        raise InvalidInput("server_url is no URL: use one such as postgresql://drill@host/postgres")
    for name in params["server_settings"]:
        check_form(
            "server_settings", name, r"[A-Za-z_][A-Za-z0-9_.]*", "the name of a setting: use for example work_mem"
        )
    for deviation in params["deviations"]:
        check_form("deviations.until", deviation["until"], r"\d{4}-\d\d-\d\d", "a date: use for example 2026-12-31")
    for name in ("decrypt_command", "timestamp_command"):
        _copies.check_command(name, params[name])


class RestoreDrill(backups.WithArchives, Resource[State]):
    """Restore a backup and look at it. There is nothing to compare: every run is a drill."""

    imperative = True
    reading = "prepare the drill"
    asked: t.Any

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
        limits = Limits(
            params["max_drop_percent"], params["max_erosion_percent"], tuple(params["ignore_tables"]), params["min_tables"],
            params["min_rows"],
        )  # fmt: skip
        fresh = [
            {**item, "max_age": checked("freshness.max_age", _canon.seconds, item["max_age"])}
            for item in params["freshness"]
        ]
        age, spent = (parsed(params, name, _canon.seconds) for name in ("max_age", "max_seconds"))
        return Asked(age, spent, limits, tuple(fresh))

    def __init__(self, *arguments: t.Any) -> None:
        super().__init__(*arguments)
        settings = self.client.settings
        label = self.params["name"] or f"{settings.app or 'addon'}/{settings.addon or settings.addon_id}"
        self._drill = Drill(self.client, self.params, self.asked, label)
        self._subject: Subject | None = None

    def _refuse(self, engine: str) -> None:
        super()._refuse(engine)
        if engine not in _drilling.ENGINES:
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
        if self._subject is None:
            self._subject = self._read_subject()
        return {"leftovers": _drill_place.leftovers(self.params["work_dir"])}

    def _read_subject(self) -> Subject:
        params, client = self.params, self.client
        _drill_place.check(params["work_dir"])
        database = self.ask(lambda: show_database(client))
        engine = str(self.engine or database["type_name"])
        self._refuse(engine)
        self._describe(engine, database)
        backup, copy = self._source()
        major = self._major(engine, database)
        if params["rehearse_upgrade"]:
            # Also when it fails before it has a server.
            self._drill.record["rehearsal"] = {"from": or_none(database["readable_version"]), "to": str(major)}
        extensions = {}
        if engine == "postgresql":
            extensions = {str(item["name"]): or_none(item["version"]) for item in list_extensions(client)}
        last = _evidence.last_good(params["evidence_dir"], client.addon_id, rehearsal=params["rehearse_upgrade"])
        programs = _drilling.ENGINES[engine][1].find(major, params, look_only=True)
        # Where it is matters only to a drill on another server that is given.
        hosts = _hosts(database) if self._drill.is_given else ()
        production = Production(hosts, (str(or_none(database["resource_id"]) or ""),))
        return Subject(engine, major, backup, copy, programs, production, extensions, last or {})

    def _describe(self, engine: str, database: State) -> None:
        client = self.client
        classes = ["secnumcloud"] if "secnum" in client.region else []
        classes += ["health"] if client.settings.app and client.target.holds_health() else []
        self._drill.record["database"].update(
            addon=client.settings.addon, addon_id=client.addon_id, engine=engine, version=or_none(database["readable_version"]),
            plan=or_none(database["plan"]), classes=classes,
        )  # fmt: skip

    def _major(self, engine: str, database: State) -> int:
        """The major version of the server that is needed."""
        version = re.match(r"(\d+)\.", str(or_none(database["readable_version"])))
        if version is None:
            raise InvalidInput("the platform does not say which version the database has, so no server can be chosen")
        if self.params["rehearse_upgrade"] and engine != "postgresql":
            raise InvalidInput(f"rehearse_upgrade is for PostgreSQL, and this database is {engine}")
        return int(version.group(1)) + bool(self.params["rehearse_upgrade"])

    def _source(self) -> tuple[State, Copy | None]:
        """The backup, and the copy of it when it comes from there. Judges its age, and whether the sizes of backups vary."""
        params, client, drill = self.params, self.client, self._drill
        copy: Copy | None = None
        made_at: str | None
        if params["source"] == "copy":
            copy = _copies.find_copy(
                params["directory"], client.addon_id, params["backup_id"] or "", watch=client.watch
            )
            backup: State = {"id": copy.backup.id, "size": copy.archive.size}
            made_at, sizes = copy.backup.started_at, self._sizes_of_copies(copy)
            more = {"sha256": copy.archive.sha256, "encrypted": copy.encrypted, "path": copy.path}
        else:
            self._require_export()
            made = params["backup_id"] != backups.NOT_MADE
            listed = backups.newest_first(list_backups(client)) if made else []
            backup = backups.chosen(listed, params["backup_id"], self.is_ahead)
            made_at = backups.began(backup)
            sizes = [int(item["size"]) for item in listed if item["status"] == backups.DONE and or_none(item["size"])]
            more = {"sha256": None, "encrypted": False}
        source = {"backup_id": backup["id"], "made_at": made_at, "size": or_none(backup["size"]), **more}
        drill.record["source"].update(source)
        age, most = None, self.asked.max_age
        if made_at is not None and not self.is_ahead({"id": backup["id"], "started_at": made_at}):
            age = round(backups.age(made_at, client.date, client.clock.wall()))
        verdict, checks = _drill_measures.objective("rpo", age, most, "the backup is {} old; {} are allowed (max_age)")
        if verdict["verdict"] == "unknown" and backup["id"] != backups.NOT_MADE:
            began = "when it began is not known" if made_at is None else f"it began at {made_at}, in the future"
            checks = [
                _drill_measures.check("rpo", "rpo", False, f"how old the backup is cannot be told (max_age): {began}")
            ]
        drill.record["rpo"] = {"age_seconds": age, "max_age_seconds": most, **verdict}
        wanted = params["min_size_change"]
        drill.checks += checks
        drill.checks += _drill_measures.varied(sizes, wanted["backups"], wanted["percent"]) if wanted else []
        return backup, copy

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
            record = entry.record or {}
            source = record.get("source") or {}
            if (record.get("database") or {}).get("addon_id") == self.client.addon_id and source.get("size"):
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
        subject = t.cast(Subject, self._subject)
        where = "the given server" if self._drill.is_given else f"a throw-away server of {subject.server}"
        which = f"{'backup' if subject.copy is None else 'copy of the backup'} {subject.backup['id']}"
        return f"verify that the {which} can be restored, on {where}"

    def _send(self) -> None:
        subject = t.cast(Subject, self._subject)
        backups.require_made(subject.backup["id"])
        self._drill.run(subject)

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


def _require_place(directory: str) -> None:
    """Refuse a directory in which no evidence can be written, or that cannot be made."""
    there = directory
    while not os.path.lexists(there) and there != os.path.dirname(there):
        there = os.path.dirname(there)
    if not os.path.isdir(there) or not os.access(there, os.W_OK | os.X_OK):
        raise InvalidInput(
            f"evidence_dir is {directory}, where the user of the task cannot write",
            hint="Give a directory that exists or can be made.",
        )


def _hosts(database: State) -> tuple[str, ...]:
    """host:port of the database, as far as the platform says it."""
    instances = or_none(database["instances"]) or []
    found = [f"{item['hostname']}:{item['port']}" for item in instances if or_none(item["hostname"])]
    return tuple(filter(None, [str(or_none(database["hostname"]) or ""), *found]))
