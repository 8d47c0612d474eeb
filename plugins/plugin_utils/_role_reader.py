# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.
"""What users give to roles, in the types of an argument spec. What cannot be converted, or makes no sense, is collected."""

from __future__ import annotations

import difflib
import json
import os.path
import re
import typing as t

import yaml
from ansible.module_utils.common.validation import check_type_bool, check_type_dict, check_type_path
from ansible_collections.community.scalingo.plugins.module_utils import _canon
from ansible_collections.community.scalingo.plugins.module_utils._options import ALLOWED, quoted
from ansible_collections.community.scalingo.plugins.plugin_utils import _role_forms
from ansible_collections.community.scalingo.plugins.plugin_utils._action import is_omitted, plain

Option = t.Mapping[str, t.Any]
SCALARS = (str, int, float)
#: More of anything is a slip, and breaks what counts with it.
LARGEST = 2**53


class Refused(Exception):
    """A value that its option does not take."""


class Reader:
    """Converts values as an argument spec says, and collects what cannot be converted, or makes no sense."""

    def __init__(self, prefix: str = "", vaulted: t.Collection[str] = ()) -> None:
        """I(vaulted) are variables that were given encrypted, of which no value is shown."""
        self.problems: list[str] = []
        self.has_secrets = bool(vaulted)
        self.vaulted = vaulted
        self._prefix = prefix

    def options(self, spec: t.Mapping[str, Option], given: t.Mapping[str, t.Any], prefix: str) -> dict[str, t.Any]:
        """Return the options that are given or have a default. What is null or blank is not given."""
        for name in sorted(set(given) - set(spec), key=str):
            self.problems.append(f"{prefix}{name} is not known: {similar(name, spec, prefix)}")
        values = {}
        for name, option in spec.items():
            kind = option.get("type", "str")
            if name in given and (kind == "raw" or not is_blank(given[name])):
                values[name] = self.value(option, given[name], prefix + name)
            elif "default" in option:
                values[name] = option["default"]
            elif option.get("required"):
                self.problems.append(f"{prefix}{name} is missing: {self._allowed(option, prefix + name)}")
        return values

    def value(self, option: Option, value: t.Any, name: str) -> t.Any:
        """Return a value as its option wants it, or nothing after noting why it is none."""
        value = plain(value)
        self.has_secrets |= bool(option.get("no_log"))
        try:
            if isinstance(value, self._of(_role_forms.NUMBERS_THAT_LOST, name) or ()):
                raise Refused
            converted = self._settled(option, _converted(option, value), name)
        except Refused as refused:
            shown = self._shown(value, name, holds_secret(option))
            allowed = str(refused) or self._allowed(option, name)
            # YAML takes no, on and the like for booleans.
            unquoted = isinstance(value, bool) and option.get("type", "str") == "str" and "in quotes" not in allowed
            self.problems.append(f"{name} is {shown}: {allowed}{', in quotes' if unquoted else ''}")
            return None
        count = len(self.problems)
        if isinstance(converted, list):
            converted = self._elements(option, converted, name)
        inner = option.get("options") or self._of(_role_forms.OPTIONS, name)
        if isinstance(converted, dict) and inner:
            converted = self.options(inner, converted, name + ".")
        if isinstance(converted, (list, dict)) and len(self.problems) == count:
            self._judge(converted, name)
        return converted

    def _settled(self, option: Option, value: t.Any, name: str) -> t.Any:
        """Return text without blanks at its ends; refuse what has not the form, or is out of the range, of its variable."""
        if isinstance(value, str) and re.sub(r"\[\d+\]", "", name[len(self._prefix) :]) not in _role_forms.FREE_TEXT:
            value = value if option.get("no_log") else _unquoted(value.strip())
            try:
                _canon.visible(value)
            except ValueError as error:
                raise Refused(str(error)) from None
            if not option.get("no_log") and ("{{" in value or "{%" in value):
                raise Refused("it is a template that was not expanded; give its value")
        form = self._of(_role_forms.FORMS, name)
        if form and not isinstance(value, (list, dict)) and not form.takes(value):
            raise Refused
        return value

    def _elements(self, option: Option, values: list[t.Any], name: str) -> list[t.Any]:
        element = {
            "type": option.get("elements", "raw"),
            **{key: option[key] for key in ("choices", "options", "no_log") if key in option},
        }
        found = []
        for index, value in enumerate(values):
            place = "%s[%d]" % (name, index)
            if element["type"] != "raw" and is_blank(value):
                self.problems.append(f"{place} is empty: leave it out, or {self._allowed(element, place)}")
            else:
                found.append(self.value(element, value, place))
        return found

    def _judge(self, value: t.Any, name: str) -> None:
        """Note what is wrong with a list or a dictionary of which each part is right."""
        form = self._of(_role_forms.WHOLES, name)
        if form and not form.takes(value):
            self.problems.append(f"{name} is {self._shown(value, name)}: {form.allowed}")
        if name == "database_baseline_wanted":
            for key, problem in _role_forms.refused_declaration(value):
                self.problems.append(
                    f"{name}.{key} is not right" if name in self.vaulted else f"{name}.{key}: {problem}"
                )

    def _shown(self, value: t.Any, name: str, secret: bool = False) -> str:
        return "not right" if secret or re.split(r"[.[]", name)[0] in self.vaulted else quoted(value)

    def _of(self, table: t.Mapping[str, t.Any], name: str) -> t.Any:
        """What a table says of a variable: of that of one role before that of all roles that have it."""
        plain_name = re.sub(r"\[\d+\]", "", name)
        return table.get(plain_name, table.get(plain_name[len(self._prefix) :]))

    def _allowed(self, option: Option, name: str) -> str:
        form = self._of(_role_forms.FORMS, name) or self._of(_role_forms.WHOLES, name)
        if form and not (option.get("type") == "list" and self._of(_role_forms.FORMS, name)):
            return str(form.allowed)
        return _allowed(option)


