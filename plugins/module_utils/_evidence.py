# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""The evidence of drills: one JSON file for each, in a chain, signed if asked. docs/evidence.md says what is in it and what the chain can show.

A directory holds the evidence of many databases. Its files are numbered from 1, in the order in which they were written. Each names the file
before it with its digest, and `newest.json` names the last one. Nothing here removes or changes evidence.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import hashlib
import json
import os
import re
import time
import typing as t
import xml.etree.ElementTree as ElementTree

from . import _files, _programs
from ._errors import ScalingoError, legible, visible
from ._progress import Watch, Watcher

Record = dict[str, t.Any]
#: `_programs.run`, or what stands in for it.
Run = t.Callable[..., _programs.Done]

FORMAT = 1
#: What a signature is for, so that one that was made for something else is not taken for it.
NAMESPACE = "community.scalingo.restore_drill"
NEWEST = "newest.json"
#: How long a program for a signature or a time stamp may take, and how long another drill that writes is waited for; in seconds.
PROGRAM_SECONDS = 60.0
LOCK_SECONDS = 300.0

_NAME = re.compile(r"(.+)\.([A-Za-z0-9_-]+)\.[0-9]{8}T[0-9]{6}Z\.([0-9]{6,12})\.json")
#: What is a dictionary, or none.
_PARTS = ("database", "server", "rehearsal", "previous", "signature", "timestamp", "junit")
# What XML cannot hold, not even as a reference.
_NOT_XML = re.compile("[\ufffe\uffff]")


class Unsealed(ScalingoError):
    """The signature or the time stamp could not be made. The evidence is in `written`, as that of a drill that failed."""

    part = ""
    written: Written


@dataclasses.dataclass(frozen=True)
class Written:
    """Evidence that was written: its paths, its number in the directory, and the SHA-256 of its file."""

    path: str
    number: int
    sha256: str
    signature: str | None
    timestamp: str | None
    junit: str
    record: Record


@dataclasses.dataclass(frozen=True)
class Entry:
    """Evidence that was found. Without a record `problem` says why, and `damaged` whether it is there and is none. `addon` is that of its name."""

    file: str
    number: int
    addon: str
    sha256: str
    record: Record | None
    problem: str = ""
    damaged: bool = False


# -- writing --------------------------------------------------------------------------------------------------------------


def write(
    directory: str, record: Record, *, now: float, sign_key: str | None = None, sign_namespace: str = NAMESPACE,
    timestamp_command: t.Sequence[str] | None = None, watcher: Watcher | None = None, run: Run = _programs.run,
) -> Written:  # fmt: skip
    """Write the evidence of a drill with its signature, its time stamp and a JUnit report; `now` is in seconds since 1970.

    Adds `format`, `number`, `file`, `written_at`, `previous`, `signature`, `timestamp` and `junit` to the record. In the words of
    `timestamp_command`, {input} is the evidence, and {output} the file to make. Raises `Unsealed` when a signature or a time stamp fails: by
    then the evidence is written, as that of a failed drill. Raises `ScalingoError` when it cannot be written.
    """
    database = record.get("database") or {}
    problem: Unsealed | None = None
    try:
        with _locked(directory, watcher):
            previous = _newest(directory)
            number = previous["number"] + 1 if previous else 1
            name = _name(database, str(record["started_at"]), number)
            whole: Record = {
                **record,
                "format": FORMAT,
                "number": number,
                "file": name,
                "written_at": _moment(now),
                "previous": previous and {key: previous[key] for key in ("file", "sha256", "newest_was")},
                "signature": {"file": f"{name}.sig", "namespace": sign_namespace} if sign_key else None,
                "timestamp": {"file": f"{name}.tsr"} if timestamp_command else None,
            }
            seal = _Seal(directory, sign_key or "", timestamp_command or (), watcher, run)
            while True:
                try:
                    files = seal.files(whole)
                    break
                except Unsealed as error:
                    problem = error
                    findings = [*(whole.get("findings") or ()), error.message]
                    whole = {**whole, "outcome": "failed", "findings": findings, error.part: None}
            for file, content in files.items():
                _files.write_atomically(os.path.join(directory, file), content, 0o600)
            _files.sync_directory(directory)
    except ScalingoError as error:
        error.about(doing="write the evidence", subject=str(database.get("name") or ""))
        raise
    paths = {part: whole[part] and os.path.join(directory, whole[part]["file"]) for part in ("signature", "timestamp")}
    path, report = os.path.join(directory, name), os.path.join(directory, _junit_name(name))
    written = Written(path, number, _digest(files[name]), paths["signature"], paths["timestamp"], report, whole)
    if problem is not None:
        text = f"{problem.message.rstrip('.')}; the evidence is in {path}, as that of a drill that failed"
        raised = Unsealed(text, hint=problem.hint)
        raised.written = written
        raise raised
    return written


