# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What reviewers of the community package ask for (docs/inclusion.md), as far as no other suite holds it."""

from __future__ import annotations

import re
import typing as t
from pathlib import Path

import pytest
import yaml
from support.playbook import ROOT
from support.subjects import Subject, subjects

TEXT = (ROOT / "docs" / "inclusion.md").read_text(encoding="utf-8")
ROWS = re.findall(r"(?m)^\| (?!Line |-)(.+?) \| (\w+) \| (.+) \|$", TEXT)
#: What ansible-core loads, and the directories that the requirements add.
KINDS = {"action", "doc_fragments", "inventory", "module_utils", "modules", "plugin_utils"}
#: Where a released collection may read.
PLACES = ("meta", "plugins", "roles", "playbooks")
SECTIONS = (
    "Requirements",
    "Installation",
    "Use cases",
    "Testing",
    "Communication",
    "Support",
    "Contributing",
    "Releases",
)


def test_every_line_has_an_answer_and_every_named_test_exists() -> None:
    assert {answer for dummy, answer, place in ROWS} == {"yes", "partly", "no"}
    assert len(ROWS) == len(re.findall(r"(?m)^\| ", TEXT)) - TEXT.count("| Line |")
    for line, answer, place in ROWS:
        last = ""
        for named in re.findall(r"`((?:tests|scripts|\.github)/[^`]+|…::\w+|antsibull-nox\.toml)`", place):
            path, dummy, test = named.replace("…", last).partition("::")
            last = path
            assert (ROOT / path).exists(), f"{line}: {named}"
            assert not test or f"def {test}(" in (ROOT / path).read_text(encoding="utf-8"), f"{line}: {named}"
        for named in re.findall(r"\]\(\.\./([^)]+)\)", place):
            assert (ROOT / named).is_file(), f"{line}: {named}"
        for suite in re.findall(r"suites? `([a-z-]+)`|and `(sanity-\w+)`", place):
            assert f'"{"".join(suite)}"' in (ROOT / "scripts" / "run_suites").read_text(encoding="utf-8"), line
        assert place and (answer != "yes" or "never" not in place), line


def test_the_guide_for_contributors_leads_to_it_and_says_what_is_disclosed() -> None:
    text = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
    assert "(docs/inclusion.md)" in text and "Assisted-by:" in text and "ai_policy" in text
    assert "Assisted-by:" in (ROOT / ".github" / "pull_request_template.md").read_text(encoding="utf-8")


def test_only_known_kinds_of_plugins() -> None:
    found = {path.name for path in (ROOT / "plugins").iterdir() if path.is_dir() and path.name != "__pycache__"}
    assert found == KINDS


def test_shared_files_are_private_and_say_so() -> None:
    for kind in ("module_utils", "plugin_utils", "doc_fragments"):
        for path in (ROOT / "plugins" / kind).glob("*.py"):
            assert path.name.startswith("_"), path
            assert re.search(r"(?i)private", path.read_text(encoding="utf-8")[:900]), path


@pytest.mark.parametrize("subject", subjects(), ids=lambda subject: subject.name)
def test_modules_that_only_read_are_info_modules(subject: Subject) -> None:
    informs = subject.name.endswith("_info")
    assert informs is (subject.support("diff_mode") == "N/A")
    if informs:
        assert (subject.support("check_mode"), subject.support("idempotent")) == ("full", "full")


@pytest.mark.parametrize("subject", subjects(), ids=lambda subject: subject.name)
def test_no_state_queries(subject: Subject) -> None:
    choices = subject.documentation["options"].get("state", {}).get("choices", [])
    assert not set(choices) & {"get", "list", "query", "info", "read", "show"}


@pytest.mark.parametrize("subject", subjects(), ids=lambda subject: subject.name)
def test_no_module_returns_facts(subject: Subject) -> None:
    assert "ansible_facts" not in subject.source and not subject.name.endswith("_facts")


def tasks_of(blocks: t.Any) -> t.Iterator[dict[str, t.Any]]:
    for item in blocks:
        for name in ("tasks", "block", "rescue", "always", "pre_tasks", "handlers"):
            yield from tasks_of(item.get(name, []))
        if "name" in item and "hosts" not in item and "block" not in item:
            yield item


#: Keywords of tasks that stand in examples; everything else without a point would be a module by its short name.
KEYWORDS = set(
    "name register when loop loop_control vars check_mode diff delegate_to become no_log failed_when changed_when until retries delay "
    "ignore_errors run_once module_defaults environment notify async poll throttle tags any_errors_fatal".split()
)


@pytest.mark.parametrize("subject", subjects(), ids=lambda subject: subject.name)
def test_every_task_in_documentation_has_its_full_name(subject: Subject) -> None:
    (text,) = re.findall(r'^EXAMPLES = r"""(.*?)"""', subject.source, re.DOTALL | re.MULTILINE)
    for task in tasks_of(yaml.safe_load(text)):
        used = [key for key in task if key not in KEYWORDS and not key.startswith("with_")]
        assert [key for key in used if key.count(".") != 2] == [], task["name"]


def test_no_file_is_large() -> None:
    for place in PLACES:
        for path in (ROOT / place).rglob("*"):
            assert path.is_dir() or path.stat().st_size < 200_000, path


def test_no_playbook_or_role_reads_elsewhere() -> None:
    for place in ("roles", "playbooks"):
        for path in (ROOT / place).rglob("*.yml"):
            for line in path.read_text(encoding="utf-8").splitlines():
                for target in re.findall(r"(?:\.\./)+[\w.-]+", line.partition(" # ")[0]):
                    if not line.lstrip().startswith("#"):
                        assert Path(target).name in PLACES or (path.parent / target).exists(), f"{path}: {line}"
                        assert not re.match(r"\.\./(extensions|docs|tests|scripts|changelogs)", target), (
                            f"{path}: {line}"
                        )


def test_the_readme_has_the_sections_that_reviewers_look_for() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [name for name in SECTIONS if f"\n## {name}\n" not in text] == []
    for link in (
        "https://forum.ansible.com/c/help/6",
        "https://forum.ansible.com/tag/",
        "code_of_conduct.html",
        "semver.org",
    ):
        assert link in text
