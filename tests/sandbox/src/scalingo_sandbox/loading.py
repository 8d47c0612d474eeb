# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a seed to what exists: how a world begins, begins anew, and gets another app or addon."""

from __future__ import annotations

import contextlib
import copy
import secrets

from scalingo_sandbox import work
from scalingo_sandbox.catalog import ALL_KINDS, KINDS, Catalog, Kind, Plan, Version, provider_name
from scalingo_sandbox.clock import Clock
from scalingo_sandbox.engines import FACTORIES, EngineError, EngineSetup
from scalingo_sandbox.engines import versions as driver_versions
from scalingo_sandbox.engines.base import EngineUser, LogicalDatabase, Query, RetentionPolicy
from scalingo_sandbox.identifiers import (
    fresh_addon_identifier,
    fresh_hexadecimal,
    project_identifier,
    stable_addon_identifier,
    stable_hexadecimal,
    stable_number,
    stable_uuid,
)
from scalingo_sandbox.seed import REGIONS, Seed, SeedAddon, SeedApp, SeedDatabase, SeedEvent, SeedFleet
from scalingo_sandbox.state import (
    Addon,
    App,
    AppOperation,
    Backup,
    Database,
    Event,
    Feature,
    FirewallRule,
    Instance,
    LogLine,
    Maintenance,
    NetPeering,
    Operation,
    Window,
    backup_name,
)
from scalingo_sandbox.world import World


def open_world(seed: Seed, clock: Clock, *, engine: str = "memory", api_token: str | None = None) -> World:
    world = World(seed, clock, engine=engine, api_token=api_token)
    load(world, seed)
    return world


def reset(world: World, seed: Seed | None = None) -> None:
    """Begin anew. A seed that cannot be loaded changes nothing."""
    kept = dict(world.__dict__)
    try:
        load(world, seed or world.first_seed)
    except BaseException:
        world.close()
        world.__dict__.update(kept)
        raise
    for app in kept["apps"]:
        for addon in app.addons:
            addon.database.engine.close()
    kept["archives"].close()


def load(world: World, seed: Seed) -> None:
    world.begin(seed, Catalog(_versions(world, seed)))
    world.catalog.coming = world.switch("coming_kinds") == "shown"
    world.events += [make_event(world, event) for event in seed.events]
    for app in seed.apps:
        _load_app(world, app)
    for fleet in seed.fleet:
        _load_fleet(world, fleet)
    work.begin_hours(world)


def follow_switches(world: World) -> None:
    """Have the kinds that come, with those of them that the seed names, or have them no more, as the switch says."""
    shown = world.switch("coming_kinds") == "shown"
    if shown == world.catalog.coming:
        return
    world.catalog.coming = shown
    for app in [app for app in world.apps if any(addon.kind.coming for addon in app.addons)]:
        for addon in [addon for addon in app.addons if addon.kind.coming]:
            world.remove_addon(app, addon)
        if not app.addons:
            world.apps.remove(app)
    for seed in world.seed.apps if shown else ():
        parts = [part for part in seed.addons if _comes(part)]
        found = world.find_app(seed.region, seed.name)
        if found is None:
            _load_app(world, seed)
        for part in parts if found is not None else ():
            _load_addon(world, found, part, 0)


def _comes(part: SeedAddon) -> bool:
    kind = ALL_KINDS.get(provider_name(part.provider))
    return kind is not None and kind.coming


def _versions(world: World, seed: Seed) -> dict[str, list[str]]:
    """The versions of each type: those of the seed, else those of which there are servers, else the built-in ones."""
    chosen = dict(seed.versions)
    for type_name in {kind.type_name for kind in KINDS.values()} - set(chosen):
        providers = {name for name, kind in KINDS.items() if kind.type_name == type_name}
        addons = [addon for app in seed.apps for addon in app.addons if provider_name(addon.provider) in providers]
        for name in sorted({world.engine_name, *(addon.engine for addon in addons if addon.engine)}):
            # Where no server is here, its engine says so when one is wanted.
            with contextlib.suppress(EngineError):
                here = driver_versions(name, type_name)
                chosen.update({} if here is None else {type_name: list(here)})
    return chosen