@dataclasses.dataclass(frozen=True)
class _Seal:
    """What makes the files of evidence."""

    directory: str
    sign_key: str
    timestamp_command: t.Sequence[str]
    watcher: Watcher | None
    run: Run

    def files(self, whole: Record) -> dict[str, bytes]:
        """Return the files to write, in this order. Raises `Unsealed` with the part that could not be made."""
        name, report = whole["file"], junit(whole)
        text = canonical({**whole, "junit": {"file": _junit_name(name), "sha256": _digest(report)}})
        head = {"number": whole["number"], "file": name, "sha256": _digest(text), "written_at": whole["written_at"]}
        found, signed = {_junit_name(name): report}, None
        if whole["signature"]:
            found[whole["signature"]["file"]] = self._signature(text, whole)
            signed = self._signature(canonical(head), whole).decode("ascii")
        if whole["timestamp"]:
            found[whole["timestamp"]["file"]] = self._stamp(text, name)
        return {**found, name: text, NEWEST: canonical({"newest": head, "signature": signed})}

    def _signature(self, text: bytes, whole: Record) -> bytes:
        """A key with a passphrase is refused instead of asking for it; the private half of a public key is the agent's."""
        words = ["ssh-keygen", "-q", "-P", "", "-Y", "sign", "-n", whole["signature"]["namespace"], "-f", self.sign_key]
        hint = "Give a private key of the mode 0600 without a passphrase, or the public half of one that the SSH agent holds."
        with _part("signature", f"the evidence could not be signed with {self.sign_key}", hint):
            done = self.run(words, given=text, timeout=PROGRAM_SECONDS, watcher=self.watcher)
            if done.returncode or not done.output.startswith(b"-----BEGIN SSH SIGNATURE-----"):
                raise ScalingoError(done.said if done.returncode else "ssh-keygen made no signature")
            return done.output

    def _stamp(self, text: bytes, name: str) -> bytes:
        """Return what the user's command makes of the evidence. What a killed run leaves of it, the next removes."""
        before, after = (os.path.join(self.directory, f"{name}.{word}.part") for word in ("stamp", "stamped"))
        try:
            with _part("timestamp", "the evidence could not be given a time stamp", "Try timestamp_command by hand."):
                _files.write_atomically(before, text, 0o600)
                words = [word.replace("{input}", before).replace("{output}", after) for word in self.timestamp_command]
                done = self.run(words, timeout=PROGRAM_SECONDS, watcher=self.watcher)
                if done.returncode:
                    raise ScalingoError(done.said)
                if not os.path.isfile(after) or not os.path.getsize(after):
                    raise ScalingoError(f"{words[0]} ended well, and has written nothing to {{output}}")
                with _files.local(f"read {after}"), open(after, "rb") as file:
                    return file.read()
        finally:
            for place in (before, after):
                with contextlib.suppress(OSError):
                    os.unlink(place)


@contextlib.contextmanager
def _part(part: str, doing: str, hint: str) -> t.Iterator[None]:
    try:
        yield
    except ScalingoError as error:
        unsealed = Unsealed(f"{doing}: {error.message}", hint=hint)
        unsealed.part = part
        raise unsealed from None


