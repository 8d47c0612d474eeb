# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Case files: tests/cases/README.md says how one is written, tests/cases/schema.json what may stand in it."""

from __future__ import annotations

import copy
import dataclasses
import functools
import json
import os
import typing as t
from pathlib import Path

import jsonschema
import yaml

CASES = Path(__file__).resolve().parents[1] / "cases"

Data = dict[str, t.Any]

#: In which form the suites are run: the option api_path (docs/contract.md, section 1.5).
DB_API = "db_api"
API_PATH = os.environ.get("SCALINGO_TESTS_API_PATH", DB_API)
#: Options, and variables of the environment, that are about the database API alone.
FOR_THE_DATABASE_API = ("addon_token", "db_api_url", "api_path", "SCALINGO_ADDON_TOKEN")

#: As the value of an option in `vary`: the option is left out.
OMIT = "$omit"


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
    """YAML where a key that is given twice is a mistake, and not a silent loss."""


def _mapping(loader: _Loader, node: yaml.MappingNode) -> Data:
    loader.flatten_mapping(node)
    pairs = loader.construct_pairs(node, deep=True)
    keys = [key for key, dummy in pairs]
    twice = sorted({str(key) for key in keys if keys.count(key) > 1})
    if twice:
        raise yaml.constructor.ConstructorError(None, None, "given twice: {}".format(", ".join(twice)), node.start_mark)
    return dict(pairs)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)


def load_yaml(text: str) -> t.Any:
    return yaml.load(text, Loader=_Loader)  # noqa: S506 - a SafeLoader of our own


@dataclasses.dataclass(frozen=True)
class Expectation:
    """What one run must do and tell. `failure` are texts that its message must hold."""

    changed: bool | None
    calls: tuple[Data, ...] = ()
    result: Data = dataclasses.field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    failure: tuple[str, ...] = ()
    kind: str = ""

    @classmethod
    def of(cls, raw: Data) -> Expectation:
        failure = raw.get("failure", ())
        return cls(
            changed=raw.get("changed"),
            calls=tuple(raw.get("calls", ())),
            result=raw.get("result", {}),
            warnings=tuple(raw.get("warnings", ())),
            failure=(failure,) if isinstance(failure, str) else tuple(failure),
            kind=raw.get("kind", ""),
        )


@dataclasses.dataclass(frozen=True)
class Situation:
    """What a run begins with: the sandbox's content and behaviour."""

    seed: Data
    switches: Data = dataclasses.field(default_factory=dict)
    faults: tuple[Data, ...] = ()
    outcomes: tuple[Data, ...] = ()
    before: tuple[Data, ...] = ()
    tls: bool = False
    #: An operation runs on the database of the case, and never ends.
    busy: bool = False
    #: Files that are in the directory $work already: their content by name, each with mode 0644.
    files: t.Mapping[str, str] = dataclasses.field(default_factory=dict)

    def as_layer(self) -> Data:
        """The behaviour as it would stand in a case file, to be put under another."""
        return {
            "switches": dict(self.switches),
            "faults": list(self.faults),
            "outcomes": list(self.outcomes),
            "before": list(self.before),
            "tls": self.tls,
            "busy": self.busy,
            "files": dict(self.files),
        }


@dataclasses.dataclass(frozen=True)
class Case:
    """One thing that a task can be about."""

    name: str
    situation: Situation
    arguments: Data
    expect: Expectation
    check: Expectation | None = None
    again: Expectation | None = None
    differs: tuple[str, ...] = ()
    #: The only form of the paths in which it can be done.
    form: str | None = None
    needs: tuple[str, ...] = ()
    #: Words of `allow` that only the real run can miss, half-way.
    needs_late: tuple[str, ...] = ()
    loss: Data = dataclasses.field(default_factory=dict)
    vary: Data = dataclasses.field(default_factory=dict)
    environment: t.Mapping[str, str] = dataclasses.field(default_factory=dict)
    without: tuple[str, ...] = ()
    no_log: bool = False
    warm: bool = False
    #: Which addon the case is about: app, addon and addon_id, even where the arguments do not hold them.
    target: Data = dataclasses.field(default_factory=dict)

    def with_arguments(self, **arguments: t.Any) -> Case:
        """The same case with other arguments; OMIT takes one away."""
        whole = {name: value for name, value in {**self.arguments, **arguments}.items() if value != OMIT}
        return dataclasses.replace(self, arguments=whole)


