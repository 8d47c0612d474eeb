# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can be bought: kinds of databases, plans, versions and the way from one version to the next."""

from __future__ import annotations

import functools
import re
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from scalingo_sandbox.identifiers import stable_hexadecimal

EPOCH = 1577836800.0
"""2020-01-01: when everything in the catalog was created."""


@dataclass(frozen=True)
class Kind:
    """One kind of database: an addon provider of the main API."""

    provider: str
    type_name: str
    display_name: str
    variable: str
    alias: str
    urls: tuple[str, ...]
    versions: tuple[str, ...]
    dedicated: bool = False
    features: tuple[str, ...] = ("force-ssl", "publicly-available")
    initial_features: tuple[str, ...] = ()
    logical_databases: bool = False
    users: bool = True
    backups: bool = True
    downloads: bool = True
    point_in_time: bool = False
    health: bool = False
    coming: bool = False
    """It does not exist yet, unless the switch coming_kinds shows it."""
    dashes: bool = False
    """Whether the identifier of a resource has dashes, as the app's name has, or underscores."""
    name_length: int = 48
    """How much of the app's name it holds."""
    plans: str = ""
    """What the names of its plans begin with; blank: the provider's identifier."""

    def plan_name(self, size: str) -> str:
        return f"{self.plans or self.provider}-{size}"

    @property
    def type_id(self) -> str:
        return stable_hexadecimal("type", self.type_name)


_KINDS = yaml.safe_load((Path(__file__).parent / "data" / "kinds.yml").read_text(encoding="utf-8"))
ALL_KINDS = {
    provider: Kind(
        provider, **{name: tuple(value) if isinstance(value, list) else value for name, value in kind.items()}
    )
    for provider, kind in _KINDS.items()
}
KINDS = {provider: kind for provider, kind in ALL_KINDS.items() if not kind.coming}


def provider_name(text: str) -> str:
    """The provider's identifier without the prefix that older documents show."""
    return text.removeprefix("scalingo-")


_VERSION = re.compile(r"v?(\d+)\.(\d+)(?:\.(\d+))?(?:-(\d+))?")


@dataclass(frozen=True, order=True)
class Version:
    """major.minor.patch-build."""

    major: int
    minor: int
    patch: int
    build: int

    @classmethod
    def parse(cls, text: str) -> Version:
        match = _VERSION.fullmatch(text)
        if match is None:
            raise ValueError(f"{text} is not a version in the form major.minor.patch-build")
        major, minor, patch, build = match.groups()
        return cls(int(major), int(minor), int(patch or 0), int(build or 1))

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}-{self.build}"


class VersionTable:
    """The versions of one type, in the order in which upgrades walk through them."""

    def __init__(self, kind: Kind, versions: tuple[str, ...] | list[str]) -> None:
        self.kind = kind
        self.versions = sorted({Version.parse(text) for text in versions})
        self._by_identifier = {self.identifier(version): version for version in self.versions}

    def identifier(self, version: Version) -> str:
        return stable_hexadecimal("version", self.kind.type_name, version)

    def add(self, version: Version) -> None:
        if version not in self.versions:
            self.versions = sorted([*self.versions, version])
            self._by_identifier[self.identifier(version)] = version

    def find(self, identifier: str) -> Version | None:
        return self._by_identifier.get(identifier)

    def following(self, version: Version) -> Version | None:
        later = [candidate for candidate in self.versions if candidate > version]
        return later[0] if later else None

    def chosen(self, text: str) -> Version | None:
        """The version asked for at provisioning: exact, or the newest that begins with what was given."""
        wanted = text.removeprefix("v")
        exact = [version for version in self.versions if str(version) == wanted]
        if exact:
            return exact[0]
        same = [version for version in self.versions if re.match(re.escape(wanted) + r"(?![0-9])", str(version))]
        return same[-1] if same else None

    @property
    def latest(self) -> Version:
        return self.versions[-1]


