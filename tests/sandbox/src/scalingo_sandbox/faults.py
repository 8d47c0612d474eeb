# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults on demand: rules that say which requests go wrong, and how."""

from __future__ import annotations

import copy
import json
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from scalingo_sandbox.record import Record

Deed = Literal[
    "status",
    "html",
    "plain",
    "truncate",
    "drop_before",
    "drop_after",
    "hold_before",
    "hold_after",
    "expire_tokens",
    "slow",
    "drip",
    "headers",
    "wrong_type",
    "missing_key",
    "replace",
]


class Match(BaseModel):
    """Which requests: every part that is given must be equal. path may end in *."""

    model_config = ConfigDict(extra="forbid")

    role: str | None = None
    region: str | None = None
    route: str | None = None
    method: str | None = None
    path: str | None = None
    action_name: str | None = None
    safe: bool | None = None
    addon_id: str | None = None
    app: str | None = None

    def covers(self, record: Record) -> bool:
        for name in ("role", "region", "route", "action_name", "safe", "addon_id", "app"):
            wanted = getattr(self, name)
            if wanted is not None and wanted != getattr(record, name):
                return False
        if self.method is not None and self.method.upper() != record.method:
            return False
        if self.path is not None:
            if self.path.endswith("*"):
                return record.path.startswith(self.path[:-1])
            return record.path == self.path
        return True


class FaultRule(BaseModel):
    """One rule. It skips the first `after` requests that match, then acts `times` times (None: always)."""

    model_config = ConfigDict(extra="forbid")

    match: Match = Field(default_factory=Match)
    after: int = Field(default=0, ge=0)
    times: int | None = Field(default=None, ge=1)
    do: Deed
    status: int | None = Field(default=None, ge=200, le=599)
    body: Any = None
    seconds: float = Field(default=1.0, ge=0)
    """slow: the pause before the answer; drip: the pause before each piece of it."""
    headers: dict[str, str] = Field(default_factory=dict)
    bytes: int | None = Field(default=None, ge=0)
    """truncate: how many bytes are sent; None: half of them. drip: how many a piece has; None: a quarter of them."""
    reset: bool = False
    """drop_before, drop_after and truncate: the connection is reset, and not closed."""
    at: str | None = None
    """wrong_type and missing_key: where, as a path of keys and positions joined by dots; * is any. None: everywhere."""
    value: Any = None
    """wrong_type: what to put there; None: something of another type."""


class Faults:
    """The rules in force."""

    def __init__(self) -> None:
        self._rules: list[FaultRule] = []
        self._seen: list[int] = []

    def add(self, rule: FaultRule) -> None:
        self._rules.append(rule)
        self._seen.append(0)

    def clear(self) -> None:
        self._rules.clear()
        self._seen.clear()

    def holds(self, rule: FaultRule) -> bool:
        return any(rule is each for each in self._rules)

    def as_list(self) -> list[dict[str, Any]]:
        return [{**rule.model_dump(), "seen": seen} for rule, seen in zip(self._rules, self._seen, strict=True)]

    def find(self, record: Record) -> FaultRule | None:
        """The first rule that acts on this request. Every rule that matches counts it."""
        found: FaultRule | None = None
        for index, rule in enumerate(self._rules):
            if not rule.match.covers(record):
                continue
            self._seen[index] += 1
            position = self._seen[index] - rule.after
            if found is None and position >= 1 and (rule.times is None or position <= rule.times):
                found = rule
        return found


DEFAULT_BODIES: dict[int, Any] = {
    400: {"error": "the request cannot be understood"},
    401: {"error": "unauthorized"},
    402: {"error": "a payment method is needed", "url": "https://dashboard.invalid/billing"},
    403: {"error": "forbidden"},
    404: {"error": "not found"},
    409: {"error": "the resource has changed"},
    422: {"errors": {"base": ["is refused"]}},
    429: {"error": "too many requests", "code": "rate_limited"},
    500: {"error": "Internal error occured, we're on it!"},
}

HTML = "<!DOCTYPE html>\n<html><head><title>{status}</title></head><body><h1>{status}</h1><p>Sorry.</p></body></html>\n"


def _other_type(value: Any) -> Any:
    if isinstance(value, bool):
        return "maybe"
    if isinstance(value, (int, float)):
        return ["a list"]
    if isinstance(value, str):
        return {"an": "object"}
    if isinstance(value, list):
        return {"not": "a list"}
    if isinstance(value, dict):
        return "not an object"
    return 42


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value)
    return list(range(len(value))) if isinstance(value, list) else []


def _matching_keys(value: Any, step: str) -> list[Any]:
    if step == "*":
        return _children(value)
    if isinstance(value, dict):
        return [step] if step in value else []
    if isinstance(value, list):
        return [int(step)] if step.isdigit() and int(step) < len(value) else []
    return []


def _walk(value: Any, steps: list[str], act: Any) -> None:
    for key in _matching_keys(value, steps[0]):
        if len(steps) == 1:
            act(value, key)
        else:
            _walk(value[key], steps[1:], act)


def _leaves(value: Any, act: Any) -> None:
    for key in _children(value):
        if isinstance(value[key], (dict, list)) and value[key]:
            _leaves(value[key], act)
        else:
            act(value, key)


def spoil(rule: FaultRule, answer: Any) -> Any:
    """The answer with a value of the wrong type, or with a key missing, at the place the rule names."""
    spoiled = copy.deepcopy(answer)

    def replace(container: Any, key: Any) -> None:
        container[key] = _other_type(container[key]) if rule.value is None else rule.value

    removed: list[tuple[Any, Any]] = []

    def note(container: Any, key: Any) -> None:
        removed.append((container, key))

    act = replace if rule.do == "wrong_type" else note
    if rule.at == "":
        return _other_type(answer) if rule.value is None else rule.value
    if rule.at is None:
        _leaves(spoiled, act)
    else:
        _walk(spoiled, rule.at.split("."), act)
    for container, key in reversed(removed):
        del container[key]
    return spoiled


def encoded(body: Any) -> bytes:
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    return json.dumps(body).encode()