def in_form(cases: t.Iterable[Case], api_path: str = API_PATH) -> list[Case]:
    """The cases that can be done in a form: what is about the database API alone is for that, be it a case or what it varies."""
    if api_path == DB_API:
        return list(cases)
    return [
        dataclasses.replace(
            case, vary={name: case.vary[name] for name in case.vary if name not in FOR_THE_DATABASE_API}
        )
        for case in cases
        if {*case.arguments, *case.environment}.isdisjoint(FOR_THE_DATABASE_API) and case.form in (None, api_path)
    ]


@dataclasses.dataclass(frozen=True)
class CaseFile:
    """All cases of a module."""

    path: Path
    cost: int
    cases: tuple[Case, ...]
    exempt: t.Mapping[str, str]
    unset: t.Mapping[str, str]
    passed_on: t.Mapping[str, str]
    #: What a task cannot do without: a request and the name of a field of its answer.
    needs_of_answers: tuple[str, ...]
    #: Reads whose failure does not stop a task.
    does_without: tuple[str, ...]
    secrets: tuple[str, ...]
    #: The smallest and the largest number of an option, where it is not one that modules share.
    ranges: t.Mapping[str, tuple[float, float | None]]
    examples: Situation
    variables: Data

    def case(self, name: str) -> Case:
        return next(case for case in self.cases if case.name == name)


@dataclasses.dataclass(frozen=True)
class CommonOption:
    """How an option that all modules share is tried: the change to a base case, and the option's other value."""

    option: str
    vary: t.Any
    arguments: Data
    without: tuple[str, ...]
    situation: Data
    base: str
    warm: bool
    modules: tuple[str, ...]


@functools.cache
def schema() -> Data:
    return t.cast(Data, json.loads((CASES / "schema.json").read_text(encoding="utf-8")))


@functools.cache
def _common() -> Data:
    return t.cast(Data, load_yaml((CASES / "_common.yml").read_text(encoding="utf-8")))


def common_seed() -> Data:
    """The sandbox that every case begins with."""
    return copy.deepcopy(t.cast(Data, _common()["seed"]))


def common_options() -> list[CommonOption]:
    return [
        CommonOption(
            option=raw["option"],
            vary=raw["vary"],
            arguments=raw.get("arguments", {}),
            without=tuple(raw.get("without", ())),
            situation={name: raw[name] for name in ("given", "switches", "faults", "tls", "busy") if name in raw},
            base=raw.get("base", "any"),
            warm=raw.get("warm", False),
            modules=tuple(raw.get("modules", ())),
        )
        for raw in _common()["options"]
    ]


def load_case_file(path: Path) -> CaseFile:
    assert path.exists(), f"write {path.name}: a module without cases is not tested (tests/cases/README.md)"
    raw = load_yaml(path.read_text(encoding="utf-8"))
    problems = sorted(
        jsonschema.Draft202012Validator(schema()).iter_errors(raw), key=lambda error: list(map(str, error.path))
    )
    assert not problems, "{}: {}".format(
        path.name,
        "; ".join(f"{_place(raw, error)}: {error.message}" for error in problems),
    )
    names = [case["name"] for case in raw["cases"]]
    assert len(names) == len(set(names)), f"{path.name}: two cases have the same name"
    examples = raw.get("examples", {})
    return CaseFile(
        path=path,
        cost=raw["cost"],
        cases=tuple(in_form(_case(raw, case) for case in raw["cases"])),
        exempt=raw.get("exempt", {}),
        unset=raw.get("unset", {}),
        passed_on=raw.get("passed_on", {}),
        needs_of_answers=tuple(raw.get("needs_of_answers", ())),
        does_without=tuple(raw.get("does_without", ())),
        secrets=tuple(raw.get("secrets", ())),
        ranges={option: tuple(pair) for option, pair in raw.get("ranges", {}).items()},
        examples=situation(common_seed(), raw, examples),
        variables=examples.get("variables", {}),
    )


