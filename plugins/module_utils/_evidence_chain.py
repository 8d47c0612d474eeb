# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Whether the evidence of a directory is what was written there. docs/evidence.md says what this can find, and what nobody can find there."""

from __future__ import annotations

import os
import tempfile
import time
import typing as t

from . import _files, _programs
from ._errors import ScalingoError, visible
from ._evidence import NAMESPACE, NEWEST, PROGRAM_SECONDS, Entry, Record, canonical, entries, newest_named, seconds_of

#: A word for what is wrong, and the sentence; the word is empty when nothing is.
Said = tuple[str, str]
#: By so many seconds a clock may go back, and the year 3000, up to which time is counted.
BACK_SECONDS = 3600.0
FAR = 32503680000.0


class Finding(t.NamedTuple):
    """What is to be said of a file, or of the directory, which has no name. Without a problem all is well."""

    file: str
    problem: str
    text: str


def verify(
    directory: str, *, allowed_signers: str = "", identity: str = "", known: t.Collection[str] = ()
) -> list[Finding]:
    """Return what is to be said of each evidence of a directory, in the order of the chain, and then of the directory.

    `allowed_signers` is a file as OpenSSH has it; without it no signature is checked. `identity` is who must have signed; without it anybody
    in that file may have. `known` are SHA-256 of evidence that were kept elsewhere. Raises `ScalingoError` when the directory or the file of
    the signers cannot be read, or there is no ssh-keygen.
    """
    if allowed_signers:
        _files.digest_of(allowed_signers)
    signers = _Signers(allowed_signers, identity)
    head, head_signature, head_problem = newest_named(directory)
    found: dict[int, list[Entry]] = {}
    for entry in entries(directory):
        found.setdefault(entry.number, []).append(entry)
    last = max([*found, head.get("number", 0)])
    if not last and head_problem != "damaged":
        return [Finding("", "none", f"There is no evidence in {directory}.")]
    said, signed = [], False
    for number in range(1, last + 1):
        name, digest, told_by = _told(number, found, head)
        if number not in found:
            which = f", {name}," if name else ""
            said.append(Finding(name, "removed", f"The evidence number {number}{which} is missing: it was removed."))
        for entry in found.get(number, ()):
            problem, text = _place(entry, digest, told_by, found.get(number - 1))
            if not problem:
                problem, text = signers.of(entry, signed)
                signed = signed or bool(entry.record["signature"]) and not problem
            if not problem:
                text = f"{entry.file} is as it was written: {visible(entry.record['outcome'])}, {text}."
            said.append(Finding(entry.file, problem, text))
    newest = found.get(last, [None])[-1]
    said.append(Finding(NEWEST, *_end(last, newest, head, head_signature, head_problem, signers)))
    missing = {digest.strip().lower() for digest in known} - {entry.sha256 for same in found.values() for entry in same}
    text = "No evidence has the known SHA-256 {}: it was removed or altered."
    return said + [Finding("", "removed", text.format(visible(digest))) for digest in sorted(missing)]


def _told(number: int, found: dict[int, list[Entry]], head: Record) -> tuple[str, str, str]:
    """What is said of evidence by what was written after it: its name, its digest, and which file says so; or nothing."""
    for after in found.get(number + 1, ()):
        if after.record.get("file") == after.file:
            previous = after.record.get("previous") or {}
            return visible(str(previous.get("file"))), str(previous.get("sha256")), after.file
    return (visible(head["file"]), head["sha256"], NEWEST) if head.get("number") == number else ("", "", "")


def _place(entry: Entry, digest: str, told_by: str, before: list[Entry] | None) -> Said:
    """Whether evidence is what it was, where it was, with what was written beside it. Two of one number cannot both be."""
    file, record = entry.file, entry.record
    if entry.problem:
        said = visible(entry.problem)
        return ("altered", f"{said}: it was altered.") if entry.sha256 else ("unreadable", f"{said}.")
    if record.get("file") != file or record.get("number") != entry.number:
        name = visible(str(record.get("file")))
        return "reordered", f"{file} was written as {name}: it was renamed, or put in the place of another."
    if told_by and digest != entry.sha256:
        return "altered", f"{file} was altered: its SHA-256 is not the one that {told_by} holds of it."
    previous, written_at = record.get("previous") or {}, seconds_of(record["written_at"])
    if previous.get("newest_was"):
        was = visible(str(previous["newest_was"]))
        return "removed", f"When {file} was written, {NEWEST} was {was}: evidence may have been removed before."
    if any(written_at < seconds_of(other.record.get("written_at")) - BACK_SECONDS for other in before or ()):
        at = visible(record["written_at"])
        return "time", f"{file} says that it was written at {at}, before the evidence before it."
    directory, report, stamp = os.path.dirname(entry.path), record.get("junit") or {}, record.get("timestamp")
    try:
        if _files.digest_of(os.path.join(directory, os.path.basename(str(report.get("file"))))) != report.get("sha256"):
            return "altered", f"The JUnit report of {file} was altered."
    except ScalingoError as error:
        return "removed", f"The JUnit report of {file} was removed, or cannot be read: {error.message}."
    if stamp and not os.path.isfile(os.path.join(directory, os.path.basename(str(stamp.get("file"))))):
        return "removed", f"The time stamp of {file} was removed."
    return "", ""


