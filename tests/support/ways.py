# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A task both ways, in the process of the controller and as a module: which way it went, and what is seen of it."""

from __future__ import annotations

import typing as t

from scalingo_sandbox.testing import Sandbox
from support.compare import OF_THE_RUN, difference, settled
from support.playbook import Ansible, Run
from support.shop import API_TOKEN, SEED

SHOP = {"app": "shop", "addon": "mysql"}
IGNORE = {"ignore_errors": True}
AS_MODULE = {"SCALINGO_IN_PROCESS": "false"}
#: What results say of the run itself, of the module's process, and of the job in the background, how often that was asked for included.
OF_A_RUN = (*OF_THE_RUN, "invocation", "ansible_facts", "ansible_job_id", "results_file", "attempts")


def reasons(run: Run) -> list[str]:
    """Which way each task went, and why."""
    return [line.split("community.scalingo: ", 1)[1] for line in run.output.splitlines() if "> community.scalingo: runs " in line]


def lasting(value: t.Any) -> t.Any:
    """A result without what each run makes anew, also within the results of a loop."""
    if isinstance(value, dict):
        return {name: lasting(inner) for name, inner in value.items() if name not in OF_A_RUN}
    return [lasting(inner) for inner in value] if isinstance(value, list) else value


def told(run: Run) -> list[t.Any]:
    """What a user sees of each task."""
    return [
        [item.host, item.task, item.status, item.ignored, settled(lasting(item.result))]
        for item in sorted(run.results, key=lambda item: (item.task, item.host))
    ]


def both(
    controller: Ansible,
    sandbox: Sandbox,
    tasks: t.Sequence[t.Mapping[str, t.Any]],
    *options: str,
    arrange: t.Callable[[], t.Any] = bool,
    **play: t.Any,
) -> tuple[Run, Run]:
    """Run it both ways on fresh data, which I(arrange) changes, and see that nobody can tell the two apart."""
    runs = []
    for environment in ({}, AS_MODULE):
        sandbox.reset(SEED)
        arrange()
        runs.append(controller.tasks(tasks, "-vv", *options, environment=environment, **play).clean())
    differences = difference(told(runs[0]), told(runs[1]))
    assert differences == [], differences
    assert runs[0].returncode == runs[1].returncode
    assert set(reasons(runs[1])) == {"runs as a module: scalingo_in_process is false"}
    for run in runs:
        assert API_TOKEN not in run.output
    return runs[0], runs[1]
