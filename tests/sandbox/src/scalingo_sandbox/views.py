# Copyright (c) 2026, Community Scalingo contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""From the state to the models that are sent: what a model does not find in the state under its own names."""

from __future__ import annotations

import math
import re
from typing import Any
from urllib.parse import quote

from scalingo_sandbox import state
from scalingo_sandbox.catalog import EPOCH, Kind, Plan, Version, VersionTable
from scalingo_sandbox.identifiers import stable_hexadecimal, stable_uuid
from scalingo_sandbox.models import base, database, main
from scalingo_sandbox.work import next_version
from scalingo_sandbox.world import World

# the main API


def plan(world: World, item: Plan) -> main.Plan:
    replacement = world.catalog.plan(item.provider, item.replaced_by) if item.replaced_by else None
    return main.Plan.of(
        item,
        world.date,
        without=("properties",),
        id=item.identifier,
        price=round(item.memory * item.nodes * 0.028, 2),
        description=f"{item.memory} MB of memory, {item.disk} MB of disk, {item.nodes} node(s)",
        on_demand=False,
        disabled_alternative_plan_id=replacement.identifier if replacement else None,
        sku=f"osc-{item.name}",
        hds_available=item.tier in ("business", "enterprise"),
        to_be_discontinued=item.disabled,
        trial_available=item.tier == "sandbox",
    )


def provider_reference(kind: Kind) -> main.ProviderReference:
    return main.ProviderReference(id=kind.provider, name=kind.display_name, logo_url=logo(kind.provider))


def logo(name: str) -> str:
    return f"https://cdn.invalid/addons/{name}.svg"


CATEGORY = main.Category(
    id=stable_hexadecimal("category", "databases"), name="Databases", description="Managed databases", position=1
)


def provider(world: World, kind: Kind) -> main.AddonProvider:
    return main.AddonProvider(
        id=kind.provider,
        name=kind.display_name,
        logo_url=logo(kind.provider),
        short_description=f"{kind.display_name} as a service",
        description=f"A managed {kind.display_name} database",
        category=CATEGORY,
        provider_name="Scalingo",
        provider_url="https://scalingo.invalid",
        hds_available=True,
        plans=[plan(world, item) for item in world.catalog.plans(kind.provider)],
    )


def addon(world: World, item: state.Addon, **more: Any) -> main.Addon:
    return main.Addon.of(
        item,
        world.date,
        plan=plan(world, item.plan),
        addon_provider=provider_reference(item.kind),
        deprovisioned_at=None,
        hds_resource=item.hds,
        **more,
    )


def app(world: World, item: state.App) -> main.App:
    flags = {"dedicated-database": True} if item.dedicated else {}
    return main.App.of(
        item,
        world.date,
        uuid=stable_uuid("app", item.id),
        owner=main.Owner.of(world.account, world.date, flags={}),
        git_url=f"git@ssh.{item.region}.scalingo.com:{item.name}.git",
        url=f"https://{item.name}.{item.region}.scalingo.io",
        base_url=f"https://{item.name}.{item.region}.scalingo.io",
        last_deployed_at=None,
        last_deployed_by=None,
        links=main.AppLinks(deployments_stream=f"wss://deployments.{item.region}.scalingo.invalid/apps/{item.name}"),
        stack_id=item.settings.get("stack_id") or stable_hexadecimal("stack", "scalingo-24"),
        sticky_session=bool(item.settings.get("sticky_session")),
        force_https=bool(item.settings.get("force_https")),
        router_logs=bool(item.settings.get("router_logs")),
        flags=flags,
        limits={},
        hds_resource=bool(item.settings.get("hds")) or any(addon.hds for addon in item.addons),
        private_networks_ids=[],
        project=main.Project(id=item.project_id, name=item.project_name),
    )


PLATFORM = "scalingo-platform"

_MAINTENANCE_EVENTS = {
    "plan_database_maintenance": "database_maintenance_planned",
    "start_database_maintenance": "database_maintenance_started",
    "complete_database_maintenance": "database_maintenance_completed",
    "miss_database_maintenance": "database_maintenance_missed",
}


