# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Ansible as a user whom nobody knows, as containers with a random user ID have it: no name, no home, nothing to write.

The superuser becomes that user in earnest, keeping only the right to read, as the interpreter may be in a private
directory. Anybody else maps the own user ID to it in a user namespace.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import typing as t
from pathlib import Path

import pytest
from support.playbook import Ansible, Environment

USER = 12345


def _prefix() -> list[str]:
    if os.geteuid() == 0 and shutil.which("setpriv"):
        user = str(USER)
        return [
            "setpriv",
            "--reuid",
            user,
            "--regid",
            user,
            "--clear-groups",
            "--inh-caps=-all,+dac_read_search",
            "--ambient-caps=+dac_read_search",
            "--bounding-set=-all,+dac_read_search",
        ]
    return ["unshare", "--user", f"--map-user={USER}", f"--map-group={USER}"]


@contextlib.contextmanager
def stranger(environment: Environment) -> t.Iterator[Ansible]:
    """A controller of that user, in a directory that everybody can read and that holds one place to write.

    That one is for the temporary files of Ansible itself, which cannot do without.
    """
    prefix = _prefix()
    try:
        works = subprocess.run(
            [*prefix, "id", "-u"], capture_output=True, text=True, check=False
        ).stdout.strip() == str(USER)
    except FileNotFoundError:
        works = False
    if not works:
        pytest.skip("this machine lets nobody become another user (needs setpriv as root, or user namespaces)")
    with tempfile.TemporaryDirectory(prefix="stranger-") as name:
        directory = Path(name)
        directory.chmod(0o755)
        controller = Ansible(directory, environment)
        controller.home.rmdir()
        scratch = directory / "scratch"
        scratch.mkdir()
        scratch.chmod(0o1777)
        controller.working_directory = scratch
        controller.prefix = prefix
        controller.environment.update(
            TMPDIR=str(scratch),
            ANSIBLE_HOME=str(scratch / "ansible"),
            ANSIBLE_LOCAL_TEMP=str(scratch / "local"),
            ANSIBLE_REMOTE_TEMP=str(scratch / "remote"),
        )
        yield controller
