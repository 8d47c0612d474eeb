# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The main API."""

from __future__ import annotations

import ipaddress
import re
import uuid

from scalingo_sandbox import state, views, work
from scalingo_sandbox.api.routing import Answer, Call, Refusal, invalid, not_found, route
from scalingo_sandbox.catalog import Kind
from scalingo_sandbox.identifiers import fresh_hexadecimal, stable_hexadecimal, stable_uuid
from scalingo_sandbox.loading import make_addon, make_app
from scalingo_sandbox.models import base, main
from scalingo_sandbox.seed import SeedDatabase
from scalingo_sandbox.tokens import AddonClaims
from scalingo_sandbox.world import World

APP_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


# apps


@route("apps", "api", "GET", "/v1/apps", safe=True)
def list_apps(call: Call) -> main.AppsAnswer:
    """The apps of this region."""
    world = call.world
    return main.AppsAnswer(apps=[views.app(world, app) for app in world.apps if app.region == call.region])


@route("apps-create", "api", "POST", "/v1/apps", safe=False, status=201, body=main.AppCreation)
def create_app(call: Call) -> main.AppAnswer:
    """A new app."""
    fields: main.AppFields = call.body.app
    app = _new_app(call, fields.name)
    if fields.stack_id:
        app.settings["stack_id"] = fields.stack_id
    if fields.project_id:
        app.project_id = fields.project_id
    app.settings["hds"] = fields.hds_resource
    return main.AppAnswer(app=views.app(call.world, app))


def _new_app(call: Call, name: str) -> state.App:
    world = call.world
    if not APP_NAME.fullmatch(name) or not 6 <= len(name) <= 48:
        raise invalid(world, name="should contain between 6 and 48 lower-case letters, digits and hyphens")
    if world.find_app(call.region, name) is not None:
        raise invalid(world, name="has already been taken")
    app = make_app(world, name, call.region)
    world.record_event(app, "new_app", {"git_source": "git"})
    return app


@route("A12", "api", "GET", "/v1/apps/{app}", safe=True)
def show_app(call: Call) -> main.AppAnswer:
    """One app."""
    return main.AppAnswer(app=views.app(call.world, call.app))


@route("apps-update", "api", "PATCH PUT", "/v1/apps/{app}", safe=False, body=main.AppUpdate)
def update_app(call: Call) -> main.AppAnswer:
    """Settings of an app."""
    app = call.app
    given = call.body.app or call.body
    for name in ("stack_id", "force_https", "router_logs", "sticky_session"):
        value = getattr(given, name)
        if value is not None:
            app.settings[name] = value
    if given.project_id is not None:
        app.project_id = given.project_id
    app.updated_at = call.world.now()
    return main.AppAnswer(app=views.app(call.world, app))


@route("apps-delete", "api", "DELETE", "/v1/apps/{app}", safe=False, query="current_name!", status=204)
def delete_app(call: Call) -> Answer:
    """An app goes, with everything it has. A dedicated database is deleted by this route."""
    world, app = call.world, call.app
    current_name = call.query.get("current_name", "")
    if current_name != app.name:
        raise invalid(world, current_name="does not match")
    for addon in list(app.addons):
        world.remove_addon(app, addon)
    world.apps.remove(app)
    return Answer()


@route("apps-rename", "api", "POST", "/v1/apps/{app}/rename", safe=False, body=main.AppRename)
def rename_app(call: Call) -> main.AppAnswer:
    """Another name for an app."""
    world, app = call.world, call.app
    body: main.AppRename = call.body
    if body.current_name != app.name:
        raise invalid(world, current_name="does not match")
    if not APP_NAME.fullmatch(body.new_name):
        raise invalid(world, new_name="is invalid")
    if world.find_app(call.region, body.new_name) is not None:
        raise invalid(world, new_name="has already been taken")
    old, app.name = app.name, body.new_name
    world.record_event(app, "rename_app", {"old_name": old, "new_name": app.name})
    return main.AppAnswer(app=views.app(world, app))


