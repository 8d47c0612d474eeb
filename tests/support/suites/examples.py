# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every task of EXAMPLES is run, in its order, against a sandbox that has what the tasks name.

Apps and addons are made from the tasks themselves; the case file adds what they need beyond that. Tasks of other
collections are not run, but their templates are filled in.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

import jinja2.nativetypes
from ansible.plugins.filter.core import FilterModule
from support.cases import Case, Data, Expectation
from support.laboratory import Laboratory
from support.subjects import COLLECTION, Subject, subjects
from support.suites.documents import task_of

#: What a task may say besides its module: anything else is not understood here, and fails.
KEYWORDS = (
    "name",
    "register",
    "no_log",
    "loop",
    "when",
    "vars",
    "delegate_to",
    "check_mode",
    "diff",
    "loop_control",
    "until",
    "retries",
    "delay",
)


def problems(laboratory: Laboratory, subject: Subject) -> list[str]:
    """Run them all; complain about each task that fails, and about templates that cannot be filled in."""
    base = Case("EXAMPLES", _situation(subject), {}, Expectation(changed=None))
    laboratory.arrange(subject, base)
    variables: Data = dict(subject.cases.variables)
    found = []
    for item in subject.examples:
        where = f"{item.get('name', item)!r}: "
        try:
            found += [where + text for text in _run(laboratory, base, item, variables)]
        except (jinja2.TemplateError, AssertionError) as error:
            found.append(f"{where}{error}")
    return found


def _run(laboratory: Laboratory, base: Case, item: Data, variables: Data) -> t.Iterator[str]:
    task = task_of(item)
    module_keys = [name for name in item if "." in name]
    assert len(module_keys) == 1, "it does not use exactly one module by its full name"
    unknown = sorted(set(item) - set(KEYWORDS) - set(module_keys))
    assert not unknown, f"the suite does not know the keywords {', '.join(unknown)}"
    assert item.get("name"), "it has no name"
    scope = {**variables, **filled(item.get("vars", {}), variables)}
    loop = filled(item["loop"], scope) if "loop" in item else [None]
    results = []
    for element in loop:
        values = {**scope, "item": element}
        if "when" in item:
            met = filled(f"{{{{ {item['when']} }}}}", values)
            # From 2.19 on, ansible-core takes nothing else.
            assert isinstance(met, bool), f"its condition is {met!r}, not a boolean"
            if not met:
                continue
        arguments = filled(item[module_keys[0]] or {}, values)
        if task is None:
            continue
        used = next((subject for subject in subjects() if subject.name == task[0]), None)
        assert used is not None, f"there is no module {COLLECTION}.{task[0]}"
        case = dataclasses.replace(
            base, arguments=arguments, no_log=item.get("no_log", False), without=_places(arguments)
        )
        seen = laboratory.run(used, case, state=False)
        if seen.report.failed:
            yield f"it fails: {seen.report.message}"
        results.append(seen.report.result)
    if "register" in item and task is not None:
        variables[item["register"]] = {"results": results} if "loop" in item else (results[0] if results else {})
    if "until" in item and filled(f"{{{{ {item['until']} }}}}", {**scope, **variables}) is not True:
        yield "what it waits for is not there at once"


def _places(arguments: Data) -> tuple[str, ...]:
    """A task that names another region goes where that is; all addresses are the sandbox's."""
    return ("api_url", "db_api_url") if "region" in arguments else ()


def filled(value: t.Any, variables: Data) -> t.Any:
    """Templates filled in, as Ansible does it: a template alone keeps its type."""
    if isinstance(value, dict):
        return {filled(name, variables): filled(inner, variables) for name, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, variables) for inner in value]
    if isinstance(value, str) and "{{" in value:
        return _environment().from_string(value).render(variables)
    return value


def _environment() -> jinja2.nativetypes.NativeEnvironment:
    environment = jinja2.nativetypes.NativeEnvironment(undefined=jinja2.StrictUndefined)
    environment.filters.update(FilterModule().filters())
    return environment


def _situation(subject: Subject) -> t.Any:
    """The sandbox of the case file, with every app and addon that a task names."""
    situation = subject.cases.examples
    apps: dict[str, Data] = {app["name"]: app for app in situation.seed["apps"]}
    for item in subject.examples:
        task = task_of(item)
        if task is None:
            continue
        given = task[1]
        name, addon = given.get("app"), given.get("addon")
        if not isinstance(name, str) or "{{" in name:
            continue
        app = apps.setdefault(name, {"name": name, "region": given.get("region", "osc-fr1"), "addons": []})
        known = [entry[key] for entry in app.setdefault("addons", []) for key in ("provider", "id") if key in entry]
        if isinstance(addon, str) and addon not in known and not re.search(r"^ad-|\{\{", addon):
            app["addons"].append({"provider": addon})
    return dataclasses.replace(situation, seed={**situation.seed, "apps": list(apps.values())})
