# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The targets of tests/integration, run by ansible-test as a reviewer of the collection would run them, against the sandbox."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from scalingo_sandbox.testing import Sandbox
from support.playbook import ROOT, oldest_core

TARGETS = ROOT / "tests" / "integration" / "targets"
CONFIGURATION = "integration_config.yml"


@pytest.mark.long
@pytest.mark.parametrize("core", ["oldest", "newest"])
def test_ansible_test_runs_the_targets(core: str, sandbox: Sandbox, tmp_path: Path) -> None:
    programs = oldest_core() if core == "oldest" else Path(sys.executable).parent
    place = tmp_path / "ansible_collections" / "community" / "scalingo"
    for name in ("galaxy.yml", "meta", "plugins", "tests/config.yml", "tests/integration"):
        (place / name).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (ROOT / name).is_dir() else shutil.copy2)(ROOT / name, place / name)
    # It asks git for the files when there is a repository above.
    subprocess.run(["git", "init", "--quiet", place], check=True)
    template = yaml.safe_load((TARGETS.parent / f"{CONFIGURATION}.template").read_text(encoding="utf-8"))
    given = sandbox.params()
    template["scalingo_connection"] = {name: given[name] for name in template["scalingo_connection"]}
    (place / "tests" / "integration" / CONFIGURATION).write_text(yaml.safe_dump(template), encoding="utf-8")
    version = "%d.%d" % sys.version_info[:2]
    done = subprocess.run(
        [programs / "python", "-m", "ansible_test._util.target.cli.ansible_test_cli_stub", "integration", "--local"]
        + ["--color", "no", "--python", version, "--allow-unsupported", "--no-temp-workdir"],
        cwd=place,
        env={**os.environ, "HOME": str(tmp_path), "PATH": f"{programs}:{os.environ['PATH']}", "LC_ALL": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=900,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    for target in (path.name for path in TARGETS.iterdir()):
        assert f"Running {target} integration test role" in done.stdout, done.stdout
    assert done.stdout.count("failed=0") == len(list(TARGETS.iterdir()))
    assert [record.method for record in sandbox.unsafe()] == ["PATCH", "PATCH"]
