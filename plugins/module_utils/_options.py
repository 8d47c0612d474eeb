# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Parts of argument specs that add up. Each part has its twin in the documentation fragments."""

from __future__ import annotations

import dataclasses
import math
import typing as t

from ansible.module_utils.common.parameters import env_fallback

from ._errors import InvalidInput

Option = t.Mapping[str, t.Any]
Names = t.Tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class Spec:
    """Options together with the relations between them. Specs are added with C(+)."""

    options: t.Mapping[str, Option] = dataclasses.field(default_factory=dict)
    mutually_exclusive: t.Tuple[Names, ...] = ()
    required_together: t.Tuple[Names, ...] = ()
    required_one_of: t.Tuple[Names, ...] = ()
    required_if: t.Tuple[t.Tuple[t.Any, ...], ...] = ()
    required_by: t.Mapping[str, Names] = dataclasses.field(default_factory=dict)

    def __add__(self, other: Spec) -> Spec:
        twice = set(self.options) & set(other.options)
        if twice:
            raise ValueError("declared twice: %s" % ", ".join(sorted(twice)))
        return Spec(
            options={**self.options, **other.options},
            mutually_exclusive=self.mutually_exclusive + other.mutually_exclusive,
            required_together=self.required_together + other.required_together,
            required_one_of=self.required_one_of + other.required_one_of,
            required_if=self.required_if + other.required_if,
            required_by={**self.required_by, **other.required_by},
        )

    def kwargs(self) -> t.Dict[str, t.Any]:
        """The keyword arguments for C(AnsibleModule). Every module of the collection supports check mode."""
        return {
            "argument_spec": {name: dict(option) for name, option in self.options.items()},
            "mutually_exclusive": list(self.mutually_exclusive),
            "required_together": list(self.required_together),
            "required_one_of": list(self.required_one_of),
            "required_if": list(self.required_if),
            "required_by": dict(self.required_by),
            "supports_check_mode": True,
        }


def _from_environment(*names: str) -> t.Tuple[t.Any, t.List[str]]:
    return (env_fallback, list(names))


CONNECTION = Spec(
    {
        "api_token": {"type": "str", "no_log": True, "fallback": _from_environment("SCALINGO_API_TOKEN")},
        "region": {"type": "str", "default": "osc-fr1", "fallback": _from_environment("SCALINGO_REGION")},
        "api_url": {"type": "str", "fallback": _from_environment("SCALINGO_API_URL")},
        "db_api_url": {"type": "str", "fallback": _from_environment("SCALINGO_DB_API_URL", "SCALINGO_DB_URL")},
        "auth_url": {"type": "str", "fallback": _from_environment("SCALINGO_AUTH_URL")},
        "api_timeout": {"type": "float", "default": 30.0},
        "api_retries": {"type": "int", "default": 5},
        "validate_certs": {"type": "bool", "default": True},
        "ca_path": {"type": "path", "fallback": _from_environment("SCALINGO_CA_PATH")},
        "token_cache": {"type": "bool", "default": True, "no_log": False},
    }
)

TARGET = Spec(
    {
        "app": {"type": "str", "fallback": _from_environment("SCALINGO_APP")},
        "addon": {"type": "str", "fallback": _from_environment("SCALINGO_ADDON")},
        "addon_id": {"type": "str"},
        "addon_token": {"type": "str", "no_log": True, "fallback": _from_environment("SCALINGO_ADDON_TOKEN")},
    }
)

COMMON = CONNECTION + TARGET

ON_BUSY = Spec({"on_busy": {"type": "str", "choices": ["wait", "fail"], "default": "wait"}})


def waiting(timeout: int, wait: bool = True, on_busy: bool = True) -> Spec:
    """The options of a module that waits; I(timeout) is the default of O(wait_timeout) in seconds.

    With O(wait=false) as argument the module has no option O(wait): it waits only while the database is busy. With
    O(on_busy=false) it does not look whether the database is.
    """
    options: t.Dict[str, Option] = {
        "wait_timeout": {"type": "float", "default": float(timeout)},
        "wait_interval": {"type": "float", "default": 5.0},
    }
    if wait:
        options["wait"] = {"type": "bool", "default": True}
    return Spec(options) + (ON_BUSY if on_busy else Spec())


def consent(*consequences: str) -> Spec:
    """O(allow) with the consequences that the module can have."""
    return Spec({"allow": {"type": "list", "elements": "str", "choices": list(consequences), "default": []}})


CONFIRM = Spec({"confirm": {"type": "str"}})


#: The smallest value of an option that is a number, where it has one.
LOWEST: t.Mapping[str, float] = {"wait_timeout": 1, "wait_interval": 0.1}


def check_ranges(params: t.Mapping[str, t.Any]) -> None:
    """Refuse numbers that make no sense, of the options that several modules share."""
    for name, lowest in LOWEST.items():
        value = params.get(name)
        if value is not None and not (math.isfinite(value) and value >= lowest):
            raise InvalidInput("%s is %s: use a number of seconds from %s up" % (name, value, lowest))
