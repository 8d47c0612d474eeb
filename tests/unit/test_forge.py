# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The forge runs what the Makefile runs: no target that tests is forgotten, and each check of antsibull-nox has its own way here."""

from __future__ import annotations

import re
import runpy
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
import yaml
from support.pages import Page
from support.playbook import ROOT

WORKFLOWS = {
    path.name: yaml.safe_load(path.read_text(encoding="utf-8")) for path in (ROOT / ".github" / "workflows").iterdir()
}
#: Targets that make something, or need what a forge has not: an account, somebody who looks, a quiet machine.
OTHER = {"help", "setup", "check", "sandbox", "bench", "live", "build", "new", "lists", "lock", "clean"}
#: The sessions of antsibull-nox.toml, each with the suite of `make test` that says the same.
SESSIONS = {
    "docs_check": "documentation",
    "license_check": "licences",
    "extra_checks": "lists",
    "build_import_check": "artifact",
    "ansible_lint": "ansible-lint",
    "ansible_test_sanity": "sanity-newest",
}


#: The schemas that check-jsonschema brings, and the names of the files that they are for.
SCHEMAS = {
    "github-workflows": r"\.github/workflows/.*\.yml",
    "gitlab-ci": r"\.gitlab-ci\.yml",
    "dependabot": r"\.github/dependabot\.yml",
    "github-issue-forms": r"\.github/ISSUE_TEMPLATE/(?!config).*\.yml",
    "github-issue-config": r"\.github/ISSUE_TEMPLATE/config\.yml",
}


def commands(job: dict[str, t.Any]) -> list[str]:
    """What the steps of a job run, for each value of its matrix."""
    found = [str(step["run"]) for step in job.get("steps", ()) if "run" in step]
    for name, values in job.get("strategy", {}).get("matrix", {}).items():
        found = [text.replace("${{ matrix.%s }}" % name, str(value)) for text in found for value in values]
    return found


def test_every_target_that_tests_is_run() -> None:
    targets = set(re.findall(r"(?m)^([a-z-]+): ## ", (ROOT / "Makefile").read_text(encoding="utf-8")))
    jobs = [job for workflow in WORKFLOWS.values() for job in workflow["jobs"].values()]
    text = "\n".join(command for job in jobs for command in commands(job))
    named = set(re.findall(r"\bmake ([a-z-]+)", text))
    assert ".ci/run" in text and "exec make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    assert named | {"test"} == targets - OTHER
    assert targets >= OTHER


def test_workflows_get_no_more_rights_than_they_need() -> None:
    for name, workflow in WORKFLOWS.items():
        assert workflow["permissions"] == {"contents": "read"}, name
        # YAML reads `on` as true, unless it is quoted.
        assert "on" in workflow, name
        for job in workflow["jobs"].values():
            checkouts = [step for step in job.get("steps", ()) if step.get("uses", "").startswith("actions/checkout@")]
            assert all(step["with"] == {"persist-credentials": False} for step in checkouts), name
            for step in job.get("steps", ()):
                # Without it, nothing below a directory with a dot is kept.
                if step.get("uses", "").startswith("actions/upload-artifact@") and ".cache/" in step["with"]["path"]:
                    assert step["with"].get("include-hidden-files") is True, name


def test_actions_have_one_version_everywhere() -> None:
    jobs = [job for workflow in WORKFLOWS.values() for job in workflow["jobs"].values()]
    used = [str(step["uses"]) for job in jobs for step in [job, *job.get("steps", ())] if "uses" in step]
    versions = {tuple(name.rpartition("@")[::2]) for name in used}
    assert len(dict(versions)) == len(versions), sorted(versions)
    assert all(re.fullmatch(r"v\d+|stable-\d+", version) for dummy, version in versions), sorted(versions)


