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
import hashlib
import json
import os
import re
import time
import typing as t
import xml.etree.ElementTree as ElementTree

from . import _files, _programs
from ._canon import instant_seconds
from ._copies import converted, remove
from ._core import moment
from ._errors import ScalingoError, legible, visible
from ._progress import Watch, Watcher

Record = dict[str, t.Any]

FORMAT = 1
#: What a signature is for, so that one that was made for something else is not taken for it.
NAMESPACE = "community.scalingo.restore_drill"
NEWEST = "newest.json"
#: How long a program for a signature or a time stamp may take, and how long another drill that writes is waited for; in seconds.
PROGRAM_SECONDS = 60.0
LOCK_SECONDS = 300.0

#: Of what, of the ID of which addon, when and its number.
_NAME = re.compile(r".+\.[A-Za-z0-9_-]+\.[0-9]{8}T[0-9]{6}Z\.([0-9]{6,12})\.json")
#: What is a dictionary or none, and what is a text.
_PARTS = ("database", "server", "rehearsal", "previous", "signature", "timestamp", "junit")
_TEXTS = ("outcome", "started_at", "written_at")


class Unsealed(ScalingoError):
    """The signature or the time stamp could not be made. The evidence is written without it, as that of a drill that failed."""


@dataclasses.dataclass(frozen=True)
class Entry:
    """Evidence in a directory. When its record cannot be read, that is empty and `problem` says why; no byte can be without a SHA-256."""

    path: str
    number: int
    sha256: str
    record: Record
    problem: str = ""
    #: Why that which was just written has no signature or no time stamp.
    unsealed: Unsealed | None = None

    @property
    def file(self) -> str:
        """Its name in the directory."""
        return os.path.basename(self.path)


# -- writing --------------------------------------------------------------------------------------------------------------


def write(
    directory: str, record: Record, *, now: float, sign_key: str | None = None, timestamp_command: t.Sequence[str] = (),
    watcher: Watcher | None = None,
) -> Entry:  # fmt: skip
    """Write the evidence of a drill with its signature, its time stamp and a JUnit report; `now` is in seconds since 1970.

    Adds `format`, `number`, `file`, `written_at`, `previous`, `signature`, `timestamp` and `junit` to the record. In the words of
    `timestamp_command`, {input} is the evidence, and {output} the file to make. What cannot be signed or stamped is written without that, as
    evidence of a failed drill, and `unsealed` says why. Raises `ScalingoError` when it cannot be written.
    """
    database = record.get("database") or {}
    try:
        with _locked(directory, watcher):
            previous = _newest(directory)
            number = previous["number"] + 1 if previous else 1
            name = _name(database, str(record["started_at"]), number)
            whole: Record = {
                **record, "format": FORMAT, "number": number, "file": name, "written_at": moment(now),
                "previous": previous and {key: previous[key] for key in ("file", "sha256", "newest_was")},
                "signature": {"file": f"{name}.sig", "namespace": NAMESPACE} if sign_key else None,
                "timestamp": {"file": f"{name}.tsr"} if timestamp_command else None,
            }  # fmt: skip
            files, unsealed = _sealed(whole, directory, sign_key or "", timestamp_command, watcher)
            for file, content in files.items():
                _files.write_atomically(os.path.join(directory, file), content, 0o600)
            _files.sync_directory(directory)
    except ScalingoError as error:
        error.about(doing="write the evidence", subject=str(database.get("name") or ""))
        raise
    return Entry(os.path.join(directory, name), number, _digest(files[name]), whole, unsealed=unsealed)


def _sealed(
    whole: Record, directory: str, sign_key: str, timestamp_command: t.Sequence[str], watcher: Watcher | None
) -> tuple[dict[str, bytes], Unsealed | None]:
    """Return the files to write, in this order, and what could not be made of them, which changes what the evidence says."""
    name, report = whole["file"], junit(whole)
    beside = f"{name[: -len('json')]}junit.xml"
    text = canonical({**whole, "junit": {"file": beside, "sha256": _digest(report)}})
    head = {"number": whole["number"], "file": name, "sha256": _digest(text), "written_at": whole["written_at"]}
    found, signature = {beside: report}, None
    part, failed = "signature", f"the evidence could not be signed with {sign_key}"
    hint = (
        "Give a private key of the mode 0600 without a passphrase, or the public half of one that the SSH agent holds."
    )
    try:
        if whole["signature"]:
            found[whole["signature"]["file"]] = _signature(text, sign_key, watcher).encode()
            signature = _signature(canonical(head), sign_key, watcher)
        part, failed, hint = (
            "timestamp",
            "the evidence could not be given a time stamp",
            "Try timestamp_command by hand.",
        )
        if whole["timestamp"]:
            found[whole["timestamp"]["file"]] = _stamp(text, directory, timestamp_command, watcher)
    except ScalingoError as error:
        unsealed = Unsealed(f"{failed}: {error.message.rstrip('.')}", hint=hint)
        findings = [*(whole.get("findings") or ()), unsealed.message]
        whole.update({"outcome": "failed", "findings": findings, part: None})
        return _sealed(whole, directory, sign_key, timestamp_command, watcher)[0], unsealed
    return {**found, name: text, NEWEST: canonical({"newest": head, "signature": signature})}, None