@contextlib.contextmanager
def _locked(directory: str, watcher: Watcher | None) -> t.Iterator[None]:
    """The directory, made when it does not exist, while no other drill writes in it."""
    with _files.local(f"make {directory}"):
        os.makedirs(directory, 0o700, exist_ok=True)
        if os.stat(directory).st_mode & 0o002:
            text = f"everybody may write in {directory}, so that evidence there proves nothing"
            raise ScalingoError(text, hint=f"Run chmod 0700 {directory}.")
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(os.path.join(directory, ".lock"), flags, 0o600)
    watch, deadline = Watch(watcher), time.monotonic() + LOCK_SECONDS
    try:
        while not _files.lock(descriptor):
            watch.alive()
            if time.monotonic() > deadline:
                raise ScalingoError(f"another drill has been writing in {directory} for {LOCK_SECONDS:g} seconds")
            time.sleep(0.05)
        for name in os.listdir(directory):
            if name.endswith((".stamp.part", ".stamped.part")):
                os.unlink(os.path.join(directory, name))
        yield
    finally:
        os.close(descriptor)


def canonical(value: Record) -> bytes:
    """Return the form in which a record is written and signed."""
    return (json.dumps(value, indent=2, sort_keys=True) + "\n").encode("ascii")


def addon_in_name(addon_id: object) -> str:
    """Return what the names of files hold of an addon: its ID, when it has one that can be in a name."""
    text = str(addon_id or "unknown")
    return text if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text) else f"other-{_files.name_of(text, 16)}"


def _name(database: t.Mapping[str, t.Any], started_at: str, number: int) -> str:
    """The name of a file: of the database for people, of its addon so that no other database has it, the time, the number."""
    moment = re.sub(r"[.][0-9]+|[-:]", "", started_at)
    label = re.sub(r"[^A-Za-z0-9_-]+", "-", str(database.get("name") or "")).strip("-")[:60] or "database"
    return f"{label}.{addon_in_name(database.get('addon_id'))}.{moment}.{number:06d}.json"