@route("apps-restart", "api", "POST", "/v1/apps/{app}/restart", safe=False, status=202, body=main.AppRestart)
def restart_app(call: Call) -> Answer:
    """An app restarts."""
    world, app = call.world, call.app
    operation = state.AppOperation(fresh_hexadecimal(), "restart", world.now())
    app.operations[operation.id] = operation

    def finish() -> None:
        operation.status, operation.finished_at = "done", world.now()

    world.timeline.after(1, finish)
    world.record_event(app, "restart", {"scope": []})
    address = f"{world.addresses.api[call.region]}/v1/apps/{app.id}/operations/{operation.id}"
    return Answer(headers={"Location": address})


@route("A13", "api", "GET", "/v1/apps/{app}/operations/{operation}", safe=True)
def show_app_operation(call: Call) -> main.AppOperationAnswer:
    """An operation of an app (not of a database)."""
    world, app = call.world, call.app
    operation = app.operations.get(call.path["operation"])
    if operation is None:
        raise not_found("operation")
    return main.AppOperationAnswer(operation=main.AppOperation.of(operation, world.date, app_id=app.id))


# events


def _events(call: Call, apps: list[state.App], own: list[state.Event]) -> main.EventsAnswer:
    world = call.world
    if apps and call.query.get("page", "1") != "1" and world.switch("events_meanwhile") == "yes":
        world.record_event(apps[0], "restart", {"scope": []})
    listed: list[tuple[state.App | None, list[state.Event]]] = [*((app, app.events) for app in apps), (None, own)]
    happened = [(event.created_at, index, app, event) for app, events in listed for index, event in enumerate(events)]
    happened.sort(key=lambda entry: (-entry[0], -entry[1]))
    if world.switch("event_order") == "swapped":
        happened = [entry for two in range(0, len(happened), 2) for entry in reversed(happened[two : two + 2])]
    try:
        page, number, per_page = views.page_of(happened, call.query)
    except views.PageRefused as error:
        raise invalid(world, **{str(error): "is not a number above 0"}) from error
    events = [views.event(world, app, event) for dummy, dummy_index, app, event in page]
    return main.EventsAnswer(events=events, meta=views.meta(world, len(happened), number, per_page))


@route("A14", "api", "GET", "/v1/apps/{app}/events", safe=True, query="page per_page")
def list_app_events(call: Call) -> main.EventsAnswer:
    """What happened to an app, the latest first."""
    return _events(call, [call.app], [])


@route("A19", "api", "GET", "/v1/events", safe=True, query="page per_page")
def list_events(call: Call) -> main.EventsAnswer:
    """What happened to all apps of the region and to the account, the latest first."""
    world = call.world
    return _events(call, [app for app in world.apps if app.region == call.region], world.events)


# addons


@route("A1", "api", "GET", "/v1/apps/{app}/addons", safe=True)
def list_addons(call: Call) -> main.AddonsAnswer:
    """The addons of an app."""
    return main.AddonsAnswer(addons=[views.addon(call.world, addon) for addon in call.app.addons])


@route("A2", "api", "GET", "/v1/apps/{app}/addons/{addon}", safe=True)
def show_addon(call: Call) -> main.AddonAnswer:
    """One addon."""
    return main.AddonAnswer(addon=views.addon(call.world, call.addon))


def _kind(call: Call, text: str) -> Kind:
    kind = call.world.catalog.kind(text)
    if kind is None:
        raise invalid(call.world, addon_provider_id="is not a provider")
    return kind


@route("A3", "api", "POST", "/v1/apps/{app}/addons", safe=False, status=201, body=main.AddonCreation)
def create_addon(call: Call) -> main.AddonChangeAnswer:
    """A new addon: it is provisioned in the background."""
    app = call.app
    fields: main.AddonFields = call.body.addon
    kind = _kind(call, fields.addon_provider_id)
    if kind.dedicated:
        raise invalid(call.world, addon_provider_id="is provisioned as a database of its own")
    addon = _provision(call, app, kind, fields.plan_id, fields.options or {})
    if call.world.switch("addon_update_answer") == "recorded":
        return _begun(call, addon, "Database is being provisioned")
    return main.AddonChangeAnswer(
        addon=views.addon(call.world, addon),
        message=f"Your {kind.display_name} database is being provisioned",
        variables=[name for name in (call.world.connection_variable(app, addon),) if name],
    )


