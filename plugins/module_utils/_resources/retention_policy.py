# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Retention policies of InfluxDB (docs/contract.md sections 2.8 and 7.5). They can be added and deleted, never altered."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .. import _canon
from .._api.retention_policy import add_retention_policy, delete_retention_policy, list_retention_policies
from .._change import Listing, Resource
from .._errors import InvalidInput, UnexpectedAnswer, shown
from .._options import checked
from .._shapes import by_name
from .._step import Consent, Params, State, Step, mistaken
from ._engine import OfEngine

NOUN = "retention policy"


class _OnInfluxDB(OfEngine):
    engines = ("influxdb",)
    subject = "retention policies exist on InfluxDB only"
    reading = "list the retention policies"

    def listed(self) -> list[State]:
        return self.ask(lambda: list_retention_policies(self.client))


@dataclasses.dataclass(frozen=True)
class Policy:
    """A policy as the task wants it: its duration in nanoseconds, 0 for no end; none of a policy that is to be absent."""

    name: str
    duration: int | None
    default: bool | None


class RetentionPolicies(_OnInfluxDB, Resource[State]):
    """One policy, or several, present; or one absent. The state is all of them by name."""

    _defaults: frozenset[str] = frozenset()
    #: The policy that the task does not name and that is the default no more: the diff shows it, too.
    _deposed: str | None = None
    asked: list[Policy]

    @classmethod
    def parse(cls, params: Params) -> list[Policy]:
        given = [params] if params["policies"] is None else params["policies"]
        if not given:
            raise InvalidInput("policies is empty: give at least one policy")
        wanted = []
        for policy in given:
            duration = None
            if not policy["name"] or not policy["name"].isprintable() or policy["name"] != policy["name"].strip():
                raise InvalidInput(
                    f"name: {policy['name']!r} is not the name of a retention policy: use no blank at its ends"
                )
            if params["state"] == "present":
                if policy["duration"] is None:
                    raise InvalidInput(f"the retention policy {policy['name']} needs a duration")
                duration = checked("duration", _canon.duration, policy["duration"])
                if 0 < duration < _canon.SHORTEST_DURATION:
                    raise InvalidInput(
                        f"duration: {policy['duration']} is shorter than the hour that InfluxDB takes at least"
                    )
            wanted.append(Policy(policy["name"], duration, policy["default"]))
        names = [policy.name for policy in wanted]
        if len(set(names)) < len(names):
            raise InvalidInput(f"policies names one policy twice: {', '.join(names)}")
        if sum(1 for policy in wanted if policy.default) > 1:
            raise InvalidInput("policies contradict each other: only one retention policy can be the default")
        if params["state"] == "absent" and params["policies"] is not None:
            raise InvalidInput("'state: absent' takes one name: each removal is confirmed on its own")
        if params["confirm"] is not None and params["confirm"] not in names:
            raise InvalidInput(mistaken(params["confirm"], ", ".join(names), NOUN))
        return wanted

    def read(self) -> State:
        return by_name(self.listed(), "retention policies")

    def managed(self, state: State) -> dict[str, t.Any]:
        managed = {}
        for policy in self.asked:
            item = state.get(policy.name)
            if item is not None:
                managed[policy.name] = {"duration": item["duration"]}
                if policy.default is not None:
                    managed[policy.name]["default"] = item["default"]
        if self._deposed is not None and self._deposed in state:
            managed[self._deposed] = {"default": state[self._deposed]["default"]}
        return managed

    def in_diff(self, managed: dict[str, t.Any]) -> dict[str, t.Any]:
        return {
            name: {**item, **({"duration": _length(item["duration"])} if "duration" in item else {})}
            for name, item in managed.items()
        }

    def tolerated(self, field: str, wanted: t.Any, current: t.Any) -> bool:
        """Another run may have removed the old default, which this task does not name."""
        return field == self._deposed and current is None

    def result(self, state: State) -> dict[str, t.Any]:
        if self.params["policies"] is None:
            return {"retention_policy": state.get(self.params["name"])}
        return {"retention_policies": list(state.values())}

    def wanted(self, before: State) -> State:
        after = self._left(before)
        if not self.applying:
            # One that is recreated stays the default, also after it was deleted.
            names = {policy.name for policy in self.asked}
            self._defaults = frozenset(name for name, item in after.items() if name in names and item["default"])
            self._deposed = next(
                (
                    name
                    for name, item in before.items()
                    if item["default"] and name not in names and not after[name]["default"]
                ),
                None,
            )
        for policy in self._ordered():
            current = after.get(policy.name)
            if policy.duration is None:
                after.pop(policy.name, None)
                continue
            item = {
                "name": policy.name,
                "duration": _canon.duration_text(policy.duration),
                "duration_seconds": policy.duration // 10**9,
                "default": bool(policy.default or policy.name in self._defaults),
            }
            if current is not None and not self._same(current, item):
                # What is recreated becomes the last one.
                del after[policy.name]
            after[policy.name] = item
        return after

    def steps(self, before: State, after: State) -> list[Step]:
        left = self._left(before)
        steps: list[Step] = []
        for policy in self._ordered():
            name = policy.name
            current, wanted = left.get(name), after.get(name)
            if wanted is None:
                if current is not None:
                    steps.append(self._delete(current, "delete"))
                continue
            if current is not None:
                self._refuse_unreadable(current)
                if policy.default is False and current["default"]:
                    raise InvalidInput(
                        f"the retention policy {name} is the default, wanted otherwise: a default is only taken over by another policy",
                        hint="Add a new policy with 'default: true' in the same task.",
                    )
                if self._same(current, wanted):
                    continue
                self._refuse_alteration(current, wanted)
                steps.append(self._delete(current, "delete, to recreate it,"))
            steps.append(self._add(wanted))
        return steps

    def _taker(self) -> str | None:
        """The policy that is to be the default, whichever place it has in the list."""
        if self.params["state"] == "absent":
            return None
        return next((policy.name for policy in self.asked if policy.default), None)

    def _ordered(self) -> list[Policy]:
        """The policies of the task, the new default first: it takes over from the old one, which may be recreated after it."""
        taker = self._taker()
        return sorted(self.asked, key=lambda policy: policy.name != taker)

    def _left(self, before: State) -> State:
        """What is there as soon as the new default has taken over."""
        taker = self._taker()
        return {name: {**item, "default": taker in (None, name) and item["default"]} for name, item in before.items()}

    @staticmethod
    def _same(current: State, wanted: State) -> bool:
        return all(current[field] == wanted[field] for field in ("duration", "default"))

    @staticmethod
    def _refuse_unreadable(current: State) -> None:
        """Without its duration nothing is decided about a policy: it might be the wanted one, and recreating it loses its points."""
        if current["duration"] is None:
            raise UnexpectedAnswer(
                f"the platform does not show the duration of the retention policy {current['name']} in a form that is known, so it cannot be compared",
                doing=f"compare the retention policy {current['name']}",
                hint="Leave it out of the task, or delete it with 'state: absent'.",
            )

    def _refuse_alteration(self, current: State, wanted: State) -> None:
        """Refuse what no call can reach, unless the user agrees to lose the points."""
        name = current["name"]
        needed = ("recreate", "default_policy") if current["default"] else ("recreate",)
        missing = [word for word in needed if word not in self.params["allow"]]
        if "recreate" not in missing:
            return
        differences = "; ".join(
            "{} is {}, wanted {}".format(
                field,
                *(
                    _length(policy[field]) if field == "duration" else shown(policy[field])
                    for policy in (current, wanted)
                ),
            )
            for field in ("duration", "default")
            if current[field] != wanted[field]
        )
        raise InvalidInput(
            f"the retention policy {name} exists with other values ({differences}), and a policy cannot be altered",
            hint=(
                f"Keep it and add a new one beside it, such as 'name: {self._free_name(name, wanted)}, "
                f"duration: {_length(wanted['duration'])}'. To lose all points under {name} instead, "
                f"add 'confirm: {name}' and 'allow: [{', '.join(missing)}]' to the task."
            ),
        )

    @staticmethod
    def _free_name(name: str, wanted: State) -> str:
        stem = re.sub(r"_(\d+[a-z]+|inf)$", "", name)
        return f"{stem}_{('inf' if wanted['duration'] == '0' else wanted['duration'])}"

    def _delete(self, current: State, verb: str) -> Step:
        name = current["name"]
        consent = [Consent("confirm", name, f"All points under the retention policy {name} would be lost", NOUN)]
        if current["default"]:
            consent.append(
                Consent(
                    "allow",
                    "default_policy",
                    "It is the default one, and without it what is written without naming a policy is refused",
                )
            )
        return Step(
            f"{verb} the retention policy {name}",
            send=lambda: delete_retention_policy(self.client, name),
            happened=lambda state: name not in state,
            resend=True,
            consent=tuple(consent),
        )

    def _add(self, wanted: State) -> Step:
        return Step(
            f"add the retention policy {wanted['name']} with the duration {_length(wanted['duration'])}{(' as the default' if wanted['default'] else '')}",
            send=lambda: add_retention_policy(self.client, wanted["name"], wanted["duration"], wanted["default"]),
            happened=lambda state: state.get(wanted["name"], {}).get("duration") == wanted["duration"],
            resend=True,
        )


class RetentionPolicyInfo(_OnInfluxDB, Listing):
    """The retention policies of one addon."""

    plural = "retention_policies"

    def items(self) -> list[State]:
        wanted = self.params["name"]
        found = [item for item in self.listed() if wanted in (None, item["name"])]
        for item in found:
            if item["duration"] is None:
                self.warn(
                    f"The platform does not show the duration of the retention policy {item['name']} in a form that is known."
                )
        return found


def _length(duration: str | None) -> str:
    """A duration as a task gives it: the API has 0 for one without end."""
    return "INF" if duration == "0" else shown(duration)
