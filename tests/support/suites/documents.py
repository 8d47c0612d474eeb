# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is written of a module against what it is: documentation and argument spec, attributes, the form of its file."""

from __future__ import annotations

import ast
import re
import typing as t

from ansible_collections.community.scalingo.plugins.module_utils._options import TASK_NO_LOG
from ansible_collections.community.scalingo.plugins.module_utils._settings import VARIABLES
from support.cases import Data
from support.subjects import COLLECTION, PACKAGE, ROOT, Subject, paths_of

#: How every module file goes on after its first two lines.
HEADER = (
    r"# Copyright \(c\) 2026, Community Scalingo contributors",
    r"# GNU General Public License v3\.0\+ \(see LICENSES/GPL-3\.0-or-later\.txt or https://\S+/gpl-3\.0\.txt\)",
    r"# SPDX[-]License-Identifier: GPL-3\.0-or-later",
)

#: What an option has in both places, and what leaving it out means.
SHARED_KEYS: t.Mapping[str, t.Any] = {
    "type": "str",
    "elements": None,
    "required": False,
    "choices": None,
    "aliases": [],
}

LONGEST_MODULE = 100

#: How many words a bullet has on average. Those of well-read collections have 9 to 13.
WORDS_OF_A_BULLET = 15

#: What the code of a module file has nothing to do with: layers below do it.
FORBIDDEN_NAMES = ("check_mode", "requests", "urllib", "open_url", "fetch_url", "socket", "http", "AnsibleModule", "os")


# -- options ---------------------------------------------------------------------------------------------------------


def spec_problems(subject: Subject) -> list[str]:
    """DOCUMENTATION with its fragments, and the argument spec: the same options, in all that both say of them."""
    documented = paths_of(subject.documentation.get("options", {}), key="suboptions")
    # The host on AnsibleModule adds it.
    if documented.pop(TASK_NO_LOG, None) is None:
        return [f"the option {TASK_NO_LOG} is not documented"]
    real = paths_of(subject.options)
    found = [f"the option {name} is not documented" for name in sorted(set(real) - set(documented))]
    found += [f"the option {name} is documented and does not exist" for name in sorted(set(documented) - set(real))]
    for name, option in real.items():
        found += _secret_problems(name, option)
    for name in sorted(set(documented) & set(real)):
        found += _option_problems(name, documented[name], real[name])
    return found


def _option_problems(name: str, documented: Data, real: Data) -> t.Iterator[str]:
    for key, missing in SHARED_KEYS.items():
        if documented.get(key, missing) != real.get(key, missing):
            yield f"{name}: {key} is documented as {documented.get(key, missing)!r} and is {real.get(key, missing)!r}"
    if "type" not in documented:
        yield f"{name}: the type is not documented"
    one, other = documented.get("default"), real.get("default")
    if one != other or isinstance(one, bool) != isinstance(other, bool):
        yield f"{name}: default is documented as {one!r} and is {other!r}"
    if not documented.get("description"):
        yield f"{name}: there is no description"
    if real.get("type") == "list" and not real.get("elements"):
        yield f"{name}: a list without elements"


def _secret_problems(name: str, real: Data) -> t.Iterator[str]:
    last = name.rpartition(".")[2]
    if re.search(r"token|password|secret", last) and last not in ("update_password", "reset_password", "token_cache"):
        if real.get("type") != "bool" and not real.get("no_log"):
            yield f"{name}: it looks like a secret, and is logged"


def environment_problems(subject: Subject) -> list[str]:
    """The environment variables that an option's description names, in their order, and those that it falls back to."""
    found = []
    for name, option in subject.options.items():
        if "fallback" in option:
            found.append(f"{name}: a fallback hides what the task gives: name its variable in _settings.VARIABLES")
        text = _text(subject.documentation["options"].get(name, {}).get("description", ""))
        documented = re.findall(r"E\((SCALINGO_[A-Z_]+)\)", text)
        real = environment(subject).get(name, [])
        if documented != real:
            found.append(f"{name}: the description names {documented}, the code reads {real}")
    return found


def environment(subject: Subject) -> dict[str, list[str]]:
    """The environment variables of every option that has any."""
    return {name: list(VARIABLES[name]) for name in subject.options if name in VARIABLES}


def _text(description: str | list[str]) -> str:
    return description if isinstance(description, str) else " ".join(description)