def _begun(call: Call, addon: state.Addon, message: str, **more: None) -> main.AddonChangeAnswer:
    """What was recorded in 2020: no variable is named yet, and the addon is being provisioned."""
    shown = views.addon(call.world, addon, status="provisioning", message=message, variables=None)
    return main.AddonChangeAnswer(addon=shown, message=message, **more)


def _provision(call: Call, app: state.App, kind: Kind, plan_text: str, options: dict[str, str]) -> state.Addon:
    world = call.world
    plan = world.catalog.plan(kind.provider, plan_text)
    if plan is None:
        raise not_found("plan")
    if plan.disabled:
        raise invalid(world, plan_id="is disabled")
    version = world.catalog.table(kind).latest
    for name, value in options.items():
        if name != "version":
            raise invalid(world, options=f"{name} is not an option")
        chosen = world.catalog.table(kind).chosen(value)
        if chosen is None:
            raise invalid(world, version=f"{value} is not available")
        version = chosen
    addon = make_addon(
        world, app, kind, plan, None, None, SeedDatabase(version=str(version), created=0, recoverable=False)
    )
    work.begin_provisioning(world, addon)
    world.addon_event(addon, "new_addon")
    return addon


@route("A4", "api", "PATCH PUT", "/v1/apps/{app}/addons/{addon}", safe=False, body=main.AddonPlanChange)
def change_plan(call: Call) -> main.AddonChangeAnswer:
    """Another plan for an addon: the change is made in the background."""
    world, addon = call.world, call.addon
    plan = world.catalog.plan(addon.kind.provider, call.body.addon.plan_id)
    if plan is None:
        raise not_found("plan")
    if addon.status != "running":
        raise Refusal(409, {"error": f"the addon is {addon.status}"})
    refuse_busy(world, addon)
    if addon.kind.dedicated and plan.memory < addon.plan.memory:
        raise invalid(world, plan_id="is smaller: the size of a dedicated database only grows")
    if plan.identifier != addon.plan.identifier:
        work.begin_plan_change(world, addon, plan)
    if world.switch("addon_update_answer") == "recorded":
        return _begun(call, addon, "Database plan is being changed", variables=None)
    message = f"The plan is being changed to {plan.name}"
    variable = world.connection_variable(call.app, addon)
    if world.switch("addon_update_answer") == "vars":
        return main.AddonChangeAnswer(vars=[variable] if variable else [], message=message)
    return main.AddonChangeAnswer(
        addon=views.addon(world, addon), message=message, variables=[variable] if variable else []
    )


def refuse_busy(world: World, addon: state.Addon) -> None:
    """An operation runs on the database: nothing else can be started."""
    if work.is_busy(addon.database):
        status = int(world.switch("busy"))
        text = f"an operation is already running on this database ({addon.database.status})"
        raise invalid(world, database=text) if status == 422 else Refusal(status, {"error": text})


@route("A5", "api", "DELETE", "/v1/apps/{app}/addons/{addon}", safe=False, status=204)
def delete_addon(call: Call) -> Answer:
    """An addon goes, with all its data."""
    app, addon = call.app, call.addon
    call.world.addon_event(addon, "delete_addon")
    call.world.remove_addon(app, addon)
    return Answer()


@route("A6", "api", "POST", "/v1/apps/{app}/addons/{addon}/token", safe=True, body=base.Empty)
def make_addon_token(call: Call) -> main.AddonAnswer:
    """A token of one hour for the database API."""
    world, addon = call.world, call.addon
    claims = AddonClaims(addon.id, addon.region)
    token = world.tokens.make_addon(claims, world.durations.addon_token, world.switch("addon_token_format"))
    return main.AddonAnswer(addon=views.addon(world, addon, token=token))


@route("A7", "api", "GET POST", "/v1/apps/{app}/addons/{addon}/sso", safe=True, body=base.Empty)
def make_sign_on_link(call: Call) -> main.AddonAnswer:
    """A link to the dashboard of the addon."""
    addon = call.addon
    address = f"https://dashboard.{addon.region}.scalingo.invalid/{addon.id}?token={fresh_hexadecimal()}"
    return main.AddonAnswer(addon=views.addon(call.world, addon, sso_url=address))