def _signature(text: bytes, key: str, watcher: Watcher | None) -> str:
    """A key with a passphrase is refused instead of asking for it; the private half of a public key is the agent's."""
    words = ["ssh-keygen", "-q", "-P", "", "-Y", "sign", "-n", NAMESPACE, "-f", key]
    done = _programs.run(words, given=text, timeout=PROGRAM_SECONDS, watcher=watcher)
    if done.returncode or not done.stdout.startswith("-----BEGIN SSH SIGNATURE-----"):
        raise ScalingoError(done.said if done.returncode else "ssh-keygen made no signature")
    return done.stdout


def _stamp(text: bytes, directory: str, command: t.Sequence[str], watcher: Watcher | None) -> bytes:
    """Return what the user's command makes of the evidence. Who is alone in the directory removes what a killed run has left."""
    before, after = (os.path.join(directory, name) for name in (".stamp", ".stamped"))
    try:
        remove(after)
        _files.write_atomically(before, text, 0o600)
        converted(command, before, after, "timestamp_command failed", watch=Watch(watcher), timeout=PROGRAM_SECONDS)
        with _files.local(f"read {after}"), open(after, "rb") as file:
            return file.read()
    finally:
        for place in (before, after):
            with contextlib.suppress(OSError):
                os.unlink(place)


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
        yield
    finally:
        os.close(descriptor)


def canonical(value: Record) -> bytes:
    """Return the form in which a record is written and signed."""
    return (json.dumps(value, indent=2, sort_keys=True) + "\n").encode("ascii")


def seconds_of(instant: object) -> float:
    """Return a time that evidence has in seconds since 1970; 0 when it is none."""
    try:
        return instant_seconds(instant)
    except (ValueError, OverflowError):
        return 0.0


def _name(database: t.Mapping[str, t.Any], started_at: str, number: int) -> str:
    """The name of a file: of the database for people, of its addon so that no other database has it, the time, the number."""
    compact = re.sub(r"[.][0-9]+|[-:]", "", started_at)
    label = re.sub(r"[^A-Za-z0-9_-]+", "-", str(database.get("name") or "")).strip("-")[:60] or "database"
    return f"{label}.{_addon_in_name(database.get('addon_id'))}.{compact}.{number:06d}.json"


def _addon_in_name(addon_id: object) -> str:
    """What the names of files hold of an addon: its ID, when it has one that can be in a name."""
    text = str(addon_id or "unknown")
    return text if re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text) else f"other-{_files.name_of(text, 16)}"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


# -- reading --------------------------------------------------------------------------------------------------------------


def names(directory: str) -> list[tuple[int, str]]:
    """Return the numbers and names of evidence, in order; none when there is no such directory. Raises `ScalingoError`."""
    if not os.path.lexists(directory):
        return []
    with _files.local(f"read {directory}"):
        return sorted((int(match[1]), match[0]) for match in map(_NAME.fullmatch, os.listdir(directory)) if match)


def read(directory: str, number: int, file: str) -> Entry:
    """Return the evidence of a name, or why it cannot be read."""
    path = os.path.join(directory, file)
    try:
        with open(path, "rb") as stream:
            content = stream.read()
    except OSError as error:
        return Entry(path, number, "", {}, f"{file} cannot be read: {error.strerror}")
    try:
        found, problem = json.loads(content), ""
        if not isinstance(found, dict) or found.get("format") != FORMAT:
            problem = f"{file} is not evidence of this format"
        elif not (
            found.get("database")
            and all(isinstance(found.get(key) or {}, dict) for key in _PARTS)
            and all(isinstance(found.get(key), str) for key in _TEXTS)
        ):
            problem = f"{file} is not whole"
    except (ValueError, RecursionError):
        problem = f"{file} is damaged: it is not JSON"
    return Entry(path, number, _digest(content), {} if problem else found, problem)


