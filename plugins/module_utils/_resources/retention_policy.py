# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Retention policies of InfluxDB (docs/contract.md sections 2.8 and 7.5). They can be added and deleted, never altered."""

from __future__ import annotations

import re
import typing as t

from .. import _canon
from .._change import Consent, Listing, Params, Resource, State, Step, known
from .._errors import InvalidInput
from ._engine import OfEngine
from ._fields import Fields, checked


def describe(raw: object) -> State:
    """A retention policy as the modules return it; the duration in its shortest form, V(0) without end."""
    fields = Fields(raw, "a retention policy")
    nanoseconds = fields.normal("duration", _canon.duration)
    return {
        "name": fields.text("name"),
        "duration": None if nanoseconds is None else _canon.duration_text(nanoseconds),
        "duration_seconds": None if nanoseconds is None else nanoseconds // 10**9,
        "default": fields.certain_flag("default"),
    }


class _OnInfluxDB(OfEngine):
    engines = ("influxdb",)
    subject = "retention policies exist on InfluxDB only"
    reading = "list the retention policies"

    def by_name(self) -> t.Dict[str, State]:
        listed = self.ask(self.client.database.list_retention_policies)
        return {str(item["name"]): item for item in map(describe, listed)}


class RetentionPolicies(_OnInfluxDB, Resource):
    """One policy, or several, present; or one absent. The state is all of them by name."""

    @classmethod
    def check(cls, params: Params) -> None:
        wanted = _wanted(params)
        if not wanted:
            raise InvalidInput("policies is empty: give at least one policy")
        for policy in wanted:
            if not policy["name"] or not policy["name"].isprintable() or policy["name"] != policy["name"].strip():
                raise InvalidInput("%r is not the name of a retention policy" % policy["name"])
            if params["state"] == "present":
                if policy["duration"] is None:
                    raise InvalidInput("the retention policy %s needs a duration" % policy["name"])
                checked("duration", _canon.duration, policy["duration"])
        names = [policy["name"] for policy in wanted]
        if len(set(names)) < len(names):
            raise InvalidInput("policies names one policy twice: %s" % ", ".join(names))
        if sum(1 for policy in wanted if policy["default"]) > 1:
            raise InvalidInput("policies contradict each other: only one retention policy can be the default")
        if params["state"] == "absent" and params["policies"] is not None:
            raise InvalidInput("'state: absent' takes one name: each removal is confirmed on its own")
        if params["confirm"] is not None and params["confirm"] not in names:
            raise InvalidInput("confirm is %r: it must repeat the name of the policy to be lost" % params["confirm"])

    def read(self) -> State:
        return self.by_name()

    def managed(self, state: t.Optional[State]) -> t.Dict[str, t.Any]:
        managed = {}
        for policy in _wanted(self.params):
            item = (state or {}).get(policy["name"])
            if item is not None:
                managed[policy["name"]] = {"duration": item["duration"]}
                if policy["default"] is not None:
                    managed[policy["name"]]["default"] = item["default"]
        return managed

    def result(self, state: t.Optional[State]) -> t.Dict[str, t.Any]:
        if self.params["policies"] is None:
            return {"retention_policy": (state or {}).get(self.params["name"])}
        return {"retention_policies": list((state or {}).values())}

    def wanted(self, before: t.Optional[State]) -> State:
        before = known(before)
        after = {name: dict(item) for name, item in before.items()}
        for policy in _wanted(self.params):
            if self.params["state"] == "absent":
                after.pop(policy["name"], None)
                continue
            nanoseconds = _canon.duration(policy["duration"])
            current = before.get(policy["name"])
            default = policy["default"] if policy["default"] is not None else bool(current and current["default"])
            after[policy["name"]] = {
                "name": policy["name"],
                "duration": _canon.duration_text(nanoseconds),
                "duration_seconds": nanoseconds // 10**9,
                "default": default,
            }
            if default:
                for other in after.values():
                    other["default"] = other["name"] == policy["name"]
        return after

    def steps(self, before: t.Optional[State], after: t.Optional[State]) -> t.List[Step]:
        before, after = known(before), known(after)
        steps: t.List[Step] = []
        for policy in _wanted(self.params):
            name = policy["name"]
            current, wanted = before.get(name), after.get(name)
            if wanted is None:
                if current is not None:
                    steps.append(self._delete(current, "delete"))
                continue
            if current is not None and self._same(policy, current, wanted):
                continue
            if current is not None:
                self._refuse_alteration(current, wanted)
                steps.append(self._delete(current, "delete, to recreate it,"))
            steps.append(self._add(wanted))
        return steps

    @staticmethod
    def _same(policy: State, current: State, wanted: State) -> bool:
        return current["duration"] == wanted["duration"] and policy["default"] in (None, current["default"])

    def _refuse_alteration(self, current: State, wanted: State) -> None:
        """Refuse what no call can reach, unless the user agrees to lose the points."""
        name = current["name"]
        if current["default"] and not wanted["default"]:
            raise InvalidInput(
                "the retention policy %s is the default, wanted otherwise: a default is only taken over by another policy" % name,
                hint="Add a new policy with 'default: true' instead.",
            )
        if "recreate" in (self.params["allow"] or ()):
            return
        differences = "; ".join(
            "%s is %s, wanted %s" % (field, current[field], wanted[field])
            for field in ("duration", "default")
            if current[field] != wanted[field]
        )
        raise InvalidInput(
            "the retention policy %s exists with other values (%s), and a policy cannot be altered" % (name, differences),
            hint="Keep it and add a new one beside it, such as 'name: %s, duration: %s'. To lose all points under %s instead, "
            "add 'allow: [recreate]' and 'confirm: %s'." % (self._free_name(name, wanted), wanted["duration"], name, name),
        )

    @staticmethod
    def _free_name(name: str, wanted: State) -> str:
        stem = re.sub(r"_(\d+[a-z]+|inf)$", "", name)
        return "%s_%s" % (stem, "inf" if wanted["duration"] == "0" else wanted["duration"])

    def _delete(self, current: State, verb: str) -> Step:
        name = current["name"]
        consent = [Consent("confirm", name, "All points under the retention policy %s would be lost" % name)]
        if current["default"]:
            consent.append(
                Consent(
                    "allow",
                    "default_policy",
                    "The retention policy %s is the default one, and without it what is written without naming a policy is refused" % name,
                )
            )
        return Step(
            "%s the retention policy %s" % (verb, name),
            send=lambda: self.client.database.delete_retention_policy(name),
            happened=lambda state: name not in (state or {}),
            resend=True,
            consent=tuple(consent),
        )

    def _add(self, wanted: State) -> Step:
        return Step(
            "add the retention policy %s with the duration %s%s"
            % (wanted["name"], wanted["duration"], " as the default" if wanted["default"] else ""),
            send=lambda: self.client.database.add_retention_policy(wanted["name"], wanted["duration"], wanted["default"]),
            happened=lambda state: (state or {}).get(wanted["name"], {}).get("duration") == wanted["duration"],
            resend=True,
        )


class RetentionPolicyInfo(_OnInfluxDB, Listing):
    """The retention policies of one addon."""

    plural = "retention_policies"

    def items(self) -> t.List[State]:
        wanted = self.params["name"]
        return [item for name, item in self.by_name().items() if wanted in (None, name)]


def _wanted(params: Params) -> t.List[State]:
    if params["policies"] is not None:
        return [dict(policy) for policy in params["policies"]]
    return [{name: params[name] for name in ("name", "duration", "default")}]
