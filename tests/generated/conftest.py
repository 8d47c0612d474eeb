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
    """One line of figures: how many wrong values were tried, and what became of them."""
    counts: t.Counter[str] = collections.Counter()
    for reports in terminalreporter.stats.values():
        for report in reports:
            found = [value for name, value in getattr(report, "user_properties", ()) if name == "wrong values"]
            if found and getattr(report, "when", "") == "call":
                counts.update(found)
                counts["options"] += 1
    if counts:
        terminalreporter.write_line(
            "wrong values: %d for %d options, %d to be refused, %d to be taken for what they mean"
            % (counts["refused"] + counts["taken"], counts["options"], counts["refused"], counts["taken"])
        )