def _load_fleet(world: World, fleet: SeedFleet) -> None:
    count = fleet.apps or fleet.count
    width = max(2, len(str(count)))
    apps = [
        SeedApp(name=f"{fleet.prefix}-{number:0{width}d}", region=fleet.region, addons=[])
        for number in range(1, count + 1)
    ]
    for index in range(fleet.count):
        addon = SeedAddon(provider=fleet.provider, plan=fleet.plan, database=fleet.database)
        apps[index % count].addons.append(addon)
    for app in apps:
        _load_app(world, app)


def _load_app(world: World, seed: SeedApp) -> None:
    if seed.region not in REGIONS:
        raise ValueError(f"there is no region {seed.region}; there are {', '.join(REGIONS)}")
    if any(app.name == seed.name and app.region == seed.region for app in world.apps):
        raise ValueError(f"the app {seed.name} is named twice in {seed.region}")
    parts = [part for part in seed.addons if world.catalog.coming or not _comes(part)]
    if seed.addons and not parts:
        return
    app = make_app(
        world, seed.name, seed.region, identifier=seed.id or stable_hexadecimal("app", seed.region, seed.name)
    )
    app.status = seed.status
    if seed.project:
        app.project_id, app.project_name = project_identifier(seed.project), seed.project
    seen: dict[str, int] = {}
    for part in parts:
        index = seen.get(part.provider, 0)
        seen[part.provider] = index + 1
        _load_addon(world, app, part, index)
    app.variables.update(seed.variables)
    for index, peering in enumerate(seed.net_peerings):
        identifier = peering.id or stable_uuid("net_peering", app.id, str(index))
        app.peerings.append(NetPeering(identifier, peering.outscale_net_peering_id, world.now(), peering.status))
    app.events += [make_event(world, event, app.name) for event in seed.events]
    for part in seed.operations:
        operation = AppOperation(
            id=part.id or fresh_hexadecimal(),
            type=part.type,
            created_at=world.now() - part.age,
            status=part.status,
            finished_at=None if part.ended is None else world.now() - part.ended,
            error=part.error,
        )
        app.operations[operation.id] = operation


def make_event(world: World, seed: SeedEvent, app: str = "") -> Event:
    happened = world.now() - seed.age
    return Event(seed.id or fresh_hexadecimal(), seed.type, happened, dict(seed.type_data), seed.user, app)


def _load_addon(world: World, app: App, seed: SeedAddon, index: int) -> None:
    kind = world.catalog.kind(seed.provider)
    if kind is None:
        raise ValueError(f"there is no provider {seed.provider}")
    default_plan = kind.plan_name("starter-4096" if kind.dedicated else "starter-512")
    plan = world.catalog.plan_for_seed(kind.provider, seed.plan or default_plan)
    identifier = seed.id or stable_addon_identifier(app.region, app.name, kind.provider, index)
    resource_id = seed.resource_id or _resource_id(app, kind, identifier)
    if world.find_addon(identifier) is not None:
        raise ValueError(f"the addon {identifier} is named twice")
    addon = make_addon(world, app, kind, plan, identifier, resource_id, seed.database, engine=seed.engine)
    addon.status = seed.status
    addon.hds = seed.hds
    addon.things = copy.deepcopy(seed.things)
    database = addon.database
    if seed.status == "suspended":
        database.status = "stopped"
    if seed.status == "provisioning":
        database.status = "creating"
        world.timeline.after(world.durations.provisioning, lambda: work.finish_provisioning(world, addon))
    if seed.database.status is not None:
        database.status = seed.database.status
    for entry, part in zip(database.maintenance, seed.database.maintenance, strict=True):
        work.announce_maintenance(world, addon, entry)
        if part.starts_in is not None:
            work.plan_maintenance(world, addon, entry, part.starts_in)


