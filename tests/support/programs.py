# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The programs of roles as modules of Python, the archives that they read, and waiting for what they do."""

from __future__ import annotations

import importlib.util
import io
import sys
import tarfile
import time
import types
import typing as t
from pathlib import Path


def load(name: str, path: Path) -> types.ModuleType:
    """A module of its own under this name, so that what one file of tests changes in it is not changed for another."""
    specification = importlib.util.spec_from_file_location(name, path)
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    sys.modules[name] = module
    specification.loader.exec_module(module)
    return module


def packed(files: t.Mapping[str, bytes]) -> bytes:
    """An archive as the platform makes them."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    return stream.getvalue()


def until(condition: t.Callable[[], t.Any], what: str, seconds: float = 30) -> t.Any:
    """Wait until a condition holds, and return what it returned."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds:g} seconds for: {what}")
