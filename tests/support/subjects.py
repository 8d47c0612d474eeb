# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Modules as the generated suites see them: code, documentation with its fragments, examples, returned keys, cases.

Nothing here names a module: they are found by listing `plugins/modules`.
"""

from __future__ import annotations

import ast
import copy
import dataclasses
import functools
import importlib
import importlib.util
import re
import types
import typing as t
from pathlib import Path

import yaml
from support.cases import CaseFile, load_case_file, load_yaml

ROOT = Path(__file__).resolve().parents[2]
MODULES = ROOT / "plugins" / "modules"
FRAGMENTS = ROOT / "plugins" / "doc_fragments"
CASES = ROOT / "tests" / "cases"
PLANTED = ROOT / "tests" / "generated" / "planted"

#: They document actions that only the roles use, and hold no code: tests/unit/test_role_variables.py is for them.
OF_ROLES = "scalingo_role_"

COLLECTION = "community.scalingo"
PACKAGE = "ansible_collections.community.scalingo"

Documentation = dict[str, t.Any]

#: How RETURN of one module refers to that of another.
REFERENCE = re.compile(rf"RV\({COLLECTION}\.(\w+)#module:(\w+)\)")

#: What RETURN leaves to the page of the return values that modules share.
PAGE = ROOT / "docs" / "docsite" / "rst" / "results.rst"
PAGES_LABEL = "docsite.results"
PAGES_KEYS = ("api_usage", "error")

#: Return keys that Ansible itself knows, and that no module documents.
OF_ANSIBLE = ("changed", "msg", "diff", "failed", "warnings")


@dataclasses.dataclass(frozen=True)
class Subject:
    """A module and everything that belongs to it."""

    name: str
    path: Path
    cases_path: Path

    @functools.cached_property
    def source(self) -> str:
        return self.path.read_text(encoding="utf-8")

    @functools.cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.source)

    @functools.cached_property
    def module(self) -> types.ModuleType:
        if self.path.parent == MODULES:
            return importlib.import_module(f"{PACKAGE}.plugins.modules.{self.name}")
        spec = importlib.util.spec_from_file_location("planted_" + self.name, self.path)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        return module

    @property
    def spec(self) -> dict[str, t.Any]:
        """The keyword arguments for AnsibleModule."""
        return t.cast(dict[str, t.Any], self.module.argument_spec().kwargs())

    @property
    def options(self) -> dict[str, t.Any]:
        return t.cast(dict[str, t.Any], self.spec["argument_spec"])

    def text(self, name: str) -> str:
        """DOCUMENTATION, EXAMPLES or RETURN as it stands in the file."""
        for node in self.tree.body:
            if isinstance(node, ast.Assign) and [getattr(target, "id", "") for target in node.targets] == [name]:
                return t.cast(str, ast.literal_eval(node.value))
        return ""

    @functools.cached_property
    def own_documentation(self) -> Documentation:
        return t.cast(Documentation, load_yaml(self.text("DOCUMENTATION")) or {})

    @functools.cached_property
    def documentation(self) -> Documentation:
        """DOCUMENTATION together with its fragments, what the module says itself on top."""
        return with_fragments(self.own_documentation)

    @functools.cached_property
    def returned(self) -> Documentation:
        """RETURN, with the fields filled in where it refers to those of another module or of the page."""
        entries = t.cast(Documentation, load_yaml(self.text("RETURN")) or {})
        for entry in entries.values():
            reference = REFERENCE.search(str(entry.get("description")))
            if reference and "dict" in (entry.get("type"), entry.get("elements")):
                other = Subject(reference[1], MODULES / (reference[1] + ".py"), CASES / (reference[1] + ".yml"))
                # What that module returns under a condition of its own this one may return, and need not.
                theirs = other.returned[reference[2]]["contains"].items()
                theirs = {key: {**inner, "optional": "returned" in inner} for key, inner in theirs}
                entry["contains"] = {**theirs, **entry.get("contains", {})}
        for name in PAGES_KEYS:
            if PAGES_LABEL in str(entries.get(name, {}).get("description")):
                entries[name]["contains"] = keys_of_page(name)
        return entries

    @functools.cached_property
    def examples(self) -> list[dict[str, t.Any]]:
        return t.cast(list[dict[str, t.Any]], load_yaml(self.text("EXAMPLES")) or [])

    @functools.cached_property
    def cases(self) -> CaseFile:
        return load_case_file(self.cases_path)

    def support(self, attribute: str) -> str:
        """What the module promises about check_mode, diff_mode or idempotent: full, partial, none or N/A."""
        return str(self.documentation.get("attributes", {}).get(attribute, {}).get("support", "none"))

    @property
    def on_controller(self) -> bool:
        """Whether it is refused as a module."""
        return bool(self.module.RESOURCE.on_controller)

    @property
    def reads_only(self) -> bool:
        return self.support("diff_mode") == "N/A"


@functools.cache
def subjects() -> tuple[Subject, ...]:
    """Every module of the collection."""
    return tuple(Subject(name, MODULES / (name + ".py"), CASES / (name + ".yml")) for name in names())


@functools.cache
def keys_of_page(section: str) -> Documentation:
    """The keys in the tables of a section of the page, each with its type."""
    text = PAGE.read_text(encoding="utf-8").partition(f"\n{section}\n---")[2]
    rows = re.findall(r"\* - ``(\w+)``\n     - (\w+)\n     - (.+)", re.split(r"\n\w+\n---", text)[0])
    return {key: {"type": kind, "description": meaning} for key, kind, meaning in rows}


def names() -> list[str]:
    """The names of all modules that speak to the API."""
    return sorted(path.stem for path in MODULES.glob("[!_]*.py") if not path.stem.startswith(OF_ROLES))


def planted(name: str) -> Subject:
    """A module that is bad on purpose."""
    return Subject(name, PLANTED / (name + ".py"), PLANTED / (name + ".yml"))


@functools.cache
def fragment(reference: str) -> Documentation:
    """A fragment by its name: `community.scalingo._options.wait` is WAIT of the file _options."""
    assert reference.startswith(COLLECTION + "."), f"a fragment of somebody else: {reference}"
    name, dummy, part = reference[len(COLLECTION) + 1 :].partition(".")
    tree = ast.parse((FRAGMENTS / (name + ".py")).read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == (part or "DOCUMENTATION").upper():
            return t.cast(Documentation, yaml.safe_load(ast.literal_eval(node.value)))
    raise AssertionError(f"there is no fragment {reference}")


def with_fragments(documentation: Documentation) -> Documentation:
    """As Ansible does it: of each option, what the module says itself wins, then the fragment that is named first."""
    whole = copy.deepcopy(documentation)
    references = documentation.get("extends_documentation_fragment", [])
    for part in [fragment(name) for name in ([references] if isinstance(references, str) else references)]:
        for name, value in copy.deepcopy(part).items():
            if isinstance(value, dict):
                own = whole.setdefault(name, {})
                own.update({key: {**entry, **own.get(key, {})} for key, entry in value.items()})
            elif isinstance(value, list):
                whole[name] = [*whole.get(name, []), *value]
            else:
                whole.setdefault(name, value)
    return whole


def paths_of(options: t.Mapping[str, t.Any], prefix: str = "", key: str = "options") -> dict[str, t.Any]:
    """Every option with its suboptions, by dotted path."""
    found: dict[str, t.Any] = {}
    for name, option in options.items():
        found[prefix + name] = option
        found.update(paths_of(option.get(key) or {}, f"{prefix}{name}.", key))
    return found
