# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private: may change without notice.
"""Ranges and forms of the variables of the roles, by their names without the role's own: what a type alone does not say.

Who takes a value decides what it may be: the normal forms, the filters, and for a declared database the checks of its modules.
"""

from __future__ import annotations

import datetime
import os.path
import re
import typing as t

from ansible.errors import AnsibleFilterError
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible_collections.community.scalingo.plugins.module_utils import _canon
from ansible_collections.community.scalingo.plugins.module_utils._errors import InvalidInput
from ansible_collections.community.scalingo.plugins.module_utils._options import LOWEST, prepared, settle
from ansible_collections.community.scalingo.plugins.module_utils._resources.backup_download import file_mode
from ansible_collections.community.scalingo.plugins.module_utils._resources.upgrade import WORDS
from ansible_collections.community.scalingo.plugins.plugin_utils import _baseline, _fleet_report, _fleet_upgrade


class Form(t.NamedTuple):
    """`check` returns false, or raises `ValueError`, for a value that is not `allowed`."""

    allowed: str
    check: t.Callable[[t.Any], t.Any]

    def takes(self, value: t.Any) -> bool:
        try:
            return self.check(value) is not False
        except (ValueError, AnsibleFilterError):
            return False


def _range(least: float, most: float | None = None, number: str = "number") -> Form:
    if most is None:
        return Form(f"give a {number} from {least:g} up", lambda value: value >= least)
    return Form(f"give a {number} from {least:g} to {most:g}", lambda value: least <= value <= most)


def _count(least: int) -> Form:
    return _range(least, number="whole number")


def _matches(allowed: str, pattern: str) -> Form:
    return Form(allowed, lambda value: bool(re.fullmatch(pattern, value, re.ASCII)))


def _is_target_version(value: str) -> bool:
    return value in WORDS or bool(_canon.version(value))


def _is_age(text: str) -> bool:
    return _canon.seconds(text) > 0 or bool(re.fullmatch("0+[a-z]*", text))


def _is_mode(value: str) -> bool:
    return bool(re.fullmatch(r"[ugoa]+[-+=][rwxX]*(,[ugoa]+[-+=][rwxX]*)*", value) or file_mode(value))


def _is_setting(name: str, value: t.Any) -> bool:
    return bool(re.fullmatch(r"[A-Za-z_][A-Za-z0-9_.]*", name)) and isinstance(value, (str, int, float)) and value != ""


NAME = _matches("give a name or an ID, without blanks and slashes", r"(?!\.{1,2}$)[^/\s]+")
IDENTIFIER = _matches("give an ID: letters, digits, - and _", r"[A-Za-z0-9_-]+")
WORD = _matches("give a name without blanks and brackets", r"[^\s\[\]]+")
AGE = Form("give seconds, or for example 90m, 24h, 7d", _is_age)
PERCENT = _range(0, 100)
COMMAND = Form(
    "give the words of a command of which some hold {input} and {output}",
    lambda words: (
        len(words) == 0
        or len(words) > 1
        and all(any(name in word for word in words) for name in ("{input}", "{output}"))
    ),
)
WHOLE_PATH = Form("give a whole path, which begins with /", os.path.isabs)
VERSION = Form(f"give {', '.join(WORDS)} or a version in quotes, such as '16.4'", _is_target_version)

