# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Whether the evidence of a directory is what was written there. docs/evidence.md says what this can find, and what nobody can find there."""

from __future__ import annotations

import dataclasses
import os
import tempfile
import time
import typing as t

from . import _files, _programs
from ._canon import instant_seconds
from ._errors import ScalingoError, visible
from ._evidence import NAMESPACE, NEWEST, PROGRAM_SECONDS, Entry, Record, canonical, names, newest_named, read

#: A word for what is wrong, and the sentence; the word is empty when nothing is.
Said = tuple[str, str]
GOOD: Said = ("", "")
#: By so many seconds a clock may go back, and the year 3000, up to which time is counted.
BACK_SECONDS = 3600.0
FAR = 32503680000.0


@dataclasses.dataclass(frozen=True)
class Finding:
    """What is to be said of a file, or of the directory, which has no name. Without a problem all is well."""

    file: str
    problem: str
    text: str


def verify(
    directory: str, *, allowed_signers: str | None = None, identity: str | None = None, namespace: str = NAMESPACE,
    known: t.Collection[str] = (),
) -> list[Finding]:  # fmt: skip
    """Return what is to be said of each evidence of a directory, in the order of the chain, and then of the directory.

    `allowed_signers` is a file as OpenSSH has it; without it no signature is checked. `identity` is who must have signed; without it anybody
    in that file may have. `known` are SHA-256 of evidence that were kept elsewhere. Raises `ScalingoError` when the directory or the file of
    the signers cannot be read, or there is no ssh-keygen.
    """
    if allowed_signers:
        _files.digest_of(allowed_signers)
    return _Chain(directory, _Signers(allowed_signers or "", identity, namespace)).findings(known)


class _Chain:
    def __init__(self, directory: str, signers: _Signers) -> None:
        self._directory, self._signers = directory, signers
        self._head, self._head_signature, self._head_problem = newest_named(directory)
        self._names = names(directory)
        self._found = {number: read(directory, matches[0]) for number, matches in self._names.items()}

    def findings(self, known: t.Collection[str]) -> list[Finding]:
        last = max([*self._found, self._head["number"] if self._head else 0])
        if not last and self._head_problem != "damaged":
            return [Finding("", "none", f"There is no evidence in {self._directory}.")]
        found, begun = [], False
        for number in range(1, last + 1):
            entry = self._found.get(number)
            if entry is None:
                name = visible(self._named_later(number)[0])
                text = f"The evidence number {number}{name and f', {name},'} is missing: it was removed."
                found.append(Finding(name, "removed", text))
                continue
            problem, text = self._place(entry)
            if not problem:
                problem, text = self._signers.of(self._directory, entry, begun)
                begun = begun or bool(entry.record and entry.record.get("signature"))
            if not problem:
                text = f"{entry.file} is as it was written: {visible((entry.record or {})['outcome'])}, {text}."
            found.append(Finding(entry.file, problem, text))
        found.append(self._end(last))
        missing = set(map(_digest_of, known)) - {entry.sha256 for entry in self._found.values()}
        text = "No evidence has the known SHA-256 {}: it was removed or altered."
        return found + [Finding("", "removed", text.format(visible(digest))) for digest in sorted(missing)]

    def _named_later(self, number: int) -> tuple[str, str, str]:
        """What is said of evidence by what was written after it: its name, its digest, and which file says so; or nothing."""
        after = self._found.get(number + 1)
        if after is not None and after.record is not None and after.record.get("file") == after.file:
            previous = after.record.get("previous") or {}
            return str(previous.get("file")), str(previous.get("sha256")), after.file
        if self._head is not None and self._head["number"] == number:
            return self._head["file"], self._head["sha256"], NEWEST
        return "", "", ""

    def _place(self, entry: Entry) -> Said:
        """Whether evidence is what it was, where it was, with what was written beside it."""
        file, record, (digest, told_by) = entry.file, entry.record, self._named_later(entry.number)[1:]
        if record is None:
            said = visible(entry.problem)
            return ("altered", f"{said}: it was altered.") if entry.damaged else ("unreadable", f"{said}.")
        if len(self._names[entry.number]) > 1:
            there = ", ".join(match[0] for match in self._names[entry.number])
            return "inserted", f"Number {entry.number} is there more than once: {there}. One of them was put there."
        if record.get("file") != file or record.get("number") != entry.number:
            text = f"{file} was written as {visible(str(record.get('file')))}: it was renamed, or put in the place of another."
            return "reordered", text
        if told_by and digest != entry.sha256:
            return "altered", f"{file} was altered: its SHA-256 is not the one that {told_by} holds of it."
        previous, before = record.get("previous") or {}, self._found.get(entry.number - 1)
        if entry.number == 1 and previous.get("file"):
            return "reordered", f"{file} is the first, and was written after {visible(str(previous['file']))}."
        if previous.get("newest_was"):
            was = visible(str(previous["newest_was"]))
            return "removed", f"When {file} was written, {NEWEST} was {was}: evidence may have been removed before."
        if before is not None and before.record and _seconds(record) < _seconds(before.record) - BACK_SECONDS:
            return (
                "time",
                f"{file} says that it was written at {visible(record['written_at'])}, before the evidence before it.",
            )
        return self._beside(file, record)

    def _beside(self, file: str, record: Record) -> Said:
        report, stamp = record.get("junit") or {}, record.get("timestamp")
        try:
            if _files.digest_of(self._path(report)) != report.get("sha256"):
                return "altered", f"The JUnit report of {file} was altered."
        except ScalingoError as error:
            return "removed", f"The JUnit report of {file} was removed, or cannot be read: {error.message}."
        if stamp and not os.path.isfile(self._path(stamp)):
            return "removed", f"The time stamp of {file} was removed."
        return GOOD

    def _path(self, part: Record) -> str:
        return os.path.join(self._directory, os.path.basename(str(part.get("file"))))

    def _end(self, last: int) -> Finding:
        """Whether the newest evidence is the newest that was written."""
        newest, head = self._found.get(last), self._head
        if head is None:
            text = f"{NEWEST} is {self._head_problem}: nothing shows whether evidence was removed at the end."
            return Finding(NEWEST, "removed", text)
        if self._signers.file and newest is not None and not (newest.record or {}).get("signature"):
            return Finding(
                NEWEST, "unsigned", "The newest evidence is not signed, so that nothing vouches for the whole."
            )
        if self._signers.file:
            problem, text = self._signers.check(canonical(head), self._head_signature or "", head)
            if problem:
                return Finding(NEWEST, problem, f"{NEWEST}: {text}.")
        if last > head["number"]:
            text = "does not name the newest evidence: its run was ended before. The next drill writes it again"
            return Finding(NEWEST, "", f"{NEWEST} {text}.")
        return Finding(NEWEST, "", f"{NEWEST} names number {last} as the newest evidence.")