def test_a_tag_publishes_what_release_check_left_and_galaxy_needs_a_secret() -> None:
    workflow = WORKFLOWS["release.yml"]
    assert workflow["on"] == {"push": {"tags": ["*"]}}
    check, publish = workflow["jobs"]["check"], workflow["jobs"]["publish"]
    assert "make release-check" in commands(check)
    # No expression in a command: a tag may hold anything.
    assert not [text for job in (check, publish) for text in commands(job) if "${{" in text]
    assert publish["needs"] == "check" and publish["permissions"] == {"contents": "write"}
    (kept,) = [step["with"] for step in check["steps"] if "upload-artifact" in step.get("uses", "")]
    assert {Path(path).parent.as_posix() for path in kept["path"].split()} == {".cache/release-check"} and kept[
        "include-hidden-files"
    ]
    (galaxy,) = [step for step in publish["steps"] if "collection publish" in step.get("run", "")]
    assert galaxy["if"] == "env.GALAXY_TOKEN != ''" and "--token" not in galaxy["run"]
    assert not [text for text in commands(publish) if " build" in text]


@pytest.mark.parametrize(
    ("version", "here", "everywhere", "expected"),
    [
        ("0.1.0", [], [], ""),
        ("0.1.0", ["0.1.0"], ["0.1.0"], ""),
        ("0.2.0", [], ["0.1.0"], ""),
        ("1.0.0-rc.1", ["1.0.0-rc.1"], ["1.0.0-rc.1"], ""),
        # Releases of peers that were none: ansible.netcommon#754, community.healthchecksio#52, community.crypto#483, a second tag beside the right one.
        ("8.3.1", ["8.3.0"], ["8.3.0"], "is not the version"),
        ("1.5.1", ["v1.5.1"], ["v1.5.1"], "without a letter"),
        ("1.9.17", ["2.3.3"], ["1.9.17", "2.3.3"], "is not the version"),
        ("0.1.0", ["0.1.0", "latest"], ["0.1.0", "latest"], "the tag latest"),
        ("0.1.0", [], ["0.1.0"], "the tag of another commit"),
        ("0.1", [], [], "no semantic version"),
    ],
)
def test_a_release_has_the_tag_of_its_version(
    version: str, here: list[str], everywhere: list[str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(ROOT / "scripts")
    refusal = runpy.run_path(str(ROOT / "scripts" / "check_release"))["refusal"]
    why = refusal(version, here, everywhere)
    assert bool(why) == bool(expected) and expected in why


def test_the_checks_of_the_community_have_their_suite_here() -> None:
    text = (ROOT / "antsibull-nox.toml").read_text(encoding="utf-8")
    assert set(re.findall(r"(?m)^\[sessions\.([a-z_]+)\]$", text)) == set(SESSIONS)
    suites = (ROOT / "scripts" / "run_suites").read_text(encoding="utf-8")
    assert [suite for suite in SESSIONS.values() if f'"{suite}"' not in suites] == []


def definitions() -> dict[str, str]:
    """What forges read: the files of this repository, and those that readers of the pages save."""
    found = {
        str(path.relative_to(ROOT)): path.read_text(encoding="utf-8") for path in (ROOT / ".github").rglob("*.yml")
    }
    for path in (ROOT / "docs" / "docsite" / "rst").glob("*.rst"):
        found.update({f"{path.stem}/{name}": text for name, text in Page(path.stem).saved.items()})
    return found


@pytest.mark.parametrize("schema", SCHEMAS)
def test_definitions_are_what_their_schemas_say(schema: str, tmp_path: Path) -> None:
    texts = {name: text for name, text in definitions().items() if re.search(SCHEMAS[schema] + "$", name)}
    paths = []
    for name, text in texts.items():
        paths.append(tmp_path / name.replace("/", "-"))
        paths[-1].write_text(text, encoding="utf-8")
    assert paths, schema
    transform = ["--data-transform", "gitlab-ci"] if schema == "gitlab-ci" else []
    program = str(Path(sys.executable).parent / "check-jsonschema")
    done = subprocess.run(
        [program, "--builtin-schema", f"vendor.{schema}", *transform, *paths],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