def _resource_id(app: App, kind: Kind, identifier: str) -> str:
    name = f"{app.name[: kind.name_length]}-{stable_number(1000, 9999, identifier)}"
    return name if kind.dashes else name.replace("-", "_")


def make_app(world: World, name: str, region: str, *, identifier: str | None = None) -> App:
    now = world.now()
    app = App(
        id=identifier or fresh_hexadecimal(),
        name=name,
        region=region,
        status="new",
        created_at=now,
        updated_at=now,
        project_id=project_identifier("default"),
        project_name="default",
    )
    world.apps.append(app)
    return app


def make_addon(
    world: World,
    app: App,
    kind: Kind,
    plan: Plan,
    identifier: str | None,
    resource_id: str | None,
    seed: SeedDatabase,
    *,
    engine: str | None = None,
) -> Addon:
    identifier = identifier or fresh_addon_identifier()
    resource_id = resource_id or _resource_id(app, kind, identifier)
    now = world.now()
    addon = Addon(
        id=identifier,
        app_id=app.id,
        region=app.region,
        kind=kind,
        plan=plan,
        resource_id=resource_id,
        status="running",
        provisioned_at=now - seed.created,
        updated_at=now - seed.created,
        database=_make_database(world, app, kind, plan, identifier, resource_id, seed, engine or world.engine_name),
    )
    app.addons.append(addon)
    world.add_variables(app, addon)
    return addon


def _make_database(
    world: World, app: App, kind: Kind, plan: Plan, identifier: str, resource_id: str, seed: SeedDatabase, driver: str
) -> Database:
    now = world.now()
    table = world.catalog.table(kind)
    version = table.latest if seed.version is None else Version.parse(seed.version)
    host = resource_id.replace("_", "-")
    hostname = seed.hostname or f"{host}.{kind.type_name}.a.{app.region}.scalingo-dbs.com"
    port = stable_number(30000, 39999, identifier)
    if ":" in hostname:
        hostname, dummy, text = hostname.rpartition(":")
        port = int(text)
    password = seed.password or secrets.token_urlsafe(24).replace("-", "x").replace("_", "y")
    setup = EngineSetup(
        kind=kind,
        resource_id=resource_id,
        version=version,
        user=EngineUser(resource_id, password, protected=True),
        now=world.now,
        switch=world.switch,
        logical_databases=[
            LogicalDatabase(entry.name, entry.protected, dict(entry.tables)) for entry in seed.logical_databases
        ],
        users=[
            EngineUser(entry.name, entry.password or secrets.token_urlsafe(24), entry.read_only, entry.protected)
            for entry in seed.users
        ],
        sql_mode=seed.sql_mode,
        retention_policies=[
            RetentionPolicy(entry.name, entry.duration, entry.default) for entry in seed.retention_policies
        ],
        extensions=dict(seed.extensions),
        queries=[
            Query(
                entry.pid or 1000 + index,
                entry.query,
                entry.state,
                resource_id if entry.username is None else entry.username,
                now - entry.seconds,
            )
            for index, entry in enumerate(seed.queries)
        ],
        statements=[dict(entry) for entry in seed.statements],
        collect_statements=seed.statements_enabled,
        hostname=hostname if seed.hostname else None,
        certificate=world.issue,
        tls_required=seed.features.get("force-ssl", "force-ssl" in kind.initial_features) in (True, "ACTIVATED"),
        instant_at=world.clock.instant_at,
        wall_at=world.clock.wall_at,
    )
    days = seed.recoverable_days if seed.recoverable_days is not None else float(plan.recovery_days)
    latest = now - seed.recoverable_until if seed.recoverable_until > 300 else None
    engine = FACTORIES[driver](setup)
    world.blocking = world.blocking or engine.blocking
    table.add(engine.version())
    address = engine.address()
    if address is not None:
        hostname, port = hostname if seed.hostname else address[0], address[1]
    equal = kind.dedicated and world.switch("dedicated_ids") == "equal"
    database = Database(
        id=app.id if equal else stable_hexadecimal("database", identifier),
        kind=kind,
        engine=engine,
        plan=plan,
        created_at=now - seed.created,
        status="running",
        hostname=hostname,
        port=port,
        password=password,
        instances=_instances(plan, hostname, port, identifier),
        window=Window(**seed.maintenance_window.model_dump()),
        features=[Feature(name, "ACTIVATED") for name in kind.initial_features if name not in seed.features]
        + [Feature(name, status) for name, status in seed.features.items()],
        encryption_at_rest=seed.encryption_at_rest,
        periodic_backups_enabled=seed.periodic_backups_enabled and kind.backups,
        periodic_backups_scheduled_at=list(seed.periodic_backups_scheduled_at),
        flags=list(seed.flags),
        earliest_recoverable_at=(
            max((latest or now - 300) - days * 86400, now - seed.created)
            if kind.point_in_time and seed.recoverable
            else None
        ),
        latest_recoverable_at=latest,
        logs=[LogLine(now - 60 * (len(seed.logs) - index), "db-node", text) for index, text in enumerate(seed.logs)],
        log_archives=seed.log_archives,
        health=seed.health,
        lag=seed.lag,
    )
    _load_history(world, database, identifier, resource_id, seed)
    return database