def bullets(documentation: Data) -> t.Iterator[str]:
    """Every paragraph of the descriptions in a documentation."""
    for name, value in documentation.items():
        if name == "description":
            yield from [value] if isinstance(value, str) else value
        elif isinstance(value, dict):
            yield from bullets(value)


# -- what a module promises ------------------------------------------------------------------------------------------


def promise_problems(subject: Subject) -> list[str]:
    """Attributes, version, references, and whether what is said of reading and changing fits the module."""
    documentation = subject.documentation
    found = []
    if documentation.get("module") != subject.name:
        found.append(f"the documentation is of the module {documentation.get('module')}")
    if not re.fullmatch(r"\d+\.\d+\.\d+", str(documentation.get("version_added", ""))):
        found.append("version_added is missing")
    for name, allowed in (
        ("check_mode", ("full",)),
        ("diff_mode", ("N/A",) if subject.name.endswith("_info") else ("full", "N/A")),
        ("idempotent", ("full", "partial", "none")),
        ("action_group", ("full",)),
    ):
        if subject.support(name) not in allowed:
            found.append(f"the attribute {name} is {subject.support(name)}, expected {' or '.join(allowed)}")
    if subject.reads_only and subject.support("idempotent") != "full":
        found.append("a module that only reads is fully idempotent")
    idempotent = documentation.get("attributes", {}).get("idempotent", {})
    if subject.support("idempotent") != "full" and not idempotent.get("details"):
        found.append(f"the attribute idempotent is {subject.support('idempotent')} and has no details")
    for entry in documentation.get("seealso", []):
        name = entry.get("module", "")
        if (
            name.startswith(COLLECTION + ".")
            and not (ROOT / "plugins/modules" / (name[len(COLLECTION) + 1 :] + ".py")).exists()
        ):
            found.append(f"seealso names {name}, which does not exist")
    if not any(task_of(item) for item in subject.examples):
        found.append("the EXAMPLES do not use the module")
    return found


def task_of(item: Data) -> tuple[str, Data] | None:
    """The module of the collection that a task uses, without the collection's name, and its arguments."""
    for name, value in item.items():
        if name.startswith(COLLECTION + "."):
            return name[len(COLLECTION) + 1 :], value or {}
    return None


# -- the form of the file --------------------------------------------------------------------------------------------


def form_problems(subject: Subject) -> list[str]:
    """A module file says what the module is, and leaves all doing to the layers below."""
    found = []
    lines = subject.source.splitlines()
    if lines[0] != "#!/usr/bin/python" or not all(map(re.fullmatch, HEADER, lines[2:5])):
        found.append("the file does not begin as every module file")
    code = code_lines(subject)
    if code > LONGEST_MODULE:
        found.append(f"{code} lines of code, at most {LONGEST_MODULE}")
    for node in ast.walk(subject.tree):
        if isinstance(node, ast.Try):
            found.append(f"line {node.lineno}: errors are caught in _run alone")
        names = [getattr(node, "attr", ""), getattr(node, "id", "")]
        names += [
            part
            for alias in getattr(node, "names", [])
            if isinstance(node, (ast.Import, ast.ImportFrom))
            for part in [alias.name.split(".")[0]]
        ]
        found += [
            f"line {node.lineno}: {name} has no place in a module file" for name in names if name in FORBIDDEN_NAMES
        ]
        if (
            isinstance(node, ast.ImportFrom)
            and node.module != "__future__"
            and not (node.module or "").startswith(PACKAGE)
        ):
            found.append(f"line {node.lineno}: it imports from {node.module}")
    functions = [node.name for node in subject.tree.body if isinstance(node, ast.FunctionDef)]
    if not {"argument_spec", "main"} <= set(functions) or len(functions) > 3:
        found.append(f"it has the functions {', '.join(functions)}: argument_spec, main, and at most one more")
    if not hasattr(subject.module, "RESOURCE"):
        found.append("it does not name its RESOURCE")
    return found


def code_lines(subject: Subject) -> int:
    """Lines that are neither documentation nor comment nor blank."""
    skipped: set[int] = set()
    for node in subject.tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") in (
            "DOCUMENTATION",
            "EXAMPLES",
            "RETURN",
        ):
            skipped.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return sum(
        bool(line.strip()) and not line.strip().startswith("#")
        for number, line in enumerate(subject.source.splitlines(), 1)
        if number not in skipped
    )