@route("A8", "api", "POST", "/v1/apps/{app}/addons/{addon}/resume", safe=False, body=base.Empty)
def resume_addon(call: Call) -> main.AddonChangeAnswer:
    """A suspended addon works again."""
    addon = call.addon
    work.resume(call.world, addon)
    return main.AddonChangeAnswer(addon=views.addon(call.world, addon), message="The addon has been resumed")


# what can be bought


@route("A9", "api", "GET", "/v1/addon_providers", access="none", safe=True, query="category_id dedicated")
def list_addon_providers(call: Call) -> main.AddonProvidersAnswer:
    """The providers of addons."""
    kinds = call.world.catalog.kinds()
    if call.query.get("dedicated") == "true":
        kinds = [kind for kind in kinds if kind.dedicated]
    if call.query.get("category_id", views.CATEGORY.id) != views.CATEGORY.id:
        kinds = []
    return main.AddonProvidersAnswer(addon_providers=[views.provider(call.world, kind) for kind in kinds])


@route("categories", "api", "GET", "/v1/addon_categories", access="none", safe=True)
def list_categories(call: Call) -> main.CategoriesAnswer:
    """The categories of addons."""
    return main.CategoriesAnswer(addon_categories=[views.CATEGORY])


@route("A10", "api", "GET", "/v1/addon_providers/{provider}/plans", access="none", safe=True, query="show_all")
def list_plans(call: Call) -> main.PlansAnswer:
    """The plans of a provider; with show_all=true those that are no longer sold too."""
    kind = call.world.catalog.kind(call.path["provider"])
    if kind is None:
        raise not_found("addon_provider")
    everything = call.query.get("show_all") == "true"
    plans = [plan for plan in call.world.catalog.plans(kind.provider) if everything or not plan.disabled]
    return main.PlansAnswer(plans=[views.plan(call.world, plan) for plan in plans])


# variables


def _variable(app: state.App, name: str) -> main.Variable:
    return main.Variable(id=stable_hexadecimal("variable", app.id, name), name=name, value=app.variables[name])


def _variable_name(call: Call) -> str:
    app = call.app
    for name in app.variables:
        if call.path["variable"] in (stable_hexadecimal("variable", app.id, name), name):
            return name
    raise not_found("variable")


@route("A11", "api", "GET", "/v1/apps/{app}/variables", safe=True, query="aliases")
def list_variables(call: Call) -> main.VariablesAnswer:
    """The variables of an app; with aliases=false without those that only point to another."""
    app = call.app
    for addon in app.addons:
        addon.database.engine.reach()
    names = list(app.variables)
    if call.query.get("aliases") == "false":
        names = [name for name in names if not app.variables[name].startswith("$")]
    return main.VariablesAnswer(variables=[_variable(app, name) for name in names])


@route(
    "variables-create", "api", "POST", "/v1/apps/{app}/variables", safe=False, status=201, body=main.VariableCreation
)
def create_variable(call: Call) -> main.VariableAnswer:
    """A variable is set."""
    app = call.app
    given: main.VariableFields = call.body.variable
    app.variables[given.name] = given.value
    call.world.record_event(app, "new_variable", {"name": given.name})
    return main.VariableAnswer(variable=_variable(app, given.name))


@route("variables-update", "api", "PUT", "/v1/apps/{app}/variables", safe=False, body=main.VariablesUpdate)
def update_variables(call: Call) -> main.VariablesAnswer:
    """Several variables are set."""
    app = call.app
    changes: dict[str, list[dict[str, str]]] = {"new_vars": [], "updated_vars": [], "deleted_vars": []}
    variables = call.body.variables or []
    for given in variables:
        changes["updated_vars" if given.name in app.variables else "new_vars"].append({"name": given.name})
        app.variables[given.name] = given.value
    if variables:
        call.world.record_event(app, "edit_variables", changes)
    return main.VariablesAnswer(variables=[_variable(app, given.name) for given in variables])