def entries(directory: str) -> list[Entry]:
    """Return the evidence of a directory in the order of its numbers. Raises `ScalingoError` when the directory cannot be read."""
    return [read(directory, number, file) for number, file in names(directory)]


def last_good(directory: str, addon_id: str, *, rehearsal: bool = False) -> Record:
    """Return the record of the newest drill of an addon that passed, or of its rehearsal; an empty one when there is none.

    Raises `ScalingoError` when evidence of the addon that is newer than it cannot be read: it might be that one.
    """
    for number, file in reversed(names(directory)):
        if file.split(".")[-4] == _addon_in_name(addon_id):
            entry = read(directory, number, file)
            if entry.problem:
                hint = f"Put {entry.path} back from a copy. To go on without it, move it away: verify_evidence will miss it."
                raise ScalingoError(f"what to compare with is not known: {visible(entry.problem)}", hint=hint)
            if entry.record["outcome"] == "passed" and is_rehearsal(entry.record) == rehearsal:
                return entry.record
    return {}


def is_rehearsal(record: Record) -> bool:
    """Return whether a drill was on the server of another major version."""
    return bool(record.get("rehearsal") or (record.get("server") or {}).get("rehearsal"))


def newest_named(directory: str) -> tuple[Record, str, str]:
    """Return what newest.json names, its signature, and what is wrong with the file: missing, damaged or nothing."""
    path = os.path.join(directory, NEWEST)
    found = _files.read_json(path)[0]
    try:
        head, signature = found["newest"], found["signature"]
        if [type(head[key]) for key in ("number", "file", "sha256")] == [int, str, str]:
            return head, str(signature or ""), ""
    except (KeyError, TypeError):
        pass
    return {}, "", "damaged" if os.path.lexists(path) else "missing"


def _newest(directory: str) -> Record | None:
    """What comes before the next evidence. Where newest.json says of more than is there, that is still what comes before.

    `newest_was` is what was wrong with newest.json. It stays in the evidence, so that to write the next does not cover it up.
    """
    head, dummy, wrong = newest_named(directory)
    there = names(directory)
    if head and (not there or head["number"] >= there[-1][0]):
        return {**head, "newest_was": None}
    if there:
        # A run was killed before it could write newest.json, or somebody has removed that file.
        entry = read(directory, *there[-1])
        return {"number": entry.number, "file": entry.file, "sha256": entry.sha256, "newest_was": wrong or None}
    return None if wrong == "missing" else {"number": 0, "file": None, "sha256": None, "newest_was": wrong}


# -- JUnit ----------------------------------------------------------------------------------------------------------------


def junit(record: Record) -> bytes:
    """Return a JUnit report of the evidence: a case for the drill as a whole, for each phase, and for all that was checked.

    What was not right and is accepted by the policy is skipped.
    """
    rto, outcome = record.get("rto") or {}, str(record.get("outcome"))
    group = _xml(f"restore_drill.{(record.get('database') or {}).get('name') or 'database'}")
    whole, seconds = ElementTree.Element("testsuites"), f"{float(rto.get('seconds') or 0):.3f}"
    about = {"name": group, "time": seconds, "timestamp": _xml(str(record.get("started_at") or "")).rstrip("Z")}
    suite = ElementTree.SubElement(whole, "testsuite", about)

    def add(name: str, bad: str, text: str, time: str = "0.000") -> None:
        case = ElementTree.SubElement(suite, "testcase", classname=group, name=_xml(name), time=time)
        if bad:
            ElementTree.SubElement(case, bad, message=_xml(text.split("\n")[0])).text = _xml(text)

    bad = {"failed": "failure", "interrupted": "error"}.get(outcome, "")
    add("the drill as a whole", bad, "\n".join(map(str, record.get("findings") or ())) or outcome, seconds)
    for name, spent in (rto.get("phases") or {}).items():
        add(f"phase {name}", "", "", f"{float(spent or 0):.3f}")
    for item in record.get("checked") or ():
        bad = "" if item["passed"] else "skipped" if item.get("accepted") else "failure"
        add(f"{item['kind']} {item['name']}", bad, str(item["message"]))
    for name, tag in (("tests", "testcase"), ("failures", "failure"), ("errors", "error"), ("skipped", "skipped")):
        suite.set(name, str(sum(1 for dummy in suite.iter(tag))))
    written: bytes = ElementTree.tostring(whole, encoding="utf-8", xml_declaration=True)
    return written + b"\n"


def _xml(text: str) -> str:
    """A text without what XML cannot hold, not even as a reference."""
    return re.sub("[\ufffe\uffff]", "\ufffd", legible(text))