def _place(raw: t.Any, error: jsonschema.ValidationError) -> str:
    parts = list(error.absolute_path)
    if len(parts) > 1 and parts[0] == "cases" and isinstance(parts[1], int):
        name = raw["cases"][parts[1]]
        parts[:2] = [repr(name.get("name", parts[1])) if isinstance(name, dict) else parts[1]]
    return ".".join(map(str, parts)) or "the file"


def _case(file: Data, raw: Data) -> Case:
    shared = {name: value for name, value in file.get("arguments", {}).items() if name not in raw.get("without", ())}
    arguments = {**shared, **raw.get("arguments", {})}
    target = {**file.get("arguments", {}), **arguments}
    return Case(
        name=raw["name"],
        situation=situation(common_seed(), file, raw),
        arguments=arguments,
        expect=Expectation.of(raw["expect"]),
        check=Expectation.of(raw["check"]) if "check" in raw else None,
        again=Expectation.of(raw["again"]) if "again" in raw else None,
        differs=tuple(raw.get("differs", ())),
        form=raw.get("form"),
        needs=tuple(raw.get("needs", ())),
        needs_late=tuple(raw.get("needs_late", ())),
        loss=raw.get("loss", {}),
        vary=raw.get("vary", {}),
        environment=raw.get("environment", {}),
        without=tuple(raw.get("without", ())),
        no_log=raw.get("no_log", False),
        warm=raw.get("warm", False),
        target={
            name: target[name] for name in ("app", "addon", "addon_id") if target.get(name) not in (None, "$addon_id")
        },
    )


def situation(seed: Data, *layers: Data) -> Situation:
    """The seed with what each layer gives on top of it."""
    switches: Data = {}
    files: dict[str, str] = {}
    lists: dict[str, list[Data]] = {"faults": [], "outcomes": [], "before": []}
    flags = {"tls": False, "busy": False}
    for layer in layers:
        seed = overlaid(seed, layer.get("seed", {}))
        for key, content in layer.get("given", {}).items():
            give(seed, key, content)
        switches.update(layer.get("switches", {}))
        files.update(layer.get("files", {}))
        for name, items in lists.items():
            items += layer.get(name, [])
        flags.update({name: layer[name] for name in flags if name in layer})
    return Situation(
        seed=seed,
        switches=switches,
        faults=tuple(lists["faults"]),
        outcomes=tuple(lists["outcomes"]),
        before=tuple(lists["before"]),
        files=files,
        **flags,
    )


def set_option(arguments: Data, path: str, value: t.Any) -> Data:
    """A copy of the arguments with one option, or one in it, as wanted; OMIT takes it away."""
    whole = copy.deepcopy(arguments)
    place: t.Any = whole
    steps: list[t.Any] = [int(step) if step.isdigit() else step for step in path.split(".")]
    for step in steps[:-1]:
        place = place.setdefault(step, {}) if isinstance(place, dict) else place[step]
    if value != OMIT:
        place[steps[-1]] = copy.deepcopy(value)
    elif isinstance(place, dict):
        place.pop(steps[-1], None)
    return whole


def overlaid(under: t.Any, over: t.Any) -> t.Any:
    """Mappings are merged, apps are added by name, everything else is replaced."""
    if not (isinstance(under, dict) and isinstance(over, dict)):
        return copy.deepcopy(over)
    whole = dict(under)
    for name, value in over.items():
        if name == "apps":
            named = [app["name"] for app in value]
            whole[name] = [app for app in whole.get(name, []) if app["name"] not in named] + copy.deepcopy(value)
        else:
            whole[name] = overlaid(whole.get(name), value)
    return whole


def give(seed: Data, key: str, content: Data | None) -> None:
    """Change an addon of the seed, by provider (of the app shop) or by app.provider; none takes it away."""
    app_name, dummy, provider = key.rpartition(".")
    app = next((app for app in seed["apps"] if app["name"] == (app_name or "shop")), None)
    assert app is not None, f"given: there is no app {app_name}"
    found = [index for index, addon in enumerate(app["addons"]) if addon["provider"] == provider]
    if content is None:
        app["addons"] = [addon for addon in app["addons"] if addon["provider"] != provider]
    elif found:
        app["addons"][found[0]] = overlaid(app["addons"][found[0]], content)
    else:
        app["addons"].append({"provider": provider, **copy.deepcopy(content)})
