# Copyright (c) 2026, Community Scalingo contributors
# Simplified BSD License (see LICENSES/BSD-2-Clause.txt or https://opensource.org/licenses/BSD-2-Clause)
# SPDX-License-Identifier: BSD-2-Clause

# Private: may change without notice.
"""Addons, their providers and plans (docs/contract.md, sections 1.3 and 2.1)."""

from __future__ import annotations

import re
import typing as t

from .._answer import Answer
from .._route import MAIN, ONCE, READ, SETS, Raw, Sender, bare, many, nothing, under
from .._shapes import Part, Record, anything, identifier, instant, list_of, mapping, or_none, required, text
from .account import TOKEN

#: The kinds of databases that this collection knows. What the platform has beyond them is left to the platform.
ENGINES = ("postgresql", "postgresql-ng", "mysql", "mongodb", "redis", "influxdb", "elasticsearch", "opensearch")

ADDON = Record(
    id=required(text),
    app_id=identifier,
    resource_id=identifier,
    status=identifier,
    plan=Part(id=identifier, name=identifier, display_name=identifier, description=identifier),
    addon_provider=required(Record(id=required(text), name=identifier, logo_url=identifier)),
    provisioned_at=instant,
    deprovisioned_at=instant,
    updated_at=instant,
)
#: With what decides whether its data may leave (section 7.10), which no module returns.
FOUND = ADDON.beside(hds_resource=anything)
# Go reads only the token of this answer, so only the token is sure to be there.
ADDON_WITH_TOKEN = Record(
    token=required(text),
    id=identifier,
    resource_id=identifier,
    addon_provider=Record(id=required(text)),
    status=identifier,
    hds_resource=anything,
)
ADDON_PROVIDER = Record(id=required(text), name=identifier, category=mapping)
PLAN = Record(id=identifier, name=required(text), display_name=identifier, description=identifier)
PROVISIONED = Record(addon=required(FOUND), message=identifier, variables=list_of(text))


def _with_token(answer: Answer) -> tuple[Raw, float | None]:
    addon = under("addon", check=ADDON_WITH_TOKEN)(answer)
    if not re.fullmatch(TOKEN, addon["token"]):
        raise answer.unexpected("expected a token and received a text that cannot be one")
    return addon, answer.date


#: List the addons of an ``app`` (A1); each has id, resource_id, status, plan, addon_provider.
list_addons = MAIN.route("A1", "list_addons", "GET /apps/{app}/addons", READ, many("addons", check=FOUND))
#: Read one ``addon`` of an ``app`` (A2).
show_addon = MAIN.route(
    "A2", "show_addon", "GET /apps/{app}/addons/{addon}", READ, under("addon", check=FOUND), doing="read the addon"
)
_CREATE = MAIN.route(
    "A3", "create_addon", "POST /apps/{app}/addons", ONCE, bare(PROVISIONED), doing="provision the addon"
)
_UPDATE_PLAN = MAIN.route(
    "A4", "update_addon_plan", "PATCH /apps/{app}/addons/{addon}", ONCE, nothing, doing="change the plan of the addon"
)
#: Destroy the ``addon`` of an ``app`` and everything in it (A5).
delete_addon = MAIN.route(
    "A5", "delete_addon", "DELETE /apps/{app}/addons/{addon}", SETS, nothing, doing="destroy the addon"
)
#: Get a token for the ``addon`` (A6), good for one hour. Return the addon with ``token``, and the Date's epoch.
mint_addon_token = MAIN.route(
    "A6",
    "mint_addon_token",
    "POST /apps/{app}/addons/{addon}/token",
    READ,
    _with_token,
    doing="get a token for the addon",
)
#: Resume a suspended ``addon`` of an ``app`` (A8).
resume_addon = MAIN.route(
    "A8", "resume_addon", "POST /apps/{app}/addons/{addon}/resume", ONCE, under("addon", check=FOUND)
)
_PROVIDERS = MAIN.route(
    "A9", "list_addon_providers", "GET /addon_providers", READ, many("addon_providers", check=ADDON_PROVIDER)
)
_PLANS = MAIN.route(
    "A10",
    "list_plans",
    "GET /addon_providers/{provider}/plans",
    READ,
    many("plans", check=PLAN),
    doing="list the plans of the addon provider",
)


def create_addon(
    client: Sender, app: str, provider_id: str, plan_id: str, options: t.Mapping[str, str] | None = None
) -> Raw:
    """Provision an addon (A3). ``options`` may hold ``version``. Return addon, message, variables (list of names).

    Not repeatable: raises OutcomeUnknown when the answer is lost.
    """
    addon: Raw = {"addon_provider_id": provider_id, "plan_id": plan_id}
    if options:
        addon["options"] = dict(options)
    return _CREATE(client, app, body={"addon": addon})


def update_addon_plan(client: Sender, app: str, addon_id: str, plan_id: str) -> None:
    """Change the plan (A4); asynchronous. The sources disagree on the answer, so nothing of it is returned.

    Not repeatable: raises OutcomeUnknown when the answer is lost.
    """
    _UPDATE_PLAN(client, app, addon_id, body={"addon": {"plan_id": plan_id}})


def list_addon_providers(client: Sender, category_id: str | None = None) -> list[Raw]:
    """List the addon providers (A9); the category of databases is named ``Databases``."""
    return _PROVIDERS(client, query={"category_id": category_id})


def list_plans(client: Sender, provider_id: str, show_all: bool = False) -> list[Raw]:
    """List the plans of a provider (A10): id, name, display_name, price, …"""
    return _PLANS(client, provider_id, query={"show_all": show_all or None})


def returned(addon: Raw) -> Raw:
    """Return what modules return of an addon."""
    return {name: addon[name] for name in ADDON.fields}


def is_addon_id(text: str) -> bool:
    """Return whether a text has the form of an addon id (docs/contract.md, section 1.6)."""
    return text.startswith("ad-") or re.fullmatch(r"[0-9a-f]{24}", text) is not None


def engine_of(addon: Raw) -> str | None:
    """Return the provider id of an addon without its optional prefix (docs/contract.md, section 1.7)."""
    provider = addon.get("addon_provider")
    return kind_of(provider["id"]) if isinstance(provider, dict) else None


def health_of(addon: Raw) -> bool | None:
    """Return whether an addon may hold data of health; None when the answer does not say. What is odd counts as yes."""
    value = addon.get("hds_resource")
    return None if value is None else value is not False


def kind_of(provider_id: str) -> str:
    """Return a provider id without its optional prefix."""
    return provider_id.strip().lower().removeprefix("scalingo-")


def listed(addons: t.Sequence[Raw]) -> str:
    return ", ".join(
        f"{engine_of(addon)} ({addon['id']}, {or_none(addon.get('resource_id')) or 'no resource id'})"
        for addon in addons
    )