def holds_secret(option: Option) -> bool:
    return bool(option.get("no_log")) or any(map(holds_secret, (option.get("options") or {}).values()))


def is_blank(value: t.Any) -> bool:
    return value is None or is_omitted(value) or isinstance(value, str) and not value.strip()


def _converted(option: Option, value: t.Any) -> t.Any:
    """Return the value in the type of its option; the elements of a list and the options of a dictionary are as they were."""
    kind = option.get("type", "str")
    convert = {"bool": _bool, "int": _int, "float": _float, "str": _str, "path": _path, "dict": _dict}.get(kind)
    if kind == "list":
        return _list(value, option.get("elements", "raw"))
    converted = convert(value) if convert else value
    choices = option.get("choices")
    if choices and converted not in choices:
        if not isinstance(converted, str) or converted.strip() not in choices:
            raise Refused
        return converted.strip()
    return converted


def _bool(value: t.Any) -> bool:
    try:
        return bool(check_type_bool(value))
    except TypeError:
        raise Refused from None


def _int(value: t.Any) -> int:
    number = _float(value)
    if number != int(number):
        raise Refused
    return int(number)


def _float(value: t.Any) -> int | float:
    if isinstance(value, str) and re.fullmatch(r"\s*[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d+)?\s*", value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not -LARGEST <= value <= LARGEST:
        raise Refused
    return t.cast("int | float", value)


def _str(value: t.Any) -> str:
    if isinstance(value, bool) or not isinstance(value, SCALARS):
        raise Refused
    return str(value)


def _unquoted(text: str) -> str:
    """Return text without quotes around it. In AWX, ansible-core 2.19 and newer take 16.10 and 22:30 for numbers, unless they are quoted in the answer."""
    found = re.fullmatch(r"""(["'])(.*)\1""", text)
    return found[2].strip() if found and found[1] not in found[2] else text


def _path(value: t.Any) -> str:
    return str(check_type_path(_str(value)))


def _dict(value: t.Any) -> dict[str, t.Any]:
    if isinstance(value, str):
        try:
            if re.match(r"\s*[\w.-]+:(\s|$)", value):
                value = yaml.safe_load(value)
            else:
                value = json.loads(value) if value.lstrip().startswith("{") else check_type_dict(value)
        except (TypeError, ValueError, RecursionError, yaml.YAMLError):
            raise Refused from None
    if not isinstance(value, dict):
        raise Refused
    return value


def _list(value: t.Any, elements: str) -> list[t.Any]:
    if isinstance(value, str) and re.match(r"\s*-\s", value):
        # As in a file, in the answer to a survey.
        try:
            value = yaml.safe_load(value)
        except (ValueError, RecursionError, yaml.YAMLError):
            raise Refused from None
    elif isinstance(value, str) and value.lstrip().startswith("["):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            # As a person writes it, and as Ansible shows it: [a, b].
            inner = re.fullmatch(r"""\s*\[([^][{}"']*)\]\s*""", value)
            if elements in ("dict", "list") or not inner:
                raise Refused from None
            value = _split(inner[1]) if inner[1].strip() else []
    elif isinstance(value, str) and elements not in ("dict", "list"):
        value = _split(value)
    elif isinstance(value, SCALARS) and not isinstance(value, (str, bool)):
        value = [value]
    if not isinstance(value, list):
        raise Refused
    return value


def _split(text: str) -> list[str]:
    """Return the words of a line with commas, or of an answer with several lines."""
    return re.split(r"\s*(?:,\s*\n|,|\n)\s*", text.strip())


def _allowed(option: Option) -> str:
    if option.get("choices") and option.get("type") != "list":
        return "give {}".format(" or ".join(quoted(choice).strip('"') for choice in option["choices"]))
    kind = option.get("type", "str")
    return ALLOWED.get("list of dict" if kind == "list" and option.get("elements") == "dict" else kind, "give a value")


def similar(name: str, known: t.Iterable[str], prefix: str) -> str:
    close = difflib.get_close_matches(name, list(known), 1, 0.5)
    return f"did you mean {prefix}{close[0]}?" if close else f"known are {', '.join(sorted(known))}"


def specification(loader: t.Any, role_path: str) -> t.Mapping[str, Option]:
    """Return the options of a role, by their whole names."""
    data = loader.load_from_file(os.path.join(role_path, "meta", "argument_specs.yml"))
    return t.cast(t.Mapping[str, Option], data["argument_specs"]["main"]["options"])


def options_of_roles(loader: t.Any) -> t.Iterator[tuple[str, Option]]:
    """Yield the options of all roles of the collection, without the prefixes of the roles."""
    roles = os.path.join(os.path.dirname(__file__), "..", "..", "roles")
    for role in sorted(os.listdir(roles)):
        for name, option in specification(loader, os.path.join(roles, role)).items():
            yield name[len(role) + 1 :], option