@route("variables-change", "api", "PATCH", "/v1/apps/{app}/variables/{variable}", safe=False, body=main.VariableChange)
def change_variable(call: Call) -> main.VariableAnswer:
    """The value of one variable."""
    app, name = call.app, _variable_name(call)
    app.variables[name] = call.body.variable.value
    call.world.record_event(app, "edit_variable", {"name": name})
    return main.VariableAnswer(variable=_variable(app, name))


@route("variables-delete", "api", "DELETE", "/v1/apps/{app}/variables/{variable}", safe=False, status=204)
def delete_variable(call: Call) -> Answer:
    """A variable goes."""
    app, name = call.app, _variable_name(call)
    del app.variables[name]
    call.world.record_event(app, "delete_variable", {"name": name})
    return Answer()


# dedicated databases


def _is_network(text: str) -> bool:
    try:
        return ipaddress.ip_network(text).version == 4 and "/" in text
    except ValueError:
        return False


def _dedicated(call: Call) -> state.App:
    app = call.world.find_app(call.region, call.path["database"])
    if app is None or not app.dedicated:
        raise Refusal(404, {"error": "Database not found"})
    return app


@route("DR1", "api", "POST", "/v1/databases", safe=False, status=201, body=main.DedicatedCreation)
def create_dedicated_database(call: Call) -> main.DedicatedDatabaseAnswer:
    """A new dedicated database: an app of its own with one addon, provisioned in the background."""
    world, given = call.world, call.body.root
    fields = given.database if isinstance(given, main.DedicatedRooted) else given
    if isinstance(fields, main.DedicatedFields):
        technology, plan = fields.technology, fields.plan
        after, ip_range = fields.post_provisioning_configuration, None
    else:
        technology, plan = fields.addon_provider_id, fields.plan_id
        after, ip_range = None, fields.ip_range
    kind = world.catalog.kind(technology)
    if kind is None or not kind.dedicated:
        raise invalid(world, technology="is not a dedicated database")
    if world.catalog.plan(kind.provider, plan) is None:
        raise invalid(world, plan="is not a plan of this technology")
    if ip_range and not _is_network(ip_range):
        raise invalid(world, ip_range="is not a network of IPv4 in CIDR notation")
    readers = [world.find_app(call.region, identifier) for identifier in (after.app_ids or [] if after else [])]
    if None in readers:
        raise invalid(world, app_ids="is not an app")
    app = _new_app(call, fields.name)
    if fields.project_id:
        app.project_id = fields.project_id
    app.settings.update({"ip_range": ip_range} if ip_range else {})
    addon = _provision(call, app, kind, plan, {})
    addon.hds = bool(getattr(fields, "hds_resource", None))

    def connect() -> None:
        """What is done once the database is there."""
        if addon.status != "running":
            return
        for reader in readers:
            if reader in world.apps:
                world.add_variables(reader, addon)
        if after is not None and after.regional_network_access:
            now, identifier = world.now(), f"mr-scalingo-{call.region}"
            rule = state.FirewallRule(str(uuid.uuid4()), "managed_range", None, None, identifier, now, now)
            addon.database.firewall_rules.append(rule)

    world.timeline.after(world.durations.provisioning, connect)
    return main.DedicatedDatabaseAnswer(database=views.dedicated(world, app))


@route("DR2", "api", "GET", "/v1/databases", safe=True, query="dashboard")
def list_dedicated_databases(call: Call) -> main.DedicatedDatabasesAnswer:
    """The dedicated databases; with dashboard=true together with their app and addon."""
    world = call.world
    apps = [app for app in world.apps if app.region == call.region and app.dedicated]
    if call.query.get("dashboard") == "true" or world.switch("dedicated_items") == "dashboard":
        items = [
            main.DashboardItem(
                app=views.app(world, app),
                addon=views.addon(world, app.addons[0]),
                database=views.dedicated(world, app),
            )
            for app in apps
        ]
        return main.DedicatedDatabasesAnswer(databases=items)
    return main.DedicatedDatabasesAnswer(databases=[views.dedicated(world, app) for app in apps])


