# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""One drill from its archive to its evidence: what it does in which phase, what came of it, and what to do next.

Whatever is made is removed before anything is judged. Evidence is written for every drill that has begun, however it ends.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import pwd
import socket
import sys
import typing as t
import uuid

from ansible.module_utils.ansible_release import __version__ as core_version

from .. import _canon, _copies, _drill_mariadb, _drill_measures, _drill_place, _drill_postgresql, _evidence, _part
from .._client import Client
from .._copy import Copy
from .._drill_measures import Check, Contents, Limits
from .._errors import DrillFailed, ScalingoError, visible
from .._progress import Progress, Watch
from .._step import Params, State
from .._transport import VERSION
from .backup_download import fetch

#: What there is of each engine: its name, and `find` and `Server`.
ENGINES: t.Mapping[str, tuple[str, t.Any]] = {
    "postgresql": ("PostgreSQL", _drill_postgresql),
    "mysql": ("MySQL", _drill_mariadb),
}
#: The phases that bring a database back: their seconds are those of max_seconds.
RECOVERY = ("download", "decrypt", "unpack", "start", "restore")
#: Phases that say nothing of the backup when they fail.
BEFORE = ("prepare", "download", "decrypt")
PLPGSQL = "plpgsql"


@dataclasses.dataclass(frozen=True)
class Asked:
    """What a task asks of what it restores. Times are seconds."""

    max_age: float | None
    max_seconds: float | None
    limits: Limits
    freshness: tuple[dict[str, t.Any], ...]


@dataclasses.dataclass(frozen=True)
class Production:
    """The database itself, on whose server nothing is made: host:port of its instances, and its own database and user."""

    hosts: tuple[str, ...]
    names: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Subject:
    """What a drill is about: a backup of the platform or a copy, and where it is restored."""

    engine: str
    major: int
    backup: State
    copy: Copy | None
    programs: t.Any
    production: Production
    #: Extensions of the database, by name with their versions.
    extensions: t.Mapping[str, str | None]
    #: The record of the last good drill, or nothing.
    last: t.Mapping[str, t.Any]

    @property
    def server(self) -> str:
        """The server that is needed, for people."""
        return f"{ENGINES[self.engine][0]} {self.major}"


class TimeOver(Exception):
    """The time for the drill is over. Not an error of what is being done, so that nobody takes it for one."""