def _end(last: int, newest: Entry | None, head: Record, signature: str, head_problem: str, signers: _Signers) -> Said:
    """Whether the newest evidence is the newest that was written."""
    if not head:
        return "removed", f"{NEWEST} is {head_problem}: nothing shows whether evidence was removed at the end."
    if signers.file and newest is not None and not newest.record.get("signature"):
        return "unsigned", "The newest evidence is not signed, so that nothing vouches for the whole."
    problem, text = signers.check(canonical(head), signature, head) if signers.file else ("", "")
    if problem:
        return problem, f"{NEWEST}: {text}."
    if last > head["number"]:
        text = "does not name the newest evidence: its run was ended before. The next drill writes it again"
        return "", f"{NEWEST} {text}."
    return "", f"{NEWEST} names number {last} as the newest evidence."


class _Signers:
    """Who may have signed: `identity`, or anybody in the file, which is empty when signatures are not to be checked."""

    def __init__(self, file: str, identity: str) -> None:
        self.file, self._identity = file, identity
        self._last: list[str] = []

    def of(self, entry: Entry, begun: bool) -> Said:
        """Whether evidence is signed as it says, and by whom. `begun` says that evidence before it is signed."""
        if not entry.record.get("signature"):
            # What is older than the first signature is held by the chain. Who cannot sign gains nothing by a drill that failed.
            if self.file and begun and entry.record["outcome"] == "passed":
                return "unsigned", f"{entry.file} is not signed, although evidence before it is."
            return "", "not signed"
        path, seal = entry.path, f"{entry.path}.sig"
        if not os.path.isfile(seal):
            return "unsigned", f"{entry.file} was signed, and its signature was removed."
        if not self.file:
            return "", "signed, by whom was not checked"
        with _files.local(f"read {path}"), open(path, "rb") as file, open(seal, "rb") as sig:
            problem, text = self.check(file.read(), sig.read().decode("ascii", "replace"), entry.record)
        return problem, f"{entry.file}: {text}." if problem else text

    def check(self, text: bytes, signature: str, record: Record) -> Said:
        """Whether a text was signed, by a key that was valid when the record says that it was written."""
        at, seconds = visible(str(record.get("written_at"))), seconds_of(record.get("written_at"))
        if not signature:
            return "unsigned", "it is not signed"
        if not 0 < seconds < FAR:
            return "altered", f"{at} is no time at which it can have been signed"
        # ssh-keygen takes signatures from files alone, and times without a zone, which are local, in every version.
        with tempfile.NamedTemporaryFile("w", encoding="ascii", errors="replace", suffix=".sig") as file:
            file.write(signature)
            file.flush()
            moment = time.strftime("%Y%m%d%H%M%S", time.localtime(seconds))
            shared = ["-f", self.file, "-s", file.name, "-O", f"verify-time={moment}"]
            for who in self._candidates(shared):
                if self._keygen("verify", ["-n", NAMESPACE, "-I", who, *shared], text).returncode == 0:
                    self._last = [who]
                    return "", f"signed by {visible(who)}"
        who = visible(self._identity or "any of the allowed signers")
        return "signer", f"it is not signed by {who} as it is now, with a key that was valid at {at}"

    def _candidates(self, shared: list[str]) -> t.Iterator[str]:
        """Who is tried: most evidence is signed by who has signed the one before."""
        yield from [self._identity] if self._identity else self._last
        if not self._identity:
            done = self._keygen("find-principals", shared)
            yield from done.stdout.replace(",", "\n").split() if done.returncode == 0 else []

    def _keygen(self, what: str, words: list[str], text: bytes = b"") -> _programs.Done:
        return _programs.run(["ssh-keygen", "-q", "-Y", what, *words], given=text, timeout=PROGRAM_SECONDS)