@dataclass(frozen=True)
class Plan:
    """A plan of a provider."""

    provider: str
    name: str
    tier: str
    memory: int
    disk: int
    nodes: int
    position: int
    disabled: bool = False
    replaced_by: str | None = None
    properties: dict[str, int | float | str | bool] = field(default_factory=dict, hash=False, compare=False)

    @property
    def identifier(self) -> str:
        return stable_hexadecimal("plan", self.provider, self.name)

    @property
    def display_name(self) -> str:
        return (
            f"{self.tier.capitalize()} {self.memory // 1024}G"
            if self.memory >= 1024
            else f"{self.tier.capitalize()} {self.memory}M"
        )

    @property
    def manual_backups(self) -> int:
        return 10 if self.tier in ("starter", "sandbox", "free") else 50

    @property
    def daily_backups(self) -> int:
        return 7

    @property
    def weekly_backups(self) -> int:
        return 4 if self.tier in ("starter", "sandbox", "free") else 8

    @property
    def monthly_backups(self) -> int:
        return 0 if self.tier in ("starter", "sandbox", "free") else 12

    @property
    def recovery_days(self) -> int:
        if not ALL_KINDS[self.provider].point_in_time:
            return 0
        if ALL_KINDS[self.provider].dedicated:
            return {"starter": 7, "business": 14, "enterprise": 30}.get(self.tier, 7)
        return 7


_PLAN_NAME = re.compile(r"(?:.*-)?(free|sandbox|starter|business|enterprise)(?:-(\d+))?")


@functools.cache
def make_plan(provider: str, name: str, position: int = 99) -> Plan:
    """A plan from nothing but its name: any text is a plan's name."""
    match = _PLAN_NAME.fullmatch(name)
    tier = match.group(1) if match else "starter"
    memory = int(match.group(2)) if match and match.group(2) else 512
    return Plan(
        provider=provider,
        name=name,
        tier=tier,
        memory=memory,
        disk=memory * 20,
        nodes=1 if tier in ("free", "sandbox", "starter") else 3,
        position=position,
        disabled=tier == "free",
        replaced_by=ALL_KINDS[provider].plan_name("sandbox") if tier == "free" else None,
    )


def default_plans(kind: Kind) -> list[Plan]:
    if kind.dedicated:
        sizes = [f"{tier}-{memory}" for tier in ("starter", "business", "enterprise") for memory in (4096, 8192)]
    else:
        memories = (256, 512, 1024, 2048)
        sizes = ["sandbox", *(f"{tier}-{memory}" for tier in ("starter", "business") for memory in memories), "free"]
    return [make_plan(kind.provider, kind.plan_name(size), position) for position, size in enumerate(sizes)]


class Catalog:
    """The plans and versions of one sandbox. What a seed names and nobody knows is added."""

    def __init__(self, versions: dict[str, list[str]] | None = None) -> None:
        chosen = versions or {}
        self.coming = False
        """Whether the kinds that come are here."""
        self.tables: dict[str, VersionTable] = {}
        for kind in ALL_KINDS.values():
            if kind.type_name not in self.tables:
                self.tables[kind.type_name] = VersionTable(kind, chosen.get(kind.type_name) or list(kind.versions))
        self._plans = {kind.provider: {plan.name: plan for plan in default_plans(kind)} for kind in ALL_KINDS.values()}

    def kinds(self) -> list[Kind]:
        """Those that exist."""
        return [kind for kind in ALL_KINDS.values() if self.coming or not kind.coming]

    def kind(self, provider: str) -> Kind | None:
        return next((kind for kind in self.kinds() if kind.provider == provider_name(provider)), None)

    def table(self, kind: Kind) -> VersionTable:
        return self.tables[kind.type_name]

    def plans(self, provider: str) -> list[Plan]:
        return sorted(self._plans[provider].values(), key=lambda plan: (plan.position, plan.name))

    def plan(self, provider: str, text: str) -> Plan | None:
        """By identifier or by name."""
        plans = self._plans[provider]
        if text in plans:
            return plans[text]
        return next((plan for plan in plans.values() if plan.identifier == text), None)

    def plan_for_seed(self, provider: str, name: str) -> Plan:
        plan = self._plans[provider].get(name)
        if plan is None:
            plan = make_plan(provider, name)
            self._plans[provider][name] = plan
        return plan

    def version_owner(self, identifier: str) -> tuple[VersionTable, Version] | None:
        for table in self.tables.values():
            version = table.find(identifier)
            if version is not None:
                return table, version
        return None
