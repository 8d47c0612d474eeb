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
from ._evidence import NAMESPACE, NEWEST, PROGRAM_SECONDS, Entry, Record, Run, canonical, names, newest_named, read
from ._progress import Watcher

#: A word for what is wrong, and the sentence; the word is empty when nothing is.
Said = tuple[str, str]
GOOD: Said = ("", "")


@dataclasses.dataclass(frozen=True)
class Finding:
    """What is to be said of a file, or of the directory, which has no name. Without a problem all is well."""

    file: str
    problem: str
    text: str


def verify(
    directory: str, *, allowed_signers: str | None = None, identity: str | None = None, namespace: str = NAMESPACE,
    known: t.Collection[str] = (), watcher: Watcher | None = None, run: Run = _programs.run,
) -> list[Finding]:  # fmt: skip
    """Return what is to be said of each evidence of a directory, in the order of the chain, and then of the directory.

    `allowed_signers` is a file as OpenSSH has it; without it no signature is checked. `identity` is who must have signed; without it anybody
    in that file may have. `known` are SHA-256 of evidence that were kept elsewhere. Raises `ScalingoError` when the directory or the file of
    the signers cannot be read, or there is no ssh-keygen.
    """
    if allowed_signers:
        _files.digest_of(allowed_signers)
    return _Chain(directory, _Signers(allowed_signers or "", identity, namespace, watcher, run)).findings(known)


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
                named = self._named_later(number)[0] or ""
                text = f"The evidence number {number}{', ' + visible(named) + ',' if named else ''} is missing: it was removed."
                found.append(Finding(named, "removed", text))
                continue
            problem, text = self._place(entry)
            if not problem:
                problem, text = self._parts(entry)
            if not problem:
                problem, text = self._signers.of(self._directory, entry, begun)
                begun = begun or bool((entry.record or {}).get("signature"))
            if not problem:
                text = f"{entry.file} is as it was written: {visible(str((entry.record or {})['outcome']))}, {text}."
            found.append(Finding(entry.file, problem, text))
        found.append(self._end(last))
        digests = {entry.sha256 for entry in self._found.values()}
        for text in known:
            if text.strip().lower() not in digests:
                found.append(
                    Finding(
                        "", "removed", f"No evidence has the known SHA-256 {visible(text)}: it was removed or altered."
                    )
                )
        return found

    def _named_later(self, number: int) -> tuple[str | None, str | None, str]:
        """What is said of evidence by what was written after it: its name, its digest, and which file says so; or nothing."""
        after = self._found.get(number + 1)
        if after is not None and after.record is not None and after.record.get("file") == after.file:
            previous = after.record.get("previous")
            previous = previous if isinstance(previous, dict) else {}
            return str(previous.get("file")), str(previous.get("sha256")), after.file
        if self._head is not None and self._head["number"] == number:
            return self._head["file"], self._head["sha256"], NEWEST
        return None, None, ""

    def _place(self, entry: Entry) -> Said:
        """Whether evidence is what it was, where it was."""
        record, (name, digest, told_by) = entry.record, self._named_later(entry.number)
        if record is None:
            return "altered", f"{visible(entry.problem)}: it was altered."
        if len(self._names[entry.number]) > 1:
            text = ", ".join(match[0] for match in self._names[entry.number])
            return "inserted", f"Number {entry.number} is there more than once: {text}. One of them was put there."
        if record.get("file") != entry.file or record.get("number") != entry.number:
            stood = visible(str(record.get("file")))
            return "reordered", f"{entry.file} was written as {stood}: it was renamed, or put in the place of another."
        if told_by and name != entry.file:
            return (
                "reordered",
                f"{told_by} was not written after {entry.file}, but after {visible(str(name))}: the order was changed.",
            )
        if told_by and digest != entry.sha256:
            return "altered", f"{entry.file} was altered: its SHA-256 is not the one that {told_by} holds of it."
        previous = record.get("previous") or {}
        if entry.number == 1 and previous.get("file"):
            return "reordered", f"{entry.file} is the first, and was written after {visible(str(previous['file']))}."
        if previous.get("newest_was"):
            was = visible(str(previous["newest_was"]))
            return (
                "removed",
                f"When {entry.file} was written, {NEWEST} was {was}: evidence may have been removed before.",
            )
        return GOOD

    def _parts(self, entry: Entry) -> Said:
        """Whether what was written beside evidence is there."""
        record = entry.record or {}
        report, stamp = record.get("junit") or {}, record.get("timestamp")
        try:
            if _files.digest_of(self._path(report.get("file"))) != report.get("sha256"):
                return "altered", f"The JUnit report of {entry.file} was altered."
        except ScalingoError as error:
            return "removed", f"The JUnit report of {entry.file} was removed, or cannot be read: {error.message}."
        if stamp and not os.path.isfile(self._path(stamp.get("file"))):
            return "removed", f"The time stamp of {entry.file} was removed."
        return GOOD

    def _path(self, name: object) -> str:
        return os.path.join(self._directory, os.path.basename(str(name)))

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
            problem, text = self._signers.check(canonical(head), self._head_signature, str(head.get("written_at")))
            if problem:
                return Finding(NEWEST, problem, f"{NEWEST}: {text}.")
        if last > head["number"]:
            text = (
                f"{NEWEST} does not name the newest evidence: its run was ended before. The next drill writes it again."
            )
            return Finding(NEWEST, "", text)
        return Finding(NEWEST, "", f"{NEWEST} names number {last} as the newest evidence.")


