# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Real Ansible at its most talkative, in whose every run secrets are looked for: in those that fail, too."""

from __future__ import annotations

import typing as t
from pathlib import Path

from scalingo_sandbox.testing import Sandbox
from support.playbook import Ansible, Environment, Run
from support.suites import canaries

#: Every token that sandboxes of this process have made, those of links included, since they are recorded.
ISSUED: set[str] = set()


def secrets_in(texts: t.Mapping[str, str], sandbox: Sandbox, *more: str) -> dict[str, list[str]]:
    """What is seen of the secrets of a sandbox and of some more, and where."""
    secrets = {**canaries.canaries(sandbox, ISSUED), **dict.fromkeys(more, "a secret of the test")}
    found = {place: canaries.leaks(text, secrets) for place, text in texts.items()}
    return {place: what for place, what in found.items() if what}


class Watched(Ansible):
    """A controller that knows a sandbox. `more` are secrets that the sandbox does not know of."""

    def __init__(
        self,
        directory: Path,
        sandbox: Sandbox,
        environment: Environment | None = None,
        programs: Path | None = None,
        more: t.Sequence[str] = (),
    ) -> None:
        self.log = directory / "ansible.log"
        super().__init__(
            directory,
            {"ANSIBLE_LOG_PATH": str(self.log), **(sandbox.environment() if environment is None else environment)},
            programs,
        )
        self.sandbox = sandbox
        self.more = tuple(more)

    def _run(self, program: str, arguments: t.Sequence[str], environment: Environment | None, timeout: float) -> Run:
        run = super()._run(program, [*arguments, "-vvvv"], environment, timeout)
        log = self.log.read_text(encoding="utf-8", errors="replace")
        assert "setting up inventory plugins" in log, "it did not tell much"
        found = secrets_in(
            {"the output": run.output, "the results": str(run.results), "the log": log}, self.sandbox, *self.more
        )
        assert found == {}, found
        return run