@route("DR3", "api", "GET", "/v1/databases/{database}", safe=True)
def show_dedicated_database(call: Call) -> main.DashboardItem:
    """One dedicated database, by identifier or name; with its app and its addon, which the newest JavaScript client reads."""
    app = _dedicated(call)
    return main.DashboardItem(
        app=views.app(call.world, app),
        addon=views.addon(call.world, app.addons[0]),
        database=views.dedicated(call.world, app),
    )


@route("DR4", "api", "GET", "/v1/databases/{database}/endpoints", safe=True)
def list_endpoints(call: Call) -> main.EndpointsAnswer:
    """Where a dedicated database can be reached."""
    app = _dedicated(call)
    database = app.addons[0].database
    endpoints = [
        main.Endpoint(
            id=stable_uuid("endpoint", app.id, "public"),
            database_id=app.id,
            hostname=database.hostname,
            port=database.port,
            type="public-rw",
        )
    ]
    if any(peering.status == "active" for peering in app.peerings):
        endpoints.append(
            main.Endpoint(
                id=stable_uuid("endpoint", app.id, "peering"),
                database_id=app.id,
                hostname=f"private.{database.hostname}",
                port=database.port,
                type="private-peering-rw",
            )
        )
    return main.EndpointsAnswer(endpoints=endpoints)


def _peering(call: Call, app: state.App, item: state.NetPeering) -> main.NetPeering:
    world = call.world
    return main.NetPeering.of(
        item,
        world.date,
        database_id=app.id,
        outscale_source_net_id="vpc-12345678",
        outscale_source_net_ip_range="10.20.0.0/16",
        outscale_source_account_id="123456789012",
        updated_at=world.date(item.created_at),
    )


@route("DR5", "api", "GET", "/v1/databases/{database}/net_peerings", safe=True)
def list_peerings(call: Call) -> main.NetPeeringsAnswer:
    """The network peerings of a dedicated database."""
    app = _dedicated(call)
    return main.NetPeeringsAnswer(net_peerings=[_peering(call, app, item) for item in app.peerings])


@route(
    "DR6", "api", "POST", "/v1/databases/{database}/net_peerings", safe=False, status=201, body=main.NetPeeringCreation
)
def create_peering(call: Call) -> main.NetPeeringAnswer:
    """A network peering is accepted."""
    app = _dedicated(call)
    taken = [item.outscale_net_peering_id for item in app.peerings if item.status == "active"]
    if call.body.outscale_net_peering_id in taken:
        raise invalid(call.world, outscale_net_peering_id="has already been taken")
    item = state.NetPeering(str(uuid.uuid4()), call.body.outscale_net_peering_id, call.world.now())
    app.peerings.append(item)
    return main.NetPeeringAnswer(net_peering=_peering(call, app, item))


def _find_peering(call: Call, app: state.App) -> state.NetPeering:
    for item in app.peerings:
        if item.id == call.path["peering"]:
            return item
    raise not_found("net_peering")


@route("DR7", "api", "GET", "/v1/databases/{database}/net_peerings/{peering}", safe=True)
def show_peering(call: Call) -> main.NetPeeringAnswer:
    """One network peering."""
    app = _dedicated(call)
    return main.NetPeeringAnswer(net_peering=_peering(call, app, _find_peering(call, app)))


@route("DR8", "api", "DELETE", "/v1/databases/{database}/net_peerings/{peering}", safe=False, status=204)
def delete_peering(call: Call) -> Answer:
    """A network peering goes."""
    app = _dedicated(call)
    app.peerings.remove(_find_peering(call, app))
    return Answer()


@route("DR9", "api", "GET", "/v1/databases/{database}/network_configuration", safe=True)
def show_network_configuration(call: Call) -> main.NetworkConfigurationAnswer:
    """The network of a dedicated database."""
    app = _dedicated(call)
    return main.NetworkConfigurationAnswer(
        network_configuration=main.NetworkConfiguration(
            outscale_account_id="210987654321",
            outscale_net_id=f"vpc-{stable_hexadecimal('net', app.id)[:8]}",
            ip_range=app.settings.get("ip_range", "10.100.0.0/16"),
        )
    )