def _digest_of(text: str) -> str:
    return text.strip().lower()


def _seconds(record: Record) -> float:
    """When a record says that it was written, in seconds since 1970; not a number when it does not."""
    try:
        return instant_seconds(record.get("written_at"))
    except (ValueError, OverflowError):
        return float("nan")


class _Signers:
    """Who may have signed: `identity`, or anybody in the file, which is empty when signatures are not to be checked."""

    def __init__(self, file: str, identity: str | None, namespace: str) -> None:
        self.file, self._identity, self._namespace = file, identity, namespace
        self._last: list[str] = []

    def of(self, directory: str, entry: Entry, begun: bool) -> Said:
        """Whether evidence is signed as it says, and by whom. `begun` says that evidence before it is signed."""
        record: Record = entry.record or {}
        if not record.get("signature"):
            # What is older than the first signature is held by the chain. Who cannot sign gains nothing by a drill that failed.
            if self.file and begun and record["outcome"] == "passed":
                return "unsigned", f"{entry.file} is not signed, although evidence before it is."
            return "", "not signed"
        path = os.path.join(directory, entry.file)
        if not os.path.isfile(f"{path}.sig"):
            return "unsigned", f"{entry.file} was signed, and its signature was removed."
        if not self.file:
            return "", "signed, by whom was not checked"
        with _files.local(f"read {path}"), open(path, "rb") as file, open(f"{path}.sig", "rb") as seal:
            problem, text = self.check(file.read(), seal.read().decode("ascii", "replace"), record)
        return problem, f"{entry.file}: {text}." if problem else text

    def check(self, text: bytes, signature: str, record: Record) -> Said:
        """Whether a text was signed, by a key that was valid when the record says that it was written."""
        if not signature:
            return "unsigned", "it is not signed"
        at, seconds = visible(str(record.get("written_at"))), _seconds(record)
        if not 0 <= seconds < FAR:
            return "altered", f"{at} is no time at which it can have been signed"
        # ssh-keygen takes signatures from files alone, and times without a zone, which are local, in every version.
        with tempfile.NamedTemporaryFile("w", encoding="ascii", errors="replace", suffix=".sig") as file:
            file.write(signature)
            file.flush()
            moment = time.strftime("%Y%m%d%H%M%S", time.localtime(seconds))
            shared = ["-f", self.file, "-s", file.name, "-O", f"verify-time={moment}"]
            for who in self._signers(shared):
                if self._keygen("verify", ["-n", self._namespace, "-I", who, *shared], text).returncode == 0:
                    self._last = [who]
                    return "", f"signed by {visible(who)}"
        who = visible(self._identity or "any of the allowed signers")
        return "signer", f"it is not signed by {who} as it is now, with a key that was valid at {at}"

    def _signers(self, shared: list[str]) -> t.Iterator[str]:
        """Who is tried: most evidence is signed by who has signed the one before."""
        yield from [self._identity] if self._identity else self._last
        if not self._identity:
            done = self._keygen("find-principals", shared)
            yield from done.stdout.replace(",", "\n").split() if done.returncode == 0 else []

    def _keygen(self, what: str, words: list[str], text: bytes = b"") -> _programs.Done:
        return _programs.run(["ssh-keygen", "-q", "-Y", what, *words], given=text, timeout=PROGRAM_SECONDS)
