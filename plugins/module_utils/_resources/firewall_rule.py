# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Firewall rules of databases with dedicated resources (docs/contract.md section 2.16)."""

from __future__ import annotations

import typing as t

from .. import _canon
from .._api.firewall import (
    create_firewall_rule,
    delete_firewall_rule,
    list_firewall_rules,
    list_managed_ranges,
    update_firewall_rule,
)
from .._change import Listing, Resource
from .._errors import InvalidInput, NotFound
from .._options import check_id, checked
from .._step import Consent, Outcome, Params, State, Step
from ._engine import OfEngine

MOST = 30

#: The type and the range of a rule, and how many rules before it are equal in both.
Key = tuple[str, str, int]


class _WithFirewall(OfEngine):
    engines = ("postgresql-ng",)
    subject = "firewall rules exist on databases with dedicated resources only"
    instead = {
        engine: "A database on shared resources is opened with the feature publicly-available of community.scalingo.scalingo_database."
        for engine in ("postgresql", "mysql", "mongodb", "redis", "influxdb", "elasticsearch", "opensearch")
    }
    reading = "list the firewall rules"

    def listed(self) -> list[State]:
        return self.ask(lambda: list_firewall_rules(self.client))

    def by_key(self) -> dict[Key, State]:
        """The rules by what identifies them. The platform may have a range twice: both give access."""
        rules: dict[Key, State] = {}
        for item in self.listed():
            kind, network_range, number = _key(item)
            while (kind, network_range, number) in rules:
                number += 1
            rules[kind, network_range, number] = item
        return rules


class FirewallRules(_WithFirewall, Resource[State]):
    """One rule, or several, present or absent. The state is all of them by key."""

    #: The rules of the task by their keys.
    asked: dict[Key, State]

    @classmethod
    def parse(cls, params: Params) -> dict[Key, State]:
        rules = _wanted(params)
        for rule in rules:
            if rule["range_id"]:
                check_id("range_id", rule["range_id"], "a managed range")
            if rule["type"] == "managed_range" and (
                rule["range_id"] is None or rule["cidr"] or rule["label"] is not None
            ):
                raise InvalidInput("a rule of type managed_range needs range_id, and takes neither cidr nor label")
            if rule["type"] == "custom_range" and (rule["cidr"] is None or rule["range_id"]):
                raise InvalidInput("a rule of type custom_range needs cidr, and takes no range_id")
            if rule["type"] == "custom_range":
                # It is sent as it is compared.
                rule["cidr"] = checked("cidr", _canon.network, rule["cidr"])
        wanted: dict[Key, State] = {
            (rule["type"], str(rule["range_id" if rule["type"] == "managed_range" else "cidr"]), 0): rule
            for rule in rules
        }
        if len(wanted) < len(rules):
            raise InvalidInput("rules holds the same range twice")
        if len(rules) > MOST:
            raise InvalidInput(f"rules holds {len(rules)} rules, and a database takes {MOST} at most")
        if params["exclusive"]:
            if params["rules"] is None:
                raise InvalidInput("exclusive needs rules: the whole list of the rules that may exist")
            if params["state"] == "absent":
                raise InvalidInput("exclusive contradicts 'state: absent': use one of the two")
        elif not rules:
            raise InvalidInput("rules is empty: give at least one rule, or use exclusive to remove all others")
        return wanted

    def read(self) -> State:
        return t.cast(State, self.by_key())

    def managed(self, state: State) -> dict[str, t.Any]:
        managed = {}
        for key, item in t.cast(dict[Key, State], state).items():
            rule = self.asked.get(_first(key))
            if self.params["exclusive"] or rule is not None:
                name = "{} {}".format(*key[:2]) + (f" ({key[2] + 1})" if key[2] else "")
                managed[name] = {"label": item["label"]} if rule is None or rule["label"] is not None else {}
        return managed

    def result(self, state: State) -> dict[str, t.Any]:
        rules = t.cast(dict[Key, State], state)
        if self.params["rules"] is None:
            return {"firewall_rule": rules.get(next(iter(self.asked)))}
        return {"firewall_rules": list(rules.values())}

    def wanted(self, before: State) -> State:
        current = t.cast(dict[Key, State], before)
        rules = self.asked
        if self.params["state"] == "absent":
            return t.cast(State, {key: item for key, item in current.items() if _first(key) not in rules})
        after = {
            key: dict(item) for key, item in current.items() if _first(key) in rules or not self.params["exclusive"]
        }
        for key, rule in rules.items():
            equal = [item for other, item in after.items() if _first(other) == key]
            if not equal:
                after[key] = {"id": None, **{name: rule[name] for name in ("type", "cidr", "label", "range_id")}}
            elif rule["label"] is not None:
                for item in equal:
                    item["label"] = rule["label"] or None
        if len(after) > MOST:
            raise InvalidInput(
                f"there would be {len(after)} firewall rules, and a database takes {MOST} at most",
                hint="Remove rules first, or give the whole list in rules with 'exclusive: true'.",
            )
        return t.cast(State, after)

    def steps(self, before: State, after: State) -> list[Step]:
        current, wanted = t.cast(dict[Key, State], before), t.cast(dict[Key, State], after)
        removed = [key for key in current if key not in wanted]
        consent: tuple[Consent, ...] = ()
        # One stale rule goes without ado, unless the list is empty, as it may be by mistake.
        if self.params["exclusive"] and (len(removed) > 1 or not self.params["rules"]):
            consent = (
                Consent(
                    "allow",
                    "mass_removal",
                    "The list is exclusive{}, so these ranges would lose their access: {}".format(
                        "" if self.params["rules"] else " and empty", ", ".join(key[1] for key in removed)
                    ),
                ),
            )
        opened = [wide for wide in _wide(wanted) if not any(wide.within(old) for old in _wide(current))]
        # Rules are added before others are removed, so that nobody is locked out between, unless there is no room.
        adding = [self._create(wanted[key], _exposure(key, opened)) for key in wanted if key not in current]
        removing = [self._delete(key, current[key], consent) for key in removed]
        labelling = [
            self._label(key, wanted[key])
            for key in wanted
            if key in current and wanted[key]["label"] != current[key]["label"]
        ]
        room = len(current) + len(adding) <= MOST
        return (adding + removing if room else removing + adding) + labelling

    def _create(self, rule: State, consent: tuple[Consent, ...]) -> Step:
        body = {name: rule[name] for name in ("type", "cidr", "label", "range_id") if rule[name]}
        key = _key(rule)

        def send() -> None:
            create_firewall_rule(self.client, body)

        return Step(
            f"add the firewall rule for {key[1]}",
            send=send,
            happened=lambda state: _holds(state, key),
            resend=False,
            consent=consent,
        )

    def _delete(self, key: Key, rule: State, consent: tuple[Consent, ...]) -> Step:
        return Step(
            f"remove the firewall rule for {key[1]}",
            send=lambda: delete_firewall_rule(self.client, rule["id"]),
            happened=lambda state: all(item["id"] != rule["id"] for item in state.values()),
            resend=True,
            consent=consent,
        )

    def _label(self, key: Key, rule: State) -> Step:
        def send() -> None:
            try:
                update_firewall_rule(self.client, rule["id"], rule["label"] or "")
            except NotFound as error:
                error.hint = (
                    "The platform does not let the label of a rule be changed here: remove the rule and add it anew."
                )
                raise

        return Step(
            f"label the firewall rule for {key[1]} {rule['label'] or 'with nothing'}",
            send=send,
            happened=lambda state: t.cast(dict[Key, State], state).get(key, {}).get("label") == rule["label"],
        )


