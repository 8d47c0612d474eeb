# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Parts of argument specs that add up. Each part has its twin in the documentation fragments."""

from __future__ import annotations

import dataclasses
import datetime
import json
import math
import os
import re
import typing as t

from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.validation import check_type_bool, check_type_dict, check_type_float, check_type_int

from . import _canon
from ._errors import InvalidInput

Option = t.Mapping[str, t.Any]
Names = tuple[str, ...]

#: The internal option of every module by which the action says whether the task hides its result.
TASK_NO_LOG = "_task_no_log"


@dataclasses.dataclass(frozen=True)
class Spec:
    """Options together with the relations between them. Specs are added with `+`."""

    options: t.Mapping[str, Option] = dataclasses.field(default_factory=dict)
    mutually_exclusive: tuple[Names, ...] = ()
    required_together: tuple[Names, ...] = ()
    required_one_of: tuple[Names, ...] = ()
    required_if: tuple[tuple[t.Any, ...], ...] = ()
    required_by: t.Mapping[str, Names] = dataclasses.field(default_factory=dict)
    #: Options without which the task would be about more, or do something else: null or blank is refused by name.
    never_empty: Names = ()
    #: Options whose text may hold anything that can be seen, what looks like a template included; and null, when they are dictionaries.
    free_text: Names = ()

    def __add__(self, other: Spec) -> Spec:
        twice = set(self.options) & set(other.options)
        if twice:
            raise ValueError(f"declared twice: {', '.join(sorted(twice))}")
        return Spec(
            options={**self.options, **other.options},
            mutually_exclusive=self.mutually_exclusive + other.mutually_exclusive,
            required_together=self.required_together + other.required_together,
            required_one_of=self.required_one_of + other.required_one_of,
            required_if=self.required_if + other.required_if,
            required_by={**self.required_by, **other.required_by},
            never_empty=self.never_empty + other.never_empty,
            free_text=self.free_text + other.free_text,
        )

    def kwargs(self) -> dict[str, t.Any]:
        """The keyword arguments for `AnsibleModule` and `ArgumentSpecValidator`."""
        return {
            "argument_spec": {name: dict(option) for name, option in self.options.items()},
            "mutually_exclusive": list(self.mutually_exclusive),
            "required_together": list(self.required_together),
            "required_one_of": list(self.required_one_of),
            "required_if": list(self.required_if),
            "required_by": dict(self.required_by),
        }


# The environment variables of these are read in _settings.py: a fallback here would hide what the task itself gives.
CONNECTION = Spec(
    {
        "api_token": {"type": "str", "no_log": True},
        "region": {"type": "str"},
        "api_url": {"type": "str"},
        "db_api_url": {"type": "str"},
        "auth_url": {"type": "str"},
        "api_path": {"type": "str", "choices": ["db_api", "v1", "api"]},
        "api_timeout": {"type": "float", "default": 30.0},
        "api_retries": {"type": "int", "default": 5},
        "validate_certs": {"type": "bool", "default": True},
        "ca_path": {"type": "path"},
        "token_cache": {"type": "bool", "default": True, "no_log": False},
        "requests_per_minute": {"type": "int"},
        "max_in_flight": {"type": "int"},
    }
)

TARGET = Spec(
    {
        "app": {"type": "str"},
        "addon": {"type": "str"},
        "addon_id": {"type": "str"},
        "addon_token": {"type": "str", "no_log": True},
    }
)

COMMON = CONNECTION + TARGET

ON_BUSY = Spec({"on_busy": {"type": "str", "choices": ["wait", "fail"], "default": "wait"}})


def waiting(timeout: int, wait: bool = True, on_busy: bool = True) -> Spec:
    """The options of a module that waits; `timeout` is the default of `wait_timeout` in seconds.

    With `wait=false` as argument the module has no option `wait`: it waits only while the database is busy. With
    `on_busy=false` it does not look whether the database is.
    """
    options: dict[str, Option] = {
        "wait_timeout": {"type": "float", "default": float(timeout)},
        "wait_interval": {"type": "float", "default": 5.0},
    }
    if wait:
        options["wait"] = {"type": "bool", "default": True}
    return Spec(options) + (ON_BUSY if on_busy else Spec())


