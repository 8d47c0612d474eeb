# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A module in this very process: its own argument spec, the port of `_run` in the place of `AnsibleModule`.

Arguments go through Ansible's own validation with everything the spec says, environment included. What is reported is
kept as it was given, before anything is masked: so a secret that a result holds is seen, and not only its mask.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import types
import typing as t
from pathlib import Path

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.community.scalingo.plugins.module_utils import _run
from ansible_collections.community.scalingo.plugins.module_utils._core import Clock
from ansible_collections.community.scalingo.plugins.module_utils._options import prepared
from ansible_collections.community.scalingo.plugins.module_utils._progress import Progress

Arguments = t.Mapping[str, t.Any]

# What a module may read of its surroundings: where tokens are kept, and the options that have a variable.
HOME_VARIABLES = ("HOME", "XDG_RUNTIME_DIR", "XDG_CACHE_HOME")


@dataclasses.dataclass(frozen=True)
class Report:
    """What a module told its host. `result` is not masked; `secrets` are the values that were to be masked."""

    failed: bool
    result: dict[str, t.Any]
    warnings: tuple[str, ...]
    secrets: frozenset[str]
    #: Refused by Ansible's own validation, before the collection's code was reached.
    by_validation: bool = False

    @property
    def changed(self) -> bool:
        return bool(self.result.get("changed"))

    @property
    def message(self) -> str:
        return str(self.result.get("msg", ""))

    @property
    def kind(self) -> str:
        return str(self.result.get("error", {}).get("kind", ""))

    def everything(self) -> str:
        """All that can be shown or logged of it."""
        return json.dumps([self.result, self.warnings], sort_keys=True)


class PortHost:
    """The port: parameters in, one report out."""

    def __init__(
        self,
        params: dict[str, t.Any],
        given: t.Mapping[str, t.Any],
        check_mode: bool,
        no_log: bool,
        secrets: t.Iterable[str] = (),
    ) -> None:
        self.params = params
        self.given = given
        self.check_mode = check_mode
        self.no_log = no_log
        self.warnings: list[str] = []
        self.secrets = set(secrets)
        self.told: list[Progress] = []
        self.reports: list[tuple[bool, dict[str, t.Any]]] = []

    def warn(self, message: str) -> None:
        assert isinstance(message, str) and message, "a warning is a sentence"
        self.warnings.append(message)

    def secret(self, value: str) -> None:
        assert isinstance(value, str)
        self.secrets.add(value)

    def exit(self, result: dict[str, t.Any]) -> None:
        self.reports.append((False, result))

    def fail(self, result: dict[str, t.Any]) -> None:
        assert isinstance(result.get("msg"), str) and result["msg"], "a failure has a sentence"
        self.reports.append((True, result))

    def progress(self, progress: Progress) -> None:
        self.told.append(progress)

    #: Whose end ends a tunnel.
    controller = os.getpid()

    def alive(self) -> None:
        """The run is always there."""

    def report(self) -> Report:
        assert len(self.reports) == 1, f"a module reports exactly once, and not {len(self.reports)} times"
        failed, result = self.reports[0]
        # A round trip shows what the controller will see, and fails on what cannot be sent to it.
        return Report(failed, json.loads(json.dumps(result)), tuple(self.warnings), frozenset(self.secrets))


def perform(
    module: types.ModuleType,
    arguments: Arguments,
    *,
    check: bool = False,
    no_log: bool = False,
    home: Path | None = None,
    environment: t.Mapping[str, str] | None = None,
    clock: Clock | None = None,
) -> Report:
    """Run a module once, as Ansible would with these arguments.

    `home` is the directory below which it may keep tokens; `environment` holds the variables of the collection.
    """
    with surroundings(home, environment or {}):
        spec = module.argument_spec()
        validated = ArgumentSpecValidator(**spec.kwargs()).validate(
            prepared(spec.options, json.loads(json.dumps(dict(arguments))))
        )
        if validated.error_messages:
            text = ". ".join(validated.error_messages)
            return Report(True, {"msg": text, "changed": False}, (), frozenset(), by_validation=True)
        host = PortHost(validated.validated_parameters, dict(arguments), check, no_log, validated._no_log_values)
        _run.execute(module.RESOURCE, spec, host, clock)
        return host.report()


@contextlib.contextmanager
def surroundings(home: Path | None, environment: t.Mapping[str, str]) -> t.Iterator[None]:
    """The variables of the collection are those given and no others; tokens are kept below `home`."""
    before = {
        name: value for name, value in os.environ.items() if name.startswith("SCALINGO_") or name in HOME_VARIABLES
    }
    for name in before:
        del os.environ[name]
    places = {} if home is None else {"HOME": str(home), "XDG_RUNTIME_DIR": str(home)}
    os.environ.update({"HOME": "/nonexistent", **places, **environment})
    try:
        yield
    finally:
        for name in {*environment, *HOME_VARIABLES}:
            os.environ.pop(name, None)
        os.environ.update(before)