class FirewallRuleInfo(_WithFirewall, Listing):
    """The firewall rules of one database."""

    plural = "firewall_rules"
    _ranges: t.Sequence[State] = ()

    def perform(self, check_mode: bool) -> Outcome:
        outcome = super().perform(check_mode)
        outcome.result["managed_ranges"] = list(self._ranges)
        return outcome

    def items(self) -> list[State]:
        rules = self.listed()
        if self.params["managed_ranges"]:
            self._ranges = list_managed_ranges(self.client)
        return rules


def _holds(state: State, key: Key) -> bool:
    return key in t.cast(dict[Key, State], state)


def _key(rule: State) -> Key:
    if rule["type"] == "managed_range":
        return ("managed_range", str(rule["range_id"]), 0)
    try:
        return (str(rule["type"]), _canon.network(rule["cidr"]), 0)
    except ValueError:
        # What the platform shows in a form of its own can only be itself.
        return (str(rule["type"]), str(rule["cidr"]), 0)


def _first(key: Key) -> Key:
    """The key of the first rule of this range."""
    return (key[0], key[1], 0)


def _wide(keys: t.Iterable[Key]) -> list[_canon.Span]:
    return _canon.wide_spans(name for kind, name, dummy in keys if kind == "custom_range")


def _exposure(key: Key, opened: t.Sequence[_canon.Span]) -> tuple[Consent, ...]:
    """The consent that a new rule needs when it is part of a wide range that was not open before."""
    span = _canon.span(key[1]) if key[0] == "custom_range" else None
    return tuple(
        Consent("allow", "exposure", f"The database could be reached from all addresses from {wide}")
        for wide in opened
        if span is not None and span.within(wide)
    )


def _wanted(params: Params) -> list[State]:
    names = ("type", "cidr", "label", "range_id")
    given = params["rules"] if params["rules"] is not None else [params]
    rules: list[State] = [{name: rule[name] for name in names} for rule in given]
    for rule in rules:
        if rule["type"] is None:
            rule["type"] = "custom_range" if rule["range_id"] is None else "managed_range"
    return rules
