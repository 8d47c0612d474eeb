# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Wrong values for every variable of every role: refused by name in the first task, or taken for what they mean.

What is right is written down here once more, independently of the code.
"""

from __future__ import annotations

import copy
import json
import re
import typing as t

import pytest
from support.roles import SPECIFICATIONS, Option, right, run
from support.subjects import paths_of
from support.suites.wrong import ALLOWED, CANARY, NONSENSE, NOTHING, TEMPLATE, Wrong, wrong_values

#: The smallest and the largest number of a variable, by its name.
RANGES: t.Mapping[str, tuple[float, float | None]] = {
    "wait_timeout": (1, None),
    "wait_interval": (0.1, None),
    "settle_seconds": (0, None),
    "max_failures": (1, None),
    "waves": (1, None),
    "keep_count": (1, None),
    "keep_days": (0, None),
    "max_shrink": (1, 100),
    "jobs": (1, None),
    "timeout": (1, None),
    "check_timeout": (1, None),
    "min_tables": (0, None),
    "min_rows": (0, None),
    "max_erosion_percent": (0, 100),
    "min_size_change": (0, 100),
    "size_change_backups": (2, None),
    "max_drop_percent": (0, 100),
    "disk_warning_percent": (0, 100),
    "disk_critical_percent": (0, 100),
    "connections_warning_percent": (0, 100),
    "connections_critical_percent": (0, 100),
    "wanted.periodic_backups_scheduled_at": (0, 23),
    "wanted.maintenance_window.starting_hour_utc": (0, 23),
}
#: Where text without a form of its own is wanted: a name, a title, a path, what only the platform or a server knows.
ANY_TEXT = (
    "name", "title", "group", "html_file", "json_file", "state_file", "report_file", "accept", "scout", "order", "hosts",
    "roles", "ignore_tables", "databases.name",
    "work_dir", "programs", "client_programs", "evidence_dir", "drill_evidence_dir", "drill_policy", "checks.name", "checks.sql", "job",
    "user", "change_reference", "sign_key", "policy", "freshness.table", "freshness.column",
    "wanted.plan", "wanted.logical_databases.names", "wanted.extensions.names", "wanted.retention_policies.name",
)  # fmt: skip
#: Where what looks like a template is text, and where a line break is.
FREE_TEXT = ("checks.sql", "checks.expect")
#: What is wrong in a way of its own.
OTHERS: t.Mapping[str, t.Sequence[t.Any]] = {
    "max_age": ["soon", "1 day", "-1h", "24:00"],
    "backup_max_age": ["soon", "0h0m"],
    "restore_drill_max_age": ["0"],
    "backup_warning_age": ["2 weeks"],
    "drill_warning_age": ["2 weeks"],
    "require_rehearsal": ["0", "a month"],
    "waves": ["all", "30%", 0, [0], [], "-3", [1, "x"], 1.5],
    "freeze": ["tomorrow", "2026-12-20", "2026-12-20/2026-12-01", "2026-12-20/2026-12-21/2026-12-22"],
    "stop_starting_at": ["tomorrow", "25:00", 1350, "2026-02-30T04:00:00Z"],
    "to": ["newest", "16.x", 16.1],
    "databases.to": ["newest", 16.1],
    "directory": ["backups", "./backups"],
    "verification_tasks": ["verify.yml"],
    "databases.verification_tasks": ["verify.yml"],
    "file_mode": ["rw-r-----", "999", 416],
    "encrypt_command": [["gzip"], ["seal", "{input}"], ["seal", "{output}", "{{input}}"]],
    "encrypt_suffix": ["gpg", ".json", "./x"],
    "decrypt_command": [["gunzip"]],
    "timestamp_command": [["ts", "{input}"]],
    "max_seconds": ["soon"],
    "freshness.max_age": ["1 day"],
    "max_shrink": [0, 101],
    "backup_id": ["../other", "a b"],
    "app": ["two words", "a/b", ".."],
    "server_url": ["mysql://me@here/", "here"],
    "server_service": ["a]b"],
    "server_settings": [{"a b": 1}, {"work_mem": [CANARY]}, {"work_mem": None}],
    "state_dir": ["state", "./state"],
    "not_after": ["04:00", "2026-12-01", "2026-12-01T04:00:00+01:00"],
    "levels": [{"publik": "none"}, {"public": "high"}],
    "wanted.features": [{"Force SSL": True}, {"force-ssl": "maybe"}, {"publicly-available": True, "force-ssl": False}],
    "wanted.maintenance_window.weekday_utc": ["caturday", 7],
    "wanted.users.name": ["tiny", "with space"],
    "wanted.firewall_rules.rules": [
        [{"cidr": "300.0.0.0/8"}],
        [{"cidr": "10.0.0.1/8"}],
        [{"cidr": "10.0.0.0/24", "lable": "x"}],
    ],
    "wanted.retention_policies.duration": ["a month", "1y"],
    "wanted.sql_modes": [["STRICT MODE"]],
    "wanted.extensions.ca_cert": ["/nowhere/ca.pem"],
    "wanted.extensions.connection_url": ["mysql://me:%s@here/" % CANARY],
    "wanted.users.password": [2 * CANARY],
    "wanted.extensions.ssh_host": ["host:port"],
}


def variables() -> t.Iterator[tuple[str, str]]:
    """Every variable of every role, and every option in one."""
    for role, options in SPECIFICATIONS.items():
        yield from ((role, path) for path in paths_of(options))


def wrong_ones(role: str, path: str, option: Option, plain: t.Any) -> t.Iterator[Wrong]:
    kind, elements = option["type"], option.get("elements", "str")
    yield from wrong_values(path, option, plain, RANGES)
    for other in (*OTHERS.get(path, ()), *OTHERS.get(f"{role}_{path}", ())):
        yield Wrong("another form", other)
    if not option.get("required"):
        yield Wrong("null", None, NOTHING if "default" not in option else option["default"])
        yield Wrong("blank", " \n", NOTHING if "default" not in option else option["default"])
    if kind in ("int", "float"):
        yield Wrong("more than can be counted", 10**400)
        yield Wrong("no number as text", "nan")
        yield Wrong("another way to write a number", "%s.0" % plain if kind == "int" else f"{plain:e}", plain)
    elif kind == "dict":
        yield Wrong("JSON that is cut off", '{"password": "%s", ' % CANARY)
        yield Wrong("YAML as text", "".join(f"{key}: {json.dumps(value)}\n" for key, value in plain.items()), plain)
    elif kind == "list" and elements == "dict":
        yield Wrong("JSON that is cut off", '[{"password": "%s", ' % CANARY)
        yield Wrong("JSON as text", json.dumps(plain), plain)
        yield Wrong("YAML as text", "\n".join("- " + json.dumps(item) for item in plain), plain)
        yield Wrong("one that is no list", plain[0])
    elif kind == "list":
        yield Wrong("lines as text", "\n".join(map(str, plain)), plain)
        yield Wrong("YAML as text", "\n".join(f'- "{item}"' for item in plain), plain)
        yield Wrong("null in it", [*plain, None])
        yield Wrong("blank in it", [*plain, " "])
    elif kind in ("str", "path") and path not in FREE_TEXT and not option.get("no_log"):
        yield Wrong("a line break at its end", f"{plain}\n", plain)


def problems(role: str, path: str, monkeypatch: pytest.MonkeyPatch, count: t.Callable[[str], None]) -> list[str]:
    """Every kind of wrong value for one variable. `count` is told what became of each: refused, or taken."""
    option = paths_of(SPECIFICATIONS[role])[path]
    top = path.split(".")[0]
    whole = right(top, SPECIFICATIONS[role][top])

    def given(value: t.Any) -> dict[str, t.Any]:
        return run(role, {top: _with(whole, path.split(".")[1:], value)}, monkeypatch)

    plain = right(path, option)
    found = []
    if given(plain).get("failed"):
        return [f"what is right is refused: {given(plain)['msg']}"]
    for wrong in wrong_ones(role, path, option, plain):
        result = given(wrong.value)
        if wrong.kind in ("null", "blank") and wrong.means is NOTHING:
            count("taken")
            if result.get("failed"):
                found.append(f"{wrong.kind} is not the same as nothing: {result['msg']}")
        elif wrong.means is not NOTHING:
            count("taken")
            if result.get("failed") or result != given(wrong.means):
                found.append(f"{wrong.kind}, {wrong.value!r}, is not taken for {wrong.means!r}: {result.get('msg')}")
        elif _is_text(path, wrong):
            count("taken")
            if result.get("failed"):
                found.append(f"{wrong.kind}, {wrong.value!r}, is refused: {result['msg']}")
        else:
            count("refused")
            found += [
                f"{wrong.kind}, {wrong.value!r}: {text}" for text in _unrefused(role, path, option, wrong, result)
            ]
    return found


def _is_text(path: str, wrong: Wrong) -> bool:
    if wrong.kind == "an unknown key":
        # Only the server knows its settings.
        return path == "server_settings"
    if wrong.value in (TEMPLATE, [TEMPLATE]) or wrong.kind.startswith("a line break"):
        return path in FREE_TEXT
    return wrong.value in (NONSENSE, [NONSENSE]) and path in ANY_TEXT


def _with(whole: t.Any, steps: t.Sequence[str], value: t.Any) -> t.Any:
    """A copy with another value in it; of a list its first entry is meant."""
    if not steps:
        return value
    whole = copy.deepcopy(whole)
    place = whole
    for step in steps[:-1]:
        place = (place[0] if isinstance(place, list) else place)[step]
    (place[0] if isinstance(place, list) else place)[steps[-1]] = value
    return whole


def _holds_secret(option: t.Mapping[str, t.Any]) -> bool:
    return bool(option.get("no_log")) or any(map(_holds_secret, option.get("options", {}).values()))


def _unrefused(role: str, path: str, option: Option, wrong: Wrong, result: t.Mapping[str, t.Any]) -> list[str]:
    if not result.get("failed"):
        return ["it is taken"]
    message, found = str(result["msg"]), []
    top, dummy, inner = path.partition(".")
    if not re.search(rf"^- {role}_{top}\b", message, re.MULTILINE) or not all(
        re.search(rf"(?<![a-z]){part}(?![a-z])", message) for part in (inner.split(".") if inner else ())
    ):
        found.append(f"the variable is not named: {message}")
    if _holds_secret(option) and CANARY in json.dumps(result, default=str):
        found.append(f"the secret is told: {message}")
    if not _holds_secret(option) and not any(text[:40] in message for text in _shown(wrong.value)):
        found.append(f"the value is not told: {message}")
    if not ALLOWED.search(message) and not re.search("did you mean|known are|holds a line break|is empty", message):
        found.append(f"what is allowed is not told: {message}")
    return found


def _shown(value: t.Any) -> t.Iterator[str]:
    """As JSON or as Python shows it; of a list its entry, of a dictionary its key. Of what is empty there is nothing to show."""
    text = json.dumps(value)
    yield from (text, text[1:-1] if isinstance(value, str) else text, repr(value), str(value), str(value).upper())
    if isinstance(value, (list, dict)):
        for item in [*value, *(value.values() if isinstance(value, dict) else ())]:
            yield from _shown(item)
    elif value is None or value == " ":
        yield "is empty"