def _load_history(world: World, database: Database, identifier: str, resource_id: str, seed: SeedDatabase) -> None:
    now = world.now()
    dumped = database.engine.dump() if any(entry.status == "done" for entry in seed.backups) else {}
    for index, entry in enumerate(seed.backups):
        created = now - entry.age
        ended = entry.status in ("done", "error", "cancelled")
        backup = Backup(
            id=entry.id or stable_hexadecimal("backup", identifier, index),
            name=entry.name or backup_name(created, resource_id),
            created_at=created,
            method=entry.method,
            status=entry.status,
            started_at=created + 1 if ended or entry.status == "running" else None,
            size=entry.size,
            hidden=entry.hidden,
            files=dict(dumped) if entry.status == "done" else {},
            archive_bytes=entry.archive_bytes,
            lost=entry.lost,
        )
        database.backups.append(backup)
    for index, part in enumerate(seed.maintenance):
        database.maintenance.append(
            Maintenance(
                id=part.id or stable_hexadecimal("maintenance", identifier, index),
                type=part.type,
                status=part.status,
                started_at=None if part.started is None else now - part.started,
                ended_at=None if part.ended is None else now - part.ended,
            )
        )
    for index, rule in enumerate(seed.firewall_rules):
        database.firewall_rules.append(
            FirewallRule(
                id=rule.id or stable_uuid("rule", identifier, index),
                type=rule.type,
                cidr=rule.cidr,
                label=rule.label,
                range_id=rule.range_id,
                created_at=now,
                updated_at=now,
            )
        )
    if seed.current_operation_id is not None:
        operation = Operation(seed.current_operation_id, "maintenance", now, status="running")
        database.operations[operation.id] = operation
        database.current_operation_id = operation.id


def _instances(plan: Plan, hostname: str, port: int, identifier: str) -> list[Instance]:
    def below(name: str) -> str:
        return hostname if hostname.rpartition(".")[2].isdigit() else f"{name}.{hostname}"

    instances = []
    for index in range(plan.nodes):
        name = stable_uuid("instance", identifier, index)
        role = "leader" if index == 0 else "follower"
        instances.append(Instance(name, below(name), port, "db-node", role, f"10.0.{index}.10"))
    for index in range(1 if plan.nodes == 1 else 2):
        name = stable_uuid("gateway", identifier, index)
        instances.append(Instance(name, below(name), port, "gateway", "", f"10.0.{index}.20"))
    return instances
