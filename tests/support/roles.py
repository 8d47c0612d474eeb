# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The variables of the roles, from their argument specs, with a right value of each, and the action that reads them, in this process."""

from __future__ import annotations

import functools
import types
import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.parsing.dataloader import DataLoader
from ansible.playbook.task import Task
from ansible.template import Templar
from ansible.utils import vars as ansible_vars
from ansible_collections.community.scalingo.plugins.action.scalingo_role_variables import ActionModule
from ansible_collections.community.scalingo.plugins.plugin_utils._inventory import trust_as_template

ROLES = Path(__file__).resolve().parents[2] / "roles"
Option = dict[str, t.Any]

#: A template as ansible-core marks what a playbook or an inventory file says; before 2.19 it marks nothing.
said: t.Callable[[str], str] = trust_as_template or str

LOADER = DataLoader()
# Of each file once: it is read by each run.
LOADER.load_from_file = functools.lru_cache(None)(LOADER.load_from_file)  # type: ignore[method-assign]
#: It is never used.
CONNECTION = types.SimpleNamespace(_shell=types.SimpleNamespace(tmpdir=""))


def specification(role: str) -> dict[str, Option]:
    whole = yaml.safe_load((ROLES / role / "meta" / "argument_specs.yml").read_text(encoding="utf-8"))
    options: dict[str, Option] = whole["argument_specs"]["main"]["options"]
    return {name[len(role) + 1 :]: option for name, option in options.items()}


SPECIFICATIONS = {path.name: specification(path.name) for path in sorted(ROLES.iterdir())}

#: A right value that is not the default, where another text, number or dictionary is none.
RIGHT: t.Mapping[str, t.Any] = {
    **dict.fromkeys(
        (
            "max_age",
            "max_seconds",
            "freshness.max_age",
            "backup_max_age",
            "backup_warning_age",
            "backup_critical_age",
            "drill_warning_age",
            "require_rehearsal",
        ),
        "90m",
    ),
    **dict.fromkeys(("verification_tasks", "databases.verification_tasks"), "/some/tasks.yml"),
    **dict.fromkeys(("to", "databases.to"), "16.4"),
    **dict.fromkeys(("keep_count", "max_failures", "jobs", "timeout", "check_timeout", "size_change_backups"), 12),
    "wait_timeout": 17.5,
    "max_shrink": 17.5,
    "waves": [2, 4],
    "freeze": ["2026-12-20/2027-01-03"],
    "file_mode": "0600",
    **dict.fromkeys(("encrypt_command", "timestamp_command"), ["seal", "{input}", "{output}"]),
    "encrypt_suffix": ".sealed",
    "decrypt_command": ["unseal", "{input}", "{output}"],
    "stop_starting_at": "04:00",
    "not_after": "2026-12-01T04:00:00Z",
    "server_url": "postgresql://me@here/",
    "server_settings": {"work_mem": "64MB"},
    "levels": {"public": "critical"},
    "wanted.periodic_backups_scheduled_at": 0,
    "wanted.maintenance_window.weekday_utc": "monday",
    "wanted.maintenance_window.starting_hour_utc": 22,
    "wanted.features": {"force-ssl": "on"},
    "wanted.logical_databases.names": ["orders", "stock"],
    "wanted.sql_modes": ["ANSI_QUOTES", "STRICT_TRANS_TABLES"],
    "wanted.retention_policies.duration": "30d",
    "wanted.extensions.names": ["hstore", "pg_trgm"],
    "wanted.extensions.connection_url": "postgresql://me:secret@here/shop",
    "wanted.extensions.ssh_host": "ssh.here",
    "wanted.users.password": "a-password-of-32-characters-0123",
    "wanted.firewall_rules.rules": [{"cidr": "198.51.100.0/24", "label": "office"}],
    **dict.fromkeys(
        [f"wanted.extensions.{name}" for name in ("ca_cert", "ssh_key_file", "ssh_known_hosts")], str(Path(__file__))
    ),
}


def right(path: str, option: Option) -> t.Any:
    """A right value that is not the default."""
    kind, elements = option["type"], option.get("elements", "str")
    if path in RIGHT:
        return RIGHT[path]
    if kind == "list" and elements == "dict" and "options" in option:
        return [{name: right(f"{path}.{name}", inner) for name, inner in option["options"].items()}]
    if kind == "dict":
        return {name: right(f"{path}.{name}", inner) for name, inner in option["options"].items()}
    if option.get("choices"):
        last = option["choices"][-1]
        return [last, last] if kind == "list" else last
    return {
        "list": [{"app": "shop"}] if elements == "dict" else ["some-text", "some-text"],
        "bool": not option.get("default"),
        "int": 0,
        "float": 0.5,
        "str": "some-text",
        "path": "/some/path",
        "raw": 5,
    }[kind]


def run(
    role: str,
    given: t.Mapping[str, t.Any],
    monkeypatch: pytest.MonkeyPatch,
    extra: t.Iterable[str] = (),
    over: t.Any = None,
) -> dict[str, t.Any]:
    """The action as a task of the role, with the role's other needs given."""
    needed = {name: right(name, option) for name, option in SPECIFICATIONS[role].items() if option.get("required")}
    variables: dict[str, t.Any] = {f"{role}_{name}": value for name, value in {**needed, **given}.items()}
    variables["role_path"] = str(ROLES / role)
    monkeypatch.setattr(
        ansible_vars.load_extra_vars, "extra_vars", {name: "x" for name in ["other", *extra]}, raising=False
    )
    task = Task()
    task.args = {} if over is None else {"over": over}
    action = ActionModule(task, CONNECTION, None, LOADER, Templar(loader=LOADER, variables=variables), None)
    return t.cast(dict[str, t.Any], action.run(task_vars=variables))