def consent(*consequences: str) -> Spec:
    """`allow` with the consequences that the module can have."""
    return Spec({"allow": {"type": "list", "elements": "str", "choices": list(consequences), "default": []}})


#: Of what takes data out of the platform.
EXPORT = consent("export")

#: Where a secret goes that the result does not hold.
SECRET_FILE = Spec({"dest": {"type": "path"}, "overwrite": {"type": "bool", "default": False}})

CONFIRM = Spec({"confirm": {"type": "str"}})


#: The smallest value of an option that is a number, where it has one.
LOWEST: t.Mapping[str, float] = {"wait_timeout": 1, "wait_interval": 0.1}


#: What a value must be, by the type of its option.
ALLOWED: t.Mapping[str, str] = {
    "bool": "give true or false",
    "int": "give a whole number",
    "float": "give a number",
    "str": "give text, in quotes",
    "path": "give a path",
    "dict": 'give a dictionary, in YAML or as JSON such as {"key": "value"}',
    "list": 'give a list, in YAML, as a,b or as JSON such as ["a", "b"]',
    "list of dict": 'give a list of dictionaries, in YAML or as JSON such as [{"key": "value"}]',
}
#: What Ansible may take for text. A date is one for YAML.
SCALARS = (type(None), str, int, float, datetime.date)
#: How Ansible reads the other types. Each raises `TypeError` or `ValueError`.
CONVERTERS: t.Mapping[str, t.Callable[[t.Any], t.Any]] = {
    "bool": check_type_bool,
    "int": check_type_int,
    "float": check_type_float,
    "dict": check_type_dict,
}
STAND_INS: t.Mapping[str, t.Any] = {"bool": False, "int": 1, "float": 1.0, "list": [], "dict": {}}
#: Where 16.10 and 16.1 are not the same.
VERSIONS = ("version", "to")


def check_ranges(params: t.Mapping[str, t.Any]) -> None:
    """Refuse numbers that make no sense, of the options that several modules share."""
    for name, lowest in LOWEST.items():
        value = params.get(name)
        if value is not None and not (math.isfinite(value) and value >= lowest):
            raise InvalidInput(f"{name} is {value}: use a number of seconds from {lowest} up")


