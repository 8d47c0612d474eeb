# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.
"""Where is kept what a database was before an upgrade that is not verified yet."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
import typing as t


class Refused(Exception):
    """The directory cannot be used. The message says why."""


def directory(given: str, environment: t.Mapping[str, str]) -> str:
    if given:
        return given
    if "AWX_JOB_ID" in environment or "ANSIBLE_RUNNER_ID" in environment:
        raise Refused("scalingo_state_dir is missing: give a directory that outlives the container of the job")
    state = environment.get("XDG_STATE_HOME") or os.path.expanduser("~/.local/state")
    return os.path.join(state, "community.scalingo")


def writable(path: str) -> None:
    try:
        os.makedirs(path, mode=0o700, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path):
            pass
    except OSError as error:
        raise Refused(f"scalingo_state_dir: {path} cannot be written: {error.strerror}") from None


def load(path: str, addon_id: str) -> dict[str, t.Any]:
    try:
        with open(os.path.join(path, addon_id + ".json"), encoding="utf-8") as file:
            return t.cast("dict[str, t.Any]", json.load(file))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise Refused(f"{path}/{addon_id}.json cannot be read ({error}): move it away to begin without it") from None


def forget(path: str, addon_id: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(os.path.join(path, addon_id + ".json"))
