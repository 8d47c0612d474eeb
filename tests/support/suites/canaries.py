# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Secrets are where they belong and nowhere else: the API token, the tokens that were issued, passwords.

Results are looked at before Ansible masks anything, so a secret must not be in them in the first place.
"""

from __future__ import annotations

import base64
import dataclasses
import stat
import typing as t

from scalingo_sandbox.testing import Sandbox
from support.cases import Case
from support.compare import without
from support.laboratory import Laboratory, Observation
from support.subjects import Subject


def canaries(sandbox: Sandbox, issued: t.Iterable[str]) -> dict[str, str]:
    """Everything that must not be seen, with what it is."""
    found = {
        sandbox.api_token: "the API token",
        base64.b64encode((":" + sandbox.api_token).encode()).decode(): "the API token in base64",
    }
    found.update({token: "a token" for token in issued})
    for app in sandbox.running.world.apps:
        for addon in app.addons:
            found[addon.database.password] = "the password of the default user"
            own = {backup.download_token: "the token of a backup's archive" for backup in addon.database.backups}
            found.update({token: what for token, what in own.items() if token})
            if addon.kind.users:
                found.update({user.password: "the password of a user" for user in addon.database.engine.list_users()})
    return {value: what for value, what in found.items() if value}


def leaks(text: str, secrets: t.Mapping[str, str]) -> list[str]:
    return sorted({what for value, what in secrets.items() if value in text})


def watch(laboratory: Laboratory, subject: Subject, case: Case, seen: Observation) -> list[str]:
    """What a run told, what it kept, and whether it announced what is to be masked."""
    return told(laboratory, subject, case, seen) + _announced(laboratory, subject, case, seen) + _kept(laboratory, seen)


def told(laboratory: Laboratory, subject: Subject, case: Case, seen: Observation) -> list[str]:
    """What a run told that nobody may know. What a result is there to hold is none of it where the task hides its result."""
    secrets = {**canaries(laboratory.sandbox, laboratory.issued), **{link: "a link" for link in laboratory.links}}
    hidden = subject.cases.secrets if case.no_log else ()
    report = dataclasses.replace(seen.report, result=without(seen.report.result, hidden))
    return [f"{what} is told" for what in leaks(report.everything(), secrets)]


def _announced(laboratory: Laboratory, subject: Subject, case: Case, seen: Observation) -> list[str]:
    if not seen.records:
        return []
    used = {token: "a token" for token in seen.issued}
    if not (subject.cases.secrets and case.no_log):
        # What a result is there to hold cannot be masked in it.
        used.update({link: "a link" for link in seen.links})
    if "api_token" not in case.without:
        used[case.arguments.get("api_token", laboratory.sandbox.api_token)] = "the API token"
    missing = sorted(
        {what for value, what in used.items() if not any(value in secret for secret in seen.report.secrets)}
    )
    return [f"{what} is not announced to be masked" for what in missing]


def _kept(laboratory: Laboratory, seen: Observation) -> list[str]:
    """The token cache: private, and without the API token in any form."""
    lasting = canaries(laboratory.sandbox, ())
    found = []
    for path in sorted(laboratory.home.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        if mode != (0o700 if path.is_dir() else 0o600):
            found.append(f"{path.name} has the mode {mode:o}")
        if path.is_file():
            text = path.read_text(encoding="utf-8", errors="replace") + path.name
            found += [f"{what} is kept in the cache" for what in leaks(text, lasting)]
    return found
