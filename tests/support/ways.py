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
#: What the newest core adds to a result by itself.
OF_A_CORE = ("exception", "_ansible_no_log")


def reasons(run: Run) -> list[str]:
    """Which way each task went, and why."""
    return [
        line.split("community.scalingo: ", 1)[1]
        for line in run.output.splitlines()
        if "> community.scalingo: runs " in line
    ]


def lasting(value: t.Any, names: t.Sequence[str]) -> t.Any:
    """A result without these names, also within the results of a loop."""
    if isinstance(value, dict):
        return {name: lasting(inner, names) for name, inner in value.items() if name not in names}
    return [lasting(inner, names) for inner in value] if isinstance(value, list) else value


def told(run: Run, without: t.Sequence[str]) -> list[t.Any]:
    """What a user sees of each task."""
    return [
        [item.host, item.task, item.status, item.ignored, settled(lasting(item.result, without))]
        for item in sorted(run.results, key=lambda item: (item.task, item.host))
    ]


class Both:
    """The same tasks as modules, with one ansible-core, and in the process of the controller, with each of them: nobody can tell them apart."""

    def __init__(self, controllers: t.Sequence[Ansible], sandbox: Sandbox) -> None:
        self.controllers = controllers
        self.sandbox = sandbox

    def set(self, **environment: str | None) -> None:
        for controller in self.controllers:
            controller.environment.update(environment)

    def tasks(
        self,
        tasks: t.Sequence[t.Mapping[str, t.Any]],
        *options: str,
        arrange: t.Callable[[], t.Any] = bool,
        by_core: t.Sequence[str] = (),
        **play: t.Any,
    ) -> tuple[list[Run], Run]:
        """The runs in process, and the one as a module: each on fresh data, which `arrange` changes.

        `by_core` names the tasks whose results are the words of ansible-core itself, which each says in its own way.
        """
        here, module = self._each(
            lambda controller, environment: controller.tasks(tasks, "-vv", *options, environment=environment, **play),
            arrange,
            by_core,
        )
        assert set(reasons(module)) == {"runs as a module: scalingo_in_process is false"}
        return here, module

    def ad_hoc(self, module: str, arguments: str, *options: str) -> tuple[list[Run], Run]:
        return self._each(
            lambda controller, environment: controller.ad_hoc(module, arguments, *options, environment=environment),
            bool,
            (),
        )

    def _each(
        self,
        run: t.Callable[[Ansible, t.Mapping[str, str]], Run],
        arrange: t.Callable[[], t.Any],
        by_core: t.Sequence[str],
    ) -> tuple[list[Run], Run]:
        runs = []
        for controller, environment in [
            (self.controllers[0], AS_MODULE),
            *((controller, {}) for controller in self.controllers),
        ]:
            self.sandbox.reset(SEED)
            arrange()
            runs.append(run(controller, environment).clean())
        module, *here = runs
        for each, controller in zip(here, self.controllers, strict=True):
            if controller is self.controllers[0]:
                seen = [told(one, OF_A_RUN) for one in (each, module)]
            else:
                seen = [
                    [item for item in told(one, (*OF_A_RUN, *OF_A_CORE)) if item[1] not in by_core]
                    for one in (each, module)
                ]
            differences = difference(*seen)
            assert differences == [], differences
            assert each.returncode == module.returncode
        for each in runs:
            assert API_TOKEN not in each.output
        return here, module