def event(world: World, owner: state.App | None, item: state.Event) -> main.Event:
    name = item.type
    if world.switch("maintenance_events") == "documented":
        name = _MAINTENANCE_EVENTS.get(name, name)
    more = {"user": main.EventUser.of(world.account, world.date)} if item.by_user else {}
    if not item.by_user and world.switch("platform_user") == "present":
        platform = main.EventUser(
            id=f"us-{stable_uuid('user', PLATFORM)}", username=PLATFORM, email=f"{PLATFORM}@example.com"
        )
        more = {"user": platform}
    if owner is None:
        return main.Event.of(item, world.date, ("app_name",), type=name, **more)
    return main.Event.of(item, world.date, type=name, app_id=owner.id, app_name=item.app_name or owner.name, **more)


def dedicated(world: World, item: state.App) -> main.DedicatedDatabase:
    first = item.addons[0]
    more = {"app": app(world, item)} if world.switch("dedicated_app") == "present" else {}
    return main.DedicatedDatabase.of(item, world.date, technology=first.kind.provider, plan=first.plan.name, **more)


# pages


def digits(text: str) -> int | None:
    """The number that a part of a request is; None where it is none, or one that nobody means."""
    return int(text) if re.fullmatch("[0-9]{1,9}", text) else None


class PageRefused(ValueError):
    """page or per_page is not a number above 0."""


def page_of(items: list[Any], query: dict[str, str]) -> tuple[list[Any], int, int]:
    numbers = {}
    for name, default in (("page", 1), ("per_page", 20)):
        text = query.get(name, str(default))
        number = digits(text)
        if not number:
            raise PageRefused(name)
        numbers[name] = number
    page, per_page = numbers["page"], min(numbers["per_page"], 100)
    return items[(page - 1) * per_page : page * per_page], page, per_page


def meta(world: World, total: int, page: int, per_page: int) -> base.Meta:
    pages = max(1, math.ceil(total / per_page))
    numbers: dict[str, Any] = {
        "current_page": page,
        "per_page": per_page,
        "prev_page": page - 1 if page > 1 else None,
        "next_page": page + 1 if page < pages else None,
        "total_pages": pages,
        "total_count": total,
    }
    at_end = numbers["next_page"] is None
    position = world.switch("next_page")
    if at_end and position == "clamped":
        numbers["next_page"] = pages
    elif at_end and position == "zero":
        numbers["next_page"] = 0
    elif at_end and position == "missing":
        del numbers["next_page"]
    if world.switch("pagination") == "flat":
        return base.Meta(**numbers)
    return base.Meta(pagination=base.PaginationNumbers(**numbers))


# the database API


def instance_type(world: World, item: state.Instance) -> str:
    return world.switch("proxy_type") if item.type == "gateway" else item.type


def role(world: World, item: state.Instance) -> str:
    return world.switch("leader_role") if item.role == "leader" else item.role


def instance_features(world: World) -> list[str] | list[database.Feature]:
    if world.switch("instance_features") == "objects":
        return [database.Feature(name="tls", status="ACTIVATED")]
    return ["tls"]


def feature(item: state.Feature) -> database.Feature:
    more = {"message": f"the feature {item.name} is disabled"} if item.status == "DISABLED" else {}
    return database.Feature(name=item.name, status=item.status, **more)


_STATUS_OF_INSTANCES = {
    "creating": "booting",
    "updating": "restarting",
    "upgrading": "upgrading",
    "migrating": "migrating",
    "stopped": "stopped",
}


def instance_status(owner: state.Database, item: state.Instance) -> str:
    if item.status != "running":
        return item.status
    return _STATUS_OF_INSTANCES.get(owner.status, "running")


_MINIMAL = (
    "hostname",
    "next_version_id",
    "current_operation_id",
    "cluster",
    "maintenance_window",
    "mongo_repl_set_name",
    "first_pitr_backup",
    "flags",
    "postgresql_config",
)


