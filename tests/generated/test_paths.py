# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every module does the same in each form of the paths (docs/contract.md, section 1.5): one case of each. `make faults` runs all suites so."""

from __future__ import annotations

import pytest
from support.cases import API_PATH, DB_API, in_form
from support.compare import difference, settled, without
from support.generation import TESTED_MODULES, none
from support.laboratory import BELOW_THE_DATABASE, Laboratory, Observation
from support.subjects import Subject
from support.suites.effects import base_case


def asked(seen: Observation) -> list[str]:
    """The requests, but for those that only say which database it is."""
    return [BELOW_THE_DATABASE.get(name, name) for name in seen.calls() if name not in ("A2", "A6")]


@pytest.mark.skipif(API_PATH != DB_API, reason="then everything is in another form")
@pytest.mark.parametrize("subject", TESTED_MODULES)
def test_it_does_the_same_by_the_main_api(laboratory: Laboratory, subject: Subject) -> None:
    case = base_case(subject, changing=not subject.reads_only)
    truth = laboratory.observe(subject, case)
    found = []
    for laboratory.api_path in ("v1", "api"):
        seen = laboratory.observe(subject, *in_form([case], laboratory.api_path))
        hidden = ("notes", *case.differs)
        found += difference(*(settled(without(one.told, hidden), one.known) for one in (truth, seen)))
        found += [] if seen.state == truth.state else ["the databases are otherwise afterwards"]
        found += difference(asked(truth), asked(seen))
        found += [f"{record.path} is asked of {record.role}" for record in seen.records if record.role == "db"]
        found += [] if len(seen.records) <= len(truth.records) else [f"it costs more: {seen.calls()}, {truth.calls()}"]
    none(found)
