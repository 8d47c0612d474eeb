# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""What comes of a drill: its phases and their time, what was found, the verdict, the evidence, and what to do next.

Whatever is made is removed before anything is judged. Evidence is written for every drill that has begun, however it ends.
"""

from __future__ import annotations

import contextlib
import os
import pwd
import socket
import sys
import typing as t
import uuid

from ansible.module_utils.ansible_release import __version__ as core_version

from .. import _drill_measures, _drill_place, _evidence
from .._client import Client
from .._core import moment
from .._drill_measures import Check
from .._errors import DrillFailed, ScalingoError, visible
from .._progress import Progress
from .._step import Params
from .._transport import VERSION

#: The phases that bring a database back: their seconds are those of max_seconds.
RECOVERY = ("download", "decrypt", "unpack", "start", "restore")
#: Phases that say nothing of the backup when they fail.
BEFORE = ("prepare", "download", "decrypt")


class TimeOver(Exception):
    """The time for the drill is over. Not an error of what is being done, so that nobody takes it for one."""


class Drill:
    """A drill, with the record that becomes its evidence. It watches its own time: it is the watcher of what it starts.

    `max_seconds` is how long it may take to bring the database back, if that is limited.
    """

    def __init__(self, client: Client, params: Params, max_seconds: float | None) -> None:
        self.client = client
        self.params = params
        app, addon = client.settings.app, client.settings.addon or client.settings.addon_id
        self.label = params["name"] or f"{app or 'addon'}/{addon}"
        self.checks: list[Check] = []
        self._max_seconds = max_seconds
        self._written: _evidence.Entry | None = None
        self._phase, self._phases = "prepare", dict[str, float]()
        self._error: ScalingoError | None = None
        self._begun = client.clock.now()
        #: When its time is over, by the clock of the client.
        self._end: float | None = None
        user = params["user"]
        with contextlib.suppress(KeyError):
            user = user or pwd.getpwuid(os.geteuid()).pw_name
        versions = {"collection": VERSION, "ansible_core": core_version, "python": sys.version.split()[0]}
        self.record: dict[str, t.Any] = {
            "id": str(uuid.uuid4()),
            "started_at": moment(client.clock.wall()),
            "run": {
                "job": params["job"], "user": user, "change_reference": params["change_reference"],
                "controller": socket.gethostname(), "versions": versions,
            },
            "database": {"name": self.label, "app": app, "region": client.region},
            "source": {"kind": params["source"]},
            "rpo": {"verdict": "not_asked"},
            "rto": {"verdict": "not_asked"},
            **dict.fromkeys(("ended_at", "outcome", "failed_in", "server", "rehearsal", "erased")),
            **{name: {} for name in ("extensions", "tables", "objects", "left_out")},
            **{name: [] for name in ("findings", "checks", "freshness", "deviations", "checked")},
        }  # fmt: skip

    # -- as a watcher ------------------------------------------------------------------------------------------------

    def alive(self) -> None:
        """Raise `RunEnded` when the run has ended, and `TimeOver` when the time for the drill is over."""
        self.client.watch.alive()
        doing = f"drilling the backup {self.record['source'].get('backup_id')}"
        self.client.watch.tell(doing, self._phase, self.client.clock.now() - self._begun)
        self.in_time()

    def in_time(self) -> None:
        """Raise `TimeOver` when the time for the drill is over."""
        if self._end is not None and self.client.clock.now() > self._end:
            raise TimeOver

    def progress(self, progress: Progress) -> None:
        """Nothing: it tells by itself how far it is."""

    @contextlib.contextmanager
    def phase(self, name: str) -> t.Iterator[None]:
        """A phase of the drill, whose seconds are in the evidence."""
        self._phase, begun = name, self.client.clock.now()
        self.alive()
        try:
            yield
        finally:
            self._phases[name] = round(self.client.clock.now() - begun, 3)

    # -- from its beginning to its evidence --------------------------------------------------------------------------

    def run(self, act: t.Callable[[_drill_place.Place], None], removed: str) -> None:
        """Do it in a workspace, remove everything, and write the evidence; `removed` names what beside archive and dump.

        Raises only what ends the run; `judge` says what came of it.
        """
        self._end = self.client.clock.now() + self.params["timeout"]
        error: ScalingoError | None = None
        try:
            with _drill_place.Place.made(self.params["work_dir"], self.label, self) as place:
                try:
                    act(place)
                finally:
                    self._erase(place, removed)
        except ScalingoError as failed:
            error = failed
        except TimeOver:
            message = f"the time for the drill is over, which is {self.params['timeout']:g} seconds"
            error = DrillFailed(message, hint="Give it more with timeout.")
        except BaseException as ended:
            # Everything is removed by now. Who ends the run may not wait for more.
            error = DrillFailed("the run was ended")
            if isinstance(ended, Exception):
                error = DrillFailed(f"the drill met a defect of the collection ({type(ended).__name__})")
            with contextlib.suppress(Exception):
                self.conclude(error, interrupted=not isinstance(ended, Exception))
            raise
        self.conclude(error)

    def _erase(self, place: _drill_place.Place, removed: str) -> None:
        """Remove everything, and say when. No limit of time keeps it from that."""
        self._end, begun = None, self.client.clock.now()
        self.record["erased"] = {"at": None, "what": ["archive", "dump", removed], "swept": place.swept}
        try:
            place.erase()
            self.record["erased"]["at"] = moment(self.client.clock.wall())
        except DrillFailed as error:
            self.checks.append(_drill_measures.check("erase", "workspace", False, error.message))
        self._phases["erase"] = round(self.client.clock.now() - begun, 3)

    def conclude(self, error: ScalingoError | None, interrupted: bool = False) -> None:
        """Judge it, and write the evidence. `error` is what it met."""
        record, phases, now = self.record, self._phases, self.client.clock.wall()
        self._error = error
        seconds = None
        if error is None and "restore" in phases:
            seconds = round(sum(phases.get(name, 0.0) for name in RECOVERY), 3)
        what = "bringing the database back took {}; {} are allowed (max_seconds)"
        verdict, checks = _drill_measures.objective("rto", seconds, self._max_seconds, what)
        record["rto"] = {"seconds": seconds, "max_seconds": self._max_seconds, **verdict, "phases": dict(phases)}
        self.checks += checks
        self.accept()
        record["checked"] = [dict(item) for item in self.checks]
        record.update(findings=self.findings, ended_at=moment(now))
        if error is not None:
            record["failed_in"] = getattr(error, "phase", "") or self._phase
            interrupted = interrupted or error.interrupted
        record["outcome"] = "interrupted" if interrupted else "failed" if record["findings"] else "passed"
        self._write(now)

    def accept(self) -> None:
        """Excuse what a deviation names."""
        today = moment(self.client.clock.wall())[:10]
        self.record["deviations"] = _drill_measures.accept(self.checks, self.params["deviations"], today)

    def _write(self, now: float) -> None:
        """Write the evidence. A drill without evidence did not pass."""
        params, record = self.params, self.record
        failure: ScalingoError | None
        try:
            self._written = written = _evidence.write(
                params["evidence_dir"], record, now=now, sign_key=params["sign_key"],
                timestamp_command=params["timestamp_command"], watcher=self,
            )  # fmt: skip
            failure = written.unsealed
            if written.record["previous"] is None:
                advice = "Keep its SHA-256 elsewhere: that alone shows later when the directory was emptied."
                self.client.transport.verbose(f"This is the first evidence in {params['evidence_dir']}. {advice}")
        except ScalingoError as error:
            error.message = f"no evidence of the drill was written: {error.message}"
            failure = error
        if failure is None:
            return
        if self._error is None:
            self._error, self._phase = failure, "evidence"
        else:
            self._error.message += f"; {failure.message}"
        record.update(findings=self.findings, failed_in=record["failed_in"] or "evidence")
        record["outcome"] = "failed" if record["outcome"] == "passed" else record["outcome"]

    # -- what came of it ---------------------------------------------------------------------------------------------

    @property
    def findings(self) -> list[str]:
        """What is wrong, in sentences, but for what was accepted."""
        met = [visible(self._error.message)] if self._error else []
        return list(dict.fromkeys([*(item["message"] for item in _drill_measures.wrong(self.checks)), *met]))

    def judge(self) -> None:
        """Raise what kept it from being done, or `DrillFailed` for what was found."""
        found = self.findings
        if self._error is not None and len(found) == 1 and not isinstance(self._error, DrillFailed):
            raise self._error
        if found:
            phase = self.record["failed_in"] or "check"
            raise DrillFailed("; ".join(found), phase=phase, hint=" ".join(self.next_steps))

    @property
    def next_steps(self) -> list[str]:
        """What to do about the findings."""
        record, error, phase = self.record, self._error, self.record["failed_in"]
        if not self.findings:
            return []
        if error is not None and error.hint:
            return [error.hint]
        if record["outcome"] == "interrupted":
            return ["Run the drill again later."]
        if self.params["rehearse_upgrade"] and phase not in BEFORE:
            return [f"Do not upgrade {self.label} before this is solved."]
        if phase in (*BEFORE, "start"):
            return ["Nothing was restored, so nothing is known of the backup. Solve this, and run the drill again."]
        bad = _drill_measures.wrong(self.checks)
        if bad and {item["kind"] for item in bad} <= {"rpo", "rto", "sizes", "freshness"}:
            steps = ["The backup was restored. Look why it is as it is."]
        else:
            backup = record["source"].get("backup_id")
            steps = [f"Take the backup {backup} for one that does not restore until you know why."]
            steps.append("Drill a newer one, or an older one with backup_id.")
        # The number of all rows is not compared.
        if any(item["kind"] in ("rows", "objects", "sequence") and item["name"] != "number" for item in bad):
            steps.append("If the database is meant to be so, accept it once with max_drop_percent: 100.")
        return steps

    def told(self) -> dict[str, t.Any]:
        """What a task returns of it."""
        written = self._written
        return {
            "evidence": written.record if written else self.record,
            "evidence_file": written.path if written else None,
            "evidence_sha256": written.sha256 if written else None,
            "findings": self.findings,
            "next_steps": self.next_steps,
        }