def prepared(options: t.Mapping[str, Option], given: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """What Ansible's validation is to see of the options of a task. In words of its own it refuses null and blank where there is
    a default, a choice, or a type that is not text, and what is of another type. `settle` then says what becomes of them.
    """
    kept: dict[str, t.Any] = {}
    for name, value in given.items():
        option = options.get(name, {"type": "raw"})
        if _blank(value) and not option.get("required"):
            if option.get("default") is not None or option.get("choices"):
                continue
            value = value if option.get("type", "str") in ("str", "path", "raw") else None
        kept[name] = _acceptable(option, value)
    return kept


def _acceptable(option: Option, value: t.Any) -> t.Any:
    """The value as Ansible takes it, or anything that it takes in the place of what does not fit."""
    kind, inner = option.get("type", "str"), option.get("options")
    if not _fits(option, value):
        return STAND_INS.get(kind, value)
    if kind == "list" and not _blank(value):
        element = _element(option)
        if not all(_fits(element, item) for item in _items(option, value)):
            return []
        if inner is not None and isinstance(value, (list, tuple)):
            return [_acceptable(element, item) for item in value]
    elif inner is not None and isinstance(value, t.Mapping):
        return prepared(inner, value)
    return value


def settle(spec: Spec, params: t.Mapping[str, t.Any], given: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Return the options with null and blank as if they were not given; the relations between them hold for the rest.

    `params` is what Ansible's validation made of `given`, the options as the task has them. Ansible counts an option
    that is null as given, and keeps null in the place of its default. Raises InvalidInput.
    """
    for name, option in spec.options.items():
        _refuse_other_type(name, option, given.get(name))
    empty = {name for name in spec.options if name in given and _blank(given[name])}
    for name in spec.never_empty:
        if name in empty:
            raise InvalidInput(f"{name} is empty", hint="Give it a value, or leave the option out.")
    for name, option in spec.options.items():
        if option.get("type") == "list" and isinstance(given.get(name), (list, tuple)):
            _refuse_blank_items(name, given[name])
    filled = _filled(spec, spec.options, {name: value for name, value in params.items() if name not in empty})
    validated = ArgumentSpecValidator(**spec.kwargs()).validate(filled)
    if validated.error_messages:
        raise InvalidInput(
            "; ".join(validated.error_messages), hint="An option that is null or blank counts as not given."
        )
    settled: dict[str, t.Any] = validated.validated_parameters
    check_ranges(settled)
    return settled


def quoted(value: t.Any) -> str:
    """Return a value as an error may quote it: as JSON, on one line, and not endless."""
    text = json.dumps(value, ensure_ascii=False, default=str)
    return text if len(text) <= 80 else text[:77] + "..."


def _fits(option: Option, value: t.Any) -> bool:
    """Whether a value is of the type of its option, or means one. Ansible would make text of a list, and 1 of a boolean.

    What is in a list or a dictionary does not count.
    """
    kind = option.get("type", "str")
    if _blank(value) or kind == "raw":
        return True
    if isinstance(value, bool):
        return bool(kind == "bool")
    if kind in ("str", "path"):
        return isinstance(value, SCALARS)
    if kind == "list":
        return isinstance(value, (*SCALARS, list, tuple))
    try:
        CONVERTERS[kind](value)
    except (TypeError, ValueError):
        return False
    return True


def _element(option: Option) -> Option:
    return {**option, "type": option.get("elements", "raw"), "default": None}


def _items(option: Option, value: t.Any) -> t.Sequence[t.Any]:
    """The entries of a list, as Ansible reads it."""
    if isinstance(value, str) and not _blank(value):
        return value.split(",")
    return value if isinstance(value, (list, tuple)) else [value]


def _refuse_other_type(path: str, option: Option, value: t.Any) -> None:
    """Refuse what is of another type, and a version that has lost its last zero."""
    kind, inner = option.get("type", "str"), option.get("options") or {}
    if not _fits(option, value):
        secret = option.get("no_log") or any(suboption.get("no_log") for suboption in inner.values())
        allowed = ALLOWED["list of dict" if kind == "list" and option.get("elements") == "dict" else kind]
        raise InvalidInput("{} is {}: {}".format(path, "of another type" if secret else quoted(value), allowed))
    if kind == "list" and not _blank(value):
        for number, item in enumerate(_items(option, value)):
            _refuse_other_type(f"{path}[{number}]", _element(option), item)
    elif kind == "dict" and isinstance(value, t.Mapping):
        for name, suboption in inner.items():
            _refuse_other_type(f"{path}.{name}", suboption, value.get(name))
    elif isinstance(value, float) and kind == "str" and path in VERSIONS:
        raise InvalidInput(f"{path} is {value}, a number, which may have lost a zero at its end: put it in quotes")


def _refuse_odd_text(spec: Spec, path: str, option: Option, value: t.Any) -> None:
    """Refuse text with a line break in it, and a template that nobody has expanded."""
    if option.get("no_log") or not isinstance(value, str):
        return
    try:
        _canon.visible(value.strip() if path in COMMON.options else value)
    except ValueError as error:
        raise InvalidInput(f"{path} is {quoted(value)}: {error}") from None
    if path not in spec.free_text and ("{{" in value or "{%" in value):
        raise InvalidInput(
            f"{path} is {quoted(value)}, a template that was not expanded",
            hint="Give its value. Ansible expands no template in text that is marked as unsafe, such as the result of another task.",
        )


def secrets_of(options: t.Mapping[str, Option], values: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    """Yield the values of options that are secrets."""
    for name, option in options.items():
        value = values.get(name)
        if option.get("no_log") and isinstance(value, str):
            yield value
        for item in value if isinstance(value, (list, tuple)) else (value,):
            if isinstance(item, t.Mapping):
                yield from secrets_of(option.get("options") or {}, item)


def _blank(value: t.Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _filled(
    spec: Spec, options: t.Mapping[str, Option], values: t.Mapping[str, t.Any], place: str = ""
) -> dict[str, t.Any]:
    """Only what has a value; what is empty inside of a list or a dictionary is refused."""
    kept: dict[str, t.Any] = {}
    for name, value in values.items():
        option, path = options.get(name), place + name
        if option is None or value is None:
            continue
        if _blank(value):
            if path in spec.never_empty:
                raise InvalidInput(f"{path} is empty", hint="Give it a value, or leave the option out.")
            continue
        inner = option.get("options")
        if option.get("type") == "list":
            _refuse_blank_items(path, value)
            for item in value:
                _refuse_odd_text(spec, path, option, item)
            if inner is not None:
                value = [_filled(spec, inner, item, path + ".") for item in value]
        elif option.get("type") == "dict":
            if inner is not None:
                value = _filled(spec, inner, value, path + ".")
            else:
                for key, item in value.items():
                    if _blank(item) and path not in spec.free_text:
                        raise InvalidInput(f"{path}.{key} is empty", hint="Give it a value, or leave it out.")
        elif option.get("type") != "raw":
            _refuse_odd_text(spec, path, option, value)
        kept[name] = value
    return kept


def _refuse_blank_items(path: str, items: t.Sequence[t.Any]) -> None:
    for number, item in enumerate(items, 1):
        if _blank(item):
            raise InvalidInput(
                f"{path} has an empty entry, number {number} of {len(items)}",
                hint="Null or blank is not a value: take the entry out of the list.",
            )


T = t.TypeVar("T")


def check_count(option: str, value: float | None, most: float | None = None, least: float = 1) -> None:
    """Refuse a number below the least or above the most, where one is given."""
    if value is not None and not (least <= value <= (most or value) and math.isfinite(value)):
        raise InvalidInput(f"{option} is {value:.12g}: use a number from {least} {f'to {most}' if most else 'up'}")


def check_form(option: str, value: str | None, pattern: str, meant: str) -> None:
    """Refuse a text of another form, where one is given. ``meant`` says what it must be, and how one looks."""
    if value is not None and not re.fullmatch(pattern, value):
        raise InvalidInput(f"{option}: {value!r} is not {meant}")


def check_id(option: str, value: str | None, thing: str) -> None:
    """Refuse what cannot be the ID of anything, where one is given."""
    check_form(option, value, r"[A-Za-z0-9_-]+", f"the ID of {thing}: it must have letters, digits, - and _ only")


def check_absolute(option: str, path: str | None) -> None:
    """Refuse a relative path, where one is given."""
    if path is not None and not os.path.isabs(path):
        raise InvalidInput(f"{option} is {path!r}: use an absolute path")


def check_writable(option: str, directory: str) -> None:
    """Refuse a directory in which the user of the task can make no file."""
    if not os.access(directory, os.W_OK | os.X_OK):
        raise InvalidInput(
            f"{option}: the user of the task cannot write to {directory}",
            hint=f"Give the user the right to write there, or choose another {option}.",
        )


def checked(option: str, normal_form: t.Callable[[t.Any], T], value: object) -> T:
    """The normal form of an option's value; `InvalidInput` that names the option when it has none."""
    try:
        return normal_form(value)
    except ValueError as error:
        raise InvalidInput(f"{option}: {error}") from None


def parsed(params: t.Mapping[str, t.Any], option: str, normal_form: t.Callable[[t.Any], T]) -> T | None:
    """The normal form of an option, or none when the task does not give it."""
    value = params.get(option)
    return None if value is None else checked(option, normal_form, value)