def database_answer(world: World, owner: state.Addon) -> database.DatabaseAnswer:
    item = owner.database
    table = world.catalog.table(item.kind)
    version = item.engine.version()
    following = next_version(world, item)
    hours: Any = list(item.periodic_backups_scheduled_at)
    if world.switch("scheduled_at") == "integer" and hours:
        hours = hours[0]
    fields: dict[str, Any] = {
        "resource_id": owner.resource_id,
        "app_name": world.app_of(owner).name,
        "features": [feature(entry) for entry in item.features],
        "plan": item.plan.name,
        "type_id": item.kind.type_id,
        "type_name": item.kind.type_name,
        "version_id": table.identifier(version),
        "mongo_repl_set_name": f"{owner.resource_id}-rs0" if item.kind.type_name == "mongodb" else "",
        "readable_version": str(version),
        "hostname": f"{item.hostname}:{item.port}",
        "instances": [
            database.Instance.of(
                entry,
                world.date,
                status=instance_status(item, entry),
                type=instance_type(world, entry),
                features=instance_features(world),
            )
            for entry in item.instances
        ],
        "next_version_id": table.identifier(following) if following else None,
        "cluster": item.plan.nodes > 1,
        "periodic_backups_scheduled_at": hours,
        "maintenance_window": database.MaintenanceWindow.of(item.window, world.date),
        "first_pitr_backup": None if item.earliest_recoverable_at is None else world.date(item.earliest_recoverable_at),
    }
    if item.kind.type_name == "postgresql":
        extensions = {entry.name for entry in item.engine.list_extensions()}
        fields["postgresql_config"] = database.PostgresqlConfig(timescaledb_enabled="timescaledb" in extensions)
    without = _MINIMAL if world.switch("database_fields") == "minimal" else ()
    fields = {name: value for name, value in fields.items() if name not in without}
    return database.DatabaseAnswer(database=database.Database.of(item, world.date, without, **fields))


def plugins(world: World, kind: Kind) -> list[database.Plugin] | list[str] | None:
    position = world.switch("allowed_plugins")
    if position == "null":
        return None
    names = ("analysis-icu", "analysis-phonetic") if kind.type_name == "elasticsearch" else ()
    if position == "strings":
        return list(names)
    return [
        database.Plugin(
            id=stable_hexadecimal("plugin", name),
            feature_name=f"plugin-{name}",
            install_name=name,
            display_name=name.replace("-", " "),
            description=f"The plugin {name}",
        )
        for name in names
    ]


def type_version(
    world: World, table: VersionTable, item: Version, *, nested: bool = True
) -> database.DatabaseTypeVersion:
    fields: dict[str, Any] = {
        "id": table.identifier(item),
        "database_type_id": table.kind.type_id,
        "created_at": world.date(EPOCH),
        "updated_at": world.date(EPOCH),
        "features": ["tls"],
        "allowed_plugins": plugins(world, table.kind),
    }
    following = table.following(item)
    position = world.switch("next_upgrade")
    if nested or position == "nested":
        fields["next_upgrade"] = None
        if following is not None and position == "identifier":
            fields["next_upgrade"] = table.identifier(following)
        elif following is not None:
            fields["next_upgrade"] = type_version(world, table, following, nested=False)
    if world.switch("type_versions") == "on":
        fields["database_type_name"] = table.kind.type_name
    if world.switch("version_numbers") == "null":
        fields.update(minor=None, patch=None, build=None)
    return database.DatabaseTypeVersion.of(item, world.date, **fields)


def database_type(world: World, kind: Kind) -> database.DatabaseType:
    table, more = world.catalog.table(kind), {}
    if world.switch("type_versions") == "on":
        more["default_version_id"] = table.identifier(table.latest)
    return database.DatabaseType(
        **more,
        id=kind.type_id,
        name=kind.type_name,
        logo_url=logo(kind.type_name),
        short_description=kind.display_name,
        description=f"A managed {kind.display_name} database",
        created_at=world.date(EPOCH),
        updated_at=world.date(EPOCH),
    )


def database_plan(world: World, item: Plan, kind: Kind) -> database.DatabasePlan:
    return database.DatabasePlan.of(
        item,
        world.date,
        id=item.identifier,
        backup=kind.backups,
        manual_backups_count=item.manual_backups,
        daily_scheduled_backups=item.daily_backups,
        weekly_scheduled_backups=item.weekly_backups,
        monthly_scheduled_backups=item.monthly_backups,
        pitr_backup_days=item.recovery_days,
        gateway_nodes=1 if item.nodes == 1 else 2,
        **(_nodes(item, kind) if world.switch("plan_nodes") == "present" else {}),
    )


def _nodes(item: Plan, kind: Kind) -> dict[str, int | None]:
    """The nodes of a plan by kind."""
    nodes: dict[str, int | None] = {
        "mongodb": {"mongo_data_node": item.nodes, "mongo_arbiter_node": 0, "mongo_backup_node": 0},
        "mysql": {"mysql_nodes": item.nodes},
        "postgresql": {"postgresql_nodes": item.nodes},
        "redis": {"redis_nodes": item.nodes, "sentinel_nodes": 0 if item.nodes == 1 else 3},
    }.get(kind.type_name, {"es_master_data_nodes": item.nodes} if "search" in kind.type_name else {})
    return {"minimum_version": None, **nodes}


