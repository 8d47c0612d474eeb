# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module without cases, a playbook or its place in the layers fails here. tests/unit/test_frame.py has the lists."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import yaml
from support.cases import Case
from support.generation import EVERY_MODULE, cases, none
from support.subjects import CASES, MODULES, ROOT, Subject, subjects
from support.suites import documents

MODULE_UTILS = ROOT / "plugins" / "module_utils"
UTILITIES = [
    pytest.param(path, id=path.relative_to(MODULE_UTILS).as_posix())
    for path in sorted(MODULE_UTILS.rglob("*.py"))
    if path.read_text(encoding="utf-8").strip()
]


def version(text: str) -> tuple[int, ...]:
    return tuple(map(int, text.split(".")))


def test_there_are_modules() -> None:
    assert len(subjects()) >= 5


@pytest.mark.parametrize("subject", EVERY_MODULE)
def test_it_has_cases(subject: Subject) -> None:
    assert subject.cases.cases


@pytest.mark.parametrize("subject", EVERY_MODULE)
def test_it_has_a_case_that_simply_succeeds_and_one_that_changes_something(subject: Subject) -> None:
    succeeding = [case for case in subject.cases.cases if not case.expect.failure]
    assert succeeding
    assert subject.reads_only is not any(case.expect.changed for case in succeeding)


@pytest.mark.parametrize("subject, case", cases(lambda subject, case: bool(case.expect.failure)))
def test_a_failure_of_the_collection_says_what_kind_it_is(subject: Subject, case: Case) -> None:
    by_ansible = ("mutually exclusive", "required", "must be one of", "missing", "unable to convert", "parameters are")
    assert case.expect.kind or any(word in text for text in case.expect.failure for word in by_ansible)


def test_each_has_tasks_that_use_it_in_earnest() -> None:
    tasks = yaml.safe_load((ROOT / "tests" / "playbook" / "modules.yml").read_text(encoding="utf-8"))
    assert sorted(tasks) == sorted(subject.name for subject in subjects()) and all(tasks.values())


@pytest.mark.parametrize("subject", EVERY_MODULE)
def test_it_has_the_form_of_a_module(subject: Subject) -> None:
    none(documents.form_problems(subject))


@pytest.mark.parametrize("subject", EVERY_MODULE)
def test_it_was_not_added_in_the_future(subject: Subject) -> None:
    current = yaml.safe_load((ROOT / "galaxy.yml").read_text(encoding="utf-8"))["version"]
    assert version(subject.documentation["version_added"]) <= version(current)
    for name, option in subject.own_documentation.get("options", {}).items():
        if "version_added" in option:
            assert version(subject.documentation["version_added"]) < version(option["version_added"]), name
            assert version(option["version_added"]) <= version(current), name


def test_every_case_file_has_its_module() -> None:
    names = {path.stem for path in CASES.glob("[!_]*.yml")}
    assert names <= {path.stem for path in MODULES.glob("*.py")}


@pytest.mark.parametrize("path", UTILITIES)
def test_shared_code_has_its_licence_and_says_that_it_is_private(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").splitlines()
    assert lines[0] == "# Copyright (c) 2026, Community Scalingo contributors"
    assert lines[1].startswith("# Simplified BSD License")
    assert lines[2] == "# SPDX-License-Identifier" + ": BSD-2-Clause"
    assert any("rivate" in line and "may change without notice" in line for line in lines[3:8])
    assert any(part.startswith("_") for part in path.relative_to(MODULE_UTILS).parts)


def test_check_mode_is_read_in_one_place() -> None:
    """The port and its hosts read it, `perform` is told, and whatever else wants to know goes around the one way through.

    Actions of roles have it from `RoleAction`, as Ansible's variable is that of the command line alone. So none takes it from what a task
    was given, either.
    """
    readers = {path for path in _python() if any(_is_attribute(node, "check_mode") for node in _nodes(path))}
    assert {path.name for path in readers} == {"_run.py", "_module.py", "_action.py"}
    named = {path.name for path in _python() for node in _nodes(path) if getattr(node, "value", None) == "check_mode"}
    assert named == set(), "as a key"
    deciding = {
        path.name
        for path in _python()
        for node in _nodes(path)
        if isinstance(node, (ast.If, ast.IfExp, ast.BoolOp, ast.While))
        and any(
            {"check_mode", "_only_checks"} & {getattr(part, "id", ""), getattr(part, "attr", "")}
            for part in ast.walk(_condition(node))
        )
    }
    # And what these say of it.
    assert deciding <= {"_change.py", "_baseline.py", "_action.py", "_upgrade.py"}


def _condition(node: ast.AST) -> ast.AST:
    return node if isinstance(node, ast.BoolOp) else node.test  # type: ignore[attr-defined]


def _is_attribute(node: ast.AST, name: str) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == name and isinstance(node.ctx, ast.Load)


def _python() -> list[Path]:
    return sorted((ROOT / "plugins").rglob("*.py"))


def _nodes(path: Path) -> list[ast.AST]:
    return list(ast.walk(ast.parse(path.read_text(encoding="utf-8"))))
