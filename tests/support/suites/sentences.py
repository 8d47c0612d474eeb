# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What a person reads in the night: an opening that is true, plain words, a next step, and of which database it is."""

from __future__ import annotations

import re
import typing as t

from support.cases import Case
from support.laboratory import Laboratory, Observation
from support.subjects import Subject

PYTHON = re.compile(r"\b(True|False|None)\b")
#: Kinds of errors of which nobody knows what to do unless they say it.
HELPLESS = ("ConsentMissing", "Conflict", "OutcomeUnknown", "StepFailed", "WaitTimeout")


def watch(laboratory: Laboratory, subject: Subject, case: Case, seen: Observation) -> list[str]:
    """Everything that one run says."""
    result, message = seen.report.result, seen.report.message
    error = result.get("error") or {}
    said = [message, *seen.report.warnings, *result.get("notes", ()), *result.get("steps", ())]
    found = [f"it speaks Python: {text}" for text in said if PYTHON.search(text)]
    refused = seen.report.kind == "InvalidInput" and "step_failed" not in result
    if refused and re.match("Could not (?!carry out the task)", message):
        found.append(f"an option was refused, and nothing else was tried: {message}")
    if seen.report.kind in HELPLESS and not error.get("hint") and "check which" not in message:
        found.append(f"there is no next step: {message}")
    return found + _diff_problems(subject, result.get("diff"))


def _diff_problems(subject: Subject, diff: t.Any) -> list[str]:
    if diff is None:
        return []
    about = str(diff.get("before_header"))
    found = (
        []
        if re.search(r"(addon .+ of app|app|addon) \S+ in \S+$", about)
        else [f"the diff says of {about} that it is about it"]
    )
    if diff.get("after_header") != about:
        found.append("the diff is about two things")
    if "prepared" in diff and not diff["prepared"].startswith(about + ":\n"):
        found.append(f"the diff does not say where it would {diff['prepared']}")
    if re.search(r"weekday_utc'?: [0-9]|scheduled_at'?: \[", str(diff)):
        found.append(f"the diff has numbers where a person needs days and hours: {diff}")
    return found