def backup(world: World, owner: state.Database, item: state.Backup, size: int | None) -> database.Backup:
    if size is None and world.switch("backup_size") == "zero":
        size = 0
    without: list[str] = []
    if world.switch("backup_started_at") == "missing":
        without.append("started_at")
    if download_token(world, item) is None:
        without += ["download_token", "download_token_date"]
    more = {"type": owner.kind.type_name} if world.switch("backup_type") == "present" else {}
    return database.Backup.of(item, world.date, without, size=size, database_id=owner.id, **more)


DOWNLOAD_TOKEN_LIFE = 300


def download_token(world: World, item: state.Backup) -> str | None:
    """The token of a backup's archive, where it has one: a new one every five minutes."""
    if world.switch("download_token") == "missing" or item.status != "done":
        return None
    now = world.clock.clients()
    if item.download_token_until <= now:
        item.download_token, item.download_token_until = world.tokens.make_download(), now + DOWNLOAD_TOKEN_LIFE
        item.download_token_date = world.now()
    return item.download_token


def restoration(world: World, owner: state.Database, item: state.Restoration) -> database.Restoration:
    return database.Restoration.of(item, world.date, method="backup", database_id=owner.id)


def firewall_rule(world: World, owner: state.Database, item: state.FirewallRule) -> database.FirewallRule:
    without = [name for name in ("cidr", "label", "range_id") if getattr(item, name) is None]
    return database.FirewallRule.of(item, world.date, without, database_id=owner.id)


def metrics(world: World, item: state.Database) -> database.MetricsAnswer:
    limit = item.plan.memory * 1024 * 1024
    used, peak = limit * 29 // 100, limit * 41 // 100
    disk = 37_825_858
    table = world.switch("metrics_names") == "table"
    per_instance = {
        entry.id: database.InstanceMetrics(
            instance_id=entry.id,
            instance_address=f"{entry.hostname}:{entry.port}",
            real_disk_size=disk,
            cpu=database.CpuNumbers(usage_in_percents=0) if entry is not item.instances[-1] else None,
            memory=database.MemoryNumbers(
                memory_usage=used,
                swap_usage=20480,
                memory_limit=limit,
                swap_limit=limit,
                max_memory_usage=peak,
                max_swap_usage=0,
            ),
        )
        for entry in item.instances
    }
    memory = (
        database.MemoryNumbers(memory_usage=used, swap_usage=20480, memory_limit=limit, swap_limit=limit)
        if table
        else database.MemoryNumbers(
            memory=used, memory_max=peak, memory_limit=limit, swap=20480, swap_max=0, swap_limit=limit
        )
    )
    more: dict[str, Any] = {}
    if table:
        more["instance_metrics"] = per_instance
    elif world.switch("instances_metrics") == "list":
        more["instances_metrics"] = list(per_instance.values())
    else:
        more["instances_metrics"] = per_instance
    return database.MetricsAnswer(
        cpu_usage=0, memory=memory, database_stats=item.engine.stats(), real_disk_size=disk, **more
    )


def series(world: World, item: state.Database, name: str, hours: int, last: bool) -> database.SeriesAnswer:
    """Points every ten minutes."""
    count = 1 if last else max(1, hours * 6)
    limit = item.plan.memory * 1024 * 1024
    values: dict[str, tuple[Any, dict[str, int]]] = {
        "cpu": (database.CpuPoint, {"cpu_usage": 2}),
        "memory": (
            database.MemoryPoint,
            {"memory": limit * 29 // 100, "memory_max": limit * 41 // 100, "memory_limit": limit},
        ),
        "swap": (database.SwapPoint, {"swap": 20480, "swap_max": 0, "swap_limit": limit}),
        "disk": (database.DiskPoint, {"disk_used": 37_825_858, "disk_total": item.plan.disk * 1024 * 1024}),
        "diskio": (database.DiskioPoint, {"diskio_reads": 120, "diskio_writes": 48}),
    }
    model, numbers = values[name]
    now = world.now() // 600 * 600
    points = [model(time=world.date(now - 600 * index), **numbers) for index in reversed(range(count))]
    return database.SeriesAnswer(**{f"{name}_metrics": points})


def link(world: World, address: str, path: str, seconds: float, token: str | None = None) -> str:
    """A signed link that expires."""
    token = token or world.tokens.make_link(path, seconds)
    return f"{address}{quote(path)}?token={token}"