def _junit_name(name: str) -> str:
    return name[: -len("json")] + "junit.xml"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _moment(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")


# -- reading --------------------------------------------------------------------------------------------------------------


def names(directory: str) -> dict[int, list[re.Match[str]]]:
    """Return the names of evidence by their numbers; none when there is no such directory. Raises `ScalingoError` when it cannot be read."""
    found: dict[int, list[re.Match[str]]] = {}
    try:
        with _files.local(f"read {directory}"):
            listed = os.listdir(directory)
    except ScalingoError:
        if os.path.lexists(directory):
            raise
        listed = []
    for match in filter(None, map(_NAME.fullmatch, sorted(listed))):
        found.setdefault(int(match[3]), []).append(match)
    return dict(sorted(found.items()))


def read(directory: str, match: re.Match[str]) -> Entry:
    """Return the evidence of a name, or why it cannot be read."""
    name, content, record, problem, damaged = match[0], b"", None, "", True
    try:
        with open(os.path.join(directory, name), "rb") as file:
            content = file.read()
        found = json.loads(content)
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            problem = f"{name} is not evidence of this format"
        elif any(not isinstance(found.get(key) or {}, dict) for key in _PARTS) or not found.get("database"):
            problem = f"{name} is not whole"
        elif any(not isinstance(found.get(key), str) for key in ("outcome", "started_at", "written_at")):
            problem = f"{name} is not whole"
        else:
            record = found
    except OSError as error:
        problem, damaged = f"{name} cannot be read: {error.strerror}", False
    except (ValueError, RecursionError):
        problem = f"{name} is damaged: it is not JSON"
    return Entry(name, int(match[3]), match[2], _digest(content), record, problem, damaged and record is None)


def entries(directory: str) -> list[Entry]:
    """Return the evidence of a directory in the order of its numbers. Raises `ScalingoError` when the directory cannot be read."""
    return [read(directory, match) for matches in names(directory).values() for match in matches]


def last_good(directory: str, addon_id: str, *, rehearsal: bool = False) -> Record | None:
    """Return the record of the newest drill of an addon that passed, or of its rehearsal; none when there is none.

    Raises `ScalingoError` when evidence of the addon that is newer than it cannot be read: it might be that one.
    """
    for matches in reversed(list(names(directory).values())):
        for match in matches:
            if match[2] != addon_in_name(addon_id):
                continue
            entry = read(directory, match)
            if entry.record is None:
                path = os.path.join(directory, entry.file)
                hint = f"Put {path} back from a copy. To go on without it, move it away: verify_evidence will miss it."
                raise ScalingoError(f"what to compare with is not known: {visible(entry.problem)}", hint=hint)
            if entry.record["outcome"] == "passed" and is_rehearsal(entry.record) == rehearsal:
                return entry.record
    return None


def is_rehearsal(record: Record) -> bool:
    """Return whether a drill was on the server of another major version."""
    return bool(record.get("rehearsal") or (record.get("server") or {}).get("rehearsal"))


def newest_named(directory: str) -> tuple[Record | None, str | None, str]:
    """Return what newest.json names, its signature, and what is wrong with the file: missing, damaged or nothing."""
    try:
        with open(os.path.join(directory, NEWEST), "rb") as file:
            found = json.loads(file.read())
        head, signed = found["newest"], found["signature"]
        if [type(head[key]) for key in ("number", "file", "sha256")] == [int, str, str]:
            return head, None if signed is None else str(signed), ""
    except FileNotFoundError:
        return None, None, "missing"
    except (ValueError, KeyError, TypeError, RecursionError, OSError):
        pass
    return None, None, "damaged"


def _newest(directory: str) -> Record | None:
    """What comes before the next evidence. Where newest.json says of more than is there, that is still what comes before.

    `newest_was` is what was wrong with newest.json. It stays in the evidence, so that to write the next does not cover it up.
    """
    head, dummy, wrong = newest_named(directory)
    there = names(directory)
    last = max(there, default=0)
    if head is not None and head["number"] >= last:
        return {**head, "newest_was": None}
    if not last:
        return None if wrong == "missing" else {"number": 0, "file": None, "sha256": None, "newest_was": wrong}
    # A run was killed before it could write newest.json, or somebody has removed that file.
    entry = read(directory, there[last][-1])
    return {"number": last, "file": entry.file, "sha256": entry.sha256, "newest_was": wrong or None}


# -- JUnit ----------------------------------------------------------------------------------------------------------------


def junit(record: Record) -> bytes:
    """Return a JUnit report of the evidence: a case for the drill as a whole, for each phase, and for all that was checked.

    What was not right and is accepted by the policy is skipped.
    """
    rto, group = record.get("rto") or {}, f"restore_drill.{(record.get('database') or {}).get('name') or 'database'}"
    bad = {"failed": "failure", "interrupted": "error"}.get(str(record.get("outcome")), "")
    said = "\n".join(str(text) for text in record.get("findings") or ()) or str(record.get("outcome"))
    cases = [("the drill as a whole", float(rto.get("seconds") or 0), bad, said)]
    cases += [(f"phase {name}", float(spent or 0), "", "") for name, spent in (rto.get("phases") or {}).items()]
    for item in record.get("checked") or ():
        kind = "" if item["passed"] else "skipped" if item.get("accepted") else "failure"
        cases.append((f"{item['kind']} {item['name']}", 0.0, kind, str(item["message"])))
    counted = {name: f"{sum(case[2] == word for case in cases)}" for name, word in _COUNTED.items()}
    started = _xml(str(record.get("started_at") or "")).rstrip("Z")
    about = {
        "name": _xml(group),
        "tests": f"{len(cases)}",
        "time": f"{cases[0][1]:.3f}",
        "timestamp": started,
        **counted,
    }
    whole = ElementTree.Element("testsuites")
    suite = ElementTree.SubElement(whole, "testsuite", about)
    for name, spent, kind, text in cases:
        case = ElementTree.SubElement(suite, "testcase", classname=_xml(group), name=_xml(name), time=f"{spent:.3f}")
        if kind:
            ElementTree.SubElement(case, kind, message=_xml(text.split("\n")[0])).text = _xml(text)
    written: bytes = ElementTree.tostring(whole, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


_COUNTED = {"failures": "failure", "errors": "error", "skipped": "skipped"}


def _xml(text: str) -> str:
    return _NOT_XML.sub("\ufffd", legible(text))