#: Of a value, and of each entry of a list of values. One role alone means its variable by the full name.
FORMS: t.Mapping[str, Form] = {
    "wait_timeout": _range(LOWEST["wait_timeout"]),
    "wait_interval": _range(LOWEST["wait_interval"]),
    "settle_seconds": _range(0),
    "waves": _count(1),
    "max_failures": _count(1),
    "keep_count": _count(1),
    "keep_days": _range(0),
    "max_shrink": _range(1, 100),
    "jobs": _count(1),
    "timeout": _count(1),
    "check_timeout": _count(1),
    "min_tables": _count(0),
    "min_rows": _count(0),
    "size_change_backups": _count(2),
    "min_size_change": PERCENT,
    "max_erosion_percent": PERCENT,
    "max_seconds": AGE,
    "freshness.max_age": AGE,
    "max_drop_percent": PERCENT,
    "disk_warning_percent": PERCENT,
    "disk_critical_percent": PERCENT,
    "connections_warning_percent": PERCENT,
    "connections_critical_percent": PERCENT,
    "max_age": AGE,
    **dict.fromkeys(
        ("restore_drill_max_age", "require_rehearsal", "policy.every"),
        Form("give seconds above 0, or for example 90m, 24h, 7d", lambda text: _canon.seconds(text) > 0),
    ),
    **dict.fromkeys(
        ("policy.exclusions.until", "policy.deviations.until"),
        Form("give a day such as 2027-06-30", datetime.date.fromisoformat),
    ),
    "backup_max_age": AGE,
    "backup_warning_age": AGE,
    "backup_critical_age": AGE,
    "drill_warning_age": AGE,
    "stop_starting_at": Form(
        "give a time in ISO 8601 or HH:MM, in UTC and in quotes, as YAML makes 1350 of 22:30",
        lambda text: bool(_fleet_upgrade.stop_at(text, _fleet_upgrade.now())),
    ),
    "freeze": Form("give FROM/TO in ISO 8601, such as 2026-12-20/2027-01-03", _fleet_upgrade.period),
    "app": NAME,
    "addon": NAME,
    "addon_id": NAME,
    "region": NAME,
    "apps": NAME,
    "regions": NAME,
    "engines": NAME,
    "databases.app": NAME,
    "databases.addon": NAME,
    "databases.addon_id": NAME,
    "databases.region": NAME,
    "backup_id": IDENTIFIER,
    "to": VERSION,
    "databases.to": VERSION,
    "verification_tasks": WHOLE_PATH,
    "databases.verification_tasks": WHOLE_PATH,
    "directory": WHOLE_PATH,
    "state_dir": WHOLE_PATH,
    "not_after": _matches("give a time in UTC such as '2026-12-01T04:00:00Z'", r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"),
    "file_mode": Form("give a mode such as '0640' or 'u=rw,g=r', in quotes", _is_mode),
    "encrypt_suffix": _matches("give a suffix such as .age, and not .json", r"(?!\.json$)\.[A-Za-z0-9._-]+"),
    "locale": _matches("give the name of a locale, such as C.UTF-8", r"[A-Za-z0-9_.@-]+"),
    "server_service": WORD,
    "server_url": _matches("give a URL such as postgresql://user@host/", r"postgres(ql)?://\S+"),
}
#: Of a list or a dictionary as a whole.
WHOLES: t.Mapping[str, Form] = {
    "waves": Form("give whole numbers from 1 up, such as 1,3,10", lambda sizes: len(sizes) > 0),
    "encrypt_command": COMMAND,
    "decrypt_command": COMMAND,
    "timestamp_command": COMMAND,
    "server_settings": Form(
        "give names of settings with text, numbers or booleans",
        lambda settings: all(_is_setting(*item) for item in settings.items()),
    ),
}
#: What a dictionary can hold, where the argument spec leaves that to a filter.
OPTIONS: t.Mapping[str, t.Mapping[str, t.Mapping[str, t.Any]]] = {
    "levels": {name: {"type": "str", "choices": list(_fleet_report.CHOICES)} for name in _fleet_report.FINDINGS},
}
#: What is no longer as it was written once it is a number: 0640 is 416 then, and 16.10 is 16.1.
NUMBERS_THAT_LOST: t.Mapping[str, tuple[type, ...]] = {
    "file_mode": (int, float),
    "to": (float,),
    "databases.to": (float,),
}
#: What is kept as it is: blanks at its ends, and what looks like a template.
FREE_TEXT = frozenset(("checks.sql", "checks.expect"))


def refused_declaration(wanted: t.Mapping[str, t.Any]) -> t.Iterator[tuple[str, str]]:
    """What the modules refuse of a declared database: each key with the reason."""
    for kind in _baseline.KINDS:
        for key in kind.keys:
            if key in wanted:
                problem = _refusal(kind.action.module, kind.declared({key: wanted[key]}))
                if problem:
                    yield key, problem


def _refusal(module: t.Any, given: dict[str, t.Any]) -> str:
    """Why a module would refuse these options before it asks anything; empty when it would not."""
    spec = module.argument_spec()
    validated = ArgumentSpecValidator(**spec.kwargs()).validate(prepared(spec.options, given))
    if validated.error_messages:
        return "; ".join(validated.error_messages)
    try:
        module.RESOURCE.parse(settle(spec, validated.validated_parameters, given))
    except InvalidInput as error:
        return str(error)
    return ""