@dataclasses.dataclass(frozen=True)
class _Signers:
    """Who may have signed: `identity`, or anybody in the file, which is empty when signatures are not to be checked."""

    file: str
    identity: str | None
    namespace: str
    watcher: Watcher | None
    run: Run

    def of(self, directory: str, entry: Entry, begun: bool) -> Said:
        """Whether evidence is signed as it says, and by whom. `begun` says that evidence before it is signed."""
        record: Record = entry.record or {}
        if not record.get("signature"):
            # What is older than the first signature is held by the chain. Who cannot sign gains nothing by a drill that failed.
            if self.file and begun and record.get("outcome") == "passed":
                return "unsigned", f"{entry.file} is not signed, although evidence before it is."
            return "", "not signed"
        path = os.path.join(directory, entry.file)
        if not os.path.isfile(f"{path}.sig"):
            return "unsigned", f"{entry.file} was signed, and its signature was removed."
        if not self.file:
            return "", "signed, by whom was not checked"
        with _files.local(f"read {path}"), open(path, "rb") as file, open(f"{path}.sig", "rb") as seal:
            said = self.check(file.read(), seal.read().decode("ascii", "replace"), str(record.get("written_at")))
        return (said[0], f"{entry.file}: {said[1]}.") if said[0] else said

    def check(self, text: bytes, signature: str | None, written_at: str) -> Said:
        """Whether a text was signed, by a key that was valid when it says that it was written."""
        if not signature:
            return "unsigned", "it is not signed"
        try:
            # In local time: without a zone every OpenSSH understands it.
            moment = time.strftime("%Y%m%d%H%M%S", time.localtime(instant_seconds(written_at)))
        except (ValueError, OverflowError, OSError):
            return "altered", f"{visible(written_at)} is no time at which it can have been signed"
        # ssh-keygen takes signatures from files alone.
        with tempfile.NamedTemporaryFile("w", encoding="ascii", errors="replace", suffix=".sig") as file:
            file.write(signature)
            file.flush()
            shared = ["-f", self.file, "-s", file.name, "-O", f"verify-time={moment}"]
            for who in [self.identity] if self.identity else self._principals(shared):
                if self._keygen("verify", ["-n", self.namespace, "-I", who, *shared], text).returncode == 0:
                    return "", f"signed by {visible(who)}"
        who = visible(self.identity or "any of the allowed signers")
        return "signer", f"it is not signed by {who} as it is now, with a key that was valid at {written_at}"

    def _principals(self, shared: list[str]) -> list[str]:
        done = self._keygen("find-principals", shared)
        return [who for who in done.stdout.replace(",", "\n").split() if who] if done.returncode == 0 else []

    def _keygen(self, what: str, words: list[str], text: bytes = b"") -> _programs.Done:
        command = ["ssh-keygen", "-q", "-Y", what, *words]
        return self.run(command, given=text, timeout=PROGRAM_SECONDS, watcher=self.watcher)
