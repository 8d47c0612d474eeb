# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""`make new` in a copy of the checkout: the stubs of a pair pass the quick checks, and can be run as they are."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from support.playbook import ROOT

BIN = Path(sys.executable).parent
#: What mentions log drains as an example, for a bad answer that something once made the wrong thing of, or for what `make live` reads.
EXAMPLES = {
    "CONTRIBUTING.md",
    "Makefile",
    "docs/docsite/rst/limits.rst",
    "docs/docsite/rst/terraform.rst",
    "scripts/new",
    "tests/cases/scalingo_event_info.yml",
    "tests/contract/test_live.py",
    "tests/generated/bad_answers.yml",
    "tests/sandbox/README.md",
    "tests/sandbox/src/scalingo_sandbox/seed.py",
    "tests/unit/test_new.py",
}
FILES = """
from surroundings import files

print(*(path.as_posix() for path in files()), sep="\\n")
"""
IMPORTED = """
import conftest
from ansible_collections.community.scalingo.plugins.modules import scalingo_gadget, scalingo_gadget_info
from support.cases import load_case_file
from support.subjects import CASES

for module in (scalingo_gadget, scalingo_gadget_info):
    module.argument_spec()
    assert load_case_file(CASES / (module.__name__.rpartition(".")[2] + ".yml")).cases
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("copy") / "scalingo"
    shutil.copytree(ROOT, root, ignore=shutil.ignore_patterns(".cache", ".git", "__pycache__", ".hypothesis"))
    for words in (("gadget", "--pair"), ("main_gadget", "--pair", "--main")):
        made = run(root, BIN / "python", "scripts/new", *words)
        assert made.returncode == 0 and f"plugins/modules/scalingo_{words[0]}_info.py" in made.stdout, made
    return root


def run(root: Path, *words: object) -> subprocess.CompletedProcess[str]:
    # The sandbox that is installed is that of the checkout.
    environment = {**os.environ, "PYTHONPATH": str(root / "tests" / "sandbox" / "src")}
    return subprocess.run(
        [str(word) for word in words], cwd=root, env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    "command",
    [
        ("python", "scripts/lists", "--check"),
        ("ruff", "check", "--no-cache", "plugins"),
        ("ruff", "format", "--no-cache", "--check", "plugins"),
        (
            "pytest",
            "-q",
            "tests/contract/test_sandbox_gadgets.py",
            "tests/contract/test_sandbox_main_gadgets.py",
            "tests/unit/test_endpoints.py",
            "tests/engines/test_every_module.py",
            "tests/generated/test_honesty.py",
            "tests/generated/test_together.py",
            "-k",
            "gadget or used_once or every_call_has_a_case",
        ),
        (
            "yamllint",
            "--strict",
            *(f"tests/cases/scalingo_gadget{of}.yml" for of in ("", "_info")),
            "tests/playbook/modules.yml",
            "tests/unit/endpoints.yml",
            "meta",
        ),
        ("python", "-c", "import sys; sys.path[:0] = ['.', 'tests']" + IMPORTED),
    ],
    ids=lambda command: " ".join(command[:3]),
)
def test_the_stubs_pass(copy: Path, command: t.Sequence[str]) -> None:
    done = run(copy, BIN / command[0], *command[1:])
    assert done.returncode == 0, done.stdout + done.stderr


def test_a_pair_has_the_files_that_contributing_names_and_no_others() -> None:
    """The log drains: each file that mentions them is in the table, written by `make lists`, or has no part in what they cost."""
    section = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8").split("## Adding a module")[1]
    *rows, lists = re.findall(r"(?m)^\| (`.*?) \|", section)
    files = set()
    for row in rows:
        first, *more = re.findall("`(.*?)`", row.replace("THINGS", "log_drains").replace("THING", "log_drain"))
        files |= {first, *(f"{os.path.splitext(first)[0]}{name[1:]}" for name in more)}
    assert len(files) <= 14
    listed = run(ROOT, BIN / "python", "-c", "import sys; sys.path[:0] = ['scripts']" + FILES).stdout.splitlines()
    mentions = {name for name in listed if re.search(b"(?i)log.?drain", (ROOT / name).read_bytes())}
    written = {name for name in mentions if any(name.startswith(place) for place in re.findall("`(.*?)`", lists))}
    assert files <= mentions - written
    assert mentions - written - files == EXAMPLES


def test_nothing_is_written_over(copy: Path) -> None:
    path = copy / "plugins" / "modules" / "scalingo_gadget.py"
    before = path.read_text(encoding="utf-8")
    for words in (("gadget",), ("gadget", "--pair"), ("Gad-get",), ("gadget_info",)):
        assert run(copy, BIN / "python", "scripts/new", *words).returncode == 2
    assert path.read_text(encoding="utf-8") == before
