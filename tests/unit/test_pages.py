# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A census of the blocks of code in the documentation: each one is run by a test, or says why it is not."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from support.pages import Block, Page, blocks_of
from support.playbook import ROOT

PAGES = sorted(
    [
        ROOT / "README.md",
        ROOT / "tests" / "sandbox" / "README.md",
        *(ROOT / "docs" / "docsite" / "rst").glob("*.rst"),
        *(ROOT / "roles").glob("*/README.md"),
        *(ROOT / "extensions").glob("**/README.md"),
    ]
)
#: How many blocks may stay out, of all pages. A new one is worth a look.
MOST_NOT_RUN = 20


def openers_of(page: str) -> dict[str, str]:
    """The tests that open a page: the name that the page has in each, and its text."""
    found = {}
    for path in sorted((ROOT / "tests").glob("*/test_*.py")):
        text = path.read_text(encoding="utf-8")
        for variable, name in re.findall(r'^(\w+) = Page\("([^"]+)"\)$', text, re.MULTILINE):
            if Page(name).name == page:
                found[variable] = text
    return found


def is_run(block: Block, tests: dict[str, str]) -> bool:
    """Whether a test runs the whole page, or the block by its name or as one of its kind."""
    for variable, text in tests.items():
        words = [rf"\b{variable}\.run\("]
        if block.caption:
            words += [rf'"{re.escape(block.caption)}"', rf"\b{variable}\.files\b"]
        elif block.is_shell:
            words += [rf"\b{variable}\.shell\b"]
        else:
            words += [rf"\b{variable}\.plays\b"]
        if any(re.search(word, text) for word in words):
            return True
    return False


@pytest.mark.parametrize("path", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_each_block_is_run_or_says_why_not(path: Path) -> None:
    tests = openers_of(str(path.relative_to(ROOT)))
    idle = [block for block in blocks_of(path) if block.must_run and not is_run(block, tests)]
    assert not idle, "no test runs " + ", ".join(
        f"{block.place} ({block.caption or block.text.splitlines()[0]})" for block in idle
    )
    for block in blocks_of(path):
        if block.is_play and block.must_run:
            assert block.playbook


def test_the_kinds_of_blocks_are_those_that_the_checks_of_the_community_take() -> None:
    text = (ROOT / "antsibull-nox.toml").read_text(encoding="utf-8")
    taken = set(re.findall(r'"([^"]+)"', re.findall(r"(?m)^codeblocks_restrict_types = (.*)$", text)[0]))
    kinds = {block.kind for path in PAGES if path.suffix == ".rst" for block in blocks_of(path)}
    assert kinds - taken == set()


def test_few_blocks_are_not_run(record_property: pytest.RecordProperty) -> None:
    blocks = [block for path in PAGES for block in blocks_of(path)]
    figures = {
        "pages with blocks": len({block.page for block in blocks}),
        "blocks run": sum(block.must_run for block in blocks),
        "blocks not run": sum(block.not_run is not None for block in blocks),
    }
    for name, number in figures.items():
        record_property(name, number)
    print(figures)
    assert figures["blocks run"] > 4 * figures["blocks not run"], figures
    assert figures["blocks not run"] <= MOST_NOT_RUN, [
        f"{block.place}: {block.not_run}" for block in blocks if block.not_run
    ]
