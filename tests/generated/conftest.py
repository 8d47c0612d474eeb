# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One laboratory for each process of the tests, with a directory of its own for each test."""

from __future__ import annotations

import collections
import typing as t
from pathlib import Path

import pytest
from support.laboratory import Laboratory, Sandboxes


@pytest.fixture(scope="session")
def sandboxes() -> t.Iterator[Sandboxes]:
    with Sandboxes() as opened:
        yield opened


@pytest.fixture
def laboratory(sandboxes: Sandboxes, tmp_path: Path) -> Laboratory:
    return Laboratory(sandboxes, tmp_path)


def pytest_terminal_summary(terminalreporter: t.Any) -> None:
    """A line of figures for options and one for variables: how many wrong values were tried, and what became of them."""
    counts: dict[str, t.Counter[str]] = collections.defaultdict(collections.Counter)
    for reports in terminalreporter.stats.values():
        for report in reports:
            for what in {
                name for name, dummy in getattr(report, "user_properties", ()) if name.startswith("wrong values")
            }:
                if getattr(report, "when", "") == "call":
                    counts[what].update(value for name, value in report.user_properties if name == what)
                    counts[what]["places"] += 1
    for what, found in sorted(counts.items()):
        terminalreporter.write_line(
            "%s: %d in %d places, %d to be refused, %d to be taken for what they mean"
            % (what, found["refused"] + found["taken"], found["places"], found["refused"], found["taken"])
        )
