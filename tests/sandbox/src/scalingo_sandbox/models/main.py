# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main API: section 2.1 of docs/contract.md."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, RootModel, Tag

from scalingo_sandbox.models.base import Date, Meta, Request, Response


class Owner(Response):
    id: str
    username: str
    email: str
    flags: dict[str, bool] | None = None


class AppLinks(Response):
    deployments_stream: str


class Project(Response):
    id: str
    name: str


class App(Response):
    id: str
    uuid: str | None = None
    name: str
    region: str
    status: str
    owner: Owner
    git_url: str
    url: str
    base_url: str
    created_at: Date
    updated_at: Date
    last_deployed_at: Date | None = None
    last_deployed_by: str | None = None
    links: AppLinks
    stack_id: str
    sticky_session: bool
    force_https: bool
    router_logs: bool
    flags: dict[str, bool]
    limits: dict[str, Any]
    hds_resource: bool
    private_networks_ids: list[str]
    project: Project


class AppAnswer(Response):
    app: App


class AppsAnswer(Response):
    apps: list[App]


class AppFields(Request):
    name: str
    parent_id: str | None = None
    stack_id: str | None = None
    project_id: str | None = None
    hds_resource: bool | None = None
    git_source: str | None = None


class AppCreation(Request):
    app: AppFields


class AppRename(Request):
    current_name: str
    new_name: str


class AppSettings(Request):
    owner: str | None = None
    stack_id: str | None = None
    force_https: bool | None = None
    router_logs: bool | None = None
    sticky_session: bool | None = None
    project_id: str | None = None


class AppUpdate(AppSettings):
    """Both forms: rooted in app, and bare."""

    app: AppSettings | None = None


class AppRestart(Request):
    scope: list[str] | None = None


class Plan(Response):
    id: str
    name: str
    display_name: str
    price: float | None = None
    description: str | None = None
    position: int | None = None
    on_demand: bool | None = None
    disabled: bool | None = None
    disabled_alternative_plan_id: str | None = None
    sku: str | None = None
    hds_available: bool | None = None
    to_be_discontinued: bool | None = None
    trial_available: bool | None = None
    properties: dict[str, int | float | str | bool] | None = None


class PlansAnswer(Response):
    plans: list[Plan]


class Category(Response):
    id: str
    name: str
    description: str
    position: int


class CategoriesAnswer(Response):
    addon_categories: list[Category]


class ProviderReference(Response):
    id: str
    name: str
    logo_url: str


class AddonProvider(ProviderReference):
    short_description: str
    description: str
    category: Category
    provider_name: str
    provider_url: str
    hds_available: bool
    plans: list[Plan]


class AddonProvidersAnswer(Response):
    addon_providers: list[AddonProvider]


class Addon(Response):
    id: str
    app_id: str
    resource_id: str
    status: str
    plan: Plan
    addon_provider: ProviderReference
    provisioned_at: Date
    deprovisioned_at: Date | None = None
    updated_at: Date | None = None
    hds_resource: bool | None = None
    token: str | None = None
    sso_url: str | None = None
    message: str | None = None
    variables: list[str] | None = None


class AddonAnswer(Response):
    addon: Addon


class AddonsAnswer(Response):
    addons: list[Addon]


class AddonChangeAnswer(Response):
    """The forms of A3 and A4: with variables or without (recorded, Go), vars with message (document)."""

    addon: Addon | None = None
    message: str
    variables: list[str] | None = None
    vars: list[str] | None = None


class AddonFields(Request):
    addon_provider_id: str
    plan_id: str
    options: dict[str, str] | None = None


class AddonCreation(Request):
    addon: AddonFields


class AddonPlan(Request):
    plan_id: str


class AddonPlanChange(Request):
    addon: AddonPlan


class Variable(Response):
    id: str
    name: str
    value: str


class VariablesAnswer(Response):
    variables: list[Variable]


class VariableAnswer(Response):
    variable: Variable


class VariableFields(Request):
    id: str | None = None
    name: str
    value: str


class VariableCreation(Request):
    variable: VariableFields


class VariablesUpdate(Request):
    variables: list[VariableFields] | None
    """Null is none: Terraform's provider sends it for an app without an environment."""


class VariableValue(Request):
    value: str


class VariableChange(Request):
    variable: VariableValue


class AppOperation(Response):
    id: str
    app_id: str
    created_at: Date
    finished_at: Date | None = None
    status: Literal["pending", "running", "done", "error"]
    type: str
    error: str | None = None


class AppOperationAnswer(Response):
    operation: AppOperation


class EventUser(Response):
    id: str
    username: str
    email: str


class Event(Response):
    id: str
    created_at: Date
    type: str
    app_id: str | None = None
    app_name: str | None = None
    """Of an event of the account there is no app."""
    user: EventUser | None = None
    type_data: dict[str, Any]


class EventsAnswer(Response):
    events: list[Event]
    meta: Meta


class DedicatedDatabase(Response):
    """A dedicated database as the main API shows it."""

    id: str
    name: str
    project_id: str
    technology: str
    plan: str
    app: App | None = None


class DedicatedDatabaseAnswer(Response):
    database: DedicatedDatabase


class DashboardItem(Response):
    """What ?dashboard=true lists."""

    app: App
    addon: Addon
    database: DedicatedDatabase


class DedicatedDatabasesAnswer(Response):
    databases: list[DedicatedDatabase] | list[DashboardItem]


DATABASE_NAME = r"^[a-z0-9]+(-[a-z0-9]+)*$"
DatabaseName = Annotated[str, Field(min_length=6, max_length=48, pattern=DATABASE_NAME)]


class PostProvisioning(Request):
    regional_network_access: bool | None = None
    app_ids: list[str] | None = None


class DedicatedFields(Request):
    name: DatabaseName
    technology: str
    plan: str
    project_id: str | None = None
    hds_resource: bool | None = None
    post_provisioning_configuration: PostProvisioning | None = None


class DedicatedRooted(Request):
    database: DedicatedFields


class DedicatedBare(Request):
    name: DatabaseName
    addon_provider_id: str
    plan_id: str
    project_id: str | None = None
    ip_range: str | None = None


def _dedicated_form(value: Any) -> str:
    return "rooted" if isinstance(value, dict) and "database" in value else "bare"


class DedicatedCreation(
    RootModel[
        Annotated[
            Annotated[DedicatedRooted, Tag("rooted")] | Annotated[DedicatedBare, Tag("bare")],
            Discriminator(_dedicated_form),
        ]
    ]
):
    """Both forms of docs/contract.md section 6, row 48."""


class Endpoint(Response):
    id: str
    database_id: str
    hostname: str
    port: int
    type: Literal["public-rw", "private-peering-rw"]


class EndpointsAnswer(Response):
    endpoints: list[Endpoint]


class NetPeering(Response):
    id: str
    database_id: str
    status: Literal["active", "deleted"]
    outscale_net_peering_id: str
    outscale_source_net_id: str
    outscale_source_net_ip_range: str
    outscale_source_account_id: str
    created_at: Date
    updated_at: Date


class NetPeeringAnswer(Response):
    net_peering: NetPeering


class NetPeeringsAnswer(Response):
    net_peerings: list[NetPeering]


class NetPeeringCreation(Request):
    outscale_net_peering_id: str


class NetworkConfiguration(Response):
    outscale_account_id: str
    outscale_net_id: str
    ip_range: str


class NetworkConfigurationAnswer(Response):
    network_configuration: NetworkConfiguration
