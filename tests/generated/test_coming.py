# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every module with a kind of database that nobody knows: what it can do is left to the platform, and the task tells the truth about it."""

from __future__ import annotations

import copy
import dataclasses

import pytest
from support.cases import Case
from support.generation import TESTED_MODULES, none
from support.laboratory import Laboratory
from support.subjects import Subject
from support.suites.faults import crash_problems, plain_cases
from support.suites.together import untrue

#: Where such a database is: a Valkey beside the others of the app, and a MySQL with dedicated resources, whose app it is.
COMING = {"valkey": "shop", "mysql-dr": "next-ledger"}


def about(case: Case, kind: str) -> Case:
    """The same task, about a database of this kind."""
    seed = copy.deepcopy(case.situation.seed)
    app = str(case.target.get("app") or COMING[kind]) if kind == "valkey" else COMING[kind]
    if app not in [item["name"] for item in seed["apps"]]:
        seed["apps"].append({"name": app, "addons": []})
    next(item for item in seed["apps"] if item["name"] == app)["addons"].append({"provider": kind})
    situation = dataclasses.replace(
        case.situation, seed=seed, switches={**case.situation.switches, "coming_kinds": "shown"}, before=(), busy=False
    )
    moved = {
        name: value
        for name, value in {"app": app, "addon": kind}.items()
        if name in case.arguments and case.arguments[name] is not None
    }
    return dataclasses.replace(case, situation=situation, warm=False).with_arguments(**moved)


@pytest.mark.parametrize("subject", TESTED_MODULES)
def test_a_kind_that_nobody_knows(laboratory: Laboratory, subject: Subject) -> None:
    case = plain_cases(subject)[0]
    found = []
    for kind in COMING:
        unknown = about(case, kind)
        looked = laboratory.observe(subject, unknown, check=True, state=False)
        done = laboratory.observe(subject, unknown, state=False)
        problems = crash_problems(looked) + crash_problems(done) + untrue(done.report, done.records)
        if looked.unsafe:
            problems.append(f"check mode sends {[record.route for record in looked.unsafe]}")
        if f"this database is {kind}" in done.report.message:
            problems.append("it refuses what only the platform can know")
        if done.report.failed and not (done.report.by_validation or done.report.result["error"]["kind"]):
            problems.append(f"it fails without a kind: {done.report.message}")
        found += [f"{kind}: {problem}" for problem in problems]
    none(found)
