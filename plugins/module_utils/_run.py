# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""What happens between a host and a resource: build the client, let the resource perform, assemble the result.

The host is the small port `Host`: a module (`_module.py`), or anything else that has parameters and takes a result.
"""

from __future__ import annotations

import os
import traceback
import typing as t

from ._change import Performer
from ._client import Client
from ._core import Clock
from ._diagnosis import LOCAL_FAULTS, MACHINE_ADVICE
from ._errors import (
    HIDDEN,
    ConsentMissing,
    InvalidInput,
    ScalingoError,
    UnexpectedAnswer,
    facts,
    legible,
    scrub,
    sentence,
)
from ._options import Spec, secrets_of, settle
from ._progress import Progress
from ._settings import with_environment
from ._shapes import readable
from ._step import Interrupted, Outcome

#: Why a variable that is set where Ansible runs may be missing where the module does.
ELSEWHERE = " With become, or on another host, a module has another environment: use 'become: false' and 'delegate_to: localhost'."


class Host(t.Protocol):
    """What a performer needs of the place that it runs in. `exit` and `fail` may return or not."""

    params: dict[str, t.Any]
    #: The options as the task has them, before any validation: what is null there is not the same as what is missing.
    given: t.Mapping[str, t.Any]
    check_mode: bool
    #: Whether the task keeps its result secret: then, and only then, a result may hold a secret.
    no_log: bool

    def warn(self, message: str) -> None:
        """Show a warning."""

    def secret(self, value: str) -> None:
        """Have a value masked wherever it appears."""

    def exit(self, result: dict[str, t.Any]) -> None:
        """Report success."""

    def fail(self, result: dict[str, t.Any]) -> None:
        """Report failure; the result has a message."""

    def progress(self, progress: Progress) -> None:
        """Take note of how a wait goes; show it where somebody can see it."""

    def alive(self) -> None:
        """Raise `RunEnded` when the run that the task belongs to has ended: then nothing may be sent any more."""


#: How long a task sleeps before it looks again whether its run is still there.
LOOK_SECONDS = 0.5


class WatchfulClock(Clock):
    """A clock that sleeps lightly: the end of the run ends the sleep."""

    def __init__(self, host: Host) -> None:
        self._host = host

    def sleep(self, seconds: float) -> None:
        end = self.now() + seconds
        while True:
            self._host.alive()
            rest = end - self.now()
            if rest <= 0:
                return
            super().sleep(min(rest, LOOK_SECONDS))


def execute(performer: type[Performer], spec: Spec, host: Host, clock: Clock | None = None) -> None:
    """Perform once and report through `host`, whatever happens. Raises nothing but `RunEnded`.

    `spec` says which options the parameters come from. `clock` replaces the machine's own.
    """
    notes: list[str] = []
    client: Client | None = None
    performing: Performer | None = None
    failure: dict[str, t.Any]
    try:
        if performer.on_controller and getattr(host, "controller", None) is None:
            raise _elsewhere("it runs as a module")
        given = performer.of_task(settle(spec, host.params, host.given))
        params = with_environment(given, os.environ, lambda note: notes.append(scrub(note)))
        asked = performer.parse(params)
        client = Client.from_params(
            params,
            verbose=lambda note: notes.append(scrub(note)),
            secret=host.secret,
            clock=clock or WatchfulClock(host),
            fresh_lookup=performer.fresh_lookup,
            watcher=host,
            target_needed=params.get("target_needed", performer.target_needed),
        )
        for secret in secrets_of(spec.options, params):
            client.transport.secrets.add(secret)
        performing = performer(client, params, _warning(client, host), host.no_log, asked)
        outcome = performing.perform(host.check_mode)
    except Interrupted as error:
        cause = error.error
        failure = _failure(cause if isinstance(cause, ScalingoError) else defect(cause), performer, client)
        failure.update(changed=bool(error.done) or error.maybe, steps_done=error.done, step_failed=error.failed)
    except ScalingoError as error:
        failure = _failure(error, performer, client)
    except Exception as error:  # pylint: disable=broad-except
        failure = _failure(defect(error), performer, client)
    else:
        result = readable(_result(outcome), notes.append)
        host.exit({**result, **_surroundings(client, notes)})
        return
    finally:
        if client is not None:
            # A process may run many tasks.
            client.close()
    salvaged = {} if performing is None else _salvage(performing)
    failure = readable({**salvaged, **failure}, notes.append)
    host.fail({**failure, **_surroundings(client, notes)})


def _salvage(performing: Performer) -> dict[str, t.Any]:
    """Return what a failure must not lose; nothing when that cannot be told, as the failure itself must be."""
    try:
        return performing.salvage()
    except Exception:  # pylint: disable=broad-except
        return {}


#: What stands for a value that is a secret, or for a number that holds one. Within a text, HIDDEN stands for it, as everywhere.
WHOLLY_HIDDEN = "VALUE_SPECIFIED_IN_NO_LOG_PARAMETER"


def masked(value: t.Any, secrets: t.Collection[str]) -> t.Any:
    """Return plain data without secrets. No secret, however short, changes a key, or what is true, false or none.

    From ansible-core 2.22 on, a module's result has its secrets until it is shown, and the function that removed them is deprecated.
    """
    return _masked(value, sorted(filter(None, secrets), key=len, reverse=True))


def _masked(value: t.Any, secrets: t.Sequence[str]) -> t.Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, dict):
        return {key: _masked(item, secrets) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_masked(item, secrets) for item in value]
    if not isinstance(value, str):
        return WHOLLY_HIDDEN if any(secret in str(value) for secret in secrets) else value
    if value in secrets:
        return WHOLLY_HIDDEN
    for secret in secrets:
        value = value.replace(secret, HIDDEN)
    return value


def _elsewhere(reason: str) -> ScalingoError:
    return InvalidInput(
        f"this task runs in the process of the controller only, and {reason}",
        hint="Use 'delegate_to: localhost' and 'become: false', and no async.",
    )


def refused_elsewhere(name: str, reason: str) -> dict[str, t.Any]:
    """Return the failure of a task that must run in the process of the controller, and would not."""
    error = _elsewhere(reason)
    error.doing = f"run {name}"
    return {"failed": True, "changed": False, "msg": sentence(error), "error": facts(error)}


def _warning(client: Client, host: Host) -> t.Callable[[str], None]:
    """What shows a warning, without a secret that is known by then."""
    return lambda message: host.warn(scrub(message, client.transport.secrets.values))


def _result(outcome: Outcome) -> dict[str, t.Any]:
    result = {"changed": outcome.changed, **outcome.result}
    if outcome.diff is not None:
        result["diff"] = legible(outcome.diff)
        result["steps"] = outcome.steps
    return result


def _failure(error: ScalingoError, performer: type[Performer], client: Client | None) -> dict[str, t.Any]:
    if client is None:
        error.hint += ELSEWHERE if "SCALINGO_" in error.hint else ""
    else:
        asked = error.method or error.status is not None or isinstance(error, UnexpectedAnswer)
        error.about(doing=performer.reading if asked else "carry out the task", subject=client.described())
    failure: dict[str, t.Any] = {"msg": sentence(error), "error": facts(error), "changed": False}
    if isinstance(error, ConsentMissing) and error.diff is not None:
        failure["diff"] = legible(error.diff)
    return failure


def _surroundings(client: Client | None, notes: list[str]) -> dict[str, t.Any]:
    result: dict[str, t.Any] = {"notes": notes} if notes else {}
    if client is not None:
        target = client.target
        result.update(
            app=target.app, addon_id=target.known_addon_id, region=client.region, api_usage=client.usage.as_dict()
        )
    return result


def defect(error: Exception) -> ScalingoError:
    """An error that nobody foresaw, told without a traceback and without its text, which could hold a secret.

    A full disk or a file that is not to be read is no defect: what the system says of it is told.
    """
    if isinstance(error, OSError) and error.errno in LOCAL_FAULTS:
        return ScalingoError(f"this machine says: {error}", hint=MACHINE_ADVICE.get(error.errno, ""))
    frames = traceback.extract_tb(error.__traceback__)
    place = f"{os.path.basename(frames[-1].filename)}:{frames[-1].lineno}" if frames else "an unknown place"
    return ScalingoError(
        f"{type(error).__name__} at {place}",
        hint="Please report this: it is a defect of the collection.",
    )
