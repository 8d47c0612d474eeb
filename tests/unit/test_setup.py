# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What set-up makes of the settings of whoever starts it. `make strangers` tries all of it in a clone."""

from __future__ import annotations

import importlib.util
import os
import shutil
import subprocess
import types
import typing as t
from pathlib import Path

import pytest
from support.playbook import ROOT


@pytest.fixture
def setup(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> types.ModuleType:
    specification = importlib.util.spec_from_file_location("setup_of_the_checkout", ROOT / "scripts" / "setup.py")
    assert specification is not None and specification.loader is not None
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    monkeypatch.setattr(module, "CACHE", tmp_path)
    monkeypatch.setattr(module, "HOME", tmp_path / "home")
    monkeypatch.setenv("HOME", str(tmp_path))
    return module


def test_only_the_way_to_the_packages_is_taken_from_the_user(
    setup: t.Any, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    kept = {
        "PIP_INDEX_URL": "https://a.example",
        "PIP_CERT": "/a",
        "UV_INDEX_OWN_PASSWORD": "a",
        "UV_OFFLINE": "1",
        "HTTPS_PROXY": "http://a.example",
    }
    dropped = (
        "PYTHONHOME",
        "PYTHONSAFEPATH",
        "PIP_TARGET",
        "PIP_CONSTRAINT",
        "UV_REQUIRE_HASHES",
        "UV_CONSTRAINT",
        "UV_PYTHON",
        "VIRTUAL_ENV",
    )
    for name, value in {
        **kept,
        **dict.fromkeys(dropped, "/nowhere"),
        "PIP_USER": "1",
        "PIP_NO_BINARY": ":all:",
    }.items():
        monkeypatch.setenv(name, value)
    values = setup.environment()
    assert {name: values.get(name) for name in kept} == kept and not set(dropped) & set(values)
    assert (values["PIP_USER"], values["PIP_NO_BINARY"], values["UV_NO_CONFIG"]) == ("0", ":none:", "1")
    own = tmp_path / ".config" / "uv" / "uv.toml"
    own.parent.mkdir(parents=True)
    own.touch()
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    assert setup.environment()["UV_CONFIG_FILE"] == str(own)


def test_what_fails_says_what_is_needed(setup: t.Any) -> None:
    with pytest.raises(SystemExit, match=r"(?s)exit status 3.*no such host.*registries of Python and npm.*GB are free"):
        setup.run("sh", "-c", "echo no such host; exit 3")


@pytest.mark.parametrize("name", ("a # b", "a$HOME", "a:b"))
def test_a_path_that_tools_cannot_take_is_refused(tmp_path: Path, name: str) -> None:
    scripts = tmp_path / name / "scripts"
    scripts.mkdir(parents=True)
    shutil.copy(ROOT / "scripts" / "bootstrap", scripts)
    done = subprocess.run([str(scripts / "bootstrap")], capture_output=True, text=True, check=False)
    assert (
        done.returncode == 1
        and f"cannot be in {scripts.parent}" in done.stderr
        and not (scripts.parent / ".cache").exists()
    )


def test_programs_of_make_get_no_settings_of_another_python(tmp_path: Path) -> None:
    given = {
        "PATH": os.environ["PATH"],
        "PYTHON": "/a",
        "PYTHONHOME": "/nowhere",
        "PYTHONSAFEPATH": "1",
        "PYTHONPATH": "/b",
        "LC_ALL": "POSIX",
    }
    (tmp_path / "Makefile").write_text(
        "include {}\nshow: ; @env\n".format(str(ROOT / "Makefile").replace(" ", "\\ ")), encoding="utf-8"
    )
    done = subprocess.run(["make", "-C", str(tmp_path), "show"], env=given, capture_output=True, text=True, check=True)
    shown = dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)
    assert {name: value for name, value in shown.items() if name.startswith("PYTHON")} == {"PYTHON": "/a"} and shown[
        "LC_ALL"
    ] == "C.UTF-8"


def test_no_machine_changes_the_ends_of_lines() -> None:
    assert "* text=auto eol=lf" in (ROOT / ".gitattributes").read_text(encoding="utf-8").splitlines()
