# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the collection says of itself in several places is the same in all of them."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
import tomllib
import yaml
from ansible_collections.community.scalingo.plugins.module_utils import (
    _diagnosis,
    _options,
    _settings,
    _sql,
    _transport,
)
from support.subjects import Subject, subjects
from support.subjects import names as modules

ROOT = Path(__file__).resolve().parents[2]
MODULES = modules()
README = (ROOT / "README.md").read_text(encoding="utf-8")


def loaded(name: str) -> t.Any:
    return yaml.safe_load((ROOT / name).read_text(encoding="utf-8"))


def test_the_action_group_holds_every_module_and_nothing_else() -> None:
    assert MODULES
    assert loaded("meta/runtime.yml")["action_groups"] == {
        # What runs modules for a role gets the same defaults.
        "scalingo": sorted([*MODULES, "scalingo_role_baseline"]),
        "target": [{"metadata": {"extend_group": ["scalingo"]}}],
    }


def test_the_readme_names_every_module_once_in_its_table() -> None:
    assert re.findall(r"^\| \[(scalingo_\w+)\]\([^)]*/plugins/modules/", README, re.MULTILINE) == MODULES


def test_every_place_has_the_same_version() -> None:
    version = loaded("galaxy.yml")["version"]
    sandbox = tomllib.loads((ROOT / "tests" / "sandbox" / "pyproject.toml").read_text(encoding="utf-8"))
    assert _transport.VERSION == version
    assert sandbox["project"]["version"] == version
    assert version in _transport.USER_AGENT
    # What a reader copies. ">=0.1.0" stays as it is.
    for path in (ROOT / "README.md", *(ROOT / "docs" / "docsite" / "rst").glob("*.rst")):
        text = path.read_text(encoding="utf-8")
        named = re.findall(
            r"(?:scalingo_sandbox-|community-scalingo-|community\.scalingo:==)(\d[\w.]*?)(?:-py3|\.tar|`)", text
        )
        assert set(named) <= {version}, path


def test_the_oldest_ansible_core_is_the_same_everywhere() -> None:
    assert loaded("meta/runtime.yml")["requires_ansible"] == ">=2.16.0"
    assert "ansible-core 2.16 or newer" in README
    assert "ansible-core==2.16.*" in (ROOT / "requirements" / "core-oldest.in").read_text(encoding="utf-8")


#: What the modules need, and from which version on. The code decides.
LOWEST = {"python": "3.9", "requests": _diagnosis.LOWEST_REQUESTS, "psycopg": _sql.LOWEST_PSYCOPG}


def requirements(documentation: t.Mapping[str, t.Any]) -> str:
    return "\n".join(documentation.get("requirements", ()))


@pytest.mark.parametrize(
    "path",
    [
        "README.md",
        "meta/ee-requirements.txt",
        "docs/docsite/rst/ci.rst",
        "docs/docsite/rst/events.rst",
        "requirements/core-oldest.in",
    ]
    + ["plugins/modules/scalingo_pg_extension.py", "plugins/doc_fragments/_options.py"]
    + ["plugins/inventory/scalingo_databases.py", "extensions/eda/plugins/event_source/scalingo_events.py"],
)
def test_every_place_names_the_lowest_versions_that_the_code_names(path: str) -> None:
    text = (ROOT / path).read_text(encoding="utf-8")
    asked = re.findall(r"\b(python|requests|psycopg)(?:\[binary\])? ?(?:>=|==) ?([\d.]*\d)", text, re.IGNORECASE)
    asked += re.findall(r"\b(Python|requests|psycopg)\b(?:\]\([^)]*\)|`)? ([\d.]*\d) or newer", text)
    assert asked and [item for item in asked if LOWEST[item[0].lower()] != item[1]] == []
    if path == "README.md":
        assert {name.lower() for name, dummy in asked} == set(LOWEST)


@pytest.mark.parametrize("subject", subjects(), ids=lambda subject: subject.name)
def test_every_module_says_what_it_needs(subject: Subject) -> None:
    said = requirements(subject.documentation)
    libraries = subject.module.RESOURCE.libraries
    assert "python >= 3.9" in said
    assert [name for name in libraries if f"{name} >= {LOWEST[name]}" not in said] == []


def test_every_other_plugin_says_what_it_needs() -> None:
    for path in (*(ROOT / "plugins" / "inventory").glob("s*.py"), *(ROOT / "extensions/eda/plugins").glob("*/*.py")):
        (text,) = re.findall(
            r'^DOCUMENTATION = r"""(.*?)"""', path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
        )
        said = requirements(yaml.safe_load(text))
        assert "python >= 3.9" in said and f"requests >= {LOWEST['requests']}" in said, path


def test_the_oldest_core_is_tested_with_the_lowest_requests() -> None:
    pins = (ROOT / "requirements" / "core-oldest.txt").read_text(encoding="utf-8")
    found = dict(re.findall(r"^(requests|urllib3)==(\S+) ", pins, re.MULTILINE))
    assert found["requests"] == LOWEST["requests"] and found["urllib3"].startswith("1.26.")


def test_the_oldest_python_is_the_same_everywhere() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]
    assert loaded("tests/config.yml") == {"modules": {"python_requires": ">=3.9"}}
    assert settings["mypy"]["python_version"] == "3.9"
    assert settings["ruff"]["target-version"] == "py39"
    assert "Python 3.9 or newer" in README


def test_the_readme_lists_the_environment_variables_of_the_common_options() -> None:
    documented: dict[str, list[str]] = {}
    for names, option in re.findall(r"^\| (`SCALINGO_.*?) \| `(\w+)` \|$", README, re.MULTILINE):
        documented[option] = re.findall(r"SCALINGO_\w+", names)
    assert documented == {name: list(names) for name, names in _settings.VARIABLES.items()}
    assert set(_settings.VARIABLES) < set(_options.COMMON.options)


def test_galaxy_finds_the_collection_under_a_tag_that_it_requires() -> None:
    tags = loaded("galaxy.yml")["tags"]
    assert {"cloud", "database"} <= set(tags)
    assert len(tags) <= 20
    assert all(re.fullmatch(r"[a-z0-9]+", tag) for tag in tags)


def test_there_are_no_dependencies_on_other_collections() -> None:
    assert loaded("galaxy.yml")["dependencies"] == {}


@pytest.mark.parametrize("name", ["python", "system"])
def test_an_execution_environment_finds_its_files(name: str) -> None:
    described = loaded("meta/execution-environment.yml")
    assert (ROOT / described["dependencies"][name]).is_file()


def test_python_packages_are_asked_for_without_pin_and_without_ceiling() -> None:
    lines = (ROOT / "meta" / "ee-requirements.txt").read_text(encoding="utf-8").splitlines()
    wanted = [line for line in lines if line and not line.startswith("#")]
    assert any(line.startswith("requests>=") for line in wanted)
    assert all(re.fullmatch(r"[a-z\[\]]+>=[0-9.]+", line) for line in wanted), wanted


def test_the_readme_has_absolute_links_only() -> None:
    links = re.findall(r"\]\(([^)]*)\)", README)
    assert links
    assert [link for link in links if not link.startswith("https://")] == []


def test_there_is_no_list_of_ignored_sanity_errors() -> None:
    assert list((ROOT / "tests" / "sanity").glob("ignore*")) == []