class Drill:
    """A drill, with the record that becomes its evidence. It watches its own time: it is the watcher of what it starts."""

    def __init__(self, client: Client, params: Params, asked: Asked, label: str) -> None:
        self.client = client
        self.params = params
        self.asked = asked
        self.label = label
        self.checks: list[Check] = []
        self.written: _evidence.Written | None = None
        self._phase = "prepare"
        self._phases: dict[str, float] = {}
        self._error: ScalingoError | None = None
        self._begun = client.clock.now()
        #: When its time is over, by the clock of the client.
        self._end: float | None = None
        self.record: dict[str, t.Any] = {
            "id": str(uuid.uuid4()),
            "started_at": _drill_measures.moment(client.clock.wall()),
            "ended_at": None,
            "outcome": None,
            "findings": [],
            "failed_in": None,
            "run": self._run_facts(),
            "database": {"name": label, "app": client.settings.app, "region": client.region},
            "source": {"kind": params["source"]},
            "rpo": {"verdict": "not_asked"},
            "rto": {"verdict": "not_asked"},
            **{name: None for name in ("server", "rehearsal", "erased")},
            **{name: {} for name in ("extensions", "tables", "objects", "left_out")},
            **{name: [] for name in ("checks", "freshness", "deviations", "checked")},
        }

    def _run_facts(self) -> dict[str, t.Any]:
        user = self.params["user"]
        if not user:
            with contextlib.suppress(KeyError):
                user = pwd.getpwuid(os.geteuid()).pw_name
        versions = {"collection": VERSION, "ansible_core": core_version, "python": sys.version.split()[0]}
        return {
            "job": self.params["job"], "user": user, "change_reference": self.params["change_reference"],
            "controller": socket.gethostname(), "versions": versions,
        }  # fmt: skip

    # -- as a watcher ------------------------------------------------------------------------------------------------

    def alive(self) -> None:
        """Raise `RunEnded` when the run has ended, and `TimeOver` when the time for the drill is over."""
        self.client.watch.alive()
        now = self.client.clock.now()
        doing = f"drilling the backup {self.record['source'].get('backup_id')}"
        self.client.watch.tell(doing, self._phase, now - self._begun)
        self.in_time()

    def in_time(self) -> None:
        """Raise `TimeOver` when the time for the drill is over."""
        if self._end is not None and self.client.clock.now() > self._end:
            raise TimeOver

    def progress(self, progress: Progress) -> None:
        """Nothing: it tells by itself how far it is."""

    @contextlib.contextmanager
    def _in(self, phase: str) -> t.Iterator[None]:
        """A phase of the drill."""
        self._phase, begun = phase, self.client.clock.now()
        self.alive()
        try:
            yield
        finally:
            self._phases[phase] = round(self.client.clock.now() - begun, 3)

    # -- what it does ------------------------------------------------------------------------------------------------

    def run(self, subject: Subject) -> None:
        """Do it, remove everything, and write the evidence. Raises only what ends the run; `judge` says what came of it."""
        self._end = self.client.clock.now() + self.params["timeout"]
        error: ScalingoError | None = None
        try:
            with _drill_place.Place.made(self.params["work_dir"], self.label, self) as place:
                self._in_place(subject, place)
        except ScalingoError as failed:
            error = failed
        except TimeOver:
            message = f"the time for the drill is over, which is {self.params['timeout']:g} seconds"
            error = DrillFailed(message, hint="Give it more with timeout.")
        except BaseException as ended:
            # Everything is removed by now. Who ends the run may not wait for more.
            defect = isinstance(ended, Exception)
            with contextlib.suppress(Exception):
                message = (
                    f"the drill met a defect of the collection ({type(ended).__name__})"
                    if defect
                    else "the run was ended"
                )
                self.conclude(DrillFailed(message), interrupted=not defect)
            raise
        self.conclude(error)

    def _in_place(self, subject: Subject, place: _drill_place.Place) -> None:
        try:
            archive = self._archive(subject, place)
            with self._in("unpack"):
                dump = _drill_place.unpack(archive, place, subject.engine)
            server = ENGINES[subject.engine][1].Server(subject.programs, place, self.params, subject.production)
            self._restore(subject, server, dump)
            with self._in("check"):
                self._measure(subject, server)
        finally:
            # No limit keeps it from removing everything.
            self._end, begun = None, self.client.clock.now()
            what = ["archive", "dump", "database on the given server" if self.is_given else "server"]
            self.record["erased"] = {"at": None, "what": what, "swept": place.swept}
            try:
                self.record["erased"]["at"] = place.erase()
            except DrillFailed as error:
                self.checks.append(_drill_measures.check("erase", "workspace", False, error.message))
            self._phases["erase"] = round(self.client.clock.now() - begun, 3)

    @property
    def is_given(self) -> bool:
        """Whether the user names a server to restore on."""
        return bool(self.params["server_service"] or self.params["server_url"])

    def _archive(self, subject: Subject, place: _drill_place.Place) -> str:
        """The archive as a file. The SHA-256 of a copy is compared with that of the day on which it was made."""
        if subject.copy is not None:
            with self._in("decrypt"):
                return _copies.decrypted(subject.copy, self.params["decrypt_command"], place.path, watch=Watch(self))
        path = os.path.join(place.path, "archive.tar.gz")
        with self._in("download"), _part.Part(path + ".part", str(subject.backup["id"])) as part:
            fetch(self.client, subject.backup, part, self.in_time)
            self.record["source"].update(size=part.size, sha256=part.digest.hexdigest())
            _part.publish(part, path, 0o600)
        return path

    def _restore(self, subject: Subject, server: t.Any, dump: _drill_place.Dump) -> None:
        record, rehearsal = self.record, bool(self.params["rehearse_upgrade"])
        with self._in("start"):
            server.start(dump)
            for name in ("content_bytes", "dumped_from", "dumped_by", "encoding", "provider", "locale"):
                record["source"][name] = getattr(dump, name)
            record["server"] = {"kind": server.kind, "version": server.version, "rehearsal": rehearsal}
            client = subject.programs.client_version
            record["run"]["versions"].update(server=server.version, client=client)
            if subject.engine == "postgresql":
                self._require_fit(subject, server, dump)
        with self._in("restore"):
            more = sorted(set(subject.extensions) - set(dump.extensions) - {PLPGSQL})
            done = server.restore(dump, jobs=self.params["jobs"], extensions=more)
            record["left_out"] = done.left_out
            if done.problems:
                rest = f", and {done.more_problems} more" if done.more_problems else ""
                full = done.problems[0].startswith(_drill_place.DISK_FULL)
                hint = "Until it is restored with enough space, nothing is known of the backup." if full else ""
                raise DrillFailed(f"the backup could not be restored: {'; '.join(done.problems)}{rest}", hint=hint)

    def _require_fit(self, subject: Subject, server: t.Any, dump: _drill_place.Dump) -> None:
        """Refuse a server of another major version, or one that lacks extensions."""
        rehearsal = bool(self.params["rehearse_upgrade"])
        if int(server.version.split(".")[0]) != subject.major:
            version = self.record["database"]["version"]
            why = " whose upgrade is rehearsed" if rehearsal else ""
            message = f"the server is PostgreSQL {server.version}, and {subject.major} is needed for a database of {version}{why}"
            raise DrillFailed(message)
        self.record["extensions"] = {"production": dict(subject.extensions), "archive": sorted(dump.extensions)}
        missing = _drill_measures.extensions(
            subject.extensions, dump.extensions, server.available, server.version, rehearsal
        )
        if missing:
            raise DrillFailed("; ".join(item["message"] for item in missing))

    def _measure(self, subject: Subject, server: t.Any) -> None:
        params, asked, record = self.params, self.asked, self.record
        contents = _drill_measures.counted(server, params["timeout"])
        checks = list(contents.checks)
        if subject.engine == "postgresql":
            known, available, rehearsal = record["extensions"], server.available, bool(params["rehearse_upgrade"])
            checks += _drill_measures.extensions(
                subject.extensions, known["archive"], available, server.version, rehearsal, contents.extensions
            )
            known["restored"] = contents.extensions
        checks += _drill_measures.enough(contents, asked.limits)
        checks += _drill_measures.compared(contents, subject.last, asked.limits)
        verdicts, record["checks"] = _drill_measures.asked(server, params["checks"], params["check_timeout"])
        made_at = record["source"]["made_at"]
        moment = self.client.clock.wall() if made_at is None else _canon.instant_seconds(made_at)
        fresh, record["freshness"] = _drill_measures.fresh(
            server, asked.freshness, contents, moment, params["check_timeout"]
        )
        self.checks += checks + verdicts + fresh
        self._keep(subject, contents)

    def _keep(self, subject: Subject, contents: Contents) -> None:
        """Put the contents into the record."""
        record, limits, last = self.record, self.asked.limits, subject.last
        tables, objects = (last.get(name) or {} for name in ("tables", "objects"))
        before = tables.get("counts") or {}
        both = {name: [before[name], rows] for name, rows in contents.tables.items() if name in before}
        record["tables"] = {
            "counts": contents.tables,
            "compared": {name: pair for name, pair in both.items() if not limits.ignored(name)},
            "compared_with": {name: last[name] for name in ("id", "started_at")} if last else None,
            "highest": _drill_measures.highest(contents.tables, tables, limits),
            "ignored": sorted(filter(limits.ignored, contents.tables)),
            "not_run": sorted(contents.not_run),
        }
        marks = _drill_measures.highest(contents.objects, objects, limits)
        record["objects"] = {**contents.objects, "sequences": contents.sequences, "highest": marks}
        record["bytes"] = contents.size

    # -- what came of it ---------------------------------------------------------------------------------------------

    def conclude(self, error: ScalingoError | None, interrupted: bool = False) -> None:
        """Judge it, and write the evidence. `error` is what it met."""
        record, phases = self.record, self._phases
        self._error = error
        recovered = error is None and "restore" in phases
        seconds = round(sum(phases.get(name, 0.0) for name in RECOVERY), 3) if recovered else None
        most, now = self.asked.max_seconds, self.client.clock.wall()
        verdict, checks = _drill_measures.objective(
            "rto", seconds, most, "bringing the database back took {}; {} are allowed (max_seconds)"
        )
        record["rto"] = {"seconds": seconds, "max_seconds": most, **verdict, "phases": dict(phases)}
        self.checks += checks
        self.accept()
        record["checked"] = [dict(item) for item in self.checks]
        record["findings"] = self.findings
        if error is not None:
            record["failed_in"] = getattr(error, "phase", "") or self._phase
            interrupted = interrupted or error.interrupted
        record["outcome"] = "interrupted" if interrupted else "failed" if record["findings"] else "passed"
        record["ended_at"] = _drill_measures.moment(now)
        self._write(now)

    def accept(self) -> None:
        """Excuse what a deviation names."""
        today = _drill_measures.moment(self.client.clock.wall())[:10]
        self.record["deviations"] = _drill_measures.accept(self.checks, self.params["deviations"], today)

    def _write(self, now: float) -> None:
        """Write the evidence. A drill without evidence did not pass."""
        params, record = self.params, self.record
        failure: ScalingoError
        try:
            self.written = _evidence.write(
                params["evidence_dir"], record, now=now, sign_key=params["sign_key"],
                timestamp_command=params["timestamp_command"] or None, watcher=self,
            )  # fmt: skip
            return
        except _evidence.Unsealed as error:
            self.written, failure = error.written, error
        except ScalingoError as error:
            error.message = f"no evidence of the drill was written: {error.message}"
            failure = error
        if self._error is None:
            self._error, self._phase = failure, "evidence"
        else:
            self._error.message += f"; {failure.message}"
        record.update(findings=self.findings, failed_in=record["failed_in"] or "evidence")
        record["outcome"] = "failed" if record["outcome"] == "passed" else record["outcome"]

    @property
    def findings(self) -> list[str]:
        """What is wrong, in sentences, but for what was accepted."""
        met = [visible(self._error.message)] if self._error else []
        return list(dict.fromkeys([*_drill_measures.findings(self.checks), *met]))

    def judge(self) -> None:
        """Raise what kept it from being done, or `DrillFailed` for what was found."""
        found = self.findings
        if self._error is not None and len(found) == 1 and not isinstance(self._error, DrillFailed):
            raise self._error
        if found:
            raise DrillFailed(
                "; ".join(found), phase=self.record["failed_in"] or "check", hint=" ".join(self.next_steps)
            )

    @property
    def next_steps(self) -> list[str]:
        """What to do about the findings."""
        record, error = self.record, self._error
        if not self.findings:
            return []
        if error is not None and error.hint:
            return [error.hint]
        if record["outcome"] == "interrupted":
            return ["Run the drill again later."]
        if self.params["rehearse_upgrade"] and record["failed_in"] not in BEFORE:
            return [f"Do not upgrade {self.label} before this is solved."]
        if record["failed_in"] in (*BEFORE, "start"):
            return ["Nothing was restored, so nothing is known of the backup. Solve this, and run the drill again."]
        bad = [item for item in self.checks if not item["passed"] and not item.get("accepted")]
        kinds = {item["kind"] for item in bad}
        backup = record["source"].get("backup_id")
        steps = [
            f"Take the backup {backup} for one that does not restore until you know why.",
            "Drill a newer one, or an older one with backup_id.",
        ]
        if kinds <= {"rpo", "rto", "sizes", "freshness"}:
            steps = ["The backup was restored. Look why it is as it is."] if kinds else steps
        # The number of all rows is not compared.
        if any(item["kind"] in ("rows", "objects", "sequence") and item["name"] != "number" for item in bad):
            steps.append("If the database is meant to be so, accept it once with max_drop_percent: 100.")
        return steps

    def told(self) -> dict[str, t.Any]:
        """What a task returns of it."""
        written = self.written
        return {
            "evidence": self.record if written is None else written.record,
            "evidence_file": None if written is None else written.path,
            "evidence_sha256": None if written is None else written.sha256,
            "findings": self.findings,
            "next_steps": self.next_steps,
        }
